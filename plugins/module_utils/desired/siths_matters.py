# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each person's cards call for on a day: a new one, a takeover, a revocation, or nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ..records.model import CardWish
from ..records.people import Employment, NaturalPerson
from .hsa_identities import Identified
from .siths_cards import KINDS, Card
from .siths_rules import Rules, ineligible

# Causes of cards that come on top of none that is in force: each must arrive in time.
_NEW = frozenset({"first", "again", "renewal"})


@dataclass(frozen=True, slots=True)
class Wish:
    """A card that the record of a current assignment asks for."""

    employment: Employment
    card: CardWish

    @property
    def provider(self) -> str:
        """The id of the provider that asks."""
        return self.employment.provider


@dataclass(frozen=True)
class Day:
    """The day that counts, with the rules, and the providers whose records are unreadable on it."""

    as_of: dt.date
    rules: Rules
    invalid: frozenset[str]


@dataclass(frozen=True)
class Matter:
    """One kind of card of one person: who asks for it now, the best wish first, and the cards."""

    known: Identified
    kind: str
    wishes: tuple[Wish, ...]
    cards: tuple[Card, ...]
    day: Day

    @property
    def person(self) -> NaturalPerson:
        """The person."""
        return self.known.person

    @property
    def head(self) -> Card | None:
        """The newest card, of whatever state."""
        return self.cards[-1] if self.cards else None

    @cached_property
    def live(self) -> tuple[Card, ...]:
        """The cards that are in force or on their way."""
        return tuple(card for card in self.cards if card.is_live(self.day.as_of))

    @cached_property
    def is_kept(self) -> bool:
        """Whether a live card belongs to a provider whose record cannot be read: it is the wish."""
        return any(card.holder in self.day.invalid for card in self.live)

    @cached_property
    def wish(self) -> Wish | None:
        """The best wish that the person is eligible for."""
        return next((wish for wish in self.wishes if self.obstacle(wish) is None), None)

    def obstacle(self, wish: Wish) -> str | None:
        """Why the person may not have the card, or None."""
        return ineligible(self.person.number, wish.card, self.day.as_of)

    # --- what ends a card ------------------------------------------------------------------------

    def ending(self, card: Card) -> str | None:
        """Why the card is to be revoked today, or None."""
        return self._endings[card.key]

    @cached_property
    def _endings(self) -> dict[str, str | None]:
        return {card.key: self._ending(card) for card in self.cards}

    def _ending(self, card: Card) -> str | None:
        if not card.is_live(self.day.as_of) or self.responsible(card) is None:
            return None
        if self.has_left(card.holder):
            return "left"
        if card.was_with_holder_on(self._latest("lost")):
            return "lost"
        if card.was_with_holder_on(self._latest("returned")):
            return "returned"
        if self._is_uncollected(card):
            return "uncollected"
        return "replaced" if self._is_replaced(card) else None

    def end(self, card: Card) -> str | None:
        """Why the card is over, as ordered before or today; "" where nobody has said why."""
        if card.revocation is not None:
            return card.revocation.cause
        return "" if card.order.state == "done" else self.ending(card)

    def has_left(self, provider: str) -> bool:
        """Whether the person has no assignment any more, as a date of the provider says."""
        return not self.person.current and self._is_ended_at(provider)

    def responsible(self, card: Card) -> str | None:
        """The provider that an order about the card belongs to.

        It is the one that the card belongs to. Where that one's row has vanished, it is who asks
        for the card now; nobody where nobody does, or its record cannot be read.
        """
        if card.holder in self.day.invalid:
            return None
        if any(e.provider == card.holder for e in self.person.employments):
            return card.holder
        return self.wishes[0].provider if self.wishes else None

    def takeover(self, card: Card) -> Wish | None:
        """The wish of the provider that takes over the card of one whom its holder has left."""
        if not card.is_in_force(self.day.as_of) or self.ending(card):
            return None
        stays = any(e.provider == card.holder for e in self.person.current)
        if stays or not self._is_ended_at(card.holder):
            return None
        return self.wishes[0] if self.wishes else None

    # --- what calls for a new card ---------------------------------------------------------------

    @cached_property
    def cause(self) -> str | None:
        """Why a new card is to be ordered today, or None."""
        return None if self.is_too_late else self._cause

    @cached_property
    def is_too_late(self) -> bool:
        """Whether a new card would not reach its holder before the provider's end."""
        if self.wish is None or self._cause not in _NEW or self.kind == "reserve":
            return False
        arrives = self.day.as_of + dt.timedelta(days=self.day.rules.arrival_days)
        return self.wish.employment.phase == "wind_down" and not self._stays_until(arrives)

    @cached_property
    def _cause(self) -> str | None:
        head = self.head
        if self.wish is None or self.is_kept:
            return None
        if head is None or head.order.state == "cancelled":
            return self._fresh("first" if head is None else "again")
        if head.order.state == "refused":
            return self._asked_since(head.order.closed_on or head.ordered_on)
        end = self.end(head)
        if end is not None:
            return self._after(head, end)
        return self._succession(head, self.wish) if head.order.state == "active" else None

    def _after(self, head: Card, end: str) -> str | None:
        """Why a new card follows one that is over."""
        if end == "left":
            return self._fresh("again")
        if end == "lost":
            return "lost"
        returned = self._latest("returned") or head.ordered_on
        # Who hands in a card may ask for another one the same day.
        return self._anew_since(max(returned - dt.timedelta(days=1), head.ordered_on))

    def _succession(self, head: Card, wish: Wish) -> str | None:
        """Why a new card follows one that is active."""
        if self._anew_since(head.ordered_on):
            return "anew"
        if wish.card.loa > head.order.level:
            return "upgrade"
        return "renewal" if self._is_due(head) else None

    def _fresh(self, otherwise: str) -> str:
        """The cause of a card for somebody who has none of ours: it may come from elsewhere."""
        number = self.wish.card.takes_over if self.wish else None
        taken = {card.order.particulars.get("takes_over") for card in self.cards}
        ours = {card.number for card in self.cards}
        return "takeover" if number and number not in ours | taken else otherwise

    # --- what the records say --------------------------------------------------------------------

    def _asked_since(self, day: dt.date) -> str | None:
        """Why another card is asked for after the day: a loss counts where a card was lost."""
        lost = self._latest("lost")
        if lost is not None and lost > day and any(self.end(card) == "lost" for card in self.cards):
            return "lost"
        return self._anew_since(day)

    def _anew_since(self, day: dt.date) -> str | None:
        anew = self._latest("anew")
        return "anew" if anew is not None and anew > day else None

    def _latest(self, event: str) -> dt.date | None:
        """The latest day up to today of an event that the person's rows tell of the kind."""
        days = (getattr(wish, event) for wish in self._told)
        return max((day for day in days if day and day <= self.day.as_of), default=None)

    @cached_property
    def _told(self) -> tuple[CardWish, ...]:
        """What the person's rows tell of the kind."""
        return tuple(c for row in self.person.rows for c in row.cards if c.kind == self.kind)

    def _is_due(self, card: Card) -> bool:
        """Whether the card has ended, or does so soon that it is to be renewed.

        One that is valid for a short time only, as reserve cards are, is not renewed before half of
        it has passed: else its renewal would be due as soon as it is there, and so on.
        """
        last = card.last_day
        if last is None or not self._stays_until(last + dt.timedelta(days=1)):
            return False
        validity = last - (card.order.active_on or card.ordered_on)
        ahead = min(dt.timedelta(days=self.day.rules.renewal_days), validity // 2)
        return last - ahead <= self.day.as_of

    def _is_uncollected(self, card: Card) -> bool:
        sent, patience = card.order.sent_on, dt.timedelta(days=self.day.rules.collect_days)
        return card.order.state == "sent" and sent is not None and self.day.as_of > sent + patience

    def _is_replaced(self, card: Card) -> bool:
        later = self.cards[self.cards.index(card) + 1 :]
        return any(other.is_in_force(self.day.as_of) for other in later)

    def _is_ended_at(self, provider: str) -> bool:
        return any(e.provider == provider and e.state == "ended" for e in self.person.employments)

    def _stays_until(self, day: dt.date) -> bool:
        """Whether the person's last day is the day or later."""
        return any(e.last_day is None or e.last_day >= day for e in self.person.current)


@dataclass(frozen=True)
class Holder:
    """A person with their matters: the kinds that are asked for or were ordered."""

    known: Identified
    matters: tuple[Matter, ...]

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Every card that is asked for."""
        return tuple(wish for matter in self.matters for wish in matter.wishes)


def holders(
    people: Iterable[Identified], cards: Mapping[str, tuple[Card, ...]], day: Day
) -> tuple[Holder, ...]:
    """Everybody with their cards. An HSA-id that several people share is nobody's."""
    everybody = tuple(people)
    times = Counter(hsa_id for known in everybody for hsa_id in folded_ids(known))
    shared = {hsa_id for hsa_id, count in times.items() if count > 1}
    return tuple(_holder(known, cards, day, shared) for known in everybody)


def folded_ids(known: Identified) -> frozenset[str]:
    """The HSA-ids that a person has or had, in small letters."""
    return frozenset(hsa_id.casefold() for hsa_id in known.ids)


def _holder(
    known: Identified, cards: Mapping[str, tuple[Card, ...]], day: Day, shared: Collection[str]
) -> Holder:
    ids = folded_ids(known)
    if not ids.isdisjoint(shared):
        known, ids = replace(known, ids=(), hsa_id=None), frozenset()
    theirs = [card for hsa_id in sorted(ids) for card in cards.get(hsa_id, ())]
    wishes = sorted(_wishes(known.person), key=_preference)
    matters = (
        Matter(
            known, kind,
            tuple(wish for wish in wishes if wish.card.kind == kind),
            tuple(card for card in theirs if card.order.subject == kind), day,
        )
        for kind in KINDS
    )  # fmt: skip
    return Holder(known, tuple(m for m in matters if m.wishes or m.cards))


def _wishes(person: NaturalPerson) -> Iterable[Wish]:
    return (Wish(e, card) for e in person.current for card in e.row.cards)


def _preference(wish: Wish) -> tuple[int, dt.date, str, str]:
    """The highest level first, then who has the person the longest."""
    assignment = wish.employment.assignment
    return -wish.card.loa, assignment.from_, wish.provider, assignment.unit
