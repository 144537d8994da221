# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Active Directory in memory: what it does, and refuses, otherwise than slapd does."""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import (
    Layout,
    schema,
    searches,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Entry,
    Operation,
    Values,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import (
    MemoryDirectory,
    Refused,
    normal,
)

# What AD adds to the class that an add names.
_CLASSES = {
    "user": ("top", "person", "organizationalPerson", "user"),
    "group": ("top", "group"),
}
# rangeUpper in AD's schema; of sAMAccountName the limit that AD sets itself for users.
_LONGEST = {
    "sAMAccountName": 20, "givenName": 64, "middleName": 64, "sn": 64, "displayName": 256,
    "title": 128, "mail": 256, "telephoneNumber": 64, "company": 64, "department": 64,
    "employeeNumber": 512, "userPrincipalName": 1024,
}  # fmt: skip
_MULTIPLE = frozenset(
    (
        "objectClass", "member", "altSecurityIdentities", "userAccountControl", "extensionName",
        "description", "proxyAddresses", "otherMobile", "otherTelephone", "otherMailbox",
    )
)  # fmt: skip
_ADDRESS = "<GUID="

_numbers = count(1)


class MemoryDomain(MemoryDirectory):
    """A domain that is read by the searches of a layout. Bits and moments are held decoded."""

    name = "domain"
    unique = ("sAMAccountName", "userPrincipalName")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        ous = (layout.account_ou, layout.quarantine_ou, layout.group_ou)
        self.single_valued = frozenset(a.name for a in schema(layout)) - _MULTIPLE
        super().__init__((layout.base_dn, *ous), schema(layout))

    # --- for tests -------------------------------------------------------------------------------

    def put(self, dn: str, **attributes: str | Values) -> Entry:
        """Hold an entry that somebody else made, or change one by hand."""
        entry = self._completed(super().put(dn, **attributes))
        self._entries[normal(dn)] = entry
        return entry

    def remove(self, dn: str) -> None:
        """Lose an entry that somebody deleted by hand, and every membership of it."""
        gone = normal(dn)
        super().remove(dn)
        for form, entry in self._entries.items():
            members = entry.attributes.get("member", ())
            left = tuple(member for member in members if normal(member) != gone)
            if left != members:
                self._entries[form] = replace(
                    entry, attributes={**entry.attributes, "member": left}
                )

    def entries(self) -> tuple[Entry, ...]:
        """Everything it holds, with all attributes."""
        return tuple(self._entries.values())

    def copy(self) -> MemoryDomain:
        """A domain with the same entries."""
        other = MemoryDomain(self.layout)
        other._entries = dict(self._entries)
        return other

    # --- a system of the pipe --------------------------------------------------------------------

    def read(self) -> tuple[Entry, ...]:
        """What the searches find; of an entry what the last of them asks for."""
        found: dict[str, Entry] = {}
        for base, wanted, names, *scope in searches(self.layout):
            assert isinstance(names, tuple)
            found.update((e.dn, e) for e in self._found(str(base), str(wanted), names, *scope))
        return tuple(found.values())

    def _found(
        self, base: str, wanted: str, names: Values, scope: object = "SUBTREE"
    ) -> Iterator[Entry]:
        assert "unicodePwd" not in names, "nobody can read it"
        root = normal(base)
        below = "," + root if scope == "SUBTREE" else root
        for form, entry in self._entries.items():
            if (form == root or form.endswith(below)) and _matches(wanted, entry):
                groups = self._groups_of(form) if "memberOf" in names else ()
                attributes = {**entry.attributes, "memberOf": groups}
                held = {n: attributes[n] for n in names if attributes.get(n)}
                yield replace(entry, attributes=held)

    def _groups_of(self, form: str) -> Values:
        """The back link of `member`, which AD makes itself."""
        return tuple(
            group.dn
            for group in self._entries.values()
            if form in map(normal, group.attributes.get("member", ()))
        )

    def _move(self, operation: Operation) -> None:
        """Move an entry; what names it names it where it lies then."""
        there = normal(self._held(operation.address).dn)
        super()._move(operation)
        here = self._held(operation.address).dn
        for form, entry in self._entries.items():
            held = entry.attributes.get("member", ())
            members = tuple(here if normal(member) == there else member for member in held)
            if members != held:
                attributes = {**entry.attributes, "member": members}
                self._entries[form] = replace(entry, attributes=attributes)

    def _carry_out(self, operation: Operation) -> None:
        # Somebody may move it after it was read.
        assert operation.action == "add" or operation.address, "an entry is called by its address"
        super()._carry_out(operation)

    def _born(self, entry: Entry) -> Entry:
        classes = _CLASSES[entry.attributes["objectClass"][-1]]
        return self._completed(
            replace(entry, attributes={**entry.attributes, "objectClass": classes})
        )

    def _completed(self, entry: Entry) -> Entry:
        """The entry with its name as an attribute, and what it keeps: an address, a group's SID."""
        ((rdn, name),) = matching.split_dn(entry.dn)[0]
        address = entry.address or f"{_ADDRESS}{uuid.UUID(int=next(_numbers))}>"
        sid = f"S-1-5-21-1-2-3-{1000 + zlib.crc32(normal(entry.dn).encode())}"
        own = {"objectSid": (sid,)} if "group" in entry.attributes.get("objectClass", ()) else {}
        attributes = {**own, **entry.attributes, rdn: (name,)}
        return replace(entry, attributes=attributes, address=address)

    def _check_schema(self, held: Mapping[str, Values]) -> None:
        for name, most in _LONGEST.items():
            longest = max(map(len, held.get(name, ())), default=0)
            is_user = "user" in held.get("objectClass", ())
            if longest > most and (is_user or name != "sAMAccountName"):
                raise Refused(f"constraintViolation: {name} is too long")
        if not held.get("sAMAccountName"):
            raise Refused("objectClassViolation: sAMAccountName is missing")
        if re.search(r'["/\\\[\]:;|=,+*?<>]', held["sAMAccountName"][0]):
            raise Refused("invalidAttributeSyntax: sAMAccountName")
        flags = held.get("userAccountControl", ())
        if "ENABLED" in flags and "unicodePwd" not in held:
            raise Refused("unwillingToPerform: 0000052D: an enabled account needs a password")
        for member in held.get("member", ()):
            if normal(member) not in self._entries:
                raise Refused("noSuchObject: the member is not there")

    def _held(self, dn: str) -> Entry:
        if not dn.startswith(_ADDRESS):
            return super()._held(dn)
        for entry in self._entries.values():
            if entry.address == dn:
                return entry
        raise Refused("noSuchObject")


def _matches(wanted: str, entry: Entry) -> bool:
    """Whether an entry matches a search filter of presence, equality, and, or (RFC 4515)."""
    inner = wanted[1:-1]
    if inner[0] in "&|":
        parts = re.findall(r"\([^()]*\)", inner)
        return (all if inner[0] == "&" else any)(_matches(part, entry) for part in parts)
    name, _equals, value = inner.partition("=")
    held = [matching.case_ignore(one) for one in entry.attributes.get(name, ())]
    return bool(held) if value == "*" else matching.case_ignore(value) in held
