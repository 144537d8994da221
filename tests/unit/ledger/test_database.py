# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a ledger: files, servers, versions, check mode, and what errors say."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import database, locks
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import (
    schema as ledger_schema,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.database import insert
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    Run,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers, open_files
from ansible_collections.regionjh.halsoval.tests.postgresql import Server, running, stop

HSA = "ldaps://hsa.example"
INTENDED = Intended("alfa", "person SE2321000214-A", "add", "", "", "proof")
HOLD = Hold(
    id="h1", object="SE2321000214-A", kind="hold", reason="lost", by="SE2321000214-B", since=TODAY
)
RUN = Run("run-1", "anna@controller", TODAY)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    old = os.umask(mask)
    try:
        yield
    finally:
        os.umask(old)


# --- the file -------------------------------------------------------------------------------------


def test_the_files_are_their_owners_alone_whatever_the_umask(sqlite_ledgers: Ledgers) -> None:
    with umask(0):
        sqlite_ledgers.open().intend(HSA, [INTENDED])
    directory = sqlite_ledgers.directory
    assert mode(directory) == 0o700
    assert {"ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"} <= {
        path.name for path in directory.iterdir()
    }
    assert {mode(path) for path in directory.iterdir()} == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(sqlite_ledgers: Ledgers) -> None:
    sqlite_ledgers.open().close()
    sqlite_ledgers.file.chmod(0o644)
    sqlite_ledgers.open()
    assert mode(sqlite_ledgers.file) == 0o600


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
@pytest.mark.parametrize("check", [False, True])
def test_no_link_is_followed(sqlite_ledgers: Ledgers, end: str, check: bool) -> None:
    sqlite_ledgers.open().close()
    file = sqlite_ledgers.file.with_name(sqlite_ledgers.file.name + end)
    file.unlink(missing_ok=True)
    elsewhere = sqlite_ledgers.directory / "elsewhere"
    file.symlink_to(elsewhere)
    with pytest.raises(LedgerError, match="symbolic link"):
        sqlite_ledgers.open(check=check)
    assert not elsewhere.exists()


def test_a_commit_is_on_the_disk_and_what_is_deleted_is_overwritten(
    sqlite_ledgers: Ledgers,
) -> None:
    with sqlite_ledgers.open().transaction() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_a_directory_that_cannot_be_written_is_a_ledger_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: File exists"):
        Ledger(None, tmp_path / "state", RUN)


def test_a_file_that_is_no_database_is_a_ledger_error(sqlite_ledgers: Ledgers) -> None:
    sqlite_ledgers.directory.mkdir()
    sqlite_ledgers.file.write_bytes(b"no database at all" * 100)
    for check in (False, True):
        with pytest.raises(LedgerError, match="not a database"):
            sqlite_ledgers.open(check=check)


def test_a_path_with_blanks_and_signs_is_just_a_path(tmp_path: Path) -> None:
    state = tmp_path / "läge på prov?mode=ro#1%20"
    with Ledger(None, state, RUN) as ledger:
        ledger.intend(HSA, [INTENDED])
    assert (state / "ledger.sqlite3").exists()
    with Ledger(None, state, RUN, check=True) as ledger:
        assert len(ledger.unfinished(HSA)) == 1


def test_a_writer_does_not_wait_for_ever(
    sqlite_ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    first, second = sqlite_ledgers.open(), sqlite_ledgers.open("run-2")
    with first.transaction(), pytest.raises(LedgerError, match="locked"):
        second.intend(HSA, [INTENDED])


# --- versions -------------------------------------------------------------------------------------

# The version of today's collection.
KNOWN = len(ledger_schema.MIGRATIONS)


def test_the_tables_have_the_columns_that_the_code_knows(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    with ledger.reading() as connection:
        inspector = sa.inspect(connection)
        found = {
            table: tuple(column["name"] for column in inspector.get_columns(table))
            for table in inspector.get_table_names()
        }
    assert found == {**ledger_schema.COLUMNS, "schema_version": ("version",)}
    assert all(getattr(ledger, name).name == name for name in ledger_schema.COLUMNS)


def with_migration(monkeypatch: pytest.MonkeyPatch, migration: ledger_schema.Migration) -> None:
    """From here on the code is of the next version."""
    migrations = (*ledger_schema.MIGRATIONS, migration)
    monkeypatch.setattr(ledger_schema, "MIGRATIONS", migrations)


NOTE = ("ALTER TABLE holds ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",)


def notes(ledger: Ledger) -> list[str]:
    with ledger.reading() as connection:
        return list(connection.execute(sa.text("SELECT note FROM holds")).scalars())


def version(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(sa.text("SELECT version FROM schema_version")).scalar_one())


def test_a_ledger_of_an_earlier_version_is_migrated_and_keeps_its_content(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers.open().place(HOLD)
    with_migration(monkeypatch, NOTE)
    later = ledgers.open("run-2")
    assert (notes(later), version(later)) == (["none"], KNOWN + 1)
    assert later.decisions().holds == (HOLD,)
    assert version(ledgers.open("run-3")) == KNOWN + 1
    assert verify(later) == []


def test_a_migration_may_be_a_function(ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch) -> None:
    ledgers.open().place(HOLD)

    def rename(connection: sa.Connection) -> None:
        connection.exec_driver_sql("UPDATE runs SET by = 'other'")

    with_migration(monkeypatch, rename)
    later = ledgers.open("run-2")
    with later.reading() as connection:
        assert connection.execute(later.runs.select()).one().by == "other"


def test_a_migration_that_fails_leaves_everything_as_it_was(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers.open().place(HOLD)
    with monkeypatch.context() as patch:
        with_migration(patch, (*NOTE, "UPDATE nothing SET x = 1"))
        with pytest.raises(LedgerError, match="nothing"):
            ledgers.open("run-2")
    assert version(ledgers.open("run-3")) == KNOWN
    with_migration(monkeypatch, NOTE)
    assert notes(ledgers.open("run-4")) == ["none"]


@pytest.mark.parametrize("check", [False, True])
def test_a_ledger_of_a_later_version_is_refused(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    with monkeypatch.context() as patch:
        with_migration(patch, NOTE)
        ledgers.open().close()
    before = open_files()
    words = f"version {KNOWN + 1}, this collection knows {KNOWN}"
    # What is caught holds the frames of what failed, so nothing of it is collected yet.
    with pytest.raises(LedgerError, match=words) as _error:
        ledgers.open("run-2", check=check)
    assert open_files() == before


# --- check mode -----------------------------------------------------------------------------------


def test_check_mode_makes_no_file(sqlite_ledgers: Ledgers) -> None:
    ledger = sqlite_ledgers.open(check=True)
    assert ledger.decisions().holds == ()
    assert ledger.unfinished(HSA) == []
    assert verify(ledger) == []
    assert not sqlite_ledgers.directory.exists()


def test_check_mode_reads_and_changes_no_byte(sqlite_ledgers: Ledgers) -> None:
    with sqlite_ledgers.open() as ledger:
        ledger.place(HOLD)
    before = snapshot(sqlite_ledgers.directory)
    with sqlite_ledgers.open(check=True) as ledger:
        assert ledger.decisions().holds == (HOLD,)
        assert ledger.lift("h1")
        assert verify(ledger) == []
    assert snapshot(sqlite_ledgers.directory) == before


def test_check_mode_migrates_a_copy(
    sqlite_ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite_ledgers.open() as ledger:
        ledger.place(HOLD)
    before = snapshot(sqlite_ledgers.directory)
    with_migration(monkeypatch, NOTE)
    with sqlite_ledgers.open(check=True) as ledger:
        assert notes(ledger) == ["none"]
        assert ledger.decisions().holds == (HOLD,)
    assert snapshot(sqlite_ledgers.directory) == before


def test_check_mode_makes_no_tables(postgresql_ledgers: Ledgers) -> None:
    ledger = postgresql_ledgers.open(check=True)
    assert ledger.decisions().holds == ()
    assert verify(ledger) == []
    assert tables(postgresql_ledgers) == set()


def test_check_mode_never_commits_a_migration(
    postgresql_ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql_ledgers.open().place(HOLD)
    with monkeypatch.context() as patch:
        with_migration(patch, NOTE)
        with postgresql_ledgers.open(check=True) as ledger:
            assert (notes(ledger), version(ledger)) == (["none"], KNOWN + 1)
    assert version(postgresql_ledgers.open()) == KNOWN


def tables(ledgers: Ledgers) -> set[str]:
    with psycopg.connect(ledgers.url or "") as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in names}


def test_check_mode_says_what_would_change_and_changes_nothing(ledgers: Ledgers) -> None:
    ledgers.open().place(HOLD)
    ledger = ledgers.open(check=True)
    assert not ledger.place(HOLD)
    assert ledger.place(Hold(**{**fields(HOLD), "id": "h2"}))
    assert ledger.lift("h1")
    assert ledgers.open().decisions().holds == (HOLD,)


def fields(hold: Hold) -> dict[str, object]:
    return {name: getattr(hold, name) for name in Hold.__slots__}


def test_check_mode_refuses_to_write(ledgers: Ledgers) -> None:
    ledgers.open()
    ledger = ledgers.open(check=True)
    with pytest.raises(LedgerError, match="check mode"), ledger.transaction():
        pytest.fail("check mode could write")
    with pytest.raises(LedgerError, match="check mode"):
        ledger.intend(HSA, [INTENDED])
    with pytest.raises(LedgerError), ledger.reading() as connection:
        insert(connection, ledger.settings, [("name", "value")])


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["postgresql://halsoval:se/cr@et@db.example/ledger", "postgresql://halsoval:x@secret/y@db/z",
     "postgresql://halsoval:secret?@x@db/z", "postgresql://halsoval:secret@db:secret/x",
     "postgresql://halsoval:secret@db.example", "mysql://halsoval:secret@db.example/ledger",
     "secret", "postgresql+asyncpg://halsoval:secret@db/x", "sqlite:///secret"],
)  # fmt: skip
def test_a_wrong_url_is_explained_without_a_word_of_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="expected the ledger's URL") as error:
        Ledger(url, tmp_path, RUN)
    shown = "".join(traceback.format_exception_only(error.value))
    assert not any(part in shown for part in ("secret", "cr@et", "et@", "db.example"))
    assert error.value.__context__ is None


def test_a_wrong_password_is_told_without_it(postgresql: Server, tmp_path: Path) -> None:
    url = postgresql.url("postgres", "a-wrong-Pa55word")
    with pytest.raises(LedgerError, match="authentication failed") as error:
        Ledger(url, tmp_path, RUN)
    assert "Pa55word" not in "".join(traceback.format_exception_only(error.value))
    assert error.value.__suppress_context__


def test_a_server_that_is_away_is_told_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://halsoval:a-Pa55word@127.0.0.1:1/ledger?password=an0ther&connect_timeout=1"
    with pytest.raises(LedgerError, match=r"127.0.0.1:1/ledger: .*refused") as error:
        Ledger(url, tmp_path, RUN)
    assert "a-Pa55word" not in str(error.value)
    assert "an0ther" not in str(error.value)


def test_a_ledgers_name_says_where_it_is_and_no_password(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    if ledgers.url:
        assert ledger.name == f"postgresql://{ledgers.url.partition('@')[2]}"
    else:
        assert ledger.name == str(ledgers.file)


def test_an_error_quotes_no_values(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    row = ("p1", "order", '{"surname": "Fjällström"}', "")
    with pytest.raises(LedgerError) as error, ledger.transaction() as connection:
        connection.execute(
            ledger.particulars.insert(),
            [dict(zip(ledger_schema.COLUMNS["particulars"], row, strict=True))] * 2,
        )
    assert "unique" in str(error.value).casefold()
    assert "Fjällström" not in str(error.value)
    assert "p1" not in str(error.value)
    assert error.value.__suppress_context__


def test_an_error_quotes_no_text_that_cannot_be_read(sqlite_ledgers: Ledgers) -> None:
    ledger = sqlite_ledgers.open()
    ledger.place(HOLD)
    with ledger.transaction() as connection:
        statement = sa.text("UPDATE holds SET object = CAST(:value AS TEXT)")
        connection.execute(statement, {"value": b"Fj\xffllstr"})
    with pytest.raises(LedgerError, match="Could not decode to UTF-8") as error:
        ledger.decisions()
    assert "llstr" not in str(error.value)


@pytest.mark.parametrize("url", [None, "postgresql://db.example/ledger"])
def test_without_sqlalchemy_the_error_names_it(
    url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "HAS_SQLALCHEMY", False)
    with pytest.raises(LedgerError, match="SQLAlchemy is missing"):
        Ledger(url, tmp_path, RUN)


def test_without_psycopg_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match="psycopg is missing"):
        Ledger("postgresql://db.example/ledger", tmp_path, RUN)


def test_a_url_may_name_the_driver_too(postgresql: Server, tmp_path: Path) -> None:
    url = postgresql.new_database().replace("postgresql://", "postgresql+psycopg://")
    with Ledger(url, tmp_path, RUN) as ledger:
        assert list(ledger.intend(HSA, [INTENDED])) == [1]


# --- one writer -----------------------------------------------------------------------------------


def test_two_runs_do_not_write_to_a_system_at_once(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    first, second = ledgers.open(), ledgers.open("run-2")
    with first.exclusive(HSA):
        with pytest.raises(locks.Locked, match=HSA), second.exclusive(HSA):
            pytest.fail("both have the lock")
        with second.exclusive("ldaps://ad.example"):
            second.intend(HSA, [INTENDED])
    with second.exclusive(HSA):
        pass


def test_the_lock_is_free_after_a_run_that_raised(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    with pytest.raises(KeyError), ledgers.open().exclusive(HSA):
        raise KeyError
    with ledgers.open("run-2").exclusive(HSA):
        pass


def test_a_run_whose_lock_the_server_forgot_writes_nothing_more(
    postgresql_ledgers: Ledgers,
) -> None:
    ledger = postgresql_ledgers.open()
    with ledger.exclusive(HSA):
        with psycopg.connect(postgresql_ledgers.url or "", autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        with pytest.raises(LedgerError, match="terminating connection"):
            ledger.intend(HSA, [INTENDED])
    assert postgresql_ledgers.open("run-2").unfinished(HSA) == []


def test_a_server_that_goes_away_under_the_lock_takes_no_results_with_it(tmp_path: Path) -> None:
    """What was written before must be told."""
    with running() as server:
        ledger = Ledger(server.new_database(), tmp_path, RUN)
        with ledger.exclusive(HSA):
            ledger.intend(HSA, [INTENDED])
            stop(server)
            with pytest.raises(LedgerError):
                ledger.intend(HSA, [INTENDED])
        ledger.close()


def test_the_file_stays_usable_by_the_programs_of_sqlite(sqlite_ledgers: Ledgers) -> None:
    sqlite_ledgers.open().intend(HSA, [INTENDED])
    with sqlite3.connect(sqlite_ledgers.file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)
