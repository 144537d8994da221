# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An LDAP directory: complete reads, pipelined writes, over TLS that is verified.

Why so much is checked here (all reproduced with ldap3 2.9.1):

- A search that a size limit cuts returns as if complete, also with ``raise_exceptions`` and in
  ``paged_search``: the result code of every page is checked.
- ``receive_timeout`` makes the receiver thread of the asynchronous strategy spin for ever once the
  peer is gone: asynchronous connections are opened without it and waited for in slices.
- ``safe_dn`` passes any DN holding "@" unchecked: ``check_names`` is off, DNs come escaped.
- The RESTARTABLE strategy sends an add again whose reply was lost: here such an entry is read back
  and then decided.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from ..engine import matching
from ..engine.plan import Attribute, Change, Entry, Operation
from ..records.identifiers import mask

try:
    import ldap3
    from ldap3.core import exceptions as ldap_errors

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

_SUCCESS, _BUSY, _UNAVAILABLE = 0, 51, 52
_TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT = 3, 4, 11
_NO_SUCH_ATTRIBUTE, _EXISTS, _INVALID_CREDENTIALS, _NO_SUCH_OBJECT = 16, 68, 49, 32

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

        An operation whose reply was lost is read back: it was done, or it is sent again.
        """
        failed: dict[Operation, str] = {}
        pending = list(operations)
        for pause in (*BACK_OFF, None):
            pending, uncertain = self._send_all(pending, failed)
            if uncertain:
                pending = [*self._retried(partial(self._undone, uncertain, failed)), *pending]
            if not pending:
                return failed
            if pause is not None:
                time.sleep(pause)
        failed.update(
            (operation, "the directory stayed busy or unreachable") for operation in pending
        )
        return failed

    # --- reading ---------------------------------------------------------------------------------

    def _read_all(self) -> tuple[Entry, ...]:
        with self._connection("SYNC") as connection:
            return tuple(self._pages(connection))

    def _pages(self, connection: Any) -> Iterator[Entry]:
        canonical = {name.casefold(): name for name in self._search.attributes}
        cookie: bytes | None = None
        while True:
            response = _searched(connection, self._search, ldap3.SUBTREE, cookie)
            for found in response:
                yield _entry(found, canonical)
            following = _cookie(connection.result)
            if not following:
                return
            if following == cookie and not response:
                raise IncompleteRead("the directory repeated a page of the search")
            cookie = following

    def _undone(
        self, operations: Sequence[Operation], failed: dict[Operation, str]
    ) -> list[Operation]:
        """Of operations whose reply was lost, those that were not carried out."""
        undone = []
        with self._connection("SYNC") as connection:
            for operation in operations:
                state = self._state(connection, operation)
                if state == "undone":
                    undone.append(operation)
                elif state == "other":
                    failed[operation] = "somebody else changed the entry at the same time"
        return undone

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
        found = _searched(connection, search, ldap3.BASE, None, missing_is_empty=True)
        canonical = {name.casefold(): name for name in self._search.attributes}
        return _entry(found[0], canonical) if found else None

    def _holds(self, entry: Entry, change: Change) -> bool:
        rule = self._schema[change.attribute].rule
        held = set(map(rule, entry.attributes.get(change.attribute, ())))
        return held.issuperset(map(rule, change.add)) and held.isdisjoint(map(rule, change.delete))

    # --- writing ---------------------------------------------------------------------------------

    def _send_all(
        self, operations: Sequence[Operation], failed: dict[Operation, str]
    ) -> tuple[list[Operation], list[Operation]]:
        """Send with a bounded window; returns (to be tried again, reply lost)."""
        again: list[Operation] = []
        sending: list[Operation] = []
        waiting: dict[int, Operation] = {}
        remaining = list(reversed(operations))
        try:
            with self._connection("ASYNC") as connection:
                while remaining or waiting:
                    while remaining and len(waiting) < WINDOW:
                        sending.append(remaining.pop())
                        waiting[_send(connection, sending[0])] = sending[0]
                        sending.clear()
                    # Half the window stays under way, so that the server is never without work.
                    for message in list(waiting)[: WINDOW // 2 if remaining else None]:
                        result = self._result(connection, message)
                        _sort_out(waiting.pop(message), result, failed, again)
        except _Transient:
            again.extend(reversed(remaining))
            # A request that broke off while it was sent may have arrived all the same.
            return again, [*waiting.values(), *sending]
        return again, []

    def _result(self, connection: Any, message: int) -> dict[str, Any]:
        """The result of a request; raises _Transient when the connection is gone."""
        deadline = time.monotonic() + self._settings.timeout
        while True:
            # A reply that arrived before the connection closed is still to be had.
            closed = connection.closed
            try:
                return connection.get_response(message, timeout=1)[1]  # type: ignore[no-any-return]
            except ldap_errors.LDAPResponseTimeoutError:
                if closed or time.monotonic() > deadline:
                    raise _Transient("no reply") from None
            except ldap_errors.LDAPExceptionError as error:
                raise _Transient(str(error)) from error

    # --- connections -----------------------------------------------------------------------------

    @contextmanager
    def _connection(self, strategy: Literal["SYNC", "ASYNC"]) -> Iterator[Any]:
        """A bound connection. Raises _Transient, or DirectoryError where trying again is no use."""
        settings = self._settings
        connection = ldap3.Connection(
            self._server,
            user=settings.bind_dn,
            password=settings.password,
            client_strategy=strategy,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            raise_exceptions=False,
            receive_timeout=settings.timeout if strategy == "SYNC" else None,
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
    code = connection.result["result"] if connection.result else _UNAVAILABLE
    if code in (_BUSY, _UNAVAILABLE):
        raise _Transient("the directory is busy")
    if code == _INVALID_CREDENTIALS:
        raise DirectoryError(
            f"{settings.uri} refused the bind as {settings.bind_dn}: invalid credentials"
        )
    if code != _SUCCESS:
        raise DirectoryError(
            f"{settings.uri} refused the bind as {settings.bind_dn}: "
            f"{connection.result['description']}"
        )


def _close(connection: Any) -> None:
    # It may be lost already; ldap3 raises AttributeError for a socket that is gone.
    with suppress(ldap_errors.LDAPExceptionError, OSError, AttributeError):
        connection.unbind()


def _searched(
    connection: Any,
    search: Search,
    scope: str,
    cookie: bytes | None,
    missing_is_empty: bool = False,
) -> list[Mapping[str, Any]]:
    """The entries of one page, its result code checked."""
    connection.search(
        search.base,
        search.filter,
        scope,
        attributes=list(search.attributes),
        paged_size=PAGE_SIZE if scope == ldap3.SUBTREE else None,
        paged_cookie=cookie,
    )
    code, description = connection.result["result"], connection.result["description"]
    if code in (_BUSY, _UNAVAILABLE):
        raise _Transient("the directory is busy")
    if code == _NO_SUCH_OBJECT and missing_is_empty:
        return []
    if code in (_TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT):
        raise IncompleteRead(
            f"the directory cut the search below {search.base} short ({description}): raise the "
            "limits of the account that the run binds as"
        )
    if code != _SUCCESS:
        raise DirectoryError(f"the search below {search.base} failed: {description}")
    if any(found["type"] != "searchResEntry" for found in connection.response):
        raise IncompleteRead(f"the search below {search.base} refers to another server")
    return connection.response  # type: ignore[no-any-return]


def _cookie(result: Mapping[str, Any]) -> bytes | None:
    control = result.get("controls", {}).get(PAGED_RESULTS)
    return control["value"]["cookie"] if control else None


def _entry(found: Mapping[str, Any], canonical: Mapping[str, str]) -> Entry:
    attributes = {}
    for name, values in found["raw_attributes"].items():
        if ";range=" in name.casefold():
            raise IncompleteRead(f"{found['dn']} came with a part of its values only")
        attributes[canonical.get(name.casefold(), name)] = tuple(
            value.decode("utf-8", "surrogateescape") for value in values
        )
    return Entry(found["dn"], attributes)


def _send(connection: Any, operation: Operation) -> int:
    try:
        return _request(connection, operation)
    except (ldap_errors.LDAPExceptionError, OSError, AttributeError) as error:
        # AttributeError: the receiver thread has taken the socket of a lost connection away.
        raise _Transient(str(error)) from error


def _request(connection: Any, operation: Operation) -> int:
    if operation.action == "add":
        attributes = {change.attribute: list(change.add) for change in operation.changes}
        return connection.add(operation.dn, attributes=attributes)  # type: ignore[no-any-return]
    if operation.action == "rename":
        return connection.modify_dn(operation.dn, operation.new_rdn)  # type: ignore[no-any-return]
    # Old values are deleted by value, so that the server refuses where they changed meanwhile.
    changes = {
        change.attribute: [
            (how, list(values))
            for how, values in (
                (ldap3.MODIFY_DELETE, change.delete),
                (ldap3.MODIFY_ADD, change.add),
            )
            if values
        ]
        for change in operation.changes
    }
    return connection.modify(operation.dn, changes)  # type: ignore[no-any-return]


def _sort_out(
    operation: Operation,
    result: Mapping[str, Any],
    failed: dict[Operation, str],
    again: list[Operation],
) -> None:
    code = result["result"]
    if code in (_BUSY, _UNAVAILABLE):
        again.append(operation)
    elif code in (_NO_SUCH_ATTRIBUTE, _EXISTS):
        failed[operation] = "somebody else changed the entry at the same time; run again"
    elif code != _SUCCESS:
        failed[operation] = mask(f"{result['description']}: {result['message']}".rstrip(": "))
