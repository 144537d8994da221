# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ad_accounts: bring Active Directory in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.ad.accounts import desire
from ..desired.ad.certificates import (
    certificate_mappings,
    known_mappings,
    mappings_by_person,
)
from ..desired.ad.layout import Layout, schema, searches
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..orders.certificates import certificates, known_certificates
from ..records.payload import Approved
from .directory import LDAP_ARGUMENTS, directory
from .identities import GATE_ARGUMENTS, IDENTITY_ARGUMENTS, identities
from .ledger import failing
from .system import PERSON_ARGUMENTS, SYSTEM_ARGUMENTS, bring_in_line

try:
    from anyascii import anyascii

    HAS_ANYASCII = True
except ImportError:  # ansible-test imports this file without it
    HAS_ANYASCII = False

_LAYOUT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "base_dn": {"type": "str", "required": True},
    "account_ou": {"type": "str", "required": True},
    "quarantine_ou": {"type": "str", "required": True},
    "group_ou": {"type": "str", "required": True},
    "upn_suffix": {"type": "str", "required": True},
    "groups": {"type": "dict", "default": {}},
    "account_name": {"type": "str", "default": "{serial}"},
    "group_prefix": {"type": "str", "default": "Halsoval-"},
    "key_attribute": {"type": "str", "default": "extensionName", "no_log": False},
    "protected_name": {"type": "str", "default": "Skyddad person"},
    "dormant_days": {"type": "int", "default": 90},
    "grace_days": {"type": "int", "default": 90},
}
_CERTIFICATE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "certificates": {
        "type": "list",
        "elements": "dict",
        "options": {
            "hsa_id": {"type": "str", "required": True},
            "issuer": {"type": "str"},
            "serial": {"type": "str"},
            "ski": {"type": "str"},
        },
    },
}

ARGUMENTS = {
    **SYSTEM_ARGUMENTS,
    **PERSON_ARGUMENTS,
    **LDAP_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **GATE_ARGUMENTS,
    **_LAYOUT_ARGUMENTS,
    **_CERTIFICATE_ARGUMENTS,
}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for Active Directory and leave the module."""
    params = module.params
    with_names = any(field in params["account_name"] for field in ("given", "surname"))
    if with_names and not HAS_ANYASCII:
        # Without names in the scheme nothing needs it: what ends must not wait for a package.
        module.fail_json(msg="the Python package anyascii is missing: pip install anyascii")
    with failing(module):
        layout = Layout(
            in_ascii=anyascii if HAS_ANYASCII else str,
            **{name: params[name] for name in _LAYOUT_ARGUMENTS},
            certificates=certificate_mappings(params["certificates"]),
        )

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        return desire(
            approved, as_of, _with_cards(layout, ledger), held,
            identities(module, approved, as_of, ledger),
            params["hsa_failures"], module.check_mode,
        )  # fmt: skip

    bring_in_line(
        module,
        "AD",
        lambda _ledger: directory(params, searches(layout), schema(layout), active_directory=True),
        wish,
    )


def _with_cards(layout: Layout, ledger: Ledger) -> Layout:
    """The layout with the certificates on people's cards, where no option gives them."""
    layout = replace(layout, known_certificates=known_mappings(known_certificates(ledger)))
    if layout.certificates is not None:
        return layout
    mappings = mappings_by_person(certificates(ledger))
    return replace(layout, certificates=mappings, are_all=False)
