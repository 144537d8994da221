# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that look at licences."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.licences.LICENCE_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  licence_pools:
    description:
      - How many client access licences (CAL) the region has for registered workstations, by kind.
        V(windows) and V(rds). A kind that is not named is not kept.
      - A provider whose workstations, or users, lack one is refused before anything is written.
    type: dict
    default: {}
  rds_per:
    description: Whether RDS CALs are per device or per user. Windows CALs are per device.
    type: str
    choices: [device, user]
    default: device
"""
