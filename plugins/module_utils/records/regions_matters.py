# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a provider's staff its own orderer does not approve alone: it takes the region's word.

A provider decides about its own people. Which numbers are one person, who has which HSA-id, and the
identity and cards of somebody whom others employ too reach beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .model import Person, StaffPart


@dataclass(frozen=True)
class Matter:
    """What takes the region's signature: where it stands in the staff part, and why."""

    path: tuple[str | int, ...]
    message: str


@dataclass
class _Known:
    """What the approved staff says already: by number, by ref, and which go together."""

    rows: dict[str, Person] = field(default_factory=dict)
    by_ref: dict[str, Person] = field(default_factory=dict)
    together: set[tuple[str, str]] = field(default_factory=set)


def regions_matters(
    before: StaffPart | None, after: StaffPart, elsewhere: Iterable[Person]
) -> list[Matter]:
    """What in `after` takes the region's signature, and was not in the approved `before`.

    `elsewhere` are all people of other providers' approved records.
    """
    known = _known(before)
    shared: set[str] = set()
    for person in elsewhere:
        shared |= _marks(person)
    matters: list[Matter] = []
    for index, row in enumerate(after.people):
        matters += _of_row(("people", index), row, known, bool(shared & _marks(row)))
    left = {number for row in after.people for number in row.numbers}
    for row in before.people if before else ():
        if row.cards and shared & _marks(row) and not left.intersection(row.numbers):
            message = "a row with cards went, of somebody whom another provider employs too"
            matters.append(Matter(("people",), message))
    return matters


def _known(before: StaffPart | None) -> _Known:
    known = _Known()
    for row in before.people if before else ():
        known.rows |= dict.fromkeys(row.numbers, row)
        if row.ref:
            known.by_ref[row.ref] = row
        marks = _marks(row)
        known.together |= {(one, other) for one in marks for other in marks}
    return known


def _marks(row: Person) -> set[str]:
    """What a person is known by: numbers, and the HSA-id in one spelling."""
    return {*row.numbers, *([row.hsa_id.casefold()] if row.hsa_id else [])}


def _of_row(
    path: tuple[str | int, ...], row: Person, known: _Known, is_shared: bool
) -> Iterator[Matter]:
    old = next((known.rows[n] for n in row.numbers if n in known.rows), None)
    if any((row.number, number) not in known.together for number in row.previous_numbers):
        yield Matter((*path, "previous_numbers"), "numbers are linked that were not before")
    if row.hsa_id and (row.number, row.hsa_id.casefold()) not in known.together:
        yield Matter((*path, "hsa_id"), "somebody is given an HSA-id")
    named = known.by_ref.get(row.ref) if row.ref else None
    if named is not None and not set(named.numbers) & set(row.numbers):
        yield Matter((*path, "ref"), "the row of this ref was another number's")
    if not is_shared:
        return
    if old is not None and _identity(old) != _identity(row):
        yield Matter(path, "the identity changes of somebody whom another provider employs too")
    if row.cards != (old.cards if old else ()):
        message = "cards change of somebody whom another provider employs too"
        yield Matter((*path, "cards"), message)


def _identity(row: Person) -> tuple[object, ...]:
    return (row.number, row.given_name, row.middle_name, row.surname, row.protected)
