# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of which part of a record was approved, and by whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ..records.approval import Approval
from . import replay, seals
from .database import LedgerError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from .ledger import Ledger


@dataclass(frozen=True)
class Noted:
    """The version of a part that was approved last: who, by which signature, and the run's day."""

    number: int
    digest: str
    principal: str
    signature: str
    as_of: dt.date


def latest(ledger: Ledger) -> Mapping[tuple[str, str], Noted]:
    """The last approval of each part, by provider and part; one in doubt does not count.

    Raises LedgerError.
    """
    with ledger.reading() as connection:
        return _latest(ledger, connection)


def note(ledger: Ledger, approvals: Sequence[Approval]) -> None:
    """Note approvals, each of a version that the ledger does not know; in check mode none is.

    Raises LedgerError where one has the number of a version that was approved before.
    """
    with ledger.changing() as connection:
        for approval in approvals:
            manifest = approval.manifest
            if manifest.number < _next(ledger, connection, manifest.provider, manifest.part):
                raise LedgerError("somebody approved another version meanwhile: run approve again")
        if approvals and not ledger.check:
            _add(ledger, connection, approvals)


def next_number(ledger: Ledger, provider: str, part: str) -> int:
    """The number of the version that is approved next; one in doubt has had its number."""
    with ledger.reading() as connection:
        return _next(ledger, connection, provider, part)


def left_since(ledger: Ledger, provider: str, part: str, digest: str) -> list[str]:
    """What going back to an approved version does not call back, since it was replaced.

    The provider's orders that left, which are with who carries them out, and what was deleted.
    """
    versions = ledger.approvals.c
    with ledger.reading() as connection:
        is_of = (versions.provider == provider) & (versions.part == part)
        rows = connection.execute(ledger.approvals.select().where(is_of).order_by(versions.number))
        days = [(row.digest, row.as_of) for row in rows]
        ends = [later[1] for now, later in pairwise(days) if now[0] == digest]
        if not ends:
            return []
        return [
            *_orders_since(ledger, connection, provider, ends[-1]),
            *_deleted_since(ledger, connection, provider, ends[-1]),
        ]


def _orders_since(ledger: Ledger, connection: Connection, provider: str, day: str) -> Iterator[str]:
    orders = ledger.orders.c
    is_later = (orders.provider == provider) & (orders.sent_on >= day)
    query = ledger.orders.select().where(is_later).order_by(orders.sent_on, orders.key)
    for row in connection.execute(query):
        yield f"{row.kind} {row.object} {row.key}, sent {row.sent_on}: {row.state}"


def _deleted_since(
    ledger: Ledger, connection: Connection, provider: str, day: str
) -> Iterator[str]:
    audit, runs = ledger.audit.c, ledger.runs.c
    query = (
        ledger.audit.select()
        .join(ledger.runs, audit.run == runs.id)
        .add_columns(runs.as_of)
        .where(audit.event == "outcome", audit.operation == "delete", runs.as_of >= day)
        .where(audit.result.in_(replay.DONE))
        .order_by(audit.seq)
    )
    for row in connection.execute(query):
        if provider in row.provider.split(","):
            yield f"{row.system}: {row.object}, deleted {row.as_of}"


def _next(ledger: Ledger, connection: Connection, provider: str, part: str) -> int:
    table = ledger.approvals.c
    is_of = (table.provider == provider) & (table.part == part)
    query = ledger.approvals.select().where(is_of).with_only_columns(table.number)
    numbers = list(connection.execute(query).scalars())
    doubts = replay.of_approvals(ledger, connection)
    numbers += [number for *about, number in doubts if about == [provider, part]]
    return max(numbers, default=0) + 1


def _latest(ledger: Ledger, connection: Connection) -> dict[tuple[str, str], Noted]:
    doubts = replay.of_approvals(ledger, connection)
    table = ledger.approvals
    found: dict[tuple[str, str], Noted] = {}
    for row in connection.execute(table.select().order_by(table.c.number)):
        if (row.provider, row.part, row.number) not in doubts:
            day = dt.date.fromisoformat(row.as_of)
            found[row.provider, row.part] = Noted(
                row.number, row.digest, row.principal, row.signature, day
            )
    return found


def _add(ledger: Ledger, connection: Connection, approvals: Sequence[Approval]) -> None:
    day, run = ledger.run.as_of.isoformat(), ledger.run.id
    rows = [
        (
            m.provider,
            m.part,
            m.number,
            m.digest,
            one.principal,
            one.fingerprint,
            one.signature,
            day,
            run,
        )
        for one in approvals
        for m in [one.manifest]
    ]
    seals.add(ledger, connection, ledger.approvals, rows)
    ledger.append(connection, [replay.noted(one.manifest, one) for one in approvals])
