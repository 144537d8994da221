# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in by which rule, as it is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.holdings import index
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.citrix.reading import (
    is_open,
    nobody,
    table,
)
from ansible_collections.regionjh.halsoval.tests.unit.citrix_in_memory import (
    LAYOUT,
    Citrix,
    MemoryRules,
    lets_in,
    pc,
    provider,
    rule,
)

ON, OFF = ("true",), ()
NAMES: dict[str, Any] = {"IncludedClientNameFilterEnabled": ON, "IncludedClientNames": ("PC-1",)}
USERS: dict[str, Any] = {"AllowedUsers": ("Filtered",), "IncludedUsers": ("REGION\\Läkare",)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"Enabled": OFF}, False),
        (USERS, True),
        ({**USERS, "IncludedUsers": ()}, False),
        ({"AllowHdxAccess": OFF}, False),
        ({"AllowHdxAccess": OFF, "AllowRdpAccess": ON}, True),
        ({"AllowHdxAccess": OFF, "AllowMachineRestart": ON}, False),
        (NAMES, False),
        ({**NAMES, "IncludedClientNameFilterEnabled": OFF}, True),
        ({**NAMES, "IncludedClientNames": ("PC-1", "*")}, True),
        ({**NAMES, "IncludedClientNames": ("**",)}, True),
        ({**NAMES, "IncludedClientNames": ("?*",)}, True),
        ({**NAMES, "IncludedClientNames": ("PC-*", "?")}, False),
        ({"IncludedClientIPFilterEnabled": ON, "IncludedClientIPs": ("10.0.0.0/8",)}, False),
        ({"IncludedClientIPFilterEnabled": ON, "IncludedClientIPs": ("0.0.0.0/0",)}, True),
        ({"IncludedClientIPFilterEnabled": ON, "IncludedClientIPs": ("odd", "10.1.2.3")}, False),
        ({"IncludedUserFilterEnabled": OFF}, False),
        ({"IncludedUserFilterEnabled": OFF, "IncludedSmartAccessFilterEnabled": ON}, True),
        ({"IncludedUserFilterEnabled": OFF, **NAMES}, False),
        ({"ExcludedClientNameFilterEnabled": ON, "ExcludedClientNames": ("PC-9",)}, True),
    ],
)  # fmt: skip
def test_a_rule_is_open_where_it_lets_in_from_any_computer(
    fields: dict[str, Any], expected: bool
) -> None:
    assert is_open(rule("X", **fields)) is expected


FLAGS = [
    "Enabled", "AllowHdxAccess", "AllowRdpAccess", "IncludedUserFilterEnabled",
    "IncludedClientNameFilterEnabled", "IncludedClientIPFilterEnabled",
]  # fmt: skip
LISTS = {
    "IncludedUsers": ("REGION\\Läkare",), "IncludedClientNames": ("PC-1",),
    "IncludedClientIPs": ("10.1.2.3",),
}  # fmt: skip


@given(st.sets(st.sampled_from(FLAGS)), st.sets(st.sampled_from(sorted(LISTS))), st.booleans())
def test_what_is_told_is_what_happens(flags: set[str], lists: set[str], anybody: bool) -> None:
    fields: dict[str, Any] = {name: ON if name in flags else OFF for name in FLAGS}
    fields |= {name: LISTS[name] if name in lists else () for name in LISTS}
    users = ("AnyAuthenticated",) if anybody else ("Filtered",)
    one = rule("X", **fields, AllowedUsers=users)
    from_anywhere = lets_in([one], {"Läkare"}, "PC-99", "10.9.9.9")
    assert is_open(one) == from_anywhere
    from_there = lets_in([one], {"Läkare"}, "PC-1", "10.1.2.3")
    assert (not nobody(one)) == from_there


def test_the_table_can_be_read() -> None:
    rules = MemoryRules(
        rule("Direct"), rule("AG", AllowedConnection=("ViaAG",), **USERS), rule("Old", Enabled=OFF)
    )
    citrix = Citrix(rules)
    citrix.run(provider("alfa", pc("PC-1"), pc("PC-2"), pc("PC-3", ip="10.1.2.3")))
    rows = [tuple(row.values()) for row in table(index(rules.read(), LAYOUT))]
    assert rows == [
        ("AG", "", "REGION\\Läkare", "by a gateway", "HDX", True, ""),
        ("Direct", "", "everybody who has logged on", "not by a gateway", "HDX", True, ""),
        ("Halsoval-alfa", "alfa", "REGION\\Halsoval-alfa", "names PC-1, PC-2", "HDX", False, ""),
        ("Halsoval-alfa_addresses", "alfa", "REGION\\Halsoval-alfa", "addresses 10.1.2.3", "HDX",
         False, ""),
        ("Old", "", "everybody who has logged on", "not by a gateway", "HDX", False, "disabled"),
    ]  # fmt: skip


def test_open_rules_are_told_with_the_highest_severity() -> None:
    citrix = Citrix(MemoryRules(rule("Direct"), rule("Filtered", **NAMES)))
    result = citrix.run(provider("alfa", pc("PC-1")))
    assert citrix.findings == {("", "open_rule", "Direct")}
    assert not result["alfa"]["findings"]
