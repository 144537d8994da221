# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal in memory, for tests of the pure part of the pipe. The ledger has tests of its own."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import (
    DAYS,
    Holding,
    Past,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import (
    Intended,
    Intent,
    Settled,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Fact, Memory
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY


class Busy(Exception):
    """Somebody else is writing."""


class MemoryJournal:
    """Every intent by its number, with its system, and the outcome once it has one."""

    def __init__(self) -> None:
        self.intents: dict[int, tuple[str, Intended]] = {}
        self.outcomes: dict[int, str] = {}
        self.writer: str | None = None
        self.day = TODAY
        self.facts: dict[tuple[str, str], frozenset[Fact]] = {}
        self.days: dict[tuple[str, str], dt.date] = {}
        self.lost: list[tuple[str, dt.date, str, Holding]] = []
        self.sizes: dict[str, dict[str, int]] = {}
        self.refused: dict[str, str] = {}
        self.alarm = ""
        self.confirmed: list[tuple[str, str]] = []

    @contextmanager
    def exclusive(self, system: str) -> Iterator[None]:
        """Be the only writer; raises Busy at once where somebody is."""
        if self.writer is not None:
            raise Busy
        self.writer = system
        try:
            yield
        finally:
            self.writer = None

    def unfinished(self, system: str) -> list[Intent]:
        """The intents without an outcome."""
        return [
            Intent(number, intended.proof)
            for number, (theirs, intended) in self.intents.items()
            if theirs == system and number not in self.outcomes
        ]

    def intend(self, system: str, intents: Sequence[Intended]) -> list[int]:
        """Note what is about to be written."""
        assert self.writer is not None
        first = len(self.intents) + 1
        numbers = list(range(first, first + len(intents)))
        self.intents.update(zip(numbers, ((system, one) for one in intents), strict=True))
        return numbers

    def conclude(self, results: Mapping[int, str]) -> None:
        """Note what came of intents; each has one outcome."""
        assert self.outcomes.keys().isdisjoint(results)
        self.outcomes.update(results)

    def past(self, system: str, witnesses: Collection[str], marked: int) -> Past:
        """What earlier runs left the guard."""
        first = self.day - dt.timedelta(days=DAYS - 1)
        lost: dict[str, set[Holding]] = {}
        for theirs, day, provider, holding in self.lost:
            if theirs == system and day >= first:
                lost.setdefault(provider, set()).add(holding)
        sizes = self.sizes.get(system, {})
        confirmed = Counter(p for theirs, p in self.confirmed if theirs == system)
        return Past(
            lost=lost, sizes=sizes, refused=self.refused, alarm=self.alarm, confirmed=confirmed
        )

    def judged(self, system: str, notes: Past) -> None:
        """Note what the guard of the next run must know."""
        assert self.writer is not None
        for provider, holdings in notes.lost.items():
            self.lost += [(system, self.day, provider, holding) for holding in holdings]
        if notes.sizes:
            self.sizes[system] = dict(notes.sizes)

    def protect(self, system: str, protections: Mapping[str, Collection[Fact]]) -> None:
        """Note who is protected."""
        assert self.writer is not None
        for provider, facts in protections.items():
            place = (system, provider)
            self.facts[place] = self.facts.get(place, frozenset()).union(facts)

    def remember(self, system: str, settled: Sequence[Settled], revealed: Collection[str]) -> None:
        """Note what a run put in effect."""
        assert self.writer is not None
        for one in settled:
            place = (system, one.provider)
            self.facts[place] = one.after(self.facts.get(place, frozenset()))
            if one.is_last or place not in self.days:
                self.days[place] = self.day
        for place, facts in self.facts.items():
            if place[0] == system:
                shown = {f for f in facts if f.is_protection and f.person in revealed}
                self.facts[place] = facts - shown

    def confirm(self, system: str, confirmed: Mapping[str, Sequence[str]]) -> None:
        """Note what was confirmed."""
        assert self.writer is not None
        self.confirmed += [(system, provider) for provider in confirmed]

    def spare(self, system: str, unused: Mapping[str, Sequence[str]]) -> None:
        """Note what counts the next time."""
        assert self.writer is not None
        for provider in unused:
            self.confirmed.remove((system, provider))

    def vouch(self, system: str, witnesses: Collection[str], marked: int) -> None:
        """Note that the journal is right as it is."""
        assert self.writer is not None
        self.alarm = ""

    def memory(self, system: str) -> Memory:
        """What earlier runs put in effect in a system."""
        return Memory(
            key="00",
            facts=self._facts(system),
            days={p: day for (name, p), day in self.days.items() if name == system},
        )

    def _facts(self, system: str) -> dict[str, frozenset[Fact]]:
        found: dict[str, set[Fact]] = {}
        for (name, provider), facts in self.facts.items():
            theirs = {fact for fact in facts if name == system or fact.is_lasting}
            found.setdefault(provider, set()).update(theirs)
        return {provider: frozenset(facts) for provider, facts in found.items()}
