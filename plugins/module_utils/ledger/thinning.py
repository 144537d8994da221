# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thinning: what orders and answers say of people goes when it is old and nobody needs it.

Needed are the particulars of orders that are not closed, of cards until their last day, and of
services that are in force: without them no change of a name would be seen. So of services only
those are thinned that were refused or cancelled, that end something, or that another followed which
was done. Answers about services are codes, and stay.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.orders import TAKES, VOID
from . import seals
from .audit import AuditRow
from .database import slices
from .ledger import Ledger

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

KINDS = ("answer", "order", "revocation")


def parse_retention(days: Mapping[str, Any]) -> dict[str, int]:
    """Days by kind, as a configuration has them. Raises ValueError with what was expected."""
    unknown = [str(kind) for kind in days if kind not in KINDS]
    if unknown:
        known = ", ".join(KINDS)
        raise ValueError(f"expected in retention {known}, and not {', '.join(unknown)}")
    if not all(re.fullmatch("[0-9]{1,6}", str(number)) for number in days.values()):
        raise ValueError("expected in retention whole numbers of days, 0 or more")
    return {kind: int(number) for kind, number in days.items()}


def thin(ledger: Ledger, as_of: dt.date, retention: Mapping[str, int]) -> int:
    """Delete the particulars that are older than `retention` says; returns how many.

    Cards that have expired are noted as closed by their last day.

    `retention` are days since the order was closed, as `parse_retention` gives them: "order" for
    what orders say, "revocation" for what revocations of cards say, "answer" for what came back of
    cards. A kind that is not named is kept. Check mode only counts. Raises LedgerError.
    """
    if not retention:
        return 0
    with ledger.changing() as connection:
        expired = _expired(ledger, connection, as_of)
        over, sides = _over(ledger, connection, expired), _sides(ledger, connection)
        gone = {
            kind: [
                order.pseudonym
                for order in over
                if (as_of - order.closed).days > days
                and order.is_of(kind)
                and (order.pseudonym, _side(kind)) in sides
            ]
            for kind, days in sorted(retention.items())
        }
        if not ledger.check:
            _close(ledger, connection, expired)
            _delete(ledger, connection, gone)
    return sum(map(len, gone.values()))


class _Over(NamedTuple):
    """An order whose particulars nobody needs any more."""

    pseudonym: str
    system: str
    kind: str
    closed: dt.date

    def is_of(self, kind: str) -> bool:
        """Whether the retention of this kind is about it."""
        if kind == "answer":
            return self.system == "siths"
        return (self.kind == "revocation") == (kind == "revocation")


def _side(kind: str) -> str:
    """The kind of particulars that a retention is about."""
    return "answer" if kind == "answer" else "order"


def _expired(ledger: Ledger, connection: Connection, as_of: dt.date) -> dict[str, str]:
    """The last days of active cards that have passed, by the order's key: no receipt says so."""
    orders, sides = ledger.orders, ledger.particulars
    query = (
        orders.select()
        .with_only_columns(orders.c.key, sides.c.content)
        .where((orders.c.kind == "card") & (orders.c.state == "active"))
        .where(orders.c.closed_on.is_(None))
        .where((sides.c.pseudonym == orders.c.pseudonym) & (sides.c.kind == "answer"))
    )
    days = {row.key: json.loads(row.content).get("valid_to") for row in connection.execute(query)}
    return {key: day for key, day in days.items() if day and day < as_of.isoformat()}


def _over(ledger: Ledger, connection: Connection, expired: Mapping[str, str]) -> list[_Over]:
    columns = ledger.orders.c
    query = ledger.orders.select().with_only_columns(
        columns.key, columns.system, columns.kind, columns.follows, columns.state,
        columns.closed_on, columns.pseudonym,
    )  # fmt: skip
    rows = connection.execute(query).all()
    overtaken = _overtaken(rows)
    return [
        _Over(row.pseudonym, row.system, row.kind, dt.date.fromisoformat(closed))
        for row in rows
        if (closed := row.closed_on or expired.get(row.key))
        and (
            row.system == "siths"
            or row.state in VOID
            or row.kind in TAKES
            or row.key in overtaken
        )
    ]  # fmt: skip


def _overtaken(rows: Iterable[Any]) -> set[str]:
    """The keys of orders that another follows, at whatever distance, which was done."""
    before = {row.key: row.follows for row in rows}
    found: set[str] = set()
    for row in rows:
        key = row.follows if row.state == "done" else ""
        while key and key not in found:
            found.add(key)
            key = before.get(key, "")
    return found


def _sides(ledger: Ledger, connection: Connection) -> set[tuple[str, str]]:
    """Which particulars there are: pseudonym and kind."""
    columns = ledger.particulars.c
    query = ledger.particulars.select().with_only_columns(columns.pseudonym, columns.kind)
    return {(row.pseudonym, row.kind) for row in connection.execute(query)}


def _close(ledger: Ledger, connection: Connection, expired: Mapping[str, str]) -> None:
    """Note cards' last days as the days that they were closed: their answers may go with them."""
    keys: dict[str, list[str]] = defaultdict(list)
    for key, day in expired.items():
        keys[day].append(key)
    for day, theirs in keys.items():
        for some in slices(theirs):
            update = ledger.orders.update().where(ledger.orders.c.key.in_(some))
            connection.execute(update.values(closed_on=day))
    seals.renew_by_key(ledger, connection, ledger.orders, expired)
    if expired:
        row = AuditRow(event="closed", object="card", result=str(len(expired)))
        ledger.append(connection, [row])


def _delete(ledger: Ledger, connection: Connection, gone: Mapping[str, list[str]]) -> None:
    table = ledger.particulars
    for kind, pseudonyms in gone.items():
        for some in slices(pseudonyms):
            theirs = table.c.pseudonym.in_(some) & (table.c.kind == _side(kind))
            connection.execute(table.delete().where(theirs))
    told = [
        AuditRow(event="thinned", object=kind, result=str(len(pseudonyms)))
        for kind, pseudonyms in gone.items()
        if pseudonyms
    ]
    ledger.append(connection, told)
