# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds and grants in HSA and AD: decisions in the ledger, beside the records."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Decisions
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    NPO,
    TODAY,
    assignment,
    hold,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

TOMORROW = TODAY + dt.timedelta(days=1)
NURSE = uses(JOURNAL, NPO)


def has_access(world: Ad, index: int) -> bool:
    """Whether a person is a member, has the system role, and can log in; never some of it."""
    who = number(index)
    signs = {
        who in world.hsa.members() | world.hsa.members("beta"),
        bool(values(world.hsa.person(who), "hsaSystemRole")),
        world.is_enabled(who),
        bool(world.groups_of(who)),
    }
    assert len(signs) == 1, signs
    return signs.pop()


@pytest.fixture
def nurses(world: Ad) -> Ad:
    """Alfa's six nurses and beta's one, all at work."""
    world.bring(*records())
    assert all(has_access(world, index) for index in range(7))
    return world


def records(**ends: str) -> tuple:  # type: ignore[type-arg]
    staff = [person(n, {**NURSE, **({"to": ends[f"n{n}"]} if f"n{n}" in ends else {})})
             for n in range(6)]  # fmt: skip
    return record("alfa", staff), record("beta", [person(6, NURSE)])


def test_a_hold_on_a_person_takes_access_at_once_and_keeps_identity(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    nurses.bring(*records())
    assert [has_access(nurses, n) for n in range(3)] == [True, False, True]
    assert values(nurses.hsa.person(number(1)), "fullName") == ("Anna1 Fjällström",)
    assert nurses.is_marked(number(1))


@pytest.mark.parametrize("elsewhere", [False, True], ids=["no row", "a row elsewhere"])
def test_a_hold_stops_who_lost_the_row_while_the_guard_refuses_that(
    nurses: Ad, elsewhere: bool
) -> None:
    nurses.hsa.journal = MemoryJournal()
    nurses.run(*records())
    staff = [person(6, NURSE), *([person(1, uses(JOURNAL, NPO))] if elsewhere else [])]
    copy = (record("alfa", [person(5, NURSE)]), record("beta", staff))
    nurses.run(*copy, providers=("alfa",))
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    nurses.run(*copy)
    assert "refused" in nurses.hsa_results["alfa"]["msg"]
    assert [has_access(nurses, n) for n in range(3)] == [True, False, True]


def test_a_hold_stops_everybody_at_a_provider_whose_end_surprises(nurses: Ad) -> None:
    nurses.hsa.journal = MemoryJournal()
    nurses.run(*records())
    nurses.hsa.holds = (hold("alfa"),)
    ended = record("alfa", agreement={"ends": "2026-02-01"})
    nurses.run(ended, records()[1])
    assert [has_access(nurses, n) for n in (0, 5, 6)] == [False, False, True]


def test_a_hold_stops_who_waits_for_a_persons_word(nurses: Ad) -> None:
    nurses.hsa.journal = MemoryJournal()
    nurses.run(*records())
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    alfa, beta = records()
    rows = list(alfa.staff.people)
    rows[1] = replace(rows[1], personnummer=number(30))
    nurses.run(replace(alfa, staff=replace(alfa.staff, people=tuple(rows))), beta)
    assert "another personal number" in nurses.hsa_results["alfa"]["msg"]
    assert not has_access(nurses, 1)


def test_the_run_after_leaves_a_hold_as_it_is_and_lifting_it_gives_access_back(
    nurses: Ad,
) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    nurses.run(*records())
    again = nurses.run(*records(), day=TOMORROW)["alfa"]
    assert (again["changed"], has_access(nurses, 1)) == (False, False)
    nurses.hsa.holds = (replace(nurses.hsa.holds[0], lifted=TOMORROW),)
    nurses.run(*records(), day=TOMORROW)
    assert has_access(nurses, 1)


def test_a_hold_that_names_the_id_in_another_case_counts(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1)).lower()),)
    nurses.run(*records())
    assert not has_access(nurses, 1)


def test_a_hold_on_a_provider_takes_everybodys_access_there_past_the_guard(nurses: Ad) -> None:
    nurses.hsa.holds = (hold("alfa"),)
    result = nurses.run(*records())
    assert not result["alfa"]["failed"]
    assert [has_access(nurses, n) for n in range(7)] == [False] * 6 + [True]


def test_a_hold_with_a_last_day_ends_by_itself(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1)), until=TODAY),)
    nurses.run(*records())
    assert not has_access(nurses, 1)
    nurses.run(*records(), day=TOMORROW)
    assert has_access(nurses, 1)


def test_a_hold_is_honoured_while_hsa_cannot_be_read(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    nurses.unread = "HSA could not be read"
    nurses.run(*records())
    assert not nurses.is_enabled(number(1))
    assert nurses.is_enabled(number(2))


def test_a_grant_gives_an_ended_assignment_effect_and_ends_by_itself(nurses: Ad) -> None:
    """Break-glass for a date that is wrong: on the next day nobody has to remember it."""
    ended = records(n1="2026-02-20")
    nurses.hsa.holds = (hold(nurses.id_of(number(1)), "grant", until=TODAY),)
    assert not nurses.run(*ended)["alfa"]["failed"]
    assert has_access(nurses, 1)
    assert "2026-03-02T23:00:00Z" in values(nurses.account(number(1)), "accountExpires")[0]
    after = nurses.run(*ended, day=TOMORROW)["alfa"]
    assert not after["failed"]
    assert not has_access(nurses, 1)


def test_many_grants_that_end_are_no_surprise_to_the_guard(nurses: Ad) -> None:
    ended = records(**{f"n{n}": "2026-02-01" for n in range(5)})
    last = dt.date(2026, 3, 4)  # on the day after, the end itself explains no loss any more
    nurses.hsa.holds = tuple(hold(nurses.id_of(number(n)), "grant", until=last) for n in range(5))
    nurses.run(*ended)
    assert all(has_access(nurses, n) for n in range(6))
    assert not nurses.run(*ended, day=last + dt.timedelta(days=1))["alfa"]["failed"]
    assert [has_access(nurses, n) for n in range(6)] == [False] * 5 + [True]


def test_a_grant_that_outlasts_a_month_does_not_end_in_the_middle(nurses: Ad) -> None:
    ended = records(n1="2026-02-01")
    nurses.hsa.holds = (hold(nurses.id_of(number(1)), "grant", until=dt.date(2026, 3, 31)),)
    for day in (TODAY, dt.date(2026, 3, 5), dt.date(2026, 3, 31)):
        nurses.run(*ended, day=day)
        assert has_access(nurses, 1), day
    assert not nurses.run(*ended, day=dt.date(2026, 4, 1))["alfa"]["failed"]
    assert not has_access(nurses, 1)


def test_a_grant_passes_neither_the_end_of_the_provider_nor_its_own(world: Ad) -> None:
    away = uses(JOURNAL, NPO, suspended={"from": "2026-02-01"})
    staff = record("alfa", [person(1, away)], phase="wind_down")  # ends 2026-06-30
    world.bring(staff)
    for until, last in (("2026-04-01", "2026-04-01T22"), ("2026-12-31", "2026-06-30T22")):
        granted = dt.date.fromisoformat(until)
        world.hsa.holds = (hold(world.id_of(number(1)), "grant", until=granted),)
        world.bring(staff)
        assert values(world.account(number(1)), "accountExpires")[0].startswith(last)


def test_a_grant_opens_nothing_beyond_the_lead_time(world: Ad) -> None:
    later = uses(JOURNAL, NPO, since="2026-09-01")
    world.bring(record("alfa", [person(1, NURSE)]), record("beta", [person(1, later)]))
    world.hsa.holds = (hold(world.id_of(number(1)), "grant", until=TOMORROW),)
    world.bring(record("alfa", [person(1, NURSE)]), record("beta", [person(1, later)]))
    assert number(1) not in world.hsa.members("beta")


def test_a_grant_revives_no_assignment_that_ended_long_ago(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1)), "grant", until=TODAY),)
    nurses.run(*records(n1="2026-01-15"))
    assert not has_access(nurses, 1)


def test_a_grant_opens_an_assignment_before_its_first_day(world: Ad) -> None:
    early = record("alfa", [person(1, uses(JOURNAL, NPO, since="2026-03-20"))])
    world.bring(early)
    assert not has_access(world, 1)
    world.hsa.holds = (hold(world.id_of(number(1)), "grant", until=TOMORROW),)
    world.bring(early)
    assert has_access(world, 1)
    world.bring(early, day=TODAY + dt.timedelta(days=2))
    assert not has_access(world, 1)


def test_a_hold_goes_before_a_grant(nurses: Ad) -> None:
    theirs = nurses.id_of(number(1))
    nurses.hsa.holds = (hold(theirs, "grant", until=TOMORROW), hold(theirs))
    nurses.run(*records())
    assert not has_access(nurses, 1)


@pytest.mark.parametrize("phase", ["establishment", "ended"])
def test_a_grant_opens_nothing_where_the_provider_is_not_in_operation(
    world: Ad, phase: str
) -> None:
    """It stands for a wrong date of a person, not for an agreement or a final verification."""
    world.bring(record("alfa", [person(1, NURSE)]))
    world.hsa.holds = (hold(world.id_of(number(1)), "grant", until=TOMORROW),)
    world.bring(record("alfa", [person(1, NURSE)], phase=phase))
    assert number(1) not in world.hsa.members()
    assert not world.is_enabled(number(1))


# --- records that cannot be read


def test_a_hold_on_a_person_counts_while_the_only_record_is_invalid(nurses: Ad) -> None:
    """What an unreadable record's provider has is its wish, but for who is under a hold."""
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    beta = records()[1]
    nurses.run(beta, invalid=("alfa",))
    assert [has_access(nurses, n) for n in range(7)] == [True, False, *[True] * 5]
    again = nurses.run(beta, invalid=("alfa",), day=TOMORROW)
    assert not again["beta"]["changed"]


def test_a_hold_on_a_provider_counts_while_its_record_is_invalid(nurses: Ad) -> None:
    nurses.hsa.holds = (hold("alfa"),)
    nurses.run(records()[1], invalid=("alfa",))
    assert [has_access(nurses, n) for n in range(7)] == [False] * 6 + [True]


def test_a_hold_counts_for_who_is_in_a_valid_record_too(world: Ad) -> None:
    both = (record("alfa", [person(1, NURSE)]), record("beta", [person(1, NURSE)]))
    world.bring(*both)
    world.hsa.holds = (hold(world.id_of(number(1))),)
    world.run(both[0], invalid=("beta",))
    assert not has_access(world, 1)


def test_without_a_hold_an_invalid_record_takes_nothing(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(6)), until=TODAY),)
    nurses.run(records()[1], invalid=("alfa",), day=TOMORROW)
    assert all(has_access(nurses, n) for n in range(7))


def test_a_hold_is_honoured_by_a_run_over_other_providers(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    nurses.run(records()[1], invalid=("alfa",), providers=("beta",))
    assert not has_access(nurses, 1)


def test_a_hold_on_an_invalid_provider_needs_no_confirmation_elsewhere(world: Ad) -> None:
    """Its nurses stand with old rows in a valid record, which has nothing to say of the loss."""
    staff = [person(n, NURSE) for n in range(6)]
    world.bring(record("alfa", staff), record("beta", staff))
    left = record("alfa", [person(n, {**NURSE, "to": "2025-12-31"}) for n in range(6)])
    world.bring(left, record("beta", staff))
    world.hsa.holds = (hold("beta"),)
    result = world.run(left, invalid=("beta",))
    assert not result["alfa"]["failed"], result["alfa"]["msg"]
    assert not any(has_access(world, n) for n in range(6))


def test_a_hold_on_one_provider_takes_no_role_that_an_unreadable_one_gives(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses(JOURNAL))])
    world.bring(alfa, record("beta", [person(1, NURSE)]))
    world.hsa.holds = (hold("alfa"),)
    world.run(alfa, invalid=("beta",))
    assert values(world.hsa.person(number(1)), "hsaSystemRole") == ("npo;lasare",)
    assert world.is_enabled(number(1))


@pytest.mark.parametrize("is_invalid", [False, True], ids=["can be read", "is invalid"])
def test_a_hold_at_one_provider_explains_no_rows_that_vanished_at_another(
    world: Ad, is_invalid: bool
) -> None:
    world.hsa.journal = MemoryJournal()
    staff = [person(n, NURSE) for n in range(6)]
    beta = record("beta", staff)
    # Whom nobody lists any more is another case.
    plain = [person(n, assignment()) for n in range(6)] if is_invalid else []
    gamma = record("gamma", plain)
    world.run(record("alfa", staff), beta, gamma)
    world.hsa.holds = (hold("beta"),)
    left = [record("alfa", [person(9, NURSE)]), gamma, *([] if is_invalid else [beta])]
    results = world.run(*left, invalid=["beta"] if is_invalid else [])
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert "refused" in results["alfa"]["msg"]
    for who in map(number, range(6)):
        assert values(world.hsa.person(who), "hsaSystemRole") == ("npo;lasare",)
        assert world.is_enabled(who)
        assert who in world.hsa.members()
        assert who not in world.hsa.members("beta")


def test_a_hold_takes_the_roles_of_who_has_moved_to_a_provider_that_is_invalid(
    world: Ad,
) -> None:
    moved = record("alfa", [person(1, {**NURSE, "to": "2026-02-20"})])
    world.bring(record("alfa", [person(1, NURSE)]), record("beta", [person(1, NURSE)]))
    world.bring(moved, record("beta", [person(1, NURSE)]))
    world.hsa.holds = (hold(world.id_of(number(1))),)
    world.run(moved, invalid=("beta",))
    assert not has_access(world, 1)


def test_of_two_invalid_providers_a_hold_takes_the_group_of_one(world: Ad) -> None:
    world.bring(record("alfa", [person(1, NURSE)]), record("beta", [person(1, NURSE)]))
    world.hsa.holds = (hold("alfa"),)
    world.run(record("gamma"), invalid=("alfa", "beta"))
    assert "Halsoval-alfa" not in world.groups_of(number(1))
    assert "Halsoval-beta" in world.groups_of(number(1))
    assert world.is_enabled(number(1))


def test_an_invalid_providers_result_tells_what_a_hold_took(nurses: Ad) -> None:
    nurses.hsa.holds = (hold(nurses.id_of(number(1))),)
    result = nurses.run(records()[1], invalid=("alfa",))["alfa"]
    assert (result["changed"], result["failed"]) == (True, True)
    assert "nothing but holds was brought about" in result["msg"]
    assert any("modify account" in change for change in result["changes"])


# --- findings


def test_holds_and_grants_are_findings_at_the_provider(nurses: Ad) -> None:
    one, two = nurses.id_of(number(1)), nurses.id_of(number(2))
    nurses.hsa.holds = (hold(one), hold(two, "grant", until=TODAY))
    nurses.run(*records(n2="2026-03-01"))
    found = {(f["code"], f["object"]) for f in nurses.hsa_results["alfa"]["findings"]}
    assert {("held", one), ("granted", two)} <= found
    assert not {f["code"] for f in nurses.hsa_results["beta"]["findings"]} & {"held", "granted"}


_days = st.dates(TODAY - dt.timedelta(days=3), TODAY + dt.timedelta(days=3))


@settings(max_examples=300)
@given(_days, st.none() | _days, st.none() | _days, _days)
def test_a_hold_is_in_force_from_its_first_day_to_its_last_and_never_once_lifted(
    since: dt.date, until: dt.date | None, lifted: dt.date | None, day: dt.date
) -> None:
    one = hold("X", since=since, until=until, lifted=lifted)
    expected = since <= day and (until is None or day <= until)
    assert one.is_in_force(day) is (expected and (lifted is None or day < lifted))
    decisions = Decisions((one,))
    assert decisions.is_held(["x"], "alfa", day) is one.is_in_force(day)
    assert not decisions.is_held(["Y"], "alfa", day)
