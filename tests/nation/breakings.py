# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to break the whole directory, each one cell of the page, and what is then left out.

A steady breaking takes answers away whatever else was broken before; the others say why they may
bring some back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.regionjh.halsoval.tests.nation.judge import Answer
from ansible_collections.regionjh.halsoval.tests.nation.whole import (
    CARE,
    CARE_DN,
    COMMISSION,
    COMMISSION_DN,
    DOCTOR,
    DOCTOR_DN,
    ENDED,
    ENDED_DN,
    LINKED,
    LINKED_DN,
    MANAGER,
    MANAGER_DN,
    NURSE_DN,
    OFFICE,
    OFFICE_DN,
    PROVIDER,
    PROVIDER_DN,
    ROOT,
    SAMPLE,
    STUDENT,
    STUDENT_DN,
    Directory,
    Held,
)

Edit = Callable[[Directory], Directory]
# (contract, key) of an object that is left out, (contract, key, attribute, value) of a value.
Missing = tuple[str, ...]

CREDENTIALS = (
    "GetCredentialsForPerson",
    "GetCredentialsForPersonIncludingProtectedPerson",
)
# Where a unit's county and municipality come together or not at all, and where pair by pair.
PLACED = ("GetUnit", "GetHealthCareUnitMembers")
BY_PAIR = ("GetHealthCareUnit", "GetHealthCareUnitList", "Pascal")
# Every contract of care units that asks for the provider.
CARE_UNITS = ("GetHealthCareUnit", "GetHealthCareUnitList", "GetHealthCareUnitMembers", "Pascal")


@dataclass(frozen=True)
class Lost:
    """An object, or values of it, in some contracts or in all; a commission in every person's."""

    key: str
    values: tuple[tuple[str, str], ...] = ()
    contracts: tuple[str, ...] = ()

    def concerns(self, contract: str, key: str) -> bool:
        """Whether it is about an object that a contract answers."""
        return (not self.contracts or contract in self.contracts) and (
            key == self.key or key.endswith(f"/{self.key}")
        )


@dataclass(frozen=True)
class Breaking:
    """One fault, and all that is left out for it."""

    name: str
    edit: Edit
    lost: tuple[Lost, ...]
    steady: bool = True

    def missing(self, before: Mapping[str, Answer]) -> set[Missing]:
        """What the whole directory's answers lose."""
        return {
            missing
            for contract, answer in before.items()
            for key, pairs in answer.items()
            for missing in self._missing(contract, key, pairs)
        }

    def _missing(self, contract: str, key: str, pairs: frozenset[tuple[str, str]]) -> set[Missing]:
        lost = [each for each in self.lost if each.concerns(contract, key)]
        if any(not each.values for each in lost):
            return {(contract, key)}
        values = {pair for each in lost for pair in each.values}
        return {(contract, key, *pair) for pair in values & pairs}


def put(dn: str, **values: str | tuple[str, ...]) -> Edit:
    """Give attributes these values, whatever they had."""
    tuples = {name: (v,) if isinstance(v, str) else v for name, v in values.items()}
    return _changed(dn, lambda held: {**held, **tuples})


def instead(dn: str, attribute: str, *values: str) -> Edit:
    """Give an attribute that is held other values."""
    return _changed(dn, lambda held: {**held, attribute: values} if attribute in held else held)


def drop(dn: str, *attributes: str) -> Edit:
    """Take attributes away."""
    return _changed(dn, lambda held: {n: v for n, v in held.items() if n not in attributes})


def another(dn: str, attribute: str, value: str) -> Edit:
    """Give an attribute that is held one value more."""

    def more(held: Held) -> Held:
        return {**held, attribute: (*held[attribute], value)} if attribute in held else held

    return _changed(dn, more)


def classed(dn: str, name: str) -> Edit:
    """Give an object a class more."""
    return another(dn, "objectClass", name)


def declassed(dn: str, name: str) -> Edit:
    """Take a class from an object."""

    def fewer(held: Held) -> Held:
        kept = tuple(each for each in held["objectClass"] if each != name)
        return {**held, "objectClass": kept}

    return _changed(dn, fewer)


def moved(dn: str, new: str) -> Edit:
    """Give an object another name."""
    return lambda directory: {new if each == dn else each: v for each, v in directory.items()}


def removed(dn: str) -> Edit:
    """Take an object away."""
    return lambda directory: {each: v for each, v in directory.items() if each != dn}


def twin(dn: str, new: str) -> Edit:
    """Give an object's HSA-id to a new one."""

    def added(directory: Directory) -> Directory:
        return {**directory, new: SAMPLE[dn]} if dn in directory else directory

    return added


def gone(key: str, *contracts: str) -> Lost:
    """An object that does not come."""
    return Lost(key, (), contracts)


def value(key: str, attribute: str, *values: str, at: tuple[str, ...] = ()) -> Lost:
    """Values that do not come with an object."""
    return Lost(key, tuple((attribute, each) for each in values), at)


def held(dn: str, *attributes: str, at: tuple[str, ...] = ()) -> Lost:
    """All values that an object of the whole directory has of attributes."""
    key = SAMPLE[dn]["hsaIdentity"][0]
    pairs = tuple((name, each) for name in attributes for each in SAMPLE[dn][name])
    return Lost(key, pairs, at)


def _changed(dn: str, change: Callable[[Held], Held]) -> Edit:
    def edit(directory: Directory) -> Directory:
        return {each: change(v) if each == dn else v for each, v in directory.items()}

    return edit


# --- what goes with what ---

COMMISSIONS = tuple(gone(key, *CREDENTIALS, "Intyg") for key in (COMMISSION, OFFICE))
UNDER_CARE = (gone(LINKED, "GetHealthCareUnit", "GetHealthCareUnitMembers"), *COMMISSIONS)
CARE_GONE = (gone(CARE), *UNDER_CARE)
PROVIDER_NOT_WHOLE = (
    gone(PROVIDER),
    gone(CARE, *CARE_UNITS),
    gone(ENDED, *CARE_UNITS),
    *UNDER_CARE,
)
PROVIDER_NOT_THERE = (gone(PROVIDER), gone(CARE), gone(ENDED), *UNDER_CARE)
POINTERS_WRONG = (gone(CARE), gone(ENDED), *UNDER_CARE)
COMMISSION_GONE = gone(COMMISSION, *CREDENTIALS, "Intyg")
DOCTORS_COMMISSIONS = tuple(
    gone(f"{DOCTOR}/{key}", *CREDENTIALS, "Intyg") for key in (COMMISSION, OFFICE)
)
DOCTORS_LINKS = tuple(
    value(key, "hsaCommissionMember", f"{DOCTOR};;", at=("GetCommissionMembers",))
    for key in (COMMISSION, OFFICE)
)
DOCTOR_GONE = (gone(DOCTOR), *DOCTORS_COMMISSIONS, *DOCTORS_LINKS)

PLACE = ("countyCode", "countyName", "municipalityCode", "municipalityName")


def _place(*pair: str) -> tuple[Lost, ...]:
    return (held(CARE_DN, *PLACE, at=PLACED), held(CARE_DN, *pair, at=BY_PAIR), gone(CARE, "1177"))


def _form(
    name: str, dn: str, attribute: str, wrong: str, *more: Lost, steady: bool = True
) -> Breaking:
    """A value in a wrong form, that no object hangs on but those named."""
    return Breaking(name, put(dn, **{attribute: wrong}), (held(dn, attribute), *more), steady)


def _several(dn: str, attribute: str, second: str, *more: Lost, steady: bool = True) -> Breaking:
    """Several values where one is allowed (Po R, warning 60)."""
    name = f"several values: {attribute} of {SAMPLE[dn]['objectClass'][0]}"
    return Breaking(name, another(dn, attribute, second), (held(dn, attribute), *more), steady)


# --- part 1 ---

ALL = (
    Breaking("all: feigned unit", classed(LINKED_DN, "hsaFeignedDataObject"), (gone(LINKED),)),
    Breaking("all: feigned care unit", classed(CARE_DN, "hsaFeignedDataObject"), CARE_GONE),
    Breaking(
        "all: feigned provider", classed(PROVIDER_DN, "hsaFeignedDataObject"), PROVIDER_NOT_THERE
    ),
    Breaking("all: feigned person", classed(DOCTOR_DN, "hsaFeignedDataObject"), DOCTOR_GONE),
    Breaking(
        "all: feigned commission",
        classed(COMMISSION_DN, "hsaFeignedDataObject"),
        (gone(COMMISSION),),
    ),
    Breaking("all: HSA-id wrongly formed", put(CARE_DN, hsaIdentity="HV0002"), CARE_GONE),
    Breaking("all: HSA-id with a blank", put(CARE_DN, hsaIdentity=f"{CARE} "), CARE_GONE),
    Breaking(
        "all: HSA-id of 32 characters", put(CARE_DN, hsaIdentity=CARE.ljust(32, "0")), CARE_GONE
    ),
    Breaking("all: two HSA-ids", another(CARE_DN, "hsaIdentity", "SE2321000214-HV9999"), CARE_GONE),
    _form(
        "all: code outside its value set, careType", CARE_DN, "careType", "09", gone(CARE, "1177")
    ),
    _form("all: code outside its value set, business type", CARE_DN, "hsaBusinessType", "15"),
    _form(
        "all: code outside its value set, occupation",
        STUDENT_DN,
        "occupationalCode",
        "XX",
        gone(STUDENT, "Pascal"),
    ),
    Breaking(
        "all: county code outside its table",
        put(CARE_DN, countyCode="99"),
        (
            held(CARE_DN, *PLACE, at=(*PLACED, *BY_PAIR)),
            gone(CARE, "1177"),
            held(CARE_DN, "unitPrescriptionCode"),
            value(COMMISSION, "unitPrescriptionCode", "2312345"),
            gone(CARE, "Pascal"),
        ),
    ),
    Breaking(
        "all: county's code and text disagree",
        put(CARE_DN, countyName="Jämtland"),
        _place("countyCode", "countyName"),
    ),
    Breaking(
        "all: a part missing, commission right",
        put(COMMISSION_DN, hsaCommissionRight="Läsa;;SJF"),
        (held(COMMISSION_DN, "hsaCommissionRight"),),
    ),
)
OLD_LIST = (
    Breaking(
        "old list: two units share an HSA-id",
        twin(CARE_DN, f"ou=Två,{ROOT}"),
        CARE_GONE,
        steady=False,
    ),
    Breaking(
        "old list: two people share an HSA-id",
        twin(DOCTOR_DN, f"cn=Två,{ROOT}"),
        DOCTOR_GONE,
        steady=False,
    ),
    # Not steady: without the second care unit the first is the only one again.
    Breaking(
        "old list: linked to several care units",
        put(ENDED_DN, hsaHealthCareUnitMember=LINKED),
        (gone(LINKED), held(CARE_DN, "hsaHealthCareUnitMember")),
        steady=False,
    ),
    Breaking(
        "old list: pointer missing", drop(CARE_DN, "hsaResponsibleHealthCareProvider"), CARE_GONE
    ),
    Breaking(
        "old list: pointer to nobody",
        put(CARE_DN, hsaResponsibleHealthCareProvider="SE2321000214-HV9999"),
        CARE_GONE,
    ),
    Breaking(
        "old list: pointer to no provider",
        put(CARE_DN, hsaResponsibleHealthCareProvider=LINKED),
        CARE_GONE,
    ),
    Breaking(
        "old list: pointer wrongly formed",
        put(CARE_DN, hsaResponsibleHealthCareProvider=PROVIDER_DN),
        CARE_GONE,
    ),
    Breaking(
        "old list: two pointers",
        another(CARE_DN, "hsaResponsibleHealthCareProvider", PROVIDER.lower()),
        CARE_GONE,
    ),
    Breaking(
        "old list: pointer to an ended provider",
        put(PROVIDER_DN, endDate="20260228225959Z"),
        POINTERS_WRONG,
    ),
    Breaking("old list: orgNo missing", drop(PROVIDER_DN, "orgNo"), PROVIDER_NOT_WHOLE),
    Breaking(
        "old list: orgNo wrongly formed",
        put(PROVIDER_DN, orgNo="16556000-1234"),
        PROVIDER_NOT_WHOLE,
    ),
    Breaking(
        "old list: two orgNo", another(PROVIDER_DN, "orgNo", "556000-9999"), PROVIDER_NOT_WHOLE
    ),
    _form(
        "old list: unknown purpose", COMMISSION_DN, "hsaCommissionPurpose", "Vård", COMMISSION_GONE
    ),
    _form("old list: unknown right", COMMISSION_DN, "hsaCommissionRight", "Gissa;alla;SJF"),
    _form("old list: unknown title", DOCTOR_DN, "hsaTitle", "Läkaren", gone(DOCTOR, "Pascal")),
    _form("old list: unknown ownership", CARE_DN, "management", "Okänd"),
    _form("old list: phone with letters", CARE_DN, "telephoneNumber", "+4663VAXEL"),
    _form("old list: mail without @", CARE_DN, "mail", "info.exempel.example"),
    _form("old list: URL without http", CARE_DN, "labeledURI", "www.exempel.example"),
)
GET_UNIT = (
    Breaking("GetUnit: unit without name", drop(LINKED_DN, "ou"), (gone(LINKED),)),
    Breaking("GetUnit: unit without HSA-id", drop(LINKED_DN, "hsaIdentity"), (gone(LINKED),)),
    Breaking(
        "GetUnit: classification with another's text",
        instead(
            CARE_DN, "businessClassificationName", "Allmän medicin", "Distriktssköterskeverksamhet"
        ),
        (
            value(CARE, "businessClassificationCode", "1502"),
            value(CARE, "businessClassificationName", "Allmänmedicin"),
        ),
    ),
    Breaking(
        "GetUnit: classification without text",
        drop(CARE_DN, "businessClassificationName"),
        (held(CARE_DN, "businessClassificationCode", "businessClassificationName"),),
    ),
    Breaking(
        "GetUnit: classification text without code",
        instead(CARE_DN, "businessClassificationCode", "1502"),
        (
            value(CARE, "businessClassificationCode", "1506"),
            value(CARE, "businessClassificationName", "Distriktssköterskeverksamhet"),
        ),
    ),
    Breaking(
        "GetUnit: classification code outside its table",
        instead(CARE_DN, "businessClassificationCode", "1502", "9999"),
        (
            value(CARE, "businessClassificationCode", "1506"),
            value(CARE, "businessClassificationName", "Distriktssköterskeverksamhet"),
        ),
    ),
    Breaking(
        "GetUnit: county name missing",
        drop(CARE_DN, "countyName"),
        _place("countyCode", "countyName"),
    ),
    Breaking(
        "GetUnit: municipality name missing",
        drop(CARE_DN, "municipalityName"),
        _place("municipalityCode", "municipalityName"),
    ),
    Breaking(
        "GetUnit: municipality's code and text disagree",
        put(CARE_DN, municipalityName="Åre"),
        _place("municipalityCode", "municipalityName"),
    ),
    Breaking(
        "GetUnit: municipality of another county",
        put(CARE_DN, municipalityName="Falun"),
        _place("municipalityCode", "municipalityName"),
    ),
    Breaking(
        "GetUnit: municipality code with the county's",
        put(CARE_DN, municipalityCode="2380"),
        _place("municipalityCode", "municipalityName"),
    ),
    # Not steady: the workplace code then only has to begin with some county's.
    Breaking(
        "GetUnit: county code missing",
        drop(CARE_DN, "countyCode"),
        (held(CARE_DN, *PLACE, at=(*PLACED, *BY_PAIR)), gone(CARE, "1177")),
        steady=False,
    ),
    _form("GetUnit: hours of three parts", CARE_DN, "surgeryHours", "5#08:00#15:30"),
    _form("GetUnit: hours of eight parts", CARE_DN, "surgeryHours", "1-5#08:00#17:00#a#b#c#d"),
    _form(
        "GetUnit: RT90 of three parts",
        CARE_DN,
        "geographicalCoordinates",
        "X:7009000,Y:1441000,Z:0",
        gone(CARE, "1177"),
    ),
    _form("GetUnit: SWEREF of one part", CARE_DN, "sweref99", "N:7007000;E:482000"),
    _form("GetUnit: visitingRuleAge of one part", CARE_DN, "visitingRuleAge", "02-08#comment"),
    _form("GetUnit: visitingRuleAge of four parts", CARE_DN, "visitingRuleAge", "2;8;a;b"),
    _form("GetUnit: visitingRuleAge, a part empty", CARE_DN, "visitingRuleAge", "2;"),
    _form(
        "GetUnit: temporary information of two parts",
        CARE_DN,
        "unitTemporaryInformation",
        "20260201;Vi bygger om",
    ),
)
GET_HEALTH_CARE_UNIT = (
    Breaking("GetHealthCareUnit: not found", removed(LINKED_DN), (gone(LINKED),)),
    Breaking(
        "GetHealthCareUnit: neither care unit nor pointed to by one",
        drop(CARE_DN, "hsaHealthCareUnitMember"),
        (
            gone(LINKED, "GetHealthCareUnit", "GetHealthCareUnitMembers"),
            held(CARE_DN, "hsaHealthCareUnitMember"),
        ),
    ),
    # Not steady: a wrong pointer hides a care unit everywhere, and no other unit.
    Breaking(
        "GetHealthCareUnit: class of care units missing",
        declassed(CARE_DN, "hsaHealthCareUnit"),
        (
            gone(CARE, *CARE_UNITS),
            gone(LINKED, "GetHealthCareUnit", "GetHealthCareUnitMembers"),
            held(CARE_DN, "hsaHealthCareUnitMember", "hsaAdministrativeCareLevel"),
            held(COMMISSION_DN, "hsaCommissionPurpose"),
            COMMISSION_GONE,
        ),
        steady=False,
    ),
    Breaking("GetHealthCareUnit: care unit without name", drop(CARE_DN, "ou"), CARE_GONE),
    Breaking(
        "GetHealthCareUnit: care unit without HSA-id", drop(CARE_DN, "hsaIdentity"), CARE_GONE
    ),
    Breaking(
        "GetHealthCareUnit: provider without name", drop(PROVIDER_DN, "ou"), PROVIDER_NOT_WHOLE
    ),
    Breaking(
        "GetHealthCareUnit: provider without HSA-id",
        drop(PROVIDER_DN, "hsaIdentity"),
        PROVIDER_NOT_THERE,
    ),
    Breaking(
        "GetHealthCareUnit: provider's orgNo without hyphen",
        put(PROVIDER_DN, orgNo="5560001234"),
        PROVIDER_NOT_WHOLE,
    ),
)
LISTS_AND_PROVIDERS = (
    Breaking("GetHealthCareUnitList: provider not found", removed(PROVIDER_DN), PROVIDER_NOT_THERE),
    # Not steady: a wrong orgNo hides a provider everywhere, and no other unit.
    Breaking(
        "GetHealthCareUnitList and -Provider: not a provider",
        declassed(PROVIDER_DN, "hsaHealthCareProvider"),
        (gone(PROVIDER, "GetHealthCareUnitList", "GetHealthCareProvider"), *POINTERS_WRONG),
        steady=False,
    ),
    Breaking("GetHealthCareUnitList: one unit without name", drop(ENDED_DN, "ou"), (gone(ENDED),)),
    Breaking(
        "GetHealthCareUnitList: one unit without HSA-id",
        drop(ENDED_DN, "hsaIdentity"),
        (gone(ENDED),),
    ),
    Breaking(
        "GetHealthCareUnitMembers: pointer wrong",
        put(ENDED_DN, hsaResponsibleHealthCareProvider=CARE),
        (gone(ENDED),),
    ),
    Breaking(
        "GetHealthCareUnitMembers: not a care unit",
        declassed(ENDED_DN, "hsaHealthCareUnit"),
        (gone(ENDED, *CARE_UNITS),),
        steady=False,
    ),
    Breaking(
        "GetHealthCareUnitMembers: a member's place",
        put(LINKED_DN, countyName="Jämtland"),
        (
            held(LINKED_DN, *PLACE, at=PLACED),
            held(LINKED_DN, "countyCode", "countyName", at=("GetHealthCareUnit",)),
        ),
    ),
    Breaking(
        "GetHealthCareUnitMembers: a member's classification",
        drop(LINKED_DN, "businessClassificationCode"),
        (held(LINKED_DN, "businessClassificationCode", "businessClassificationName"),),
    ),
    Breaking(
        "GetHealthCareUnitMembers: a member's postal address",
        drop(LINKED_DN, "postalAddress"),
        (held(LINKED_DN, "postalAddress"),),
    ),
)
CREDENTIALS_FOR_PERSON = (
    Breaking("GetCredentials: person not found", removed(DOCTOR_DN), DOCTOR_GONE),
    Breaking("GetCredentials: person without HSA-id", drop(DOCTOR_DN, "hsaIdentity"), DOCTOR_GONE),
    Breaking(
        "GetCredentials: person without surname",
        drop(DOCTOR_DN, "sn"),
        (gone(DOCTOR), *DOCTORS_COMMISSIONS),
    ),
    Breaking(
        "GetCredentials: protected person",
        classed(DOCTOR_DN, "hsaConfidentialPerson"),
        (
            gone(DOCTOR, "GetCredentialsForPerson", "GetEmployee"),
            gone(f"{DOCTOR}/{COMMISSION}", "GetCredentialsForPerson"),
            gone(f"{DOCTOR}/{OFFICE}", "GetCredentialsForPerson"),
        ),
    ),
    Breaking(
        "GetCredentials: commission without HSA-id",
        drop(COMMISSION_DN, "hsaIdentity"),
        (gone(COMMISSION),),
    ),
    Breaking(
        "GetCredentials: commission without purpose",
        drop(COMMISSION_DN, "hsaCommissionPurpose"),
        (COMMISSION_GONE, held(COMMISSION_DN, "hsaCommissionPurpose")),
    ),
    Breaking(
        "GetCredentials: commission without name",
        drop(COMMISSION_DN, "cn"),
        (COMMISSION_GONE, held(COMMISSION_DN, "cn")),
    ),
    Breaking(
        "GetCredentials: commission not linked to the person",
        drop(OFFICE_DN, "hsaCommissionMember"),
        (gone(f"{DOCTOR}/{OFFICE}"), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    Breaking(
        "GetCredentials: unit from the name, without pointer",
        moved(OFFICE_DN, f"cn=Administration,{LINKED_DN}"),
        (gone(OFFICE, *CREDENTIALS), value(OFFICE, "dn", OFFICE_DN)),
    ),
    Breaking(
        "GetCredentials: unit from the name, not there",
        moved(OFFICE_DN, f"cn=Administration,ou=Nej,{CARE_DN}"),
        (gone(OFFICE, *CREDENTIALS), value(OFFICE, "dn", OFFICE_DN)),
    ),
    _form("GetCredentials: system role of one part", DOCTOR_DN, "hsaSystemRole", "npo"),
    _form("GetCredentials: system role of three parts", DOCTOR_DN, "hsaSystemRole", "npo;a;b"),
    _form(
        "GetCredentials: commission right of two parts",
        COMMISSION_DN,
        "hsaCommissionRight",
        "Läsa;alla",
    ),
    _form(
        "GetCredentials: nurse's right of one part", NURSE_DN, "hsaSosNursePrescriptionRight", "SSK"
    ),
    _form(
        "GetCredentials: speciality of two parts", DOCTOR_DN, "hsaSosTitleCodeSpeciality", "LK;1001"
    ),
)
PEOPLE = (
    # Not steady: links out of force are in form, and give credentials back that had none.
    Breaking(
        "GetCommissionMembers: link ended",
        put(OFFICE_DN, hsaCommissionMember=f"{DOCTOR};;20260228225959Z"),
        (held(OFFICE_DN, "hsaCommissionMember"),),
        steady=False,
    ),
    Breaking(
        "GetCommissionMembers: link ahead",
        put(OFFICE_DN, hsaCommissionMember=f"{DOCTOR};20260303000000Z;"),
        (held(OFFICE_DN, "hsaCommissionMember"),),
        steady=False,
    ),
    Breaking(
        "GetEmployee: title's code and text disagree",
        put(DOCTOR_DN, paTitleName="Sjuksköterska"),
        (held(DOCTOR_DN, "paTitleCode", "paTitleName"),),
    ),
    Breaking(
        "GetEmployee: title's text missing",
        drop(DOCTOR_DN, "paTitleName"),
        (held(DOCTOR_DN, "paTitleCode", "paTitleName"),),
    ),
    Breaking(
        "GetEmployee: protected person",
        classed(STUDENT_DN, "hsaConfidentialPerson"),
        (gone(STUDENT, "GetCredentialsForPerson", "GetEmployee"),),
    ),
    Breaking("GetEmployee: without name", drop(MANAGER_DN, "sn"), (gone(MANAGER),)),
    Breaking(
        "GetEmployee: without HSA-id",
        drop(MANAGER_DN, "hsaIdentity"),
        (gone(MANAGER), held(CARE_DN, "hsaHealthCareUnitManager")),
    ),
    _form(
        "GetEmployee: telephoneHours of three parts", DOCTOR_DN, "telephoneHours", "1#10:00#11:00"
    ),
)


def _dn(name: str, first: str) -> Breaking:
    new = f"ou={first},{CARE_DN}"
    return Breaking(
        f"XSD: DN with {name}", moved(LINKED_DN, new), (value(LINKED, "dn", LINKED_DN),)
    )


XSD = (
    _dn("351 characters", "Labb".ljust(351 - len(f"ou=,{CARE_DN}"), "x")),
    _dn("plus", r"Labb \+7"),
    _dn("ampersand", "Labb & co"),
    _dn("slash", "Labb/prov"),
    _dn("brackets", "Labb (prov)"),
    _dn("escaped comma", r"Labb\, prov"),
    _dn("comma in hex", r"Labb\2c prov"),
    _dn("two attributes", f"Labb+hsaIdentity={LINKED}"),
    _form("XSD: phone with blanks", CARE_DN, "telephoneNumber", "+46 63 12 34 56"),
    _form("XSD: phone with hyphen", CARE_DN, "telephoneNumber", "063-123456"),
    _form("XSD: phone with brackets", CARE_DN, "telephoneNumber", "+46(0)63123456"),
)
CONSUMERS = (
    Breaking(
        "Intyg: unit starts ahead",
        put(CARE_DN, startDate="20260303000000Z"),
        (gone(COMMISSION, "Intyg"), held(CARE_DN, "startDate")),
    ),
    Breaking(
        "Intyg: unit has ended",
        put(CARE_DN, endDate="20260228225959Z"),
        (gone(COMMISSION, "Intyg"), held(CARE_DN, "endDate")),
    ),
    Breaking(
        "Intyg: provider starts ahead",
        put(PROVIDER_DN, startDate="20260303000000Z"),
        (gone(COMMISSION, "Intyg"), held(PROVIDER_DN, "startDate")),
    ),
    # A unit of an ended provider: pointer to an ended provider, above.
    Breaking(
        "Intyg and Pascal: no workplace code",
        drop(CARE_DN, "unitPrescriptionCode"),
        (
            held(CARE_DN, "unitPrescriptionCode"),
            gone(CARE, "Pascal"),
            value(COMMISSION, "unitPrescriptionCode", "2312345"),
        ),
    ),
    Breaking(
        "Pascal: unlicensed doctor without occupational code",
        drop(STUDENT_DN, "occupationalCode"),
        (held(STUDENT_DN, "occupationalCode"), gone(STUDENT, "Pascal")),
    ),
    Breaking(
        "1177: no indicator 03",
        drop(CARE_DN, "hsaDestinationIndicator"),
        (held(CARE_DN, "hsaDestinationIndicator"), gone(CARE, "1177")),
    ),
    Breaking(
        "1177: no county",
        drop(CARE_DN, "countyCode", "countyName"),
        (held(CARE_DN, *PLACE, at=(*PLACED, *BY_PAIR)), gone(CARE, "1177")),
        steady=False,
    ),
    Breaking(
        "1177: no careType",
        drop(CARE_DN, "careType"),
        (held(CARE_DN, "careType"), gone(CARE, "1177")),
    ),
    Breaking(
        "1177: no coordinate",
        drop(CARE_DN, "geographicalCoordinates"),
        (held(CARE_DN, "geographicalCoordinates"), gone(CARE, "1177")),
    ),
    _form(
        "1177: coordinate outside Sweden",
        CARE_DN,
        "geographicalCoordinates",
        "X:6000000,Y:1441000",
        gone(CARE, "1177"),
    ),
    Breaking(
        "1177: no business type",
        drop(CARE_DN, "hsaBusinessType"),
        (held(CARE_DN, "hsaBusinessType"),),
    ),
    Breaking("1177: no street", drop(CARE_DN, "street"), (held(CARE_DN, "street"),)),
    Breaking(
        "1177: no classification",
        drop(CARE_DN, "businessClassificationCode", "businessClassificationName"),
        (held(CARE_DN, "businessClassificationCode", "businessClassificationName"),),
    ),
)

# --- part 2 ---

LONG = "x" * 65
_ADDRESS = "Exempelvård$Exempelgatan 1$831 31 Östersund"
ATTRIBUTES = (
    Breaking("ou of 65 characters", put(CARE_DN, ou=LONG), CARE_GONE),
    Breaking("ou blank", put(CARE_DN, ou=" "), CARE_GONE),
    Breaking("two ou", another(CARE_DN, "ou", "Exempelvården"), CARE_GONE),
    _form("commission's cn of 65 characters", COMMISSION_DN, "cn", LONG, COMMISSION_GONE),
    _several(COMMISSION_DN, "cn", "Vård", COMMISSION_GONE),
    _several(DOCTOR_DN, "cn", "Anna Exempel"),
    Breaking("sn of 65 characters", put(DOCTOR_DN, sn=LONG), (gone(DOCTOR), *DOCTORS_COMMISSIONS)),
    _form("givenName of 65 characters", DOCTOR_DN, "givenName", LONG),
    _form("middleName of 41 characters", DOCTOR_DN, "middleName", LONG[:41]),
    # Not steady: without a title Pascal sees no doctor, so no unlicensed one.
    _form("title of 65 characters", DOCTOR_DN, "title", LONG, steady=False),
    _form("mail of 256 characters", CARE_DN, "mail", "i@".ljust(256, "x")),
    _form("orgNo of a unit with letters", LINKED_DN, "orgNo", "55600A-1234"),
    _form("personal number with hyphen", DOCTOR_DN, "personalIdentityNumber", "19000101-9802"),
    _form("personal number of ten digits", DOCTOR_DN, "personalIdentityNumber", "0001019802"),
    _form("phone of 33 characters", CARE_DN, "telephoneNumber", "+".ljust(33, "4")),
    _form("hsaTelephoneNumber of 33 characters", CARE_DN, "hsaTelephoneNumber", "+".ljust(33, "4")),
    _form(
        "hsaSwitchboardNumber of 33 characters",
        CARE_DN,
        "hsaSwitchboardNumber",
        "+".ljust(33, "4"),
    ),
    _form(
        "directory contact of 256 characters",
        CARE_DN,
        "hsaDirectoryContact",
        "i@".ljust(256, "x"),
    ),
    _form("hsaTelephoneNumber with blanks", CARE_DN, "hsaTelephoneNumber", "+46 63 123457"),
    _form("hsaSwitchboardNumber with blanks", CARE_DN, "hsaSwitchboardNumber", "+46 63 123400"),
    _form("directory contact by name", CARE_DN, "hsaDirectoryContact", "Eva Exempel"),
    _form(
        "directory contact, name and address",
        CARE_DN,
        "hsaDirectoryContact",
        "Eva Exempel <katalog@exempel.example>",
    ),
    _form("postal address of seven lines", CARE_DN, "postalAddress", f"a$b$c$d${_ADDRESS}"),
    _form(
        "postal address, a line of 31", CARE_DN, "postalAddress", f"{LONG[:31]}$831 31 Östersund"
    ),
    _form(
        "postal address without postcode last", CARE_DN, "postalAddress", "Exempelgatan 1$Östersund"
    ),
    _form(
        "postal address, postcode without blank",
        CARE_DN,
        "postalAddress",
        "Exempelgatan 1$83131 Östersund",
    ),
    _form("street of 129 characters", CARE_DN, "street", LONG * 2),
    _form("postcode without blank", CARE_DN, "postalCode", "83131"),
    _form("l of 129 characters", CARE_DN, "l", LONG * 2),
    _form(
        "RT90 swapped",
        CARE_DN,
        "geographicalCoordinates",
        "X:1441000,Y:7009000",
        gone(CARE, "1177"),
    ),
    _form(
        "RT90 with a blank",
        CARE_DN,
        "geographicalCoordinates",
        "X:7009000, Y:1441000",
        gone(CARE, "1177"),
    ),
    _form(
        "RT90 of six digits",
        CARE_DN,
        "geographicalCoordinates",
        "X:7009000,Y:144100",
        gone(CARE, "1177"),
    ),
    _form("SWEREF with E of seven digits", CARE_DN, "sweref99", "N:7007000,E:4820000"),
    _form("hours past midnight", CARE_DN, "surgeryHours", "5-5#22:00#02:00"),
    _form("hours that end as they begin", CARE_DN, "surgeryHours", "5-5#08:00#08:00"),
    _form("hours until 24:30", CARE_DN, "surgeryHours", "5-5#08:00#24:30"),
    _form("hours of an eighth day", CARE_DN, "surgeryHours", "1-8#08:00#17:00"),
    _form(
        "hours, comment of 17 characters", CARE_DN, "surgeryHours", f"5-5#08:00#17:00#{LONG[:17]}"
    ),
    _form("drop-in hours of one day", CARE_DN, "dropInHours", "1#08:00#09:00"),
    _form("visiting hours backwards", CARE_DN, "visitingHours", "1-7#24:00#00:00"),
    _form("telephone hours backwards", CARE_DN, "telephoneHours", "1-5#16:00#08:00"),
    _form("management as a code", CARE_DN, "management", "01"),
    _form(
        "destination of three characters",
        CARE_DN,
        "hsaDestinationIndicator",
        "003",
        gone(CARE, "1177"),
    ),
    _form("displayOption with letters", CARE_DN, "displayOption", "2#a"),
    _form("displayOption of 257 characters", CARE_DN, "displayOption", "2" * 257),
    Breaking(
        "workplace code of no county",
        put(CARE_DN, unitPrescriptionCode="9912345"),
        (
            held(CARE_DN, "unitPrescriptionCode"),
            gone(CARE, "Pascal"),
            value(COMMISSION, "unitPrescriptionCode", "2312345"),
        ),
    ),
    # Not steady: where the unit's county is not said, it may be this one.
    Breaking(
        "workplace code of another county",
        put(CARE_DN, unitPrescriptionCode="2012345"),
        (
            held(CARE_DN, "unitPrescriptionCode"),
            gone(CARE, "Pascal"),
            value(COMMISSION, "unitPrescriptionCode", "2312345"),
        ),
        steady=False,
    ),
    Breaking(
        "workplace code of 41 characters",
        put(CARE_DN, unitPrescriptionCode="23".ljust(41, "1")),
        (
            held(CARE_DN, "unitPrescriptionCode"),
            gone(CARE, "Pascal"),
            value(COMMISSION, "unitPrescriptionCode", "2312345"),
        ),
    ),
    _form("manager who is nobody", CARE_DN, "hsaHealthCareUnitManager", "SE2321000214-P999"),
    Breaking(
        "manager who has ended",
        put(MANAGER_DN, endDate="20260228225959Z"),
        (held(CARE_DN, "hsaHealthCareUnitManager"),),
    ),
    Breaking(
        "manager who is not found",
        removed(MANAGER_DN),
        (gone(MANAGER), held(CARE_DN, "hsaHealthCareUnitManager")),
    ),
    _several(CARE_DN, "hsaHealthCareUnitManager", DOCTOR),
    Breaking(
        "link that is no HSA-id",
        put(CARE_DN, hsaHealthCareUnitMember=LINKED_DN),
        (
            held(CARE_DN, "hsaHealthCareUnitMember"),
            gone(LINKED, "GetHealthCareUnit", "GetHealthCareUnitMembers"),
        ),
    ),
    # Not steady: a date that is not in form is none, and ends nothing.
    _form("startDate without Z", DOCTOR_DN, "startDate", "20260101000000"),
    _form("startDate on no day", DOCTOR_DN, "startDate", "20260230000000Z"),
    _form("endDate with hyphens", CARE_DN, "endDate", "2030-12-31", steady=False),
    Breaking(
        "care and treatment under no care unit",
        moved(COMMISSION_DN, f"cn=Vård i Östersund,{LINKED_DN}"),
        (
            COMMISSION_GONE,
            held(COMMISSION_DN, "hsaCommissionPurpose"),
            value(COMMISSION, "dn", COMMISSION_DN),
        ),
    ),
    _form("purpose of 65 characters", COMMISSION_DN, "hsaCommissionPurpose", LONG, COMMISSION_GONE),
    _form("right of 256 characters", COMMISSION_DN, "hsaCommissionRight", "a;b;".ljust(256, "c")),
    Breaking(
        "member without semicolons",
        put(OFFICE_DN, hsaCommissionMember=DOCTOR),
        (gone(OFFICE, *CREDENTIALS), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    Breaking(
        "member with one semicolon",
        put(OFFICE_DN, hsaCommissionMember=f"{DOCTOR};"),
        (gone(OFFICE, *CREDENTIALS), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    Breaking(
        "member with a day for a time",
        put(OFFICE_DN, hsaCommissionMember=f"{DOCTOR};20260101;"),
        (gone(OFFICE, *CREDENTIALS), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    Breaking(
        "member who is nobody",
        put(OFFICE_DN, hsaCommissionMember="SE2321000214-P999;;"),
        (gone(OFFICE, *CREDENTIALS), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    Breaking(
        "member who is no person",
        put(OFFICE_DN, hsaCommissionMember=f"{LINKED};;"),
        (gone(OFFICE, *CREDENTIALS), held(OFFICE_DN, "hsaCommissionMember")),
    ),
    _form("hsaTitle of 65 characters", DOCTOR_DN, "hsaTitle", LONG, gone(DOCTOR, "Pascal")),
    _form(
        "paTitleCode outside its table",
        DOCTOR_DN,
        "paTitleCode",
        "999999",
        held(DOCTOR_DN, "paTitleName"),
    ),
    _form("speciality, a part empty", DOCTOR_DN, "hsaSosTitleCodeSpeciality", "LK;1001;"),
    _form("prescriber's code of six digits", DOCTOR_DN, "personalPrescriptionCode", "123456"),
    _form("group's code of eight digits", STUDENT_DN, "hsaGroupPrescriptionCode", "76543210"),
    _form("system role of 65 characters", DOCTOR_DN, "hsaSystemRole", "npo;".ljust(65, "x")),
    _form("system role, a part empty", DOCTOR_DN, "hsaSystemRole", "npo;"),
    _several(CARE_DN, "mail", "andra@exempel.example"),
    _several(CARE_DN, "hsaDirectoryContact", "andra@exempel.example"),
    _several(CARE_DN, "hsaSwitchboardNumber", "+4663123401"),
    _several(CARE_DN, "postalAddress", "Vårdgatan 2$831 31 Östersund"),
    _several(CARE_DN, "hsaPostalAddress", "Vårdgatan$2$$831 31$Östersund"),
    _several(CARE_DN, "hsaVisitingAddress", "Vårdgatan$2$$Östersund"),
    _several(CARE_DN, "street", "Vårdgatan 2"),
    _several(CARE_DN, "postalCode", "831 32"),
    _several(CARE_DN, "l", "Åre"),
    _several(CARE_DN, "geographicalCoordinates", "X:7009001,Y:1441000", gone(CARE, "1177")),
    _several(CARE_DN, "sweref99", "N:7007001,E:482000"),
    _several(CARE_DN, "hsaSweref99Latitude", "7007001"),
    _several(CARE_DN, "hsaSweref99Longitude", "482001"),
    _several(CARE_DN, "displayOption", "1"),
    _several(CARE_DN, "hsaAdministrativeCareLevel", "2"),
    _several(CARE_DN, "visitingRuleAge", "3;9"),
    _several(CARE_DN, "startDate", "20260102000000Z", steady=False),
    _several(CARE_DN, "endDate", "20310101000000Z", steady=False),
    # Not steady: as a county code that is missing.
    Breaking(
        "several values: countyCode",
        another(CARE_DN, "countyCode", "20"),
        (held(CARE_DN, *PLACE, at=(*PLACED, *BY_PAIR)), gone(CARE, "1177")),
        steady=False,
    ),
    Breaking(
        "several values: municipalityCode",
        another(CARE_DN, "municipalityCode", "21"),
        _place("municipalityCode", "municipalityName"),
    ),
    Breaking(
        "several values: municipalityName",
        another(CARE_DN, "municipalityName", "Åre"),
        _place("municipalityCode", "municipalityName"),
    ),
    Breaking(
        "several values: countyName",
        another(CARE_DN, "countyName", "Dalarnas län"),
        _place("countyCode", "countyName"),
    ),
    _several(COMMISSION_DN, "hsaCommissionPurpose", "Administration", COMMISSION_GONE),
    Breaking(
        "several values: sn", another(DOCTOR_DN, "sn", "Prov"), (gone(DOCTOR), *DOCTORS_COMMISSIONS)
    ),
    _several(DOCTOR_DN, "givenName", "Ada"),
    _several(DOCTOR_DN, "middleName", "Al"),
    _several(DOCTOR_DN, "title", "Överläkare", steady=False),
    _several(DOCTOR_DN, "personalIdentityNumber", "190102039801"),
    _several(DOCTOR_DN, "personalPrescriptionCode", "1234568"),
)

BREAKINGS: tuple[Breaking, ...] = (
    *ALL,
    *OLD_LIST,
    *GET_UNIT,
    *GET_HEALTH_CARE_UNIT,
    *LISTS_AND_PROVIDERS,
    *CREDENTIALS_FOR_PERSON,
    *PEOPLE,
    *XSD,
    *CONSUMERS,
    *ATTRIBUTES,
)
