# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client access licences in the ledger, as the pipe reads and writes them.

A row is a holder and its licence; which licence may go to whom is decided above. No two holders
have one of the same kind and number at once: the table's index refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.plan import Entry, Operation, Values
from .database import insert, slices
from .schema import COLUMNS
from .tables import Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_BRANCH = "ou=licences"
_COLUMNS = COLUMNS["licences"]
# Columns that are NULL where there is nothing.
_DAYS = ("assigned", "released", "reassignable_from")

_CHANGED = "somebody else changed the licence at the same time; run again"
_KEY_TAKEN = "the holder has a licence of the kind already; run again"


class LicenceBook:
    """The licences of the ledger. All methods raise LedgerError."""

    def __init__(self, ledger: Tables) -> None:
        self._ledger = ledger

    @property
    def name(self) -> str:
        """What it is called in messages, for the lock and in the journal."""
        return "licences"

    def read(self) -> list[Entry]:
        """All rows, in the order of their keys."""
        table = self._ledger.licences
        with self._ledger.reading() as connection:
            rows = connection.execute(table.select().order_by(table.c.key)).mappings().all()
        return [Entry(f"cn={row['key']},{_BRANCH}", _attributes(row)) for row in rows]

    def apply(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Carry out operations, all in one transaction; returns the failed ones with the reason."""
        failed = {}
        with self._ledger.transaction() as connection:
            held = self._held(connection, (operation.key for operation in operations))
            new = []
            for operation in operations:
                row = held.get(operation.key)
                reason = _refusal(operation, row)
                if reason:
                    failed[operation] = reason
                elif row is None:
                    new.append(_new_row(operation))
                else:
                    self._change(connection, operation)
            insert(connection, self._ledger.licences, new)
        return failed

    def _held(self, connection: Connection, keys: Iterable[str]) -> dict[str, dict[str, Values]]:
        table = self._ledger.licences
        found = {}
        for some in slices(keys):
            query = table.select().where(table.c.key.in_(some))
            for row in connection.execute(query).mappings():
                found[str(row["key"])] = _attributes(row)
        return found

    def _change(self, connection: Connection, operation: Operation) -> None:
        table = self._ledger.licences
        values = {
            change.attribute: _stored(change.attribute, change.add) for change in operation.changes
        }
        connection.execute(table.update().where(table.c.key == operation.key).values(values))


def _refusal(operation: Operation, row: dict[str, Values] | None) -> str:
    """Why an operation cannot be carried out on the row as it is held; "" if it can."""
    if operation.action == "add":
        return _KEY_TAKEN if row is not None else ""
    if row is None or any(row.get(c.attribute, ()) != c.before for c in operation.changes):
        return _CHANGED
    return ""


def _attributes(row: Any) -> dict[str, Values]:
    return {name: (str(row[name]),) for name in _COLUMNS[1:] if row[name] not in (None, "")}


def _new_row(operation: Operation) -> tuple[int | str | None, ...]:
    added = {change.attribute: change.add for change in operation.changes}
    return (operation.key, *(_stored(name, added.get(name, ())) for name in _COLUMNS[1:]))


def _stored(name: str, values: Values) -> int | str | None:
    if not values:
        return None if name in _DAYS else ""
    return int(values[0]) if name == "number" else values[0]
