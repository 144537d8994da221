# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA and Active Directory in memory, brought in line with records."""

from __future__ import annotations

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa


@pytest.fixture
def hsa() -> Hsa:
    """An empty HSA with the two branches."""
    return Hsa()


@pytest.fixture
def world() -> Ad:
    """An empty HSA, and a domain as a region has it before our first run."""
    return Ad()
