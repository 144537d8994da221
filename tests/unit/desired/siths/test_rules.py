# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may have which card."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.siths.rules import (
    administrators,
    ineligible,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import CardWish
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    coordination_number,
    number,
)

# Born on 1900-02-01 and, as a samordningsnummer, the same day.
NUMBER, COORDINATION = number(31), coordination_number(31)


def wish(**fields: Any) -> CardWish:
    """A card that is wished."""
    return CardWish(**fields)


@pytest.mark.parametrize("kind", ["ordinary", "reserve", "mobile"])
@pytest.mark.parametrize(("loa", "birthday"), [(3, dt.date(1918, 2, 1)), (2, dt.date(1915, 2, 1))])
def test_a_card_is_for_those_who_have_reached_its_age(
    kind: Any, loa: Any, birthday: dt.date
) -> None:
    card = wish(kind=kind, loa=loa)
    too_young = ineligible(NUMBER, card, birthday - dt.timedelta(days=1))
    assert too_young is not None
    assert f"{birthday.year - 1900} years" in too_young
    assert ineligible(NUMBER, card, birthday) is None


@pytest.mark.parametrize("kind", ["ordinary", "reserve", "mobile"])
def test_with_a_samordningsnummer_there_are_cards_on_level_2_alone(kind: Any) -> None:
    assert ineligible(COORDINATION, wish(kind=kind, loa=2), TODAY) is None
    reason = ineligible(COORDINATION, wish(kind=kind, loa=3), TODAY)
    assert reason is not None
    assert "samordningsnummer" in reason


def test_the_age_goes_by_the_day_of_birth_in_a_samordningsnummer_too() -> None:
    card = wish(loa=2)
    assert ineligible(COORDINATION, card, dt.date(1915, 1, 31)) is not None
    assert ineligible(COORDINATION, card, dt.date(1915, 2, 1)) is None


# On what day somebody with an open day of birth is old enough for level 2 for certain.
@pytest.mark.parametrize(
    ("own", "birthday"),
    [
        ("191500722390", dt.date(1930, 12, 31)),  # no month
        ("191711602399", dt.date(1932, 11, 30)),  # no day
        ("198000602394", dt.date(1995, 12, 31)),  # neither
        ("192004912388", dt.date(1935, 4, 30)),  # a day that April does not have
    ],
)
def test_who_may_be_too_young_gets_no_card(own: str, birthday: dt.date) -> None:
    card = wish(loa=2)
    reason = ineligible(own, card, birthday - dt.timedelta(days=1)) or ""
    assert "15 years" in reason
    assert "leaves open" in reason
    assert ineligible(own, card, birthday) is None
    too_young = ineligible(own, card, dt.date(birthday.year - 1, 1, 1)) or ""
    assert "15 years" in too_young
    assert "leaves open" not in too_young
    assert "samordningsnummer" in (ineligible(own, wish(loa=3), TODAY) or "")


def test_a_reserve_card_on_level_3_takes_two_administrators() -> None:
    assert administrators("reserve", 3) == 2
    assert administrators("reserve", 2) == 1
    assert administrators("ordinary", 3) == 1


@given(st.integers(0, 20_000), st.sampled_from([2, 3]), st.dates(dt.date(1900, 1, 1)))
def test_who_may_have_a_card_may_have_it_ever_after(index: int, loa: Any, day: dt.date) -> None:
    later = max(day, dt.date(2026, 1, 1))
    if ineligible(number(index), wish(loa=loa), day) is None:
        assert ineligible(number(index), wish(loa=loa), later) is None


@given(st.integers(0, 20_000), st.sampled_from([2, 3]), st.dates(dt.date(1900, 1, 1)))
def test_a_reason_never_tells_the_number(index: int, loa: Any, day: dt.date) -> None:
    for own in (number(index), coordination_number(index)):
        reason = ineligible(own, wish(loa=loa), day) or ""
        assert own not in reason
        assert own[2:8] not in reason
