# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in effect once a run has written, which the next one explains losses by.

It is told person by person: one whose write failed, was refused or waits is as before, and all
others are as the records say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..records.memory import Fact
from .journal import Settled
from .plan import Operation, Plan

Hashes = Mapping[str, frozenset[str]]


def settled(
    plan: Plan,
    done: Sequence[Operation],
    facts: Mapping[str, frozenset[Fact]],
    people: Hashes,
    pending: Mapping[str, bool],
    providers: Iterable[str],
) -> list[Settled]:
    """What is in effect at providers: `facts`, but of those whose access is not as it is to be.

    `people` are the keyed hashes by id. Who is `pending` is as before as long as anything is left
    undone about them; True says that they wait in any case.
    """
    known = {hsa_id.casefold(): hashes for hsa_id, hashes in people.items()}
    left = _Left(plan, done)
    planned = plan.by_provider()
    always = {hsa_id for hsa_id, waits in pending.items() if waits}
    found = []
    for provider in providers:
        operations = planned.get(provider, ())
        undone = left.of(operations) | always
        if pending:
            undone |= left.of(operations, grants=False) & pending.keys()
        besides = (known.get(hsa_id.casefold(), frozenset()) for hsa_id in undone)
        theirs = facts.get(provider, frozenset())
        found.append(Settled(provider, theirs, frozenset().union(*besides)))
    return found


def revealed(done: Iterable[Operation], people: Hashes) -> frozenset[str]:
    """The hashes of those of whom a person confirmed that something holds no more."""
    ids = {operation.subject for operation in done if operation.confirm}
    return frozenset().union(*(people.get(hsa_id, frozenset()) for hsa_id in ids))


class _Left:
    """What was left undone of operations, given those that were done, whole or in part."""

    def __init__(self, plan: Plan, done: Iterable[Operation]) -> None:
        self._attributes = plan.attributes
        self._begun: set[tuple[str, str]] = set()
        self._written: set[tuple[str, str, str, str]] = set()
        for operation in done:
            place = (operation.action, operation.key)
            self._begun.add(place)
            self._written.update((*place, *value) for value in _values(operation))

    def of(self, operations: Iterable[Operation], grants: bool = True) -> frozenset[str]:
        """The ids of those whose access, or anything at all, is not as the operations wish."""
        ids = (hsa_id for operation in operations for hsa_id in self._ids(operation, grants))
        return frozenset(ids)

    def _ids(self, operation: Operation, grants: bool) -> Iterator[str]:
        place = (operation.action, operation.key)
        names = operation.action in ("add", "rename")
        if names and place not in self._begun:
            yield operation.subject
        for name, value in _values(operation):
            attribute = self._attributes[name]
            counts = bool(attribute.grants) or not grants
            if counts and (*place, name, value) not in self._written:
                yield attribute.named(value) if attribute.names_objects else operation.subject


def _values(operation: Operation) -> Iterator[tuple[str, str]]:
    for change in operation.changes:
        for value in (*change.delete, *change.add):
            yield change.attribute, value
