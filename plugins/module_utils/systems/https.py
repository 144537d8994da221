# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS to a server of the region: verified by one CA, with time limits, reads tried again.

Why requests, and not `ansible.module_utils.urls`: that opens a connection for each request, and
knows no NTLM, which asks for one connection and three requests. What is set here against its
defaults (requests 2.34): no proxy, `.netrc` or CA of the environment counts, since a login lies in
the header that `.netrc` would replace; redirects are not followed; and certifi's CAs are not added
to the one that was named.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..records.identifiers import shown
from .tls import distrust, verifying

try:
    import requests
    from requests.adapters import HTTPAdapter

    HAS_REQUESTS = True
except ImportError:  # ansible-test imports this file without it
    HAS_REQUESTS = False

    class HTTPAdapter:  # type: ignore[no-redef]
        """Nobody connects without requests."""


# Pauses between tries, in seconds, unless the server asks for longer ones (Retry-After), and the
# longest that is granted.
BACK_OFF = (0.5, 1.0, 2.0, 4.0)
_LONGEST = 60.0

_TOO_MANY, _SERVER_ERROR = 429, 500

_T = TypeVar("_T")


class HttpError(Exception):
    """The server could not be used; the text says why and can be shown."""


class Transient(Exception):
    """Worth another try. `after` are the seconds that the server asks to wait."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True)
class Reply:
    """An answer: status code, headers, and the JSON in the body, None without any."""

    code: int
    headers: Mapping[str, str]
    body: Any


class Https:
    """A server, `https://host[:port]`, over connections that stay open."""

    def __init__(self, uri: str, ca_path: str | None, timeout: int) -> None:
        if not HAS_REQUESTS:
            raise HttpError("the Python package requests is missing on the controller")
        self.uri = _checked(uri)
        self._ca_path = ca_path
        self._timeout = (min(timeout, 10), timeout)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", _Verifying(_context(ca_path)))

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: Any = None,
        auth: Any = None,
    ) -> Reply:
        """One request, sent once. Raises Transient where no answer came, or a broken one.

        Raises HttpError where the server is not trusted.
        """
        data = None if content is None else json.dumps(content).encode()
        try:
            answer = self._session.request(
                method, self.uri + path, headers=dict(headers), data=data, auth=auth,
                timeout=self._timeout, allow_redirects=False,
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise self._untrusted(error) from error
        except requests.exceptions.RequestException as error:
            raise Transient(f"{self.uri}: {_reason(error)}") from error
        return Reply(answer.status_code, answer.headers, self._json(answer))

    def _json(self, answer: Any) -> Any:
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError as error:
            if answer.status_code < 400:
                raise Transient(f"{self.uri}: the answer is cut or no JSON") from error
            return None  # a proxy's page, for example: the code tells enough

    def _untrusted(self, error: Exception) -> Exception:
        found = _cause(error, ssl.SSLCertVerificationError)
        if isinstance(found, ssl.SSLCertVerificationError):
            why = distrust(found, urlsplit(self.uri).hostname or "", self._ca_path)
            return HttpError(f"{self.uri} presents a certificate that cannot be verified: {why}")
        if _cause(error, ssl.SSLEOFError) or _cause(error, ConnectionError):
            return Transient(f"{self.uri}: it closed the connection when TLS began")
        return HttpError(f"{self.uri} does not answer with TLS that this machine agrees on")


def is_transient(reply: Reply) -> bool:
    """Whether the server says that it cannot answer now."""
    return reply.code == _TOO_MANY or reply.code >= _SERVER_ERROR


def pause_asked(reply: Reply) -> float:
    """The seconds of Retry-After, 0 where there are none (RFC 9110 section 10.2.3)."""
    text = reply.headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() else 0.0


def retried(work: Callable[[], _T]) -> _T:
    """Try until it works. Raises HttpError with the last reason."""
    for pause in (*BACK_OFF, None):
        try:
            return work()
        except Transient as error:
            if pause is None:
                raise HttpError(shown(str(error))) from error
            rest(pause, error.after)
    raise AssertionError("unreachable")


def rest(pause: float, asked: float) -> None:
    """Wait, as long as the server asks, within reason."""
    time.sleep(max(pause, min(asked, _LONGEST)))


class _Verifying(HTTPAdapter):
    """Connections that one TLS context verifies, and nothing else."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have every connection use the context."""
        super().init_poolmanager(*args, **{**kwargs, "ssl_context": self._context})

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the context as it is: requests would load certifi's CAs into it here."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


def _context(ca_path: str | None) -> ssl.SSLContext:
    try:
        return verifying(ca_path)
    except ssl.SSLError as error:
        raise HttpError(f"the CA file {ca_path} holds no certificate in PEM form") from error
    except OSError as error:
        raise HttpError(f"the CA file {ca_path} cannot be read") from error


def _checked(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        is_right = parts.scheme == "https" and parts.hostname and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        is_right = False
    if not is_right or parts.username or parts.path.strip("/") or parts.query or parts.fragment:
        raise HttpError("expected an address of the form https://host[:port]")
    return f"https://{parts.netloc}"


def _reason(error: Exception) -> str:
    """What went wrong, without the address and headers that the text of requests quotes."""
    if isinstance(error, requests.exceptions.ReadTimeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    found = _cause(error, OSError)
    reason = found.strerror if isinstance(found, OSError) else None
    return reason or "the connection was cut off"


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The error of a kind that lies below others: urllib3 and requests wrap each other's."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        inner = [one for one in (*error.args, getattr(error, "reason", None)) if one is not error]
        below = next((one for one in inner if isinstance(one, BaseException)), None)
        is_it = isinstance(error, kind) and not type(error).__module__.startswith("requests")
        if is_it:
            return error
        error = below or error.__cause__ or error.__context__
    return None
