# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab role starts, stops and empties the Citrix site, without root."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.regionjh.halsoval.tests.in_full import only_in_full
from ansible_collections.regionjh.halsoval.tests.lab import free_port, run_lab, start_lab

if TYPE_CHECKING:
    from ansible_collections.regionjh.halsoval.tests.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with the Citrix site alone."""
    yield from start_lab(tmp_path_factory.mktemp("citrix på prov"), ["citrix"])


def changed(run: subprocess.CompletedProcess[str]) -> int:
    """How many tasks changed something."""
    assert run.returncode == 0, run.stdout + run.stderr
    recap = re.search(r"changed=(\d+)", run.stdout)
    assert recap, run.stdout
    return int(recap[1])


def rules(lab: Lab) -> set[str]:
    """The names of the rules of all groups."""
    assert lab.citrix
    rest = lab.citrix.rest()
    groups = rest("GET", "DeliveryGroups").body["Items"]
    paths = [f"DeliveryGroups/{group['Id']}/AdvancedAccessPolicies" for group in groups]
    return {rule["Name"] for path in paths for rule in rest("GET", path).body["Items"]}


def pid(lab: Lab) -> int:
    return int((lab.dir / "citrix/citrix.pid").read_text())


def test_a_second_start_changes_nothing(lab: Lab) -> None:
    assert changed(lab.run("started")) == 0


def test_only_the_owner_reads_what_the_site_keeps(lab: Lab) -> None:
    secret = [*(lab.dir / "secrets").iterdir(), lab.dir / "citrix/data/state.sqlite3"]
    secret.append(lab.dir / "citrix/server.key")
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    assert {path.name for path in secret[:2]} == {"citrix_admin", "citrix_service"}


def test_no_password_is_in_an_argument_or_the_output(lab: Lab) -> None:
    assert lab.citrix
    said = lab.run("started", "-vv").stdout + Path(f"/proc/{pid(lab)}/cmdline").read_text()
    assert lab.citrix.password not in said
    assert lab.citrix.lab_password not in said


def test_stopping_keeps_the_rules_and_starting_brings_them_back(lab: Lab) -> None:
    assert lab.citrix
    lab.citrix.rest().rule(Name="kept")
    before = rules(lab)
    assert changed(lab.run("stopped")) == 1
    assert changed(lab.run("stopped")) == 0
    with pytest.raises(ConnectionRefusedError):
        lab.citrix.rest()
    assert changed(lab.run("started")) == 1
    assert rules(lab) == before > {"kept"}


@only_in_full
def test_a_killed_site_is_started_again(lab: Lab) -> None:
    os.kill(pid(lab), signal.SIGKILL)
    while Path(f"/proc/{pid(lab)}/exe").exists():
        time.sleep(0.05)
    before = pid(lab)
    assert changed(lab.run("started")) == 2  # the old pid is forgotten
    assert pid(lab) != before
    assert rules(lab)


@only_in_full
def test_another_port_stops_the_site_first(lab: Lab) -> None:
    before = pid(lab)
    assert changed(lab.run("started", halsoval_lab_citrix_port=free_port())) == 2
    assert not Path(f"/proc/{before}/exe").exists()
    assert changed(lab.run("started")) == 2
    assert rules(lab)


@only_in_full
def test_a_port_that_another_program_uses_is_refused(lab: Lab, tmp_path: Path) -> None:
    assert lab.citrix
    port = int(lab.citrix.uri.rpartition(":")[2])
    told = run_lab(
        tmp_path / "lab", "started", halsoval_lab_systems=["citrix"], halsoval_lab_citrix_port=port
    )
    assert told.returncode != 0
    assert f"Port {port} of 127.0.0.1 is used by another program" in told.stdout


def test_reset_empties_the_site(lab: Lab) -> None:
    assert lab.citrix
    lab.citrix.rest().rule(Name="gone")
    assert lab.run("reset").returncode == 0
    assert "gone" not in rules(lab)
    assert len(rules(lab)) == 4
