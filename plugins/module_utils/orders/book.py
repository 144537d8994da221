# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders of a system, in the ledger, as the pipe reads and writes them.

An order and the batch that it leaves with are committed together; then the batch is written to the
outbox, and then it is marked as written. Whatever is lost in between, the next run finds the batch
unmarked and writes the same files: into the folder of protected people's orders, where it names
somebody who may have become one meanwhile.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from ..engine import orders
from ..engine.orders import Order
from ..engine.plan import Change, Entry, Operation
from ..ledger import seals
from ..ledger.database import insert, slices
from ..ledger.ledger import Ledger
from .outbox import Batch, Outbox, OutboxError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection

OrderSystem = Literal["siths", "services"]
SYSTEMS: tuple[OrderSystem, ...] = ("services", "siths")

_CHANGED = "somebody else changed the order at the same time; run again"
_KEY_TAKEN = "there is an order with this key already; run again"
_NOT_OURS = "the order is not as a run left it: see audit"
_HAS_LEFT = "an order that has left is not changed"


class OrderBook:
    """The orders of a system. The ledger's `exclusive(name)` is held while it is used to write.

    `undelivered` says by provider why a batch of theirs is not in the outbox: the next run that
    writes tries again. All methods raise LedgerError.
    """

    def __init__(self, ledger: Ledger, system: OrderSystem, outbox: Outbox) -> None:
        self._ledger, self._system, self._outbox = ledger, system, outbox
        self.undelivered: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What the system is called in messages, for the lock and in the journal."""
        return name_of(self._system)

    def read(self) -> list[Entry]:
        """All orders of the system."""
        table = self._ledger.orders
        with self._ledger.reading() as connection:
            held = read_orders(self._ledger, connection, table.c.system == self._system)
        return [orders.entry(order) for order in held]

    def deliver(self, may_be_open: Callable[[Order], bool]) -> None:
        """Write the batches that an earlier run did not come to write; check mode tells of them.

        `may_be_open` says of an order whether nothing hides today whom it names.
        """
        self.undelivered.clear()
        self._deliver(self._ledger.batches.c.written.is_(None), may_be_open)

    def hide(self, tells: Callable[[Order], bool]) -> list[str]:
        """Take the batches out of the open that were written, and tell of somebody who is hidden.

        Returns their ids. In check mode they are told only. Raises OutboxError.
        """
        lying = self._outbox.open_batches()
        if not lying:
            return []
        ledger, table = self._ledger, self._ledger.batches
        with ledger.reading() as connection:
            written = _batches(ledger, connection, self._system, table.c.written.is_not(None))
            chosen = [batch for batch in written if batch.id in lying and not batch.protected]
            members = ledger.orders.c.batch
            found = [
                b
                for b in chosen
                if any(map(tells, read_orders(ledger, connection, members == b.id)))
            ]
        for batch in () if ledger.check else found:
            self._outbox.hide(batch)
        return [batch.id for batch in found]

    def strays(self) -> frozenset[str]:
        """The ids of the batches in the outbox that the ledger does not know."""
        lying = self._outbox.batches()
        if not lying:
            return lying
        with self._ledger.reading() as connection:
            table = self._ledger.batches
            query = table.select().with_only_columns(table.c.id)
            return lying.difference(connection.execute(query).scalars())

    def apply(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Carry out operations, all in one transaction; returns the failed ones with the reason."""
        failed = {}
        with self._ledger.transaction() as connection:
            changes = _Changes(self._ledger, self._system, connection)
            held = changes.held(operation.key for operation in operations)
            broken = seals.broken(self._ledger, connection, held)
            for operation in operations:
                reason = _refusal(operation, held.get(operation.key))
                reason = reason or _NOT_OURS * (operation.key in broken)
                if reason:
                    failed[operation] = reason
                elif operation.action == "add":
                    held[operation.key] = changes.add(operation)
                else:
                    held[operation.key] = changes.move(held[operation.key], operation)
            changes.write()
        # Who is hidden was asked just now, when these were made.
        self._deliver(self._ledger.batches.c.id.in_(changes.new_batches), lambda _order: True)
        return failed

    def _deliver(self, chosen: ColumnElement[bool], may_be_open: Callable[[Order], bool]) -> None:
        ledger = self._ledger
        with ledger.reading() as connection:
            batches = _batches(ledger, connection, self._system, chosen)
            members = ledger.orders.c.batch
            found = {b: read_orders(ledger, connection, members == b.id) for b in batches}
        written = []
        for batch, theirs in found.items():
            if self._is_delivered(batch, theirs, not all(map(may_be_open, theirs))):
                written.append(batch.id)
        if written:
            table, today = ledger.batches, ledger.run.as_of.isoformat()
            with ledger.transaction() as connection:
                mark = table.update().where(table.c.id.in_(written))
                connection.execute(mark, {"written": today})

    def _is_delivered(self, batch: Batch, members: Sequence[Order], is_hidden: bool) -> bool:
        if self._ledger.check:
            reason = f"batch {batch.id} was not written to the outbox"
        else:
            try:
                self._outbox.deliver(batch, members, is_hidden)
                return True
            except OutboxError as error:
                reason = str(error)
        self.undelivered |= {order.provider: reason for order in members}
        return False


def name_of(system: OrderSystem) -> str:
    """What the orders of a system are called, for the lock too."""
    return f"orders of {system}"


# --- writing -------------------------------------------------------------------------------------

_Row = dict[str, Any]


def _refusal(operation: Operation, held: _Row | None) -> str:
    """Why an operation cannot be carried out on the order as it is held; "" if it can."""
    if operation.action == "add":
        return _KEY_TAKEN if held else ""
    if held is None or held["state"] not in _state(operation).before:
        return _CHANGED
    return "" if held["state"] == "wanted" else _HAS_LEFT


def _state(operation: Operation) -> Change:
    return next(change for change in operation.changes if change.attribute == "state")


class _Changes:
    """What a transaction writes, gathered: rows of one table are fastest written together."""

    def __init__(self, ledger: Ledger, system: str, connection: Connection) -> None:
        self._ledger, self._system, self._connection = ledger, system, connection
        self._today = ledger.run.as_of.isoformat()
        self._orders: list[_Row] = []
        self._particulars: list[tuple[str, str, str]] = []
        self._moved: dict[tuple[str, str], list[str]] = {}
        self._batches: dict[tuple[str, int], str] = {}

    @property
    def new_batches(self) -> list[str]:
        """The ids of the batches that leave with the transaction."""
        return list(self._batches.values())

    def held(self, keys: Iterable[str]) -> dict[str, _Row]:
        """What is held under these keys: state, recipient and protected."""
        table = self._ledger.orders
        query = table.select().with_only_columns(
            table.c.key, table.c.state, table.c.recipient, table.c.protected
        )
        rows: dict[str, _Row] = {}
        for some in slices(keys):
            found = self._connection.execute(query.where(table.c.key.in_(some))).mappings()
            rows |= {row["key"]: dict(row) for row in found}
        return rows

    def add(self, operation: Operation) -> _Row:
        """Have a new order written; returns its row."""
        values = {change.attribute: change.add for change in operation.changes}
        first = {name: some[0] for name, some in values.items() if some}
        row: _Row = {name: first.get(name, "") for name in _TEXTS}
        row |= {
            "key": operation.key,
            "system": self._system,
            "level": int(first.get("level", "0")),
            "needs": " ".join(values.get("needs", ())),
            "due": first.get("due"),
            "protected": int("protected" in first),
            "pseudonym": secrets.token_hex(16),
            "wanted_on": self._today,
        }
        row |= self._left(row, row["state"])
        self._orders.append(row)
        for content in values.get("particulars", ()):
            self._particulars.append((row["pseudonym"], "order", content))
        return row

    def move(self, row: _Row, operation: Operation) -> _Row:
        """Have the state of a held order written; returns its row."""
        (state,) = _state(operation).add
        row = row | self._left(row, state)
        self._moved.setdefault((state, row["batch"]), []).append(row["key"])
        return row

    def _left(self, row: _Row, state: str) -> _Row:
        """The columns that a state decides; an order that leaves joins the batch of its like."""
        leaves, ends = state == "ordered", state in ("done", "cancelled")
        return {
            "state": state,
            "batch": self._batch(row["recipient"], row["protected"]) if leaves else "",
            "ordered_on": self._today if leaves else None,
            "closed_on": self._today if ends else None,
        }

    def _batch(self, recipient: str, protected: int) -> str:
        place = (recipient, protected)
        if place not in self._batches:
            self._batches[place] = self._new_batch(recipient, protected)
        return self._batches[place]

    def _new_batch(self, recipient: str, protected: int) -> str:
        """A name that every try of the run comes to; a batch that is there never grows."""
        table, run = self._ledger.batches, self._ledger.run
        query = table.select().with_only_columns(table.c.id).where(table.c.run == run.id)
        taken = set(self._connection.execute(query).scalars())
        parts = (self._system, recipient, run.id, self._today, str(protected))
        names = (
            f"{self._today}-{orders.order_key('batch', *parts, str(number))}" for number in count()
        )
        return next(name for name in names if name not in taken)

    def write(self) -> None:
        """Write all of it."""
        ledger = self._ledger
        columns = ledger.orders.c.keys()[:-1]
        rows = [tuple(row.get(column) for column in columns) for row in self._orders]
        batches = [
            (name, self._system, recipient, ledger.run.id, self._today, protected, None)
            for (recipient, protected), name in self._batches.items()
        ]
        seals.add(ledger, self._connection, ledger.orders, rows)
        seals.add(ledger, self._connection, ledger.particulars, self._particulars)
        insert(self._connection, ledger.batches, batches)
        for (state, batch), keys in self._moved.items():
            day = "ordered_on" if state == "ordered" else "closed_on"
            values = {"state": state, "batch": batch, day: self._today}
            for some in slices(keys):
                update = ledger.orders.update().where(ledger.orders.c.key.in_(some))
                self._connection.execute(update.values(values))
                seals.renew_by_key(ledger, self._connection, ledger.orders, some)


# --- reading -------------------------------------------------------------------------------------

_TEXTS = (
    "key", "kind", "recipient", "provider", "object", "subject", "cause", "follows", "state",
)  # fmt: skip
_DAYS = ("due", "wanted_on", "ordered_on", "sent_on", "active_on", "closed_on")


def read_orders(
    ledger: Ledger, connection: Connection, condition: ColumnElement[bool]
) -> list[Order]:
    """The orders that meet a condition on the ledger's orders, in the order of their keys."""
    table, sides = ledger.orders, ledger.particulars
    chosen = table.select().where(condition)
    theirs = sides.c.pseudonym.in_(chosen.with_only_columns(table.c.pseudonym))
    content: dict[str, dict[str, Any]] = {"order": {}, "answer": {}}
    for side in connection.execute(sides.select().where(theirs)).all():
        content.setdefault(side.kind, {})[side.pseudonym] = json.loads(side.content)
    return [
        _order(
            row, content["order"].get(row.pseudonym, {}), content["answer"].get(row.pseudonym, {})
        )
        for row in connection.execute(chosen.order_by(table.c.key)).all()
    ]


def _order(row: Any, particulars: Mapping[str, Any], answer: Mapping[str, Any]) -> Order:
    values: dict[str, Any] = {name: getattr(row, name) for name in _TEXTS}
    values |= {name: dt.date.fromisoformat(day) for name in _DAYS if (day := getattr(row, name))}
    return Order(
        **values,
        level=row.level,
        needs=tuple(row.needs.split()),
        protected=bool(row.protected),
        particulars=particulars,
        answer=answer,
    )


def _batches(
    ledger: Ledger, connection: Connection, system: str, chosen: ColumnElement[bool]
) -> list[Batch]:
    table = ledger.batches
    query = table.select().where((table.c.system == system) & chosen)
    return [
        Batch(
            id=row.id,
            system=row.system,
            recipient=row.recipient,
            run=row.run,
            as_of=dt.date.fromisoformat(row.as_of),
            protected=bool(row.protected),
        )
        for row in connection.execute(query.order_by(table.c.id))
    ]
