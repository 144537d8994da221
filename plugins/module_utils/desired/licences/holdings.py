# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CALs that the ledger knows, as entries of a plan: a row for each that has, or had, one.

The holder's row stays when its CAL goes on to another; if it comes back, it is given one again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from ...engine import matching
from ...engine.plan import Attribute, Entry, Values, present

BRANCH = "ou=licences"
ATTRIBUTES: tuple[Attribute, ...] = tuple(
    Attribute(name, matching.exact)
    for name in (
        "kind", "holder", "object", "provider", "number",
        "assigned", "released", "reassignable_from", "reason",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cal:
    """A CAL and who has it: a workstation, by its name, or a user, by HSA-id.

    `number` tells the CALs of a kind apart. `released` is the last day of a holder who has it no
    more, `reassignable_from` the day from which another may have it, `reason` why that is at once.
    """

    kind: str
    holder: Literal["workstation", "user"]
    object: str
    provider: str
    number: int
    assigned: dt.date
    released: dt.date | None = None
    reassignable_from: dt.date | None = None
    reason: str = ""

    @property
    def key(self) -> str:
        """What tells the row."""
        return key_of(self.kind, self.object)

    @property
    def is_assigned(self) -> bool:
        """Whether the holder has it."""
        return self.released is None

    def is_taken(self, as_of: dt.date) -> bool:
        """Whether nobody else may have it on a day: it counts against the pool."""
        free_from = self.reassignable_from
        return self.is_assigned or (free_from is not None and free_from > as_of)


def key_of(kind: str, name: str) -> str:
    """The key of a holder's row: names and HSA-ids do not differ by case."""
    return f"{kind}/{name.casefold()}"


def of_entry(held: Entry) -> Cal:
    """The CAL that the ledger holds as an entry."""
    first = {name: values[0] for name, values in held.attributes.items() if values}
    days = {
        name: dt.date.fromisoformat(first[name])
        for name in ("assigned", "released", "reassignable_from")
        if name in first
    }
    return Cal(
        kind=first["kind"],
        holder="user" if first["holder"] == "user" else "workstation",
        object=first["object"],
        provider=first["provider"],
        number=int(first["number"]),
        reason=first.get("reason", ""),
        **days,
    )


def attributes(cal: Cal) -> dict[str, Values]:
    """What the ledger is to hold of a CAL."""
    released, free_from = cal.released, cal.reassignable_from
    return {
        "kind": (cal.kind,),
        "holder": (cal.holder,),
        "object": (cal.object,),
        "provider": (cal.provider,),
        "number": (str(cal.number),),
        "assigned": (cal.assigned.isoformat(),),
        "released": present([released.isoformat() if released else None]),
        "reassignable_from": present([free_from.isoformat() if free_from else None]),
        "reason": present([cal.reason]),
    }
