# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the entry of a workstation says, as the record has it (annex 2.4, 3.4)."""

from __future__ import annotations

import datetime as dt

from ...engine.plan import Entry, Values, present
from ...records.lifecycle import phase
from ...records.model import Record, Workstation
from ...records.workstations import end_of, last_day
from .holdings import is_registered
from .layout import FIRST_DAY, GROUP, KEY, LAST_DAY, OUR_CLASS, REGISTERED, STATE


def of_registered(
    record: Record, workstation: Workstation, key: str, group: int | None,
    held: Entry | None, as_of: dt.date,
) -> dict[str, Values]:  # fmt: skip
    """What the entry of a registered workstation says; `held` is the provider's entry of it."""
    agreement, last = record.agreement.agreement, last_day(record, workstation)
    return {
        "objectClass": _classes(workstation),
        KEY: (key,),
        "cn": (workstation.name,),
        STATE: (REGISTERED,),
        "serialNumber": present([workstation.serial]),
        "ipHostNumber": present([workstation.ip]),
        "macAddress": present([workstation.mac]),
        "halsovalClientName": present([workstation.client_name]),
        "halsovalUnit": (workstation.unit,),
        "halsovalAgreement": (agreement.number,),
        "halsovalAttested": _day(workstation.attested),
        GROUP: (str(group),) if group is not None else (),
        FIRST_DAY: _day(_first_day(workstation, held, as_of)),
        LAST_DAY: _day(last),
    }


def of_deregistered(record: Record, name: str, held: Entry, as_of: dt.date) -> dict[str, Values]:
    """What goes from the entry of a workstation that is registered no more, and its last day."""
    return {STATE: (), GROUP: (), LAST_DAY: _day(_last_day(record, name, held, as_of))}


def group_of(held: Entry | None) -> int | None:
    """The number of the group that a registered entry is in."""
    number = held.first(GROUP) if held is not None and is_registered(held) else None
    return int(number) if number is not None and number.isdecimal() else None


def _classes(workstation: Workstation) -> Values:
    with_address = ("ipHost",) if workstation.ip else ()
    with_mac = ("ieee802Device",) if workstation.mac else ()
    return ("device", *with_address, *with_mac, OUR_CLASS)


def _first_day(workstation: Workstation, held: Entry | None, as_of: dt.date) -> dt.date:
    """The record's first day, else that of the first run that has registered it."""
    if workstation.from_ is not None:
        return workstation.from_
    return (_held_day(held, FIRST_DAY) if held and is_registered(held) else None) or as_of


def _last_day(record: Record, name: str, held: Entry, as_of: dt.date) -> dt.date:
    """The record's last day where it has passed; else the day before a run saw that it is over."""
    end = end_of(record, name)
    if end is None and phase(record, as_of) == "ended":
        end = record.agreement.agreement.ends
    if end is not None and end < as_of:
        return end
    known = None if is_registered(held) else _held_day(held, LAST_DAY)
    first = _held_day(held, FIRST_DAY) or as_of
    return known or max(first, as_of - dt.timedelta(days=1))


def _held_day(held: Entry, name: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(held.first(name) or "")
    except ValueError:  # none, or one that somebody wrote by hand
        return None


def _day(day: dt.date | None) -> Values:
    return (day.isoformat(),) if day is not None else ()
