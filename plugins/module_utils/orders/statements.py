# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registers say of people, as their answer files have it: CSV with Swedish headings, or JSON.

Nobody has published how such a file looks; this form is ours. Parsing is pure, and no error repeats
a value.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..records.catalogue import parse_licence
from ..records.identifiers import parse_day, parse_personal_number, parse_text
from ..records.registers import HOSP, POPULATION, Answer, Digest, RegisterName, name_hashes
from . import lines
from .lines import Answers, Form, as_text

_HEADINGS = {
    "personnummer": "personal_number",
    "register": "register",
    "datum": "day",
    "status": "status",
    "skyddade personuppgifter": "protected",
    "förnamn": "given_name",
    "mellannamn": "middle_name",
    "efternamn": "surname",
    "legitimation": "licences",
    "återkallad legitimation": "withdrawn",
}
_REQUIRED = ("personal_number", "register", "day")
_REGISTERS: dict[str, RegisterName] = {
    "folkbokföring": POPULATION,
    "folkbokforing": POPULATION,
    "hosp": HOSP,
}
_STATUSES = {"living": "living", "deceased": "deceased", "emigrated": "emigrated"}
_SWEDISH_STATUSES = {"levande": "living", "avliden": "deceased", "utvandrad": "emigrated"}
_YES, _SWEDISH_YES = {"yes": True, "no": False}, {"ja": True, "nej": False}
# A name of the register that is longer is no name.
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a register says of a person on a day; see records.registers.Answer."""

    personal_number: str
    register: RegisterName
    day: dt.date
    status: str = ""
    protected: bool = False
    given_name: str = ""
    middle_name: str = ""
    surname: str = ""
    licences: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()

    def answer(self, digest: Digest) -> Answer:
        """The same without number and name; `digest` makes keyed hashes."""
        return Answer(
            register=self.register,
            person=digest(self.personal_number),
            day=self.day,
            status=self.status,
            protected=self.protected,
            names=name_hashes(self.given_name, self.middle_name, self.surname, digest),
            licences=self.licences,
            withdrawn=self.withdrawn,
        )


def parse(name: str, content: bytes, as_of: dt.date) -> Answers[Statement]:
    """Read the file of this name, which says by .csv, .json or .jsonl what it is.

    No line may be of a later day than `as_of`. Raises InboxError where nothing of it can be told.
    """
    read = partial(_statement, as_of)
    form: Form[Statement] = Form(
        _HEADINGS,
        _REQUIRED,
        partial(read, _SWEDISH_STATUSES, _SWEDISH_YES),
        partial(read, _STATUSES, _YES),
    )
    return lines.parse(name, content, form)


def _statement(
    as_of: dt.date,
    statuses: Mapping[str, str],
    yes: Mapping[str, bool],
    values: Mapping[str, Any],
) -> Statement:
    """What a line's values say. Raises ValueError with the field and what it must be."""

    def said(name: str, parser: Callable[[str], Any]) -> Any:
        try:
            return parser(as_text(values.get(name), is_list=name in ("licences", "withdrawn")))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    read: dict[str, Any] = {
        "personal_number": said("personal_number", parse_personal_number),
        "register": said("register", partial(_one_of, _REGISTERS)),
        "day": said("day", partial(_day, as_of)),
    }
    if read["register"] == POPULATION:
        read["status"] = said("status", partial(_one_of, statuses))
        read["protected"] = said("protected", partial(_one_of, yes))
        read |= {n: said(n, _name) for n in ("given_name", "middle_name", "surname")}
        if bool(read["given_name"]) != bool(read["surname"]):
            raise ValueError("surname: expected given name and surname together")
    else:
        # A column that is missing must not pass for nobody having a licence.
        if values.get("licences") is None:
            raise ValueError("licences: expected those that HOSP has, empty where it has none")
        read |= {n: said(n, _titles) for n in ("licences", "withdrawn")}
        if read["licences"] & read["withdrawn"]:
            raise ValueError("withdrawn: expected none of those that HOSP has")
    return Statement(**read)


def _one_of(words: Mapping[str, Any], text: str) -> Any:
    if text.casefold() not in words:
        raise ValueError(f"expected one of {', '.join(words)}")
    return words[text.casefold()]


def _day(as_of: dt.date, text: str) -> dt.date:
    day = parse_day(text)
    if day > as_of:
        raise ValueError("expected a day that is not after today")
    return day


def _name(text: str) -> str:
    return parse_text(text, _LONGEST_NAME) if text else ""


def _titles(text: str) -> frozenset[str]:
    return frozenset(parse_licence(each) for each in re.split(r"\s*,\s*", text) if each)
