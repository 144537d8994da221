# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of many faults: the first are told, and looking for them takes linear time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from .conftest import Records

# Half of what took 20 to 100 seconds of a processor while errors were looked up one by one.
SIZE = 40_000
# Far more than it takes, far less than it took.
SECONDS = 8

PERSON = 'personnummer: "19121212-1212", given_name: A, surname: B'


def _repeated(piece: str) -> str:
    return piece * (SIZE // len(piece))


# (the text of staff.yml)
FAULTS: dict[str, str] = {
    "items of a list that are no groups": f"people: [{_repeated('1,')}]",
    "groups without any field": "people:\n" + _repeated("  - {}\n"),
    "assignments that are no groups": f"people: [{{{PERSON}, assignments: [{_repeated('1,')}]}}]",
    "assignments without any field": f"people: [{{{PERSON}, assignments: [{_repeated('{},')}]}}]",
    "tags": f"people: [{_repeated('!a 1,')}]",
    "repeated fields": "people: []\n" + _repeated("x: 1\n"),
    "unknown fields": "people: []\n" + "".join(f"field{n}: 1\n" for n in range(SIZE // 12)),
    "fields that are no words": "people: []\n" + _repeated("? [a]\n: 1\n"),
    "deep groups": f"people: [{_repeated('{a: ' * 25 + '1' + '}' * 25 + ',')}]",
    "one person many times": "people:\n" + _repeated(f"  - {{{PERSON}, assignments: []}}\n"),
}


def _spent(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


@pytest.mark.parametrize("text", FAULTS.values(), ids=FAULTS)
def test_the_first_fifty_faults_of_a_part_are_told_and_the_others_counted(
    records: Records, text: str
) -> None:
    (records.path / "tallbacken/staff.yml").write_text(text, encoding="utf-8")
    errors: list[str] = []

    assert _spent(lambda: errors.extend(records.errors())) < SECONDS

    assert len(errors) == 51
    assert all(error.startswith("tallbacken/staff.yml:") for error in errors)
    start, _and, number = errors[-1].removesuffix(" more").partition(": and ")
    assert start == "tallbacken/staff.yml"
    assert int(number) > 100


def test_the_number_of_other_faults_is_right(records: Records) -> None:
    text = "people: []\n" + "".join(f"field{number}: 1\n" for number in range(73))
    (records.path / "tallbacken/staff.yml").write_text(text, encoding="utf-8")

    assert len(records.errors()) == 51
    assert records.errors()[-1] == "tallbacken/staff.yml: and 23 more"


def test_fifty_faults_are_told_and_nothing_of_others(records: Records) -> None:
    text = "people: []\n" + "".join(f"field{number}: 1\n" for number in range(50))
    (records.path / "tallbacken/staff.yml").write_text(text, encoding="utf-8")

    assert len(records.errors()) == 50


def test_each_part_has_its_own_count(records: Records) -> None:
    for part in ("staff", "equipment"):
        text = (records.path / f"tallbacken/{part}.yml").read_text(encoding="utf-8")
        text += "".join(f"field{number}: 1\n" for number in range(60))
        (records.path / f"tallbacken/{part}.yml").write_text(text, encoding="utf-8")
    for number in range(60):
        (records.path / f"tallbacken/{number}.txt").touch()

    errors = records.errors()

    assert len(errors) == 153
    assert set(errors[-3:]) == {
        "tallbacken: and 10 more",
        "tallbacken/staff.yml: and 10 more",
        "tallbacken/equipment.yml: and 10 more",
    }


# What takes long by itself, and not for its many faults.
SLOW: dict[str, tuple[str, str]] = {
    "nesting before an anchor": (
        f"x: {'[' * SIZE}&a",
        "tallbacken/staff.yml:1: expected at most 30 levels of nesting",
    ),
    "nesting": (
        f"x: {'[' * SIZE}",
        "tallbacken/staff.yml:1: expected at most 30 levels of nesting",
    ),
    "a name of marks": (
        f"people: [{{{PERSON.replace('B', '͕̀' * 100_000)}, assignments: []}}]",
        "tallbacken/staff.yml:1: people[0].surname: expected at most 64 characters: "
        "HSA and AD take no more",
    ),
    "a long text": (
        f"people: [{{{PERSON.replace('B', 'x' * 500_000)}, assignments: []}}]",
        "tallbacken/staff.yml:1: people[0].surname: expected at most 64 characters: "
        "HSA and AD take no more",
    ),
}


@pytest.mark.parametrize(("text", "error"), SLOW.values(), ids=SLOW)
def test_what_is_deep_or_long_takes_no_time(records: Records, text: str, error: str) -> None:
    (records.path / "tallbacken/staff.yml").write_text(text, encoding="utf-8")
    errors: list[str] = []

    assert _spent(lambda: errors.extend(records.errors())) < SECONDS

    assert errors[0].startswith(error[:80])
