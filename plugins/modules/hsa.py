#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hsa
short_description: Publish approved providers in the regional part of HSA
version_added: 0.1.0
description:
  - Brings the provider branch and the people branch of the regional HSA directory (schema 5.3) in
    line with the approved provider records. Providers, care units, people and commissions.
  - What a provider gets follows its phase on the day. Members of commissions, which open patient
    data, and the listing on 1177 come with operation, and go by the dates in the record.
  - Only entries that carry our key and lie in the two branches are changed. Nothing is deleted.
  - A plan that takes something from many without a date in a record is refused, with its hash.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ldap
  - regionjh.halsoval.ledger
  - regionjh.halsoval.system
  - regionjh.halsoval.person
options:
  base_dn:
    description: The base below which HSA-ids and people are looked up.
    type: str
    required: true
  provider_branch:
    description: DN of the existing entry below which providers and their units lie.
    type: str
    required: true
  people_branch:
    description: DN of the existing entry below which people lie.
    type: str
    required: true
  hsa_id_prefix:
    description: Beginning of the HSA-ids that are given out. Six digits follow.
    type: str
    default: SE2321000214-HV
  key_attribute:
    description: Attribute that holds our key, multi-valued, matched exactly.
    type: str
    default: halsovalKey
  key_class:
    description: Auxiliary object class that allows O(key_attribute).
    type: str
    default: halsovalObject
  renamed:
    description: Local names of attributes and object classes, by their national names.
    type: dict
    default: {}
  system_roles:
    description: The hsaSystemRole value V(systemid;role) that use of a service gives, by service.
    type: dict
    default: {}
  public_indicator:
    description: The hsaDestinationIndicator that shows a unit on 1177.
    type: str
    default: "03"
  protected_name:
    description: Name that stands for a protected person's, as the schema demands one.
    type: str
    default: Skyddad person
  lead_days:
    description: How many days before the first day of an assignment a person is entered.
    type: int
    default: 56
  feigned:
    description: Whether all entries are marked as test data (hsaFeignedDataObject).
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Publish the approved providers
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring HSA in line with the records
      regionjh.halsoval.hsa:
        providers: "{{ ansible_play_hosts }}"
        as_of: "{{ halsoval_as_of }}"
        server_uri: ldaps://hsa.example.org
        bind_dn: cn=halsoval,ou=System,o=Region,c=SE
        bind_password: "{{ vault_hsa_password }}"
        base_dn: o=Region,c=SE
        provider_branch: ou=Privata vårdgivare,o=Region,c=SE
        people_branch: ou=Personal privata vårdgivare,o=Region,c=SE
      run_once: true
      register: halsoval_hsa

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_hsa]
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
      sample: {"provider": 1, "unit": 2, "person": 25, "commission": 3, "added": 31}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add unit SE2321000214-HV000002"]
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
        - code: orphan
          severity: normal
          object: SE2321000214-HV000017
          message: "left as it is"
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

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.hsa import ARGUMENTS, run


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
