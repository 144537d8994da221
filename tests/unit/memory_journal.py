# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal in memory, for tests of the pure part of the pipe. The ledger has tests of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import (
    Intended,
    Intent,
)


class Busy(Exception):
    """Somebody else is writing."""


class MemoryJournal:
    """Every intent by its number, with its system, and the outcome once it has one."""

    def __init__(self) -> None:
        self.intents: dict[int, tuple[str, Intended]] = {}
        self.outcomes: dict[int, str] = {}
        self.writer: str | None = None

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
