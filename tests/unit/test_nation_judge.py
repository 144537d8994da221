# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cell of the page broken by itself: exactly that is left out, by the judge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.nation.breakings import (
    BREAKINGS,
    Breaking,
    Edit,
    another,
    classed,
    declassed,
    drop,
    moved,
    put,
    twin,
)
from ansible_collections.regionjh.halsoval.tests.nation.entries import Dump, rdns
from ansible_collections.regionjh.halsoval.tests.nation.judge import Answer, Asked, answers
from ansible_collections.regionjh.halsoval.tests.nation.samples import (
    Faulty,
    asked,
    directories,
    faulty,
    losses,
)
from ansible_collections.regionjh.halsoval.tests.nation.whole import (
    ARCHIVED,
    ASKED,
    CARE,
    CARE_DN,
    COMMISSION,
    COMMISSION_DN,
    DOCTOR,
    DOCTOR_DN,
    ENDED,
    FEIGNED,
    LINKED,
    LINKED_DN,
    MANAGER,
    NURSE,
    OFFICE,
    OFFICE_DN,
    PROVIDER,
    PROVIDER_DN,
    ROOT,
    SAMPLE,
    STUDENT,
    Directory,
    items,
)

UNITS = {PROVIDER, CARE, LINKED, ENDED}
PEOPLE = {DOCTOR, NURSE, STUDENT, ARCHIVED, MANAGER}
COMMISSIONS = {f"{who}/{COMMISSION}" for who in (DOCTOR, NURSE, ARCHIVED)} | {f"{DOCTOR}/{OFFICE}"}
WHOLE = {
    "GetUnit": UNITS,
    "GetHealthCareUnit": {CARE, LINKED, ENDED},
    "GetHealthCareUnitList": {PROVIDER, CARE, ENDED},
    "GetHealthCareUnitMembers": {CARE, LINKED, ENDED},
    "GetHealthCareProvider": {PROVIDER},
    "GetCredentialsForPerson": (PEOPLE | COMMISSIONS) - {NURSE, f"{NURSE}/{COMMISSION}"},
    "GetCredentialsForPersonIncludingProtectedPerson": PEOPLE | COMMISSIONS,
    "GetCommissionMembers": {COMMISSION, OFFICE},
    "GetEmployee": PEOPLE - {NURSE},
    "Intyg": COMMISSIONS - {f"{DOCTOR}/{OFFICE}"},
    "Pascal": {CARE, ENDED} | PEOPLE,
    "1177": {CARE},
}
BEFORE = answers(items(SAMPLE), ASKED)
# Breakings that set another value in form, which then comes.
COMES_INSTEAD = {
    "old list: pointer to an ended provider": "endDate",
    "GetCredentials: unit from the name, without pointer": "dn",
    "GetCredentials: unit from the name, not there": "dn",
    "care and treatment under no care unit": "dn",
    "Intyg: unit starts ahead": "startDate",
    "Intyg: unit has ended": "endDate",
    "Intyg: provider starts ahead": "startDate",
    "1177: coordinate outside Sweden": "geographicalCoordinates",
    "manager who has ended": "endDate",
}
IN_FORM = set(COMES_INSTEAD.values())
# Composed breakings may, too: a second care unit's link, once the first has none; a workplace code
# of another county, once the unit's is not said.
IN_FORM_TOGETHER = IN_FORM | {"hsaHealthCareUnitMember", "unitPrescriptionCode"}


def test_of_a_whole_directory_every_object_comes() -> None:
    assert {contract: set(answer) for contract, answer in BEFORE.items()} == WHOLE


def test_of_a_whole_directory_every_value_comes() -> None:
    come = {pair for answer in BEFORE.values() for pairs in answer.values() for pair in pairs}
    held = {
        (attribute, value)
        for dn, attributes in SAMPLE.items()
        if "hsaIdentity" in attributes and attributes["hsaIdentity"] != (FEIGNED,)
        for attribute, values in {**attributes, "dn": (dn,)}.items()
        for value in values
    }
    unknown = {"objectClass", "halsovalKey"}
    assert come == {pair for pair in held if pair[0] not in unknown}


@pytest.mark.parametrize("breaking", BREAKINGS, ids=lambda breaking: breaking.name)
def test_what_is_broken_is_left_out_and_nothing_else(breaking: Breaking) -> None:
    broken = _answers(breaking.edit)
    expected = breaking.missing(BEFORE)
    assert expected
    assert _missing(BEFORE, broken) == expected
    instead = {(COMES_INSTEAD[breaking.name],)} if breaking.name in COMES_INSTEAD else set()
    assert {each[2:3] for each in _missing(broken, BEFORE)} == instead


def test_every_breaking_has_a_name_of_its_own() -> None:
    assert len({breaking.name for breaking in BREAKINGS}) == len(BREAKINGS)


LONGEST_DN = f"ou={'x' * (346 - len(ROOT))},{ROOT}"
# What the page allows, by reading: (name, edit, the values that come instead of the old ones).
ALLOWED: tuple[tuple[str, Edit, str, str, tuple[str, ...]], ...] = (
    ("short number", put(CARE_DN, telephoneNumber="1177"), CARE, "telephoneNumber", ("1177",)),
    ("two phones", another(CARE_DN, "telephoneNumber", "+4663"), CARE, "telephoneNumber",
     ("+4663", "+4663123456")),
    ("one day twice", put(CARE_DN, surgeryHours="5-5#08:00#15:30"), CARE, "surgeryHours",
     ("5-5#08:00#15:30",)),
    ("always", put(CARE_DN, surgeryHours="1-7#00:00#24:00"), CARE, "surgeryHours",
     ("1-7#00:00#24:00",)),
    ("comment of 16 characters", put(CARE_DN, surgeryHours="1-5#08:00#17:00#" + "x" * 16), CARE,
     "surgeryHours", ("1-5#08:00#17:00#" + "x" * 16,)),
    ("hours with dates", put(CARE_DN, surgeryHours="1-5#08:00#17:00##20260101#20260601"), CARE,
     "surgeryHours", ("1-5#08:00#17:00##20260101#20260601",)),
    ("six lines of 30", put(CARE_DN, postalAddress="$".join(["x" * 30] * 5 + ["831 31 Åre"])), CARE,
     "postalAddress", ("$".join(["x" * 30] * 5 + ["831 31 Åre"]),)),
    ("a dollar in a line counts as one", put(CARE_DN, postalAddress="x" * 29 + r"\24$831 31 Åre"),
     CARE, "postalAddress", ("x" * 29 + r"\24$831 31 Åre",)),
    ("ou of 64 characters", put(CARE_DN, ou="x" * 64), CARE, "ou", ("x" * 64,)),
    ("HSA-id of 31 characters", put(LINKED_DN, hsaIdentity=LINKED.ljust(31, "0")),
     LINKED.ljust(31, "0"), "hsaIdentity", (LINKED.ljust(31, "0"),)),
    ("http", put(CARE_DN, labeledURI="http://a.example"), CARE, "labeledURI", ("http://a.example",)),
    ("visitingRuleAge of three parts", put(CARE_DN, visitingRuleAge="2;8;barn"), CARE,
     "visitingRuleAge", ("2;8;barn",)),
    ("good value beside a bad one", another(CARE_DN, "careType", "09"), CARE, "careType", ("01",)),
    ("a far end", put(CARE_DN, endDate="99991231235959Z"), CARE, "endDate", ("99991231235959Z",)),
    ("attribute in other case", put(LINKED_DN, PAGER="1", CARETYPE="02"), LINKED, "careType",
     ("01", "02")),
    ("DN of 350 characters", moved(LINKED_DN, LONGEST_DN), LINKED, "dn", (LONGEST_DN,)),
    ("letter in hex in a DN", moved(LINKED_DN, rf"ou=L\c3\a5b,{CARE_DN}"), LINKED, "dn",
     (rf"ou=L\c3\a5b,{CARE_DN}",)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "key", "attribute", "values"),
    [row[1:] for row in ALLOWED],
    ids=[row[0] for row in ALLOWED],
)
def test_what_the_page_allows_comes(
    edit: Edit, key: str, attribute: str, values: Collection[str]
) -> None:
    pairs = _answers(edit)["GetUnit"][key]
    assert sorted(value for name, value in pairs if name == attribute) == sorted(values)


@pytest.mark.parametrize(
    ("dn", "name"),
    [
        *((dn, "hsaArchivedObject") for dn in (PROVIDER_DN, CARE_DN, LINKED_DN, DOCTOR_DN)),
        (CARE_DN, "hiddenObject"),
        (DOCTOR_DN, "hsaDeletedPersonWithValidCertificates"),
        (CARE_DN, "hsaInaccurateHCU"),
    ],
)
def test_archived_objects_and_classes_that_no_rule_names_leave_nothing_out(
    dn: str, name: str
) -> None:
    assert _answers(classed(dn, name)) == BEFORE


def test_feigned_objects_come_to_who_asks_for_them() -> None:
    found = _answers(asked=replace(ASKED, feigned=True))
    assert set(found["GetUnit"]) - set(BEFORE["GetUnit"]) == {FEIGNED}


def test_one_org_no_gives_several_providers() -> None:
    second = f"ou=Andra vården,{ROOT}"
    found = _answers(twin(PROVIDER_DN, second), put(second, hsaIdentity="SE2321000214-HV0009"))
    assert set(found["GetHealthCareProvider"]) == {PROVIDER, "SE2321000214-HV0009"}


def test_an_hsa_id_again_in_other_case_is_the_same() -> None:
    second = f"ou=Andra vården,{ROOT}"
    found = _answers(twin(LINKED_DN, second), put(second, hsaIdentity=LINKED.lower()))
    assert _missing(BEFORE, found) == {
        (contract, LINKED)
        for contract in ("GetUnit", "GetHealthCareUnit", "GetHealthCareUnitMembers")
    }


@pytest.mark.parametrize(
    ("edit", "attribute", "comes"),
    [
        (put(DOCTOR_DN, hsaTitle="Annan"), "hsaTitle", True),
        (put(DOCTOR_DN, hsaTitle="x" * 65), "hsaTitle", False),
        (put(COMMISSION_DN, hsaCommissionRight="a;b;c"), "hsaCommissionRight", True),
        (put(COMMISSION_DN, hsaCommissionRight="a;b;" + "c" * 252), "hsaCommissionRight", False),
        (put(CARE_DN, management="Annan"), "management", True),
        (put(CARE_DN, management="01"), "management", False),
    ],
)  # fmt: skip
def test_a_value_set_that_is_not_known_leaves_out_what_is_out_of_form_only(
    edit: Edit, attribute: str, comes: bool
) -> None:
    unknown = replace(ASKED, titles=frozenset(), rights=frozenset(), managements=frozenset())
    gained = _missing(_answers(edit, asked=unknown), BEFORE)
    assert {each[2:3] for each in gained} == ({(attribute,)} if comes else set())


def test_an_organization_has_its_name_in_o() -> None:
    organization = put(PROVIDER_DN, objectClass=("organization", "hsaHealthCareProvider"), o="Vård")
    found = _answers(drop(PROVIDER_DN, "ou"), organization)
    assert {contract: set(answer) for contract, answer in found.items()} == WHOLE
    for wrong in (put(PROVIDER_DN, o="x" * 65), another(PROVIDER_DN, "o", "Vård igen")):
        assert not _answers(drop(PROVIDER_DN, "ou"), organization, wrong)["GetHealthCareProvider"]


def test_ten_digits_are_an_org_no_in_the_other_reading_only() -> None:
    bare = replace(ASKED, hyphen=False)
    digits = (put(PROVIDER_DN, orgNo="5560001234"), put(LINKED_DN, orgNo="5560001234"))
    assert {c: set(a) for c, a in _answers(*digits, asked=bare).items()} == WHOLE
    assert not _answers(asked=bare)["GetHealthCareProvider"]


def test_members_are_bare_in_the_other_reading_only() -> None:
    bare = replace(ASKED, dated_members=False)
    members = put(OFFICE_DN, hsaCommissionMember=DOCTOR)
    assert ("hsaCommissionMember", DOCTOR) in _answers(members, asked=bare)["GetCommissionMembers"][
        OFFICE
    ]
    assert f"{DOCTOR}/{OFFICE}" in _answers(members, asked=bare)["GetCredentialsForPerson"]
    assert f"{DOCTOR}/{OFFICE}" not in _answers(asked=bare)["GetCredentialsForPerson"]


@pytest.mark.parametrize(
    ("day", "comes"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-12-31", True), ("2027-01-01", False)],
)
def test_links_are_in_force_from_their_first_day_to_their_last(day: str, comes: bool) -> None:
    found = _answers(asked=replace(ASKED, day=dt.date.fromisoformat(day)))
    linked = ("hsaCommissionMember", f"{NURSE};20260101000000Z;20261231225959Z")
    assert (linked in found["GetCommissionMembers"][COMMISSION]) is comes


def test_intyg_sees_other_purposes_as_none() -> None:
    assert f"{DOCTOR}/{OFFICE}" in BEFORE["GetCredentialsForPersonIncludingProtectedPerson"]
    assert f"{DOCTOR}/{OFFICE}" not in BEFORE["Intyg"]


def test_intyg_sees_what_the_provider_and_the_unit_are() -> None:
    seen = BEFORE["Intyg"][f"{NURSE}/{COMMISSION}"]
    assert {("orgNo", "556000-1234"), ("unitPrescriptionCode", "2312345")} <= seen


@pytest.mark.parametrize("dn", [PROVIDER_DN, LINKED_DN])
def test_pascal_counts_codes_of_provider_and_linked_units(dn: str) -> None:
    code = put(dn, unitPrescriptionCode="2399999")
    assert CARE in _answers(drop(CARE_DN, "unitPrescriptionCode"), code)["Pascal"]


def test_pascal_counts_no_code_of_an_unlinked_unit() -> None:
    code = put(LINKED_DN, unitPrescriptionCode="2399999")
    drops = (
        drop(CARE_DN, "unitPrescriptionCode"),
        drop(CARE_DN, "hsaHealthCareUnitMember"),
    )
    assert CARE not in _answers(*drops, code)["Pascal"]


def test_1177_asks_remote_units_for_no_county_nor_coordinate() -> None:
    placeless = drop(CARE_DN, "countyCode", "geographicalCoordinates")
    assert CARE not in _answers(placeless)["1177"]
    assert CARE in _answers(placeless, put(CARE_DN, hsaBusinessType="03"))["1177"]


def test_a_commission_of_another_purpose_may_stand_under_any_unit_with_a_pointer() -> None:
    found = _answers(
        declassed(CARE_DN, "hsaHealthCareUnit"), put(COMMISSION_DN, hsaCommissionPurpose="Vård")
    )
    assert f"{DOCTOR}/{OFFICE}" in found["GetCredentialsForPerson"]


def test_a_commission_stands_under_the_unit_of_its_name_however_that_is_spelt() -> None:
    parent = r"OU=exempelvård  \c3\96stersund , ou=Exempelvård AB,O=Region Exempel,c=se"
    spelt = rf"cn=Admin\, och \+ mer , {parent}"
    assert f"{DOCTOR}/{OFFICE}" in _answers(moved(OFFICE_DN, spelt))["GetCredentialsForPerson"]


@pytest.mark.parametrize(
    ("dn", "expected"),
    [
        ("", ()),
        (r"ou=A\, B,c=SE", ((("ou", "A, B"),), (("c", "SE"),))),
        (r"ou=A\\,c=SE", ((("ou", "A\\"),), (("c", "SE"),))),
        (r"ou=A\2c B,c=SE", ((("ou", "A, B"),), (("c", "SE"),))),
        (r"ou=\c3\85re+l=\ x\ ,c=SE", ((("ou", "Åre"), ("l", " x ")), (("c", "SE"),))),
        (r"OU = A \+ B , c=SE", ((("ou", "A + B"),), (("c", "SE"),))),
        (r"cn=\#a=b,c=SE", ((("cn", "#a=b"),), (("c", "SE"),))),
    ],
)
def test_names_are_taken_apart(dn: str, expected: tuple[tuple[tuple[str, str], ...], ...]) -> None:
    assert rdns(dn) == expected


@settings(max_examples=full(2000, 60))
@given(directories(), asked())
def test_every_directory_has_answers(dump: Dump, asked: Asked) -> None:
    assert set(answers(dump, asked)) == set(WHOLE)


@settings(max_examples=full(1000, 40))
@given(directories(), st.randoms(use_true_random=False))
def test_the_order_of_a_dump_says_nothing(dump: Dump, random: Random) -> None:
    other = list(dump)
    random.shuffle(other)
    assert answers(other, ASKED) == answers(dump, ASKED)


@settings(max_examples=full(2000, 60))
@given(faulty(losses()))
def test_who_breaks_gets_nothing_more(found: Faulty) -> None:
    whole, broken = answers(found.whole, ASKED), answers(found.broken, ASKED)
    more = {each[2:3] for each in _missing(broken, whole)}
    assert more <= {(name,) for name in IN_FORM_TOGETHER}


@settings(max_examples=full(2000, 60))
@given(st.lists(st.sampled_from([each for each in BREAKINGS if each.steady]), max_size=5))
def test_who_breaks_more_gets_no_more(breakings: list[Breaking]) -> None:
    edits = [breaking.edit for breaking in breakings]
    more = _missing(_answers(*edits), _answers(*edits[:-1]))
    assert {each[2:3] for each in more} <= {(name,) for name in IN_FORM}


def _answers(*edits: Edit, asked: Asked = ASKED) -> Mapping[str, Answer]:
    directory: Directory = SAMPLE
    for edit in edits:
        directory = edit(directory)
    return answers(items(directory), asked)


def _missing(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> set[tuple[str, ...]]:
    """Objects that come before and not after, and values of those that do."""
    lost: set[tuple[str, ...]] = set()
    for contract, answer in before.items():
        for key, pairs in answer.items():
            if key in after[contract]:
                lost |= {(contract, key, *pair) for pair in pairs - after[contract][key]}
            else:
                lost.add((contract, key))
    return lost
