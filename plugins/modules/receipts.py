#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: receipts
short_description: Take in what became of orders
version_added: 0.1.0
description:
  - Reads the answer files in an inbox directory, CSV with Swedish headings or JSON, and notes in
    the ledger what became of each order. Every answer is applied once.
  - Each recipient has a folder in the inbox, of the same name as in the outbox, and answers there
    the orders that left to it, and no others.
  - A line that names no order, contradicts what is known or cannot be read goes to the folder
    C(rejected), with a file of reasons beside it. The whole file goes to C(handled). One that
    cannot be put away is told as rejected, line 0, and stays; its answers count once all the same.
  - Another certificate, or a later last day, of a card that is active goes to the folder
    C(waiting), and a file that ends more cards than the guard lets pass goes there whole. Each run
    tells them, with a hash to confirm just that, until they are confirmed or taken away.
  - Certificates of cards reach the accounts in AD with the next run of
    M(regionjh.halsoval.ad_accounts), which the playbook regionjh.halsoval.receipts carries out at
    once.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  inbox:
    description:
      - Directory with the folders that answer files are left in. It must exist, be the user's or
        root's, and nobody else may write to it. C(handled), C(rejected) and C(waiting) in it are
        the user's own.
      - A recipient's folder is the user's or root's too, and may be open to a group.
      - Hidden files and those that are still being written (C(.part), C(.tmp)) are left alone. A
        file of another kind, or of more than 5 MiB, a link, and a file in no recipient's folder
        are moved to C(rejected) unread.
    type: path
    required: true
  card_issuers:
    description:
      - Distinguished names (RFC 4514) of those whose certificates cards may have. An answer with
        another one, or with a key identifier alone, is rejected.
      - Without any, and without O(card_ca_path), cards may have certificates of any issuer, and the
        module warns.
    type: list
    elements: str
    default: []
  card_ca_path:
    description:
      - File with the certificates (PEM) of the CAs that issue those of cards. An answer then holds
        a certificate whole, and one that none of them has issued, or that does not name the
        holder's HSA-id as serial number of its subject, is rejected.
      - A certificate that is told whole must name its holder in any case.
    type: path
  expected:
    description: Hashes of what waits for a confirmation and that a person has confirmed.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Says what would be applied and rejected. Moves no file.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Take in what the card office and the suppliers have answered
  regionjh.halsoval.receipts:
    inbox: /srv/halsoval/inbox
    card_issuers:
      - CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE
"""

RETURN = r"""
applied:
  description: Orders with a new state, or of which more is known.
  returned: success
  type: list
  elements: dict
  sample:
    - order: K3F7-2DQA-77ZM-4XKA
      kind: card
      object: SE2321000214-HV000017
      provider: fjallhalsan
      state: active
duplicates:
  description: How many lines told nothing new.
  returned: success
  type: int
  sample: 0
rejected:
  description: Lines that could not be applied, or wait, the first 20 of each of the first 20 files.
    Line 0 is the file as a whole.
  returned: success
  type: list
  elements: dict
  sample:
    - file: ra_organisation/kort-2026-03-02.csv
      line: 7
      reason: "order: expected one that has left"
rejected_count:
  description: How many lines could not be applied, or wait, in all.
  returned: success
  type: int
  sample: 1
reasons:
  description: Files that name all the lines that were rejected of a file, with the reasons; 20 at
    most, others lie beside them. None in check mode, which writes no file.
  returned: success
  type: list
  elements: str
  sample: [/srv/halsoval/inbox/rejected/ra_organisation/kort-2026-03-02.csv.reasons.txt]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.receipts import ARGUMENTS, run


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
