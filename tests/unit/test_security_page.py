# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_on_security_names_is_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    files = (ROOT / "tests").rglob("test_*.py")
    there = set(re.findall(r"^def (test_\w+)\(", "\n".join(f.read_text() for f in files), re.M))
    assert named
    assert named <= there, f"no such test: {sorted(named - there)}"


def test_every_row_of_its_tables_names_a_test_or_says_that_nothing_stops_it() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = page.partition("## Who can bring about what")[2].splitlines()
    told = [row for row in rows if row.startswith("| ") and not row.startswith("| could want")]
    assert told
    assert [row for row in told if "`test_" not in row and "**not stopped**" not in row] == []
