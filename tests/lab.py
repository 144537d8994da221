# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of the tests' own: real servers on free ports and addresses, stopped when the tests end.

    python -m ansible_collections.regionjh.halsoval.tests.lab [<directory> <port> <address>]

copies one that was made before and starts it, with Active Directory where the address is not
empty; without arguments it sees to it that there is one to copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import ldap3

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.tls import (
    VerifiedTls,
    verifying,
)
from ansible_collections.regionjh.halsoval.tests.citrix import CitrixSite

CHECKOUT = Path(__file__).resolve().parents[1]
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
    citrix: CitrixSite | None = None

    def run(
        self, state: str, *options: str, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """Run the lab playbook for this lab, with options and role variables as given."""
        address = self.ad.address if self.ad else None
        citrix = urlsplit(self.citrix.uri).port if self.citrix else None
        own = lab_variables(self.systems, self.port, address, citrix)
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


def lab_variables(
    systems: Sequence[str], port: int, address: str | None, citrix: int | None
) -> dict[str, object]:
    """Return the role variables of a lab that runs these systems, there."""
    where = {
        "halsoval_lab_hsa_port": port,
        "halsoval_lab_ad_address": address,
        "halsoval_lab_citrix_port": citrix,
    }
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
    citrix = free_port() if "citrix" in systems else None
    own = lab_variables(systems, port, address, citrix)
    try:
        started = run_lab(directory, "started", **own | variables)
        assert started.returncode == 0, started.stdout + started.stderr
        yield describe(directory, port, address, citrix)
    finally:
        stopped = run_lab(directory, "stopped", **own)
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr


def describe(directory: Path, port: int, address: str | None, citrix: int | None = None) -> Lab:
    """Describe the lab in a directory."""
    return Lab(
        dir=directory,
        systems=tuple(name for name in ("hsa", "ad", "citrix") if (directory / name).exists()),
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
        citrix=citrix_of(directory, citrix) if citrix else None,
    )


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


def citrix_of(directory: Path, port: int) -> CitrixSite:
    """Describe the Citrix site of the lab in a directory."""
    return CitrixSite(
        uri=f"https://localhost:{port}",
        ca=directory / "ca/ca.pem",
        password=secret(directory, "citrix_service"),
        lab_password=secret(directory, "citrix_admin"),
    )


def secret(directory: Path, name: str) -> str:
    """Return a password of a lab, or nothing if no system of this lab has it."""
    path = directory / "secrets" / name
    return path.read_text() if path.exists() else ""


# --- a copy of one that was made before: starts in a second, where the playbook takes a minute ---


def copied_lab(directory: Path, with_ad: bool) -> Iterator[Lab]:
    """Start a copy of a lab in a directory, give it, and stop it whatever happened meanwhile."""
    port = free_port()
    address = free_address() if with_ad else None
    try:
        copy_lab(directory, port, address)
        yield describe(directory, port, address)
    finally:
        stop(directory)


def made_lab() -> Path:
    """A stopped lab with both systems, made once for each state of the role, and only copied."""
    role = CHECKOUT / "roles/lab"
    state = hashlib.sha256(
        b"".join(path.read_bytes() for path in sorted(role.glob("*/*")) if path.is_file())
    )
    directory = CHECKOUT / ".cache" / f"lab-{state.hexdigest()[:8]}"
    directory.parent.mkdir(exist_ok=True)
    with open(directory.parent / "lab.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "made").exists():
            for _lab in start_lab(directory):
                (directory / "made").touch()
    return directory


def copy_lab(directory: Path, port: int, address: str | None) -> None:
    """Copy a lab to a directory and start it as the role does, with AD where it has an address."""
    made = made_lab()
    # Samba leaves its sockets (ldapi), which cannot be copied.
    left_out = shutil.ignore_patterns("made", "ldapi", *([] if address else ["ad", "ad_*"]))
    shutil.copytree(made, directory, ignore=left_out, dirs_exist_ok=True)
    start_slapd(directory, port, made)
    if address:
        start_samba(directory, address, made)


def start_slapd(directory: Path, port: int, made: Path) -> None:
    """Start the slapd of a copy; it answers when this returns."""
    configuration = directory / "hsa/slapd.conf"
    old = re.search("^# Listeners .*: (.*)$", configuration.read_text("utf-8"), re.MULTILINE)
    assert old
    socket_path = directory / "hsa/ldapi"
    listeners = f"ldaps://127.0.0.1:{port}/ "
    if len(bytes(socket_path)) <= 107:
        listeners += f"ldapi://{quote(str(socket_path), safe='')}/"
    replace(configuration, {old[1]: listeners, str(made): str(directory)})
    subprocess.run(["/usr/sbin/slapd", "-f", configuration, "-h", listeners], check=True)


def start_samba(directory: Path, address: str, made: Path) -> None:
    """Start the domain controller of a copy and wait until it listens."""
    configuration = directory / "ad/smb.conf"
    old = re.search("^interfaces = (.*)/8$", configuration.read_text("utf-8"), re.MULTILINE)
    assert old
    replace(configuration, {old[1]: address, str(made): str(directory)})
    issue_certificate(directory, address)
    capabilities = (f"--{kind}-caps=-all,+net_bind_service" for kind in ("inh", "ambient"))
    subprocess.run(
        [
            *["sudo", "--non-interactive"] * (os.geteuid() != 0),
            *["setpriv", f"--reuid={os.geteuid()}", f"--regid={os.getegid()}", "--init-groups"],
            *[*capabilities, "/usr/sbin/samba", "--daemon", "--model=single"],
            *[f"--configfile={configuration}", f"--log-basename={directory / 'ad'}"],
        ],
        check=True,
    )
    deadline = time.monotonic() + 30
    while not listens(address):
        assert time.monotonic() < deadline, (directory / "ad/log.samba").read_text()
        time.sleep(0.05)


def issue_certificate(directory: Path, address: str) -> None:
    """Give the domain controller of a copy a certificate for its own address."""
    ca, name = directory / "ca", "dc1.ad.region.example"
    extensions = [
        f"subjectAltName=DNS:{name},IP:{address}",
        "basicConstraints=critical,CA:FALSE",
        "extendedKeyUsage=serverAuth",
    ]
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-CA", ca / "ca.pem", "-CAkey", ca / "ca.key"],
            *["-key", directory / "ad/server.key", "-out", directory / "ad/server.pem"],
            *["-days", "825", "-subj", f"/CN={name}"],
            *(word for extension in extensions for word in ("-addext", extension)),
        ],
        check=True,
        capture_output=True,
    )


def replace(file: Path, texts: dict[str, str]) -> None:
    """Replace texts in a file."""
    content = file.read_text("utf-8")
    for old, new in texts.items():
        content = content.replace(old, new)
    file.write_text(content, "utf-8")


def stop(directory: Path) -> None:
    """Stop the servers of a lab that are running."""
    for pidfile in (directory / "hsa/slapd.pid", directory / "ad/samba.pid"):
        with suppress(FileNotFoundError):  # it was never started, or has ended
            pid = int(pidfile.read_text())
            program = Path(f"/proc/{pid}/exe")
            if program.readlink().name == pidfile.stem:
                os.kill(pid, signal.SIGTERM)
                while program.exists():
                    time.sleep(0.05)


# --- where ---


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def free_address() -> str:
    """Return a loopback address where nobody listens for LDAP just now."""
    while True:
        address = ".".join(["127", *(str(random.randint(1, 254)) for _byte in range(3))])
        if not listens(address):
            return address


def listens(address: str) -> bool:
    """Return whether somebody listens for LDAP at an address."""
    with socket.socket() as client:
        return client.connect_ex((address, 636)) == 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case directory, port, address:
            copy_lab(Path(directory), int(port), address or None)
        case _:
            made_lab()
