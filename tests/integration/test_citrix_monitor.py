# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads of Monitor on the lab's Citrix site: complete, or an error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import https
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_monitor import (
    CitrixMonitor,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_rest import Settings
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.https import HttpError
from ansible_collections.regionjh.halsoval.tests.citrix import (
    PASSWORD,
    USER,
    CitrixSite,
    citrix_site,
)

ROWS = 250
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def a_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CitrixSite]:
    with citrix_site(tmp_path_factory.mktemp("monitor")) as site:
        rows = [{"Id": n, "ClientName": f"PC-{n}"} for n in range(1, ROWS + 1)]
        site.lab("rows", Connections=rows)
        old = {"ModifiedDate": "2020-01-01T00:00:00Z", "ClientName": "OLD"}
        site.lab("rows", Connections=[{"Id": ROWS + 1, **old}])
        yield site


@pytest.fixture
def site(a_site: CitrixSite, monkeypatch: pytest.MonkeyPatch) -> Iterator[CitrixSite]:
    monkeypatch.setattr(https, "BACK_OFF", (0.01, 0.02))
    yield a_site
    a_site.lab("faults", "DELETE")


def monitor(site: CitrixSite, **settings: Any) -> CitrixMonitor:
    plain = Settings(site.uri, USER, PASSWORD, str(site.ca), timeout=3)
    return CitrixMonitor(replace(plain, **settings))


def names(site: CitrixSite, since: dt.datetime = LONG_AGO) -> list[str]:
    return [row["ClientName"] for row in monitor(site).connections(since)]


def test_every_page_is_read(site: CitrixSite) -> None:
    assert len(set(names(site))) == ROWS + 1


def test_what_was_not_modified_since_is_not_read(site: CitrixSite) -> None:
    since = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    assert "OLD" not in names(site, since)
    assert len(names(site, since)) == ROWS


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "code": 429, "retry_after": 1},
        {"kind": "status", "code": 500},
        {"kind": "cut", "after": 1},
        {"kind": "slow", "seconds": 5, "after": 1},
    ],
    ids=lambda fault: f"{fault['kind']}{fault.get('code', '')}",
)
def test_a_passing_fault_is_got_over(site: CitrixSite, fault: dict[str, Any]) -> None:
    site.lab("faults", faults=[{"path": "Connections", **fault}])
    assert len(set(names(site))) == ROWS + 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "repeat", "times": None}, "never end"),
        ({"kind": "status", "code": 500, "times": None}, "HTTP 500"),
        ({"kind": "status", "code": 403, "times": None}, "HTTP 403"),
        ({"kind": "cut", "times": None}, "cut off"),
    ],
    ids=["repeat", "500", "403", "cut"],
)
def test_half_of_the_rows_is_an_error(site: CitrixSite, fault: dict[str, Any], words: str) -> None:
    site.lab("faults", faults=[{"path": "Connections", **fault}])
    with pytest.raises(HttpError, match=words):
        names(site)


def test_a_wrong_password_is_told(site: CitrixSite) -> None:
    reader = monitor(site, password="wrong")
    with pytest.raises(HttpError, match=r"refuses REGION\\svc-halsoval at Monitor"):
        list(reader.machines())
