# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wishes for tests of chains of orders, and the ledger after runs that settle them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.chains import Wish
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.draft import Draft
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, make_plan
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY


def wish(**fields: Any) -> Wish:
    """A wish to be connected to something."""
    said: dict[str, Any] = {
        "provider": "alfa", "object": "x", "subject": "x", "recipient": "inera",
        "gives": "connection", "takes": "terminate", "particulars": {"unit": "Norr"},
    }  # fmt: skip
    return Wish(**{**said, **fields})


def settle(held: list[Order], *wishes: Wish, day: dt.date = TODAY) -> list[Order]:
    """The orders that the ledger holds after a run."""
    draft = Draft([orders.entry(order) for order in held], day, due_days=14)
    for one in wishes:
        draft.settle(one)
    found = {order.key: order for order in held}
    for operation in make_plan(draft.wanted, orders.ATTRIBUTES).operations:
        said = {change.attribute: change.add for change in operation.changes}
        key = orders.key_of(operation.dn)
        if operation.action == "add":
            found[key] = orders.of_entry(Entry(operation.dn, said))
        else:
            found[key] = replace(found[key], state=said["state"][0])  # type: ignore[arg-type]
    return list(found.values())


def states(held: list[Order]) -> list[tuple[str, str]]:
    """(kind, state) of orders."""
    return [(order.kind, order.state) for order in held]
