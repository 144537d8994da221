# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is a real directory: it verifies, refuses, keeps and forgets what it should."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import ldap3
import pytest
from ldap3.core.exceptions import (
    LDAPConstraintViolationResult,
    LDAPInsufficientAccessRightsResult,
    LDAPInvalidCredentialsResult,
    LDAPNoSuchObjectResult,
    LDAPObjectClassViolationResult,
    LDAPSocketOpenError,
)

if TYPE_CHECKING:
    from ansible_collections.regionjh.halsoval.tests.lab import Lab

OWN_DOCTOR = "SE2321000214-1007"
OWN_DOCTOR_NUMBER = "189902142380"


@pytest.fixture
def service(lab: Lab) -> Iterator[ldap3.Connection]:
    """The service account's connection; what a test left in our branches is removed after it."""
    with lab.service() as connection:
        yield connection
        for branch in (lab.provider_branch, lab.people_branch):
            for dn in sorted(found(connection, branch), key=len, reverse=True):
                if dn != branch:
                    connection.delete(dn)


@pytest.fixture
def entry(lab: Lab) -> Iterator[str]:
    """The DN of a person in our branch, gone after the test, whatever became of the server."""
    dn = f"cn=SE2321000214-HVTEST1,{lab.people_branch}"
    with lab.service() as connection:
        connection.add(dn, attributes=person("SE2321000214-HVTEST1"))
    yield dn
    with lab.service() as connection, suppress(LDAPNoSuchObjectResult):
        connection.delete(dn)


def person(hsa_id: str, number: str | None = None) -> dict[str, str | list[str]]:
    """Return a person's attributes as onboarding would write them."""
    attributes: dict[str, str | list[str]] = {
        "objectClass": ["person", "halsovalObject", "hsaFeignedDataObject"],
        "cn": [hsa_id, "Åke Prov"],
        "sn": "Prov",
        "fullName": "Åke Prov",
        "hsaIdentity": hsa_id,
        "halsovalKey": f"person:{hsa_id}",
    }
    return attributes | ({"personalIdentityNumber": number} if number else {})


def found(connection: ldap3.Connection, base: str, attributes: str = "1.1") -> list[str]:
    """Return the DNs below a base, as one complete search gives them."""
    connection.search(base, "(objectClass=*)", attributes=[attributes])
    return [entry["dn"] for entry in connection.response if entry["type"] == "searchResEntry"]


def changed(run: subprocess.CompletedProcess[str]) -> int:
    """Return how many tasks the play recap counts as changed."""
    assert run.returncode == 0, run.stdout + run.stderr
    recap = re.search(r"changed=(\d+)", run.stdout)
    assert recap, run.stdout
    return int(recap[1])


def slapd_processes(lab: Lab) -> list[int]:
    """Return the processes that hold this lab's configuration on their command line."""
    mine = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = cmdline.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if str(lab.dir / "hsa/slapd.conf").encode() in arguments:
            mine.append(int(cmdline.parent.name))
    return mine


def kill_slapd(lab: Lab) -> None:
    """Kill the lab's server without a chance to tidy up."""
    (pid,) = slapd_processes(lab)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}/exe").exists():
        time.sleep(0.05)


# --- TLS ---


def test_certificate_of_another_ca_is_refused(lab: Lab, other_lab: Lab) -> None:
    tls = ldap3.Tls(ca_certs_file=str(other_lab.ca), validate=ssl.CERT_REQUIRED)
    server = ldap3.Server(lab.uri, tls=tls, connect_timeout=10)
    with pytest.raises(LDAPSocketOpenError, match="CERTIFICATE_VERIFY_FAILED"):
        ldap3.Connection(server, lab.service_dn, lab.service_password, auto_bind=True)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_certificate_holds_for_both_names(lab: Lab, name: str) -> None:
    context = ssl.create_default_context(cafile=str(lab.ca))
    with (
        socket.create_connection(("127.0.0.1", lab.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(("version", "accepted"), [("TLSv1_1", False), ("TLSv1_2", True)])
def test_tls_before_1_2_is_refused(lab: Lab, version: str, accepted: bool) -> None:
    context = ssl.create_default_context(cafile=str(lab.ca))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the client would refuse before the server
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as plain:
        if accepted:
            context.wrap_socket(plain, server_hostname="localhost").close()
        else:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                context.wrap_socket(plain, server_hostname="localhost")


# --- who may read ---


@pytest.mark.parametrize("base", ["c=SE", "branch", "cn=Subschema"])
def test_anonymous_reads_nothing(lab: Lab, base: str) -> None:
    with lab.connect() as anonymous, pytest.raises(LDAPNoSuchObjectResult):
        found(anonymous, lab.people_branch if base == "branch" else base, "*")


def test_wrong_password_is_refused(lab: Lab) -> None:
    with pytest.raises(LDAPInvalidCredentialsResult):
        lab.connect(lab.service_dn, lab.admin_password)


def test_service_account_finds_the_regions_own_doctor(lab: Lab, service: ldap3.Connection) -> None:
    service.search(
        lab.base, f"(personalIdentityNumber={OWN_DOCTOR_NUMBER})", attributes=["*", "entryUUID"]
    )
    (entry,) = service.response
    assert entry["dn"] == f"cn={OWN_DOCTOR},ou=Personal,{lab.base}"
    assert entry["attributes"]["hsaIdentity"] == [OWN_DOCTOR]
    assert entry["attributes"]["hsaTitle"] == ["Läkare"]
    assert entry["attributes"]["entryUUID"]


def test_service_account_reads_no_passwords_and_no_foreign_memberships(
    lab: Lab, service: ldap3.Connection
) -> None:
    service.search(lab.base, "(objectClass=*)", attributes=["userPassword", "hsaCommissionMember"])
    assert len(service.response) > 10
    assert not any(entry["attributes"] for entry in service.response)
    with pytest.raises(LDAPNoSuchObjectResult):
        found(service, lab.service_dn)
    service.search(lab.base, "(userPassword=*)")
    assert service.response == []


def test_service_account_reads_more_than_servers_usually_give(
    lab: Lab, service: ldap3.Connection
) -> None:
    people = [f"SE2321000214-HVTEST{n:04}" for n in range(600)]
    for hsa_id in people:
        service.add(f"cn={hsa_id},{lab.people_branch}", attributes=person(hsa_id))
    wanted = {f"cn={hsa_id},{lab.people_branch}" for hsa_id in people}
    assert wanted < set(found(service, lab.people_branch))
    pages = service.extend.standard.paged_search(
        lab.people_branch, "(objectClass=person)", attributes=["halsovalKey"], paged_size=100
    )
    assert {entry["dn"] for entry in pages} == wanted
    assert service.result["result"] == 0


def test_a_size_limit_truncates_also_in_pages(other_lab: Lab) -> None:
    with other_lab.service() as connection:
        connection.search(other_lab.base, "(objectClass=*)")
        assert connection.result["description"] == "sizeLimitExceeded"
        assert len(connection.response) == 3
        connection.search(other_lab.base, "(objectClass=*)", paged_size=2)
        cookie = connection.result["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]
        connection.search(other_lab.base, "(objectClass=*)", paged_size=2, paged_cookie=cookie)
        assert connection.result["description"] == "sizeLimitExceeded"


# --- who may write ---


def test_service_account_builds_changes_and_removes_below_our_branches(
    lab: Lab, service: ldap3.Connection
) -> None:
    unit = f"ou=Enhet \\+7\\, \\#1 å,{lab.provider_branch}"
    commission = f"cn=SE2321000214-HVTEST2,{unit}"
    service.add(
        unit,
        ["organizationalUnit", "hsaHealthCareUnit", "halsovalObject"],
        {
            "hsaIdentity": "SE2321000214-HVTEST1",
            "hsaResponsibleHealthCareProvider": "SE2321000214-HVTEST0",
            "halsovalKey": ["unit:Prov", "unit:prov"],
        },
    )
    service.add(
        commission,
        ["hsaCommission"],
        {
            "hsaIdentity": "SE2321000214-HVTEST2",
            "hsaCommissionPurpose": "Vård och behandling",
            "hsaCommissionMember": [OWN_DOCTOR],
        },
    )
    service.modify(commission, {"hsaCommissionMember": [(ldap3.MODIFY_DELETE, [OWN_DOCTOR])]})
    service.modify_dn(unit, "ou=Ny enhet")
    service.search(lab.provider_branch, "(halsovalKey=unit:prov)", attributes=["halsovalKey"])
    (entry,) = service.response
    assert entry["dn"] == f"ou=Ny enhet,{lab.provider_branch}"
    service.delete(f"cn=SE2321000214-HVTEST2,ou=Ny enhet,{lab.provider_branch}")
    service.delete(f"ou=Ny enhet,{lab.provider_branch}")
    assert found(service, lab.provider_branch) == [lab.provider_branch]


@pytest.mark.parametrize("branch", ["provider_branch", "people_branch"])
def test_service_account_leaves_the_branches_themselves_alone(
    lab: Lab, service: ldap3.Connection, branch: str
) -> None:
    dn = getattr(lab, branch)
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify(dn, {"description": [(ldap3.MODIFY_ADD, ["ours"])]})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify_dn(dn, "ou=Vårt")
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.delete(dn)


def test_service_account_writes_nothing_foreign(lab: Lab, service: ldap3.Connection) -> None:
    staff = f"ou=Personal,{lab.base}"
    doctor = f"cn={OWN_DOCTOR},{staff}"
    commission = f"cn=SE2321000214-0201,ou=Hälsocentralen Exempelbyn,ou=Org,{lab.base}"
    hsa_id = "SE2321000214-HVTEST1"
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify(doctor, {"hsaTitle": [(ldap3.MODIFY_REPLACE, [])]})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify(doctor, {"halsovalKey": [(ldap3.MODIFY_ADD, ["person:stolen"])]})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.delete(doctor)
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify_dn(doctor, f"cn={OWN_DOCTOR}", new_superior=lab.people_branch)
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify(commission, {"hsaCommissionMember": [(ldap3.MODIFY_ADD, [hsa_id])]})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.add(f"cn={hsa_id},{staff}", attributes=person(hsa_id))
    service.add(f"cn={hsa_id},{lab.people_branch}", attributes=person(hsa_id))
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        service.modify_dn(f"cn={hsa_id},{lab.people_branch}", f"cn={hsa_id}", new_superior=staff)


def test_service_account_changes_no_password(lab: Lab, service: ldap3.Connection) -> None:
    for dn in (lab.service_dn, lab.admin_dn):
        with pytest.raises((LDAPInsufficientAccessRightsResult, LDAPNoSuchObjectResult)):
            service.modify(dn, {"userPassword": [(ldap3.MODIFY_REPLACE, ["x"])]})
    lab.service().unbind()
    lab.admin().unbind()


# --- what the directory insists on ---


def test_an_hsa_id_is_given_once(lab: Lab, service: ldap3.Connection) -> None:
    with pytest.raises(LDAPConstraintViolationResult):
        service.add(f"cn=x,{lab.people_branch}", attributes=person(OWN_DOCTOR.lower()))


def test_a_person_has_one_entry(lab: Lab, service: ldap3.Connection) -> None:
    hsa_id = "SE2321000214-HVTEST1"
    with pytest.raises(LDAPConstraintViolationResult):
        service.add(
            f"cn={hsa_id},{lab.people_branch}", attributes=person(hsa_id, OWN_DOCTOR_NUMBER)
        )


def test_an_hsa_id_is_given_once_also_at_the_same_moment(
    lab: Lab, service: ldap3.Connection
) -> None:
    # The requests of one connection hardly overlap in slapd, those of several do.
    writers = [lab.service() for _count in range(4)]

    def add(writer: ldap3.Connection, twin: str, hsa_id: str) -> str:
        with suppress(LDAPConstraintViolationResult):
            writer.add(f"cn={twin},{lab.people_branch}", attributes=person(hsa_id))
        return str(writer.result["description"])

    with ThreadPoolExecutor(len(writers)) as pool:
        for serial in range(50):
            twins = [f"twin{serial}-{n}" for n in range(len(writers))]
            same = [f"SE2321000214-HVSAME{serial:02}"] * len(writers)
            results = sorted(pool.map(add, writers, twins, same))
            assert results == ["constraintViolation"] * 3 + ["success"]
    for writer in writers:
        writer.unbind()


@pytest.mark.parametrize(
    "wrong",
    [
        {"fullName": []},
        {"hsaIdentity": []},
        {"hsaIdentity": ["SE2321000214-HVTEST1", "SE2321000214-HVTEST2"]},
        {"hsaCommissionPurpose": "Vård och behandling"},
    ],
)
def test_the_schema_is_enforced(
    lab: Lab, service: ldap3.Connection, wrong: dict[str, str | list[str]]
) -> None:
    attributes = {
        name: values for name, values in (person("SE2321000214-HVTEST1") | wrong).items() if values
    }
    with pytest.raises((LDAPObjectClassViolationResult, LDAPConstraintViolationResult)):
        service.add(f"cn=SE2321000214-HVTEST1,{lab.people_branch}", attributes=attributes)


# --- the playbook ---


def test_everything_secret_is_the_owners_alone(lab: Lab) -> None:
    assert lab.dir.stat().st_mode & 0o777 == 0o700
    for name in ("ca/ca.key", "hsa/server.key", "secrets/hsa_admin", "secrets/hsa_service"):
        assert (lab.dir / name).stat().st_mode & 0o777 == 0o600, name
    everything = b"".join(p.read_bytes() for p in (lab.dir / "hsa").rglob("*") if p.is_file())
    for password in (lab.service_password, lab.admin_password):
        assert len(password) >= 32
        assert password.encode() not in everything


def test_owner_administers_through_the_socket(lab: Lab) -> None:
    uri = f"ldapi://{quote(str(lab.dir / 'hsa/ldapi'), safe='')}"
    who = subprocess.run(
        ["ldapwhoami", "-Q", "-Y", "EXTERNAL", "-H", uri],
        capture_output=True,
        text=True,
        check=True,
    )
    assert who.stdout.strip().lower() == f"dn:{lab.admin_dn}".lower()


@pytest.mark.parametrize("mode", [[], ["--check"]])
def test_starting_again_changes_nothing(lab: Lab, mode: list[str]) -> None:
    before = slapd_processes(lab)
    assert changed(lab.run("started", *mode)) == 0
    assert slapd_processes(lab) == before


def test_check_mode_on_an_empty_machine_changes_nothing(lab: Lab, tmp_path: Path) -> None:
    nowhere = replace(lab, dir=tmp_path / "lab")
    assert changed(nowhere.run("started", "--check", "--diff")) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_named(lab: Lab, other_lab: Lab) -> None:
    run = other_lab.run("started", halsoval_lab_hsa_port=lab.port)
    assert run.returncode != 0
    assert f"Port {lab.port} of 127.0.0.1 is used by another program" in run.stdout
    assert len(slapd_processes(lab)) == 1
    assert slapd_processes(other_lab) == []


def test_stopping_ends_the_server_and_keeps_the_data(lab: Lab, entry: str) -> None:
    assert len(slapd_processes(lab)) == 1
    assert changed(lab.run("stopped", "--check")) == 1
    assert len(slapd_processes(lab)) == 1
    assert changed(lab.run("stopped")) == 1
    assert slapd_processes(lab) == []
    assert changed(lab.run("started")) == 1
    with lab.service() as after:
        assert entry in found(after, lab.people_branch)


def test_another_programs_pid_in_the_pid_file_is_left_alone(lab: Lab, entry: str) -> None:
    """As after a reboot: slapd was killed and its pid is another program's today."""
    kill_slapd(lab)
    with subprocess.Popen(["sleep", "600"]) as stranger:
        try:
            (lab.dir / "hsa/slapd.pid").write_text(f"{stranger.pid}\n")
            assert changed(lab.run("stopped")) == 0
            assert changed(lab.run("started")) == 2
            assert stranger.poll() is None
        finally:
            stranger.kill()
    with lab.service() as after:
        assert entry in found(after, lab.people_branch)


def test_an_interrupted_load_starts_anew(lab: Lab) -> None:
    kill_slapd(lab)
    (lab.dir / "hsa/data/loaded").unlink()
    (lab.dir / "hsa/data/data.mdb").write_bytes(b"half a database")
    assert changed(lab.run("started")) > 1
    with lab.service() as service:
        assert len(found(service, f"ou=Personal,{lab.base}")) == 11


def test_reset_empties_our_branches_and_keeps_ca_and_passwords(lab: Lab, entry: str) -> None:
    ca = lab.ca.read_bytes()
    run = lab.run("reset", "-vvv", "--diff")
    assert changed(run) > 1
    assert lab.ca.read_bytes() == ca
    with lab.service() as after:
        assert found(after, lab.people_branch) == [lab.people_branch]
        assert found(after, lab.provider_branch) == [lab.provider_branch]
        assert len(found(after, f"ou=Personal,{lab.base}")) == 11
    for secret in (lab.service_password, lab.admin_password, "{SSHA}", OWN_DOCTOR_NUMBER):
        assert secret not in run.stdout + run.stderr


def test_an_expiring_certificate_is_renewed(lab: Lab) -> None:
    pem = lab.dir / "hsa/server.pem"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-CA", lab.ca, "-CAkey", lab.dir / "ca/ca.key"],
            *["-key", lab.dir / "hsa/server.key", "-subj", "/CN=localhost"],
            *["-addext", "subjectAltName=DNS:localhost", "-days", "20", "-out", pem],
        ],
        check=True,
        capture_output=True,
    )
    short_lived = pem.read_bytes()
    assert changed(lab.run("started")) > 0
    assert pem.read_bytes() != short_lived
    with lab.service() as service:
        assert found(service, lab.base)
