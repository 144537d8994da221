# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA in memory, brought in line with records."""

from __future__ import annotations

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa


@pytest.fixture
def hsa() -> Hsa:
    """An empty HSA with the two branches."""
    return Hsa()
