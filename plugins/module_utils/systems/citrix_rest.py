# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST interface of Citrix Virtual Apps and Desktops, on premises: token, pages, jobs, errors.

Requests as citrix-daas-rest-go documents them, below `https://{DDC}/cvad/manage`. A token is got
once, got again a minute before it expires and where the site says 401, which it says of a request
that it has not carried out. Reads are tried again; writes are sent once, and whoever sends one
reads back before judging.
"""

from __future__ import annotations

import base64
import datetime as dt
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode

from ..records.identifiers import shown
from .https import HttpError, Https, Reply, Transient, is_transient, pause_asked, retried

ROOT = "/cvad/manage"
_CUSTOMER = "CitrixOnPremises"
_PAGE_SIZE = 1000
# A site says so with code 500 of an object that is not there (terraform-provider-citrix).
_MISSING = "Object does not exist."
# A token is renewed so long before it expires, in seconds.
_MARGIN = 60.0
# How often a job is looked at, and for how long, in seconds.
_JOB_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
_JOB_SECONDS = 300.0
_UNDER_WAY = ("NotStarted", "InProgress", "Unknown")


class SiteError(HttpError):
    """The site could not be used; the text says why, with the transaction, and can be shown."""


class Missing(SiteError):
    """What was asked for is not there."""


class Refused(SiteError):
    """The site said no to a write."""


@dataclass(frozen=True)
class Settings:
    """How to reach a site. `uri` is https://host[:port] of a delivery controller; seconds."""

    uri: str
    user: str
    password: str
    ca_path: str | None = None
    timeout: int = 60


class CitrixRest:
    """Requests to a site. All methods raise SiteError, or HttpError where it is not reached."""

    def __init__(self, settings: Settings) -> None:
        self._https = Https(settings.uri, settings.ca_path, settings.timeout)
        self._settings = settings
        self._token = ""
        self._expires = 0.0
        self._site = ""

    @property
    def uri(self) -> str:
        """The controller's address."""
        return self._https.uri

    def get(self, path: str) -> Any:
        """What lies at a path, tried again while the site is busy."""
        return retried(lambda: self._read("GET", path))

    def pages(self, path: str) -> Iterator[Any]:
        """All items of a collection, or an error."""
        seen: set[str] = set()
        token = ""
        while True:
            query = {"limit": _PAGE_SIZE, **({"continuationToken": token} if token else {})}
            page = self.get(f"{path}?{urlencode(query)}")
            yield from _items(page, path)
            token = str(page.get("ContinuationToken") or "")
            if not token:
                return
            if token in seen:
                raise SiteError(f"the pages of {path} never end: a page leads to an earlier one")
            seen.add(token)

    def write(self, method: str, path: str, body: Any = None) -> str:
        """Send a write once, and follow its job; returns what the site warns of, "" for nothing.

        Raises Transient where nobody knows what came of it, or the site is busy, Missing where the
        object is not there, Refused where the site says no.
        """
        reply, transaction = self._sent(method, path, body)
        if reply.code == 202:
            return self._followed(reply, transaction)
        if is_transient(reply) and not _is_missing(reply):
            raise Transient(_told(reply, transaction), pause_asked(reply))
        _check(reply, transaction, path)
        return ""

    def again(self, method: str, path: str) -> str:
        """The same of a write that does no harm when it is sent twice: it is tried again."""
        return retried(lambda: self.write(method, path))

    # --- requests --------------------------------------------------------------------------------

    def _read(self, method: str, path: str) -> Any:
        reply, transaction = self._sent(method, path)
        if is_transient(reply) and not _is_missing(reply):
            raise Transient(_told(reply, transaction), pause_asked(reply))
        _check(reply, transaction, path)
        if reply.code == 202:  # of a list that takes long
            raise SiteError(f"{path}: the site answers with a job. {_of(transaction)}")
        return reply.body

    def _sent(self, method: str, path: str, body: Any = None) -> tuple[Reply, str]:
        """A request with a token, once more with a new one where the site refuses the first."""
        reply, transaction = self._with_token(method, path, body)
        if reply.code == 401:
            self._token = ""
            reply, transaction = self._with_token(method, path, body)
        if reply.code == 401:
            raise SiteError(
                f"{self.uri} refuses the token that it has just given: {_told(reply, transaction)}"
            )
        return reply, transaction

    def _with_token(self, method: str, path: str, body: Any) -> tuple[Reply, str]:
        if not self._token or time.monotonic() > self._expires:
            retried(self._log_in)
        if not self._site:
            self._site = retried(self._only_site)
        return self._request(method, path, body, self._login(), {"Citrix-InstanceId": self._site})

    def _login(self) -> str:
        return f"CWSAuth bearer={self._token}"

    def _log_in(self) -> None:
        settings = self._settings
        pair = base64.b64encode(f"{settings.user}:{settings.password}".encode()).decode()
        reply, transaction = self._request("POST", "/Tokens", None, f"Basic {pair}")
        if is_transient(reply):
            raise Transient(_told(reply, transaction), pause_asked(reply))
        if reply.code in (401, 403):
            raise SiteError(
                f"{self.uri} refuses to log {settings.user} in: the name or the password is wrong, "
                f"or the account is no administrator of the site. {_told(reply, transaction)}"
            )
        _check(reply, transaction, "/Tokens")
        self._token = str((reply.body or {}).get("Token") or "")
        if not self._token:
            raise SiteError(f"{self.uri} answers the login without a token. {_of(transaction)}")
        self._expires = time.monotonic() + _lifetime(reply) - _MARGIN

    def _only_site(self) -> str:
        reply, transaction = self._request("GET", "/Me", None, self._login())
        if is_transient(reply):
            raise Transient(_told(reply, transaction), pause_asked(reply))
        _check(reply, transaction, "/Me")
        customers = (reply.body or {}).get("Customers") or ()
        sites = [str(site["Id"]) for one in customers for site in one.get("Sites") or ()]
        if len(sites) != 1:
            raise SiteError(
                f"{self.uri}: expected {self._settings.user} to see one site, not {len(sites)}"
            )
        return sites[0]

    def _request(
        self,
        method: str,
        path: str,
        body: Any,
        login: str,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Reply, str]:
        """A request, and its transaction: the id by which the site's log knows it."""
        transaction = str(uuid.uuid4())
        every = {
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
            "Citrix-CustomerId": _CUSTOMER,
            "Citrix-TransactionId": transaction,
            "Authorization": login,
            **(headers or {}),
        }
        try:
            reply = self._https.send(method, ROOT + path, every, body)
        except Transient as error:
            raise Transient(f"{error}. {_of(transaction)}") from error
        return reply, reply.headers.get("Citrix-TransactionId") or transaction

    # --- jobs ------------------------------------------------------------------------------------

    def _followed(self, reply: Reply, transaction: str) -> str:
        """A job to its end: what it warns of. Only Complete is success (Citrix's Go client)."""
        job_id = reply.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not job_id:
            raise Transient(f"the site gave a job without saying which. {_of(transaction)}")
        job = self._ended(f"/Jobs/{quote(job_id, safe='')}", transaction)
        status, why = str(job.get("Status")), shown(str(job.get("ErrorString") or "")).strip()
        told = f"its job ended as {status}: {why or 'no reason given'}. {_of(transaction)}"
        if status == "Complete":
            return ""
        if status == "CompleteWithWarning":
            return told
        raise Refused(told)

    def _ended(self, path: str, transaction: str) -> Mapping[str, Any]:
        deadline = time.monotonic() + _JOB_SECONDS
        pauses = iter(_JOB_PAUSES)
        while True:
            try:
                job = self.get(path)
            except HttpError as error:  # the write may have been made all the same
                raise Transient(f"its job cannot be followed: {error}") from error
            if str((job or {}).get("Status")) not in _UNDER_WAY:
                return dict(job or {})
            if time.monotonic() > deadline:
                raise Transient(
                    f"its job has not ended after {_JOB_SECONDS:.0f} seconds. {_of(transaction)}"
                )
            time.sleep(next(pauses, _JOB_PAUSES[-1]))


def part(text: str) -> str:
    """A name or an id as a part of a path. A group in a folder is `Folder|Name`."""
    return quote(text, safe="")


def _items(page: Any, path: str) -> list[Any]:
    items = page.get("Items") if isinstance(page, Mapping) else None
    if not isinstance(items, list):
        raise SiteError(f"expected Items in a page of {path}")
    return items


def _check(reply: Reply, transaction: str, path: str) -> None:
    if _is_missing(reply):
        raise Missing(f"{path} is not there: {_told(reply, transaction)}")
    if reply.code == 403:
        raise Refused(f"the account has no right to do this: {_told(reply, transaction)}")
    if not 200 <= reply.code < 300:
        raise Refused(_told(reply, transaction))


def _is_missing(reply: Reply) -> bool:
    return reply.code == 404 or (reply.code == 500 and _detail(reply) == _MISSING)


def _told(reply: Reply, transaction: str) -> str:
    """The site's own words: code, kind and detail of an error in either of its two shapes."""
    body = reply.body if isinstance(reply.body, Mapping) else {}
    kind = str(body.get("type") or body.get("ErrorType") or body.get("SdkErrorId") or "")
    words = [f"code {reply.code}", kind.rpartition("/")[2], _detail(reply)]
    return f"{': '.join(shown(word) for word in words if word)}. {_of(transaction)}"


def _detail(reply: Reply) -> str:
    body = reply.body if isinstance(reply.body, Mapping) else {}
    names = ("detail", "ErrorMessage", "errorMessage")
    return next((str(body[name]) for name in names if body.get(name)), "")


def _of(transaction: str) -> str:
    return f"Transaction {transaction}"


def _lifetime(reply: Reply) -> float:
    """For how many seconds a token holds, by the site's own clock.

    Where it does not say, it holds until the site refuses it.
    """
    with suppress(KeyError, TypeError, ValueError):
        expires = dt.datetime.fromisoformat(str(reply.body["ExpiresAt"]))
        now = parsedate_to_datetime(reply.headers["Date"])
        seconds = (expires.astimezone(dt.UTC) - now).total_seconds()
        if seconds > 0:
            # A token that holds for less than two minutes is not renewed all the time.
            return max(seconds, 2 * _MARGIN)
    return float("inf")
