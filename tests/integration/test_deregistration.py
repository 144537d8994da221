# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One workstation's end, through the playbook in all systems that know of workstations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.citrix import HALSOVAL, CitrixSite, citrix_site
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Run,
    Site,
    empty,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.integration.test_licences import cals
from ansible_collections.regionjh.halsoval.tests.integration.test_workstations import registered
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import record, workstation

NURSE = "REGION\\nurse"
GONE, STAYS = "PC-1", "PC-2"


@dataclass(frozen=True)
class Region:
    """A site, and the Citrix that lets its people in."""

    site: Site
    citrix: CitrixSite

    def onboard(self, **gone: Any) -> Run:
        """Bring two workstations in line, of which one has these fields."""
        rows = [workstation(GONE, **gone), workstation(STAYS)]
        self.site.put(record("alfa", workstations=rows, workstation_groups=1))
        run = self.site.onboard(
            "-v",
            halsoval_systems=["workstations", "licences", "citrix"],
            halsoval_citrix_server_uri=self.citrix.uri,
            halsoval_citrix_ca_path=str(self.citrix.ca),
            halsoval_citrix_password=self.citrix.password,
        )
        assert run.rc == 0, run.output
        return run

    def connect(self, client: str) -> dict[str, Any]:
        """A nurse of the provider tries to get in: admitted, session, reasons."""
        asked = {"user": NURSE, "client_name": client, "client_address": "192.0.2.9"}
        return dict(self.citrix.lab("connect", delivery_group=HALSOVAL, **asked))

    def sessions(self) -> set[str]:
        """The ids of those who are in."""
        return {one["Id"] for one in self.citrix.rest()("GET", "Sessions").body["Items"]}

    def licensed(self) -> set[str]:
        """The workstations that have a licence of each kind."""
        kinds = defaultdict(set)
        for cal in cals(self.site.state):
            if cal.is_assigned:
                kinds[cal.object].add(cal.kind)
        return {holder for holder, theirs in kinds.items() if theirs == {"windows", "rds"}}

    def registered(self) -> set[str]:
        """The workstations whose entries say that they are in use."""
        return set(registered(held(self.site.lab)))


@pytest.fixture
def region(lab: Lab, tmp_path: Path) -> Iterator[Region]:
    """A directory with nothing of ours, and a Citrix that knows the nurse."""
    empty(lab)
    (tmp_path / "citrix").mkdir()
    with citrix_site(tmp_path / "citrix") as citrix:
        nurse = {"SamName": NURSE, "IsGroup": False, "MemberOf": ["REGION\\Halsoval-alfa"]}
        citrix.lab("directory", identities=[nurse])
        yield Region(make_site(tmp_path / "site", lab, examples=False), citrix)
    empty(lab)


def test_a_deregistered_workstation_loses_session_rule_entry_and_licences(region: Region) -> None:
    region.onboard()
    assert region.registered() == region.licensed() == {GONE, STAYS}
    gone, stays = (region.connect(client)["session"] for client in (GONE, STAYS))
    assert {gone, stays} <= region.sessions()

    region.onboard(to="2026-03-01")

    assert region.sessions() & {gone, stays} == {stays}
    assert not region.connect(GONE)["admitted"]
    assert region.connect(STAYS)["admitted"]
    assert region.registered() == region.licensed() == {STAYS}
    assert region.onboard(to="2026-03-01").hosts("changed") == set()
