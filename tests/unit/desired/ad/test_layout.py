# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A region's AD: what is read of it, what is a loss in it, names, options."""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import (
    AD_SERVICES,
    name_form,
    schema,
    searches,
)
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, BASE
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    LISTING,
)

ROOT = Path(__file__).parents[4]
SCHEMA = {attribute.name: attribute for attribute in schema(AD_LAYOUT)}


def test_losing_enabled_is_a_loss_of_the_person() -> None:
    assert SCHEMA["userAccountControl"].grants == "person"
    assert SCHEMA["altSecurityIdentities"].grants == "person"
    assert SCHEMA["member"].grants == "value"
    for name in ("accountExpires", "mail", AD_LAYOUT.key_attribute):
        assert SCHEMA[name].grants is None


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


def test_of_foreign_entries_names_are_read_and_whether_one_is_enabled() -> None:
    (_base, _filter, names), *_ours = searches(AD_LAYOUT)
    assert set(names) == {
        "sAMAccountName", "userPrincipalName", "employeeNumber", AD_LAYOUT.key_attribute,
        "userAccountControl",
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


# What a run writes only when it makes an account or a group, or never.
NOT_CHANGED = {"objectClass", "sAMAccountName", "unicodePwd", "groupType", "objectSid", "member"}


def test_the_lab_lets_its_account_change_just_what_a_run_does() -> None:
    module = ast.parse((ROOT / "roles/lab/files/ad_domain.py").read_text("utf-8"))
    (given,) = (
        ast.literal_eval(line.value)
        for line in module.body
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "OF_USERS"
    )
    assert sorted(given) == sorted(SCHEMA.keys() - NOT_CHANGED)


def test_the_docs_name_every_attribute_that_a_run_changes() -> None:
    docs = (ROOT / "docs/systems.md").read_text("utf-8")
    rights = docs.partition("### What the domain must offer")[2].partition("###")[0]
    own = {AD_LAYOUT.key_attribute: "the key attribute"}
    named = set(re.split(r"[,;:.]\s+", rights.replace(" |", ", ")))
    changed = SCHEMA.keys() - NOT_CHANGED
    assert {own.get(name, name) for name in changed} <= named


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
        ({"group_prefix": "H" * 25}, "group_prefix of at most 24 characters"),
        ({"protected_name": "S" * 65}, "protected_name of at most 64 characters"),
        ({"protected_name": "🙂" * 33}, "protected_name of at most 64 characters"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_was_expected(
    wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        replace(AD_LAYOUT, **wrong)
