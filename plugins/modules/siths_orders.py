#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: siths_orders
short_description: Order SITHS cards for approved providers' staff
version_added: 0.1.0
description:
  - Orders the cards that the approved provider records ask for, renews them, and has them revoked,
    for all providers at once. People in the RA organisation carry the orders out.
  - A card is ordered once the person is in HSA, which is from the lead time before the assignment.
    Who is not eligible is a finding, and the others are ordered.
  - Each order is made exactly once, whatever run is killed or repeated. It leaves in a batch for
    its recipient. M(regionjh.halsoval.receipts) takes in what became of it.
  - A plan that has many cards revoked without a date in a record is refused, with its hash.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.gate
  - regionjh.halsoval.identities
  - regionjh.halsoval.ledger
  - regionjh.halsoval.orders
  - regionjh.halsoval.system
  - regionjh.halsoval.person
options:
  renewal_days:
    description: How many days before its last day a card is renewed.
    type: int
    default: 90
  collect_days:
    description: How many days after it was sent a card that nobody has activated is revoked.
    type: int
    default: 92
  arrival_days:
    description:
      - How many days a new card takes at most. One that would arrive after a provider's end is not
        ordered.
    type: int
    default: 56
  recipient:
    description: Who receives the orders. It names their folder in the outbox.
    type: str
    default: ra_organisation
"""

EXAMPLES = r"""
- name: Order cards for approved providers' staff
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring the orders of cards in line with the records
      regionjh.halsoval.siths_orders:
        providers: "{{ ansible_play_hosts }}"
        outbox: /srv/halsoval/outbox
        hsa_server_uri: ldaps://hsa.example.org
        hsa_bind_dn: cn=halsoval-reader,ou=System,o=Region,c=SE
        hsa_bind_password: "{{ vault_hsa_reader_password }}"
        hsa_base_dn: o=Region,c=SE
        hsa_provider_branch: ou=Privata vårdgivare,o=Region,c=SE
        hsa_people_branch: ou=Personal privata vårdgivare,o=Region,c=SE
      run_once: true
      register: halsoval_siths

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_siths]
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
      sample: {"card": 25, "revocation": 1, "added": 26}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add card SE2321000214-HV000007 K3F7-2DQA-77ZM-4XKA"]
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
        - code: loa_too_low
          severity: normal
          object: SE2321000214-HV000017
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
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.siths_orders import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
