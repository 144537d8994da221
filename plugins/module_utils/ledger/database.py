# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's database: an SQLite file, or PostgreSQL where several controllers share it.

Writers take turns on both, so what a transaction reads stays so until it ends. What a database says
of an error is shown without the statement and its values: those are personal.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from ..engine.journal import JournalError
from . import locks, schema

try:
    import sqlalchemy as sa
    from sqlalchemy import event
    from sqlalchemy.engine import URL, Connection, Engine
    from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
    from sqlalchemy.pool import QueuePool, StaticPool
    from sqlalchemy.sql.expression import Select, TableClause

    HAS_SQLALCHEMY = True
except ImportError:  # ansible-test imports this file without it
    HAS_SQLALCHEMY = False

_T = TypeVar("_T")

# Values in one IN (...): both databases take some ten thousand.
SLICE = 1000
# How long a transaction waits for another one, in seconds.
BUSY_TIMEOUT = 60
# The option of a connection that begins a transaction to write.
_WRITES = "halsoval_writes"
_DRIVER = "postgresql+psycopg"
# PostgreSQL: who holds it may write. A number that nothing else in the database uses.
_WRITERS = 0x68616C736F76616C
# How often two connections are asked in turn whose session they have. Once does on an idle server.
_TURNS = 3


class LedgerError(JournalError):
    """The ledger cannot be used. The text names no password, no person and no values."""


class Database:
    """An open database of this version's schema; without a URL the file `path`.

    `check` is whether it is only read. One that is not there counts as empty then, and what needs
    migrations is migrated without being kept so. All methods raise LedgerError.
    """

    def __init__(self, url: str | None, path: Path, check: bool) -> None:
        if not HAS_SQLALCHEMY:
            raise LedgerError("the Python package SQLAlchemy is missing: pip install SQLAlchemy")
        self._url = _postgresql(url) if url else None
        self._path = path
        self.name = _shown(self._url) if self._url else str(path)
        self.check = check
        # Check mode: what holds a schema that is never committed.
        self._borrowed: Connection | None = None
        self._locks: dict[Connection, int] = {}  # and the session that holds the lock
        try:
            with self._errors():
                self._engine = self._open_to_read() if check else self._open_to_write()
        except OSError as error:
            raise LedgerError(f"the ledger {self.name}: {error.strerror}") from None

    def close(self) -> None:
        """Let go of the database."""
        if self._borrowed is not None:
            self._borrowed.close()
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write: everything or nothing, and nobody else meanwhile."""
        if self.check:
            raise LedgerError("check mode writes nothing to the ledger")
        with self._errors():
            # The server forgets them when it restarts.
            if any(_session(lock) != session for lock, session in self._locks.items()):
                raise LedgerError(_sharing(self.name))
            with self._engine.connect() as connection, _writing(connection):
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read, all at one moment."""
        with self._errors():
            if self._borrowed is not None:
                yield self._borrowed
                return
            with self._engine.connect() as connection:
                if self._url:
                    connection.execution_options(
                        isolation_level="REPEATABLE READ", postgresql_readonly=True
                    )
                with connection.begin():
                    yield connection

    @contextmanager
    def exclusive(self, system: str) -> Iterator[None]:
        """Be the only writer of a system, among all who share the database.

        The lock dies with the process. Raises locks.Locked after locks.LOCK_PATIENCE seconds.
        """
        if not self._url:
            with locks.exclusive(self._path.parent, system):
                yield
            return
        key = int.from_bytes(hashlib.sha256(system.encode()).digest()[:8], signed=True)
        with self._errors(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            locks.wait(lambda: _try_lock(connection, key), system)
            self._locks[connection] = _session(connection)
            try:
                yield
            finally:
                del self._locks[connection]
                with suppress(SQLAlchemyError):  # a session that is gone holds nothing
                    connection.execute(sa.text(f"SELECT pg_advisory_unlock({key})"))

    def _open_to_write(self) -> Engine:
        if self._url:
            engine = _server(self._url)
            with _closed_on_failure(engine):
                _bring_up_to_date(engine)
            return engine
        # Two that make the file at once would disturb each other: SQLite does not wait for the
        # change to WAL.
        with locks.exclusive(self._path.parent, self._path.name):
            _make_private(self._path)
            engine = _file(self._path)
            with _closed_on_failure(engine):
                _bring_up_to_date(engine)
        return engine

    def _open_to_read(self) -> Engine:
        if self._url is None and not os.path.lexists(self._path):
            return self._borrow(_memory())
        engine = _server(self._url) if self._url else _file(self._path, "query_only = ON")
        with _closed_on_failure(engine), engine.connect() as connection:
            version = _version(connection)
        if version == len(schema.MIGRATIONS):
            return engine
        if version == 0:
            engine.dispose()
            return self._borrow(_memory())
        return self._borrow(engine if self._url else _memory(engine))

    def _borrow(self, engine: Engine) -> Engine:
        """Bring a database up to date without ever committing it."""
        self._borrowed = engine.connect()
        schema.migrate(self._borrowed, _version(self._borrowed), schema.MIGRATIONS)
        return engine

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise LedgerError(f"the ledger {self.name}: {_reason(error)}") from None


def _reason(error: SQLAlchemyError) -> str:
    """What a database says, without statement, values and details (which quote values)."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if cause is None:
        return type(error).__name__
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    # SQLite quotes a text that is not UTF-8.
    reason = str(primary or cause).partition(" with text ")[0]
    return reason.strip() or type(cause).__name__


@contextmanager
def _closed_on_failure(engine: Engine) -> Iterator[None]:
    """Leave no connection behind where a database is refused: a pooler waits for it to end."""
    try:
        yield
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def _writing(connection: Connection) -> Iterator[None]:
    """A transaction that waits for other writers before its first read."""
    connection.execution_options(**{_WRITES: True})
    with connection.begin():
        if connection.dialect.name == "postgresql":
            # Not only for the audit log: two that wait for each other's rows would be a deadlock.
            # The timeout here too: a pooler does not hand on what is asked for when connecting.
            timeout = f"set_config('lock_timeout', '{round(BUSY_TIMEOUT * 1000)}', true)"
            connection.execute(sa.text(f"SELECT {timeout}, pg_advisory_xact_lock({_WRITERS})"))
        yield


def _bring_up_to_date(engine: Engine) -> None:
    with engine.connect() as connection:
        if _version(connection) == len(schema.MIGRATIONS):
            return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # The file keeps it: no reader waits for a writer then.
            _driver(connection).execute("PRAGMA journal_mode = WAL")
        with _writing(connection):
            # Another controller may have been here meanwhile.
            version = _version(connection)
            schema.migrate(connection, version, schema.MIGRATIONS)


def _version(connection: Connection) -> int:
    """The number of migrations that a database has behind it."""
    if not sa.inspect(connection).has_table("schema_version"):
        return 0
    version = int(connection.execute(sa.text("SELECT version FROM schema_version")).scalar_one())
    known = len(schema.MIGRATIONS)
    if version > known:
        raise LedgerError(
            f"the ledger has schema version {version}, this collection knows {known}: update it"
        )
    return version


def insert(
    connection: Connection, table: TableClause, rows: Sequence[tuple[int | str | None, ...]]
) -> None:
    """Insert rows whose values stand in the order of the table's columns.

    Some times as fast as SQLAlchemy's own way, which takes rows as dictionaries.
    """
    if rows:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        names = ", ".join(table.c.keys())
        marks = ", ".join([mark] * len(table.c))
        statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"
        connection.exec_driver_sql(statement, list(rows))


def read(connection: Connection, query: Select[Any]) -> Iterator[dict[str, Any]]:
    """The rows that a query finds; some times as fast as SQLAlchemy's mappings."""
    found = connection.execute(query, execution_options={"yield_per": SLICE})
    names = list(found.keys())
    return (dict(zip(names, row, strict=True)) for row in found)


def slices(values: Iterable[_T]) -> Iterator[list[_T]]:
    """The values in lists that are short enough for one IN (...)."""
    rest = iter(values)
    while some := list(islice(rest, SLICE)):
        yield some


# --- PostgreSQL -----------------------------------------------------------------------------------


def _postgresql(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # their texts quote a part of it
        parsed = None
    drivers = ("postgresql", _DRIVER)
    # Of a password with an @ the rest would pass for the host, and be shown.
    if not parsed or parsed.drivername not in drivers or not parsed.database or url.count("@") > 1:
        raise LedgerError(
            "expected the ledger's URL as postgresql://user:password@host:port/database,"
            " what is not a letter or digit in the password as %XX"
        )
    return parsed.set(drivername=_DRIVER)


def _shown(url: URL) -> str:
    """A server's URL without user, password and options."""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{url.host or ''}{port}/{url.database}"


def _server(url: URL) -> Engine:
    options = {
        "lock_timeout": BUSY_TIMEOUT * 1000,
        # A controller that vanished from the network holds its locks for a minute.
        "tcp_keepalives_idle": 30,
        "tcp_keepalives_interval": 10,
        "tcp_keepalives_count": 3,
    }
    arguments = {
        "application_name": "halsoval",
        "connect_timeout": 10,
        "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
    }
    if not _is_loopback(url):
        # libpq's own default takes no encryption for an answer. Over a socket it asks for none.
        arguments["sslmode"] = "verify-full"
    given = {name: value for name, value in arguments.items() if name not in url.query}
    try:
        # A transaction must see what those before it wrote, also while it waited for them.
        engine = sa.create_engine(
            url, connect_args=given, isolation_level="READ COMMITTED", hide_parameters=True
        )
    except ImportError:
        raise LedgerError(
            "the Python package psycopg is missing: pip install 'psycopg[binary]'"
        ) from None
    with _closed_on_failure(engine):
        _refuse_shared_sessions(engine, _shown(url))
    return engine


def _is_loopback(url: URL) -> bool:
    """Whether all that a URL names as its server is this machine's loopback."""
    query = url.normalized_query
    named = [url.host or "", *query.get("host", ()), *query.get("hostaddr", ())]
    hosts = [host for name in named if name for host in name.split(",")]
    return bool(hosts) and all(map(_loops_back, hosts))


def _loops_back(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host.casefold() == "localhost"


def _refuse_shared_sessions(engine: Engine, name: str) -> None:
    """Raise LedgerError where a connection has no session of its own.

    A pooler of transactions gives each the session that came back last, or one that is idle. So
    either the other connection gets this one's, or this one goes on with the other's. While
    others use the pool too, that may fail to show once; hence the turns.
    """
    with engine.connect() as one, engine.connect() as other:
        one.execution_options(isolation_level="AUTOCOMMIT")
        own = _session(one)
        for _turn in range(_TURNS):
            with other.begin():
                others = _session(other)
            if own == others or own != _session(one):
                raise LedgerError(_sharing(name))
    engine.dispose()  # most of the time one connection is enough


def _session(connection: Connection) -> int:
    """The server's process that works for a connection just now."""
    return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


def _sharing(name: str) -> str:
    return (
        f"the ledger {name}: connections do not keep their sessions, so locks would keep nobody"
        " out. Connect to the server itself, or set pool_mode = session in PgBouncer"
    )


def _try_lock(connection: Connection, key: int) -> bool:
    return bool(connection.execute(sa.text(f"SELECT pg_try_advisory_lock({key})")).scalar_one())


# --- SQLite ---------------------------------------------------------------------------------------


def _make_private(path: Path) -> None:
    """Make a database file that is its owner's alone; SQLite gives the files beside it its mode."""
    _refuse_links(path)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    # One that is there is not opened: closing it again would drop this process's locks on it
    # (fcntl(2), "advisory record locking").
    with suppress(FileExistsError):
        os.close(os.open(path, flags, 0o600))
    path.chmod(0o600)


def _refuse_links(path: Path) -> None:
    if any(path.with_name(path.name + end).is_symlink() for end in ("", "-wal", "-shm")):
        raise LedgerError(f"the ledger {path} is a symbolic link: name the directory it lies in")


def _file(path: Path, *pragmas: str) -> Engine:
    _refuse_links(path)
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)

    return _sqlite(connect, pragmas, poolclass=QueuePool)


def _memory(copied: Engine | None = None) -> Engine:
    """A database that is gone with the process: empty, or a copy of another one."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    if copied is not None:
        with copied.connect() as connection:
            _driver(connection).backup(memory)
        copied.dispose()
    return _sqlite(lambda: memory, poolclass=StaticPool)


def _sqlite(
    connect: Callable[[], sqlite3.Connection], pragmas: Iterable[str] = (), **options: Any
) -> Engine:
    """`connect` leaves transactions to us (isolation_level None): the driver begins them late."""
    engine = sa.create_engine("sqlite://", creator=connect, hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in ("synchronous = FULL", "secure_delete = ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _driver(connection: Connection) -> Any:
    """The connection below SQLAlchemy's."""
    return connection.connection.driver_connection
