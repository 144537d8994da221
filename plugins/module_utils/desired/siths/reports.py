# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What records tell of cards that were lost or returned, and which cards those were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...records.people import NaturalPerson
from .cards import Card

Event = Literal["lost", "returned"]
EVENTS: tuple[Event, ...] = ("lost", "returned")


@dataclass(frozen=True, slots=True)
class Report:
    """That a provider's record tells of a card that was lost, or returned, on a day."""

    provider: str
    day: dt.date


def reports(person: NaturalPerson, kind: str, event: Event) -> list[Report]:
    """What the records tell of a kind of card, oldest first: those of former providers too."""
    told = {
        Report(employment.provider, day)
        for employment in person.employments
        for card in employment.row.cards
        if card.kind == kind and (day := getattr(card, event))
        if employment.phase != "application"  # nobody has approved it
    }
    return sorted(told, key=lambda report: (report.day, report.provider))


def reports_by_card(
    person: NaturalPerson,
    kind: str,
    cards: Sequence[Card],
    as_of: dt.date,
    may_tell: Callable[[str, Card], bool],
) -> dict[tuple[Event, str], Report]:
    """The latest that the records tell of each of the cards, by event and the card's key.

    `may_tell` says whether it is a provider's to tell of a card.
    """
    told: dict[tuple[Event, str], Report] = {}
    for event in EVENTS:
        for report in reports(person, kind, event):
            card = card_of(cards, event, report.day, as_of)
            if card is not None and may_tell(report.provider, card):
                told[event, card.key] = report
    return told


def card_of(cards: Sequence[Card], event: Event, day: dt.date, as_of: dt.date) -> Card | None:
    """The card that was lost or returned on the day; None while that is still to come.

    It is one that was revoked for it, else the newest that its holder had. An answer may tell of a
    card later than its holder got it; a loss counts all the same.
    """
    if day > as_of:
        return None
    had = [card for card in cards if card.was_held_on(day)]
    if event == "lost" and not had:
        had = [card for card in cards if card.may_be_held_on(day)]
    known = [card for card in had if card.revocation and card.revocation.cause == event]
    return next(reversed(known or had), None)
