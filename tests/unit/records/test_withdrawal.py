# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which changes of a part withdraw access and do nothing else."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import state
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.withdrawal import (
    only_withdraws,
)

from .conftest import VALID

DAY = dt.date(2026, 3, 2)


def changed(*path: str | int, to: Any) -> Record:
    """The record with something in it changed, or removed where it is None."""
    data: Any = copy.deepcopy(VALID)
    place = data
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return from_json(Record, data)


ASSIGNMENT = ("staff", "people", 0, "assignments", 0)
BEFORE = from_json(Record, VALID)


def withdraws(before: Record, after: Record) -> bool:
    parts = ("agreement", "staff", "equipment")
    return all(only_withdraws(getattr(before, p), getattr(after, p)) for p in parts)


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        changed(*ASSIGNMENT, "to", to="2026-03-01"),
        changed(*ASSIGNMENT, "suspended", to={"from": "2026-03-01"}),
        changed(*ASSIGNMENT, "halsoval", to=False),
        changed(*ASSIGNMENT, "systems", to=["pascal"]),
        changed(*ASSIGNMENT, "rights", to=[]),
        changed("agreement", "agreement", "ends", to="2026-06-30"),
        changed("agreement", "units", 1, "closes", to="2026-06-30"),
        changed("agreement", "units", 0, "halsoval", to=False),
        changed("agreement", "terminated", to=[{"service": "pascal", "last_day": "2026-06-30"}]),
    ],
    ids=lambda record: "",
)
def test_ends_suspensions_and_less_are_withdrawals(after: Record) -> None:
    assert withdraws(BEFORE, after)
    assert after == BEFORE or not withdraws(after, BEFORE)


@pytest.mark.parametrize(
    "after",
    [
        changed(*ASSIGNMENT, "unit", to="soder"),
        changed(*ASSIGNMENT, "systems", to=["pascal", "nationell_patientoversikt"]),
        changed("staff", "people", 0, "surname", to="Nötskrika"),
        changed("staff", "people", 0, "cards", to=[{"kind": "reserve"}]),
        changed("staff", "people", 0, "protected", to=True),
        changed("staff", "people", to=[]),
        changed("agreement", "services", to=["vardutbud_bas", "stodapplikationer"]),
        changed("agreement", "name", to="Annat AB"),
        changed("agreement", "agreement", "operation_start", to="2023-09-03"),
    ],
    ids=lambda record: "",
)
def test_everything_else_is_none(after: Record) -> None:
    assert not withdraws(BEFORE, after)


def test_a_suspension_covers_the_one_before_it() -> None:
    short = changed(*ASSIGNMENT, "suspended", to={"from": "2026-03-01", "to": "2026-03-10"})
    longer = changed(*ASSIGNMENT, "suspended", to={"from": "2026-03-01", "to": "2026-03-11"})
    later = changed(*ASSIGNMENT, "suspended", to={"from": "2026-03-02", "to": "2026-03-11"})

    assert withdraws(short, longer)
    assert not withdraws(longer, short)
    assert not withdraws(short, later)


# --- any change that is taken for one -------------------------------------------------------------

days = st.dates(DAY - dt.timedelta(5), DAY + dt.timedelta(5)).map(str)
periods = st.fixed_dictionaries({"from": days}, optional={"to": days})
assignments = st.fixed_dictionaries(
    {"unit": st.sampled_from(["norr", "soder"]), "kind": st.just("employed"), "from": days},
    optional={
        "to": days,
        "suspended": periods,
        "halsoval": st.booleans(),
        "systems": st.lists(st.sampled_from(["pascal", "vardadministrativt_system"]), unique=True),
    },
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    data: Any = copy.deepcopy(VALID)
    data["staff"]["people"][0]["assignments"] = draw(st.lists(assignments, min_size=1, max_size=2))
    data["agreement"]["agreement"] |= draw(st.fixed_dictionaries({}, optional={"ends": days}))
    for unit in data["agreement"]["units"]:
        unit |= draw(st.fixed_dictionaries({}, optional={"closes": days}))
    return from_json(Record, data)


def given_on(record: Record, day: dt.date) -> set[tuple[str, str]]:
    """What the person is given on a day: at which unit, and which systems there."""
    (person,) = record.staff.people[:1]
    found = set()
    for row in person.assignments:
        if row.halsoval and state(record, row, day, 0) == "active":
            found |= {(row.unit, system) for system in ("", *row.systems)}
    return found


@settings(max_examples=300, deadline=None)
@given(before=records(), data=st.data())
def test_a_withdrawal_gives_nothing_on_any_day_that_was_not_given_before(
    before: Record, data: st.DataObject
) -> None:
    after = data.draw(records() | _less(before))
    if withdraws(before, after):
        for number in range(-7, 8):
            day = DAY + dt.timedelta(number)
            assert given_on(after, day) <= given_on(before, day)


@settings(max_examples=100, deadline=None)
@given(before=records(), data=st.data())
def test_withdrawals_one_after_the_other_are_one(before: Record, data: st.DataObject) -> None:
    between = data.draw(_less(before))
    after = data.draw(_less(between))

    assert withdraws(before, between)
    assert withdraws(between, after)
    assert withdraws(before, after)


@st.composite
def _less(draw: st.DrawFn, before: Record) -> Record:
    """The record with earlier ends, and with rows gone while one is left."""

    def earlier(day: dt.date | None) -> dt.date | None:
        new: dt.date | None = draw(st.none() | st.dates(DAY - dt.timedelta(9), DAY))
        return day if new is None or (day and day < new) else new

    person, *others = before.staff.people
    rows = [replace(row, to=earlier(row.to)) for row in person.assignments]
    if len(rows) > 1 and draw(st.booleans()):
        del rows[draw(st.integers(0, len(rows) - 1))]
    staff = replace(before.staff, people=(replace(person, assignments=tuple(rows)), *others))
    agreement = before.agreement
    dates = replace(agreement.agreement, ends=earlier(agreement.agreement.ends))
    return replace(before, staff=staff, agreement=replace(agreement, agreement=dates))
