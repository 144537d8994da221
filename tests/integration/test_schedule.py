# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role schedule: what systemd itself says of the units that it installs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.postgresql import install

BIN = Path(sys.executable).parent


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        install("systemd")
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def install_units(directory: Path, **variables: object) -> subprocess.CompletedProcess[str]:
    """Have the role write the units to a directory. It runs as whoever runs the tests."""
    tasks = [{"ansible.builtin.include_role": {"name": "regionjh.halsoval.schedule"}}]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (directory / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    own = {
        "ansible_python_interpreter": sys.executable,
        "halsoval_schedule_units": str(directory),
        "halsoval_schedule_command": "/bin/true",
        "halsoval_schedule_inventory": "/srv/halsoval/halsoval.yml",
        "halsoval_schedule_user": "root",
        "halsoval_schedule_vault_password_file": "/etc/halsoval/vault",
        "halsoval_schedule_writes": ["/srv/halsoval/state", "/srv/halsoval/outbox"],
        **variables,
    }
    command = [BIN / "ansible-playbook", "-i", "localhost,", "-c", "local", directory / "play.yml"]
    return subprocess.run(
        [*command, "-e", json.dumps(own)],
        capture_output=True, text=True, cwd=directory, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("units")
    done = install_units(directory)
    assert done.returncode == 0, done.stdout
    return directory


def test_systemd_has_nothing_to_remark(units: Path) -> None:
    names = ("halsoval-night.service", "halsoval-night.timer")
    checked = analyze("verify", *(units / name for name in names))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_service_may_do_little_beside_its_work(units: Path) -> None:
    unit = units / "halsoval-night.service"
    exposed = analyze("security", "--offline=yes", "--threshold=25", unit)
    assert exposed.returncode == 0, exposed.stdout
    text = unit.read_text(encoding="utf-8")
    assert "ReadWritePaths=/srv/halsoval/state\n" in text
    assert "/etc/halsoval/vault" not in text.split("ExecStart=")[1].split("\n")[0]


def test_a_second_run_of_the_role_changes_nothing(units: Path) -> None:
    assert "changed=0" in install_units(units).stdout


@pytest.mark.parametrize("hour", ["01:00", "02:59", "3:30", "24:00"])
def test_an_hour_that_does_not_come_once_every_night_is_refused(tmp_path: Path, hour: str) -> None:
    done = install_units(tmp_path, halsoval_schedule_at=hour)
    assert done.returncode == 2
    assert "not between 01 and 03" in done.stdout
    assert not list(tmp_path.glob("halsoval-night.*"))
