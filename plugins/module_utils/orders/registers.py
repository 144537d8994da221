# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer files of registers: read, and put away once their good lines are in the ledger.

A file that was taken in is removed, not kept: it tells of everybody in it, and who is protected.
Lines that are wrong go to `rejected/` with a file of reasons. Whatever a killed run did not come to
do, the next one does: what was taken in changes nothing a second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..engine.orders import REGISTERS, REJECTED
from ..records.identifiers import shown
from . import files, statements, trays
from .cells import harmless_file
from .lines import Answers, InboxError
from .statements import Statement
from .trays import Place


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that tells nothing; line 0 is the file as a whole."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as it was read: what it says, and what of it is kept, with the reasons.

    `is_read` is not so of one of another kind, whose content nobody has looked at.
    """

    place: Place
    content: bytes = b""
    said: tuple[Statement, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    kept: bytes = b""
    is_read: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """All files of the registers' folder, and what is wrong with that folder, or a file of it."""

    files: tuple[Opened, ...] = ()
    faults: tuple[Rejected, ...] = ()

    @property
    def said(self) -> Iterator[Statement]:
        """What all of them say."""
        return (statement for file in self.files for statement in file.said)

    @property
    def rejected(self) -> list[Rejected]:
        """All that could not be taken in."""
        return [*self.faults, *(one for file in self.files for one in file.rejected)]


def read(inbox: Path, as_of: dt.date) -> Reading:
    """Read what registers have left. Raises FileError where the inbox cannot be read."""
    survey = trays.survey(inbox, lambda folder: folder == REGISTERS)
    faults = [Rejected(fault.folder, 0, fault.reason) for fault in survey.faults]
    opened: list[Opened] = []
    for place in survey.files:
        try:
            opened.append(_opened(place, files.read(place.path, trays.MOST), as_of))
        except files.NotTaken as error:
            told = (Rejected(place.shown, 0, str(error)),)
            opened.append(Opened(place, rejected=told, is_read=False))
        except (files.FileError, OSError) as error:
            faults.append(Rejected(place.shown, 0, shown(str(error))))
    return Reading(tuple(opened), tuple(faults))


def _opened(place: Place, content: bytes, as_of: dt.date) -> Opened:
    try:
        answers = statements.parse(place.path.name, content, as_of)
    except InboxError as error:
        is_csv = place.path.name.casefold().endswith(".csv")
        rest = harmless_file(content) if is_csv else content
        return Opened(place, content, (), (Rejected(place.shown, 0, str(error)),), rest)
    said = tuple(line.said for line in answers.lines if line.said)
    return Opened(place, content, said, *_bad(place, answers))


def _bad(place: Place, answers: Answers[Statement]) -> tuple[tuple[Rejected, ...], bytes]:
    bad = [line for line in answers.lines if not line.said]
    return tuple(Rejected(place.shown, n.number, n.error) for n in bad), answers.only(bad)


def put_away(reading: Reading) -> tuple[list[str], list[Rejected]]:
    """Remove the files that were taken in, and keep what was rejected of them.

    Returns the files of reasons, and the files that stay because something failed.
    """
    notes: list[str] = []
    stay: list[Rejected] = []
    for opened in reading.files:
        try:
            notes += _put_away(opened)
        except (files.FileError, OSError) as error:
            stay.append(Rejected(opened.place.shown, 0, shown(str(error))))
    return notes, stay


def _put_away(opened: Opened) -> Sequence[str]:
    place = opened.place
    if not opened.is_read:
        _told, note = trays.set_aside(place, opened.rejected[0].reason, check=False)
        return [note] if note else []
    # Where somebody went on writing, the next run reads it again.
    if files.read(place.path, trays.MOST) != opened.content:
        return []
    reasons = [f"line {one.line}: {one.reason}" for one in opened.rejected]
    note = trays.keep(place, REJECTED, opened.kept, reasons)
    files.remove(place.path)
    return [note] if note else []
