# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of answers does not depend on the order they come in, nor on how often."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Memory
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.registers import (
    HOSP,
    POPULATION,
    Answer,
    is_called,
    later,
    name_hashes,
    shielded,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record

MEMORY = Memory(key="00" * 32)
TITLES = st.frozensets(st.sampled_from(["Läkare", "Sjuksköterska"]))
ANSWERS = st.builds(
    Answer,
    register=st.sampled_from([POPULATION, HOSP]),
    person=st.sampled_from(["a", "b"]),
    day=st.dates(dt.date(2026, 3, 1), dt.date(2026, 3, 3)),
    status=st.sampled_from(["living", "deceased"]),
    protected=st.booleans(),
    licences=TITLES,
    withdrawn=TITLES,
)


@given(st.lists(ANSWERS, max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_in_whatever_order_and_parts_answers_come_the_same_is_known(
    answers: list[Answer], shuffler: object, cut: int
) -> None:
    known = later({}, answers)
    shuffled = [*answers, *answers]
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    first = later({}, shuffled[:cut])
    assert {**first, **later(first, shuffled[cut:])} == known
    assert later(known, shuffled) == {}


@given(st.lists(ANSWERS, min_size=1))
def test_the_last_day_tells_and_of_one_day_what_is_graver(answers: list[Answer]) -> None:
    for (register, who), answer in later({}, answers).items():
        theirs = [a for a in answers if (a.register, a.person) == (register, who)]
        assert answer.day == max(a.day for a in theirs)
        same = [a for a in theirs if a.day == answer.day]
        assert answer.status == ("deceased" if "deceased" in {a.status for a in same} else "living")


@pytest.mark.parametrize(
    ("given_name", "middle", "surname", "is_known"),
    [
        ("Anna", None, "Ek", True),
        ("anna maria", None, "EK", True),
        ("Maria", "Berg", "Ek", True),
        ("Anna-Maria", None, "Berg Ek", True),
        ("Anna", None, "Berg", False),
        ("Anna", None, "Ekberg", False),
        ("Annika", None, "Ek", False),
        ("Ek", None, "Anna", False),
    ],
)
def test_a_record_has_one_of_the_given_names_and_the_surname(
    given_name: str, middle: str | None, surname: str, is_known: bool
) -> None:
    names = name_hashes("Anna Maria", "Berg", "Ek", MEMORY.digest)
    (row,) = record(
        people=[person(1, given_name=given_name, middle_name=middle, surname=surname)]
    ).staff.people
    assert is_called(row, names, MEMORY.digest) is is_known
    assert is_called(row, frozenset(), MEMORY.digest)


def test_every_row_of_who_is_shielded_says_so_and_no_other() -> None:
    old = number(7)
    records = (
        record("alfa", [person(1), person(2)]),
        record("beta", [person(1, previous_numbers=[old])]),
        record("gamma", [person(3)]),
    )
    memory = Memory(key=MEMORY.key, shielded=frozenset({MEMORY.digest(old)}))
    told = shielded(records, memory)
    rows = [(one.id, row.protected) for one in told for row in one.staff.people]
    assert rows == [("alfa", True), ("alfa", False), ("beta", True), ("gamma", False)]
    assert told[2] is records[2]
    assert shielded(records, MEMORY) == records
