# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the contracts leave out, attribute by attribute (part 2 of the page).

A row's `1` and `0..1` both mean at most one: part 1 says by itself what must be there. The letters
are the page's: P in force, Po a document of 2014-15, S secondary, I inferred, then the source.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ansible_collections.regionjh.halsoval.tests.nation.asked import Asked

Fits = Callable[[str, Asked], bool]
Values = dict[str, tuple[str, ...]]  # by attribute, spelt as the page spells it

_SWEDEN = ZoneInfo("Europe/Stockholm")
_HSA_ID = re.compile(r"SE\d{10}-[0-9A-Z]+", re.ASCII | re.IGNORECASE)
_HOURS = re.compile(r"[1-7]-[1-7]#(\d\d:\d\d)#(\d\d:\d\d)(?:#(.*))?", re.ASCII | re.DOTALL)
_RT90 = re.compile(r"X:(\d{7}),Y:(\d{7})", re.ASCII)
_ADDRESS_CODES = re.compile(r"\\(24|5c)", re.IGNORECASE)


def anything(value: str, asked: Asked) -> bool:
    """The page gives no form that could be checked: nothing is left out."""
    return True


def hsa_id(value: str, asked: Asked) -> bool:
    """At most 31 characters, like SE2321000214-HV0001 (Po H; that all look so: I)."""
    return len(value) <= 31 and _HSA_ID.fullmatch(value) is not None


def org_no(value: str, asked: Asked) -> bool:
    """XXXXXX-XXXX without 16 before it (Po H); in the other reading ten digits (S G)."""
    form = r"\d{6}-\d{4}" if asked.hyphen else r"\d{10}"
    return re.fullmatch(form, value, re.ASCII) is not None


def personal_number(value: str, asked: Asked) -> bool:
    """Twelve digits, no hyphen (Po H)."""
    return _digits(12, value)


def seven_digits(value: str, asked: Asked) -> bool:
    """A prescriber's and a group's code have seven digits (Po H, P A2)."""
    return _digits(7, value)


def phone(value: str, asked: Asked) -> bool:
    """A plus sign and digits, nothing else (P X; that the value goes: I).

    Short numbers go without +46 (Po H); that short is three to six digits is inferred (I).
    """
    return re.fullmatch(r"\+\d+|\d{3,6}", value, re.ASCII) is not None


def email(value: str, asked: Asked) -> bool:
    """An e-mail address and nothing else (P O5, Po H); without @ it is left out (Po R)."""
    return re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def url(value: str, asked: Asked) -> bool:
    """Begins with http:// or https:// (P O5, Po R)."""
    return value.lower().startswith(("http://", "https://"))


def postal_address(value: str, asked: Asked) -> bool:
    """At most 6 lines of 30 (Po H); the last is postcode and town (Po H, and Intyg's reading S W).

    Lines stand between `$` with the escapes of RFC 4517.
    """
    lines = [_ADDRESS_CODES.sub(_address_code, line) for line in value.split("$")]
    return (
        len(lines) <= 6
        and all(line.strip() and len(line) <= 30 for line in lines)
        and re.fullmatch(r"\d{3} \d{2} \S.*", lines[-1], re.ASCII) is not None
    )


def postcode(value: str, asked: Asked) -> bool:
    """Like 831 31 (Po H; that no other form is taken: I)."""
    return re.fullmatch(r"\d{3} \d{2}", value, re.ASCII) is not None


def rt90(value: str, asked: Asked) -> bool:
    """Two parts at the comma (P O5), X:6581164,Y:1630250, no blank, not swapped (P K).

    Sweden's X is above six million and its Y below two, so swapped is X below Y (I).
    """
    found = _RT90.fullmatch(value)
    return found is not None and int(found[1]) > int(found[2])


def sweref(value: str, asked: Asked) -> bool:
    """Two parts at the comma (P O5), N with 7 and E with 6 digits in the old form (Po H)."""
    return re.fullmatch(r"N:\d{7},E:\d{6}", value, re.ASCII) is not None


def hours(value: str, asked: Asked) -> bool:
    """4-7 parts (P O5), where from-day and to-day count as two (I): 5-5#08:00#15:30.

    To is later than from and not past midnight; a comment has at most 16 characters (Po H). After
    it dates may stand, since 2018 (S V): their form is not on the page, so any is taken.
    """
    found = _HOURS.fullmatch(value)
    if not found or not (_clock(found[1]) < _clock(found[2]) <= 24 * 60):
        return False
    comment, *dates = (found[3] or "").split("#")
    return len(comment) <= 16 and len(dates) <= 2


def care_type(value: str, asked: Asked) -> bool:
    """A code of its value set (P O5 4.3.1, Po R)."""
    return value in asked.care_types


def business_type(value: str, asked: Asked) -> bool:
    """A code of its value set (P O5 4.3.1, P K)."""
    return value in asked.business_types


def occupation(value: str, asked: Asked) -> bool:
    """A code of its value set (P O5 4.3.1, P A2)."""
    return value in asked.occupations


def management(value: str, asked: Asked) -> bool:
    """Clear text; a code may be dropped (P O5, Po H: here it is); unknown ownership goes (Po R)."""
    return not value.isdigit() and _in(asked.managements, value)


def display_option(value: str, asked: Asked) -> bool:
    """Levels of the name, 2#4 (Po H)."""
    return re.fullmatch(r"\d+(#\d+)*", value, re.ASCII) is not None


def visiting_rule_age(value: str, asked: Asked) -> bool:
    """2-3 parts at the semicolon (P O5); 02-08#comment is H's (Po), so not now in force."""
    return _parts(value, 2, 3)


def temporary_information(value: str, asked: Asked) -> bool:
    """Three parts at the semicolon (P O5)."""
    return _parts(value, 3)


def time(value: str, asked: Asked) -> bool:
    """20260101000000Z, in UTC (Po H)."""
    return moment(value) is not None


def purpose(value: str, asked: Asked) -> bool:
    """In its value set (Po H); an unknown one is left out (Po R)."""
    return value in asked.purposes


def right(value: str, asked: Asked) -> bool:
    """Three parts at the semicolon, all filled (P A2); an unknown one is left out (Po R)."""
    return _parts(value, 3) and _in(asked.rights, value)


def member(value: str, asked: Asked) -> bool:
    """HSA-id;start;end, both semicolons always (Po H, S V); in the other reading bare (S G)."""
    if not asked.dated_members:
        return hsa_id(value, asked)
    who, *dates = value.split(";")
    return (
        hsa_id(who, asked)
        and len(dates) == 2
        and all(date == "" or time(date, asked) for date in dates)
    )


def title(value: str, asked: Asked) -> bool:
    """Clear text of its value set (P A2); an unknown one is left out (Po R)."""
    return _in(asked.titles, value)


def speciality(value: str, asked: Asked) -> bool:
    """Three parts at the semicolon (P A2), LK;code;name."""
    return _parts(value, 3)


def nurse_right(value: str, asked: Asked) -> bool:
    """Two parts at the semicolon (P A2)."""
    return _parts(value, 2)


def system_role(value: str, asked: Asked) -> bool:
    """Two parts at the semicolon, systemid;role (P A2)."""
    return _parts(value, 2)


class Form(NamedTuple):
    """The form of an attribute's values; `longest` in characters."""

    many: bool
    fits: Fits
    longest: int | None = None


FORMS: Mapping[str, Form] = {
    "hsaIdentity": Form(False, hsa_id, 31),
    "orgNo": Form(False, org_no, 12),
    "personalIdentityNumber": Form(False, personal_number),
    "o": Form(False, anything, 64),  # an organization's ou, by the lab's schema
    "ou": Form(False, anything, 64),
    "cn": Form(False, anything, 64),
    "sn": Form(False, anything, 64),
    "givenName": Form(False, anything, 64),
    "middleName": Form(False, anything, 40),
    "fullName": Form(True, anything),  # only part 3 names it
    "title": Form(False, anything, 64),
    "mail": Form(False, email, 255),
    "telephoneNumber": Form(True, phone, 32),
    "hsaTelephoneNumber": Form(True, phone, 32),
    "hsaSwitchboardNumber": Form(False, phone, 32),
    "telephoneHours": Form(True, hours),
    "hsaDirectoryContact": Form(False, email, 255),
    "postalAddress": Form(False, postal_address),
    "hsaPostalAddress": Form(False, anything),  # syntax not found (part 4)
    "hsaVisitingAddress": Form(False, anything),  # syntax not found (part 4)
    "street": Form(False, anything, 128),
    "postalCode": Form(False, postcode, 40),
    "l": Form(False, anything, 128),
    "countyCode": Form(False, anything),
    "countyName": Form(False, anything),
    "municipalityCode": Form(False, anything),
    "municipalityName": Form(False, anything),
    "geographicalCoordinates": Form(False, rt90),
    "hsaSweref99Latitude": Form(False, anything),  # metres or degrees (part 3)
    "hsaSweref99Longitude": Form(False, anything),
    "surgeryHours": Form(True, hours),
    "dropInHours": Form(True, hours),
    "visitingHours": Form(True, hours),
    "businessClassificationCode": Form(True, anything),
    "businessClassificationName": Form(True, anything),
    "careType": Form(True, care_type),
    "management": Form(True, management),
    "hsaBusinessType": Form(True, business_type),
    "hsaDestinationIndicator": Form(True, anything, 2),
    "displayOption": Form(False, display_option, 256),
    "hsaAdministrativeCareLevel": Form(False, anything),
    "labeledURI": Form(True, url),
    "visitingRuleAge": Form(False, visiting_rule_age),
    "unitTemporaryInformation": Form(True, temporary_information),
    "unitPrescriptionCode": Form(True, anything, 40),
    "hsaResponsibleHealthCareProvider": Form(False, hsa_id, 31),
    "hsaHealthCareUnitManager": Form(False, hsa_id, 31),
    "hsaHealthCareUnitMember": Form(True, hsa_id, 31),
    "startDate": Form(False, time),
    "endDate": Form(False, time),
    "hsaCommissionPurpose": Form(False, purpose, 64),
    "hsaCommissionRight": Form(True, right, 255),
    "hsaCommissionMember": Form(True, member, 96),
    "hsaTitle": Form(True, title, 64),
    "paTitleCode": Form(True, anything),
    "paTitleName": Form(True, anything),
    "hsaSosTitleCodeSpeciality": Form(True, speciality),
    "hsaSosNursePrescriptionRight": Form(True, nurse_right),
    "personalPrescriptionCode": Form(False, seven_digits),
    "hsaGroupPrescriptionCode": Form(True, seven_digits),
    "occupationalCode": Form(True, occupation),
    "hsaSystemRole": Form(True, system_role, 64),
}


def well_formed(held: Mapping[str, tuple[str, ...]], asked: Asked) -> Values:
    """All: a value in a wrong form is left out (P O5 4.3.1), too long ones with it (Po H).

    Where one is allowed and several stand, none comes (Po R, warning 60; that all go: I).
    """
    values: Values = {}
    for attribute, form in (*FORMS.items(), (asked.names.sweref, Form(False, sweref))):
        found = held.get(attribute.lower(), ())
        if len(found) > 1 and not form.many:
            continue
        kept = tuple(value for value in found if _fits(value, form, asked))
        if kept:
            values[attribute] = kept
    return values


def matching(values: Values, code: str, text: str, table: Mapping[str, str]) -> Values:
    """All: code and clear text disagree, or one stands alone (P O5 4.3.1): neither comes."""
    pairs = {(known, table[known]) for known in values.get(code, ()) if known in table}
    texts = set(values.get(text, ()))
    agreed = {(known, name) for known, name in pairs if name in texts}
    return {
        **values,
        code: tuple(v for v in values.get(code, ()) if v in {known for known, _name in agreed}),
        text: tuple(v for v in values.get(text, ()) if v in {name for _known, name in agreed}),
    }


def municipality_matching(values: Values, held_county: str, asked: Asked) -> Values:
    """Two digits and the text for them in the county that the entry names (Po H, P O5)."""
    table = {
        code[2:]: name for code, name in asked.municipalities.items() if code[:2] == held_county
    }
    return matching(values, "municipalityCode", "municipalityName", table)


def workplace_codes(values: Values, held_county: str, asked: Asked) -> Values:
    """A workplace code begins with the county's code (Po H): the entry's, or some county's."""
    begins = (held_county,) if held_county else tuple(asked.counties)
    codes = values.get("unitPrescriptionCode", ())
    return {
        **values,
        "unitPrescriptionCode": tuple(code for code in codes if code.startswith(begins)),
    }


def whole_place(values: Values) -> Values:
    """GetUnit: county and municipality do not come unless all four values fit (P O5)."""
    four = ("countyCode", "countyName", "municipalityCode", "municipalityName")
    if all(values.get(attribute) for attribute in four):
        return values
    return {attribute: kept for attribute, kept in values.items() if attribute not in four}


def moment(value: str) -> dt.date | None:
    """The day in Sweden of a time in UTC (20261231225959Z is the end of New Year's Eve: Po H)."""
    if not re.fullmatch(r"\d{14}Z", value, re.ASCII):
        return None
    try:
        instant = dt.datetime.strptime(value, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    try:
        return instant.astimezone(_SWEDEN).date()
    except OverflowError:  # the last hour of the year 9999
        return instant.date()


def in_force(start: str, end: str, day: dt.date) -> bool:
    """Whether a day lies within two times, either of which may be empty or not readable."""
    first, last = moment(start) or dt.date.min, moment(end) or dt.date.max
    return first <= day <= last


def _fits(value: str, form: Form, asked: Asked) -> bool:
    short = form.longest is None or len(value) <= form.longest
    return short and value.strip() != "" and form.fits(value, asked)


def _in(known: frozenset[str], value: str) -> bool:
    return not known or value in known


def _digits(count: int, value: str) -> bool:
    return re.fullmatch(rf"\d{{{count}}}", value, re.ASCII) is not None


def _parts(value: str, *counts: int) -> bool:
    """All: a part of a composed value is missing (P O5 4.3.1)."""
    parts = value.split(";")
    return len(parts) in counts and all(part.strip() for part in parts)


def _clock(text: str) -> int:
    """Minutes since midnight; more than a day where no clock shows it."""
    hour, minute = map(int, text.split(":"))
    return hour * 60 + minute if minute < 60 else 25 * 60


def _address_code(found: re.Match[str]) -> str:
    return "$" if found[1] == "24" else "\\"
