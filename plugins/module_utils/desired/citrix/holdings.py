# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the delivery group today: ours, and all others.

A rule is ours when its name begins with our prefix and its description begins with a key,
"halsoval:names/<provider>" or "halsoval:addresses/<provider>".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...engine import matching
from ...engine.guard import Holding
from ...engine.plan import Entry
from .layout import DISABLED_BY_US, INCLUDED, KEY, KINDS, Kind, Layout

_KEY = re.compile(rf"{KEY}({'|'.join(KINDS)})/([a-z0-9-]+)(?: |$)")

Place = tuple[str, Kind]  # a provider, and which of its rules


@dataclass(frozen=True)
class Holdings:
    """The group's rules. `doubled` are places whose key several rules carry; names are folded."""

    layout: Layout
    every: tuple[Entry, ...]
    ours: Mapping[Place, Entry]
    doubled: frozenset[Place]
    names_of_others: frozenset[str]

    def held(self) -> dict[str, frozenset[Holding]]:
        """What each provider's rules let in today."""
        found: dict[str, set[Holding]] = defaultdict(set)
        for (provider, kind), rule in self.ours.items():
            if is_enabled(rule):
                found[provider].add(("rule", self.layout.rule_name(provider, kind)))
                found[provider].update(("workstation", client) for client in clients(rule, kind))
        return {provider: frozenset(theirs) for provider, theirs in found.items()}


def index(rules: Sequence[Entry], layout: Layout) -> Holdings:
    """Sort out what a complete read returned."""
    found: dict[Place, list[Entry]] = defaultdict(list)
    others = []
    for rule in rules:
        place = _place(rule, layout)
        if place:
            found[place].append(rule)
        else:
            others.append(rule)
    return Holdings(
        layout,
        tuple(rules),
        {place: theirs[0] for place, theirs in found.items()},
        frozenset(place for place, theirs in found.items() if len(theirs) > 1),
        frozenset(rule_name(rule).casefold() for rule in others),
    )


def rule_name(rule: Entry) -> str:
    """The name of a rule."""
    return matching.split_dn(rule.dn)[0][0][1]


def is_enabled(rule: Entry) -> bool:
    """Whether a rule is enabled."""
    return bool(rule.attributes.get("Enabled"))


def clients(rule: Entry, kind: Kind) -> tuple[str, ...]:
    """The names or addresses that one of our rules lets in."""
    return rule.attributes.get(INCLUDED[kind], ())


def is_disabled_by_us(rule: Entry) -> bool:
    """Whether it was a run that disabled a rule."""
    return DISABLED_BY_US in (rule.first("Description") or "").split()


def folded(values: Iterable[str]) -> frozenset[str]:
    """The form that equal clients share."""
    return frozenset(value.casefold() for value in values)


def _place(rule: Entry, layout: Layout) -> Place | None:
    found = _KEY.match(rule.first("Description") or "")
    is_named = rule_name(rule).casefold().startswith(layout.rule_prefix.casefold())
    if found is None or not is_named:
        return None
    kind: Kind = "names" if found[1] == "names" else "addresses"
    return found[2], kind
