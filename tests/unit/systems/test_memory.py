# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA-ids that earlier runs saw: kept on the controller, and nobody's number with them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.memory import Memory
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

HSA = "ldaps://hsa.example:636"
A, B, C = (f"SE2321000214-{letter}" for letter in "ABC")


def memory(directory: Path, uri: str = HSA) -> Memory:
    """Another run's, which has nothing but the files."""
    return Memory(directory, uri)


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_what_was_kept_is_recalled_by_a_later_run(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A, number(2): B})
    recalled = memory(tmp_path).recall([number(1), number(7)])
    assert recalled.by_number == {number(1): A}
    assert recalled.ids == {A, B}


def test_without_a_file_nothing_is_recalled_and_none_is_made(tmp_path: Path) -> None:
    recalled = memory(tmp_path / "state").recall([number(1)])
    assert (recalled.ids, dict(recalled.by_number)) == (frozenset(), {})
    assert not (tmp_path / "state").exists()


def test_what_was_known_stays_and_what_is_seen_otherwise_holds(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A, number(2): B})
    memory(tmp_path).keep({number(2): C})
    recalled = memory(tmp_path).recall([number(1), number(2)])
    assert recalled.by_number == {number(1): A, number(2): C}


def test_an_id_that_is_somebodys_now_is_nobody_elses(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A})
    memory(tmp_path).keep({number(2): A})
    recalled = memory(tmp_path).recall([number(1), number(2)])
    assert recalled.by_number == {number(2): A}


def test_an_id_stays_taken_when_its_person_has_another(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A})
    memory(tmp_path).keep({number(1): B})
    assert memory(tmp_path).recall([]).ids >= {A, B}


def test_one_person_may_have_several_numbers(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A, number(2): A})
    assert memory(tmp_path).recall([number(1), number(2)]).by_number == {
        number(1): A, number(2): A
    }  # fmt: skip


def test_each_hsa_has_a_memory_of_its_own(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A})
    assert memory(tmp_path, "ldaps://other.example").recall([number(1)]).ids == frozenset()
    assert HSA not in str(files(tmp_path)) + files(tmp_path)[0].read_text()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    old = os.umask(0)
    try:
        memory(state).keep({number(1): A})
        memory(state).keep({number(2): B})
    finally:
        os.umask(old)
    (file,) = files(state)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_no_number_stands_in_it_in_any_spelling(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(index): f"{A}{index}" for index in range(20)})
    (file,) = files(tmp_path)
    text = file.read_text()
    for index in range(20):
        assert not any(spelled in text for spelled in spellings(number(index)))


def test_the_hashes_are_keyed_anew_for_each_memory(tmp_path: Path) -> None:
    for name in ("one", "two"):
        memory(tmp_path / name).keep({number(1): A})
    stored = [json.loads(files(tmp_path / name)[0].read_text()) for name in ("one", "two")]
    assert stored[0]["key"] != stored[1]["key"]
    assert stored[0]["ids"].keys().isdisjoint(stored[1]["ids"])


def test_a_run_that_sees_nothing_new_writes_nothing(tmp_path: Path) -> None:
    memory(tmp_path).keep({number(1): A})
    (file,) = files(tmp_path)
    before = file.stat().st_ino
    memory(tmp_path).keep({number(1): A})
    memory(tmp_path).keep({})
    assert file.stat().st_ino == before


def test_a_run_that_is_killed_while_it_writes_leaves_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(tmp_path).keep({number(1): A})

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    for moment in ("fsync", "replace"):
        monkeypatch.setattr(os, moment, killed)
        with pytest.raises(KeyboardInterrupt):
            memory(tmp_path).keep({number(2): B})
        monkeypatch.undo()
        assert memory(tmp_path).recall([number(1), number(2)]).by_number == {number(1): A}
    for file in files(tmp_path):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    memory(tmp_path).keep({number(2): B})
    assert memory(tmp_path).recall([number(2)]).by_number == {number(2): B}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"key": "x", "ids": {}}', '{"key": 1, "ids": {}}',
     '{"key": "00", "ids": null}', '{"key": "00", "ids": [1]}', "null", "\udcff"],
)  # fmt: skip
def test_a_memory_that_cannot_be_read_is_an_empty_one(tmp_path: Path, content: str) -> None:
    memory(tmp_path).keep({number(1): A})
    (file,) = files(tmp_path)
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert memory(tmp_path).recall([number(1)]).ids == frozenset()
    memory(tmp_path).keep({number(2): B})
    assert memory(tmp_path).recall([number(2)]).by_number == {number(2): B}
