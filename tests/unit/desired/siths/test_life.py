# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole card life, and what can happen on the way: driven by the day and by receipts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.cards import cards
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    assignment,
    number,
    person,
    record,
)
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import Siths, acts, hsa_id

WHO = hsa_id(number(1))


def day(text: str) -> dt.date:
    """A day."""
    return dt.date.fromisoformat(text)


def at(
    provider: str, *cards: dict[str, Any], since: str = "2026-04-01", to: str | None = None
) -> Record:
    """The person at a provider that wishes these cards."""
    last = {"to": to} if to else {}
    wishes = [{"kind": "ordinary", "loa": 3, **card} for card in cards]
    return record(provider, [person(1, assignment(since=since, **last), cards=wishes)])


def test_the_whole_life_of_a_card() -> None:
    siths = Siths()

    # Ordered when the lead time begins, and not before; sent, active.
    alfa = at("alfa", {})
    assert siths.bring(alfa, day=day("2026-01-15")) == []
    (first,) = siths.bring(alfa, day=day("2026-03-02"))
    assert (first.kind, first.cause, first.subject, first.level) == ("card", "first", "ordinary", 3)
    assert siths.bring(alfa, day=day("2026-03-03")) == []
    siths.answer(first, "sent", day("2026-03-20"))
    assert siths.bring(alfa, day=day("2026-03-25")) == []
    siths.answer(
        first, "active", day("2026-04-01"), card_number="9752000000000001", valid_to="2031-03-31"
    )
    assert siths.bring(alfa, day=day("2026-04-01")) == []

    # Renewed ahead of its end; the old one goes once the new one is active.
    assert siths.bring(alfa, day=day("2030-12-30")) == []
    (renewed,) = siths.bring(alfa, day=day("2030-12-31"))
    assert (renewed.cause, renewed.follows) == ("renewal", first.key)
    assert renewed.particulars["replaces"] == first.key
    siths.activate(renewed, day("2031-02-01"), "2036-01-31")
    (old,) = siths.bring(alfa, day=day("2031-02-02"))
    assert (old.kind, old.cause, old.follows) == ("revocation", "replaced", first.key)
    siths.answer(old, "done", day("2031-02-05"))

    # Lost: revoked and replaced the same day, and a reserve card meanwhile.
    lost = {"lost": "2032-05-10"}
    gone, replacement, reserve = sorted(
        siths.bring(at("alfa", lost, {"kind": "reserve"}), day=day("2032-05-11")),
        key=lambda order: (order.kind != "revocation", order.subject),
    )
    assert (gone.kind, gone.cause, gone.follows) == ("revocation", "lost", renewed.key)
    assert gone.particulars["card_number"] == siths.orders[renewed.key].answer["card_number"]
    assert (replacement.cause, replacement.follows) == ("lost", renewed.key)
    assert (reserve.subject, reserve.cause, reserve.follows) == ("reserve", "first", "")
    assert reserve.particulars["id_administrators"] == 2
    siths.answer(gone, "done", day("2032-05-11"))
    siths.activate(reserve, day("2032-05-11"), "2032-11-11")
    siths.activate(replacement, day("2032-06-01"), "2037-05-31")
    assert siths.bring(at("alfa", lost, {"kind": "reserve"}), day=day("2032-06-02")) == []

    # The reserve card is handed back.
    back = at("alfa", lost, {"kind": "reserve", "returned": "2032-06-03"})
    (returned,) = siths.bring(back, day=day("2032-06-03"))
    assert (returned.cause, returned.follows) == ("returned", reserve.key)
    siths.answer(returned, "done", day("2032-06-04"))
    assert siths.bring(back, day=day("2032-12-01")) == []

    # Taken over by the next employer, who loses it neither when the first one is forgotten.
    left = at("alfa", lost, to="2033-08-31")
    beta = at("beta", {}, since="2033-09-01")
    assert siths.bring(left, beta, day=day("2033-08-31")) == []
    (takeover,) = siths.bring(left, beta, day=day("2033-09-01"))
    assert (takeover.kind, takeover.follows) == ("takeover", replacement.key)
    assert (takeover.provider, takeover.object) == ("beta", WHO)
    siths.answer(takeover, "done", day("2033-09-03"))
    assert siths.bring(left, beta, day=day("2034-01-01")) == []

    # Revoked on leaving, and over when that is confirmed.
    over = at("beta", {}, since="2033-09-01", to="2034-06-30")
    assert siths.bring(left, over, day=day("2034-06-30")) == []
    (last,) = siths.bring(left, over, day=day("2034-07-01"))
    assert (last.kind, last.cause, last.provider) == ("revocation", "left", "beta")
    assert last.particulars["last_day"] == "2034-06-30"
    siths.answer(last, "done", day("2034-07-03"))
    assert siths.orders[replacement.key].state == "done"
    assert siths.bring(left, over, day=day("2034-07-04")) == []
    assert not siths.desired(left, over, day=day("2034-07-04")).holdings


def test_who_comes_back_gets_another_card_with_a_key_of_its_own() -> None:
    siths = Siths()
    keys = set()
    since, to = day("2026-04-01"), day("2026-09-30")
    for _time in range(3):
        (card,) = siths.bring(at("alfa", {}, since=str(since)), day=since)
        keys.add(card.key)
        siths.activate(card, since + dt.timedelta(days=10))
        gone = at("alfa", {}, since=str(since), to=str(to))
        (revocation,) = siths.bring(gone, day=to + dt.timedelta(days=1))
        keys.add(revocation.key)
        siths.answer(revocation, "done", to + dt.timedelta(days=3))
        since, to = since.replace(year=since.year + 1), to.replace(year=to.year + 1)
    assert len(keys) == 6
    assert [o.cause for o in siths.orders.values() if o.kind == "card"] == ["first"] + ["again"] * 2


@pytest.mark.parametrize("state", ["ordered", "sent"])
def test_a_card_on_its_way_to_one_who_has_left_is_stopped(state: Any) -> None:
    siths = Siths()
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-10"))
    siths.answer(card, state, day("2026-03-20"))
    orders = siths.bring(at("alfa", {}, to="2026-04-05"), day=day("2026-04-06"))
    assert acts(orders) == [("revocation", "left", "alfa")]
    # Back again: another card, whatever became of that one.
    again = siths.bring(at("alfa", {}, since="2026-05-01"), day=day("2026-05-01"))
    assert acts(again) == [("card", "again", "alfa")]
    assert again[0].follows == card.key


# --- what happens on the way ---------------------------------------------------------------------


@pytest.fixture
def siths() -> Siths:
    """No orders yet."""
    return Siths()


@pytest.fixture
def active(siths: Siths) -> Order:
    """The person's card since 2026-04-10, valid to 2031-03-31."""
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    return siths.activate(card, day("2026-04-10"))


def test_a_card_that_is_not_collected_is_revoked(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    siths.answer(card, "sent", day("2026-03-20"))
    assert siths.bring(at("alfa", {}), day=day("2026-06-20")) == []
    (revocation,) = siths.bring(at("alfa", {}), day=day("2026-06-21"))
    assert (revocation.cause, revocation.follows) == ("uncollected", card.key)
    for later in ("2026-06-21", "2027-01-01"):
        assert siths.codes(at("alfa", {}), day=day(later)) == {("alfa", "card_not_collected", WHO)}
    siths.answer(revocation, "done", day("2026-06-25"))
    assert siths.bring(at("alfa", {}), day=day("2027-01-01")) == []
    (again,) = siths.bring(at("alfa", {"anew": "2027-01-02"}), day=day("2027-01-02"))
    assert (again.cause, again.follows) == ("anew", card.key)
    assert siths.codes(at("alfa", {"anew": "2027-01-02"}), day=day("2027-01-02")) == set()


def test_what_was_refused_is_ordered_again_when_somebody_asks_anew(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    siths.answer(card, "refused", day("2026-03-09"))
    for anew in ({}, {"anew": "2026-03-09"}):
        assert siths.bring(at("alfa", anew), day=day("2026-03-10")) == []
        assert siths.codes(at("alfa", anew), day=day("2026-03-10")) == {
            ("alfa", "card_refused", WHO)
        }
    anew = {"anew": "2026-03-10"}
    assert siths.bring(at("alfa", anew), day=day("2026-03-09")) == []  # the day is still to come
    (again,) = siths.bring(at("alfa", anew), day=day("2026-03-10"))
    assert (again.cause, again.follows) == ("anew", card.key)
    assert "replaces" not in again.particulars
    siths.answer(again, "refused", day("2026-03-11"))
    assert siths.bring(at("alfa", anew), day=day("2026-03-20")) == []


def test_who_hands_in_a_card_may_ask_for_another_the_same_day(siths: Siths, active: Order) -> None:
    both = at("alfa", {"anew": "2027-02-01", "returned": "2027-02-01"})
    assert acts(siths.bring(both, day=day("2027-02-01"))) == [
        ("card", "anew", "alfa"), ("revocation", "returned", "alfa"),
    ]  # fmt: skip


def test_a_card_asked_for_anew_replaces_the_one_in_force(siths: Siths, active: Order) -> None:
    anew = at("alfa", {"anew": "2027-05-01"})
    (card,) = siths.bring(anew, day=day("2027-05-02"))
    assert (card.cause, card.follows) == ("anew", active.key)
    assert siths.bring(anew, day=day("2027-05-20")) == []
    siths.activate(card, day("2027-06-01"))
    (old,) = siths.bring(anew, day=day("2027-06-01"))
    assert (old.kind, old.cause, old.follows) == ("revocation", "replaced", active.key)
    assert siths.bring(anew, day=day("2027-07-01")) == []


def test_a_wish_from_before_the_card_is_no_wish_for_another(siths: Siths, active: Order) -> None:
    for anew in ("2026-02-01", str(active.ordered_on)):
        assert siths.bring(at("alfa", {"anew": anew}), day=day("2027-05-02")) == []


def test_a_wish_from_while_the_card_was_on_its_way_is_no_wish_for_another(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    anew = at("alfa", {"anew": "2026-03-20"})
    assert siths.bring(anew, day=day("2026-03-20")) == []
    siths.activate(card, day("2026-04-10"))
    for later in ("2026-04-10", "2026-05-02"):
        assert siths.bring(anew, day=day(later)) == []
    assert acts(siths.bring(at("alfa", {"anew": "2026-04-11"}), day=day("2026-05-02"))) == [
        ("card", "anew", "alfa")
    ]


LOST = [("card", "lost", "alfa"), ("revocation", "lost", "alfa")]


# The card was ordered on 2026-03-02, and active on 2026-04-10 as its answer says.
@pytest.mark.parametrize("lost", ["2026-03-02", "2026-04-09", "2026-04-10", "2026-05-02"])
def test_a_loss_counts_from_the_day_of_the_order_on(siths: Siths, active: Order, lost: str) -> None:
    told = at("alfa", {"lost": lost})
    assert acts(siths.bring(told, day=day("2026-05-02"))) == LOST
    assert siths.codes(told, day=day("2026-05-02")) == set()


@pytest.mark.parametrize("lost", ["2025-05-02", "2026-03-01", "2027-05-02"])
def test_a_loss_that_is_no_cards_is_a_finding(siths: Siths, active: Order, lost: str) -> None:
    told = at("alfa", {"lost": lost})
    assert siths.bring(told, day=day("2026-05-02")) == []
    assert siths.codes(told, day=day("2026-05-02")) == {("alfa", "loss_without_card", WHO)}


def test_a_loss_of_a_card_on_its_way_is_a_finding_until_it_is_active(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    told = at("alfa", {"lost": "2026-04-09"})
    assert siths.bring(told, day=day("2026-04-09")) == []
    assert siths.codes(told, day=day("2026-04-09")) == {("alfa", "loss_without_card", WHO)}
    siths.activate(card, day("2026-04-10"))
    assert acts(siths.bring(told, day=day("2026-04-10"))) == LOST


def test_a_card_that_is_issued_and_lost_the_same_day_is_replaced_once(siths: Siths) -> None:
    today = day("2026-04-01")
    lost = siths.issue(at("alfa", {"kind": "reserve"}), day=today)
    told = at("alfa", {"kind": "reserve", "lost": str(today)})
    card, revocation = sorted(siths.bring(told, day=today), key=lambda order: order.kind)
    assert (card.cause, card.follows, revocation.follows) == ("lost", lost.key, lost.key)
    siths.activate(card, today)
    for later in (today, day("2026-06-01")):
        assert siths.bring(told, day=later) == []
        assert siths.codes(told, day=later) == set()


def test_a_replacement_is_not_the_lost_one_though_the_revocation_was_refused(
    siths: Siths, active: Order
) -> None:
    told, today = at("alfa", {"lost": "2026-05-02"}), day("2026-05-02")
    card, revocation = sorted(siths.bring(told, day=today), key=lambda order: order.kind)
    siths.answer(revocation, "refused", today)
    siths.activate(card, today)
    # The lost one goes as any that was replaced.
    (again,) = siths.bring(told, day=today)
    assert (again.kind, again.cause, again.follows) == ("revocation", "replaced", active.key)


def test_a_corrected_day_of_the_loss_is_not_the_replacements(siths: Siths, active: Order) -> None:
    (card,) = [
        order
        for order in siths.bring(at("alfa", {"lost": "2026-05-02"}), day=day("2026-05-02"))
        if order.kind == "card"
    ]
    later = at("alfa", {"lost": "2026-05-05"})
    for _time in range(2):
        assert siths.bring(later, day=day("2026-05-20")) == []
        assert siths.codes(later, day=day("2026-05-20")) == {("alfa", "loss_without_card", WHO)}
        siths.activate(card, day("2026-05-20"))


def test_the_second_loss_is_the_replacements(siths: Siths, active: Order) -> None:
    made = siths.bring(at("alfa", {"lost": "2026-05-02"}), day=day("2026-05-02"))
    siths.activate(next(order for order in made if order.kind == "card"), day("2026-05-20"))
    assert acts(siths.bring(at("alfa", {"lost": "2026-06-01"}), day=day("2026-06-01"))) == LOST


def test_a_loss_of_a_card_that_had_expired_is_a_finding(siths: Siths, active: Order) -> None:
    (renewal,) = siths.bring(at("alfa", {}), day=day("2031-01-01"))
    told = at("alfa", {"lost": "2031-04-01"})
    assert siths.bring(told, day=day("2031-04-01")) == []
    siths.activate(renewal, day("2031-04-10"), "2036-04-01")
    assert siths.bring(told, day=day("2031-04-10")) == []
    assert siths.codes(told, day=day("2031-04-10")) == {("alfa", "loss_without_card", WHO)}


def test_a_former_providers_word_of_a_loss_is_heard_until_another_has_the_card(
    siths: Siths, active: Order
) -> None:
    beta = at("beta", {}, since="2026-06-01")
    lost = at("alfa", {"lost": "2026-06-30"}, to="2026-06-30")
    today = day("2026-07-01")
    plan = siths.plan(lost, beta, day=today)
    assert sorted(op.id.split()[0] for op in plan.operations) == [WHO, WHO]
    (takeover,) = siths.bring(at("alfa", {}, to="2026-06-30"), beta, day=today)
    assert takeover.kind == "takeover"
    assert siths.bring(lost, beta, day=today) == []
    told = {("alfa", "others_card", WHO), ("beta", "others_card", WHO)}
    assert siths.codes(lost, beta, day=today) == told


def test_a_provider_that_nobody_approved_reports_nothing(siths: Siths, active: Order) -> None:
    card = {"kind": "ordinary", "lost": "2026-05-02"}
    draft = record("beta", [person(1, assignment(), cards=[card])], phase="application")
    assert siths.bring(at("alfa", {}), draft, day=day("2026-05-02")) == []


def test_a_replacement_that_is_active_the_same_day_is_not_the_lost_one(
    siths: Siths, active: Order
) -> None:
    lost, today = at("alfa", {"lost": "2026-05-02"}), day("2026-05-02")
    card, _revocation = siths.bring(lost, day=today)[::-1]
    assert (card.kind, card.follows) == ("card", active.key)
    siths.activate(card, today)
    assert siths.bring(lost, day=today) == []


def test_a_lost_card_is_revoked_though_its_renewal_is_on_its_way(
    siths: Siths, active: Order
) -> None:
    (renewal,) = siths.bring(at("alfa", {}), day=day("2031-01-01"))
    lost = at("alfa", {"lost": "2031-01-10"})
    (revocation,) = siths.bring(lost, day=day("2031-01-10"))
    assert (revocation.cause, revocation.follows) == ("lost", active.key)
    siths.activate(renewal, day("2031-01-20"), "2036-01-19")
    assert siths.bring(lost, day=day("2031-01-20")) == []


def test_a_loss_after_a_refused_renewal_is_replaced(siths: Siths, active: Order) -> None:
    (renewal,) = siths.bring(at("alfa", {}), day=day("2031-01-01"))
    siths.answer(renewal, "refused", day("2031-01-05"))
    assert siths.bring(at("alfa", {}), day=day("2031-01-06")) == []
    orders = siths.bring(at("alfa", {"lost": "2031-01-10"}), day=day("2031-01-10"))
    assert acts(orders) == [("card", "lost", "alfa"), ("revocation", "lost", "alfa")]
    assert {order.follows for order in orders} == {active.key, renewal.key}


def test_a_refused_replacement_is_not_ordered_over_and_over(siths: Siths, active: Order) -> None:
    lost = at("alfa", {"lost": "2027-01-10"})
    for order in siths.bring(lost, day=day("2027-01-10")):
        siths.answer(order, "refused" if order.kind == "card" else "done", day("2027-01-10"))
    assert siths.bring(lost, day=day("2027-01-10")) == []
    assert siths.bring(lost, day=day("2027-03-01")) == []
    assert siths.codes(lost, day=day("2027-03-01")) == {("alfa", "card_refused", WHO)}


def test_nobody_can_lose_a_card_that_was_refused(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    siths.answer(card, "refused", day("2026-03-09"))
    assert siths.bring(at("alfa", {"lost": "2026-04-10"}), day=day("2026-04-10")) == []


def test_a_card_of_unknown_validity_is_not_renewed(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    siths.answer(card, "active", day("2026-03-09"), card_number="9752000000000001")
    assert siths.bring(at("alfa", {}), day=day("2039-03-09")) == []


def test_a_returned_card_is_replaced_when_somebody_asks_anew_after_it(
    siths: Siths, active: Order
) -> None:
    before = at("alfa", {"anew": "2027-01-01", "returned": "2027-02-01"})
    assert acts(siths.bring(before, day=day("2027-02-01"))) == [("revocation", "returned", "alfa")]
    assert siths.bring(before, day=day("2027-03-01")) == []
    assert siths.codes(before, day=day("2027-03-01")) == {("alfa", "card_not_replaced", WHO)}
    after = at("alfa", {"anew": "2027-03-02", "returned": "2027-02-01"})
    (card,) = siths.bring(after, day=day("2027-03-02"))
    assert (card.cause, card.follows) == ("anew", active.key)


# Handed in on the last day; ended by the card office itself.
@pytest.mark.parametrize("end", ["returned", ""])
# The old assignment stays in the record, or it has been cleaned up.
@pytest.mark.parametrize("cleaned", [False, True])
def test_who_comes_back_after_a_card_was_over_gets_another(
    siths: Siths, active: Order, end: str, cleaned: bool
) -> None:
    told = {"returned": "2026-06-30"} if end else {}
    left = at("alfa", told, to="2026-06-30")
    if end:
        (revocation,) = siths.bring(left, day=day("2026-06-30"))
        siths.answer(revocation, "done", day("2026-07-02"))
    else:
        siths.answer(active, "done", day("2026-06-30"))
    assert siths.bring(left, day=day("2026-08-01")) == []
    works = [assignment(since="2026-04-01", to="2026-06-30"), assignment(since="2026-11-01")]
    wish = {"kind": "ordinary", "loa": 3, **({} if cleaned else told)}
    back = record("alfa", [person(1, *works[cleaned:], cards=[wish])])
    (card,) = siths.bring(back, day=day("2026-09-10"))  # the lead time
    assert (card.cause, card.follows) == ("again", active.key)


@pytest.mark.parametrize(
    ("days_away", "keeps"),
    # So many days a new card takes at most to arrive, and may then wait to be collected.
    [(75, True), (56 + 92, True), (56 + 92 + 1, False)],
)
def test_who_the_record_says_comes_back_before_a_new_card_could_be_there_keeps_it(
    siths: Siths, active: Order, days_away: int, keeps: bool
) -> None:
    gone = day("2026-09-01")
    back = assignment(since=str(gone + dt.timedelta(days=days_away)))
    first = assignment(to="2026-08-31")
    made = siths.bring(record("alfa", [person(1, first, back, cards=[{}])]), day=gone)
    assert [order.kind for order in made] == ([] if keeps else ["revocation"])


def test_a_change_of_assignment_is_no_coming_back(siths: Siths, active: Order) -> None:
    works = [assignment(since="2026-04-01", to="2026-06-30"), assignment(since="2026-07-01")]
    wish = {"kind": "ordinary", "loa": 3, "returned": "2026-06-15"}
    alfa = record("alfa", [person(1, *works, cards=[wish])])
    assert acts(siths.bring(alfa, day=day("2026-06-15"))) == [("revocation", "returned", "alfa")]
    assert siths.bring(alfa, day=day("2026-07-01")) == []
    assert siths.codes(alfa, day=day("2026-07-01")) == {("alfa", "card_not_replaced", WHO)}


def test_who_hands_in_a_card_and_goes_to_another_provider_gets_one_there(
    siths: Siths, active: Order
) -> None:
    left = at("alfa", {"returned": "2026-06-30"}, to="2026-06-30")
    beta = at("beta", {}, since="2026-07-01")
    # No run until some days after.
    assert acts(siths.bring(left, beta, day=day("2026-07-05"))) == [
        ("card", "again", "beta"), ("revocation", "returned", "alfa"),
    ]  # fmt: skip


def test_a_card_that_the_office_revoked_by_itself_comes_back_only_anew(
    siths: Siths, active: Order
) -> None:
    siths.answer(active, "done", day("2026-06-01"))
    assert siths.bring(at("alfa", {}), day=day("2026-06-02")) == []
    assert siths.codes(at("alfa", {}), day=day("2026-06-02")) == {
        ("alfa", "card_not_replaced", WHO)
    }
    assert acts(siths.bring(at("alfa", {"anew": "2026-06-03"}), day=day("2026-06-03"))) == [
        ("card", "anew", "alfa")
    ]


def test_a_higher_level_is_another_card_and_a_lower_one_is_none(siths: Siths) -> None:
    low, high = at("alfa", {"loa": 2}), at("alfa", {"loa": 3})
    (card,) = siths.bring(low, day=day("2026-03-02"))
    assert siths.bring(high, day=day("2026-03-03")) == []  # first let the other one arrive
    siths.activate(card, day("2026-04-01"))
    (upgrade,) = siths.bring(high, day=day("2026-04-02"))
    assert (upgrade.cause, upgrade.level, upgrade.follows) == ("upgrade", 3, card.key)
    siths.activate(upgrade, day("2026-05-01"))
    assert acts(siths.bring(high, day=day("2026-05-02"))) == [("revocation", "replaced", "alfa")]
    assert siths.bring(low, day=day("2026-05-03")) == []


def test_nobody_renews_the_card_of_one_who_leaves_before_its_end(
    siths: Siths, active: Order
) -> None:
    stays = at("alfa", {}, to="2031-04-01")
    leaves = at("alfa", {}, to="2031-03-31")
    assert siths.bring(leaves, day=day("2031-02-01")) == []
    assert acts(siths.bring(stays, day=day("2031-02-01"))) == [("card", "renewal", "alfa")]


def test_a_card_of_short_validity_is_renewed_halfway(siths: Siths) -> None:
    reserve = at("alfa", {"kind": "reserve"})
    (card,) = siths.bring(reserve, day=day("2026-03-02"))
    siths.activate(card, day("2026-04-01"), "2026-06-30")
    assert siths.bring(reserve, day=day("2026-05-15")) == []
    assert acts(siths.bring(reserve, day=day("2026-05-16"))) == [("card", "renewal", "alfa")]


def test_a_card_that_has_expired_needs_no_revocation(siths: Siths, active: Order) -> None:
    # No run until it had expired: there is nothing to revoke, and another one to order.
    lost = at("alfa", {"lost": "2031-04-01"})
    (card,) = siths.bring(lost, day=day("2031-04-01"))
    assert (card.cause, card.follows) == ("renewal", active.key)
    siths.activate(card, day("2031-05-01"), "2036-04-30")
    assert siths.bring(at("alfa", {}), day=day("2031-05-02")) == []
    assert siths.bring(at("alfa", {}, to="2036-06-01"), day=day("2036-06-02")) == []


@pytest.mark.parametrize("kind", ["revocation", "takeover"])
def test_a_refused_order_about_a_card_is_a_finding_and_not_repeated(
    siths: Siths, active: Order, kind: str
) -> None:
    left = at("alfa", {}, to="2026-06-30")
    stay = (left, at("beta", {}, since="2026-07-01")) if kind == "takeover" else (left,)
    (order,) = siths.bring(*stay, day=day("2026-07-01"))
    assert order.kind == kind
    siths.answer(order, "refused", day("2026-07-02"))
    assert siths.bring(*stay, day=day("2026-07-03")) == []
    assert siths.codes(*stay, day=day("2026-07-03")) == {("alfa", f"{kind}_refused", WHO)}


@pytest.mark.parametrize(
    ("event", "later"), [("lost", "2026-05-06"), ("returned", "2026-05-06"), ("to", "2026-05-05")]
)
def test_a_refused_revocation_is_ordered_again_when_the_record_names_a_later_day(
    siths: Siths, active: Order, event: str, later: str
) -> None:
    def told(text: str) -> Record:
        return at("alfa", {}, to=text) if event == "to" else at("alfa", {event: text})

    first = "2026-05-04" if event == "to" else "2026-05-05"
    made = siths.bring(told(first), day=day("2026-05-05"))
    (refused,) = [order for order in made if order.kind == "revocation"]
    siths.answer(refused, "refused", day("2026-05-06"))
    assert siths.bring(told(first), day=day("2026-05-07")) == []
    (finding,) = siths.findings(told(first), day=day("2026-05-07"))
    assert (finding.code, finding.object) == ("revocation_refused", WHO)
    assert f"`{event}`" in finding.message

    (again,) = siths.bring(told(later), day=day("2026-05-07"))
    assert (again.kind, again.cause, again.follows) == ("revocation", refused.cause, active.key)
    assert again.key != refused.key
    assert (
        siths.codes(told(later), day=day("2026-05-07")) & {("alfa", "revocation_refused", WHO)}
        == set()
    )
    # And so on.
    siths.answer(again, "refused", day("2026-05-08"))
    assert siths.bring(told(later), day=day("2026-05-10")) == []
    (third,) = siths.bring(told("2026-05-09"), day=day("2026-05-10"))
    assert len({refused.key, again.key, third.key}) == 3


def test_who_leaves_after_a_refused_revocation_is_asked_of_again(
    siths: Siths, active: Order
) -> None:
    (refused,) = siths.bring(at("alfa", {"returned": "2026-05-05"}), day=day("2026-05-05"))
    siths.answer(refused, "refused", day("2026-05-06"))
    left = at("alfa", {"returned": "2026-05-05"}, to="2026-06-30")
    (again,) = siths.bring(left, day=day("2026-07-01"))
    assert (again.cause, again.follows) == ("left", active.key)


def test_a_card_handed_in_after_a_refused_revocation_is_asked_of_again(
    siths: Siths, active: Order
) -> None:
    (refused,) = siths.bring(at("alfa", {}, to="2026-06-30"), day=day("2026-07-01"))
    siths.answer(refused, "refused", day("2026-07-02"))
    back = at("alfa", {"returned": "2026-07-10"}, to="2026-06-30")
    (again,) = siths.bring(back, day=day("2026-07-10"))
    assert (again.cause, again.follows) == ("returned", active.key)


def test_who_is_back_after_a_refused_revocation_is_told_to_ask_for_another_card(
    siths: Siths, active: Order
) -> None:
    # AD does not take its certificate back, and the card office has not ended it.
    (refused,) = siths.bring(at("alfa", {}, to="2026-06-30"), day=day("2026-07-01"))
    siths.answer(refused, "refused", day("2026-07-02"))
    assert siths.bring(at("alfa", {}), day=day("2026-07-03")) == []
    (finding,) = siths.findings(at("alfa", {}), day=day("2026-07-03"))
    assert (finding.code, finding.object) == ("revocation_refused", WHO)
    assert "`anew`" in finding.message
    anew = at("alfa", {"anew": "2026-07-04"})
    siths.issue(anew, day=day("2026-07-04"))
    (old,) = siths.bring(anew, day=day("2026-07-04"))
    assert (old.cause, old.follows) == ("replaced", active.key)
    assert siths.codes(anew, day=day("2026-07-04")) == set()


def test_a_card_that_is_taken_over_after_a_refused_revocation_is_no_finding(
    siths: Siths, active: Order
) -> None:
    # The next provider's record came days after its holder had left: the card lets them in again.
    left, beta = at("alfa", {}, to="2026-06-30"), at("beta", {}, since="2026-07-01")
    (refused,) = siths.bring(left, day=day("2026-07-01"))
    siths.answer(refused, "refused", day("2026-07-02"))
    assert siths.codes(left, day=day("2026-07-03")) == {("alfa", "revocation_refused", WHO)}
    (takeover,) = siths.bring(left, beta, day=day("2026-07-03"))
    assert (takeover.kind, takeover.provider) == ("takeover", "beta")
    assert siths.codes(left, beta, day=day("2026-07-03")) == set()
    siths.answer(takeover, "done", day("2026-07-06"))
    assert siths.codes(left, beta, day=day("2026-07-07")) == set()


# Whichever way it ended before, and whoever asks for it now.
@pytest.mark.parametrize("cause", ["left", "lost", "returned"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_finding_says_that_a_card_opens_no_account_where_it_opens_none(
    siths: Siths, active: Order, cause: str, taken: bool
) -> None:
    told = {} if cause == "left" else {cause: "2026-06-30"}
    left = at("alfa", told, to="2026-06-30" if cause == "left" else None)
    made = siths.bring(left, day=day("2026-07-01"))
    (refused,) = [order for order in made if order.kind == "revocation"]
    siths.answer(refused, "refused", day("2026-07-01"))
    for order in made:
        if order.kind == "card":
            siths.answer(order, "refused", day("2026-07-01"))
    now = (at("alfa", {}),)  # somebody has struck the day
    if taken:
        now = (at("alfa", {}, to="2026-06-30"), at("beta", {}, since="2026-07-01"))
    siths.bring(*now, day=day("2026-07-02"))
    messages = [finding.message for finding in siths.findings(*now, day=day("2026-07-02"))]
    (card,) = [c for c in cards(siths.orders.values())[WHO.casefold()] if c.key == active.key]
    assert bool(card.takeovers) == taken
    assert card.opens(day("2026-07-02")) == (taken and cause == "left")
    said = any("opens no account" in message for message in messages)
    assert said != card.opens(day("2026-07-02"))


def test_a_card_of_unknown_validity_opens_nothing(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    siths.answer(card, "active", day("2026-03-09"), card_number="9752000000000001")
    ((held,),) = cards(siths.orders.values()).values()
    assert held.is_in_force(day("2026-03-10"))
    assert not held.opens(day("2026-03-10"))
    siths.answer(card, "active", day("2026-03-09"), valid_to="2031-03-08")
    ((held,),) = cards(siths.orders.values()).values()
    assert held.opens(day("2026-03-10"))


# --- from one provider to another ----------------------------------------------------------------


def test_a_card_goes_back_and_forth_with_its_holder(siths: Siths, active: Order) -> None:
    keys, since = set(), day("2026-07-01")
    for time in range(4):
        ends = since - dt.timedelta(days=1)
        here, there = ("alfa", "beta")[:: 1 if time % 2 == 0 else -1]
        records = at(here, {}, to=str(ends)), at(there, {}, since=str(since))
        (order,) = siths.bring(*records, day=since)
        assert (order.kind, order.provider) == ("takeover", there)
        keys.add(order.key)
        siths.answer(order, "done", since)
        since += dt.timedelta(days=100)
    assert len(keys) == 4


def test_a_takeover_names_both_providers(siths: Siths, active: Order) -> None:
    left, beta = at("alfa", {}, to="2026-06-30"), at("beta", {}, since="2026-06-01")
    (order,) = siths.bring(left, beta, day=day("2026-07-01"))
    assert order.particulars == {
        "personal_number": number(1), "number_kind": "personnummer", "hsa_id": WHO,
        "card_number": active.answer["card_number"], "card_order": active.key,
        "from_provider": "Alfa vård AB", "to_provider": "Beta vård AB",
        "unit": "Vårdcentralen vc", "first_day": "2026-06-01",
    }  # fmt: skip


def test_a_lost_card_is_replaced_and_not_taken_over(siths: Siths, active: Order) -> None:
    left, beta = at("alfa", {}, to="2026-06-30"), at("beta", {"lost": "2026-06-20"})
    assert acts(siths.bring(left, beta, day=day("2026-07-01"))) == [
        ("card", "lost", "beta"), ("revocation", "lost", "beta"),
    ]  # fmt: skip


def test_a_card_is_taken_over_once_it_is_active(siths: Siths) -> None:
    (card,) = siths.bring(at("alfa", {}), day=day("2026-03-02"))
    moved = at("alfa", {}, to="2026-04-10"), at("beta", {}, since="2026-04-11")
    assert siths.bring(*moved, day=day("2026-04-11")) == []
    siths.activate(card, day("2026-04-20"))
    assert acts(siths.bring(*moved, day=day("2026-04-20"))) == [("takeover", "moved", "beta")]


def test_a_card_stays_where_its_holder_still_works(siths: Siths, active: Order) -> None:
    both = at("alfa", {}), at("beta", {}, since="2026-05-01")
    assert siths.bring(*both, day=day("2026-06-01")) == []
    assert siths.desired(*both, day=day("2026-06-01")).holdings == {
        "alfa": frozenset({("person", WHO)})
    }


def test_a_change_of_assignment_is_no_move(siths: Siths, active: Order) -> None:
    works = [assignment(to="2026-05-31"), assignment(since="2026-06-01")]
    alfa = record("alfa", [person(1, *works, cards=[{"loa": 3}])])
    for others in ((), (at("beta", {}, since="2026-05-01"),)):
        assert siths.bring(alfa, *others, day=day("2026-06-01")) == []


def test_nobody_takes_over_a_card_that_they_do_not_ask_for(siths: Siths, active: Order) -> None:
    left, beta = at("alfa", {}, to="2026-06-30"), at("beta", since="2026-05-01")
    assert siths.bring(left, beta, day=day("2026-07-01")) == []
    assert siths.codes(left, beta, day=day("2026-07-01")) == {("alfa", "orphan_order", WHO)}


def test_a_card_from_elsewhere_is_taken_over_once(siths: Siths) -> None:
    wish = {"takes_over": "9752111111111111"}
    (card,) = siths.bring(at("alfa", wish), day=day("2026-03-02"))
    assert (card.kind, card.cause) == ("card", "takeover")
    assert card.particulars["takes_over"] == "9752111111111111"
    siths.answer(
        card, "active", day("2026-03-05"), card_number="9752111111111111", valid_to="2031-03-31"
    )
    assert siths.bring(at("alfa", wish), day=day("2026-03-06")) == []
    # Neither what replaces it, nor a card after another time away, is that one.
    lost = at("alfa", {**wish, "lost": "2026-05-01"})
    new = [order for order in siths.bring(lost, day=day("2026-05-01")) if order.kind == "card"]
    assert [order.cause for order in new] == ["lost"]
    assert "takes_over" not in new[0].particulars
    siths.activate(new[0], day("2026-05-20"))
    siths.bring(at("alfa", wish, to="2026-06-30"), day=day("2026-07-01"))
    (again,) = siths.bring(at("alfa", wish, since="2026-09-01"), day=day("2026-09-01"))
    assert again.cause == "again"


def test_a_card_that_was_taken_over_once_is_not_so_again_though_it_has_been_thinned(
    siths: Siths,
) -> None:
    wish = {"takes_over": "9752111111111111"}
    card = siths.issue(at("alfa", wish), day=day("2026-03-02"))
    (revocation,) = siths.bring(at("alfa", wish, to="2026-06-30"), day=day("2026-07-01"))
    siths.answer(revocation, "done", day("2026-07-02"))
    siths.thin(day("2028-04-01"))
    assert siths.orders[card.key].particulars == {}
    (again,) = siths.bring(at("alfa", wish, since="2028-04-01"), day=day("2028-04-01"))
    assert (again.cause, "takes_over" in again.particulars) == ("again", False)


def test_another_card_than_the_one_that_was_taken_over_is_taken_over_too(siths: Siths) -> None:
    siths.issue(at("alfa", {"takes_over": "9752111111111111"}), day=day("2026-03-02"))
    over = at("alfa", {"takes_over": "9752111111111111"}, to="2026-06-30")
    (revocation,) = siths.bring(over, day=day("2026-07-01"))
    siths.answer(revocation, "done", day("2026-07-02"))
    back = at("alfa", {"takes_over": "9752222222222222"}, since="2026-09-01")
    (card,) = siths.bring(back, day=day("2026-09-01"))
    assert (card.cause, card.particulars["takes_over"]) == ("takeover", "9752222222222222")


def test_an_expired_card_stays_so_when_it_has_been_thinned(siths: Siths) -> None:
    over = at("alfa", {}, to="2031-03-31")
    card = siths.issue(over, day=day("2026-03-02"))
    siths.thin(day("2032-01-01"))
    assert siths.orders[card.key].state == "active"
    assert siths.orders[card.key].answer == {}
    assert siths.bring(over, day=day("2032-01-01")) == []
    assert not siths.desired(over, day=day("2032-01-01")).holdings
    (again,) = siths.bring(at("alfa", {}, since="2032-02-01"), day=day("2032-02-01"))
    assert again.follows == card.key


def test_the_end_of_a_later_provider_explains_the_revocation(siths: Siths, active: Order) -> None:
    alfa = at("alfa", {}, to="2026-06-30")
    siths.bring(alfa, at("beta", {}, since="2026-07-01"), day=day("2026-07-01"))
    over = alfa, at("beta", {}, since="2026-07-01", to="2026-12-31")
    (operation,) = siths.plan(*over, day=day("2027-01-01")).operations
    assert (operation.takes, operation.explained) == (frozenset({("person", WHO)}), True)


def counted(siths: Siths, alfa: Record, on: str) -> list[tuple[str, str]]:
    """(kind, subject) of what *Sum up* counts: orders under way, and cards in force."""
    wanted = siths.desired(alfa, day=day(on)).wanted
    keys = [entry.key for entry in wanted if entry.is_counted and entry.held]
    return sorted((siths.orders[key].kind, siths.orders[key].subject) for key in keys)


@pytest.mark.parametrize("kind", ["ordinary", "reserve", "mobile"])
def test_a_card_counts_while_it_is_under_way_or_in_force(kind: str) -> None:
    siths, alfa = Siths(), at("alfa", {"kind": kind, "loa": 2})
    (card,) = siths.bring(alfa, day=day("2026-04-27"))
    assert counted(siths, alfa, "2026-04-28") == [("card", kind)]
    siths.activate(card, day("2026-05-02"), "2026-11-02")
    assert counted(siths, alfa, "2026-11-02") == [("card", kind)]
    assert counted(siths, alfa, "2026-11-03") == []
    siths.thin(day("2026-11-04"))
    assert counted(siths, alfa, "2026-11-04") == []


def test_a_card_counts_no_more_once_its_revocation_is_ordered_and_again_when_that_is_refused() -> (
    None
):
    siths, alfa = Siths(), at("alfa", {})
    siths.issue(alfa, day=day("2026-04-01"))
    left = at("alfa", {}, to="2026-06-30")
    (revocation,) = siths.bring(left, day=day("2026-07-01"))
    assert counted(siths, left, "2026-07-01") == [("revocation", "ordinary")]
    siths.answer(revocation, "refused", day("2026-07-02"))
    assert counted(siths, left, "2026-07-02") == [("card", "ordinary")]
    siths.answer(revocation, "done", day("2026-07-02"))
    assert counted(siths, left, "2026-07-02") == []
