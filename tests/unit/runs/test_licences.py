# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence server's list, as whoever leaves it may have made it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.evidence import (
    Evidence,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.trays import MOST
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs import licences
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY

LIST = b"sIssuedToComputer,LicenseStatus\nPC-01,2\n"


def told(path: Path) -> tuple[Evidence | None, list[str]]:
    """What is read of a file, and the warnings."""
    warnings: list[str] = []
    module: Any = SimpleNamespace(params={"evidence_path": str(path)}, warn=warnings.append)
    return licences._evidence(module, TODAY), warnings


def test_a_list_is_read_also_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "issued.csv").write_bytes(LIST)
    (tmp_path / "link.csv").symlink_to("issued.csv")
    evidence, warnings = told(tmp_path / "link.csv")
    assert evidence
    assert (evidence.active, warnings) == (frozenset({"pc-01"}), [])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "expected a file, and no pipe or device"),
        ("folder", "Is a directory"),
        ("large", "expected at most 5 MiB"),
        ("nothing", "No such file or directory"),
    ],
)
def test_a_licence_list_that_is_no_file_or_too_large_stops_nothing(
    tmp_path: Path, kind: str, reason: str
) -> None:
    path = tmp_path / "issued.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_bytes(LIST + b"x" * MOST)
    evidence, warnings = told(path)
    assert evidence
    assert (evidence.is_complete, warnings) == (False, [f"{path}: {reason}"])
