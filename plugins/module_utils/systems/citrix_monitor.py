# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor, the history of a Citrix site: OData v4 below `/Citrix/Monitor/OData/v4/Data`.

On premises it takes NTLM and no token. A page has 100 rows, and says by `@odata.nextLink` alone
that there are more. Reads are tried again; a cut page is never taken for the last one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ..records.identifiers import shown
from .citrix_rest import Settings
from .http import HttpError, Https, Reply, Transient, is_transient, pause_asked, retried

try:
    from requests_ntlm import HttpNtlmAuth

    HAS_NTLM = True
except ImportError:  # ansible-test imports this file without it
    HAS_NTLM = False

ROOT = "/Citrix/Monitor/OData/v4/Data"
_HEADERS = {"Accept": "application/json; odata.metadata=minimal", "OData-Version": "4.0"}


class MonitorError(HttpError):
    """Monitor could not be read; the text says why and can be shown."""


class CitrixMonitor:
    """Reads of Monitor. All methods raise MonitorError, or HttpError where it is not reached."""

    def __init__(self, settings: Settings) -> None:
        if not HAS_NTLM:
            raise MonitorError("the Python package requests-ntlm is missing on the controller")
        self._https = Https(settings.uri, settings.ca_path, settings.timeout)
        self._user = settings.user
        self._auth = HttpNtlmAuth(settings.user, settings.password)

    def modified(
        self, entity: str, since: dt.datetime, fields: Sequence[str], expand: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All rows of an entity that were modified since a moment, as JSON objects.

        A row may come twice that is modified while the pages are read.
        """
        moment = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield from self.rows(entity, fields, f"ModifiedDate ge {moment}", expand)

    def rows(
        self, entity: str, fields: Sequence[str], condition: str = "", expand: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All rows of an entity that meet a condition (OData $filter), with some fields."""
        asked = {"$filter": condition, "$select": ",".join(fields), "$expand": expand}
        query = urlencode({name: text for name, text in asked.items() if text}, quote_via=quote)
        path = f"{ROOT}/{entity}?{query}"
        seen: set[str] = set()
        while path:
            seen.add(path)
            page = retried(lambda path=path: self._page(path))  # type: ignore[misc]
            yield from page["value"]
            path = self._following(page)
            if path in seen:
                raise MonitorError(f"the pages of {entity} never end: one leads to an earlier one")

    def _page(self, path: str) -> dict[str, Any]:
        reply = self._https.send("GET", path, _HEADERS, auth=self._auth)
        if is_transient(reply):
            raise Transient(self._told(reply), pause_asked(reply))
        if reply.code == 401:
            raise MonitorError(
                f"{self._https.uri} refuses to let {self._user} read Monitor: the name or the "
                "password is wrong, or the account is no administrator of the site"
            )
        if reply.code != 200:
            raise MonitorError(self._told(reply))
        if not isinstance(reply.body, dict) or not isinstance(reply.body.get("value"), list):
            raise MonitorError(f"{self._https.uri}: expected rows in an answer of Monitor")
        return reply.body

    def _following(self, page: dict[str, Any]) -> str:
        """The path of the next page, "" after the last one; never one on another server.

        The link may name the server as it calls itself, or leave it out.
        """
        link = str(page.get("@odata.nextLink") or "")
        if not link:
            return ""
        parts = urlsplit(link)
        path = parts.path if parts.path.startswith("/") else f"{ROOT}/{parts.path}"
        return f"{path}?{parts.query}"

    def _told(self, reply: Reply) -> str:
        error = reply.body.get("error") if isinstance(reply.body, dict) else None
        words = error.get("message") if isinstance(error, dict) else ""
        return shown(f"{self._https.uri}: Monitor answers code {reply.code} {words or ''}".strip())
