# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module register_check: what the population register and HOSP say, against the records."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.people.contacts import hidden_words
from ..engine.orders import Order
from ..engine.provision import Finding
from ..ledger import registers as ledger_registers
from ..ledger.ledger import Ledger
from ..ledger.memory import make_key, recall
from ..night import registers as night_registers
from ..orders import registers as files_of_registers
from ..orders.book import SYSTEMS, OrderBook, name_of
from ..orders.outbox import Outbox, OutboxError
from ..orders.registers import Reading, Rejected
from ..orders.statements import Statement
from ..records import payload
from ..records.holds import Hold
from ..records.identifiers import shown
from ..records.memory import Memory
from ..records.one_person import linked
from ..records.people import natural_people
from ..records.registers import Answer, Due, Place, Subject, due, later, subject
from .contested import undisputed
from .ledger import LEDGER_ARGUMENTS, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "inbox": {"type": "path"},
    "outbox": {"type": "path"},
    "protected_outbox": {"type": "path"},
    "expected": {"type": "list", "elements": "str", "default": []},
    "records": {"type": "path", "required": True},
}

# So many people, and per cent of all whom records name, may lose access by answers without a word.
_LEAST, _PERCENT = 10, 2

# What the ledger calls what is remembered for it; nothing is but what is true in all systems.
_TITLE = "registers"
# How many lines a result names; it counts the others.
_NAMED = 100


@dataclass(frozen=True)
class People:
    """Everybody whom the records name, and of those that cannot be read whom they named.

    `records` are those that can be read, `invalid` the providers of the others.
    """

    subjects: tuple[Subject, ...]
    records: payload.Approved
    memory: Memory

    @property
    def hashes(self) -> frozenset[str]:
        """The keyed hashes of their numbers."""
        return frozenset().union(*(one.hashes for one in self.subjects))


def run(module: AnsibleModule) -> None:
    """Do what the options ask for and leave the module."""
    params = module.params
    with_ledger(
        module,
        lambda ledger, as_of: check(params, payload.read(params["records"]), ledger, as_of),
    )


def check(
    params: Mapping[str, Any], approved: payload.Approved, ledger: Ledger, as_of: dt.date
) -> dict[str, Any]:
    """Take in what registers answered, hold whom they take access from, and tell what differs.

    Without an inbox nothing is taken in. More holds than the limit wait for a person. A result that
    is `skipped` says that no register was ever asked. Raises FileError, LedgerError, Locked.
    """
    make_key(ledger)
    standing = undisputed(approved, ledger).approved
    with ExitStack() as locks:
        if params["inbox"] and not ledger.check:
            # No order may leave open of somebody who is hidden from now on.
            for system in SYSTEMS:
                locks.enter_context(ledger.exclusive(name_of(system)))
        inbox = params["inbox"]
        reading = files_of_registers.read(Path(inbox), as_of) if inbox else Reading()
        people = _people(standing, ledger, as_of, list(reading.said))
        taken = _take(ledger, reading, people)
        held = _hold(ledger, people, taken.known, params["expected"])
        hidden, faults = _hide(params, ledger, people, taken.known) if inbox else ([], [])
        forgotten = 0 if standing.invalid else ledger_registers.forget(ledger, people.hashes)
        notes, stay = ([], []) if ledger.check else files_of_registers.put_away(reading)
    rejected = [*faults, *stay, *reading.rejected]
    result = {
        "changed": bool(taken.new or held.placed or hidden or forgotten or reading.files),
        "taken": taken.new, "unchanged": taken.unchanged, "unknown": taken.unknown,
        "holds": [{"object": one, "reason": reason} for one, reason in held.placed],
        "waits": held.waits, "expected": held.name,
        "hidden_batches": hidden,
        "rejected": [asdict(one) for one in rejected[:_NAMED]],
        "rejected_count": len(rejected), "reasons": notes[:_NAMED],
    }  # fmt: skip
    asked = ledger_registers.asked(ledger).union(taken.counted)
    told = [
        *night_registers.findings(people.subjects, taken.known, people.memory.digest),
        *night_registers.overdue(people.subjects, taken.known, asked, as_of),
    ]
    if held.waits:
        told.append(Finding("", "refused", "", held.waits, "high"))
    return {**result, **_told(told, people.records), "skipped": not asked and not inbox}


# --- who is meant --------------------------------------------------------------------------------


def _people(
    standing: payload.Approved, ledger: Ledger, as_of: dt.date, said: Sequence[Statement]
) -> People:
    memory = recall(ledger, _TITLE)
    rows = ((record.id, row) for record in standing.records for row in record.staff.people)
    asked = {statement.personal_number for statement in said}
    records = linked(standing.records, memory.successors(rows, asked))
    named = natural_people(records, as_of, 0, memory)
    numbers = asked.union(*(person.numbers for person in named))
    seen = ledger.seen(numbers)
    subjects = [subject(person, memory, seen) for person in named]
    known = frozenset().union(*(one.hashes for one in subjects))
    strangers = {memory.digest(n): n for n in asked if known.isdisjoint(memory.same([n]))}
    for person in ledger_registers.named_by(ledger, standing.invalid, strangers):
        ids = seen.get(strangers[person], ())
        subjects.append(Subject(frozenset({person}), tuple(sorted(ids))))
    return People(tuple(subjects), replace(standing, records=records), memory)


# --- taking answers in ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Taken:
    """What came of the answers: how many are new, tell nothing new, and are about nobody here.

    `known` are all answers now, `counted` how many of each register were about somebody here.
    """

    known: dict[Place, Answer]
    new: int
    unchanged: int
    unknown: int
    counted: Counter[Any]


def _take(ledger: Ledger, reading: Reading, people: People) -> _Taken:
    known = ledger_registers.known(ledger)
    answers = [statement.answer(people.memory.digest) for statement in reading.said]
    hashes = people.hashes
    ours = [answer for answer in answers if answer.person in hashes]
    new = later(known, ours)
    counted = Counter(answer.register for answer in ours)
    ledger_registers.take(ledger, list(new.values()), counted)
    unknown = len(answers) - len(ours)
    return _Taken({**known, **new}, len(new), len(ours) - len(new), unknown, counted)


@dataclass(frozen=True)
class _Held:
    """Whom holds were placed on, with the reasons; `waits` says why none was, `name` the hash."""

    placed: tuple[tuple[str, str], ...] = ()
    waits: str = ""
    name: str = ""


def _hold(
    ledger: Ledger, people: People, known: dict[Place, Answer], expected: Collection[str]
) -> _Held:
    """Place the holds that answers call for, each once, unless they are more than the limit."""
    calls = list(due(people.subjects, known))
    most = max(_LEAST, len(people.subjects) * _PERCENT // 100)
    texts = sorted(f"{one.answer.day} {one.reason} {hsa_id}" for one in calls for hsa_id in one.ids)
    name = people.memory.digest("\n".join(texts))[:16]
    if len(calls) > most and name not in expected:
        told = f"{len(calls)} people would lose access at once, more than {most}: none was held"
        return _Held((), f"{told}. If the answers are right, confirm {name}", name)
    placed = [
        (hsa_id, one.reason) for one in calls for hsa_id in one.ids if _place(ledger, one, hsa_id)
    ]
    ledger_registers.note(ledger, [replace(one.answer, held=True) for one in calls])
    return _Held(tuple(placed))


def _place(ledger: Ledger, one: Due, hsa_id: str) -> bool:
    """Place a hold on a person, unless one without end is in force; returns whether."""
    place, today = f"hold {hsa_id.casefold()}", ledger.run.as_of
    others = (hold for hold in ledger.decisions().holds if hold.id == place)
    now = next((hold for hold in others if hold.is_in_force(today)), None)
    if now and now.until is None:
        return False
    return ledger.place(
        Hold(
            id=place, object=hsa_id, kind="hold", reason=one.reason, by=ledger.run.by,
            since=now.since if now else today,
        )
    )  # fmt: skip


# --- what still shows somebody -------------------------------------------------------------------


def _hide(
    params: Mapping[str, Any], ledger: Ledger, people: People, known: Mapping[Place, Answer]
) -> tuple[list[str], list[Rejected]]:
    """Move the batches that lie open in the outbox, and tell of whom the register protects.

    Returns their ids, and what could not be moved.
    """
    protected = {answer.person for answer in known.values() if answer.protected}
    hidden = [one for one in people.subjects if not protected.isdisjoint(one.hashes)]
    if not params["outbox"] or not hidden:
        return [], []
    ids = frozenset(hsa_id.casefold() for one in hidden for hsa_id in one.ids)
    words = hidden_words(people.records.records, ids)

    def tells(order: Order) -> bool:
        said = map(str, order.particulars.values())
        return order.object.casefold() in ids or any(
            word in text for text in said for word in words
        )

    elsewhere = params["protected_outbox"]
    outbox = Outbox(Path(params["outbox"]), Path(elsewhere) if elsewhere else None)
    try:
        moved = [b for system in SYSTEMS for b in OrderBook(ledger, system, outbox).hide(tells)]
    except OutboxError as error:
        return [], [Rejected("outbox", 0, shown(str(error)))]
    return moved, []


# --- the result ----------------------------------------------------------------------------------


def _told(findings: Iterable[Finding], records: payload.Approved) -> dict[str, Any]:
    """The findings by provider; nothing is found at one whose record cannot be read."""
    by_provider: dict[str, list[dict[str, str]]] = defaultdict(list)
    for finding in findings:
        by_provider[finding.provider].append(finding.shown())
    providers: dict[str, Any] = {r.id: {"findings": by_provider[r.id]} for r in records.records}
    return {
        "providers": providers | {provider: {} for provider in records.invalid},
        "findings": [{"provider": "", **one} for one in by_provider[""]],
    }
