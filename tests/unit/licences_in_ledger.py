# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences in a real ledger, an SQLite file: bring them in line with records, look at them then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences import assignments
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.evidence import (
    Evidence,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.holdings import (
    Cal,
    of_entry,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.needs import Users
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.licence_book import (
    LicenceBook,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import recall
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, approved


@dataclass
class Licences:
    """The ledger's licences with the whole pipe around them."""

    ledgers: Ledgers
    rules: Rules = field(default_factory=lambda: Rules({"windows": 20, "rds": 20}))
    users: Users | None = None
    evidence: Evidence | None = None
    seen: frozenset[str] = frozenset()
    desired: Desired | None = None

    def run(
        self, *records: Record, day: dt.date = TODAY, invalid: Iterable[str] = (), **request: Any
    ) -> dict[str, dict[str, Any]]:
        """A run; all providers unless some are selected."""
        known = frozenset(record.id for record in records)
        ledger = self.ledgers.open(f"run-{day}", as_of=day, check=request.get("check", False))
        everything = replace(approved(*records, invalid=invalid), memory=recall(ledger, "licences"))
        asked = Request(
            providers=tuple(sorted(known.union(invalid))), known=known,
            invalid=frozenset(invalid), expected=frozenset(), secret=b"secret", check=False,
            diff=False, title="licences",
        )  # fmt: skip

        def wish(held: Sequence[Entry]) -> Desired:
            self.desired = assignments.desire(
                everything, day, self.rules, held, self.users, self.evidence, self.seen
            )
            return self.desired

        return provision(LicenceBook(ledger), wish, replace(asked, **request), ledger)

    def cals(self, kind: str = "windows") -> dict[str, Cal]:
        """The rows of a kind by their holder."""
        ledger = self.ledgers.open("look", check=True)
        found = map(of_entry, LicenceBook(ledger).read())
        return {cal.object: cal for cal in found if cal.kind == kind}

    def assigned(self, kind: str = "windows") -> dict[str, int]:
        """The numbers of the CALs that holders have."""
        return {name: cal.number for name, cal in self.cals(kind).items() if cal.is_assigned}

    def codes(self) -> list[tuple[str, str, str]]:
        """The findings of the last run."""
        assert self.desired is not None
        return [(f.provider, f.code, f.object) for f in self.desired.findings]
