# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/architecture.md names rooms, files and functions that are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIPE = ROOT / "plugins" / "module_utils"
# A question, the file that answers it, and the function.
_ROW = re.compile(r"\| [^|]+\? \| `([^`]+)` \| `([^`]+)` \|")
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}")[2].partition("\n## ")[0]


def place(file: str) -> Path | None:
    """Where a file lies that is named from the root, or from plugins/."""
    paths = (ROOT / file, ROOT / "plugins" / file)
    return next((path for path in paths if path.is_file()), None)


def functions(path: Path) -> Iterator[str]:
    """The functions of a file, those of a class after its name."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{f.name}" for f in node.body if isinstance(f, ast.FunctionDef)
            )


def test_where_it_is_decided_is_where_the_table_says() -> None:
    table = [line for line in section("Where").splitlines() if line.startswith("|")]
    rows = [row.groups() for row in map(_ROW.fullmatch, table) if row]
    assert len(rows) >= 20
    assert len(rows) == len(table) - 2  # the heading
    missing = [(file, name) for file, name in rows if name not in set(functions(PIPE / file))]
    assert missing == []


def test_every_room_has_a_line() -> None:
    told = set(re.findall(r"^\| `([a-z/]+)/` \|", section("Rooms"), re.MULTILINE))
    assert told == {str(path.parent.relative_to(PIPE)) for path in PIPE.rglob("*.py")}


def test_the_walk_leads_through_files_that_are_there() -> None:
    steps = re.findall(r"^\d\. `([\w/.]+)`", section("A walk"), re.MULTILINE)
    assert 1 < len(steps) <= 6
    files = re.findall(r"`([\w/]+/[\w.]+\.\w+)`", section("A walk"))
    assert set(steps) <= set(files)
    assert [file for file in files if place(file) is None] == []


def test_the_walk_names_a_function_of_each_file_that_has_any() -> None:
    named = dict(re.findall(r"`([\w/]+\.py)`, `([\w.]+)`", section("A walk")))
    for file in re.findall(r"`([\w/]+\.py)`", section("A walk")):
        path = place(file)
        assert path is not None
        there = set(functions(path))
        assert not there or named[file] in there, file


def test_files_are_named_as_they_are_called() -> None:
    named = set(
        re.findall(r"`((?:records|engine|desired|systems|ledger|orders|runs)/[\w/]+\.py)", PAGE)
    )
    assert {name for name in named if not (PIPE / name).is_file()} == set()
