# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the tables are what the audit log says that runs decided.

The log's end, holds, grants and confirmations are compared in every run, and so are the seals of
orders and answers. `audit` compares the orders' states and last answers too, which takes a walk
through the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..records.identifiers import parse_hsa_id
from . import seals
from .age import ACCEPTED
from .audit import AuditRow, digest
from .database import read
from .schema import COLUMNS
from .tables import Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

LIFTED = "lifted"
# The events of the log that decide about holds and grants.
DECIDING = ("hold", "grant", LIFTED)
# A run is about to carry out a plan that a person confirmed; and nothing came of it after all.
CONFIRMED, UNUSED = "confirmed", "unused"
# A version of a part of a record was approved.
APPROVED = "approved"
# The events that count in every run.
_COUNTING = (*DECIDING, CONFIRMED, UNUSED, APPROVED)
_EVENT = COLUMNS["audit"].index("event")
_ORDERS = ("siths", "services")
# The outcomes of a write that was carried out.
DONE = ("done", "found done")
# What a person vouches for who says that it may be gone.
GONE = "gone"
_CHANGED, _UNKNOWN = "not as a run left it", "no row of the audit log says so"


@dataclass(frozen=True, slots=True, order=True)
class Doubt:
    """What is not as the log says: an object, named as the log does, and what is wrong.

    `table` and `key` are where its row lies, and `seal` is the one that the row as it is would
    have; of an order `system` and `state` are what a person vouches for with it.
    """

    object: str
    message: str
    table: str = ""
    key: tuple[str | int, ...] = ()
    system: str = ""
    state: str = ""
    seal: str = ""

    def __str__(self) -> str:
        return f"{self.object}: {self.message}"


# --- the log's end --------------------------------------------------------------------------------


def extended(before: str, rows: Iterable[tuple[Any, ...]]) -> str:
    """A digest of all decisions, by that of those before; `rows` are the log's, in its order."""
    for row in rows:
        if row[_EVENT] in _COUNTING:
            before = hashlib.sha256(f"{before} {digest(row[:-1])}".encode()).hexdigest()
    return before


def of_head(ledger: Tables, connection: Connection) -> list[Doubt]:
    """Doubts about the log's end, and about the decisions in it."""
    heads = list(read(connection, ledger.chain.select()))
    if len(heads) != 1:
        return [Doubt("audit log", "the chain's head, which names the last row, is damaged")]
    audit = ledger.audit
    query = audit.select().order_by(audit.c.seq.desc()).limit(1)
    last = connection.execute(query.with_only_columns(audit.c.seq, audit.c.hash)).first()
    if not is_true_head(ledger, heads[0]) or tuple(last or (0, "")) != (
        heads[0]["seq"], heads[0]["hash"],
    ):  # fmt: skip
        return [Doubt("audit log", "it does not end as a run left it", "chain")]
    if ledger.seal_key and decisions(ledger, connection) != heads[0]["decisions"]:
        return [
            Doubt(
                "audit log",
                "rows about holds, grants, approvals or confirmations are not as runs wrote them",
            )
        ]
    return []


def is_true_head(ledger: Tables, head: Mapping[str, Any]) -> bool:
    """Whether a run sealed the log's end; that of an empty log needs no seal."""
    is_new = not (head["seq"] or head["seal"])
    return is_new or seals.is_sealed(ledger.seal_key, "chain", head)


def decisions(ledger: Tables, connection: Connection) -> str:
    """The digest of all decisions that the log tells of."""
    audit = ledger.audit
    query = audit.select().where(audit.c.event.in_(_COUNTING)).order_by(audit.c.seq)
    return extended("", (tuple(row) for row in connection.execute(query)))


# --- holds and grants -----------------------------------------------------------------------------

_Place = tuple[str, str]  # "hold" or "grant", and whom it is about


def told(hold: Any) -> str:
    """What the log says of a hold or grant, or of its row: the reason and the days."""
    until = f" until {hold.until}" if hold.until else ""
    waits = ", unconfirmed" if hold.confirmed_by is None else ""
    return f"{hold.reason} since {hold.since}{until}{waits}"


def of_decisions(ledger: Tables, connection: Connection) -> dict[str, Doubt]:
    """Doubts about holds and grants, by the rows' ids, and by another text where they are gone."""
    last = _last_decisions(ledger, connection)
    doubts: dict[str, Doubt] = {}
    for row in connection.execute(ledger.holds.select()):
        place = (str(row.kind), str(row.object).casefold())
        wrong = _wrong(ledger, row, last.pop(place, None))
        if wrong:
            what = f"{row.kind} {row.object}"
            doubts[row.id] = _of_row(ledger, "holds", dict(row._mapping), what, wrong)
    for (kind, about), decision in last.items():
        if decision.event != LIFTED:  # else it is over, whether its row is there or not
            gone = f"row {decision.seq} of the audit log tells of it, and it is gone"
            doubts[f"gone {kind} {about}"] = Doubt(f"{kind} {about}", gone, state=GONE)
    return doubts


def decided(hold: Any, operation: str) -> AuditRow:
    """The log's row of a hold or grant, or of its row as it is: whom it concerns, why, how long."""
    person = _is_hsa_id(hold.object)
    return AuditRow(
        event=LIFTED if hold.lifted else hold.kind,
        provider="" if person else hold.object,
        object=f"{'person' if person else 'provider'} {hold.object}",
        operation=hold.kind if hold.lifted else operation,
        result=told(hold),
    )


def _is_hsa_id(text: str) -> bool:
    try:
        parse_hsa_id(text)
    except ValueError:
        return False
    return True


def _last_decisions(ledger: Tables, connection: Connection) -> dict[_Place, Any]:
    audit = ledger.audit
    query = audit.select().where(audit.c.event.in_(DECIDING)).order_by(audit.c.seq)
    last: dict[_Place, Any] = {}
    for row in connection.execute(query):
        kind = row.operation if row.event == LIFTED else row.event
        last[kind, row.object.partition(" ")[2].casefold()] = row
    return last


def _wrong(ledger: Tables, row: Any, decision: Any) -> str:
    """What is wrong with a hold or grant, "" if nothing is."""
    if not seals.is_sealed(ledger.seal_key, "holds", row._mapping):
        return _CHANGED
    if decision is None:
        return _UNKNOWN
    is_lifted = decision.event == LIFTED
    if told(row) != decision.result or bool(row.lifted) != is_lifted:
        return f"row {decision.seq} of the audit log says something else"
    return ""


# --- approvals ------------------------------------------------------------------------------------

_Version = tuple[str, str, int]  # provider, part and number


def noted(version: Any, by: Any) -> AuditRow:
    """The log's row of an approval, or of its row as it is: which version, and who signed it."""
    signed = f"{by.principal} {by.fingerprint}" if by.principal else "withdrawal"
    return AuditRow(
        APPROVED,
        provider=version.provider,
        object=f"{version.part} {version.provider} {version.number}",
        operation="add",
        result=f"{version.digest} {signed}",
    )


def of_approvals(ledger: Tables, connection: Connection) -> dict[_Version, Doubt]:
    """Doubts about approvals, by what they approve; also of those whose row is gone."""
    audit = ledger.audit
    query = audit.select().where(audit.c.event == APPROVED).order_by(audit.c.seq)
    told = {row.object: row for row in connection.execute(query)}
    doubts: dict[_Version, Doubt] = {}
    for row in connection.execute(ledger.approvals.select()):
        is_of = noted(row, row)
        log = told.pop(is_of.object, None)
        is_sealed = seals.is_sealed(ledger.seal_key, "approvals", row._asdict())
        wrong = "" if is_sealed else _CHANGED
        if not wrong and (log is None or log.result not in (is_of.result, ACCEPTED)):
            wrong = _UNKNOWN
        if wrong:
            version = (row.provider, row.part, row.number)
            seal = _seal(ledger, "approvals", row._asdict())
            doubts[version] = Doubt(is_of.object, wrong, "approvals", version, seal=seal)
    for about, row in told.items():
        if row.result != GONE:
            gone = f"row {row.seq} of the audit log tells of it, and it is gone"
            part, provider, number = about.split(" ")
            doubts[provider, part, int(number)] = Doubt(about, gone, "approvals", state=GONE)
    return doubts


# --- orders and answers ---------------------------------------------------------------------------


def of_seals(ledger: Tables, connection: Connection) -> Iterator[Doubt]:
    """Orders, particulars, and answers of both kinds, that are not as a run sealed them."""
    if not ledger.seal_key:
        return
    names: dict[str, str] = {}
    for row in read(connection, ledger.orders.select()):
        names[row["pseudonym"]] = _order(row)
        if not seals.is_sealed(ledger.seal_key, "orders", row):
            yield _of_order(ledger, row, _CHANGED)
    for row in read(connection, ledger.particulars.select()):
        if not seals.is_sealed(ledger.seal_key, "particulars", row):
            what = f"the {'answer' if row['kind'] == 'answer' else 'particulars'} of"
            whose = names.get(row["pseudonym"], "no order")
            yield _of_row(ledger, "particulars", row, f"{what} {whose}", _CHANGED)
    for row in read(connection, ledger.register_answers.select()):
        if not seals.is_sealed(ledger.seal_key, "register_answers", row):
            what = f"the answer of {row['register']} about {str(row['person'])[:8]}"
            yield _of_row(ledger, "register_answers", row, what, _CHANGED)


def _of_order(ledger: Tables, row: Mapping[str, Any], wrong: str) -> Doubt:
    return _of_row(ledger, "orders", row, _order(row), wrong, row["system"], row["state"])


def _of_row(
    ledger: Tables, table: str, row: Mapping[str, Any], what: str, wrong: str,
    system: str = "", state: str = "",
) -> Doubt:  # fmt: skip
    """A doubt about a row as it is; `system` and `state` are those of the order it is about."""
    key, seal = seals.place(row, table), _seal(ledger, table, row)
    return Doubt(what, wrong, table, key, system, state, seal)


def _seal(ledger: Tables, table: str, row: Mapping[str, Any]) -> str:
    """The seal of a row as it is, "" where there is no key for one."""
    return seals.seal(ledger.seal_key, table, row) if ledger.seal_key else ""


def _order(row: Mapping[str, Any]) -> str:
    return f"{row['kind']} {row['object']} {row['key']}"


@dataclass
class _Told:
    """What the log says of an order: that it was made, its last state, with the row's seq, and the
    name of its last answer.
    """

    object: str
    system: str
    is_made: bool = False
    has_moved: bool = False
    state: str = ""
    seq: int = 0
    answer: str = ""


def name_of_answer(ledger: Tables, row: Mapping[str, Any]) -> str:
    """What the log calls an answer, which is a row of the particulars."""
    return _seal(ledger, "particulars", row)[:16]


def of_orders(ledger: Tables, connection: Connection) -> Iterator[Doubt]:
    """Orders of which the log says something else, or nothing, and those that are gone."""
    every = _told_of_orders(ledger, connection)
    answers = _answers(ledger, connection)
    query = ledger.orders.select().order_by(ledger.orders.c.key)
    for row in read(connection, query):
        known = every.pop(row["key"], None)
        wrong = _odds(row["state"], known)
        if wrong:
            yield _of_order(ledger, row, wrong)
        if known and (not row["closed_on"] or row["pseudonym"] in answers):  # else it was thinned
            yield from _of_answer(ledger, row, known, answers.get(row["pseudonym"]))
    for key, known in every.items():
        if known.is_made and known.state != GONE:
            gone = "the audit log tells of it, and it is gone"
            yield Doubt(known.object, gone, "", (key,), known.system, GONE)


def _answers(ledger: Tables, connection: Connection) -> dict[str, dict[str, Any]]:
    sides = ledger.particulars
    query = sides.select().where(sides.c.kind == "answer")
    return {row["pseudonym"]: row for row in read(connection, query)}


def _of_answer(
    ledger: Tables, order: Mapping[str, Any], known: _Told, row: Mapping[str, Any] | None
) -> Iterator[Doubt]:
    """Whether an order has the answer that came last, as far as the log names it."""
    if not known.answer or not ledger.seal_key:
        return
    what, place = f"the answer of {_order(order)}", (order["system"], order["state"])
    if row is None:
        gone = f"row {known.seq} of the audit log tells of it, and it is gone"
        yield Doubt(what, gone, "", (order["pseudonym"], GONE), *place)
    elif name_of_answer(ledger, row) != known.answer:
        wrong = f"row {known.seq} of the audit log tells of another"
        yield _of_row(ledger, "particulars", row, what, wrong, *place)


# States that only answers bring about.
_ANSWERED = ("sent", "active", "refused")


def _odds(state: str, known: _Told | None) -> str:
    if known is None:
        return _UNKNOWN
    if known.state:
        differs = known.state != state
        return f"row {known.seq} of the audit log says {known.state}, not {state}" * differs
    is_before = known.has_moved and state == "wanted"
    return "the audit log says another state" * (is_before or state in _ANSWERED)


def _told_of_orders(ledger: Tables, connection: Connection) -> dict[str, _Told]:
    audit = ledger.audit
    columns = ("seq", "event", "system", "object", "operation", "plan", "result")
    query = (
        audit.select()
        .with_only_columns(*(audit.c[name] for name in columns))
        .where(audit.c.system.in_(_ORDERS))
        .order_by(audit.c.seq)
    )
    found: dict[str, _Told] = {}
    for row in connection.execute(query):
        if row.event == ACCEPTED and not row.operation:
            continue  # it is about something else, such as a batch
        known = found.setdefault(row.object.rpartition(" ")[2], _Told(row.object, row.system))
        if row.event in ("receipt", ACCEPTED):
            known.is_made, known.state, known.seq = True, row.operation, row.seq
            known.answer = row.plan  # "" of what a person vouched for
        elif row.event == "outcome" and row.result in DONE:
            known.is_made |= row.operation == "add"
            known.has_moved |= row.operation == "modify"
    return found


# --- what a person vouches for --------------------------------------------------------------------


def accepted(ledger: Tables, connection: Connection, doubts: Iterable[Doubt]) -> list[AuditRow]:
    """The rows of the log by which things count as they are."""
    holds = {row.id: row for row in connection.execute(ledger.holds.select())}
    rows = []
    for doubt in doubts:
        if doubt.table == "approvals":
            result = doubt.state or ACCEPTED
            rows.append(AuditRow(APPROVED, object=doubt.object, operation="accept", result=result))
        elif doubt.table == "holds":
            rows.append(decided(holds[doubt.key[0]], "accept"))
        elif doubt.state == GONE and not doubt.key:
            kind, _space, about = doubt.object.partition(" ")
            rows.append(AuditRow(LIFTED, object=f"gone {about}", operation=kind, result="accept"))
        else:
            rows.append(AuditRow(ACCEPTED, "", doubt.system, doubt.object, doubt.state))
    return rows
