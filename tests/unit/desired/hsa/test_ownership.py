# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours, what is not, and what no record explains (design decisions 4 and 5)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    NPO,
    PASCAL,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

DOCTOR = {"licences": [{"title": "Läkare", "confirmed": "2020-01-01"}]}
PUBLIC = [unit(public_from="2026-01-15")]


def found(hsa: Hsa, *records: Any, **options: Any) -> set[tuple[str, str, str]]:
    """(provider, code, object) of all findings."""
    return {(f.provider, f.code, f.object) for f in hsa.desired(*records, **options).findings}


def put_region_staff(hsa: Hsa, index: int) -> None:
    """The entry of an employee of the region."""
    hsa.directory.put(
        f"cn=R{index},ou=Personal,{LAYOUT.base_dn}", objectClass="person", cn=f"R{index}", sn="Öst",
        fullName="Åsa Öst", hsaIdentity=f"SE2321000214-R{index}",
        personalIdentityNumber=number(index),
    )  # fmt: skip


# --- records that are invalid or gone ------------------------------------------------------------


def test_an_invalid_record_changes_nothing_of_its_own(hsa: Hsa) -> None:
    alfa = record("alfa", [person(1)])
    hsa.bring(alfa, record("beta", [person(2, **DOCTOR)], units=PUBLIC))
    before = hsa.directory.content()
    assert hsa.plan(alfa, invalid=["beta"]).operations == ()
    assert hsa.plan(invalid=["alfa", "beta"]).operations == ()
    assert hsa.directory.content() == before
    assert found(hsa, alfa, invalid=["beta"]) == set()


def test_an_invalid_record_takes_nothing_from_a_person_it_shares(hsa: Hsa) -> None:
    alfa = record("alfa", [person(1, assignment(systems=[NPO]))])
    beta_person = person(1, assignment(systems=[PASCAL]), protected=True, **DOCTOR)
    hsa.bring(alfa, record("beta", [beta_person]))
    before = hsa.person(number(1))
    assert hsa.plan(alfa, invalid=["beta"]).operations == ()
    results = hsa.run(alfa, invalid=["beta"])
    assert (results["alfa"]["changed"], results["beta"]["failed"]) == (False, True)
    assert hsa.person(number(1)) == before
    assert hsa.members("beta") == {number(1)}


@pytest.mark.parametrize(
    "here", [{"to": "2026-03-01"}, {"halsoval": False}, {"since": "2026-09-01"}]
)
def test_a_person_who_ends_here_keeps_what_an_invalid_record_gave(
    hsa: Hsa, here: dict[str, str]
) -> None:
    alfa = record("alfa", [person(1, assignment(systems=[NPO]))])
    hsa.bring(alfa, record("beta", [person(1, assignment(systems=[PASCAL]), **DOCTOR)]))
    before = hsa.person(number(1))
    hsa.bring(record("alfa", [person(1, assignment(systems=[NPO], **here))]), invalid=["beta"])
    after = hsa.person(number(1))
    assert {"npo;lasare", "pascal;forskrivare"} == set(values(after, "hsaSystemRole"))
    for name in ("hsaTitle", "objectClass", "endDate", "startDate", "fullName"):
        assert values(after, name) == values(before, name)
    assert "person/beta" in values(after, "halsovalKey")
    assert hsa.members("alfa") == set()
    assert hsa.members("beta") == {number(1)}


def test_contact_data_of_a_person_stays_while_one_of_the_records_is_invalid(hsa: Hsa) -> None:
    contact = {"position": "Läkare", "mail": "a@x.example", "phone": "063-1"}
    hsa.bring(record("alfa", [person(1)]), record("beta", [person(1, **contact)]))
    days = assignment(since="2025-12-01", to="2026-12-31")
    changed = person(1, days, position="Chef", mail="c@x.example")
    hsa.bring(record("alfa", [changed]), invalid=["beta"])
    entry = hsa.person(number(1))
    assert values(entry, "startDate") == ("20251231230000Z",)
    assert values(entry, "endDate") == ()
    assert values(entry, "title") == ("Läkare",)
    assert values(entry, "mail") == ("a@x.example",)
    assert values(entry, "telephoneNumber") == ("063-1",)


def test_new_titles_and_roles_come_though_another_record_is_invalid(hsa: Hsa) -> None:
    hsa.bring(record("alfa", [person(1)]), record("beta", [person(1)]))
    hsa.bring(record("alfa", [person(1, assignment(systems=[NPO]), **DOCTOR)]), invalid=["beta"])
    assert values(hsa.person(number(1)), "hsaTitle") == ("Läkare",)
    assert values(hsa.person(number(1)), "hsaSystemRole") == ("npo;lasare",)


def test_a_record_that_is_gone_takes_nothing_and_is_reported(hsa: Hsa) -> None:
    alfa = record("alfa", [person(1)])
    beta = record("beta", [person(1, assignment(systems=[NPO])), person(2)], units=PUBLIC)
    hsa.bring(alfa, beta)
    before = hsa.directory.content()
    orphans = {
        hsa_id(entry)
        for entry in (
            hsa.provider("beta"), hsa.unit("beta"), hsa.person(number(2)), *hsa.commissions("beta")
        )
    }  # fmt: skip
    assert hsa.run(alfa)["alfa"]["changed"] is False
    assert hsa.directory.content() == before
    assert found(hsa, alfa) == {("beta", "orphan", id) for id in orphans}


def test_no_records_at_all_take_nothing(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)], units=PUBLIC))
    assert hsa.plan().operations == ()


# --- rows that are gone --------------------------------------------------------------------------


def test_a_person_whose_row_is_gone_is_an_orphan_without_membership(hsa: Hsa) -> None:
    staff = record(people=[person(1, position="Läkare"), person(2)])
    hsa.bring(staff)
    before = hsa.person(number(1))
    without = record(people=[person(2)])
    hsa.bring(without)
    assert hsa.person(number(1)) == before
    assert hsa.members() == {number(2)}
    assert found(hsa, without) == {("alfa", "orphan", hsa_id(before))}


def test_a_unit_whose_row_is_gone_is_an_orphan_with_its_commissions(hsa: Hsa) -> None:
    hsa.bring(
        record(people=[person(1, assignment("a")), person(2, assignment("b"))],
               units=[unit("a"), unit("b")])
    )  # fmt: skip
    before = hsa.directory.content()
    without = record(people=[person(1, assignment("a"))], units=[unit("a")])
    assert hsa.plan(without).operations == ()
    assert hsa.directory.content() == before
    (commission,) = hsa.commissions("alfa", "b")
    assert found(hsa, without) == {
        ("alfa", "orphan", hsa_id(entry))
        for entry in (hsa.unit("alfa", "b"), commission, hsa.person(number(2)))
    }


def test_a_commission_that_nobody_has_any_more_is_no_orphan(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)]))
    without = record(people=[person(1, assignment(purpose=None))])
    hsa.bring(without)
    assert hsa.members() == set()
    assert found(hsa, without) == set()


def test_an_entry_that_was_deleted_by_hand_is_made_again_under_another_id(hsa: Hsa) -> None:
    # Its id was a member of the commission, so it is known to have been used.
    staff = record(people=[person(1)])
    hsa.bring(staff)
    gone = hsa.person(number(1))
    hsa.directory.remove(gone.dn)
    hsa.bring(staff)
    assert hsa_id(hsa.person(number(1))) != hsa_id(gone)
    assert hsa.members() == {number(1)}


# --- what somebody else did ----------------------------------------------------------------------


def test_what_we_do_not_manage_is_left_alone(hsa: Hsa) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    for entry in (hsa.unit(), hsa.person(number(1))):
        classes = (*values(entry, "objectClass"), "hiddenObject", "top")
        hsa.directory.put(entry.dn, objectClass=classes, hsaSystemRole="annat;roll", seeAlso="c=SE")
    before = hsa.directory.content()
    assert hsa.plan(staff).operations == ()
    changed = record(people=[person(1, assignment(systems=[NPO]))])
    hsa.bring(changed)
    entry = hsa.person(number(1))
    assert set(values(entry, "hsaSystemRole")) == {"annat;roll", "npo;lasare"}
    assert {"hiddenObject", "top"} <= set(values(entry, "objectClass"))
    assert hsa.directory.content()[hsa.unit().dn] == before[hsa.unit().dn]


def test_what_somebody_changed_of_ours_is_set_right(hsa: Hsa) -> None:
    staff = record(people=[person(1, position="Läkare")], units=[unit(phone="063-1")])
    hsa.bring(staff)
    before = hsa.directory.content()
    hsa.directory.put(hsa.unit().dn, telephoneNumber="063-2", mail="x@y.example")
    hsa.directory.put(hsa.person(number(1)).dn, title=(), sn="Fel")
    hsa.bring(staff)
    assert hsa.directory.content() == before


def test_keys_written_by_hand_break_nothing(hsa: Hsa) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    for n, key in enumerate(("odd", "", "/", "unit", "unit/alfa", "commission/alfa", "x/y/z/w")):
        hsa.directory.put(
            f"ou=Hand {n},{LAYOUT.provider_branch}", objectClass="organizationalUnit",
            ou=f"Hand {n}", hsaIdentity=f"SE2321000214-HAND{n}",
            halsovalKey=(key,) if key else (" ",),
        )  # fmt: skip
    assert hsa.plan(staff).operations == ()
    orphans = {id for _provider, code, id in found(hsa, staff) if code == "orphan"}
    assert orphans == {f"SE2321000214-HAND{n}" for n in range(7)}


def test_a_key_that_two_entries_carry_is_an_error_for_that_provider_alone(hsa: Hsa) -> None:
    hsa.bring(record("alfa", [person(1)]), record("beta", [person(2)]))
    copy = dict(hsa.unit().attributes) | {"hsaIdentity": ("SE2321000214-COPY",), "ou": ("Kopia",)}
    hsa.directory.put(f"ou=Kopia,{hsa.provider().dn}", **copy)
    results = hsa.run(
        record("alfa", [person(1), person(3)]), record("beta", [person(2), person(4)])
    )  # fmt: skip
    assert "unit/alfa/vc" in results["alfa"]["msg"]
    assert hsa.members("beta") == {number(2), number(4)}
    assert hsa.people(number(3)) == []


def test_only_our_branches_are_written(hsa: Hsa) -> None:
    put_region_staff(hsa, 2)
    plan = hsa.bring(record("alfa", [person(1), person(2)]), record("beta", [person(2)]))
    assert {op.action for op in plan.operations} == {"add"}
    for operation in plan.operations:
        assert operation.dn.endswith((f",{LAYOUT.provider_branch}", f",{LAYOUT.people_branch}"))
