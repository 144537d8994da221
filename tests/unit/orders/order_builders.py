# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders for tests, from as few words as a test needs."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import (
    ATTRIBUTES,
    Order,
    order_key,
    wanted,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.book import OrderBook
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.outbox import Outbox
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import Report
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number

Open = Callable[..., Ledger]
LEFT = TODAY - dt.timedelta(days=30)
HEADINGS = (
    "Beställningsnummer;Status;Datum;Kortnummer;Giltigt till;Utfärdare;Serienummer;SKI;Kod;"
    "Id-administratörer"
)
VALID_TO = "2031-03-01"
CERTIFICATE = {"issuer": "CN=CA", "serial": "0A", "ski": ""}
ANNA, BO = "SE2321000214-A", "SE2321000214-B"


def key(name: str) -> str:
    """The key of the order that a test calls by this name."""
    return order_key("test", name)


def card(name: str = "card", **changes: Any) -> Order:
    """An order for a card, complete, that leaves at once."""
    particulars = {
        "personal_number": number(1),
        "number_kind": "personnummer",
        "hsa_id": changes.get("object", ANNA),
        "given_name": "Anna",
        "middle_name": None,
        "surname": "Ek",
        "unit": "Hälsocentralen Åre",
        "provider_name": "Fjällhälsan AB",
        "photo": True,
        "office": "Östersund",
        "ordered_by": "Cecilia Ask",
        "first_day": "2026-04-01",
        "id_administrators": 1,
        "kur": False,
        "delivery": "registered_address",
    }
    values: dict[str, Any] = {
        "key": key(name),
        "kind": "card",
        "recipient": "ra_organisation",
        "provider": "fjallhalsan",
        "object": ANNA,
        "subject": "ordinary",
        "cause": "first",
        "level": 3,
        "state": "ordered",
        "particulars": particulars,
    }
    return Order(**(values | changes))


def revocation(of: str = "card", **changes: Any) -> Order:
    """An order to revoke the card that a test calls by this name."""
    values: dict[str, Any] = {
        "key": key(f"revocation of {of}"),
        "kind": "revocation",
        "cause": "left",
        "follows": key(of),
        "particulars": {"hsa_id": ANNA, "reason": "left"},
    }
    return card(**(values | changes))


def join(name: str = "join", **changes: Any) -> Order:
    """An order for a user of a system."""
    values: dict[str, Any] = {
        "key": key(name),
        "kind": "join",
        "recipient": "systemforvaltning",
        "subject": "ekg_data",
        "cause": "",
        "level": 0,
        "due": TODAY + dt.timedelta(days=30),
        "particulars": {"hsa_id": ANNA, "given_name": "Anna", "surname": "Ek"},
    }
    return card(**(values | changes))


def run(day: dt.date = TODAY, name: str = "run-1") -> Run:
    """A run of a day."""
    return Run(name, "anna@controller", day)


def plan(new: Iterable[Order], held: Sequence[Entry] = ()) -> tuple[Operation, ...]:
    """The operations that make these orders; one that is held gets this state."""
    entries = {orders.key_of(entry.dn): entry for entry in held}
    asked = [wanted(order, entries.get(order.key)) for order in new]
    return make_plan(asked, ATTRIBUTES).operations


def anybody(_order: Order) -> bool:
    """Nobody is hidden."""
    return True


def nobody(_order: Order) -> bool:
    """Everybody may be hidden."""
    return False


def make(ledger: Ledger, outbox: Path, new: Sequence[Order], system: Any = "siths") -> OrderBook:
    """Make orders as a run does: read, plan, apply. All of it must succeed."""
    book = OrderBook(ledger, system, Outbox(outbox))
    book.deliver(anybody)
    assert book.apply(plan(new, book.read())) == {}
    return book


def held(ledger: Ledger, outbox: Path, system: Any = "siths") -> dict[str, Order]:
    """The orders that the ledger holds, by key."""
    book = OrderBook(ledger, system, Outbox(outbox))
    return {order.key: order for order in map(orders.of_entry, book.read())}


def files(directory: Path) -> dict[str, bytes]:
    """All files below a directory: content by relative path."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def ordered(opened: Open, inbox: Path, *orders: Order, system: Any = "siths") -> None:
    """Have the ledger hold orders that left a month ago."""
    make(opened(run(LEFT, "run-0")), inbox.parent / "outbox", orders, system)


def line(name: str = "card", state: str = "aktiv", day: str = "2026-02-20", **more: str) -> str:
    """A line about the order that a test calls by this name."""
    known = {"number": "1234", "valid_to": VALID_TO} if state == "aktiv" else {}
    fields = ("number", "valid_to", "issuer", "serial", "ski", "code", "administrators")
    values = {**known, **more}
    return ";".join([key(name), state, day, *(values.get(each, "") for each in fields)])


def leave(
    inbox: Path, *lines: str, name: str = "svar.csv", recipient: str = "ra_organisation"
) -> Path:
    """Leave an answer file in the folder of a recipient."""
    path = inbox / recipient / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text("\n".join([HEADINGS, *lines, ""]), encoding="utf-8")
    return path


def asked(report: Report) -> frozenset[str]:
    """The hashes that a report asks a person to confirm by."""
    reasons = "\n".join(rejected.reason for rejected in report.rejected)
    return frozenset(re.findall("-e receipts_expected=([0-9a-f]{16})", reasons))
