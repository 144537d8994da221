# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in HSA, and what makes a provider's plan impossible.

People are named by HSA-id alone, so that a report never tells a protected name.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...engine import matching
from ...engine.plan import Entry
from ...engine.provision import Finding
from ...records.lifecycle import missing_for_operation, phase
from ...records.payload import Approved
from ...records.people import NaturalPerson, Remembered
from ...records.words import some_of
from .holdings import Holdings, provider_key, provider_of_person, unit_of_commission
from .sites import Site


def findings(
    approved: Approved,
    as_of: dt.date,
    people: Sequence[NaturalPerson],
    units: Sequence[Site],
    holdings: Holdings,
    ids: Mapping[str, str],
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns."""
    return (
        *_of_phases(approved, as_of, holdings),
        *(finding for person in people for finding in _of_person(person, as_of, holdings, ids)),
        *_without_key(people, holdings),
        *_sites_without_key(approved, holdings),
        *_commissions_without_key(people, holdings),
        *_doubles(approved, people, holdings),
        *_other_roles(approved, holdings),
        *_orphans(approved, people, units, holdings),
    )


def errors(
    people: Sequence[NaturalPerson],
    wrong: Mapping[str, str],
    units: Sequence[Site],
    holdings: Holdings,
    remembered: Remembered,
) -> dict[str, tuple[str, ...]]:
    """Why a provider's plan may not be carried out, by provider; of people as `wrong` says."""
    found: dict[str, list[str]] = defaultdict(list)
    for person in people:
        for provider in _providers(person) if person.number in wrong else ():
            found[provider].append(wrong[person.number])
    for site in units:
        for message in _site_errors(site, holdings, remembered) if site.is_live else ():
            if message not in found[site.record.id]:
                found[site.record.id].append(message)
    for key in sorted(holdings.doubled):
        found[_provider_of(key)].append(f"more than one entry in HSA carries the key {key}")
    for key, entry in holdings.ours.items():
        if holdings.is_doubled(entry):
            found[_provider_of(key)].append(_doubled(entry, holdings))
    return {provider: tuple(messages) for provider, messages in found.items() if messages}


def _of_phases(approved: Approved, as_of: dt.date, holdings: Holdings) -> Iterator[Finding]:
    for record in approved.records:
        today = phase(record, as_of)
        held = holdings.ours.get(provider_key(record.id))
        if today == "establishment":
            missing = ", ".join(missing_for_operation(record, as_of))
            yield Finding(
                record.id, "not_in_operation", record.id,
                f"commissions have no members and 1177 shows no unit until: {missing}",
            )  # fmt: skip
        elif today == "ended" and not (held and holdings.is_archived(held)):
            yield Finding(
                record.id, "ended", record.id,
                "the agreement has ended: memberships are withdrawn, entries are archived once "
                "their cards are over",
            )  # fmt: skip


def _of_person(
    person: NaturalPerson, as_of: dt.date, holdings: Holdings, ids: Mapping[str, str]
) -> Iterator[Finding]:
    if not person.current:
        return
    hsa_id = ids.get(person.number, "")
    messages = []
    if len(person.names) > 1:
        messages.append(
            ("name_differs", "the records spell the name differently; the directory's stays")
        )
    for held in holdings.of_person(person)[:1]:
        # What lies in our branches without a key is told by itself, whoever still works.
        if not holdings.is_in_our_branches(held):
            messages.append(
                ("person_not_ours", "the entry is not ours: used in commissions, never changed")
            )
        if holdings.is_archived_by_others(held):
            messages.append(
                (
                    "person_archived",
                    "somebody has archived the entry: no memberships until it is in use again",
                )
            )
    messages += _decisions(person)
    for title in sorted(_unconfirmed(person, as_of)):
        messages.append(("licence_unconfirmed", f"{title} is not confirmed in HOSP: not published"))
    for provider in _providers(person):
        for code, message in messages:
            yield Finding(provider, code, hsa_id, message)


def _decisions(person: NaturalPerson) -> Iterator[tuple[str, str]]:
    if any(employment.held for employment in person.current):
        yield "held", "a hold takes the person's access"
    if any(employment.is_granted for employment in person.current):
        yield "granted", "a grant gives the person's assignments effect"


def _unconfirmed(person: NaturalPerson, as_of: dt.date) -> set[str]:
    licences = [licence for row in person.rows for licence in row.licences]
    confirmed = {x.title for x in licences if x.confirmed is not None and x.confirmed <= as_of}
    return {licence.title for licence in licences} - confirmed


def _orphans(
    approved: Approved, people: Iterable[NaturalPerson], units: Iterable[Site], holdings: Holdings
) -> Iterator[Finding]:
    """Entries of ours that no record explains: reported, never removed."""
    explained = {provider_key(record.id) for record in approved.records}
    explained.update(site.key for site in units)
    entries = {entry.dn for person in people for entry in holdings.of_person(person)}
    for key, entry in holdings.ours.items():
        provider, kind = _provider_of(key), key.partition("/")[0]
        if provider not in approved.invalid and (unit_of_commission(key) or key) not in explained:
            yield _orphan(provider, kind, entry, holdings)
    for entry in holdings.our_people:
        providers = [provider_of_person(key) for key in holdings.keys(entry)]
        if entry.dn not in entries and approved.invalid.isdisjoint(providers):
            for provider in providers:
                yield _orphan(provider, "person", entry, holdings)


def _orphan(provider: str, kind: str, entry: Entry, holdings: Holdings) -> Finding:
    return Finding(
        provider,
        "orphan",
        holdings.id(entry),
        f"no record explains this {kind}; it is left as it is",
    )


def _without_key(people: Iterable[NaturalPerson], holdings: Holdings) -> Iterator[Finding]:
    """Entries of people in our branches that carry no key of ours, and that no record takes over.

    The region keeps its own people elsewhere. Somebody made such an entry, or took its keys away.
    """
    for person in people:
        for entry in holdings.of_person(person):
            is_told = holdings.is_in_our_branches(entry)
            if not is_told or holdings.may_write(entry, person.hsa_id):
                continue
            for provider in sorted(person.named_by):
                yield Finding(
                    provider, "person_without_key", holdings.id(entry),
                    "the entry lies in our branches and carries no key of ours: a run changes "
                    "nothing of it, also when access ends. Name the HSA-id in the record (hsa_id) "
                    "to take it over",
                    severity="high",
                )  # fmt: skip


def _commissions_without_key(
    people: Iterable[NaturalPerson], holdings: Holdings
) -> Iterator[Finding]:
    """Commissions in our branches that carry no key of ours, and have members of ours.

    No run takes a member from them. Each is told to the provider below which it lies.
    """
    entries = (e for person in people for e in holdings.of_person(person))
    ours = {matching.case_ignore(holdings.id(e)) for e in (*holdings.our_people, *entries)}
    for entry in holdings.commissions():
        members = entry.attributes[holdings.layout.name("hsaCommissionMember")]
        theirs = sorted(member for member in members if matching.case_ignore(member) in ours)
        has_key = any(map(unit_of_commission, holdings.keys(entry)))
        if theirs and not has_key and holdings.is_in_our_branches(entry):
            yield Finding(
                _provider_above(entry, holdings), "commission_without_key", holdings.id(entry),
                "the commission lies in our branches and carries no key of ours: no run takes its "
                "members from it, also when access ends. Take them from it by hand: "
                + some_of(theirs),
                severity="high",
            )  # fmt: skip


def _sites_without_key(approved: Approved, holdings: Holdings) -> Iterator[Finding]:
    """Entries of providers and units in our branches that carry no key of such, and are ours.

    No run closes one, and 1177 goes on showing it. A record that names its HSA-id takes it over.
    """
    named = {
        matching.case_ignore(hsa_id or "")
        for part in (record.agreement for record in approved.records)
        for hsa_id in (part.hsa_id, *(unit.hsa_id for unit in part.units))
    }
    for entry in holdings.sites():
        has_key = any(key.startswith(("provider/", "unit/")) for key in holdings.keys(entry))
        is_taken_over = matching.case_ignore(holdings.id(entry)) in named
        if has_key or is_taken_over or not holdings.is_in_our_branches(entry):
            continue
        kind = "unit" if holdings.is_unit(entry) else "provider"
        if provider := _whose(entry, approved, holdings):
            yield Finding(
                provider, f"{kind}_without_key", holdings.id(entry),
                f"the entry of a {kind} lies in our branches and carries no key of ours: no run "
                "changes it, also when it ends, and a run makes another of what the record names. "
                "Name the HSA-id in the record (hsa_id) to take it over",
            )  # fmt: skip


def _whose(entry: Entry, approved: Approved, holdings: Holdings) -> str:
    """The provider that a provider's or a unit's entry without key is of, "" where it is none's."""
    numbers = map(_plain, entry.attributes.get(holdings.layout.name("orgNo"), ()))
    owners = {_plain(r.agreement.organisation_number): r.id for r in approved.records}
    by_number = (owners.get(number, "") for number in numbers)
    return _provider_above(entry, holdings) or next(filter(None, by_number), "")


def _provider_above(entry: Entry, holdings: Holdings) -> str:
    """The provider of the nearest entry of ours above another one, "" where there is none."""
    dn = matching.parent(entry.dn)
    while dn:
        for key in holdings.keys_at(dn):
            if _provider_of(key):
                return _provider_of(key)
        dn = matching.parent(dn)
    return ""


def _doubles(
    approved: Approved, people: Iterable[NaturalPerson], holdings: Holdings
) -> Iterator[Finding]:
    """Entries of ours that share a number or an HSA-id with another one, and stop no plan.

    They are of people who have left, or whom no record names. Nobody can tell which of them is
    whose, so system roles of somebody who has left are not taken from any.
    """
    current = {
        entry.dn for person in people if person.current for entry in holdings.of_person(person)
    }
    number = holdings.layout.name("personalIdentityNumber")
    records = {record.id for record in approved.records}
    for entry in holdings.our_people:
        numbers = map(matching.numeric, entry.attributes.get(number, ()))
        if entry.dn in current or not (
            holdings.is_doubled(entry) or any(len(holdings.by_number[n]) > 1 for n in numbers)
        ):
            continue
        for provider in sorted(records.intersection(map(provider_of_person, holdings.keys(entry)))):
            yield Finding(
                provider, "doubled", holdings.id(entry),
                "another entry has the same personal number or HSA-id: merge them by hand",
                severity="high",
            )  # fmt: skip


def _other_roles(approved: Approved, holdings: Holdings) -> Iterator[Finding]:
    """System roles of our people that no service stands for today.

    Somebody gave them, or a run did while `system_roles` named them.
    """
    layout = holdings.layout
    ours = set(map(matching.case_ignore, layout.system_roles.values()))
    records = {record.id for record in approved.records}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in holdings.our_people:
        for role in entry.attributes.get(layout.name("hsaSystemRole"), ()):
            if matching.case_ignore(role) not in ours:
                for provider in records.intersection(map(provider_of_person, holdings.keys(entry))):
                    found[provider, role].add(holdings.id(entry))
    for (provider, role), people in sorted(found.items()):
        yield Finding(
            provider, "other_role", role,
            "halsoval_hsa_system_roles does not name the role, and no run takes it from people: "
            + some_of(sorted(people)),
        )  # fmt: skip


def _doubled(entry: Entry, holdings: Holdings) -> str:
    return (
        f"several entries in HSA have the HSA-id {holdings.id(entry)}, which does not differ by "
        "case: correct it by hand"
    )


def person_error(person: NaturalPerson, holdings: Holdings, remembered: Remembered) -> str | None:
    """Why the person's entry cannot be told or written, or None."""
    entries = holdings.of_person(person)
    ids = ", ".join(sorted(holdings.id(entry) for entry in entries))
    named = holdings.with_id(person.hsa_id)
    for entry in entries:
        if holdings.is_doubled(entry):
            return _doubled(entry, holdings)
    if named is not None and named not in entries:
        return f"the HSA-id {person.hsa_id} that the record names belongs to somebody else in HSA"
    if len(entries) > 1:
        return f"HSA has several entries for one person ({ids}): merge them by hand"
    if person.hsa_id and entries and named is None:
        return f"the record names the HSA-id {person.hsa_id}, but HSA has the person as {ids}"
    theirs = (remembered.by_number.get(number, "") for number in person.numbers)
    if not entries and matching.case_ignore(person.hsa_id or "") not in map(
        matching.case_ignore, theirs
    ):
        return _was_anothers(person.hsa_id, holdings, remembered)
    return None


def _was_anothers(hsa_id: str | None, holdings: Holdings, remembered: Remembered) -> str | None:
    """Why an HSA-id that a record names for a new entry cannot be given to it, or None.

    Whoever had it may have an account and cards under it still.
    """
    if hsa_id is None or holdings.with_id(hsa_id) or not remembered.has_seen(hsa_id):
        return None
    return (
        f"the HSA-id {hsa_id} that the record names is somebody else's, whose entry is not in HSA "
        "any more: no HSA-id is used twice"
    )


def _site_errors(site: Site, holdings: Holdings, remembered: Remembered) -> Iterator[str]:
    part, key = site.record.agreement, provider_key(site.record.id)
    held = holdings.ours.get(key)
    provider_id = holdings.id(held) if held is not None else part.hsa_id
    number = part.organisation_number.replace("-", "")
    new = (part.hsa_id, site.unit.hsa_id)
    for message in (
        _number_error(key, number, holdings),
        _entry_error(key, part.hsa_id, "orgNo", number, holdings),
        _entry_error(
            site.key, site.unit.hsa_id, "hsaResponsibleHealthCareProvider", provider_id, holdings
        ),
        *(_was_anothers(hsa_id, holdings, remembered) for hsa_id in new),
    ):
        if message is not None:
            yield message


def _number_error(key: str, number: str, holdings: Holdings) -> str | None:
    """Why the record is not that of the provider whose entry HSA has under its key, or None.

    Another organisation number is another legal person, and so another provider (PDL 1 kap. 3 §):
    what its predecessor's people documented is not its own. The number may be a personnummer.
    """
    held = holdings.ours.get(key)
    numbers = held.attributes.get(holdings.layout.name("orgNo"), ()) if held else ()
    if not numbers or _plain(number) in map(_plain, numbers):
        return None
    return (
        f"HSA has {key} under another organisation number than the record: another legal person is "
        "another provider, with a record of its own. Where the number was mistyped, correct orgNo "
        "in HSA by hand"
    )


def _entry_error(
    key: str, recorded_id: str | None, owner: str, recorded_owner: str | None, holdings: Holdings
) -> str | None:
    """Why an entry cannot be the one that the record means, or None.

    Access rules go by the provider (PDL): an entry is never moved from one provider to another.
    `owner` is the attribute that says whose it is.
    """
    held, named = holdings.ours.get(key), holdings.with_id(recorded_id)
    if held is None and named is not None and holdings.is_doubled(named):
        return _doubled(named, holdings)
    if held is not None and recorded_id and named is not held:
        held_id = holdings.id(held)
        return f"the record names the HSA-id {recorded_id}, but HSA has {key} as {held_id}"
    if held is not None or named is None:
        return None
    if not matching.is_below(named.dn, holdings.layout.provider_branch):
        return (
            f"the HSA-id {recorded_id} that the record names lies outside our branch for providers"
        )
    if holdings.keys(named):
        return f"the HSA-id {recorded_id} that the record names belongs to something else"
    owners = named.attributes.get(holdings.layout.name(owner), ())
    if owners and _plain(recorded_owner or "") not in map(_plain, owners):
        return f"the HSA-id {recorded_id} that the record names belongs to another provider in HSA"
    return None


def _plain(number: str) -> str:
    """The form that the spellings of a number or an HSA-id share."""
    return re.sub(r"[\s-]", "", number).casefold()


def _provider_of(key: str) -> str:
    # Somebody may have written a key by hand, of any form.
    return key.partition("/")[2].partition("/")[0]


def _providers(person: NaturalPerson) -> list[str]:
    return sorted({employment.provider for employment in person.current})
