# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets into Citrix, from where: the rules that are written for records."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.layout import Layout
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import citrix_site
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, hold, trial
from ansible_collections.regionjh.halsoval.tests.unit.citrix_in_memory import (
    Citrix,
    MemoryRules,
    lets_in,
    pc,
    provider,
    rule,
    share,
)

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
BUILT_IN = rule("built-in", Enabled=())


@pytest.fixture
def rules() -> MemoryRules:
    return MemoryRules(BUILT_IN)


@pytest.fixture
def citrix(rules: MemoryRules) -> Citrix:
    return Citrix(rules)


def gets_in(rules: MemoryRules, group: str, client: str, address: str = "10.9.9.9") -> bool:
    return lets_in(rules.read(), {f"Halsoval-{group}"}, client, address)


def five(**of_first: str) -> list[dict[str, str]]:
    return [pc("PC-0", **of_first), *(pc(f"PC-{n}") for n in range(1, 5))]


def test_staff_gets_in_from_its_own_workstations_alone(citrix: Citrix, rules: MemoryRules) -> None:
    citrix.run(provider("alfa", pc("PC-1")), provider("beta", pc("PC-2")))
    assert gets_in(rules, "alfa", "pc-1")
    assert gets_in(rules, "beta", "PC-2")
    assert not gets_in(rules, "alfa", "PC-2")
    assert not gets_in(rules, "beta", "PC-1")
    assert not gets_in(rules, "alfa", "PC-3")


def test_nobody_is_newly_admitted_from_what_the_registry_failed_for(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", pc("PC-1")), provider("beta", pc("PC-2")))
    more = (
        provider("alfa", pc("PC-1"), pc("PC-3"), shared=[share("beta", of=["PC-3"])]),
        provider("beta", pc("PC-2"), pc("PC-4")),
        provider("gamma", pc("PC-5", ip="10.1.1.5")),
    )
    results = citrix.run(*more, failures=["alfa", "gamma"])
    assert gets_in(rules, "alfa", "PC-1")
    assert gets_in(rules, "beta", "PC-4")
    assert not gets_in(rules, "alfa", "PC-3")
    assert not gets_in(rules, "beta", "PC-3")
    assert not gets_in(rules, "gamma", "x", "10.1.1.5")
    assert {p: r["msg"].partition(", as ")[2] for p, r in results.items()} == {
        "alfa": "the registry of workstations failed for alfa: PC-3",
        "beta": "the registry of workstations failed for alfa: PC-3",
        "gamma": "the registry of workstations failed for gamma: 10.1.1.5",
    }
    again = citrix.run(*more)
    assert [result["failed"] for result in again.values()] == [False] * 3
    assert gets_in(rules, "alfa", "PC-3")
    assert gets_in(rules, "beta", "PC-3")
    assert gets_in(rules, "gamma", "x", "10.1.1.5")


def test_what_is_admitted_stays_and_dates_end_it_while_the_registry_fails(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2")), as_of=YESTERDAY)
    ends = provider("alfa", pc("PC-1"), pc("PC-2", to=str(YESTERDAY)))
    assert citrix.run(ends, failures=["alfa"])["alfa"]["errors"] == []
    assert gets_in(rules, "alfa", "PC-1")
    assert not gets_in(rules, "alfa", "PC-2")


def test_a_second_run_changes_nothing(citrix: Citrix) -> None:
    record = provider("alfa", pc("PC-1"), pc("PC-2", ip="10.1.2.3"))
    first, second = citrix.run(record), citrix.run(record)
    assert first["alfa"]["counts"] == {"rule": 2, "added": 2}
    assert second["alfa"]["counts"] == {"rule": 2}
    assert not second["alfa"]["failed"]


def test_an_address_lets_in_whatever_the_client_is_called(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2", ip="10.1.2.3")))
    assert gets_in(rules, "alfa", "HTML-1234-5678", "10.1.2.3")
    assert not gets_in(rules, "alfa", "PC-2", "10.1.2.4")


def test_a_client_with_a_name_of_its_own_gets_in_by_that(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", pc("PC-1", client_name="MOTTAGNING-DISK")))
    assert gets_in(rules, "alfa", "MOTTAGNING-DISK")
    assert not gets_in(rules, "alfa", "PC-1")


def test_whatever_lets_in_is_sent_by_itself(citrix: Citrix, rules: MemoryRules) -> None:
    citrix.run(provider("alfa", pc("PC-1")))
    held = rules.named("Halsoval-alfa")
    assert held["AllowHdxAccess"] == ("true",)
    assert {held.get(name, ()) for name in ("AllowRdpAccess", "AllowMachineRestart")} == {()}
    assert held["AllowedUsers"] == ("Filtered",)


def test_every_flag_that_is_written_is_compared() -> None:
    """What the site sends by default and nobody compares would never be corrected."""
    from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.layout import (
        schema,
    )

    compared = {attribute.name for attribute in schema()}
    assert set(citrix_site.FLAGS) <= compared
    assert set(citrix_site.TEXTS) <= compared


@pytest.mark.parametrize(
    "opened",
    [
        {"AllowRdpAccess": ("true",)},
        {"IncludedClientNameFilterEnabled": ()},
        {"IncludedUserFilterEnabled": ()},
        {"AllowedUsers": ("AnyAuthenticated",)},
        {"IncludedUsers": ("REGION\\Halsoval-alfa", "REGION\\Domain Users")},
        {"IncludedClientNames": ("PC-1", "PC-9")},
    ],
)
def test_what_somebody_opened_is_closed_again(
    citrix: Citrix, rules: MemoryRules, opened: dict[str, tuple[str, ...]]
) -> None:
    record = provider("alfa", pc("PC-1"))
    citrix.run(record)
    before = dict(rules.named("Halsoval-alfa"))
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    rules.rules[ours.address] = replace(ours, attributes={**ours.attributes, **opened})
    assert citrix.run(record)["alfa"]["changed"]
    assert {k: v for k, v in rules.named("Halsoval-alfa").items() if v} == {
        k: v for k, v in before.items() if v
    }


def test_another_domain_locks_nobody_out_before_a_person_has_confirmed_it(
    citrix: Citrix, rules: MemoryRules
) -> None:
    record = provider("alfa", pc("PC-1"))
    citrix.run(record)
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    old = {"IncludedUsers": ("OLD\\Halsoval-alfa",)}
    rules.rules[ours.address] = replace(ours, attributes={**ours.attributes, **old})
    assert citrix.run(record)["alfa"]["refused"]
    assert rules.named("Halsoval-alfa")["IncludedUsers"] == old["IncludedUsers"]


@pytest.mark.parametrize("phase", ["establishment", "operation", "wind_down"])
def test_a_rule_is_there_before_operation_and_lets_in_from_then(
    citrix: Citrix, rules: MemoryRules, phase: str
) -> None:
    citrix.run(provider("alfa", pc("PC-1"), phase=phase))
    assert rules.named("Halsoval-alfa")["IncludedClientNames"] == ("PC-1",)
    assert gets_in(rules, "alfa", "PC-1") == (phase != "establishment")


def test_a_trial_opens_its_workstations_for_its_days(citrix: Citrix, rules: MemoryRules) -> None:
    tried = trial(workstations=["PC-1"], since=str(TODAY), to=str(TODAY))
    record = provider("alfa", *five(), pc("PC-9"), phase="establishment", trial=[tried])
    for day, is_in in ((YESTERDAY, False), (TODAY, True), (TOMORROW, False)):
        assert not citrix.run(record, as_of=day)["alfa"]["failed"], day
        assert gets_in(rules, "alfa", "PC-1") is is_in
        assert not gets_in(rules, "alfa", "PC-9")


@pytest.mark.parametrize("phase", ["application", "ended"])
def test_who_is_not_approved_or_has_left_gets_no_rule(
    citrix: Citrix, rules: MemoryRules, phase: str
) -> None:
    citrix.run(provider("alfa", pc("PC-1"), phase=phase))
    assert rules.read() == [BUILT_IN]


def test_a_rule_of_who_has_left_is_disabled_and_empty(citrix: Citrix, rules: MemoryRules) -> None:
    citrix.run(provider("alfa", pc("PC-1")), as_of=YESTERDAY)
    result = citrix.run(provider("alfa", pc("PC-1"), phase="ended"))
    held = rules.named("Halsoval-alfa")
    assert [held[name] for name in ("Enabled", "IncludedUsers", "IncludedClientNames")] == [()] * 3
    assert not result["alfa"]["failed"]


def test_a_rule_that_closes_without_a_date_waits_for_a_person(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", *five()))
    undone = provider("alfa", *five(), agreement={"final_agreement_signed": "2026-05-01"})
    refused = citrix.run(undone)["alfa"]
    assert "the provider's rule in Citrix would be disabled without a date" in refused["msg"]
    assert gets_in(rules, "alfa", "PC-1")
    assert not citrix.run(undone, expected=[refused["plan"]])["alfa"]["failed"]
    assert not gets_in(rules, "alfa", "PC-1")


def test_a_workstation_leaves_by_its_last_day_whatever_else_is_refused(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", *five()), as_of=YESTERDAY)
    ended = provider("alfa", pc("PC-0", to=str(YESTERDAY)), pc("PC-1"))
    result = citrix.run(ended)["alfa"]
    assert "3 of 6 would lose something without a date" in result["msg"]
    assert "workstation PC-4" in result["msg"]
    assert not gets_in(rules, "alfa", "PC-0")
    assert gets_in(rules, "alfa", "PC-4")


def test_one_workstation_that_vanished_is_no_alarm(citrix: Citrix, rules: MemoryRules) -> None:
    citrix.run(provider("alfa", *five()))
    assert not citrix.run(provider("alfa", *five()[:4]))["alfa"]["failed"]
    assert not gets_in(rules, "alfa", "PC-4")


def test_the_last_workstation_by_address_that_ends_closes_that_rule(
    citrix: Citrix, rules: MemoryRules
) -> None:
    browser = pc("PC-2", ip="10.1.2.3")
    citrix.run(provider("alfa", pc("PC-1"), browser), as_of=YESTERDAY)
    result = citrix.run(provider("alfa", pc("PC-1"), {**browser, "to": str(YESTERDAY)}))
    assert not result["alfa"]["failed"]
    assert rules.named("Halsoval-alfa_addresses")["Enabled"] == ()
    assert gets_in(rules, "alfa", "PC-1")


def test_a_shared_workstation_lets_the_others_in_for_its_days(
    citrix: Citrix, rules: MemoryRules
) -> None:
    owner = provider("alfa", pc("PC-1"), pc("PC-2"), shared=[share("beta", of=["PC-1"])])
    for day, is_in in ((YESTERDAY, False), (TODAY, True), (dt.date(2026, 4, 1), False)):
        results = citrix.run(owner, provider("beta", pc("PC-3")), as_of=day)
        assert not results["beta"]["failed"], day
        assert gets_in(rules, "beta", "PC-1") is is_in
        assert not gets_in(rules, "beta", "PC-2")
        assert gets_in(rules, "alfa", "PC-1")


def test_a_share_with_nobody_is_told_while_it_lasts(citrix: Citrix) -> None:
    shared = [share("Beta", "gamma", of=["PC-1"], to=str(TODAY))]
    owner = provider("alfa", pc("PC-1"), shared=shared)
    found = ("alfa", "shared_with_nobody", "Beta")
    citrix.run(owner, provider("beta", pc("PC-3")), invalid=["gamma"])
    assert citrix.findings == {found}
    citrix.run(owner, provider("beta", pc("PC-3")), as_of=TOMORROW)
    assert found not in citrix.findings


def test_what_another_shares_stays_while_its_record_cannot_be_read(
    citrix: Citrix, rules: MemoryRules
) -> None:
    owner = provider("alfa", pc("PC-1"), shared=[share("beta", of=["PC-1"])])
    guest = provider("beta", pc("PC-3"))
    citrix.run(owner, guest)
    citrix.run(guest, invalid=["alfa"])
    assert gets_in(rules, "alfa", "PC-1")
    assert gets_in(rules, "beta", "PC-1")


def test_a_held_provider_gets_in_from_nowhere(citrix: Citrix, rules: MemoryRules) -> None:
    record = provider("alfa", *five())
    citrix.run(record)
    held = citrix.run(record, holds=[hold("alfa")], selected=[])
    assert held == {}
    assert not gets_in(rules, "alfa", "PC-1")
    citrix.run(record)
    assert gets_in(rules, "alfa", "PC-1")


def test_a_held_provider_whose_record_is_invalid_gets_in_from_nowhere(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", *five()))
    citrix.run(invalid=["alfa"], holds=[hold("alfa")])
    assert not gets_in(rules, "alfa", "PC-1")


def test_a_rule_that_a_person_disabled_stays_disabled(citrix: Citrix, rules: MemoryRules) -> None:
    record = provider("alfa", pc("PC-1"))
    citrix.run(record)
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    rules.rules[ours.address] = replace(ours, attributes={**ours.attributes, "Enabled": ()})
    for _run in range(2):
        result = citrix.run(record, provider("beta", pc("PC-2")))
        assert not result["alfa"]["changed"]
        assert ("alfa", "manually_disabled", "Halsoval-alfa") in citrix.findings
    assert not gets_in(rules, "alfa", "PC-1")


def test_a_client_that_a_person_excluded_stays_out(citrix: Citrix, rules: MemoryRules) -> None:
    record = provider("alfa", pc("PC-1"), pc("PC-2"))
    citrix.run(record)
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    by_hand = {"ExcludedClientNames": ("PC-1",), "ExcludedClientNameFilterEnabled": ("true",)}
    rules.rules[ours.address] = replace(ours, attributes={**ours.attributes, **by_hand})
    assert not citrix.run(record)["alfa"]["changed"]
    assert ("alfa", "manually_disabled", "Halsoval-alfa") in citrix.findings
    assert not gets_in(rules, "alfa", "PC-1")
    assert gets_in(rules, "alfa", "PC-2")


def test_a_client_whose_sessions_were_left_gets_in_when_it_is_registered_again(
    citrix: Citrix, rules: MemoryRules
) -> None:
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2")))
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    left = {
        "IncludedClientNames": ("PC-2",),
        "ExcludedClientNames": ("pc-1",),
        "ExcludedClientNameFilterEnabled": ("true",),
    }
    rules.rules[ours.address] = replace(ours, attributes={**ours.attributes, **left})
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2")))
    assert gets_in(rules, "alfa", "PC-1")
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2")))
    assert not citrix.findings


def test_rules_of_others_are_left_alone(rules: MemoryRules) -> None:
    others = [
        rule("Halsoval-alfa-old", IncludedClientNames=("PC-9",)),
        rule("Other", Description=("halsoval:names/alfa",)),
    ]
    rules.rules.update({one.address: one for one in others})
    Citrix(rules).run(provider("alfa", pc("PC-1")))
    assert [r for r in rules.read() if not r.dn.startswith("CN=Halsoval-alfa,")] == [
        BUILT_IN, *others
    ]  # fmt: skip


def test_a_name_that_another_rule_has_is_an_error(citrix: Citrix, rules: MemoryRules) -> None:
    rules.rules["x"] = replace(rule("halsoval-ALFA"), address="x")
    result = citrix.run(provider("alfa", pc("PC-1")), provider("beta", pc("PC-2")))
    assert "a rule Halsoval-alfa is there that is not ours" in result["alfa"]["msg"]
    assert not result["beta"]["failed"]


def test_a_copy_of_our_rule_is_an_error(citrix: Citrix, rules: MemoryRules) -> None:
    record = provider("alfa", pc("PC-1"))
    citrix.run(record)
    ours = next(r for r in rules.read() if r.dn.startswith("CN=Halsoval-alfa,"))
    copy = replace(ours, dn=ours.dn.replace("alfa", "alfa copy"), address="copy")
    rules.rules["copy"] = copy
    assert "remove the copies" in citrix.run(record)["alfa"]["msg"]
    assert rules.rules["copy"] == copy


def test_a_rule_without_a_record_is_an_orphan(citrix: Citrix, rules: MemoryRules) -> None:
    citrix.run(provider("alfa", pc("PC-1")), provider("beta", pc("PC-2")))
    citrix.run(provider("beta", pc("PC-2")))
    assert ("alfa", "orphan", "Halsoval-alfa") in citrix.findings
    assert gets_in(rules, "alfa", "PC-1")


def test_rules_that_vanish_twice_point_at_a_tool(citrix: Citrix, rules: MemoryRules) -> None:
    record = provider("alfa", pc("PC-1"))
    told = []
    for day in range(4):
        results = citrix.run(record, as_of=TODAY + dt.timedelta(days=day))
        findings = [f for f in results["alfa"]["findings"] if f["code"] == "rules_vanished"]
        told.append([f["message"] for f in findings])
        if day < 2:
            del rules.rules[next(a for a, r in rules.rules.items() if "alfa" in r.dn)]
    assert [len(messages) for messages in told] == [0, 1, 1, 0]
    assert "Terraform" not in told[1][0]
    assert "2 times within a month" in told[2][0]
    assert "Terraform" in told[2][0]


def test_a_rule_that_was_never_written_has_not_vanished(citrix: Citrix) -> None:
    record = provider("alfa", pc("PC-1"))
    citrix.run(record, check=True)
    citrix.run(record)
    assert not citrix.findings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule_prefix": "Halso val"}, "rule_prefix"),
        ({"rule_prefix": ""}, "rule_prefix"),
        ({"domain": "ad.region.example"}, "domain"),
        ({"delivery_group": " "}, "delivery_group"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=f"expected {words}"):
        Layout(**{"delivery_group": "G", "domain": "REGION", **options})


# --- who gets in, for any records -----------------------------------------------------------------

IDS = ("alfa", "beta", "gamma")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Record], list[Record]]:
    """Records of one day and of the next one, of which some workstations went, moved or came."""
    return _records(draw), _records(draw)


def _records(draw: st.DrawFn) -> list[Record]:
    numbers = iter(range(20))
    records = []
    for id in IDS:
        kinds = draw(st.lists(st.sampled_from(["name", "address", "none"]), max_size=3))
        pcs = [_pc(id, next(numbers), kind) for kind in kinds]
        guests = draw(st.sets(st.sampled_from([other for other in IDS if other != id])))
        shared = [share(*sorted(guests), of=[pcs[0]["name"]])] if pcs and guests else []
        phase = draw(st.sampled_from(["establishment", "operation", "wind_down", "ended"]))
        records.append(provider(id, *pcs, shared=shared, phase=phase))
    return records


def _pc(id: str, number: int, kind: str) -> dict[str, str]:
    name = f"{id}-{number}".upper()
    if kind == "address":
        return pc(name, ip=f"10.0.0.{number}")
    return pc(name, admitted_by="none") if kind == "none" else pc(name)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_exactly_who_should_get_in_does(world: tuple[list[Record], list[Record]]) -> None:
    rules = MemoryRules(BUILT_IN)
    citrix = Citrix(rules)
    for records in world:
        results = citrix.run(*records)
        hashes = [result["plan"] for result in results.values() if result["refused"]]
        if hashes:  # a person confirms what no date explains
            citrix.run(*records, expected=hashes)
        _only_the_right(rules, records)


def _only_the_right(rules: MemoryRules, records: list[Record]) -> None:
    every = [(record, one) for record in records for one in record.equipment.workstations]
    right = {(id, name) for record in records for id, name in _rights(record, records)}
    for id in IDS:
        for _owner, one in every:
            by_name = lets_in(rules.read(), {f"Halsoval-{id}"}, one.name.lower(), "10.9.9.9")
            assert by_name == (one.admitted_by == "client_name" and (id, one.name) in right)
            if one.ip:
                by_address = lets_in(rules.read(), {f"Halsoval-{id}"}, "X", one.ip)
                assert by_address == ((id, one.name) in right)
        assert not lets_in(rules.read(), {f"Halsoval-{id}"}, "STRANGER", "10.9.9.9")
    assert not any(lets_in(rules.read(), (), one.name, one.ip or "") for _owner, one in every)


def _rights(owner: Record, records: list[Record]) -> set[tuple[str, str]]:
    """Whose staff may work at an owner's workstations, said anew from annex 3.1.1 and 3.1.2."""
    working = {r.id for r in records if _works(r)}
    own = {(owner.id, one.name) for one in owner.equipment.workstations}
    shared = {
        (guest, name)
        for s in owner.agreement.shared_access
        for guest in s.providers
        for name in s.workstations
    }
    return {(id, name) for id, name in own | shared if id in working and owner.id in working}


def _works(record: Record) -> bool:
    dates = record.agreement.agreement
    has_ended = dates.ends is not None and dates.ends < TODAY
    return dates.operation_start is not None and not has_ended


def test_a_provider_over_its_capacity_gets_no_workstation_more_and_loses_what_ends() -> None:
    # Rows that end some day count for no record's capacity, only for that of the day.
    citrix, last = Citrix(), "2099-01-01"
    citrix.run(provider("alfa", pc("A-0", to=last), pc("A-1", to=last), workstation_groups=1))
    many = [pc(f"A-{number}", to=last) for number in range(1, 12)]
    full = provider("alfa", pc("A-0", to="2026-03-01"), *many, workstation_groups=1)
    result = citrix.run(full)["alfa"]
    assert "11 workstations are registered" in result["msg"]
    assert citrix.system.named("Halsoval-alfa")["IncludedClientNames"] == ("A-1",)
