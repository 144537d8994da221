# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records that tests build are ones that the controller would let through."""

from __future__ import annotations

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import identifiers, rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import phase
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    PHASES,
    TODAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
)


@pytest.mark.parametrize("name", PHASES)
def test_a_built_record_is_valid_and_in_its_phase(name: str) -> None:
    built = record(people=[person(1), person(2, assignment(systems=[NPO]))], phase=name)
    assert rules.check_record(built, ["SE2321000214-"], TODAY) == []
    assert phase(built, TODAY) == name


def test_built_numbers_are_valid_different_and_nobodys() -> None:
    numbers = {number(index) for index in range(4000)}
    assert len(numbers) == 4000
    assert all(identifiers.parse_personnummer(n) == n and n < "1910" for n in numbers)
    assert identifiers.parse_samordningsnummer(coordination_number(7)) == coordination_number(7)
