# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delivery group's rules in memory, brought in line with records; and who gets in by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.layout import Layout
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.rules import desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Values,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    System,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    EquipmentPart,
    Record,
    SharedAccess,
    Workstation,
    from_json,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, approved, record
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

GROUP = "Hälsoval skrivbord"
LAYOUT = Layout(delivery_group=GROUP, domain="REGION")

DIRECT = {
    "Enabled": ("true",),
    "AllowHdxAccess": ("true",),
    "AllowedConnection": ("NotViaAG",),
    "AllowedUsers": ("AnyAuthenticated",),
    "IncludedUserFilterEnabled": ("true",),
    "IsBuiltIn": ("true",),
    "Description": (),
}


def pc(name: str, **fields: Any) -> dict[str, Any]:
    """A workstation in JSON form, admitted by its name, or by its address where it has one."""
    by = {"admitted_by": "address"} if "ip" in fields else {}
    return {"name": name, "unit": "vc", **by, **fields}


def provider(
    id: str, *pcs: dict[str, Any], shared: Iterable[dict[str, Any]] = (), **fields: Any
) -> Record:
    """A record with workstations."""
    plain = record(id, **fields)
    return replace(
        plain,
        agreement=replace(
            plain.agreement,
            shared_access=tuple(from_json(SharedAccess, s) for s in shared),
            workstation_groups=fields.get("workstation_groups", 10),
        ),
        equipment=EquipmentPart(workstations=tuple(from_json(Workstation, one) for one in pcs)),
    )


def share(*providers: str, of: Collection[str], to: str = "2026-03-31") -> dict[str, Any]:
    """Workstations that others may use from TODAY on."""
    return {
        "providers": list(providers), "workstations": list(of), "from": str(TODAY), "to": to,
        "agreement": "JOUR-1",
    }  # fmt: skip


def rule(name: str, **fields: Values) -> Entry:
    """A rule as the site holds it: lets everybody in who has logged on, unless told otherwise."""
    dn = f"{matching.rdn(('CN', name))},{matching.rdn(('CN', GROUP))}"
    return Entry(dn, {**DIRECT, **fields}, f"id-{name}")


class MemoryRules:
    """The rules as a system of the pipe; a change of what is not there any more is an error."""

    name = "memory"

    def __init__(self, *rules: Entry) -> None:
        self.rules = {one.address: one for one in rules}

    def read(self) -> Sequence[Entry]:
        """All rules."""
        return list(self.rules.values())

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        """Write them."""
        for operation in operations:
            address = operation.address or f"id-{len(self.rules)}"
            before = self.rules[address].attributes if operation.address else {}
            after = dict(before)
            for change in operation.changes:
                held = set(before.get(change.attribute, ()))
                assert held >= set(change.delete)
                left = held.difference(change.delete).union(change.add)
                after[change.attribute] = tuple(sorted(left))
            self.rules[address] = Entry(operation.dn, after, address)
        return {}

    def named(self, name: str) -> Mapping[str, Values]:
        """The fields of the one rule with a name."""
        (found,) = (r for r in self.rules.values() if r.dn.startswith(f"CN={name},"))
        return found.attributes


class Citrix:
    """Runs against a system, whose journal and plan hashes last."""

    def __init__(self, system: System | None = None) -> None:
        self.system = system or MemoryRules(rule("built-in", Enabled=()))
        self.journal = MemoryJournal()
        self.findings: set[tuple[str, str, str]] = set()

    def run(
        self,
        *records: Record,
        as_of: dt.date = TODAY,
        invalid: Iterable[str] = (),
        holds: Iterable[Hold] = (),
        check: bool = False,
        expected: Iterable[str] = (),
        selected: Collection[str] | None = None,
        failures: Iterable[str] = (),
    ) -> dict[str, dict[str, Any]]:
        """Bring the rules in line, and return each provider's result."""
        self.journal.day = as_of
        known = approved(*records, invalid=invalid, holds=holds)

        def wish(held: Sequence[Entry]) -> Desired:
            memory = self.journal.memory("Citrix")
            desired = desire(replace(known, memory=memory), as_of, LAYOUT, held, failures)
            self.findings = {(f.provider, f.code, f.object) for f in desired.findings}
            return desired

        ids = [one.id for one in records]
        return provision(
            self.system,
            wish,
            Request(
                providers=tuple(ids if selected is None else selected), known=frozenset(ids),
                invalid=frozenset(invalid), expected=frozenset(expected), secret=b"x",
                check=check, diff=True, title="Citrix",
            ),
            self.journal,
        )  # fmt: skip


def lets_in(rules: Iterable[Entry], groups: Collection[str], client: str, address: str) -> bool:
    """Whether somebody in these AD groups gets in from a client, by Citrix's own words.

    about_Broker_AccessPolicy: all enabled include filters of one rule must match, of which there
    must be one, and no enabled exclude filter may.
    """
    return any(_lets_in(one.attributes, groups, client, address) for one in rules)


def _lets_in(one: Mapping[str, Values], groups: Collection[str], client: str, address: str) -> bool:
    if not one.get("Enabled") or not (one.get("AllowHdxAccess") or one.get("AllowRdpAccess")):
        return False
    anybody = one.get("AllowedUsers") == ("AnyAuthenticated",)
    users = {f"REGION\\{group}".casefold() for group in groups}
    facts = {
        "User": ("Users", users),
        "ClientName": ("ClientNames", {client.casefold()}),
        "ClientIP": ("ClientIPs", {address}),
    }
    includes = [
        (anybody and what == "User") or _meets(one, f"Included{values}", theirs)
        for what, (values, theirs) in facts.items()
        if one.get(f"Included{what}FilterEnabled")
    ]
    excludes = [
        _meets(one, f"Excluded{values}", theirs)
        for what, (values, theirs) in facts.items()
        if one.get(f"Excluded{what}FilterEnabled")
    ]
    return bool(includes) and all(includes) and not any(excludes)


def _meets(one: Mapping[str, Values], values: str, theirs: Collection[str]) -> bool:
    return not {value.casefold() for value in one.get(values, ())}.isdisjoint(theirs)
