# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry holds today, and the keys that tell what of it is ours.

A key is "workstation/<provider>/<name>", the name in small letters: names do not differ by case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...engine.plan import Entry
from .layout import KEY, REGISTERED, STATE

_KIND = "workstation/"


@dataclass(frozen=True)
class Holdings:
    """The registry's entries: ours by key, and the others.

    `doubled` are the keys that more than one entry carries. Names in `by_name`, which has all
    entries, are in small letters.
    """

    ours: Mapping[str, Entry]
    doubled: frozenset[str]
    others: tuple[Entry, ...]
    by_name: Mapping[str, tuple[Entry, ...]]

    def of_provider(self, provider: str) -> Mapping[str, Entry]:
        """The entries of a provider, by key."""
        return self._by_provider.get(provider, {})

    @cached_property
    def _by_provider(self) -> Mapping[str, Mapping[str, Entry]]:
        found: dict[str, dict[str, Entry]] = defaultdict(dict)
        for key, entry in self.ours.items():
            found[provider_of(key)][key] = entry
        return found

    def in_the_way(self, key: str) -> Entry | None:
        """The entry under another key, or none, that has the name of a workstation's key."""
        others = self.by_name.get(_name_of(key), ())
        return next((entry for entry in others if key_of(entry) != key), None)


def index(entries: Sequence[Entry]) -> Holdings:
    """Sort out what a complete read returned."""
    ours: dict[str, Entry] = {}
    doubled, others = set(), []
    by_name: dict[str, tuple[Entry, ...]] = {}
    for entry in entries:
        for name in entry.attributes.get("cn", ()):
            by_name[name.casefold()] = (*by_name.get(name.casefold(), ()), entry)
        key = key_of(entry)
        if not key:
            others.append(entry)
        elif key in ours:
            doubled.add(key)
        else:
            ours[key] = entry
    return Holdings(ours, frozenset(doubled), tuple(others), by_name)


def workstation_key(provider: str, name: str) -> str:
    """The key of a provider's workstation."""
    return f"{_KIND}{provider}/{name.casefold()}"


def key_of(entry: Entry) -> str:
    """An entry's key, "" where it has none: then it is somebody else's."""
    return next((key for key in entry.attributes.get(KEY, ()) if key.startswith(_KIND)), "")


def provider_of(key: str) -> str:
    """The provider that a key names."""
    return key.removeprefix(_KIND).partition("/")[0]


def name_of(entry: Entry) -> str:
    """What an entry is called."""
    return entry.first("cn") or entry.dn


def is_registered(entry: Entry) -> bool:
    """Whether the entry says that the workstation is registered."""
    return REGISTERED in map(str.casefold, entry.attributes.get(STATE, ()))


def _name_of(key: str) -> str:
    return key.rpartition("/")[2]
