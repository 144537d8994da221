# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a provider's staff takes the region's signature."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Person,
    StaffPart,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.regions_matters import (
    regions_matters,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

OWN, SHARED, NEW = number(1), number(2), number(3)
ID = "SE2321000214-HV000017"


def person(of: str, **fields: Any) -> Person:
    assignment = {"unit": "norr", "kind": "employed", "from": "2026-01-01"}
    plain = {"personnummer": of, "given_name": "Tolvan", "surname": "Tolvansson"}
    return from_json(Person, {"assignments": [assignment], **plain, **fields})


def told(before: list[Person], after: list[Person]) -> list[str]:
    """The places that take the region's signature, where somebody else employs SHARED."""
    elsewhere = [person(SHARED), person(number(9), hsa_id=ID)]
    found = regions_matters(
        StaffPart(people=tuple(before)), StaffPart(people=tuple(after)), elsewhere
    )
    return [".".join(map(str, matter.path)) for matter in found]


CARD = [{"kind": "ordinary"}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [person(NEW)]),
        ([], [person(NEW, cards=CARD)]),
        ([], [person(SHARED)]),
        ([person(OWN)], [person(OWN, surname="Annan", cards=CARD, protected=True)]),
        ([person(SHARED)], [person(SHARED, position="Sjuksköterska", mail="a@b.example")]),
        ([person(OWN, cards=CARD)], []),
        ([person(OWN, hsa_id=ID)], [person(OWN, hsa_id=ID.lower())]),
        ([person(OWN, previous_numbers=[NEW])], [person(OWN, previous_numbers=[NEW])]),
    ],
)
def test_a_provider_decides_about_its_own_people(before: list[Person], after: list[Person]) -> None:
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ([person(OWN)], [person(OWN, previous_numbers=[NEW])], ["people.0.previous_numbers"]),
        ([person(OWN)], [person(OWN, hsa_id=ID)], ["people.0.hsa_id"]),
        ([person(OWN, ref="n-1")], [person(NEW, ref="n-1")], ["people.0.ref"]),
        ([person(SHARED)], [person(SHARED, surname="Annan")], ["people.0"]),
        ([person(SHARED, protected=True)], [person(SHARED)], ["people.0"]),
        ([person(SHARED)], [person(SHARED, cards=CARD)], ["people.0.cards"]),
        ([], [person(SHARED, cards=CARD)], ["people.0.cards"]),
        ([person(SHARED, cards=CARD)], [], ["people"]),
    ],
)
def test_what_reaches_beyond_the_provider_is_the_regions(
    before: list[Person], after: list[Person], places: list[str]
) -> None:
    assert told(before, after) == places
