# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who everybody is: the HSA-ids of all that the records name.

Every system finds people by HSA-id. All modules come to the same ids, also before HSA has the
entries, since they call these functions over the same read.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...engine import matching
from ...engine.plan import Entry, Values
from ...records import claims
from ...records.payload import Approved
from ...records.people import NaturalPerson, Remembered, decided, natural_people
from .findings import person_error
from .holdings import Holdings, ids, index, provider_of_person
from .layout import Layout
from .sites import Commission, Site, commissions, sites


@dataclass(frozen=True)
class Register:
    """All that the records name in HSA; `ids` gives HSA-ids by key, and by number of people.

    `earlier` are the HSA-ids that people had who are not in HSA any more.
    """

    readable: frozenset[str]
    invalid: frozenset[str]
    earlier: Mapping[str, str]
    holdings: Holdings
    people: tuple[NaturalPerson, ...]
    sites: tuple[Site, ...]
    commissions: tuple[Commission, ...]
    ids: Mapping[str, str]


@dataclass(frozen=True)
class Identified:
    """A natural person, and who that is in HSA.

    `ids` are the HSA-ids that HSA has them under, or had; `hsa_id` is the one that holds, None
    where it cannot be told. `entered` says that HSA holds the person, `ours` whether the entry is
    ours or will be (None: nobody knows just now), `archived` that somebody has archived it,
    `confidential` that it hides the person for a provider whose record cannot be read now, and
    `unreadable` are those providers that have the person. `seen` says that an earlier run saw the
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
    def is_protected(self) -> bool:
        """Whether a record hides the person, or HSA does for one that cannot be read now."""
        return self.person.protected or self.confidential

    def may_be_hidden(self, invalid: Collection[str], unread: bool) -> bool:
        """Whether one of the invalid records may name the person.

        HSA tells whom such a record named before. Where HSA is unread, it may be anybody.
        """
        return bool(self.unreadable) or (unread and bool(invalid))


@dataclass(frozen=True)
class Identities:
    """Everybody in the records; `unread` says why HSA could not be read, if it could not."""

    people: tuple[Identified, ...]
    unread: str | None = None


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
    listed = natural_people(approved.records, as_of, layout.lead_days)
    seen = remembered.of(listed)
    people = tuple(
        decided(
            person,
            _ids(person, map(holdings.id, holdings.of_person(person)), seen),
            approved.decisions,
        )
        for person in listed
    )
    units = sites(approved.records, as_of)
    groups = commissions(units, people, holdings.ours)
    reserved = {hsa_id for record in approved.records for *_place, hsa_id in claims.hsa_ids(record)}
    earlier = {
        number: hsa_id
        for number, hsa_id in seen.items()
        if holdings.with_id(hsa_id) is None and hsa_id not in reserved  # else it is somebody's
    }
    named = _named(units, people, groups, holdings)
    given = ids(named, people, holdings, reserved | remembered.ids, earlier)
    readable = frozenset(record.id for record in approved.records)
    return Register(
        readable, approved.invalid, earlier, holdings, people, units, groups, given
    )  # fmt: skip


def identify(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    remembered: Remembered,
) -> Identities:
    """Who everybody is, given what HSA holds. Raises ValueError when no HSA-ids are left."""
    known = register(approved, as_of, layout, held, remembered)
    seen = remembered.of(known.people)
    return Identities(
        tuple(_identified(person, known, seen.get(person.number)) for person in known.people)
    )


def recall(
    approved: Approved, as_of: dt.date, layout: Layout, remembered: Remembered, unread: str
) -> Identities:
    """Who everybody is as far as earlier runs know, where HSA cannot be read."""
    listed = natural_people(approved.records, as_of, layout.lead_days)
    earlier = remembered.of(listed)
    people = (decided(one, _ids(one, (), earlier), approved.decisions) for one in listed)
    known = ((person, earlier.get(person.number)) for person in people)
    return Identities(
        tuple(Identified(p, (i,) if i else (), i, bool(i), ours=None, seen=True) for p, i in known),
        unread,
    )


def seen_ids(held: Sequence[Entry], layout: Layout, numbers: Collection[str]) -> dict[str, str]:
    """The HSA-ids that the directory holds for these personal numbers, each number once."""
    number, hsa_id = layout.name("personalIdentityNumber"), layout.name("hsaIdentity")
    pairs = [
        (matching.numeric(value), entry.first(hsa_id))
        for entry in held
        for value in entry.attributes.get(number, ())
    ]
    times = Counter(form for form, _hsa_id in pairs)
    return {form: found for form, found in pairs if found and form in numbers and times[form] == 1}


def _ids(person: NaturalPerson, in_hsa: Iterable[str], seen: Mapping[str, str]) -> tuple[str, ...]:
    """Every HSA-id that a hold or a grant may name the person by."""
    return tuple(i for i in (*in_hsa, person.hsa_id, seen.get(person.number)) if i)


def _identified(person: NaturalPerson, known: Register, seen: str | None) -> Identified:
    holdings = known.holdings
    entries = holdings.of_person(person)
    lost = known.earlier.get(person.number)
    ids_of_person = [holdings.id(entry) for entry in entries] or ([lost] if lost else [])
    hsa_id = None if person_error(person, holdings) else known.ids.get(person.number)
    return Identified(
        person,
        tuple(dict.fromkeys([*ids_of_person, *([hsa_id] if hsa_id else [])])),
        hsa_id,
        entered=bool(entries),
        ours=all(holdings.may_write(entry, person.hsa_id) for entry in entries),
        archived=any(map(holdings.is_archived, entries)),
        confidential=any(
            holdings.is_confidential(entry)
            and not known.readable.issuperset(map(provider_of_person, holdings.keys(entry)))
            for entry in entries
        ),
        seen=hsa_id is not None and seen == hsa_id,
        unreadable=known.invalid.intersection(
            provider_of_person(key) for entry in entries for key in holdings.keys(entry)
        ),
    )


def _named(
    units: Sequence[Site],
    people: Sequence[NaturalPerson],
    groups: Sequence[Commission],
    holdings: Holdings,
) -> dict[str, str | None]:
    """The keys that need an HSA-id, in the order of writing, with the one that a record names."""
    live = [site for site in units if site.is_live]
    return {
        **{f"provider/{site.record.id}": site.record.agreement.hsa_id for site in live},
        **{site.key: site.unit.hsa_id for site in live},
        **{
            person.number: None if person_error(person, holdings) else person.hsa_id
            for person in people
            if person.current
        },
        **{commission.key: None for commission in groups if commission.is_called_for},
    }
