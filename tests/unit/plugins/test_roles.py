# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles hand a module all its options, and say of them what the module says.

Ansible has no way to say once what several roles forward, so it is held equal here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.regionjh.halsoval.tests.unit.plugins.module_texts import systems

ROLES = Path(__file__).parents[3] / "roles"
RUNS = "ansible_collections.regionjh.halsoval.plugins.module_utils.runs"
# What the play gives, what an action sets, and what names another role's result.
OF_THE_PLAY = {"providers", "as_of"}
OF_THE_ACTION = {
    "run",
    "by_clock",
    "confidential",
    "records",
    "hsa_failures",
    "registry_failures",
    "owner_tasks",
    "refused",
}
RESULTS = {
    "hsa_result": "halsoval_hsa",
    "siths_result": "halsoval_siths",
    "ad_result": "halsoval_ad",
    "workstations_result": "halsoval_workstations",
}
_OMITTED = "{{ omit }}"


def loaded(role: str, path: str) -> Any:
    return yaml.safe_load((ROLES / role / path).read_text(encoding="utf-8"))


def modules() -> dict[str, str]:
    """The module of each role that brings a system in line."""
    return {
        path.name: name
        for path in sorted(ROLES.iterdir())
        for task in loaded(path.name, "tasks/main.yml")
        for name in systems()
        if f"regionjh.halsoval.{name}" in task
    }


MODULES = modules()
each_role = pytest.mark.parametrize("role", sorted(MODULES))


def options(role: str) -> Mapping[str, Mapping[str, Any]]:
    """The options of the role's module."""
    arguments: Mapping[str, Mapping[str, Any]]
    arguments = import_module(f"{RUNS}.{MODULES[role]}").ARGUMENTS
    return arguments


def given(role: str) -> dict[str, str]:
    """What the role's task hands its module."""
    (task,) = loaded(role, "tasks/main.yml")
    arguments: dict[str, str] = task[f"regionjh.halsoval.{MODULES[role]}"]
    return arguments


def variables(role: str) -> dict[str, str]:
    """The role's variable for each option that the user decides on."""
    taken = OF_THE_PLAY | RESULTS.keys()
    found = {}
    for option, template in given(role).items():
        if option not in taken:
            match = re.fullmatch(r"\{\{ (halsoval_\w+) \}\}", template)
            assert match, f"{option}: {template}"
            found[option] = match[1]
    return found


def told(role: str) -> dict[str, dict[str, Any]]:
    """What the role's argument specification says of its variables, without descriptions."""
    specs = loaded(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return {
        name: {key: value for key, value in spec.items() if key != "description"}
        for name, spec in specs.items()
    }


def test_every_system_has_one_role() -> None:
    assert sorted(MODULES.values()) == systems()


@each_role
def test_role_hands_its_module_every_option(role: str) -> None:
    assert given(role).keys() == options(role).keys() - OF_THE_ACTION
    for option, name in RESULTS.items():
        assert given(role).get(option, name) == name


@each_role
def test_role_says_of_a_variable_what_its_module_says_of_the_option(role: str) -> None:
    expected = {}
    for option, variable in variables(role).items():
        spec = dict(options(role)[option])
        # A role's suboptions are the module's to check; a name of a key is no secret.
        spec.pop("options", None)
        if not spec.get("no_log"):
            spec.pop("no_log", None)
        if variable == "halsoval_state_directory":
            spec.pop("default")  # the module knows it, and the role omits it
        expected[variable] = spec
    assert told(role) == expected


@each_role
def test_role_has_the_defaults_of_its_module(role: str) -> None:
    expected = {
        name: spec.get("default", _OMITTED)
        for name, spec in told(role).items()
        if not spec.get("required")
    }
    assert loaded(role, "defaults/main.yml") == expected


@pytest.mark.parametrize("role", [r for r in sorted(MODULES) if "hsa_server_uri" in options(r)])
def test_roles_that_read_hsa_are_told_of_it_alike(role: str) -> None:
    hsa = {
        option: variable for option, variable in variables(role).items() if option.startswith("hsa")
    }
    # By an account of their own, and for the rest as the role hsa is told.
    reader = {
        "hsa_bind_dn": "halsoval_hsa_reader_dn",
        "hsa_bind_password": "halsoval_hsa_reader_password",
    }
    same = {
        option if option.startswith("hsa") else f"hsa_{option}": variable
        for option, variable in variables("hsa").items()
    }
    assert hsa == {option: reader.get(option, same[option]) for option in hsa}
    assert len(hsa) == 12
