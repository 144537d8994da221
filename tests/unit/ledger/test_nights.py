# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.nights import (
    Streak,
    note_night,
    note_told,
)
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

ORPHAN = ("orphaned", "hsa", "", "SE2321000214-HV000007")
MOVED = ("account_moved", "ad", "alfa", "SE2321000214-HV000008")


def day(number: int) -> dt.date:
    return TODAY + dt.timedelta(days=number)


def looked(_key: object) -> bool:
    return True


def test_nights_in_a_row_are_counted_once_each(ledgers: Ledgers) -> None:
    for number in (0, 0, 1, 1, 2):
        streaks = note_night(ledgers.open(as_of=day(number)), [ORPHAN], looked)
    assert streaks == {ORPHAN: Streak(TODAY, day(2), 3)}


def test_what_was_gone_for_a_night_begins_anew(ledgers: Ledgers) -> None:
    note_night(ledgers.open(), [ORPHAN, MOVED], looked)
    note_night(ledgers.open(as_of=day(1)), [MOVED], looked)
    streaks = note_night(ledgers.open(as_of=day(2)), [ORPHAN, MOVED], looked)
    assert {key: streak.nights for key, streak in streaks.items()} == {ORPHAN: 1, MOVED: 3}


def test_a_night_that_did_not_check_a_system_forgets_nothing_of_it(ledgers: Ledgers) -> None:
    note_night(ledgers.open(), [ORPHAN], looked)
    assert note_night(ledgers.open(as_of=day(1)), [], lambda key: key[1] != "hsa") == {}
    streaks = note_night(ledgers.open(as_of=day(2)), [ORPHAN], looked)
    assert streaks[ORPHAN] == Streak(TODAY, day(2), 2)


def test_who_was_told_is_not_told_again_until_it_comes_anew(ledgers: Ledgers) -> None:
    note_night(ledgers.open(), [ORPHAN, MOVED], looked)
    note_told(ledgers.open(), [ORPHAN])
    streaks = note_night(ledgers.open(as_of=day(1)), [ORPHAN, MOVED], looked)
    assert [streaks[key].told for key in (ORPHAN, MOVED)] == [True, False]
    note_night(ledgers.open(as_of=day(2)), [], looked)
    assert not note_night(ledgers.open(as_of=day(3)), [ORPHAN], looked)[ORPHAN].told


@pytest.mark.parametrize("number", [0, 1])
def test_check_mode_counts_and_notes_nothing(ledgers: Ledgers, number: int) -> None:
    note_night(ledgers.open(), [ORPHAN], looked)
    checked = note_night(ledgers.open(as_of=day(number), check=True), [ORPHAN, MOVED], looked)
    assert checked[ORPHAN].nights == number + 1
    assert MOVED not in note_night(ledgers.open(as_of=day(number)), [ORPHAN], looked)
