# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a provider's groups each workstation is in (annex 2.8): ten to a group, billed by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ...records.catalogue import WORKSTATIONS_PER_GROUP


def numbers(held: Mapping[str, int | None], groups: int) -> dict[str, int]:
    """The number of each workstation's group; `held` gives the one that it has today, by name.

    Who has a number keeps it while there is such a group with room; the others get the lowest
    group that has. Who has room nowhere gets none.
    """
    given: dict[str, int] = {}
    room = Counter(dict.fromkeys(range(1, groups + 1), WORKSTATIONS_PER_GROUP))
    for name, number in held.items():
        if number is not None and room[number] > 0:
            given[name] = number
            room[number] -= 1
    for name in (name for name in held if name not in given):
        lowest = _lowest(room)
        if lowest is not None:
            given[name] = lowest
            room[lowest] -= 1
    return given


def _lowest(room: Mapping[int, int]) -> int | None:
    return min((group for group, left in room.items() if left > 0), default=None)
