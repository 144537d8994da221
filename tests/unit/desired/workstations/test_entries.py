# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    PHASES,
    TODAY,
    record,
    unit,
    workstation,
)
from ansible_collections.regionjh.halsoval.tests.unit.registry_in_memory import BRANCH, Registry

YESTERDAY, TOMORROW = (TODAY + dt.timedelta(days=days) for days in (-1, 1))


def alfa(*workstations: dict[str, Any], groups: int = 1, **fields: Any) -> Record:
    return record("alfa", workstations=workstations, workstation_groups=groups, **fields)


def beta(*workstations: dict[str, Any]) -> Record:
    return record("beta", workstations=workstations, workstation_groups=1)


def pcs(count: int, start: int = 1, **fields: Any) -> list[dict[str, Any]]:
    return [workstation(f"PC-{number:02d}", **fields) for number in range(start, start + count)]


def failures(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {provider: own["msg"] for provider, own in results.items() if own["failed"]}


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_entry_says_what_the_record_says(registry: Registry) -> None:
    row = workstation(
        serial="4711", ip="198.51.100.7", mac="00:00:5E:00:53:01", client_name="Jour_1",
        **{"from": "2026-02-01", "to": "2026-12-31"},
    )  # fmt: skip
    assert not failures(registry.run(alfa(row)))
    assert registry.entry("PC-1").attributes == {
        "objectClass": ("device", "ipHost", "ieee802Device", "halsovalWorkstation"),
        "halsovalKey": ("workstation/alfa/pc-1",),
        "cn": ("PC-1",),
        "halsovalState": ("registered",),
        "serialNumber": ("4711",),
        "ipHostNumber": ("198.51.100.7",),
        "macAddress": ("00:00:5E:00:53:01",),
        "halsovalClientName": ("Jour_1",),
        "halsovalUnit": ("vc",),
        "halsovalAgreement": ("alfa",),
        "halsovalAttested": ("2026-01-20",),
        "halsovalGroup": ("1",),
        "halsovalFirstDay": ("2026-02-01",),
        "halsovalLastDay": ("2026-12-31",),
    }


@pytest.mark.parametrize("phase", sorted(PHASES))
def test_workstations_are_registered_from_establishment_until_the_end(
    registry: Registry, phase: str
) -> None:
    registry.run(alfa(workstation(), phase=phase))
    live = phase in ("establishment", "operation", "wind_down")
    assert registry.registered() == ({"PC-1"} if live else set())


def test_second_run_changes_nothing(registry: Registry) -> None:
    rows = (workstation(ip="198.51.100.7"), workstation("PC-2", mac="00:00:5E:00:53:01"))
    registry.run(alfa(*rows))
    later = registry.run(alfa(*rows), day=TODAY + dt.timedelta(days=9))
    assert not later["alfa"]["changed"]
    assert registry.said("PC-1", "halsovalFirstDay") == "2026-03-02"


def test_what_a_row_does_not_say_any_more_goes_with_its_class(registry: Registry) -> None:
    registry.run(alfa(workstation(ip="198.51.100.7", mac="00:00:5E:00:53:01", serial="1")))
    assert not failures(registry.run(alfa(workstation())))
    assert registry.entry("PC-1").attributes.keys().isdisjoint(("ipHostNumber", "macAddress"))
    classes = registry.entry("PC-1").attributes["objectClass"]
    assert classes == ("device", "halsovalWorkstation")


# --- deregistering --------------------------------------------------------------------------------


def test_last_day_deregisters_the_day_after(registry: Registry) -> None:
    ends = alfa(workstation(to=str(TODAY)))
    registry.run(ends)
    assert registry.registered() == {"PC-1"}
    results = registry.run(ends, day=TOMORROW)
    assert not failures(results)
    assert registry.registered() == set()
    assert registry.said("PC-1", "halsovalLastDay") == str(TODAY)
    assert registry.said("PC-1", "halsovalGroup") is None
    assert results["alfa"]["counts"] == {"modified": 1}
    assert not registry.run(ends, day=TOMORROW)["alfa"]["changed"]


@pytest.mark.parametrize("by", ["unit", "provider", "replacement"])
def test_end_of_unit_provider_and_replacement_are_dated(registry: Registry, by: str) -> None:
    rows = pcs(10)
    registry.run(alfa(*rows))
    other = {"from": str(TOMORROW), "replaces": "PC-01"}
    after = {
        "unit": alfa(*rows, units=[unit(closes=str(TODAY))]),
        "provider": alfa(*rows, agreement={"ends": str(TODAY)}),
        "replacement": alfa(*rows, workstation("PC-11", **other)),
    }[by]
    assert not failures(registry.run(after, day=TOMORROW))
    assert "PC-01" not in registry.registered()
    assert registry.said("PC-01", "halsovalLastDay") == str(TODAY)


def test_row_that_vanished_is_deregistered_and_an_undated_loss(registry: Registry) -> None:
    registry.run(alfa(*pcs(10)))
    results = registry.run(alfa(*pcs(9)), day=TOMORROW)
    assert not failures(results)
    assert registry.said("PC-10", "halsovalLastDay") == str(TODAY)
    assert registry.journal.lost == [("workstations", TOMORROW, "alfa", ("workstation", "PC-10"))]
    assert not registry.run(alfa(*pcs(9)), day=TODAY + dt.timedelta(days=9))["alfa"]["changed"]


def test_many_rows_that_vanish_are_refused_and_dated_ends_are_done(registry: Registry) -> None:
    registry.run(alfa(*pcs(10)))
    results = registry.run(alfa(*pcs(6), *pcs(1, 7, to=str(TODAY))), day=TOMORROW)
    assert "3 of 10 would lose something" in results["alfa"]["msg"]
    assert registry.registered() == {f"PC-{n:02d}" for n in (1, 2, 3, 4, 5, 6, 8, 9, 10)}
    assert registry.said("PC-07", "halsovalLastDay") == str(TODAY)


def test_workstation_that_comes_back_is_registered_again(registry: Registry) -> None:
    registry.run(alfa(workstation(to=str(YESTERDAY))), day=YESTERDAY)
    registry.run(alfa(workstation(to=str(YESTERDAY))))
    assert registry.registered() == set()
    assert not failures(registry.run(alfa(workstation()), day=TOMORROW))
    assert registry.registered() == {"PC-1"}
    assert registry.said("PC-1", "halsovalFirstDay") == str(TOMORROW)
    assert registry.said("PC-1", "halsovalLastDay") is None


def test_workstations_of_a_provider_without_a_record_are_left(registry: Registry) -> None:
    registry.run(alfa(workstation()), beta())
    registry.run(beta())
    assert registry.registered() == {"PC-1"}
    assert [(f.provider, f.code, f.object) for f in registry.desired.findings] == [
        ("alfa", "orphan", "PC-1")
    ]


def test_invalid_record_keeps_what_is_registered(registry: Registry) -> None:
    registry.run(alfa(workstation()), beta())
    registry.run(beta(), invalid=["alfa"])
    assert registry.registered() == {"PC-1"}
    assert registry.desired.findings == ()


# --- capacity -------------------------------------------------------------------------------------


def test_more_than_the_groups_hold_on_the_day_writes_nothing(registry: Registry) -> None:
    results = registry.run(alfa(*pcs(11, to=str(TOMORROW))), beta(workstation("B-1")))
    assert failures(results) == {
        "alfa": "11 workstations are registered on 2026-03-02, and 1 workstation_groups hold 10"
        " (annex 2.8)"
    }
    assert registry.registered() == {"B-1"}
    assert codes(registry) == [("over_capacity", "alfa")]


def test_capacity_error_does_not_delay_a_dated_end(registry: Registry) -> None:
    registry.run(alfa(*pcs(10, to=str(TOMORROW))))
    rows = [*pcs(1, to=str(TODAY)), *pcs(9, 2, to="2026-04-01"), *pcs(2, 11, to="2026-04-01")]
    assert "11 workstations" in registry.run(alfa(*rows), day=TOMORROW)["alfa"]["msg"]
    assert registry.registered() == {f"PC-{n:02d}" for n in range(2, 11)}


def test_swap_on_one_day_is_within_the_capacity_at_every_moment(registry: Registry) -> None:
    registry.run(alfa(*pcs(10)), day=YESTERDAY)
    registry.directory.calls.clear()
    swapped = [*pcs(9), workstation("PC-11", replaces="PC-10", **{"from": str(TODAY)})]
    assert not failures(registry.run(alfa(*swapped)))
    assert [[o.id for o in call] for call in registry.directory.calls] == [["PC-10"], ["PC-11"]]
    assert registry.groups() == {f"PC-{n:02d}": 1 for n in (*range(1, 10), 11)}


def test_result_says_how_much_of_the_groups_is_used(registry: Registry) -> None:
    results = registry.run(alfa(*pcs(17), groups=2))
    assert results["alfa"]["workstations"] == {"registered": 17, "capacity": 20, "groups": 2}


def test_missing_licences_write_nothing_of_that_provider(registry: Registry) -> None:
    results = registry.run(
        alfa(workstation()), beta(workstation("B-1")), licences={"alfa": "1 rds CAL is missing"}
    )
    assert failures(results) == {"alfa": "1 rds CAL is missing"}
    assert registry.registered() == {"B-1"}


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", ["PC-1", "pc-1"])
def test_name_of_somebody_elses_entry_is_an_error(registry: Registry, spelled: str) -> None:
    theirs = registry.directory.put(f"cn={spelled},{BRANCH}", objectClass="device", cn=spelled)
    results = registry.run(alfa(workstation(), workstation("PC-2")))
    assert failures(results) == {
        "alfa": "the name PC-1 is that of an entry in the registry which is not ours:"
        " rename one of them"
    }
    assert registry.directory.read() == (theirs,)


def test_workstation_moves_to_another_provider_in_one_run(registry: Registry) -> None:
    registry.run(alfa(workstation()), beta())
    results = registry.run(alfa(), beta(workstation("pc-1")), day=TOMORROW)
    assert not failures(results)
    assert registry.said("pc-1", "halsovalKey") == "workstation/beta/pc-1"
    assert registry.said("pc-1", "halsovalFirstDay") == str(TOMORROW)
    assert registry.registered() == {"pc-1"}
    assert not registry.run(alfa(), beta(workstation("pc-1")), day=TOMORROW)["beta"]["changed"]


@pytest.mark.parametrize("invalid", [["alfa"], []])
def test_name_of_a_provider_whose_record_is_not_there_is_an_error(
    registry: Registry, invalid: list[str]
) -> None:
    registry.run(alfa(workstation()), beta())
    results = registry.run(beta(workstation()), invalid=invalid)
    assert results["beta"]["msg"] == (
        "the name PC-1 is registered for alfa, whose record cannot be read or is not there"
    )
    assert registry.said("PC-1", "halsovalKey") == "workstation/alfa/pc-1"


def test_workstation_does_not_move_where_the_first_provider_is_refused(registry: Registry) -> None:
    registry.run(alfa(*pcs(10)), beta())
    results = registry.run(alfa(*pcs(5)), beta(*pcs(1, 10)), day=TOMORROW)
    assert failures(results).keys() == {"alfa", "beta"}
    assert registry.said("PC-10", "halsovalKey") == "workstation/alfa/pc-10"
    assert len(registry.registered()) == 10


def test_key_on_two_entries_is_an_error(registry: Registry) -> None:
    registry.run(alfa(workstation()))
    registry.directory.put(
        f"cn=COPY,{BRANCH}", **registry.entry("PC-1").attributes | {"cn": ("COPY",)}
    )
    results = registry.run(alfa(workstation()))
    assert "more than one entry in the registry carries the key" in results["alfa"]["msg"]


def test_case_of_a_name_follows_the_record(registry: Registry) -> None:
    registry.run(alfa(workstation()))
    assert not failures(registry.run(alfa(workstation("pc-1"))))
    assert registry.entry("pc-1").dn == f"cn=pc-1,{BRANCH}"
    assert registry.journal.lost == []


def test_limit_changes_the_selected_provider_alone(registry: Registry) -> None:
    registry.run(alfa(workstation()), beta(workstation("B-1")), providers=("beta",))
    assert registry.registered() == {"B-1"}


# --- findings -------------------------------------------------------------------------------------


def codes(registry: Registry) -> list[tuple[str, str]]:
    return [(f.code, f.object) for f in registry.desired.findings]


@pytest.mark.parametrize(
    ("attested", "due"),
    [("2025-03-02", False), ("2025-03-01", True), (None, True), ("2026-03-03", True)],
)
def test_attestation_is_due_after_a_year(
    registry: Registry, attested: str | None, due: bool
) -> None:
    registry.run(alfa(workstation(attested=attested)))
    assert codes(registry) == [("attestation_due", "PC-1")] * due


@pytest.mark.parametrize(
    ("later", "day_due", "is_due"),
    [
        ([], "2026-03-01", True),
        ([], "2026-03-02", False),
        ([{"date": "2026-02-20", "protocol": "P-2"}], "2026-03-01", False),
        ([{"date": "2026-03-20", "protocol": "P-2"}], "2026-03-01", True),
    ],
)
def test_inspection_is_due_once_its_day_has_passed_without_another(
    registry: Registry, later: list[dict[str, Any]], day_due: str, is_due: bool
) -> None:
    first = {"date": "2025-11-01", "protocol": "P-1", "deviations": ["A"], "due": day_due}
    registry.run(alfa(inspections=[first, *later]))
    assert codes(registry) == [("inspection_due", "P-1")] * is_due


@pytest.mark.parametrize(("consulted", "told"), [("2026-03-02", False), (None, True)])
def test_equipment_without_consultation_is_told_and_stops_nothing(
    registry: Registry, consulted: str | None, told: bool
) -> None:
    printer = {"kind": "printer", "model": "S 1", "unit": "vc", "consulted": consulted}
    assert not failures(registry.run(alfa(workstation(), peripherals=[printer])))
    assert codes(registry) == [("unapproved_equipment", "vc - printer S 1")] * told


def test_findings_are_of_live_providers_alone(registry: Registry) -> None:
    registry.run(alfa(workstation(attested=None), phase="application"))
    assert codes(registry) == []


def test_entry_without_our_key_is_told(registry: Registry) -> None:
    registry.directory.put(f"cn=X,{BRANCH}", objectClass="device", cn="X")
    registry.run(alfa())
    assert codes(registry) == [("workstation_without_key", "X")]
