# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What in AD is ours to change, what a record must say to take it, and what waits for HSA.

Design decisions 4, 5, 7 and 8.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
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
    OFFICE,
    TODAY,
    XRAY,
    approved,
    assignment,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import hsa_id, values

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
ENDED = {"to": str(YESTERDAY)}
AWAY = "HSA could not be read: no answer"


def users(count: int, **fields: Any) -> list[dict[str, Any]]:
    """So many people who use the patient record system."""
    return [person(n, uses(**fields)) for n in range(count)]


def codes(world: Ad, *records: Record, **options: Any) -> set[tuple[str, str, str]]:
    """(provider, code, object) of all findings."""
    return {(f.provider, f.code, f.object) for f in world.desired(*records, **options).findings}


def waits(result: dict[str, Any], count: int, reason: str) -> bool:
    """Whether the result says that so many new accounts wait, and why."""
    return result["failed"] and any(
        str(count) in error and "wait" in error and reason in error for error in result["errors"]
    )


def put_regions_own(world: Ad, index: int, id: str = "R1") -> str:
    """An employee of the region in HSA, with an account in the domain; returns its DN."""
    world.hsa.directory.put(
        f"cn={id},ou=Personal,{LAYOUT.base_dn}", objectClass="person", cn=id, sn="Öst",
        fullName="Åsa Öst", hsaIdentity=f"SE2321000214-{id}",
        personalIdentityNumber=number(index),
    )  # fmt: skip
    dn = f"CN=asaost,{REGION_STAFF}"
    world.put_account(dn, employeeNumber=f"SE2321000214-{id}", sn="Öst")
    return dn


def is_closed(world: Ad, index: int = 1) -> bool:
    """Whether an account is disabled, marked and in no group."""
    owner = number(index)
    return (world.is_enabled(owner), world.is_marked(owner), world.groups_of(owner)) == (
        False, True, set()
    )  # fmt: skip


# --- the region's own ----------------------------------------------------------------------------


def test_the_regions_own_employee_keeps_their_account_and_has_no_other(world: Ad) -> None:
    dn = put_regions_own(world, 1)
    staff = record(people=[person(1, uses()), person(2, uses())])
    world.bring(staff)
    assert [entry.dn for entry in world.accounts(number(1))] == [dn]
    assert world.groups_of(number(1)) == set()
    assert codes(world, staff) == {("alfa", "account_not_ours", "SE2321000214-R1")}
    assert world.desired(staff).errors == {}
    assert world.is_enabled(number(2))


def test_the_regions_own_employee_without_an_account_gets_none_from_us(world: Ad) -> None:
    world.directory.remove(put_regions_own(world, 1))
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    assert world.accounts(number(1)) == []
    assert codes(world, staff) == {("alfa", "owner_account_missing", "SE2321000214-R1")}
    assert world.desired(staff).waiting == {}


def test_the_regions_own_stays_so_while_hsa_is_away(world: Ad) -> None:
    put_regions_own(world, 1)
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    world.unread = AWAY
    assert world.bring(staff).operations == ()
    desired = world.desired(staff)
    assert (desired.errors, desired.waiting) == ({}, {})
    assert codes(world, staff) == {("alfa", "account_not_ours", "SE2321000214-R1")}


def test_an_account_outside_our_ous_of_one_of_our_people_is_an_error(world: Ad) -> None:
    alfa, beta = record("alfa", users(1)), record("beta", [person(7, uses())])
    world.hsa.bring(alfa, beta)
    id = world.id_of(number(0))
    world.put_account(f"CN=x,{REGION_STAFF}", employeeNumber=id)
    results = world.run(alfa, beta)
    assert results["alfa"]["failed"] is True
    assert f"outside our OUs has the employeeNumber {id}" in results["alfa"]["msg"]
    assert results["alfa"]["changed"] is False
    assert [entry.dn for entry in world.accounts(number(0))] == [f"CN=x,{REGION_STAFF}"]
    # The others go on.
    assert (results["beta"]["failed"], results["beta"]["changed"]) == (False, True)
    assert world.is_enabled(number(7))


def test_an_error_does_not_delay_a_dated_end(world: Ad) -> None:
    ending = record(people=[person(1, uses()), person(2, uses(to=str(TODAY)))])
    world.bring(ending)
    world.put_account(f"CN=x,{REGION_STAFF}", employeeNumber=world.id_of(number(1)))
    result = world.run(ending, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert is_closed(world, 2)


def test_an_account_in_our_ou_that_we_did_not_make_is_an_error(world: Ad) -> None:
    staff = record(people=users(2))
    world.hsa.bring(staff)
    id = world.id_of(number(0))
    dn = f"CN=x,{AD_LAYOUT.account_ou}"
    world.put_account(dn, employeeNumber=id)
    result = world.run(staff)["alfa"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"without our key has the employeeNumber {id}" in result["msg"]
    assert [entry.dn for entry in world.accounts(number(0))] == [dn]
    assert world.accounts(number(1)) == []


def test_an_account_in_our_ou_is_taken_over_when_the_record_names_its_owner(world: Ad) -> None:
    world.hsa.bring(record(people=[person(1, uses())]))
    id = world.id_of(number(1))
    dn = f"CN=Anna,{AD_LAYOUT.account_ou}"
    before = world.put_account(dn, "anna", employeeNumber=id, title="Chef", info="x")
    world.bring(record(people=[person(1, uses(), hsa_id=id)]))
    after = world.account(number(1))
    assert (after.dn, after.address) == (dn, before.address)
    assert values(after, "extensionName") == ("halsoval:person/alfa",)
    assert values(after, "sAMAccountName") == ("anna",)
    assert values(after, "info") == ("x",)
    assert values(after, "title") == ()
    assert set(values(after, "userAccountControl")) == {
        "ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"
    }  # fmt: skip
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}
    # It is ours now, whether the record goes on naming the id or not.
    assert world.bring(record(people=[person(1, uses())])).operations == ()


def test_an_account_that_was_closed_when_it_was_taken_over_stays_closed(world: Ad) -> None:
    world.hsa.bring(record(people=[person(1, uses())]))
    id = world.id_of(number(1))
    world.put_account(
        f"CN=Anna,{AD_LAYOUT.account_ou}", employeeNumber=id, userAccountControl="NORMAL_ACCOUNT"
    )
    staff = record(people=[person(1, uses(), hsa_id=id)])
    world.bring(staff)
    assert not world.is_enabled(number(1))
    assert codes(world, staff) == {("alfa", "manually_disabled", id)}


def test_our_account_that_somebody_put_into_quarantine_is_still_the_persons(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    entry = world.account(number(1))
    world.directory.remove(entry.dn)
    moved = f"{entry.dn.partition(',')[0]},{AD_LAYOUT.quarantine_ou}"
    world.directory.put(moved, **{k: v for k, v in entry.attributes.items() if k != "CN"})
    world.bring(staff)
    assert [e.dn for e in world.accounts(number(1))] == [moved]
    assert world.is_enabled(number(1))


def test_our_account_without_its_number_is_still_the_persons(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    before = world.account(number(1))
    world.change(before, employeeNumber=())
    world.bring(record(people=[person(1, uses(), surname="Öst")]))
    assert values(world.group("App-Journal"), "member")[-1] == before.dn
    assert len(world.our_accounts()) == 1
    # And it has its number again.
    assert world.account(number(1)).dn == before.dn


def test_several_accounts_of_one_person_are_an_error_and_both_stay(world: Ad) -> None:
    staff = record(people=users(2))
    world.bring(staff)
    double = {k: v for k, v in world.account(number(0)).attributes.items() if k != "CN"}
    double |= {"sAMAccountName": ("other",), "userPrincipalName": ("other@x",)}
    world.directory.put(f"CN=other,{AD_LAYOUT.account_ou}", **double)
    result = world.run(staff)["alfa"]
    assert "several accounts for one person" in result["msg"]
    assert result["changed"] is False
    assert all("ENABLED" in values(e, "userAccountControl") for e in world.accounts(number(0)))


def test_several_accounts_of_one_person_are_all_closed_when_the_person_leaves(world: Ad) -> None:
    world.bring(record(people=users(2)))
    entry = world.account(number(0))
    double = {k: v for k, v in entry.attributes.items() if k != "CN"}
    double |= {"sAMAccountName": ("other",), "userPrincipalName": ("other@x",)}
    dn = f"CN=other,{AD_LAYOUT.account_ou}"
    world.directory.put(dn, **double)
    group = world.group("App-Journal")
    world.change(group, member=(*values(group, "member"), dn))
    leaving = record(people=[person(0, uses(**ENDED)), person(1, uses())])
    assert world.run(leaving)["alfa"]["failed"] is False
    for account in world.accounts(number(0)):
        assert "ENABLED" not in values(account, "userAccountControl")
        assert account.dn not in values(world.group("App-Journal"), "member")


def test_several_accounts_do_not_delay_what_ended_at_one_of_two_providers(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses())])
    world.bring(alfa, record("beta", [person(1, uses(XRAY))]))
    double = {k: v for k, v in world.account(number(1)).attributes.items() if k != "CN"}
    double |= {"sAMAccountName": ("other",), "userPrincipalName": ("other@x",)}
    world.directory.put(f"CN=other,{AD_LAYOUT.account_ou}", **double)
    world.run(alfa, record("beta", [person(1, uses(XRAY, **ENDED))]))
    (first, _second) = world.accounts(number(1))
    assert first.dn not in values(world.group("Halsoval-beta"), "member")
    assert first.dn not in values(world.group("App-Rontgen"), "member")
    assert first.dn in values(world.group("App-Journal"), "member")


# --- records that are invalid or gone ------------------------------------------------------------


def test_an_invalid_record_changes_nothing_of_its_own(world: Ad) -> None:
    alfa = record("alfa", users(1))
    world.bring(alfa, record("beta", [person(7, uses()), person(0, uses(XRAY))]))
    assert world.bring(alfa, invalid=["beta"]).operations == ()
    assert world.bring(invalid=["alfa", "beta"]).operations == ()
    assert codes(world, alfa, invalid=["beta"]) == set()
    assert codes(world, invalid=["alfa", "beta"]) == set()


@pytest.mark.parametrize(
    "here",
    [ENDED, {"halsoval": False}, {"since": "2026-09-01"}, {"suspended": {"from": "2026-01-15"}}],
    ids=["ended", "other work", "later", "suspended"],
)
def test_a_person_who_ends_here_keeps_what_an_invalid_record_gave(
    world: Ad, here: dict[str, Any]
) -> None:
    told = {"position": "Läkare", "mail": "a@x.example", "phone": "063-1"}
    world.bring(
        record("alfa", [person(1, uses())]),
        record("beta", [person(1, uses(XRAY, OFFICE, to="2026-12-31"), **told)]),
    )
    before = world.account(number(1))
    world.bring(record("alfa", [person(1, uses(**here))]), invalid=["beta"])
    after = world.account(number(1))
    assert world.is_enabled(number(1))
    assert {"Halsoval-beta", "App-Rontgen", "App-Office-Las"} <= world.groups_of(number(1))
    assert "Halsoval-alfa" not in world.groups_of(number(1))
    for name in ("accountExpires", "title", "mail", "telephoneNumber", "displayName"):
        assert values(after, name) == values(before, name)
    assert "halsoval:person/beta" in values(after, "extensionName")


def test_contacts_and_expiry_stay_while_one_of_the_records_is_invalid(world: Ad) -> None:
    told = {"position": "Läkare", "mail": "a@x.example", "phone": "063-1"}
    world.bring(
        record("alfa", [person(1, uses())]), record("beta", [person(1, uses(XRAY), **told)])
    )
    before = world.account(number(1))
    changed = person(1, uses(to="2026-12-31"), position="Chef", mail="c@x.example")
    world.bring(record("alfa", [changed]), invalid=["beta"])
    assert world.account(number(1)) == before


def test_what_begins_later_brings_back_nothing_that_ended_in_a_record_now_invalid(
    world: Ad,
) -> None:
    """Found by histories: yesterday's leaver got "never", for work that begins next month."""
    soon = TODAY + dt.timedelta(days=20)
    world.bring(record("beta", [person(1, uses(XRAY, to=str(TODAY)))]))
    before = values(world.account(number(1)), "accountExpires")
    later = record("alfa", [person(1, uses(since=str(soon)))])
    world.bring(later, invalid=["beta"], day=TOMORROW)
    account = world.account(number(1))
    assert values(account, "accountExpires") == before == ("2026-03-02T23:00:00Z",)
    assert "halsoval:person/alfa" in values(account, "extensionName")
    world.bring(later, invalid=["beta"], day=soon)
    assert values(world.account(number(1)), "accountExpires") == ("never",)


def test_an_invalid_record_that_gives_no_access_keeps_nothing_open(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses())])
    world.bring(alfa, record("beta", [person(1, uses(XRAY, **ENDED)), person(2, uses())]))
    assert "halsoval:person/beta" in values(world.account(number(1)), "extensionName")
    world.bring(record("alfa", [person(1, uses(**ENDED))]), invalid=["beta"])
    assert is_closed(world)


def test_a_protected_person_stays_so_while_the_record_that_says_it_is_invalid(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses())])
    world.bring(alfa, record("beta", [person(1, uses(), protected=True)]))
    told = record("alfa", [person(1, uses(), surname="Öst", mail="a@x.example")])
    plan = world.bring(told, invalid=["beta"])
    assert values(world.account(number(1)), "displayName") == ("Skyddad person",)
    assert values(world.account(number(1)), "mail") == ()
    assert all(op.confidential for op in plan.operations if op.kind == "account")


def test_new_services_come_though_another_record_is_invalid(world: Ad) -> None:
    world.bring(record("alfa", [person(1, uses())]), record("beta", [person(1, uses(XRAY))]))
    world.bring(record("alfa", [person(1, uses(JOURNAL, OFFICE))]), invalid=["beta"])
    assert "App-Office-Las" in world.groups_of(number(1))


def test_a_record_that_is_gone_takes_nothing_and_is_reported(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses())])
    beta = record("beta", [person(1, uses(XRAY)), person(2, uses())])
    world.bring(alfa, beta)
    before, orphan = world.directory.content(), world.id_of(number(2))
    assert world.run(alfa)["alfa"]["changed"] is False
    assert world.directory.content() == before
    assert codes(world, alfa) == {
        ("beta", "orphan", orphan), ("beta", "orphan", "Halsoval-beta")
    }  # fmt: skip


# --- the guard -----------------------------------------------------------------------------------


def test_rows_that_are_gone_close_accounts_up_to_the_guards_limit(world: Ad) -> None:
    world.bring(record(people=users(10)))
    result = world.run(record(people=users(10)[2:]))["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert is_closed(world, 0)
    assert is_closed(world, 1)


def test_rows_that_are_gone_beyond_the_limit_are_refused_until_confirmed(world: Ad) -> None:
    world.bring(record(people=users(10)))
    fewer = record(people=users(10)[3:])
    before = world.directory.content()
    refused = world.run(fewer, with_hsa=False)["alfa"]
    assert "3 of 10 would lose something without a date" in refused["msg"]
    assert refused["plan"] in refused["msg"]
    assert world.directory.content() == before
    assert refused["changed"] is False
    again = world.run(fewer, with_hsa=False)["alfa"]
    assert again["plan"] == refused["plan"]
    confirmed = world.run(fewer, with_hsa=False, expected=frozenset({refused["plan"]}))["alfa"]
    assert (confirmed["failed"], confirmed["changed"]) == (False, True)
    assert all(is_closed(world, n) for n in range(3))


def test_where_one_is_refused_a_shared_account_stays_open_though_nobody_remembers(
    world: Ad,
) -> None:
    """Found by histories: without the ledger, only its own group says what alfa gave."""
    beta = record("beta", [person(1, assignment())])
    world.bring(record(people=users(10)), record("beta", [person(1, uses())]))
    before = world.account(number(1)), world.groups_of(number(1))
    results = world.run(record(people=[users(10)[0], *users(10)[4:]]), beta, with_hsa=False)
    assert "3 of 10 would lose something without a date" in results["alfa"]["msg"]
    assert world.is_enabled(number(1))
    assert before[1] - world.groups_of(number(1)) == {"Halsoval-beta"}
    assert world.account(number(1)) == before[0]


def test_who_is_gone_is_an_orphan_and_comes_back_to_the_same_account(world: Ad) -> None:
    world.bring(record(people=users(3)))
    before = world.account(number(1))
    fewer = record(people=[users(3)[0], users(3)[2]])
    world.bring(fewer)
    assert is_closed(world)
    assert codes(world, fewer) == {("alfa", "orphan", world.id_of(number(1)))}
    world.bring(record(people=users(3)))
    after = world.account(number(1))
    assert (after.dn, after.address) == (before.dn, before.address)
    assert world.is_enabled(number(1))
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_a_refused_plan_does_its_dated_part_and_leaves_the_mark(world: Ad) -> None:
    people = users(10)
    world.bring(record(people=people))
    # Five rows are gone, and two people have left on a day that the record names.
    left = record(people=[person(5, uses(**ENDED)), person(6, uses(**ENDED)), *people[7:]])
    result = world.run(left, with_hsa=False)["alfa"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert all(is_closed(world, n) for n in (5, 6))
    assert all(world.is_enabled(number(n)) for n in (0, 1, 2, 3, 4, 7, 8, 9))
    assert len(values(world.group("Halsoval-alfa"), "member")) == 8
    # Since the mark is there, they can be enabled again.
    again = world.run(left, with_hsa=False)["alfa"]
    assert again["plan"] == result["plan"]
    world.bring(record(people=people))
    assert all(world.is_enabled(number(n)) for n in range(10))


def test_a_person_whose_row_is_gone_at_one_provider_is_not_dated_by_the_other(world: Ad) -> None:
    both = [person(n, uses()) for n in range(4)]
    world.bring(record("alfa", both), record("beta", [*both, person(9, uses())]))
    ended = record("alfa", [person(n, uses(**ENDED)) for n in range(4)])
    world.run(ended, record("beta", [person(9, uses())]))
    assert all(world.is_enabled(number(n)) for n in range(4))
    assert world.groups_of(number(1)) == {"Halsoval-beta", "App-Journal"}


def test_disabling_counts_for_the_guard_where_no_group_is_left_to_lose(world: Ad) -> None:
    world.bring(record(people=users(10)))
    for name in ("App-Journal", "Halsoval-alfa"):
        world.change(world.group(name), member=())
    refused = world.run(record(people=users(10)[3:]), with_hsa=False)["alfa"]
    assert "3 of 10 would lose something" in refused["msg"]


LONG_AGO = {"since": "2025-01-01", "to": "2025-12-31"}


def test_a_row_that_ended_long_ago_does_not_explain_that_a_newer_one_is_gone(world: Ad) -> None:
    world.bring(record(people=[person(n, uses(**LONG_AGO), uses()) for n in range(10)]))
    gone = record(people=[person(n, uses(**LONG_AGO)) for n in range(10)])
    refused = world.run(gone, with_hsa=False)["alfa"]
    assert "10 of 10 would lose something" in refused["msg"]
    assert all(world.is_enabled(number(n)) for n in range(10))
    # One that has just ended does.
    ended = record(people=[person(n, uses(**LONG_AGO), uses(**ENDED)) for n in range(10)])
    assert world.run(ended, with_hsa=False)["alfa"]["failed"] is False
    assert all(is_closed(world, n) for n in range(10))


@pytest.mark.parametrize(("ends", "closes"), [("2026-01-30", True), ("2026-01-29", False)])
def test_an_agreement_whose_end_is_entered_late_closes_everything_for_a_month(
    world: Ad, ends: str, closes: bool
) -> None:
    staff = [person(n, uses()) for n in range(12)]
    world.bring(record(people=staff))
    ended = record(people=staff, agreement={"ends": ends})
    result = world.run(ended)["alfa"]
    assert (result["failed"], world.hsa_results["alfa"]["failed"]) == (not closes, not closes)
    assert all(is_closed(world, n) is closes for n in range(12))


def test_a_provider_that_ended_explains_nothing_of_another(world: Ad) -> None:
    both = [person(n, uses()) for n in range(12)]
    world.bring(record("alfa", both), record("beta", both))
    left = [person(n, uses(since="2025-01-01", to="2025-06-30")) for n in range(12)]
    beta = record("beta", both, agreement={"ends": "2026-01-15"})
    results = world.run(record("alfa", left), beta)
    assert results["alfa"]["failed"] is True
    assert all(world.is_enabled(number(n)) for n in range(12))


def test_what_fell_back_for_another_reason_is_not_explained_by_an_end(world: Ad) -> None:
    both = [person(n, uses(XRAY, **ENDED), uses()) for n in range(10)]
    world.bring(record(people=[person(n, uses(XRAY), uses()) for n in range(10)]))
    back = record(people=both, phase="establishment")
    refused = world.run(back, with_hsa=False)["alfa"]
    assert refused["failed"] is True
    assert all(world.is_enabled(number(n)) for n in range(10))
    # The end of x-ray is a date's, and does not wait.
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_accounts_that_have_expired_lose_nothing_that_needs_confirmation(world: Ad) -> None:
    world.bring(record(people=[*users(10, to=str(TODAY)), person(20, uses())]))
    # No run was made before the rows were gone.
    result = world.run(record(people=[person(20, uses())]), day=TOMORROW, with_hsa=False)["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert all(is_closed(world, n) for n in range(10))


# --- what is selected ----------------------------------------------------------------------------


def test_a_limited_run_touches_nobody_elses(world: Ad) -> None:
    alfa, beta = record("alfa", users(2)), record("beta", [person(7, uses()), person(1, uses())])
    results = world.run(alfa, beta, providers=("beta",))
    assert results.keys() == {"beta"}
    assert world.accounts(number(0)) == []
    assert world.groups_of(number(7)) == {"Halsoval-beta", "App-Journal"}
    assert world.groups_of(number(1)) == {"Halsoval-beta", "App-Journal"}
    # What is left is the other's own part.
    world.run(alfa, beta, providers=("alfa",))
    assert world.plan(alfa, beta).operations == ()
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "Halsoval-beta", "App-Journal"}


def test_a_limited_run_closes_the_account_of_who_left_that_provider(world: Ad) -> None:
    alfa, beta = record("alfa", [person(1, uses(to=str(TODAY)))]), record("beta", [person(1)])
    world.bring(alfa, beta)
    world.run(alfa, beta, day=TOMORROW, providers=("alfa",))
    assert world.groups_of(number(1)) == set()
    assert not world.is_enabled(number(1))


def test_a_selection_leaves_the_names_that_others_will_get(world: Ad) -> None:
    records = [record(id, [person(n, uses())]) for n, id in enumerate(("alfa", "beta", "gamma"))]
    whole = world.copy()
    whole.bring(*records)
    for provider in ("gamma", "alfa", "beta"):
        world.run(*records, providers=(provider,))
    assert world.plan(*records).operations == ()
    assert world.directory.content() == whole.directory.content()


# --- check and run -------------------------------------------------------------------------------


def test_check_mode_on_an_empty_lab_makes_the_plans_that_the_run_then_makes(world: Ad) -> None:
    records = (
        record("alfa", [person(1, uses()), person(2, uses(XRAY), protected=True)]),
        record("beta", [person(1, uses(OFFICE)), person(3)]),
        record("gamma", [person(4, uses())], phase="establishment"),
    )
    before = world.directory.content()
    checked = world.run(*records, check=True)
    assert world.directory.content() == before
    assert not any(result["failed"] for result in checked.values())
    assert world.run(*records) == checked
    assert all(result["plan"] for result in checked.values())
    second = world.run(*records)
    assert not any(result["changed"] or result["plan"] for result in second.values())


def test_check_mode_makes_the_plan_of_a_change_too(world: Ad) -> None:
    world.bring(record(people=users(6)))
    changed = record(
        people=[person(0, uses(**ENDED)), person(1, uses(), surname="Öst"), *users(6)[2:],
                person(9, uses(XRAY))]
    )  # fmt: skip
    checked = world.run(changed, check=True)
    assert world.run(changed) == checked
    counts = {"account": 7, "group": 3, "added": 1, "modified": 7, "moved": 1}
    assert checked["alfa"]["counts"] == counts


def test_check_mode_of_the_domain_alone_makes_only_whom_hsa_has(world: Ad) -> None:
    result = world.run(record(people=users(1)), check=True, with_hsa=False)["alfa"]
    assert waits(result, 1, "HSA does not hold the person")


def test_an_expected_plan_is_carried_out_and_no_other(world: Ad) -> None:
    alfa, beta = record("alfa", users(2)), record("beta", [person(7, uses())])
    world.hsa.bring(alfa, beta)
    plans = {p: r["plan"] for p, r in world.run(alfa, beta, check=True).items()}
    results = world.run(alfa, beta, expected=frozenset({plans["beta"]}))
    assert (results["alfa"]["changed"], results["alfa"]["failed"]) == (False, True)
    assert (results["beta"]["changed"], results["beta"]["failed"]) == (True, False)
    assert world.accounts(number(0)) == []
    assert world.is_enabled(number(7))


# --- what waits for HSA, and what does not -------------------------------------------------------


def refuse_unit_of(provider: str, world: Ad) -> None:
    world.hsa.directory.refuses = lambda operation: (
        "insufficientAccessRights" if operation.providers == frozenset({provider}) else None
    )


def test_where_hsa_failed_new_accounts_wait_with_that_reason(world: Ad) -> None:
    alfa = record("alfa", users(2))
    beta = record("beta", [person(7, uses()), person(1, uses())])
    refuse_unit_of("alfa", world)
    results = world.run(alfa, beta)
    assert world.hsa_results["alfa"]["failed"] is True
    assert waits(results["alfa"], 1, "HSA failed for the provider")
    assert world.accounts(number(0)) == []
    # One provider's failure does not stop the other, nor whom both employ.
    assert results["beta"]["failed"] is False
    assert world.is_enabled(number(7))
    assert world.is_enabled(number(1))
    world.hsa.directory.refuses = lambda operation: None
    results = world.run(alfa, beta)
    assert not any(result["failed"] for result in results.values())
    assert world.is_enabled(number(0))


def test_where_hsa_failed_disabling_and_removal_do_not_wait(world: Ad) -> None:
    leaving = record(people=[person(1, uses(to=str(TODAY))), person(2, uses())])
    world.bring(leaving)
    world.hsa.directory.refuses = lambda operation: "busy"
    with_new = record(people=[person(1, uses(to=str(TODAY))), person(2, uses()), person(3, uses())])
    result = world.run(with_new, day=TOMORROW)["alfa"]
    assert world.hsa_results["alfa"]["failed"] is True
    assert (result["failed"], result["changed"]) == (True, True)
    assert is_closed(world)
    assert world.is_enabled(number(2))
    assert world.accounts(number(3)) == []


def test_while_hsa_cannot_be_read_new_accounts_wait_and_leaving_does_not(world: Ad) -> None:
    both = record("beta", [person(1, uses(XRAY, to=str(TODAY)))])
    leaving = record("alfa", [person(1, uses(to=str(TODAY))), person(2, uses())])
    world.bring(leaving, both)
    world.unread = AWAY
    with_new = record(
        "alfa", [person(1, uses(to=str(TODAY))), person(2, uses(), surname="Öst"),
                 person(3, uses()), person(4, uses())],
    )  # fmt: skip
    result = world.run(with_new, both, day=TOMORROW)["alfa"]
    assert is_closed(world)
    assert values(world.account(number(1)), "accountExpires") == ("2026-03-02T23:00:00Z",)
    assert waits(result, 2, AWAY)
    # Whom earlier runs saw there is known by that.
    assert values(world.account(number(2)), "sn") == ("Öst",)
    assert world.groups_of(number(2)) == {"Halsoval-alfa", "App-Journal"}


def test_while_hsa_cannot_be_read_nobody_is_taken_for_somebody_else(world: Ad) -> None:
    staff = record(people=users(4))
    world.bring(staff)
    before = world.directory.content()
    world.unread = AWAY
    # Another controller has seen nothing yet.
    world.forget()
    assert world.plan(staff).operations == ()
    assert world.desired(staff).findings == ()
    assert waits(world.run(staff)["alfa"], 4, AWAY)
    assert world.bring(staff).operations == ()
    assert world.directory.content() == before


def test_who_cannot_be_told_while_hsa_is_away_is_not_closed_in_silence(world: Ad) -> None:
    ending = record(people=[*users(2, to=str(TODAY)), person(5, uses())])
    world.bring(ending)
    world.unread = AWAY
    world.forget()
    result = world.run(ending, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (True, False)
    assert any("stay as they are" in error and AWAY in error for error in result["errors"])
    # With what an earlier run saw it is done.
    world.unread = None
    world.identities(approved(ending), TODAY)
    world.unread = AWAY
    world.run(ending, day=TOMORROW)
    assert is_closed(world, 0)
    assert is_closed(world, 1)


def test_rows_that_are_gone_are_not_decided_on_while_hsa_is_away(world: Ad) -> None:
    world.bring(record(people=users(10)))
    world.unread = AWAY
    fewer = record(people=users(10)[1:])
    assert world.bring(fewer).operations == ()
    assert world.is_enabled(number(0))


@pytest.mark.parametrize("how", ["archived", "gone"])
def test_leaving_does_not_wait_for_an_entry_that_is_archived_or_gone(world: Ad, how: str) -> None:
    leaving = record(people=[person(1, uses(to=str(TODAY))), person(2, uses())])
    world.bring(leaving)
    entry = world.hsa.person(number(1))
    if how == "gone":
        world.hsa.directory.remove(entry.dn)
    else:
        classes = (*values(entry, "objectClass"), "hsaArchivedObject")
        world.hsa.directory.put(entry.dn, objectClass=classes)
    result = world.run(leaving, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert is_closed(world)


def test_many_who_leave_when_their_entries_are_gone_need_no_confirmation(world: Ad) -> None:
    leaving = record(people=users(6, to=str(TODAY)))
    world.bring(leaving)
    for index in range(6):
        world.hsa.directory.remove(world.hsa.person(number(index)).dn)
    assert world.run(leaving, day=TOMORROW)["alfa"]["failed"] is False
    assert all(is_closed(world, n) for n in range(6))


def test_an_archived_person_gets_no_new_account_and_keeps_an_old_one(world: Ad) -> None:
    staff = record(people=users(2))
    world.hsa.bring(staff)
    entry = world.hsa.person(number(0))
    classes = (*values(entry, "objectClass"), "hsaArchivedObject")
    world.hsa.directory.put(entry.dn, objectClass=classes)
    result = world.run(staff)["alfa"]
    assert waits(result, 1, "the person's entry in HSA is archived")
    assert world.accounts(number(0)) == []
    entry = world.hsa.person(number(1))
    world.hsa.directory.put(entry.dn, objectClass=classes)
    assert world.run(staff)["alfa"]["changed"] is False
    assert world.is_enabled(number(1))


def put_double(world: Ad, index: int, id: str) -> None:
    """A second entry of ours in HSA for the same person."""
    dn = f"cn={id},{LAYOUT.people_branch}"
    world.hsa.directory.put(
        dn, objectClass="person", cn=id, sn="Ö", fullName="Ö", hsaIdentity=id,
        personalIdentityNumber=number(index), halsovalKey="person/alfa",
    )  # fmt: skip


def test_a_person_whom_hsa_has_twice_gets_no_new_account(world: Ad) -> None:
    put_double(world, 1, "SE2321000214-D1")
    put_double(world, 1, "SE2321000214-D2")
    result = world.run(record(people=[person(1, uses()), person(2)]), with_hsa=False)["alfa"]
    assert waits(result, 1, "HSA does not tell who the person is")
    assert world.accounts(number(1)) == []


def test_a_person_whom_hsa_has_twice_leaves_all_the_same(world: Ad) -> None:
    leaving = record(people=[person(1, uses(to=str(TODAY))), person(2, uses())])
    world.bring(leaving)
    put_double(world, 1, "SE2321000214-D1")
    assert world.run(leaving, with_hsa=False)["alfa"]["changed"] is False
    assert world.is_enabled(number(1))
    world.run(leaving, day=TOMORROW)
    assert is_closed(world)


def test_without_the_hsa_task_accounts_are_made_for_whom_hsa_has(world: Ad) -> None:
    world.hsa.bring(record(people=users(1)))
    result = world.run(record(people=users(3)), with_hsa=False)["alfa"]
    assert waits(result, 2, "HSA does not hold the person")
    assert world.is_enabled(number(0))


def test_an_account_that_hsa_made_wait_is_in_no_group(world: Ad) -> None:
    world.hsa.bring(record(people=users(1)))
    world.run(record(people=users(3)), with_hsa=False)
    assert len(values(world.group("Halsoval-alfa"), "member")) == 1


def test_the_hsa_id_of_a_deleted_entry_leads_to_the_same_account(world: Ad) -> None:
    staff = record(people=users(2))
    world.bring(staff)
    before, id = world.account(number(0)), world.id_of(number(0))
    world.hsa.directory.remove(world.hsa.person(number(0)).dn)
    world.bring(record(people=[*users(2), person(5, uses())]))
    assert hsa_id(world.hsa.person(number(0))) == id
    assert world.account(number(0)) == before
    assert world.id_of(number(5)) != id


def test_an_id_that_is_somebody_elses_now_leads_to_no_account(world: Ad) -> None:
    staff = record(people=[person(1, uses()), person(2, uses())])
    world.bring(staff)
    # The number in the entry was wrong; the office for HSA has put it right.
    world.hsa.directory.put(world.hsa.person(number(1)).dn, personalIdentityNumber=number(3))
    id, before = world.id_of(number(3)), world.account(number(3))
    both = record(people=[person(3, uses(), given_name="Anna1"), person(1, uses()),
                          person(2, uses())])  # fmt: skip
    world.bring(both)
    assert world.id_of(number(1)) != id
    assert world.account(number(3)) == before
    assert world.account(number(1)).dn != before.dn


def test_an_id_that_was_given_out_again_leads_to_nobodys_account(world: Ad) -> None:
    world.bring(record(people=[person(1, uses())]))
    id, before = world.id_of(number(1)), world.account(number(1))
    # Somebody deletes the entry, and this is another controller, which never saw it.
    world.hsa.directory.remove(world.hsa.person(number(1)).dn)
    for commission in world.hsa.commissions():
        world.hsa.directory.put(commission.dn, hsaCommissionMember=())
    world.forget()
    result = world.run(record(people=[person(2, uses(), given_name="Åsa", surname="Öst")]))["alfa"]
    assert world.id_of(number(2)) == id
    assert result["failed"] is True
    assert f"{id}: given name and surname both differ" in result["msg"]
    assert world.account(number(2)) == before


def test_assignments_of_no_ad_service_hold_nobody_back(world: Ad) -> None:
    refuse_unit_of("alfa", world)
    result = world.run(record(people=[person(1, assignment())]))["alfa"]
    assert (result["failed"], result["errors"]) == (False, [])


@pytest.mark.parametrize("spelled", [str, str.lower])
@pytest.mark.parametrize("surname", ["Fjällström", "Annan"])
def test_the_hsa_id_of_somebody_who_was_deleted_lets_nobody_else_in(
    world: Ad, surname: str, spelled: Callable[[str], str]
) -> None:
    others = [person(n, uses()) for n in range(30, 42)]
    left = record(people=[person(1, uses(to="2026-03-05")), *others])
    world.run(left)
    world.run(left, day=TODAY + dt.timedelta(5))
    entry = world.hsa.person(number(1))
    id = hsa_id(entry)
    world.hsa.directory.remove(entry.dn)
    new = person(2, uses(), hsa_id=spelled(id), surname=surname)
    world.run(record(people=[new, *others]), day=TODAY + dt.timedelta(10))
    (message,) = world.hsa_results["alfa"]["errors"]
    assert f"the HSA-id {spelled(id)} that the record names is somebody else's" in message
    assert world.hsa.people(number(2)) == []
    (account,) = [e for e in world.directory.entries() if values(e, "employeeNumber") == (id,)]
    assert "ENABLED" not in values(account, "userAccountControl")


def test_whom_earlier_runs_saw_has_an_account_and_is_not_new_while_hsa_is_away(world: Ad) -> None:
    staff = [person(n, uses()) for n in range(17)]
    world.bring(record(people=staff))
    world.identities(approved(record(people=staff)), TODAY)
    world.unread = AWAY
    assert world.run(record(people=staff))["alfa"]["errors"] == []
    new = record(people=[*staff, *(person(n, uses()) for n in (30, 31))])
    (told,) = world.run(new)["alfa"]["errors"]
    assert told == f"of 2 people nobody can tell whether a new account waits: {AWAY}"
    world.forget()
    told = world.run(record(people=staff))["alfa"]["errors"]
    assert told == [f"of 17 people nobody can tell whether a new account waits: {AWAY}"]


# What an account may say of its person before it is taken over.
SAID: dict[str, tuple[str, ...]] = {
    "initials": ("TH",), "mobile": ("070-1",), "otherMobile": ("070-2", "070-3"),
    "description": ("Tolvan Hemlig, syster",), "info": ("ring Tolvan",),
    "proxyAddresses": ("SMTP:tolvan.hemlig@x.example", "smtp:th@x.example"),
    "physicalDeliveryOfficeName": ("Rum 3",), "streetAddress": ("Vägen 1",), "l": ("Åre",),
    "postalCode": ("830 13",), "wWWHomePage": ("https://hemlig.example",), "pager": ("1",),
}  # fmt: skip


@pytest.mark.parametrize("key", ["extensionName", "info", "description"])
@pytest.mark.parametrize("is_protected", [True, False])
def test_a_protected_persons_account_says_nothing_that_others_said(
    is_protected: bool, key: str
) -> None:
    world = Ad(replace(AD_LAYOUT, key_attribute=key))
    world.hsa.bring(record(people=[person(1)]))
    id = world.id_of(number(1))
    said = {name: values for name, values in SAID.items() if name != key}
    entry = world.put_account(f"CN=x,{AD_LAYOUT.account_ou}", employeeNumber=id, **said)
    staff = record(people=[person(1, uses(), hsa_id=id, protected=is_protected)])
    world.bring(staff)
    held = {e.address: e for e in world.directory.entries()}[entry.address]
    kept = {name: values for name, values in held.attributes.items() if name in said}
    assert kept == ({} if is_protected else said)
    # What somebody writes there later goes with the next run.
    world.change(held, mobile="070-4")
    world.bring(staff)
    assert ("070-4" in str(world.directory.entries())) is not is_protected
