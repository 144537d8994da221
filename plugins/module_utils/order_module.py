# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of orders share: the order book as a system of the pipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ansible.module_utils.basic import AnsibleModule

from .system_module import Desire, run
from .systems.order_book import OrderBook
from .systems.outbox import Outbox

# The options of the doc fragment `orders`.
ORDER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "outbox": {"type": "path", "required": True},
    "protected_outbox": {"type": "path"},
}


def run_orders(module: AnsibleModule, system: Literal["siths", "services"], desire: Desire) -> None:
    """Carry out the pipe for the orders of a system and leave the module.

    Plan hashes are keyed with the password that reads HSA, as they are by every system's own.
    """
    protected = module.params["protected_outbox"]
    outbox = Outbox(Path(module.params["outbox"]), Path(protected) if protected else None)
    run(
        module,
        system,
        module.params["hsa_bind_password"],
        lambda ledger: OrderBook(ledger, system, outbox),
        desire,
        lambda book: book.undelivered,
    )
