# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory in memory that does, and refuses, what slapd with the HSA schema does (RFC 4511).

It shows whether a plan does what it says: an operation that a server would refuse fails here too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Change,
    Entry,
    Operation,
    Values,
)

SINGLE_VALUED = frozenset(
    (
        "hsaIdentity",
        "personalIdentityNumber",
        "orgNo",
        "startDate",
        "endDate",
        "hsaResponsibleHealthCareProvider",
        "hsaCommissionPurpose",
    )
)
UNIQUE = ("hsaIdentity", "personalIdentityNumber")
STRUCTURAL = {
    "organizationalUnit": ("ou", "hsaIdentity"),
    "person": ("cn", "sn", "fullName", "hsaIdentity"),
    "hsaCommission": ("cn", "hsaIdentity", "hsaCommissionPurpose"),
}
MUST = {
    **STRUCTURAL,
    "hsaHealthCareProvider": ("orgNo",),
    "hsaHealthCareUnit": ("hsaResponsibleHealthCareProvider",),
}


class Killed(BaseException):
    """Not an Exception: nothing in the pipe may catch it, as nothing catches SIGKILL."""


class Refused(Exception):
    """A result code other than success."""


class MemoryDirectory:
    """A system of the pipe. `refuses` gives the reason why an operation must fail, or None.

    `calls` are the operations of each call of `apply`. Whoever writes is killed when so many
    operations as `dies_after` says are done.
    """

    name = "memory"
    single_valued = SINGLE_VALUED
    unique: tuple[str, ...] = UNIQUE

    def __init__(
        self,
        bases: Iterable[str],
        attributes: Iterable[Attribute],
        refuses: Callable[[Operation], str | None] = lambda operation: None,
    ) -> None:
        self._rules = {attribute.name: attribute.rule for attribute in attributes}
        self._entries: dict[str, Entry] = {}
        self.refuses = refuses
        self.calls: list[tuple[Operation, ...]] = []
        self.dies_after: int | None = None
        for base in bases:
            self._entries[normal(base)] = Entry(base, {})

    # --- for tests -------------------------------------------------------------------------------

    def put(self, dn: str, **attributes: str | Values) -> Entry:
        """Hold an entry that somebody else made, or change one by hand; () takes a value away."""
        held = self._entries.get(normal(dn), Entry(dn, {}))
        given: dict[str, Values] = {
            name: (values,) if isinstance(values, str) else values
            for name, values in attributes.items()
        }
        attributes = {n: v for n, v in {**held.attributes, **given}.items() if v}
        entry = replace(held, attributes=attributes)
        self._entries[normal(dn)] = entry
        return entry

    def remove(self, dn: str) -> None:
        """Lose an entry that somebody deleted by hand."""
        del self._entries[normal(dn)]

    def content(self) -> dict[str, dict[str, frozenset[str]]]:
        """Everything it holds, to compare."""
        return {
            entry.dn: {name: frozenset(values) for name, values in entry.attributes.items()}
            for entry in self._entries.values()
        }

    def copy(self) -> MemoryDirectory:
        """A directory with the same entries and rules."""
        other = MemoryDirectory((), ())
        other._rules, other._entries = self._rules, dict(self._entries)
        return other

    # --- a system of the pipe --------------------------------------------------------------------

    def read(self) -> tuple[Entry, ...]:
        """What a search for (hsaIdentity=*) finds."""
        return tuple(e for e in self._entries.values() if "hsaIdentity" in e.attributes)

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        """Carry out the operations, each for itself."""
        self.calls.append(tuple(operations))
        failed = {}
        for operation in operations:
            if self.dies_after == 0:
                raise Killed
            if self.dies_after is not None:
                self.dies_after -= 1
            try:
                reason = self.refuses(operation)
                if reason:
                    raise Refused(reason)
                self._carry_out(operation)
            except Refused as refused:
                failed[operation] = refused.args[0]
        return failed

    def _carry_out(self, operation: Operation) -> None:
        if operation.action == "add":
            self._add(operation)
        elif operation.action == "modify":
            entry = self._held(operation.address or operation.dn)
            self._store(replace(entry, attributes=self._modified(entry, operation.changes)))
        elif operation.action == "delete":
            self.remove(self._held(operation.address or operation.dn).dn)
        elif operation.action == "move":
            self._move(operation)
        else:
            self._rename(operation)

    def _add(self, operation: Operation) -> None:
        if normal(operation.dn) in self._entries:
            raise Refused("entryAlreadyExists")
        self._held(matching.parent(operation.dn))
        empty = Entry(operation.dn, {})
        new = replace(empty, attributes=self._modified(empty, operation.changes))
        self._store(self._born(new))

    def _born(self, entry: Entry) -> Entry:
        """A new entry with what the server itself gives it."""
        return entry

    def _rename(self, operation: Operation) -> None:
        entry = self._held(operation.dn)
        dn = f"{operation.new_rdn},{matching.parent(operation.dn)}"
        if normal(dn) in self._entries and normal(dn) != normal(entry.dn):
            raise Refused("entryAlreadyExists")
        # The values of the old name go, unless asked otherwise (deleteoldrdn).
        pairs = () if operation.keeps_values else matching.split_dn(entry.dn)[0]
        old = {(name, self._form(name, value)) for name, value in pairs}
        attributes = {
            name: tuple(v for v in values if (name, self._form(name, v)) not in old)
            for name, values in entry.attributes.items()
        }
        for name, value in matching.split_dn(dn)[0]:
            if self._form(name, value) not in self._forms(name, attributes.get(name, ())):
                attributes[name] = (*attributes.get(name, ()), value)
        renamed = self._checked(replace(entry, dn=dn, attributes=attributes), entry.dn)
        del self._entries[normal(entry.dn)]
        for moved in [e for e in self._entries.values() if matching.is_below(e.dn, entry.dn)]:
            new_dn = moved.dn[: -len(entry.dn)] + dn
            del self._entries[normal(moved.dn)]
            self._entries[normal(new_dn)] = replace(moved, dn=new_dn)
        self._entries[normal(dn)] = renamed

    def _move(self, operation: Operation) -> None:
        entry = self._held(operation.address or operation.dn)
        dn = f"{matching.first_rdn(entry.dn)},{operation.new_parent}"
        self._held(operation.new_parent)
        if normal(dn) in self._entries:
            raise Refused("entryAlreadyExists")
        del self._entries[normal(entry.dn)]
        self._entries[normal(dn)] = replace(entry, dn=dn)

    def _modified(self, entry: Entry, changes: Iterable[Change]) -> dict[str, Values]:
        attributes = dict(entry.attributes)
        for change in changes:
            values = {
                self._form(change.attribute, v): v for v in attributes.get(change.attribute, ())
            }
            for value in change.delete:
                if values.pop(self._form(change.attribute, value), None) is None:
                    raise Refused("noSuchAttribute")
            for value in change.add:
                if self._form(change.attribute, value) in values:
                    raise Refused("attributeOrValueExists")
                if not value:
                    raise Refused("invalidAttributeSyntax")
                values[self._form(change.attribute, value)] = value
            attributes[change.attribute] = tuple(values.values())
        return attributes

    def _store(self, entry: Entry) -> None:
        self._entries[normal(entry.dn)] = self._checked(entry, entry.dn)

    def _checked(self, entry: Entry, replaced: str) -> Entry:
        """The entry if it may stand in the place of the replaced one."""
        held = {name: values for name, values in entry.attributes.items() if values}
        for name, value in matching.split_dn(entry.dn)[0]:
            if self._form(name, value) not in self._forms(name, held.get(name, ())):
                raise Refused("notAllowedOnRDN")
        for name in self.single_valued:
            if len(held.get(name, ())) > 1:
                raise Refused(f"constraintViolation: {name} is single-valued")
        self._check_schema(held)
        unique = {n: f for n in self.unique if (f := self._forms(n, held.get(n, ())))}
        old = normal(replaced)
        for dn, other in self._entries.items():
            for name, forms in unique.items() if dn != old else ():
                if forms & self._forms(name, other.attributes.get(name, ())):
                    raise Refused(f"constraintViolation: {name} is taken")
        return replace(entry, attributes=held)

    def _check_schema(self, held: Mapping[str, Values]) -> None:
        """Raise Refused where the attributes do not go together."""
        classes = set(held.get("objectClass", ()))
        if len(STRUCTURAL.keys() & classes) != 1:
            raise Refused("objectClassViolation: not one structural class")
        missing = {name for kind in classes for name in MUST.get(kind, ())} - held.keys()
        if missing:
            raise Refused(f"objectClassViolation: {sorted(missing)} are missing")

    def _held(self, dn: str) -> Entry:
        if normal(dn) not in self._entries:
            raise Refused("noSuchObject")
        return self._entries[normal(dn)]

    def _form(self, name: str, value: str) -> str:
        return _form(self._rules.get(name, matching.case_ignore), value)

    def _forms(self, name: str, values: Iterable[str]) -> set[str]:
        return {self._form(name, value) for value in values}


# Few different values, very many times, and each takes long to bring into its form.
@lru_cache(maxsize=65536)
def _form(rule: matching.Rule, value: str) -> str:
    return rule(value)


def normal(dn: str) -> str:
    """The form that equal DNs share."""
    return _form(matching.distinguished_name, dn)
