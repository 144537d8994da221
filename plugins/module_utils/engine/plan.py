# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what must change, as operations with before and after.

A system's desired state is a sequence of `Wanted` entries, each with the entry that the system
holds for it today. A plan is pure: making it reads nothing and writes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Literal

from . import matching

Values = tuple[str, ...]

# The level of what is done when all else is; lower levels come after higher ones there.
_AFTER_ALL = 1000


def present(values: Iterable[str | None]) -> Values:
    """The values that are there."""
    return tuple(value for value in values if value)


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values that a system stores become those that a plan compares, and back.

    Nothing is lost on the way: `encode` gives what `decode` was given.
    """

    decode: Callable[[Values], Values]
    encode: Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Attribute:
    """How values of an attribute compare, and what losing one means.

    `rule` says which values a server takes for one; of an attribute that people read (`shown`)
    such a value is corrected where it is spelled otherwise.
    `grants` says who loses something when a value goes: the person whom the value names (a
    member's HSA-id), or what else it `names`, the entry itself, the person whose entry it is, the
    people whom the entry lets in (`Wanted.members`), or nobody; `named` gives the id that a value
    names. Where
    `any_grants`, one value is as good as another, and only the last one's going is a loss. `ours`
    limits the comparison to values that we set; others are left alone. Values of a `secret`
    attribute are never shown. `made` makes the value of an attribute that can be written and not
    read: a plan holds something in its place.
    """

    name: str
    rule: matching.Rule = matching.case_ignore
    shown: bool = False
    grants: Literal["value", "entry", "person", "members"] | None = None
    ours: frozenset[str] | None = None
    secret: bool = False
    refers: bool = False
    named: Callable[[str], str] = str
    names: str = "person"
    any_grants: bool = False
    codec: Codec | None = None
    made: Callable[[], str] | None = None

    @property
    def names_objects(self) -> bool:
        """Whether values name other objects, by their ids."""
        return self.refers or self.grants == "value"

    def form(self, value: str) -> str:
        """The form that values share of which none is to be corrected to another."""
        return matching.spelled(value) if self.shown else self.rule(value)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as a system holds it: attributes by their canonical names.

    `address` is a name that it keeps when it is moved, where the system has such names.
    """

    dn: str
    attributes: Mapping[str, Values]
    address: str = ""

    def first(self, name: str) -> str | None:
        """The first value of an attribute, or None."""
        values = self.attributes.get(name, ())
        return values[0] if values else None


@lru_cache(maxsize=4096)
def _one_of(providers: frozenset[str]) -> frozenset[str]:
    return providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An entry that a system must hold.

    Only the attributes named are compared; () means that the attribute must be absent. `rdns` are
    the relative DNs that serve, the preferred one first. `parent` is a DN, or the `key` of another
    wanted entry. `level` orders the writes: lower levels first.

    `dated` holds the values that an approved record ended by a date: their going is no surprise to
    the guard. Of an attribute that grants nothing it may also hold values that come with such an
    end. `takes` are the objects that lose something when it is made, as a person does by an order
    to revoke a card; `explained` says that a record names a date for that, `is_final` that nobody
    can call it back. `members` are the HSA-ids of those whom the entry lets in, today and when it
    is as wanted. `at_once` is what a hold takes: it is done whichever providers are asked for.
    `confirm` is why a person must confirm what of it no date explains. `is_counted` says whether
    it is one of what there is: an order that another has ended is not. It comes `after` all that is
    planned of the entries with these keys, and is left where any of that is. `is_tidying` says that
    nobody's access hangs on it. `place` is the DN below which it must lie, where it is to be moved;
    `is_gone` says that the system must hold it no more.
    """

    key: str
    kind: str
    id: str
    level: int
    parent: str
    rdns: Values
    attributes: Mapping[str, Values]
    providers: frozenset[str]
    held: Entry | None = None
    dated: Mapping[str, Collection[str]] = field(default_factory=dict)
    confidential: bool = False
    takes: frozenset[tuple[str, str]] = frozenset()
    explained: bool = False
    is_final: bool = False
    members: frozenset[str] = frozenset()
    at_once: bool = False
    confirm: str = ""
    is_counted: bool = True
    after: frozenset[str] = frozenset()
    is_tidying: bool = False
    place: str = ""
    is_gone: bool = False

    def __post_init__(self) -> None:
        """Share what is the same, values with what is held: a nation's twice take too much."""
        theirs = self.held.attributes if self.held else {}
        shared = {
            name: theirs[name] if theirs.get(name) == values else values
            for name, values in self.attributes.items()
        }
        object.__setattr__(self, "attributes", shared)
        object.__setattr__(self, "providers", _one_of(self.providers))


@dataclass(frozen=True, slots=True)
class Change:
    """What one attribute loses and gains; `dated` are the values that a date explains."""

    attribute: str
    before: Values
    delete: Values
    add: Values
    dated: frozenset[str] = frozenset()

    def of(self, ids: Collection[str], attribute: Attribute) -> Change:
        """The change of the values that name these ids; of an attribute that names none, whole."""
        if not attribute.names_objects:
            return self
        delete, add = (
            tuple(value for value in values if attribute.named(value) in ids)
            for values in (self.delete, self.add)
        )
        return replace(self, delete=delete, add=add)

    def part(self, dated: bool) -> Change:
        """The change with what a date explains alone, or without it."""
        delete, add = (
            tuple(value for value in values if (value in self.dated) is dated)
            for values in (self.delete, self.add)
        )
        return replace(self, delete=delete, add=add)

    def without_taking(self, attribute: Attribute) -> Change:
        """The change without the values that go without a date, and are not spelled anew."""
        added = set(map(attribute.rule, self.add))
        goes = (v for v in self.delete if v in self.dated or attribute.rule(v) in added)
        return replace(self, delete=tuple(goes))

    def naming(self, ids: Collection[str], attribute: Attribute, others: bool = False) -> Change:
        """The change of the values that name these ids, or of all `others`.

        Values that a date explains count as others.
        """

        def is_chosen(value: str) -> bool:
            named = (
                attribute.names_objects
                and value not in self.dated
                and attribute.named(value) in ids
            )
            return named is not others

        delete, add = (tuple(filter(is_chosen, values)) for values in (self.delete, self.add))
        return replace(self, delete=delete, add=add)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One write: add, modify, rename, move or delete an entry.

    `dn` is the entry's name when its turn comes; `held_dn` the one it has before the plan;
    `address` one that it never loses, where the system has such names. A rename takes the values of
    the old name from the entry, unless it `keeps_values`; a move brings it below `new_parent`.
    Where `once_left` is a DN, it is done only if a rename of the same run has taken that name from
    another entry.
    """

    action: Literal["add", "modify", "rename", "move", "delete"]
    key: str
    kind: str
    id: str
    level: int
    dn: str
    providers: frozenset[str]
    changes: tuple[Change, ...] = ()
    new_rdn: str = ""
    new_parent: str = ""
    keeps_values: bool = False
    once_left: str = ""
    held_dn: str = ""
    address: str = ""
    confidential: bool = False
    takes: frozenset[tuple[str, str]] = frozenset()
    explained: bool = False
    is_final: bool = False
    members: frozenset[str] = frozenset()
    at_once: bool = False
    confirm: str = ""
    after: frozenset[str] = frozenset()
    is_tidying: bool = False

    @property
    def subject(self) -> str:
        """The id of whom or what it is about; an order's own key stands after it."""
        return self.id.partition(" ")[0]

    @property
    def new_dn(self) -> str:
        """The entry's name once the operation is done."""
        if not (self.new_rdn or self.new_parent):
            return self.dn
        rdn = self.new_rdn or matching.first_rdn(self.dn)
        return f"{rdn},{self.new_parent or matching.parent(self.dn)}"

    @property
    def turn(self) -> tuple[int, int]:
        """When it is done: its level, and within that renames before and moves after all else."""
        return self.level, {"rename": 0, "move": 2}.get(self.action, 1)

    def dated_part(self) -> Operation | None:
        """The operation with nothing but what a date explains, or None.

        It is what is done of a refused plan, so no rename of that plan comes before it.
        """
        if self.takes and self.explained:
            return self
        if self.action != "modify":
            return None
        part = self._with(change.part(dated=True) for change in self.changes)
        return replace(part, dn=self.held_dn) if part else None

    def undated_part(self) -> Operation | None:
        """The operation without what a date explains, or None."""
        if self.takes and self.explained:
            return None
        if not any(change.dated for change in self.changes):
            return self
        return self._with(change.part(dated=False) for change in self.changes)

    def without(
        self, ids: Collection[str], attributes: Mapping[str, Attribute]
    ) -> Operation | None:
        """The operation without the added references to objects that are not there, or None."""
        if not ids:
            return self
        return self._with(
            replace(change, add=tuple(v for v in change.add if attribute.named(v) not in ids))
            if (attribute := attributes[change.attribute]).refers
            else change
            for change in self.changes
        )

    def about(self, ids: Collection[str], attributes: Mapping[str, Attribute]) -> Operation | None:
        """The part that a person must confirm: about objects with these ids, or naming them.

        None where there is none. What names them in an entry that is yet to be added comes once
        that is there.
        """
        if self.confirm or self.subject in ids:
            return self
        if self.action != "modify":
            return None
        return self._with(
            change.naming(ids, attributes[change.attribute]) for change in self.changes
        )

    def of(self, ids: Collection[str], attributes: Mapping[str, Attribute]) -> Operation | None:
        """What of it these objects need, or None: what names others is left out.

        An entry that names them is added with what it is; one that is there is changed as far as it
        names them.
        """
        if self.subject in ids:
            return self
        changes = [(change, attributes[change.attribute]) for change in self.changes]
        naming = [(c, a) for c, a in changes if a.names_objects and c.of(ids, a) != _nothing(c)]
        if not naming:
            return None
        return self._with(c.of(ids, a) for c, a in (changes if self.action == "add" else naming))

    def once_added(
        self, ids: Collection[str], attributes: Mapping[str, Attribute]
    ) -> Operation | None:
        """What names them in an entry that is yet to be added: a change of it, once it is there."""
        if self.action != "add" or self.about(ids, attributes):
            return None
        changes = (c.naming(ids, attributes[c.attribute]) for c in self.changes)
        return replace(self, action="modify")._with(changes)

    def beside(self, ids: Collection[str], attributes: Mapping[str, Attribute]) -> Operation | None:
        """What is left without the part that a person must confirm, or None.

        What a date explains is never left out.
        """
        if self.confirm or self.subject in ids:
            return self.dated_part()
        return self._with(
            change.naming(ids, attributes[change.attribute], others=True) for change in self.changes
        )

    def _with(self, changes: Iterable[Change]) -> Operation | None:
        left = tuple(change for change in changes if change.add or change.delete)
        return replace(self, changes=left) if left or self.action != "modify" else None


def _nothing(change: Change) -> Change:
    return replace(change, delete=(), add=())


@dataclass(frozen=True, slots=True)
class Plan:
    """All operations of a run, in the order of writing."""

    operations: tuple[Operation, ...]
    attributes: Mapping[str, Attribute]

    def by_provider(self) -> dict[str, tuple[Operation, ...]]:
        """The operations of every provider; a shared person's belong to each of theirs."""
        grouped: dict[str, list[Operation]] = {}
        for operation in self.operations:
            for provider in operation.providers:
                grouped.setdefault(provider, []).append(operation)
        return {provider: tuple(operations) for provider, operations in grouped.items()}

    def of(self, ids: Collection[str]) -> Plan:
        """What these objects need, and nothing else."""
        parts = (operation.of(ids, self.attributes) for operation in self.operations)
        return replace(self, operations=tuple(part for part in parts if part))

    def giving_part(self, operation: Operation) -> Operation | None:
        """The operation without what it takes undated, or None where the two are no two things.

        So it is of an order, and of an attribute whose values are one to the system, such as flags:
        what comes with them may stand for what they take.
        """
        taking = [c for c in operation.changes if self.losses(replace(operation, changes=(c,)))]
        codecs = [self.attributes[change.attribute].codec for change in taking]
        if operation.takes or operation.action != "modify" or any(codecs):
            return None
        return operation._with(
            change.without_taking(self.attributes[change.attribute]) if change in taking else change
            for change in operation.changes
        )

    def gives(self, operation: Operation) -> bool:
        """Whether somebody gets something by an operation."""
        return any(c.add and self.attributes[c.attribute].grants for c in operation.changes)

    def losses(self, operation: Operation) -> frozenset[tuple[str, str]]:
        """(kind, id) of every object that loses something without a date that says so."""
        lost = set() if operation.explained else set(operation.takes)
        for change in operation.changes:
            if not change.delete:
                continue
            attribute = self.attributes[change.attribute]
            added = set(map(attribute.rule, change.add))
            undated = [
                value
                for value in change.part(dated=False).delete
                if attribute.rule(value) not in added  # else it is spelled otherwise, no more
            ]
            if attribute.any_grants and (change.add or set(change.before) > set(change.delete)):
                continue
            if attribute.grants == "value":
                lost.update((attribute.names, attribute.named(value)) for value in undated)
            elif attribute.grants == "members" and undated:
                lost.update(("person", member) for member in operation.members)
            elif attribute.grants and undated:
                kind = "person" if attribute.grants == "person" else operation.kind
                lost.add((kind, operation.id))
        return frozenset(lost)


def make_plan(
    wanted: Sequence[Wanted], attributes: Iterable[Attribute], taken: Iterable[str] = ()
) -> Plan:
    """The operations that turn what is held into what is wanted.

    `taken` are the DNs of entries that are not in `wanted`: no new name may be one of them.
    """
    schema = {attribute.name: attribute for attribute in attributes}
    names = _Names(wanted, taken)
    operations = [
        operation
        for entry in sorted(wanted, key=lambda entry: entry.level)
        for operation in _operations(entry, names, schema)
    ]
    operations += _to_names_left(names)
    operations.sort(key=lambda op: op.turn)
    return Plan(tuple(operations), schema)


def plan_hash(operations: Iterable[Operation], secret: bytes) -> str:
    """A short name for exactly these operations, "" for none.

    What a date explains counts only where there is nothing else: it is done when the rest is
    refused too, and the refusal's hash must still name that rest in the next run.

    It is keyed: a plan holds personal numbers, and there are few enough of those that an unkeyed
    hash in a log could be tried against all of them. Whoever writes has the key.
    """
    everything = tuple(operations)
    undated = tuple(part for op in everything if (part := op.undated_part()))
    lines = [
        json.dumps(
            [
                op.action,
                op.key,
                op.dn,
                op.new_rdn or op.new_parent,
                [[c.attribute, sorted(c.delete), sorted(c.add)] for c in op.changes],
            ],
            ensure_ascii=False,
        )
        for op in undated or everything
    ]
    if not lines:
        return ""
    return hmac.new(
        secret, "\n".join(lines).encode("utf-8", "surrogateescape"), hashlib.sha256
    ).hexdigest()[:16]


class _Names:
    """Gives every wanted entry its DN: the held one where it serves, else one that is free."""

    def __init__(self, wanted: Sequence[Wanted], taken: Iterable[str]) -> None:
        self._wanted = {entry.key: entry for entry in wanted}
        self._dns: dict[str, str] = {}
        self._others = taken

    def final(self, entry: Wanted) -> str:
        """The DN that the entry has when the plan is carried out."""
        if entry.key not in self._dns:
            self._dns[entry.key] = self._choose(entry)
        return self._dns[entry.key]

    def current(self, entry: Wanted, held: Entry) -> str:
        """The DN of a held entry once its parents are renamed.

        One that lies elsewhere, as an entry that was taken over may, stays there.
        """
        parent = self._wanted.get(entry.parent)
        if parent is None or parent.held is None:
            return held.dn
        if not _same(matching.parent(held.dn), parent.held.dn):
            return held.dn
        return f"{matching.first_rdn(held.dn)},{self.final(parent)}"

    def left(self) -> Iterator[tuple[Wanted, str]]:
        """The entries whose preferred name another one leaves by this plan, with the DN it leaves.

        They cannot have it before: two that swap their names would wait for each other.
        """
        short = [
            (entry, base, today)
            for entry in self._wanted.values()
            if len(entry.rdns) > 1 and not self._is_preferred(entry)
            for base, today in [self._places(entry)]
        ]
        leaving = {matching.distinguished_name(dn): dn for dn in self._leaving()} if short else {}
        kept = self._kept() if leaving else set()
        for entry, *places in short:
            here, there = (
                matching.distinguished_name(f"{entry.rdns[0]},{place}") for place in places
            )
            if here in leaving and kept.isdisjoint((here, there)):
                kept.add(here)
                yield entry, leaving[here]

    def _is_preferred(self, entry: Wanted) -> bool:
        return _same(matching.first_rdn(self.final(entry)), entry.rdns[0])

    def _leaving(self) -> Iterator[str]:
        """The names that entries leave by a rename of this plan."""
        for entry in self._wanted.values():
            if entry.held is not None:
                current = self.current(entry, entry.held)
                if not _same(current, self.final(entry)):
                    yield current

    def _kept(self) -> set[str]:
        """The names that are taken once everything is renamed."""
        form = matching.distinguished_name
        held = {form(entry.held.dn) for entry in self._wanted.values() if entry.held}
        return {
            *map(form, map(self.final, self._wanted.values())),
            *set(map(form, self._others)) - held,
        }

    def _choose(self, entry: Wanted) -> str:
        held = self.current(entry, entry.held) if entry.held else ""
        if held and not entry.rdns:
            return held
        base, today = self._places(entry)
        for name in entry.rdns:
            if held and _same(matching.first_rdn(held), name):
                return held if matching.alike(matching.first_rdn(held), name) else f"{name},{base}"
            both = {matching.distinguished_name(f"{name},{place}") for place in (base, today)}
            if self._taken.isdisjoint(both):
                self._taken.update(both)
                return f"{name},{base}"
        return f"{entry.rdns[-1]},{base}"

    def _places(self, entry: Wanted) -> tuple[str, str]:
        """The DN above the entry and that DN today: a rename brings along what lies below."""
        if entry.held is not None:
            return matching.parent(self.current(entry, entry.held)), matching.parent(entry.held.dn)
        parent = self._wanted.get(entry.parent)
        if parent is None:
            return entry.parent, entry.parent
        base = self.final(parent)
        return base, parent.held.dn if parent.held else base

    @cached_property
    def _taken(self) -> set[str]:
        # A name that an entry leaves by a rename of this plan counts as taken still: the server
        # refuses it until the rename is done.
        held = (entry.held.dn for entry in self._wanted.values() if entry.held)
        return {matching.distinguished_name(dn) for dn in (*self._others, *held)}


def _same(dn: str, other: str) -> bool:
    # Nearly always spelled alike, and taking a name apart is slow.
    return dn == other or matching.distinguished_name(dn) == matching.distinguished_name(other)


def _write(entry: Wanted, dn: str) -> Operation:
    held = entry.held
    return Operation(
        action="modify",
        key=entry.key,
        kind=entry.kind,
        id=entry.id,
        level=entry.level,
        dn=dn,
        providers=entry.providers,
        held_dn=held.dn if held else "",
        address=held.address if held else "",
        confidential=entry.confidential,
        takes=entry.takes,
        explained=entry.explained,
        is_final=entry.is_final,
        members=entry.members,
        at_once=entry.at_once,
        confirm=entry.confirm,
        after=entry.after,
        is_tidying=entry.is_tidying,
    )


def _operations(entry: Wanted, names: _Names, schema: Mapping[str, Attribute]) -> list[Operation]:
    dn, held = names.final(entry), entry.held
    write = _write(entry, dn)
    if entry.is_gone:
        return [replace(write, action="delete")] if held else []
    if held is None:
        return [replace(write, action="add", changes=_changes(entry, Entry(dn, {}), schema))]
    operations = []
    current = names.current(entry, held)
    if dn != current:
        name = matching.first_rdn(dn)
        keeps = _keeps_values(current, name)
        rename = replace(write, action="rename", dn=current, new_rdn=name, keeps_values=keeps)
        operations.append(rename)
        held = _renamed(held, rename)
    changes = _changes(entry, held, schema)
    if changes:
        operations.append(replace(write, changes=changes))
    if entry.place and not _same(matching.parent(dn), entry.place):
        operations.append(replace(write, action="move", new_parent=entry.place))
    return operations


def _to_names_left(names: _Names) -> Iterator[Operation]:
    """Renames to what entries were to be called, once those that had the names have left them."""
    for entry, left in names.left():
        dn = names.final(entry)
        yield replace(
            _write(entry, dn), action="rename", level=_AFTER_ALL - entry.level, once_left=left,
            new_rdn=entry.rdns[0], keeps_values=_keeps_values(dn, entry.rdns[0]),
        )  # fmt: skip


def _keeps_values(dn: str, rdn: str) -> bool:
    """Whether an attribute leaves an entry's name, and is to stay in the entry.

    So it is with the HSA-id that told two units of one name apart: HSA demands it of them.
    """
    old, new = (
        {kind.casefold() for kind, _value in matching.split_dn(name)[0]}
        for name in (matching.first_rdn(dn), rdn)
    )
    return not old <= new


def _renamed(held: Entry, rename: Operation) -> Entry:
    """The entry as a rename leaves it: the server moves the values of the RDN itself."""
    attributes = dict(held.attributes)
    names = {name.casefold(): name for name in attributes}
    if not rename.keeps_values:
        for kind, old in matching.split_dn(matching.first_rdn(held.dn))[0]:
            name = names.get(kind.casefold(), kind)
            attributes[name] = _without(attributes.get(name, ()), old)
    for kind, new in matching.split_dn(rename.new_rdn)[0]:
        values = attributes.get(kind, ())
        # A server leaves a value that is there already as it is spelled (seen with slapd 2.5).
        if len(_without(values, new)) == len(values):
            attributes[kind] = (*values, new)
    return replace(held, attributes=attributes)


def _without(values: Values, gone: str) -> Values:
    form = matching.case_ignore(gone)
    return tuple(value for value in values if matching.case_ignore(value) != form)


def _changes(entry: Wanted, held: Entry, schema: Mapping[str, Attribute]) -> tuple[Change, ...]:
    changes = []
    for name, values in entry.attributes.items():
        before = held.attributes.get(name, ())
        if before == values:
            continue
        dated = entry.dated.get(name, ())
        if not before and len(values) == 1 and not dated:  # as of most of a new entry
            changes.append(Change(name, (), (), values))
            continue
        change = _compare(schema[name], before, values, dated)
        if change is not None:
            changes.append(change)
    return tuple(changes)


def _compare(
    attribute: Attribute, before: Values, after: Values, dated: Collection[str]
) -> Change | None:
    rule, form = attribute.rule, attribute.form
    wanted = {rule(value): value for value in after}
    right = set(map(form, wanted.values()))
    ours = attribute.ours and {*map(rule, attribute.ours), *wanted}
    delete = tuple(
        value
        for value in before
        if form(value) not in right and (ours is None or rule(value) in ours)
    )
    held = set(map(form, before))
    add = tuple(value for value in wanted.values() if form(value) not in held)
    if not delete and not add:
        return None
    forms = set(map(rule, dated)).difference(wanted if attribute.grants else ())
    explicable = delete if attribute.grants else (*delete, *add)
    explained = frozenset(value for value in explicable if rule(value) in forms)
    return Change(attribute.name, before, delete, add, explained)
