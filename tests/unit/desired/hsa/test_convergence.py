# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the records say and whenever a run was killed: the next run ends in the same place."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    PASCAL,
    PHASES,
    STATISTICS,
    TODAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, batches

_DAYS = [TODAY + dt.timedelta(days=n) for n in (0, 1, 30, 90)]
_BEFORE, _YESTERDAY, _TOMORROW, _SOON, _LATER = (
    str(TODAY + dt.timedelta(days=n)) for n in (-60, -1, 1, 30, 90)
)
_NAMES = ("Hälsan", "hälsan", 'Läkarhuset +7, "Vård"; #1 \\ <å>', "{{ x }}")
_PHASES = ("operation", *PHASES)
# What people do at the units "a" and "b", each once.
_ASSIGNMENTS: tuple[dict[str, Any], ...] = tuple(
    {"unit": unit, **fields}
    for unit in "ab"
    for fields in (
        {},
        {"systems": [NPO, PASCAL]},
        {"systems": [NPO], "to": _YESTERDAY},
        {"since": _BEFORE, "to": _TOMORROW},
        {"since": _SOON},
        {"since": _LATER, "systems": [PASCAL]},
        {"suspended": {"from": _BEFORE}},
        {"suspended": {"from": _TOMORROW, "to": _SOON}, "systems": [NPO]},
        {"halsoval": False},
        {"purpose": None, "systems": [PASCAL]},
        {"purpose": STATISTICS},
        {"rights": ["Läsa;alla;VG", "Läsa;alla;SJF"]},
    )
)
_PEOPLE: tuple[dict[str, Any], ...] = (
    {},
    {"surname": 'O"Neill, #3+'},
    {"given_name": "{{ 7 * 7 }}", "middle_name": "Maria"},
    {"protected": True, "middle_name": "Maria", "mail": "a@b.example"},
    {"position": "Läkare", "mail": "a@b.example", "phone": "063-14 75 00"},
    {"position": "Sköterska", "mail": "c@d.example", "phone": "+4663147500"},
    {"licences": [{"title": "Läkare", "confirmed": "2020-01-01"}]},
    {"licences": [{"title": "Läkare"}, {"title": "Psykolog", "confirmed": _TOMORROW}]},
)
_UNITS: tuple[dict[str, Any], ...] = (
    {},
    {"public_from": _BEFORE, "classification": ["1502", "1500", "1502"]},
    {"public_from": _TOMORROW},
    {"closes": _YESTERDAY},
    {"closes": _TOMORROW, "public_from": _BEFORE},
    {"halsoval": False},
)

# Of each record: phase, name, two units (name, variant), and people (number, variant, assignments).
_Spec = dict[str, tuple[str, str, list[tuple[str, int]], dict[int, tuple[int, list[int]]]]]
_specs: st.SearchStrategy[_Spec] = st.dictionaries(
    st.sampled_from(("alfa", "beta", "gamma")),
    st.tuples(
        st.sampled_from(_PHASES),
        st.sampled_from(_NAMES),
        st.lists(
            st.tuples(st.sampled_from(_NAMES), st.integers(0, len(_UNITS) - 1)),
            min_size=2, max_size=2,
        ),
        st.dictionaries(
            st.integers(0, 4),
            st.tuples(
                st.integers(0, len(_PEOPLE) - 1),
                st.lists(st.integers(0, len(_ASSIGNMENTS) - 1), min_size=1, max_size=3),
            ),
            max_size=4,
        ),
    ),
    min_size=1,
)  # fmt: skip


def _records(specs: _Spec) -> list[Record]:
    return [
        record(
            id,
            [
                person(index, *(assignment(**_ASSIGNMENTS[n]) for n in numbers), **_PEOPLE[variant])
                for index, (variant, numbers) in people.items()
            ],
            phase=phase,
            name=name,
            units=[unit(u, name, **_UNITS[n]) for u, (name, n) in zip("ab", units, strict=True)],
        )
        for id, (phase, name, units, people) in specs.items()
    ]


def _killed(hsa: Hsa, *records: Record, chance: random.Random) -> None:
    """Carry out a plan up to a random point: some operations of one batch, none after it."""
    whole = list(batches(hsa.plan(*records).operations))
    if not whole:
        return
    last = chance.randrange(len(whole))
    for batch in whole[:last]:
        assert not hsa.directory.apply(batch)
    some = [operation for operation in whole[last] if chance.random() < 0.5]
    assert not hsa.directory.apply(some)


@settings(max_examples=150)
@given(st.lists(st.tuples(_specs, st.sampled_from(_DAYS)), min_size=1, max_size=4))
def test_every_plan_can_be_carried_out_and_leaves_nothing_to_do(
    history: list[tuple[_Spec, dt.date]],
) -> None:
    hsa = Hsa()
    for specs, day in history:
        # `bring` fails where the directory refuses an operation or a second plan is not empty.
        hsa.bring(*_records(specs), day=day)


@settings(max_examples=100)
@given(_specs, st.integers(0, 2**32))
def test_a_killed_first_run_ends_as_an_undisturbed_one(specs: _Spec, seed: int) -> None:
    undisturbed, killed, chance = Hsa(), Hsa(), random.Random(seed)
    records = _records(specs)
    undisturbed.bring(*records)
    for _time in range(3):
        _killed(killed, *records, chance=chance)
    killed.bring(*records)
    assert killed.directory.content() == undisturbed.directory.content()


@settings(max_examples=100)
@given(_specs, _specs, st.integers(0, 2**32))
def test_a_run_killed_among_changes_leaves_nothing_that_the_next_one_cannot_do(
    before: _Spec, after: _Spec, seed: int
) -> None:
    hsa, chance = Hsa(), random.Random(seed)
    hsa.bring(*_records(before))
    for _time in range(3):
        _killed(hsa, *_records(after), chance=chance)
    hsa.bring(*_records(after))


def test_ids_of_a_killed_run_are_given_to_those_they_were_meant_for(hsa: Hsa) -> None:
    staff = record(people=[person(index) for index in range(60)])
    undisturbed = hsa.copy()
    undisturbed.bring(staff)
    *_others, people, commissions = batches(hsa.plan(staff).operations)
    assert {operation.kind for operation in people} == {"person"}
    for batch in list(batches(hsa.plan(staff).operations))[:-2]:
        hsa.directory.apply(batch)
    # The server had done the last sixty requests in another order than they were sent.
    hsa.directory.apply(people[:5] + people[30:33] + people[-1:])
    hsa.bring(staff)
    assert hsa.directory.content() == undisturbed.directory.content()
    assert hsa.people(coordination_number(1)) == []
    assert len(hsa.people(number(1))) == 1
    assert len(commissions) == 1
