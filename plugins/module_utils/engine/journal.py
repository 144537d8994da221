# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is noted of every write: that it is about to be made, and what came of it.

A run that is killed leaves intents without an outcome. The next one closes them by what the system
holds then. An intent names its object and the attributes; of their values it holds a keyed digest
at most, so nothing personal lies on a disk.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ..records.memory import Fact
from . import matching
from .guard import Past
from .plan import Attribute, Change, Entry, Operation, present

# How values are compared; another text here, and earlier proofs tell nothing any more.
_COMPARED = "as spelled"


class JournalError(Exception):
    """The journal cannot be read or written. The text can be shown."""


class Unsettled(str):
    """Why nobody knows yet whether a write was made. Its intent stays open for the next run."""


class NoRight(str):
    """Why a write was refused: the account that the run binds as has no right to it."""


@dataclass(frozen=True, slots=True)
class Intended:
    """A write that is about to be made.

    `provider`, `attributes` and `plan` are lists joined by commas; `object` is the kind and the
    HSA-id, or the id, of what is written; `proof` tells later whether it was.
    """

    provider: str
    object: str
    operation: str
    attributes: str
    plan: str
    proof: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A write of an earlier run without an outcome, by its number in the audit log."""

    number: int
    proof: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What a provider's objects are in effect, as a run has left them, for the memory.

    It takes the place of what was remembered of the provider: of everybody `besides` those people.
    People are named by keyed hashes. `is_last` says whether the run counts as the provider's last.
    """

    provider: str
    facts: frozenset[Fact]
    besides: frozenset[str] = frozenset()
    is_last: bool = True

    def after(self, known: AbstractSet[Fact]) -> frozenset[Fact]:
        """What is remembered then, of what was `known` before.

        A protection stays. So do links between numbers of whom the record does not name any more.
        """
        told = frozenset(fact for fact in self.facts if fact.person not in self.besides)
        present = {fact.person for fact in told}
        return told | {
            fact
            for fact in known
            if fact.person in self.besides
            or fact.is_protection
            or (fact.is_link and fact.person not in present)
        }


class Journal(Protocol):
    """What the pipe needs of the ledger. All methods raise JournalError."""

    def exclusive(self, system: str) -> AbstractContextManager[None]:
        """Be the only writer of a system."""

    def unfinished(self, system: str) -> Sequence[Intent]:
        """The intents of earlier runs that have no outcome."""

    def intend(self, system: str, intents: Sequence[Intended]) -> Sequence[int]:
        """Note what is about to be written; returns the intents' numbers."""

    def conclude(self, results: Mapping[int, str]) -> None:
        """Note what came of intents, by their numbers."""

    def past(self, system: str, witnesses: Collection[str], marked: int) -> Past:
        """What earlier runs, and other systems in this one, leave the guard of a system.

        There is an alarm where the journal does not know of all `witnesses`, "<kind> <id>": objects
        that we have made; or knows of nothing in a system that holds objects `marked` as ours.
        """

    def judged(self, system: str, notes: Past) -> None:
        """Note what a run is about to take without a date, whom it refuses, and what it read.

        `sizes` is empty where what was read must not count as right.
        """

    def protect(self, system: str, protections: Mapping[str, Collection[Fact]]) -> None:
        """Note who is protected, by provider: besides whom the journal knows already."""

    def remember(self, system: str, settled: Sequence[Settled], revealed: Collection[str]) -> None:
        """Note what a run put in effect, and the hashes of those who are protected no more."""

    def confirm(self, system: str, confirmed: Mapping[str, Sequence[str]]) -> None:
        """Note the hashes by provider that a person confirmed, before they are carried out."""

    def spare(self, system: str, unused: Mapping[str, Sequence[str]]) -> None:
        """Note those by which nothing was done after all: they count the next time."""

    def vouch(self, system: str, witnesses: Collection[str], marked: int) -> None:
        """Note that the journal is right as it is: there is no alarm, or a person overruled it."""


def intended(
    operation: Operation,
    hashes: Mapping[str, str],
    attributes: Mapping[str, Attribute],
    secret: bytes,
) -> Intended:
    """What the journal holds of an operation; `hashes` are the plans' by provider."""
    providers = sorted(operation.providers)
    return Intended(
        provider=",".join(providers),
        object=f"{operation.kind} {operation.id}",
        operation=operation.action,
        attributes=",".join(change.attribute for change in operation.changes),
        plan=",".join(dict.fromkeys(hashes[p] for p in providers if hashes.get(p))),
        proof=json.dumps(_proof(operation, attributes, secret)),
    )


def found(
    intents: Sequence[Intent],
    held: Iterable[Entry],
    attributes: Mapping[str, Attribute],
    secret: bytes,
) -> dict[int, str]:
    """What came of intents, by what the system holds now: found done, found undone, or unclear."""
    if not intents:
        return {}
    entries = {
        _digest(_normal(name), secret): entry
        for entry in held
        for name in (entry.dn, entry.address)
        if name
    }
    return {
        intent.number: _verdict(json.loads(intent.proof), entries, attributes, secret)
        for intent in intents
    }


def _proof(
    operation: Operation, attributes: Mapping[str, Attribute], secret: bytes
) -> dict[str, list[str]]:
    """Where the entry lies, and one value that the write brings and one that it takes.

    A server carries out a write whole or not at all (RFC 4511 section 4.6), so one of each tells.
    """
    action, changes = operation.action, operation.changes
    names = [_normal(operation.address or operation.dn)]
    if operation.action in ("rename", "move"):
        names = [_normal(operation.dn), _normal(operation.new_dn)]
        if names[0] == names[1]:  # another spelling: the values of the name tell
            action, changes = "modify", (*_respelled(operation),)
    proof: dict[str, list[str]] = {action: [_digest(name, secret) for name in names]}
    proof["key"] = [_digest(_COMPARED, secret)]
    if action == "modify":
        for witness in ("add", "delete"):
            values = (
                [change.attribute, _digest(attributes[change.attribute].form(value), secret)]
                for change in changes
                for value in getattr(change, witness)
            )
            proof |= {f"{witness}s": one for one in [next(values, [])] if one}
    return proof


def _respelled(rename: Operation) -> Iterator[Change]:
    """What a rename changes that gives an entry another spelling of its name."""
    old, new = (dict(matching.split_dn(dn)[0]) for dn in (rename.dn, rename.new_dn))
    for kind, value in new.items():
        if old.get(kind) != value:
            yield Change(kind, (), present([old.get(kind)]), (value,))


def _verdict(
    proof: Mapping[str, Sequence[str]],
    entries: Mapping[str, Entry],
    attributes: Mapping[str, Attribute],
    secret: bytes,
) -> str:
    # The ledger's secret is another one, or the way to compare.
    if proof["key"] != [_digest(_COMPARED, secret)]:
        return "unclear"
    if "add" in proof:
        return "found done" if proof["add"][0] in entries else "found undone"
    if "delete" in proof:
        return "found undone" if proof["delete"][0] in entries else "found done"
    if places := proof.get("rename") or proof.get("move"):
        old, new = (digest in entries for digest in places)
        return "found undone" if old else "found done" if new else "unclear"
    entry = entries.get(proof["modify"][0])
    if entry is None:
        return "unclear"
    # A value to add is to be there now, one to delete is not.
    done = {
        _holds(entry, proof[witness], attributes, secret) is (witness == "adds")
        for witness in ("adds", "deletes")
        if witness in proof
    }
    if len(done) != 1:
        return "unclear"
    return "found done" if done.pop() else "found undone"


def _holds(
    entry: Entry, witness: Sequence[str], attributes: Mapping[str, Attribute], secret: bytes
) -> bool:
    name, digest = witness
    form = attributes[name].form if name in attributes else str
    return any(_digest(form(value), secret) == digest for value in entry.attributes.get(name, ()))


def _normal(name: str) -> str:
    """The form that equal DNs share. Taking one apart is slow, and most need no more than case."""
    plain = not any(mark in name for mark in ("\\", "+", '"', "  ", ", ", " ,", "= ", " ="))
    return name.casefold() if plain else matching.distinguished_name(name)


def _digest(text: str, secret: bytes) -> str:
    content = text.encode("utf-8", "surrogateescape")
    return hmac.digest(secret, content, hashlib.sha256)[:12].hex()
