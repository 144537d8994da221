# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every module that works on a system: it hands the module the approved records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from . import ledger_action, record_store
from .system_results import failures, refusals, tasks

# What a system is called whose registered result an option names.
_BEFORE = {"hsa_result": "HSA", "siths_result": "siths", "ad_result": "AD"}


class ActionModule(ledger_action.ActionModule):
    """Runs the task's module with its own options and all approved records.

    The records travel as the path of a memory file. Where an option names another system's
    registered result, the module gets what it needs of it, not all of it.
    """

    _own = (
        *ledger_action.ActionModule._own,
        "records", "hsa_failures", "owner_tasks", "registry_failures", "refused",
    )  # fmt: skip

    def _module(self, options: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if record_store.reading().proposal and not self._task.check_mode:
            raise AnsibleActionFail(
                "expected check mode: with approve_provider drafts stand among the records, of"
                " which nothing is done"
            )
        with record_store.payload() as path:
            others = dict(self._of_others(task_vars))
            return super()._module({**options, **others, "records": path}, task_vars)

    def _of_others(self, variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """What came of the systems before in the play, where the task asks for it."""
        providers = self._task.args.get("providers", ())
        refused: dict[str, str] = {}
        for option, system in _BEFORE.items():
            name = self._task.args.get(option)
            if name:
                theirs = refusals(variables.get(name), name, providers)
                refused |= dict.fromkeys(theirs, system)
                yield "refused", refused
        for option, own, part in (
            ("hsa_result", "hsa_failures", failures),
            ("ad_result", "owner_tasks", tasks),
            ("workstations_result", "registry_failures", failures),
        ):
            name = self._task.args.get(option)
            if name:
                told = part(variables.get(name), name, providers)
                if told is not None:
                    yield own, told
