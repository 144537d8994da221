# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When somebody last connected from each workstation: of no person, and for 90 days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from .database import insert
from .tables import Tables

# Longer than Citrix keeps it, and no longer than it serves its purpose: what is unused.
KEPT = dt.timedelta(days=90)
_MARK = "monitor"


def last_seen(ledger: Tables) -> tuple[dict[str, dt.date], str]:
    """The last day by workstation, and where the last night's read ended. Raises LedgerError."""
    with ledger.reading() as connection:
        rows = connection.execute(ledger.sightings.select()).all()
        marks = ledger.marks.select().where(ledger.marks.c.name == _MARK)
        mark = connection.execute(marks).one_or_none()
    days = {row.workstation: dt.date.fromisoformat(row.last) for row in rows}
    return days, mark.value if mark else ""


def everybody_seen(ledger: Tables) -> frozenset[str]:
    """The HSA-ids of all people whom any run has seen. Raises LedgerError."""
    with ledger.reading() as connection:
        return frozenset(row.hsa_id for row in connection.execute(ledger.seen_ids.select()))


def note_seen(ledger: Tables, last: Mapping[str, dt.date], mark: str) -> None:
    """Note the last days, and where the read ended; what is old goes. Raises LedgerError."""
    oldest = ledger.run.as_of - KEPT
    rows = [(name, day.isoformat()) for name, day in sorted(last.items()) if day >= oldest]
    with ledger.transaction() as connection:
        connection.execute(ledger.sightings.delete())
        insert(connection, ledger.sightings, rows)
        connection.execute(ledger.marks.delete().where(ledger.marks.c.name == _MARK))
        insert(connection, ledger.marks, [(_MARK, mark)])
