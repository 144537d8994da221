# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told of a night."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.nights import note_night
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.found import Found, Night
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.files import FileError
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.night import _report
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers

OPEN = Found("open_rule", "high", "citrix", "", "desk_Direct", "")


def test_a_report_that_cannot_be_written_keeps_nobody_from_being_told(
    sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    ledger, told = sqlite_ledgers.open(), list[str]()
    note_night(ledger, [OPEN.key], [])

    def run_command(_command: list[str], data: str) -> tuple[int, str, str]:
        told.append(data)
        return 0, "", ""

    (tmp_path / "file").touch()
    params = {"dest": str(tmp_path / "file"), "metrics_path": None, "tell": ["mail"]}
    module: Any = SimpleNamespace(params=params, run_command=run_command)
    night = Night(dt.date(2026, 3, 2), "run", {}, frozenset(), (), (OPEN,))
    with pytest.raises(FileError):
        _report(module, ledger, night, [OPEN])
    assert len(told) == 1
    assert note_night(ledger, [OPEN.key], [])[OPEN.key].told
