# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of orders: nobody but the ledger can tell them, and those of before keep working."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    TODAY,
    assignment,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.user_builders import staff
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import Services
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import Siths

SECRET, OTHER = "ab" * 32, "cd" * 32
DAY = dt.timedelta(days=1)


def with_card(**card: Any) -> Any:
    """Somebody who is to have a card."""
    wish = {"kind": "ordinary", "loa": 3, **card}
    return record("alfa", [person(1, assignment(since="2026-04-01"), cards=[wish])])


def keys(orders: Iterable[Order]) -> set[str]:
    return {order.key for order in orders}


@pytest.mark.parametrize("of", ["siths", "services"])
def test_a_number_follows_from_the_ledgers_secret(of: str) -> None:
    made = {}
    for secret in ("", SECRET, OTHER, SECRET):
        ledger: Any = Siths() if of == "siths" else Services()
        ledger.secret = secret
        bring = ledger.bring if of == "siths" else ledger.run
        orders = bring(with_card() if of == "siths" else staff(uses(ECG)))
        known = made.setdefault(secret, keys(orders))
        assert (known == keys(orders), len(known)) == (True, len(orders))
    assert all(made.values())
    assert len(set().union(*made.values())) == sum(map(len, made.values()))


def test_cards_of_before_there_was_a_secret_are_ordered_once_and_followed() -> None:
    siths = Siths()
    (card,) = siths.bring(with_card())
    siths.secret = SECRET
    assert siths.bring(with_card()) == []
    siths.activate(card, TODAY)
    assert siths.bring(with_card(), day=TODAY + DAY) == []
    lost = with_card(lost=str(TODAY + DAY))
    revoked, replaced = sorted(
        siths.bring(lost, day=TODAY + DAY), key=lambda o: o.kind != "revocation"
    )
    assert (revoked.kind, revoked.follows, replaced.follows) == ("revocation", card.key, card.key)
    assert siths.bring(lost, day=TODAY + DAY) == []
    plain = Siths()
    (same,) = plain.bring(with_card())
    plain.activate(same, TODAY)
    told = keys(plain.bring(lost, day=TODAY + DAY))
    assert (same.key == card.key, told.isdisjoint({revoked.key, replaced.key})) == (True, True)


def test_a_revocation_of_before_that_was_refused_is_not_made_again() -> None:
    siths = Siths()
    siths.issue(with_card(), day=TODAY)
    gone = record("alfa", [person(1, assignment(since="2026-04-01", to="2026-04-30"), cards=[])])
    (revoked,) = siths.bring(gone, day=dt.date(2026, 5, 1))
    siths.answer(revoked, "refused", dt.date(2026, 5, 2))
    siths.secret = SECRET
    assert siths.bring(gone, day=dt.date(2026, 5, 3)) == []


def test_services_of_before_there_was_a_secret_are_ordered_once_changed_and_ended() -> None:
    plain, services = Services(), Services()
    for ledger in (plain, services):
        ledger.run(staff(uses(JOURNAL, ECG)))
    before = keys(services.held.values())
    services.secret = SECRET
    assert services.run(staff(uses(JOURNAL, ECG))) == []
    for ledger in (plain, services):
        ledger.run(staff(uses(JOURNAL)), day=TODAY + DAY)
        ledger.run(staff(uses(JOURNAL, ECG)), day=TODAY + 2 * DAY)
        assert ledger.run(staff(uses(JOURNAL, ECG)), day=TODAY + 2 * DAY) == []
    new = keys(services.held.values()) - before
    assert len(new) == len(plain.held) - len(before) == 2
    assert new.isdisjoint(plain.held)
