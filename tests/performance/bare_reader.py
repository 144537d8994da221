# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a night reads, and nothing done with it: prints {"entries", "rules", "connections"} as JSON.

Run as a program: bare_reader.py LAB_DIRECTORY HSA_PORT CITRIX_PORT. One process reads all entries
with an HSA-id and the registry by ldap3, in pages of 1,000 that are decoded as the product decodes
them; the rules, the live sessions, the machines and a week of connections by requests, the latter
by NTLM, in the pages that the site gives.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ldap3
import requests
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decode_message_fast
from requests_ntlm import HttpNtlmAuth

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa import layout as hsa
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.workstations import (
    layout as registry,
)
from ansible_collections.regionjh.halsoval.tests.citrix import CUSTOMER, HALSOVAL, USER, CitrixSite
from ansible_collections.regionjh.halsoval.tests.lab import Lab, describe

MANAGE, MONITOR = "/cvad/manage", "/Citrix/Monitor/OData/v4/Data"
SINCE = "2026-02-23T00:00:00Z"
CONNECTIONS = (
    f"Connections?$filter={quote(f'ModifiedDate ge {SINCE}')}"
    "&$select=Id,ClientName,ClientAddress,BrokeringDate,CreatedDate,ModifiedDate"
    "&$expand=Session($select=MachineId;$expand=User($select=Upn,UserName),"
    "Machine($select=DesktopGroupId))"
)


def main(directory: Path, port: int, citrix: int) -> None:
    """Read all of it once."""
    lab = describe(directory, port, None, citrix)
    assert lab.citrix
    entries = sum(1 for _entry in directory_entries(lab))
    session = requests.Session()
    session.trust_env, session.verify = False, str(lab.ca)
    rules = sum(1 for _rule in managed(session, lab.citrix))
    connections = sum(1 for _row in monitored(session, lab.citrix))
    print(json.dumps({"entries": entries, "rules": rules, "connections": connections}))


def directory_entries(lab: Lab) -> Iterator[Any]:
    """Everything that HSA and the registry of workstations hold."""
    of_hsa = hsa.searches(hsa.Layout(lab.base, lab.provider_branch, lab.people_branch))
    of_registry = registry.searches(registry.Layout(lab.workstation_branch))
    with lab.service() as connection:
        for base, criterion, attributes in (*of_hsa, *of_registry):
            yield from pages(connection, base, criterion, attributes)


def pages(
    connection: ldap3.Connection, base: str, criterion: str, attributes: tuple[str, ...]
) -> Iterator[Any]:
    """A search to its end; SearchResultEntry is 4, SearchResultDone 5 (RFC 4511)."""
    cookie: bytes | None = None
    while cookie != b"":
        request = search_operation(
            base, criterion, "SUBTREE", ldap3.DEREF_NEVER, list(attributes), 0, 0, False, False,
            True,
        )  # fmt: skip
        connection.strategy.send(
            "searchRequest", request, [paged_search_control(True, 1000, cookie)]
        )
        done = None
        while done is None:
            for raw in connection.strategy.receiving():
                message = decode_message_fast(raw)
                if message["protocolOp"] == 4:
                    yield message["payload"]
                else:
                    done = connection.strategy.decode_response_fast(message)
        cookie = done["controls"]["1.2.840.113556.1.4.319"]["value"]["cookie"]


def managed(session: requests.Session, site: CitrixSite) -> Iterator[Any]:
    """The rules of the delivery group, and the live sessions."""
    pair = base64.b64encode(f"{USER}:{site.password}".encode()).decode()
    login = {"Authorization": f"Basic {pair}"}
    token = session.post(f"{site.uri}{MANAGE}/Tokens", headers=login).json()["Token"]
    headers = {"Authorization": f"CWSAuth bearer={token}", "Citrix-CustomerId": CUSTOMER}
    me = session.get(f"{site.uri}{MANAGE}/Me", headers=headers).json()
    headers["Citrix-InstanceId"] = me["Customers"][0]["Sites"][0]["Id"]
    for path in (f"DeliveryGroups/{quote(HALSOVAL)}/AdvancedAccessPolicies", "Sessions"):
        query = {"limit": "1000"}
        while True:
            url = f"{site.uri}{MANAGE}/{path}"
            page = session.get(url, params=query, headers=headers).json()
            yield from page["Items"]
            if not page["ContinuationToken"]:
                break
            query["continuationToken"] = page["ContinuationToken"]


def monitored(session: requests.Session, site: CitrixSite) -> Iterator[Any]:
    """Machines, and connections with their session, user and machine."""
    login = HttpNtlmAuth(USER, site.password)
    for query in ("Machines?$select=Id,DesktopGroupId", CONNECTIONS):
        url: str | None = f"{site.uri}{MONITOR}/{query}"
        while url:
            page = session.get(url, auth=login, headers={"Accept": "application/json"}).json()
            yield from page["value"]
            url = page.get("@odata.nextLink")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
