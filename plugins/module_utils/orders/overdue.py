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
# A card that its holder no longer may use, or no longer has, opens doors until its revocation is
# confirmed. One that was replaced is its holder's still, and one that nobody collected opens none.
REVOKING, _OPENING = 7, frozenset({"left", "lost", "returned"})


@dataclass(frozen=True, slots=True)
class Overdue:
    """An order without an answer, `days` since it left.

    `lets_in` says that it is the revocation of a card that somebody may use who should not.
    """

    system: str
    provider: str
    object: str
    kind: str
    number: str
    days: int
    lets_in: bool


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
        lets_in = row.kind == "revocation" and row.cause in _OPENING
        if days > (REVOKING if lets_in else WAITING.get(row.system, 0)):
            number = row.key
            found.append(
                Overdue(row.system, row.provider, row.object, row.kind, number, days, lets_in)
            )
    return found
