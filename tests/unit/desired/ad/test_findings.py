# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a provider's plan impossible in AD, and what a person should look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    BASE,
    REGION_STAFF,
    SYSTEM_GROUPS,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    TODAY,
    XRAY,
    assignment,
    hold,
    number,
    person,
    record,
    trial,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

BETA = record("beta", [person(7, uses())])
BY_NAME = replace(AD_LAYOUT, account_name="{given:.3}{surname:.3}")


def codes(world: Ad, *records: Record, **options: Any) -> set[tuple[str, str, str]]:
    """(provider, code, object) of all findings."""
    return {(f.provider, f.code, f.object) for f in world.desired(*records, **options).findings}


def refused(world: Ad, alfa: Record) -> str:
    """Why alfa's plan was refused, with nothing written for it while beta's went on."""
    results = world.run(alfa, BETA)
    assert (results["alfa"]["failed"], results["alfa"]["changed"]) == (True, False)
    assert (results["beta"]["failed"], world.is_enabled(number(7))) == (False, True)
    message: str = results["alfa"]["msg"]
    return message


# --- errors --------------------------------------------------------------------------------------


def test_a_group_of_the_catalogue_that_is_not_there_stops_whom_it_concerns(world: Ad) -> None:
    world.directory.remove(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    message = refused(world, record(people=[person(1, uses(XRAY)), person(2, uses())]))
    assert f"AD does not hold the group CN=App-Rontgen,{SYSTEM_GROUPS}" in message
    assert XRAY in message
    assert world.accounts(number(1)) == world.accounts(number(2)) == []


def test_a_group_that_nobody_needs_any_more_may_be_gone(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(XRAY)), person(2, uses())]))
    world.directory.remove(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    left = record(people=[person(1, uses(XRAY, to="2026-03-01")), person(2, uses())])
    assert world.run(left)["alfa"]["failed"] is False
    assert not world.is_enabled(number(1))


def test_an_entry_of_another_kind_is_no_group(world: Ad) -> None:
    world.directory.remove(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    world.put_account(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    errors = world.desired(record(people=[person(1, uses(XRAY))])).errors
    assert "does not hold the group" in str(errors)


def test_a_missing_group_does_not_delay_a_dated_end(world: Ad) -> None:
    world.bring(record(people=[person(1, uses()), person(2, uses(XRAY))]))
    world.directory.remove(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    left = record(people=[person(1, uses(to="2026-03-01")), person(2, uses(XRAY))])
    result = world.run(left)["alfa"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert not world.is_enabled(number(1))
    assert world.groups_of(number(1)) == set()


def test_names_at_the_limit_of_records_are_taken(world: Ad) -> None:
    names = {"given_name": "A" * 64, "middle_name": "M" * 40, "surname": "B" * 64}
    staff = record(people=[person(1, uses(), **names)], name="D" * 64, units=[unit(name="E" * 64)])
    world.bring(staff)
    full = (f"{'A' * 64} {'M' * 40} {'B' * 64}",)
    assert values(world.account(number(1)), "displayName") == full


def test_a_principal_name_that_another_account_has_is_said(world: Ad) -> None:
    alfa = record(people=[person(1, uses())])
    world.hsa.bring(alfa, BETA)
    id = world.id_of(number(1))
    world.put_account(f"CN=x,{REGION_STAFF}", userPrincipalName=f"{id}@AD.example".lower())
    assert f"another account has the userPrincipalName of {id}" in refused(world, alfa)
    assert world.accounts(number(1)) == []


def test_an_accounts_own_principal_name_is_no_others(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    id = world.id_of(number(1))
    world.change(world.account(number(1)), userPrincipalName=f"{id.lower()}@ad.example")
    assert world.desired(staff).errors == {}


@pytest.mark.parametrize("what", ["group", "account"])
def test_a_name_of_a_providers_group_that_is_taken_is_said(world: Ad, what: str) -> None:
    if what == "group":
        world.put_group(f"CN=Halsoval-alfa,{SYSTEM_GROUPS}", sAMAccountName="HALSOVAL-ALFA")
    else:
        world.put_account(f"CN=x,{BASE}", "halsoval-alfa")
    message = refused(world, record(people=[person(1, uses())]))
    assert "the name Halsoval-alfa of the provider's group is taken in AD" in message


def test_two_groups_with_a_providers_key_are_said(world: Ad) -> None:
    alfa = record(people=[person(1, uses())])
    world.bring(alfa, BETA)
    world.put_group(f"CN=Two,{AD_LAYOUT.group_ou}", extensionName="halsoval:provider/alfa")
    assert "several groups" in world.run(alfa, BETA)["alfa"]["msg"]


def test_errors_of_a_shared_person_are_told_to_both(world: Ad) -> None:
    records = (
        record("alfa", [person(1, uses())]),
        record("beta", [person(1, uses())]),
        record("gamma", [person(2, uses())]),
    )
    world.hsa.bring(*records)
    world.put_account(f"CN=x,{REGION_STAFF}", employeeNumber=world.id_of(number(1)))
    results = world.run(*records)
    assert {p for p, result in results.items() if result["failed"]} == {"alfa", "beta"}


def test_while_a_providers_plan_is_impossible_nobody_is_let_in_by_another(world: Ad) -> None:
    world.bring(record("alfa", [person(1, uses())], phase="establishment"))
    world.directory.remove(f"CN=App-Journal,{SYSTEM_GROUPS}")
    started = record("alfa", [person(1, uses())])
    establishing = record("beta", [person(1, uses())], phase="establishment")
    world.run(started, establishing)
    assert not world.is_enabled(number(1))


def test_a_new_person_with_an_error_leaves_their_name_to_others() -> None:
    world = Ad(BY_NAME)
    alfa, beta = (
        record(name, [person(index, uses(), given_name="Anna")])
        for name, index in (("alfa", 1), ("beta", 2))
    )
    world.hsa.bring(alfa, beta)
    world.put_account(f"CN=x,{REGION_STAFF}", employeeNumber=world.id_of(number(1)))
    world.bring(alfa, beta)
    assert values(world.account(number(2)), "sAMAccountName") == ("annfja",)


# --- findings ------------------------------------------------------------------------------------


def test_a_service_without_a_group_is_reported_once_for_each_provider(world: Ad) -> None:
    people = [person(n, uses("befolkningsregister", JOURNAL)) for n in range(3)]
    staff = record(people=people)
    world.bring(staff)
    assert codes(world, staff) == {("alfa", "group_not_configured", "befolkningsregister")}
    assert len(world.desired(staff).findings) == 1
    ended = record(people=[person(0, uses("befolkningsregister", to="2026-03-01"))])
    assert ("alfa", "group_not_configured", "befolkningsregister") not in codes(world, ended)


def test_all_in_order_has_no_findings(world: Ad) -> None:
    staff = (record(people=[person(1, uses()), person(2)]), BETA)
    assert codes(world, *staff) == set()
    world.bring(*staff)
    assert codes(world, *staff) == set()


def test_an_orphan_is_reported_and_left(world: Ad) -> None:
    gone = f"CN=x,{AD_LAYOUT.account_ou}"
    world.put_account(
        gone, employeeNumber="SE2321000214-X",
        extensionName=("halsoval:person/gone", "halsoval:person/alfa"),
    )  # fmt: skip
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    assert codes(world, staff) == {
        ("gone", "orphan", "SE2321000214-X"), ("alfa", "orphan", "SE2321000214-X")
    }  # fmt: skip
    assert "ENABLED" in world.directory.content()[gone]["userAccountControl"]
    assert codes(world, staff, invalid=["gone"]) == set()


def test_an_orphaned_group_is_reported_and_left(world: Ad) -> None:
    world.bring(record(people=[person(1)]), record("beta", [person(2)]))
    left = record(people=[person(1)])
    assert codes(world, left) == {("beta", "orphan", "Halsoval-beta")}
    assert codes(world, left, invalid=["beta"]) == set()
    assert world.bring(left).operations == ()


def test_an_account_that_somebody_moved_out_of_our_ous_is_reported(world: Ad) -> None:
    staff, ended = record(people=[person(1, uses())]), record(
        people=[person(1, uses(to="2026-03-01"))]
    )  # fmt: skip
    world.bring(staff)
    entry = world.account(number(1))
    world.directory.remove(entry.dn)
    dn = f"{entry.dn.partition(',')[0]},{REGION_STAFF}"
    world.directory.put(dn, **{k: v for k, v in entry.attributes.items() if k != "CN"})
    assert ("alfa", "account_moved", world.id_of(number(1))) in codes(world, ended)
    assert world.bring(ended).operations == ()


# What becomes of whoever has an account that was moved, and whether it lets in against the records.
MOVED: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "works": ({}, False),
    "left": ({"to": "2026-03-01"}, True),
    "suspended": ({"suspended": {"from": "2026-02-01"}}, True),
    "held": ({}, True),
    "begins later": ({"since": "2026-12-01"}, True),
    "vanished": (None, True),
}


def moved(world: Ad, **said: Any) -> str:
    """Person 1's account, moved to another OU by hand, in the groups it was in; its HSA-id."""
    entry = world.account(number(1))
    groups = [e for e in world.directory.entries() if entry.dn in e.attributes.get("member", ())]
    world.directory.remove(entry.dn)
    dn = f"{entry.dn.partition(',')[0]},{REGION_STAFF}"
    kept = {name: values for name, values in entry.attributes.items() if name != "CN"}
    world.directory.put(dn, **{**kept, **said})
    for group in groups:
        others = [m for m in group.attributes["member"] if m != entry.dn]
        world.directory.put(group.dn, member=(*others, dn))
    return world.id_of(number(1))


@pytest.mark.parametrize("state", ["enabled", "disabled", "hidden"])
@pytest.mark.parametrize("what", MOVED)
def test_a_moved_account_is_of_high_severity_where_it_lets_in_against_the_records(
    world: Ad, what: str, state: str
) -> None:
    world.bring(record(people=[person(1, uses()), person(2, uses())]))
    flags = {"enabled": ("ENABLED", "NORMAL_ACCOUNT"), "disabled": ("NORMAL_ACCOUNT",)}
    id = moved(world, userAccountControl=flags.get(state, ()))
    world.hsa.holds = (hold(id),) if what == "held" else ()
    row, may_not = MOVED[what]
    staff = [] if row is None else [person(1, uses(**row))]
    later = record(people=[*staff, person(2, uses())])
    found = [f for f in world.desired(later).findings if f.code == "account_moved"]
    is_high = may_not and state != "disabled"
    assert [(f.provider, f.object) for f in found] == [("alfa", id)]
    assert [f.severity for f in found] == ["high" if is_high else "normal"]
    assert ("in App-Journal, Halsoval-alfa" in found[0].message) is is_high


def test_whom_nobody_can_tell_is_not_told_to_have_a_moved_account(world: Ad) -> None:
    world.bring(record(people=[person(1, uses())]), BETA)
    moved(world)
    others = {code for _provider, code, _id in codes(world, BETA, invalid=["alfa"])}
    world.unread = "HSA could not be read"
    assert "account_moved" not in others | {code for _p, code, _id in codes(world, record(), BETA)}


def test_a_name_that_tells_who_a_protected_person_is_is_reported() -> None:
    world = Ad(BY_NAME)
    world.bring(record(people=[person(1, uses()), person(2, uses(), protected=True)]))
    assert codes(world, record(people=[person(1, uses())])) == {
        ("alfa", "orphan", world.id_of(number(2)))
    }
    protected = record(people=[person(n, uses(), protected=True) for n in (1, 2)])
    world.bring(protected)
    assert codes(world, protected) == {("alfa", "name_tells", world.id_of(number(1)))}


def test_a_trial_before_the_lead_time_is_reported(world: Ad) -> None:
    tries = record(
        people=[person(1, uses(since="2026-09-01"), ref="a"), person(2, assignment(), ref="b")],
        phase="establishment", trial=[trial("a", "b")],
    )  # fmt: skip
    world.bring(tries)
    assert codes(world, tries) == {("alfa", "trial_too_early", "a")}


def test_no_finding_or_error_tells_a_name() -> None:
    world = Ad(BY_NAME)
    told = {"given_name": "Åsa", "surname": "Öst" * 30}
    staff = record(people=[person(1, uses("befolkningsregister"), **told)])
    world.hsa.bring(staff)
    world.put_account(f"CN=x,{REGION_STAFF}", employeeNumber=world.id_of(number(1)))
    desired = world.desired(staff, failures={"alfa": "refused"}, day=TODAY)
    said = str((desired.findings, desired.errors, desired.waiting, desired.returns))
    assert desired.errors
    assert desired.findings
    assert "Åsa" not in said
    assert "Öst" not in said
    assert number(1) not in said
