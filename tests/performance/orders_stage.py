# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders from records read to files written: prints {"seconds", "orders"} as JSON.

Run as a program: orders_stage.py PAYLOAD STATE_DIRECTORY OUTBOX RUN [LEDGER_URL]. It does what the
modules siths_orders and service_orders do, but for the read of HSA, whose speed is the directory's:
people's ids are given. Imports are not timed.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services import (
    orders as services,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import (
    Rules as ServiceRules,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths import orders as siths
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import (
    Rules as CardRules,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.book import OrderBook
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.outbox import Outbox
from ansible_collections.regionjh.halsoval.plugins.module_utils.records import payload
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import natural_people

DAY = dt.date(2026, 3, 2)
LEAD_DAYS = 56


def main(records: str, state: str, outbox: str, run: str, url: str | None = None) -> None:
    """Time the whole of it."""
    began = time.perf_counter()
    approved = payload.read(records)
    people = natural_people(approved.records, DAY, LEAD_DAYS)
    ids = [f"SE2321000214-HV{number:06d}" for number in range(len(people))]
    known = Identities(
        tuple(Identified(p, (i,), i, True) for p, i in zip(people, ids, strict=True))
    )
    request = Request(
        providers=tuple(record.id for record in approved.records), expected=frozenset(),
        known=frozenset(record.id for record in approved.records), invalid=frozenset(),
        secret=b"secret", check=False, diff=False, title="orders",
    )  # fmt: skip
    with Ledger(url, Path(state), Run(run, "bench@controller", DAY)) as ledger:
        files = Outbox(Path(outbox))
        results = [
            provision(
                OrderBook(ledger, "siths", files),
                lambda held: siths.desire(approved, DAY, CardRules(), held, known, None, False),
                request, ledger,
            ),
            provision(
                OrderBook(ledger, "services", files),
                lambda held: services.desire(approved, DAY, ServiceRules(), held, known, None),
                request, ledger,
            ),
        ]  # fmt: skip
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "orders": sum(map(_added, results))}))


def _added(results: dict[str, dict[str, Any]]) -> int:
    failed = [own["msg"] for own in results.values() if own["failed"]]
    if failed:
        raise SystemExit(failed[0])
    return sum(own["counts"].get("added", 0) for own in results.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
