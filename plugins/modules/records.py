#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: records
short_description: Fail unless the approved provider records were read
version_added: 0.1.0
description:
  - Begins every playbook, on localhost. It fails unless the inventory plugin
    P(regionjh.halsoval.providers#inventory) has read exactly one source, with providers in it.
  - Ansible itself warns and goes on when an inventory source fails. The run then does nothing and
    exits with 0.
  - An invalid record does not fail this task. It fails as its own host in
    M(regionjh.halsoval.provider_result).
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
attributes:
  check_mode:
    description: Changes nothing in either mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Check that there is something to work with
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make sure the approved records were read
      regionjh.halsoval.records:
"""

RETURN = r"""
as_of:
  description: The day that everything is computed for.
  returned: success
  type: str
  sample: "2026-03-02"
providers:
  description: Number of valid records.
  returned: success
  type: int
  sample: 5
invalid:
  description: Hosts of the records that are invalid.
  returned: success
  type: list
  elements: str
  sample: []
conflicts:
  description:
    - What records claim that another one claims too, by host.
    - Who held it before keeps it. The other's record is invalid to the modules of systems.
  returned: success
  type: dict
  sample: {}
phases:
  description: Number of providers by phase.
  returned: success
  type: dict
  sample: {"operation": 3, "wind_down": 1}
findings:
  description: What a person should look at. It names nobody.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="regionjh.halsoval.records runs as an action on the controller only")


if __name__ == "__main__":
    main()
