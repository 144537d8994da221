# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed: the next one brings the directory to what it is without the kill."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    EVERY,
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    INVENTORY,
    Held,
    Process,
    Site,
    Task,
    empty,
    held,
    make_site,
    make_task,
    restore,
    wait_until,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab

SEED = 20260302
KILLS = full(20, 8)
PROVIDERS = {path.name for path in (INVENTORY / "providers").iterdir()}
# The day after the wind-down ends: memberships go, others come, entries and units change.
LATER = "2026-07-01"


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A site with the examples, about 160 people, and a directory with nothing of ours."""
    empty(lab)
    yield make_site(tmp_path / "site", lab)
    empty(lab)


@pytest.fixture(scope="module")
def tasks(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Task]:
    """The module's task over the examples, and one over changed examples on a later day."""
    path = tmp_path_factory.mktemp("tasks")
    first = make_site(path / "first", lab)
    second = make_site(path / "second", lab)
    second.edit("bracke-lakarhus", "agreement", "    name: Bräcke L", "    name: Nya L")
    second.edit("storsjokliniken", "agreement", "    name: Storsjökliniken C", "    name: C")
    second.edit("storsjokliniken", "staff", "position: Sjuksköterska", "position: Sköterska")
    return (
        make_task(first, path / "payload-1"),
        make_task(second, path / "payload-2", as_of=LATER, state_directory=str(first.state)),
    )


@pytest.fixture(scope="module")
def without_kills(lab: Lab, tasks: tuple[Task, Task]) -> tuple[Held, Held]:
    """What the directory holds after each of the two tasks, one after the other."""
    empty(lab)
    runs = []
    for number, task in enumerate(tasks):
        assert not any(own["failed"] for own in task.run()["providers"].values())
        shutil.copytree(task.state, _saved(task, number))
        runs.append(held(lab))
    return runs[0], runs[1]


def _saved(task: Task, number: int) -> Path:
    """Where the ledger lies as a task without kills left it."""
    return task.state.with_name(f"{task.state.name}-{number}")


def messages(lab: Lab, task: Task, folder: Path) -> int:
    """How many messages the task exchanges with the directory as it is now."""
    with faulty_directory(lab, folder) as directory:
        task.but(server_uri=directory.uri).run()
        return directory.seen["message"]


def killed_at(
    lab: Lab, task: Task, folder: Path, number: int, *faults: Fault, kind: str = "message"
) -> bool:
    """Kill the module's process as a message passes; returns whether it was killed."""
    victim: SimpleQueue[Process] = SimpleQueue()
    kill = Fault(kind, {number}, lambda: victim.get().kill())
    with faulty_directory(lab, folder, kill, *faults) as directory:
        process = task.but(server_uri=directory.uri).start()
        victim.put(process)
        return process.ended() == -signal.SIGKILL


def noted_as_held(task: Task, earlier: int, before: Held, after: Held) -> None:
    """Every write has an outcome, and what differs was noted as done after the earlier rows."""
    rows = task.audit_log()[earlier:]
    done = {row["object"].split()[1] for row in rows if row["result"] in ("done", "found done")}
    entries = (after.entries.get(dn) or before.entries[dn] for dn in before.differing(after))
    differing = {entry["hsaIdentity"][0] for entry in entries if "halsovalKey" in entry}
    assert done >= differing, sorted(differing - done)[:5]
    assert not {row["result"] for row in rows} - {"", "done", "found done", "found undone"}


@pytest.mark.parametrize("step", [0, 1], ids=["first onboarding", "many changes"])
def test_module_killed_anywhere_converges_in_the_next_run(
    lab: Lab,
    tmp_path: Path,
    tasks: tuple[Task, Task],
    without_kills: tuple[Held, Held],
    step: int,
) -> None:
    """Entries, attributes, memberships and HSA-ids are those of a run that nobody killed."""
    task, expected = tasks[step], without_kills[step]
    before = Held({}) if step == 0 else without_kills[0]
    restore(lab, before)
    total = messages(lab, task, tmp_path)
    chance = random.Random(SEED + step)
    partly = 0
    for _kill in range(KILLS // 2):
        restore(lab, before)
        task.forget()  # else the ids would be those of earlier runs, whatever a kill does
        if step:
            shutil.copytree(_saved(task, step - 1), task.state)
        earlier = len(task.audit_log()) if step else 0
        message = chance.randint(1, total - 1)  # the last one says goodbye, when all is done
        assert killed_at(lab, task, tmp_path, message)
        partly += held(lab).entries != expected.entries

        result = task.run()

        assert not any(own["failed"] for own in result["providers"].values()), message
        assert held(lab).entries == expected.entries, message
        noted_as_held(task, earlier, before, expected)
        assert not any(own["changed"] for own in task.run()["providers"].values()), message
    assert partly >= KILLS // 4, "hardly any kill left something undone"


def test_module_killed_again_and_again_converges(
    lab: Lab, tmp_path: Path, tasks: tuple[Task, Task], without_kills: tuple[Held, Held]
) -> None:
    empty(lab)
    tasks[0].forget()
    chance = random.Random(SEED)
    kills = sum(
        killed_at(lab, tasks[0], tmp_path, chance.randint(30, 120)) for _kill in range(KILLS // 4)
    )
    assert kills > 1

    tasks[0].run()

    assert held(lab).entries == without_kills[0].entries


def test_hsa_ids_that_a_killed_run_passed_over_go_to_whom_they_were_meant_for(
    lab: Lab, tmp_path: Path, tasks: tuple[Task, Task], without_kills: tuple[Held, Held]
) -> None:
    """A busy server takes some requests later than those that follow, and is not asked again."""
    empty(lab)
    tasks[0].forget()
    assert killed_at(lab, tasks[0], tmp_path, 100, Fault("add", {30, 31}, "busy"), kind="add")
    entered = {entry["hsaIdentity"][0] for entry in held(lab).ours().values()}
    assert entered.isdisjoint({"SE2321000214-HV000030", "SE2321000214-HV000031"})
    assert max(entered) > "SE2321000214-HV000031"

    tasks[0].run()

    assert held(lab).entries == without_kills[0].entries


def test_playbook_whose_module_is_killed_fails_and_the_next_one_converges(
    lab: Lab, site: Site, tmp_path: Path, without_kills: tuple[Held, Held]
) -> None:
    def kill() -> None:
        (module,) = site.module_processes()
        os.kill(module, signal.SIGKILL)

    with faulty_directory(lab, tmp_path, Fault("add", {100}, kill)) as directory:
        run = site.onboard(halsoval_hsa_server_uri=directory.uri)

    assert (run.rc, run.hosts("failed"), run.hosts("changed")) == (2, PROVIDERS, set())
    assert held(lab).entries != without_kills[0].entries
    assert site.onboard().rc == 0
    assert held(lab).entries == without_kills[0].entries


def test_playbook_killed_while_its_module_writes_and_started_again_at_once(
    lab: Lab, site: Site, tmp_path: Path, without_kills: tuple[Held, Held]
) -> None:
    """The module outlives its controller; the second run's waits for it and finds all done."""
    with faulty_directory(lab, tmp_path, Fault("add", EVERY, 0.02)) as directory:
        first = site.start(halsoval_hsa_server_uri=directory.uri)
        wait_until(lambda: directory.seen["add"] > 20, "the first run's module writes")
        (module,) = site.module_processes()
        _kill(first)

        second = site.onboard(halsoval_hsa_server_uri=directory.uri)

        assert directory.seen["add"] == len(without_kills[0].ours())
    assert module not in site.module_processes()
    assert (second.rc, second.hosts("failed"), second.hosts("changed")) == (0, set(), set())
    assert held(lab).entries == without_kills[0].entries


MOMENTS: dict[str, Callable[[Site], object]] = {
    "begins": lambda site: (site.home / ".ansible").exists(),
    "starts its module": lambda site: site.module_processes(),
    "has written something": lambda site: held(site.lab).ours(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_playbook_killed_and_started_again_at_once(
    lab: Lab, site: Site, without_kills: tuple[Held, Held], moment: str
) -> None:
    first = site.start()
    wait_until(lambda: MOMENTS[moment](site), moment)
    assert first.poll() is None
    _kill(first)

    second = site.onboard()

    assert (second.rc, second.hosts("failed")) == (0, set())
    wait_until(lambda: not site.processes(), "what the first run left behind has ended")
    assert held(lab).entries == without_kills[0].entries


def _kill(playbook: subprocess.Popen[str]) -> None:
    """Kill ansible-playbook and nothing of what it has started."""
    playbook.kill()
    playbook.wait(10)
    assert playbook.stdout
    playbook.stdout.close()
