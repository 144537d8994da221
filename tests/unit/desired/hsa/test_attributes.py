# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the entries say, attribute by attribute (HSA schema 5.3), under whatever local names."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import (
    schema,
    searches,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    NPO,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values


def said(hsa: Hsa, key: str) -> dict[str, tuple[str, ...]]:
    """An entry's attributes."""
    return dict(hsa.by_key(key).attributes)


def test_what_a_provider_says(hsa: Hsa) -> None:
    contacts = {"hsa": [{"name": "Katalogen", "mail": "hsa@x.example"}, {"name": "Annan"}]}
    hsa.bring(
        record(
            name="Hälsan AB", organisation_number="552000-0016", contacts=contacts,
            agreement={"ends": "2026-12-31"},
        )
    )  # fmt: skip
    assert said(hsa, "provider/alfa") == {
        "objectClass": ("organizationalUnit", "hsaHealthCareProvider", "halsovalObject"),
        "ou": ("Hälsan AB",),
        "orgNo": ("5520000016",),
        "hsaDirectoryContact": ("hsa@x.example",),
        # Midnight in Stockholm, in winter time.
        "startDate": ("20251231230000Z",),
        "endDate": ("20261231230000Z",),
        "hsaIdentity": ("SE2321000214-HV000001",),
        "halsovalKey": ("provider/alfa",),
    }


def test_what_a_unit_says(hsa: Hsa) -> None:
    box = {"lines": ["Box $1", "c/o A\\B"], "postal_code": "831 31", "city": "Östersund"}
    full = unit(
        name="Hälsan", phone="063-1", internal_phone="063-2", mail="vc@x.example", address=box,
        visiting_address={**box, "lines": ["Storgatan 1"]}, closes="2026-07-31",
        head_of_operations={"name": "Chefen", "hsa_id": "SE2321000214-CHEF"},
        opening_hours=["1-4#08:00#17:00", "5#08:00#15:00"], classification=["1502"],
        care_type=["01"], management=["4"], workplace_code="12345", public_from="2026-01-01",
    )  # fmt: skip
    hsa.bring(record(units=[full]))
    assert said(hsa, "unit/alfa/vc") == {
        "objectClass": ("organizationalUnit", "hsaHealthCareUnit", "halsovalObject"),
        "ou": ("Hälsan",),
        "hsaResponsibleHealthCareProvider": ("SE2321000214-HV000001",),
        "hsaHealthCareUnitManager": ("SE2321000214-CHEF",),
        "telephoneNumber": ("063-1",),
        "hsaTelephoneNumber": ("063-2",),
        "mail": ("vc@x.example",),
        "postalAddress": ("Box \\241$c/o A\\5CB$831 31 Östersund",),
        "hsaVisitingAddress": ("Storgatan 1$831 31 Östersund",),
        "surgeryHours": ("1-4#08:00#17:00", "5#08:00#15:00"),
        "businessClassificationCode": ("1502",),
        "careType": ("01",),
        "management": ("4",),
        "unitPrescriptionCode": ("12345",),
        "hsaDestinationIndicator": ("03",),
        "startDate": ("20251231230000Z",),
        # The unit's own last day, in summer time.
        "endDate": ("20260731220000Z",),
        "hsaIdentity": ("SE2321000214-HV000002",),
        "halsovalKey": ("unit/alfa/vc",),
    }


def test_what_a_person_says(hsa: Hsa) -> None:
    hsa.bring(
        record(
            people=[
                person(
                    1, assignment(systems=[NPO], to="2026-06-30"), middle_name="Maria",
                    position="Distriktsläkare", mail="a@x.example", phone="063-1",
                    licences=[{"title": "Läkare", "confirmed": "2020-01-01"}],
                )
            ]
        )
    )  # fmt: skip
    assert said(hsa, "person/alfa") == {
        "objectClass": ("person", "halsovalObject"),
        "cn": ("SE2321000214-HV000003", "Anna1 Maria Fjällström"),
        "givenName": ("Anna1",),
        "middleName": ("Maria",),
        "sn": ("Fjällström",),
        "fullName": ("Anna1 Maria Fjällström",),
        "personalIdentityNumber": (number(1),),
        "hsaTitle": ("Läkare",),
        "title": ("Distriktsläkare",),
        "mail": ("a@x.example",),
        "telephoneNumber": ("063-1",),
        "hsaSystemRole": ("npo;lasare",),
        "startDate": ("20251231230000Z",),
        "endDate": ("20260630220000Z",),
        "hsaIdentity": ("SE2321000214-HV000003",),
        "halsovalKey": ("person/alfa",),
    }


def test_what_a_commission_says(hsa: Hsa) -> None:
    rights = ["Läsa;alla;SJF", "Läsa;alla;VE"]
    hsa.bring(record(people=[person(1, assignment(rights=rights))], units=[unit(name="Hälsan")]))
    (commission,) = hsa.commissions()
    assert {n: v for n, v in commission.attributes.items() if n != "halsovalKey"} == {
        "objectClass": ("hsaCommission", "halsovalObject"),
        "cn": ("SE2321000214-HV000004", "Vård och behandling - Hälsan"),
        "hsaCommissionPurpose": ("Vård och behandling",),
        "hsaCommissionRight": ("Läsa;alla;SJF", "Läsa;alla;VE"),
        "hsaCommissionMember": ("SE2321000214-HV000003",),
        "hsaIdentity": ("SE2321000214-HV000004",),
    }
    assert commission.dn == f"cn={hsa_id(commission)},{hsa.unit().dn}"


def test_a_service_without_a_role_gives_none(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, assignment(systems=["e_recept", NPO]))]))
    assert values(hsa.person(number(1)), "hsaSystemRole") == ("npo;lasare",)


def test_everything_feigned_says_so_and_stops_saying_so() -> None:
    hsa = Hsa(replace(LAYOUT, feigned=True))
    staff = record(people=[person(1), person(2, protected=True)])
    hsa.bring(staff)
    assert len(hsa.entries()) == 5
    for entry in hsa.entries():
        assert "hsaFeignedDataObject" in values(entry, "objectClass")
    real = Hsa()
    real.directory = hsa.directory
    real.bring(staff)
    for entry in real.entries():
        assert "hsaFeignedDataObject" not in values(entry, "objectClass")


def test_local_names_replace_the_national_ones_everywhere() -> None:
    renamed = {"hsaIdentity": "regionId", "hsaCommissionMember": "medlem", "ou": "orgUnit",
               "hsaSystemRole": "roll", "hsaHealthCareUnit": "regionUnit"}  # fmt: skip
    layout = replace(
        LAYOUT, renamed=renamed, key_attribute="vardKey", key_class="vardObject",
        hsa_id_prefix="SE2321000214-X",
    )  # fmt: skip
    desired = Hsa(layout).desired(record(people=[person(1, assignment(systems=[NPO]))]))
    names = {name for entry in desired.wanted for name in entry.attributes}
    assert names.isdisjoint(renamed)
    assert {"regionId", "medlem", "orgUnit", "roll", "vardKey"} <= names
    assert names <= {attribute.name for attribute in desired.attributes}
    by_kind = {entry.kind: entry for entry in desired.wanted}
    assert by_kind["unit"].attributes["objectClass"] == (
        "organizationalUnit", "regionUnit", "vardObject"
    )  # fmt: skip
    assert by_kind["unit"].rdns[0] == "orgUnit=Vårdcentralen vc"
    assert by_kind["person"].attributes["roll"] == ("npo;lasare",)
    assert by_kind["person"].id == "SE2321000214-X000003"
    assert by_kind["commission"].attributes["medlem"] == ("SE2321000214-X000003",)
    assert by_kind["person"].dated.keys() == {"roll", "hsaTitle"}


def test_all_that_is_written_is_read_back() -> None:
    ((base, filter_, read),) = searches(replace(LAYOUT, renamed={"hsaIdentity": "regionId"}))
    assert (base, filter_) == (LAYOUT.base_dn, "(regionId=*)")
    assert {"regionId", "halsovalKey", "hsaCommissionMember"} <= set(read)
    desired = Hsa().desired(record(people=[person(1), person(2, protected=True)]))
    written = {name for entry in desired.wanted for name in entry.attributes}
    assert written <= {attribute.name for attribute in schema(LAYOUT)}


def test_numbers_that_may_be_personal_are_secret() -> None:
    secret = {attribute.name for attribute in schema(LAYOUT) if attribute.secret}
    assert secret == {"personalIdentityNumber", "orgNo"}
