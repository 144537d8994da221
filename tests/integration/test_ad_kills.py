# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that keeps accounts, killed again and again: what it was about is done, and once."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import ldap3
import pytest

from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    MARK,
    Content,
    by_provider,
    domain,
    empty_domain,
    empty_region,
    in_domain,
    make_ad_task,
)
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Process,
    Site,
    Task,
    make_site,
    make_task,
)
from ansible_collections.regionjh.halsoval.tests.lab import AD_BASE, Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import XRAY, person, record, uses

SEED = 20260302
KILLS, CLOSING_KILLS = full(20, 6), full(3, 2)
PEOPLE = full(300, 80)
GROUPS = {"Halsoval-alfa", "App-Rontgensvar"}
YESTERDAY = "2026-03-01"
DISABLED_ACCOUNT = "(userAccountControl:1.2.840.113556.1.4.803:=2)"
# Everybody is called Anna<number> Fjällström, so all want the same name and it takes an order.
# The 2,000 names of the region's own, which each run reads by itself, are left out: they take time.
OPTIONS = {"account_name": "{given:.3}{surname:.3}", "base_dn": f"OU=Halsoval,{AD_BASE}"}


@pytest.fixture(scope="module")
def site(region: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose people are in HSA, and an AD with nothing of ours."""
    empty_region(region)
    site = make_site(tmp_path_factory.mktemp("kills") / "site", region, examples=False)
    site.put(record("alfa", [person(index, uses(XRAY)) for index in range(PEOPLE)]))
    assert by_provider(make_task(site, site.path / "payload"))["alfa"]["errors"] == []
    yield site
    empty_domain(region)


def killed(site: Site, task: Task, folder: Path, kind: str, number: int, buffered: bool) -> bool:
    """Kill the module's process as a message of a kind passes; returns whether it was killed.

    What it has sent already reaches the domain controller where it is `buffered`, else is lost.
    """
    victim: SimpleQueue[Process] = SimpleQueue()
    kill = Fault(kind, {number}, lambda: victim.get().kill())
    faults = [kill] if buffered else [kill, Fault(kind, {number}, "close")]
    with faulty_directory(site.lab, folder, *faults, before=domain(site.lab).uri) as directory:
        process = task.but(server_uri=directory.uri).start()
        victim.put(process)
        return process.ended() == -signal.SIGKILL


def planned_names(task: Task) -> dict[str, str]:
    """The names that a run would give that nobody kills, by HSA-id, as check mode shows them."""
    own = by_provider(task.but(_ansible_check_mode=True, _ansible_diff=True))["alfa"]
    names = {}
    for entry in str(own["diff"]["after"]).split("\n\n"):
        shown = dict(line.partition(": ")[::2] for line in entry.splitlines())
        if "employeeNumber" in shown:
            names[shown["employeeNumber"]] = shown["sAMAccountName"]
    return names


def count(lab: Lab, filter: str) -> int:
    """How many of our accounts a filter finds."""
    ad = domain(lab)
    with ad.admin() as admin:
        admin.search(ad.account_ou, filter, ldap3.LEVEL, attributes=[ldap3.NO_ATTRIBUTES])
        return len(admin.response)


def finished(task: Task) -> None:
    """The task run to its end, without errors, and once more: nothing is left to do."""
    assert by_provider(task)["alfa"]["errors"] == []
    again = by_provider(task)["alfa"]
    assert (again["changed"], again["errors"], again["plan"]) == (False, [], "")


def everybody_is_done(content: Content, names: dict[str, str], enabled: bool) -> None:
    """Each person has one account with the planned name, all of them open or all closed."""
    assert content.names == names
    assert content.enabled == (set(names) if enabled else set())
    for group in GROUPS:
        assert content.members(group) == content.enabled
    marked = {who for who, entry in content.accounts.items() if MARK in entry["extensionName"]}
    assert marked == set(names) - content.enabled


def test_kills_while_accounts_are_made_and_while_they_are_closed(
    region: Lab, site: Site, tmp_path: Path
) -> None:
    task = make_ad_task(site, tmp_path / "payload", **OPTIONS)
    names = planned_names(task)
    assert len(set(names.values())) == len(names) == PEOPLE
    foreign = in_domain(region).foreign_members("App-Rontgensvar")
    chance = random.Random(SEED)
    made = [0]
    for kill in range(KILLS):
        left = PEOPLE + 1 - made[-1]  # the provider's group is added last
        number = chance.randint(1, min(left, 2 * left // (KILLS - kill)))
        reading = "message", chance.randint(1, 20 + made[-1])
        moment = reading if kill % 5 == 4 else ("add", number)
        assert killed(site, task, tmp_path, *moment, buffered=kill in (1, 7)), moment
        made.append(count(region, "(objectClass=user)"))

    assert made == sorted(made)
    assert len(set(made)) > KILLS // 2, "hardly any kill left something undone"
    finished(task)
    content = in_domain(region)
    everybody_is_done(content, names, enabled=True)

    site.put(record("alfa", [person(i, uses(XRAY, to=YESTERDAY)) for i in range(PEOPLE)]))
    closing = make_ad_task(site, tmp_path / "payload", **OPTIONS)
    opened = [PEOPLE]
    for _kill in range(CLOSING_KILLS):
        moment = "modify", chance.randint(2, PEOPLE // 3)
        assert killed(site, closing, tmp_path, *moment, buffered=False), moment
        opened.append(PEOPLE - count(region, DISABLED_ACCOUNT))

    assert opened == sorted(opened, reverse=True)
    assert 0 < opened[-1] < PEOPLE
    finished(closing)
    closed = in_domain(region)
    everybody_is_done(closed, names, enabled=False)
    assert closed.foreign_members("App-Rontgensvar") == foreign
    done = [row for row in task.audit_log() if row["result"] in ("done", "found done")]
    noted = {row["object"] for row in done if (row["system"], row["operation"]) == ("AD", "add")}
    assert noted == {*(f"account {who}" for who in names), "group Halsoval-alfa"}
    for who, account in closed.accounts.items():
        assert account["objectGUID"] == content.accounts[who]["objectGUID"]
