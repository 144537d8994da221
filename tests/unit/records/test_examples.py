# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example providers of the lab: valid, one in each phase, with the cases they are there for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import one_person, rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    is_sole_trader,
    luhn_valid,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import phase
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    PARTS,
    Assignment,
    Person,
    Record,
)

LAB = Path(__file__).parents[3] / "inventories" / "lab"


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


SOURCE = read(LAB / "halsoval.yml")
AS_OF: dt.date = SOURCE["as_of"]
PREFIXES: list[str] = SOURCE["hsa_id_prefixes"]
FOLDERS = sorted((LAB / SOURCE["drafts"]).iterdir())


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    adapter = TypeAdapter(Record)
    return {
        folder.name: adapter.validate_python({part: read(folder / f"{part}.yml") for part in PARTS})
        for folder in FOLDERS
    }


def people(records: dict[str, Record]) -> Iterator[tuple[Record, Person]]:
    for record in records.values():
        for person in record.staff.people:
            yield record, person


def assignments(records: dict[str, Record]) -> Iterator[Assignment]:
    for _record, person in people(records):
        yield from person.assignments


def test_examples_break_no_rule(records: dict[str, Record]) -> None:
    assert [p for r in records.values() for p in rules.check_record(r, PREFIXES, AS_OF)] == []
    assert rules.check_all(list(records.values())) == []


def test_examples_are_in_folders_of_their_id(records: dict[str, Record]) -> None:
    assert [record.id for record in records.values()] == list(records)


def test_there_is_one_example_in_each_phase(records: dict[str, Record]) -> None:
    assert {record.id: phase(record, AS_OF) for record in records.values()} == {
        "ragunda-halsocentral": "application",
        "bracke-lakarhus": "establishment",
        "fjallhalsan": "operation",
        "storsjokliniken": "wind_down",
        "halledalens-vard": "ended",
    }


def test_examples_have_from_3_to_120_people(records: dict[str, Record]) -> None:
    sizes = {record.id: len(record.staff.people) for record in records.values()}
    assert min(sizes.values()) == sizes["halledalens-vard"] == 3
    assert max(sizes.values()) == sizes["storsjokliniken"] == 120


def test_nobody_in_the_examples_can_be_alive(records: dict[str, Record]) -> None:
    for _record, person in people(records):
        for number in person.numbers:
            assert number < "1910" or number == "191212121212"


def test_only_the_intended_findings_are_there(records: dict[str, Record]) -> None:
    found = rules.findings(list(records.values()))
    assert {finding.code for finding in found} == {"licence_unconfirmed"}


def test_every_file_names_the_schema_of_its_part() -> None:
    for folder in FOLDERS:
        assert {path.name for path in folder.iterdir()} == {f"{part}.yml" for part in PARTS}
        for part in PARTS:
            first, second, *_others = (folder / f"{part}.yml").read_text("utf-8").splitlines()
            assert first == "---"
            path = re.fullmatch(r"# yaml-language-server: \$schema=(.*)", second)
            assert path is not None
            schema = (folder / path[1]).resolve()
            assert schema == LAB.parents[1] / "docs" / "schema" / f"{part}.schema.json"


def test_one_person_works_for_two_providers_under_one_name(records: dict[str, Record]) -> None:
    shared = [rows for rows in one_person.rows_by_person(list(records.values())) if len(rows) > 1]
    ((first, second),) = shared
    assert {first[0].id, second[0].id} == {"fjallhalsan", "storsjokliniken"}
    assert first[2].surname == second[2].surname


def test_the_regions_own_employee_has_extra_shifts(records: dict[str, Record]) -> None:
    lab = (LAB.parents[1] / "roles/lab/vars/main.yml").read_text(encoding="utf-8")
    own = [person for _record, person in people(records) if person.number in lab]
    assert [(person.given_name, person.surname) for person in own] == [("Märta", "Ekblad")]
    assert own[0].hsa_id is None


def test_sole_trader_is_listed_under_the_providers_own_number(records: dict[str, Record]) -> None:
    traders = [r for r in records.values() if is_sole_trader(r.agreement.organisation_number)]
    (trader,) = traders
    number = trader.agreement.organisation_number
    assert luhn_valid(number)
    assert trader.id == "halledalens-vard"
    assert number in {person.number[2:] for person in trader.staff.people}


def test_operation_shows_odd_names_and_two_units_of_one_name(records: dict[str, Record]) -> None:
    names = [unit.name for unit in records["fjallhalsan"].agreement.units]
    assert len(names) == 3
    assert len(set(names)) == 2
    assert all(any(character in name for name in names) for character in '+,#"å')
    assert any("'" in person.surname for _record, person in people(records))


def test_people_with_something_particular_are_among_them(records: dict[str, Record]) -> None:
    everybody = [person for _record, person in people(records)]
    given = list(assignments(records))
    assert any(person.protected for person in everybody)
    assert any(person.samordningsnummer for person in everybody)
    assert any(person.previous_numbers for person in everybody)
    assert any(a.kind == "temporary" and a.to and a.from_ <= AS_OF <= a.to for a in given)
    assert any(a.suspended and a.suspended.from_ <= AS_OF for a in given)
    assert any(not assignment.halsoval for assignment in given)
    assert any(len(person.assignments) > 1 for person in everybody)


def test_somebody_left_and_somebody_starts_next_month(records: dict[str, Record]) -> None:
    staff = {person.ref: person for person in records["fjallhalsan"].staff.people}
    assert all(a.to is not None and a.to < AS_OF for a in staff["nurse-5"].assignments)
    (starting,) = staff["doctor-6"].assignments
    assert (starting.from_.year, starting.from_.month) == (AS_OF.year, AS_OF.month + 1)


def test_establishment_waits_for_a_must_and_runs_a_trial(records: dict[str, Record]) -> None:
    part = records["bracke-lakarhus"].agreement
    assert part.final_verification is not None
    assert [must.resolved is None for must in part.final_verification.musts] == [False, True]
    (trial,) = part.trial
    assert trial.from_ <= AS_OF <= trial.to
