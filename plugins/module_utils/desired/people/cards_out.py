# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SITHS cards that are not over, for those whom HSA must not archive before they are.

HSA has a class for who got that wrong, hsaDeletedPersonWithValidCertificates (schema 5.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...engine.plan import Values


@dataclass(frozen=True)
class CardsOut:
    """What the ledger knows of cards.

    `followed` are the providers whose cards a run has ever looked after: of others nobody knows
    whether any are out. `waits` says by HSA-id, case folded, what of that person's cards is not
    over, each in words: what, since when, from whom.
    """

    followed: frozenset[str] = frozenset()
    waits: Mapping[str, Values] = field(default_factory=dict)

    def of(self, ids: Iterable[str]) -> Iterator[str]:
        """What is not over of the cards of who has, or had, these HSA-ids."""
        for folded in sorted({hsa_id.casefold() for hsa_id in ids}):
            yield from self.waits.get(folded, ())


NONE_FOLLOWED = CardsOut()
