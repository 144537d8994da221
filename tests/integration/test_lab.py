# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab is real directories: they verify, refuse, keep and forget what they should."""

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
    LDAPOperationsErrorResult,
    LDAPSocketOpenError,
    LDAPStrongerAuthRequiredResult,
)
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.utils.dn import parse_dn

from ansible_collections.regionjh.halsoval.tests.in_full import only_in_full
from ansible_collections.regionjh.halsoval.tests.integration.domain import empty_domain
from ansible_collections.regionjh.halsoval.tests.lab import AD_BASE, copied_lab, run_lab, start_lab

if TYPE_CHECKING:
    from ansible_collections.regionjh.halsoval.tests.lab import Domain, Lab

OWN_DOCTOR = "SE2321000214-1007"
OWN_DOCTOR_NUMBER = "189902142380"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that the playbook made, in a path as real people have them: with a blank and an å."""
    yield from start_lab(tmp_path_factory.mktemp("labb på prov"), ["hsa"])


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The same with both directories."""
    yield from start_lab(tmp_path_factory.mktemp("region på prov"))


@pytest.fixture
def service(lab: Lab) -> Iterator[ldap3.Connection]:
    """The service account's connection; what a test left in our branches is removed after it."""
    with lab.service() as connection:
        yield connection
        for branch in (lab.provider_branch, lab.people_branch, lab.workstation_branch):
            for dn in sorted(found(connection, branch), key=len, reverse=True):
                if dn != branch:
                    connection.delete(dn)


@pytest.fixture
def entry(lab: Lab) -> Iterator[str]:
    """The DN of a person in our branch, gone after the test, whatever became of the server."""
    yield from entered(lab)


@pytest.fixture
def region_entry(region: Lab) -> Iterator[str]:
    """The same in the lab with both directories."""
    yield from entered(region)


def entered(lab: Lab) -> Iterator[str]:
    """Enter a person, give the DN, and remove it."""
    dn = f"cn=SE2321000214-HVTEST1,{lab.people_branch}"
    with lab.service() as connection:
        connection.add(dn, attributes=person("SE2321000214-HVTEST1"))
    yield dn
    with lab.service() as connection, suppress(LDAPNoSuchObjectResult):
        connection.delete(dn)


@pytest.fixture(scope="module")
def other_region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A second lab at the same time, with a CA of its own and Active Directory alone."""
    yield from start_lab(tmp_path_factory.mktemp("region2"), ["ad"])


@pytest.fixture(scope="module")
def ad(region: Lab) -> Domain:
    """Active Directory of the lab with both directories, without what other tests left of ours."""
    assert region.ad
    empty_domain(region)
    return region.ad


@pytest.fixture
def ad_service(ad: Domain) -> Iterator[ldap3.Connection]:
    """The service account's connection; what a test left in our OUs is removed after it."""
    with ad.service() as connection:
        yield connection
    with ad.admin() as admin:
        for ou in (ad.account_ou, ad.quarantine_ou, ad.group_ou):
            for dn in found(admin, ou):
                if dn != ou:
                    admin.delete(dn)


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


def samba_processes(lab: Lab) -> list[int]:
    """Return the processes that work on this lab's domain: each keeps a file under its pid."""
    mine = []
    for lock in (lab.dir / "ad/data/msg.lock").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or was killed and left its file
            if Path(f"/proc/{lock.name}/comm").read_text() == "samba\n":
                mine.append(int(lock.name))
    return mine


def kill_samba(lab: Lab) -> None:
    """Kill the lab's domain controller without a chance to tidy up."""
    (pid,) = samba_processes(lab)
    os.kill(pid, signal.SIGKILL)
    while listens(lab, 636):
        time.sleep(0.05)


def listens(lab: Lab, port: int) -> bool:
    """Return whether somebody listens on a port of the domain controller's address."""
    assert lab.ad
    with socket.socket() as client:
        return client.connect_ex((lab.ad.address, port)) == 0


def quoted(password: str) -> bytes:
    """Return a password as unicodePwd takes it."""
    return f'"{password}"'.encode("utf-16-le")


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


def test_reader_finds_people_and_who_refers_to_them_in_every_branch(lab: Lab, entry: str) -> None:
    with lab.reader() as reader:
        reader.search(lab.base, f"(personalIdentityNumber={OWN_DOCTOR_NUMBER})", attributes=["*"])
        (doctor,) = reader.response
        assert doctor["attributes"]["hsaIdentity"] == [OWN_DOCTOR]
        reader.search(lab.base, f"(hsaCommissionMember={OWN_DOCTOR})", attributes=["*"])
        (commission,) = reader.response
        assert OWN_DOCTOR in commission["attributes"]["hsaCommissionMember"]
        reader.search(entry, "(objectClass=*)", attributes=["*"])
        (ours,) = reader.response
        assert set(ours["attributes"]) == {"objectClass", "hsaIdentity", "halsovalKey"}
        reader.search(lab.base, "(|(sn=*)(userPassword=*))")
        assert reader.response == []
        with pytest.raises(LDAPNoSuchObjectResult):
            found(reader, lab.service_dn)


def test_a_size_limit_truncates_for_the_reader_too(other_lab: Lab) -> None:
    with other_lab.reader() as reader:
        reader.search(other_lab.base, "(objectClass=*)")
        assert reader.result["description"] == "sizeLimitExceeded"


# --- who may write ---


def test_reader_writes_nothing(lab: Lab, entry: str) -> None:
    with lab.reader() as reader:
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            reader.modify(entry, {"halsovalKey": [(ldap3.MODIFY_ADD, ["person:stolen"])]})
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            reader.delete(entry)
        hsa_id = "SE2321000214-HVTEST2"
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            reader.add(f"cn={hsa_id},{lab.people_branch}", attributes=person(hsa_id))


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
    for path in (
        lab.dir / "ca/ca.key",
        lab.dir / "hsa/server.key",
        *(lab.dir / "secrets").iterdir(),
    ):
        assert path.stat().st_mode & 0o777 == 0o600, path
    everything = b"".join(p.read_bytes() for p in (lab.dir / "hsa").rglob("*") if p.is_file())
    for password in (lab.service_password, lab.reader_password, lab.admin_password):
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


def test_starting_again_changes_nothing(lab: Lab) -> None:
    before = slapd_processes(lab)
    assert changed(lab.run("started")) == 0
    assert slapd_processes(lab) == before


@only_in_full
def test_a_lab_without_a_password_that_it_needs_is_to_be_reset(lab: Lab) -> None:
    """As after an update: older versions made no account for reading."""
    (lab.dir / "secrets/hsa_reader").unlink()
    try:
        run = lab.run("started")
        assert run.returncode != 0
        assert "secrets/hsa_reader missing" in run.stdout
        assert "-e lab_state=reset" in run.stdout
    finally:
        path = lab.dir / "secrets/hsa_reader"
        path.write_text(lab.reader_password)
        path.chmod(0o600)


def test_a_port_in_use_is_named(lab: Lab, other_lab: Lab) -> None:
    run = other_lab.run("started", halsoval_lab_hsa_port=lab.port)
    assert run.returncode != 0
    assert f"Port {lab.port} of 127.0.0.1 is used by another program" in run.stdout
    assert len(slapd_processes(lab)) == 1
    assert slapd_processes(other_lab) == []


@only_in_full
def test_a_slapd_that_does_not_start_says_why(lab: Lab) -> None:
    key = lab.dir / "hsa/server.key"
    good = key.read_bytes()
    kill_slapd(lab)
    key.write_text("no key")
    try:
        run = lab.run("started")
    finally:
        key.write_bytes(good)
    assert run.returncode == 2
    assert "slapd does not start. It says: " in run.stdout
    assert "TLS init def ctx failed" in run.stdout
    assert changed(lab.run("started")) == 1


def looking(*command: str) -> dict[str, object]:
    """Role variables by which another program looks at the machine."""
    return {"__halsoval_lab_look": command}


def test_a_machine_that_cannot_run_the_lab_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    look = looking("sh", "-c", "echo This machine runs something else >&2; exit 1")
    run = run_lab(tmp_path / "none", "started", **look)
    assert run.returncode == 2
    assert "This machine runs something else" in run.stdout
    assert "changed=0" in run.stdout
    assert not (tmp_path / "none").exists()


def test_packages_that_bring_something_else_than_they_should_are_named(tmp_path: Path) -> None:
    run = run_lab(tmp_path / "none", "started", **looking("echo", "openssl"))
    assert run.returncode == 2
    assert "openssl: installed, but without the file that the lab looks for" in run.stdout
    assert not (tmp_path / "none").exists()


@only_in_full
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


@only_in_full
def test_an_expiring_certificate_is_renewed(lab: Lab) -> None:
    pem = lab.dir / "hsa/server.pem"
    subprocess.run(
        [
            *["openssl", "req", "-x509", "-CA", lab.ca, "-CAkey", lab.dir / "ca/ca.key"],
            *["-key", lab.dir / "hsa/server.key", "-subj", "/CN=localhost"],
            *["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            *["-days", "20", "-out", pem],
        ],
        check=True,
        capture_output=True,
    )
    short_lived = pem.read_bytes()
    assert changed(lab.run("started")) > 0
    assert pem.read_bytes() != short_lived
    with lab.service() as service:
        assert found(service, lab.base)


# --- Active Directory: TLS ---


def test_certificate_of_the_domain_controller_is_verified(lab: Lab, ad: Domain) -> None:
    ad.service().unbind()
    with pytest.raises(LDAPSocketOpenError, match="CERTIFICATE_VERIFY_FAILED"):
        replace(ad, ca=lab.ca).service()


@pytest.mark.parametrize("name", ["address", "dc1.ad.region.example"])
def test_certificate_of_the_domain_controller_holds_for_address_and_name(
    ad: Domain, name: str
) -> None:
    context = ssl.create_default_context(cafile=str(ad.ca))
    with (
        socket.create_connection((ad.address, 636), timeout=10) as plain,
        context.wrap_socket(
            plain, server_hostname=ad.address if name == "address" else name
        ) as connection,
    ):
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_login_to_the_domain_without_tls_is_refused(ad: Domain) -> None:
    server = ldap3.Server(f"ldap://{ad.address}", get_info=ldap3.NONE, connect_timeout=10)
    with pytest.raises(LDAPStrongerAuthRequiredResult):
        ldap3.Connection(
            server, ad.service_dn, ad.service_password, auto_bind=True, raise_exceptions=True
        )


# --- Active Directory: who may read what ---


@pytest.mark.parametrize("base", ["base", "employees_ou", "account_ou"])
def test_anonymous_reads_nothing_of_the_domain(ad: Domain, base: str) -> None:
    with ad.connect() as anonymous, pytest.raises(LDAPOperationsErrorResult):
        found(anonymous, getattr(ad, base), "*")


def test_wrong_password_of_the_domain_is_refused(ad: Domain) -> None:
    with pytest.raises(LDAPInvalidCredentialsResult):
        ad.connect(ad.service_dn, ad.admin_password)


def test_our_units_are_empty(ad: Domain, ad_service: ldap3.Connection) -> None:
    for ou in (ad.account_ou, ad.quarantine_ou, ad.group_ou):
        assert found(ad_service, ou) == [ou]


def test_groups_of_systems_are_full_of_the_regions_own_people(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    employees = {dn.casefold() for dn in found(ad_service, ad.employees_ou)}
    ad_service.search(ad.system_groups_ou, "(objectClass=group)", attributes=["cn", "member"])
    members = {
        entry["attributes"]["cn"][0]: entry["attributes"]["member"] for entry in ad_service.response
    }
    assert len(members) == 9
    assert len(members.pop("App-Vardadministrativt")) == 2000
    for name, some in members.items():
        assert 0 < len(some) <= 60, name
        assert {dn.casefold() for dn in some} < employees


def test_the_regions_own_people_have_names_that_a_dn_escapes(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    ad_service.search(ad.employees_ou, "(sAMAccountName=reg*)", attributes=["cn"])
    assert len(ad_service.response) == 2000
    escaped = [entry for entry in ad_service.response if "\\" in entry["dn"]]
    assert len(escaped) == 100
    for entry in escaped:
        (_type, value, _separator), *_rest = parse_dn(entry["dn"])
        assert value.replace("\\", "") == entry["attributes"]["cn"][0]


def test_the_regions_own_doctor_is_known_by_her_hsa_id(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    wanted = ["sAMAccountName", "userAccountControl", "memberOf"]
    ad_service.search(ad.base, f"(employeeNumber={OWN_DOCTOR})", attributes=wanted)
    (doctor,) = [e["attributes"] for e in ad_service.response if e["type"] == "searchResEntry"]
    assert doctor["sAMAccountName"] == ["mareka01"]
    assert doctor["userAccountControl"] == ["512"]
    assert sorted(doctor["memberOf"]) == [
        f"CN=App-Rontgensvar,{ad.system_groups_ou}",
        f"CN=App-Vardadministrativt,{ad.system_groups_ou}",
    ]


def test_a_name_that_we_would_give_is_taken_by_an_account_unknown_to_us(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    ad_service.search(ad.employees_ou, "(sAMAccountName=hv000012)", attributes=["employeeNumber"])
    (entry,) = ad_service.response
    assert entry["attributes"] == {}


# --- Active Directory: who may write ---


def account(name: str) -> dict[str, str | bytes | list[str]]:
    """Return a disabled account's attributes as provisioning writes them."""
    return {
        "objectClass": ["user"],
        "sAMAccountName": name,
        "userPrincipalName": f"{name}@ad.region.example",
        "unicodePwd": quoted("Ett-långt-lösenord-1"),
        "userAccountControl": "514",
        "employeeNumber": "SE2321000214-HVTEST1",
    }


def test_service_account_keeps_accounts_and_groups(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    dn = f"CN=Åke Prov,{ad.account_ou}"
    ad_service.add(dn, attributes=account("hvtest01"))
    ad_service.modify(
        dn,
        {
            "userAccountControl": [(ldap3.MODIFY_REPLACE, ["262656"])],
            "accountExpires": [(ldap3.MODIFY_REPLACE, ["134000000000000000"])],
            "altSecurityIdentities": [(ldap3.MODIFY_ADD, ["X509:<I>CN=Prov<SR>01"])],
            "extensionName": [(ldap3.MODIFY_ADD, ["person/prov"])],
        },
    )
    group = f"CN=Vårdgivare prov,{ad.group_ou}"
    ad_service.add(group, "group", {"sAMAccountName": "HV-prov", "groupType": "-2147483646"})
    ad_service.modify(group, {"member": [(ldap3.MODIFY_ADD, [dn])]})
    system_group = f"CN=App-Vardadministrativt,{ad.system_groups_ou}"
    ad_service.modify(system_group, {"member": [(ldap3.MODIFY_ADD, [dn])]})
    ad_service.search(dn, "(objectClass=*)", attributes=["memberOf", "userAccountControl"])
    (entry,) = ad_service.response
    assert sorted(entry["attributes"]["memberOf"]) == [system_group, group]
    assert entry["attributes"]["userAccountControl"] == ["262656"]
    ad_service.modify(system_group, {"member": [(ldap3.MODIFY_DELETE, [dn])]})


FOREIGN = {
    "an employee": f"CN=Märta Ekblad,OU=Anstallda,{AD_BASE}",
    "the administrator": f"CN=Administrator,CN=Users,{AD_BASE}",
    "a group of the domain": f"CN=Domain Admins,CN=Users,{AD_BASE}",
    "a group of a system": f"CN=App-Vardadministrativt,OU=Systemgrupper,{AD_BASE}",
    "the employees": f"OU=Anstallda,{AD_BASE}",
    "our accounts' unit": f"OU=Konton,OU=Halsoval,{AD_BASE}",
    "our groups' unit": f"OU=Grupper,OU=Halsoval,{AD_BASE}",
    "our unit": f"OU=Halsoval,{AD_BASE}",
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_service_account_neither_describes_nor_deletes_nor_opens_what_is_not_ours(
    ad: Domain, ad_service: ldap3.Connection, whose: str
) -> None:
    dn = FOREIGN[whose]
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        ad_service.modify(dn, {"description": [(ldap3.MODIFY_REPLACE, ["ours"])]})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        ad_service.delete(dn)
    acl_only = security_descriptor_control(sdflags=4)
    with ad.admin() as admin:
        admin.search(
            dn, "(objectClass=*)", ldap3.BASE, attributes="nTSecurityDescriptor", controls=acl_only
        )
        (acl,) = admin.response[0]["raw_attributes"]["nTSecurityDescriptor"]
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        ad_service.modify(
            dn, {"nTSecurityDescriptor": [(ldap3.MODIFY_REPLACE, [acl])]}, controls=acl_only
        )


def test_service_account_takes_over_nobody(ad: Domain, ad_service: ldap3.Connection) -> None:
    stolen = {"unicodePwd": [(ldap3.MODIFY_REPLACE, [quoted("Ett-annat-ord-2")])]}
    for whose in ("an employee", "the administrator"):
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            ad_service.modify(FOREIGN[whose], stolen)
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            ad_service.modify(
                FOREIGN[whose], {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["514"])]}
            )
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        ad_service.modify(
            FOREIGN["a group of the domain"], {"member": [(ldap3.MODIFY_ADD, [ad.service_dn])]}
        )


def test_service_account_creates_nothing_elsewhere_and_nothing_else(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    for dn, attributes in {
        f"CN=hvtest03,{ad.employees_ou}": account("hvtest03"),
        f"CN=hvtest03,{ad.group_ou}": account("hvtest03"),
        f"CN=hvtest03,{ad.account_ou}": {"objectClass": "group", "sAMAccountName": "hvtest03"},
        f"CN=hvtest03,{ad.system_groups_ou}": {"objectClass": "group"},
        f"OU=hvtest03,{ad.account_ou}": {"objectClass": "organizationalUnit"},
    }.items():
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            ad_service.add(dn, attributes=attributes)


def test_service_account_moves_accounts_between_our_units_alone_and_deletes_them(
    ad: Domain, ad_service: ldap3.Connection
) -> None:
    """Active Directory takes the right to delete an object also for moving it."""
    name = "CN=hvtest04"
    ad_service.add(f"{name},{ad.account_ou}", attributes=account("hvtest04"))
    there_and_back = ((ad.account_ou, ad.quarantine_ou), (ad.quarantine_ou, ad.account_ou))
    for here, there in (*there_and_back, there_and_back[0]):
        with pytest.raises(LDAPInsufficientAccessRightsResult):
            ad_service.modify_dn(f"{name},{here}", name, new_superior=ad.employees_ou)
        ad_service.modify_dn(f"{name},{here}", name, new_superior=there)
    ad_service.delete(f"{name},{ad.quarantine_ou}")


def test_service_account_deletes_no_group(ad: Domain, ad_service: ldap3.Connection) -> None:
    dn = f"CN=hvtest05,{ad.group_ou}"
    ad_service.add(dn, attributes={"objectClass": "group", "sAMAccountName": "hvtest05"})
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        ad_service.delete(dn)


# --- Active Directory, and both: the playbook ---

AD_ALONE = {"halsoval_lab_systems": ["ad"]}
AD_PORTS = (389, 636, 3268, 3269)


def test_no_password_of_the_domain_lies_outside_the_secrets(region: Lab, ad: Domain) -> None:
    secrets = region.dir / "secrets"
    for path in (region.dir / "ad/server.key", *secrets.iterdir()):
        assert path.stat().st_mode & 0o777 == 0o600, path
    everything = b"".join(
        path.read_bytes()
        for path in region.dir.rglob("*")
        if path.is_file() and path.parent != secrets
    )
    for password in (ad.service_password, ad.admin_password):
        assert len(password) >= 32
        for encoding in ("utf-8", "utf-16-le"):
            assert password.encode(encoding) not in everything


def test_check_mode_on_an_empty_machine_makes_neither_directory(
    region: Lab, tmp_path: Path
) -> None:
    nowhere = replace(region, dir=tmp_path / "lab")
    run = nowhere.run("started", "--check", "--diff")
    assert changed(run) > 0
    for system in ("hsa", "ad"):
        assert f"changed: [localhost] => (item={system})" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_copy_is_started_as_the_playbook_would_start_it(tmp_path: Path) -> None:
    """Other tests start copies of a lab, without the playbook."""
    for copy in copied_lab(tmp_path / "en kopia på prov", with_ad=True):
        assert changed(copy.run("started", "--check")) == 0
        assert changed(copy.run("stopped")) == 2


@only_in_full
def test_check_of_both_again_finds_nothing_to_do(region: Lab) -> None:
    before = slapd_processes(region), samba_processes(region)
    assert changed(region.run("started", "--check")) == 0
    assert (slapd_processes(region), samba_processes(region)) == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"halsoval_lab_ad_address": "192.0.2.1"}, "needs an address of 127.0.0.0/8"),
        ({"halsoval_lab_dir": "/tmp/" + "djup/" * 20}, "a directory with a shorter path"),
    ],
)
def test_what_samba_cannot_be_run_with_is_refused(
    region: Lab, wrong: dict[str, object], told: str
) -> None:
    run = region.run("started", **wrong)
    assert run.returncode != 0
    assert told in run.stdout
    assert len(samba_processes(region)) == 1


@only_in_full
def test_killed_servers_start_again_with_their_data_and_leave_a_stranger_alone(
    region: Lab, ad: Domain, ad_service: ldap3.Connection, region_entry: str
) -> None:
    """As after a reboot: both were killed and their pids are another program's today."""
    dn = f"CN=hvtest05,{ad.account_ou}"
    ad_service.add(dn, attributes=account("hvtest05"))
    kill_slapd(region)
    kill_samba(region)
    with subprocess.Popen(["sleep", "600"]) as stranger:
        try:
            for pidfile in ("hsa/slapd.pid", "ad/samba.pid"):
                (region.dir / pidfile).write_text(f"{stranger.pid}\n")
            assert changed(region.run("stopped")) == 0
            assert changed(region.run("started")) == 4  # each: the old pid away, the server started
            assert stranger.poll() is None
        finally:
            stranger.kill()
    with region.service() as hsa, ad.service() as service:
        assert region_entry in found(hsa, region.people_branch)
        assert dn in found(service, ad.account_ou)


def test_stopping_ends_the_servers_and_keeps_their_data(
    region: Lab, ad: Domain, ad_service: ldap3.Connection, region_entry: str
) -> None:
    dn = f"CN=hvtest07,{ad.account_ou}"
    ad_service.add(dn, attributes=account("hvtest07"))
    before = slapd_processes(region), samba_processes(region)
    assert [len(processes) for processes in before] == [1, 1]
    assert all(listens(region, port) for port in AD_PORTS)
    assert changed(region.run("stopped", "--check")) == 2
    assert (slapd_processes(region), samba_processes(region)) == before

    assert changed(region.run("stopped")) == 2
    assert slapd_processes(region) == samba_processes(region) == []
    assert not any(listens(region, port) for port in AD_PORTS)

    assert changed(region.run("started")) == 2
    with region.service() as hsa, ad.service() as service:
        assert region_entry in found(hsa, region.people_branch)
        assert dn in found(service, ad.account_ou)


@only_in_full
def test_two_domains_run_at_once_and_a_third_on_the_same_address_is_refused(
    region: Lab, ad: Domain, other_region: Lab
) -> None:
    assert other_region.ad
    assert other_region.ad.service_password != ad.service_password
    other_region.ad.service().unbind()
    run = other_region.run("started", halsoval_lab_ad_address=ad.address)
    assert run.returncode != 0
    assert f"of {ad.address} is used by another program" in run.stdout
    assert len(samba_processes(region)) == 1
    assert samba_processes(other_region) == []


@only_in_full
def test_reset_makes_the_domain_anew_and_forgets_what_the_collection_remembers(
    region: Lab, ad: Domain, ad_service: ldap3.Connection
) -> None:
    ad_service.add(f"CN=hvtest06,{ad.account_ou}", attributes=account("hvtest06"))
    ad_service.unbind()
    (region.dir / "state").mkdir(exist_ok=True)
    slapd = slapd_processes(region)
    assert len(slapd) == 1
    run = region.run("reset", "-vvv", "--diff", **AD_ALONE)
    assert changed(run) > 1
    assert slapd_processes(region) == slapd  # AD alone was asked for
    assert not (region.dir / "state").exists()
    with ad.service() as after:
        assert found(after, ad.account_ou) == [ad.account_ou]
        assert len(found(after, ad.employees_ou)) == 2003
    for password in (ad.service_password, ad.admin_password):
        assert password not in run.stdout + run.stderr
