# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import shown
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Fails unless the records were read and providers exist."""

    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        try:
            reading = record_store.reading()
        except record_store.StoreError as error:
            raise AnsibleActionFail(str(error)) from None
        phases = Counter(provider.phase for provider in reading.providers.values())
        return {
            **result,
            "changed": False,
            "as_of": reading.as_of.isoformat(),
            "providers": len(reading.providers),
            "invalid": list(reading.errors),
            "conflicts": {host: list(them) for host, them in reading.conflicts.items()},
            "phases": dict(phases),
            "findings": [
                {name: shown(text) for name, text in asdict(finding).items()}
                for finding in reading.findings
            ],
        }
