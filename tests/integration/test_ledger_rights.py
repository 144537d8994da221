# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that docs/ledger.md makes in PostgreSQL: exactly the rights that the runs need."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import Past
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Settled
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import (
    approvals,
    memory,
    nights,
    registers,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.sightings import (
    Sightings,
    note_seen,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    Manifest,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import (
    PROTECTED,
    Fact,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.registers import Answer
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.audit import audit
from ansible_collections.regionjh.halsoval.tests.conftest import TODAY, Ledgers
from ansible_collections.regionjh.halsoval.tests.postgresql import Server
from ansible_collections.regionjh.halsoval.tests.unit.builders import number
from ansible_collections.regionjh.halsoval.tests.unit.citrix_in_memory import pc, provider
from ansible_collections.regionjh.halsoval.tests.unit.engine.test_provision import BASE, World
from ansible_collections.regionjh.halsoval.tests.unit.licences_in_ledger import Licences
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    card,
    leave,
    line,
    make,
)

PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"
PASSWORD = "a1b2c3"
NURSE = "SE2321000214-HV000007"


def documented(block: int) -> list[str]:
    """The statements of a block of SQL on the page."""
    blocks = re.findall("```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 2
    return [each.strip().replace("…", PASSWORD) for each in blocks[block].split(";\n") if each]


def granted(right: str) -> set[str]:
    """The tables that the page grants a right to by name."""
    (tables,) = re.findall(f"GRANT {right} ON ([a-z_, ]+) TO", " ".join(documented(1)))
    return set(tables.split(", "))


@dataclass
class Region:
    """A database as the page has it made: the URLs of its owner and of the runs."""

    owner: str
    runs: str
    directory: Path
    statements: list[str] = field(default_factory=list)

    def open(self, run: str, by: str = "anna@controller", day: dt.date = TODAY) -> Ledger:
        """The ledger as a run opens it."""
        ledger = Ledger(self.runs, self.directory, Run(run, by, day))
        sa.event.listen(ledger._engine, "before_cursor_execute", self._note)
        return ledger

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.statements.append(statement)

    def used(self, verb: str) -> set[str]:
        """The tables that a statement of this kind was about."""
        found = (re.match(f"{verb} ([a-z_]+)", each) for each in self.statements)
        return {match[1] for match in found if match}

    def by_owner(self, *statements: str) -> None:
        """What the owner does."""
        with psycopg.connect(self.owner) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def region(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    administrator = postgresql.url("postgres")
    with psycopg.connect(administrator, autocommit=True) as connection:
        for statement in documented(0):
            connection.execute(statement.encode())
    try:
        where = f"{PASSWORD}@127.0.0.1:{postgresql.port}/halsoval"
        owner, runs = (f"postgresql://{name}:{where}" for name in ("halsoval_owner", "halsoval"))
        region = Region(owner, runs, tmp_path_factory.mktemp("rights") / "state")
        params = {"retention": {}, "dest": None, "known_heads": [], "expected": None}
        with Ledger(owner, region.directory, Run("run-0", "owner@controller", TODAY)) as ledger:
            assert audit(params, ledger, TODAY)["faults"] == []
        region.by_owner(*documented(1))
        yield region
    finally:
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS halsoval WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS halsoval, halsoval_owner")


def grant(by: str = "anna@controller") -> Hold:
    return Hold(
        id="grant", object=NURSE, kind="grant", reason="B1", by=by, since=TODAY,
        until=TODAY + dt.timedelta(days=2), confirmed_by=None,
    )  # fmt: skip


def write_to_a_system(ledger: Ledger) -> None:
    """What onboard notes of a system that it writes to, with a plan that was confirmed."""
    memory.make_key(ledger)
    memory.note_day(ledger)
    world = World()
    world.add("u1", "unit", 1, BASE)
    world.journal = ledger  # type: ignore[assignment]
    assert world.run(sizes={"providers": 2})["alfa"]["changed"]
    assert world.run(sizes={"providers": 2})["alfa"]["errors"] == []
    ledger.confirm("HSA", {"alfa": ("58467d0634f40723",)})
    ledger.spare("HSA", {"alfa": ("58467d0634f40723",)})


def remember(ledger: Ledger) -> None:
    """What runs remember, and forget."""
    lost = {"alfa": frozenset({("person", NURSE)})}
    for _again in range(2):
        ledger.judged("AD", Past(lost=lost, refused={"alfa": "AD"}, sizes={"entries": 3}))
    hidden = frozenset({Fact("a" * 32, PROTECTED)})
    ledger.protect("HSA", {"alfa": hidden})
    ledger.remember("HSA", [Settled("alfa", hidden)], ["a" * 32])
    ledger.remember("HSA", [Settled("alfa", frozenset({Fact("b" * 32, "effect")}))])
    ledger.remember("HSA", [Settled("alfa", frozenset())])
    ledger.keep("ldaps://hsa", {number(1): NURSE})
    ledger.keep("ldaps://hsa", {number(2): NURSE})
    ledger.vouch("HSA", (), 1)


def order(ledger: Ledger, tmp_path: Path) -> None:
    """Orders out, one moved on, answers in, and what is old thinned."""
    make(ledger, tmp_path / "outbox", [card("one"), card("two", state="wanted")])
    make(ledger, tmp_path / "outbox", [card("one"), card("two", state="ordered")])
    (tmp_path / "inbox/ra_organisation").mkdir(parents=True, mode=0o700)
    leave(tmp_path / "inbox", line("one", day=str(TODAY), valid_to="2026-03-20"))
    assert receipts.apply(ledger, tmp_path / "inbox").rejected == ()


def audited(ledger: Ledger, day: dt.date, expected: str | None = None) -> dict[str, Any]:
    params = {"dest": None, "known_heads": [], "expected": expected}
    return audit({**params, "retention": {"order": 0, "answer": 0}}, ledger, day)


def test_the_documented_rights_are_what_the_runs_need_and_nothing_more(
    region: Region, tmp_path: Path
) -> None:
    with region.open("run-1") as ledger:
        write_to_a_system(ledger)
        remember(ledger)
        ledger.place(grant())
        order(ledger, tmp_path)
        nights.note_night(ledger, [("refused", "ad", "alfa", "")], lambda _key: True)
        nights.note_told(ledger, [("refused", "ad", "alfa", "")])
        note_seen(ledger, Sightings({"pc-1": TODAY}, "mark", TODAY))
        note_seen(ledger, Sightings({"pc-1": TODAY}, "mark", TODAY))
        approvals.note(ledger, [Approval(Manifest("alfa", "staff", 1, "0" * 64), "region:anna")])
        registers.take(ledger, [Answer(register="hosp", person="a" * 32, day=TODAY)], {"hosp": 1})
        ledger.leave()
    with region.open("run-2", "bo@controller") as ledger:
        assert ledger.confirm_grant("grant", grant().until or TODAY)
        assert ledger.lift("grant")
    licences = Licences(_Opened(region, region.directory))
    licences.run(provider("alfa", pc("PC-1")))
    ended = provider("alfa", pc("PC-1", to=str(TODAY)))
    licences.run(ended, day=TODAY + dt.timedelta(days=1))
    later = TODAY + dt.timedelta(days=60)
    with region.open("run-3", day=later) as ledger:
        region.by_owner("UPDATE holds SET reason = 'B2'", "UPDATE orders SET cause = 'x'")
        region.by_owner("UPDATE particulars SET content = content || ' '")
        region.by_owner("UPDATE approvals SET run = 'x'", "UPDATE register_answers SET held = 'x'")
        name = audited(ledger, later)["msg"].rpartition("audit_expected=")[2]
        result = audited(ledger, later, name)
        assert (result["faults"], bool(result["thinned"])) == ([], True)
    assert region.used("INSERT INTO") == set(COLUMNS) - {"chain"}
    assert region.used("UPDATE") == granted("UPDATE")
    assert region.used("DELETE FROM") == granted("DELETE")


class _Opened(Ledgers):
    """Opens the ledger as the runs' role."""

    def __init__(self, region: Region, directory: Path) -> None:
        super().__init__(region.runs, directory)
        self.region = region

    def open(self, run: str = "run-1", check: bool = False, as_of: dt.date = TODAY) -> Ledger:
        return self.opened.enter_context(self.region.open(run, day=as_of))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit",
        "UPDATE audit SET result = 'x'",
        "TRUNCATE audit",
        "DELETE FROM chain",
        "DELETE FROM holds",
        "DELETE FROM orders",
        "DELETE FROM receipts",
        "DELETE FROM losses",
        "UPDATE settings SET value = 'x'",
        "UPDATE schema_version SET version = 1",
        "DROP TABLE audit",
        "CREATE TABLE audit2 (seq INTEGER)",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
    ],
)
def test_the_role_of_the_runs_cannot_take_back_what_is_noted(
    region: Region, statement: str
) -> None:
    with (
        psycopg.connect(region.runs) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_nobody_else_connects(region: Region, postgresql: Server) -> None:
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE somebody LOGIN PASSWORD 'a1b2c3'")
        try:
            url = region.runs.replace("halsoval:", "somebody:", 1)
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(url)
        finally:
            connection.execute("DROP ROLE somebody")
