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
from calendar import monthrange
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import date, datetime

MASK = "********-****"
REGION_HSA_PREFIX = "SE2321000214-"
# No name, code or title of the annex or of HSA comes near it.
LONGEST_TEXT = 128
# No character stands for more than so many in Unicode's form NFC, so no text shrinks further.
_SHRINKS = 4
_LONGEST_RIGHT = 3 * 60 + 2
_LONGEST_HSA_ID = 31
# HSA's surgeryHours: days 1 (Monday) to 7, from, to.
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
OPENING_HOURS = rf"^[1-7](-[1-7])?#{_CLOCK}#({_CLOCK}|24:00)$"
# HSA's hsaCommissionRight: activity;information type;scope, none of them empty.
RIGHT = r"^[^;\s]{1,60};[^;\s]([^;]{0,58}[^;\s])?;[^;\s]{1,60}$"

# A host of such a name would hide others, or be hidden: Ansible's own groups, its name for the
# controller, and the inventory's group of all providers. Its other groups hold a _, as no id does.
RESERVED_IDS = ("all", "localhost", "providers", "ungrouped")

# HSA: "SE" + the directory owner's organisation number + "-" + serial, 31 characters in all.
_HSA_ID = re.compile(r"(?:SE|TST[A-Z0-9]{0,16})[0-9]{10}-[A-Za-z0-9]{1,18}")
# [0-9], as \d also takes the digits of other scripts.
_PERSONAL = re.compile(r"([0-9]{8})[-+]?([0-9]{4})")
_ORGANISATION = re.compile(r"([0-9]{6})-?([0-9]{4})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Runs of digits that may be a personal number: 10 or 12 of them, with any separator people type.
# Neither this pattern nor the one above repeats without a limit: masking takes linear time.
_SPELLING = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+ \u00a0\u2010-\u2015\u2212]{0,3}\d{4}(?!\d)")
_SPACES = re.compile(r"\s+")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Letters and marks that show nothing (Unicode: Default_Ignorable_Code_Point, and the empty Braille
# pattern); of those that are left, the categories above hold.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

# Earlier than any agreement, later than any that is signed now. A last day far in the future
# would overflow where it becomes a moment.
_FIRST_DAY = date(1990, 1, 1)
_LAST_DAY = date(2199, 12, 31)

_MONTHS, _COORDINATION_DAYS = 12, 60
# The centuries that a personal number is stored with are 18, 19 and 20 (the tax agency's
# Rättslig vägledning on 18 § folkbokföringslagen). Numbers exist since 1947; nobody who was born
# before 1800 ever got one.
_FIRST_YEAR_OF_BIRTH = 1800


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others (SKV 704, ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def parse_personnummer(text: str) -> str:
    """Twelve digits of a personnummer written YYYYMMDDNNNN, YYYYMMDD-NNNN or YYYYMMDD+NNNN."""
    digits = _twelve_digits(text, "personnummer")
    if is_coordination_number(digits):
        raise ValueError("expected a personnummer: a day from 60 on makes a samordningsnummer")
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        raise ValueError("the personnummer holds no valid date") from None
    return _checked_number(digits, "personnummer")


def parse_samordningsnummer(text: str) -> str:
    """Twelve digits of a samordningsnummer: as a personnummer, with 60 added to the day.

    Month and day may be 00, where the tax agency does not know them, and the day may be one that
    the month does not have: the agency gives out all three (its Testsamordningsnummer).
    """
    digits = _twelve_digits(text, "samordningsnummer")
    if not is_coordination_number(digits) or int(digits[4:6]) > _MONTHS:
        raise ValueError("expected a samordningsnummer: a month of 00 to 12 and a day of 60 to 91")
    return _checked_number(digits, "samordningsnummer")


def parse_personal_number(text: str) -> str:
    """Twelve digits of either kind of number, which its day tells."""
    digits = _twelve_digits(text, "personnummer or samordningsnummer")
    if is_coordination_number(digits):
        return parse_samordningsnummer(digits)
    return parse_personnummer(digits)


def is_coordination_number(number: str) -> bool:
    """Whether twelve digits are, by their day, a samordningsnummer."""
    return _COORDINATION_DAYS <= int(number[6:8]) <= _COORDINATION_DAYS + 31


def birth_days(number: str) -> tuple[date, date]:
    """The first and the last day that the holder of a canonical number can be born on.

    They differ for a samordningsnummer that leaves month or day open, or has a day that its month
    does not have: then it may be any day of the month, or of the year. Whoever decides by age
    takes the last day, which makes nobody older than they are.
    """
    year, month, day = int(number[:4]), int(number[4:6]), int(number[6:8]) % _COORDINATION_DAYS
    with suppress(ValueError):
        return (date(year, month, day),) * 2
    first, last = (month, month) if month else (1, _MONTHS)
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


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
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a day that the calendar has") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("expected a day, YYYY-MM-DD")
    if not _FIRST_DAY <= value <= _LAST_DAY:
        raise ValueError(f"expected a day from {_FIRST_DAY} to {_LAST_DAY}")
    return value


def parse_hsa_id(text: str) -> str:
    """An HSA-id of production or test form; which prefixes may be used is a rule of the records."""
    if not _HSA_ID.fullmatch(text) or len(text) > _LONGEST_HSA_ID:
        raise ValueError(
            "expected an HSA-id: SE, 10 digits, a hyphen and 1 to 18 letters A-Z a-z or digits; "
            "in tests TST and letters A-Z or digits for SE, 31 characters in all"
        )
    return text


def has_prefix(hsa_id: str, prefixes: Collection[str]) -> bool:
    """Whether the id lies under one of the given prefixes ("SE2321000214-")."""
    return any(hsa_id.startswith(prefix) for prefix in prefixes)


def parse_provider_id(text: str) -> str:
    """A provider's id as it stands; its form is the field's pattern."""
    if text in RESERVED_IDS:
        raise ValueError(f"expected another word than {', '.join(RESERVED_IDS)}: Ansible has them")
    return text


def parse_text(text: str, most: int = LONGEST_TEXT, why: str = "") -> str:
    """A line of text that a directory, a form and a screen show alike, in Unicode's form NFC.

    Control and format characters are refused: a NUL or newline breaks other systems' files, and a
    right-to-left mark makes one name look like another. NFC, as an å that some editors write as
    two characters would differ from the same å elsewhere. `why` says what takes no more than
    `most` characters.
    """
    # Before it is normalized, which takes quadratic time for a text of many marks.
    if len(text) > _SHRINKS * most:
        raise ValueError(_too_long(most, why))
    text = unicodedata.normalize("NFC", text)
    if visible(text) != text:
        raise ValueError("expected one line without control or invisible characters")
    if not text:
        raise ValueError("expected text, not an empty one")
    if text != text.strip():
        raise ValueError("expected text without space at its beginning or end")
    if len(text) > most:
        raise ValueError(_too_long(most, why))
    if utf16_length(text) > most:
        raise ValueError(f"expected at most {most} characters, rare ones such as emoji count twice")
    return text


def utf16_length(text: str) -> int:
    """How many characters AD counts: those beyond U+FFFF, such as emoji, are two in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def folded(text: str) -> str:
    """The form that all spellings of a text share which a directory takes for one value.

    caseIgnoreMatch of RFC 4517: case, outer space and the number of inner spaces do not matter.
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def parse_opening_hours(text: str) -> str:
    """Opening hours in the form of HSA's surgeryHours."""
    if not re.fullmatch(OPENING_HOURS, text):
        raise ValueError("expected opening hours as days#from#to, for example 1-5#08:00#17:00")
    days, start, end = text.split("#")
    if days[0] > days[-1]:
        raise ValueError("expected the days of opening hours in the order of the week, 1 to 7")
    if start >= end:
        raise ValueError("expected opening hours that end after they begin, 24:00 at the latest")
    return text


def parse_right(text: str) -> str:
    """A right of a commission in the form of HSA's hsaCommissionRight."""
    text = parse_text(text, _LONGEST_RIGHT)
    if not re.fullmatch(RIGHT, text):
        raise ValueError(
            "expected a right as activity;information type;scope, for example Läsa;alla;SJF: "
            "1 to 60 characters each, spaces only within the information type"
        )
    return text


def mask(text: str) -> str:
    """The text with every personal number in it replaced, whichever way it is spelled.

    HSA-ids are kept: the digits in them are an organisation's.
    """
    kept = deque(match.span() for match in _HSA_ID.finditer(text))

    def hide(match: re.Match[str]) -> str:
        while kept and kept[0][1] < match.end():
            kept.popleft()
        inside = bool(kept) and kept[0][0] <= match.start()
        return match.group() if inside or not _may_be_personal(match.group()) else MASK

    return _SPELLING.sub(hide, text)


def visible(text: str) -> str:
    """The text with every character written out that a screen obeys, or does not show.

    A terminal obeys escape sequences, and turns text round at a right-to-left mark: what somebody
    wrote into a directory would pass for something else.
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(_written_out(c) if _is_hidden(c) else c for c in text)


def shown(text: str) -> str:
    """What others wrote, as it may stand in one line of output: masked, and all of it visible."""
    return visible(mask(text))


def spellings(number: str) -> Iterator[str]:
    """Every way a canonical personal number is commonly written; for tests that look for them."""
    for digits in (number, number[2:]):
        for separator in ("", "-", "+", " "):
            yield digits[:-4] + separator + digits[-4:]


def _twelve_digits(text: str, kind: str) -> str:
    match = _PERSONAL.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a {kind} of 12 digits, YYYYMMDD-NNNN")
    return "".join(match.groups())


def _checked_number(digits: str, kind: str) -> str:
    """The number, if what is alike in both kinds holds: year, birth number and check digit."""
    if int(digits[:4]) < _FIRST_YEAR_OF_BIRTH:
        raise ValueError(f"expected a {kind} of a year from {_FIRST_YEAR_OF_BIRTH} on")
    if digits[8:11] == "000":
        raise ValueError(f"expected 001 to 999 as the three digits after the day of the {kind}")
    if not luhn_valid(digits[2:]):
        raise ValueError(f"the check digit of the {kind} is wrong")
    return digits


def _too_long(most: int, why: str) -> str:
    return ": ".join(filter(None, (f"expected at most {most} characters", why)))


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _UNPRINTABLE or bool(_INVISIBLE.match(character))


def _written_out(character: str) -> str:
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"


def _may_be_personal(spelling: str) -> bool:
    digits = re.sub(r"\D", "", spelling)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6])
    if _COORDINATION_DAYS <= day <= _COORDINATION_DAYS + 31:
        return month <= _MONTHS
    return 1 <= month <= _MONTHS and 1 <= day <= 31
