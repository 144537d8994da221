# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Citrix Monitor: whoever answers, only the server that was verified gets the login."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import citrix_monitor
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_rest import Settings
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.https import Reply

DATA = "/Citrix/Monitor/OData/v4/Data/"


class Server:
    """Answers with two pages, the first of which leads on by a link; tells what was asked for."""

    link = ""

    def __init__(self, uri: str, *_rest: Any) -> None:
        self.uri, self.asked = uri, list[str]()

    def send(self, _method: str, path: str, _headers: Any, auth: Any) -> Reply:
        self.asked.append(self.uri + path)
        more = {"@odata.nextLink": self.link} if len(self.asked) == 1 else {}
        return Reply(200, {}, {"value": [{"Id": len(self.asked)}], **more})


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (f"https://alias.example{DATA}Machines?$skip=1", f"{DATA}Machines?$skip=1"),
        ("Machines?$skip=1", f"{DATA}Machines?$skip=1"),
        (f"{DATA}Machines?$skip=1", f"{DATA}Machines?$skip=1"),
        ("@other.example/x", f"{DATA}@other.example/x"),
        (".other.example/x", f"{DATA}.other.example/x"),
        ("//other.example/x", "/x"),
        (":8443/x", f"{DATA}:8443/x"),
    ],
)
def test_no_link_leads_to_another_server(
    monkeypatch: pytest.MonkeyPatch, link: str, path: str
) -> None:
    monkeypatch.setattr(citrix_monitor, "Https", Server)
    monkeypatch.setattr(Server, "link", link)
    monitor = citrix_monitor.CitrixMonitor(Settings("https://ddc.example", "REGION\\svc", "secret"))
    assert [row["Id"] for row in monitor.machines()] == [1, 2]
    _first, second = monitor._https.asked  # type: ignore[attr-defined]
    assert urlsplit(second).netloc == "ddc.example"
    assert second == f"https://ddc.example{path}"
