# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The final-verification sheet of a provider (annex 3.9): in order, recommendations, musts.

It names no person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from ..records.gates import Evidence, GateName, gates, section
from ..records.identifiers import shown
from ..records.lifecycle import Phase, phase
from ..records.model import Record
from ..records.workstations import registered
from .sheet import Section, Sheet

_GATES: Mapping[GateName, str] = {
    "contract": "Kontraktet undertecknat",
    "connection_agreement": "Anslutningsavtalet undertecknat",
    "sjunet": "Anslutningen till Sjunet i bruk",
    "self_declaration": "Självdeklarationen granskad",
    "attestations": "Arbetsplatsernas intyg om antivirus och uppdateringar granskade",
    "training": "Introduktionsutbildning genomförd",
    "final_verification": "Slutverifieringen godkänd",
    "final_agreement": "Slutligt avtal undertecknat",
    "start": "Första driftdagen",
}
_PHASES: Mapping[Phase, str] = {
    "application": "ansökan",
    "establishment": "etablering",
    "operation": "drift",
    "wind_down": "avveckling",
    "ended": "avslutad",
}


def verification_sheet(record: Record, as_of: dt.date) -> Sheet:
    """The sheet of a provider on a day."""
    part, all_gates = record.agreement, gates(record, as_of)
    verification = part.final_verification
    held = [_line(g.name, each) for g in all_gates for each in g.held]
    missing = [_line(g.name, each) for g in all_gates for each in g.missing]
    if any(gate.name == "attestations" and gate.missing for gate in all_gates):
        missing += _unattested(record, as_of)
    recommendations = verification.recommendations if verification else ()
    return Sheet(
        title=shown(f"Slutverifiering: {_name(record)}"),
        about=tuple(map(shown, _about(record, as_of, len(missing)))),
        sections=(
            Section("I ordning", tuple(held), "Inget än."),
            Section("Rekommendationer: bör åtgärdas", tuple(map(shown, recommendations)), "Inga."),
            Section("Måsten: ska vara klara före driftstart", tuple(missing), "Inga kvar."),
        ),
    )


def _name(record: Record) -> str:
    """The provider's name, or its id where that is a sole trader's whose identity is protected."""
    name = record.agreement.name
    hidden = (person.surname for person in record.staff.people if person.protected)
    return record.id if any(n.casefold() in name.casefold() for n in hidden) else name


def _about(record: Record, as_of: dt.date, missing: int) -> Iterator[str]:
    part = record.agreement
    yield f"{part.id}, avtal {part.agreement.number}"
    yield f"Läget {as_of}: {_PHASES[phase(record, as_of)]}"
    if part.final_verification:
        outcome = part.final_verification.outcome
        words = "godkänd" if outcome == "approved" else "inte godkänd"
        yield f"Slutverifiering {part.final_verification.date}: {words}"
    else:
        yield "Slutverifiering: inte gjord"
    musts = "1 måste" if missing == 1 else f"{missing} måsten"
    yield f"Driftstart hindras av {musts}" if missing else "Inget hindrar driftstart"


def _line(name: GateName, evidence: Evidence) -> str:
    what = f"Åtgärden {evidence.code} klar" if evidence.code else _GATES[name]
    day = f": {evidence.day}" if evidence.day else ""
    return shown(f"{what} (bilaga 2, {section(name)}){day}")


def _unattested(record: Record, as_of: dt.date) -> Iterator[str]:
    """The workstations without the attestation that the region is to review (annex 3.4)."""
    for workstation in registered(record, as_of):
        if workstation.attested is None or workstation.attested > as_of:
            yield shown(f"Arbetsplatsen {workstation.name} utan intyg (bilaga 2, 3.4)")
