# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers make of orders: the good lines of a file are committed together, each once.

What lets nobody new in, and takes from few, is done. What does either waits until a person
confirms it, by a hash of just that.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..desired.siths.cards import CARD, REVOCATION, TAKEOVER, Card, cards, held_objects
from ..engine.guard import Case, Holding, over_limits
from ..engine.orders import FULFILLED, Order, as_text, folder_of
from ..ledger import memory, seals
from ..ledger.audit import AuditRow
from ..ledger.database import insert, slices
from ..ledger.ledger import Ledger
from ..ledger.replay import name_of_answer
from ..records.memory import keyed_hash
from .book import read_orders
from .inbox import Answers, Line, Receipt
from .issued import Authorities
from .receipt_rules import (
    Contradiction,
    check_certificate,
    check_issuer,
    comparable,
    follow,
    surprise,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

# Of one day's news, what comes first.
_RANK = ("sent", "active", "done", "refused")
_LIVING = ("ordered", "sent", "active")
# Orders about a card; a take-over may follow another one.
_ABOUT_CARDS = (REVOCATION, TAKEOVER)
# The name of the key in the ledger that receipts are hashed with.
_KEY = "receipts"
# The system whose limits count what is taken.
_SYSTEM = "siths"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What answers may say: `expected` are the hashes that a person confirmed.

    `issuers` are the distinguished names of those whose certificates cards may have; without any
    they may be anybody's. `vouching` are those who must have issued a certificate themselves.
    """

    expected: frozenset[str] = frozenset()
    issuers: tuple[str, ...] = ()
    vouching: Authorities | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """An order that has a new state, or of which more is known."""

    provider: str
    kind: str
    object: str
    key: str
    state: str


@dataclass
class Settled:
    """What came of a file's lines.

    `waits` are those that a person must confirm, with the reason; `refusal` is why nothing of the
    file was applied, "" where it was.
    """

    applied: list[Applied] = field(default_factory=list)
    duplicates: int = 0
    rejected: list[tuple[Line[Receipt], str]] = field(default_factory=list)
    waits: list[tuple[Line[Receipt], str]] = field(default_factory=list)
    refusal: str = ""


class _Waits(Exception):
    """A receipt that a person must confirm. The text says why, and its hash."""


def settle(ledger: Ledger, answers: Answers[Receipt], recipient: str, terms: Terms) -> Settled:
    """Judge all lines of a recipient's file, and commit what the good ones say.

    The recipient is named as its folder is. Raises LedgerError.
    """
    settled = Settled(rejected=[(line, line.error) for line in answers.lines if line.error])
    good = [(line, line.said) for line in answers.lines if line.said]
    # A file may tell in any order what happened in one.
    good.sort(key=lambda pair: (pair[1].day, _RANK.index(pair[1].state)))
    at_odds = _at_odds(receipt for _line, receipt in good)
    lost = memory.past(ledger, _SYSTEM).lost
    with ledger.changing() as connection:
        news = _News(ledger, connection, [receipt for _line, receipt in good], recipient, terms)
        for line, receipt in good:
            try:
                if receipt in at_odds:
                    raise Contradiction("state: expected of a day either refused or carried out")
                changed = news.take(receipt)
            except Contradiction as error:
                settled.rejected.append((line, str(error)))
            except _Waits as reason:
                settled.waits.append((line, str(reason)))
            else:
                settled.applied += changed
                settled.duplicates += not changed
        refusal = news.refusal(lost)
        if refusal:
            return Settled(refusal=refusal)
        if not ledger.check:
            news.write()
    for some in (settled.rejected, settled.waits):
        some.sort(key=lambda pair: pair[0].number)
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

    def __init__(
        self,
        ledger: Ledger,
        connection: Connection,
        receipts: Sequence[Receipt],
        recipient: str,
        terms: Terms,
    ) -> None:
        self._ledger, self._connection = ledger, connection
        self._recipient, self._terms = recipient, terms
        self._key = ledger.key(connection, _KEY)
        if not self._key and not ledger.check:
            self._key = ledger.new_key(connection, _KEY)
        self._orders = self._read(receipt.order for receipt in receipts)
        more = self._orders
        while more:
            more = self._read(o.follows for o in more.values() if o.kind in _ABOUT_CARDS)
            self._orders |= more
        self._broken = seals.broken(ledger, connection, self._orders)
        self._applied = self._read_applied(receipts)
        self._holders = self._read_holders() if any(map(_marks, receipts)) else {}
        self._news: list[tuple[str, Receipt]] = []
        self._steps: list[tuple[Order, Order]] = []
        self._lost: dict[str, frozenset[Holding]] = {}

    def take(self, receipt: Receipt) -> list[Applied]:
        """Take a receipt in; returns the orders it changes, none where it adds nothing.

        Raises Contradiction and _Waits.
        """
        order = self._orders.get(receipt.order)
        if order is None:
            raise Contradiction("order: expected the number of an order that was made")
        if folder_of(order.recipient) != self._recipient:
            raise Contradiction("order: expected one that left to the recipient of this folder")
        name = self._digest(receipt)
        if name in self._applied:
            return []
        self._check_seals(order)
        check_issuer(receipt, self._terms.issuers)
        check_certificate(order, receipt, self._terms.vouching)
        card = self._card(order)
        changed = follow(order, receipt, self._ledger.run.as_of, card)
        owner, marks = order.object.casefold(), _marks(receipt)
        if any(self._holders.get(mark, owner) != owner for mark in marks):
            raise Contradiction("card_number: expected a card and certificate of nobody else")
        self._look_at(order, changed, name)
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

    def _check_seals(self, order: Order) -> None:
        """Raises Contradiction where somebody else wrote what an answer would have sealed anew."""
        card = self._card(order)
        if not self._broken.isdisjoint({order.key, card.key if card else order.key}):
            raise Contradiction("order: expected one that is as a run left it: see audit")

    def _look_at(self, order: Order, changed: Order, name: str) -> None:
        """Raises _Waits where a person must confirm a receipt of this name, and has not."""
        reason = surprise(order, changed)
        if not reason:
            return
        confirmed = self._hash("answer", name, as_text(dict(order.answer)))
        if confirmed not in self._terms.expected:
            raise _Waits(_asked(reason, confirmed))

    def refusal(self, before: Mapping[str, Collection[Holding]]) -> str:
        """Why none of it may be written, "" if it may: it cuts many cards short.

        `before` is what each provider's people lost in the days before, without anybody's word.
        """
        told = {first.key: self._orders[first.key] for first, _after in self._steps}
        if all(first.state != "active" or first.kind != CARD for first, _after in self._steps):
            return ""
        known = self._read_cards()
        cut = [
            card
            for theirs in known.values()
            for card in theirs
            if card.key in told and card.is_cut_short(told[card.key], self._ledger.run.as_of)
        ]
        lost: dict[str, set[Holding]] = defaultdict(set)
        for card in cut:
            lost[card.provider].add(("person", card.order.object))
        self._lost = {provider: frozenset(theirs) for provider, theirs in lost.items()}
        held = held_objects(known, self._ledger.run.as_of)
        reason = over_limits(self._lost, Case(holdings=held, lost=before))
        confirmed = self._hash("file", *sorted(self._applied), *sorted(card.key for card in cut))
        if not reason or confirmed in self._terms.expected:
            # What a person took upon themselves counts against nobody.
            self._lost = {} if reason else self._lost
            return ""
        return _asked(f"refused as a whole: {reason}", confirmed)

    def _read_cards(self) -> dict[str, tuple[Card, ...]]:
        """All cards, as the ledger has them yet."""
        about_cards = self._ledger.orders.c.kind.in_((CARD, *_ABOUT_CARDS))
        return cards(read_orders(self._ledger, self._connection, about_cards))

    def _hash(self, *parts: str) -> str:
        """A hash to confirm something by."""
        return keyed_hash(self._key, "\x1f".join(parts))[:16]

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
        memory.note_losses(self._ledger, self._connection, _SYSTEM, self._lost)
        audit = [self._audit_row(before, o, places[o.key]) for before, o in self._steps]
        self._ledger.append(self._connection, audit)

    def _audit_row(self, before: Order, order: Order, place: Any) -> AuditRow:
        names = sorted(n for n, v in order.answer.items() if before.answer.get(n) != v)
        answer = {
            "pseudonym": place.pseudonym, "kind": "answer", "content": as_text(order.answer),
        }  # fmt: skip
        return AuditRow(
            event="receipt",
            provider=order.provider,
            system=place.system,
            object=f"{order.kind} {order.object} {order.key}",
            operation=order.state,
            attributes=",".join(names),
            plan=name_of_answer(self._ledger, answer) if order.answer else "",
            result="applied",
        )

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
                seals.renew_by_key(self._ledger, self._connection, table, some)

    def _write_answers(self, changed: Mapping[str, Order]) -> None:
        table = self._ledger.particulars
        for some in slices(changed):
            old = table.c.pseudonym.in_(some) & (table.c.kind == "answer")
            self._connection.execute(table.delete().where(old))
        rows = [(name, "answer", as_text(o.answer)) for name, o in changed.items() if o.answer]
        seals.add(self._ledger, self._connection, table, rows)

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


def _asked(reason: str, name: str) -> str:
    return (
        f"{reason}: it waits until a person confirms it. To confirm exactly this, run again with "
        f"-e receipts_expected={name}"
    )


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
