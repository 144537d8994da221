# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole card life, and what can happen on the way: driven by the day and by receipts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

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


def test_a_loss_from_before_the_card_is_another_cards(siths: Siths, active: Order) -> None:
    for lost in ("2026-02-01", "2026-04-09"):
        assert siths.bring(at("alfa", {"lost": lost}), day=day("2026-05-02")) == []
    lost = at("alfa", {"lost": "2026-04-10"})
    assert acts(siths.bring(lost, day=day("2026-05-02"))) == [
        ("card", "lost", "alfa"), ("revocation", "lost", "alfa"),
    ]  # fmt: skip


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
    after = at("alfa", {"anew": "2027-03-02", "returned": "2027-02-01"})
    (card,) = siths.bring(after, day=day("2027-03-02"))
    assert (card.cause, card.follows) == ("anew", active.key)


def test_a_card_that_the_office_revoked_by_itself_comes_back_only_anew(
    siths: Siths, active: Order
) -> None:
    siths.answer(active, "done", day("2026-06-01"))
    assert siths.bring(at("alfa", {}), day=day("2026-06-02")) == []
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
        ("card", "lost", "beta"), ("revocation", "lost", "alfa"),
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


def test_the_end_of_a_later_provider_explains_the_revocation(siths: Siths, active: Order) -> None:
    alfa = at("alfa", {}, to="2026-06-30")
    siths.bring(alfa, at("beta", {}, since="2026-07-01"), day=day("2026-07-01"))
    over = alfa, at("beta", {}, since="2026-07-01", to="2026-12-31")
    (operation,) = siths.plan(*over, day=day("2027-01-01")).operations
    assert (operation.takes, operation.explained) == (frozenset({("person", WHO)}), True)
