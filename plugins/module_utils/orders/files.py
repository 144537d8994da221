# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that other people's programs fetch and leave: whole or not there, and never overwritten.

Folders that are made have mode 0700, files 0600. A symbolic link is refused in the place of a file
and of the folder that it lies in; those further up are followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a named pipe would be waited for.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FileError(Exception):
    """A file or folder is not what it should be. The text can be shown: it names no content."""


class FileExists(FileError):
    """A file is there already, with other content."""


class NotTaken(FileError):
    """A file is of a kind or size that is not read. The text does not name it."""


def check_folder(path: Path, owners: Collection[int], forbidden: int) -> None:
    """Raises FileError unless a folder is one of these users', and gives nobody these modes.

    An access control list that lets others write shows in the mode of the group. Raises
    FileNotFoundError where there is none.
    """
    with _shown(path):
        held = os.lstat(path)
    if stat.S_ISLNK(held.st_mode):
        raise FileError(f"{path}: is a symbolic link")
    if not stat.S_ISDIR(held.st_mode):
        raise FileError(f"{path}: expected a folder")
    if held.st_uid not in owners:
        raise FileError(f"{path}: expected a folder of {_named(owners)}")
    if held.st_mode & forbidden:
        writers = "its group and others" if forbidden & stat.S_IWGRP else "others"
        raise FileError(f"{path}: expected a folder that {writers} may not write to")


def _named(owners: Collection[int]) -> str:
    return "the user of the runs, or of root" if len(owners) > 1 else "the user of the runs"


@contextmanager
def folder(path: Path) -> Iterator[int]:
    """The descriptor of a folder, which is made where there is none. Raises FileError."""
    with _shown(path):
        _make(path)
        descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def write_once(path: Path, content: bytes) -> None:
    """Have a file hold the content: whole or not at all, and safe from a loss of power.

    A file that holds it already is success. Raises FileExists where it holds anything else, and
    FileError.
    """
    with folder(path.parent) as parent, _shown(path):
        part = f".{path.name}.part"
        # One that a killed run left may be the same file as the finished one: never written to.
        _remove(part, parent)
        if not _holds(path, parent, content):
            with open(os.open(part, _NEW, 0o600, dir_fd=parent), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, path.name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
            _remove(part, parent)
        os.fsync(parent)


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Have a file hold the content instead of what it held: at no moment half of it.

    Raises FileError.
    """
    with folder(path.parent) as parent, _shown(path):
        part = f".{path.name}.part"
        _remove(part, parent)
        with open(os.open(part, _NEW, mode, dir_fd=parent), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path.name, src_dir_fd=parent, dst_dir_fd=parent)
        os.fsync(parent)


def write_beside(path: Path, content: bytes) -> Path:
    """As `write_once`, under the next free number where another file has the name.

    Returns the path: name.csv, name-2.csv, name-3.csv and so on.
    """
    for free in _names(path):
        # What was set aside unread may be a link, or a pipe.
        if os.path.lexists(free) and not stat.S_ISREG(os.lstat(free).st_mode):
            continue
        with suppress(FileExists):
            write_once(free, content)
            break
    return free


def read(path: Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes, that not everybody may write to.

    Raises NotTaken, FileError, FileNotFoundError where there is none.
    """
    with folder(path.parent) as parent, _shown(path):
        # Looked at before it is opened: to open a device may do something.
        _check_file(os.stat(path.name, dir_fd=parent, follow_symlinks=False), most)
        with open(os.open(path.name, _READ, dir_fd=parent), "rb") as file:
            _check_file(os.fstat(file.fileno()), most)
            content = file.read(most + 1)
    if len(content) > most:
        raise NotTaken(_too_large(most))
    return content


def move_beside(path: Path, to: Path) -> Path:
    """Move a file of any kind, unread, under the next free number; returns where it lies.

    Nobody else may put files where it goes. Raises FileError.
    """
    free = next(name for name in _names(to) if not os.path.lexists(name))
    with folder(path.parent) as parent, folder(free.parent) as target, _shown(path):
        os.rename(path.name, free.name, src_dir_fd=parent, dst_dir_fd=target)
    return free


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises FileError."""
    with folder(path.parent) as parent, _shown(path):
        _remove(path.name, parent)
        os.fsync(parent)


def _names(path: Path) -> Iterator[Path]:
    """The path, and those of the same name with a number."""
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def _check_file(held: os.stat_result, most: int) -> None:
    if stat.S_ISLNK(held.st_mode):
        raise NotTaken("expected a regular file: it is a symbolic link")
    if not stat.S_ISREG(held.st_mode):
        raise NotTaken("expected a regular file")
    if held.st_size > most:
        raise NotTaken(_too_large(most))
    if held.st_mode & stat.S_IWOTH:
        raise NotTaken("expected a file that not everybody may write to")


def _too_large(most: int) -> str:
    return f"expected at most {most // 2**20} MiB"


def _make(path: Path) -> None:
    if path.is_dir() or path.is_symlink():
        return
    _make(path.parent)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _holds(path: Path, parent: int, content: bytes) -> bool:
    try:
        held = _content(path, parent)
    except FileNotFoundError:
        return False
    if held != content:
        raise FileExists(f"{path}: there is another file of this name; it was left as it is")
    return True


def _content(path: Path, parent: int) -> bytes:
    with open(os.open(path.name, _READ, dir_fd=parent), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileError(f"{path}: expected a regular file")
        return file.read()


def _remove(name: str, parent: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


@contextmanager
def _shown(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        # O_NOFOLLOW and O_DIRECTORY answer a symbolic link with ELOOP or ENOTDIR.
        reason = "is a symbolic link" if path.is_symlink() else (error.strerror or "failed")
        raise FileError(f"{path}: {reason}") from None
