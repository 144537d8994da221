# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData's $filter: the part of it that readers of the Monitor service need.

`and`, `or`, `not`, `eq ne gt ge lt le`, `in`, parentheses, paths over single-valued navigation,
bare dates and GUIDs, integers, strings, null, true and false. Anything else is refused (400).
OASIS, OData 4.0 part 2 (URL conventions), section 5.1.1.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, Any]
Predicate = Callable[[Row], bool]
# The value at a path of a row; raises KeyError where there is no such property.
Getter = Callable[[str], Callable[[Row], Any]]

TOKENS = re.compile(
    r"""\s*(?:
      (?P<date>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:\d\d))
    | (?P<day>\d{4}-\d\d-\d\d)(?![\w-])
    | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
    | (?P<number>-?\d+(?:\.\d+)?)(?![\w.-])
    | (?P<string>'(?:[^']|'')*')
    | (?P<word>[A-Za-z_][\w/]*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
CONSTANTS = {"null": None, "true": True, "false": False}


class FilterError(ValueError):
    """A filter that the service does not understand."""


def parse(text: str, getter: Getter) -> Predicate:
    """The predicate that a filter names, or FilterError."""
    parser = _Parser(list(_tokens(text)), getter)
    predicate = parser.disjunction()
    if parser.peek()[1]:
        raise FilterError(f"Syntax error at '{parser.peek()[1]}' in '{text}'.")
    return predicate


def moment(text: str) -> str:
    """A date as rows hold it, so that text compares as time: UTC, three decimals."""
    when = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    when = when.astimezone(dt.UTC) if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text.rstrip())
    while position < end:
        found = TOKENS.match(text, position)
        if not found:
            raise FilterError(f"Syntax error at position {position} in '{text}'.")
        position = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]


class _Parser:
    """Recursive descent: `or` binds least, then `and`, `not`, comparisons."""

    def __init__(self, tokens: list[tuple[str, str]], getter: Getter) -> None:
        self.tokens = [*tokens, ("end", "")]
        self.getter = getter

    def peek(self) -> tuple[str, str]:
        return self.tokens[0]

    def take(self, text: str) -> bool:
        """Go on where the next token is this one."""
        if self.tokens[0][1] != text or self.tokens[0][0] == "string":
            return False
        self.tokens.pop(0)
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise FilterError(f"Expected '{text}', found '{self.peek()[1]}'.")

    def disjunction(self) -> Predicate:
        left = self.conjunction()
        while self.take("or"):
            left = _either(left, self.conjunction())
        return left

    def conjunction(self) -> Predicate:
        left = self.negation()
        while self.take("and"):
            left = _both(left, self.negation())
        return left

    def negation(self) -> Predicate:
        if self.take("not"):
            inner = self.negation()
            return lambda row: not inner(row)
        if self.take("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Predicate:
        path = self.word()
        value = self.getter(path)
        name = self.word()
        if name == "in":
            values = self.listed()
            return lambda row: value(row) in values
        literal = self.literal()
        if name == "eq":
            return lambda row: value(row) == literal
        if name == "ne":
            return lambda row: value(row) != literal
        if name not in ORDERINGS:
            raise FilterError(f"Unknown operator '{name}'.")
        return _ordered(value, ORDERINGS[name], literal)

    def word(self) -> str:
        kind, text = self.tokens.pop(0)
        if kind != "word":
            raise FilterError(f"Expected a name, found '{text}'.")
        return text

    def listed(self) -> list[Any]:
        self.expect("(")
        values = [self.literal()]
        while self.take(","):
            values.append(self.literal())
        self.expect(")")
        return values

    def literal(self) -> Any:
        kind, text = self.tokens.pop(0)
        if kind in ("date", "day"):
            return _date(text)
        if kind == "guid":
            return text.lower()
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "word" and text in CONSTANTS:
            return CONSTANTS[text]
        raise FilterError(f"Expected a value, found '{text}'.")


def _date(text: str) -> str:
    try:
        return moment(text)
    except ValueError:
        raise FilterError(f"'{text}' is not a date.") from None


def _either(left: Predicate, right: Predicate) -> Predicate:
    return lambda row: left(row) or right(row)


def _both(left: Predicate, right: Predicate) -> Predicate:
    return lambda row: left(row) and right(row)


def _ordered(
    value: Callable[[Row], Any], compare: Callable[[Any, Any], bool], literal: Any
) -> Predicate:
    """Nothing is before or after null: so `BrokeringDate ge …` passes over rows without one."""

    def holds(row: Row) -> bool:
        found = value(row)
        try:
            return found is not None and literal is not None and compare(found, literal)
        except TypeError:
            raise FilterError("A value of another type cannot be compared.") from None

    return holds
