# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telephony: extensions, the switchboard attendant service, equipment and ACE (annex 4)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ...engine.plan import Values
from ...records.catalogue import EXTENSIONS, Precondition, provided
from ...records.lifecycle import is_over, last_day_of_service, phase
from ...records.model import Ace, Address, Extension, Record, Telephony, TelephonyEquipment, Unit
from ..people.contacts import left_out, shown
from .chains import Wish
from .connections import live_units, start
from .draft import Draft
from .particulars import about, joined
from .rules import Rules

_SWITCHBOARD, _ATTENDANT = "anslutning_telefonvaxel", "telefonisttjanst"
_EQUIPMENT, _ACE = "telefoniutrustning", "ace_telefoniplattform"


def telephony(
    record: Record, draft: Draft, rules: Rules, agreements: Mapping[Precondition, str],
    hidden: Collection[str],
) -> None:  # fmt: skip
    """Order what the record has in telephony; `agreements` are the orders that it presupposes.

    `hidden` are the HSA-ids, case folded, of whom nobody is told.
    """
    part = record.agreement.telephony
    if part is None:
        if phase(record, draft.as_of) != "ended":
            draft.find(
                record.id, "measurement_missing", record.id,
                "the record names no system for the mandatory call measurement (annex 4.1)",
            )  # fmt: skip
    else:
        desk = _Desk(record, draft, rules, agreements)
        desk.extensions(part)
        desk.attendant(part, hidden)
        desk.equipment(part)
    _ace_terms(record, draft, rules, agreements)


@dataclass(frozen=True)
class _Desk:
    """Orders at Telia, under the provider's agreement with it (annex 4.3)."""

    record: Record
    draft: Draft
    rules: Rules
    agreements: Mapping[Precondition, str]

    def extensions(self, part: Telephony) -> None:
        """Each extension, once the answer for its address is there (annex 4.3.1)."""
        units = {unit.id: unit for unit in live_units(self.record)}
        wishes = [
            (self._extension(extension, units[extension.unit]), extension)
            for extension in part.extensions
            if extension.unit in units
        ]
        asking = {one.unit for wish, one in wishes if self.draft.is_asking(wish)}
        answers = {unit: self._availability(units[unit], unit in asking) for unit in units}
        for wish, extension in wishes:
            answer = answers[extension.unit]
            asks, offered = self.draft.is_asking(wish), self._is_offered(extension, answer)
            if asks and not offered:
                self.draft.find(
                    self.record.id, "extension_not_available", extension.id,
                    "the kind of extension is not offered at the unit's address (annex 4.3.1)",
                )  # fmt: skip
            needs = (*wish.needs, answer) if answer else wish.needs
            self.draft.settle(replace(wish, needs=needs, waits=not (answer and offered)))

    def _extension(self, extension: Extension, unit: Unit) -> Wish:
        service, address = EXTENSIONS[extension.kind], _address(unit)
        last = self._last_day(service, unit, extension.ends)
        number = (extension.number or "").strip()
        return Wish(
            provider=self.record.id, object=extension.id, subject=service,
            recipient=self.rules.recipient_of(service, self.record.id),
            gives="extension", takes="terminate", exists=bool(number),
            is_wanted=not is_over(last, self.draft.as_of),
            due=start(self.record, self.draft.as_of), last=last,
            terms=f"{unit.id}: {address}", needs=self._agreement(),
            particulars=about(
                self.record, service, unit=unit.name, address=address, number=number
            ),
            losers=frozenset({("service", extension.id)}),
            explained=self.draft.is_explained_by(last, self.record.id),
        )  # fmt: skip

    def _availability(self, unit: Unit, is_asked: bool) -> str:
        """The key of the question what the unit's address offers, "" while nobody asks."""
        address = _address(unit)
        if is_asked and not address:
            self.draft.find(
                self.record.id, "address_missing", unit.id,
                "the unit has no address to ask about what extensions it offers (annex 4.3.1)",
            )  # fmt: skip
        return self.draft.settle(
            Wish(
                provider=self.record.id, object=unit.id, subject=_SWITCHBOARD,
                recipient=self.rules.recipient_of(_SWITCHBOARD, self.record.id),
                gives="availability", changes="availability",
                is_wanted=is_asked and bool(address), terms=address,
                particulars=about(self.record, _SWITCHBOARD, unit=unit.name, address=address),
            )
        )  # fmt: skip

    def _is_offered(self, extension: Extension, answer: str) -> bool:
        """Whether the answer names the kind, or names none: then nothing is known to hinder it."""
        if not self.draft.is_fulfilled(answer):
            return True
        offered = re.findall("[^ ,;]+", str(self.draft.answer(answer).get("code", "")))
        return not offered or extension.kind in offered

    def attendant(self, part: Telephony, hidden: Collection[str]) -> None:
        """The parts of the attendant service, with the provider's local contact (annex 4.3.2)."""
        last = self._last_day(_ATTENDANT)
        # Who orders the attendant service names a local contact: records/rules.py.
        contacts = self.record.agreement.contacts.telephony_local
        told = contacts if part.attendant else ()
        field = "contacts.telephony_local"
        self.draft.findings += left_out(self.record.id, field, told, hidden)
        contact = ", ".join(
            part
            for one in shown(contacts, hidden)[:1]
            for part in (one.name, one.phone, one.mail)
            if part
        )
        for one in sorted(set(part.attendant)):
            self._settle(
                Wish(
                    provider=self.record.id, object=one, subject=_ATTENDANT,
                    recipient=self.rules.recipient_of(_ATTENDANT, self.record.id),
                    gives="attendant", takes="terminate", last=last,
                    particulars=about(
                        self.record, _ATTENDANT, part=one, local_contact=contact
                    ),
                    losers=frozenset({("service", one)}),
                    explained=self.draft.is_explained_by(last, self.record.id),
                )
            )  # fmt: skip

    def equipment(self, part: Telephony) -> None:
        """Telephones and accessories: bought, so nothing ends them (annex 4.3.3)."""
        units = {unit.id: unit for unit in live_units(self.record)}
        for row in part.equipment:
            if row.unit in units:
                self._settle(self._row(row, units[row.unit]))

    def _row(self, row: TelephonyEquipment, unit: Unit) -> Wish:
        address = _address(unit)
        return Wish(
            provider=self.record.id, object=row.id, subject=_EQUIPMENT,
            recipient=self.rules.recipient_of(_EQUIPMENT, self.record.id),
            gives="equipment", last=self._last_day(_EQUIPMENT, unit),
            terms=f"{row.count} {row.model}",
            particulars=about(
                self.record, _EQUIPMENT, unit=unit.name, address=address,
                model=row.model, count=row.count,
            ),
        )  # fmt: skip

    def _settle(self, wish: Wish) -> None:
        self.draft.settle(
            replace(
                wish,
                is_wanted=not is_over(wish.last, self.draft.as_of),
                due=start(self.record, self.draft.as_of),
                needs=self._agreement(),
            )
        )

    def _agreement(self) -> Values:
        key = self.agreements.get("telia_agreement", "")
        return (key,) if key else ()

    def _last_day(
        self, service: str, unit: Unit | None = None, ends: dt.date | None = None
    ) -> dt.date | None:
        days = (last_day_of_service(self.record, service), unit.closes if unit else None, ends)
        return min((day for day in days if day is not None), default=None)


def _ace_terms(
    record: Record, draft: Draft, rules: Rules, agreements: Mapping[Precondition, str]
) -> None:
    """ACE with its agents and who shares resources, under its own agreement (annex 4.2, 4.4)."""
    last = last_day_of_service(record, _ACE)
    part = record.agreement.telephony
    if _ACE not in provided(record.agreement.services):
        return
    if part is None or part.ace is None:
        if not is_over(last, draft.as_of):
            draft.find(
                record.id, "ace_missing", _ACE,
                "the record orders ACE and does not say how many agents (annex 4.4)",
            )  # fmt: skip
        return
    draft.settle(_ace(record, part.ace, last, draft, rules, agreements))


def _ace(
    record: Record, ace: Ace, last: dt.date | None, draft: Draft,
    rules: Rules, agreements: Mapping[Precondition, str],
) -> Wish:  # fmt: skip
    key = agreements.get("supplier_agreement", "")
    cooperation = joined(ace.cooperation)
    return Wish(
        provider=record.id, object=_ACE, subject=_ACE,
        recipient=rules.recipient_of(_ACE, record.id), gives="connection", takes="terminate",
        is_wanted=not is_over(last, draft.as_of), due=start(record, draft.as_of), last=last,
        needs=(key,) if key else (),
        terms=f"{ace.agents} {cooperation}".strip(),
        particulars=about(record, _ACE, agents=ace.agents, cooperation=cooperation),
        losers=frozenset({("service", _ACE)}), explained=draft.is_explained_by(last, record.id),
    )  # fmt: skip


def _address(unit: Unit) -> str:
    """Where the unit is, in one line."""
    found: Address | None = unit.visiting_address or unit.address
    return f"{', '.join(found.lines)}, {found.postal_code} {found.city}" if found else ""
