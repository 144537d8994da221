# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where what somebody would have approved lies: drafts, or a version that was approved before."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import Manifest

from .approved_records import Proposed
from .record_files import MANIFEST, PART_FILES, SIGNATURE, SourceError, is_provider_id

# Beside a record's parts: what was approved of them, as it lay there.
_VERSIONS = ".versions"
_PREFIX = re.compile("[0-9a-f]{12,64}")


def proposed(
    provider: str, records: Path, drafts: Path | None, parts: Any, version: Any
) -> Proposed:
    """What is to be approved: a version by its digest, or drafts of the parts that are named.

    Without any named all of them are. Raises SourceError.
    """
    if not is_provider_id(provider):
        raise SourceError("expected the id of a provider as approve_provider")
    if version is not None:
        return Proposed(provider, _version(records / provider, str(version)))
    if drafts is None:
        raise SourceError("expected the directory of drafts in the inventory source (drafts)")
    named = parts.split(",") if isinstance(parts, str) else list(parts or PART_FILES)
    if not set(named) <= PART_FILES.keys():
        raise SourceError(f"expected as approve_parts some of {', '.join(PART_FILES)}")
    folder = drafts / provider
    if not folder.is_dir():
        raise SourceError(f"expected a draft in {folder}; there is no such folder")
    return Proposed(provider, {part: folder / PART_FILES[part] for part in named})


def _version(folder: Path, digest: str) -> dict[str, Path]:
    found = list((folder / _VERSIONS).glob(f"*-{digest}*")) if _PREFIX.fullmatch(digest) else []
    part = found[0].name.partition("-")[0] if len(found) == 1 else ""
    if part not in PART_FILES:
        raise SourceError(
            f"expected as approve_version the digest of a version in {folder / _VERSIONS},"
            " or its first 12 digits or more"
        )
    return {part: found[0]}


def put(folder: Path, manifest: Manifest, stored: bytes, signature: str) -> None:
    """Make a version the approved one, in the record's folder. Raises OSError.

    A kill in between leaves a part whose approval is that of another version, which is an error of
    the record until this is done again.
    """
    (folder / _VERSIONS).mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(folder / _VERSIONS / f"{manifest.part}-{manifest.digest}", stored)
    name = PART_FILES[manifest.part]
    if signature:
        _replace(folder / f"{name}{SIGNATURE}", signature.encode())
    else:
        (folder / f"{name}{SIGNATURE}").unlink(missing_ok=True)
    _replace(folder / f"{name}{MANIFEST}", manifest.text().encode())
    _replace(folder / name, stored)


def _replace(path: Path, content: bytes) -> None:
    """Give a file this content at once, for its user alone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(new, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
