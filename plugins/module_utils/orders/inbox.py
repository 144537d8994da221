# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files: what the recipients say became of their orders, as CSV or JSON.

Parsing is pure: bytes in, a receipt or one error for every line out. An error names the field and
what was expected of it, and never repeats a value, which may be anything.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from ..engine import matching
from ..records.identifiers import parse_day, parse_hsa_id
from . import issued, lines
from .issued import Certificate
from .lines import Answers, Form, InboxError, Line, as_text

__all__ = ["Answers", "InboxError", "Line", "Receipt", "parse"]

State = Literal["sent", "active", "done", "refused"]

_STATES: dict[str, State] = {
    "sent": "sent",
    "active": "active",
    "done": "done",
    "refused": "refused",
}
# The states and headings of a CSV file, folded.
_SWEDISH_STATES: dict[str, State] = {
    "skickad": "sent",
    "aktiv": "active",
    "utförd": "done",
    "avslagen": "refused",
}
_HEADINGS = {
    "beställningsnummer": "order",
    "status": "state",
    "datum": "day",
    "kortnummer": "card_number",
    "giltigt till": "valid_to",
    "utfärdare": "issuer",
    "serienummer": "serial",
    "ski": "ski",
    "certifikat": "certificate",
    "kod": "code",
    "id-administratörer": "administrators",
}
_REQUIRED = ("order", "state", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a recipient says of an order: that it is in a state since a day.

    `valid_to` is the card's last day; `issuer` (a distinguished name) and `serial`, or `ski`, in
    hexadecimal digits, are its certificate, and `certificate` is that itself; `administrators` the
    HSA-ids of those who issued it; `code` is a reason or an answer, as a code.
    """

    order: str
    state: State
    day: dt.date
    card_number: str = ""
    valid_to: dt.date | None = None
    issuer: str = ""
    serial: str = ""
    ski: str = ""
    code: str = ""
    administrators: tuple[str, ...] = ()
    certificate: Certificate | None = field(default=None, repr=False)

    def answer(self) -> dict[str, Any]:
        """What it tells beside the state, as plain JSON; nothing that is empty."""
        texts = ("card_number", "issuer", "serial", "ski", "code")
        told: dict[str, Any] = {name: text for name in texts if (text := getattr(self, name))}
        if self.valid_to:
            told["valid_to"] = self.valid_to.isoformat()
        if self.administrators:
            told["administrators"] = list(self.administrators)
        return told


# --- values --------------------------------------------------------------------------------------

_KEY = re.compile(r"[A-Za-z2-7]{4}(?:-[A-Za-z2-7]{4}){3}")
_CARD_NUMBER = re.compile(r"[A-Za-z0-9-]{4,32}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){1,32}")
_CODE = re.compile(r"[A-Za-z0-9_.,; -]{1,64}")
_LONGEST_NAME = 256


def _receipt(values: Mapping[str, Any], states: Mapping[str, State]) -> Receipt:
    """The receipt that the values make. Raises ValueError with the field and what it must be."""
    read: dict[str, Any] = {}
    for name, parser in ({"state": partial(_state, states)} | _PARSERS).items():
        try:
            text = as_text(values.get(name), is_list=name == "administrators")
            if text or name in _REQUIRED:
                read[name] = parser(text)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if ("issuer" in read) != ("serial" in read):
        raise ValueError("serial: expected issuer and serial number together")
    if certificate := read.get("certificate"):
        read |= _named_by(certificate, read)
    # Which are required, `_REQUIRED` says.
    return Receipt(**read)  # pylint: disable=missing-kwoa


def _named_by(certificate: Certificate, told: Mapping[str, str]) -> dict[str, str]:
    """What a certificate says of itself; what stands beside it must say the same."""
    try:
        said = {"issuer": _issuer(certificate.issuer), "serial": _hexadecimal(certificate.serial)}
    except ValueError:
        raise ValueError("certificate: expected one whose issuer and number can be told") from None
    said |= {"ski": certificate.ski} if certificate.ski else {}
    for name, form in (("issuer", matching.distinguished_name), ("serial", _number)):
        if name in told and form(told[name]) != form(said[name]):
            raise ValueError(f"{name}: expected that of the certificate")
    if told.get("ski", certificate.ski) != certificate.ski:
        raise ValueError("ski: expected that of the certificate")
    return said


def _number(digits: str) -> str:
    return digits.lstrip("0")


def _state(states: Mapping[str, State], text: str) -> State:
    if text.casefold() not in states:
        raise ValueError(f"expected one of {', '.join(states)}")
    return states[text.casefold()]


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(
            "expected an order's number: four groups of four letters A-Z and digits 2-7, hyphens "
            "between them"
        )
    return text.upper()


def _card_number(text: str) -> str:
    number = text.replace(" ", "")
    if not _CARD_NUMBER.fullmatch(number):
        raise ValueError("expected 4 to 32 letters A-Z, digits and hyphens")
    return number


def _issuer(text: str) -> str:
    try:
        matching.distinguished_name(text).encode()  # an escape may stand for no character
    except ValueError:
        text = ""
    if not text.isprintable() or not 0 < len(text) <= _LONGEST_NAME:
        raise ValueError(
            f"expected a distinguished name, as of RFC 4514, of at most {_LONGEST_NAME} characters"
        ) from None
    return text


def _hexadecimal(text: str) -> str:
    digits = text.replace(":", "").replace(" ", "")
    if not _HEX.fullmatch(digits):
        raise ValueError("expected 1 to 32 pairs of hexadecimal digits")
    return digits.upper()


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError("expected a code: at most 64 letters A-Z, digits, spaces, and _ . , ; -")
    return text


def _administrators(text: str) -> tuple[str, ...]:
    return tuple(parse_hsa_id(each) for each in re.split(r"[,;\s]+", text) if each)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "order": _key,
    "day": parse_day,
    "card_number": _card_number,
    "valid_to": parse_day,
    "issuer": _issuer,
    "serial": _hexadecimal,
    "ski": _hexadecimal,
    "certificate": issued.read,
    "code": _code,
    "administrators": _administrators,
}

_FORM: Form[Receipt] = Form(
    _HEADINGS,
    _REQUIRED,
    partial(_receipt, states=_SWEDISH_STATES),
    partial(_receipt, states=_STATES),
)


def parse(name: str, content: bytes) -> Answers[Receipt]:
    """Read the file of this name, which says by .csv, .json or .jsonl what it is.

    Raises InboxError where nothing of it can be told.
    """
    return lines.parse(name, content, _FORM)
