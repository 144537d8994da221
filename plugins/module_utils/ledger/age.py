# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ledger is an older copy, or another one: it would forget holds, and order twice.

Each controller keeps, in a file of its own, the head of the audit log that each system's last run
left. What we made elsewhere tells too: the audit log names whatever was written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ..records.words import some_of
from . import locks
from .audit import Head
from .database import LedgerError, slices
from .tables import Tables

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_FILE = "heads.json"
# What the last run of any kind is called in it: it counts for a system that has not run yet.
_ANY = ""
# An event of the audit log: a person vouched for a ledger that did not know of an object.
ACCEPTED = "accepted"
_OLD = "the ledger is an older copy, or another one"


def alarm(ledger: Tables, system: str, witnesses: Collection[str], marked: int = 0) -> str:
    """Why the ledger is not the one that the system's last run left, "" if it may be.

    `witnesses` are objects elsewhere that no run can have made without naming them in the log, and
    `marked` is how many in the system carry a key of ours.
    """
    heads = _heads(ledger)
    head = heads.get(system, heads.get(_ANY, Head()))
    with ledger.reading() as connection:
        if not _holds(ledger, connection, head):
            return f"{_OLD}: it has not row {head.seq} of the audit log, where the last run ended"
        strange = unknown(ledger, connection, system, witnesses)
        if marked and not knows_of(ledger, connection, system):
            return f"{_OLD}: it knows nothing of {system}, where {marked} entries have our keys"
    return f"{_OLD}: it knows nothing of {some_of(strange)}" if strange else ""


def knows_of(ledger: Tables, connection: Connection, system: str) -> bool:
    """Whether the audit log tells of anything in a system."""
    query = ledger.audit.select().where(ledger.audit.c.system == system).limit(1)
    return connection.execute(query).first() is not None


def lost_heads(ledger: Tables, others: Iterable[Head] = ()) -> list[str]:
    """The known heads that are not in the log, in words: those of the file, and others."""
    known = [
        (head, f"where the last run{name and f' of {name}'} ended")
        for name, head in _heads(ledger).items()
    ]
    known += [(head, "which is a known head") for head in others]
    with ledger.reading() as connection:
        return [
            f"row {head.seq}: missing, or another one, {why}"
            for head, why in known
            if not _holds(ledger, connection, head)
        ]


def unknown(
    ledger: Tables, connection: Connection, system: str, objects: Collection[str]
) -> list[str]:
    """Those of the objects that the audit log does not name, sorted."""
    audit = ledger.audit.c
    known: set[str] = set()
    for some in slices(sorted(objects)):
        named = (audit.event != ACCEPTED) | (audit.system == system)
        query = ledger.audit.select().where(audit.object.in_(some) & named)
        known.update(connection.execute(query.with_only_columns(audit.object)).scalars())
    return sorted(set(objects) - known)


def move(ledger: Tables, head: Head, system: str | None = None) -> None:
    """Keep the head as the last one of `system`, and of each system whose last one is before it."""
    try:
        with locks.exclusive(ledger.directory, _FILE):
            heads = _heads(ledger)
            with ledger.reading() as connection:
                moved = {name for name, last in heads.items() if _holds(ledger, connection, last)}
            if system is not None:
                moved |= {system, _ANY}
            elif _ANY not in heads:
                moved.add(_ANY)
            _write(ledger, {**heads, **dict.fromkeys(moved, head)})
    except (OSError, locks.Locked) as error:
        raise LedgerError(f"{ledger.directory / _FILE}: {error}") from None


def _holds(ledger: Tables, connection: Connection, head: Head) -> bool:
    audit = ledger.audit
    query = audit.select().where(audit.c.seq == head.seq).with_only_columns(audit.c.hash)
    return head.seq == 0 or connection.execute(query).scalar_one_or_none() == head.hash


def _heads(ledger: Tables) -> dict[str, Head]:
    """The heads by system. Raises LedgerError."""
    path = ledger.directory / _FILE
    try:
        content = json.loads(path.read_bytes())
        return {system: Head(int(seq), str(hash_)) for system, (seq, hash_) in content.items()}
    except FileNotFoundError:
        return {}
    except (AttributeError, OSError, TypeError, ValueError):
        raise LedgerError(f"{path}, which says where the audit log ended, cannot be read") from None


def _write(ledger: Tables, heads: Mapping[str, Head]) -> None:
    """Replace the file as a whole."""
    path = ledger.directory / _FILE
    part = path.with_name(f".{_FILE}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
        json.dump(heads, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
