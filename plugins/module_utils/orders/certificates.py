# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates on people's cards that may let them in, as the answers to orders tell them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from ..desired.siths.cards import CARD, REVOCATION, TAKEOVER, Card, cards
from ..ledger.ledger import Ledger
from .book import read_orders


def certificates(ledger: Ledger) -> dict[str, list[dict[str, str]]]:
    """The certificates of each person's cards that open something on the run's day, by HSA-id.

    Each is {hsa_id, issuer, serial, ski}: issuer and serial where they are known, else ski; the
    others are "". Somebody whose cards are all over has none; somebody of whom no certificate was
    ever known is not in it. Raises LedgerError.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for card, certificate in _answered(ledger):
        opening = found.setdefault(card.order.object, [])
        opening += [certificate] if card.opens(ledger.run.as_of) else []
    return found


def known_certificates(ledger: Ledger) -> dict[str, list[dict[str, str]]]:
    """The same with those of cards that open nothing any more, as long as they are not thinned."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for card, certificate in _answered(ledger):
        found[card.order.object].append(certificate)
    return found


def _answered(ledger: Ledger) -> Iterator[tuple[Card, dict[str, str]]]:
    """The cards whose certificate an answer told, with it."""
    with ledger.reading() as connection:
        about_cards = ledger.orders.c.kind.in_((CARD, REVOCATION, TAKEOVER))
        known = cards(read_orders(ledger, connection, about_cards))
    for card in chain.from_iterable(known.values()):
        if certificate := _certificate(card):
            yield card, certificate


def _certificate(card: Card) -> dict[str, str] | None:
    answer, hsa_id = card.order.answer, card.order.object
    issuer, serial, ski = (answer.get(name, "") for name in ("issuer", "serial", "ski"))
    if not issuer and not ski:
        return None
    # One way to know it is enough, and AD takes one.
    return {"hsa_id": hsa_id, "issuer": issuer, "serial": serial, "ski": "" if issuer else ski}
