# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of the onboard playbook and of its module, and what the directory holds after them."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ldap3
import yaml
from ansible.module_utils import basic
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.matching import split_dn
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, verify
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Run as LedgerRun,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import approved_records, validation
from ansible_collections.regionjh.halsoval.tests.lab import Lab

INVENTORY = Path(__file__).parents[2] / "inventories/lab"
AS_OF = "2026-03-02"
# Records that count as they lie: most tests are not about approval.
UNSIGNED = f"plugin: regionjh.halsoval.providers\napproval: unsigned\nas_of: {AS_OF}\n"
MODULE = "ansible_collections.regionjh.halsoval.plugins.modules.hsa"

Attributes = Mapping[str, tuple[str, ...]]


# --- the directory -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """All that the region's tree holds at a moment: values in order, by attribute and DN."""

    entries: Mapping[str, Attributes]

    def keyed(self, key: str) -> Attributes:
        """The one entry that carries a key of ours."""
        (entry,) = (e for e in self.entries.values() if key in e.get("halsovalKey", ()))
        return entry

    def person(self, number: str) -> Attributes | None:
        """The entry of a person; None without one, an error with more."""
        found = [e for e in self.entries.values() if e.get("personalIdentityNumber") == (number,)]
        assert len(found) <= 1
        return found[0] if found else None

    def of(self, provider: str) -> dict[str, Attributes]:
        """The entries that are a provider's by their key; a shared person's are both's."""
        return {
            dn: entry
            for dn, entry in self.entries.items()
            if any(key.split("/")[1] == provider for key in entry.get("halsovalKey", ()))
        }

    def ours(self) -> dict[str, Attributes]:
        """The entries that carry a key."""
        return {dn: entry for dn, entry in self.entries.items() if "halsovalKey" in entry}

    def members(self, provider: str, unit: str = "") -> set[str]:
        """The HSA-ids that commissions of a provider, or of one of its units, have as members."""
        commissions = f"commission/{provider}/{unit}/" if unit else f"commission/{provider}/"
        return {
            member
            for entry in self.entries.values()
            if any(key.startswith(commissions) for key in entry.get("halsovalKey", ()))
            for member in entry.get("hsaCommissionMember", ())
        }

    def differing(self, other: Held) -> set[str]:
        """The DNs whose entries are not the same in another moment."""
        dns = self.entries.keys() | other.entries.keys()
        return {dn for dn in dns if self.entries.get(dn) != other.entries.get(dn)}


def held(lab: Lab) -> Held:
    """Read the whole tree, as the account that no access rule or limit holds back."""
    with lab.admin() as admin:
        admin.search(lab.base, "(objectClass=*)", attributes=[ldap3.ALL_ATTRIBUTES])
        return Held(
            {
                entry["dn"]: {
                    name: tuple(sorted(value.decode() for value in values))
                    for name, values in entry["raw_attributes"].items()
                    if name != "userPassword"
                }
                for entry in admin.response
            }
        )


def empty(lab: Lab) -> None:
    """Remove everything below the branches that are ours."""
    with lab.admin() as admin:
        for branch in (lab.provider_branch, lab.people_branch, lab.workstation_branch):
            admin.search(branch, "(objectClass=*)", attributes=[ldap3.NO_ATTRIBUTES])
            dns = [entry["dn"] for entry in admin.response if entry["dn"] != branch]
            for dn in sorted(dns, key=_depth, reverse=True):
                admin.delete(dn)


def restore(lab: Lab, content: Held) -> None:
    """Bring the two branches to what they held at another moment."""
    before, wanted = held(lab).ours(), content.ours()
    with lab.admin() as admin:
        for dn in sorted(before.keys() - wanted.keys(), key=_depth, reverse=True):
            admin.delete(dn)
        for dn in sorted(wanted, key=_depth):
            values = {
                name: list(wanted[dn].get(name, ()))
                for name in {**before.get(dn, {}), **wanted[dn]}
            }
            if dn not in before:
                admin.add(dn, attributes=values)
            elif before[dn] != wanted[dn]:
                admin.modify(dn, {n: [(ldap3.MODIFY_REPLACE, v)] for n, v in values.items()})


def acquaint(state: Path, content: Held) -> None:
    """Have a new ledger know whom another one entered, as it does when a person vouches for it."""
    people = {
        f"person {entry['hsaIdentity'][0]}"
        for entry in content.ours().values()
        if "personalIdentityNumber" in entry
    }
    run = LedgerRun("acquainted", "test@controller", dt.date.fromisoformat(AS_OF))
    with Ledger(None, state, run) as ledger:
        for system in ("HSA", "AD", "services", "siths"):
            ledger.vouch(system, people, marked=len(people))


def _depth(dn: str) -> int:
    return len(split_dn(dn))


# --- the playbook --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What a run came to: exit status, output, and the play recap by host."""

    rc: int
    output: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The counts of the play recap by host."""
        lines = self.output.partition("PLAY RECAP")[2].splitlines()[1:]
        return {
            host.strip(): {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", counts)}
            for host, colon, counts in (line.partition(" : ") for line in lines)
            if colon
        }

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """What each system came to by host, of a run with -v."""
        own = self.output.partition("TASK [Report the provider's own result]")[2]
        lines = re.findall(r"^\w+: \[(.+?)\](?:: FAILED!)? => (\{.*\})$", own, re.MULTILINE)
        return {host: result for host, text in lines if (result := json.loads(text).get("systems"))}

    def hosts(self, count: str) -> set[str]:
        """The hosts with something under this name in the recap: changed, failed."""
        return {host for host, counts in self.recap.items() if counts[count]}


@dataclass(frozen=True)
class Site:
    """A directory with records, an inventory source and a home of its own; works on a lab."""

    path: Path
    lab: Lab

    @property
    def home(self) -> Path:
        """Where Ansible keeps its files meanwhile."""
        return self.path / "home"

    @property
    def state(self) -> Path:
        """Where runs keep their locks and the ledger."""
        return self.home / "state"

    @property
    def outbox(self) -> Path:
        """Where orders leave."""
        return self.path / "outbox"

    @property
    def inbox(self) -> Path:
        """Where answers arrive."""
        return self.path / "inbox"

    def audit_log(self) -> list[dict[str, Any]]:
        """The rows of the audit log; every intent has an outcome."""
        return audit_log(self.state)

    @property
    def providers(self) -> Path:
        """The record directory."""
        return self.path / "inventory/providers"

    def onboard(self, *options: str, **variables: object) -> Run:
        """Run the playbook onboard to its end."""
        return self.play("onboard", *options, **variables)

    def play(self, playbook: str, *options: str, **variables: object) -> Run:
        """Run a playbook to its end."""
        process = self.start(*options, playbook=playbook, **variables)
        try:
            output, _errors = process.communicate(timeout=300)
        finally:
            process.kill()
        return Run(process.returncode, output)

    def reconcile(self, *options: str, **variables: object) -> tuple[Run, dict[str, Any]]:
        """Run a night to its end; returns the run, and the report that it or one before left."""
        nights = self.path / "nights"
        files = {
            "halsoval_night_directory": str(nights),
            "halsoval_metrics_path": str(self.path / "halsoval.prom"),
        }
        run = self.play("reconcile", *options, **files, **variables)
        reports = sorted(nights.glob("*.json"))
        return run, json.loads(reports[-1].read_text(encoding="utf-8")) if reports else {}

    def start(
        self,
        *options: str,
        playbook: str = "onboard",
        environment: Mapping[str, str] | None = None,
        **variables: object,
    ) -> subprocess.Popen[str]:
        """Start a playbook, away from the checkout and without its ansible.cfg."""
        of_lab = {
            "halsoval_systems": self.lab.systems,
            "halsoval_state_directory": str(self.state),
            "halsoval_outbox": str(self.outbox),
            "halsoval_inbox": str(self.inbox),
            "halsoval_lab_dir": str(self.lab.dir),
            "halsoval_lab_hsa_port": self.lab.port,
            **({"halsoval_lab_ad_address": self.lab.ad.address} if self.lab.ad else {}),
        }
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        of_home = {"HOME": str(self.home), "TMPDIR": str(self.home)}
        # By itself it asks the shell for ~user, which is not HOME.
        of_home["ANSIBLE_REMOTE_TMP"] = str(self.home / "remote")
        of_ansible = {"ANSIBLE_CONFIG": str(self.path / "empty.cfg"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                *("-i", self.path / "inventory/halsoval.yml"),
                f"regionjh.halsoval.{playbook}",
                *("-e", json.dumps(of_lab | variables)),
                *options,
            ],
            cwd=self.path / "work",
            env=inherited | of_home | of_ansible | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def edit(self, provider: str, part: str, old: str, new: str) -> None:
        """Change a text in a part of a record, wherever it stands there."""
        file = self.providers / provider / f"{part}.yml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    @contextmanager
    def people(self, provider: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of a staff part, to change; they are written back. JSON is YAML."""
        file = self.providers / provider / "staff.yml"
        part = yaml.safe_load(file.read_text(encoding="utf-8"))
        yield part["people"]
        file.write_text(json.dumps(part, default=str), encoding="utf-8")

    def encrypt(self, provider: str, part: str) -> Path:
        """Encrypt a part of a record; returns the file that holds the password."""
        file, password = self.providers / provider / f"{part}.yml", self.path / "password"
        password.write_text("open sesame")
        vault = VaultLib([("default", VaultSecret(b"open sesame"))])
        file.write_bytes(vault.encrypt(file.read_bytes()))
        return password

    def put(self, record: Record) -> None:
        """Write a record in place of the one of the same id."""
        folder = self.providers / record.id
        folder.mkdir(exist_ok=True)
        parts: dict[str, Any] = {"agreement": {}, "staff": {}, "equipment": {}}
        for part, content in (parts | json.loads(validation.dump(record))).items():
            # YAML has no pairs of surrogates, which JSON spells emoji with.
            text = json.dumps(content, ensure_ascii=False)
            (folder / f"{part}.yml").write_text(text, encoding="utf-8")

    def processes(self) -> dict[int, list[str]]:
        """The arguments of every process that has this site's home, by pid."""
        found = {}
        for process in processes_with(self.home):
            with suppress(OSError):  # it ended meanwhile
                arguments = (process / "cmdline").read_text(errors="replace").split("\0")[:-1]
                if arguments:
                    found[int(process.name)] = arguments
        return found

    def module_processes(self) -> list[int]:
        """The running modules, which are forks of Ansible's processes with a name of their own."""
        return list(running_modules(self.home))


def processes_with(home: Path) -> Iterator[Path]:
    """Below /proc, the processes that have a home."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if b"HOME=" + os.fsencode(home) in environment:
            yield process


def running_modules(home: Path) -> dict[int, str]:
    """The modules that run with a home: as much of their names as the kernel keeps, by pid."""
    found = {}
    for process in processes_with(home):
        with suppress(OSError):  # it ended meanwhile
            name = (process / "comm").read_text().strip()
            if name.startswith("halsoval "):
                found[int(process.name)] = name
    return found


def make_site(path: Path, lab: Lab, examples: bool = True) -> Site:
    """A site at a path, with the example providers or with none."""
    (path / "inventory/providers").mkdir(parents=True)
    (path / "home").mkdir()
    (path / "work").mkdir()
    (path / "empty.cfg").touch()
    (path / "inventory/halsoval.yml").write_text(UNSIGNED)
    shutil.copytree(INVENTORY / "group_vars", path / "inventory/group_vars")
    if examples:
        shutil.copytree(INVENTORY / "providers", path / "inventory/providers", dirs_exist_ok=True)
    return Site(path, lab)


# --- the module alone ----------------------------------------------------------------------------


# Modules' processes are forked from one that has imported what they import, which takes longer than
# most runs. It has one thread; the tests have several, where a fork may find a lock taken.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, MODULE, MODULE.replace("hsa", "ad_accounts")])


class Process:
    """The process of a module, which is given its arguments as Ansible gives them."""

    def __init__(self, module: str, arguments: str) -> None:
        self._output, output = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_module, args=(module, arguments, output))
        self._process.start()
        output.close()

    def kill(self) -> None:
        """Kill it, at once."""
        self._process.kill()

    def output(self) -> str:
        """What it says until it ends."""
        with open(self._output.fileno(), encoding="utf-8", closefd=False) as file:
            said = file.read()
        self.ended()
        return said

    def ended(self) -> int:
        """Wait until it has ended; the exit status, or minus the signal that killed it."""
        self._process.join(60)
        assert self._process.exitcode is not None, "the module is still running"
        return self._process.exitcode


def _module(name: str, arguments: str, output: Connection) -> None:
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = arguments.encode(), "legacy"
    import_module(name).main()


@dataclass(frozen=True)
class Task:
    """A module as a task would start it: with the records of a directory, on a lab."""

    options: Mapping[str, Any]
    module: str = MODULE

    def but(self, **options: Any) -> Task:
        """The task with other options."""
        return replace(self, options={**self.options, **options})

    @property
    def state(self) -> Path:
        """Where runs keep their locks and the ledger."""
        return Path(self.options["state_directory"])

    def audit_log(self) -> list[dict[str, Any]]:
        """The rows of the audit log; every intent has an outcome."""
        return audit_log(self.state)

    def forget(self) -> None:
        """Forget the HSA-ids that runs saw: another HSA, or an earlier one, has others."""
        shutil.rmtree(self.state, ignore_errors=True)

    def start(self) -> Process:
        """Start the module's process."""
        return Process(self.module, json.dumps({"ANSIBLE_MODULE_ARGS": dict(self.options)}))

    def run(self) -> dict[str, Any]:
        """Run the module to its end; returns its result."""
        result: dict[str, Any] = json.loads(self.start().output())
        return result


def make_task(site: Site, payload: Path, as_of: str = AS_OF, **options: Any) -> Task:
    """A task of the module hsa over all of a site's records, as the controller reads them."""
    reading = approved_records.read(
        site.providers, VaultLib(), dt.date.fromisoformat(as_of), ["SE2321000214-"]
    )
    assert not reading.errors, reading.errors
    records = (provider.data for provider in reading.providers.values())
    payload.write_bytes(head() + b"\n".join(records))
    lab = site.lab
    return Task(
        {
            "providers": list(reading.providers),
            "as_of": as_of,
            "run": "test",
            "state_directory": str(site.state),
            "records": str(payload),
            "server_uri": lab.uri,
            "bind_dn": lab.service_dn,
            "bind_password": lab.service_password,
            "ca_path": str(lab.ca),
            "base_dn": lab.base,
            "provider_branch": lab.provider_branch,
            "people_branch": lab.people_branch,
            "feigned": True,
            **options,
        }
    )


def audit_log(state: Path) -> list[dict[str, Any]]:
    """The rows of a ledger's audit log, whose chain is whole and whose intents have outcomes."""
    with Ledger(None, state, LedgerRun("test", "test", dt.date(2026, 3, 2)), check=True) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as connection:
            rows = [dict(row) for row in connection.execute(ledger.audit.select()).mappings()]
            assert list(connection.execute(ledger.intents.select())) == []
    intents = [row["seq"] for row in rows if row["event"] == "intent"]
    assert sorted(row["refers"] for row in rows if row["event"] == "outcome") == intents
    return rows


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for something to become true; returns it."""
    for _tick in _ticks(seconds):
        if value := condition():
            return value
    raise AssertionError(f"not within {seconds} s: {what}")


def _ticks(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)
