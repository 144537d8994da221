# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers for tests, in an SQLite file and in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.tests.postgresql import postgresql

__all__ = ["Ledgers", "ledgers", "open_files", "postgresql", "postgresql_ledgers", "sqlite_ledgers"]

TODAY = dt.date(2026, 3, 2)


@dataclass(frozen=True)
class Ledgers:
    """Where a test's ledger is: opens it as runs do, on any day; all are closed after the test."""

    url: str | None
    directory: Path
    opened: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def file(self) -> Path:
        """Where the ledger is, if it is an SQLite file."""
        return self.directory / "ledger.sqlite3"

    def open(self, run: str = "run-1", check: bool = False, as_of: dt.date = TODAY) -> Ledger:
        """Open the ledger for a run."""
        ledger = Ledger(self.url, self.directory, Run(run, "anna@controller", as_of), check)
        return self.opened.enter_context(ledger)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledgers]:
    """A ledger that does not exist yet."""
    if request.param == "sqlite":
        yield from _found(None, tmp_path)
    else:
        with request.getfixturevalue("postgresql").database() as url:
            yield from _found(url, tmp_path)


@pytest.fixture
def sqlite_ledgers(tmp_path: Path) -> Iterator[Ledgers]:
    """The same, in a file only."""
    yield from _found(None, tmp_path)


@pytest.fixture
def postgresql_ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledgers]:
    """The same, in PostgreSQL only."""
    with request.getfixturevalue("postgresql").database() as url:
        yield from _found(url, tmp_path)


def _found(url: str | None, tmp_path: Path) -> Iterator[Ledgers]:
    found = Ledgers(url, tmp_path / "state")
    with found.opened:
        yield found


def open_files() -> set[str]:
    """The files and sockets that this process has open."""
    return {os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
