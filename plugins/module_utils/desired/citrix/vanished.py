# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ours that somebody removed: once may be a mistake, twice is a tool.

The ledger remembers of each rule that it stood when the last run was done, and how often it was
gone when the next one came.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ...engine.plan import Wanted
from ...records.memory import Fact, Memory
from .holdings import Holdings

_STOOD, _GONE = "rule stood", "rule gone"
# Rules that were removed so long ago tell nothing of a tool that runs today.
_DAYS = 31


def vanished(
    wanted: Sequence[Wanted], holdings: Holdings, memory: Memory, as_of: dt.date
) -> dict[str, int]:
    """How often a wanted rule has been gone, today included, by its name."""
    found = {}
    for rule in wanted:
        told = _told(rule, memory)
        if rule.held is None and _STOOD in told:
            found[rule.id] = 1 + _times(told, as_of)
    return found


def facts_of(
    wanted: Sequence[Wanted], gone: Mapping[str, int], memory: Memory, as_of: dt.date
) -> dict[str, frozenset[Fact]]:
    """What to remember of the rules, by provider, once they are as wanted."""
    facts: dict[str, set[Fact]] = defaultdict(set)
    for rule in wanted:
        (provider,), name = rule.providers, memory.digest(rule.id)
        facts[provider].add(Fact(name, _STOOD))
        if rule.id in gone:
            facts[provider].add(Fact(name, f"{_GONE} {gone[rule.id]} {as_of}"))
        else:
            facts[provider] |= {Fact(name, t) for t in _told(rule, memory) if _times([t], as_of)}
    return {provider: frozenset(theirs) for provider, theirs in facts.items()}


def _told(rule: Wanted, memory: Memory) -> list[str]:
    (provider,), name = rule.providers, memory.digest(rule.id)
    return [fact.text for fact in memory.facts.get(provider, ()) if fact.person == name]


def _times(texts: Sequence[str], as_of: dt.date) -> int:
    """How often it was gone, as remembered, 0 where that was long ago."""
    told = [text.split()[2:] for text in texts if text.startswith(_GONE)]
    recent = (
        int(times)
        for times, day in told
        if as_of - dt.date.fromisoformat(day) <= dt.timedelta(days=_DAYS)
    )
    return max(recent, default=0)
