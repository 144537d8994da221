# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HSA-ids that earlier runs saw, kept on the controller.

They tell whose account is whose while HSA is away, and that an id was somebody's whose entry is
gone. A person stands there by a keyed hash of the personal number; the key lies beside it, so the
file is as secret as what it tells: who may read it can try numbers out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from ..records.people import Remembered


@dataclass(frozen=True)
class _Stored:
    """The file: the key of the hashes, HSA-ids by hash, and all ids that were ever seen."""

    key: str
    ids: dict[str, str]
    taken: frozenset[str]


class Memory:
    """What is remembered of one HSA directory."""

    def __init__(self, directory: Path, hsa_uri: str) -> None:
        name = hashlib.sha256(hsa_uri.encode()).hexdigest()[:16]
        self._path = directory / f"{name}.ids.json"

    def recall(self, numbers: Iterable[str]) -> Remembered:
        """All ids, and those of the people who have one of these personal numbers."""
        stored = self._load()
        hashes = ((number, _hash(stored.key, number)) for number in numbers)
        return Remembered(
            stored.taken, {number: stored.ids[h] for number, h in hashes if h in stored.ids}
        )

    def keep(self, seen: Mapping[str, str]) -> None:
        """Remember the HSA-ids of people by personal number, and those from before.

        An id that is somebody's now is nobody else's any more: HSA may have been corrected.
        """
        stored = self._load()
        now = {_hash(stored.key, number): hsa_id for number, hsa_id in seen.items()}
        theirs = set(now.values())
        ids = {h: hsa_id for h, hsa_id in stored.ids.items() if hsa_id not in theirs} | now
        known = _Stored(stored.key, ids, stored.taken | theirs)
        if known != stored:
            self._store(known)

    def _load(self) -> _Stored:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            bytes.fromhex(content["key"])
            return _Stored(content["key"], dict(content["ids"]), frozenset(content["taken"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            # Without it nothing but what it is for is lost, and removals must not wait for it.
            return _Stored(secrets.token_hex(32), {}, frozenset())

    def _store(self, known: _Stored) -> None:
        content = {"key": known.key, "ids": known.ids, "taken": sorted(known.taken)}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600, and put in place whole: a run may be killed at any moment.
        with NamedTemporaryFile(
            "w", dir=self._path.parent, prefix=self._path.name, delete=False, encoding="utf-8"
        ) as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self._path)


def _hash(key: str, number: str) -> str:
    return hmac.new(bytes.fromhex(key), number.encode(), hashlib.sha256).hexdigest()[:32]
