# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the records name in HSA, with the HSA-id that each has there or is given.

Every system finds people by HSA-id. All modules come to the same ids, also before HSA has the
entries, since they call `register` over the same read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...engine import matching
from ...engine.plan import Entry
from ...records import claims
from ...records.memory import Memory
from ...records.one_person import linked
from ...records.payload import Approved
from ...records.people import NaturalPerson, Remembered, allocate, decided, natural_people
from .findings import person_error
from .holdings import Holdings, index, provider_key
from .layout import Layout
from .sites import Commission, Site, commissions, sites


@dataclass(frozen=True)
class Register:
    """All that the records name in HSA; `ids` gives HSA-ids by key, and by number of people.

    `earlier` are the HSA-ids that people had who are not in HSA any more. `wrong` says by number
    why a person's entry cannot be told or written.
    """

    readable: frozenset[str]
    invalid: frozenset[str]
    earlier: Mapping[str, str]
    wrong: Mapping[str, str]
    holdings: Holdings
    people: tuple[NaturalPerson, ...]
    sites: tuple[Site, ...]
    commissions: tuple[Commission, ...]
    ids: Mapping[str, str]

    def hashes(self, memory: Memory) -> dict[str, frozenset[str]]:
        """The keyed hashes of the numbers of all whom we have entered, by HSA-id."""
        name = self.holdings.layout.name("personalIdentityNumber")
        return {
            self.holdings.id(entry): frozenset(
                memory.digest(matching.numeric(number)) for number in entry.attributes.get(name, ())
            )
            for entry in self.holdings.our_people
        }

    def entered(self) -> frozenset[str]:
        """The HSA-ids of the people whom we have entered, of those in the records."""
        entries = (e for person in self.people for e in self.holdings.of_person(person))
        return frozenset(self.holdings.id(e) for e in entries if self.holdings.is_ours(e))

    def hidden(self) -> frozenset[str]:
        """The HSA-ids, case folded, of those whom a record protects, or whom HSA hides."""
        holdings = self.holdings
        protected = [person for person in self.people if person.protected]
        entries = [e for e in holdings.by_id.values() if holdings.is_confidential(e)]
        entries += [entry for person in protected for entry in holdings.of_person(person)]
        named = [i for p in protected for i in (p.hsa_id, self.ids.get(p.number)) if i]
        return frozenset(i.casefold() for i in (*named, *map(holdings.id, entries)))


def register(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    remembered: Remembered,
) -> Register:
    """What the records name, with the id that each has in HSA or is given.

    Raises ValueError when no HSA-ids are left.
    """
    holdings = index(held, layout)
    approved = _linked(approved, holdings)
    listed = natural_people(approved.records, as_of, layout.lead_days, approved.memory)
    seen = remembered.of(listed)
    people = tuple(
        decided(
            person,
            known_ids(person, map(holdings.id, holdings.of_person(person)), seen),
            approved.decisions,
        )
        for person in listed
    )
    units = sites(approved.records, as_of, approved.memory.days)
    groups = commissions(units, people, holdings.ours)
    reserved = {hsa_id for record in approved.records for *_place, hsa_id in claims.hsa_ids(record)}
    wrong = _wrong(people, holdings, remembered)
    # Whose id another row names by mistake has it still.
    mistaken = {person.hsa_id for person in people if person.number in wrong}
    earlier = _earlier(seen, holdings, reserved - mistaken)
    named = _named(units, people, groups, wrong)
    given = _ids(named, people, holdings, reserved | remembered.ids, earlier)
    readable = frozenset(record.id for record in approved.records)
    return Register(
        readable, approved.invalid, earlier, wrong, holdings, people, units, groups, given
    )


def _linked(approved: Approved, holdings: Holdings) -> Approved:
    """The records with what the memory knows of numbers that are one person's."""
    rows = ((record.id, row) for record in approved.records for row in record.staff.people)
    successors = approved.memory.successors(rows, holdings.by_number)
    return replace(approved, records=linked(approved.records, successors))


def _wrong(
    people: Iterable[NaturalPerson], holdings: Holdings, remembered: Remembered
) -> dict[str, str]:
    errors = ((person.number, person_error(person, holdings, remembered)) for person in people)
    return {number: message for number, message in errors if message}


def known_ids(
    person: NaturalPerson, in_hsa: Iterable[str], seen: Mapping[str, str]
) -> tuple[str, ...]:
    """Every HSA-id that a hold or a grant may name the person by."""
    return tuple(i for i in (*in_hsa, person.hsa_id, seen.get(person.number)) if i)


def _named(
    units: Sequence[Site],
    people: Sequence[NaturalPerson],
    groups: Sequence[Commission],
    wrong: Collection[str],
) -> dict[str, str | None]:
    """The keys that need an HSA-id, in the order of writing, with the one that a record names."""
    live = [site for site in units if site.is_live]
    return {
        **{provider_key(site.record.id): site.record.agreement.hsa_id for site in live},
        **{site.key: site.unit.hsa_id for site in live},
        **{
            person.number: None if person.number in wrong else person.hsa_id
            for person in people
            if person.current
        },
        **{commission.key: None for commission in groups if commission.is_called_for},
    }


def _earlier(
    seen: Mapping[str, str], holdings: Holdings, reserved: Collection[str]
) -> dict[str, str]:
    """The ids that people had, by number, which are nobody's and nothing's now."""
    return {
        number: hsa_id
        for number, hsa_id in seen.items()
        if holdings.with_id(hsa_id) is None and hsa_id not in reserved
    }


def _ids(
    named: Mapping[str, str | None],
    people: Sequence[NaturalPerson],
    holdings: Holdings,
    reserved: Collection[str],
    earlier: Mapping[str, str],
) -> dict[str, str]:
    """The HSA-id of everything that is to be entered, by key; of people by personal number.

    `named` are the keys in the order in which entries are written, with the id that the record
    names, if it does. An id comes from the directory, else from the record, else it is the
    `earlier` one of a person, else it is given out. `reserved` are all ids that any record names or
    an earlier run saw: nothing else may get one of them.
    """
    held = {key: holdings.id(entry) for key, entry in holdings.ours.items()}
    held |= {
        person.number: holdings.id(entry)
        for person in people
        for entry in holdings.of_person(person)[:1]
    }
    recorded = {key: hsa_id for key, hsa_id in named.items() if hsa_id}
    known = {**earlier, **recorded, **held}
    missing = [key for key in named if key not in known]
    used = holdings.used_ids.union(reserved)
    return {**known, **allocate(missing, used, holdings.layout.hsa_id_prefix)}
