# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system or a journal that goes away meanwhile: each provider is told what was done, what not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import (
    Intended,
    JournalError,
    Unsettled,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Operation
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import LedgerError
from ansible_collections.regionjh.halsoval.tests.unit.engine.test_provision import BASE, World
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import MemoryDirectory
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

GONE = "the directory stayed busy or unreachable"
PERHAPS = Unsettled("perhaps written, which the next run finds out: it is away")
AWAY = "the ledger is away"


class Fading(MemoryDirectory):
    """Goes away after so many writes; of as many as `under_way` the reply is lost.

    `arrives` says of these whether they were written.
    """

    lasts = 10**6
    under_way = 0
    arrives: Sequence[bool] = ()

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        done = operations[: self.lasts]
        rest = operations[len(done) :]
        lost, unsent = rest[: self.under_way], rest[self.under_way :]
        self.lasts -= len(done)
        if rest:
            self.under_way = 0
        failed = dict(super().apply(done))
        super().apply([op for op, arrives in zip(lost, self.arrives, strict=False) if arrives])
        return failed | dict.fromkeys(lost, PERHAPS) | dict.fromkeys(unsent, GONE)


class FadingJournal(MemoryJournal):
    """Goes away at a call of those that write."""

    lasts = 10**6

    def _called(self) -> None:
        self.lasts -= 1
        if self.lasts < 0:
            raise JournalError(AWAY)

    def intend(self, system: str, intents: Sequence[Intended]) -> list[int]:
        self._called()
        return super().intend(system, intents)

    def conclude(self, results: Mapping[int, str]) -> None:
        if results:
            self._called()
        super().conclude(results)


def world(people: int = 6) -> World:
    """Alfa and beta with a unit, a commission and people each, and somebody who is at both."""
    made = World()
    made.directory = Fading(("c=SE", BASE), made.desire(()).attributes)
    made.journal = FadingJournal()
    for provider in ("alfa", "beta"):
        made.add(f"u-{provider}", "unit", 1, BASE, provider)
        mine = [f"p{index}-{provider}" for index in range(people)]
        for person in mine:
            made.add(person, "person", 2, BASE, provider)
        members = {"hsaCommissionMember": (*mine, "p-shared")}
        commission = f"c-{provider}"
        made.add(commission, "commission", 3, f"u-{provider}", provider, attributes=members)
    made.add("p-shared", "person", 2, BASE, "alfa", "beta")
    return made


def fade(made: World, lasts: int, arrives: Sequence[bool]) -> None:
    assert isinstance(made.directory, Fading)
    made.directory.lasts, made.directory.arrives = lasts, arrives
    made.directory.under_way = len(arrives)


def objects(made: World, provider: str) -> set[str]:
    return {wanted.id for wanted in made.wanted if provider in wanted.providers}


def told(result: Mapping[str, Any]) -> tuple[set[str], set[str], set[str]]:
    """The objects that a result calls done, perhaps done, and not done."""
    done = {change.split()[-1] for change in result["changes"]}
    failed = [error.partition(": ") for error in result["errors"]]
    perhaps = {what.split()[-1] for what, _colon, why in failed if why.startswith("perhaps")}
    return done, perhaps, {what.split()[-1] for what, _colon, _why in failed} - perhaps


@given(lasts=st.integers(0, 17), arrives=st.lists(st.booleans(), max_size=5))
def test_whenever_a_system_goes_away_each_provider_is_told_the_truth_of_each_object(
    lasts: int, arrives: list[bool]
) -> None:
    made = world()
    fade(made, lasts, arrives)

    results = made.run()

    for provider, result in results.items():
        done, perhaps, failed = told(result)
        assert done | perhaps | failed == objects(made, provider)
        assert done <= made.ids()
        assert failed.isdisjoint(made.ids())
        assert result["changed"] == bool(done)
        assert result["failed"] == bool(perhaps | failed)


@given(lasts=st.integers(0, 17), arrives=st.lists(st.booleans(), max_size=5))
def test_whenever_a_system_goes_away_the_journal_is_right_and_the_next_run_completes_it(
    lasts: int, arrives: list[bool]
) -> None:
    made = world()
    fade(made, lasts, arrives)

    made.run()

    noted = {number: one.object.split()[-1] for number, (_s, one) in made.journal.intents.items()}
    for number, outcome in made.journal.outcomes.items():
        assert (outcome == "done") == (noted[number] in made.ids())
    still_open = {noted[intent.number] for intent in made.journal.unfinished("HSA")}
    arrived = still_open & made.ids()

    fade(made, 10**6, ())
    results = made.run()

    assert [result["errors"] for result in results.values()] == [[], []]
    assert made.journal.unfinished("HSA") == []
    found = {
        noted[number]
        for number, outcome in made.journal.outcomes.items()
        if outcome == "found done"
    }
    assert found == arrived
    assert made.ids() == objects(made, "alfa") | objects(made, "beta")
    assert set(made.values("c-alfa", "hsaCommissionMember")) >= {"p0-alfa", "p-shared"}


@given(lasts=st.integers(0, 6))
def test_whenever_the_journal_goes_away_nothing_more_is_written_and_what_was_is_told(
    lasts: int,
) -> None:
    made = world()
    assert isinstance(made.journal, FadingJournal)
    made.journal.lasts = lasts

    results = made.run()

    written = made.ids()
    noted = {one.object.split()[-1] for _system, one in made.journal.intents.values()}
    assert written <= noted
    for provider, result in results.items():
        assert told(result)[0] == objects(made, provider) & written
        assert result["failed"] == (lasts < 6)
        assert (AWAY in result["msg"]) == (lasts < 6)

    made.journal.lasts = 10**6
    assert [result["errors"] for result in made.run().values()] == [[], []]
    assert made.journal.unfinished("HSA") == []


@given(lasts=st.integers(0, 17), arrives=st.lists(st.booleans(), max_size=5))
def test_whenever_a_system_goes_away_a_confirmation_is_used_up_where_anything_may_be_written(
    lasts: int, arrives: list[bool]
) -> None:
    made = world()
    made.journal.alarm = "the ledger is an older copy"
    names = {provider: result["plan"] for provider, result in made.run().items()}
    fade(made, lasts, arrives)

    results = made.run(expected=frozenset(names.values()))

    used = {provider for _system, provider in made.journal.confirmed}
    begun = {p for p, result in results.items() if set().union(*told(result)[:2])}
    assert used == begun


def test_writes_that_the_journal_could_not_conclude_count_as_done() -> None:
    made = world(1)
    assert isinstance(made.journal, FadingJournal)
    made.journal.lasts = 5  # all but the last conclusion

    results = made.run()

    for result in results.values():
        assert (result["changed"], result["failed"]) == (True, True)
        assert result["msg"] == f"written, which the next run notes in the audit log: {AWAY}"


def test_orders_that_the_ledger_took_with_it_are_open_until_the_next_run() -> None:
    made = world(1)

    def fail(_operations: Sequence[Operation]) -> Mapping[Operation, str]:
        raise LedgerError(AWAY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made.directory, "apply", fail)
        results = made.run()

    assert (
        "unit u-alfa: perhaps written, which the next run finds out: " + AWAY
        in (results["alfa"]["errors"])
    )
    assert made.journal.outcomes == {}
    assert made.run()["alfa"]["errors"] == []
    assert set(made.journal.outcomes.values()) == {"done", "found undone"}


# --- in short -------------------------------------------------------------------------------------


def test_a_reason_is_said_once_with_twenty_of_those_whom_it_concerns() -> None:
    made = world(300)
    fade(made, 2, (True,) * 64)

    result = made.run()["alfa"]

    perhaps, gone = result["msg"].splitlines()
    assert perhaps.endswith(f"and 44 more (all with -v): {PERHAPS}")
    assert gone.endswith(f"and 218 more (all with -v): {GONE}")
    assert [line.count("person p") for line in (perhaps, gone)] == [20, 20]
    assert len(result["errors"]) == 64 + 238


@pytest.mark.parametrize(("people", "more"), [(20, 0), (21, 1)])
def test_up_to_twenty_are_named_without_a_number(people: int, more: int) -> None:
    made = world(people)
    refused = {f"p{index}-alfa" for index in range(people)}
    made.directory.refuses = lambda op: "refused" if op.id in refused else None

    msg = made.run()["alfa"]["msg"]

    assert ("more (all with -v)" in msg) == bool(more)
