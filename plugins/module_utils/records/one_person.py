# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows are one natural person: those that share a personal number, previous ones included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .model import Person, Record

# A row with its record and its place in the record's staff.
Row = tuple[Record, int, Person]


def rows_by_person(records: Sequence[Record]) -> list[list[Row]]:
    """The rows of each natural person, in the order of the records and their rows."""
    parent: dict[str, str] = {}

    def find(number: str) -> str:
        while parent.setdefault(number, number) != number:
            number = parent[number]
        return number

    listed = [
        (record, index, person)
        for record in records
        for index, person in enumerate(record.staff.people)
        if numbers(person)
    ]
    for _record, _index, person in listed:
        first, *others = numbers(person)
        for other in others:
            parent[find(other)] = find(first)
    people: dict[str, list[Row]] = defaultdict(list)
    for row in listed:
        people[find(numbers(row[2])[0])].append(row)
    return list(people.values())


def numbers(person: Person) -> tuple[str, ...]:
    """All personal numbers of a row, also where not exactly one is today's."""
    given = (person.personnummer, person.samordningsnummer, *person.previous_numbers)
    return tuple(number for number in given if number is not None)


def linked(records: Sequence[Record], successors: Mapping[str, str]) -> tuple[Record, ...]:
    """The records, in which rows with a number that another took the place of have that one too.

    `successors` are remembered from rows that are gone.
    """
    if not successors:
        return tuple(records)
    return tuple(_with_successors(record, successors) for record in records)


def _with_successors(record: Record, successors: Mapping[str, str]) -> Record:
    rows = record.staff.people
    if not any(row.number in successors for row in rows):
        return record
    people = tuple(_with(row, successors) for row in rows)
    return replace(record, staff=replace(record.staff, people=people))


def _with(row: Person, successors: Mapping[str, str]) -> Person:
    later = successors.get(row.number)
    if later is None:
        return row
    return replace(
        row, personnummer=later, samordningsnummer=None, previous_numbers=(*row.numbers,)
    )
