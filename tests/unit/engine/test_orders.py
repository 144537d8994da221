# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders as entries of a plan, and those that take something before the guard."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import (
    Case,
    Verdict,
    judge,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import (
    ATTRIBUTES,
    Numbers,
    Order,
    check_recipient,
    entry,
    key_of,
    of_entry,
    order_key,
    wanted,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Plan,
    make_plan,
)

_words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
_days = st.none() | st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
_orders = st.builds(
    Order,
    key=st.builds(order_key, _words),
    kind=_words, recipient=_words, provider=_words, object=_words,
    subject=st.just("") | _words, cause=st.just("") | _words, level=st.integers(0, 3),
    follows=st.just("") | _words, needs=st.lists(_words, max_size=2, unique=True).map(tuple),
    due=_days, protected=st.booleans(),
    state=st.sampled_from(["wanted", "ordered", "sent", "active", "done", "refused", "cancelled"]),
    particulars=st.dictionaries(_words, _words | st.integers() | st.booleans(), max_size=2),
)  # fmt: skip
_history = st.fixed_dictionaries(
    dict.fromkeys(("wanted_on", "ordered_on", "sent_on", "active_on", "closed_on"), _days)
    | {"answer": st.dictionaries(_words, _words, max_size=2)}
)


def order(**fields: Any) -> Order:
    plain: dict[str, Any] = {
        "key": order_key("siths", "SE1-P1", "card"), "kind": "card", "provider": "alfa",
        "recipient": "ra_organisation", "object": "SE1-P1", "state": "ordered",
        "particulars": {"surname": "Fjällström"},
    }  # fmt: skip
    return Order(**{**plain, **fields})


@given(_orders, _history)
def test_an_order_is_the_same_after_its_way_through_the_ledger(
    one: Order, history: dict[str, Any]
) -> None:
    held = replace(one, **history)
    assert of_entry(entry(held)) == held


@given(_orders)
def test_an_operation_holds_the_whole_order(one: Order) -> None:
    (operation,) = make_plan([wanted(one)], ATTRIBUTES).operations
    assert operation.action == "add"
    assert of_entry(Entry(operation.dn, {c.attribute: c.add for c in operation.changes})) == one


@given(st.lists(_words, min_size=1, max_size=3), st.lists(_words, min_size=1, max_size=3))
def test_a_key_is_as_good_as_what_it_is_made_of(one: list[str], other: list[str]) -> None:
    assert re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", order_key(*one))
    assert (order_key(*one) == order_key(*other)) is (one == other)
    assert key_of(entry(order(key=order_key(*one))).dn) == order_key(*one)


def test_an_order_that_is_held_changes_nothing_but_its_state() -> None:
    held = entry(order(state="wanted", due=dt.date(2026, 5, 1)))
    same = wanted(order(state="wanted"), held)
    assert make_plan([same], ATTRIBUTES).operations == ()
    (operation,) = make_plan([wanted(order(state="ordered"), held)], ATTRIBUTES).operations
    assert [(c.attribute, c.delete, c.add) for c in operation.changes] == [
        ("state", ("wanted",), ("ordered",))
    ]


_parts = st.lists(_words, min_size=1, max_size=5)
_secrets = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(parts=_parts, secret=_secrets, other=_secrets)
def test_only_a_ledger_can_tell_the_number_of_an_order_and_always_tells_the_same(
    parts: list[str], secret: str, other: str
) -> None:
    told = Numbers(secret).of(*parts)
    assert re.fullmatch("[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", told)
    assert told == Numbers(secret, {"AAAA-AAAA-AAAA-AAAA"}).of(*parts)
    assert told != order_key(*parts)
    assert (told == Numbers(other).of(*parts)) is (secret == other)


@given(parts=_parts, secret=_secrets)
def test_an_order_of_before_there_was_a_secret_keeps_its_number(
    parts: list[str], secret: str
) -> None:
    old = order_key(*parts)
    assert Numbers(secret, {old}).of(*parts) == old == Numbers().of(*parts)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a:b:c", "a b", "-", ".x"])
def test_a_recipient_is_the_name_of_a_folder(name: str) -> None:
    with pytest.raises(ValueError, match="expected of a recipient"):
        check_recipient(name)
    check_recipient("provider:alfa-1")


# --- orders that take something ------------------------------------------------------------------

HELD = {"alfa": frozenset({("person", f"SE1-P{n}") for n in range(6)})}


def revocations(count: int, explained: bool = False) -> Plan:
    everything = [
        wanted(
            order(key=order_key("revocation", str(n)), kind="revocation", object=f"SE1-P{n}"),
            takes={("person", f"SE1-P{n}")},
            explained=explained,
        )
        for n in range(count)
    ]
    return make_plan([*everything, wanted(order(object="SE1-P9"))], ATTRIBUTES)


def verdict(plan: Plan, *expected: str) -> Verdict:
    return judge(plan, ["alfa"], Case(holdings=HELD, expected=expected), b"secret")


def test_one_person_who_loses_a_card_passes_and_two_of_six_do_not() -> None:
    assert verdict(revocations(1)).refusals == {}
    refused = verdict(revocations(2))
    assert "2 of 6 would lose something" in refused.refusals["alfa"]
    assert refused.operations == ()


def test_a_refused_plan_is_carried_out_when_it_is_confirmed() -> None:
    plan = revocations(2)
    name = verdict(plan).hashes["alfa"]
    confirmed = verdict(plan, name)
    assert (confirmed.refusals, len(confirmed.operations)) == ({}, 3)


def test_what_a_date_explains_passes_however_many_it_concerns() -> None:
    passed = verdict(revocations(6, explained=True))
    assert (passed.refusals, len(passed.operations)) == ({}, 7)


def test_a_refusal_delays_no_dated_end_and_keeps_its_hash_once_that_is_done() -> None:
    dated = wanted(
        order(key=order_key("dated"), kind="revocation", object="SE1-P5"),
        takes={("person", "SE1-P5")},
        explained=True,
    )
    undated = revocations(2)
    both = Plan(
        (*undated.operations, *make_plan([dated], ATTRIBUTES).operations), undated.attributes
    )
    refused = verdict(both)
    assert [operation.key for operation in refused.operations] == [order_key("dated")]
    assert refused.hashes == verdict(undated).hashes


def test_a_revocation_that_is_cancelled_takes_nothing() -> None:
    held = entry(order(kind="revocation", state="wanted"))
    cancelled = wanted(order(kind="revocation", state="cancelled"), held)
    (operation,) = make_plan([cancelled], ATTRIBUTES).operations
    assert make_plan([cancelled], ATTRIBUTES).losses(operation) == frozenset()
