# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of modules that bring a system in line for one person alone."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.system.PERSON_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  person:
    description:
      - The one person to do what the records ask for, by HSA-id, or as C(<provider>/<ref>) by the
        C(ref) of a row in a provider's record. Nobody else is touched; all is read all the same.
      - The guard judges that person's part of the plan by itself, and it has a hash of its own.
      - What it puts in effect is remembered by the next run for everybody.
      - Without one the module does it for everybody.
    type: str
    default: ""
"""
