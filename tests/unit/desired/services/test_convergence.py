# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for all orders of services, whatever the records say and however runs end."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    EquipmentPart,
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LISTING,
    TEAMS,
    TODAY,
    person,
    record,
    trial,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import IDS, Services

OBLIGATORY = ["vardutbud_bas", "stodapplikationer"]
AIDS, ACE = "hjalpmedelssystem", "ace_telefoniplattform"
STREETS = ("Vägen 1", "Stigen 2")
KINDS = ("fixed_ip", "mobile_1gb")

_days = st.integers(-40, 80).map(lambda n: TODAY + dt.timedelta(days=n))
_maybe_day = st.none() | _days.map(str)


@st.composite
def _assignments(draw: st.DrawFn) -> dict[str, Any]:
    given: dict[str, Any] = {"unit": draw(st.sampled_from(["vc", "bvc"]))}
    if draw(st.booleans()):
        given["to"] = draw(_maybe_day)
    if draw(st.integers(0, 4)) == 0:
        given["suspended"] = {"from": str(draw(_days)), "to": draw(_maybe_day)}
    systems = draw(st.sets(st.sampled_from([ECG, LISTING, TEAMS, AIDS, JOURNAL]), min_size=1))
    return uses(*sorted(systems), since=str(draw(_days)), **given)


@st.composite
def _people(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        person(
            index,
            *draw(st.lists(_assignments(), min_size=1, max_size=2)),
            ref=f"p-{index}",
            surname=draw(st.sampled_from(["Öst", "Väst"])),
            mail=draw(st.sampled_from([None, "a@x.example"])),
            protected=draw(st.integers(0, 5)) == 0,
        )
        for index in sorted(draw(st.sets(st.integers(1, 3))))
    ]


@st.composite
def _telephony(draw: st.DrawFn) -> dict[str, Any]:
    extensions = [
        {
            "id": f"e-{index}",
            "kind": draw(st.sampled_from(KINDS)),
            "unit": draw(st.sampled_from(["vc", "bvc"])),
            "number": draw(st.sampled_from([None, "0980-319 210"])),
            "ends": draw(st.none() | _maybe_day),
        }
        for index in sorted(draw(st.sets(st.integers(1, 2))))
    ]
    ace = {"ordered": "2025-12-01", "agents": draw(st.integers(1, 2))}
    return {
        "measurement_system": "Mätaren",
        "extensions": extensions,
        "attendant": draw(st.sampled_from([[], ["telefonist"]])),
        "equipment": [{"id": "t-1", "model": "J179", "unit": "vc", "count": 1}],
        "ace": draw(st.sampled_from([None, ace])),
    }


@st.composite
def _records(draw: st.DrawFn, id: str) -> Record:
    streets = draw(st.tuples(st.sampled_from(STREETS), st.sampled_from(STREETS)))
    units = [
        unit(name, closes=draw(st.none() | _maybe_day),
             address={"lines": [street], "postal_code": "830 13", "city": "Åre"})
        for name, street in zip(("vc", "bvc"), streets, strict=True)
    ]  # fmt: skip
    start = draw(st.just({}) | _days.map(lambda day: {"operation_start": str(day)}))
    terminated = draw(st.sets(st.sampled_from([ECG, ACE, "telefonitjanst"]), max_size=1))
    own = record(
        id,
        draw(_people()),
        units=units,
        phase=draw(st.sampled_from(["establishment", "operation", "wind_down", "ended"])),
        services=[*OBLIGATORY, AIDS, ACE, TEAMS, "telefonitjanst", JOURNAL],
        agreement={"supplementary": [{"service": AIDS, "signed": str(draw(_days))}], **start},
        contacts={"telephony_local": [{"name": "Växeln"}]},
        telephony=draw(_telephony()),
        terminated=[{"service": s, "last_day": str(draw(_days))} for s in sorted(terminated)],
        trial=[trial("p-1", services=[ECG], to=str(draw(_days)))],
    )
    printer = {"kind": "printer", "model": "HP 1", "unit": "vc"}
    return replace(own, equipment=from_json(EquipmentPart, {"peripherals": [printer]}))


_steps = st.lists(
    st.tuples(
        _records("alfa"),
        _records("beta"),
        st.sampled_from(["alfa", "beta", "both", "beta unreadable"]),
        st.integers(0, 40),
        st.sampled_from(["", "done", "refused", "availability", "thin"]),
    ),
    min_size=1,
    max_size=4,
)
_Step = tuple[Record, Record, str, int, str]


def _chosen(step: _Step) -> tuple[list[Record], dict[str, Any]]:
    alfa, beta, which, _later, _answer = step
    both = {"alfa": [alfa], "beta": [beta], "both": [alfa, beta], "beta unreadable": [alfa]}
    return both[which], {"invalid": ["beta"]} if which == "beta unreadable" else {}


def _tasks(records: list[Record], act: str) -> dict[str, list[dict[str, str]]]:
    """What AD might ask the owner of an account for."""
    return {
        own.id: [
            {"person": IDS[row.number], "service": JOURNAL, "group": "App", "act": act}
            for row in own.staff.people[:1]
        ]
        for own in records
    }


def _answer(world: Services, answer: str) -> None:
    if answer == "availability":
        world.answer("done", kind="availability", code="fixed_ip")
    elif answer == "thin":
        world.answer("done")
        world.thin()
    elif answer:
        world.answer(answer)


def _states(world: Services) -> dict[str, tuple[str, str]]:
    return {key: (order.kind, order.state) for key, order in world.held.items()}


def _assert_one_at_a_time(held: dict[str, Order]) -> None:
    """Nobody is given twice what was not taken in between, and no chain has two branches."""
    follows = [order.follows for order in held.values() if order.follows]
    assert len(follows) == len(set(follows))
    assert set(follows) <= held.keys()
    chains: dict[tuple[str, str, str], list[Order]] = defaultdict(list)
    for order in held.values():
        if order.state not in ("cancelled", "refused") and order.kind in ("join", "leave"):
            chains[order.provider, order.object, order.subject].append(order)
    for orders in chains.values():
        kinds = [order.kind for order in orders]
        assert kinds.count("join") - kinds.count("leave") in (0, 1)


@settings(max_examples=30)
@given(_steps)
def test_a_second_run_plans_nothing(history: list[_Step]) -> None:
    world, day = Services(), TODAY
    for step in history:
        records, options = _chosen(step)
        day += dt.timedelta(days=step[3])
        world.run(*records, day=day, **options)
        assert world.plan(*records, day=day, **options).operations == ()
        _assert_one_at_a_time(world.held)
        _answer(world, step[4])


@settings(max_examples=30)
@given(_steps, st.randoms(use_true_random=False))
def test_a_run_that_was_killed_halfway_comes_to_the_same_orders(
    history: list[_Step], random: Any
) -> None:
    world, day = Services(), TODAY
    for step in history:
        records, options = _chosen(step)
        day += dt.timedelta(days=step[3])
        killed = world.copy()
        operations = world.plan(*records, day=day, **options).operations
        killed.apply([o for o in operations if random.random() < 0.5], day)
        killed.run(*records, day=day, **options)
        world.run(*records, day=day, **options)
        assert _states(killed) == _states(world)
        assert killed.plan(*records, day=day, **options).operations == ()
        _answer(world, step[4])


@settings(max_examples=25)
@given(_records("alfa"), st.booleans())
def test_the_order_of_a_record_does_not_matter(own: Record, turned: bool) -> None:
    part, people = own.agreement, own.staff.people
    telephony = part.telephony
    assert telephony is not None
    other = replace(
        own,
        agreement=replace(
            part,
            services=part.services[::-1],
            units=part.units[::-1],
            telephony=replace(telephony, extensions=telephony.extensions[::-1]),
        ),
        staff=replace(
            own.staff,
            people=tuple(replace(p, assignments=p.assignments[::-1]) for p in people[::-1]),
        ),
    )
    one, two = Services(), Services()
    one.run(own)
    two.run(other)
    assert one.held == two.held


@settings(max_examples=25)
@given(_records("alfa"), _records("alfa"), st.sampled_from(["join", "leave"]))
def test_membership_converges_too(own: Record, later: Record, act: str) -> None:
    world = Services()
    for one in (own, later):
        tasks = _tasks([one], act)
        world.run(one, tasks=tasks)
        assert world.plan(one, tasks=tasks).operations == ()
        world.answer("done", kind="membership")


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(_days, st.integers(0, 30), st.sampled_from(["", "done", "thin"])),
        min_size=2, max_size=5,
    )
)  # fmt: skip
def test_who_opens_a_system_always_knows_the_first_day(
    history: list[tuple[dt.date, int, str]],
) -> None:
    world, day = Services(), TODAY
    for first, later, answer in history:
        day += dt.timedelta(days=later)
        world.run(record(people=[person(1, uses(ECG, since=str(first)))]), day=day)
        told = [o.particulars for o in world.held.values() if o.subject == ECG]
        if told:
            said = told[-1].get("first_day", "")
            assert said == str(first) if first > day else said <= str(day)
        _answer(world, answer)


@settings(max_examples=25)
@given(_records("alfa"), _records("beta"), _records("alfa"), st.booleans())
def test_no_name_leaves_while_the_record_that_protects_cannot_be_read(
    alfa: Record, beta: Record, later: Record, unread: bool
) -> None:
    world = Services()
    people = tuple(replace(row, protected=True) for row in beta.staff.people)
    world.run(alfa, replace(beta, staff=replace(beta.staff, people=people)))
    hidden = {IDS[row.number] for row in people}
    if unread:
        world.unread = "HSA could not be read"
        hidden = {order.object for order in world.held.values() if order.protected}
    for order in world.run(later, invalid=["beta"]):
        assert order.protected or order.object not in hidden
        assert "surname" not in order.particulars or order.object not in hidden


@settings(max_examples=25)
@given(_records("alfa"), _records("beta"))
def test_every_order_can_be_carried_out_by_who_gets_it(alfa: Record, beta: Record) -> None:
    world = Services()
    world.run(alfa, beta)
    for order in world.held.values():
        assert order.recipient
        assert order.particulars["provider_name"]
        is_of_person = order.object in IDS.values()
        assert is_of_person is ("hsa_id" in order.particulars)
        assert order.protected is (is_of_person and "surname" not in order.particulars)
