# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Citrix Monitor's OData v4 of a delivery controller on premises: complete reads, by NTLM.

Pages are of 100 rows and lead on by `@odata.nextLink` alone (developer-docs.citrix.com, "Access
Monitor Service data using the OData v4 endpoint in Citrix Virtual Apps and Desktops"). The token of
the REST interface is good for nothing here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from .citrix_rest import Settings, SiteError
from .https import Https, Reply, Transient, is_transient, pause_asked, retried

try:
    from requests_ntlm import HttpNtlmAuth

    HAS_NTLM = True
except ImportError:  # ansible-test imports this file without it
    HAS_NTLM = False

ROOT = "/Citrix/Monitor/OData/v4/Data"
_HEADERS = {"Accept": "application/json", "OData-Version": "4.0"}
# What a connection is read with: its session's user and machine.
_CONNECTION = "Id,ClientName,ClientAddress,BrokeringDate,CreatedDate,ModifiedDate"
_SESSION = (
    "Session($select=MachineId;$expand=User($select=Upn,UserName),Machine($select=DesktopGroupId))"
)


@dataclass
class CitrixMonitor:
    """Reads of a site's history. All methods raise SiteError, or HttpError."""

    settings: Settings
    _https: Https = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not HAS_NTLM:
            raise SiteError("the Python package requests-ntlm is missing on the controller")
        settings = self.settings
        self._https = Https(settings.uri, settings.ca_path, settings.timeout)
        self._login = HttpNtlmAuth(settings.user, settings.password)

    def connections(self, since: dt.datetime) -> Iterator[Mapping[str, Any]]:
        """Connections that were changed since a moment (UTC), with session, user and machine.

        A row is changed long after it was made, so whoever asks by the moment of its making misses
        what came of it.
        """
        moment = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._rows(
            "Connections",
            {"$filter": f"ModifiedDate ge {moment}", "$select": _CONNECTION, "$expand": _SESSION},
        )

    def machines(self) -> Iterator[Mapping[str, Any]]:
        """Every machine that the account may see, with its delivery group."""
        return self._rows("Machines", {"$select": "Id,DesktopGroupId"})

    def _rows(self, entity: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        words = "&".join(f"{name}={quote(value, safe='(),;=$')}" for name, value in query.items())
        path, seen = f"{ROOT}/{entity}?{words}", set[str]()
        while path:
            if path in seen:
                raise SiteError(f"the pages of {entity} never end: a page leads to an earlier one")
            seen.add(path)
            page = self._page(path, entity)
            yield from page["value"]
            link = str(page.get("@odata.nextLink") or "")
            path = _path(urljoin(f"{self._https.uri}{path}", link)) if link else ""

    def _page(self, path: str, entity: str) -> Mapping[str, Any]:
        def read() -> Reply:
            reply = self._https.send("GET", path, _HEADERS, auth=self._login)
            if is_transient(reply):
                raise Transient(_told(reply, entity), pause_asked(reply))
            return reply

        reply = retried(read)
        if reply.code == 401:
            raise SiteError(
                f"{self._https.uri} refuses {self.settings.user} at Monitor: NTLM, the right "
                "password, and a role of an administrator that may read it"
            )
        if reply.code != 200:
            raise SiteError(_told(reply, entity))
        body = reply.body
        if not isinstance(body, Mapping) or not isinstance(body.get("value"), list):
            raise SiteError(f"{entity} of Monitor: the answer has no list of rows")
        return body


def _told(reply: Reply, entity: str) -> str:
    body = reply.body if isinstance(reply.body, Mapping) else {}
    error = body.get("error") or {}
    why = error.get("message") if isinstance(error, Mapping) else None
    return f"{entity} of Monitor: {why or 'no reason given'} (HTTP {reply.code})"


def _path(link: str) -> str:
    """The path of the next page. Its host is left out: a controller reached by an alias answers
    with its own name, and nobody but the one that was verified is asked.
    """
    parts = urlsplit(link)
    path = f"/{parts.path.lstrip('/')}"
    return f"{path}?{parts.query}" if parts.query else path
