# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time, between real processes."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import locks
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.locks import (
    Locked,
    exclusive,
)

SYSTEM = "ldaps://hsa.example.org"


@contextmanager
def holder(directory: Path, name: str = SYSTEM) -> Iterator[int]:
    """Another process that holds the lock until it is killed; gives its id."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with exclusive(directory, name):
                os.write(tell, b".")
                time.sleep(60)
        finally:
            os._exit(1)
    os.close(tell)
    try:
        assert os.read(ready, 1) == b"."
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)


def test_two_processes_do_not_write_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    with holder(tmp_path), pytest.raises(Locked, match=SYSTEM), exclusive(tmp_path, SYSTEM):
        pytest.fail("both have the lock")


def test_a_killed_process_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    with holder(tmp_path):
        pass
    with exclusive(tmp_path, SYSTEM):
        pass


def test_the_next_one_waits_until_the_first_is_gone(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        gone = os.fork()
        if gone == 0:
            time.sleep(0.5)
            os.kill(child, signal.SIGKILL)
            os._exit(0)
        started = time.monotonic()
        with exclusive(tmp_path, SYSTEM):
            assert time.monotonic() - started >= 0.4
        os.waitpid(gone, 0)


def test_the_lock_is_free_after_a_run_that_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    with pytest.raises(KeyError), exclusive(tmp_path, SYSTEM):
        raise KeyError
    with exclusive(tmp_path, SYSTEM):
        pass


def test_another_system_can_be_written_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0)
    with holder(tmp_path), exclusive(tmp_path, "ldaps://ad.example.org"):
        pass


def test_the_lock_is_for_its_owner_alone_and_follows_no_link(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "locks"
    with exclusive(directory, SYSTEM):
        (lock,) = directory.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
        assert "hsa" not in lock.name
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"), exclusive(directory, SYSTEM):
        pytest.fail("a link was followed")
    assert not (tmp_path / "elsewhere").exists()
