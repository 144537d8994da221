# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the population register and HOSP answered about people, as far as findings need it.

The ledger keeps it by keyed hashes of the personal numbers and of the names.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .identifiers import folded
from .memory import Memory
from .model import Licence, Person, Record
from .one_person import rows_by_person
from .people import Employment, NaturalPerson

RegisterName = Literal["folkbokforing", "hosp"]
POPULATION: RegisterName = "folkbokforing"
HOSP: RegisterName = "hosp"
REGISTERS: tuple[RegisterName, ...] = (POPULATION, HOSP)
STATUSES = ("", "living", "emigrated", "deceased")
# The reasons of the holds that an answer places.
DECEASED, WITHDRAWN = "deceased", "licence_withdrawn"

Digest = Callable[[str], str]
Place = tuple[str, str]  # a register, and the keyed hash of a personal number


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a register said of a person on a day; `person` is the keyed hash of the number.

    `status` and `protected` are the population register's, and so are `names`: keyed hashes of
    what the person may be called, none where it tells no name. `licences` are the professions that
    HOSP has of the person, `withdrawn` those that it has no more. `held` says that the hold which
    the answer calls for was placed.
    """

    register: RegisterName
    person: str
    day: dt.date
    status: str = ""
    protected: bool = False
    names: frozenset[str] = frozenset()
    licences: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()
    held: bool = False

    @property
    def place(self) -> Place:
        """What the ledger knows it by."""
        return (self.register, self.person)

    @property
    def rank(self) -> tuple[object, ...]:
        """What makes it the later one of two: the day, and of one day what is graver."""
        texts = (sorted(some) for some in (self.withdrawn, self.licences, self.names))
        grave = (STATUSES.index(self.status), self.protected)
        return (self.day, *grave, *texts)


def later(known: Mapping[Place, Answer], answers: Iterable[Answer]) -> dict[Place, Answer]:
    """The answers that take the place of known ones, or tell something of a person anew.

    In whatever order they come, and how often: the last one of each place is left.
    """
    found: dict[Place, Answer] = {}
    for answer in answers:
        before = found.get(answer.place) or known.get(answer.place)
        if before is None or answer.rank > before.rank:
            found[answer.place] = answer
    return found


# --- names ---------------------------------------------------------------------------------------


def name_hashes(given: str, middle: str, surname: str, digest: Digest) -> frozenset[str]:
    """The keyed hashes of what a person may be called; nothing where no name is told.

    A register has all given names, and a record the one that is used; the middle name stands
    before the surname or is left out.
    """
    if not given:
        return frozenset()
    texts = (*_given(given), *_surnames(middle, surname))
    return frozenset(digest(f"register {text}") for text in texts)


def is_called(row: Person, names: Collection[str], digest: Digest) -> bool:
    """Whether a record's name of a person is one that a register has."""

    def known(text: str) -> bool:
        return digest(f"register {text}") in names

    surnames = _surnames(row.middle_name or "", row.surname)
    return not names or (all(map(known, _given(row.given_name))) and any(map(known, surnames)))


def _given(text: str) -> Iterator[str]:
    return (f"given {word}" for word in _words(text))


def _surnames(middle: str, surname: str) -> Iterator[str]:
    last = _words(surname)
    forms = {" ".join(last), " ".join((*_words(middle), *last))}
    return (f"surname {form}" for form in sorted(forms))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s-]+", folded(text)) if word]


# --- who is meant --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """Somebody whom records name, or named: the keyed hashes of the numbers, and the HSA-ids.

    `employments` are the assignments that have not ended, none of those whose record cannot be read
    now. `is_protected` says that a record protects them.
    """

    hashes: frozenset[str]
    ids: tuple[str, ...]
    employments: tuple[Employment, ...] = ()
    is_protected: bool = False

    def answer(self, known: Mapping[Place, Answer], register: RegisterName) -> Answer | None:
        """The last that a register said of the person, under whichever number."""
        places = ((register, person) for person in self.hashes)
        theirs = [known[place] for place in places if place in known]
        return max(theirs, key=lambda answer: answer.rank, default=None)

    def rests_on(self, title: str, day: dt.date) -> bool:
        """Whether a record lists a licence that an answer of the day can tell of."""
        rows = (employment.row for employment in self.employments)
        return any(title == licence.title for row in rows for licence in told_of(row, day))


def told_of(row: Person, day: dt.date) -> list[Licence]:
    """The licences of a row that an answer of the day can tell of: none confirmed after it."""
    return [one for one in row.licences if one.confirmed is None or one.confirmed <= day]


def subject(person: NaturalPerson, memory: Memory, seen: Mapping[str, Collection[str]]) -> Subject:
    """The person as registers know them; `seen` are the HSA-ids that runs saw, by number.

    An id that a record names counts where no run saw the person: it may be somebody else's.
    """
    ids = {hsa_id for number in person.numbers for hsa_id in seen.get(number, ())}
    if not ids and person.hsa_id:
        ids = {person.hsa_id}
    lasting = tuple(e for e in person.employments if e.state not in ("ended", "outside"))
    hashes = memory.same(person.numbers)
    return Subject(hashes, tuple(sorted(ids)), lasting, person.protected)


# --- what takes effect at once -------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """A hold that an answer calls for and that was not placed yet: whom by, and why."""

    answer: Answer
    reason: str
    ids: tuple[str, ...]


def due(subjects: Iterable[Subject], known: Mapping[Place, Answer]) -> Iterator[Due]:
    """The holds that the last answers call for: each answer once, as soon as an HSA-id is known."""
    for one in subjects:
        for register in REGISTERS:
            answer = one.answer(known, register)
            reason = _reason(one, answer) if answer and not answer.held else ""
            if answer and reason and one.ids:
                yield Due(answer, reason, one.ids)


def _reason(one: Subject, answer: Answer) -> str:
    if answer.status == "deceased":
        return DECEASED
    return WITHDRAWN if any(one.rests_on(t, answer.day) for t in answer.withdrawn) else ""


def shielded(records: Sequence[Record], memory: Memory) -> tuple[Record, ...]:
    """The records as if they said of those whom the population register protects that it does."""
    if not memory.shielded:
        return tuple(records)
    hidden = {
        id(row)
        for rows in rows_by_person(records)
        if not memory.shielded.isdisjoint(memory.same(n for *_at, row in rows for n in row.numbers))
        for *_at, row in rows
    }
    return tuple(_shielded(record, hidden) for record in records)


def _shielded(record: Record, hidden: Collection[int]) -> Record:
    rows = record.staff.people
    if not any(id(row) in hidden for row in rows):
        return record
    people = tuple(replace(row, protected=True) if id(row) in hidden else row for row in rows)
    return replace(record, staff=replace(record.staff, people=people))
