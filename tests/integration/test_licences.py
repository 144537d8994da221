# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Licences beside the registry in a real slapd, in a ledger that killed runs leave whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences import assignments
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.holdings import (
    Cal,
    of_entry,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    Run,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.licence_book import (
    LicenceBook,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    empty,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.killing import (
    Killer,
    finished,
    start,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    approved,
    record,
    workstation,
)

ROUNDS, KILLS = 5, full(10, 3)
BOTH = ["workstations", "licences"]


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A site with the examples, and a directory with nothing of ours."""
    empty(lab)
    yield make_site(tmp_path / "site", lab)
    empty(lab)


def cals(state: Path) -> list[Cal]:
    """The licences in a ledger."""
    with Ledger(None, state, Run("look", "test", TODAY), check=True) as ledger:
        return list(map(of_entry, LicenceBook(ledger).read()))


def test_examples_are_given_licences_and_a_second_run_changes_nothing(site: Site) -> None:
    run = site.onboard("-v", halsoval_systems=BOTH)
    assert run.rc == 0, run.output
    own = run.results["fjallhalsan"]["licences"]
    assert own["counts"] == {"cal": 48, "added": 48}
    assert own["licences"]["rds"] == {"assigned": 24, "free": 13, "pool": 140}
    assert len(cals(site.state)) == 2 * 127
    again = site.onboard(halsoval_systems=BOTH)
    assert (again.rc, again.hosts("changed")) == (0, set())


def test_pool_one_short_stops_registry_and_licences_of_the_last_provider(site: Site) -> None:
    run = site.onboard(
        "-v", halsoval_systems=BOTH, halsoval_licence_pools={"windows": 126, "rds": 140}
    )
    assert (run.rc, run.hosts("failed")) == (2, {"storsjokliniken"})
    words = "1 Windows CAL is missing: 94 are needed, and 93 of the pool of 126 are free"
    assert run.output.count(words) >= 2
    assert not any("storsjo" in key for key in registered(site.lab))
    assert {cal.provider for cal in cals(site.state)} == {"bracke-lakarhus", "fjallhalsan"}


def registered(lab: Lab) -> list[str]:
    """The keys of the registered workstations."""
    keys = (e.get("halsovalKey", ("",))[0] for e in held(lab).entries.values())
    return [key for key in keys if key.startswith("workstation/")]


def test_evidence_is_read_and_its_bad_line_is_a_warning(site: Site) -> None:
    evidence = site.path / "issued.csv"
    evidence.write_bytes(
        "#TYPE Selected.System.Management.ManagementObject\r\n"
        '"sIssuedToComputer";"LicenseStatus";"ExpirationDate"\r\n'
        '"FJH-PC-001";"1";"20260420120000.000000+060"\r\n'
        '"OKAND-7.ad.example";"2";"20260420120000.000000+060"\r\n'
        '"FJH-PC-002";"2";"3/4/2026"\r\n'.encode("utf-16")
    )
    run = site.onboard("-v", halsoval_systems=BOTH, halsoval_licence_evidence_path=str(evidence))
    assert run.rc == 0, run.output
    assert [
        (f["code"], f["object"]) for f in run.results["fjallhalsan"]["licences"]["findings"]
    ] == [("cal_missing", "FJH-PC-001")]
    words = " ".join(run.output.split())
    assert "line 5, column ExpirationDate: expected a date" in words
    assert "cal_unexplained" in words


# --- kills ----------------------------------------------------------------------------------------


def fleet(stage: int) -> Approved:
    """Two providers whose workstations come and go."""

    def rows(prefix: str) -> Iterator[dict[str, object]]:
        for n in range(20 * (stage + 1)):
            ends = {"to": "2026-03-01"} if n < 10 * stage else {}
            yield workstation(f"{prefix}-{n}", **ends)

    return approved(
        *(record(p, workstations=rows(p[0]), workstation_groups=20) for p in ("alfa", "beta"))
    )


def bring(state: Path, name: str, everything: Approved) -> None:
    """What the module does."""
    known = frozenset(one.id for one in everything.records)
    request = Request(
        providers=tuple(known), known=known, invalid=frozenset(), expected=frozenset(),
        secret=b"secret", check=False, diff=False, title="licences",
    )  # fmt: skip
    with Ledger(None, state, Run(name, "test@controller", TODAY)) as ledger:

        def wish(entries: Sequence[Entry]) -> Desired:
            rules = Rules({"windows": 300, "rds": 300})
            return assignments.desire(everything, TODAY, rules, entries)

        results = provision(LicenceBook(ledger), wish, request, ledger)
    assert not any(own["failed"] for own in results.values()), results


def test_killed_runs_give_each_workstation_one_licence(tmp_path: Path) -> None:
    """Runs are killed in their midst, and each stage ends as it does without kills."""
    state, undisturbed = tmp_path / "state", tmp_path / "undisturbed"
    killer, killed = Killer(0.5), 0
    for stage in range(ROUNDS):
        everything = fleet(stage)
        assert finished(start(partial(bring, undisturbed, f"run-{stage}", everything))) == 0
        while killed < (stage + 1) * KILLS:
            killed += killer.kill(partial(bring, state, f"{stage}-{killed}", everything))
        assert finished(start(partial(bring, state, f"{stage}-whole", everything))) == 0
        assert cals(state) == cals(undisturbed)
        numbers = [(c.kind, c.number) for c in cals(state) if c.is_taken(TODAY)]
        assert len(numbers) == len(set(numbers))
    with Ledger(None, state, Run("look", "test", TODAY), check=True) as ledger:
        assert verify(ledger) == []
        assert ledger.unfinished("licences") == []
