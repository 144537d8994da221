# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of an inbox: each recipient's own, and those of what was taken from them.

Who can write to a recipient's folder answers for the recipient. So the inbox itself is the user's
of the runs or root's, who alone say which folders there are; `handled`, `rejected` and `waiting`
are the user's own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..engine.orders import HANDLED, REJECTED, WAITING
from ..records.identifiers import mask
from . import files

# An answer is a line of less than 500 bytes: this holds ten thousand, more than any batch.
MOST = 5 * 2**20
# What a program calls a file that it has not finished writing.
_UNFINISHED = (".part", ".tmp")
_REASONS = ".reasons.txt"
_OURS = (HANDLED, REJECTED, WAITING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies: in the folder of a recipient, which is "" of a file in none.

    `waits` says that it lies among what waits until a person confirms it.
    """

    inbox: Path
    recipient: str
    path: Path
    waits: bool = False

    @property
    def shown(self) -> str:
        """The file in messages."""
        return shown(str(self.path.relative_to(self.inbox)))

    def tray(self, name: str) -> Path:
        """The path of the same name among what was handled, rejected, or waits."""
        return self.inbox / name / self.recipient / self.path.name


@dataclass(frozen=True, slots=True)
class Fault:
    """A folder that is not read, and why."""

    folder: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies in an inbox: files to read, files that lie in no recipient's folder, faults."""

    files: tuple[Place, ...]
    strays: tuple[Place, ...]
    faults: tuple[Fault, ...]


def shown(name: str) -> str:
    """The name of a file in messages: it may be anything."""
    return mask(name.encode(errors="replace").decode())


def survey(inbox: Path, chosen: Callable[[str], bool]) -> Survey:
    """Look at an inbox, at the folders that are chosen by their names; what waits comes first.

    Raises FileError where the inbox, or a folder of what was taken from it, is not as it must be.
    """
    try:
        files.check_folder(inbox, (os.geteuid(), 0), stat.S_IWGRP | stat.S_IWOTH)
    except FileNotFoundError as error:
        raise files.FileError(f"{inbox}: {error.strerror}") from None
    for name in _OURS:
        with suppress(FileNotFoundError):
            files.check_folder(inbox / name, (os.geteuid(),), stat.S_IWGRP | stat.S_IWOTH)
    paths = [path for path in _listed(inbox) if path.name not in _OURS]
    faults: list[Fault] = []
    folders = (path for path in paths if path.is_dir() and chosen(path.name))
    waiting = (place for place in _waiting(inbox) if chosen(place.recipient))
    found = [*waiting, *_answers(inbox, folders, faults)]
    strays = [Place(inbox, "", path) for path in paths if not path.is_dir()]
    return Survey(tuple(found), tuple(strays), tuple(faults))


def _waiting(inbox: Path) -> Iterator[Place]:
    if not (inbox / WAITING).exists():
        return
    for folder in filter(Path.is_dir, _listed(inbox / WAITING)):
        for path in _listed(folder):
            if not path.name.endswith(_REASONS) and not _is_folder(path):
                yield Place(inbox, folder.name, path, waits=True)


def _answers(inbox: Path, folders: Iterator[Path], faults: list[Fault]) -> Iterator[Place]:
    for folder in folders:
        try:
            # A recipient may be let in by a group, or an access control list, which shows there.
            files.check_folder(folder, (os.geteuid(), 0), stat.S_IWOTH)
            paths = _listed(folder)
        except (files.FileError, FileNotFoundError) as error:
            faults.append(Fault(shown(folder.name), mask(str(error))))
            continue
        yield from (Place(inbox, folder.name, path) for path in paths if not _is_folder(path))


def _listed(folder: Path) -> list[Path]:
    """What is neither hidden nor still being written. Raises FileError."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise files.FileError(f"{folder}: {error.strerror}") from None
    return [
        path
        for path in paths
        if not path.name.startswith(".") and not path.name.casefold().endswith(_UNFINISHED)
    ]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


# --- what becomes of files -----------------------------------------------------------------------


def set_aside(place: Place, reason: str, check: bool) -> tuple[str, str]:
    """Put a file away unread; returns why, and the file that says so: both "" if it was told.

    One that cannot be moved stays. In check mode it is told only.
    """
    told = place.tray(REJECTED)
    stamp = os.lstat(place.path).st_mtime_ns
    note = told.with_name(f"{told.name}.{stamp}{_REASONS}")
    if note.exists():
        return "", ""
    if check:
        return reason, ""
    try:
        kept = files.move_beside(place.path, told)
    except (files.FileError, OSError):
        reason = f"{reason}; it could not be moved to {REJECTED}, and stays"
        return reason, _noted(note, [f"file: {reason}"])
    return reason, _noted(kept.with_name(f"{kept.name}{_REASONS}"), [f"file: {reason}"])


def put_away(place: Place, content: bytes) -> None:
    """Move a file whose content was taken in. Raises FileError and OSError."""
    files.write_beside(place.tray(HANDLED), content)
    files.remove(place.path)
    if place.waits:
        files.remove(place.path.with_name(f"{place.path.name}{_REASONS}"))


def keep(place: Place, tray: str, content: bytes, reasons: Sequence[str]) -> str:
    """Keep what was rejected of a file, or waits, and say where the reasons are, "" without any.

    Raises FileError and OSError.
    """
    if not reasons:
        return ""
    kept = files.write_beside(place.tray(tray), content)
    note = kept.with_name(f"{kept.name}{_REASONS}")
    if tray == WAITING:  # the reasons of what waits are those of the last run
        files.remove(note)
    return _noted(note, reasons)


def _noted(path: Path, reasons: Sequence[str]) -> str:
    told = "".join(f"{reason}\n" for reason in reasons).encode()
    return shown(str(files.write_beside(path, told)))
