# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders are made exactly once, whatever run is killed: in the ledger and in the outbox together.

Each run is a process of its own, forked, that goes through the whole pipe. Only HSA is left out:
people's ids are given.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services import (
    orders as services,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import (
    Rules as ServiceRules,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths import orders as siths
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import (
    Rules as CardRules,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    Run,
    verify,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.book import OrderBook
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.outbox import Outbox
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import natural_people
from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.killing import (
    Killer,
    finished,
    start,
)
from ansible_collections.regionjh.halsoval.tests.postgresql import Server
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    LISTING,
    TODAY,
    approved,
    person,
    record,
    uses,
)

Stage = tuple[Approved, dict[str, str]]

ROUNDS, KILLS = full(20, 6), full(10, 5)  # 200 killed runs on each database, in full
HIRED, LEAVE_FROM = 2, ROUNDS // 2


@dataclass(frozen=True)
class Controller:
    """Where the runs of a controller keep their things. Those who share a ledger share the rest."""

    url: str | None
    state: Path
    outbox: Path

    def ledger(self, run: str = "test", check: bool = False) -> Ledger:
        return Ledger(self.url, self.state, Run(run, "test@controller", TODAY), check)

    def onboard(self, run: str, staff: Approved) -> None:
        """What the modules siths_orders and service_orders do, one after the other."""
        people = natural_people(staff.records, TODAY, 56)
        ids = [f"SE2321000214-{person.rows[0].given_name.upper()}" for person in people]
        known = Identities(
            tuple(Identified(p, (i,), i, True) for p, i in zip(people, ids, strict=True))
        )
        request = Request(
            providers=tuple(r.id for r in staff.records), expected=frozenset(), check=False,
            known=frozenset(r.id for r in staff.records), invalid=staff.invalid, diff=False,
            secret=b"secret", title="siths",
        )  # fmt: skip
        with self.ledger(run) as ledger:
            outbox = Outbox(self.outbox)
            cards, uses = (OrderBook(ledger, name, outbox) for name in ("siths", "services"))

            def of_cards(held: Sequence[Entry]) -> Desired:
                cards.deliver(lambda _order: True)
                return siths.desire(staff, TODAY, CardRules(), held, known, None, False)

            def of_services(held: Sequence[Entry]) -> Desired:
                uses.deliver(lambda _order: True)
                return services.desire(staff, TODAY, ServiceRules(), held, known, None)

            results = [
                provision(cards, of_cards, request, ledger),
                provision(uses, of_services, replace(request, title="services"), ledger),
            ]
        failed = [own["msg"] for result in results for own in result.values() if own["failed"]]
        assert not failed, failed


def staff_of(stage: int) -> Approved:
    """Two providers that hire people in every stage; some leave again later."""

    def staff(first: int) -> Iterator[dict[str, object]]:
        for n in range((stage + 1) * HIRED):
            left = stage - n // HIRED >= LEAVE_FROM
            ends = {"to": "2026-02-20"} if left else {}
            use = uses(JOURNAL, ECG, LISTING, **ends)
            yield person(first + n, use, cards=[{"kind": "ordinary", "loa": 3}])

    return approved(record("alfa", staff(0)), record("beta", staff(1000)))


def in_outbox(outbox: Path) -> Counter[str]:
    """How often each order stands in the JSON files, and in the CSV files with it."""
    found: Counter[str] = Counter()
    for path in outbox.rglob("*.json"):
        keys = [order["order"] for order in json.loads(path.read_text())["orders"]]
        lines = path.with_suffix(".csv").read_text("utf-8-sig").splitlines()[1:]
        assert [line.partition(";")[0] for line in lines] == keys
        found.update(keys)
    return found


def orders_in(controller: Controller) -> dict[str, str]:
    """The state of every order in the ledger."""
    with controller.ledger(check=True) as ledger, ledger.reading() as connection:
        return {row.key: row.state for row in connection.execute(ledger.orders.select())}


def assert_whole(controller: Controller, expected: dict[str, str]) -> None:
    """Every order is there once, in ledger and outbox; every intent has one outcome."""
    held = orders_in(controller)
    assert held == expected
    left = {key for key, state in held.items() if state not in ("wanted", "cancelled")}
    assert in_outbox(controller.outbox) == Counter(left)
    with controller.ledger(check=True) as ledger:
        assert verify(ledger) == []
        with ledger.reading() as connection:
            assert list(connection.execute(ledger.intents.select())) == []
            rows = list(connection.execute(ledger.audit.select()))
    intents = {row.seq for row in rows if row.event == "intent"}
    outcomes = Counter(row.refers for row in rows if row.event == "outcome")
    assert outcomes == Counter(intents)
    done = {row.object for row in rows if row.result in ("done", "found done")}
    assert {one.rpartition(" ")[2] for one in done} == held.keys()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> list[Stage]:
    """The staff of every stage, and the orders that runs which nobody kills come to."""
    path = tmp_path_factory.mktemp("undisturbed")
    undisturbed = Controller(None, path / "state", path / "outbox")
    found = []
    for stage in range(ROUNDS):
        staff = staff_of(stage)
        assert finished(start(partial(undisturbed.onboard, f"run-{stage}", staff))) == 0
        found.append((staff, orders_in(undisturbed)))
    assert_whole(undisturbed, found[-1][1])
    assert len(found[-1][1]) > 5 * ROUNDS * HIRED
    return found


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_runs_make_every_order_exactly_once(
    tmp_path: Path, request: pytest.FixtureRequest, stages: list[Stage], database: str
) -> None:
    url = None if database == "sqlite" else request.getfixturevalue("postgresql").new_database()
    controller = Controller(url, tmp_path / "state", tmp_path / "outbox")
    killer, killed, partly = Killer(), 0, 0
    for stage, (staff, expected) in enumerate(stages):
        before = len(orders_in(controller))
        while killed < (stage + 1) * KILLS:
            killed += killer.kill(partial(controller.onboard, f"{stage}-{killed}", staff))
            partly += before < len(orders_in(controller)) < len(expected)
        assert finished(start(partial(controller.onboard, f"{stage}-whole", staff))) == 0
        assert_whole(controller, expected)
    assert killed == ROUNDS * KILLS
    assert partly, "no kill left anything undone"


def test_two_controllers_at_once_make_every_order_exactly_once(
    tmp_path: Path, postgresql: Server, stages: list[Stage]
) -> None:
    """They share the ledger, its key and the outbox, nothing else; one of them is killed."""
    one = Controller(postgresql.new_database(), tmp_path / "one", tmp_path / "outbox")
    with one.ledger():
        other = replace(one, state=shutil.copytree(one.state, tmp_path / "other"))
    killer = Killer()
    for stage, (staff, expected) in enumerate(stages[::2]):
        for kill in range(KILLS // 2):
            beside = start(partial(other.onboard, f"other-{stage}-{kill}", staff))
            killer.kill(partial(one.onboard, f"one-{stage}-{kill}", staff))
            os.kill(beside, signal.SIGKILL)
            finished(beside)
        both = [start(partial(c.onboard, f"{c.state.name}-{stage}", staff)) for c in (one, other)]
        assert [finished(child) for child in both] == [0, 0]
        assert_whole(one, expected)
