# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log's chain: whatever was done to it is found, and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.audit import (
    AuditRow,
    Fault,
    Head,
    Values,
    chained,
    digest,
    faults,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS

SEQ, HASH = COLUMNS["audit"].index("seq"), COLUMNS["audit"].index("hash")
PREVIOUS = COLUMNS["audit"].index("previous")
NOW = "2026-03-02T08:00:00.000000+00:00"
SIZE = 9


def chain(size: int = SIZE) -> list[Values]:
    rows = [
        AuditRow("intent", "alfa", "hsa", f"person SE2321000214-{index}", "modify", "mail", "0ab1")
        for index in range(size)
    ]
    return chained(rows, Head(), NOW, "run-1", "anna@controller")


def found(rows: Sequence[Values], head: Any = None) -> list[Fault]:
    last = chain()[-1]
    return faults(lambda: rows, [head or (last[SEQ], last[HASH])])


def with_seq(row: Values, seq: int) -> Values:
    return (seq, *row[1:])


def test_an_empty_log_is_whole() -> None:
    assert found([], (0, "")) == []


def test_a_log_as_it_was_written_is_whole() -> None:
    assert found(chain()) == []


def test_rows_added_later_go_on_with_the_chain() -> None:
    first = chain(4)
    head = Head(first[-1][SEQ], first[-1][HASH])  # type: ignore[arg-type]
    rows = [*first, *chained([AuditRow("outcome", refers=1)], head, NOW, "run-2", "bo@controller")]
    assert [row[SEQ] for row in rows] == [1, 2, 3, 4, 5]
    assert found(rows, (5, rows[-1][HASH])) == []


def test_the_hash_is_what_the_documentation_says() -> None:
    """Whoever has an export can check it with nothing but JSON and SHA-256."""
    rows = chained(
        [AuditRow("intent", object="person Å"), AuditRow("outcome")], Head(), NOW, "r", "b"
    )
    for row in rows:
        text = json.dumps(list(row[:-1]), separators=(",", ":"), ensure_ascii=True)
        assert row[HASH] == hashlib.sha256(text.encode("ascii")).hexdigest()
    assert rows[1][PREVIOUS] == rows[0][HASH]
    assert rows[0][PREVIOUS] == ""


def other(value: object) -> st.SearchStrategy[Any]:
    """Any other value that a database may hold: of the same type, or of another one."""
    kinds = st.none() | st.integers(-5, 30) | st.text(max_size=5) | st.binary(max_size=5)
    if isinstance(value, str) and value:
        return kinds | st.integers(0, len(value) - 1).map(lambda at: flipped(value, at))
    return kinds


def flipped(text: str, at: int) -> str:
    """The text with one bit of one character turned."""
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


@given(st.data())
def test_any_other_value_in_any_column_is_found_and_the_row_named(data: st.DataObject) -> None:
    rows = chain()
    at = data.draw(st.integers(0, SIZE - 1))
    column = data.draw(st.integers(1, HASH))
    value = data.draw(other(rows[at][column]).filter(lambda v: v != rows[at][column]))
    rows[at] = (*rows[at][:column], value, *rows[at][column + 1 :])
    assert Fault(at + 1, "changed") in found(rows)


def test_a_number_as_text_is_another_value() -> None:
    rows = chained([AuditRow("outcome", refers=7)], Head(), NOW, "r", "b")
    at = COLUMNS["audit"].index("refers")
    odd = (*rows[0][:at], "7", *rows[0][at + 1 :])
    assert faults(lambda: [odd], [(1, rows[0][HASH])]) == [Fault(1, "changed")]


@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_missing_rows_are_named(first: int, last: int) -> None:
    rows = [row for row in chain() if not first <= row[SEQ] <= last]  # type: ignore[operator]
    if first > last:
        assert found(rows) == []
    elif first == last:
        assert found(rows) == [Fault(first, "missing")]
    else:
        assert found(rows) == [Fault(first, f"missing, and all to row {last}")]


def test_a_tail_that_was_cut_off_is_named() -> None:
    assert found(chain()[:-2]) == [Fault(8, "missing, and all to row 9")]


def test_rows_beyond_the_head_are_named() -> None:
    rows = chain()
    assert found(rows, (7, rows[6][HASH])) == [Fault(8, "added: the chain ends with row 7")]


@given(st.permutations(range(SIZE)))
def test_rows_that_changed_places_are_named_with_the_place_they_had(order: list[int]) -> None:
    rows = chain()
    moved = [with_seq(rows[place], at + 1) for at, place in enumerate(order)]
    assert found(moved) == [
        Fault(at + 1, f"moved: it is row {place + 1}")
        for at, place in enumerate(order)
        if at != place
    ]


@given(st.integers(1, SIZE), st.integers(1, SIZE))
def test_a_copy_in_another_rows_place_is_named_with_its_original(copied: int, over: int) -> None:
    rows = chain()
    rows[over - 1] = with_seq(rows[copied - 1], over)
    expected = [Fault(over, f"doubled: a copy of row {copied}")] if copied != over else []
    assert found(rows) == expected


def test_a_copy_at_the_end_is_named() -> None:
    rows = chain()
    assert found([*rows, with_seq(rows[3], 10)], (10, rows[3][HASH])) == [
        Fault(10, "doubled: a copy of row 4")
    ]


def test_a_row_that_stands_there_twice_is_named() -> None:
    rows = chain()
    assert found([*rows[:4], rows[3], *rows[4:]]) == [
        Fault(4, "doubled: two rows have this number")
    ]


def test_a_row_before_the_first_one_is_named() -> None:
    rows = chain()
    before = (-1, *rows[0][1:-1])
    assert Fault(-1, "added") in found([(*before, digest(before)), *rows])


@pytest.mark.parametrize("place", [1, 4, SIZE])
def test_a_row_with_a_new_hash_that_fits_is_told_by_the_next_or_by_the_head(place: int) -> None:
    rows = chain()
    content = (*rows[place - 1][:4], "hold", *rows[place - 1][5:-1])
    rows[place - 1] = (*content, digest(content))
    (fault,) = found(rows)
    assert fault.seq == place
    assert fault.message.startswith("changed: ")


@pytest.mark.parametrize("heads", [[], [(9, "x"), (9, "x")], [("9", "x")], [(None, None)]])
def test_a_damaged_head_is_told(heads: list[Any]) -> None:
    rows = chain()
    (fault,) = faults(lambda: rows, heads)
    assert "head" in fault.message
    assert fault.seq == SIZE


def test_a_head_with_another_hash_is_told() -> None:
    (fault,) = found(chain(), (SIZE, "0" * 64))
    assert fault == Fault(SIZE, "changed: the chain's head holds another hash of it")
