# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the module night: it hands over what the systems' tasks have registered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import ledger_action, record_store
from .memory_file import memory_file

# What the night needs of a provider's result; the rest, such as diffs, is large.
_TOLD = ("failed", "msg", "refused", "withheld", "changes", "findings")


class ActionModule(ledger_action.ActionModule):
    """Runs the module with the registered results that `results` names, read by their names.

    They are read of the first provider: a task that runs once registers for all.
    """

    _own = (*ledger_action.ActionModule._own, "night")

    def _module(self, options: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        read = record_store.reading()
        told = {
            "phases": {provider: host.phase for provider, host in read.providers.items()},
            "errors": read.errors,
            "results": dict(_results(self._task.args.get("results", ()), task_vars)),
        }
        with memory_file("halsoval-night", [json.dumps(told, default=str).encode()]) as path:
            return super()._module({**options, "night": path}, task_vars)


def _results(names: list[str], task_vars: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    first = next(iter(task_vars["groups"].get("providers", ())), None)
    variables = task_vars["hostvars"][first] if first is not None else {}
    for name in names:
        yield name.removeprefix("halsoval_"), _told(variables.get(name), name)


def _told(registered: Any, name: str) -> dict[str, Any]:
    if not isinstance(registered, Mapping):
        return {"failed": True, "msg": f"{name} holds no result: its task did not run"}
    if registered.get("failed") and not registered.get("providers"):
        return {"failed": True, "msg": str(registered.get("msg", ""))}
    return {
        "skipped": bool(registered.get("skipped")),
        "findings": registered.get("findings", []),
        "providers": {
            provider: {name: own[name] for name in _TOLD if name in own}
            for provider, own in registered.get("providers", {}).items()
        },
    }
