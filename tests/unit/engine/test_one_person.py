# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run for one person does what that one needs in HSA and in AD, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Somebody,
    UnknownPerson,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    NPO,
    TODAY,
    XRAY,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

YESTERDAY = str(TODAY - dt.timedelta(days=1))


def row(index: int, *services: str, **fields: Any) -> dict[str, Any]:
    """A person's row; `to` and `since` are their assignment's."""
    days = {name: fields.pop(name) for name in ("to", "since") if name in fields}
    return person(index, uses(*services, **days), ref=f"r-{index}", **fields)


def somebody(world: Ad, index: int, *records: Record) -> Somebody:
    """The person by number, as a run looks them up."""
    assert world.hsa.journal
    digest = world.hsa.journal.memory("HSA").digest
    employers = {
        digest(n): frozenset(
            r.id for r in records if any(n in p.numbers for p in r.staff.people)
        )
        for r in records for p in r.staff.people for n in p.numbers
    }  # fmt: skip
    return Somebody("", frozenset({digest(number(index))}), employers)


@pytest.fixture
def world() -> Ad:
    """A region whose runs remember."""
    return remembering()


def remembering() -> Ad:
    made = Ad()
    made.hsa.journal = MemoryJournal()
    return made


def content(world: Ad) -> dict[str, Any]:
    """All that both systems hold, but for addresses and what counts up."""
    return {**world.hsa.directory.content(), **world.directory.content()}


def test_a_locum_is_let_in_and_nobody_else_is_changed(world: Ad) -> None:
    world.run(record(people=[row(n) for n in range(1, 5)]))
    before = content(world)
    staff = record(people=[row(1, surname="Gift"), *(row(n) for n in (2, 3)), row(9)])
    results = world.run(staff, person=somebody(world, 9, staff))
    assert results["alfa"]["changed"]
    assert not results["alfa"]["failed"], results["alfa"]["msg"]
    assert world.is_enabled(number(9))
    assert number(9) in world.hsa.members()
    assert number(4) in world.hsa.members(), "whose row has gone is somebody else"
    assert values(world.account(number(1)), "sn") == ("Fjällström",)
    changed = {dn for dn, held in content(world).items() if before.get(dn) != held}
    new = world.id_of(number(9))
    assert {dn for dn in changed if new not in dn} == {
        world.hsa.commissions()[0].dn, world.group("Halsoval-alfa").dn,
        world.group("App-Journal").dn,
    }  # fmt: skip


def test_a_dismissal_takes_everything_at_once_whoever_else_waits(world: Ad) -> None:
    world.run(record(people=[row(n) for n in range(1, 11)]))
    staff = record(people=[row(1, to=YESTERDAY), *(row(n) for n in range(6, 11))])
    results = world.run(staff, person=somebody(world, 1, staff))
    assert not results["alfa"]["failed"], results["alfa"]["msg"]
    assert not world.is_enabled(number(1))
    assert number(1) not in world.hsa.members()
    assert world.is_enabled(number(2)), "of four who vanished nobody is judged"
    assert "refused" in world.run(staff)["alfa"]["msg"]


def test_others_results_say_nothing_and_unknown_people_are_an_error(world: Ad) -> None:
    both = (record(people=[row(1)]), record("beta", [row(2)]))
    early = world.run(*both, person=somebody(world, 1, *both))["alfa"]
    assert "is new" in world.hsa_results["alfa"]["msg"]
    assert early["failed"]
    world.run(record(), record("beta"))
    results = world.run(*both, person=somebody(world, 1, *both))
    assert results["alfa"]["changed"]
    assert (results["beta"]["changed"], results["beta"]["failed"]) == (False, False)
    assert world.hsa.members("beta") == set()
    with pytest.raises(UnknownPerson, match="whom a record names"):
        world.run(*both, person=Somebody("SE2321000214-X"))


FATES = {
    "stays": {}, "leaves": {"to": YESTERDAY}, "gone": None, "renamed": {"surname": "Gift"},
    "protected": {"protected": True}, "mail": {"mail": "a@b.example"},
}  # fmt: skip
SYSTEMS = st.sampled_from([(JOURNAL,), (XRAY, NPO), (JOURNAL, NPO)])


@settings(max_examples=60, deadline=None)
@given(
    data=st.lists(st.tuples(SYSTEMS, SYSTEMS, st.sampled_from(sorted(FATES))), min_size=3,
                  max_size=6),
    who=st.integers(0, 5),
)  # fmt: skip
def test_one_person_comes_to_what_a_whole_run_brings_them_to(
    data: list[tuple[tuple[str, ...], tuple[str, ...], str]], who: int
) -> None:
    who %= len(data)
    world, other = remembering(), remembering()
    first = record(people=[row(n, *then) for n, (then, _now, _fate) in enumerate(data)])
    rows = [
        row(n, *now, **FATES[fate])
        for n, (_then, now, fate) in enumerate(data)
        if FATES[fate] is not None
    ]
    if not any(one["ref"] == f"r-{who}" for one in rows):
        return
    after = record(people=rows)
    for each in (world, other):
        each.run(first)
    before = content(world)
    results = [
        world.run(after, person=somebody(world, who, after))["alfa"], world.hsa_results["alfa"],
        other.run(after)["alfa"], other.hsa_results["alfa"],
    ]  # fmt: skip
    mine = world.id_of(number(who))
    for dn, held in content(world).items():
        if mine not in dn:
            was = before.get(dn, {})
            changed = {n for n in {*held, *was} if held.get(n) != was.get(n)}
            assert changed <= {"member", "hsaCommissionMember", "memberOf"}, dn
            for name in changed:
                assert all(mine in v for v in held.get(name, set()) ^ was.get(name, set()))
    if not any(own["failed"] for own in results):
        there = content(other)
        for dn, held in content(world).items():
            if mine in dn:
                assert held == there[dn]
        other.run(after), world.run(after)
        assert content(world) == content(other)
