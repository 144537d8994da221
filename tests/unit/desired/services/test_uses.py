# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What assignments ask for on the day, in every phase: who is a user of what, from when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LISTING,
    TODAY,
    person,
    record,
    trial,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.user_builders import (
    P1,
    SOON,
    TOMORROW,
    USERS,
    YESTERDAY,
    staff,
    users,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import (
    Services,
    of_kind,
    one,
)

# --- assignments ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "day"),
    [
        ({"since": "2026-02-01"}, str(SOON)),
        ({"since": str(TODAY)}, str(TODAY)),
        ({"since": "2026-04-01"}, "2026-04-01"),
        ({"to": str(TODAY)}, str(SOON)),
        ({"to": str(YESTERDAY)}, None),
        ({"since": "2026-09-01"}, None),
        ({"halsoval": False}, None),
    ],
    ids=["active", "first day", "upcoming", "last day", "ended", "later", "other work"],
)
def test_who_joins_follows_the_assignment(
    services: Services, given: dict[str, Any], day: str | None
) -> None:
    joins = of_kind(services.run(staff(uses(ECG, **given))), *USERS)
    assert [(o.kind, str(o.due)) for o in joins] == ([("join", day)] if day else [])


@pytest.mark.parametrize(
    ("over", "day"),
    [
        ({"to": str(YESTERDAY)}, YESTERDAY),
        ({"suspended": {"from": str(TODAY), "to": "2026-03-10"}}, TODAY),
    ],
    ids=["ended", "suspended"],
)
def test_a_date_in_the_record_is_everybodys_leaving_unhindered(
    services: Services, over: dict[str, Any], day: dt.date
) -> None:
    crowd = range(1, 12)
    services.run(record(people=[person(n, uses(ECG)) for n in crowd]))
    over_now = record(people=[person(n, uses(ECG, **over)) for n in crowd])
    assert services.judge(over_now).refusals == {}
    leaves = of_kind(services.run(over_now), *USERS)
    assert {(o.kind, o.due, o.state) for o in leaves} == {("leave", day, "ordered")}
    assert len(leaves) == len(crowd)


def test_the_end_of_the_provider_ends_everything(services: Services) -> None:
    own = staff(uses(LISTING))
    services.run(own)
    ended = record(people=[person(1, uses(LISTING))], agreement={"ends": str(TODAY)})
    assert users(services, ended) == []
    leave = one(services.run(ended, day=TOMORROW), "leave")
    assert (leave.due, leave.particulars["act"]) == (TODAY, "leave")


def test_a_service_that_the_provider_leaves_is_left_by_its_users(services: Services) -> None:
    crowd = range(1, 12)
    services.run(record(people=[person(n, uses(ECG)) for n in crowd]))
    left = record(
        people=[person(n, uses(ECG)) for n in crowd],
        terminated=[{"service": ECG, "last_day": str(TODAY)}],
    )
    assert users(services, left) == []
    assert services.judge(left, day=TOMORROW).refusals == {}
    leaves = of_kind(services.run(left, day=TOMORROW), *USERS)
    assert {(o.kind, o.due) for o in leaves} == {("leave", TODAY)}
    assert len(leaves) == len(crowd)


def test_work_outside_halsoval_is_no_use(services: Services) -> None:
    services.run(staff(uses(ECG, LISTING)))
    assert users(services, staff(uses(ECG, LISTING, halsoval=False))) == [
        ("leave", P1, "ordered"),
        ("leave", P1, "ordered"),
    ]


def test_nobody_joins_after_the_providers_last_day(services: Services) -> None:
    ends = {"ends": "2026-03-31"}
    late = record(people=[person(1, uses(ECG, since="2026-04-01"))], agreement=ends)
    assert users(services, late) == []


# --- holds, phases and trials ---------------------------------------------------------------------


def test_a_hold_on_a_person_is_a_leaving_and_its_end_a_joining(services: Services) -> None:
    services.run(staff())
    services.holds = (
        Hold(id="h1", object=P1, kind="hold", reason="utredning", by="x", since=TODAY,
             until=TOMORROW),
    )  # fmt: skip
    assert services.judge(staff()).refusals == {}
    later = staff(uses(ECG, suspended={"from": "2026-06-01"}))
    leave = one(services.run(later), "leave")
    assert leave.due == TODAY
    assert users(services, staff()) == []
    assert users(services, staff(), day=TOMORROW) == []
    after = TOMORROW + dt.timedelta(days=1)
    assert users(services, staff(), day=after) == [("join", P1, "ordered")]


def test_in_establishment_nobody_opens_another_system_before_operation(services: Services) -> None:
    parts: dict[str, Any] = {"people": [person(1, uses(ECG))], "phase": "establishment"}
    assert users(services, record(**parts)) == []
    starts = record(**parts, agreement={"operation_start": "2026-04-01"})
    assert one(services.run(starts), "join").due == dt.date(2026, 4, 1)


def test_a_provider_that_falls_back_keeps_its_users(services: Services) -> None:
    services.run(staff())
    back = record(people=[person(1, uses(ECG))], sjunet={})
    assert users(services, back) == []
    assert services.findings(back) == services.findings(staff())


def test_what_a_provider_loses_by_falling_back_is_guarded(services: Services) -> None:
    crowd = range(1, 12)
    people = [person(n, uses(ECG), ref=f"p-{n}") for n in crowd]
    tried = [trial(*(f"p-{n}" for n in crowd), services=[ECG], to=str(YESTERDAY))]
    services.run(record(people=people, trial=tried))
    back = record(people=people, trial=tried, sjunet={})
    assert "11 of 11 would lose something" in services.judge(back).refusals["alfa"]


def test_before_the_contract_nothing_is_ordered_or_ended(services: Services) -> None:
    early = record(people=[person(1, uses(ECG))], phase="application")
    assert services.run(early) == []
    services.run(staff())
    assert services.run(early) == []
    assert services.findings(early) == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-03-04", []), ("2026-03-05", ["join"]), ("2026-03-21", [])],
)
def test_a_trial_opens_other_systems_within_its_days(
    services: Services, day: str, expected: list[str]
) -> None:
    tries = record(
        people=[person(1, uses(JOURNAL), ref="a")], phase="establishment",
        trial=[trial("a", services=[ECG], since="2026-03-05", to="2026-03-20")],
    )  # fmt: skip
    found = services.run(tries, day=dt.date.fromisoformat(day))
    assert [order.kind for order in of_kind(found, *USERS)] == expected


@pytest.mark.parametrize("ends", ["trial", "assignment", "agreement", "suspension"])
def test_what_was_tried_is_left_when_it_ends(services: Services, ends: str) -> None:
    def tries(ended: bool) -> Record:
        to = str(YESTERDAY) if ended and ends == "trial" else "2026-03-15"
        over: dict[str, Any] = {"to": str(YESTERDAY)} if ends == "assignment" else {}
        if ends == "suspension":
            over = {"suspended": {"from": str(YESTERDAY)}}
        agreement = {"ends": str(YESTERDAY)} if ended and ends == "agreement" else {}
        return record(
            people=[person(1, uses(JOURNAL, **(over if ended else {})), ref="a")],
            phase="establishment", agreement=agreement,
            trial=[trial("a", services=[ECG], to=to)],
        )  # fmt: skip

    assert users(services, tries(ended=False)) == [("join", P1, "ordered")]
    assert services.judge(tries(ended=True)).refusals == {}
    assert users(services, tries(ended=True)) == [("leave", P1, "ordered")]


def test_a_trial_that_ended_long_ago_explains_nothing(services: Services) -> None:
    def tries(to: str) -> Record:
        return record(
            people=[person(n, uses(JOURNAL), ref=f"p-{n}") for n in range(1, 12)],
            phase="establishment",
            trial=[
                trial(*(f"p-{n}" for n in range(1, 12)), services=[ECG], since="2026-01-01", to=to)
            ],
        )

    services.run(tries("2026-03-15"))
    assert services.judge(tries(str(YESTERDAY))).refusals == {}
    assert "11 of 11" in services.judge(tries("2026-01-15")).refusals["alfa"]
