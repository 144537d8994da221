# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders in chains: what a record wishes of one matter, and what was ordered in it before.

A matter is one thing at one provider: a person's use of a system, an extension, a connection. What
was ordered is never taken back: the next order follows it. So a chain tells what is in force, and
an order's key holds the key of the one before it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ...engine import orders
from ...engine.guard import Holding
from ...engine.orders import TAKES, VOID, Order, State, order_key
from ...engine.plan import Entry, Values, Wanted
from ...engine.provision import Finding
from ...records.catalogue import EXTENSIONS

SYSTEM = "services"

CHANGE, TERMINATE = "change", "terminate"
_GIVE_NOTHING = TAKES | {CHANGE}
# The causes of changes of nothing but a day: it is told at once, whatever else is awaited.
START_MOVED, END_MOVED, END_WITHDRAWN = "start_moved", "end_moved", "end_withdrawn"
_MOVES = frozenset({START_MOVED, END_MOVED, END_WITHDRAWN})

Matter = tuple[str, str, str]  # provider, object, and what of it is ordered

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
    """The orders of a matter, the first one first."""

    orders: tuple[Order, ...] = ()

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
            if order.kind not in _GIVE_NOTHING or order.cause == END_WITHDRAWN:
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
        return next((o.kind for o in self.orders[::-1] if o.kind not in _GIVE_NOTHING), "")

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
        return Chain((*self.orders, order))

    def without_last(self) -> Chain:
        """The chain before its last order."""
        return Chain(self.orders[:-1])


# --- the next order of a matter -------------------------------------------------------------------


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
    if _start_has_moved(wish, chain, as_of):
        return _made(wish, CHANGE, chain, cause=START_MOVED)
    return _changed(wish, chain)


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


def _start_has_moved(wish: Wish, chain: Chain, as_of: dt.date) -> bool:
    """Whether the first day is another than the one that was told, and either is to come."""
    if wish.starts is None:
        return wish.is_wanted and chain.starts_after(as_of)
    return chain.told.get("first_day") != wish.starts.isoformat()


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
    if is_same and (not chain.told or _telling(chain.told) == _telling(wish.particulars)):
        return None
    return _made(wish, wish.changes, chain)


def _telling(particulars: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in particulars.items() if name not in _NOT_CHANGES}


def _made(wish: Wish, kind: str, chain: Chain, cause: str | None = None) -> Order:
    because = wish.terms if cause is None else cause
    return Order(
        key=order_key(SYSTEM, *wish.matter, kind, because, chain.key),
        kind=kind,
        recipient=wish.recipient,
        provider=wish.provider,
        object=wish.object,
        subject=wish.subject,
        cause=because,
        follows=chain.key,
        needs=wish.needs if _can_wait(kind, because) else (),
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


def _can_wait(kind: str, cause: str) -> bool:
    """Whether an order may wait for others: not one that ends something or tells a day."""
    return kind not in TAKES and cause not in _MOVES


# --- the plan's orders ----------------------------------------------------------------------------


class Draft:
    """Collects the orders of a plan, and what a person should look at.

    `held` are the orders that the ledger holds. What no date is named for is due in `due_days`; an
    end is due at once.
    """

    def __init__(self, held: Sequence[Entry], as_of: dt.date, due_days: int) -> None:
        self.as_of = as_of
        self._due_days = due_days
        self.wanted: list[Wanted] = []
        self.findings: list[Finding] = []
        self._entries = {orders.key_of(entry.dn): entry for entry in held}
        self._held = {key: orders.of_entry(entry) for key, entry in self._entries.items()}
        self._following: dict[Matter, dict[str, Order]] = defaultdict(dict)
        # Where two follow one order, a run was not finished: the one that was cancelled is past.
        for order in sorted(self._held.values(), key=lambda o: (o.state != "cancelled", o.key)):
            place = matter(order.provider, order.object, order.subject)
            self._following[place][order.follows] = order
        self._chains: dict[Matter, Chain] = {}
        self._open = set(self._following)
        self._of_object: dict[str, list[Matter]] = defaultdict(list)
        for place in sorted(self._following):
            self._of_object[place[1]].append(place)
        self._settled: set[Matter] = set()

    def chain(self, place: Matter) -> Chain:
        """The orders that the ledger holds of a matter; those that follow one it lacks left out."""
        if place not in self._chains:
            following, found, key = self._following.get(place, {}), [], ""
            while key in following:
                found.append(following[key])
                key = found[-1].key
            self._chains[place] = Chain(tuple(found))
        return self._chains[place]

    def left(self) -> list[Matter]:
        """The matters of the ledger that nothing has been said of."""
        return sorted(self._open)

    def left_of(self, object_id: str) -> list[Matter]:
        """Those of one person, unit or service."""
        places = self._of_object.get(object_id.casefold(), ())
        return [place for place in places if place in self._open]

    def was_protected(self, ids: Iterable[str]) -> bool:
        """Whether an order in force of the person with these HSA-ids hides who it is.

        Where none is in force, the last ones that there were tell.
        """
        places = (place for i in ids for place in self._of_object.get(i.casefold(), ()))
        chains = [self.chain(place) for place in places]
        told = [chain for chain in chains if chain.is_in_force] or chains
        return any(order.protected for chain in told for order in chain.orders[-1:])

    def find(self, provider: str, code: str, object_id: str, message: str) -> None:
        """Note something that a person should look at."""
        self.findings.append(Finding(provider, code, object_id, message))

    def is_fulfilled(self, key: str) -> bool:
        """Whether the ledger says that an order has had its effect."""
        return key in self._held and self._held[key].is_fulfilled

    def answer(self, key: str) -> Mapping[str, Any]:
        """What came back of an order."""
        return self._held[key].answer if key in self._held else {}

    def keep(self, place: Matter) -> None:
        """Leave the orders of a matter as they are."""
        self._open.discard(place)
        chain = self.chain(place)
        self.wanted += [self._unchanged(order) for order in _current(chain)]

    def is_asking(self, wish: Wish) -> bool:
        """Whether the wish gives rise to an order to give or change, or one waits for that."""
        chain, _is_refused = self._decided(wish)
        return any(
            _can_wait(order.kind, order.cause)
            and order.state not in ("done", "cancelled")
            and (order.key not in self._held or self._held[order.key].state == "wanted")
            for order in chain.orders
        )

    def settle(self, wish: Wish) -> str:
        """Order what is wished and not ordered; returns the key of the order that gives it.

        Where that was refused it is the refused one's, which is never fulfilled; "" for none.
        """
        if wish.matter in self._settled:
            return ""
        self._settled.add(wish.matter)
        self._open.discard(wish.matter)
        chain, is_refused = self._decided(wish)
        if is_refused:
            self.find(wish.provider, *_refusal(chain.orders[-1]))
        current = {order.key for order in _current(chain)}
        for order in chain.orders:
            if order.key not in self._held:
                self._add(wish, order)
            elif order.key in current or order.state != self._held[order.key].state:
                self.wanted.append(orders.wanted(order, self._entries[order.key]))
        return chain.last.key if chain.last else chain.key

    def _decided(self, wish: Wish) -> tuple[Chain, bool]:
        """The orders of the matter as they are to be; and whether the next one was refused."""
        chain = self._revised(wish, self.chain(wish.matter))
        while order := next_order(wish, chain, self.as_of):
            if order.key in self._held:
                chain = self._revised(wish, chain.then(self._held[order.key]))
            elif _is_refused(order, chain):
                return chain, True
            else:
                chain = chain.then(self._dated(order, self._state(wish, order, chain)))
        return chain, False

    def _revised(self, wish: Wish, chain: Chain) -> Chain:
        """The chain with the orders that have not left let go, kept or cancelled.

        One that another follows has had its day, in a run that was not finished.
        """
        if all(order.state != "wanted" for order in chain.orders):
            return chain
        *earlier, last = chain.orders
        following = [*earlier[1:], last]
        before = Chain(tuple(map(_past, earlier, following)))
        if last.state == "wanted":
            again = next_order(wish, before, self.as_of)
            is_same = again is not None and _is_same(again, last) and again.needs == last.needs
            is_same = is_same and not _start_has_moved(wish, before.then(last), self.as_of)
            state = self._state(wish, last, before) if is_same else "cancelled"
            last = replace(last, state=state)
        return before.then(last)

    def _state(self, wish: Wish, order: Order, before: Chain) -> State:
        """The state of an order that has not left yet."""
        if not _can_wait(order.kind, order.cause):
            return "ordered"
        if wish.exists and not before.orders:
            return "done"  # it was there before the ledger was: so changes to it are seen
        is_ready = not wish.waits and all(map(self.is_fulfilled, wish.needs))
        return "ordered" if is_ready else "wanted"

    def _dated(self, order: Order, state: State) -> Order:
        """The order in a state with the day that it is due, which one about a person says too."""
        days = 0 if order.kind in TAKES else self._due_days
        due = order.due or self.as_of + dt.timedelta(days=days)
        said = {**order.particulars}
        if "act" in said:
            said |= {"act": order.kind, "day": due.isoformat()}
        return replace(order, due=due, particulars=said, state=state)

    def _add(self, wish: Wish, order: Order) -> None:
        takes = order.kind in TAKES or order.cause in (START_MOVED, END_MOVED)
        losers = wish.losers if takes else ()
        self.wanted.append(orders.wanted(order, None, losers, takes and wish.explained))

    def _unchanged(self, order: Order) -> Wanted:
        return orders.wanted(order, self._entries[order.key])


def _current(chain: Chain) -> Iterator[Order]:
    """The orders of a chain that count today: under way or in force."""
    for order in chain.orders:
        if order.is_under_way or (order is chain.last and chain.end is None):
            yield order


def _past(order: Order, following: Order) -> Order:
    """An order that waits, though another follows: let go if that ends what it gives."""
    if order.state != "wanted":
        return order
    is_left = following.kind in TAKES and order.kind not in _GIVE_NOTHING
    return replace(order, state="ordered" if is_left else "cancelled")


def _is_same(order: Order, held: Order) -> bool:
    """Whether the ledger holds just this order. Its details may be thinned if it is closed."""
    names = ("kind", "subject", "cause", "recipient", "protected")
    if any(getattr(order, name) != getattr(held, name) for name in names):
        return False
    is_same = not held.particulars or _telling(order.particulars) == _telling(held.particulars)
    return is_same and order.due in (None, held.due)


def _is_refused(order: Order, chain: Chain) -> bool:
    """Whether the same was refused last."""
    latest = chain.orders[-1] if chain.orders else None
    return latest is not None and latest.state == "refused" and _is_same(order, latest)


def _refusal(order: Order) -> tuple[str, str, str]:
    """The finding about a refused order that is still called for: code, object and message."""
    who, what = order.recipient, order.subject
    another = "it is ordered again once the record names another last day"
    if order.kind == TERMINATE:
        code, why = "end_refused", f"{who} refused to terminate {what}, so it goes on: {another}"
    elif order.kind in TAKES:
        code = "leave_refused"
        why = f"{who} refused to end the use of {what}, so the person still has access: {another}"
    else:
        code = "order_refused"
        why = f"the order of {what} was refused: it is made again once the record asks for "
        why += "something else"
    return code, order.object, why


def joined(words: Iterable[str]) -> str:
    """Words in a fixed order, each once."""
    return ", ".join(sorted(set(words)))
