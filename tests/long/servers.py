# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A region whose HSA is a real slapd and whose domain is a real Samba.

The directories in memory stay beside them, for the judge to look at: what a server does must be
what they do, write by write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ldap3

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad import layout as ad
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa import layout as hsa
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Entry,
    Operation,
    Values,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.directory import (
    Directory,
    Search,
    Settings,
)
from ansible_collections.regionjh.halsoval.tests.integration.domain import domain
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.long.region import Region
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import JOURNAL, LAYOUT
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import (
    MemoryDirectory,
    Refused,
    normal,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_domain import MemoryDomain

# What a server makes itself, shows nobody, or is not asked for.
_ITS_OWN = frozenset(
    (
        "memberOf",
        "objectSid",
        "adminCount",
        "whenCreated",
        "lastLogonTimestamp",
        "unicodePwd",
        "groupType",
    )
)


@dataclass
class Served:
    """A system of the pipe: a server, and the directory in memory that it must be like.

    What tests change by hand in memory is written to the server, as `admin`, before it is used.
    """

    memory: MemoryDirectory
    server: Directory
    admin: Callable[[], ldap3.Connection]
    schema: Mapping[str, Attribute]
    branches: Sequence[str]

    @property
    def name(self) -> str:
        """What the pipe calls it."""
        return self.memory.name

    def __post_init__(self) -> None:
        """Begin with what the server holds."""
        self._as_it_was: dict[str, Entry] = {}
        self.memory._entries = {
            form: entry for form, entry in self.memory._entries.items() if not entry.attributes
        }
        self._pull()

    def read(self) -> Sequence[Entry]:
        """What the server holds."""
        self._push()
        return self.server.read()

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        """Have both carry the operations out; what failed, as memory says.

        A kill between two operations ends the run for both.
        """
        self._push()
        done, refused, carry_out = [], [], self.memory._carry_out

        def watched(operation: Operation) -> None:
            try:
                carry_out(operation)
                done.append(operation)
            except Refused:
                refused.append(operation)
                raise

        self.memory._carry_out = watched  # type: ignore[method-assign]
        try:
            return self.memory.apply(operations)
        finally:
            self.memory._carry_out = carry_out  # type: ignore[method-assign]
            failed = self.server.apply(done)
            assert not failed, f"the server refuses what memory does: {failed}"
            done_there = set(refused) - self.server.apply(refused).keys()
            assert not done_there, f"the server does what memory refuses: {done_there}"
            self._pull()

    def _pull(self) -> None:
        """Take over what the server holds, which must be what memory holds."""
        before = {f: e for f, e in self.memory._entries.items() if not e.attributes}
        found = {
            normal(entry.dn): self._seen(entry)
            for entry in self.server.read()
            # The region's own people are nobody's business here.
            if any(matching.is_below(entry.dn, branch) for branch in self.branches)
        }
        if self._as_it_was:
            here, there = self._shown(self.memory._entries), self._shown(found)
            assert here == there, _difference(here, there)
        # Whom the region's groups hold beside ours is there, and is not read.
        members = (m for e in found.values() for m in e.attributes.get("member", ()))
        others = {normal(member): Entry(member, {}) for member in members}
        self.memory._entries = before | others | found
        self._as_it_was = dict(self.memory._entries)

    def _seen(self, entry: Entry) -> Entry:
        """An entry as memory holds it."""
        held = {n: v for n, v in entry.attributes.items() if n != "memberOf"}
        if isinstance(self.memory, MemoryDomain):
            held["unicodePwd"] = ("set by somebody",) if "user" in held["objectClass"] else ()
            return self.memory._completed(replace(entry, attributes=held))
        return replace(entry, attributes=held)

    def _shown(self, entries: Mapping[str, Entry]) -> dict[str, dict[str, set[str]]]:
        return {
            form: {
                name: self.memory._forms(name, values)
                for name, values in entry.attributes.items()
                if name in self.schema and name not in _ITS_OWN and values
            }
            for form, entry in entries.items()
            if entry.attributes
        }

    # --- what somebody does by hand --------------------------------------------------------------

    def _push(self) -> None:
        """Do to the server what a test did to memory."""
        now, then = self.memory._entries, self._as_it_was
        if now == then:
            return
        with self.admin() as admin:
            for form in then.keys() - now.keys():
                admin.delete(then[form].dn)
            for form, entry in now.items():
                changed = self._changed(then[form], entry)
                if changed:
                    admin.modify(entry.dn, changed)
        self._pull()

    def _changed(self, then: Entry, now: Entry) -> dict[str, Any]:
        return {
            name: [(ldap3.MODIFY_REPLACE, list(self._stored(name, now.attributes.get(name, ()))))]
            for name in {*then.attributes, *now.attributes} - _ITS_OWN
            # Memberships of who is deleted go by themselves.
            if then.attributes.get(name, ()) != now.attributes.get(name, ()) and name != "member"
        }

    def _stored(self, name: str, values: Values) -> Values:
        codec = self.schema[name].codec
        return codec.encode(values) if codec else values


def _difference(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """What is otherwise, in memory and on the server."""
    return "\n".join(
        f"{form}: {here.get(form)} in memory, {there.get(form)} on the server"
        for form in sorted(here.keys() | there.keys())
        if here.get(form) != there.get(form)
    )


def serve(region: Region, lab: Lab) -> None:
    """Have a region's HSA and domain be those of a lab, in which nothing of ours may be."""
    own = domain(lab)
    layout = replace(
        LAYOUT, base_dn=lab.base, provider_branch=lab.provider_branch,
        people_branch=lab.people_branch, feigned=True,
        # The lab has an account of the name hv000012, outside of what is read here.
        hsa_id_prefix="SE2321000214-HT",
    )  # fmt: skip
    of_domain = replace(
        AD_LAYOUT, base_dn=f"OU=Halsoval,{own.base}", account_ou=own.account_ou,
        quarantine_ou=own.quarantine_ou, group_ou=own.group_ou, upn_suffix="ad.region.example",
        groups={JOURNAL: f"CN=App-Vardadministrativt,{own.system_groups_ou}"},
    )  # fmt: skip
    there = Ad(of_domain)
    there.hsa = Hsa(layout)
    region.use(there)
    region.journal_group = "App-Vardadministrativt"
    region.systems |= {
        "HSA": Served(
            there.hsa.directory,
            _directory(lab.uri, lab.service_dn, lab.service_password, lab, hsa.searches(layout),
                       hsa.schema(layout)),
            lab.admin,
            {a.name: a for a in hsa.schema(layout)},
            (layout.provider_branch, layout.people_branch),
        ),
        "AD": Served(
            there.directory,
            _directory(own.uri, own.service_dn, own.service_password, lab,
                       ad.searches(of_domain), ad.schema(of_domain), active_directory=True),
            own.admin,
            {a.name: a for a in ad.schema(of_domain)},
            (of_domain.base_dn, own.system_groups_ou),
        ),
    }  # fmt: skip


def _directory(
    uri: str, user: str, password: str, lab: Lab, searches: Sequence[tuple[Any, ...]],
    schema: Sequence[Attribute], active_directory: bool = False,
) -> Directory:  # fmt: skip
    ca = domain(lab).ca if active_directory else lab.ca
    return Directory(
        Settings(uri, user, password, str(ca)),
        [Search(*search) for search in searches],
        {attribute.name: attribute for attribute in schema},
        active_directory,
    )
