# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cards are out: what HSA's archiving waits for."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order, State
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.cards_out import waiting

TODAY = dt.date(2026, 3, 2)
CARD = Order(
    key="AAAA", kind="card", recipient="ra_organisation", provider="alfa",
    object="SE2321000214-HV000001", subject="ordinary", state="active",
    ordered_on=dt.date(2026, 1, 1), active_on=dt.date(2026, 1, 20),
    answer={"valid_to": "2031-03-31"},
)  # fmt: skip
REVOCATION = Order(
    key="BBBB", kind="revocation", recipient="ra_organisation", provider="alfa",
    object=CARD.object, subject="ordinary", cause="left", follows="AAAA", state="ordered",
    ordered_on=dt.date(2026, 3, 1),
)  # fmt: skip


def told(*orders: Order) -> list[str]:
    return [words for theirs in waiting(orders, TODAY).values() for words in theirs]


@pytest.mark.parametrize("state", ["wanted", "ordered", "sent", "active"])
def test_a_card_is_out_until_somebody_asks_for_its_revocation(state: State) -> None:
    assert told(replace(CARD, state=state)) == [
        "the revocation of the ordinary card, which is not ordered yet"
    ]


@pytest.mark.parametrize("state", ["refused", "cancelled", "done"])
def test_a_card_that_never_came_or_is_over_is_not_out(state: State) -> None:
    assert told(replace(CARD, state=state)) == []


def test_a_card_that_has_expired_is_not_out() -> None:
    assert told(replace(CARD, answer={"valid_to": "2026-03-01"})) == []
    assert told(replace(CARD, answer={"valid_to": "2026-03-02"}))


def test_a_card_is_out_until_its_revocation_is_confirmed() -> None:
    assert told(CARD, REVOCATION) == [
        "the revocation of the ordinary card, which was ordered on 2026-03-01 and ra_organisation "
        "has not confirmed"
    ]
    assert told(CARD, replace(REVOCATION, state="done", closed_on=TODAY)) == []


def test_a_card_whose_revocation_is_refused_is_out() -> None:
    refused = replace(REVOCATION, state="refused", closed_on=TODAY)
    assert told(CARD, refused) == [
        "the revocation of the ordinary card, which ra_organisation refused on 2026-03-02"
    ]


def test_each_card_of_a_person_counts_by_the_hsa_id_whatever_its_case() -> None:
    other = replace(
        CARD, key="CCCC", subject="reserve", object=CARD.object.lower(), state="ordered"
    )
    done = replace(REVOCATION, state="done", closed_on=TODAY)
    assert waiting([CARD, done, other], TODAY) == {
        CARD.object.casefold(): ("the revocation of the reserve card, which is not ordered yet",)
    }
