# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast orders are made, against a plain script that writes the same rows and files."""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import approved_records
from ansible_collections.regionjh.halsoval.tests.performance.many_records import write_source
from ansible_collections.regionjh.halsoval.tests.performance.measuring import (
    ROUNDS,
    Run,
    largest,
    run,
    show,
)
from ansible_collections.regionjh.halsoval.tests.postgresql import Server, running

PROVIDERS, PEOPLE = 100, 22
# Each person has a card, and an order makes them a user of each of these but the first.
SYSTEMS = (
    "vardadministrativt_system", "ekg_data", "listningsapplikation", "smittskyddsrapportering",
)  # fmt: skip
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server that waits for the disk, as a real one does."""
    with running(fsync="on", full_page_writes="on") as server:
        yield server


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records, as the controller hands them to a module."""
    directory = tmp_path_factory.mktemp("orders")
    write_source(directory, PROVIDERS, PEOPLE, SYSTEMS)
    reading = approved_records.read(
        directory / "providers", VaultLib(), dt.date(2026, 3, 2), ["SE2321000214-"]
    )
    assert not reading.errors, reading.errors
    path = directory / "payload"
    path.write_bytes(head() + b"\n".join(one.data for one in reading.providers.values()))
    return path


@dataclass
class Measured:
    """The seconds of each round, and the largest processes."""

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def program(self, name: str, *arguments: str | Path) -> dict[str, float]:
        """Run one of the programs beside this file; returns what it prints."""
        self.runs.append(run(sys.executable, HERE / name, *arguments, directory=HERE))
        told: dict[str, float] = json.loads(self.runs[-1].output)
        return told


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_ten_thousand_orders(tmp_path: Path, records: Path, server: Server, database: str) -> None:
    measured, count = Measured(), 0
    for number in range(ROUNDS):
        state, outbox = tmp_path / f"state-{number}", tmp_path / f"outbox-{number}"
        url = [server.new_database()] if database == "PostgreSQL" else []
        first = measured.program("orders_stage.py", records, state, outbox, "first", *url)
        second = measured.program("orders_stage.py", records, state, outbox, "second", *url)
        count = int(first["orders"])
        assert (count > 10_000, second["orders"]) == (True, 0)
        measured.first.append(first["seconds"])
        measured.second.append(second["seconds"])
        # What the plain script writes is read from SQLite, so that both come to the same.
        source = state / "ledger.sqlite3"
        if url:
            source = tmp_path / f"like-{number}/ledger.sqlite3"
            again = (records, source.parent, tmp_path / f"like-outbox-{number}", "first")
            run(sys.executable, HERE / "orders_stage.py", *again, directory=HERE)
        empty = server.new_database() if url else tmp_path / f"plain-{number}.sqlite3"
        told = measured.program("plain_orders.py", source, outbox, empty)
        measured.plain.append(told["seconds"])
    first, second, plain = map(statistics.median, (measured.first, measured.second, measured.plain))
    print(f"\n\n{count:,} orders in {database}; medians of {ROUNDS}")
    show("records to files, seconds", first, "")
    show("plain script, seconds", plain, "")
    show("records to files / plain script", first / plain, "at most 10")
    show("second run / first run", second / first, "at most 0.8")
    show("largest process, MiB", largest(*measured.runs), "under 300")
