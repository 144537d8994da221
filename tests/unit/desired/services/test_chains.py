# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of orders: what follows what, whatever the matter is."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.wish_builders import (
    settle,
    states,
    wish,
)

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)


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
