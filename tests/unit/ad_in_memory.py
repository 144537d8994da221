# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA and Active Directory in memory: bring both in line with records, and look at the domain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from anyascii import anyascii

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.accounts import desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import Layout
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.identities import (
    identify,
    recall,
    seen_ids,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import (
    identity_searches,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Plan,
    Values,
    make_plan,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import Remembered
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.system_results import failures
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    JOURNAL,
    OFFICE,
    TODAY,
    XRAY,
    approved,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import (
    Hsa,
    batches,
    hsa_id,
    values,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_domain import MemoryDomain
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

BASE = "DC=ad,DC=example"
SYSTEM_GROUPS = f"OU=Systemgrupper,{BASE}"
REGION_STAFF = f"OU=Personal,{BASE}"
AD_LAYOUT = Layout(
    base_dn=BASE,
    account_ou=f"OU=Konton,OU=Halsoval,{BASE}",
    quarantine_ou=f"OU=Karantan,OU=Halsoval,{BASE}",
    group_ou=f"OU=Grupper,OU=Halsoval,{BASE}",
    upn_suffix="ad.example",
    in_ascii=anyascii,
    groups={
        JOURNAL: f"CN=App-Journal,{SYSTEM_GROUPS}",
        XRAY: f"CN=App-Rontgen,{SYSTEM_GROUPS}",
        OFFICE: f"CN=App-Office-Las,{SYSTEM_GROUPS}",
        DOCUMENTS: f"CN=App-Dokument-Las,{SYSTEM_GROUPS}",
    },
)
# Whom the region's groups hold already.
FOREIGN_MEMBERS = tuple(f"CN=doktor{n},{REGION_STAFF}" for n in range(3))


class Ad:
    """The domain with the pure part of the pipe around it, and HSA, which comes first.

    `unread` says why HSA cannot be read, if it cannot: then its ids are as earlier runs saw them.
    """

    def __init__(self, layout: Layout = AD_LAYOUT) -> None:
        self.layout = layout
        self.hsa = Hsa()
        self.unread: str | None = None
        self.directory = MemoryDomain(layout)
        self.hsa_results: dict[str, dict[str, Any]] = {}
        self._memory: dict[str, str] = {}
        self._taken: frozenset[str] = frozenset()
        for dn in FOREIGN_MEMBERS:
            self.put_account(dn)
        for dn in layout.groups.values():
            self.put_group(dn, *FOREIGN_MEMBERS)

    def copy(self) -> Ad:
        """Another one that holds the same."""
        other = Ad(self.layout)
        other.hsa, other.unread = self.hsa.copy(), self.unread
        other.directory = self.directory.copy()
        other._memory, other._taken = dict(self._memory), self._taken
        return other

    # --- the pipe --------------------------------------------------------------------------------

    def identities(self, everything: Approved, day: dt.date, check: bool = False) -> Identities:
        """Who everybody is, as the modules find out."""
        remembered = self._remembered()
        if self.unread:
            return recall(everything, day, self.hsa.layout, remembered, self.unread)
        ((_base, _filter, names),) = identity_searches(self.hsa.layout)
        held = [
            replace(e, attributes={n: e.attributes[n] for n in names if n in e.attributes})
            for e in self.hsa.entries()
        ]
        if not check:
            self._remember(held, everything)
        return identify(everything, day, self.hsa.layout, held, remembered)

    def desired(
        self,
        *records: Record,
        invalid: Iterable[str] = (),
        day: dt.date = TODAY,
        failures: Mapping[str, str] | None = None,
        check: bool = False,
    ) -> Desired:
        """What the domain must hold for the records, with HSA as it is."""
        everything = approved(*records, invalid=invalid, holds=self.hsa.holds)
        held = self.directory.read()
        known = self.identities(everything, day, check)
        return desire(everything, day, self.layout, held, known, failures, check)

    def plan(self, *records: Record, **options: Any) -> Plan:
        """What must change in the domain. It never is anything but ours."""
        desired = self.desired(*records, **options)
        plan = make_plan(desired.wanted, desired.attributes, desired.taken)
        for operation in plan.operations:
            self._assert_ours(operation)
        return plan

    def bring(self, *records: Record, **options: Any) -> Plan:
        """Carry out the whole plan of HSA, then of the domain, without the guard.

        Nothing may fail, be left to do, or change what is not ours. Returns the domain's plan.
        """
        if not self.unread:
            self.hsa.remembered = self._remembered()
            some = {name: options[name] for name in ("invalid", "day") if name in options}
            self.hsa.bring(*records, **some)
        return self.bring_domain(*records, **options)

    def bring_domain(self, *records: Record, **options: Any) -> Plan:
        """The same for the domain alone: HSA stays as it is."""
        before, ours = self.directory.copy(), self.our_accounts()
        plan = self.plan(*records, **options)
        for batch in batches(plan.operations):
            failed = self.directory.apply(batch)
            assert not failed, list(failed.items())
        left = self.plan(*records, **options).operations
        assert not left, left
        self._assert_others_unchanged(before, ours)
        return plan

    def run(
        self,
        *records: Record,
        invalid: Iterable[str] = (),
        day: dt.date = TODAY,
        check: bool = False,
        with_hsa: bool = True,
        **request: Any,
    ) -> dict[str, dict[str, Any]]:
        """What onboard does, with the guard: HSA, then the domain. Returns the domain's results.

        Those of HSA are in `hsa_results`.
        """
        everything = approved(*records, invalid=invalid, holds=self.hsa.holds)
        known = frozenset(record.id for record in everything.records)
        providers = tuple(request.pop("providers", sorted(known | everything.invalid)))
        failed: dict[str, str] | None = None
        if with_hsa:
            registered: dict[str, Any] = {"failed": True, "msg": self.unread}
            if not self.unread:
                self.hsa.remembered = self._remembered()
                if not check:
                    self._remember(self.hsa.entries(), everything)
                self.hsa_results = self.hsa.run(
                    *records, invalid=invalid, day=day, check=check, providers=providers, **request,
                )  # fmt: skip
                registered = {"providers": self.hsa_results}
            failed = failures(registered, "halsoval_hsa", providers)
        asked = Request(
            providers=providers, known=known, invalid=everything.invalid, expected=frozenset(),
            secret=b"secret", check=check, diff=True, title="AD",
        )  # fmt: skip
        journal = self.hsa.journal or MemoryJournal()
        journal.day = day
        everything = replace(everything, memory=journal.memory("AD"))
        before, ours = self.directory.copy(), self.our_accounts()
        results = provision(
            self.directory,
            lambda held: desire(
                everything, day, self.layout, held, self.identities(everything, day, check),
                failed, check,
            ),
            replace(asked, **request),
            journal,
        )  # fmt: skip
        self._assert_others_unchanged(before, ours)
        return results

    def _remembered(self) -> Remembered:
        return Remembered(self._taken, dict(self._memory))

    def _remember(self, held: Iterable[Entry], everything: Approved) -> None:
        rows = (row for record in everything.records for row in record.staff.people)
        numbers = frozenset(number for row in rows for number in row.numbers)
        seen = seen_ids(tuple(held), self.hsa.layout, numbers)
        others = {n: id for n, id in self._memory.items() if id not in seen.values()}
        self._memory, self._taken = others | seen, self._taken.union(seen.values())

    def forget(self) -> None:
        """Go on as another controller, which has seen nothing yet."""
        self._memory, self._taken = {}, frozenset()

    def _assert_ours(self, operation: Operation) -> None:
        ous = (self.layout.account_ou, self.layout.quarantine_ou)
        members = {
            value
            for change in operation.changes
            if change.attribute == "member"
            for value in (*change.before, *change.delete, *change.add)
        }
        assert all(matching.is_below(member, ous[0]) or matching.is_below(member, ous[1])
                   for member in members), operation  # fmt: skip
        if any(matching.is_below(operation.dn, ou) for ou in (*ous, self.layout.group_ou)):
            return
        assert operation.action == "modify", operation
        assert [change.attribute for change in operation.changes] == ["member"], operation

    # --- what others made ------------------------------------------------------------------------

    def put_account(self, dn: str, name: str | None = None, **attributes: str | Values) -> Entry:
        """An enabled account that somebody else made, named after its DN."""
        common = matching.split_dn(dn)[0][0][1]
        plain: dict[str, Any] = {
            "objectClass": ("top", "person", "organizationalPerson", "user"),
            "sAMAccountName": name or common,
            "userAccountControl": ("ENABLED", "NORMAL_ACCOUNT"),
            "accountExpires": "never (9223372036854775807)",
            "unicodePwd": "set by somebody",
        }
        return self.directory.put(dn, **{**plain, **attributes})

    def put_group(self, dn: str, *members: str, **attributes: str | Values) -> Entry:
        """A group that somebody else made."""
        plain: dict[str, Any] = {
            "objectClass": ("top", "group"),
            "sAMAccountName": matching.split_dn(dn)[0][0][1],
        }
        return self.directory.put(dn, **{**plain, "member": members, **attributes})

    def change(self, entry: Entry, **attributes: str | Values) -> Entry:
        """Change an entry by hand."""
        return self.directory.put(entry.dn, **attributes)

    def disable_by_hand(self, number: str) -> None:
        """What an administrator does to an account."""
        flags = values(self.account(number), "userAccountControl")
        left = tuple(flag for flag in flags if flag != "ENABLED")
        self.change(self.account(number), userAccountControl=left)

    # --- what it holds ---------------------------------------------------------------------------

    def id_of(self, number: str) -> str:
        """The HSA-id of a person, from HSA or from what earlier runs saw there."""
        held = self.hsa.people(number)
        return hsa_id(held[0]) if held else self._memory[number]

    def account(self, number: str) -> Entry:
        """The one account of a person, wherever it lies."""
        (entry,) = self.accounts(number)
        return entry

    def accounts(self, number: str) -> list[Entry]:
        """The accounts with the person's HSA-id."""
        if number not in self._memory and not self.hsa.people(number):
            return []
        id = self.id_of(number)
        return [e for e in self.directory.entries() if values(e, "employeeNumber") == (id,)]

    def is_enabled(self, number: str) -> bool:
        """Whether the person can log in, as far as dates do not forbid it."""
        return "ENABLED" in values(self.account(number), "userAccountControl")

    def is_marked(self, number: str) -> bool:
        """Whether the person's account says that we disabled it."""
        keys = values(self.account(number), self.layout.key_attribute)
        return "halsoval:disabled" in keys

    def groups_of(self, number: str) -> set[str]:
        """The names of the groups that the person's account is in."""
        dn = self.account(number).dn
        return {
            matching.split_dn(e.dn)[0][0][1]
            for e in self.directory.entries()
            if dn in values(e, "member")
        }

    def group(self, name: str) -> Entry:
        """The one group of a name."""
        (entry,) = (
            e for e in self.directory.entries()
            if matching.first_rdn(e.dn) == f"CN={name}" and "group" in values(e, "objectClass")
        )  # fmt: skip
        return entry

    def _assert_others_unchanged(self, before: MemoryDomain, our_accounts: Collection[str]) -> None:
        """Whatever is not ours, or was not, and whom else the groups hold, is as it was."""
        ours = self.our_accounts().union(our_accounts)
        assert self._foreign(self.directory, ours) == self._foreign(before, ours)

    def _foreign(
        self, domain: MemoryDomain, ours: Collection[str]
    ) -> dict[str, dict[str, frozenset[str]]]:
        content = {dn: held for dn, held in domain.content().items() if dn not in ours}
        for dn, held in list(content.items()):
            if any(k.startswith("halsoval:provider/") for k in held.get(self._key, ())):
                del content[dn]
            elif "member" in held:
                content[dn] = {**held, "member": held["member"].difference(ours)}
        return content

    def our_accounts(self) -> frozenset[str]:
        """The DNs of the accounts that carry our key in our OUs."""
        return frozenset(e.dn for e in self.directory.entries() if self._is_our_account(e))

    @property
    def _key(self) -> str:
        return self.layout.key_attribute

    def _is_our_account(self, entry: Entry) -> bool:
        ous = (self.layout.account_ou, self.layout.quarantine_ou)
        return any(matching.is_below(entry.dn, ou) for ou in ous) and any(
            key.startswith("halsoval:person/") for key in values(entry, self._key)
        )
