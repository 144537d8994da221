#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: register_check
short_description: Hold the records against the population register and HOSP
version_added: 0.1.0
description:
  - Reads the answer files of the population register and of HOSP from the folder C(registers) of an
    inbox directory, CSV with Swedish headings or JSON, and notes in the ledger what they say of the
    people whom records name. Of others nothing is noted.
  - Places a hold on who is deceased, and on who has lost a licence that a record lists, once for
    each answer. The next run of the systems takes their access. More holds at once than 10, and
    than two per cent of all whom records name, wait for a person to confirm them by a hash.
  - Who is protected by the population register is so for every run from then on, whatever the
    records say. Batches that lie open in the outbox and tell of them are moved to the folder of
    protected people's orders.
  - Tells what differs, by provider. Without O(inbox) it does that alone, as
    regionjh.halsoval.reconcile does every night.
  - Good lines count, each once, in whatever order files come. Lines that cannot be read go to the
    folder C(rejected), with a file of reasons beside it. The file itself is removed.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  inbox:
    description:
      - Directory with the folder C(registers), as of M(regionjh.halsoval.receipts).
    type: path
  outbox:
    description:
      - Directory that orders leave through. Without it no batch is moved.
    type: path
  protected_outbox:
    description:
      - Directory for the orders about people with a protected identity.
      - The folder V(skyddade) in O(outbox) without it.
    type: path
  expected:
    description: Hashes of holds that wait, and that a person has confirmed.
    type: list
    elements: str
    default: []
  records:
    description: File with the approved records. The action sets it, do not give it yourself.
    type: path
    required: true
notes:
  - Records are read by the inventory plugin P(regionjh.halsoval.providers#inventory).
attributes:
  check_mode:
    description: Says what would be taken in, held and moved, and what would be found then.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Take in what the registers have answered
  regionjh.halsoval.register_check:
    inbox: /srv/halsoval/inbox
    outbox: /srv/halsoval/outbox
"""

RETURN = r"""
taken:
  description: How many answers told something new.
  returned: success
  type: int
  sample: 2951
unchanged:
  description: How many told nothing new, or were older than what is known.
  returned: success
  type: int
  sample: 0
unknown:
  description: How many are about somebody whom no record names. Nothing is noted of them.
  returned: success
  type: int
  sample: 3
holds:
  description: The holds that were placed.
  returned: success
  type: list
  elements: dict
  sample:
    - object: SE2321000214-HV000017
      reason: licence_withdrawn
waits:
  description: Why no hold was placed, with the hash to confirm; empty where none waits.
  returned: success
  type: str
  sample: ""
expected:
  description: The hash.
  returned: success
  type: str
  sample: ""
hidden_batches:
  description: The batches that were moved to the folder of protected people's orders.
  returned: success
  type: list
  elements: str
  sample: [2026-03-02-OWNJ-LC6F-MARO-23M3]
rejected:
  description: Lines that could not be read, the first 100. Line 0 is the file as a whole.
  returned: success
  type: list
  elements: dict
  sample:
    - file: registers/folkbokforing-2026-03-02.csv
      line: 7
      reason: "day: expected a day that is not after today"
rejected_count:
  description: How many lines could not be read, in all.
  returned: success
  type: int
  sample: 1
reasons:
  description: Files that name all the lines that were rejected of a file, with the reasons. None in
    check mode, which writes no file.
  returned: success
  type: list
  elements: str
  sample: [/srv/halsoval/inbox/rejected/registers/folkbokforing-2026-03-02.csv.reasons.txt]
findings:
  description: What is no provider's, such as that holds wait.
  returned: success
  type: list
  elements: dict
  sample: []
providers:
  description: By provider with a valid record, what differs of its people, each by HSA-id, or as
    long as there is none by the row's ref.
  returned: success
  type: dict
  sample:
    fjallhalsan:
      findings:
        - code: licence_withdrawn
          severity: high
          object: SE2321000214-HV000017
          message: "Läkare: withdrawn, by HOSP of 2026-03-01: access was held when the answer came"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.register_check import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
