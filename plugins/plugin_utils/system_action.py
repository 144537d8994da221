# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every module that works on a system: it hands the module the approved records."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from . import record_store
from .system_results import failures


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Runs the task's module with its own options and all approved records.

    The records travel as the path of a memory file: an argument would be shown by -vvv, by syslog
    and by callbacks, and a temporary file would outlive a kill. Where the option hsa_result names
    a registered result, the module gets the failures in it, not all of it.
    """

    # A detached module would look for the memory file after this process has gone.
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        for own in ("records", "hsa_failures"):
            if own in self._task.args:
                raise AnsibleActionFail(f"expected no option {own}: the action sets it")
        if self._connection.transport != "local":
            raise AnsibleActionFail(
                "expected ansible_connection: local; modules run where the records are"
            )
        try:
            with record_store.payload() as path:
                options = {**self._task.args, **self._hsa(task_vars or {}), "records": path}
                result.update(self._execute_module(module_args=options, task_vars=task_vars))
        except record_store.StoreError as error:
            raise AnsibleActionFail(str(error)) from None
        return result

    def _hsa(self, variables: dict[str, Any]) -> dict[str, Any]:
        """What failed in HSA earlier in the play, where the task asks for it."""
        name, providers = self._task.args.get("hsa_result"), self._task.args.get("providers", ())
        failed = failures(variables.get(name), name, providers) if name else None
        return {} if failed is None else {"hsa_failures": failed}
