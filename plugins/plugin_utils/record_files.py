# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record directory: a folder per provider, in it a file per part, encrypted or not."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    RESERVED_IDS,
    mask,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import PARTS

from .trust import distrust, kind
from .yaml_text import Problem, TextError, short

PART_FILES = {part: f"{part}.yml" for part in PARTS}
# What may lie beside each: its approval, and the signature of that.
MANIFEST, SIGNATURE = ".approval", ".approval.sig"
_FILES = {name + end for name in PART_FILES.values() for end in ("", MANIFEST, SIGNATURE)}

# A part of 2,800 people with an assignment each is as large: no provider comes near it, and whoever
# can write one record could stop everybody's runs with a larger one.
MOST_BYTES = 1024 * 1024
# ansible-vault writes an octet as four, and breaks lines.
_MOST_ENCRYPTED = 5 * MOST_BYTES
# A link is not followed, a FIFO not waited for.
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_PROVIDER_ID = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
# What people and their editors leave beside a record: hidden files, backups, notes.
_IGNORED = re.compile(r"\..*|.*~|#.*#|.*\.(bak|orig|swp)|README(\.\w+)?")


class SourceError(Exception):
    """The records as a whole cannot be used; the message says why, with nothing personal."""


@dataclass(frozen=True)
class Folder:
    """A provider's place in the record directory, and what it is called in the inventory."""

    path: Path
    host: str

    @property
    def provider_id(self) -> str | None:
        """The id that the folder's name is, also one that no host may have; or None."""
        return self.path.name if _is_folder(self.path) and is_provider_id(self.path.name) else None

    @property
    def is_read(self) -> bool:
        """Whether the parts in it are looked at."""
        return self.path.is_dir() and not self.path.is_symlink()


def find(directory: Path, groups: Collection[str], proposed: str | None = None) -> list[Folder]:
    """Every record in the directory by name, those whose name is no provider id too.

    `groups` are those of the inventory, whose names no host gets. `proposed` is a provider that is
    there as well, with a folder or without. Raises SourceError where there are no records, or the
    directory cannot be read, or others can write to it.
    """
    try:
        doubt = distrust(directory.stat())
        paths = [path for path in sorted(directory.iterdir()) if not _IGNORED.fullmatch(path.name)]
    except FileNotFoundError:
        raise SourceError(f"the record directory {directory} does not exist") from None
    except OSError as error:
        reason = error.strerror
        raise SourceError(f"the record directory {directory} cannot be read: {reason}") from None
    if doubt:
        raise SourceError(f"the record directory {directory}: {doubt}")
    if proposed is not None and directory / proposed not in paths:
        paths = sorted([*paths, directory / proposed])
    if not any(_is_folder(path) or path.name == proposed for path in paths):
        raise SourceError(
            f"the record directory {directory} is empty: no provider has a folder there"
        )
    named = (path.name for path in paths if _is_folder(path) or path.name == proposed)
    folders = set(filter(is_provider_id, named))
    good = folders.difference(RESERVED_IDS, groups)
    taken = folders.union(groups)
    return [Folder(p, p.name if p.name in good else _safe_name(p, taken)) for p in paths]


def stray_files(folder: Folder) -> Iterator[Problem]:
    """What is wrong with the folder itself, besides its parts."""
    if folder.path.is_symlink():
        yield Problem(None, (), "expected a folder, not a symbolic link")
        return
    if not folder.path.is_dir():
        yield Problem(None, (), "expected a folder for each provider; this is a file")
        return
    if folder.host != folder.path.name:
        yield Problem(
            None,
            (),
            "expected a provider id as the folder's name: 2 to 40 of a-z, 0-9 and hyphens, "
            "a letter first, no hyphen last, no personal number"
            if folder.provider_id is None
            else "expected an id that is no group of the inventory, nor localhost",
        )
    try:
        doubt = distrust(folder.path.stat())
        names = sorted(path.name for path in folder.path.iterdir())
    except OSError as error:
        yield Problem(None, (), f"expected a readable folder: {error.strerror}")
        return
    if doubt:
        yield Problem(None, (), doubt)
    for name in names:
        if name not in _FILES and not _IGNORED.fullmatch(name):
            expected = ", ".join(PART_FILES.values())
            yield Problem(None, (), f"expected only {expected}, not {short(name)}")


def is_provider_id(name: str) -> bool:
    """Whether a name has the form of a provider id and hides no personal number."""
    return bool(_PROVIDER_ID.fullmatch(name)) and mask(name) == name


def text_of(path: Path, stored: bytes, vault: VaultLib) -> tuple[str, bool]:
    """The text of a part that lies at a path, decrypted in memory, and whether it was encrypted.

    Raises TextError where this part cannot be read, SourceError where it is encrypted and no
    vault password was given at all.
    """
    content = _decrypt(path, stored, vault)
    if len(content) > MOST_BYTES:
        raise TextError(Problem(None, (), f"expected at most {MOST_BYTES} bytes"))
    try:
        return content.decode("utf-8-sig"), is_encrypted(stored)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TextError(Problem(line, (), "expected text in UTF-8")) from None


def read_bytes(path: Path, anybodys: bool = False) -> bytes:
    """A file as it lies there. Raises TextError.

    `anybodys` is one that others may write: a draft.
    """
    try:
        _look_at(path.lstat(), anybodys)  # before it is opened, which some devices act on
        with open(os.open(path, _READ), "rb") as file:
            _look_at(os.fstat(file.fileno()), anybodys)
            return file.read(_MOST_ENCRYPTED)
    except FileNotFoundError:
        raise TextError(Problem(None, (), "expected this file; it is missing")) from None
    except OSError as error:
        message = f"expected a readable file: {error.strerror}"
        raise TextError(Problem(None, (), message)) from None


def _look_at(status: os.stat_result, anybodys: bool) -> None:
    """Raise TextError where a part is no file that the run's user alone can have written."""
    if what := kind(status):
        raise TextError(Problem(None, (), f"expected a regular file; this is {what}"))
    if not anybodys and (doubt := distrust(status)):
        raise TextError(Problem(None, (), doubt))
    if status.st_size > _MOST_ENCRYPTED:
        raise TextError(Problem(None, (), f"expected at most {MOST_BYTES} bytes"))


def _decrypt(path: Path, content: bytes, vault: VaultLib) -> bytes:
    if not is_encrypted(content):
        return content
    if not vault.secrets:
        raise SourceError(
            f"{short(path.parent.name)}/{path.name} is encrypted and no vault password was given "
            "(--vault-password-file, --ask-vault-pass)"
        )
    try:
        return bytes(vault.decrypt(content))
    except AnsibleError:
        message = "expected a file that a given vault password decrypts"
        raise TextError(Problem(None, (), message)) from None


def _is_folder(path: Path) -> bool:
    """Whether something is a provider's folder, also one that a link stands for."""
    return path.is_symlink() or path.is_dir()


def _safe_name(path: Path, taken: set[str]) -> str:
    """A name that is not taken yet, for the host of a record whose own name none may have."""
    slug = re.sub(r"[^a-z0-9]+", "-", mask(path.name).lower()).strip("-")[:30].strip("-")
    base = host = f"invalid-{slug}" if slug else "invalid"
    number = 1
    while host in taken:
        number += 1
        host = f"{base}-{number}"
    taken.add(host)
    return host
