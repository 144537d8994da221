# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds and grants as people place, lift and list them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.hold import decide
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number

NURSE = "SE2321000214-HV000001"
TOMORROW = TODAY + dt.timedelta(days=1)


@pytest.fixture
def ledger(sqlite_ledgers: Ledgers) -> Ledger:
    """A ledger whose runs have seen the nurse in HSA."""
    ledger = sqlite_ledgers.open()
    ledger.keep("ldaps://hsa", {number(1): NURSE})
    return ledger


def asked(ledger: Ledger, day: dt.date = TODAY, **options: Any) -> dict[str, Any]:
    """What the module returns; `object` is the nurse unless given."""
    plain: dict[str, Any] = {
        "state": "placed", "object": NURSE, "kind": "hold", "reason": "H2", "since": None,
        "until": None, "providers": ["alfa"],
    }  # fmt: skip
    return decide({**plain, **options}, ledger, day)


def test_a_hold_is_placed_listed_and_lifted(ledger: Ledger) -> None:
    placed = asked(ledger)
    assert placed["changed"] is True
    assert [(h["object"], h["kind"], h["since"], h["until"]) for h in placed["holds"]] == [
        (NURSE, "hold", str(TODAY), "")
    ]
    assert asked(ledger, state="listed")["holds"] == placed["holds"]
    assert asked(ledger, state="lifted") == {"changed": True, "holds": []}
    assert asked(ledger, state="lifted")["changed"] is False


def test_placed_again_on_a_later_day_it_changes_nothing(ledger: Ledger) -> None:
    asked(ledger)
    assert asked(ledger, day=TOMORROW)["changed"] is False
    assert ledger.decisions().is_held([NURSE], "alfa", TODAY)


def test_a_hold_names_a_provider_too_and_a_grant_does_not(ledger: Ledger) -> None:
    assert asked(ledger, object="alfa")["changed"]
    with pytest.raises(ValueError, match="of a grant the HSA-id of a person"):
        asked(ledger, object="alfa", kind="grant", until=str(TODAY))


@pytest.mark.parametrize("wrong", [number(1), "SE2321000214-HV999999", "beta", ""])
def test_who_no_run_has_seen_is_an_error_that_does_not_repeat_the_text(
    ledger: Ledger, wrong: str
) -> None:
    with pytest.raises(ValueError, match="expected as object") as error:
        asked(ledger, object=wrong)
    assert not wrong or wrong not in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "grant"}, "of a grant"),
        ({"reason": "sjuk sedan i mars"}, "a code"),
        ({"reason": ""}, "a code"),
        ({"since": "2026-03-10", "until": "2026-03-09"}, "until not to lie before"),
        ({"until": "2026-03-01"}, "until not to lie before"),
        ({"since": "i morgon"}, "expected since as a day"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    ledger: Ledger, options: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        asked(ledger, **options)
    assert ledger.decisions().holds == ()


def test_a_later_first_day_does_not_lift_one_that_is_in_force(ledger: Ledger) -> None:
    asked(ledger)
    with pytest.raises(ValueError, match="must be lifted first"):
        asked(ledger, day=TOMORROW, since="2026-04-01")
    assert ledger.decisions().is_held([NURSE], "alfa", TOMORROW)


def test_a_hold_can_be_placed_ahead_and_its_first_day_moved(ledger: Ledger) -> None:
    asked(ledger, since="2026-04-01")
    assert asked(ledger, since="2026-05-01")["holds"][0]["since"] == "2026-05-01"
    assert not ledger.decisions().is_held([NURSE], "alfa", TOMORROW)


def test_a_grant_ends_by_itself_and_can_be_made_longer(ledger: Ledger) -> None:
    asked(ledger, kind="grant", reason="B1", until=str(TODAY))
    assert asked(ledger, kind="grant", reason="B1", until=str(TOMORROW))["changed"]
    assert asked(ledger, day=TOMORROW + dt.timedelta(days=1), state="listed")["holds"] == []
