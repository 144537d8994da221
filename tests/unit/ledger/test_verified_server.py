# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is believed to be the ledger's PostgreSQL: real servers, with TLS and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    Run,
)
from ansible_collections.regionjh.halsoval.tests.certificates import Authority, authority
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY
from ansible_collections.regionjh.halsoval.tests.postgresql import Server, running

NAME = "db.region.example"


@dataclass(frozen=True)
class Region:
    """A server with TLS, and the CA that its certificate is of."""

    server: Server
    ca: Authority


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder = tmp_path_factory.mktemp("region")
    ca = authority(folder)
    with running(ca.issue(folder, [NAME])) as server:
        yield Region(server, ca)


@pytest.fixture(autouse=True)
def _no_settings_of_libpq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says is not what the URL says."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGSSLMODE", "disable")


def opened(server: Server, tmp_path: Path, at: str, /, **parameters: str) -> str:
    """How a run's connection is encrypted, "" where it is not; raises LedgerError."""
    with server.database() as plain:
        url = plain.replace("@127.0.0.1:", f"@{at}:")
        asked = "&".join(f"{name}={value}" for name, value in parameters.items())
        run = Run("run-1", "anna@controller", TODAY)
        with (
            Ledger(f"{url}?{asked}", tmp_path / "state", run) as ledger,
            ledger.reading() as connection,
        ):
            query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            return str(connection.exec_driver_sql(query).scalar_one() or "")


def remote(ca: Path, **parameters: str) -> dict[str, str]:
    """A server elsewhere by its name, though the tests' is here."""
    return {"hostaddr": "127.0.0.1", "sslrootcert": str(ca), **parameters}


def test_a_server_of_the_name_and_the_ca_is_believed(region: Region, tmp_path: Path) -> None:
    assert opened(region.server, tmp_path, NAME, **remote(region.ca.pem)).startswith("TLS")


def test_a_server_of_another_name_is_refused(region: Region, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="does not match host name") as error:
        opened(region.server, tmp_path, "other.region.example", **remote(region.ca.pem))
    assert region.server.password not in str(error.value)


def test_a_server_of_another_ca_is_refused(region: Region, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="certificate verify failed"):
        opened(region.server, tmp_path, NAME, **remote(authority(tmp_path, "Another").pem))


def test_where_no_ca_is_known_nobody_is_believed(region: Region, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="root certificate file"):
        opened(region.server, tmp_path, NAME, hostaddr="127.0.0.1")


def test_a_server_without_tls_is_refused(
    postgresql: Server, region: Region, tmp_path: Path
) -> None:
    with pytest.raises(LedgerError, match="does not support SSL"):
        opened(postgresql, tmp_path, NAME, **remote(region.ca.pem))


@pytest.mark.parametrize("hosts", ["localhost,db.region.example", "db.region.example,localhost"])
def test_one_of_several_servers_that_is_elsewhere_is_verified(
    postgresql: Server, region: Region, tmp_path: Path, hosts: str
) -> None:
    with pytest.raises(LedgerError, match=r"does not support SSL|certificate verify failed"):
        opened(
            postgresql, tmp_path, "", host=hosts, port=f"{postgresql.port},{postgresql.port}",
            **remote(region.ca.pem, hostaddr="127.0.0.1,127.0.0.1"),
        )  # fmt: skip


def test_what_the_url_says_goes_before(postgresql: Server, region: Region, tmp_path: Path) -> None:
    assert opened(postgresql, tmp_path, NAME, hostaddr="127.0.0.1", sslmode="disable") == ""
    required = remote(region.ca.pem, sslmode="verify-ca")
    assert opened(region.server, tmp_path, "other.region.example", **required).startswith("TLS")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_the_loopback_needs_no_certificate(
    postgresql: Server, tmp_path: Path, host: str
) -> None:
    assert opened(postgresql, tmp_path, host) == ""


def test_a_socket_needs_no_certificate(postgresql: Server, tmp_path: Path) -> None:
    with postgresql.database() as url:
        database = url.rpartition("/")[2]
        login = f"postgres:{postgresql.password}@:{postgresql.port}"
        path = f"postgresql://{login}/{database}?host={postgresql.directory}"
        Ledger(path, tmp_path / "state", Run("run-1", "anna@controller", TODAY)).close()
