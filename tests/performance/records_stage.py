# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the reading of record files: prints the seconds that it takes.

Run as a program: records_stage.py PROVIDERS_DIRECTORY. Imports are not timed.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

from ansible.parsing.vault import VaultLib

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import approved_records


def main(providers: Path) -> None:
    """Read and check them as the inventory does."""
    started = time.perf_counter()
    reading = approved_records.read(providers, VaultLib(), dt.date(2026, 3, 2), ["SE2321000214-"])
    print(time.perf_counter() - started)
    if reading.errors:
        raise SystemExit(f"{len(reading.errors)} records are invalid: {reading.errors}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
