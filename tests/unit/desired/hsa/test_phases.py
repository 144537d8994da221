# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each phase, and each state of an assignment, gives in HSA (design decision 12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    MISSING_FOR_OPERATION,
    NPO,
    PHASES,
    TODAY,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

PUBLIC = [unit(public_from="2026-01-15")]
YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)


def codes(hsa: Hsa, *records: Record, **options: Any) -> set[tuple[str, str]]:
    """(provider, code) of all findings."""
    return {(f.provider, f.code) for f in hsa.desired(*records, **options).findings}


# --- phases --------------------------------------------------------------------------------------


def test_an_application_has_nothing_in_hsa(hsa: Hsa) -> None:
    applicant = record(people=[person(1)], phase="application", units=PUBLIC)
    assert hsa.plan(applicant).operations == ()
    assert codes(hsa, applicant) == set()


def test_establishment_has_everything_but_members_and_1177(hsa: Hsa) -> None:
    establishing = record(people=[person(1)], phase="establishment", units=PUBLIC)
    hsa.bring(establishing)
    assert values(hsa.provider(), "hsaIdentity")
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()
    assert values(hsa.person(number(1)), "halsovalKey") == ("person/alfa",)
    (commission,) = hsa.commissions()
    assert values(commission, "hsaCommissionMember") == ()
    assert codes(hsa, establishing) == {("alfa", "not_in_operation")}


@pytest.mark.parametrize("missing", MISSING_FOR_OPERATION.values(), ids=MISSING_FOR_OPERATION)
def test_whatever_is_missing_for_operation_keeps_members_and_1177_away(
    hsa: Hsa, missing: dict[str, Any]
) -> None:
    hsa.bring(record(people=[person(1, assignment(systems=[NPO]))], units=PUBLIC, **missing))
    assert hsa.members() == set()
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()
    assert values(hsa.person(number(1)), "hsaSystemRole") == ()


def test_operation_has_members_and_is_public(hsa: Hsa) -> None:
    running = record(people=[person(1), person(2)], units=PUBLIC)
    hsa.bring(running)
    assert hsa.members() == {number(1), number(2)}
    assert values(hsa.unit(), "hsaDestinationIndicator") == ("03",)
    assert codes(hsa, running) == set()


@pytest.mark.parametrize(
    ("opens", "shown"), [(None, ()), (YESTERDAY, ("03",)), (TODAY, ("03",)), (TOMORROW, ())]
)
def test_a_unit_is_public_from_its_day(
    hsa: Hsa, opens: dt.date | None, shown: tuple[str, ...]
) -> None:
    hsa.bring(record(units=[unit(**({"public_from": str(opens)} if opens else {}))]))
    assert values(hsa.unit(), "hsaDestinationIndicator") == shown


def test_wind_down_keeps_everything_and_tells_the_end(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)], phase="wind_down", units=PUBLIC))
    assert hsa.members() == {number(1)}
    assert values(hsa.unit(), "hsaDestinationIndicator") == ("03",)
    (commission,) = hsa.commissions()
    # 30 June, 24:00 in Stockholm.
    for entry in (hsa.provider(), hsa.unit(), hsa.person(number(1)), commission):
        assert values(entry, "endDate") == ("20260630220000Z",)


def test_the_last_day_counts_and_the_day_after_it_access_is_gone(hsa: Hsa) -> None:
    ending = record(
        people=[person(1, assignment(systems=[NPO]))], units=PUBLIC, agreement={"ends": str(TODAY)}
    )
    hsa.bring(ending)
    assert hsa.members() == {number(1)}
    before = {entry.dn for entry in hsa.entries()}
    hsa.bring(ending, day=TOMORROW)
    assert hsa.members() == set()
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()
    assert values(hsa.person(number(1)), "hsaSystemRole") == ()
    assert {entry.dn for entry in hsa.entries()} == before
    assert values(hsa.person(number(1)), "personalIdentityNumber") == (number(1),)


def test_an_end_needs_no_confirmation_however_many_it_concerns(hsa: Hsa) -> None:
    staff = [person(n, assignment(systems=[NPO])) for n in range(30)]
    ending = record(people=staff, units=PUBLIC, agreement={"ends": str(TODAY)})
    hsa.bring(ending)
    result = hsa.run(ending, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert hsa.members() == set()
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()


def test_members_whose_rows_are_gone_too_leave_with_the_provider(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(n) for n in range(30)]))
    ended = record(people=[person(0)], phase="ended")
    assert hsa.run(ended)["alfa"]["failed"] is False
    assert hsa.members() == set()


def test_an_ended_provider_that_was_never_entered_is_left_out(hsa: Hsa) -> None:
    ended = record(people=[person(1)], phase="ended")
    assert hsa.plan(ended).operations == ()
    assert codes(hsa, ended) == {("alfa", "ended")}


def test_an_approval_taken_back_takes_access_only_when_confirmed(hsa: Hsa) -> None:
    people = [person(n, assignment(systems=[NPO])) for n in range(6)]
    hsa.bring(record(people=people, units=PUBLIC))
    for phase in ("establishment", "application"):
        again = record(people=people, units=PUBLIC, phase=phase)
        refused = hsa.run(again)["alfa"]
        assert refused["failed"] is True
        assert len(hsa.members()) == 6
    hsa.run(again, expected=frozenset({refused["plan"]}))
    assert hsa.members() == set()
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()
    assert values(hsa.person(number(1)), "hsaSystemRole") == ()


def test_every_phase_after_every_other_leaves_nothing_to_do() -> None:
    people = [person(1, assignment(systems=[NPO])), person(2, protected=True)]
    for first in PHASES:
        for second in PHASES:
            hsa = Hsa()
            hsa.bring(record(people=people, units=PUBLIC, phase=first))
            hsa.bring(record(people=people, units=PUBLIC, phase=second))
            has_members = second in ("operation", "wind_down")
            assert bool(hsa.members()) is has_members, (first, second)


# --- units ---------------------------------------------------------------------------------------


def test_a_unit_that_closes_loses_its_own_members_and_needs_no_confirmation(hsa: Hsa) -> None:
    units = [unit("a", closes=str(TODAY), public_from="2026-01-15"), unit("b")]
    people = [person(n, assignment("ab"[n % 2])) for n in range(8)]
    closing = record(people=people, units=units)
    hsa.bring(closing)
    result = hsa.run(closing, day=TOMORROW)["alfa"]
    assert result["failed"] is False
    assert hsa.members("alfa", "a") == set()
    assert values(hsa.unit("alfa", "a"), "hsaDestinationIndicator") == ()
    assert len(hsa.members("alfa", "b")) == 4


def test_a_unit_of_other_work_is_not_entered(hsa: Hsa) -> None:
    units = [unit(), unit("estetik", halsoval=False)]
    hsa.bring(record(people=[person(1, assignment("estetik"))], units=units))
    assert {key for e in hsa.entries() for key in values(e, "halsovalKey")} == {
        "provider/alfa",
        "unit/alfa/vc",
    }


def test_a_unit_that_stops_halsoval_work_loses_access_but_not_its_entry(hsa: Hsa) -> None:
    units = [unit(public_from="2026-01-15"), unit("kvar")]
    people = [person(n, assignment(systems=[NPO])) for n in range(3)]
    hsa.bring(record(people=people, units=units))
    stopped = record(people=people, units=[{**units[0], "halsoval": False}, units[1]])
    # No date says so: three of five would lose something.
    refused = hsa.run(stopped)["alfa"]
    assert refused["failed"] is True
    hsa.bring(stopped)
    assert hsa.members() == set()
    assert values(hsa.unit(), "hsaDestinationIndicator") == ()
    assert values(hsa.person(number(1)), "hsaSystemRole") == ()
    hsa.bring(record(people=people, units=units))
    assert len(hsa.members()) == 3


def test_a_provider_of_nothing_but_other_work_is_not_entered(hsa: Hsa) -> None:
    assert hsa.plan(record(people=[person(1)], units=[unit(halsoval=False)])).operations == ()


# --- assignments ---------------------------------------------------------------------------------


def test_people_are_entered_eight_weeks_ahead_and_act_from_their_first_day(hsa: Hsa) -> None:
    first = TODAY + dt.timedelta(days=57)
    later = record(people=[person(1, assignment(since=str(first), systems=[NPO]))])
    hsa.bring(later)
    assert hsa.people(number(1)) == []
    assert hsa.commissions() == []
    hsa.bring(later, day=TOMORROW)
    assert values(hsa.person(number(1)), "startDate") == ("20260427220000Z",)
    for day in (TOMORROW, first - dt.timedelta(days=1)):
        hsa.bring(later, day=day)
        assert hsa.members() == set()
        assert values(hsa.person(number(1)), "hsaSystemRole") == ()
    hsa.bring(later, day=first)
    assert hsa.members() == {number(1)}
    assert values(hsa.person(number(1)), "hsaSystemRole") == ("npo;lasare",)


def test_an_assignment_that_ended_gives_nothing_and_the_entry_stays(hsa: Hsa) -> None:
    people = [person(n, assignment(systems=[NPO], to=str(TODAY))) for n in range(1, 6)]
    leaving = record(people=[*people, person(6)])
    hsa.bring(leaving)
    assert len(hsa.members()) == 6
    result = hsa.run(leaving, day=TOMORROW)["alfa"]
    assert result["failed"] is False
    assert hsa.members() == {number(6)}
    entry = hsa.person(number(1))
    assert values(entry, "hsaSystemRole") == ()
    assert values(entry, "endDate") == ("20260302230000Z",)
    assert values(entry, "sn") == ("Fjällström",)


def test_an_assignment_that_had_ended_before_the_person_was_known_enters_nobody(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, assignment(to="2026-02-01"))]))
    assert hsa.people(number(1)) == []
    assert hsa.commissions() == []


def test_a_suspended_person_keeps_the_identity_and_has_no_access(hsa: Hsa) -> None:
    period = {"from": str(TOMORROW), "to": "2026-03-10"}
    people = [person(n, assignment(systems=[NPO], suspended=period)) for n in range(6)]
    suspended = record(people=people)
    hsa.bring(suspended)
    assert len(hsa.members()) == 6
    assert hsa.run(suspended, day=TOMORROW)["alfa"]["failed"] is False
    assert hsa.members() == set()
    entry = hsa.person(number(1))
    assert values(entry, "hsaSystemRole") == ()
    assert values(entry, "endDate") == ()
    assert values(entry, "fullName") == ("Anna1 Fjällström",)
    hsa.bring(suspended, day=dt.date(2026, 3, 11))
    assert len(hsa.members()) == 6
    assert values(hsa.person(number(1)), "hsaSystemRole") == ("npo;lasare",)


def test_another_assignment_of_the_same_kind_keeps_the_membership(hsa: Hsa) -> None:
    twice = [assignment(to=str(TODAY)), assignment(since=str(TODAY))]
    hsa.bring(record(people=[person(1, *twice)]))
    hsa.bring(record(people=[person(1, *twice)]), day=TOMORROW)
    assert hsa.members() == {number(1)}


def test_other_work_of_a_person_gives_nothing(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, assignment(halsoval=False, systems=[NPO]))]))
    assert hsa.people(number(1)) == []
    hsa.bring(record(people=[person(1, assignment("b", halsoval=False), assignment("a"))],
                     units=[unit("a"), unit("b")]))  # fmt: skip
    assert hsa.commissions("alfa", "b") == []
    assert hsa.members("alfa", "a") == {number(1)}


def test_without_a_purpose_there_is_an_entry_and_no_commission(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, assignment(purpose=None))]))
    assert len(hsa.people(number(1))) == 1
    assert hsa.commissions() == []


def test_a_start_that_is_put_off_takes_access_and_leaves_the_entry_ours(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, assignment(since="2026-04-01"))]))
    put_off = record(people=[person(1, assignment(since="2026-09-01"), position="Läkare")])
    hsa.bring(put_off)
    assert len(hsa.people(number(1))) == 1
    hsa.bring(put_off, day=dt.date(2026, 9, 1))
    assert hsa.members() == {number(1)}
    assert values(hsa.person(number(1)), "title") == ("Läkare",)
    assert codes(hsa, put_off, day=dt.date(2026, 9, 1)) == set()


# --- commissions ---------------------------------------------------------------------------------


def test_a_commission_is_one_per_purpose_and_set_of_rights(hsa: Hsa) -> None:
    rights = ["Läsa;alla;SJF", "Skriva;alla;VE"]
    people = [
        person(1, assignment(rights=rights)),
        person(2, assignment(rights=[*reversed(rights), rights[0]])),
        person(3, assignment(rights=rights[:1])),
        person(4, assignment(purpose="Statistik", rights=rights)),
    ]
    hsa.bring(record(people=people))
    found = {
        (values(c, "hsaCommissionPurpose"), frozenset(values(c, "hsaCommissionRight"))): len(
            values(c, "hsaCommissionMember")
        )
        for c in hsa.commissions()
    }
    care, statistics = ("Vård och behandling",), ("Statistik",)
    assert found == {
        (care, frozenset(rights)): 2,
        (care, frozenset(rights[:1])): 1,
        (statistics, frozenset(rights)): 1,
    }


@pytest.mark.parametrize("members", [1, 6])
def test_a_right_that_a_commission_loses_is_lost_by_its_members(hsa: Hsa, members: int) -> None:
    staff = [person(n) for n in range(6)]
    some = [*staff[:members], *(person(n, assignment(to="2026-03-01")) for n in range(members, 6))]
    hsa.bring(record(people=staff))
    (commission,) = hsa.commissions()
    more = (*values(commission, "hsaCommissionRight"), "Skriva;alla;VE")
    hsa.directory.put(commission.dn, hsaCommissionRight=more)
    plan = hsa.plan(record(people=some))
    lost = frozenset().union(*map(plan.losses, plan.operations))
    assert lost == {("person", hsa_id(hsa.person(number(n)))) for n in range(members)}
    result = hsa.run(record(people=some))["alfa"]
    refused = members > 1
    assert result["failed"] is refused
    (commission,) = hsa.commissions()
    assert ("Skriva;alla;VE" in values(commission, "hsaCommissionRight")) is refused
    assert len(hsa.members()) == members  # a date ends what it ends


def test_a_right_that_a_commission_gains_is_no_loss(hsa: Hsa) -> None:
    alfa = record(people=[person(1)])
    hsa.bring(alfa)
    (commission,) = hsa.commissions()
    hsa.directory.put(commission.dn, hsaCommissionRight=())
    plan = hsa.plan(alfa)
    assert [plan.losses(operation) for operation in plan.operations] == [frozenset()]


def test_rights_that_change_empty_the_old_commission_and_count_as_a_loss(hsa: Hsa) -> None:
    people = [person(n) for n in range(6)]
    hsa.bring(record(people=people))
    (old,) = hsa.commissions()
    other = [person(n, assignment(rights=["Läsa;alla;VE"])) for n in range(6)]
    refused = hsa.run(record(people=other))["alfa"]
    assert "6 of 7" in refused["msg"]
    hsa.run(record(people=other), expected=frozenset({refused["plan"]}))
    now = {tuple(values(c, "halsovalKey")): values(c, "hsaCommissionMember")
           for c in hsa.commissions()}  # fmt: skip
    assert len(now) == 2
    assert now.pop(values(old, "halsovalKey")) == ()
    assert [len(members) for members in now.values()] == [6]


def test_a_commission_is_used_again_when_it_is_called_for_again(hsa: Hsa) -> None:
    people, other = [person(1)], [person(1, assignment(rights=["Läsa;alla;VE"]))]
    hsa.bring(record(people=people))
    before = {e.dn for e in hsa.commissions()}
    hsa.bring(record(people=other))
    hsa.bring(record(people=people))
    assert before < {e.dn for e in hsa.commissions()}
    assert len(hsa.commissions()) == 2
    assert hsa.members() == {number(1)}


def test_a_commission_never_has_members_of_another_provider(hsa: Hsa) -> None:
    hsa.bring(record("alfa", [person(1), person(2)]), record("beta", [person(2), person(3)]))
    assert hsa.members("alfa") == {number(1), number(2)}
    assert hsa.members("beta") == {number(2), number(3)}


def test_a_member_added_by_hand_is_taken_out_and_counts_as_a_loss(hsa: Hsa) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    (commission,) = hsa.commissions()
    members = (*values(commission, "hsaCommissionMember"), "SE2321000214-X1", "SE2321000214-X2")
    hsa.directory.put(commission.dn, hsaCommissionMember=members)
    assert "2 of 4" in hsa.run(staff)["alfa"]["msg"]
    hsa.bring(staff)
    assert hsa.members() == {number(1)}
