# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the records and the registers say different things of people.

A finding names nobody but by HSA-id, and until one is known by the row's own ref.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..engine.provision import Finding
from ..records.people import Employment
from ..records.registers import (
    DECEASED,
    HOSP,
    POPULATION,
    WITHDRAWN,
    Answer,
    Digest,
    Place,
    RegisterName,
    Subject,
    is_called,
    told_of,
)

# A person is checked at least once a month (HSA's rules): in days.
MONTH = 31


def findings(
    subjects: Iterable[Subject], known: Mapping[Place, Answer], digest: Digest
) -> Iterator[Finding]:
    """What differs of people, for each provider whose record names them."""
    for one in subjects:
        for employment in _rows(one.employments):
            about = _About(one, employment)
            if answer := one.answer(known, POPULATION):
                yield from _of_population(about, answer, digest)
            if answer := one.answer(known, HOSP):
                yield from _of_hosp(about, answer)


class _About:
    """Somebody at a provider: what findings call the person, and make a finding of."""

    def __init__(self, subject: Subject, employment: Employment) -> None:
        self.row, self.provider = employment.row, employment.provider
        self.is_protected = subject.is_protected
        self.is_known = bool(subject.ids)
        self._object = subject.ids[0] if len(subject.ids) == 1 else employment.label

    def finding(self, code: str, message: str, severity: Any = "high") -> Finding:
        """A finding about the person."""
        return Finding(self.provider, code, self._object, message, severity)

    @property
    def taken(self) -> str:
        """What became of the access of one whom a register takes it from."""
        if self.is_known:
            return "access was held when the answer came"
        return "no HSA-id is known yet: access is held once one is"


def _of_population(about: _About, answer: Answer, digest: Digest) -> Iterator[Finding]:
    if answer.status == "deceased":
        message = f"deceased, by the population register of {answer.day}: {about.taken}"
        yield about.finding(DECEASED, message)
    if answer.protected and not about.is_protected:
        message = f"protected, by the population register of {answer.day}, and by no record"
        yield about.finding("protection_changed", message)
    if about.row.protected and not answer.protected:
        message = f"protected by the record, and not by the population register of {answer.day}"
        yield about.finding("protection_changed", message, "normal")
    if not is_called(about.row, answer.names, digest):
        message = f"the population register of {answer.day} has another name"
        yield about.finding("name_differs", message, "normal")


def _of_hosp(about: _About, answer: Answer) -> Iterator[Finding]:
    for licence in told_of(about.row, answer.day):
        if licence.title in answer.withdrawn:
            message = f"{licence.title}: withdrawn, by HOSP of {answer.day}: {about.taken}"
            yield about.finding(WITHDRAWN, message)
        elif licence.confirmed and licence.title not in answer.licences:
            message = f"{licence.title}: confirmed by the record, and HOSP of {answer.day} has none"
            yield about.finding("licence_missing", message)


def _rows(employments: Iterable[Employment]) -> Iterator[Employment]:
    """One of each row that stands in a record."""
    seen: set[int] = set()
    for employment in employments:
        if id(employment.row) not in seen:
            seen.add(id(employment.row))
            yield employment


def overdue(
    subjects: Iterable[Subject],
    known: Mapping[Place, Answer],
    asked: Collection[RegisterName],
    as_of: dt.date,
) -> Iterator[Finding]:
    """For each provider one finding, of how many people no register was asked for a month.

    Of the registers that ever were asked; HOSP about those alone whose record lists a licence.
    """
    late: dict[str, set[int]] = defaultdict(set)
    for number, one in enumerate(subjects):
        for employment in one.employments:
            if _is_overdue(one, employment, known, asked, as_of):
                late[employment.provider].add(number)
    for provider, people in sorted(late.items()):
        what = "person was" if len(people) == 1 else "people were"
        message = f"{len(people)} {what} not checked for more than {MONTH} days"
        yield Finding(provider, "check_overdue", provider, message)


def _is_overdue(
    one: Subject, employment: Employment, known: Mapping[Place, Answer],
    asked: Collection[RegisterName], as_of: dt.date,
) -> bool:  # fmt: skip
    if employment.state not in ("active", "suspended"):
        return False
    for register in asked:
        if register == HOSP and not employment.row.licences:
            continue
        answer = one.answer(known, register)
        # Who is new was looked at when they came.
        since = employment.assignment.from_
        last = max(answer.day, since) if answer else since
        if (as_of - last).days > MONTH:
            return True
    return False
