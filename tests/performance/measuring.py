# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements share: processes timed from outside, and a lab with invented providers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

import yaml

from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.performance.many_records import write_variables

BIN = Path(sys.executable).parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))

_LAB_VARIABLES = Path(__file__).parents[2] / "inventories/lab/group_vars/all.yml"


@dataclass(frozen=True)
class Run:
    """A finished process: wall seconds, the largest process's memory in MiB, and its output."""

    seconds: float
    mebibytes: float
    output: str


def run(*command: str | Path, directory: Path, stdin: str = "") -> Run:
    """Run a command to its end; it must succeed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    with TemporaryFile("w+") as output, TemporaryFile("w+") as given:
        given.write(stdin)
        given.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=directory,
            env=environment,
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    assert process.returncode == 0, text[-4000:]
    return Run(seconds, usage.ru_maxrss / 1024, text)


@dataclass(frozen=True)
class Region:
    """Invented providers, and the lab that they are onboarded into."""

    lab: Lab
    directory: Path
    source: Path

    def __post_init__(self) -> None:
        """Let runs find the lab."""
        self.use_port(self.lab.port)

    def use_port(self, port: int) -> None:
        """Let runs reach HSA through a port of localhost."""
        lab = self.lab
        of_inventory = yaml.safe_load(_LAB_VARIABLES.read_text())
        where = {"halsoval_lab_dir": str(lab.dir), "halsoval_lab_hsa_port": port}
        if lab.ad:
            where["halsoval_lab_ad_address"] = lab.ad.address
        if lab.citrix:
            where["halsoval_lab_citrix_port"] = urlsplit(lab.citrix.uri).port
        write_variables(self.directory, of_inventory | where)

    def empty(self, system: str) -> None:
        """Make a system as new. What runs remember goes too."""
        assert self.lab.run("reset", halsoval_lab_systems=[system]).returncode == 0

    def onboard(self, system: str) -> Run:
        """Run the whole playbook for one system."""
        return self.play("onboard", [system])

    def play(
        self, playbook: str, systems: Sequence[str], *options: str, **variables: object
    ) -> Run:
        """Run a playbook of the collection for some systems."""
        given = json.dumps({"halsoval_systems": systems, **variables})
        command = ("-i", self.source, "-e", given, *options, f"regionjh.halsoval.{playbook}")
        return run(BIN / "ansible-playbook", *command, directory=self.directory)

    def ldap(self, program: str, system: str, *options: str | Path) -> Run:
        """Run one of OpenLDAP's programs as the service account of a system."""
        lab = self.lab
        user = lab.ad.service_dn if lab.ad and system == "ad" else lab.service_dn
        login = ("-x", "-D", user, "-y", self.password_file(system))
        trust = ("env", f"LDAPTLS_CACERT={lab.ca}")
        command = (*trust, program, "-H", self.address(system), *login, *options)
        return run(*command, directory=self.directory)

    def loop(self, playbook: str, count: int, **variables: str) -> float:
        """Seconds that an item of a playbook's loop takes, the start of ansible-playbook taken off.

        The playbook loops over `count` numbers from `first` on.
        """

        def seconds(first: int, count: int) -> float:
            given = json.dumps(variables | {"first": first, "count": count})
            command = (Path(__file__).with_name(playbook), "-e", given)
            return run(BIN / "ansible-playbook", *command, directory=self.directory).seconds

        return (seconds(100, count + 1) - seconds(200, 1)) / count

    def address(self, system: str) -> str:
        """Where a system is, for programs that use libldap."""
        lab = self.lab
        # libldap looks for the machine's own name in a certificate of "localhost".
        return lab.ad.uri if lab.ad and system == "ad" else f"ldaps://127.0.0.1:{lab.port}"

    def password_file(self, system: str) -> Path:
        """The file with the password of the service account of a system."""
        return self.lab.dir / f"secrets/{system}_service"


def middle(runs: Sequence[Run]) -> float:
    """The median of wall seconds."""
    return statistics.median(one.seconds for one in runs)


def largest(*runs: Run) -> float:
    """The memory of the largest process, in MiB."""
    return max(one.mebibytes for one in runs)


def show(what: str, value: float, limit: str) -> None:
    """Print a figure beside what it should be."""
    print(f"  {what:<50}{value:>10.2f}   {limit}")
