# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a night is over a national fleet, against a bare reader of the same entries and pages.

BENCH_PROVIDERS=130 makes a tenth of it. Nothing here fails for being slow: the figures are printed,
beside what they should be.
"""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from ansible_collections.regionjh.halsoval.tests.citrix import HALSOVAL, CitrixSite
from ansible_collections.regionjh.halsoval.tests.lab import Lab, start_lab
from ansible_collections.regionjh.halsoval.tests.performance.bare_reader import MONITOR
from ansible_collections.regionjh.halsoval.tests.performance.many_records import (
    equipment,
    workstation_name,
    write_source,
)
from ansible_collections.regionjh.halsoval.tests.performance.measuring import (
    ROUNDS,
    Region,
    Run,
    largest,
    middle,
    run,
    show,
)

PROVIDERS = int(os.environ.get("BENCH_PROVIDERS", "1300"))
# Of each provider: 61,100 people, 50,700 workstations and 200,200 connections in all.
PEOPLE, WORKSTATIONS, CONNECTIONS = 47, 39, 154
SYSTEMS = ("hsa", "workstations", "citrix")
POOLS = {"windows": 100_000, "rds": 100_000}
ROWS_A_CALL = 20_000
HERE = Path(__file__).parent


@dataclass
class Measured:
    """The runs of each round."""

    night: list[Run] = field(default_factory=list)
    bare: list[Run] = field(default_factory=list)
    records: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The night over the bare reader, the reading of record files taken off."""
        return (middle(self.night) - statistics.median(self.records)) / middle(self.bare)


def test_a_quiet_night_against_a_bare_reader(tmp_path: Path) -> None:
    with fleet(tmp_path / "few", PROVIDERS // 10) as region:
        few = measured(region)
        assert seen(region) == PROVIDERS // 10 * WORKSTATIONS
    with fleet(tmp_path / "many", PROVIDERS) as region:
        many = measured(region)
        assert seen(region) == PROVIDERS * WORKSTATIONS
        added, again = one_more(region)
    print(f"\n\n{PROVIDERS:,} providers; medians of {ROUNDS}; {many.bare[0].output.strip()}")
    show("the night, seconds", middle(many.night), "")
    show("of which reading record files, seconds", statistics.median(many.records), "")
    show("bare reader, seconds", middle(many.bare), "")
    show("the night without record files / bare reader", many.ratio, "at most 3")
    show("the same of a tenth", few.ratio, "")
    show("the night / that of a tenth", middle(many.night) / middle(few.night), "at most 10")
    show("largest process, MiB", largest(*many.night), "at most 600")
    show("onboard of one provider with a workstation more, seconds", added.seconds, "")
    show("the same run with nothing to do, seconds", again.seconds, "")
    more = (added.seconds - again.seconds) / middle(many.night)
    show("what the workstation adds / the night", more, "at most 0.05")


def measured(region: Region) -> Measured:
    """A quiet night and the bare reader in turns; a first night finds the connections new."""
    quiet(region)
    found, lab = Measured(), region.lab
    assert lab.citrix
    port = str(urlsplit(lab.citrix.uri).port)
    for _round in range(ROUNDS):
        found.night.append(quiet(region))
        bare = (sys.executable, HERE / "bare_reader.py", lab.dir, str(lab.port), port)
        found.bare.append(run(*bare, directory=region.directory))
        stage = (sys.executable, HERE / "records_stage.py", region.directory / "providers")
        found.records.append(float(run(*stage, directory=region.directory).output))
    return found


def quiet(region: Region) -> Run:
    """A night in which all is as the records say: it changes nothing."""
    night = region.play("reconcile", SYSTEMS, halsoval_licence_pools=POOLS)
    assert "hsa: kontrollerat, 0" in night.output.lower(), night.output[-4000:]
    return night


def seen(region: Region) -> int:
    """How many workstations the ledger has seen in use."""
    with closing(sqlite3.connect(region.lab.dir / "state/ledger.sqlite3")) as ledger:
        return int(ledger.execute("SELECT count(*) FROM sightings").fetchone()[0])


def one_more(region: Region) -> tuple[Run, Run]:
    """Onboard one provider with one more workstation, and once more with nothing to do."""
    path = region.directory / "providers/vardgivare-0000/equipment.yml"
    path.write_text(equipment(0, WORKSTATIONS + 1))
    systems, limit = ("workstations", "citrix"), ("--limit", "vardgivare-0000")
    runs = [
        region.play("onboard", systems, *limit, halsoval_licence_pools=POOLS) for _run in range(2)
    ]
    return runs[0], runs[1]


@contextmanager
def fleet(directory: Path, providers: int) -> Iterator[Region]:
    """A lab that holds what the records of so many providers ask for, and a day's connections."""
    (directory / "lab").mkdir(parents=True)
    source = write_source(directory, providers, PEOPLE, ["vardadministrativt_system"], WORKSTATIONS)
    started = contextmanager(start_lab)
    with started(directory / "lab", ("hsa", "citrix"), halsoval_lab_hsa_nosync=True) as lab:
        region = Region(lab, directory, source)
        region.play("onboard", SYSTEMS, halsoval_licence_pools=POOLS)
        connect(lab, providers)
        yield region


def connect(lab: Lab, providers: int) -> None:
    """Give Monitor a day of connections, from registered workstations by people of ours."""
    assert lab.citrix
    ids, machine = hsa_ids(lab), a_machine(lab.citrix)
    users = [{"Id": number, "Upn": f"{i}@ad.region.example"} for number, i in enumerate(ids)]
    total = providers * CONNECTIONS
    numbers = range(total)
    sessions = [
        {"SessionKey": str(uuid.UUID(int=n)), "UserId": n % len(ids), "MachineId": machine}
        for n in numbers
    ]
    connections = [_connection(n, providers) for n in numbers]
    for entity, rows in (("Users", users), ("Sessions", sessions), ("Connections", connections)):
        for first in range(0, len(rows), ROWS_A_CALL):
            lab.citrix.lab("rows", **{entity: rows[first : first + ROWS_A_CALL]})


def _connection(number: int, providers: int) -> dict[str, object]:
    provider, index = number % providers, number // providers % WORKSTATIONS
    moment = f"2026-03-01T{number % 24:02d}:{number % 60:02d}:00.000Z"
    return {
        "Id": number,
        "SessionKey": str(uuid.UUID(int=number)),
        "ClientName": workstation_name(provider, index),
        "ClientAddress": f"10.{provider >> 8}.{provider & 255}.{index + 1}",
        "BrokeringDate": moment,
        "ModifiedDate": moment,
    }


def a_machine(site: CitrixSite) -> str:
    """The id of a session host of the delivery group."""
    group = site.rest()("GET", f"DeliveryGroups/{quote(HALSOVAL)}").body["Id"]
    with closing(site.monitor()) as connection:
        connection.request(
            "GET", f"{MONITOR}/Machines?$filter={quote(f'DesktopGroupId eq {group}')}"
        )
        return str(json.load(connection.getresponse())["value"][0]["Id"])


def hsa_ids(lab: Lab) -> list[str]:
    """The HSA-ids of everybody whom we have entered."""
    with lab.service() as connection:
        found = connection.extend.standard.paged_search(
            lab.people_branch, "(halsovalKey=*)", attributes=["hsaIdentity"], paged_size=1000
        )
        return [str(entry["attributes"]["hsaIdentity"][0]) for entry in found]
