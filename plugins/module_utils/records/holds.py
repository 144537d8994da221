# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds and grants: decisions about people's access that no record holds.

A hold takes a person's access, at all providers, or that of everybody at one provider, until it is
lifted or its last day has passed. A grant (break-glass) gives a person's assignments effect on days
that the record does not, until its last day: before the first day, while suspended, and after an
end that was recent when it was given. A hold goes before a grant.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["hold", "grant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold or a grant. `object` is the HSA-id of a person, or a provider's id.

    `until` is the last day, to 24:00; `lifted` the day a person ended it before. A grant always
    has a last day. `confirmed_by` is None of one that waits for a second person, and "" of one that
    needs none.
    """

    id: str
    object: str
    kind: Kind
    reason: str
    by: str
    since: dt.date
    until: dt.date | None = None
    lifted: dt.date | None = None
    confirmed_by: str | None = ""

    @property
    def waits(self) -> bool:
        """Whether it counts for nothing until a second person confirms it."""
        return self.confirmed_by is None

    @property
    def last_day(self) -> dt.date | None:
        """The last day that it is in force; None without end. A lifted one ends at once."""
        before = self.lifted - dt.timedelta(days=1) if self.lifted else None
        return min((day for day in (self.until, before) if day), default=None)

    def is_in_force(self, as_of: dt.date) -> bool:
        """Whether it counts on the day."""
        return not self.waits and self.since <= as_of and self.lasts(as_of)

    def lasts(self, as_of: dt.date) -> bool:
        """Whether its last day has not passed on the day."""
        last = self.last_day
        return last is None or as_of <= last


@dataclass(frozen=True, slots=True)
class Decisions:
    """All holds and grants there are, on a day."""

    holds: tuple[Hold, ...] = ()

    def is_held(self, ids: Collection[str], provider: str, as_of: dt.date) -> bool:
        """Whether a person with these HSA-ids has no access at a provider."""
        about = {provider.casefold(), *(i.casefold() for i in ids)}
        return any(
            hold.kind == "hold" and hold.object.casefold() in about and hold.is_in_force(as_of)
            for hold in self.holds
        )

    def grant(self, ids: Iterable[str], as_of: dt.date) -> Hold | None:
        """The grant that a person has or had by the day, the one that lasts longest."""
        about = {i.casefold() for i in ids}
        theirs = [
            (hold.last_day, hold.since, hold)
            for hold in self.holds
            if hold.kind == "grant" and hold.object.casefold() in about and hold.since <= as_of
            if hold.last_day is not None and not hold.waits
        ]
        return max(theirs, key=lambda one: one[:2])[2] if theirs else None


def user_of(by: str) -> str:
    """The user of "user@host (what is claimed)"."""
    # A user of a domain may have a name with blanks; what is claimed has none.
    return re.sub(r" \([^ ]*\)$", "", by).rpartition("@")[0] or by


NO_DECISIONS = Decisions()
