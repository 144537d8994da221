# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Citrix site for tests: started as a process, spoken to with a plain HTTP client."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import spnego

from ansible_collections.regionjh.halsoval.tests.certificates import authority

PROGRAM = Path(__file__).resolve().parents[1] / "roles/lab/files/citrix_site"
USER = "REGION\\svc-halsoval"
PASSWORD = "Lab-of-tests-1"
LAB_PASSWORD = "Lab-of-tests-2"
HALSOVAL = "Hälsoval skrivbord"
JSON = "application/json; charset=utf-8"
CUSTOMER = "CitrixOnPremises"


@dataclass(frozen=True)
class Reply:
    """An HTTP response."""

    code: int
    headers: http.client.HTTPMessage
    body: Any


@dataclass(frozen=True)
class CitrixSite:
    """A site that runs: where it is, and how to log in to it."""

    uri: str
    ca: Path
    password: str = field(repr=False)
    lab_password: str = field(repr=False)
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def connection(self) -> http.client.HTTPSConnection:
        """A connection over verified TLS."""
        where = urlsplit(self.uri)
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection(
            str(where.hostname), where.port, context=context, timeout=30
        )

    def lab(self, verb: str, method: str = "POST", **told: Any) -> Any:
        """Use /lab/: what it answers; anything but 200 fails."""
        headers = {"Authorization": basic("lab", self.lab_password)}
        body = told if method == "POST" else None
        reply = call(self.connection(), method, f"/lab/{verb}", body, headers)
        assert reply.code == 200, reply.body
        return reply.body

    def rest(self) -> Rest:
        """A session with the REST API, signed in."""
        connection = self.connection()
        headers = {"Authorization": basic(USER, self.password)}
        token = call(connection, "POST", "/cvad/manage/Tokens", None, headers).body["Token"]
        headers = {"Authorization": f"CWSAuth bearer={token}", "Citrix-CustomerId": CUSTOMER}
        me = call(connection, "GET", "/cvad/manage/Me", None, headers).body
        headers["Citrix-InstanceId"] = me["Customers"][0]["Sites"][0]["Id"]
        return Rest(connection, headers)

    def monitor(self, protocol: str = "NTLM") -> http.client.HTTPSConnection:
        """A connection to Monitor, logged in by NTLM."""
        connection = self.connection()
        reply = log_in(connection, protocol, self.password)
        assert reply.code == 200, reply.headers
        return connection


@dataclass(frozen=True)
class Rest:
    """Somebody who is signed in to the REST API."""

    connection: http.client.HTTPSConnection
    headers: dict[str, str]

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        """Call something below /cvad/manage."""
        asked = f"?{urlencode(query)}" if query else ""
        return call(self.connection, method, f"/cvad/manage/{path}{asked}", body, self.headers)

    def rule(self, group: str = HALSOVAL, **fields: Any) -> dict[str, Any]:
        """Make a rule; what the site answers."""
        reply = self("POST", f"DeliveryGroups/{quote(group)}/AdvancedAccessPolicies", fields)
        assert reply.code == 200, reply.body
        return dict(reply.body)


def call(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """One call; the body as JSON in both directions."""
    kind = {"Content-Type": JSON} if body is not None else {}
    content = json.dumps(body).encode() if body is not None else None
    connection.request(
        method, path, content, {"Accept": "application/json", **kind, **(headers or {})}
    )
    response = connection.getresponse()
    text = response.read()
    return Reply(response.status, response.headers, json.loads(text) if text else None)


def basic(user: str, password: str) -> str:
    """An Authorization header of RFC 7617."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def log_in(
    connection: http.client.HTTPSConnection, protocol: str, password: str, user: str = USER
) -> Reply:
    """Shake hands; the last answer, 200 or 401."""
    context = spnego.client(user, password, hostname="localhost", protocol=protocol.lower())
    path, token = "/Citrix/Monitor/OData/v4/Data/Users", context.step()
    while True:
        sent = base64.b64encode(token or b"").decode()
        reply = call(connection, "GET", path, None, {"Authorization": f"{protocol} {sent}"})
        asked = [w.split()[1:] for w in reply.headers.get_all("WWW-Authenticate") or []]
        challenge = next((words[0] for words in asked if words), None)
        if reply.code != 401 or challenge is None:
            return reply
        token = context.step(base64.b64decode(challenge))


@contextlib.contextmanager
def citrix_site(directory: Path) -> Iterator[CitrixSite]:
    """Run a site whose certificate and state lie in a directory; it ends with the block."""
    secrets = directory / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "citrix_service").write_text(PASSWORD)
    (secrets / "citrix_admin").write_text(LAB_PASSWORD)
    ca = authority(directory)
    certificate = ca.issue(directory, ["localhost", "127.0.0.1"])
    state = directory / "state.sqlite3"
    arguments: list[str | Path] = [
        "--state", state, "--port", "0", "--certificate", certificate, "--secrets", secrets
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-I", PROGRAM, *arguments],
        stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert process.stdout
    try:
        address = process.stdout.readline().strip()
        assert address, "it did not start"
        uri = address.replace("127.0.0.1", "localhost")
        yield CitrixSite(uri, ca.pem, PASSWORD, LAB_PASSWORD, process)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
