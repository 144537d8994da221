# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of orders share: the order book as a system of the pipe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.people.contacts import hidden_words
from ..desired.people.identified import Identities
from ..engine.orders import Order
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..orders.book import OrderBook, OrderSystem
from ..orders.outbox import Outbox
from ..records.payload import Approved
from .identities import identities
from .system import bring_in_line

# The options of the doc fragment `orders`.
ORDER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "outbox": {"type": "path", "required": True},
    "protected_outbox": {"type": "path"},
}


OrderDesire = Callable[[Approved, dt.date, Sequence[Entry], Identities], Desired]


def bring_orders_in_line(module: AnsibleModule, system: OrderSystem, desire: OrderDesire) -> None:
    """Carry out the pipe for the orders of a system and leave the module."""
    protected = module.params["protected_outbox"]
    outbox = Outbox(Path(module.params["outbox"]), Path(protected) if protected else None)
    undelivered: dict[str, str] = {}

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        known = identities(module, approved, as_of, ledger)
        desired = desire(approved, as_of, held, known)
        book = OrderBook(ledger, system, outbox)
        witnesses = desired.witnesses.union(f"batch {batch}" for batch in book.strays())
        # Not before it is known who is hidden: a batch that was left may name somebody who is now.
        book.deliver(may_be_open(known, approved))
        undelivered.update(book.undelivered)
        return replace(desired, witnesses=witnesses)

    bring_in_line(
        module,
        system,
        lambda ledger: OrderBook(ledger, system, outbox),
        wish,
        lambda book: {**undelivered, **book.undelivered},
    )


def may_be_open(known: Identities, approved: Approved) -> Callable[[Order], bool]:
    """Whether an order tells of nobody whom anything hides, or may hide, by now."""
    nameable = known.nameable(approved.invalid)
    words = hidden_words(approved.records, known.hidden)

    def is_open(order: Order) -> bool:
        if any(word in str(said) for said in order.particulars.values() for word in words):
            return False
        if "hsa_id" not in order.particulars:
            return True  # it is about no person
        return order.provider not in approved.invalid and order.object.casefold() in nameable

    return is_open
