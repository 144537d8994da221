# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a day in a record explains a loss."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.losses import (
    end_explains,
    explains,
    provider_explains,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, record


def ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days)


@pytest.mark.parametrize(
    ("day", "last_run", "explained"),
    [
        (ago(31), None, True),
        (ago(32), None, False),
        (ago(8), ago(1), True),
        (ago(9), ago(1), False),
        # However long no run was made, what it could not know is carried out.
        (ago(90), ago(83), True),
        (ago(91), ago(83), False),
    ],
)
def test_a_day_explains_for_a_week_before_the_last_run_or_a_month_without_any(
    day: dt.date, last_run: dt.date | None, explained: bool
) -> None:
    assert explains(day, TODAY, last_run) is explained
    assert end_explains(day, TODAY, last_run) is explained
    assert provider_explains(record(agreement={"ends": str(day)}), TODAY, last_run) is explained


def test_no_end_explains_anything_before_it_has_passed() -> None:
    for last_run in (None, TODAY, ago(1)):
        assert end_explains(None, TODAY, last_run) is False
        assert end_explains(TODAY, TODAY, last_run) is False
        assert provider_explains(record(agreement={"ends": str(TODAY)}), TODAY, last_run) is False
        assert provider_explains(record(phase="ended"), TODAY, last_run) is True


def test_an_end_explains_nothing_of_an_agreement_that_is_not_signed() -> None:
    applying = record(phase="application", agreement={"ends": str(ago(1))})
    assert provider_explains(applying, TODAY, None) is False
