# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each person's cards call for on a day: a new one, a takeover, a revocation, or nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ...records.model import CardWish
from ...records.people import Employment, NaturalPerson
from ..people.identified import Identified
from .cards import KINDS, Card, Ending
from .reports import EVENTS, Event, Report, card_of, reports, reports_by_card
from .rules import Rules, ineligible

# Causes of cards that come on top of none that is in force: each must arrive in time.
_NEW = frozenset({"first", "again", "renewal"})
_ONE_DAY = dt.timedelta(days=1)


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
    """The day that counts, with the rules, and the providers whose records are unreadable on it.

    `unread` says that HSA cannot be read either, `may_be_protected` are HSA-ids, case folded, of
    people whose identity waits and one of whom a row protects.
    """

    as_of: dt.date
    rules: Rules
    invalid: frozenset[str]
    unread: bool
    may_be_protected: frozenset[str] = frozenset()

    @property
    def last_return(self) -> dt.date:
        """The last first day of somebody who comes back and keeps the card till then."""
        return self.as_of + dt.timedelta(days=self.rules.arrival_days + self.rules.collect_days)

    def may_hide(self, known: Identified) -> bool:
        """Whether a record that cannot be read may name the person."""
        return known.may_be_hidden(self.invalid, self.unread)


@dataclass(frozen=True)
class Matter:
    """One kind of card of one person: who asks for it now, the best wish first, and the cards.

    `protected` says that the person's name must not be told.
    """

    known: Identified
    kind: str
    wishes: tuple[Wish, ...]
    cards: tuple[Card, ...]
    day: Day
    protected: bool

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
        return any(
            card.provider in self.day.invalid and self.ending(card) is None for card in self.live
        )

    @cached_property
    def wish(self) -> Wish | None:
        """The best wish that the person is eligible for."""
        return next((wish for wish in self.wishes if self.obstacle(wish) is None), None)

    def obstacle(self, wish: Wish) -> str | None:
        """Why the person may not have the card, or None."""
        return ineligible(self.person.number, wish.card, self.day.as_of)

    # --- what ends a card ------------------------------------------------------------------------

    def ending(self, card: Card) -> Ending | None:
        """Why the card is to be revoked today, or None: first what nobody has refused."""
        return self._endings[card.key]

    @cached_property
    def _endings(self) -> dict[str, Ending | None]:
        endings = {card.key: tuple(self._reasons(card)) for card in self.live}
        return {
            card.key: min(endings.get(card.key, ()), key=card.is_refused, default=None)
            for card in self.cards
        }

    def _reasons(self, card: Card) -> Iterator[Ending]:
        provider = self._responsible(card)
        if provider and self.has_left(card.provider):
            yield Ending("left", provider, self._gone_since)
        for event in EVENTS:
            report = self._reported.get((event, card.key))
            if report:
                yield Ending(event, report.provider, report.day)
        if provider and self._is_uncollected(card):
            yield Ending("uncollected", provider)
        if provider and self._is_replaced(card):
            yield Ending("replaced", provider)

    def end(self, card: Card) -> str | None:
        """Why the card is over, as ordered before or today; "" where nobody has said why."""
        if card.revocation is not None:
            return card.revocation.cause
        if card.order.state == "done":
            return ""
        ending = self.ending(card)
        return ending.cause if ending else None

    def has_left(self, provider: str) -> bool:
        """Whether the person has no assignment any more, as a date of the provider says.

        Whom a record has come back before a new card could be ordered and collected keeps it.
        """
        comes_back = any(
            e.assignment.from_ <= self.day.last_return for e in self.person.coming_back
        )
        may_be_here = comes_back or self.day.may_hide(self.known)
        is_gone = not self.person.current and not may_be_here
        return is_gone and self._is_ended_at(provider)

    @property
    def is_end_recent(self) -> bool:
        """Whether the last day of the person's assignments explains what is taken today.

        A hold, or a suspension, takes access and no card.
        """
        is_over = not any(employment.lasts for employment in self.person.employments)
        ended = (e for e in self.person.employments if e.state == "ended")
        return is_over and any(e.end_explains for e in ended) and not self.person.surprises

    @cached_property
    def _gone_since(self) -> dt.date | None:
        """The day after the last one of all the assignments that have ended, by date or grant."""
        ended = [e for e in self.person.employments if e.state == "ended"]
        days = (day for e in ended for day in (e.last_day, e.granted_to))
        past = [day for day in days if day and day < self.day.as_of]
        return max(past) + _ONE_DAY if past else None

    def _responsible(self, card: Card) -> str | None:
        """The provider that an order about the card belongs to.

        It is the one that the card belongs to. Where that one's row has vanished, it is who asks
        for the card now; nobody where nobody does, or its record cannot be read.
        """
        if card.provider in self.day.invalid:
            return None
        if any(e.provider == card.provider for e in self.person.employments):
            return card.provider
        return self.wishes[0].provider if self.wishes else None

    def takeover(self, card: Card) -> Wish | None:
        """The wish of the provider that takes over the card of one whom its holder has left."""
        if not card.is_in_force(self.day.as_of) or self.ending(card):
            return None
        stays = any(e.provider == card.provider for e in self.person.current)
        if stays or not self._is_ended_at(card.provider):
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
        head, wish = self.head, self.wish
        if wish is None or self.is_kept:
            return None
        if head is None:
            return self._new_to_us("first", wish)
        if head.order.state == "refused":
            return self._asked_since(head.order.closed_on or head.ordered_on)
        end = self.end(head)
        if end is not None:
            return self._after(head, end, wish)
        return self._succession(head, wish) if head.order.state == "active" else None

    def _after(self, head: Card, end: str, wish: Wish) -> str | None:
        """Why a new card follows one that is over."""
        if end == "lost":
            return "lost"
        over = self._over_on(head)
        if end == "left" or self._came_after(over):
            return self._new_to_us("again", wish)
        # Who hands in a card may ask for another one the same day.
        since = max(head.active_on, over - _ONE_DAY) if end == "returned" else head.active_on
        return self._anew_since(since)

    def _succession(self, head: Card, wish: Wish) -> str | None:
        """Why a new card follows one that is active."""
        if self._anew_since(head.active_on):
            return "anew"
        if wish.card.loa > head.order.level:
            return "upgrade"
        return "renewal" if self._is_due(head) else None

    def _new_to_us(self, otherwise: str, wish: Wish) -> str:
        """The cause of a card for somebody who has none of ours: it may come from elsewhere."""
        number = wish.card.takes_over
        if not number or any(card.number == number for card in self.cards):
            return otherwise
        taken = (card.order for card in self.cards if card.order.cause == "takeover")
        # Of one that has been thinned nobody can tell: it may be the same.
        is_taken = any(order.particulars.get("takes_over", number) == number for order in taken)
        return otherwise if is_taken else "takeover"

    def _over_on(self, card: Card) -> dt.date:
        """The day the card was over, or handed in, where a record says so."""
        report = self._reported.get(("returned", card.key))
        days = (report.day if report else None, card.over_on, self.day.as_of)
        return min(day for day in days if day)

    def _came_after(self, day: dt.date) -> bool:
        """Whether the person came, or came back, to all who ask for the card after the day."""
        return all(self._began_at(wish.provider) > day for wish in self.wishes)

    def _began_at(self, provider: str) -> dt.date:
        """The first day of the provider's assignments that follow each other to today's."""
        theirs = [e for e in self.person.employments if e.provider == provider]
        first = min(e.assignment.from_ for e in self.person.current if e.provider == provider)
        for e in sorted(theirs, key=lambda e: e.assignment.from_, reverse=True):
            if e.state != "outside" and (e.last_day is None or e.last_day >= first - _ONE_DAY):
                first = min(first, e.assignment.from_)
        return first

    # --- what the records say --------------------------------------------------------------------

    @cached_property
    def losses(self) -> tuple[tuple[Report, Card | None], ...]:
        """The losses that the records tell of, each with the card that it was, if any."""
        told = reports(self.person, self.kind, "lost")
        return tuple((r, card_of(self.cards, "lost", r.day, self.day.as_of)) for r in told)

    @cached_property
    def _reported(self) -> dict[tuple[Event, str], Report]:
        """The latest that the records tell of each card, by event and the card's key."""
        return reports_by_card(self.person, self.kind, self.cards, self.day.as_of, self._may_tell)

    def _may_tell(self, provider: str, card: Card) -> bool:
        """Whether a provider's record decides about a card: it is its own, or nobody else's.

        Another one, which has the person too, could take a colleague's card away by a word.
        """
        if provider == card.provider:
            return True
        present = {e.provider for e in self.person.current or self.person.employments}
        return present == {provider} and not self.day.may_hide(self.known)

    @cached_property
    def unheard(self) -> tuple[tuple[str, str, Card], ...]:
        """(field, provider, card) of what records say of cards that are not theirs to decide."""
        told: list[tuple[str, str, Card | None]] = [
            (event, report.provider, card_of(self.cards, event, report.day, self.day.as_of))
            for event in EVENTS
            for report in reports(self.person, self.kind, event)
        ]
        head = self.head
        told += [("anew", p, head) for p, day in self._asked if head and day > head.active_on]
        return tuple((f, p, card) for f, p, card in told if card and not self._may_tell(p, card))

    @property
    def _asked(self) -> Iterator[tuple[str, dt.date]]:
        """The providers that ask for another card, each with the day that it names."""
        for e in self.person.current or self.person.employments:
            for card in e.row.cards:
                if card.kind == self.kind and card.anew and card.anew <= self.day.as_of:
                    yield e.provider, card.anew

    def _asked_since(self, day: dt.date) -> str | None:
        """Why another card is asked for after the day: a loss counts where a card was lost."""
        lost = [self._reported.get(("lost", c.key)) for c in self.cards if self.end(c) == "lost"]
        if any(report and report.day > day for report in lost):
            return "lost"
        return self._anew_since(day)

    def _anew_since(self, day: dt.date) -> str | None:
        head = self.head
        asked = (anew for p, anew in self._asked if head is None or self._may_tell(p, head))
        return "anew" if any(day < anew for anew in asked) else None

    def _is_due(self, card: Card) -> bool:
        """Whether the card has ended, or does so soon that it is to be renewed.

        One that is valid for a short time only, as reserve cards are, is not renewed before half of
        it has passed: else its renewal would be due as soon as it is there, and so on.
        """
        last = card.last_day
        if last is None or not self._stays_until(last + dt.timedelta(days=1)):
            return False
        validity = last - card.active_on
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
    times = Counter(hsa_id for known in everybody for hsa_id in known.folded_ids)
    shared = {hsa_id for hsa_id, count in times.items() if count > 1}
    return tuple(_holder(known, cards, day, shared) for known in everybody)


def _holder(
    known: Identified, cards: Mapping[str, tuple[Card, ...]], day: Day, shared: Collection[str]
) -> Holder:
    ids = known.folded_ids
    if not ids.isdisjoint(shared):
        known, ids = replace(known, ids=(), hsa_id=None), frozenset()
    theirs = [card for hsa_id in sorted(ids) for card in cards.get(hsa_id, ())]
    wishes = sorted(_wishes(known.person), key=_preference)
    protected = _is_protected(known, theirs, day)
    matters = (
        Matter(
            known, kind,
            tuple(wish for wish in wishes if wish.card.kind == kind),
            tuple(card for card in theirs if card.order.subject == kind), day, protected,
        )
        for kind in KINDS
    )  # fmt: skip
    return Holder(known, tuple(m for m in matters if m.wishes or m.cards or m.losses))


def _is_protected(known: Identified, cards: Iterable[Card], day: Day) -> bool:
    """Whether the person's name must not be told.

    Who was protected stays so while the record that says it may be one that cannot be read, or HSA
    cannot be read, which hides who was protected until a person confirms otherwise.
    """
    if known.is_protected or not known.folded_ids.isdisjoint(day.may_be_protected):
        return True
    return (day.may_hide(known) or day.unread) and any(card.order.protected for card in cards)


def _wishes(person: NaturalPerson) -> Iterable[Wish]:
    return (Wish(e, card) for e in person.current for card in e.row.cards)


def _preference(wish: Wish) -> tuple[int, dt.date, str, str]:
    """The highest level first, then who has the person the longest."""
    assignment = wish.employment.assignment
    return -wish.card.loa, assignment.from_, wish.provider, assignment.unit
