#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: counted_once
short_description: Fail where a variable that counts once differs between hosts
version_added: 0.1.0
description:
  - The systems' modules run once for all providers, so their variables count once for the whole
    run. Ansible takes them from whichever host comes first. This task fails, before anything is
    written, where another host has another value. It names the variable and both hosts, and no
    value.
  - It compares the hosts of the play and all providers, with C(--limit) too.
  - Variables are compared as they are written, with all variables that their templates read. No
    template is evaluated. One that reads what is each host's own, such as C(group_names), counts as
    different.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
options:
  variables:
    description:
      - Names of the variables.
      - Without it, those that the roles of the systems and C(sightings) hand to their modules,
        C(halsoval_systems), and those that say how Ansible runs a module.
    type: list
    elements: str
attributes:
  check_mode:
    description: Changes nothing in either mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Look whether all providers have the same settings
  regionjh.halsoval.counted_once:
  run_once: true
"""

RETURN = r"""
msg:
  description: Each variable that differs, with two hosts.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={"variables": {"type": "list", "elements": "str"}},
        supports_check_mode=True,
    )
    module.fail_json(msg="regionjh.halsoval.counted_once runs as an action on the controller only")


if __name__ == "__main__":
    main()
