# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong, for which calls, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .answers import Refusal

KINDS: Mapping[str, str] = {
    "status": "answers `code` instead, with Retry-After if `retry_after` is told; 401 ends a token",
    "cut": "sends half of the body and closes the connection",
    "lost_reply": "does what was asked and closes the connection without an answer",
    "slow": "waits `seconds` before it answers",
    "repeat": "gives a page whose continuation leads to the same page",
    "short_page": "gives half of a page, and no continuation",
    "blind": "lists nothing, as to an administrator of another scope",
    "job": "the next job ends as `status`; InProgress: never",
    "endless_logoff": "a session stays, its logoff in progress",
}


class Faults:
    """Those that are told and have not struck as often as they shall."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def add(self, fault: Mapping[str, Any]) -> None:
        """Take a fault, or refuse it (400).

        `kind`; `method` and `path` (a regular expression) of the calls, all by default; `after`:
        so many of them are spared first; `times`: then so many are struck, null: all.
        """
        if fault.get("kind") not in KINDS:
            raise Refusal(400, "UnknownFault", f"kind is one of: {', '.join(KINDS)}")
        self.told.append({"method": "", "path": "", "after": 0, "times": 1, "struck": 0, **fault})

    def clear(self) -> None:
        self.told.clear()

    def strike(self, kind: str, method: str = "", path: str = "") -> dict[str, Any] | None:
        """The fault of this kind that hits this call, which is thereby counted; or nothing."""
        for fault in self.told:
            if fault["kind"] != kind or not _is_meant(fault, method, path):
                continue
            if fault["after"] > 0:
                fault["after"] -= 1
            elif fault["times"] is None or fault["struck"] < fault["times"]:
                fault["struck"] += 1
                return fault
        return None


def _is_meant(fault: Mapping[str, Any], method: str, path: str) -> bool:
    return (not fault["method"] or fault["method"] == method) and bool(
        re.search(fault["path"], path, re.IGNORECASE)
    )
