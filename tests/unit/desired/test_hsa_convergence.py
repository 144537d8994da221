# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the records say and whenever a run was killed: the next run ends in the same place."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    CARE,
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
from hypothesis import given, settings
from hypothesis import strategies as st

_PROVIDERS = ("alfa", "beta", "gamma")
_UNITS = ("vc", "bvc")
_NAMES = ("Hälsan", "hälsan", 'Läkarhuset +7, "Vård"; #1 \\ <å>', " ".join("ab"), "{{ x }}")
_PLACES = (None, "Läkare", "Sköterska")
_DAYS = [TODAY + dt.timedelta(days=n) for n in (-400, -60, -1, 0, 1, 30, 90)]
_day = st.sampled_from([str(day) for day in _DAYS])


@st.composite
def _assignment(draw: st.DrawFn) -> dict[str, Any]:
    since, to = sorted((draw(_day), draw(_day)))
    options: dict[str, Any] = {
        "since": since,
        "purpose": draw(st.sampled_from((CARE, CARE, STATISTICS, None))),
        "systems": draw(st.lists(st.sampled_from((NPO, PASCAL)), unique=True)),
        "halsoval": draw(st.sampled_from((True, True, True, False))),
    }
    if draw(st.booleans()):
        options["to"] = to
    if draw(st.booleans()):
        options["suspended"] = {"from": draw(_day)}
    if options["purpose"] and draw(st.booleans()):
        options["rights"] = ["Läsa;alla;VG", "Läsa;alla;SJF"]
    return assignment(draw(st.sampled_from(_UNITS)), **options)


@st.composite
def _person(draw: st.DrawFn, index: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "given_name": draw(st.sampled_from(("Åsa", "Anna-Lisa", "{{ 7 * 7 }}"))),
        "surname": draw(st.sampled_from(("Öst", 'O"Neill, #3+'))),
        "protected": draw(st.sampled_from((False, False, True))),
    }
    optional = {
        "middle_name": "Maria",
        "position": draw(st.sampled_from(_PLACES)),
        "mail": draw(st.sampled_from(("a@b.example", "c@d.example"))),
        "phone": "063-1" + str(index),
        "licences": [{"title": "Läkare", "confirmed": draw(st.sampled_from((None, "2020-01-01")))}],
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    fields |= {name: optional[name] for name in chosen}
    return person(index, *draw(st.lists(_assignment(), min_size=1, max_size=3)), **fields)


@st.composite
def _record(draw: st.DrawFn, id: str) -> Record:
    phase = draw(st.sampled_from(sorted(PHASES)))
    units = [
        unit(
            name, draw(st.sampled_from(_NAMES)),
            halsoval=draw(st.sampled_from((True, True, False))),
            public_from=draw(st.one_of(st.none(), _day)),
            closes=draw(st.one_of(st.none(), st.none(), _day)),
            classification=draw(st.lists(st.sampled_from(("1502", "1500")), max_size=3)),
        )
        for name in _UNITS
    ]  # fmt: skip
    people = [draw(_person(index)) for index in draw(st.sets(st.integers(0, 5), max_size=5))]
    name = draw(st.sampled_from(_NAMES))
    return record(id, people, units=units, phase=phase, name=name)


@st.composite
def _records(draw: st.DrawFn) -> list[Record]:
    return [draw(_record(id)) for id in draw(st.sets(st.sampled_from(_PROVIDERS), min_size=1))]


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
@given(st.lists(_records(), min_size=1, max_size=4), st.data())
def test_every_plan_can_be_carried_out_and_leaves_nothing_to_do(
    history: list[list[Record]], data: st.DataObject
) -> None:
    hsa, day = Hsa(), TODAY
    for records in history:
        # `bring` fails where the directory refuses an operation or a second plan is not empty.
        hsa.bring(*records, day=day)
        day += dt.timedelta(days=data.draw(st.sampled_from((0, 1, 40, 100))))


@settings(max_examples=100)
@given(_records(), st.randoms(use_true_random=False))
def test_a_killed_first_run_ends_as_an_undisturbed_one(
    records: list[Record], chance: random.Random
) -> None:
    undisturbed, killed = Hsa(), Hsa()
    undisturbed.bring(*records)
    for _ in range(3):
        _killed(killed, *records, chance=chance)
    killed.bring(*records)
    assert killed.directory.content() == undisturbed.directory.content()


@settings(max_examples=100)
@given(_records(), _records(), st.randoms(use_true_random=False))
def test_a_run_killed_among_changes_leaves_nothing_that_the_next_one_cannot_do(
    before: list[Record], after: list[Record], chance: random.Random
) -> None:
    hsa = Hsa()
    hsa.bring(*before)
    for _ in range(3):
        _killed(hsa, *after, chance=chance)
    hsa.bring(*after)


def test_ids_of_a_killed_run_are_given_to_those_they_were_meant_for(hsa: Hsa) -> None:
    staff = record(people=[person(index) for index in range(60)])
    undisturbed = hsa.copy()
    undisturbed.bring(staff)
    *_, people, commissions = batches(hsa.plan(staff).operations)
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
