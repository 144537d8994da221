# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions get from the inventory plugin, and how a module gets it from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import payload
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_store import StoreError

from .conftest import Records


@pytest.fixture(autouse=True)
def _empty_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_store, "_store", record_store._Store())


def test_nothing_read() -> None:
    with pytest.raises(StoreError, match="no approved records were read: pass their inventory"):
        record_store.reading()


def test_failed_source() -> None:
    record_store.keep("a/halsoval.yml", "the record directory is empty")

    with pytest.raises(StoreError, match="the record directory is empty"), record_store.payload():
        pass


def test_two_sources(records: Records) -> None:
    record_store.keep("a/halsoval.yml", records.read())
    record_store.keep("b/halsoval.yml", records.read())

    with pytest.raises(StoreError, match="not several: a/halsoval"):
        record_store.reading()


def test_refreshed_source_counts_once(records: Records) -> None:
    record_store.keep("a/halsoval.yml", "the record directory is empty")
    record_store.keep("a/halsoval.yml", records.read())

    assert list(record_store.reading().providers) == ["tallbacken"]


def test_module_reads_what_was_validated(records: Records) -> None:
    records.copy("granbacken")
    records.copy("furubacken", number="752000-0022", computer="FB-PC-1")
    records.change("staff", "people:", "people: [", "furubacken")
    record_store.keep("a/halsoval.yml", records.read())

    with record_store.payload() as path:
        approved = payload.read(path)

    assert [record.id for record in approved.records] == ["granbacken", "tallbacken"]
    assert approved.invalid == {"furubacken"}
    nurse, doctor = approved.records[1].staff.people
    assert (nurse.number, nurse.surname, nurse.protected) == (
        "191212121212",
        "Tolvansson",
        False,
    )
    assert doctor.assignments[0].to is not None
    assert doctor.assignments[0].to.isoformat() == "2026-06-30"


_DUMPED = """
import resource, sys
from ansible_collections.regionjh.halsoval.plugins.module_utils.records import payload
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
try:
    payload.read(sys.argv[1])
except payload.PayloadError:
    pass
print(*resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_module_that_holds_records_leaves_no_core_dump() -> None:
    """The limit comes before the file is opened."""
    command = [sys.executable, "-c", _DUMPED, "/nowhere"]

    seen = subprocess.run(command, capture_output=True, text=True, check=True)

    assert seen.stdout == "0 0\n"


_LOOK = """
import os, sys
print(open(sys.argv[1]).read(11))
for name in os.listdir("/proc/self/fd"):
    try:
        print(os.readlink("/proc/self/fd/" + name))
    except OSError:
        pass
"""


def test_file_is_for_other_processes_and_only_meanwhile(records: Records) -> None:
    record_store.keep("a/halsoval.yml", records.read())

    with record_store.payload() as path:
        # Descriptors stay open, as they do for Ansible's local connection.
        command = [sys.executable, "-c", _LOOK, path]
        seen = subprocess.run(command, capture_output=True, text=True, check=True, close_fds=False)

    assert seen.stdout.startswith('{"invalid":')
    assert "memfd" not in seen.stdout
    assert not Path(path).exists()
