# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan may be carried out.

Counted are the distinct people, units and workstations that lose anything without a date in an
approved record that says so, in this run and in the days before it. A refusal never delays what a
date explains, but for what nobody can call back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..records.words import some_of
from .plan import Operation, Plan, plan_hash

Holding = tuple[str, str]  # (kind, id) of an object that holds something today

# Losses of so many days are counted together: a few today and a few tomorrow are many, too.
DAYS = 7
_PER_PROVIDER_MOST = 10
_PER_PROVIDER_PERCENT = 20
_PER_RUN_LEAST = 10
_PER_RUN_PERCENT = 2
# Where all stands that a refusal names some of.
_ALL_IN = "all with --check --diff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known beside the plan.

    `holdings` says what each provider's objects hold in the system now, for all providers.
    `expected` are the hashes of the plans that a person confirmed: when there are any, exactly
    those are carried out. `blocked` names the providers that may not have their plan carried out
    for another reason, which is their refusal. `pending` are the ids of objects of which nothing
    undated is written until a person confirms it, each with the reason. `lost` is what each
    provider's objects lost in the days before, without a date and without anybody's word. `alarm`
    is why nothing undated may be done for anybody. `refused` says by provider which system refused
    its plan before in the same run. `confirmed` counts by provider the confirmations before.
    """

    holdings: Mapping[str, Collection[Holding]]
    expected: Collection[str] = ()
    blocked: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, Collection[Holding]] = field(default_factory=dict)
    alarm: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
    confirmed: Mapping[str, int] = field(default_factory=dict)

    def name(self, provider: str, operations: Iterable[Operation], secret: bytes) -> str:
        """The hash that names a provider's operations; without a secret "".

        A plan that was seen without the alarm is not confirmed with it, nor is one that comes
        again by a confirmation that was carried out: that one had another number.
        """
        key = f"{self.alarm}\x1f{self.confirmed.get(provider, 0)}"
        return plan_hash(operations, secret + key.encode()) if secret else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier runs leave the guard: see `Case`, and how many of what the last one read.

    `alarm` is why what is known of earlier runs is not to be believed, `confirmed` how many plans
    of each provider were carried out that a person had confirmed.
    """

    lost: Mapping[str, Collection[Holding]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    alarm: str = ""
    confirmed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be written: the operations, each provider's plan hash, and the refusals in words.

    `withheld` says by provider what a person must confirm, or what waits, while the rest is done.
    `confirmed` are the hashes by provider that a person has confirmed.
    """

    operations: tuple[Operation, ...]
    hashes: Mapping[str, str]
    refusals: Mapping[str, str]
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    confirmed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def judge(plan: Plan, selected: Collection[str], case: Case, secret: bytes) -> Verdict:
    """Decide on the plans of the selected providers.

    `secret` keys their hashes. Without one they have none, and nothing can be confirmed.
    """
    grouped = {p: operations for p, operations in plan.by_provider().items() if p in selected}
    hashes = {p: case.name(p, operations, secret) for p, operations in grouped.items()}
    parts = {p: _asked_for(plan, operations, case.pending) for p, operations in grouped.items()}
    pending = {p: case.name(p, theirs, secret) for p, theirs in parts.items() if theirs}
    refusals = {p: reason for p, reason in case.blocked.items() if p in selected}
    judged = {p: operations for p, operations in grouped.items() if p not in refusals}
    if case.expected:
        refusals |= {
            p: _unexpected(hashes[p], case)
            for p in judged
            if hashes[p] not in case.expected and pending.get(p, "") not in case.expected
        }
    else:
        refusals |= _over_limits(plan, judged, case, hashes)
    accepted = {
        p
        for p in frozenset(selected) - refusals.keys()
        # With expected plans somebody asked for exactly those; the next ordinary run does the rest.
        if not case.expected or hashes.get(p) in case.expected
    }
    door = _Door(plan, case, hashes, pending, refusals, accepted)
    withheld, names = door.withheld(grouped, parts), _confirmed(case, hashes, pending)
    allowed = tuple(_in_turn(plan, tuple(door.allowed())))
    return Verdict(allowed, hashes, refusals, withheld, names)


def shrinkage(before: Mapping[str, int], now: Mapping[str, int]) -> str:
    """Why what was read is surprisingly little, "" if it is not: a filter, a right, half a copy."""
    for what, last in before.items():
        fewer = _of_provider(last) if what == "providers" else _of_run(last)
        if now.get(what, last) < last - fewer:
            return f"only {now[what]} {what} were read, and {last} before"
    return ""


def over_limits(lost: Mapping[str, frozenset[Holding]], case: Case) -> str:
    """Why what each provider's people would lose by no plan is too much, "" if it is not."""
    for provider, theirs in sorted(lost.items()):
        held, before = case.holdings.get(provider, ()), case.lost.get(provider, ())
        if reason := _over_provider_limit(theirs, held, before):
            return f"of {provider}, {reason}"
    return _over_run_limit(frozenset().union(*lost.values()), case)


def _in_turn(plan: Plan, allowed: Sequence[Operation]) -> Iterator[Operation]:
    """What may be done, without what comes after something of which anything is left."""
    if not any(operation.after for operation in plan.operations):
        yield from allowed
        return
    whole = frozenset(allowed)
    left = {operation.key for operation in plan.operations if operation not in whole}
    for operation in allowed:
        if left.isdisjoint(operation.after):
            yield operation
        else:
            left.add(operation.key)


# --- what a person must confirm -------------------------------------------------------------------


def confirmed(plan: Plan, done: Iterable[Operation], pending: Mapping[str, str]) -> frozenset[str]:
    """Of the ids that were pending those that something undated was done about."""
    parts = _to_confirm(plan, done, pending)
    return frozenset(i for part in parts for i in _named(plan, part, pending))


def _to_confirm(
    plan: Plan, operations: Iterable[Operation], pending: Mapping[str, str]
) -> list[Operation]:
    """What of operations a person must confirm: no date explains it."""
    parts = (_part(plan, operation, pending) for operation in operations)
    return [part for part in parts if part and part.undated_part()]


def _asked_for(
    plan: Plan, operations: Sequence[Operation], pending: Mapping[str, str]
) -> list[Operation]:
    """The same as it is when the rest of the plan is done, which is then confirmed by its hash."""
    later = (operation.once_added(pending, plan.attributes) for operation in operations)
    coming = [operation for operation in later if operation] if pending else []
    return sorted([*_to_confirm(plan, operations, pending), *coming], key=_place)


def _place(operation: Operation) -> tuple[int, str]:
    return operation.level, operation.key


def _part(plan: Plan, operation: Operation, pending: Mapping[str, str]) -> Operation | None:
    if not pending and not operation.confirm:
        return None
    return operation.about(pending, plan.attributes)


def _named(plan: Plan, part: Operation, pending: Collection[str]) -> set[str]:
    """The ids that an operation is about, or whose values name them."""
    named = {part.subject}
    for change in part.changes:
        attribute = plan.attributes[change.attribute]
        named.update(attribute.named(value) for value in (*change.delete, *change.add))
    return named.intersection(pending)


def _reasons(plan: Plan, parts: Iterable[Operation], pending: Mapping[str, str]) -> list[str]:
    """Why a person must confirm operations, each reason with whom it is about."""
    told = {f"{part.subject}: {part.confirm}" for part in parts if part.confirm}
    told |= {f"{i}: {pending[i]}" for part in parts for i in _named(plan, part, pending)}
    return sorted(told)


# --- limits ---------------------------------------------------------------------------------------


def _over_limits(
    plan: Plan,
    judged: Mapping[str, Sequence[Operation]],
    case: Case,
    hashes: Mapping[str, str],
) -> dict[str, str]:
    """The refusals of providers whose plans take too much, each provider's first."""
    losses = {p: _losses(plan, operations, case.pending) for p, operations in judged.items()}
    if case.alarm:
        undated = {p for p, ops in judged.items() if any(op.undated_part() for op in ops)}
        return {p: _refusal(case.alarm, losses[p], hashes[p]) for p in sorted(undated)}
    refusals = {
        p: _refusal(reason, lost, hashes[p])
        for p, lost in losses.items()
        if (reason := _over_provider_limit(lost, case.holdings.get(p, ()), case.lost.get(p, ())))
    }
    others = {p: lost for p, lost in losses.items() if lost and p not in refusals}
    reason = _over_run_limit(frozenset().union(*others.values()), case)
    return refusals | {p: _refusal(reason, others[p], hashes[p]) for p in others if reason}


def _losses(
    plan: Plan, operations: Sequence[Operation], pending: Collection[str]
) -> frozenset[Holding]:
    rest = (o.beside(pending, plan.attributes) if pending or o.confirm else o for o in operations)
    return frozenset().union(*(plan.losses(operation) for operation in rest if operation))


def _over_provider_limit(
    lost: frozenset[Holding], holdings: Collection[Holding], before: Collection[Holding]
) -> str:
    """Why a provider may not lose this, "" if it may."""
    if not lost:
        return ""
    gone = lost.union(before)
    held = gone.union(holdings)
    limit = _of_provider(len(held))
    units = {holding for holding in held if holding[0] == "unit"}
    if len(gone) > limit:
        return (
            f"{len(lost)} of {len(held)} would lose something without a date in the record"
            f"{_after(gone, lost)}, at most {limit} may"
        )
    if units and units <= gone:
        return "the provider's last unit would lose something without a date in the record"
    if any(kind == "rule" for kind, _id in lost):  # its whole staff is shut out
        return "the provider's rule in Citrix would be disabled without a date in the record"
    return ""


def _over_run_limit(lost: frozenset[Holding], case: Case) -> str:
    """Why all providers together may not lose this, "" if they may."""
    gone = lost.union(*map(frozenset, case.lost.values()))
    total = len(gone.union(*map(frozenset, case.holdings.values())))
    limit = _of_run(total)
    if not lost or len(gone) <= limit:
        return ""
    return (
        f"in this run {len(lost)} of {total} would lose something without a date in a record"
        f"{_after(gone, lost)}, at most {limit} may"
    )


def _of_provider(number: int) -> int:
    return min(_PER_PROVIDER_MOST, max(1, number * _PER_PROVIDER_PERCENT // 100))


def _of_run(number: int) -> int:
    return max(_PER_RUN_LEAST, number * _PER_RUN_PERCENT // 100)


def _after(gone: Collection[Holding], lost: Collection[Holding]) -> str:
    before = len(gone) - len(lost)
    return f", after {before} others in the last {DAYS} days" if before else ""


def _unexpected(name: str, case: Case) -> str:
    why = "is not among the expected plans" + (f" ({case.alarm})" if case.alarm else "")
    return f"the plan {name} {why}; nothing of it was done".replace("  ", " ")


def _confirmed(case: Case, *hashes: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The hashes by provider that are among the expected ones."""
    names = {p: tuple(h[p] for h in hashes if h.get(p) in case.expected) for p in hashes[0]}
    return {provider: theirs for provider, theirs in names.items() if theirs}


def _how_to_confirm(what: str, name: str) -> str:
    """How a person confirms what has this hash."""
    if not name:
        return f"A check before the first run names no hash that would confirm {what}: a run does"
    return f"To confirm exactly {what}, run again with -e halsoval_expected_plan={name}"


def _refusal(reason: str, lost: Collection[Holding], name: str) -> str:
    who = sorted(f"{kind} {object_id}" for kind, object_id in lost)
    listed = f": {some_of(who, all_in=_ALL_IN)}" if who else ""
    return (
        f"refused: {reason}{listed}. Nothing but dated ends was done. "
        f"{_how_to_confirm('this plan', name)}"
    )


# --- what is let through --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Door:
    """Lets operations through, whole or in part.

    `pending` are the hashes of what a person must confirm; `accepted` are the providers of whose
    plans the rest is done.
    """

    plan: Plan
    case: Case
    hashes: Mapping[str, str]
    pending: Mapping[str, str]
    refusals: Mapping[str, str]
    accepted: Collection[str]

    def allowed(self) -> Iterator[Operation]:
        """The operations that may be written, in the order of the plan."""
        for operation in self.plan.operations:
            part, rest = self._divided(operation)
            let = self._let(rest) if rest else None
            if part and self._is_confirmed(part):
                yield operation if let or part == operation else part
            elif let:
                yield let

    def withheld(
        self, grouped: Mapping[str, Sequence[Operation]], parts: Mapping[str, Sequence[Operation]]
    ) -> dict[str, tuple[str, ...]]:
        """What a person must confirm, the `parts`, and what waits, in words by provider."""
        told = {
            p: (*self._asked(p, parts[p]), *self._waiting(o), *self._kept_from(p, o))
            for p, o in grouped.items()
        }
        return {provider: texts for provider, texts in told.items() if texts}

    def _divided(self, operation: Operation) -> tuple[Operation | None, Operation | None]:
        """What of an operation a person must confirm, and what not."""
        pending = self.case.pending
        if operation.at_once or not (pending or operation.confirm):
            return None, operation
        part = _part(self.plan, operation, pending)
        return part, operation.beside(pending, self.plan.attributes)

    def _is_confirmed(self, part: Operation) -> bool:
        given = (self.hashes, self.pending)
        names = {hashes.get(provider) for provider in part.providers for hashes in given}
        return not names.isdisjoint(self.case.expected)

    def _let(self, operation: Operation) -> Operation | None:
        """What may be done of an operation that nobody need confirm by itself, or None."""
        if self._waits(operation):
            return None
        if operation.action == "delete" and self._is_refused(operation):
            return None
        is_accepted = not operation.providers.isdisjoint(self.accepted)
        if operation.at_once or (is_accepted and not self._takes_what_is_refused(operation)):
            return operation
        giving = self.plan.giving_part(operation) if is_accepted else None
        return giving or (operation.dated_part() if self._is_refused(operation) else None)

    def _is_refused(self, operation: Operation) -> bool:
        return not (self.case.expected or operation.providers.isdisjoint(self.refusals))

    def _takes_what_is_refused(self, operation: Operation) -> bool:
        """Whether one provider is refused what an operation takes: no other may take it either.

        What it gives to a person whom they share is done all the same.
        """
        return self._is_refused(operation) and bool(self.plan.losses(operation))

    def _waits(self, operation: Operation) -> bool:
        """Whether nobody can call it back, and another system refused the provider, or all is."""
        case = self.case
        is_alarmed = bool(case.alarm) and not case.expected
        is_refused = not operation.providers.isdisjoint(case.refused)
        return operation.is_final and (is_refused or is_alarmed)

    def _asked(self, provider: str, parts: Sequence[Operation]) -> Iterator[str]:
        if provider not in self.pending or self.case.expected:
            return
        why = some_of(_reasons(self.plan, parts, self.case.pending), "; ", _ALL_IN)
        yield (
            f"withheld until a person confirms it: {why}. "
            f"{_how_to_confirm('this', self.pending[provider])}"
        )

    def _waiting(self, operations: Sequence[Operation]) -> Iterator[str]:
        waiting = [operation for operation in operations if self._waits(operation)]
        if waiting:
            others = {s for o in waiting for p in o.providers if (s := self.case.refused.get(p))}
            who = ", ".join(sorted(others))
            why = f"as {who} refused the plan" if who else f"as {self.case.alarm}"
            yield f"{len(waiting)} that nobody can call back wait, {why}"

    def _kept_from(self, provider: str, operations: Sequence[Operation]) -> Iterator[str]:
        """What an accepted provider does not get, since it comes with what others are refused."""
        rest = (self._divided(o)[1] for o in operations if provider in self.accepted)
        kept = [
            o for o in rest
            if o and not o.at_once and self._takes_what_is_refused(o)
            and self.plan.gives(o) and not self.plan.giving_part(o)
        ]  # fmt: skip
        if kept:
            others = sorted({p for o in kept for p in o.providers if p in self.refusals})
            who = some_of(sorted({f"{o.kind} {o.subject}" for o in kept}), all_in=_ALL_IN)
            yield f"withheld, as the plan of {', '.join(others)} is refused: {who}"
