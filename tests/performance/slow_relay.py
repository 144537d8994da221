# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay on loopback that adds half a round trip in each direction.

Run as a program: slow_relay.py LISTEN_PORT TARGET_PORT ROUND_TRIP_SECONDS
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, each piece `delay` seconds after it came, without limiting the rate."""
    loop = asyncio.get_running_loop()
    pieces: deque[tuple[float, bytes]] = deque()
    arrived = asyncio.Event()

    async def collect() -> None:
        while data := await reader.read(65536):
            pieces.append((loop.time() + delay, data))
            arrived.set()
        pieces.append((loop.time() + delay, b""))
        arrived.set()

    collecting = asyncio.create_task(collect())
    while True:
        while not pieces:
            arrived.clear()
            await arrived.wait()
        due, data = pieces.popleft()
        await asyncio.sleep(max(0.0, due - loop.time()))
        if not data:
            break
        writer.write(data)
        await writer.drain()
    await collecting
    writer.close()


async def _relay(listen: int, target: int, round_trip: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(
            _carry(reader, far_writer, round_trip / 2),
            _carry(far_reader, writer, round_trip / 2),
            return_exceptions=True,
        )

    server = await asyncio.start_server(connected, "127.0.0.1", listen)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
