# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module hsa, which takes a server for gone after a moment instead of half a minute."""

from __future__ import annotations

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import directory
from ansible_collections.regionjh.halsoval.plugins.modules import hsa


def main() -> None:
    """Run it in a process of its own."""
    directory.BACK_OFF = (0.05,)
    hsa.main()
