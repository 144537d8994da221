# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.workstations import (
    Admission,
    admission,
    end_of,
    is_end_explained,
    registered,
    standing,
)

Make = Callable[..., Record]
Path = tuple[str | int, ...]

PC_1 = ("equipment", "workstations", 0)
ENDS = ("agreement", "agreement", "ends")
START = ("agreement", "agreement", "operation_start")
TODAY = dt.date(2026, 3, 2)
YESTERDAY = TODAY - dt.timedelta(days=1)
SHARE = {
    "providers": ["annan"],
    "workstations": ["pc-1"],
    "from": "2026-03-02",
    "to": "2026-03-31",
    "agreement": "JOUR-1",
}
TRIAL = {
    "workstations": ["pc-2"],
    "systems": ["vardadministrativt_system"],
    "from": "2026-03-01",
    "to": "2026-03-02",
    "approved_by": "SE2321000214-1001",
}
REPLACED: dict[Path, Any] = {(*PC_1, "replaces"): "pc-2", (*PC_1, "from"): "2026-03-02"}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("changes", "as_of", "expected"),
    [
        ({}, "2023-02-09", "outside"),
        ({}, "2023-02-10", "registered"),
        ({}, "2026-03-02", "registered"),
        ({(*PC_1, "halsoval"): False}, "2026-03-02", "outside"),
        ({(*PC_1, "from"): "2026-03-03"}, "2026-03-02", "later"),
        ({(*PC_1, "from"): "2026-03-02"}, "2026-03-02", "registered"),
        ({(*PC_1, "to"): "2026-03-02"}, "2026-03-02", "registered"),
        ({(*PC_1, "to"): "2026-03-01"}, "2026-03-02", "ended"),
        ({("agreement", "units", 0, "closes"): "2026-03-01"}, "2026-03-02", "ended"),
        ({ENDS: "2026-03-01"}, "2026-03-02", "ended"),
        ({ENDS: "2026-03-02"}, "2026-03-02", "registered"),
    ],
)
def test_workstation_is_registered_from_establishment_to_its_last_day(
    make: Make, changes: dict[Path, Any], as_of: str, expected: str
) -> None:
    record = make(changes)
    assert standing(record, record.equipment.workstations[0], day(as_of)) == expected


@pytest.mark.parametrize(("as_of", "names"), [("2026-03-01", ["PC-2"]), ("2026-03-02", ["PC-1"])])
def test_replaced_workstation_leaves_on_the_day_that_the_other_comes(
    make: Make, as_of: str, names: list[str]
) -> None:
    assert [one.name for one in registered(make(REPLACED), day(as_of))] == names


def test_row_of_a_replaced_workstation_may_be_gone(make: Make) -> None:
    record = make({**REPLACED, ("equipment", "workstations", 1): None})
    assert end_of(record, "PC-2") == YESTERDAY
    assert end_of(record, "PC-9") is None


def test_staff_is_admitted_in_operation_by_name_or_by_address(make: Make) -> None:
    record = make(
        {
            (*PC_1, "client_name"): "Jour",
            ("equipment", "workstations", 1, "admitted_by"): "address",
            ("equipment", "workstations", 1, "ip"): "192.0.2.7",
        }
    )
    expected = Admission(("Jour",), ("192.0.2.7",), True)
    assert admission(record, [record], TODAY) == expected


def test_workstation_that_citrix_does_not_admit_is_registered_all_the_same(make: Make) -> None:
    record = make({(*PC_1, "admitted_by"): "none"})
    assert admission(record, [record], TODAY).client_names == ("PC-2",)
    assert len(registered(record, TODAY)) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({START: None}, Admission(("PC-1", "PC-2"), (), False)),
        ({START: None, ("agreement", "trial"): [TRIAL]}, Admission(("PC-2",), (), True)),
        ({ENDS: "2026-03-02"}, Admission(("PC-1", "PC-2"), (), True)),
        ({ENDS: "2026-03-01"}, Admission()),
        ({("agreement", "agreement", "contract_signed"): None}, Admission()),
    ],
)
def test_phase_and_trial_decide_who_is_admitted(
    make: Make, changes: dict[Path, Any], expected: Admission
) -> None:
    record = make(changes)
    assert admission(record, [record], TODAY) == expected


@pytest.mark.parametrize(
    ("as_of", "names"),
    [
        ("2026-03-01", ("PC-3", "PC-4")),
        ("2026-03-02", ("PC-1", "PC-3", "PC-4")),
        ("2026-03-31", ("PC-1", "PC-3", "PC-4")),
        ("2026-04-01", ("PC-3", "PC-4")),
    ],
)
def test_shared_workstation_admits_the_others_staff_on_the_days_of_the_share(
    make: Make, make_other: Make, as_of: str, names: tuple[str, ...]
) -> None:
    record, other = make({("agreement", "shared_access"): [SHARE]}), make_other()
    assert admission(other, [record, other], day(as_of)).client_names == names
    assert admission(record, [record, other], day(as_of)).client_names == ("PC-1", "PC-2")


@pytest.mark.parametrize(
    "changes",
    [
        {(*PC_1, "to"): "2026-03-01"},
        {("agreement", "units", 0, "closes"): "2026-03-01"},
        {ENDS: "2026-03-01"},
        {
            ("equipment", "workstations", 1, "replaces"): "pc-1",
            ("equipment", "workstations", 1, "from"): "2026-03-02",
        },
        {
            PC_1: None,
            ("equipment", "workstations", 0, "replaces"): "pc-1",
            ("equipment", "workstations", 0, "from"): "2026-03-02",
        },
        {START: None, ("agreement", "trial"): [TRIAL | {"to": "2026-03-01"}]},
    ],
)
def test_date_explains_that_a_client_name_admits_nobody_any_more(
    make: Make, changes: dict[Path, Any]
) -> None:
    record = make(changes)
    assert is_end_explained("pc-1", record, [record], TODAY, YESTERDAY)
    assert not is_end_explained("pc-1", make(), [make()], TODAY, YESTERDAY)


def test_end_of_a_share_explains_it_for_those_it_was_for(make: Make, make_other: Make) -> None:
    share = SHARE | {"from": "2026-02-01", "to": "2026-03-01"}
    record, other = make({("agreement", "shared_access"): [share]}), make_other()
    assert is_end_explained("PC-1", other, [record, other], TODAY, YESTERDAY)
    assert not is_end_explained("PC-1", record, [record, other], TODAY, YESTERDAY)
    assert not is_end_explained("PC-2", other, [record, other], TODAY, YESTERDAY)


def test_row_that_vanished_explains_nothing(make: Make) -> None:
    record = make({PC_1: None})
    assert not is_end_explained("PC-1", record, [record], TODAY, YESTERDAY)
