# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every module that uses the ledger: it tells which run it is, and which day.

Passwords, and what somebody may have typed a personal number into, travel in memory as records do:
an argument would be shown by -vvv and by syslog.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import CONFIDENTIAL

from . import record_store
from .forked_module import Main, run_forked
from .memory_file import memory_file


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Runs the task's module with its own options, the run's id and the day of the records."""

    # The function `main` of the module.
    _main: Main
    # What the action sets, and nobody else.
    _own: tuple[str, ...] = ("run", "by_clock", "confidential")
    # A detached module would look for the records after this process has gone.
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        for own in self._own:
            if own in self._task.args:
                raise AnsibleActionFail(f"expected no option {own}: the action sets it")
        if self._connection.transport != "local":
            raise AnsibleActionFail(
                "expected ansible_connection: local; modules run where the records are"
            )
        if self._connection.become is not None:
            raise AnsibleActionFail("expected no become: modules run as the user of the run")
        try:
            reading = record_store.reading()
            options = {"as_of": reading.as_of.isoformat(), **self._task.args}
            by_clock = reading.by_clock and options["as_of"] == reading.as_of.isoformat()
            options |= {"run": record_store.RUN, "by_clock": by_clock}
            return result | self._module(options, task_vars or {})
        except record_store.StoreError as error:
            raise AnsibleActionFail(str(error)) from None

    def _module(self, options: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        kept = {n: str(options[n]) for n in CONFIDENTIAL if options.get(n) is not None}
        # Empty here, so that the module knows which were given.
        told = {**options, **dict.fromkeys(kept, "")}
        with memory_file("halsoval-options", [json.dumps(kept).encode()]) as path:
            arguments = {**told, "confidential": path}
            self._update_module_args(self._task.action, arguments, task_vars)
            environment: dict[str, str] = {}
            self._compute_environment_string(environment)
            name = self._task.action.rpartition(".")[2]
            return run_forked(name, self._main, arguments, environment)
