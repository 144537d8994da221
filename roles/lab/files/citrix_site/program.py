# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab's Citrix site until it is told to end.

    python3 citrix_site --state FILE --port 0 --certificate PEM --secrets DIRECTORY

Prints its address once it listens. DIRECTORY has the passwords: `citrix_service`, of
REGION\\svc-halsoval, and `citrix_admin`, of `lab` for what is below /lab/.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from . import ntlm
from .accounts import Account
from .site import DOMAIN, REALM, Site
from .web import Server, context_of, serve

USER = "svc-halsoval"
PASSWORDS = ("citrix_service", "citrix_admin")


def main() -> None:
    os.umask(0o077)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--port", type=int, required=True, help="of 127.0.0.1; 0: any free one")
    parser.add_argument("--certificate", required=True, help="PEM; with the key, or give --key")
    parser.add_argument("--key")
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--pidfile", type=Path, help="written once it listens")
    parser.add_argument("--code", help="anything: the lab role tells by it what code runs")
    asyncio.run(run(parser.parse_args()))


async def run(told: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    service, admin = ((told.secrets / name).read_text().strip() for name in PASSWORDS)
    ntlm.remember(DOMAIN, USER, service)
    site = Site(told.state)
    account = Account(f"{DOMAIN}\\{USER}", f"{USER}@{REALM}", service)
    context = context_of(told.certificate, told.key)
    address = await serve(Server(site, account, admin), told.port, context)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if told.pidfile:
        told.pidfile.write_text(f"{os.getpid()}\n")
    print(address, flush=True)
    await ended.wait()
    site.store.close()
    if told.pidfile:
        told.pidfile.unlink(missing_ok=True)
