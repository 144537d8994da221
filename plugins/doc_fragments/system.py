# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options and behaviour of every module that brings a system in line with the records."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.system.SYSTEM_ARGUMENTS, with the fragment ledger."""

    DOCUMENTATION = r"""
options:
  providers:
    description:
      - Ids of the providers to bring in line, normally C(ansible_play_hosts).
      - All records are read all the same, so what another provider needs is never taken away.
    type: list
    elements: str
    required: true
  expected_plan:
    description:
      - Hashes of plans that a person has seen and confirmed.
      - When given, exactly these plans are carried out, past the guard, and all others are refused.
    type: list
    elements: str
    default: []
  records:
    description: File with the approved records. The action sets it, do not give it yourself.
    type: path
    required: true
notes:
  - Records are read by the inventory plugin P(regionjh.halsoval.providers#inventory).
  - The module reports C(changed=false) and a result for each provider. End the play with
    M(regionjh.halsoval.provider_result), which turns them into each host's own result.
attributes:
  check_mode:
    description: Makes the same plan and writes nothing.
    support: full
  diff_mode:
    description: Returns before and after of each entry, personal numbers masked.
    support: full
"""
