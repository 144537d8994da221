# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of records, runs, kills and confirmations, and a judge that watches them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import wraps
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ansible_collections.regionjh.halsoval.tests.long.books import (
    PURPOSES,
    SYSTEMS,
    UNITS,
    Books,
    Job,
    Provider,
    Row,
    new_row,
    other_number,
)
from ansible_collections.regionjh.halsoval.tests.long.judge import Judge, Known
from ansible_collections.regionjh.halsoval.tests.long.region import (
    NO_LEDGER,
    Asked,
    Ledger,
    Outcome,
    Region,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, hold, number

START = dt.date(2026, 1, 1)
PLACES = st.integers(0, 19)
NUMBERS = st.integers(0, 7)
# Days from the day of the history: most of what people write lies close to it.
NEAR = st.integers(-12, 12)
FAR = st.integers(-60, 90)


def change(**given: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule after which, now and then, a run follows: changes alone show nothing."""

    def made(function: Callable[..., None]) -> Any:
        @wraps(function)
        def step(self: Histories, then: bool, **drawn: Any) -> None:
            function(self, **drawn)
            if then:
                self._run(Asked())

        # Hypothesis looks at the signature.
        del step.__wrapped__  # type: ignore[attr-defined]
        return rule(then=st.sampled_from((False, False, True)), **given)(step)

    return made


class Histories(RuleBasedStateMachine):
    """What becomes of records and systems, in any order; runs are judged."""

    # How many people each provider has at first.
    SIZES: ClassVar = {"alfa": 3, "beta": 2, "cesar": 1}

    def __init__(self) -> None:
        super().__init__()
        self.day = TODAY
        self.region = Region()
        self.judge = Judge(self.region)
        self.serial = 0
        people = iter(range(100))
        self.books = Books(
            {
                name: Provider(name, tuple(self._new(next(people)) for _index in range(size)))
                for name, size in self.SIZES.items()
            }
        )
        self.people = next(people) + 2
        self.older: list[Provider] = []
        self.removed: list[tuple[str, Row]] = []
        self.ledgers: list[tuple[Ledger, Known]] = []

    def _new(self, index: int) -> Row:
        return new_row(index, (Job(UNITS[0], PURPOSES[0], START),))

    @initialize(has_orders=st.booleans())
    def choose_systems(self, has_orders: bool) -> None:
        """Half of the regions leave cards and services out: that is half of the time, too."""
        self.region.has_orders = has_orders

    # --- helpers ---------------------------------------------------------------------------------

    def _provider(self, which: int) -> Provider:
        names = sorted(self.books.providers)
        return self.books.providers[names[which % len(names)]]

    def _change(self, provider: Provider, place: int, **fields: Any) -> None:
        """Change a row of a provider, if it has any."""
        if provider.rows:
            place %= len(provider.rows)
            self._put(provider.with_row(place, replace(provider.rows[place], **fields)))

    def _put(self, provider: Provider) -> None:
        self.older.append(self.books.providers[provider.id])
        self.books = self.books.put(provider)

    def _row(self, provider: Provider, place: int) -> Row | None:
        return provider.rows[place % len(provider.rows)] if provider.rows else None

    def _change_job(self, provider: Provider, place: int, job: int, **fields: Any) -> None:
        row = self._row(provider, place)
        if row:
            job %= len(row.jobs)
            changed = replace(row.jobs[job], **fields)
            self._change(provider, place, jobs=(*row.jobs[:job], changed, *row.jobs[job + 1 :]))

    def _in(self, days: int) -> dt.date:
        return self.day + dt.timedelta(days=days)

    # --- records: rows ---------------------------------------------------------------------------

    @change(which=NUMBERS, who=PLACES, days=NEAR)
    def list_somebody(self, which: int, who: int, days: int) -> None:
        provider = self._provider(which)
        job = Job(UNITS[which % 2], PURPOSES[0], self._in(days))
        row = new_row(who % self.people, (job,))
        if row.ref not in {r.ref for r in provider.rows}:
            self._put(replace(provider, rows=(*provider.rows, row)))

    @change(which=NUMBERS, place=PLACES, many=st.sampled_from((1, 1, 1, 2, 5, 12)))
    def remove_rows(self, which: int, place: int, many: int) -> None:
        provider = self._provider(which)
        for _index in range(min(many, len(provider.rows))):
            gone = place % len(provider.rows)
            self.removed.append((provider.id, provider.rows[gone]))
            provider = provider.without_row(gone)
        self._put(provider)

    @precondition(lambda self: self.removed)
    @change(place=PLACES)
    def restore_a_row(self, place: int) -> None:
        name, row = self.removed.pop(place % len(self.removed))
        provider = self.books.providers[name]
        if row.ref not in {r.ref for r in provider.rows}:
            self._put(replace(provider, rows=(*provider.rows, row)))

    @change(which=NUMBERS, place=PLACES, both=st.booleans())
    def change_a_name(self, which: int, place: int, both: bool) -> None:
        self.serial += 1
        row = self._row(self._provider(which), place)
        if row:
            new = new_row(int(row.ref.removeprefix("r-")), (), self.serial)
            given = new.given if both else row.given
            self._change(self._provider(which), place, given=given, surname=new.surname)

    @change(which=NUMBERS, place=PLACES, is_linked=st.booleans())
    def change_a_number(self, which: int, place: int, is_linked: bool) -> None:
        provider = self._provider(which)
        row = self._row(provider, place)
        if row:
            own = int(row.ref.removeprefix("r-"))
            new = other_number(own) if row.number == number(own) else number(own)
            previous = (row.number,) if is_linked else ()
            self._change(provider, place, number=new, previous=previous)

    @change(which=NUMBERS, place=PLACES, other=st.integers(1, 3))
    def swap_numbers(self, which: int, place: int, other: int) -> None:
        provider = self._provider(which)
        one, two = self._row(provider, place), self._row(provider, place + other)
        if one and two and one is not two:
            self._change(provider, place, number=two.number, previous=two.previous)
            provider = self._provider(which)
            self._change(provider, place + other, number=one.number, previous=one.previous)

    @change(which=NUMBERS, place=PLACES)
    def somebody_else_in_the_row(self, which: int, place: int) -> None:
        self.people += 1
        row = self._row(self._provider(which), place)
        if row:
            new = new_row(self.people, row.jobs)
            self._change(
                self._provider(which), place, number=new.number, previous=(), given=new.given,
                surname=new.surname, mail=new.mail, phone=new.phone,
            )  # fmt: skip

    @change(which=NUMBERS, place=PLACES)
    def change_protection(self, which: int, place: int) -> None:
        row = self._row(self._provider(which), place)
        if row:
            self._change(self._provider(which), place, protected=not row.protected)

    @change(which=NUMBERS, place=PLACES, is_over=st.booleans())
    def protect_by_a_row_that_gives_nothing(self, which: int, place: int, is_over: bool) -> None:
        """Another provider says it, whose row has ended or begins beyond the lead time."""
        row, other = self._row(self._provider(which), place), self._provider(which + 1)
        if row and row.ref not in {r.ref for r in other.rows}:
            first, last = (START, self._in(-1)) if is_over else (self._in(70), None)
            job = Job(UNITS[0], PURPOSES[0], first, last)
            self._put(replace(other, rows=(*other.rows, replace(row, jobs=(job,), protected=True))))

    # --- records: assignments --------------------------------------------------------------------

    @change(which=NUMBERS, place=PLACES, job=PLACES, days=st.none() | NEAR | FAR, many=NUMBERS)
    def end_assignments(
        self, which: int, place: int, job: int, days: int | None, many: int
    ) -> None:
        last = None if days is None else self._in(days)
        for more in range(many if many > 5 else 1):
            row = self._row(self._provider(which), place + more)
            if row and (last is None or last >= row.jobs[job % len(row.jobs)].first):
                self._change_job(self._provider(which), place + more, job, last=last)

    @change(which=NUMBERS, place=PLACES, job=PLACES, days=NEAR, length=st.integers(0, 30))
    def suspend(self, which: int, place: int, job: int, days: int, length: int) -> None:
        row = self._row(self._provider(which), place)
        if row:
            own = row.jobs[job % len(row.jobs)]
            first = max(self._in(days), own.first)
            last = first + dt.timedelta(days=length) if length else None
            self._change_job(
                self._provider(which), place, job, away=None if own.away else (first, last)
            )

    @change(which=NUMBERS, place=PLACES, job=PLACES, keep=st.integers(0, 7))
    def change_systems(self, which: int, place: int, job: int, keep: int) -> None:
        systems = tuple(s for n, s in enumerate(SYSTEMS) if keep & 1 << n)
        self._change_job(self._provider(which), place, job, systems=systems)

    @change(which=NUMBERS, place=PLACES, days=NEAR | FAR, kind=st.integers(0, 3))
    def add_an_assignment(self, which: int, place: int, days: int, kind: int) -> None:
        row = self._row(self._provider(which), place)
        if row and len(row.jobs) < 4:
            job = Job(UNITS[kind % 2], PURPOSES[kind // 2], self._in(days))
            self._change(self._provider(which), place, jobs=(*row.jobs, job))

    @change(which=NUMBERS, place=PLACES, job=PLACES)
    def remove_an_assignment(self, which: int, place: int, job: int) -> None:
        row = self._row(self._provider(which), place)
        if row and len(row.jobs) > 1:
            job %= len(row.jobs)
            self._change(self._provider(which), place, jobs=(*row.jobs[:job], *row.jobs[job + 1 :]))

    @change(which=NUMBERS, days=st.integers(1, 9), is_away=st.booleans(), many=st.integers(1, 20))
    def leave_only_what_is_over(self, which: int, days: int, is_away: bool, many: int) -> None:
        """Rows keep nothing but an assignment elsewhere, which a date has ended or suspended."""
        provider, day = self._provider(which), max(self._in(-days), START)
        days_of_it: dict[str, Any] = {"away": (day, None)} if is_away else {"last": day}
        job = Job(UNITS[1], PURPOSES[1], START, **days_of_it)
        for place, row in enumerate(provider.rows[:many]):
            provider = provider.with_row(place, replace(row, jobs=(job,)))
        self._put(provider)

    # --- records: providers ----------------------------------------------------------------------

    @change(which=NUMBERS, days=st.none() | NEAR | FAR)
    def end_a_provider(self, which: int, days: int | None) -> None:
        ends = None if days is None else max(self._in(days), START)
        self._put(replace(self._provider(which), ends=ends))

    @change(which=NUMBERS, unit=st.sampled_from(UNITS), days=st.none() | NEAR)
    def close_a_unit(self, which: int, unit: str, days: int | None) -> None:
        provider = self._provider(which)
        closes = {**dict(provider.closes)}
        closes.pop(unit, None)
        if days is not None:
            closes[unit] = self._in(days)
        self._put(replace(provider, closes=tuple(sorted(closes.items()))))

    @change(which=NUMBERS)
    def lose_or_get_the_connection(self, which: int) -> None:
        provider = self._provider(which)
        self._put(replace(provider, connected=not provider.connected))

    @change(which=NUMBERS)
    def break_or_mend_a_record(self, which: int) -> None:
        name = self._provider(which).id
        self.books = replace(self.books, broken=self.books.broken ^ {name})

    @change(which=NUMBERS)
    def move_a_folder_away_or_back(self, which: int) -> None:
        name = self._provider(which).id
        self.books = replace(self.books, gone=self.books.gone ^ {name})

    @precondition(lambda self: self.older)
    @change(place=st.integers(0, 50))
    def put_an_older_copy(self, place: int) -> None:
        self._put(self.older[-1 - place % len(self.older)])

    # --- decisions -------------------------------------------------------------------------------

    @change(who=PLACES, kind=st.sampled_from(("hold", "hold", "grant")), days=st.integers(0, 30))
    def place_a_hold(self, who: int, kind: str, days: int) -> None:
        objects = sorted(self.region.ad._taken)
        if kind == "hold":
            objects += sorted(self.books.providers)
        if objects:
            until = self._in(days) if days or kind == "grant" else None
            new = hold(objects[-1 - who % len(objects)], kind, since=self.day, until=until)  # type: ignore[arg-type]
            held = [h for h in self.region.ad.hsa.holds if h.id != new.id]
            self.region.ad.hsa.holds = (*held, new)

    @precondition(lambda self: self.region.ad.hsa.holds)
    @change(which=PLACES)
    def lift_a_hold(self, which: int) -> None:
        holds = list(self.region.ad.hsa.holds)
        which %= len(holds)
        holds[which] = replace(holds[which], lifted=self.day)
        self.region.ad.hsa.holds = tuple(holds)

    # --- time, the ledger, and what people do by hand --------------------------------------------

    @change(days=st.integers(1, 3) | st.integers(1, 60))
    def days_pass(self, days: int) -> None:
        self.day = self._in(days)

    @rule()
    def copy_the_ledger(self) -> None:
        self.ledgers.append((self.region.copy_ledger(), deepcopy(self.judge.known)))

    @change(which=st.none() | PLACES)
    def put_back_or_lose_the_ledger(self, which: int | None) -> None:
        ledger, known = NO_LEDGER, Known()
        if which is not None and self.ledgers:
            ledger, known = self.ledgers[which % len(self.ledgers)]
        self.region.put_ledger(ledger)
        self.judge.forget(known)

    @rule()
    def carry_out_the_orders(self) -> None:
        for book in self.region.books.values():
            book.answer()

    @change(who=PLACES, what=st.sampled_from(("name", "gone", "roles")))
    def touch_an_entry_by_hand(self, who: int, what: str) -> None:
        directory = self.region.ad.hsa.directory
        people = [e for e in directory.read() if "personalIdentityNumber" in e.attributes]
        if people:
            entry = people[who % len(people)]
            if what == "gone":
                directory.remove(entry.dn)
            elif what == "name":
                directory.put(entry.dn, title="Doktor", mail="a@b.example")
            else:
                directory.put(entry.dn, hsaSystemRole=())

    @change(who=PLACES, what=st.sampled_from(("disabled", "enabled", "gone", "mail")))
    def touch_an_account_by_hand(self, who: int, what: str) -> None:
        directory = self.region.ad.directory
        accounts = [e for e in directory.entries() if e.attributes.get("employeeNumber")]
        if not accounts:
            return
        entry = accounts[who % len(accounts)]
        flags = tuple(f for f in entry.attributes["userAccountControl"] if f != "ENABLED")
        if what == "gone":
            directory.remove(entry.dn)
        elif what == "mail":
            directory.put(entry.dn, mail="a@b.example")
        else:
            enabled = ("ENABLED", *flags) if what == "enabled" else flags
            directory.put(entry.dn, userAccountControl=enabled)

    # --- runs ------------------------------------------------------------------------------------

    def _run(self, asked: Asked) -> Outcome:
        before = self.judge.before(self.books, self.day)
        outcome = self.region.run(self.books, self.day, asked)
        self.judge.after(before, outcome)
        return outcome

    @rule(again=st.booleans())
    def run(self, again: bool) -> None:
        outcome = self._run(Asked())
        if again and not any(
            own["failed"] for results in outcome.results.values() for own in results.values()
        ):
            assert not self._run(Asked()).written, "a second run changes something"

    @rule()
    def check_and_run(self) -> None:
        state = self.region.state()
        told = self._run(Asked(check=True))
        assert self.region.state() == state, "a check changes something"
        assert not told.written
        done = self._run(Asked())
        assert _plans(told, "HSA") == _plans(done, "HSA"), "a check tells something else"
        if not any(own["failed"] for own in done.results["HSA"].values()):
            for system in done.results.keys() & {"siths", "AD"}:
                assert _plans(told, system) == _plans(done, system), f"{system}: check"

    @rule(which=NUMBERS, more=st.booleans())
    def run_some(self, which: int, more: bool) -> None:
        some = {self._provider(which).id, *([self._provider(which + 1).id] if more else [])}
        self._run(Asked(providers=frozenset(some)))

    @rule(writes=st.integers(0, 12) | st.integers(0, 80))
    def run_and_be_killed(self, writes: int) -> None:
        self._run(Asked(dies_after=writes))

    @rule(unread=st.booleans())
    def run_with_one_system_away(self, unread: bool) -> None:
        self._run(Asked(unread=unread, no_ad=not unread))

    @precondition(lambda self: self.judge.offers)
    @rule(which=PLACES, is_limited=st.booleans())
    def confirm(self, which: int, is_limited: bool) -> None:
        hashes = sorted(self.judge.offers)
        name = hashes[which % len(hashes)]
        limit = frozenset({self.judge.offers[name].provider}) if is_limited else None
        self._run(Asked(expected=frozenset({name}), providers=limit))


class OneLargeProvider(Histories):
    """Beside two small providers one of twenty people, of whom four may lose something."""

    SIZES: ClassVar = {"alfa": 20, "beta": 1}


def _plans(outcome: Outcome, system: str) -> dict[str, tuple[Any, Any]]:
    return {p: (own["plan"], own.get("diff")) for p, own in outcome.results[system].items()}


# How many histories: a few that are the same until a test is edited, or so many others.
HISTORIES = int(os.environ.get("HALSOVAL_HISTORIES", "0"))


def share(quarters: int) -> settings:
    """So many quarters of all histories."""
    return settings(
        deadline=None,
        derandomize=not HISTORIES,
        max_examples=max(1, (HISTORIES or 32) * quarters // 4),
        print_blob=True,
        stateful_step_count=30,
        suppress_health_check=list(HealthCheck),
    )


TestHistories = Histories.TestCase
TestHistories.settings = share(3)
TestOneLargeProvider = OneLargeProvider.TestCase
TestOneLargeProvider.settings = share(1)
