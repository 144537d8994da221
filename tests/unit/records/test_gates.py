# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates on the way into operation: which evidence opens which."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.gates import (
    Evidence,
    are_open,
    gates,
    in_words,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import phase
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)

from .conftest import VALID, changed

Make = Callable[..., Record]
Path = tuple[str | int, ...]

PART, AGREEMENT = ("agreement",), ("agreement", "agreement")
VERIFICATION = ("agreement", "final_verification")

# Where the day stands that opens each gate, and the days that VALID has there.
DAYS: dict[str, Path] = {
    "contract": (*AGREEMENT, "contract_signed"),
    "connection_agreement": (*AGREEMENT, "connection_agreement_signed"),
    "sjunet": (*PART, "sjunet", "connected"),
    "self_declaration": (*PART, "self_declaration", "reviewed"),
    "attestations": (*PART, "attestations_reviewed"),
    "training": (*PART, "training", 0, "date"),
    "final_verification": (*VERIFICATION, "date"),
    "final_agreement": (*AGREEMENT, "final_agreement_signed"),
    "start": (*AGREEMENT, "operation_start"),
}
TODAY = dt.date(2026, 3, 2)


def closed(record: Record, as_of: dt.date = TODAY) -> list[str]:
    return [gate.name for gate in gates(record, as_of) if not gate.is_open]


def missing(record: Record) -> list[str]:
    return [in_words(g.name, each) for g in gates(record, TODAY) for each in g.missing]


def test_gates_are_passed_in_one_order_and_all_are_open_in_operation(make: Make) -> None:
    found = gates(make(), TODAY)

    assert [gate.name for gate in found] == list(DAYS)
    assert all(gate.is_open and gate.held for gate in found)
    assert are_open(make(), TODAY)


@pytest.mark.parametrize("name", DAYS)
def test_each_gate_opens_on_the_day_of_its_evidence(make: Make, name: str) -> None:
    day = dt.date(2026, 2, 20)
    # Musts are resolved at the verification or after it, and the other course is later still.
    record = make({DAYS[name]: str(day), (*VERIFICATION, "musts"): []})

    assert closed(record, day - dt.timedelta(days=1)) == [name]
    assert closed(record, day) == []


def test_each_must_is_evidence_of_its_own_and_a_closed_gate_names_it(make: Make) -> None:
    musts = [
        {"code": "M-1", "resolved": "2023-08-24"},
        {"code": "M-2", "resolved": "2026-03-03"},
        {"code": "M-3"},
    ]
    record = make({(*VERIFICATION, "musts"): musts})
    gate = next(gate for gate in gates(record, TODAY) if gate.name == "final_verification")

    assert closed(record) == ["final_verification"]
    assert gate.held == (
        Evidence(dt.date(2023, 8, 22)), Evidence(dt.date(2023, 8, 24), "M-1"),
    )  # fmt: skip
    assert missing(record) == ["must M-2 resolved (annex 3.9)", "must M-3 resolved (annex 3.9)"]


def test_a_verification_that_was_not_passed_is_no_evidence(make: Make) -> None:
    failed = make({(*VERIFICATION, "outcome"): "not_approved"})

    assert missing(failed) == ["final verification passed (annex 3.9)"]
    assert closed(make({VERIFICATION: None})) == ["final_verification"]


def test_an_application_says_all_that_is_missing(make: Make) -> None:
    bare = {name: VALID["agreement"][name] for name in ("id", "name", "organisation_number")}
    part = {**bare, "agreement": {"number": "HV-1"}, "services": ["eko"], "units": []}
    record = from_json(Record, {**VALID, "agreement": part})

    assert closed(record) == list(DAYS)
    assert phase(record, TODAY) == "application"
    assert missing(record)[:3] == [
        "contract signed (annex 3.8)", "connection agreement signed (annex 2.5)",
        "Sjunet connected (annex 2.4)",
    ]  # fmt: skip


def test_later_courses_and_workstations_close_no_gate(make: Make) -> None:
    """Nothing that is added to a provider in operation takes it from everybody there."""
    more = make(
        {
            (*PART, "training", 2): {"system": "vardutbud_bas", "date": "2026-05-01", "count": 1},
            ("equipment", "workstations", 2): {"name": "PC-9", "unit": "norr"},
        }
    )
    assert closed(more) == []


some_day = st.one_of(
    st.none(), st.dates(TODAY - dt.timedelta(days=2), TODAY + dt.timedelta(days=2))
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records whose evidence is dated around TODAY, or not at all."""
    changes: dict[Path, Any] = {(*PART, "training", 1): None, (*VERIFICATION, "musts"): []}
    for path in DAYS.values():
        day = draw(some_day)
        is_row = path in (DAYS["training"], DAYS["final_verification"])
        if day is not None or not is_row:
            changes[path] = str(day) if day else None
        else:
            changes[path[:-1]] = None
    data = changed(VALID, changes)
    if "final_verification" in data["agreement"]:
        days = draw(st.lists(some_day, max_size=2))
        data["agreement"]["final_verification"]["musts"] = [
            {"code": f"M-{index}", **({"resolved": str(day)} if day else {})}
            for index, day in enumerate(days)
        ]
        outcome = draw(st.sampled_from(["approved", "not_approved"]))
        data["agreement"]["final_verification"]["outcome"] = outcome
    return from_json(Record, data)


@given(records())
def test_a_gate_is_open_with_its_evidence_alone(record: Record) -> None:
    verification = record.agreement.final_verification
    musts = [must.resolved for must in verification.musts] if verification else []
    part = record.agreement
    evidence: dict[str, list[dt.date | None]] = {
        "contract": [part.agreement.contract_signed],
        "connection_agreement": [part.agreement.connection_agreement_signed],
        "sjunet": [part.sjunet.connected],
        "self_declaration": [part.self_declaration.reviewed],
        "attestations": [part.attestations_reviewed],
        "training": [min((t.date for t in part.training), default=None)],
        "final_verification": [
            verification.date if verification and verification.outcome == "approved" else None,
            *musts,
        ],
        "final_agreement": [part.agreement.final_agreement_signed],
        "start": [part.agreement.operation_start],
    }
    for gate in gates(record, TODAY):
        is_there = [day is not None and day <= TODAY for day in evidence[gate.name]]
        assert gate.is_open == all(is_there)
        assert (len(gate.held), len(gate.missing)) == (sum(is_there), is_there.count(False))


@given(records())
def test_operation_is_exactly_all_gates_open(record: Record) -> None:
    assert (phase(record, TODAY) == "operation") == (closed(record) == [])


@given(records(), st.integers(0, 5))
def test_a_gate_that_is_open_stays_open(record: Record, days: int) -> None:
    later = TODAY + dt.timedelta(days=days)
    assert set(closed(record, later)) <= set(closed(record))
