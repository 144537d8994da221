#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: hold
short_description: Hold a person's access back, or grant it for a while
version_added: 0.1.0
description:
  - Places, lifts and lists holds and grants in the ledger. Every module honours them in the next
    run, whatever the records say.
  - A hold takes a person's access at all providers, or everybody's at one provider. Identity, card
    and account stay.
  - A grant (break-glass) gives effect to a person's assignments on days when the record does not,
    such as after an end that was entered by mistake. It ends by itself. It opens nothing where the
    provider is not in operation or the unit has closed.
  - A hold goes before a grant.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  state:
    description:
      - What to do. V(confirmed) lets a grant count that was placed with O(grants_by_two), and wants
        its O(until).
    type: str
    choices: [placed, lifted, confirmed, listed]
    default: listed
  object:
    description:
      - HSA-id of the person, or the id of the provider. A grant is for a person.
      - Only who has been seen in HSA by a run, or has a record, can be named. A mistyped id would
        otherwise hold nobody.
    type: str
  kind:
    description: Whether it takes access or gives it.
    type: str
    choices: [hold, grant]
    default: hold
  reason:
    description:
      - The region's code for the reason, up to 32 letters, digits, C(_), C(.) and C(-), and no
        personal number.
    type: str
  since:
    description: First day. O(as_of) without it. A grant begins no earlier.
    type: str
  until:
    description: Last day, to 24:00. A grant always has one. A hold without it lasts until lifted.
    type: str
  grant_days:
    description: For how many days a grant may last, its first and last day counted.
    type: int
    default: 14
  grants_by_two:
    description:
      - Whether a grant that is placed counts only once another user of the controller has confirmed
        it. One that is changed waits anew.
    type: bool
    default: false
  providers:
    description: Ids of all providers with a record, C(groups['providers']).
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Says what would be placed or lifted.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Take a person's access from today
  regionjh.halsoval.hold:
    state: placed
    object: SE2321000214-HV000017
    reason: H2

- name: Let a person work on while a date in the record is put right
  regionjh.halsoval.hold:
    state: placed
    object: SE2321000214-HV000018
    kind: grant
    reason: B1
    until: "2026-03-04"

- name: Confirm a grant that another user placed
  regionjh.halsoval.hold:
    state: confirmed
    object: SE2321000214-HV000018
    until: "2026-03-04"

- name: List what is in force or coming
  regionjh.halsoval.hold:
"""

RETURN = r"""
holds:
  description: The holds and grants that are in force on O(as_of) or coming, after the change.
  returned: success
  type: list
  elements: dict
  sample:
    - object: SE2321000214-HV000017
      kind: hold
      reason: H2
      by: alva@controller
      since: "2026-03-02"
      until: ""
      waits: false
      confirmed_by: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.hold import (
    ARGUMENTS,
    REQUIRED_IF,
    run,
)


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True))


if __name__ == "__main__":
    main()
