# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of orders that the ledger holds, also after runs that were not finished."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.wish_builders import (
    settle,
    states,
    wish,
)

TOMORROW = TODAY + dt.timedelta(days=1)


def test_what_waits_for_another_order_than_before_is_made_anew() -> None:
    held = settle([], wish(needs=("AAAA",)))
    held = settle(held, wish(needs=("BBBB",)))
    assert states(held) == [("connection", "cancelled"), ("connection", "wanted")]
    assert [order.needs for order in held] == [("AAAA",), ("BBBB",)]
    assert held[1].follows == held[0].key


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
