# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of people while HSA cannot be read."""

from __future__ import annotations

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
    Remembered,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.identities import unread


def test_an_address_of_hsa_that_no_run_has_read_is_told() -> None:
    assert unread(Remembered(frozenset({"SE2321000214-HV000001"}))) == "HSA could not be read"
    assert unread(NOTHING_REMEMBERED).endswith("no earlier run read it at this address")
