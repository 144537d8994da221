# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When somebody last connected from each workstation: of no person, and for 90 days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from .database import insert
from .tables import Tables

# Longer than Citrix keeps it, and no longer than it serves its purpose: what is unused.
KEPT = dt.timedelta(days=90)
_MARK, _SINCE = "monitor", "monitor since"
# The day of the last read, and where the first one of that day began: one that is made again on the
# same day, as after a night that failed, finds all of it again.
_DAY, _BEGAN = "monitor day", "monitor began"


@dataclass(frozen=True)
class Sightings:
    """What is remembered: the last day by workstation, where the read of the night before ended, ""
    before the first, and the day of the first.
    """

    last: Mapping[str, dt.date]
    mark: str
    since: dt.date


def last_seen(ledger: Tables) -> Sightings:
    """What the nights before have noted. Raises LedgerError."""
    with ledger.reading() as connection:
        rows = connection.execute(ledger.sightings.select()).all()
        marks = {row.name: row.value for row in connection.execute(ledger.marks.select())}
    days = {row.workstation: dt.date.fromisoformat(row.last) for row in rows}
    since = marks.get(_SINCE, ledger.run.as_of.isoformat())
    return Sightings(days, _began(ledger, marks), dt.date.fromisoformat(since))


def _began(ledger: Tables, marks: Mapping[str, str]) -> str:
    is_again = marks.get(_DAY) == ledger.run.as_of.isoformat()
    return marks.get(_BEGAN if is_again else _MARK, "")


def everybody_seen(ledger: Tables) -> frozenset[str]:
    """The HSA-ids of all people whom any run has seen. Raises LedgerError."""
    with ledger.reading() as connection:
        return frozenset(row.hsa_id for row in connection.execute(ledger.taken_ids.select()))


def note_seen(ledger: Tables, seen: Sightings) -> None:
    """Note what is remembered from now on; what is old goes. Raises LedgerError."""
    oldest = ledger.run.as_of - KEPT
    rows = [(name, day.isoformat()) for name, day in sorted(seen.last.items()) if day >= oldest]
    with ledger.transaction() as connection:
        found = connection.execute(ledger.marks.select())
        began = _began(ledger, {row.name: row.value for row in found})
        connection.execute(ledger.sightings.delete())
        insert(connection, ledger.sightings, rows)
        connection.execute(ledger.marks.delete())
        day, since = ledger.run.as_of.isoformat(), seen.since.isoformat()
        marks = [(_MARK, seen.mark), (_SINCE, since), (_DAY, day), (_BEGAN, began)]
        insert(connection, ledger.marks, marks)
