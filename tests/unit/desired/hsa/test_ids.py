# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HSA-ids: given out in a fixed order, never one that was used (design decision 7)."""

from __future__ import annotations

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
    Remembered,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    assignment,
    coordination_number,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

PREFIX = "SE2321000214-HV"


def test_ids_are_given_out_over_all_records_in_the_order_of_writing(hsa: Hsa) -> None:
    hsa.bring(
        record("beta", [person(3), person(1)]),
        record("alfa", [person(2), person(1)], units=[unit(), unit("b")]),
    )
    assert {hsa_id(e): values(e, "halsovalKey")[0].split("/", 1)[0] for e in hsa.entries()} == {
        f"{PREFIX}{n:06d}": kind
        for n, kind in enumerate(
            ["provider"] * 2 + ["unit"] * 3 + ["person"] * 3 + ["commission"] * 2, start=1
        )
    }
    assert [hsa_id(hsa.person(number(n)))[-1] for n in (2, 1, 3)] == ["6", "7", "8"]


def test_what_is_not_entered_uses_up_no_ids(hsa: Hsa) -> None:
    people = [
        person(1, assignment("b", since="2026-12-01")),
        person(2, assignment("b", purpose="Statistik", to="2026-02-01"), assignment("b")),
    ]
    hsa.bring(record(people=people, units=[unit("a", closes="2026-02-28"), unit("b")]))
    kinds = {hsa_id(e)[-1]: values(e, "halsovalKey")[0].partition("/")[0] for e in hsa.entries()}
    assert kinds == {"1": "provider", "2": "unit", "3": "person", "4": "commission"}


def test_a_new_person_gets_the_id_that_the_record_names(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1, hsa_id="SE2321000214-OLD1"), person(2)]))
    assert hsa_id(hsa.person(number(1))) == "SE2321000214-OLD1"
    assert hsa.members() == {number(1), number(2)}


def test_who_is_written_first_does_not_matter(hsa: Hsa) -> None:
    records = (record("alfa", [person(1)]), record("beta", [person(2)]))
    plan = hsa.plan(*records)
    # As with --limit.
    for operation in plan.by_provider()["beta"]:
        assert not hsa.directory.apply([operation])
    hsa.bring(*records)
    assert {hsa_id(e): e.dn for e in hsa.entries()} == {op.id: op.dn for op in plan.operations}


def test_a_new_id_is_above_all_that_are_used(hsa: Hsa) -> None:
    hsa.directory.put(
        f"cn=x,ou=Personal,{LAYOUT.base_dn}", objectClass="person", hsaIdentity=f"{PREFIX}004000"
    )
    hsa.bring(record())
    # Gaps further down belong to entries that were deleted by hand.
    assert hsa_id(hsa.provider()) > f"{PREFIX}003000"


@pytest.mark.parametrize(
    "name",
    ["hsaCommissionMember", "hsaHealthCareUnitManager", "hsaResponsibleHealthCareProvider"],
)
def test_an_id_that_anything_points_at_is_used(hsa: Hsa, name: str) -> None:
    hsa.directory.put(
        f"cn=x,{LAYOUT.base_dn}", hsaIdentity="SE2321000214-X", **{name: f"{PREFIX}000001"}
    )
    hsa.bring(record())
    assert hsa_id(hsa.provider()) == f"{PREFIX}000002"


def test_an_id_in_small_letters_is_used_too(hsa: Hsa) -> None:
    hsa.directory.put(f"cn=x,{LAYOUT.base_dn}", hsaIdentity=f"{PREFIX.lower()}000001")
    hsa.bring(record())
    assert hsa_id(hsa.provider()) == f"{PREFIX}000002"


def test_an_id_that_a_record_names_is_given_to_nobody_else(hsa: Hsa) -> None:
    named = f"{PREFIX}000003"
    starts_later = person(1, assignment(since="2026-12-01"), hsa_id=named)
    manager = {"name": "Chefen", "hsa_id": f"{PREFIX}000001"}
    hsa.bring(record(people=[starts_later, person(2)], units=[unit(head_of_operations=manager)]))
    given = {hsa_id(e) for e in hsa.entries()}
    assert given == {f"{PREFIX}00000{n}" for n in (2, 4, 5, 6)}
    assert values(hsa.unit(), "hsaHealthCareUnitManager") == (f"{PREFIX}000001",)


def test_an_ended_person_keeps_the_id(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)]))
    id = hsa_id(hsa.person(number(1)))
    hsa.bring(record(people=[person(1, assignment(to="2026-02-01")), person(2)]))
    assert hsa_id(hsa.person(number(1))) == id
    assert hsa_id(hsa.person(number(2))) != id


def test_without_ids_left_the_run_ends_before_any_plan(hsa: Hsa) -> None:
    hsa.directory.put(f"cn=x,{LAYOUT.base_dn}", hsaIdentity=f"{PREFIX}999999")
    people = [person(n) for n in range(300)]
    with pytest.raises(ValueError, match="no HSA-ids are left"):
        hsa.plan(record(people=people))


# --- an id that a record names, and that a run has seen ------------------------------------------

SEEN = f"{PREFIX}000042"
# Whom the ledger has seen under the id, and whether person 1 may have it.
SEEN_AS: dict[str, tuple[Remembered, bool]] = {
    "nobody": (NOTHING_REMEMBERED, True),
    "the person": (Remembered(frozenset({SEEN}), {number(1): SEEN}), True),
    "the person in another case": (Remembered(frozenset({SEEN}), {number(1): SEEN.lower()}), True),
    "the person under an old number": (
        Remembered(frozenset({SEEN}), {coordination_number(1): SEEN}), True
    ),
    "somebody in the records": (Remembered(frozenset({SEEN}), {number(2): SEEN}), False),
    "somebody in no record": (Remembered(frozenset({SEEN.lower()})), False),
    "somebody, and the person as another": (
        Remembered(frozenset({SEEN}), {number(1): f"{PREFIX}000043"}), False
    ),
}  # fmt: skip


@pytest.mark.parametrize("seen", SEEN_AS)
def test_an_id_that_a_record_names_is_no_other_persons(hsa: Hsa, seen: str) -> None:
    hsa.remembered, is_theirs = SEEN_AS[seen]
    row = person(1, hsa_id=SEEN, previous_numbers=[coordination_number(1)])
    results = hsa.run(record(people=[row, person(3)]), record("beta", [person(2)]))
    assert [hsa_id(e) for e in hsa.people(number(1))] == [SEEN] * is_theirs
    assert (results["alfa"]["errors"] == [], results["beta"]["errors"]) == (is_theirs, [])
    if not is_theirs:
        (message,) = results["alfa"]["errors"]
        assert "somebody else's, whose entry is not in HSA any more" in message


@pytest.mark.parametrize("kind", ["provider", "unit"])
def test_an_id_that_was_a_persons_is_no_units_or_providers(hsa: Hsa, kind: str) -> None:
    hsa.remembered = Remembered(frozenset({SEEN}), {number(1): SEEN})
    alfa = record(hsa_id=SEEN) if kind == "provider" else record(units=[unit(hsa_id=SEEN)])
    results = hsa.run(alfa, record("beta", [person(2)]))
    assert "somebody else's" in results["alfa"]["msg"]
    assert (results["alfa"]["changed"], results["beta"]["errors"]) == (False, [])
