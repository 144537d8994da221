# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import (
    end_of_day,
    is_in,
    is_suspended,
    last_day,
    missing_for_operation,
    phase,
    start_of_day,
    state,
    trials,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record

Make = Callable[..., Record]
Path = tuple[str | int, ...]

AGREEMENT = ("agreement", "agreement")
ASSIGNMENT = ("staff", "people", 0, "assignments", 0)
TODAY = dt.date(2026, 3, 2)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        ("2023-02-09", "application"),
        ("2023-02-10", "establishment"),
        ("2023-09-03", "establishment"),
        ("2023-09-04", "operation"),
        ("2199-12-31", "operation"),
    ],
)
def test_provider_passes_its_phases_by_the_days_in_the_record(
    make: Make, as_of: str, expected: str
) -> None:
    assert phase(make(), day(as_of)) == expected


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2023-09-03", "establishment"), ("2026-06-30", "wind_down"), ("2026-07-01", "ended")],
)
def test_last_day_still_belongs_to_wind_down(make: Make, as_of: str, expected: str) -> None:
    assert phase(make({(*AGREEMENT, "ends"): "2026-06-30"}), day(as_of)) == expected


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        (
            {("agreement", "final_verification", "outcome"): "not_approved"},
            "final verification passed",
        ),
        ({("agreement", "final_verification", "date"): "2026-03-03"}, "final verification passed"),
        ({("agreement", "final_verification", "musts", 0, "resolved"): None}, "must M-1 resolved"),
        (
            {("agreement", "final_verification", "musts", 0, "resolved"): "2026-03-03"},
            "must M-1 resolved",
        ),
        ({(*AGREEMENT, "final_agreement_signed"): None}, "final agreement signed"),
        ({(*AGREEMENT, "connection_agreement_signed"): None}, "connection agreement signed"),
        ({("agreement", "sjunet"): {}}, "Sjunet connected"),
        ({("agreement", "attestations_reviewed"): None}, "attestations of workstations reviewed"),
        ({("agreement", "training", 0): None}, "introduction course held"),
        ({("agreement", "self_declaration"): {}}, "self-declaration reviewed"),
        ({(*AGREEMENT, "operation_start"): None}, "start of operation reached"),
        ({(*AGREEMENT, "operation_start"): "2026-03-03"}, "start of operation reached"),
    ],
)
def test_each_condition_of_operation_alone_keeps_a_provider_in_establishment(
    make: Make, changes: dict[Path, Any], missing: str
) -> None:
    record = make(changes)
    assert phase(record, TODAY) == "establishment"
    (said,) = missing_for_operation(record, TODAY)
    assert said.startswith(missing)


def test_nothing_is_missing_in_operation(make: Make) -> None:
    assert missing_for_operation(make(), TODAY) == ()


def test_agreement_never_signed_is_an_application_whatever_else_is_dated(make: Make) -> None:
    unsigned = {(*AGREEMENT, "contract_signed"): None}
    assert phase(make(unsigned), TODAY) == "application"
    assert phase(make({**unsigned, (*AGREEMENT, "ends"): "2025-01-01"}), TODAY) == "application"


def test_agreement_that_ended_before_operation_is_ended(make: Make) -> None:
    record = make({(*AGREEMENT, "operation_start"): None, (*AGREEMENT, "ends"): "2026-03-01"})
    assert phase(record, TODAY) == "ended"


def test_last_day_is_the_earliest_that_is_named(make: Make) -> None:
    ends = {
        (*AGREEMENT, "ends"): "2026-06-30",
        ("agreement", "units", 0, "closes"): "2026-05-31",
        (*ASSIGNMENT, "to"): "2026-04-30",
    }

    def last(*given: Path) -> dt.date | None:
        record = make({path: ends[path] for path in given})
        (assignment,) = record.staff.people[0].assignments
        return last_day(record, record.agreement.units[0], assignment)

    paths = list(ends)
    assert last() is None
    assert last(paths[0]) == day("2026-06-30")
    assert last(*paths[:2]) == day("2026-05-31")
    assert last(*paths) == day("2026-04-30")


@pytest.mark.parametrize(
    ("period", "as_of", "suspended"),
    [
        ({"from": "2026-02-16", "to": "2026-03-01"}, "2026-02-15", False),
        ({"from": "2026-02-16", "to": "2026-03-01"}, "2026-02-16", True),
        ({"from": "2026-02-16", "to": "2026-03-01"}, "2026-03-01", True),
        ({"from": "2026-02-16", "to": "2026-03-01"}, "2026-03-02", False),
        ({"from": "2026-02-16"}, "2199-01-01", True),
    ],
)
def test_suspension_holds_from_its_first_day_through_its_last(
    make: Make, period: dict[str, str], as_of: str, suspended: bool
) -> None:
    (assignment,) = make({(*ASSIGNMENT, "suspended"): period}).staff.people[0].assignments
    assert is_suspended(assignment, day(as_of)) is suspended


def test_assignment_without_a_suspension_is_not_suspended(make: Make) -> None:
    assert not is_suspended(make().staff.people[0].assignments[0], TODAY)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "active"),
        ({(*ASSIGNMENT, "to"): "2026-03-02"}, "active"),
        ({(*ASSIGNMENT, "to"): "2026-03-01"}, "ended"),
        ({("agreement", "units", 0, "closes"): "2026-03-01"}, "ended"),
        ({(*AGREEMENT, "ends"): "2026-03-01"}, "ended"),
        ({(*ASSIGNMENT, "from"): "2026-03-03"}, "upcoming"),
        ({(*ASSIGNMENT, "from"): "2026-03-12"}, "upcoming"),
        ({(*ASSIGNMENT, "from"): "2026-03-13"}, "later"),
        ({(*ASSIGNMENT, "suspended"): {"from": "2026-03-02"}}, "suspended"),
        ({(*ASSIGNMENT, "halsoval"): False}, "outside"),
        ({("agreement", "units", 0, "halsoval"): False}, "outside"),
        ({(*AGREEMENT, "contract_signed"): None}, "outside"),
        ({("agreement", "sjunet"): {}}, "upcoming"),
    ],
)
def test_assignment_gives_what_its_days_and_the_phase_allow(
    make: Make, changes: dict[Path, Any], expected: str
) -> None:
    record = make(changes)
    assert state(record, record.staff.people[0].assignments[0], TODAY, lead_days=10) == expected


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2026-01-31", "2026-01-31T23:00:00+00:00"),
        ("2026-06-30", "2026-06-30T22:00:00+00:00"),
        # Summer time begins on 29 March 2026 and ends on 25 October.
        ("2026-03-28", "2026-03-28T23:00:00+00:00"),
        ("2026-03-29", "2026-03-29T22:00:00+00:00"),
        ("2026-10-25", "2026-10-25T23:00:00+00:00"),
        ("2199-12-31", "2199-12-31T23:00:00+00:00"),
    ],
)
def test_day_ends_at_midnight_in_stockholm(date: str, moment: str) -> None:
    assert end_of_day(day(date)).isoformat() == moment
    assert start_of_day(day(date) + dt.timedelta(days=1)).isoformat() == moment


# --- trials --------------------------------------------------------------------------------------


def trial(*refs: str) -> dict[str, Any]:
    return {
        "people": list(refs),
        "systems": ["vardadministrativt_system"],
        "from": "2023-03-01",
        "to": "2023-03-15",
        "approved_by": "SE2321000214-CHEF",
    }


def test_trials_are_those_that_name_the_person(make: Make) -> None:
    tries = [trial("doctor"), trial("nurse"), trial("nurse", "doctor")]
    record = make({("agreement", "trial"): tries})
    doctor, nameless = record.staff.people
    first, _second, third = record.agreement.trial
    assert trials(record, doctor) == (first, third)
    # Who has no ref cannot be named, not even by a trial that names nobody.
    assert trials(record, nameless) == ()
    assert trials(make({("agreement", "trial"): [trial()]}), nameless) == ()
    assert trials(make(), doctor) == ()


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2023-02-28", False), ("2023-03-01", True), ("2023-03-15", True), ("2023-03-16", False)],
)
def test_a_trial_lasts_from_its_first_day_through_its_last(
    make: Make, as_of: str, expected: bool
) -> None:
    (only,) = make({("agreement", "trial"): [trial("doctor")]}).agreement.trial
    assert is_in(only, day(as_of)) is expected
