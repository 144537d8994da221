# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recipient of an order is told, to carry it out: plain JSON, what is not known left out.

Of a protected person it is the HSA-id alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...records.catalogue import SERVICES
from ...records.model import Record
from ...records.people import Employment


def about(record: Record, service: str = "", /, **more: Any) -> dict[str, Any]:
    """What every order of a provider says, about a service if it is about one, and more."""
    named = {"service_name": SERVICES[service].name} if service else {}
    said = {name: value for name, value in more.items() if value}
    return {"provider_name": record.agreement.name, **named, **said}


def of_person(
    is_protected: bool, hsa_id: str, service: str, employments: Sequence[Employment], **more: str
) -> dict[str, Any]:
    """What an order says of the person that it is about: of a protected one the HSA-id alone.

    `employments` are the assignments that give rise to it: one at least, all at one provider.
    """
    first = earliest(employments)
    said = {**about(first.record, service, hsa_id=hsa_id, **more), "act": ""}
    if is_protected:
        return said
    row = first.row
    units = {unit.id: unit.name for unit in first.record.agreement.units}
    told = {
        "given_name": row.given_name,
        "middle_name": row.middle_name,
        "surname": row.surname,
        "title": row.position,
        "mail": row.mail,
        "unit": joined(units[e.assignment.unit] for e in employments),
    }
    return said | {name: value for name, value in told.items() if value}


def earliest(employments: Iterable[Employment]) -> Employment:
    """The assignment whose row tells who the person is: the first one to begin."""
    return min(employments, key=lambda e: (e.assignment.from_, e.assignment.unit))


def joined(words: Iterable[str]) -> str:
    """Words in a fixed order, each once."""
    return ", ".join(sorted(set(words)))
