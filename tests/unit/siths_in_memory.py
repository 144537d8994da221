# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders of SITHS cards in memory: bring them in line with records, and answer them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa_identities import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths import Rules, desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import (
    Order,
    State,
    entry,
    key_of,
    of_values,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Operation,
    Plan,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Finding,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import (
    Decisions,
    Hold,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    decided,
    natural_people,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import LAYOUT, TODAY, approved


class Siths:
    """A ledger of card orders, with everybody in HSA; `people` overrides who somebody is there.

    `people` are fields of Identified, by the person's number; `holds` the decisions beside the
    records.
    """

    def __init__(self, rules: Rules = Rules()) -> None:  # noqa: B008 - it is frozen
        self.rules = rules
        self.orders: dict[str, Order] = {}
        self.people: dict[str, dict[str, Any]] = {}
        self.unread: str | None = None
        self.holds: tuple[Hold, ...] = ()

    # --- the pipe --------------------------------------------------------------------------------

    def identities(self, records: Iterable[Record], day: dt.date) -> Identities:
        """Who everybody is: an HSA-id after the person's number."""
        decisions = Decisions(self.holds)
        return Identities(
            tuple(
                Identified(
                    decided(person, [hsa_id(person.number)], decisions),
                    **{
                        "ids": (hsa_id(person.number),),
                        "hsa_id": hsa_id(person.number),
                        "entered": True,
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
        everything = approved(*records, invalid=invalid)
        held = [entry(order) for order in self.orders.values()]
        known = self.identities(records, day)
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
        values = {change.attribute: change.add for change in operation.changes}
        if operation.action == "add":
            assert key not in self.orders
            order = replace(of_values(operation.dn, values), wanted_on=day)
        else:
            assert set(values) == {"state"}
            assert self.orders[key].state == "wanted"
            order = replace(self.orders[key], state=values["state"][0])  # type: ignore[arg-type]
        names = {"ordered": "ordered_on", "cancelled": "closed_on"}
        dated = {names[order.state]: day} if order.state in names else {}
        self.orders[key] = replace(order, **dated)

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
