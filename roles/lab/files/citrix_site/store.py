# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site remembers: rows in memory, and in an SQLite file from which it starts again."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Store:
    """The file. Written at once, kept when the process is killed; `commit` after each call."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.database = sqlite3.connect(path)
        # The lab survives a killed process, not a crash of the machine.
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.execute(
            "CREATE TABLE IF NOT EXISTS row "
            "(kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def rows(self, kind: str) -> Iterator[Row]:
        """All rows of a kind. Many at a time, so that rows share the names of their fields."""
        found = self.database.execute("SELECT body FROM row WHERE kind = ?", (kind,))
        while bodies := found.fetchmany(10_000):
            yield from json.loads(f"[{','.join(body for (body,) in bodies)}]")

    def put(self, kind: str, rows: Iterable[tuple[str, Row]]) -> None:
        self.database.executemany(
            "INSERT OR REPLACE INTO row VALUES (?, ?, ?)",
            ((kind, key, json.dumps(row, ensure_ascii=False)) for key, row in rows),
        )

    def remove(self, kind: str, key: str) -> None:
        self.database.execute("DELETE FROM row WHERE kind = ? AND key = ?", (kind, key))

    def commit(self) -> None:
        self.database.commit()

    def close(self) -> None:
        self.database.close()


class Table:
    """Rows of one kind by their key. A row is replaced whole; `version` counts the writes."""

    def __init__(self, store: Store, kind: str, key: str = "Id") -> None:
        self.store, self.kind, self.key = store, kind, key
        self.by_key = {row[key]: row for row in store.rows(kind)}
        self.version = 0

    def get(self, key: Any) -> Row | None:
        return self.by_key.get(key)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.by_key.values())

    def __len__(self) -> int:
        return len(self.by_key)

    def put(self, *rows: Row) -> None:
        self.version += 1
        self.by_key.update((row[self.key], row) for row in rows)
        self.store.put(self.kind, ((str(row[self.key]), row) for row in rows))

    def change(self, key: Any, **values: Any) -> Row:
        """Write some fields of a row that is there; the row as it is then."""
        changed = {**self.by_key[key], **values}
        self.put(changed)
        return changed

    def remove(self, key: Any) -> None:
        self.version += 1
        del self.by_key[key]
        self.store.remove(self.kind, str(key))


class Clock:
    """The site's time: the machine's, moved by what /lab/clock says. It goes on ticking."""

    def __init__(self, settings: Table) -> None:
        self.settings = settings

    def now(self) -> dt.datetime:
        moved = self.settings.get("clock") or {"seconds": 0.0}
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=moved["seconds"])

    def set(self, now: dt.datetime) -> None:
        moved = (now - dt.datetime.now(dt.UTC)).total_seconds()
        self.settings.put({"Id": "clock", "seconds": moved})


def stamp(when: dt.datetime) -> str:
    """A moment as Monitor has it: UTC with Z, three decimals, so that text compares as time."""
    when = when.astimezone(dt.UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
