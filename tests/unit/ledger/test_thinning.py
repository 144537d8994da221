# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thinning: what is old and nobody needs goes, in SQLite and in PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import seals
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, verify
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.schema import COLUMNS
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.thinning import (
    KINDS,
    parse_retention,
    thin,
)
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers

CLOSED = dt.date(2026, 1, 1)
ALL = dict.fromkeys(KINDS, 1)
Sides = set[tuple[str, str]]


def order(ledger: Ledger, key: str, kind: str = "card", **fields: Any) -> None:
    """An order with particulars and an answer; closed, unless `closed_on` says something else."""
    system = "siths" if kind in ("card", "revocation", "takeover") else "services"
    plain = {name: "" for name in COLUMNS["orders"] if not name.endswith("_on")}
    values = plain | {
        "key": key, "kind": kind, "system": system, "pseudonym": f"p-{key}", "state": "done",
        "level": 0, "protected": 0, "due": None, "closed_on": CLOSED.isoformat(), **fields,
    }  # fmt: skip
    content = json.dumps({"surname": "X", "valid_to": fields.get("valid_to")})
    values.pop("valid_to", None)
    with ledger.transaction() as connection:
        connection.execute(ledger.orders.insert(), [values])
        sides = [(f"p-{key}", side, content) for side in ("order", "answer")]
        seals.add(ledger, connection, ledger.particulars, sides)


def left(ledger: Ledger) -> Sides:
    """What is left: the order's key, and whether its particulars or its answer."""
    with ledger.reading() as connection:
        rows = connection.execute(ledger.particulars.select()).all()
    return {(row.pseudonym.removeprefix("p-"), row.kind) for row in rows}


def closed_on(ledger: Ledger, key: str) -> tuple[str, str | None]:
    with ledger.reading() as connection:
        query = ledger.orders.select().where(ledger.orders.c.key == key)
        row = connection.execute(query).one()
    return row.state, row.closed_on


def audited(ledger: Ledger) -> list[tuple[str, str, str]]:
    with ledger.reading() as connection:
        rows = connection.execute(ledger.audit.select().order_by(ledger.audit.c.seq)).all()
    return [(row.event, row.object, row.result) for row in rows]


def after(days: int) -> dt.date:
    return CLOSED + dt.timedelta(days=days)


def test_particulars_are_thinned_when_their_days_have_passed(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a")
    assert thin(ledger, after(90), {"order": 90}) == 0
    assert thin(ledger, after(91), {"order": 90}) == 1
    assert left(ledger) == {("a", "answer")}


def test_each_kind_has_days_of_its_own(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a")
    order(ledger, "b", "revocation")
    retention = {"order": 10, "answer": 20, "revocation": 30}
    assert thin(ledger, after(11), retention) == 1
    assert left(ledger) == {("a", "answer"), ("b", "order"), ("b", "answer")}
    assert thin(ledger, after(21), retention) == 2
    assert left(ledger) == {("b", "order")}
    assert thin(ledger, after(31), retention) == 1
    assert left(ledger) == set()


def test_open_orders_keep_their_particulars(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a", state="ordered", closed_on=None)
    order(ledger, "b", "leave", state="ordered", closed_on=None)
    assert thin(ledger, after(9999), dict.fromkeys(KINDS, 0)) == 0
    assert len(left(ledger)) == 4


def test_a_kind_without_days_is_kept(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a")
    assert thin(ledger, after(9999), {}) == 0
    assert thin(ledger, after(9999), {"revocation": 0}) == 0
    assert len(left(ledger)) == 2


def test_check_mode_tells_the_same_and_deletes_nothing(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a")
    order(ledger, "b", state="active", closed_on=None, valid_to="2026-01-01")
    before = left(ledger), closed_on(ledger, "b"), audited(ledger)
    assert thin(ledgers.open(check=True), after(2), ALL) == 4
    assert (left(ledger), closed_on(ledger, "b"), audited(ledger)) == before
    assert thin(ledger, after(2), ALL) == 4


def test_thinning_is_noted_by_count_and_leaves_the_chain_valid(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a")
    order(ledger, "b", "revocation")
    assert thin(ledger, after(99), ALL) == 4
    told = [("thinned", "answer", "2"), ("thinned", "order", "1"), ("thinned", "revocation", "1")]
    assert audited(ledger) == told
    assert thin(ledger, after(99), ALL) == 0
    assert audited(ledger) == told
    assert verify(ledger) == []


def test_more_than_a_statement_takes_is_thinned(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    names = [str(number) for number in range(2500)]
    empty: dict[str, Any] = dict.fromkeys(COLUMNS["orders"], "")
    days = dict.fromkeys(["due", "wanted_on", "ordered_on", "sent_on", "active_on", "closed_on"])
    plain = empty | days | {"kind": "card", "system": "siths", "level": 0, "protected": 0}
    orders = [
        plain | {"key": name, "pseudonym": name, "state": "active", "active_on": "2025-01-01"}
        for name in names
    ]
    with ledger.transaction() as connection:
        connection.execute(ledger.orders.insert(), orders)
        content = '{"valid_to": "2026-01-01"}'
        sides = [(name, "answer", content) for name in names]
        seals.add(ledger, connection, ledger.particulars, sides)
    assert thin(ledger, after(2), ALL) == 2500
    assert left(ledger) == set()
    assert closed_on(ledger, "2499") == ("active", "2026-01-01")


def test_what_was_thinned_stands_in_no_file_any_more(sqlite_ledgers: Ledgers) -> None:
    ledger = sqlite_ledgers.open()
    order(ledger, "a")
    ledger.close()
    assert b'{"surname": "X"' in sqlite_ledgers.file.read_bytes()
    later = sqlite_ledgers.open("run-2")
    thin(later, after(99), ALL)
    later.close()
    files = [path for path in sqlite_ledgers.directory.iterdir() if path.is_file()]
    assert all(b'"surname"' not in path.read_bytes() for path in files)


# --- cards ----------------------------------------------------------------------------------------


def test_a_card_that_has_expired_is_closed_by_its_last_day_and_thinned(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    last = {"state": "active", "closed_on": None, "valid_to": "2026-01-01"}
    order(ledger, "a", **last)
    assert thin(ledger, CLOSED, {"order": 10}) == 0
    assert closed_on(ledger, "a") == ("active", None)
    assert thin(ledger, after(10), {"order": 10}) == 0
    assert closed_on(ledger, "a") == ("active", "2026-01-01")
    assert thin(ledger, after(11), {"order": 10, "answer": 11}) == 1
    assert thin(ledger, after(12), {"order": 10, "answer": 11}) == 1
    assert (left(ledger), closed_on(ledger, "a")) == (set(), ("active", "2026-01-01"))


def test_a_card_in_force_keeps_what_is_known_of_it(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a", state="active", closed_on=None, valid_to="2031-01-01")
    order(ledger, "b", state="sent", closed_on=None)
    assert thin(ledger, after(99), dict.fromkeys(KINDS, 0)) == 0
    assert closed_on(ledger, "a") == ("active", None)


# --- services -------------------------------------------------------------------------------------


def thinned(ledger: Ledger) -> set[str]:
    """The keys of orders whose particulars are gone after a long time."""
    before = left(ledger)
    thin(ledger, after(9999), ALL)
    return {key for key, _side in before - left(ledger)}


@pytest.mark.parametrize(
    "kind", ["join", "guest", "membership", "connection", "agreement", "extension", "attendant"]
)
def test_a_service_in_force_keeps_what_a_change_is_found_by(
    sqlite_ledgers: Ledgers, kind: str
) -> None:
    ledger = sqlite_ledgers.open()
    order(ledger, "a", kind)
    assert thinned(ledger) == set()


@pytest.mark.parametrize("kind", ["leave", "guest_end", "membership_end", "terminate"])
def test_what_was_ended_is_thinned_with_the_order_that_ended_it(
    sqlite_ledgers: Ledgers, kind: str
) -> None:
    ledger = sqlite_ledgers.open()
    order(ledger, "a", "join")
    order(ledger, "b", "change", follows="a")
    order(ledger, "c", kind, follows="b")
    assert thinned(ledger) == {"a", "b", "c"}


def test_what_was_changed_is_thinned_and_the_change_stays(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a", "join")
    order(ledger, "b", "change", follows="a", state="cancelled")
    order(ledger, "c", "change", follows="b", state="ordered", closed_on=None)
    order(ledger, "d", "change", follows="c")
    assert thinned(ledger) == {"a", "b"}
    assert ("d", "order") in left(ledger)


@pytest.mark.parametrize("state", ["refused", "cancelled"])
def test_what_came_to_nothing_is_thinned_and_what_it_followed_stays(
    sqlite_ledgers: Ledgers, state: str
) -> None:
    ledger = sqlite_ledgers.open()
    order(ledger, "a", "join")
    order(ledger, "b", "change", follows="a", state=state)
    assert thinned(ledger) == {"b"}


def test_an_end_that_is_not_carried_out_thins_nothing(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a", "join")
    order(ledger, "b", "leave", follows="a", state="ordered", closed_on=None)
    assert thinned(ledger) == set()


def test_answers_about_services_are_codes_and_stay(ledgers: Ledgers) -> None:
    ledger = ledgers.open()
    order(ledger, "a", "leave")
    assert thin(ledger, after(99), ALL) == 1
    assert left(ledger) == {("a", "answer")}


# --- configuration --------------------------------------------------------------------------------


def test_days_are_read_as_they_are_configured() -> None:
    assert parse_retention({}) == {}
    assert parse_retention({"order": 0, "answer": "90"}) == {"order": 0, "answer": 90}


@pytest.mark.parametrize("days", [-1, True, 1.5, 90.0, None, "", "90 days", "-1", [], 10**9])
def test_what_is_no_whole_number_of_days_is_refused(days: Any) -> None:
    with pytest.raises(ValueError, match="whole numbers of days, 0 or more"):
        parse_retention({"order": days})


@given(st.text(min_size=1).filter(lambda kind: kind not in KINDS))
def test_an_unknown_kind_is_named_with_those_that_there_are(kind: str) -> None:
    with pytest.raises(ValueError, match="expected in retention answer, order, revocation") as told:
        parse_retention({"order": 1, kind: 1})
    assert kind in str(told.value)
