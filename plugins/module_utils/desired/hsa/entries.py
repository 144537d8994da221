# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HSA must hold for the approved records (schema 5.3; annex 3.1.2 and 3.3).

Entries stay when something ends. What a date ended is withdrawn from them at once: memberships,
system roles and the listing on 1177. They are archived once the cards are over (leaving.py), and
taken into use again where a record asks for that and nobody else archived them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...engine import matching
from ...engine.guard import Holding
from ...engine.plan import Entry, Values, Wanted
from ...engine.provision import Desired, Finding
from ...records.holds import Decisions
from ...records.payload import Approved
from ...records.people import NOTHING_REMEMBERED, NaturalPerson, Remembered, lasting_facts
from ..people.cards_out import NONE_FOLLOWED, CardsOut
from ..people.contacts import is_hidden, left_out
from ..people.pending import REVEALED, Name, is_named, names_to_hide, with_memory
from . import attributes
from .findings import errors, findings
from .holdings import (
    ARCHIVED_BY_US,
    Holdings,
    person_key,
    provider_key,
    provider_of_person,
    unit_of_commission,
)
from .layout import Layout, schema
from .leaving import PERSON, PROVIDER, UNIT, Departure, archived_key, departures
from .pending import ids_of, linked, pending
from .register import register
from .sites import Commission, Site

_PROVIDER, _UNIT, _PERSON, _COMMISSION = range(4)
# What lies below comes first where something is archived.
_ARCHIVED = {PERSON: 4, UNIT: 5, PROVIDER: 6}


def desire(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    remembered: Remembered = NOTHING_REMEMBERED,
    cards: CardsOut = NONE_FOLLOWED,
) -> Desired:
    """What HSA must hold on a day, given what it holds and what earlier runs saw there.

    `cards` are those that are out: whoever has one is not archived.
    Raises ValueError when no HSA-ids are left.
    """
    known = register(approved, as_of, layout, held, remembered)
    people, units, holdings = known.people, known.sites, known.holdings
    providers = frozenset(record.id for record in approved.records)
    waits = pending(known, approved.memory)
    names = names_to_hide(p for p in people if holdings.hides(p))
    leaving = departures(known, cards)
    draft = _Draft(
        layout, as_of, providers, holdings, known.ids, known.wrong, approved.decisions,
        known.hidden(), leaving.people, waits.hidden, names,
    )  # fmt: skip
    wanted: tuple[Wanted, ...] = (
        *draft.providers(units),
        *(entry for site in units for entry in draft.unit(site)),
        *(entry for person in people for entry in draft.person(person)),
        *draft.forgotten(people),
        *(entry for commission in known.commissions for entry in draft.commission(commission)),
        *map(draft.archived_site, leaving.ready()),
    )
    wanted += tuple(draft.held_back(wanted))
    told = findings(approved, as_of, people, units, holdings, known.ids)
    desired = Desired(
        wanted=wanted,
        attributes=schema(layout),
        holdings=_held_objects(wanted, layout),
        findings=(
            *told,
            *draft.contacts(units),
            *linked(known, waits),
            *leaving.findings(holdings),
        ),
        errors=errors(people, known.wrong, units, holdings, remembered),
        taken=tuple(entry.dn for entry in (*holdings.not_ours, *holdings.ours.values())),
        marked=len(holdings.ours) + len(holdings.our_people),
    )
    everybody = ((person, ids_of(person, known)) for person in people)
    memory = approved.memory
    kept = with_memory(desired, waits, everybody, known.entered(), known.hashes(memory), memory)
    return replace(kept, lasting=lasting_facts(people, memory))


@dataclass(frozen=True, slots=True)
class _Draft:
    """Makes the wanted entries of one day; `ids` gives HSA-ids by key and personal number.

    `wrong` are the numbers of people whose entries cannot be told or written, `leaving` says by
    number who is to be archived. `maybe_hidden` are
    the HSA-ids of those who may be somebody who is protected, and `names` what such people are
    called.
    """

    layout: Layout
    as_of: dt.date
    known: frozenset[str]
    holdings: Holdings
    ids: Mapping[str, str]
    wrong: Collection[str]
    decisions: Decisions
    hidden: frozenset[str]
    leaving: Mapping[str, Departure] = field(default_factory=dict)
    maybe_hidden: Collection[str] = ()
    names: Collection[Name] = ()

    def providers(self, units: Sequence[Site]) -> Iterator[Wanted]:
        """The entries of the providers that have a live unit."""
        records = {site.record.id: site.record for site in units if site.is_live}
        for name, record in records.items():
            part = record.agreement
            entry = self._named_entry(
                "provider", _PROVIDER, provider_key(name), self.layout.provider_branch, part.name,
                part.hsa_id, name, attributes.of_provider(part, self.layout, self.hidden),
            )  # fmt: skip
            # A diff would show the contact that goes.
            hides = any(is_hidden(contact, self.hidden) for contact in part.contacts.hsa)
            yield replace(entry, confidential=hides)

    def contacts(self, units: Sequence[Site]) -> Iterator[Finding]:
        """The contacts that the entries of providers do not name."""
        for record in {site.record.id: site.record for site in units if site.is_live}.values():
            contacts = record.agreement.contacts.hsa
            yield from left_out(record.id, "contacts.hsa", contacts, self.hidden)

    def unit(self, site: Site) -> Iterator[Wanted]:
        """The unit's entry."""
        provider = provider_key(site.record.id)
        if site.is_live:
            said = attributes.of_unit(site, self.ids[provider], self.layout)
            yield self._named_entry(
                "unit", _UNIT, site.key, provider, site.unit.name, site.unit.hsa_id,
                site.record.id, said,
            )  # fmt: skip
        elif site.key in self.holdings.ours:
            yield self._withdrawn(
                "unit", _UNIT, site.key, provider, "hsaDestinationIndicator", site, ()
            )

    def person(self, person: NaturalPerson) -> Iterator[Wanted]:
        """The person's entry, unless somebody else keeps it or it cannot be told which it is."""
        held = next(iter(self.holdings.of_person(person)), None)
        if person.number in self.wrong or (held is None and not person.current):
            return
        if held is not None and not self.holdings.may_write(held, person.hsa_id):
            return
        hsa_id = self.ids[person.number]
        said = self._of_person(person, hsa_id, held)
        is_hidden = held is not None and self.holdings.is_confidential(held)
        was_protected = is_hidden or person.was_protected
        is_protected = person.protected or was_protected
        hidden = attributes.of_protected_person(said, hsa_id, self.layout) if is_protected else said
        entered = self._keyed(hidden, person, held) | self._without_roles(person, held)
        wanted = Wanted(
            key=f"person/{hsa_id}", kind="person", id=hsa_id, level=_PERSON,
            parent=self.layout.people_branch,
            rdns=(matching.rdn((self.layout.name("cn"), hsa_id)),),
            attributes=self._left_archived(entered, held, is_used=bool(person.current)),
            providers=self._answering(person) | self._losing(held, entered),
            held=held, dated=self._dated(person, held),
            confidential=is_protected or self._tells(hsa_id, held),
        )  # fmt: skip
        yield wanted
        departure = self.leaving.get(person.number)
        if departure and not departure.waits:
            yield self._archived_person(wanted, departure)
        if held is not None and is_protected and not person.protected and not self._others(held):
            # What a person has changed by hand meanwhile is hidden first.
            then = replace(held, attributes={**held.attributes, **wanted.attributes})
            yield replace(
                wanted, key=f"{wanted.key}/revealed", attributes=self.layout.local(said),
                held=then, confirm=REVEALED, dated={},
            )  # fmt: skip

    def _archived_person(self, wanted: Wanted, departure: Departure) -> Wanted:
        """What archives a person's entry, once it is as wanted otherwise."""
        held = departure.entry
        then = Entry(
            f"{wanted.rdns[0]},{matching.parent(held.dn)}",
            {**held.attributes, **wanted.attributes}, held.address,
        )  # fmt: skip
        return replace(
            wanted, key=archived_key(departure.key), level=_ARCHIVED[PERSON], rdns=(), held=then,
            attributes=self._with_mark(then), dated={}, after=departure.after, is_tidying=True,
        )  # fmt: skip

    def archived_site(self, departure: Departure) -> Wanted:
        """What archives the entry of a unit or a provider."""
        held, (provider,) = departure.entry, departure.providers
        last = attributes.of_archived(departure.last_day)
        return Wanted(
            key=archived_key(departure.key), kind=departure.kind, id=self.holdings.id(held),
            level=_ARCHIVED[departure.kind], parent=provider_key(provider), rdns=(),
            attributes=self._with_mark(held) | self.layout.local(last),
            providers=departure.providers, held=held, after=departure.after, is_tidying=True,
        )  # fmt: skip

    def _with_mark(self, held: Entry) -> dict[str, Values]:
        """What says that an entry is archived, and by whom."""
        key, archived = self.layout.key_attribute, self.layout.name("hsaArchivedObject")
        return {
            "objectClass": (*held.attributes.get("objectClass", ()), archived),
            key: tuple(dict.fromkeys((*held.attributes.get(key, ()), ARCHIVED_BY_US))),
        }

    def _left_archived(
        self, said: dict[str, Values], held: Entry | None, is_used: bool = True
    ) -> dict[str, Values]:
        """The same of an entry that stays archived: nobody uses it, or somebody else did it."""
        if held is None or "objectClass" not in said or not self.holdings.is_archived(held):
            return said
        if is_used and self.holdings.is_archived_by_us(held):
            return said
        archived = self.layout.name("hsaArchivedObject")
        return {**said, "objectClass": (*said["objectClass"], archived)}

    def _tells(self, hsa_id: str, held: Entry | None) -> bool:
        """Whether a diff of a person's entry may tell who somebody is who is protected."""
        if held is None:
            return hsa_id in self.maybe_hidden
        given, surname = (held.first(self.layout.name(part)) for part in ("givenName", "sn"))
        is_theirs = self.holdings.is_confidential(held) or is_named(given, surname, self.names)
        return is_theirs or hsa_id in self.maybe_hidden

    def _answering(self, person: NaturalPerson) -> frozenset[str]:
        """The providers whose records the entry follows, with those whose row has vanished."""
        lost = {effect.provider for effect in person.surprises_of_systems}
        named = {employment.provider for employment in person.current or person.employments}
        return frozenset(named | (lost & self.known))

    def _losing(self, held: Entry | None, entered: Mapping[str, Values]) -> frozenset[str]:
        """Where a system role goes, the providers at which its owner is a member, too.

        The ledger tells who gave it; where that was lost, nothing but the commissions does.
        """
        roles = self.layout.name("hsaSystemRole")
        had = held.attributes.get(roles, ()) if held else ()
        if not held or set(had).issubset(entered.get(roles, had)):
            return frozenset()
        return self.holdings.members_at.get(
            matching.case_ignore(self.holdings.id(held)), frozenset()
        )

    def forgotten(self, people: Sequence[NaturalPerson]) -> Iterator[Wanted]:
        """People of ours whom no record names any more: the entry stays, its system roles go.

        Their memberships go with the units' commissions, and the guard counts both.
        """
        named = {entry.dn for person in people for entry in self.holdings.of_person(person)}
        roles = self.layout.name("hsaSystemRole")
        for entry in self.holdings.our_people:
            providers = {provider_of_person(key) for key in self.holdings.keys(entry)}
            if entry.dn in named or not providers <= self.known or roles not in entry.attributes:
                continue
            hsa_id = self.holdings.id(entry)
            is_stopped = all(self._holds(hsa_id, provider) for provider in providers)
            yield Wanted(
                key=f"person/{hsa_id}", kind="person", id=hsa_id, level=_PERSON,
                parent=self.layout.people_branch, rdns=(), attributes={roles: ()},
                providers=frozenset(providers), held=entry,
                dated={roles: entry.attributes[roles] if is_stopped else ()},
                confidential=self._tells(hsa_id, entry),
            )  # fmt: skip

    def held_back(self, wanted: Iterable[Wanted]) -> Iterator[Wanted]:
        """What holds take of the entries of providers whose records cannot be read now."""
        known = {entry.held.dn for entry in wanted if entry.held}
        members, roles = map(self.layout.name, ("hsaCommissionMember", "hsaSystemRole"))
        for key, entry in self.holdings.ours.items():
            unit = unit_of_commission(key)
            if unit is not None and entry.dn not in known:
                provider = unit.split("/")[1]
                gone = [m for m in entry.attributes.get(members, ()) if self._holds(m, provider)]
                yield from self._taken("commission", _COMMISSION, entry, members, gone, {provider})
        for entry in self.holdings.our_people:
            providers = set(map(provider_of_person, self.holdings.keys(entry)))
            if entry.dn not in known and all(
                self._holds(self.holdings.id(entry), provider) for provider in providers
            ):
                gone = list(entry.attributes.get(roles, ()))
                yield from self._taken("person", _PERSON, entry, roles, gone, providers)

    def _holds(self, hsa_id: str, provider: str) -> bool:
        return self.decisions.is_held([hsa_id], provider, self.as_of)

    def _taken(
        self, kind: str, level: int, entry: Entry, name: str, gone: Collection[str],
        providers: Collection[str],
    ) -> Iterator[Wanted]:  # fmt: skip
        if gone:
            kept = tuple(value for value in entry.attributes[name] if value not in gone)
            yield Wanted(
                key=f"held/{entry.dn}", kind=kind, id=self.holdings.id(entry), level=level,
                parent="", rdns=(), attributes={name: kept}, providers=frozenset(providers),
                held=entry, dated={name: gone}, at_once=True,
                confidential=self._tells(self.holdings.id(entry), entry),
            )  # fmt: skip

    def commission(self, commission: Commission) -> Iterator[Wanted]:
        """The commission's entry with the people who act on the day."""
        site = commission.site
        over = (*self._ids_of(commission.over()), *self._stopped(commission))
        if commission.is_called_for:
            yield self._called_for(commission, over)
        elif commission.key in self.holdings.ours:
            surprising = {
                self.holdings.id(entry)
                for person in commission.surprising()
                for entry in self.holdings.of_person(person)
            }
            yield self._withdrawn(
                "commission", _COMMISSION, commission.key, site.key, "hsaCommissionMember", site,
                over, surprising,
            )  # fmt: skip

    def _stopped(self, commission: Commission) -> Iterator[str]:
        """The members whom holds stop, whether a row still names them or not."""
        held = self.holdings.ours.get(commission.key)
        members = held.attributes.get(self.layout.name("hsaCommissionMember"), ()) if held else ()
        provider = commission.site.record.id
        return (member for member in members if self._holds(member, provider))

    def _ids_of(self, people: Iterable[NaturalPerson]) -> Iterator[str]:
        """The HSA-ids of the entries that people have, or had: members name them still."""
        for person in people:
            yield from map(self.holdings.id, self.holdings.of_person(person))
            if person.number in self.ids:
                yield self.ids[person.number]

    def _called_for(self, commission: Commission, over: Values) -> Wanted:
        """A commission that assignments call for; `over` are members whom dates explain away."""
        site, hsa_id = commission.site, self.ids[commission.key]
        said = attributes.of_commission(site, commission.assignment, hsa_id, self.layout)
        members = {
            self.ids[person.number]
            for person in commission.people("active")
            if person.number in self.ids and not self._is_archived(person)
        }
        said |= {"hsaIdentity": (hsa_id,), "hsaCommissionMember": tuple(sorted(members))}
        held = self.holdings.ours.get(commission.key)
        return Wanted(
            key=commission.key, kind="commission", id=hsa_id, level=_COMMISSION,
            parent=site.key, rdns=(matching.rdn((self.layout.name("cn"), hsa_id)),),
            attributes=self._left_archived(self._local(commission.key, said), held),
            providers=frozenset({site.record.id}), held=held,
            dated=self.layout.local({"hsaCommissionMember": over}),
            members=self._staying(held, members),
        )  # fmt: skip

    def _staying(self, held: Entry | None, members: Iterable[str]) -> frozenset[str]:
        """The members of a commission whom the plan leaves in it."""
        now = held.attributes.get(self.layout.name("hsaCommissionMember"), ()) if held else ()
        wanted = set(map(matching.case_ignore, members))
        return frozenset(member for member in now if matching.case_ignore(member) in wanted)

    def _named_entry(
        self, kind: str, level: int, key: str, parent: str, name: str, recorded_id: str | None,
        provider: str, said: Mapping[str, Values],
    ) -> Wanted:  # fmt: skip
        """A provider's or unit's entry: named after it, found again by key."""
        hsa_id = self.ids[key]
        held = self.holdings.ours.get(key) or self.holdings.with_id(recorded_id)
        ou, identity = self.layout.name("ou"), self.layout.name("hsaIdentity")
        plain = matching.rdn((ou, name))
        # Two units of one name under one provider: the HSA-id tells them apart, as long as the
        # other has the name.
        exact = matching.rdn((ou, name), (identity, hsa_id))
        return Wanted(
            key=key, kind=kind, id=hsa_id, level=level, parent=parent, rdns=(plain, exact),
            attributes=self._left_archived(
                self._local(key, {**said, "ou": (name,), "hsaIdentity": (hsa_id,)}), held
            ),
            providers=frozenset({provider}), held=held,
        )  # fmt: skip

    def _withdrawn(
        self, kind: str, level: int, key: str, parent: str, attribute: str, site: Site,
        over: Values, surprising: Collection[str] = (),
    ) -> Wanted:  # fmt: skip
        """An entry that is left as it is but for the access it gives.

        Dates explain that of what is `over`, and all where the end of the unit explains it, but
        what is `surprising`.
        """
        held = self.holdings.ours[key]
        name = self.layout.name(attribute)
        others = tuple(v for v in held.attributes.get(name, ()) if v not in surprising)
        return Wanted(
            key=key, kind=kind, id=self.holdings.id(held), level=level,
            parent=parent, rdns=(), attributes={name: ()},
            providers=frozenset({site.record.id}), held=held,
            dated={name: others if site.end_explains else over},
        )  # fmt: skip

    def _of_person(
        self, person: NaturalPerson, hsa_id: str, held: Entry | None
    ) -> dict[str, Values]:
        """What the entry is to say, as long as nobody says that the identity is protected."""
        others = bool(self._others(held))
        if person.current:
            return attributes.of_person(person, hsa_id, held, others, self.as_of, self.layout)
        return attributes.of_person_without_assignment(person, others)

    def _keyed(
        self, said: Mapping[str, Values], person: NaturalPerson, held: Entry | None
    ) -> dict[str, Values]:
        held_keys = self.holdings.keys(held) if held else ()
        # Without any key the entry would not be ours any more, when the person starts later on.
        keys = (*map(person_key, sorted(person.named_by)), *self._others(held)) or held_keys
        if held and not person.current and self.holdings.is_archived_by_us(held):
            keys = (*keys, ARCHIVED_BY_US)
        return {**self.layout.local(said), self.layout.key_attribute: keys}

    def _others(self, held: Entry | None) -> tuple[str, ...]:
        """The keys of an entry that name providers whose records cannot be read now."""
        keys = self.holdings.keys(held) if held else ()
        return tuple(key for key in keys if provider_of_person(key) not in self.known)

    def _without_roles(self, person: NaturalPerson, held: Entry | None) -> dict[str, Values]:
        """Where holds take all that gives roles, those go that unreadable records give, too."""
        if held is None:
            return {}
        hsa_id = self.holdings.id(held)
        keys = list(map(provider_of_person, self.holdings.keys(held)))
        holds = {provider: self._holds(hsa_id, provider) for provider in keys}
        taken = [held for provider, held in holds.items() if provider not in self.known]
        taken += [employment.held for employment in person.current]
        # A hold at one provider says nothing of a row that vanished at another.
        lost = [
            e for e in person.surprises_of_systems if e.systems & self.layout.system_roles.keys()
        ]
        taken += [self._holds(hsa_id, effect.provider) for effect in lost]
        # Where nobody gives anything any more, a hold takes what somebody gave.
        taken = taken or list(holds.values())
        return {self.layout.name("hsaSystemRole"): ()} if taken and all(taken) else {}

    def _dated(self, person: NaturalPerson, held: Entry | None) -> dict[str, Values]:
        dated = self.layout.local(attributes.over(person, self.as_of, self.layout))
        if held is None:
            return dated
        names = self._without_roles(person, held)
        return dated | {name: held.attributes.get(name, ()) for name in names}

    def _local(self, key: str, said: Mapping[str, Values]) -> dict[str, Values]:
        return {**self.layout.local(said), self.layout.key_attribute: (key,)}

    def _is_archived(self, person: NaturalPerson) -> bool:
        return any(map(self.holdings.is_archived_by_others, self.holdings.of_person(person)))


def _held_objects(wanted: Collection[Wanted], layout: Layout) -> dict[str, frozenset[Holding]]:
    """The units and people that hold something today, by provider."""
    members = layout.name("hsaCommissionMember")
    objects: dict[str, set[Holding]] = defaultdict(set)
    for entry in wanted:
        if entry.held is None:
            continue
        held = {("person", value) for value in entry.held.attributes.get(members, ())}
        if entry.kind in ("unit", "person"):
            held.add((entry.kind, entry.id))
        for provider in entry.providers:
            objects[provider] |= held
    return {provider: frozenset(held) for provider, held in objects.items()}
