# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module whose additions wait for HSA."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.identities.GATE_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  hsa_result:
    description:
      - Name of the variable that holds the registered result of M(regionjh.halsoval.hsa), when
        that has run before in the same play. Where it failed for a provider, new accounts, new
        cards and orders for new users wait.
      - Without it, an account is made, and anything ordered for a person, only for whom HSA holds
        already.
    type: str
  hsa_failures:
    description: What failed in HSA, by provider. The action sets it, do not give it yourself.
    type: dict
  refused:
    description:
      - Which system refused the provider's plan before in the same play. What nobody can call back
        waits then. The action sets it, do not give it yourself.
    type: dict
    default: {}
"""
