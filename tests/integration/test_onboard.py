# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The onboard playbook against a real directory: the example providers, and what changes later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    AS_OF,
    INVENTORY,
    Attributes,
    Held,
    Run,
    Site,
    acquaint,
    empty,
    held,
    make_site,
    restore,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit import builders

PROVIDERS = {path.name for path in (INVENTORY / "providers").iterdir()}
CHANGING = {"bracke-lakarhus", "fjallhalsan", "storsjokliniken"}
SHARED, REGIONS_DOCTOR = "189506233031", "189902142380"
REGIONS_DOCTOR_ID = "SE2321000214-1007"


@pytest.fixture(scope="module")
def first(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Held, Run, Held]]:
    """A first run over the examples: what was held before, the run, what is held after."""
    empty(lab)
    before = held(lab)
    run = make_site(tmp_path_factory.mktemp("first"), lab).onboard("-v")
    assert run.rc == 0, run.output
    yield before, run, held(lab)
    empty(lab)


@pytest.fixture(scope="module")
def onboarded(first: tuple[Held, Run, Held]) -> Held:
    """What the directory holds once the examples are onboarded."""
    return first[2]


@pytest.fixture
def site(lab: Lab, tmp_path: Path, onboarded: Held) -> Site:
    """A site with the examples, onboarded already."""
    restore(lab, onboarded)
    site = make_site(tmp_path, lab)
    acquaint(site.state, onboarded)
    return site


@pytest.fixture
def fresh(lab: Lab, tmp_path: Path, first: tuple[Held, Run, Held]) -> Site:
    """A site without records, and a directory that holds nothing of ours."""
    empty(lab)
    return make_site(tmp_path, lab, examples=False)


def row(provider: str, ref: str) -> dict[str, Any]:
    """A person's row in an example."""
    return next(r for r in rows(provider) if r.get("ref") == ref)


def rows(provider: str) -> list[dict[str, Any]]:
    """All people's rows of an example."""
    file = INVENTORY / "providers" / provider / "staff.yml"
    people: list[dict[str, Any]] = yaml.safe_load(file.read_text("utf-8"))["people"]
    return people


def number(row: dict[str, Any]) -> str:
    """The personal number as the directory spells it."""
    text: str = row.get("personnummer") or row["samordningsnummer"]
    return text.replace("-", "")


def person(onboarded: Held, provider: str, ref: str) -> Attributes:
    """The entry of a person of an example."""
    entry = onboarded.person(number(row(provider, ref)))
    assert entry is not None
    return entry


def hsa_id(entry: Attributes) -> str:
    return entry["hsaIdentity"][0]


# --- what each phase holds


def test_application_leaves_nothing(onboarded: Held) -> None:
    assert onboarded.of("ragunda-halsocentral") == {}
    assert not any(onboarded.person(number(row)) for row in rows("ragunda-halsocentral"))


def test_establishment_enters_unit_and_people_without_access(onboarded: Held) -> None:
    unit = onboarded.keyed("unit/bracke-lakarhus/bracke")
    assert hsa_id(onboarded.keyed("provider/bracke-lakarhus")) == "SE2321000214-HV000001"
    assert unit["hsaResponsibleHealthCareProvider"] == ("SE2321000214-HV000001",)
    assert "hsaDestinationIndicator" not in unit
    # One of twelve begins later than people are entered in advance.
    entered = [r for r in rows("bracke-lakarhus") if onboarded.person(number(r))]
    assert len(entered) == 11
    assert onboarded.members("bracke-lakarhus") == set()
    commissions = [
        e for e in onboarded.of("bracke-lakarhus").values() if "hsaCommissionPurpose" in e
    ]
    assert {e["hsaCommissionRight"] for e in commissions} == {("Läsa;alla;SJF",), ("Läsa;alla;VE",)}


def test_operation_opens_access_and_1177(onboarded: Held) -> None:
    provider = onboarded.keyed("provider/fjallhalsan")
    assert "hsaHealthCareProvider" in provider["objectClass"]
    assert "endDate" not in provider
    for unit in ("are-lakarhus", "bvc-duved", "bvc-jarpen"):
        entry = onboarded.keyed(f"unit/fjallhalsan/{unit}")
        assert "hsaHealthCareUnit" in entry["objectClass"]
        assert entry["hsaDestinationIndicator"] == ("03",)
        assert entry["hsaResponsibleHealthCareProvider"] == provider["hsaIdentity"]
        assert "endDate" not in entry
    active = {
        entry["hsaIdentity"][0]
        for r in rows("fjallhalsan")
        if r["ref"] not in ("doctor-6", "nurse-7", "nurse-5", "wellness-1")
        and (entry := onboarded.person(number(r)))
    }
    assert len(active) == len(rows("fjallhalsan")) - 4
    assert onboarded.members("fjallhalsan") == active


def test_wind_down_keeps_everything_and_says_until_when(onboarded: Held) -> None:
    provider = onboarded.keyed("provider/storsjokliniken")
    centrum = onboarded.keyed("unit/storsjokliniken/centrum")
    odensala = onboarded.keyed("unit/storsjokliniken/odensala")
    assert provider["endDate"] == centrum["endDate"] == ("20260630220000Z",)
    assert odensala["endDate"] == ("20260430220000Z",)  # closes before
    assert centrum["hsaDestinationIndicator"] == odensala["hsaDestinationIndicator"] == ("03",)
    expected = {
        number(r)
        for r in rows("storsjokliniken")
        for a in r["assignments"]
        if a.get("purpose") and a["unit"] != "foretagshalsan" and str(a.get("to", "9")) >= AS_OF
    }
    ids = {number(r): e for r in rows("storsjokliniken") if (e := onboarded.person(number(r)))}
    members = onboarded.members("storsjokliniken")
    assert {n for n, entry in ids.items() if hsa_id(entry) in members} == expected
    assert len(expected) > 100


def test_unit_without_halsoval_work_gets_nothing(onboarded: Held) -> None:
    keys = {key for entry in onboarded.ours().values() for key in entry["halsovalKey"]}
    assert "unit/storsjokliniken/odensala" in keys
    assert not any("foretagshalsan" in key for key in keys)
    assert onboarded.person(number(row("fjallhalsan", "wellness-1"))) is None


def test_ended_provider_that_was_never_entered_stays_out_and_is_reported(
    first: tuple[Held, Run, Held],
) -> None:
    _before, run, after = first
    assert after.of("halledalens-vard") == {}
    assert "memberships are withdrawn, entries are archived once their cards are over" in run.output


def test_provider_that_ends_keeps_its_entries_without_access(lab: Lab, fresh: Site) -> None:
    shutil.copytree(INVENTORY / "providers/halledalens-vard", fresh.providers / "halledalens-vard")
    assert fresh.onboard(halsoval_as_of="2025-12-31").rc == 0
    before = held(lab)
    assert len(before.members("halledalens-vard")) == 2
    assert before.keyed("unit/halledalens-vard/mottagningen")["hsaDestinationIndicator"] == ("03",)

    run = fresh.onboard(halsoval_as_of="2026-01-01")

    assert (run.rc, run.hosts("changed")) == (0, {"halledalens-vard"})
    after = held(lab)
    assert after.entries.keys() == before.entries.keys()
    assert after.members("halledalens-vard") == set()
    unit = after.keyed("unit/halledalens-vard/mottagningen")
    assert "hsaDestinationIndicator" not in unit
    assert unit["endDate"] == ("20251231230000Z",)


# --- who is in the examples for a reason


def test_person_at_two_providers_has_one_entry_and_both_accesses(onboarded: Held) -> None:
    entry = person(onboarded, "fjallhalsan", "doctor-3")
    assert entry == person(onboarded, "storsjokliniken", "shared-doctor")
    assert entry["halsovalKey"] == ("person/fjallhalsan", "person/storsjokliniken")
    assert hsa_id(entry) in onboarded.members("fjallhalsan", "are-lakarhus")
    assert hsa_id(entry) in onboarded.members("storsjokliniken", "centrum")
    assert "mail" not in entry  # the two providers give different ones


def test_regions_own_employee_is_a_member_and_left_alone(
    first: tuple[Held, Run, Held],
) -> None:
    before, run, after = first
    assert after.person(REGIONS_DOCTOR) == before.person(REGIONS_DOCTOR)
    assert REGIONS_DOCTOR_ID in after.members("fjallhalsan", "are-lakarhus")
    assert "the entry is not ours: used in commissions, never changed" in run.output


def test_protected_person_is_published_with_the_least(onboarded: Held) -> None:
    entry = person(onboarded, "fjallhalsan", "nurse-4")
    assert "hsaConfidentialPerson" in entry["objectClass"]
    assert entry["sn"] == entry["fullName"] == ("Skyddad person",)
    assert entry["cn"] == entry["hsaIdentity"]
    assert entry.keys().isdisjoint({"givenName", "mail", "telephoneNumber", "title"})


def test_samordningsnummer_and_previous_number(onboarded: Held) -> None:
    assert onboarded.person("189709744248") is not None
    assert onboarded.person("189604171570") is not None
    assert onboarded.person("189604773318") is None  # the previous one


def test_who_starts_next_month_or_is_suspended_has_an_entry_without_access(
    onboarded: Held,
) -> None:
    for ref in ("doctor-6", "nurse-7"):
        assert hsa_id(person(onboarded, "fjallhalsan", ref)) not in onboarded.members("fjallhalsan")


def test_who_left_before_the_first_run_is_not_entered(onboarded: Held) -> None:
    assert onboarded.person(number(row("fjallhalsan", "nurse-5"))) is None


def test_only_a_confirmed_licence_is_published(onboarded: Held) -> None:
    assert "hsaTitle" not in person(onboarded, "fjallhalsan", "nurse-6")
    assert person(onboarded, "fjallhalsan", "midwife-2")["hsaTitle"] == (
        "Barnmorska",
        "Sjuksköterska",
    )


def test_odd_names_and_two_units_of_one_name(site: Site, onboarded: Held) -> None:
    name = 'Läkarhuset "Fjäll+7", Åre #2'
    with site.lab.service() as service:
        assert service.search(site.lab.provider_branch, f"(ou={name})")
    assert onboarded.keyed("unit/fjallhalsan/are-lakarhus")["ou"] == (name,)
    duved, jarpen = (onboarded.keyed(f"unit/fjallhalsan/{u}") for u in ("bvc-duved", "bvc-jarpen"))
    assert duved["ou"] == jarpen["ou"] == ("Barnavårdscentralen Fjällhälsan",)
    assert duved["hsaIdentity"] != jarpen["hsaIdentity"]
    assert person(onboarded, "fjallhalsan", "midwife-2")["sn"] == ("d'Östersjö",)


def test_everything_in_the_lab_is_marked_as_test_data(onboarded: Held) -> None:
    ours = onboarded.ours().values()
    assert len(ours) > 150
    assert all("hsaFeignedDataObject" in entry["objectClass"] for entry in ours)


def test_nothing_of_the_regions_own_was_touched(first: tuple[Held, Run, Held]) -> None:
    before, _run, after = first
    assert {dn: after.entries[dn] for dn in before.entries} == before.entries


# --- runs


def test_first_run_reports_who_changed(first: tuple[Held, Run, Held]) -> None:
    _before, run, _after = first
    assert run.recap.keys() == PROVIDERS | {"localhost"}
    assert run.hosts("changed") == CHANGING
    assert run.hosts("failed") == set()


@pytest.mark.parametrize("options", [("--check", "--diff"), ()], ids=["check", "run"])
def test_afterwards_nothing_is_changed(site: Site, onboarded: Held, options: list[str]) -> None:
    run = site.onboard(*options)

    assert (run.rc, run.hosts("changed"), run.hosts("failed")) == (0, set(), set())
    assert run.recap.keys() == PROVIDERS | {"localhost"}
    assert "+++" not in run.output
    assert held(site.lab).entries == onboarded.entries


def test_check_mode_tells_and_writes_nothing(lab: Lab, fresh: Site) -> None:
    site = make_site(fresh.path / "check", lab)
    before = held(lab)

    run = site.onboard("--check", "--diff")

    assert (run.rc, run.hosts("changed"), run.hosts("failed")) == (0, CHANGING, set())
    assert "+hsaIdentity: SE2321000214-HV000001" in run.output
    assert held(lab).entries == before.entries


def test_one_provider_at_a_time_comes_to_the_same(lab: Lab, fresh: Site, onboarded: Held) -> None:
    """The first one brings the shared person's entry, and no more of the other provider's."""
    site = make_site(fresh.path / "limit", lab)

    run = site.onboard("--limit", "storsjokliniken")

    assert (run.rc, run.hosts("changed")) == (0, {"storsjokliniken"})
    alone = held(lab)
    assert alone.ours().keys() == onboarded.of("storsjokliniken").keys()
    assert alone.members("fjallhalsan") == set()
    for provider in ("fjallhalsan", "bracke-lakarhus"):
        assert site.onboard("--limit", provider).hosts("changed") == {provider}
    assert held(lab).entries == onboarded.entries


def test_limit_changes_that_providers_objects_alone(site: Site, onboarded: Held) -> None:
    site.edit("fjallhalsan", "agreement", "0980-319 220", "0980-319 221")
    site.edit("fjallhalsan", "staff", "position: Distriktssköterska", "position: Sköterska")
    site.edit("storsjokliniken", "agreement", "0980-319 275", "0980-319 299")
    site.edit("storsjokliniken", "staff", "position: Sjuksköterska", "position: Sköterska")

    run = site.onboard("--limit", "fjallhalsan")

    assert (run.rc, run.recap.keys()) == (0, {"fjallhalsan"})
    changed = onboarded.differing(held(site.lab))
    assert changed == {
        dn
        for dn, entry in onboarded.of("fjallhalsan").items()
        if entry.get("telephoneNumber") == ("0980-319 220",)
        or entry.get("title") == ("Distriktssköterska",)
    }
    assert len(changed) == 2


@pytest.mark.parametrize("how", ["ended", "vanished"])
def test_shared_person_keeps_what_the_other_provider_gives(
    site: Site, onboarded: Held, how: str
) -> None:
    with site.people("fjallhalsan") as people:
        mine = next(r for r in people if r["ref"] == "doctor-3")
        if how == "ended":
            mine["assignments"][0]["to"] = "2026-03-01"
        else:
            people.remove(mine)

    run = site.onboard("--limit", "fjallhalsan")

    assert run.rc == 0, run.output
    after = held(site.lab)
    entry = after.person(SHARED)
    assert entry is not None
    assert hsa_id(entry) not in after.members("fjallhalsan")
    assert hsa_id(entry) in after.members("storsjokliniken", "centrum")
    assert "person/storsjokliniken" in entry["halsovalKey"]
    assert entry["hsaTitle"] == ("Läkare",)


def test_renamed_unit_stays_the_same_unit(site: Site, onboarded: Held) -> None:
    site.edit(
        "bracke-lakarhus",
        "agreement",
        "    name: Bräcke Låtsasläkarhus\n",
        "    name: 'Bräcke, #1 + 2'\n",
    )

    run = site.onboard()

    assert (run.rc, run.hosts("changed")) == (0, {"bracke-lakarhus"})
    before, after = onboarded.keyed("unit/bracke-lakarhus/bracke"), held(site.lab)
    unit = after.keyed("unit/bracke-lakarhus/bracke")
    assert unit["ou"] == ("Bräcke, #1 + 2",)
    assert unit["hsaIdentity"] == before["hsaIdentity"]
    assert len(after.of("bracke-lakarhus")) == len(onboarded.of("bracke-lakarhus"))


# --- one provider fails


def test_invalid_record_fails_its_own_host_alone(site: Site, onboarded: Held) -> None:
    site.edit("bracke-lakarhus", "agreement", "  - stodapplikationer", "  - stodaplikationer")
    site.edit("fjallhalsan", "agreement", "0980-319 220", "0980-319 221")

    run = site.onboard()

    assert run.rc == 2
    assert (run.hosts("changed"), run.hosts("failed")) == ({"fjallhalsan"}, {"bracke-lakarhus"})
    assert "bracke-lakarhus/agreement.yml:42: services[1]" in run.output
    assert onboarded.differing(held(site.lab)) <= onboarded.of("fjallhalsan").keys()


def test_refused_write_fails_its_own_host_alone(lab: Lab, fresh: Site, onboarded: Held) -> None:
    """Somebody has the HSA-id in a part of the directory that the account cannot see."""
    site = make_site(fresh.path / "refused", lab)
    refused = person(onboarded, "storsjokliniken", "head-froson")
    elsewhere = "ou=Annan,c=SE"
    classes = ["organizationalUnit", "hsaFeignedDataObject"]
    with lab.admin() as admin:
        admin.add(elsewhere, classes, {"ou": "Annan", "hsaIdentity": hsa_id(refused)})
        try:
            run = site.onboard()
        finally:
            admin.delete(elsewhere)

    assert (run.rc, run.hosts("changed")) == (2, CHANGING)
    assert run.hosts("failed") == {"storsjokliniken"}
    assert f"person {hsa_id(refused)}: constraintViolation" in run.output
    after = held(lab)
    assert hsa_id(refused) not in after.members("storsjokliniken")
    assert after.members("storsjokliniken") | {hsa_id(refused)} == onboarded.members(
        "storsjokliniken"
    )
    assert after.of("fjallhalsan") == onboarded.of("fjallhalsan")

    assert site.onboard().hosts("changed") == {"storsjokliniken"}
    assert held(lab).entries == onboarded.entries


# --- records are data

INJECTION = "{{ lookup('pipe', 'touch owned') }}"


def test_template_as_a_surname_is_a_name(lab: Lab, fresh: Site) -> None:
    fresh.put(builders.record("alfa", [builders.person(1, surname=INJECTION)]))

    run = fresh.onboard("-vvv", "--diff")

    assert run.rc == 0, run.output
    entry = held(lab).person(builders.number(1))
    assert entry is not None
    assert entry["sn"] == (INJECTION,)
    assert entry["fullName"] == (f"Anna1 {INJECTION}",)
    playbooks = INVENTORY.parents[1] / "playbooks"
    for place in (fresh.path, Path.cwd(), playbooks):
        assert list(place.glob("**/owned")) == []


# --- runs that must not pass for good ones


def nothing_done(run: Run, lab: Lab, reason: str) -> None:
    assert run.rc != 0
    assert reason in run.output
    assert held(lab).ours() == {}


@pytest.mark.parametrize("options", [(), ("--limit", "fjallhalsan")], ids=["all", "limit"])
def test_empty_record_directory_fails(lab: Lab, fresh: Site, options: list[str]) -> None:
    nothing_done(fresh.onboard(*options), lab, "is empty: no provider has a folder there")


def test_missing_vault_password_fails(lab: Lab, fresh: Site) -> None:
    fresh.put(builders.record("alfa", [builders.person(1)]))
    fresh.encrypt("alfa", "staff")

    nothing_done(fresh.onboard(), lab, "alfa/staff.yml is encrypted and no vault password was")


def test_unreadable_source_fails(lab: Lab, fresh: Site) -> None:
    fresh.put(builders.record("alfa", [builders.person(1)]))
    (fresh.path / "inventory/halsoval.yml").write_text("plugin: [regionjh.halsoval.providers")

    nothing_done(fresh.onboard(), lab, "no approved records were read")
