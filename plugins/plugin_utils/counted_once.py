# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that count once for a whole run, and whether all hosts have them alike.

A task that runs once for all takes its variables from the first host. What another host says of
them would count for nobody. They are compared as they are written, with all variables that they
read: no template is evaluated, as its lookups would be asked once for each host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, meta, nodes

ROLES = (
    "hsa", "workstations", "licences", "siths", "ad", "citrix", "services", "sightings",
)  # fmt: skip
# What the playbooks decide by, and how Ansible runs a module.
_OTHERS = (
    "halsoval_systems",
    "ansible_become",
    "ansible_connection",
    "ansible_python_interpreter",
)
_ROLES = Path(__file__).parents[2] / "roles"


class _Known(dict[str, Any]):
    """Filters or tests of any name: which ones Ansible has is no matter of ours."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name, default) or str


# The extensions that Ansible has.
_SYNTAX = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=True)
_SYNTAX.filters, _SYNTAX.tests = _Known(_SYNTAX.filters), _Known(_SYNTAX.tests)
# What reads variables by a text that names them.
_BY_NAME = {"lookup", "query", "q", "vars"}
_UNSET = object()

Variables = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A variable that counts once and that two hosts have otherwise, by itself or by one it reads.

    Values are not in it: one may be a password.
    """

    variable: str
    read: str
    hosts: tuple[str, str]

    def __str__(self) -> str:
        reads = f" reads {self.read}, which" if self.read != self.variable else ""
        first, other = self.hosts
        return f"{self.variable}{reads} differs between {first} and {other}"


@cache
def names() -> tuple[str, ...]:
    """The variables that the roles hand to their modules, and the others that count once."""
    handed = set[str]()
    for role in ROLES:
        text = (_ROLES / role / "tasks/main.yml").read_text(encoding="utf-8")
        handed.update(name for name in reads(yaml.safe_load(text)) if name.startswith("halsoval_"))
    return (*sorted(handed), *_OTHERS)


def differences(
    variables: Iterable[str], first: str, others: Iterable[str], get: Callable[[str], Variables]
) -> list[Difference]:
    """Each variable that another host has otherwise than the first, with the first such host.

    `get` gives a host's variables, not evaluated.
    """
    own = get(first)
    followed = _followed(variables, own)
    found: dict[str, Difference] = {}
    for host in others:
        theirs = get(host)
        for name, variable in followed.items():
            if name not in found and not _same(own.get(name, _UNSET), theirs.get(name, _UNSET)):
                found[name] = Difference(variable, name, (first, host))
    return list(found.values())


def reads(value: Any) -> Iterator[str]:
    """The names of variables that the templates in a value may read."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from reads(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from reads(item)
    elif isinstance(value, str) and ("{{" in value or "{%" in value):
        yield from _of_template(str(value))


@cache
def _of_template(text: str) -> frozenset[str]:
    try:
        tree = _SYNTAX.parse(text)
        found = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError:  # the task that evaluates it says so
        return frozenset()
    if found & _BY_NAME:
        found |= {str(constant.value) for constant in tree.find_all(nodes.Const)}
        found |= {step.attr for step in tree.find_all(nodes.Getattr)}
    return frozenset(found)


def _followed(variables: Iterable[str], own: Variables) -> dict[str, str]:
    """Every variable that is read on the way, with the one of `variables` that it is read for."""
    followed = {name: name for name in variables}
    waiting = list(followed)
    while waiting:
        name = waiting.pop()
        for read in reads(own.get(name)):
            if read not in followed:
                followed[read] = followed[name]
                waiting.append(read)
    return followed


def _same(one: Any, other: Any) -> bool:
    # A value from a group's file is one object for all. One of ansible-vault compares decrypted.
    return one is other or bool(one == other)
