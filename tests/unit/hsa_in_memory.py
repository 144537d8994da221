# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA in memory: bring it in line with records, and look at what it holds then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.entries import desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import (
    Layout,
    schema,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.cards_out import (
    NONE_FOLLOWED,
    CardsOut,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Plan,
    Values,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
    Remembered,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import LAYOUT, TODAY, approved
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import MemoryDirectory
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal


class Hsa:
    """The directory with the pure part of the pipe around it.

    `remembered` are the HSA-ids that earlier runs saw, `holds` the decisions in the ledger, `cards`
    those that it knows to be out. With a `journal` that is kept, runs know of the runs before.
    """

    def __init__(self, layout: Layout = LAYOUT) -> None:
        self.layout = layout
        self.remembered: Remembered = NOTHING_REMEMBERED
        self.holds: tuple[Hold, ...] = ()
        self.cards: CardsOut = NONE_FOLLOWED
        self.journal: MemoryJournal | None = None
        self.directory = MemoryDirectory(
            ("c=SE", layout.base_dn, layout.provider_branch, layout.people_branch),
            schema(layout),
        )

    def copy(self) -> Hsa:
        """Another one that holds the same."""
        other = Hsa(self.layout)
        other.remembered, other.holds, other.cards = self.remembered, self.holds, self.cards
        other.directory = self.directory.copy()
        return other

    # --- the pipe --------------------------------------------------------------------------------

    def desired(
        self, *records: Record, invalid: Iterable[str] = (), day: dt.date = TODAY
    ) -> Desired:
        """What it must hold for the records."""
        everything = approved(*records, invalid=invalid, holds=self.holds)
        held = self.directory.read()
        return desire(everything, day, self.layout, held, self.remembered, self.cards)

    def plan(self, *records: Record, **options: Any) -> Plan:
        """What must change for the records."""
        desired = self.desired(*records, **options)
        return make_plan(desired.wanted, desired.attributes, desired.taken)

    def bring(self, *records: Record, **options: Any) -> Plan:
        """Carry out the whole plan, without the guard; nothing may fail or be left to do."""
        plan = self.plan(*records, **options)
        for batch in batches(plan.operations):
            failed = self.directory.apply(batch)
            assert not failed, list(failed.items())
        left = self.plan(*records, **options).operations
        assert not left, left
        return plan

    def run(
        self,
        *records: Record,
        invalid: Iterable[str] = (),
        day: dt.date = TODAY,
        **request: Any,
    ) -> dict[str, dict[str, Any]]:
        """The whole pipe with the guard; all providers unless some are selected."""
        journal = self.journal or MemoryJournal()
        journal.day = day
        everything = replace(
            approved(*records, invalid=invalid, holds=self.holds), memory=journal.memory("HSA")
        )
        known = frozenset(record.id for record in everything.records)
        asked = Request(
            providers=tuple(sorted(known | everything.invalid)), known=known,
            invalid=everything.invalid, expected=frozenset(), secret=b"secret", check=False,
            diff=False, title="HSA", sizes={"providers": len(known | everything.invalid)},
        )  # fmt: skip
        return provision(
            self.directory,
            lambda held: desire(everything, day, self.layout, held, self.remembered, self.cards),
            replace(asked, **request),
            journal,
        )

    # --- what it holds ---------------------------------------------------------------------------

    def entries(self) -> tuple[Entry, ...]:
        """All entries that have an HSA-id."""
        return self.directory.read()

    def by_key(self, key: str) -> Entry:
        """The one entry with the key."""
        (entry,) = (e for e in self.entries() if key in e.attributes.get("halsovalKey", ()))
        return entry

    def provider(self, id: str = "alfa") -> Entry:
        """A provider's entry."""
        return self.by_key(f"provider/{id}")

    def unit(self, provider: str = "alfa", id: str = "vc") -> Entry:
        """A unit's entry."""
        return self.by_key(f"unit/{provider}/{id}")

    def person(self, number: str) -> Entry:
        """The one entry of a person."""
        (entry,) = self.people(number)
        return entry

    def people(self, number: str) -> list[Entry]:
        """The entries with the number."""
        return [e for e in self.entries() if number in values(e, "personalIdentityNumber")]

    def commissions(self, provider: str = "alfa", unit: str = "vc") -> list[Entry]:
        """The commissions of a unit."""
        return [
            e for e in self.entries()
            if any(k.startswith(f"commission/{provider}/{unit}/") for k in values(e, "halsovalKey"))
        ]  # fmt: skip

    def members(self, provider: str = "alfa", unit: str = "vc") -> set[str]:
        """The personal numbers of those who act for a unit in any commission."""
        numbers = {
            id(e): values(e, "personalIdentityNumber")[0]
            for e in self.entries()
            if values(e, "personalIdentityNumber")
        }
        ids = {values(e, "hsaIdentity")[0]: e for e in self.entries()}
        return {
            numbers[id(ids[member])]
            for commission in self.commissions(provider, unit)
            for member in values(commission, "hsaCommissionMember")
        }


def values(entry: Entry, name: str) -> Values:
    """An attribute's values, () where it is absent."""
    return entry.attributes.get(name, ())


def hsa_id(entry: Entry) -> str:
    """An entry's HSA-id."""
    (value,) = values(entry, "hsaIdentity")
    return value


def batches(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Operations that a run sends together, in the order of sending."""
    for _turn, together in groupby(operations, lambda op: op.turn):
        yield list(together)
