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
from dataclasses import dataclass

from ..engine.orders import Order

CARD, REVOCATION, TAKEOVER = "card", "revocation", "takeover"
KINDS = ("ordinary", "reserve", "mobile")

# An order in one of these has no effect and will have none.
_VOID = frozenset({"refused", "cancelled"})


@dataclass(frozen=True)
class Card:
    """A card with what followed: the revocation that counts, and takeovers, the latest last.

    `refused` are the orders about it that were refused.
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
    def holder(self) -> str:
        """The provider that it belongs to: the latest that took it over, or who ordered it."""
        return (self.takeovers or (self.order,))[-1].provider

    @property
    def number(self) -> str | None:
        """The card's own number, once it is known."""
        return self.order.answer.get("card_number")

    @property
    def last_day(self) -> dt.date | None:
        """The last day that the card is valid, once it is known."""
        text = self.order.answer.get("valid_to")
        return dt.date.fromisoformat(text) if text else None

    @property
    def ordered_on(self) -> dt.date:
        """The day of the order."""
        return self.order.ordered_on or self.order.wanted_on or dt.date.min

    def has_expired(self, as_of: dt.date) -> bool:
        """Whether it was active and its last day has passed."""
        return self.order.state == "active" and self.last_day is not None and self.last_day < as_of

    def is_in_force(self, as_of: dt.date) -> bool:
        """Whether its holder can use it, and nobody has asked for its revocation."""
        is_active = self.order.state == "active" and not self.has_expired(as_of)
        return is_active and self.revocation is None

    def is_live(self, as_of: dt.date) -> bool:
        """Whether it is in force or on its way to its holder."""
        return self.is_in_force(as_of) or (self.order.is_under_way and self.revocation is None)

    def was_with_holder_on(self, day: dt.date | None) -> bool:
        """Whether something that happened on the day can have happened to this card.

        It was active by then. One that was ordered the same day is the one that replaced it.
        """
        if day is None or self.order.state != "active":
            return False
        return day >= (self.order.active_on or self.ordered_on) and day > self.ordered_on


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
    revocations = (o for o in about if o.kind == REVOCATION and o.state not in _VOID)
    refused = tuple(o for o in about if o.state == "refused")
    return Card(order, next(revocations, None), takeovers, refused)


def _takeovers(key: str, followers: Mapping[str, Sequence[Order]]) -> Iterator[Order]:
    for follower in followers.get(key, ()):
        if follower.kind == TAKEOVER and follower.state not in _VOID:
            yield follower
            yield from _takeovers(follower.key, followers)
