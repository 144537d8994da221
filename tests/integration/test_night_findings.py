# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong in the region is found by the night's name of it, and nothing else is found.

One region for all, with a provider for each situation. What comes by time alone takes three nights.
What is mended and refused, and how the night tells it, is in test_reconcile.py.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    SharedAccess,
    from_json,
)
from ansible_collections.regionjh.halsoval.tests.citrix import HALSOVAL, CitrixSite, citrix_site
from ansible_collections.regionjh.halsoval.tests.integration.domain import empty_region
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    OFFICE,
    assignment,
    number,
    person,
    record,
    unit,
    uses,
    workstation,
)

SYSTEMS = ["hsa", "workstations", "licences", "siths", "ad", "citrix"]
# AD notes by its own clock when an account is made.
FIRST = dt.date.today()
BEFORE, LAST = (FIRST + dt.timedelta(days=days) for days in (95, 105))
LONG = str(LAST + dt.timedelta(days=1000))
# Whose account opens then is not dormant on the last night; HSA and the card office know of them
# from the first.
BEGINS = str(FIRST + dt.timedelta(days=20))
DIRECT = f"{HALSOVAL}_Direct"
FOREIGN, HOME = "frammande-7", "HEMDATOR"
# The people by provider.
PEOPLE = {"quiet": 1, "dormant": 2, "waiting": 3, "uncollected": 4, "leaver": 5, "gone": 6}
CARD = {"kind": "ordinary", "loa": 3}

Told = tuple[str, str, str]  # name, system and object of a finding


# --- the situations -------------------------------------------------------------------------------


def records() -> Iterator[Record]:
    """A provider in each situation that its record, or time, brings about."""
    office, plain = uses(OFFICE, since=BEGINS), assignment(since=BEGINS)
    left = assignment(to=str(FIRST + dt.timedelta(days=2)))
    yield _record("quiet", [pc("quiet")], office)
    yield _record("dormant", [], uses(OFFICE))
    yield _record("waiting", [], plain, cards=[CARD])
    yield _record("uncollected", [], plain, cards=[CARD])
    yield _record("leaver", [], left, cards=[CARD])
    yield _record("gone", [pc("gone")], plain)
    late = {"from": str(LAST)}
    ends = pc("full", "X", to=str(LAST), **late)
    yield _record("full", [ends, *(pc("full", n, **late) for n in range(10))])
    old = str(LAST - dt.timedelta(days=366))
    yield _record("unattested", [pc("unattested", attested=old)])
    due = {"date": "2026-02-01", "protocol": "P-7", "deviations": ["D1"], "due": str(BEFORE)}
    yield _record("deficient", [], inspections=[due])
    printer = {"kind": "printer", "model": "Skrivmaskin 1", "unit": "vc"}
    yield _record("printing", [], peripherals=[printer])
    yield _record("idle", [pc("idle")])
    yield _record("visited", [pc("visited")])
    yield _record("unlicensed", [pc("unlicensed")])
    share = {"providers": ["nobody"], "workstations": ["SHARING-1"], "from": str(FIRST),
             "to": str(LAST), "agreement": "JOUR-1"}  # fmt: skip
    plain_record = _record("sharing", [pc("sharing")])
    shared = replace(plain_record.agreement, shared_access=(from_json(SharedAccess, share),))
    yield replace(plain_record, agreement=shared)


EXPECTED: dict[str, set[Told]] = {
    "quiet": {("confirmed", "", "")},
    "dormant": {("dormant_account", "ad", "person")},
    "waiting": {("order_overdue", "siths", "person")},
    "uncollected": {("card_not_collected", "siths", "person")},
    # Nobody is archived whose card is out.
    "leaver": {
        ("active_card_of_leaver", "siths", "person"),
        ("archive_waits", "hsa", "person"),
    },
    # Nothing is written of a provider that is over its capacity.
    "full": {
        ("over_capacity", "workstations", "full"),
        ("refused", "workstations", ""),
        ("refused", "licences", ""),
        ("refused", "citrix", ""),
    },
    "unattested": {("attestation_due", "workstations", "UNATTESTED-1")},
    "deficient": {("inspection_due", "workstations", "P-7")},
    "printing": {("unapproved_equipment", "workstations", "vc - printer Skrivmaskin 1")},
    "idle": {("unused", "sightings", "IDLE-1")},
    "visited": {("unknown_user", "sightings", "VISITED-1")},
    "unlicensed": {("cal_missing", "licences", "UNLICENSED-1")},
    "sharing": {("shared_with_nobody", "citrix", "nobody")},
    "gone": {
        ("orphaned", "hsa", "person"),
        ("orphaned", "hsa", "entry"),
        ("orphaned", "workstations", "GONE-1"),
        ("orphaned", "licences", "GONE-1"),
        ("orphaned", "citrix", "Halsoval-gone"),
        ("orphaned", "ad", "Halsoval-gone"),
    },
    "": {
        ("cal_unexplained", "licences", FOREIGN),
        ("open_rule", "citrix", DIRECT),
        ("unregistered_connection", "sightings", HOME),
    },
}


def pc(provider: str, name: object = 1, **fields: Any) -> dict[str, Any]:
    return workstation(f"{provider.upper()}-{name}", **{"attested": str(FIRST), **fields})


def _record(id: str, pcs: list[dict[str, Any]], *assignments: Any, **fields: Any) -> Record:
    cards = {"cards": fields.pop("cards")} if "cards" in fields else {}
    staff = [person(PEOPLE[id], *assignments, **cards)] if assignments else []
    units = [unit(name=f"Vårdcentralen {id}")]
    return record(id, staff, units=units, workstations=pcs, workstation_groups=1, **fields)


# --- the nights -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Region:
    """A site on a region, and the region's Citrix."""

    site: Site
    citrix: CitrixSite

    def night(self, day: dt.date, *systems: str) -> dict[str, set[Told]]:
        """What a night finds at each provider; people are called so, and what else is in HSA."""
        self.today(day)
        variables = {
            "halsoval_citrix_server_uri": self.citrix.uri,
            "halsoval_citrix_ca_path": str(self.citrix.ca),
            "halsoval_citrix_password": self.citrix.password,
            "halsoval_licence_evidence_path": str(self.site.path / "issued.csv"),
            "halsoval_systems": list(systems or SYSTEMS),
        }
        run, report = self.site.reconcile(**variables)
        assert report.get("as_of") == str(day), run.output
        people = {self.hsa_id(provider) for provider in PEOPLE}
        found = defaultdict(set)
        for one in report["findings"]:
            is_in_hsa = one["object"].startswith("SE2321000214-")
            what = "entry" if is_in_hsa else one["object"]
            what = "person" if one["object"] in people else what
            found[one["provider"]].add((one["name"], one["system"], what))
        return dict(found)

    def today(self, day: dt.date) -> None:
        """Have the inventory say which day it is."""
        inventory = self.site.path / "inventory/halsoval.yml"
        text = re.sub("(?m)^as_of: .*$", f"as_of: {day}", inventory.read_text("utf-8"))
        inventory.write_text(text, "utf-8")

    def evening(self, day: dt.date) -> None:
        """Have it be the evening before a night in Citrix."""
        self.citrix.lab("clock", now=f"{day - dt.timedelta(days=1)}T18:00:00Z")

    def hsa_id(self, provider: str) -> str:
        """Who works at a provider."""
        entry = held(self.site.lab).person(number(PEOPLE[provider]))
        assert entry
        return entry["hsaIdentity"][0]

    def connects(self, user: str, client: str) -> None:
        """Somebody gets in, and leaves again."""
        asked = {"client_name": client, "client_address": "192.0.2.9", "delivery_group": HALSOVAL}
        answer = self.citrix.lab("connect", user=f"REGION\\{user}", **asked)
        assert answer["admitted"], answer
        self.citrix.lab("end", session=answer["session"])

    def direct(self, enabled: bool) -> None:
        """Switch the built-in rule that lets everybody in."""
        rest, rules = self.citrix.rest(), f"DeliveryGroups/{quote(HALSOVAL)}/AdvancedAccessPolicies"
        (rule,) = (r for r in rest("GET", rules).body["Items"] if r["Name"] == DIRECT)
        assert rest("PATCH", f"{rules}/{rule['Id']}", {"Enabled": enabled}).code == 200

    @contextmanager
    def fault(self, kind: str, path: str, **told: Any) -> Iterator[None]:
        """Have something go wrong in Citrix each time."""
        self.citrix.lab("faults", faults=[{"kind": kind, "path": path, "times": None, **told}])
        yield
        self.citrix.lab("faults", "DELETE")

    def answers(self, provider: str, state: str, *card: str) -> str:
        """A line of the card office's, on the order for a provider's person."""
        batches = self.site.outbox.glob("ra_organisation/*.json")
        orders = [o for batch in batches for o in json.loads(batch.read_text("utf-8"))["orders"]]
        (order,) = (o for o in orders if o["provider"] == provider)
        return ";".join([order["order"], state, str(FIRST), *card])


@pytest.fixture(scope="module")
def a_region(region: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The region after a first night, which finds what does not come by time."""
    empty_region(region)
    path = tmp_path_factory.mktemp("findings")
    (path / "citrix").mkdir()
    with citrix_site(path / "citrix") as citrix:
        one = Region(make_site(path / "site", region, examples=False), citrix)
        for each in records():
            one.site.put(each)
        issue(one)
        first = one.night(FIRST)
        assert {name for own in first.values() for name, _s, _o in own} == {
            "healed", "unapproved_equipment", "shared_with_nobody"
        }, first  # fmt: skip
        introduce(one)
        answer(one)
        yield one
    empty_region(region)


def issue(one: Region, *more: str) -> None:
    """Write the licence server's list: one of our PCs has no licence yet, and more have."""
    without = ("full", "unlicensed")
    pcs = [o.name for r in records() for o in r.equipment.workstations if r.id not in without]
    rows = [f"{name},2,{LONG}" for name in (*pcs, *more)]
    text = "\n".join(["sIssuedToComputer,LicenseStatus,ExpirationDate", *rows, ""])
    (one.site.path / "issued.csv").write_text(text, "utf-8")


def introduce(one: Region) -> None:
    """Have Citrix know one of ours, who may be everywhere, and somebody whom no record names."""
    groups = [f"REGION\\Halsoval-{each.id}" for each in records()]
    identities = [
        {"SamName": f"REGION\\{name}", "PrincipalName": f"{name}@ad.region.example",
         "IsGroup": False, "MemberOf": groups}
        for name in (one.hsa_id("quiet"), "stranger")
    ]  # fmt: skip
    one.citrix.lab("directory", identities=identities)


def answer(one: Region) -> None:
    """One card is active, one has been sent, and of one nobody hears."""
    folder = one.site.inbox / "ra_organisation"
    folder.mkdir(parents=True, mode=0o700)
    lines = [
        "Beställningsnummer;Status;Datum;Kortnummer;Giltigt till",
        one.answers("leaver", "aktiv", "9752278900000001", LONG),
        one.answers("uncollected", "skickad", "", ""),
    ]
    (folder / "kort.csv").write_text("\n".join([*lines, ""]), "utf-8")
    run = one.site.play("receipts", halsoval_systems=["siths"])
    assert run.rc == 0, run.output


@pytest.fixture(scope="module")
def last(a_region: Region) -> dict[str, set[Told]]:
    """What the last night finds."""
    one, nurse = a_region, a_region.hsa_id("quiet")
    one.evening(BEFORE)
    one.connects(nurse, "UNLICENSED-1")
    one.night(BEFORE, "hsa", "siths", "ad", "citrix")
    one.evening(LAST)
    for client in ("QUIET-1", "UNATTESTED-1", "SHARING-1"):
        one.connects(nurse, client)
    one.connects("stranger", "VISITED-1")
    one.direct(enabled=True)
    one.connects(nurse, HOME)
    shutil.rmtree(one.site.providers / "gone")
    issue(one, FOREIGN)
    return one.night(LAST)


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param(p, id="-".join(sorted({name for name, _system, _object in f})))
        for p, f in EXPECTED.items()
    ],
)
def test_situation_is_found_by_its_name_and_nothing_else_is(
    last: dict[str, set[Told]], provider: str
) -> None:
    assert last.get(provider) == EXPECTED[provider]


def test_nothing_is_found_of_anybody_else(last: dict[str, set[Told]]) -> None:
    assert last.keys() == EXPECTED.keys()


def test_monitor_that_shows_nothing_is_told_and_nobody_is_confirmed(
    a_region: Region, last: dict[str, set[Told]]
) -> None:
    a_region.direct(enabled=False)
    with a_region.fault("blind", "Monitor"):
        found = a_region.night(LAST + dt.timedelta(days=1), "citrix")
    assert found[""] == {("monitor_blind", "sightings", "sightings")}
    assert "confirmed" not in {name for own in found.values() for name, *_rest in own}


def test_citrix_that_refuses_us_is_not_checked_and_an_invalid_record_is_told(
    a_region: Region, last: dict[str, set[Told]]
) -> None:
    (a_region.site.providers / "printing/staff.yml").write_text("people: none", "utf-8")
    with a_region.fault("status", "/Tokens", code=401):
        found = a_region.night(LAST + dt.timedelta(days=2), "citrix")
    # The ledger tells of orders whoever is away.
    assert found == {
        "": {("not_checked", "citrix", ""), ("not_checked", "sightings", "")},
        "printing": {("invalid_record", "records", "")},
        "waiting": EXPECTED["waiting"],
        "leaver": {("active_card_of_leaver", "siths", "person")},
    }
