# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory with faults: a relay before the lab's slapd that ends TLS and sees every message.

One thread runs all of it, for a TLS connection may not be read and written in two.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

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
_BUSY = 51
EVERY = range(1, 1_000_000)


@dataclass(frozen=True)
class Fault:
    """What happens to some messages of a kind, counted from 1 over all connections.

    `kind` is one of the names above, or "message" for all. "busy": the relay answers the request
    so, and the server never sees it. "close": both connections end in place of the message. A
    number: the message waits for so many seconds. A function: it is called first.
    """

    kind: str
    numbers: Collection[int]
    action: Literal["busy", "close"] | float | Callable[[], object]


@dataclass
class FaultyDirectory:
    """A running relay: its address, and how many messages of each kind it saw."""

    faults: tuple[Fault, ...]
    upstream: int
    upstream_tls: ssl.SSLContext
    uri: str = ""
    seen: Counter[str] = field(default_factory=Counter)

    async def connected(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """Relay one connection until either side, or a fault, ends it."""
        server, to_server = await asyncio.open_connection(
            "127.0.0.1", self.upstream, ssl=self.upstream_tls, server_hostname="localhost"
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
                for action in self._actions(kind):
                    if action == "close":
                        return
                    if action == "busy":
                        client.write(_result(number, _REPLIES[tag], _BUSY))
                        message = b""
                    elif callable(action):
                        action()
                    elif isinstance(action, float):
                        await asyncio.sleep(action)
                target.write(message)
                await target.drain()

    def _actions(self, kind: str) -> list[object]:
        return [
            fault.action
            for fault in self.faults
            if fault.kind in (kind, "message") and self.seen[fault.kind] in fault.numbers
        ]


@contextmanager
def faulty_directory(
    lab: Lab,
    folder: Path,
    *faults: Fault,
    known_ca: bool = True,
    name: str = "localhost",
) -> Iterator[FaultyDirectory]:
    """Run a relay with these faults, and a certificate for this name, until the block ends."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*_certificate(lab if known_ca else None, folder, name))
    relay = FaultyDirectory(faults, lab.port, ssl.create_default_context(cafile=str(lab.ca)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        starting = asyncio.start_server(relay.connected, "127.0.0.1", ssl=tls)
        server = asyncio.run_coroutine_threadsafe(starting, loop).result(10)
        relay.uri = f"ldaps://localhost:{server.sockets[0].getsockname()[1]}"
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
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


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


def _result(number: int, tag: int, code: int) -> bytes:
    """An LDAPMessage with an LDAPResult without text (RFC 4511 section 4.1.9)."""
    result = bytes([tag, 7, 0x0A, 1, code, 0x04, 0, 0x04, 0])
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big")
    content = bytes([0x02, len(digits)]) + digits + result
    return bytes([0x30, len(content)]) + content
