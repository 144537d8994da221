# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal, the audit log and holds, in SQLite and in PostgreSQL."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import (
    Intended,
    Intent,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.audit import AuditRow, Fault
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.database import insert
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    rows,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

A, B = "SE2321000214-A", "SE2321000214-B"
HSA, AD = "ldaps://hsa.example", "ldaps://ad.example"
AUDIT = COLUMNS["audit"]


def intended(hsa_id: str = A, **fields: str) -> Intended:
    plain = {
        "provider": "alfa,beta",
        "object": f"person {hsa_id}",
        "operation": "modify",
        "attributes": "mail,title",
        "plan": "0123456789abcdef",
        "proof": f"proof of {hsa_id}",
    }
    return Intended(**plain | fields)


def audit(ledger: Ledger) -> list[dict[str, Any]]:
    query = ledger.audit.select().order_by(ledger.audit.c.seq)
    with ledger.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def column(ledger: Ledger, name: str) -> list[Any]:
    return [row[name] for row in audit(ledger)]


# --- the journal ----------------------------------------------------------------------------------


def test_intents_are_numbered_and_unfinished_until_they_have_an_outcome(ledgers: Ledgers) -> None:
    numbers = ledgers.open().intend(HSA, [intended(A), intended(B)])
    assert list(numbers) == [1, 2]
    later = ledgers.open("run-2")
    assert later.unfinished(HSA) == [Intent(1, f"proof of {A}"), Intent(2, f"proof of {B}")]
    later.conclude({1: "found done"})
    assert later.unfinished(HSA) == [Intent(2, f"proof of {B}")]
    later.conclude({2: "found undone"})
    assert later.unfinished(HSA) == []


def test_each_system_has_its_own_unfinished_intents(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.intend(HSA, [intended(A)])
    ledger.intend(AD, [intended(B)])
    assert ledger.unfinished(AD) == [Intent(2, f"proof of {B}")]


def test_an_outcome_repeats_its_intent_and_names_it(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.intend(HSA, [intended(A), intended(B)])
    ledgers.open("run-2").conclude({2: "done"})
    _first, intent, outcome = audit(ledger)
    differing = {"seq", "at", "run", "event", "refers", "result", "previous", "hash"}
    assert {k: v for k, v in outcome.items() if k not in differing} == {
        k: v for k, v in intent.items() if k not in differing
    }
    assert (outcome["event"], outcome["refers"], outcome["result"]) == ("outcome", 2, "done")
    assert (intent["event"], intent["refers"], intent["result"]) == ("intent", None, "")
    assert (intent["run"], outcome["run"]) == ("run-1", "run-2")
    assert outcome["by"] == "anna@controller"


def test_an_intent_gets_one_outcome_however_often_it_is_concluded(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.intend(HSA, [intended()])
    ledger.conclude({1: "done"})
    ledger.conclude({1: "failed", 7: "done"})
    assert column(ledger, "result") == ["", "done"]


def test_nothing_to_note_leaves_no_row(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    assert list(ledger.intend(HSA, [])) == []
    ledger.conclude({})
    with ledger.transaction() as connection:
        assert list(ledger.append(connection, [])) == []
    assert audit(ledger) == []


def test_more_intents_than_a_statement_takes_are_concluded(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    numbers = ledger.intend(HSA, [intended(f"{A}{index}") for index in range(2500)])
    ledger.conclude(dict.fromkeys(numbers, "done"))
    assert ledger.unfinished(HSA) == []
    assert column(ledger, "refers")[2500:] == list(numbers)
    assert verify(ledger) == []


def test_a_run_is_noted_once_with_its_day(ledgers: Ledgers) -> None:
    for run in ("run-1", "run-2", "run-1"):
        ledgers.open(run).intend(HSA, [intended()])
    ledger = ledgers.open("run-3")
    with ledger.reading() as connection:
        noted = connection.execute(ledger.runs.select().order_by(ledger.runs.c.id)).all()
    assert [(run.id, run.by, run.as_of) for run in noted] == [
        ("run-1", "anna@controller", "2026-03-02"),
        ("run-2", "anna@controller", "2026-03-02"),
    ]


def test_a_transaction_is_carried_out_whole_or_not_at_all(ledgers: Ledgers) -> None:
    ledger = ledgers.open()

    def write_and_fail() -> None:
        with ledger.transaction() as connection:
            ledger.append(connection, [AuditRow("hold")])
            insert(connection, ledger.settings, [("name", "value")])
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert audit(ledger) == []
    with ledger.reading() as connection:
        assert connection.execute(ledger.settings.select()).all() == []
    assert list(ledger.intend(HSA, [intended()])) == [1]
    assert verify(ledger) == []


def test_a_reader_sees_one_moment(ledgers: Ledgers) -> None:
    ledger, writer = ledgers.open(), ledgers.open("run-2")
    count = sa.select(sa.func.count()).select_from(ledger.audit)
    with ledger.reading() as connection:
        assert connection.execute(count).scalar_one() == 0
        writer.intend(HSA, [intended()])
        assert connection.execute(count).scalar_one() == 0
    assert len(audit(ledger)) == 1


# --- verification ---------------------------------------------------------------------------------


def filled(ledgers: Ledgers, count: int = 5) -> Ledger:
    ledger = ledgers.open()
    numbers = ledger.intend(HSA, [intended(f"{A}{index}") for index in range(count)])
    ledger.conclude(dict.fromkeys(numbers, "done"))
    return ledger


def change(ledger: Ledger, statement: str, **values: Any) -> None:
    with ledger.transaction() as connection:
        connection.execute(sa.text(statement), values)


def test_a_log_as_it_was_written_has_no_faults(ledgers: Ledgers) -> None:
    assert verify(filled(ledgers)) == []
    assert verify(ledgers.open("run-2")) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_in_any_row_is_found_and_the_row_named(
    ledgers: Ledgers, data: st.DataObject
) -> None:
    ledger = ledgers.open()
    if not audit(ledger):
        filled(ledgers)
    whole = audit(ledger)
    row = data.draw(st.sampled_from(whole))
    name = data.draw(st.sampled_from([n for n in AUDIT if n != "seq" and row[n] not in ("", None)]))
    value = row[name]
    if isinstance(value, int):
        other: int | str = value ^ 1 << data.draw(st.integers(0, 20))
    else:
        at = data.draw(st.integers(0, len(value) - 1))
        bit = 1 << data.draw(st.integers(0, 6))
        other = value[:at] + chr(ord(value[at]) ^ bit or 1) + value[at + 1 :]
    statement = f"UPDATE audit SET {name} = :value WHERE seq = :seq"
    change(ledger, statement, value=other, seq=row["seq"])
    found = verify(ledger)
    change(ledger, statement, value=value, seq=row["seq"])
    assert found == [Fault(row["seq"], "changed")]
    assert verify(ledger) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_in_the_file_is_found_also_where_it_makes_no_text(
    sqlite_ledgers: Ledgers, data: st.DataObject
) -> None:
    ledger = sqlite_ledgers.open()
    if not audit(ledger):
        filled(sqlite_ledgers)
    row = data.draw(st.sampled_from(audit(ledger)))
    name = data.draw(st.sampled_from([n for n in AUDIT if isinstance(row[n], str) and row[n]]))
    content = bytearray(row[name].encode())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    as_type = data.draw(st.sampled_from(["TEXT", "BLOB"]))
    statement = f"UPDATE audit SET {name} = CAST(:value AS {as_type}) WHERE seq = :seq"
    change(ledger, statement, value=bytes(content), seq=row["seq"])
    found = verify(ledger)
    change(ledger, statement.replace("BLOB", "TEXT"), value=row[name], seq=row["seq"])
    assert found == [Fault(row["seq"], "changed")]
    assert verify(ledger) == []


def test_a_row_that_got_another_number_is_named(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    change(ledger, "UPDATE audit SET seq = 12 WHERE seq = 4")
    assert verify(ledger) == [
        Fault(4, "missing"),
        Fault(11, "missing"),
        Fault(11, "added: the chain ends with row 10"),
        Fault(12, "moved: it is row 4"),
    ]


def test_rows_that_changed_places_are_named(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    for old, new in ((3, 99), (4, 3), (99, 4)):
        change(ledger, "UPDATE audit SET seq = :new WHERE seq = :old", old=old, new=new)
    assert verify(ledger) == [Fault(3, "moved: it is row 4"), Fault(4, "moved: it is row 3")]


def test_deleted_rows_and_a_cut_tail_are_named(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    change(ledger, "DELETE FROM audit WHERE seq IN (2, 3, 9, 10)")
    assert verify(ledger) == [
        Fault(2, "missing, and all to row 3"),
        Fault(9, "missing, and all to row 10"),
    ]
    ledger.intend(HSA, [intended()])
    assert Fault(9, "missing, and all to row 10") in verify(ledger)


def test_a_doubled_row_is_named(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    others = ", ".join(AUDIT[1:])
    change(ledger, f"INSERT INTO audit SELECT 11, {others} FROM audit WHERE seq = 2")
    assert Fault(11, "doubled: a copy of row 2") in verify(ledger)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM chain", "UPDATE chain SET hash = 'x'", "UPDATE chain SET seq = 11",
     "INSERT INTO chain SELECT * FROM chain"],
)  # fmt: skip
def test_a_damaged_head_is_found(ledgers: Ledgers, statement: str) -> None:
    ledger = filled(ledgers)
    change(ledger, statement)
    assert verify(ledger) != []


def test_without_a_head_nothing_is_added_to_the_log(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    change(ledger, "DELETE FROM chain")
    with pytest.raises(LedgerError, match="head"):
        ledger.intend(HSA, [intended()])
    assert len(audit(ledger)) == 10


def test_the_head_is_the_last_row(ledgers: Ledgers) -> None:
    assert ledgers.open().head() == {"seq": 0, "hash": ""}
    ledger = filled(ledgers)
    assert ledger.head() == {"seq": 10, "hash": column(ledger, "hash")[-1]}
    change(ledger, "DELETE FROM chain")
    assert ledger.head()["seq"] == 10


def test_a_row_that_is_no_text_can_be_read_and_a_head_that_is_none_is_told_so(
    sqlite_ledgers: Ledgers,
) -> None:
    ledger = filled(sqlite_ledgers)
    period = dt.date(2000, 1, 1), dt.date(2100, 1, 1)
    for name, seq, kind in (("object", 3, "TEXT"), ("hash", 10, "TEXT"), ("hash", 10, "BLOB")):
        statement = f"UPDATE audit SET {name} = CAST(:value AS {kind}) WHERE seq = {seq}"
        change(ledger, statement, value=b"\xff\xfe")
        assert len(list(rows(ledger, *period))) == 10
        assert Fault(seq, "changed") in verify(ledger)
    assert ledger.head() == {"seq": 10, "hash": ""}


def test_rows_of_a_period_are_those_of_its_days_in_stockholm(ledgers: Ledgers) -> None:
    ledger = filled(ledgers, 4)
    for seq, at in enumerate(
        ["2026-03-01T22:59:59.999999+00:00", "2026-03-01T23:00:00.000000+00:00",
         "2026-03-29T21:59:59.999999+00:00", "2026-03-29T22:00:00.000000+00:00"], 1
    ):  # fmt: skip
        change(ledger, "UPDATE audit SET at = :at WHERE seq = :seq", at=at, seq=seq)
    change(ledger, "DELETE FROM audit WHERE seq > 4")
    found = list(rows(ledger, dt.date(2026, 3, 2), dt.date(2026, 3, 29)))
    assert [dict(zip(AUDIT, row, strict=True))["seq"] for row in found] == [2, 3]


def test_a_row_of_now_is_one_of_today(ledgers: Ledgers) -> None:
    ledger = filled(ledgers, 1)
    today = dt.datetime.now(dt.UTC).date()
    around = (today - dt.timedelta(days=1), today + dt.timedelta(days=1))
    assert len(list(rows(ledger, *around))) == 2


# --- holds and grants -----------------------------------------------------------------------------


def hold(id: str = "h1", **fields: Any) -> Hold:
    plain = {
        "object": A, "kind": "hold", "reason": "lost_card", "by": "SE2321000214-CHEF",
        "since": TODAY,
    }  # fmt: skip
    return Hold(id=id, **plain | fields)


def test_a_hold_is_remembered_whole(ledgers: Ledgers) -> None:
    placed = [hold("h1"), hold("h2", object="alfa", kind="grant", until=dt.date(2026, 3, 4))]
    assert all(ledgers.open().place(one) for one in placed)
    assert list(ledgers.open("run-2").decisions().holds) == placed


def test_the_same_hold_again_changes_nothing_whoever_places_it(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    assert ledger.place(hold())
    assert not ledger.place(hold())
    assert not ledger.place(hold(by="SE2321000214-OTHER"))
    assert column(ledger, "event") == ["hold"]
    assert ledger.decisions().holds == (hold(),)


def test_a_hold_is_given_another_last_day(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.place(hold())
    longer = hold(until=dt.date(2026, 4, 1))
    assert ledger.place(longer)
    assert ledger.decisions().holds == (longer,)
    assert column(ledger, "operation") == ["place", "change"]


def test_a_lifted_hold_ends_on_the_runs_day_and_is_kept(ledgers: Ledgers) -> None:
    ledgers.open().place(hold())
    day = dt.date(2026, 3, 9)
    assert ledgers.open("run-2", as_of=day).lift("h1")
    assert not ledgers.open("run-3", as_of=dt.date(2026, 3, 20)).lift("h1")
    assert ledgers.open().decisions().holds == (hold(lifted=day),)


def test_a_lifted_hold_can_be_placed_again(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.place(hold())
    ledger.lift("h1")
    assert ledger.place(hold())
    assert ledger.decisions().holds == (hold(),)
    assert column(ledger, "event") == ["hold", "lifted", "hold"]


def test_what_was_never_placed_cannot_be_lifted(ledgers: Ledgers) -> None:
    with pytest.raises(LedgerError, match="no hold or grant"):
        ledgers.open().lift("h1")


def test_the_log_tells_of_a_hold_whom_why_and_how_long(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    ledger.place(hold(until=dt.date(2026, 3, 4)))
    ledger.place(hold("h2", object="alfa", kind="grant", reason="crisis"))
    ledger.lift("h1")
    assert [
        (row["event"], row["provider"], row["object"], row["operation"], row["result"])
        for row in audit(ledger)
    ] == [
        ("hold", "", f"person {A}", "place", "lost_card since 2026-03-02 until 2026-03-04"),
        ("grant", "alfa", "provider alfa", "place", "crisis since 2026-03-02"),
        ("lifted", "", f"person {A}", "hold", "lost_card since 2026-03-02 until 2026-03-04"),
    ]
    assert verify(ledger) == []
