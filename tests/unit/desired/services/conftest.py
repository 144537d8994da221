# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger that the tests of services' orders begin with."""

from __future__ import annotations

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import Services


@pytest.fixture
def services() -> Services:
    """A ledger without orders."""
    return Services()
