# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger that was lost, restored from an older copy or mistaken for another one is known."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Intended
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers

NURSE = "person SE2321000214-HV000001"
BATCH = "batch 2026-03-02-AAAA-BBBB-CCCC-DDDD"
SYSTEMS = ("HSA", "AD")


def write(ledger: Ledger, system: str = "HSA", object: str = NURSE) -> None:
    """A run that writes, and leaves the ledger behind."""
    with ledger.exclusive(system):
        (number,) = ledger.intend(system, [Intended("alfa", object, "add", "cn", "", "{}")])
        ledger.conclude({number: "done"})
        ledger.vouch(system, ())


def alarm(ledger: Ledger, system: str = "HSA", *witnesses: str) -> str:
    return ledger.past(system, witnesses).alarm


def restore(ledger: Ledger, seq: int) -> None:
    """Make the ledger an older copy, as far as the audit log goes."""
    audit = ledger.audit
    with ledger.transaction() as connection:
        connection.execute(audit.delete().where(audit.c.seq > seq))
        last = sa.select(audit.c.hash).where(audit.c.seq == seq)
        hash_ = connection.execute(last).scalar_one_or_none() or ""
        connection.execute(ledger.chain.update(), {"seq": seq, "hash": hash_})
        ledger._seal_all(connection, ledger.seal_key)  # as it was sealed then


def test_the_ledger_that_the_last_run_left_alarms_nobody(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    assert alarm(ledger) == ""
    for run in ("run-2", "run-3"):
        write(ledgers.open(run))
        assert alarm(ledgers.open("later"), "HSA", NURSE) == ""


def test_an_older_copy_alarms_each_system_until_somebody_vouches_for_it(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    for system in SYSTEMS:
        write(ledger, system)
    restore(ledger, 1)
    for system in SYSTEMS:
        assert "it has not row" in alarm(ledger, system)
    ledger.vouch("HSA", ())
    write(ledger, "HSA")
    assert [bool(alarm(ledger, system)) for system in SYSTEMS] == [False, True]
    ledger.vouch("AD", ())
    assert [alarm(ledger, system) for system in SYSTEMS] == ["", ""]


def test_a_ledger_that_went_another_way_is_not_the_one_of_the_last_run(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    write(ledger)
    restore(ledger, 0)
    write_without_leaving = [Intended("alfa", NURSE, "add", "cn", "", "{}")] * 9
    ledger.intend("HSA", write_without_leaving)
    assert "it has not row 2" in alarm(ledger)


def test_a_hold_that_was_placed_after_the_last_run_counts_too(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    write(ledger)
    ledger.place(Hold(id="x", object="alfa", kind="hold", reason="H2", by="anna", since=TODAY))
    ledger.leave()
    restore(ledger, 2)
    assert "it has not row 3" in alarm(ledger)


def test_a_lost_ledger_is_told(sqlite_ledgers: Ledgers) -> None:
    write(sqlite_ledgers.open())
    sqlite_ledgers.opened.close()
    sqlite_ledgers.file.unlink()
    assert "it has not row 2" in alarm(sqlite_ledgers.open(check=True))
    assert "it has not row 2" in alarm(sqlite_ledgers.open())


def test_what_we_made_elsewhere_is_a_witness_too(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    write(ledger)
    other = "person SE2321000214-HV000002"
    assert alarm(ledger, "AD", NURSE) == ""
    told = alarm(ledger, "AD", NURSE, other, BATCH)
    assert told.endswith(f"it knows nothing of {BATCH}, {other}")
    ledger.vouch("AD", (NURSE, other, BATCH))
    assert alarm(ledger, "AD", NURSE, other, BATCH) == ""
    # Each system is asked for itself: only there somebody has seen what a run would do.
    assert alarm(ledger, "HSA", other) == told.replace(f"{BATCH}, ", "")
    with ledger.reading() as connection:
        query = ledger.audit.select().where(ledger.audit.c.event == "accepted")
        rows = connection.execute(query.order_by(ledger.audit.c.seq)).all()
    assert [(row.system, row.object) for row in rows] == [("AD", BATCH), ("AD", other)]


def test_another_controller_has_no_memory_of_its_own(ledgers: Ledgers) -> None:
    write(ledgers.open())
    (ledgers.directory / "heads.json").unlink()
    assert alarm(ledgers.open("run-2")) == ""


def test_check_mode_leaves_nothing_and_tells_the_same(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    write(ledger)
    before = (ledgers.directory / "heads.json").read_bytes()
    restore(ledger, 1)
    assert alarm(ledgers.open("run-2", check=True)) == alarm(ledger) != ""
    assert (ledgers.directory / "heads.json").read_bytes() == before


def test_where_the_log_ended_is_the_owners_alone(ledgers: Ledgers) -> None:
    write(ledgers.open())
    assert (ledgers.directory / "heads.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{", '{"HSA": 1}', '{"HSA": ["x", "y"]}'])
def test_a_damaged_memory_of_it_is_an_error(sqlite_ledgers: Ledgers, content: str) -> None:
    ledger = sqlite_ledgers.open()
    (sqlite_ledgers.directory / "heads.json").write_text(content)
    with pytest.raises(LedgerError, match=r"heads\.json, which says where the audit log ended"):
        alarm(ledger)
