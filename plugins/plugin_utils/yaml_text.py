# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a record file as plain data, and the line of a field in it.

The language is plain YAML: no tags, anchors, aliases or repeated fields. A word without quotes
means what it means in YAML 1.2's core schema, which is what editors check the published JSON
Schema by; dates stay text. No message repeats a value of the text, which may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import shown

Path = tuple[str | int, ...]

# More than any record needs; without a limit, deep nesting overflows the stack of libyaml's
# composer and ends the process, and its scanner takes quadratic time.
_MAX_DEPTH = 30

# YAML 1.2 core schema, without octal and hexadecimal numbers, infinity and not-a-number.
# Longer runs of digits stay text: Python refuses to convert some thousands of them.
_TYPED = re.compile(
    r"(?P<null>~|null|Null|NULL|)"
    r"|(?P<true>true|True|TRUE)|(?P<false>false|False|FALSE)"
    r"|(?P<int>[-+]?[0-9]{1,18})"
    r"|(?P<float>[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,3})?)"
)
_TYPED_START = frozenset("~nNtTfF+-.0123456789")

# What libyaml says, in words for who writes a record. All else is "valid YAML".
_SYNTAX = {
    "mapping values are not allowed in this context": (
        "a line `field: value`; quote values that hold a colon, and check the indentation"
    ),
    "could not find expected ':'": "a line `field: value`",
    "did not find expected key": "a field at this indentation, and no quote inside a text",
    "did not find expected node content": "a value; check the brackets and hyphens",
    "did not find expected '-' indicator": "a list item (a hyphen first) at this indentation",
    "did not find expected ',' or ']'": "a comma or ] in the list that begins on line {begin}",
    "did not find expected ',' or '}'": "a comma or }} in the group that begins on line {begin}",
    "found character that cannot start any token": (
        "spaces for indentation, and quotes around values that begin with %, @, ` or a tab"
    ),
    "found unexpected end of stream": "the quote that ends the text begun on line {begin}",
    "found unknown escape character": "no backslash in double quotes; use single quotes",
    "but found another document": "one document; remove the second `---`",
    "found undefined alias": "no anchor or alias (&, *); quote the text",
    "found undefined tag handle": "no tag (!); quote the text",
    "control characters are not allowed": "text without control characters",
}


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place: line from 1, path of field names and list positions from 0."""

    line: int | None
    path: Path
    message: str


class TextError(Exception):
    """The text as a whole cannot be used; holds the one Problem that says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes only; _value decides what a scalar means.

    PyYAML's own resolver and constructor take two thirds of its time.
    """

    _depth = 0

    def resolve(self, kind: type, value: str, implicit: tuple[bool, bool]) -> str:
        return ""

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            line = None if current_node is None else _line(current_node)
            raise _too_deep(line)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def parse(text: str) -> tuple[Any, list[Problem]]:
    """The data of a text, and what YAML itself does not refuse in it: repeated fields, tags.

    Data are dicts with text keys, lists, text, bool, int, float and None; of a repeated field the
    first one counts, of a tagged value the text. Raises TextError where there are no data.
    """
    _refuse_anchors(text)
    root = _compose(text)
    odd: list[yaml.Node] = []
    data = None if root is None else _value(root, odd)
    return data, list(_explain(root, ())) if root is not None and odd else []


def lines_of(text: str, paths: Sequence[Path]) -> list[int]:
    """The line of the field at each path, or of the nearest group or item around it that exists."""
    root = _compose(text) if paths else None
    return [_line_of(root, path) for path in paths]


def show_path(path: Path) -> str:
    """A path as people write it: people[3].assignments[0].from."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{short(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def short(name: str) -> str:
    """A name that somebody else chose, as a message shows it: shown(), at most 60 long."""
    text = shown(name)
    return text if len(text) <= 60 else text[:59] + "…"


def _too_deep(line: int | None) -> TextError:
    return TextError(Problem(line, (), f"expected at most {_MAX_DEPTH} levels of nesting"))


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        _refuse(text, error)


def _refuse_anchors(text: str) -> None:
    """Aliases make a small text huge, and a record needs none."""
    if "&" not in text:
        return
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise _too_deep(_line(event))
            if getattr(event, "anchor", None):
                line = _line(event)
                raise TextError(
                    Problem(line, (), "expected no anchor or alias (&, *); quote the text")
                )
    except yaml.YAMLError as error:
        _refuse(text, error)


def _refuse(text: str, error: yaml.YAMLError) -> NoReturn:
    # Neither the error nor its cause goes on: both quote the text.
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        begin = error.context_mark.line + 1 if error.context_mark else line
        said = error.problem or ""
    else:  # a ReaderError; libyaml counts bytes
        position = getattr(error, "position", 0)
        before = text.encode("utf-8")[:position].decode("utf-8", "ignore")
        line = begin = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        said = getattr(error, "reason", "")
    expected = _SYNTAX.get(str(said), "valid YAML").format(begin=begin)
    raise TextError(Problem(line, (), f"column {column}: expected {expected}")) from None


def _value(node: yaml.Node, odd: list[yaml.Node]) -> Any:
    """The data of a node; notes the nodes that _explain has something to say about."""
    if node.tag:
        odd.append(node)
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style else _plain(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, odd) for item in node.value]
    fields: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag or key.value in fields:
            odd.append(key)
        else:
            fields[key.value] = _value(value, odd)
    return fields


def _plain(text: str) -> Any:
    if text and text[0] not in _TYPED_START:
        return text
    match = _TYPED.fullmatch(text)
    kind = match and match.lastgroup
    if kind in ("true", "false"):
        return kind == "true"
    if kind == "null":
        return None
    if kind == "int":
        return int(text)
    return float(text) if kind == "float" else text


def _explain(node: yaml.Node, path: Path) -> Iterator[Problem]:
    if node.tag:
        yield Problem(_line(node), path, _tag_message(node.tag))
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _explain(item, (*path, position))
    elif isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag:
                yield Problem(_line(key), path, "expected a plain field name")
            elif key.value in seen:
                first = f"expected each field once; the first is on line {seen[key.value]}"
                yield Problem(_line(key), (*path, key.value), first)
            else:
                seen[key.value] = _line(key)
                yield from _explain(value, (*path, key.value))


def _tag_message(tag: str) -> str:
    if tag.startswith("!vault"):
        return "expected no !vault value; encrypt the whole file (ansible-vault encrypt)"
    return "expected no tag (!); quote text that begins with an exclamation mark"


def _line_of(node: yaml.Node | None, path: Path) -> int:
    line = 1 if node is None else _line(node)
    for step in path:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return _line(key), value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return _line(node.value[step]), node.value[step]
    return None


def _line(marked: yaml.Node | yaml.Event) -> int:
    mark: Any = marked.start_mark
    return int(mark.line) + 1
