# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider's own result, from what the systems' tasks registered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.action.provider_result import (
    _in_words,
    _together,
    _told,
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


# --- what Ansible is told ------------------------------------------------------------------------

BIG = {"systems": {"hsa": {"errors": ["refused"] * 1000}}, "summary": "alfa: hsa: FAILED"}


def told(changed: bool, failed: bool, changed_first: bool, everything: bool) -> dict[str, Any]:
    own = {"changed": changed, "failed": failed, "msg": "hsa: refused", "diff": [], **BIG}
    return _told(own, changed_first, everything)


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("changed_first", [False, True])
@pytest.mark.parametrize("everything", [False, True])
def test_a_failure_is_never_lost(changed: bool, changed_first: bool, everything: bool) -> None:
    """It fails the task, or is left to the handler, which a change calls."""
    result = told(changed, True, changed_first, everything)
    left = changed and changed_first
    assert (result["failed"], result["incomplete"]) == (not left, True)
    assert result["changed"] is changed


@pytest.mark.parametrize("changed_first", [False, True])
def test_where_nothing_failed_nothing_is_incomplete(changed_first: bool) -> None:
    result = told(True, False, changed_first, False)
    assert (result["changed"], result["failed"], result["incomplete"]) == (True, False, False)
    assert result["systems"] == BIG["systems"]


def test_a_failure_shows_its_message_and_the_summary_and_the_rest_when_asked() -> None:
    short = told(False, True, True, everything=False)
    assert short == {
        "changed": False, "failed": True, "incomplete": True, "msg": "hsa: refused",
        "summary": "alfa: hsa: FAILED",
    }  # fmt: skip
    assert told(False, True, True, everything=True)["systems"] == BIG["systems"]


def test_what_is_left_to_the_handler_keeps_its_differences() -> None:
    assert "diff" in told(True, True, True, everything=False)


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


def test_what_of_the_ordered_groups_is_used_is_said_beside_the_workstations() -> None:
    own = {"counts": {"workstation": 17, "added": 2}}
    used = {"workstations": {"registered": 17, "capacity": 20, "groups": 2}}
    said = _in_words({"hsa": own, "workstations": {**own, **used}})
    assert said == (
        "hsa: workstation 17, added 2; workstations: workstation 17, added 2; 17 of 20 in 2 groups"
    )
