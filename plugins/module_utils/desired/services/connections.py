# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider is connected to, and the agreements that this takes (annex 3.1.1, 3.1.2, 3.3).

Also the consultation about equipment before it is connected (annex 3.5).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ...records.catalogue import SERVICES, Precondition, Service, provided
from ...records.lifecycle import is_over, lacks, last_day_of_service, phase
from ...records.model import Record, Unit
from .chains import Wish
from .draft import Draft
from .particulars import about, joined
from .rules import REGIONS_OFFICE, Rules

# The provider's connection to who issues the cards; the cards themselves are SITHS orders.
_RA_ORGANISATION = "anslutning_ra_organisation"
# What is found where a service has not reached the provider.
_MISSING: dict[Precondition, tuple[str, str]] = {
    "supplementary_agreement": (
        "agreement_missing",
        "the supplementary agreement about the service is not signed (annex 2.6, 3.1.2)",
    ),
    "request": ("request_missing", "the region has not requested the service yet (annex 2.6)"),
}
# Agreements that a provider enters into itself; one of each serves all its services.
_AGREEMENTS: dict[Precondition, str] = {
    "inera_agreement": "Kundavtal och abonnemang hos Inera",
    "telia_agreement": "Avtal med Telia under regionens avtal",
    "supplier_agreement": "Avtal om anslutning till ACE",
}


def live_units(record: Record) -> list[Unit]:
    """The units that do Hälsoval work, closed ones too; no other may use a service (annex 2.3)."""
    return [unit for unit in record.agreement.units if unit.halsoval]


def start(record: Record, as_of: dt.date) -> dt.date | None:
    """The first day of operation, while it is ahead: the day by which everything must be there."""
    day = record.agreement.agreement.operation_start
    return day if day is not None and day > as_of else None


# --- agreements -----------------------------------------------------------------------------------


def agreements(record: Record, draft: Draft, rules: Rules) -> dict[Precondition, str]:
    """Order the agreements that the provider's services presuppose; the key of each."""
    keys: dict[Precondition, str] = {}
    for kind in _AGREEMENTS:
        services = sorted(
            key
            for key in provided(record.agreement.services)
            if kind in SERVICES[key].preconditions
        )
        if services:
            keys[kind] = draft.settle(_agreement(record, kind, services, draft, rules))
    return keys


def _agreement(
    record: Record, kind: Precondition, services: list[str], draft: Draft, rules: Rules
) -> Wish:
    """An agreement lasts as long as one of the services that presuppose it."""
    ends = [last_day_of_service(record, service) for service in services]
    known = [day for day in ends if day is not None]
    last = max(known) if len(known) == len(ends) else None
    via_region = kind == "supplier_agreement" and rules.ace_contract == "region"
    telephony = record.agreement.telephony
    shared = telephony.ace.cooperation if telephony and telephony.ace else ()
    cooperation = joined(shared) if kind == "supplier_agreement" else ""
    return Wish(
        provider=record.id, object=kind, subject=kind, gives="agreement", takes="terminate",
        recipient=rules.recipient(REGIONS_OFFICE if via_region else "provider", record.id),
        is_wanted=not is_over(last, draft.as_of), due=start(record, draft.as_of), last=last,
        terms=cooperation,
        particulars=about(record, service_name=_AGREEMENTS[kind], cooperation=cooperation),
        losers=frozenset({("service", kind)}),
        explained=draft.is_explained_by(last, record.id),
    )  # fmt: skip


# --- connections ----------------------------------------------------------------------------------


def connections(
    record: Record, draft: Draft, rules: Rules, keys: Mapping[Precondition, str]
) -> None:
    """Order the provider's connection to each of its services, by unit where those are billed."""
    for service in sorted(provided(record.agreement.services)):
        row = SERVICES[service]
        if not _is_connected(row):
            continue
        last = last_day_of_service(record, service)
        is_missing = not is_over(last, draft.as_of) and _misses_agreement(record, row, draft)
        for object_id, named, end in _places(record, row, last):
            draft.settle(
                Wish(
                    provider=record.id, object=object_id, subject=service,
                    gives="connection", takes="terminate",
                    recipient=rules.recipient_of(service, record.id),
                    is_wanted=not is_over(end, draft.as_of),
                    due=start(record, draft.as_of), last=end,
                    needs=tuple(keys[kind] for kind in row.preconditions if keys.get(kind)),
                    waits=is_missing, particulars=about(record, service, **named),
                    losers=frozenset({("service", object_id)}),
                    explained=draft.is_explained_by(end, record.id),
                )
            )  # fmt: skip


def _is_connected(row: Service) -> bool:
    """Whether a provider as such is connected to a service; guests are invited one by one."""
    if row.provisioning == "region_order":
        return "own_mail" not in row.preconditions
    return row.provisioning == "national_connection" or row.key == _RA_ORGANISATION


def _places(
    record: Record, row: Service, last: dt.date | None
) -> Iterator[tuple[str, dict[str, str], dt.date | None]]:
    """What is connected: its id, what else an order says of it, and its last day."""
    if row.debit != "unit":
        yield row.key, {}, last
        return
    for unit in live_units(record):
        end = min((day for day in (last, unit.closes) if day), default=None)
        yield unit.id, {"unit": unit.name}, end


def _misses_agreement(record: Record, row: Service, draft: Draft) -> bool:
    """Whether a service waits for an agreement with the region, which findings tell."""
    missing = lacks(record, row.key, draft.as_of)
    for kind in missing:
        name, message = _MISSING[kind]
        draft.find(record.id, name, row.key, message)
    return bool(missing)


# --- consultations --------------------------------------------------------------------------------


def consultations(record: Record, draft: Draft, rules: Rules) -> None:
    """Ask for consultation about equipment that the region has not been consulted on."""
    names = {unit.id: unit.name for unit in record.agreement.units}
    rows = record.equipment.peripherals
    asked = {(row.unit, row.kind, row.model) for row in rows if row.consulted is None}
    is_ended = phase(record, draft.as_of) == "ended"
    for unit, kind, model in sorted({(row.unit, row.kind, row.model) for row in rows}):
        wish = Wish(
            provider=record.id, object=unit, subject=f"{kind} {model}", gives="consultation",
            recipient=rules.recipient("systemforvaltning", record.id),
            is_wanted=(unit, kind, model) in asked and not is_ended,
            particulars=about(record, unit=names[unit], equipment=kind, model=model),
        )  # fmt: skip
        draft.settle(wish)
