# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider's own result, from what the systems' tasks registered."""

from __future__ import annotations

from typing import Any

from ansible_collections.regionjh.halsoval.plugins.action.provider_result import (
    _in_words,
    _together,
)

UNCHANGED = {"changed": False, "failed": False, "msg": ""}
CHANGED = {"changed": True, "failed": False, "msg": "", "diff": {"before": "a", "after": "b"}}
FAILED = {"changed": True, "failed": True, "msg": "refused\nwith reason"}


def test_all_systems_together() -> None:
    summary = _together({"hsa": UNCHANGED, "ad": CHANGED, "citrix": FAILED}, with_diff=True)

    assert (summary["changed"], summary["failed"]) == (True, True)
    assert summary["msg"] == "citrix: refused\nwith reason"
    assert summary["diff"] == [{"before": "a", "after": "b"}]
    assert "diff" not in summary["systems"]["ad"]


def test_nothing_to_say() -> None:
    summary = _together({"hsa": UNCHANGED}, with_diff=True)

    assert summary == {"changed": False, "failed": False, "msg": "", "systems": {"hsa": UNCHANGED}}


def test_differences_are_shown_only_when_asked_for() -> None:
    assert "diff" not in _together({"ad": CHANGED}, with_diff=False)


def test_tasks_for_people_are_in_the_systems_own_part() -> None:
    task = {"service": "ekg_data", "person": "SE1-A", "act": "join"}
    summary = _together({"ad": {**UNCHANGED, "owner_tasks": [task]}}, with_diff=False)

    assert summary["systems"]["ad"]["owner_tasks"] == [task]
    assert summary["failed"] is False


# --- in one line ---------------------------------------------------------------------------------


def words(**ad: Any) -> str:
    return _in_words({"hsa": {**UNCHANGED, "counts": {"unit": 1}}, "ad": {**UNCHANGED, **ad}})


def test_the_line_counts_what_each_system_has() -> None:
    assert words(counts={"account": 2, "added": 1}) == "hsa: unit 1; ad: account 2, added 1"


def test_the_line_says_what_failed_and_what_a_person_should_look_at() -> None:
    line = words(failed=True, counts={"account": 2}, findings=[{}, {}])
    assert line.endswith("ad: FAILED; account 2; findings 2 (see them with -v)")
    line = words(counts={"account": 2}, findings=[{"severity": "high"}, {"severity": "normal"}])
    assert line.endswith("ad: account 2; findings 2, 1 of high severity (see them with -v)")


def test_the_line_counts_tasks_for_people_unless_they_are_orders() -> None:
    assert words(owner_tasks=[{}]).endswith("ad: nothing; tasks for people 1 (see them with -v)")
    assert "tasks" not in words(owner_tasks=[])
    ordered = {"ad": {**UNCHANGED, "owner_tasks": [{}]}, "services": UNCHANGED}
    assert _in_words(ordered) == "ad: nothing; services: nothing"
