# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No password is on disk, nor what a hold names, while a module runs and after it was killed.

Modules are stopped where all of them begin: as they open a ledger whose server does not answer.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import running_modules
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "tests/unit/plugin_utils/data/tallbacken"
VARIABLES = ROOT / "inventories/production-example/group_vars"
# What is looked for, by the variable of the environment that a run has it from.
CANARIES = {
    "CANARY_LEDGER": "canary-of-the-ledger",
    "CANARY_HSA": "canary-of-hsa",
    "CANARY_READER": "canary-of-the-reader",
    "CANARY_AD": "canary-of-ad",
    "CANARY_REGISTRY": "canary-of-the-registry",
    "CANARY_CITRIX": "canary-of-citrix",
    "CANARY_OBJECT": number(3650 * 876 + 77),
}
# Each playbook, with its modules in their order. The first that fails ends receipts.
SYSTEMS = [
    "hsa", "workstations", "licences", "siths_orders", "ad_accounts", "citrix_access",
    "service_orders",
]  # fmt: skip
MODULES = {
    "onboard": SYSTEMS,
    "reconcile": ["register_check", *SYSTEMS, "citrix_sightings", "night"],
    "receipts": ["receipts"],
    "audit": ["audit"],
    "hold": ["hold"],
}
PASSWORDS = """
halsoval_ledger_url: "postgresql://x:{{ lookup('env', 'CANARY_LEDGER') }}@127.0.0.1:PORT/x"
halsoval_hsa_bind_password: "{{ lookup('env', 'CANARY_HSA') }}"
halsoval_hsa_reader_password: "{{ lookup('env', 'CANARY_READER') }}"
halsoval_ad_bind_password: "{{ lookup('env', 'CANARY_AD') }}"
halsoval_workstations_bind_password: "{{ lookup('env', 'CANARY_REGISTRY') }}"
halsoval_citrix_password: "{{ lookup('env', 'CANARY_CITRIX') }}"
hold_state: placed
hold_object: "{{ lookup('env', 'CANARY_OBJECT') }}"
hold_reason: H2
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where the ledger should be; nobody answers there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


@pytest.fixture
def site(tmp_path: Path, listener: socket.socket) -> Path:
    """A record, and variables that have the canaries from the environment."""
    site = tmp_path / "site"
    shutil.copytree(RECORD, site / "providers/tallbacken")
    shutil.copytree(VARIABLES, site / "group_vars")
    port = str(listener.getsockname()[1])
    (site / "group_vars/all/passwords.yml").write_text(PASSWORDS.replace("PORT", port))
    (site / "halsoval.yml").write_text("plugin: regionjh.halsoval.providers\napproval: unsigned\n")
    (site / "empty.cfg").touch()
    (site / "home").mkdir()
    return site


@contextmanager
def started(site: Path, playbook: str) -> Iterator[subprocess.Popen[bytes]]:
    """A playbook under way, whose processes are ended with the block."""
    home = site / "home"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    places = {"HOME": str(home), "TMPDIR": str(home), "ANSIBLE_REMOTE_TMP": str(home / "remote")}
    # Without pipelining Ansible would write a module of its own to disk.
    variables = {"ansible_pipelining": False, "halsoval_state_directory": str(home / "state")}
    with open(site / "output", "wb") as output:
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("ansible-playbook"), "-vvv", "-i", "halsoval.yml",
                f"regionjh.halsoval.{playbook}", "-e", json.dumps(variables),
            ],
            cwd=site, stdout=output, stderr=output, start_new_session=True,
            env=inherited | places | CANARIES | {"ANSIBLE_CONFIG": str(site / "empty.cfg")},
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def on_disk(site: Path) -> list[tuple[str, str]]:
    """Each canary in a file: the site's, and those that name it elsewhere."""
    files = [path for place in (site, Path("/dev/shm")) for path in place.rglob("*")]
    hits = []
    for path in filter(Path.is_file, files):
        with suppress(FileNotFoundError):  # one of another test
            content = path.read_bytes()
            hits += [(n, str(path)) for n, canary in CANARIES.items() if canary.encode() in content]
    return hits


def as_kept(module: str) -> str:
    """A module's name as the kernel keeps it."""
    return f"halsoval {module}"[:15]


@pytest.mark.parametrize("playbook", MODULES)
def test_while_a_module_runs_no_password_is_on_disk(
    site: Path, listener: socket.socket, playbook: str
) -> None:
    with started(site, playbook) as process:
        for module in MODULES[playbook]:
            connection, _address = listener.accept()
            running = list(running_modules(site / "home").values())
            assert (running, on_disk(site)) == ([as_kept(module)], [])
            connection.close()
        assert process.wait(60) == 2
    output = (site / "output").read_text()
    assert output.count("the ledger postgresql://127.0.0.1") >= len(MODULES[playbook]), output
    assert on_disk(site) == []


@pytest.mark.parametrize("playbook", MODULES)
def test_no_password_is_in_what_a_kill_leaves(
    site: Path, listener: socket.socket, playbook: str
) -> None:
    with started(site, playbook) as process:
        connection, _address = listener.accept()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        connection.close()
    assert on_disk(site) == []
