#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verification_sheet
short_description: The gates into operation of each provider, and its final-verification sheet
version_added: 0.1.0
description:
  - Says of each provider which gates on the way into operation are open on the day, by which
    evidence in its approved record, and what is missing (annex 2.4, 2.5, 3.4 and 3.6 to 3.9). The
    phase V(operation) takes all of them.
  - Makes the sheet of the final verification in Swedish, with what is in order, recommendations,
    and what must be done, as lines and, in O(dest), as a page of HTML. It names no person.
  - Writes to no system.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  providers:
    description: Ids of the providers, normally C(ansible_play_hosts).
    type: list
    elements: str
    required: true
  dest:
    description:
      - Directory for the pages, C(verification-<provider>-<day>.html), each for its user alone. It
        is made where there is none.
    type: path
  records:
    description: File with the approved records. The action sets it, do not give it yourself.
    type: path
    required: true
requirements:
  - jinja2, where O(dest) is given
notes:
  - End the play with M(regionjh.halsoval.provider_result), which fails the hosts whose record is
    invalid or not approved.
attributes:
  check_mode:
    description: Says the same and writes no page.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Look which gates are open
  regionjh.halsoval.verification_sheet:
    providers: "{{ ansible_play_hosts }}"
    dest: /srv/halsoval/sheets
  run_once: true
  register: halsoval_verification_sheet
"""

RETURN = r"""
providers:
  description: The result of each provider.
  returned: success
  type: dict
  contains:
    phase:
      description: The provider's phase on the day.
      type: str
      sample: establishment
    gates:
      description:
        - The gates in the order in which they are passed, each with the section of the annex, the
          evidence that is there, and what is missing. A gate is open where nothing is missing.
      type: list
      elements: dict
      sample:
        - gate: final_verification
          section: "3.9"
          open: false
          evidence: ["final verification passed (annex 3.9)"]
          missing: ["must M-SKRIVARE resolved (annex 3.9)"]
    text:
      description: The sheet, by lines.
      type: list
      elements: str
    file:
      description: The page, "" without O(dest).
      type: str
      sample: /srv/halsoval/sheets/verification-bracke-lakarhus-2026-03-02.html
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.verification_sheet import (
    ARGUMENTS,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
