# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders of a plan: what is wished, beside what the ledger holds of the same matter.

Whoever wishes something settles it here. What is not ordered yet is added; what has not left yet is
kept, let go or cancelled; what has left is followed by another order.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...engine import orders
from ...engine.orders import TAKES, Order, State
from ...engine.plan import Entry, Wanted
from ...engine.provision import Finding
from ...records.losses import explains
from ...records.memory import NO_MEMORY, Memory
from .chains import (
    END_MOVED,
    GIVE_NOTHING,
    START_MOVED,
    TERMINATE,
    Chain,
    Matter,
    Wish,
    can_wait,
    matter,
    next_order,
    start_has_moved,
    telling,
)


class Draft:
    """Collects the orders of a plan, and what a person should look at.

    `held` are the orders that the ledger holds. What no date is named for is due in `due_days`; an
    end is due at once. Of the `memory` it takes the ledger's secret, for the keys of orders, and
    the days of the providers' last runs.
    """

    def __init__(
        self, held: Sequence[Entry], as_of: dt.date, due_days: int, memory: Memory = NO_MEMORY
    ) -> None:
        self._days = memory.days
        self.as_of = as_of
        self._due_days = due_days
        self.wanted: list[Wanted] = []
        self.findings: list[Finding] = []
        self._entries = {orders.key_of(entry.dn): entry for entry in held}
        self._held = {key: orders.of_entry(entry) for key, entry in self._entries.items()}
        self._numbers = orders.Numbers(memory.key, self._held.keys())
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
            self._chains[place] = Chain(tuple(found), self._numbers)
        return self._chains[place]

    def left(self) -> list[Matter]:
        """The matters of the ledger that nothing has been said of."""
        return sorted(self._open)

    def left_of(self, object_id: str) -> list[Matter]:
        """Those of one person, unit or service."""
        places = self._of_object.get(object_id.casefold(), ())
        return [place for place in places if place in self._open]

    def has_orders(self, ids: Iterable[str]) -> bool:
        """Whether the ledger holds an order of whom these HSA-ids name, whatever became of it."""
        return any(i.casefold() in self._of_object for i in ids)

    def was_protected(self, ids: Iterable[str]) -> bool:
        """Whether an order in force of the person with these HSA-ids hides who it is.

        Where none is in force, the last ones that there were tell.
        """
        places = (place for i in ids for place in self._of_object.get(i.casefold(), ()))
        chains = [self.chain(place) for place in places]
        told = [chain for chain in chains if chain.is_in_force] or chains
        return any(order.protected for chain in told for order in chain.orders[-1:])

    def is_explained_by(self, last: dt.date | None, provider: str) -> bool:
        """Whether the last day of what a provider has, or that there is none, explains its loss."""
        return last is None or explains(last, self.as_of, self._days.get(provider))

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
            can_wait(order.kind, order.cause)
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
            is_counted = order.key in current
            if order.key not in self._held:
                one = self._new(wish, order)
            elif is_counted or order.state != self._held[order.key].state:
                one = orders.wanted(order, self._entries[order.key])
            else:
                continue
            self.wanted.append(replace(one, is_counted=is_counted))
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
        before = Chain(tuple(map(_past, earlier, following)), self._numbers)
        if last.state == "wanted":
            again = next_order(wish, before, self.as_of)
            is_same = again is not None and _is_same(again, last) and again.needs == last.needs
            is_same = is_same and not start_has_moved(wish, before.then(last), self.as_of)
            state = self._state(wish, last, before) if is_same else "cancelled"
            last = replace(last, state=state)
        return before.then(last)

    def _state(self, wish: Wish, order: Order, before: Chain) -> State:
        """The state of an order that has not left yet."""
        if not can_wait(order.kind, order.cause):
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

    def _new(self, wish: Wish, order: Order) -> Wanted:
        takes = order.kind in TAKES or order.cause in (START_MOVED, END_MOVED)
        losers = wish.losers if takes else ()
        is_final = order.kind == TERMINATE
        return orders.wanted(order, None, losers, takes and wish.explained, is_final)

    def _unchanged(self, order: Order) -> Wanted:
        return orders.wanted(order, self._entries[order.key])


def _current(chain: Chain) -> Iterator[Order]:
    """The orders of a chain that count today: under way or in force, and not ended since."""
    first = chain.orders.index(chain.end) if chain.end else 0
    for order in chain.orders[first:]:
        if order.is_under_way or (order is chain.last and chain.end is None):
            yield order


def _past(order: Order, following: Order) -> Order:
    """An order that waits, though another follows: let go if that ends what it gives."""
    if order.state != "wanted":
        return order
    is_left = following.kind in TAKES and order.kind not in GIVE_NOTHING
    return replace(order, state="ordered" if is_left else "cancelled")


def _is_same(order: Order, held: Order) -> bool:
    """Whether the ledger holds just this order. Its details may be thinned if it is closed."""
    names = ("kind", "subject", "cause", "recipient", "protected")
    if any(getattr(order, name) != getattr(held, name) for name in names):
        return False
    is_same = not held.particulars or telling(order.particulars) == telling(held.particulars)
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
