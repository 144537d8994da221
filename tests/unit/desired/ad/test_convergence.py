# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the records say, whoever else writes, and whenever a run was killed: what must hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.layout import (
    AD_SERVICES,
    Layout,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Values
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Assignment,
    Person,
    Record,
)
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    FOREIGN_MEMBERS,
    REGION_STAFF,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    LISTING,
    OFFICE,
    PHASES,
    TODAY,
    XRAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
    trial,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import batches, values
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import Killed

_DAYS = [TODAY + dt.timedelta(days=n) for n in (0, 1, 30, 90)]
_BEFORE, _YESTERDAY, _TOMORROW, _SOON, _LATER = (
    str(TODAY + dt.timedelta(days=n)) for n in (-60, -1, 1, 30, 90)
)
_PHASES = ("operation", *PHASES)
_ASSIGNMENTS: tuple[dict[str, Any], ...] = tuple(
    {"unit": unit, **fields}
    for unit in "ab"
    for fields in (
        {},
        {"systems": [JOURNAL]},
        {"systems": [XRAY, LISTING, "befolkningsregister"]},
        {"systems": [JOURNAL, OFFICE], "to": _YESTERDAY},
        {"systems": [OFFICE], "since": _BEFORE, "to": _TOMORROW},
        {"systems": [XRAY], "since": _SOON},
        {"systems": [JOURNAL], "since": _LATER},
        {"systems": [JOURNAL, XRAY], "suspended": {"from": _BEFORE}},
        {"systems": [JOURNAL], "suspended": {"from": _TOMORROW, "to": _SOON}},
        {"systems": [JOURNAL], "halsoval": False},
    )
)
_PEOPLE: tuple[dict[str, Any], ...] = (
    {},
    {"surname": 'O"Neill, #3+'},
    {"given_name": "{{ 7 * 7 }}", "middle_name": "Maria"},
    {"protected": True, "mail": "a@b.example"},
    {"position": "Läkare", "mail": "a@b.example", "phone": "063-14 75 00"},
    {"position": "Sköterska", "phone": "+4663147500"},
    {"previous_numbers": [coordination_number(9)]},
)
_TRIALS: tuple[list[dict[str, Any]], ...] = (
    [],
    [trial("p0", "p1", services=[JOURNAL], since=_BEFORE, to=_TOMORROW)],
    [trial("p1", "p2", services=[XRAY], since=_TOMORROW, to=_SOON), trial("p2", since=_SOON)],
)
_LAYOUTS = (AD_LAYOUT, replace(AD_LAYOUT, account_name="{given:.3}{surname:.3}"))

# Of each record: phase, trial, whether unit b is Hälsoval work, and people (number, variant,
# assignments). A provider without one has a record that cannot be read.
_Spec = dict[str, tuple[str, int, bool, dict[int, tuple[int, list[int]]]] | None]
_spec = st.tuples(
    st.sampled_from(_PHASES),
    st.integers(0, len(_TRIALS) - 1),
    st.booleans(),
    st.dictionaries(
        st.integers(0, 4),
        st.tuples(
            st.integers(0, len(_PEOPLE) - 1),
            st.lists(st.integers(0, len(_ASSIGNMENTS) - 1), min_size=1, max_size=3),
        ),
        max_size=4,
    ),
)
_specs: st.SearchStrategy[_Spec] = st.fixed_dictionaries(
    {"alfa": _spec, "beta": st.one_of(_spec, _spec, st.none())}
)
# What somebody does by hand between two runs, and whether HSA can be read in the run.
_hands = st.sampled_from(("", "", "close", "open", "join", "rename"))
_steps = st.lists(
    st.tuples(_specs, st.sampled_from(_DAYS), _hands, st.booleans()), min_size=1, max_size=4
)


def _records(specs: _Spec) -> list[Record]:
    records = []
    for id, spec in specs.items():
        if spec is None:
            continue
        phase, tries, halsoval, people = spec
        rows = [
            person(
                index, *(assignment(**_ASSIGNMENTS[n]) for n in numbers), ref=f"p{index}",
                # Nobody else has had that number.
                **(_PEOPLE[variant] if index == 0 or variant < 6 else {}),
            )
            for index, (variant, numbers) in people.items()
        ]  # fmt: skip
        units = [unit("a"), unit("b", halsoval=halsoval)]
        records.append(record(id, rows, phase=phase, units=units, trial=_TRIALS[tries]))
    return records


def _unread(specs: _Spec) -> list[str]:
    return [id for id, spec in specs.items() if spec is None]


# --- what the records open, said once more -------------------------------------------------------


def _lasts(record: Record, assigned: Assignment, day: dt.date) -> bool:
    """Whether a day lies within an assignment that counts."""
    units = {unit.id: unit for unit in record.agreement.units}
    ends = (record.agreement.agreement.ends, assigned.to)
    away = assigned.suspended
    return (
        record.agreement.agreement.contract_signed is not None
        and assigned.halsoval
        and units[assigned.unit].halsoval
        and all(end is None or day <= end for end in ends)
        and not (away and away.from_ <= day and (away.to is None or day <= away.to))
    )


def _operates(record: Record, day: dt.date) -> bool:
    part = record.agreement.agreement
    return part.operation_start is not None and part.operation_start <= day


def _services(record: Record, row: Person, assigned: Assignment, day: dt.date) -> Iterable[str]:
    """The services that an assignment that counts opens on a day."""
    if _operates(record, day):
        return assigned.systems if assigned.from_ <= day else ()
    if assigned.from_ > day + dt.timedelta(days=56):
        return ()
    trials = (t for t in record.agreement.trial if t.from_ <= day <= t.to)
    return [service for t in trials if row.ref in t.people for service in t.systems]


def _opened(records: Iterable[Record], wanted: str, day: dt.date) -> Iterator[str]:
    """The groups that are open to a person on a day."""
    for one in records:
        services = {
            service
            for row in one.staff.people
            for assigned in row.assignments
            if wanted in row.numbers and _lasts(one, assigned, day)
            for service in _services(one, row, assigned, day)
        }
        if services & AD_SERVICES:
            yield f"Halsoval-{one.id}"
        for service in services & AD_LAYOUT.groups.keys():
            yield AD_LAYOUT.groups[service].partition(",")[0].removeprefix("CN=")


def _assert_as_it_must_be(world: Ad, records: list[Record], day: dt.date) -> None:
    """No account too many, nobody let in, nobody in a group, without an open use."""
    ours = world.our_accounts()
    held = {e.dn: e for e in world.directory.entries()}
    owners = [values(held[dn], "employeeNumber") for dn in ours]
    assert len(owners) == len(set(owners))
    readable = {f"halsoval:person/{record.id}" for record in records} | {"halsoval:disabled"}
    for index in range(5):
        opened = set(_opened(records, number(index), day))
        accounts = [e for e in world.accounts(number(index)) if e.dn in ours]
        assert bool(accounts) or not opened, (index, day)
        if not accounts or not readable.issuperset(values(accounts[0], "extensionName")):
            continue  # what a record that cannot be read has given stays
        assert world.groups_of(number(index)) == opened, (index, day)
        assert not world.is_enabled(number(index)) or opened, (index, day)
    for name in ("App-Journal", "App-Rontgen", "App-Office-Las"):
        assert set(FOREIGN_MEMBERS) <= set(values(world.group(name), "member"))


def _by_hand(world: Ad, what: str) -> None:
    """Somebody changes the first of our accounts."""
    for dn in sorted(world.our_accounts())[:1]:
        (entry,) = (e for e in world.directory.entries() if e.dn == dn)
        flags = tuple(f for f in values(entry, "userAccountControl") if f != "ENABLED")
        if what == "close":
            world.change(entry, userAccountControl=flags)
        elif what == "open":
            world.change(entry, userAccountControl=("ENABLED", *flags))
        elif what == "join":
            group = world.group("App-Rontgen")
            members = dict.fromkeys((*values(group, "member"), dn))
            world.change(group, member=tuple(members))
        elif what == "rename":
            world.change(entry, sn="Handskriven", title=("Annan titel",))


def _named(world: Ad) -> dict[str, tuple[str, Values]]:
    """By address, what never changes of our accounts."""
    ours = world.our_accounts()
    return {
        e.address: (e.dn.partition(",")[0], values(e, "sAMAccountName"))
        for e in world.directory.entries()
        if e.dn in ours
    }


@settings(max_examples=120)
@given(_steps, st.sampled_from(_LAYOUTS))
def test_what_must_hold_holds_after_every_run(
    history: list[tuple[_Spec, dt.date, str, bool]], layout: Layout
) -> None:
    world = Ad(layout)
    # A name that we would choose.
    world.put_account(f"CN=x,{REGION_STAFF}", "annfja")
    named: dict[str, tuple[str, Values]] = {}
    for specs, day, hand, is_away in sorted(history, key=lambda step: step[1]):
        records = _records(specs)
        _by_hand(world, hand)
        world.unread = "HSA could not be read" if is_away else None
        # `bring` fails where the domain refuses an operation, a second plan is not empty, or
        # anything that is not ours has changed.
        world.bring(*records, day=day, invalid=_unread(specs))
        if not is_away:
            _assert_as_it_must_be(world, records, day)
        now = _named(world)
        assert named.items() <= now.items()
        named = now


# --- what never waits ----------------------------------------------------------------------------

_FATES: dict[str, dict[str, Any] | None] = {
    "stays": {},
    "ends": {"to": _YESTERDAY},
    "rests": {"suspended": {"from": _YESTERDAY}},
    "vanishes": None,
}
_fates = st.sampled_from(("stays", "stays", *_FATES))
_TROUBLE = ("", "unread", "refused", "archived", "no group")


def _staff(id: str, fates: Mapping[int, str | None]) -> Record:
    """A record whose people have met their fate at a provider; without one they are not there."""
    rows = [
        person(index, assignment(systems=[JOURNAL, OFFICE], **fields))
        for index, fate in fates.items()
        if fate and (fields := _FATES[fate]) is not None
    ]
    return record(id, rows)


def _in_trouble(world: Ad, trouble: str) -> None:
    if trouble == "unread":
        world.unread = "HSA could not be read"
    elif trouble == "refused":
        world.hsa.directory.refuses = lambda operation: "busy"
    elif trouble == "archived":
        for index in range(12):
            for entry in world.hsa.people(number(index)):
                classes = (*values(entry, "objectClass"), "hsaArchivedObject")
                world.hsa.directory.put(entry.dn, objectClass=classes)
    elif trouble == "no group":
        world.directory.remove(world.group("App-Office-Las").dn)


@settings(max_examples=80)
@given(
    st.dictionaries(
        st.integers(0, 11), st.tuples(_fates, st.one_of(st.none(), _fates)), min_size=1
    ),
    st.sampled_from(_TROUBLE),
)
def test_what_a_date_ends_waits_for_nothing_and_nothing_else_goes_unconfirmed(
    people: dict[int, tuple[str, str | None]], trouble: str
) -> None:
    world = Ad()
    alfa = {index: fate for index, (fate, _other) in people.items()}
    beta = {index: fate for index, (_fate, fate) in people.items()}
    before = [
        _staff(id, {i: fate and "stays" for i, fate in fates.items()})
        for id, fates in (("alfa", alfa), ("beta", beta))
    ]
    world.bring(*before)
    _in_trouble(world, trouble)
    world.run(_staff("alfa", alfa), _staff("beta", beta))
    for index, fates in people.items():
        here = {p: fate for p, fate in zip(("alfa", "beta"), fates, strict=True) if fate}
        groups = world.groups_of(number(index))
        for provider, fate in here.items():
            if fate in ("ends", "rests"):
                assert f"Halsoval-{provider}" not in groups, (index, fates)
            elif fate == "stays":
                assert f"Halsoval-{provider}" in groups, (index, fates)
        if "stays" in here.values():
            assert world.is_enabled(number(index)), (index, fates)
            assert "App-Journal" in groups, (index, fates)
        elif "vanishes" not in here.values():
            assert groups == set(), (index, fates)
            assert not world.is_enabled(number(index)), (index, fates)
            assert world.is_marked(number(index)), (index, fates)
    for provider, fates_there in (("alfa", alfa), ("beta", beta)):
        listed = [i for i, fate in fates_there.items() if fate]
        gone = [i for i in listed if fates_there[i] == "vanishes"]
        taken = [i for i in gone if f"Halsoval-{provider}" not in world.groups_of(number(i))]
        assert len(taken) <= max(1, len(listed) * 20 // 100), (provider, taken)


def _killed(world: Ad, *records: Record, after: int) -> None:
    """Carry out a plan until so many operations are done."""
    world.directory.dies_after = after
    with suppress(Killed):
        for batch in batches(world.plan(*records).operations):
            assert not world.directory.apply(batch)
    world.directory.dies_after = None


@settings(max_examples=50)
@given(
    _specs, _specs, st.lists(st.integers(0, 12), min_size=1, max_size=4),
    st.sampled_from(_LAYOUTS),
)  # fmt: skip
def test_a_run_that_was_killed_ends_as_an_undisturbed_one(
    before: _Spec, after: _Spec, kills: list[int], layout: Layout
) -> None:
    undisturbed, killed = Ad(layout), Ad(layout)
    for world in (undisturbed, killed):
        world.bring(*_records(before))
    records = _records(after)
    undisturbed.bring(*records)
    killed.hsa.bring(*records)
    for after_so_many in kills:
        _killed(killed, *records, after=after_so_many)
    killed.bring_domain(*records)
    assert killed.directory.content() == undisturbed.directory.content()
