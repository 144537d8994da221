# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin: whose host is where, and when something fails that should not."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.inventory import providers
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    RESERVED_IDS,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "halsoval.yml"
    path.write_text("plugin: regionjh.halsoval.providers\napproval: unsigned\n")
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


# --- whose host is where -------------------------------------------------------------------------

VALID = Path(__file__).parents[1] / "plugin_utils/data/tallbacken"
# Names that mean something to YAML, Python, Ansible, the shell or ourselves.
_TELLING = (
    *RESERVED_IDS, "invalid", "invalid-all", "invalid-localhost", "invalid-providers", "true",
    "null", "yes", "no", "none", "omit", "hostvars", "groups", "meta", "self", "inventory", "hosts",
    "children", "vars", "ip6-localhost", "controller", "e1", "x-1", "xn--1",
)  # fmt: skip
ids = st.sampled_from(_TELLING) | st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True)


class _Configured(providers.InventoryModule):
    """The plugin as Ansible configures it; by itself it looks for no options."""

    _given = MappingProxyType(
        {
            "records": "providers",
            "as_of": "2026-03-02",
            "hsa_id_prefixes": ["SE2321000214-"],
            "approval": "unsigned",
        }
    )

    def _read_config_data(self, path: str) -> dict[str, Any]:
        return {}

    def get_options(self) -> dict[str, Any]:
        return {}

    def get_option(self, option: str) -> Any:
        return self._given.get(option, False if option == "require_vault" else None)


def _inventory(directory: Path, folders: set[str], groups: set[str]) -> InventoryManager:
    """The inventory of records with these ids, after a source with these groups."""
    shutil.copytree(VALID, directory / "providers/tallbacken")
    for name in folders:
        shutil.copytree(VALID, directory / "providers" / name)
        agreement = directory / "providers" / name / "agreement.yml"
        text = agreement.read_text(encoding="utf-8").replace("id: tallbacken", f"id: '{name}'")
        agreement.write_text(text, encoding="utf-8")
    inventory = InventoryManager(DataLoader(), parse=False)
    for group in groups:
        inventory.add_group(group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_store, "_store", record_store._Store())
        source = str(directory / "halsoval.yml")
        _Configured().parse(inventory._inventory, DataLoader(), source)
    inventory._inventory.reconcile_inventory()
    return inventory


def _names(inventory: InventoryManager, pattern: str) -> set[str]:
    return {host.name for host in inventory.get_hosts(pattern)}


@settings(max_examples=60, deadline=None)
@given(folders=st.sets(ids, min_size=1, max_size=3), groups=st.sets(ids, max_size=2))
@example(folders={"all", "invalid-all"}, groups=set())
@example(folders={"providers", "localhost"}, groups={"invalid-providers"})
@example(folders={"glesbygd"}, groups={"glesbygd", "invalid-glesbygd"})
def test_whatever_its_id_every_record_is_one_host_and_hides_nobody(
    folders: set[str], groups: set[str]
) -> None:
    folders, groups = folders - {"tallbacken"}, groups - {"tallbacken", *RESERVED_IDS}
    with tempfile.TemporaryDirectory() as directory:
        inventory = _inventory(Path(directory), folders, groups)
    hosts = _names(inventory, "providers")
    assert len(hosts) == len(folders) + 1
    assert hosts == _names(inventory, "all")
    named = folders - groups - set(RESERVED_IDS)
    assert {"tallbacken", *named} <= hosts
    assert hosts.isdisjoint(inventory.groups)
    for group in inventory.groups:
        assert _names(inventory, group) == {h.name for h in inventory.groups[group].get_hosts()}
    others = hosts - {"tallbacken", *named}
    assert all(host.startswith("invalid") for host in others)
    assert others <= _names(inventory, "invalid_records")
    for host in hosts:
        assert _names(inventory, host) == {host}
        assert inventory.get_host(host).vars["ansible_connection"] == "local"
