# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals: rows that decide carry a keyed digest, which who writes to the database alone cannot make.

The key lies in a file of the controller, beside the locks. The first run makes it, and seals what
an earlier version has left as it is. Several controllers that share a ledger share the file's
content: whoever sets up another one copies it.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records.memory import keyed_hash
from . import locks
from .database import LedgerError, insert, read, slices

with suppress(ImportError):  # ansible-test imports this file without it; Database says so
    import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import TableClause

    from .tables import Tables

FILE = "ledger.key"
# What a row is known by, in the tables whose rows are sealed.
KEYS: Mapping[str, tuple[str, ...]] = {
    "holds": ("id",),
    "orders": ("key",),
    "particulars": ("pseudonym", "kind"),
    "approvals": ("provider", "part", "number"),
    "register_answers": ("register", "person"),
}


def seal(key: str, table: str, row: Mapping[str, Any]) -> str:
    """The seal of a row: what is empty, as a column of a later version is, makes no difference."""
    content = [(name, v) for name, v in row.items() if v not in (None, "") and name != "seal"]
    # The same in every Python, and some times as fast as JSON.
    return keyed_hash(key, ascii((table, sorted(content))))


def is_sealed(key: str, table: str, row: Mapping[str, Any]) -> bool:
    """Whether a row is as it was sealed. Without a key, as in a first check, none is looked at."""
    return not key or hmac.compare_digest(seal(key, table, row).encode(), str(row["seal"]).encode())


def place(row: Mapping[str, Any], table: str) -> tuple[str, ...]:
    """What a row is known by in its table."""
    return tuple(row[name] for name in KEYS[table])


def add(
    ledger: Tables,
    connection: Connection,
    table: TableClause,
    rows: Iterable[tuple[int | str | None, ...]],  # pylint: disable=unsupported-binary-operation
) -> None:
    """Insert rows, whose values stand in the order of the table's columns, `seal` left out."""
    names = table.c.keys()[:-1]
    sealed = [
        (*row, seal(ledger.seal_key, table.name, dict(zip(names, row, strict=True))))
        for row in rows
    ]
    insert(connection, table, sealed)


def broken(ledger: Tables, connection: Connection, keys: Iterable[str]) -> frozenset[str]:
    """The keys of orders that are not as a run sealed them, or whose particulars or answers are.

    Whoever changes a row seals all of it anew, and must not seal what somebody else wrote.
    """
    found: set[str] = set()
    orders, sides = ledger.orders, ledger.particulars
    for some in slices(keys):
        rows = list(read(connection, orders.select().where(orders.c.key.in_(some))))
        names = {row["pseudonym"]: row["key"] for row in rows}
        found.update(row["key"] for row in rows if not is_sealed(ledger.seal_key, "orders", row))
        for row in read(connection, sides.select().where(sides.c.pseudonym.in_(list(names)))):
            if not is_sealed(ledger.seal_key, "particulars", row):
                found.add(names[row["pseudonym"]])
    return frozenset(found)


def renew(
    ledger: Tables, connection: Connection, table: TableClause, chosen: ColumnElement[bool]
) -> None:
    """Seal rows as they are now: after a change, or because a person said so."""
    rows = list(read(connection, table.select().where(chosen)))
    sealed = {place(row, table.name): seal(ledger.seal_key, table.name, row) for row in rows}
    put(connection, table, sealed)


def renew_by_key(
    ledger: Tables, connection: Connection, table: TableClause, keys: Iterable[str]
) -> None:
    """The same for the rows that have one of these keys."""
    (name, *_others) = KEYS[table.name]
    for some in slices(keys):
        renew(ledger, connection, table, table.c[name].in_(some))


def put(connection: Connection, table: TableClause, sealed: Mapping[tuple[Any, ...], str]) -> None:
    """Write the seals of rows by what these are known by."""
    names = KEYS[table.name]
    update = table.update().values(seal=sa.bindparam("new_seal"))
    for name in names:
        update = update.where(table.c[name] == sa.bindparam(f"old_{name}"))
    values = [
        {"new_seal": new, **{f"old_{n}": v for n, v in zip(names, key, strict=True)}}
        for key, new in sealed.items()
    ]
    if values:
        connection.execute(update, values)


# --- the key --------------------------------------------------------------------------------------


def key_of(ledger: Tables, seal_all: Callable[[Connection, str], None]) -> str:
    """The key of the ledger's seals; "" in check mode of a ledger that has none yet.

    `seal_all` seals with a new one what there is, within a transaction. Raises LedgerError where
    the ledger has seals and the controller has no key.
    """
    path = ledger.directory / FILE
    with _file_errors(path):
        key = _read(path)
        if key or (ledger.check and not _has_seals(ledger)):
            return key
        if ledger.check:
            return _read(_unfinished(path)) or _missing(ledger)
        with locks.exclusive(ledger.directory, FILE):
            return _read(path) or _make(ledger, path, seal_all)


def _make(ledger: Tables, path: Path, seal_all: Callable[[Connection, str], None]) -> str:
    """Make the key and seal what there is. A run that is killed here leaves it to the next one."""
    new = _unfinished(path)
    key = _read(new) or _written(new)
    with ledger.transaction() as connection:
        (head, *_others) = read(connection, ledger.chain.select())
        if head["seal"]:
            if not is_sealed(key, "chain", head):
                new.unlink()
                _missing(ledger)
        else:
            seal_all(connection, key)
    new.replace(path)
    return key


def _unfinished(path: Path) -> Path:
    """Where the key lies until everything is sealed with it."""
    return path.with_name(f"{FILE}.new")


def _has_seals(ledger: Tables) -> bool:
    with ledger.reading() as connection:
        seals = connection.execute(ledger.chain.select().with_only_columns(ledger.chain.c.seal))
        return any(seals.scalars())


def _missing(ledger: Tables) -> str:
    raise LedgerError(
        f"{ledger.directory / FILE} is missing, which the ledger's rows are sealed with: copy it "
        "from a controller that has it"
    )


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Say of a file's errors which file it is."""
    try:
        yield
    except (OSError, locks.Locked) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LedgerError(f"{path}: {reason}") from None


def _read(path: Path) -> str:
    """The key in a file, "" where there is no file. Raises LedgerError."""
    with suppress(FileNotFoundError):
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & 0o077:
                raise LedgerError(f"{path}: expected its user's own file, and nobody else's: 0600")
            text = file.read(100).decode("ascii", "replace").strip()
        if not re.fullmatch("[0-9a-f]{64}", text):
            raise LedgerError(f"{path}: expected 64 hexadecimal digits")
        return text
    return ""


def _written(path: Path) -> str:
    key = secrets.token_hex(32)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key
