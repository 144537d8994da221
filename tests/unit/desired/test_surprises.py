# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no date explains: rows that vanish, ends that nobody knew of, other people in the row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.pending import LINKED
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    LISTING,
    NPO,
    OFFICE,
    STATISTICS,
    TODAY,
    assignment,
    coordination_number,
    hold,
    number,
    person,
    record,
    trial,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import hsa_id
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import Services

TWENTY = range(1, 21)
UNITS = [unit(), unit("norr")]
GIVES = {"systems": [JOURNAL, NPO]}
DAY = dt.timedelta(days=1)


@pytest.fixture
def world() -> Ad:
    """A region whose runs know of the runs before."""
    region = Ad()
    region.hsa.journal = MemoryJournal()
    return region


def provider(*assignments: dict[str, Any], who: Any = TWENTY, **fields: Any) -> Record:
    people = [person(n, *assignments) for n in who]
    return record("alfa", people, units=UNITS, **fields)


def enabled(world: Ad) -> int:
    accounts = (world.accounts(n) for n in map(number, TWENTY))
    return sum("ENABLED" in a.attributes["userAccountControl"] for some in accounts for a in some)


def assert_nobody_lost_anything(world: Ad, results: dict[str, Any], provider: str = "alfa") -> None:
    assert len(world.hsa.members(provider)) == len(TWENTY)
    assert enabled(world) == len(TWENTY)
    assert "refused" in world.hsa_results[provider]["msg"]
    assert "refused" in results[provider]["msg"]


def test_a_second_assignment_that_vanishes_is_not_explained_by_the_first(world: Ad) -> None:
    first = assignment(to="2026-12-31", **GIVES)
    both = provider(first, assignment(since="2027-01-01", **GIVES))
    for day in (dt.date(2026, 12, 30), dt.date(2027, 1, 15)):
        world.run(both, day=day)
    results = world.run(provider(first), day=dt.date(2027, 1, 16))
    assert_nobody_lost_anything(world, results)


def test_rows_that_others_took_the_place_of_are_not_explained_by_these(world: Ad) -> None:
    world.run(provider(assignment(**GIVES)))
    other = assignment("norr", purpose=STATISTICS, to=str(TODAY - dt.timedelta(days=1)), **GIVES)
    assert_nobody_lost_anything(world, world.run(provider(other)))


@pytest.mark.parametrize("days_back", [8, 90, 365])
@pytest.mark.parametrize("where", ["the agreement", "the unit", "the assignment"])
def test_an_end_that_is_new_and_lies_back_is_no_surprise_for_a_week_only(
    world: Ad, where: str, days_back: int
) -> None:
    gives = assignment(since="2024-01-01", **GIVES)
    started = {"agreement": {"operation_start": "2024-01-01"}}
    world.run(provider(gives, **started))
    end = str(TODAY - dt.timedelta(days=days_back))
    staff = [person(n, gives) for n in TWENTY]
    units = [unit(closes=end), UNITS[1]]
    after = {
        "the agreement": provider(gives, agreement={**started["agreement"], "ends": end}),
        "the unit": record("alfa", staff, units=units, **started),
        "the assignment": provider({**gives, "to": end}, **started),
    }
    assert_nobody_lost_anything(world, world.run(after[where]))


def ending(where: str, day: dt.date, staff: list[dict[str, Any]]) -> Record:
    """A provider with staff that has ended, or whose unit has closed."""
    ends = {"ends": str(day)} if where == "the agreement" else {}
    units = [unit(closes=str(day)) if where == "the unit" else UNITS[0], UNITS[1]]
    return record("alfa", staff, units=units, agreement={"operation_start": "2024-01-01", **ends})


PLACES = pytest.mark.parametrize("where", ["the agreement", "the unit"])
# What opens roles in HSA, groups in AD, both or neither.
SYSTEMS = pytest.mark.parametrize("systems", [[JOURNAL, NPO], [JOURNAL], [NPO], []])


@pytest.mark.parametrize("days_back", [8, 20, 365])
@PLACES
@SYSTEMS
def test_an_end_that_lies_back_explains_nothing_of_people_who_are_not_listed_either(
    world: Ad, where: str, systems: list[str], days_back: int
) -> None:
    staff = [person(n, assignment(since="2024-01-01", systems=systems)) for n in TWENTY]
    world.run(ending("nothing", TODAY, staff))
    before = enabled(world)
    results = world.run(ending(where, TODAY - dt.timedelta(days_back), []))
    assert (len(world.hsa.members()), enabled(world)) == (len(TWENTY), before)
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert ("refused" in results["alfa"]["msg"]) is bool(before)


@pytest.mark.parametrize("days_back", [1, 7])
def test_an_end_of_the_last_days_is_carried_out_for_people_who_are_not_listed(
    world: Ad, days_back: int
) -> None:
    staff = [person(n, assignment(since="2024-01-01", **GIVES)) for n in TWENTY]
    world.run(ending("nothing", TODAY, staff))
    results = world.run(ending("the agreement", TODAY - dt.timedelta(days_back), []))
    assert (world.hsa.members(), enabled(world)) == (set(), 0)
    assert results["alfa"]["failed"] is False


@pytest.mark.parametrize(
    ("days_back", "remembered", "explained"),
    [(7, True, True), (8, True, False), (31, False, True), (32, False, False)],
)
@pytest.mark.parametrize("is_listed", [True, False])
def test_an_end_explains_what_is_ordered_for_as_long_as_what_is_written(
    is_listed: bool, days_back: int, remembered: bool, explained: bool
) -> None:
    services = Services()
    staff = [person(n, assignment(since="2024-01-01", systems=[LISTING])) for n in TWENTY]
    started = ending("nothing", TODAY, staff)
    services.run(started)
    services.answer("done")
    if remembered:
        services.remember(started)
    end = TODAY - dt.timedelta(days_back)
    told = services.judge(ending("the agreement", end, staff if is_listed else []))
    assert {o.kind for o in told.operations} >= ({"leave", "terminate"} if explained else set())
    assert ("alfa" in told.refusals) is not explained
    if not explained:
        assert told.operations == ()


@pytest.mark.parametrize(("days_back", "explained"), [(31, True), (32, False), (365, False)])
@pytest.mark.parametrize("is_listed", [True, False])
@PLACES
def test_where_no_run_is_remembered_an_end_explains_a_loss_for_a_month(
    where: str, is_listed: bool, days_back: int, explained: bool
) -> None:
    world = Ad()
    staff = [person(n, assignment(since="2024-01-01", **GIVES)) for n in TWENTY]
    world.run(ending("nothing", TODAY, staff))
    end = TODAY - dt.timedelta(days_back)
    results = world.run(ending(where, end, staff if is_listed else []))
    if not explained:
        assert_nobody_lost_anything(world, results)
    elif is_listed or where == "the agreement":
        assert (world.hsa.members(), enabled(world)) == (set(), 0)


@pytest.mark.parametrize("where", ["the agreement", "the unit"])
def test_an_end_that_surprises_does_so_too_where_the_rows_have_vanished(
    world: Ad, where: str
) -> None:
    started: Any = {"agreement": {"operation_start": "2024-01-01"}}
    world.run(provider(assignment(since="2024-01-01", **GIVES), **started))
    end = str(TODAY - dt.timedelta(days=90))
    after = {
        "the agreement": provider(who=(), agreement={**started["agreement"], "ends": end}),
        "the unit": record("alfa", units=[unit(closes=end), UNITS[1]], **started),
    }
    assert_nobody_lost_anything(world, world.run(after[where]))


@pytest.mark.parametrize("days_back", [1, 7])
def test_an_end_of_the_last_days_is_carried_out(world: Ad, days_back: int) -> None:
    world.run(provider(assignment(**GIVES)))
    end = str(TODAY - dt.timedelta(days=days_back))
    results = world.run(provider(assignment(to=end, **GIVES)))
    assert (world.hsa.members(), enabled(world)) == (set(), 0)
    assert results["alfa"]["failed"] is False


def test_an_end_that_was_known_is_carried_out_however_long_no_run_was_made(world: Ad) -> None:
    ending = provider(assignment(to="2026-03-20", **GIVES))
    world.run(ending)
    results = world.run(ending, day=dt.date(2026, 9, 1))
    assert (world.hsa.members(), enabled(world)) == (set(), 0)
    assert results["alfa"]["failed"] is False


def test_a_row_that_is_tidied_away_after_its_end_takes_nothing(world: Ad) -> None:
    world.run(provider(assignment(to="2026-03-20", **GIVES)))
    world.run(provider(assignment(to="2026-03-20", **GIVES)), day=dt.date(2026, 3, 21))
    results = world.run(provider(who=()), day=dt.date(2026, 6, 1))
    assert results["alfa"]["failed"] is False


# --- parts of assignments -------------------------------------------------------------------------


def roles(world: Ad) -> int:
    return sum(bool(world.hsa.person(number(n)).attributes.get("hsaSystemRole")) for n in TWENTY)


def assert_nobody_lost_a_system(world: Ad, results: dict[str, Any]) -> None:
    assert_nobody_lost_anything(world, results)
    assert roles(world) == len(TWENTY)


@pytest.mark.parametrize(
    "other",
    [
        assignment("norr", purpose=STATISTICS, to="2026-03-01", **GIVES),
        assignment("norr", purpose=STATISTICS, since="2025-01-01", to="2026-02-10", **GIVES),
        assignment("norr", purpose=STATISTICS, suspended={"from": "2026-03-01"}, **GIVES),
        assignment(purpose=STATISTICS, to="2026-03-01", **GIVES),
        assignment(since="2025-01-01", to="2025-12-31", **GIVES),
    ],
    ids=["ended", "ended long ago", "suspended", "of the same unit", "of the same commission"],
)
def test_systems_that_are_struck_are_not_explained_by_another_assignment(
    world: Ad, other: dict[str, Any]
) -> None:
    world.run(provider(assignment(**GIVES)))
    results = world.run(provider(assignment(), other), day=TODAY + DAY)
    # The memberships go on.
    assert len(world.hsa.members()) == enabled(world) == roles(world) == len(TWENTY)
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert "refused" in results["alfa"]["msg"]


def test_systems_that_are_struck_are_not_explained_where_orders_are_made_for_them() -> None:
    services, uses = Services(), {"systems": [LISTING]}
    before = provider(assignment(**uses))
    services.run(before)
    services.answer("done")
    services.remember(before)
    other = assignment("norr", purpose=STATISTICS, to="2026-03-01", **uses)
    told = services.judge(provider(assignment(), other))
    assert (bool(told.refusals), told.operations) == (True, ())


def test_systems_that_another_assignment_gives_are_not_lost(world: Ad) -> None:
    world.run(provider(assignment(**GIVES)))
    both = (assignment(), assignment("norr", purpose=STATISTICS, **GIVES))
    results = world.run(provider(*both), day=TODAY + DAY)
    assert enabled(world) == roles(world) == len(TWENTY)
    assert results["alfa"]["failed"] is False
    ended = (assignment(), assignment("norr", purpose=STATISTICS, to="2026-03-03", **GIVES))
    results = world.run(provider(*ended), day=TODAY + 2 * DAY)
    assert (enabled(world), roles(world)) == (0, 0)
    assert results["alfa"]["failed"] is False


def leaving(service: str, day: dt.date, *assignments: dict[str, Any]) -> Record:
    return provider(*assignments, terminated=[{"service": service, "last_day": str(day)}])


@pytest.mark.parametrize("days_back", [9, 30, 90])
@pytest.mark.parametrize("rows", ["as they were", "struck", "another ended"])
def test_the_end_of_a_service_that_is_new_and_lies_back_is_a_surprise(
    world: Ad, rows: str, days_back: int
) -> None:
    uses = assignment(since="2025-01-01", systems=[OFFICE])
    world.run(provider(uses))
    day = TODAY + DAY
    now = {
        "as they were": [uses],
        "struck": [assignment(since="2025-01-01")],
        "another ended": [
            uses, assignment("norr", purpose=STATISTICS, to="2026-03-02", systems=[OFFICE])
        ],
    }  # fmt: skip
    results = world.run(leaving(OFFICE, day - dt.timedelta(days_back), *now[rows]), day=day)
    assert enabled(world) == len(TWENTY)
    assert "refused" in results["alfa"]["msg"]


@pytest.mark.parametrize("days_back", [1, 8])
def test_the_end_of_a_service_of_the_last_days_is_carried_out(world: Ad, days_back: int) -> None:
    uses = assignment(systems=[OFFICE])
    world.run(provider(uses))
    day = TODAY + DAY
    results = world.run(leaving(OFFICE, day - dt.timedelta(days_back), uses), day=day)
    assert enabled(world) == 0
    assert results["alfa"]["failed"] is False
    # Weeks later the rows are tidied up: nothing is left that could be lost.
    weeks = day + dt.timedelta(20)
    world.run(leaving(OFFICE, day - dt.timedelta(days_back), uses), day=weeks)
    assert world.run(provider(assignment()), day=weeks + DAY)["alfa"]["failed"] is False


@pytest.mark.parametrize(("days_back", "explained"), [(7, True), (8, False)])
def test_the_end_of_a_service_explains_roles_and_orders_for_as_long(
    world: Ad, days_back: int, explained: bool
) -> None:
    uses, services = assignment(since="2025-01-01", systems=[NPO, LISTING]), Services()
    world.run(provider(uses))
    services.run(provider(uses))
    services.answer("done")
    services.remember(provider(uses))
    end = TODAY - dt.timedelta(days_back)
    world.run(leaving(NPO, end, uses))
    assert roles(world) == (0 if explained else len(TWENTY))
    told = services.judge(leaving(LISTING, end, uses))
    assert bool(told.refusals) is not explained
    assert any(o.kind == "leave" for o in told.operations) is explained


# --- suspensions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["2025-11-01", "2026-02-22"])
def test_a_suspension_that_is_new_and_began_long_before_the_last_run_is_a_surprise(
    world: Ad, since: str
) -> None:
    uses = assignment(since="2025-01-01", **GIVES)
    world.run(provider(uses))
    results = world.run(provider({**uses, "suspended": {"from": since}}), day=TODAY + DAY)
    assert_nobody_lost_a_system(world, results)


@pytest.mark.parametrize("since", ["2026-02-23", "2026-03-02", "2026-03-03"])
def test_a_suspension_of_the_last_days_is_carried_out(world: Ad, since: str) -> None:
    world.run(provider(assignment(**GIVES)))
    away = provider(assignment(suspended={"from": since}, **GIVES))
    results = world.run(away, day=TODAY + DAY)
    assert (world.hsa.members(), enabled(world), roles(world)) == (set(), 0, 0)
    assert results["alfa"]["failed"] is False
    # It goes on for as long as it takes, and ends as any other.
    for days in (60, 61):
        assert world.run(away, day=TODAY + days * DAY)["alfa"]["failed"] is False
    ended = provider(assignment(suspended={"from": since}, to="2026-05-02", **GIVES))
    assert world.run(ended, day=TODAY + 62 * DAY)["alfa"]["failed"] is False


def test_a_hold_explains_whatever_a_suspension_says(world: Ad) -> None:
    uses = assignment(since="2025-01-01", **GIVES)
    world.run(provider(uses))
    world.hsa.holds = (hold("alfa"),)
    results = world.run(provider({**uses, "suspended": {"from": "2025-11-01"}}), day=TODAY + DAY)
    assert (world.hsa.members(), enabled(world), roles(world)) == (set(), 0, 0)
    assert results["alfa"]["failed"] is False


@pytest.mark.parametrize(("since", "explained"), [("2025-11-01", False), ("2026-02-23", True)])
def test_a_suspension_explains_what_is_ordered_for_as_long(since: str, explained: bool) -> None:
    services, uses = Services(), assignment(since="2025-01-01", systems=[LISTING])
    six = range(1, 7)
    services.run(provider(uses, who=six))
    services.answer("done")
    services.remember(provider(uses, who=six))
    told = services.judge(provider({**uses, "suspended": {"from": since}}, who=six))
    assert bool(told.refusals) is not explained
    left = [o for o in told.operations if o.kind == "leave"]
    assert len(left) == (len(six) if explained else 0)


# --- trials ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("days_back", [1, 7, 8, 30])
@pytest.mark.parametrize("what", ["the trial", "the assignment", "a suspension"])
def test_what_ends_a_trial_explains_its_loss_for_as_long(
    world: Ad, what: str, days_back: int
) -> None:
    day = str(TODAY - dt.timedelta(days_back))
    gives = assignment(since="2025-10-01", **GIVES)

    def trying(row: dict[str, Any], to: str = "2026-03-15") -> Record:
        staff = [person(n, row, ref=f"p{n}") for n in TWENTY]
        tried = trial(*(f"p{n}" for n in TWENTY), since="2026-01-01", to=to)
        return record("alfa", staff, units=UNITS, phase="establishment", trial=[tried])

    world.run(trying(gives))
    assert enabled(world) == len(TWENTY)
    now = {
        "the trial": trying(gives, to=day),
        "the assignment": trying({**gives, "to": day}),
        "a suspension": trying({**gives, "suspended": {"from": day}}),
    }
    results = world.run(now[what])
    assert results["alfa"]["failed"] is (days_back > 7)
    assert enabled(world) == (len(TWENTY) if days_back > 7 else 0)


# --- some today and some tomorrow ----------------------------------------------------------------


def test_rows_that_vanish_run_by_run_are_counted_together(world: Ad) -> None:
    records = [
        record(name, [person(10 * p + n, assignment(**GIVES)) for n in range(1, 6)])
        for p, name in enumerate("abcdefghijklmn")
    ]
    world.run(*records)
    shorter = [
        record(own.id, [person(10 * p + n, assignment(**GIVES)) for n in range(1, 5)])
        for p, own in enumerate(records)
    ]
    lost = []
    for some in ("abcde", "fghij", "klmn"):
        results = world.run(*shorter, providers=tuple(some))
        lost += [p for p in some if not results[p]["failed"]]
    assert lost == list("abcdefghij")


def test_one_row_a_night_does_not_empty_a_provider_of_four(world: Ad) -> None:
    for night, left in enumerate((4, 3, 2, 1, 0)):
        world.run(provider(assignment(**GIVES), who=range(left)), day=TODAY + dt.timedelta(night))
    assert len(world.hsa.members()) == 3


def test_what_a_person_has_confirmed_is_not_counted_again(world: Ad) -> None:
    world.run(provider(assignment(**GIVES)))
    fewer = provider(assignment(**GIVES), who=range(1, 11))
    results = world.run(fewer)
    hashes = frozenset({world.hsa_results["alfa"]["plan"], results["alfa"]["plan"]})
    world.run(fewer, expected=hashes)
    assert len(world.hsa.members()) == 10
    results = world.run(provider(assignment(**GIVES), who=range(1, 10)))
    assert results["alfa"]["failed"] is False
    assert len(world.hsa.members()) == 9


def test_what_a_provider_takes_from_people_it_shares_is_its_own_loss(world: Ad) -> None:
    coming = record("beta", [person(n, assignment(since="2026-04-01", **GIVES)) for n in TWENTY])
    world.run(provider(assignment(**GIVES)), coming)
    struck = [person(1, assignment())] + [person(n, assignment(**GIVES)) for n in TWENTY[1:]]
    world.run(record("alfa", struck, units=UNITS), coming, providers=("alfa",))
    assert world.groups_of(number(1)) == set()
    world.run(provider(assignment()), coming)
    assert sum("App-Journal" in world.groups_of(number(n)) for n in TWENTY) == 19


def test_what_a_vanished_row_takes_is_its_providers_loss_though_others_list_the_person(
    world: Ad,
) -> None:
    beta = record("beta", [person(1, assignment())])
    world.run(provider(assignment(**GIVES), who=range(1, 5)), beta)
    world.run(provider(assignment(**GIVES), who=(1, 3, 4)), beta)
    world.run(provider(assignment(**GIVES), who=(3, 4)), beta)
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert world.hsa.person(number(1)).first("hsaSystemRole") == "npo;lasare"
    assert world.is_enabled(number(1))
    assert world.groups_of(number(1)) == {"App-Journal", "Halsoval-alfa"}


# --- what a refusal must not delay ---------------------------------------------------------------


def only_one_away() -> Record:
    """Of twenty one is left, who is suspended: the other rows have vanished."""
    return provider(assignment(suspended={"from": str(TODAY)}, **GIVES), who=(1,))


def test_a_provider_that_gave_nothing_delays_no_end_at_another(world: Ad) -> None:
    idle = record("beta", [person(1, assignment(**GIVES))], sjunet={})
    world.run(provider(assignment(**GIVES)), idle)
    world.run(only_one_away(), idle)
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert world.hsa.person(number(1)).first("hsaSystemRole") is None
    assert not world.is_enabled(number(1))
    assert world.groups_of(number(1)) == set()


@pytest.mark.parametrize("over", [{"suspended": {"from": str(TODAY)}}, {"to": str(TODAY - DAY)}])
def test_a_day_explains_all_that_the_assignment_gave_though_systems_are_struck_with_it(
    world: Ad, over: dict[str, Any]
) -> None:
    world.run(provider(assignment(**GIVES)))
    world.run(provider(assignment(systems=[], **over), who=(1,)))
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert world.hsa.person(number(1)).first("hsaSystemRole") is None
    assert not world.is_enabled(number(1))
    assert world.groups_of(number(1)) == set()


def test_who_was_deleted_from_hsa_leaves_a_commission_by_date_all_the_same(world: Ad) -> None:
    world.run(provider(assignment(**GIVES)))
    one = world.hsa.person(number(1))
    world.hsa.directory.remove(one.dn)
    world.run(only_one_away())
    assert "refused" in world.hsa_results["alfa"]["msg"]
    (commission,) = world.hsa.commissions()
    assert hsa_id(one) not in commission.attributes["hsaCommissionMember"]


# --- other people in the row ---------------------------------------------------------------------


def test_two_people_whose_numbers_are_swapped_wait_for_a_person(world: Ad) -> None:
    def staff(first: int, second: int, **more: str) -> Record:
        people = [
            person(first, assignment(**GIVES), ref="a", given_name="Anna", surname="Ek"),
            person(second, assignment(**GIVES), ref="b", given_name="Bo", surname="Ek"),
        ]
        return record("alfa", people)

    world.run(staff(1, 2))
    before = (world.hsa.entries(), world.directory.read())
    results = world.run(staff(2, 1))
    assert (world.hsa.entries(), world.directory.read()) == before
    for own in (world.hsa_results["alfa"], results["alfa"]):
        assert own["failed"] is True
        assert "withheld until a person confirms it" in own["msg"]


@pytest.mark.parametrize("ref", [{"ref": "a"}, {}], ids=["ref", "name"])
def test_another_number_in_the_row_waits_for_a_person(world: Ad, ref: dict[str, str]) -> None:
    name = {"given_name": "Anna", "surname": "Ek", **ref}
    world.run(record("alfa", [person(1, assignment(**GIVES), **name)]))
    before = world.hsa.members()
    changed = record("alfa", [person(3, assignment(**GIVES), **name)])
    world.run(changed)
    assert "another personal number" in world.hsa_results["alfa"]["msg"]
    assert world.hsa.members() == before
    assert world.hsa.people(number(3)) == []
    msg = world.hsa_results["alfa"]["msg"]
    world.run(changed, expected=frozenset({msg.rpartition("=")[2].split()[0]}))
    assert world.hsa.people(number(3))


def test_a_new_commission_comes_without_those_who_wait(world: Ad) -> None:
    name = {"given_name": "Anna", "surname": "Ek", "ref": "a"}
    world.run(record("alfa", [person(1, assignment(**GIVES), **name)]))
    also = [assignment(**GIVES), assignment(purpose=STATISTICS)]
    world.run(record("alfa", [person(3, *also, **name), person(2, *also)]))
    assert "another personal number" in world.hsa_results["alfa"]["msg"]
    assert world.hsa.people(number(3)) == []
    members = {m for e in world.hsa.commissions() for m in e.attributes["hsaCommissionMember"]}
    assert members == {world.id_of(number(1)), world.id_of(number(2))}


def test_namesakes_wait_for_nobody(world: Ad) -> None:
    name = {"given_name": "Anna", "surname": "Ek"}
    two = [person(n, assignment(**GIVES), **name) for n in (1, 2)]
    third = person(3, assignment(**GIVES), **name)
    for staff in (two[:1], two, two, [*two, third], [third, *two]):
        results = world.run(record("alfa", staff))
        assert (world.hsa_results["alfa"]["errors"], results["alfa"]["errors"]) == ([], [])
        assert len(world.hsa.members()) == len(staff)


def test_another_number_in_the_row_of_one_of_two_namesakes_waits_for_a_person(world: Ad) -> None:
    name = {"given_name": "Anna", "surname": "Ek"}
    world.run(record("alfa", [person(n, assignment(**GIVES), **name) for n in (1, 2)]))
    world.run(record("alfa", [person(n, assignment(**GIVES), **name) for n in (1, 3)]))
    msg = world.hsa_results["alfa"]["msg"]
    assert "another personal number" in msg
    # The one who is still there is nobody's business.
    assert world.hsa.person(number(1)).first("hsaIdentity") not in msg
    assert world.hsa.members() == {number(1), number(2)}


def test_what_was_confirmed_alone_in_a_first_run_is_known_to_the_next(world: Ad) -> None:
    journal, world.hsa.journal = world.hsa.journal, None
    world.run(record("alfa", [person(1, assignment(**GIVES), given_name="Anna", surname="Ek")]))
    bo = person(1, assignment(**GIVES), given_name="Bo", surname="Al")
    other = record("alfa", [bo, person(2, assignment(**GIVES))])
    world.run(other)
    msg = world.hsa_results["alfa"]["msg"]
    other = record("alfa", [bo, *(person(n, assignment(**GIVES)) for n in (2, 3))])
    world.hsa.journal = journal
    world.run(other, expected=frozenset({msg.rpartition("=")[2]}))
    assert world.hsa.person(number(1)).first("sn") == "Al"
    world.run(other)
    assert world.hsa_results["alfa"]["errors"] == []


def test_a_new_number_that_the_record_links_to_the_old_one_waits_for_nobody(world: Ad) -> None:
    name = {"given_name": "Anna", "surname": "Ek", "ref": "a"}
    old = coordination_number(1)
    row = person(1, assignment(**GIVES), personnummer=None, samordningsnummer=old, **name)
    world.run(record("alfa", [row]))
    linked = person(1, assignment(**GIVES), previous_numbers=[old], **name)
    results = world.run(record("alfa", [linked]))
    assert results["alfa"]["failed"] is False
    assert len(world.hsa.people(number(1))) == 1


def asked(result: dict[str, Any]) -> frozenset[str]:
    """The hash that a result asks to be confirmed."""
    return frozenset({result["msg"].rpartition("=")[2]})


def test_a_record_by_itself_takes_nobody_over_whom_another_provider_has(world: Ad) -> None:
    own = record("alfa", [person(1, assignment(**GIVES), given_name="Anna", surname="Ek")])
    world.run(own)
    before = (world.hsa.entries(), world.directory.read())
    taking = [
        person(2, assignment(**GIVES), previous_numbers=[number(1)], given_name="Bo", surname="Al"),
        person(2, assignment(since="2099-01-01", **GIVES), previous_numbers=[number(1)]),
    ]
    for row in taking:
        newcomer = record("beta", [row])
        world.run(own, newcomer)
        assert world.hsa.person(number(1)).first("sn") == "Ek"
        assert world.hsa.people(number(2)) == []
        assert len(world.accounts(number(1))) == 1
        for told in world.hsa_results.values():
            assert "linked_numbers" in {finding["code"] for finding in told["findings"]}
        assert LINKED in world.hsa_results["alfa"]["msg"]
        world.run(own, record("beta"))
        people = [e for e in world.hsa.entries() if e.first("personalIdentityNumber")]
        assert people == [e for e in before[0] if e.first("personalIdentityNumber")]


def test_numbers_that_were_one_person_are_so_after_the_row_that_said_it(world: Ad) -> None:
    old = coordination_number(1)
    linked = record("alfa", [person(1, assignment(**GIVES), previous_numbers=[old])])
    row = person(1, assignment(**GIVES), personnummer=None, samordningsnummer=old)
    other = record("beta", [row])
    world.run(linked, other)
    world.run(linked, other, expected=asked(world.hsa_results["alfa"]))
    (before,) = world.hsa.people(number(1))
    ended = record(
        "alfa", [person(1, assignment(to="2026-03-01", **GIVES), previous_numbers=[old])]
    )
    for records in ((ended, other), (record("alfa"), other)):
        world.run(*records)
        (after,) = world.hsa.people(number(1))
        assert after.first("hsaIdentity") == before.first("hsaIdentity")
        assert world.hsa.people(old) == []
        assert world.hsa.members("beta") == {number(1)}


def test_a_surname_that_changes_waits_for_nobody(world: Ad) -> None:
    world.run(record("alfa", [person(1, assignment(**GIVES), given_name="Anna", surname="Ek")]))
    married = record("alfa", [person(1, assignment(**GIVES), given_name="Anna", surname="Al")])
    assert world.run(married)["alfa"]["failed"] is False
    assert world.hsa.person(number(1)).first("sn") == "Al"


def test_an_entry_with_both_names_of_another_waits_for_a_person(world: Ad) -> None:
    world.run(record("alfa", [person(1, assignment(**GIVES), given_name="Anna", surname="Ek")]))
    before = (world.hsa.entries(), world.directory.read())
    other = record("alfa", [person(1, assignment(**GIVES), given_name="Bo", surname="Al")])
    results = world.run(other)
    assert (world.hsa.entries(), world.directory.read()) == before
    assert "given name and surname both differ" in world.hsa_results["alfa"]["msg"]
    assert results["alfa"]["failed"] is True


# --- what was read -------------------------------------------------------------------------------


def test_a_source_that_is_suddenly_smaller_stops_what_no_date_explains(world: Ad) -> None:
    names = [f"p{n}" for n in range(10)]
    records = [record(name, [person(n, assignment(**GIVES))]) for n, name in enumerate(names)]
    world.run(*records)
    moved = [
        record(own.id, [person(n, assignment(**GIVES), mail="x@example.org")])
        for n, own in enumerate(records)
    ]
    world.run(*moved[:7])
    msg = world.hsa_results["p0"]["msg"]
    assert "only 7 providers were read, and 10 before" in msg
    assert world.hsa.person(number(0)).first("mail") is None
    world.run(*moved[:7], expected=frozenset({world.hsa_results["p0"]["plan"]}))
    assert world.hsa.person(number(0)).first("mail") == "x@example.org"


def test_what_a_provider_gave_is_remembered_while_it_falls_back_to_establishment() -> None:
    """Services keep what they gave: whoever loses it later, by rows of another kind, is counted."""
    staff = [person(n, assignment(systems=["ekg_data"])) for n in range(3)]
    services = Services()
    services.remember(record("alfa", staff))
    given = services.memory.facts["alfa"]
    services.remember(record("alfa", staff, phase="establishment"))
    assert sum(text.startswith("effect ") for _person, text in given) == 3
    assert services.memory.facts["alfa"] == given


def test_what_a_date_has_ended_is_remembered_no_more() -> None:
    services = Services()
    services.remember(record("alfa", [person(1, assignment())]))
    services.remember(record("alfa", [person(1, assignment(to="2026-02-27"))]))
    assert not any(text.startswith("effect ") for _person, text in services.memory.facts["alfa"])
