# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose name an order may tell that was made by an earlier run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import natural_people
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.orders import may_be_open
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    approved,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import ANNA, BO, card


def known(protected: bool = False, unread: str | None = None, **hsa: Any) -> Identities:
    """One person, as a record and HSA have her."""
    own = record(people=[person(1, uses(), protected=protected)])
    (anna,) = natural_people([own], TODAY, 56)
    return Identities((Identified(anna, (ANNA.lower(),), ANNA.lower(), True, **hsa),), unread)


@pytest.mark.parametrize(
    ("identities", "invalid", "is_named"),
    [
        (known(), (), True),
        (known(), ("beta",), True),
        (known(protected=True), (), False),
        (known(confidential=True), (), False),
        (known(unreadable=frozenset({"beta"})), ("beta",), False),
        (known(), ("fjallhalsan",), False),
        (known(unread="HSA could not be read"), (), False),
    ],
    ids=[
        "nothing hides her",
        "another's record cannot be read",
        "a record protects her",
        "HSA hides her",
        "a record that HSA says has her cannot be read",
        "the record that ordered cannot be read",
        "HSA cannot be read",
    ],
)
def test_an_order_that_was_left_may_tell_a_name_unless_something_hides_it_or_may(
    identities: Identities, invalid: tuple[str, ...], is_named: bool
) -> None:
    assert may_be_open(identities, approved(invalid=invalid))(card(object=ANNA)) is is_named


def test_whom_no_record_names_any_more_may_be_hidden() -> None:
    assert not may_be_open(known(), approved())(card(object=BO))


@pytest.mark.parametrize("protected", [True, False])
def test_a_colleagues_order_that_names_a_contact_is_open_unless_the_contact_is_protected(
    protected: bool,
) -> None:
    ask = {"name": "Cecilia Ask", "hsa_id": ANNA}
    own = record(contacts={"authorised_orderers": [ask]})
    other = person(2, uses())
    people = natural_people(
        [record(people=[person(1, uses(), protected=protected), other])], TODAY, 56
    )
    ids = {person.number: hsa_id for person, hsa_id in zip(people, (ANNA, BO), strict=True)}
    identified = (Identified(p, (ids[p.number],), ids[p.number], True) for p in people)
    is_open = may_be_open(Identities(tuple(identified)), approved(own))
    assert is_open(card(object=BO)) is not protected
    phone = card(particulars={"local_contact": "Cecilia Ask, 0999-66 700"}, object="telefonist")
    assert is_open(phone) is not protected
    assert is_open(card(particulars={"unit": "vc"}, object="e-1"))
