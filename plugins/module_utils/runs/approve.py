# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module approve: which versions of a provider's parts the ledger knows as approved."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.approvals import latest, left_since, next_number, note
from ..ledger.ledger import Ledger
from ..records.approval import Approval, Manifest
from .ledger import LEDGER_ARGUMENTS, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "key": {"type": "path", "no_log": False},
    "directory": {"type": "path"},
    "provider": {"type": "str", "required": True},
    "digests": {"type": "dict", "required": True},
    "approvals": {"type": "list", "elements": "dict", "default": []},
}


def run(module: AnsibleModule) -> None:
    """Do what the options ask for and leave the module."""
    with_ledger(module, lambda ledger, _as_of: approve(module.params, ledger))


def approve(params: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Note approvals, if there are any; returns what is approved now, by part.

    Raises LedgerError.
    """
    provider, digests = params["provider"], params["digests"]
    approvals = [_approval(given) for given in params["approvals"]]
    note(ledger, approvals)
    known = latest(ledger)
    versions = {}
    for part in digests:
        last = known.get((provider, part))
        versions[part] = {
            "number": last.number if last else 0,
            "digest": last.digest if last else "",
            "principal": last.principal if last else "",
            "signature": last.signature if last else "",
            "next": next_number(ledger, provider, part),
        }
    left = [each for p, d in digests.items() for each in left_since(ledger, provider, p, d)]
    return {"changed": bool(approvals), "versions": versions, "left": left}


def _approval(given: dict[str, Any]) -> Approval:
    manifest = Manifest(
        given["provider"],
        given["part"],
        int(given["number"]),
        given["digest"],
        bool(given["principal"]),
    )
    return Approval(manifest, given["principal"], given["fingerprint"], given["signature"])
