# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what became of orders, from answer files in an inbox directory to the ledger.

The good lines of a file are committed together, each once. Then the lines that were rejected go to
`rejected/`, those that a person must confirm to `waiting/`, each with a file of reasons beside it,
and the whole file goes to `handled/`. Whatever a killed run did not come to do, the next one does:
it knows the receipts that were applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ..engine.orders import REGISTERS, REJECTED, WAITING
from ..ledger.ledger import Ledger
from ..records.identifiers import shown
from . import files, trays
from .book import SYSTEMS, name_of
from .cells import harmless_file
from .inbox import Answers, InboxError, Line, Receipt, parse
from .news import Applied, Settled, Terms, settle
from .trays import Place

__all__ = ["Applied", "Rejected", "Report", "Terms", "apply"]

_NO_PLACE = "expected in the folder of its recipient, as in the outbox: it was not read"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that could not be applied, or waits; line 0 is the file as a whole."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the answer files. `duplicates` counts lines that add nothing.

    `reasons` are the files that say why, of all that was rejected, or waits, and put away.
    """

    applied: tuple[Applied, ...] = ()
    duplicates: int = 0
    rejected: tuple[Rejected, ...] = ()
    reasons: tuple[str, ...] = ()


def apply(ledger: Ledger, inbox: Path, terms: Terms = Terms()) -> Report:  # noqa: B008 - frozen
    """Apply all answer files in the inbox, in the order of their recipients and names.

    A file that cannot be put away is told as rejected, and stays. Check mode writes and moves
    nothing, and judges each file by what the ledger holds. Raises LedgerError and Locked, and
    FileError where the inbox cannot be read, or is open to others.
    """
    with ExitStack() as locks:
        if not ledger.check:
            # No plan may be made of orders as they were before.
            for system in SYSTEMS:
                locks.enter_context(ledger.exclusive(name_of(system)))
        survey = trays.survey(inbox, lambda folder: folder != REGISTERS)
        reports = [
            *(Report(rejected=(Rejected(f.folder, 0, f.reason),)) for f in survey.faults),
            *(_set_aside(ledger, place, _NO_PLACE) for place in survey.strays),
            *(_apply_file(ledger, place, terms) for place in survey.files),
        ]
    return Report(
        tuple(chain.from_iterable(report.applied for report in reports)),
        sum(report.duplicates for report in reports),
        tuple(chain.from_iterable(report.rejected for report in reports)),
        tuple(chain.from_iterable(report.reasons for report in reports)),
    )


def _set_aside(ledger: Ledger, place: Place, reason: str) -> Report:
    """Put a file away unread, and tell it, once."""
    try:
        told, note = trays.set_aside(place, reason, ledger.check)
    except (files.FileError, OSError) as error:
        return Report(rejected=(Rejected(place.shown, 0, shown(str(error))),))
    rejected = (Rejected(place.shown, 0, told),) if told else ()
    return Report(rejected=rejected, reasons=(note,) if note else ())


def _apply_file(ledger: Ledger, place: Place, terms: Terms) -> Report:
    report = Report()
    try:
        content = files.read(place.path, trays.MOST)
        outcome = _judge(ledger, place, content, terms)
        report = outcome.report
        # Where somebody went on writing, the next run reads it again.
        if not ledger.check and files.read(place.path, trays.MOST) == content:
            report = replace(report, reasons=_put_away(place, content, outcome))
    except files.NotTaken as error:
        aside = _set_aside(ledger, place, str(error))
        return replace(aside, applied=report.applied, duplicates=report.duplicates)
    except (files.FileError, OSError) as error:
        # What was committed by then is told all the same, and the other files are read.
        failure = Rejected(place.shown, 0, shown(str(error)))
        return replace(report, rejected=(failure, *report.rejected))
    return report


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What comes of a file: the report, and by tray what goes there with the reasons."""

    report: Report
    kept: tuple[tuple[str, bytes, tuple[str, ...]], ...] = ()


def _judge(ledger: Ledger, place: Place, content: bytes, terms: Terms) -> _Outcome:
    try:
        answers = parse(place.path.name, content)
    except InboxError as error:
        is_csv = place.path.name.casefold().endswith(".csv")
        rest = harmless_file(content) if is_csv else content
        return _whole(place, REJECTED, rest, str(error))
    settled = settle(ledger, answers, place.recipient, terms)
    if settled.refusal:
        return _whole(place, WAITING, answers.only(answers.lines), settled.refusal)
    return _by_line(place, answers, settled)


def _whole(place: Place, tray: str, rest: bytes, reason: str) -> _Outcome:
    report = Report(rejected=(Rejected(place.shown, 0, reason),))
    return _Outcome(report, ((tray, rest, (f"file: {reason}",)),))


def _by_line(place: Place, answers: Answers[Receipt], settled: Settled) -> _Outcome:
    def kept(
        tray: str, lines: Sequence[tuple[Line[Receipt], str]]
    ) -> tuple[str, bytes, tuple[str, ...]]:
        reasons = tuple(f"line {line.number}: {reason}" for line, reason in lines)
        return tray, answers.only([line for line, _reason in lines]), reasons

    told = sorted((*settled.rejected, *settled.waits), key=lambda pair: pair[0].number)
    rejected = tuple(Rejected(place.shown, line.number, reason) for line, reason in told)
    report = Report(tuple(settled.applied), settled.duplicates, rejected)
    return _Outcome(report, (kept(REJECTED, settled.rejected), kept(WAITING, settled.waits)))


def _put_away(place: Place, content: bytes, outcome: _Outcome) -> tuple[str, ...]:
    """Put a file and what is kept of it where it belongs; returns the files of reasons.

    What waits, and has waited before, lies where it belongs. Raises FileError and OSError.
    """
    kept = [each for each in outcome.kept if each[2]]
    notes = tuple(trays.keep(place, *each) for each in kept)
    if not (place.waits and any(each[:2] == (WAITING, content) for each in kept)):
        trays.put_away(place, content)
    return notes
