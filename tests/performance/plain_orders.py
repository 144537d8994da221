# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plain script takes for the same orders: prints {"seconds"} as JSON.

Run as a program: plain_orders.py LEDGER OUTBOX DATABASE, where LEDGER and OUTBOX are what a run has
left, and DATABASE is an empty SQLite file or PostgreSQL database. It inserts the same rows of
orders and of the audit log with executemany, in one transaction, and writes the same JSON files.
Reading what to write is not timed, nor is making the tables.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

TABLES = ("orders", "particulars", "batches", "audit")


def main(ledger: str, outbox: str, database: str) -> None:
    """Time the inserts and the files."""
    rows = {table: _read(ledger, table) for table in TABLES}
    documents = [(path, json.loads(path.read_text())) for path in Path(outbox).rglob("*.json")]
    connection: Any
    if database.startswith("postgresql://"):
        connection, mark = psycopg.connect(database), "%s"
    else:
        connection, mark = sqlite3.connect(database), "?"
        connection.execute("PRAGMA journal_mode = WAL")
    cursor = connection.cursor()
    for table, (names, _values) in rows.items():
        columns = ", ".join(f'"{name}" text' for name in names)
        cursor.execute(f"CREATE TABLE {table} ({columns})")
    connection.commit()

    began = time.perf_counter()
    for table, (names, values) in rows.items():
        marks = ", ".join([mark] * len(names))
        cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
    connection.commit()
    for path, document in documents:
        text = json.dumps(document, ensure_ascii=False, indent=2)
        path.with_suffix(".plain").write_text(text, encoding="utf-8")
    print(json.dumps({"seconds": time.perf_counter() - began}))


def _read(ledger: str, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    found = sqlite3.connect(ledger).execute(f"SELECT * FROM {table}")
    names = [column[0] for column in found.description]
    return names, [tuple(v if v is None else str(v) for v in row) for row in found]


if __name__ == "__main__":
    main(*sys.argv[1:])
