# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a day asks of the owners of the region's own accounts."""

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
    JOURNAL,
    LAYOUT,
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

YESTERDAY = TODAY - dt.timedelta(days=1)
REGIONS_ID = "SE2321000214-R1"
JOURNAL_GROUP = AD_LAYOUT.groups[JOURNAL]


def tasks(
    world: Ad, *records: Record, provider: str = "alfa", **options: Any
) -> list[dict[str, str]]:
    """The tasks of a provider, the person left out."""
    found = world.desired(*records, **options).returns[provider]["owner_tasks"]
    return [{k: v for k, v in task.items() if k != "person"} for task in found]


def acts(world: Ad, *records: Record, **options: Any) -> set[tuple[str, str]]:
    """(service, act) of the tasks of a provider."""
    return {(task["service"], task["act"]) for task in tasks(world, *records, **options)}


# --- lists ---------------------------------------------------------------------------------------


def test_every_provider_with_a_record_has_its_list(world: Ad) -> None:
    returns = world.desired(record("alfa"), record("beta", phase="application")).returns
    assert returns == {name: {"owner_tasks": []} for name in ("alfa", "beta")}


def test_the_result_of_a_run_holds_the_list(world: Ad) -> None:
    assert world.run(record(people=[person(1, uses(JOURNAL))]))["alfa"]["owner_tasks"] == []


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
    found = tasks(own, staff)
    assert "Halsoval-alfa" in {task["group"] for task in found}


def test_what_the_owner_has_done_is_asked_for_no_more(own: Ad) -> None:
    staff = record(people=[person(1, uses(JOURNAL))])
    own.bring(staff)
    join_by_hand(own, "App-Journal")
    assert acts(own, staff) == {("citrixanslutning", "join")}
    join_by_hand(own, "Halsoval-alfa")
    assert tasks(own, staff) == []
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
    assert acts(own, ended) == {(JOURNAL, "leave"), ("citrixanslutning", "leave")}
    assert own.bring(ended).operations == ()


def test_what_another_provider_still_needs_is_not_to_be_taken(own: Ad) -> None:
    alfa, beta = record("alfa", [person(1, uses())]), record("beta", [person(1, uses())])
    own.bring(alfa, beta)
    join_by_hand(own, "App-Journal", "Halsoval-alfa", "Halsoval-beta")
    ended = record("alfa", [person(1, uses(to=str(YESTERDAY)))])
    assert acts(own, ended, beta) == {("citrixanslutning", "leave")}
    assert acts(own, ended, beta, provider="beta") == set()


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
    assert tasks(own, staff) == []


def test_the_regions_own_gets_no_tasks_for_services_without_an_ad_group(own: Ad) -> None:
    staff = record(people=[person(1, assignment(systems=[NPO]))])
    own.bring(staff)
    assert tasks(own, staff) == []


def test_our_own_people_are_nobodys_owner_tasks(world: Ad) -> None:
    staff = record(people=[person(1, uses()), person(2, uses(to=str(YESTERDAY)))])
    world.bring(staff)
    assert tasks(world, staff) == []
