# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others make of our accounts and groups in a real domain, and what our own account may do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPInsufficientAccessRightsResult
from ldap3.protocol.microsoft import security_descriptor_control

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    NORMAL,
    SMARTCARD,
    accounts_of,
    change,
    domain,
    empty_region,
    in_domain,
    run_both,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Attributes,
    Site,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    JOURNAL,
    XRAY,
    number,
    person,
    record,
    uses,
)

DONT_REQUIRE_PREAUTH, PASSWD_NOTREQD, REVERSIBLE, DES_ONLY = 0x400000, 0x20, 0x80, 0x200000
TRUSTED_FOR_DELEGATION, TRUSTED_TO_AUTHENTICATE = 0x80000, 0x1000000
# What an administrator may set on an account by hand: what it is told as, and a word of that.
SET_BY_HAND: list[tuple[str, dict[str, str | int], str]] = [
    *(
        ("weak_logon", {"userAccountControl": NORMAL | SMARTCARD | flag}, name)
        for flag, name in (
            (DONT_REQUIRE_PREAUTH, "DONT_REQUIRE_PREAUTH"),
            (PASSWD_NOTREQD, "PASSWD_NOTREQD"),
            (REVERSIBLE, "ENCRYPTED_TEXT_PASSWORD_ALLOWED"),
            (DES_ONLY, "USE_DES_KEY_ONLY"),
            (TRUSTED_FOR_DELEGATION, "TRUSTED_FOR_DELEGATION"),
            (TRUSTED_TO_AUTHENTICATE, "TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION"),
        )
    ),
    ("weak_logon", {"servicePrincipalName": "http/anna.region.example"}, "servicePrincipalName"),
    ("weak_logon", {"msDS-AllowedToDelegateTo": "cifs/dc.region.example"}, "AllowedToDelegateTo"),
    ("foreign_mapping", {"altSecurityIdentities": "Kerberos:anna@ANNAT.EXAMPLE"}, "1 of"),
    ("foreign_mapping", {"altSecurityIdentities": "X509:<SKI>00ff"}, "1 of"),
    ("privileged_account", {"adminCount": 1}, "adminCount"),
]
CODES = {code for code, _said, _words in SET_BY_HAND}
OWNER, DACL = 1, 4  # parts of a security descriptor (MS-ADTS 3.1.1.3.4.1.11)


@pytest.fixture(name="site")
def _site(region: Lab, tmp_path: Path) -> Site:
    """A site with one provider whose one person has an account."""
    empty_region(region)
    site = make_site(tmp_path / "site", region, examples=False)
    put(site, person(1, uses()))
    assert not run_both(site)["alfa"]["failed"]
    return site


def put(site: Site, *people: dict[str, Any], id: str = "alfa") -> None:
    """Write a provider's record."""
    services = ["vardutbud_bas", "stodapplikationer", JOURNAL]
    site.put(record(id, people, services=services))


def account(site: Site, index: int = 1) -> Attributes:
    """The account of a person."""
    entry = held(site.lab).person(number(index))
    assert entry is not None
    return in_domain(site.lab).accounts[entry["hsaIdentity"][0]]


def findings(own: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings about what our accounts have become."""
    return [finding for finding in own["findings"] if finding["code"] in CODES]


# --- accounts ------------------------------------------------------------------------------------


def test_what_somebody_makes_of_accounts_is_told_and_left(site: Site) -> None:
    """Of a person more than what is made of accounts, so that of one nothing is told."""
    people = [person(n, uses()) for n in range(1, len(SET_BY_HAND) + 2)]
    put(site, *people)
    assert findings(run_both(site)["alfa"]) == []
    told = {}
    for n, (code, said, words) in enumerate(SET_BY_HAND, 1):
        change(site.lab, account(site, n)["distinguishedName"][0], **said)
        told[account(site, n)["employeeNumber"][0]] = code, words
    before = in_domain(site.lab).accounts
    own = accounts_of(site)["alfa"]
    assert {f["object"]: f["code"] for f in findings(own)} == {n: c for n, (c, _w) in told.items()}
    for finding in findings(own):
        assert finding["severity"] == "high"
        assert told[finding["object"]][1] in finding["message"]
    assert (own["changed"], in_domain(site.lab).accounts) == (False, before)


def test_an_account_in_a_built_in_group_or_with_another_primary_group_is_told(site: Site) -> None:
    dn = account(site)["distinguishedName"][0]
    guests = f"CN=Domain Guests,CN=Users,{domain(site.lab).base}"
    with domain(site.lab).admin() as admin:
        admin.modify(guests, {"member": [(ldap3.MODIFY_ADD, [dn])]})
        (finding,) = findings(accounts_of(site)["alfa"])
        assert finding["code"] == "privileged_account"
        assert "it is in Domain Guests" in finding["message"]
        # The primary group is no value of memberOf.
        admin.modify(dn, {"primaryGroupID": [(ldap3.MODIFY_REPLACE, [514])]})
        (finding,) = findings(accounts_of(site)["alfa"])
        assert "primaryGroupID" in finding["message"]
        assert "it is in Domain Users" in finding["message"]


def test_a_computers_name_is_taken(site: Site) -> None:
    (first,) = account(site)["sAMAccountName"]
    following = f"{first[:-1]}{int(first[-1]) + 1}"
    computer = f"CN=dator,{domain(site.lab).employees_ou}"
    with domain(site.lab).admin() as admin:
        admin.add(computer, "computer", {"sAMAccountName": f"{following}$"})
        try:
            put(site, person(1, uses()), person(2, uses()))
            assert not run_both(site)["alfa"]["failed"]
        finally:
            admin.delete(computer)
    names = {account(site, index)["sAMAccountName"][0] for index in (1, 2)}
    assert len(names) == 2
    assert following not in names


# --- groups --------------------------------------------------------------------------------------


@pytest.fixture(name="nested")
def _nested(region: Lab) -> Iterator[dict[str, str]]:
    """A group of the region's, two levels below Print Operators, which is built in."""
    ad = domain(region)
    inner, outer = (f"CN=prov-{n},{ad.system_groups_ou}" for n in ("inner", "outer"))
    built_in = f"CN=Print Operators,CN=Builtin,{ad.base}"
    with ad.admin() as admin:
        admin.add(inner, "group", {"sAMAccountName": "prov-inner"})
        admin.add(outer, "group", {"sAMAccountName": "prov-outer", "member": inner})
        admin.modify(built_in, {"member": [(ldap3.MODIFY_ADD, [outer])]})
        yield {"inner": inner, "outer": outer, "itself": built_in}
        admin.delete(outer)
        admin.delete(inner)


@pytest.mark.parametrize("which", ["inner", "outer", "itself"])
def test_nobody_is_put_in_a_group_that_leads_to_a_built_in_one(
    site: Site, nested: dict[str, str], which: str
) -> None:
    put(site, person(1, uses(DOCUMENTS, JOURNAL)))
    put(site, person(7, uses(JOURNAL)), id="beta")
    own = in_domain(site.lab).groups["App-Vardadministrativt"]["distinguishedName"][0]
    groups = {DOCUMENTS: nested[which], JOURNAL: own}
    results = run_both(site, groups=groups)
    assert (
        f"the group {nested[which]} of the service {DOCUMENTS} may give rights over the domain"
        in (results["alfa"]["msg"])
    )
    assert (results["beta"]["failed"], results["beta"]["changed"]) == (False, True)
    with domain(site.lab).admin() as admin:
        admin.search(nested[which], "(member=*)", ldap3.BASE, attributes=["member"])
        members = admin.response[0]["attributes"]["member"] if admin.response else []
    assert account(site)["distinguishedName"][0] not in members


# --- what the service account may do -------------------------------------------------------------


def is_refused(site: Site, dn: str, **values: str | int | bytes) -> bool:
    """Whether the service account may not write an attribute."""
    with domain(site.lab).service() as service:
        changes = {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()}
        try:
            service.modify(dn, changes)
        except LDAPInsufficientAccessRightsResult:
            return True
        return False


def may_change_its_access(site: Site, dn: str) -> bool:
    """Whether the service account may write who may do what with an entry: here, as it stands."""
    with domain(site.lab).service() as service:
        control = security_descriptor_control(sdflags=DACL)
        service.search(
            dn, "(objectClass=*)", ldap3.BASE, attributes=["nTSecurityDescriptor"], controls=control
        )
        (now,) = service.response[0]["raw_attributes"]["nTSecurityDescriptor"]
        try:
            service.modify(
                dn, {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, [now])]}, controls=control
            )
        except LDAPInsufficientAccessRightsResult:
            return False
        return True


def give_to_domain_admins(site: Site, dn: str) -> None:
    """Have Domain Admins own an entry (MS-DTYP 2.4.6: a descriptor with an owner alone)."""
    ad = domain(site.lab)
    with ad.admin() as admin:
        admin.search(
            f"CN=Domain Admins,CN=Users,{ad.base}", "(objectClass=*)", ldap3.BASE,
            attributes=["objectSid"],
        )  # fmt: skip
        (sid,) = admin.response[0]["raw_attributes"]["objectSid"]
        owned = struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 0, 0, 0) + sid
        admin.modify(
            dn, {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, [owned])]},
            controls=security_descriptor_control(sdflags=OWNER),
        )  # fmt: skip


def test_the_service_account_writes_no_more_of_an_account_than_a_run_does(site: Site) -> None:
    dn = account(site)["distinguishedName"][0]
    assert is_refused(site, dn, servicePrincipalName="http/anna.region.example")
    assert is_refused(site, dn, sAMAccountName="anna")
    assert is_refused(site, dn, adminCount=1)
    assert is_refused(site, dn, **{"msDS-AllowedToDelegateTo": "cifs/dc.region.example"})
    assert is_refused(site, dn, unicodePwd='"Abcdefgh12345!x"'.encode("utf-16-le"))
    for flag in (TRUSTED_FOR_DELEGATION, TRUSTED_TO_AUTHENTICATE):
        assert is_refused(site, dn, userAccountControl=NORMAL | SMARTCARD | flag)


@pytest.mark.parametrize("kind", ["account", "group"])
def test_it_may_give_itself_any_right_on_what_it_made_until_others_own_that(
    site: Site, kind: str
) -> None:
    content = in_domain(site.lab)
    entry = account(site) if kind == "account" else content.groups["Halsoval-alfa"]
    (dn,) = entry["distinguishedName"]
    assert may_change_its_access(site, dn)
    give_to_domain_admins(site, dn)
    assert not may_change_its_access(site, dn)
    # A run needs no more than what is delegated.
    put(site, person(1, uses(XRAY, to="2026-02-28")), person(2, uses()))
    assert not run_both(site)["alfa"]["failed"]
    assert account(site)["distinguishedName"][0] not in in_domain(site.lab).members("Halsoval-alfa")
    assert in_domain(site.lab).enabled == {account(site, 2)["employeeNumber"][0]}
