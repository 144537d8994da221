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
    ("action",),
    ("inventory", "lookup", "modules"),
    ("plugin_utils", "runs"),
    ("orders",),
    ("desired", "ledger", "night", "sheets", "systems"),
    ("engine",),
    ("records",),
)
# What the wings of `desired` have in common.
COMMON = "people"
# The rooms that plugins, and what they have in common, may know of those on lower floors.
DOORS = {
    "modules": {"runs"},
    "action": {"modules", "plugin_utils", "records"},
    "inventory": {"plugin_utils", "records"},
    "lookup": {"plugin_utils"},
    "plugin_utils": {"records"},
}
# Beside the standard library and ourselves; module_utils import them guarded.
OTHERS = {
    "action": {"ansible"},
    "inventory": {"ansible"},
    "lookup": {"ansible"},
    "modules": {"ansible"},
    "plugin_utils": {"ansible", "jinja2", "pydantic", "pydantic_core", "yaml"},
    # What desired/ad needs of it is handed down as a function.
    "runs": {"ansible", "anyascii"},
    "orders": {"cryptography", "sqlalchemy"},
    "ledger": {"sqlalchemy"},
    "sheets": {"jinja2"},
    "systems": {"ldap3", "pyasn1", "requests", "requests_ntlm"},
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


@pytest.mark.parametrize(
    "line",
    [
        "from ..records.people import allocate",
        "from ..records import people",
        "if True:\n    from ..records import people",
        "def late():\n    from ..records import people",
        f"from {COLLECTION}.module_utils.records import people",
        f"from {COLLECTION}.module_utils.records.people import allocate",
        f"import {COLLECTION}.module_utils.records.people",
        f"import sys, {COLLECTION}.module_utils.records.people as people",
    ],
)
def test_an_import_is_seen_however_it_is_written(line: str) -> None:
    tree = ast.parse(line)
    assert list(_ours(("engine", "plan"), tree, _files())) == [("records", "people")]
    assert set(_foreign(tree)) == set()


@pytest.mark.parametrize(
    "line",
    [
        "import requests",
        "import requests.adapters",
        "from requests import get",
        "from ansible_collections.community.general.plugins.module_utils import deps",
        "import ansible_collections.regionjh.halsoval.tests.unit.builders",
    ],
)
def test_what_is_not_ours_is_seen_however_it_is_written(line: str) -> None:
    assert len(set(_foreign(ast.parse(line)))) == 1


def test_folders_of_unit_tests_are_named_after_rooms() -> None:
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
        for base, name in _imported(place, node):
            target = base if base in files else (*base, name)
            assert target in files, f"{'/'.join(place)}: nothing lies at {'/'.join(target)}"
            yield target


def _imported(place: Place, node: ast.AST) -> Iterator[tuple[Place, str]]:
    """What a node imports of ours: a place, and the name that is taken from it or lies in it."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_ours(alias.name):
                yield _place(alias.name), ""
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            base = (*place[: -node.level], *filter(None, module.split(".")))
        elif _is_ours(module):
            base = _place(module)
        else:
            return
        yield from ((base, alias.name) for alias in node.names)


def _is_ours(module: str) -> bool:
    return f"{module}.".startswith(f"{COLLECTION}.")


def _place(module: str) -> Place:
    """Where a module of ours lies, named in full."""
    parts = tuple(module.split(".")[len(COLLECTION.split(".")) :])
    return parts[1:] if parts[:1] == ("module_utils",) else parts


def _foreign(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        for name in names:
            package = name.partition(".")[0]
            if package not in sys.stdlib_module_names and not _is_ours(name):
                yield package
