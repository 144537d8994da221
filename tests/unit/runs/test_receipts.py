# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module receipts tells of answer files, however many of their lines are bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.receipts import take_in
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

OPTIONS: dict[str, Any] = {"card_issuers": [], "card_ca_path": None, "expected": []}
HEADINGS = "Beställningsnummer;Status;Datum"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    directory = tmp_path / "inbox"
    (directory / "telia").mkdir(parents=True)
    return directory


def leave(inbox: Path, name: str, bad: int) -> None:
    """Leave an answer file with as many lines that cannot be read."""
    rows = (f"{row};klar;2026-03-02" for row in range(bad))
    (inbox / "telia" / name).write_text("\n".join((HEADINGS, *rows, "")), encoding="utf-8")


def told(ledgers: Ledgers, inbox: Path) -> dict[str, Any]:
    return take_in(OPTIONS | {"inbox": str(inbox)}, ledgers.open(), TODAY)


def test_a_few_rejected_lines_are_all_named(sqlite_ledgers: Ledgers, inbox: Path) -> None:
    leave(inbox, "svar.csv", 20)
    result = told(sqlite_ledgers, inbox)
    assert [row["line"] for row in result["rejected"]] == list(range(2, 22))
    assert result["rejected_count"] == 20
    assert result["reasons"] == [str(inbox / "rejected/telia/svar.csv.reasons.txt")]


def test_of_many_some_are_named_and_all_are_counted_and_kept(
    sqlite_ledgers: Ledgers, inbox: Path
) -> None:
    for name, bad in {"a.csv": 6000, "b.csv": 21, "c.csv": 1}.items():
        leave(inbox, name, bad)
    result = told(sqlite_ledgers, inbox)
    names = [row["file"] for row in result["rejected"]]
    assert {name: names.count(name) for name in names} == {
        "telia/a.csv": 20,
        "telia/b.csv": 20,
        "telia/c.csv": 1,
    }
    assert result["rejected_count"] == 6022
    assert len(json.dumps(result)) < 8000
    kept = [Path(path).read_text(encoding="utf-8").splitlines() for path in result["reasons"]]
    assert [len(lines) for lines in kept] == [6000, 21, 1]


def test_of_many_files_some_are_named_and_all_are_counted_and_kept(
    sqlite_ledgers: Ledgers, inbox: Path
) -> None:
    for number in range(30):
        leave(inbox, f"{number:02d}.csv", 2)
    result = told(sqlite_ledgers, inbox)
    assert len(result["rejected"]) == 40
    assert result["rejected_count"] == 60
    assert len(result["reasons"]) == 20
    assert len(list((inbox / "rejected/telia").glob("*.reasons.txt"))) == 30


def test_a_file_that_stays_is_named_before_its_lines(sqlite_ledgers: Ledgers, inbox: Path) -> None:
    leave(inbox, "svar.csv", 30)
    (inbox / "handled").mkdir(mode=0o700)
    (inbox / "handled/telia").write_text("in the way")
    result = told(sqlite_ledgers, inbox)
    assert [row["line"] for row in result["rejected"]] == [0, *range(2, 21)]
    assert result["rejected_count"] == 31
