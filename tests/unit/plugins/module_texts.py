# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's modules say of themselves."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

MODULES = Path(__file__).parents[3] / "plugins" / "modules"


def names() -> list[str]:
    """All modules."""
    return sorted(path.stem for path in MODULES.glob("*.py"))


def systems() -> list[str]:
    """The modules that bring a system in line: those that have the options of all such modules."""
    return [name for name in names() if "regionjh.halsoval.system" in _fragments(name)]


def parsed(name: str) -> ast.Module:
    """A module's file."""
    return ast.parse((MODULES / f"{name}.py").read_text(encoding="utf-8"))


def said(name: str, part: str) -> Any:
    """DOCUMENTATION, EXAMPLES or RETURN of a module."""
    for node in parsed(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part:
            assert isinstance(node.value, ast.Constant)
            return yaml.safe_load(str(node.value.value))
    raise AssertionError(f"{name} has no {part}")


def _fragments(name: str) -> list[str]:
    fragments: list[str] = said(name, "DOCUMENTATION").get("extends_documentation_fragment", [])
    return fragments
