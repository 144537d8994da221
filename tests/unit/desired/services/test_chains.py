# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of orders: what follows what, whatever the matter is."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.chains import (
    Draft,
    Wish,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, make_plan
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)


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


def test_what_waits_for_another_order_than_before_is_made_anew() -> None:
    held = settle([], wish(needs=("AAAA",)))
    held = settle(held, wish(needs=("BBBB",)))
    assert states(held) == [("connection", "cancelled"), ("connection", "wanted")]
    assert [order.needs for order in held] == [("AAAA",), ("BBBB",)]
    assert held[1].follows == held[0].key


def test_an_end_waits_for_nothing() -> None:
    held = settle([], wish())
    held = settle(held, wish(needs=("AAAA",), last=TOMORROW))
    assert states(held) == [("connection", "ordered"), ("terminate", "ordered")]
    assert held[1].needs == ()


def test_once_both_ends_have_passed_the_day_is_changed_no_more() -> None:
    held = settle(settle([], wish()), wish(last=YESTERDAY - dt.timedelta(days=5), is_wanted=False))
    assert settle(held, wish(last=YESTERDAY, is_wanted=False)) == held


def test_what_is_ended_is_not_changed_any_more() -> None:
    ended = {"last": YESTERDAY, "is_wanted": False}
    held = settle(settle([], wish()), wish(**ended))
    assert settle(held, wish(**ended, terms="other")) == held


def test_what_still_lasts_is_changed_though_its_end_is_ordered() -> None:
    held = settle(settle([], wish()), wish(last=TOMORROW))
    held = settle(held, wish(last=TOMORROW, terms="other"))
    assert [order.kind for order in held] == ["connection", "terminate", "change"]
    assert settle(held, wish(last=TOMORROW, terms="other")) == held


def test_what_was_let_go_together_with_its_end_is_let_go_by_the_next_run() -> None:
    waiting = settle([], wish(waits=True))
    both = settle(waiting, wish(last=TOMORROW))
    assert states(both) == [("connection", "ordered"), ("terminate", "ordered")]
    assert settle([waiting[0], both[1]], wish(last=TOMORROW)) == both


def test_what_was_replaced_is_cancelled_by_the_next_run() -> None:
    waiting = settle([], wish(waits=True))
    both = settle(waiting, wish(waits=True, terms="other"))
    assert states(both) == [("connection", "cancelled"), ("connection", "wanted")]
    assert settle([waiting[0], both[1]], wish(waits=True, terms="other")) == both


def test_of_two_that_follow_one_order_the_one_that_was_not_cancelled_counts() -> None:
    first = settle([], wish(waits=True))
    for term in ("a", "b", "c", "d"):
        replaced = settle(first, wish(waits=True, terms=term))
        past = [replace(order, state="cancelled") for order in replaced]
        other = settle(first, wish(waits=True, terms="other"))
        held = [*other, past[1]]
        assert settle(held, wish(waits=True, terms="other")) == held


def test_a_wish_is_settled_once() -> None:
    assert states(settle([], wish(), wish())) == [("connection", "ordered")]


def test_what_was_told_last_is_what_changes_are_told_from() -> None:
    held = settle(settle(settle([], wish()), wish(last=TOMORROW)), wish())
    assert [order.cause for order in held] == ["", "", "end_withdrawn"]
    thinned = [replace(order, particulars={}) for order in held[:-1]] + held[-1:]
    assert settle(thinned, wish()) == thinned
    changed = settle(thinned, wish(particulars={"unit": "Söder"}))
    assert [order.kind for order in changed[3:]] == ["change"]


def test_an_hsa_id_in_other_letters_is_the_same_object() -> None:
    upper, lower = wish(object="SE2321000214-P1"), wish(object="se2321000214-p1")
    held = settle([], upper)
    assert settle(held, lower) == held
    keys = [settle(held, replace(one, terms="other"))[-1].key for one in (upper, lower)]
    assert keys[0] == keys[1]


def test_an_extension_stays_itself_when_its_kind_changes() -> None:
    one = wish(object="e-1", subject="fast_ip_anknytning", gives="extension")
    held = settle(settle([], one), replace(one, subject="mobil_anknytning_1gb"))
    assert [order.kind for order in held] == ["extension", "change"]
