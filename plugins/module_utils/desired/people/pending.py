# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of whom nothing is written until a person confirms it: somebody else may stand in the row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...engine.provision import Desired
from ...records.memory import Memory
from ...records.people import NaturalPerson, PersonName, facts

NEW_NUMBER = "the row has another personal number, which the record does not call the same person's"
LINKED = "one record alone calls its person the one whom another provider has under another number"
OTHER_NAME = "given name and surname both differ from those that the system has"
HIDDEN = "the identity is protected, so no name tells whether the new row is about the same person"
REVEALED = "no record says any more that the identity is protected"


# Given name and surname, case folded.
Name = tuple[str, str]


@dataclass(frozen=True)
class Pending:
    """The reasons by HSA-id, and the keyed hashes of the numbers of those people.

    `hidden` are the HSA-ids of those who may be somebody who is protected.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def also(self, reasons: Mapping[str, str]) -> Pending:
        """The same with further reasons."""
        return Pending({**reasons, **self.reasons}, self.people, self.hidden)


def with_memory(
    desired: Desired,
    pending: Pending,
    known: Iterable[tuple[NaturalPerson, Iterable[str]]],
    entered: Iterable[str],
    gone: Mapping[str, frozenset[str]],
    memory: Memory,
) -> Desired:
    """The same with who is pending, and what is in effect for the next run to know.

    `known` is everybody with their HSA-ids; `entered` are those of whom we have entered in HSA, and
    `gone` the hashes by HSA-id of others whom we had entered.
    """
    people = [(person, tuple(ids)) for person, ids in known]
    hashes = {
        hsa_id: frozenset(map(memory.digest, person.numbers))
        for person, ids in people
        for hsa_id in ids
    }
    return replace(
        desired,
        pending=pending.reasons,
        people={**gone, **hashes, **pending.people},
        facts=facts((person for person, _ids in people), memory),
        witnesses=frozenset(f"person {hsa_id}" for hsa_id in entered),
    )


def names_to_hide(people: Iterable[NaturalPerson]) -> frozenset[Name]:
    """The names of those people: while an identity waits, another entry may have one of them."""
    return frozenset(_name(r.given_name, r.surname) for person in people for r in person.listed)


def beside_protected(
    misnamed: Iterable[NaturalPerson], hidden: Iterable[NaturalPerson]
) -> Iterator[NaturalPerson]:
    """Those of the misnamed of whom one may be a hidden person of the same provider.

    Names may have changed rows.
    """
    hiding = {e.provider for p in hidden for e in p.employments}
    for person in misnamed:
        if not hiding.isdisjoint(e.provider for e in person.employments):
            yield person


def is_named(given: str | None, surname: str | None, names: Collection[Name]) -> bool:
    """Whether a system has one of the names."""
    return bool(given and surname) and _name(given or "", surname or "") in names


def _name(given: str, surname: str) -> Name:
    return given.casefold(), surname.casefold()


def has_another_name(given: str | None, surname: str | None, names: Iterable[PersonName]) -> bool:
    """Whether a system has a name of which neither part is one that the records give."""
    if not given or not surname:
        return False
    return all(
        given.casefold() != name.given.casefold() and surname.casefold() != name.surname.casefold()
        for name in names
    )
