# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: HTTPS on loopback, the parts of the site behind it, and the faults of the wire."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from aiohttp import web

from . import control, jobs, monitor, orchestration
from .accounts import Account
from .answers import JSON, Answer, Call
from .control import Control
from .monitor import Monitor
from .ntlm import Handshake
from .orchestration import Orchestration
from .site import Site

# Rows of a fleet come in large bodies.
LARGEST = 256 * 1024 * 1024


@dataclass
class Server:
    """What is behind the door. One thread: calls are answered one after the other."""

    site: Site
    account: Account
    lab_password: str = field(repr=False)

    def __post_init__(self) -> None:
        jobs.abandon(self.site)
        self.orchestration = Orchestration(self.site, self.account)
        self.monitor = Monitor(self.site)
        self.control = Control(self.site, self.lab_password)
        self.handshakes: WeakKeyDictionary[asyncio.BaseTransport, Handshake] = WeakKeyDictionary()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request, as the faults that were told want it."""
        call = await _call(request)
        answer = self._answer(call, request.transport)
        faults, hit = self.site.faults, (call.method, call.path)
        if call.path.startswith(control.ROOT):
            return _response(answer)
        if slow := faults.strike("slow", *hit):
            await asyncio.sleep(slow["seconds"])
        if faults.strike("lost_reply", *hit):
            return await _cut(request, b"", 0)
        if faults.strike("cut", *hit):
            content = answer.content()
            return await _cut(request, content[: len(content) // 2], len(content))
        return _response(answer)

    def _answer(self, call: Call, transport: asyncio.BaseTransport | None) -> Answer:
        self.site.catch_up()
        path = call.path.lower()
        if path.startswith(control.ROOT):
            answer = self.control.answer(call)
        elif path.startswith(monitor.ROOT.lower()):
            answer = self._monitor(call, transport)
        elif path.startswith(orchestration.ROOTS):
            answer = self.orchestration.answer(call)
        else:
            answer = Answer(404)
        self.site.store.commit()
        return answer

    def _monitor(self, call: Call, transport: asyncio.BaseTransport | None) -> Answer:
        """NTLM first; then a page, or a fault."""
        if transport is None:
            return Answer(400)
        handshake = self.handshakes.setdefault(transport, Handshake())
        asked = handshake.challenge(call.headers.get("authorization", ""))
        if asked is not None:
            return Answer(401, None, {"WWW-Authenticate": "\n".join(asked)})
        if fault := self.site.faults.strike("status", call.method, call.path):
            again = fault.get("retry_after")
            return Answer(fault["code"], None, {} if again is None else {"Retry-After": str(again)})
        if call.method != "GET":
            return Answer(405)
        answer = self.monitor.answer(call)
        kind = {"Content-Type": monitor.TYPE, "OData-Version": "4.0"}
        return Answer(answer.code, answer.body, {**kind, **answer.headers})


async def _call(request: web.Request) -> Call:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(
        request.method, request.rel_url.raw_path, dict(request.query), headers, await request.read()
    )


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.code, body=answer.content() or None)
    if answer.body is not None:
        response.headers["Content-Type"] = JSON
    for name, value in answer.headers.items():
        response.headers.popall(name, None)
        for line in value.split("\n"):
            response.headers.add(name, line)
    return response


async def _cut(request: web.Request, content: bytes, length: int) -> web.StreamResponse:
    """Send some of a body, or nothing at all, and hang up."""
    response = web.StreamResponse()
    assert request.transport
    if length:
        response.content_length = length
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(content)
        await asyncio.sleep(0.05)  # else the abort overtakes what was written
    request.transport.abort()
    return response


async def serve(server: Server, port: int, context: ssl.SSLContext) -> str:
    """Begin to listen on 127.0.0.1; the address."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    host, chosen = runner.addresses[0][:2]
    return f"https://{host}:{chosen}"


def context_of(certificate: str, key: str | None) -> ssl.SSLContext:
    """TLS 1.2 or later with the server's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
