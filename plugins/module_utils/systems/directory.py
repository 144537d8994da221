# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An LDAP directory: complete reads, pipelined writes, over TLS that is verified.

Why so much is checked here (all reproduced with ldap3 2.9.1):

- A search that a size limit cuts returns as if complete, also with ``raise_exceptions`` and in
  ``paged_search``: the result code of every page is checked.
- The asynchronous strategy reads and writes one TLS connection from two threads, which OpenSSL
  forbids and Python guards against from 3.13 on only: under load the connection breaks. And with a
  ``receive_timeout`` its thread spins for ever once the peer is gone. So requests are pipelined
  here, in one thread, on a synchronous connection.
- ``safe_dn`` passes any DN holding "@" unchecked: ``check_names`` is off, DNs come escaped.
- The RESTARTABLE strategy sends an add again whose reply was lost: here such an entry is read back
  and then decided.
"""

from __future__ import annotations

import os
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..engine import matching
from ..engine.plan import Attribute, Change, Entry, Operation
from ..records.identifiers import mask
from .ldap_message import message

try:
    import ldap3
    from ldap3.core import exceptions as ldap_errors
    from ldap3.operation.search import search_operation
    from ldap3.protocol.rfc2696 import paged_search_control
    from ldap3.utils.asn1 import decode_message_fast

    HAS_LDAP3 = True
except ImportError:  # ansible-test imports this file without it
    HAS_LDAP3 = False

PAGED_RESULTS = "1.2.840.113556.1.4.319"
PAGE_SIZE = 1000
# Requests under way at once. OpenLDAP drops a session with more than 1,000 pending
# (conn_max_pending_auth); beyond 64 nothing gets faster.
WINDOW = 64
# Pauses between tries when a server is busy or a connection is lost, in seconds.
BACK_OFF = (0.5, 1.0, 2.0, 4.0)

# protocolOp of RFC 4511: SearchResultEntry, SearchResultReference.
_ENTRY, _REFERENCE = 4, 19
_SUCCESS, _BUSY, _UNAVAILABLE = 0, 51, 52
_TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT = 3, 4, 11
_NO_SUCH_ATTRIBUTE, _EXISTS, _INVALID_CREDENTIALS, _NO_SUCH_OBJECT = 16, 68, 49, 32

_CHANGED = "somebody else changed the entry at the same time; run again"

_T = TypeVar("_T")


class DirectoryError(Exception):
    """The directory could not be used; the text says why and can be shown."""


class IncompleteRead(DirectoryError):
    """A search did not return all there is."""


class _Transient(Exception):
    """Worth another try: the server is busy, or the connection was lost."""


@dataclass(frozen=True)
class Settings:
    """How to reach a directory. `uri` is ldaps://host[:port]; `timeout` is in seconds."""

    uri: str
    bind_dn: str
    password: str
    ca_path: str | None = None
    timeout: int = 60


@dataclass(frozen=True)
class Search:
    """What to read: everything below `base` that the filter matches, with these attributes."""

    base: str
    filter: str
    attributes: tuple[str, ...]


class Directory:
    """The directory as a system of the pipe: `read` and `apply`.

    `schema` gives the matching rule of every attribute that is written, to decide on a write whose
    reply was lost. Both methods raise DirectoryError.
    """

    def __init__(self, settings: Settings, search: Search, schema: Mapping[str, Attribute]) -> None:
        if not HAS_LDAP3:
            raise DirectoryError("the Python package ldap3 is missing on the controller")
        self._settings = settings
        self._search = search
        self._schema = schema
        self._server = _server(settings)

    @property
    def name(self) -> str:
        """What the directory is called in messages and locks."""
        return self._settings.uri

    def read(self) -> tuple[Entry, ...]:
        """Every entry of the search, complete, or an error."""
        return self._retried(self._read_all)

    def apply(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Carry out operations that do not depend on each other; returns what failed, and why.

        An operation whose reply was lost is read back: it was done, or it is sent again. A server
        may still carry it out after that, so one that then fails is read back once more.
        """
        failed: dict[Operation, str] = {}
        lost: set[Operation] = set()
        pending: Sequence[Operation] = operations
        pauses = iter(BACK_OFF)
        while pending:
            unsent, uncertain = self._send_all(pending, failed)
            lost.update(uncertain)
            states = self._states(uncertain)
            undone = [operation for operation, state in states.items() if state == "undone"]
            failed.update((op, _CHANGED) for op, state in states.items() if state == "other")
            if len(undone) + len(unsent) < len(pending):
                pauses = iter(BACK_OFF)
            pending = [*undone, *unsent]
            pause = next(pauses, None)
            if pending and pause is None:
                failed.update(dict.fromkeys(pending, "the directory stayed busy or unreachable"))
                break
            if pending:
                time.sleep(pause or 0)
        states = self._states([operation for operation in failed if operation in lost])
        return {op: reason for op, reason in failed.items() if states.get(op) != "done"}

    # --- reading ---------------------------------------------------------------------------------

    def _read_all(self) -> tuple[Entry, ...]:
        with self._connection() as connection:
            return tuple(self._pages(connection))

    def _pages(self, connection: Any) -> Iterator[Entry]:
        cookie: bytes | None = None
        while True:
            entries, following = _searched(connection, self._search, cookie)
            yield from entries
            if not following:
                return
            if following == cookie and not entries:
                raise IncompleteRead("the directory repeated a page of the search")
            cookie = following

    def _states(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Whether operations were done, are undone, or somebody else changed their entry."""

        def look() -> dict[Operation, str]:
            with self._connection() as connection:
                return {operation: self._state(connection, operation) for operation in operations}

        return self._retried(look) if operations else {}

    def _state(self, connection: Any, operation: Operation) -> str:
        if operation.action == "rename":
            new_dn = f"{operation.new_rdn},{matching.parent(operation.dn)}"
            return "done" if self._lookup(connection, new_dn) is not None else "undone"
        entry = self._lookup(connection, operation.dn)
        if entry is None:
            return "undone" if operation.action == "add" else "other"
        if all(self._holds(entry, change) for change in operation.changes):
            return "done"
        return "other" if operation.action == "add" else "undone"

    def _lookup(self, connection: Any, dn: str) -> Entry | None:
        search = Search(dn, "(objectClass=*)", self._search.attributes)
        return next(iter(_searched(connection, search, None, ldap3.BASE)[0]), None)

    def _holds(self, entry: Entry, change: Change) -> bool:
        rule = self._schema[change.attribute].rule
        held = set(map(rule, entry.attributes.get(change.attribute, ())))
        return held.issuperset(map(rule, change.add)) and held.isdisjoint(map(rule, change.delete))

    # --- writing ---------------------------------------------------------------------------------

    def _send_all(
        self, operations: Sequence[Operation], failed: dict[Operation, str]
    ) -> tuple[list[Operation], list[Operation]]:
        """Send with a bounded window; returns (to be sent again, reply lost).

        While there is more to send, half the window stays under way, so that the server is never
        without work.
        """
        busy: list[Operation] = []
        waiting: dict[int, Operation] = {}
        remaining = deque(operations)
        try:
            with self._connection() as connection:
                while remaining or waiting:
                    batch = [remaining.popleft() for _count in range(_room(remaining, waiting))]
                    numbered = {connection.server.next_message_id(): op for op in batch}
                    waiting.update(numbered)
                    connection.socket.sendall(b"".join(map(message, numbered, numbered.values())))
                    while len(waiting) > (WINDOW // 2 if remaining else 0):
                        for reply in _received(connection):
                            result = connection.strategy.decode_response_fast(reply)
                            _sort_out(waiting.pop(reply["messageID"]), result, failed, busy)
        except _Transient:
            return [*busy, *remaining], list(waiting.values())
        return busy, []

    # --- connections -----------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A bound connection. Raises _Transient, or DirectoryError where trying again is no use."""
        settings = self._settings
        connection = ldap3.Connection(
            self._server,
            user=settings.bind_dn,
            password=settings.password,
            client_strategy=ldap3.SYNC,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            raise_exceptions=False,
            receive_timeout=settings.timeout,
        )
        try:
            _bind(connection, settings)
            yield connection
        except (ldap_errors.LDAPExceptionError, OSError) as error:
            raise _Transient(str(error)) from error
        finally:
            _close(connection)

    def _retried(self, work: Callable[[], _T]) -> _T:
        for pause in (*BACK_OFF, None):
            try:
                return work()
            except _Transient as error:
                if pause is None:
                    raise DirectoryError(
                        f"{self.name} could not be reached, or stayed busy: {mask(str(error))}"
                    ) from error
                time.sleep(pause)
        raise AssertionError("unreachable")


def _server(settings: Settings) -> Any:
    parts = urlsplit(settings.uri)
    if parts.scheme != "ldaps" or not parts.hostname:
        raise DirectoryError("expected a server_uri of the form ldaps://host[:port]")
    if settings.ca_path is not None and not os.access(settings.ca_path, os.R_OK):
        raise DirectoryError(f"the CA file {settings.ca_path} cannot be read")
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca_path, sni=parts.hostname)
    return ldap3.Server(
        parts.hostname,
        port=parts.port or 636,
        use_ssl=True,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=min(settings.timeout, 10),
    )


def _bind(connection: Any, settings: Settings) -> None:
    try:
        connection.open(read_server_info=False)
        connection.bind(read_server_info=False)
    except (ldap_errors.LDAPExceptionError, OSError) as error:
        if "certificate" in str(error).casefold():
            raise DirectoryError(
                f"{settings.uri} presents a certificate that cannot be verified: its CA is not the "
                "one in ca_path, it names another host, or it has expired"
            ) from error
        raise _Transient(str(error)) from error
    if connection.bound:
        return
    code = connection.result["result"]
    if code in (_BUSY, _UNAVAILABLE):
        raise _Transient("the directory is busy")
    if code == _INVALID_CREDENTIALS:
        raise DirectoryError(
            f"{settings.uri} refused the bind as {settings.bind_dn}: invalid credentials"
        )
    raise DirectoryError(
        f"{settings.uri} refused the bind as {settings.bind_dn}: {connection.result['description']}"
    )


def _close(connection: Any) -> None:
    # It may be lost already; ldap3 raises AttributeError for a socket that is gone.
    with suppress(ldap_errors.LDAPExceptionError, OSError, AttributeError):
        connection.unbind()


def _searched(
    connection: Any, search: Search, cookie: bytes | None, scope: str = "SUBTREE"
) -> tuple[list[Entry], bytes | None]:
    """One page of a search, its result code checked, and the cookie of the next page.

    A base that does not exist is an error, but for a search of one entry: then there is none.
    """
    request = search_operation(
        search.base, search.filter, scope, ldap3.DEREF_NEVER, list(search.attributes),
        0, 0, False, False, True,
    )  # fmt: skip
    paging = [paged_search_control(True, PAGE_SIZE, cookie)] if scope == ldap3.SUBTREE else None
    connection.strategy.send("searchRequest", request, paging)
    canonical = {name.casefold(): name for name in search.attributes}
    entries = []
    while True:
        for reply in _received(connection):
            if reply["protocolOp"] == _ENTRY:
                entries.append(_entry(reply["payload"], canonical))
            elif reply["protocolOp"] == _REFERENCE:
                raise IncompleteRead(f"the search below {search.base} refers to another server")
            else:
                result = connection.strategy.decode_response_fast(reply)
                if result["result"] == _NO_SUCH_OBJECT and scope == ldap3.BASE:
                    return [], None
                _check_search(search.base, result["result"], result["description"])
                return entries, _cookie(result)


def _check_search(base: str, code: int, description: str) -> None:
    if code in (_BUSY, _UNAVAILABLE):
        raise _Transient("the directory is busy")
    if code in (_TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT):
        raise IncompleteRead(
            f"the directory cut the search below {base} short ({description}): raise the limits of "
            "the account that the run binds as"
        )
    if code != _SUCCESS:
        raise DirectoryError(f"the search below {base} failed: {description}")


def _cookie(result: Mapping[str, Any]) -> bytes | None:
    control = result.get("controls", {}).get(PAGED_RESULTS)
    return control["value"]["cookie"] if control else None


def _entry(payload: Any, canonical: Mapping[str, str]) -> Entry:
    """An entry of a decoded SearchResultEntry: (tag, ..., value) at every level.

    ldap3's own conversion decodes each value several times, which takes three times as long.
    """
    dn = payload[0][3].decode("utf-8", "surrogateescape")
    attributes = {}
    for *_tags, (kind, values) in payload[1][3]:
        name = kind[3].decode()
        if ";range=" in name.casefold():
            raise IncompleteRead(f"{dn} came with a part of its values only")
        attributes[canonical.get(name.casefold(), name)] = tuple(
            value[3].decode("utf-8", "surrogateescape") for value in values[3]
        )
    return Entry(dn, attributes)


def _room(remaining: Sized, waiting: Sized) -> int:
    return min(len(remaining), WINDOW - len(waiting))


def _received(connection: Any) -> Iterator[Mapping[str, Any]]:
    """The messages that have come, at least one, decoded as far as ldap3's fast decoder goes."""
    messages = connection.strategy.receiving()
    if not messages:
        raise _Transient("the directory closed the connection")
    for raw in messages:
        decoded = decode_message_fast(raw)  # type: ignore[no-untyped-call]
        if decoded["messageID"] == 0:  # RFC 4511 section 4.4.1, notice of disconnection
            raise _Transient("the directory is closing the connection")
        yield decoded


def _sort_out(
    operation: Operation,
    result: Mapping[str, Any],
    failed: dict[Operation, str],
    busy: list[Operation],
) -> None:
    code = result["result"]
    if code in (_BUSY, _UNAVAILABLE):
        busy.append(operation)
    elif code in (_NO_SUCH_ATTRIBUTE, _EXISTS):
        failed[operation] = _CHANGED
    elif code != _SUCCESS:
        failed[operation] = mask(f"{result['description']}: {result['message']}".rstrip(": "))
