# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a change of a part withdraws access and does nothing else: then it needs no signature.

Whoever must lock somebody out at night shall not wait for who may sign. What it takes, it takes by
ends and suspensions that a later version, signed, may put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from .model import Period

# Last days: one that comes earlier takes.
_LAST_DAYS = frozenset({"ends", "closes", "to", "last_day"})
# Lists whose rows give something each.
_GIVING = frozenset(
    {"assignments", "rights", "systems", "administers", "trial", "shared_access"}
)  # fmt: skip


def only_withdraws(before: Any, after: Any) -> bool:
    """Whether what a part gives after a change it gave before, to the same, on the same days.

    Both are a part, or two values of the same field in it. An end is set or comes earlier, a
    suspension is set or becomes longer, `halsoval` becomes false, an assignment or another row that
    gives something goes, a service is terminated. Rows keep their order.
    """
    if before == after:
        return True
    if type(before) is not type(after) or not is_dataclass(before):
        return False
    names = (field.name for field in fields(before))
    return all(_withdraws(n, getattr(before, n), getattr(after, n)) for n in names)


def _withdraws(name: str, before: Any, after: Any) -> bool:
    if before == after:
        return True
    if name in _LAST_DAYS:
        return after is not None and (before is None or after < before)
    if name == "halsoval":
        return not after
    if name == "suspended":
        return after is not None and (before is None or _covers(after, before))
    if name == "terminated":
        return _are_among(before, after, only_withdraws)
    if name in _GIVING:
        return _are_among(after, before, lambda new, old: only_withdraws(old, new))
    if isinstance(before, tuple):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(only_withdraws(*pair) for pair in pairs)
    return only_withdraws(before, after)


def _covers(after: Period, before: Period) -> bool:
    """Whether a suspension has all days of an earlier one."""
    is_longer = after.to is None or (before.to is not None and before.to <= after.to)
    return after.from_ <= before.from_ and is_longer


def _are_among(rows: Sequence[Any], others: Sequence[Any], matches: Any) -> bool:
    """Whether each row has a match among the others, in the same order."""
    rest = iter(others)
    return all(any(matches(row, other) for other in rest) for row in rows)
