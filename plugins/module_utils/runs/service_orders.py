# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module service_orders: bring the orders of services in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.people.identified import Identities
from ..desired.services.orders import desire, recorded
from ..desired.services.rules import Rules
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..records.payload import Approved
from .identities import GATE_ARGUMENTS, IDENTITY_ARGUMENTS
from .ledger import failing
from .orders import ORDER_ARGUMENTS, bring_orders_in_line
from .system import PERSON_ARGUMENTS, SYSTEM_ARGUMENTS

_RULE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "recipients": {"type": "dict", "default": {}},
    "due_days": {"type": "int", "default": 14},
    "ace_contract": {"type": "str", "choices": ["supplier", "region"], "default": "supplier"},
}
_BASELINE_ARGUMENTS: dict[str, dict[str, Any]] = {"baseline": {"type": "bool", "default": False}}
_BEFORE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "siths_result": {"type": "str"},
    "ad_result": {"type": "str"},
    "owner_tasks": {"type": "dict"},
}

ARGUMENTS = {
    **SYSTEM_ARGUMENTS,
    **PERSON_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **GATE_ARGUMENTS,
    **ORDER_ARGUMENTS,
    **_RULE_ARGUMENTS,
    **_BASELINE_ARGUMENTS,
    **_BEFORE_ARGUMENTS,
}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for the orders of services and leave the module."""
    params = module.params
    with failing(module):
        rules = Rules(**{name: params[name] for name in _RULE_ARGUMENTS})

    def wish(
        approved: Approved, as_of: dt.date, held: Sequence[Entry], known: Identities
    ) -> Desired:
        desired = desire(
            approved, as_of, rules, held, known,
            params["owner_tasks"], params["hsa_failures"], module.check_mode,
        )  # fmt: skip
        return recorded(desired) if params["baseline"] else desired

    bring_orders_in_line(module, "services", wish)
