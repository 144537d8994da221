# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time: a lock that dies with the process that holds it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# A run whose controller was killed goes on alone; the next one waits for it, in seconds.
LOCK_PATIENCE = 900
# Between two tries, in seconds.
_PAUSE = 0.2


class Locked(Exception):
    """Another run has been writing to the system for too long."""


@contextmanager
def exclusive(directory: Path, name: str) -> Iterator[None]:
    """Be the only writer of a system on this machine.

    The lock is the process's own: it goes when the process dies, however it dies, and lives on in
    a module whose ansible-playbook was killed. Raises Locked after LOCK_PATIENCE seconds.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / (hashlib.sha256(name.encode()).hexdigest()[:16] + ".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        wait(lambda: _acquire(descriptor), name)
        yield
    finally:
        os.close(descriptor)


def wait(acquire: Callable[[], bool], name: str) -> None:
    """Try until `acquire` has the lock. Raises Locked after LOCK_PATIENCE seconds."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while not acquire():
        if time.monotonic() > deadline:
            raise Locked(f"another run has been writing to {name} for {LOCK_PATIENCE} seconds")
        time.sleep(_PAUSE)


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
