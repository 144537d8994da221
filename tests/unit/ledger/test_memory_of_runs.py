# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger remembers of runs: what was put in effect, taken, refused and read."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import DAYS, Past
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Settled
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import (
    leap,
    make_key,
    note_day,
    recall,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Fact
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

ANNA, BO, CECILIA = "a" * 32, "b" * 32, "c" * 32
EFFECT = 'effect ["vc", "", "2026-01-01", "", ["pascal"]]'


def facts(*people: str, text: str = EFFECT) -> frozenset[Fact]:
    return frozenset(Fact(person, text) for person in people)


def test_what_was_put_in_effect_is_known_to_the_next_run(ledgers: Ledgers) -> None:
    with ledgers.open() as ledger:
        make_key(ledger)
        ledger.remember("HSA", [Settled("alfa", facts(ANNA, BO)), Settled("beta", facts(ANNA))])
        ledger.remember("AD", [Settled("alfa", facts(CECILIA))])
    with ledgers.open("run-2", as_of=TODAY + dt.timedelta(days=1)) as later:
        later.remember("HSA", [Settled("alfa", facts(BO, CECILIA))])
        memory = recall(later, "HSA")
    assert memory.facts == {"alfa": facts(BO, CECILIA), "beta": facts(ANNA)}
    assert memory.days == {"alfa": TODAY + dt.timedelta(days=1), "beta": TODAY}
    assert len(memory.key) == 64


def test_confirmations_are_counted_but_for_those_by_which_nothing_was_done(
    ledgers: Ledgers,
) -> None:
    hashes = {"alfa": ("58467d0634f40723",), "beta": ("ae72a78c97a4e3fe",)}
    with ledgers.open() as ledger:
        ledger.confirm("HSA", hashes)
        ledger.confirm("AD", hashes)
        ledger.spare("HSA", {"beta": hashes["beta"]})
    later = ledgers.open("run-2")
    assert later.past("HSA", ()).confirmed == {"alfa": 1, "beta": 0}
    assert later.past("AD", ()).confirmed == {"alfa": 1, "beta": 1}
    assert later.past("siths", ()).confirmed == {}


def test_people_of_whom_somebody_must_confirm_something_are_remembered_as_before(
    ledgers: Ledgers,
) -> None:
    ledger = ledgers.open()
    ledger.remember("HSA", [Settled("alfa", facts(ANNA, BO))])
    ledger.remember("HSA", [Settled("alfa", facts(CECILIA), besides=frozenset({ANNA, CECILIA}))])
    assert recall(ledger, "HSA").facts == {"alfa": facts(ANNA)}
    ledger.remember("HSA", [Settled("alfa", facts(CECILIA), besides=frozenset())])
    assert recall(ledger, "HSA").facts == {"alfa": facts(CECILIA)}


def test_who_is_protected_stays_so_until_a_person_confirms_that_it_is_over(
    ledgers: Ledgers,
) -> None:
    ledger = ledgers.open()
    hidden = facts(ANNA, text="protected")
    for _again in range(2):
        ledger.protect("HSA", {"alfa": hidden, "beta": hidden})
        ledger.remember("HSA", [Settled("alfa", facts(ANNA))])
        ledger.remember("AD", [Settled("alfa", frozenset())], {ANNA})
    for system in ("HSA", "AD"):
        memory = recall(ledger, system)
        assert memory.facts["beta"] == hidden
        assert hidden <= memory.facts["alfa"]
    ledger.remember("HSA", [], {ANNA})
    assert recall(ledger, "HSA").facts == {"alfa": facts(ANNA)}


def test_which_numbers_are_one_person_is_never_forgotten(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    link = facts(ANNA, text=f"was {BO}")
    ledger.remember("HSA", [Settled("alfa", link | facts(ANNA))])
    ledger.remember("HSA", [Settled("alfa", frozenset())])
    assert recall(ledger, "HSA").facts == recall(ledger, "AD").facts == {"alfa": link}
    # But a row that stands there, and does not say it any more, takes it back.
    ledger.remember("HSA", [Settled("alfa", facts(ANNA), besides=frozenset({ANNA}))])
    assert recall(ledger, "HSA").facts == {"alfa": link}
    ledger.remember("HSA", [Settled("alfa", facts(ANNA))])
    assert recall(ledger, "HSA").facts == {"alfa": facts(ANNA)}


def test_losses_count_for_some_days_and_by_system(ledgers: Ledgers) -> None:
    anna, bo = ("person", "SE2321000214-A"), ("person", "SE2321000214-B")
    for days, person in ((0, anna), (1, bo), (1, anna)):
        with ledgers.open(f"run-{days}", as_of=TODAY + dt.timedelta(days=days)) as ledger:
            ledger.judged("HSA", Past(lost={"alfa": {person}}))
    for days, lost in ((DAYS - 1, {anna, bo}), (DAYS, {anna, bo}), (DAYS + 1, set())):
        with ledgers.open("later", as_of=TODAY + dt.timedelta(days=days)) as ledger:
            assert ledger.past("HSA", ()).lost.get("alfa", set()) == lost
            assert ledger.past("AD", ()).lost == {}


def test_a_refusal_is_known_to_the_other_systems_of_the_run(ledgers: Ledgers) -> None:
    with ledgers.open() as ledger:
        ledger.judged("HSA", Past(refused={"alfa": "HSA"}))
        assert ledger.past("HSA", ()).refused == {}
        assert ledger.past("siths", ()).refused == {"alfa": "HSA"}
        # Within the run somebody may run the module again, now with a confirmation.
        ledger.judged("HSA", Past())
        assert ledger.past("siths", ()).refused == {}
    with ledgers.open("run-2") as later:
        assert later.past("siths", ()).refused == {}


def test_sizes_are_those_of_the_last_read_that_was_right(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.judged("HSA", Past(sizes={"providers": 5, "entries": 150}))
    ledger.judged("HSA", Past())
    ledger.judged("AD", Past(sizes={"providers": 4, "entries": 20}))
    assert ledger.past("HSA", ()).sizes == {"providers": 5, "entries": 150}


def test_check_mode_reads_what_there_is_and_makes_no_key(ledgers: Ledgers) -> None:
    with ledgers.open(check=True) as empty:
        make_key(empty)
        assert recall(empty, "HSA").key == ""
        assert empty.past("HSA", ()) == Past()


@pytest.mark.parametrize(
    ("days", "direction"),
    [(0, ""), (1, ""), (31, ""), (32, "after"), (9999, "after"), (-7, ""), (-8, "before")],
)
def test_a_day_far_from_the_last_runs_surprises(
    ledgers: Ledgers, days: int, direction: str
) -> None:
    first = ledgers.open()
    assert leap(first) == ""
    note_day(first)
    later = ledgers.open("run-2", as_of=TODAY + dt.timedelta(days=days))
    assert (f"{abs(days)} days {direction}" in leap(later)) if direction else (leap(later) == "")
    note_day(later)
    assert leap(ledgers.open("run-3", as_of=later.run.as_of)) == ""
    assert recall(later, "HSA").days == {}
