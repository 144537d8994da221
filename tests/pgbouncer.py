# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PgBouncer of a test's own before a PostgreSQL server of the tests, from Debian's package."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ansible_collections.regionjh.halsoval.tests.postgresql import (
    Server,
    as_postgres,
    free_port,
    install,
)

_PROGRAM = Path("/usr/sbin/pgbouncer")


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer."""

    directory: Path
    server: Server
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def url(self, url: str) -> str:
        """Where one of the server's databases is, through the pooler."""
        return url.replace(f":{self.server.port}/", f":{self.port}/")

    def change(self, **settings: str) -> None:
        """Have it go on with other settings."""
        _configure(self.directory, self.server, self.port, settings)
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def pooler(server: Server, **settings: str) -> Iterator[Pooler]:
    """A PgBouncer before a server, with some settings changed."""
    executable = program()
    # Not below pytest's folders, which are this user's alone.
    directory = Path(tempfile.mkdtemp(prefix="halsoval-pgbouncer-", dir="/tmp"))
    port = free_port()
    try:
        _configure(directory, server, port, settings)
        with open(directory / "log", "wb") as log:
            process = subprocess.Popen(
                as_postgres(executable, directory / "pgbouncer.ini"),
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        started = Pooler(directory, server, port, process)
        try:
            _wait_for(started)
            yield started
        finally:
            # From 1.23 on it waits until its last client has gone; none of a test's stays.
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
    finally:
        shutil.rmtree(directory)


def program() -> Path:
    """The program; the package is installed where it is missing."""
    if not _PROGRAM.exists():
        install("pgbouncer")
    return _PROGRAM


def _configure(directory: Path, server: Server, port: int, changed: dict[str, str]) -> None:
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(directory / "users"),
        # Else it refuses the collection's connections (docs/ledger.md).
        "ignore_startup_parameters": "options",
        **changed,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    databases = f"* = host=127.0.0.1 port={server.port}"
    (directory / "users").write_text(f'"postgres" "{server.password}"\n')
    (directory / "pgbouncer.ini").write_text(
        "\n".join(["[databases]", databases, "[pgbouncer]", *lines, ""])
    )
    if os.geteuid() == 0:
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, "postgres")


def _wait_for(started: Pooler) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            url = started.url(started.server.url("postgres"))
            return psycopg.connect(url, autocommit=True).close()
        except psycopg.OperationalError:
            if started.process.poll() is not None or time.monotonic() > deadline:
                log = (started.directory / "log").read_text()
                raise RuntimeError(f"PgBouncer did not start:\n{log}") from None
            time.sleep(0.05)
