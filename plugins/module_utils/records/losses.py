# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a day in a record explains that something is lost: one answer for all systems."""

from __future__ import annotations

import datetime as dt

from .lifecycle import phase
from .model import Record

# An end that lay further back than this in the last run, and was not known there, surprises.
SURPRISING = dt.timedelta(days=7)
# How long an end explains a loss where no run is remembered: longer than the nightly run should
# ever be out.
_EXPLAINING = dt.timedelta(days=31)


def explains(day: dt.date, as_of: dt.date, last_run: dt.date | None) -> bool:
    """Whether a day explains what is taken today: a last one, or the first of a suspension.

    `last_run` is the day of the last run that has put everything in effect. What lies further back
    it has carried out, had it known of it. None where no run is remembered.
    """
    if last_run is None:
        return is_recent(day, as_of)
    return day >= last_run - SURPRISING


def is_recent(day: dt.date, as_of: dt.date) -> bool:
    """Whether a last day lies so little back that it explains a loss by itself."""
    return as_of - day <= _EXPLAINING


def end_explains(last: dt.date | None, as_of: dt.date, last_run: dt.date | None) -> bool:
    """Whether a last day has passed, and explains what is taken today."""
    return last is not None and last < as_of and explains(last, as_of, last_run)


def provider_explains(record: Record, as_of: dt.date, last_run: dt.date | None) -> bool:
    """Whether its end explains what those lose of whom no assignment tells."""
    has_ended = phase(record, as_of) == "ended"
    return has_ended and end_explains(record.agreement.agreement.ends, as_of, last_run)
