# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module siths_orders: bring the orders of SITHS cards in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.people.identified import Identities
from ..desired.siths.orders import desire
from ..desired.siths.rules import Rules
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..records.payload import Approved
from .identities import GATE_ARGUMENTS, IDENTITY_ARGUMENTS
from .ledger import failing
from .orders import ORDER_ARGUMENTS, bring_orders_in_line
from .system import PERSON_ARGUMENTS, SYSTEM_ARGUMENTS

_RULE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "renewal_days": {"type": "int", "default": 90},
    "collect_days": {"type": "int", "default": 92},
    "arrival_days": {"type": "int", "default": 56},
    "recipient": {"type": "str", "default": "ra_organisation"},
}

ARGUMENTS = {
    **SYSTEM_ARGUMENTS,
    **PERSON_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **GATE_ARGUMENTS,
    **ORDER_ARGUMENTS,
    **_RULE_ARGUMENTS,
}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for the orders of SITHS cards and leave the module."""
    params = module.params
    with failing(module):
        rules = Rules(**{name: params[name] for name in _RULE_ARGUMENTS})

    def wish(
        approved: Approved, as_of: dt.date, held: Sequence[Entry], known: Identities
    ) -> Desired:
        failures = params["hsa_failures"]
        return desire(approved, as_of, rules, held, known, failures, module.check_mode)

    bring_orders_in_line(module, "siths", wish)
