# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is protected stays so until a person says otherwise, whatever becomes of the row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.pending import (
    Pending,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    TODAY,
    assignment,
    hold,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import IDS, Services

NAME = {"given_name": "Hemlig", "surname": "Namnlos", "mail": "hemlig@example.org"}
WORDS = ("Hemlig", "Namnlos", "hemlig@example.org")
YESTERDAY = str(TODAY - dt.timedelta(days=1))
# What becomes of the row that says it, while nobody touches the others.
ROWS: dict[str, dict[str, Any]] = {
    "in effect": {},
    "ended yesterday": {"to": YESTERDAY},
    "ended long ago": {"since": "2020-01-01", "to": "2021-01-01"},
    "begins beyond the lead time": {"since": "2026-12-01"},
    "no Hälsoval work": {"halsoval": False},
    "suspended": {"suspended": {"from": "2026-01-01"}},
}


def alfa(**fields: Any) -> Record:
    return record("alfa", [person(1, uses(), **NAME, **fields)])


def beta(*assignments: dict[str, Any], **fields: Any) -> Record:
    return record("beta", [person(1, *assignments, protected=True, **NAME)], **fields)


def told(world: Ad) -> str:
    return f"{world.hsa.entries()} {world.directory.read()}"


@pytest.mark.parametrize("days", ROWS.values(), ids=list(ROWS))
def test_a_row_that_protects_does_so_whatever_its_days(world: Ad, days: dict[str, Any]) -> None:
    world.run(alfa(), beta(assignment(**days)))
    assert world.account(number(1))
    assert not [word for word in WORDS if word in told(world)]


@pytest.mark.parametrize("phase", ["application", "establishment", "ended"])
def test_a_provider_that_protects_does_so_in_every_phase(world: Ad, phase: str) -> None:
    world.run(alfa(), beta(assignment(), phase=phase))
    assert not [word for word in WORDS if word in told(world)]


@pytest.mark.parametrize("days", ROWS.values(), ids=list(ROWS))
def test_orders_name_nobody_whom_a_row_protects_whatever_its_days(days: dict[str, Any]) -> None:
    services = Services()
    made = services.run(record("alfa", [person(1, uses(ECG), **NAME)]), beta(assignment(**days)))
    assert made
    assert not [word for word in WORDS if word in str(made)]


def test_an_order_to_leave_does_not_name_who_may_be_the_protected_one() -> None:
    """Two numbers change places, one of the rows says `protected`, and the agreement has ended."""
    services = Services()
    services.run(record("alfa", [person(1, uses(ECG), **NAME)]))
    services.pending = Pending(hidden=frozenset({IDS[number(1)]}))
    made = services.run(record("alfa", phase="ended"))
    assert {order.kind for order in made if order.object == IDS[number(1)]} == {"leave"}
    assert not [word for word in WORDS if word in str(made)]


AFTER = {
    "the row is gone": record("beta"),
    "the row says it no more": record("beta", [person(1, assignment(), **NAME)]),
}


@pytest.mark.parametrize("after", AFTER.values(), ids=list(AFTER))
def test_who_is_protected_stays_so_until_a_person_confirms(world: Ad, after: Record) -> None:
    world.run(alfa(), beta(assignment()))
    results = world.run(alfa(), after)
    assert not [word for word in WORDS if word in told(world)]
    refused = world.hsa_results["alfa"]
    assert refused["failed"] is True
    assert "no record says any more that the identity is protected" in refused["msg"]
    assert not [word for word in WORDS if word in str((refused, results))]


def test_who_is_protected_stays_so_without_the_record_of_the_provider(world: Ad) -> None:
    world.run(alfa(), beta(assignment()))
    world.run(alfa())
    assert not [word for word in WORDS if word in told(world)]


def test_the_hash_in_the_refusal_reveals_and_nothing_else_does(world: Ad) -> None:
    world.run(alfa(), beta(assignment()))
    records = (alfa(), record("beta"))
    world.run(*records)
    msg = world.hsa_results["alfa"]["msg"]
    world.run(*records, expected=frozenset({msg.rpartition("=")[2]}))
    assert world.hsa.person(number(1)).first("sn") == "Namnlos"
    # AD has a plan of its own.
    assert world.account(number(1)).first("sn") == "Skyddad person"
    msg = world.run(*records)["alfa"]["msg"]
    world.run(*records, expected=frozenset({msg.rpartition("=")[2]}))
    assert world.account(number(1)).first("sn") == "Namnlos"
    assert world.run(*records)["alfa"]["failed"] is False
    assert world.hsa_results["alfa"]["failed"] is False


def test_others_of_the_provider_go_on_while_one_waits(world: Ad) -> None:
    world.run(alfa(), beta(assignment()))
    both = record("alfa", [person(1, uses(), **NAME), person(2, uses())])
    world.run(both, record("beta"))
    assert world.hsa.people(number(2))
    assert world.account(number(2))
    assert not [word for word in WORDS if word in told(world)]


def test_an_end_is_not_delayed_by_what_waits(world: Ad) -> None:
    world.run(alfa(), beta(assignment()))
    ended = record("alfa", [person(1, uses(to=YESTERDAY), **NAME)])
    world.run(ended, record("beta"))
    assert number(1) not in world.hsa.members("alfa")
    assert "ENABLED" not in world.account(number(1)).attributes["userAccountControl"]


# --- names that others gave an entry or an account -----------------------------------------------

REST = [person(n, uses()) for n in range(30, 36)]
# What becomes of alfa's row of whoever was taken over, and of beta's, which is invalid with None.
FATES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {
    "stays": ({}, {}),
    "left": ({"to": YESTERDAY}, {}),
    "vanished": (None, {}),
    "held": ({}, {}),
    "held, and a record is invalid": ({}, None),
    "vanished and held, and a record is invalid": (None, None),
    "vanished and held there, and the record is invalid": (None, None),
}


@pytest.fixture(params=[True, False], ids=["protected", "not protected"])
def taken_over(request: pytest.FixtureRequest, world: Ad) -> tuple[Ad, Any]:
    """A person whose entry and account somebody named after them before they were taken over."""
    id = "SE2321000214-TOLVAN"
    name = "Tolvan Hemlig"
    world.hsa.directory.put(
        f"cn={name},{world.hsa.layout.people_branch}", objectClass="person", cn=name, sn="Hemlig",
        fullName=name, hsaIdentity=id, personalIdentityNumber=number(1),
    )  # fmt: skip
    world.put_account(f"CN={name},{world.layout.account_ou}", "tolhem", employeeNumber=id)
    said = {"hsa_id": id, "given_name": "Tolvan", "surname": "Hemlig"}

    def rows(*assignments: dict[str, Any]) -> dict[str, Any]:
        return person(1, *assignments, protected=request.param, **said)

    return world, rows


def _dns(results: dict[str, dict[str, Any]]) -> str:
    """The lines that name entries and members, and everything that is no diff."""
    diffs = [result.pop("diff", {}) for result in results.values()]
    lines = [line for d in diffs for part in d.values() for line in part.splitlines()]
    return f"{results} {[line for line in lines if line.startswith(('dn: ', 'member: '))]}"


@pytest.mark.parametrize("fate", FATES)
def test_a_diff_calls_nobody_by_the_name_that_others_gave_an_account(
    taken_over: tuple[Ad, Any], fate: str
) -> None:
    world, row = taken_over
    both = (record("alfa", [row(uses()), *REST]), record("beta", [row(uses()), *REST]))
    told = ""
    for day in (0, 1):
        told += _dns(world.run(*both, day=TODAY + dt.timedelta(day), diff=True))
        told += _dns(world.hsa_results)
    if "held" in fate:
        who = "beta" if "there" in fate else "SE2321000214-TOLVAN"
        world.hsa.holds = (hold(who, since=TODAY),)
    alfas, betas = FATES[fate]
    later = [record("alfa", [*([] if alfas is None else [row(uses(**alfas))]), *REST])]
    later += [] if betas is None else [record("beta", REST)]
    invalid = ["beta"] if betas is None else []
    told += _dns(world.run(*later, invalid=invalid, day=TODAY + dt.timedelta(2), diff=True))
    told += _dns(world.hsa_results)
    assert "SE2321000214-TOLVAN" in told
    assert "Hemlig" not in told


def test_values_of_an_account_that_hides_its_owner_are_in_no_diff_once_no_record_names_them(
    world: Ad,
) -> None:
    shown = record("alfa", [person(1, uses(), protected=True, **NAME), *REST])
    world.run(shown)
    later = world.run(record("alfa", REST), day=TODAY + dt.timedelta(1))["alfa"]["diff"]
    assert f"dn: account {world.id_of(number(1))}" in later["before"]
    assert "(after)" in later["after"]


RENAMED = {**NAME, "given_name": "Annat", "surname": "Efternamn"}
MARRIED = {**NAME, "surname": "Efternamn"}


@pytest.mark.parametrize(
    ("name", "is_remembered"), [(NAME, True), (NAME, False), (RENAMED, True), (MARRIED, False)],
    ids=["as it was", "with a lost ledger", "renamed as well", "married, with a lost ledger"],
)  # fmt: skip
def test_no_diff_shows_an_entry_that_may_be_a_protected_persons(
    world: Ad, name: dict[str, str], is_remembered: bool
) -> None:
    """Two numbers change places, and one of the rows says `protected`: which entry is theirs?"""
    world.hsa.journal = MemoryJournal()
    others = {"given_name": "Nova", "surname": "Norrdahl"}
    world.run(_two(1, 2, NAME, others))
    if not is_remembered:
        world.hsa.journal = MemoryJournal()
    shown = world.run(_two(2, 1, name, others, protected=True, away=True), diff=True)
    for results in (world.hsa_results, shown):
        assert world.id_of(number(1)) in results["alfa"]["diff"]["before"]
        assert not [word for word in WORDS if word in str(results)]


def test_no_diff_shows_an_entry_that_may_be_of_somebody_protected_whose_assignment_is_over(
    world: Ad,
) -> None:
    """Found by histories: with the ledger lost, and one of the names new, no name tells either."""
    world.hsa.journal = MemoryJournal()
    others = {"given_name": "Nova", "surname": "Norrdahl"}
    world.run(_two(1, 2, NAME, others))
    world.hsa.journal = MemoryJournal()
    over = person(2, uses(to=str(TODAY - dt.timedelta(1))), protected=True, **MARRIED)
    world.run(record("alfa", [over, person(1, uses(), **others)]), diff=True)
    assert "both differ" in world.hsa_results["alfa"]["msg"]
    assert not [word for word in WORDS if word in str(world.hsa_results)]


@pytest.mark.parametrize("still", [True, False], ids=["still", "remembered"])
def test_no_diff_of_accounts_shows_one_that_may_be_a_protected_persons(
    world: Ad, still: bool
) -> None:
    """The same once HSA's names are as the rows have them, which a person has confirmed."""
    world.hsa.journal = MemoryJournal()
    others = {"given_name": "Nova", "surname": "Norrdahl"}
    world.run(_two(1, 2, NAME, others))
    world.hsa.bring(_two(2, 1, MARRIED, others))
    world.hsa.journal = MemoryJournal()
    told = [world.run(_two(2, 1, MARRIED, others, protected=True), diff=True)]
    if not still:
        told.append(world.run(_two(2, 1, MARRIED, others), diff=True))
    assert "both differ" in told[-1]["alfa"]["msg"]
    assert not [word for word in WORDS if word in str(told)]


def test_no_diff_shows_an_entry_that_has_the_name_of_whom_hsa_hides(world: Ad) -> None:
    """The ledger is lost, and no record protects anybody any more: HSA alone tells who is."""
    world.hsa.journal = MemoryJournal()
    others = {"given_name": "Nova", "surname": "Norrdahl"}
    hidden = person(2, uses(), protected=True, **others)
    world.run(record("alfa", [person(1, uses(), **NAME), hidden]))
    world.hsa.journal = MemoryJournal()
    shown = world.run(_two(2, 1, NAME, others), diff=True)
    for results in (world.hsa_results, shown):
        assert not [word for word in WORDS if word in str(results)]


def _two(
    one: int, other: int, name: dict[str, str], others: dict[str, str], *,
    protected: bool = False, away: bool = False,
) -> Record:  # fmt: skip
    days = {"suspended": {"from": str(TODAY)}} if away else {}
    first = person(one, uses(**days), ref="one", protected=protected, **name)
    return record("alfa", [first, person(other, uses(**days), ref="other", **others)])
