# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of every module that talks to a Citrix site."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of runs.citrix.CITRIX_ARGUMENTS."""

    DOCUMENTATION = r"""
options:
  server_uri:
    description:
      - A delivery controller of the site, as V(https://host) or V(https://host:port).
      - The connection is always TLS, and the server's certificate is always verified. No proxy is
        used.
    type: str
    required: true
  user:
    description:
      - Account that the run logs on with, as V(DOMAIN\\name).
      - It is an administrator of the site with a role and a scope for this delivery group.
    type: str
    required: true
  password:
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
  delivery_group:
    description:
      - Name or id of the delivery group that providers use. One in a folder is V(Folder|Name).
    type: str
    required: true
requirements:
  - requests >= 2.32.3
"""
