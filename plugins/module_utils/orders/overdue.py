# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that have left and that nobody has answered."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..ledger.tables import Tables

# After so many days without an answer; of cards, the longest that they take (annex 3.3).
WAITING = {"siths": 56, "services": 14}
# A card of somebody who has left opens doors until its revocation is confirmed.
REVOKING = 7


@dataclass(frozen=True, slots=True)
class Overdue:
    """An order without an answer; `is_revocation` of a card, `days` since it left."""

    system: str
    provider: str
    object: str
    kind: str
    number: str
    days: int
    is_revocation: bool


def overdue(ledger: Tables) -> list[Overdue]:
    """The orders that an answer is overdue of, on the run's day. Raises LedgerError."""
    table, today = ledger.orders, ledger.run.as_of
    with ledger.reading() as connection:
        # A card that was sent is answered: that nobody collects it is another finding.
        is_open = (table.c.state == "ordered") & table.c.ordered_on.is_not(None)
        rows = connection.execute(table.select().where(is_open).order_by(table.c.key)).all()
    found = []
    for row in rows:
        days = (today - dt.date.fromisoformat(row.ordered_on)).days
        is_revocation = row.kind == "revocation"
        if days > (REVOKING if is_revocation else WAITING.get(row.system, 0)):
            number = row.key
            found.append(
                Overdue(row.system, row.provider, row.object, row.kind, number, days, is_revocation)
            )
    return found
