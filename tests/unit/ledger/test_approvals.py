# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger knows as approved, and what somebody who writes to it alone can do about that."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.approvals import (
    latest,
    left_since,
    next_number,
    note,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    Manifest,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.audit import audit
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

PRINT = "SHA256:2guQcQ+Ei1UbiPHsNRU2xl3gtOGiC4Vgg7wO7oR38w8"


def approval(version: int, digest: str = "", part: str = "staff") -> Approval:
    digest = digest or f"{version:064x}"
    return Approval(Manifest("alfa", part, version, digest), "region:anna", PRINT, "5" * 64)


def withdrawal(version: int) -> Approval:
    return Approval(Manifest("alfa", "staff", version, f"{version:064x}", is_signed=False))


def by_sql(ledger: Ledger, statement: str) -> None:
    with ledger.transaction() as connection:
        connection.execute(sa.text(statement))


def last(ledger: Ledger) -> tuple[int, str] | None:
    noted = latest(ledger).get(("alfa", "staff"))
    return (noted.number, noted.principal) if noted else None


def test_the_last_version_counts_and_each_is_a_row_of_the_log(ledgers: Ledgers) -> None:
    ledger = ledgers.open()

    assert last(ledger) is None
    note(ledger, [approval(1), approval(1, part="equipment")])
    note(ledger, [withdrawal(2)])

    assert last(ledger) == (2, "")
    assert next_number(ledger, "alfa", "staff") == 3
    assert not ledger.doubts()
    assert verify(ledger) == []
    with ledger.reading() as connection:
        query = ledger.audit.select().where(ledger.audit.c.event == "approved")
        rows = [(row.object, row.result) for row in connection.execute(query)]
    assert rows == [
        ("staff alfa 1", f"{1:064x} region:anna {PRINT}"),
        ("equipment alfa 1", f"{1:064x} region:anna {PRINT}"),
        ("staff alfa 2", f"{2:064x} withdrawal"),
    ]


def test_a_number_is_one_version_only(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    note(ledger, [approval(1)])

    for other in (approval(1), approval(1, digest="f" * 64)):
        with pytest.raises(LedgerError, match="run approve again"):
            note(ledger, [other])
    assert last(ledger) == (1, "region:anna")


def test_a_check_notes_nothing(ledgers: Ledgers) -> None:
    ledgers.open().close()
    with ledgers.open(check=True) as ledger:
        note(ledger, [approval(1)])
    assert last(ledgers.open()) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE approvals SET digest = 'f' WHERE number = 2",
        "UPDATE approvals SET principal = 'region:eva' WHERE number = 2",
        "DELETE FROM approvals WHERE number = 2",
        "UPDATE approvals SET signature = 'f' WHERE number = 2",
        "INSERT INTO approvals (provider, part, number, digest, principal, fingerprint, signature,"
        " as_of, run, seal) SELECT provider, part, 3, digest, principal, fingerprint, signature,"
        " as_of, run, seal FROM approvals WHERE number = 2",
    ],
)
def test_what_was_changed_by_sql_does_not_count_and_alarms(
    ledgers: Ledgers, statement: str
) -> None:
    ledger = ledgers.open()
    note(ledger, [approval(1)])
    note(ledger, [approval(2)])

    by_sql(ledger, statement)

    (doubt,) = ledger.doubts()
    assert doubt.object in ("staff alfa 2", "staff alfa 3")
    # The number is used up, so that no approval from before counts again.
    assert last(ledger) in ((1, "region:anna"), (2, "region:anna"))
    assert next_number(ledger, "alfa", "staff") > int(doubt.object.split()[2])
    assert doubt.object in ledger.past("HSA", ()).alarm


def test_neither_does_a_log_that_forgets_an_approval(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    note(ledger, [approval(1)])
    note(ledger, [approval(2)])
    by_sql(ledger, "DELETE FROM approvals WHERE number = 2")
    by_sql(ledger, "UPDATE audit SET event = 'x' WHERE object = 'staff alfa 2'")

    assert "approvals or confirmations are not as runs wrote" in str(ledger.doubts()[0])


@pytest.mark.parametrize(
    "statement",
    ["UPDATE approvals SET principal = 'region:eva'", "DELETE FROM approvals"],
)
def test_a_person_vouches_for_it(ledgers: Ledgers, statement: str) -> None:
    ledger = ledgers.open()
    note(ledger, [approval(1)])
    by_sql(ledger, statement)
    options: dict[str, Any] = {
        "retention": {}, "known_heads": [], "dest": None, "first_day": None, "last_day": None,
        "expected": ledger.name_of(ledger.all_doubts()),
    }  # fmt: skip

    assert not audit(options, ledger, TODAY).get("failed")
    assert ledger.doubts() == []


def test_orders_that_left_since_a_version_was_replaced_are_named(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    note(ledger, [approval(1)])
    note(ledger, [approval(2)])
    columns = "key, system, kind, recipient, provider, object, state, sent_on"
    for key, provider, day in (
        ("A", "alfa", "2026-03-02"), ("B", "beta", "2026-03-02"), ("C", "alfa", "2026-03-01"),
    ):  # fmt: skip
        values = f"'{key}', 'siths', 'card', 'ra', '{provider}', 'X', 'sent', '{day}'"
        by_sql(ledger, f"INSERT INTO orders ({columns}) VALUES ({values})")

    assert left_since(ledger, "alfa", "staff", f"{1:064x}") == ["card X A, sent 2026-03-02: sent"]
    assert left_since(ledger, "alfa", "staff", f"{2:064x}") == []


def test_what_was_deleted_since_a_version_was_replaced_is_named(ledgers: Ledgers) -> None:
    delete = Intended("alfa,beta", "account X", "delete", "", "", "{}")
    for run, day in (("run-1", TODAY), ("run-2", TODAY + dt.timedelta(days=1))):
        with ledgers.open(run, as_of=day) as ledger:
            note(ledger, [approval(1 if day == TODAY else 2)])
            done, failed, other = ledger.intend(
                "AD", [delete, delete, replace(delete, provider="gamma")]
            )
            ledger.conclude({done: "done", failed: "not found", other: "done"})

    ledger = ledgers.open("run-3")
    assert left_since(ledger, "alfa", "staff", f"{1:064x}") == ["AD: account X, deleted 2026-03-03"]
