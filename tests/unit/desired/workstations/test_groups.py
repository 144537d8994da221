# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of groups, whoever comes and goes: the day's capacity is never exceeded."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.workstations.groups import (
    numbers,
)

Names = frozenset[str]
days = st.lists(
    st.tuples(
        st.frozensets(st.integers(1, 40).map(str), max_size=30), st.integers(0, 4)
    ).filter(lambda day: len(day[0]) <= day[1] * 10),
    max_size=8,
)  # fmt: skip


@given(days)
def test_numbers_are_kept_while_the_group_exists(days: list[tuple[Names, int]]) -> None:
    before: dict[str, int] = {}
    for registered, groups in days:
        now = numbers({name: before.get(name) for name in sorted(registered)}, groups)
        assert now.keys() == registered
        assert set(now.values()) <= set(range(1, groups + 1))
        assert all(count <= 10 for count in Counter(now.values()).values())
        kept = {name for name in registered if before.get(name, groups + 1) <= groups}
        assert all(now[name] == before[name] for name in kept)
        before = now


def test_newcomers_get_the_lowest_group_with_room() -> None:
    held: dict[str, int | None] = {str(n): 1 + n // 10 for n in range(20)}
    del held["3"]
    assert numbers({**held, "new": None}, 2)["new"] == 1
    assert numbers({**held, "new": None, "other": None}, 3)["other"] == 3


def test_who_was_in_a_group_that_is_gone_moves() -> None:
    assert numbers({"a": 2, "b": 1}, 1) == {"a": 1, "b": 1}


def test_who_was_put_into_a_full_group_by_hand_moves() -> None:
    held: dict[str, int | None] = dict.fromkeys(map(str, range(11)), 1)
    assert Counter(numbers(held, 2).values()) == {1: 10, 2: 1}
