# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and ids of people, organisations and directory objects: parse, check, mask.

Every ``parse_*`` function takes the text of a record and returns its canonical form. It raises
ValueError with a message that says what was expected and never repeats the text, which may be a
personal number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, datetime

MASK = "********-****"
REGION_HSA_PREFIX = "SE2321000214-"
# No name, code or title of the annex or of HSA comes near it.
LONGEST_TEXT = 128
# HSA's surgeryHours: days 1 (Monday) to 7, from, to.
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
OPENING_HOURS = rf"^[1-7](-[1-7])?#{_CLOCK}#({_CLOCK}|24:00)$"
# HSA's hsaCommissionRight: activity;information type;scope.
RIGHT = r"^[^;\s]{1,60};[^;]{1,60};[^;\s]{1,60}$"

# HSA: "SE" + the directory owner's organisation number + "-" + serial, 31 characters in all.
_HSA_ID = re.compile(r"(?:SE|TST[A-Z0-9]*)[0-9]{10}-[A-Za-z0-9]{1,18}")
# [0-9], as \d also takes the digits of other scripts.
_PERSONAL = re.compile(r"([0-9]{8})[-+]?([0-9]{4})")
_ORGANISATION = re.compile(r"([0-9]{6})-?([0-9]{4})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Runs of digits that may be a personal number: 10 or 12 of them, with any separator people type.
_SPELLING = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+ \u00a0\u2010-\u2015\u2212]{0,3}\d{4}(?!\d)")
_SPACES = re.compile(r"\s+")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Earlier than any agreement, later than any that is signed now. A last day far in the future
# would overflow where it becomes a moment.
_FIRST_DAY = date(1990, 1, 1)
_LAST_DAY = date(2199, 12, 31)

_COORDINATION_DAYS = 60


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (SKV 704, ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def parse_personnummer(text: str) -> str:
    """Twelve digits of a personnummer written YYYYMMDDNNNN, YYYYMMDD-NNNN or YYYYMMDD+NNNN."""
    return _parse_person(text, "personnummer", 0)


def parse_samordningsnummer(text: str) -> str:
    """Twelve digits of a samordningsnummer: as a personnummer, with 60 added to the day."""
    return _parse_person(text, "samordningsnummer", _COORDINATION_DAYS)


def parse_personal_number(text: str) -> str:
    """Twelve digits of either kind of number."""
    try:
        return parse_personnummer(text)
    except ValueError:
        return parse_samordningsnummer(text)


def birth_date(number: str) -> date:
    """The date of birth in a canonical personal number."""
    day = int(number[6:8])
    return date(int(number[:4]), int(number[4:6]), day - _COORDINATION_DAYS if day > 31 else day)


def parse_organisation_number(text: str) -> str:
    """Ten digits of an organisation number. A sole trader's is a personnummer: mask it."""
    match = _ORGANISATION.fullmatch(text)
    if match is None:
        raise ValueError("expected an organisationsnummer of 10 digits, NNNNNN-NNNN")
    digits = "".join(match.groups())
    if not luhn_valid(digits):
        raise ValueError("the check digit of the organisationsnummer is wrong")
    return digits


def is_sole_trader(organisation_number: str) -> bool:
    """Whether an organisation number can be somebody's personnummer.

    A legal person's third digit is 2 or more (SKV 709), which no month has as its first digit.
    """
    return organisation_number[2] in "01"


def parse_day(value: object) -> date:
    """A day given as a date, or as text YYYY-MM-DD.

    Nothing else: a number or a time of day would quietly become some other day.
    """
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("expected a day, YYYY-MM-DD")
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise ValueError(f"expected a day from {_FIRST_DAY} to {_LAST_DAY}")
    return value


def parse_hsa_id(text: str) -> str:
    """An HSA-id of production or test form; which prefixes may be used is a rule of the records."""
    if not _HSA_ID.fullmatch(text):
        raise ValueError(
            "expected an HSA-id: SE, 10 digits, a hyphen and 1 to 18 letters A-Z a-z or digits"
        )
    return text


def has_prefix(hsa_id: str, prefixes: Collection[str]) -> bool:
    """Whether the id lies under one of the given prefixes ("SE2321000214-")."""
    return any(hsa_id.startswith(prefix) for prefix in prefixes)


def parse_text(text: str) -> str:
    """A line of text that a directory, a form and a screen show alike, in Unicode's form NFC.

    Control and format characters are refused: a NUL or newline breaks other systems' files, and a
    right-to-left mark makes one name look like another. NFC, as an å that some editors write as
    two characters would differ from the same å elsewhere.
    """
    text = unicodedata.normalize("NFC", text)
    # isprintable is fast and stricter: it refuses other spaces than the common one, too.
    if not text.isprintable() and any(unicodedata.category(c) in _UNPRINTABLE for c in text):
        raise ValueError("expected one line without control or invisible characters")
    if text != text.strip() or not text:
        raise ValueError("expected text without space at its beginning or end")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"expected at most {LONGEST_TEXT} characters")
    return text


def folded(text: str) -> str:
    """The form that all spellings of a text share which a directory takes for one value.

    caseIgnoreMatch of RFC 4517: case, outer space and the number of inner spaces do not matter.
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def parse_opening_hours(text: str) -> str:
    """Opening hours in the form of HSA's surgeryHours."""
    if not re.fullmatch(OPENING_HOURS, text):
        raise ValueError("expected opening hours as days#from#to, for example 1-5#08:00#17:00")
    return text


def parse_right(text: str) -> str:
    """A right of a commission in the form of HSA's hsaCommissionRight."""
    text = parse_text(text)
    if not re.fullmatch(RIGHT, text):
        raise ValueError(
            "expected a right as activity;information type;scope, for example Läsa;alla;SJF"
        )
    return text


def mask(text: str) -> str:
    """The text with every personal number in it replaced, whichever way it is spelled.

    HSA-ids are kept: the digits in them are an organisation's.
    """
    kept = [match.span() for match in _HSA_ID.finditer(text)]

    def hide(match: re.Match[str]) -> str:
        inside = any(start <= match.start() and match.end() <= end for start, end in kept)
        return match.group() if inside or not _may_be_personal(match.group()) else MASK

    return _SPELLING.sub(hide, text)


def spellings(number: str) -> Iterator[str]:
    """Every way a canonical personal number is commonly written; for tests that look for them."""
    for digits in (number, number[2:]):
        for separator in ("", "-", "+", " "):
            yield digits[:-4] + separator + digits[-4:]


def _parse_person(text: str, kind: str, added_days: int) -> str:
    match = _PERSONAL.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a {kind} of 12 digits, YYYYMMDD-NNNN")
    digits = "".join(match.groups())
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]) - added_days)
    except ValueError:
        raise ValueError(f"the {kind} holds no valid date") from None
    if not luhn_valid(digits[2:]):
        raise ValueError(f"the check digit of the {kind} is wrong")
    return digits


def _may_be_personal(spelling: str) -> bool:
    digits = re.sub(r"\D", "", spelling)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    return 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)
