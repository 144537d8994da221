# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Active Directory that misbehaves, or is laid out otherwise than told: a clear error, no more.

The provider that is concerned stays as it is, the others go on, and the next run converges.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap3
import pytest

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    DISABLED,
    Content,
    accounts_of,
    change,
    domain,
    empty_domain,
    empty_region,
    groups,
    in_domain,
    make_ad_task,
    run_both,
)
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    EVERY,
    SHORT_PASSWORD,
    Fault,
    FaultyDirectory,
    Part,
    Ranges,
    Refusal,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab, free_port
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    JOURNAL,
    XRAY,
    number,
    person,
    record,
    uses,
)

ALFA = (person(1, uses(XRAY)), person(2, uses(XRAY)))
BETA = (person(3, uses(DOCUMENTS)),)
LATER = [person(index, uses(XRAY)) for index in (4, 5, 6)]
BETAS = {"Halsoval-beta", "App-Dokumenthantering-Las"}
YESTERDAY = "2026-03-01"
LARGE = "App-Vardadministrativt"


@pytest.fixture(scope="module")
def site_in_hsa(region: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site whose people are in HSA, those who come later too."""
    empty_region(region)
    site = make_site(tmp_path_factory.mktemp("faults") / "site", region, examples=False)
    put(site, [*ALFA, *LATER])
    run_both(site)
    return site


@pytest.fixture
def site(site_in_hsa: Site) -> Site:
    """Records of alfa with two people and beta with one, who are in HSA, and an empty AD."""
    empty_domain(site_in_hsa.lab)
    put(site_in_hsa)
    return site_in_hsa


@pytest.fixture
def onboarded(site: Site) -> Content:
    """What AD holds once the accounts are there."""
    assert not any(own["failed"] for own in accounts_of(site).values())
    return in_domain(site.lab)


def put(
    site: Site,
    alfa: Sequence[dict[str, Any]] = ALFA,
    beta: Sequence[dict[str, Any]] = BETA,
    **part: Any,
) -> None:
    """Records with these people; `part` is of alfa's agreement.

    Those who come later have been at alfa before.
    """
    listed = {row["personnummer"] for row in alfa}
    left = (row for row in LATER if row["personnummer"] not in listed)
    ended = [{**row, "assignments": [uses(XRAY, to=YESTERDAY)]} for row in left]
    site.put(record("alfa", [*alfa, *ended], **part))
    site.put(record("beta", beta))


def hsa_id(site: Site, index: int) -> str:
    """The HSA-id of a person."""
    entry = held(site.lab).person(number(index))
    assert entry is not None
    return entry["hsaIdentity"][0]


def titled(rows: Sequence[dict[str, Any]], title: str = "Chef") -> list[dict[str, Any]]:
    """The rows with another title, which an account shows."""
    return [{**row, "position": title} for row in rows]


@contextmanager
def relay(
    site: Site, folder: Path, *faults: Fault, **options: Any
) -> Iterator[tuple[FaultyDirectory, str]]:
    """A relay with faults before the domain controller, and its address."""
    uri = domain(site.lab).uri
    with faulty_directory(site.lab, folder, *faults, before=uri, **options) as directory:
        yield directory, directory.uri


# --- what is laid out otherwise than told --------------------------------------------------------


def alfa_alone_failed(site: Site, own: dict[str, dict[str, Any]], *words: str) -> None:
    """Alfa has an error with these words, and nothing in AD; beta has its account and groups."""
    assert own["alfa"]["failed"]
    assert own["alfa"]["changes"] == []
    for word in words:
        assert word in own["alfa"]["msg"]
    assert own["beta"]["errors"] == []
    content = in_domain(site.lab)
    assert content.accounts.keys() == {hsa_id(site, 3)}
    assert content.groups_of(hsa_id(site, 3)) == BETAS
    assert "Halsoval-alfa" not in content.groups


def test_group_that_does_not_exist_stops_its_provider_alone(site: Site) -> None:
    missing = f"CN=App-Saknas,{domain(site.lab).system_groups_ou}"

    own = accounts_of(site, groups={**groups(site.lab), XRAY: missing})

    alfa_alone_failed(site, own, f"AD does not hold the group {missing} of the service {XRAY}")


def test_account_outside_our_ous_with_the_persons_id_stops_its_provider_alone(site: Site) -> None:
    ad, who = domain(site.lab), hsa_id(site, 1)
    dn = f"CN=Kalle Annan,{ad.employees_ou}"
    attributes = {"sAMAccountName": "kalann01", "employeeNumber": who.lower()}
    with ad.admin() as admin:
        admin.add(dn, "user", attributes)
        try:
            own = accounts_of(site)
            admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["uSNChanged", "uSNCreated"])
            (entry,) = admin.response
        finally:
            admin.delete(dn)

    alfa_alone_failed(site, own, f"an account outside our OUs has the employeeNumber {who}")
    assert entry["attributes"]["uSNChanged"] == entry["attributes"]["uSNCreated"]


def delete_and_restore(site: Site, dn: str) -> None:
    """What an administrator does with a tombstone: the entry comes back with few attributes."""
    ad = domain(site.lab)
    shown = [("1.2.840.113556.1.4.417", True, None)]  # LDAP_SERVER_SHOW_DELETED_OID
    back = {
        "isDeleted": [(ldap3.MODIFY_DELETE, [])],
        "distinguishedName": [(ldap3.MODIFY_REPLACE, [dn])],
    }
    with ad.admin() as admin:
        admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["objectGUID"])
        guid = uuid.UUID(bytes_le=admin.response[0]["raw_attributes"]["objectGUID"][0])
        admin.delete(dn)
        # By its GUID alone, Samba 4.17 answers operationsError.
        admin.search(
            f"CN=Deleted Objects,{ad.base}", "(isDeleted=TRUE)", attributes=["1.1"], controls=shown
        )
        (deleted,) = (entry["dn"] for entry in admin.response if str(guid) in entry.get("dn", ""))
        admin.modify(deleted, back, controls=shown)


def test_account_that_somebody_restored_is_told_and_stops_its_provider_alone(
    site: Site, onboarded: Content
) -> None:
    ad, who = domain(site.lab), hsa_id(site, 1)
    dn = f"CN={who},{ad.account_ou}"
    delete_and_restore(site, dn)
    with ad.admin() as admin:
        admin.search(dn, "(objectClass=*)", ldap3.BASE, attributes=["*"])
        (restored,) = (entry["raw_attributes"] for entry in admin.response)
    assert "employeeNumber" not in restored
    assert not int(restored["userAccountControl"][0]) & DISABLED

    for _night in range(2):
        own = accounts_of(site)
        words = f"an enabled account with no employeeNumber and without our key lies at CN={who}"
        assert words in own["alfa"]["msg"]
        assert "run again" not in own["alfa"]["msg"]
        assert own["beta"]["errors"] == []

    result = make_ad_task(site, site.path / "payload").run()
    (finding,) = result["findings"]
    told = {"provider": "", "code": "unexplained_account", "severity": "high", "object": who}
    assert told.items() <= finding.items()

    # It is taken over when it has its number again and the record names it.
    change(site.lab, dn, employeeNumber=who)
    put(site, [{**ALFA[0], "hsa_id": who}, ALFA[1]])
    assert accounts_of(site)["alfa"]["errors"] == []
    after = in_domain(site.lab)
    assert after.accounts[who]["objectGUID"] == (
        restored["objectGUID"][0].decode("utf-8", "surrogateescape"),
    )
    assert after.groups_of(who) == onboarded.groups_of(who)
    assert make_ad_task(site, site.path / "payload").run()["findings"] == []


@pytest.mark.parametrize("kind", ["contact", "organizationalUnit", "computer", "group"])
def test_other_object_where_an_account_is_to_be_is_told(site: Site, kind: str) -> None:
    ad, who = domain(site.lab), hsa_id(site, 1)
    rdn = "OU" if kind == "organizationalUnit" else "CN"
    dn = f"{rdn}={who},{ad.account_ou}"
    with ad.admin() as admin:
        admin.add(
            dn,
            kind,
            {} if kind in ("contact", "organizationalUnit") else {"sAMAccountName": "annat"},
        )
        try:
            own = accounts_of(site)
        finally:
            admin.delete(dn)
    if kind == "organizationalUnit":  # OU= and CN= are names of their own
        assert own["alfa"]["errors"] == []
    else:
        assert f"lies at CN={who} in our OU" in own["alfa"]["msg"]
        assert own["alfa"]["changes"] == []


def test_service_without_its_group_is_told_with_the_accounts_that_keep_it(
    site: Site, onboarded: Content
) -> None:
    left = {service: dn for service, dn in groups(site.lab).items() if service != XRAY}

    own = accounts_of(site, groups=left)

    told = {finding["code"]: finding for finding in own["alfa"]["findings"]}
    group = groups(site.lab)[XRAY].partition(",")[0].removeprefix("CN=")
    assert told["other_group"]["object"] == group
    kept = sorted(hsa_id(site, index) for index in (1, 2))
    assert told["other_group"]["message"].endswith(": " + ", ".join(kept))
    assert in_domain(site.lab).groups[group]["member"] == onboarded.groups[group]["member"]
    assert [f["code"] for f in accounts_of(site)["alfa"]["findings"]] == []


def test_error_about_a_provider_delays_no_end(site: Site, onboarded: Content) -> None:
    leaves = hsa_id(site, 2)
    put(site, [person(1, uses(XRAY, DOCUMENTS)), person(2, uses(XRAY, to=YESTERDAY))])
    missing = f"CN=App-Saknas,{domain(site.lab).system_groups_ou}"

    own = accounts_of(site, groups={**groups(site.lab), DOCUMENTS: missing})

    assert f"AD does not hold the group {missing}" in own["alfa"]["msg"]
    after = in_domain(site.lab)
    assert onboarded.enabled - after.enabled == {leaves}
    assert after.groups_of(leaves) == set()
    assert after.accounts[hsa_id(site, 1)] == onboarded.accounts[hsa_id(site, 1)]


@pytest.mark.parametrize("refusal", SHORT_PASSWORD.values(), ids=SHORT_PASSWORD)
def test_password_policy_that_refuses_stops_new_accounts_alone(
    site: Site, onboarded: Content, tmp_path: Path, refusal: Refusal
) -> None:
    put(
        site,
        [person(1, uses(XRAY, to=YESTERDAY)), *titled(ALFA[1:]), person(4, uses(XRAY))],
        titled(BETA),
    )
    with relay(site, tmp_path, Fault("add", EVERY, refusal, b"unicodePwd")) as (_directory, uri):
        own = accounts_of(site, server_uri=uri)

    assert "the domain's password policy refuses the password" in own["alfa"]["msg"]
    assert f"account {hsa_id(site, 4)}: " in own["alfa"]["msg"]
    assert own["beta"]["errors"] == []
    after = in_domain(site.lab)
    assert after.accounts.keys() == onboarded.accounts.keys()
    assert after.enabled == {hsa_id(site, 2), hsa_id(site, 3)}
    assert {e.get("title") for i, e in after.accounts.items() if i in after.enabled} == {("Chef",)}
    # The next run finds what was missing.
    assert f"add account {hsa_id(site, 4)}" in accounts_of(site)["alfa"]["changes"]
    assert in_domain(site.lab).groups_of(hsa_id(site, 4)) == {"Halsoval-alfa", "App-Rontgensvar"}


# --- a domain controller that cannot be used -----------------------------------------------------


def test_wrong_password_fails_every_provider_of_ad_and_hsa_is_done(
    site: Site, onboarded: Content
) -> None:
    put(site, titled(ALFA), titled(BETA))

    run = site.onboard(halsoval_ad_bind_password="not the password")

    assert (run.rc, run.hosts("failed"), run.hosts("changed")) == (
        2, {"alfa", "beta"}, {"alfa", "beta"},
    )  # fmt: skip
    refused = f"refused the bind as {domain(site.lab).service_dn}: invalid credentials"
    fatal = [line for line in run.output.splitlines() if line.startswith("fatal: [")]
    assert [refused in line for line in fatal] == [True, False, False]
    assert all("ad: nothing was done for anybody" in line for line in fatal[1:])
    assert in_domain(site.lab) == onboarded
    entry = held(site.lab).person(number(1))
    assert entry is not None
    assert entry["title"] == ("Chef",)


def test_certificate_that_cannot_be_verified_gets_no_password(
    site: Site, onboarded: Content, tmp_path: Path
) -> None:
    put(site, titled(ALFA), titled(BETA))
    with relay(site, tmp_path, known_ca=False) as (directory, uri):
        result = make_ad_task(site, tmp_path / "payload", server_uri=uri).run()

    assert result["failed"]
    assert result["msg"].startswith(f"{uri} presents a certificate that cannot be verified")
    assert directory.seen["message"] == 0
    assert in_domain(site.lab) == onboarded


def test_domain_controller_that_is_down(site: Site, onboarded: Content, tmp_path: Path) -> None:
    put(site, titled(ALFA), titled(BETA))
    uri = f"ldaps://localhost:{free_port()}"

    result = make_ad_task(site, tmp_path / "payload", server_uri=uri).run()

    assert result["failed"]
    assert result["msg"].startswith(f"{uri} could not be reached, or stayed busy: ")
    assert in_domain(site.lab) == onboarded


# --- groups that come in parts -------------------------------------------------------------------


@pytest.fixture
def in_large_group(site: Site) -> Content:
    """What AD holds when two people of alfa are in the group of 2,000; one of them has left."""
    put_journal(site)
    assert accounts_of(site)["alfa"]["errors"] == []
    put_journal(site, to=YESTERDAY)
    content = in_domain(site.lab)
    assert len(content.members(LARGE)) == 2
    return content


def put_journal(site: Site, **leaving: str) -> None:
    """A record of alfa with two users of the patient record system, the second of whom leaves."""
    people = [person(1, uses(JOURNAL)), person(2, uses(JOURNAL, **leaving))]
    put(site, people, services=["vardutbud_bas", "stodapplikationer", JOURNAL])


def test_group_that_comes_in_parts_is_read_whole(
    site: Site, in_large_group: Content, tmp_path: Path
) -> None:
    ranges = Ranges(most=700)
    with relay(site, tmp_path, rewrite=ranges) as (directory, uri):
        own = accounts_of(site, server_uri=uri)
        assert (own["alfa"]["errors"], own["beta"]["errors"]) == ([], [])
        assert ranges.parts == 3
        assert not any(own["changed"] for own in accounts_of(site, server_uri=uri).values())

    assert ranges.parts == 6
    after = in_domain(site.lab)
    assert after.members(LARGE) == after.enabled - {hsa_id(site, 3)} == {hsa_id(site, 1)}
    assert after.foreign_members(LARGE) == in_large_group.foreign_members(LARGE)
    # The account, its two groups, and the account again, which goes into quarantine.
    assert directory.seen["modify"] == 4


def elsewhere(part: Part) -> Part:
    """The part begins after the first value that was asked for."""
    first, last, values = part
    return first + 1, last, values[1:]


def nothing(part: Part) -> Part:
    """The part is there and empty."""
    first, last, _values = part
    return first, last, []


def short(part: Part) -> Part:
    """One value is missing of those that the part names."""
    first, last, values = part
    return first, last, values[:-1] if last != "*" else values


REFUSED = Fault("search", EVERY, "refused", b"member;range=")
INCOMPLETE: dict[str, tuple[Ranges, tuple[Fault, ...]]] = {
    "came with another part of its member than asked for": (Ranges(700, elsewhere), ()),
    "came with a part of its member only": (Ranges(700, nothing), ()),
    "came with a part of its member": (Ranges(700, short), ()),
    "failed: insufficientAccessRights": (Ranges(700), (REFUSED,)),
}


def test_group_that_stays_incomplete_changes_nothing_for_anybody(
    site: Site, in_large_group: Content, tmp_path: Path
) -> None:
    for reason, (ranges, faults) in INCOMPLETE.items():
        with relay(site, tmp_path, *faults, rewrite=ranges) as (directory, uri):
            result = make_ad_task(site, tmp_path / "payload", server_uri=uri).run()

        assert result["failed"], reason
        assert reason in result["msg"]
        assert groups(site.lab)[JOURNAL] in result["msg"]
        assert ranges.parts > 0
        assert directory.seen["modify"] == directory.seen["add"] == 0
    assert in_domain(site.lab) == in_large_group


# --- replies that are lost -----------------------------------------------------------------------


def test_lost_replies_leave_no_trace_and_double_nobody(site: Site, tmp_path: Path) -> None:
    """Accounts are made, then changed and closed; some of it is done unheard, some is not done."""
    many = [*ALFA, *LATER]
    everybody = {hsa_id(site, index) for index in range(1, 7)}
    faults = (
        # Samba goes on with what it has, so there are fewer replies than requests.
        Fault("add", {4}, "close"),
        Fault("add reply", {2, 4}, "close"),
        Fault("modify", {4}, "close"),
        Fault("modify reply", {1, 3}, "close"),
    )
    with relay(site, tmp_path, *faults) as (directory, uri):
        put(site, many)
        own = accounts_of(site, server_uri=uri)
        made = in_domain(site.lab)
        put(site, [person(1, uses(XRAY, to=YESTERDAY)), *titled(many[1:])])
        later = accounts_of(site, server_uri=uri)

    assert all(directory.seen[fault.kind] >= max(fault.numbers) for fault in faults), directory.seen
    for result in (*own.values(), *later.values()):
        assert (result["errors"], result["changed"]) == ([], result != later["beta"])
    assert made.accounts.keys() == made.enabled == everybody
    assert made.members("Halsoval-alfa") == everybody - {hsa_id(site, 3)}
    after = in_domain(site.lab)
    assert after.names == made.names
    assert everybody - after.enabled == {hsa_id(site, 1)}
    for group in ("Halsoval-alfa", "App-Rontgensvar"):
        assert after.members(group) == everybody - {hsa_id(site, 1), hsa_id(site, 3)}
    titles = {who: account.get("title") for who, account in after.accounts.items()}
    assert {who for who in titles if titles[who] == ("Chef",)} == after.members("Halsoval-alfa")
    assert not any(own["changed"] for own in accounts_of(site).values())


# --- somebody else works there at the same time --------------------------------------------------


def test_account_that_is_moved_and_renamed_meanwhile_is_hit_all_the_same(
    site: Site, onboarded: Content, tmp_path: Path
) -> None:
    ad, who = domain(site.lab), hsa_id(site, 1)
    (dn,) = onboarded.accounts[who]["distinguishedName"]
    other = f"{onboarded.accounts[hsa_id(site, 2)]['distinguishedName'][0]}"

    def move() -> None:
        with ad.admin() as admin:
            admin.modify_dn(dn, "CN=Omdöpt, tillfälligt", new_superior=ad.quarantine_ou)
            # Somebody else's account has the name now.
            admin.modify_dn(other, dn.partition(",")[0])

    put(site, [*titled(ALFA[:1]), *ALFA[1:]])
    with relay(site, tmp_path, Fault("modify", {1}, move)) as (_directory, uri):
        own = accounts_of(site, server_uri=uri)

    assert own["alfa"]["errors"] == []
    after = in_domain(site.lab)
    assert after.accounts[who]["title"] == ("Chef",)
    assert after.accounts[who]["objectGUID"] == onboarded.accounts[who]["objectGUID"]
    assert "title" not in after.accounts[hsa_id(site, 2)]
    assert after.names == onboarded.names
    # It is found again, wherever it lies in our OUs and whatever it is called.
    own = accounts_of(site)
    assert (own["alfa"]["errors"], own["alfa"]["counts"]["account"]) == ([], 2)
    assert not any(own["changed"] for own in accounts_of(site).values())
    assert in_domain(site.lab).names == onboarded.names


def test_value_that_somebody_changes_meanwhile_is_not_overwritten(
    site: Site, onboarded: Content, tmp_path: Path
) -> None:
    put(site, titled(ALFA, "Läkare"), titled(BETA, "Läkare"))
    accounts_of(site)
    who = hsa_id(site, 1)
    (dn,) = onboarded.accounts[who]["distinguishedName"]
    put(site, titled(ALFA), titled(BETA))
    fault = Fault("modify", {1}, lambda: change(site.lab, dn, title="Somebody's"))
    with relay(site, tmp_path, fault) as (_directory, uri):
        own = accounts_of(site, server_uri=uri)

    words = f"account {who}: somebody else changed the entry at the same time; run again"
    assert own["alfa"]["errors"] == [words]
    assert own["beta"]["errors"] == []
    after = in_domain(site.lab).accounts
    assert after[who]["title"] == ("Somebody's",)
    assert {after[hsa_id(site, index)]["title"] for index in (2, 3)} == {("Chef",)}
    assert accounts_of(site)["alfa"]["errors"] == []
    assert in_domain(site.lab).accounts[who]["title"] == ("Chef",)


def test_name_that_somebody_takes_meanwhile_is_left_to_them(site: Site, tmp_path: Path) -> None:
    ad, who = domain(site.lab), hsa_id(site, 1)
    name = who.partition("-")[2].lower()
    taken = f"CN=Kalle Annan,{ad.employees_ou}"

    def take() -> None:
        with ad.admin() as admin:
            admin.add(taken, "user", {"sAMAccountName": name})

    try:
        with relay(site, tmp_path, Fault("add", {1}, take)) as (_directory, uri):
            own = accounts_of(site, server_uri=uri)
        assert f"account {who}: the name is taken by another object" in own["alfa"]["msg"]
        assert own["beta"]["errors"] == []
        content = in_domain(site.lab)
        assert content.accounts.keys() == {hsa_id(site, 2), hsa_id(site, 3)}
        assert content.members("Halsoval-alfa") == {hsa_id(site, 2)}

        assert accounts_of(site)["alfa"]["errors"] == []

        assert in_domain(site.lab).names[who] == name + "2"
    finally:
        with ad.admin() as admin:
            admin.delete(taken)
