# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs remember of people, person by person, and what they forget again."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.pending import (
    HIDDEN,
    NEW_NUMBER,
    OTHER_NAME,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Operation
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    NPO,
    TODAY,
    XRAY,
    assignment,
    number,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

TWENTY = range(1, 21)
UNITS = [unit(), unit("norr")]
GIVES = {"systems": [JOURNAL, NPO]}
FIRST = assignment(to="2026-12-31", **GIVES)
SECOND = assignment(since="2027-01-01", **GIVES)


@pytest.fixture
def world() -> Ad:
    """A region whose runs know of the runs before."""
    region = Ad()
    region.hsa.journal = MemoryJournal()
    return region


def days(count: int) -> dt.date:
    return TODAY + dt.timedelta(days=count)


def alfa(*people: dict[str, Any], **fields: Any) -> Record:
    return record("alfa", list(people), units=UNITS, **fields)


def others(first: int) -> list[dict[str, Any]]:
    return [person(n, uses()) for n in range(first, first + 6)]


def asked(result: dict[str, Any]) -> frozenset[str]:
    """The hashes that a result asks to be confirmed."""
    return frozenset(re.findall(r"expected_plan=(\w+)", result["msg"]))


def messages(world: Ad, results: dict[str, Any], provider: str = "alfa") -> str:
    return str(world.hsa_results[provider]["msg"] + results[provider]["msg"])


# --- which numbers are one person ----------------------------------------------------------------


def test_a_link_that_was_typed_wrongly_and_corrected_does_not_come_back(world: Ad) -> None:
    def own(**link: Any) -> Record:
        return record("alfa", [person(2, assignment(**GIVES), **link), *others(50)])

    world.run(own(previous_numbers=[number(1)]), record("beta", others(60)))
    stranger = record("beta", [person(1, assignment(**GIVES), surname="Annan"), *others(60)])
    world.run(own(), stranger, day=days(1))
    gone = record("alfa", others(50))
    for day in (2, 3, 300):
        results = world.run(gone, stranger, day=days(day))
        assert messages(world, results, "beta") == ""
    assert world.hsa.person(number(1)).first("sn") == "Annan"
    ids = [world.hsa.person(number(n)).first("hsaIdentity") for n in (1, 2)]
    assert len(set(ids)) == 2


def test_a_link_is_known_to_a_system_that_is_introduced_later(world: Ad) -> None:
    still = record("beta", [person(1, assignment(**GIVES)), *others(40)])
    row = person(1, assignment(**GIVES), personnummer=number(2), previous_numbers=[number(1)])
    linked = record("alfa", [row, *others(50)])
    world.hsa.run(still)
    asks = world.hsa.run(still, linked, day=days(1))["alfa"]
    world.hsa.run(still, linked, day=days(1), expected=asked(asks))
    world.hsa.run(still, linked, day=days(1))
    gone = record("alfa", others(50))
    world.hsa.run(still, gone, day=days(2))
    results = world.run(still, gone, day=days(3))
    assert messages(world, results, "beta") == ""
    assert len(world.accounts(number(2))) == 1


def test_a_link_holds_though_somebody_has_the_later_number_still(world: Ad) -> None:
    old = record("gamma", [person(1, assignment(**GIVES)), *others(40)])
    new = record("beta", [person(2, assignment(**GIVES)), *others(60)])
    row = person(2, assignment(**GIVES), previous_numbers=[number(1)])
    linked = record("alfa", [row, *others(50)])
    world.run(old)
    results = world.run(old, linked, new, day=days(1))
    expected = asked(world.hsa_results["alfa"]) | asked(results["alfa"])
    world.run(old, linked, new, day=days(1), expected=expected)
    world.run(old, linked, new, day=days(1))
    for day in (2, 3):
        results = world.run(old, record("alfa", others(50)), new, day=days(day))
        assert messages(world, results, "gamma") == messages(world, results, "beta") == ""
    assert world.hsa.people(number(1)) == []
    assert number(2) in world.hsa.members("gamma") & world.hsa.members("beta")


# --- who may be somebody else --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["number", "link"])
def test_who_is_new_at_a_provider_must_have_the_name_that_the_system_has(
    world: Ad, how: str
) -> None:
    own = record("beta", [person(1, uses(), given_name="Ylva", surname="Ek"), *others(40)])
    world.run(own, record("alfa", others(50)))
    typed: dict[str, Any] = {"given_name": "Bo", "surname": "Alm"}
    typed |= {"number": {}, "link": {"previous_numbers": [number(1)]}}[how]
    row = person(1 if how == "number" else 2, uses(XRAY), **typed)
    results = world.run(record("alfa", [row, *others(50)]), own, day=days(1))
    assert world.hsa.person(number(1)).first("givenName") == "Ylva"
    assert number(1) not in world.hsa.members("alfa")
    assert "Halsoval-alfa" not in world.groups_of(number(1))
    assert how == "link" or OTHER_NAME in messages(world, results)


def test_numbers_that_change_places_wait_while_hsa_cannot_be_read_too(world: Ad) -> None:
    def rows(one: int, other: int) -> Record:
        return record(
            "alfa",
            [
                person(one, uses(JOURNAL), ref="x1", given_name="Anna"),
                person(other, uses(XRAY), ref="x2", given_name="Bo"),
                *others(30),
            ],
        )

    world.run(rows(1, 2))
    before = {n: (world.account(number(n)), world.groups_of(number(n))) for n in (1, 2)}
    world.unread = "HSA could not be read"
    results = world.run(rows(2, 1), day=days(1))
    after = {n: (world.account(number(n)), world.groups_of(number(n))) for n in (1, 2)}
    assert after == before
    assert NEW_NUMBER in results["alfa"]["msg"]


def test_a_new_row_with_the_number_of_somebody_hidden_waits_for_a_person(world: Ad) -> None:
    left = person(1, uses(to="2026-03-05"), protected=True)
    for day in (0, 5):
        world.run(alfa(left, *others(30)), day=days(day))
    world.run(alfa(*others(30)), day=days(10))
    stranger = person(1, uses(), given_name="Bo", surname="Ek")
    results = world.run(alfa(stranger, *others(30)), day=days(12))
    assert HIDDEN in messages(world, results)
    assert not world.is_enabled(number(1))
    assert world.groups_of(number(1)) == set()


# --- who is protected ----------------------------------------------------------------------------


def test_protection_is_remembered_though_hsa_never_took_it(world: Ad) -> None:
    own = record("alfa", [person(1, uses(), surname="Hemlig"), *others(30)])
    world.run(own)

    def refuses(operation: Operation) -> str | None:
        return "busy" if operation.kind == "person" else None

    world.hsa.directory.refuses = refuses
    world.run(own, record("beta", [person(1, protected=True)]), day=days(1))
    world.hsa.directory.refuses = lambda _operation: None
    world.run(own, record("beta"), day=days(2))
    assert world.hsa.person(number(1)).first("sn") != "Hemlig"


def test_protection_outlives_the_entry_until_a_person_confirms(world: Ad) -> None:
    hidden = record("alfa", [person(1, uses(), surname="Hemlig", protected=True), *others(30)])
    world.run(hidden)
    world.hsa.directory.remove(world.hsa.person(number(1)).dn)
    shown = record("alfa", [person(1, uses(), surname="Hemlig"), *others(30)])
    for day in (1, 2):
        results = world.run(shown, day=days(day))
        assert "Hemlig" not in str(world.hsa.entries()) + str(world.directory.entries())
    expected = asked(world.hsa_results["alfa"])
    assert expected
    world.run(shown, day=days(2), expected=expected)
    assert world.hsa.person(number(1)).first("sn") == "Hemlig"
    results = world.run(shown, day=days(3))
    assert world.hsa_results["alfa"]["msg"] == ""
    assert results["alfa"]["failed"]  # AD asks for itself
    assert world.hsa.person(number(1)).first("sn") == "Hemlig"


# --- person by person ----------------------------------------------------------------------------


def test_one_write_that_fails_every_night_keeps_nobody_elses_memory_back(world: Ad) -> None:
    def staff(*given: dict[str, Any]) -> Record:
        phones = [{"phone": "0650-123 45"}, *({} for _n in range(19))]
        return alfa(*(person(n, *given, **f) for n, f in zip(TWENTY, phones, strict=True)))

    world.run(alfa(*(person(n, FIRST, SECOND) for n in TWENTY)), day=dt.date(2026, 12, 30))

    def refuses(operation: Operation) -> str | None:
        has_phone = any(change.attribute == "telephoneNumber" for change in operation.changes)
        return "constraintViolation" if has_phone else None

    world.hsa.directory.refuses = world.directory.refuses = refuses
    for day in (dt.date(2026, 12, 31), dt.date(2027, 1, 15)):
        world.run(staff(FIRST, SECOND), day=day)
    results = world.run(staff(FIRST), day=dt.date(2027, 1, 16))
    assert len(world.hsa.members()) >= 19
    assert "refused" in world.hsa_results["alfa"]["msg"]
    assert "refused" in results["alfa"]["msg"]


@pytest.mark.parametrize("held_up", ["refused", "pending"])
def test_what_waits_for_a_person_keeps_nobody_elses_memory_back(world: Ad, held_up: str) -> None:
    def staff(shift: int, *given: dict[str, Any], more: bool = False) -> Record:
        people = [
            person(n, *given, **({"ref": f"r{(n + shift) % 20}"} if held_up == "pending" else {}))
            for n in TWENTY
        ]
        extra = [person(n, assignment(**GIVES)) for n in range(21, 41)] if more else []
        return alfa(*people, *extra)

    world.run(staff(0, FIRST, SECOND, more=held_up == "refused"), day=dt.date(2026, 12, 20))
    for day in (dt.date(2026, 12, 21), dt.date(2027, 1, 15)):
        world.run(staff(1, FIRST, SECOND), day=day)
    world.run(staff(1, FIRST), day=dt.date(2027, 1, 16))
    assert world.hsa.members() >= {number(n) for n in TWENTY}


def test_a_number_that_was_confirmed_once_is_not_asked_about_again(world: Ad) -> None:
    starts = assignment(since="2026-03-10")

    def staff(n: int, **contact: str) -> Record:
        return alfa(person(n, starts, ref="nurse", **contact), *others(30))

    world.hsa.run(staff(1))
    asks = world.hsa.run(staff(2), day=days(1))["alfa"]
    world.hsa.run(staff(2), day=days(1), expected=asked(asks))
    for day, contact in ((2, {}), (9, {}), (12, {"phone": "0650-1"}), (14, {"phone": "0650-2"})):
        assert world.hsa.run(staff(2, **contact), day=days(day))["alfa"]["msg"] == ""


# --- an older ledger -----------------------------------------------------------------------------


def test_a_hash_that_was_named_before_the_alarm_confirms_nothing_after_it(world: Ad) -> None:
    assert world.hsa.journal
    world.hsa.run(alfa(*(person(n, assignment(**GIVES)) for n in TWENTY)))
    half = alfa(*(person(n, assignment(**GIVES)) for n in range(1, 11)))
    plan = world.hsa.run(half, day=days(1))["alfa"]["plan"]
    world.hsa.journal.alarm = "the ledger is an older copy"
    result = world.hsa.run(half, day=days(1), expected=frozenset({plan}))["alfa"]
    assert "not among the expected plans (the ledger is an older copy)" in result["msg"]
    assert len(world.hsa.members()) == 20
    assert world.hsa.journal.alarm


def test_an_older_ledger_is_not_right_because_all_waits_for_hsa(world: Ad) -> None:
    assert world.hsa.journal
    world.run(alfa(*others(30)))
    world.hsa.journal.alarm = "the ledger is an older copy"
    world.unread = "HSA could not be read"
    world.run(alfa(*others(30), person(1, uses())), day=days(1))
    assert world.hsa.journal.alarm
