# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of cards that let their holders in, as answers and orders tell of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.certificates import (
    mappings_by_person,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.thinning import thin
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.certificates import (
    certificates,
    known_certificates,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import Terms
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    CERTIFICATE,
    VALID_TO,
    Open,
    asked,
    card,
    held,
    key,
    leave,
    line,
    make,
    ordered,
    revocation,
    run,
)


def known(opened: Open, as_of: dt.date = TODAY) -> dict[str, list[dict[str, str]]]:
    return certificates(opened(run(as_of), check=True))


def test_the_certificate_of_a_card_in_force_is_its_holders(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card("annas"), card("annas reserve", level=2, subject="reserve"))
    leave(
        inbox,
        line("annas", **CERTIFICATE),
        line("annas reserve", number="5678", ski="CD"),
    )
    receipts.apply(opened(), inbox)
    found = known(opened)
    assert set(found) == {ANNA}
    assert sorted(found[ANNA], key=lambda each: each["ski"]) == [
        {"hsa_id": ANNA, **CERTIFICATE},
        {"hsa_id": ANNA, "issuer": "", "serial": "", "ski": "CD"},
    ]


def test_one_way_to_know_a_certificate_is_given_and_ad_takes_it(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(issuer="CN=SITHS CA v1,O=Inera AB,C=SE", serial="0a:1b", ski="AB"))
    receipts.apply(opened(), inbox)
    assert mappings_by_person(known(opened)) == {
        ANNA.casefold(): ("X509:<I>C=SE,O=Inera AB,CN=SITHS CA v1<SR>1B0A",)
    }


def test_somebody_of_whom_no_certificate_is_known_is_not_in_it(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card("annas"), card("bos", object=BO))
    leave(inbox, line("annas"))
    receipts.apply(opened(), inbox)
    assert known(opened) == {}


def test_a_card_counts_until_its_last_day(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    last = dt.date.fromisoformat(VALID_TO)
    assert known(opened, last) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}]}
    assert known(opened, last + dt.timedelta(days=1)) == {ANNA: []}


def test_a_certificate_is_known_when_its_card_is_over_until_it_is_thinned(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    over = dt.date.fromisoformat(VALID_TO) + dt.timedelta(days=40)
    later = opened(run(over), check=True)
    assert known_certificates(later) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}]}
    assert certificates(later) == {ANNA: []}
    assert thin(opened(run(over)), over, {"answer": 30})
    assert known_certificates(opened(run(over), check=True)) == {}


@pytest.mark.parametrize(
    ("state", "cause", "counts"),
    [
        ("wanted", "left", False),
        ("ordered", "replaced", False),
        ("cancelled", "lost", True),
        ("refused", "replaced", True),
        ("refused", "lost", False),
        ("refused", "returned", False),
        ("refused", "left", False),
    ],
)
def test_a_card_counts_no_more_once_its_revocation_is_asked_for(
    opened: Open, inbox: Path, state: Any, cause: str, counts: bool
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    ordered(opened, inbox, replace(revocation(), state=state, cause=cause))
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}] if counts else []}


def test_a_certificate_that_is_told_anew_takes_the_place_of_the_one_before(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    leave(inbox, line(day="2026-02-25", ski="BB"))
    waits = receipts.apply(opened(), inbox)
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}]}
    receipts.apply(opened(), inbox, Terms(expected=asked(waits)))
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, "issuer": "", "serial": "", "ski": "BB"}]}


def test_a_card_that_was_closed_as_expired_and_has_another_last_day_is_in_force(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(valid_to="2026-02-28", **CERTIFICATE))
    receipts.apply(opened(), inbox)
    thin(opened(), TODAY, {"answer": 30})
    (closed,) = held(opened(), inbox.parent / "outbox").values()
    leave(inbox, line(day="2026-02-21", **CERTIFICATE))
    waits = receipts.apply(opened(), inbox)
    receipts.apply(opened(), inbox, Terms(expected=asked(waits)))
    (order,) = held(opened(), inbox.parent / "outbox").values()
    assert (closed.closed_on, order.closed_on) == (dt.date(2026, 2, 28), None)
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}]}


def test_a_card_whose_life_is_over_leaves_its_holder_without(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE), line(state="utförd", day="2026-02-25"))
    receipts.apply(opened(), inbox)
    assert known(opened) == {ANNA: []}


@pytest.mark.parametrize(
    ("cause", "is_refused"),
    [
        ("lost", False),
        ("lost", True),
        ("left", False),
        ("left", True),
        ("returned", False),
        ("returned", True),
        ("replaced", False),
    ],
)
def test_a_card_that_was_taken_over_and_is_to_be_revoked_later_counts_no_more(
    opened: Open, inbox: Path, cause: str, is_refused: bool
) -> None:
    """The takeover answers the refused revocation before it, and none that comes after."""
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    takeover = card("to alfa", kind="takeover", cause="moved", follows=key("card"), provider="alfa")
    ordered(opened, inbox, replace(revocation(), state="refused"), takeover)
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}]}
    make(opened(), inbox.parent / "outbox", [revocation(key=key("later"), cause=cause)])
    if is_refused:
        leave(inbox, line("later", "avslagen", str(TODAY)))
        assert receipts.apply(opened(), inbox).rejected == ()
    assert known(opened) == {ANNA: []}


@pytest.mark.parametrize(("cause", "counts"), [("left", True), ("lost", False)])
def test_a_card_that_was_taken_over_after_a_refused_revocation_counts_again(
    opened: Open, inbox: Path, cause: str, counts: bool
) -> None:
    """Its holder had left one provider, and the next one's record came days later."""
    ordered(opened, inbox, card())
    leave(inbox, line(**CERTIFICATE))
    receipts.apply(opened(), inbox)
    first, second = (
        card(name, kind="takeover", cause="moved", follows=key(follows), provider="alfa")
        for name, follows in (("to alfa", "card"), ("to beta", "to alfa"))
    )
    ordered(opened, inbox, replace(revocation(), state="refused", cause=cause), first, second)
    assert known(opened) == {ANNA: [{"hsa_id": ANNA, **CERTIFICATE}] if counts else []}
