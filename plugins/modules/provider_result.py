#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_result
short_description: Each provider's own result of the systems' tasks
version_added: 0.1.0
description:
  - Ends a play over the providers, once for each host. The systems' modules run once for all
    providers and report O(results) by provider. This turns them into the host's own result, so that
    C(changed), C(failed), C(--diff) and the play recap are true for each provider.
  - Fails when the provider's record is invalid, with all its errors.
  - Fails when a system's task did not run, failed as a whole or failed for this provider, and when
    the inventory has a group of the provider's id.
  - A failure shows RV(msg) and RV(summary); C(ansible-playbook -v) shows all.
  - The result of a task that was skipped counts as nothing changed.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
options:
  results:
    description:
      - Names of the variables that the systems' tasks registered. Names, not values. Passed as
        values, all providers' results would be copied for each host.
    type: list
    elements: str
    required: true
  changed_first:
    description:
      - Succeed, as changed, where something was written for the provider, also where something
        else failed. RV(incomplete) then says so, and a handler is to fail the host.
      - To Ansible a task changes something or fails, and the play recap counts the one.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would change, as the systems' tasks do.
    support: full
  diff_mode:
    description: Shows before and after of this provider's entries in each system.
    support: full
"""

EXAMPLES = r"""
- name: Give each provider its own result
  regionjh.halsoval.provider_result:
    results:
      - halsoval_hsa

- name: Give each provider its own result, which the recap counts as changed and as failed
  regionjh.halsoval.provider_result:
    results:
      - halsoval_hsa
    changed_first: true
  register: halsoval_result
  notify: Fail where something was not done
"""

RETURN = r"""
msg:
  description: The errors of an invalid record, else what each system has to say.
  returned: always
  type: str
summary:
  description: The provider, its phase, and what each system holds and did, in one line.
  returned: always
  type: str
  sample: "fjallhalsan (operation): hsa: provider 1, unit 3, person 25, commission 5, added 34"
incomplete:
  description: Whether a system failed for the provider.
  returned: when the record is valid
  type: bool
  sample: false
systems:
  description:
    - What each system came to for this provider, by the variable's name without V(halsoval_).
    - The module of the system documents the values.
  returned: success, or with C(-v)
  type: dict
  sample: {"hsa": {"changed": true, "failed": false, "msg": "", "counts": {"person": 25}}}
diff:
  description: Before and after in each system.
  returned: with C(--diff)
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "results": {"type": "list", "elements": "str", "required": True},
            "changed_first": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    module.fail_json(
        msg="regionjh.halsoval.provider_result runs as an action on the controller only"
    )


if __name__ == "__main__":
    main()
