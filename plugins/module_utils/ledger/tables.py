# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's database with its tables, the run that uses it, and its secret keys."""

from __future__ import annotations

import datetime as dt
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from . import schema
from .database import Database, insert

try:
    import sqlalchemy as sa
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import TableClause
except ImportError:  # ansible-test imports this file without it; Database says so
    pass


@dataclass(frozen=True)
class Run:
    """Who writes: one `id` per ansible-playbook, `by` is user@host, `as_of` the run's day."""

    id: str
    by: str
    as_of: dt.date


class Tables(Database):
    """A ledger as its tables, which are SQLAlchemy's: `ledger.orders.select().where(…)`.

    All methods raise LedgerError.
    """

    def __init__(
        self, url: str | None, state_directory: Path, run: Run, check: bool = False
    ) -> None:
        super().__init__(url, state_directory / "ledger.sqlite3", check)
        self.run, self.directory = run, state_directory
        # What rows are sealed with: see seals.py.
        self.seal_key = ""
        self.audit, self.chain = _table("audit"), _table("chain")
        self.runs, self.settings = _table("runs"), _table("settings")
        self.intents, self.holds = _table("intents"), _table("holds")
        self.orders, self.particulars = _table("orders"), _table("particulars")
        self.batches, self.receipts = _table("batches"), _table("receipts")
        self.seen_ids, self.taken_ids = _table("seen_ids"), _table("taken_ids")
        self.facts, self.settled = _table("facts"), _table("settled")
        self.losses, self.refusals = _table("losses"), _table("refusals")
        self.sizes, self.findings = _table("sizes"), _table("findings")
        self.sightings, self.marks = _table("sightings"), _table("marks")
        self.licences, self.approvals = _table("licences"), _table("approvals")
        self.register_answers = _table("register_answers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def changing(self) -> AbstractContextManager[Connection]:
        """A transaction, or in check mode a read, for what is told then as it would be done."""
        return self.reading() if self.check else self.transaction()

    def key(self, connection: Connection, name: str) -> str:
        """The secret key of this name, in hexadecimal digits; "" where none was ever made."""
        query = sa.select(self.settings.c.value).where(self.settings.c.name == name)
        return str(connection.execute(query).scalar_one_or_none() or "")

    def new_key(self, connection: Connection, name: str) -> str:
        """Make a secret key, for records.memory.keyed_hash()."""
        key = secrets.token_hex(32)
        insert(connection, self.settings, [(name, key)])
        return key


def _table(name: str) -> TableClause:
    return sa.table(name, *(sa.column(column) for column in schema.COLUMNS[name]))
