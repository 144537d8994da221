# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds and grants as people place, lift and list them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import (
    Ledger,
    LedgerError,
    Run,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import user_of
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
        "until": None, "providers": ["alfa"], "grant_days": 14, "grants_by_two": False,
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
        ({"reason": number(1)}, "a personal number"),
        ({"reason": f"{number(1)[2:8]}-{number(1)[8:]}"}, "a personal number"),
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


# --- how long a grant may last -------------------------------------------------------------------

LAST = TODAY + dt.timedelta(days=13)


def test_a_grant_lasts_at_most_so_many_days_from_its_first(ledger: Ledger) -> None:
    grant = {"kind": "grant", "reason": "B1"}
    for since, until, most in ((None, LAST, 14), (str(TOMORROW), TOMORROW, 1)):
        days = {"since": since, "until": str(until + dt.timedelta(days=1)), "grant_days": most}
        with pytest.raises(ValueError, match=f"at most {most} days from its first"):
            asked(ledger, **grant, **days)
    assert asked(ledger, **grant, until=str(LAST))["changed"]


def test_a_grant_is_not_made_longer_than_that_while_it_is_in_force(ledger: Ledger) -> None:
    grant = {"kind": "grant", "reason": "B1"}
    asked(ledger, **grant, until=str(LAST))
    with pytest.raises(ValueError, match="at most 14 days"):
        asked(ledger, day=TOMORROW, **grant, until=str(LAST + dt.timedelta(days=1)))


def test_a_grant_begins_no_earlier_than_today(ledger: Ledger) -> None:
    yesterday = str(TODAY - dt.timedelta(days=1))
    grant = {"kind": "grant", "reason": "B1", "until": str(TOMORROW)}
    with pytest.raises(ValueError, match="today or later"):
        asked(ledger, **grant, since=yesterday)
    asked(ledger, **grant)
    # Placed again, it has begun before.
    assert not asked(ledger, day=TOMORROW, **grant, since=str(TODAY))["changed"]


def test_a_hold_may_have_begun_and_lasts_as_long_as_it_must(ledger: Ledger) -> None:
    assert asked(ledger, since="2025-01-01", until="2030-01-01", grant_days=1)["changed"]


# --- a second person -----------------------------------------------------------------------------

SECOND = {"kind": "grant", "reason": "B1", "until": str(TOMORROW), "grants_by_two": True}


@pytest.fixture
def others_ledger(sqlite_ledgers: Ledgers, ledger: Ledger) -> Iterator[Ledger]:
    """The same ledger, opened by another user on another controller."""
    run = Run("run-2", "berit@other (anna)", TODAY)
    with Ledger(None, ledger.directory, run) as opened:
        yield opened


def granted(ledger: Ledger, day: dt.date = TODAY) -> bool:
    """Whether the nurse has a grant in force."""
    grant = ledger.decisions().grant([NURSE], day)
    return grant is not None and grant.is_in_force(day)


def test_a_grant_by_two_counts_once_another_user_has_confirmed_it(
    ledger: Ledger, others_ledger: Ledger
) -> None:
    (placed,) = asked(ledger, **SECOND)["holds"]
    assert (placed["waits"], placed["confirmed_by"], granted(ledger)) == (True, "", False)
    with pytest.raises(LedgerError, match="another user"):
        asked(ledger, state="confirmed", until=str(TOMORROW))
    assert not granted(ledger)

    confirmed = asked(others_ledger, state="confirmed", until=str(TOMORROW))

    assert confirmed["changed"]
    (shown,) = confirmed["holds"]
    assert (shown["waits"], shown["confirmed_by"]) == (False, "berit@other (anna)")
    assert granted(ledger)
    assert not asked(others_ledger, state="confirmed", until=str(TOMORROW))["changed"]
    assert not asked(ledger, **SECOND)["changed"]
    assert granted(ledger)


def test_who_claims_to_be_another_is_the_same_user(ledger: Ledger) -> None:
    asked(ledger, **SECOND)
    run = Run("run-2", "anna@elsewhere (berit)", TODAY)
    with (
        Ledger(None, ledger.directory, run) as claiming,
        pytest.raises(LedgerError, match="another user"),
    ):
        asked(claiming, state="confirmed", until=str(TOMORROW))


def test_what_was_changed_meanwhile_is_not_confirmed(ledger: Ledger, others_ledger: Ledger) -> None:
    asked(ledger, **SECOND)
    asked(ledger, **{**SECOND, "until": str(LAST)})
    with pytest.raises(LedgerError, match="no grant of this person with this last day"):
        asked(others_ledger, state="confirmed", until=str(TOMORROW))
    assert not granted(ledger)


def test_a_confirmed_grant_that_is_changed_waits_anew(
    ledger: Ledger, others_ledger: Ledger
) -> None:
    asked(ledger, **SECOND)
    asked(others_ledger, state="confirmed", until=str(TOMORROW))
    asked(ledger, **{**SECOND, "until": str(LAST)})
    assert not granted(ledger)


def test_placed_again_without_the_option_a_grant_still_waits(ledger: Ledger) -> None:
    asked(ledger, **SECOND)
    assert not asked(ledger, **{**SECOND, "grants_by_two": False})["changed"]
    assert not granted(ledger)


def test_a_lifted_grant_and_none_cannot_be_confirmed(ledger: Ledger, others_ledger: Ledger) -> None:
    for _time in range(2):
        with pytest.raises(LedgerError, match="no grant of this person"):
            asked(others_ledger, state="confirmed", until=str(TOMORROW))
        asked(ledger, **SECOND)
        asked(ledger, kind="grant", state="lifted")


def test_a_check_says_what_would_be_confirmed_and_confirms_nothing(
    sqlite_ledgers: Ledgers, ledger: Ledger
) -> None:
    asked(ledger, **SECOND)
    run = Run("run-2", "berit@other", TODAY)
    with Ledger(None, ledger.directory, run, check=True) as check:
        assert asked(check, state="confirmed", until=str(TOMORROW))["changed"]
    assert not granted(ledger)


def test_a_hold_needs_no_second_person(ledger: Ledger) -> None:
    asked(ledger, grants_by_two=True)
    assert ledger.decisions().is_held([NURSE], "alfa", TODAY)


def test_the_log_tells_who_confirmed_what(ledger: Ledger, others_ledger: Ledger) -> None:
    asked(ledger, **SECOND)
    asked(others_ledger, state="confirmed", until=str(TOMORROW))
    with ledger.reading() as connection:
        log = connection.execute(ledger.audit.select().order_by(ledger.audit.c.seq)).all()
    days = f"B1 since {TODAY} until {TOMORROW}"
    assert [(row.event, row.by, row.operation, row.result) for row in log] == [
        ("grant", "anna@controller", "place", f"{days}, unconfirmed"),
        ("grant", "berit@other (anna)", "confirm", days),
    ]


def test_a_user_whose_name_has_blanks_is_one_user_whatever_is_claimed() -> None:
    for by, user in {
        "anna@host": "anna",
        "anna@host (berit)": "anna",
        "anna@host (a@b)": "anna",
        "REGION\\Anna Ek@host (berit)": "REGION\\Anna Ek",
        "Anna Ek@region@host (cia)": "Anna Ek@region",
    }.items():
        assert user_of(by) == user
