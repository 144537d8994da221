# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at about SITHS cards. People are named by HSA-id alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..engine.provision import Finding
from ..records.catalogue import SERVICES
from ..records.people import Employment
from .hsa_identities import Identities
from .siths_cards import Card
from .siths_matters import Day, Holder, Matter, folded_ids


def findings(
    everybody: Sequence[Holder],
    cards: Mapping[str, tuple[Card, ...]],
    identities: Identities,
    day: Day,
) -> tuple[Finding, ...]:
    """All findings, each once, under the provider it concerns."""
    unread = identities.unread is not None
    # While HSA cannot be read, who is not recognised may be in the records all the same.
    forgotten = () if unread else _forgotten(cards, identities, day)
    return tuple(
        dict.fromkeys(
            (
                *(f for holder in everybody for f in _of_person(holder, unread)),
                *(f for holder in everybody for m in holder.matters for f in _of_matter(m)),
                *forgotten,
            )
        )
    )


def _of_person(holder: Holder, unread: bool) -> Iterator[Finding]:
    known = holder.known
    if known.hsa_id is None and not unread:
        for wish in holder.wishes:
            yield Finding(
                wish.provider, "no_hsa_id", wish.employment.row.ref or "",
                "HSA does not tell who the person is: no card is ordered",
            )  # fmt: skip
    for employment in known.person.current:
        who = known.hsa_id or employment.row.ref or ""
        missing = _missing(holder, employment)
        if missing:
            yield Finding(employment.provider, missing[0], who, missing[1])


def _missing(holder: Holder, employment: Employment) -> tuple[str, str] | None:
    """(code, message) where a service of an assignment asks for a card that nobody asks for."""
    if holder.known.ours is False:  # the region's own employee, whose card the region keeps
        return None
    asked = {s: SERVICES[s].preconditions for s in sorted(employment.assignment.systems)}
    strict = [service for service, conditions in asked.items() if "card_loa3" in conditions]
    plain = [service for service, conditions in asked.items() if "card" in conditions]
    levels: set[int] = {wish.card.loa for wish in holder.wishes}
    levels |= {card.order.level for matter in holder.matters for card in matter.live}
    if not levels and (strict or plain):
        return "card_missing", f"{', '.join(strict + plain)}: asks for a card, and none is wished"
    if strict and max(levels) < 3:
        return "loa_too_low", f"{', '.join(strict)}: asks for a card on level 3"
    return None


def _of_matter(matter: Matter) -> Iterator[Finding]:
    who = matter.known.hsa_id or ""
    for wish in matter.wishes if who else ():
        reason = matter.obstacle(wish)
        if reason:
            yield Finding(wish.provider, "not_eligible", who, reason)
    if matter.wish and matter.is_too_late:
        yield Finding(
            matter.wish.provider, "card_too_late", who,
            "a new card cannot arrive before the provider's end: ask for a reserve card",
        )  # fmt: skip
    for card in matter.cards:
        yield from _of_card(matter, card)


def _of_card(matter: Matter, card: Card) -> Iterator[Finding]:
    who, order = card.order.object, card.order
    waits = card is matter.head and not matter.cause and bool(matter.wishes)
    if order.state == "refused" and waits:
        yield Finding(
            matter.wishes[0].provider, "card_refused", who,
            f"the order {order.key} was refused: name a day in `anew` to order again",
        )  # fmt: skip
    if matter.end(card) == "uncollected" and waits:
        yield Finding(
            matter.wishes[0].provider, "card_not_collected", who,
            f"the card of the order {order.key} was not collected: name a day in `anew` to order "
            "again",
        )  # fmt: skip
    if not card.is_live(matter.day.as_of):
        return
    for refused in card.refused:
        yield Finding(
            card.holder, f"{refused.kind}_refused", who,
            f"the {refused.kind} {refused.key} was refused: the card is as it was",
        )  # fmt: skip
    if _is_orphan(matter, card):
        yield _orphan(card)


def _is_orphan(matter: Matter, card: Card) -> bool:
    """Whether neither the holder's record nor anybody's wish explains a card that is live."""
    if card.holder in matter.day.invalid or matter.has_left(card.holder):
        return False
    listed = any(e.provider == card.holder for e in matter.person.employments)
    return not listed or not matter.wishes


def _forgotten(
    cards: Mapping[str, tuple[Card, ...]], identities: Identities, day: Day
) -> Iterator[Finding]:
    """Cards of people whom no record names any more."""
    named = frozenset().union(*map(folded_ids, identities.people))
    for hsa_id, theirs in cards.items():
        for card in theirs if hsa_id not in named else ():
            if card.is_live(day.as_of) and card.holder not in day.invalid:
                yield _orphan(card)


def _orphan(card: Card) -> Finding:
    return Finding(
        card.holder, "orphan_order", card.order.object,
        f"no record explains the card of the order {card.key}: it is left as it is",
    )  # fmt: skip
