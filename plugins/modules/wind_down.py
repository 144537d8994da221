#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wind_down
short_description: The wind-down sheet of a provider that has an end date
version_added: 0.1.0
description:
  - Says what people must settle before a provider leaves, and what each step of leaving waits for,
    since when and from whom. In Swedish, for the office.
  - Fails for a provider whose record has no end date or is invalid, and without C(--limit).
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
options:
  results:
    description:
      - Names of the variables that the systems' tasks registered. Those that did not run are left
        out.
      - Without any, the sheet says what people must settle; else what each step waits for.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Changes nothing in either mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Make the wind-down sheet
  regionjh.halsoval.wind_down:
    results: [halsoval_hsa, halsoval_ad]
  register: wind_down
"""

RETURN = r"""
sheet:
  description: The lines of the sheet. People are named by HSA-id.
  returned: success
  type: list
  elements: str
  sample: ["Avveckling av Fjällhälsan AB (fjallhalsan), sista dag 2026-06-30"]
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(
        argument_spec={"results": {"type": "list", "elements": "str", "default": []}},
        supports_check_mode=True,
    )
    module.fail_json(msg="regionjh.halsoval.wind_down runs as an action on the controller only")


if __name__ == "__main__":
    main()
