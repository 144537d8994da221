# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules are documentation plus one call, and what several of them say, they say alike."""

from __future__ import annotations

import ast
from collections import Counter
from importlib import import_module

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import CONFIDENTIAL
from ansible_collections.regionjh.halsoval.tests.unit.plugins.module_texts import (
    MODULES,
    names,
    parsed,
    said,
    systems,
)

_LONGEST = 60
_RUNS = "ansible_collections.regionjh.halsoval.plugins.module_utils.runs"


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
    texts = {name: said(name, "RETURN") for name in systems()}
    assert {"ad_accounts", "hsa"} < texts.keys()
    told = Counter(key for text in texts.values() for key in text["providers"]["contains"])
    whole = Counter(key for text in texts.values() for key in text)
    for text in texts.values():
        for own in [key for key in text if whole[key] == 1]:
            del text[own]
        contains = text["providers"]["contains"]
        # What one module alone returns of a provider.
        for own in [key for key in contains if told[key] == 1]:
            del contains[own]
        for value in contains.values():
            value.pop("sample", None)
    assert all(text == texts["hsa"] for text in texts.values())


def test_the_module_of_ad_alone_returns_what_is_asked_of_owners() -> None:
    returning = [
        n for n in systems() if "owner_tasks" in said(n, "RETURN")["providers"]["contains"]
    ]
    assert returning == ["ad_accounts"]


@pytest.mark.parametrize("name", [*systems(), "audit", "hold", "receipts"])
def test_every_password_reaches_its_module_in_memory(name: str) -> None:
    arguments = import_module(f"{_RUNS}.{name}").ARGUMENTS
    passwords = {option for option, spec in arguments.items() if spec.get("no_log")}
    assert "ledger_url" in passwords
    assert passwords <= {*CONFIDENTIAL}
