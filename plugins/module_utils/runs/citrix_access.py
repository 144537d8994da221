# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module citrix_access: bring a delivery group's access policy in line with the records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.citrix.holdings import index
from ..desired.citrix.layout import Layout
from ..desired.citrix.reading import table
from ..desired.citrix.rules import desire
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..records.identifiers import shown
from ..records.payload import Approved
from ..systems.citrix_site import CitrixSite
from .citrix import CITRIX_ARGUMENTS, settings
from .ledger import failing
from .system import SYSTEM_ARGUMENTS, bring_in_line

_LAYOUT_ARGUMENTS: dict[str, dict[str, Any]] = {
    "domain": {"type": "str", "required": True},
    "group_prefix": {"type": "str", "default": "Halsoval-"},
    "rule_prefix": {"type": "str", "default": "Halsoval-"},
}

_BEFORE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "workstations_result": {"type": "str"},
    "registry_failures": {"type": "dict", "default": {}},
}

ARGUMENTS = {
    **SYSTEM_ARGUMENTS,
    **CITRIX_ARGUMENTS,
    **_LAYOUT_ARGUMENTS,
    **_BEFORE_ARGUMENTS,
}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for the access policy and leave the module."""
    params = module.params
    with failing(module):
        names = {name: params[name] for name in _LAYOUT_ARGUMENTS}
        layout = Layout(delivery_group=params["delivery_group"], **names)

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], _ledger: Ledger) -> Desired:
        return desire(approved, as_of, layout, held, params["registry_failures"])

    def access(site: CitrixSite) -> Mapping[str, Any]:
        for sentence in site.told:
            module.warn(shown(sentence))
        return {"access": table(index(site.rules, layout))}

    bring_in_line(
        module,
        "Citrix",
        lambda _ledger: CitrixSite(settings(params), params["delivery_group"]),
        wish,
        lambda site: site.left,
        access,
    )
