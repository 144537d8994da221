# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One natural person across all providers, and the HSA-ids to give out.

Every module that needs HSA-ids calls `allocate` with what the directory holds, so all of them, in
check mode too, come to the same ids.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, TypeVar

from .catalogue import SERVICES
from .holds import Decisions
from .lifecycle import (
    Phase,
    State,
    is_suspended,
    lacks,
    last_day,
    last_day_of_service,
    phase,
    state,
    trials,
    unit_of,
)
from .losses import end_explains, explains, is_recent
from .memory import NO_MEMORY, Effect, Fact, Memory
from .model import Assignment, Person, Record, Trial
from .one_person import Row, rows_by_person

# So many ids below the highest one are looked through for gaps: a run that was killed leaves some,
# as a server does not finish requests in the order they were sent. It is larger than the window of
# requests under way, and small, for an id that somebody deleted by hand must not come back.
_GAP = 256

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Employment:
    """An assignment of a person, with what it gives on the day.

    `held` says that a hold takes its access; `granted_to` is the last day of a grant that alone
    gives it effect, or gave. `effect` is what the last run remembers of it, if it gave access then,
    and `last_run` the day of the provider's last run, if any is remembered.
    """

    record: Record
    row: Person
    assignment: Assignment
    state: State
    as_of: dt.date
    held: bool = False
    granted_to: dt.date | None = None
    effect: Effect | None = None
    last_run: dt.date | None = None

    @property
    def provider(self) -> str:
        """The provider's id."""
        return self.record.id

    @property
    def label(self) -> str:
        """What findings call the person where HSA does not tell who it is."""
        return self.row.label(self.record.staff.people.index(self.row))

    @property
    def phase(self) -> Phase:
        """The provider's phase."""
        return phase(self.record, self.as_of)

    @property
    def is_past_start(self) -> bool:
        """Whether operation has begun by its day, whatever is missing for it."""
        start = self.record.agreement.agreement.operation_start
        return start is not None and start <= self.as_of

    @property
    def is_suspended(self) -> bool:
        """Whether a hold is in force, or the day lies in the assignment's suspension."""
        if self.held or self.is_granted:
            return self.held
        return is_suspended(self.assignment, self.as_of)

    @property
    def is_granted(self) -> bool:
        """Whether a grant gives the assignment effect on the day."""
        return self.granted_to is not None and self.as_of <= self.granted_to and not self.held

    @property
    def has_begun(self) -> bool:
        """Whether it gives something, or has given it: at least an entry and an account."""
        return self.state not in ("outside", "later")

    @property
    def last_day(self) -> dt.date | None:
        """The last day of the assignment, its unit and its provider, whichever comes first.

        Where only a grant gives it effect, that ends with the grant, the unit or the provider.
        """
        unit = unit_of(self.record, self.assignment)
        if not self.is_granted:
            return last_day(self.record, unit, self.assignment)
        days = (self.granted_to, last_day(self.record, unit))
        return min(day for day in days if day is not None)

    @property
    def services(self) -> frozenset[str]:
        """The services that it uses and that have reached the provider, which has not left them."""
        systems = self.assignment.systems
        reached = frozenset(s for s in systems if not lacks(self.record, s, self.as_of))
        return reached - self.left_services.keys()

    @property
    def struck_services(self) -> frozenset[str]:
        """The services that it gave when the last run was done, and does not name any more."""
        gave = self.effect.systems if self.effect else frozenset[str]()
        return gave.difference(self.assignment.systems)

    @property
    def left_services(self) -> dict[str, dt.date]:
        """The services of the assignment that the provider has left, with their last days."""
        if not self.record.agreement.terminated:
            return {}
        days = ((s, last_day_of_service(self.record, s)) for s in self.assignment.systems)
        return {service: day for service, day in days if day is not None and day < self.as_of}

    def termination_explains(self, service: str) -> bool:
        """Whether the day on which the provider has left a service explains what is taken today."""
        last = last_day_of_service(self.record, service) if service in SERVICES else None
        return end_explains(last, self.as_of, self.last_run)

    def trial_explains(self, trial: Trial) -> bool:
        """Whether the end of a trial, or what stops it before, explains what is taken today."""
        last = last_day_of_trial(trial, self)
        if self.is_suspended and last >= self.as_of:
            return self.suspension_explains
        return explains(last, self.as_of, self.last_run)

    @property
    def services_accounted_for(self) -> frozenset[str]:
        """The services that the assignment gives, or whose loss a date of it explains."""
        if self.state == "active":
            return self.services
        return frozenset(self.assignment.systems) if self.explains else frozenset()

    @property
    def in_effect(self) -> bool:
        """Whether by its own days the assignment gives access, whatever the phase."""
        last = self.last_day
        begun = self.assignment.from_ <= self.as_of and (last is None or self.as_of <= last)
        return self.is_granted or (begun and not self.is_suspended)

    @property
    def lasts(self) -> bool:
        """Whether it would give access by its own days, and is not known to have given none.

        Then it is no date that takes what it gave, but something else, such as a provider that
        fell back to establishment.
        """
        gave_none = self.last_run is not None and self.effect is None
        return self.in_effect and (self.state == "active" or not gave_none)

    @property
    def explains(self) -> bool:
        """Whether the record says by a date, or a hold, that what the assignment gave is over.

        A date does so where the last run knew of it, or it lies not long before that. Where no run
        remembers the assignment, a date does so for a while only.
        """
        return self.state != "outside" and (self.suspension_explains or self.end_explains)

    @property
    def suspension_explains(self) -> bool:
        """Whether a hold, or a suspension by its first day, explains what is taken today."""
        period = self.assignment.suspended
        if self.held or not self.is_suspended or period is None:
            return self.held
        return self._is_explained_by(period.from_)

    @property
    def end_explains(self) -> bool:
        """Whether its last day, or a grant's, has passed and explains what is taken today."""
        last = self.last_day if self.state == "ended" else None
        ends = [day for day in (last, self.granted_to) if day is not None and day < self.as_of]
        known = self.effect.last_day if self.effect else None
        return any(day == known or self._is_explained_by(day) for day in ends)

    def _is_explained_by(self, day: dt.date) -> bool:
        """Whether a day of the assignment explains that what it gave in the last run is taken."""
        if self.effect is not None:
            return explains(day, self.as_of, self.effect.seen_on)
        # No run remembers what trials give.
        is_tried = bool(trials(self.record, self.row))
        return explains(day, self.as_of, self.last_run if is_tried else None)


def last_day_of_trial(trial: Trial, employment: Employment) -> dt.date:
    """The last day of a trial, or of the assignment where that ends before."""
    return min(trial.to, employment.last_day or trial.to)


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person's name as a record spells it."""

    given: str
    middle: str | None
    surname: str

    @classmethod
    def of(cls, row: Person) -> Self:
        """The name that a row gives."""
        return cls(row.given_name, row.middle_name, row.surname)

    @property
    def full(self) -> str:
        """The parts in their usual order."""
        return " ".join(part for part in (self.given, self.middle, self.surname) if part)


@dataclass(frozen=True)
class NaturalPerson:
    """A person: every row in any record that shares a personal number, previous ones included.

    `listed` are those rows, whatever their days. `effects` are the assignments that gave access
    when the last run of their providers was done; `was_protected` says that a record hid the
    person, and nobody has confirmed that it is over.
    """

    numbers: frozenset[str]
    employments: tuple[Employment, ...]
    as_of: dt.date
    listed: tuple[Person, ...]
    effects: tuple[Effect, ...] = ()
    was_protected: bool = False

    @cached_property
    def rows(self) -> tuple[Person, ...]:
        """The rows that still count: those with an assignment that has not ended, else all."""
        return tuple(_unique(e.row for e in self.current or self.employments))

    @cached_property
    def current(self) -> tuple[Employment, ...]:
        """The assignments that call for an entry on the day."""
        return tuple(e for e in self.employments if e.state in ("upcoming", "active", "suspended"))

    @cached_property
    def coming_back(self) -> tuple[Employment, ...]:
        """The assignments that begin after the lead time: nothing is prepared for them yet."""
        return tuple(e for e in self.employments if e.state == "later")

    @cached_property
    def named_by(self) -> frozenset[str]:
        """The providers whose records name the person by an assignment that has begun."""
        return frozenset(e.provider for e in self.employments if e.has_begun)

    @cached_property
    def number(self) -> str:
        """The number today: the one that no row calls a previous number, whatever its days."""
        previous = {number for row in self.listed for number in row.previous_numbers}
        rows = (*self.rows, *self.listed)
        return next((row.number for row in rows if row.number not in previous), rows[0].number)

    @cached_property
    def names(self) -> tuple[PersonName, ...]:
        """The different names that the records give; more than one is a finding."""
        return tuple(dict.fromkeys(map(PersonName.of, self.rows)))

    @cached_property
    def protected(self) -> bool:
        """Whether any row says that the identity is protected, whatever its days."""
        return any(row.protected for row in self.listed)

    @cached_property
    def surprises(self) -> tuple[Effect, ...]:
        """What gave access when the last run was done, and is over without a date that says so."""
        return tuple(effect for effect in self.effects if not self._accounts_for(effect))

    @cached_property
    def surprises_of_systems(self) -> tuple[Effect, ...]:
        """The same, and the systems alone that assignments which go on do not give any more."""
        parts = ((effect, self._systems_lost_of(effect)) for effect in self.effects)
        return (*self.surprises, *(replace(e, systems=systems) for e, systems in parts if systems))

    def surprises_at(self, provider: str) -> tuple[Effect, ...]:
        """Those at one provider, of systems too."""
        return tuple(e for e in self.surprises_of_systems if e.provider == provider)

    def _accounts_for(self, effect: Effect) -> bool:
        if effect.last_day is not None and effect.last_day < self.as_of:
            return True
        return any(e.state == "active" or e.explains for e in self._same_as(effect))

    def _systems_lost_of(self, effect: Effect) -> frozenset[str]:
        """The systems of an assignment in effect that it does not give any more, without a date."""
        same = self._same_as(effect)
        if effect.last_day is not None and effect.last_day < self.as_of:
            return frozenset()
        if not any(e.state == "active" for e in same):
            return frozenset()
        lost = effect.systems.difference(*(e.services_accounted_for for e in same))
        return frozenset(s for s in lost if not same[0].termination_explains(s))

    def _same_as(self, effect: Effect) -> list[Employment]:
        return [e for e in self.employments if effect.is_of(e.provider, e.assignment)]

    @cached_property
    def hsa_id(self) -> str | None:
        """The HSA-id that a record names, if any does."""
        return next((e.row.hsa_id for e in self.employments if e.row.hsa_id), None)


def explained(employments: Iterable[Employment], surprises: Collection[Effect] = ()) -> bool:
    """Whether dates in the record explain that somebody has lost what assignments gave.

    They do not where one of them would go on by its own days: it was another reason. Nor where
    others gave it when the last run was done, which are over without a date: `surprises`, as far as
    they gave the same.
    """
    given = tuple(employments)
    is_over = not surprises and not any(e.lasts for e in given)
    return is_over and any(e.explains for e in given)


@dataclass(frozen=True)
class Remembered:
    """HSA-ids that earlier runs saw in HSA: all of them, and those of people by personal number."""

    ids: frozenset[str] = frozenset()
    by_number: Mapping[str, str] = field(default_factory=dict)

    def has_seen(self, hsa_id: str) -> bool:
        """Whether an HSA-id was somebody's, whoever that was; HSA-ids do not differ by case."""
        return hsa_id.casefold() in self._folded

    @cached_property
    def _folded(self) -> frozenset[str]:
        return frozenset(map(str.casefold, self.ids))

    def of(self, people: Sequence[NaturalPerson]) -> dict[str, str]:
        """The HSA-ids that people had, by their numbers of today; none that several would have."""
        had = {
            person.number: {self.by_number[n] for n in person.numbers if n in self.by_number}
            for person in people
        }
        times = Counter(hsa_id for ids in had.values() for hsa_id in ids)
        return {
            number: hsa_id
            for number, ids in had.items()
            if len(ids) == 1 and times[hsa_id := next(iter(ids))] == 1
        }


NOTHING_REMEMBERED = Remembered()


def natural_people(
    records: Sequence[Record], as_of: dt.date, lead_days: int, memory: Memory = NO_MEMORY
) -> tuple[NaturalPerson, ...]:
    """The people of all records, in the order of the records and their rows."""
    days = memory.days
    people = (_person(rows, as_of, lead_days, days) for rows in rows_by_person(records))
    return tuple(_with_memory(person, memory) for person in people)


def _with_memory(person: NaturalPerson, memory: Memory) -> NaturalPerson:
    """The person with what gave access when the last runs of their providers were done."""
    effects, was_protected = memory.effects(person.numbers), memory.protects(person.numbers)
    if not effects:
        return replace(person, was_protected=True) if was_protected else person
    employments = tuple(
        replace(e, effect=next((x for x in effects if x.is_of(e.provider, e.assignment)), None))
        for e in person.employments
    )
    return replace(person, employments=employments, effects=effects, was_protected=was_protected)


def lasting_facts(people: Iterable[NaturalPerson], memory: Memory) -> dict[str, frozenset[Fact]]:
    """What records say of people that outlives their rows, by provider."""
    found: dict[str, set[Fact]] = defaultdict(set)
    for person in people:
        for e in person.employments:
            if e.row.protected or e.row.previous_numbers:
                found[e.provider].update(memory.lasting_facts_of(e.row, person.number))
    return {provider: frozenset(theirs) for provider, theirs in found.items()}


def facts(people: Iterable[NaturalPerson], memory: Memory) -> dict[str, frozenset[Fact]]:
    """What a run puts in effect of people's assignments, by provider, for the next one to know."""
    found: dict[str, set[Fact]] = defaultdict(set)
    for person in people:
        rows: dict[int, list[Employment]] = defaultdict(list)
        for employment in person.employments:
            if employment.has_begun:
                rows[id(employment.row)].append(employment)
        for given in rows.values():
            active = ((_in_effect(e), e.last_day) for e in given if _is_remembered(e))
            found[given[0].provider].update(memory.facts_of(given[0].row, person.number, active))
    return {provider: frozenset(theirs) for provider, theirs in found.items()}


def _is_remembered(employment: Employment) -> bool:
    """Whether it gives access, or did and no date has ended it.

    A provider that fell back to establishment keeps much of what it had: it is no less to lose.
    """
    return employment.state == "active" or (employment.effect is not None and employment.lasts)


def _in_effect(employment: Employment) -> Assignment:
    """An active assignment as what it gives: with those of its services that it opens."""
    assignment, services = employment.assignment, employment.services
    if services.issuperset(assignment.systems):
        return assignment
    return replace(assignment, systems=tuple(sorted(services)))


def decided(person: NaturalPerson, ids: Collection[str], decisions: Decisions) -> NaturalPerson:
    """The person with what holds and grants make of the assignments.

    `ids` are the HSA-ids that the person is known by.
    """
    if not decisions.holds:
        return person
    employments = (_decided(employment, ids, decisions) for employment in person.employments)
    return replace(person, employments=tuple(employments))


def allocate(missing: Sequence[str], used: Collection[str], prefix: str) -> dict[str, str]:
    """Give out HSA-ids: `prefix` + six digits, in the order of `missing`, never one that is used.

    HSA-ids do not differ by case.

    `used` are all ids that the directory and the records name, those of archived objects too.
    Raises ValueError when the ids have run out.
    """
    pattern = re.compile(re.escape(prefix) + r"([0-9]{6})", re.IGNORECASE)
    numbers = {int(match.group(1)) for match in map(pattern.fullmatch, used) if match}
    given, number = {}, max(0, max(numbers, default=0) - _GAP)
    for key in missing:
        number += 1
        while number in numbers:
            number += 1
        if number > 999_999:
            raise ValueError(f"no HSA-ids are left under {prefix}")
        given[key] = f"{prefix}{number:06d}"
    return given


def agreed(values: Iterable[_T | None]) -> _T | None:
    """The one value that all who name one agree on, or None."""
    named = {value for value in values if value}
    return named.pop() if len(named) == 1 else None


def _person(
    rows: Sequence[Row], as_of: dt.date, lead_days: int, days: Mapping[str, dt.date]
) -> NaturalPerson:
    return NaturalPerson(
        frozenset(number for _record, _index, row in rows for number in row.numbers),
        tuple(
            Employment(
                record,
                row,
                assignment,
                state(record, assignment, as_of, lead_days),
                as_of,
                last_run=days.get(record.id),
            )
            for record, _index, row in rows
            for assignment in row.assignments
        ),
        as_of,
        tuple(row for _record, _index, row in rows),
    )


def _decided(employment: Employment, ids: Collection[str], decisions: Decisions) -> Employment:
    """A hold makes of an active assignment a suspended one.

    A grant makes an active one of any whose provider is in operation and whose unit is open, but
    for those that ended long ago: it stands for a date that is wrong, not for an agreement, a final
    verification or Hälsoval work.
    """
    as_of, state = employment.as_of, employment.state
    if decisions.is_held(ids, employment.provider, as_of):
        return replace(employment, held=True, state="suspended" if state == "active" else state)
    grant = decisions.grant(ids, as_of)
    if grant is None or state in ("active", "outside", "later"):
        return employment
    site = last_day(employment.record, unit_of(employment.record, employment.assignment))
    is_open = employment.phase in ("operation", "wind_down") and (site is None or as_of <= site)
    last = employment.last_day if state == "ended" else None
    is_old = last is not None and not is_recent(last, grant.since)
    if not is_open or is_old:
        return employment
    active: State = "active" if grant.is_in_force(as_of) else state
    return replace(employment, granted_to=grant.last_day, state=active)


def _unique(items: Iterable[_T]) -> Iterable[_T]:
    seen: list[_T] = []
    for item in items:
        if not any(item is other for other in seen):
            seen.append(item)
    return seen
