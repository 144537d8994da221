# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account per natural person, and what it says of them (annex 3.1.1, design decision 11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    BASE,
    REGION_STAFF,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    ECG,
    JOURNAL,
    LISTING,
    NPO,
    OFFICE,
    PHASES,
    TEAMS,
    TODAY,
    XRAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

IDENTIFYING = ("givenName", "middleName", "sn", "displayName")
CONTACTS = ("title", "mail", "telephoneNumber", "company", "department")
PREFIX = "SE2321000214-HV"
BY_NAME = replace(AD_LAYOUT, account_name="{given:.3}{surname:.3}")


def said(world: Ad, index: int, *names: str) -> list[tuple[str, ...]]:
    """The values of some attributes of a person's account."""
    entry = world.account(number(index))
    return [values(entry, name) for name in names]


def account_name(world: Ad, index: int) -> str:
    """The sAMAccountName of a person's account."""
    (name,) = values(world.account(number(index)), "sAMAccountName")
    return name


# --- who has an account --------------------------------------------------------------------------


def test_a_new_account_says_who_it_is_and_can_be_used_with_a_card_alone(world: Ad) -> None:
    contact = {"position": "Läkare", "mail": "anna@x.example", "phone": "063-14 75 00"}
    world.bring(record(people=[person(1, uses(), middle_name="Maria", **contact)]))
    id = world.id_of(number(1))
    entry = world.account(number(1))
    assert entry.dn == f"CN={id},{AD_LAYOUT.account_ou}"
    assert {name: held for name, held in entry.attributes.items() if name != "objectClass"} == {
        "CN": (id,),
        "employeeNumber": (id,),
        "userPrincipalName": (f"{id}@ad.example",),
        "sAMAccountName": (id.rpartition("-")[2].lower(),),
        "userAccountControl": ("ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"),
        "accountExpires": ("never",),
        "unicodePwd": ("made at random",),
        "extensionName": ("halsoval:person/alfa",),
        "givenName": ("Anna1",),
        "middleName": ("Maria",),
        "sn": ("Fjällström",),
        "displayName": ("Anna1 Maria Fjällström",),
        "title": ("Läkare",),
        "mail": ("anna@x.example",),
        "telephoneNumber": ("063-14 75 00",),
        "company": ("Alfa vård AB",),
        "department": ("Vårdcentralen vc",),
    }
    assert "user" in values(entry, "objectClass")


@pytest.mark.parametrize("service", [JOURNAL, XRAY, OFFICE, DOCUMENTS, "befolkningsregister"])
def test_every_service_that_an_ad_group_opens_calls_for_an_account(world: Ad, service: str) -> None:
    world.bring(record(people=[person(1, uses(service))]))
    assert world.is_enabled(number(1))


@pytest.mark.parametrize(
    "given",
    [
        assignment(),
        assignment(systems=[NPO, LISTING, ECG, TEAMS]),
        uses(halsoval=False),
        uses(unit="estetik"),
        uses(to="2026-03-01"),
        uses(since="2026-05-01"),
    ],
    ids=["no service", "other services", "other work", "other unit", "ended", "later"],
)
def test_who_uses_no_service_of_an_ad_group_has_no_account(
    world: Ad, given: dict[str, Any]
) -> None:
    units = [unit(), unit("estetik", halsoval=False)]
    plan = world.bring(record(people=[person(1, given)], units=units))
    assert {operation.kind for operation in plan.operations} == {"group"}
    assert world.accounts(number(1)) == []


def test_an_application_has_neither_accounts_nor_a_group(world: Ad) -> None:
    plan = world.bring(record(people=[person(1, uses())], phase="application"))
    assert plan.operations == ()


def test_a_person_at_two_units_has_one_account(world: Ad) -> None:
    units = [unit("a"), unit("b")]
    world.bring(record(people=[person(1, uses(unit="a"), uses(XRAY, unit="b"))], units=units))
    assert len(world.accounts(number(1))) == 1
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal", "App-Rontgen"}


def test_a_person_at_two_providers_has_one_account(world: Ad) -> None:
    world.bring(
        record("alfa", [person(1, uses())]), record("beta", [person(1, uses(XRAY))]),
    )  # fmt: skip
    assert len(world.accounts(number(1))) == 1
    assert said(world, 1, "extensionName") == [("halsoval:person/alfa", "halsoval:person/beta")]


def test_an_account_is_found_by_employee_number_and_never_by_name(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    entry = world.account(number(1))
    world.directory.remove(entry.dn)
    others = {k: v for k, v in entry.attributes.items() if k not in ("CN", "userPrincipalName")}
    # Somebody has given our person's account another name, and ours to somebody else.
    world.directory.put(f"CN=Anna Öst,{AD_LAYOUT.account_ou}", **others)
    world.put_account(f"{entry.dn.partition(',')[0]},{REGION_STAFF}", "anna")
    world.bring(staff)
    assert world.account(number(1)).dn == f"CN=Anna Öst,{AD_LAYOUT.account_ou}"
    assert world.is_enabled(number(1))


def test_case_does_not_tell_people_apart(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    entry = world.account(number(1))
    world.change(entry, employeeNumber=world.id_of(number(1)).lower())
    assert world.bring(staff).operations == ()


def test_no_personal_number_reaches_the_domain(world: Ad) -> None:
    people = [person(1, uses()), person(2, uses(), protected=True)]
    plan = world.bring(record(people=people, units=[unit()]))
    texts = str(world.directory.entries()) + str(plan)
    for index in (1, 2):
        assert not any(spelled in texts for spelled in spellings(number(index)))


# --- what it says --------------------------------------------------------------------------------


def test_contacts_stand_only_where_all_assignments_agree(world: Ad) -> None:
    contact = {"position": "Läkare", "mail": "a@x.example", "phone": "063-1"}
    alfa = record("alfa", [person(1, uses(), **contact)], name="Vård AB", units=[unit(name="Öst")])
    beta = record("beta", [person(1, uses(), position="Läkare")], name="Vård AB")
    world.bring(alfa)
    assert said(world, 1, *CONTACTS) == [
        ("Läkare",), ("a@x.example",), ("063-1",), ("Vård AB",), ("Öst",)
    ]  # fmt: skip
    world.bring(alfa, beta)
    # Who says nothing of it disagrees with nobody. The two units differ.
    assert said(world, 1, *CONTACTS) == [
        ("Läkare",), ("a@x.example",), ("063-1",), ("Vård AB",), ()
    ]  # fmt: skip
    other = {"position": "Chef", "mail": "b@x.example", "phone": "063-2"}
    world.bring(alfa, record("beta", [person(1, uses(), **other)]))
    assert said(world, 1, *CONTACTS) == [(), (), (), (), ()]


def test_only_what_counts_today_has_a_say_in_the_contacts(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses(), position="Läkare")])
    gone = record("beta", [person(1, uses(to="2026-03-01"), position="Chef")])
    world.bring(alfa, gone)
    assert said(world, 1, "title", "company") == [("Läkare",), ("Alfa vård AB",)]


def test_two_units_of_one_provider_leave_the_department_out(world: Ad) -> None:
    units = [unit("a", "Väst"), unit("b", "Öst")]
    two = [uses(unit="a"), assignment("b")]
    world.bring(record(people=[person(1, *two), person(2, uses(unit="b"))], units=units))
    assert said(world, 1, "company", "department") == [("Alfa vård AB",), ()]
    assert said(world, 2, "department") == [("Öst",)]


@pytest.mark.parametrize(
    ("field", "attribute", "old", "new"),
    [
        ("given_name", "givenName", "anna", "Anna"),
        ("middle_name", "middleName", "maria", "Maria"),
        ("surname", "sn", "DE GEER", "de Geer"),
        ("surname", "sn", "Strauß", "Strauss"),
        ("surname", "displayName", "DE GEER", "de Geer"),
        ("position", "title", "läkare", "Läkare"),
        ("position", "title", "Läkare  i ledning", "Läkare i ledning"),
        ("mail", "mail", "anna@ALFA.se", "Anna@alfa.se"),
        ("phone", "telephoneNumber", "063-14 75 00", "063147500"),
    ],
)
def test_what_people_read_is_corrected_to_the_letter(
    world: Ad, field: str, attribute: str, old: str, new: str
) -> None:
    world.bring(record(people=[person(1, uses(), **{field: old})]))
    world.bring(record(people=[person(1, uses(), **{field: new})]))
    assert new in values(world.account(number(1)), attribute)[0]


def test_ids_in_another_case_are_the_same(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    account = world.account(number(1))
    world.change(account, employeeNumber=world.id_of(number(1)).casefold())
    assert world.bring(staff).operations == ()


def test_what_others_wrote_beside_it_stays(world: Ad) -> None:
    staff = record(people=[person(1, uses(), position="Läkare")])
    world.bring(staff)
    keys = (*values(world.account(number(1)), "extensionName"), "exchange:something")
    world.change(
        world.account(number(1)), extensionName=keys, info="x", title="Chef",
        altSecurityIdentities=("Kerberos:anna@x",),
    )  # fmt: skip
    world.bring(staff)
    assert said(world, 1, "extensionName", "info", "title", "altSecurityIdentities") == [
        keys, ("x",), ("Läkare",), ("Kerberos:anna@x",)
    ]  # fmt: skip


def test_bits_that_are_not_ours_stay(world: Ad) -> None:
    staff = record(people=[person(1, uses(to=str(TODAY)))])
    world.bring(staff)
    others = ("DONT_EXPIRE_PASSWD", "NOT_DELEGATED", "67108864")
    world.change(
        world.account(number(1)), userAccountControl=("ENABLED", "NORMAL_ACCOUNT", *others)
    )
    world.bring(staff)
    flags = {"ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED", *others}
    assert set(said(world, 1, "userAccountControl")[0]) == flags
    world.bring(staff, day=TODAY.replace(day=3))
    assert set(said(world, 1, "userAccountControl")[0]) == flags - {"ENABLED"}


def test_an_account_keeps_the_name_that_lost_letters() -> None:
    world = Ad(replace(BY_NAME, in_ascii=lambda text: text.replace("Ł", "").replace("Ø", "")))
    staff = record(people=[person(1, uses(), given_name="Łukasz", surname="Østergård")])
    world.bring(staff)
    assert account_name(world, 1) == "ukaste"
    world.layout = BY_NAME
    assert world.bring(staff).operations == ()


def test_a_password_is_set_once_and_never_again(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    plan = world.bring(staff)
    made = [c for op in plan.operations for c in op.changes if c.attribute == "unicodePwd"]
    assert len(made) == 1
    world.change(world.account(number(1)), unicodePwd="reset by somebody")
    assert world.bring(staff).operations == ()
    renamed = world.bring(record(people=[person(1, uses(), surname="Öst")]))
    assert all(c.attribute != "unicodePwd" for op in renamed.operations for c in op.changes)


# --- names ---------------------------------------------------------------------------------------


def test_names_that_differ_leave_the_domains_until_they_agree(world: Ad) -> None:
    alfa = record("alfa", [person(1, uses())])
    world.bring(alfa)
    world.bring(alfa, record("beta", [person(1, uses(), surname="Öst", given_name="Åsa")]))
    assert said(world, 1, *IDENTIFYING) == [
        ("Anna1",), (), ("Fjällström",), ("Anna1 Fjällström",)
    ]  # fmt: skip
    agreeing = [person(1, uses(), surname="Öst", given_name="Åsa")]
    world.bring(record("alfa", agreeing), record("beta", agreeing))
    assert said(world, 1, *IDENTIFYING) == [("Åsa",), (), ("Öst",), ("Åsa Öst",)]


def test_a_new_account_takes_the_first_of_names_that_differ(world: Ad) -> None:
    differing = (
        record("alfa", [person(1, uses())]),
        record("beta", [person(1, uses(), surname="Öst")]),
    )
    world.bring(*differing)
    assert said(world, 1, "sn") == [("Fjällström",)]


@pytest.mark.parametrize("layout", [AD_LAYOUT, BY_NAME])
def test_marriage_changes_names_and_nothing_that_others_go_by(layout: Any) -> None:
    world = Ad(layout)
    world.bring(record(people=[person(1, uses(JOURNAL, XRAY))]))
    before, groups = world.account(number(1)), world.groups_of(number(1))
    plan = world.bring(record(people=[person(1, uses(JOURNAL, XRAY), surname="Öst")]))
    after = world.account(number(1))
    assert (after.dn, after.address) == (before.dn, before.address)
    assert world.groups_of(number(1)) == groups
    (operation,) = plan.operations
    assert operation.action == "modify"
    assert {change.attribute for change in operation.changes} == {"sn", "displayName"}
    changed = {n for n in after.attributes if after.attributes[n] != before.attributes.get(n)}
    assert changed == {"sn", "displayName"}


def test_a_coordination_number_that_becomes_a_personal_number_keeps_the_account(
    world: Ad,
) -> None:
    coordinated = person(1, uses(), personnummer=None, samordningsnummer=coordination_number(7))
    world.bring(record(people=[coordinated]))
    (before,) = world.accounts(coordination_number(7))
    settled = person(1, uses(), previous_numbers=[coordination_number(7)])
    plan = world.bring(record(people=[settled]))
    assert plan.operations == ()
    assert world.account(number(1)) == before


def test_odd_names_are_just_odd_names(world: Ad) -> None:
    odd = {"given_name": "{{ 7 * 7 }}", "surname": 'O"Neill, #3+ <x>\\'}
    world.bring(record(people=[person(1, uses(), **odd)]))
    assert said(world, 1, "givenName", "sn") == [(odd["given_name"],), (odd["surname"],)]


# --- protected people ----------------------------------------------------------------------------


def test_a_protected_persons_account_says_nothing_of_who_it_is() -> None:
    world = Ad(BY_NAME)
    told = {"middle_name": "Maria", "mail": "asa@x.example", "phone": "063-1", "position": "Läkare"}
    world.bring(record(people=[person(1, uses(), protected=True, **told)]))
    id = world.id_of(number(1))
    entry = world.account(number(1))
    assert {name: held for name, held in entry.attributes.items() if name != "objectClass"} == {
        "CN": (id,),
        "employeeNumber": (id,),
        "userPrincipalName": (f"{id}@ad.example",),
        "sAMAccountName": ("hv000003",),
        "userAccountControl": ("ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"),
        "accountExpires": ("never",),
        "unicodePwd": ("made at random",),
        "extensionName": ("halsoval:person/alfa",),
        "sn": ("Skyddad person",),
        "displayName": ("Skyddad person",),
    }
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_one_record_is_enough_to_protect_a_person(world: Ad) -> None:
    open_row, protected = person(1, uses()), person(1, assignment(), protected=True)
    world.bring(record("alfa", [open_row]), record("beta", [protected]))
    assert said(world, 1, "sn", "displayName") == [("Skyddad person",), ("Skyddad person",)]


def test_a_person_who_becomes_protected_loses_what_was_told(world: Ad) -> None:
    told = {"middle_name": "Maria", "mail": "asa@x.example", "phone": "063-1", "position": "Läkare"}
    world.bring(record(people=[person(1, uses(), **told)]))
    plan = world.bring(record(people=[person(1, uses(), protected=True, **told)]))
    assert said(world, 1, *IDENTIFYING, *CONTACTS) == [
        (), (), ("Skyddad person",), ("Skyddad person",), (), (), (), (), ()
    ]  # fmt: skip
    assert all(operation.confidential for operation in plan.operations)
    world.bring(record(people=[person(1, uses(), **told)]))
    assert said(world, 1, "sn", "mail") == [("Fjällström",), ("asa@x.example",)]


def test_what_a_run_shows_of_a_protected_person_is_the_hsa_id(world: Ad) -> None:
    told = {"given_name": "Åsa", "surname": "Öst", "mail": "asa@x.example"}
    results = [
        world.run(record(people=[person(1, uses(), **told)]), check=True),
        world.run(record(people=[person(1, uses(), protected=True, **told)])),
    ]
    assert "Öst" in str(results[0])
    assert not any(name in str(results[1]) for name in ("Åsa", "Öst", "asa@x.example"))
    assert world.id_of(number(1)) in str(results[1])


# --- sAMAccountName ------------------------------------------------------------------------------


def test_a_name_by_the_scheme_follows_given_name_and_surname() -> None:
    world = Ad(BY_NAME)
    named = {"given_name": "Åsa-Lena", "surname": "D'Óst"}
    world.bring(record(people=[person(1, uses(), **named)]))
    assert account_name(world, 1) == "asados"


@pytest.mark.parametrize(
    "dn",
    [f"CN=x,{REGION_STAFF}", f"CN=x,OU=Servrar,{BASE}", f"CN=x,{AD_LAYOUT.account_ou}"],
)
def test_a_name_that_somebody_has_already_gets_a_number(dn: str) -> None:
    world = Ad(BY_NAME)
    world.put_account(dn, "ANNfja")
    world.put_group(f"CN=annfja2,{BASE}")
    world.bring(record(people=[person(1, uses())]))
    assert account_name(world, 1) == "annfja3"


def test_people_of_one_name_get_different_ones_in_a_fixed_order() -> None:
    records = (
        record("beta", [person(1, uses(), given_name="Anna")]),
        record("alfa", [person(n, uses(), given_name="Anna") for n in (2, 3)]),
    )
    world, limited = Ad(BY_NAME), Ad(BY_NAME)
    world.bring(*records)
    assert [account_name(world, n) for n in (2, 3, 1)] == ["annfja", "annfja2", "annfja3"]
    # As with --limit.
    limited.hsa.bring(*records)
    for operation in limited.plan(*records).by_provider()["beta"]:
        assert not limited.directory.apply([operation])
    limited.bring(*records)
    assert [account_name(limited, n) for n in (2, 3, 1)] == ["annfja", "annfja2", "annfja3"]


def test_a_name_has_twenty_characters_at_most_with_its_number() -> None:
    world = Ad(replace(AD_LAYOUT, account_name="{given}{surname}"))
    long = {"given_name": "Alexandra", "surname": "Fjällströmsdotter"}
    world.bring(record(people=[person(n, uses(), **long) for n in range(11)]))
    names = [account_name(world, n) for n in range(11)]
    assert names[0] == "alexandrafjallstroms"
    assert names[1] == "alexandrafjallstrom2"
    assert names[10] == "alexandrafjallstro11"
    assert len(set(names)) == 11


def test_the_serial_stands_in_where_the_scheme_gives_nothing() -> None:
    world = Ad(BY_NAME)
    world.bring(record(people=[person(1, uses(), given_name="-", surname="…")]))
    assert account_name(world, 1) == "hv000003"


def test_an_id_that_a_record_names_gives_the_serial(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(), hsa_id="SE2321000214-Abc1")]))
    assert account_name(world, 1) == "abc1"


@pytest.mark.parametrize("phase", PHASES)
def test_a_name_never_changes_later(phase: str) -> None:
    world = Ad(BY_NAME)
    world.put_account(f"CN=x,{REGION_STAFF}", "annfja")
    world.bring(record(people=[person(1, uses(), given_name="Anna")]))
    before = world.account(number(1))
    world.directory.remove(f"CN=x,{REGION_STAFF}")
    changed = {"given_name": "Åsa", "surname": "Öst", "protected": phase == "wind_down"}
    world.bring(record(people=[person(1, uses(), **changed)], phase=phase))
    after = world.account(number(1))
    assert values(after, "sAMAccountName") == ("annfja2",)
    names = [entry.dn.partition(",")[0] for entry in (after, before)]
    assert (names[0], after.address) == (names[1], before.address)
