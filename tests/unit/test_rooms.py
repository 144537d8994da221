# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rooms of the house and the arrows between them (docs/architecture.md): imports go down."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.regionjh.halsoval.plugins"

# A room may import what lies on a lower floor, and nothing of its own floor but itself.
FLOORS = (
    ("action", "inventory", "lookup", "modules"),
    ("plugin_utils", "runs"),
    ("orders",),
    ("desired", "ledger", "systems"),
    ("engine",),
    ("records",),
)
# What the wings of `desired` have in common.
COMMON = "people"
# Plugins know the rooms of the pipe by one door.
DOORS = {
    "modules": {"runs"},
    "action": {"plugin_utils", "records"},
    "inventory": {"plugin_utils", "records"},
    "lookup": {"plugin_utils", "records"},
    "plugin_utils": {"records"},
}
# Beside the standard library and ourselves; modules_utils import them guarded.
OTHERS = {
    "action": {"ansible"},
    "inventory": {"ansible"},
    "lookup": {"ansible"},
    "modules": {"ansible"},
    "plugin_utils": {"ansible", "pydantic", "pydantic_core", "yaml"},
    # What desired/ad needs of it is handed down as a function.
    "runs": {"ansible", "anyascii"},
    "orders": {"sqlalchemy"},
    "ledger": {"sqlalchemy"},
    "systems": {"ldap3", "pyasn1"},
}

Place = tuple[str, ...]  # where a file lies below plugins/, module_utils/ left out


def test_every_room_has_its_floor() -> None:
    rooms = {place[0] for place in _files()}
    assert rooms == {room for floor in FLOORS for room in floor}


def test_arrows_run_down() -> None:
    assert [arrow for arrow in _arrows() if not _goes_down(*arrow)] == []


def test_no_file_imports_itself_by_way_of_others() -> None:
    graph: dict[Place, set[Place]] = {}
    for source, target in _arrows():
        graph.setdefault(source, set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join("/".join(place) for place in error.args[1]))


def test_other_peoples_packages_stay_in_their_rooms() -> None:
    found = {
        (place[0], name)
        for place, tree in _files().items()
        for name in _foreign(tree)
        if name not in OTHERS.get(place[0], set())
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("engine/plan", "desired/hsa/layout"),
        ("desired/ad/accounts", "systems/directory"),
        ("desired/ad/access", "desired/hsa/register"),
        ("desired/people/gate", "desired/hsa/register"),
        ("ledger/ledger", "orders/book"),
        ("ledger/ledger", "systems/directory"),
        ("orders/book", "runs/system"),
        ("records/people", "engine/plan"),
        ("modules/hsa", "desired/hsa/entries"),
        ("plugin_utils/record_store", "runs/system"),
    ],
)
def test_an_arrow_that_is_drawn_back_is_seen(source: str, target: str) -> None:
    assert not _goes_down(tuple(source.split("/")), tuple(target.split("/")))


def test_unit_tests_lie_in_the_room_of_what_they_test() -> None:
    here = Path(__file__).parent
    rooms = {place[:end] for place in _files() for end in range(len(place))}
    places = {path.parent.relative_to(here).parts for path in here.rglob("test_*.py")}
    assert places - rooms == {("plugins",)}


def _goes_down(source: Place, target: Place) -> bool:
    """Whether a file at one place may import one at the other."""
    if source[0] == target[0]:
        if source[0] != "desired":
            return True
        return source[1] == target[1] or target[1] == COMMON
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    doors = DOORS.get(source[0])
    return floors[source[0]] < floors[target[0]] and (doors is None or target[0] in doors)


def _arrows() -> Iterator[tuple[Place, Place]]:
    files = _files()
    for place, tree in files.items():
        for target in sorted(set(_ours(place, tree, files))):
            yield place, target


def _files() -> dict[Place, ast.Module]:
    found = {}
    for path in sorted(PLUGINS.rglob("*.py")):
        parts = path.relative_to(PLUGINS).with_suffix("").parts
        place = parts[1:] if parts[0] == "module_utils" else parts
        if place[0] != "doc_fragments":
            found[place] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def _ours(place: Place, tree: ast.Module, files: Mapping[Place, ast.Module]) -> Iterator[Place]:
    """The files of ours that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module.split(".") if node.module else []
        if node.level:
            base = (*place[: -node.level], *module)
        elif ".".join(module).startswith(COLLECTION):
            base = tuple(module[len(COLLECTION.split(".")) :])
            base = base[1:] if base[:1] == ("module_utils",) else base
        else:
            continue
        for alias in node.names:
            target = base if base in files else (*base, alias.name)
            assert target in files, f"{'/'.join(place)}: nothing lies at {'/'.join(target)}"
            yield target


def _foreign(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        for name in (name.partition(".")[0] for name in names):
            if name not in sys.stdlib_module_names and name != "ansible_collections":
                yield name
