# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RA organisation must know to carry out an order about a card (domain page 4).

Everything is plain JSON; what is not known is left out. A protected person is named by personal
number and HSA-id alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from ...records.identifiers import is_coordination_number
from ...records.lifecycle import unit_of
from ...records.people import NaturalPerson
from ..people.contacts import shown
from .cards import Card
from .matters import Matter, Wish
from .rules import administrators


def of_card(
    matter: Matter, wish: Wish, hsa_id: str, cause: str, hidden: Collection[str]
) -> dict[str, Any]:
    """What a card is ordered with; `hidden` are the HSA-ids of whom nobody is told."""
    card, record = wish.card, wish.employment.record
    return _known(
        {
            **_person(matter.person, hsa_id),
            **({} if matter.protected else _name(wish)),
            "provider_name": record.agreement.name,
            "unit": unit_of(record, wish.employment.assignment).name,
            "card_kind": card.kind,
            "loa": card.loa,
            "photo": card.photo,
            "office": card.office,
            "ordered_by": _orderer(wish, hidden),
            "first_day": _text(wish.employment.assignment.from_),
            "id_administrators": administrators(card.kind, card.loa),
            "kur": matter.protected,
            "delivery": "tax_agency_forwarding" if matter.protected else "registered_address",
            "replaces": _replaced(matter),
            "takes_over": card.takes_over if cause == "takeover" else None,
        }
    )


def of_revocation(matter: Matter, card: Card, cause: str) -> dict[str, Any]:
    """What a card is revoked with; `last_day` is the person's, where the records name one."""
    return _known(
        {
            **_person(matter.person, card.order.object),
            "card_number": card.number,
            "card_order": card.key,
            "reason": cause,
            "last_day": _text(last_day(matter.person)),
        }
    )


def of_takeover(matter: Matter, card: Card, wish: Wish, hidden: Collection[str]) -> dict[str, Any]:
    """What a card goes from one provider to another with."""
    records = {e.provider: e.record for e in matter.person.employments}
    return _known(
        {
            **_person(matter.person, card.order.object),
            "card_number": card.number,
            "card_order": card.key,
            "from_provider": records[card.provider].agreement.name,
            "to_provider": wish.employment.record.agreement.name,
            "unit": unit_of(wish.employment.record, wish.employment.assignment).name,
            "ordered_by": _orderer(wish, hidden),
            "first_day": _text(wish.employment.assignment.from_),
        }
    )


def last_day(person: NaturalPerson) -> dt.date | None:
    """The last day of all the person's assignments, or None where one is without end."""
    days = [employment.last_day for employment in person.current or person.employments]
    known = [day for day in days if day is not None]
    return max(known) if len(known) == len(days) and known else None


def _person(person: NaturalPerson, hsa_id: str) -> dict[str, Any]:
    kind = "samordningsnummer" if is_coordination_number(person.number) else "personnummer"
    return {"personal_number": person.number, "number_kind": kind, "hsa_id": hsa_id}


def _name(wish: Wish) -> dict[str, Any]:
    row = wish.employment.row
    return {
        "given_name": row.given_name,
        "middle_name": row.middle_name,
        "surname": row.surname,
    }


def _orderer(wish: Wish, hidden: Collection[str]) -> str | None:
    """Who orders: the first that may order for the provider's staff, else who heads the unit."""
    record = wish.employment.record
    head = unit_of(record, wish.employment.assignment).head_of_operations
    orderers = record.agreement.contacts.authorised_orderers
    contacts = shown((*orderers, *((head,) if head else ())), hidden)
    return contacts[0].name if contacts else None


def _replaced(matter: Matter) -> str | None:
    """The key of the card that a new one takes the place of: one that its holder has or had."""
    head = matter.head
    has_been = head is not None and head.order.state in ("active", "done")
    return head.key if head is not None and has_been else None


def _text(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _known(particulars: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in particulars.items() if value is not None}
