# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: approved
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
short_description: The hosts of a play, if the approved records were read
version_added: 0.1.0
description:
  - Returns its terms. Fails unless the inventory plugin P(regionjh.halsoval.providers#inventory)
    has read the approved records.
  - Ansible goes on when an inventory source fails, and skips every play that C(--limit) leaves
    without hosts, so nothing would be done and the exit status would be 0. But it templates the
    hosts of a play before it looks for them.
  - Fails where another inventory source has a host of a term that is a group. Ansible would take
    the host alone.
  - Fails with C(--limit) where the play is not about providers. C(--limit) would leave it without
    hosts, and its work undone, without a word.
options:
  _terms:
    description: The pattern of hosts.
    required: true
"""

EXAMPLES = r"""
- name: Do something for the providers
  hosts: "{{ lookup('regionjh.halsoval.approved', 'providers') }}"
  gather_facts: false
"""

RETURN = r"""
_raw:
  description: The terms.
  type: list
  elements: str
"""

from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core has no types
    """Passes the terms on once there are records."""

    def run(
        self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[str]:
        groups = (variables or {}).get("groups", {})
        for term in groups.keys() & set(terms):
            if term in groups["all"]:
                raise AnsibleLookupError(f"a host named {term} hides the group {term}: rename it")
        try:
            record_store.reading()
        except record_store.StoreError as error:
            raise AnsibleLookupError(str(error)) from None
        if "localhost" in terms and context.CLIARGS.get("subset"):
            raise AnsibleLookupError("expected no --limit: this playbook is not about providers")
        return terms
