# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message says was expected is taken, and what it excludes is refused.

Each message stands here beside a reading of its words that shares nothing with the check. Random
texts near to what it asks for must be taken exactly when the words do.
"""

from __future__ import annotations

import datetime as dt
import json
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import inbox
from ansible_collections.regionjh.halsoval.plugins.module_utils.records import (
    identifiers,
    model,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.validation import expectation

LETTERS, DIGITS = string.ascii_letters, string.digits
# Characters that look like others, or become them in capitals, and some that show nothing.
ODD = "åÅßſıﬀ١２\u00a0\u200b\u3164\ufe0f\n\t\"'\\/_"


@dataclass(frozen=True)
class Message:
    """Words, what they promise, the check, and texts that they call to mind."""

    words: str
    promises: Callable[[str], bool]
    check: Callable[[str], Any]
    texts: tuple[str, ...]


def field(kind: type, name: str, base: str = "{}") -> Callable[[str], Any]:
    """The check of a field of the model, with the words of the controller."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def check(text: str) -> Any:
        made = json.loads(base) | {name: text}
        try:
            return adapter.validate_json(json.dumps(made), strict=True)
        except ValidationError as error:
            (found,) = error.errors(include_url=False, include_input=False)
            raise ValueError(expectation(found["type"], found.get("ctx", {}))) from None

    return check


def only(text: str, characters: str) -> bool:
    return bool(text) and all(character in characters for character in text)


def is_id(text: str) -> bool:
    return (
        2 <= len(text) <= 40
        and only(text, string.ascii_lowercase + DIGITS + "-")
        and text[0] in string.ascii_lowercase
        and text[-1] != "-"
    )


def is_computer(text: str) -> bool:
    return len(text) <= 15 and only(text, LETTERS + DIGITS + "-") and text[0] != "-"


def is_phone(text: str) -> bool:
    number = text.removeprefix("+")
    return (
        3 <= len(number) <= 31
        and only(number, DIGITS + " -()")
        and number[0] in DIGITS
        and number[-1] in DIGITS
    )


def is_mail(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text) <= 254
        and all(only(atom, LETTERS + DIGITS + "!#$%&'*+-/=?^_`{|}~") for atom in name.split("."))
        and len(labels) > 1
        and all(only(label, LETTERS + DIGITS + "-") for label in labels)
        and not any("-" in (label[0], label[-1]) for label in labels)
    )


def is_ipv4(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(
        only(part, DIGITS) and str(int(part)) == part and int(part) < 256 for part in parts
    )


def is_mac(text: str) -> bool:
    pairs = text.replace("-", ":").split(":")
    return len(pairs) == 6 and all(
        len(pair) == 2 and only(pair, string.hexdigits) for pair in pairs
    )


def is_peppol(text: str) -> bool:
    scheme, _colon, rest = text.partition(":")
    return len(scheme) == 4 and only(scheme, DIGITS) and len(rest) <= 50 and only(
        rest, LETTERS + DIGITS
    )  # fmt: skip


def is_postal_code(text: str) -> bool:
    digits = text[:3] + text[3:].removeprefix(" ")
    return len(digits) == 5 and only(digits, DIGITS)


def is_hsa_id(text: str) -> bool:
    owner, _hyphen, serial = text.partition("-")
    kind = owner[:-10]
    return (
        len(text) <= 31
        and only(owner[-10:], DIGITS)
        and (kind == "SE" or (kind[:3] == "TST" and only(kind, string.ascii_uppercase + DIGITS)))
        and len(owner[-10:]) == 10
        and len(serial) <= 18
        and only(serial, LETTERS + DIGITS)
    )


def is_day(text: str) -> bool:
    parts = text.split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(only(p, DIGITS) for p in parts):
        return False
    try:
        return "1990-01-01" <= dt.date(*map(int, parts)).isoformat() <= "2199-12-31"
    except ValueError:
        return False


def is_hours(text: str) -> bool:
    days, *times = text.split("#")
    first, _hyphen, last = days.partition("-")
    return (
        days in (first, f"{first}-{last}")
        and all(len(day) == 1 and day in "1234567" for day in (first, last or first))
        and days != f"{first}-"
        and first <= (last or first)
        and len(times) == 2
        and all(map(is_time, times))
        and times[0] < times[1] <= "24:00"
    )


def is_time(text: str) -> bool:
    hour, _colon, minute = text.partition(":")
    return (
        len(hour) == len(minute) == 2
        and only(hour + minute, DIGITS)
        and (int(hour) < 24 or text == "24:00")
        and int(minute) < 60
    )


def is_right(text: str) -> bool:
    parts = text.split(";")
    return (
        len(parts) == 3
        and all(0 < len(part) <= 60 and part == part.strip() for part in parts)
        and not any(map(str.isspace, parts[0] + parts[2]))
        and is_line(text, 182)
    )


# Characters that no screen shows, or that change the line or the direction.
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def is_line(text: str, most: int = 128) -> bool:
    return (
        0 < len(text.encode("utf-16-le")) <= 2 * most
        and text == text.strip()
        and not any(unicodedata.category(c) in HIDDEN or c in "\u3164\ufe0f" for c in text)
    )


def is_order(text: str) -> bool:
    groups = text.split("-")
    return len(groups) == 4 and all(len(g) == 4 and only(g, LETTERS + "234567") for g in groups)


def is_card_number(text: str) -> bool:
    number = text.replace(" ", "")
    return 4 <= len(number) <= 32 and only(number, LETTERS + DIGITS + "-")


def is_hexadecimal(text: str) -> bool:
    digits = text.replace(":", "").replace(" ", "")
    return len(digits) in range(2, 65, 2) and only(digits, string.hexdigits)


def is_code(text: str) -> bool:
    return len(text) <= 64 and only(text, LETTERS + DIGITS + " _.,;-")


def is_state(states: tuple[str, ...], text: str) -> bool:
    return text.casefold() in states


WORKSTATION = '{"name": "PC", "unit": "vc"}'
MESSAGES = {
    "id": Message(
        "expected 2 to 40 of a-z, 0-9 and hyphens, a letter first and no hyphen last",
        is_id, field(model.Unit, "id", '{"name": "A"}'), ("vc", "a" * 40, "a-1", "1a", "a-"),
    ),
    "computer": Message(
        "expected a computer name of 1 to 15 of A-Z, a-z, 0-9 and hyphens, no hyphen first",
        is_computer, field(model.Workstation, "name", WORKSTATION), ("PC-1", "9" * 15, "-a", "a-"),
    ),
    "phone": Message(
        "expected a telephone number of 3 to 31 digits, spaces, hyphens and brackets, a digit "
        "first and last, or + before it",
        is_phone, field(model.Contact, "phone", '{"name": "A"}'),
        ("+46 (0)63-12 34 56", "112", "+" + "1" * 31, "(063) 12", "063-", "+", "063 12 "),
    ),
    "mail": Message(
        "expected an e-mail address of ASCII letters, digits and signs, name@example.se",
        is_mail, field(model.Contact, "mail", '{"name": "A"}'),
        ("name@example.se", "a.b+c'd@x-y.z1", ".a@b.se", "a..b@b.se", "a@-b.se", "a@b", "å@b.se"),
    ),
    "ipv4": Message(
        "expected an IPv4 address, 192.0.2.1",
        is_ipv4, field(model.Workstation, "ip", WORKSTATION),
        ("192.0.2.1", "255.255.255.255", "0.0.0.0", "01.2.3.4", "256.1.1.1", "1.2.3"),
    ),
    "mac": Message(
        "expected a MAC address, 00:11:22:33:44:55",
        is_mac, field(model.Workstation, "mac", WORKSTATION),
        ("00:11:22:33:44:55", "aA-bB-cC-dD-eE-fF", "0:1:2:3:4:5"),
    ),
    "peppol": Message(
        "expected a Peppol id: four digits, a colon, 1 to 50 of A-Z, a-z and 0-9",
        is_peppol, field(model.Invoice, "peppol", '{"reference": "A"}'),
        ("0007:5520000018", "0007:", "007:1", "0007:" + "a" * 50),
    ),
    "postal code": Message(
        "expected a postal code of five digits, 831 31",
        is_postal_code, field(model.Address, "postal_code", '{"lines": ["A"], "city": "B"}'),
        ("831 31", "83131", "83 131", "831  31"),
    ),
    "HSA-id": Message(
        "expected an HSA-id: SE, 10 digits, a hyphen and 1 to 18 letters A-Z a-z or digits; in "
        "tests TST and letters A-Z or digits for SE, 31 characters in all",
        is_hsa_id, identifiers.parse_hsa_id,
        ("SE2321000214-1", "TSTNMT2321000156-1003", "SE2321000214-" + 18 * "a",
         "TST" + 5 * "A" + "2321000156-123456789012", "TST" + 6 * "A" + "2321000156-123456789012"),
    ),
    "day": Message(
        "expected a day", is_day, identifiers.parse_day,
        ("2026-02-28", "2024-02-29", "2026-02-30", "1989-12-31", "2199-12-31", "2026-13-01"),
    ),
    "hours": Message(
        "expected", is_hours, identifiers.parse_opening_hours,
        ("1-5#08:00#17:00", "7#00:00#24:00", "5-5#08:00#15:30", "5-1#08:00#17:00",
         "1#17:00#08:00", "1#08:00#08:00", "1#08:00#24:01", "1#23:59#24:00", "1#24:00#24:00"),
    ),
    "right": Message(
        "expected", is_right, identifiers.parse_right,
        ("Läsa;alla;SJF", "Läsa;alla vårdtyper;SJF", "Läsa; ;SJF", "Läsa;alla ;SJF", "L a;b;c",
         ";".join(3 * [60 * "a"]), ";".join(3 * [61 * "a"])),
    ),
    "text": Message(
        "expected", lambda text: is_line(unicodedata.normalize("NFC", text)),
        identifiers.parse_text, ("Åre", "", " a", 128 * "å", 129 * "å", 64 * "🙂", 65 * "🙂"),
    ),
    "order": Message(
        "expected an order's number: four groups of four letters A-Z and digits 2-7, hyphens "
        "between them",
        is_order, inbox._PARSERS["order"],
        ("ABCD-2345-abcd-EFGH", "ABCD2345ABCDEFGH", "ßß-ABCD-ABCD-ABCD", "ſABC-ABCD-ABCD-ABCD"),
    ),
    "card number": Message(
        "expected 4 to 32 letters A-Z, digits and hyphens",
        is_card_number, inbox._PARSERS["card_number"], ("9752 2698-7654", "abc", "å123"),
    ),
    "hexadecimal": Message(
        "expected 1 to 32 pairs of hexadecimal digits",
        is_hexadecimal, inbox._PARSERS["serial"], ("0a:1B", "0a 1b", "abc", "ﬀ", 32 * "ab", ""),
    ),
    "code": Message(
        "expected a code: at most 64 letters A-Z, digits, spaces, and _ . , ; -",
        is_code, inbox._PARSERS["code"], ("a b_1.2,3;4-5", 64 * "a", 65 * "a", "å"),
    ),
    "state": Message(
        "expected one of skickad, aktiv, utförd, avslagen",
        partial(is_state, ("skickad", "aktiv", "utförd", "avslagen")),
        partial(inbox._state, inbox._SWEDISH_STATES), ("skickad", "UTFÖRD", "sent", ""),
    ),
}  # fmt: skip


@st.composite
def near(draw: st.DrawFn, texts: tuple[str, ...]) -> str:
    """One of the texts with up to three characters more, fewer or other."""
    text = draw(st.sampled_from(texts))
    alphabet = sorted({*"".join(texts), *ODD, "0", "9", "-", " ", "a", "Z"})
    for _change in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        stop = min(start + draw(st.integers(0, 1)), len(text))
        text = text[:start] + draw(st.sampled_from(["", *alphabet])) + text[stop:]
    return text


@pytest.mark.parametrize("name", MESSAGES)
@given(data=st.data())
def test_what_a_message_promises_is_taken_and_nothing_else(name: str, data: st.DataObject) -> None:
    message = MESSAGES[name]
    _taken_as_promised(message, data.draw(near(message.texts) | st.text(max_size=8)))


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, m in MESSAGES.items() for text in m.texts]
)
def test_what_stands_at_the_edge_of_a_message_is_taken_as_it_says(name: str, text: str) -> None:
    _taken_as_promised(MESSAGES[name], text)


def _taken_as_promised(message: Message, text: str) -> None:
    refused = _refusal(message.check, text)
    assert message.promises(text) == (refused is None)
    # A second word of the same field.
    assert refused is None or refused.startswith((message.words, "expected at most 254 characters"))


def _refusal(check: Callable[[str], Any], text: str) -> str | None:
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return None
