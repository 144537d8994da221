# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is archived in HSA, in which order, and what waits: people, then units, then providers.

It is worked out anew on every run, from the records, HSA and the cards of the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...engine import matching
from ...engine.plan import Entry, Values
from ...engine.provision import Finding
from ...records.model import Record
from ...records.people import NaturalPerson
from ...records.words import some_of
from ..people.cards_out import CardsOut
from .holdings import Holdings, provider_key, provider_of_person
from .register import Register
from .sites import Site

# The kinds of entries, in the order in which they are archived.
PERSON, UNIT, PROVIDER = "person", "unit", "provider"


@dataclass(frozen=True, slots=True)
class Departure:
    """An entry of ours that is to be archived, since a date has ended what it stands for.

    `last_day` is that of a unit or a provider; a person's entry has it already. `waits` says what
    for, in words; empty where it is done in this run. It comes `after` what is planned of the
    entries with these keys.
    """

    kind: str
    key: str
    entry: Entry
    providers: frozenset[str]
    waits: Values = ()
    after: frozenset[str] = frozenset()
    last_day: dt.date | None = None


@dataclass(frozen=True)
class Departures:
    """Everybody and everything that is to be archived, by key; of people by number.

    `untold` are those whose cards no run has looked after, by provider.
    """

    people: dict[str, Departure] = field(default_factory=dict)
    sites: dict[str, Departure] = field(default_factory=dict)
    untold: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def ready(self) -> Iterator[Departure]:
        """Those that wait for nothing, of units and providers."""
        return (one for one in self.sites.values() if not one.waits)

    def findings(self, holdings: Holdings) -> Iterator[Finding]:
        """What waits, for what, since when and from whom."""
        for provider, ids in self.untold.items():
            yield Finding(
                provider, "archive_waits", provider,
                f"{some_of(ids)}: archived once a run has looked after the provider's cards, since "
                "nobody knows until then whether any is out",
            )  # fmt: skip
        for one in (*self.people.values(), *self.sites.values()):
            for provider in sorted(one.providers) if one.waits else ():
                said = f"archived once this is done: {'; '.join(one.waits)}"
                yield Finding(provider, "archive_waits", holdings.id(one.entry), said)


def archived_key(key: str) -> str:
    """The key, in a plan, of what archives the entry that has a key there."""
    return f"{key}/archived"


def departures(known: Register, cards: CardsOut) -> Departures:
    """What is to be archived on the day."""
    return _Leaving(known, cards).departures


@dataclass(frozen=True)
class _Leaving:
    known: Register
    cards: CardsOut

    @property
    def holdings(self) -> Holdings:
        return self.known.holdings

    @cached_property
    def departures(self) -> Departures:
        people = {p.number: d for p in self.known.people if (d := self._of_person(p))}
        untold: dict[str, tuple[str, ...]] = {}
        for one in people.values():
            for provider in sorted(one.providers - self.cards.followed):
                untold[provider] = (*untold.get(provider, ()), self.holdings.id(one.entry))
        units = {s.key: d for s in self.known.sites if (d := self._of_unit(s, people))}
        ended = {site.record.id: site.record for site in self.known.sites if site.phase == "ended"}
        providers = {d.key: d for one in ended.values() if (d := self._of_provider(one, units))}
        return Departures(people, {**units, **providers}, untold)

    # --- people ----------------------------------------------------------------------------------

    def _of_person(self, person: NaturalPerson) -> Departure | None:
        held = next(iter(self.holdings.of_person(person)), None)
        if held is None or person.number in self.known.wrong or not _has_left(person):
            return None
        if not self.holdings.is_ours(held) or self.holdings.is_archived(held):
            return None
        if self._is_needed(held):
            return None
        key = f"person/{self.known.ids[person.number]}"
        ids = (*map(self.holdings.id, self.holdings.of_person(person)), *self._ids(person))
        providers = person.named_by
        waits = tuple(self.cards.of(ids))
        if not providers <= self.cards.followed:
            waits = (*waits, "a run that looks after the cards of its providers")
        before = frozenset((key, *self._memberships.get(self._form(held), ())))
        return Departure(PERSON, key, held, providers, waits, before)

    def _ids(self, person: NaturalPerson) -> Iterator[str]:
        """Further HSA-ids that cards of the person may have been ordered under."""
        known = (person.hsa_id, self.known.ids.get(person.number))
        yield from (hsa_id for hsa_id in known if hsa_id)

    @cached_property
    def _memberships(self) -> dict[str, list[str]]:
        """The keys of the commissions that records tell of, by the id of each of their members."""
        found: dict[str, list[str]] = defaultdict(list)
        for commission in self.known.commissions:
            entry = self.holdings.ours.get(commission.key)
            for member in self._named(entry, "hsaCommissionMember") if entry else ():
                found[member].append(commission.key)
        return found

    def _is_needed(self, held: Entry) -> bool:
        """Whether somebody else has the person: a record that cannot be read, or another's entry.

        A person who is head of a unit that goes on is needed there.
        """
        keys = map(provider_of_person, self.holdings.keys(held))
        is_read = all(provider in self.known.readable for provider in keys)
        return not is_read or self._form(held) in self._needed

    @cached_property
    def _needed(self) -> frozenset[str]:
        """The ids of those whom entries name that no run takes them from, and of heads of units.

        What the records tell of is as they wish once the run is done.
        """
        told = {c.key for c in self.known.commissions} | {site.key for site in self.known.sites}
        ours = {entry.dn for key, entry in self.holdings.ours.items() if key in told}
        pointers = [(e, "hsaCommissionMember") for e in self.holdings.commissions()]
        pointers += [(e, "hsaHealthCareUnitManager") for e in self.holdings.sites()]
        heads = (site.unit.head_of_operations for site in self.known.sites if site.is_live)
        return frozenset(
            named
            for entry, name in pointers
            if entry.dn not in ours and not self.holdings.is_archived(entry)
            for named in self._named(entry, name)
        ).union(matching.case_ignore(head.hsa_id) for head in heads if head and head.hsa_id)

    def _named(self, entry: Entry, attribute: str) -> Iterator[str]:
        values = entry.attributes.get(self.holdings.layout.name(attribute), ())
        return map(matching.case_ignore, values)

    def _form(self, held: Entry) -> str:
        return matching.case_ignore(self.holdings.id(held))

    # --- units and providers ---------------------------------------------------------------------

    def _of_unit(self, site: Site, people: dict[str, Departure]) -> Departure | None:
        """The unit, after everybody who had an assignment there and is needed nowhere else."""
        held = self.holdings.ours.get(site.key)
        if not site.has_ended or held is None or self.holdings.is_archived(held):
            return None
        theirs = [people[n] for n in self._staff.get(site.key, ()) if n in people]
        waits = (*_for_people(theirs, self.holdings), *self._foreign_members_below(held))
        commissions = (c.key for c in self.known.commissions if c.site.key == site.key)
        after = frozenset((site.key, *commissions, *_keys(theirs)))
        provider = frozenset({site.record.id})
        return Departure(UNIT, site.key, held, provider, waits, after, site.last_day)

    @cached_property
    def _staff(self) -> dict[str, list[str]]:
        """The numbers of everybody who had an assignment at a unit, by the unit's key."""
        found: dict[str, list[str]] = {site.key: [] for site in self.known.sites}
        for person in self.known.people:
            for employment in person.employments:
                found[f"unit/{employment.provider}/{employment.assignment.unit}"].append(
                    person.number
                )
        return found

    def _foreign_members_below(self, unit: Entry) -> Iterator[str]:
        """The commissions of the unit that no run empties, and that somebody is a member of."""
        told = {commission.key for commission in self.known.commissions}
        for entry in self.holdings.commissions():
            is_told = not told.isdisjoint(self.holdings.keys(entry))
            if not is_told and matching.is_below(entry.dn, unit.dn):
                yield f"the members of the commission {self.holdings.id(entry)}, taken out by hand"

    def _of_provider(self, record: Record, units: dict[str, Departure]) -> Departure | None:
        """The provider, after all its units."""
        name, last = record.id, record.agreement.agreement.ends
        key = provider_key(name)
        held = self.holdings.ours.get(key)
        if held is None or self.holdings.is_archived(held):
            return None
        theirs = [one for one in units.values() if name in one.providers]
        done = {one.key for one in theirs if not one.waits}
        left = sorted(
            self.holdings.id(entry)
            for unit, entry in self.holdings.ours.items()
            if unit.startswith(f"unit/{name}/") and unit not in done
            and not self.holdings.is_archived(entry)
        )  # fmt: skip
        waits = (f"its units are archived: {some_of(left)}",) if left else ()
        after = frozenset((key, *_keys(theirs))).union(*(one.after for one in theirs))
        return Departure(PROVIDER, key, held, frozenset({name}), waits, after, last)


def _has_left(person: NaturalPerson) -> bool:
    """Whether a date has ended all that the person had, and no row gives anything now or later."""
    is_here = bool(person.current or person.coming_back)
    return not is_here and any(e.state == "ended" for e in person.employments)


def _for_people(theirs: Iterable[Departure], holdings: Holdings) -> Iterator[str]:
    waiting = sorted(holdings.id(one.entry) for one in theirs if one.waits)
    if waiting:
        yield f"its people are archived: {some_of(waiting)}"


def _keys(ones: Collection[Departure]) -> Iterator[str]:
    for one in ones:
        yield from (one.key, archived_key(one.key))
