# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast `onboard` is, as ratios against others that write the same into the same server.

Whole processes are timed from outside. Runs of the two sides alternate, and medians are compared,
so that a ratio holds when the machine's speed drifts. Nothing here fails for being slow: the
figures are printed, beside what they should be.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from ansible_collections.regionjh.halsoval.tests.lab import Lab, free_port, start_lab
from ansible_collections.regionjh.halsoval.tests.performance.many_records import (
    write_source,
    write_variables,
)

BIN = Path(sys.executable).parent
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
ROUND_TRIP = 0.010


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

    def empty(self) -> None:
        """Make the directory as new."""
        assert self.lab.run("reset").returncode == 0

    def use_port(self, port: int) -> None:
        """Let runs reach the directory through a port of 127.0.0.1."""
        write_variables(self.directory, self.variables | {"halsoval_hsa_server_uri": _uri(port)})

    @property
    def variables(self) -> dict[str, object]:
        """The variables of the role hsa for the lab."""
        lab = self.lab
        return {
            "halsoval_hsa_server_uri": _uri(lab.port),
            "halsoval_hsa_ca_path": str(lab.ca),
            "halsoval_hsa_bind_dn": lab.service_dn,
            "halsoval_hsa_bind_password": "{{ lookup('ansible.builtin.file', '%s') }}"
            % (lab.dir / "secrets/hsa_service"),
            "halsoval_hsa_base_dn": lab.base,
            "halsoval_hsa_provider_branch": lab.provider_branch,
            "halsoval_hsa_people_branch": lab.people_branch,
            "halsoval_hsa_feigned": True,
        }

    def onboard(self) -> Run:
        """Run the whole playbook."""
        playbook = ("ansible-playbook", "-i", self.source, "regionjh.halsoval.onboard")
        return run(BIN / playbook[0], *playbook[1:], directory=self.directory)

    def ldap(self, program: str, *options: str | Path) -> Run:
        """Run one of OpenLDAP's programs as the service account."""
        login = ("-x", "-D", self.lab.service_dn, "-y", self.lab.dir / "secrets/hsa_service")
        server = ("-H", _address(self.lab.port))
        trust = ("env", f"LDAPTLS_CACERT={self.lab.ca}")
        return run(*trust, program, *server, *login, *options, directory=self.directory)

    def write_stage(self) -> float:
        """Seconds of the writes alone."""
        lab = self.lab
        options = {
            "server_uri": _uri(lab.port),
            "bind_dn": lab.service_dn,
            "bind_password": lab.service_password,
            "ca_path": str(lab.ca),
            "timeout": 60,
            "base_dn": lab.base,
            "provider_branch": lab.provider_branch,
            "people_branch": lab.people_branch,
        }
        program = Path(__file__).with_name("write_stage.py")
        command = (sys.executable, program, self.directory / "providers")
        return float(run(*command, directory=self.directory, stdin=json.dumps(options)).output)

    def ours_as_ldif(self) -> Path:
        """Everything that `onboard` wrote, parents first."""
        options = ("-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", self.lab.base)
        text = self.ldap("ldapsearch", *options, "(halsovalKey=*)").output
        entries = [entry for entry in text.split("\n\n") if entry.startswith("dn:")]
        path = self.directory / "ours.ldif"
        path.write_text("\n\n".join(entries) + "\n")
        return path


def _address(port: int) -> str:
    # libldap looks for the machine's own name in a certificate of "localhost".
    return f"ldaps://127.0.0.1:{port}"


def _uri(port: int) -> str:
    return f"ldaps://localhost:{port}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that is measured; it waits for the disk, as a real server does."""
    yield from start_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def region(lab: Lab, tmp_path: Path) -> Callable[[int, int], Region]:
    """Makes a region of so many providers with so many people each."""

    def make(providers: int, people: int) -> Region:
        directory = tmp_path / f"{providers}x{people}"
        directory.mkdir()
        made = Region(lab, directory, write_source(directory, providers, people))
        made.use_port(lab.port)
        return made

    return make


def test_ten_thousand_people_against_ldapadd(region: Callable[[int, int], Region]) -> None:
    many = region(100, 100)
    first, second, added, written = [], [], [], []
    for _round in range(ROUNDS):
        many.empty()
        first.append(many.onboard())
        second.append(many.onboard())
        ldif = many.ours_as_ldif()
        many.empty()
        added.append(many.ldap("ldapadd", "-f", ldif))
        many.empty()
        written.append(many.write_stage())
    few = region(10, 100)
    small = [onboard_anew(few) for _round in range(ROUNDS)]
    entries = ldif.read_text().count("\n\n") + 1
    print(f"\n\n10,000 people at 100 providers, {entries} entries; medians of {ROUNDS}")
    show("onboard, seconds", middle(first), "")
    show("ldapadd of the same entries, seconds", middle(added), "")
    show("onboard / ldapadd", middle(first) / middle(added), "at most 2")
    show("writes alone / ldapadd", statistics.median(written) / middle(added), "at most 1.3")
    show("second run / first run", middle(second) / middle(first), "at most 0.5")
    show("10,000 people / 1,000 people", middle(first) / middle(small), "at most 10")
    show("largest process, MiB", max(one.mebibytes for one in [*first, *second]), "under 300")


def test_one_entry_against_a_loop_of_ldap_entry(region: Callable[[int, int], Region]) -> None:
    many = region(100, 100)
    ours = [onboard_anew(many) for _round in range(ROUNDS)]
    entries = many.ours_as_ldif().read_text().count("\n\n") + 1
    per_item = [seconds_per_loop_item(many) for _round in range(ROUNDS)]
    per_entry = middle(ours) / entries
    print("\n\nA loop of community.general.ldap_entry, 30 items")
    show("ldap_entry, milliseconds an entry", 1000 * statistics.median(per_item), "")
    show("onboard, milliseconds an entry", 1000 * per_entry, "")
    show("ldap_entry / onboard", statistics.median(per_item) / per_entry, "at least 150")


def test_ten_milliseconds_of_round_trip(region: Callable[[int, int], Region]) -> None:
    few = region(10, 100)
    near, far = [], []
    for _round in range(ROUNDS):
        for delay, runs in ((0.0, near), (ROUND_TRIP, far)):
            with relayed(few.lab.port, delay) as port:
                few.use_port(port)
                runs.append(onboard_anew(few))
    print("\n\n1,000 people at 10 providers through a relay")
    show("10 ms round trip / 0 ms", middle(far) / middle(near), "at most 1.5")


def onboard_anew(region: Region) -> Run:
    """Onboard into an empty directory."""
    region.empty()
    return region.onboard()


def seconds_per_loop_item(region: Region) -> float:
    """What one item of the loop takes, the start of ansible-playbook taken off."""
    region.empty()
    lab = region.lab
    variables = {
        "bind_dn": lab.service_dn,
        "password_file": str(lab.dir / "secrets/hsa_service"),
        "ca_path": str(lab.ca),
        "server_uri": _address(lab.port),
        "branch": lab.people_branch,
    }
    playbook = Path(__file__).with_name("ldap_entry.yml")

    def seconds(first: int, count: int) -> float:
        given = json.dumps(variables | {"first": first, "count": count})
        command = (BIN / "ansible-playbook", playbook, "-e", given)
        return run(*command, directory=region.directory).seconds

    return (seconds(100, 31) - seconds(200, 1)) / 30


@contextmanager
def relayed(target: int, round_trip: float) -> Iterator[int]:
    """A port that leads to the target with so many seconds of round trip."""
    port = free_port()
    program = Path(__file__).with_name("slow_relay.py")
    command = [sys.executable, str(program), str(port), str(target), str(round_trip)]
    relay = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert relay.stdout is not None
        assert relay.stdout.readline() == "ready\n"
        yield port
    finally:
        relay.kill()
        relay.wait()


def middle(runs: Sequence[Run]) -> float:
    """The median of wall seconds."""
    return statistics.median(one.seconds for one in runs)


def show(what: str, value: float, limit: str) -> None:
    """Print a figure beside what it should be."""
    print(f"  {what:<50}{value:>10.2f}   {limit}")
