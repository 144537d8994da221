# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read in HSA is as the record spells it; ids, numbers and moments are as HSA has them.

A server takes spellings of one value for one value (RFC 4517): it is corrected all the same.
"""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import schema
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, Values
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import folded
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    NPO,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

# What nobody reads as it is spelled.
IDS = {
    "hsaIdentity", "personalIdentityNumber", "orgNo", "hsaCommissionMember",
    "hsaHealthCareUnitManager", "hsaResponsibleHealthCareProvider", "halsovalKey", "objectClass",
    "startDate", "endDate",
}  # fmt: skip

# (attribute, its entry, fields of the record with the one spelling, with the other)
_Case = tuple[str, str, dict[str, Any], dict[str, Any]]


def _person(attribute: str, field: str, old: Any, new: Any) -> _Case:
    return attribute, "person", {field: old}, {field: new}


def _unit(attribute: str, field: str, old: Any, new: Any) -> _Case:
    return attribute, "unit", {field: old}, {field: new}


def _address(line: str) -> dict[str, Any]:
    return {"lines": [line], "postal_code": "831 31", "city": "Östersund"}


SPELLINGS: tuple[_Case, ...] = (
    _person("sn", "surname", "DE GEER", "de Geer"),
    _person("sn", "surname", "Strauß", "Strauss"),
    _person("sn", "surname", "Strauss", "Strauß"),
    _person("sn", "surname", "von  Essen", "von Essen"),
    _person("cn", "surname", "DE GEER", "de Geer"),
    _person("fullName", "surname", "DE GEER", "de Geer"),
    _person("givenName", "given_name", "anna", "Anna"),
    _person("givenName", "given_name", "Ａｎｎａ", "Anna"),
    _person("middleName", "middle_name", "maria", "Maria"),
    _person("title", "position", "läkare", "Läkare"),
    _person("mail", "mail", "anna@ALFA.se", "Anna@alfa.se"),
    _person("telephoneNumber", "phone", "063-14 75 00", "063147500"),
    _unit("ou", "name", "norra vårdcentralen", "Norra Vårdcentralen"),
    _unit("ou", "name", "Gruße", "Grusse"),
    _unit("ou", "name", "Norra  (A, B) + 'c'", "Norra (A, B) + 'c'"),
    _unit("telephoneNumber", "phone", "063-14 75 00", "063147500"),
    _unit("hsaTelephoneNumber", "internal_phone", "063 1475 00", "063147500"),
    _unit("mail", "mail", "VC@alfa.se", "vc@alfa.se"),
    _unit("postalAddress", "address", _address("STORGATAN 1"), _address("Storgatan 1")),
    _unit("hsaVisitingAddress", "visiting_address", _address("gatan  1"), _address("gatan 1")),
    _unit("businessClassificationCode", "classification", ["a1", "b2"], ["A1", "b2"]),
    _unit("careType", "care_type", ["öppen"], ["Öppen"]),
    _unit("management", "management", ["privat"], ["Privat"]),
    _unit("unitPrescriptionCode", "workplace_code", "23abc", "23ABC"),
)


def _records(kind: str, fields: dict[str, Any]) -> Any:
    people = [person(1, **(fields if kind == "person" else {}))]
    return record(people=people, units=[unit(**(fields if kind == "unit" else {}))])


def _entry(hsa: Hsa, kind: str) -> Entry:
    return hsa.person(number(1)) if kind == "person" else hsa.unit()


def test_every_attribute_is_read_by_people_or_an_id() -> None:
    assert {a.name for a in schema(LAYOUT) if not a.shown} == IDS


@pytest.mark.parametrize(("attribute", "kind", "old", "new"), SPELLINGS)
def test_a_spelling_is_corrected_to_the_letter(
    attribute: str, kind: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    corrected, made_so = Hsa(), Hsa()
    corrected.bring(_records(kind, old))
    before = values(_entry(corrected, kind), attribute)
    corrected.bring(_records(kind, new))  # which fails where a second run would change something
    made_so.bring(_records(kind, new))
    after = values(_entry(corrected, kind), attribute)
    assert sorted(after) == sorted(values(_entry(made_so, kind), attribute)) != sorted(before)
    assert {*map(folded, before)} == {*map(folded, after)} or "phone" in str(old)
    assert corrected.directory.content() == made_so.directory.content()


def test_a_provider_and_a_contact_are_corrected_too(hsa: Hsa) -> None:
    contacts = {"hsa": [{"name": "anna de geer"}]}
    hsa.bring(record(name="ALFA VÅRD AB", people=[person(1)], contacts=contacts))
    contacts = {"hsa": [{"name": "Anna De Geer"}]}
    hsa.bring(record(name="Alfa Vård AB", people=[person(1)], contacts=contacts))
    assert values(hsa.provider(), "ou") == ("Alfa Vård AB",)
    assert values(hsa.provider(), "hsaDirectoryContact") == ("Anna De Geer",)
    assert hsa.provider().dn == f"ou=Alfa Vård AB,{LAYOUT.provider_branch}"
    assert hsa.commissions()[0].dn.endswith(f",{hsa.unit().dn}")
    assert hsa.members() == {number(1)}


def test_a_name_in_a_dn_is_spelled_as_the_attribute_is(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit(name="norra, #1")]))
    hsa.bring(record(units=[unit(name="Norra, #1")]))
    assert hsa.unit().dn == f"ou=Norra\\, #1,{hsa.provider().dn}"


@pytest.mark.parametrize(
    ("entry", "attribute", "by_hand"),
    [
        ("person", "fullName", "ANNA1 FJÄLLSTRÖM"),
        ("person", "hsaTitle", "läkare"),
        ("person", "hsaSystemRole", "NPO;Lasare"),
        ("unit", "hsaDestinationIndicator", "０３"),
        ("commission", "hsaCommissionRight", "läsa;ALLA;sjf"),
        ("commission", "hsaCommissionPurpose", "VÅRD och behandling"),
    ],
)
def test_what_somebody_spelled_otherwise_by_hand_is_mended_and_is_no_loss(
    hsa: Hsa, entry: str, attribute: str, by_hand: str
) -> None:
    licence = {"title": "Läkare", "confirmed": "2020-01-01"}
    staff = [person(1, assignment(systems=[NPO]), licences=[licence])]
    alfa = record(people=staff, units=[unit(public_from="2026-01-01")])
    hsa.bring(alfa)
    found = {
        "person": hsa.person(number(1)), "unit": hsa.unit(), "commission": hsa.commissions()[0],
    }[entry]  # fmt: skip
    right = values(found, attribute)
    hsa.directory.put(found.dn, **{attribute: by_hand})
    plan = hsa.plan(alfa)
    assert [plan.losses(operation) for operation in plan.operations] == [frozenset()]
    hsa.bring(alfa)
    assert values(hsa.directory.put(found.dn), attribute) == right


@pytest.mark.parametrize("attribute", ["hsaIdentity", "hsaCommissionMember"])
def test_an_id_in_another_case_is_the_same_id(hsa: Hsa, attribute: str) -> None:
    alfa = record(people=[person(1)])
    hsa.bring(alfa)
    found = hsa.person(number(1)) if attribute == "hsaIdentity" else hsa.commissions()[0]
    (id,) = values(found, attribute)
    hsa.directory.put(found.dn, **{attribute: id.lower()})
    changed = {c.attribute for op in hsa.bring(alfa).operations for c in op.changes}
    assert changed.isdisjoint(IDS)


def test_letters_in_another_form_of_unicode_are_spelled_alike(hsa: Hsa) -> None:
    alfa = record(people=[person(1, surname="Åström")], units=[unit(name="Åre")])
    hsa.bring(alfa)
    entry = hsa.person(number(1))
    apart = unicodedata.normalize("NFD", "Åström")
    hsa.directory.put(entry.dn, sn=apart)
    assert hsa.bring(alfa).operations == ()
    assert values(hsa.person(number(1)), "sn") == (apart,)


_letters = st.text(st.sampled_from("aAåÅßsS ﬁ"), min_size=1, max_size=4).map(str.strip)
_names: st.SearchStrategy[str] = _letters.filter(bool)


@settings(max_examples=100)
@given(st.lists(st.tuples(_names, _names, _names), min_size=1, max_size=3))
def test_whatever_was_there_before_all_is_spelled_as_the_record_has_it(
    history: list[tuple[str, str, str]],
) -> None:
    hsa = Hsa()
    for surname, one, other in history:
        people = [person(1, assignment("a"), surname=surname)]
        alfa = record(people=people, units=[unit("a", one), unit("b", other)], name=one)
        hsa.bring(alfa)
        anna = hsa.person(number(1))
        assert values(anna, "sn") == (surname,)
        assert sorted(values(anna, "cn")) == sorted((hsa_id(anna), f"Anna1 {surname}"))
        for id, name in (("a", one), ("b", other)):
            expected: Values = (name,)
            assert values(hsa.unit("alfa", id), "ou") == expected
            assert hsa.unit("alfa", id).dn.startswith(f"ou={name}")


# --- names of units ------------------------------------------------------------------------------


def test_units_that_swap_names_have_them_plain_after_one_run(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Norr"), unit("b", "Söder")]))
    hsa.bring(record(units=[unit("a", "Söder"), unit("b", "Norr")]))
    assert hsa.unit("alfa", "a").dn == f"ou=Söder,{hsa.provider().dn}"
    assert hsa.unit("alfa", "b").dn == f"ou=Norr,{hsa.provider().dn}"


@pytest.mark.parametrize("names", [("B", "C", "A"), ("B", "A", "B"), ("C", "B", "A")])
def test_units_that_pass_their_names_round_have_them_plain(
    hsa: Hsa, names: tuple[str, str, str]
) -> None:
    ids = ("a", "b", "c")
    people = [person(n, assignment(id)) for n, id in enumerate(ids)]
    hsa.bring(record(people=people, units=[unit(id, id.upper()) for id in ids]))
    hsa.bring(record(people=people, units=list(map(unit, ids, names))))
    dns = [hsa.unit("alfa", id).dn for id in ids]
    plain = {f"ou={name},{hsa.provider().dn}" for name in names}
    assert set(dns) >= plain
    for n, id in enumerate(ids):
        assert values(hsa.unit("alfa", id), "ou") == (names[n],)
        assert hsa.members("alfa", id) == {number(n)}


def test_a_name_that_came_free_is_taken_plain(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Hälsan"), unit("b", "Hälsan"), unit("c", "Hälsan")]))
    hsa.bring(record(units=[unit("a", "Annan"), unit("b", "Hälsan"), unit("c", "Hälsan")]))
    assert hsa.unit("alfa", "b").dn == f"ou=Hälsan,{hsa.provider().dn}"
    third = hsa.unit("alfa", "c")
    assert third.dn == f"ou=Hälsan+hsaIdentity={hsa_id(third)},{hsa.provider().dn}"


def test_a_unit_with_its_id_in_its_name_gets_another_name_plain(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Hälsan"), unit("b", "Hälsan")]))
    hsa.bring(record(units=[unit("a", "Annan"), unit("b", "Tredje")]))
    second = hsa.unit("alfa", "b")
    assert second.dn == f"ou=Tredje,{hsa.provider().dn}"
    assert values(second, "ou") == ("Tredje",)
    assert hsa_id(second)


def test_a_new_unit_gets_the_name_that_another_one_leaves(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Hälsan")]))
    hsa.bring(record(units=[unit("a", "Annan"), unit("b", "Hälsan")]))
    assert hsa.unit("alfa", "b").dn == f"ou=Hälsan,{hsa.provider().dn}"


def test_providers_that_swap_names_have_them_plain_though_one_run_is_about_one(hsa: Hsa) -> None:
    hsa.bring(record("alfa", name="Norr AB"), record("beta", name="Söder AB"))
    swapped = record("alfa", name="Söder AB"), record("beta", name="Norr AB")
    results = hsa.run(*swapped, providers=("alfa",))
    assert results["alfa"]["errors"] == []
    assert values(hsa.provider("alfa"), "ou") == ("Söder AB",)
    assert values(hsa.provider("beta"), "ou") == ("Söder AB",)
    for _time in range(2):
        results = hsa.run(*swapped)
    assert [results[p]["changes"] for p in ("alfa", "beta")] == [[], []]
    assert hsa.provider("alfa").dn == f"ou=Söder AB,{LAYOUT.provider_branch}"
    assert hsa.provider("beta").dn == f"ou=Norr AB,{LAYOUT.provider_branch}"


def test_a_name_that_an_entry_keeps_after_all_is_not_tried(hsa: Hsa) -> None:
    hsa.bring(record(units=[unit("a", "Norr"), unit("b", "Söder")]))
    hsa.directory.refuses = lambda op: "no" if op.id == hsa_id(hsa.unit("alfa", "b")) else None
    results = hsa.run(record(units=[unit("a", "Söder"), unit("b", "Norr")]))
    errors = results["alfa"]["errors"]
    assert all(hsa_id(hsa.unit("alfa", "b")) in error for error in errors), errors
    assert values(hsa.unit("alfa", "a"), "ou") == ("Söder",)
    assert values(hsa.unit("alfa", "b"), "ou") == ("Söder",)
