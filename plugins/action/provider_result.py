# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approved_records import Provider
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.system_results import of_provider

_FAILED = {"changed": False, "failed": True}
_SPEC: dict[str, Any] = {
    "results": {"type": "list", "elements": "str", "required": True},
    "changed_first": {"type": "bool", "default": False},
}
# What a failure shows without -v: of a large provider the rest is thousands of lines.
_SHOWN = ("changed", "failed", "msg", "summary", "incomplete")


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core has no types
    """Returns, as this host's own result, what the systems' tasks came to for this provider."""

    _requires_connection = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        host = variables["inventory_hostname"]
        _spec, options = self.validate_argument_spec(_SPEC)
        try:
            reading = record_store.reading()
        except record_store.StoreError as error:
            raise AnsibleActionFail(str(error)) from None
        if host in reading.errors:
            return {**result, **_invalid(host, reading.errors[host])}
        # Read by name: as an argument, all providers' results would be templated for each host.
        systems = {
            name.removeprefix("halsoval_"): of_provider(variables.get(name), name, host)
            for name in options["results"]
        }
        if host not in reading.providers:
            raise AnsibleActionFail(f"no approved record names the host {host}")
        if host in variables["groups"]:
            systems["inventory"] = {**_FAILED, "msg": f"a group is named {host} too: rename it"}
        words = f"{host} ({_standing(reading.providers[host])}): {_in_words(systems)}"
        own = {**_together(systems, bool(self._task.diff)), "summary": words}
        return {**result, **_told(own, options["changed_first"], self._display.verbosity > 0)}


def _standing(provider: Provider) -> str:
    """The phase, and in establishment what keeps the provider there."""
    if provider.phase != "establishment":
        return provider.phase
    return f"{provider.phase}, closed: {', '.join(provider.closed)}"


def _told(own: dict[str, Any], changed_first: bool, everything: bool) -> dict[str, Any]:
    """What Ansible is told: a task that fails has changed nothing to it."""
    told = {**own, "incomplete": own["failed"]}
    if changed_first and own["changed"]:
        return {**told, "failed": False}
    if own["failed"] and not everything:
        return {name: told[name] for name in _SHOWN}
    return told


def _invalid(host: str, errors: Sequence[str]) -> dict[str, Any]:
    summary = f"{host}: the record is invalid"
    return {**_FAILED, "msg": "\n".join(errors), "systems": {}, "summary": summary}


def _in_words(systems: Mapping[str, Mapping[str, Any]]) -> str:
    """What each system holds for the provider and what was done, in one line."""
    texts = []
    for name, own in systems.items():
        counts = ", ".join(f"{what} {number}" for what, number in own.get("counts", {}).items())
        failed = "FAILED; " if own.get("failed") else ""
        found, high = len(own.get("findings", ())), _of_high_severity(own)
        findings = f"; findings {found}" if found else ""
        findings += f", {high} of high severity" if high else ""
        # Where services are part of the play, they are orders there.
        waiting = len(own.get("owner_tasks", ())) if "services" not in systems else 0
        tasks = f"; tasks for people {waiting}" if waiting else ""
        more = " (see them with -v)" if found or waiting else ""
        room = _room(own["workstations"]) if "workstations" in own else ""
        texts.append(f"{name}: {failed}{counts or 'nothing'}{room}{findings}{tasks}{more}")
    return "; ".join(texts)


def _room(workstations: Mapping[str, int]) -> str:
    """How much is used of what the provider has ordered (annex 2.8)."""
    registered, capacity = workstations["registered"], workstations["capacity"]
    return f"; {registered} of {capacity} in {workstations['groups']} groups"


def _of_high_severity(own: Mapping[str, Any]) -> int:
    return sum(finding.get("severity") == "high" for finding in own.get("findings", ()))


def _together(systems: Mapping[str, Mapping[str, Any]], with_diff: bool) -> dict[str, Any]:
    together: dict[str, Any] = {
        "changed": any(own.get("changed") for own in systems.values()),
        "failed": any(own.get("failed") for own in systems.values()),
        "msg": "\n".join(
            f"{name}: {own['msg']}" for name, own in systems.items() if own.get("msg")
        ),
        "systems": {
            name: {key: value for key, value in own.items() if key != "diff"}
            for name, own in systems.items()
        },
    }
    diffs = [own["diff"] for own in systems.values() if own.get("diff")]
    return {**together, "diff": diffs} if with_diff and diffs else together
