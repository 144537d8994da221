# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for HSA: nobody gets an account, a card or a use whom HSA does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass

from .identified import Identified


@dataclass(frozen=True)
class Gate:
    """How it stands with HSA. `unread` says why it could not be read.

    `failures` say by provider what failed in HSA before in this play; None where HSA is not part
    of it. In check mode (`check`) people count as entered whom HSA would enter.
    """

    unread: str | None
    failures: Mapping[str, str] | None
    check: bool

    def fault(self, providers: Set[str]) -> str | None:
        """Why HSA may not be as all of these providers' records ask for, or None."""
        failures = self.failures or {}
        if self.unread or not providers or not providers <= failures.keys():
            return self.unread
        # The first sentence alone: what follows tells how to confirm HSA's plan.
        reasons = {failures[p].split("\n")[0].partition(". ")[0] for p in providers}
        return "HSA failed for the provider: " + "; ".join(sorted(reasons))

    def absence(self, known: Identified) -> str | None:
        """Why the person does not count as entered in HSA, or None."""
        if known.hsa_id is None:
            return "HSA does not tell who the person is"
        if known.archived:
            return "the person's entry in HSA is archived"
        if not known.entered and not (self.check and self.failures is not None):
            return "HSA does not hold the person"
        return None


def waiting_in_words(
    reasons: Mapping[tuple[str, bool], Counter[str]], what: str
) -> dict[str, tuple[str, ...]]:
    """How many wait, and why, in words by provider; `what` is one of them.

    `reasons` go by provider, and by whether anybody knows who the people are in HSA. Whom HSA alone
    could tell may have one already.
    """
    messages: dict[str, tuple[str, ...]] = {}
    for (provider, is_told), counted in reasons.items():
        words = _new if is_told else _unknown
        said = (f"{words(count, what)}: {reason}" for reason, count in counted.items())
        messages[provider] = (*messages.get(provider, ()), *said)
    return messages


def _new(count: int, what: str) -> str:
    return f"1 new {what} waits" if count == 1 else f"{count} new {what}s wait"


def _unknown(count: int, what: str) -> str:
    who = "1 person" if count == 1 else f"{count} people"
    return f"of {who} nobody can tell whether a new {what} waits"
