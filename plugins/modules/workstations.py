#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: workstations
short_description: Keep the registry of approved providers' workstations
version_added: 0.1.0
description:
  - Brings a branch of the region's directory in line with the approved provider records. It holds
    an entry for each registered workstation, and no other may reach the region's Citrix.
  - A workstation is registered from the signed contract to its last day. Then its entry stays, and
    says that it is deregistered.
  - A provider with more workstations than its groups hold, or with a name that somebody else's
    entry has, is told so before anything of it is written.
  - Only entries that carry our key and lie in the branch are changed. Nothing is deleted.
  - A plan that deregisters many without a date in a record is refused, with its hash.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ldap
  - regionjh.halsoval.ledger
  - regionjh.halsoval.licences
  - regionjh.halsoval.system
options:
  branch:
    description: DN of the existing entry below which workstations lie.
    type: str
    required: true
  attestation_days:
    description: After how many days an attestation of antivirus and security updates is due again.
    type: int
    default: 365
"""

EXAMPLES = r"""
- name: Register the approved providers' workstations
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring the registry in line with the records
      regionjh.halsoval.workstations:
        providers: "{{ ansible_play_hosts }}"
        as_of: "{{ halsoval_as_of }}"
        server_uri: ldaps://katalog.example.org
        bind_dn: cn=halsoval,ou=System,o=Region,c=SE
        bind_password: "{{ vault_registry_password }}"
        branch: ou=Registrerade arbetsplatser,o=Region,c=SE
      run_once: true
      register: halsoval_workstations

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_workstations]
"""

RETURN = r"""
providers:
  description: What came of each provider, by its id.
  returned: success
  type: dict
  contains:
    changed:
      description: Whether something was written, or would be in check mode.
      type: bool
      returned: success
    failed:
      description: Whether something failed, was refused or waits.
      type: bool
      returned: success
    msg:
      description: What failed, was refused or waits, in words.
      type: str
      returned: success
    counts:
      description: How many of each kind the provider has, and how many were added or changed.
      type: dict
      returned: success
      sample: {"workstation": 17, "added": 1}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add workstation FJH-PC-017"]
    errors:
      description: Each error and refusal, and what waits.
      type: list
      elements: str
      returned: success
    findings:
      description:
        - What a person should look at.
        - C(severity) is C(high) where somebody may get in who should not, else C(normal).
      type: list
      elements: dict
      returned: success
      sample:
        - code: attestation_due
          severity: normal
          object: FJH-PC-017
          message: "antivirus and security updates are not attested (annex 3.4)"
    withheld:
      description:
        - What a person must confirm, with the hash that confirms just that, and what waits. The
          rest was done. It is among the errors too.
      type: list
      elements: str
      returned: success
      sample: []
    undone:
      description:
        - Whether something was tried and failed. Where the plan was refused that was a removal,
          which a date or a hold asks for.
      type: bool
      returned: success
    refused:
      description: Whether the plan was refused, but for what a date has ended.
      type: bool
      returned: success
    workstations:
      description: How many are registered on the day, in how many groups, and how many these hold.
      type: dict
      returned: success
      sample: {"registered": 17, "capacity": 20, "groups": 2}
    plan:
      description: Hash of the plan, empty when there is nothing to do.
      type: str
      returned: success
      sample: 3f1c0a7be2d94c55
    diff:
      description:
        - Before and after of everything in the plan. Secrets and particulars of people are masked.
      type: dict
      returned: with C(--diff)
findings:
  description:
    - What is ours of providers that have no record any more.
    - Where C(provider) is empty, what no provider answers for, such as an account without a key.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.workstations import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
