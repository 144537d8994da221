# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at about SITHS cards. People are named by HSA-id alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ...engine.provision import Finding
from ...records.catalogue import SERVICES
from ...records.people import Employment
from ..people.contacts import left_out, shown
from ..people.identified import Identities
from .cards import TAKEOVER, Card
from .matters import Day, Holder, Matter, Wish

# The field of a record whose day brings a revocation about. Where that is refused, Card.opens tells
# whether the card's certificate stays away from AD all the same.
_FIELDS = {"left": "to", "lost": "lost", "returned": "returned"}


def findings(
    everybody: Sequence[Holder],
    cards: Mapping[str, tuple[Card, ...]],
    identities: Identities,
    day: Day,
    hidden: Collection[str],
) -> tuple[Finding, ...]:
    """All findings, each once, under the provider it concerns.

    `hidden` are the HSA-ids, case folded, of whom nobody is told.
    """
    # While HSA cannot be read, who is not recognised may be in the records all the same.
    forgotten = () if day.unread else _forgotten(cards, identities, day)
    return tuple(
        dict.fromkeys(
            (
                *(f for holder in everybody for f in _of_person(holder, day.unread)),
                *(f for holder in everybody for m in holder.matters for f in _of_matter(m)),
                *forgotten,
                *_hidden_orderers(everybody, hidden),
            )
        )
    )


def _hidden_orderers(everybody: Iterable[Holder], hidden: Collection[str]) -> Iterator[Finding]:
    """The contacts of those whose staff is to have cards, by whom no order says that it is made."""
    wishes = (wish for holder in everybody for wish in holder.wishes)
    for record in {wish.provider: wish.employment.record for wish in wishes}.values():
        orderers = record.agreement.contacts.authorised_orderers
        yield from left_out(record.id, "contacts.authorised_orderers", orderers, hidden)
        if not shown(orderers, hidden):
            heads = [unit.head_of_operations for unit in record.agreement.units]
            for index, head in enumerate(heads):
                field = f"units[{index}].head_of_operations"
                told = left_out(record.id, field, (head,) if head else (), hidden)
                yield from (replace(finding, object=field) for finding in told)


def _of_person(holder: Holder, unread: bool) -> Iterator[Finding]:
    known = holder.known
    if known.hsa_id is None and not unread:
        for wish in holder.wishes:
            yield Finding(
                wish.provider, "no_hsa_id", wish.employment.label,
                "HSA does not tell who the person is: no card is ordered",
            )  # fmt: skip
    for employment in known.person.current:
        missing = _missing(holder, employment)
        if missing:
            who = known.hsa_id or employment.label
            yield Finding(employment.provider, missing[0], who, missing[1])


def _missing(holder: Holder, employment: Employment) -> tuple[str, str] | None:
    """(code, message) where a service of an assignment asks for a card that nobody asks for."""
    if holder.known.ours is False:  # the region's own employee, whose card the region keeps
        return None
    asked = {s: SERVICES[s].preconditions for s in sorted(employment.services)}
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
    elif matter.wish and matter.head and not matter.cause:
        yield from _of_head(matter, matter.wish, matter.head)
    yield from _of_losses(matter)
    yield from _of_unheard(matter)
    for card in matter.live:
        yield from _of_card(matter, card)


def _of_head(matter: Matter, wish: Wish, head: Card) -> Iterator[Finding]:
    """Why somebody who is to have a card gets none, though nothing is on its way."""
    key, who = head.key, head.order.object
    again = "name a day in `anew` to order again"
    if head.order.state == "refused":
        yield Finding(wish.provider, "card_refused", who, f"the order {key} was refused: {again}")
    elif matter.end(head) == "uncollected":
        yield Finding(
            wish.provider, "card_not_collected", who,
            f"the card of the order {key} was not collected: {again}",
        )  # fmt: skip
    elif not matter.live:
        yield Finding(
            wish.provider, "card_not_replaced", who,
            f"the card of the order {key} is over and no other is ordered: {again}, or strike the "
            "card from the record",
        )  # fmt: skip


def _of_losses(matter: Matter) -> Iterator[Finding]:
    """Losses that a record tells of and that no card is revoked for."""
    known = matter.known
    for report, card in matter.losses if known.ids else ():
        if card is None or card.has_expired(report.day):
            yield Finding(
                report.provider, "loss_without_card", known.hsa_id or known.ids[0],
                f"no {matter.kind} card was in force on the day in `lost`, so none is revoked: "
                "correct the day, or strike it",
            )  # fmt: skip


def _of_unheard(matter: Matter) -> Iterator[Finding]:
    """What a provider's record says of a card that belongs to another one: both are told."""
    for field, provider, card in matter.unheard:
        if not card.is_live(matter.day.as_of):
            continue
        who = card.order.object
        yield Finding(
            provider, "others_card", who,
            f"`{field}` of a card that belongs to another provider: that one's record must say it",
        )  # fmt: skip
        yield Finding(
            card.provider, "others_card", who,
            f"another provider's record says `{field}` of this provider's card: say so too if it "
            "is true",
        )  # fmt: skip


def _of_card(matter: Matter, card: Card) -> Iterator[Finding]:
    who = card.order.object
    open_end = _refused_end(matter, card)
    if open_end:
        yield Finding(card.provider, "revocation_refused", who, open_end)
    for takeover in card.refused:
        if takeover.kind == TAKEOVER:
            yield Finding(
                card.provider, "takeover_refused", who,
                f"the takeover {takeover.key} was refused: the card is as it was",
            )  # fmt: skip
    if _is_orphan(matter, card):
        yield _orphan(card)


def _refused_end(matter: Matter, card: Card) -> str | None:
    """What a refused revocation of a card that is in force leaves open, or None."""
    ending = matter.ending(card)
    if ending is None:
        if card.opens(matter.day.as_of):
            return None
        past = next((o for cause in _FIELDS if (o := card.refusal(cause))), None)
        told = "the card is in force, and opens no account: name a day in `anew` for another one"
        return f"the revocation {past.key} was refused: {told}" if past else None
    refused = card.refusal(ending.cause) if card.is_refused(ending) else None
    if refused is None:
        return None
    field = _FIELDS.get(refused.cause)
    again = f": name a day after {refused.ordered_on} in `{field}` to order it again"
    return (
        f"the revocation {refused.key} ({refused.cause}) was refused, and the card is in force as "
        f"before{again if field else ''}"
    )


def _is_orphan(matter: Matter, card: Card) -> bool:
    """Whether neither the holder's record nor anybody's wish explains a card that is live."""
    if card.provider in matter.day.invalid or matter.day.may_hide(matter.known):
        return False
    if matter.has_left(card.provider):
        return False
    listed = any(e.provider == card.provider for e in matter.person.employments)
    return not listed or not matter.wishes


def _forgotten(
    cards: Mapping[str, tuple[Card, ...]], identities: Identities, day: Day
) -> Iterator[Finding]:
    """Cards of people whom no record names any more."""
    named = frozenset().union(*(known.folded_ids for known in identities.people))
    for hsa_id, theirs in cards.items():
        for card in theirs if hsa_id not in named else ():
            if card.is_live(day.as_of) and card.provider not in day.invalid:
                yield _orphan(card)


def _orphan(card: Card) -> Finding:
    return Finding(
        card.provider, "orphan_order", card.order.object,
        f"no record explains the card of the order {card.key}: it is left as it is",
    )  # fmt: skip
