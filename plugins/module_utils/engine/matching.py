# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Matching rules: when two values of an attribute are the same value.

Each rule is a function from a value to a form that equal values share (RFC 4517 section 4.2,
string preparation by RFC 4518 as far as it matters here). A server takes such values for one: it
deletes any of them where another is named, and refuses a second one.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from ..records import identifiers

Rule = Callable[[str], str]

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(?:[.,]0+)?(Z|[+-]\d{2}(?:\d\d)?)")


def exact(value: str) -> str:
    """caseExactMatch for values that we wrote ourselves."""
    return value


def spelled(value: str) -> str:
    """What people read is the same only where it is spelled alike.

    Unicode's forms of one letter look alike, so they are no spellings of their own (NFC).
    """
    return unicodedata.normalize("NFC", value)


def case_ignore(value: str) -> str:
    """caseIgnoreMatch: case, outer space and the number of inner spaces do not matter."""
    return identifiers.folded(value)


def telephone(value: str) -> str:
    """telephoneNumberMatch: spaces and hyphens do not matter."""
    return re.sub(r"[\s-]", "", value).casefold()


def numeric(value: str) -> str:
    """numericStringMatch: spaces do not matter."""
    return value.replace(" ", "")


def generalized_time(value: str) -> str:
    """generalizedTimeMatch: the moment in UTC, whatever zone it is written in.

    A value that is no GeneralizedTime is compared as text: a server may hold one, and a plan that
    replaces it is right.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        return value
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        moment = dt.datetime(
            int(year), int(month), int(day), int(hour), int(minute or 0), int(second or 0)
        )
        return (moment - _offset(zone)).strftime("%Y%m%d%H%M%SZ")
    except (ValueError, OverflowError):
        return value


def distinguished_name(value: str, rule: Rule = case_ignore) -> str:
    """distinguishedNameMatch, for names written with RFC 4514 escapes."""
    return ",".join(
        "+".join(sorted(f"{kind.casefold()}={escape(rule(text))}" for kind, text in rdn))
        for rdn in split_dn(value)
    )


def alike(dn: str, other: str) -> bool:
    """Whether two DNs are spelled alike, however what is special in them is escaped."""
    return dn == other or len({distinguished_name(name, spelled) for name in (dn, other)}) == 1


def _offset(zone: str) -> dt.timedelta:
    if zone == "Z":
        return dt.timedelta()
    minutes = int(zone[1:3]) * 60 + int(zone[3:5] or 0)
    return dt.timedelta(minutes=-minutes if zone[0] == "-" else minutes)


# --- distinguished names (RFC 4514) --------------------------------------------------------------

_SPECIAL = frozenset('"+,;<>\\=')


def escape(value: str) -> str:
    """An attribute value as it stands in a DN (RFC 4514 section 2.4).

    An own function because ldap3's escape_rdn raises on an empty value and mangles NUL.
    """
    escaped = "".join(
        "\\00" if character == "\0" else "\\" + character if character in _SPECIAL else character
        for character in value
    )
    if escaped.startswith((" ", "#")):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and value != " ":
        escaped = escaped[:-1] + "\\ "
    return escaped


def rdn(*pairs: tuple[str, str]) -> str:
    """A relative DN of one or more attribute types and values."""
    return "+".join(f"{kind}={escape(value)}" for kind, value in pairs)


def split_dn(dn: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """A DN as relative DNs, each of (attribute type, unescaped value) pairs.

    Raises ValueError where it is not a DN.
    """
    if not dn:
        return ()
    return tuple(tuple(_split_pair(pair) for pair in _split(part, "+")) for part in _split(dn, ","))


def parent(dn: str) -> str:
    """The DN without its first relative DN; "" for a DN of one."""
    return dn[len(first_rdn(dn)) + 1 :]


def first_rdn(dn: str) -> str:
    """The first relative DN, as it is written."""
    first = dn.partition(",")[0]
    return first if "\\" not in first else _split(dn, ",")[0]


def is_below(dn: str, base: str) -> bool:
    """Whether an entry lies below the base."""
    return _is_in(parent(dn), base)


# Thousands of entries share a parent, and taking a name apart is slow.
@lru_cache(maxsize=4096)
def _is_in(dn: str, base: str) -> bool:
    name, root = distinguished_name(dn), distinguished_name(base)
    return name == root or name.endswith("," + root)


def _split(text: str, separator: str) -> list[str]:
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == separator:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def _split_pair(pair: str) -> tuple[str, str]:
    kind, equals, value = pair.partition("=")
    if not equals or not kind.strip():
        raise ValueError("expected a distinguished name: attribute=value, ...")
    return kind.strip(), _unescape(value.lstrip(" "))


def _unescape(value: str) -> str:
    raw, position = bytearray(), 0
    while position < len(value):
        if value[position] != "\\":
            raw += value[position].encode()
            position += 1
        elif re.fullmatch(r"[0-9A-Fa-f]{2}", value[position + 1 : position + 3]):
            raw.append(int(value[position + 1 : position + 3], 16))
            position += 3
        else:
            raw += value[position + 1 : position + 2].encode()
            position += 2
    return raw.decode("utf-8", "surrogateescape")
