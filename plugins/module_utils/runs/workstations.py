# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module workstations: bring the registry of workstations in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.workstations.entries import desire
from ..desired.workstations.layout import SCHEMA, Layout, searches
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..records.payload import Approved
from .directory import LDAP_ARGUMENTS, directory
from .ledger import failing
from .licences import LICENCE_ARGUMENTS, lacking, rules_of
from .system import SYSTEM_ARGUMENTS, bring_in_line

_LAYOUT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "branch": {"type": "str", "required": True},
    "attestation_days": {"type": "int", "default": 365},
}

ARGUMENTS = {**SYSTEM_ARGUMENTS, **LDAP_ARGUMENTS, **_LAYOUT_ARGUMENTS, **LICENCE_ARGUMENTS}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for the registry and leave the module."""
    params = module.params
    with failing(module):
        layout = Layout(**{name: params[name] for name in _LAYOUT_ARGUMENTS})
        rules = rules_of(params)

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        return desire(approved, as_of, layout, held, lacking(approved, as_of, rules, ledger))

    bring_in_line(
        module,
        "workstations",
        lambda _ledger: directory(params, searches(layout), SCHEMA),
        wish,
    )
