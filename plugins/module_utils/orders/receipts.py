# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what became of orders, from answer files in an inbox directory to the ledger.

The good lines of a file are committed together, each once. Then the lines that were rejected go to
`rejected/`, with a file of reasons beside it, and the whole file goes to `handled/`. Whatever a
killed run did not come to do, the next one does: it knows the receipts that were applied.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.orders import FULFILLED, Order, as_text
from ..ledger.audit import AuditRow
from ..ledger.database import insert, slices
from ..ledger.ledger import Ledger
from ..records.identifiers import shown
from ..records.memory import keyed_hash
from . import files
from .book import SYSTEMS, name_of, read_orders
from .inbox import Answers, InboxError, Line, Receipt, parse
from .receipt_rules import Contradiction, comparable, follow

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

HANDLED, REJECTED = "handled", "rejected"
# What a program calls a file that it has not finished writing.
_UNFINISHED = (".part", ".tmp")
# Of one day's news, what comes first.
_RANK = ("sent", "active", "done", "refused")
_LIVING = ("ordered", "sent", "active")
# Orders about a card; a take-over may follow another one.
_ABOUT_CARDS = ("revocation", "takeover")
# The name of the key in the ledger that receipts are hashed with.
_KEY = "receipts"


@dataclass(frozen=True, slots=True)
class Applied:
    """An order that has a new state, or of which more is known."""

    provider: str
    kind: str
    object: str
    key: str
    state: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that could not be applied; line 0 is the file as a whole."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the answer files. `duplicates` counts lines that add nothing.

    `reasons` are the files that say why, of all that was rejected and put away.
    """

    applied: tuple[Applied, ...] = ()
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()
    reasons: tuple[str, ...] = ()


def apply(ledger: Ledger, inbox: Path) -> Report:
    """Apply all answer files in the inbox, in the order of their names.

    A file that cannot be put away is told as rejected, and stays. Check mode writes and moves
    nothing, and judges each file by what the ledger holds. Raises LedgerError and Locked, and
    FileError where the inbox cannot be read.
    """
    with ExitStack() as locks:
        if not ledger.check:
            # No plan may be made of orders as they were before.
            for system in SYSTEMS:
                locks.enter_context(ledger.exclusive(name_of(system)))
        reports = [_apply_file(ledger, path) for path in _waiting(inbox)]
    return Report(
        tuple(chain.from_iterable(report.applied for report in reports)),
        sum(report.duplicates for report in reports),
        tuple(chain.from_iterable(report.rejected for report in reports)),
        tuple(chain.from_iterable(report.reasons for report in reports)),
    )


# --- files ---------------------------------------------------------------------------------------


def _waiting(inbox: Path) -> list[Path]:
    """The files to read: no folders, no hidden ones, none that is still being written."""
    try:
        paths = sorted(inbox.iterdir())
    except OSError as error:
        raise files.FileError(f"{inbox}: {error.strerror}") from None
    return [
        path
        for path in paths
        if not path.name.startswith(".")
        and path.name not in (HANDLED, REJECTED)
        and not path.name.casefold().endswith(_UNFINISHED)
        and (path.is_symlink() or not path.is_dir())
    ]


def _apply_file(ledger: Ledger, path: Path) -> Report:
    name = shown(path.name)
    report = Report()
    try:
        content = files.read(path)
        report, rejects, reasons = _judge(ledger, path.name, name, content)
        # Where somebody went on writing, the next run reads it again.
        if not ledger.check and files.read(path) == content:
            report = replace(report, reasons=_keep(path, rejects, reasons))
            files.write_beside(path.parent / HANDLED / path.name, content)
            files.remove(path)
    except (files.FileError, OSError) as error:
        # What was committed by then is told all the same, and the other files are read.
        failure = Rejected(name, 0, shown(str(error)))
        return replace(report, rejected=(failure, *report.rejected))
    return report


def _judge(
    ledger: Ledger, name: str, shown: str, content: bytes
) -> tuple[Report, bytes, list[str]]:
    """What comes of a file, the file of what was rejected, and the reasons."""
    try:
        answers = parse(name, content)
    except InboxError as error:
        report = Report(rejected=(Rejected(shown, 0, str(error)),))
        return report, content, [f"file: {error}"]
    settled = _settle(ledger, answers)
    rejected = tuple(Rejected(shown, line.number, why) for line, why in settled.rejected)
    report = Report(tuple(settled.applied), settled.duplicates, rejected)
    lines = [line for line, _reason in settled.rejected]
    return report, answers.only(lines), [f"line {r.line}: {r.reason}" for r in rejected]


def _keep(path: Path, rejects: bytes, reasons: Sequence[str]) -> tuple[str, ...]:
    """Keep what was rejected of a file, if anything, and say where the reasons are.

    Raises FileError and OSError.
    """
    if not reasons:
        return ()
    kept = files.write_beside(path.parent / REJECTED / path.name, rejects)
    told = "".join(f"{reason}\n" for reason in reasons).encode()
    return (shown(str(files.write_beside(kept.with_name(f"{kept.name}.reasons.txt"), told))),)


# --- the ledger ----------------------------------------------------------------------------------


@dataclass
class _Settled:
    """What came of a file's lines."""

    applied: list[Applied] = field(default_factory=list)
    duplicates: int = 0
    rejected: list[tuple[Line, str]] = field(default_factory=list)


def _settle(ledger: Ledger, answers: Answers) -> _Settled:
    """Judge all lines, and commit what the good ones say."""
    settled = _Settled(rejected=[(line, line.error) for line in answers.lines if line.error])
    good = [(line, line.receipt) for line in answers.lines if line.receipt]
    # A file may tell in any order what happened in one.
    good.sort(key=lambda pair: (pair[1].day, _RANK.index(pair[1].state)))
    at_odds = _at_odds(receipt for _line, receipt in good)
    with ledger.reading() if ledger.check else ledger.transaction() as connection:
        news = _News(ledger, connection, [receipt for _line, receipt in good])
        for line, receipt in good:
            try:
                if receipt in at_odds:
                    raise Contradiction("state: expected of a day either refused or carried out")
                changed = news.take(receipt)
            except Contradiction as error:
                settled.rejected.append((line, str(error)))
                continue
            settled.applied += changed
            settled.duplicates += not changed
        if not ledger.check:
            news.write()
    settled.rejected.sort(key=lambda pair: pair[0].number)
    return settled


def _at_odds(receipts: Iterable[Receipt]) -> set[Receipt]:
    """Those of a file that say of an order both that it was refused and carried out, on one day."""
    told: dict[tuple[str, dt.date], list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.state == "refused" or receipt.state in FULFILLED:
            told[receipt.order, receipt.day].append(receipt)
    return {
        receipt
        for alike in told.values()
        if 0 < sum(each.state == "refused" for each in alike) < len(alike)
        for receipt in alike
    }


class _News:
    """The orders that receipts are about, and what the receipts make of them."""

    def __init__(self, ledger: Ledger, connection: Connection, receipts: Sequence[Receipt]) -> None:
        self._ledger, self._connection = ledger, connection
        self._key = ledger.key(connection, _KEY)
        if not self._key and not ledger.check:
            self._key = ledger.new_key(connection, _KEY)
        self._orders = self._read(receipt.order for receipt in receipts)
        more = self._orders
        while more:
            more = self._read(o.follows for o in more.values() if o.kind in _ABOUT_CARDS)
            self._orders |= more
        self._applied = self._read_applied(receipts)
        self._holders = self._read_holders() if any(map(_marks, receipts)) else {}
        self._news: list[tuple[str, Receipt]] = []
        self._steps: list[tuple[Order, Order]] = []

    def take(self, receipt: Receipt) -> list[Applied]:
        """Take a receipt in; returns the orders it changes, none where it adds nothing.

        Raises Contradiction.
        """
        order = self._orders.get(receipt.order)
        if order is None:
            raise Contradiction("order: expected the number of an order that was made")
        name = self._digest(receipt)
        if name in self._applied:
            return []
        card = self._card(order)
        changed = follow(order, receipt, self._ledger.run.as_of, card)
        owner, marks = order.object.casefold(), _marks(receipt)
        if any(self._holders.get(mark, owner) != owner for mark in marks):
            raise Contradiction("card_number: expected a card and certificate of nobody else")
        self._applied.add(name)
        if changed is order:
            return []
        self._holders |= dict.fromkeys(marks, owner)
        self._news.append((name, receipt))
        steps = [(order, changed)]
        if card and _ends(changed, card):
            steps.append((card, replace(card, state="done", closed_on=receipt.day)))
        self._orders |= {after.key: after for _before, after in steps}
        self._steps += steps
        return [_applied(after) for _before, after in steps]

    def write(self) -> None:
        """Write what the receipts changed, and the audit log's rows of it."""
        changed = {after.key: self._orders[after.key] for _before, after in self._steps}
        if not changed:
            return
        places = self._read_places(changed)
        self._write_states(changed.values())
        self._write_answers({places[o.key].pseudonym: o for o in changed.values()})
        run = self._ledger.run
        rows = [
            (name, r.order, run.id, run.as_of.isoformat(), r.state, places[r.order].pseudonym)
            for name, r in self._news
        ]
        insert(self._connection, self._ledger.receipts, rows)
        audit = [_audit_row(before, o, places[o.key].system) for before, o in self._steps]
        self._ledger.append(self._connection, audit)

    def _write_states(self, changed: Iterable[Order]) -> None:
        table = self._ledger.orders
        alike: dict[tuple[str | None, ...], list[str]] = {}
        for order in changed:
            days = (order.sent_on, order.active_on, order.closed_on)
            values = (order.state, *(day.isoformat() if day else None for day in days))
            alike.setdefault(values, []).append(order.key)
        for (state, sent, active, closed), keys in alike.items():
            row = {"state": state, "sent_on": sent, "active_on": active, "closed_on": closed}
            for some in slices(keys):
                update = table.update().where(table.c.key.in_(some))
                self._connection.execute(update.values(row))

    def _write_answers(self, changed: Mapping[str, Order]) -> None:
        table = self._ledger.particulars
        for some in slices(changed):
            old = table.c.pseudonym.in_(some) & (table.c.kind == "answer")
            self._connection.execute(table.delete().where(old))
        rows = [(name, "answer", as_text(o.answer)) for name, o in changed.items() if o.answer]
        insert(self._connection, table, rows)

    def _read(self, keys: Iterable[str]) -> dict[str, Order]:
        column = self._ledger.orders.c.key
        return {
            order.key: order
            for some in slices(sorted({key for key in keys if key}))
            for order in read_orders(self._ledger, self._connection, column.in_(some))
        }

    def _read_places(self, keys: Iterable[str]) -> dict[str, Any]:
        """Where orders lie, by key: their system and the pseudonym of what they hold."""
        table = self._ledger.orders
        columns = (table.c.key, table.c.pseudonym, table.c.system)
        query = table.select().with_only_columns(*columns)
        return {
            row.key: row
            for some in slices(keys)
            for row in self._connection.execute(query.where(table.c.key.in_(some)))
        }

    def _read_applied(self, receipts: Iterable[Receipt]) -> set[str]:
        column = self._ledger.receipts.c.id
        query = self._ledger.receipts.select().with_only_columns(column)
        return {
            name
            for some in slices(sorted({self._digest(receipt) for receipt in receipts}))
            for name in self._connection.execute(query.where(column.in_(some))).scalars()
        }

    def _digest(self, receipt: Receipt) -> str:
        """The receipt's id: the same for the same content, in whatever file it comes.

        Keyed, as it stays when the particulars are thinned: a card's number could be tried out.
        """
        content = {"order": receipt.order, "state": receipt.state, "day": receipt.day.isoformat()}
        return keyed_hash(self._key, as_text({**content, **receipt.answer()}))

    def _card(self, order: Order) -> Order | None:
        """The order of the card that an order is about: itself, or one that it follows."""
        about: Order | None = order
        while about is not None and about.kind in _ABOUT_CARDS:
            about = self._orders.get(about.follows)
        return about if about is not None and about.kind == "card" else None

    def _read_holders(self) -> dict[tuple[str, ...], str]:
        """Who has a card or certificate: HSA-ids, in small letters, by what marks it."""
        cards = self._ledger.orders.c.kind == "card"
        return {
            mark: order.object.casefold()
            for order in read_orders(self._ledger, self._connection, cards)
            for mark in _marks(order)
        }


def _marks(known: Receipt | Order) -> list[tuple[str, ...]]:
    """What there is but one of: a card's number, a certificate's issuer and serial, its SKI.

    They are the same however they are written.
    """
    answer = known.answer() if isinstance(known, Receipt) else known.answer
    marks = (("card_number",), ("issuer", "serial"), ("ski",))
    return [
        (names[0], *(comparable(name, answer[name]) for name in names))
        for names in marks
        if all(name in answer for name in names)
    ]


def _ends(order: Order, card: Order) -> bool:
    """Whether the card's life is over with the order."""
    return order.kind == "revocation" and order.state == "done" and card.state in _LIVING


def _applied(order: Order) -> Applied:
    return Applied(order.provider, order.kind, order.object, order.key, order.state)


def _audit_row(before: Order, order: Order, system: str) -> AuditRow:
    names = sorted(n for n, v in order.answer.items() if before.answer.get(n) != v)
    return AuditRow(
        event="receipt",
        provider=order.provider,
        system=system,
        object=f"{order.kind} {order.object} {order.key}",
        operation=order.state,
        attributes=",".join(names),
        result="applied",
    )
