# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook reconcile, night after night, against a real directory."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Held,
    Run,
    Site,
    empty,
    held,
    make_site,
    restore,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record

STAFF = [person(index) for index in range(1, 7)]
SYSTEMS = ["hsa", "siths"]


@pytest.fixture(scope="module")
def first(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Held]]:
    """A site with two providers, and what a first night made of it."""
    site = make_site(tmp_path_factory.mktemp("nights") / "site", lab, examples=False)
    site.put(record("alfa", STAFF[:5]))
    site.put(record("beta", STAFF[5:]))
    empty(lab)
    run, _report = night(site)
    assert run.rc == 0, run.output
    yield site, held(lab)
    empty(lab)


@pytest.fixture
def site(lab: Lab, first: tuple[Site, Held]) -> Site:
    """The site with its first records, and the directory as it was then."""
    site, content = first
    site.put(record("alfa", STAFF[:5]))
    site.put(record("beta", STAFF[5:]))
    restore(lab, content)
    return site


def night(site: Site, *options: str, **variables: object) -> tuple[Run, dict[str, Any]]:
    """A night; returns the run, and the report that it left."""
    return site.reconcile(*options, halsoval_systems=SYSTEMS, **variables)


def listener(directory: Path) -> tuple[Path, list[str]]:
    """A file, and a command that adds to it what it is told, a line each time."""
    heard, teller = directory / "heard", directory / "teller.py"
    teller.write_text(f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + '\\n')")
    return heard, [sys.executable, str(teller)]


def found(report: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [finding for finding in report["findings"] if finding["name"] in names]


def test_quiet_night_changes_nothing_and_confirms_every_provider(site: Site) -> None:
    run, report = night(site)
    assert run.rc == 0, run.output
    assert {one["provider"] for one in found(report, "confirmed")} == {"alfa", "beta"}
    assert found(report, "healed", "not_checked", "refused") == []
    assert [one["state"] for one in report["systems"]] == ["checked"] * len(SYSTEMS)


def test_files_are_the_users_alone_but_for_the_metrics_which_name_nobody(site: Site) -> None:
    night(site)
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in site.path.rglob("night-*")}
    assert modes == {".json": 0o600, ".txt": 0o600}
    metrics = site.path / "halsoval.prom"
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644
    assert "SE2321000214" not in metrics.read_text(encoding="utf-8")
    for path in site.path.rglob("night-*"):
        assert number(1) not in path.read_text(encoding="utf-8")


def test_drift_is_mended_and_told(lab: Lab, site: Site) -> None:
    before = held(lab)
    commission = next(dn for dn, e in before.of("alfa").items() if "hsaCommissionMember" in e)
    with lab.admin() as admin:
        admin.modify(commission, {"hsaCommissionMember": [(ldap3.MODIFY_DELETE, [])]})
    run, report = night(site)
    assert run.rc == 0, run.output
    assert held(lab) == before
    assert [(one["system"], one["provider"]) for one in found(report, "healed")] == [
        ("hsa", "alfa")
    ]


def test_check_mends_nothing_and_leaves_no_report(lab: Lab, site: Site) -> None:
    for path in (site.path / "nights").glob("*"):
        path.unlink()
    with lab.admin() as admin:
        commission = next(
            dn for dn, e in held(lab).of("alfa").items() if "hsaCommissionMember" in e
        )
        admin.modify(commission, {"hsaCommissionMember": [(ldap3.MODIFY_DELETE, [])]})
    before = held(lab)
    run, report = night(site, "--check")
    assert (run.rc, report) == (0, {}), run.output
    assert held(lab) == before


def test_refusal_is_grave_and_told_once(site: Site, tmp_path: Path) -> None:
    heard, command = listener(tmp_path)
    tell = {"halsoval_tell": command}
    site.put(record("alfa", STAFF[:1]))
    run, report = night(site, **tell)
    assert run.rc == 2
    refused = {(one["system"], one["provider"]) for one in found(report, "refused")}
    assert ("hsa", "alfa") in refused
    night(site, **tell)
    (told,) = heard.read_text(encoding="utf-8").splitlines()
    assert {one["name"] for one in json.loads(told)["findings"]} == {"refused"}
    assert not json.loads(told)["wake"]
    assert {one["message"] for one in json.loads(told)["findings"]} == {None}


def test_directory_that_is_away_leaves_the_rest_checked_and_wakes_a_person(
    site: Site, tmp_path: Path
) -> None:
    heard, command = listener(tmp_path)
    away = {"halsoval_hsa_server_uri": "ldaps://localhost:1", "halsoval_hsa_timeout": 2}
    run, report = night(site, **away, halsoval_tell=command)
    assert run.rc == 2
    assert ("hsa", "not_checked") in {(o["system"], o["state"]) for o in report["systems"]}
    assert json.loads(heard.read_text(encoding="utf-8"))["wake"]
    assert found(report, "confirmed") == []


def test_nights_are_counted_and_limit_is_refused(site: Site) -> None:
    site.put(record("alfa", [{**STAFF[0], "licences": [{"title": "Sjuksköterska"}]}, *STAFF[1:5]]))
    for day in ("2026-03-03", "2026-03-04"):
        _run, report = night(site, halsoval_as_of=day)
    (unconfirmed,) = found(report, "licence_unconfirmed")
    assert (unconfirmed["since"], unconfirmed["nights"]) == ("2026-03-03", 2)
    run = site.play("reconcile", "--limit", "alfa", halsoval_systems=SYSTEMS)
    assert run.rc == 2
    assert "expected no --limit" in run.output
