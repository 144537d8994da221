# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the writes of HSA: prints the seconds that carrying out a ready plan takes.

Run as a program: write_stage.py PROVIDERS_DIRECTORY, with the options of the module hsa as JSON on
standard input.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.entries import desire
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.layout import (
    Layout,
    schema,
    searches,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import make_plan
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import carry_out
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.directory import directory
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import approved_records

DAY = dt.date(2026, 3, 2)


def main(providers: Path, options: dict[str, Any]) -> None:
    """Plan, and time the writes alone."""
    reading = approved_records.read(providers, VaultLib(), DAY, ["SE2321000214-"])
    records = (from_json(Record, json.loads(one.data)) for one in reading.providers.values())
    layout = Layout(
        options["base_dn"], options["provider_branch"], options["people_branch"], feigned=True
    )
    system = directory(options, searches(layout), schema(layout))
    desired = desire(Approved(tuple(records), frozenset()), DAY, layout, system.read())
    plan = make_plan(desired.wanted, desired.attributes, desired.taken)
    started = time.perf_counter()
    written = carry_out(system, plan, plan.operations)
    print(time.perf_counter() - started)
    if written.failed:
        raise SystemExit(f"{len(written.failed)} writes failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin))
