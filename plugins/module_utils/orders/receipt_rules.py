# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receipt makes of an order: the order's next state, nothing, or a contradiction. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..desired.siths.rules import administrators
from ..engine import matching
from ..engine.orders import Order
from .inbox import Receipt
from .issued import Authorities

# The states that may follow by a receipt. A card that is done is one whose life is over: an order
# for one that is not yet active cannot be.
_OF_CARDS: Mapping[str, tuple[str, ...]] = {
    "ordered": ("sent", "active", "refused"),
    "sent": ("active", "refused"),
    "active": ("done",),
}
_OF_OTHERS: Mapping[str, tuple[str, ...]] = {"ordered": ("done", "refused")}

# One certificate: a receipt that names it anew names all of it.
_CERTIFICATE = ("issuer", "serial", "ski")


class Contradiction(ValueError):
    """A receipt cannot be true of its order. The text names the field and holds no value of it."""


def follow(order: Order, receipt: Receipt, as_of: dt.date, card: Order | None = None) -> Order:
    """The order as the receipt leaves it; itself, where the receipt adds nothing.

    `card` is the order of the card that a revocation or a take-over is about. Raises Contradiction.
    """
    if order.ordered_on is None:
        raise Contradiction("order: expected one that has left")
    if not order.ordered_on <= receipt.day <= as_of:
        raise Contradiction("day: expected one from the day the order left to today")
    known = (card or order).answer.get("card_number")
    if known and receipt.card_number and receipt.card_number != known:
        raise Contradiction("card_number: expected the number that is known of the card")
    if receipt.state != order.state and receipt.state in _passed(order):
        _check_passed(order, receipt.answer())
        return order
    answer = _answer(order.answer, receipt.answer())
    if receipt.state == order.state and answer == order.answer:
        return order
    _check_order_of_states(order, receipt)
    if receipt.state == "active":
        _check_active(order, receipt.day, answer)
    return replace(order, answer=answer, **_stated(order, receipt))


def check_issuer(receipt: Receipt, issuers: Collection[str]) -> None:
    """Raises Contradiction where a certificate is of none of these issuers, if there are any.

    A key alone does not tell who issued it.
    """
    if not issuers:
        return
    allowed = {comparable("issuer", each) for each in issuers}
    if receipt.issuer and comparable("issuer", receipt.issuer) not in allowed:
        raise Contradiction("issuer: expected one that may issue cards (halsoval_card_issuers)")
    if receipt.ski and not receipt.issuer:
        raise Contradiction("ski: expected issuer and serial number with it")


def check_certificate(order: Order, receipt: Receipt, vouching: Authorities | None) -> None:
    """Raises Contradiction where a certificate is not its holder's, or nobody vouches for it.

    With those who may vouch, a certificate must be told whole: what is only said of one is not
    looked at.
    """
    certificate = receipt.certificate
    if certificate is None:
        if vouching is not None and (receipt.issuer or receipt.ski):
            raise Contradiction("certificate: expected the certificate itself")
        return
    if not certificate.is_of(order.object):
        raise Contradiction("certificate: expected one that names whom the card is for, by HSA-id")
    if vouching is not None and not vouching.vouch_for(certificate, receipt.day):
        raise Contradiction(
            "certificate: expected one of an issuer in halsoval_card_ca_path, valid on the day"
        )


def surprise(order: Order, changed: Order) -> str:
    """What a person must confirm of a card that is active already, "" where it is nothing.

    What lets a stranger in is not what the first answer said, but what came to it later.
    """
    if order.kind != "card" or {order.state, changed.state} != {"active"}:
        return ""
    known, told = mark(order.answer), mark(changed.answer)
    if known and told != known:
        return "another certificate of a card that is active"
    closed = order.closed_on.isoformat() if order.closed_on else ""
    last = order.answer.get("valid_to", closed)
    if last and changed.answer["valid_to"] > last:
        return "a later last day of a card that is active"
    return ""


def mark(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """What AD knows a card's certificate by, however it is written; nothing where none is known."""
    names = ("issuer", "serial") if "issuer" in answer else ("ski",)
    return tuple(comparable(name, answer[name]) for name in names if name in answer)


def _passed(order: Order) -> set[str]:
    """The states that the order has left behind."""
    passed = set()
    if order.state == "active" or order.active_on or order.sent_on:
        passed.add("sent")
    if order.active_on:
        passed.add("active")
    return passed


def _check_passed(order: Order, told: Mapping[str, Any]) -> None:
    """What is told late of a state must be what is known of it."""
    for name in ("valid_to", *_CERTIFICATE):
        known = order.answer.get(name)
        if known and name in told and comparable(name, told[name]) != comparable(name, known):
            raise Contradiction(f"{name}: expected what is known of the card")


def comparable(name: str, value: str) -> str:
    """The form that values of this name share which mean the same, however they are written."""
    if name == "issuer":
        return _name(value)
    if name == "serial":
        return value.casefold().lstrip("0")
    return value.casefold()


# Thousands of certificates share an issuer, and taking a name apart is slow.
@lru_cache(maxsize=256)
def _name(dn: str) -> str:
    return matching.distinguished_name(dn)


def _answer(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What is known and what is told, of which a certificate is taken whole."""
    if any(name in told for name in _CERTIFICATE):
        known = {name: value for name, value in known.items() if name not in _CERTIFICATE}
    return {**known, **told}


def _check_order_of_states(order: Order, receipt: Receipt) -> None:
    following = (_OF_CARDS if order.kind == "card" else _OF_OTHERS).get(order.state, ())
    if receipt.state not in (order.state, *following):
        expected = " or ".join(following) if following else "nothing more"
        raise Contradiction(f"state: expected {expected}: the order is {order.state}")
    days = [order.ordered_on, order.sent_on, order.active_on]
    if order.state in ("done", "refused"):  # thinning closes a card that has expired
        days.append(order.closed_on)
    if any(day and receipt.day < day for day in days):
        raise Contradiction("day: expected one from the day of the state before")


def _check_active(order: Order, day: dt.date, answer: Mapping[str, Any]) -> None:
    for name in ("card_number", "valid_to"):
        if name not in answer:
            raise Contradiction(f"{name}: expected one of a card that is active")
    if dt.date.fromisoformat(answer["valid_to"]) < day:
        raise Contradiction("valid_to: expected a day on which the card was active")
    told = {each.casefold() for each in answer.get("administrators", ())}
    least = administrators(order.subject, order.level)
    # Of the one who issues an ordinary card nobody need tell.
    if least > 1 and len(told) < least:
        raise Contradiction("administrators: expected two different ones of a reserve card on LoA3")


def _stated(order: Order, receipt: Receipt) -> dict[str, Any]:
    """The state, and its first day."""
    name = {"sent": "sent_on", "active": "active_on"}.get(receipt.state, "closed_on")
    day = getattr(order, name) if receipt.state == order.state else receipt.day
    # A card that is active is closed when its last day, which may be another now, has passed.
    return {"state": receipt.state, "closed_on": None, name: day}
