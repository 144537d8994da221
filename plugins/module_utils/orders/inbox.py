# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files: what the recipients say became of their orders, as CSV or JSON.

Parsing is pure: bytes in, a receipt or one error for every line out. An error names the field and
what was expected of it, and never repeats a value, which may be anything.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from ..engine import matching
from ..records.identifiers import parse_day, parse_hsa_id
from . import issued
from .cells import harmless_text, plain
from .issued import Certificate

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


class InboxError(Exception):
    """A file cannot be read as answers at all. The text can be shown."""


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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, or an element of its list: as it stands there, and what it says.

    `raw` of CSV is harmless to a spreadsheet.
    `number` is the line it begins on. Either `receipt` or `error` is there; `is_rest` says that it
    is all that is left of a list that broke.
    """

    number: int
    raw: str
    receipt: Receipt | None = None
    error: str = ""
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """A file: its lines, and what stands around them."""

    lines: tuple[Line, ...]
    before: str = ""
    between: str = "\n"
    after: str = "\n"

    def only(self, lines: Sequence[Line]) -> bytes:
        """A file with these lines alone, fit to be put right and left in the inbox again."""
        # What follows a list that broke ends as the file did.
        after = "\n" if lines and lines[-1].is_rest else self.after
        return f"{self.before}{self.between.join(line.raw for line in lines)}{after}".encode()


def parse(name: str, content: bytes) -> Answers:
    """Read the file of this name, which says by .csv, .json or .jsonl what it is.

    Raises InboxError where nothing of it can be told.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InboxError("expected text in UTF-8") from None
    kind = name.rpartition(".")[2].casefold()
    if kind == "csv":
        return _parse_csv(text)
    if kind not in ("json", "jsonl"):
        raise InboxError("expected a file that is called .csv, .json or .jsonl")
    return _parse_list(text) if text.lstrip()[:1] == "[" else _parse_objects(text)


def _line(number: int, raw: str, read: Callable[[], Receipt]) -> Line:
    try:
        return Line(number, raw, read())
    except ValueError as error:
        return Line(number, raw, error=str(error))


def _lines(text: str) -> list[tuple[int, str]]:
    """The numbered lines that are not empty.

    Not splitlines(): it also ends a line at characters that may stand in a text.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]


# --- CSV -----------------------------------------------------------------------------------------

_EMPTY_ROW = re.compile(r'[\s;,"]*')


def _parse_csv(text: str) -> Answers:
    # A spreadsheet also writes the rows below its last one: ";;;;".
    lines = [(number, line) for number, line in _lines(text) if not _EMPTY_ROW.fullmatch(line)]
    if not lines:
        raise InboxError("expected a line of headings")
    _number, header = lines[0]
    delimiter = ";" if ";" in header else ","
    columns = _columns(header, delimiter)
    parsed = (
        _line(n, harmless_text(raw), partial(_row, raw, delimiter, columns)) for n, raw in lines[1:]
    )
    # A spreadsheet knows by the byte order mark that it is UTF-8.
    return Answers(tuple(parsed), before=f"\ufeff{harmless_text(header)}\n")


def _columns(header: str, delimiter: str) -> list[str]:
    """The field of each column, "" where it is the sender's own."""
    try:
        columns = [_HEADINGS.get(each.strip().casefold(), "") for each in _cells(header, delimiter)]
    except ValueError as error:
        raise InboxError(f"the headings: {error}") from None
    for heading, name in _HEADINGS.items():
        if columns.count(name) > 1:
            raise InboxError(f"the headings: expected {heading.capitalize()} once")
        if name in _REQUIRED and name not in columns:
            raise InboxError(f"the headings: expected {heading.capitalize()} among them")
    return columns


def _row(raw: str, delimiter: str, columns: Sequence[str]) -> Receipt:
    cells = _cells(raw, delimiter)
    # One that was cut short must not pass for one without its last values.
    if len(cells) != len(columns):
        raise ValueError(f"columns: expected {len(columns)}")
    values = {name: cell for name, cell in zip(columns, cells, strict=True) if name}
    return _receipt(values, _SWEDISH_STATES)


def _cells(line: str, delimiter: str) -> list[str]:
    # A line of the file is one answer: a quote that is never closed costs no other line.
    try:
        return [plain(cell) for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error:
        raise ValueError("columns: expected CSV, every quote closed on its line") from None


# --- JSON ----------------------------------------------------------------------------------------

_GAP = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,")
_END = re.compile(r"[ \t\n\r]*\][ \t\n\r]*\Z")


def _parse_objects(text: str) -> Answers:
    """One object a line."""
    return Answers(tuple(_line(n, raw, partial(_object, raw)) for n, raw in _lines(text)))


def _parse_list(text: str) -> Answers:
    """A list of objects. Where one ends that is broken cannot be told: the rest goes with it."""
    lines: list[Line] = []
    number, seen, position = 1, 0, text.index("[") + 1
    more = not _END.match(text, position)
    while more:
        position = _after(_GAP, text, position) or position
        number, seen = number + text.count("\n", seen, position), position
        end = _element_end(text, position)
        if end is None:
            error = "the list: expected JSON; nothing from here on was read"
            lines.append(Line(number, text[position:].rstrip(), error=error, is_rest=True))
            break
        raw = text[position:end]
        lines.append(_line(number, raw, partial(_object, raw)))
        position = _after(_COMMA, text, end) or end
        more = position > end
    return Answers(tuple(lines), before="[\n", between=",\n", after="\n]\n")


def _after(pattern: re.Pattern[str], text: str, position: int) -> int | None:
    found = pattern.match(text, position)
    return found.end() if found else None


def _element_end(text: str, position: int) -> int | None:
    """Where the element ends that begins here and that another, or the list's end, follows."""
    try:
        _value, end = json.JSONDecoder().raw_decode(text, position)
    except (ValueError, RecursionError):
        return None
    return end if _COMMA.match(text, end) or _END.match(text, end) else None


def _object(raw: str) -> Receipt:
    try:
        values = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise ValueError("the line: expected JSON, with every key once") from None
    if not isinstance(values, dict):
        raise ValueError("the line: expected a JSON object")
    return _receipt(values, _STATES)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


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
            text = _text(values.get(name), is_list=name == "administrators")
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


def _text(value: Any, is_list: bool) -> str:
    if is_list and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value.strip()


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
