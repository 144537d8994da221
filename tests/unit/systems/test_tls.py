# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is believed to be the directory: real TLS servers, which know their certificate only.

A server that is believed sees the bind, and refuses it. Another sees no message at all.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import directory as room
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.directory import (
    Directory,
    DirectoryError,
    Search,
    Settings,
)
from ansible_collections.regionjh.halsoval.tests.certificates import (
    ENDED,
    LATER,
    Authority,
    authority,
    self_signed,
)

# BindResponse: invalidCredentials (RFC 4511 section 4.2.2).
REFUSED = bytes.fromhex("61070a013104000400")
BELIEVED = "refused the bind as cn=svc: invalid credentials"
DISTRUSTED = "presents a certificate that cannot be verified: "
HOSTS = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "::1": "::1"}
HAS_IPV6 = Path("/proc/net/if_inet6").exists()


@dataclass
class Peer:
    """A server that runs: where, and what came to it."""

    port: int
    seen: list[bytes] = field(default_factory=list)

    def uri(self, host: str) -> str:
        """Where it is, by this name or address."""
        return f"ldaps://[{host}]:{self.port}" if ":" in host else f"ldaps://{host}:{self.port}"


Answer = Callable[[socket.socket, Peer], object]


@contextmanager
def peer(answer: Answer, address: str = "127.0.0.1") -> Iterator[Peer]:
    """Run a server that meets each connection so, until the block ends."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        running = Peer(listener.getsockname()[1])

        def serve() -> None:
            while True:
                try:
                    plain, _address = listener.accept()
                except OSError:
                    return
                with suppress(OSError):
                    answer(plain, running)
                plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield running
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def by_certificate(pem: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Answer:
    """A directory with this certificate, which refuses every bind."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    tls.set_ciphers("DEFAULT:@SECLEVEL=0")
    tls.minimum_version = tls.maximum_version = version

    def answer(plain: socket.socket, running: Peer) -> None:
        with tls.wrap_socket(plain, server_side=True) as connection:
            if message := connection.recv(4096):
                running.seen.append(message)
                number = message[2:5]  # an INTEGER of one octet
                connection.sendall(bytes([0x30, 12]) + number + REFUSED)
                connection.recv(4096)

    return answer


def hanging_up(pem: Path) -> Answer:
    """A directory with this certificate, which ends every connection at the first message."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)

    def answer(plain: socket.socket, _running: Peer) -> None:
        with tls.wrap_socket(plain, server_side=True) as connection:
            connection.recv(4096)

    return answer


def saying(octets: bytes) -> Answer:
    """A server that reads what comes first, says this, and closes."""

    def answer(plain: socket.socket, _running: Peer) -> None:
        plain.recv(4096)
        plain.sendall(octets)

    return answer


def said(uri: str, ca: Path | None, timeout: int = 5) -> str:
    """What a read of this directory says."""
    settings = Settings(uri, "cn=svc", "secret", str(ca) if ca else None, timeout)
    with pytest.raises(DirectoryError) as caught:
        Directory(settings, [Search("c=SE", "(objectClass=*)", ("cn",))], {}).read()
    return str(caught.value)


def met(pem: Path, host: str, ca: Path | None) -> tuple[str, Peer]:
    """What a read of the directory with this certificate says, called by this name or address."""
    with peer(by_certificate(pem), HOSTS[host]) as running:
        return said(running.uri(host), ca).removeprefix(running.uri(host) + " "), running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    """The CA that the region trusts."""
    return authority(folder)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BACK_OFF", (0.0,))


# --- whose certificate it is ---------------------------------------------------------------------

OTHERS = ("annan.example", "127.0.0.9", "2001:db8::9")
NAMES = (*HOSTS, *OTHERS)


@pytest.mark.parametrize("host", HOSTS)
def test_a_server_is_believed_by_exactly_the_names_and_addresses_in_its_certificate(
    folder: Path, ours: Authority, host: str
) -> None:
    if ":" in host and not HAS_IPV6:
        pytest.skip("this machine has no IPv6")
    for names in (subset for size in (1, 2, 3) for subset in combinations(NAMES, size)):
        text, running = met(ours.issue(folder, names), host, ours.pem)
        if host in names:
            assert text == BELIEVED, names
            assert len(running.seen) == 1
        else:
            called = "the name localhost" if host == "localhost" else f"the IP address {host}"
            assert text == f"{DISTRUSTED}it is not for {called}", names
            assert running.seen == []


def test_an_address_is_not_believed_as_a_name(folder: Path, ours: Authority) -> None:
    """Neither in the common name, nor as text among the names."""
    text, _running = met(ours.issue(folder, common_name="127.0.0.1"), "127.0.0.1", ours.pem)
    assert text.startswith(DISTRUSTED)


@pytest.mark.parametrize("names", [[], ["a.example"]])
def test_a_common_name_is_no_name(folder: Path, ours: Authority, names: list[str]) -> None:
    text, running = met(ours.issue(folder, names, common_name="localhost"), "localhost", ours.pem)
    assert text == f"{DISTRUSTED}it is not for the name localhost"
    assert running.seen == []


# --- why it is not believed ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_what_is_wrong_with_a_certificate_is_said(folder: Path, ours: Authority, host: str) -> None:
    names = ["localhost", "127.0.0.1"]
    other_ca = f"its CA is not the one in {ours.pem}"
    wrong = {
        ours.issue(folder, names, ENDED): "it has expired, or its CA has",
        ours.issue(folder, names, LATER): "it is not valid yet, or this machine's clock is slow",
        authority(folder, "Another CA").issue(
            folder, names
        ): f"its CA is not the one in {ours.pem}",
        authority(folder).issue(folder, names): other_ca,  # made anew, under the same name
        self_signed(folder, names): f"it is signed by itself, not by the one in {ours.pem}",
    }
    for pem, reason in wrong.items():
        text, running = met(pem, host, ours.pem)
        assert text == DISTRUSTED + reason
        assert running.seen == []


def test_an_expired_ca_is_said(folder: Path) -> None:
    old = authority(folder, days=ENDED)
    text, _running = met(old.issue(folder, ["localhost"]), "localhost", old.pem)
    assert text == f"{DISTRUSTED}it has expired, or its CA has"


def test_without_a_ca_file_the_machines_own_are_trusted_and_no_other(
    folder: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = ours.issue(folder, ["localhost"])
    text, running = met(pem, "localhost", None)
    assert text == f"{DISTRUSTED}its CA is not one that this machine trusts (see ca_path)"
    assert running.seen == []
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.pem))
    assert met(pem, "localhost", None)[0] == BELIEVED


def test_a_certificate_is_verified_whatever_the_process_did_before(
    folder: Path, ours: Authority
) -> None:
    """One Directory makes several connections; the trust of one is not that of the next."""
    good, bad = ours.issue(folder, ["localhost"]), self_signed(folder, ["localhost"])
    for pem, believed in ((good, True), (bad, False), (good, True)):
        assert (met(pem, "localhost", ours.pem)[0] == BELIEVED) is believed


# --- a name with several addresses ---------------------------------------------------------------


def said_of_both(monkeypatch: pytest.MonkeyPatch, ca: Path, *peers: Peer) -> str:
    """What a read says of a directory whose name leads to these servers, in this order."""
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", one.port))
        for one in peers
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_any, **_named: addresses)
    return said("ldaps://localhost", ca)


def test_of_several_addresses_the_first_that_is_trusted_is_used(
    folder: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = self_signed(folder, ["localhost"]), ours.issue(folder, ["localhost"])
    with peer(by_certificate(bad)) as other, peer(by_certificate(good)) as right:
        assert BELIEVED in said_of_both(monkeypatch, ours.pem, other, right)
    assert (len(other.seen), len(right.seen)) == (0, 1)


def test_an_address_that_was_passed_over_is_not_blamed_for_what_the_next_one_does(
    folder: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = self_signed(folder, ["localhost"]), ours.issue(folder, ["localhost"])
    with peer(by_certificate(bad)) as other, peer(hanging_up(good)) as right:
        text = said_of_both(monkeypatch, ours.pem, other, right)
    assert "could not be reached, or stayed busy" in text
    assert "certificate" not in text


def test_a_certificate_is_told_also_where_another_address_does_not_answer(
    folder: Path, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with peer(saying(b"")) as ended:
        pass
    with peer(by_certificate(self_signed(folder, ["localhost"]))) as bad:
        for order in ((ended, bad), (bad, ended)):
            assert "it is signed by itself" in said_of_both(monkeypatch, ours.pem, *order)


# --- no TLS, or another --------------------------------------------------------------------------

NO_TLS = {
    "text": b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n" * 20,
    "http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    # Notice of disconnection (RFC 4511 section 4.4.1).
    "ldap": bytes.fromhex("3024020100781f0a0102040004008a16") + b"1.3.6.1.4.1.1466.20036",
}


@pytest.mark.parametrize("octets", NO_TLS.values(), ids=NO_TLS)
def test_a_server_that_answers_without_tls_is_said(ours: Authority, octets: bytes) -> None:
    with peer(saying(octets)) as running:
        text = said(running.uri("127.0.0.1"), ours.pem)
    assert "does not answer with TLS on this port (636 is usual)" in text


def test_a_server_that_closes_when_tls_begins_is_said_after_another_try(ours: Authority) -> None:
    """slapd and AD do so on 389, and AD on 636 where it has no certificate."""
    with peer(saying(b"")) as running:
        text = said(running.uri("127.0.0.1"), ours.pem)
    assert "could not be reached, or stayed busy: it closed the connection when TLS began" in text
    assert "no TLS on this port" in text


def test_a_server_that_says_nothing_is_given_up(ours: Authority) -> None:
    waiting = threading.Event()
    with peer(lambda _plain, _running: waiting.wait(10)) as running:
        text = said(running.uri("127.0.0.1"), ours.pem, timeout=1)
        waiting.set()
    assert "timed out" in text


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_tls_that_is_too_old_is_said(folder: Path, ours: Authority) -> None:
    pem = ours.issue(folder, ["127.0.0.1"])
    with peer(by_certificate(pem, ssl.TLSVersion.TLSv1_1)) as running:
        text = said(running.uri("127.0.0.1"), ours.pem)
    assert "and this machine do not agree on TLS: " in text


# --- what can be told before ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "ldap://dc.example", "dc.example", "ldaps://", "ldaps:///", "ldaps://:636", "",
        "ldaps://dc.example:65536", "ldaps://dc.example:x", "ldaps://[::1", "ldaps://[dc.example]",
        "ldaps://.dc.example", "ldaps://dc..example", f"ldaps://{'d' * 64}.example",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_directory_is_refused(ours: Authority, uri: str) -> None:
    assert said(uri, ours.pem) == "expected a server_uri of the form ldaps://host[:port]"


def test_a_file_that_is_no_ca_is_refused(folder: Path, ours: Authority) -> None:
    der = folder / "ca.cer"
    der.write_bytes(ssl.PEM_cert_to_DER_cert(ours.pem.read_text()))
    empty, text = folder / "empty.pem", folder / "text.pem"
    empty.touch()
    text.write_text("no certificate")
    for path in (der, empty, text):
        assert said("ldaps://dc.example", path) == (
            f"the CA file {path} holds no certificate in PEM form"
        )
    for path in (folder / "missing.pem", folder):
        assert said("ldaps://dc.example", path) == f"the CA file {path} cannot be read"
