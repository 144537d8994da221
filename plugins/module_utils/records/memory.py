# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs put in effect in a system, which explains what the next one takes.

A record tells what holds today. Whether a loss is a surprise also depends on what held before: a
row that vanished explains nothing, whatever other rows of the person say. The memory names people
by keyed hashes of their numbers, and holds neither names nor numbers.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

from .model import Assignment, Person

# A provider, and the keyed hash of what it tells a row by.
Label = tuple[str, str]

PROTECTED = "protected"


class Fact(NamedTuple):
    """Something that a run put in effect: by keyed hash of a person's number, as text."""

    person: str
    text: str

    @property
    def is_protection(self) -> bool:
        """Whether it is that the identity is protected, which outlives what says it."""
        return self.text == PROTECTED

    @property
    def is_link(self) -> bool:
        """Whether it is which numbers are one person: that outlives a row that vanishes."""
        return self.text.startswith("was ")

    @property
    def is_lasting(self) -> bool:
        """Whether it is true of the person in all systems."""
        return self.is_protection or self.is_link


@dataclass(frozen=True, slots=True)
class Effect:
    """An assignment that gave access when the last run was done, on the day `seen_on`."""

    provider: str
    unit: str
    purpose: str
    from_: dt.date
    last_day: dt.date | None
    systems: frozenset[str]
    seen_on: dt.date

    def is_of(self, provider: str, assignment: Assignment) -> bool:
        """Whether a record's assignment is this one, whatever became of its end."""
        return (provider, assignment.unit, assignment.purpose or "", assignment.from_) == (
            self.provider, self.unit, self.purpose, self.from_,
        )  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """All that a system's earlier runs put in effect; `key` is the ledger's, for hashes.

    `facts` are by provider, `days` are those of the last run of each provider. `shielded` are the
    hashes of those whom the population register protects.
    """

    key: str = ""
    facts: Mapping[str, frozenset[Fact]] = field(default_factory=dict)
    days: Mapping[str, dt.date] = field(default_factory=dict)
    shielded: frozenset[str] = frozenset()
    _effects: dict[str, list[Effect]] = field(init=False, repr=False, compare=False)
    _labels: dict[Label, set[str]] = field(init=False, repr=False, compare=False)
    _later: dict[str, list[Label]] = field(init=False, repr=False, compare=False)
    _protected: set[str] = field(init=False, repr=False, compare=False)
    _present: set[Label] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        effects: dict[str, list[Effect]] = defaultdict(list)
        labels: dict[Label, set[str]] = defaultdict(set)
        later: dict[str, list[Label]] = defaultdict(list)
        protected: set[str] = set(self.shielded)
        present: set[Label] = set()
        for provider, facts in self.facts.items():
            for person, text in facts:
                kind, _space, rest = text.partition(" ")
                if kind == "label":
                    labels[provider, rest].add(person)
                    present.add((provider, person))
                elif kind == "was":
                    later[rest].append((provider, person))
                elif kind == PROTECTED:
                    protected.add(person)
                elif kind == "effect":
                    effects[person].append(_effect(provider, rest, self.days[provider]))
        object.__setattr__(self, "_effects", effects)
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "_later", later)
        object.__setattr__(self, "_protected", protected)
        object.__setattr__(self, "_present", present)

    def digest(self, text: str) -> str:
        """The keyed hash of a number or a name."""
        return keyed_hash(self.key, text)

    def effects(self, numbers: Iterable[str]) -> tuple[Effect, ...]:
        """What gave access to the person with these numbers."""
        if not self._effects:
            return ()
        return tuple(e for number in numbers for e in self._effects.get(self.digest(number), ()))

    def successors(
        self, rows: Iterable[tuple[str, Person]], among: Iterable[str]
    ) -> dict[str, str]:
        """The numbers that took the place of those in rows, as far as rows have them, or `among`.

        `rows` come with their providers. One that stands there by the later number, and does not
        say so any more, takes it back.
        """
        if not self._later:
            return {}
        standing = [(provider, row.number) for provider, row in rows]
        known = {self.digest(n): n for n in (*among, *(number for _p, number in standing))}
        told = {(provider, self.digest(number)) for provider, number in standing}
        found = ((number, known.get(self._latest(number, told))) for _p, number in standing)
        return {number: later for number, later in found if later and later != number}

    def _latest(self, number: str, told: Collection[Label]) -> str:
        """The hash of the number that took a number's place, or of itself."""
        latest, seen = self.digest(number), set[str]()
        while latest not in seen:
            seen.add(latest)
            later = (label[1] for label in self._later.get(latest, ()) if label not in told)
            latest = next(later, latest)
        return latest

    def knows(self, number: str, previous: str) -> bool:
        """Whether a number took the place of another one in a run before."""
        if not self._later:
            return False
        person = self.digest(number)
        return any(p == person for _provider, p in self._later.get(self.digest(previous), ()))

    def same(self, numbers: Iterable[str]) -> frozenset[str]:
        """The hashes of numbers, and of those that earlier runs knew to be the same person's."""
        found = set(map(self.digest, numbers))
        new = list(found) if self._later else []
        while new:
            linked = self._linked.get(new.pop(), set()) - found
            found |= linked
            new += linked
        return frozenset(found)

    @cached_property
    def _linked(self) -> Mapping[str, set[str]]:
        links: dict[str, set[str]] = defaultdict(set)
        for earlier, labels in self._later.items():
            for _provider, later in labels:
                links[earlier].add(later)
                links[later].add(earlier)
        return links

    def protects(self, numbers: Iterable[str]) -> bool:
        """Whether a record protected the person, and nobody has confirmed that it is over."""
        return bool(self._protected) and self.protects_any(map(self.digest, numbers))

    def protects_any(self, hashes: Iterable[str]) -> bool:
        """The same of people by the hashes of their numbers."""
        return not self._protected.isdisjoint(hashes)

    def had(self, provider: str, numbers: Iterable[str]) -> bool:
        """Whether a provider had the person when its last run was done.

        True as well where nothing is remembered of any provider, as in the first run.
        """
        theirs = ((provider, self.digest(number)) for number in numbers)
        return not self._present or not self._present.isdisjoint(theirs)

    def labels(self, provider: str, row: Person) -> Iterator[Label]:
        """What the provider tells the row by; nothing where no run remembers any."""
        if self._labels:
            yield from ((provider, self.digest(text)) for text in _labels(row))

    def called(self, label: Label) -> AbstractSet[str]:
        """The hashes of those whom a provider called so."""
        return self._labels.get(label, frozenset())

    def facts_of(
        self, row: Person, number: str, in_effect: Iterable[tuple[Assignment, dt.date | None]]
    ) -> Iterator[Fact]:
        """What to remember of a row: its ref and name, and the assignments that give access."""
        person = self.digest(number)
        for text in _labels(row):
            yield Fact(person, sys.intern(f"label {self.digest(text)}"))
        for assignment, last_day in in_effect:
            yield Fact(person, sys.intern(f"effect {_text(assignment, last_day)}"))

    def lasting_facts_of(self, row: Person, number: str) -> Iterator[Fact]:
        """What is true of the person whatever becomes of the row."""
        person = self.digest(number)
        if row.protected:
            yield Fact(person, PROTECTED)
        for previous in row.previous_numbers:
            yield Fact(person, f"was {self.digest(previous)}")


NO_MEMORY = Memory()


def keyed_hash(key: str, text: str) -> str:
    """A hash that tells nothing of a text, such as a number, to who has not the key (in hex)."""
    # The ledger has told the same text, or will be told it again.
    return sys.intern(hmac.digest(bytes.fromhex(key), text.encode(), hashlib.sha256).hex()[:32])


def _labels(row: Person) -> Iterator[str]:
    """What a provider tells a row by: the ref, and the name. No ref looks like a name."""
    if row.ref:
        yield f"ref {row.ref}"
    yield f"name {row.given_name.casefold()} {row.surname.casefold()}"


def _text(assignment: Assignment, last_day: dt.date | None) -> str:
    return json.dumps(
        [
            assignment.unit, assignment.purpose or "", assignment.from_.isoformat(),
            last_day.isoformat() if last_day else "", sorted(assignment.systems),
        ],
        ensure_ascii=False,
    )  # fmt: skip


# Many at a provider have the same.
@lru_cache(maxsize=4096)
def _effect(provider: str, text: str, seen_on: dt.date) -> Effect:
    unit, purpose, from_, last_day, systems = json.loads(text)
    return Effect(
        provider, unit, purpose, dt.date.fromisoformat(from_),
        dt.date.fromisoformat(last_day) if last_day else None, frozenset(systems), seen_on,
    )  # fmt: skip
