# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store, wind_down
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.system_results import of_provider

_SPEC: dict[str, Any] = {"results": {"type": "list", "elements": "str", "default": []}}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Returns the wind-down sheet of this host, which must have an end date in its record."""

    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables: Mapping[str, Any] = task_vars or {}
        host = variables["inventory_hostname"]
        _spec, options = self.validate_argument_spec(_SPEC)
        if not context.CLIARGS.get("subset"):
            raise AnsibleActionFail("expected --limit <provider>: offboard is about those you name")
        results = {
            name.removeprefix("halsoval_"): of_provider(variables[name], name, host)
            for name in options["results"]
            if _has_run(variables.get(name))
        }
        return {**result, "changed": False, "sheet": _sheet(host, results)}


def _has_run(registered: Any) -> bool:
    return isinstance(registered, Mapping) and not registered.get("skipped")


def _sheet(host: str, results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    try:
        reading = record_store.reading()
        if host in reading.errors:
            raise AnsibleActionFail("\n".join(reading.errors[host]))
        part = from_json(Record, json.loads(reading.providers[host].data)).agreement
        return wind_down.sheet(host, part.name, part.agreement.ends, results)
    except (record_store.StoreError, wind_down.NoEnd) as error:
        raise AnsibleActionFail(str(error)) from None
