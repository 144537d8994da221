# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where personal numbers must not turn up: output, syslog, arguments, files and their names.

Records are encrypted here, so that the only place on disk that may hold a number is the directory.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.tests.in_full import only_in_full
from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    domain,
    empty_region,
    in_domain,
    whole_domain,
)
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    EVERY,
    SHORT_PASSWORD,
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Site,
    empty,
    held,
    make_site,
    wait_until,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LISTING,
    XRAY,
    coordination_number,
    number,
    person,
    record,
    uses,
)

# Far from the numbers of other tests, which may run on this machine at the same time.
EMPLOYEE, PROTECTED, PREVIOUS, TRADER = (number(3650 * serial + 77) for serial in range(871, 875))
COORDINATION = coordination_number(3650 * 875 + 77)
CANARIES = (EMPLOYEE, PROTECTED, PREVIOUS, TRADER, COORDINATION)
SPELLINGS = sorted({spelling for canary in CANARIES for spelling in spellings(canary)})
PROTECTED_NAME = "Hemligsparv"
PERSONAL = [text.encode() for text in (*SPELLINGS, PROTECTED_NAME)]
# Where programs leave files for others. Home and working directory are the site's own.
SHARED_PLACES = [Path(place) for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/log")]
OF_TESTS = ("pytest-of-", "halsoval-postgresql-", "halsoval-pgbouncer-")


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """A sole trader's record with all kinds of numbers in it, encrypted."""
    empty(lab)
    yield make_encrypted(tmp_path / "site", lab)
    empty(lab)


@pytest.fixture
def site_of_region(region: Lab, tmp_path: Path) -> Site:
    """The same in a region with both directories, where all of them get accounts."""
    empty_region(region)
    return make_encrypted(tmp_path / "site", region)


def make_encrypted(path: Path, lab: Lab) -> Site:
    """A site with the sole trader's record."""
    site = make_site(path, lab, examples=False)
    site.put(
        record(
            "alfa",
            [
                person(1, uses(XRAY), personnummer=EMPLOYEE, previous_numbers=[PREVIOUS]),
                person(
                    2, uses(XRAY), personnummer=PROTECTED, surname=PROTECTED_NAME, protected=True
                ),
                person(3, uses(XRAY), personnummer=TRADER),
                {**person(4, uses(XRAY)), "personnummer": None, "samordningsnummer": COORDINATION},
            ],
            organisation_number=TRADER[2:],
        )
    )
    for part in ("agreement", "staff", "equipment"):
        site.encrypt("alfa", part)
    return site


@pytest.fixture
def syslog() -> Iterator[list[str]]:
    """The lines that reach syslog meanwhile, also of other runs on this machine."""
    path = Path("/dev/log")
    if path.exists() or not os.access("/dev", os.W_OK):
        pytest.skip("only root, on a machine without syslog, can stand in for it")
    lines: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(0.1)
        try:
            with again_and_again(lambda: lines.append(receiver.recv(65536).decode())):
                yield lines
        finally:
            path.unlink()


def invocations(site: Site, lines: list[str], module: str) -> list[str]:
    """The lines of syslog that say how a site's runs invoked a module."""
    start = f"ansible-regionjh.halsoval.{module}: Invoked"
    return [line for line in lines if start in line and str(site.path) in line]


@contextmanager
def again_and_again(work: Callable[[], object]) -> Iterator[None]:
    """Do something in a thread for as long as the block runs."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(0.01):
            with suppress(TimeoutError):
                work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def personal_in(text: str) -> list[str]:
    """The spellings of the numbers, and the protected name, that a text holds."""
    return [spelling for spelling in (*SPELLINGS, PROTECTED_NAME) if spelling in text]


def left_behind(site: Site, since: float) -> list[str]:
    """Files that hold something personal, or are named so: the site's, and new ones elsewhere."""
    return [
        *(str(path) for path in files_in(site.path) if is_personal(path)),
        *(str(path) for path in files_in(*SHARED_PLACES) if is_personal(path, since)),
    ]


def is_personal(path: Path, since: float = 0) -> bool:
    """Whether a file that was written since then holds something personal, or is named so."""
    with suppress(OSError):  # another's file may end while it is looked at
        status = path.stat()
        if status.st_mtime >= since:
            content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            return any(one in path.name.encode() + content for one in PERSONAL)
    return False


def files_in(*places: Path) -> Iterator[Path]:
    """Everything below the places; what ends meanwhile is passed over.

    So is what other tests write at the same time, their servers' data most.
    """
    for place in places:
        for folder, folders, files in os.walk(place):
            folders[:] = [name for name in folders if not name.startswith(OF_TESTS)]
            yield from (Path(folder, name) for name in (*folders, *files))


# --- output, arguments, syslog


@pytest.mark.parametrize("options", [("--check", "--diff"), ("--diff",)], ids=["check", "run"])
def test_output_syslog_and_arguments_name_nobody(
    lab: Lab, site: Site, syslog: list[str], options: list[str]
) -> None:
    arguments: set[str] = set()

    def look() -> None:
        arguments.update(a for process in site.processes().values() for a in process)

    with again_and_again(look):
        run = site.onboard("-vvv", "--vault-password-file", str(site.path / "password"), *options)

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"}), run.output
    assert "+personalIdentityNumber: ********-****" in run.output
    assert personal_in(run.output) == []
    assert lab.service_password not in run.output
    assert any(argument == "regionjh.halsoval.onboard" for argument in arguments)
    assert personal_in("\n".join(arguments)) == []
    (invoked,) = invocations(site, syslog, "hsa")
    assert "providers=['alfa']" in invoked
    assert personal_in("\n".join(syslog)) == []
    assert lab.service_password not in "\n".join(syslog)
    entered = [held(lab).person(canary) for canary in (EMPLOYEE, PROTECTED, TRADER, COORDINATION)]
    assert all(entered) != ("--check" in options)


def test_diff_of_who_becomes_protected_names_nobody(lab: Lab, site: Site) -> None:
    row = person(2, personnummer=PROTECTED, surname=PROTECTED_NAME)
    site.put(record("alfa", [row]))
    assert site.onboard().rc == 0
    site.put(record("alfa", [{**row, "protected": True}]))

    run = site.onboard("-vvv", "--diff")

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"})
    entry = held(lab).person(PROTECTED)
    assert entry is not None
    assert f"modify person {entry['hsaIdentity'][0]}" in run.output
    assert "-givenName: ********-**** (before)" in run.output
    assert personal_in(run.output) == []


def test_errors_name_nobody(lab: Lab, site: Site) -> None:
    """Numbers that are wrong, used twice or in the wrong place, and a write that is refused."""
    for provider in ("beta", "gamma"):
        site.put(record(provider, [person(1, personnummer=EMPLOYEE), person(2)]))
    wrong = EMPLOYEE[:-1] + str((int(EMPLOYEE[-1]) + 1) % 10)
    site.edit("beta", "staff", EMPLOYEE, wrong)
    site.edit("gamma", "staff", f'"{EMPLOYEE}"', f"[{EMPLOYEE}: ")
    (site.providers / PREVIOUS).mkdir()
    # Out of the account's sight, so the directory refuses the person.
    elsewhere = "cn=annan,c=SE"
    attributes = {
        "objectClass": ["person", "hsaFeignedDataObject"],
        **{"sn": "Annan", "fullName": "Annan", "hsaIdentity": "SE2321000214-ANNAN"},
        "personalIdentityNumber": EMPLOYEE,
    }
    with lab.admin() as admin:
        admin.add(elsewhere, attributes=attributes)
        try:
            run = site.onboard("-vvv", "--vault-password-file", str(site.path / "password"))
        finally:
            admin.delete(elsewhere)

    assert run.rc == 2
    assert {"alfa", "beta", "gamma"} < run.hosts("failed")
    assert "constraintViolation" in run.output
    assert "the check digit of the personnummer is wrong" in run.output
    assert personal_in(run.output) == []
    assert wrong not in run.output


# --- files


def nothing_left(site: Site, since: float) -> None:
    """No file names anybody or has a password."""
    assert left_behind(site, since) == []
    files = [path.read_bytes() for path in site.path.rglob("*") if path.is_file()]
    for password in passwords(site.lab):
        assert not any(password.encode() in content for content in files)


def passwords(lab: Lab) -> list[str]:
    """The passwords that the playbooks log in with."""
    return [
        lab.service_password,
        lab.reader_password,
        *([lab.ad.service_password] if lab.ad else []),
    ]


def test_run_leaves_no_file_that_names_anybody(site: Site) -> None:
    since = time.time()

    run = site.onboard(
        *("-vvv", "--diff", "--vault-password-file", str(site.path / "password")),
        ansible_pipelining=False,  # which would write a module of Ansible's own to disk
    )

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"})
    nothing_left(site, since)


@pytest.mark.parametrize(
    "victims",
    [
        pytest.param("module", marks=only_in_full),
        pytest.param("playbook", marks=only_in_full),
        "both",
    ],
)
def test_killed_run_leaves_no_file_that_names_anybody(
    lab: Lab, site: Site, tmp_path: Path, victims: str
) -> None:
    since = time.time()
    with faulty_directory(lab, tmp_path, Fault("add", EVERY, 0.1)) as directory:
        run = site.start(
            *("-vvv", "--diff", "--vault-password-file", str(site.path / "password")),
            halsoval_hsa_server_uri=directory.uri,
        )
        wait_until(lambda: directory.seen["add"] >= 4, "the module writes people")
        (module,) = site.module_processes()
        if victims != "module":
            run.kill()
        if victims != "playbook":
            os.kill(module, signal.SIGKILL)
        output, _errors = run.communicate(timeout=60)
        wait_until(lambda: not site.processes(), "everything of the run has ended")

    assert personal_in(output) == []
    nothing_left(site, since)


# --- accounts

VERBOSE = ("-vvv", "--diff", "--vault-password-file")


def test_accounts_and_what_a_run_says_of_them_name_nobody(
    site_of_region: Site, syslog: list[str], tmp_path: Path
) -> None:
    """First all accounts are refused, then they are made."""
    site, lab, since = site_of_region, site_of_region.lab, time.time()
    password = str(site.path / "password")
    short = Fault("add", EVERY, SHORT_PASSWORD["Samba"], b"unicodePwd")
    with faulty_directory(lab, tmp_path, short, before=domain(lab).uri) as directory:
        refused = site.onboard(*VERBOSE, password, halsoval_ad_server_uri=directory.uri)
    assert refused.hosts("failed") == {"alfa"}
    assert refused.output.count("the domain's password policy refuses the password") >= 4

    run = site.onboard(*VERBOSE, password)

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"}), run.output
    accounts = in_domain(lab).accounts
    assert len(accounts) == 4
    for who in accounts:
        assert f"add account {who}" in run.output
    said = "\n".join([refused.output, run.output, *syslog])
    assert len(invocations(site, syslog, "ad_accounts")) == 2
    assert "+sAMAccountName: hv" in said
    assert "+displayName: Anna1 Fjällström" in said
    assert personal_in(said) == []
    assert personal_in(repr(whole_domain(lab).entries)) == []
    assert [secret for secret in passwords(lab) if secret in said] == []
    nothing_left(site, since)
    # The ledger remembers HSA by keyed hashes of the numbers, and what was written by HSA-id.
    (ledger,) = site.state.glob("ledger.sqlite3")
    assert all(who.encode() in ledger.read_bytes() for who in accounts)
    assert ledger.stat().st_mode & 0o077 == ledger.parent.stat().st_mode & 0o077 == 0


def test_run_killed_while_accounts_are_made_leaves_no_file_that_names_anybody(
    site_of_region: Site, tmp_path: Path
) -> None:
    site, since = site_of_region, time.time()
    uri = domain(site.lab).uri
    slow = Fault("add", EVERY, 0.5)
    with faulty_directory(site.lab, tmp_path, slow, before=uri) as directory:
        run = site.start(
            *(*VERBOSE, str(site.path / "password")), halsoval_ad_server_uri=directory.uri
        )
        wait_until(lambda: directory.seen["add"] >= 2, "the module makes accounts")
        (module,) = site.module_processes()
        os.kill(module, signal.SIGKILL)
        run.kill()
        output, _errors = run.communicate(timeout=60)
        wait_until(lambda: not site.processes(), "everything of the run has ended")

    assert personal_in(output) == []
    nothing_left(site, since)
    assert personal_in(repr(in_domain(site.lab).entries)) == []


# --- orders


def test_orders_name_people_in_outbox_and_ledger_and_nowhere_else(
    site_of_region: Site, syslog: list[str], tmp_path: Path
) -> None:
    """Somebody must be told whom a card is for; files that say so are their user's alone."""
    site, since, password = site_of_region, time.time(), str(site_of_region.path / "password")
    site.put(
        record(
            "alfa",
            [
                person(1, uses(LISTING), personnummer=EMPLOYEE, cards=[{}]),
                person(2, uses(LISTING), personnummer=PROTECTED, surname=PROTECTED_NAME,
                       protected=True, cards=[{}]),
                {**person(4, uses(LISTING), cards=[{"loa": 2}]),
                 "personnummer": None, "samordningsnummer": COORDINATION},
            ],
            organisation_number=TRADER[2:],
        )
    )  # fmt: skip
    for part in ("agreement", "staff", "equipment"):
        site.encrypt("alfa", part)
    run = site.onboard(*VERBOSE, password, halsoval_systems=["hsa", "siths", "services"])
    assert (run.rc, run.hosts("changed")) == (0, {"alfa"}), run.output
    audit = site.play("audit", *VERBOSE, password, audit_dest=str(tmp_path / "audit.csv"))
    assert audit.rc == 0, audit.output

    said = "\n".join([run.output, audit.output, *syslog])
    assert "add card SE2321000214-HV" in said
    assert personal_in(said) == []
    assert personal_in((tmp_path / "audit.csv").read_text()) == []
    written = [path for path in (*files_in(site.outbox), site.state / "ledger.sqlite3")
               if path.is_file()]  # fmt: skip
    told = [path for path in written if personal_in(path.read_bytes().decode(errors="replace"))]
    assert {path.suffix for path in told} == {".json", ".csv", ".sqlite3"}
    assert {path.stat().st_mode & 0o177 for path in written} == {0}
    for path in written:
        path.unlink()
    assert left_behind(site, since) == []
