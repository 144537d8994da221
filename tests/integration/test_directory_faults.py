# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that misbehaves: the run fails clearly and has written nothing, or it converges."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    EVERY,
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    INVENTORY,
    Held,
    Run,
    Site,
    Task,
    acquaint,
    empty,
    held,
    make_site,
    make_task,
    restore,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab, free_port

PROVIDERS = {path.name for path in (INVENTORY / "providers").iterdir()}


@pytest.fixture(scope="module")
def task(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Task]:
    """The module's task over the examples as they stand."""
    path = tmp_path_factory.mktemp("examples")
    yield make_task(make_site(path / "site", lab), path / "payload")
    empty(lab)


@pytest.fixture(scope="module")
def onboarded(lab: Lab, task: Task) -> Held:
    """What the directory holds after a run without faults."""
    empty(lab)
    succeeded(task.run())
    return held(lab)


@pytest.fixture(scope="module")
def changed_site(lab: Lab, onboarded: Held, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The examples with changes: units renamed, half of all people modified, somebody added."""
    site = make_site(tmp_path_factory.mktemp("changed") / "site", lab)
    site.edit("bracke-lakarhus", "agreement", "    name: Bräcke L", "    name: Nya L")
    site.edit("storsjokliniken", "agreement", "    name: Storsjökliniken C", "    name: C")
    site.edit("storsjokliniken", "staff", "position: Sjuksköterska", "position: Sköterska")
    site.edit("fjallhalsan", "staff", "        from: 2026-04-01", "        from: 2026-03-01")
    acquaint(site.state, onboarded)
    return site


@pytest.fixture(scope="module")
def changed_task(changed_site: Site) -> Task:
    """The module's task over the changed examples."""
    return make_task(changed_site, changed_site.path / "payload")


@pytest.fixture(scope="module")
def changed(lab: Lab, onboarded: Held, changed_task: Task) -> Held:
    """What the directory holds when the changed examples follow, without faults."""
    restore(lab, onboarded)
    succeeded(changed_task.run())
    return held(lab)


def succeeded(result: dict[str, Any]) -> None:
    """Every provider's part of a module's result is without errors."""
    assert "msg" not in result, result["msg"]
    assert result["providers"].keys() == PROVIDERS
    assert [own["errors"] for own in result["providers"].values()] == [[]] * len(PROVIDERS)


# --- runs that fail for everybody, before anything is written


def failed_for_all(run: Run, reason: str) -> None:
    """Every provider's host failed, none is called changed, and the reason is told once."""
    assert run.rc == 2
    assert run.hosts("failed") == PROVIDERS
    assert run.hosts("changed") == set()
    fatal = [line for line in run.output.splitlines() if line.startswith("fatal: [")]
    assert [reason in line for line in fatal] == [True] + [False] * len(PROVIDERS)
    assert max(map(len, fatal)) < 500


@pytest.mark.parametrize(
    ("known_ca", "name", "reason"),
    [
        (False, "localhost", "it is signed by itself, not by the one in"),
        (True, "annan.example", "it is not for the name localhost"),
    ],
    ids=["ca", "name"],
)
def test_certificate_that_cannot_be_verified(
    lab: Lab,
    changed_site: Site,
    onboarded: Held,
    tmp_path: Path,
    known_ca: bool,
    name: str,
    reason: str,
) -> None:
    restore(lab, onboarded)
    with faulty_directory(lab, tmp_path, known_ca=known_ca, name=name) as directory:
        run = changed_site.onboard(halsoval_hsa_server_uri=directory.uri)

    failed_for_all(run, f"{directory.uri} presents a certificate that cannot be verified: {reason}")
    assert directory.seen["message"] == 0  # nobody unknown gets to see the password
    assert held(lab).entries == onboarded.entries


def test_refused_bind(lab: Lab, changed_site: Site, onboarded: Held) -> None:
    restore(lab, onboarded)
    run = changed_site.onboard(halsoval_hsa_bind_password="not the password")

    failed_for_all(run, f"refused the bind as {lab.service_dn}: invalid credentials")
    assert held(lab).entries == onboarded.entries


def test_truncated_search(other_lab: Lab, changed_site: Site, onboarded: Held) -> None:
    """slapd itself cuts what it sends to the account."""
    restore(other_lab, onboarded)
    site = Site(changed_site.path, other_lab)

    run = site.onboard()

    failed_for_all(run, f"the directory cut the search below {other_lab.base} short")
    assert held(other_lab).ours() == onboarded.ours()
    empty(other_lab)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("entry", range(100, 1_000_000), "close"), "the directory closed the connection"),
        (Fault("search", EVERY, "busy"), "the directory is busy"),
    ],
    ids=["closes mid-read", "busy"],
)
def test_read_that_never_completes(
    lab: Lab, changed_site: Site, onboarded: Held, tmp_path: Path, fault: Fault, reason: str
) -> None:
    restore(lab, onboarded)
    with faulty_directory(lab, tmp_path, fault) as directory:
        run = changed_site.onboard(halsoval_hsa_server_uri=directory.uri)

    failed_for_all(run, f"{directory.uri} could not be reached, or stayed busy: {reason}")
    assert directory.seen["search"] > 1  # it tried again
    assert directory.seen["modify"] == directory.seen["add"] == 0
    assert held(lab).entries == onboarded.entries


@pytest.mark.parametrize("hangs", [True, False], ids=["never answers", "does not run"])
def test_server_that_is_not_there(
    lab: Lab, changed_task: Task, onboarded: Held, tmp_path: Path, hangs: bool
) -> None:
    restore(lab, onboarded)
    fault = Fault("search", EVERY, 60.0)
    with faulty_directory(lab, tmp_path, fault) as directory:
        uri = directory.uri if hangs else f"ldaps://localhost:{free_port()}"
        result = changed_task.but(server_uri=uri, timeout=1).run()

    assert result["failed"]
    assert result["msg"].startswith(f"{uri} could not be reached, or stayed busy: ")
    assert held(lab).entries == onboarded.entries


# --- faults that a run gets over


BUSY = (
    Fault("bind", {1, 2}, "busy"),
    Fault("search", {1}, "busy"),
    Fault("add", {1, 17, 18, 90}, "busy"),
    Fault("modify", {1, 20}, "busy"),
    Fault("rename", {1}, "busy"),
)
CLOSES = (
    Fault("entry", {10}, "close"),
    Fault("search reply", {1}, "close"),
    Fault("add", {1, 30, 120}, "close"),
    Fault("modify", {1, 20}, "close"),
    Fault("rename", {2}, "close"),
)
REPLY_LOST = (
    Fault("add reply", {1, 40, 41, 150}, "close"),
    Fault("modify reply", {1, 30}, "close"),
    Fault("rename reply", {1, 2}, "close"),
)


def _at_random(seed: int) -> tuple[Fault, ...]:
    chance = random.Random(seed)
    return (
        Fault("add", set(chance.sample(range(1, 180), 3)), "busy"),
        Fault("add", set(chance.sample(range(1, 180), 3)), "close"),
        Fault("add reply", set(chance.sample(range(1, 150), 4)), "close"),
        Fault("modify", set(chance.sample(range(1, 30), 2)), "close"),
        Fault("modify reply", set(chance.sample(range(1, 30), 3)), "close"),
    )


FAULTS = {
    "busy": BUSY,
    "closes": CLOSES,
    "reply lost": REPLY_LOST,
    "at random, 1": _at_random(1),
    "at random, 2": _at_random(2),
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_passing_faults_leave_no_trace(
    lab: Lab,
    task: Task,
    changed_task: Task,
    onboarded: Held,
    changed: Held,
    tmp_path: Path,
    faults: tuple[Fault, ...],
) -> None:
    """What is added and what is changed comes out as without faults: no double, no error."""
    empty(lab)
    task.forget()
    with faulty_directory(lab, tmp_path, *faults) as directory:
        succeeded(task.but(server_uri=directory.uri).run())
        assert held(lab).entries == onboarded.entries
        succeeded(changed_task.but(server_uri=directory.uri).run())

    assert held(lab).entries == changed.entries
    for fault in faults:
        assert directory.seen[fault.kind] >= min(fault.numbers), "the fault did not occur"


def test_playbook_gets_over_lost_replies(
    lab: Lab, changed_site: Site, onboarded: Held, changed: Held, tmp_path: Path
) -> None:
    restore(lab, onboarded)
    with faulty_directory(lab, tmp_path, *REPLY_LOST) as directory:
        run = changed_site.onboard(halsoval_hsa_server_uri=directory.uri)

    assert (run.rc, run.hosts("failed")) == (0, set())
    assert run.hosts("changed") == {"bracke-lakarhus", "fjallhalsan", "storsjokliniken"}
    assert held(lab).entries == changed.entries


def test_write_that_stays_busy_fails_its_provider_alone(
    lab: Lab, changed_task: Task, onboarded: Held, changed: Held, tmp_path: Path
) -> None:
    restore(lab, onboarded)
    with faulty_directory(lab, tmp_path, Fault("rename", EVERY, "busy")) as directory:
        result = changed_task.but(
            server_uri=directory.uri, providers=["bracke-lakarhus", "fjallhalsan"]
        ).run()

    bracke, fjallhalsan = (result["providers"][p] for p in ("bracke-lakarhus", "fjallhalsan"))
    assert "the directory stayed busy or unreachable" in bracke["msg"]
    assert (fjallhalsan["changed"], fjallhalsan["errors"]) == (True, [])
    after = held(lab)
    assert after.of("bracke-lakarhus") == onboarded.of("bracke-lakarhus")
    assert after.members("fjallhalsan") == changed.members("fjallhalsan")


# --- a directory that goes away for good while it is written to -----------------------------------

IMPATIENT = "ansible_collections.regionjh.halsoval.tests.integration.impatient_hsa"
# The bind for the read is the first one; each level of writes has its own.
CUTS = {
    "at the first add": (Fault("add", {1}, "close"), 3),
    "among the units": (Fault("add reply", {6}, "close"), 4),
    "among the people": (Fault("add reply", {60}, "close"), 5),
    "late among the people": (Fault("add", {140}, "close"), 5),
    "at the last level": (Fault("add reply", {165}, "close"), 6),
    "between two levels": (Fault("bind", {4}, "close"), 4),
}


def gone_after(fault: Fault, bind: int) -> tuple[Fault, ...]:
    """A fault, and no login from that one on."""
    return fault, Fault("bind", range(bind, 1000), "close")


def told(result: dict[str, Any]) -> tuple[set[str], set[str], set[str]]:
    """The HSA-ids of objects that a provider's result calls done, perhaps done, and not done."""
    done = {change.split()[-1] for change in result["changes"]}
    errors = [re.fullmatch(r"\w+ (\S+): (.*)", error, re.DOTALL) for error in result["errors"]]
    reasons = {error[1]: error[2] for error in errors if error}
    assert len(reasons) == len(result["errors"])
    perhaps = {what for what, why in reasons.items() if why.startswith("perhaps written")}
    return done, perhaps, reasons.keys() - perhaps


def ids(content: Held) -> set[str]:
    return {entry["hsaIdentity"][0] for entry in content.ours().values()}


@pytest.mark.parametrize(("fault", "bind"), CUTS.values(), ids=CUTS.keys())
def test_a_directory_that_goes_away_while_it_is_written_to(
    lab: Lab, task: Task, onboarded: Held, tmp_path: Path, fault: Fault, bind: int
) -> None:
    """Each provider is told what is done and what not, the journal is right, the next run mends."""
    empty(lab)
    task.forget()
    impatient = replace(task, module=IMPATIENT)
    with faulty_directory(lab, tmp_path, *gone_after(fault, bind)) as directory:
        result = impatient.but(server_uri=directory.uri).run()
    assert directory.seen["bind"] >= bind, "it did not go away"
    after = held(lab)
    for provider, own in result["providers"].items():
        done, perhaps, failed = told(own)
        assert done | perhaps | failed == ids(Held(onboarded.of(provider)))
        assert done <= ids(after)
        assert failed.isdisjoint(ids(after))
        assert (own["changed"], own["failed"]) == (bool(done), bool(perhaps | failed))

    succeeded(task.run())

    assert held(lab).entries == onboarded.entries
    task.audit_log()  # every intent has its outcome


def test_playbook_tells_who_was_done_before_the_directory_went_away(
    lab: Lab, task: Task, onboarded: Held, tmp_path: Path
) -> None:
    """In the recap too: done, done in part, not done; and nothing is done to two others."""
    restore(lab, onboarded)
    with lab.admin() as admin:
        for dn, entry in onboarded.of("storsjokliniken").items():
            if "hsaCommission" in entry["objectClass"]:
                admin.delete(dn)
        for unit in ("unit/bracke-lakarhus/bracke", "unit/fjallhalsan/are-lakarhus"):
            (dn,) = (dn for dn, e in onboarded.ours().items() if unit in e["halsovalKey"])
            admin.modify(dn, {"telephoneNumber": [("MODIFY_DELETE", [])]})
        commission = next(
            dn
            for dn, entry in onboarded.of("fjallhalsan").items()
            if "hsaCommissionMember" in entry
        )
        admin.modify(commission, {"hsaCommissionMember": [("MODIFY_DELETE", [])]})
    # It reads, writes two units, and is gone at the commissions.
    faults = gone_after(Fault("add", {1}, "close"), 4)
    site = make_site(tmp_path / "site", lab)
    acquaint(site.state, onboarded)
    with faulty_directory(lab, tmp_path, *faults) as directory:
        run = site.onboard(halsoval_hsa_server_uri=directory.uri)

    assert run.rc == 2
    assert run.hosts("changed") == {"bracke-lakarhus", "fjallhalsan"}
    assert run.hosts("failed") == {"fjallhalsan", "storsjokliniken"}
    fatal = [line for line in run.output.splitlines() if line.startswith("fatal: [")]
    assert all("commission SE2321000214-HV" in line and len(line) < 1500 for line in fatal)
    succeeded(task.run())
    assert held(lab).entries == onboarded.entries
