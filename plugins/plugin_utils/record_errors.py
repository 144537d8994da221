# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a record, in words, with the line where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import shown

from . import yaml_text
from .record_files import PART_FILES
from .validation import Fault
from .yaml_text import Problem, short

# So many of a part are told: who mends those and reads again finds the others, or none.
_TOLD = 50


@dataclass
class Errors:
    """The first errors of each part of a record, or of the folder itself, and how many more.

    `name` is the folder's.
    """

    name: str
    _first: list[str] = field(default_factory=list)
    _told: Counter[str | None] = field(default_factory=Counter)
    _more: Counter[str | None] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self._first)

    def all(self) -> tuple[str, ...]:
        """The errors, and of which parts there are more."""
        more = (f"{self._place(part)}: and {number} more" for part, number in self._more.items())
        return (*self._first, *more)

    def note(self, part: str | None, problems: Iterable[Problem]) -> None:
        """Note problems of a part, or of the folder itself."""
        for problem in problems:
            if self._told[part] == _TOLD:
                self._more[part] += 1
                continue
            line = "" if problem.line is None else f":{problem.line}"
            path = yaml_text.show_path(problem.path)
            words = (self._place(part) + line, path, problem.message)
            error = shown(": ".join(filter(None, words)))
            if error not in self._first:
                self._first.append(error)
                self._told[part] += 1

    def note_faults(self, texts: Mapping[str, str], faults: Collection[Fault]) -> None:
        """Note faults of fields; `texts` are those of the parts. Only what is told is looked up."""
        for part, text in texts.items():
            mine = list(
                dict.fromkeys((path, words) for where, path, words in faults if where == part)
            )
            first = mine[: _TOLD - self._told[part]]
            lines = yaml_text.lines_of(text, [path for path, _words in first])
            self.note(part, (Problem(line, *one) for line, one in zip(lines, first, strict=True)))
            if len(mine) > len(first):
                self._more[part] += len(mine) - len(first)

    def _place(self, part: str | None) -> str:
        return short(self.name) + ("" if part is None else f"/{PART_FILES[part]}")
