#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: approve
short_description: Approve the draft of a provider's record
version_added: 0.1.0
description:
  - Has the parts of a draft signed that differ from the approved ones, looks whether who signed
    them may approve them, notes that in the ledger and its audit log, and puts them among the
    approved records, which alone count.
  - What only withdraws access needs no signature.
  - Which provider, parts or version it is about, the inventory plugin
    P(regionjh.halsoval.providers#inventory) takes from the extra variables C(approve_provider),
    C(approve_parts) and C(approve_version). Use the playbook C(regionjh.halsoval.approve), which
    shows first what the draft would do.
  - A run that is killed leaves the provider as last approved, or with an error. Run it again.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  key:
    description:
      - The key to sign with. Of a public key the private one is asked of C(ssh-agent), as is one
        with a passphrase.
    type: path
  directory:
    description:
      - A directory for signatures that are made elsewhere. What is to be signed is written there,
        C(<provider>-<part>.yml.approval), and waits for C(<provider>-<part>.yml.approval.sig).
      - 'Sign with C(ssh-keygen -Y sign -n halsoval-approval -f <key> <file>), and run this again.'
    type: path
  provider:
    description: The provider. The action sets it, do not give it yourself.
    type: str
    required: true
  digests:
    description:
      - The digests of what is proposed, by part. The action sets them, do not give them yourself.
    type: dict
    required: true
  approvals:
    description: What was signed. The action sets it, do not give it yourself.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    description: Says who would have to sign what; nothing is signed.
    support: full
  diff_mode:
    description: The systems' modules show what a draft does.
    support: none
"""

EXAMPLES = r"""
- name: Approve the draft of the provider that approve_provider names
  regionjh.halsoval.approve:
    key: ~/.ssh/id_ed25519.pub

- name: Have it signed elsewhere, by a smart card
  regionjh.halsoval.approve:
    directory: /srv/halsoval/signing
"""

RETURN = r"""
approved:
  description:
    - The versions that were approved. The principal of one that only withdraws access is empty.
  returned: success
  type: list
  elements: dict
  sample:
    - provider: fjallhalsan
      part: staff
      number: 7
      digest: 3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a
      principal: fjallhalsan/bo
      fingerprint: SHA256:2guQcQ+Ei1UbiPHsNRU2xl3gtOGiC4Vgg7wO7oR38w8
      signature: 0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c
waiting:
  description: Files in O(directory) that wait for a signature; nothing is approved until then.
  returned: success
  type: list
  elements: str
  sample: []
needed:
  description: In check mode, who may sign what would have to be signed, by part.
  returned: success
  type: dict
  sample: {"staff": "region:<name> or fjallhalsan/<name>"}
versions:
  description: The version of each part that is approved now, and the number of the next one.
  returned: success
  type: dict
  sample:
    staff:
      number: 7
      digest: 3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a0c77b1de3f5a
      principal: fjallhalsan/bo
      signature: 0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c1b2a5e6f0d4c
      next: 8
left:
  description:
    - Of a version that was approved before, the orders that left and the accounts that were deleted
      since it was replaced. Going back does not call them back.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.approve import ARGUMENTS, run


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
