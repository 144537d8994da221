# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What assignments, and the trials before them, ask for: who is a user of what, from which day.

Nothing here asks what has been ordered, or whose work it is to order it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...records.lifecycle import is_in, is_over, last_day_of_service, trials
from ...records.model import Trial
from ...records.people import Employment, last_day_of_trial


@dataclass(frozen=True, slots=True)
class Use:
    """That an assignment makes a person a user, or no longer, from or after a day.

    `explains` says that a date in the record, or a hold, explains what is lost by it.
    """

    act: Literal["join", "leave"]
    day: dt.date | None
    employment: Employment
    explains: bool = False


def uses_of(employment: Employment) -> Iterator[tuple[str, Use]]:
    """What an assignment and the trials before it ask for, by service."""
    if not employment.has_begun:
        return
    use = _of_assignment(employment)
    if use is not None:
        for service in employment.assignment.systems:
            yield service, _of_service(use, service)
    for trial in trials(employment.record, employment.row):
        use = _of_trial(trial, employment)
        if use is not None:
            for service in trial.systems:
                yield service, use


def later_use(employment: Employment, service: str) -> Use:
    """What an assignment asks for that begins too far ahead to order for."""
    return _of_service(Use("join", _first_day(employment), employment), service)


def services_named(employment: Employment) -> set[str]:
    """The services that an assignment names, whether it gives them today or not."""
    tried = (t.systems for t in trials(employment.record, employment.row))
    if employment.state == "outside":
        return set()
    return {*employment.assignment.systems, *(service for one in tried for service in one)}


def lasts(employment: Employment, service: str) -> bool:
    """Whether by its own days an assignment gives the use: if it is lost, for another reason."""
    return (
        employment.lasts
        and service in employment.assignment.systems
        and employment.is_past_start
        and not is_over(last_day_of_service(employment.record, service), employment.as_of)
    )


def _of_assignment(employment: Employment) -> Use | None:
    """What an assignment asks for of all its systems; None while it is too early to say."""
    first, last = employment.assignment.from_, employment.last_day
    begins = employment.record.agreement.agreement.operation_start
    if employment.state == "ended":
        days = [day for day in (last, employment.granted_to) if day]
        return Use("leave", max(days, default=None), employment, employment.explains)
    if employment.is_suspended:
        period = employment.assignment.suspended
        day = period.from_ if period and not employment.held else None
        return Use("leave", day, employment, employment.explains)
    if employment.state == "upcoming" and last is not None and first > last:
        return None  # the provider or the unit ends before the assignment would begin
    if _prepares(employment) and (begins is None or begins <= employment.as_of):
        return None  # nobody opens a system before operation, whose first day is not known yet
    return Use("join", _first_day(employment), employment, employment.explains)


def _of_trial(trial: Trial, employment: Employment) -> Use | None:
    """What a trial asks for within its days, and after them; None before."""
    as_of, last = employment.as_of, last_day_of_trial(trial, employment)
    is_over_by_now = employment.is_suspended or employment.state == "ended"
    if _prepares(employment) and is_in(trial, as_of) and not is_over_by_now:
        return Use("join", trial.from_, employment)
    if trial.from_ > as_of:
        return None
    return Use("leave", min(last, as_of), employment, employment.trial_explains(trial))


def _of_service(use: Use, service: str) -> Use:
    """The use of a service that the provider may leave before the person does."""
    record, as_of = use.employment.record, use.employment.as_of
    last = last_day_of_service(record, service)
    if use.act == "join" and last is not None and is_over(last, as_of):
        return Use("leave", last, use.employment, use.employment.termination_explains(service))
    return use


def _first_day(employment: Employment) -> dt.date:
    """The first day of an assignment, or of operation if that is later; a grant goes before."""
    first = employment.assignment.from_
    if employment.state == "active":
        return min(first, employment.as_of)
    return max(first, employment.record.agreement.agreement.operation_start or first)


def _prepares(employment: Employment) -> bool:
    return employment.phase == "establishment"
