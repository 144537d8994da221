# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run: what is written in what order, what is held back, and what each provider is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import NoRight
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Change,
    Entry,
    Operation,
    Values,
    Wanted,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Finding,
    Request,
    _diff,
    provision,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import (
    Killed,
    MemoryDirectory,
)
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import Busy, MemoryJournal

BASE = "ou=Branch,c=SE"
SCHEMA = (
    Attribute("objectClass"),
    Attribute("ou"),
    Attribute("cn"),
    Attribute("sn"),
    Attribute("fullName"),
    Attribute("mail"),
    Attribute("hsaIdentity"),
    Attribute("personalIdentityNumber", matching.numeric, secret=True),
    Attribute("hsaCommissionPurpose"),
    Attribute("hsaCommissionMember", grants="value", refers=True),
)


class World:
    """A provider or two with a unit, people and a commission, wanted of a directory."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.directory = MemoryDirectory(("c=SE", BASE), SCHEMA)
        self.wanted: list[Wanted] = []
        self.errors: dict[str, tuple[str, ...]] = {}
        self.findings: tuple[Finding, ...] = ()
        self.holdings: dict[str, frozenset[tuple[str, str]]] = {}
        self.waiting: dict[str, tuple[str, ...]] = {}
        self.returns: dict[str, dict[str, Any]] = {}
        self.request = Request(
            providers=("alfa", "beta"), known=frozenset({"alfa", "beta"}), invalid=frozenset(),
            expected=frozenset(), secret=b"s", check=False, diff=True, title="HSA",
        )  # fmt: skip

    def add(
        self, key: str, kind: str, level: int, parent: str, *providers: str, **more: Any
    ) -> None:
        rdn = f"ou={key}" if kind == "unit" else f"cn={key}"
        kinds: dict[str, dict[str, Values]] = {
            "unit": {"objectClass": ("organizationalUnit",), "ou": (key,)},
            "person": {
                "objectClass": ("person",), "cn": (key,), "sn": (key,), "fullName": (key,)
            },
            "commission": {
                "objectClass": ("hsaCommission",), "cn": (key,), "hsaCommissionPurpose": ("vård",)
            },
        }  # fmt: skip
        attributes = {**kinds[kind], "hsaIdentity": (key,), **more.pop("attributes", {})}
        self.wanted.append(
            Wanted(
                key=key, kind=kind, id=key, level=level, parent=parent,
                rdns=(more.pop("rdn", rdn),), attributes=attributes,
                providers=frozenset(providers or ("alfa",)), **more,
            )
        )  # fmt: skip

    def desire(self, held: Sequence[Entry]) -> Desired:
        by_id = {entry.first("hsaIdentity"): entry for entry in held}
        return Desired(
            wanted=tuple(replace(w, held=by_id.get(w.id)) for w in self.wanted),
            attributes=SCHEMA, holdings=self.holdings, errors=self.errors, findings=self.findings,
            waiting=self.waiting, returns=self.returns,
        )  # fmt: skip

    def run(self, **request: Any) -> dict[str, dict[str, Any]]:
        asked = replace(self.request, **request)
        return provision(self.directory, self.desire, asked, self.journal)

    def ids(self) -> set[str]:
        return {entry.attributes["hsaIdentity"][0] for entry in self.directory.read()}

    def values(self, id: str, name: str) -> Values:
        (entry,) = (e for e in self.directory.read() if e.first("hsaIdentity") == id)
        return entry.attributes.get(name, ())


@pytest.fixture
def world() -> World:
    """Alfa has a unit, two people and a commission; beta a unit and one of the people."""
    world = World()
    world.add("u1", "unit", 1, BASE)
    world.add("u2", "unit", 1, BASE, "beta")
    world.add("p1", "person", 2, BASE, attributes={"personalIdentityNumber": (number(1),)})
    world.add("p2", "person", 2, BASE, "alfa", "beta")
    world.add("c1", "commission", 3, "u1", attributes={"hsaCommissionMember": ("p1", "p2")})
    world.add("c2", "commission", 3, "u2", "beta", attributes={"hsaCommissionMember": ("p2",)})
    return world


def refuse(*ids: str) -> Callable[[Operation], str | None]:
    return lambda operation: "insufficientAccessRights" if operation.id in ids else None


# --- writing -------------------------------------------------------------------------------------


def test_a_run_brings_about_what_is_wanted_and_a_second_one_does_nothing(world: World) -> None:
    first = world.run()
    assert world.ids() == {"u1", "u2", "p1", "p2", "c1", "c2"}
    assert world.values("c1", "hsaCommissionMember") == ("p1", "p2")
    assert {p: (r["changed"], r["failed"]) for p, r in first.items()} == {
        "alfa": (True, False),
        "beta": (True, False),
    }
    world.directory.calls.clear()
    second = world.run()
    assert world.directory.calls == []
    for result in second.values():
        assert (result["changed"], result["failed"], result["plan"]) == (False, False, "")
        assert result["diff"]["before"] == result["diff"]["after"] == ""


def test_an_old_journal_stops_everything_until_a_person_confirms(world: World) -> None:
    world.journal.alarm = "the ledger is an older copy"
    for request in ({}, {"check": True}, {"expected": frozenset({"of another system"})}):
        results = world.run(**request)
        assert world.ids() == set()
        assert world.journal.alarm
    results = world.run()
    assert results["alfa"]["msg"].startswith("refused: the ledger is an older copy")
    world.run(expected=frozenset({results["alfa"]["plan"]}))
    assert "u1" in world.ids()
    assert world.journal.alarm == ""
    assert world.run()["beta"]["failed"] is False


def test_a_confirmed_plan_that_comes_again_is_asked_about_again(world: World) -> None:
    world.journal.alarm = "the ledger is an older copy"
    name = world.run()["alfa"]["plan"]
    world.run(expected=frozenset({name}))
    assert ("HSA", "alfa") in world.journal.confirmed
    world.directory, world.journal.alarm = (
        MemoryDirectory(("c=SE", BASE), SCHEMA),
        "the ledger is an older copy",
    )
    again = world.run(expected=frozenset({name}))["alfa"]
    assert "is not among the expected plans" in again["msg"]
    assert again["plan"] != name
    assert world.run(expected=frozenset({again["plan"]}))["alfa"]["changed"]


def test_a_confirmation_by_which_nothing_was_done_counts_the_next_time(world: World) -> None:
    world.journal.alarm = "the ledger is an older copy"
    name = world.run()["alfa"]["plan"]
    world.run(expected=frozenset({name}), check=True)
    assert world.journal.confirmed == []
    assert world.run(expected=frozenset({name}))["alfa"]["changed"]


def test_a_confirmation_is_used_up_by_a_run_that_is_killed_once_it_has_begun_to_write(
    world: World,
) -> None:
    world.journal.alarm = "the ledger is an older copy"
    name = world.run()["alfa"]["plan"]
    world.directory.dies_after = 1
    with pytest.raises(Killed):
        world.run(expected=frozenset({name}))
    assert world.ids() == {"u1"}
    # Somebody undoes what was written, and the plan is the one that was confirmed.
    world.directory = MemoryDirectory(("c=SE", BASE), SCHEMA)
    again = world.run(expected=frozenset({name}))["alfa"]
    assert "is not among the expected plans" in again["msg"]
    assert world.ids() == set()
    assert world.run(expected=frozenset({again["plan"]}))["alfa"]["changed"]


def test_a_confirmation_outlives_a_run_that_is_killed_before_it_writes(world: World) -> None:
    world.journal.alarm = "the ledger is an older copy"
    name = world.run()["alfa"]["plan"]

    def dying(held: Sequence[Entry]) -> Desired:
        raise Killed

    asked = replace(world.request, expected=frozenset({name}))
    with pytest.raises(Killed):
        provision(world.directory, dying, asked, world.journal)
    assert world.run(expected=frozenset({name}))["alfa"]["changed"]


def test_a_confirmation_by_which_every_write_failed_counts_the_next_time(world: World) -> None:
    world.journal.alarm = "the ledger is an older copy"
    name = world.run()["alfa"]["plan"]
    world.directory.refuses = lambda _operation: "insufficientAccessRights"
    failed = world.run(expected=frozenset({name}))["alfa"]
    assert (failed["changed"], failed["failed"]) == (False, True)
    world.directory.refuses = lambda _operation: None
    world.journal.alarm = "the ledger is an older copy"
    assert world.run(expected=frozenset({name}))["alfa"]["changed"]


def test_a_check_before_the_first_run_shows_the_plan_and_names_no_hash(world: World) -> None:
    result = world.run(check=True, secret=b"")["alfa"]
    assert (result["plan"], result["changed"]) == ("", True)
    assert "plan not named before the first run" in result["diff"]["before_header"]


def test_an_old_journal_is_right_where_it_asks_for_nothing(world: World) -> None:
    world.run()
    world.journal.alarm = "the ledger is an older copy"
    world.run(check=True)
    assert world.journal.alarm
    assert world.run()["alfa"]["errors"] == []
    assert world.journal.alarm == ""


def test_what_was_confirmed_for_another_system_confirms_no_small_read(world: World) -> None:
    world.run(sizes={"providers": 9})
    world.run(sizes={"providers": 2}, expected=frozenset({"of another system"}))
    assert world.journal.sizes["HSA"]["providers"] == 9


def test_every_level_is_written_after_the_one_above_it(world: World) -> None:
    world.run()
    levels = [{op.level for op in call} for call in world.directory.calls]
    assert levels == [{1}, {2}, {3}]


def test_check_mode_never_writes_and_makes_the_same_plan(world: World) -> None:
    before = world.directory.content()
    checked = world.run(check=True)
    assert world.directory.calls == []
    assert world.directory.content() == before
    assert not world.journal.intents
    assert checked == world.run()


def test_a_run_waits_for_another_before_it_reads_and_check_mode_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.journal.exclusive(world.directory.name):
        monkeypatch.setattr(world.directory, "read", lambda: pytest.fail("it was read"))
        with pytest.raises(Busy):
            world.run()
        monkeypatch.undo()
        assert world.run(check=True)["alfa"]["changed"] is True
    assert world.ids() == set()


def test_a_person_who_could_not_be_added_is_kept_out_of_the_commission(world: World) -> None:
    world.directory.refuses = refuse("p1")
    results = world.run()
    assert world.values("c1", "hsaCommissionMember") == ("p2",)
    assert results["alfa"]["errors"] == ["person p1: insufficientAccessRights"]
    assert (results["alfa"]["failed"], results["alfa"]["changed"]) == (True, True)
    assert (results["beta"]["failed"], results["beta"]["changed"]) == (False, True)
    world.directory.refuses = refuse()
    world.run()
    assert set(world.values("c1", "hsaCommissionMember")) == {"p1", "p2"}


def test_a_person_who_could_not_be_changed_stays_in_the_commission(world: World) -> None:
    world.run()
    world.wanted[2] = replace(world.wanted[2], attributes={"mail": ("new@x",)})
    world.wanted[4] = replace(
        world.wanted[4], attributes={"hsaCommissionMember": ("p1", "p2", "p3")}
    )
    world.directory.refuses = refuse("p1")
    world.run()
    assert world.values("c1", "hsaCommissionMember") == ("p1", "p2", "p3")


def test_nothing_is_tried_below_a_unit_that_failed(world: World) -> None:
    world.add("deep", "unit", 4, "c1")
    world.directory.refuses = refuse("u1")
    results = world.run()
    tried = {op.id for call in world.directory.calls for op in call}
    assert tried == {"u1", "u2", "p1", "p2", "c2"}
    errors = results["alfa"]["errors"]
    assert [e.partition(":")[0] for e in errors] == ["unit u1", "commission c1", "unit deep"]
    assert all("not tried" in error for error in errors[1:])
    assert results["beta"]["errors"] == []


def test_nothing_is_tried_under_a_name_that_a_rename_did_not_reach(world: World) -> None:
    world.run()
    # Somebody else's entry has the name, so that the server refuses the rename.
    world.directory.put(f"ou=taken,{BASE}", ou="taken")
    world.wanted[0] = replace(
        world.wanted[0], rdns=("ou=taken",), attributes={"ou": ("taken",), "mail": ("new@x",)}
    )
    world.add("c3", "commission", 3, "u1")
    results = world.run()
    assert f"cn=c3,ou=taken,{BASE}" not in world.directory.content()
    assert world.directory.content()[f"ou=taken,{BASE}"] == {"ou": {"taken"}}
    errors = results["alfa"]["errors"]
    assert errors[0] == "unit u1: entryAlreadyExists"
    assert sorted(e.partition(":")[0] for e in errors[1:]) == ["commission c3", "unit u1"]
    assert all("not tried" in error for error in errors[1:])


def _swapped(world: World) -> None:
    """Two units of alfa that swap their names."""
    world.add("u3", "unit", 1, BASE)
    world.run()
    for place, name in ((0, "u3"), (-1, "u1")):
        unit = world.wanted[place]
        rdns = (f"ou={name}", f"ou={name}+hsaIdentity={unit.id}")
        attributes = {**unit.attributes, "ou": (name,)}
        world.wanted[place] = replace(unit, rdns=rdns, attributes=attributes)


def test_entries_that_swap_their_names_have_them_after_one_run(world: World) -> None:
    _swapped(world)
    result = world.run()["alfa"]
    assert result["counts"]["renamed"] == 4
    assert {dn for dn in world.directory.content() if dn.startswith("ou=u")} == {
        f"ou={name},{BASE}" for name in ("u1", "u2", "u3")
    }
    assert (world.values("u1", "ou"), world.values("u3", "ou")) == (("u3",), ("u1",))
    assert world.run()["alfa"]["changes"] == []


def test_a_name_that_was_not_left_is_not_tried_and_is_no_error(world: World) -> None:
    _swapped(world)
    world.directory.refuses = refuse("u3")
    result = world.run()["alfa"]
    assert result["errors"] == ["unit u3: insufficientAccessRights"]
    assert world.values("u1", "ou") == ("u3",)
    assert f"ou=u3+hsaIdentity=u1,{BASE}" in world.directory.content()


def test_leaving_is_not_held_back_by_a_unit_whose_change_failed(world: World) -> None:
    world.run()
    world.wanted[0] = replace(world.wanted[0], attributes={"mail": ("new@x",)})
    world.wanted[4] = replace(world.wanted[4], attributes={"hsaCommissionMember": ("p2",)})
    world.directory.refuses = refuse("u1")
    result = world.run()["alfa"]
    assert world.values("c1", "hsaCommissionMember") == ("p2",)
    assert result["errors"] == ["unit u1: insufficientAccessRights"]


def test_a_refused_plan_still_does_its_dated_ends_where_the_entries_are(world: World) -> None:
    world.run()
    world.holdings = {"alfa": frozenset({("person", "p1"), ("person", "p2")})}
    world.errors = {"alfa": ("two entries of one person",)}
    world.wanted[0] = replace(world.wanted[0], rdns=("ou=ny",), attributes={"ou": ("ny",)})
    world.wanted[4] = replace(
        world.wanted[4], attributes={"hsaCommissionMember": ("p2",), "mail": ("x@y",)},
        dated={"hsaCommissionMember": ("p1",)},
    )  # fmt: skip
    result = world.run()["alfa"]
    assert world.values("c1", "hsaCommissionMember") == ("p2",)
    assert world.values("c1", "mail") == ()
    assert world.values("u1", "ou") == ("u1",)
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["errors"] == ["two entries of one person"]
    assert result["changes"] == ["modify commission c1"]


# --- what each provider is told ------------------------------------------------------------------


def test_the_result_counts_what_is_wanted_and_what_was_written(world: World) -> None:
    results = world.run()
    assert results["alfa"]["counts"] == {"unit": 1, "person": 2, "commission": 1, "added": 4}
    assert results["beta"]["changes"] == ["add unit u2", "add person p2", "add commission c2"]
    world.wanted[0] = replace(world.wanted[0], rdns=("ou=ny",), attributes={"ou": ("ny",)})
    assert world.run()["alfa"]["counts"] == {"unit": 1, "person": 2, "commission": 1, "renamed": 1}


def test_what_failed_is_not_counted_as_done(world: World) -> None:
    world.directory.refuses = lambda operation: "busy"
    results = world.run()
    for result in results.values():
        assert (result["changed"], result["failed"], result["changes"]) == (False, True, [])
    assert world.ids() == set()


def test_only_selected_providers_are_written_and_reported(world: World) -> None:
    results = world.run(providers=("beta",))
    assert set(results) == {"beta"}
    assert world.ids() == {"u2", "p2", "c2"}


def test_a_shared_persons_failure_is_told_to_both(world: World) -> None:
    world.directory.refuses = refuse("p2")
    results = world.run()
    for provider in ("alfa", "beta"):
        assert results[provider]["errors"] == ["person p2: insufficientAccessRights"]
    assert world.values("c2", "hsaCommissionMember") == ()


def test_a_provider_without_a_valid_record_fails_and_is_left_alone(world: World) -> None:
    results = world.run(
        providers=("alfa", "beta", "gone"), known=frozenset({"alfa"}), invalid=frozenset({"beta"})
    )
    assert {"u2", "c2"}.isdisjoint(world.ids())
    assert results["beta"]["failed"] is True
    assert "invalid" in results["beta"]["msg"]
    assert results["gone"]["failed"] is True
    assert "no such record" in results["gone"]["msg"]
    assert results["beta"].keys() | {"diff"} == results["alfa"].keys()


def test_what_waits_is_a_failure_and_stops_nothing(world: World) -> None:
    world.waiting = {"alfa": ("1 new account waits: HSA failed", f"so does {number(1)}")}
    results = world.run()
    assert world.ids() == {"u1", "u2", "p1", "p2", "c1", "c2"}
    assert (results["alfa"]["failed"], results["alfa"]["changed"]) == (True, True)
    assert results["alfa"]["errors"][0] == "1 new account waits: HSA failed"
    assert number(1) not in str(results)
    assert results["beta"]["failed"] is False


def test_what_waits_comes_after_what_was_refused_and_what_failed(world: World) -> None:
    world.waiting = {"alfa": ("waits",), "beta": ("waits",)}
    world.errors = {"alfa": ("impossible",)}
    world.directory.refuses = refuse("u2")
    results = world.run()
    assert results["alfa"]["errors"] == ["impossible", "waits"]
    assert results["beta"]["errors"][0] == "unit u2: insufficientAccessRights"
    assert results["beta"]["errors"][-1] == "waits"


def test_what_else_a_system_says_of_a_provider_is_in_its_result(world: World) -> None:
    world.returns = {"alfa": {"region_tasks": [{"act": "join"}]}}
    results = world.run(check=True)
    assert results["alfa"]["region_tasks"] == [{"act": "join"}]
    assert "region_tasks" not in results["beta"]
    # A provider without a valid record has nothing but that.
    results = world.run(known=frozenset({"beta"}), invalid=frozenset({"alfa"}))
    assert "region_tasks" not in results["alfa"]


def test_an_object_that_is_written_in_parts_counts_as_one(world: World) -> None:
    world.wanted[4] = replace(world.wanted[4], attributes={})
    world.run()
    world.wanted.append(replace(world.wanted[2], key="p1/more", attributes={"mail": ("a@x",)}))
    assert world.run(check=True)["alfa"]["counts"]["person"] == 2


def test_findings_go_to_the_provider_they_concern(world: World) -> None:
    world.findings = (Finding("alfa", "orphan", "p9", f"no record of {number(3)} explains it"),)
    results = world.run(check=True)
    (finding,) = results["alfa"]["findings"]
    assert (finding["code"], finding["object"]) == ("orphan", "p9")
    assert number(3) not in finding["message"]
    assert results["beta"]["findings"] == []


# --- the diff ------------------------------------------------------------------------------------


def diff(world: World, provider: str = "alfa") -> Mapping[str, str]:
    shown: Mapping[str, str] = world.run(check=True)[provider]["diff"]
    return shown


def test_there_is_a_diff_only_where_one_is_asked_for(world: World) -> None:
    assert "diff" not in world.run(check=True, diff=False)["alfa"]


def test_the_diff_shows_before_and_after_of_what_changes(world: World) -> None:
    world.run()
    world.wanted[0] = replace(world.wanted[0], attributes={"mail": ("b@x", "a@x")})
    world.directory.put(f"ou=u1,{BASE}", mail="c@x")
    shown = diff(world)
    assert shown["before"] == f"dn: ou=u1,{BASE}\nmail: c@x\n\n"
    assert shown["after"] == f"dn: ou=u1,{BASE}\nmail: a@x\nmail: b@x\n\n"
    assert shown["before_header"] == shown["after_header"]
    assert world.run(check=True)["alfa"]["plan"] in shown["before_header"]


def test_the_diff_of_a_new_entry_has_no_before(world: World) -> None:
    world.wanted = world.wanted[:1]
    shown = diff(world)
    assert shown["before"] == ""
    assert shown["after"].startswith(f"dn: ou=u1,{BASE}\n")


def test_the_diff_of_a_rename_shows_both_names(world: World) -> None:
    world.run()
    world.wanted[0] = replace(world.wanted[0], rdns=("ou=ny",), attributes={"ou": ("ny",)})
    shown = diff(world)
    assert (shown["before"], shown["after"]) == (f"dn: ou=u1,{BASE}\n\n", f"dn: ou=ny,{BASE}\n\n")


def test_the_diff_says_that_a_personal_number_differs_and_not_which(world: World) -> None:
    world.run()
    world.wanted[2] = replace(
        world.wanted[2],
        attributes={"personalIdentityNumber": (number(2),), "mail": (f"{number(2)}@x",)},
    )  # fmt: skip
    shown = diff(world)
    assert "personalIdentityNumber" in shown["before"]
    assert shown["before"] != shown["after"]
    for number_ in (number(1), number(2)):
        assert number_ not in str(shown)


def test_the_diff_names_what_a_value_refers_to() -> None:
    named = {"CN=p1,DC=x": "SE1-P1"}
    member = Attribute("member", matching.distinguished_name, named=lambda dn: named.get(dn, dn))
    secret = Attribute("password", secret=True, made=lambda: "never seen")
    operation = Operation(
        action="add", key="g", kind="group", id="g", level=0, dn="CN=g,DC=x",
        providers=frozenset({"alfa"}),
        changes=(
            Change("member", (), (), ("CN=p1,DC=x",)), Change("password", (), (), ("made",)),
        ),
    )  # fmt: skip
    shown = _diff("h", [operation], {"member": member, "password": secret})
    assert "member: SE1-P1\n" in shown["after"]
    assert "made" not in shown["after"]


def test_the_diff_masks_a_personal_number_in_a_name(world: World) -> None:
    # An entry that somebody else named so, before it was taken over.
    world.add("p9", "person", 2, BASE, rdn=f"cn={number(9)}", attributes={"cn": (number(9), "p9")})
    shown = diff(world)
    assert "p9" in shown["after"]
    assert number(9) not in str(shown)


# A name that rings, one that is written backwards, and one that begins a line of its own.
ODD, ODD_SHOWN = "\x1b[2J\u202eEk\u2028\n-sn: Ö", r"\x1b[2J\u202eEk\u2028\x0a-sn: Ö"


def test_the_diff_writes_out_what_a_screen_would_obey(world: World) -> None:
    world.add("u9", "unit", 1, BASE, rdn=f"ou={ODD}", attributes={"ou": (ODD,)})
    shown = diff(world)
    assert f"dn: ou={ODD_SHOWN},{BASE}\n" in shown["after"]
    assert f"\nou: {ODD_SHOWN}\n" in shown["after"]
    assert not [line for line in shown["after"].splitlines() if line.startswith("-")]


def test_errors_and_findings_write_out_what_a_screen_would_obey(world: World) -> None:
    world.directory.refuses = lambda operation: f"{ODD} is taken"
    world.findings = (Finding("alfa", "odd", ODD, f"{ODD} is odd"),)
    world.waiting = {"alfa": (f"{ODD} waits", "so does another")}
    result = world.run()["alfa"]
    assert result["findings"][0]["object"] == ODD_SHOWN
    assert result["findings"][0]["message"] == f"{ODD_SHOWN} is odd"
    assert any(error.endswith(f"{ODD_SHOWN} is taken") for error in result["errors"])
    # Lines that are ours stay lines.
    assert result["msg"].split("\n")[-2:] == [f"{ODD_SHOWN} waits", "so does another"]
    assert result["msg"].replace("\n", "").isprintable()


def test_ids_that_a_directory_has_are_written_out(world: World) -> None:
    world.add(ODD, "person", 2, BASE, rdn="cn=p9", attributes={"cn": ("p9",)})
    assert f"add person {ODD_SHOWN}" in world.run()["alfa"]["changes"]


def test_the_diff_shows_a_protected_person_by_id_alone(world: World) -> None:
    # The name is in the entry's DN too, where somebody else named it before it was taken over.
    protected = {"cn": ("Åsa Öst", "p9"), "sn": ("Öst",), "mail": ("asa@x",)}
    world.add(
        "p9", "person", 2, BASE, rdn="cn=Åsa Öst", attributes=protected, confidential=True
    )  # fmt: skip
    added = diff(world)
    world.run()
    world.wanted[-1] = replace(
        world.wanted[-1], rdns=("cn=p9",), attributes={"cn": ("p9",), "mail": (), "sn": ("Väst",)}
    )
    changed = diff(world)
    for shown in (added, changed):
        assert "p9" in shown["after"]
        assert shown["before"] != shown["after"]
        for told in ("Åsa", "Öst", "Väst", "asa@x"):
            assert told not in str(shown)


def test_an_invalid_record_tells_its_first_faults(world: World) -> None:
    faults = {"alfa": [f"fault {n}" for n in range(25)]}
    result = world.run(known=frozenset({"beta"}), invalid=frozenset({"alfa"}), faults=faults)
    lines = result["alfa"]["msg"].split("\n")
    assert lines[0].startswith("the record is invalid: ")
    assert lines[1:] == [*(f"fault {n}" for n in range(20)), "and 5 more"]


def test_no_result_tells_a_personal_number(world: World) -> None:
    world.directory.refuses = lambda operation: f"value {number(1)} is taken"
    assert number(1) not in str(world.run())
    assert "is taken" in str(world.run())


def test_a_check_withholds_what_the_run_does_where_another_system_refused(world: World) -> None:
    for provider in ("alfa", "beta"):
        world.add(f"END-{provider}", "unit", 0, BASE, provider, is_final=True, explained=True)
    refused = {"alfa": "siths"}
    planned = world.run(check=True, refused=refused)
    assert planned["alfa"]["withheld"] == [
        "1 that nobody can call back wait, as siths refused the plan"
    ]
    # In a run, the journal knows too; the play need not have told.
    world.journal.refused = refused
    done = world.run()
    for provider in ("alfa", "beta"):
        said = {name: done[provider][name] for name in ("changes", "withheld", "msg", "refused")}
        assert said.items() <= planned[provider].items()
    assert "END-alfa" not in world.ids()
    assert "END-beta" in world.ids()


def test_a_result_says_whether_the_plan_was_refused(world: World) -> None:
    world.errors = {"beta": ("it cannot be",)}
    results = world.run(check=True)
    assert [p for p, own in results.items() if own["refused"]] == ["beta"]
    assert world.run(known=frozenset(), check=True)["alfa"]["refused"] is False


def test_a_removal_that_fails_at_a_refused_provider_is_told_apart(world: World) -> None:
    world.run()
    world.errors = {"alfa": ("two entries of one person",)}
    world.wanted[4] = replace(
        world.wanted[4], attributes={"hsaCommissionMember": ("p2",)},
        dated={"hsaCommissionMember": ("p1",)},
    )  # fmt: skip
    world.directory.refuses = refuse("c1")
    failed = world.run()["alfa"]
    assert (failed["refused"], failed["undone"]) == (True, True)
    world.directory.refuses = refuse()
    done = world.run()["alfa"]
    assert (done["refused"], done["undone"], done["failed"]) == (True, False, True)


def test_a_run_in_which_something_waits_is_not_the_providers_last_one(world: World) -> None:
    world.run()
    assert world.journal.days == {("HSA", "alfa"): TODAY, ("HSA", "beta"): TODAY}
    world.journal.day = TODAY + dt.timedelta(1)
    world.add("SE9", "person", 2, BASE, is_final=True)
    world.journal.refused = {"alfa": "AD"}
    world.run()
    assert world.journal.days == {("HSA", "alfa"): TODAY, ("HSA", "beta"): world.journal.day}
    world.journal.refused = {}
    world.run()
    assert set(world.journal.days.values()) == {world.journal.day}


# --- moves, deletions, and what comes after others ------------------------------------------------


def moved(world: World, **more: Any) -> None:
    """The person p1 is to lie elsewhere, and in a system where it keeps an address."""
    world.run()
    elsewhere = "ou=Elsewhere,c=SE"
    world.directory.put(elsewhere, objectClass="organizationalUnit", ou="Elsewhere")
    (one,) = (w for w in world.wanted if w.id == "p1")
    world.wanted = [w for w in world.wanted if w.id != "p1"]
    world.wanted.append(replace(one, **{"place": elsewhere, **more}))


def test_an_entry_is_moved_once_and_keeps_what_it_holds(world: World) -> None:
    moved(world)
    result = world.run()["alfa"]
    assert (result["failed"], result["counts"]["moved"]) == (False, 1)
    (entry,) = (e for e in world.directory.read() if e.first("hsaIdentity") == "p1")
    assert entry.dn == "cn=p1,ou=Elsewhere,c=SE"
    assert f"dn: cn=p1,{BASE}" in result["diff"]["before"]
    assert "dn: cn=p1,ou=Elsewhere,c=SE" in result["diff"]["after"]


def test_an_entry_that_is_to_be_gone_is_deleted_once(world: World) -> None:
    moved(world, is_gone=True, place="")
    result = world.run()["alfa"]
    assert (result["failed"], result["counts"]["deleted"]) == (False, 1)
    assert "p1" not in world.ids()
    assert not world.run()["beta"]["changed"]


def test_what_comes_after_something_that_failed_is_left_and_is_no_error(world: World) -> None:
    moved(world, after=frozenset({"c1"}), level=4)
    dated = {"hsaCommissionMember": ("p1", "p2")}
    world.wanted = [
        replace(w, attributes={**w.attributes, "hsaCommissionMember": ()}, dated=dated)
        if w.id == "c1"
        else w
        for w in world.wanted
    ]
    world.directory.refuses = refuse("c1")
    result = world.run()["alfa"]
    assert result["errors"] == ["commission c1: insufficientAccessRights"]
    assert "moved" not in result["counts"]
    world.directory.refuses = refuse()
    assert world.run()["alfa"]["counts"]["moved"] == 1


@pytest.mark.parametrize("check", [False, True])
def test_what_comes_after_something_that_is_not_let_through_is_left(
    world: World, check: bool
) -> None:
    moved(world, after=frozenset({"c2"}), level=4)
    world.wanted = [
        replace(w, attributes={**w.attributes, "hsaCommissionMember": ()}) if w.id == "c2" else w
        for w in world.wanted
    ]
    result = world.run(providers=("alfa",), check=check)["alfa"]
    assert not result["changed"]  # what alfa's waits for is beta's


def test_a_missing_right_to_tidy_up_is_a_finding_and_fails_nothing(world: World) -> None:
    moved(world, is_tidying=True)
    world.directory.refuses = lambda o: NoRight("no right") if o.action == "move" else None
    result = world.run()["alfa"]
    assert not result["failed"]
    assert [(f["code"], f["message"]) for f in result["findings"]] == [
        ("right_missing", "person p1: no right")
    ]


@pytest.mark.parametrize(
    ("tidies", "reason"), [(False, NoRight("no right")), (True, "the directory is busy")]
)
def test_any_other_failure_is_an_error(world: World, tidies: bool, reason: str) -> None:
    moved(world, is_tidying=tidies)
    world.directory.refuses = lambda o: reason if o.action == "move" else None
    result = world.run()["alfa"]
    assert result["errors"] == [f"person p1: {reason}"]
    assert not result["findings"]


def test_the_next_read_may_be_smaller_by_what_was_deleted() -> None:
    world = World()
    for n in range(40):
        world.add(f"q{n}", "person", 2, BASE)
    world.run()
    kept = world.wanted[0]
    world.wanted = [kept, *(replace(w, is_gone=True) for w in world.wanted[1:])]
    assert not world.run()["alfa"]["failed"]
    world.wanted = [replace(kept, attributes={**kept.attributes, "mail": ("a@b.se",)})]
    assert not world.run()["alfa"]["refused"]


def test_a_killed_run_leaves_moves_and_deletions_whose_outcome_the_next_one_finds(
    world: World,
) -> None:
    moved(world)
    elsewhere = next(w.place for w in world.wanted if w.id == "p1")
    world.wanted = [
        replace(w, place=elsewhere) if w.id == "p2" else replace(w, is_gone=w.id in ("c1", "c2"))
        for w in world.wanted
    ]
    for dies_after in (0, 1, 2, 0):
        world.directory.dies_after = dies_after
        with suppress(Killed):
            world.run()
        world.directory.dies_after = None
    world.run()
    outcomes = {"move": set[str](), "delete": set[str]()}
    for seq, (_system, intent) in world.journal.intents.items():
        if intent.operation in outcomes:
            outcomes[intent.operation].add(world.journal.outcomes[seq])
    assert outcomes["move"] == {"found undone", "found done", "done"}
    assert outcomes["delete"] == {"found undone", "found done", "done"}
    assert world.ids() == {"u1", "u2", "p1", "p2"}
