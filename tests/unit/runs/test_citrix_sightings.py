# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When it is believed that nobody connected."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs import citrix_sightings
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.records.conftest import VALID

GROUP, OTHER = "aaaa", "bbbb"
MINE, THEIRS = ({"Id": "m", "DesktopGroupId": group} for group in (GROUP.upper(), OTHER))
ROW = {"ModifiedDate": "2026-03-01T10:00:00.5Z", "ClientName": "PC-1"}
LIVE = {"Client": {"Name": "PC-1"}}


@pytest.mark.parametrize(
    ("machines", "rows", "sessions", "is_blind"),
    [
        ([], [], [], True),
        ([THEIRS], [], [], True),
        ([MINE], [], [], False),
        ([], [ROW], [], False),
        ([], [], [LIVE], True),
        ([MINE], [], [LIVE], False),
    ],
)
def test_monitor_is_blind_where_it_shows_nothing_of_the_group(
    sqlite_ledgers: Ledgers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    machines: list[Any], rows: list[Any], sessions: list[Any], is_blind: bool,
) -> None:  # fmt: skip
    site = SimpleNamespace(group_id=lambda: GROUP, sessions=lambda: sessions)
    monitor = SimpleNamespace(machines=lambda: machines, connections=lambda _since: rows)
    monkeypatch.setattr(citrix_sightings, "CitrixSite", lambda *_args: site)
    monkeypatch.setattr(citrix_sightings, "CitrixMonitor", lambda *_args: monitor)
    records = tmp_path / "records"
    records.write_bytes(head() + json.dumps(VALID).encode() + b"\n")
    params = {
        "records": str(records), "server_uri": "https://ddc.example", "user": "u", "password": "p",
        "ca_path": None, "timeout": 5, "delivery_group": "group",
    }  # fmt: skip
    ledger = sqlite_ledgers.open()
    result = citrix_sightings.look(params, ledger, ledger.run.as_of)
    codes = {one["code"] for one in result["findings"]}
    assert ("monitor_blind" in codes) is is_blind
