# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who everybody is: what the systems that follow HSA are told of each person.

HSA's wing finds it out. AD, cards and services go by it, and know nothing of HSA's entries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ...engine.plan import Values
from ...engine.provision import Desired
from ...records.memory import Memory
from ...records.people import NaturalPerson
from .pending import Pending, with_memory


@dataclass(frozen=True)
class Identified:
    """A natural person, and who that is in HSA.

    `ids` are the HSA-ids that HSA has them under, or had; `hsa_id` is the one that holds, None
    where it cannot be told. `entered` says that HSA holds the person, `ours` whether the entry is
    ours or will be (None: nobody knows just now), `archived` that somebody else has archived it,
    `confidential` that it hides the person, and `unreadable` are those providers that have the
    person whose records cannot be read now. `seen` says that an earlier run saw the
    person under this id.
    """

    person: NaturalPerson
    ids: Values
    hsa_id: str | None
    entered: bool = False
    ours: bool | None = True
    archived: bool = False
    confidential: bool = False
    seen: bool = False
    unreadable: frozenset[str] = frozenset()

    @property
    def folded_ids(self) -> frozenset[str]:
        """The HSA-ids in small letters."""
        return frozenset(hsa_id.casefold() for hsa_id in self.ids)

    @property
    def all_ids(self) -> Values:
        """The HSA-ids, the one that holds first."""
        return tuple(dict.fromkeys(i for i in (self.hsa_id, *self.ids) if i))

    def spelled(self, folded_id: str) -> str:
        """As HSA spells it, the one of the HSA-ids that is this in small letters."""
        return next(hsa_id for hsa_id in self.all_ids if hsa_id.casefold() == folded_id)

    @property
    def is_protected(self) -> bool:
        """Whether a record hides the person, or HSA does, until a person confirms otherwise."""
        return self.person.protected or self.person.was_protected or self.confidential

    def may_be_hidden(self, invalid: Collection[str], unread: bool) -> bool:
        """Whether one of the invalid records may name the person.

        HSA tells whom such a record named before. Where HSA is unread, it may be anybody.
        """
        return bool(self.unreadable) or (unread and bool(invalid))


@dataclass(frozen=True)
class Identities:
    """Everybody in the records; `unread` says why HSA could not be read, if it could not.

    `pending` says of whom nothing is written until a person confirms it. `entered` are the HSA-ids
    of those whom we have entered, `hashes` the keyed hashes of the numbers that HSA has of them,
    and `confidential` those, case folded, whom HSA or a record hides.
    """

    people: tuple[Identified, ...]
    unread: str | None = None
    pending: Pending = field(default_factory=Pending)
    entered: frozenset[str] = frozenset()
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    confidential: frozenset[str] = frozenset()

    @property
    def hidden(self) -> frozenset[str]:
        """The HSA-ids, case folded, of all who are protected, or may be."""
        protected = [one for one in self.people if one.is_protected]
        named = {one.person.hsa_id.casefold() for one in protected if one.person.hsa_id}
        return self.confidential.union(
            self.may_be_protected, named, *(one.folded_ids for one in protected)
        )

    @property
    def may_be_protected(self) -> frozenset[str]:
        """The HSA-ids, case folded, of those one of whom a row protects, nobody knows which."""
        return frozenset(hsa_id.casefold() for hsa_id in self.pending.hidden)

    def nameable(self, invalid: Collection[str]) -> frozenset[str]:
        """The HSA-ids, case folded, of those whose names nothing hides, nor may hide.

        `invalid` are the providers whose records cannot be read now.
        """
        if self.unread:
            return frozenset()
        hidden = {
            hsa_id
            for one in self.people
            if one.is_protected or one.may_be_hidden(invalid, unread=False)
            for hsa_id in one.folded_ids
        }
        return frozenset(i for one in self.people for i in one.folded_ids) - hidden


def remembering(
    desired: Desired, pending: Pending, identities: Identities, memory: Memory
) -> Desired:
    """What a system that follows HSA must hold, with who is pending and what to remember."""
    known = ((one.person, one.all_ids) for one in identities.people)
    return with_memory(desired, pending, known, identities.entered, identities.hashes, memory)
