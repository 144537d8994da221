#!/usr/bin/python
# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: night
short_description: Sum up what a nightly run found
version_added: 0.1.0
description:
  - Reads what the tasks of the systems have registered in the play, and the orders that are without
    an answer, as findings with fixed names and severities, each with the nights in a row that found
    it.
  - Writes them as JSON, as a page in Swedish (first who cannot work today, and why), and as metrics
    for the node exporter of Prometheus.
  - Hands what is of high severity to a command, once.
  - Fails where anything is of high severity, which is also what was refused or not checked.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
extends_documentation_fragment:
  - regionjh.halsoval.ledger
options:
  results:
    description: Names of the registered results of the systems.
    type: list
    elements: str
    required: true
  dest:
    description: Directory for the report, C(night-<day>.json) and C(night-<day>.txt), for its user
      alone.
    type: path
  metrics_path:
    description: File for the node exporter's textfile collector, readable by all. It names nobody.
    type: path
  tell:
    description:
      - A command with its arguments, which gets what is new and of high severity as JSON, {as_of,
        wake, findings}, on its standard input. It names people by HSA-id only and quotes no
        message. C(wake) says that a person should be woken.
      - Where it does not end with 0, it is handed the same again the next night.
    type: list
    elements: str
    default: []
  night:
    description: File with what the tasks registered. The action sets it, do not give it yourself.
    type: path
    required: true
attributes:
  check_mode:
    description: Reads the same; writes and tells nothing.
    support: full
  diff_mode:
    description: There is no text to compare.
    support: none
"""

EXAMPLES = r"""
- name: Sum the night up
  regionjh.halsoval.night:
    results: [halsoval_hsa, halsoval_siths, halsoval_ad, halsoval_services]
    dest: /srv/halsoval/nights
    metrics_path: /var/lib/prometheus/node-exporter/halsoval.prom
    tell: [/usr/local/bin/halsoval-tell]
"""

RETURN = r"""
findings:
  description: Each finding, with the first of the nights in a row that found it, and their number.
  returned: always
  type: list
  elements: dict
  sample:
    - name: manually_disabled
      severity: normal
      system: ad
      provider: fjallhalsan
      object: SE2321000214-HV000007
      message: somebody disabled the account by hand
      since: "2026-03-01"
      nights: 3
counts:
  description: How many there are of each severity.
  returned: always
  type: dict
  sample: {high: 0, normal: 3, info: 5}
page:
  description: The page, by lines.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.night import ARGUMENTS, run


def main() -> None:
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
