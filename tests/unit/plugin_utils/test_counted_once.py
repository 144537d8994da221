# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether hosts have alike what counts once: no template is evaluated, and none deceives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.plugin_utils.counted_once import (
    ROLES,
    differences,
    names,
    reads,
)

COLLECTION = Path(__file__).parents[3]


def found(variables: list[str], **hosts: Mapping[str, Any]) -> list[str]:
    """The differences in words; the first host is the one whose variables count."""
    first, *others = hosts
    return [str(one) for one in differences(variables, first, others, hosts.__getitem__)]


# (what the first host has, what another one has, whether they differ in the variable x)
VALUES = {
    "same": ({"x": 1}, {"x": 1}, False),
    "other": ({"x": 1}, {"x": 2}, True),
    "unset for both": ({}, {}, False),
    "unset for the first": ({}, {"x": 1}, True),
    "unset for the other": ({"x": 1}, {}, True),
    "null is not unset": ({"x": None}, {}, True),
    "list": ({"x": ["hsa", "ad"]}, {"x": ["hsa"]}, True),
    "order of a list": ({"x": ["hsa", "ad"]}, {"x": ["ad", "hsa"]}, True),
    "deep": ({"x": {"a": [{"b": 1}]}}, {"x": {"a": [{"b": 2}]}}, True),
    "text and number": ({"x": "1"}, {"x": 1}, True),
    "same template": ({"x": "{{ y }}", "y": 1}, {"x": "{{ y }}", "y": 1}, False),
    "reads another": ({"x": "{{ y }}", "y": 1}, {"x": "{{ y }}", "y": 2}, True),
    "reads another that reads": (
        {"x": "{{ y }}", "y": "{{ z | upper }}", "z": "a"},
        {"x": "{{ y }}", "y": "{{ z | upper }}", "z": "b"},
        True,
    ),
    "reads deep": ({"x": {"a": ["-{{ y }}"]}, "y": 1}, {"x": {"a": ["-{{ y }}"]}, "y": 2}, True),
    "reads in a condition": (
        {"x": "{% if 'a' in y %}1{% endif %}", "y": ["a"]},
        {"x": "{% if 'a' in y %}1{% endif %}", "y": []},
        True,
    ),
    "reads in a circle": (
        {"x": "{{ y }}", "y": "{{ x }}"}, {"x": "{{ y }}", "y": "{{ x }}"}, False,
    ),
    "reads by a lookup": (
        {"x": "{{ lookup('vars', 'y') }}", "y": 1},
        {"x": "{{ lookup('vars', 'y') }}", "y": 2},
        True,
    ),
    "reads by a query": (
        {"x": "{{ q('ansible.builtin.vars', 'y') }}", "y": 1},
        {"x": "{{ q('ansible.builtin.vars', 'y') }}", "y": 2},
        True,
    ),
    "reads by vars": ({"x": "{{ vars['y'] }}", "y": 1}, {"x": "{{ vars['y'] }}", "y": 2}, True),
    "reads by an attribute of vars": (
        {"x": "{{ vars.y }}", "y": 1}, {"x": "{{ vars.y }}", "y": 2}, True,
    ),
    "loops over its own name": (
        {"x": "{% for y in [1] %}{{ y }}{% endfor %}", "y": 1},
        {"x": "{% for y in [1] %}{{ y }}{% endfor %}", "y": 2},
        False,
    ),
    "a lookup that names no variable": (
        {"x": "{{ lookup('env', 'HOME') }}"}, {"x": "{{ lookup('env', 'HOME') }}"}, False,
    ),
    "the host's own name": (
        {"x": "{{ inventory_hostname }}", "inventory_hostname": "a"},
        {"x": "{{ inventory_hostname }}", "inventory_hostname": "b"},
        True,
    ),
    "a template that is none": ({"x": "{{ y", "y": 1}, {"x": "{{ y", "y": 2}, False),
    "a filter of Ansible's": (
        {"x": "{{ (y | realpath) ~ '/a' }}", "y": 1},
        {"x": "{{ (y | realpath) ~ '/a' }}", "y": 2},
        True,
    ),
    "a filter and a test of a collection": (
        {"x": "{{ y | a.b.c if z is d.e.f }}", "z": 1},
        {"x": "{{ y | a.b.c if z is d.e.f }}", "z": 2},
        True,
    ),
    "text with braces": ({"x": "{ y }", "y": 1}, {"x": "{ y }", "y": 2}, False),
    "not read": ({"x": 1, "y": 1}, {"x": 1, "y": 2}, False),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other", "differ"), VALUES.values(), ids=VALUES.keys())
def test_what_two_hosts_may_have(
    one: Mapping[str, Any], other: Mapping[str, Any], differ: bool
) -> None:
    assert bool(found(["x"], alfa=one, beta=other)) is differ


def test_the_message_names_both_hosts_and_what_is_read_and_no_value() -> None:
    alfa = {"url": "{{ password }}", "password": "open", "systems": ["hsa"]}
    gamma = {**alfa, "password": "sesame", "systems": []}
    assert found(["url", "systems"], alfa=alfa, beta=alfa, gamma=gamma) == [
        "systems differs between alfa and gamma",
        "url reads password, which differs between alfa and gamma",
    ]


def test_each_variable_is_told_once_with_the_first_host_that_differs() -> None:
    hosts = {f"host{index}": {"x": index // 2} for index in range(1300)}
    assert found(["x"], **hosts) == ["x differs between host0 and host2"]


NAMES = ("a", "b", "c", "d")
_templates = st.lists(st.sampled_from(NAMES), max_size=2).map(
    lambda read: "".join(f"<{{{{ {name} }}}}>" for name in read)
)
_hosts = st.dictionaries(
    st.sampled_from(NAMES), st.integers(0, 1) | st.sampled_from("xy") | _templates, max_size=4
)


@given(st.lists(_hosts, min_size=2, max_size=4))
def test_where_nothing_differs_every_host_would_come_to_the_same(
    hosts: list[dict[str, Any]],
) -> None:
    named = {f"host{index}": variables for index, variables in enumerate(hosts)}
    if not found(["a", "b"], **named):
        for name in ("a", "b"):
            assert len({_evaluated(variables, name) for variables in hosts}) == 1


def _evaluated(variables: Mapping[str, Any], name: str, depth: int = 0) -> str:
    """A variable with all templates that it reads evaluated, as Ansible does at last."""
    if name not in variables or depth > 6:
        return "none"
    text = str(variables[name])
    return re.sub(r"{{ (\w) }}", lambda read: _evaluated(variables, read[1], depth + 1), text)


@pytest.mark.parametrize(
    "file",
    [*COLLECTION.glob("inventories/*/group_vars/**/*.yml"),
     *COLLECTION.glob("extensions/molecule/*/inventory/group_vars/*.yml")],
    ids=lambda file: "/".join(file.parts[-4:]),
)  # fmt: skip
def test_every_template_of_our_inventories_tells_what_it_reads(file: Path) -> None:
    for value in (yaml.safe_load(file.read_text("utf-8")) or {}).values():
        assert bool(set(reads(value))) == ("{{" in str(value))


# --- which variables -----------------------------------------------------------------------------


def test_every_variable_that_a_role_hands_to_its_module_counts_once() -> None:
    for role in ROLES:
        text = (COLLECTION / "roles" / role / "meta/argument_specs.yml").read_text("utf-8")
        told = yaml.safe_load(text)["argument_specs"]["main"]["options"]
        assert told.keys() <= set(names())
    assert {"halsoval_as_of", "halsoval_systems", "ansible_connection"} <= set(names())


@pytest.mark.parametrize("playbook", ["onboard", "receipts"])
def test_playbooks_look_before_any_role_and_run_none_where_something_differs(playbook: str) -> None:
    plays = yaml.safe_load((COLLECTION / f"playbooks/{playbook}.yml").read_text("utf-8"))
    (play,) = (play for play in plays if "roles" in play)
    (look,) = play["pre_tasks"]
    assert look["regionjh.halsoval.counted_once"] is None
    assert look["register"] == "halsoval_variables"
    for role in play["roles"]:
        assert role["role"].rpartition(".")[2] in ROLES
        assert role["when"][0] == "halsoval_variables is not failed"


def test_the_night_sums_up_what_was_done_for_the_providers() -> None:
    plays = yaml.safe_load((COLLECTION / "playbooks/reconcile.yml").read_text("utf-8"))
    _records, look = plays[0]["tasks"]
    (play,) = (play for play in plays if "roles" in play)
    assert {role["role"].rpartition(".")[2] for role in play["roles"]} == set(ROLES)
    summed_up = {name for name in reads([plays[2]["vars"], plays[2]["tasks"]]) if name in names()}
    asked = look["regionjh.halsoval.counted_once"]["variables"]
    assert set(asked) == summed_up - {"halsoval_started_by"}


@pytest.mark.parametrize("playbook", ["audit", "hold", "receipts"])
def test_playbooks_about_the_ledger_look_whether_it_is_that_of_the_providers(playbook: str) -> None:
    plays = yaml.safe_load((COLLECTION / f"playbooks/{playbook}.yml").read_text("utf-8"))
    _records, look, *others = plays[0]["tasks"]
    asked = look["regionjh.halsoval.counted_once"]["variables"]
    # Who started a run may differ, and the rest is asked for on localhost alone.
    ledger = {name for name in reads(others) if name in names()} - {"halsoval_started_by"}
    assert set(asked) == ledger == {"halsoval_ledger_url", "halsoval_state_directory"}
