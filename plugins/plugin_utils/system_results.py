# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a system's registered result says of one provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_FAILED = {"changed": False, "failed": True}


def of_provider(registered: Any, name: str, provider: str) -> Mapping[str, Any]:
    """This provider's part of the result registered under a name, or what to say without one."""
    if not isinstance(registered, Mapping):
        return {**_FAILED, "msg": f"{name} holds no result: its task did not run"}
    if registered.get("skipped"):
        return {"changed": False, "failed": False, "msg": "skipped"}
    if registered.get("failed"):  # Ansible has shown it, once for all
        return {**_FAILED, "msg": "nothing was done for anybody: its task failed, see there"}
    # Where failed_when keeps a task from ending the play, `failed` does not tell.
    own = registered.get("providers", {}).get(provider)
    if own is None:
        silence = f"{name} holds no result for this provider"
        return {**_FAILED, "msg": registered.get("msg") or silence}
    return dict(own)


def failures(registered: Any, name: str, providers: Iterable[str]) -> dict[str, str] | None:
    """The providers that failed, with the message; None where the task is not part of the play.

    Not those of which a person must confirm something: the rest was done.
    """
    if not isinstance(registered, Mapping) or registered.get("skipped"):
        return None
    results = {provider: of_provider(registered, name, provider) for provider in providers}
    return {p: str(own.get("msg", "")) for p, own in results.items() if _has_failed(own)}


def refusals(registered: Any, name: str, providers: Iterable[str]) -> list[str]:
    """The providers whose plan the system refused."""
    return [p for p in providers if of_provider(registered, name, p).get("refused")]


def _has_failed(own: Mapping[str, Any]) -> bool:
    rest = [error for error in own.get("errors", ()) if error not in own.get("withheld", ())]
    return bool(own.get("failed")) and bool(rest or not own.get("errors"))


def tasks(
    registered: Any, name: str, providers: Iterable[str]
) -> dict[str, list[dict[str, str]]] | None:
    """The owner_tasks of each provider that has any say; None where the task did not run."""
    if not isinstance(registered, Mapping) or registered.get("skipped"):
        return None
    results = {provider: of_provider(registered, name, provider) for provider in providers}
    return {p: list(own["owner_tasks"]) for p, own in results.items() if "owner_tasks" in own}
