# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that makes orders."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.orders.ORDER_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  outbox:
    description:
      - Directory that orders leave through, with a folder for each recipient. Each run writes a
        batch there as JSON and as CSV, for its user alone.
      - Controllers that share a ledger share this directory too.
    type: path
    required: true
  protected_outbox:
    description:
      - Directory for the orders about people with a protected identity.
      - The folder V(skyddade) in O(outbox) without it.
    type: path
"""
