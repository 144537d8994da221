# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the lab's Active Directory, offline: an empty domain, then what the region has in it.

    /usr/bin/python3 ad_domain.py <smb.conf> <directory with the passwords>

Debian's python3-samba does what `samba-tool domain provision` does. It is called from here, since
the tool takes passwords from its command line only, wants root for the ACLs of SYSVOL, which the
lab does not serve, and would be started once for each of 2,000 accounts.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.dcerpc import misc
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.provision import provision
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

BASE = "DC=ad,DC=region,DC=example"
OURS = f"OU=Halsoval,{BASE}"
ACCOUNTS = f"OU=Konton,{OURS}"
GROUPS = f"OU=Grupper,{OURS}"
QUARANTINE = f"OU=Karantan,{OURS}"
SYSTEM_GROUPS = f"OU=Systemgrupper,{BASE}"
EMPLOYEES = f"OU=Anstallda,{BASE}"
SERVICE_ACCOUNTS = f"OU=Servicekonton,{BASE}"
SERVICE = f"CN=svc-halsoval,{SERVICE_ACCOUNTS}"
ADMINISTRATOR = f"CN=Administrator,CN=Users,{BASE}"

# How many of the region's employees are members. One group has more than the 1,500 that a domain
# controller gives at once (MaxValRange).
MEMBERS = {
    "App-Vardadministrativt": 2000,
    "App-Rontgensvar": 60,
    "App-Rontgenadministrativt": 12,
    "App-Datalager": 5,
    "App-Dokumenthantering-Las": 40,
    "App-Dokumenthantering-Skriv": 8,
    "App-Befolkningsregister": 30,
    "App-Office-Las": 24,
    "App-Office-Skriv": 36,
}
DOCTORS_GROUPS = ("App-Vardadministrativt", "App-Rontgensvar")

# The attributes that the playbooks' account changes: docs/systems.md.
OF_USERS = (
    "userPrincipalName", "employeeNumber", "extensionName", "userAccountControl", "accountExpires",
    "altSecurityIdentities", "givenName", "middleName", "sn", "displayName", "title", "mail",
    "telephoneNumber", "company", "department",
    # Only ever taken away, from protected people.
    "initials", "personalTitle", "generationQualifier", "displayNamePrintable", "description",
    "info", "comment", "mobile", "otherMobile", "homePhone", "otherHomePhone", "otherTelephone",
    "pager", "otherPager", "ipPhone", "otherIpPhone", "facsimileTelephoneNumber",
    "otherFacsimileTelephoneNumber", "proxyAddresses", "otherMailbox", "url", "wWWHomePage",
    "physicalDeliveryOfficeName", "streetAddress", "street", "l", "postalCode", "postOfficeBox",
    "postalAddress", "homePostalAddress",
)  # fmt: skip
# What a move changes by the rules of access, though the account keeps its name (MS-ADTS
# 3.1.1.5.4.1.1): Samba 4.17 refuses it with "no wp on name".
OF_MOVED = ("name", "cn")
OF_GROUPS = ("extensionName", "member")


def main(smb_conf: str, secrets: Path) -> None:
    os.umask(0o077)
    settings = LoadParm()
    settings.load(smb_conf)
    make_domain(settings, smb_conf)
    # In batch mode ldb makes no copy to go back to before each of its writes: twice as fast.
    samdb = SamDB(lp=settings, session_info=system_session(settings), options=["batch_mode:1"])
    samdb.transaction_start()
    add_units(samdb)
    employees = add_employees(samdb)
    add_system_groups(samdb, employees)
    add_account(samdb, f"CN=hv000012,{EMPLOYEES}", "hv000012", description="Överföring av provsvar")
    add_account(samdb, SERVICE, "svc-halsoval", description="The account of the playbooks")
    delegate(samdb)
    set_password(samdb, SERVICE, secrets / "ad_service")
    set_password(samdb, ADMINISTRATOR, secrets / "ad_admin")
    samdb.transaction_commit()


def make_domain(settings: LoadParm, smb_conf: str) -> None:
    """Make an empty domain with a random password of the administrator."""
    log = logging.getLogger("provision")
    log.setLevel(logging.WARNING)
    provision(
        log,
        system_session(settings),
        smbconf=smb_conf,
        lp=settings,
        realm=settings.get("realm"),
        domain=settings.get("workgroup"),
        hostname=settings.get("netbios name").lower(),
        serverrole=settings.get("server role"),
        dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2,
        dns_backend="NONE",
        useeadb=True,
        skip_sysvolacl=True,
        batch_mode=True,
    )


def add_units(samdb: SamDB) -> None:
    for dn in (OURS, ACCOUNTS, GROUPS, QUARANTINE, SYSTEM_GROUPS, EMPLOYEES, SERVICE_ACCOUNTS):
        samdb.add({"dn": dn, "objectClass": "organizationalUnit"})


def add_employees(samdb: SamDB) -> list[str]:
    """Add the region's own people, all of them invented; returns their DNs, the doctor's first."""
    doctor = add_account(
        samdb,
        f"CN=Märta Ekblad,{EMPLOYEES}",
        "mareka01",
        employeeNumber="SE2321000214-1007",
        givenName="Märta",
        sn="Ekblad",
        displayName="Märta Ekblad",
    )
    return [doctor, *(add_employee(samdb, number) for number in range(1, 2001))]


def add_employee(samdb: SamDB, number: int) -> str:
    # Some names hold what a DN escapes (RFC 4514).
    name = f"Anställd {number:04}"
    if number % 20 == 7:
        name = f"Åström, Örjan + Ängla {number:04}"
    dn = ldb.Dn(samdb, EMPLOYEES)
    dn.add_child(ldb.Dn(samdb, "CN=x"))
    dn.set_component(0, "CN", name)
    return add_account(samdb, str(dn), f"reg{number:04}", displayName=name)


def add_account(samdb: SamDB, dn: str, name: str, **attributes: str) -> str:
    """Add an account that is enabled and has no password, so that nobody logs in with it."""
    samdb.add(
        {
            "dn": dn,
            "objectClass": "user",
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@ad.region.example",
            "userAccountControl": str(dsdb.UF_NORMAL_ACCOUNT),
            **attributes,
        }
    )
    return dn


def add_system_groups(samdb: SamDB, employees: list[str]) -> None:
    """Add the groups that open the region's applications; the doctor is in two of them."""
    doctor, *others = employees
    for name, count in MEMBERS.items():
        members = [doctor, *others] if name in DOCTORS_GROUPS else others
        samdb.add(
            {
                "dn": f"CN={name},{SYSTEM_GROUPS}",
                "objectClass": "group",
                "sAMAccountName": name,
                "member": members[:count],
            }
        )


def delegate(samdb: SamDB) -> None:
    """Give the playbooks' account what it needs, and nothing else (SDDL: [MS-DTYP] 2.5.1)."""
    access = SDUtils(samdb)
    sid = access.get_object_sid(SERVICE)
    # What ACEs name by GUID: classes and attributes alike.
    user, group, member = (schema_guid(samdb, name) for name in ("user", "group", "member"))

    def writing(names: tuple[str, ...], kind: str) -> str:
        guids = (schema_guid(samdb, name) for name in names)
        return "".join(f"(OA;CIIO;WP;{guid};{kind};{sid})" for guid in guids)

    for dn in (ACCOUNTS, QUARANTINE):
        # A move takes a child of one OU and makes one of the other (MS-ADTS 3.1.1.5.4.1.1).
        access.dacl_add_ace(dn, f"(OA;;CCDC;{user};;{sid})")
        access.dacl_add_ace(
            dn, f"(OA;CIIO;RP;;{user};{sid})" + writing((*OF_USERS, *OF_MOVED), user)
        )
    access.dacl_add_ace(GROUPS, f"(OA;;CC;{group};;{sid})" + writing(OF_GROUPS, group))
    for name in MEMBERS:
        access.dacl_add_ace(f"CN={name},{SYSTEM_GROUPS}", f"(OA;;WP;{member};;{sid})")


def schema_guid(samdb: SamDB, name: str) -> str:
    """The GUID of a class or an attribute."""
    (found,) = samdb.search(
        samdb.get_schema_basedn(),
        ldb.SCOPE_ONELEVEL,
        f"(lDAPDisplayName={name})",
        ["schemaIDGUID"],
    )
    return str(ndr_unpack(misc.GUID, found["schemaIDGUID"][0]))


def set_password(samdb: SamDB, dn: str, secret: Path) -> None:
    """Give an account a password that does not expire, after 42 days or ever."""
    password = secret.read_text(encoding="utf-8")
    message = ldb.Message(ldb.Dn(samdb, dn))
    message["unicodePwd"] = ldb.MessageElement(
        f'"{password}"'.encode("utf-16-le"), ldb.FLAG_MOD_REPLACE, "unicodePwd"
    )
    message["userAccountControl"] = ldb.MessageElement(
        str(dsdb.UF_NORMAL_ACCOUNT | dsdb.UF_DONT_EXPIRE_PASSWD),
        ldb.FLAG_MOD_REPLACE,
        "userAccountControl",
    )
    samdb.modify(message)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
