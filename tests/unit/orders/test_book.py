# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order book: orders in the ledger and batches in the outbox, on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.book import OrderBook
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.outbox import Outbox
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.killing import Killer
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    anybody,
    card,
    files,
    held,
    join,
    key,
    make,
    nobody,
    plan,
    revocation,
    run,
)

Open = Callable[..., Ledger]
TOMORROW = TODAY + dt.timedelta(days=1)


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def batches(outbox: Path) -> list[dict[str, Any]]:
    """All batches that lie in an outbox."""
    return [json.loads(text) for name, text in files(outbox).items() if name.endswith(".json")]


def left(outbox: Path) -> Counter[str]:
    """How often each order's key lies in an outbox."""
    return Counter(order["order"] for batch in batches(outbox) for order in batch["orders"])


def test_an_order_that_leaves_at_once_is_in_the_ledger_and_in_the_outbox(
    opened: Open, outbox: Path
) -> None:
    make(opened(), outbox, [card()])
    made = replace(card(), wanted_on=TODAY, ordered_on=TODAY)
    assert held(opened(), outbox) == {made.key: made}
    assert left(outbox) == {made.key: 1}


def test_all_of_an_order_is_read_again(opened: Open, outbox: Path) -> None:
    order = join(
        follows=key("before"),
        needs=(key("a"), key("b")),
        protected=True,
        state="wanted",
        particulars={"surname": "Åström", "count": 2, "kur": True, "unit": None},
    )
    make(opened(), outbox, [order], "services")
    assert held(opened(), outbox, "services") == {order.key: replace(order, wanted_on=TODAY)}


def test_the_orders_of_one_system_are_not_the_others(opened: Open, outbox: Path) -> None:
    make(opened(), outbox, [card()])
    make(opened(), outbox, [join()], "services")
    assert set(held(opened(), outbox)) == {card().key}
    assert set(held(opened(), outbox, "services")) == {join().key}


def test_one_that_waits_stays_until_it_leaves_with_a_later_runs_batch(
    opened: Open, outbox: Path
) -> None:
    waiting = card(state="wanted")
    make(opened(), outbox, [waiting])
    assert batches(outbox) == []
    make(opened(run(TOMORROW, "run-2")), outbox, [replace(waiting, state="ordered")])
    (batch,) = batches(outbox)
    assert (batch["created"], batch["orders"][0]["details"]["surname"]) == ("2026-03-03", "Ek")
    (order,) = held(opened(), outbox).values()
    assert (order.state, order.wanted_on, order.ordered_on) == ("ordered", TODAY, TOMORROW)


def test_one_that_waits_can_be_cancelled_and_never_leaves(opened: Open, outbox: Path) -> None:
    waiting = card(state="wanted")
    make(opened(), outbox, [waiting])
    make(opened(run(TOMORROW, "run-2")), outbox, [replace(waiting, state="cancelled")])
    (order,) = held(opened(), outbox).values()
    assert (order.state, order.ordered_on, order.closed_on) == ("cancelled", None, TOMORROW)
    assert batches(outbox) == []


def test_orders_leave_by_recipient_and_protected_peoples_by_themselves(
    opened: Open, outbox: Path
) -> None:
    some = [join("a"), join("b", recipient="telia"), join("c", protected=True), join("d")]
    make(opened(), outbox, some, "services")
    assert {
        (str(Path(name).parent), *sorted(order["order"] for order in json.loads(text)["orders"]))
        for name, text in files(outbox).items()
        if name.endswith(".json")
    } == {
        ("systemforvaltning", *sorted([key("a"), key("d")])),
        ("telia", key("b")),
        ("skyddade/systemforvaltning", key("c")),
    }


def test_a_second_plan_of_the_same_run_leaves_in_a_batch_of_its_own(
    opened: Open, outbox: Path
) -> None:
    book = make(opened(), outbox, [card("one")])
    make(opened(), outbox, [card("one"), card("two")])
    assert book.undelivered == {}
    assert left(outbox) == {key("one"): 1, key("two"): 1}
    assert len(batches(outbox)) == 2


def test_a_key_that_is_taken_is_a_failure_of_that_order_alone(opened: Open, outbox: Path) -> None:
    late = plan([card("one", object=BO), card("two")])
    make(opened(), outbox, [card("one")])
    book = OrderBook(opened(run(name="run-2")), "siths", Outbox(outbox))
    failed = book.apply(late)
    assert [(op.key, why) for op, why in failed.items()] == [
        (key("one"), "there is an order with this key already; run again")
    ]
    assert left(outbox) == {key("one"): 1, key("two"): 1}
    assert held(opened(), outbox)[key("one")].object == ANNA


@pytest.mark.parametrize("then", ["ordered", "cancelled"])
def test_a_state_that_somebody_else_changed_is_not_changed_again(
    opened: Open, outbox: Path, then: Any
) -> None:
    waiting = card(state="wanted")
    book = make(opened(), outbox, [waiting])
    late = plan([replace(waiting, state="ordered")], book.read())
    make(opened(run(name="run-2")), outbox, [replace(waiting, state=then)])
    before = files(outbox), held(opened(), outbox)
    failed = OrderBook(opened(run(name="run-3")), "siths", Outbox(outbox)).apply(late)
    assert list(failed.values()) == ["somebody else changed the order at the same time; run again"]
    assert (files(outbox), held(opened(), outbox)) == before


def test_an_order_that_has_left_is_never_changed(opened: Open, outbox: Path) -> None:
    book = make(opened(), outbox, [card()])
    failed = book.apply(plan([card(state="cancelled")], book.read()))
    assert list(failed.values()) == ["an order that has left is not changed"]
    assert held(opened(), outbox)[card().key].state == "ordered"


def test_a_second_run_writes_nothing(opened: Open, outbox: Path) -> None:
    make(opened(), outbox, [card(), revocation()])
    before = files(outbox)
    book = OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox))
    assert plan([card(), revocation()], book.read()) == ()
    assert files(outbox) == before


# --- the outbox ----------------------------------------------------------------------------------


def test_a_batch_that_could_not_be_written_is_told_and_written_by_the_next_run(
    opened: Open, outbox: Path
) -> None:
    outbox.write_text("in the way")
    book = make(opened(), outbox, [card("one"), card("two", provider="dalavagen")])
    assert set(book.undelivered) == {"fjallhalsan", "dalavagen"}
    assert "Not a directory" in book.undelivered["dalavagen"]
    again = OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox))
    again.deliver(anybody)
    assert set(again.undelivered) == {"fjallhalsan", "dalavagen"}
    outbox.unlink()
    again.deliver(anybody)
    assert again.undelivered == {}
    assert left(outbox) == {key("one"): 1, key("two"): 1}
    assert batches(outbox)[0]["created"] == "2026-03-02"


def test_a_batch_that_is_marked_is_not_written_again(opened: Open, outbox: Path) -> None:
    make(opened(), outbox, [card()])
    fetched = next(outbox.rglob("*.json"))
    fetched.unlink()
    OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox)).deliver(anybody)
    assert not fetched.exists()


def test_a_batch_whose_mark_was_lost_is_written_alike_whatever_has_come_of_its_orders(
    opened: Open, outbox: Path
) -> None:
    make(opened(), outbox, [card()])
    before = files(outbox)
    ledger = opened()
    with ledger.transaction() as connection:
        connection.execute(ledger.batches.update().values(written=None))
        values = {"state": "sent", "sent_on": TOMORROW.isoformat()}
        connection.execute(ledger.orders.update().values(values))
    book = OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox))
    book.deliver(anybody)
    assert book.undelivered == {}
    assert files(outbox) == before


def test_a_batch_in_the_outbox_that_the_ledger_does_not_know_is_a_stray(
    opened: Open, outbox: Path, tmp_path: Path
) -> None:
    make(opened(), outbox, [card(), card("bo", object=BO, protected=True)])
    mine = OrderBook(opened(), "siths", Outbox(outbox))
    assert mine.strays() == frozenset()
    lying = {path.stem for path in outbox.rglob("*.json")}
    with Ledger(None, tmp_path / "other", run()) as other:
        assert OrderBook(other, "siths", Outbox(outbox)).strays() == lying
        assert len(lying) == 2
        # What recipients leave there is theirs.
        for path in outbox.rglob("2*.*"):
            path.rename(path.with_name(f"done {path.name}"))
        assert OrderBook(other, "siths", Outbox(outbox)).strays() == frozenset()


def test_check_mode_reads_and_writes_nothing(opened: Open, outbox: Path) -> None:
    outbox.write_text("in the way")
    make(opened(), outbox, [card()])
    outbox.unlink()
    book = OrderBook(opened(check=True), "siths", Outbox(outbox))
    book.deliver(anybody)
    assert [orders.key_of(entry.dn) for entry in book.read()] == [card().key]
    assert not outbox.exists()


def test_check_mode_tells_of_a_batch_that_was_not_written(opened: Open, outbox: Path) -> None:
    outbox.write_text("in the way")
    make(opened(), outbox, [card("one"), card("two", provider="dalavagen")])
    outbox.unlink()
    checked = OrderBook(opened(check=True), "siths", Outbox(outbox))
    checked.deliver(anybody)
    OrderBook(opened(), "siths", Outbox(outbox)).deliver(anybody)
    (batch,) = batches(outbox)
    reason = f"batch {batch['batch']} was not written to the outbox"
    assert checked.undelivered == {"fjallhalsan": reason, "dalavagen": reason}
    checked.deliver(anybody)
    assert checked.undelivered == {}


def test_particulars_lie_under_a_name_that_tells_nothing(opened: Open, outbox: Path) -> None:
    make(opened(), outbox, [card("one"), card("two")])
    ledger = opened()
    with ledger.reading() as connection:
        rows = [tuple(row) for row in connection.execute(ledger.orders.select())]
        sides = connection.execute(ledger.particulars.select()).all()
    assert len({side.pseudonym for side in sides}) == 2
    assert not any(number(1) in str(value) or value == "Ek" for row in rows for value in row)
    assert number(1) in sides[0].content


# --- who is protected by the time that a batch is written ----------------------------------------


def left_over(opened: Open, outbox: Path, *made: Order, system: Any = "siths") -> OrderBook:
    """A later run's book, of orders whose batch could not be written."""
    outbox.write_text("in the way")
    make(opened(), outbox, made, system)
    outbox.unlink()
    return OrderBook(opened(run(TOMORROW, "run-2")), system, Outbox(outbox))


def folders(outbox: Path) -> dict[str, set[str]]:
    """The orders that lie in each folder of an outbox, which hold the same as JSON and as CSV."""
    found: dict[str, set[str]] = {}
    for path in outbox.rglob("*.json"):
        keys = {order["order"] for order in json.loads(path.read_bytes())["orders"]}
        text = path.with_suffix(".csv").read_text(encoding="utf-8")
        assert all(key in text for key in keys)
        found.setdefault(str(path.parent.relative_to(outbox)), set()).update(keys)
    return found


def test_a_batch_that_was_left_goes_to_the_protected_folder_with_whom_a_record_protects_now(
    opened: Open, outbox: Path
) -> None:
    book = left_over(opened, outbox, card("anna"), card("bo", object=BO))
    book.deliver(lambda order: order.object != BO)
    assert book.undelivered == {}
    assert folders(outbox) == {"skyddade/ra_organisation": {key("anna"), key("bo")}}
    # It stays where it is, whoever is protected afterwards.
    before = files(outbox)
    for hidden in (anybody, nobody):
        forget_marks(opened())
        OrderBook(opened(run(TOMORROW, "run-3")), "siths", Outbox(outbox)).deliver(hidden)
        assert files(outbox) == before


def test_each_batch_that_was_left_goes_by_what_it_holds(opened: Open, outbox: Path) -> None:
    phone = join("phone", kind="extension", recipient="telia", particulars={"unit": "Åre"})
    book = left_over(opened, outbox, phone, join("anna"), system="services")
    book.deliver(lambda order: order.key != key("anna"))
    assert folders(outbox) == {
        "telia": {key("phone")},
        "skyddade/systemforvaltning": {key("anna")},
    }


def test_orders_of_the_run_leave_as_it_made_them(opened: Open, outbox: Path) -> None:
    book = OrderBook(opened(), "siths", Outbox(outbox))
    book.deliver(nobody)
    book.apply(plan([card("one"), card("two", object=BO, protected=True)]))
    assert folders(outbox) == {
        "ra_organisation": {key("one")},
        "skyddade/ra_organisation": {key("two")},
    }


def test_a_batch_that_lies_in_the_open_is_not_written_again(opened: Open, outbox: Path) -> None:
    make(opened(), outbox, [card()])
    before = files(outbox)
    forget_marks(opened())
    book = OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox))
    book.deliver(nobody)
    assert (book.undelivered, files(outbox)) == ({}, before)


@pytest.mark.parametrize("lost", ["json", "csv"])
def test_a_batch_of_which_half_lies_in_the_open_is_completed_where_nobody_else_reads_it(
    opened: Open, outbox: Path, lost: str
) -> None:
    make(opened(), outbox, [card()])
    (half,) = outbox.rglob(f"*.{lost}")
    half.unlink()
    forget_marks(opened())
    OrderBook(opened(run(TOMORROW, "run-2")), "siths", Outbox(outbox)).deliver(nobody)
    assert not half.exists()
    assert len(list((outbox / "skyddade").rglob("2*.*"))) == 2


def forget_marks(ledger: Ledger) -> None:
    """As it is when a run was killed before it could mark what it had written."""
    with ledger.transaction() as connection:
        connection.execute(ledger.batches.update().values(written=None))


# --- kills ---------------------------------------------------------------------------------------

KILLS = 30
PER_RUN = 20


def wanted_by(round_: int) -> list[Order]:
    """What is wanted after so many rounds: in each come some orders more."""
    return [
        card(
            str(position),
            recipient=("ra_organisation", "telia")[position % 2],
            protected=position % 5 == 0,
        )
        for position in range((round_ + 1) * PER_RUN)
    ]


def provision(ledger_url: str | None, directory: Path, round_: int) -> None:
    """What a run does: what is missing is made, every third to wait, and what waits leaves."""
    with Ledger(ledger_url, directory / "state", run(name=f"run-{round_}")) as ledger:
        book = OrderBook(ledger, "siths", Outbox(directory / "outbox"))
        with ledger.exclusive(book.name):
            book.deliver(anybody)
            entries = book.read()
            known = {orders.key_of(entry.dn) for entry in entries}
            asked = [
                replace(order, state="wanted" if place % 3 == 0 else "ordered")
                if order.key not in known
                else order
                for place, order in enumerate(wanted_by(round_))
            ]
            book.apply(plan(asked, entries))


def has_unwritten(ledger: Ledger) -> bool:
    """Whether a batch is committed that is not marked as written."""
    with ledger, ledger.reading() as connection:
        query = ledger.batches.select().where(ledger.batches.c.written.is_(None))
        return connection.execute(query).first() is not None


def test_runs_that_are_killed_make_every_order_exactly_once(
    ledgers: Ledgers, tmp_path: Path
) -> None:
    killer, kills, unwritten, round_ = Killer(0.2, 0.01), 0, 0, 0
    provision(ledgers.url, tmp_path, round_)
    # Some must be killed between the ledger and the outbox.
    while kills < KILLS or not unwritten:
        round_ += 1
        kills += killer.kill(partial(provision, ledgers.url, tmp_path, round_))
        unwritten += has_unwritten(ledgers.open(check=True))
    provision(ledgers.url, tmp_path, round_)
    provision(ledgers.url, tmp_path, round_)

    keys = {order.key for order in wanted_by(round_)}
    with Ledger(ledgers.url, tmp_path / "state", run(name="last")) as ledger:
        found = held(ledger, tmp_path / "outbox")
    assert {order.state for order in found.values()} == {"ordered"}
    assert set(found) == keys
    assert left(tmp_path / "outbox") == dict.fromkeys(keys, 1)
    assert not list((tmp_path / "outbox").rglob(".*"))
