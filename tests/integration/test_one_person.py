# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""onboard for one person, against a real directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    empty,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    assignment,
    number,
    person,
    record,
)

SYSTEMS = ["hsa", "siths"]


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A site with a provider of two, and one of one, both onboarded."""
    empty(lab)
    site = make_site(tmp_path / "site", lab, examples=False)
    site.put(record("alfa", [person(1, ref="one"), person(2, ref="two")]))
    site.put(record("beta", [person(3, ref="three")]))
    assert site.onboard(halsoval_systems=SYSTEMS).rc == 0
    yield site
    empty(lab)


def test_a_locum_is_entered_and_the_others_wait(lab: Lab, site: Site) -> None:
    renamed = person(1, ref="one", surname="Gift")
    locum = person(9, ref="locum", cards=[{"kind": "reserve", "loa": 3}])
    site.put(record("alfa", [renamed, person(2, ref="two"), locum]))
    before = held(lab)
    asked = {"halsoval_systems": SYSTEMS, "halsoval_person": "alfa/locum"}
    check = site.onboard("--check", "--diff", **asked)
    assert (check.rc, check.hosts("changed")) == (0, {"alfa"}), check.output
    assert "Gift" not in check.output
    assert held(lab).entries == before.entries

    run = site.onboard(**asked)

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"}), run.output
    entry = held(lab).person(number(9))
    assert entry is not None
    assert before.person(number(1)) == held(lab).person(number(1))
    assert len(list(site.outbox.glob("ra_organisation/*.json"))) == 1
    assert site.onboard(**asked).hosts("changed") == set()
    site.put(
        record("alfa", [renamed, person(2, ref="two"), person(9, assignment(to="2026-03-01"))])
    )
    gone = site.onboard(halsoval_systems=SYSTEMS, halsoval_person=entry["hsaIdentity"][0])
    assert gone.rc == 0, gone.output
    assert not any(
        entry["hsaIdentity"][0] in values
        for held_entry in held(lab).entries.values()
        for values in [held_entry.get("hsaCommissionMember", ())]
    )


def test_whom_nobody_knows_is_an_error_that_repeats_nothing(site: Site) -> None:
    for typed in (number(1), "alfa/nobody", "SE2321000214-HV999999"):
        run = site.onboard("-vvv", halsoval_systems=["hsa"], halsoval_person=typed)
        assert run.rc == 2
        assert "expected as person" in run.output or "expected an HSA-id" in run.output
    assert number(1) not in run.output
