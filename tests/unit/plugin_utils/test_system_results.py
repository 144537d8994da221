# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a system's registered result says of one provider, and where it failed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.plugin_utils.system_results import (
    failures,
    of_provider,
    refusals,
)

CHANGED = {"changed": True, "failed": False, "msg": "", "diff": {"before": "a", "after": "b"}}
FAILED = {"changed": True, "failed": True, "msg": "refused\nwith reason"}
FOR_ALL = "nothing was done for anybody: its task failed, see there"
BOTH = {"changed": False, "providers": {"tallbacken": CHANGED, "b": FAILED}}


def own(registered: Any) -> dict[str, Any]:
    return dict(of_provider(registered, "halsoval_hsa", "tallbacken"))


def failed(registered: Any, *providers: str) -> dict[str, str] | None:
    return failures(registered, "halsoval_hsa", providers or ("tallbacken", "b"))


def test_own_part_of_a_result() -> None:
    assert own(BOTH) == CHANGED


@pytest.mark.parametrize(
    ("registered", "message"),
    [
        (None, "halsoval_hsa holds no result: its task did not run"),
        ("text", "halsoval_hsa holds no result: its task did not run"),
        # Ansible has shown the reason, once for all.
        ({"failed": True, "msg": "no answer"}, FOR_ALL),
        ({"failed": True, "providers": {"tallbacken": CHANGED}}, FOR_ALL),
        # With failed_when: false it has not.
        ({"failed": False, "msg": "no answer"}, "no answer"),
        ({"unreachable": True, "msg": "no way"}, "no way"),
        ({"changed": False}, "halsoval_hsa holds no result for this provider"),
        ({"providers": {"b": CHANGED}}, "halsoval_hsa holds no result for this provider"),
    ],
)
def test_no_result_is_a_failure(registered: Any, message: str) -> None:
    assert own(registered) == {"changed": False, "failed": True, "msg": message}
    assert failed(registered, "tallbacken") == (
        {"tallbacken": message} if isinstance(registered, dict) else None
    )


def test_skipped_task_changes_nothing() -> None:
    assert own({"skipped": True, "changed": False}) == {
        "changed": False,
        "failed": False,
        "msg": "skipped",
    }


def test_those_that_failed_are_told_with_their_message() -> None:
    assert failed(BOTH) == {"b": "refused\nwith reason"}
    assert failed(BOTH, "tallbacken") == {}


def test_a_task_that_failed_as_a_whole_failed_for_everybody() -> None:
    assert failed({"failed": True, "msg": "no answer"}) == dict.fromkeys(
        ("tallbacken", "b"), FOR_ALL
    )


@pytest.mark.parametrize("registered", [None, "text", {"skipped": True}])
def test_a_task_that_is_no_part_of_the_play_failed_for_nobody(registered: Any) -> None:
    assert failed(registered) is None


def test_a_failure_without_words_is_one_all_the_same() -> None:
    assert failed({"providers": {"b": {"failed": True}}}, "b") == {"b": ""}


@pytest.mark.parametrize(
    ("registered", "expected"),
    [
        ({"providers": {"tallbacken": CHANGED, "b": {**FAILED, "refused": True}}}, ["b"]),
        ({"providers": {"tallbacken": {**CHANGED, "refused": False}, "b": FAILED}}, []),
        ({"failed": True, "msg": "no answer"}, []),
        ({"skipped": True}, []),
        (None, []),
    ],
)
def test_those_whose_plan_was_refused_are_told(registered: Any, expected: list[str]) -> None:
    assert refusals(registered, "halsoval_hsa", ("tallbacken", "b")) == expected
