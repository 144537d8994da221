# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose CAL is which: a pure function over the ledger and the records.

The registry of workstations and the licences both call it, so that a pool which is short is told
before either writes anything of that provider.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...engine.plan import Entry
from ...records.payload import Approved
from .holdings import Cal, of_entry
from .needs import Need, Users, needs, released
from .rules import WORDS, Rules


@dataclass(frozen=True)
class Outcome:
    """Every CAL as it is to be, by key, and why providers get none, by provider."""

    cals: Mapping[str, Cal]
    short: Mapping[str, str]


def shortage(
    approved: Approved, as_of: dt.date, rules: Rules, held: Sequence[Entry]
) -> Mapping[str, str]:
    """The providers whose registered workstations lack CALs, with what is missing."""
    of_devices = Rules({kind: rules.pools[kind] for kind in rules.of_devices})
    return allocate(approved, as_of, of_devices, list(map(of_entry, held))).short


def allocate(
    approved: Approved,
    as_of: dt.date,
    rules: Rules,
    held: Iterable[Cal],
    users: Users | None = None,
    blocked: Collection[str] = (),
) -> Outcome:
    """Give out CALs in a fixed order over all records: a provider gets all that it lacks, or none.

    `users` are None where nobody knows them just now: theirs stay. Those of providers whose records
    cannot be read or are not there stay too. `blocked` providers get none.
    """
    wanted = {need.key: need for need in needs(approved, as_of, rules, users or {})}
    kinds = (*rules.of_devices, *(rules.of_users if users is not None else ()))
    pool = _Pool(as_of, rules, {cal.key: cal for cal in held})
    records = {record.id: record for record in approved.records}
    for key, cal in list(pool.cals.items()):
        record = records.get(cal.provider)
        stays = key in wanted and wanted[key].provider == cal.provider
        if record is not None and not stays and cal.kind in kinds:
            pool.cals[key] = released(cal, record, as_of)
    pool.count()
    lacking: dict[str, list[Need]] = defaultdict(list)
    for need in wanted.values():
        lacking[need.provider].append(need)
    short = {}
    for provider in sorted(lacking):
        if provider in blocked:
            continue
        message = pool.missing(lacking[provider])
        if message:
            short[provider] = message
        else:
            pool.give(lacking[provider])
    return Outcome(pool.cals, short)


@dataclass
class _Pool:
    """The CALs of all kinds while they are given out."""

    as_of: dt.date
    rules: Rules
    cals: dict[str, Cal]
    taken: dict[str, set[int]] = field(default_factory=dict)
    # By kind: all numbers below are taken. While CALs are given out, none becomes free.
    full_to: dict[str, int] = field(default_factory=dict)

    def count(self) -> None:
        """See which numbers nobody else may have."""
        self.taken = {kind: set() for kind in self.rules.pools}
        for cal in self.cals.values():
            if cal.kind in self.taken and cal.is_taken(self.as_of):
                self.taken[cal.kind].add(cal.number)

    def missing(self, theirs: Iterable[Need]) -> str:
        """What a provider's holders lack that no pool has, by kind and number; "" if nothing."""
        lacked = Counter(need.kind for need in theirs if not self._has_one(need.key))
        return "; ".join(
            _missing(kind, number, free, self.rules.pools[kind], self._next(kind))
            for kind, number in sorted(lacked.items(), reverse=True)
            if number > (free := max(0, self.rules.pools[kind] - len(self.taken[kind])))
        )

    def give(self, theirs: Iterable[Need]) -> None:
        """Give each a CAL: the one that it has, or had and nobody else has, or the first free."""
        for need in theirs:
            old = self.cals.get(need.key)
            if old is not None and old.is_assigned:
                self.cals[need.key] = replace(old, object=need.object)
                continue
            number = self._kept(old) or self._lowest(need.kind)
            self.taken[need.kind].add(number)
            self.cals[need.key] = Cal(
                kind=need.kind, holder=need.holder, object=need.object, provider=need.provider,
                number=number, assigned=self.as_of,
            )  # fmt: skip

    def _has_one(self, key: str) -> bool:
        """Whether a holder takes nothing from the pool: it has one, or left one that waits."""
        cal = self.cals.get(key)
        return cal is not None and cal.is_taken(self.as_of)

    def _lowest(self, kind: str) -> int:
        number = self.full_to.get(kind, 1)
        while number in self.taken[kind]:
            number += 1
        self.full_to[kind] = number
        return number

    def _kept(self, old: Cal | None) -> int | None:
        """The number of the CAL that a holder had, where nobody else has it."""
        if old is None or not (old.is_taken(self.as_of) or old.number not in self.taken[old.kind]):
            return None
        return old.number

    def _next(self, kind: str) -> dt.date | None:
        days = (c.reassignable_from for c in self.cals.values() if c.kind == kind and c.released)
        return min((day for day in days if day is not None and day > self.as_of), default=None)


def _missing(kind: str, number: int, free: int, size: int, coming: dt.date | None) -> str:
    lacked = number - free
    word = "CAL is" if lacked == 1 else "CALs are"
    later = f", the next one from {coming}" if coming else ""
    return (
        f"{lacked} {WORDS[kind]} {word} missing: {number} are needed, and {free} of the pool of "
        f"{size} are free{later}"
    )
