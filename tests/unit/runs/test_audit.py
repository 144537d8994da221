# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log as the module verifies, thins and exports it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import seals
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.audit import AuditRow
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.audit import audit
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

SECRET = "Fjällström"


def audited(
    ledger: Ledger,
    dest: Path | None = None,
    ledger_options: Mapping[str, Any] | None = None,
    **retention: Any,
) -> dict[str, Any]:
    days = {"first_day": "2000-01-01", "last_day": "2100-01-01"}
    params = {
        **days, "dest": str(dest) if dest else None, "retention": retention,
        "known_heads": [], "expected": None, **(ledger_options or {}),
    }  # fmt: skip
    return audit(params, ledger, TODAY)


def filled(ledgers: Ledgers) -> Ledger:
    """A ledger with five rows in its log, and an order whose particulars are old."""
    ledger = ledgers.open()
    order: dict[str, Any] = dict.fromkeys(COLUMNS["orders"][:-1], "") | {
        "key": "a", "kind": "card", "system": "siths", "state": "done", "level": 0,
        "protected": 0, "due": None, "closed_on": "2020-01-01", "pseudonym": "p",
    }  # fmt: skip
    with ledger.transaction() as connection:
        made = AuditRow(
            "outcome", system="siths", object="card x a", operation="add", result="done"
        )
        intents = [AuditRow("intent", object=f"person {n}") for n in range(4)]
        ledger.append(connection, [*intents, made])
        seals.add(ledger, connection, ledger.orders, [tuple(order.values())])
        seals.add(ledger, connection, ledger.particulars, [("p", "order", "{}")])
    return ledger


def damaged(ledger: Ledger, name: str, seq: int, value: bytes = SECRET.encode("latin-1")) -> None:
    """Write something that is no text over a cell of the log, as a fault on the disk would."""
    with ledger.transaction() as connection:
        statement = f"UPDATE audit SET {name} = CAST(? AS TEXT) WHERE seq = {seq}"
        connection.exec_driver_sql(statement, (value,))


def test_a_period_is_exported_with_its_head(ledgers: Ledgers, tmp_path: Path) -> None:
    ledger, dest = filled(ledgers), tmp_path / "audit.csv"
    result = audited(ledger, dest)
    with dest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert result["rows"] == len(rows) == 5
    assert result["head"] == {"seq": 5, "hash": rows[-1]["hash"]}


def test_an_export_has_no_cell_that_a_spreadsheet_carries_out(
    sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    ledger, dest = sqlite_ledgers.open(), tmp_path / "audit.csv"
    with ledger.transaction() as connection:
        ledger.append(connection, [AuditRow("intent", object='=cmd|"/c calc"!A1', result="-2+3")])
    audited(ledger, dest)
    with dest.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["object"], row["result"]) == ('\'=cmd|"/c calc"!A1', "'-2+3")
    assert (row["seq"], row["hash"]) == ("1", ledger.head()["hash"])


def test_what_is_old_is_thinned(ledgers: Ledgers) -> None:
    result = audited(filled(ledgers), order=30)
    assert (result["changed"], result["thinned"], result["faults"]) == (True, 1, [])


@pytest.mark.parametrize("retention", [{"order": -1}, {"receipt": 1}, {"order": True}])
def test_a_wrong_retention_is_told_also_where_the_log_has_faults(
    ledgers: Ledgers, retention: dict[str, Any]
) -> None:
    ledger = filled(ledgers)
    with ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE audit SET object = 'x' WHERE seq = 2")
    with pytest.raises(ValueError, match="expected in retention"):
        audited(ledger, **retention)


@pytest.mark.parametrize(("name", "seq"), [("object", 3), ("hash", 5), ("by", 1)])
def test_a_row_that_is_no_text_is_named_and_nothing_of_it_is_told_or_exported(
    sqlite_ledgers: Ledgers, tmp_path: Path, name: str, seq: int
) -> None:
    ledger, dest = filled(sqlite_ledgers), tmp_path / "audit.csv"
    damaged(ledger, name, seq)
    result = audited(ledger, dest, order=30)
    assert result["failed"]
    end = ["audit log: it does not end as a run left it"] * (name == "hash")
    assert result["faults"] == [f"row {seq}: changed", *end]
    named = "; ".join(result["faults"])
    assert result["msg"].startswith(
        f"the ledger is not as its runs left it: {named}; nothing was thinned or exported"
    )
    assert result["thinned"] == 0
    assert "rows" not in result
    assert not dest.exists()
    assert "llstr" not in json.dumps(result)
