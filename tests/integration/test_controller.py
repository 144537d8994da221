# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side in real runs of Ansible, without any ansible.cfg.

The system is a probe: a module with the action of all systems, which reports what it was given.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Run as LedgerRun,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import note_day
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings

VALID = Path(__file__).parents[1] / "unit/plugin_utils/data/tallbacken"
CANARY = "189901019803"

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - regionjh.halsoval.records:

- hosts: providers
  gather_facts: false
  tasks:
    - probe:
        providers: "{{ ansible_play_hosts }}"
      run_once: true
      register: halsoval_probe
      ignore_errors: true

    - regionjh.halsoval.provider_result:
        results: [halsoval_probe]
"""

# Nothing here is about approval.
SOURCE = "plugin: regionjh.halsoval.providers\napproval: unsigned\n"

PROBE_ACTION = """
import runpy
from pathlib import Path

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import system_action

PROBE = Path(__file__).parents[1] / "library/probe.py"


class ActionModule(system_action.ActionModule):
    _main = staticmethod(runpy.run_path(str(PROBE))["main"])
"""

# Of each provider: changed where it has people; failed where the name says so.
PROBE_MODULE = """
#!/usr/bin/python
from __future__ import annotations

import os
import resource
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import read


def result(record):
    return {
        "changed": bool(record.staff.people),
        "failed": "fails" in record.id,
        "msg": "this one fails" if "fails" in record.id else "",
        "counts": {"person": len(record.staff.people)},
        "diff": {"before": "", "after": f"people of {record.id}\\n"},
    }


def main():
    spec = {
        "as_of": {"required": True},
        "run": {"required": True},
        "by_clock": {"type": "bool"},
        "records": {"type": "path", "required": True},
        "confidential": {"type": "path"},
        "providers": {"type": "list", "elements": "str"},
        "surnames": {"type": "path"},
        "wait": {"type": "path"},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    approved = read(module.params["records"])
    if module.params["surnames"]:
        with open(module.params["surnames"], "w", encoding="utf-8") as file:
            file.writelines(p.surname + "\\n" for r in approved.records for p in r.staff.people)
    if module.params["wait"]:
        open(module.params["wait"], "w").close()
        time.sleep(60)
    module.exit_json(
        changed=False,
        check=module.check_mode,
        core=resource.getrlimit(resource.RLIMIT_CORE),
        invalid=sorted(approved.invalid),
        providers={record.id: result(record) for record in approved.records},
    )
"""


@dataclass
class Site:
    """A directory with an inventory source, records and a playbook, and Ansible run in it."""

    path: Path

    def start(self, program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        home = self.path / "home"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        return subprocess.Popen(
            [str(Path(sys.executable).parent / program), *arguments],
            cwd=self.path,
            env={
                **inherited,
                "HOME": str(home),
                "TMPDIR": str(home),
                "ANSIBLE_LOCAL_TEMP": str(home / "local"),
                "ANSIBLE_REMOTE_TMP": str(home / "remote"),
                "ANSIBLE_CONFIG": str(self.path / "empty.cfg"),
                "ANSIBLE_NOCOLOR": "1",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, program: str = "ansible-playbook", **environment: str) -> Run:
        process = self.start(program, *arguments, **environment)
        output = process.communicate(timeout=300)[0]
        return Run(process.returncode, output)

    def play(self, *arguments: str, **environment: str) -> Run:
        return self.run("-i", "halsoval.yml", "site.yml", *arguments, **environment)

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(dedent(text).lstrip(), encoding="utf-8")

    def add(self, provider: str, number: str, computer: str) -> None:
        """One more valid record."""
        shutil.copytree(VALID, self.path / "providers" / provider)
        self.change(provider, "agreement", "id: tallbacken", f"id: {provider}")
        self.change(provider, "agreement", "559999-0008", number)
        self.change(provider, "equipment", "TB-PC-1", computer)

    def change(self, provider: str, part: str, old: str, new: str) -> None:
        file = self.path / "providers" / provider / f"{part}.yml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def encrypt(self, provider: str, part: str) -> None:
        file = self.path / "providers" / provider / f"{part}.yml"
        vault = VaultLib([("default", VaultSecret(b"open sesame"))])
        file.write_bytes(vault.encrypt(file.read_bytes()))


@dataclass
class Run:
    """What a run of Ansible came to."""

    rc: int
    output: str

    def recap(self, host: str) -> dict[str, int]:
        (line,) = re.findall(rf"^{re.escape(host)} +: (.*)$", self.output, re.MULTILINE)
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    (tmp_path / "home").mkdir()
    site.write("empty.cfg", "")
    site.write("halsoval.yml", f"{SOURCE}as_of: 2026-03-02\n")
    site.write("site.yml", PLAYBOOK)
    site.write("action_plugins/probe.py", PROBE_ACTION)
    site.write("library/probe.py", PROBE_MODULE)
    shutil.copytree(VALID, tmp_path / "providers/tallbacken")
    site.add("granbacken", "559999-0016", "GB-PC-1")
    return site


# --- a run where everything is well


def test_each_provider_has_its_own_result(site: Site) -> None:
    site.add("furubacken-fails", "552000-0018", "FB-PC-1")
    site.change("granbacken", "staff", (VALID / "staff.yml").read_text(), "people: []\n")

    run = site.play("--diff")

    assert run.rc == 2
    recap = {h: run.recap(h) for h in ("tallbacken", "granbacken", "furubacken-fails")}
    assert {h: (r["changed"], r["failed"]) for h, r in recap.items()} == {
        "tallbacken": (1, 0),
        "granbacken": (0, 0),
        "furubacken-fails": (0, 1),
    }
    assert run.output.count("+people of tallbacken") == 1
    assert "this one fails" in run.output


def test_check_mode_reaches_the_module(site: Site) -> None:
    assert '"check": true' in site.play("--check", "-v").output
    assert '"check": false' in site.play("-v").output


def test_module_that_holds_records_leaves_no_core_dump(site: Site) -> None:
    assert '"core": [0, 0]' in site.play("-v").output


def test_people_in_clear_text_are_told_once(site: Site) -> None:
    run = site.play("-v")

    assert run.rc == 0
    assert run.output.count("stand in clear text: 2 (granbacken, tallbacken)") == 1


def test_limit_still_hands_over_all_records(site: Site) -> None:
    run = site.play("--limit", "localhost,tallbacken", "-v")

    assert run.rc == 0
    (bulk,) = (line for line in run.output.splitlines() if '"check"' in line)
    assert '"granbacken"' in bulk
    assert "granbacken" not in run.output.partition("PLAY RECAP")[2]


def test_encrypted_records(site: Site) -> None:
    site.encrypt("tallbacken", "staff")
    site.write("password", "open sesame")

    run = site.play("--vault-password-file", "password")

    assert run.rc == 0
    assert run.recap("tallbacken")["changed"] == 1


def test_hosts_groups_and_variables(site: Site) -> None:
    run = site.run("-i", "halsoval.yml", "--graph", "--vars", program="ansible-inventory")

    assert "--@invalid_records:" in run.output
    assert run.output.count("--tallbacken") == 4  # providers, its phase, its two services
    assert "--@phase_ended:" in run.output
    variables = dict(re.findall(r"\{(\w+) = ([^}]*)\}", run.output))
    # python or python3, as pip wrote it into the programs of this environment
    interpreter = Path(variables.pop("ansible_python_interpreter"))
    assert interpreter.parent == Path(sys.executable).parent
    assert variables == {
        "ansible_connection": "local",
        "halsoval_as_of": "2026-03-02",
    }


@pytest.mark.parametrize(
    ("extra", "phase"),
    [
        ([], "phase_operation"),
        (["-e", "halsoval_as_of=2025-10-01"], "phase_establishment"),
        (["-e", '{"halsoval_as_of": "2025-01-01"}'], "phase_application"),
    ],
)
def test_day_decides_the_phase(site: Site, extra: list[str], phase: str) -> None:
    run = site.run("-i", "halsoval.yml", "--graph", phase, *extra, program="ansible-inventory")

    assert "--tallbacken" in run.output


def test_without_a_day_it_is_today(site: Site) -> None:
    site.write("halsoval.yml", SOURCE)
    query = ["-i", "halsoval.yml", "--host", "tallbacken"]

    run = site.run(*query, program="ansible-inventory", TZ="Pacific/Kiritimati")

    stockholm = {**os.environ, "TZ": "Europe/Stockholm"}
    today = subprocess.check_output(["date", "+%F"], env=stockholm, text=True).strip()
    assert f'"{today}"' in run.output


def test_the_clock_alone_moves_a_run_no_further_than_a_month(site: Site) -> None:
    site.write("halsoval.yml", SOURCE)
    site.write(
        "holds.yml",
        """
        - hosts: localhost
          connection: local
          gather_facts: false
          tasks:
            - regionjh.halsoval.hold:
                state: listed
                providers: [tallbacken]
        """,
    )

    def play(*arguments: str) -> Run:
        return site.run("-i", "halsoval.yml", "holds.yml", *arguments)

    def given(run: Run) -> str:
        return re.search("-e halsoval_as_of=([0-9-]*)", run.output)[0]  # type: ignore[index]

    for day, direction in (("2020-01-01", "after"), ("2099-01-01", "before")):
        last = LedgerRun("before", "anna@controller", dt.date.fromisoformat(day))
        with Ledger(None, site.path / "home/.ansible/halsoval", last) as ledger:
            note_day(ledger)
        for mode in ((), ("--check",)):
            refused = play(*mode)
            assert refused.rc == 2
            assert f"days {direction} that of the last run; nothing was done" in refused.output
        assert play(*given(refused).split()).rc == 0


# --- a run that must not pass for a good one


def _nothing_done(run: Run, reason: str) -> None:
    assert run.rc == 2, run.output
    (told,) = re.findall(r'^fatal: \[localhost\].*"msg": "(.*)"', run.output, re.MULTILINE)
    assert reason in told
    assert "halsoval_probe" not in run.output
    assert "[probe]" not in run.output


def test_empty_record_directory(site: Site) -> None:
    shutil.rmtree(site.path / "providers")
    (site.path / "providers").mkdir()

    _nothing_done(site.play(), "is empty: no provider has a folder there")


def test_missing_record_directory(site: Site) -> None:
    shutil.rmtree(site.path / "providers")

    _nothing_done(site.play(), f"the record directory {site.path}/providers does not exist")


def test_record_directory_that_others_can_write(site: Site) -> None:
    (site.path / "providers").chmod(0o777)

    _nothing_done(site.play(), "expected that nobody but its owner may write (chmod o-w)")


def test_missing_vault_password(site: Site) -> None:
    site.encrypt("granbacken", "staff")

    _nothing_done(site.play(), "is encrypted and no vault password was given")


def test_no_source(site: Site) -> None:
    _nothing_done(
        site.run("site.yml"), "no approved records were read: pass their inventory source"
    )


def test_source_that_ansible_cannot_read(site: Site) -> None:
    site.write("halsoval.yml", "plugin: [regionjh.halsoval.providers")

    _nothing_done(site.play(), "no approved records were read: pass their inventory source")


def test_two_sources(site: Site) -> None:
    shutil.copy(site.path / "halsoval.yml", site.path / "b-halsoval.yml")

    _nothing_done(
        site.play("-i", "b-halsoval.yml"), "expected one inventory source with records, not several"
    )


def test_one_of_two_sources_fails(site: Site) -> None:
    site.write("b-halsoval.yml", f"{SOURCE}records: nowhere\n")

    _nothing_done(
        site.play("-i", "b-halsoval.yml"), "expected one inventory source with records, not several"
    )


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("require_vault: perhaps", "require_vault: expected true or false"),
        ("recrods: providers", "expected only documented options in"),
        ('as_of: "2026-02-30"', "halsoval_as_of or as_of: expected a day that the calendar has"),
        ("as_of: soon", "halsoval_as_of or as_of: expected a day, YYYY-MM-DD"),
        ("records: halsoval.yml", "cannot be read: Not a directory"),
    ],
)
def test_bad_option(site: Site, option: str, reason: str) -> None:
    site.write("halsoval.yml", f"{SOURCE}{option}\n")

    _nothing_done(site.play(), reason)


def test_play_over_providers_without_the_start_check(site: Site) -> None:
    """The other actions do not rely on it."""
    site.write("site.yml", PLAYBOOK[PLAYBOOK.index("- hosts: providers") :])
    site.write("inventory.ini", "[providers]\ntallbacken ansible_connection=local\n")

    run = site.run("-i", "inventory.ini", "site.yml")

    assert run.recap("tallbacken")["failed"] == 1
    assert "no approved records were read" in run.output


# --- a record that is wrong


def test_broken_record_fails_alone(site: Site) -> None:
    site.change("granbacken", "staff", "people:", "people: [")
    site.change("granbacken", "equipment", "unit: mottagning", "unit: 7")

    run = site.play("-v")

    assert run.rc == 2
    assert '"invalid": ["granbacken"]' in run.output
    assert run.recap("localhost")["failed"] == 0
    assert (run.recap("tallbacken")["failed"], run.recap("tallbacken")["changed"]) == (0, 1)
    assert run.recap("granbacken")["failed"] == 1
    assert (
        r"granbacken/staff.yml:2: column 3: expected a value; check the brackets and hyphens\n"
        "granbacken/equipment.yml:3: workstations[0].unit: expected text in quotes"
    ) in run.output


def test_record_that_is_no_file_fails_alone_and_stops_nothing(site: Site) -> None:
    staff = site.path / "providers/granbacken/staff.yml"
    staff.unlink()
    os.mkfifo(staff)

    run = site.play()

    assert run.rc == 2
    assert run.recap("granbacken")["failed"] == 1
    assert run.recap("tallbacken")["failed"] == 0
    assert "granbacken/staff.yml: expected a regular file; this is a FIFO" in run.output


def test_people_in_clear_text_are_an_error_where_the_source_says_so(site: Site) -> None:
    site.write("halsoval.yml", f"{SOURCE}require_vault: true\n")
    site.encrypt("tallbacken", "staff")
    site.write("password", "open sesame")

    run = site.play("--vault-password-file", "password")

    assert run.rc == 2
    assert run.recap("granbacken")["failed"] == 1
    assert run.recap("tallbacken")["failed"] == 0
    assert "granbacken/staff.yml: expected an encrypted file (ansible-vault encrypt)" in run.output


def test_what_two_records_claim_is_shown_at_both_and_left_to_the_modules(site: Site) -> None:
    site.change("granbacken", "equipment", "GB-PC-1", "TB-PC-1")
    message = "expected a workstation name that no other has; compare the record of"

    shown = site.run("-i", "halsoval.yml", "--list", program="ansible-inventory")
    run = site.play("-v")

    for host, other in (("granbacken", "tallbacken"), ("tallbacken", "granbacken")):
        told = f"{host}/equipment.yml:2: workstations[0].name: {message} {other}"
        assert told in shown.output
        assert told in run.output
    assert '"invalid": []' in run.output
    assert run.rc == 0


def test_wrong_vault_password(site: Site) -> None:
    site.encrypt("granbacken", "staff")
    site.write("password", "wrong")

    run = site.play("--vault-password-file", "password")

    assert run.rc == 2
    assert run.recap("granbacken")["failed"] == 1
    assert run.recap("tallbacken")["failed"] == 0
    assert "expected a file that a given vault password decrypts" in run.output


def test_only_invalid_records(site: Site) -> None:
    for provider in ("granbacken", "tallbacken"):
        site.change(provider, "staff", "people:", "people: [")

    run = site.play()

    assert run.rc == 2
    assert [run.recap(h)["failed"] for h in ("granbacken", "tallbacken")] == [1, 1]


def test_failed_system_fails_every_provider(site: Site) -> None:
    site.write("site.yml", PLAYBOOK.replace('providers: "{{', 'provider: "{{'))

    run = site.play()

    assert run.rc == 2
    assert [run.recap(h)["failed"] for h in ("granbacken", "tallbacken")] == [1, 1]
    assert [run.recap(h)["changed"] for h in ("granbacken", "tallbacken")] == [0, 0]
    (cause,) = (line for line in run.output.splitlines() if "Unsupported parameters" in line
                if line.startswith("fatal: "))  # fmt: skip
    assert cause.startswith("fatal: [granbacken]")
    assert run.output.count('"msg": "probe: nothing was done for anybody') == 2


# --- records are data


INJECTION = "{{ lookup('pipe', 'touch owned') }}"


def test_template_in_a_record_stays_text(site: Site) -> None:
    site.change("tallbacken", "staff", "Tolvansson", f'"{INJECTION}"')
    site.change("tallbacken", "agreement", "Tallbackens sagovård AB", f'"{INJECTION}"')
    site.write("site.yml", PLAYBOOK.replace("- probe:", "- probe:\n        surnames: surnames"))

    run = site.play("-vvv")

    assert run.rc == 0
    assert INJECTION in (site.path / "surnames").read_text().splitlines()
    assert not list(site.path.rglob("owned"))


def test_template_in_names_that_errors_show_stays_text(site: Site) -> None:
    site.change("tallbacken", "staff", "ref: nurse-1", f'"{INJECTION}": 1')
    shutil.copytree(VALID, site.path / "providers" / INJECTION.replace("/", ""))
    site.write(
        "site.yml",
        PLAYBOOK
        + dedent("""
        - hosts: invalid_records
          gather_facts: false
          tasks:
            - debug:
                msg: "{{ halsoval_record_errors | join(' ') }}"
            - debug:
                var: hostvars[inventory_hostname].halsoval_record_errors
        """),
    )
    site.write(
        "site.yml",
        (site.path / "site.yml")
        .read_text()
        .replace(
            "results: [halsoval_probe]", "results: [halsoval_probe]\n      ignore_errors: true"
        ),
    )

    run = site.play("-vvv")

    assert run.output.count("people[0]." + INJECTION) >= 3
    assert not list(site.path.rglob("owned"))


# --- nothing personal leaves the memory


@pytest.fixture
def canaries(site: Site) -> set[str]:
    """Puts a personal number, as a person's and a sole trader's, and odd names into the records."""
    site.change("tallbacken", "staff", "19121212-1212", f"{CANARY[:8]}-{CANARY[8:]}")
    site.change("tallbacken", "staff", "Tolvansson", "Kanariefågelsson")
    site.change("granbacken", "agreement", "559999-0016", f"{CANARY[2:8]}-{CANARY[8:]}")
    return {*spellings(CANARY), "Kanariefågelsson"}


def _left_behind(site: Site, canaries: set[str]) -> list[Path]:
    places = [site.path, Path("/dev/shm"), Path("/var/tmp")]
    files = (file for place in places for file in place.rglob("*") if file.is_file())
    outside = (file for file in files if site.path / "providers" not in file.parents)
    return [
        file
        for file in outside
        if any(c in f"{file}" or c.encode() in file.read_bytes() for c in canaries)
    ]


@pytest.mark.parametrize("verbosity", ["-v", "-vvv", "-vvvvvv"])
def test_no_output_and_no_file_holds_anything_personal(
    site: Site, canaries: set[str], verbosity: str
) -> None:
    run = site.play(
        verbosity,
        "--diff",
        ANSIBLE_LOG_PATH=str(site.path / "log"),
        ANSIBLE_DEBUG="1" if verbosity == "-vvvvvv" else "0",
    )

    assert run.rc == 0
    assert [c for c in canaries if c in run.output] == []
    assert _left_behind(site, canaries) == []


def test_where_ansible_keeps_what_modules_are_given_there_is_nothing_to_keep(
    site: Site, canaries: set[str]
) -> None:
    run = site.play(ANSIBLE_KEEP_REMOTE_FILES="1", ANSIBLE_PIPELINING="0")

    assert run.rc == 0
    assert list((site.path / "home").rglob("AnsiballZ_*")) == []
    assert _left_behind(site, canaries) == []


@pytest.mark.parametrize("program", [["--list"], ["--graph", "--vars"]])
def test_inventory_shows_nothing_personal(
    site: Site, canaries: set[str], program: list[str]
) -> None:
    run = site.run("-i", "halsoval.yml", *program, program="ansible-inventory")

    assert "tallbacken" in run.output
    assert [c for c in canaries if c in run.output] == []


@pytest.mark.parametrize("part", ["people:", "people: [", "people:\n  - {canary}: x"])
def test_wrong_record_tells_nothing_personal(site: Site, canaries: set[str], part: str) -> None:
    site.change("tallbacken", "staff", "people:", part.format(canary=CANARY))

    run = site.play("-vvvvvv", ANSIBLE_DEBUG="1")

    assert [c for c in canaries if c in run.output] == []


def test_killed_run_leaves_nothing_behind(site: Site, canaries: set[str]) -> None:
    site.write("site.yml", PLAYBOOK.replace("- probe:", "- probe:\n        wait: waiting"))
    process = site.start("ansible-playbook", "-i", "halsoval.yml", "site.yml")
    for _attempt in range(600):
        if (site.path / "waiting").exists():
            break
        time.sleep(0.05)
    workers = _descendants(process.pid)
    for pid in (process.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    process.communicate()

    assert len(workers) >= 2  # the fork of ansible-playbook and the module
    assert _left_behind(site, canaries) == []


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


# --- how the action may not be used


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("- probe:", "- probe:\n        records: /etc/hostname", "expected no option records"),
        ("- probe:", "- probe:\n        run: mine", "expected no option run"),
        ("run_once: true", "run_once: true\n      async: 60", "does not support async"),
        (
            "run_once: true",
            "run_once: true\n      vars: {ansible_connection: ssh}",
            "expected ansible_connection: local",
        ),
        ("run_once: true", "run_once: true\n      become: true", "expected no become"),
    ],
)
def test_wrong_use_of_the_action(site: Site, old: str, new: str, reason: str) -> None:
    site.write("site.yml", PLAYBOOK.replace(old, new))

    run = site.play()

    assert run.rc == 2
    assert reason in run.output
