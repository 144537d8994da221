# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules are documentation plus one call, and what several of them say, they say alike."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

MODULES = Path(__file__).parents[3] / "plugins" / "modules"
SYSTEMS = ("ad_accounts", "hsa", "service_orders", "siths_orders")
# What one module alone returns of a provider.
OWN = {"ad_accounts": {"owner_tasks"}}
_LONGEST = 60


def names() -> list[str]:
    return sorted(path.stem for path in MODULES.glob("*.py"))


def parsed(name: str) -> ast.Module:
    return ast.parse((MODULES / f"{name}.py").read_text(encoding="utf-8"))


def said(name: str, part: str) -> Any:
    """DOCUMENTATION, EXAMPLES or RETURN of a module."""
    for node in parsed(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part:
            assert isinstance(node.value, ast.Constant)
            return yaml.safe_load(str(node.value.value))
    raise AssertionError(f"{name} has no {part}")


@pytest.mark.parametrize("name", names())
def test_module_file_is_documentation_plus_one_call(name: str) -> None:
    tree = parsed(name)
    documentation = [node for node in tree.body if isinstance(node, ast.Assign)]
    source = (MODULES / f"{name}.py").read_text(encoding="utf-8").splitlines()
    texts = sum((node.end_lineno or 0) - node.lineno + 1 for node in documentation)
    assert [ast.unparse(node.targets[0]) for node in documentation] == [
        "DOCUMENTATION", "EXAMPLES", "RETURN",
    ]  # fmt: skip
    assert len(source) - texts <= _LONGEST
    (main,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    runs_here = any("module_utils.runs" in ast.unparse(node) for node in tree.body)
    assert len(main.body) == (1 if runs_here else 2)


def test_modules_of_systems_return_alike() -> None:
    texts = {}
    for name in SYSTEMS:
        returned = said(name, "RETURN")
        contains = returned["providers"]["contains"]
        for own in OWN.get(name, ()):
            del contains[own]
        for value in contains.values():
            value.pop("sample", None)
        texts[name] = returned
    assert all(text == texts["hsa"] for text in texts.values())
