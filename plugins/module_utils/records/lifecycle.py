# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What phase a provider is in on a day, and which assignments are in effect.

Days are dates in Europe/Stockholm; a last day means to 24:00, so it is still included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Literal
from zoneinfo import ZoneInfo

from .catalogue import OBLIGATORY_PACKAGES, SERVICES, Precondition
from .gates import are_open, gates, in_words, is_there
from .model import (
    Assignment,
    Period,
    Person,
    Record,
    SharedAccess,
    SupplementaryAgreement,
    Trial,
    Unit,
)

Phase = Literal["application", "establishment", "operation", "wind_down", "ended"]

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def phase(record: Record, as_of: dt.date) -> Phase:
    """The phase by the dates of the agreement (annex 3.8, 3.9).

    An agreement that was never signed is an application whatever else is dated; one whose end has
    passed is ended even where it never reached operation. Operation takes all gates.
    """
    contract, ends = record.agreement.agreement.contract_signed, record.agreement.agreement.ends
    if not is_there(contract, as_of):
        return "application"
    if is_over(ends, as_of):
        return "ended"
    if not are_open(record, as_of):
        return "establishment"
    return "operation" if ends is None else "wind_down"


def missing_for_operation(record: Record, as_of: dt.date) -> tuple[str, ...]:
    """What evidence still keeps a provider from operation, in words; empty when none does."""
    return tuple(
        in_words(gate.name, evidence) for gate in gates(record, as_of) for evidence in gate.missing
    )


State = Literal["outside", "later", "upcoming", "active", "suspended", "ended"]


def state(record: Record, assignment: Assignment, as_of: dt.date, lead_days: int) -> State:
    """What an assignment gives on a day.

    outside: not Hälsoval work (annex 2.3), or a unit or provider without an approval: nothing.
    later: nothing yet. upcoming: identity, account and card are prepared from `lead_days` before
    the first day and until operation, without access. active: access. suspended: identity without
    access. ended: over.
    """
    unit = unit_of(record, assignment)
    today = phase(record, as_of)
    last = last_day(record, unit, assignment)
    if today == "application" or not unit.halsoval or not assignment.halsoval:
        return "outside"
    if last is not None and last < as_of:
        return "ended"
    if assignment.from_ > as_of + dt.timedelta(days=lead_days):
        return "later"
    if assignment.from_ > as_of or today == "establishment":
        return "upcoming"
    return "suspended" if is_suspended(assignment, as_of) else "active"


def trials(record: Record, person: Person) -> tuple[Trial, ...]:
    """The trials that an approved record gives a person, past and coming ones too.

    They open something in establishment alone: operation opens what they were for (annex 3.6, 3.8).
    """
    trials = record.agreement.trial
    return tuple(trial for trial in trials if person.ref and person.ref in trial.people)


def unit_of(record: Record, assignment: Assignment) -> Unit:
    """The unit of an assignment; the record's rules have checked that there is one."""
    return next(unit for unit in record.agreement.units if unit.id == assignment.unit)


def last_day(record: Record, unit: Unit, assignment: Assignment | None = None) -> dt.date | None:
    """The earliest of the last days that the agreement, the unit and the assignment name."""
    days = (record.agreement.agreement.ends, unit.closes, assignment.to if assignment else None)
    return min((day for day in days if day is not None), default=None)


def last_day_of_service(record: Record, service: str) -> dt.date | None:
    """The last day of a service: its own, that of what it is part of or requires, the provider's.

    None while no end is known.
    """
    if not record.agreement.terminated:
        return record.agreement.agreement.ends
    ended = {row.service: row.last_day for row in record.agreement.terminated}
    days = [record.agreement.agreement.ends, *_terminations(service, ended)]
    return min((day for day in days if day is not None), default=None)


def lacks(record: Record, service: str, as_of: dt.date) -> tuple[Precondition, ...]:
    """What a service takes of the region's agreements with the provider that is not there.

    Until it is, the service reaches nobody (annex 2.6): nothing is ordered, and no group or role
    opens it.
    """
    needs = [kind for kind in SERVICES[service].preconditions if kind in _AGREED]
    if not needs:
        return ()
    rows = [r for r in record.agreement.agreement.supplementary if r.service == service]
    return tuple(
        kind for kind in needs if not any(is_there(_AGREED[kind](row), as_of) for row in rows)
    )


_AGREED: Mapping[Precondition, Callable[[SupplementaryAgreement], dt.date | None]] = {
    "supplementary_agreement": lambda row: row.signed,
    "request": lambda row: row.requested,
}


def is_over(last: dt.date | None, as_of: dt.date) -> bool:
    """Whether a last day has passed."""
    return last is not None and last < as_of


def is_suspended(assignment: Assignment, as_of: dt.date) -> bool:
    """Whether the assignment gives nothing on the day, though it has not ended."""
    return assignment.suspended is not None and is_in(assignment.suspended, as_of)


def is_in(period: Period | Trial | SharedAccess, as_of: dt.date) -> bool:
    """Whether the day lies in a period; both its days are included."""
    return period.from_ <= as_of and (period.to is None or as_of <= period.to)


def end_of_day(day: dt.date) -> dt.datetime:
    """The moment 24:00 of the day in Europe/Stockholm, in UTC."""
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), STOCKHOLM)
    return midnight.astimezone(dt.UTC)


def start_of_day(day: dt.date) -> dt.datetime:
    """The moment 00:00 of the day in Europe/Stockholm, in UTC."""
    return dt.datetime.combine(day, dt.time(), STOCKHOLM).astimezone(dt.UTC)


def _terminations(service: str, ended: Mapping[str, dt.date]) -> Iterator[dt.date]:
    row = SERVICES[service]
    if service in ended:
        yield ended[service]
    for other in (row.package, *row.requires):
        if other and other not in OBLIGATORY_PACKAGES:
            yield from _terminations(other, ended)
