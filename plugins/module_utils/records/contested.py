# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose claim stands where two records claim the same: that of the one who held it before.

Else whoever may write one record could stop another provider by claiming what it has. A provider
holds what its record claimed in an earlier run that knew of nobody else who held it. It goes on
holding that while its record is invalid, refused or missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from . import claims
from .claims import Claim
from .memory import Fact, Memory
from .model import Record


@dataclass
class Settlement:
    """What came of the claims of all records.

    By provider: the errors of the records that are `refused`, what the others are `told` of those
    who claim what they hold, and the `facts` to remember of what they hold from now on.
    """

    refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, frozenset[Fact]] = field(default_factory=dict)


def settle(records: Sequence[Record], invalid: Collection[str], memory: Memory) -> Settlement:
    """Whose record is refused. `invalid` are the providers whose record cannot be read."""
    every = claims.claims(records)
    owner = lru_cache(memory.digest)  # of several claims in a row
    facts = {id(claim): frozenset(_facts(claim, memory, owner)) for claim in every}
    held = memory.facts
    settlement = Settlement()
    for conflict in claims.conflicts(every):
        providers = {claim.provider for claim in conflict}
        holding = [c for c in conflict if facts[id(c)] & held.get(c.provider, frozenset())]
        owners = {claim.owner for claim in holding}
        for claim in conflict:
            stands = len(owners) == 1 and claim.owner in owners
            told = settlement.told if stands else settlement.refused
            told[claim.provider].append(_error(claim, providers - {claim.provider}, owners))
    holders = _by_value({provider: held.get(provider, frozenset()) for provider in invalid})
    for claim in every:
        others = holders.get(next(iter(facts[id(claim)])).person, {}) if holders else {}
        theirs = {provider for provider, fact in others.items() if not fact & facts[id(claim)]}
        if theirs:
            settlement.refused[claim.provider].append(_error(claim, theirs, theirs))
    wanted = _wanted(every, facts, {r.id for r in records} - settlement.refused.keys())
    settlement.facts.update(_acquired(wanted, held))
    return settlement


def _facts(claim: Claim, memory: Memory, owner: Callable[[str], str]) -> Iterator[Fact]:
    for value, whose in claim.held:
        yield Fact(memory.digest(value), f"claim {owner(whose)}")


def _wanted(
    every: Iterable[Claim], facts: Mapping[int, frozenset[Fact]], accepted: Collection[str]
) -> dict[str, frozenset[Fact]]:
    wanted: dict[str, set[Fact]] = {provider: set() for provider in accepted}
    for claim in every:
        if claim.provider in wanted:
            wanted[claim.provider] |= facts[id(claim)]
    return {provider: frozenset(theirs) for provider, theirs in wanted.items()}


def _acquired(
    wanted: Mapping[str, frozenset[Fact]], held: Mapping[str, frozenset[Fact]]
) -> Iterator[tuple[str, frozenset[Fact]]]:
    """What each provider holds from now on: nothing that another one goes on holding."""
    kept = {**held, **{p: theirs & held.get(p, frozenset()) for p, theirs in wanted.items()}}
    holders = _by_value(kept)
    for provider, theirs in wanted.items():
        yield (
            provider,
            kept[provider].union(
                fact
                for fact in theirs
                if all(fact in f for p, f in holders.get(fact.person, {}).items() if p != provider)
            ),
        )


def _by_value(held: Mapping[str, frozenset[Fact]]) -> dict[str, dict[str, set[Fact]]]:
    """The facts about each value, by provider."""
    by_value: dict[str, dict[str, set[Fact]]] = defaultdict(lambda: defaultdict(set))
    for provider, facts in held.items():
        for fact in facts:
            by_value[fact.person][provider].add(fact)
    return by_value


def _error(claim: Claim, others: Collection[str], holding: Collection[object]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in claim.path)
    place = f"{claim.provider}/{claim.part}.yml: {''.join(steps).removeprefix('.')}"
    compared = f"compare the record of {', '.join(sorted(others))}"
    nobody = "" if holding else ", which held it no more than this one"
    return f"{place}: expected {claim.expected}; {compared}{nobody}"
