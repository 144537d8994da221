# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.sightings import (
    Sightings,
    last_seen,
    note_seen,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.sightings import (
    Connection,
    Seen,
    read_connections,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.citrix_sightings import (
    _History,
)
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.records.conftest import VALID, changed

Path = tuple[str | int, ...]
Make = Callable[..., Record]

TONIGHT = dt.date(2026, 3, 2)
YESTERDAY = TONIGHT - dt.timedelta(days=1)
LONG_AGO = dt.date(2025, 6, 1)
NURSE = "SE2321000214-HV000007"
PC_1: Path = ("equipment", "workstations", 0)


def record(changes: dict[Path, Any] | None = None) -> Record:
    return from_json(Record, changed(VALID, changes or {}))


def connection(*names: str, address: str = "192.0.2.1", user: str = NURSE) -> Connection:
    return Connection(frozenset(names), frozenset({address}), YESTERDAY, user)


def seen(record: Record, *connections: Connection, **last: dt.date) -> Seen:
    recent = {"PC-1": YESTERDAY, "PC-2": YESTERDAY}
    return read_connections(
        [record], TONIGHT, connections, [NURSE.lower()], {**recent, **last}, LONG_AGO
    )


def found(seen: Seen) -> list[tuple[str, str, str]]:
    return [(one.name, one.provider, one.object) for one in seen.found]


def test_registered_workstation_is_confirmed_whatever_the_case_of_its_name() -> None:
    result = read_connections([record()], TONIGHT, [connection("pc-1")], [NURSE], {}, LONG_AGO)
    assert result.last == {"PC-1": YESTERDAY}
    assert result.confirmed == 1


def test_quiet_night_finds_nothing() -> None:
    assert found(seen(record(), connection("PC-1"))) == []


@pytest.mark.parametrize("name", ["PC-9", "WR_4711", "HTML-1234-5678"])
def test_client_that_is_not_registered_is_told(name: str) -> None:
    result = seen(record(), connection(name), connection(name, address="192.0.2.2"))
    assert found(result) == [("unregistered_connection", "", name)]
    assert result.found[0].message == "2 connections, from 192.0.2.1, 192.0.2.2"


def test_while_a_record_is_not_valid_a_client_may_be_that_providers() -> None:
    (one,) = read_connections(
        [], TONIGHT, [connection("PC-9")], [NURSE], {}, LONG_AGO, ["exempel"]
    ).found
    assert (one.name, one.severity) == ("unregistered_connection", "normal")
    assert one.message.endswith("it may be of exempel, whose record is not valid")


def test_client_goes_by_any_name_that_it_has() -> None:
    own_name = record({(*PC_1, "client_name"): "Jour"})
    for names in (["JOUR"], ["PC-1"], ["WR_1", "jour"]):
        assert found(seen(own_name, connection(*names))) == []


def test_address_tells_a_workstation_only_where_it_is_admitted_by_it() -> None:
    by_name = record({(*PC_1, "ip"): "192.0.2.1"})
    by_address = record({(*PC_1, "ip"): "192.0.2.1", (*PC_1, "admitted_by"): "address"})
    assert found(seen(by_name, connection("WR_1")))[0][0] == "unregistered_connection"
    assert found(seen(by_address, connection("WR_1"))) == []


def test_user_whom_nobody_knows_is_told_by_the_workstation_and_never_by_name() -> None:
    result = seen(record(), connection("PC-1", user="anna.ek"), connection("PC-2"))
    assert found(result) == [("unknown_user", "exempel", "PC-1")]
    assert "anna" not in result.found[0].message


def test_workstation_that_left_yesterday_is_still_known() -> None:
    left = record({(*PC_1, "to"): "2026-03-01"})
    assert found(seen(left, connection("PC-1"))) == []
    left = record({(*PC_1, "to"): "2026-02-28"})
    assert found(seen(left, connection("PC-1")))[0][0] == "unregistered_connection"


def test_workstation_that_left_since_the_connection_was_registered_then() -> None:
    left = record({(*PC_1, "to"): "2026-02-26"})
    for day, is_told in ((26, False), (27, True)):
        then = replace(connection("PC-1"), day=dt.date(2026, 2, day))
        others = replace(connection("PC-2"), day=dt.date(2026, 2, 20))
        assert bool(found(seen(left, others, then))) is is_told


def test_connection_of_a_client_without_name_and_address_is_nobodys() -> None:
    nobody = Connection(frozenset(), frozenset(), YESTERDAY, NURSE)
    assert found(seen(record(), nobody)) == []


@pytest.mark.parametrize(
    ("last", "is_unused"), [("2026-01-01", False), ("2025-12-31", True), (None, True)]
)
def test_workstation_that_nobody_has_used_for_long_is_told(
    last: str | None, is_unused: bool
) -> None:
    days = {"PC-1": dt.date.fromisoformat(last)} if last else {}
    result = read_connections([record()], TONIGHT, [], [], {"PC-2": TONIGHT, **days}, LONG_AGO)
    assert found(result) == [("unused", "exempel", "PC-1")] * is_unused


@pytest.mark.parametrize(
    "changes", [{(*PC_1, "from"): "2026-02-01"}, {(*PC_1, "admitted_by"): "none"}]
)
def test_workstation_that_is_new_or_not_admitted_is_not_unused(changes: dict[Path, Any]) -> None:
    result = read_connections([record(changes)], TONIGHT, [], [], {"PC-2": TONIGHT}, LONG_AGO)
    assert found(result) == []


def test_while_a_record_is_not_valid_what_was_registered_counts_as_registered() -> None:
    there = [connection("pc-7"), connection("PC-9")]
    last = {"PC-1": TONIGHT, "PC-2": TONIGHT, "PC-7": LONG_AGO}
    result = read_connections([record()], TONIGHT, there, [NURSE], last, LONG_AGO, unread=["other"])
    assert found(result) == [("unregistered_connection", "", "PC-9")]
    assert result.last["PC-7"] == YESTERDAY


def test_nobody_is_told_unused_before_the_nights_have_looked_for_long() -> None:
    result = read_connections([record()], TONIGHT, [], [], {}, TONIGHT - dt.timedelta(days=60))
    assert found(result) == []
    result = read_connections([record()], TONIGHT, [], [], {}, TONIGHT - dt.timedelta(days=61))
    assert [name for name, _provider, _object in found(result)] == ["unused", "unused"]


def test_last_days_are_remembered_for_ninety_days(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    old, recent = ledger.run.as_of - dt.timedelta(91), ledger.run.as_of - dt.timedelta(90)
    first = last_seen(ledger)
    assert first == Sightings({}, "", ledger.run.as_of)
    noted = Sightings({"PC-1": old, "PC-2": recent}, "2026-03-02T01:02:03.4Z", old)
    note_seen(ledger, noted)
    tomorrow = ledger.run.as_of + dt.timedelta(days=1)
    again = last_seen(ledgers.open("run-2", as_of=tomorrow))
    assert again == replace(noted, last={"PC-2": recent})


def test_a_night_that_is_made_again_reads_all_of_it_again(ledgers: Ledgers) -> None:
    # Else the second try of a night that found a stranger would report that there was none.
    first = ledgers.open()
    for mark in ("2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"):
        note_seen(first, replace(last_seen(first), mark=mark))
        assert last_seen(first).mark == ""
    second = ledgers.open("run-2", as_of=first.run.as_of + dt.timedelta(days=1))
    for mark in ("2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z"):
        assert last_seen(second).mark == "2026-03-01T03:00:00Z"
        note_seen(second, replace(last_seen(second), mark=mark))


def test_a_row_of_tomorrow_hides_none_of_the_next_night() -> None:
    future = f"{dt.date.today().year + 1}-01-01T00:00:00Z"
    rows = [{"ModifiedDate": text} for text in ("2026-03-02T01:00:00Z", future)]
    before = "2026-03-01T01:00:00Z"
    assert mark(rows, "") == "2026-03-02T01:00:00Z"
    assert mark(rows[::-1], before) == "2026-03-02T01:00:00Z"
    assert mark(rows[1:], before) == before


def mark(rows: Sequence[Mapping[str, Any]], before: str) -> str:
    """Where the next read begins after these rows."""
    history = _History("", {}, before)
    list(history.told(rows))
    return history.mark
