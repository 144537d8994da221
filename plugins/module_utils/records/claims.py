# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only one may have: ids, names of workstations, HSA-ids.

A claim is a place in a record that uses such a value. Claims conflict where one value has several
owners. An HSA-id belongs to one provider, one unit or one natural person, who may be listed by
several providers; and a natural person has one HSA-id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .model import Record
from .one_person import numbers, rows_by_person

Part = Literal["agreement", "staff", "equipment"]
# pylint takes the target of ansible-test, not the Python that runs it, for its check of unions.
Path = tuple[str | int, ...]  # pylint: disable=unsupported-binary-operation


@dataclass(frozen=True, slots=True)
class Claim:
    """A place that uses a value of a kind; `expected` says in words what it should have been.

    `record` is the record's position among those compared. `held` are value and owner in words that
    are the same from day to day; an owner who has several names has as many.
    """

    kind: str
    value: Hashable
    owner: Hashable
    held: tuple[tuple[str, str], ...]
    expected: str
    record: int
    provider: str
    part: Part
    path: Path


def claims(records: Sequence[Record]) -> list[Claim]:
    """Everything that records claim."""
    people = {
        (id(record), index): position
        for position, rows in enumerate(rows_by_person(records))
        for record, index, _person in rows
    }
    return [
        claim
        for position, record in enumerate(records)
        for claim in (
            *_names(position, record),
            *_directory_objects(position, record),
            *_people(position, record, people),
        )
    ]


def conflicts(every: Iterable[Claim]) -> list[list[Claim]]:
    """The claims of each value that more than one owner claims."""
    by_value: dict[tuple[str, Hashable], list[Claim]] = defaultdict(list)
    for claim in every:
        by_value[claim.kind, claim.value].append(claim)
    return [group for group in by_value.values() if len({claim.owner for claim in group}) > 1]


def hsa_ids(record: Record) -> Iterator[tuple[Part, Path, str]]:
    """Every HSA-id of the record that must be the region's, and where it stands."""
    for path, hsa_id in _object_ids(record):
        yield "agreement", path, hsa_id
    for index, unit in enumerate(record.agreement.units):
        if unit.head_of_operations is not None and unit.head_of_operations.hsa_id is not None:
            path = ("units", index, "head_of_operations", "hsa_id")
            yield "agreement", path, unit.head_of_operations.hsa_id
    for index, trial in enumerate(record.agreement.trial):
        yield "agreement", ("trial", index, "approved_by"), trial.approved_by
    for index, person in enumerate(record.staff.people):
        if person.hsa_id is not None:
            yield "staff", ("people", index, "hsa_id"), person.hsa_id


def _names(position: int, record: Record) -> Iterator[Claim]:
    number = record.agreement.organisation_number
    yield Claim(
        "id", record.id, position, ((f"id {record.id}", record.id),),
        "an id that no other provider has",
        position, record.id, "agreement", ("id",),
    )  # fmt: skip
    yield Claim(
        "organisation number", number, position, ((f"organisation number {number}", record.id),),
        "an organisation number that no other has",
        position, record.id, "agreement", ("organisation_number",),
    )  # fmt: skip
    for index, workstation in enumerate(record.equipment.workstations):
        for key in ("name", "client_name"):
            # Computer names do not differ by case, and Citrix may not know one name from the other.
            name = (getattr(workstation, key) or "").casefold()
            if name:
                yield Claim(
                    "workstation", name, (position, index), ((f"workstation {name}", record.id),),
                    "a workstation name that no other has",
                    position, record.id, "equipment", ("workstations", index, key),
                )  # fmt: skip


def _directory_objects(position: int, record: Record) -> Iterator[Claim]:
    for path, hsa_id in _object_ids(record):
        # HSA compares without regard to case.
        same = hsa_id.casefold()
        yield Claim(
            "HSA-id", same, (position, path), ((f"HSA-id {same}", record.id),),
            "an HSA-id that nothing else has",
            position, record.id, "agreement", path,
        )  # fmt: skip


def _people(position: int, record: Record, people: dict[tuple[int, int], int]) -> Iterator[Claim]:
    for index, person in enumerate(record.staff.people):
        if person.hsa_id is None or not numbers(person):
            continue
        hsa_id, natural = person.hsa_id.casefold(), people[id(record), index]
        path = ("people", index, "hsa_id")
        held = tuple((f"HSA-id {hsa_id}", number) for number in numbers(person))
        yield Claim(
            "HSA-id", hsa_id, ("person", natural), held,
            "an HSA-id that nothing and nobody else has",
            position, record.id, "staff", path,
        )  # fmt: skip
        yield Claim(
            "person", natural, hsa_id, held, "the same HSA-id wherever the person is listed",
            position, record.id, "staff", path,
        )  # fmt: skip


def _object_ids(record: Record) -> Iterator[tuple[Path, str]]:
    if record.agreement.hsa_id is not None:
        yield ("hsa_id",), record.agreement.hsa_id
    for index, unit in enumerate(record.agreement.units):
        if unit.hsa_id is not None:
            yield ("units", index, "hsa_id"), unit.hsa_id
