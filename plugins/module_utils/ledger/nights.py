# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Since how many nights in a row something was found, and whether anybody was told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from .database import insert
from .tables import Tables

Key = tuple[str, str, str, str]  # name, system, provider and object of a finding


@dataclass(frozen=True, slots=True)
class Streak:
    """The nights in a row that have found something: the first and last, how many, and `told`."""

    since: dt.date
    last: dt.date
    nights: int = 1
    told: bool = False

    def by(self, night: dt.date) -> Streak:
        """The same with a night; one that is counted already counts once."""
        if night <= self.last:
            return self
        return replace(self, last=night, nights=self.nights + 1)


def note_night(
    ledger: Tables, found: Iterable[Key], has_looked: Callable[[Key], bool]
) -> Mapping[Key, Streak]:
    """Note what the run's night found; returns the streak of each.

    What it did not find any more is forgotten, but for what it has not looked at.
    In check mode nothing is noted. Raises LedgerError.
    """
    tonight, table = ledger.run.as_of, ledger.findings
    with ledger.changing() as connection:
        before = {
            (row.name, row.system, row.provider, row.object): _streak(row)
            for row in connection.execute(table.select())
        }
        now = {key: before.get(key, Streak(tonight, tonight)).by(tonight) for key in found}
        kept = {k: streak for k, streak in before.items() if k not in now and not has_looked(k)}
        if not ledger.check:
            connection.execute(table.delete())
            insert(connection, table, [_row(*item) for item in {**kept, **now}.items()])
    return now


def note_told(ledger: Tables, keys: Iterable[Key]) -> None:
    """Note that somebody was told of findings. Raises LedgerError."""
    table = ledger.findings.c
    with ledger.transaction() as connection:
        for name, system, provider, what in keys:
            is_it = (
                (table.name == name)
                & (table.system == system)
                & (table.provider == provider)
                & (table.object == what)
            )
            connection.execute(ledger.findings.update().where(is_it).values(told=1))


def _streak(row: object) -> Streak:
    since, last, nights, told = row.since, row.last, row.nights, row.told  # type: ignore[attr-defined]
    return Streak(dt.date.fromisoformat(since), dt.date.fromisoformat(last), nights, bool(told))


def _row(key: Key, streak: Streak) -> tuple[int | str | None, ...]:
    days = (streak.since.isoformat(), streak.last.isoformat())
    return (*key, *days, streak.nights, int(streak.told))
