#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_orders
short_description: Order what people carry out for approved providers
version_added: 0.1.0
description:
  - Orders what no interface can bring about. Users of systems that the region's system owners or
    the provider's own administrators keep, connections to national services with what they
    presuppose, telephony, agreements, guests in Teams, and consultation on equipment.
  - Ends are orders too. That of a connection, an agreement or telephony is made as soon as its day
    is known, that of a user once the last day has passed.
  - An order that gives somebody something is made once the person is in HSA. Ends do not wait.
  - Each order is made exactly once, whatever run is killed or repeated. It leaves in a batch for
    its recipient. M(regionjh.halsoval.receipts) takes in what became of it, and what waits for it
    leaves with the next run.
  - A plan that takes something from many without a date in a record is refused, with its hash.
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
  recipients:
    description:
      - Other names of recipients, by the catalogue's own, V(systemforvaltning), V(inera),
        V(telia), V(ra_organisation), or by V(kontoforvaltning), who owns the region's accounts,
        and V(halsovalskansliet).
      - They name the folders in the outbox.
    type: dict
    default: {}
  ace_contract:
    description:
      - With whom the provider contracts for the ACE platform. The annex names the supplier in 4.2
        and the region in 4.4.
    type: str
    choices: [supplier, region]
    default: supplier
  due_days:
    description: Within how many days an order is due for which no record names a day.
    type: int
    default: 14
  baseline:
    description:
      - Records what the approved records ask for as carried out already, and asks nobody for it.
        For the first run at a region, or for a provider, that has it all.
      - Ends are ordered all the same, and addresses are asked about.
      - Never leave it on. What is new would not be ordered.
    type: bool
    default: false
  ad_result:
    description:
      - Name of the variable that holds the registered result of M(regionjh.halsoval.ad_accounts),
        when that has run before in the same play. What owners of the region's own accounts must
        do comes from there. Without it such orders stay as they are.
    type: str
  siths_result:
    description:
      - Name of the variable that holds the registered result of M(regionjh.halsoval.siths_orders),
        when that has run before in the same play. Where it refused the provider's plan,
        terminations wait.
    type: str
  owner_tasks:
    description: What owners must do, by provider. The action sets it, do not give it yourself.
    type: dict
"""

EXAMPLES = r"""
- name: Order what people carry out for approved providers
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring the orders of services in line with the records
      regionjh.halsoval.service_orders:
        providers: "{{ ansible_play_hosts }}"
        outbox: /srv/halsoval/outbox
        hsa_server_uri: ldaps://hsa.example.org
        hsa_bind_dn: cn=halsoval-reader,ou=System,o=Region,c=SE
        hsa_bind_password: "{{ vault_hsa_reader_password }}"
        hsa_base_dn: o=Region,c=SE
        hsa_provider_branch: ou=Privata vårdgivare,o=Region,c=SE
        hsa_people_branch: ou=Personal privata vårdgivare,o=Region,c=SE
      run_once: true
      register: halsoval_services

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_services]
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
      sample: {"join": 12, "connection": 5, "extension": 4, "added": 21}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add extension ankn-1 K3F7-2DQA-77ZM-4XKA"]
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
        - code: local_contact_missing
          severity: normal
          object: telefonisttjanst
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

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.service_orders import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
