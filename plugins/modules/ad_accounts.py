#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_accounts
short_description: Keep the accounts of approved providers' staff in Active Directory
version_added: 0.1.0
description:
  - Brings accounts, provider groups and the membership of groups that open services in line with
    the approved provider records, for all providers at once.
  - Each natural person who uses a service that an AD group opens has one account, whoever employs
    them. It is found again by employeeNumber, which is the HSA-id, and never by name.
  - Accounts are for logon by SITHS card. They are disabled in establishment, enabled in operation
    and within a trial, and closed by the dates in the record.
  - The account of somebody who has left all providers is moved to O(quarantine_ou) once it is
    closed, and deleted after O(grace_days).
  - An account that a person disabled by hand is never enabled.
  - Only what carries our key and lies in our OUs is changed. In the groups that open services only
    the membership of our accounts is. A plan that takes something from many without a date in a
    record is refused, with its hash.
  - New accounts wait for HSA. Disabling and removal of membership never do.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.gate
  - regionjh.halsoval.ldap
  - regionjh.halsoval.identities
  - regionjh.halsoval.ledger
  - regionjh.halsoval.system
  - regionjh.halsoval.person
requirements:
  - anyascii, where O(account_name) names C(given) or C(surname)
options:
  base_dn:
    description: DN of the domain. All names in it are read, as no two accounts share one.
    type: str
    required: true
  account_ou:
    description: DN of the existing OU that accounts are made in.
    type: str
    required: true
  quarantine_ou:
    description:
      - DN of the existing OU that accounts are moved to once their owners have left, and deleted
        from.
    type: str
    required: true
  group_ou:
    description: DN of the existing OU that the providers' groups are made in.
    type: str
    required: true
  upn_suffix:
    description: What follows the HSA-id and V(@) in userPrincipalName.
    type: str
    required: true
  groups:
    description:
      - DN of the group that opens a service, by the service's key.
      - For a service that is read only, such as V(microsoft_office), name the group that reads.
      - Nobody gets a service without a group. That is a finding.
      - A group that is built in or protected, or nested in such a group, is refused, and so is the
        plan of each provider that uses its service. What a date has ended is still done.
    type: dict
    default: {}
  account_name:
    description:
      - How sAMAccountName is made, as a Python format string over C(serial), C(given) and
        C(surname), for example V({given:.3}{surname:.3}). Letters a-z and digits are kept; what
        else is a letter is transliterated, so that V(Łukasz Østergård) becomes V(lukost).
      - C(serial) is the part of the HSA-id after the hyphen. A protected person always gets it.
      - A number follows where somebody has the name already. An account keeps its name.
    type: str
    default: "{serial}"
  group_prefix:
    description:
      - Beginning of the names of the providers' groups, of at most 24 characters.
      - The provider's id follows.
    type: str
    default: Halsoval-
  key_attribute:
    description: Attribute that holds our key and mark, multi-valued, on users and groups.
    type: str
    default: extensionName
  protected_name:
    description: Name that stands for a protected person's, of at most 64 characters.
    type: str
    default: Skyddad person
  dormant_days:
    description:
      - An enabled account that nobody has logged on with for more days than these is a finding,
        C(dormant_account). It stays enabled.
      - AD notes a logon only where what it noted before is 9 to 14 days old.
    type: int
    default: 90
  grace_days:
    description:
      - The account of whoever has left is moved to O(quarantine_ou), and deleted after more days
        there than these. Until then whoever comes back has the same account again.
    type: int
    default: 90
  certificates:
    description:
      - Certificates on people's cards, several for one person if need be. They become strong
        mappings in altSecurityIdentities (KB5014754).
      - All X.509 mappings of our accounts follow the list.
      - Without it they follow the cards in the ledger, which M(regionjh.halsoval.receipts) keeps.
        Those of people whose cards it does not know are left alone.
    type: list
    elements: dict
    suboptions:
      hsa_id:
        description: The person.
        type: str
        required: true
      issuer:
        description: DN of the issuer, in the order of RFC 4514. Goes with O(certificates[].serial).
        type: str
      serial:
        description: Serial number in hexadecimal digits.
        type: str
      ski:
        description: Subject key identifier in hexadecimal digits, in place of the other two.
        type: str
"""

EXAMPLES = r"""
- name: Keep the accounts of approved providers' staff
  hosts: providers
  gather_facts: false
  tasks:
    - name: Bring AD in line with the records
      regionjh.halsoval.ad_accounts:
        providers: "{{ ansible_play_hosts }}"
        as_of: "{{ halsoval_as_of }}"
        server_uri: ldaps://dc1.ad.example.org
        bind_dn: CN=svc-halsoval,OU=Servicekonton,DC=ad,DC=example,DC=org
        bind_password: "{{ vault_ad_password }}"
        base_dn: DC=ad,DC=example,DC=org
        account_ou: OU=Konton,OU=Halsoval,DC=ad,DC=example,DC=org
        quarantine_ou: OU=Karantan,OU=Halsoval,DC=ad,DC=example,DC=org
        group_ou: OU=Grupper,OU=Halsoval,DC=ad,DC=example,DC=org
        upn_suffix: ad.example.org
        groups:
          vardadministrativt_system: CN=App-Journal,OU=Systemgrupper,DC=ad,DC=example,DC=org
          microsoft_office: CN=App-Office-Las,OU=Systemgrupper,DC=ad,DC=example,DC=org
        hsa_server_uri: ldaps://hsa.example.org
        hsa_bind_dn: cn=halsoval-reader,ou=System,o=Region,c=SE
        hsa_bind_password: "{{ vault_hsa_reader_password }}"
        hsa_base_dn: o=Region,c=SE
        hsa_provider_branch: ou=Privata vårdgivare,o=Region,c=SE
        hsa_people_branch: ou=Personal privata vårdgivare,o=Region,c=SE
      run_once: true
      register: halsoval_ad

    - name: Report each provider's own result
      regionjh.halsoval.provider_result:
        results: [halsoval_ad]
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
      sample: {"account": 25, "group": 6, "added": 26, "modified": 5}
    changes:
      description: The writes, by kind and id. No person's name is among them.
      type: list
      elements: str
      returned: success
      sample: ["add account SE2321000214-HV000007", "modify group App-Vardadministrativt"]
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
    owner_tasks:
      description: Membership that the owner of a region's own account gives or takes.
      type: list
      elements: dict
      returned: when the provider has a valid record
      sample:
        - person: SE2321000214-1007
          service: rontgensvar_och_rontgenbilder
          group: CN=App-Rontgensvar,OU=Systemgrupper,DC=ad,DC=example,DC=org
          act: join
findings:
  description:
    - What is ours of providers that have no record any more.
    - Where C(provider) is empty, what no provider answers for, such as an account without a key.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.ad_accounts import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
