# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders of people wait until HSA holds the person: an HSA-id may be somebody else's till then."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ..people.gate import Gate, waiting_in_words
from ..people.identified import Identified
from .chains import Wish
from .draft import Draft


@dataclass(frozen=True)
class Newcomers:
    """Settles what is wished of people in a draft, and counts what waits for HSA."""

    draft: Draft
    gate: Gate
    _reasons: dict[tuple[str, bool], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def settle(self, wish: Wish, known: Identified) -> None:
        """Order what is wished of the person, unless it gives something and HSA comes first."""
        reason = self._waits_for(known)
        if reason is None or not self.draft.is_asking(wish):
            self.draft.settle(wish)
            return
        self.draft.keep(wish.matter)
        if known.hsa_id is not None or self.gate.unread:
            self._reasons[wish.provider, known.hsa_id is not None][reason] += 1
        else:
            here = (e.label for e in known.person.employments if e.provider == wish.provider)
            self.cannot_be_named(wish.provider, next(here))

    def cannot_be_named(self, provider: str, label: str) -> None:
        """Tell of somebody whom nothing can be ordered for, by what the row names."""
        reason = self.gate.unread or "HSA does not tell who the person is"
        self.draft.find(provider, "no_hsa_id", label, f"nothing is ordered: {reason}")

    def waiting(self) -> dict[str, tuple[str, ...]]:
        """How many orders wait, and why, by provider."""
        return waiting_in_words(self._reasons, "order")

    def _waits_for(self, known: Identified) -> str | None:
        """Why what gives the person something waits, or None.

        Who has orders was in HSA by then: they do not wait for what fails there now.
        """
        fault = self.gate.fault({employment.provider for employment in known.person.current})
        if fault and (known.hsa_id is None or not self.draft.has_orders(known.folded_ids)):
            return fault
        return self.gate.absence(known)
