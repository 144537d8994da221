# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    who_may_sign,
)
from ansible_collections.regionjh.halsoval.plugins.modules import approve
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import (
    ledger_action,
    proposals,
    record_store,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approvals import digest
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approved_records import (
    Proposal,
    Reading,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approving import (
    ApprovalError,
    Outcome,
    Signing,
    judge,
)


class ActionModule(ledger_action.ActionModule):
    """Has what is proposed approved: looked at, signed, noted in the ledger, put in its place."""

    _main = staticmethod(approve.main)
    _own = (*ledger_action.ActionModule._own, "provider", "digests", "approvals")

    def _module(self, options: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        reading = record_store.reading()
        proposal = _proposal(reading)
        digests = {part: digest(stored) for part, stored in proposal.parts.items()}
        asked = {**options, "provider": proposal.provider, "digests": digests}
        known = super()._module(asked, task_vars)
        if known.get("failed"):
            return known
        check = bool(self._task.check_mode)
        try:
            outcome = judge(reading, known["versions"], _signing(options), check)
        except ApprovalError as error:
            raise AnsibleActionFail(str(error)) from None
        if outcome.approvals and not outcome.waiting:
            given = [_as_option(approval) for approval, _signature in outcome.approvals]
            known = super()._module({**asked, "approvals": given}, task_vars)
            if not known.get("failed") and not check:
                _put(proposal, outcome)
        return {**known, **_told(outcome)} if not known.get("failed") else known


def _proposal(reading: Reading) -> Proposal:
    """The proposal, once it is seen to be a valid record."""
    proposal = reading.proposal
    if proposal is None:
        raise AnsibleActionFail("expected what to approve: -e approve_provider=<id>")
    if proposal.record is None:
        host = next((h for h in reading.errors if h.endswith(proposal.provider)), "")
        raise AnsibleActionFail("\n".join(reading.errors.get(host, ("the draft is invalid",))))
    return proposal


def _signing(options: Mapping[str, Any]) -> Signing:
    key, directory = options.get("key"), options.get("directory")
    if key and directory:
        raise AnsibleActionFail("expected key or directory, not both")
    return Signing(*(Path(path).expanduser() if path else None for path in (key, directory)))


def _as_option(approval: Approval) -> dict[str, Any]:
    manifest = approval.manifest
    return {
        "provider": manifest.provider, "part": manifest.part, "number": manifest.number,
        "digest": manifest.digest, "principal": approval.principal,
        "fingerprint": approval.fingerprint, "signature": approval.signature,
    }  # fmt: skip


def _put(proposal: Proposal, outcome: Outcome) -> None:
    """Make the versions the approved ones. They are noted by now: what fails is done again."""
    for approval, signature in outcome.approvals:
        stored = proposal.parts[approval.manifest.part]
        try:
            proposals.put(proposal.folder, approval.manifest, stored, signature)
        except OSError as error:
            raise AnsibleActionFail(
                f"{error.filename}: {error.strerror}. The approval is noted: mend this, and run"
                " approve again"
            ) from None


def _told(outcome: Outcome) -> dict[str, Any]:
    """What somebody is to know: what is approved, by whom, and what waits for whom."""
    approved = [_as_option(approval) for approval, _signature in outcome.approvals]
    return {
        "changed": bool(outcome.approvals) and not outcome.waiting,
        "approved": [] if outcome.waiting else approved,
        "waiting": [str(path) for path in outcome.waiting],
        "needed": {m.part: who_may_sign(m.provider, m.part) for m in outcome.unsigned},
    }
