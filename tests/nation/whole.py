# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small directory that is whole by every rule of the page.

People and numbers are invented; everybody is born before 1910.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from ansible_collections.regionjh.halsoval.tests.nation.entries import Dump
from ansible_collections.regionjh.halsoval.tests.nation.judge import Asked

# By DN, so that a breaking finds its entry; `answers` takes the items.
Held = Mapping[str, tuple[str, ...]]
Directory = Mapping[str, Held]

ASKED = Asked(
    day=dt.date(2026, 3, 2),
    counties={"20": "Dalarnas län", "23": "Jämtlands län"},
    municipalities={"2380": "Östersund", "2321": "Åre", "2080": "Falun"},
    classifications={"1502": "Allmänmedicin", "1506": "Distriktssköterskeverksamhet"},
    pa_titles={"203010": "Läkare", "206010": "Sjuksköterska"},
    purposes=frozenset({"Vård och behandling", "Kvalitetssäkring", "Administration"}),
    titles=frozenset({"Läkare", "Sjuksköterska"}),
    rights=frozenset({"Läsa;alla;SJF", "Läsa;alla;VG"}),
    managements=frozenset({"Privat", "Region"}),
    doctors=frozenset({"Läkare", "Underläkare"}),
)

ROOT = "o=Region Exempel,c=SE"
PROVIDER_DN = f"ou=Exempelvård AB,{ROOT}"
CARE_DN = f"ou=Exempelvård Östersund,{PROVIDER_DN}"
LINKED_DN = f"ou=Laboratoriet,{CARE_DN}"
ENDED_DN = f"ou=Exempelvård Åre,{PROVIDER_DN}"
FEIGNED_DN = f"ou=Provenheten,{PROVIDER_DN}"
PEOPLE = f"ou=Personal,{ROOT}"

PROVIDER, CARE, LINKED, ENDED, FEIGNED = (
    f"SE2321000214-{serial}" for serial in ("HV0001", "HV0002", "HV0003", "HV0004", "HV0005")
)
DOCTOR, NURSE, STUDENT, ARCHIVED, MANAGER = (
    f"SE2321000214-{serial}" for serial in ("P001", "P002", "P003", "P004", "P005")
)
DOCTOR_DN, NURSE_DN, STUDENT_DN, ARCHIVED_DN, MANAGER_DN = (
    f"cn={hsa_id},{PEOPLE}" for hsa_id in (DOCTOR, NURSE, STUDENT, ARCHIVED, MANAGER)
)
COMMISSION, OFFICE = "SE2321000214-U001", "SE2321000214-U002"
COMMISSION_DN = f"cn=Vård i Östersund,{CARE_DN}"
OFFICE_DN = f"cn=Administration i Östersund,{CARE_DN}"

_UNIT: Held = {
    "objectClass": ("organizationalUnit",),
    "telephoneNumber": ("+4663123456",),
    "hsaTelephoneNumber": ("+4663123457",),
    "hsaSwitchboardNumber": ("+4663123400",),
    "telephoneHours": ("1-5#08:00#16:00#Ring tidigt",),
    "mail": ("info@exempel.example",),
    "hsaDirectoryContact": ("katalog@exempel.example",),
    "postalAddress": ("Exempelvård$Exempelgatan 1$831 31 Östersund",),
    "street": ("Exempelgatan 1, Östersund",),
    "postalCode": ("831 31",),
    "l": ("Östersund",),
    "countyCode": ("23",),
    "countyName": ("Jämtlands län",),
    "municipalityCode": ("80",),
    "municipalityName": ("Östersund",),
    "geographicalCoordinates": ("X:7009000,Y:1441000",),
    "sweref99": ("N:7007000,E:482000",),
    "surgeryHours": ("1-4#08:00#17:00", "5-5#08:00#15:30"),
    "dropInHours": ("1-5#08:00#09:00",),
    "visitingHours": ("1-7#00:00#24:00",),
    "businessClassificationCode": ("1502", "1506"),
    "businessClassificationName": ("Allmänmedicin", "Distriktssköterskeverksamhet"),
    "careType": ("01",),
    "management": ("Privat",),
    "hsaBusinessType": ("02",),
    "displayOption": ("2#4",),
    "labeledURI": ("https://exempel.example/",),
    "visitingRuleAge": ("2;8",),
    "unitTemporaryInformation": ("20260201;20260401;Vi bygger om",),
    "startDate": ("20260101000000Z",),
}
_PERSON: Held = {
    "objectClass": ("person",),
    "middleName": ("Ek",),
    "mail": ("person@exempel.example",),
    "telephoneNumber": ("+46701234567",),
    "telephoneHours": ("1-5#10:00#11:00",),
    "hsaSystemRole": ("npo;lasare",),
    "startDate": ("20260101000000Z",),
}


def _unit(hsa_id: str, name: str, *classes: str, **more: str | tuple[str, ...]) -> Held:
    held = {**_UNIT, "hsaIdentity": (hsa_id,), "ou": (name,), **_tuples(more)}
    return {**held, "objectClass": (*_UNIT["objectClass"], *classes)}


def _person(
    hsa_id: str, given: str, surname: str, *classes: str, **more: str | tuple[str, ...]
) -> Held:
    named = {"givenName": (given,), "sn": (surname,), "fullName": (f"{given} {surname}",)}
    held = {**_PERSON, "hsaIdentity": (hsa_id,), "cn": (hsa_id,), **named, **_tuples(more)}
    return {**held, "objectClass": (*_PERSON["objectClass"], *classes)}


def _commission(hsa_id: str, name: str, purpose: str, *members: str) -> Held:
    return {
        "objectClass": ("hsaCommission",),
        "hsaIdentity": (hsa_id,),
        "cn": (name,),
        "hsaCommissionPurpose": (purpose,),
        "hsaCommissionRight": ("Läsa;alla;SJF",),
        "hsaCommissionMember": members,
        "startDate": ("20260101000000Z",),
    }


def _tuples(values: Mapping[str, str | tuple[str, ...]]) -> Held:
    return {name: (v,) if isinstance(v, str) else v for name, v in values.items()}


SAMPLE: Directory = {
    "c=SE": {"objectClass": ("country",), "c": ("SE",)},
    ROOT: {"objectClass": ("organization",), "o": ("Region Exempel",)},
    PEOPLE: {"objectClass": ("organizationalUnit",), "ou": ("Personal",)},
    PROVIDER_DN: _unit(PROVIDER, "Exempelvård AB", "hsaHealthCareProvider", orgNo="556000-1234"),
    CARE_DN: _unit(
        CARE,
        "Exempelvård Östersund",
        "hsaHealthCareUnit",
        "halsovalObject",
        halsovalKey="exempel/unit/1",
        hsaResponsibleHealthCareProvider=PROVIDER,
        hsaHealthCareUnitManager=MANAGER,
        hsaHealthCareUnitMember=LINKED,
        hsaDestinationIndicator="03",
        hsaAdministrativeCareLevel="1",
        hsaPostalAddress="Exempelvård$Exempelgatan$1$$831 31$Östersund",
        hsaVisitingAddress="Exempelgatan$1$$Östersund",
        hsaSweref99Latitude="7007000",
        hsaSweref99Longitude="482000",
        unitPrescriptionCode="2312345",
        endDate="20301231225959Z",
    ),
    LINKED_DN: _unit(LINKED, "Laboratoriet", orgNo="556000-1234"),
    ENDED_DN: _unit(
        ENDED,
        "Exempelvård Åre",
        "hsaHealthCareUnit",
        "hsaArchivedObject",
        hsaResponsibleHealthCareProvider=PROVIDER,
        unitPrescriptionCode="2354321",
        endDate="20260131225959Z",
    ),
    FEIGNED_DN: _unit(FEIGNED, "Provenheten", "hsaFeignedDataObject"),
    COMMISSION_DN: _commission(
        COMMISSION,
        "Vård i Östersund",
        "Vård och behandling",
        f"{DOCTOR};;",
        f"{NURSE};20260101000000Z;20261231225959Z",
        f"{ARCHIVED};;20261231225959Z",
    ),
    OFFICE_DN: _commission(OFFICE, "Administration i Östersund", "Administration", f"{DOCTOR};;"),
    DOCTOR_DN: _person(
        DOCTOR,
        "Anna",
        "Exempel",
        personalIdentityNumber="190001019802",
        title="Läkare",
        hsaTitle="Läkare",
        paTitleCode="203010",
        paTitleName="Läkare",
        hsaSosTitleCodeSpeciality="LK;1001;Allmänmedicin",
        personalPrescriptionCode="1234567",
    ),
    NURSE_DN: _person(
        NURSE,
        "Bo",
        "Prov",
        "hsaConfidentialPerson",
        personalIdentityNumber="190102039801",
        title="Sjuksköterska",
        hsaTitle="Sjuksköterska",
        paTitleCode="206010",
        paTitleName="Sjuksköterska",
        hsaSosNursePrescriptionRight="SSK;1",
    ),
    STUDENT_DN: _person(
        STUDENT,
        "Cilla",
        "Prov",
        title="Underläkare",
        occupationalCode="VT",
        hsaGroupPrescriptionCode="7654321",
    ),
    ARCHIVED_DN: _person(ARCHIVED, "David", "Exempel", "hsaArchivedObject", title="Sekreterare"),
    MANAGER_DN: _person(MANAGER, "Eva", "Exempel", title="Verksamhetschef"),
}


def items(directory: Directory) -> Dump:
    """A directory as the judge takes it."""
    return tuple(directory.items())
