# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Providers and units: found again by key, renamed, taken over, and never confused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    PHASES,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

ID = "SE2321000214-"
ODD = 'Läkarhuset +7, "Vård"; #1 \\ <å> '.strip()


def put_unit(hsa: Hsa, name: str, id: str, above: str, **more: Any) -> str:
    """A unit that somebody else made; returns its DN."""
    dn = f"ou={name},{above}"
    hsa.directory.put(
        dn, **{"objectClass": "organizationalUnit", "ou": name, "hsaIdentity": ID + id, **more}
    )
    return dn


# --- names ---------------------------------------------------------------------------------------


def test_a_unit_points_to_its_provider_and_lies_below_it(hsa: Hsa) -> None:
    hsa.bring(record())
    assert values(hsa.unit(), "hsaResponsibleHealthCareProvider") == (hsa_id(hsa.provider()),)
    assert hsa.unit().dn == f"ou=Vårdcentralen vc,{hsa.provider().dn}"
    assert hsa.provider().dn == f"ou=Alfa vård AB,{LAYOUT.provider_branch}"
    assert "hsaHealthCareProvider" in values(hsa.provider(), "objectClass")
    assert "hsaHealthCareUnit" in values(hsa.unit(), "objectClass")


def test_a_renamed_unit_keeps_its_entry_id_and_commissions(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)]))
    unit_id = hsa_id(hsa.unit())
    ids = [hsa_id(c) for c in hsa.commissions()]
    plan = hsa.bring(record(people=[person(1)], units=[unit(name=ODD)]))
    assert {op.action for op in plan.operations} == {"rename", "modify"}
    assert hsa_id(hsa.unit()) == unit_id
    assert values(hsa.unit(), "ou") == (ODD,)
    assert [hsa_id(c) for c in hsa.commissions()] == ids
    assert hsa.commissions()[0].dn.endswith("," + hsa.unit().dn)
    assert f"Vård och behandling - {ODD}" in values(hsa.commissions()[0], "cn")
    assert hsa.members() == {number(1)}


def test_a_renamed_provider_brings_all_below_it_along(hsa: Hsa) -> None:
    units = [unit("a"), unit("b", closes="2026-02-28")]
    hsa.bring(record(units=[unit("a"), unit("b")]))
    before = {hsa_id(e) for e in hsa.entries()}
    plan = hsa.bring(record(name=ODD, units=[*units, unit("c")]))
    assert [op.kind for op in plan.operations if op.action == "rename"] == ["provider"]
    assert before < {hsa_id(e) for e in hsa.entries()}
    for id in "abc":
        assert hsa.unit("alfa", id).dn.endswith("," + hsa.provider().dn)
    assert values(hsa.provider(), "ou") == (ODD,)


@pytest.mark.parametrize("together", [True, False])
def test_two_units_of_one_name_are_two_entries(hsa: Hsa, together: bool) -> None:
    one, other = unit("a", "Hälsan"), unit("b", "HÄLSAN")
    if not together:
        hsa.bring(record(units=[one]))
    hsa.bring(record(units=[one, other]))
    first, second = hsa.unit("alfa", "a"), hsa.unit("alfa", "b")
    assert first.dn == f"ou=Hälsan,{hsa.provider().dn}"
    assert second.dn == f"ou=HÄLSAN+hsaIdentity={hsa_id(second)},{hsa.provider().dn}"
    assert values(second, "ou") == ("HÄLSAN",)


def test_two_units_that_swap_their_names_do_so_in_one_run(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Norr"), unit("b", "Söder")]))
    ids = {id: hsa_id(hsa.unit("alfa", id)) for id in "ab"}
    hsa.bring(record(units=[unit("a", "Söder"), unit("b", "Norr")]))
    assert values(hsa.unit("alfa", "a"), "ou") == ("Söder",)
    assert values(hsa.unit("alfa", "b"), "ou") == ("Norr",)
    assert {id: hsa_id(hsa.unit("alfa", id)) for id in "ab"} == ids


def test_two_providers_of_one_name_are_two_entries(hsa: Hsa) -> None:
    hsa.bring(record("alfa", name="Hälsan AB"), record("beta", name="Hälsan AB"))
    assert hsa.provider("alfa").dn != hsa.provider("beta").dn
    assert values(hsa.provider("beta"), "ou") == ("Hälsan AB",)


@pytest.mark.parametrize("first", ["ended", "gone", "invalid", "application"])
def test_a_new_provider_may_have_the_name_of_one_that_is_left_as_it_is(
    hsa: Hsa, first: str
) -> None:
    hsa.bring(record("alfa", [person(1)], name="Hälsan AB"))
    records = [record("beta", [person(2)], name="Hälsan AB")]
    if first in PHASES:
        records.append(record("alfa", [person(1)], name="Hälsan AB", phase=first))
    hsa.bring(*records, invalid=["alfa"] if first == "invalid" else [])
    assert hsa.members("beta") == {number(2)}
    assert hsa.provider("alfa").dn != hsa.provider("beta").dn


def test_a_new_unit_may_have_the_name_of_one_whose_row_is_gone(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Hälsan")]))
    hsa.bring(record(units=[unit("b", "Hälsan")]))
    assert hsa_id(hsa.unit("alfa", "a")) != hsa_id(hsa.unit("alfa", "b"))


def test_a_name_that_an_entry_without_our_key_has_is_not_taken(hsa: Hsa) -> None:
    put_unit(hsa, "ALFA  vård ab", "HAND", LAYOUT.provider_branch)
    hsa.bring(record())
    assert hsa.provider().dn.startswith("ou=Alfa vård AB+hsaIdentity=")


# --- taking over ---------------------------------------------------------------------------------


def test_entries_whose_ids_the_record_names_are_taken_over(hsa: Hsa) -> None:
    above = put_unit(hsa, "Gammal vårdgivare", "P1", LAYOUT.provider_branch)
    put_unit(hsa, "Gammal enhet", "U1", above, telephoneNumber="063-9")
    hsa.bring(record(hsa_id=ID + "P1", units=[unit(hsa_id=ID + "u1")]))
    assert hsa_id(hsa.provider()) == ID + "P1"
    assert values(hsa.provider(), "ou") == ("Alfa vård AB",)
    assert hsa_id(hsa.unit()) == ID + "U1"
    assert hsa.unit().dn == f"ou=Vårdcentralen vc,{hsa.provider().dn}"
    assert values(hsa.unit(), "telephoneNumber") == ()
    assert len(hsa.entries()) == 2


def test_a_unit_that_lies_elsewhere_in_our_branch_is_taken_over_where_it_lies(hsa: Hsa) -> None:
    put_unit(hsa, "Gammal enhet", "U1", LAYOUT.provider_branch)
    hsa.bring(record(people=[person(1)], units=[unit(hsa_id=ID + "U1")]))
    assert hsa.unit().dn == f"ou=Vårdcentralen vc,{LAYOUT.provider_branch}"
    assert hsa.commissions()[0].dn.endswith("," + hsa.unit().dn)
    assert hsa.members() == {number(1)}


def test_an_entry_outside_our_branches_is_not_taken_over(hsa: Hsa) -> None:
    dn = put_unit(hsa, "Regionens", "U1", f"ou=Org,{LAYOUT.base_dn}")
    before = hsa.directory.content()
    named = record(people=[person(1)], units=[unit(hsa_id=ID + "U1")])
    result = hsa.run(named)["alfa"]
    assert "outside our branch for providers" in result["msg"]
    assert hsa.directory.content() == before
    assert dn in before


def test_an_entry_that_is_already_something_of_ours_is_not_taken_over(hsa: Hsa) -> None:
    beta = record("beta", [person(1)])
    hsa.bring(beta)
    before = hsa.directory.content()
    for thief in (
        record("alfa", units=[unit(hsa_id=hsa_id(hsa.unit("beta")))]),
        record("alfa", hsa_id=hsa_id(hsa.provider("beta"))),
        record("alfa", units=[unit(hsa_id=hsa_id(hsa.commissions("beta")[0]))]),
    ):
        result = hsa.run(thief, beta)["alfa"]
        assert "belongs to something else" in result["msg"]
        assert hsa.directory.content() == before


@pytest.mark.parametrize("provider", [None, ID + "P1"])
def test_a_unit_of_another_provider_is_not_taken_over(hsa: Hsa, provider: str | None) -> None:
    # It would bring its patients' data along (domain: never repointed, archived and made anew).
    put_unit(hsa, "Vår", "P1", LAYOUT.provider_branch, orgNo="5500004048")
    theirs = {"hsaResponsibleHealthCareProvider": ID + "OTHER"}
    put_unit(hsa, "Deras", "U1", LAYOUT.provider_branch, **theirs)
    before = hsa.directory.content()
    named = record(people=[person(1)], hsa_id=provider, units=[unit(hsa_id=ID + "U1")])
    result = hsa.run(named)["alfa"]
    assert "belongs to another provider" in result["msg"]
    assert hsa.directory.content() == before


def test_a_unit_of_the_provider_itself_is_taken_over(hsa: Hsa) -> None:
    above = put_unit(hsa, "Vår", "P1", LAYOUT.provider_branch, orgNo="5520000016")
    put_unit(hsa, "Enhet", "U1", above, hsaResponsibleHealthCareProvider=ID + "p1")
    ours = record(
        hsa_id=ID + "P1", organisation_number="552000-0016", units=[unit(hsa_id=ID + "U1")]
    )
    hsa.bring(ours)
    assert hsa.desired(ours).errors == {}
    # One more, found by the provider's key.
    put_unit(hsa, "En till", "U2", above, hsaResponsibleHealthCareProvider=ID + "P1")
    hsa.bring(record(organisation_number="552000-0016",
                     units=[unit(), unit("b", hsa_id=ID + "U2")]))  # fmt: skip
    assert hsa_id(hsa.unit("alfa", "b")) == ID + "U2"


def test_a_provider_with_another_organisation_number_is_not_taken_over(hsa: Hsa) -> None:
    put_unit(hsa, "Annan", "P1", LAYOUT.provider_branch, orgNo="5599999999")
    before = hsa.directory.content()
    result = hsa.run(record(hsa_id=ID + "P1"))["alfa"]
    assert "belongs to another provider" in result["msg"]
    assert "5599999999" not in result["msg"]
    assert hsa.directory.content() == before


# --- another legal person ------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["552000-0016", "5520000016"])
def test_another_organisation_number_is_another_provider(hsa: Hsa, number: str) -> None:
    leaving, person_1 = person(2, assignment(to="2026-03-01")), person(1)["personnummer"]
    hsa.bring(record(people=[person(1), person(2)]))
    before = hsa.directory.content()
    result = hsa.run(
        record(name="Ny AB", people=[person(1), leaving, person(3)], organisation_number=number)
    )["alfa"]
    assert (result["failed"], result["changed"]) == (True, True)
    assert "HSA has provider/alfa under another organisation number" in result["msg"]
    assert "552000" not in result["msg"]
    assert hsa.members() == {person_1}  # a date ends what it ends
    after = hsa.directory.content()
    changed = {dn for dn in before.keys() | after.keys() if before.get(dn) != after.get(dn)}
    assert {kind for dn in changed for kind in after[dn]["objectClass"]}.isdisjoint(
        {"hsaHealthCareProvider", "hsaHealthCareUnit"}
    )
    assert before.keys() == after.keys()


@pytest.mark.parametrize(
    "held", ["552000-0016", "5520000016", "552000 0016", ("5520000016", "5599999999")]
)
def test_the_same_organisation_number_in_any_form_is_the_same_provider(hsa: Hsa, held: Any) -> None:
    ours = record(organisation_number="552000-0016")
    hsa.bring(ours)
    hsa.directory.single_valued -= {"orgNo"}
    hsa.directory.put(hsa.provider().dn, orgNo=held)
    assert hsa.desired(ours).errors == {}


def test_a_number_that_was_mistyped_is_corrected_in_hsa_by_hand_first(hsa: Hsa) -> None:
    hsa.bring(record())
    corrected = record(organisation_number="552000-0016")
    assert hsa.desired(corrected).errors.keys() == {"alfa"}
    hsa.directory.put(hsa.provider().dn, orgNo="5520000016")
    hsa.bring(corrected)
    hsa.directory.put(hsa.provider().dn, orgNo=(), objectClass=("organizationalUnit",))
    hsa.bring(corrected)
    assert values(hsa.provider(), "orgNo") == ("5520000016",)


# --- provider and unit in one --------------------------------------------------------------------


def test_an_entry_that_is_provider_and_unit_in_one_is_taken_over_as_both(hsa: Hsa) -> None:
    classes = ("organizationalUnit", "hsaHealthCareProvider", "hsaHealthCareUnit", "annan")
    said = {"hsaResponsibleHealthCareProvider": ID + "P1", "unitPrescriptionCode": "2312345"}
    put_unit(hsa, "Vår", "P1", LAYOUT.provider_branch, orgNo="5520000016", objectClass=classes,
             **said)  # fmt: skip
    hsa.bring(record(hsa_id=ID + "P1", organisation_number="552000-0016"))
    taken = hsa.provider()
    assert set(values(taken, "objectClass")) >= set(classes)
    assert {name: values(taken, name)[0] for name in said} == said
    assert values(hsa.unit(), "hsaResponsibleHealthCareProvider") == (ID + "P1",)


def test_a_unit_that_is_a_provider_too_stays_one_when_it_is_taken_over(hsa: Hsa) -> None:
    above = put_unit(hsa, "Vår", "P1", LAYOUT.provider_branch, orgNo="5520000016")
    classes = ("organizationalUnit", "hsaHealthCareProvider", "hsaHealthCareUnit")
    put_unit(hsa, "Enhet", "U1", above, objectClass=classes, orgNo="5520000016",
             hsaResponsibleHealthCareProvider=ID + "P1")  # fmt: skip
    hsa.bring(
        record(hsa_id=ID + "P1", organisation_number="552000-0016", units=[unit(hsa_id=ID + "U1")])
    )
    assert set(values(hsa.unit(), "objectClass")) >= set(classes)
    assert values(hsa.unit(), "orgNo") == ("5520000016",)


def test_an_id_that_is_not_the_one_the_unit_has_is_an_error(hsa: Hsa) -> None:
    hsa.bring(record())
    before = hsa.directory.content()
    result = hsa.run(record(units=[unit(hsa_id=ID + "NEW")]))["alfa"]
    assert ID + "NEW" in result["msg"]
    assert hsa.directory.content() == before


def test_a_new_unit_gets_the_id_that_its_record_names(hsa: Hsa) -> None:
    hsa.bring(record(hsa_id=ID + "P1", units=[unit(hsa_id=ID + "U1")]))
    assert hsa_id(hsa.provider()) == ID + "P1"
    assert hsa_id(hsa.unit()) == ID + "U1"
    assert values(hsa.unit(), "hsaResponsibleHealthCareProvider") == (ID + "P1",)


def test_a_person_is_not_taken_for_a_unit_by_its_id(hsa: Hsa) -> None:
    dn = f"cn=Anna,{LAYOUT.people_branch}"
    hsa.directory.put(
        dn, objectClass="person", cn="Anna", sn="Öst", fullName="Anna", hsaIdentity=ID + "A1",
        personalIdentityNumber=number(1),
    )  # fmt: skip
    before = hsa.directory.content()[dn]
    result = hsa.run(record(units=[unit(hsa_id=ID + "A1")]))["alfa"]
    assert "outside our branch for providers" in result["msg"]
    assert hsa.directory.content()[dn] == before
