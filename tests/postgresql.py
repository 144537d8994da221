# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of the tests' own, from Debian's package; it ends with the tests.

A conftest that wants it says `from ...tests.postgresql import postgresql  # noqa: F401`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

_BINARIES = Path("/usr/lib/postgresql")
_CLUSTERS = Path("/etc/postgresql")
_SERVICES = Path("/etc/init.d")
# Quick start and writes; nothing here outlives the tests.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True)
class Server:
    """A running server. `directory` holds its socket; the user is postgres, on both ways in."""

    directory: Path
    port: int
    password: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)
    numbers: Iterator[int] = field(default_factory=count, repr=False)

    def url(self, database: str, password: str | None = None) -> str:
        """Where a database is, by TCP."""
        return f"postgresql://postgres:{password or self.password}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database that is empty, and removed afterwards."""
        url = self.new_database()
        yield url
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def new_database(self) -> str:
        """The URL of a database that is empty."""
        name = f"ledger{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server that the session's tests share."""
    with running() as server:
        yield server


@contextmanager
def running(certificate: Path | None = None, **changed: str) -> Iterator[Server]:
    """A server of one's own, with some settings changed; with TLS by a certificate and its key."""
    # Not below pytest's folders, which are this user's alone.
    directory = Path(tempfile.mkdtemp(prefix="halsoval-postgresql-", dir="/tmp"))
    try:
        if certificate:
            path = str(shutil.copy(certificate, directory / "server.pem"))
            os.chmod(path, 0o600)
            if os.geteuid() == 0:
                shutil.chown(path, "postgres")
            changed |= {"ssl": "on", "ssl_cert_file": path, "ssl_key_file": path}
        server = start(directory, **changed)
        try:
            yield server
        finally:
            stop(server)
    finally:
        shutil.rmtree(directory)


def start(directory: Path, **changed: str) -> Server:
    """Start a new server below an empty directory of ours, with some settings changed."""
    programs = binaries()
    password = secrets.token_hex(16)
    (directory / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (directory, directory / "password"):
            shutil.chown(path, "postgres")
    data = directory / "data"
    initdb = [
        programs / "initdb", "--no-sync", "--auth=scram-sha-256", "--username=postgres",
        "--encoding=UTF8", "--locale=C", f"--pwfile={directory / 'password'}", data,
    ]  # fmt: skip
    subprocess.run(as_postgres(*initdb), check=True, capture_output=True, cwd="/")
    port = free_port()
    where = {"port": str(port), "unix_socket_directories": str(directory)}
    settings = {**_SETTINGS, **changed, **where}
    options = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            as_postgres(programs / "postgres", "-D", data, *options),
            cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    server = Server(directory, port, password, process)
    _wait_for(server)
    return server


def stop(server: Server) -> None:
    """Stop a server, also with connections open."""
    server.process.send_signal(signal.SIGINT)
    server.process.wait(30)


def _wait_for(server: Server) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.directory / "log").read_text()
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from None
            time.sleep(0.05)


def as_postgres(*command: str | Path) -> list[str]:
    """A server that refuses to run as root. It stops when the tests' process dies."""
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] * (os.geteuid() == 0)
    return ["setpriv", *user, "--pdeathsig=INT", *map(str, command)]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binaries() -> Path:
    """Where the server's programs are; the package is installed where it is missing."""
    if not _installed():
        _install()
    return max(_installed(), key=lambda path: int(path.parent.name))


def _installed() -> list[Path]:
    return [path.parent for path in _BINARIES.glob("*/bin/postgres")]


def _install() -> None:
    """Install the package; the cluster that it makes is removed."""
    before = set(_CLUSTERS.glob("*/*"))
    try:
        install("postgresql")
    finally:
        for cluster in set(_CLUSTERS.glob("*/*")) - before:
            drop = ["pg_dropcluster", "--stop", cluster.parent.name, cluster.name]
            subprocess.run([*_sudo(), *drop], check=True)


def install(package: str) -> None:
    """Install a Debian package without starting what it brings; a new service is switched off."""
    service = _SERVICES / package
    is_new = not service.exists()
    arguments = f"name={package} install_recommends=false update_cache=true policy_rc_d=101"
    ansible = Path(sys.executable).with_name("ansible")
    become = ["--become"] * (os.geteuid() != 0)
    try:
        subprocess.run(
            [ansible, "localhost", *become, "-m", "ansible.builtin.apt", "-a", arguments],
            check=True,
        )
    finally:
        if is_new and service.exists():
            subprocess.run([*_sudo(), "/usr/sbin/update-rc.d", package, "disable"], check=True)


def _sudo() -> list[str]:
    return ["sudo", "--non-interactive"] * (os.geteuid() != 0)
