# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's assignments open in Active Directory on a day (annex 3.1.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from ...records.lifecycle import is_in, trials
from ...records.people import Employment, NaturalPerson, last_day_of_trial
from .layout import AD_SERVICES


@dataclass(frozen=True, slots=True)
class Use:
    """The use of services that AD groups open, by an assignment or in a trial before operation.

    `is_open` says that it gives access today, `is_coming` that it will, `has_ended` that a date in
    the record ended or suspended it, `explains` that this explains a loss today, and `lasts` that
    by its own days it would give access. `last_day` is None where it has no end.
    """

    provider: str
    services: frozenset[str]
    last_day: dt.date | None
    is_open: bool
    is_coming: bool
    has_ended: bool
    explains: bool
    lasts: bool
    is_trial: bool = False


@dataclass(frozen=True)
class Access:
    """All that a person uses, at all providers.

    `surprises` are uses that gave access when the last run was done, and are over without a date.
    """

    uses: tuple[Use, ...]
    surprises: tuple[Use, ...] = ()

    @property
    def evidence(self) -> tuple[Use, ...]:
        """All that tells whether a date explains what is lost."""
        return (*self.uses, *self.surprises)

    @cached_property
    def open(self) -> tuple[Use, ...]:
        """What gives access today."""
        return tuple(use for use in self.uses if use.is_open)

    @cached_property
    def called_for(self) -> bool:
        """Whether the person is to have an account."""
        return any(use.is_open or use.is_coming for use in self.uses)

    @cached_property
    def last_day(self) -> dt.date | None:
        """The last day of all that is open or coming, else of what has ended; None without end.

        Where nothing but a trial is open it is the trial's: it ends by itself.
        """
        only_trial = self.open and all(use.is_trial for use in self.open)
        counted = (
            self.open
            if only_trial
            else [use for use in self.uses if use.is_open or use.is_coming] or self.uses
        )
        days = [use.last_day for use in counted]
        return None if None in days else max((day for day in days if day), default=None)


def explained(uses: Collection[Use]) -> bool:
    """Whether dates in records explain that what these uses gave is lost."""
    return any(use.explains for use in uses) and not any(use.lasts for use in uses)


def access(person: NaturalPerson) -> Access:
    """What a person's assignments open on the day."""
    uses = (use for e in person.employments for use in (*_of_assignment(e), *_of_trials(e)))
    return Access(tuple(uses), tuple(_surprises(person)))


def _surprises(person: NaturalPerson) -> Iterator[Use]:
    for effect in person.surprises_of_systems:
        services = AD_SERVICES & effect.systems
        if services:
            yield Use(
                effect.provider, services, effect.last_day, is_open=False, is_coming=False,
                has_ended=False, explains=False, lasts=True,
            )  # fmt: skip


def _of_assignment(employment: Employment) -> Iterator[Use]:
    if not employment.has_begun:
        return
    services, state = AD_SERVICES & employment.services, employment.state
    if services:
        yield Use(
            employment.provider, services, employment.last_day,
            is_open=state == "active",
            is_coming=state in ("upcoming", "suspended"),
            has_ended=state in ("suspended", "ended"),
            explains=employment.explains,
            lasts=employment.lasts and not _was_tried(employment),
        )  # fmt: skip
    struck = AD_SERVICES & employment.struck_services
    if struck and employment.explains:
        yield Use(
            employment.provider, struck, employment.last_day, is_open=False, is_coming=False,
            has_ended=True, explains=True, lasts=False,
        )  # fmt: skip
    left = {s: day for s, day in employment.left_services.items() if s in AD_SERVICES}
    for service, last in left.items():
        yield Use(
            employment.provider, frozenset({service}), last, is_open=False, is_coming=False,
            has_ended=True, explains=employment.termination_explains(service), lasts=False,
        )  # fmt: skip


def _of_trials(employment: Employment) -> Iterator[Use]:
    """Trials open their services in establishment, to people whose assignment is prepared."""
    given, as_of = trials(employment.record, employment.row), employment.as_of
    if not given or not employment.has_begun or employment.state == "ended":
        return
    tries, suspended = employment.phase == "establishment", employment.is_suspended
    for trial in given:
        services = AD_SERVICES.intersection(trial.systems)
        is_open = tries and is_in(trial, as_of) and not suspended
        has_ended = not tries or trial.to < as_of or suspended
        if services:
            yield Use(
                employment.provider, services, last_day_of_trial(trial, employment),
                is_open=is_open,
                is_coming=tries and as_of < trial.from_,
                has_ended=has_ended,
                explains=has_ended and employment.trial_explains(trial),
                lasts=is_open,
                is_trial=True,
            )  # fmt: skip


def _was_tried(employment: Employment) -> bool:
    """Whether nothing but a trial can have given access: operation has not begun by its day."""
    return not employment.is_past_start and bool(trials(employment.record, employment.row))
