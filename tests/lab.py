# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of the tests' own: real servers on free ports and addresses, stopped when the tests end."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import ldap3

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.tls import (
    VerifiedTls,
    verifying,
)

BASE = "o=Region Jämtland Härjedalen,c=SE"
AD_BASE = "DC=ad,DC=region,DC=example"


@dataclass(frozen=True)
class Domain:
    """Where a lab's Active Directory is and how to log in to it."""

    address: str
    uri: str
    ca: Path
    base: str
    account_ou: str
    quarantine_ou: str
    group_ou: str
    system_groups_ou: str
    employees_ou: str
    service_dn: str
    service_password: str = field(repr=False)
    admin_dn: str
    admin_password: str = field(repr=False)

    def connect(self, user: str | None = None, password: str | None = None) -> ldap3.Connection:
        """Log in over verified TLS; without a user: anonymously. Errors of LDAP are raised."""
        return connect(self.uri, self.ca, user, password)

    def service(self) -> ldap3.Connection:
        """Log in as the playbooks do."""
        return self.connect(self.service_dn, self.service_password)

    def admin(self) -> ldap3.Connection:
        """Log in as the account that may do everything."""
        return self.connect(self.admin_dn, self.admin_password)


@dataclass(frozen=True)
class Lab:
    """Where a lab is and how to log in to it. What it does not run has no passwords."""

    dir: Path
    systems: tuple[str, ...]
    port: int
    uri: str
    ca: Path
    base: str
    provider_branch: str
    people_branch: str
    workstation_branch: str
    service_dn: str
    service_password: str = field(repr=False)
    reader_dn: str
    reader_password: str = field(repr=False)
    admin_dn: str
    admin_password: str = field(repr=False)
    ad: Domain | None = None

    def run(
        self, state: str, *options: str, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Run the lab playbook for this lab, with options and role variables as given."""
        own = lab_variables(self.systems, self.port, self.ad.address if self.ad else None)
        return run_lab(self.dir, state, *options, **own | variables)

    def connect(self, user: str | None = None, password: str | None = None) -> ldap3.Connection:
        """Log in over verified TLS; without a user: anonymously. Errors of LDAP are raised."""
        return connect(self.uri, self.ca, user, password)

    def service(self) -> ldap3.Connection:
        """Log in as the playbooks do."""
        return self.connect(self.service_dn, self.service_password)

    def reader(self) -> ldap3.Connection:
        """Log in as playbooks do that write elsewhere."""
        return self.connect(self.reader_dn, self.reader_password)

    def admin(self) -> ldap3.Connection:
        """Log in as the account that may do everything."""
        return self.connect(self.admin_dn, self.admin_password)


def connect(uri: str, ca: Path, user: str | None, password: str | None) -> ldap3.Connection:
    """Log in over verified TLS; without a user: anonymously. Errors of LDAP are raised."""
    # As the product does: ldap3 itself cannot verify an address from Python 3.12 on.
    tls = VerifiedTls(verifying(str(ca)), str(urlsplit(uri).hostname), str(ca))
    server = ldap3.Server(uri, tls=tls, get_info=ldap3.NONE, connect_timeout=10)
    return ldap3.Connection(
        server,
        user,
        password,
        auto_bind=True,
        auto_referrals=False,
        raise_exceptions=True,
        receive_timeout=30,
        return_empty_attributes=False,
    )


def lab_variables(systems: Sequence[str], port: int, address: str | None) -> dict[str, object]:
    """Return the role variables of a lab that runs these systems, there."""
    where = {"halsoval_lab_hsa_port": port, "halsoval_lab_ad_address": address}
    return {
        "halsoval_lab_systems": list(systems),
        **{name: value for name, value in where.items() if value is not None},
    }


def run_lab(
    directory: Path, state: str, *options: str, **variables: object
) -> subprocess.CompletedProcess[str]:
    """Run the lab playbook away from the checkout, so without its ansible.cfg."""
    defaults = {"lab_state": state, "halsoval_lab_dir": str(directory)}
    return subprocess.run(
        [
            Path(sys.executable).with_name("ansible-playbook"),
            "regionjh.halsoval.lab",
            "-e",
            json.dumps(defaults | variables),
            *options,
        ],
        cwd=directory.parent,
        env={k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def start_lab(
    directory: Path, systems: Sequence[str] = ("hsa", "ad"), **variables: object
) -> Iterator[Lab]:
    """Start a lab in a directory, give it, and stop it whatever happened meanwhile."""
    port = free_port()
    address = free_address() if "ad" in systems else None
    own = lab_variables(systems, port, address)
    try:
        started = run_lab(directory, "started", **own | variables)
        assert started.returncode == 0, started.stdout + started.stderr
        yield Lab(
            dir=directory,
            systems=tuple(systems),
            port=port,
            uri=f"ldaps://localhost:{port}",
            ca=directory / "ca/ca.pem",
            base=BASE,
            provider_branch=f"ou=Privata vårdgivare,{BASE}",
            people_branch=f"ou=Personal privata vårdgivare,{BASE}",
            workstation_branch=f"ou=Registrerade arbetsplatser,{BASE}",
            service_dn=f"cn=halsoval,ou=System,{BASE}",
            service_password=secret(directory, "hsa_service"),
            reader_dn=f"cn=halsoval-reader,ou=System,{BASE}",
            reader_password=secret(directory, "hsa_reader"),
            admin_dn=f"cn=admin,ou=System,{BASE}",
            admin_password=secret(directory, "hsa_admin"),
            ad=domain(directory, address) if address else None,
        )
    finally:
        stopped = run_lab(directory, "stopped", **own)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def domain(directory: Path, address: str) -> Domain:
    """Describe the Active Directory of the lab in a directory."""
    return Domain(
        address=address,
        uri=f"ldaps://{address}",
        ca=directory / "ca/ca.pem",
        base=AD_BASE,
        account_ou=f"OU=Konton,OU=Halsoval,{AD_BASE}",
        quarantine_ou=f"OU=Karantan,OU=Halsoval,{AD_BASE}",
        group_ou=f"OU=Grupper,OU=Halsoval,{AD_BASE}",
        system_groups_ou=f"OU=Systemgrupper,{AD_BASE}",
        employees_ou=f"OU=Anstallda,{AD_BASE}",
        service_dn=f"CN=svc-halsoval,OU=Servicekonton,{AD_BASE}",
        service_password=secret(directory, "ad_service"),
        admin_dn=f"CN=Administrator,CN=Users,{AD_BASE}",
        admin_password=secret(directory, "ad_admin"),
    )


def secret(directory: Path, name: str) -> str:
    """Return a password of a lab, or nothing if no system of this lab has it."""
    path = directory / "secrets" / name
    return path.read_text() if path.exists() else ""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def free_address() -> str:
    """Return a loopback address where nobody listens for LDAP just now."""
    while True:
        address = ".".join(str(random.randint(1, 254)) for _byte in range(3))
        with socket.socket() as client:
            if client.connect_ex((f"127.{address}", 636)):
                return f"127.{address}"
