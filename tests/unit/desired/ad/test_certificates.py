# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates become mappings of accounts, and each lets in nobody but its holder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.certificates import (
    certificate_mappings,
    known_mappings,
    mappings_by_person,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Values
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record, uses
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

ID = "SE2321000214-HV000003"
OTHER = "SE2321000214-X"
ISSUER = "CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE"
TURNED = "C=SE,O=Inera AB,CN=SITHS e-id Person HSA-id 3 CA v1"


def certificate(**fields: str) -> Mapping[str, str]:
    return {"hsa_id": ID, **fields}


@pytest.mark.parametrize(
    ("fields", "mapping"),
    [
        (
            {"issuer": ISSUER, "serial": "0123456789ABcdef"},
            f"X509:<I>{TURNED}<SR>EFCDAB8967452301",
        ),
        ({"issuer": ISSUER, "serial": "01:ab:03"}, f"X509:<I>{TURNED}<SR>03AB01"),
        ({"issuer": ISSUER, "serial": "01 ab 03"}, f"X509:<I>{TURNED}<SR>03AB01"),
        ({"issuer": "CN=A+L=B,O=X", "serial": "10"}, "X509:<I>O=X,CN=A,L=B<SR>10"),
        ({"ski": "AB:cd:01"}, "X509:<SKI>abcd01"),
    ],
)  # fmt: skip
def test_a_certificate_becomes_a_strong_mapping(fields: dict[str, str], mapping: str) -> None:
    assert certificate_mappings([certificate(**fields)]) == {ID.casefold(): (mapping,)}


def test_a_person_may_have_several_cards() -> None:
    two = [certificate(ski="01"), certificate(ski="02"), certificate(ski="01")]
    assert certificate_mappings(two) == {ID.casefold(): ("X509:<SKI>01", "X509:<SKI>02")}


def test_no_list_is_something_else_than_an_empty_one() -> None:
    assert certificate_mappings(None) is None
    assert certificate_mappings([]) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"issuer": ISSUER},
        {"serial": "01"},
        {"issuer": ISSUER, "ski": "01"},
        {"issuer": ISSUER, "serial": "01", "ski": "01"},
        {"issuer": ISSUER, "serial": "xy"},
        {"issuer": ISSUER, "serial": "123"},
        {"ski": "0x01"},
        {"issuer": "no name", "serial": "01"},
        {"ski": " "},
        {"issuer": ISSUER, "serial": ":"},
    ],
)
def test_a_certificate_that_says_too_little_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        certificate_mappings([certificate(**fields)])


def test_one_certificate_has_one_owner() -> None:
    with pytest.raises(ValueError, match="one owner"):
        certificate_mappings([certificate(ski="01"), {"hsa_id": "SE2321000214-X", "ski": "01"}])


def test_mappings_by_person_are_those_of_the_certificates_that_they_have() -> None:
    theirs = [certificate(ski="01"), certificate(ski="02")]
    assert mappings_by_person({ID: theirs, OTHER: []}) == {
        ID.casefold(): ("X509:<SKI>01", "X509:<SKI>02"),
        OTHER.casefold(): (),
    }


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER.replace(",", ", "), ISSUER.lower()])
def test_a_certificate_of_several_people_lets_none_of_them_in(issuer: str) -> None:
    shared, alike = (
        certificate(issuer=ISSUER, serial="0AFF"),
        certificate(issuer=issuer, serial="0aff"),
    )
    certificates = {ID: [shared, certificate(ski="01")], OTHER: [alike], "SE2321000214-B": [shared]}
    assert mappings_by_person(certificates) == {
        ID.casefold(): ("X509:<SKI>01",), OTHER.casefold(): (), "se2321000214-b": (),
    }  # fmt: skip


def test_a_certificate_of_several_people_is_known_of_each() -> None:
    shared = certificate(ski="01")
    assert known_mappings({ID: [shared], OTHER: [shared, {"ski": "xy"}]}) == {
        ID.casefold(): ("X509:<SKI>01",), OTHER.casefold(): ("X509:<SKI>01",),
    }  # fmt: skip


def test_a_certificate_that_cannot_be_mapped_costs_nobody_else_theirs() -> None:
    wrong = [{"issuer": "no name", "serial": "01"}, {"ski": "xy"}, {}]
    certificates = {ID: [certificate(**each) for each in wrong], OTHER: [certificate(ski="01")]}
    assert mappings_by_person(certificates) == {
        ID.casefold(): (), OTHER.casefold(): ("X509:<SKI>01",),
    }  # fmt: skip


def test_a_certificate_that_is_told_twice_of_a_person_is_mapped_once() -> None:
    twice = [certificate(issuer=i, serial="01") for i in (ISSUER, ISSUER.lower())]
    (mappings,) = mappings_by_person({ID: twice, ID.lower(): twice}).values()
    assert len(mappings) == 1


def with_certificates(world: Ad, mappings: Mapping[str, Values] | None) -> Ad:
    """The same world under a layout that knows these mappings."""
    other = world.copy()
    other.layout = replace(world.layout, certificates=mappings)
    return other


def mappings_of(world: Ad, index: int) -> set[str]:
    return set(values(world.account(number(index)), "altSecurityIdentities"))


def test_mappings_follow_the_list_and_what_is_no_certificate_stays(world: Ad) -> None:
    staff = record(people=[person(1, uses()), person(2, uses())])
    world.bring(staff)
    id = world.id_of(number(1)).casefold()
    world.change(
        world.account(number(1)), altSecurityIdentities=("X509:<SKI>ff", "Kerberos:anna@x")
    )
    assert with_certificates(world, None).plan(staff).operations == ()
    listed = with_certificates(world, {id: ("X509:<SKI>01", "X509:<SKI>02")})
    listed.bring(staff)
    assert mappings_of(listed, 1) == {"X509:<SKI>01", "X509:<SKI>02", "Kerberos:anna@x"}
    assert mappings_of(listed, 2) == set()
    empty = with_certificates(listed, {})
    empty.bring(staff)
    assert mappings_of(empty, 1) == {"Kerberos:anna@x"}


def test_a_new_account_has_its_mappings_at_once(world: Ad) -> None:
    staff = record(people=[person(1, uses(), protected=True)])
    world.hsa.bring(staff)
    id = world.id_of(number(1)).casefold()
    listed = with_certificates(world, {id: ("X509:<SKI>01",)})
    listed.bring(staff)
    assert mappings_of(listed, 1) == {"X509:<SKI>01"}


def test_losing_mappings_counts_for_the_guard_and_a_new_card_does_not(world: Ad) -> None:
    staff = record(people=[person(n, uses()) for n in range(6)])
    world.bring(staff)
    ids = [world.id_of(number(n)).casefold() for n in range(6)]
    listed = with_certificates(world, {id: (f"X509:<SKI>0{n}",) for n, id in enumerate(ids)})
    listed.bring(staff)
    refused = with_certificates(listed, {}).run(staff)["alfa"]
    assert "6 of 6 would lose something" in refused["msg"]
    renewed = with_certificates(listed, {id: (f"X509:<SKI>1{n}",) for n, id in enumerate(ids)})
    assert renewed.run(staff)["alfa"]["failed"] is False
    assert mappings_of(renewed, 3) == {"X509:<SKI>13"}


def test_who_has_left_keeps_the_mappings_of_a_closed_account(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    id = world.id_of(number(1)).casefold()
    listed = with_certificates(world, {id: ("X509:<SKI>01",)})
    listed.bring(staff)
    left = with_certificates(listed, {})
    left.bring(record(people=[person(1, uses(to="2026-03-01"))]))
    assert mappings_of(left, 1) == {"X509:<SKI>01"}
    assert not left.is_enabled(number(1))
