# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger through PgBouncer: refused where connections share sessions, the same where they do not.

Locks belong to a session. Through a pooler of transactions they would keep nobody out.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import locks
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    Run,
)
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, open_files
from ansible_collections.regionjh.halsoval.tests.pgbouncer import Pooler, pooler
from ansible_collections.regionjh.halsoval.tests.postgresql import Server

HSA = "ldaps://hsa.example"
INTENDED = Intended("alfa", "person SE2321000214-A", "add", "", "", "proof")
WORDS = "connections do not keep their sessions"
# The last one to come back goes first, or the one that waited longest; several may wait already.
POOLS = {
    "by default": {},
    "round robin": {"server_round_robin": "1", "min_pool_size": "4"},
    "many": {"min_pool_size": "10"},
    "one": {"default_pool_size": "1"},
}


def ledger(url: str, directory: Path, run: str = "run-1", check: bool = False) -> Ledger:
    return Ledger(url, directory, Run(run, "anna@controller", TODAY), check)


@pytest.fixture
def url(postgresql: Server) -> Iterator[str]:
    """An empty database, without a pooler."""
    with postgresql.database() as url:
        yield url


@pytest.fixture
def by_session(postgresql: Server) -> Iterator[Pooler]:
    """A pooler that gives each connection a session of its own."""
    with pooler(postgresql, pool_mode="session") as started:
        yield started


# --- transactions --------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("settings", POOLS.values(), ids=POOLS.keys())
def test_pooled_transactions_are_refused_with_what_to_do(
    postgresql: Server, url: str, tmp_path: Path, settings: dict[str, str], check: bool
) -> None:
    with (
        pooler(postgresql, pool_mode="transaction", **settings) as started,
        pytest.raises(LedgerError, match=WORDS) as error,
    ):
        ledger(started.url(url), tmp_path, check=check)
    assert f"postgresql://127.0.0.1:{started.port}/" in str(error.value)
    assert "set pool_mode = session" in str(error.value)
    assert postgresql.password not in str(error.value)


def test_pooled_transactions_are_refused_before_any_table_is_made(
    postgresql: Server, url: str, tmp_path: Path
) -> None:
    with pooler(postgresql, pool_mode="transaction") as started, pytest.raises(LedgerError):
        ledger(started.url(url), tmp_path)
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_refused_pooler_keeps_no_connection_of_the_run(
    postgresql: Server, url: str, tmp_path: Path, check: bool
) -> None:
    with pooler(postgresql, pool_mode="transaction") as started:
        before = open_files()
        # What is caught holds the frames of what failed, so nothing of it is collected yet.
        with pytest.raises(LedgerError, match=WORDS) as _error:
            ledger(started.url(url), tmp_path, check=check)
        assert open_files() == before


def test_pooled_transactions_are_refused_while_others_use_the_pool(
    postgresql: Server, url: str, tmp_path: Path
) -> None:
    with pooler(postgresql, pool_mode="transaction") as started, busy(started.url(url), 4):
        for _try in range(20):
            with pytest.raises(LedgerError, match=WORDS):
                ledger(started.url(url), tmp_path)


@contextmanager
def busy(url: str, clients: int) -> Iterator[None]:
    """Clients that make one short transaction after the other."""
    ends = Event()

    def work() -> None:
        with psycopg.connect(url, prepare_threshold=None) as connection:
            while not ends.is_set():
                connection.execute("SELECT pg_sleep(0.002)")
                connection.commit()

    threads = [Thread(target=work) for _client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def test_pooled_statements_are_refused(postgresql: Server, url: str, tmp_path: Path) -> None:
    reason = "not allowed in statement pooling mode"
    with (
        pooler(postgresql, pool_mode="statement") as started,
        pytest.raises(LedgerError, match=reason),
    ):
        ledger(started.url(url), tmp_path)


# --- sessions ------------------------------------------------------------------------------------


def test_pooled_sessions_keep_one_writer_at_a_time(
    by_session: Pooler, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    pooled = by_session.url(url)
    with ledger(pooled, tmp_path) as first, ledger(pooled, tmp_path, "run-2") as second:
        with first.exclusive(HSA):
            assert list(first.intend(HSA, [INTENDED])) == [1]
            with pytest.raises(locks.Locked, match=HSA), second.exclusive(HSA):
                pytest.fail("both have the lock")
        with second.exclusive(HSA):
            second.conclude({1: "done"})
        assert first.unfinished(HSA) == []


def test_a_killed_writer_leaves_no_lock_in_the_pool(
    by_session: Pooler, url: str, tmp_path: Path
) -> None:
    pooled = by_session.url(url)
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with ledger(pooled, tmp_path) as held, held.exclusive(HSA):
            os.write(tell, b".")
            time.sleep(60)
    try:
        assert os.read(ready, 1) == b"."
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with ledger(pooled, tmp_path, "run-2") as second, second.exclusive(HSA):
        assert list(second.intend(HSA, [INTENDED])) == [1]


def test_a_writer_does_not_wait_for_ever_where_the_pooler_drops_what_it_asked_for(
    by_session: Pooler, url: str, tmp_path: Path
) -> None:
    with ledger(by_session.url(url), tmp_path) as held, held.transaction() as connection:
        (timeout,) = connection.exec_driver_sql("SHOW lock_timeout").one()
    assert timeout == "1min"


def test_a_run_whose_session_goes_to_others_meanwhile_writes_nothing_more(
    by_session: Pooler, url: str, tmp_path: Path
) -> None:
    pooled = by_session.url(url)
    with ledger(pooled, tmp_path) as held, held.exclusive(HSA):
        by_session.change(pool_mode="transaction")
        wait_for(lambda: b"re-reading config" in (by_session.directory / "log").read_bytes())
        held.conclude({1: "done"})  # the sessions that were its own come back
        with psycopg.connect(pooled) as one, psycopg.connect(pooled) as other:
            one.execute("SELECT 1")
            other.execute("SELECT 1")
            with pytest.raises(LedgerError, match=WORDS):
                held.conclude({1: "done"})


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
