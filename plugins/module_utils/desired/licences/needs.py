# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to have a CAL on a day, and when one that somebody had may go to another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ...records.model import Record, Workstation
from ...records.payload import Approved
from ...records.workstations import end_of, registered
from .holdings import Cal, key_of
from .rules import REASSIGNABLE, Rules

# Users by HSA-id, with the provider that answers for each.
Users = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Need:
    """A workstation or user that is to have a CAL of a kind."""

    kind: str
    holder: Literal["workstation", "user"]
    object: str
    provider: str

    @property
    def key(self) -> str:
        """The key of the holder's row."""
        return key_of(self.kind, self.object)


def needs(approved: Approved, as_of: dt.date, rules: Rules, users: Users) -> Iterator[Need]:
    """Who is to have one: each workstation that is registered and not absent, each user."""
    for record in approved.records:
        for workstation in registered(record, as_of):
            if workstation.licences_free != "absent":
                for kind in rules.of_devices:
                    yield Need(kind, "workstation", workstation.name, record.id)
    for hsa_id, provider in users.items():
        for kind in rules.of_users:
            yield Need(kind, "user", hsa_id, provider)


def released(cal: Cal, record: Record, as_of: dt.date) -> Cal:
    """The CAL of a holder who is not to have it any more, or had it before."""
    row = workstation_of(cal, record)
    reason = (row.licences_free if row else None) or cal.reason
    last = _last_day(cal, record, as_of)
    wait = dt.timedelta(days=1) if reason else REASSIGNABLE
    return replace(cal, released=last, reassignable_from=last + wait, reason=reason)


def workstation_of(cal: Cal, record: Record) -> Workstation | None:
    """The row of the workstation that has, or had, a CAL."""
    name = cal.object.casefold()
    rows = record.equipment.workstations if cal.holder == "workstation" else ()
    return next((row for row in rows if row.name.casefold() == name), None)


def _last_day(cal: Cal, record: Record, as_of: dt.date) -> dt.date:
    """The record's last day where it has passed, else the day before a run saw that it is over."""
    end = end_of(record, cal.object) if cal.holder == "workstation" else None
    if end is None and cal.is_assigned:
        end = record.agreement.agreement.ends
    known = cal.released or max(cal.assigned, as_of - dt.timedelta(days=1))
    if end is None or end >= as_of:
        return known
    return min(end, known) if cal.released else end
