# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory as the contracts see it for one caller: objects, values, who points to whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.regionjh.halsoval.tests.nation.asked import CARE_AND_TREATMENT, Asked
from ansible_collections.regionjh.halsoval.tests.nation.entries import Dump, Entry, read
from ansible_collections.regionjh.halsoval.tests.nation.values import (
    Values,
    matching,
    moment,
    municipality_matching,
    well_formed,
    workplace_codes,
)


@dataclass(frozen=True, eq=False)
class Thing:
    """An object that the caller may see, with the values that come if it does."""

    entry: Entry
    values: Values

    @property
    def id(self) -> str:
        """Its HSA-id; empty where it has none in form."""
        return self.one("hsaIdentity")

    def one(self, attribute: str) -> str:
        """The first value of an attribute; empty where none is left."""
        return next(iter(self.values.get(attribute, ())), "")

    @property
    def unit_name(self) -> str:
        """A unit's or provider's name: ou, and o where it is an organization (Po H, the lab)."""
        return self.one("ou") or self.one("o")


class View:
    """The directory as the contracts see it for one caller."""

    def __init__(self, dump: Dump, asked: Asked) -> None:
        self.asked = asked
        self.names = asked.names
        # What of each entry is in form, the same wherever it is looked at.
        self._formed = {entry: well_formed(entry.held, asked) for entry in read(dump)}
        self._places = {entry.place: entry for entry in self._formed}
        entries = self._alone()
        self._seen = {self._key(entry): entry for entry in entries if self._key(entry)}
        self._links = self._linked(entries)
        things = (Thing(entry, self._values(entry)) for entry in entries)
        self.things = tuple(thing for thing in things if not self._left_out(thing))
        self._by_id = {thing.id.casefold(): thing for thing in self.things if thing.id}
        self._by_place = {thing.entry.place: thing for thing in self.things}

    def find(self, hsa_id: str) -> Thing | None:
        """The object with an HSA-id, if it is not left out everywhere."""
        return self._by_id.get(hsa_id.casefold())

    def parent(self, thing: Thing) -> Thing | None:
        """The object that the rest of a name names."""
        return self._by_place.get(thing.entry.place[1:])

    def of(self, name: str) -> Iterator[Thing]:
        """Objects of a class."""
        return (thing for thing in self.things if thing.entry.has(name))

    def units(self) -> Iterator[Thing]:
        """Units of every kind, providers among them."""
        return filter(self.is_unit, self.things)

    def is_unit(self, thing: Thing) -> bool:
        """Whether an object is a unit of any kind."""
        return thing.entry.has(self.names.unit) or thing.entry.has(self.names.organization)

    def care_units_of(self, unit: Thing) -> list[Thing]:
        """The unit itself where it is a care unit, else the care unit that it is linked to."""
        if unit.entry.has(self.names.care_unit):
            return [unit]
        homes = (self.find(home) for home in self._links.get(unit.id.casefold(), ()))
        return [home for home in homes if home]

    def provider_of(self, unit: Thing) -> Thing | None:
        """The whole provider that a unit rightly points to."""
        provider = self.find(unit.one("hsaResponsibleHealthCareProvider"))
        return provider if provider and self.whole_provider(provider) else None

    def whole_provider(self, thing: Thing) -> bool:
        """A provider with name, HSA-id and orgNo, all in form (P O5, P A2)."""
        named = thing.unit_name and thing.id and thing.one("orgNo")
        return bool(named) and thing.entry.has(self.names.provider)

    def whole_care_unit(self, thing: Thing) -> bool:
        """A care unit with name, HSA-id, a right pointer and a whole provider (P O5)."""
        named = thing.unit_name and thing.id and thing.entry.has(self.names.care_unit)
        return bool(named) and self.provider_of(thing) is not None

    def _alone(self) -> list[Entry]:
        """All: feigned objects come only where asked for (P O5), two of an HSA-id never (Po R)."""
        times = Counter(map(self._key, self._formed))
        return [
            entry
            for entry in self._formed
            if (self.asked.feigned or not entry.has(self.names.feigned))
            and (not self._key(entry) or times[self._key(entry)] == 1)
        ]

    def _key(self, entry: Entry) -> str:
        """The HSA-id in the form in which directories compare it; empty where not in form."""
        return next(iter(self._formed[entry].get("hsaIdentity", ())), "").casefold()

    def _linked(self, entries: Iterable[Entry]) -> Mapping[str, frozenset[str]]:
        """For each HSA-id the care units that hold it as hsaHealthCareUnitMember."""
        links: defaultdict[str, set[str]] = defaultdict(set)
        for entry in entries:
            if entry.has(self.names.care_unit):
                for member in self._formed[entry].get("hsaHealthCareUnitMember", ()):
                    links[member.casefold()].add(self._key(entry) or entry.dn)
        return {member: frozenset(homes) for member, homes in links.items()}

    def _values(self, entry: Entry) -> Values:
        """Every value of an object that is not left out."""
        asked, values = self.asked, dict(self._formed[entry])
        county = next(iter(values.get("countyCode", ())), "")
        values = workplace_codes(values, county, asked)
        values = municipality_matching(values, county, asked)
        values = matching(values, "countyCode", "countyName", asked.counties)
        for code, text, table in (
            ("businessClassificationCode", "businessClassificationName", asked.classifications),
            ("paTitleCode", "paTitleName", asked.pa_titles),
        ):
            values = matching(values, code, text, table)
        for attribute, stands in self._references(entry).items():
            values[attribute] = tuple(filter(stands, values.get(attribute, ())))
        return {attribute: kept for attribute, kept in values.items() if kept}

    def _references(self, entry: Entry) -> Mapping[str, Callable[[str], bool]]:
        """Which values agree with the rest of the directory, by attribute."""
        return {
            "hsaResponsibleHealthCareProvider": self._is_provider,
            "hsaHealthCareUnitManager": self._is_there,
            "hsaHealthCareUnitMember": lambda member: self._in_one_care_unit(entry, member),
            "hsaCommissionMember": self._is_person,
            "hsaCommissionPurpose": lambda purpose: self._under_its_unit(entry, purpose),
            "hsaAdministrativeCareLevel": lambda _: entry.has(self.names.care_unit),
        }

    def _is_provider(self, hsa_id: str) -> bool:
        """A pointer names an existing provider that has not ended (P O5)."""
        entry = self._seen.get(hsa_id.casefold())
        return entry is not None and entry.has(self.names.provider) and not self._ended(entry)

    def _is_there(self, hsa_id: str) -> bool:
        """A manager exists and has not ended (Po H)."""
        entry = self._seen.get(hsa_id.casefold())
        return entry is not None and not self._ended(entry)

    def _in_one_care_unit(self, entry: Entry, hsa_id: str) -> bool:
        """A linked unit stands on a care unit, and on one only (Po H, P O5)."""
        on_care_unit = entry.has(self.names.care_unit)
        return on_care_unit and len(self._links.get(hsa_id.casefold(), ())) == 1

    def _is_person(self, member: str) -> bool:
        """A commission's member exists, and is a person (Po H)."""
        entry = self._seen.get(person_of(member))
        return entry is not None and entry.has(self.names.person)

    def _under_its_unit(self, entry: Entry, purpose: str) -> bool:
        """Care and treatment is a purpose under a care unit only (Po H)."""
        unit = self._places.get(entry.place[1:])
        at_care_unit = unit is not None and unit.has(self.names.care_unit)
        return purpose != CARE_AND_TREATMENT or at_care_unit

    def _ended(self, entry: Entry) -> bool:
        end = next(iter(self._formed[entry].get("endDate", ())), "")
        last = moment(end)
        return last is not None and last < self.asked.day

    def _left_out(self, thing: Thing) -> bool:
        """All, old list (Po R): objects that no contract answers.

        A provider whose orgNo is missing or wrongly formed (warnings 40 and 41); a care unit whose
        pointer to its provider is wrong; a unit that is linked to several care units.
        """
        if thing.entry.has(self.names.provider) and not thing.one("orgNo"):
            return True
        pointed = thing.one("hsaResponsibleHealthCareProvider")
        if thing.entry.has(self.names.care_unit) and not pointed:
            return True
        return len(self._links.get(thing.id.casefold(), ())) > 1


def person_of(member: str) -> str:
    """The HSA-id of a commission's member."""
    return member.partition(";")[0].casefold()
