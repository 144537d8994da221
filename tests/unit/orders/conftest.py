# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers as the tests of orders open them, and inboxes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import run


@pytest.fixture
def opened(ledgers: Ledgers) -> Callable[..., Ledger]:
    """Opens the ledger of a test for a run: one that writes stays open, as opening takes time."""
    writing: dict[Run, Ledger] = {}

    def open_ledger(as_run: Run = run(), check: bool = False) -> Ledger:  # noqa: B008 - frozen
        if check or as_run not in writing:
            found = ledgers.open(as_run.id, check, as_run.as_of)
            if check:
                return found
            writing[as_run] = found
        return writing[as_run]

    return open_ledger


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An inbox with an empty folder for the card office."""
    directory = tmp_path / "inbox"
    (directory / "ra_organisation").mkdir(parents=True)
    return directory
