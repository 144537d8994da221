# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The histories of tests/long, carried out by a real slapd and a real Samba."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from ansible_collections.regionjh.halsoval.tests.in_full import only_in_full
from ansible_collections.regionjh.halsoval.tests.integration.domain import empty_region
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.long.servers import serve
from ansible_collections.regionjh.halsoval.tests.long.test_histories import Histories, share


@only_in_full
def test_servers_do_in_every_history_what_memory_does_and_the_judge_agrees(region: Lab) -> None:
    class OnServers(Histories):
        def __init__(self) -> None:
            super().__init__()
            empty_region(region)
            serve(self.region, region)

    run_state_machine_as_test(OnServers, settings=share(1))
    empty_region(region)
