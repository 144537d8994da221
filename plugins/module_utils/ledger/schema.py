# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's tables, and how a database of an earlier version becomes one of this version.

Alembic reads its migrations from a directory, and Ansible packs a module into a zip file that has
none. So they stand here: MIGRATIONS, each of which is applied once, in order and for good. Never
change one that was released; add another. None may change a value in a sealed row, and
a new column of a sealed table begins empty: the seals must stay true.

Days are ISO 8601 text and NULL where there is none; other text is never NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

# Statements that both SQLite and PostgreSQL understand, or a function of the connection.
# pylint takes the target of ansible-test, not the Python that runs it, for its check of unions.
Migration = tuple[str, ...] | Callable[[Any], None]  # pylint: disable=unsupported-binary-operation

# The columns by table, as the last migration leaves them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "audit": (
        "seq", "at", "run", "by", "event", "provider", "system", "object", "operation",
        "attributes", "plan", "refers", "result", "previous", "hash",
    ),
    "chain": ("seq", "hash", "decisions", "seal"),
    "runs": ("id", "at", "by", "as_of"),
    "settings": ("name", "value"),
    "intents": ("seq", "system", "proof"),
    "holds": (
        "id", "object", "kind", "reason", "by", "since", "until", "lifted", "lifted_by",
        "confirmed_by", "seal",
    ),
    "orders": (
        "key", "system", "kind", "recipient", "provider", "object", "subject", "cause", "level",
        "follows", "needs", "due", "protected", "state", "pseudonym", "batch",
        "wanted_on", "ordered_on", "sent_on", "active_on", "closed_on", "seal",
    ),
    "particulars": ("pseudonym", "kind", "content", "seal"),
    "batches": ("id", "system", "recipient", "run", "as_of", "protected", "written"),
    "receipts": ("id", "order_key", "run", "as_of", "state", "pseudonym"),
    "seen_ids": ("directory", "person", "hsa_id"),
    "taken_ids": ("directory", "hsa_id"),
    "facts": ("system", "provider", "person", "fact"),
    "settled": ("system", "provider", "as_of"),
    "losses": ("system", "provider", "kind", "object", "as_of"),
    "refusals": ("run", "system", "provider"),
    "sizes": ("system", "what", "number"),
    "sightings": ("workstation", "last"),
    "marks": ("name", "value"),
    "findings": ("name", "system", "provider", "object", "since", "last", "nights", "told"),
    "licences": (
        "key", "kind", "holder", "object", "provider", "number",
        "assigned", "released", "reassignable_from", "reason",
    ),
    "approvals": (
        "provider", "part", "number", "digest", "principal", "fingerprint", "signature", "as_of",
        "run", "seal",
    ),
    "register_answers": (
        "register", "person", "day", "status", "protected", "names", "licences", "withdrawn",
        "held", "seal",
    ),
}  # fmt: skip

_FIRST: Migration = (
    """
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        run TEXT NOT NULL,
        by TEXT NOT NULL,
        event TEXT NOT NULL,
        provider TEXT NOT NULL,
        system TEXT NOT NULL,
        object TEXT NOT NULL,
        operation TEXT NOT NULL,
        attributes TEXT NOT NULL,
        plan TEXT NOT NULL,
        refers INTEGER,
        result TEXT NOT NULL,
        previous TEXT NOT NULL,
        hash TEXT NOT NULL
    )
    """,
    "CREATE INDEX audit_at ON audit (at)",
    "CREATE TABLE chain (seq INTEGER NOT NULL, hash TEXT NOT NULL)",
    "INSERT INTO chain (seq, hash) VALUES (0, '')",
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, at TEXT NOT NULL, by TEXT NOT NULL, as_of TEXT NOT NULL
    )
    """,
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE intents (seq INTEGER PRIMARY KEY, system TEXT NOT NULL, proof TEXT NOT NULL)",
    """
    CREATE TABLE holds (
        id TEXT PRIMARY KEY,
        object TEXT NOT NULL,
        kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        by TEXT NOT NULL,
        since TEXT NOT NULL,
        until TEXT,
        lifted TEXT,
        lifted_by TEXT NOT NULL DEFAULT ''
    )
    """,
    """
    CREATE TABLE orders (
        key TEXT PRIMARY KEY,
        system TEXT NOT NULL,
        kind TEXT NOT NULL,
        recipient TEXT NOT NULL,
        provider TEXT NOT NULL,
        object TEXT NOT NULL,
        subject TEXT NOT NULL DEFAULT '',
        cause TEXT NOT NULL DEFAULT '',
        level INTEGER NOT NULL DEFAULT 0,
        follows TEXT NOT NULL DEFAULT '',
        needs TEXT NOT NULL DEFAULT '',
        due TEXT,
        protected INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL,
        pseudonym TEXT NOT NULL DEFAULT '',
        batch TEXT NOT NULL DEFAULT '',
        wanted_on TEXT,
        ordered_on TEXT,
        sent_on TEXT,
        active_on TEXT,
        closed_on TEXT
    )
    """,
    "CREATE INDEX orders_state ON orders (system, state)",
    "CREATE INDEX orders_batch ON orders (batch)",
    """
    CREATE TABLE particulars (
        pseudonym TEXT NOT NULL,
        kind TEXT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (pseudonym, kind)
    )
    """,
    """
    CREATE TABLE batches (
        id TEXT PRIMARY KEY,
        system TEXT NOT NULL,
        recipient TEXT NOT NULL,
        run TEXT NOT NULL,
        as_of TEXT NOT NULL,
        protected INTEGER NOT NULL DEFAULT 0,
        written TEXT
    )
    """,
    """
    CREATE TABLE receipts (
        id TEXT PRIMARY KEY,
        order_key TEXT NOT NULL,
        run TEXT NOT NULL,
        as_of TEXT NOT NULL,
        state TEXT NOT NULL,
        pseudonym TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX receipts_order ON receipts (order_key)",
    """
    CREATE TABLE seen_ids (
        directory TEXT NOT NULL,
        person TEXT NOT NULL,
        hsa_id TEXT NOT NULL,
        PRIMARY KEY (directory, person)
    )
    """,
    """
    CREATE TABLE taken_ids (
        directory TEXT NOT NULL, hsa_id TEXT NOT NULL, PRIMARY KEY (directory, hsa_id)
    )
    """,
)

_MEMORY: Migration = (
    """
    CREATE TABLE facts (
        system TEXT NOT NULL,
        provider TEXT NOT NULL,
        person TEXT NOT NULL,
        fact TEXT NOT NULL,
        PRIMARY KEY (system, provider, person, fact)
    )
    """,
    """
    CREATE TABLE settled (
        system TEXT NOT NULL,
        provider TEXT NOT NULL,
        as_of TEXT NOT NULL,
        PRIMARY KEY (system, provider)
    )
    """,
    """
    CREATE TABLE losses (
        system TEXT NOT NULL,
        provider TEXT NOT NULL,
        kind TEXT NOT NULL,
        object TEXT NOT NULL,
        as_of TEXT NOT NULL,
        PRIMARY KEY (system, provider, kind, object, as_of)
    )
    """,
    """
    CREATE TABLE refusals (
        run TEXT NOT NULL,
        system TEXT NOT NULL,
        provider TEXT NOT NULL,
        PRIMARY KEY (run, system, provider)
    )
    """,
    """
    CREATE TABLE sizes (
        system TEXT NOT NULL,
        what TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (system, what)
    )
    """,
)

_AGE: Migration = ("CREATE INDEX audit_object ON audit (object)",)

_NIGHTS: Migration = (
    """
    CREATE TABLE findings (
        name TEXT NOT NULL,
        system TEXT NOT NULL,
        provider TEXT NOT NULL,
        object TEXT NOT NULL,
        since TEXT NOT NULL,
        last TEXT NOT NULL,
        nights INTEGER NOT NULL,
        told INTEGER NOT NULL,
        PRIMARY KEY (name, system, provider, object)
    )
    """,
    "CREATE TABLE sightings (workstation TEXT PRIMARY KEY, last TEXT NOT NULL)",
    "CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)

# NULL where a second person is waited for.
_SECOND_PERSON: Migration = ("ALTER TABLE holds ADD COLUMN confirmed_by TEXT DEFAULT ''",)

_SEALS: Migration = (
    "CREATE INDEX audit_event ON audit (event)",
    "ALTER TABLE chain ADD COLUMN decisions TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE chain ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE holds ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE orders ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE particulars ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
)

_LICENCES: Migration = (
    """
    CREATE TABLE licences (
        key TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        holder TEXT NOT NULL,
        object TEXT NOT NULL,
        provider TEXT NOT NULL,
        number INTEGER NOT NULL,
        assigned TEXT NOT NULL,
        released TEXT,
        reassignable_from TEXT,
        reason TEXT NOT NULL DEFAULT ''
    )
    """,
    "CREATE UNIQUE INDEX licences_number ON licences (kind, number) WHERE released IS NULL",
)

_APPROVALS: Migration = (
    """
    CREATE TABLE approvals (
        provider TEXT NOT NULL,
        part TEXT NOT NULL,
        number INTEGER NOT NULL,
        digest TEXT NOT NULL,
        principal TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        signature TEXT NOT NULL,
        as_of TEXT NOT NULL,
        run TEXT NOT NULL,
        seal TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (provider, part, number)
    )
    """,
)

_REGISTERS: Migration = (
    """
    CREATE TABLE register_answers (
        register TEXT NOT NULL,
        person TEXT NOT NULL,
        day TEXT NOT NULL,
        status TEXT NOT NULL,
        protected TEXT NOT NULL,
        names TEXT NOT NULL,
        licences TEXT NOT NULL,
        withdrawn TEXT NOT NULL,
        held TEXT NOT NULL,
        seal TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (register, person)
    )
    """,
)

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST, _MEMORY, _AGE, _NIGHTS, _SECOND_PERSON, _SEALS, _LICENCES, _APPROVALS,
    _REGISTERS,
)  # fmt: skip


def migrate(connection: Any, version: int, migrations: Sequence[Migration]) -> None:
    """Apply the migrations after `version`, within the caller's transaction."""
    if version == 0:
        connection.exec_driver_sql("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        connection.exec_driver_sql("INSERT INTO schema_version (version) VALUES (0)")
    for migration in migrations[version:]:
        if callable(migration):
            migration(connection)
        else:
            for statement in migration:
                connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"UPDATE schema_version SET version = {len(migrations)}")
