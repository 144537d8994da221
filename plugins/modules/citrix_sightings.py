#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: citrix_sightings
short_description: See who has connected to Citrix, and from where
version_added: 0.1.0
description:
  - Reads the connections that were made or changed since the last night from Citrix Monitor, and
    the live sessions, and holds them against the registered workstations.
  - Remembers in the ledger on which day somebody last connected from each workstation, for 90 days.
    It remembers nothing of any person.
  - Nothing is changed in Citrix.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.citrix
  - regionjh.halsoval.ledger
options:
  records:
    description: File with the approved records. The action sets it, do not give it yourself.
    type: path
    required: true
attributes:
  check_mode:
    description: Reads the same and remembers nothing.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
requirements:
  - requests-ntlm >= 1.3
"""

EXAMPLES = r"""
- name: See who has connected
  regionjh.halsoval.citrix_sightings:
    server_uri: https://ddc.region.example
    user: REGION\svc-halsoval
    password: "{{ vault_citrix_password }}"
    delivery_group: Hälsoval skrivbord
  register: halsoval_sightings
"""

RETURN = r"""
connections:
  description: How many connections and sessions were looked at.
  returned: always
  type: int
  sample: 812
confirmed:
  description: From how many registered workstations somebody has connected within 90 days.
  returned: always
  type: int
  sample: 95
providers:
  description: Findings by provider; only of those that have any.
  returned: always
  type: dict
findings:
  description: Findings that concern no provider, such as C(unregistered_connection).
  returned: always
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.citrix_sightings import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
