# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast `onboard` is for Active Directory, measured as test_onboard.py does for HSA.

HSA is in line before. Between measurements the domain is made anew, for both sides alike: after
deleting, Samba would keep every object and link as a tombstone and become slower.
"""

from __future__ import annotations

import base64
import re
import secrets
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.tests.lab import Domain, start_lab
from ansible_collections.regionjh.halsoval.tests.performance.many_records import write_source
from ansible_collections.regionjh.halsoval.tests.performance.measuring import (
    ROUNDS,
    Region,
    largest,
    middle,
    show,
)

PROVIDERS, PEOPLE = 10, 100
ITEMS = 30
# What each person uses. An AD group opens each of them, and the provider's own is a fourth.
SYSTEMS = ("vardadministrativt_system", "rontgensvar_och_rontgenbilder", "befolkningsregister")

# What `onboard` writes, as far as anybody can read it.
_OF_ACCOUNTS = (
    "sAMAccountName", "userPrincipalName", "employeeNumber", "extensionName", "userAccountControl",
    "accountExpires", "givenName", "sn", "displayName", "title", "mail", "company", "department",
)  # fmt: skip
_OF_GROUPS = ("sAMAccountName", "groupType", "extensionName", "member")

Held = Mapping[str, list[bytes]]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The lab that is measured, and providers whose people all have use for an account."""
    directory = tmp_path_factory.mktemp("accounts")
    source = write_source(directory, PROVIDERS, PEOPLE, SYSTEMS)
    for lab in start_lab(tmp_path_factory.mktemp("lab")):
        yield Region(lab, directory, source)


def test_a_thousand_accounts(region: Region) -> None:
    region.onboard("hsa")
    first, second, added, per_item = [], [], [], []
    for _round in range(ROUNDS):
        region.empty("ad")
        first.append(region.onboard("ad"))
        second.append(region.onboard("ad"))
        assert not re.search("changed=[1-9]", second[-1].output)
        ldif = ours_as_ldif(region)
        region.empty("ad")
        added.append(region.ldap("ldapadd", "ad", "-f", ldif))
        per_item.append(seconds_per_loop_item(region))
    accounts = PROVIDERS * PEOPLE
    print(f"\n\n{accounts:,} accounts in four groups each; medians of {ROUNDS}")
    show("onboard, seconds", middle(first), "")
    show("ldapadd of the same, seconds", middle(added), "")
    show("onboard / ldapadd", middle(first) / middle(added), "at most 2")
    show("second run / first run", middle(second) / middle(first), "at most 0.5")
    show("largest process, MiB", largest(*first, *second), "")
    per_account = middle(first) / accounts
    print(f"\nA loop of community.general.ldap_entry and ldap_attrs, {ITEMS} items in one group")
    show("both, milliseconds an account", 1000 * statistics.median(per_item), "")
    show("onboard, milliseconds an account", 1000 * per_account, "")
    show("both / onboard", statistics.median(per_item) / per_account, "at least 15")


def seconds_per_loop_item(region: Region) -> float:
    """What one account of the loop takes."""
    ad = domain(region)
    return region.loop(
        "ldap_account.yml",
        ITEMS,
        bind_dn=ad.service_dn,
        password_file=str(region.password_file("ad")),
        ca_path=str(ad.ca),
        server_uri=region.address("ad"),
        branch=ad.account_ou,
        utf16_password=_password().decode(),
        # The smallest one.
        group=f"CN=App-Datalager,{ad.system_groups_ou}",
    )


def domain(region: Region) -> Domain:
    """The Active Directory of the lab."""
    assert region.lab.ad
    return region.lab.ad


# --- what was written ----------------------------------------------------------------------------


def ours_as_ldif(region: Region) -> Path:
    """The writes of `onboard` into an empty domain, with other passwords of the same length.

    As there, each provider's people become members of a shared group together.
    """
    ad = domain(region)
    accounts = _found(ad, ad.account_ou, "(objectClass=user)", _OF_ACCOUNTS)
    assert len(accounts) == PROVIDERS * PEOPLE
    records = [
        [("dn", dn), ("objectClass", b"user"), *_lines(held), ("unicodePwd", _password())]
        for dn, held in accounts.items()
    ]
    for dn, held in _found(ad, ad.group_ou, "(objectClass=group)", _OF_GROUPS).items():
        records.append([("dn", dn), ("objectClass", b"group"), *_lines(held)])
    memberships = list(_memberships(ad, accounts))
    assert sum(len(members) for _dn, members in memberships) == len(accounts) * len(SYSTEMS)
    for dn, members in memberships:
        values = [("member", member) for member in members]
        records.append([("dn", dn), ("changetype", b"modify"), ("add", b"member"), *values])
    path = region.directory / "ours.ldif"
    path.write_text("\n".join(map(_record, records)))
    return path


def _memberships(
    ad: Domain, accounts: Mapping[bytes, Held]
) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    """Each shared group with each provider's people in it."""
    people = defaultdict(list)
    for dn, held in accounts.items():
        for key in held["extensionName"]:
            people[key].append(dn)
    shared = _found(ad, ad.system_groups_ou, "(objectClass=group)", ("member",))
    for group, held in shared.items():
        members = frozenset(held["member"])
        for theirs in people.values():
            if ours := [dn for dn in theirs if dn in members]:
                yield group, ours


def _found(ad: Domain, base: str, criterion: str, names: tuple[str, ...]) -> dict[bytes, Held]:
    with ad.service() as service:
        replies = service.extend.standard.paged_search(
            base, criterion, attributes=list(names), paged_size=500
        )
        return {reply["raw_dn"]: reply["raw_attributes"] for reply in replies if "raw_dn" in reply}


def _lines(held: Held) -> Iterator[tuple[str, bytes]]:
    for name, values in held.items():
        yield from ((name, value) for value in values)


def _password() -> bytes:
    return f'"{secrets.token_urlsafe(84)}Aa1-"'.encode("utf-16-le")


def _record(lines: Iterable[tuple[str, bytes]]) -> str:
    plain = ("changetype", "add")  # ldapadd does not decode these
    return "".join(
        f"{name}: {value.decode()}\n"
        if name in plain
        else f"{name}:: {base64.b64encode(value).decode()}\n"
        for name, value in lines
    )
