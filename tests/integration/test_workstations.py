# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of workstations in a real slapd: what the examples come to, and killed runs."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import ldap3
import pytest

from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Held,
    Process,
    Site,
    Task,
    empty,
    held,
    make_site,
    make_task,
    restore,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab

MODULE = "ansible_collections.regionjh.halsoval.plugins.modules.workstations"
SEED, KILLS = 20260302, full(50, 10)
# The day after the wind-down of the largest example ends.
LATER = "2026-07-01"
OF_HSA = ("base_dn", "provider_branch", "people_branch", "feigned")
EXAMPLES = {"bracke-lakarhus": 9, "fjallhalsan": 24, "storsjokliniken": 94}


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A site with the examples, and a directory with nothing of ours."""
    empty(lab)
    yield make_site(tmp_path / "site", lab)
    empty(lab)


def registering(site: Site, payload: Path, **options: Any) -> Task:
    """The module's task over a site's records."""
    task = make_task(site, payload, **options)
    given = {name: value for name, value in task.options.items() if name not in OF_HSA}
    return Task({**given, "branch": site.lab.workstation_branch}, MODULE)


def registered(content: Held, provider: str = "") -> dict[str, dict[str, str]]:
    """What the registered entries, of one provider or of all, say by name."""
    return {
        entry["cn"][0]: {name: values[0] for name, values in entry.items()}
        for entry in content.ours().values()
        if entry.get("halsovalState") == ("registered",)
        if entry["halsovalKey"][0].startswith(f"workstation/{provider}")
    }


def test_examples_are_registered_by_their_phases_and_a_second_run_changes_nothing(
    lab: Lab, site: Site, tmp_path: Path
) -> None:
    task = registering(site, tmp_path / "payload")
    checked = task.but(_ansible_check_mode=True).run()
    assert registered(held(lab)) == {}
    first = task.run()
    assert not any(own["failed"] for own in first["providers"].values())
    for provider in EXAMPLES:
        assert checked["providers"][provider]["changes"] == first["providers"][provider]["changes"]
    after = held(lab)
    for provider, number in EXAMPLES.items():
        assert len(registered(after, provider)) == number
    assert len(registered(after)) == sum(EXAMPLES.values())
    assert first["providers"]["fjallhalsan"]["workstations"] == {
        "registered": 24, "capacity": 30, "groups": 3
    }  # fmt: skip
    entry = registered(after)["FJH-PC-018"]
    assert (entry["halsovalFirstDay"], entry["ipHostNumber"]) == ("2026-01-19", "192.0.2.28")
    assert not any(own["changed"] for own in task.run()["providers"].values())
    assert held(lab).entries == after.entries


def test_directory_takes_every_change_of_an_entry(lab: Lab, site: Site, tmp_path: Path) -> None:
    registering(site, tmp_path / "first").run()
    site.edit("bracke-lakarhus", "equipment", "    serial: EXBLH00001\n", "    client_name: Jour\n")
    site.edit("bracke-lakarhus", "equipment", "    ip: 198.51.100.11\n", "")
    site.edit("bracke-lakarhus", "equipment", "name: BLH-PC-002", "name: blh-pc-002")
    site.edit("bracke-lakarhus", "equipment", "  - name: BLH-PC-003\n",
              "  - name: BLH-PC-003\n    to: 2026-03-01\n")  # fmt: skip
    results = registering(site, tmp_path / "second").run()["providers"]
    assert not any(own["failed"] for own in results.values())
    now = registered(held(lab), "bracke-lakarhus")
    assert now["BLH-PC-001"].keys().isdisjoint(("serialNumber", "ipHostNumber"))
    assert now["BLH-PC-001"]["halsovalClientName"] == "Jour"
    assert "blh-pc-002" in now
    gone = held(lab).keyed("workstation/bracke-lakarhus/blh-pc-003")
    assert gone["halsovalState"] == ("deregistered",)
    assert gone["halsovalLastDay"] == ("2026-03-01",)
    assert "halsovalGroup" not in gone
    site.edit("bracke-lakarhus", "equipment", "    to: 2026-03-01\n", "")
    assert registering(site, tmp_path / "third").run()["providers"]["bracke-lakarhus"]["changed"]
    assert "BLH-PC-003" in registered(held(lab), "bracke-lakarhus")


def test_wind_down_that_has_ended_deregisters_all(lab: Lab, site: Site, tmp_path: Path) -> None:
    registering(site, tmp_path / "first").run()
    results = registering(site, tmp_path / "second", as_of=LATER).run()["providers"]
    assert not any(own["failed"] for own in results.values())
    assert registered(held(lab), "storsjokliniken") == {}
    entry = held(lab).keyed("workstation/storsjokliniken/stk-pc-001")
    assert entry["halsovalLastDay"] == ("2026-06-30",)


def test_name_that_the_region_has_taken_is_an_error(lab: Lab, site: Site, tmp_path: Path) -> None:
    with lab.service() as service:
        dn = f"cn=blh-pc-009,{lab.workstation_branch}"
        service.add(dn, ["device", "ipHost"], {"ipHostNumber": "203.0.113.9"})
    results = registering(site, tmp_path / "payload").run()["providers"]
    assert {p for p, own in results.items() if own["failed"]} == {"bracke-lakarhus"}
    assert "the name BLH-PC-009 is that of an entry" in results["bracke-lakarhus"]["msg"]
    assert registered(held(lab), "bracke-lakarhus") == {}
    assert held(lab).entries[dn]["ipHostNumber"] == ("203.0.113.9",)


def test_branch_that_is_not_there_stops_the_run(site: Site, tmp_path: Path) -> None:
    task = registering(site, tmp_path / "payload").but(branch="ou=Annan,c=SE")
    result = task.run()
    assert result["failed"]
    assert "ou=Annan,c=SE" in result["msg"] or "noSuchObject" in result["msg"]


def test_playbook_registers_the_examples(lab: Lab, site: Site) -> None:
    run = site.onboard("-v", halsoval_systems=["workstations"])
    assert run.rc == 0, run.output
    assert run.results["fjallhalsan"]["workstations"]["counts"] == {"workstation": 24, "added": 24}
    assert len(registered(held(lab))) == sum(EXAMPLES.values())
    again = site.onboard(halsoval_systems=["workstations"])
    assert (again.rc, again.hosts("changed")) == (0, set())


# --- kills ----------------------------------------------------------------------------------------


def messages(task: Task, lab: Lab, folder: Path) -> int:
    """How many messages the task exchanges with the directory as it is now."""
    with faulty_directory(lab, folder) as directory:
        task.but(server_uri=directory.uri).run()
        return directory.seen["message"]


def killed_at(task: Task, lab: Lab, folder: Path, number: int) -> bool:
    """Kill the module's process as a message passes; returns whether it was killed."""
    victim: SimpleQueue[Process] = SimpleQueue()
    kill = Fault("message", {number}, lambda: victim.get().kill())
    with faulty_directory(lab, folder, kill) as directory:
        process = task.but(server_uri=directory.uri).start()
        victim.put(process)
        return process.ended() == -signal.SIGKILL


def test_killed_runs_converge(lab: Lab, site: Site, tmp_path: Path) -> None:
    """Kills at random messages, of a first run and of one on a later day with changed records."""
    changed = make_site(tmp_path / "changed", lab)
    changed.edit("fjallhalsan", "equipment", "replaces: FJH-PC-000", "replaces: FJH-PC-017")
    changed.edit("bracke-lakarhus", "equipment", "name: BLH-PC-001", "name: blh-pc-001")
    first = registering(site, tmp_path / "payload-1")
    second = registering(
        changed, tmp_path / "payload-2", as_of=LATER, state_directory=str(site.state)
    )
    stages = []
    for task in (first, second):
        before, saved = held(lab), tmp_path / f"state-{len(stages)}"
        if site.state.exists():
            shutil.copytree(site.state, saved)
        length = messages(task, lab, tmp_path)
        stages.append((task, before, saved, length, held(lab)))
    chance, partly = random.Random(SEED), 0
    for round_ in range(KILLS):
        task, before, saved, length, expected = stages[round_ % 2]
        reset(lab, before, task, saved)
        if killed_at(task, lab, tmp_path, chance.randint(2, length)):
            partly += before.entries != held(lab).entries != expected.entries
        results = task.run()["providers"]
        assert not any(own["failed"] for own in results.values())
        assert held(lab).entries == expected.entries
        assert {row["result"] for row in task.audit_log()} <= {
            "", "done", "found done", "found undone"
        }  # fmt: skip
    assert partly >= KILLS // 4, "hardly any kill left something undone"


def reset(lab: Lab, content: Held, task: Task, saved: Path) -> None:
    """Bring directory and ledger to what they were."""
    if content.ours():
        restore(lab, content)
    else:
        empty(lab)
    shutil.rmtree(task.state, ignore_errors=True)
    if saved.exists():
        shutil.copytree(saved, task.state)


def test_reader_sees_no_more_of_workstations_than_their_keys(
    lab: Lab, site: Site, tmp_path: Path
) -> None:
    registering(site, tmp_path / "payload").run()
    with lab.reader() as reader:
        reader.search(
            lab.workstation_branch, "(objectClass=device)", attributes=[ldap3.ALL_ATTRIBUTES]
        )
        names = {name for entry in reader.response for name in entry["attributes"]}
    assert names == {"objectClass", "halsovalKey"}
