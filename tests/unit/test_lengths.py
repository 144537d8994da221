# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a record may say is no longer than what HSA and AD hold, and one letter more is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import LENGTHS
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Wanted
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    utf16_length,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.validation import (
    Fault,
    check_fields,
    dump,
)
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    NPO,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa

# The lengths of HSA's attribute sheet (2014), in characters.
HSA_LENGTHS = {
    "cn": 64, "ou": 64, "sn": 64, "givenName": 64, "middleName": 40, "title": 64, "mail": 255,
    "telephoneNumber": 32, "hsaTelephoneNumber": 32, "hsaDirectoryContact": 255,
    "unitPrescriptionCode": 40, "hsaCommissionPurpose": 64, "hsaCommissionRight": 255,
    "hsaTitle": 64, "hsaSystemRole": 64, "hsaIdentity": 31, "orgNo": 12,
    "personalIdentityNumber": 12, "hsaResponsibleHealthCareProvider": 31,
    "hsaHealthCareUnitManager": 31, "hsaCommissionMember": 96,
}  # fmt: skip
# Of these it gives none, or their form bounds them.
HSA_UNLIMITED = {
    "objectClass", "halsovalKey", "fullName", "startDate", "endDate", "surgeryHours",
    "businessClassificationCode", "careType", "management", "hsaDestinationIndicator",
}  # fmt: skip
ADDRESSES = {"postalAddress", "hsaVisitingAddress"}
LINES, LINE = 6, 30
# rangeUpper in AD's schema of what else an account or group says, in UTF-16 code units.
AD_LENGTHS = {
    **LENGTHS, "sAMAccountName": 256, "userPrincipalName": 1024, "employeeNumber": 512,
    AD_LAYOUT.key_attribute: 255,
}  # fmt: skip
AD_UNLIMITED = {
    "objectClass", "userAccountControl", "accountExpires", "unicodePwd", "groupType", "member",
    "altSecurityIdentities",
}  # fmt: skip
# What slapd's back-mdb takes of a name; tests/integration/test_ad_lengths.py tries it.
OCTETS = 245

# The longest texts of a record: the path of the field, and how many characters it takes.
LONGEST: dict[tuple[str | int, ...], int] = {
    ("agreement", "name"): 64,
    ("agreement", "units", 0, "name"): 64,
    ("agreement", "units", 0, "address", "lines", 3): 30,
    ("agreement", "units", 0, "address", "city"): 23,
    ("agreement", "units", 0, "visiting_address", "lines", 0): 30,
    ("agreement", "contacts", "hsa", 0, "name"): 128,
    ("staff", "people", 0, "given_name"): 64,
    ("staff", "people", 0, "middle_name"): 40,
    ("staff", "people", 0, "surname"): 64,
    ("staff", "people", 0, "position"): 64,
}
LETTERS = ["a", "å", ",", "李", "🙂"]


def data() -> dict[str, Any]:
    """A record in JSON form with something in every field that a directory gets."""
    address = {"lines": ["a", "b", "c", "d"], "postal_code": "831 31", "city": "e"}
    places = {"address": address, "visiting_address": address}
    phones = {"phone": "+" + 31 * "1", "internal_phone": "0" + 30 * "1"}
    mail = "a" * 245 + "@b.exa.se"
    built = record(
        # The longest id.
        "a" * 40,
        [
            person(
                1,
                uses(NPO, DOCUMENTS),
                middle_name="m",
                position="p",
                mail=mail,
                phone=phones["phone"],
            )
        ],
        units=[unit(**places, **phones, mail=mail, workplace_code=32 * "w")],
        contacts={"hsa": [{"name": "n"}]},
    )
    made: dict[str, Any] = json.loads(dump(built))
    return made


def said(changes: dict[tuple[str | int, ...], str]) -> Record:
    """The record with other texts, as the controller reads it."""
    built, faults = read(changes)
    assert faults == []
    assert built is not None
    return built


def read(changes: dict[tuple[str | int, ...], str]) -> tuple[Record | None, list[Fault]]:
    made = data()
    for (*path, last), text in changes.items():
        place: Any = made
        for key in path:
            place = place[key]
        place[last] = text
    return check_fields(made)


def longest(letter: str, most: int) -> str:
    return letter * (most // utf16_length(letter))


def lines_of(address: str) -> list[str]:
    return [line.replace("\\24", "$").replace("\\5C", "\\") for line in address.split("$")]


def octets(rdn: str) -> int:
    """How long a name is as slapd keeps it: what RFC 4514 escapes, it writes as three octets."""
    (pairs,) = matching.split_dn(rdn)
    written = dict.fromkeys(map(ord, ',+"\\<>;='), "\\00")
    values = [value.translate(written) for _kind, value in pairs]
    names = [name for name, _value in pairs]
    return len("+".join(map("=".join, zip(names, values, strict=True))).encode())


def in_hsa(built: Record) -> Iterable[Wanted]:
    return Hsa().desired(built).wanted


def in_ad(built: Record) -> Iterable[Wanted]:
    world = Ad()
    world.hsa.bring(built)
    return world.desired(built).wanted


@pytest.mark.parametrize("letter", LETTERS)
def test_the_longest_record_fits_into_hsa(letter: str) -> None:
    built = said({path: longest(letter, most) for path, most in LONGEST.items()})
    for wanted in in_hsa(built):
        assert all(octets(rdn) <= OCTETS for rdn in wanted.rdns)
        for name, values in wanted.attributes.items():
            assert name in HSA_LENGTHS or name in HSA_UNLIMITED or name in ADDRESSES
            for value in values:
                if name in ADDRESSES:
                    assert len(lines_of(value)) <= LINES
                    assert all(len(line) <= LINE for line in lines_of(value))
                else:
                    assert len(value) <= HSA_LENGTHS.get(name, len(value)), name


@pytest.mark.parametrize("letter", LETTERS)
def test_the_longest_record_fits_into_ad(letter: str) -> None:
    built = said({path: longest(letter, most) for path, most in LONGEST.items()})
    for wanted in in_ad(built):
        for rdn in wanted.rdns:
            ((_name, value),) = matching.split_dn(rdn)[0]
            assert utf16_length(value) <= 64
        for name, values in wanted.attributes.items():
            assert name in AD_LENGTHS or name in AD_UNLIMITED
            for value in values if name in AD_LENGTHS else ():
                assert utf16_length(value) <= AD_LENGTHS[name], name


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("path", LONGEST, ids=lambda path: ".".join(map(str, path)))
def test_one_letter_more_is_refused_at_its_place_and_the_limit_named(
    path: tuple[str | int, ...], letter: str
) -> None:
    most = LONGEST[path]
    said({path: longest(letter, most)})
    _record, faults = read({path: longest(letter, most) + letter})
    ((part, place, message),) = faults
    assert (part, *place) == path
    assert message.startswith(f"expected at most {most} characters")


def test_names_that_do_not_fit_into_cn_stand_elsewhere() -> None:
    """cn takes 64: of a person the name is left out, which fullName has, of a commission cut."""
    names = {("staff", "people", 0, key): 30 * "a" for key in ("given_name", "surname")}
    entries = {
        length: {wanted.kind: wanted.attributes for wanted in in_hsa(said(
            {**names, ("staff", "people", 0, "middle_name"): length * "m",
             ("agreement", "units", 0, "name"): (39 + length) * "b"},
        ))}
        for length in (2, 3)
    }  # fmt: skip
    name = f"{30 * 'a'} mm {30 * 'a'}"
    assert entries[2]["person"]["cn"][1:] == entries[2]["person"]["fullName"] == (name,)
    assert entries[2]["commission"]["cn"][1] == "Vård och behandling - " + 41 * "b"
    assert entries[3]["person"]["cn"][1:] == ()
    assert entries[3]["person"]["fullName"] == (name.replace("mm", "mmm"),)
    assert entries[3]["commission"]["cn"][1] == "Vård och behandling - " + 42 * "b"
    longer = {("agreement", "units", 0, "name"): 64 * "b"}
    (cut,) = (w.attributes["cn"][1] for w in in_hsa(said(longer)) if w.kind == "commission")
    assert cut == "Vård och behandling - " + 42 * "b"
