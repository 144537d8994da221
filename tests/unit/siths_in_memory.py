# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders of SITHS cards in memory: bring them in line with records, and answer them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.orders import desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import (
    Order,
    State,
    entry,
    key_of,
    of_entry,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Plan,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Finding,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Decisions, Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Memory
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    decided,
    natural_people,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import LAYOUT, TODAY, approved


class Siths:
    """A ledger of card orders, with everybody in HSA; `people` overrides who somebody is there.

    `people` are fields of Identified, by the person's number; `holds` the decisions beside the
    records. `keys` is what HSA's entries tell of records that cannot be read: by number, each
    provider that had the person when its record was read last, and whether it hid the identity.
    `secret` is the ledger's, for the numbers of orders.
    """

    def __init__(self, rules: Rules = Rules()) -> None:  # noqa: B008 - it is frozen
        self.rules = rules
        self.orders: dict[str, Order] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.unread: str | None = None
        self.holds: tuple[Hold, ...] = ()
        self.keys: dict[str, dict[str, bool]] = {}
        self.secret = ""

    # --- the pipe --------------------------------------------------------------------------------

    def identities(
        self, records: Iterable[Record], day: dt.date, invalid: Iterable[str] = ()
    ) -> Identities:
        """Who everybody is: an HSA-id after the person's number."""
        decisions, unreadable = Decisions(self.holds), frozenset(invalid)
        return Identities(
            tuple(
                Identified(
                    decided(person, [hsa_id(person.number)], decisions),
                    **{
                        "ids": (hsa_id(person.number),),
                        "hsa_id": hsa_id(person.number),
                        "entered": True,
                        **self._hidden(person.number, unreadable),
                        **self.people.get(person.number, {}),
                    },
                )
                for person in natural_people(tuple(records), day, LAYOUT.lead_days)
            ),
            self.unread,
        )

    def desired(
        self,
        *records: Record,
        day: dt.date = TODAY,
        invalid: Iterable[str] = (),
        failures: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> Desired:
        """The orders that the ledger must hold for the records."""
        memory = Memory(key=self.secret)
        everything = replace(approved(*records, invalid=invalid), memory=memory)
        held = [entry(order) for order in self.orders.values()]
        known = self.identities(records, day, invalid)
        return desire(everything, day, self.rules, held, known, failures, check)

    def plan(self, *records: Record, **options: Any) -> Plan:
        """What must change for the records."""
        desired = self.desired(*records, **options)
        return make_plan(desired.wanted, desired.attributes, desired.taken)

    def bring(self, *records: Record, day: dt.date = TODAY, **options: Any) -> list[Order]:
        """Carry out the whole plan; nothing may be left to do. Returns the orders that are new."""
        plan = self.plan(*records, day=day, **options)
        for operation in plan.operations:
            self._apply(operation, day)
        self._enter(records, day)
        left = self.plan(*records, day=day, **options).operations
        assert not left, left
        return [self.orders[key_of(op.dn)] for op in plan.operations if op.action == "add"]

    def findings(self, *records: Record, **options: Any) -> tuple[Finding, ...]:
        """All findings."""
        return self.desired(*records, **options).findings

    def codes(self, *records: Record, **options: Any) -> set[tuple[str, str, str]]:
        """(provider, code, object) of all findings."""
        found = self.findings(*records, **options)
        return {(finding.provider, finding.code, finding.object) for finding in found}

    def _apply(self, operation: Operation, day: dt.date) -> None:
        key = key_of(operation.dn)
        assert operation.action == "add"
        assert key not in self.orders
        values = {change.attribute: change.add for change in operation.changes}
        order = of_entry(Entry(operation.dn, values))
        assert order.state == "ordered"
        self.orders[key] = replace(order, wanted_on=day, ordered_on=day)

    def _enter(self, records: Iterable[Record], day: dt.date) -> None:
        """HSA's part of the run: who has whom, as far as the records can be read."""
        records = () if self.unread else tuple(records)
        for keys in self.keys.values():
            for one in records:
                keys.pop(one.id, None)
        for person in natural_people(records, day, LAYOUT.lead_days):
            for employment in person.current:
                keys = self.keys.setdefault(person.number, {})
                keys[employment.provider] = employment.row.protected

    def _hidden(self, number: str, unreadable: frozenset[str]) -> dict[str, Any]:
        """What HSA tells of the person for records that cannot be read."""
        keys = {} if self.unread else self.keys.get(number, {})
        return {
            "unreadable": unreadable & keys.keys(),
            "confidential": any(keys[provider] for provider in unreadable & keys.keys()),
        }

    # --- what comes back -------------------------------------------------------------------------

    def answer(self, order: Order, state: State, day: dt.date, **answer: str) -> Order:
        """A receipt, as the inbox applies it. Returns the order as it is then."""
        held = self.orders[order.key]
        names = {"sent": "sent_on", "active": "active_on", "done": "closed_on"}
        told = replace(
            held, state=state, answer={**held.answer, **answer},
            **{names.get(state, "closed_on"): day},
        )  # fmt: skip
        self.orders[order.key] = told
        if told.kind == "revocation" and state == "done":
            card = self.orders[told.follows]
            self.orders[card.key] = replace(card, state="done", closed_on=day)
        return told

    def activate(self, order: Order, day: dt.date, valid_to: str = "2031-03-31") -> Order:
        """The receipts of a card that was sent and activated on a day."""
        self.answer(order, "sent", day)
        number = f"9752{order.key.replace('-', '')[:8]}"
        return self.answer(order, "active", day, card_number=number, valid_to=valid_to)

    def thin(self, day: dt.date) -> None:
        """Forget all that closed orders hold. A card in force is closed once it has expired."""
        for key, order in self.orders.items():
            last = order.answer.get("valid_to", "")
            if order.state == "active" and last and last < str(day):
                order = replace(order, closed_on=dt.date.fromisoformat(last))
            if order.closed_on:
                self.orders[key] = replace(order, particulars={}, answer={})

    def issue(self, *records: Record, day: dt.date, valid_to: str = "2031-03-31") -> Order:
        """Bring about exactly one card, and activate it on the day."""
        (card,) = self.bring(*records, day=day)
        assert card.kind == "card"
        return self.activate(card, day, valid_to)


def hsa_id(number: str) -> str:
    """The HSA-id of whoever has the number."""
    return f"SE2321000214-P{int(number):X}"


def acts(orders: Iterable[Order]) -> list[tuple[str, str, str]]:
    """(kind, cause, provider) of orders."""
    return sorted((order.kind, order.cause, order.provider) for order in orders)
