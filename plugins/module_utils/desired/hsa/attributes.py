# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the entries in HSA say: attributes of schema 5.3 under their national names.

An attribute with () is one that must be absent; one that is not named is left alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping

from ...engine.plan import Entry, Values, present
from ...records.lifecycle import end_of_day, start_of_day
from ...records.model import Address, AgreementPart, Assignment, Person
from ...records.people import Employment, NaturalPerson, PersonName, agreed
from ..people.contacts import shown
from .layout import COMMON_NAME_LENGTH, Layout
from .sites import Site

# Of a person whom a provider holds whose record cannot be read now, these are left as they are.
_CONTACT = ("title", "mail", "telephoneNumber", "startDate", "endDate")
_ENTITLING = ("hsaTitle", "hsaSystemRole")


def of_provider(part: AgreementPart, layout: Layout, hidden: Collection[str]) -> dict[str, Values]:
    """The provider: hsaHealthCareProvider; `hidden` are the HSA-ids of whom nobody is told."""
    contacts = shown(part.contacts.hsa, hidden)
    return {
        "objectClass": layout.classes("organizationalUnit", "hsaHealthCareProvider"),
        "orgNo": (part.organisation_number.replace("-", ""),),
        "hsaDirectoryContact": present(c.mail or c.name for c in contacts[:1]),
        "startDate": _time(part.agreement.operation_start, start_of_day),
        "endDate": _time(part.agreement.ends, end_of_day),
    }


def of_unit(site: Site, provider_id: str, layout: Layout) -> dict[str, Values]:
    """A care unit: hsaHealthCareUnit, with the pointer to its provider."""
    unit = site.unit
    head = unit.head_of_operations
    return {
        "objectClass": layout.classes("organizationalUnit", "hsaHealthCareUnit"),
        "hsaResponsibleHealthCareProvider": (provider_id,),
        "hsaHealthCareUnitManager": present([head.hsa_id if head else None]),
        "telephoneNumber": present([unit.phone]),
        "hsaTelephoneNumber": present([unit.internal_phone]),
        "mail": present([unit.mail]),
        "postalAddress": _address(unit.address),
        "hsaVisitingAddress": _address(unit.visiting_address),
        "surgeryHours": unit.opening_hours,
        "businessClassificationCode": unit.classification,
        "careType": unit.care_type,
        "management": unit.management,
        "unitPrescriptionCode": present([unit.workplace_code]),
        "hsaDestinationIndicator": (layout.public_indicator,) if site.is_public else (),
        "startDate": _time(site.record.agreement.agreement.operation_start, start_of_day),
        "endDate": _time(site.last_day, end_of_day),
    }


def of_archived(last: dt.date | None) -> dict[str, Values]:
    """What a unit or a provider says once it is archived, beside that: when it ended."""
    return {"endDate": _time(last, end_of_day)}


def of_commission(
    site: Site, assignment: Assignment, hsa_id: str, layout: Layout
) -> dict[str, Values]:
    """A commission: people act for the unit, for a purpose, with rights."""
    return {
        "objectClass": layout.classes("hsaCommission"),
        "cn": (hsa_id, f"{assignment.purpose} - {site.unit.name}"[:COMMON_NAME_LENGTH].rstrip()),
        "hsaCommissionPurpose": present([assignment.purpose]),
        "hsaCommissionRight": tuple(sorted(set(assignment.rights))),
        "endDate": _time(site.last_day, end_of_day),
    }


def of_person(
    person: NaturalPerson,
    hsa_id: str,
    held: Entry | None,
    others: bool,
    as_of: dt.date,
    layout: Layout,
) -> dict[str, Values]:
    """A person: identity and what is true at every employer; contact data only where all agree.

    `others` says that a provider holds the person whose record cannot be read now: what the entry
    holds for it stays.
    """
    attributes = {
        "objectClass": layout.classes("person"),
        "hsaIdentity": (hsa_id,),
        "personalIdentityNumber": (person.number,),
        "hsaTitle": _titles(person.rows, as_of),
        "hsaSystemRole": _system_roles(
            (service for e in person.current if e.state == "active" for service in e.services),
            layout,
        ),
        **_period((*person.current, *person.coming_back)),
        **_name(person.names, hsa_id, held),
        "title": present([agreed(row.position for row in person.rows)]),
        "mail": present([agreed(row.mail for row in person.rows)]),
        "telephoneNumber": present([agreed(row.phone for row in person.rows)]),
    }
    return _with_others(attributes, held, layout) if others and held else attributes


def of_person_without_assignment(person: NaturalPerson, others: bool) -> dict[str, Values]:
    """A person without an assignment today: the entry stays, with the last day of all."""
    if others:
        return {}
    theirs = person.coming_back or person.employments
    return {"endDate": _period(theirs)["endDate"], "hsaSystemRole": ()}


def of_protected_person(
    said: Mapping[str, Values], hsa_id: str, layout: Layout
) -> dict[str, Values]:
    """The same of a protected person, with nothing that tells who it is.

    The schema demands names, so there are neutral ones.
    """
    absent = (
        "givenName", "middleName", "title", "mail", "telephoneNumber", "hsaTelephoneNumber",
        "mobile", "postalAddress", "hsaPostalAddress", "hsaVisitingAddress", "hsaDirectoryContact",
        "description",
    )  # fmt: skip
    classes = said.get("objectClass", layout.classes("person"))
    return {
        **said,
        "objectClass": (*classes, layout.name("hsaConfidentialPerson")),
        "cn": (hsa_id,),
        "sn": (layout.protected_name,),
        "fullName": (layout.protected_name,),
        **dict.fromkeys(absent, ()),
    }


def over(person: NaturalPerson, as_of: dt.date, layout: Layout) -> dict[str, Values]:
    """What assignments gave that a date in a record has ended or suspended."""
    ended = [e for e in person.employments if e.explains]
    lasting = [e for e in person.employments if e.lasts]
    titles = _titles((e.row for e in lasting), as_of)
    roles = _system_roles((service for e in lasting for service in e.services), layout)
    over = {service for e in ended for service in (*e.assignment.systems, *e.struck_services)}
    for employment in person.employments:
        over.update(filter(employment.termination_explains, employment.left_services))
    surprises = (service for e in person.surprises_of_systems for service in e.systems)
    unexplained = {*roles, *_system_roles(surprises, layout)}
    licensed = () if person.surprises else _titles((e.row for e in ended), as_of)
    return {
        "hsaSystemRole": tuple(r for r in _system_roles(over, layout) if r not in unexplained),
        "hsaTitle": tuple(t for t in licensed if t not in titles),
    }


def _system_roles(services: Iterable[str], layout: Layout) -> Values:
    """The hsaSystemRole values of services."""
    used = frozenset(services)
    return tuple(sorted(role for service, role in layout.system_roles.items() if service in used))


def _titles(rows: Iterable[Person], as_of: dt.date) -> Values:
    """Licensed professions that are confirmed in HOSP; no others may be published."""
    return tuple(
        sorted(
            {
                licence.title
                for row in rows
                for licence in row.licences
                if licence.confirmed is not None and licence.confirmed <= as_of
            }
        )
    )


def _name(names: tuple[PersonName, ...], hsa_id: str, held: Entry | None) -> dict[str, Values]:
    """The name; where records differ, the directory's stays until they agree."""
    if len(names) > 1 and held is not None:
        return {}
    name = names[0]
    # fullName has room for every name, and tells it.
    fits = len(name.full) <= COMMON_NAME_LENGTH
    return {
        "cn": (hsa_id, name.full) if fits else (hsa_id,),
        "givenName": (name.given,),
        "middleName": present([name.middle]),
        "sn": (name.surname,),
        "fullName": (name.full,),
    }


def _period(employments: Iterable[Employment]) -> dict[str, Values]:
    """startDate and endDate over all the assignments; no end where one of them is open."""
    all_of_them = tuple(employments)
    ends = [employment.last_day for employment in all_of_them]
    latest = None if None in ends else max(day for day in ends if day is not None)
    earliest = min(employment.assignment.from_ for employment in all_of_them)
    return {"startDate": _time(earliest, start_of_day), "endDate": _time(latest, end_of_day)}


def _with_others(
    attributes: Mapping[str, Values], held: Entry, layout: Layout
) -> dict[str, Values]:
    kept = {name: values for name, values in attributes.items() if name not in _CONTACT}
    for name in _ENTITLING:
        now = held.attributes.get(layout.name(name), ())
        kept[name] = tuple(dict.fromkeys((*kept[name], *now)))
    return kept


def _time(day: dt.date | None, moment: Callable[[dt.date], dt.datetime]) -> Values:
    """GeneralizedTime in UTC; nothing without a day."""
    return (moment(day).strftime("%Y%m%d%H%M%SZ"),) if day else ()


def _address(address: Address | None) -> Values:
    """Postal Address syntax (RFC 4517 section 3.3.28): lines between "$"."""
    if address is None:
        return ()
    lines = (*address.lines, f"{address.postal_code} {address.city}")
    return ("$".join(line.replace("\\", "\\5C").replace("$", "\\24") for line in lines),)
