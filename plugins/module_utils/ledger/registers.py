# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registers answered about people. The rows are sealed: one that no run wrote tells nothing,
but hides whom it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..records.registers import REGISTERS, Answer, Place, RegisterName
from . import seals
from .audit import AuditRow
from .database import read, slices
from .memory import YES

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from .ledger import Ledger
    from .tables import Tables

# An event of the audit log: answers of a register were taken in.
CHECKED = "checked"


def known(ledger: Tables) -> dict[Place, Answer]:
    """All answers, by register and person; none that is in doubt. Raises LedgerError."""
    with ledger.reading() as connection:
        rows = read(connection, ledger.register_answers.select())
        answers = (_answer(row) for row in rows if _is_sealed(ledger, row))
        return {answer.place: answer for answer in answers}


def asked(ledger: Tables) -> frozenset[RegisterName]:
    """The registers that ever an answer was taken in of. Raises LedgerError."""
    audit = ledger.audit.c
    query = ledger.audit.select().where(audit.event == CHECKED).with_only_columns(audit.object)
    with ledger.reading() as connection:
        objects = set(connection.execute(query).scalars())
    return frozenset(name for name in REGISTERS if f"register {name}" in objects)


def named_by(ledger: Tables, providers: Iterable[str], people: Collection[str]) -> frozenset[str]:
    """Those of the people, by hashes, whom the providers' records named in their last run.

    Raises LedgerError.
    """
    facts = ledger.facts.c
    query = ledger.facts.select().where(
        facts.provider.in_(sorted(providers)) & facts.fact.like("label %")
    )
    with ledger.reading() as connection:
        named = set(connection.execute(query.with_only_columns(facts.person)).scalars())
    return frozenset(named.intersection(people))


def take(ledger: Ledger, answers: Collection[Answer], counted: Mapping[RegisterName, int]) -> None:
    """Note answers, each instead of the one before, and how many a register gave in all.

    Raises LedgerError.
    """
    if ledger.check or not counted:
        return
    with ledger.transaction() as connection:
        _write(ledger, connection, answers)
        ledger.append(
            connection,
            [
                AuditRow(
                    CHECKED, system="registers", object=f"register {name}", operation="take",
                    result=f"{number} answers",
                )
                for name, number in sorted(counted.items())
            ],
        )  # fmt: skip


def note(ledger: Ledger, answers: Collection[Answer]) -> None:
    """Note what became of answers that are known. Raises LedgerError."""
    if answers and not ledger.check:
        with ledger.transaction() as connection:
            _write(ledger, connection, answers)


def forget(ledger: Ledger, people: Collection[str]) -> int:
    """Remove the answers about all but these people, by hashes; returns how many those were.

    Raises LedgerError.
    """
    with ledger.changing() as connection:
        table = ledger.register_answers
        persons = set(
            connection.execute(table.select().with_only_columns(table.c.person)).scalars()
        )
        gone = persons.difference(people)
        if gone and not ledger.check:
            for some in slices(sorted(gone)):
                connection.execute(table.delete().where(table.c.person.in_(some)))
            what = f"{len(gone)} people"
            row = AuditRow("thinned", system="registers", object="register answers", result=what)
            ledger.append(connection, [row])
    return len(gone)


def _write(ledger: Ledger, connection: Connection, answers: Iterable[Answer]) -> None:
    table, by_register = ledger.register_answers, dict[str, list[Answer]]()
    for answer in answers:
        by_register.setdefault(answer.register, []).append(answer)
    for register, theirs in by_register.items():
        for some in slices(sorted(answer.person for answer in theirs)):
            place = (table.c.register == register) & table.c.person.in_(some)
            connection.execute(table.delete().where(place))
        seals.add(ledger, connection, table, map(_row, theirs))


def _row(answer: Answer) -> tuple[str, ...]:
    """The values in the order of the columns, the seal left out."""
    return (
        answer.register, answer.person, answer.day.isoformat(), answer.status,
        YES if answer.protected else "", " ".join(sorted(answer.names)),
        ",".join(sorted(answer.licences)), ",".join(sorted(answer.withdrawn)),
        YES if answer.held else "",
    )  # fmt: skip


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(
        register=row["register"],
        person=row["person"],
        day=dt.date.fromisoformat(row["day"]),
        status=row["status"],
        protected=row["protected"] == YES,
        names=frozenset(row["names"].split()),
        licences=frozenset(filter(None, row["licences"].split(","))),
        withdrawn=frozenset(filter(None, row["withdrawn"].split(","))),
        held=bool(row["held"]),
    )


def _is_sealed(ledger: Tables, row: Mapping[str, Any]) -> bool:
    return seals.is_sealed(ledger.seal_key, "register_answers", row)
