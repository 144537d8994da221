# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site: its delivery groups, rules, machines, sessions and history, and who is who in AD."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .answers import Refusal, missing
from .faults import Faults
from .policies import DEFAULTS, Rule, forms
from .store import Clock, Row, Store, Table, stamp

NAMESPACE = uuid.UUID("5f7b3a52-0d0c-4f0e-9a86-3c9f6f1d7c11")
CUSTOMER = "CitrixOnPremises"
DOMAIN = "REGION"
REALM = "ad.region.example"
# What the domain of the lab would have; no directory knows these people.
DOMAIN_SID = "S-1-5-21-2321000214-1-1"
MACHINES = 4


def made_id(*names: str) -> str:
    """The same GUID for the same names, in every lab."""
    return str(uuid.uuid5(NAMESPACE, "/".join(names)))


SITE_ID = made_id("site")
SITE_NAME = "Labb"
# What differs between sites, or is not known of them.
SETTINGS: Mapping[str, Any] = {
    "sdk_errors": False,  # the errors of 2023
    "missing_is_500": False,
    "logoff_by_job": False,
    "patch_answers_empty": False,
    "token_seconds": 3600.0,
    "job_seconds": 0.3,
    "logoff_seconds": 0.3,
}
GROUPS = (
    # Name, folder, and whether its built-in rules are enabled: as they come, they let everybody in.
    ("Hälsoval skrivbord", "", False),
    ("Klinik skrivbord", "Region\\Sjukhus", True),
)


class Site:
    """Everything that a call can read or change."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path)
        self.settings = Table(self.store, "setting")
        self.faults = Faults()
        self.pending: list[tuple[float, Callable[[], None]]] = []
        self.clock = Clock(self.settings)
        self.groups = Table(self.store, "group")
        self.rules = Table(self.store, "rule")
        self.identities = Table(self.store, "identity", "Sid")
        self.live = Table(self.store, "session")
        self.jobs = Table(self.store, "job")
        self.monitor = {
            "Connections": Table(self.store, "Connections"),
            "Sessions": Table(self.store, "Sessions", "SessionKey"),
            "Users": Table(self.store, "Users"),
            "Machines": Table(self.store, "Machines"),
        }
        if not self.groups:
            self._furnish()
        self.store.commit()

    def _furnish(self) -> None:
        """Make the groups, each with its machines and its two built-in rules."""
        for name, folder, enabled in GROUPS:
            group = {"Id": made_id("group", name), "Name": name, "Folder": folder}
            self.groups.put(group)
            for rule in built_in(group, enabled):
                self.rules.put({**rule, "Uid": len(self.rules) + 1})
            machines = (machine(group, number) for number in range(1, MACHINES + 1))
            created = self.stamp()
            self.monitor["Machines"].put(
                *({**row, "CreatedDate": created, "ModifiedDate": created} for row in machines)
            )

    def next(self, kind: str) -> int:
        """The next number of a kind, never given twice."""
        number = (self.settings.get(f"last {kind}") or {"number": 0})["number"] + 1
        self.settings.put({"Id": f"last {kind}", "number": number})
        return int(number)

    def default_group(self) -> str:
        """The group that the region's private providers get."""
        return GROUPS[0][0]

    def setting(self, name: str) -> Any:
        """How this site behaves: what /lab/settings says, or SETTINGS."""
        told = self.settings.get("site") or {}
        return told.get(name, SETTINGS[name])

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something when this time has passed and somebody calls."""
        self.pending.append((time.monotonic() + seconds, work))

    def catch_up(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        due = [work for moment, work in self.pending if moment <= now]
        self.pending = [(moment, work) for moment, work in self.pending if moment > now]
        for work in due:
            work()

    def stamp(self) -> str:
        """Now, as rows have it."""
        return stamp(self.clock.now())

    def group(self, name_or_id: str) -> Row:
        """A delivery group by GUID, Uid, name or `Folder|Name`; or a refusal (404)."""
        wanted = name_or_id.casefold()
        for group in self.groups:
            path = f"{group['Folder']}\\{group['Name']}".strip("\\").replace("\\", "|")
            names = (group["Id"], path, *([group["Name"]] if not group["Folder"] else []))
            if wanted in (name.casefold() for name in names):
                return group
        raise missing(f"Delivery group '{name_or_id}'")

    def rules_of(self, group: Mapping[str, Any]) -> list[Rule]:
        """The rules of a group, in no order that means anything."""
        return [rule for rule in self.rules if rule["DeliveryGroup"] == group["Id"]]

    def identity(self, name: str, *, is_group: bool = True) -> Row:
        """Who is meant by `DOMAIN\\name`, a UPN or a SID, or a refusal (400).

        Names of the lab's domain that nobody told of are taken for groups, so that the lab needs
        no copy of AD: /lab/directory tells which names, UPNs and SIDs are one.
        """
        wanted = name.casefold()
        for known in self.identities:
            if wanted in forms(known):
                return known
        for field, holds in (
            ("Sid", wanted.startswith("s-1-5-21-")),
            ("SamName", wanted.startswith(f"{DOMAIN}\\".casefold())),
            ("PrincipalName", wanted.endswith(f"@{REALM}")),
        ):
            if holds:
                return identity({field: name, "IsGroup": is_group})
        raise Refusal(400, "UnknownUser", f"'{name}' is nobody that the domain knows.")


def identity(told: Mapping[str, Any]) -> Row:
    """An account or group as the site keeps it; what was not told is made up or null."""
    sam, principal = told.get("SamName"), told.get("PrincipalName")
    if not (sam or principal or told.get("Sid")):
        raise Refusal(
            400, "InvalidParameter", "Somebody has neither SamName, PrincipalName nor Sid."
        )
    number = int(hashlib.sha256(str(sam or principal).casefold().encode()).hexdigest()[:7], 16)
    return {
        "Sid": told.get("Sid") or f"{DOMAIN_SID}-{number}",
        "SamName": sam,
        "PrincipalName": principal,
        "DisplayName": told.get("DisplayName") or sam or principal,
        "IsGroup": told.get("IsGroup", True),
        "MemberOf": list(told.get("MemberOf", [])),
    }


def built_in(group: Mapping[str, Any], enabled: bool) -> list[Rule]:
    """The two rules that Studio makes with a delivery group."""
    ways = {"Direct": "NotViaAG", "AG": "ViaAG"}
    return [
        {
            **DEFAULTS,
            "Id": made_id("rule", group["Name"], way),
            "DeliveryGroup": group["Id"],
            "IsBuiltIn": True,
            "Name": f"{group['Name']}_{way}",
            "Enabled": enabled,
            "AllowedUsers": "AnyAuthenticated",
            "AllowedConnection": allowed,
            "IncludedUserFilterEnabled": True,
            "IncludedSmartAccessFilterEnabled": True,
        }
        for way, allowed in ways.items()
    ]


def machine(group: Mapping[str, Any], number: int) -> Row:
    """A session host of a group, as Monitor has it."""
    name = f"CTX{group['Id'][:4].upper()}{number:02}"
    return {
        "Id": made_id("machine", name),
        "Sid": f"{DOMAIN_SID}-{int(group['Id'][:4], 16) * 100 + number}",
        "Name": f"{DOMAIN}\\{name}",
        "DnsName": f"{name.lower()}.{REALM}",
        "IPAddress": f"10.69.78.{number}",
        "LifecycleState": 0,
        "DesktopGroupId": group["Id"],
        "CurrentRegistrationState": 1,
        "CurrentSessionCount": 0,
        "FaultState": 1,
        "OSType": "Windows 2022",
        "AgentVersion": "2402.0.100.0",
    }
