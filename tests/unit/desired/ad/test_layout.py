# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A region's AD: how values are stored and compared, names, certificates, what is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.certificates import (
    certificate_mappings,
    mappings_by_person,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import (
    AD_SERVICES,
    name_form,
    schema,
    searches,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Codec, Values
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, BASE, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    LISTING,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

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
        # A bit without a name, PARTIAL_SECRETS_ACCOUNT, stands for itself.
        ("67109376", {"ENABLED", "NORMAL_ACCOUNT", "67108864"}),
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


def test_losing_enabled_is_a_loss_of_the_person() -> None:
    assert SCHEMA["userAccountControl"].grants == "person"
    assert SCHEMA["altSecurityIdentities"].grants == "person"
    assert SCHEMA["member"].grants == "value"
    for name in ("accountExpires", "mail", AD_LAYOUT.key_attribute):
        assert SCHEMA[name].grants is None


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


# --- what is read --------------------------------------------------------------------------------


def test_what_is_read_is_all_names_our_objects_and_the_services_groups() -> None:
    everything, *ours = searches(AD_LAYOUT)
    assert everything[0] == BASE
    assert "sAMAccountName" in everything[2]
    bases = [search[0] for search in ours]
    assert {AD_LAYOUT.account_ou, AD_LAYOUT.quarantine_ou, AD_LAYOUT.group_ou} <= set(bases)
    assert {search[0] for search in ours if search[3:] == ("BASE",)} == set(
        AD_LAYOUT.groups.values()
    )


def test_of_foreign_entries_nothing_but_names_is_read() -> None:
    (_base, _filter, names), *_ours = searches(AD_LAYOUT)
    assert set(names) == {
        "sAMAccountName", "userPrincipalName", "employeeNumber", AD_LAYOUT.key_attribute
    }  # fmt: skip


def test_passwords_are_never_asked_for() -> None:
    assert all("unicodePwd" not in search[2] for search in searches(AD_LAYOUT))


def test_a_group_of_several_services_is_read_once() -> None:
    one = dict.fromkeys(AD_LAYOUT.groups, AD_LAYOUT.groups[JOURNAL])
    bases = [search[0] for search in searches(replace(AD_LAYOUT, groups=one))]
    assert bases.count(AD_LAYOUT.groups[JOURNAL]) == 1


def test_the_key_attribute_is_the_regions_choice() -> None:
    layout = replace(AD_LAYOUT, key_attribute="info")
    assert any("info" in search[2] for search in searches(layout))
    assert "info" in {attribute.name for attribute in schema(layout)}


def test_members_are_named_by_the_hsa_id_of_the_account() -> None:
    ids = {"CN=x": "SE1-X"}
    (member,) = (a for a in schema(AD_LAYOUT, ids.__getitem__) if a.name == "member")
    assert member.named("CN=x") == "SE1-X"


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "given", "surname", "name"),
    [
        ("{serial}", "Åsa", "Öst", "hv000001"),
        ("{given:.3}{surname:.3}", "Åsa", "Öst", "asaost"),
        ("{given:.1}{surname}", "Åsa-Lena", "von Fjällström Öst", "avonfjallstromost"),
        ("{given}.{surname}", "Anna", "D'Ost", "annadost"),
        ("hv-{serial}", "Anna", "Öst", "hvhv000001"),
        ("{given}{surname}", "A" * 30, "B", "a" * 20),
        ("{given}{surname}", "李", "小龙", "lixiaolong"),
        ("{given:.3}{surname:.3}", "Łukasz", "Østergård", "lukost"),
        ("{given}{surname}", "Łukasz", "Østergård", "lukaszostergard"),
        ("{given}{surname}", "Þórður", "Æsa Straße", "thordurae" + "sastrasse"),
        ("{given}{surname}", "Nguyễn", "Đình Ħal", "nguyendinhhal"),
        ("{given}{surname}", "ŁUCJA", "Őry ıŞık", "lucjaoryisik"),
        ("{given}{surname}", "Владимир", "Μαρία", "vladimirmaria"),
        ("{given}", "A\u030asa", "", "asa"),
        ("{given}", "-'", "…", "hv000001"),
        ("{surname:.3}{serial:.6}", "", "Ny", "nyhv0000"),
    ],
)
def test_a_name_holds_letters_and_digits_by_the_scheme(
    scheme: str, given: str, surname: str, name: str
) -> None:
    layout = replace(AD_LAYOUT, account_name=scheme)
    assert layout.name_of("HV000001", given, surname) == name


LATIN = [
    chr(code)
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00))
    if chr(code).isalpha() and "CLICK" not in unicodedata.name(chr(code))
]
# Of these there is nothing to write in the letters a to z.
SOUNDLESS = {"Ƹ", "ƹ", "Ɂ", "ɂ"}


def test_no_latin_letter_vanishes() -> None:
    layout = replace(AD_LAYOUT, account_name="{given}")
    vanished = {letter for letter in LATIN if layout.name_of("hv1", letter, "") == "hv1"}
    assert vanished == SOUNDLESS


def test_letters_with_accents_become_what_they_are_without_them() -> None:
    """So the name that an account has is the one that a new one would be given."""
    layout = replace(AD_LAYOUT, account_name="{given}")
    for letter in LATIN:
        plain = name_form(letter)
        if re.fullmatch("[a-z]+", plain):
            assert layout.name_of("hv1", letter, "") == plain


@given(st.text(max_size=40), st.text(max_size=40))
def test_every_name_is_one_that_ad_takes(given: str, surname: str) -> None:
    layout = replace(AD_LAYOUT, account_name="{given:.9}{surname}")
    assert re.fullmatch("[a-z0-9]{1,20}", layout.name_of("HV1", given, surname))


# --- options -------------------------------------------------------------------------------------


def test_services_that_ad_groups_open_are_those_of_the_catalogue() -> None:
    assert sorted(AD_SERVICES) == [
        "befolkningsregister",
        "datalager_uppfoljning",
        "dokumenthantering",
        "microsoft_office",
        "rontgenadministrativt_system",
        "rontgensvar_och_rontgenbilder",
        "vardadministrativt_system",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"groups": {LISTING: f"CN=x,{BASE}"}}, "not listningsapplikation"),
        ({"groups": {"nothing": f"CN=x,{BASE}"}}, "not nothing"),
        ({"groups": {JOURNAL: "App-Journal"}}, "distinguished name"),
        ({"groups": {JOURNAL: ""}}, "expected the DN of a group"),
        ({"account_name": "{name}"}, "account_name"),
        ({"account_name": "{0}"}, "account_name"),
        ({"account_name": "{given"}, "account_name"),
        ({"account_name": "{given:d}"}, "account_name"),
        ({"group_prefix": "Hälsoval/"}, "group_prefix"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_was_expected(
    wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        replace(AD_LAYOUT, **wrong)


# --- certificates --------------------------------------------------------------------------------

ID = "SE2321000214-HV000003"
OTHER = "SE2321000214-X"
ISSUER = "CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE"
TURNED = "C=SE,O=Inera AB,CN=SITHS e-id Person HSA-id 3 CA v1"


def certificate(**fields: str) -> Mapping[str, str]:
    return {"hsa_id": ID, **fields}


@pytest.mark.parametrize(
    ("fields", "mapping"),
    [
        (
            {"issuer": ISSUER, "serial": "0123456789ABcdef"},
            f"X509:<I>{TURNED}<SR>EFCDAB8967452301",
        ),
        ({"issuer": ISSUER, "serial": "01:ab:03"}, f"X509:<I>{TURNED}<SR>03AB01"),
        ({"issuer": ISSUER, "serial": "01 ab 03"}, f"X509:<I>{TURNED}<SR>03AB01"),
        ({"issuer": "CN=A+L=B,O=X", "serial": "10"}, "X509:<I>O=X,CN=A,L=B<SR>10"),
        ({"ski": "AB:cd:01"}, "X509:<SKI>abcd01"),
    ],
)  # fmt: skip
def test_a_certificate_becomes_a_strong_mapping(fields: dict[str, str], mapping: str) -> None:
    assert certificate_mappings([certificate(**fields)]) == {ID.casefold(): (mapping,)}


def test_a_person_may_have_several_cards() -> None:
    two = [certificate(ski="01"), certificate(ski="02"), certificate(ski="01")]
    assert certificate_mappings(two) == {ID.casefold(): ("X509:<SKI>01", "X509:<SKI>02")}


def test_no_list_is_something_else_than_an_empty_one() -> None:
    assert certificate_mappings(None) is None
    assert certificate_mappings([]) == {}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"issuer": ISSUER},
        {"serial": "01"},
        {"issuer": ISSUER, "ski": "01"},
        {"issuer": ISSUER, "serial": "01", "ski": "01"},
        {"issuer": ISSUER, "serial": "xy"},
        {"issuer": ISSUER, "serial": "123"},
        {"ski": "0x01"},
        {"issuer": "no name", "serial": "01"},
        {"ski": " "},
        {"issuer": ISSUER, "serial": ":"},
    ],
)
def test_a_certificate_that_says_too_little_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        certificate_mappings([certificate(**fields)])


def test_one_certificate_has_one_owner() -> None:
    with pytest.raises(ValueError, match="one owner"):
        certificate_mappings([certificate(ski="01"), {"hsa_id": "SE2321000214-X", "ski": "01"}])


def test_mappings_by_person_are_those_of_the_certificates_that_they_have() -> None:
    theirs = [certificate(ski="01"), certificate(ski="02")]
    assert mappings_by_person({ID: theirs, OTHER: []}) == {
        ID.casefold(): ("X509:<SKI>01", "X509:<SKI>02"),
        OTHER.casefold(): (),
    }


@pytest.mark.parametrize("issuer", [ISSUER, ISSUER.replace(",", ", "), ISSUER.lower()])
def test_a_certificate_of_several_people_lets_none_of_them_in(issuer: str) -> None:
    shared, alike = (
        certificate(issuer=ISSUER, serial="0AFF"),
        certificate(issuer=issuer, serial="0aff"),
    )
    certificates = {ID: [shared, certificate(ski="01")], OTHER: [alike], "SE2321000214-B": [shared]}
    assert mappings_by_person(certificates) == {
        ID.casefold(): ("X509:<SKI>01",), OTHER.casefold(): (), "se2321000214-b": (),
    }  # fmt: skip


def test_a_certificate_that_cannot_be_mapped_costs_nobody_else_theirs() -> None:
    wrong = [{"issuer": "no name", "serial": "01"}, {"ski": "xy"}, {}]
    certificates = {ID: [certificate(**each) for each in wrong], OTHER: [certificate(ski="01")]}
    assert mappings_by_person(certificates) == {
        ID.casefold(): (), OTHER.casefold(): ("X509:<SKI>01",),
    }  # fmt: skip


def test_a_certificate_that_is_told_twice_of_a_person_is_mapped_once() -> None:
    twice = [certificate(issuer=i, serial="01") for i in (ISSUER, ISSUER.lower())]
    (mappings,) = mappings_by_person({ID: twice, ID.lower(): twice}).values()
    assert len(mappings) == 1


def with_certificates(world: Ad, mappings: Mapping[str, Values] | None) -> Ad:
    """The same world under a layout that knows these mappings."""
    other = world.copy()
    other.layout = replace(world.layout, certificates=mappings)
    return other


def mappings_of(world: Ad, index: int) -> set[str]:
    return set(values(world.account(number(index)), "altSecurityIdentities"))


def test_mappings_follow_the_list_and_what_is_no_certificate_stays(world: Ad) -> None:
    staff = record(people=[person(1, uses()), person(2, uses())])
    world.bring(staff)
    id = world.id_of(number(1)).casefold()
    world.change(
        world.account(number(1)), altSecurityIdentities=("X509:<SKI>ff", "Kerberos:anna@x")
    )
    assert with_certificates(world, None).plan(staff).operations == ()
    listed = with_certificates(world, {id: ("X509:<SKI>01", "X509:<SKI>02")})
    listed.bring(staff)
    assert mappings_of(listed, 1) == {"X509:<SKI>01", "X509:<SKI>02", "Kerberos:anna@x"}
    assert mappings_of(listed, 2) == set()
    empty = with_certificates(listed, {})
    empty.bring(staff)
    assert mappings_of(empty, 1) == {"Kerberos:anna@x"}


def test_a_new_account_has_its_mappings_at_once(world: Ad) -> None:
    staff = record(people=[person(1, uses(), protected=True)])
    world.hsa.bring(staff)
    id = world.id_of(number(1)).casefold()
    listed = with_certificates(world, {id: ("X509:<SKI>01",)})
    listed.bring(staff)
    assert mappings_of(listed, 1) == {"X509:<SKI>01"}


def test_losing_mappings_counts_for_the_guard_and_a_new_card_does_not(world: Ad) -> None:
    staff = record(people=[person(n, uses()) for n in range(6)])
    world.bring(staff)
    ids = [world.id_of(number(n)).casefold() for n in range(6)]
    listed = with_certificates(world, {id: (f"X509:<SKI>0{n}",) for n, id in enumerate(ids)})
    listed.bring(staff)
    refused = with_certificates(listed, {}).run(staff)["alfa"]
    assert "6 of 6 would lose something" in refused["msg"]
    renewed = with_certificates(listed, {id: (f"X509:<SKI>1{n}",) for n, id in enumerate(ids)})
    assert renewed.run(staff)["alfa"]["failed"] is False
    assert mappings_of(renewed, 3) == {"X509:<SKI>13"}


def test_who_has_left_keeps_the_mappings_of_a_closed_account(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    id = world.id_of(number(1)).casefold()
    listed = with_certificates(world, {id: ("X509:<SKI>01",)})
    listed.bring(staff)
    left = with_certificates(listed, {})
    left.bring(record(people=[person(1, uses(to="2026-03-01"))]))
    assert mappings_of(left, 1) == {"X509:<SKI>01"}
    assert not left.is_enabled(number(1))
