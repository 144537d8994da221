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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a named pipe would be waited for.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FileError(Exception):
    """A file or folder is not what it should be. The text can be shown: it names no content."""


class FileExists(FileError):
    """A file is there already, with other content."""


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


def write_beside(path: Path, content: bytes) -> Path:
    """As `write_once`, under the next free number where another file has the name.

    Returns the path: name.csv, name-2.csv, name-3.csv and so on.
    """
    number, free = 1, path
    while True:
        try:
            write_once(free, content)
            return free
        except FileExists:
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")


def read(path: Path) -> bytes:
    """The content of a regular file. Raises FileError, FileNotFoundError where there is none."""
    with folder(path.parent) as parent, _shown(path):
        return _content(path, parent)


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises FileError."""
    with folder(path.parent) as parent, _shown(path):
        _remove(path.name, parent)
        os.fsync(parent)


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
