# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the records say and the card office answers, day after day: what must hold."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order, key_of
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import make_plan
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import natural_people
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    PASCAL,
    TODAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
)
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import Siths, hsa_id

# The first has a samordningsnummer.
_NUMBERS = (coordination_number(0), number(1), number(2))
_PHASES = ("operation", "operation", "operation", "establishment", "wind_down", "ended")
# Days from TODAY that something begins, ends or happens.
_offsets = st.sampled_from((-400, -60, -1, 0, 1, 30, 60, 120, 200, 400))
_wishes = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(("ordinary", "ordinary", "reserve", "mobile")),
        "loa": st.sampled_from((2, 3)),
    },
    optional={
        "lost": _offsets,
        "returned": _offsets,
        "anew": _offsets,
        "takes_over": st.sampled_from(("9752000000000001", "9752000000000002")),
    },
)
_assignments = st.fixed_dictionaries(
    {"since": _offsets}, optional={"to": _offsets, "halsoval": st.booleans()}
)
_rows = st.tuples(
    st.lists(_wishes, max_size=3),
    st.lists(_assignments, min_size=1, max_size=2),
    st.booleans(),  # protected
)
# A provider: its phase, and the rows of some of the people. None: the record cannot be read.
_providers = st.tuples(
    st.sampled_from(_PHASES), st.dictionaries(st.integers(0, 2), _rows, max_size=3)
)
_specs = st.fixed_dictionaries({"alfa": _providers, "beta": _providers})
_unreadable = st.sampled_from(((), (), (), ("alfa",), ("beta",)))
_unread = st.sampled_from((None, None, None, "HSA could not be read"))
# How many days pass before a step, and what answers the card office gives then.
_answers = st.lists(st.integers(0, 9), max_size=6)
_steps = st.lists(
    st.tuples(st.sampled_from((0, 1, 20, 100, 400)), _specs, _unreadable, _unread, _answers),
    min_size=1,
    max_size=6,
)


def _day(offset: int) -> str:
    return str(TODAY + dt.timedelta(days=offset))


def _dated(fields: dict[str, Any]) -> dict[str, Any]:
    days = ("since", "to", "lost", "returned", "anew")
    return {k: _day(v) if k in days else v for k, v in fields.items()}


def _records(specs: dict[str, Any], unreadable: tuple[str, ...] = ()) -> list[Record]:
    return [
        record(
            id,
            [
                person(
                    n,
                    *(assignment(systems=[PASCAL], **_dated(work)) for work in works),
                    cards=[_dated(wish) for wish in wishes],
                    protected=protected,
                    ref=f"p{n}",
                    **({"personnummer": None, "samordningsnummer": _NUMBERS[n]} if not n else {}),
                )
                for n, (wishes, works, protected) in sorted(rows.items())
            ],
            phase=phase,
        )
        for id, (phase, rows) in specs.items()
        if id not in unreadable
    ]


def _reply(siths: Siths, answers: list[int], day: dt.date) -> None:
    """What the card office answers on a day: each number picks an open order and its next state."""
    for answer in answers:
        is_open = ("ordered", "sent", "active")
        orders = [o for o in siths.orders.values() if o.state in is_open]
        waiting = [o for o in orders if o.kind == "card" or o.state == "ordered"]
        if not waiting:
            return
        order = waiting[answer % len(waiting)]
        if order.kind != "card":
            siths.answer(order, "refused" if answer >= 8 else "done", day)
        elif order.state == "ordered" and answer >= 8:
            siths.answer(order, "refused", day)
        elif order.state == "ordered":
            siths.answer(order, "sent", day)
        elif order.state == "sent":
            until = day + dt.timedelta(days=(150, 1000)[answer % 2])
            siths.answer(order, "active", day, card_number=order.key, valid_to=str(until))
        elif answer >= 8:
            siths.answer(order, "done", day)


def _play(steps: list[Any]) -> Any:
    """Runs of a ledger, one a step: (ledger, records, unreadable, day, new orders)."""
    siths, day = Siths(), TODAY
    for days, specs, unreadable, unread, answers in steps:
        day += dt.timedelta(days=days)
        _reply(siths, answers, day)
        records = _records(specs, unreadable)
        siths.unread = unread
        # It asserts that a second run plans nothing, and that no key is made twice.
        yield siths, records, unreadable, day, siths.bring(*records, day=day, invalid=unreadable)


@settings(max_examples=60)
@given(_steps)
def test_nobody_has_two_cards_of_a_kind_under_way_or_in_force(steps: list[Any]) -> None:
    for siths, records, unreadable, day, _new in _play(steps):
        rows = {(r.id, _hsa(p)) for r in records for p in r.staff.people}
        live = [order for who in map(hsa_id, _NUMBERS) for order in _live_of(siths, who, day)]
        times = Counter((o.object, o.subject, o.state == "active") for o in live)
        for (who, _kind, is_active), count in times.items():
            # What no record explains is left as it is.
            if not is_active or (not unreadable and {("alfa", who), ("beta", who)} <= rows):
                assert count == 1


@settings(max_examples=60)
@given(_steps)
def test_who_has_left_keeps_no_card_and_who_stays_loses_none(steps: list[Any]) -> None:
    had: dict[str, set[str]] = {}  # whom HSA has for each provider, since its record was read last
    for siths, records, unreadable, day, new in _play(steps):
        hidden = set().union(*(had.get(provider, ()) for provider in unreadable))
        if siths.unread:
            hidden = set(map(hsa_id, _NUMBERS)) if unreadable else set()
        else:
            had |= {one.id: _current([one], day) for one in records}
        current = _current(records, day)
        for order in new:
            if order.cause == "left":
                assert order.object not in current | hidden
            if order.kind == "card":
                assert order.object in current
        for one in natural_people(tuple(records), day, LAYOUT.lead_days):
            who, gone = (
                hsa_id(one.number),
                {e.provider for e in one.employments if e.state == "ended"},
            )
            if who not in current | hidden:
                assert not [o for o in _live_of(siths, who, day) if _holder(siths, o) in gone]


def _current(records: list[Record], day: dt.date) -> set[str]:
    people = natural_people(tuple(records), day, LAYOUT.lead_days)
    return {hsa_id(person.number) for person in people if person.current}


@settings(max_examples=60)
@given(_steps)
def test_neither_the_order_of_records_nor_that_of_orders_matters(steps: list[Any]) -> None:
    siths, day = Siths(), TODAY
    for days, specs, unreadable, unread, answers in steps:
        day += dt.timedelta(days=days)
        _reply(siths, answers, day)
        records = _records(specs, unreadable)
        siths.unread = unread
        other = _copy(siths, dict(reversed(siths.orders.items())))
        one = siths.desired(*records, day=day, invalid=unreadable)
        two = other.desired(*records[::-1], day=day, invalid=unreadable)
        assert {w.key: w.attributes for w in one.wanted} == {
            w.key: w.attributes for w in two.wanted
        }
        assert set(one.findings) == set(two.findings)
        assert one.holdings == two.holdings
        siths.bring(*records, day=day, invalid=unreadable)


@settings(max_examples=60)
@given(_steps, st.randoms(use_true_random=False))
def test_a_run_that_was_cut_short_comes_to_the_same_orders(steps: list[Any], random: Any) -> None:
    # Cards, revocations and takeovers of a run do not depend on each other's being made.
    for siths, records, unreadable, day, new in _play(steps):
        kept = {o.key for o in new if random.random() < 0.5}
        made = {o.key for o in new}
        left = {k: o for k, o in siths.orders.items() if k in kept or k not in made}
        cut = _copy(siths, left)
        again = cut.bring(*records, day=day, invalid=unreadable)
        assert {order.key for order in again} == made - kept
        assert cut.orders == siths.orders


@settings(max_examples=30)
@given(_specs)
def test_two_controllers_come_to_the_same_keys(specs: Any) -> None:
    plans = []
    for siths in (Siths(), Siths()):
        desired = siths.desired(*_records(specs))
        plan = make_plan(desired.wanted, desired.attributes, desired.taken)
        plans.append([key_of(operation.dn) for operation in plan.operations])
        # Another day, the same keys: the day is in none of them.
        later = Siths()
        tomorrow = later.desired(*_records(specs), day=TODAY + dt.timedelta(days=1))
        kept = {order.key: order.attributes["cause"] for order in tomorrow.wanted}
        for order in desired.wanted:
            assert kept.get(order.key, order.attributes["cause"]) == order.attributes["cause"]
    assert plans[0] == plans[1]


def _copy(siths: Siths, orders: dict[str, Order]) -> Siths:
    """The same region with other orders in the ledger."""
    copy = Siths()
    copy.orders, copy.unread = orders, siths.unread
    copy.keys = {number: dict(keys) for number, keys in siths.keys.items()}
    return copy


def _hsa(row: Any) -> str:
    return hsa_id(row.number)


def _revoked(siths: Siths, key: str) -> bool:
    return any(o.kind == "revocation" and o.follows == key for o in siths.orders.values())


def _live_of(siths: Siths, who: str, day: dt.date) -> list[Any]:
    return [
        order
        for order in siths.orders.values()
        if order.kind == "card" and order.object == who
        and order.state in ("ordered", "sent", "active")
        and (order.state != "active" or order.answer["valid_to"] >= str(day))
        and not _revoked(siths, order.key)
    ]  # fmt: skip


def _holder(siths: Siths, card: Any) -> str:
    held = card
    while True:
        after = [o for o in siths.orders.values() if o.kind == "takeover" and o.follows == held.key]
        if not after:
            return str(held.provider)
        held = after[0]
