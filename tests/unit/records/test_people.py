# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Natural people across records, and the HSA-ids they get."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Memory
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Person, Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
    Employment,
    NaturalPerson,
    Remembered,
    agreed,
    allocate,
    explained,
    facts,
    natural_people,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    OFFICE,
    STATISTICS,
    TODAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
)

DAY = dt.timedelta(days=1)
PREFIX = "SE2321000214-HV"


def people(*records: Record) -> tuple[NaturalPerson, ...]:
    return natural_people(records, TODAY, 56)


def only(*records: Record) -> NaturalPerson:
    (one,) = people(*records)
    return one


def ids(*numbers: int) -> list[str]:
    return [f"{PREFIX}{n:06d}" for n in numbers]


# --- who is one person ---------------------------------------------------------------------------


def test_rows_of_one_number_are_one_person_in_the_order_of_records() -> None:
    found = people(record("alfa", [person(2), person(1)]), record("beta", [person(3), person(2)]))
    assert [p.number for p in found] == [number(2), number(1), number(3)]
    assert [[e.provider for e in p.employments] for p in found] == [
        ["alfa", "beta"],
        ["alfa"],
        ["beta"],
    ]


def test_a_row_with_two_numbers_joins_people_who_were_two() -> None:
    old = coordination_number(1)
    coordinated = person(1, personnummer=None, samordningsnummer=old)
    joined = people(
        record("alfa", [person(5), coordinated]),
        record("beta", [person(1), person(6)]),
        record("gamma", [person(1, previous_numbers=[old])]),
        record("delta", [coordinated]),
    )
    assert [p.number for p in joined] == [number(5), number(1), number(6)]
    assert joined[1].numbers == {number(1), old}
    assert [e.provider for e in joined[1].employments] == ["alfa", "beta", "gamma", "delta"]


_rows = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True), max_size=8)


@given(st.lists(_rows, max_size=3))
def test_people_are_the_rows_that_share_a_number_by_whatever_steps(
    rows: list[list[list[int]]],
) -> None:
    records = [
        record(
            f"p{n}",
            [
                person(first, previous_numbers=[number(o) for o in others])
                for first, *others in part
            ],
        )
        for n, part in enumerate(rows)
    ]
    groups: list[list[tuple[str, Person]]] = []
    for found in records:
        for row in found.staff.people:
            theirs = [(found.id, row)]
            for group in [g for g in groups if any({*o.numbers} & {*row.numbers} for _id, o in g)]:
                groups.remove(group)
                theirs = group + theirs
            groups.append(theirs)
    assert {
        (p.numbers, frozenset((e.provider, id(e.row)) for e in p.employments))
        for p in people(*records)
    } == {
        (
            frozenset(n for _id, row in group for n in row.numbers),
            frozenset((provider, id(row)) for provider, row in group),
        )
        for group in groups
    }


def test_people_and_their_rows_come_in_the_order_of_the_records() -> None:
    old = coordination_number(1)
    joined = people(
        record("alfa", [person(5), person(1, personnummer=None, samordningsnummer=old)]),
        record("beta", [person(1), person(6)]),
        record("delta", [person(1, personnummer=None, samordningsnummer=old)]),
        record("gamma", [person(1, previous_numbers=[old])]),
    )
    assert [p.number for p in joined] == [number(5), number(1), number(6)]
    assert [e.provider for e in joined[1].employments] == ["alfa", "beta", "delta", "gamma"]


def test_the_number_is_the_one_that_nobody_calls_previous() -> None:
    old = coordination_number(1)
    new_row = person(1, previous_numbers=[old])
    old_row = person(1, personnummer=None, samordningsnummer=old)
    assert only(record("alfa", [old_row]), record("beta", [new_row])).number == number(1)
    assert only(record("alfa", [new_row]), record("beta", [old_row])).number == number(1)
    assert only(record("alfa", [old_row])).number == old


# --- which rows count ----------------------------------------------------------------------------

ENDED: dict[str, Any] = {"to": "2026-03-01"}
LATER: dict[str, Any] = {"since": "2026-12-01"}
OUTSIDE: dict[str, Any] = {"halsoval": False}


@pytest.mark.parametrize("gone", [ENDED, LATER, OUTSIDE])
def test_a_row_counts_while_it_calls_for_an_entry(gone: dict[str, Any]) -> None:
    one = only(
        record("alfa", [person(1, assignment(**gone), surname="Väst", protected=True)]),
        record("beta", [person(1, surname="Öst")]),
    )
    assert [row.surname for row in one.rows] == ["Öst"]
    assert [name.surname for name in one.names] == ["Öst"]
    assert [e.provider for e in one.current] == ["beta"]


@pytest.mark.parametrize("here", [{}, {"since": "2026-04-01"}, {"suspended": {"from": str(TODAY)}}])
def test_a_row_counts_before_its_first_day_and_while_suspended(here: dict[str, Any]) -> None:
    one = only(
        record("alfa", [person(1, assignment(**here), surname="Väst")]),
        record("beta", [person(1, surname="Öst")]),
    )
    assert [row.surname for row in one.rows] == ["Väst", "Öst"]


def test_where_no_row_counts_all_do() -> None:
    one = only(
        record("alfa", [person(1, assignment(**ENDED), surname="Väst")]),
        record("beta", [person(1, assignment(**LATER), surname="Öst")]),
    )
    assert one.current == ()
    assert [name.surname for name in one.names] == ["Väst", "Öst"]


def test_a_row_with_two_assignments_is_one_row() -> None:
    one = only(record(people=[person(1, assignment(), assignment(purpose=None))]))
    assert len(one.rows) == 1
    assert len(one.current) == 2
    assert len(one.names) == 1


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "active"),
        (ENDED, "ended"),
        ({"to": str(TODAY)}, "active"),
        (LATER, "later"),
        ({"since": "2026-04-27"}, "upcoming"),
        ({"since": "2026-04-28"}, "later"),
        ({"suspended": {"from": str(TODAY)}}, "suspended"),
        (OUTSIDE, "outside"),
    ],
)
def test_an_employment_has_the_state_of_its_assignment(fields: dict[str, Any], state: str) -> None:
    (employment,) = only(record(people=[person(1, assignment(**fields))])).employments
    assert employment.state == state


def test_the_last_day_is_the_earliest_of_assignment_unit_and_provider() -> None:
    def last_day(**agreement: str) -> dt.date | None:
        row = person(1, assignment(to="2026-08-31"))
        return only(record(people=[row], agreement=agreement)).employments[0].last_day

    assert last_day() == dt.date(2026, 8, 31)
    assert last_day(ends="2026-07-31") == dt.date(2026, 7, 31)
    assert last_day(ends="2026-09-30") == dt.date(2026, 8, 31)


def test_one_row_that_says_protected_is_enough() -> None:
    open_, protected = record("alfa", [person(1)]), record("beta", [person(1, protected=True)])
    assert only(open_, protected).protected is True
    assert only(open_).protected is False


def test_names_differ_by_any_part() -> None:
    names = [{}, {"middle_name": "Maria"}, {"surname": "Öst"}, {"given_name": "Beata"}, {}]
    one = only(*(record(f"p{n}", [person(1, **name)]) for n, name in enumerate(names)))
    assert len(one.names) == 4
    assert [name.full for name in one.names][:2] == ["Anna1 Fjällström", "Anna1 Maria Fjällström"]


def test_the_id_is_the_one_that_any_row_names() -> None:
    named = record("beta", [person(1, hsa_id=f"{PREFIX}000009")])
    assert only(record("alfa", [person(1)]), named).hsa_id == f"{PREFIX}000009"
    assert only(record("alfa", [person(1)])).hsa_id is None


@pytest.mark.parametrize(
    ("values", "one"),
    [(["a", "a"], "a"), (["a", None, ""], "a"), (["a", "b"], None), ([None], None), ([], None)],
)
def test_agreed_is_what_all_say_who_say_something(
    values: list[str | None], one: str | None
) -> None:
    assert agreed(values) == one


# --- what dates explain --------------------------------------------------------------------------


def employments(*assignments: dict[str, Any], **fields: Any) -> tuple[Employment, ...]:
    return only(record(people=[person(1, *assignments)], **fields)).employments


@pytest.mark.parametrize(
    ("fields", "explains"),
    [
        ({}, False),
        ({"to": str(TODAY)}, False),
        (ENDED, True),
        ({"to": "2026-01-30"}, True),
        ({"to": "2026-01-29"}, False),
        ({"suspended": {"from": str(TODAY)}}, True),
        ({"suspended": {"from": "2026-03-03"}}, False),
        ({"since": "2026-04-01"}, False),
        (LATER, False),
        (OUTSIDE, False),
    ],
)
def test_a_loss_is_explained_by_a_suspension_or_an_end_a_month_ago_at_most(
    fields: dict[str, Any], explains: bool
) -> None:
    (employment,) = employments(assignment(**{"since": "2025-01-01", **fields}))
    assert employment.explains is explains


def test_the_end_of_a_unit_or_provider_explains_a_loss_as_a_rows_does() -> None:
    closed = [{"id": "vc", "name": "VC", "closes": "2026-03-01"}]
    assert employments(assignment(), units=closed)[0].explains is True
    assert employments(assignment(), agreement={"ends": "2026-03-01"})[0].explains is True
    assert employments(assignment(), agreement={"ends": str(TODAY)})[0].explains is False


def test_an_end_explains_nothing_beside_work_that_goes_on() -> None:
    ended, lasting = assignment(**ENDED), assignment()
    away = assignment(suspended={"from": str(TODAY)})
    assert explained(employments(ended)) is True
    assert explained(employments(ended, lasting)) is False
    # A provider that fell back to establishment is another reason than the end.
    assert explained(employments(ended, lasting, phase="establishment")) is False
    assert explained(employments(ended, away)) is True
    assert explained(employments(lasting)) is False
    assert explained(()) is False


# --- what runs remember --------------------------------------------------------------------------


def remembered(own: Record, day: dt.date = TODAY) -> Memory:
    """What a run on the day leaves that puts the record in effect."""
    key = Memory("00")
    return Memory("00", facts(natural_people([own], day, 56, key), key), {own.id: day})


def only_remembering(memory: Memory, *rows: dict[str, Any], **fields: Any) -> NaturalPerson:
    (one,) = natural_people([record(people=[person(1, *rows)], **fields)], TODAY, 56, memory)
    return one


def left(service: str, days: int) -> dict[str, Any]:
    day = str(TODAY - dt.timedelta(days))
    return {"terminated": [{"service": service, "last_day": day}]}


BOTH = {"systems": [NPO, OFFICE], "since": "2025-01-01"}
OTHER = assignment(purpose=STATISTICS, **BOTH)


@pytest.mark.parametrize(
    ("rows", "fields", "lost"),
    [
        ([assignment(**BOTH)], {}, set()),
        ([assignment(**{**BOTH, "systems": [NPO]})], {}, {OFFICE}),
        ([assignment(**{**BOTH, "systems": []})], {}, {NPO, OFFICE}),
        # Another row accounts for nothing, unless it cannot be told from the same.
        ([assignment(**{**BOTH, "systems": []}), OTHER], {}, {NPO, OFFICE}),
        ([assignment(**{**BOTH, "systems": [NPO]}), assignment(**BOTH)], {}, set()),
        ([assignment(**BOTH)], left(OFFICE, 8), set()),
        ([assignment(**BOTH)], left(OFFICE, 9), {OFFICE}),
        ([assignment(**{**BOTH, "systems": [NPO]})], left(OFFICE, 8), set()),
        ([assignment(**{**BOTH, "systems": [NPO]})], left(OFFICE, 9), {OFFICE}),
        ([OTHER], {}, {NPO, OFFICE}),
        ([assignment(to="2026-02-22", **BOTH)], {}, set()),
        ([assignment(to="2026-02-21", **BOTH)], {}, {NPO, OFFICE}),
        ([assignment(suspended={"from": "2026-02-22"}, **BOTH)], {}, set()),
        ([assignment(suspended={"from": "2026-02-21"}, **BOTH)], {}, {NPO, OFFICE}),
        ([assignment(to="2026-02-28", **{**BOTH, "systems": []})], {}, set()),
    ],
)
def test_a_surprise_is_what_the_last_run_had_in_effect_and_its_own_assignment_does_not_explain(
    rows: list[dict[str, Any]], fields: dict[str, Any], lost: set[str]
) -> None:
    yesterday = remembered(record(people=[person(1, assignment(**BOTH))]), TODAY - DAY)
    one = only_remembering(yesterday, *rows, **fields)
    assert {s for effect in one.surprises_of_systems for s in effect.systems} == lost
    # Who only loses a system keeps the rest of what the assignment gives.
    goes_on = any(e.state == "active" and e.effect for e in one.employments)
    assert bool(one.surprises) is (bool(lost) and not goes_on)


def test_what_the_provider_had_left_by_the_last_run_is_not_remembered() -> None:
    before = record(people=[person(1, assignment(**BOTH))], **left(OFFICE, 30))
    one = only_remembering(remembered(before, TODAY - DAY), assignment(**BOTH))
    assert [effect.systems for effect in one.effects] == [{NPO}]


# --- what earlier runs saw -----------------------------------------------------------------------


def test_ids_are_remembered_by_any_of_a_persons_numbers() -> None:
    row = person(1, previous_numbers=[coordination_number(7), number(8)])
    someone = people(record(people=[row, person(2)]))
    for known in (number(1), coordination_number(7), number(8)):
        remembered = Remembered(frozenset({"A"}), {known: "A"})
        assert remembered.of(someone) == {number(1): "A"}
    assert NOTHING_REMEMBERED.of(someone) == {}


def test_an_id_is_remembered_for_nobody_where_several_would_have_it() -> None:
    two = people(record(people=[person(1), person(2), person(3)]))
    remembered = Remembered(frozenset("AB"), {number(1): "A", number(2): "A", number(3): "B"})
    assert remembered.of(two) == {number(3): "B"}


def test_nobody_is_remembered_under_two_ids() -> None:
    one = people(record(people=[person(1, previous_numbers=[number(8)])]))
    remembered = Remembered(frozenset("AB"), {number(1): "A", number(8): "B"})
    assert remembered.of(one) == {}
    agreeing = Remembered(frozenset("A"), {number(1): "A", number(8): "A"})
    assert agreeing.of(one) == {number(1): "A"}


# --- allocation ----------------------------------------------------------------------------------


def test_ids_are_given_in_order_around_those_that_are_used() -> None:
    used = [*ids(2, 4), "SE2321000214-X000009", "SE2321000214-HV1", "SE5560000000-HV000003"]
    assert list(allocate("abcd", used, PREFIX).items()) == list(
        zip("abcd", ids(1, 3, 5, 6), strict=True)
    )


def test_ids_differ_by_more_than_case() -> None:
    assert allocate("a", [i.lower() for i in ids(1)], PREFIX) == {"a": ids(2)[0]}


def test_the_prefix_is_text_and_no_pattern() -> None:
    assert allocate("a", ["SE1-AAA000001"], "SE1-A.A") == {"a": "SE1-A.A000001"}


def test_ids_run_out_with_an_error() -> None:
    almost = ids(*range(999_000, 999_999))
    assert allocate("a", almost, PREFIX) == {"a": f"{PREFIX}999999"}
    with pytest.raises(ValueError, match=f"no HSA-ids are left under {PREFIX}"):
        allocate("ab", almost, PREFIX)


_used = st.sets(st.integers(1, 600))


@given(_used, st.integers(0, 40))
def test_no_id_is_given_twice_or_was_used(used: set[int], count: int) -> None:
    keys = [f"k{n}" for n in range(count)]
    given_ids = allocate(keys, ids(*used), PREFIX)
    assert list(given_ids) == keys
    assert len(set(given_ids.values())) == count
    assert set(given_ids.values()).isdisjoint(ids(*used))
    assert list(given_ids.values()) == sorted(given_ids.values())


@given(_used, st.integers(1, 60), st.data())
def test_what_a_killed_run_left_open_gets_what_it_was_meant_to_get(
    used: set[int], count: int, data: st.DataObject
) -> None:
    keys = [f"k{n}" for n in range(count)]
    first = allocate(keys, ids(*used), PREFIX)
    done = data.draw(st.sets(st.sampled_from(keys)))
    left = [key for key in keys if key not in done]
    again = allocate(left, [*ids(*used), *(first[key] for key in done)], PREFIX)
    assert again == {key: first[key] for key in left}


@given(st.integers(1000, 5000), st.integers(1, 20))
def test_an_id_far_below_the_highest_never_comes_back(highest: int, count: int) -> None:
    # It was deleted by hand; the gaps of a killed run are among the newest.
    given_ids = allocate([str(n) for n in range(count)], ids(highest), PREFIX)
    assert min(given_ids.values()) > ids(highest - 300)[0]


def test_what_has_not_reached_the_provider_was_nobodys_and_is_no_loss() -> None:
    aids = "hjalpmedelssystem"
    signed = {"supplementary": [{"service": aids, "signed": str(TODAY + dt.timedelta(days=1))}]}
    own = record(people=[person(1, assignment(systems=[NPO, aids]))], agreement=signed)

    (known,) = natural_people([own], TODAY, 56, remembered(own, TODAY - dt.timedelta(days=1)))

    assert known.employments[0].services == {NPO}
    assert known.surprises_of_systems == ()
