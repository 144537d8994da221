#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: licences
short_description: Assign client access licences to registered workstations
version_added: 0.1.0
description:
  - Keeps in the ledger which Windows CAL and which RDS CAL each registered workstation has. To be
    registered assigns them, to be deregistered releases them.
  - A CAL that was released goes to another 90 days after the last day, or at once where the record
    says in C(licences_free) that the workstation failed for good or is absent for a time.
  - With the licence server's list of issued licences, tells what is used without one, and what is
    issued and not explained.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.identities
  - regionjh.halsoval.ledger
  - regionjh.halsoval.licences
  - regionjh.halsoval.system
options:
  evidence_path:
    description:
      - A CSV file of Win32_TSIssuedLicense, as Export-Csv writes it. C(docs/licences.md) has the
        commands.
      - A line that cannot be used is a finding V(evidence_unclear) and a warning. The rest is used.
    type: path
"""

EXAMPLES = r"""
- name: Assign licences
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring licences in line with the records
      regionjh.halsoval.licences:
        providers: "{{ ansible_play_hosts }}"
        as_of: "{{ halsoval_as_of }}"
        licence_pools: {windows: 120, rds: 100}
        hsa_server_uri: ldaps://hsa.example.org
        hsa_bind_dn: cn=halsoval-reader,ou=System,o=Region,c=SE
        hsa_bind_password: "{{ vault_hsa_reader_password }}"
        hsa_base_dn: o=Region,c=SE
        hsa_provider_branch: ou=Privata vårdgivare,o=Region,c=SE
        hsa_people_branch: ou=Personal privata vårdgivare,o=Region,c=SE
      run_once: true
      register: halsoval_licences

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_licences]
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
      sample: {"cal": 34, "added": 2}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add cal FJH-PC-017 windows"]
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
        - code: cal_missing
          severity: normal
          object: FJH-PC-017
          message: "it was used, and the licence server knows no active RDS CAL of it"
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
    licences:
      description: Of each kind how many the provider has, and how many of the pool are free.
      type: dict
      returned: success
      sample: {"windows": {"assigned": 17, "free": 66, "pool": 200}}
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

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.licences import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
