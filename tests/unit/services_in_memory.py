# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders of services in memory: plan them, carry plans out, and answer what was ordered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.pending import (
    Pending,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.orders import (
    desire,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import (
    Case,
    Verdict,
    judge,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import TAKES, Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Plan,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Desired
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Decisions, Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import (
    NO_MEMORY,
    Memory,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    decided,
    natural_people,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, approved, number

LEAD_DAYS = 56
# The HSA-ids of the people that `builders.person` makes.
IDS = {number(index): f"SE2321000214-P{index}" for index in range(60)}


class Services:
    """A ledger that holds the orders of services, and the pure part of the pipe around it.

    `unknown` are the indexes of people whose HSA-id cannot be told, `unread` says why HSA cannot
    be read, if it cannot; `absent` are those whom HSA does not hold yet: their HSA-ids are those
    that would be given next. `holds` are those there are. `in_hsa` says by personal number at which
    providers HSA has the person, and whether their record called the identity protected. `memory`
    is what the runs before put in effect, with the ledger's `secret` for the numbers of orders.
    `pending` is whose identity waits for a person.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.held: dict[str, Order] = {}
        self.unknown: set[int] = set()
        self.absent: set[int] = set()
        self.unread: str | None = None
        self.holds: tuple[Hold, ...] = ()
        self.in_hsa: dict[str, dict[str, bool]] = {}
        self.memory = NO_MEMORY
        self.secret = ""
        self.pending = Pending()

    def copy(self) -> Services:
        """Another one that holds the same."""
        other = Services(self.rules)
        other.held, other.unknown, other.holds = dict(self.held), set(self.unknown), self.holds
        other.unread, other.absent = self.unread, set(self.absent)
        other.secret = self.secret
        other.memory = self.memory
        other.in_hsa = {number: dict(at) for number, at in self.in_hsa.items()}
        return other

    # --- the pipe --------------------------------------------------------------------------------

    def identities(
        self, records: Sequence[Record], day: dt.date, invalid: Iterable[str] = ()
    ) -> Identities:
        """Who everybody is; an HSA that cannot be read tells nothing of who cannot be read."""
        unknown = {number(index) for index in self.unknown}
        absent = {number(index) for index in self.absent}
        people = []
        for person in natural_people(records, day, LEAD_DAYS, self.memory):
            ids = () if person.number in unknown else (IDS[person.number],)
            person = decided(person, ids, Decisions(self.holds))
            at = {} if self.unread else self.in_hsa.get(person.number, {})
            unreadable = frozenset(invalid).intersection(at)
            people.append(
                Identified(
                    person, ids, ids[0] if ids else None,
                    entered=bool(ids) and person.number not in absent,
                    confidential=any(at[provider] for provider in unreadable),
                    unreadable=unreadable,
                )
            )  # fmt: skip
        return Identities(tuple(people), self.unread, self.pending)

    def desired(
        self,
        *records: Record,
        day: dt.date = TODAY,
        invalid: Iterable[str] = (),
        tasks: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
        failures: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> Desired:
        """The orders that there must be."""
        memory = replace(self.memory, key=self.secret) if self.secret else self.memory
        everything = replace(approved(*records, invalid=invalid), memory=memory)
        held = [orders.entry(order) for order in self.held.values()]
        known = self.identities(everything.records, day, everything.invalid)
        return desire(everything, day, self.rules, held, known, tasks, failures, check)

    def plan(self, *records: Record, **options: Any) -> Plan:
        """What must change in the ledger."""
        desired = self.desired(*records, **options)
        return make_plan(desired.wanted, desired.attributes, desired.taken)

    def judge(self, *records: Record, **options: Any) -> Verdict:
        """What the guard says of the plan."""
        desired = self.desired(*records, **options)
        plan = make_plan(desired.wanted, desired.attributes)
        selected = [record.id for record in records]
        return judge(plan, selected, Case(holdings=desired.holdings), b"secret")

    def run(self, *records: Record, day: dt.date = TODAY, **options: Any) -> list[Order]:
        """Carry out the whole plan without the guard; returns the orders that it touched.

        HSA then has what the records say.
        """
        touched = self.apply(self.plan(*records, day=day, **options).operations, day)
        for own in records:
            for row in own.staff.people:
                self.in_hsa.setdefault(row.number, {})[own.id] = row.protected
        return touched

    def remember(self, *records: Record, day: dt.date = TODAY) -> None:
        """Have a run on the day, which puts everything in effect, remembered."""
        self.memory = replace(self.memory, key="00")
        facts = self.desired(*records, day=day).facts
        self.memory = Memory("00", facts, {record.id: day for record in records})

    def apply(self, operations: Iterable[Operation], day: dt.date = TODAY) -> list[Order]:
        """Do as the ledger does."""
        touched = []
        for operation in operations:
            said = {change.attribute: change.add for change in operation.changes}
            if operation.action == "add":
                order = orders.of_entry(Entry(operation.dn, said))
                assert order.key not in self.held
                order = replace(order, wanted_on=day)
            else:
                assert set(said) == {"state"}
                order = self.held[orders.key_of(operation.dn)]
                assert order.state == "wanted"
                order = replace(order, state=said["state"][0])  # type: ignore[arg-type]
            self.held[order.key] = order
            touched.append(order)
        return touched

    def answer(self, state: str, /, *, code: str = "", **of: str) -> None:
        """A receipt for the orders that have left, all or those of a kind, object or subject."""
        for key, order in self.held.items():
            is_meant = all(getattr(order, name) == value for name, value in of.items())
            if order.state == "ordered" and is_meant:
                answer = {"code": code} if code else {}
                self.held[key] = replace(order, state=state, answer=answer)  # type: ignore[arg-type]

    def thin(self) -> None:
        """Take away the particulars of closed orders, as the ledger does long after.

        What was given, and no order that was done follows, stays: changes are told from it.
        """
        overtaken: set[str] = set()
        for order in self.held.values():
            key = order.follows if order.state == "done" else ""
            while key:
                overtaken.add(key)
                key = self.held[key].follows
        for key, order in self.held.items():
            is_over = order.kind in TAKES or key in overtaken
            if order.state in ("refused", "cancelled") or (order.state == "done" and is_over):
                self.held[key] = replace(order, particulars={})

    # --- looking ---------------------------------------------------------------------------------

    def findings(self, *records: Record, **options: Any) -> list[tuple[str, str]]:
        """(code, object) of every finding."""
        found = self.desired(*records, **options).findings
        return [(finding.code, finding.object) for finding in found]


def told(found: Iterable[Order], *kinds: str) -> list[tuple[str, str, str]]:
    """(kind, object, state) of orders, of some kinds if any are named."""
    return sorted((o.kind, o.object, o.state) for o in found if not kinds or o.kind in kinds)


def of_kind(found: Iterable[Order], *kinds: str) -> list[Order]:
    """The orders of some kinds."""
    return [order for order in found if order.kind in kinds]


def one(found: Iterable[Order], kind: str) -> Order:
    """The one order of a kind."""
    (order,) = of_kind(found, kind)
    return order
