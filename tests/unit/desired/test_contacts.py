# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A contact whose identity is protected is told of nowhere: not in HSA, and in nobody's order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    number,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import IDS, Services, one
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import Siths
from ansible_collections.regionjh.halsoval.tests.unit.siths_in_memory import hsa_id as card_id

SAID = {"name": "Hemlig Namnlos", "phone": "0999-66 700", "mail": "hemlig@example.org"}
OPEN = {"name": "Olga Tallbit", "mail": "olga@example.org"}
CARDS = [{"kind": "ordinary", "loa": 2}]


def hired(contact: Any, field: str, protected: bool = True, **fields: Any) -> Record:
    """Two people, of whom the first is protected and a contact of the provider."""
    if field == "head_of_operations":
        fields["units"] = [unit(head_of_operations=contact)]
    else:
        fields["contacts"] = {field: contact if isinstance(contact, list) else [contact]}
    people = [
        person(1, uses(), protected=protected, cards=CARDS),
        person(2, uses(), cards=CARDS),
    ]
    return record(people=people, **fields)


def told(found: Iterable[Finding]) -> list[tuple[str, str]]:
    """(provider, field) of the findings about contacts."""
    return [(f.provider, f.object) for f in found if f.code == "protected_contact"]


@pytest.fixture
def secret(hsa: Hsa) -> dict[str, Any]:
    """The contact, as a record names one whom HSA has."""
    hsa.bring(hired(OPEN, "hsa", protected=False))
    return {**SAID, "hsa_id": hsa_id(hsa.person(number(1))).lower()}


def directory_contact(hsa: Hsa) -> str | None:
    return hsa.provider().first("hsaDirectoryContact")


def test_the_contact_of_hsa_is_left_out_and_the_next_one_named(
    hsa: Hsa, secret: dict[str, Any]
) -> None:
    own = hired(secret, "hsa")
    hsa.bring(own)
    assert directory_contact(hsa) is None
    assert told(hsa.desired(own).findings) == [("alfa", "contacts.hsa[0]")]
    both = hired([secret, OPEN], "hsa")
    hsa.bring(both)
    assert directory_contact(hsa) == "olga@example.org"


def test_a_contact_that_becomes_protected_goes_from_hsa_and_no_diff_shows_it(
    hsa: Hsa, secret: dict[str, Any]
) -> None:
    hsa.bring(hired(secret, "hsa", protected=False))
    assert directory_contact(hsa) == SAID["mail"]
    result = hsa.run(hired(secret, "hsa"), diff=True)
    assert directory_contact(hsa) is None
    assert not [word for word in SAID.values() if word in str(result)]


@pytest.mark.parametrize("after", ["the row says it no more", "the record cannot be read"])
def test_whom_hsa_hides_stays_hidden_as_another_providers_contact(
    hsa: Hsa, secret: dict[str, Any], after: str
) -> None:
    other = record("beta", contacts={"hsa": [secret]})
    hsa.run(hired(OPEN, "hsa"), other)
    invalid = ["alfa"] if after == "the record cannot be read" else []
    rest = [] if invalid else [hired(OPEN, "hsa", protected=False)]
    hsa.run(*rest, other, invalid=invalid)
    assert hsa.provider("beta").first("hsaDirectoryContact") is None


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("authorised_orderers", "contacts.authorised_orderers[0]"),
        ("head_of_operations", "units[0].head_of_operations"),
    ],
)
def test_no_card_is_ordered_in_the_name_of_who_is_protected(field: str, named: str) -> None:
    contact = {**SAID, "hsa_id": card_id(number(1))}
    siths = Siths()
    own = hired(contact, field)
    assert told(siths.findings(own)) == [("alfa", named)]
    made = siths.bring(own)
    assert len(made) == 2
    assert not [word for word in SAID.values() if word in str(made)]


def test_the_next_orderer_orders() -> None:
    contact = {**SAID, "hsa_id": card_id(number(1))}
    own = hired([contact, OPEN], "authorised_orderers")
    made = Siths().bring(own)
    assert {order.particulars["ordered_by"] for order in made} == {OPEN["name"]}


def test_the_local_contact_of_the_switchboard_is_left_out() -> None:
    services = Services()
    contact = {**SAID, "hsa_id": IDS[number(1)]}
    telephony = {
        "services": ["vardutbud_bas", "stodapplikationer", "telefonitjanst"],
        "telephony": {"measurement_system": "Mätaren", "attendant": ["telefonist"]},
    }
    before = hired(contact, "telephony_local", protected=False, **telephony)
    assert one(services.run(before), "attendant").particulars["local_contact"]
    own = hired(contact, "telephony_local", **telephony)
    assert told(services.desired(own).findings) == [("alfa", "contacts.telephony_local[0]")]
    for _stage in ("the agreement", "the service"):
        services.answer("done")
        services.run(before)
    made = services.run(own)
    assert [o.subject for o in made if o.kind == "change" and o.object == "telefonist"]
    assert not [word for word in SAID.values() if word in str(made)]


@pytest.mark.parametrize("hsa_id", [None, "SE2321000214-ANNAN"])
def test_of_a_contact_who_is_nobody_in_the_records_nothing_is_hidden(
    hsa: Hsa, hsa_id: str | None
) -> None:
    own = hired({**SAID, **({"hsa_id": hsa_id} if hsa_id else {})}, "hsa")
    hsa.bring(own)
    assert directory_contact(hsa) == SAID["mail"]
    assert told(hsa.desired(own).findings) == []
