# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of those who have left: into quarantine, back, and after the grace period deleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import NoRight
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    TODAY,
    XRAY,
    assignment,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

LAST = TODAY - dt.timedelta(days=1)
LAST_OF_GRACE = TODAY + dt.timedelta(days=90)
AFTER_GRACE = TODAY + dt.timedelta(days=91)


@pytest.fixture
def world() -> Ad:
    """A domain where a run knows of the runs before, and two people work."""
    world = Ad()
    world.hsa.journal = MemoryJournal()
    runs(world, record(people=[person(1, uses()), person(2, uses())]), day=LAST)
    return world


def gone(*more: dict[str, Any], **fields: Any) -> Record:
    """The record where the first person's assignment has ended yesterday."""
    return record(people=[person(1, uses(to=str(LAST)), *more), person(2, uses())], **fields)


def runs(world: Ad, *records: Record, **options: Any) -> dict[str, dict[str, Any]]:
    """Two runs, the second of which changes nothing; the results of the first."""
    results = world.run(*records, **options)
    assert not any(result["failed"] for result in results.values()), results
    again = world.run(*records, **options)
    assert not any(result["changed"] for result in again.values()), again
    return results


def is_away(world: Ad, index: int = 1) -> bool:
    """Whether somebody's account lies in quarantine."""
    return world.account(number(index)).dn.endswith(AD_LAYOUT.quarantine_ou)


def test_whoever_has_left_is_in_quarantine_until_the_grace_period_is_over(world: Ad) -> None:
    address = world.account(number(1)).address
    results = runs(world, gone())
    assert is_away(world)
    assert world.account(number(1)).address == address
    assert world.groups_of(number(1)) == set()
    assert not world.is_enabled(number(1))
    (told,) = (f for f in results["alfa"]["findings"] if f["code"] == "in_quarantine")
    assert f"deleted on {AFTER_GRACE}" in told["message"]
    runs(world, gone(), day=LAST_OF_GRACE)
    assert is_away(world)
    runs(world, gone(), day=AFTER_GRACE)
    assert world.accounts(number(1)) == []
    assert world.is_enabled(number(2))


def test_whoever_comes_back_has_the_same_account_and_groups(world: Ad) -> None:
    before, groups = world.account(number(1)), world.groups_of(number(1))
    runs(world, gone())
    back = gone(uses(since="2026-04-01"))
    runs(world, back, day=dt.date(2026, 4, 1))
    after = world.account(number(1))
    assert (after.dn, after.address) == (before.dn, before.address)
    assert values(after, "extensionName") == values(before, "extensionName")
    assert world.groups_of(number(1)) == groups
    assert world.is_enabled(number(1))
    runs(world, back, day=AFTER_GRACE)


def test_a_name_that_is_taken_at_home_keeps_nobody_else_out_of_the_groups(world: Ad) -> None:
    home = world.account(number(1)).dn
    runs(world, gone())
    world.put_account(home, "somebody-elses")
    everybody = [person(1, uses()), person(2, uses()), person(3, uses())]
    results = world.run(record(people=everybody))
    assert results["alfa"]["failed"]
    assert world.is_enabled(number(3))
    assert "App-Journal" in world.groups_of(number(3))


@pytest.mark.parametrize("more", ["later", "without services", "suspended"])
def test_whose_account_is_needed_now_or_later_is_not_in_quarantine(world: Ad, more: str) -> None:
    row = {
        "later": uses(since="2027-03-01"),
        "without services": assignment(),
        "suspended": uses(XRAY, suspended={"from": "2026-02-01"}),
    }[more]
    runs(world, gone(row))
    assert not is_away(world)


def test_whom_another_record_needs_is_not_in_quarantine(world: Ad) -> None:
    beta = record("beta", [person(1, uses(XRAY))])
    runs(world, record(people=[person(1, uses()), person(2, uses())]), beta, day=LAST)
    runs(world, gone(), beta)
    assert not is_away(world)
    world.run(gone(), invalid=["beta"])
    assert not is_away(world)


def test_an_account_that_a_person_disabled_is_neither_moved_nor_deleted(world: Ad) -> None:
    world.disable_by_hand(number(1))
    runs(world, gone())
    runs(world, gone(), day=AFTER_GRACE)
    assert not is_away(world)


def test_a_row_that_vanished_moves_no_account(world: Ad) -> None:
    runs(world, record(people=[person(2, uses())]))
    assert not is_away(world)
    world.run(record(people=[person(2, uses())]), day=AFTER_GRACE)
    assert world.accounts(number(1))


def test_an_end_long_past_deletes_nothing_before_the_grace_period_has_run(world: Ad) -> None:
    old = record(people=[person(1, uses(to="2025-12-31", since="2025-01-01")), person(2, uses())])
    world.run(old)
    world.run(old, day=LAST_OF_GRACE)
    assert world.accounts(number(1))


def test_nothing_is_deleted_while_a_record_cannot_be_read(world: Ad) -> None:
    runs(world, gone())
    world.run(gone(), invalid=["beta"], day=AFTER_GRACE)
    assert is_away(world)


def test_nothing_is_moved_or_deleted_while_hsa_cannot_be_read(world: Ad) -> None:
    world.unread = "HSA could not be read"
    world.run(gone())
    assert not is_away(world)
    world.unread = None
    runs(world, gone())
    world.unread = "HSA could not be read"
    world.run(gone(), day=AFTER_GRACE)
    assert is_away(world)


def test_deletion_waits_while_another_system_refuses_the_provider(world: Ad) -> None:
    runs(world, gone())
    results = world.run(gone(), day=AFTER_GRACE, refused={"alfa": "HSA"})
    assert "1 that nobody can call back wait, as HSA refused the plan" in results["alfa"]["msg"]
    assert is_away(world)


def test_a_refused_plan_moves_and_deletes_nobody() -> None:
    world, everybody = Ad(), [person(n, uses()) for n in range(1, 20)]
    world.hsa.journal = MemoryJournal()
    runs(world, record(people=everybody), day=LAST)
    first = {**everybody[0], "assignments": [uses(to=str(LAST))]}
    runs(world, record(people=[first, *everybody[1:]]))
    second = {**everybody[1], "assignments": [uses(to=str(AFTER_GRACE - dt.timedelta(days=1)))]}
    results = world.run(record(people=[first, second]), day=AFTER_GRACE)
    assert results["alfa"]["refused"]
    assert is_away(world, 1)
    assert not is_away(world, 2)
    assert not world.is_enabled(number(2))


def test_without_the_right_to_move_or_delete_a_run_tells_it(world: Ad) -> None:
    world.directory.refuses = lambda o: (
        NoRight("no right") if o.action in ("move", "delete") else None
    )
    results = world.run(gone())
    assert not results["alfa"]["failed"]
    assert "right_missing" in {f["code"] for f in results["alfa"]["findings"]}
    assert not world.is_enabled(number(1))


def test_many_deletions_are_no_surprise_to_the_run_after() -> None:
    world, day = Ad(), dt.date(2026, 6, 1)
    world.hsa.journal = MemoryJournal()
    everybody = [person(n, uses()) for n in range(40)]
    runs(world, record(people=everybody), record("beta", [person(50, uses())]), day=LAST)
    ended = record(people=everybody, agreement={"ends": str(LAST)})
    beta = record("beta", [person(50, uses()), person(51, uses(NPO, XRAY))])
    runs(world, ended, beta)
    runs(world, ended, beta, day=day)
    assert not any(world.accounts(number(n)) for n in range(40))
    assert world.is_enabled(number(50))


@given(
    ends=st.lists(st.integers(-20, 40) | st.none(), min_size=2, max_size=2),
    days=st.lists(st.integers(0, 200), max_size=6),
)
def test_an_account_is_deleted_only_after_all_has_ended_for_the_grace_period(
    ends: list[int | None], days: list[int]
) -> None:
    world = Ad()
    world.hsa.journal = MemoryJournal()
    last = [None if end is None else TODAY + dt.timedelta(days=end) for end in ends]
    records = [
        record(name, [person(1, uses(**({} if day is None else {"to": str(day)})))])
        for name, day in zip(("alfa", "beta"), last, strict=True)
    ]
    runs(world, *records, day=dt.date(2026, 1, 20))
    for more in sorted(days):
        day = TODAY + dt.timedelta(days=more)
        runs(world, *records, day=day)
        is_over = all(end is not None and end < day for end in last)
        over = max((end for end in last if end), default=day)
        if world.accounts(number(1)):
            assert is_away(world) is is_over
        else:
            assert is_over
            assert day > over + dt.timedelta(days=90)
