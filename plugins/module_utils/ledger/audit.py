# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit log as a chain: each row holds the hash of the row before.

A row's hash is SHA-256, in hexadecimal, over the JSON array of its values in the order of the
table's columns, `hash` left out: no blanks, everything but ASCII escaped. The first row's
`previous` is empty. The head, (seq, hash) of the last row, stands in a table of its own, so that
rows missing at the end are found too. Who can write to the database can also write a whole new
chain: keep the head of an export where they cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# Bytes stand where text should only if somebody wrote to the file: a list is like no right value.
_encode = json.JSONEncoder(separators=(",", ":"), default=lambda odd: [repr(odd)]).encode
# So many odd rows are compared with so many places that they may come from.
_PLACES = 500


class AuditRow(NamedTuple):
    """What happened. `provider`, `attributes` and `plan` are lists joined by commas.

    `object` is "<kind> <id>", `refers` the seq of the row that this one is about. Nothing here is a
    name or a personal number: rows are kept for good.
    """

    event: str
    provider: str = ""
    system: str = ""
    object: str = ""
    operation: str = ""
    attributes: str = ""
    plan: str = ""
    refers: int | None = None
    result: str = ""


class Head(NamedTuple):
    """The last row of a chain; the first one follows an empty one."""

    seq: int = 0
    hash: str = ""


# pylint takes the target of ansible-test, not the Python that runs it, for its check of unions.
Values = tuple[int | str | None, ...]  # pylint: disable=unsupported-binary-operation


def chained(rows: Iterable[AuditRow], head: Head, at: str, run: str, by: str) -> list[Values]:
    """The rows after `head` as values in the order of the table's columns."""
    values: list[Values] = []
    previous = head.hash
    for seq, row in enumerate(rows, head.seq + 1):
        content = (seq, at, run, by, *row, previous)
        previous = digest(content)
        values.append((*content, previous))
    return values


def digest(content: Values) -> str:
    """The hash of a row's values, `hash` left out."""
    return hashlib.sha256(_encode(content).encode()).hexdigest()


# --- verification ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is not as it was written, by its number, and what is wrong with it."""

    seq: int
    message: str


def faults(read: Callable[[], Iterable[Values]], heads: Sequence[tuple[Any, ...]]) -> list[Fault]:
    """What is wrong with a chain: `read` gives its rows by seq, `heads` what stands as its head.

    A row is blamed for what is in it: the ones after it are right when they hold the hash that it
    had. It takes one walk, and another one if rows are odd, to see where they come from.
    """
    found: list[Fault] = []
    odd: list[Values] = []
    last, whole = Head(), True
    for row in read():
        seq, previous, hash_ = row[0], row[-2], row[-1]
        before, intact = last, whole
        last, whole = Head(seq, hash_), digest(row[:-1]) == hash_  # type: ignore[arg-type]
        if not whole:
            odd.append(row)
        if last.seq != before.seq + 1:
            found.append(_out_of_turn(before.seq, last.seq))
        elif whole and intact and previous != before.hash:
            blamed = max(before.seq, 1)
            found.append(Fault(blamed, f"changed: row {seq} holds another hash of the one before"))
    found += _at_the_end(last, whole, heads)
    found += _explained(odd, read, found)
    return sorted(found, key=lambda fault: fault.seq)


def _out_of_turn(before: int, seq: int) -> Fault:
    if seq > before:
        return _missing(before + 1, seq - 1)
    return Fault(seq, "doubled: two rows have this number" if seq == before else "added")


def _missing(first: int, last: int) -> Fault:
    return Fault(first, "missing" if first == last else f"missing, and all to row {last}")


def _at_the_end(last: Head, whole: bool, heads: Sequence[tuple[Any, ...]]) -> list[Fault]:
    if len(heads) != 1 or not isinstance(heads[0][0], int):
        return [Fault(last.seq, "the chain's head, which names the last row, is damaged")]
    seq, hash_ = heads[0]
    if seq > last.seq:
        return [_missing(last.seq + 1, seq)]
    if seq < last.seq:
        return [Fault(seq + 1, f"added: the chain ends with row {seq}")]
    if whole and hash_ != last.hash:
        return [Fault(last.seq, "changed: the chain's head holds another hash of it")]
    return []


def _explained(
    odd: Sequence[Values], read: Callable[[], Iterable[Values]], found: Sequence[Fault]
) -> list[Fault]:
    """Odd rows as copies of others, as rows from another place, or else as changed ones."""
    if not odd:
        return []
    hashes = {row[-1] for row in odd}
    originals = {row[-1]: row[0] for row in read() if row[-1] in hashes and _is_whole(row)}
    places = [row[0] for row in odd[:_PLACES]]
    places += [fault.seq for fault in found if fault.message.startswith("missing")][:_PLACES]
    return [Fault(row[0], _explanation(row, originals, places)) for row in odd]  # type: ignore[arg-type]


def _explanation(row: Values, originals: Mapping[Any, Any], places: Iterable[Any]) -> str:
    if row[-1] in originals:
        return f"doubled: a copy of row {originals[row[-1]]}"
    for seq in places:
        if digest((seq, *row[1:-1])) == row[-1]:
            return f"moved: it is row {seq}"
    return "changed"


def _is_whole(row: Values) -> bool:
    return digest(row[:-1]) == row[-1]
