# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For modules: the records without those that claim what another provider holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine.journal import Settled
from ..engine.provision import Finding
from ..ledger.ledger import Ledger
from ..ledger.memory import recall
from ..records.contested import Settlement, settle
from ..records.payload import Approved

# What the ledger remembers claims under, beside the systems.
_TITLE = "records"


@dataclass(frozen=True)
class Undisputed:
    """The records that stand. Those that are `refused` count as invalid: their errors by provider.

    `findings` tell the others who claims what they hold.
    """

    approved: Approved
    refused: Mapping[str, Sequence[str]]
    findings: tuple[Finding, ...]


def undisputed(approved: Approved, ledger: Ledger) -> Undisputed:
    """The records that stand, and but in check mode the ledger keeps what they claim.

    Raises LedgerError.
    """
    memory = recall(ledger, _TITLE)
    settlement = settle(approved.records, approved.invalid, memory)
    settled = [
        Settled(provider, facts)
        for provider, facts in settlement.facts.items()
        if facts != {f for f in memory.facts.get(provider, ()) if not f.is_lasting}
    ]
    if settled and not ledger.check:
        ledger.remember(_TITLE, settled)
    left = tuple(r for r in approved.records if r.id not in settlement.refused)
    invalid = approved.invalid.union(settlement.refused)
    return Undisputed(
        replace(approved, records=left, invalid=invalid),
        settlement.refused,
        tuple(_findings(settlement)),
    )


def _findings(settlement: Settlement) -> Iterator[Finding]:
    for provider, messages in settlement.told.items():
        if provider not in settlement.refused:
            for message in messages:
                yield Finding(provider, "claimed_by_another", provider, message, "high")
