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
from dataclasses import dataclass

from ..records.model import Record
from ..records.words import some_of
from ..records.workstations import client_name, registered
from .found import Found

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
    is_whole: bool = True,
) -> Seen:
    """Hold connections against what is registered on the day.

    `people` are the HSA-ids of everybody we know; `remembered` is `Seen.last` of the nights
    before, the first of which was on the day `since`. Where some records are not valid
    (`is_whole`), a workstation that was registered then counts as registered.
    """
    known = _clients(records, as_of)
    last = dict(remembered)
    strangers: dict[str, list[Connection]] = {}
    unknown: dict[tuple[str, str], int] = {}
    ours = {hsa_id.casefold() for hsa_id in people}
    for one in connections:
        place = next((known[c] for c in _called(one) if c in known), None)
        before = next((n for n in one.names if n.upper() in remembered), "")
        if place is None and before and not is_whole:
            last[before.upper()] = max(one.day, last[before.upper()])
        elif place is None:
            strangers.setdefault(one.label, []).append(one)
        else:
            _provider, name = place
            last[name] = max(one.day, last.get(name, one.day))
            if one.user and one.user.casefold() not in ours:
                unknown[place] = unknown.get(place, 0) + 1
    found = [
        *_unregistered(strangers),
        *(_unknown_user(*place, number) for place, number in unknown.items()),
        *_unused(records, as_of, last, since),
    ]
    names = {name for _provider, name in known.values()}
    return Seen(last, tuple(found), len(names & last.keys()))


def _clients(records: Sequence[Record], as_of: dt.date) -> dict[str, tuple[str, str]]:
    """Provider and workstation by what its client is called: names folded, addresses.

    One whose last day was yesterday is still known: connections are told of the night before.
    """
    found: dict[str, tuple[str, str]] = {}
    for record in records:
        yesterday = registered(record, as_of - dt.timedelta(days=1))
        for one in (*registered(record, as_of), *yesterday):
            place = (record.id, one.name.upper())
            # Addresses repeat between providers: one tells only where it is what admits.
            address = one.ip if one.admitted_by == "address" else None
            for called in (client_name(one).casefold(), one.name.casefold(), address):
                if called:
                    found.setdefault(called, place)
    return found


def _called(connection: Connection) -> Iterator[str]:
    """Names first: behind an address several may stand."""
    yield from sorted(name.casefold() for name in connection.names)
    yield from sorted(connection.addresses)


def _unregistered(strangers: Mapping[str, Sequence[Connection]]) -> Iterator[Found]:
    for label, theirs in strangers.items():
        addresses = sorted({a for one in theirs for a in one.addresses})
        message = f"{len(theirs)} connections, from {some_of(addresses) or 'no known address'}"
        yield Found("unregistered_connection", "high", SYSTEM, "", label, message)


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
