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
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from .model import Assignment, Person

# A provider, and the keyed hash of what it tells a row by.
Label = tuple[str, str]


class Fact(NamedTuple):
    """Something that a run put in effect: by keyed hash of a person's number, as text."""

    person: str
    text: str

    @property
    def is_for_good(self) -> bool:
        """Whether it outlives the row that says it: which numbers are one person."""
        return self.text.startswith("was ")


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

    `facts` are by provider, `days` are those of the last run of each provider.
    """

    key: str = ""
    facts: Mapping[str, frozenset[Fact]] = field(default_factory=dict)
    days: Mapping[str, dt.date] = field(default_factory=dict)
    _effects: dict[str, list[Effect]] = field(init=False, repr=False, compare=False)
    _labels: dict[Label, set[str]] = field(init=False, repr=False, compare=False)
    _later: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        effects: dict[str, list[Effect]] = defaultdict(list)
        labels: dict[Label, set[str]] = defaultdict(set)
        later: dict[str, str] = {}
        for provider, facts in self.facts.items():
            for person, text in facts:
                kind, _space, rest = text.partition(" ")
                if kind == "label":
                    labels[provider, rest].add(person)
                elif kind == "was":
                    later[rest] = person
                else:
                    effects[person].append(_effect(provider, rest, self.days[provider]))
        object.__setattr__(self, "_effects", effects)
        object.__setattr__(self, "_labels", labels)
        object.__setattr__(self, "_later", later)

    def digest(self, text: str) -> str:
        """The keyed hash of a number or a name."""
        return keyed_hash(self.key, text)

    def effects(self, numbers: Iterable[str]) -> tuple[Effect, ...]:
        """What gave access to the person with these numbers."""
        if not self._effects:
            return ()
        return tuple(e for number in numbers for e in self._effects.get(self.digest(number), ()))

    def successors(self, numbers: Iterable[str], among: Iterable[str]) -> dict[str, str]:
        """The numbers that took the place of some of these, of those `among` which they may be."""
        if not self._later:
            return {}
        wanted = {n: self._later[h] for n in numbers if (h := self.digest(n)) in self._later}
        known = {self.digest(n): n for n in among} if wanted else {}
        return {n: known[h] for n, h in wanted.items() if h in known}

    def knows(self, number: str, previous: str) -> bool:
        """Whether a number took the place of another one in a run before."""
        return bool(self._later) and self._later.get(self.digest(previous)) == self.digest(number)

    def labels(self, provider: str, row: Person) -> Iterator[Label]:
        """What the provider tells the row by; nothing where no run remembers any."""
        if self._labels:
            yield from ((provider, self.digest(text)) for text in _labels(row))

    def had(self, label: Label) -> AbstractSet[str]:
        """The hashes of those whom a provider had by a label."""
        return self._labels.get(label, frozenset())

    def facts_of(
        self, row: Person, number: str, in_effect: Iterable[tuple[Assignment, dt.date | None]]
    ) -> Iterator[Fact]:
        """What to remember of a row: its ref and name, and the assignments that give access."""
        person = self.digest(number)
        for previous in row.previous_numbers:
            yield Fact(person, f"was {self.digest(previous)}")
        for text in _labels(row):
            yield Fact(person, f"label {self.digest(text)}")
        for assignment, last_day in in_effect:
            yield Fact(person, f"effect {_text(assignment, last_day)}")


NO_MEMORY = Memory()


def keyed_hash(key: str, text: str) -> str:
    """A hash that tells nothing of a text, such as a number, to who has not the key (in hex)."""
    return hmac.digest(bytes.fromhex(key), text.encode(), hashlib.sha256).hex()[:32]


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


def _effect(provider: str, text: str, seen_on: dt.date) -> Effect:
    unit, purpose, from_, last_day, systems = json.loads(text)
    return Effect(
        provider, unit, purpose, dt.date.fromisoformat(from_),
        dt.date.fromisoformat(last_day) if last_day else None, frozenset(systems), seen_on,
    )  # fmt: skip
