# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold between the fields of a record, and between records.

A rule looks at a record whose fields are valid one by one. It yields the place of each fault, as
the path of keys in that part's file, and what was expected there. No message repeats a value of a
person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import claims, workstations
from .catalogue import (
    OBLIGATORY_PACKAGES,
    PATIENT_CARE,
    SERVICES,
    WORKSTATIONS_PER_GROUP,
    contents,
    provided,
)
from .claims import Part, Path
from .identifiers import birth_days, has_prefix, mask
from .lifecycle import lacks, last_day_of_service
from .model import Assignment, CardWish, Person, Record
from .one_person import numbers, rows_by_person
from .spellings import spelled_twice


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault that makes a record invalid: where it is, and what was expected."""

    provider: str
    part: Part
    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something for people to look at, which stops nothing.

    `object` is the person's ref, HSA-id or place in the list, never a name.
    """

    code: str
    provider: str
    object: str
    message: str


def check_record(record: Record, hsa_id_prefixes: Collection[str], as_of: dt.date) -> list[Problem]:
    """The faults within one record on a day. HSA-ids must begin with one of the prefixes."""
    prefixes = " or ".join(hsa_id_prefixes)
    return [
        *(
            Problem(record.id, part, path, message)
            for part, rules in _RULES.items()
            for rule in rules
            for path, message in rule(record)
        ),
        *(Problem(record.id, "staff", *fault) for fault in _births(record, as_of)),
        *(
            Problem(record.id, part, path, f"expected an HSA-id that begins with {prefixes}")
            for part, path, hsa_id in claims.hsa_ids(record)
            if not has_prefix(hsa_id, hsa_id_prefixes)
        ),
        *(
            Problem(record.id, claim.part, claim.path, f"expected {claim.expected}")
            for conflict in claims.conflicts(claims.claims([record]))
            for claim in conflict
        ),
    ]


def check_all(records: Sequence[Record]) -> list[Problem]:
    """The faults between records: what two of them claim. Every place gets a problem."""
    return [
        Problem(
            claim.provider,
            claim.part,
            claim.path,
            f"expected {claim.expected}; compare the record of {', '.join(others)}",
        )
        for conflict in claims.conflicts(claims.claims(records))
        for providers in [{claim.record: claim.provider for claim in conflict}]
        for claim in conflict
        if (others := sorted({p for record, p in providers.items() if record != claim.record}))
    ]


def findings(records: Sequence[Record]) -> list[Finding]:
    """What people should look at, in all records."""
    found = (
        Finding(code, record.id, person.label(index), message)
        for look in (_names_that_differ, _licences_not_confirmed, _access_not_possible)
        for code, record, index, person, message in look(records)
    )
    return list(dict.fromkeys(found))


# --- the rules of agreement.yml ------------------------------------------------------------------

_Faults = Iterator[tuple[Path, str]]
_UNIT_EXPECTED = "expected the id of a unit in agreement.yml"
# SITHS: the exceptions that let a reserve card on level 2 open what asks for level 3 ended then.
_EXCEPTIONS_END = dt.date(2026, 6, 30)
_SERVICE_EXPECTED = "expected one of the provider's services in agreement.yml, or of their packages"


def _obligatory_packages(record: Record) -> _Faults:
    for package in OBLIGATORY_PACKAGES:
        if package not in record.agreement.services:
            yield ("services",), f"expected the obligatory package {package} (annex 2.7)"


def _packages_hold_something(record: Record) -> _Faults:
    for index, key in enumerate(record.agreement.services):
        if SERVICES[key].section == "2.7" and not contents(key):
            yield ("services", index), "expected a package that holds services today (annex 3.2)"


def _required_services(record: Record) -> _Faults:
    given = provided(record.agreement.services)
    for index, key in enumerate(record.agreement.services):
        for required in SERVICES[key].requires:
            if required not in given:
                section = SERVICES[key].section
                yield (
                    ("services", index),
                    f"expected {required} among the services: {key} requires it (annex {section})",
                )


def _supplementary_agreements(record: Record) -> _Faults:
    signed = {agreement.service for agreement in record.agreement.agreement.supplementary}
    for index, key in enumerate(record.agreement.services):
        if "supplementary_agreement" in SERVICES[key].preconditions and key not in signed:
            yield (
                ("services", index),
                f"expected a signed agreement about {key} in agreement.supplementary "
                f"(annex 2.6, {SERVICES[key].section})",
            )


def _agreement_days(record: Record) -> _Faults:
    return _ordered(
        ("agreement",),
        record.agreement.agreement,
        ("contract_signed", "operation_start"),
        ("contract_signed", "ends"),
        ("operation_start", "ends"),
    )


def _preparation_days(record: Record) -> _Faults:
    part = record.agreement
    yield from _ordered(("sjunet",), part.sjunet, ("agreement", "connected"))
    yield from _ordered(("self_declaration",), part.self_declaration, ("submitted", "reviewed"))
    if part.self_declaration.reviewed and not part.self_declaration.submitted:
        yield ("self_declaration", "reviewed"), "expected submitted: nothing else is reviewed"


def _final_verification(record: Record) -> _Faults:
    signings, verification = record.agreement.agreement, record.agreement.final_verification
    if signings.final_agreement_signed and (
        verification is None or verification.outcome != "approved"
    ):
        yield (
            ("agreement", "final_agreement_signed"),
            "expected an approved final verification: the agreement is signed at it (annex 3.9)",
        )
    if verification is None:
        return
    day, path = verification.date, ("final_verification",)
    yield from _not_before((*path, "date"), day, "contract_signed", signings.contract_signed)
    yield from _not_before(
        ("agreement", "final_agreement_signed"),
        signings.final_agreement_signed,
        "the final verification",
        day,
    )
    for index, must in enumerate(verification.musts):
        place = (*path, "musts", index, "resolved")
        yield from _not_before(place, must.resolved, "the final verification", day)


def _inspection_days(record: Record) -> _Faults:
    for index, inspection in enumerate(record.agreement.inspections):
        yield from _ordered(("inspections", index), inspection, ("date", "due"))


def _unit_ids(record: Record) -> _Faults:
    ids = [unit.id for unit in record.agreement.units]
    for index in _repeated(ids):
        yield ("units", index, "id"), "expected an id that no other unit of the provider has"


def _unit_days(record: Record) -> _Faults:
    start = record.agreement.agreement.operation_start
    for index, unit in enumerate(record.agreement.units):
        path = ("units", index)
        yield from _not_before((*path, "closes"), unit.closes, "operation_start", start)
        yield from _not_before((*path, "public_from"), unit.public_from, "operation_start", start)
        yield from _ordered(path, unit, ("public_from", "closes"))


def _telephony_units(record: Record) -> _Faults:
    telephony, units = record.agreement.telephony, _units(record)
    if telephony is None:
        return
    for key, named in (
        ("extensions", [extension.unit for extension in telephony.extensions]),
        ("equipment", [equipment.unit for equipment in telephony.equipment]),
    ):
        for index, unit in enumerate(named):
            if unit not in units:
                yield ("telephony", key, index, "unit"), _UNIT_EXPECTED


def _telephony_services(record: Record) -> _Faults:
    telephony, given = record.agreement.telephony, provided(record.agreement.services)
    if telephony is None:
        return
    for key, rows, service in (
        ("extensions", telephony.extensions, "anslutning_telefonvaxel"),
        ("attendant", telephony.attendant, "telefonisttjanst"),
        ("equipment", telephony.equipment, "telefoniutrustning"),
        ("ace", telephony.ace, "ace_telefoniplattform"),
    ):
        if rows and service not in given:
            section = SERVICES[service].section
            yield ("telephony", key), f"expected {service} among the services (annex {section})"


def _telephony_ids(record: Record) -> _Faults:
    telephony = record.agreement.telephony
    if telephony is None:
        return
    for key, ids in (
        ("extensions", [extension.id for extension in telephony.extensions]),
        ("equipment", [equipment.id for equipment in telephony.equipment]),
    ):
        for index in _repeated(ids):
            yield ("telephony", key, index, "id"), f"expected an id that none of the {key} has yet"


def _attendant_contact(record: Record) -> _Faults:
    telephony = record.agreement.telephony
    if telephony and telephony.attendant and not record.agreement.contacts.telephony_local:
        yield (
            ("telephony", "attendant"),
            "expected a local contact in contacts.telephony_local (annex 4.3.2)",
        )


def _terminations(record: Record) -> _Faults:
    signings, given = record.agreement.agreement, provided(record.agreement.services)
    rows = record.agreement.terminated
    for index in _repeated([row.service for row in rows]):
        yield ("terminated", index, "service"), "expected each service once"
    for index, row in enumerate(rows):
        service, day = ("terminated", index, "service"), ("terminated", index, "last_day")
        if row.service not in given:
            yield service, _SERVICE_EXPECTED
        if row.service in OBLIGATORY_PACKAGES:
            yield service, "expected a service that can end before the agreement (annex 2.7)"
        yield from _not_before(day, row.last_day, "contract_signed", signings.contract_signed)
        if signings.ends and row.last_day > signings.ends:
            yield day, "expected a day on or before the agreement's ends"


def _trainings(record: Record) -> _Faults:
    given = provided(record.agreement.services)
    for index, training in enumerate(record.agreement.training):
        if training.system not in given:
            yield ("training", index, "system"), _SERVICE_EXPECTED


def _trials(record: Record) -> _Faults:
    refs = {person.ref for person in record.staff.people}
    names = {workstation.name.casefold() for workstation in record.equipment.workstations}
    given = provided(record.agreement.services)
    for index, trial in enumerate(record.agreement.trial):
        path: Path = ("trial", index)
        yield from _ordered(path, trial, ("from_", "to"))
        yield from _missing((*path, "systems"), trial.systems, given, _SERVICE_EXPECTED)
        for place, service in enumerate(trial.systems):
            if "request" in SERVICES[service].preconditions and lacks(record, service, trial.from_):
                yield (
                    (*path, "systems", place),
                    "expected the region's request and a signed agreement by from (annex 2.6)",
                )
        yield from _missing(
            (*path, "people"), trial.people, refs, "expected the ref of a person in staff.yml"
        )
        yield from _missing(
            (*path, "workstations"),
            [name.casefold() for name in trial.workstations],
            names,
            "expected the name of a workstation in equipment.yml",
        )


# --- the rules of staff.yml ----------------------------------------------------------------------


def _one_number(record: Record) -> _Faults:
    for index, person in enumerate(record.staff.people):
        if (person.personnummer is None) == (person.samordningsnummer is None):
            yield (
                ("people", index),
                "expected either personnummer or samordningsnummer, one of them",
            )


def _listed_once(record: Record) -> _Faults:
    first: dict[str, int] = {}
    for index, person in enumerate(record.staff.people):
        earlier = min((first[n] for n in numbers(person) if n in first), default=None)
        if earlier is not None:
            yield ("people", index), f"expected each person once: people[{earlier}] is the same"
        for number in numbers(person):
            first.setdefault(number, index)


def _refs(record: Record) -> _Faults:
    refs = [person.ref for person in record.staff.people]
    for index in _repeated(refs):
        yield ("people", index, "ref"), "expected a ref that no other person of the provider has"
    for index, ref in enumerate(refs):
        # Results and reports show it.
        if ref is not None and mask(ref) != ref:
            yield ("people", index, "ref"), "expected a ref without a personal number in it"


def _births(record: Record, as_of: dt.date) -> _Faults:
    expected = f"expected a day of birth on or before {as_of}, the day of the run"
    for index, person in enumerate(record.staff.people):
        given: dict[Path, str | None] = {
            ("personnummer",): person.personnummer,
            ("samordningsnummer",): person.samordningsnummer,
            **{("previous_numbers", row): n for row, n in enumerate(person.previous_numbers)},
        }
        for key, number in given.items():
            if number is not None and birth_days(number)[0] > as_of:
                yield ("people", index, *key), expected


def _licences(record: Record) -> _Faults:
    for index, person in enumerate(record.staff.people):
        path = ("people", index, "licences")
        for row in _repeated([licence.title for licence in person.licences]):
            yield (*path, row, "title"), "expected each profession once"
        for row, licence in enumerate(person.licences):
            yield from _not_before(
                (*path, row, "confirmed"), licence.confirmed, "the date of birth", _born(person)
            )


def _card_levels(record: Record) -> _Faults:
    for index, person in enumerate(record.staff.people):
        for row, card in enumerate(person.cards):
            if person.samordningsnummer and card.loa == 3:
                yield (
                    ("people", index, "cards", row),
                    "expected loa: 2; level 3 takes a registered address, which a "
                    "samordningsnummer does not come with",
                )


def _reserve_cards(record: Record) -> _Faults:
    for index, person in enumerate(record.staff.people):
        strict = ", ".join(_on_level_3(record, person))
        for row, card in enumerate(person.cards):
            if strict and card.kind == "reserve" and card.loa < 3 and not _was_returned(card):
                yield (
                    ("people", index, "cards", row),
                    f"expected no reserve card on level 2: {strict} asks for level 3, and the "
                    f"exceptions ended {_EXCEPTIONS_END}",
                )


def _on_level_3(record: Record, person: Person) -> list[str]:
    """The services that ask for a card on level 3 and that the person uses after the exceptions."""
    closes = {unit.id: unit.closes for unit in record.agreement.units}
    return sorted(
        {
            service
            for assignment in person.assignments
            for service in assignment.systems
            if "card_loa3" in SERVICES[service].preconditions
            and all(
                day is None or day > _EXCEPTIONS_END
                for day in (
                    assignment.to,
                    closes.get(assignment.unit),
                    last_day_of_service(record, service),
                )
            )
        }
    )


def _was_returned(card: CardWish) -> bool:
    """Whether a card was handed in, and none asked for after that."""
    return card.returned is not None and (card.anew is None or card.anew < card.returned)


def _administered_services(record: Record) -> _Faults:
    given = provided(record.agreement.services)
    for index, person in enumerate(record.staff.people):
        path = ("people", index, "administers")
        yield from _missing(path, person.administers, given, _SERVICE_EXPECTED)


def _assignment_units(record: Record) -> _Faults:
    units = _units(record)
    for path, _person, assignment in _assignments(record):
        if assignment.unit not in units:
            yield (*path, "unit"), _UNIT_EXPECTED


def _assignment_days(record: Record) -> _Faults:
    for path, person, assignment in _assignments(record):
        first = assignment.from_
        yield from _ordered(path, assignment, ("from_", "to"))
        yield from _not_before((*path, "from"), first, "the date of birth", _born(person))
        if assignment.decided is not None and assignment.decided > first:
            yield (
                (*path, "decided"),
                "expected a day on or before from: access follows the decision, and a new "
                "decision is a new assignment",
            )


def _suspensions(record: Record) -> _Faults:
    for path, _person, assignment in _assignments(record):
        period = assignment.suspended
        if period is None:
            continue
        place = (*path, "suspended")
        yield from _ordered(place, period, ("from_", "to"))
        yield from _not_before(
            (*place, "from"), period.from_, "the assignment's from", assignment.from_
        )
        for key, day in (("from", period.from_), ("to", period.to)):
            if day and assignment.to and day > assignment.to:
                yield (*place, key), "expected a day on or before the assignment's to"


def _commissions(record: Record) -> _Faults:
    for path, _person, assignment in _assignments(record):
        if assignment.purpose is None:
            if assignment.rights:
                yield (*path, "rights"), "expected purpose: rights are given for one"
            continue
        for key in ("rights", "decided_by", "decided"):
            if not getattr(assignment, key):
                yield (*path, "purpose"), f"expected {key} beside it: a commission is decided on"


def _assignment_services(record: Record) -> _Faults:
    given = provided(record.agreement.services)
    for path, _person, assignment in _assignments(record):
        yield from _missing((*path, "systems"), assignment.systems, given, _SERVICE_EXPECTED)


# --- the rules of equipment.yml ------------------------------------------------------------------


def _equipment_units(record: Record) -> _Faults:
    part, units = record.equipment, _units(record)
    for key, named in (
        ("workstations", [workstation.unit for workstation in part.workstations]),
        ("peripherals", [peripheral.unit for peripheral in part.peripherals]),
    ):
        for index, unit in enumerate(named):
            if unit not in units:
                yield (key, index, "unit"), _UNIT_EXPECTED


def _workstation_groups(record: Record) -> _Faults:
    groups, lasting = record.agreement.workstation_groups, len(workstations.lasting(record))
    if lasting > groups * WORKSTATIONS_PER_GROUP:
        yield (
            ("workstations",),
            f"expected at most {groups * WORKSTATIONS_PER_GROUP} workstations in {groups} "
            f"workstation_groups, not {lasting} (annex 2.8)",
        )


def _workstations(record: Record) -> _Faults:
    outside = {unit.id for unit in record.agreement.units if not unit.halsoval}
    for index, workstation in enumerate(record.equipment.workstations):
        path: Path = ("workstations", index)
        yield from _ordered(path, workstation, ("from_", "to"))
        if workstation.halsoval and workstation.unit in outside:
            yield (*path, "unit"), "expected a unit that does Hälsoval work (annex 2.3)"
        if workstation.admitted_by == "address" and workstation.ip is None:
            yield (*path, "admitted_by"), "expected ip beside it: the address to admit it by"
        if workstation.licences_free == "failed" and workstation.to is None:
            yield (*path, "licences_free"), "expected to beside it: the day it failed"


def _replacements(record: Record) -> _Faults:
    replaced: set[str] = set()
    for index, workstation in enumerate(record.equipment.workstations):
        if workstation.replaces is None:
            continue
        path: Path = ("workstations", index, "replaces")
        name = workstation.replaces.casefold()
        if name == workstation.name.casefold():
            yield path, "expected the name of another workstation"
        elif name in replaced:
            yield path, "expected a workstation that no other row replaces"
        elif workstation.from_ is None:
            yield path, "expected from beside it: the day that the other one leaves"
        elif workstations.replaces_itself(record, workstation):
            yield path, "expected a workstation that does not replace this one"
        replaced.add(name)


def _shares(record: Record) -> _Faults:
    names = {workstation.name.casefold() for workstation in record.equipment.workstations}
    for index, share in enumerate(record.agreement.shared_access):
        path: Path = ("shared_access", index)
        yield from _ordered(path, share, ("from_", "to"))
        yield from _missing(
            (*path, "workstations"),
            [name.casefold() for name in share.workstations],
            names,
            "expected the name of a workstation in equipment.yml",
        )
        for place, provider in enumerate(share.providers):
            if provider == record.id:
                yield (*path, "providers", place), "expected another provider"


def _spelled_twice(part: Part) -> Callable[[Record], _Faults]:
    return lambda record: spelled_twice(getattr(record, part))


_RULES: dict[Part, tuple[Callable[[Record], _Faults], ...]] = {
    "agreement": (
        _obligatory_packages,
        _packages_hold_something,
        _required_services,
        _supplementary_agreements,
        _agreement_days,
        _preparation_days,
        _final_verification,
        _inspection_days,
        _unit_ids,
        _unit_days,
        _telephony_units,
        _telephony_services,
        _telephony_ids,
        _attendant_contact,
        _terminations,
        _trainings,
        _trials,
        _shares,
        _spelled_twice("agreement"),
    ),
    "staff": (
        _one_number,
        _listed_once,
        _refs,
        _licences,
        _card_levels,
        _reserve_cards,
        _administered_services,
        _assignment_units,
        _assignment_days,
        _suspensions,
        _commissions,
        _assignment_services,
        _spelled_twice("staff"),
    ),
    "equipment": (
        _equipment_units,
        _workstation_groups,
        _workstations,
        _replacements,
        _spelled_twice("equipment"),
    ),
}


# --- findings ------------------------------------------------------------------------------------

_Found = Iterator[tuple[str, Record, int, Person, str]]


def _names_that_differ(records: Sequence[Record]) -> _Found:
    """Two rows of one natural person with different names: the directory's stays as it is."""
    for rows in rows_by_person(records):
        for record, index, person in rows:
            others = sorted(
                {other.id for other, _index, row in rows if _name(row) != _name(person)}
            )
            if others:
                message = "the name differs from the one in the record of " + ", ".join(others)
                yield "name_differs", record, index, person, message


def _licences_not_confirmed(records: Sequence[Record]) -> _Found:
    for record, index, person in _people(records):
        if any(licence.confirmed is None for licence in person.licences):
            message = "a licence is not confirmed in HOSP, and so not published"
            yield "licence_unconfirmed", record, index, person, message


def _access_not_possible(records: Sequence[Record]) -> _Found:
    """Services in an assignment that its commission or the person's cards do not open."""
    for record, index, person in _people(records):
        for assignment in person.assignments:
            asked = {key for system in assignment.systems for key in SERVICES[system].preconditions}
            if "commission" in asked and assignment.purpose != PATIENT_CARE:
                message = f"a service of the assignment asks for a commission {PATIENT_CARE}"
                yield "commission_missing", record, index, person, message
            if "card_loa3" in asked and person.cards and all(c.loa < 3 for c in person.cards):
                message = "a service of the assignment asks for a card on level 3"
                yield "card_level_too_low", record, index, person, message


# --- reading a record ----------------------------------------------------------------------------


def _units(record: Record) -> set[str]:
    return {unit.id for unit in record.agreement.units}


def _people(records: Iterable[Record]) -> Iterator[tuple[Record, int, Person]]:
    for record in records:
        for index, person in enumerate(record.staff.people):
            yield record, index, person


def _assignments(record: Record) -> Iterator[tuple[Path, Person, Assignment]]:
    for index, person in enumerate(record.staff.people):
        for row, assignment in enumerate(person.assignments):
            yield ("people", index, "assignments", row), person, assignment


def _born(person: Person) -> dt.date | None:
    """The first day the person can be born on."""
    number = person.personnummer or person.samordningsnummer
    return None if number is None else birth_days(number)[0]


def _name(person: Person) -> tuple[str, str]:
    return person.given_name, person.surname


# --- faults that many rules look for -------------------------------------------------------------


def _ordered(path: Path, group: Any, *pairs: tuple[str, str]) -> _Faults:
    """A fault where the second day of a pair comes before the first; both are fields of `group`."""
    for first, second in pairs:
        earliest, day = getattr(group, first), getattr(group, second)
        yield from _not_before((*path, second.rstrip("_")), day, first.rstrip("_"), earliest)


def _not_before(path: Path, day: dt.date | None, name: str, earliest: dt.date | None) -> _Faults:
    if day is not None and earliest is not None and day < earliest:
        yield path, f"expected a day on or after {name}"


def _missing(
    path: Path, values: Iterable[str], among: Collection[str | None], expected: str
) -> _Faults:
    for index, value in enumerate(values):
        if value not in among:
            yield (*path, index), expected


def _repeated(values: Sequence[str | None]) -> Iterator[int]:
    """The positions of values that stand earlier in the list too."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value is not None and value in seen:
            yield index
        elif value is not None:
            seen.add(value)
