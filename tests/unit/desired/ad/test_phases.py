# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each phase, trial, and state of an assignment opens in AD (design decisions 6 and 12)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    ECG,
    JOURNAL,
    MISSING_FOR_OPERATION,
    PHASES,
    TODAY,
    XRAY,
    assignment,
    number,
    person,
    record,
    trial,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
CLOSED = {"NORMAL_ACCOUNT", "SMARTCARD_REQUIRED"}
OPEN = {"ENABLED", *CLOSED}


def state(world: Ad, index: int = 1) -> tuple[bool, bool, set[str]]:
    """Whether an account is enabled, whether it bears our mark, and its groups."""
    owner = number(index)
    return world.is_enabled(owner), world.is_marked(owner), world.groups_of(owner)


def expires(world: Ad, index: int = 1) -> str:
    """When a person's account expires."""
    (moment,) = values(world.account(number(index)), "accountExpires")
    return moment


def codes(world: Ad, *records: Record, **options: Any) -> set[tuple[str, str, str]]:
    """(provider, code, object) of all findings."""
    return {(f.provider, f.code, f.object) for f in world.desired(*records, **options).findings}


# --- phases --------------------------------------------------------------------------------------


def test_in_establishment_accounts_are_there_and_closed(world: Ad) -> None:
    plan = world.bring(record(people=[person(1, uses())], phase="establishment"))
    assert state(world) == (False, True, set())
    assert set(values(world.account(number(1)), "userAccountControl")) == CLOSED
    assert values(world.group("Halsoval-alfa"), "member") == ()
    assert {operation.kind for operation in plan.operations} == {"account", "group"}


def test_in_operation_accounts_are_open(world: Ad) -> None:
    world.bring(record(people=[person(1, uses())], phase="establishment"))
    world.bring(record(people=[person(1, uses())]))
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})
    assert set(values(world.account(number(1)), "userAccountControl")) == OPEN


@pytest.mark.parametrize("missing", MISSING_FOR_OPERATION.values(), ids=MISSING_FOR_OPERATION)
def test_whatever_is_missing_for_operation_keeps_accounts_closed(
    world: Ad, missing: dict[str, Any]
) -> None:
    world.bring(record(people=[person(1, uses())], **missing))
    assert state(world) == (False, True, set())


def test_wind_down_keeps_everything_until_the_end(world: Ad) -> None:
    world.bring(record(people=[person(1, uses())], phase="wind_down"))
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})
    # 30 June, 24:00 in Stockholm.
    assert expires(world) == "2026-06-30T22:00:00Z"


def test_the_last_day_counts_and_the_day_after_it_everything_is_closed(world: Ad) -> None:
    ending = record(people=[person(1, uses())], agreement={"ends": str(TODAY)})
    world.bring(ending)
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})
    before = world.account(number(1))
    world.bring(ending, day=TOMORROW)
    assert state(world) == (False, True, set())
    assert expires(world) == "2026-03-02T23:00:00Z"
    # The account and its names stay until it is deleted after the grace period, and so does the
    # group.
    after = world.account(number(1))
    assert after.dn == before.dn.replace("OU=Konton", "OU=Karantan")
    assert after.address == before.address
    assert values(after, "displayName") == values(before, "displayName")
    assert values(world.group("Halsoval-alfa"), "member") == ()


def test_an_ended_provider_that_was_never_entered_is_left_out(world: Ad) -> None:
    assert world.bring(record(people=[person(1, uses())], phase="ended")).operations == ()


def test_an_end_needs_no_confirmation_however_many_it_concerns(world: Ad) -> None:
    ending = record(people=[person(n, uses()) for n in range(30)], agreement={"ends": str(TODAY)})
    world.bring(ending)
    result = world.run(ending, day=TOMORROW)["alfa"]
    assert (result["failed"], result["changed"]) == (False, True)
    assert all(state(world, n) == (False, True, set()) for n in range(30))


def test_an_approval_taken_back_closes_accounts_only_when_confirmed(world: Ad) -> None:
    people = [person(n, uses()) for n in range(6)]
    world.bring(record(people=people))
    for phase in ("establishment", "application"):
        again = record(people=people, phase=phase)
        refused = world.run(again)["alfa"]
        assert refused["failed"] is True
        assert all(state(world, n)[0] for n in range(6))
    world.run(again, expected=frozenset({refused["plan"], world.hsa_results["alfa"]["plan"]}))
    assert all(state(world, n) == (False, True, set()) for n in range(6))


def test_every_phase_after_every_other_leaves_nothing_to_do() -> None:
    people = [person(1, uses()), person(2, uses(XRAY), protected=True)]
    for first in PHASES:
        for second in PHASES:
            world = Ad()
            world.bring(record(people=people, phase=first))
            world.bring(record(people=people, phase=second))
            is_open = second in ("operation", "wind_down")
            for index in (1, 2) if world.accounts(number(1)) else ():
                assert state(world, index)[:2] == (is_open, not is_open), (first, second)
                assert bool(world.groups_of(number(index))) is is_open, (first, second)
            assert bool(world.accounts(number(1))) or not is_open


def test_a_unit_that_closes_closes_the_accounts_of_its_own_people(world: Ad) -> None:
    units = [unit("a", closes=str(TODAY)), unit("b")]
    people = [person(n, uses(unit="ab"[n % 2])) for n in range(8)]
    closing = record(people=people, units=units)
    world.bring(closing)
    assert expires(world, 0) == "2026-03-02T23:00:00Z"
    assert world.run(closing, day=TOMORROW)["alfa"]["failed"] is False
    assert [state(world, n)[0] for n in range(8)] == [False, True] * 4


def test_work_that_is_no_longer_halsoval_closes_the_account(world: Ad) -> None:
    world.bring(record(people=[person(1, uses())]))
    world.bring(record(people=[person(1, uses(halsoval=False))]))
    assert state(world) == (False, True, set())
    world.bring(record(people=[person(1, uses())]))
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})


# --- trials --------------------------------------------------------------------------------------

FIRST, LAST = dt.date(2026, 3, 5), dt.date(2026, 3, 20)


def trying(*assignments: dict[str, Any], **fields: Any) -> Record:
    """A provider in establishment where the person 1 tries the patient record system."""
    given = list(assignments) or [uses(XRAY, to="2026-12-31")]
    days = {"since": str(FIRST), "to": str(LAST)}
    return record(
        people=[person(1, *given, ref="a"), person(2, uses(JOURNAL), ref="b")],
        **{"phase": "establishment", "trial": [trial("a", **days)], **fields},
    )


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (TODAY, False),
        (FIRST - dt.timedelta(days=1), False),
        (FIRST, True),
        (LAST, True),
        (LAST + dt.timedelta(days=1), False),
    ],
)
def test_a_trial_opens_its_systems_and_the_providers_group_within_its_days(
    world: Ad, day: dt.date, is_open: bool
) -> None:
    world.bring(trying(), day=day)
    groups = {"Halsoval-alfa", "App-Journal"} if is_open else set()
    assert state(world) == (is_open, not is_open, groups)
    # Who is not in the trial waits for operation.
    assert state(world, 2) == (False, True, set())


def test_an_account_that_only_a_trial_opens_expires_with_the_trial(world: Ad) -> None:
    world.bring(trying())
    assert expires(world) == "2026-12-31T23:00:00Z"
    world.bring(trying(), day=FIRST)
    assert expires(world) == "2026-03-20T23:00:00Z"
    world.bring(trying(), day=LAST + dt.timedelta(days=1))
    assert expires(world) == "2026-12-31T23:00:00Z"
    assert state(world) == (False, True, set())


def test_a_trial_prolongs_nothing_that_ends_before_it(world: Ad) -> None:
    for ends in ({"to": "2026-03-10"}, {}):
        agreement = {"ends": "2026-03-10"} if not ends else {}
        world.bring(trying(uses(XRAY, **ends), agreement=agreement), day=FIRST)
        assert expires(world) == "2026-03-10T23:00:00Z"


def test_of_two_trials_the_later_end_counts(world: Ad) -> None:
    days = {"since": str(FIRST), "to": str(LAST)}
    trials = [trial("a", **days), trial("a", services=[XRAY], since=str(FIRST), to="2026-03-10")]
    world.bring(trying(trial=trials), day=FIRST)
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal", "App-Rontgen"}
    assert expires(world) == "2026-03-20T23:00:00Z"
    world.bring(trying(trial=trials), day=dt.date(2026, 3, 11))
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_a_trial_beside_open_work_elsewhere_does_not_limit_it(world: Ad) -> None:
    world.bring(trying(), record("beta", [person(1, uses(DOCUMENTS))]), day=FIRST)
    assert expires(world) == "never"
    assert world.groups_of(number(1)) == {
        "Halsoval-alfa", "Halsoval-beta", "App-Journal", "App-Dokument-Las"
    }  # fmt: skip


@pytest.mark.parametrize("phase", ["application", "operation", "ended"])
def test_a_trial_opens_nothing_but_in_establishment(world: Ad, phase: str) -> None:
    world.bring(trying(phase=phase), day=FIRST)
    if world.accounts(number(1)):
        assert "App-Journal" not in world.groups_of(number(1))
    assert bool(world.accounts(number(1))) is (phase == "operation")


def test_a_trial_alone_calls_for_an_account(world: Ad) -> None:
    world.bring(trying(assignment()))
    assert state(world) == (False, True, set())
    world.bring(trying(assignment()), day=FIRST)
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})


def test_a_trial_of_other_services_calls_for_none(world: Ad) -> None:
    world.bring(trying(assignment(), trial=[trial("a", services=[ECG])]))
    assert world.accounts(number(1)) == []


@pytest.mark.parametrize(
    "given",
    [
        uses(XRAY, halsoval=False),
        uses(XRAY, to=str(FIRST - dt.timedelta(days=1))),
        uses(XRAY, since="2026-09-01"),
        uses(XRAY, suspended={"from": str(YESTERDAY)}),
    ],
    ids=["other work", "ended", "later", "suspended"],
)
def test_a_trial_opens_nothing_for_whom_no_assignment_counts(
    world: Ad, given: dict[str, Any]
) -> None:
    world.bring(trying(given), day=FIRST)
    assert not world.accounts(number(1)) or state(world)[::2] == (False, set())


def many_trying(*given: dict[str, Any], **fields: Any) -> Record:
    """Ten people in a trial that has begun."""
    people = [person(n, *given, ref=f"p{n}") for n in range(10)]
    refs = [f"p{n}" for n in range(10)]
    return record(
        people=people,
        **{"phase": "establishment", "trial": [trial(*refs, to=str(TODAY))], **fields},
    )


either_way = pytest.mark.parametrize("given", [assignment(), uses()], ids=["trial", "service"])


@either_way
def test_the_end_of_a_trial_needs_no_confirmation(world: Ad, given: dict[str, Any]) -> None:
    testing = many_trying(given)
    world.bring(testing)
    assert all(state(world, n)[0] for n in range(10))
    assert world.run(testing, day=TOMORROW)["alfa"]["failed"] is False
    assert all(state(world, n) == (False, True, set()) for n in range(10))


@either_way
def test_the_end_of_an_agreement_ends_its_trials_without_confirmation(
    world: Ad, given: dict[str, Any]
) -> None:
    days = {"agreement": {"ends": str(TODAY)}}
    refs = [f"p{n}" for n in range(10)]
    testing = many_trying(given, trial=[trial(*refs)], **days)
    world.bring(testing)
    assert world.run(testing, day=TOMORROW)["alfa"]["failed"] is False
    assert all(state(world, n) == (False, True, set()) for n in range(10))


@either_way
def test_the_end_of_an_assignment_ends_its_trial_without_confirmation(
    world: Ad, given: dict[str, Any]
) -> None:
    refs = [f"p{n}" for n in range(10)]
    leaving = many_trying({**given, "to": str(TODAY)}, trial=[trial(*refs)])
    world.bring(leaving)
    assert world.run(leaving, day=TOMORROW)["alfa"]["failed"] is False
    assert all(state(world, n) == (False, True, set()) for n in range(10))


def test_what_was_only_tried_goes_when_operation_starts_and_needs_no_confirmation(
    world: Ad,
) -> None:
    refs = [f"p{n}" for n in range(10)]
    starting = many_trying(
        uses(XRAY), trial=[trial(*refs)], phase="operation",
        agreement={"operation_start": str(TOMORROW)},
    )  # fmt: skip
    world.bring(starting)
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}
    assert world.run(starting, day=TOMORROW)["alfa"]["failed"] is False
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Rontgen"})


# --- assignments ---------------------------------------------------------------------------------


def test_an_account_is_made_eight_weeks_ahead_and_opens_on_the_first_day(world: Ad) -> None:
    first = TODAY + dt.timedelta(days=57)
    later = record(people=[person(1, uses(since=str(first)))])
    world.bring(later)
    assert world.accounts(number(1)) == []
    for day in (TOMORROW, first - dt.timedelta(days=1)):
        world.bring(later, day=day)
        assert state(world) == (False, True, set())
    world.bring(later, day=first)
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})


def test_a_suspended_assignment_counts_as_none_and_keeps_the_account(world: Ad) -> None:
    period = {"from": str(TOMORROW), "to": "2026-03-10"}
    people = [person(n, uses(suspended=period, to="2026-06-30")) for n in range(6)]
    suspended = record(people=people)
    world.bring(suspended)
    before, held = world.account(number(1)), world.directory.content()
    assert world.run(suspended, day=TOMORROW)["alfa"]["failed"] is False
    assert all(state(world, n) == (False, True, set()) for n in range(6))
    assert expires(world) == "2026-06-30T22:00:00Z"
    assert world.account(number(1)).dn == before.dn
    world.bring(suspended, day=dt.date(2026, 3, 11))
    assert all(state(world, n)[0] for n in range(6))
    assert world.directory.content() == held


def test_a_suspended_assignment_beside_an_open_one_takes_what_it_gave_alone(world: Ad) -> None:
    suspended = uses(JOURNAL, XRAY, suspended={"from": str(YESTERDAY)})
    world.bring(record(people=[person(1, suspended, uses(JOURNAL))]))
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})


def test_who_has_left_is_closed_and_stripped_and_the_expiry_is_past(world: Ad) -> None:
    leaving = record(people=[person(1, uses(to=str(TODAY)), position="Läkare")])
    world.bring(leaving)
    world.bring(leaving, day=TOMORROW)
    assert state(world) == (False, True, set())
    assert expires(world) == "2026-03-02T23:00:00Z"
    assert values(world.account(number(1)), "title") == ("Läkare",)


def test_an_assignment_that_follows_another_keeps_the_account_open(world: Ad) -> None:
    twice = record(people=[person(1, uses(to=str(TODAY)), uses(XRAY, since=str(TOMORROW)))])
    world.bring(twice)
    world.bring(twice, day=TOMORROW)
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Rontgen"})
    assert expires(world) == "never"


def test_a_start_that_is_put_off_closes_the_account_and_leaves_it_ours(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(since="2026-02-01"))]))
    world.bring(record(people=[person(1, uses(since="2026-09-01"))]))
    assert state(world) == (False, True, set())
    world.bring(record(people=[person(1, uses(since="2026-09-01"))]), day=dt.date(2026, 9, 1))
    assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})
    assert len(world.accounts(number(1))) == 1


# --- accountExpires ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "moment"),
    [
        ("2026-12-31", "2026-12-31T23:00:00Z"),
        ("2026-07-15", "2026-07-15T22:00:00Z"),
        # Summer time begins on 29 March and ends on 25 October.
        ("2026-03-28", "2026-03-28T23:00:00Z"),
        ("2026-03-29", "2026-03-29T22:00:00Z"),
        ("2026-10-24", "2026-10-24T22:00:00Z"),
        ("2026-10-25", "2026-10-25T23:00:00Z"),
        ("2028-02-29", "2028-02-29T23:00:00Z"),
        ("2199-12-31", "2199-12-31T23:00:00Z"),
    ],
)
def test_an_account_expires_when_the_last_day_ends_in_stockholm(
    world: Ad, last: str, moment: str
) -> None:
    world.bring(record(people=[person(1, uses(to=last))]))
    assert expires(world) == moment


@pytest.mark.parametrize(
    ("ends", "moment"),
    [
        (("2026-05-31", "2026-08-31"), "2026-08-31T22:00:00Z"),
        (("2026-08-31", "2026-02-28"), "2026-08-31T22:00:00Z"),
        (("2026-08-31", None), "never"),
        ((None, "2026-02-28"), "never"),
    ],
)
def test_the_last_of_several_ends_counts(
    world: Ad, ends: tuple[str | None, ...], moment: str
) -> None:
    days = [uses(**({"to": end} if end else {})) for end in ends]
    world.bring(record(people=[person(1, *days)]))
    assert expires(world) == moment
    across = Ad()
    across.bring(record("alfa", [person(1, days[0])]), record("beta", [person(1, days[1])]))
    assert expires(across) == moment


@pytest.mark.parametrize("never", ["never", "never (9223372036854775807)"])
def test_both_values_of_never_are_the_same(world: Ad, never: str) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    world.change(world.account(number(1)), accountExpires=never)
    assert world.bring(staff).operations == ()
    world.bring(record(people=[person(1, uses(to="2026-06-30"))]))
    assert expires(world) == "2026-06-30T22:00:00Z"
    world.bring(staff)
    assert expires(world) == "never"


def test_services_of_no_ad_group_do_not_prolong_an_account(world: Ad) -> None:
    world.bring(record(people=[person(1, uses(to="2026-06-30"), assignment(systems=[ECG]))]))
    assert expires(world) == "2026-06-30T22:00:00Z"


# --- closed by hand ------------------------------------------------------------------------------


def test_who_was_disabled_by_hand_stays_so_and_is_reported(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    assert codes(world, staff) == set()
    world.disable_by_hand(number(1))
    assert world.bring(staff).operations == ()
    assert state(world)[:2] == (False, False)
    assert codes(world, staff) == {("alfa", "manually_disabled", world.id_of(number(1)))}


def test_a_hand_that_closed_is_heeded_through_leaving_and_coming_back(world: Ad) -> None:
    ending, staff = record(people=[person(1, uses(to="2026-03-01"))]), record(
        people=[person(1, uses())]
    )  # fmt: skip
    world.bring(staff)
    world.disable_by_hand(number(1))
    world.bring(ending)
    assert state(world) == (False, False, set())
    assert codes(world, ending) == set()
    suspended = record(people=[person(1, uses(suspended={"from": str(YESTERDAY)}))])
    for away in (record(people=[person(1, uses())], phase="establishment"), suspended):
        world.bring(away)
        assert state(world)[:2] == (False, False)
    world.bring(staff)
    assert state(world)[:2] == (False, False)
    assert codes(world, staff) == {("alfa", "manually_disabled", world.id_of(number(1)))}


def test_what_we_disabled_we_enable_again(world: Ad) -> None:
    staff, ended = record(people=[person(1, uses())]), record(
        people=[person(1, uses(to="2026-03-01"))]
    )  # fmt: skip
    world.bring(staff)
    for _time in range(2):
        world.bring(ended)
        assert state(world) == (False, True, set())
        world.bring(staff)
        assert state(world) == (True, False, {"Halsoval-alfa", "App-Journal"})


def test_an_account_opened_by_hand_is_closed_again_where_nothing_is_open(world: Ad) -> None:
    closed = record(people=[person(1, uses())], phase="establishment")
    world.bring(closed)
    flags = values(world.account(number(1)), "userAccountControl")
    world.change(world.account(number(1)), userAccountControl=("ENABLED", *flags))
    world.bring(closed)
    assert state(world)[:2] == (False, True)


def test_once_a_person_opens_what_a_person_closed_it_is_ours_again(world: Ad) -> None:
    staff = record(people=[person(1, uses())])
    world.bring(staff)
    world.disable_by_hand(number(1))
    world.bring(staff)
    flags = values(world.account(number(1)), "userAccountControl")
    world.change(world.account(number(1)), userAccountControl=("ENABLED", *flags))
    world.bring(staff)
    assert codes(world, staff) == set()
    world.bring(record(people=[person(1, uses(to="2026-03-01"))]))
    world.bring(staff)
    assert state(world)[:2] == (True, False)


def test_the_mark_stands_beside_what_others_keep_in_the_attribute(world: Ad) -> None:
    closed = record(people=[person(1, uses())], phase="establishment")
    world.bring(closed)
    assert set(values(world.account(number(1)), "extensionName")) == {
        "halsoval:person/alfa", "halsoval:disabled"
    }  # fmt: skip
    assert AD_LAYOUT.key_attribute == "extensionName"
