# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that talks to an LDAP directory."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.directory.LDAP_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  server_uri:
    description:
      - The directory, as V(ldaps://host) or V(ldaps://host:port).
      - The connection is always TLS, and the server's certificate is always verified.
    type: str
    required: true
  bind_dn:
    description: DN of the account that reads and writes. Give it rights on our branches only.
    type: str
    required: true
  bind_password:
    description: Password of the account. Keep it in a vault or a lookup.
    type: str
    required: true
  ca_path:
    description: File with the CA certificates to verify the server with. The system's without it.
    type: path
  timeout:
    description: How many seconds to wait for an answer.
    type: int
    default: 60
requirements:
  - ldap3
"""
