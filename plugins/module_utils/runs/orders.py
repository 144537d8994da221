# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of orders share: the order book as a system of the pipe."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

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
    """Carry out the pipe for the orders of a system and leave the module.

    Plan hashes are keyed with the password that reads HSA, as they are by every system's own.
    """
    protected = module.params["protected_outbox"]
    outbox = Outbox(Path(module.params["outbox"]), Path(protected) if protected else None)
    undelivered: dict[str, str] = {}

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        known = identities(module, approved, as_of, ledger)
        desired = desire(approved, as_of, held, known)
        book = OrderBook(ledger, system, outbox)
        witnesses = desired.witnesses.union(f"batch {batch}" for batch in book.strays())
        # Not before it is known who is hidden: a batch that was left may name somebody who is now.
        book.deliver(may_be_named(known, approved.invalid))
        undelivered.update(book.undelivered)
        return replace(desired, witnesses=witnesses)

    bring_in_line(
        module,
        system,
        module.params["hsa_bind_password"],
        lambda ledger: OrderBook(ledger, system, outbox),
        wish,
        lambda book: {**undelivered, **book.undelivered},
    )


def may_be_named(known: Identities, invalid: Collection[str]) -> Callable[[Order], bool]:
    """Whether an order may tell who the person is that it is about, as it did when it was made."""
    nameable = known.nameable(invalid)
    return lambda order: order.provider not in invalid and order.object.casefold() in nameable
