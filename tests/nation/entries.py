# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dump of a directory, taken apart: names (RFC 4514), and attributes without case."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Dump = Sequence[tuple[str, Mapping[str, tuple[str, ...]]]]
# The RDNs of a name from the entry up, each with its attributes in lower case and their values.
Rdn = tuple[tuple[str, str], ...]
Place = tuple[Rdn, ...]

_RDN = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
_PART = re.compile(r"(?:\\.|[^\\+])+", re.DOTALL)
_ESCAPED = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)
_OUTER_BLANKS = re.compile(r"^ +|(?<!\\) +$")


@dataclass(frozen=True, eq=False)
class Entry:
    """An entry; `held` goes by attribute in lower case, `classes` are in lower case."""

    dn: str
    rdns: Place
    classes: frozenset[str]
    held: Mapping[str, tuple[str, ...]]

    @property
    def place(self) -> Place:
        """The name in the form in which directories compare it."""
        return comparable(self.rdns)

    def has(self, name: str) -> bool:
        """Whether the entry is of a class."""
        return name.lower() in self.classes


def read(dump: Dump) -> tuple[Entry, ...]:
    """Take every entry of a dump apart."""
    return tuple(_entry(dn, attributes) for dn, attributes in dump)


def rdns(dn: str) -> Place:
    """Split a name at the commas and plus signs that are not escaped."""
    return tuple(tuple(_assertion(part) for part in _PART.findall(rdn)) for rdn in _RDN.findall(dn))


def comparable(place: Place) -> Place:
    """Bring a name to one form: without case, with single blanks, attributes of an RDN sorted."""
    return tuple(
        tuple(sorted((name, " ".join(value.split()).casefold()) for name, value in rdn))
        for rdn in place
    )


def _entry(dn: str, attributes: Mapping[str, tuple[str, ...]]) -> Entry:
    held: dict[str, tuple[str, ...]] = {}
    for name, values in attributes.items():
        held[name.lower()] = held.get(name.lower(), ()) + tuple(values)
    classes = frozenset(value.lower() for value in held.get("objectclass", ()))
    return Entry(dn, rdns(dn), classes, held)


def _assertion(part: str) -> tuple[str, str]:
    name, _other, value = part.partition("=")
    return name.strip().lower(), _ESCAPED.sub(_unescaped, _OUTER_BLANKS.sub("", value))


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return bytes.fromhex(found[1].replace("\\", "")).decode("utf-8", "replace")
    return found[2]
