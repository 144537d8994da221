#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: citrix_access
short_description: Keep who gets into Citrix, and from which computers
version_added: 0.1.0
description:
  - Brings the access policy rules of a delivery group in line with the approved provider records,
    for all providers at once.
  - Each provider has a rule that lets its AD group in from its registered workstations, by the
    names of their Citrix clients, and another one by address where the record says so. A rule is
    enabled in operation and within a trial.
  - A rule of a provider that has ended is disabled and emptied. Nothing is deleted.
  - Where a workstation leaves a rule, its sessions are logged off, and the run waits until they
    are gone. In check mode nobody is logged off.
  - Only rules with our prefix and our key in the description are changed. One that a person
    disabled by hand is never enabled. A plan that takes something from many without a date in a
    record, or that disables a rule without one, is refused, with its hash.
  - Rules of others that let people in from any computer are told.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.citrix
  - regionjh.halsoval.ledger
  - regionjh.halsoval.system
options:
  domain:
    description: NetBIOS name of the domain that the providers' groups are in.
    type: str
    required: true
  group_prefix:
    description: Beginning of the names of those groups, as for M(regionjh.halsoval.ad_accounts).
    type: str
    default: Halsoval-
  rule_prefix:
    description:
      - Beginning of the names of our rules, of at most 24 characters without blanks. The provider's
        id follows.
      - Names of rules are unique in a site, so each delivery group has a prefix of its own.
    type: str
    default: Halsoval-
  workstations_result:
    description:
      - Name of the variable that holds the registered result of M(regionjh.halsoval.workstations),
        when that has run before in the same play. Where it failed for a provider, nobody is
        admitted yet from what is new of that provider's workstations.
    type: str
  registry_failures:
    description:
      - What failed in the registry, by provider. The action sets it, do not give it yourself.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Keep who gets into Citrix
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring the access policy in line with the records
      regionjh.halsoval.citrix_access:
        providers: "{{ ansible_play_hosts }}"
        as_of: "{{ halsoval_as_of }}"
        server_uri: https://ddc1.region.example
        user: REGION\svc-halsoval-citrix
        password: "{{ vault_citrix_password }}"
        delivery_group: Privata vårdgivare
        domain: REGION
      run_once: true
      register: halsoval_citrix

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_citrix]
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
      sample: {"rule": 2, "added": 1, "modified": 1}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add rule Halsoval-fjallhalsan"]
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
        - code: manually_disabled
          severity: normal
          object: Halsoval-fjallhalsan
          message: "..."
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
access:
  description:
    - Who gets in by which rule of the delivery group, ours and others, as it is after the run. In
      check mode as it is.
    - C(open) says that the rule lets people in from any computer, which is the finding C(open_rule)
      too. C(nobody) says why it lets nobody in.
  returned: success
  type: list
  elements: dict
  sample:
    - rule: Halsoval-fjallhalsan
      provider: fjallhalsan
      users: REGION\Halsoval-fjallhalsan
      clients: names FJALL-PC01, FJALL-PC02
      protocols: HDX
      open: false
      nobody: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.citrix_access import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
