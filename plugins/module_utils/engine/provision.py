# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run: read, plan, guard, apply, and what came of it for each provider.

It is the same for every system. Check mode stops before the writes and reports the same plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar

from ..records.identifiers import MASK, shown
from ..records.memory import Fact
from ..records.words import NAMED, some_of
from . import matching
from .guard import Case, Holding, Past, Verdict, confirmed, judge, shrinkage
from .journal import Journal, JournalError, NoRight, Settled, Unsettled, found, intended
from .plan import Attribute, Entry, Operation, Plan, Wanted, make_plan
from .settling import revealed, settled

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)

# Why a run for one person does not do all that they need.
_TOO_EARLY = "the unit, or the provider, is new: that takes a run without halsoval_person"
# The kinds of entries that are people's.
_OF_PEOPLE = frozenset(("person", "account"))


class Applies(Protocol):
    """What carries out operations."""

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        """Carry out operations of one level; returns the failed ones with the reason.

        The reason is Unsettled where nobody knows yet what came of one.
        """


class System(Applies, Protocol):
    """What the pipe needs of a system."""

    @property
    def name(self) -> str:
        """What the system is called in messages."""

    def read(self) -> Sequence[Entry]:
        """All that the system holds, complete, or an error."""


@dataclass(frozen=True)
class Finding:
    """Something a person should look at: a code, whom it concerns, and a sentence.

    `provider` is "" where it concerns none. One of high `severity` may be somebody who gets in.
    """

    provider: str
    code: str
    object: str
    message: str
    severity: Literal["normal", "high"] = "normal"

    def shown(self) -> dict[str, str]:
        """The finding in a result."""
        return {
            "code": self.code,
            "severity": self.severity,
            "object": shown(self.object),
            "message": shown(self.message),
        }


@dataclass(frozen=True)
class Desired:
    """What a system must hold, for all providers.

    `errors` are the reasons why a provider's plan may not be carried out; `waiting` are those why
    something is not in it yet. `holdings` say what each provider's objects hold today. `taken` are
    the DNs of entries that are not ours. `returns` is what else the result says of a provider.
    `witnesses` are objects, "<kind> <id>", that we have made: the journal must know of them.
    `marked` is how many objects carry a key of ours: the journal must know of some.
    `pending` are the ids of people of whom nothing undated is written until a person confirms it,
    with the reasons. `facts` are what the run puts in effect, by provider, `lasting` what outlives
    that, and `people` who that is by id: see `Journal.remember`.
    """

    wanted: tuple[Wanted, ...]
    attributes: tuple[Attribute, ...]
    holdings: Mapping[str, frozenset[Holding]]
    findings: tuple[Finding, ...] = ()
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    returns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    witnesses: frozenset[str] = frozenset()
    marked: int = 0
    pending: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, frozenset[Fact]] = field(default_factory=dict)
    lasting: Mapping[str, frozenset[Fact]] = field(default_factory=dict)
    people: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Somebody:
    """The one person that a run is about: by HSA-id, or by keyed hashes of the numbers in rows.

    `employers` are the providers that have rows of people, by those hashes.
    """

    hsa_id: str = ""
    hashes: frozenset[str] = frozenset()
    employers: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def among(self, people: Mapping[str, frozenset[str]]) -> tuple[frozenset[str], frozenset[str]]:
        """The person's HSA-ids, of `people` by id, and providers. Raises UnknownPerson."""
        known = {
            hsa_id: hashes
            for hsa_id, hashes in people.items()
            if hsa_id.casefold() == self.hsa_id.casefold() or hashes & self.hashes
        }
        hashes = self.hashes.union(*known.values())
        if not known:
            raise UnknownPerson(
                "expected as person one whom a record names and who has an HSA-id, or is to get one"
            )
        return frozenset(known), frozenset().union(*(self.employers.get(h, ()) for h in hashes))


class UnknownPerson(ValueError):
    """Nobody is known by what the person of a run is called; the text can be shown."""


@dataclass(frozen=True)
class Request:
    """What is asked of a run.

    `providers` are the selected ones, `known` those with a valid record, `expected` the hashes of
    confirmed plans. `secret` keys the plan hashes, which a check without one does not name; `title`
    names the system in a diff's header and in the journal, also when it is reached at another
    address. `sizes` says how many records there are. `faults` are what is wrong with records that
    are `invalid`, where nobody told it yet. `refused` says by provider which system refused its
    plan before: the journal of a check, in which nothing is noted, does not tell. With `person`
    only what that one needs is done, and what the run puts in effect is left to the next one to
    note.
    """

    providers: tuple[str, ...]
    known: frozenset[str]
    invalid: frozenset[str]
    expected: frozenset[str]
    secret: bytes
    check: bool
    diff: bool
    title: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    person: Somebody | None = None


def provision(
    system: System,
    desire: Callable[[Sequence[Entry]], Desired],
    request: Request,
    journal: Journal,
) -> dict[str, dict[str, Any]]:
    """Bring a system to what is desired; returns each selected provider's result.

    A result is {changed, failed, msg, counts, changes, errors, undone, findings, plan, withheld,
    refused} and, where a diff is asked for, diff. Raises UnknownPerson, and the errors of the
    system's `read` and of the journal.
    """
    with nullcontext() if request.check else journal.exclusive(system.name):
        held = system.read()
        desired = desire(held)
        plan = make_plan(desired.wanted, desired.attributes, desired.taken)
        asked, person = request, request.person
        if person:
            plan, desired, request = _about(person, plan, desired, request)
        sizes = {**request.sizes, "entries": len(held)}
        past = journal.past(request.title, desired.witnesses, desired.marked)
        case = _case(desired, request, past, sizes)
        selected = [provider for provider in request.providers if provider in request.known]
        verdict = judge(plan, selected, case, request.secret)
        written = Written(verdict.operations, {})
        if not request.check:
            unfinished = journal.unfinished(request.title)
            journal.conclude(found(unfinished, held, plan.attributes, request.secret))
            left = {**sizes, "entries": sizes["entries"] - _deletions(verdict)}
            journal.judged(request.title, _notes(plan, verdict, case, request, left))
            journal.protect(request.title, _protections(desired))
            noted = _Noted(system, journal, plan, verdict.hashes, request)
            written = noted.carry_out(verdict)
            in_effect = [] if person else _settled(desired, plan, verdict, written, request)
            noted.remember(in_effect, revealed(written.done, desired.people))
            asks = any(operation.undated_part() for operation in plan.operations)
            is_quiet = not asks and not any(desired.waiting.values())
            is_right = not past.alarm or _is_confirmed(verdict, request) or is_quiet
            if is_right and not person:
                noted.vouch(*((desired.witnesses, desired.marked) if past.alarm else ((), 0)))
            written = replace(written, unnoted="; ".join(dict.fromkeys(noted.unnoted)))
    return _untouched(asked) | _results(desired, plan, verdict, written, request)


# --- one person ----------------------------------------------------------------------------------


def _about(
    person: Somebody, plan: Plan, desired: Desired, request: Request
) -> tuple[Plan, Desired, Request]:
    """What one person needs of a run, at those who employ them: nobody else is told of either."""
    ids, employers = person.among(desired.people)
    needed = plan.of(ids)
    new = {o.dn for o in plan.operations if o.action == "add"}
    early = new.difference(o.dn for o in needed.operations)
    ready = tuple(o for o in needed.operations if not _stands_below(o.dn, early))
    told = {p: desired.waiting.get(p, ()) for p in employers}
    if len(ready) < len(needed.operations):
        told = {p: (*texts, _TOO_EARLY) for p, texts in told.items()}
    narrowed = replace(
        desired,
        findings=tuple(finding for finding in desired.findings if finding.object in ids),
        waiting=told,
        facts={},
    )
    selected = tuple(provider for provider in request.providers if provider in employers)
    return replace(needed, operations=ready), narrowed, replace(request, providers=selected)


def _untouched(request: Request) -> dict[str, dict[str, Any]]:
    """The results of those whom the person of a run does not concern."""
    nothing = {"findings": [], "plan": "", "withheld": [], "refused": False}
    asked = request.providers if request.person else ()
    return {provider: {**_outcome((), (), (), (), {}), **nothing} for provider in asked}


# --- what is left to the next run ----------------------------------------------------------------


def _case(desired: Desired, request: Request, past: Past, sizes: Mapping[str, int]) -> Case:
    return Case(
        holdings=desired.holdings,
        expected=request.expected,
        blocked={provider: "; ".join(reasons) for provider, reasons in desired.errors.items()},
        pending=desired.pending,
        lost=past.lost,
        alarm="; ".join(filter(None, (past.alarm, shrinkage(past.sizes, sizes)))),
        refused={**past.refused, **request.refused},
        confirmed=past.confirmed,
    )


def _notes(
    plan: Plan, verdict: Verdict, case: Case, request: Request, sizes: Mapping[str, int]
) -> Past:
    """What the guard of the next run must know; what a person confirmed is no surprise to it."""
    lost: dict[str, set[Holding]] = {}
    for operation in () if request.expected else verdict.operations:
        for provider in operation.providers:
            lost.setdefault(provider, set()).update(plan.losses(operation))
    is_right = not case.alarm or _is_confirmed(verdict, request)
    return Past(
        lost={provider: holdings for provider, holdings in lost.items() if holdings},
        refused=dict.fromkeys(verdict.refusals, request.title),
        sizes=sizes if is_right else {},
    )


def _deletions(verdict: Verdict) -> int:
    """How many entries the next read is without, since this run deletes them."""
    return sum(operation.action == "delete" for operation in verdict.operations)


def _protections(desired: Desired) -> dict[str, frozenset[Fact]]:
    """Who is protected, by provider: that is remembered whatever comes of the run."""
    return {
        provider: frozenset(fact for fact in facts if fact.is_protection)
        for provider, facts in desired.lasting.items()
    }


def _is_confirmed(verdict: Verdict, request: Request) -> bool:
    """Whether a person has confirmed a plan of the system, and so what was read and remembered."""
    return not request.expected.isdisjoint(verdict.hashes.values())


def _confirmed(verdict: Verdict, operations: Iterable[Operation]) -> dict[str, tuple[str, ...]]:
    """The confirmed hashes of the providers whom operations are for."""
    providers = {provider for operation in operations for provider in operation.providers}
    return {p: hashes for p, hashes in verdict.confirmed.items() if p in providers}


def _settled(
    desired: Desired, plan: Plan, verdict: Verdict, written: Written, request: Request
) -> list[Settled]:
    """What is in effect at the providers of the run."""
    links = {p: {f for f in theirs if f.is_link} for p, theirs in desired.lasting.items()}
    facts = {p: theirs.union(links.get(p, ())) for p, theirs in desired.facts.items()}
    selected = [provider for provider in request.providers if provider in request.known]
    # Who is to get something later, and is pending, has nothing here yet that could tell.
    is_waiting = any(desired.waiting.get(provider) for provider in selected)
    over = confirmed(plan, written.done, desired.pending)
    pending = dict.fromkeys(desired.pending.keys() - over, is_waiting)
    found = settled(plan, written.done, facts, desired.people, pending, selected)
    waiting = set() if request.expected else _waiting(plan, verdict)
    return [replace(one, is_last=one.provider not in waiting) for one in found]


def _waiting(plan: Plan, verdict: Verdict) -> set[str]:
    """The providers of which something waits that nobody can call back."""
    done = {operation.key for operation in verdict.operations}
    waiting = (o for o in plan.operations if o.is_final and o.key not in done)
    return {provider for operation in waiting for provider in operation.providers}


# --- apply ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Noted:
    """A system whose every write is noted in the journal, before it and after."""

    system: System
    journal: Journal
    plan: Plan
    hashes: Mapping[str, str]
    request: Request
    unnoted: list[str] = field(default_factory=list)

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        if not operations:
            return {}
        attributes, secret = self.plan.attributes, self.request.secret
        intents = [intended(operation, self.hashes, attributes, secret) for operation in operations]
        # What was written before must be told whatever happens here, so no error of the journal
        # goes on from here.
        try:
            numbers = self.journal.intend(self.request.title, intents)
        except JournalError as error:
            return dict.fromkeys(operations, f"not written: {error}")
        try:
            failed = self.system.apply(operations)
        except JournalError as error:  # orders lie in the ledger too
            reason = Unsettled(f"perhaps written, which the next run finds out: {error}")
            return dict.fromkeys(operations, reason)
        self._conclude(dict(zip(numbers, operations, strict=True)), failed)
        return failed

    def _conclude(
        self, operations: Mapping[int, Operation], failed: Mapping[Operation, str]
    ) -> None:
        # The reason is for people to read now: a server's words may hold a name.
        results = {
            number: "failed" if operation in failed else "done"
            for number, operation in operations.items()
            if not isinstance(failed.get(operation), Unsettled)
        }
        try:
            self.journal.conclude(results)
        except JournalError as error:
            self.unnoted.append(f"written, which the next run notes in the audit log: {error}")

    def carry_out(self, verdict: Verdict) -> Written:
        """Write what the guard lets through.

        What a person confirmed is noted first: it counts once, also where the run is killed.
        """
        used = _confirmed(verdict, verdict.operations)
        self.journal.confirm(self.request.title, used)
        written = carry_out(self, self.plan, verdict.operations)
        begun = _confirmed(verdict, written.begun())
        with self._left_to_the_next_run():
            unused = {p: hashes for p, hashes in used.items() if p not in begun}
            self.journal.spare(self.request.title, unused)
        return written

    def remember(self, settled: Sequence[Settled], revealed: Collection[str]) -> None:
        """Note what is in effect now, and who is not protected any more."""
        with self._left_to_the_next_run():
            self.journal.remember(self.request.title, settled, revealed)

    def vouch(self, witnesses: Collection[str], marked: int) -> None:
        """Note that the journal is right as it is."""
        with self._left_to_the_next_run():
            self.journal.vouch(self.request.title, witnesses, marked)

    @contextmanager
    def _left_to_the_next_run(self) -> Iterator[None]:
        try:
            yield
        except JournalError as error:
            self.unnoted.append(f"written, and not remembered for the next run: {error}")


@dataclass(frozen=True)
class Written:
    """Operations that were done, and those that failed with the reason.

    `unnoted` says why the journal does not know of all that was done.
    """

    done: Sequence[Operation]
    failed: Mapping[Operation, str]
    unnoted: str = ""

    def begun(self) -> Iterator[Operation]:
        """Those that were done, or perhaps were."""
        yield from self.done
        yield from (o for o, reason in self.failed.items() if isinstance(reason, Unsettled))


def carry_out(system: Applies, plan: Plan, operations: Sequence[Operation]) -> Written:
    """Write level by level. What refers to, or lies below, an entry that failed is held back.

    A change that failed holds nothing back: what lies below may be somebody's leaving.
    """
    done: list[Operation] = []
    failed: dict[Operation, str] = {}
    for batch in _batches(operations):
        ready = _ready(batch, plan, done, failed)
        outcome = system.apply(ready)
        failed.update(outcome)
        done.extend(operation for operation in ready if operation not in outcome)
    return Written(done, failed)


def _ready(
    batch: Iterable[Operation],
    plan: Plan,
    done: Iterable[Operation],
    failed: dict[Operation, str],
) -> list[Operation]:
    """What of a batch can be done after what was done and failed; the rest is noted as failed."""
    absent = {operation.id for operation in failed if operation.action in ("add", "move")}
    # A name that a rename did not reach may be somebody else's entry.
    names = {operation.new_dn for operation in failed if operation.action != "modify"}
    left = {operation.dn for operation in done if operation.action == "rename"}
    undone = {operation.key for operation in failed}
    ready = []
    for operation in batch:
        possible = operation.without(absent, plan.attributes)
        if possible is None or not undone.isdisjoint(operation.after):
            continue
        is_there = not _stands_below(possible.dn, names)
        if is_there and (not possible.once_left or possible.once_left in left):
            ready.append(possible)
        elif not possible.once_left:  # else the entry has a name all the same
            failed[possible] = "not tried: the entry itself or the one above it failed"
    return ready


def _batches(operations: Iterable[Operation]) -> list[list[Operation]]:
    """Operations that do not depend on each other, in the order of writing."""
    batches: dict[tuple[int, int], list[Operation]] = {}
    for operation in operations:
        batches.setdefault(operation.turn, []).append(operation)
    return [batches[key] for key in sorted(batches)]


def _stands_below(dn: str, names: Collection[str]) -> bool:
    while dn and names:
        if dn in names:
            return True
        dn = matching.parent(dn)
    return False


# --- the result ----------------------------------------------------------------------------------


def _results(
    desired: Desired, plan: Plan, verdict: Verdict, written: Written, request: Request
) -> dict[str, dict[str, Any]]:
    done = _grouped((p, operation) for operation in written.done for p in operation.providers)
    failed = _grouped(
        (p, (label(operation), why))
        for operation, why in written.failed.items()
        for p in (() if _is_finding(operation, why) else operation.providers)
    )
    told = (*desired.findings, *_rights_missing(written))
    findings = _grouped((finding.provider, finding.shown()) for finding in told)
    counted = (entry for entry in desired.wanted if entry.is_counted)
    objects = dict.fromkeys((p, e.kind, e.id) for e in counted for p in e.providers)
    wanted = _grouped((provider, kind) for provider, kind, _id in objects)
    results = {}
    for provider in request.providers:
        operations, failures = done.get(provider, []), failed.get(provider, [])
        if provider not in request.known:
            results[provider] = _no_record(provider, request, operations, failures)
            continue
        held_back = verdict.withheld.get(provider, ())
        unnoted = written.unnoted if operations else None
        reasons = (verdict.refusals.get(provider), *held_back, unnoted)
        waiting = desired.waiting.get(provider, ())
        results[provider] = {
            **_outcome(operations, failures, reasons, waiting, Counter(wanted.get(provider, ()))),
            "findings": findings.get(provider, []),
            "plan": verdict.hashes.get(provider, ""),
            "withheld": [shown(text) for text in held_back],
            "refused": provider in verdict.refusals,
            **desired.returns.get(provider, {}),
        }
    return results | _with_diffs(results, plan, request) if request.diff else results


def _is_finding(operation: Operation, why: str) -> bool:
    """Whether a failure is a finding: nobody's access hangs on it, and the region may forbid it."""
    return operation.is_tidying and isinstance(why, NoRight)


def _rights_missing(written: Written) -> Iterator[Finding]:
    """What a region has to allow before the run can tidy up, each provider's in one."""
    forbidden = _grouped(
        ((provider, why), label(operation))
        for operation, why in written.failed.items()
        for provider in (operation.providers if _is_finding(operation, why) else ())
    )
    for (provider, why), labels in sorted(forbidden.items()):
        yield Finding(provider, "right_missing", provider, f"{some_of(labels)}: {why}")


_Failure = tuple[str, str]  # what failed, and why


def _outcome(
    done: Sequence[Operation],
    failures: Sequence[_Failure],
    reasons: Iterable[str | None],
    waiting: Iterable[str],
    wanted: Mapping[str, int],
) -> dict[str, Any]:
    """What was done and what not, for the reasons that there are; `wanted` counts what there is.

    `errors` are all of it, `msg` is what a person can take in. `undone` says whether something was
    tried and failed, which where the plan was refused is a removal.
    """
    said, each = list(filter(None, reasons)), [f"{what}: {why}" for what, why in failures]
    errors = [shown(error) for error in (*said, *each, *waiting)]
    return {
        "changed": bool(done),
        "failed": bool(errors),
        "msg": "\n".join(map(shown, (*said, *_in_short(failures), *waiting))),
        "counts": {**wanted, **_actions(done)},
        "changes": [f"{operation.action} {label(operation)}" for operation in done],
        "errors": errors,
        "undone": bool(failures),
    }


def _in_short(failures: Sequence[_Failure]) -> Iterable[str]:
    """Each reason once, with the first of those whom it concerns."""
    for why, what in _grouped((why, what) for what, why in failures).items():
        yield f"{some_of(what, all_in='all with -v')}: {why}"


def _with_diffs(
    results: Mapping[str, dict[str, Any]], plan: Plan, request: Request
) -> dict[str, dict[str, Any]]:
    planned = plan.by_provider()
    return {
        provider: {
            **result,
            "diff": _diff(
                f"{provider}: {request.title}, {_named(result['plan'], provider in planned)}",
                planned.get(provider, ()),
                plan.attributes,
            ),
        }
        for provider, result in results.items()
        if provider in request.known
    }


def _named(plan: str, is_any: bool) -> str:
    """A plan in a diff's header."""
    return (
        f"plan {plan}"
        if plan
        else "plan not named before the first run"
        if is_any
        else "plan empty"
    )


def _no_record(
    provider: str, request: Request, done: Sequence[Operation], failed: Sequence[_Failure]
) -> dict[str, Any]:
    """The result of a provider whose record cannot be read: nothing is done but what holds take."""
    what = "nothing but holds was brought about" if done or failed else "nothing was changed"
    is_invalid = provider in request.invalid
    reason = f"the record is invalid: {what}" if is_invalid else "there is no such record"
    reasons = (reason, *_first(request.faults.get(provider, ())))
    outcome = _outcome(done, failed, reasons, (), {})
    return {**outcome, "findings": [], "plan": "", "withheld": [], "refused": False}


def _first(faults: Sequence[str]) -> Iterator[str]:
    yield from faults[:NAMED]
    if len(faults) > NAMED:
        yield f"and {len(faults) - NAMED} more"


def _actions(operations: Iterable[Operation]) -> dict[str, int]:
    words = {
        "add": "added", "modify": "modified", "rename": "renamed", "move": "moved",
        "delete": "deleted",
    }  # fmt: skip
    return dict(Counter(words[operation.action] for operation in operations))


def _grouped(pairs: Iterable[tuple[_K, _T]]) -> dict[_K, list[_T]]:
    grouped: dict[_K, list[_T]] = {}
    for name, item in pairs:
        grouped.setdefault(name, []).append(item)
    return grouped


# --- showing operations --------------------------------------------------------------------------


def label(operation: Operation) -> str:
    """An operation's object in messages: its kind and HSA-id; never a person's name."""
    return shown(f"{operation.kind} {operation.id}")


def _diff(
    header: str, operations: Iterable[Operation], attributes: Mapping[str, Attribute]
) -> dict[str, str]:
    texts = [_before_after(operation, attributes) for operation in operations]
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(before for before, _after in texts),
        "after": "".join(after for _before, after in texts),
    }


def _before_after(operation: Operation, attributes: Mapping[str, Attribute]) -> tuple[str, str]:
    before, after = ([f"dn: {_shown(operation, dn)}"] for dn in (operation.dn, operation.new_dn))
    for change in operation.changes:
        attribute = attributes[change.attribute]
        secret = operation.confidential or attribute.secret
        kept = [value for value in change.before if value not in change.delete]
        before += _lines(attribute, change.before, "before" if secret else None)
        after += _lines(attribute, [*kept, *change.add], "after" if secret else None)
    if operation.action == "add":
        before = []
    if operation.action == "delete":
        after = []
    return _joined(before), _joined(after)


def _shown(operation: Operation, dn: str) -> str:
    """An entry's name in a diff; of people no name that tells more than the HSA-id.

    Who named an entry before it was taken over may have named it after its person, and nobody may
    say any more that the identity is protected.
    """
    values = {matching.case_ignore(value) for _kind, value in matching.split_dn(dn)[0]}
    tells = operation.kind in _OF_PEOPLE and values != {matching.case_ignore(operation.id)}
    return label(operation) if tells or operation.confidential else shown(dn)


def _lines(attribute: Attribute, values: Iterable[str], hidden: str | None) -> list[str]:
    """The lines of an attribute; a hidden one still shows that it differs."""
    if hidden:
        return [f"{attribute.name}: {MASK} ({hidden})"] * bool(tuple(values))
    return [f"{attribute.name}: {shown(attribute.named(value))}" for value in sorted(values)]


def _joined(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in (*lines, "")) if lines else ""
