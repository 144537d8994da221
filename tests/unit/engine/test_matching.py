# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two values are one value, and names of entries with anything in them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import escape_rdn, parse_dn

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching

# What RFC 4514 is about, beside ordinary letters and any other text.
_odd = st.text(st.sampled_from('+,#"\\;<>= \0\naZå0 \u00a0é½'), min_size=1, max_size=12)
_text = st.one_of(_odd, st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
_kind = st.sampled_from(("cn", "ou", "hsaIdentity"))
_rdn = st.lists(st.tuples(_kind, _text), min_size=1, max_size=2, unique_by=lambda pair: pair[0])
_moments = st.datetimes(dt.datetime(1000, 1, 2), dt.datetime(9999, 12, 30))


# --- distinguished names -------------------------------------------------------------------------


@given(st.lists(_rdn, min_size=1, max_size=4))
def test_a_name_comes_back_from_its_escaped_form(rdns: list[list[tuple[str, str]]]) -> None:
    dn = ",".join(matching.rdn(*pairs) for pairs in rdns)
    assert matching.split_dn(dn) == tuple(map(tuple, rdns))


@given(_text)
@example(" ")
@example("  ")
@example("# ")
@example("a#b")
@example("\\ ")
def test_escaping_differs_from_ldap3_only_where_ldap3_is_wrong(value: str) -> None:
    # It raises on an empty value, writes NUL as a bare 00, and escapes a single space twice.
    assume("\0" not in value and value != " ")
    assert matching.escape(value) == escape_rdn(value)


@given(st.lists(_rdn, min_size=1, max_size=4))
def test_a_name_is_split_where_ldap3_splits_it(rdns: list[list[tuple[str, str]]]) -> None:
    dn = ",".join(matching.rdn(*pairs) for pairs in rdns)
    try:
        oracle = parse_dn(dn)
    except LDAPInvalidDnError:
        # It takes no "#" inside a value, which RFC 4514 allows; hence an own parser.
        assert any("#" in value[1:] for pairs in rdns for _kind, value in pairs)
        return
    assert oracle == [
        (kind, matching.escape(value), "" if last and end else "," if end else "+")
        for last, pairs in ((rdns[-1] is pairs, pairs) for pairs in rdns)
        for end, (kind, value) in ((pairs[-1] is pair, pair) for pair in pairs)
    ]


@given(st.lists(_rdn, min_size=1, max_size=4))
def test_first_rdn_and_parent_are_the_two_sides_of_the_first_real_comma(
    rdns: list[list[tuple[str, str]]],
) -> None:
    written = [matching.rdn(*pairs) for pairs in rdns]
    dn = ",".join(written)
    assert matching.first_rdn(dn) == written[0]
    assert matching.parent(dn) == ",".join(written[1:])


def test_escapes_are_those_of_rfc_4514() -> None:
    assert matching.escape('James "Jim" Smith, III') == 'James \\"Jim\\" Smith\\, III'
    assert matching.escape("Before\rAfter") == "Before\rAfter"
    assert matching.escape(" #") == "\\ #"
    assert matching.escape("#1 ") == "\\#1\\ "
    assert matching.escape("a\0" + "1") == "a\\001"
    assert matching.escape(" ") == "\\ "
    assert matching.escape("") == ""


def test_hexadecimal_escapes_and_others_read_alike() -> None:
    # As slapd, Active Directory and RFC 4514's own examples write them.
    assert matching.split_dn("cn=Lu\\C4\\8Di\\C4\\87")[0] == (("cn", "Lučić"),)
    assert matching.split_dn("ou=L\\2C V\\2b\\3D\\\\5C") == ((("ou", "L, V+=\\5C"),),)
    assert matching.split_dn("OU=Sales+CN=J.\\20Smith") == ((("OU", "Sales"), ("CN", "J. Smith")),)


def test_the_root_has_no_name() -> None:
    assert matching.split_dn("") == ()
    assert matching.first_rdn("") == matching.parent("") == matching.parent("c=SE") == ""


@pytest.mark.parametrize("dn", ["x", "=x", "cn=a,", "cn=a,,c=SE", "cn=a+", " =b"])
def test_text_that_is_no_name_is_refused(dn: str) -> None:
    with pytest.raises(ValueError, match="distinguished name"):
        matching.split_dn(dn)


@given(_text, _text)
def test_names_are_equal_exactly_when_their_values_are(one: str, other: str) -> None:
    same = matching.case_ignore(one) == matching.case_ignore(other)
    left, right = (matching.rdn(("cn", value)) + ",c=SE" for value in (one, other))
    assert (matching.distinguished_name(left) == matching.distinguished_name(right)) is same


def test_names_are_equal_whatever_the_spelling() -> None:
    equal = {
        matching.distinguished_name(dn)
        for dn in (
            "ou=Läkarhuset \\+7\\, Vård+hsaIdentity=SE1-A,o=Region,c=SE",
            "OU=läkarhuset  \\2B7\\2c vård+HSAIDENTITY=se1-a,O=Region,C=se",
            "hsaIdentity=SE1-A+ou=Läkarhuset \\+7\\, Vård , o = Region, c=SE",
        )
    }
    assert len(equal) == 1


@given(_text, _text)
def test_what_lies_below_is_below(value: str, branch: str) -> None:
    base = matching.rdn(("ou", branch)) + ",c=SE"
    name = matching.rdn(("cn", value))
    assert matching.is_below(f"{name},{base}", base)
    assert matching.is_below(f"cn=x,{name},{base}", base.upper() if branch.isascii() else base)


def test_nothing_is_below_itself() -> None:
    assert not matching.is_below("ou=Org,c=SE", "ou=Org,c=SE")


@given(_text)
def test_an_escaped_comma_does_not_make_a_name_lie_in_a_branch(value: str) -> None:
    base = "ou=Privat,o=Region,c=SE"
    for trick in (f"{value},{base}", f"{value}\\,{base}", f"{value}\\\\\\,{base}"):
        assert not matching.is_below(matching.rdn(("cn", trick)) + ",o=Region,c=SE", base)


@pytest.mark.parametrize(
    ("dn", "is_below"),
    [
        ("cn=a\\,ou=Privat,o=Region,c=SE", False),
        ("cn=a\\\\,ou=Privat,o=Region,c=SE", True),
        ("cn=a\\\\\\,ou=Privat,o=Region,c=SE", False),
        ("cn=a\\2Cou=Privat,o=Region,c=SE", False),
        ("cn=a,OU=privat, o=Region,c=SE", True),
        ("cn=a,ou=Privat2,o=Region,c=SE", False),
        ("cn=a,ou=InPrivat,o=Region,c=SE", False),
        ("o=Region,c=SE", False),
    ],
)
def test_a_branch_is_told_by_whole_names(dn: str, is_below: bool) -> None:
    assert matching.is_below(dn, "ou=Privat,o=Region,c=SE") is is_below


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Läkare", "LÄKARE"),
        ("  Öst  Berg ", "öst berg"),
        ("A\u030asa", "Åsa"),
        ("straße", "STRASSE"),
        ("ﬁn", "fin"),
    ],
)
def test_case_space_and_composition_do_not_matter(one: str, other: str) -> None:
    assert matching.case_ignore(one) == matching.case_ignore(other)


def test_letters_spaces_and_order_do_matter() -> None:
    forms = {matching.case_ignore(v) for v in ("Lakare", "Läkare", "Lä kare", "Läkaré")}
    assert len(forms) == 4


@given(_text)
def test_a_rule_gives_a_form_that_is_its_own_form(value: str) -> None:
    for rule in (matching.exact, matching.telephone, matching.numeric, matching.generalized_time):
        assert rule(rule(value)) == rule(value)


def test_an_exact_value_differs_by_case() -> None:
    assert matching.exact("person/alfa") != matching.exact("person/Alfa")


def test_telephone_numbers_are_their_digits_and_signs() -> None:
    forms = set(map(matching.telephone, ("+46 63-14 75 00", "+4663147500", "+46-63-147500")))
    assert len(forms) == 1
    assert matching.telephone("+46 63 14 75 01") not in forms
    assert matching.telephone("46 63 14 75 00") not in forms


def test_a_numeric_string_does_not_differ_by_spaces() -> None:
    assert matching.numeric("19121212 1212") == matching.numeric("191212121212")
    assert matching.numeric("191212121212") != matching.numeric("191212121211")


@given(_moments, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_in_every_zone(moment: dt.datetime, minutes: int) -> None:
    moment = moment.replace(microsecond=0)
    there = moment + dt.timedelta(minutes=minutes)
    sign, (hours, rest) = "+-"[minutes < 0], divmod(abs(minutes), 60)
    written = f"{there:%m%d%H%M%S}{sign}{hours:02d}{rest:02d}"
    utc = f"{moment.year:04d}{moment:%m%d%H%M%S}Z"
    assert matching.generalized_time(f"{there.year:04d}{written}") == utc
    later = moment + dt.timedelta(seconds=1)
    assert matching.generalized_time(f"{later.year:04d}{later:%m%d%H%M%S}Z") != utc


@pytest.mark.parametrize(
    "value",
    [
        "20260302230000Z", "202603022300Z", "2026030223Z",
        "20260303000000+0100", "20260303000000+01",
        "20260302180000-0500", "20260302230000.0Z", "20260302230000,000Z",
    ],
)  # fmt: skip
def test_seconds_minutes_and_zones_can_be_written_in_several_ways(value: str) -> None:
    assert matching.generalized_time(value) == "20260302230000Z"


@pytest.mark.parametrize(
    "value",
    [
        "", "2026-03-02", "20261302000000Z", "20260302250000Z", "20260302230000",
        # A fraction of an hour, which nobody writes: compared as text, not as a full hour.
        "2026030223.5Z", "20260302230000.5Z",
        # No moment that Python has, in UTC.
        "00010101000000+0100", "99991231235959-0100",
    ],
)  # fmt: skip
def test_what_is_no_plain_moment_is_compared_as_text(value: str) -> None:
    assert matching.generalized_time(value) == value
