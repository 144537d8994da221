# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the HSA directory holds today, and the keys that tell what of it is ours.

Keys tell our objects and whom they belong to: "provider/<id>", "unit/<id>/<unit>",
"commission/<id>/<unit>/<digest>", and on a person one "person/<id>" for every provider whose
record names them. Beside them stands a mark where a run has archived the entry.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...engine import matching
from ...engine.plan import Entry
from ...records.model import Assignment, Record
from ...records.people import NaturalPerson
from .layout import REFERENCES, Layout

# Beside the keys of an entry: a run has archived it, and so may take it into use again.
ARCHIVED_BY_US = "archived/halsoval"


@dataclass(frozen=True)
class Holdings:
    """The directory's entries, found by key, HSA-id and personal number.

    Ours are the entries that carry our key and lie in our branches: `our_people`, and all others
    by key in `ours`. `doubled` are the keys that more than one entry carries, `doubled_ids` such
    HSA-ids. These, HSA-ids in `by_id` and numbers in `by_number` stand in the form that equal ones
    share.
    """

    layout: Layout
    ours: Mapping[str, Entry]
    doubled: frozenset[str]
    by_id: Mapping[str, Entry]
    doubled_ids: frozenset[str]
    by_number: Mapping[str, tuple[Entry, ...]]
    our_people: tuple[Entry, ...]
    not_ours: tuple[Entry, ...]
    used_ids: frozenset[str]

    def keys(self, entry: Entry) -> tuple[str, ...]:
        """An entry's keys, without our mark."""
        keys = entry.attributes.get(self.layout.key_attribute, ())
        return tuple(key for key in keys if key != ARCHIVED_BY_US)

    def id(self, entry: Entry) -> str:
        """An entry's HSA-id."""
        return entry.first(self.layout.name("hsaIdentity")) or ""

    def with_id(self, hsa_id: str | None) -> Entry | None:
        """The entry that has an HSA-id, whatever its case."""
        return self.by_id.get(matching.case_ignore(hsa_id)) if hsa_id else None

    def is_doubled(self, entry: Entry) -> bool:
        """Whether another entry has the same HSA-id, in whatever case."""
        return matching.case_ignore(self.id(entry)) in self.doubled_ids

    def is_ours(self, entry: Entry) -> bool:
        """Whether the entry is one that we made or took over."""
        return bool(self.keys(entry)) and self.is_in_our_branches(entry)

    def may_write(self, entry: Entry, recorded_id: str | None) -> bool:
        """Whether the entry is ours, or lies in our branches and the record takes it over."""
        return self.is_ours(entry) or (
            self.is_in_our_branches(entry) and entry is self.with_id(recorded_id)
        )

    def is_confidential(self, entry: Entry) -> bool:
        """Whether the entry is that of a protected person."""
        return self._has_class(entry, "hsaConfidentialPerson")

    def hides(self, person: NaturalPerson) -> bool:
        """Whether a record protects the person, or did, or HSA hides them."""
        is_hidden = any(map(self.is_confidential, self.of_person(person)))
        return person.protected or person.was_protected or is_hidden

    def is_archived(self, entry: Entry) -> bool:
        """Whether the entry is archived, whoever did it."""
        return self._has_class(entry, "hsaArchivedObject")

    def is_archived_by_us(self, entry: Entry) -> bool:
        """Whether a run has archived the entry."""
        keys = entry.attributes.get(self.layout.key_attribute, ())
        return self.is_archived(entry) and ARCHIVED_BY_US in keys

    def is_archived_by_others(self, entry: Entry) -> bool:
        """Whether somebody has archived the entry: only they take it into use again."""
        return self.is_archived(entry) and not self.is_archived_by_us(entry)

    def is_unit(self, entry: Entry) -> bool:
        """Whether the entry is that of a unit, whatever else it is."""
        return self._has_class(entry, "hsaHealthCareUnit")

    def _has_class(self, entry: Entry, national: str) -> bool:
        name = self.layout.name(national).casefold()
        return name in map(str.casefold, entry.attributes.get("objectClass", ()))

    def is_in_our_branches(self, entry: Entry) -> bool:
        """Whether the entry lies where we may write."""
        branches = (self.layout.provider_branch, self.layout.people_branch)
        return any(matching.is_below(entry.dn, branch) for branch in branches)

    def commissions(self) -> tuple[Entry, ...]:
        """Every entry that has members, with our key and without, wherever it lies."""
        members = self.layout.name("hsaCommissionMember")
        return tuple(entry for entry in self._everything if members in entry.attributes)

    def sites(self) -> tuple[Entry, ...]:
        """Every entry of a provider or a unit, with our key and without, wherever it lies."""
        return tuple(
            entry
            for entry in self._everything
            if self.is_unit(entry) or self._has_class(entry, "hsaHealthCareProvider")
        )

    @cached_property
    def _everything(self) -> tuple[Entry, ...]:
        everything = (*self.ours.values(), *self.our_people, *self.not_ours)
        return tuple({entry.dn: entry for entry in everything}.values())

    @cached_property
    def members_at(self) -> Mapping[str, frozenset[str]]:
        """The providers in whose commissions of ours somebody is a member, by HSA-id."""
        found: dict[str, set[str]] = defaultdict(set)
        members = self.layout.name("hsaCommissionMember")
        for key, entry in self.ours.items():
            if unit := unit_of_commission(key):
                for member in entry.attributes.get(members, ()):
                    found[matching.case_ignore(member)].add(unit.split("/")[1])
        return {member: frozenset(providers) for member, providers in found.items()}

    def keys_at(self, dn: str) -> tuple[str, ...]:
        """The keys of the entry of ours that has a DN."""
        return self._keys_by_dn.get(matching.distinguished_name(dn), ())

    @cached_property
    def _keys_by_dn(self) -> Mapping[str, tuple[str, ...]]:
        return {matching.distinguished_name(e.dn): self.keys(e) for e in self.ours.values()}

    def of_person(self, person: NaturalPerson) -> tuple[Entry, ...]:
        """The entries with the person's number; more than one is an error in the directory.

        The HSA-id that a record names does not make an entry theirs: it may be mistyped.
        """
        numbers = sorted(person.numbers)
        if len(numbers) == 1:  # as of nearly everybody, and asked of everybody many times
            return self.by_number.get(numbers[0], ())
        found = {entry.dn: entry for number in numbers for entry in self.by_number.get(number, ())}
        return tuple(found.values())


def index(entries: Sequence[Entry], layout: Layout) -> Holdings:
    """Sort out what a complete read returned."""
    ours: dict[str, Entry] = {}
    doubled: set[str] = set()
    by_number: dict[str, tuple[Entry, ...]] = {}
    our_people, not_ours = [], []
    empty = Holdings(layout, {}, frozenset(), {}, frozenset(), {}, (), (), frozenset())
    for entry in entries:
        for number in entry.attributes.get(layout.name("personalIdentityNumber"), ()):
            form = matching.numeric(number)
            if entry not in by_number.get(form, ()):
                by_number[form] = (*by_number.get(form, ()), entry)
        keys = empty.keys(entry)
        if not empty.is_ours(entry):
            not_ours.append(entry)
        elif all(key.startswith("person/") for key in keys):
            our_people.append(entry)
        else:
            doubled.update(ours.keys() & set(keys))
            ours.update(dict.fromkeys(keys, entry))
    by_id = {matching.case_ignore(empty.id(entry)): entry for entry in entries}
    times = Counter(matching.case_ignore(empty.id(entry)) for entry in entries)
    doubled_ids = frozenset(form for form, count in times.items() if form and count > 1)
    used = frozenset((*map(empty.id, entries), *_references(entries, layout)))
    return Holdings(
        layout, ours, frozenset(doubled), by_id, doubled_ids, by_number,
        tuple(our_people), tuple(not_ours), used,
    )  # fmt: skip


def provider_key(provider: str) -> str:
    """The key of a provider."""
    return f"provider/{provider}"


def person_key(provider: str) -> str:
    """The key of a person for one of the providers whose records name them."""
    return f"person/{provider}"


def provider_of_person(key: str) -> str:
    """The provider that a person's key names."""
    return key.removeprefix("person/")


def unit_of_commission(key: str) -> str | None:
    """The key of the unit that a commission's key belongs to; None for keys of other kinds."""
    kind, _slash, rest = key.partition("/")
    return "unit/" + rest.rpartition("/")[0] if kind == "commission" else None


def unit_key(record: Record, unit: str) -> str:
    """The key of a unit."""
    return f"unit/{record.id}/{unit}"


def commission_key(record: Record, assignment: Assignment) -> str:
    """The key of the commission that an assignment calls for: per unit, purpose and rights."""
    text = "\n".join((assignment.purpose or "", *sorted(set(assignment.rights))))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"commission/{record.id}/{assignment.unit}/{digest}"


def _references(entries: Iterable[Entry], layout: Layout) -> Iterable[str]:
    """Ids that entries point at: one whose own entry is gone was used all the same."""
    return (
        value
        for entry in entries
        for name in REFERENCES
        for value in entry.attributes.get(layout.name(name), ())
    )
