# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Citrix site for tests: started, and told what to do."""

from __future__ import annotations

import json
import secrets
import ssl
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_rest import Settings
from ansible_collections.regionjh.halsoval.tests.certificates import Authority, authority

PROGRAM = Path(__file__).resolve().parents[1] / "roles/lab/files/citrix_site"
USER = "REGION\\svc-halsoval"
# The delivery group whose built-in rules are disabled, and the one in a folder whose are enabled.
GROUP, OPEN_GROUP = "Hälsoval skrivbord", "Region|Sjukhus|Klinik skrivbord"


@dataclass(frozen=True)
class Site:
    """A running site."""

    uri: str
    ca: Path
    password: str
    admin: str

    @property
    def settings(self) -> Settings:
        """How a run reaches it."""
        return Settings(self.uri, USER, self.password, str(self.ca), timeout=5)

    def lab(self, what: str, method: str = "POST", **content: Any) -> Any:
        """Have the site do something, or tell it."""
        data = json.dumps(content).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.uri}/lab/{what}", data, method=method)
        login = b64encode(f"lab:{self.admin}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        request.add_header("Content-Type", "application/json")
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def connect(self, user: str, client: str, group: str = GROUP, **more: Any) -> Any:
        """Somebody's attempt to get in: {admitted, reasons, session, ...}."""
        asked = {"client_name": client, "client_address": "10.9.9.9", "launch": "native"}
        return self.lab("connect", user=user, delivery_group=group, **{**asked, **more})

    def fault(self, kind: str, **more: Any) -> None:
        """Have the site do something wrong."""
        self.lab("faults", faults=[{"kind": kind, **more}])


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """A new site, until the block ends."""
    ca = authority(folder)
    with started(folder, ca) as site:
        yield site


@contextmanager
def started(folder: Path, ca: Authority) -> Iterator[Site]:
    """A site with a certificate of a CA."""
    kept = folder / "secrets"
    kept.mkdir(mode=0o700, exist_ok=True)
    passwords = {name: secrets.token_urlsafe(12) for name in ("citrix_service", "citrix_admin")}
    for name, password in passwords.items():
        (kept / name).write_text(password, "utf-8")
    certificate = ca.issue(folder, ["localhost", "127.0.0.1"])
    process = subprocess.Popen(
        [
            sys.executable, "-I", str(PROGRAM), "--state", str(folder / "state.sqlite3"),
            "--port", "0", "--certificate", str(certificate), "--secrets", str(kept),
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        uri = process.stdout.readline().strip()
        yield Site(uri, ca.pem, passwords["citrix_service"], passwords["citrix_admin"])
    finally:
        process.terminate()
        process.wait(20)
