# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in the licences."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator

from ...engine.provision import Finding
from ...records.payload import Approved
from ...records.workstations import registered
from .evidence import Evidence, computer
from .holdings import Cal
from .rules import WORDS, Rules


def findings(
    approved: Approved,
    as_of: dt.date,
    rules: Rules,
    cals: Collection[Cal],
    evidence: Evidence | None,
    seen: Collection[str] = (),
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns.

    `seen` are the names of computers that were seen to connect, in small letters.
    """
    found = [*_orphans(approved, cals), *_overdrawn(as_of, rules, cals)]
    if evidence is not None:
        found += _faults(evidence)
        if "rds" in rules.of_devices:
            found += _missing(approved, as_of, evidence, seen)
        found += _unexplained(cals, evidence)
    return tuple(found)


def _orphans(approved: Approved, cals: Collection[Cal]) -> Iterator[Finding]:
    known = approved.providers
    for cal in cals:
        if cal.is_assigned and cal.provider not in known:
            yield Finding(
                cal.provider, "orphan", cal.object,
                f"no record explains that it has the {WORDS[cal.kind]} CAL {cal.number}: it stays",
            )  # fmt: skip


def _overdrawn(as_of: dt.date, rules: Rules, cals: Collection[Cal]) -> Iterator[Finding]:
    taken = Counter(cal.kind for cal in cals if cal.is_taken(as_of))
    for kind, size in rules.pools.items():
        if taken[kind] > size:
            yield Finding(
                "", "pool_overdrawn", kind,
                f"{taken[kind]} {WORDS[kind]} CALs are assigned or wait to be reassigned, and the "
                f"pool has {size}",
            )  # fmt: skip


def _faults(evidence: Evidence) -> Iterator[Finding]:
    for fault in evidence.faults:
        yield Finding("", "evidence_unclear", "licence evidence", fault)


def _missing(
    approved: Approved, as_of: dt.date, evidence: Evidence, seen: Collection[str]
) -> Iterator[Finding]:
    """Registered workstations that were used, and that the server knows no active RDS CAL of.

    Not where a line that could not be read may be about them.
    """
    used = evidence.computers.union(seen)
    for record in approved.records if evidence.is_complete else ():
        for workstation in registered(record, as_of):
            name = computer(workstation.name)
            if name in used and name not in evidence.active and name not in evidence.unclear:
                yield Finding(
                    record.id, "cal_missing", workstation.name,
                    "it was used, and the licence server knows no active RDS CAL of it",
                )  # fmt: skip


def _unexplained(cals: Collection[Cal], evidence: Evidence) -> Iterator[Finding]:
    known = {computer(c.object) for c in cals if c.kind == "rds" and c.holder == "workstation"}
    for name in sorted(evidence.active - known):
        yield Finding(
            "", "cal_unexplained", name,
            "the licence server knows an active RDS CAL of it, and the ledger knows none",
        )  # fmt: skip
