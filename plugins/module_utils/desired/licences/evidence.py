# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a licence server has issued, from a CSV file as PowerShell writes it.

The rows are those of Win32_TSIssuedLicense, also joined with Win32_TSLicenseKeyPack. Export-Csv of
Windows PowerShell 5.1 writes `#TYPE` first, in ASCII unless told otherwise, with a comma or, with
-UseCulture, a semicolon. Get-WmiObject gives dates as DMTF text, Get-CimInstance in the exporter's
culture. One PC may have several CALs: it is known by its name, never by sHardwareId.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...records.lifecycle import STOCKHOLM

_COMPUTER, _STATUS, _USER = "sissuedtocomputer", "licensestatus", "sissuedtouser"
_ISSUED, _EXPIRES, _PRODUCT = "issuedate", "expirationdate", "producttype"
_SPELLED = {
    _COMPUTER: "sIssuedToComputer", _STATUS: "LicenseStatus", _ISSUED: "IssueDate",
    _EXPIRES: "ExpirationDate", _PRODUCT: "ProductType",
}  # fmt: skip
# Win32_TSIssuedLicense.LicenseStatus and Win32_TSLicenseKeyPack.ProductType.
_ACTIVE, _PER_DEVICE = 2, 0

_DMTF = re.compile(r"(\d{14})\.(?:\d{6}|\*{6})([+-])(\d{3})")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T].*)?")
_OF_CULTURE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?: .*)?")
_EXPECTED = "expected a date as YYYY-MM-DD or DMTF text"


@dataclass(frozen=True)
class Evidence:
    """Computers by their names in small letters: all that appear, and those with an active CAL.

    `faults` are the lines that could not be used, each in a sentence; `unclear` the computers that
    they name. `is_complete` says that each such line names one.
    """

    computers: frozenset[str]
    active: frozenset[str]
    unclear: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()
    is_complete: bool = True


class _Fault(Exception):
    """Why a line cannot be used, and the column that is wrong, "" for all of it."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column, self.text = column, text


def read(content: bytes, as_of: dt.date) -> Evidence:
    """What a file says on a day. Raises ValueError where it is no list of issued licences."""
    lines = _lines(_text(content))
    computers, active, unclear = set(), set(), set()
    faults = []
    for number, row in lines:
        name = "" if isinstance(row, str) else computer(row.get(_COMPUTER, ""))
        try:
            if isinstance(row, str):
                raise _Fault("", row)
            if not _is_for_device(row):
                continue
            if not name:
                raise _Fault(_COMPUTER, "expected the name of a computer")
            is_active = _is_active(row, as_of)
        except _Fault as fault:
            column = f", column {_SPELLED[fault.column]}" if fault.column else ""
            faults.append(f"line {number}{column}: {fault.text}")
            unclear.add(name)
            continue
        computers.add(name)
        if is_active:
            active.add(name)
    return Evidence(
        frozenset(computers), frozenset(active), frozenset(unclear - {""}), tuple(faults),
        is_complete="" not in unclear,
    )  # fmt: skip


def computer(name: str) -> str:
    """The form in which names of computers compare: no DNS suffix, small letters."""
    return name.strip().partition(".")[0].casefold()


def day(text: str) -> dt.date | None:
    """The day of a date, None for an empty text. Raises ValueError.

    Of 3/2/2026 nobody can tell which is the day.
    """
    text = text.strip()
    if not text:
        return None
    if found := _DMTF.fullmatch(text):
        moment, sign, minutes = found.groups()
        offset = dt.timedelta(minutes=int(sign + minutes))
        zone = dt.timezone(offset)
        local = dt.datetime.strptime(moment, "%Y%m%d%H%M%S").replace(tzinfo=zone)
        # The first and the last year that there are stand for "never".
        is_far = not 1 < local.year < dt.MAXYEAR
        return local.date() if is_far else local.astimezone(STOCKHOLM).date()
    if found := _ISO.fullmatch(text):
        return dt.date(*map(int, found.groups()))
    if found := _OF_CULTURE.fullmatch(text):
        one, other, year = int(found[1]), int(found[3]), int(found[4])
        if one <= 12 and other <= 12 and one != other:
            raise ValueError("the day and the month cannot be told apart")
        return dt.date(year, *((one, other) if one <= 12 else (other, one)))
    raise ValueError("it has another form")


def _text(content: bytes) -> str:
    """The file's text: by byte order mark, else UTF-8, else as -Encoding Default writes it."""
    marked = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("expected text in UTF-16, UTF-8 or ASCII")


def _lines(text: str) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Each row with the number of its first line; one that is no row is a sentence in its place."""
    buffer = io.StringIO(text, newline="")
    skipped = 0
    if text.startswith("#TYPE"):
        buffer.readline()
        skipped = 1
    first = text.split("\n", 2)[skipped] if text.count("\n") >= skipped else ""
    rows = csv.reader(buffer, delimiter=";" if ";" in first else ",", strict=True)
    try:
        names = [name.strip().casefold() for name in next(rows, [])]
    except csv.Error as error:
        raise ValueError(f"expected CSV: {error}") from None
    missing = [_SPELLED[name] for name in (_COMPUTER, _STATUS) if name not in names]
    if missing:
        raise ValueError(f"expected the columns {' and '.join(missing)} in the first line")
    return _rows(rows, names, skipped)


def _rows(
    rows: Iterator[list[str]], names: list[str], skipped: int
) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    while True:
        number = rows.line_num + skipped + 1  # type: ignore[attr-defined]  # it is csv's reader
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, f"expected CSV: {error}"
            return
        if len(row) == len(names):
            yield number, dict(zip(names, row, strict=True))
        elif row:
            yield number, f"expected {len(names)} columns, not {len(row)}"


def _is_for_device(row: Mapping[str, str]) -> bool:
    if row.get(_PRODUCT, "").strip():
        return _number(row, _PRODUCT) == _PER_DEVICE
    return not row.get(_USER, "").strip()


def _is_active(row: Mapping[str, str], as_of: dt.date) -> bool:
    _day(row, _ISSUED)
    expires = _day(row, _EXPIRES)
    return _number(row, _STATUS) == _ACTIVE and (expires is None or expires >= as_of)


def _number(row: Mapping[str, str], name: str) -> int:
    try:
        return int(row[name])
    except ValueError:
        raise _Fault(name, "expected a number") from None


def _day(row: Mapping[str, str], name: str) -> dt.date | None:
    try:
        return day(row.get(name, ""))
    except ValueError as error:
        raise _Fault(name, f"{_EXPECTED}: {error}") from None
