# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the registry of workstations is laid out: its branch, its attributes, and how they compare.

The structural class is `device` (RFC 4519), beside it stand `ipHost` and `ieee802Device` (RFC 2307)
and one class of our own, whose attributes begin with `halsoval`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...engine import matching
from ...engine.plan import Attribute, Codec, Values

KEY, STATE = "halsovalKey", "halsovalState"
GROUP, FIRST_DAY, LAST_DAY = "halsovalGroup", "halsovalFirstDay", "halsovalLastDay"
REGISTERED, _DEREGISTERED = "registered", "deregistered"
OUR_CLASS = "halsovalWorkstation"


@dataclass(frozen=True)
class Layout:
    """The layout. An attestation of security is due after so many days (annex 3.4)."""

    branch: str
    attestation_days: int = 365


Search = tuple[str, str, Values]


def searches(layout: Layout) -> tuple[Search, ...]:
    """What to read: every entry of the branch that has a name, whoever made it."""
    return ((layout.branch, "(cn=*)", tuple(attribute.name for attribute in SCHEMA)),)


def _decoded(values: Values) -> Values:
    return tuple(value for value in values if matching.case_ignore(value) != _DEREGISTERED)


def _encoded(values: Values) -> Values:
    return values or (_DEREGISTERED,)


SCHEMA: tuple[Attribute, ...] = (
    Attribute("objectClass", ours=frozenset(("ipHost", "ieee802Device"))),
    Attribute(KEY, matching.exact),
    # To a plan a deregistered entry has no state: so to be registered again takes nothing.
    Attribute(STATE, grants="entry", codec=Codec(_decoded, _encoded)),
    *(
        Attribute(name, shown=True)
        for name in (
            "cn", "serialNumber", "ipHostNumber", "macAddress", "halsovalClientName",
            "halsovalUnit", "halsovalAgreement", "halsovalAttested", GROUP, FIRST_DAY, LAST_DAY,
        )
    ),
)  # fmt: skip
