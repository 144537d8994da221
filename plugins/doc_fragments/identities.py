# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that finds people by the HSA-id that they have in HSA."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.identities.IDENTITY_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  hsa_server_uri:
    description:
      - The HSA directory, which is read only, as V(ldaps://host) or V(ldaps://host:port).
      - Where it cannot be read, people are known as an earlier run on this controller saw them.
    type: str
    required: true
  hsa_bind_dn:
    description: DN of an account that may read HSA. It needs no right to write.
    type: str
    required: true
  hsa_bind_password:
    description: Password of the account. Keep it in a vault or a lookup.
    type: str
    required: true
  hsa_ca_path:
    description: File with the CA certificates to verify HSA with. The system's without it.
    type: path
  hsa_timeout:
    description: How many seconds to wait for an answer of HSA.
    type: int
    default: 60
  hsa_base_dn:
    description: Base below which people are looked up, as for M(regionjh.halsoval.hsa).
    type: str
    required: true
  hsa_provider_branch:
    description: DN of the entry below which providers lie, as for M(regionjh.halsoval.hsa).
    type: str
    required: true
  hsa_people_branch:
    description: DN of the entry below which people lie, as for M(regionjh.halsoval.hsa).
    type: str
    required: true
  hsa_id_prefix:
    description: Beginning of the HSA-ids that are given out, as for M(regionjh.halsoval.hsa).
    type: str
    default: SE2321000214-HV
  hsa_key_attribute:
    description: Attribute that holds our key in HSA, as for M(regionjh.halsoval.hsa).
    type: str
    default: halsovalKey
  hsa_renamed:
    description: Local names in HSA by their national names, as for M(regionjh.halsoval.hsa).
    type: dict
    default: {}
  hsa_lead_days:
    description: Days before the first day that people are entered, as for M(regionjh.halsoval.hsa).
    type: int
    default: 56
"""
