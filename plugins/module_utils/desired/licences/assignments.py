# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger must hold of client access licences for the approved records (annex 2.4, 2.8).

A Windows CAL is a right with no technical object, and the licence server issues RDS CALs by itself:
the ledger's rows are the assignment, and what the server has issued is evidence beside it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...engine.guard import Holding
from ...engine.plan import Entry, Wanted
from ...engine.provision import Desired
from ...records.losses import end_explains, provider_explains
from ...records.model import Record
from ...records.payload import Approved
from ...records.workstations import end_of, over_capacity
from .evidence import Evidence
from .findings import findings
from .holdings import ATTRIBUTES, BRANCH, Cal, attributes, of_entry
from .needs import Users, workstation_of
from .pools import Outcome, allocate
from .rules import Rules

# What is released goes first: another may have it in the same run.
_RELEASED, _ASSIGNED = range(2)


def desire(
    approved: Approved,
    as_of: dt.date,
    rules: Rules,
    held: Sequence[Entry],
    users: Users | None = None,
    evidence: Evidence | None = None,
    seen: Collection[str] = (),
) -> Desired:
    """What the ledger must hold on a day; see `allocate` on `users` and `findings` on `seen`."""
    before = {cal.key: (cal, entry) for entry in held for cal in [of_entry(entry)]}
    full = {r.id: reason for r in approved.records if (reason := over_capacity(r, as_of))}
    theirs = [cal for cal, _entry in before.values()]
    outcome = allocate(approved, as_of, rules, theirs, users, full)
    draft = _Draft(approved, as_of, before)
    errors = {**outcome.short, **full}
    return Desired(
        wanted=tuple(draft.wanted(outcome)),
        attributes=ATTRIBUTES,
        holdings=_held_today(theirs),
        findings=findings(approved, as_of, rules, outcome.cals.values(), evidence, seen),
        errors={provider: (message,) for provider, message in errors.items()},
        returns=_in_numbers(approved, as_of, rules, outcome),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """Makes the wanted rows of one day; `before` are those that the ledger has."""

    approved: Approved
    as_of: dt.date
    before: Mapping[str, tuple[Cal, Entry]]

    def wanted(self, outcome: Outcome) -> Iterator[Wanted]:
        """The rows of providers with a valid record."""
        records = {record.id: record for record in self.approved.records}
        for key, cal in outcome.cals.items():
            if cal.provider in records:
                old, entry = self.before.get(key, (None, None))
                yield self._row(cal, old, entry, records[cal.provider])

    def _row(self, cal: Cal, old: Cal | None, entry: Entry | None, record: Record) -> Wanted:
        leaves = old is not None and old.is_assigned and not cal.is_assigned
        # Who is absent for a time stays registered, and a user's access is not the licence's.
        takes = leaves and cal.holder == "workstation" and not _is_absent(cal, record)
        return Wanted(
            key=cal.key, kind="cal", id=f"{cal.object} {cal.kind}",
            level=_ASSIGNED if cal.is_assigned else _RELEASED, parent=BRANCH,
            rdns=() if entry else (f"cn={cal.key}",), attributes=attributes(cal),
            providers=frozenset({cal.provider}), held=entry,
            takes=frozenset({("workstation", cal.object)}) if takes else frozenset(),
            explained=takes and self._is_explained(cal, record), is_counted=cal.is_assigned,
        )  # fmt: skip

    def _is_explained(self, cal: Cal, record: Record) -> bool:
        """Whether a date in the record says that the workstation is over, as in the registry."""
        last_run = self.approved.memory.days.get(record.id)
        end = end_of(record, cal.object)
        if end is None:
            return provider_explains(record, self.as_of, last_run)
        return end_explains(end, self.as_of, last_run)


def _is_absent(cal: Cal, record: Record) -> bool:
    row = workstation_of(cal, record)
    return row is not None and row.licences_free == "absent"


def _held_today(cals: Sequence[Cal]) -> dict[str, frozenset[Holding]]:
    found: dict[str, set[Holding]] = defaultdict(set)
    for cal in cals:
        if cal.is_assigned and cal.holder == "workstation":
            found[cal.provider].add(("workstation", cal.object))
    return {provider: frozenset(theirs) for provider, theirs in found.items()}


def _in_numbers(
    approved: Approved, as_of: dt.date, rules: Rules, outcome: Outcome
) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Of each kind: how many the provider has, and how many of the pool nobody has."""
    cals = outcome.cals.values()
    theirs = Counter((cal.provider, cal.kind) for cal in cals if cal.is_assigned)
    taken = Counter(cal.kind for cal in cals if cal.is_taken(as_of))
    return {
        record.id: {
            "licences": {
                kind: {
                    "assigned": theirs[record.id, kind],
                    "free": max(0, size - taken[kind]),
                    "pool": size,
                }
                for kind, size in rules.pools.items()
            }
        }
        for record in approved.records
    }
