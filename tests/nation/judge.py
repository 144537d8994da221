# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each national contract answers, from a dump of a directory and the rules page alone.

Written apart from the product, by the rules of hsa.md parts 1-3 and nothing else: what is missing
from an answer was left out, and where the page says nothing, nothing is. The letters at the end of
each rule are the page's: P in force, Po a document of 2014-15, S secondary, I inferred, then the
source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from ansible_collections.regionjh.halsoval.tests.nation.asked import (
    CARE_AND_TREATMENT,
    Asked,
    Names,
)
from ansible_collections.regionjh.halsoval.tests.nation.entries import Dump, Entry
from ansible_collections.regionjh.halsoval.tests.nation.values import in_force, whole_place
from ansible_collections.regionjh.halsoval.tests.nation.view import Thing, View, person_of

__all__ = ["Asked", "Names", "answers"]

Pairs = frozenset[tuple[str, str]]  # attribute and value
Answer = Mapping[str, Pairs]  # by key of the object
_OF_A_COMMISSION_ALONE = "hsaCommissionMember"


def answers(dump: Dump, asked: Asked) -> Mapping[str, Answer]:
    """What each contract answers: by contract, by key, the attributes and values that come.

    Keys are HSA-ids, and `person/commission` for a person's commission. The attribute `dn` is the
    object's name, which has a form of its own.
    """
    view = View(dump, asked)
    return {contract: answer(view) for contract, answer in CONTRACTS.items()}


def get_unit(view: View) -> Answer:
    """A unit without name or HSA-id does not come; one that is no care unit does (P O5).

    County and municipality come only if all four values fit (P O5).
    """
    return _answer((unit.id, _placed(unit)) for unit in view.units() if unit.unit_name)


def get_health_care_unit(view: View) -> Answer:
    """A care unit, or a unit that one points to (hsaHealthCareUnitMember) (P O5).

    Missing when unit, care unit or provider lacks name or HSA-id, the provider orgNo, or the
    pointer to the provider is wrong.
    """
    return _answer(
        (unit.id, _pairs(unit))
        for unit in view.units()
        if unit.unit_name and any(map(view.whole_care_unit, view.care_units_of(unit)))
    )


def get_health_care_unit_list(view: View) -> Answer:
    """The whole list is missing when the provider is none or lacks name, HSA-id or orgNo (P O5).

    One care unit is missing when it lacks name or HSA-id. The provider stands for its list.
    """
    providers = [thing for thing in view.of(view.names.provider) if view.whole_provider(thing)]
    units = [
        unit
        for unit in view.of(view.names.care_unit)
        if unit.unit_name and view.provider_of(unit) in providers
    ]
    return _answer((thing.id, _pairs(thing)) for thing in (*providers, *units))


def get_health_care_unit_members(view: View) -> Answer:
    """The whole answer is missing when it is asked for no whole care unit (P O5).

    One member is missing when it lacks name or HSA-id; places as GetUnit. The care unit stands for
    its answer.
    """
    care_units = [unit for unit in view.of(view.names.care_unit) if view.whole_care_unit(unit)]
    linked = (
        view.find(member)
        for unit in care_units
        for member in unit.values.get("hsaHealthCareUnitMember", ())
    )
    members = [unit for unit in linked if unit and view.is_unit(unit) and unit.unit_name]
    return _answer((thing.id, _placed(thing)) for thing in (*care_units, *members))


def get_health_care_provider(view: View) -> Answer:
    """A provider with name, HSA-id and orgNo in form; several may share one orgNo (P O5)."""
    providers = view.of(view.names.provider)
    return _answer((each.id, _pairs(each)) for each in providers if view.whole_provider(each))


def get_credentials(view: View) -> Answer:
    """As including protected persons, but those never come (P A2)."""
    return _credentials(view, _not_protected(view))


def get_credentials_including_protected(view: View) -> Answer:
    """A person without HSA-id or surname does not come (P A2), and each commission by itself."""
    return _credentials(view, view.of(view.names.person))


def get_commission_members(view: View) -> Answer:
    """A member whose link is outside its own start and end does not come (P E4)."""
    return _answer(
        (commission.id, _pairs(commission) | _members(view, commission))
        for commission in view.of(view.names.commission)
    )


def get_employee(view: View) -> Answer:
    """A person without HSA-id or name, and in the plain variant a protected one (P E4).

    A person's name is sn: part 2 has it mandatory, and cn may be the HSA-id (part 3).
    """
    people = _not_protected(view)
    return _answer((person.id, _pairs(person)) for person in people if person.one("sn"))


def intyg(view: View) -> Answer:
    """Commissions of other purposes than care and treatment do not come (S W).

    Nor where the provider or unit has its startDate ahead or its endDate passed. Beside the
    commission come the provider's orgNo (first digit 2 is public, none unknown) and the unit's
    workplace codes (none is 0000000).
    """
    commissions = (
        (f"{person.id}/{commission.id}", _pairs(commission) | _for_intyg(unit, provider))
        for person in _named(view.of(view.names.person))
        for commission, unit, provider in _commissions(view, person)
        if commission.one("hsaCommissionPurpose") == CARE_AND_TREATMENT
        and _in_force(view, unit)
        and _in_force(view, provider)
    )
    return _answer(commissions)


def pascal(view: View) -> Answer:
    """Care units without a workplace code, unlicensed doctors without occupational code.

    Only codes on provider, care unit or linked member count (P Confluence OIP 2361459719).
    """
    units = [
        unit
        for unit in view.of(view.names.care_unit)
        if view.whole_care_unit(unit) and _has_workplace_code(view, unit)
    ]
    people = [
        person
        for person in _named(view.of(view.names.person))
        if person.one("occupationalCode") or not _unlicensed_doctor(view, person)
    ]
    return _answer((thing.id, _pairs(thing)) for thing in (*units, *people))


def on_1177(view: View) -> Answer:
    """Indicator 03, HSA-id, countyCode, careType and an RT90 coordinate inside Sweden (P K, 2023).

    County and coordinate are not asked of a remote unit (hsaBusinessType 03). Without business
    type, street and classification a unit is hard to find, and comes.
    """
    return {
        unit.id: _placed(unit)
        for unit in view.units()
        if unit.unit_name and unit.id and _public(unit)
    }


CONTRACTS: Mapping[str, Callable[[View], Answer]] = {
    "GetUnit": get_unit,
    "GetHealthCareUnit": get_health_care_unit,
    "GetHealthCareUnitList": get_health_care_unit_list,
    "GetHealthCareUnitMembers": get_health_care_unit_members,
    "GetHealthCareProvider": get_health_care_provider,
    "GetCredentialsForPerson": get_credentials,
    "GetCredentialsForPersonIncludingProtectedPerson": get_credentials_including_protected,
    "GetCommissionMembers": get_commission_members,
    "GetEmployee": get_employee,
    "Intyg": intyg,
    "Pascal": pascal,
    "1177": on_1177,
}


def _named(people: Iterable[Thing]) -> Iterator[Thing]:
    """People with HSA-id and surname (P A2)."""
    return (person for person in people if person.id and person.one("sn"))


def _not_protected(view: View) -> Iterator[Thing]:
    """People without protected identity (P A2, P E4)."""
    people = view.of(view.names.person)
    return (person for person in people if not person.entry.has(view.names.protected))


def _credentials(view: View, people: Iterable[Thing]) -> Answer:
    found: list[tuple[str, Pairs]] = []
    for person in _named(people):
        found.append((person.id, _pairs(person)))
        for commission, _one, _two in _commissions(view, person):
            found.append((f"{person.id}/{commission.id}", _pairs(commission)))
    return _answer(found)


def _commissions(view: View, person: Thing) -> Iterator[tuple[Thing, Thing, Thing]]:
    """A person's commissions that come, each with its unit and provider (P A2).

    The whole commission is missing unless it has HSA-id, purpose and name, its unit name, HSA-id
    and a right pointer, its provider name, orgNo and HSA-id. The unit is the one that the
    commission's name stands under, not searched.
    """
    for commission in view.of(view.names.commission):
        members = map(person_of, commission.values.get(_OF_A_COMMISSION_ALONE, ()))
        unit = view.parent(commission)
        if person.id.casefold() not in members or unit is None or not view.is_unit(unit):
            continue
        provider = view.provider_of(unit)
        named = commission.id and commission.one("hsaCommissionPurpose") and commission.one("cn")
        if named and unit.unit_name and unit.id and provider:
            yield commission, unit, provider


def _members(view: View, commission: Thing) -> Pairs:
    def linked(member: str) -> bool:
        _other, start, end = member.split(";") if ";" in member else (member, "", "")
        person = view.find(person_of(member))
        return person is not None and in_force(start, end, view.asked.day)

    members = commission.values.get(_OF_A_COMMISSION_ALONE, ())
    return frozenset((_OF_A_COMMISSION_ALONE, member) for member in members if linked(member))


def _in_force(view: View, thing: Thing) -> bool:
    return in_force(thing.one("startDate"), thing.one("endDate"), view.asked.day)


def _for_intyg(unit: Thing, provider: Thing) -> Pairs:
    codes = unit.values.get("unitPrescriptionCode", ())
    numbers = provider.values.get("orgNo", ())
    return frozenset(("unitPrescriptionCode", code) for code in codes) | frozenset(
        ("orgNo", number) for number in numbers
    )


def _has_workplace_code(view: View, care_unit: Thing) -> bool:
    members = map(view.find, care_unit.values.get("hsaHealthCareUnitMember", ()))
    places = (care_unit, view.provider_of(care_unit), *members)
    return any(place.one("unitPrescriptionCode") for place in places if place)


def _unlicensed_doctor(view: View, person: Thing) -> bool:
    """By title a doctor, and without the licensed profession's title (I)."""
    return person.one("title") in view.asked.doctors and "Läkare" not in person.values.get(
        "hsaTitle", ()
    )


def _public(unit: Thing) -> bool:
    """What 1177 asks of a unit, of the values that GetUnit answers (P K)."""
    shown = "03" in unit.values.get("hsaDestinationIndicator", ()) and unit.one("careType")
    remote = "03" in unit.values.get("hsaBusinessType", ())
    county = whole_place(unit.values).get("countyCode")
    return bool(shown) and (remote or (bool(county) and _inside_sweden(unit)))


def _inside_sweden(unit: Thing) -> bool:
    """An RT90 coordinate inside Sweden (P K); the bounds are those of the mainland's grid (I)."""
    coordinate = unit.one("geographicalCoordinates")
    if not coordinate:
        return False
    north, east = (int(part[2:]) for part in coordinate.split(","))
    return 6_100_000 <= north <= 7_700_000 and 1_200_000 <= east <= 1_900_000


def _answer(found: Iterable[tuple[str, Pairs]]) -> Answer:
    """By key, without what has no HSA-id (all: mandatory, P O5 4.3.1)."""
    answer: defaultdict[str, Pairs] = defaultdict(frozenset)
    for key, pairs in found:
        if key:
            answer[key] |= pairs
    return dict(answer)


def _placed(thing: Thing) -> Pairs:
    return _pairs(Thing(thing.entry, whole_place(thing.values)))


def _pairs(thing: Thing) -> Pairs:
    """The values of an object that come; a commission's members only with GetCommissionMembers."""
    named = {("dn", thing.entry.dn)} if _dn_fits(thing.entry) else set()
    return frozenset(named) | {
        (attribute, value)
        for attribute, kept in thing.values.items()
        for value in kept
        if attribute != _OF_A_COMMISSION_ALONE
    }


def _dn_fits(entry: Entry) -> bool:
    """At most 350 characters; values of letters, digits, blank, - and . (P X; that it goes: I)."""
    simple = all(len(rdn) == 1 for rdn in entry.rdns)
    values = "".join(value for rdn in entry.rdns for _other, value in rdn)
    return len(entry.dn) <= 350 and simple and all(c.isalnum() or c in " -." for c in values)
