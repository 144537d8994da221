# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose claim stands where records claim the same, run after run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.contested import settle
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Fact, Memory
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    EquipmentPart,
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number, person, record

HSA_ID, OTHER_ID = "SE2321000214-0001", "SE2321000214-0002"


class World:
    """A ledger that remembers claims, and runs of records."""

    def __init__(self) -> None:
        self.facts: dict[str, frozenset[Fact]] = {}

    def run(self, *records: Record, invalid: Collection[str] = ()) -> set[str]:
        """The providers whose record is refused."""
        memory = Memory("00", self.facts, dict.fromkeys(self.facts, TODAY))
        settlement = settle(records, invalid, memory)
        self.facts |= settlement.facts
        return set(settlement.refused)


@pytest.fixture
def world() -> World:
    return World()


def workstation(id: str, **part: Any) -> Record:
    computer = {"name": "PC-1" if id == "alfa" else "pc-1", "unit": "vc", "serial": "1"}
    return replace(
        record(id, **part), equipment=from_json(EquipmentPart, {"workstations": [computer]})
    )


def organisation(id: str) -> Record:
    return record(id, agreement={}, organisation_number="5599990008")


def provider_id(id: str) -> Record:
    return record(id, hsa_id=HSA_ID)


def person_id(id: str) -> Record:
    """Another person with the same HSA-id."""
    return record(id, [person(len(id), hsa_id=HSA_ID)])


def one_person(id: str) -> Record:
    """The same person with another HSA-id."""
    return record(id, [person(1, hsa_id=HSA_ID if id == "alfa" else OTHER_ID)])


def person_or_provider(id: str) -> Record:
    return person_id(id) if id == "alfa" else provider_id(id)


CLAIMS = [workstation, organisation, provider_id, person_id, one_person, person_or_provider]
Claiming = Callable[[str], Record]


@pytest.mark.parametrize("claiming", CLAIMS)
def test_a_newcomer_stops_nobody_by_claiming_what_another_holds(
    world: World, claiming: Claiming
) -> None:
    assert world.run(claiming("alfa")) == set()
    for _again in range(3):
        assert world.run(claiming("alfa"), claiming("gamma")) == {"gamma"}


@pytest.mark.parametrize("claiming", CLAIMS)
def test_what_nobody_held_makes_both_invalid_until_one_gives_it_up(
    world: World, claiming: Claiming
) -> None:
    for _again in range(2):
        assert world.run(claiming("alfa"), claiming("gamma")) == {"alfa", "gamma"}
    assert world.run(claiming("alfa"), record("gamma")) == set()
    assert world.run(claiming("alfa"), claiming("gamma")) == {"gamma"}


@pytest.mark.parametrize("claiming", CLAIMS)
def test_what_is_handed_over_in_one_change_is_the_new_holders(
    world: World, claiming: Claiming
) -> None:
    world.run(claiming("alfa"))
    assert world.run(record("alfa"), claiming("gamma")) == set()
    assert world.run(claiming("alfa"), claiming("gamma")) == {"alfa"}


@pytest.mark.parametrize("claiming", [c for c in CLAIMS if c is not one_person])
def test_a_holder_whose_record_is_invalid_goes_on_holding(world: World, claiming: Claiming) -> None:
    world.run(claiming("alfa"))
    assert world.run(claiming("gamma"), invalid=["alfa"]) == {"gamma"}
    assert world.run(claiming("alfa"), claiming("gamma")) == {"gamma"}


@pytest.mark.parametrize("claiming", [c for c in CLAIMS if c is not one_person])
def test_a_holder_whose_record_is_missing_stops_nobody_and_loses_nothing(
    world: World, claiming: Claiming
) -> None:
    world.run(claiming("alfa"))
    assert world.run(claiming("gamma")) == set()
    assert world.run(claiming("alfa"), claiming("gamma")) == {"gamma"}


def test_providers_who_name_one_persons_id_alike_both_hold_it(world: World) -> None:
    both = [record(id, [person(1, hsa_id=HSA_ID)]) for id in ("alfa", "beta")]
    assert world.run(*both) == set()
    assert world.run(*both, provider_id("gamma")) == {"gamma"}


def test_who_named_a_persons_id_rightly_holds_it_for_nothing_else(world: World) -> None:
    """Two steps: first the same person, then an entry of one's own with that person's HSA-id."""
    alfa = record("alfa", [person(1, hsa_id=HSA_ID)])
    world.run(alfa)
    assert world.run(alfa, record("gamma", [person(1, hsa_id=HSA_ID)])) == set()
    assert world.run(alfa, provider_id("gamma")) == {"gamma"}
    assert world.run(alfa, record("gamma", [person(2, hsa_id=HSA_ID)])) == {"gamma"}


def test_a_person_who_gets_another_number_keeps_the_id(world: World) -> None:
    world.run(record("alfa", [person(1, hsa_id=HSA_ID)]))
    changed = record("alfa", [person(2, hsa_id=HSA_ID, previous_numbers=[number(1)])])
    assert world.run(changed) == set()
    assert world.run(changed, provider_id("gamma")) == {"gamma"}
    assert world.run(record("alfa", [person(2, hsa_id=HSA_ID)]), provider_id("gamma")) == {"gamma"}


def test_who_is_refused_for_one_claim_does_not_come_to_hold_another(world: World) -> None:
    world.run(workstation("alfa"))
    greedy = workstation("gamma", hsa_id=HSA_ID)
    assert world.run(workstation("alfa"), greedy) == {"gamma"}
    assert world.run(workstation("alfa"), provider_id("beta")) == set()
    assert world.run(workstation("alfa"), provider_id("beta"), greedy) == {"gamma"}


def _settled(*records: Record, **facts: Any) -> Any:
    return settle(records, (), Memory("00", facts, dict.fromkeys(facts, TODAY)))


def test_both_are_told_where_it_stands_and_with_whom(world: World) -> None:
    world.run(workstation("alfa"))
    settlement = _settled(workstation("alfa"), workstation("gamma"), **world.facts)
    place = "equipment.yml: workstations[0].name: expected a workstation name that no other has"
    assert settlement.refused == {"gamma": [f"gamma/{place}; compare the record of alfa"]}
    assert settlement.told == {"alfa": [f"alfa/{place}; compare the record of gamma"]}


def test_where_nobody_held_it_both_are_told_so() -> None:
    settlement = _settled(workstation("alfa"), workstation("gamma"))
    (error,) = settlement.refused["alfa"]
    assert error.endswith("; compare the record of gamma, which held it no more than this one")


def test_what_is_remembered_holds_no_number_and_no_id(world: World) -> None:
    world.run(record("alfa", [person(1, hsa_id=HSA_ID)], hsa_id=OTHER_ID))
    for spelled in (number(1), HSA_ID, OTHER_ID, HSA_ID.casefold()):
        assert spelled not in str(world.facts)
