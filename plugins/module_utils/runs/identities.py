# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For modules: who everybody is in HSA, read there or recalled from earlier runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.hsa.identities import identify, recall, seen_ids
from ..desired.hsa.layout import Layout, identity_searches, schema
from ..desired.people.identified import Identities
from ..ledger.ledger import Ledger
from ..records.identifiers import shown
from ..records.payload import Approved
from ..records.people import Remembered
from ..systems.directory import DirectoryError
from .directory import LDAP_ARGUMENTS, directory


def _option(name: str) -> str:
    """What an option of the module hsa is called where a module of another system has it."""
    return f"hsa_{name.removeprefix('hsa_')}"


# How a region's HSA is laid out, as far as HSA-ids depend on it.
IDENTITY_LAYOUT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "base_dn": {"type": "str", "required": True},
    "provider_branch": {"type": "str", "required": True},
    "people_branch": {"type": "str", "required": True},
    "hsa_id_prefix": {"type": "str", "default": "SE2321000214-HV"},
    "key_attribute": {"type": "str", "default": "halsovalKey", "no_log": False},
    "renamed": {"type": "dict", "default": {}},
    "lead_days": {"type": "int", "default": 56},
}

# The options of the doc fragment `identities`: the same, and how to log in to read.
IDENTITY_ARGUMENTS: dict[str, dict[str, Any]] = {
    _option(name): spec for name, spec in {**LDAP_ARGUMENTS, **IDENTITY_LAYOUT_ARGUMENTS}.items()
}

# The options of the doc fragment `gate`: what waits for HSA, and for the systems before.
GATE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "hsa_result": {"type": "str"},
    "hsa_failures": {"type": "dict"},
    "refused": {"type": "dict", "default": {}},
}


def identities(
    module: AnsibleModule, approved: Approved, as_of: dt.date, ledger: Ledger
) -> Identities:
    """Who everybody is, by a read of HSA as the options of the doc fragment `identities` say.

    Where HSA cannot be read they are as an earlier run saw them there.
    """
    params = module.params
    layout = Layout(**{name: params[_option(name)] for name in IDENTITY_LAYOUT_ARGUMENTS})
    login = {name: params[_option(name)] for name in LDAP_ARGUMENTS}
    uri, numbers = login["server_uri"], numbers_of(approved)
    remembered = ledger.recall(uri, numbers)
    try:
        held = directory(login, identity_searches(layout), schema(layout)).read()
    except DirectoryError as error:
        # The reason once: each provider whose people wait has the words below.
        module.warn(shown(f"HSA could not be read: {error}"))
        return recall(approved, as_of, layout, remembered, unread(remembered))
    remember(module, ledger, uri, seen_ids(held, layout, numbers))
    return identify(approved, as_of, layout, held, remembered)


def unread(remembered: Remembered) -> str:
    """What waits for HSA is told, where that could not be read."""
    if remembered.ids:
        return "HSA could not be read"
    return "HSA could not be read, and no earlier run read it at this address"


def numbers_of(approved: Approved) -> frozenset[str]:
    """Every personal number that the records name."""
    people = (row for record in approved.records for row in record.staff.people)
    return frozenset(number for row in people for number in row.numbers)


def remember(module: AnsibleModule, ledger: Ledger, uri: str, seen: Mapping[str, str]) -> None:
    """Have the ledger keep the HSA-ids that were seen of people by number, but in check mode."""
    if not module.check_mode:
        ledger.keep(uri, seen)
