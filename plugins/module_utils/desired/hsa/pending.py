# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose identity changes: a row with another number, or an entry with another person's name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ...engine.provision import Finding
from ...records.memory import Label, Memory
from ...records.people import NaturalPerson, PersonName
from ..people.pending import (
    HIDDEN,
    LINKED,
    NEW_NUMBER,
    OTHER_NAME,
    Pending,
    beside_protected,
    has_another_name,
)
from .holdings import provider_of_person
from .register import Register


def linked(known: Register, waits: Pending) -> Iterator[Finding]:
    """For every provider that names them, the people whom one record alone calls somebody's."""
    for person in known.people:
        for hsa_id in dict.fromkeys(ids_of(person, known)):
            if waits.reasons.get(hsa_id) == LINKED:
                for provider in sorted({e.provider for e in person.employments}):
                    message = f"{LINKED}: nothing is done about it until a person confirms it"
                    yield Finding(provider, "linked_numbers", hsa_id, message)


class _Link(NamedTuple):
    """That a provider's row says of a number that it took the place of another one."""

    provider: str
    number: str
    previous: str


def pending(known: Register, memory: Memory) -> Pending:
    """Of whom nothing is written until a person confirms it, and why.

    Where a row has another number, these are the person who had the row and the one who has it now.
    A record by itself neither renames nor takes over whom another provider, or the region, has.
    """
    found, misnamed = _Found(), list[NaturalPerson]()
    formers = _formers(known.people, memory)
    for person in known.people:
        former = formers.get(person.number, frozenset())
        own = frozenset(map(memory.digest, person.numbers))
        if former:
            ids = (*ids_of(person, known), *_ids_of(former, known, memory))
            found.note(ids, NEW_NUMBER, former | own)
            if person.protected or memory.protects_any(former | own):
                found.hide(ids)
        elif reason := _reason(person, known, memory):
            found.note(ids_of(person, known), reason, own)
            misnamed += [person] if reason == OTHER_NAME else []
    for person in beside_protected(misnamed, filter(known.holdings.hides, known.people)):
        found.hide(ids_of(person, known))
    return found.pending()


def recalled(people: Sequence[NaturalPerson], seen: Mapping[str, str], memory: Memory) -> Pending:
    """The same while HSA cannot be read: as far as the memory of rows tells.

    `seen` are the HSA-ids that earlier runs saw, by number.
    """
    found = _Found()
    formers = _formers(people, memory)
    for person in people:
        former = formers.get(person.number, frozenset())
        if former:
            hashes = former.union(map(memory.digest, person.numbers))
            ids = [hsa_id for number, hsa_id in seen.items() if memory.digest(number) in hashes]
            found.note(ids, NEW_NUMBER, hashes)
            if person.protected or memory.protects_any(hashes):
                found.hide(ids)
    return found.pending()


class _Found:
    """Reasons and hashes by HSA-id; another number in a row is told before anything else."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._people: dict[str, set[str]] = defaultdict(set)
        self._hidden: set[str] = set()

    def hide(self, ids: Iterable[str]) -> None:
        """Note that one of the people is protected, and nobody knows which entry is theirs."""
        self._hidden.update(ids)

    def note(self, ids: Iterable[str], reason: str, hashes: frozenset[str]) -> None:
        for hsa_id in ids:
            if reason == NEW_NUMBER or hsa_id not in self._reasons:
                self._reasons[hsa_id] = reason
            self._people[hsa_id] |= hashes

    def pending(self) -> Pending:
        people = {hsa_id: frozenset(hashes) for hsa_id, hashes in self._people.items()}
        return Pending(self._reasons, people, frozenset(self._hidden))


def _formers(people: Iterable[NaturalPerson], memory: Memory) -> dict[str, frozenset[str]]:
    """By people's numbers of today, the hashes of those whom a provider had in their rows.

    A namesake had another row: nobody is meant who is still there under the same label.
    """
    hashes: dict[str, frozenset[str]] = {}
    labels: dict[str, set[Label]] = {}
    today: dict[Label, set[str]] = defaultdict(set)
    for person in people:
        begun = (e for e in person.employments if e.has_begun)
        theirs = {label for e in begun for label in memory.labels(e.provider, e.row)}
        if theirs:
            labels[person.number] = theirs
            hashes[person.number] = frozenset(map(memory.digest, person.numbers))
        for label in theirs:
            today[label] |= hashes[person.number]
    return {
        number: frozenset().union(
            *(
                memory.called(label) - today[label]
                for label in theirs
                if hashes[number].isdisjoint(memory.called(label))
            )
        )
        for number, theirs in labels.items()
    }


def _reason(person: NaturalPerson, known: Register, memory: Memory) -> str:
    """Why the person in a row may be another one than the entry's, "" if nothing says so."""
    if any(_is_anothers(link, person, known) for link in _links(person, memory)):
        return LINKED
    holdings, names = known.holdings, known.holdings.layout.name
    newcomers = [e for e in person.current if not memory.had(e.provider, person.numbers)]
    for entry in holdings.of_person(person) if person.current else ():
        name = entry.first(names("givenName")), entry.first(names("sn"))
        is_hidden = person.was_protected or holdings.is_confidential(entry)
        if newcomers and is_hidden and not person.protected:
            return HIDDEN
        told = [person.names] if holdings.may_write(entry, person.hsa_id) else []
        # Who is new at a provider must have the entry's name by that one's row.
        told += [(PersonName.of(e.row),) for e in newcomers if not is_hidden]
        if any(has_another_name(*name, some) for some in told):
            return OTHER_NAME
    return ""


def _links(person: NaturalPerson, memory: Memory) -> Iterator[_Link]:
    """What records call previous numbers of the person, whatever their days, and no run has yet."""
    for e in person.employments:
        for previous in e.row.previous_numbers:
            if not memory.knows(e.row.number, previous):
                yield _Link(e.provider, e.row.number, previous)


def _is_anothers(link: _Link, person: NaturalPerson, known: Register) -> bool:
    """Whether others than those who say so have somebody under the previous number."""
    agreeing = {e.provider for e in person.employments if e.row.number == link.number}
    if any(
        link.previous in e.row.numbers and e.provider not in agreeing for e in person.employments
    ):
        return True
    entries = known.holdings.by_number.get(link.previous, ())
    keys = {key for entry in entries for key in known.holdings.keys(entry)}
    is_foreign = not all(map(known.holdings.is_ours, entries))
    return is_foreign or not agreeing.issuperset(map(provider_of_person, keys))


def ids_of(person: NaturalPerson, known: Register) -> Iterator[str]:
    """The HSA-ids that the person has, or is to have."""
    yield from map(known.holdings.id, known.holdings.of_person(person))
    if person.number in known.ids:
        yield known.ids[person.number]


def _ids_of(hashes: frozenset[str], known: Register, memory: Memory) -> Iterator[str]:
    """The HSA-ids of the entries whose numbers have these hashes."""
    for number, entries in known.holdings.by_number.items():
        if memory.digest(number) in hashes:
            yield from map(known.holdings.id, entries)
