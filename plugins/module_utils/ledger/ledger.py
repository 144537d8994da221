# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: orders, holds, what earlier runs saw, and the audit log of all writes."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..engine.guard import Past
from ..engine.journal import Intended, Intent, Settled
from ..records.holds import Decisions, Hold, user_of
from ..records.lifecycle import end_of_day, start_of_day
from ..records.memory import Fact, keyed_hash
from ..records.people import Remembered
from ..records.words import some_of
from . import age, memory, replay, seals
from .audit import AuditRow, Fault, Head, Values, chained, faults
from .database import SLICE, LedgerError, insert, read, slices
from .replay import Doubt
from .tables import Run, Tables

try:
    import sqlalchemy as sa
    from sqlalchemy.engine import Connection, Row
    from sqlalchemy.sql.expression import Select, TableClause
except ImportError:  # ansible-test imports this file without it; Database says so
    pass

__all__ = ["Ledger", "LedgerError", "Run", "rows", "verify"]

_HASH = re.compile("[0-9a-f]{64}")
# The names of the keys of hashed personal numbers begin so.
_SEEN = "seen_ids "


class Ledger(Tables):
    """An open ledger. `check` is whether it only reads; then a missing one counts as empty.

    All methods raise LedgerError.
    """

    def __init__(
        self, url: str | None, state_directory: Path, run: Run, check: bool = False
    ) -> None:
        super().__init__(url, state_directory, run, check)
        try:
            self.seal_key = seals.key_of(self, self._seal_all)
        except BaseException:
            self.close()
            raise

    def append(self, connection: Connection, rows: Sequence[AuditRow]) -> range:
        """Add to the audit log, within a transaction(); returns the rows' seq."""
        if not rows:
            return range(0)
        now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        who = {"id": self.run.id, "at": now, "by": self.run.by}
        connection.execute(sa.text(_NOTE_RUN), {**who, "as_of": self.run.as_of.isoformat()})
        head = self._head(connection)
        last = Head(head["seq"], head["hash"])
        values = chained(rows, last, now, self.run.id, self.run.by)
        insert(connection, self.audit, values)
        self._move_head(connection, head, values)
        return range(last.seq + 1, last.seq + 1 + len(values))

    def _move_head(
        self, connection: Connection, head: Mapping[str, Any], values: Sequence[Values]
    ) -> None:
        """Let the log end with its new rows; what was no true end does not become one."""
        new = {
            "seq": values[-1][0],
            "hash": values[-1][-1],
            "decisions": replay.extended(head["decisions"], values),
        }
        is_true = replay.is_true_head(self, head)
        seal = seals.seal(self.seal_key, "chain", new) if is_true else ""
        connection.execute(self.chain.update(), {**new, "seal": seal})

    def head(self) -> dict[str, Any]:
        """{seq, hash} of the audit log's last row, to be kept where no writer can change it.

        A hash that cannot be one, which verify() blames, is "".
        """
        audit = self.audit.c
        query = sa.select(audit.seq, audit.hash).order_by(audit.seq.desc()).limit(1)
        with self.reading() as connection, _any_text(connection):
            head = Head(*(connection.execute(query).first() or ()))
        is_hash = _HASH.fullmatch(str(head.hash)) is not None
        return {"seq": head.seq, "hash": head.hash if is_hash else ""}

    def _head(self, connection: Connection) -> dict[str, Any]:
        heads = list(read(connection, self.chain.select()))
        if len(heads) != 1:
            raise LedgerError(f"the audit log in {self.name} has {len(heads)} heads: it is damaged")
        return heads[0]

    # --- whether it is as its runs left it --------------------------------------------------------

    def doubts(self) -> list[Doubt]:
        """What is not as its runs left it: the log's end, decisions, approvals, orders, answers."""
        with self.reading() as connection, _any_text(connection):
            return self._doubts(connection)

    def _doubts(self, connection: Connection) -> list[Doubt]:
        found = [*replay.of_head(self, connection), *replay.of_seals(self, connection)]
        found += replay.of_decisions(self, connection).values()
        found += replay.of_approvals(self, connection).values()
        return sorted(found)

    def doubts_of_decisions(self) -> list[Doubt]:
        """Of these the holds and grants."""
        with self.reading() as connection, _any_text(connection):
            return sorted(replay.of_decisions(self, connection).values())

    def all_doubts(self) -> list[Doubt]:
        """The same, and the orders' states and answers, for which the whole log is read."""
        with self.reading() as connection, _any_text(connection):
            return self._all_doubts(connection)

    def _all_doubts(self, connection: Connection) -> list[Doubt]:
        states = list(replay.of_orders(self, connection))
        told = {(doubt.table, doubt.key) for doubt in states if doubt.table}
        rest = (d for d in self._doubts(connection) if (d.table, d.key) not in told)
        return sorted([*states, *rest])

    def name_of(self, doubts: Sequence[Doubt]) -> str:
        """The hash that a person vouches for doubts by; "" where there are none, or no key for one.

        It names the rows as they are too: who changes one once more is not vouched for.
        """
        text = "\n".join(f"{doubt} {doubt.seal}" for doubt in doubts)
        return keyed_hash(self.seal_key, text)[:16] if doubts and self.seal_key else ""

    def accept(self, name: str) -> bool:
        """Note that a person vouches for what is in doubt, if this is its hash; returns whether.

        It counts as it was when it got the hash: what is changed meanwhile stays in doubt.
        """
        with self.transaction() as connection, _any_text(connection):
            doubts = self._all_doubts(connection)
            if not name or self.name_of(doubts) != name:
                return False
            self.append(connection, replay.accepted(self, connection, doubts))
            for table in self._sealed:
                theirs = {d.key: d.seal for d in doubts if d.table == table.name and d.key}
                seals.put(connection, table, theirs)
            self._seal_head(connection)
        return True

    @property
    def _sealed(self) -> tuple[TableClause, ...]:
        """The tables whose rows are sealed."""
        return (
            self.holds, self.orders, self.particulars, self.approvals, self.register_answers,
        )  # fmt: skip

    def _seal_all(self, connection: Connection, key: str) -> None:
        """Seal everything as it is."""
        self.seal_key = key
        for table in self._sealed:
            seals.renew(self, connection, table, sa.true())
        self._seal_head(connection)

    def _seal_head(self, connection: Connection) -> None:
        """Seal the log's end, and what it tells of decisions, as they are."""
        head = self._head(connection)
        head["decisions"] = replay.decisions(self, connection)
        head["seal"] = seals.seal(self.seal_key, "chain", head)
        connection.execute(self.chain.update(), head)

    # --- journal: what is about to be written, and what came of it --------------------------------

    def unfinished(self, system: str) -> list[Intent]:
        """Writes that an earlier run was about to make, and that have no outcome."""
        table = self.intents
        query = table.select().where(table.c.system == system).order_by(table.c.seq)
        with self.reading() as connection:
            return [Intent(row.seq, row.proof) for row in connection.execute(query)]

    def intend(self, system: str, intents: Sequence[Intended]) -> range:
        """Note what is about to be written to a system; returns the intents' numbers."""
        if not intents:
            return range(0)
        rows = [_intent(system, intended) for intended in intents]
        with self.transaction() as connection:
            numbers = self.append(connection, rows)
            proofs = (intended.proof for intended in intents)
            values = [(seq, system, proof) for seq, proof in zip(numbers, proofs, strict=True)]
            insert(connection, self.intents, values)
        return numbers

    def conclude(self, results: Mapping[int, str]) -> None:
        """Note what came of intents, by their numbers. One that has an outcome keeps it."""
        if not results:
            return
        audit, intents = self.audit.c, self.intents.c
        # An outcome repeats its intent: these are AuditRow's fields after `event`.
        copied = (
            audit.provider, audit.system, audit.object, audit.operation, audit.attributes,
            audit.plan, audit.seq.label("refers"),
        )  # fmt: skip
        with self.transaction() as connection:
            outcomes: list[AuditRow] = []
            for numbers in slices(sorted(results)):
                is_open = sa.select(intents.seq).where(intents.seq.in_(numbers))
                query = sa.select(*copied).where(audit.seq.in_(is_open)).order_by(audit.seq)
                for row in connection.execute(query):
                    outcomes.append(AuditRow("outcome", *row, result=results[row[-1]]))
                connection.execute(self.intents.delete().where(intents.seq.in_(numbers)))
            self.append(connection, outcomes)

    # --- memory: what earlier runs put in effect, took, refused and read --------------------------

    def past(self, system: str, witnesses: Collection[str], marked: int = 0) -> Past:
        """What earlier runs, and other systems in this one, leave the guard of a system."""
        alarms = (age.alarm(self, system, witnesses, marked), _alarm(self.doubts()))
        alarm = "; ".join(filter(None, alarms))
        return replace(memory.past(self, system), alarm=alarm)

    def judged(self, system: str, notes: Past) -> None:
        """Note what a run takes without a date, whom it refuses, and how much it read."""
        memory.judged(self, system, notes)

    def protect(self, system: str, protections: Mapping[str, Collection[Fact]]) -> None:
        """Note who is protected, by provider: besides whom the ledger knows already."""
        memory.protect(self, system, protections)

    def remember(
        self, system: str, settled: Sequence[Settled], revealed: Collection[str] = ()
    ) -> None:
        """Note what a run put in effect, and the hashes of those who are protected no more."""
        memory.remember(self, system, settled, revealed)

    def confirm(self, system: str, confirmed: Mapping[str, Sequence[str]]) -> None:
        """Note the hashes by provider that a person confirmed, before they are carried out."""
        self._note_confirmations(replay.CONFIRMED, system, confirmed)

    def spare(self, system: str, unused: Mapping[str, Sequence[str]]) -> None:
        """Note those by which nothing was done after all: they count the next time."""
        self._note_confirmations(replay.UNUSED, system, unused)

    def _note_confirmations(
        self, event: str, system: str, hashes: Mapping[str, Sequence[str]]
    ) -> None:
        if not hashes:
            return
        day = self.run.as_of.isoformat()
        rows = [
            AuditRow(
                event, provider=provider, system=system, object=f"provider {provider}",
                plan=",".join(theirs), result=day,
            )
            for provider, theirs in sorted(hashes.items())
        ]  # fmt: skip
        with self.transaction() as connection:
            self.append(connection, rows)

    def vouch(self, system: str, witnesses: Collection[str], marked: int = 0) -> None:
        """Note that the ledger is right for a system as it is, whatever it did not know of."""
        with self.transaction() as connection:
            strange = age.unknown(self, connection, system, witnesses)
            rows = [AuditRow(age.ACCEPTED, system=system, object=each) for each in strange]
            if marked and not age.knows_of(self, connection, system):
                rows.append(AuditRow(age.ACCEPTED, system=system, object=f"system {system}"))
            self.append(connection, rows)
        self.leave(system)

    def leave(self, system: str | None = None) -> dict[str, Any]:
        """Note where the audit log ends now, for later runs to know an older copy; returns it."""
        head = self.head()
        if head["hash"] or not head["seq"]:
            age.move(self, Head(**head), system)
        return head

    # --- holds and grants -------------------------------------------------------------------------

    def decisions(self) -> Decisions:
        """All holds and grants, also those that have ended: they explain what was taken.

        One that is in doubt does not count.
        """
        query = self.holds.select().order_by(self.holds.c.id)
        with self.reading() as connection:
            doubts = replay.of_decisions(self, connection)
            rows = (row for row in connection.execute(query) if row.id not in doubts)
            return Decisions(tuple(_hold(row) for row in rows))

    def place(self, hold: Hold) -> bool:
        """Make a hold or grant what is given; returns whether that changed anything.

        The same one by somebody else changes nothing. One that was lifted is placed again.
        """
        with self.changing() as connection:
            known = self._held(connection, hold.id)
            is_doubtful = bool(replay.of_decisions(self, connection).get(hold.id))
            if known and not is_doubtful:
                same = replace(hold, by=known.by, confirmed_by=known.confirmed_by)
                if known == same:
                    return False
            if not self.check:
                values = {**_values(hold), "lifted_by": ""}
                table = self.holds
                write = table.update().where(table.c.id == hold.id) if known else table.insert()
                connection.execute(write, values)
                operation = "change" if known else "place"
                seals.renew(self, connection, table, table.c.id == hold.id)
                self.append(connection, [replay.decided(hold, operation)])
        return True

    def lift(self, id: str) -> bool:
        """End a hold or grant on the run's day; returns whether it was not lifted before."""
        with self.changing() as connection:
            known = self._held(connection, id)
            if known is None:
                raise LedgerError("there is no hold or grant with this id")
            if known.lifted and id not in replay.of_decisions(self, connection):
                return False
            lifted = replace(known, lifted=self.run.as_of)
            values = {"lifted": self.run.as_of.isoformat(), "lifted_by": self.run.by}
            self._decide(connection, lifted, "lift", values)
        return True

    def confirm_grant(self, id: str, until: dt.date) -> bool:
        """Have a grant count that waits for a second person; returns whether it waited.

        `until` is its last day, as that person knows it.
        """
        with self.changing() as connection:
            known = self._held(connection, id)
            if known is None or known.lifted or known.until != until:
                raise LedgerError("there is no grant of this person with this last day")
            if id in replay.of_decisions(self, connection):
                raise LedgerError("the grant is not as a run left it: lift it, or place it again")
            if not known.waits:
                return False
            if user_of(known.by) == user_of(self.run.by):
                raise LedgerError("expected another user to confirm the grant than who placed it")
            confirmed = replace(known, confirmed_by=self.run.by)
            self._decide(connection, confirmed, "confirm", {"confirmed_by": self.run.by})
        return True

    def _decide(
        self, connection: Connection, hold: Hold, operation: str, values: Mapping[str, str]
    ) -> None:
        """Change the row of a hold or grant to what it is now."""
        if not self.check:
            table = self.holds
            connection.execute(table.update().where(table.c.id == hold.id), values)
            seals.renew(self, connection, table, table.c.id == hold.id)
            self.append(connection, [replay.decided(hold, operation)])

    def _held(self, connection: Connection, id: str) -> Hold | None:
        row = connection.execute(self.holds.select().where(self.holds.c.id == id)).one_or_none()
        return _hold(row) if row else None

    # --- HSA-ids that earlier runs saw ------------------------------------------------------------
    # They tell whose account is whose while HSA is away, and that an id was somebody's whose entry
    # is gone. A person stands there by a keyed hash of the personal number; the key lies beside it,
    # so the ledger is as secret as what it tells: who may read it can try numbers out.

    def recall(self, directory: str, numbers: Iterable[str]) -> Remembered:
        """All ids of an HSA directory, and those of people who have one of these numbers."""
        place = _place(directory)
        with self.reading() as connection:
            key = self.key(connection, _SEEN + place)
            taken, ids = self._remembered(connection, place)
        hashes = ((number, keyed_hash(key, number)) for number in numbers) if key else ()
        return Remembered(taken, {number: ids[h] for number, h in hashes if h in ids})

    def seen(self, numbers: Iterable[str]) -> dict[str, frozenset[str]]:
        """The HSA-ids that people had by these numbers, in any HSA directory."""
        people, found = tuple(numbers), dict[str, frozenset[str]]()
        named = self.settings.c.name.like(f"{_SEEN}%")
        with self.reading() as connection:
            for name, key in connection.execute(self.settings.select().where(named)).all():
                _taken, ids = self._remembered(connection, name.removeprefix(_SEEN))
                for number in people:
                    hsa_id = ids.get(keyed_hash(key, number))
                    if hsa_id:
                        found[number] = found.get(number, frozenset()) | {hsa_id}
        return found

    def has_seen(self, hsa_id: str) -> bool:
        """Whether an earlier run saw the id as a person's, in any HSA directory."""
        known = sa.func.lower(self.taken_ids.c.hsa_id)
        query = self.taken_ids.select().where(known == hsa_id.casefold()).limit(1)
        with self.reading() as connection:
            return connection.execute(query).first() is not None

    def keep(self, directory: str, seen: Mapping[str, str]) -> None:
        """Remember the HSA-ids of people by personal number, and those from before.

        An id that is somebody's now is nobody else's any more: HSA may have been corrected.
        """
        if self.check or not seen:
            return
        place = _place(directory)
        with self.transaction() as connection:
            name = _SEEN + place
            key = self.key(connection, name) or self.new_key(connection, name)
            taken, ids = self._remembered(connection, place)
            now = {keyed_hash(key, number): hsa_id for number, hsa_id in seen.items()}
            theirs = set(now.values())
            known = {h: hsa_id for h, hsa_id in ids.items() if hsa_id not in theirs} | now
            self._forget(connection, place, [h for h, _id in ids.items() - known.items()])
            new = known.items() - ids.items()
            insert(connection, self.seen_ids, [(place, h, hsa_id) for h, hsa_id in new])
            insert(connection, self.taken_ids, [(place, hsa_id) for hsa_id in theirs - taken])

    def _remembered(
        self, connection: Connection, place: str
    ) -> tuple[frozenset[str], dict[str, str]]:
        seen, taken = self.seen_ids, self.taken_ids
        ids = sa.select(seen.c.person, seen.c.hsa_id).where(seen.c.directory == place)
        known = sa.select(taken.c.hsa_id).where(taken.c.directory == place)
        return (
            frozenset(connection.execute(known).scalars()),
            {row.person: row.hsa_id for row in connection.execute(ids)},
        )

    def _forget(self, connection: Connection, place: str, hashes: Sequence[str]) -> None:
        table = self.seen_ids
        for some in slices(hashes):
            gone = (table.c.directory == place) & table.c.person.in_(some)
            connection.execute(table.delete().where(gone))


_NOTE_RUN = (
    "INSERT INTO runs (id, at, by, as_of) VALUES (:id, :at, :by, :as_of) ON CONFLICT DO NOTHING"
)


# --- audit log ------------------------------------------------------------------------------------


def verify(ledger: Ledger) -> list[Fault]:
    """What is wrong with the audit log: every row that is changed, missing, doubled or moved."""
    with ledger.reading() as connection, _any_text(connection):
        ends = ledger.chain.select().with_only_columns(ledger.chain.c.seq, ledger.chain.c.hash)
        heads = [tuple(row) for row in connection.execute(ends)]
        query = ledger.audit.select().order_by(ledger.audit.c.seq)
        return faults(lambda: _streamed(connection, query), heads)


def rows(ledger: Ledger, first_day: dt.date, last_day: dt.date) -> Iterator[Values]:
    """The audit log's rows of a period, both days included, in Europe/Stockholm.

    Their values stand in the order of schema.COLUMNS["audit"].
    """
    at = ledger.audit.c.at
    within = (at >= _stamp(start_of_day(first_day))) & (at < _stamp(end_of_day(last_day)))
    with ledger.reading() as connection, _any_text(connection):
        query = ledger.audit.select().where(within).order_by(ledger.audit.c.seq)
        yield from _streamed(connection, query)


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Values]:
    found = connection.execute(query, execution_options={"yield_per": SLICE})
    return (tuple(row) for row in found)


def _stamp(moment: dt.datetime) -> str:
    """A moment as the audit log has it: all are equally long, so they compare as text."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """Read text that is not UTF-8, which SQLite's driver stumbles over."""
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def _alarm(doubts: Sequence[Doubt]) -> str:
    """What a run says of doubts, "" if there are none."""
    named = some_of([str(doubt) for doubt in doubts], "; ", "all by audit")
    return f"the ledger is not as its runs left it: {named}" if doubts else ""


def _intent(system: str, intended: Intended) -> AuditRow:
    return AuditRow(
        event="intent",
        provider=intended.provider,
        system=system,
        object=intended.object,
        operation=intended.operation,
        attributes=intended.attributes,
        plan=intended.plan,
    )


# --- holds and remembered ids ---------------------------------------------------------------------


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        id=row.id,
        object=row.object,
        kind=row.kind,
        reason=row.reason,
        by=row.by,
        since=dt.date.fromisoformat(row.since),
        until=dt.date.fromisoformat(row.until) if row.until else None,
        lifted=dt.date.fromisoformat(row.lifted) if row.lifted else None,
        confirmed_by=row.confirmed_by,
    )


def _values(hold: Hold) -> dict[str, str | None]:
    return {
        field.name: value.isoformat() if isinstance(value, dt.date) else value
        for field in fields(hold)
        for value in [getattr(hold, field.name)]
    }


def _place(directory: str) -> str:
    """The name of an HSA directory in the ledger."""
    return hashlib.sha256(directory.encode()).hexdigest()[:16]
