# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards are ordered for whom, when, by whom, and with what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import Case, judge
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    NPO,
    PASCAL,
    TODAY,
    assignment,
    coordination_number,
    hold,
    number,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import Siths, acts, hsa_id

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
CARD, RESERVE, MOBILE = ({"kind": kind} for kind in ("ordinary", "reserve", "mobile"))
WHO = hsa_id(number(1))
OVER = {"to": str(YESTERDAY)}


def staff(
    id: str = "alfa",
    *cards: dict[str, Any],
    work: dict[str, Any] | None = None,
    row: dict[str, Any] | None = None,
    **options: Any,
) -> Record:
    """A record with one person, with an ordinary card unless cards are given."""
    wished = list(cards) or [CARD]
    return record(id, [person(1, work or assignment(), cards=wished, **(row or {}))], **options)


@pytest.fixture
def siths() -> Siths:
    """No orders yet."""
    return Siths()


# --- who gets what, and when ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "work", "expected"),
    [
        ("application", {}, []),
        ("establishment", {}, ["ordinary"]),
        ("operation", {}, ["ordinary"]),
        ("ended", {}, []),
        ("operation", {"since": "2026-04-27"}, ["ordinary"]),
        ("operation", {"since": "2026-04-28"}, []),
        ("operation", {"to": str(TODAY)}, ["ordinary"]),
        ("operation", {"to": str(YESTERDAY)}, []),
        ("operation", {"halsoval": False}, []),
        ("operation", {"suspended": {"from": "2026-02-01"}}, ["ordinary"]),
    ],
)
def test_phase_and_assignment_decide(
    siths: Siths, phase: str, work: dict[str, Any], expected: list[str]
) -> None:
    orders = siths.bring(staff(work=assignment(**work), phase=phase))
    assert [order.subject for order in orders] == expected
    assert {order.state for order in orders} <= {"ordered"}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [("2026-04-27", {"ordinary", "reserve", "mobile"}), ("2026-04-26", {"reserve"})],
)
def test_in_wind_down_new_cards_must_arrive_in_time(
    siths: Siths, ends: str, expected: set[str]
) -> None:
    ending = staff("alfa", CARD, RESERVE, MOBILE, phase="wind_down", agreement={"ends": ends})
    too_late = {("alfa", "card_too_late", WHO)} if len(expected) == 1 else set()
    assert siths.codes(ending) == too_late
    assert {order.subject for order in siths.bring(ending)} == expected


def test_in_wind_down_who_has_a_second_provider_gets_a_card(siths: Siths) -> None:
    ending = staff("alfa", phase="wind_down", agreement={"ends": "2026-03-20"})
    beta = staff("beta", work=assignment(since="2026-02-01"))
    assert acts(siths.bring(ending, beta)) == [("card", "first", "alfa")]


def test_in_wind_down_a_lost_card_is_always_replaced(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    lost = staff(
        "alfa", {**CARD, "lost": str(TOMORROW)}, phase="wind_down", agreement={"ends": "2026-03-10"}
    )
    assert acts(siths.bring(lost, day=TOMORROW)) == [
        ("card", "lost", "alfa"), ("revocation", "lost", "alfa"),
    ]  # fmt: skip


def test_a_suspended_person_keeps_the_card(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    away = staff(work=assignment(suspended={"from": str(TODAY)}))
    assert siths.bring(away, day=TOMORROW) == []
    assert siths.desired(away, day=TOMORROW).holdings == {"alfa": frozenset({("person", WHO)})}


def test_a_hold_takes_access_and_not_the_card(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.holds = (hold(WHO),)
    assert siths.bring(staff(), day=TOMORROW) == []


def test_a_grant_orders_no_card_and_none_is_revoked_while_it_lasts(siths: Siths) -> None:
    siths.issue(staff(), day=YESTERDAY)
    siths.holds = (hold(WHO, "grant", until=TODAY),)
    left = staff(work=assignment(to=str(YESTERDAY)))
    assert siths.bring(left, day=TODAY) == []
    assert acts(siths.bring(left, day=TOMORROW)) == [("revocation", "left", "alfa")]
    siths.holds = (hold(WHO, "grant", until=TOMORROW),)
    assert siths.bring(left, day=TOMORROW) == []


def test_each_kind_is_a_card_of_its_own_and_each_once(siths: Siths) -> None:
    orders = siths.bring(staff("alfa", CARD, CARD, RESERVE, MOBILE))
    assert sorted(order.subject for order in orders) == ["mobile", "ordinary", "reserve"]
    assert len({order.key for order in orders}) == 3


def test_two_providers_come_to_one_card_of_the_highest_level(siths: Siths) -> None:
    alfa = staff("alfa", {"loa": 2}, work=assignment(since="2026-01-01"))
    beta = staff("beta", {"loa": 3}, work=assignment(since="2026-02-01"))
    (order,) = siths.bring(alfa, beta)
    assert (order.level, order.provider) == (3, "beta")


def test_of_two_providers_the_one_that_has_had_the_person_longer_orders(siths: Siths) -> None:
    alfa = staff("alfa", work=assignment(since="2026-02-01"))
    beta = staff("beta", work=assignment(since="2026-01-01"))
    assert acts(siths.bring(alfa, beta)) == [("card", "first", "beta")]
    same = staff("beta", work=assignment(since="2026-02-01"))
    assert acts(Siths().bring(alfa, same)) == [("card", "first", "alfa")]


def test_what_one_provider_wishes_in_vain_does_not_stop_the_other(siths: Siths) -> None:
    row = {"personnummer": None, "samordningsnummer": coordination_number(1)}
    alfa, beta = staff("alfa", {"loa": 3}, row=row), staff("beta", {"loa": 2}, row=row)
    who = hsa_id(coordination_number(1))
    assert siths.codes(alfa, beta) == {("alfa", "not_eligible", who)}
    (order,) = siths.bring(alfa, beta)
    assert (order.level, order.provider) == (2, "beta")


def test_who_is_not_eligible_is_a_finding_and_the_others_go_on(siths: Siths) -> None:
    young = {"personnummer": None, "samordningsnummer": coordination_number(2)}
    both = record(people=[person(1, cards=[CARD]), person(2, cards=[CARD], **young)])
    (finding,) = siths.findings(both)
    assert (finding.provider, finding.code, finding.object) == (
        "alfa", "not_eligible", hsa_id(coordination_number(2)),
    )  # fmt: skip
    assert "samordningsnummer" in finding.message
    assert [order.object for order in siths.bring(both)] == [WHO]


@pytest.mark.parametrize(("loa", "birthday"), [(2, dt.date(1915, 1, 2)), (3, dt.date(1918, 1, 2))])
def test_who_is_too_young_gets_the_card_on_the_birthday(
    siths: Siths, loa: int, birthday: dt.date
) -> None:
    early = staff(
        "alfa", {"loa": loa}, work=assignment(since="1914-01-01"), phase="establishment",
        agreement={"contract_signed": "1914-01-01"},
    )  # fmt: skip
    before = birthday - dt.timedelta(days=1)
    assert siths.bring(early, day=before) == []
    assert siths.codes(early, day=before) == {("alfa", "not_eligible", WHO)}
    assert acts(siths.bring(early, day=birthday)) == [("card", "first", "alfa")]


# --- HSA comes first -----------------------------------------------------------------------------


def test_nobody_gets_a_card_before_hsa_holds_them(siths: Siths) -> None:
    siths.people[number(1)] = {"entered": False}
    assert siths.bring(staff()) == []
    assert siths.desired(staff()).waiting == {
        "alfa": ("1 new card waits: HSA does not hold the person",)
    }


def test_in_check_mode_whom_hsa_would_enter_counts_as_entered(siths: Siths) -> None:
    siths.people[number(1)] = {"entered": False}
    assert len(siths.plan(staff(), failures={}, check=True).operations) == 1
    assert not siths.plan(staff(), failures=None, check=True).operations
    assert not siths.plan(staff(), failures={}, check=False).operations


def test_a_card_waits_while_hsa_fails_for_all_the_persons_providers(siths: Siths) -> None:
    refused = {"alfa": "refused: 9 of 10 would lose something. To confirm exactly this plan, run"}
    assert siths.desired(staff("alfa", CARD, RESERVE), failures=refused).waiting == {
        "alfa": (
            "2 new cards wait: HSA failed for the provider: refused: 9 of 10 would lose something",
        )
    }
    assert siths.bring(staff(), failures=refused) == []
    assert len(siths.bring(staff(), staff("beta"), failures=refused)) == 1


def test_without_hsa_first_cards_wait_and_the_others_go_on(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.unread = "HSA could not be read"
    lost = [{**CARD, "lost": str(TOMORROW)}]
    two = record(people=[person(1, cards=lost), person(2, cards=[CARD])])
    assert siths.desired(two, day=TOMORROW).waiting == {
        "alfa": ("1 new card waits: HSA could not be read",)
    }
    assert {order.object for order in siths.bring(two, day=TOMORROW)} == {WHO}


def test_whom_nobody_knows_without_hsa_waits(siths: Siths) -> None:
    siths.people[number(1)] = {"ids": (), "hsa_id": None, "entered": False}
    siths.unread = "HSA could not be read"
    desired = siths.desired(staff())
    told = "of 1 person nobody can tell whether a new card waits: HSA could not be read"
    assert desired.waiting == {"alfa": (told,)}
    assert desired.findings == ()


def test_whom_nobody_knows_without_hsa_is_not_counted_with_those_who_are_new(siths: Siths) -> None:
    siths.people |= {
        number(n): {"ids": (), "hsa_id": None, "entered": False} for n in range(10, 27)
    }
    siths.unread = "HSA could not be read"
    rows = [person(n, cards=[CARD]) for n in (1, 2, *range(10, 27))]
    assert siths.desired(record(people=rows)).waiting == {
        "alfa": (
            "2 new cards wait: HSA could not be read",
            "of 17 people nobody can tell whether a new card waits: HSA could not be read",
        )
    }


def test_an_archived_person_gets_no_card(siths: Siths) -> None:
    siths.people[number(1)] = {"archived": True}
    assert siths.bring(staff()) == []
    assert siths.desired(staff()).waiting == {
        "alfa": ("1 new card waits: the person's entry in HSA is archived",)
    }


def test_each_whom_hsa_cannot_tell_is_a_finding_by_what_the_row_names(siths: Siths) -> None:
    named = ({"ref": "nurse-1"}, {"hsa_id": "SE2321000214-X9"}, {}, {})
    rows = [person(n, cards=[CARD], **fields) for n, fields in enumerate(named)]
    for n in range(len(rows)):
        siths.people[number(n)] = {"ids": (), "hsa_id": None}
    assert siths.bring(record(people=rows)) == []
    assert siths.codes(record(people=rows)) == {
        ("alfa", "no_hsa_id", who)
        for who in ("nurse-1", "SE2321000214-X9", "people[2]", "people[3]")
    }
    assert siths.desired(record(people=rows)).waiting == {}
    assert siths.codes(record(people=[person(1, ref="nurse-1")])) == set()


def test_whom_hsa_cannot_tell_lacks_a_card_by_what_the_row_names(siths: Siths) -> None:
    rows = [person(n, uses(PASCAL)) for n in range(2)]
    for n in range(2):
        siths.people[number(n)] = {"ids": (), "hsa_id": None}
    assert siths.codes(record(people=rows)) == {
        ("alfa", "card_missing", f"people[{n}]") for n in range(2)
    }


def test_a_replacement_waits_for_hsa_no_more_once_the_revocation_has_left(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.unread = "HSA could not be read"
    lost = staff("alfa", {**CARD, "lost": str(TOMORROW)})
    made = siths.bring(lost, day=TOMORROW)
    (card,) = [order for order in made if order.kind == "card"]
    del siths.orders[card.key]  # the run was killed in between
    assert [order.key for order in siths.bring(lost, day=TOMORROW)] == [card.key]


def test_an_hsa_id_that_two_people_share_is_nobodys(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.people[number(2)] = {"ids": (WHO.lower(),), "hsa_id": WHO.lower()}
    two = record(
        people=[
            person(1, assignment(**OVER), cards=[CARD], ref="a"),
            person(2, cards=[CARD], ref="b"),
        ]
    )
    assert siths.bring(two) == []
    assert siths.codes(two) == {("alfa", "no_hsa_id", "b")}


def test_a_lost_card_is_replaced_though_a_grant_alone_gives_access(siths: Siths) -> None:
    siths.issue(staff(), day=YESTERDAY)
    siths.holds = (hold(WHO, "grant", until=TOMORROW),)
    ended = {"work": assignment(to=str(YESTERDAY))}
    lost = staff("alfa", {**CARD, "lost": str(TODAY)}, **ended)
    assert acts(siths.bring(lost)) == [("card", "lost", "alfa"), ("revocation", "lost", "alfa")]


def test_the_case_of_an_hsa_id_makes_no_difference(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.people[number(1)] = {"ids": (WHO.lower(),), "hsa_id": WHO.lower()}
    assert siths.bring(staff()) == []
    left = siths.bring(staff(work=assignment(to=str(TODAY))), day=TOMORROW)
    assert [order.object for order in left] == [WHO]


def test_who_has_left_loses_the_card_also_where_hsa_has_two_entries(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.people[number(1)] = {"ids": (WHO, "SE2321000214-X2"), "hsa_id": None}
    gone = staff(work=assignment(to=str(TODAY)))
    assert acts(siths.bring(gone, day=TOMORROW)) == [("revocation", "left", "alfa")]


# --- what an order holds -------------------------------------------------------------------------


def test_an_order_holds_all_that_the_ra_organisation_needs(siths: Siths) -> None:
    head = {"head_of_operations": {"name": "Petra Öst"}}
    full = record(
        "alfa",
        [
            person(
                1, assignment("norr", since="2026-03-16"), middle_name="Maria",
                cards=[{**CARD, "office": "Östersund", "photo": False}],
            )
        ],
        units=[unit("norr", "Hälsocentralen +7, Norr", **head)],
    )  # fmt: skip
    (order,) = siths.bring(full)
    assert (order.recipient, order.due, order.protected) == (
        "ra_organisation", dt.date(2026, 3, 16), False,
    )  # fmt: skip
    assert order.particulars == {
        "personal_number": number(1), "number_kind": "personnummer", "hsa_id": WHO,
        "given_name": "Anna1", "middle_name": "Maria", "surname": "Fjällström",
        "provider_name": "Alfa vård AB", "unit": "Hälsocentralen +7, Norr",
        "card_kind": "ordinary", "loa": 3, "photo": False, "office": "Östersund",
        "ordered_by": "Petra Öst", "first_day": "2026-03-16", "id_administrators": 1,
        "kur": False, "delivery": "registered_address",
    }  # fmt: skip


def test_the_authorised_orderer_goes_before_the_head_of_operations(siths: Siths) -> None:
    contacts = {"authorised_orderers": [{"name": "Ossian Ek"}, {"name": "Ylva Ek"}]}
    head = {"head_of_operations": {"name": "Petra Öst"}}
    (order,) = siths.bring(staff(units=[unit(**head)], contacts=contacts))
    assert order.particulars["ordered_by"] == "Ossian Ek"


def test_a_samordningsnummer_is_told_as_one(siths: Siths) -> None:
    row = {"personnummer": None, "samordningsnummer": coordination_number(1)}
    (order,) = siths.bring(staff("alfa", {"loa": 2}, row=row))
    assert order.particulars["number_kind"] == "samordningsnummer"
    assert order.particulars["personal_number"] == coordination_number(1)


@pytest.mark.parametrize(
    ("card", "administrators"),
    [({**RESERVE, "loa": 3}, 2), ({**RESERVE, "loa": 2}, 1), ({**CARD, "loa": 3}, 1)],
)
def test_a_reserve_card_on_level_3_asks_for_two_administrators(
    siths: Siths, card: dict[str, Any], administrators: int
) -> None:
    (order,) = siths.bring(staff("alfa", card))
    assert order.particulars["id_administrators"] == administrators


@pytest.mark.parametrize("told", ["record", "hsa"])
def test_a_protected_person_is_named_by_numbers_alone(siths: Siths, told: str) -> None:
    name = {"given_name": "Åsa", "middle_name": "Ulrika", "surname": "Öst"}
    siths.people[number(1)] = {"confidential": told == "hsa"}
    hidden = staff(row={**name, "protected": told == "record"})
    (order,) = siths.bring(hidden)
    assert order.protected
    assert order.particulars["kur"] is True
    assert order.particulars["delivery"] == "tax_agency_forwarding"
    assert not any(part in str(order.particulars) for part in name.values())
    assert siths.plan(hidden).operations == ()
    assert all(wanted.confidential for wanted in siths.desired(hidden).wanted)


def test_the_revocation_of_a_card_that_was_ordered_protected_is_protected(siths: Siths) -> None:
    siths.issue(staff(row={"protected": True}), day=TODAY)
    (revocation,) = siths.bring(staff(work=assignment(to=str(TODAY))), day=TOMORROW)
    assert revocation.protected


@pytest.mark.parametrize("unread", [None, "HSA could not be read"])
def test_a_protected_person_stays_so_while_the_record_that_says_it_cannot_be_read(
    siths: Siths, unread: str | None
) -> None:
    alfa = staff("alfa", CARD)
    beta = staff("beta", RESERVE, row={"protected": True})
    for order in siths.bring(alfa, beta):
        assert order.protected
        siths.activate(order, TODAY, "2026-04-30")
    siths.unread = unread
    # What HSA says of it may have been lost, or not: the earlier orders are enough.
    siths.people[number(1)] = {"confidential": False}
    (renewal,) = siths.bring(alfa, day=dt.date(2026, 4, 10), invalid=["beta"])
    assert (renewal.cause, renewal.protected) == ("renewal", True)
    assert "surname" not in renewal.particulars
    assert renewal.particulars["kur"] is True
    # Once both can be read, they alone say it.
    siths.unread = None
    plain = staff("beta", RESERVE)
    (other,) = siths.bring(alfa, plain, day=dt.date(2026, 4, 10))
    assert (other.subject, other.protected) == ("reserve", False)


def test_a_revocation_holds_the_card_and_the_last_day(siths: Siths) -> None:
    card = siths.issue(staff(), day=TODAY)
    (revocation,) = siths.bring(staff(work=assignment(to=str(TODAY))), day=TOMORROW)
    assert revocation.particulars == {
        "personal_number": number(1), "number_kind": "personnummer", "hsa_id": WHO,
        "card_number": card.answer["card_number"], "card_order": card.key,
        "reason": "left", "last_day": str(TODAY),
    }  # fmt: skip
    assert (revocation.recipient, revocation.level) == ("ra_organisation", 3)


def test_the_recipient_is_configuration() -> None:
    siths = Siths(Rules(recipient="kortkontoret"))
    siths.issue(staff(), day=TODAY)
    siths.bring(staff(work=assignment(to=str(TODAY))), day=TOMORROW)
    assert {order.recipient for order in siths.orders.values()} == {"kortkontoret"}
    assert len(siths.orders) == 2


def test_held_orders_are_told_too_so_that_counts_are_right(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    desired = siths.desired(staff())
    assert [(entry.kind, entry.id) for entry in desired.wanted] == [
        ("card", f"{WHO} {next(iter(siths.orders))}")
    ]


# --- the guard -----------------------------------------------------------------------------------


def verdict(siths: Siths, *records: Record, day: dt.date) -> dict[str, str]:
    """The refusals of a run."""
    desired, plan = siths.desired(*records, day=day), siths.plan(*records, day=day)
    selected = [one.id for one in records]
    return dict(judge(plan, selected, Case(holdings=desired.holdings), b"x").refusals)


def many(**work: Any) -> Record:
    """A provider with eight people who have a card."""
    return record(people=[person(n, assignment(**work), cards=[CARD]) for n in range(8)])


@pytest.fixture
def eight(siths: Siths) -> Siths:
    """Eight people with a card each."""
    for order in siths.bring(many()):
        siths.activate(order, TODAY)
    return siths


def test_ends_that_the_record_dates_pass_the_guard(eight: Siths) -> None:
    over = many(to=str(TODAY))
    assert verdict(eight, over, day=TOMORROW) == {}
    assert len(eight.plan(over, day=TOMORROW).operations) == 8


def test_an_end_long_ago_does_not_explain_that_cards_go_today(eight: Siths) -> None:
    assert list(verdict(eight, many(to="2026-01-15"), day=TOMORROW)) == ["alfa"]


@pytest.mark.parametrize("held", ["hold", "suspension"])
def test_neither_a_hold_nor_a_suspension_explains_that_cards_go(eight: Siths, held: str) -> None:
    # Rows were removed by mistake, and what is left of them ended long ago.
    away = {"suspended": {"from": "2026-01-10"}} if held == "suspension" else {}
    eight.holds = (hold("alfa"),) if held == "hold" else ()
    ended = many(to="2026-01-15", **away)
    assert list(verdict(eight, ended, day=TOMORROW)) == ["alfa"]


def test_who_left_under_a_hold_passes_the_guard(eight: Siths) -> None:
    eight.holds = (hold("alfa"),)
    assert verdict(eight, many(to=str(TODAY)), day=TOMORROW) == {}


def test_losses_and_returns_pass_the_guard(eight: Siths) -> None:
    for event in ("lost", "returned"):
        told = [{**CARD, event: str(TOMORROW)}]
        every = record(people=[person(n, cards=told) for n in range(8)])
        assert verdict(eight, every, day=TOMORROW) == {}
        assert eight.plan(every, day=TOMORROW).operations


def test_a_renewed_card_takes_nothing_from_its_holder(siths: Siths) -> None:
    (first,) = siths.bring(staff())
    siths.activate(first, TODAY, "2026-04-01")
    (renewal,) = siths.bring(staff(), day=dt.date(2026, 3, 20))
    siths.activate(renewal, dt.date(2026, 3, 25))
    (operation,) = siths.plan(staff(), day=dt.date(2026, 3, 25)).operations
    assert (operation.kind, operation.takes) == ("revocation", frozenset())


def test_only_cards_in_force_count_as_held(siths: Siths) -> None:
    (order,) = siths.bring(staff())
    assert siths.desired(staff()).holdings == {}
    siths.activate(order, TODAY, "2026-03-31")
    held = {"alfa": frozenset({("person", WHO)})}
    assert siths.desired(staff()).holdings == held
    assert siths.desired(staff(), day=dt.date(2026, 3, 31)).holdings == held
    assert siths.desired(staff(), day=dt.date(2026, 4, 1)).holdings == {}


# --- rows and records that vanish or cannot be read ----------------------------------------------


def test_a_row_that_vanishes_takes_no_card(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    assert siths.bring(record(), day=TOMORROW) == []
    assert siths.codes(record(), day=TOMORROW) == {("alfa", "orphan_order", WHO)}


def test_a_wish_that_vanishes_takes_no_card(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    without = record(people=[person(1)])
    assert siths.bring(without, day=TOMORROW) == []
    assert siths.codes(without, day=TOMORROW) == {("alfa", "orphan_order", WHO)}
    # Leaving does, wish or not.
    left = record(people=[person(1, assignment(to=str(TODAY)))])
    assert acts(siths.bring(left, day=TOMORROW)) == [("revocation", "left", "alfa")]


@pytest.mark.parametrize("phase", ["operation", "application"])
def test_what_is_no_approved_work_any_more_takes_no_card(siths: Siths, phase: str) -> None:
    siths.issue(staff(), day=TODAY)
    outside = staff(work=assignment(halsoval=phase != "operation"), phase=phase)
    assert siths.bring(outside, day=TOMORROW) == []
    assert siths.codes(outside, day=TOMORROW) == {("alfa", "orphan_order", WHO)}


def test_a_row_that_vanishes_at_one_provider_takes_no_card_when_another_ends(
    siths: Siths,
) -> None:
    siths.issue(staff(), day=TODAY)
    beta = staff("beta", work=assignment(to=str(TODAY)))
    assert siths.bring(record(), beta, day=TOMORROW) == []
    assert siths.codes(record(), beta, day=TOMORROW) == {("alfa", "orphan_order", WHO)}


def test_while_hsa_cannot_be_read_nobody_is_an_orphan(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    siths.unread = "HSA could not be read"
    assert siths.codes(record(), day=TOMORROW) == set()


def test_the_orders_of_an_invalid_record_stay_as_they_are(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    asks = staff("beta", {**CARD, "anew": str(TOMORROW)})
    ended = staff("beta", work=assignment(**OVER))
    told = {("alfa", "others_card", WHO), ("beta", "others_card", WHO)}
    for others, found in (((), set()), ((asks,), told), ((ended,), set())):
        assert siths.bring(*others, invalid=["alfa"], day=TOMORROW) == []
        assert siths.codes(*others, invalid=["alfa"], day=TOMORROW) == found
    # What another provider wishes beside it is ordered.
    assert acts(siths.bring(staff("beta", RESERVE), invalid=["alfa"], day=TOMORROW)) == [
        ("card", "first", "beta")
    ]


@pytest.mark.parametrize("event", ["lost", "returned", "anew"])
@pytest.mark.parametrize("own", ["valid", "invalid", "gone"])
def test_only_the_provider_of_a_card_or_the_only_one_decides_about_it(
    siths: Siths, event: str, own: str
) -> None:
    siths.issue(staff(), day=TODAY)
    told = staff("beta", {**CARD, event: str(TOMORROW)}, work=assignment(since="2026-02-01"))
    records = [told, staff()] if own == "valid" else [told]
    invalid = ["alfa"] if own == "invalid" else []
    codes = siths.codes(*records, invalid=invalid, day=TOMORROW)
    made = siths.bring(*records, invalid=invalid, day=TOMORROW)
    if own == "gone":
        assert {order.cause for order in made} == {event}
    else:
        assert made == []
        assert {("alfa", "others_card", WHO), ("beta", "others_card", WHO)} <= codes


@pytest.mark.parametrize("unread", [None, "HSA could not be read"])
def test_nobody_has_left_while_a_record_cannot_be_read_that_had_them(
    siths: Siths, unread: str | None
) -> None:
    siths.issue(staff("alfa"), staff("beta", work=assignment(since="2026-02-01")), day=TODAY)
    siths.unread = unread
    left = staff("alfa", work=assignment(to=str(TODAY)))
    assert siths.bring(left, day=TOMORROW, invalid=["beta"]) == []
    assert siths.codes(left, day=TOMORROW, invalid=["beta"]) == set()
    # Beta's can be read again: it takes the card over, or its end comes late.
    day = TOMORROW + dt.timedelta(days=2)
    beta = staff("beta", work=assignment(since="2026-02-01"))
    assert [op.kind for op in siths.plan(left, beta, day=day).operations] == ["takeover"]
    over = staff("beta", work=assignment(since="2026-02-01", to=str(TOMORROW)))
    assert acts(siths.bring(left, over, day=day)) == [("revocation", "left", "alfa")]


def test_who_has_left_loses_the_card_while_a_record_of_others_cannot_be_read(
    siths: Siths,
) -> None:
    siths.issue(staff(), day=TODAY)
    left = staff(work=assignment(to=str(TODAY)))
    siths.unread = "HSA could not be read"  # then it may be anybody's
    assert siths.bring(left, day=TOMORROW, invalid=["beta"]) == []
    siths.unread = None
    assert acts(siths.bring(left, day=TOMORROW, invalid=["beta"])) == [
        ("revocation", "left", "alfa")
    ]


def test_a_lost_card_is_revoked_while_nobody_can_tell_who_has_left(siths: Siths) -> None:
    siths.issue(staff("alfa"), staff("beta", work=assignment(since="2026-02-01")), day=TODAY)
    lost = staff("alfa", {**CARD, "lost": str(TODAY)}, work=assignment(to=str(TODAY)))
    assert acts(siths.bring(lost, day=TOMORROW, invalid=["beta"])) == [
        ("revocation", "lost", "alfa")
    ]


def test_a_card_of_an_invalid_record_that_is_not_collected_waits_too(siths: Siths) -> None:
    (order,) = siths.bring(staff())
    siths.answer(order, "sent", TODAY)
    late = TODAY + dt.timedelta(days=100)
    assert siths.bring(staff("beta"), invalid=["alfa"], day=late) == []
    assert siths.codes(staff("beta"), invalid=["alfa"], day=late) == set()


def test_the_card_of_another_provider_stays_while_a_record_is_invalid(siths: Siths) -> None:
    siths.issue(staff("alfa", {"loa": 2}), day=TODAY)
    siths.issue(staff("alfa", {"loa": 2}), staff("beta", {"loa": 3}), day=TODAY)
    siths.bring(staff("alfa", {"loa": 2}), staff("beta", {"loa": 3}), day=TODAY)
    left = staff("beta", work=assignment(to=str(TODAY)))
    assert siths.bring(left, invalid=["alfa"], day=TOMORROW) == []


def test_the_orders_of_a_provider_without_a_record_are_a_finding_there(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    beta = staff("beta", work=assignment(since="2026-02-01"))
    assert siths.bring(beta, day=TOMORROW) == []
    assert siths.codes(beta, day=TOMORROW) == {("alfa", "orphan_order", WHO)}
    # Who reports a loss is heard though.
    lost = staff("beta", {**CARD, "lost": str(TOMORROW)})
    assert acts(siths.bring(lost, day=TOMORROW)) == [
        ("card", "lost", "beta"), ("revocation", "lost", "beta"),
    ]  # fmt: skip


@pytest.mark.parametrize("over", ["revoked", "expired", "refused"])
def test_what_is_over_is_nobodys_orphan(siths: Siths, over: str) -> None:
    (order,) = siths.bring(staff())
    if over == "refused":
        siths.answer(order, "refused", TODAY)
    else:
        siths.activate(order, TODAY, "2026-03-31")
    if over == "revoked":
        siths.bring(staff(work=assignment(to=str(TODAY))), day=TOMORROW)
    assert siths.codes(record(), day=dt.date(2026, 4, 1)) == set()


# --- services that ask for a card ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("services", "cards", "expected"),
    [
        ([PASCAL], [{**CARD, "loa": 3}], set()),
        ([PASCAL], [{**CARD, "loa": 2}], {"loa_too_low"}),
        ([PASCAL], [{**CARD, "loa": 2}, {**RESERVE, "loa": 3}], set()),
        ([PASCAL], [], {"card_missing"}),
        ([NPO], [], {"card_missing"}),
        ([NPO], [{**CARD, "loa": 2}], set()),
        ([JOURNAL], [], set()),
    ],
)
def test_a_service_that_asks_for_a_card_nobody_wishes_is_a_finding(
    siths: Siths, services: list[str], cards: list[dict[str, Any]], expected: set[str]
) -> None:
    one = record(people=[person(1, uses(*services), cards=cards)])
    assert {code for _provider, code, _object in siths.codes(one)} == expected


def test_a_card_that_is_held_opens_services_too(siths: Siths) -> None:
    siths.issue(staff(), day=TODAY)
    without = record("alfa", [person(1, uses(PASCAL))])
    assert siths.codes(without, day=TOMORROW) == {("alfa", "orphan_order", WHO)}


def test_a_wish_of_another_provider_opens_services_too(siths: Siths) -> None:
    alfa = record("alfa", [person(1, uses(PASCAL))])
    assert siths.codes(alfa) == {("alfa", "card_missing", WHO)}
    assert siths.codes(alfa, staff("beta", {"loa": 3})) == set()
    assert siths.codes(alfa, staff("beta", {"loa": 2})) == {("alfa", "loa_too_low", WHO)}


def test_an_assignment_that_has_ended_asks_for_nothing(siths: Siths) -> None:
    assert siths.codes(record(people=[person(1, uses(PASCAL, **OVER))])) == set()


def test_the_regions_own_employee_has_the_regions_card(siths: Siths) -> None:
    siths.people[number(1)] = {"ours": False}
    assert siths.codes(record(people=[person(1, uses(PASCAL))])) == set()


def test_findings_name_nobody(siths: Siths) -> None:
    named = {"given_name": "Åsa", "surname": "Öst"}
    low = record(people=[person(1, uses(PASCAL, NPO), cards=[{"loa": 2}], **named)])
    (order,) = siths.bring(low)
    siths.answer(order, "refused", TODAY)
    said = str(siths.findings(low, day=TOMORROW))
    assert "loa_too_low" in said
    assert "card_refused" in said
    assert not any(part in said for part in ("Åsa", "Öst", number(1)))
