# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records for tests, from as few words as a test needs. Everything else is valid and plain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import Layout
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import (
    Decisions,
    Hold,
    Kind,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    luhn_valid,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved

TODAY = dt.date(2026, 3, 2)

CARE = "Vård och behandling"
STATISTICS = "Statistik"
NPO, PASCAL = "nationell_patientoversikt", "pascal"
# Services that groups in AD open.
JOURNAL, XRAY = "vardadministrativt_system", "rontgensvar_och_rontgenbilder"
OFFICE, DOCUMENTS = "microsoft_office", "dokumenthantering"
# Services that the provider's administrators and the region's system owners keep users of.
LISTING, ECG, TEAMS = "listningsapplikation", "ekg_data", "microsoft_office_365"

LAYOUT = Layout(
    base_dn="o=Region,c=SE",
    provider_branch="ou=Privata vårdgivare,o=Region,c=SE",
    people_branch="ou=Personal privata vårdgivare,o=Region,c=SE",
    system_roles={NPO: "npo;lasare", PASCAL: "pascal;forskrivare"},
)

_SIGNED = {"contract_signed": "2025-10-01", "connection_agreement_signed": "2025-10-01"}
_STARTED = {
    **_SIGNED,
    "final_agreement_signed": "2025-12-15",
    "operation_start": "2026-01-01",
}
# The signings of a provider that is in a phase on TODAY.
PHASES: dict[str, dict[str, str]] = {
    "application": {},
    "establishment": _SIGNED,
    "operation": _STARTED,
    "wind_down": {**_STARTED, "ends": "2026-06-30"},
    "ended": {**_STARTED, "ends": "2026-03-01"},
}

# What a record in operation may lack, each of which keeps it in establishment.
MISSING_FOR_OPERATION: dict[str, dict[str, Any]] = {
    "connection": {"agreement": {"connection_agreement_signed": str(TODAY + dt.timedelta(days=1))}},
    "sjunet": {"sjunet": {}},
    "attestations": {"attestations_reviewed": str(TODAY + dt.timedelta(days=1))},
    "training": {"training": []},
    "declaration": {"self_declaration": {"submitted": "2025-11-01"}},
    "verification": {"final_verification": {"date": "2025-12-10", "outcome": "not_approved"}},
    "must": {
        "final_verification": {
            "date": "2025-12-10", "outcome": "approved", "musts": [{"code": "M1"}]
        }
    },
    "start": {"agreement": {"operation_start": str(TODAY + dt.timedelta(days=1))}},
    "agreement": {"agreement": {"final_agreement_signed": str(TODAY + dt.timedelta(days=1))}},
}  # fmt: skip


def number(index: int) -> str:
    """The personnummer of an invented person born between 1900 and 1909; differs by index."""
    return _number(index, 0)


def coordination_number(index: int) -> str:
    """A samordningsnummer; differs by index."""
    return _number(index, 60)


def assignment(unit: str = "vc", **fields: Any) -> dict[str, Any]:
    """An assignment in JSON form: employed, with patient data, since the turn of the year.

    `since` is its first day; purpose=None makes one without a commission.
    """
    commission = {
        "purpose": CARE,
        "rights": ["Läsa;alla;SJF"],
        "decided_by": "SE2321000214-CHEF",
        "decided": "2025-12-20",
    }
    if fields.get("purpose", CARE) is None:
        commission = {}
    since = fields.pop("since", "2026-01-01")
    return {"unit": unit, "kind": "employed", "from": since, **commission, **fields}


def uses(*services: str, **fields: Any) -> dict[str, Any]:
    """An assignment in JSON form that uses services, or the patient record system alone."""
    return assignment(systems=list(services or (JOURNAL,)), **fields)


def trial(*refs: str, services: Iterable[str] = (JOURNAL,), **fields: Any) -> dict[str, Any]:
    """A trial in JSON form for the people with these refs; `since` is its first day."""
    return {
        "people": list(refs),
        "systems": list(services),
        "from": fields.pop("since", "2026-02-15"),
        "to": "2026-03-15",
        "approved_by": "SE2321000214-CHEF",
        **fields,
    }


def person(index: int, *assignments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A person in JSON form, with one plain assignment unless some are given."""
    return {
        "personnummer": number(index),
        "given_name": f"Anna{index}",
        "surname": "Fjällström",
        "assignments": list(assignments) or [assignment()],
        **fields,
    }


def unit(id: str = "vc", name: str | None = None, **fields: Any) -> dict[str, Any]:
    """A unit in JSON form, named after its id."""
    return {"id": id, "name": name or f"Vårdcentralen {id}", **fields}


def workstation(name: str = "PC-1", **fields: Any) -> dict[str, Any]:
    """A workstation in JSON form, attested this year."""
    return {"name": name, "unit": "vc", "attested": "2026-01-20", **fields}


def record(
    id: str = "alfa",
    people: Iterable[dict[str, Any]] = (),
    *,
    units: Iterable[dict[str, Any]] | None = None,
    phase: str = "operation",
    agreement: dict[str, Any] | None = None,
    workstations: Iterable[dict[str, Any]] = (),
    peripherals: Iterable[dict[str, Any]] = (),
    **part: Any,
) -> Record:
    """A record that is in the phase on TODAY; `agreement` overrides its dates."""
    data = {
        "agreement": {
            "id": id,
            "name": f"{id.title()} vård AB",
            # Ten digits that differ by id and pass the check.
            "organisation_number": _checked(f"55{sum(map(ord, id)):07d}"),
            "agreement": {"number": id, **PHASES[phase], **(agreement or {})},
            "sjunet": {"connected": "2025-12-01"},
            "self_declaration": {"submitted": "2025-11-01", "reviewed": "2025-12-01"},
            "attestations_reviewed": "2025-12-05",
            "training": [{"system": "vardutbud_bas", "date": "2025-12-08", "count": 2}],
            "final_verification": {"date": "2025-12-10", "outcome": "approved"},
            "services": ["vardutbud_bas", "stodapplikationer"],
            "units": list(units) if units is not None else [unit()],
            **part,
        },
        "staff": {"people": list(people)},
        "equipment": {"workstations": list(workstations), "peripherals": list(peripherals)},
    }
    if phase == "application":
        del data["agreement"]["final_verification"]
    return from_json(Record, data)


def approved(*records: Record, invalid: Iterable[str] = (), holds: Iterable[Hold] = ()) -> Approved:
    """All records of a run, as a module receives them, and the holds of the ledger."""
    return Approved(
        tuple(sorted(records, key=lambda record: record.id)),
        frozenset(invalid),
        Decisions(tuple(holds)),
    )


def hold(object: str, kind: Kind = "hold", **fields: Any) -> Hold:
    """A hold or grant since TODAY, without end unless `until` says so."""
    plain: dict[str, Any] = {"id": f"{kind}-{object}", "reason": "R1", "by": "it@region"}
    return Hold(object=object, kind=kind, **{**plain, "since": TODAY, **fields})


def _number(index: int, added_days: int) -> str:
    born = dt.date(1900, 1, 1) + dt.timedelta(days=index % 3650)
    return _checked(f"{born:%Y%m}{born.day + added_days:02d}{index // 3650 + 1:03d}", skip=2)


def _checked(digits: str, skip: int = 0) -> str:
    return next(digits + last for last in "0123456789" if luhn_valid(digits[skip:] + last))
