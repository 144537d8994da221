# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider's own result, from what the systems' tasks registered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.action.provider_result import (
    _of_provider,
    _together,
)

UNCHANGED = {"changed": False, "failed": False, "msg": ""}
CHANGED = {"changed": True, "failed": False, "msg": "", "diff": {"before": "a", "after": "b"}}
FAILED = {"changed": True, "failed": True, "msg": "refused\nwith reason"}


def own(registered: Any) -> dict[str, Any]:
    return dict(_of_provider(registered, "halsoval_hsa", "tallbacken"))


def test_own_part_of_a_result() -> None:
    assert own({"changed": False, "providers": {"tallbacken": CHANGED, "b": FAILED}}) == CHANGED


@pytest.mark.parametrize(
    ("registered", "message"),
    [
        (None, "halsoval_hsa holds no result: its task did not run"),
        ("text", "halsoval_hsa holds no result: its task did not run"),
        ({"failed": True, "msg": "no answer"}, "no answer"),
        (
            {"failed": True, "providers": {"tallbacken": CHANGED}},
            "halsoval_hsa holds no result for this provider",
        ),
        # failed_when: false, as in the roles
        ({"failed": False, "msg": "no answer"}, "no answer"),
        ({"unreachable": True, "msg": "no way"}, "no way"),
        ({"changed": False}, "halsoval_hsa holds no result for this provider"),
        ({"providers": {"b": CHANGED}}, "halsoval_hsa holds no result for this provider"),
    ],
)
def test_no_result_is_a_failure(registered: Any, message: str) -> None:
    assert own(registered) == {"changed": False, "failed": True, "msg": message}


def test_skipped_task_changes_nothing() -> None:
    assert own({"skipped": True, "changed": False}) == {
        "changed": False,
        "failed": False,
        "msg": "skipped",
    }


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
