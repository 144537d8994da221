# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A region in memory: HSA, cards, AD and services, as one run of onboard goes through them.

Beside what the worlds of the unit tests do, a run here may be killed after any write, a system may
refuse every write, and the ledger may be copied, put back or lost.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.accounts import (
    desire as desire_accounts,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.entries import (
    desire as desire_entries,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.cards_out import (
    CardsOut,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.orders import (
    desire as desire_services,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import (
    Rules as ServiceRules,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.orders import (
    desire as desire_cards,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching, orders
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import Past
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, Operation
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.cards_out import waiting
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.system_results import (
    failures,
    tasks,
)
from ansible_collections.regionjh.halsoval.tests.long.books import Books, as_record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import approved
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import Killed
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

# Pure, and asked for the same few names all the time: half of what histories take otherwise.
for _slow in ("split_dn", "distinguished_name"):
    setattr(matching, _slow, lru_cache(maxsize=65536)(getattr(matching, _slow)))
_NO_WRITES = "insufficientAccessRights"

Results = dict[str, dict[str, dict[str, Any]]]
Hook = Callable[[str, Operation], str | None]


class RunJournal(MemoryJournal):
    """A journal that also tells the systems of one run of each other's refusals."""

    def begin(self, day: dt.date) -> None:
        """A run begins, on a day."""
        self.day, self.refused = day, {}

    def judged(self, system: str, notes: Past) -> None:
        """Note what the guard of the next run, and of the next system, must know."""
        super().judged(system, notes)
        self.refused = {**notes.refused, **self.refused}


class Book:
    """The orders of a system, in the ledger: all of a call are written, or none is."""

    def __init__(self, name: str, hook: Hook) -> None:
        self.name, self.hook = name, hook
        self.orders: dict[str, Order] = {}
        self.day = dt.date.min

    def read(self) -> Sequence[Entry]:
        """All orders."""
        return [orders.entry(order) for order in self.orders.values()]

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        """Carry out all operations, in one transaction."""
        for operation in operations:
            self.hook(self.name, operation)
        for operation in operations:
            order = self._written(operation)
            self.orders[order.key] = order
        return {}

    def _written(self, operation: Operation) -> Order:
        said = {change.attribute: change.add for change in operation.changes}
        key = orders.key_of(operation.dn)
        if operation.action == "add":
            assert key not in self.orders, "an order is made once"
            order = replace(orders.of_entry(Entry(operation.dn, said)), wanted_on=self.day)
        else:
            assert set(said) == {"state"}
            assert self.orders[key].state == "wanted", "what has left is never changed"
            order = replace(self.orders[key], state=said["state"][0])  # type: ignore[arg-type]
        return replace(order, ordered_on=self.day) if order.state == "ordered" else order

    def answer(self) -> None:
        """Whoever has orders carries all of them out."""
        for order in list(self.orders.values()):
            if order.state == "ordered":
                self._answer(order)

    def _answer(self, order: Order) -> None:
        day = self.day
        if order.kind == "card":
            told = {
                "card_number": f"9752{order.key.replace('-', '')[:8]}",
                "valid_to": "2031-03-31",
            }
            self.orders[order.key] = replace(
                order, state="active", sent_on=day, active_on=day, answer=told
            )
            return
        self.orders[order.key] = replace(order, state="done", closed_on=day)
        if order.kind == "revocation":
            card = self.orders[order.follows]
            self.orders[card.key] = replace(card, state="done", closed_on=day)


@dataclass(frozen=True)
class Ledger:
    """A copy of all that the ledger holds."""

    journal: RunJournal
    cards: dict[str, Order]
    services: dict[str, Order]
    holds: tuple[Any, ...]
    by_number: dict[str, str]
    ids: frozenset[str]


@dataclass(frozen=True)
class Asked:
    """What is asked of a run. `dies_after` so many writes; `no_ad` says that AD takes none."""

    providers: frozenset[str] | None = None
    check: bool = False
    expected: frozenset[str] = frozenset()
    dies_after: int | None = None
    unread: bool = False
    no_ad: bool = False


@dataclass
class Outcome:
    """What came of a run: `results` by system and provider, and all that was written.

    HSA has no results where it could not be read; after a run that was killed, neither have those
    that it did not come to.
    """

    asked: Asked
    killed: bool = False
    results: Results = field(default_factory=dict)
    written: list[tuple[str, Operation]] = field(default_factory=list)


class Region:
    """All systems and the ledger."""

    # What opens the patient record system.
    journal_group = "App-Journal"

    def __init__(self) -> None:
        self.journal = RunJournal()
        self.books = {name: Book(name, self._hook) for name in ("siths", "services")}
        self.use(Ad())
        self._outcome = Outcome(Asked())
        self._left: int | None = None
        # Whether cards and services are introduced, too (halsoval_systems).
        self.has_orders = True

    def use(self, ad: Ad) -> None:
        """Have this domain, and this HSA before it."""
        self.ad = ad
        ad.hsa.journal = self.journal
        ad.hsa.directory.refuses = lambda operation: self._hook("HSA", operation)
        ad.directory.refuses = lambda operation: self._hook("AD", operation)
        self.systems: dict[str, Any] = {"HSA": ad.hsa.directory, "AD": ad.directory, **self.books}

    def _hook(self, system: str, operation: Operation) -> str | None:
        """Called before each write: says why it is refused, if it is."""
        if self._left == 0:
            raise Killed
        if self._left is not None:
            self._left -= 1
        if system == "AD" and self._outcome.asked.no_ad:
            return _NO_WRITES
        self._outcome.written.append((system, operation))
        return None

    # --- a run -----------------------------------------------------------------------------------

    def run(self, books: Books, day: dt.date, asked: Asked) -> Outcome:
        """What onboard does."""
        self._outcome = outcome = Outcome(asked)
        self._left = asked.dies_after
        self.ad.unread = "HSA could not be read" if asked.unread else None
        self.journal.begin(day)
        everything = approved(
            *map(as_record, books.readable), invalid=books.invalid, holds=self.ad.hsa.holds
        )
        try:
            self._systems(_Run(self, everything, day, asked), outcome)
        except Killed:
            outcome.killed = True
        self._left = None
        return outcome

    def _systems(self, run: _Run, outcome: Outcome) -> None:
        registered: dict[str, Any] = {"failed": True, "msg": self.ad.unread}
        if not self.ad.unread:
            self.ad.hsa.remembered = self.ad._remembered()
            if not run.asked.check:
                self.ad._remember(self.ad.hsa.entries(), run.everything)
            outcome.results["HSA"] = run.of("HSA", run.entries)
            registered = {"providers": outcome.results["HSA"]}
        run.failed = failures(registered, "halsoval_hsa", run.providers)
        if self.has_orders:
            outcome.results["siths"] = run.of("siths", run.cards)
        outcome.results["AD"] = run.of("AD", run.accounts)
        if not self.has_orders:
            return
        run.tasks = tasks({"providers": outcome.results["AD"]}, "halsoval_ad", run.providers)
        outcome.results["services"] = run.of("services", run.services)

    # --- what becomes of it beside runs ----------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that a check must leave as it is."""
        journal = {k: copy.copy(v) for k, v in vars(self.journal).items()}
        for name in ("day", "refused", "writer"):
            del journal[name]
        return {
            "HSA": dict(self.ad.hsa.directory._entries),
            "AD": dict(self.ad.directory._entries),
            "ledger": (dict(self.ad._memory), self.ad._taken, journal),
            **{name: dict(book.orders) for name, book in self.books.items()},
        }

    def copy_ledger(self) -> Ledger:
        """The ledger as it is now."""
        return Ledger(
            copy.deepcopy(self.journal), dict(self.books["siths"].orders),
            dict(self.books["services"].orders), self.ad.hsa.holds, dict(self.ad._memory),
            self.ad._taken,
        )  # fmt: skip

    def put_ledger(self, ledger: Ledger) -> None:
        """Put a copy back."""
        self.ad.hsa.journal = self.journal = copy.deepcopy(ledger.journal)
        self.books["siths"].orders = dict(ledger.cards)
        self.books["services"].orders = dict(ledger.services)
        self.ad.hsa.holds = ledger.holds
        self.ad._memory, self.ad._taken = dict(ledger.by_number), ledger.ids


NO_LEDGER = Ledger(RunJournal(), {}, {}, (), {}, frozenset())


@dataclass
class _Run:
    """One run through all systems; `failed` and `tasks` are what it learns on the way."""

    region: Region
    everything: Approved
    day: dt.date
    asked: Asked
    failed: dict[str, str] | None = None
    tasks: Any = None

    @property
    def providers(self) -> tuple[str, ...]:
        """The selected ones."""
        known = {record.id for record in self.everything.records} | self.everything.invalid
        return tuple(sorted(known & (self.asked.providers or known)))

    def of(
        self, title: str, desire: Callable[[Approved, Sequence[Entry]], Desired]
    ) -> dict[str, dict[str, Any]]:
        """The pipe of one system."""
        journal, system = self.region.journal, self.region.systems[title]
        if isinstance(system, Book):
            system.day = self.day
        known = frozenset(record.id for record in self.everything.records)
        request = Request(
            providers=self.providers, known=known, invalid=self.everything.invalid,
            expected=self.asked.expected, secret=b"secret", check=self.asked.check, diff=True,
            title=title, sizes={"providers": len(known | self.everything.invalid)},
        )  # fmt: skip
        decided = replace(self.everything, memory=journal.memory(title))
        return provision(system, lambda held: desire(decided, held), request, journal)

    def entries(self, decided: Approved, held: Sequence[Entry]) -> Desired:
        hsa = self.region.ad.hsa
        orders = self.region.books["siths"].orders.values()
        followed = frozenset(p for title, p in self.region.journal.days if title == "siths")
        cards = CardsOut(followed, waiting(orders, self.day))
        return desire_entries(decided, self.day, hsa.layout, held, hsa.remembered, cards)

    def cards(self, decided: Approved, held: Sequence[Entry]) -> Desired:
        known = self.region.ad.identities(decided, self.day, self.asked.check)
        return desire_cards(decided, self.day, Rules(), held, known, self.failed, self.asked.check)

    def accounts(self, decided: Approved, held: Sequence[Entry]) -> Desired:
        ad = self.region.ad
        known = ad.identities(decided, self.day, self.asked.check)
        return desire_accounts(
            decided, self.day, ad.layout, held, known, self.failed, self.asked.check
        )

    def services(self, decided: Approved, held: Sequence[Entry]) -> Desired:
        known = self.region.ad.identities(decided, self.day, self.asked.check)
        return desire_services(
            decided, self.day, ServiceRules(), held, known, self.tasks, self.failed,
            self.asked.check,
        )  # fmt: skip
