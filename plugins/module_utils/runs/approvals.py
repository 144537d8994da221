# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For modules: which records are in the version that was approved last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..engine.provision import Finding
from ..ledger.approvals import Noted, latest
from ..ledger.ledger import Ledger
from ..records.approval import Approval
from ..records.payload import Approved


def unapproved(approved: Approved, ledger: Ledger) -> dict[str, list[str]]:
    """The records that the ledger does not know as approved last: their errors by provider.

    A signature is no proof of that: it is true of an older version too. Raises LedgerError.
    """
    if not approved.approvals:
        return {}
    known = latest(ledger)
    found = {r.id: list(_errors(r.id, approved, known)) for r in approved.records}
    return {provider: errors for provider, errors in found.items() if errors}


def by_revoked_keys(approved: Approved) -> Iterator[Finding]:
    """What was approved with a key that is revoked by now: it stands until somebody decides."""
    for record in approved.records:
        for approval in approved.approvals.get(record.id, ()):
            if approval.is_revoked:
                part = approval.manifest.part
                message = (
                    f"{part}.yml was approved by {approval.principal} with a key that is revoked by"
                    " now: look at it, and approve it anew or go back"
                )
                yield Finding(record.id, "approved_by_revoked_key", part, message, "high")


def _errors(
    provider: str, approved: Approved, known: Mapping[tuple[str, str], Noted]
) -> Iterator[str]:
    for approval in approved.approvals.get(provider, ()):
        part = approval.manifest.part
        wrong = _wrong(approval, known.get((provider, part)))
        if wrong:
            yield f"{provider}/{part}.yml: {wrong}"


def _wrong(approval: Approval, last: Noted | None) -> str:
    """Why a version is not the approved one; "" where it is."""
    number, doubt = approval.manifest.number, f" ({approval.doubt})" if approval.doubt else ""
    if last is None:
        return f"expected a version that approve noted in the ledger, which knows none{doubt}"
    if number < last.number:
        return f"version {number} is older than the approved one, which is {last.number}"
    if (number, approval.manifest.digest) != (last.number, last.digest):
        return f"expected version {last.number} as it was approved, not another one{doubt}"
    if approval.signature != last.signature:
        return f"expected the signature by which version {number} was approved, not another one"
    return ""
