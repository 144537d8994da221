# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory with faults: a relay before the lab's own that ends TLS and sees every message.

One thread runs all of it, for a TLS connection may not be read and written in two.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ansible_collections.regionjh.halsoval.tests.lab import Lab

# Tags of protocolOp (RFC 4511 section 4.2 and on).
_KINDS = {
    0x60: "bind",
    0x61: "bind reply",
    0x42: "unbind",
    0x63: "search",
    0x64: "entry",
    0x65: "search reply",
    0x66: "modify",
    0x67: "modify reply",
    0x68: "add",
    0x69: "add reply",
    0x6C: "rename",
    0x6D: "rename reply",
}
_REPLIES = {0x60: 0x61, 0x63: 0x65, 0x66: 0x67, 0x68: 0x69, 0x6C: 0x6D}
EVERY = range(1, 1_000_000)


@dataclass(frozen=True)
class Refusal:
    """What a server answers a request with: resultCode and diagnosticMessage."""

    code: int
    text: str


@dataclass(frozen=True)
class Fault:
    """What happens to some messages of a kind, counted from 1 over all connections.

    `kind` is one of the names above, or "message" for all. "busy", "refused", a refusal: the relay
    answers the request so, and the server never sees it. "close": both connections end in place of
    the message. A number: the message waits for so many seconds. A function: it is called first.
    Only messages that hold the octets `matching` are meant, and counted.
    """

    kind: str
    numbers: Collection[int]
    action: Literal["busy", "refused", "close"] | Refusal | float | Callable[[], object]
    matching: bytes = b""


_REFUSALS = {"busy": Refusal(51, ""), "refused": Refusal(50, "")}
# What becomes of a new account whose password the domain's policy refuses. Samba says so of
# accounts with a smart card in Debian 12 only; in Debian 13 it asks no password of them.
SHORT_PASSWORD = {
    "Samba": Refusal(
        19,
        "0000052D: Constraint violation - check_password_restrictions: the password is too short."
        " It should be equal to or longer than 200 characters!",
    ),
    "Windows": Refusal(
        53, "0000052D: SvcErr: DSID-031A126C, problem 5003 (WILL_NOT_PERFORM), data 0\n\0"
    ),
}


@dataclass
class FaultyDirectory:
    """A running relay: its address, and how many messages of each kind it saw.

    `rewrite` makes another message of each entry that the server sends.
    """

    faults: tuple[Fault, ...]
    upstream: tuple[str, int]
    upstream_tls: ssl.SSLContext
    rewrite: Callable[[bytes], bytes]
    uri: str = ""
    seen: Counter[str] = field(default_factory=Counter)
    concerned: Counter[int] = field(default_factory=Counter)

    async def connected(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """Relay one connection until either side, or a fault, ends it."""
        host, port = self.upstream
        server, to_server = await asyncio.open_connection(
            host, port, ssl=self.upstream_tls, server_hostname=host
        )
        directions = [
            asyncio.ensure_future(self._carry(client, to_server, to_client)),
            asyncio.ensure_future(self._carry(server, to_client, to_client)),
        ]
        # Cancelled when the relay ends; Python 3.11 would log that as an error of the connection.
        with suppress(asyncio.CancelledError):
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in directions:
            direction.cancel()
        for writer in (to_client, to_server):
            writer.transport.abort()

    async def _carry(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                message = await _message(source)
                number, tag = _id_and_tag(message)
                kind = _KINDS.get(tag, "other")
                self.seen.update([kind, "message"])
                if kind == "entry":
                    message = self.rewrite(message)
                for action in self._actions(kind, message):
                    if action == "close":
                        return
                    if isinstance(action, str):
                        action = _REFUSALS[action]
                    if isinstance(action, Refusal):
                        client.write(_result(number, _REPLIES[tag], action))
                        message = b""
                    elif callable(action):
                        action()
                    elif isinstance(action, float):
                        await asyncio.sleep(action)
                target.write(message)
                await target.drain()

    def _actions(self, kind: str, message: bytes) -> list[object]:
        actions: list[object] = []
        for position, fault in enumerate(self.faults):
            if fault.kind in (kind, "message") and fault.matching in message:
                self.concerned[position] += 1
                if self.concerned[position] in fault.numbers:
                    actions.append(fault.action)
        return actions


@contextmanager
def faulty_directory(
    lab: Lab,
    folder: Path,
    *faults: Fault,
    known_ca: bool = True,
    name: str = "localhost",
    before: str | None = None,
    rewrite: Callable[[bytes], bytes] = bytes,
) -> Iterator[FaultyDirectory]:
    """Run a relay with these faults, and a certificate for this name, until the block ends.

    It stands before the server with the address `before`, by itself the lab's HSA.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*_certificate(lab if known_ca else None, folder, name))
    server = urlsplit(before or lab.uri)
    upstream = str(server.hostname), server.port or 636
    relay = FaultyDirectory(
        faults, upstream, ssl.create_default_context(cafile=str(lab.ca)), rewrite
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        starting = asyncio.start_server(relay.connected, "127.0.0.1", ssl=tls)
        listening = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
        relay.uri = f"ldaps://localhost:{listening.sockets[0].getsockname()[1]}"
        yield relay
    finally:
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _certificate(issuer: Lab | None, folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key; without an issuer it is signed by itself."""
    certificate, key = folder / "relay.pem", folder / "relay.key"
    by = ["-CA", issuer.ca, "-CAkey", issuer.dir / "ca/ca.key"] if issuer else []
    subprocess.run(
        [
            *("openssl", "req", "-x509", *by, "-nodes", "-days", "1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            # By itself openssl makes a CA, without the key usage that Python 3.13 wants of one.
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


# --- ranges of values ----------------------------------------------------------------------------

# An attribute with all its values, or those from one on (MS-ADTS 3.1.1.3.1.3.3).
_SENT = re.compile(rb"(member)(?:;range=([0-9]+)-[*])?", re.IGNORECASE)

# A part of an attribute's values: the numbers of the first and the last one, and what it holds.
Part = tuple[int, str, list[bytes]]


@dataclass
class Ranges:
    """Cuts the members of large groups, as a domain controller of Windows does and Samba does not.

    A group comes with the first `most` members as "member;range=0-499", and with the name "member"
    without any. The client asks for "member;range=500-*", which Samba answers with all the rest; of
    that it gets as many again. `spoil` changes the parts that follow the first one. `parts` counts
    them all.
    """

    most: int
    spoil: Callable[[Part], Part] | None = None
    parts: int = 0

    def __call__(self, message: bytes) -> bytes:
        """An entry as this domain controller sends it."""
        if b"member" not in message:
            return message
        number, (tag, content), *controls = _parts(_content(message))
        name, (_sequence, attributes) = _parts(content)
        cut = b"".join(
            _tagged(0x30, _tagged(0x04, kind) + _tagged(0x31, b"".join(map(_octets, values))))
            for sent in _parts(attributes)
            for kind, values in self._cut(*_attribute(sent))
        )
        entry = _tagged(tag, _tagged(*name) + _tagged(0x30, cut))
        return _tagged(0x30, _tagged(*number) + entry + b"".join(_tagged(*c) for c in controls))

    def _cut(self, kind: bytes, values: list[bytes]) -> list[tuple[bytes, list[bytes]]]:
        sent = _SENT.fullmatch(kind)
        first = int(sent[2] or 0) if sent else 0
        if sent is None or (first == 0 and len(values) <= self.most):
            return [(kind, values)]
        last = "*" if len(values) <= self.most else str(first + self.most - 1)
        part: Part = first, last, values[: self.most]
        if first and self.spoil:
            part = self.spoil(part)
        self.parts += 1
        return [(sent[1], []), (b"%b;range=%d-%b" % (sent[1], part[0], part[1].encode()), part[2])]


def _attribute(sent: tuple[int, bytes]) -> tuple[bytes, list[bytes]]:
    (_string, kind), (_set, values) = _parts(sent[1])
    return kind, [value for _tag, value in _parts(values)]


# --- messages ------------------------------------------------------------------------------------


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents that follow each other (BER, X.690 section 8.1)."""
    parts, position = [], 0
    while position < len(content):
        tag, length = content[position : position + 2]
        position += 2
        if length & 0x80:
            long = position + (length & 0x7F)
            length, position = int.from_bytes(content[position:long], "big"), long
        parts.append((tag, content[position : position + length]))
        position += length
    return parts


def _content(message: bytes) -> bytes:
    ((_tag, content),) = _parts(message)
    return content


def _octets(value: bytes) -> bytes:
    return _tagged(0x04, value)


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One LDAPMessage as it stands on the wire (BER, X.690 section 8.1.3)."""
    head = await reader.readexactly(2)
    length = head[1]
    if length & 0x80:
        more = await reader.readexactly(length & 0x7F)
        head, length = head + more, int.from_bytes(more, "big")
    return head + await reader.readexactly(length)


def _id_and_tag(message: bytes) -> tuple[int, int]:
    start = 2 + (message[1] & 0x7F if message[1] & 0x80 else 0)
    end = start + 2 + message[start + 1]
    return int.from_bytes(message[start + 2 : end], "big"), message[end]


def _result(number: int, tag: int, refusal: Refusal) -> bytes:
    """An LDAPMessage with an LDAPResult (RFC 4511 section 4.1.9)."""
    code, text = bytes([0x0A, 1, refusal.code]), _octets(refusal.text.encode())
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return _tagged(0x30, _tagged(0x02, digits) + _tagged(tag, code + _octets(b"") + text))
