# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who joins, changes and leaves in systems that keep users of their own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LISTING,
    NPO,
    TEAMS,
    TODAY,
    number,
    person,
    record,
    trial,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.user_builders import (
    AIDS,
    P1,
    SOON,
    TOMORROW,
    USERS,
    YESTERDAY,
    from_day,
    staff,
    task,
    users,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import (
    IDS,
    Services,
    of_kind,
    one,
    told,
)

# --- whose work it is -----------------------------------------------------------------------------


def test_the_catalogue_says_who_gets_the_order(services: Services) -> None:
    own = staff(uses(JOURNAL, LISTING, ECG, TEAMS, NPO), mail="a@vard.example")
    found = of_kind(services.run(own), *USERS)
    assert {(o.kind, o.subject, o.recipient) for o in found} == {
        ("join", LISTING, "provider:alfa"),
        ("join", ECG, "systemforvaltning"),
        ("guest", TEAMS, "systemforvaltning"),
    }


def test_an_order_says_who_where_and_from_when(services: Services) -> None:
    own = staff(
        given_name="Åsa", middle_name="Maria", surname="Öst", position="Läkare", mail="a@x.example"
    )  # fmt: skip
    order = one(services.run(own), "join")
    assert (order.object, order.provider, order.due) == (P1, "alfa", SOON)
    assert order.state == "ordered"
    assert order.particulars == {
        "hsa_id": P1, "given_name": "Åsa", "middle_name": "Maria", "surname": "Öst",
        "title": "Läkare", "mail": "a@x.example", "unit": "Vårdcentralen vc",
        "provider_name": "Alfa vård AB", "service_name": "Åtkomst till EKG-data",
        "act": "join", "day": str(SOON),
    }  # fmt: skip


def test_of_a_protected_person_it_says_the_hsa_id_alone(services: Services) -> None:
    own = staff(given_name="Åsa", mail="a@x.example", position="Läkare", protected=True)
    order = one(services.run(own), "join")
    assert order.protected
    assert set(order.particulars) == {"hsa_id", "provider_name", "service_name", "act", "day"}


def test_whom_nobody_can_name_waits_for_nothing_and_is_a_finding(services: Services) -> None:
    services.unknown = {1}
    own = staff(ref="doctor-1")
    assert users(services, own) == []
    assert ("no_hsa_id", "doctor-1") in services.findings(own)
    assert ("no_hsa_id", "people[0]") in services.findings(staff())


def test_a_guest_without_mail_is_a_finding_and_no_order(services: Services) -> None:
    own = staff(uses(TEAMS))
    assert users(services, own) == []
    assert ("own_mail_missing", P1) in services.findings(own)
    assert users(services, staff(uses(TEAMS), mail="a@x.example")) == [("guest", P1, "ordered")]
    # Who is a guest already stays one.
    assert users(services, own) == []


def test_two_assignments_are_one_user_from_the_earlier_day(services: Services) -> None:
    own = record(
        people=[person(1, uses(ECG, since="2026-02-01"), uses(ECG, unit="bvc"))],
        units=[unit("vc"), unit("bvc")],
    )
    order = one(services.run(own), "join")
    assert order.due == SOON
    assert order.particulars["unit"] == "Vårdcentralen bvc, Vårdcentralen vc"
    ahead = [uses(ECG, since="2026-03-20"), uses(ECG, unit="bvc", since="2026-03-10")]
    both = record(people=[person(2, *ahead)], units=[unit("vc"), unit("bvc")])
    assert one(services.run(both), "join").due == dt.date(2026, 3, 10)


def test_each_provider_has_its_own_orders_for_a_shared_person(services: Services) -> None:
    both = (record("alfa", [person(1, uses(ECG))]), record("beta", [person(1, uses(ECG))]))
    assert {o.provider for o in of_kind(services.run(*both), "join")} == {"alfa", "beta"}
    left = (record("alfa", [person(1, uses(ECG, to=str(YESTERDAY)))]), both[1])
    assert one(services.run(*left), "leave").provider == "alfa"


# --- join and leave -------------------------------------------------------------------------------


def test_who_comes_back_is_ordered_anew_under_another_key(services: Services) -> None:
    away = staff(uses(ECG, suspended={"from": str(TODAY), "to": "2026-03-10"}))
    first = one(services.run(staff()), "join")
    services.answer("done")
    leave = one(services.run(away), "leave")
    again = one(services.run(away, day=dt.date(2026, 3, 11)), "join")
    assert again.due == dt.date(2026, 3, 25)
    assert (leave.follows, again.follows) == (first.key, leave.key)
    assert len({first.key, leave.key, again.key}) == 3


def test_a_system_dropped_from_an_assignment_is_left_and_guarded(services: Services) -> None:
    crowd = range(1, 11)
    services.run(record(people=[person(n, uses(ECG, LISTING)) for n in crowd]))
    dropped = record(people=[person(n, uses(LISTING)) for n in crowd])
    assert "10 of 10 would lose something" in services.judge(dropped).refusals["alfa"]
    found = services.run(dropped)
    assert {(o.kind, o.subject, o.due) for o in found} == {("leave", ECG, TODAY)}


def test_a_system_dropped_beside_another_assignment_that_ended_is_guarded_too(
    services: Services,
) -> None:
    crowd = range(1, 12)
    services.run(record(people=[person(n, uses(ECG)) for n in crowd]))
    both = [uses(LISTING, to=str(YESTERDAY)), uses(LISTING, since="2026-04-01")]
    dropped = record(people=[person(n, *both) for n in crowd])
    assert "11 of 11 would lose something" in services.judge(dropped).refusals["alfa"]


def test_one_who_drops_a_system_is_within_the_limit(services: Services) -> None:
    services.run(staff(uses(ECG, LISTING)))
    assert services.judge(staff(uses(LISTING))).refusals == {}


def test_a_row_that_vanishes_takes_nothing_and_is_a_finding(services: Services) -> None:
    services.run(staff())
    assert users(services, record()) == []
    assert ("orphan_order", P1) in services.findings(record())


LEAST = {"hsa_id": P1, "provider_name": "Alfa vård AB", "act": "leave", "day": "2026-03-01"}


def test_a_row_that_vanishes_with_its_provider_is_ended(services: Services) -> None:
    services.run(staff())
    services.answer("done")
    services.thin()
    ended = record(phase="ended")
    assert services.judge(ended).refusals == {}
    leave = one(services.run(ended), "leave")
    assert leave.particulars["surname"] == "Fjällström"
    assert leave.particulars.items() >= LEAST.items()


def test_where_the_details_are_thinned_the_leaving_says_the_least(services: Services) -> None:
    for day in ("2026-03-10", "2026-03-20"):
        services.run(from_day(day))
        services.answer("done")
    services.thin()
    assert one(services.run(record(phase="ended")), "leave").particulars == LEAST


def test_a_row_that_vanishes_hides_who_is_protected_elsewhere(services: Services) -> None:
    services.run(staff())
    beta = record("beta", [person(1, uses(LISTING), protected=True)])
    leave = one(services.run(record(phase="ended"), beta), "leave")
    assert leave.protected
    assert leave.particulars == LEAST


def test_a_join_that_has_not_left_is_cancelled_by_the_leaving(services: Services) -> None:
    parts: dict[str, Any] = {
        "services": ["vardutbud_bas", "stodapplikationer", AIDS],
        "agreement": {"supplementary": [{"service": AIDS, "signed": "2026-04-01"}]},
    }
    services.run(record(people=[person(1, uses(AIDS))], **parts))
    assert users(services, record(people=[person(1, uses(AIDS, to=str(TODAY)))], **parts)) == []
    left = record(people=[person(1, uses(AIDS, to=str(YESTERDAY)))], **parts)
    assert users(services, left) == [("join", P1, "cancelled")]
    back = record(people=[person(1, uses(AIDS))], **parts)
    join = one(services.run(back, day=dt.date(2026, 4, 1)), "join")
    assert (join.state, bool(join.follows)) == ("ordered", True)


def test_a_join_waits_for_the_supplementary_agreement(services: Services) -> None:
    parts: dict[str, Any] = {
        "services": ["vardutbud_bas", "stodapplikationer", AIDS],
        "agreement": {"supplementary": [{"service": AIDS, "signed": str(TOMORROW)}]},
    }
    own = record(people=[person(1, uses(AIDS))], **parts)
    assert users(services, own) == [("join", P1, "wanted")]
    assert users(services, own, day=TOMORROW) == [("join", P1, "ordered")]


def test_what_still_waits_is_not_held(services: Services) -> None:
    own = record(
        people=[person(1, uses(AIDS))],
        services=["vardutbud_bas", "stodapplikationer", AIDS],
        agreement={"supplementary": [{"service": AIDS, "signed": str(TOMORROW)}]},
    )
    services.run(own)
    assert services.desired(own).holdings == {}
    services.run(own, day=TOMORROW)
    assert services.desired(own, day=TOMORROW).holdings == {"alfa": {("person", P1)}}


def test_what_was_refused_is_ordered_again_once_the_record_asks_for_something_else(
    services: Services,
) -> None:
    own = staff()
    services.run(own)
    services.answer("refused", kind="join")
    assert users(services, own) == []
    assert ("order_refused", P1) in services.findings(own)
    assert services.judge(own).operations == ()
    assert users(services, staff(surname="Öst")) == [("join", P1, "ordered")]


@pytest.mark.parametrize("mail", [None, "a@x.example"], ids=["system", "guest"])
def test_a_refused_leaving_says_who_still_has_access_and_how_to_ask_again(
    services: Services, mail: str | None
) -> None:
    service, kind = (TEAMS, "guest_end") if mail else (ECG, "leave")

    def until(to: str | None) -> Record:
        return staff(uses(service, to=to), mail=mail)

    services.run(until(None))
    services.answer("done")
    services.run(until(str(YESTERDAY)))
    services.answer("refused", kind=kind)
    assert users(services, until(str(YESTERDAY))) == []
    found = services.desired(until(str(YESTERDAY))).findings
    (message,) = (f.message for f in found if (f.code, f.object) == ("leave_refused", P1))
    assert "the person still has access" in message
    assert "another last day" in message
    again = until(str(YESTERDAY - dt.timedelta(days=1)))
    assert users(services, again) == [(kind, P1, "ordered")]
    assert ("leave_refused", P1) not in services.findings(again)


# --- a first day that moves -----------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, "done"])
@pytest.mark.parametrize(
    ("day", "due"),
    [("2026-04-20", "2026-04-20"), ("2026-03-05", "2026-03-05"), ("2026-08-20", "2026-08-20"),
     ("2026-01-01", "2026-03-17")],
    ids=["later", "earlier", "beyond the lead time", "begun"],
)  # fmt: skip
def test_a_first_day_that_moves_is_told_once(
    services: Services, day: str, due: str, answer: str | None
) -> None:
    join = one(services.run(from_day("2026-03-10")), "join")
    if answer:
        services.answer(answer)
    assert services.judge(from_day(day), day=TOMORROW).refusals == {}
    change = one(services.run(from_day(day), day=TOMORROW), "change")
    assert (change.cause, change.state, str(change.due)) == ("start_moved", "ordered", due)
    assert (change.particulars["day"], change.particulars["reason"]) == (due, "start_moved")
    assert (change.subject, change.follows) == (ECG, join.key)
    for later in range(1, 60):
        assert services.run(from_day(day), day=TODAY + dt.timedelta(days=later)) == []


def test_a_first_day_that_moves_back_and_forth_is_told_each_time(services: Services) -> None:
    keys = {one(services.run(from_day("2026-03-10")), "join").key}
    for day in ("2026-04-20", "2026-08-20", "2026-03-10", "2026-04-20"):
        change = one(services.run(from_day(day)), "change")
        assert str(change.due) == day
        keys.add(change.key)
    assert len(keys) == 5


def test_who_begins_later_leaves_what_the_provider_has_left_by_then(services: Services) -> None:
    services.run(from_day("2026-03-10"))
    over = {"terminated": [{"service": ECG, "last_day": str(YESTERDAY)}]}
    later = record(people=[person(1, uses(ECG, since="2026-08-20"))], **over)
    assert users(services, later) == [("leave", P1, "ordered")]


def test_who_has_left_hears_nothing_of_a_day_far_ahead(services: Services) -> None:
    services.run(staff())
    services.run(staff(uses(ECG, to=str(YESTERDAY))))
    assert services.run(from_day("2026-08-20")) == []


def test_a_first_day_that_comes_is_no_change(services: Services) -> None:
    services.run(from_day("2026-03-10"))
    for day in (9, 10, 11, 30):
        assert services.run(from_day("2026-03-10"), day=dt.date(2026, 3, day)) == []


def test_a_start_of_operation_that_moves_is_told_its_users(services: Services) -> None:
    def starting(day: str) -> Record:
        people = [person(n, uses(ECG)) for n in range(1, 12)]
        return record(people=people, phase="establishment", agreement={"operation_start": day})

    services.run(starting("2026-04-01"))
    services.answer("done")
    assert services.judge(starting("2026-06-01")).refusals == {}
    changes = of_kind(services.run(starting("2026-06-01")), "change")
    assert {(o.cause, str(o.due)) for o in changes} == {("start_moved", "2026-06-01")}
    assert len(changes) == 11
    assert services.run(starting("2026-06-01")) == []


@pytest.mark.parametrize("later", ["2026-04-20", "2026-08-20"])
def test_who_has_begun_and_is_to_begin_later_loses_access_and_is_guarded(
    services: Services, later: str
) -> None:
    def crowd(day: str) -> Record:
        return record(people=[person(n, uses(ECG, since=day)) for n in range(1, 12)])

    services.run(crowd("2026-01-01"))
    assert "11 of 11 would lose something" in services.judge(crowd(later)).refusals["alfa"]
    assert users(services, from_day(later)) == [("change", P1, "ordered")]


def test_an_end_before_the_new_first_day_explains_it(services: Services) -> None:
    crowd = range(1, 12)
    services.run(record(people=[person(n, uses(ECG)) for n in crowd]))
    both = [uses(ECG, to=str(YESTERDAY)), uses(ECG, since="2026-04-01")]
    again = record(people=[person(n, *both) for n in crowd])
    assert services.judge(again).refusals == {}
    changes = of_kind(services.run(again), *USERS)
    assert {(o.kind, str(o.due)) for o in changes} == {("change", "2026-04-01")}


def test_a_join_that_still_waits_is_replaced_when_its_day_moves(services: Services) -> None:
    def waiting(day: str) -> Record:
        return record(
            people=[person(1, uses(AIDS, since=day))],
            services=["vardutbud_bas", "stodapplikationer", AIDS],
            agreement={"supplementary": [{"service": AIDS, "signed": "2026-05-01"}]},
        )

    services.run(waiting("2026-03-10"))
    for day in ("2026-04-20", "2026-08-20", "2026-01-01"):
        assert users(services, waiting(day)) == [("join", P1, "cancelled"), ("join", P1, "wanted")]
        assert services.run(waiting(day)) == []


def test_a_refused_first_day_is_not_told_again(services: Services) -> None:
    services.run(from_day("2026-03-10"))
    services.run(from_day("2026-04-20"))
    services.answer("refused", kind="change")
    assert users(services, from_day("2026-04-20")) == []
    assert ("order_refused", P1) in services.findings(from_day("2026-04-20"))
    assert users(services, from_day("2026-04-21")) == [("change", P1, "ordered")]


def test_a_trial_before_operation_moves_the_first_day_and_its_end_moves_it_back(
    services: Services,
) -> None:
    def tries(to: str = "2026-03-20") -> Record:
        return record(
            people=[person(1, uses(ECG), ref="a")], phase="establishment",
            agreement={"operation_start": "2026-04-01"},
            trial=[trial("a", services=[ECG], since="2026-03-05", to=to)],
        )  # fmt: skip

    told_days = []
    for number_of_days in range(30):
        found = services.run(tries(), day=TODAY + dt.timedelta(days=number_of_days))
        told_days += [(o.kind, o.cause, str(o.due)) for o in of_kind(found, *USERS)]
    assert told_days == [
        ("join", "", "2026-04-01"),
        ("change", "start_moved", "2026-03-05"),
        ("change", "start_moved", "2026-04-01"),
    ]


def test_a_grant_opens_at_once_what_would_begin_later(services: Services) -> None:
    until = TODAY + dt.timedelta(days=3)
    services.holds = (
        Hold(id="g1", object=P1, kind="grant", reason="akut", by="x", since=TODAY, until=until),
    )
    own = from_day("2026-04-20")
    assert one(services.run(own), "join").due == TODAY
    assert services.run(own, day=until) == []
    change = one(services.run(own, day=until + dt.timedelta(days=1)), "change")
    assert (change.cause, str(change.due)) == ("start_moved", "2026-04-20")


# --- changes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"given_name": "Åsa"},
        {"middle_name": "Åsa"},
        {"surname": "Öst"},
        {"position": "Chef"},
        {"mail": "b@x.example"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_change_is_ordered_once(services: Services, fields: dict[str, Any]) -> None:
    services.run(staff())
    services.answer("done")
    change = one(services.run(staff(**fields)), "change")
    assert (change.state, change.due) == ("ordered", TODAY + dt.timedelta(days=14))
    assert change.particulars["day"] == str(change.due)
    assert next(iter(fields.values())) in change.particulars.values()
    assert users(services, staff(**fields)) == []
    assert users(services, staff()) == [("change", P1, "ordered")]


def test_another_unit_is_a_change(services: Services) -> None:
    units = [unit("vc"), unit("bvc")]
    services.run(record(people=[person(1, uses(ECG))], units=units))
    moved = record(people=[person(1, uses(ECG, unit="bvc"))], units=units)
    assert users(services, moved) == [("change", P1, "ordered")]


def test_another_name_of_the_provider_changes_nobody(services: Services) -> None:
    services.run(staff())
    assert users(services, record(people=[person(1, uses(ECG))], name="Nya Alfa AB")) == []


def test_a_change_is_seen_however_long_ago_the_person_joined(services: Services) -> None:
    services.run(staff())
    services.answer("done")
    services.thin()
    assert users(services, staff()) == []
    assert users(services, staff(surname="Öst")) == [("change", P1, "ordered")]
    services.answer("done")
    services.thin()
    assert users(services, staff(surname="Öst")) == []
    assert users(services, staff(surname="Väst")) == [("change", P1, "ordered")]


def test_a_change_is_seen_after_a_first_day_that_moved(services: Services) -> None:
    for day in ("2026-03-10", "2026-03-20"):
        services.run(from_day(day))
        services.answer("done")
    services.thin()
    assert users(services, from_day("2026-03-20")) == []
    other = record(people=[person(1, uses(ECG, since="2026-03-20"), surname="Öst")])
    assert users(services, other) == [("change", P1, "ordered")]


def test_who_gets_a_protected_identity_is_changed_without_a_name(services: Services) -> None:
    services.run(staff())
    change = one(services.run(staff(protected=True)), "change")
    assert change.protected
    assert "surname" not in change.particulars


# --- protection that a record says which cannot be read -------------------------------------------


@pytest.fixture
def shared(services: Services) -> Services:
    """A ledger with orders about a person whom one provider of two calls protected."""
    services.run(record("alfa", [person(1, uses(ECG))]), PROTECTING)
    services.answer("done")
    return services


PROTECTING = record("beta", [person(1, uses(LISTING), protected=True)])


@pytest.mark.parametrize("unread", [None, "HSA could not be read"])
def test_while_the_record_that_protects_cannot_be_read_nothing_tells_a_name(
    shared: Services, unread: str | None
) -> None:
    shared.unread = unread
    alfa = record("alfa", [person(1, uses(ECG))])
    assert users(shared, alfa, invalid=["beta"]) == []
    more = record("alfa", [person(1, uses(ECG, LISTING), surname="Öst")])
    found = of_kind(shared.run(more, invalid=["beta"]), *USERS)
    assert [(o.kind, o.subject, o.protected) for o in found] == [("join", LISTING, True)]
    assert "surname" not in found[0].particulars
    left = record("alfa", [person(1, uses(ECG, to=str(YESTERDAY)))])
    leaves = of_kind(shared.run(left, invalid=["beta"]), *USERS)
    assert [(o.kind, o.protected) for o in leaves] == [("leave", True), ("leave", True)]
    assert not any("surname" in o.particulars for o in leaves)


def test_what_hsa_hides_is_hidden_in_the_first_order_too(services: Services) -> None:
    services.in_hsa[number(1)] = {"beta": True}
    join = one(services.run(staff(), invalid=["beta"]), "join")
    assert join.protected
    assert "surname" not in join.particulars


def test_protection_lasts_though_hsa_shows_the_person(shared: Services) -> None:
    shared.in_hsa[number(1)] = {"alfa": False, "beta": False}
    assert users(shared, record("alfa", [person(1, uses(ECG))]), invalid=["beta"]) == []


def test_protection_ends_when_every_record_that_can_say_so_does(shared: Services) -> None:
    both = (
        record("alfa", [person(1, uses(ECG))]),
        record("beta", [person(1, uses(LISTING))]),
    )
    found = of_kind(shared.run(*both), *USERS)
    assert [(o.kind, o.protected, o.particulars["surname"]) for o in found] == [
        ("change", False, "Fjällström"), ("change", False, "Fjällström"),
    ]  # fmt: skip
    assert users(shared, both[0], invalid=["beta"]) == []


def test_an_unreadable_record_of_others_protects_nobody(services: Services) -> None:
    beta = record("beta", [person(2, uses(LISTING), protected=True)])
    services.run(staff(), beta)
    change = one(services.run(staff(surname="Öst"), invalid=["beta"]), "change")
    assert not change.protected


def test_membership_tells_no_name_either(shared: Services) -> None:
    own = record("alfa", [person(1, uses(JOURNAL))])
    found = shared.run(own, invalid=["beta"], tasks=task("join"))
    membership = one(found, "membership")
    assert membership.protected
    assert "surname" not in membership.particulars


# --- one person, whatever the letters -------------------------------------------------------------


def test_an_hsa_id_in_other_letters_is_the_same_person(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = staff(uses(ECG, JOURNAL))
    services.run(own, tasks=task("join"))
    services.answer("done")
    services.run(own)
    monkeypatch.setitem(IDS, number(1), P1.lower())
    assert services.run(own) == []
    assert ("orphan_order", P1) not in services.findings(own)
    left = staff(uses(ECG, JOURNAL, to=str(YESTERDAY)))
    found = services.run(left, tasks=task("leave"))
    assert told(found) == [
        ("leave", P1.lower(), "ordered"), ("membership_end", P1.lower(), "ordered"),
    ]  # fmt: skip
    assert {o.particulars["hsa_id"] for o in found} == {P1.lower()}


# --- records that cannot be read, or are not there ------------------------------------------------


def test_an_unreadable_record_leaves_its_orders_alone(services: Services) -> None:
    services.run(staff())
    assert services.run(invalid=["alfa"]) == []
    assert services.findings(invalid=["alfa"]) == []


def test_orders_of_a_provider_without_record_are_findings(services: Services) -> None:
    services.run(staff())
    beta = record("beta")
    desired = services.desired(beta)
    orphans = {(f.code, f.object) for f in desired.findings if f.provider == "alfa"}
    assert ("orphan_order", P1) in orphans
    assert {order.provider for order in services.run(beta)} == {"beta"}


def test_while_hsa_cannot_be_read_nobody_is_taken_for_an_orphan(services: Services) -> None:
    services.run(staff())
    services.unknown, services.unread = {1}, "HSA could not be read"
    found = services.desired(staff()).findings
    assert {f.code for f in found if f.object in (P1, "people[0]")} == {"no_hsa_id"}
    assert services.run(staff()) == []
