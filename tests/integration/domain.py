# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain of a lab: what it holds, and real runs of the module that keeps accounts in it."""

from __future__ import annotations

import datetime as dt
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ldap3
import yaml

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.matching import split_dn
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    AS_OF,
    INVENTORY,
    Attributes,
    Site,
    Task,
    empty,
    make_task,
)
from ansible_collections.regionjh.halsoval.tests.lab import Domain, Lab

MODULE = "ansible_collections.regionjh.halsoval.plugins.modules.ad_accounts"

# userAccountControl (MS-ADTS 2.2.16).
DISABLED, NORMAL, SMARTCARD = 0x2, 0x200, 0x40000
NEVER = ("0", "9223372036854775807")
# The mark of an account that a run disabled.
MARK = "halsoval:disabled"


# --- what it holds -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What a part of the domain holds at a moment: values in order, by attribute and DN.

    They stand as the domain stores them, with what every write changes (uSNChanged, whenChanged).
    """

    entries: Mapping[str, Attributes]

    @cached_property
    def accounts(self) -> dict[str, Attributes]:
        """The accounts in our OUs by employeeNumber, of which each may stand there once."""
        found = [
            (entry["employeeNumber"][0], entry)
            for dn, entry in self.entries.items()
            if "user" in entry["objectClass"] and ",OU=Halsoval," in dn
        ]
        assert len(dict(found)) == len(found), "somebody has two accounts"
        return dict(found)

    @property
    def names(self) -> dict[str, str]:
        """sAMAccountName by employeeNumber."""
        return {number: entry["sAMAccountName"][0] for number, entry in self.accounts.items()}

    @cached_property
    def enabled(self) -> set[str]:
        """The employeeNumbers of the accounts that are enabled."""
        return {number for number, entry in self.accounts.items() if not flags(entry) & DISABLED}

    @cached_property
    def groups(self) -> dict[str, Attributes]:
        """The groups by name."""
        return {
            entry["sAMAccountName"][0]: entry
            for entry in self.entries.values()
            if "group" in entry["objectClass"]
        }

    def groups_of(self, employee_number: str) -> set[str]:
        """The names of the groups that an account is a member of, as the groups say."""
        dn = self.accounts[employee_number]["distinguishedName"][0]
        return {name for name, group in self.groups.items() if dn in group.get("member", ())}

    def members(self, group: str) -> set[str]:
        """The employeeNumbers of our accounts in a group."""
        dns = set(self.groups[group].get("member", ()))
        return {n for n, entry in self.accounts.items() if entry["distinguishedName"][0] in dns}

    def foreign_members(self, group: str) -> tuple[str, ...]:
        """The members of a group that are none of ours, as the domain spells them."""
        return _foreign(self.groups[group])


def _foreign(group: Attributes) -> tuple[str, ...]:
    return tuple(dn for dn in group.get("member", ()) if ",OU=Halsoval," not in dn)


def flags(account: Attributes) -> int:
    """The bits of an account's userAccountControl."""
    return int(account["userAccountControl"][0])


def expiry(account: Attributes) -> dt.datetime | None:
    """When an account expires; None for never."""
    (ticks,) = account["accountExpires"]
    epoch = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    return None if ticks in NEVER else epoch + dt.timedelta(microseconds=int(ticks) // 10)


def in_domain(lab: Lab) -> Content:
    """Read our OUs and the groups that open services, as the account that sees everything."""
    ad = domain(lab)
    return _read(ad, f"OU=Halsoval,{ad.base}", ad.system_groups_ou)


def whole_domain(lab: Lab) -> Content:
    """Read everything in the domain, but for the accounts that log in meanwhile."""
    ad = domain(lab)
    everything = _read(ad, ad.base).entries
    return Content({d: e for d, e in everything.items() if d not in (ad.service_dn, ad.admin_dn)})


def domain(lab: Lab) -> Domain:
    """The domain of a lab that has one."""
    assert lab.ad
    return lab.ad


def _read(ad: Domain, *bases: str) -> Content:
    entries = {}
    with ad.admin() as admin:
        for base in bases:
            admin.search(base, "(objectClass=*)", attributes=[ldap3.ALL_ATTRIBUTES])
            for entry in admin.response:
                if entry["type"] == "searchResEntry":
                    entries[entry["dn"]] = {
                        name: tuple(sorted(map(_text, values)))
                        for name, values in entry["raw_attributes"].items()
                    }
    return Content(entries)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def guid(account: Attributes) -> uuid.UUID:
    """An account's objectGUID."""
    return uuid.UUID(bytes_le=account["objectGUID"][0].encode("utf-8", "surrogateescape"))


def ldapsearch(ad: Domain, base: str, *arguments: str) -> str:
    """What OpenLDAP's client reads over verified LDAPS, as the playbooks' account: LDIF."""
    password = ad.ca.parents[1] / "secrets/ad_service"
    found = _searched(ad, ad.service_dn, password, "-b", base, *arguments)
    assert found.returncode == 0, found.stderr
    return found.stdout


def _searched(
    ad: Domain, user: str, password: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    login = ["-H", ad.uri, "-D", user, "-y", str(password)]
    return subprocess.run(
        ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", *login, *arguments],
        env={"LDAPTLS_CACERT": str(ad.ca), "LDAPTLS_REQCERT": "demand"},
        capture_output=True,
        text=True,
        check=False,
    )


# --- changing it by hand -------------------------------------------------------------------------


def empty_region(lab: Lab) -> None:
    """Remove everything of ours from both directories."""
    empty(lab)
    empty_domain(lab)


def empty_domain(lab: Lab) -> None:
    """Remove everything of ours from AD, which takes it out of the groups itself."""
    ad = domain(lab)
    with ad.admin() as admin:
        # Out of the large group all at once: AD writes it anew for each account that is deleted.
        for group, entry in in_domain(lab).groups.items():
            ours = set(entry.get("member", ())).difference(_foreign(entry))
            if ours and group.startswith("App-"):
                dn = entry["distinguishedName"][0]
                admin.modify(dn, {"member": [(ldap3.MODIFY_DELETE, list(ours))]})
        for ou in (ad.account_ou, ad.quarantine_ou, ad.group_ou):
            admin.search(ou, "(objectClass=*)", attributes=[ldap3.NO_ATTRIBUTES])
            dns = [entry["dn"] for entry in admin.response if entry.get("dn", ou) != ou]
            for dn in sorted(dns, key=lambda dn: len(split_dn(dn)), reverse=True):
                admin.delete(dn)


def change(lab: Lab, dn: str, **values: str | int) -> None:
    """Change attributes of an entry as an administrator does by hand."""
    with domain(lab).admin() as admin:
        admin.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [v])] for name, v in values.items()})


def can_log_in(ad: Domain, user: str, password: str, folder: Path) -> bool:
    """Whether a bind over verified TLS makes somebody of whoever asks.

    By OpenLDAP's client, which also sends an empty password. To some servers that means
    "anonymous" (RFC 4513 section 5.1.2), and nobody anonymous reads the domain.
    """
    file = folder / "guess"
    file.write_text(password)
    file.chmod(0o600)
    found = _searched(ad, user, file, "-b", ad.base, "-s", "base", "1.1")
    assert found.returncode in (0, 1, 49, 53), found.stderr
    return "dn:" in found.stdout


# --- runs ----------------------------------------------------------------------------------------


def groups(lab: Lab) -> dict[str, str]:
    """The DNs of the groups that open services, as the lab's inventory names them."""
    variables = yaml.safe_load((INVENTORY / "group_vars/all.yml").read_text("utf-8"))
    base = domain(lab).base
    return {
        service: str(dn).replace("{{ halsoval_ad_base_dn }}", base)
        for service, dn in variables["halsoval_ad_groups"].items()
    }


def make_ad_task(site: Site, payload: Path, as_of: str = AS_OF, **options: Any) -> Task:
    """A task of the module ad_accounts over all of a site's records, without the one of HSA."""
    lab, ad = site.lab, domain(site.lab)
    hsa = make_task(site, payload, as_of).options
    own = ("providers", "as_of", "run", "state_directory", "records")
    return Task(
        {
            **{name: hsa[name] for name in own},
            "server_uri": ad.uri,
            "bind_dn": ad.service_dn,
            "bind_password": ad.service_password,
            "ca_path": str(ad.ca),
            "base_dn": ad.base,
            "account_ou": ad.account_ou,
            "quarantine_ou": ad.quarantine_ou,
            "group_ou": ad.group_ou,
            "upn_suffix": "ad.region.example",
            "groups": groups(lab),
            "hsa_server_uri": lab.uri,
            "hsa_bind_dn": lab.reader_dn,
            "hsa_bind_password": lab.reader_password,
            "hsa_ca_path": str(lab.ca),
            "hsa_base_dn": lab.base,
            "hsa_provider_branch": lab.provider_branch,
            "hsa_people_branch": lab.people_branch,
            **options,
        },
        MODULE,
    )


def run_both(site: Site, as_of: str = AS_OF, **options: Any) -> dict[str, dict[str, Any]]:
    """Both modules over a site's records, one after the other; what came of AD, by provider.

    HSA must not fail; `options` are those of ad_accounts.
    """
    for provider, own in by_provider(make_task(site, site.path / "payload", as_of)).items():
        assert not own["failed"], (provider, own["msg"])
    return accounts_of(site, as_of, **options)


def accounts_of(site: Site, as_of: str = AS_OF, **options: Any) -> dict[str, dict[str, Any]]:
    """The module ad_accounts over a site's records; what came of it, by provider."""
    return by_provider(make_ad_task(site, site.path / "payload", as_of, **options))


def by_provider(task: Task) -> dict[str, dict[str, Any]]:
    """What comes of a task that does not fail as a whole."""
    result = task.run()
    assert "providers" in result, result["msg"]
    own: dict[str, dict[str, Any]] = result["providers"]
    return own
