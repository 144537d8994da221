# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connections say of registered workstations: who connected from where, and who never does.

A client name can be chosen by whoever owns the PC, so a name that is registered proves nothing; one
that is not is told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..records.model import Record
from ..records.words import some_of
from ..records.workstations import client_name, registered
from .found import Found, Severity

SYSTEM = "sightings"
# A workstation that nobody has connected from for so long may be given back.
UNUSED = dt.timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection, or a live session: from which client, on which day, and whose user.

    `names` and `addresses` are what the client was called; `user` is what stands before the @ of
    the user's principal name, which of our accounts is the HSA-id; "" where nobody tells.
    """

    names: frozenset[str]
    addresses: frozenset[str]
    day: dt.date
    user: str = ""

    @property
    def label(self) -> str:
        """What a finding calls the client."""
        return next(iter(sorted(self.names)), "") or next(iter(sorted(self.addresses)), "")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the connections of a night come to.

    `last` is the last day by workstation, as the record names it, in capitals. `found` are the
    findings; `confirmed` how many registered workstations somebody has connected from.
    """

    last: Mapping[str, dt.date]
    found: tuple[Found, ...]
    confirmed: int


def read_connections(
    records: Sequence[Record],
    as_of: dt.date,
    connections: Iterable[Connection],
    people: Collection[str],
    remembered: Mapping[str, dt.date],
    since: dt.date,
    unread: Collection[str] = (),
) -> Seen:
    """Hold connections against what is registered on the day, or was on theirs.

    `people` are the HSA-ids of everybody we know; `remembered` is `Seen.last` of the nights
    before, the first of which was on the day `since`. `unread` are the providers whose records are
    not valid: what is registered of theirs nobody can say, but for who was registered before. Who
    is called by no name and no address counts for nothing: a session that is being made or
    disconnected, a connection that never was.
    """
    known = _Clients(records, as_of)
    last = dict(remembered)
    strangers: dict[str, list[Connection]] = {}
    unknown: dict[tuple[str, str], int] = {}
    ours = {hsa_id.casefold() for hsa_id in people}
    for one in filter(_is_called, connections):
        place = known.place(one)
        before = next((n for n in one.names if n.upper() in remembered), "")
        if place is None and before and unread:
            last[before.upper()] = max(one.day, last[before.upper()])
        elif place is None:
            strangers.setdefault(one.label, []).append(one)
        else:
            _provider, name = place
            last[name] = max(one.day, last.get(name, one.day))
            if one.user and one.user.casefold() not in ours:
                unknown[place] = unknown.get(place, 0) + 1
    found = [
        *_unregistered(strangers, unread),
        *(_unknown_user(*place, number) for place, number in unknown.items()),
        *_unused(records, as_of, last, since),
    ]
    names = {name for _provider, name in known.of_day(as_of).values()}
    return Seen(last, tuple(found), len(names & last.keys()))


@dataclass
class _Clients:
    """Provider and workstation by what a client is called: names folded, addresses."""

    records: Sequence[Record]
    as_of: dt.date
    _of_day: dict[dt.date, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def place(self, connection: Connection) -> tuple[str, str] | None:
        """Whose workstation somebody connected from, None where it is nobody's.

        One whose last day was yesterday is still known, as a session may have lasted, and one that
        has left since the connection: a night may have been missed.
        """
        yesterday = self.as_of - dt.timedelta(days=1)
        for known in map(self.of_day, (self.as_of, yesterday, connection.day)):
            for called in _called(connection):
                if called in known:
                    return known[called]
        return None

    def of_day(self, day: dt.date) -> dict[str, tuple[str, str]]:
        """Those that are registered on a day."""
        if day not in self._of_day:
            found = self._of_day[day] = {}
            for record in self.records:
                for one in registered(record, day):
                    # Addresses repeat between providers: one tells only where it is what admits.
                    address = one.ip if one.admitted_by == "address" else None
                    for called in (client_name(one).casefold(), one.name.casefold(), address):
                        if called:
                            found.setdefault(called, (record.id, one.name.upper()))
        return self._of_day[day]


def _is_called(connection: Connection) -> bool:
    return bool(connection.names or connection.addresses)


def _called(connection: Connection) -> Iterator[str]:
    """Names first: behind an address several may stand."""
    yield from sorted(name.casefold() for name in connection.names)
    yield from sorted(connection.addresses)


def _unregistered(
    strangers: Mapping[str, Sequence[Connection]], unread: Collection[str]
) -> Iterator[Found]:
    severity: Severity = "normal" if unread else "high"
    perhaps = f"; it may be of {some_of(sorted(unread))}, whose record is not valid"
    for label, theirs in strangers.items():
        addresses = sorted({a for one in theirs for a in one.addresses})
        message = f"{len(theirs)} connections, from {some_of(addresses) or 'no known address'}"
        message += perhaps * bool(unread)
        yield Found("unregistered_connection", severity, SYSTEM, "", label, message)


def _unknown_user(provider: str, name: str, number: int) -> Found:
    message = f"{number} connections of accounts that are not ours"
    return Found("unknown_user", "normal", SYSTEM, provider, name, message)


def _unused(
    records: Iterable[Record], as_of: dt.date, last: Mapping[str, dt.date], since: dt.date
) -> Iterator[Found]:
    for record in records:
        for one in registered(record, as_of):
            begun = max(since, one.from_ or since)
            if one.admitted_by != "none" and last.get(one.name.upper(), begun) < as_of - UNUSED:
                message = f"nobody has connected from it since {last.get(one.name.upper(), begun)}"
                yield Found("unused", "info", SYSTEM, record.id, one.name.upper(), message)
