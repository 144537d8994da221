# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record directory with one small valid record, to change one fault at a time."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approved_records import (
    Reading,
    read,
)

VALID = Path(__file__).parent / "data"
VAULT = VaultLib([("default", VaultSecret(b"open sesame"))])


@dataclass
class Records:
    """The record directory of a test."""

    path: Path

    def change(self, part: str, old: str, new: str, provider: str = "tallbacken") -> None:
        """Replaces a piece of text that the part holds once."""
        file = self.path / provider / f"{part}.yml"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is in {part}.yml {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def copy(self, provider: str, **replaced: str) -> None:
        """A second valid record, with what may exist once replaced by what is given."""
        shutil.copytree(VALID / "tallbacken", self.path / provider)
        self.change("agreement", "id: tallbacken", f"id: {provider}", provider)
        self.change("agreement", "559999-0008", replaced.get("number", "559999-0016"), provider)
        self.change("equipment", "TB-PC-1", replaced.get("computer", "SB-PC-1"), provider)

    def read(self, vault: VaultLib = VAULT, require_vault: bool = False) -> Reading:
        day = dt.date(2026, 3, 2)
        return read(self.path, vault, day, ["SE2321000214-"], require_vault=require_vault)

    def errors(self) -> tuple[str, ...]:
        """The errors of the one invalid record."""
        (errors,) = self.read().errors.values()
        return errors


@pytest.fixture
def records(tmp_path: Path) -> Records:
    directory = tmp_path / "providers"
    shutil.copytree(VALID, directory)
    return Records(directory)
