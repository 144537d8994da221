# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that others leave in the inbox, CSV or JSON: a line for each thing that they say.

Parsing is pure: bytes in, what is said or one error for every line out. An error names the field
and what was expected of it, and never repeats a value, which may be anything.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from .cells import harmless_text, plain

T = TypeVar("T")


class InboxError(Exception):
    """A file cannot be read as answers at all. The text can be shown."""


@dataclass(frozen=True)
class Form(Generic[T]):
    """What the lines of a kind of file say.

    `headings` are the fields by the folded headings of CSV, `required` those that must be among
    them; `of_csv` and `of_json` make of a line's values what it says, or raise ValueError with the
    field and what was expected.
    """

    headings: Mapping[str, str]
    required: Collection[str]
    of_csv: Callable[[Mapping[str, Any]], T]
    of_json: Callable[[Mapping[str, Any]], T]


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """A line of a file, or an element of its list: as it stands there, and what it says.

    `raw` of CSV is harmless to a spreadsheet.
    `number` is the line it begins on. Either `said` or `error` is there; `is_rest` says that it
    is all that is left of a list that broke.
    """

    number: int
    raw: str
    said: T | None = None
    error: str = ""
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Answers(Generic[T]):
    """A file: its lines, and what stands around them."""

    lines: tuple[Line[T], ...]
    before: str = ""
    between: str = "\n"
    after: str = "\n"

    def only(self, lines: Sequence[Line[T]]) -> bytes:
        """A file with these lines alone, fit to be put right and left in the inbox again."""
        # What follows a list that broke ends as the file did.
        after = "\n" if lines and lines[-1].is_rest else self.after
        return f"{self.before}{self.between.join(line.raw for line in lines)}{after}".encode()


def parse(name: str, content: bytes, form: Form[T]) -> Answers[T]:
    """Read the file of this name, which says by .csv, .json or .jsonl what it is.

    Raises InboxError where nothing of it can be told.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InboxError("expected text in UTF-8") from None
    kind = name.rpartition(".")[2].casefold()
    if kind == "csv":
        return _parse_csv(text, form)
    if kind not in ("json", "jsonl"):
        raise InboxError("expected a file that is called .csv, .json or .jsonl")
    return _parse_list(text, form) if text.lstrip()[:1] == "[" else _parse_objects(text, form)


def _line(number: int, raw: str, read: Callable[[], T]) -> Line[T]:
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


def _parse_csv(text: str, form: Form[T]) -> Answers[T]:
    # A spreadsheet also writes the rows below its last one: ";;;;".
    lines = [(number, line) for number, line in _lines(text) if not _EMPTY_ROW.fullmatch(line)]
    if not lines:
        raise InboxError("expected a line of headings")
    _number, header = lines[0]
    delimiter = ";" if ";" in header else ","
    columns = _columns(header, delimiter, form)
    read = partial(_row, delimiter=delimiter, columns=columns, form=form)
    parsed = (_line(n, harmless_text(raw), partial(read, raw)) for n, raw in lines[1:])
    # A spreadsheet knows by the byte order mark that it is UTF-8.
    return Answers(tuple(parsed), before=f"\ufeff{harmless_text(header)}\n")


def _columns(header: str, delimiter: str, form: Form[T]) -> list[str]:
    """The field of each column, "" where it is the sender's own."""
    try:
        named = [each.strip().casefold() for each in _cells(header, delimiter)]
    except ValueError as error:
        raise InboxError(f"the headings: {error}") from None
    columns = [form.headings.get(each, "") for each in named]
    for heading, name in form.headings.items():
        if columns.count(name) > 1:
            raise InboxError(f"the headings: expected {heading.capitalize()} once")
        if name in form.required and name not in columns:
            raise InboxError(f"the headings: expected {heading.capitalize()} among them")
    return columns


def _row(raw: str, delimiter: str, columns: Sequence[str], form: Form[T]) -> T:
    cells = _cells(raw, delimiter)
    # One that was cut short must not pass for one without its last values.
    if len(cells) != len(columns):
        raise ValueError(f"columns: expected {len(columns)}")
    values = {name: cell for name, cell in zip(columns, cells, strict=True) if name}
    return form.of_csv(values)


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


def _parse_objects(text: str, form: Form[T]) -> Answers[T]:
    """One object a line."""
    return Answers(tuple(_line(n, raw, partial(_object, raw, form)) for n, raw in _lines(text)))


def _parse_list(text: str, form: Form[T]) -> Answers[T]:
    """A list of objects. Where one ends that is broken cannot be told: the rest goes with it."""
    lines: list[Line[T]] = []
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
        lines.append(_line(number, raw, partial(_object, raw, form)))
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


def _object(raw: str, form: Form[T]) -> T:
    try:
        values = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise ValueError("the line: expected JSON, with every key once") from None
    if not isinstance(values, dict):
        raise ValueError("the line: expected a JSON object")
    return form.of_json(values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


# --- values --------------------------------------------------------------------------------------


def as_text(value: Any, is_list: bool) -> str:
    """A value as text: what stands in a list, with commas between. Raises ValueError."""
    if is_list and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value.strip()
