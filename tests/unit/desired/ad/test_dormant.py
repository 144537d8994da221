# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that nobody logs on with."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.codecs import (
    day_of_ticks,
    day_of_time,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import AD_LAYOUT, Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    number,
    person,
    record,
    uses,
)

ALFA = record(people=[person(1, uses())])
LATER = TODAY + dt.timedelta(days=400)


def ticks(day: dt.date) -> str:
    """Noon of a day, as lastLogonTimestamp has it."""
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
    return str(int((noon - dt.datetime(1601, 1, 1, tzinfo=dt.UTC)).total_seconds()) * 10_000_000)


def before(days: int) -> dt.date:
    return LATER - dt.timedelta(days=days)


def told(world: Ad, *records: Record, **said: str) -> list[str]:
    """What is said of the account on a day on which it was open for long."""
    world.change(world.account(number(1)), **said)
    desired = world.desired(*(records or (ALFA,)), day=LATER)
    return [f.message for f in desired.findings if f.code == "dormant_account"]


@pytest.fixture(name="world")
def _world(world: Ad) -> Ad:
    world.bring(ALFA)
    return world


@pytest.mark.parametrize(("days", "is_told"), [(90, False), (91, True)])
def test_the_last_logon_counts(world: Ad, days: int, is_told: bool) -> None:
    made = {"whenCreated": "20200101120000.0Z"}
    messages = told(world, lastLogonTimestamp=ticks(before(days)), **made)
    expected = f"it is enabled, and nobody has logged on with it since {before(days)}"
    assert messages == [expected] * is_told


@pytest.mark.parametrize("never", [{}, {"lastLogonTimestamp": "0"}])
@pytest.mark.parametrize(("days", "is_told"), [(90, False), (91, True)])
def test_without_a_logon_its_making_counts(
    world: Ad, never: dict[str, str], days: int, is_told: bool
) -> None:
    messages = told(world, whenCreated=f"{before(days):%Y%m%d}120000.0Z", **never)
    assert bool(messages) is is_told
    assert all("ever, and it was made on" in message for message in messages)


def test_what_the_service_account_may_not_read_tells_nothing(world: Ad) -> None:
    assert told(world) == []
    assert told(world, lastLogonTimestamp="x", whenCreated="y") == []


def test_a_disabled_account_is_not_told(world: Ad) -> None:
    world.disable_by_hand(number(1))
    assert told(world, whenCreated="20200101120000.0Z") == []


def test_an_account_that_was_opened_lately_is_not_told(world: Ad) -> None:
    begun = record(people=[person(1, uses(**{"from": str(before(90))}))])
    assert told(world, begun, whenCreated="20200101120000.0Z") == []
    back = {"from": str(before(300)), "to": str(before(10))}
    returned = record(people=[person(1, uses(suspended=back))])
    assert told(world, returned, lastLogonTimestamp=ticks(before(310))) == []


def test_the_days_are_configured(world: Ad) -> None:
    world.layout = replace(world.layout, dormant_days=9)
    assert len(told(world, lastLogonTimestamp=ticks(before(10)))) == 1
    with pytest.raises(ValueError, match="dormant_days"):
        replace(AD_LAYOUT, dormant_days=0)


def test_days_are_those_of_the_region() -> None:
    assert day_of_time("20260302233000.0Z") == dt.date(2026, 3, 3)
    assert day_of_ticks("132514404000000000") == dt.date(2020, 12, 3)
    assert day_of_ticks("9223372036854775807") is None
    assert day_of_ticks(None) is day_of_time(None) is None
