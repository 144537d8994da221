# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a day asks of people: owners of accounts, keepers of other systems, inviters to Teams."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    REGION_STAFF,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LAYOUT,
    LISTING,
    NPO,
    TEAMS,
    TODAY,
    XRAY,
    assignment,
    number,
    person,
    record,
    trial,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

KINDS = ("owner_tasks", "provider_tasks", "region_tasks", "guest_invitations")
YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
REGIONS_ID = "SE2321000214-R1"
JOURNAL_GROUP = AD_LAYOUT.groups[JOURNAL]


def tasks(
    world: Ad, kind: str, *records: Record, provider: str = "alfa", **options: Any
) -> list[dict[str, str]]:
    """One list of tasks of a provider, the person left out."""
    found = world.desired(*records, **options).returns[provider][kind]
    return [{k: v for k, v in task.items() if k != "person"} for task in found]


def acts(world: Ad, kind: str, *records: Record, **options: Any) -> set[tuple[str, str]]:
    """(service, act) of one list of tasks."""
    return {(task["service"], task["act"]) for task in tasks(world, kind, *records, **options)}


# --- lists ---------------------------------------------------------------------------------------


def test_every_provider_with_a_record_has_every_list(world: Ad) -> None:
    returns = world.desired(record("alfa"), record("beta", phase="application")).returns
    assert returns == {name: {kind: [] for kind in KINDS} for name in ("alfa", "beta")}


def test_who_manages_a_system_decides_whose_task_it_is(world: Ad) -> None:
    staff = record(people=[person(1, uses(JOURNAL, LISTING, ECG, TEAMS, NPO))])
    world.bring(staff)
    id = world.id_of(number(1))
    task = {"person": id, "act": "join", "day": "2026-01-01"}
    assert world.desired(staff).returns["alfa"] == {
        "owner_tasks": [],
        "provider_tasks": [{"service": LISTING, **task}],
        "region_tasks": [{"service": ECG, **task}],
        "guest_invitations": [{"service": TEAMS, **task}],
    }
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_tasks_need_no_account_and_give_none(world: Ad) -> None:
    staff = record(people=[person(1, uses(ECG))])
    world.bring(staff)
    assert world.accounts(number(1)) == []
    assert acts(world, "region_tasks", staff) == {(ECG, "join")}


def test_tasks_name_people_by_hsa_id_alone(world: Ad) -> None:
    told = {"given_name": "Åsa", "surname": "Öst", "mail": "asa@x.example"}
    staff = record(people=[person(1, uses(ECG, LISTING, TEAMS), **told)])
    world.bring(staff)
    said = str(world.desired(staff).returns)
    assert world.id_of(number(1)) in said
    assert not any(name in said for name in ("Åsa", "Öst", "asa@", number(1)))


def test_whom_nobody_can_name_is_in_no_task(world: Ad) -> None:
    world.unread = "HSA could not be read"
    assert tasks(world, "region_tasks", record(people=[person(1, uses(ECG))])) == []


def test_the_result_of_a_run_holds_the_lists(world: Ad) -> None:
    result = world.run(record(people=[person(1, uses(ECG))]))["alfa"]
    assert [task["act"] for task in result["region_tasks"]] == ["join"]
    assert result["owner_tasks"] == []


# --- join, change, leave -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"since": "2026-02-01"}, ("join", "2026-02-01")),
        ({"since": "2026-04-01"}, ("join", "2026-04-01")),
        ({"to": str(TODAY)}, ("join", "2026-01-01")),
        ({"to": str(YESTERDAY)}, ("leave", str(YESTERDAY))),
        ({"since": "2026-09-01"}, None),
        ({"halsoval": False}, None),
    ],
    ids=["active", "upcoming", "last day", "ended", "later", "other work"],
)
def test_the_act_follows_the_assignment(
    world: Ad, given: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    world.bring(record(people=[person(1, uses(ECG))]))
    found = tasks(world, "region_tasks", record(people=[person(1, uses(ECG, **given))]))
    assert [(task["act"], task["day"]) for task in found] == ([expected] if expected else [])


def test_the_end_of_the_provider_is_everybodys_leaving(world: Ad) -> None:
    staff = record(people=[person(1, uses(LISTING))], agreement={"ends": str(TODAY)})
    world.bring(staff)
    (task,) = tasks(world, "provider_tasks", staff, day=TOMORROW)
    assert (task["act"], task["day"]) == ("leave", str(TODAY))


def test_who_is_suspended_leaves_when_the_suspension_begins(world: Ad) -> None:
    away = {"from": str(YESTERDAY), "to": "2026-03-10"}
    staff = record(people=[person(1, uses(ECG, suspended=away, to="2026-12-31"))])
    world.bring(staff)
    (task,) = tasks(world, "region_tasks", staff)
    assert task["act"] == "leave"
    assert task.get("day", str(TODAY)) <= str(TODAY)
    assert acts(world, "region_tasks", staff, day=dt.date(2026, 3, 11)) == {(ECG, "join")}


def test_who_uses_a_service_in_another_assignment_stays(world: Ad) -> None:
    both = [uses(ECG, to=str(YESTERDAY)), uses(ECG, since="2026-02-01")]
    for given in (both, both[::-1]):
        staff = record(people=[person(1, *given)])
        world.bring(staff)
        assert acts(world, "region_tasks", staff) == {(ECG, "join")}


def test_each_provider_has_its_own_tasks_for_a_shared_person(world: Ad) -> None:
    records = (
        record("alfa", [person(1, uses(ECG, to=str(YESTERDAY)))]),
        record("beta", [person(1, uses(ECG))]),
    )
    world.bring(*records)
    assert acts(world, "region_tasks", *records) == {(ECG, "leave")}
    assert acts(world, "region_tasks", *records, provider="beta") == {(ECG, "join")}


def test_in_establishment_nobody_opens_another_system_before_operation(world: Ad) -> None:
    staff: dict[str, Any] = {"people": [person(1, uses(ECG))], "phase": "establishment"}
    world.bring(record(**staff))
    assert tasks(world, "region_tasks", record(**staff)) == []
    starts = record(**staff, agreement={"operation_start": "2026-04-01"})
    (task,) = tasks(world, "region_tasks", starts)
    assert (task["act"], task["day"]) == ("join", "2026-04-01")


@pytest.mark.parametrize(
    ("day", "asked"), [("2026-03-04", False), ("2026-03-05", True), ("2026-03-21", False)]
)
def test_a_trial_opens_other_systems_too_within_its_days(world: Ad, day: str, asked: bool) -> None:
    tries = record(
        people=[person(1, uses(JOURNAL), ref="a")], phase="establishment",
        trial=[trial("a", services=[ECG], since="2026-03-05", to="2026-03-20")],
    )  # fmt: skip
    world.bring(tries)
    found = acts(world, "region_tasks", tries, day=dt.date.fromisoformat(day))
    assert ((ECG, "join") in found) is asked


def test_a_trial_of_another_system_that_has_ended_is_to_be_left(world: Ad) -> None:
    tries = record(
        people=[person(1, uses(JOURNAL), ref="a")], phase="establishment",
        trial=[trial("a", services=[ECG], since="2026-02-05", to=str(YESTERDAY))],
    )  # fmt: skip
    world.bring(tries)
    assert acts(world, "region_tasks", tries) == {(ECG, "leave")}


@pytest.mark.parametrize("ends", ["assignment", "agreement"])
def test_what_was_tried_is_to_be_left_with_the_assignment_too(world: Ad, ends: str) -> None:
    parts: dict[str, Any] = {"phase": "establishment", "trial": [trial("a", services=[ECG])]}
    world.bring(record(people=[person(1, uses(JOURNAL), ref="a")], **parts))
    over = {"to": str(YESTERDAY)} if ends == "assignment" else {}
    agreement = {"ends": str(YESTERDAY)} if ends == "agreement" else {}
    left = record(
        people=[person(1, uses(JOURNAL, **over), ref="a")], agreement=agreement, **parts
    )  # fmt: skip
    assert (ECG, "leave") in acts(world, "region_tasks", left)


def test_a_suspended_person_is_not_to_join_what_is_tried(world: Ad) -> None:
    away = uses(JOURNAL, suspended={"from": str(YESTERDAY)})
    tries = record(
        people=[person(1, away, ref="a")], phase="establishment",
        trial=[trial("a", services=[ECG])],
    )  # fmt: skip
    world.bring(tries)
    assert (ECG, "join") not in acts(world, "region_tasks", tries)


def test_a_new_name_is_a_change_until_the_account_says_it(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(JOURNAL, ECG))]))
    married = record(people=[person(1, uses(JOURNAL, ECG), surname="Öst")])
    assert acts(world, "region_tasks", married) == {(ECG, "change")}
    assert world.run(married, check=True)["alfa"]["region_tasks"][0]["act"] == "change"
    assert world.run(married)["alfa"]["region_tasks"][0]["act"] == "change"
    assert acts(world, "region_tasks", married) == {(ECG, "join")}


def test_a_name_written_in_other_case_is_no_change(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(JOURNAL, ECG), surname="af Öst")]))
    again = record(people=[person(1, uses(JOURNAL, ECG), surname="Af Öst")])
    assert acts(world, "region_tasks", again) == {(ECG, "join")}


def test_whom_a_provider_has_not_had_yet_joins_and_does_not_change(world: Ad) -> None:
    world.bring(record("alfa", [person(1, uses(JOURNAL, ECG), position="Läkare")]))
    both = (
        record("alfa", [person(1, uses(JOURNAL, ECG), position="Läkare")]),
        record("beta", [person(1, uses(JOURNAL, ECG), position="Chef")]),
    )
    assert acts(world, "region_tasks", *both, provider="beta") == {(ECG, "join")}


# --- the region's own employee -------------------------------------------------------------------


@pytest.fixture
def own(world: Ad) -> Ad:
    """The person 1 is the region's own, with an account."""
    world.hsa.directory.put(
        f"cn=R1,ou=Personal,{LAYOUT.base_dn}", objectClass="person", cn="R1", sn="Öst",
        fullName="Åsa Öst", hsaIdentity=REGIONS_ID, personalIdentityNumber=number(1),
    )  # fmt: skip
    world.put_account(f"CN=asaost,{REGION_STAFF}", employeeNumber=REGIONS_ID)
    return world


def join_by_hand(world: Ad, *groups: str) -> None:
    """What the owner of the account does."""
    for name in groups:
        group = world.group(name)
        members = (*values(group, "member"), f"CN=asaost,{REGION_STAFF}")
        world.change(group, member=members)


def test_the_owner_is_asked_for_the_groups_of_the_regions_own(own: Ad) -> None:
    staff = record(people=[person(1, uses(JOURNAL)), person(2, uses())])
    own.bring(staff)
    found = own.desired(staff).returns["alfa"]["owner_tasks"]
    asked = {(task["service"], task["group"], task["act"]) for task in found}
    assert asked == {
        (JOURNAL, JOURNAL_GROUP, "join"),
        ("citrixanslutning", own.group("Halsoval-alfa").dn, "join"),
    }
    assert {task["person"] for task in found} == {REGIONS_ID}


def test_the_group_that_is_still_to_be_made_is_called_by_its_name(own: Ad) -> None:
    staff = record(people=[person(1, uses(JOURNAL))])
    own.hsa.bring(staff)
    found = tasks(own, "owner_tasks", staff)
    assert "Halsoval-alfa" in {task["group"] for task in found}


def test_what_the_owner_has_done_is_asked_for_no_more(own: Ad) -> None:
    staff = record(people=[person(1, uses(JOURNAL))])
    own.bring(staff)
    join_by_hand(own, "App-Journal")
    assert acts(own, "owner_tasks", staff) == {("citrixanslutning", "join")}
    join_by_hand(own, "Halsoval-alfa")
    assert tasks(own, "owner_tasks", staff) == []
    # Nor does a run take what the owner gave.
    assert own.bring(staff).operations == ()
    assert own.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


@pytest.mark.parametrize(
    "over",
    [{"to": str(YESTERDAY)}, {"suspended": {"from": str(YESTERDAY)}}],
    ids=["ended", "suspended"],
)
def test_the_owner_is_asked_to_take_what_has_ended(own: Ad, over: dict[str, Any]) -> None:
    staff = record(people=[person(1, uses(JOURNAL, XRAY))])
    own.bring(staff)
    join_by_hand(own, "App-Journal", "Halsoval-alfa")
    ended = record(people=[person(1, uses(JOURNAL, XRAY, **over))])
    # Of x-ray the account is no member: there is nothing to take.
    assert acts(own, "owner_tasks", ended) == {(JOURNAL, "leave"), ("citrixanslutning", "leave")}
    assert own.bring(ended).operations == ()


def test_what_another_provider_still_needs_is_not_to_be_taken(own: Ad) -> None:
    alfa, beta = record("alfa", [person(1, uses())]), record("beta", [person(1, uses())])
    own.bring(alfa, beta)
    join_by_hand(own, "App-Journal", "Halsoval-alfa", "Halsoval-beta")
    ended = record("alfa", [person(1, uses(to=str(YESTERDAY)))])
    assert acts(own, "owner_tasks", ended, beta) == {("citrixanslutning", "leave")}
    assert acts(own, "owner_tasks", ended, beta, provider="beta") == set()


@pytest.mark.parametrize(
    ("given", "phase"),
    [(uses(), "establishment"), (uses(since="2026-04-01"), "operation")],
    ids=["establishment", "upcoming"],
)
def test_the_owner_gives_nothing_before_access_is_open(
    own: Ad, given: dict[str, Any], phase: str
) -> None:
    # The region's account is enabled: membership would be access that day.
    staff = record(people=[person(1, given)], phase=phase)
    own.bring(staff)
    assert tasks(own, "owner_tasks", staff) == []


def test_the_regions_own_gets_no_tasks_for_services_without_an_ad_group(own: Ad) -> None:
    staff = record(people=[person(1, assignment(systems=[NPO]))])
    own.bring(staff)
    assert tasks(own, "owner_tasks", staff) == []


def test_our_own_people_are_nobodys_owner_tasks(world: Ad) -> None:
    staff = record(people=[person(1, uses()), person(2, uses(to=str(YESTERDAY)))])
    world.bring(staff)
    assert tasks(world, "owner_tasks", staff) == []
