# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who writes to the database alone neither opens access unseen nor hides what was decided."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import (
    schema as ledger_schema,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import seals
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.audit import (
    AuditRow,
    Head,
    chained,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.database import Database
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.audit import audit
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

NURSE, DOCTOR = "SE2321000214-HV000007", "SE2321000214-HV000017"
CARD = "AAAA-BBBB-CCCC-DDDD"
SINCE, UNTIL = dt.date(2026, 3, 1), dt.date(2026, 3, 4)


def hold(object: str = NURSE, kind: Any = "hold", until: dt.date | None = None) -> Hold:
    return Hold(
        id=f"{kind} {object.casefold()}", object=object, kind=kind, reason="H2",
        by="anna@controller", since=SINCE, until=until,
    )  # fmt: skip


def note(ledger: Ledger, system: str, object: str, operation: str = "add") -> None:
    intent = Intended("alfa", object, operation, "state", "", "{}")
    ledger.conclude(dict.fromkeys(ledger.intend(system, [intent]), "done"))


def filled(ledgers: Ledgers) -> Ledger:
    """A ledger with a hold, a grant that was lifted, and a card with an answer."""
    ledger = ledgers.open()
    ledger.place(hold())
    ledger.place(hold(DOCTOR, "grant", UNTIL))
    ledger.lift(hold(DOCTOR, "grant").id)
    ledger.confirm("HSA", {"alfa": ("58467d0634f40723",)})
    note(ledger, "siths", f"card {NURSE} {CARD}")
    order = dict.fromkeys(ledger_schema.COLUMNS["orders"][:-1], "") | {
        "key": CARD, "kind": "card", "system": "siths", "state": "active", "object": NURSE,
        "level": 0, "protected": 0, "due": None, "pseudonym": "p",
    }  # fmt: skip
    with ledger.transaction() as connection:
        seals.add(ledger, connection, ledger.orders, [tuple(order.values())])
        answer = [("p", "answer", '{"ski": "00"}')]
        seals.add(ledger, connection, ledger.particulars, answer)
        receipt = AuditRow("receipt", "alfa", "siths", f"card {NURSE} {CARD}", "active")
        ledger.append(connection, [receipt])
    for system in ("HSA", "AD"):
        ledger.vouch(system, ())
    return ledger


def by_sql(ledger: Ledger, *statements: str) -> None:
    """What somebody does who writes to the database."""
    with ledger.transaction() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def audited(ledger: Ledger, expected: str | None = None, *known: str) -> dict[str, Any]:
    options = {"retention": {}, "dest": None, "known_heads": list(known), "expected": expected}
    return audit(options, ledger, TODAY)


def alarm(ledger: Ledger, system: str = "AD", marked: int = 0) -> str:
    return ledger.past(system, (), marked).alarm


def rows_of(ledger: Ledger, table: str) -> list[dict[str, Any]]:
    with ledger.reading() as connection:
        found = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()
        return [dict(row) for row in found]


# A grant by SQL, and what else decides.
GRANT = (
    "INSERT INTO holds (id, object, kind, reason, by, since, until)"
    f" VALUES ('grant x', '{NURSE}', 'grant', 'B1', 'x', '2026-03-01', '2099-01-01')"
)
FORGED = {
    "a grant": GRANT,
    "a grant that lasts longer": "UPDATE holds SET until = '2099-01-01', lifted = NULL",
    "a hold that is lifted": "UPDATE holds SET lifted = '2026-03-01' WHERE kind = 'hold'",
    "a hold of somebody else": f"UPDATE holds SET object = '{DOCTOR}' WHERE kind = 'hold'",
    "a hold that is gone": "DELETE FROM holds WHERE kind = 'hold'",
    "a card that lives": "UPDATE orders SET closed_on = NULL, active_on = '2026-03-01'",
    "another person's card": f"UPDATE orders SET object = '{DOCTOR}'",
    "another certificate": """UPDATE particulars SET content = '{"ski": "ff"}'""",
}


@pytest.mark.parametrize("what", FORGED)
def test_what_decides_and_was_changed_by_sql_fails_audit_and_alarms_each_run(
    ledgers: Ledgers, what: str
) -> None:
    ledger = filled(ledgers)
    assert (audited(ledger)["faults"], alarm(ledger)) == ([], "")
    by_sql(ledger, FORGED[what])
    assert audited(ledger)["failed"]
    for system in ("HSA", "AD", "siths", "services"):
        assert "is not as its runs left it" in alarm(ledgers.open("run-2"), system)


def test_an_order_that_is_gone_or_was_made_by_nobody_fails_audit(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    (row,) = rows_of(ledger, "orders")
    other = [value for name, value in (row | {"key": "EEEE"}).items() if name != "seal"]
    with ledger.transaction() as connection:
        seals.add(ledger, connection, ledger.orders, [tuple(other)])
    assert "no row of the audit log says so" in audited(ledger)["msg"]
    by_sql(ledger, "DELETE FROM orders")
    assert (
        f"card {NURSE} {CARD}: the audit log tells of it, and it is gone"
        in (audited(ledger)["faults"])
    )


def test_a_grant_by_sql_and_a_changed_one_do_not_count(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    genuine = ledger.decisions().holds
    by_sql(ledger, GRANT)
    assert ledger.decisions().holds == genuine
    by_sql(ledger, "UPDATE holds SET until = '2099-01-01', lifted = NULL WHERE kind = 'grant'")
    assert {h.kind for h in ledger.decisions().holds} == {"hold"}


def test_a_row_that_was_right_once_is_not_put_back_unseen(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    ledger.place(hold(DOCTOR, "grant", UNTIL))
    (before,) = [row for row in rows_of(ledger, "holds") if row["kind"] == "grant"]
    ledger.lift(before["id"])
    with ledger.transaction() as connection:
        connection.execute(ledger.holds.delete().where(ledger.holds.c.id == before["id"]))
        connection.execute(ledger.holds.insert(), [before])
    assert "says something else" in alarm(ledger)
    # Nor with the log's own row taken out of sight.
    by_sql(ledger, "UPDATE audit SET event = 'x' WHERE event = 'lifted'")
    assert "rows about holds, grants, approvals or confirmations are not as" in alarm(ledger)
    assert audited(ledger)["failed"]


@pytest.mark.parametrize(
    "what",
    [
        "DELETE FROM audit WHERE event = 'confirmed'",
        "UPDATE audit SET provider = 'beta' WHERE event = 'confirmed'",
        "UPDATE audit SET event = 'unused' WHERE event = 'confirmed'",
        "INSERT INTO audit SELECT -1, at, run, by, 'unused', provider, system, object, operation,"
        " attributes, plan, refers, result, previous, hash FROM audit WHERE event = 'confirmed'",
    ],
)
def test_no_confirmation_that_was_used_is_made_good_again_by_sql(
    ledgers: Ledgers, what: str
) -> None:
    ledger = filled(ledgers)
    assert ledger.past("HSA", ()).confirmed == {"alfa": 1}
    by_sql(ledger, what)
    assert "rows about holds, grants, approvals or confirmations are not" in alarm(ledger, "HSA")
    assert audited(ledger)["failed"]


def test_an_orders_earlier_state_is_not_put_back_unseen(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    (before,) = rows_of(ledger, "orders")
    with ledger.transaction() as connection:
        orders = ledger.orders
        connection.execute(orders.update().values(state="done"))
        seals.renew_by_key(ledger, connection, orders, [CARD])
        ended = AuditRow("receipt", "alfa", "siths", f"card {NURSE} {CARD}", "done")
        ledger.append(connection, [ended])
    assert audited(ledger)["faults"] == []
    with ledger.transaction() as connection:
        connection.execute(orders.update().values(before))
    (fault,) = audited(ledger)["faults"]
    assert fault.endswith("of the audit log says done, not active")


def cut(ledger: Ledger, seq: int) -> None:
    by_sql(
        ledger,
        f"DELETE FROM audit WHERE seq > {seq}",
        f"UPDATE chain SET seq = {seq}, hash = (SELECT hash FROM audit WHERE seq = {seq})",
    )


def test_rows_cut_off_the_logs_end_are_known_by_its_seal_and_by_where_runs_ended(
    ledgers: Ledgers,
) -> None:
    ledger = filled(ledgers)
    head = rows_of(ledger, "chain")
    note(ledger, "HSA", f"person {NURSE}")
    ledger.leave()
    cut(ledger, head[0]["seq"])
    assert "it does not end as a run left it" in alarm(ledger)
    with ledger.transaction() as connection:  # with the seal that it had
        connection.execute(ledger.chain.update(), head[0])
    assert "it does not end" not in alarm(ledger)
    assert "it has not row" in alarm(ledger)
    assert any("where the last run of AD ended" in fault for fault in audited(ledger)["faults"])


def test_a_whole_new_chain_has_no_seal_and_gets_none_by_what_is_added(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    (ledgers.directory / "heads.json").unlink()
    new = chained([AuditRow("x")] * 9, Head(), "2026-03-02T00:00:00+00:00", "r", "x")
    with ledger.transaction() as connection:
        connection.execute(ledger.audit.delete())
        connection.execute(
            ledger.audit.insert(),
            [dict(zip(ledger.audit.c.keys(), row, strict=True)) for row in new],
        )
        connection.execute(ledger.chain.update(), {"seq": 9, "hash": new[-1][-1]})
    assert "it does not end as a run left it" in alarm(ledger)
    note(ledger, "HSA", f"person {NURSE}")
    assert "it does not end as a run left it" in alarm(ledger)


def test_audit_takes_heads_that_were_kept_elsewhere(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    head = ledger.head()
    known = f"{head['seq']}:{head['hash']}"
    assert audited(ledger, None, known)["faults"] == []
    (ledgers.directory / "heads.json").unlink()
    (fault,) = audited(ledger, None, f"{head['seq']}:{'0' * 64}")["faults"]
    assert fault == f"row {head['seq']}: missing, or another one, which is a known head"
    with pytest.raises(ValueError, match="expected known_heads"):
        audited(ledger, None, "5")


def test_a_lost_ledger_fails_audit_and_alarms_where_objects_have_our_keys(
    sqlite_ledgers: Ledgers,
) -> None:
    filled(sqlite_ledgers).close()
    for path in sqlite_ledgers.directory.glob("ledger.sqlite3*"):
        path.unlink()
    new = sqlite_ledgers.open("run-2")
    assert audited(new)["failed"]
    (sqlite_ledgers.directory / "heads.json").unlink()
    assert alarm(new, "AD", 0) == ""
    assert "it knows nothing of AD, where 3 entries have our keys" in alarm(new, "AD", 3)
    note(new, "HSA", f"person {NURSE}")
    assert alarm(new, "AD", 3)
    new.vouch("AD", (), 3)
    assert alarm(new, "AD", 3) == ""


def test_a_ledger_that_only_held_a_hold_is_missed_too(sqlite_ledgers: Ledgers) -> None:
    with sqlite_ledgers.open() as ledger:
        ledger.place(hold())
        ledger.leave()
    for path in sqlite_ledgers.directory.glob("ledger.sqlite3*"):
        path.unlink()
    new = sqlite_ledgers.open("run-2")
    assert "it has not row 1" in alarm(new)
    new.leave()
    assert alarm(new)
    new.vouch("HSA", ())
    assert (alarm(new), audited(new)["faults"]) == ("", [])


# --- putting it right -----------------------------------------------------------------------------


def test_placing_and_lifting_again_puts_holds_and_grants_right(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, "DELETE FROM holds WHERE kind = 'hold'", GRANT)
    assert len(audited(ledger)["faults"]) == 2
    assert ledger.place(hold())
    assert ledger.lift("grant x")
    assert audited(ledger)["faults"] == []


def test_a_hold_that_was_changed_back_is_placed_again(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, "UPDATE holds SET seal = ''")
    assert ledger.place(hold())
    assert not ledger.place(hold())


@pytest.mark.parametrize("what", FORGED)
def test_a_person_may_vouch_for_the_ledger_as_it_is(ledgers: Ledgers, what: str) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, FORGED[what])
    told = audited(ledger)["msg"]
    name = told.rpartition("audit_expected=")[2]
    assert audited(ledger, "another")["failed"]
    assert audited(ledger, name)["faults"] == []
    assert (audited(ledger)["faults"], alarm(ledgers.open("run-2"))) == ([], "")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (GRANT, "UPDATE holds SET until = '2100-01-01' WHERE id = 'grant x'"),
        ("UPDATE orders SET active_on = '2026-01-01'", "UPDATE orders SET provider = 'beta'"),
        (FORGED["another certificate"], """UPDATE particulars SET content = '{"ski": "ee"}'"""),
    ],
)
def test_nobody_vouches_for_what_was_changed_after_it_was_shown(
    ledgers: Ledgers, first: str, then: str
) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, first)
    name = audited(ledger)["msg"].rpartition("audit_expected=")[2]
    by_sql(ledger, then)
    assert audited(ledger, name)["failed"]
    assert audited(ledger)["failed"]


def test_what_is_changed_while_a_person_vouches_stays_in_doubt(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, "UPDATE orders SET active_on = '2026-01-01'")
    name = audited(ledger)["msg"].rpartition("audit_expected=")[2]
    put = seals.put

    def late(connection: Any, table: Any, sealed: Any) -> None:
        connection.execute(sa.text("UPDATE orders SET provider = 'beta'"))
        put(connection, table, sealed)

    monkeypatch.setattr(seals, "put", late)
    assert audited(ledger, name)["failed"]
    assert "not as a run left it" in alarm(ledger)


def test_an_order_that_is_gone_may_be_vouched_for(ledgers: Ledgers) -> None:
    ledger = filled(ledgers)
    by_sql(ledger, "DELETE FROM orders", "DELETE FROM particulars")
    name = audited(ledger)["msg"].rpartition("audit_expected=")[2]
    assert audited(ledger, name)["faults"] == []
    assert audited(ledger)["faults"] == []


# --- the key --------------------------------------------------------------------------------------


def key_file(ledgers: Ledgers) -> Path:
    return ledgers.directory / seals.FILE


def test_the_key_is_its_owners_alone_and_in_no_table(sqlite_ledgers: Ledgers) -> None:
    ledger = filled(sqlite_ledgers)
    assert key_file(sqlite_ledgers).stat().st_mode & 0o777 == 0o600
    ledger.close()
    assert (
        ledger.seal_key.encode() not in (sqlite_ledgers.directory / "ledger.sqlite3").read_bytes()
    )


def test_without_the_key_nothing_is_read_or_written(ledgers: Ledgers) -> None:
    filled(ledgers)
    content = key_file(ledgers).read_bytes()
    key_file(ledgers).unlink()
    for check in (False, True):
        with pytest.raises(LedgerError, match="copy it from a controller that has it"):
            ledgers.open("run-2", check=check)
    key_file(ledgers).write_bytes(content)
    key_file(ledgers).chmod(0o600)
    assert audited(ledgers.open("run-3"))["faults"] == []


def test_another_key_knows_no_seal(ledgers: Ledgers) -> None:
    filled(ledgers)
    key_file(ledgers).write_text("0" * 64)
    assert alarm(ledgers.open("run-2"))


@pytest.mark.parametrize(("mode", "content"), [(0o640, "0" * 64), (0o600, "0" * 63)])
def test_a_key_that_others_read_or_that_is_none_is_refused(
    sqlite_ledgers: Ledgers, mode: int, content: str
) -> None:
    filled(sqlite_ledgers)
    key_file(sqlite_ledgers).write_text(content)
    key_file(sqlite_ledgers).chmod(mode)
    with pytest.raises(LedgerError, match=r"ledger.key: expected"):
        sqlite_ledgers.open("run-2")


def test_a_run_that_was_killed_while_it_sealed_leaves_it_to_the_next(ledgers: Ledgers) -> None:
    ledger, unfinished = filled(ledgers), ledgers.directory / f"{seals.FILE}.new"
    key_file(ledgers).rename(unfinished)  # it came to seal everything
    assert audited(ledgers.open("run-2"))["faults"] == []
    key_file(ledgers).rename(unfinished)
    tables = ("chain", "holds", "orders", "particulars")
    by_sql(ledger, *(f"UPDATE {table} SET seal = ''" for table in tables))  # it did not
    assert audited(ledgers.open("run-3"))["faults"] == []
    assert not unfinished.exists()


# --- earlier versions -----------------------------------------------------------------------------


TABLES = ("audit", "holds", "orders", "particulars", "receipts", "settings")
VERSION_3 = Path(__file__).with_name("version_3.sql")


def of_version_3(ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that the code of version 3 of the schema has written."""
    with monkeypatch.context() as before:
        before.setattr(ledger_schema, "MIGRATIONS", ledger_schema.MIGRATIONS[:3])
        ledgers.directory.mkdir(mode=0o700)
        database = Database(ledgers.url, ledgers.directory / "ledger.sqlite3", check=False)
    with database.transaction() as connection:
        for emptied in ("chain", "schema_version"):
            connection.exec_driver_sql(f"DELETE FROM {emptied}")
        for line in VERSION_3.read_text("utf-8").splitlines():
            if line.startswith("INSERT"):
                connection.exec_driver_sql(line)
    database.close()


def test_a_ledger_of_the_version_before_keeps_orders_holds_and_chain(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_version_3(ledgers, monkeypatch)
    with ledgers.open("check", check=True) as looked_at:
        before = {table: _bare(rows_of(looked_at, table)) for table in TABLES}
        assert (alarm(looked_at), len(looked_at.decisions().holds)) == ("", 3)
    assert not key_file(ledgers).exists()
    ledger = ledgers.open("run-4")
    assert {table: _bare(rows_of(ledger, table)) for table in TABLES} == before
    assert [len(before[table]) for table in ("audit", "holds", "orders")] == [16, 3, 4]
    assert (audited(ledger)["faults"], alarm(ledger)) == ([], "")
    assert [(h.kind, h.lifted) for h in ledger.decisions().holds] == [
        ("grant", None), ("hold", dt.date(2026, 3, 3)), ("hold", None),
    ]  # fmt: skip


def test_a_ledger_of_the_version_before_goes_on_and_is_watched_from_then(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_version_3(ledgers, monkeypatch)
    ledger = ledgers.open("run-4")
    assert ledger.place(hold(DOCTOR))
    assert audited(ledgers.open("run-5"))["faults"] == []
    by_sql(ledger, "UPDATE orders SET state = 'active' WHERE state = 'sent'")
    assert audited(ledger)["failed"]


def _bare(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without their seals, in the order of what is in them."""
    bare = ({name: v for name, v in row.items() if name != "seal"} for row in rows)
    return sorted(bare, key=repr)


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE holds SET by = 'bo@controller' WHERE kind = 'grant'",
        "UPDATE holds SET reason = 'B2' WHERE kind = 'grant'",
    ],
)
def test_nobody_confirms_a_grant_that_somebody_wrote_by_sql(
    sqlite_ledgers: Ledgers, what: str
) -> None:
    ledger = sqlite_ledgers.open()
    ledger.place(replace(hold(NURSE, "grant", UNTIL), by="cia@controller", confirmed_by=None))
    by_sql(ledger, what)
    with pytest.raises(LedgerError, match="not as a run left it"):
        ledger.confirm_grant(hold(NURSE, "grant").id, UNTIL)
    assert ledger.decisions().grant([NURSE], TODAY) is None
