# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which workstations are registered on a day, and which of them Citrix admits whose staff from.

Annex 2.4, 2.8, 3.1.1, 3.1.2. Names compare without case.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .catalogue import WORKSTATIONS_PER_GROUP
from .lifecycle import is_in, is_over, phase
from .losses import end_explains
from .model import Record, Trial, Workstation

Standing = Literal["outside", "later", "registered", "ended"]


def standing(record: Record, workstation: Workstation, as_of: dt.date) -> Standing:
    """What a workstation is on a day.

    outside: not for Hälsoval work (annex 2.3), or of a provider without an approval. later: not
    yet. registered: from establishment on. ended: by its own last day, that of its unit or its
    provider, or since another one replaces it.
    """
    if not workstation.halsoval or phase(record, as_of) == "application":
        return "outside"
    if is_over(last_day(record, workstation), as_of):
        return "ended"
    is_later = workstation.from_ is not None and workstation.from_ > as_of
    return "later" if is_later else "registered"


def registered(record: Record, as_of: dt.date) -> tuple[Workstation, ...]:
    """The provider's workstations that are registered on a day, in the record's order."""
    every = record.equipment.workstations
    return tuple(one for one in every if standing(record, one, as_of) == "registered")


def over_capacity(record: Record, as_of: dt.date) -> str:
    """Why the provider has more registered workstations on a day than its groups hold, or ""."""
    groups, number = record.agreement.workstation_groups, len(registered(record, as_of))
    room = groups * WORKSTATIONS_PER_GROUP
    if number <= room:
        return ""
    return (
        f"{number} workstations are registered on {as_of}, and {groups} workstation_groups hold "
        f"{room} (annex 2.8)"
    )


def lasting(record: Record) -> tuple[Workstation, ...]:
    """Those for Hälsoval work that no last day or replacement ends: what the groups must hold."""
    return tuple(
        one
        for one in record.equipment.workstations
        if one.halsoval and one.to is None and _replacement(record, one.name) is None
    )


def last_day(record: Record, workstation: Workstation) -> dt.date | None:
    """The earliest last day: its own, its unit's, its provider's, the one before it is replaced."""
    unit = next(unit for unit in record.agreement.units if unit.id == workstation.unit)
    days = (
        workstation.to,
        unit.closes,
        record.agreement.agreement.ends,
        _replaced_after(record, workstation.name),
    )
    return min((day for day in days if day is not None), default=None)


def end_of(record: Record, name: str) -> dt.date | None:
    """The last day of the workstation of a name, also where its row is gone and another replaces
    it. None where the record names no end.
    """
    rows = [one for one in record.equipment.workstations if one.name.casefold() == name.casefold()]
    return last_day(record, rows[0]) if rows else _replaced_after(record, name)


def client_name(workstation: Workstation) -> str:
    """The name that its Citrix client gives."""
    return workstation.client_name or workstation.name


def replaces_itself(record: Record, workstation: Workstation) -> bool:
    """Whether a workstation replaces one that, in the end, replaces it."""
    seen, replaced = {workstation.name.casefold()}, workstation.replaces
    rows = {one.name.casefold(): one for one in record.equipment.workstations}
    while replaced is not None and replaced.casefold() not in seen:
        seen.add(replaced.casefold())
        row = rows.get(replaced.casefold())
        replaced = row.replaces if row else None
    return replaced is not None


def _replacement(record: Record, name: str) -> Workstation | None:
    every = record.equipment.workstations
    return next((o for o in every if o.replaces and o.replaces.casefold() == name.casefold()), None)


def _replaced_after(record: Record, name: str) -> dt.date | None:
    by = _replacement(record, name)
    return by.from_ - dt.timedelta(days=1) if by is not None and by.from_ is not None else None


# --- admission to Citrix --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admission:
    """From where a provider's staff is admitted.

    `client_names` and `addresses` are sorted. `is_open` says whether anybody is admitted on the
    day; before that they are prepared.
    """

    client_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    is_open: bool = False


def admission(record: Record, records: Sequence[Record], as_of: dt.date) -> Admission:
    """From where the provider's staff is admitted: its own workstations, and what others share.

    In establishment nobody is, but for a trial, and then from the trial's workstations (annex 3.6,
    3.8). `records` are all approved ones.
    """
    today, own = phase(record, as_of), registered(record, as_of)
    tried = {name.casefold() for trial in _trials(record, as_of) for name in trial.workstations}
    if today in ("operation", "wind_down"):
        return _admission([*own, *_shared(record, records, as_of)], True)
    if today == "establishment" and tried:
        return _admission([one for one in own if one.name.casefold() in tried], True)
    return _admission(own, False)


def is_end_explained(
    client: str,
    record: Record,
    records: Sequence[Record],
    as_of: dt.date,
    last_run: dt.date | None,
) -> bool:
    """Whether a date explains that a client name or address no longer admits the provider's staff.

    See `losses.explains` on `last_run`.
    """
    ends = set(_ends(client.casefold(), record, records, as_of))
    return any(end_explains(end, as_of, last_run) for end in ends)


def _ends(
    client: str, record: Record, records: Sequence[Record], as_of: dt.date
) -> Iterator[dt.date | None]:
    """The last days of what a client name or address may have been."""
    yield record.agreement.agreement.ends
    for other in records:
        shares = [s for s in other.agreement.shared_access if record.id in s.providers]
        for one in other.equipment.workstations if shares or other is record else ():
            is_it = client in (client_name(one).casefold(), one.ip)
            shared_until = [s.to for s in shares if _names(s.workstations, one)]
            if is_it and (other is record or shared_until):
                yield last_day(other, one)
                yield from shared_until
    yield _replaced_after(record, client)
    if phase(record, as_of) == "establishment":
        yield from (trial.to for trial in record.agreement.trial)


def _trials(record: Record, as_of: dt.date) -> list[Trial]:
    return [trial for trial in record.agreement.trial if is_in(trial, as_of)]


def _shared(record: Record, records: Iterable[Record], as_of: dt.date) -> Iterator[Workstation]:
    for other in records:
        for share in other.agreement.shared_access:
            is_asked = record.id in share.providers and is_in(share, as_of)
            if is_asked and phase(other, as_of) in ("operation", "wind_down"):
                yield from (o for o in registered(other, as_of) if _names(share.workstations, o))


def _names(names: Iterable[str], workstation: Workstation) -> bool:
    return workstation.name.casefold() in {name.casefold() for name in names}


def _admission(admitted: Iterable[Workstation], is_open: bool) -> Admission:
    every = list(admitted)
    names = {client_name(one) for one in every if one.admitted_by == "client_name"}
    addresses = {one.ip for one in every if one.admitted_by == "address" and one.ip}
    return Admission(tuple(sorted(names)), tuple(sorted(addresses)), is_open)
