# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The care units of all records and their commissions, with what holds for them on a day."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...records.lifecycle import Phase, State, last_day, phase
from ...records.losses import end_explains
from ...records.memory import Effect
from ...records.model import Assignment, Record, Unit
from ...records.people import Employment, NaturalPerson, explained
from .holdings import commission_key, unit_key, unit_of_commission


@dataclass(frozen=True, slots=True)
class Site:
    """A unit with its record. `last_run` is the day of the provider's last run, if remembered."""

    record: Record
    unit: Unit
    phase: Phase
    as_of: dt.date
    last_run: dt.date | None = None

    @property
    def key(self) -> str:
        """The key of the unit's entry."""
        return unit_key(self.record, self.unit.id)

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the unit or of its provider, where there is one."""
        return last_day(self.record, self.unit)

    @property
    def has_ended(self) -> bool:
        """Whether a date in the record ended the unit or its provider."""
        return self.last_day is not None and self.last_day < self.as_of

    @property
    def end_explains(self) -> bool:
        """Whether its end explains what they lose of whom no assignment tells."""
        return end_explains(self.last_day, self.as_of, self.last_run)

    @property
    def is_live(self) -> bool:
        """Whether the unit's entry is kept up: approved Hälsoval work (annex 2.3)."""
        return self.phase != "application" and self.unit.halsoval and not self.has_ended

    @property
    def is_public(self) -> bool:
        """Whether 1177 shows the unit: not before it opens."""
        opens = self.unit.public_from
        in_operation = self.phase in ("operation", "wind_down")
        return self.is_live and in_operation and opens is not None and opens <= self.as_of


@dataclass(frozen=True, slots=True)
class Commission:
    """A commission of a unit, with every assignment that calls for it and whose it is.

    One without assignments is held by the unit though nobody's calls for it any more.
    """

    key: str
    site: Site
    employments: tuple[tuple[NaturalPerson, Employment], ...] = ()

    @property
    def is_called_for(self) -> bool:
        """Whether the unit is to have it, with or without members."""
        return self.site.is_live and bool(self.people("upcoming", "active", "suspended"))

    @property
    def assignment(self) -> Assignment:
        """One of the assignments; purpose and rights are the same in all."""
        return self.employments[0][1].assignment

    def over(self) -> tuple[NaturalPerson, ...]:
        """The people whose membership dates in the record explain away."""
        return tuple(
            person
            for person, given in self._by_person()
            if explained(given, self._surprises(person))
        )

    def surprising(self) -> tuple[NaturalPerson, ...]:
        """The people who have lost it since the last run, though no date says so."""
        return tuple(person for person, _given in self._by_person() if self._surprises(person))

    def _by_person(self) -> Iterable[tuple[NaturalPerson, list[Employment]]]:
        theirs: dict[str, tuple[NaturalPerson, list[Employment]]] = {}
        for person, employment in self.employments:
            theirs.setdefault(person.number, (person, []))[1].append(employment)
        return theirs.values()

    def _surprises(self, person: NaturalPerson) -> tuple[Effect, ...]:
        """What is over for the person without a date, of what the commission gives."""
        place = (self.site.record.id, self.site.unit.id, self.assignment.purpose)
        lost = person.surprises
        return tuple(e for e in lost if (e.provider, e.unit, e.purpose) == place)

    def people(self, *states: State) -> tuple[NaturalPerson, ...]:
        """The people whose assignment is in one of the states, in order."""
        return tuple(person for person, e in self.employments if e.state in states)


def sites(
    records: Iterable[Record], as_of: dt.date, days: Mapping[str, dt.date]
) -> tuple[Site, ...]:
    """The units of all records, in their order; `days` are those of the providers' last runs."""
    return tuple(
        Site(record, unit, phase(record, as_of), as_of, days.get(record.id))
        for record in records
        for unit in record.agreement.units
    )


def commissions(
    sites: Sequence[Site], people: Iterable[NaturalPerson], held_keys: Iterable[str]
) -> tuple[Commission, ...]:
    """The commissions that assignments call for, and those that units hold beside them."""
    units: dict[str, dict[str, list[tuple[NaturalPerson, Employment]]]]
    units = {site.key: defaultdict(list) for site in sites}
    for person in people:
        for employment in person.employments:
            if employment.assignment.purpose:
                unit = unit_key(employment.record, employment.assignment.unit)
                key = commission_key(employment.record, employment.assignment)
                units[unit][key].append((person, employment))
    for key in held_keys:
        held_by = unit_of_commission(key)
        if held_by in units:
            units[held_by].setdefault(key, [])
    return tuple(
        Commission(key, site, tuple(employments))
        for site in sites
        for key, employments in units[site.key].items()
    )
