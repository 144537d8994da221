# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AD stores in another form than is compared: logon flags, expiry, the password, SIDs."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import schema
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Codec, Values
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT

SCHEMA = {attribute.name: attribute for attribute in schema(AD_LAYOUT)}
FOREVER = "9223372036854775807"


def codec(name: str) -> Codec:
    """How an attribute is stored."""
    found = SCHEMA[name].codec
    assert found is not None
    return found


def shown(name: str, *stored: str) -> Values:
    return codec(name).decode(stored)


def stored(name: str, *values: str) -> Values:
    return codec(name).encode(values)


# --- userAccountControl --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "flags"),
    [
        ("512", {"ENABLED", "NORMAL_ACCOUNT"}),
        ("514", {"NORMAL_ACCOUNT"}),
        ("262656", {"ENABLED", "NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"}),
        ("262658", {"NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"}),
        ("66048", {"ENABLED", "NORMAL_ACCOUNT", "DONT_EXPIRE_PASSWD"}),
        ("546", {"NORMAL_ACCOUNT", "PASSWD_NOTREQD"}),
        ("67109376", {"ENABLED", "NORMAL_ACCOUNT", "PARTIAL_SECRETS_ACCOUNT"}),
        # A bit without a name stands for itself.
        ("134218240", {"ENABLED", "NORMAL_ACCOUNT", "134217728"}),
    ],
)
def test_user_account_control_is_compared_by_its_bits(number: str, flags: set[str]) -> None:
    assert set(shown("userAccountControl", number)) == flags
    assert stored("userAccountControl", *flags) == (number,)


@given(st.integers(0, 2**31 - 1).filter(lambda number: number != 2))
@example(0)
def test_user_account_control_loses_no_bit_on_the_way(number: int) -> None:
    assert stored("userAccountControl", *shown("userAccountControl", str(number))) == (str(number),)


# AD gives every account a bit of its kind, and stores a signed integer (MS-ADTS 2.2.16).
@pytest.mark.parametrize("number", ["2", str(512 - 2**31)], ids=["no kind", "highest bit"])
def test_a_user_account_control_that_makes_no_sense_is_still_a_value(number: str) -> None:
    assert stored("userAccountControl", *shown("userAccountControl", number)) == (number,)


@given(st.integers(0, 2**31 - 1), st.booleans())
def test_enabling_and_disabling_touches_one_bit(number: int, enable: bool) -> None:
    flags = set(shown("userAccountControl", str(number | 512))) - {"ENABLED"}
    changed = stored("userAccountControl", *({"ENABLED", *flags} if enable else flags))
    assert int(changed[0]) == ((number | 512) & ~2 if enable else number | 512 | 2)


def test_an_absent_value_stays_absent() -> None:
    assert stored("userAccountControl") == ()
    assert stored("accountExpires") == ()


# --- accountExpires ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        ("0", "never"),
        (FOREVER, f"never ({FOREVER})"),
        ("134274240000000000", "2026-07-02T00:00:00Z"),
        ("10000000", "1601-01-01T00:00:01Z"),
    ],
)
def test_account_expires_is_shown_as_a_moment(ticks: str, text: str) -> None:
    assert shown("accountExpires", ticks) == (text,)
    assert stored("accountExpires", text) == (ticks,)


@given(st.one_of(st.integers(0, 2**63 - 1), st.integers(0, 10**12).map(lambda s: s * 10**7)))
@example(0)
@example(2**63 - 1)
def test_account_expires_loses_nothing_on_the_way(ticks: int) -> None:
    assert stored("accountExpires", *shown("accountExpires", str(ticks))) == (str(ticks),)


@given(st.integers(-(2**63), -1))
@example(-1)
@example(-(10**7))
def test_account_expires_that_makes_no_sense_is_still_a_value(ticks: int) -> None:
    # What somebody stored by mistake must not end the run for everybody.
    assert stored("accountExpires", *shown("accountExpires", str(ticks))) == (str(ticks),)


def test_both_values_of_never_are_equal_and_nothing_else_is() -> None:
    rule = SCHEMA["accountExpires"].rule
    assert rule("never") == rule(f"never ({FOREVER})")
    assert rule("2026-07-02T00:00:00Z") != rule("never")
    assert rule("2026-07-02T00:00:00Z") != rule("2026-07-02T00:00:01Z")


# --- objectSid -----------------------------------------------------------------------------------

ADMINISTRATORS = bytes.fromhex("01020000000000052000000020020000")
DOMAIN_ADMINS = bytes.fromhex("010500000000000515000000508c916c54fd8af4b44c6b9400020000")


@pytest.mark.parametrize(
    ("octets", "sid"),
    [
        (ADMINISTRATORS, "S-1-5-32-544"),
        (DOMAIN_ADMINS, "S-1-5-21-1821477968-4102749524-2490059956-512"),
    ],
)
def test_a_sid_is_read_as_people_write_it(octets: bytes, sid: str) -> None:
    read = octets.decode("utf-8", "surrogateescape")
    assert shown("objectSid", read) == (sid,)
    assert stored("objectSid", sid) == (read,)


# --- passwords -----------------------------------------------------------------------------------


def test_a_password_is_quoted_in_utf_16_and_meets_every_rule_on_characters() -> None:
    make = SCHEMA["unicodePwd"].made
    assert make is not None
    raw = make().encode()
    password = raw.decode("utf-16-le")
    assert password[0] == password[-1] == '"'
    inner = password[1:-1]
    assert '"' not in inner
    # What policies ask for as a rule is 14, and a server hashes what it then throws away: 64 octets
    # in one block (RFC 2104).
    assert 40 <= len(inner) <= 64
    # By AD's rule three kinds of four, and nothing of a name, of which it looks for three letters.
    assert not re.search("[A-Za-z]{3}", inner)
    for kind in ("[A-Z]", "[a-z]", "[0-9]", "[^A-Za-z0-9]"):
        assert re.search(kind, inner)


def test_no_two_passwords_are_alike_and_none_is_shown() -> None:
    make = SCHEMA["unicodePwd"].made
    assert make is not None
    made = [make() for _time in range(200)]
    assert len(set(made)) == 200
    # 39 digits that nobody can guess are more than 2**128 passwords.
    assert sum(len(set(place)) == 10 for place in zip(*made, strict=True)) >= 39
    assert SCHEMA["unicodePwd"].secret
