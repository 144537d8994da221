# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SITHS cards that were ordered, as their orders tell: whose they are, and whether they hold.

A card is an order of the kind "card". What happens to it later is an order that follows it: a
takeover by another provider, the revocation.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...engine.guard import Holding
from ...engine.orders import VOID, Order

CARD, REVOCATION, TAKEOVER = "card", "revocation", "takeover"
KINDS = ("ordinary", "reserve", "mobile")
# A card that is to be revoked for one of these lets nobody in, whatever comes of the order.
_FOR_GOOD = frozenset({"lost", "returned", "left"})


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a card is to be revoked, and the provider that the order belongs to.

    `since` is the day that a record names for it; None where no record does.
    """

    cause: str
    provider: str
    since: dt.date | None = None


@dataclass(frozen=True)
class Card:
    """A card with what followed: the revocation that counts, and takeovers, the latest last.

    `refused` are the orders about it that were refused, the latest last.
    """

    order: Order
    revocation: Order | None = None
    takeovers: tuple[Order, ...] = ()
    refused: tuple[Order, ...] = ()

    @property
    def key(self) -> str:
        """The key of its order."""
        return self.order.key

    @property
    def provider(self) -> str:
        """The provider that it belongs to: the latest that took it over, or who ordered it."""
        return (self.takeovers or (self.order,))[-1].provider

    @property
    def number(self) -> str | None:
        """The card's own number, once it is known."""
        return self.order.answer.get("card_number")

    @property
    def last_day(self) -> dt.date | None:
        """The last day that the card is valid, once it is known.

        Where the answer has been thinned, the day that the ledger closed the expired card with.
        """
        text = self.order.answer.get("valid_to")
        if text:
            return dt.date.fromisoformat(text)
        return self.order.closed_on if self.order.state == "active" else None

    @property
    def ordered_on(self) -> dt.date:
        """The day of the order."""
        return self.order.ordered_on or dt.date.min

    @property
    def active_on(self) -> dt.date:
        """The day that the answer names; as long as there is none, the day of the order."""
        return self.order.active_on or self.ordered_on

    @property
    def over_on(self) -> dt.date | None:
        """The day it was over: its revocation was ordered, or the card office ended it."""
        if self.revocation is not None:
            return self.revocation.ordered_on
        return self.order.closed_on if self.order.state == "done" else None

    def has_expired(self, as_of: dt.date) -> bool:
        """Whether it was active and its last day has passed."""
        return self.order.state == "active" and self.last_day is not None and self.last_day < as_of

    def is_in_force(self, as_of: dt.date) -> bool:
        """Whether its holder can use it, and nobody has asked for its revocation."""
        is_active = self.order.state == "active" and not self.has_expired(as_of)
        return is_active and self.revocation is None

    def opens(self, as_of: dt.date) -> bool:
        """Whether its certificate is to let its holder in: it is in force, and not barred for good.

        A card that was lost, returned, or whose holder left is barred once that is told, also if
        its revocation is refused. One whose last day is not known opens nothing.
        """
        is_barred = any(map(self._bars, self.refused))
        return self.is_in_force(as_of) and self.last_day is not None and not is_barred

    def is_cut_short(self, after: Order, as_of: dt.date) -> bool:
        """Whether it lets its holder in today, and will not, or for fewer days, once it is so."""
        then = replace(self, order=after)
        if not self.opens(as_of) or self.last_day is None:
            return False
        return not then.opens(as_of) or then.last_day is None or then.last_day < self.last_day

    def _bars(self, refused: Order) -> bool:
        """Whether a refused revocation bars the card.

        One for leaving does until another provider takes the card over, whose record may come days
        after the last one's.
        """
        if refused.kind != REVOCATION or refused.cause not in _FOR_GOOD:
            return False
        since = refused.ordered_on or dt.date.min
        is_taken_over = any((o.ordered_on or dt.date.min) >= since for o in self.takeovers)
        return refused.cause != "left" or not is_taken_over

    def is_live(self, as_of: dt.date) -> bool:
        """Whether it is in force or on its way to its holder."""
        return self.is_in_force(as_of) or (self.order.is_under_way and self.revocation is None)

    def was_held_on(self, day: dt.date) -> bool:
        """Whether its holder had it on the day, by what the answers say.

        Not where it was ordered that day for one that was lost: the day is that one's.
        """
        replaces = self.order.cause == "lost" and self.ordered_on == day
        return self.active_on <= day and not replaces and self._may_be_held_on(day)

    def may_be_held_on(self, day: dt.date) -> bool:
        """Whether its holder can have had it on the day, though an answer names a later one.

        Of one that followed a lost card nobody can tell: the day may be that one's.
        """
        return self.order.cause != "lost" and self._may_be_held_on(day)

    def _may_be_held_on(self, day: dt.date) -> bool:
        over = self.over_on
        return self.order.is_fulfilled and self.ordered_on <= day and (over is None or day <= over)

    def refusal(self, cause: str) -> Order | None:
        """The last revocation of the cause that was refused."""
        theirs = [o for o in self.refused if o.kind == REVOCATION and o.cause == cause]
        return theirs[-1] if theirs else None

    def is_refused(self, ending: Ending) -> bool:
        """Whether the revocation was refused, and the record names no other day since."""
        refused = self.refusal(ending.cause)
        if refused is None:
            return False
        return ending.since is None or ending.since <= (refused.ordered_on or dt.date.min)


def cards(orders: Iterable[Order]) -> dict[str, tuple[Card, ...]]:
    """The cards by the HSA-id, in small letters, of whom they were ordered for; oldest first."""
    ordered: dict[str, list[Order]] = defaultdict(list)
    followers: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        if order.kind == CARD:
            ordered[order.object.casefold()].append(order)
        else:
            followers[order.follows].append(order)
    return {
        hsa_id: tuple(_card(order, followers) for order in _in_line(theirs))
        for hsa_id, theirs in ordered.items()
    }


def held_objects(
    known: Mapping[str, Iterable[Card]], as_of: dt.date
) -> dict[str, frozenset[Holding]]:
    """The people with a card in force, by the provider that it belongs to."""
    objects: dict[str, set[Holding]] = defaultdict(set)
    for theirs in known.values():
        for card in theirs:
            if card.is_in_force(as_of):
                objects[card.provider].add(("person", card.order.object))
    return {provider: frozenset(people) for provider, people in objects.items()}


def _in_line(orders: Sequence[Order]) -> list[Order]:
    """The orders, each after the one that it follows."""
    by_key = {order.key: order for order in orders}

    def place(order: Order) -> tuple[int, str, str]:
        depth, before = 0, by_key.get(order.follows)
        while before is not None:
            depth, before = depth + 1, by_key.get(before.follows)
        return depth, str(order.ordered_on or ""), order.key

    return sorted(orders, key=place)


def _card(order: Order, followers: Mapping[str, Sequence[Order]]) -> Card:
    takeovers = tuple(_takeovers(order.key, followers))
    about = [
        follower
        for key in (order.key, *(takeover.key for takeover in takeovers))
        for follower in followers.get(key, ())
    ]
    revocations = (o for o in about if o.kind == REVOCATION and o.state not in VOID)
    refused = sorted(
        (o for o in about if o.state == "refused"), key=lambda o: (str(o.ordered_on or ""), o.key)
    )
    return Card(order, next(revocations, None), takeovers, tuple(refused))


def _takeovers(key: str, followers: Mapping[str, Sequence[Order]]) -> Iterator[Order]:
    for follower in followers.get(key, ()):
        if follower.kind == TAKEOVER and follower.state not in VOID:
            yield follower
            yield from _takeovers(follower.key, followers)
