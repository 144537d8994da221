# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many histories: a few that are the same until a test is edited, or HALSOVAL_HISTORIES."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

HISTORIES = int(os.environ.get("HALSOVAL_HISTORIES", "0"))

settings.register_profile(
    "histories",
    deadline=None,
    derandomize=not HISTORIES,
    max_examples=HISTORIES or 16,
    print_blob=True,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("histories")
