#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Verify the ledger by its audit log, thin it and export the log
version_added: 0.1.0
description:
  - Follows the chain of hashes through the audit log, and fails where a row was changed, is missing
    or has moved, or where the log does not hold a head that is known. It names those rows.
  - Fails too where holds, grants, orders or answers are not what the log says, or not as a run
    sealed them. It names those objects.
  - Thins what is older than O(retention). The audit log itself holds no name or number, and stays.
  - Exports the rows of a period as CSV.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  first_day:
    description: First day of the export, in Europe/Stockholm. O(as_of) without it.
    type: str
  last_day:
    description: Last day of the export. O(as_of) without it.
    type: str
  dest:
    description:
      - File to export to, for its user alone. A file of that name with other content is an error.
      - Nothing is exported without it, or from a log that has faults.
    type: path
  known_heads:
    description:
      - Heads of the log that were kept elsewhere, C(<number of the row>:<its hash>). The log must
        hold them, and those that V(heads.json) in O(state_directory) tells of.
    type: list
    elements: str
    default: []
  expected:
    description:
      - The hash that an earlier run told, by which a person vouches for what it named beside rows.
        It then counts as it is now, and the log says so.
    type: str
  retention:
    description:
      - How many days particulars are kept after their order was closed, or after the last day of
        the card. V(order) for what orders say of people, V(revocation) for revocations of cards,
        V(answer) for card numbers and certificates. Whole numbers, 0 or more.
      - A kind that is not named is kept. Nothing is thinned from a log that has faults.
      - What an order of a service says is kept while the service is in force, whose changes are
        found by it. It is thinned once another order that followed was done, or if it was refused
        or cancelled. Answers about services are codes, and stay.
    type: dict
    default: {}
attributes:
  check_mode:
    description: Verifies, and says what would be thinned and exported.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Verify the audit log and export a month
  regionjh.halsoval.audit:
    first_day: "2026-03-01"
    last_day: "2026-03-31"
    dest: /srv/halsoval/audit/2026-03.csv
    retention:
      order: 365
      revocation: 3650
      answer: 730
"""

RETURN = r"""
faults:
  description: Rows, and other things, that are not as runs left them, the first 50.
  returned: always
  type: list
  elements: str
  sample: ["row 17: changed"]
fault_count:
  description: How many there are.
  returned: always
  type: int
  sample: 0
head:
  description:
    - Number and hash of the last row. Keep it where nobody who writes to the ledger can change it.
      A later log that does not hold it is another log.
  returned: always
  type: dict
  sample: {"seq": 4711, "hash": "9f86d081884c7d65..."}
thinned:
  description: How many particulars were thinned.
  returned: always
  type: int
  sample: 12
rows:
  description: How many rows were exported.
  returned: with O(dest), where the log has no faults
  type: int
  sample: 310
dest:
  description: The file.
  returned: with O(dest), where the log has no faults
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.audit import ARGUMENTS, run


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
