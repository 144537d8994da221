# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the texts may be that real directories take, and that the longest record is taken."""

from __future__ import annotations

from pathlib import Path

import ldap3
import pytest
from ldap3.core.exceptions import LDAPInvalidAttributeSyntaxResult, LDAPOtherResult

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    Domain,
    domain,
    empty_region,
    in_domain,
    run_both,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import held, make_site
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit import test_lengths as lengths
from ansible_collections.regionjh.halsoval.tests.unit.builders import number


def test_active_directory_has_the_lengths_that_we_know(region: Lab) -> None:
    ad = domain(region)
    named = "".join(f"(lDAPDisplayName={name})" for name in ("cn", *lengths.AD_LENGTHS))
    with ad.admin() as admin:
        admin.search(
            f"CN=Schema,CN=Configuration,{ad.base}", f"(|{named})", ldap3.LEVEL,
            attributes=["lDAPDisplayName", "rangeUpper"],
        )  # fmt: skip
        found = {
            entry["attributes"]["lDAPDisplayName"][0]: int(entry["attributes"]["rangeUpper"][0])
            for entry in admin.response
        }

    assert found == {"cn": 64, **lengths.AD_LENGTHS}


@pytest.mark.parametrize(("letter", "most"), [("a", 64), ("å", 64), ("李", 64), ("🙂", 32)])
def test_active_directory_counts_as_utf16_does(region: Lab, letter: str, most: int) -> None:
    ad = domain(region)
    assert _takes_department(ad, most * letter)
    assert not _takes_department(ad, (most + 1) * letter)


def _takes_department(ad: Domain, text: str) -> bool:
    dn = f"CN=probe,{ad.account_ou}"
    with ad.admin() as admin:
        try:
            admin.add(dn, "user", {"sAMAccountName": "probe", "department": text})
        except LDAPInvalidAttributeSyntaxResult:
            return False
        admin.delete(dn)
    return True


@pytest.mark.parametrize("letter", lengths.LETTERS)
def test_slapd_takes_names_by_their_octets(region: Lab, letter: str) -> None:
    """back-mdb keeps a name twice in a key of 511; RFC 4514 escapes make three of a comma."""
    one = lengths.octets(matching.rdn(("ou", letter))) - len("ou=")
    most = (lengths.OCTETS - len("ou=")) // one
    with region.admin() as admin:
        for length in (most, most + 1):
            name = length * letter
            dn = f"{matching.rdn(('ou', name))},{region.provider_branch}"
            entry = {"ou": name, "hsaIdentity": "SE2321000214-LENGTH"}
            if length > most:
                with pytest.raises(LDAPOtherResult):
                    admin.add(dn, "organizationalUnit", entry)
            else:
                admin.add(dn, "organizationalUnit", entry)
                admin.delete(dn)


@pytest.mark.parametrize("letter", lengths.LETTERS)
def test_the_longest_record_is_taken_by_both(region: Lab, tmp_path: Path, letter: str) -> None:
    empty_region(region)
    site = make_site(tmp_path / "site", region, examples=False)
    texts = {path: lengths.longest(letter, most) for path, most in lengths.LONGEST.items()}
    site.put(lengths.said(texts))

    results = run_both(site)

    assert {own["failed"] for own in results.values()} == {False}
    entry = held(region).person(number(1))
    assert entry is not None
    account = in_domain(region).accounts[entry["hsaIdentity"][0]]
    assert account["displayName"] == entry["fullName"]
    assert account["department"] == (texts["agreement", "units", 0, "name"],)
