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
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}")[2].partition("\n## ")[0]


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
    rows = re.findall(r"^\| [^|]+\? \| `([^`]+)` \| `([^`]+)` \|$", section("Where"), re.MULTILINE)
    assert len(rows) >= 20
    missing = [(file, name) for file, name in rows if name not in set(functions(PIPE / file))]
    assert missing == []


def test_every_room_has_a_line() -> None:
    told = set(re.findall(r"^\| `([a-z/]+)/` \|", section("Rooms"), re.MULTILINE))
    assert told == {str(path.parent.relative_to(PIPE)) for path in PIPE.rglob("*.py")}


def test_the_walk_leads_through_files_that_are_there() -> None:
    steps = re.findall(r"^\d\. `([\w/.]+)`", section("A walk"), re.MULTILINE)
    places = (ROOT, ROOT / "plugins")
    assert 1 < len(steps) <= 6
    assert [step for step in steps if not any((place / step).is_file() for place in places)] == []


def test_files_are_named_as_they_are_called() -> None:
    named = set(
        re.findall(r"`((?:records|engine|desired|systems|ledger|orders|runs)/[\w/]+\.py)", PAGE)
    )
    assert {name for name in named if not (PIPE / name).is_file()} == set()
