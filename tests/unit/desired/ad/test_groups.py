# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One group per provider, and the region's groups that open services (annex 3.1.1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    FOREIGN_MEMBERS,
    SYSTEM_GROUPS,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    JOURNAL,
    OFFICE,
    TODAY,
    XRAY,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

TOMORROW = TODAY + dt.timedelta(days=1)
ENDS = {"to": str(TODAY)}


# --- of a provider -------------------------------------------------------------------------------


def test_a_provider_has_a_global_group_with_those_who_have_access(world: Ad) -> None:
    people = [person(1, uses()), person(2, uses(XRAY)), person(3, uses(since="2026-04-01"))]
    world.bring(record(people=people))
    group = world.group("Halsoval-alfa")
    assert group.dn == f"CN=Halsoval-alfa,{AD_LAYOUT.group_ou}"
    assert {name: set(held) for name, held in group.attributes.items()} == {
        "objectClass": {"top", "group"},
        "CN": {"Halsoval-alfa"},
        "sAMAccountName": {"Halsoval-alfa"},
        "groupType": {"-2147483646"},
        "objectSid": {values(group, "objectSid")[0]},
        "extensionName": {"halsoval:provider/alfa"},
        "member": {world.account(number(n)).dn for n in (1, 2)},
    }


def test_a_provider_without_users_has_an_empty_group(world: Ad) -> None:
    world.bring(record(people=[person(1)]))
    assert values(world.group("Halsoval-alfa"), "member") == ()


def test_a_group_is_found_by_its_key_whatever_it_is_called(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.put_group(
        f"CN=Alfa,{AD_LAYOUT.group_ou}", "CN=doktor0,OU=Personal,DC=ad,DC=example",
        extensionName=("halsoval:provider/alfa", "exchange:x"),
    )  # fmt: skip
    world.bring(staff)
    group = world.group("Alfa")
    # Who else is a member stays, and so does what others wrote.
    assert values(group, "member") == (FOREIGN_MEMBERS[0], world.account(number(1)).dn)
    assert values(group, "extensionName") == ("halsoval:provider/alfa", "exchange:x")
    assert world.groups_of(number(1)) == {"Alfa", "App-Journal"}


def test_the_groups_prefix_is_the_regions_choice() -> None:
    world = Ad(replace(AD_LAYOUT, group_prefix="HV "))
    world.bring(record(people=[person(1, uses())]))
    assert world.groups_of(number(1)) == {"HV alfa", "App-Journal"}


# --- of services ---------------------------------------------------------------------------------


def test_a_service_opens_by_the_group_that_the_region_names(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(JOURNAL, XRAY)), person(2, uses(XRAY))]))
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal", "App-Rontgen"}
    assert world.groups_of(number(2)) == {"Halsoval-alfa", "App-Rontgen"}


def test_services_that_are_read_only_open_the_groups_that_read(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(OFFICE, DOCUMENTS))]))
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Office-Las", "App-Dokument-Las"}


def test_one_group_may_open_several_services(world: Ad) -> None:
    shared = {**AD_LAYOUT.groups, XRAY: AD_LAYOUT.groups[JOURNAL].lower()}
    world = Ad(replace(AD_LAYOUT, groups=shared))
    world.bring(record(people=[person(1, uses(JOURNAL, XRAY)), person(2, uses(XRAY))]))
    assert "App-Journal" in world.groups_of(number(2))
    world.bring(record(people=[person(1, uses(JOURNAL)), person(2, uses(XRAY, to="2026-03-01"))]))
    assert "App-Journal" in world.groups_of(number(1))
    assert world.groups_of(number(2)) == set()


@pytest.mark.parametrize(
    ("held", "configured"),
    [
        (f"CN=App-X,{SYSTEM_GROUPS}", f"cn=app-x,{SYSTEM_GROUPS.lower()}"),
        (f"CN=App\\, X,{SYSTEM_GROUPS}", f"CN=App\\, X,{SYSTEM_GROUPS}"),
        (f"CN=App\\, X,{SYSTEM_GROUPS}", f"CN=App\\2C X,{SYSTEM_GROUPS}"),
        (f"CN=App Läs,{SYSTEM_GROUPS}", f"CN=App L\\C3\\A4s,{SYSTEM_GROUPS}"),
    ],
)
def test_a_group_may_be_spelled_in_any_way_that_names_it(held: str, configured: str) -> None:
    world = Ad(replace(AD_LAYOUT, groups={JOURNAL: configured}))
    world.directory.remove(configured)
    world.put_group(held, *FOREIGN_MEMBERS, sAMAccountName="App")
    staff = record(people=[person(1, uses())])
    assert world.desired(staff).errors == {}
    world.bring(staff)
    (group,) = (e for e in world.directory.entries() if e.dn == held)
    assert values(group, "member") == (*FOREIGN_MEMBERS, world.account(number(1)).dn)


def test_a_plan_names_nobody_but_our_accounts(world: Ad) -> None:
    staff = [person(n, uses()) for n in range(3)]
    world.bring(record(people=staff))
    foreign = set(FOREIGN_MEMBERS)
    for after in (staff[:1], [], [*staff, person(9, uses())]):
        plan = world.bring(record(people=after))
        for change in (c for op in plan.operations for c in op.changes if c.attribute == "member"):
            assert foreign.isdisjoint((*change.before, *change.delete, *change.add))
    assert set(values(world.group("App-Journal"), "member")) >= foreign


def test_what_a_person_added_to_a_group_by_hand_goes(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    group = world.group("App-Rontgen")
    account = world.account(number(1)).dn
    world.change(group, member=(*values(group, "member"), account))
    world.bring(staff)
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}
    # In groups that no service is mapped to, it is somebody else's business.
    world.put_group(f"CN=Lunch,{SYSTEM_GROUPS}", account)
    assert world.bring(staff).operations == ()


def test_members_are_written_as_added_and_deleted_values(world: Ad) -> None:
    people = [person(n, uses()) for n in range(3)]
    world.bring(record(people=people))
    plan = world.bring(record(people=[person(0, uses(**ENDS)), *people[1:], person(3, uses())]),
                       day=TOMORROW)  # fmt: skip
    changes = [c for op in plan.operations for c in op.changes if c.attribute == "member"]
    gone, new = (world.account(number(n)).dn for n in (0, 3))
    gone = gone.replace("OU=Karantan", "OU=Konton")
    assert sorted((c.delete, c.add) for c in changes) == [((), (new,))] * 2 + [((gone,), ())] * 2


# --- two providers -------------------------------------------------------------------------------


def test_a_person_at_two_providers_has_the_groups_of_both(world: Ad) -> None:
    world.bring(record("alfa", [person(1, uses())]), record("beta", [person(1, uses(XRAY))]))
    assert world.groups_of(number(1)) == {
        "Halsoval-alfa", "Halsoval-beta", "App-Journal", "App-Rontgen"
    }  # fmt: skip


@pytest.mark.parametrize("how", [{"to": str(TODAY)}, {"suspended": {"from": str(TOMORROW)}}])
def test_when_one_of_two_ends_only_that_providers_groups_go(
    world: Ad, how: dict[str, object]
) -> None:
    records = (
        record("alfa", [person(1, uses(JOURNAL, OFFICE, **how))]),
        record("beta", [person(1, uses(XRAY, OFFICE))]),
    )
    world.bring(*records)
    before = world.account(number(1))
    results = world.run(*records, day=TOMORROW)
    assert not any(result["failed"] for result in results.values())
    # The service that the other provider's work needs too is kept.
    assert world.groups_of(number(1)) == {"Halsoval-beta", "App-Rontgen", "App-Office-Las"}
    assert world.is_enabled(number(1))
    assert world.account(number(1)).address == before.address


def test_when_the_last_ends_the_account_is_closed_and_in_no_group(world: Ad) -> None:
    records = (
        record("alfa", [person(1, uses(to="2026-03-01"))]),
        record("beta", [person(1, uses(XRAY, **ENDS))]),
    )
    world.bring(*records)
    world.bring(*records, day=TOMORROW)
    assert world.groups_of(number(1)) == set()
    assert not world.is_enabled(number(1))
    assert values(world.account(number(1)), "accountExpires") == ("2026-03-02T23:00:00Z",)


def test_one_providers_plan_does_not_take_what_is_the_others(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses(JOURNAL, **ENDS))])
    beta = record("beta", [person(1, uses(XRAY, **ENDS))])
    world.bring(alfa, beta)
    results = world.run(alfa, beta, day=TOMORROW, providers=("beta",))
    assert results.keys() == {"beta"}
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}
    world.run(alfa, beta, day=TOMORROW, providers=("alfa",))
    assert world.groups_of(number(1)) == set()


def test_each_providers_plan_holds_its_own_part_of_a_shared_group(world: Ad) -> None:
    records = (record("alfa", [person(1, uses())]), record("beta", [person(2, uses())]))
    world.hsa.bring(*records)
    by_provider = world.plan(*records).by_provider()
    for provider, index in (("alfa", 1), ("beta", 2)):
        dn = f"CN={world.id_of(number(index))},{AD_LAYOUT.account_ou}"
        members = [c.add for op in by_provider[provider] for c in op.changes
                   if c.attribute == "member"]  # fmt: skip
        assert members == [(dn,), (dn,)]


@pytest.mark.parametrize("ended", [JOURNAL, OFFICE])
def test_a_service_that_is_no_longer_used_goes_with_a_date_only(world: Ad, ended: str) -> None:
    people = [person(n, uses(JOURNAL, OFFICE)) for n in range(10)]
    world.bring(record(people=people))
    left = JOURNAL if ended == OFFICE else OFFICE
    fewer = record(people=[person(n, uses(left)) for n in range(10)])
    refused = world.run(fewer)["alfa"]
    assert (refused["failed"], refused["changed"]) == (True, False)
    dated = record(
        people=[person(n, uses(JOURNAL, OFFICE, **ENDS), uses(left)) for n in range(10)]
    )  # fmt: skip
    result = world.run(dated, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert len(world.groups_of(number(1))) == 2
