# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS: whom it trusts, what it sends to whom, and how long it waits."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import https
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.https import (
    HttpError,
    Https,
    Reply,
    Transient,
)
from ansible_collections.regionjh.halsoval.tests.certificates import Authority, authority


class Echo(BaseHTTPRequestHandler):
    """Tells what it was sent; /away leads elsewhere."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        Echo.seen.append({"path": self.path, **dict(self.headers)})
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "/elsewhere")
        body = json.dumps({"path": self.path}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, ca: Authority, names: tuple[str, ...]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.issue(folder, names))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_only_the_ca_that_was_named_is_trusted(tmp_path: Path) -> None:
    """requests would add certifi's hundreds to it."""
    ca = authority(tmp_path)
    with serving(tmp_path, ca, ("127.0.0.1",)) as uri:
        server = Https(uri, str(ca.pem), 5)
        assert server.send("GET", "/x", {}).body == {"path": "/x"}
        context = server._session.get_adapter(uri)._context  # type: ignore[attr-defined]
        assert context.cert_store_stats()["x509_ca"] == 1


def test_another_name_and_another_ca_are_told(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    with serving(tmp_path, ca, ("ddc.example",)) as uri:
        with pytest.raises(HttpError, match=r"it is not for the IP address 127\.0\.0\.1"):
            Https(uri, str(ca.pem), 5).send("GET", "/", {})
        with pytest.raises(HttpError, match="that this machine trusts"):
            Https(uri, None, 5).send("GET", "/", {})


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password x\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    ca = authority(tmp_path)
    with serving(tmp_path, ca, ("127.0.0.1",)) as uri:
        Https(uri, str(ca.pem), 5).send("GET", "/mine", {"Authorization": "CWSAuth bearer=1"})
    assert Echo.seen[-1]["Authorization"] == "CWSAuth bearer=1"


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    with serving(tmp_path, ca, ("127.0.0.1",)) as uri:
        assert Https(uri, str(ca.pem), 5).send("GET", "/away", {}).code == 302
    assert Echo.seen[-1]["path"] == "/away"


@pytest.mark.parametrize(
    "uri",
    ["http://ddc", "https://", "ddc", "https://a:b@ddc", "https://ddc/cvad", "https://ddc:x",
     "https://ddc?x=1"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused(uri: str) -> None:
    with pytest.raises(HttpError, match=r"expected an address of the form https://host"):
        Https(uri, None, 5)


def test_a_ca_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(HttpError, match="cannot be read"):
        Https("https://ddc", str(tmp_path / "missing"), 5)
    (tmp_path / "empty").write_text("no certificate")
    with pytest.raises(HttpError, match="holds no certificate"):
        Https("https://ddc", str(tmp_path / "empty"), 5)


def test_a_server_that_is_away_is_worth_another_try() -> None:
    with pytest.raises(Transient, match=r"https://127\.0\.0\.1:9: "):
        Https("https://127.0.0.1:9", None, 2).send("GET", "/", {"Authorization": "secret"})


@pytest.mark.parametrize(
    ("asked", "seconds"), [("7", 7.0), ("", 0.0), ("soon", 0.0), ("-1", 0.0), ("999999", 999999.0)]
)
def test_a_pause_that_the_server_asks_for_is_read(asked: str, seconds: float) -> None:
    assert https.pause_asked(Reply(429, {"Retry-After": asked}, None)) == seconds


def test_a_pause_is_granted_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(https.time, "sleep", waited.append)
    for pause, asked in ((0.5, 0.0), (0.5, 7.0), (4.0, 1.0), (0.5, 999999.0)):
        https.rest(pause, asked)
    assert waited == [0.5, 7.0, 4.0, 60.0]
