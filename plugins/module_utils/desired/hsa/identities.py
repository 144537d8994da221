# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who everybody is in HSA, by a read of it, or by what earlier runs saw there."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence

from ...engine import matching
from ...engine.plan import Entry
from ...records.payload import Approved
from ...records.people import NaturalPerson, Remembered, decided, natural_people
from ..people.identified import Identified, Identities
from .holdings import provider_of_person
from .layout import Layout
from .pending import pending, recalled
from .register import Register, known_ids, register


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
        tuple(_identified(person, known, seen.get(person.number)) for person in known.people),
        pending=pending(known, approved.memory),
        entered=known.entered(),
        hashes=known.hashes(approved.memory),
        confidential=known.hidden(),
    )


def recall(
    approved: Approved, as_of: dt.date, layout: Layout, remembered: Remembered, unread: str
) -> Identities:
    """Who everybody is as far as earlier runs know, where HSA cannot be read."""
    listed = natural_people(approved.records, as_of, layout.lead_days, approved.memory)
    earlier = remembered.of(listed)
    people = (decided(one, known_ids(one, (), earlier), approved.decisions) for one in listed)
    known = [(person, earlier.get(person.number)) for person in people]
    return Identities(
        tuple(Identified(p, (i,) if i else (), i, bool(i), ours=None, seen=True) for p, i in known),
        unread,
        recalled([p for p, _id in known], remembered.by_number, approved.memory),
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


def _identified(person: NaturalPerson, known: Register, seen: str | None) -> Identified:
    holdings = known.holdings
    entries = holdings.of_person(person)
    lost = known.earlier.get(person.number)
    ids_of_person = [holdings.id(entry) for entry in entries] or ([lost] if lost else [])
    hsa_id = None if person.number in known.wrong else known.ids.get(person.number)
    return Identified(
        person,
        tuple(dict.fromkeys([*ids_of_person, *([hsa_id] if hsa_id else [])])),
        hsa_id,
        entered=bool(entries),
        ours=all(holdings.may_write(entry, person.hsa_id) for entry in entries),
        archived=any(map(holdings.is_archived_by_others, entries)),
        confidential=any(map(holdings.is_confidential, entries)),
        seen=hsa_id is not None and seen == hsa_id,
        unreadable=known.invalid.intersection(
            provider_of_person(key) for entry in entries for key in holdings.keys(entry)
        ),
    )
