# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of a record that hold one value in two spellings.

A directory takes them for one value and keeps one of the two spellings, nobody knows which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .claims import Path
from .identifiers import folded
from .model import Address

_ONE_DAY = re.compile(r"^([1-7])#(?=[0-9]{2}:[0-9]{2}#)")

# (attribute, key in the file, whether it is a list, the class of what it holds, or str for texts)
_Field = tuple[str, str, bool, Any]


def spelled_twice(group: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The places of values that stand earlier in the same list in another spelling."""
    for name, key, is_list, kind in _lists(group.__class__):
        value = getattr(group, name)
        if kind is str:
            for index, earlier in _repeated(value):
                yield (
                    (*path, key, index),
                    f"expected each value once: {key}[{earlier}] is the same in another spelling",
                )
        elif is_list:
            for index, item in enumerate(value):
                yield from spelled_twice(item, (*path, key, index))
        elif value is not None:
            yield from spelled_twice(value, (*path, key))


def _repeated(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(place, place of the first spelling) of values that are spelled in several ways."""
    first: dict[str, int] = {}
    for index, value in enumerate(values if len(values) > 1 else ()):
        # A day of opening hours by itself is a span of one day.
        earlier = first.setdefault(_ONE_DAY.sub(r"\1-\1#", folded(value)), index)
        if values[earlier] != value:
            yield index, earlier


@cache
def _lists(kind: Any) -> tuple[_Field, ...]:
    """The fields of a class that are lists of texts, or hold some further down."""
    found = []
    hints = get_type_hints(kind)
    for one in fields(kind):
        is_list, held = _held(hints[one.name])
        looked_through = isinstance(held, type) and is_dataclass(held) and bool(_lists(held))
        if looked_through or (held is str and is_list):
            found.append((one.name, one.metadata.get("alias", one.name), is_list, held))
    # The lines of an address are no values of their own.
    return () if kind is Address else tuple(found)


def _held(hint: Any) -> tuple[bool, Any]:
    """Whether a type is a list, and of what, or what it is."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(one for one in get_args(hint) if one is not NoneType)
    return (True, get_args(hint)[0]) if get_origin(hint) is tuple else (False, hint)
