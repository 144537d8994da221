# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.words import some_of
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.counted_once import (
    differences,
    names,
)


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Fails where a variable that counts once is not the same for all hosts."""

    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = task_vars or {}
        _spec, options = self.validate_argument_spec(
            {"variables": {"type": "list", "elements": "str"}}
        )
        first = known["inventory_hostname"]
        # With --limit too: all records are read, and what they need of a system is one.
        others = {**dict.fromkeys(known["ansible_play_hosts_all"]),
                  **dict.fromkeys(known["groups"].get("providers", ()))}  # fmt: skip
        others.pop(first, None)
        found = differences(
            options["variables"] or names(), first, others, known["hostvars"].raw_get
        )
        if not found:
            return {**result, "changed": False}
        words = some_of([*map(str, found)], "; ")
        msg = f"expected one value for all hosts of what counts once for the whole run: {words}"
        return {**result, "changed": False, "failed": True, "msg": msg}
