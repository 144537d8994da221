# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receipt makes of an order: every state it may come to, and every contradiction."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.inbox import Receipt
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipt_rules import (
    Contradiction,
    follow,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    card,
    join,
    revocation,
)

LEFT = TODAY - dt.timedelta(days=20)
VALID_TO = dt.date(2031, 3, 1)
KNOWN = {"card_number": "1234", "valid_to": VALID_TO.isoformat()}


def days(number: int) -> dt.date:
    """So many days after the order left."""
    return LEFT + dt.timedelta(days=number)


def ordered(order: Order = card(), **changes: Any) -> Order:  # noqa: B008 - it is frozen
    """An order that has left."""
    return replace(order, **{"state": "ordered", "wanted_on": LEFT, "ordered_on": LEFT, **changes})


NAMED = {"issuer": "CN=CA,O=X", "serial": "0A0B", "ski": "AB"}

SENT = ordered(state="sent", sent_on=days(5))
ACTIVE = ordered(state="active", sent_on=days(5), active_on=days(9), answer=KNOWN)
REVOKED = replace(ACTIVE, state="done", closed_on=days(15))
REFUSED = ordered(state="refused", closed_on=days(3))


def said(state: Any, day: int = 10, **fields: Any) -> Receipt:
    """A receipt that comes so many days after the order left."""
    if state == "active":
        fields = {"card_number": "1234", "valid_to": VALID_TO, **fields}
    return Receipt(order=card().key, state=state, day=days(day), **fields)


def after(order: Order, receipt: Receipt, of: Order | None = None) -> Order:
    return follow(order, receipt, TODAY, of)


@pytest.mark.parametrize(
    ("order", "state"),
    [
        (ordered(), "sent"),
        (ordered(), "active"),
        (ordered(), "refused"),
        (SENT, "active"),
        (SENT, "refused"),
        (ACTIVE, "done"),
        (ordered(revocation()), "done"),
        (ordered(revocation()), "refused"),
        (ordered(join()), "done"),
        (ordered(join()), "refused"),
    ],
)
def test_an_order_comes_to_the_states_that_follow(order: Order, state: str) -> None:
    changed = after(order, said(state))
    assert changed.state == state
    column = {"sent": "sent_on", "active": "active_on"}.get(state, "closed_on")
    assert getattr(changed, column) == days(10)
    assert replace(changed, state=order.state, answer=order.answer, **{column: None}) == order


@pytest.mark.parametrize(
    ("order", "state", "expected"),
    [
        (ordered(), "done", "sent or active or refused"),
        (SENT, "done", "active or refused"),
        (ACTIVE, "refused", "done"),
        (REVOKED, "refused", "nothing more"),
        (REFUSED, "sent", "nothing more"),
        (REFUSED, "active", "nothing more"),
        (REFUSED, "done", "nothing more"),
        (ordered(state="done", closed_on=days(3)), "active", "nothing more"),
        (ordered(revocation()), "sent", "done or refused"),
        (ordered(join()), "active", "done or refused"),
        (ordered(join(), state="done", closed_on=days(9)), "refused", "nothing more"),
    ],
)
def test_a_state_that_cannot_follow_is_a_contradiction(
    order: Order, state: str, expected: str
) -> None:
    with pytest.raises(Contradiction, match=rf"^state: expected {expected}: the order is"):
        after(order, said(state))


@pytest.mark.parametrize("state", ["wanted", "cancelled"])
def test_nothing_comes_of_an_order_that_has_not_left(state: str) -> None:
    order = ordered(state=state, ordered_on=None)
    with pytest.raises(Contradiction, match=r"^order: expected one that has left"):
        after(order, said("sent"))


@pytest.mark.parametrize("day", [-1, 21])
def test_a_day_before_the_order_left_or_ahead_is_a_contradiction(day: int) -> None:
    with pytest.raises(Contradiction, match=r"^day: expected one from the day the order left"):
        after(ordered(), said("sent", day))


@pytest.mark.parametrize("day", [0, 20])
def test_the_day_the_order_left_and_today_count(day: int) -> None:
    assert after(ordered(), said("sent", day)).sent_on == days(day)


@pytest.mark.parametrize(("order", "state"), [(SENT, "active"), (ACTIVE, "done")])
def test_a_state_is_not_reached_before_the_one_before_it(order: Order, state: str) -> None:
    with pytest.raises(Contradiction, match=r"^day: expected one from the day of the state before"):
        after(order, said(state, 4))


@pytest.mark.parametrize(
    ("order", "receipt"),
    [
        (SENT, said("sent", 5)),
        (SENT, said("sent", 7)),
        (ACTIVE, said("sent", 5)),
        (ACTIVE, said("sent", 12, card_number="1234")),
        (ACTIVE, said("active", 9)),
        (ACTIVE, said("active", 12)),
        (REVOKED, said("active", 9)),
        (REVOKED, said("sent", 5)),
        (REVOKED, said("done", 16)),
        (REFUSED, said("refused", 3)),
    ],
)
def test_news_of_what_is_known_adds_nothing(order: Order, receipt: Receipt) -> None:
    assert after(order, receipt) is order


@pytest.mark.parametrize("order", [REVOKED, replace(REVOKED, answer={**KNOWN, **NAMED})])
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("valid_to", {"valid_to": VALID_TO - dt.timedelta(days=1)}),
        ("issuer", {"issuer": "CN=Other", "serial": "0A0B"}),
        ("serial", {"issuer": "CN=CA,O=X", "serial": "0C"}),
        ("ski", {"ski": "FF"}),
    ],
)
def test_what_is_told_late_of_a_state_must_be_what_is_known(
    order: Order, name: str, fields: dict[str, Any]
) -> None:
    if name in order.answer:
        with pytest.raises(Contradiction, match=f"^{name}: expected what is known of the card"):
            after(order, said("active", **fields))
    else:
        assert after(order, said("active", **fields)) is order


def test_what_is_told_late_and_written_otherwise_is_what_is_known() -> None:
    order = replace(REVOKED, answer={**KNOWN, **NAMED})
    assert after(order, said("active", issuer="cn=ca, O=x", serial="000A0B", ski="ab")) is order


@pytest.mark.parametrize(
    ("fields", "certificate"),
    [
        ({"ski": "CD"}, {"ski": "CD"}),
        ({"issuer": "CN=B", "serial": "01"}, {"issuer": "CN=B", "serial": "01"}),
        ({"code": "x"}, {**NAMED, "code": "x"}),
    ],
)
def test_a_receipt_that_names_a_certificate_names_all_of_it(
    fields: dict[str, Any], certificate: dict[str, str]
) -> None:
    changed = after(replace(ACTIVE, answer={**KNOWN, **NAMED}), said("active", 12, **fields))
    assert changed.answer == {**KNOWN, **certificate}


def test_a_card_that_thinning_closed_as_expired_is_done_from_the_day_that_is_told() -> None:
    expired = replace(ACTIVE, closed_on=days(12), answer={})
    assert after(expired, said("done", 11)) == replace(expired, state="done", closed_on=days(11))


def test_more_about_the_same_state_is_added_and_its_first_day_stays() -> None:
    changed = after(ACTIVE, said("active", 12, ski="AB"))
    assert changed == replace(ACTIVE, answer={**KNOWN, "ski": "AB"})


def test_older_news_does_not_undo_newer() -> None:
    with pytest.raises(Contradiction, match=r"^day"):
        after(ACTIVE, said("active", 8, ski="AB"))


@pytest.mark.parametrize("order", [ACTIVE, REVOKED])
@pytest.mark.parametrize("state", ["sent", "active", "done"])
def test_another_card_number_than_is_known_is_a_contradiction(order: Order, state: str) -> None:
    with pytest.raises(Contradiction, match=r"^card_number: expected the number that is known"):
        after(order, said(state, 16, card_number="9999"))


def test_a_revocation_of_another_card_is_a_contradiction() -> None:
    order = ordered(revocation())
    assert after(order, said("done", card_number="1234"), ACTIVE).state == "done"
    with pytest.raises(Contradiction, match=r"^card_number"):
        after(order, said("done", card_number="9999"), ACTIVE)


@pytest.mark.parametrize(
    ("fields", "field"), [({"card_number": ""}, "card_number"), ({"valid_to": None}, "valid_to")]
)
def test_a_card_is_not_active_without_its_number_and_last_day(
    fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Contradiction, match=rf"^{field}: expected one"):
        after(ordered(), said("active", **fields))


def test_what_was_told_when_the_card_was_sent_is_not_told_again() -> None:
    sent = after(ordered(), said("sent", 5, card_number="1234"))
    assert after(sent, said("active", card_number="")).answer == KNOWN


def test_a_card_is_not_active_after_its_last_day() -> None:
    with pytest.raises(Contradiction, match=r"^valid_to"):
        after(ordered(), said("active", valid_to=days(9)))
    assert after(ordered(), said("active", valid_to=days(10))).state == "active"


@pytest.mark.parametrize("administrators", [(), (ANNA,), (ANNA, ANNA), (ANNA, ANNA.lower())])
def test_a_reserve_card_on_loa3_takes_two_different_administrators(
    administrators: tuple[str, ...],
) -> None:
    reserve = ordered(subject="reserve")
    with pytest.raises(Contradiction, match=r"^administrators: expected two different"):
        after(reserve, said("active", administrators=administrators))
    assert after(reserve, said("active", administrators=(ANNA, BO))).state == "active"
    for other in (replace(reserve, level=2), ordered()):
        assert after(other, said("active", administrators=administrators)).state == "active"


RECEIPTS = st.builds(
    said,
    st.sampled_from(["sent", "active", "done", "refused"]),
    st.integers(-1, 21),
    card_number=st.sampled_from(["1234", "1234", "9999", ""]),
    ski=st.sampled_from(["", "AB"]),
)
ORDER_OF_STATES = ("ordered", "sent", "active", "done")


@given(st.lists(RECEIPTS, max_size=12), st.sampled_from([card(), revocation(), join()]))
def test_whatever_comes_no_order_goes_back_and_the_same_news_counts_once(
    receipts: list[Receipt], made: Order
) -> None:
    order = ordered(made)
    for receipt in receipts:
        try:
            changed = after(order, receipt)
        except Contradiction:
            continue
        assert after(changed, receipt) is changed
        if changed.state != "refused":
            assert ORDER_OF_STATES.index(changed.state) >= ORDER_OF_STATES.index(order.state)
        assert order.state not in ("done", "refused") or changed.state == order.state
        order = changed
