# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import (
    SERVICES as CATALOGUE,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    luhn_valid,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    AddressLine,
    OpeningHours,
    Record,
    Right,
    Text,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.rules import (
    Finding,
    Problem,
    check_all,
    check_record,
    findings,
)
from ansible_collections.regionjh.halsoval.tests.unit.records.conftest import VALID

Make = Callable[..., Record]
Path = tuple[str | int, ...]

PREFIXES = ["SE2321000214-"]
AS_OF = dt.date(2026, 3, 2)
AGREEMENT = ("agreement", "agreement")
DOCTOR = ("staff", "people", 0)
ASSIGNMENT = (*DOCTOR, "assignments", 0)
TELEPHONY = ("agreement", "telephony")
TERMINATED = ("agreement", "terminated")
TRIAL = {
    "people": ["doctor"],
    "workstations": ["pc-1"],
    "systems": ["ekg_data"],
    "from": "2023-08-01",
    "to": "2023-08-31",
    "approved_by": "SE2321000214-1001",
}
WORKSTATION = ("equipment", "workstations", 0)
SHARE = {
    "providers": ["annan"],
    "workstations": ["pc-1"],
    "from": "2026-03-02",
    "to": "2026-03-31",
    "agreement": "JOUR-1",
}
SERVICES = ["vardutbud_bas", "stodapplikationer", "vardadministrativt_system"]


def with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if luhn_valid(digits[2:] + last))


def dataclasses_of(kind: Any) -> Iterator[type]:
    """A class of the model and all that its fields hold."""
    if is_dataclass(kind):
        assert isinstance(kind, type)
        yield kind
        for hint in get_type_hints(kind).values():
            for held in (hint, *get_args(hint)):
                if held not in (NoneType, ...):
                    yield from dataclasses_of(held)


def other_person(**fields: Any) -> dict[str, Any]:
    return {
        "personnummer": "188904041012",
        "given_name": "Rut",
        "surname": "Renlav",
        "assignments": [{"unit": "norr", "kind": "employed", "from": "2023-09-04"}],
    } | fields


# What is changed in a valid record; the one place (part and path in its file) that is wrong then;
# and what the message says was expected there.
FAULTS: dict[str, tuple[dict[Path, Any], Path, str]] = {
    # agreement.yml: services
    "an obligatory package is not ordered": (
        {("agreement", "services"): ["vardutbud_bas", "vardadministrativt_system"]},
        ("agreement", "services"),
        "obligatory package stodapplikationer",
    ),
    "a package without services is ordered": (
        {("agreement", "services"): [*SERVICES, "valfria_tjanster_it"]},
        ("agreement", "services", 3),
        "a package that holds services",
    ),
    "EKG is ordered without the care system": (
        {
            ("agreement", "services"): ["vardutbud_bas", "stodapplikationer", "ekg_data"],
            (*ASSIGNMENT, "systems"): [],
        },
        ("agreement", "services", 2),
        "expected vardadministrativt_system among the services",
    ),
    "aids are ordered without their agreement": (
        {("agreement", "services"): [*SERVICES, "hjalpmedelssystem"]},
        ("agreement", "services", 3),
        "a signed agreement about hjalpmedelssystem",
    ),
    "the supplementary agreement is about something else": (
        {
            ("agreement", "services"): [*SERVICES, "hjalpmedelssystem"],
            (*AGREEMENT, "supplementary"): [{"service": "eko", "signed": "2024-01-01"}],
        },
        ("agreement", "services", 3),
        "a signed agreement about hjalpmedelssystem",
    ),
    "a course is about a service that is not ordered": (
        {
            ("agreement", "training"): [
                {"system": "hjalpmedelssystem", "date": "2023-08-01", "count": 3}
            ]
        },
        ("agreement", "training", 0, "system"),
        "one of the provider's services",
    ),
    # agreement.yml: days
    "operation begins before the contract": (
        {(*AGREEMENT, "operation_start"): "2023-02-09"},
        ("agreement", "agreement", "operation_start"),
        "on or after contract_signed",
    ),
    "operation ends before it begins": (
        {(*AGREEMENT, "ends"): "2023-09-03"},
        ("agreement", "agreement", "ends"),
        "on or after operation_start",
    ),
    "the contract ends before it is signed": (
        {(*AGREEMENT, "ends"): "2023-02-09", (*AGREEMENT, "operation_start"): None},
        ("agreement", "agreement", "ends"),
        "on or after contract_signed",
    ),
    "Sjunet is connected before its agreement": (
        {("agreement", "sjunet", "connected"): "2023-02-28"},
        ("agreement", "sjunet", "connected"),
        "on or after agreement",
    ),
    "the self-declaration is reviewed before it is submitted": (
        {("agreement", "self_declaration", "reviewed"): "2023-05-14"},
        ("agreement", "self_declaration", "reviewed"),
        "on or after submitted",
    ),
    "a self-declaration that nobody submitted is reviewed": (
        {("agreement", "self_declaration", "submitted"): None},
        ("agreement", "self_declaration", "reviewed"),
        "expected submitted",
    ),
    "the final agreement comes without a verification": (
        {("agreement", "final_verification"): None},
        ("agreement", "agreement", "final_agreement_signed"),
        "an approved final verification",
    ),
    "the final agreement comes after a failed verification": (
        {("agreement", "final_verification", "outcome"): "not_approved"},
        ("agreement", "agreement", "final_agreement_signed"),
        "an approved final verification",
    ),
    "the final agreement comes before the verification": (
        {(*AGREEMENT, "final_agreement_signed"): "2023-08-21"},
        ("agreement", "agreement", "final_agreement_signed"),
        "on or after the final verification",
    ),
    "the verification comes before the contract": (
        {("agreement", "final_verification", "date"): "2023-02-09"},
        ("agreement", "final_verification", "date"),
        "on or after contract_signed",
    ),
    "a must is resolved before it was found": (
        {("agreement", "final_verification", "musts", 0, "resolved"): "2023-08-21"},
        ("agreement", "final_verification", "musts", 0, "resolved"),
        "on or after the final verification",
    ),
    "deviations are due before the inspection": (
        {
            ("agreement", "inspections"): [
                {"date": "2024-05-02", "protocol": "P-1", "due": "2024-05-01"}
            ]
        },
        ("agreement", "inspections", 0, "due"),
        "on or after date",
    ),
    # agreement.yml: units
    "two units have one id": (
        {("agreement", "units", 2): {"id": "norr", "name": "Väster"}},
        ("agreement", "units", 2, "id"),
        "an id that no other unit",
    ),
    "a unit closes before operation begins": (
        {("agreement", "units", 0, "closes"): "2023-09-03"},
        ("agreement", "units", 0, "closes"),
        "on or after operation_start",
    ),
    "a unit is public before it opens": (
        {("agreement", "units", 0, "public_from"): "2023-09-03"},
        ("agreement", "units", 0, "public_from"),
        "on or after operation_start",
    ),
    "a unit is public after it closed": (
        {
            ("agreement", "units", 0, "public_from"): "2024-02-01",
            ("agreement", "units", 0, "closes"): "2024-01-31",
        },
        ("agreement", "units", 0, "closes"),
        "on or after public_from",
    ),
    # agreement.yml: telephony
    "extensions are listed without the switchboard": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "extensions": [{"id": "ankn-1", "kind": "fixed_ip", "unit": "norr"}],
            }
        },
        ("agreement", "telephony", "extensions"),
        "expected anslutning_telefonvaxel among the services",
    ),
    "ACE is listed without the service": (
        {TELEPHONY: {"measurement_system": "X", "ace": {"ordered": "2024-01-01", "agents": 1}}},
        ("agreement", "telephony", "ace"),
        "expected ace_telefoniplattform among the services",
    ),
    "telephones are listed without the service": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "equipment": [{"id": "tele-1", "model": "J179", "unit": "norr"}],
            }
        },
        ("agreement", "telephony", "equipment"),
        "expected telefoniutrustning among the services",
    ),
    "attendants are ordered without the service": (
        {
            TELEPHONY: {"measurement_system": "X", "attendant": ["telefonist"]},
            ("agreement", "contacts"): {"telephony_local": [{"name": "Växeln"}]},
        },
        ("agreement", "telephony", "attendant"),
        "expected telefonisttjanst among the services",
    ),
    "attendants are ordered without a local contact": (
        {
            TELEPHONY: {"measurement_system": "X", "attendant": ["telefonist"]},
            ("agreement", "services"): [*SERVICES, "telefonisttjanst"],
        },
        ("agreement", "telephony", "attendant"),
        "a local contact in contacts.telephony_local",
    ),
    "an extension is at no unit": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "extensions": [{"id": "ankn-1", "kind": "fixed_ip", "unit": "vast"}],
            },
            ("agreement", "services"): [*SERVICES, "telefonitjanst"],
        },
        ("agreement", "telephony", "extensions", 0, "unit"),
        "the id of a unit",
    ),
    "telephones are at no unit": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "equipment": [{"id": "tele-1", "model": "J179", "unit": "vast"}],
            },
            ("agreement", "services"): [*SERVICES, "telefonitjanst"],
        },
        ("agreement", "telephony", "equipment", 0, "unit"),
        "the id of a unit",
    ),
    "two extensions have one id": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "extensions": [
                    {"id": "ankn-1", "kind": kind, "unit": "norr"}
                    for kind in ("fixed_ip", "mobile_1gb")
                ],
            },
            ("agreement", "services"): [*SERVICES, "telefonitjanst"],
        },
        ("agreement", "telephony", "extensions", 1, "id"),
        "an id that none of the extensions has yet",
    ),
    "two lines of equipment have one id": (
        {
            TELEPHONY: {
                "measurement_system": "X",
                "equipment": [
                    {"id": "tele-1", "model": model, "unit": "norr"} for model in ("J179", "J189")
                ],
            },
            ("agreement", "services"): [*SERVICES, "telefonitjanst"],
        },
        ("agreement", "telephony", "equipment", 1, "id"),
        "an id that none of the equipment has yet",
    ),
    # agreement.yml: services that the provider leaves
    "a service is left that is not ordered": (
        {TERMINATED: [{"service": "microsoft_office_365", "last_day": "2024-01-31"}]},
        ("agreement", "terminated", 0, "service"),
        "one of the provider's services",
    ),
    "an obligatory package is left": (
        {TERMINATED: [{"service": "vardutbud_bas", "last_day": "2024-01-31"}]},
        ("agreement", "terminated", 0, "service"),
        "a service that can end before the agreement",
    ),
    "a service is left twice": (
        {
            TERMINATED: [
                {"service": "stratsys", "last_day": day} for day in ("2024-01-31", "2024-02-29")
            ]
        },
        ("agreement", "terminated", 1, "service"),
        "expected each service once",
    ),
    "a service is left before the contract": (
        {TERMINATED: [{"service": "stratsys", "last_day": "2023-02-09"}]},
        ("agreement", "terminated", 0, "last_day"),
        "on or after contract_signed",
    ),
    "a service is left after the provider's end": (
        {
            TERMINATED: [{"service": "stratsys", "last_day": "2024-02-01"}],
            (*AGREEMENT, "ends"): "2024-01-31",
        },
        ("agreement", "terminated", 0, "last_day"),
        "on or before the agreement's ends",
    ),
    # agreement.yml: trial
    "a trial ends before it begins": (
        {("agreement", "trial"): [TRIAL | {"to": "2023-07-31"}]},
        ("agreement", "trial", 0, "to"),
        "on or after from",
    ),
    "a trial names somebody unknown": (
        {("agreement", "trial"): [TRIAL | {"people": ["doctor", "nobody"]}]},
        ("agreement", "trial", 0, "people", 1),
        "the ref of a person",
    ),
    "a trial names an unknown workstation": (
        {("agreement", "trial"): [TRIAL | {"workstations": ["PC-9"]}]},
        ("agreement", "trial", 0, "workstations", 0),
        "the name of a workstation",
    ),
    "a trial is of a service that is not ordered": (
        {("agreement", "trial"): [TRIAL | {"systems": ["hjalpmedelssystem"]}]},
        ("agreement", "trial", 0, "systems", 0),
        "one of the provider's services",
    ),
    # HSA-ids
    "the provider's HSA-id is another region's": (
        {("agreement", "hsa_id"): "SE2321000131-1"},
        ("agreement", "hsa_id"),
        "an HSA-id that begins with SE2321000214-",
    ),
    "a unit's HSA-id is another region's": (
        {("agreement", "units", 1, "hsa_id"): "SE2321000131-1"},
        ("agreement", "units", 1, "hsa_id"),
        "begins with",
    ),
    "a head of operations has another region's HSA-id": (
        {
            ("agreement", "units", 1, "head_of_operations"): {
                "name": "X",
                "hsa_id": "SE2321000131-1",
            }
        },
        ("agreement", "units", 1, "head_of_operations", "hsa_id"),
        "begins with",
    ),
    "a trial is approved by another region": (
        {("agreement", "trial"): [TRIAL | {"approved_by": "SE2321000131-1"}]},
        ("agreement", "trial", 0, "approved_by"),
        "begins with",
    ),
    "a person's HSA-id is another region's": (
        {(*DOCTOR, "hsa_id"): "SE2321000131-1"},
        ("staff", "people", 0, "hsa_id"),
        "begins with",
    ),
    # staff.yml: people
    "a person has no number": (
        {(*DOCTOR, "personnummer"): None},
        ("staff", "people", 0),
        "either personnummer or samordningsnummer",
    ),
    "a person has both kinds of number": (
        {(*DOCTOR, "samordningsnummer"): "188703721012", (*DOCTOR, "cards"): []},
        ("staff", "people", 0),
        "either personnummer or samordningsnummer",
    ),
    "a person is listed twice": (
        {("staff", "people", 2): other_person(personnummer="188703121015")},
        ("staff", "people", 2),
        "people[0] is the same",
    ),
    "a person is born after the day of the run": (
        {
            (*DOCTOR, "personnummer"): "202603032380",
            (*DOCTOR, "licences"): [],
            (*ASSIGNMENT, "from"): "2026-03-03",
        },
        (*DOCTOR, "personnummer"),
        "a day of birth on or before 2026-03-02, the day of the run",
    ),
    "a person had a number of a month to come": (
        {(*DOCTOR, "previous_numbers"): ["202604602390"]},
        (*DOCTOR, "previous_numbers", 0),
        "a day of birth on or before 2026-03-02, the day of the run",
    ),
    "a person is listed again with a previous number": (
        {("staff", "people", 2): other_person(previous_numbers=["189111052024"])},
        ("staff", "people", 2),
        "people[1] is the same",
    ),
    "two people have one ref": (
        {("staff", "people", 1, "ref"): "doctor"},
        ("staff", "people", 1, "ref"),
        "a ref that no other person",
    ),
    "a ref hides a personal number": (
        {("staff", "people", 1, "ref"): "s-18911105-2024"},
        ("staff", "people", 1, "ref"),
        "without a personal number",
    ),
    "a licence is listed twice": (
        {(*DOCTOR, "licences", 1): {"title": "Läkare"}},
        ("staff", "people", 0, "licences", 1, "title"),
        "each profession once",
    ),
    "a licence is older than its holder": (
        {(*DOCTOR, "licences", 0, "confirmed"): "1887-03-11"},
        ("staff", "people", 0, "licences", 0, "confirmed"),
        "on or after the date of birth",
    ),
    "a card of level 3 is for a samordningsnummer": (
        {(*DOCTOR, "personnummer"): None, (*DOCTOR, "samordningsnummer"): "188703721012"},
        ("staff", "people", 0, "cards", 0),
        "expected loa: 2",
    ),
    "a reserve card on level 2 is for somebody who prescribes": (
        {(*DOCTOR, "cards"): [{"loa": 3}, {"kind": "reserve", "loa": 2}]},
        ("staff", "people", 0, "cards", 1),
        "no reserve card on level 2: pascal asks for level 3",
    ),
    "a right is listed in two spellings": (
        {(*ASSIGNMENT, "rights"): ["Läsa;alla;SJF", "Skriva;alla;SJF", "läsa;ALLA;SJF"]},
        ("staff", "people", 0, "assignments", 0, "rights", 2),
        "each value once: rights[0] is the same in another spelling",
    ),
    "somebody administers a service that is not ordered": (
        {(*DOCTOR, "administers"): ["eko", "hjalpmedelssystem"]},
        ("staff", "people", 0, "administers", 1),
        "one of the provider's services",
    ),
    # staff.yml: assignments
    "an assignment is at no unit": (
        {(*ASSIGNMENT, "unit"): "vast"},
        ("staff", "people", 0, "assignments", 0, "unit"),
        "the id of a unit",
    ),
    "an assignment ends before it begins": (
        {(*ASSIGNMENT, "to"): "2023-09-03"},
        ("staff", "people", 0, "assignments", 0, "to"),
        "on or after from",
    ),
    "an assignment begins before its holder is born": (
        {("staff", "people", 1, "assignments", 0, "from"): "1891-11-04"},
        ("staff", "people", 1, "assignments", 0, "from"),
        "on or after the date of birth",
    ),
    "a commission is decided on after it began": (
        {(*ASSIGNMENT, "decided"): "2023-09-05"},
        ("staff", "people", 0, "assignments", 0, "decided"),
        "a new decision is a new assignment",
    ),
    "a suspension ends before it begins": (
        {(*ASSIGNMENT, "suspended"): {"from": "2024-01-02", "to": "2024-01-01"}},
        ("staff", "people", 0, "assignments", 0, "suspended", "to"),
        "on or after from",
    ),
    "a suspension begins before the assignment": (
        {(*ASSIGNMENT, "suspended"): {"from": "2023-09-03"}},
        ("staff", "people", 0, "assignments", 0, "suspended", "from"),
        "on or after the assignment's from",
    ),
    "a suspension ends after the assignment": (
        {
            (*ASSIGNMENT, "suspended"): {"from": "2024-01-01", "to": "2024-02-01"},
            (*ASSIGNMENT, "to"): "2024-01-31",
        },
        ("staff", "people", 0, "assignments", 0, "suspended", "to"),
        "on or before the assignment's to",
    ),
    "rights are given without a purpose": (
        {(*ASSIGNMENT, "purpose"): None},
        ("staff", "people", 0, "assignments", 0, "rights"),
        "expected purpose",
    ),
    "a commission gives no right": (
        {(*ASSIGNMENT, "rights"): []},
        ("staff", "people", 0, "assignments", 0, "purpose"),
        "expected rights",
    ),
    "nobody decided on a commission": (
        {(*ASSIGNMENT, "decided_by"): None},
        ("staff", "people", 0, "assignments", 0, "purpose"),
        "expected decided_by",
    ),
    "a commission was decided on at no time": (
        {(*ASSIGNMENT, "decided"): None},
        ("staff", "people", 0, "assignments", 0, "purpose"),
        "expected decided",
    ),
    "somebody uses a service that is not ordered": (
        {(*ASSIGNMENT, "systems"): ["pascal", "hjalpmedelssystem"]},
        ("staff", "people", 0, "assignments", 0, "systems", 1),
        "one of the provider's services",
    ),
    # equipment.yml
    "a workstation is at no unit": (
        {("equipment", "workstations", 1, "unit"): "vast"},
        ("equipment", "workstations", 1, "unit"),
        "the id of a unit",
    ),
    "a printer is at no unit": (
        {("equipment", "peripherals"): [{"kind": "printer", "model": "X", "unit": "vast"}]},
        ("equipment", "peripherals", 0, "unit"),
        "the id of a unit",
    ),
    "a workstation is at a unit outside Hälsoval": (
        {("agreement", "units", 1, "halsoval"): False},
        ("equipment", "workstations", 1, "unit"),
        "a unit that does Hälsoval work",
    ),
    "a workstation ends before it begins": (
        {(*WORKSTATION, "from"): "2026-03-02", (*WORKSTATION, "to"): "2026-03-01"},
        (*WORKSTATION, "to"),
        "a day on or after from",
    ),
    "a workstation has no address to be admitted by": (
        {(*WORKSTATION, "admitted_by"): "address"},
        (*WORKSTATION, "admitted_by"),
        "ip beside it",
    ),
    "nobody knows when a workstation failed": (
        {(*WORKSTATION, "licences_free"): "failed"},
        (*WORKSTATION, "licences_free"),
        "to beside it",
    ),
    "nobody knows when a workstation is replaced": (
        {(*WORKSTATION, "replaces"): "PC-0"},
        (*WORKSTATION, "replaces"),
        "from beside it",
    ),
    "two workstations replace one": (
        {
            (*WORKSTATION, "replaces"): "PC-0",
            (*WORKSTATION, "from"): "2026-03-02",
            ("equipment", "workstations", 1, "replaces"): "pc-0",
            ("equipment", "workstations", 1, "from"): "2026-03-03",
        },
        ("equipment", "workstations", 1, "replaces"),
        "no other row replaces",
    ),
    "an unknown workstation is shared": (
        {("agreement", "shared_access"): [SHARE | {"workstations": ["PC-9"]}]},
        ("agreement", "shared_access", 0, "workstations", 0),
        "the name of a workstation",
    ),
    "workstations are shared with oneself": (
        {("agreement", "shared_access"): [SHARE | {"providers": ["exempel"]}]},
        ("agreement", "shared_access", 0, "providers", 0),
        "another provider",
    ),
    "a share ends before it begins": (
        {("agreement", "shared_access"): [SHARE | {"to": "2026-02-28"}]},
        ("agreement", "shared_access", 0, "to"),
        "a day on or after from",
    ),
    "a workstation replaces itself": (
        {("equipment", "workstations", 1, "replaces"): "pc-2"},
        ("equipment", "workstations", 1, "replaces"),
        "another workstation",
    ),
    "there are more workstations than the groups hold": (
        {("equipment", "workstations"): [{"name": f"PC-{n}", "unit": "norr"} for n in range(11)]},
        ("equipment", "workstations"),
        "at most 10 workstations in 1 workstation_groups, not 11",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found_where_it_is_and_nothing_else(make: Make, fault: str) -> None:
    changes, (part, *path), expected = FAULTS[fault]
    (problem,) = check_record(make(changes), PREFIXES, AS_OF)
    assert (problem.provider, problem.part, problem.path) == ("exempel", part, tuple(path))
    assert problem.message.startswith("expected ")
    assert expected in problem.message


def test_valid_record_has_no_fault(make: Make) -> None:
    assert check_record(make(), PREFIXES, AS_OF) == []


def test_days_that_coincide_are_no_contradiction(make: Make) -> None:
    day = "2023-09-04"
    record = make(
        {
            **{(*AGREEMENT, key): day for key in ("contract_signed", "final_agreement_signed")},
            (*AGREEMENT, "ends"): day,
            ("agreement", "sjunet"): {"agreement": day, "connected": day},
            ("agreement", "self_declaration"): {"submitted": day, "reviewed": day},
            ("agreement", "final_verification", "date"): day,
            ("agreement", "final_verification", "musts", 0, "resolved"): day,
            ("agreement", "units", 0, "public_from"): day,
            ("agreement", "units", 0, "closes"): day,
            (*ASSIGNMENT, "decided"): day,
            (*ASSIGNMENT, "to"): day,
            (*ASSIGNMENT, "suspended"): {"from": day, "to": day},
        }
    )
    assert check_record(record, PREFIXES, AS_OF) == []


def test_record_with_everything_in_order_has_no_fault(make: Make) -> None:
    record = make(
        {
            ("agreement", "services"): [*SERVICES, "hjalpmedelssystem", "telefonitjanst"],
            (*AGREEMENT, "supplementary"): [
                {"service": "hjalpmedelssystem", "signed": "2024-01-01"}
            ],
            ("agreement", "contacts"): {"telephony_local": [{"name": "Växeln"}]},
            TELEPHONY: {
                "measurement_system": "X",
                "extensions": [{"id": "ankn-1", "kind": "fixed_ip", "unit": "norr"}],
                "attendant": ["telefonist"],
                "equipment": [{"id": "tele-1", "model": "J179", "unit": "soder"}],
            },
            TERMINATED: [{"service": "stratsys", "last_day": "2024-01-31"}],
            (*AGREEMENT, "ends"): "2024-01-31",
            ("agreement", "trial"): [TRIAL],
            ("agreement", "hsa_id"): "SE2321000214-1",
            (*ASSIGNMENT, "systems"): ["ekg_data", "hjalpmedelssystem", "microsoft_office"],
        }
    )
    assert check_record(record, PREFIXES, AS_OF) == []


@pytest.mark.parametrize("born", [(0, 60), (0, 72), (3, 60), (3, 62), (2, 91)])
def test_who_may_be_born_by_the_day_of_the_run_is_taken(make: Make, born: tuple[int, int]) -> None:
    changes: dict[Path, Any] = {
        (*DOCTOR, "personnummer"): None,
        (*DOCTOR, "samordningsnummer"): with_check_digit(f"2026{born[0]:02d}{born[1]:02d}238"),
        (*DOCTOR, "licences"): [],
        (*DOCTOR, "cards"): [],
        (*ASSIGNMENT, "from"): "2026-03-02",
    }
    assert check_record(make(changes), PREFIXES, AS_OF) == []
    assert check_record(make(changes), PREFIXES, dt.date(2025, 12, 31)) != []


# The days that a message of a rule may name, by its words.
NAMED: dict[str, Path] = {
    "contract_signed": (*AGREEMENT, "contract_signed"),
    "operation_start": (*AGREEMENT, "operation_start"),
    "the agreement's ends": (*AGREEMENT, "ends"),
    "agreement": ("agreement", "sjunet", "agreement"),
    "submitted": ("agreement", "self_declaration", "submitted"),
    "the final verification": ("agreement", "final_verification", "date"),
    "date": ("agreement", "inspections", 0, "date"),
    "public_from": ("agreement", "units", 0, "public_from"),
    "the assignment's from": (*ASSIGNMENT, "from"),
    "the assignment's to": (*ASSIGNMENT, "to"),
    "from: access follows the decision, and a new decision is a new assignment": (
        *ASSIGNMENT,
        "from",
    ),
}
DAYS: tuple[Path, ...] = (
    *dict.fromkeys(NAMED.values()),
    (*AGREEMENT, "final_agreement_signed"),
    ("agreement", "sjunet", "connected"),
    ("agreement", "self_declaration", "reviewed"),
    ("agreement", "final_verification", "musts", 0, "resolved"),
    ("agreement", "inspections", 0, "due"),
    ("agreement", "units", 0, "closes"),
    ("agreement", "terminated", 0, "last_day"),
    ("agreement", "trial", 0, "from"),
    ("agreement", "trial", 0, "to"),
    (*ASSIGNMENT, "decided"),
    (*ASSIGNMENT, "suspended", "from"),
    (*ASSIGNMENT, "suspended", "to"),
)
GROUPS: dict[Path, Any] = {
    ("agreement", "inspections"): [{"protocol": "P-1"}],
    TERMINATED: [{"service": "stratsys"}],
    ("agreement", "trial"): [{**TRIAL}],
    (*ASSIGNMENT, "suspended"): {},
}


@given(st.fixed_dictionaries(dict.fromkeys(DAYS, st.dates(AS_OF, AS_OF + dt.timedelta(days=40)))))
def test_a_day_is_refused_by_what_the_message_names_and_taken_from_there(
    days: dict[Path, dt.date],
) -> None:
    for problem in _problems(days):
        words = problem.message.removeprefix("expected a day on or ")
        side, _space, name = words.partition(" ")
        place = (problem.part, *problem.path)
        # Of its own group, as a period's first day.
        limit = days[NAMED.get(name) or (*place[:-1], name)]
        assert days[place] < limit if side == "after" else days[place] > limit
        said = {p.message for p in _problems({**days, place: limit}) if p.path == problem.path}
        assert problem.message not in said


def _problems(days: dict[Path, dt.date]) -> list[Problem]:
    data = copy.deepcopy(VALID)
    for (*path, last), value in {**copy.deepcopy(GROUPS), **days}.items():
        place: Any = data
        for key in path:
            place = place[key]
        place[last] = str(value) if isinstance(value, dt.date) else value
    found = check_record(from_json(Record, data), PREFIXES, AS_OF)
    return [problem for problem in found if "a day on or" in problem.message]


def test_all_faults_are_found_at_once(make: Make) -> None:
    changes: dict[Path, Any] = {
        (*AGREEMENT, "ends"): "2023-09-03",
        (*DOCTOR, "hsa_id"): "SE2321000131-1",
        (*ASSIGNMENT, "unit"): "vast",
        ("equipment", "workstations", 0, "unit"): "vast",
    }
    assert len(check_record(make(changes), PREFIXES, AS_OF)) == 4


def test_any_of_several_prefixes_will_do(make: Make) -> None:
    record = make({(*DOCTOR, "hsa_id"): "TSTNMT2321000156-1"})
    assert check_record(record, [*PREFIXES, "TSTNMT2321000156-"], AS_OF) == []


def test_workstations_outside_halsoval_need_no_group(make: Make) -> None:
    record = make(
        {
            ("agreement", "workstation_groups"): 0,
            ("equipment", "workstations", 0, "halsoval"): False,
            ("equipment", "workstations", 1, "halsoval"): False,
        }
    )
    assert check_record(record, PREFIXES, AS_OF) == []


@pytest.mark.parametrize(
    "fault",
    [name for name, (changes, *_rest) in FAULTS.items() if any("staff" in p for p in changes)],
)
def test_no_message_shows_anybody(make: Make, fault: str) -> None:
    for problem in check_record(make(FAULTS[fault][0]), PREFIXES, AS_OF):
        for personal in ("Birger", "Lavskrika", "Sigrid", "1015", "1012", "2024"):
            assert personal not in problem.message


@pytest.mark.parametrize(
    "changes",
    [
        {(*ASSIGNMENT, "systems"): ["vardadministrativt_system"]},
        {(*ASSIGNMENT, "to"): "2026-06-30"},
        {("agreement", "units", 0, "closes"): "2026-06-30"},
        {(*AGREEMENT, "ends"): "2026-06-30"},
        {("agreement", "terminated"): [{"service": "pascal", "last_day": "2026-06-30"}]},
        {(*DOCTOR, "cards", 1): {"kind": "reserve", "loa": 2, "returned": "2026-05-01"}},
        {
            (*DOCTOR, "cards", 1): {
                "kind": "reserve", "loa": 2, "returned": "2026-05-01", "anew": "2026-04-01",
            }
        },
        {(*DOCTOR, "cards", 1): {"kind": "reserve", "loa": 3}},
        {(*DOCTOR, "cards", 1): {"kind": "mobile", "loa": 2}},
    ],
)  # fmt: skip
def test_a_reserve_card_on_level_2_is_no_fault_where_nothing_asks_for_more_after_the_exceptions(
    make: Make, changes: dict[Path, Any]
) -> None:
    cards = {(*DOCTOR, "cards"): [{"loa": 3}, {"kind": "reserve", "loa": 2}]}
    assert check_record(make({**cards, **changes}), PREFIXES, AS_OF) == []


@pytest.mark.parametrize(
    "changes",
    [
        {(*ASSIGNMENT, "to"): "2026-07-01"},
        {("agreement", "terminated"): [{"service": "pascal", "last_day": "2026-07-01"}]},
        {
            (*DOCTOR, "cards", 1): {
                "kind": "reserve", "loa": 2, "returned": "2026-05-01", "anew": "2026-05-01",
            }
        },
        {(*DOCTOR, "cards", 1): {"kind": "reserve", "loa": 2, "lost": "2026-05-01"}},
    ],
)  # fmt: skip
def test_a_reserve_card_on_level_2_is_a_fault_where_something_asks_for_more(
    make: Make, changes: dict[Path, Any]
) -> None:
    cards = {(*DOCTOR, "cards"): [{"loa": 3}, {"kind": "reserve", "loa": 2}]}
    (problem,) = check_record(make({**cards, **changes}), PREFIXES, AS_OF)
    assert (problem.part, *problem.path) == (*DOCTOR, "cards", 1)


# --- two spellings of one value ------------------------------------------------------------------

# Every list of texts that people write, not choose: where it is, and a value in two spellings.
LISTS: dict[Path, tuple[str, str]] = {
    ("agreement", "inspections"): ("A-1", "a-1"),
    ("agreement", "final_verification"): ("A-1", "a-1"),
    ("agreement", "units", 1, "opening_hours"): ("5#08:00#17:00", "5-5#08:00#17:00"),
    ("agreement", "units", 1, "classification"): ("A1", "Ａ1"),
    ("agreement", "units", 1, "care_type"): ("öppen vård", "Öppen  vård"),
    ("agreement", "units", 0, "management"): ("Gruße", "GRUSSE"),
    (*ASSIGNMENT, "rights"): ("Läsa;alla;SJF", "läsa;alla;sjf"),
    ("agreement", "telephony"): ("Norr", "norr"),
    ("agreement", "shared_access"): ("beta", "Beta"),
}


def _listed(path: Path, values: list[str]) -> tuple[dict[Path, Any], Path]:
    """A record's change that has the values in a list, and where the second of them stands."""
    day = {"date": "2023-08-22"}
    whole: dict[str, tuple[Any, Path]] = {
        "inspections": ([{**day, "protocol": "1", "deviations": values}], (0, "deviations")),
        "final_verification": (
            {**day, "outcome": "approved", "recommendations": values}, ("recommendations",)
        ),
        "telephony": (
            {
                "measurement_system": "M",
                "ace": {"ordered": "2023-09-01", "agents": 1, "cooperation": values},
            },
            ("ace", "cooperation"),
        ),
        "shared_access": ([SHARE | {"providers": values}], (0, "providers")),
    }  # fmt: skip
    value, below = whole.get(str(path[-1]), (values, ()))
    services = {("agreement", "services"): [*SERVICES, "ace_telefoniplattform"]}
    return {path: value, **(services if path[-1] == "telephony" else {})}, (*path, *below, 1)


@pytest.mark.parametrize("path", LISTS)
def test_a_value_in_two_spellings_is_a_fault_at_the_second(make: Make, path: Path) -> None:
    one, other = LISTS[path]
    changes, place = _listed(path, [one, other])
    problems = check_record(make(changes), PREFIXES, AS_OF)
    assert [(p.part, *p.path) for p in problems] == [place]
    for problem in problems:
        assert one not in problem.message
        assert other not in problem.message


@pytest.mark.parametrize("path", LISTS)
def test_a_value_that_is_listed_twice_as_it_is_is_no_fault(make: Make, path: Path) -> None:
    one, _other = LISTS[path]
    changes, _place = _listed(path, [one, one])
    assert check_record(make(changes), PREFIXES, AS_OF) == []


def test_every_list_of_texts_that_people_write_is_looked_through() -> None:
    """Lists that choose from a fixed set of values have no two spellings."""
    texts = (Text, AddressLine, Right, OpeningHours)
    free = {
        name
        for kind in dataclasses_of(Record)
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if get_origin(hint) is tuple and get_args(hint)[0] in texts
    }
    looked_through = {str(part) for path in LISTS for part in _listed(path, [""])[1]}
    # Lines of an address are no values. Names of workstations stand in a table of their own.
    assert free - looked_through == {"lines", "workstations"}


# --- within a record and between records ---------------------------------------------------------

UNIT = ("agreement", "units", 0, "hsa_id")
UNIT_2 = ("agreement", "units", 1, "hsa_id")
PERSON = (*DOCTOR, "hsa_id")


def test_groups_need_no_room_for_those_that_leave_or_are_replaced(make: Make) -> None:
    rows: list[dict[str, Any]] = [{"name": f"PC-{n}", "unit": "norr"} for n in range(12)]
    rows[0]["to"] = "2026-02-01"
    rows[1] |= {"replaces": "pc-2", "from": "2026-03-02"}
    assert check_record(make({("equipment", "workstations"): rows}), PREFIXES, AS_OF) == []


def test_workstations_that_replace_each_other_are_a_fault_at_each(make: Make) -> None:
    rows = [
        {"name": f"PC-{n}", "unit": "norr", "from": "2026-03-02", "replaces": f"pc-{(n + 1) % 3}"}
        for n in range(3)
    ]
    found = check_record(make({("equipment", "workstations"): rows}), PREFIXES, AS_OF)
    assert [problem.path[1] for problem in found] == [0, 1, 2]


PERSON_2 = ("staff", "people", 1, "hsa_id")
HSA_ID = "SE2321000214-A1"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((("agreement", "hsa_id"), HSA_ID), (UNIT, HSA_ID)),
        ((UNIT, HSA_ID), (UNIT_2, HSA_ID.replace("A", "a"))),
        ((UNIT, HSA_ID), (PERSON, HSA_ID)),
        ((PERSON, HSA_ID), (PERSON_2, HSA_ID)),
        (
            (("equipment", "workstations", 0, "name"), "PC-1"),
            (("equipment", "workstations", 1, "name"), "pc-1"),
        ),
        (
            (("equipment", "workstations", 0, "client_name"), "Jour"),
            (("equipment", "workstations", 1, "name"), "JOUR"),
        ),
    ],
)
def test_value_used_for_two_things_is_a_fault_at_both(
    make: Make, make_other: Make, first: tuple[Path, str], second: tuple[Path, str]
) -> None:
    (here, value), (there, other_value) = first, second
    in_one = check_record(make({here: value, there: other_value}), PREFIXES, AS_OF)
    assert {(p.part, *p.path) for p in in_one} == {here, there}

    records = [make({here: value}), make_other({there: other_value})]
    assert [check_record(record, PREFIXES, AS_OF) for record in records] == [[], []]
    between = check_all(records)
    assert {(p.provider, p.part, *p.path) for p in between} == {
        ("exempel", *here),
        ("annan", *there),
    }
    assert {p.message.rpartition(" ")[2] for p in between} == {"annan", "exempel"}


def test_fault_within_one_record_is_not_repeated_between_records(
    make: Make, make_other: Make
) -> None:
    assert check_all([make({UNIT: HSA_ID, UNIT_2: HSA_ID}), make_other()]) == []


def test_organisation_number_of_two_records_is_a_fault_at_both(
    make: Make, make_other: Make
) -> None:
    field = ("agreement", "organisation_number")
    problems = check_all([make(), make_other({field: make().agreement.organisation_number})])
    message = "expected an organisation number that no other has; compare the record of "
    assert problems == [
        Problem("exempel", "agreement", ("organisation_number",), message + "annan"),
        Problem("annan", "agreement", ("organisation_number",), message + "exempel"),
    ]


def test_id_of_two_records_is_a_fault_at_both(make: Make, make_other: Make) -> None:
    problems = check_all([make(), make_other({("agreement", "id"): "exempel"})])
    assert [problem.path for problem in problems] == [("id",), ("id",)]


def test_person_at_two_providers_may_have_the_hsa_id_in_both(make: Make, make_other: Make) -> None:
    shared = {PERSON: HSA_ID, (*DOCTOR, "personnummer"): "188703121015"}
    assert check_all([make({PERSON: HSA_ID}), make_other(shared)]) == []


def test_person_is_recognised_by_a_previous_number(make: Make, make_other: Make) -> None:
    shared = {PERSON: HSA_ID, (*DOCTOR, "previous_numbers"): ["188703121015"]}
    assert check_all([make({PERSON: HSA_ID}), make_other(shared)]) == []


def test_person_with_two_hsa_ids_is_a_fault_at_both(make: Make, make_other: Make) -> None:
    shared = {PERSON: "SE2321000214-A2", (*DOCTOR, "personnummer"): "188703121015"}
    problems = check_all([make({PERSON: HSA_ID}), make_other(shared)])
    assert [(p.provider, p.part, p.path) for p in problems] == [
        ("exempel", "staff", ("people", 0, "hsa_id")),
        ("annan", "staff", ("people", 0, "hsa_id")),
    ]
    assert all("the same HSA-id wherever the person is listed" in p.message for p in problems)


def test_records_that_share_nothing_have_no_fault(make: Make, make_other: Make) -> None:
    assert check_all([make(), make_other()]) == []


def test_record_whose_person_has_no_number_can_be_compared(make: Make, make_other: Make) -> None:
    assert check_all([make({(*DOCTOR, "personnummer"): None, PERSON: HSA_ID}), make_other()]) == []


# --- findings ------------------------------------------------------------------------------------


def test_valid_records_give_no_finding(make: Make, make_other: Make) -> None:
    assert findings([make(), make_other()]) == []


def test_name_that_differs_between_records_is_a_finding_and_no_fault(
    make: Make, make_other: Make
) -> None:
    other = make_other({(*DOCTOR, "personnummer"): "188703121015", (*DOCTOR, "surname"): "Skata"})
    records = [make(), other]
    assert check_all(records) == []
    message = "the name differs from the one in the record of "
    assert findings(records) == [
        Finding("name_differs", "exempel", "doctor", message + "annan"),
        Finding("name_differs", "annan", "doctor", message + "exempel"),
    ]


def test_only_the_records_that_disagree_are_named(make: Make, make_other: Make) -> None:
    person = {(*DOCTOR, "personnummer"): "188703121015"}
    third = make_other({**person, ("agreement", "id"): "tredje", (*DOCTOR, "surname"): "Skata"})
    found = findings([make(), make_other(person), third])
    assert {(f.provider, f.message.partition("record of ")[2]) for f in found} == {
        ("exempel", "tredje"),
        ("annan", "tredje"),
        ("tredje", "annan, exempel"),
    }


def test_licence_without_confirmation_is_a_finding(make: Make) -> None:
    (finding,) = findings([make({(*DOCTOR, "licences", 0, "confirmed"): None})])
    assert (finding.code, finding.object) == ("licence_unconfirmed", "doctor")


def test_national_service_without_a_commission_is_a_finding(make: Make) -> None:
    (finding,) = findings([make({(*ASSIGNMENT, "purpose"): "Statistik"})])
    assert (finding.code, finding.object) == ("commission_missing", "doctor")


def test_pascal_with_a_card_of_level_2_alone_is_a_finding(make: Make) -> None:
    (finding,) = findings([make({(*DOCTOR, "cards"): [{"loa": 2}]})])
    assert (finding.code, finding.object) == ("card_level_too_low", "doctor")
    assert findings([make({(*DOCTOR, "cards"): [{"loa": 2}, {"loa": 3}]})]) == []


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "doctor"),
        ({(*DOCTOR, "ref"): None, PERSON: HSA_ID}, HSA_ID),
        ({(*DOCTOR, "ref"): None}, "people[0]"),
        ({(*DOCTOR, "ref"): None, (*DOCTOR, "protected"): True}, "people[0]"),
    ],
)
def test_finding_names_the_row_and_never_the_person(
    make: Make, changes: dict[Path, Any], label: str
) -> None:
    (finding,) = findings([make({**changes, (*DOCTOR, "licences", 0, "confirmed"): None})])
    assert finding.object == label


@pytest.mark.parametrize(
    ("row", "is_right"),
    [
        ({"signed": "2023-08-01", "requested": "2023-08-01"}, True),
        ({"signed": "2023-08-01"}, False),
        ({"signed": "2023-08-02", "requested": "2023-08-01"}, False),
    ],
)
def test_a_trial_of_a_future_service_begins_once_it_is_requested_and_agreed(
    make: Make, monkeypatch: pytest.MonkeyPatch, row: dict[str, str], is_right: bool
) -> None:
    needs = ("supplementary_agreement", "request")
    future = replace(CATALOGUE["hjalpmedelssystem"], key="kommande", preconditions=needs)
    monkeypatch.setitem(CATALOGUE, "kommande", future)
    record = make(
        {
            ("agreement", "services"): [*SERVICES, "kommande"],
            (*AGREEMENT, "supplementary"): [{"service": "kommande", **row}],
            ("agreement", "trial"): [{**TRIAL, "systems": ["kommande"]}],
        }
    )
    expected = [] if is_right else [("trial", 0, "systems", 0)]
    assert [problem.path for problem in check_record(record, PREFIXES, AS_OF)] == expected
