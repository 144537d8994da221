# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody is given anything by order before HSA holds them: the HSA-id may be another's then."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.identities import (
    identify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.orders import (
    desire,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import TAKES
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LAYOUT,
    LISTING,
    TEAMS,
    TODAY,
    approved,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.user_builders import (
    AIDS,
    P1,
    TOMORROW,
    YESTERDAY,
    from_day,
    staff,
    task,
    users,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, values
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import Services, told

OF_PEOPLE = ("join", "change", "guest", "membership", *sorted(TAKES - {"terminate"}))
REFUSED = {"alfa": "refused: 5 of 10 would lose something. To confirm exactly this plan, run"}
ABSENT = "HSA does not hold the person"
GIVING = {
    "join": (staff(), None),
    "guest": (staff(uses(TEAMS), mail="a@x.example"), None),
    "membership": (staff(uses(JOURNAL)), task("join")),
}
each_giving = pytest.mark.parametrize("kind", sorted(GIVING))


def joined_as(hsa: Hsa, *records: Record, failures: dict[str, str], check: bool) -> set[str]:
    """The HSA-ids for which users are ordered right after HSA's part of the run."""
    everything = approved(*records)
    known = identify(everything, TODAY, LAYOUT, hsa.directory.read(), NOTHING_REMEMBERED)
    desired = desire(everything, TODAY, Rules(), (), known, None, failures, check)
    return {one.id.partition(" ")[0] for one in desired.wanted if one.kind == "join"}


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_an_hsa_id_that_nobody_has_yet_is_in_no_order(hsa: Hsa, check: bool) -> None:
    before = record(people=[person(n, uses(ECG)) for n in range(10)])
    hsa.bring(before, record("beta"))
    # Half of the rows have vanished, so HSA refuses the plan; one person is new.
    staff = [*(person(n, uses(ECG)) for n in range(5, 10)), person(15, uses(ECG))]
    now = record(people=staff), record("beta")
    result = hsa.run(*now, check=check)
    assert [p for p, own in result.items() if own["failed"]] == ["alfa"]
    failures = {"alfa": result["alfa"]["msg"]}
    assert joined_as(hsa, *now, failures=failures, check=check) == set()
    # The day after, somebody whom another provider has hired gets the id that comes next.
    after = before, record("beta", [person(30, uses(ECG))])
    hsa.bring(*after)
    held = {values(entry, "hsaIdentity")[0] for entry in hsa.entries()}
    found = joined_as(hsa, *after, failures={}, check=check)
    assert len(found) == 11
    assert found <= held


@each_giving
def test_what_gives_somebody_something_waits_until_hsa_holds_the_person(
    services: Services, kind: str
) -> None:
    own, tasks = GIVING[kind]
    services.absent = {1}
    assert services.desired(own, tasks=tasks).waiting == {"alfa": (f"1 new order waits: {ABSENT}",)}
    assert told(services.run(own, tasks=tasks), *OF_PEOPLE) == []
    services.absent = set()
    assert services.desired(own, tasks=tasks).waiting == {}
    assert told(services.run(own, tasks=tasks), *OF_PEOPLE) == [(kind, P1, "ordered")]


@each_giving
@pytest.mark.parametrize(
    ("failures", "check", "is_made"),
    [
        ({}, True, True),
        ({}, False, False),
        (None, True, False),
        (REFUSED, True, False),
        (REFUSED, False, False),
        ({"beta": "refused"}, True, True),
    ],
)
def test_a_check_counts_as_entered_whom_hsa_would_enter(
    services: Services, kind: str, failures: Any, check: bool, is_made: bool
) -> None:
    own, tasks = GIVING[kind]
    services.absent = {1}
    planned = services.desired(own, tasks=tasks, failures=failures, check=check)
    assert bool([one for one in planned.wanted if one.kind == kind]) is is_made
    assert bool(planned.waiting) is not is_made


def test_who_is_in_hsa_waits_where_hsa_failed_for_all_the_persons_providers(
    services: Services,
) -> None:
    services.run()
    assert services.desired(staff(uses(ECG, LISTING)), failures=REFUSED).waiting == {
        "alfa": (
            "2 new orders wait: HSA failed for the provider: refused: 5 of 10 would lose something",
        )
    }
    other = record("beta", [person(1)])
    assert users(services, staff(), other, failures=REFUSED) == [("join", P1, "ordered")]
    # Who has orders was in HSA by then.
    assert users(services, staff(uses(ECG, LISTING)), failures=REFUSED) == [("join", P1, "ordered")]


def test_while_hsa_cannot_be_read_only_newcomers_wait(services: Services) -> None:
    services.run(staff())
    services.unread = "HSA could not be read"
    two = record(people=[person(1, uses(ECG, LISTING)), person(2, uses(ECG))])
    assert services.desired(two).waiting == {"alfa": ("1 new order waits: HSA could not be read",)}
    assert users(services, two) == [("join", P1, "ordered")]


def test_of_somebody_who_is_gone_from_hsa_nothing_but_ends_and_days_is_ordered(
    services: Services,
) -> None:
    services.run(from_day(str(TOMORROW)))
    services.absent = {1}
    later = str(TOMORROW + dt.timedelta(days=2))
    moved = services.run(from_day(later))
    assert [(o.kind, o.cause) for o in moved] == [("change", "start_moved")]
    assert users(services, from_day(later, surname="Öst")) == []
    assert users(services, staff(uses(ECG, to=str(YESTERDAY)))) == [("leave", P1, "ordered")]


def test_what_waits_for_an_agreement_does_not_leave_while_hsa_lacks_the_person(
    services: Services,
) -> None:
    own = record(
        people=[person(1, uses(AIDS))],
        services=["vardutbud_bas", "stodapplikationer", AIDS],
        agreement={"supplementary": [{"service": AIDS, "signed": str(TOMORROW)}]},
    )
    assert users(services, own) == [("join", P1, "wanted")]
    services.absent = {1}
    assert users(services, own, day=TOMORROW) == []
    services.absent = set()
    assert users(services, own, day=TOMORROW) == [("join", P1, "ordered")]


def test_whom_hsa_cannot_tell_is_a_finding_and_does_not_wait(services: Services) -> None:
    services.unknown = {1}
    desired = services.desired(staff(ref="doctor-1"))
    assert desired.waiting == {}
    assert ("no_hsa_id", "doctor-1") in {(f.code, f.object) for f in desired.findings}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("failures", [None, {}, REFUSED])
def test_no_order_names_somebody_whom_hsa_neither_holds_nor_would_enter(
    services: Services, failures: Any, check: bool
) -> None:
    services.absent = set(range(0, 20, 2))
    own = record(
        people=[
            person(n, uses(*some, since="2026-02-01"), mail=f"p{n}@x.example")
            for n in range(20)
            for some in [[ECG, LISTING, TEAMS][: 1 + n % 3]]
        ]
    )
    desired = services.desired(own, failures=failures, check=check)
    named = {one.id.partition(" ")[0] for one in desired.wanted if one.kind in OF_PEOPLE}
    entered = {f"SE2321000214-P{n}" for n in range(20) if n % 2 or (check and failures == {})}
    assert named == (set() if failures else entered)
    assert number(0) not in str(desired.waiting)
