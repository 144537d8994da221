# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that a provider passes on its way into operation, and the evidence that opens each.

All evidence stands in agreement.yml, which the region signs: nobody opens a gate of their own, and
nothing that a provider writes later, such as another workstation, closes one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from .model import AgreementPart, Must, Record

GateName = Literal[
    "contract", "connection_agreement", "sjunet", "self_declaration", "attestations", "training",
    "final_verification", "final_agreement", "start",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What opens a gate, or a part of it: it is there from its day on; None while nobody dated it.

    `code` is that of a must of the final verification, "" of anything else.
    """

    day: dt.date | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate on a day: the evidence that is there, and what is missing; open if nothing is."""

    name: GateName
    held: tuple[Evidence, ...]
    missing: tuple[Evidence, ...]

    @property
    def is_open(self) -> bool:
        """Whether all its evidence is there."""
        return not self.missing


# In the order in which they are passed: the section of the annex, and what the evidence is.
_ROWS: Mapping[GateName, tuple[str, str]] = {
    "contract": ("3.8", "contract signed"),
    "connection_agreement": ("2.5", "connection agreement signed"),
    "sjunet": ("2.4", "Sjunet connected"),
    "self_declaration": ("3.7", "self-declaration reviewed"),
    "attestations": ("3.4", "attestations of workstations reviewed"),
    "training": ("3.6", "introduction course held"),
    "final_verification": ("3.9", "final verification passed"),
    "final_agreement": ("3.9", "final agreement signed"),
    "start": ("3.9", "start of operation reached"),
}


def section(name: GateName) -> str:
    """The section of the annex that a gate comes from."""
    return _ROWS[name][0]


def in_words(name: GateName, evidence: Evidence) -> str:
    """What a piece of evidence of a gate is."""
    what = f"must {evidence.code} resolved" if evidence.code else _ROWS[name][1]
    return f"{what} (annex {section(name)})"


def gates(record: Record, as_of: dt.date) -> tuple[Gate, ...]:
    """All gates on a day, in the order in which they are passed."""
    return tuple(_gate(name, record.agreement, as_of) for name in _ROWS)


def is_there(day: dt.date | None, as_of: dt.date) -> bool:
    """Whether evidence with this day is there on another one; without a day it never is."""
    return day is not None and day <= as_of


def are_open(record: Record, as_of: dt.date) -> bool:
    """Whether all gates are: the provider may be in operation."""
    part = record.agreement
    # Asked for each assignment in each run: no gate is made for it.
    return all(is_there(day(part), as_of) for day in _DAYS.values()) and all(
        is_there(must.resolved, as_of) for must in _musts(part)
    )


def _gate(name: GateName, part: AgreementPart, as_of: dt.date) -> Gate:
    evidence = [Evidence(day, code) for day, code in _evidence(name, part)]
    return Gate(
        name,
        held=tuple(each for each in evidence if is_there(each.day, as_of)),
        missing=tuple(each for each in evidence if not is_there(each.day, as_of)),
    )


def _evidence(name: GateName, part: AgreementPart) -> Iterator[tuple[dt.date | None, str]]:
    """The days that open a gate, each with the code of the must that it is about."""
    yield _DAYS[name](part), ""
    if name == "final_verification":
        yield from ((must.resolved, must.code) for must in _musts(part))


def _musts(part: AgreementPart) -> tuple[Must, ...]:
    return part.final_verification.musts if part.final_verification else ()


def _passed(part: AgreementPart) -> dt.date | None:
    verification = part.final_verification
    is_passed = verification is not None and verification.outcome == "approved"
    return verification.date if verification and is_passed else None


def _first_course(part: AgreementPart) -> dt.date | None:
    """The first introduction course: which ones it takes, the region's guidelines say."""
    return min((training.date for training in part.training), default=None)


_DAYS: Mapping[GateName, Callable[[AgreementPart], dt.date | None]] = {
    "contract": lambda part: part.agreement.contract_signed,
    "connection_agreement": lambda part: part.agreement.connection_agreement_signed,
    "sjunet": lambda part: part.sjunet.connected,
    "self_declaration": lambda part: part.self_declaration.reviewed,
    "attestations": lambda part: part.attestations_reviewed,
    "training": _first_course,
    "final_verification": _passed,
    "final_agreement": lambda part: part.agreement.final_agreement_signed,
    "start": lambda part: part.agreement.operation_start,
}
