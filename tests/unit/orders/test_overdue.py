# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that nobody has answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.overdue import overdue
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    card,
    make,
    revocation,
    run,
)

Open = Callable[..., Ledger]


def found(opened: Open, days: int) -> list[tuple[str, int, bool]]:
    """What is overdue so many days after the orders left."""
    ledger = opened(run(TODAY + dt.timedelta(days=days), "later"))
    return [(one.kind, one.days, one.lets_in) for one in overdue(ledger)]


@pytest.mark.parametrize(("days", "is_overdue"), [(56, False), (57, True)])
def test_card_that_nobody_answers_is_overdue(
    opened: Open, tmp_path: Path, days: int, is_overdue: bool
) -> None:
    make(opened(), tmp_path / "outbox", [card()])
    assert found(opened, days) == [("card", days, False)] * is_overdue


@pytest.mark.parametrize(("days", "is_overdue"), [(7, False), (8, True)])
def test_revocation_that_nobody_answers_is_overdue_sooner(
    opened: Open, tmp_path: Path, days: int, is_overdue: bool
) -> None:
    make(opened(), tmp_path / "outbox", [revocation()])
    assert found(opened, days) == [("revocation", days, True)] * is_overdue


@pytest.mark.parametrize("cause", ["replaced", "uncollected"])
@pytest.mark.parametrize(("days", "is_overdue"), [(56, False), (57, True)])
def test_revocation_of_a_card_that_opens_nothing_to_others_can_wait(
    opened: Open, tmp_path: Path, cause: str, days: int, is_overdue: bool
) -> None:
    make(opened(), tmp_path / "outbox", [revocation(cause=cause)])
    assert found(opened, days) == [("revocation", days, False)] * is_overdue


@pytest.mark.parametrize("state", ["wanted", "sent", "active", "refused", "done", "cancelled"])
def test_what_was_answered_is_not_overdue(opened: Open, tmp_path: Path, state: str) -> None:
    ledger = opened()
    make(ledger, tmp_path / "outbox", [card()])
    with ledger.transaction() as connection:
        connection.execute(ledger.orders.update().values(state=state))
    assert found(opened, 400) == []
