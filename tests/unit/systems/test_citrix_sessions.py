# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sessions are logged off when a client leaves a rule: nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import citrix_site
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_rest import (
    Missing,
    Settings,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_site import (
    CitrixSite,
)
from ansible_collections.regionjh.halsoval.tests.unit.citrix_in_memory import Citrix, pc, provider


class Rest:
    """A site of one delivery group in memory: rules, and sessions that end when they are told."""

    uri = "https://ddc.example"

    def __init__(self, _settings: Any) -> None:
        self.rules: dict[str, dict[str, Any]] = {"0": {"Id": "0", "Name": "built-in"}}
        self.sessions: dict[str, dict[str, Any]] = {}

    def get(self, path: str) -> Any:
        if "/Sessions/" in path and path.rpartition("/")[2] not in self.sessions:
            raise Missing("gone")
        return {"Id": "group"}

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        yield from list((self.sessions if path == "/Sessions" else self.rules).values())

    def write(self, method: str, path: str, body: Any = None) -> str:
        id = str(len(self.rules)) if method == "POST" else path.rpartition("/")[2]
        self.rules[id] = {**self.rules.get(id, {}), **body, "Id": id}
        return ""

    def again(self, _method: str, path: str) -> str:
        del self.sessions[path.split("/")[-2]]
        return ""


@pytest.fixture
def citrix(monkeypatch: pytest.MonkeyPatch) -> Citrix:
    monkeypatch.setattr(citrix_site, "CitrixRest", Rest)
    return Citrix(CitrixSite(Settings(Rest.uri, "svc", "secret"), "desk", patience=0))


def session(citrix: Citrix, id: str, name: str, address: str) -> None:
    rest = citrix.system._rest  # type: ignore[attr-defined]
    client, group = {"Name": name, "IPAddress": address}, {"DeliveryGroup": {"Id": "group"}}
    rest.sessions[id] = {"Id": id, "Client": client, "Machine": group}


def left(citrix: Citrix) -> set[str]:
    return set(citrix.system._rest.sessions)  # type: ignore[attr-defined]


def test_address_that_leaves_ends_no_session_of_a_client_that_a_rule_names(citrix: Citrix) -> None:
    # Nobody claims an address: who writes one record could log off another provider's network.
    beta = provider("beta", pc("BETA-1"))
    alfa = provider("alfa", pc("ALFA-1", ip="192.0.2.9"), pc("ALFA-2"))
    citrix.run(alfa, beta)
    session(citrix, "s1", "beta-1", "192.0.2.9")
    session(citrix, "s2", "HTML-1", "192.0.2.9")
    gone = provider("alfa", pc("ALFA-1", ip="192.0.2.9", to="2026-03-01"), pc("ALFA-2"))
    citrix.run(gone, beta)
    assert left(citrix) == {"s1"}


def test_name_that_leaves_ends_its_sessions_at_whatever_address(citrix: Citrix) -> None:
    beta = provider("beta", pc("BETA-1", ip="192.0.2.9"))
    citrix.run(provider("alfa", pc("ALFA-1"), pc("ALFA-2")), beta)
    session(citrix, "s1", "alfa-1", "192.0.2.9")
    session(citrix, "s2", "ALFA-2", "192.0.2.9")
    citrix.run(provider("alfa", pc("ALFA-1", to="2026-03-01"), pc("ALFA-2")), beta)
    assert left(citrix) == {"s2"}


def test_workstation_that_leaves_a_rule_that_a_person_disabled_loses_its_session(
    citrix: Citrix,
) -> None:
    citrix.run(provider("alfa", pc("ALFA-1"), pc("ALFA-2")))
    session(citrix, "s1", "ALFA-1", "192.0.2.1")
    session(citrix, "s2", "ALFA-2", "192.0.2.2")
    for rule in citrix.system._rest.rules.values():  # type: ignore[attr-defined]
        rule["Enabled"] = False
    citrix.run(provider("alfa", pc("ALFA-1", to="2026-03-01"), pc("ALFA-2")))
    assert left(citrix) == {"s2"}
