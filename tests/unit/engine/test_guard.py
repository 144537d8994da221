# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard lets through: exact numbers, dated ends, confirmed plans."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import (
    Case,
    Holding,
    Verdict,
    judge,
    shrinkage,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Codec,
    Entry,
    Operation,
    Plan,
    Values,
    Wanted,
    make_plan,
    plan_hash,
)

SECRET = b"secret"
SCHEMA = (
    Attribute("member", grants="value"),
    Attribute("public", grants="entry"),
    Attribute("mail"),
)


def entry(
    provider: str,
    *,
    held: int = 0,
    lost: int = 0,
    dated: int = 0,
    kind: str = "commission",
    also: Collection[str] = (),
    **attributes: Values,
) -> Wanted:
    """An entry with `held` members that loses `lost`, and `dated` more that a date explains."""
    members = tuple(f"{provider}-{n}" for n in range(held))
    dn = f"ou={kind},ou={provider},c=SE"
    return Wanted(
        key=f"{kind}/{provider}", kind=kind, id=f"{kind}-{provider}", level=0, parent="c=SE",
        rdns=(), attributes={"member": members[lost + dated :], **attributes},
        providers=frozenset({provider, *also}),
        held=Entry(dn, {"member": members, "public": ("03",)}),
        dated={"member": members[lost : lost + dated]},
    )  # fmt: skip


def people(provider: str, count: int) -> frozenset[Holding]:
    return frozenset(("person", f"{provider}-{n}") for n in range(count))


def plan(*entries: Wanted) -> Plan:
    return make_plan(entries, SCHEMA)


def judged(
    made: Plan,
    holdings: Mapping[str, Collection[Holding]],
    selected: Collection[str] | None = None,
    expected: Collection[str] = (),
    blocked: Mapping[str, str] | None = None,
    **more: Any,
) -> Verdict:
    chosen = set(holdings) if selected is None else selected
    case = Case(holdings=holdings, expected=expected, blocked=blocked or {}, **more)
    return judge(made, chosen, case, SECRET)


# --- per provider --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "may_go"),
    # min(10, max(1, 20 %)), rounded down.
    [(1, 1), (4, 1), (5, 1), (9, 1), (10, 2), (14, 2), (15, 3), (49, 9), (50, 10), (400, 10)],
)
def test_a_provider_may_lose_a_fifth_at_least_one_at_most_ten(held: int, may_go: int) -> None:
    # So many others that the limit of the run is far away.
    holdings = {"alfa": people("alfa", held), "rest": people("rest", 2000)}
    within = plan(entry("alfa", held=held, lost=may_go))
    assert judged(within, holdings).refusals == {}
    assert judged(within, holdings).operations == within.operations
    if may_go < held:
        over = judged(plan(entry("alfa", held=held, lost=may_go + 1)), holdings)
        assert set(over.refusals) == {"alfa"}
        assert f"{may_go + 1} of {held}" in over.refusals["alfa"]
        assert f"at most {may_go}" in over.refusals["alfa"]
        assert over.operations == ()


def test_the_same_person_lost_twice_is_one_person() -> None:
    made = plan(entry("alfa", held=5, lost=1), entry("alfa", held=5, lost=1, kind="statistics"))
    assert judged(made, {"alfa": people("alfa", 5)}).refusals == {}


def test_units_and_people_are_counted_together() -> None:
    holdings = {"alfa": people("alfa", 5) | {("unit", "unit-alfa"), ("unit", "other")}}
    member, unit = entry("alfa", held=5, lost=1), entry("alfa", kind="unit", public=())
    assert judged(plan(member), holdings).refusals == {}
    assert judged(plan(unit), holdings).refusals == {}
    assert "2 of 7" in judged(plan(member, unit), holdings).refusals["alfa"]


def test_the_last_unit_is_never_lost_without_a_date() -> None:
    made = plan(entry("alfa", kind="unit", public=()))
    alone = {"alfa": people("alfa", 60) | {("unit", "unit-alfa")}}
    verdict = judged(made, alone)
    assert "last unit" in verdict.refusals["alfa"]
    assert verdict.operations == ()
    assert judged(made, {"alfa": alone["alfa"] | {("unit", "other")}}).refusals == {}


def test_the_refusal_names_the_hash_that_confirms_it() -> None:
    made = plan(entry("alfa", held=6, lost=5))
    verdict = judged(made, {"alfa": people("alfa", 6)})
    assert len(verdict.hashes["alfa"]) == 16
    assert f"halsoval_expected_plan={verdict.hashes['alfa']}" in verdict.refusals["alfa"]


def test_the_refusal_names_who_would_lose_something_up_to_twenty() -> None:
    refusal = judged(plan(entry("alfa", held=6, lost=5)), {"alfa": people("alfa", 6)}).refusals
    assert ", ".join(f"person alfa-{n}" for n in range(5)) in refusal["alfa"]
    assert "alfa-5" not in refusal["alfa"]
    many = judged(plan(entry("alfa", held=40, lost=23)), {"alfa": people("alfa", 40)}).refusals
    assert many["alfa"].count("person alfa-") == 20
    assert "and 3 more" in many["alfa"]
    twenty = judged(plan(entry("alfa", held=40, lost=20)), {"alfa": people("alfa", 40)}).refusals
    assert twenty["alfa"].count("person alfa-") == 20
    assert "more" not in twenty["alfa"]


def test_one_providers_refusal_does_not_stop_another() -> None:
    made = plan(entry("alfa", held=6, lost=5), entry("beta", held=6, lost=1))
    verdict = judged(made, {"alfa": people("alfa", 6), "beta": people("beta", 6)})
    assert set(verdict.refusals) == {"alfa"}
    assert [op.id for op in verdict.operations] == ["commission-beta"]


def test_what_is_not_selected_is_neither_done_nor_judged() -> None:
    made = plan(entry("alfa", held=6, lost=5, dated=1), entry("beta", held=6, lost=1))
    verdict = judged(made, {p: people(p, 6) for p in ("alfa", "beta")}, selected=["beta"])
    assert verdict.refusals == {}
    assert set(verdict.hashes) == {"beta"}
    assert [op.id for op in verdict.operations] == ["commission-beta"]


# --- per run -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("providers", "held", "may_go"),
    # max(10, 2 %): of 60, of 550, of 600, of 660.
    [(12, 5, 10), (11, 50, 11), (12, 50, 12), (14, 47, 13)],
)
def test_a_run_may_lose_ten_or_two_percent(providers: int, held: int, may_go: int) -> None:
    names = [f"p{n:02d}" for n in range(providers)]
    holdings = {name: people(name, held) for name in names}
    total = providers * held
    assert may_go == max(10, total * 2 // 100)

    def verdict(lost: int) -> Verdict:
        return judged(
            plan(*(entry(name, held=held, lost=int(n < lost)) for n, name in enumerate(names))),
            holdings,
        )

    if may_go <= providers:
        assert verdict(may_go).refusals == {}
    if may_go < providers:
        over = verdict(may_go + 1)
        assert set(over.refusals) == set(names[: may_go + 1])
        assert f"{may_go + 1} of {total}" in over.refusals[names[0]]
        assert over.operations == ()


def test_a_run_that_loses_too_much_still_does_what_takes_nothing() -> None:
    names = [f"p{n:02d}" for n in range(11)]
    losing = [entry(name, held=5, lost=1) for name in names]
    made = plan(*losing, entry("plain", held=5, mail=("new",)))
    verdict = judged(made, {name: people(name, 5) for name in (*names, "plain")})
    assert set(verdict.refusals) == set(names)
    assert [op.id for op in verdict.operations] == ["commission-plain"]


def test_what_a_provider_is_refused_is_not_counted_in_the_run() -> None:
    names = [f"p{n:02d}" for n in range(10)]
    made = plan(*(entry(name, held=5, lost=1) for name in names), entry("wild", held=100, lost=100))
    holdings = {name: people(name, 5) for name in names} | {"wild": people("wild", 100)}
    assert set(judged(made, holdings).refusals) == {"wild"}


def test_a_person_of_two_providers_is_one_in_the_run() -> None:
    shared = frozenset({("person", f"s-{n}") for n in range(10)})
    names = [f"p{n}" for n in range(2)]
    members = tuple(f"s-{n}" for n in range(10))
    wanted = [
        Wanted(
            key=name, kind="commission", id=name, level=0, parent="", rdns=(),
            attributes={"member": ()}, providers=frozenset({name}),
            held=Entry(f"cn={name},c=SE", {"member": members}),
        )
        for name in names
    ]  # fmt: skip
    holdings = {name: shared | people(name, 40) for name in names}
    assert judged(make_plan(wanted, SCHEMA), holdings).refusals == {}


# --- dated ends ----------------------------------------------------------------------------------


def test_dated_ends_are_free_however_many() -> None:
    made = plan(entry("alfa", held=100, dated=100))
    verdict = judged(made, {"alfa": people("alfa", 100)})
    assert verdict.refusals == {}
    assert verdict.operations == made.operations


def test_a_refusal_does_not_delay_dated_ends() -> None:
    made = plan(entry("alfa", held=20, lost=9, dated=3, mail=("new",)))
    verdict = judged(made, {"alfa": people("alfa", 20)})
    assert set(verdict.refusals) == {"alfa"}
    (part,) = verdict.operations
    assert [(c.attribute, set(c.delete), c.add) for c in part.changes] == [
        ("member", {"alfa-9", "alfa-10", "alfa-11"}, ())
    ]


def test_a_refusal_for_another_reason_does_not_delay_dated_ends() -> None:
    made = plan(entry("alfa", held=20, dated=3, mail=("new",)))
    holdings = {"alfa": people("alfa", 20)}
    verdict = judged(made, holdings, blocked={"alfa": "two entries", "beta": "not asked for"})
    assert verdict.refusals == {"alfa": "two entries"}
    (part,) = verdict.operations
    assert [c.attribute for c in part.changes] == ["member"]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_undated_losses_beyond_the_limit_never_happen(held: int, lost: int, dated: int) -> None:
    lost = min(lost, held)
    dated = min(dated, held - lost)
    verdict = judged(
        plan(entry("alfa", held=held, lost=lost, dated=dated)), {"alfa": people("alfa", held)}
    )
    gone = {v for op in verdict.operations for c in op.changes for v in c.delete}
    assert len(gone - {f"alfa-{n}" for n in range(lost, lost + dated)}) <= min(
        10, max(1, held // 5)
    )
    assert gone >= {f"alfa-{n}" for n in range(lost, lost + dated)}


# --- confirmed plans -----------------------------------------------------------------------------


def test_a_confirmed_plan_is_done_whole_whatever_it_takes() -> None:
    made = plan(entry("alfa", held=100, lost=100), entry("alfa", kind="unit", public=()))
    holdings = {"alfa": people("alfa", 100) | {("unit", "unit-alfa")}}
    (name,) = judged(made, holdings).hashes.values()
    verdict = judged(made, holdings, expected=[name])
    assert verdict.refusals == {}
    assert verdict.operations == made.operations


def test_a_stale_hash_is_refused_and_nothing_is_done() -> None:
    seen = plan(entry("alfa", held=6, lost=5))
    stale = plan_hash(seen.operations, SECRET)
    now = plan(entry("alfa", held=6, lost=4, dated=2))
    verdict = judged(now, {"alfa": people("alfa", 6)}, expected=[stale])
    assert set(verdict.refusals) == {"alfa"}
    assert verdict.hashes["alfa"] in verdict.refusals["alfa"]
    assert stale not in verdict.refusals["alfa"]
    assert verdict.operations == ()


def test_exactly_the_confirmed_plans_are_done() -> None:
    made = plan(*(entry(p, held=6, lost=1, dated=1) for p in ("alfa", "beta", "gamma")))
    holdings = {p: people(p, 6) for p in ("alfa", "beta", "gamma", "idle")}
    name = judged(made, holdings).hashes["beta"]
    verdict = judged(made, holdings, expected=[name])
    assert [op.id for op in verdict.operations] == ["commission-beta"]
    assert set(verdict.refusals) == {"alfa", "gamma"}


def test_a_confirmed_plan_of_a_provider_that_is_not_selected_is_not_done() -> None:
    made = plan(entry("alfa", held=6, lost=5))
    name = plan_hash(made.operations, SECRET)
    verdict = judged(made, {"alfa": people("alfa", 6)}, selected=["beta"], expected=[name])
    assert verdict.operations == ()
    assert verdict.refusals == {}


def test_confirming_does_not_lift_another_reason_for_refusal() -> None:
    made = plan(entry("alfa", held=6, lost=5))
    name = plan_hash(made.operations, SECRET)
    holdings = {"alfa": people("alfa", 6)}
    verdict = judged(made, holdings, expected=[name], blocked={"alfa": "two entries"})
    assert verdict.refusals == {"alfa": "two entries"}
    assert verdict.operations == ()


def test_a_shared_operation_is_done_when_one_of_its_providers_may() -> None:
    made = plan(entry("alfa", held=6, lost=5), entry("beta", held=6, mail=("n",), also=["alfa"]))
    verdict = judged(made, {p: people(p, 6) for p in ("alfa", "beta")})
    assert set(verdict.refusals) == {"alfa"}
    assert [op.id for op in verdict.operations] == ["commission-beta"]


def test_what_one_provider_is_refused_the_other_may_not_take_from_a_shared_person() -> None:
    shared = entry("beta", held=6, lost=1, dated=1, also=["alfa"])
    made = plan(entry("alfa", held=6, lost=5), shared)
    verdict = judged(made, {p: people(p, 6) for p in ("alfa", "beta")})
    assert set(verdict.refusals) == {"alfa"}
    (done,) = verdict.operations
    assert [change.delete for change in done.changes] == [("beta-1",)]


# What a shared person's entry is to hold of what it holds, and what comes of it where one of two
# providers is refused what that takes: of each attribute what goes and what comes.
_FLAGS = Codec(decode=lambda values: values, encode=lambda values: values)
_SHARED_SCHEMA = (
    Attribute("role", grants="entry"),
    Attribute("spelled", grants="entry", shown=True),
    Attribute("title", grants="entry"),
    Attribute("card", grants="person", any_grants=True),
    Attribute("flags", grants="person", codec=_FLAGS),
    Attribute("mail"),
)
_HELD = {
    "role": ("a", "b"), "spelled": ("Läkare", "x"), "title": ("t",), "card": ("c",),
    "flags": ("on",), "mail": ("old",),
}  # fmt: skip
_Parts = dict[str, tuple[Values, Values]]
SHARED: dict[str, tuple[dict[str, Values], Mapping[str, Values], _Parts, bool]] = {
    "loses a role": ({"role": ("b",)}, {}, {}, False),
    "loses a role and gets one": ({"role": ("b", "c")}, {}, {"role": ((), ("c",))}, False),
    "loses one by date, one without": (
        {"role": ("c",)}, {"role": ("a",)}, {"role": (("a",), ("c",))}, False
    ),
    "loses a role and gets a title": (
        {"role": ("b",), "title": ("t", "u")}, {}, {"title": ((), ("u",))}, False
    ),
    "loses one, and another is spelled anew": (
        {"spelled": ("läkare",)}, {}, {"spelled": (("Läkare",), ("läkare",))}, False
    ),
    "loses a role, and what opens nothing changes": (
        {"role": ("b",), "mail": ("new",)}, {}, {"mail": (("old",), ("new",))}, False
    ),
    "loses a role, and a card is renewed": (
        {"role": ("b",), "card": ("d",)}, {}, {"card": (("c",), ("d",))}, False
    ),
    "loses its cards": ({"card": (), "role": ("a", "b", "c")}, {}, {"role": ((), ("c",))}, False),
    "is closed": ({"flags": (), "mail": ("new",)}, {}, {}, False),
    "is closed by other flags": ({"flags": ("off",), "role": ("a", "b", "c")}, {}, {}, True),
    "is closed by other flags, and a role ends": (
        {"flags": ("off",), "role": ("b", "c")}, {"role": ("a",)}, {"role": (("a",), ())}, True
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SHARED)
def test_what_a_shared_person_gets_is_done_though_another_provider_is_refused(what: str) -> None:
    attributes, dated, parts, is_told = SHARED[what]
    shared = Wanted(
        key="person/p", kind="person", id="p", level=0, parent="c=SE", rdns=(),
        attributes=attributes, providers=frozenset({"alfa", "beta"}), dated=dated,
        held=Entry("cn=p,c=SE", _HELD),
    )  # fmt: skip
    made = make_plan([entry("alfa", held=6, lost=5), shared], (*SCHEMA[:2], *_SHARED_SCHEMA))
    verdict = judged(made, {p: people(p, 6) for p in ("alfa", "beta")})
    assert set(verdict.refusals) == {"alfa"}
    done = {c.attribute: (c.delete, c.add) for op in verdict.operations for c in op.changes}
    assert done == parts
    told = ("withheld, as the plan of alfa is refused: person p",)
    assert verdict.withheld == ({"beta": told} if is_told else {})
    assert not any(map(made.losses, verdict.operations))


def test_of_a_person_whose_providers_are_all_refused_nothing_but_dated_ends_is_done() -> None:
    shared = Wanted(
        key="person/p", kind="person", id="p", level=0, parent="c=SE", rdns=(),
        attributes={"role": ("c",)}, providers=frozenset({"alfa", "beta"}),
        dated={"role": ("a",)}, held=Entry("cn=p,c=SE", _HELD),
    )  # fmt: skip
    lost = [entry(p, held=6, lost=5) for p in ("alfa", "beta")]
    made = make_plan([*lost, shared], (*SCHEMA[:2], *_SHARED_SCHEMA))
    verdict = judged(made, {p: people(p, 6) for p in ("alfa", "beta")})
    (done,) = verdict.operations
    assert [(c.delete, c.add) for c in done.changes] == [(("a",), ())]


# --- what a person must confirm ------------------------------------------------------------------

ANNA, BO = "alfa-0", "alfa-1"
PENDING = {ANNA: "somebody else's name"}


def person(id: str, name: str = "new", **more: Any) -> Wanted:
    """A person's entry, whose mail changes."""
    return Wanted(
        key=f"person/{id}", kind="person", id=id, level=0, parent="c=SE", rdns=(),
        attributes={"mail": (name,)}, providers=frozenset({"alfa"}),
        held=Entry(f"cn={id},c=SE", {"mail": ("old",)}), **more,
    )  # fmt: skip


def members(*ids: str) -> Wanted:
    """A commission that Anna leaves and enters, as `ids` are its members to be."""
    return replace(entry("alfa", held=2), attributes={"member": ids})


def told(operations: Collection[Operation]) -> set[tuple[str, Values, Values]]:
    return {(op.id, c.delete, c.add) for op in operations for c in op.changes}


def test_nothing_undated_is_written_of_whom_a_person_must_confirm_and_the_rest_is() -> None:
    made = plan(person(ANNA), person(BO), members(BO, "alfa-2"))
    verdict = judged(made, {"alfa": people("alfa", 3)}, pending=PENDING)
    assert told(verdict.operations) == {
        (BO, ("old",), ("new",)), ("commission-alfa", (), ("alfa-2",)),
    }  # fmt: skip
    assert verdict.refusals == {}
    (words,) = verdict.withheld["alfa"]
    assert words.startswith("withheld until a person confirms it: alfa-0: somebody else's name.")
    # Its hash confirms just that.
    name = words.rpartition("=")[2]
    rest = judged(made, {"alfa": people("alfa", 3)}, pending=PENDING, expected=[name])
    assert told(rest.operations) == {
        (ANNA, ("old",), ("new",)), ("commission-alfa", (ANNA,), ()),
    }  # fmt: skip


def test_the_hash_of_the_whole_plan_confirms_all_of_it() -> None:
    made = plan(person(ANNA), person(BO), members(BO, "alfa-2"))
    (name,) = judged(made, {"alfa": people("alfa", 3)}, pending=PENDING).hashes.values()
    verdict = judged(made, {"alfa": people("alfa", 3)}, pending=PENDING, expected=[name])
    assert verdict.operations == made.operations
    assert verdict.withheld == {}


def test_what_a_date_explains_of_whom_a_person_must_confirm_is_done() -> None:
    leaves = replace(members(BO), dated={"member": (ANNA,)})
    verdict = judged(plan(leaves, person(ANNA)), {"alfa": people("alfa", 2)}, pending=PENDING)
    assert told(verdict.operations) == {("commission-alfa", (ANNA,), ())}


def test_what_is_withheld_is_no_loss_yet() -> None:
    made = plan(members())
    assert "2 of 2" in judged(made, {"alfa": people("alfa", 2)}).refusals["alfa"]
    assert judged(made, {"alfa": people("alfa", 2)}, pending=PENDING).refusals == {}


def test_renames_and_new_entries_of_others_wait_for_nobody() -> None:
    renamed = replace(person("unit"), rdns=("ou=other",))
    new = replace(entry("beta", held=0), attributes={"member": (BO, "beta-1")}, held=None,
                  rdns=("ou=x",))  # fmt: skip
    made = plan(renamed, new)
    verdict = judged(made, {"alfa": (), "beta": ()}, pending=PENDING)
    assert verdict.operations == made.operations
    assert verdict.withheld == {}


def test_a_new_entry_names_nobody_of_whom_a_person_must_confirm_and_the_hash_holds_then() -> None:
    new = replace(members(BO, ANNA), held=None, rdns=("cn=commission",))
    first = judged(plan(new), {"alfa": ()}, pending=PENDING)
    assert told(first.operations) == {("commission-alfa", (), (BO,))}
    (words,) = first.withheld["alfa"]
    held = Entry("cn=commission,c=SE", {"member": (BO,)})
    second = plan(replace(new, held=held, rdns=()))
    confirmed = judged(second, {"alfa": ()}, pending=PENDING, expected=[words.rpartition("=")[2]])
    assert told(confirmed.operations) == {("commission-alfa", (), (ANNA,))}


def test_an_entry_says_by_itself_that_a_person_must_confirm_it() -> None:
    made = plan(person(ANNA, confirm="the identity is protected"), person(BO))
    verdict = judged(made, {"alfa": people("alfa", 2)})
    assert told(verdict.operations) == {(BO, ("old",), ("new",))}
    assert "alfa-0: the identity is protected" in verdict.withheld["alfa"][0]


# --- several days, several systems, and what was read --------------------------------------------


def test_what_was_lost_in_the_days_before_counts_too() -> None:
    holdings = {"alfa": people("alfa", 20)}
    made = plan(entry("alfa", held=20, lost=2))
    before = frozenset({("person", "gone-1"), ("person", "gone-2"), ("person", "gone-3")})
    assert judged(made, holdings).refusals == {}
    assert judged(made, holdings, lost={"alfa": before}).refusals != {}
    # The same object lost twice is one, and who loses nothing today is not refused.
    assert judged(made, holdings, lost={"alfa": people("alfa", 2)}).refusals == {}
    assert judged(plan(), holdings, lost={"alfa": before}).refusals == {}


def test_losses_of_other_providers_in_the_days_before_count_for_the_run() -> None:
    holdings = {"alfa": people("alfa", 50), "beta": people("beta", 50)}
    made = plan(entry("alfa", held=50, lost=5))
    gone = frozenset(("person", f"beta-{n}") for n in range(6))
    assert judged(made, holdings, lost={"beta": gone}).refusals != {}


def test_what_nobody_can_call_back_waits_while_another_system_refuses_the_provider() -> None:
    order = replace(
        person("SE1 KEY"), held=None, rdns=("cn=KEY",), takes=frozenset({("person", "SE1")}),
        explained=True, is_final=True,
    )  # fmt: skip
    assert judged(plan(order), {"alfa": ()}).operations != ()
    verdict = judged(plan(order), {"alfa": ()}, refused={"alfa": "HSA"})
    assert verdict.operations == ()
    assert verdict.withheld == {
        "alfa": ("1 that nobody can call back wait, as HSA refused the plan",)
    }


@pytest.mark.parametrize(
    ("before", "now", "is_told"),
    [
        ({"providers": 10}, {"providers": 8}, False),
        ({"providers": 10}, {"providers": 7}, True),
        ({"providers": 4}, {"providers": 3}, False),
        ({"providers": 100}, {"providers": 90}, False),
        ({"providers": 100}, {"providers": 89}, True),
        ({"entries": 100}, {"entries": 90}, False),
        ({"entries": 100}, {"entries": 89}, True),
        ({"entries": 10_000}, {"entries": 9_800}, False),
        ({"entries": 10_000}, {"entries": 9_799}, True),
        ({}, {"entries": 0}, False),
    ],
)
def test_a_read_that_is_suddenly_smaller_is_told(
    before: dict[str, int], now: dict[str, int], is_told: bool
) -> None:
    assert bool(shrinkage(before, now)) is is_told


# --- what a hash confirms, and how often ----------------------------------------------------------


def test_a_confirmation_counts_once() -> None:
    made, holdings = plan(entry("alfa", held=6, lost=5)), {"alfa": people("alfa", 6)}
    (first,) = judged(made, holdings).hashes.values()
    (again,) = judged(made, holdings, confirmed={"alfa": 1}).hashes.values()
    used = judged(made, holdings, expected=[first], confirmed={"alfa": 1})
    assert "is not among the expected plans" in used.refusals["alfa"]
    assert used.confirmed == {}
    verdict = judged(made, holdings, expected=[again], confirmed={"alfa": 1})
    assert (verdict.refusals, verdict.confirmed) == ({}, {"alfa": (again,)})


def test_anothers_confirmation_leaves_a_hash_as_it_is() -> None:
    made, holdings = plan(entry("alfa", held=6, lost=5)), {"alfa": people("alfa", 6)}
    confirmed = judged(made, holdings, confirmed={"beta": 3})
    assert confirmed.hashes == judged(made, holdings).hashes


def test_without_a_secret_nothing_has_a_hash_or_can_be_confirmed() -> None:
    made, case = plan(entry("alfa", held=6, lost=5)), {"alfa": people("alfa", 6)}
    verdict = judge(made, ["alfa"], Case(holdings=case), b"")
    assert verdict.hashes == {"alfa": ""}
    assert "a run does" in verdict.refusals["alfa"]
    assert "halsoval_expected_plan" not in verdict.refusals["alfa"]
    asked = judge(made, ["alfa"], Case(holdings=case, expected=["5d1c9a0b7e34f2c8"]), b"")
    assert asked.refusals["alfa"].startswith("the plan is not among the expected plans")
