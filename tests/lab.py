# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of the tests' own: real servers on free ports, stopped when the tests end."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ldap3

BASE = "o=Region Jämtland Härjedalen,c=SE"


@dataclass(frozen=True)
class Lab:
    """Where a lab is and how to log in to it."""

    dir: Path
    port: int
    uri: str
    ca: Path
    base: str
    provider_branch: str
    people_branch: str
    service_dn: str
    service_password: str = field(repr=False)
    admin_dn: str
    admin_password: str = field(repr=False)

    def run(
        self, state: str, *options: str, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Run the lab playbook for this lab, with options and role variables as given."""
        return run_lab(self.dir, self.port, state, *options, **variables)

    def connect(self, user: str | None = None, password: str | None = None) -> ldap3.Connection:
        """Log in over verified TLS; without a user: anonymously. Errors of LDAP are raised."""
        tls = ldap3.Tls(ca_certs_file=str(self.ca), validate=ssl.CERT_REQUIRED)
        server = ldap3.Server(self.uri, tls=tls, get_info=ldap3.NONE, connect_timeout=10)
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

    def service(self) -> ldap3.Connection:
        """Log in as the playbooks do."""
        return self.connect(self.service_dn, self.service_password)

    def admin(self) -> ldap3.Connection:
        """Log in as the account that may do everything."""
        return self.connect(self.admin_dn, self.admin_password)


def run_lab(
    directory: Path, port: int, state: str, *options: str, **variables: object
) -> subprocess.CompletedProcess[str]:
    """Run the lab playbook away from the checkout, so without its ansible.cfg."""
    defaults = {
        "lab_state": state,
        "halsoval_lab_dir": str(directory),
        "halsoval_lab_hsa_port": port,
    }
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


def start_lab(directory: Path, **variables: object) -> Iterator[Lab]:
    """Start a lab in a directory, give it, and stop it whatever happened meanwhile."""
    port = free_port()
    try:
        started = run_lab(directory, port, "started", **variables)
        assert started.returncode == 0, started.stdout + started.stderr
        yield Lab(
            dir=directory,
            port=port,
            uri=f"ldaps://localhost:{port}",
            ca=directory / "ca/ca.pem",
            base=BASE,
            provider_branch=f"ou=Privata vårdgivare,{BASE}",
            people_branch=f"ou=Personal privata vårdgivare,{BASE}",
            service_dn=f"cn=halsoval,ou=System,{BASE}",
            service_password=(directory / "secrets/hsa_service").read_text(),
            admin_dn=f"cn=admin,ou=System,{BASE}",
            admin_password=(directory / "secrets/hsa_admin").read_text(),
        )
    finally:
        stopped = run_lab(directory, port, "stopped")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
