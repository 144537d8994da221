# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What connections at the lab's Citrix site say of registered workstations."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.citrix_sightings import look
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import https
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.https import HttpError
from ansible_collections.regionjh.halsoval.tests.citrix import (
    HALSOVAL,
    PASSWORD,
    USER,
    CitrixSite,
    citrix_site,
)
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.records.conftest import VALID

NURSE = "SE2321000214-HV000001"
GROUP = "REGION\\Halsoval-exempel"
TOMORROW = TODAY + dt.timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CitrixSite]:
    """A site on the evening before the run, with a rule that lets a group in from anywhere."""
    monkeypatch.setattr(https, "BACK_OFF", (0.01, 0.02))
    (tmp_path / "site").mkdir()
    with citrix_site(tmp_path / "site") as site:
        site.lab("clock", now=f"{TODAY - dt.timedelta(days=1)}T18:00:00Z")
        people = [
            {"SamName": f"REGION\\{name}", "PrincipalName": f"{name}@ad.region.example",
             "IsGroup": False, "MemberOf": [GROUP]}
            for name in (NURSE, "stranger")
        ]  # fmt: skip
        site.lab("directory", identities=people)
        site.rest().rule(
            Name="anybody", Enabled=True, AllowedUsers="Filtered", AllowedConnection="Filtered",
            IncludedUserFilterEnabled=True, IncludedUsers=[GROUP],
        )  # fmt: skip
        yield site


def connect(site: CitrixSite, client: str, user: str = NURSE, **told: Any) -> str:
    asked = {"client_name": client, "client_address": "192.0.2.9", "delivery_group": HALSOVAL}
    answer = site.lab("connect", user=f"REGION\\{user}", **{**asked, **told})
    assert answer["admitted"], answer
    return str(answer["session"])


def night(
    site: CitrixSite, ledgers: Ledgers, tmp_path: Path, as_of: dt.date = TODAY, check: bool = False
) -> dict[str, Any]:
    records = tmp_path / "records"
    records.write_bytes(head() + json.dumps(VALID).encode() + b"\n")
    params = {
        "records": str(records), "server_uri": site.uri, "user": USER, "password": PASSWORD,
        "ca_path": str(site.ca), "timeout": 5, "delivery_group": HALSOVAL,
    }  # fmt: skip
    ledger = ledgers.open(f"night-{as_of}", check=check, as_of=as_of)
    if not check:
        ledger.keep("ldaps://hsa", {"189111052024": NURSE})
    return look(params, ledger, as_of)


def found(result: dict[str, Any]) -> set[tuple[str, str]]:
    ours = [one for own in result["providers"].values() for one in own["findings"]]
    return {(one["code"], one["object"]) for one in (*ours, *result["findings"])}


def test_connection_from_a_registered_workstation_confirms_it(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    site.lab("end", session=connect(site, "pc-1"))
    result = night(site, sqlite_ledgers, tmp_path)
    assert (found(result), result["confirmed"]) == (set(), 1)


def test_unregistered_client_and_unknown_user_are_told(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    connect(site, "HEMDATOR")
    connect(site, "PC-2", "stranger")
    result = night(site, sqlite_ledgers, tmp_path)
    assert found(result) == {("unregistered_connection", "HEMDATOR"), ("unknown_user", "PC-2")}
    assert "stranger" not in json.dumps(result)


def test_live_session_tells_the_name_that_the_rule_saw(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    connect(site, "PC-1", launch="browser")
    assert found(night(site, sqlite_ledgers, tmp_path)) == set()


def test_next_night_reads_what_came_since_and_remembers_the_rest(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    site.lab("end", session=connect(site, "PC-1"))
    assert night(site, sqlite_ledgers, tmp_path)["connections"] == 1
    site.lab("clock", now=f"{TODAY}T18:00:00Z")
    site.lab("end", session=connect(site, "PC-2"))
    result = night(site, sqlite_ledgers, tmp_path, TOMORROW)
    # The last hour is read anew: a row may be committed after later ones were read.
    assert (result["connections"], result["confirmed"]) == (2, 2)


def test_check_remembers_nothing(site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path) -> None:
    night(site, sqlite_ledgers, tmp_path)
    site.lab("end", session=connect(site, "PC-1"))
    for _time in range(2):
        assert night(site, sqlite_ledgers, tmp_path, TOMORROW, check=True)["connections"] == 1
    assert night(site, sqlite_ledgers, tmp_path, TOMORROW)["connections"] == 1


def test_account_that_sees_no_machine_is_blind_and_believed_in_nothing(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    site.lab("faults", faults=[{"kind": "blind", "path": "Monitor", "times": None}])
    assert ("monitor_blind", "sightings") in found(night(site, sqlite_ledgers, tmp_path))


def test_pages_that_lead_round_are_an_error_and_nothing_is_remembered(
    site: CitrixSite, sqlite_ledgers: Ledgers, tmp_path: Path
) -> None:
    rows = [{"Id": n, "ClientName": f"PC-{n}"} for n in range(1000, 1150)]
    site.lab("rows", Connections=rows)
    site.lab("faults", faults=[{"kind": "repeat", "path": "Connections", "times": None}])
    with pytest.raises(HttpError, match="never end"):
        night(site, sqlite_ledgers, tmp_path)
    site.lab("faults", "DELETE")
    assert night(site, sqlite_ledgers, tmp_path)["connections"] == 150
