# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast `onboard` is for HSA, as ratios against others that write the same into the same server.

Whole processes are timed from outside. Runs of the two sides alternate, and medians are compared,
so that a ratio holds when the machine's speed drifts. Nothing here fails for being slow: the
figures are printed, beside what they should be.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.lab import Lab, free_port, start_lab
from ansible_collections.regionjh.halsoval.tests.performance.many_records import write_source
from ansible_collections.regionjh.halsoval.tests.performance.measuring import (
    ROUNDS,
    Region,
    Run,
    largest,
    middle,
    run,
    show,
)

ROUND_TRIP = 0.010
ITEMS = 30


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that is measured; it waits for the disk, as a real server does."""
    yield from start_lab(tmp_path_factory.mktemp("lab"), ("hsa",))


@pytest.fixture
def region(lab: Lab, tmp_path: Path) -> Callable[[int, int], Region]:
    """Makes a region of so many providers with so many people each."""

    def make(providers: int, people: int) -> Region:
        directory = tmp_path / f"{providers}x{people}"
        directory.mkdir()
        return Region(lab, directory, write_source(directory, providers, people))

    return make


def test_ten_thousand_people_against_ldapadd(region: Callable[[int, int], Region]) -> None:
    many = region(100, 100)
    first, second, added, written = [], [], [], []
    for _round in range(ROUNDS):
        first.append(onboard_anew(many))
        second.append(many.onboard("hsa"))
        ldif = ours_as_ldif(many)
        many.empty("hsa")
        added.append(many.ldap("ldapadd", "hsa", "-f", ldif))
        many.empty("hsa")
        written.append(write_stage(many))
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
    show("largest process, MiB", largest(*first, *second), "under 300")


def test_one_entry_against_a_loop_of_ldap_entry(region: Callable[[int, int], Region]) -> None:
    many = region(100, 100)
    ours = [onboard_anew(many) for _round in range(ROUNDS)]
    entries = ours_as_ldif(many).read_text().count("\n\n") + 1
    per_item = [seconds_per_loop_item(many) for _round in range(ROUNDS)]
    per_entry = middle(ours) / entries
    print(f"\n\nA loop of community.general.ldap_entry, {ITEMS} items")
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
    region.empty("hsa")
    return region.onboard("hsa")


def ours_as_ldif(region: Region) -> Path:
    """Everything that `onboard` wrote, parents first."""
    options = ("-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", region.lab.base)
    text = region.ldap("ldapsearch", "hsa", *options, "(halsovalKey=*)").output
    entries = [entry for entry in text.split("\n\n") if entry.startswith("dn:")]
    path = region.directory / "ours.ldif"
    path.write_text("\n\n".join(entries) + "\n")
    return path


def write_stage(region: Region) -> float:
    """Seconds of the writes alone."""
    lab = region.lab
    options = {
        "server_uri": lab.uri,
        "bind_dn": lab.service_dn,
        "bind_password": lab.service_password,
        "ca_path": str(lab.ca),
        "timeout": 60,
        "base_dn": lab.base,
        "provider_branch": lab.provider_branch,
        "people_branch": lab.people_branch,
    }
    program = Path(__file__).with_name("write_stage.py")
    command = (sys.executable, program, region.directory / "providers")
    return float(run(*command, directory=region.directory, stdin=json.dumps(options)).output)


def seconds_per_loop_item(region: Region) -> float:
    """What one item of the loop takes."""
    region.empty("hsa")
    lab = region.lab
    return region.loop(
        "ldap_entry.yml",
        ITEMS,
        bind_dn=lab.service_dn,
        password_file=str(region.password_file("hsa")),
        ca_path=str(lab.ca),
        server_uri=region.address("hsa"),
        branch=lab.people_branch,
    )


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
