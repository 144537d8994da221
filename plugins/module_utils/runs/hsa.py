# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module hsa: bring HSA in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.hsa.entries import desire
from ..desired.hsa.identities import seen_ids
from ..desired.hsa.layout import Layout, schema, searches
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..orders.cards_out import cards_out
from ..records.payload import Approved
from .directory import LDAP_ARGUMENTS, directory
from .identities import IDENTITY_LAYOUT_ARGUMENTS, numbers_of, remember
from .ledger import failing
from .system import PERSON_ARGUMENTS, SYSTEM_ARGUMENTS, bring_in_line

_LAYOUT_ARGUMENTS: dict[str, dict[str, Any]] = {
    **IDENTITY_LAYOUT_ARGUMENTS,
    "key_class": {"type": "str", "default": "halsovalObject", "no_log": False},
    "system_roles": {"type": "dict", "default": {}},
    "public_indicator": {"type": "str", "default": "03"},
    "protected_name": {"type": "str", "default": "Skyddad person"},
    "feigned": {"type": "bool", "default": False},
}

ARGUMENTS = {**SYSTEM_ARGUMENTS, **PERSON_ARGUMENTS, **LDAP_ARGUMENTS, **_LAYOUT_ARGUMENTS}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for HSA and leave the module."""
    params, uri = module.params, module.params["server_uri"]
    with failing(module):
        layout = Layout(**{name: params[name] for name in _LAYOUT_ARGUMENTS})

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        numbers = numbers_of(approved)
        remembered = ledger.recall(uri, numbers)
        remember(module, ledger, uri, seen_ids(held, layout, numbers))
        return desire(approved, as_of, layout, held, remembered, cards_out(ledger))

    bring_in_line(
        module,
        "HSA",
        lambda _ledger: directory(params, searches(layout), schema(layout)),
        wish,
    )
