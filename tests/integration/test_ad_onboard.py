# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding in a region with both directories: who gets an account, keeps it and loses it."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import pytest
import yaml

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import OTHERS_SAID
from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    DISABLED,
    MARK,
    NORMAL,
    SMARTCARD,
    Content,
    accounts_of,
    by_provider,
    can_log_in,
    change,
    domain,
    empty_region,
    expiry,
    flags,
    groups,
    in_domain,
    ldapsearch,
    make_ad_task,
    run_both,
    whole_domain,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    AS_OF,
    INVENTORY,
    Attributes,
    Held,
    Run,
    Site,
    acquaint,
    held,
    make_site,
    make_task,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    XRAY,
    coordination_number,
    number,
    person,
    record,
    uses,
)

PROVIDERS = {path.name for path in (INVENTORY / "providers").iterdir()}
CHANGING = {"bracke-lakarhus", "fjallhalsan", "storsjokliniken"}
REGIONS_DOCTOR_ID = "SE2321000214-1007"
LARGE = "App-Vardadministrativt"
YESTERDAY = "2026-03-01"
# Bits of userAccountControl that are the region's to set.
DONT_EXPIRE_PASSWD, NOT_DELEGATED = 0x10000, 0x100000
SET_BY_OTHERS = NORMAL | SMARTCARD | DONT_EXPIRE_PASSWD | NOT_DELEGATED
READ_BACK = ("employeeNumber", "userAccountControl", "accountExpires", "memberOf")
JOINS_BOTH = {"Halsoval-alfa", "Halsoval-beta", "App-Rontgensvar", "App-Dokumenthantering-Las"}


# --- the examples --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Examples:
    """Three runs over the examples, the first in check mode, and what was held between them."""

    empty: tuple[Held, Content]
    check: Run
    checked: tuple[Held, Content]
    run: Run
    hsa: Held
    ad: Content
    ldif: str
    again: Run
    unchanged: tuple[Held, Content]

    def hsa_id(self, row: dict[str, Any]) -> str | None:
        """The HSA-id of a person of an example, if HSA holds the person."""
        text: str = row.get("personnummer") or row["samordningsnummer"]
        entry = self.hsa.person(text.replace("-", ""))
        return entry["hsaIdentity"][0] if entry else None

    def account(self, provider: str, ref: str) -> Attributes:
        """The account of a person of an example."""
        row = next(row for row in rows(provider) if row.get("ref") == ref)
        return self.ad.accounts[str(self.hsa_id(row))]


@pytest.fixture(scope="module")
def examples(region: Lab, tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """The runs, on a region that holds nothing of ours."""
    empty_region(region)
    site = make_site(tmp_path_factory.mktemp("examples") / "site", region)
    empty = held(region), whole_domain(region)
    check = site.onboard("--check", "-v")
    checked = held(region), in_domain(region)
    run = site.onboard("-v")
    after = held(region), whole_domain(region)
    ldif = ldapsearch(domain(region), domain(region).account_ou, "(objectClass=user)", *READ_BACK)
    again = site.onboard("-v")
    unchanged = held(region), in_domain(region)
    return Examples(empty, check, checked, run, *after, ldif, again, unchanged)


def rows(provider: str) -> list[dict[str, Any]]:
    """All people's rows of an example."""
    people: list[dict[str, Any]] = part(provider, "staff")["people"]
    return people


def part(provider: str, name: str) -> dict[str, Any]:
    """A part of an example."""
    file = INVENTORY / "providers" / provider / f"{name}.yml"
    content: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return content


def last_day(provider: str, assignment: dict[str, Any]) -> str:
    """The last day of an assignment, its unit and its provider, whichever comes first."""
    agreement = part(provider, "agreement")
    unit = next(unit for unit in agreement["units"] if unit["id"] == assignment["unit"])
    days = (assignment.get("to"), unit.get("closes"), agreement["agreement"].get("ends"))
    return min((str(day) for day in days if day), default="9999-12-31")


def is_active(provider: str, assignment: dict[str, Any]) -> bool:
    """Whether an assignment at a provider in operation or wind-down gives access on the day."""
    suspended = assignment.get("suspended", {"from": "9999-12-31", "to": ""})
    return (
        str(assignment["from"]) <= AS_OF <= last_day(provider, assignment)
        and assignment.get("halsoval", True)
        and assignment["unit"] != "foretagshalsan"
        and not str(suspended["from"]) <= AS_OF <= str(suspended["to"])
    )


def test_first_run_is_a_success_for_everybody(examples: Examples) -> None:
    assert (examples.run.rc, examples.run.hosts("failed")) == (0, set())
    assert examples.run.recap.keys() == PROVIDERS | {"localhost"}
    assert examples.run.hosts("changed") == CHANGING


def test_check_mode_plans_what_the_run_makes_and_writes_nothing(examples: Examples) -> None:
    assert (examples.check.rc, examples.check.hosts("changed")) == (0, CHANGING)
    hsa, ad = examples.checked
    assert hsa == examples.empty[0]
    assert ad.entries.items() <= examples.empty[1].entries.items()
    planned, made = examples.check.results, examples.run.results
    assert planned.keys() == PROVIDERS
    for provider in CHANGING:
        for system in ("hsa", "ad"):
            # Hashes are keyed with a secret of the ledger, which the first run makes.
            assert planned[provider][system]["plan"] == ""
            assert made[provider][system]["plan"]
            assert planned[provider][system]["changes"]
    # The whole of it: operations, counts, findings and tasks for people.
    assert _without_hashes(planned) == _without_hashes(made)


def _without_hashes(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        provider: {
            system: {name: value for name, value in of_system.items() if name != "plan"}
            for system, of_system in theirs.items()
        }
        for provider, theirs in results.items()
    }


def test_second_run_changes_nothing(examples: Examples) -> None:
    assert examples.again.rc == 0
    assert (examples.again.hosts("changed"), examples.again.hosts("failed")) == (set(), set())
    hsa, ad = examples.unchanged
    assert hsa == examples.hsa
    assert ad.accounts == examples.ad.accounts
    assert ad.groups.items() <= examples.ad.groups.items()
    assert {own["ad"]["plan"] for own in examples.again.results.values()} == {""}


def test_ldapsearch_over_ldaps_shows_the_same(examples: Examples) -> None:
    shown = {}
    for block in examples.ldif.strip().split("\n\n"):
        values: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, _colon, value = line.partition(": ")
            values.setdefault(name, []).append(value)
        shown[values["employeeNumber"][0]] = values
    assert shown.keys() == examples.ad.accounts.keys()
    for hsa_id, account in examples.ad.accounts.items():
        for name in READ_BACK:
            assert tuple(sorted(shown[hsa_id].get(name, ()))) == account.get(name, ()), hsa_id


# --- what each phase holds


def test_application_and_ended_provider_have_no_accounts(examples: Examples) -> None:
    assert set(examples.ad.groups) & {"Halsoval-" + provider for provider in PROVIDERS} == {
        "Halsoval-" + provider for provider in CHANGING
    }
    keys = {key for entry in examples.ad.accounts.values() for key in entry["extensionName"]}
    assert keys == {MARK, *(f"halsoval:person/{provider}" for provider in CHANGING)}


def test_establishment_has_disabled_accounts_and_a_trial_opens_two(examples: Examples) -> None:
    provider = "bracke-lakarhus"
    entered = {hsa_id for row in rows(provider) if (hsa_id := examples.hsa_id(row))}
    tried = [examples.account(provider, ref) for ref in ("nurse-1", "secretary-1")]
    tries = {entry["employeeNumber"][0] for entry in tried}
    assert len(entered) == 11
    assert entered <= examples.ad.accounts.keys()
    assert entered & examples.ad.enabled == tries
    assert examples.ad.members(f"Halsoval-{provider}") == tries
    assert entered & examples.ad.members(LARGE) == tries
    # The trial ends by itself: 20 March, 24:00 in Stockholm.
    assert {expiry(e) for e in tried} == {dt.datetime(2026, 3, 20, 23, tzinfo=dt.UTC)}
    others = [examples.ad.accounts[hsa_id] for hsa_id in entered - tries]
    assert {expiry(entry) for entry in others} == {None}
    assert all(MARK in entry["extensionName"] for entry in others)


def test_operation_enables_whose_assignment_has_begun_and_is_not_suspended(
    examples: Examples,
) -> None:
    closed = [examples.account("fjallhalsan", ref) for ref in ("doctor-6", "nurse-7")]
    ids = {hsa_id for row in rows("fjallhalsan") if (hsa_id := examples.hsa_id(row))}
    ours = ids & examples.ad.accounts.keys()
    assert ids - ours == {REGIONS_DOCTOR_ID}
    assert len(ours) == 25
    assert ours - examples.ad.enabled == {entry["employeeNumber"][0] for entry in closed}
    assert examples.ad.members("Halsoval-fjallhalsan") == ours & examples.ad.enabled
    assert expiry(examples.account("fjallhalsan", "doctor-1")) is None
    # 24:00 in Stockholm, in winter and in summer.
    temporary = [expiry(examples.account("fjallhalsan", ref)) for ref in ("doctor-5", "nurse-8")]
    assert temporary == [
        dt.datetime(2026, 3, 22, 23, tzinfo=dt.UTC),
        dt.datetime(2026, 5, 31, 22, tzinfo=dt.UTC),
    ]


def test_wind_down_keeps_accounts_until_the_last_day(examples: Examples) -> None:
    provider = "storsjokliniken"
    expected = {
        hsa_id: max(last_day(provider, a) for a in row["assignments"])
        for row in rows(provider)
        if (hsa_id := examples.hsa_id(row)) in examples.ad.enabled
    }
    shared = expected.pop(examples.account(provider, "shared-doctor")["employeeNumber"][0])
    assert shared == "2026-06-30"
    assert expiry(examples.account(provider, "shared-doctor")) is None  # fjallhalsan goes on
    assert {"2026-06-30", "2026-04-30"} < set(expected.values())
    assert len(expected) > 100
    for hsa_id, day in expected.items():
        moment = expiry(examples.ad.accounts[hsa_id])
        assert moment is not None
        assert str((moment - dt.timedelta(hours=3)).date()) == day


def test_everybody_is_in_the_groups_of_all_their_services_and_no_others(
    region: Lab, examples: Examples
) -> None:
    opened = {service: dn.split(",")[0][3:] for service, dn in groups(region).items()}
    expected: dict[str, set[str]] = {hsa_id: set() for hsa_id in examples.ad.accounts}
    for provider in ("fjallhalsan", "storsjokliniken"):
        for row in rows(provider):
            for assignment in row["assignments"]:
                names = {opened[s] for s in assignment.get("systems", ()) if s in opened}
                hsa_id = examples.hsa_id(row)
                if names and hsa_id in expected and is_active(provider, assignment):
                    expected[str(hsa_id)] |= names | {f"Halsoval-{provider}"}
    for ref in ("nurse-1", "secretary-1"):
        hsa_id = examples.account("bracke-lakarhus", ref)["employeeNumber"][0]
        expected[hsa_id] = {"Halsoval-bracke-lakarhus", LARGE}
    assert {hsa_id: examples.ad.groups_of(hsa_id) for hsa_id in expected} == expected
    everything = set().union(*expected.values())
    assert {"App-Datalager", "App-Rontgensvar", LARGE} < everything
    assert any({"Halsoval-fjallhalsan", "Halsoval-storsjokliniken"} < g for g in expected.values())


# --- what an account says


def test_account_says_who_it_is(examples: Examples) -> None:
    account = examples.account("fjallhalsan", "doctor-1")
    (hsa_id,) = account["employeeNumber"]
    assert account["cn"] == (hsa_id,)
    assert account["userPrincipalName"] == (f"{hsa_id}@ad.region.example",)
    assert account["sAMAccountName"] == (hsa_id.partition("-")[2].lower(),)
    assert account["givenName"] == ("Birger",)
    assert account["sn"] == ("Lavskrika",)
    assert account["displayName"] == ("Birger Lavskrika",)
    assert account["mail"] == ("birger.lavskrika@fjallhalsan.example",)
    assert account["title"] == ("Verksamhetschef, specialist i allmänmedicin",)
    assert account["company"] == ("Fjällhälsan Exempel AB",)
    assert account["department"] == ('Läkarhuset "Fjäll+7", Åre #2',)
    odd = examples.account("fjallhalsan", "midwife-2")
    assert odd["displayName"] == ("Åsa-Karin d'Östersjö",)


def test_account_of_two_employers_says_what_both_agree_on(examples: Examples) -> None:
    account = examples.account("fjallhalsan", "doctor-3")
    assert account == examples.account("storsjokliniken", "shared-doctor")
    assert account["title"] == ("Specialist i allmänmedicin",)
    assert account.keys().isdisjoint({"mail", "company", "department"})


def test_logon_is_by_card_alone(examples: Examples) -> None:
    for hsa_id, account in examples.ad.accounts.items():
        disabled = 0 if hsa_id in examples.ad.enabled else DISABLED
        assert flags(account) == NORMAL | SMARTCARD | disabled
        assert account["pwdLastSet"] != ("0",)


def test_protected_person_is_told_by_nothing(examples: Examples) -> None:
    account = examples.account("fjallhalsan", "nurse-4")
    (hsa_id,) = account["employeeNumber"]
    assert hsa_id in examples.ad.enabled
    assert account["sn"] == account["displayName"] == ("Skyddad person",)
    assert account["cn"] == account["name"] == (hsa_id,)
    assert account["sAMAccountName"] == (hsa_id.partition("-")[2].lower(),)
    telling = {"givenName", "middleName", "title", "mail", "telephoneNumber", "company"}
    assert account.keys().isdisjoint({*telling, "department", "initials", "description"})
    everything = repr(examples.ad.entries)
    assert "Valborg" not in everything
    assert "Nattviol" not in everything
    assert "Nattviol" not in examples.run.output


def test_name_that_a_foreign_account_has_is_left_to_it(examples: Examples) -> None:
    before, foreign = (
        examples.empty[1].entries,
        "CN=hv000012,OU=Anstallda,DC=ad,DC=region,DC=example",
    )
    assert before[foreign]["sAMAccountName"] == ("hv000012",)
    assert examples.ad.entries[foreign] == before[foreign]
    assert examples.ad.names["SE2321000214-HV000012"] == "hv0000122"
    names = [name.casefold() for name in examples.ad.names.values()]
    assert len(set(names)) == len(names)


# --- what is not ours


def test_regions_own_employee_keeps_her_account_and_is_her_owners_task(
    region: Lab, examples: Examples
) -> None:
    ad = domain(region)
    doctor = f"CN=Märta Ekblad,{ad.employees_ou}"
    assert examples.ad.entries[doctor]["employeeNumber"] == (REGIONS_DOCTOR_ID,)
    assert examples.ad.entries[doctor] == examples.empty[1].entries[doctor]
    assert REGIONS_DOCTOR_ID not in examples.ad.accounts
    own = examples.again.results["fjallhalsan"]["ad"]
    # She is in the groups of the services already.
    (task,) = own["owner_tasks"]
    assert (task["person"], task["act"]) == (REGIONS_DOCTOR_ID, "join")
    assert task["service"] == "citrixanslutning"
    assert task["group"] == f"CN=Halsoval-fjallhalsan,{ad.group_ou}"
    assert [f["object"] for f in own["findings"] if f["code"] == "account_not_ours"] == [
        REGIONS_DOCTOR_ID
    ]


def test_foreign_members_of_the_large_group_are_byte_for_byte_the_same(examples: Examples) -> None:
    before, after = examples.empty[1], examples.ad
    assert len(before.foreign_members(LARGE)) == 2000
    assert len(after.members(LARGE)) > 100
    for group in before.groups:
        assert after.foreign_members(group) == before.foreign_members(group)


def test_nothing_of_the_regions_own_was_touched(region: Lab, examples: Examples) -> None:
    before, after = examples.empty[1].entries, examples.ad.entries
    touched = {dn for dn in before if before[dn] != after[dn]}
    opened = set(groups(region).values())
    # Memberships, and the domain's own count of the objects made.
    assert touched - opened <= {dn for dn in before if dn.startswith(("CN=RID ", "DC=ad,"))}
    for dn in touched & opened:
        changed = {name for name in before[dn] if before[dn][name] != after[dn].get(name)}
        assert changed <= {"member", "whenChanged", "uSNChanged"}
    assert {dn for dn in after.keys() - before.keys() if ",OU=Halsoval," not in dn} == set()


# --- small records -------------------------------------------------------------------------------


@pytest.fixture
def site(region: Lab, tmp_path: Path) -> Site:
    """A site without records, in a region that holds nothing of ours."""
    empty_region(region)
    return make_site(tmp_path / "site", region, examples=False)


def at_both(alfa: str | None = None, beta: str | None = None) -> tuple[dict[str, Any], ...]:
    """Rows of one person at alfa and at beta, with the last day at each."""
    return (
        person(1, uses(XRAY, DOCUMENTS, **({"to": alfa} if alfa else {}))),
        person(1, uses(XRAY, **({"to": beta} if beta else {}))),
    )


def put_both(site: Site, alfa: str | None = None, beta: str | None = None) -> None:
    """Records of alfa and beta with one person at both, who has a last day at each."""
    rows = at_both(alfa, beta)
    site.put(record("alfa", [rows[0], person(2, uses(XRAY))]))
    site.put(record("beta", [rows[1]]))


def hsa_id(site: Site, index: int = 1) -> str:
    """The HSA-id of a person of small records."""
    entry = held(site.lab).person(number(index))
    assert entry is not None
    return entry["hsaIdentity"][0]


def lasting(account: Attributes) -> dict[str, tuple[str, ...]]:
    """What of an account stays whatever its owner is called."""
    names = ("objectGUID", "objectSid", "distinguishedName", "sAMAccountName", "memberOf")
    return {name: account[name] for name in names}


# --- when assignments end


def test_person_at_two_providers_loses_each_ones_groups_when_that_one_ends(site: Site) -> None:
    put_both(site)
    run_both(site)
    who = hsa_id(site)
    both = in_domain(site.lab)
    assert both.accounts.keys() == {who, hsa_id(site, 2)}
    assert both.groups_of(who) == JOINS_BOTH

    put_both(site, alfa=YESTERDAY)
    own = accounts_of(site)
    one = in_domain(site.lab)
    assert (own["alfa"]["errors"], own["beta"]["errors"]) == ([], [])
    assert one.groups_of(who) == {"Halsoval-beta", "App-Rontgensvar"}
    assert who in one.enabled
    assert one.accounts[who]["objectGUID"] == both.accounts[who]["objectGUID"]

    put_both(site, alfa=YESTERDAY, beta=YESTERDAY)
    accounts_of(site)
    none = in_domain(site.lab)
    assert none.groups_of(who) == set()
    assert who not in none.enabled
    assert MARK in none.accounts[who]["extensionName"]
    assert expiry(none.accounts[who]) == dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC)
    assert none.groups_of(hsa_id(site, 2)) == {"Halsoval-alfa", "App-Rontgensvar"}
    assert not any(own["changed"] for own in accounts_of(site).values())


def test_last_end_closes_accounts_whose_owner_hsa_has_archived_or_lost(site: Site) -> None:
    """Who is in HSA no more is known from earlier runs on the controller."""
    staff = [person(index, uses(XRAY)) for index in (1, 2, 3)]
    site.put(record("alfa", staff))
    run_both(site)
    archived, lost, stays = (hsa_id(site, index) for index in (1, 2, 3))
    with site.lab.admin() as admin:
        ended = {"objectClass": [(ldap3.MODIFY_ADD, ["hsaArchivedObject"])]}
        admin.modify(f"cn={archived},{site.lab.people_branch}", ended)
        admin.delete(f"cn={lost},{site.lab.people_branch}")
    site.put(record("alfa", [*(person(i, uses(XRAY, to=YESTERDAY)) for i in (1, 2)), staff[2]]))

    own = run_both(site)

    assert own["alfa"]["errors"] == []
    after = in_domain(site.lab)
    assert after.accounts.keys() == {archived, lost, stays}
    assert after.enabled == after.members("Halsoval-alfa") == {stays}
    assert after.members("App-Rontgensvar") == {stays}


def test_last_end_closes_the_account_of_somebody_nobody_remembers(site: Site) -> None:
    """The entry in HSA was deleted, and the controller is a new one."""
    put_both(site)
    run_both(site)
    who, stays = hsa_id(site), hsa_id(site, 2)
    with site.lab.admin() as admin:
        admin.delete(f"cn={who},{site.lab.people_branch}")
    shutil.rmtree(site.state)
    acquaint(site.state, held(site.lab))
    put_both(site, alfa=YESTERDAY, beta=YESTERDAY)

    own = run_both(site)

    assert [own[provider]["errors"] for provider in ("alfa", "beta")] == [[], []]
    after = in_domain(site.lab)
    assert after.groups_of(who) == set()
    assert after.enabled == {stays}


@pytest.fixture
def hsa_stops(region: Lab) -> Iterator[None]:
    """A region whose slapd is down from when the test stops it until the test ends."""
    yield
    started = region.run("started", halsoval_lab_systems=["hsa"])
    assert started.returncode == 0, started.stdout


def test_last_end_closes_the_account_while_hsa_is_down_and_new_accounts_wait(
    site: Site, hsa_stops: None
) -> None:
    put_both(site)
    run_both(site)
    who, other = hsa_id(site), hsa_id(site, 2)
    alfa, beta = at_both(YESTERDAY, YESTERDAY)
    site.put(record("alfa", [alfa, person(2, uses(XRAY))]))
    site.put(record("beta", [beta, person(3, uses(XRAY))]))
    stopped = site.lab.run("stopped", halsoval_lab_systems=["hsa"])
    assert stopped.returncode == 0, stopped.stdout

    run = site.onboard("-v")

    assert (run.rc, run.hosts("failed")) == (2, {"alfa", "beta"})
    after = in_domain(site.lab)
    assert after.accounts.keys() == {who, other}
    assert after.groups_of(who) == set()
    assert after.enabled == {other}
    assert after.groups_of(other) == {"Halsoval-alfa", "App-Rontgensvar"}
    results = run.results
    assert results["beta"]["ad"]["errors"] == [
        "of 1 person nobody can tell whether a new account waits: HSA could not be read"
    ]
    assert results["alfa"]["ad"]["errors"] == []
    # Why is said by HSA's own task, and by AD's as a warning, once each.
    assert run.output.count(f"HSA could not be read: {site.lab.uri} could not be reached") == 1
    assert f"modify account {who}" in results["beta"]["ad"]["changes"]


def test_where_hsa_refuses_a_provider_its_new_accounts_wait_and_its_ends_do_not(
    site: Site,
) -> None:
    staff = [person(index, uses(XRAY)) for index in range(1, 7)]
    site.put(record("alfa", staff))
    site.put(record("beta", [person(7, uses(XRAY))]))
    run_both(site)
    before, ids = in_domain(site.lab), {index: hsa_id(site, index) for index in range(1, 8)}
    # Four rows vanish, which the guard refuses in both systems; one ends; one comes.
    ended, stays, comes = person(1, uses(XRAY, to=YESTERDAY)), staff[1], person(8, uses(XRAY))
    site.put(record("alfa", [ended, stays, comes]))
    site.put(record("beta", [person(7, uses(XRAY)), person(9, uses(XRAY))]))

    run = site.onboard("-v")

    assert (run.rc, run.hosts("failed"), run.hosts("changed")) == (2, {"alfa"}, {"alfa", "beta"})
    after = in_domain(site.lab)
    new = after.accounts.keys() - before.accounts.keys()
    assert new == {hsa_id(site, 9)}
    assert after.groups_of(hsa_id(site, 9)) == {"Halsoval-beta", "App-Rontgensvar"}
    assert before.enabled - after.enabled == {ids[1]}
    assert after.groups_of(ids[1]) == set()
    assert after.groups_of(ids[3]) == {"Halsoval-alfa", "App-Rontgensvar"}
    errors = run.results["alfa"]["ad"]["errors"]
    refused, waits = errors
    assert "refused: 4 of 6 would lose something without a date in the record" in refused
    assert waits.startswith("1 new account waits: HSA failed for the provider: refused: ")


def test_vanished_rows_are_refused_in_both_and_confirmed_by_both_hashes(site: Site) -> None:
    site.put(record("alfa", [person(index, uses(XRAY)) for index in range(1, 7)]))
    run_both(site)
    before, stays = in_domain(site.lab), hsa_id(site)
    site.put(record("alfa", [person(1, uses(XRAY))]))

    plans = []
    for task in (make_task(site, site.path / "payload"), make_ad_task(site, site.path / "payload")):
        refused = by_provider(task)["alfa"]
        assert "refused: 5 of " in refused["msg"]
        assert f"halsoval_expected_plan={refused['plan']}" in refused["msg"]
        plans.append(refused["plan"])
    assert in_domain(site.lab) == before

    confirmed = site.onboard(halsoval_expected_plan=plans)

    assert (confirmed.rc, confirmed.hosts("changed")) == (0, {"alfa"})
    after = in_domain(site.lab)
    assert after.enabled == after.members("Halsoval-alfa") == {stays}
    assert after.accounts.keys() == before.accounts.keys()


def test_provider_that_ends_closes_its_accounts(site: Site) -> None:
    shutil.copytree(INVENTORY / "providers/halledalens-vard", site.providers / "halledalens-vard")
    run_both(site, "2025-12-31")
    before = in_domain(site.lab)
    assert len(before.enabled) == len(before.members(LARGE)) == 2

    own = accounts_of(site, "2026-01-01")

    assert own["halledalens-vard"]["errors"] == []
    after = in_domain(site.lab)
    assert after.accounts.keys() == before.accounts.keys()
    assert after.enabled == after.members(LARGE) == after.members("Halsoval-halledalens-vard")
    assert after.enabled == set()
    assert after.foreign_members(LARGE) == before.foreign_members(LARGE)


def test_limit_touches_what_that_provider_gives_alone(site: Site) -> None:
    put_both(site)
    run_both(site)
    who, before = hsa_id(site), in_domain(site.lab)
    put_both(site, alfa=YESTERDAY, beta=YESTERDAY)

    own = accounts_of(site, providers=["beta"])

    assert own.keys() == {"beta"}
    after = in_domain(site.lab)
    assert "Halsoval-beta" not in after.groups_of(who)
    assert "Halsoval-alfa" in after.groups_of(who)
    assert after.accounts[hsa_id(site, 2)] == before.accounts[hsa_id(site, 2)]


# --- who somebody is


def test_marriage_changes_names_and_nothing_else(site: Site) -> None:
    by_name = {"account_name": "{given:.3}{surname:.3}"}
    row = person(1, uses(XRAY), mail="anna@alfa.example")
    site.put(record("alfa", [row]))
    run_both(site, **by_name)
    who, before = hsa_id(site), in_domain(site.lab)
    assert before.names[who] == "annfja"
    site.put(record("alfa", [{**row, "surname": "Ängsö, född +1"}]))

    own = accounts_of(site, **by_name)

    assert own["alfa"]["changes"] == [f"modify account {who}"]
    after = in_domain(site.lab)
    assert after.entries.keys() == before.entries.keys()
    married, single = after.accounts[who], before.accounts[who]
    assert married["sn"] == ("Ängsö, född +1",)
    assert married["displayName"] == ("Anna1 Ängsö, född +1",)
    assert lasting(married) == lasting(single)
    changed = {name for name in single if single[name] != married[name]}
    assert changed == {"sn", "displayName", "whenChanged", "uSNChanged"}


def test_samordningsnummer_that_becomes_a_personnummer_keeps_the_account(site: Site) -> None:
    coordination = coordination_number(1)
    row = person(1, uses(XRAY))
    site.put(record("alfa", [{**row, "personnummer": None, "samordningsnummer": coordination}]))
    run_both(site)
    before = in_domain(site.lab)
    (who,) = before.accounts
    site.put(record("alfa", [{**row, "previous_numbers": [coordination]}]))

    own = run_both(site)

    assert hsa_id(site) == who
    assert own["alfa"]["changes"] == own["alfa"]["errors"] == []
    assert in_domain(site.lab) == before


# --- whom a person closed


def test_account_disabled_by_hand_stays_disabled_and_is_reported(site: Site) -> None:
    site.put(record("alfa", [person(1, uses(XRAY)), person(2, uses(XRAY))]))
    run_both(site)
    who, account = hsa_id(site), in_domain(site.lab).accounts[hsa_id(site)]
    (dn,) = account["distinguishedName"]
    by_hand = flags(account) | DISABLED | DONT_EXPIRE_PASSWD
    change(site.lab, dn, userAccountControl=by_hand)
    before = in_domain(site.lab)

    own = accounts_of(site)["alfa"]

    assert (own["changes"], own["errors"]) == ([], [])
    assert in_domain(site.lab) == before
    found = [(f["code"], f["object"]) for f in own["findings"]]
    assert ("manually_disabled", who) in found

    # What ends and begins again does not open it either, and bits of others stay.
    site.put(record("alfa", [person(1, uses(XRAY, to=YESTERDAY)), person(2, uses(XRAY))]))
    accounts_of(site)
    assert in_domain(site.lab).groups_of(who) == set()
    site.put(record("alfa", [person(1, uses(XRAY)), person(2, uses(XRAY))]))
    accounts_of(site)
    assert flags(in_domain(site.lab).accounts[who]) == by_hand


def test_account_that_a_run_disabled_is_enabled_when_its_owner_comes_back(site: Site) -> None:
    site.put(record("alfa", [person(1, uses(XRAY, to=YESTERDAY)), person(2, uses(XRAY))]))
    run_both(site, YESTERDAY)
    who, working = hsa_id(site), in_domain(site.lab).accounts[hsa_id(site)]
    change(site.lab, *working["distinguishedName"], userAccountControl=SET_BY_OTHERS)
    accounts_of(site)
    assert flags(in_domain(site.lab).accounts[who]) == SET_BY_OTHERS | DISABLED
    site.put(record("alfa", [person(1, uses(XRAY)), person(2, uses(XRAY))]))

    accounts_of(site)

    back = in_domain(site.lab).accounts[who]
    assert flags(back) == SET_BY_OTHERS
    assert lasting(back) == lasting(working)
    assert MARK not in back["extensionName"]


def test_protected_persons_account_keeps_nothing_that_others_wrote(site: Site) -> None:
    site.put(record("alfa", [person(1, uses(XRAY)), person(2, uses(XRAY))]))
    run_both(site)
    for n in (1, 2):
        (dn,) = in_domain(site.lab).accounts[hsa_id(site, n)]["distinguishedName"]
        change(site.lab, dn, **dict.fromkeys(OTHERS_SAID, "TH"))
    site.put(record("alfa", [person(1, uses(XRAY), protected=True), person(2, uses(XRAY))]))

    run_both(site)

    accounts = in_domain(site.lab).accounts
    assert accounts[hsa_id(site)].keys().isdisjoint(OTHERS_SAID)
    assert accounts[hsa_id(site, 2)].keys() >= set(OTHERS_SAID)
    own = accounts_of(site)["alfa"]
    assert (own["changes"], own["errors"]) == ([], [])


def test_account_of_whoever_left_is_told_wherever_somebody_moved_it(site: Site) -> None:
    site.put(record("alfa", [person(1, uses(XRAY)), person(2, uses(XRAY))]))
    run_both(site)
    who = hsa_id(site)
    (dn,) = in_domain(site.lab).accounts[who]["distinguishedName"]
    with domain(site.lab).admin() as admin:
        admin.modify_dn(dn, f"CN={who}", new_superior=f"CN=Users,{domain(site.lab).base}")
    found = [f for f in accounts_of(site)["alfa"]["findings"] if f["code"] == "account_moved"]
    assert [(f["object"], f["severity"]) for f in found] == [(who, "normal")]
    site.put(record("alfa", [person(1, uses(XRAY, to=YESTERDAY)), person(2, uses(XRAY))]))

    (finding,) = [f for f in accounts_of(site)["alfa"]["findings"] if f["code"] == "account_moved"]

    assert (finding["object"], finding["severity"]) == (who, "high")
    assert "Halsoval-alfa" in finding["message"]
    # Later tests' people get the same HSA-ids, and this account is nobody's of theirs.
    with domain(site.lab).admin() as admin:
        admin.delete(f"CN={who},CN=Users,{domain(site.lab).base}")


# --- how somebody logs in


def test_nobody_logs_in_without_the_card(site: Site, tmp_path: Path) -> None:
    site.put(record("alfa", [person(1, uses(XRAY))]))
    run_both(site)
    who, ad = hsa_id(site), domain(site.lab)
    account = in_domain(site.lab).accounts[who]
    (dn,), (name,) = account["distinguishedName"], account["sAMAccountName"]
    guesses = ["", who, name, number(1), "made at random"]
    assert not any(can_log_in(ad, dn, guess, tmp_path) for guess in guesses)

    # Nor would a guess or nothing do if passwords were taken.
    change(site.lab, dn, userAccountControl=NORMAL)
    assert not any(can_log_in(ad, dn, guess, tmp_path) for guess in guesses)
    with ad.admin() as admin:
        admin.extend.microsoft.modify_password(dn, "Known-by-admin-7")
    assert can_log_in(ad, dn, "Known-by-admin-7", tmp_path)  # so the others were refused as wrong

    own = accounts_of(site)
    assert own["alfa"]["changes"] == [f"modify account {who}"]
    assert flags(in_domain(site.lab).accounts[who]) == NORMAL | SMARTCARD
    assert not can_log_in(ad, dn, "Known-by-admin-7", tmp_path)
