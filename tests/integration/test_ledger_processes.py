# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that several processes write to at once, and that are killed on the way."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import get_context

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import locks
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    Run,
    rows,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

HSA = "ldaps://hsa.example"
SEED = 20260302
KILLS = 25
# What a process notes at a time.
SOME = 20


def start(work: Callable[[], None]) -> int:
    """Do the work in another process; returns its id. It ends with 0 if the work did not fail."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def ended_well(child: int) -> bool:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def opened(ledgers: Ledgers, run: str) -> Ledger:
    """Open the ledger in a process that does not return to the test."""
    return Ledger(ledgers.url, ledgers.directory, Run(run, "anna@controller", TODAY))


def intents(run: str) -> list[Intended]:
    return [Intended("alfa", f"person {run}-{i}", "add", "", "", "proof") for i in range(SOME)]


def note(ledger: Ledger, run: str) -> None:
    numbers = ledger.intend(run, intents(run))
    ledger.conclude(dict.fromkeys(numbers, "done"))


def logged(ledger: Ledger) -> list[dict[str, object]]:
    found = rows(ledger, TODAY.replace(year=2000), TODAY.replace(year=2100))
    return [dict(zip(COLUMNS["audit"], row, strict=True)) for row in found]


def test_processes_that_open_a_new_ledger_at_once_make_one(ledgers: Ledgers) -> None:
    def work() -> None:
        with opened(ledgers, f"run-{os.getpid()}") as ledger:
            note(ledger, ledger.run.id)

    children = [start(work) for _index in range(6)]
    assert [ended_well(child) for child in children] == [True] * 6
    ledger = ledgers.open()
    assert len(logged(ledger)) == 6 * 2 * SOME
    assert verify(ledger) == []


def test_what_two_processes_write_at_once_is_one_chain(ledgers: Ledgers) -> None:
    both_are_ready = get_context("fork").Barrier(2)

    def work() -> None:
        with opened(ledgers, f"run-{os.getpid()}") as ledger:
            both_are_ready.wait()
            for _round in range(15):
                note(ledger, ledger.run.id)
                time.sleep(0.01)  # those who wait for SQLite poll: let the other one in

    children = [start(work) for _index in range(2)]
    assert [ended_well(child) for child in children] == [True] * 2
    ledger = ledgers.open()
    log = logged(ledger)
    assert [row["seq"] for row in log] == list(range(1, 2 * 15 * 2 * SOME + 1))
    turns = sum(before["run"] != after["run"] for before, after in pairwise(log))
    assert turns > 2, "they did not write at the same time"
    assert verify(ledger) == []


def test_a_process_killed_while_it_writes_leaves_a_valid_chain(ledgers: Ledgers) -> None:
    """Every intent is there with its proof or not at all, and the next run can close it."""
    ledgers.open().close()
    chance = random.Random(SEED)

    def work() -> None:
        ledger = opened(ledgers, f"run-{os.getpid()}")
        while True:
            note(ledger, HSA)

    kills, caught = 0, 0
    # Some must be killed between an intent and its outcome, however slow the machine is.
    while kills < KILLS or not caught:
        child = start(work)
        time.sleep(chance.uniform(0.02, 0.12) * (1 + kills // KILLS))
        kill(child)
        kills += 1
        with ledgers.open("next") as ledger:
            assert verify(ledger) == []
            left = ledger.unfinished(HSA)
            caught += bool(left)
            assert len(left) in (0, SOME)
            ledger.conclude({intent.number: "found undone" for intent in left})
    with ledgers.open("last") as ledger:
        log = logged(ledger)
        assert ledger.unfinished(HSA) == []
        assert verify(ledger) == []
    concluded = [row["refers"] for row in log if row["event"] == "outcome"]
    assert sorted(concluded, key=str) == sorted(
        (row["seq"] for row in log if row["event"] == "intent"), key=str
    )


@contextmanager
def holder(ledgers: Ledgers) -> Iterator[int]:
    """A process that is the only writer of HSA until it is killed."""
    ready, tell = os.pipe()

    def work() -> None:
        with opened(ledgers, "run-2") as ledger, ledger.exclusive(HSA):
            os.write(tell, b".")
            time.sleep(60)

    child = start(work)
    os.close(tell)
    try:
        assert os.read(ready, 1) == b"."
        yield child
    finally:
        kill(child)
        os.close(ready)


def test_another_process_with_the_lock_is_waited_for_and_named_in_vain(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    ledger = ledgers.open()
    with holder(ledgers):
        with pytest.raises(locks.Locked, match=HSA), ledger.exclusive(HSA):
            pytest.fail("both have the lock")
        note(ledger, "ldaps://ad.example")


def test_the_lock_dies_with_a_killed_process(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    with holder(ledgers):
        pass
    started = time.monotonic()
    with ledger.exclusive(HSA):
        # PostgreSQL takes a moment to see that the process is gone.
        assert time.monotonic() - started < 5
