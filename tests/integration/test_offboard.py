# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook offboard, over a provider's last days: cards, HSA and AD at each edge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    DISABLED,
    domain,
    empty_region,
    flags,
    guid,
    in_domain,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Run,
    Site,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    XRAY,
    number,
    person,
    record,
    uses,
)

SYSTEMS = {"halsoval_systems": ["hsa", "siths", "ad"]}
LAST_DAY, DAY_AFTER, CONFIRMED, DELETED = "2026-03-01", "2026-03-02", "2026-03-09", "2026-06-01"
HEADINGS = "Beställningsnummer;Status;Datum;Kortnummer;Giltigt till"
CARD = {"kind": "ordinary", "loa": 2, "office": "Östersund"}


@dataclass
class Life:
    """A region where alfa leaves with one person who has a card, and beta stays."""

    site: Site

    def put(self, ends: str | None) -> None:
        """The records, with the end of alfa."""
        people = [person(1, uses(XRAY), cards=[CARD]), person(2, uses(XRAY))]
        agreement = {"ends": ends} if ends else {}
        self.site.put(record("alfa", people, agreement=agreement))
        self.site.put(record("beta", [person(3, uses(XRAY))]))

    def offboard(self, day: str, *options: str) -> Run:
        return self.site.play(
            "offboard", "--limit", "alfa", "-v", *options, halsoval_as_of=day, **SYSTEMS
        )

    def answer(self, kind: str, state: str, day: str, card: str = ";") -> None:
        """The card office carries out the one order of a kind that has left."""
        (order,) = (
            order
            for path in self.site.outbox.rglob("*.json")
            for order in json.loads(path.read_text(encoding="utf-8"))["orders"]
            if order["kind"] == kind
        )
        folder = self.site.inbox / "ra_organisation"
        folder.mkdir(parents=True, exist_ok=True)
        lines = (HEADINGS, f"{order['order']};{state};{day};{card}", "")
        (folder / f"{kind}.csv").write_text("\n".join(lines), encoding="utf-8")
        run = self.site.play("receipts", halsoval_as_of=day, **SYSTEMS)
        assert run.rc == 0, run.output

    def entry(self, index: int) -> dict[str, Any]:
        found = held(self.site.lab).person(number(index))
        assert found is not None
        return dict(found)

    def archived(self) -> dict[str, bool]:
        """What of alfa is archived."""
        content = held(self.site.lab)
        entries = {
            "one": self.entry(1), "two": self.entry(2),
            "unit": content.keyed("unit/alfa/vc"), "provider": content.keyed("provider/alfa"),
        }  # fmt: skip
        return {name: "hsaArchivedObject" in e["objectClass"] for name, e in entries.items()}

    def unchanged(self, day: str) -> None:
        """A check and a run change nothing any more."""
        before = held(self.site.lab), in_domain(self.site.lab)
        for options in (("--check",), ()):
            run = self.offboard(day, *options)
            assert (run.rc, run.hosts("changed")) == (0, set()), run.output
        assert (held(self.site.lab), in_domain(self.site.lab)) == before


@pytest.fixture
def life(region: Lab, tmp_path: Path) -> Life:
    """The region in operation; the card of one person is active."""
    empty_region(region)
    life = Life(make_site(tmp_path / "site", region, examples=False))
    life.put(None)
    run = life.site.onboard(halsoval_as_of="2026-02-01", **SYSTEMS)
    assert run.rc == 0, run.output
    life.answer("card", "aktiv", "2026-02-10", "9752278900000001;2031-03-31")
    return life


def test_a_provider_leaves_in_order(life: Life) -> None:
    life.put(LAST_DAY)
    ad, before = domain(life.site.lab), in_domain(life.site.lab)
    one, two = (life.entry(n)["hsaIdentity"][0] for n in (1, 2))

    run = life.offboard(LAST_DAY)
    assert run.rc == 0, run.output
    assert "Osignerade anteckningar" in run.output
    assert in_domain(life.site.lab).enabled >= {one, two}

    check = life.offboard(DAY_AFTER, "--check")
    assert check.rc == 0, check.output
    assert not any(life.archived().values())
    run = life.offboard(DAY_AFTER)
    assert run.rc == 0, run.output
    planned, done = (r.results["alfa"]["hsa"]["changes"] for r in (check, run))
    assert planned == done
    # Who never had a card is archived at once; who has one waits until it is revoked.
    assert life.archived() == {"one": False, "two": True, "unit": False, "provider": False}
    assert held(life.site.lab).members("alfa") == set()
    assert "archive_waits" in run.output
    after = in_domain(life.site.lab)
    for who in (one, two):
        assert flags(after.accounts[who]) & DISABLED
        assert after.groups_of(who) == set()
        assert after.accounts[who]["distinguishedName"][0].endswith(ad.quarantine_ou)
        assert guid(after.accounts[who]) == guid(before.accounts[who])
    life.unchanged(DAY_AFTER)

    life.answer("revocation", "utförd", CONFIRMED)
    assert life.archived()["one"] is False
    run = life.offboard(CONFIRMED)
    assert run.rc == 0, run.output
    assert life.archived() == dict.fromkeys(("one", "two", "unit", "provider"), True)
    assert life.entry(1)["hsaIdentity"] == (one,)
    assert life.entry(1)["endDate"] == ("20260301230000Z",)
    life.unchanged(CONFIRMED)

    run = life.offboard(DELETED)
    assert run.rc == 0, run.output
    assert in_domain(life.site.lab).accounts.keys().isdisjoint({one, two})
    life.unchanged(DELETED)


def test_a_provider_without_an_end_is_refused_and_nothing_is_done(life: Life) -> None:
    before = held(life.site.lab), in_domain(life.site.lab)
    run = life.offboard(DAY_AFTER)
    assert run.rc != 0
    assert "alfa: expected an end date in the record (agreement.ends)" in run.output
    assert "TASK [regionjh.halsoval.hsa" not in run.output
    assert (held(life.site.lab), in_domain(life.site.lab)) == before


def test_without_a_limit_offboard_does_nothing(life: Life) -> None:
    life.put(LAST_DAY)
    run = life.site.play("offboard", halsoval_as_of=DAY_AFTER, **SYSTEMS)
    assert run.rc != 0
    assert "expected --limit <provider>" in run.output
    assert "TASK [regionjh.halsoval.hsa" not in run.output
