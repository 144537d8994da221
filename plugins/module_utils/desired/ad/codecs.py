# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AD stores in another form than is compared: logon flags, moments, the password, SIDs."""

from __future__ import annotations

import datetime as dt
import secrets
import struct
from contextlib import suppress

from ...engine.plan import Codec, Values
from ...records.lifecycle import STOCKHOLM

# --- userAccountControl --------------------------------------------------------------------------

ENABLED, NORMAL, SMARTCARD = "ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"

_DISABLED_BIT = 0x2
# MS-ADTS 2.2.16. A bit without a name stands for itself.
_BITS = {
    0x10: "LOCKOUT",
    0x20: "PASSWD_NOTREQD",
    0x40: "PASSWD_CANT_CHANGE",
    0x80: "ENCRYPTED_TEXT_PASSWORD_ALLOWED",
    0x200: NORMAL,
    0x800: "INTERDOMAIN_TRUST_ACCOUNT",
    0x1000: "WORKSTATION_TRUST_ACCOUNT",
    0x2000: "SERVER_TRUST_ACCOUNT",
    0x10000: "DONT_EXPIRE_PASSWD",
    0x40000: SMARTCARD,
    0x80000: "TRUSTED_FOR_DELEGATION",
    0x100000: "NOT_DELEGATED",
    0x200000: "USE_DES_KEY_ONLY",
    0x400000: "DONT_REQUIRE_PREAUTH",
    0x800000: "PASSWORD_EXPIRED",
    0x1000000: "TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION",
    0x4000000: "PARTIAL_SECRETS_ACCOUNT",
}
_NAMES = {name: bit for bit, name in _BITS.items()}

# The bits that let somebody in without the card, or let the account act for others or as a machine.
WEAKENING = frozenset(
    (
        "PASSWD_NOTREQD", "ENCRYPTED_TEXT_PASSWORD_ALLOWED", "INTERDOMAIN_TRUST_ACCOUNT",
        "WORKSTATION_TRUST_ACCOUNT", "SERVER_TRUST_ACCOUNT", "TRUSTED_FOR_DELEGATION",
        "USE_DES_KEY_ONLY", "DONT_REQUIRE_PREAUTH", "TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION",
        "PARTIAL_SECRETS_ACCOUNT",
    )
)  # fmt: skip


def _flags(values: Values) -> Values:
    """The bits by name. ENABLED stands for the absence of its bit: losing it is a loss."""
    number = int(values[0]) & 0xFFFFFFFF  # AD's integers have a sign
    bits = [1 << place for place in range(number.bit_length()) if number & 1 << place]
    enabled = () if number & _DISABLED_BIT else (ENABLED,)
    named = (_BITS.get(bit, str(bit)) for bit in bits if bit != _DISABLED_BIT)
    return (*enabled, *named) or ("0",)


def _number(flags: Values) -> Values:
    if not flags:
        return ()
    bits = (_NAMES.get(flag) or int(flag) for flag in flags if flag != ENABLED)
    number = sum(bits) + (0 if ENABLED in flags else _DISABLED_BIT)
    return (str(number - (1 << 32) if number >> 31 else number),)


FLAGS = Codec(_flags, _number)


# --- accountExpires ------------------------------------------------------------------------------

NEVER = "never"

_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_SECOND = 10_000_000  # 100 ns
_ISO = "%Y-%m-%dT%H:%M:%SZ"


def moment(when: dt.datetime) -> str:
    """A moment as this attribute shows it, in UTC."""
    return when.astimezone(dt.UTC).strftime(_ISO)


def _shown(ticks: str) -> str:
    if ticks == "0":
        return NEVER
    if ticks == "9223372036854775807":
        return f"{NEVER} ({ticks})"
    seconds, rest = divmod(int(ticks), _SECOND)
    try:
        return ticks if rest or seconds < 0 else moment(_EPOCH + dt.timedelta(seconds=seconds))
    except OverflowError:
        return ticks


def _ticks(shown: str) -> str:
    if shown == NEVER:
        return "0"
    if shown.startswith(NEVER):
        return shown.removeprefix(NEVER).strip(" ()")
    if "T" not in shown:
        return shown
    when = dt.datetime.strptime(shown, _ISO).replace(tzinfo=dt.UTC)
    return str(int((when - _EPOCH).total_seconds()) * _SECOND)


def moment_form(shown: str) -> str:
    """0 and the largest number both mean never (MS-ADA1 2.1)."""
    return NEVER if shown.startswith(NEVER) else shown


EXPIRY = Codec(lambda values: tuple(map(_shown, values)), lambda values: tuple(map(_ticks, values)))


# --- lastLogonTimestamp, whenCreated -------------------------------------------------------------


def day_of_ticks(ticks: str | None) -> dt.date | None:
    """The day of a moment in 100 ns since 1601, None where there is none (0) or nobody can tell."""
    with suppress(ValueError, OverflowError):
        seconds = int(ticks or 0) // _SECOND
        if seconds > 0:
            return (_EPOCH + dt.timedelta(seconds=seconds)).astimezone(STOCKHOLM).date()
    return None


def day_of_time(text: str | None) -> dt.date | None:
    """The day of a GeneralizedTime in UTC, as AD writes it (20260302090000.0Z), else None."""
    with suppress(ValueError):
        moment = dt.datetime.strptime((text or "")[:14], "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
        return moment.astimezone(STOCKHOLM).date()
    return None


# --- objectSid -----------------------------------------------------------------------------------


def _sid(values: Values) -> Values:
    """S-1-…, of the octets that stand for it (MS-DTYP 2.4.2.2)."""
    octets = values[0].encode("utf-8", "surrogateescape")
    parts = struct.unpack(f"<{octets[1]}I", octets[8:])
    return ("-".join(map(str, ("S", octets[0], int.from_bytes(octets[2:8], "big"), *parts))),)


def _octets(sid: Values) -> Values:
    revision, authority, *parts = map(int, sid[0].split("-")[1:])
    head = bytes((revision, len(parts))) + authority.to_bytes(6, "big")
    octets = head + struct.pack(f"<{len(parts)}I", *parts)
    return (octets.decode("utf-8", "surrogateescape"),)


SID = Codec(_sid, _octets)


# --- unicodePwd ----------------------------------------------------------------------------------


def random_password() -> str:
    """A password that nobody knows, quoted and in UTF-16-LE (MS-ADTS 3.1.1.3.1.5.1).

    Its end answers every rule on kinds of characters. The rest is digits, since AD refuses one
    that holds a part of the person's name (MS-SAMR 3.1.1.7.2): so many that none is ever guessed
    (132 bits), and no more, for the server hashes it some thousand times over before it puts a
    password of its own in its place, as the card is required.
    """
    return f'"{secrets.randbelow(10**40):040}Aa1-"'.encode("utf-16-le").decode("ascii")
