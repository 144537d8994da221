# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's assignments open in Active Directory on a day (annex 3.1.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..records.lifecycle import is_in, trials
from ..records.people import Employment, NaturalPerson
from .ad_layout import AD_SERVICES


@dataclass(frozen=True, slots=True)
class Use:
    """The use of services that AD groups open, by an assignment or in a trial before operation.

    `is_open` says that it gives access today, `is_coming` that it will, `has_ended` that a date in
    the record ended or suspended it. `last_day` is open where it has no end.
    """

    provider: str
    services: frozenset[str]
    last_day: dt.date | None
    is_open: bool
    is_coming: bool
    has_ended: bool
    is_trial: bool = False


@dataclass(frozen=True)
class Access:
    """All that a person uses, at all providers."""

    uses: tuple[Use, ...]

    @cached_property
    def open(self) -> tuple[Use, ...]:
        """What gives access today."""
        return tuple(use for use in self.uses if use.is_open)

    @cached_property
    def called_for(self) -> bool:
        """Whether the person is to have an account."""
        return any(use.is_open or use.is_coming for use in self.uses)

    @cached_property
    def has_ended(self) -> bool:
        """Whether a date ended something and nothing is open any more."""
        return not self.open and any(use.has_ended for use in self.uses)

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


def access(person: NaturalPerson, as_of: dt.date) -> Access:
    """What a person's assignments open on the day."""
    return Access(tuple(use for e in person.employments for use in _uses(e, as_of)))


def _uses(employment: Employment, as_of: dt.date) -> Iterator[Use]:
    if employment.state in ("outside", "later"):
        return
    services = AD_SERVICES.intersection(employment.assignment.systems)
    state = employment.state
    if services:
        yield Use(
            employment.provider, services, employment.last_day, state == "active",
            state in ("upcoming", "suspended"), state in ("suspended", "ended"),
        )  # fmt: skip
    for trial in trials(employment.record, employment.row, as_of):
        tried = AD_SERVICES.intersection(trial.systems)
        if tried and state != "ended":
            is_open = is_in(trial, as_of) and state == "upcoming"
            yield Use(
                employment.provider, tried, trial.to, is_open, as_of < trial.from_,
                trial.to < as_of, is_trial=True,
            )  # fmt: skip
