# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For modules: the records that are approved, and claim nothing that another provider holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine.journal import Settled
from ..engine.provision import Finding
from ..ledger.ledger import Ledger
from ..ledger.memory import recall
from ..records.contested import Settlement, settle
from ..records.payload import Approved
from .approvals import by_revoked_keys, unapproved

# What the ledger remembers claims under, beside the systems.
_TITLE = "records"


@dataclass(frozen=True)
class Undisputed:
    """The records that stand. Those that are `refused` count as invalid: their errors by provider.

    `findings` tell the others who claims what they hold, and what revoked keys have approved.
    """

    approved: Approved
    refused: Mapping[str, Sequence[str]]
    findings: tuple[Finding, ...]


def undisputed(approved: Approved, ledger: Ledger) -> Undisputed:
    """The records that stand, and but in check mode the ledger keeps what they claim.

    Raises LedgerError.
    """
    unknown = unapproved(approved, ledger)
    approved = _without(approved, unknown)
    memory = recall(ledger, _TITLE)
    settlement = settle(approved.records, approved.invalid, memory)
    settled = [
        Settled(provider, facts)
        for provider, facts in settlement.facts.items()
        if facts != {f for f in memory.facts.get(provider, ()) if not f.is_lasting}
    ]
    if settled and not ledger.check:
        ledger.remember(_TITLE, settled)
    return Undisputed(
        _without(approved, settlement.refused),
        {**settlement.refused, **unknown},
        (*_findings(settlement), *by_revoked_keys(approved)),
    )


def _without(approved: Approved, refused: Collection[str]) -> Approved:
    left = tuple(r for r in approved.records if r.id not in refused)
    return replace(approved, records=left, invalid=approved.invalid.union(refused))


def _findings(settlement: Settlement) -> Iterator[Finding]:
    for provider, messages in settlement.told.items():
        if provider not in settlement.refused:
            for message in messages:
                yield Finding(provider, "claimed_by_another", provider, message, "high")
