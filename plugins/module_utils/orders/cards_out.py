# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which SITHS cards are not over yet, as the ledger's orders and their answers tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ..desired.people.cards_out import CardsOut
from ..desired.siths.cards import CARD, REVOCATION, TAKEOVER, Card, cards
from ..engine.orders import VOID, Order
from ..ledger.ledger import Ledger
from ..ledger.memory import days
from .book import read_orders


def cards_out(ledger: Ledger) -> CardsOut:
    """What the ledger knows on the run's day. Raises LedgerError."""
    with ledger.reading() as connection:
        about_cards = ledger.orders.c.kind.in_((CARD, REVOCATION, TAKEOVER))
        orders = read_orders(ledger, connection, about_cards)
        followed = frozenset(days(ledger, connection, "siths"))
    return CardsOut(followed, waiting(orders, ledger.run.as_of))


def waiting(orders: Iterable[Order], as_of: dt.date) -> dict[str, tuple[str, ...]]:
    """What is not over of each person's cards, in words, by HSA-id, case folded."""
    told = {
        hsa_id: tuple(_told(card) for card in theirs if not _is_over(card, as_of))
        for hsa_id, theirs in cards(orders).items()
    }
    return {hsa_id: words for hsa_id, words in told.items() if words}


def _is_over(card: Card, as_of: dt.date) -> bool:
    """Whether nobody has the card any more: it never came, has expired, or is revoked.

    A card that has expired is never revoked.
    """
    state = card.order.state
    is_revoked = card.revocation is not None and card.revocation.is_fulfilled
    return state in VOID or state == "done" or is_revoked or card.has_expired(as_of)


def _told(card: Card) -> str:
    what = f"the {card.order.subject} card"
    if card.revocation is not None:
        since, whose = card.revocation.ordered_on, card.revocation.recipient
        ordered = f"was ordered on {since}" if since else "has not left yet"
        return f"the revocation of {what}, which {ordered} and {whose} has not confirmed"
    refused = [order for order in card.refused if order.kind == REVOCATION]
    if refused:
        return (
            f"the revocation of {what}, which {refused[-1].recipient} refused on "
            f"{refused[-1].closed_on or refused[-1].ordered_on}"
        )
    return f"the revocation of {what}, which is not ordered yet"
