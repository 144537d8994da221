# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What make test-long runs in full, and make test a part of."""

from __future__ import annotations

import os

import pytest

IN_FULL = "HALSOVAL_IN_FULL" in os.environ

only_in_full = pytest.mark.skipif(not IN_FULL, reason="make test-long runs it")


def full(number: int, part: int) -> int:
    """`number` in make test-long, and `part` of it in make test."""
    return number if IN_FULL else part
