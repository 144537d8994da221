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
- ``auto_range`` returns a part of the values when a follow-up fails: it is off, and ranges are
  asked for here, each of which must begin where the one before ended.
- The RESTARTABLE strategy sends an add again whose reply was lost: here such an entry is read back
  and then decided.
"""

from __future__ import annotations

import re
import ssl
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from ..engine import matching
from ..engine.journal import NoRight, Unsettled
from ..engine.plan import Attribute, Change, Codec, Entry, Operation, Values
from ..records.identifiers import shown
from .ldap_message import Found, found_entry, message
from .tls import VerifiedTls, verifying

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
# Without it AD refers every search of a domain to its other partitions (MS-ADTS 3.1.1.3.4.1.5).
DOMAIN_SCOPE = "1.2.840.113556.1.4.1339"
PAGE_SIZE = 1000
# So many pages in a row without a new entry mean that a search goes round in circles. Cookies do
# not tell: Samba sends the same with every page. Nor does an empty page: entries that went away
# since the search began leave one, and this would be a million of them.
IDLE_PAGES = 1000
# Requests under way at once. OpenLDAP drops a session with more than 1,000 pending
# (conn_max_pending_auth); beyond 64 nothing gets faster.
WINDOW = 64
# Pauses between tries when a server is busy or a connection is lost, in seconds.
BACK_OFF = (0.5, 1.0, 2.0, 4.0)

# protocolOp of RFC 4511: SearchResultReference.
_REFERENCE = 19
_SUCCESS, _BUSY, _UNAVAILABLE = 0, 51, 52
_TIME_LIMIT, _SIZE_LIMIT, _ADMIN_LIMIT = 3, 4, 11
_NO_SUCH_ATTRIBUTE, _EXISTS, _INVALID_CREDENTIALS, _NO_SUCH_OBJECT = 16, 68, 49, 32
_REFERRAL, _VALUE_EXISTS, _FORBIDDEN = 10, 20, 50

_CHANGED = "somebody else changed the entry at the same time; run again"
_TAKEN = "the name is taken by another object"
_NO_RIGHT = "the account that the run binds as has no right to do this"

_GUID = "objectGUID"
# A part of an attribute's values (MS-ADTS 3.1.1.3.1.3.3): name, first, last or *.
_RANGE = re.compile(r"([^;]+);range=([0-9]+)-([0-9]+|\*)", re.IGNORECASE)

# AD begins its messages with an error code of Windows (MS-ERREF 2.2), of which these say more than
# the result code of LDAP.
_WINDOWS_ERRORS = {
    "00000524": _TAKEN,
    "00000561": _CHANGED,
    "00000562": _CHANGED,
    "00000005": _NO_RIGHT,
    "00002098": _NO_RIGHT,
    "0000052D": "the domain's password policy refuses the password",
    "00002071": _TAKEN,
    "0000202F": _TAKEN,
    "000021C7": _TAKEN,
    "000021C8": _TAKEN,
}

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
    """What to read: everything below `base`, or `base` alone, that the filter matches.

    A `base` alone need not exist.
    """

    base: str
    filter: str
    attributes: tuple[str, ...]
    scope: Literal["SUBTREE", "BASE"] = "SUBTREE"


@dataclass(frozen=True)
class _Form:
    """How a reply becomes an entry: canonical names by folded ones, and codecs."""

    names: Mapping[str, str]
    codecs: Mapping[str, Codec]
    active_directory: bool


class Directory:
    """The directory as a system of the pipe: `read` and `apply`.

    An entry that several searches find is as the last of them found it. `schema` says how every
    attribute that is written is stored, and compares where the reply to a write was lost. In an
    Active Directory entries are addressed by objectGUID, since somebody may move them meanwhile.
    `read` raises DirectoryError.
    """

    def __init__(
        self,
        settings: Settings,
        searches: Sequence[Search],
        schema: Mapping[str, Attribute],
        active_directory: bool = False,
    ) -> None:
        if not HAS_LDAP3:
            raise DirectoryError("the Python package ldap3 is missing on the controller")
        self._settings = settings
        self._searches = searches
        self._schema = schema
        self._address = _address(settings.uri)
        self._verifying = _verifying(settings)
        codecs = {name: a.codec for name, a in schema.items() if a.codec}
        names = {name.casefold(): name for name in (*schema, _GUID)}
        self._form = _Form(names, codecs, active_directory)
        self._stored_otherwise = codecs.keys() | {name for name, a in schema.items() if a.made}

    @property
    def name(self) -> str:
        """What the directory is called in messages and locks."""
        return self._settings.uri

    def read(self) -> tuple[Entry, ...]:
        """Every entry of the searches, complete, or an error."""
        return self._retried(self._read_all)

    def apply(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Carry out operations that do not depend on each other; returns what failed, and why.

        An operation whose reply was lost is read back: it was done, or it is sent again. A server
        may still carry it out after that, so one that then fails is read back once more. Where
        that cannot be read, nobody knows yet what came of it.
        """
        failed: dict[Operation, str] = {}
        lost: set[Operation] = set()
        pending: Sequence[Operation] = operations
        pauses = iter(BACK_OFF)
        while pending:
            before = len(pending)
            pending = self._try_all(pending, failed, lost)
            if len(pending) < before:
                pauses = iter(BACK_OFF)
            pause = next(pauses, None)
            if pending and pause is None:
                failed.update(dict.fromkeys(pending, "the directory stayed busy or unreachable"))
                break
            if pending:
                time.sleep(pause or 0)
        return {op: reason for op, reason in self._looked_up(failed, lost).items() if reason}

    def _try_all(
        self, operations: Sequence[Operation], failed: dict[Operation, str], lost: set[Operation]
    ) -> list[Operation]:
        """Send operations and read back where the reply was lost; returns what to send again."""
        try:
            unsent, uncertain = self._send_all(operations, failed)
        except DirectoryError as error:  # of the login: nothing was sent
            failed.update(dict.fromkeys(operations, f"not written: {error}"))
            return []
        lost.update(uncertain)
        states = self._states(uncertain)
        failed.update((op, _CHANGED) for op, state in states.items() if state == "other")
        failed.update((op, state) for op, state in states.items() if isinstance(state, Unsettled))
        return [*(op for op, state in states.items() if state == "undone"), *unsent]

    def _looked_up(
        self, failed: Mapping[Operation, str], lost: Set[Operation]
    ) -> dict[Operation, str]:
        """Why operations failed, "" where a look at those whose reply was lost finds them done."""
        told = (op for op, reason in failed.items() if not isinstance(reason, Unsettled))
        states = self._states([op for op in told if op in lost])
        unread = {op: state for op, state in states.items() if isinstance(state, Unsettled)}
        done = {op: "" for op, state in states.items() if state == "done"}
        return {**failed, **unread, **done}

    # --- reading ---------------------------------------------------------------------------------

    def _read_all(self) -> tuple[Entry, ...]:
        with self._connection() as connection:
            found = {
                entry.dn: entry
                for search in self._searches
                for entry in self._pages(connection, search)
            }
        return tuple(found.values())

    def _pages(self, connection: Any, search: Search) -> Iterator[Entry]:
        cookie: bytes | None = None
        seen: set[str] = set()
        idle = 0
        while idle <= IDLE_PAGES:
            entries, cookie = _searched(connection, search, self._form, cookie)
            yield from entries
            if not cookie:
                return
            known = len(seen)
            seen.update(entry.address or entry.dn for entry in entries)
            idle = 0 if len(seen) > known else idle + 1
        raise IncompleteRead(
            f"the search below {search.base} never ends: {idle} pages in a row brought nothing new"
        )

    def _states(self, operations: Sequence[Operation]) -> dict[Operation, str]:
        """Whether operations were done, are undone, or somebody else changed their entry.

        Unsettled where it cannot be read.
        """

        def look() -> dict[Operation, str]:
            with self._connection() as connection:
                return {operation: self._state(connection, operation) for operation in operations}

        try:
            return self._retried(look) if operations else {}
        except DirectoryError as error:
            reason = Unsettled(f"perhaps written, which the next run finds out: {error}")
            return dict.fromkeys(operations, reason)

    def _state(self, connection: Any, operation: Operation) -> str:
        if operation.action in ("rename", "move"):
            # Both names: somebody else's entry may have the new one.
            old, new = (self._lookup(connection, dn) for dn in (operation.dn, operation.new_dn))
            if old is not None and new is not None and old.dn == new.dn:  # one name, two spellings
                return "done" if matching.alike(new.dn, operation.new_dn) else "undone"
            return "undone" if old is not None else "done" if new is not None else "other"
        entry = self._lookup(connection, operation.address or operation.dn)
        if entry is None:
            return {"add": "undone", "delete": "done"}.get(operation.action, "other")
        if operation.action == "delete":
            return "undone"
        if all(self._holds(entry, change) for change in operation.changes):
            return "done"
        return "other" if operation.action == "add" else "undone"

    def _lookup(self, connection: Any, dn: str) -> Entry | None:
        search = Search(dn, "(objectClass=*)", tuple(self._schema), "BASE")
        return next(iter(_searched(connection, search, self._form, None)[0]), None)

    def _holds(self, entry: Entry, change: Change) -> bool:
        if self._schema[change.attribute].made:
            return True  # nobody can read it
        form = self._schema[change.attribute].form
        held = set(map(form, entry.attributes.get(change.attribute, ())))
        return held.issuperset(map(form, change.add)) and held.isdisjoint(map(form, change.delete))

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
                    stored = map(self._stored, numbered.values())
                    connection.socket.sendall(b"".join(map(message, numbered, stored)))
                    while len(waiting) > (WINDOW // 2 if remaining else 0):
                        for reply in _received(connection):
                            result = connection.strategy.decode_response_fast(reply)
                            _sort_out(waiting.pop(reply["messageID"]), result, failed, busy)
        except _Transient:
            return [*busy, *remaining], list(waiting.values())
        return busy, []

    def _stored(self, operation: Operation) -> Operation:
        """The operation with the values as the directory stores them."""
        if self._stored_otherwise.isdisjoint(change.attribute for change in operation.changes):
            return operation
        changes = (_stored(self._schema[change.attribute], change) for change in operation.changes)
        return replace(operation, changes=tuple(changes))

    # --- connections -----------------------------------------------------------------------------

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """A bound connection. Raises _Transient, or DirectoryError where trying again is no use."""
        settings = self._settings
        tls = VerifiedTls(self._verifying, self._address[0], settings.ca_path)
        connection = ldap3.Connection(
            _server(self._address, settings, tls),
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
            _bind(connection, settings, tls)
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
                        f"{self.name} could not be reached, or stayed busy: {shown(str(error))}"
                    ) from error
                time.sleep(pause)
        raise AssertionError("unreachable")


def _address(uri: str) -> tuple[str, int]:
    """Host and port of ldaps://host[:port]."""
    with suppress(ValueError):  # a port or an IPv6 address that is none
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port or 636
        host.encode("idna")  # else looking it up raises UnicodeError
        if parts.scheme == "ldaps" and host:
            return host, port
    raise DirectoryError("expected a server_uri of the form ldaps://host[:port]")


def _server(address: tuple[str, int], settings: Settings, tls: VerifiedTls) -> Any:
    host, port = address
    return ldap3.Server(
        host,
        port=port,
        use_ssl=True,
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=min(settings.timeout, 10),
    )


def _verifying(settings: Settings) -> ssl.SSLContext:
    try:
        return verifying(settings.ca_path)
    except ssl.SSLError as error:
        raise DirectoryError(
            f"the CA file {settings.ca_path} holds no certificate in PEM form"
        ) from error
    except OSError as error:
        raise DirectoryError(f"the CA file {settings.ca_path} cannot be read") from error


def _bind(connection: Any, settings: Settings, tls: VerifiedTls) -> None:
    try:
        connection.open(read_server_info=False)
        connection.bind(read_server_info=False)
    except (ldap_errors.LDAPExceptionError, OSError) as error:
        if tls.refusal:
            raise DirectoryError(f"{settings.uri} {tls.refusal}") from error
        raise _Transient(tls.interruption or str(error)) from error
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
    connection: Any, search: Search, form: _Form, cookie: bytes | None
) -> tuple[list[Entry], bytes | None]:
    """One page of a search, its result code checked, and the cookie of the next page."""
    guid = (_GUID,) if form.active_directory else ()
    asked = replace(search, attributes=(*search.attributes, *guid))
    replies, result = _exchange(connection, asked, _controls(search, form, cookie))
    if search.scope == "BASE" and result["result"] in (_NO_SUCH_OBJECT, _REFERRAL):
        return [], None
    _check_search(search.base, result["result"], result["description"])
    found = [_entry(reply, form) for reply in replies]
    entries = [_complete(connection, entry, cut, form) if cut else entry for entry, cut in found]
    return entries, _cookie(result)


def _exchange(
    connection: Any, search: Search, controls: list[Any] | None = None
) -> tuple[list[Found], Mapping[str, Any]]:
    """Send a search; returns the entries that came, and the result."""
    request = search_operation(
        search.base, search.filter, search.scope, ldap3.DEREF_NEVER, list(search.attributes),
        0, 0, False, False, True,
    )  # fmt: skip
    connection.strategy.send("searchRequest", request, controls)
    found = []
    while True:
        for raw in _messages(connection):
            if entry := found_entry(raw):
                found.append(entry)
                continue
            reply = _decoded(raw)
            if reply["protocolOp"] == _REFERENCE:
                raise IncompleteRead(f"the search below {search.base} refers to another server")
            return found, connection.strategy.decode_response_fast(reply)


def _controls(search: Search, form: _Form, cookie: bytes | None) -> list[Any]:
    paging = [paged_search_control(True, PAGE_SIZE, cookie)] if search.scope == "SUBTREE" else []
    return [*paging, *([(DOMAIN_SCOPE, False, None)] if form.active_directory else [])]


def _complete(connection: Any, entry: Entry, cut: Mapping[str, int], form: _Form) -> Entry:
    """The entry with all values of the attributes that a server cut, asked for part by part."""
    attributes = dict(entry.attributes)
    for name in cut:
        following: int | None = cut[name]
        while following is not None:
            part, cut_again = _part(connection, entry, f"{name};range={following}-*", form)
            values = part.attributes.get(name, ())
            last = cut_again.get(name)
            if not values or (last is not None and last != following + len(values)):
                raise IncompleteRead(f"{entry.dn} came with a part of its {name} only")
            attributes[name] += values
            following = last
    return replace(entry, attributes=attributes)


def _part(
    connection: Any, entry: Entry, attribute: str, form: _Form
) -> tuple[Entry, Mapping[str, int]]:
    """The entry with one attribute, or a part of it, and where that part ends."""
    search = Search(entry.address or entry.dn, "(objectClass=*)", (attribute,), "BASE")
    replies, result = _exchange(connection, search)
    _check_search(entry.dn, result["result"], result["description"])
    return _entry(replies[-1], form, attribute) if replies else (Entry(entry.dn, {}), {})


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


def _entry(reply: Found, form: _Form, asked: str = "") -> tuple[Entry, Mapping[str, int]]:
    """An entry that was found, and where the attributes go on that it cut.

    `asked` is the range that was asked for.
    """
    dn = reply[0].decode("utf-8", "surrogateescape")
    attributes, cut = {}, {}
    for kind, values in reply[1]:
        name = kind.decode()
        if ";" in name and (part := _RANGE.fullmatch(name)):
            name = part[1]
            if part[3] != "*":
                cut[form.names.get(name.casefold(), name)] = int(part[3]) + 1
            if int(part[2]) != _first(asked):
                raise IncompleteRead(f"{dn} came with another part of its {name} than asked for")
        elif not values:
            continue  # AD names an attribute of which it sends a range once more, without values
        name = form.names.get(name.casefold(), name)
        attributes[name] = _texts(values)
    for name in form.codecs.keys() & attributes.keys():
        attributes[name] = form.codecs[name].decode(attributes[name])
    guid = attributes.pop(_GUID, None)
    return Entry(dn, attributes, _guid_address(guid) if guid else ""), cut


# Most values are those of the entries before, and of records: a nation's fit as one of each.
@lru_cache(maxsize=4096)
def _texts(octets: tuple[bytes, ...]) -> Values:
    return tuple(sys.intern(value.decode("utf-8", "surrogateescape")) for value in octets)


def _first(asked: str) -> int:
    part = _RANGE.fullmatch(asked)
    return int(part[2]) if part else 0


def _guid_address(guid: Values) -> str:
    """A name that AD takes in place of a DN (MS-ADTS 3.1.1.3.1.2.4)."""
    octets = guid[0].encode("utf-8", "surrogateescape")
    return f"<GUID={uuid.UUID(bytes_le=octets)}>"


def _stored(attribute: Attribute, change: Change) -> Change:
    """A change of the values that the directory stores."""
    if attribute.made:
        return replace(change, add=(attribute.made(),))
    if attribute.codec is None:
        return change
    kept = [value for value in change.before if value not in change.delete]
    before = attribute.codec.encode(change.before)
    after = attribute.codec.encode((*kept, *change.add))
    return replace(
        change,
        delete=tuple(value for value in before if value not in after),
        add=tuple(value for value in after if value not in before),
    )


def _room(remaining: Sized, waiting: Sized) -> int:
    return min(len(remaining), WINDOW - len(waiting))


def _received(connection: Any) -> Iterator[Mapping[str, Any]]:
    """The messages that have come, at least one, decoded as far as ldap3's fast decoder goes."""
    return map(_decoded, _messages(connection))


def _messages(connection: Any) -> Sequence[bytes]:
    """The messages that have come, at least one."""
    messages: Sequence[bytes] = connection.strategy.receiving()
    if not messages:
        raise _Transient("the directory closed the connection")
    return messages


def _decoded(raw: bytes) -> Mapping[str, Any]:
    decoded: Mapping[str, Any] = decode_message_fast(raw)  # type: ignore[no-untyped-call]
    if decoded["messageID"] == 0:  # RFC 4511 section 4.4.1, notice of disconnection
        raise _Transient("the directory is closing the connection")
    return decoded


def _sort_out(
    operation: Operation,
    result: Mapping[str, Any],
    failed: dict[Operation, str],
    busy: list[Operation],
) -> None:
    code = result["result"]
    if code in (_BUSY, _UNAVAILABLE):
        busy.append(operation)
    elif code != _SUCCESS:
        reason = shown(_reason(code, result["description"], result["message"]))
        failed[operation] = NoRight(reason) if _is_forbidden(code, reason) else reason


def _is_forbidden(code: int, reason: str) -> bool:
    return code == _FORBIDDEN or reason.startswith(_NO_RIGHT)


def _reason(code: int, description: str, message: str) -> str:
    """The server's own words, after what they mean where that is known."""
    meaning = _WINDOWS_ERRORS.get(message[:8].upper()) or (
        _NO_RIGHT if code == _FORBIDDEN else None
    )
    if meaning is None and code in (_NO_SUCH_ATTRIBUTE, _VALUE_EXISTS):
        return _CHANGED
    if meaning is None and code == _EXISTS:
        return _TAKEN
    return ": ".join(part for part in (meaning, description, message) if part)
