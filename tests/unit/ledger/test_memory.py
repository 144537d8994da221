# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA-ids that earlier runs saw: kept in the ledger, and nobody's number with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

HSA = "ldaps://hsa.example:636"
A, B, C = (f"SE2321000214-{letter}" for letter in "ABC")


def stored(ledger: Ledger) -> dict[str, set[tuple[str, ...]]]:
    tables = (ledger.settings, ledger.seen_ids, ledger.taken_ids)
    with ledger.reading() as connection:
        return {t.name: {tuple(r) for r in connection.execute(t.select())} for t in tables}


def keep(ledgers: Ledgers, seen: Mapping[str, str]) -> None:
    """Another run's, which knows nothing but the ledger."""
    with ledgers.open() as ledger:
        ledger.keep(HSA, seen)


def test_what_was_kept_is_recalled_by_a_later_run(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A, number(2): B})
    recalled = ledgers.open("run-2").recall(HSA, [number(1), number(7)])
    assert recalled.by_number == {number(1): A}
    assert recalled.ids == {A, B}


def test_of_an_empty_ledger_nothing_is_recalled(ledgers: Ledgers) -> None:
    recalled = ledgers.open().recall(HSA, [number(1)])
    assert (recalled.ids, dict(recalled.by_number)) == (frozenset(), {})


def test_what_was_known_stays_and_what_is_seen_otherwise_holds(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A, number(2): B})
    keep(ledgers, {number(2): C})
    recalled = ledgers.open().recall(HSA, [number(1), number(2)])
    assert recalled.by_number == {number(1): A, number(2): C}


def test_an_id_that_is_somebodys_now_is_nobody_elses(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A})
    keep(ledgers, {number(2): A})
    assert ledgers.open().recall(HSA, [number(1), number(2)]).by_number == {number(2): A}


def test_two_people_who_change_ids_are_recalled_with_the_new_ones(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A, number(2): B})
    keep(ledgers, {number(1): B, number(2): A})
    recalled = ledgers.open().recall(HSA, [number(1), number(2)])
    assert recalled.by_number == {number(1): B, number(2): A}


def test_an_id_stays_taken_when_its_person_has_another(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A})
    keep(ledgers, {number(1): B})
    assert ledgers.open().recall(HSA, []).ids == {A, B}


def test_an_id_of_any_hsa_was_seen_in_whatever_case(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A})
    ledger = ledgers.open()
    ledger.keep("ldaps://other.example", {number(1): B})
    assert [ledger.has_seen(hsa_id) for hsa_id in (A, B.casefold(), C)] == [True, True, False]


def test_one_person_may_have_several_numbers(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A, number(2): A})
    assert ledgers.open().recall(HSA, [number(1), number(2)]).by_number == {
        number(1): A, number(2): A
    }  # fmt: skip


def test_each_hsa_has_a_memory_and_a_key_of_its_own(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.keep(HSA, {number(1): A})
    ledger.keep("ldaps://other.example", {number(1): B})
    assert ledger.recall(HSA, [number(1)]).by_number == {number(1): A}
    assert ledger.recall(HSA, [number(1)]).ids == {A}
    assert ledger.recall("ldaps://third.example", [number(1)]).ids == frozenset()
    assert len({hash_ for _hsa, hash_, _id in stored(ledger)["seen_ids"]}) == 2


def test_no_number_stands_in_it_in_any_spelling(sqlite_ledgers: Ledgers) -> None:
    keep(sqlite_ledgers, {number(index): f"{A}{index}" for index in range(20)})
    content = sqlite_ledgers.file.read_bytes()
    assert A.encode() in content
    for index in range(20):
        assert not any(spelled.encode() in content for spelled in spellings(number(index)))


def test_the_hashes_are_keyed_anew_for_each_ledger(sqlite_ledgers: Ledgers, tmp_path: Path) -> None:
    other = replace(sqlite_ledgers, directory=tmp_path / "other")
    hashes = []
    for ledgers in (sqlite_ledgers, other):
        keep(ledgers, {number(1): A})
        hashes.append({row[1] for row in stored(ledgers.open())["seen_ids"]})
    assert hashes[0].isdisjoint(hashes[1])


@pytest.mark.parametrize("seen", [{number(1): A}, {}])
def test_a_run_that_sees_nothing_new_writes_nothing(
    sqlite_ledgers: Ledgers, seen: Mapping[str, str]
) -> None:
    keep(sqlite_ledgers, {number(1): A})
    before = sqlite_ledgers.file.read_bytes()
    keep(sqlite_ledgers, seen)
    assert sqlite_ledgers.file.read_bytes() == before


def test_check_mode_remembers_nothing(ledgers: Ledgers) -> None:
    keep(ledgers, {number(1): A})
    ledgers.open(check=True).keep(HSA, {number(2): B})
    assert ledgers.open(check=True).recall(HSA, [number(2)]).ids == {A}


def test_more_people_than_a_statement_takes_change_ids(ledgers: Ledgers) -> None:
    keep(ledgers, {number(index): f"{A}{index}" for index in range(2100)})
    keep(ledgers, {number(index): f"{B}{index}" for index in range(2100)})
    recalled = ledgers.open().recall(HSA, [number(index) for index in range(2100)])
    assert recalled.by_number == {number(index): f"{B}{index}" for index in range(2100)}
    assert len(recalled.ids) == 4200
