# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders in chains: what a record wishes of one matter, what was ordered in it, and what is next.

A matter is one thing at one provider: a person's use of a system, an extension, a connection. What
was ordered is never taken back: the next order follows it. So a chain tells what is in force, and
an order's key holds the key of the one before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...engine.guard import Holding
from ...engine.orders import TAKES, VOID, Numbers, Order
from ...engine.plan import Values
from ...records.catalogue import EXTENSIONS

CHANGE, TERMINATE = "change", "terminate"
# The kinds of order that give nothing which was not there before.
GIVE_NOTHING = TAKES | {CHANGE}
# The causes of changes of nothing but a day: it is told at once, whatever else is awaited.
START_MOVED, END_MOVED, END_WITHDRAWN = "start_moved", "end_moved", "end_withdrawn"
_MOVES = frozenset({START_MOVED, END_MOVED, END_WITHDRAWN})

Matter = tuple[str, str, str]  # provider, object, and what of it is ordered

_SYSTEM = "services"
# What an order says that is no reason to order a change when it differs.
_NOT_CHANGES = frozenset(
    {"act", "day", "first_day", "hsa_id", "number", "provider_name", "reason", "service_name"}
)


def matter(provider: str, object_id: str, subject: str) -> Matter:
    """The matter of an order; HSA-ids do not differ by case.

    An extension stays itself when its kind changes.
    """
    thing = "extension" if subject in EXTENSIONS.values() else subject
    return provider, object_id.casefold(), thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a record wishes of one matter on the day.

    `gives`, `changes` and `takes` are the kinds of order that bring it, change it and end it,
    `takes` "" where nothing ends it. `is_wanted` says that it is to be there, `starts` is a user's
    first day while that is ahead, `last` the last day, once known. `terms` are what differs when it
    must be changed, beside `particulars`; no personal data. `needs` are the orders that it waits
    for, `waits` says that it waits for something else. `exists` says that it is there though
    nothing was ordered. `asked` says that the system itself was looked at: what the wish asks for
    is missing there. `losers` lose something when it ends or begins later, `explained` says that a
    date in the record, or a hold, is the reason.
    """

    provider: str
    object: str
    subject: str
    recipient: str
    gives: str
    changes: str = CHANGE
    takes: str = ""
    is_wanted: bool = True
    due: dt.date | None = None
    starts: dt.date | None = None
    last: dt.date | None = None
    terms: str = ""
    needs: Values = ()
    waits: bool = False
    exists: bool = False
    asked: bool = False
    protected: bool = False
    particulars: Mapping[str, Any] = field(default_factory=dict, repr=False)
    losers: frozenset[Holding] = frozenset()
    explained: bool = False

    @property
    def matter(self) -> Matter:
        """The matter that it is about."""
        return matter(self.provider, self.object, self.subject)


@dataclass(frozen=True)
class Chain:
    """The orders of a matter, the first one first; `numbers` gives the next one its key."""

    orders: tuple[Order, ...] = ()
    numbers: Numbers = field(default=Numbers(), compare=False, repr=False)

    @cached_property
    def last(self) -> Order | None:
        """The order that gave, or changed last, what is there or on its way."""
        said = [o for o in self._counted if o.kind not in TAKES and o.cause not in _MOVES]
        return said[-1] if said else None

    @cached_property
    def end(self) -> Order | None:
        """The order that ends it, if none has given it again since, or withdrawn the end."""
        for order in reversed(self._counted):
            if order.kind in TAKES or order.cause == END_MOVED:
                return order
            if order.kind not in GIVE_NOTHING or order.cause == END_WITHDRAWN:
                return None
        return None

    @cached_property
    def told(self) -> Mapping[str, Any]:
        """What the recipient was told last of what is there; empty where it has been thinned."""
        said = (o.particulars for o in reversed(self._counted) if o.kind not in TAKES)
        return next(said, {})

    def starts_after(self, day: dt.date) -> bool:
        """Whether the recipient was told a first day that comes after the day."""
        return str(self.told.get("first_day", "")) > day.isoformat()

    @property
    def is_in_force(self) -> bool:
        """Whether it is there or on its way, and nobody was asked to end it."""
        return self.last is not None and self.end is None

    @property
    def gives(self) -> str:
        """The kind of the order that gave last, "" where none did."""
        return next((o.kind for o in self.orders[::-1] if o.kind not in GIVE_NOTHING), "")

    @property
    def key(self) -> str:
        """The key of the last order, whatever came of it."""
        return self.orders[-1].key if self.orders else ""

    @property
    def waiting(self) -> Order | None:
        """The last order, if it has not left yet."""
        return self.orders[-1] if self.orders and self.orders[-1].state == "wanted" else None

    @cached_property
    def _counted(self) -> tuple[Order, ...]:
        return tuple(order for order in self.orders if order.state not in VOID)

    def then(self, order: Order) -> Chain:
        """The chain with one more order."""
        return Chain((*self.orders, order), self.numbers)


def next_order(wish: Wish, chain: Chain, as_of: dt.date) -> Order | None:
    """What must be ordered next for what is wished, or None."""
    if wish.asked:
        return _what_is_asked(wish, chain)
    if _is_ending(wish, chain, as_of):
        return _changed_end(wish, chain) or _changed(wish, chain)
    if _is_withdrawn(wish, chain, as_of):
        return _made(wish, CHANGE, chain, cause=END_WITHDRAWN)
    if not chain.is_in_force:
        return _made(wish, wish.gives, chain) if wish.is_wanted else None
    if wish.takes and (not wish.is_wanted or (wish.last and not chain.waiting)):
        return _made(wish, wish.takes, chain)
    if start_has_moved(wish, chain, as_of):
        return _made(wish, CHANGE, chain, cause=START_MOVED)
    return _changed(wish, chain)


def start_has_moved(wish: Wish, chain: Chain, as_of: dt.date) -> bool:
    """Whether the first day is another than the one that was told, and either is to come."""
    if wish.starts is None:
        return wish.is_wanted and chain.starts_after(as_of)
    return chain.told.get("first_day") != wish.starts.isoformat()


def can_wait(kind: str, cause: str) -> bool:
    """Whether an order may wait for others: not one that ends something or tells a day."""
    return kind not in TAKES and cause not in _MOVES


def telling(particulars: Mapping[str, Any]) -> dict[str, Any]:
    """What of an order's particulars is a reason to order a change when it differs."""
    return {name: value for name, value in particulars.items() if name not in _NOT_CHANGES}


def _what_is_asked(wish: Wish, chain: Chain) -> Order | None:
    """An order for what the system lacks, unless one is on its way."""
    kind = wish.gives if wish.is_wanted else wish.takes
    latest = chain.end or chain.last
    is_under_way = latest is not None and latest.kind == kind and latest.is_under_way
    return None if is_under_way else _made(wish, kind, chain)


def _is_ending(wish: Wish, chain: Chain, as_of: dt.date) -> bool:
    """Whether the end was ordered, and either day, the ordered or the wished, is to come."""
    if chain.end is None or wish.last is None:
        return False
    ordered, last = chain.end.due, wish.last
    if ordered is None or ordered == last:
        return ordered == last
    return as_of <= ordered and as_of < max(ordered, last)


def _is_withdrawn(wish: Wish, chain: Chain, as_of: dt.date) -> bool:
    """Whether no end is wished any more of what was terminated from a day that is to come.

    Who has left has no such day: they join anew.
    """
    ordered = chain.end.due if chain.end else None
    is_ahead = ordered is not None and as_of <= ordered
    return wish.takes == TERMINATE and wish.is_wanted and wish.last is None and is_ahead


def _changed_end(wish: Wish, chain: Chain) -> Order | None:
    if chain.end is None or chain.end.due == wish.last:
        return None
    return _made(wish, CHANGE, chain, cause=END_MOVED)


def _changed(wish: Wish, chain: Chain) -> Order | None:
    """A change, where what was ordered last says otherwise; its details may have been thinned."""
    last = chain.last
    if last is None or not wish.is_wanted:
        return None
    is_same = last.subject == wish.subject and last.cause == wish.terms
    if is_same and (not chain.told or telling(chain.told) == telling(wish.particulars)):
        return None
    return _made(wish, wish.changes, chain)


def _made(wish: Wish, kind: str, chain: Chain, cause: str | None = None) -> Order:
    because = wish.terms if cause is None else cause
    return Order(
        key=chain.numbers.of(_SYSTEM, *wish.matter, kind, because, chain.key),
        kind=kind,
        recipient=wish.recipient,
        provider=wish.provider,
        object=wish.object,
        subject=wish.subject,
        cause=because,
        follows=chain.key,
        needs=wish.needs if can_wait(kind, because) else (),
        due=_due(wish, kind, because, chain),
        protected=wish.protected,
        particulars={**wish.particulars, "reason": cause} if cause else wish.particulars,
    )


def _due(wish: Wish, kind: str, cause: str, chain: Chain) -> dt.date | None:
    """The day that the record names for an order; an end is withdrawn before its day."""
    if kind in TAKES or cause == END_MOVED:
        return wish.last
    if cause == END_WITHDRAWN:
        return chain.end.due if chain.end else None
    return None if kind == CHANGE and cause != START_MOVED else wish.due
