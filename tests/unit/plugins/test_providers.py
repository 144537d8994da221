# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin when something fails that should not."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader

from ansible_collections.regionjh.halsoval.plugins.inventory import providers
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "halsoval.yml"
    path.write_text("plugin: regionjh.halsoval.providers\n")
    return path


def _failure(source: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> tuple[str, str]:
    """What Ansible is told, and what the start check will say."""

    def fail(*_arguments: object) -> NoReturn:
        raise error

    monkeypatch.setattr(record_store, "_store", record_store._Store())
    monkeypatch.setattr(providers.InventoryModule, "_read", fail)
    with pytest.raises(AnsibleParserError) as told:
        providers.InventoryModule().parse(InventoryData(), DataLoader(), str(source))
    assert told.value.__cause__ is None
    with pytest.raises(record_store.StoreError) as kept:
        record_store.reading()
    return str(told.value), str(kept.value)


def test_fault_in_the_software_tells_where_but_not_what_it_says(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception's text may quote the record that it stumbled over."""
    told, kept = _failure(source, monkeypatch, KeyError("Tolvansson"))

    assert told == kept
    assert told.startswith(f"KeyError in {__file__}:")
    assert told.endswith(" while reading the records")


def test_missing_library(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, kept = _failure(source, monkeypatch, ImportError("no", name="pydantic"))

    assert told == kept == "the Python library pydantic is missing: pip install pydantic"
