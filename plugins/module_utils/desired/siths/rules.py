# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have which SITHS card, and the days that are configuration (annex 3.1.2, 3.3)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ...engine.orders import check_recipient
from ...records.identifiers import birth_days, is_coordination_number
from ...records.model import CardWish

# The least age by level of assurance (domain page 4).
_LEAST_AGE = {2: 15, 3: 18}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How many days things take, and who receives the orders.

    A card is renewed from `renewal_days` before its last day. One that is not active
    `collect_days` after it was sent is revoked. `arrival_days` is the longest that a new card
    takes to reach its holder.
    """

    renewal_days: int = 90
    collect_days: int = 92
    arrival_days: int = 56
    recipient: str = "ra_organisation"

    def __post_init__(self) -> None:
        """Raises ValueError with what was expected."""
        check_recipient(self.recipient)


def ineligible(number: str, wish: CardWish, as_of: dt.date) -> str | None:
    """Why a person with this personal number may not have such a card on the day, or None.

    Who may be too young, by a number that leaves the day of birth open, gets none.
    """
    if wish.loa == 3 and is_coordination_number(number):
        return "a card on level 3 is not for a person with a samordningsnummer"
    least = _LEAST_AGE[wish.loa]
    earliest, latest = birth_days(number)
    if _age(latest, as_of) >= least:
        return None
    reason = f"a card on level {wish.loa} is for people of {least} years or older"
    if _age(earliest, as_of) < least:
        return reason
    return f"{reason}, and the samordningsnummer leaves open whether the person is"


def administrators(kind: str, loa: int) -> int:
    """How many different ID administrators issue a card of a kind and level."""
    return 2 if kind == "reserve" and loa == 3 else 1


def _age(born: dt.date, as_of: dt.date) -> int:
    return as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
