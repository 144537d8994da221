# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook verify: each provider's sheet on the terminal and as a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.lab import Lab

from .onboarding import Site, make_site

BRACKE, FJALL = "bracke-lakarhus", "fjallhalsan"
NAME = "Bräcke Låtsasläkarhus ekonomisk förening"


@pytest.fixture
def site(tmp_path: Path, lab: Lab) -> Site:
    return make_site(tmp_path / "site", lab)


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    """Where the pages go."""
    return tmp_path / "sheets"


def test_a_limited_run_prints_and_writes_that_providers_sheet(site: Site, sheets: Path) -> None:
    odd = "{{ 7 * 7 }} <b>& co"
    site.edit(BRACKE, "agreement", f"name: {NAME}", f'name: "{odd}"')

    run = site.play("verify", "--limit", BRACKE, verify_directory=str(sheets))

    assert run.rc == 0, run.output
    assert f"Slutverifiering: {odd}" in run.output
    assert "Åtgärden M-SKRIVARE klar (bilaga 2, 3.9)" in run.output
    assert "Läget 2026-03-02: drift" not in run.output
    (page,) = sheets.iterdir()
    assert page.name == f"verification-{BRACKE}-2026-03-02.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert "{{ 7 * 7 }} &lt;b&gt;&amp; co" in page.read_text()
    assert run.hosts("changed") == set()


def test_a_check_prints_the_same_and_writes_nothing(site: Site, sheets: Path) -> None:
    run = site.play("verify", "--check", verify_directory=str(sheets))

    assert run.rc == 0, run.output
    assert run.output.count("I ordning") == 5
    assert not sheets.exists()


def test_a_provider_whose_record_is_invalid_fails_and_the_others_have_sheets(site: Site) -> None:
    site.edit(BRACKE, "agreement", "outcome: approved", "outcome: fine")

    run = site.play("verify")

    assert run.hosts("failed") == {BRACKE}
    assert "final_verification.outcome: expected approved or not_approved" in run.output
    assert run.output.count("I ordning") == 4


def test_a_directory_that_is_no_absolute_path_is_refused(site: Site) -> None:
    run = site.play("verify", "--limit", FJALL, verify_directory="sheets")

    assert run.hosts("failed") == {FJALL}
    assert "expected dest as an absolute path" in run.output


def test_an_onboarding_provider_reads_which_evidence_is_missing(site: Site) -> None:
    run = site.onboard("--check", "-v", "--limit", BRACKE)

    closed = f"{BRACKE} (establishment, closed: final_verification, final_agreement, start): hsa: "
    assert closed in run.output
    assert "must M-SKRIVARE resolved (annex 3.9), final agreement signed (annex 3.9)" in run.output
