# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan may be carried out.

Counted are the distinct people, units and workstations that lose anything without a date in an
approved record that says so. A refusal never delays what a date explains.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .plan import Operation, Plan, plan_hash

Holding = tuple[str, str]  # (kind, id) of an object that holds something today

_PER_PROVIDER_MOST = 10
_PER_PROVIDER_PERCENT = 20
_PER_RUN_LEAST = 10
_PER_RUN_PERCENT = 2
# So many of those who would lose something are named in a refusal.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be written: the operations, each provider's plan hash, and the refusals in words."""

    operations: tuple[Operation, ...]
    hashes: Mapping[str, str]
    refusals: Mapping[str, str]


def judge(
    plan: Plan,
    selected: Collection[str],
    holdings: Mapping[str, Collection[Holding]],
    expected: Collection[str],
    secret: bytes,
    blocked: Mapping[str, str],
) -> Verdict:
    """Decide on the plans of the selected providers.

    `holdings` says what each provider's objects hold in the system now, for all providers.
    `expected` are the hashes of the plans that a person confirmed: when there are any, exactly
    those plans are carried out. `blocked` names the providers that may not have their plan carried
    out for another reason, which is their refusal.
    """
    grouped = {p: operations for p, operations in plan.by_provider().items() if p in selected}
    hashes = {p: plan_hash(operations, secret) for p, operations in grouped.items()}
    refusals = {p: reason for p, reason in blocked.items() if p in selected}
    judged = {p: operations for p, operations in grouped.items() if p not in refusals}
    if expected:
        refusals |= {
            p: f"the plan {hashes[p]} is not among the expected plans; nothing of it was done"
            for p in judged
            if hashes[p] not in expected
        }
    else:
        refusals |= _over_limits(plan, judged, holdings, hashes)
    allowed = _allowed(plan, set(selected) - set(refusals), refusals, expected)
    return Verdict(allowed, hashes, refusals)


def _over_limits(
    plan: Plan,
    judged: Mapping[str, Collection[Operation]],
    holdings: Mapping[str, Collection[Holding]],
    hashes: Mapping[str, str],
) -> dict[str, str]:
    """The refusals of providers whose plans take too much, each provider's first."""
    losses = {p: _losses(plan, operations) for p, operations in judged.items()}
    refusals = _over_provider_limit(losses, holdings, hashes)
    others = {p: lost for p, lost in losses.items() if p not in refusals}
    return refusals | _over_run_limit(others, holdings, hashes)


def _losses(plan: Plan, operations: Collection[Operation]) -> frozenset[Holding]:
    return frozenset().union(*(plan.losses(operation) for operation in operations))


def _over_provider_limit(
    losses: Mapping[str, frozenset[Holding]],
    holdings: Mapping[str, Collection[Holding]],
    hashes: Mapping[str, str],
) -> dict[str, str]:
    refusals = {}
    for provider, lost in losses.items():
        held = set(holdings.get(provider, ()))
        limit = min(_PER_PROVIDER_MOST, max(1, len(held) * _PER_PROVIDER_PERCENT // 100))
        units = {holding for holding in held if holding[0] == "unit"}
        if len(lost) > limit:
            refusals[provider] = _refusal(
                f"{len(lost)} of {len(held)} would lose something without a date in the record, "
                f"at most {limit} may",
                lost,
                hashes[provider],
            )
        elif units and units <= lost:
            refusals[provider] = _refusal(
                "the provider's last unit would lose something without a date in the record",
                lost,
                hashes[provider],
            )
    return refusals


def _over_run_limit(
    losses: Mapping[str, frozenset[Holding]],
    holdings: Mapping[str, Collection[Holding]],
    hashes: Mapping[str, str],
) -> dict[str, str]:
    total = len(frozenset().union(*map(frozenset, holdings.values())))
    lost = frozenset().union(*losses.values())
    limit = max(_PER_RUN_LEAST, total * _PER_RUN_PERCENT // 100)
    if len(lost) <= limit:
        return {}
    reason = (
        f"in this run {len(lost)} of {total} would lose something without a date in a record, "
        f"at most {limit} may"
    )
    return {
        provider: _refusal(reason, gone, hashes[provider])
        for provider, gone in losses.items()
        if gone
    }


def _refusal(reason: str, lost: Collection[Holding], name: str) -> str:
    who = sorted(f"{kind} {object_id}" for kind, object_id in lost)
    more = f" and {len(who) - _NAMED} more" if len(who) > _NAMED else ""
    return (
        f"refused: {reason}: {', '.join(who[:_NAMED])}{more}. Nothing but dated ends was done. To "
        f"confirm exactly this plan, run again with -e halsoval_expected_plan={name}"
    )


def _allowed(
    plan: Plan,
    accepted: Collection[str],
    refused: Collection[str],
    expected: Collection[str],
) -> tuple[Operation, ...]:
    allowed = []
    for operation in plan.operations:
        # With expected plans somebody asked for exactly those; the next ordinary run does the rest.
        is_refused = not expected and not operation.providers.isdisjoint(refused)
        # What one provider is refused to take from a shared person, the other may not take either.
        may_be_done = not (is_refused and plan.losses(operation))
        if operation.at_once or (may_be_done and not operation.providers.isdisjoint(accepted)):
            allowed.append(operation)
        elif is_refused:
            part = operation.dated_part()
            if part is not None:
                allowed.append(part)
    return tuple(allowed)
