# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where personal numbers must not turn up: output, syslog, arguments, files and their names.

Records are encrypted here, so that the only place on disk that may hold a number is the directory.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    EVERY,
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    empty,
    held,
    make_site,
    wait_until,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    coordination_number,
    number,
    person,
    record,
)

# Far from the numbers of other tests, which may run on this machine at the same time.
EMPLOYEE, PROTECTED, PREVIOUS, TRADER = (number(3650 * serial + 77) for serial in range(871, 875))
COORDINATION = coordination_number(3650 * 875 + 77)
CANARIES = (EMPLOYEE, PROTECTED, PREVIOUS, TRADER, COORDINATION)
SPELLINGS = sorted({spelling for canary in CANARIES for spelling in spellings(canary)})
PROTECTED_NAME = "Hemligsparv"
# Where programs leave files for others. Home and working directory are the site's own.
SHARED_PLACES = [Path(place) for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log")]
KEEP = {"ANSIBLE_KEEP_REMOTE_FILES": "1"}


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A sole trader's record with all kinds of numbers in it, encrypted."""
    empty(lab)
    site = make_site(tmp_path / "site", lab, examples=False)
    site.put(
        record(
            "alfa",
            [
                person(1, personnummer=EMPLOYEE, previous_numbers=[PREVIOUS]),
                person(2, personnummer=PROTECTED, surname=PROTECTED_NAME, protected=True),
                person(3, personnummer=TRADER),
                {**person(4), "personnummer": None, "samordningsnummer": COORDINATION},
            ],
            organisation_number=TRADER[2:],
        )
    )
    for part in ("agreement", "staff", "equipment"):
        site.encrypt("alfa", part)
    yield site
    empty(lab)


@pytest.fixture
def syslog() -> Iterator[list[str]]:
    """The lines that reach syslog meanwhile."""
    path = Path("/dev/log")
    if path.exists() or not os.access("/dev", os.W_OK):
        pytest.skip("only root on a machine without syslog can stand in for it")
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        try:
            receiver.settimeout(0.2)
            with _meanwhile(lambda: lines.append(receiver.recv(65536).decode())):
                yield lines
        finally:
            path.unlink()


@contextmanager
def _meanwhile(work: object) -> Iterator[None]:
    """Do something again and again while the block runs, in a thread."""


@dataclass
class Watch:
    """Looks at a site's processes while they run: no argument holds a number."""

    site: Site
    arguments: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Note the arguments of all processes now."""
        for arguments in self.site.processes().values():
            self.arguments.update(arguments)


def found_in(text: str) -> list[str]:
    """The spellings of the numbers, and the protected name, that a text holds."""
    return [spelling for spelling in (*SPELLINGS, PROTECTED_NAME) if spelling in text]


def left_behind(site: Site, since: float) -> list[str]:
    """Files that hold a number in content or name: the site's, and what is new on the machine."""
    hits = []
    for place in (site.path, *SHARED_PLACES):
        for path in place.rglob("*"):
            if path.is_relative_to(site.lab.dir):
                continue
            with suppress(OSError):
                new = place == site.path or path.stat().st_mtime >= since
                content = path.read_bytes() if new and path.is_file() else b""
                if found_in(path.name) or found_in(content.decode(errors="replace")):
                    hits.append(str(path))
    return hits
