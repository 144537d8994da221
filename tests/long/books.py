# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a history, in as few words as the machine changes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.rules import check_record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    NPO,
    TODAY,
    assignment,
    coordination_number,
    number,
    record,
    unit,
)

UNITS = ("vc", "norr")
SYSTEMS = (JOURNAL, NPO, ECG)
# Beside the default, which asks for patient data.
PURPOSES = ("Vård och behandling", "Statistik")

Span = tuple[dt.date, dt.date | None]


@dataclass(frozen=True)
class Job:
    """An assignment."""

    unit: str
    purpose: str
    first: dt.date
    last: dt.date | None = None
    away: Span | None = None
    systems: tuple[str, ...] = SYSTEMS


@dataclass(frozen=True)
class Row:
    """A person's row; its `ref` never changes, whoever stands in it."""

    ref: str
    number: str
    given: str
    surname: str
    jobs: tuple[Job, ...]
    previous: tuple[str, ...] = ()
    protected: bool = False
    mail: str | None = None
    phone: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """All numbers that the row calls one person's."""
        return (self.number, *self.previous)

    @property
    def words(self) -> frozenset[str]:
        """What tells who it is."""
        told = (self.given, self.surname, self.mail, self.phone)
        return frozenset(word for word in told if word)


@dataclass(frozen=True)
class Provider:
    """A record."""

    id: str
    rows: tuple[Row, ...] = ()
    starts: dt.date = dt.date(2026, 1, 1)
    ends: dt.date | None = None
    connected: bool = True
    closes: tuple[tuple[str, dt.date], ...] = ()

    def with_row(self, place: int, row: Row) -> Provider:
        """The same with another row in a place."""
        return replace(self, rows=(*self.rows[:place], row, *self.rows[place + 1 :]))

    def without_row(self, place: int) -> Provider:
        """The same without the row in a place."""
        return replace(self, rows=(*self.rows[:place], *self.rows[place + 1 :]))


@dataclass(frozen=True)
class Books:
    """The record directory: `broken` are the invalid records, `gone` the folders that are away."""

    providers: dict[str, Provider]
    broken: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    _read: tuple[Provider, ...] = field(init=False, default=())

    @property
    def invalid(self) -> frozenset[str]:
        """The providers whose record is there and cannot be used."""
        wrong = {p.id for p in self.providers.values() if not is_valid(p)}
        return self.broken.union(wrong) - self.gone

    @property
    def readable(self) -> tuple[Provider, ...]:
        """The records that count."""
        out = self.invalid | self.gone
        return tuple(p for name, p in sorted(self.providers.items()) if name not in out)

    def rows(self) -> Iterator[tuple[Provider, Row]]:
        """Every row that can be read."""
        for provider in self.readable:
            for row in provider.rows:
                yield provider, row

    def put(self, provider: Provider) -> Books:
        """The same with a record as it is now."""
        return replace(self, providers={**self.providers, provider.id: provider})


def new_row(index: int, jobs: tuple[Job, ...], serial: int = 0) -> Row:
    """The row of an invented person; no word of it is part of another's."""
    word = f"{index:02d}x{serial:02d}"
    return Row(
        ref=f"r-{index}", number=number(index), given=f"Givna{word}", surname=f"Efter{word}",
        jobs=jobs, mail=f"post{word}@example.org", phone=f"070-1{index:02d} {serial:02d} 77",
    )  # fmt: skip


def other_number(index: int) -> str:
    """A number that the person had before, or has after."""
    return coordination_number(index)


@lru_cache(maxsize=4096)
def as_record(provider: Provider) -> Record:
    """The record as modules receive it."""
    closes = dict(provider.closes)
    return record(
        provider.id,
        [_person(row) for row in provider.rows],
        units=[
            unit(name, **({"closes": str(closes[name])} if name in closes else {}))
            for name in UNITS
        ],
        agreement={
            "operation_start": str(provider.starts),
            **({"ends": str(provider.ends)} if provider.ends else {}),
        },
        **({} if provider.connected else {"sjunet": {}}),
        services=["vardutbud_bas", "stodapplikationer", *SYSTEMS],
    )


@lru_cache(maxsize=4096)
def is_valid(provider: Provider) -> bool:
    """Whether the record has no fault; the days of birth are long past."""
    return not check_record(as_record(provider), ["SE2321000214-"], TODAY)


def faults(provider: Provider) -> list[str]:
    """Why a record is invalid, for who writes the machine."""
    return [p.message for p in check_record(as_record(provider), ["SE2321000214-"], TODAY)]


def _person(row: Row) -> dict[str, Any]:
    is_coordination = int(row.number[6:8]) > 60
    return {
        "ref": row.ref,
        "samordningsnummer" if is_coordination else "personnummer": row.number,
        "previous_numbers": list(row.previous),
        "given_name": row.given,
        "surname": row.surname,
        "protected": row.protected,
        "mail": row.mail,
        "phone": row.phone,
        "assignments": [_assignment(job) for job in row.jobs],
        "cards": [{"kind": "ordinary", "loa": 2, "office": "Östersund"}],
    }


def _assignment(job: Job) -> dict[str, Any]:
    suspended = {}
    if job.away:
        first, last = job.away
        suspended = {"suspended": {"from": str(first), **({"to": str(last)} if last else {})}}
    return assignment(
        job.unit, since=str(job.first), purpose=job.purpose, systems=list(job.systems),
        **({"to": str(job.last)} if job.last else {}), **suspended,
    )  # fmt: skip
