# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger remembers of earlier runs, for the guard and for what explains a loss."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..engine.guard import DAYS, Holding, Past
from ..engine.journal import Settled
from ..records.memory import PROTECTED, Fact, Memory, keyed_hash
from . import seals
from .database import insert, read, slices
from .replay import CONFIRMED, UNUSED
from .tables import Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


# A run that comes longer after the last one, or before it, surprises: ahead everything ends, back
# everybody who has left since is let in again.
AHEAD, BACK = dt.timedelta(days=31), dt.timedelta(days=7)
# The name of the key that numbers and names are hashed with.
_KEY = "memory"
# What a row of register_answers says of who is protected.
YES = "yes"


def recall(ledger: Tables, system: str) -> Memory:
    """What earlier runs put in effect in a system. Raises LedgerError."""
    facts = ledger.facts
    with ledger.reading() as connection:
        found: dict[str, set[Fact]] = defaultdict(set)
        # What is true of a person is so in all systems, whichever was told first.
        lasting = (facts.c.fact == PROTECTED) | facts.c.fact.like("was %")
        for row in connection.execute(facts.select().where((facts.c.system == system) | lasting)):
            found[row.provider].add(Fact(sys.intern(row.person), sys.intern(row.fact)))
        return Memory(
            key=ledger.key(connection, _KEY),
            facts={provider: frozenset(theirs) for provider, theirs in found.items()},
            days=days(ledger, connection, system),
            shielded=_shielded(ledger, connection),
        )


def _shielded(ledger: Tables, connection: Connection) -> frozenset[str]:
    """The hashes of those whom the population register protects.

    Whose answer is in doubt is hidden too: nobody knows what it was.
    """
    table, key = ledger.register_answers, ledger.seal_key
    return frozenset(
        row["person"]
        for row in read(connection, table.select())
        if row["protected"] == YES or not seals.is_sealed(key, table.name, row)
    )


def days(ledger: Tables, connection: Connection, system: str) -> dict[str, dt.date]:
    """The day of each provider's last run of a system."""
    settled = ledger.settled
    rows = connection.execute(settled.select().where(settled.c.system == system)).all()
    return {row.provider: dt.date.fromisoformat(row.as_of) for row in rows}


def leap(ledger: Tables) -> str:
    """Why the run's day is a surprise after the last run's, "" if it is none."""
    today, table = ledger.run.as_of, ledger.settled
    with ledger.reading() as connection:
        query = table.select().where((table.c.system == "") & (table.c.provider == ""))
        row = connection.execute(query).one_or_none()
    last = dt.date.fromisoformat(row.as_of) if row else today
    if -BACK <= today - last <= AHEAD:
        return ""
    direction = "after" if today > last else "before"
    return f"the day is {today}, {abs(today - last).days} days {direction} that of the last run"


def note_day(ledger: Tables) -> None:
    """Note that there was a run on the day. Raises LedgerError."""
    table, today = ledger.settled, ledger.run.as_of.isoformat()
    with ledger.transaction() as connection:
        last = (table.c.system == "") & (table.c.provider == "")
        connection.execute(table.delete().where(last))
        insert(connection, table, [("", "", today)])


def make_key(ledger: Tables) -> None:
    """Have a key for hashes before the first thing is remembered. Raises LedgerError."""
    if ledger.check:
        return
    with ledger.reading() as connection:
        if ledger.key(connection, _KEY):
            return
    with ledger.transaction() as connection:
        if not ledger.key(connection, _KEY):
            ledger.new_key(connection, _KEY)


def plan_secret(ledger: Tables) -> bytes:
    """What plans' hashes and proofs are keyed with; empty in check mode, before the first run."""
    with ledger.reading() as connection:
        key = ledger.key(connection, _KEY)
    return bytes.fromhex(keyed_hash(key, "plans")) if key else b""


def past(ledger: Tables, system: str) -> Past:
    """What earlier runs, and other systems in this one, leave the guard of a system."""
    losses, refusals, sizes = ledger.losses, ledger.refusals, ledger.sizes
    first = ledger.run.as_of - dt.timedelta(days=DAYS - 1)
    with ledger.reading() as connection:
        lost: dict[str, set[Holding]] = defaultdict(set)
        recent = (losses.c.system == system) & (losses.c.as_of >= first.isoformat())
        for row in connection.execute(losses.select().where(recent)):
            lost[row.provider].add((row.kind, row.object))
        others = (refusals.c.run == ledger.run.id) & (refusals.c.system != system)
        refused = connection.execute(refusals.select().where(others)).all()
        counted = connection.execute(sizes.select().where(sizes.c.system == system)).all()
        confirmed = _confirmed(ledger, connection, system)
    return Past(
        lost=lost,
        refused={row.provider: row.system for row in refused},
        sizes={row.what: row.number for row in counted},
        confirmed=confirmed,
    )


def _confirmed(ledger: Tables, connection: Connection, system: str) -> Counter[str]:
    """How many confirmations of each provider's plans were used."""
    audit = ledger.audit.c
    of_plans = audit.event.in_((CONFIRMED, UNUSED)) & (audit.system == system)
    query = ledger.audit.select().where(of_plans).with_only_columns(audit.event, audit.provider)
    counted = Counter(tuple(row) for row in connection.execute(query))
    return Counter(
        {p: n - counted[UNUSED, p] for (event, p), n in counted.items() if event == CONFIRMED}
    )


def judged(ledger: Tables, system: str, notes: Past) -> None:
    """Note what a run takes without a date, whom it refuses, and how much it read."""
    with ledger.transaction() as connection:
        note_losses(ledger, connection, system, notes.lost)
        _replace(ledger, connection, system, notes)


def note_losses(
    ledger: Tables,
    connection: Connection,
    system: str,
    lost: Mapping[str, Collection[Holding]],
) -> None:
    """Note what is taken from each provider's people without a date or anybody's word."""
    today, table = ledger.run.as_of.isoformat(), ledger.losses
    losses = {
        (system, provider, kind, object_id, today)
        for provider, holdings in lost.items()
        for kind, object_id in holdings
    }
    theirs = (table.c.system == system) & (table.c.as_of == today)
    known = {tuple(row) for row in connection.execute(table.select().where(theirs))}
    insert(connection, table, sorted(losses - known))


def _replace(ledger: Tables, connection: Connection, system: str, notes: Past) -> None:
    run, table = ledger.run.id, ledger.refusals
    mine = (table.c.run == run) & (table.c.system == system)
    connection.execute(table.delete().where(mine))
    insert(connection, table, [(run, system, provider) for provider in notes.refused])
    if notes.sizes:
        sizes = ledger.sizes
        connection.execute(sizes.delete().where(sizes.c.system == system))
        insert(connection, sizes, [(system, *size) for size in notes.sizes.items()])


def protect(ledger: Tables, system: str, protections: Mapping[str, Collection[Fact]]) -> None:
    """Note who is protected, by provider: besides whom the ledger knows already."""
    table = ledger.facts
    mine = (table.c.system == system) & (table.c.fact == PROTECTED)
    told = {(system, p, *fact) for p, facts in protections.items() for fact in facts}
    if not told:
        return
    with ledger.transaction() as connection:
        known = {tuple(row) for row in connection.execute(table.select().where(mine))}
        insert(connection, table, sorted(told - known))


def remember(
    ledger: Tables, system: str, settled: Sequence[Settled], revealed: Collection[str]
) -> None:
    """Note what a run put in effect; only what differs is written."""
    with ledger.transaction() as connection:
        table = ledger.facts
        held: dict[str, set[Fact]] = defaultdict(set)
        for row in connection.execute(table.select().where(table.c.system == system)):
            held[row.provider].add(Fact(row.person, row.fact))
        new: list[tuple[str, str, str, str]] = []
        for one in settled:
            known = held[one.provider]
            facts = one.after(known)
            _forget(ledger, connection, system, one.provider, known - facts)
            new += [(system, one.provider, *fact) for fact in facts - known]
        insert(connection, table, new)
        _reveal(ledger, connection, system, revealed)
        _date(ledger, connection, system, settled)


def _reveal(ledger: Tables, connection: Connection, system: str, people: Iterable[str]) -> None:
    table = ledger.facts
    mine = (table.c.system == system) & (table.c.fact == PROTECTED)
    for some in slices(sorted(people)):
        connection.execute(table.delete().where(mine & table.c.person.in_(some)))


def _date(ledger: Tables, connection: Connection, system: str, settled: Sequence[Settled]) -> None:
    """Note the day of the providers' last run, or of the first thing that is remembered."""
    table, today = ledger.settled, ledger.run.as_of.isoformat()
    mine = table.select().where(table.c.system == system)
    known = {row.provider for row in connection.execute(mine)}
    dated = [one.provider for one in settled if one.is_last or one.provider not in known]
    for some in slices(dated):
        theirs = (table.c.system == system) & table.c.provider.in_(some)
        connection.execute(table.delete().where(theirs))
    insert(connection, table, [(system, provider, today) for provider in dated])


def _forget(
    ledger: Tables, connection: Connection, system: str, provider: str, facts: Iterable[Fact]
) -> None:
    table = ledger.facts
    theirs = (table.c.system == system) & (table.c.provider == provider)
    for person, text in facts:
        one = theirs & (table.c.person == person) & (table.c.fact == text)
        connection.execute(table.delete().where(one))
