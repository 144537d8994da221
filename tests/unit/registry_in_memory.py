# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of workstations in memory: bring it in line with records, and look at it then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.workstations import entries
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.workstations.layout import (
    SCHEMA,
    Layout,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, Values
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, approved
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import (
    MemoryDirectory,
    Refused,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

BRANCH = "ou=Registrerade arbetsplatser,o=Region,c=SE"
_MULTIPLE = frozenset(("objectClass", "cn", "halsovalKey"))


class RegistryDirectory(MemoryDirectory):
    """A branch with the classes of workstations; the state is held decoded."""

    single_valued = frozenset(a.name for a in SCHEMA) - _MULTIPLE
    unique = ()

    def read(self) -> tuple[Entry, ...]:
        """What a search for (cn=*) finds."""
        return tuple(e for e in self._entries.values() if "cn" in e.attributes)

    def _check_schema(self, held: Mapping[str, Values]) -> None:
        classes = set(held.get("objectClass", ()))
        if "device" not in classes:
            raise Refused("objectClassViolation: no structural class")
        for name, must in (("ipHost", "ipHostNumber"), ("halsovalWorkstation", "halsovalKey")):
            if name in classes and must not in held:
                raise Refused(f"objectClassViolation: {must} is missing")
        for may, name in (("ipHostNumber", "ipHost"), ("macAddress", "ieee802Device")):
            if may in held and name not in classes:
                raise Refused(f"objectClassViolation: {may} is not allowed")


class Registry:
    """The branch with the pipe around it, its journal kept from run to run."""

    def __init__(self) -> None:
        self.directory = RegistryDirectory(("o=Region,c=SE", BRANCH), SCHEMA)
        self.journal = MemoryJournal()

    def run(
        self,
        *records: Record,
        day: dt.date = TODAY,
        invalid: Iterable[str] = (),
        licences: Mapping[str, str] | None = None,
        **request: Any,
    ) -> dict[str, dict[str, Any]]:
        """The whole pipe with the guard; all providers unless some are selected."""
        self.journal.day = day
        known = frozenset(record.id for record in records)
        everything = replace(
            approved(*records, invalid=invalid), memory=self.journal.memory("workstations")
        )
        asked = Request(
            providers=tuple(sorted(known.union(invalid))), known=known,
            invalid=frozenset(invalid), expected=frozenset(), secret=b"secret", check=False,
            diff=False, title="workstations",
        )  # fmt: skip

        def wish(held: Iterable[Entry]) -> Desired:
            self.desired = entries.desire(
                everything, day, Layout(BRANCH), tuple(held), licences or {}
            )
            return self.desired

        return provision(self.directory, wish, replace(asked, **request), self.journal)

    def entry(self, name: str) -> Entry:
        """The entry of a workstation."""
        (entry,) = (e for e in self.directory.read() if name in e.attributes["cn"])
        return entry

    def said(self, name: str, attribute: str) -> str | None:
        """What an entry says, the first value."""
        return self.entry(name).first(attribute)

    def registered(self) -> set[str]:
        """The names of those that are registered."""
        return {
            e.attributes["cn"][0] for e in self.directory.read() if "halsovalState" in e.attributes
        }

    def groups(self) -> dict[str, int]:
        """The group of each that is in one."""
        return {
            e.attributes["cn"][0]: int(number)
            for e in self.directory.read()
            if (number := e.first("halsovalGroup"))
        }
