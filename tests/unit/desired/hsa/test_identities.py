# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who everybody is in HSA: the same for every module, in check mode, and while HSA is away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.hsa.identities import (
    identify,
    recall,
    seen_ids,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.identified import (
    Identified,
    Identities,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import (
    NOTHING_REMEMBERED,
    Remembered,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    TODAY,
    approved,
    assignment,
    coordination_number,
    number,
    person,
    record,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

PREFIX = "SE2321000214-HV"
OUTSIDE = f"ou=Personal,{LAYOUT.base_dn}"


def remembered(ids: Mapping[str, str]) -> Remembered:
    """What earlier runs saw: HSA-ids by personal number."""
    return Remembered(frozenset(ids.values()), dict(ids))


def everybody(
    hsa: Hsa, *records: Record, memory: Remembered = NOTHING_REMEMBERED, day: dt.date = TODAY
) -> Identities:
    return identify(approved(*records), day, LAYOUT, hsa.entries(), memory)


def one(identities: Identities, wanted: str) -> Identified:
    """The person who has the number."""
    (found,) = (i for i in identities.people if wanted in i.person.numbers)
    return found


def put(hsa: Hsa, index: int, id: str, branch: str = OUTSIDE, **more: str) -> None:
    """A person's entry that somebody else made."""
    plain = {
        "objectClass": "person", "cn": id, "sn": "Öst", "fullName": "Öst", "hsaIdentity": id,
        "personalIdentityNumber": number(index),
    }  # fmt: skip
    hsa.directory.put(f"cn={id},{branch}", **{**plain, **more})


# --- before and after HSA has the entries --------------------------------------------------------


def test_people_have_their_ids_before_hsa_has_the_entries_and_keep_them(hsa: Hsa) -> None:
    staff = (record("alfa", [person(2), person(1)]), record("beta", [person(3), person(1)]))
    before = {i.person.number: i.hsa_id for i in everybody(hsa, *staff).people}
    hsa.bring(*staff)
    after = everybody(hsa, *staff)
    assert {i.person.number: i.hsa_id for i in after.people} == before
    assert {n: hsa_id(hsa.person(n)) for n in before} == before


def test_who_is_entered_and_whose_the_entry_is_is_told(hsa: Hsa) -> None:
    staff = record(people=[person(1), person(2), person(3)])
    hsa.bring(record(people=[person(1)]))
    put(hsa, 2, "SE2321000214-R2")
    people = everybody(hsa, staff)
    told = [(i.entered, i.ours, i.archived) for i in (one(people, number(n)) for n in (1, 2, 3))]
    assert told == [(True, True, False), (True, False, False), (False, True, False)]
    assert one(people, number(2)).hsa_id == "SE2321000214-R2"
    assert people.unread is None


def test_the_regions_own_is_not_ours_though_a_record_names_the_id(hsa: Hsa) -> None:
    put(hsa, 1, "SE2321000214-R1")
    staff = record(people=[person(1, hsa_id="SE2321000214-R1")])
    assert one(everybody(hsa, staff), number(1)).ours is False


def test_an_entry_in_our_branch_is_ours_once_a_record_names_its_id(hsa: Hsa) -> None:
    put(hsa, 1, "SE2321000214-P1", LAYOUT.people_branch)
    assert one(everybody(hsa, record(people=[person(1)])), number(1)).ours is False
    named = record(people=[person(1, hsa_id="SE2321000214-P1")])
    assert one(everybody(hsa, named), number(1)).ours is True


def test_an_archived_entry_is_told(hsa: Hsa) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    entry = hsa.person(number(1))
    hsa.directory.put(entry.dn, objectClass=(*values(entry, "objectClass"), "hsaArchivedObject"))
    assert one(everybody(hsa, staff), number(1)).archived is True


def test_who_has_ended_is_known_by_the_entry(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1)]))
    ended = record(people=[person(1, assignment(to="2026-02-01"))])
    known = one(everybody(hsa, ended), number(1))
    assert known.ids == (hsa_id(hsa.person(number(1))),)
    assert known.hsa_id == hsa_id(hsa.person(number(1)))


def test_who_had_ended_before_anybody_knew_has_no_id(hsa: Hsa) -> None:
    ended = record(people=[person(1, assignment(to="2026-02-01"))])
    known = one(everybody(hsa, ended), number(1))
    assert (known.ids, known.hsa_id) == ((), None)


def test_a_person_with_several_entries_has_all_ids_and_none_that_holds(hsa: Hsa) -> None:
    put(hsa, 1, "SE2321000214-R1")
    put(hsa, 1, "SE2321000214-R2")
    known = one(everybody(hsa, record(people=[person(1)])), number(1))
    assert set(known.ids) == {"SE2321000214-R1", "SE2321000214-R2"}
    assert known.hsa_id is None


def test_an_id_that_belongs_to_somebody_else_holds_for_nobody(hsa: Hsa) -> None:
    put(hsa, 2, "SE2321000214-R2")
    known = one(
        everybody(hsa, record(people=[person(1, hsa_id="SE2321000214-R2")])), number(1)
    )  # fmt: skip
    assert known.hsa_id is None
    assert known.ids == ()


def test_a_previous_number_leads_to_the_same_id(hsa: Hsa) -> None:
    coordinated = person(1, personnummer=None, samordningsnummer=coordination_number(7))
    hsa.bring(record(people=[coordinated]))
    id = hsa_id(hsa.person(coordination_number(7)))
    settled = record(people=[person(1, previous_numbers=[coordination_number(7)])])
    assert one(everybody(hsa, settled), number(1)).hsa_id == id


# --- what earlier runs saw -----------------------------------------------------------------------


def test_an_id_whose_entry_somebody_deleted_comes_back_to_its_person_alone(hsa: Hsa) -> None:
    staff = record(people=[person(1), person(2)])
    hsa.bring(staff)
    lost = hsa_id(hsa.person(number(1)))
    hsa.remembered = remembered({n: hsa_id(hsa.person(n)) for n in (number(1), number(2))})
    hsa.directory.remove(hsa.person(number(1)).dn)
    for commission in hsa.commissions():
        hsa.directory.put(commission.dn, hsaCommissionMember=())
    without = record(people=[person(3), person(2)])
    hsa.bring(without)
    assert hsa_id(hsa.person(number(3))) != lost
    known = everybody(hsa, staff, memory=hsa.remembered)
    assert (one(known, number(1)).hsa_id, one(known, number(1)).ids) == (lost, (lost,))
    assert one(known, number(1)).entered is False
    hsa.bring(record(people=[person(1), person(3), person(2)]))
    assert hsa_id(hsa.person(number(1))) == lost


def test_an_id_that_only_earlier_runs_saw_is_given_to_nobody_else(hsa: Hsa) -> None:
    hsa.remembered = Remembered(frozenset({f"{PREFIX}000001", f"{PREFIX}000003"}))
    hsa.bring(record(people=[person(1)]))
    given = {hsa_id(entry) for entry in hsa.entries()}
    assert given.isdisjoint(hsa.remembered.ids)


def test_who_has_left_is_known_by_memory_when_the_entry_is_gone(hsa: Hsa) -> None:
    memory = remembered({number(1): f"{PREFIX}000042"})
    ended = record(people=[person(1, assignment(to="2026-02-01"))])
    known = one(everybody(hsa, ended, memory=memory), number(1))
    assert known.ids == (f"{PREFIX}000042",)
    assert known.entered is False


def test_an_id_that_hsa_has_for_somebody_else_now_is_not_recalled(hsa: Hsa) -> None:
    put(hsa, 2, f"{PREFIX}000042", LAYOUT.people_branch, halsovalKey="person/alfa")
    memory = remembered({number(1): f"{PREFIX}000042", number(2): f"{PREFIX}000042"})
    people = everybody(hsa, record(people=[person(1), person(2)]), memory=memory)
    assert f"{PREFIX}000042" not in (*one(people, number(1)).ids, one(people, number(1)).hsa_id)
    assert one(people, number(2)).ids == (f"{PREFIX}000042",)


def test_an_id_that_a_record_names_for_another_stays_with_whom_a_run_saw_it_of(hsa: Hsa) -> None:
    memory = remembered({number(1): f"{PREFIX}000042"})
    alfa, beta = record(people=[person(1)]), record("beta", [person(2, hsa_id=f"{PREFIX}000042")])
    people = everybody(hsa, alfa, beta, memory=memory)
    assert one(people, number(2)).hsa_id is None
    assert one(people, number(1)).hsa_id == f"{PREFIX}000042"


_ids = st.sampled_from([f"{PREFIX}00000{n}" for n in range(1, 5)])


@settings(max_examples=150)
@given(
    st.dictionaries(st.integers(1, 4), _ids),
    st.dictionaries(_ids, st.integers(1, 4)),
    st.dictionaries(st.integers(1, 4), _ids, max_size=1),
)
def test_no_two_people_ever_have_the_same_id(
    memory: dict[int, str], held: dict[str, int], named: dict[int, str]
) -> None:
    hsa = Hsa()
    for id, index in held.items():
        put(hsa, index, id, LAYOUT.people_branch, halsovalKey="person/alfa")
    people = [
        person(n, **({"hsa_id": named[n]} if n in named else {})) for n in range(1, 5)
    ]  # fmt: skip
    seen = remembered({number(n): id for n, id in memory.items()})
    known = everybody(hsa, record(people=people), memory=seen).people
    ids = [i.hsa_id for i in known if i.hsa_id]
    assert len(ids) == len(set(ids))
    claimed = [id for i in known for id in i.ids]
    assert len(claimed) == len(set(claimed))


def test_while_hsa_is_away_people_are_who_they_were(hsa: Hsa) -> None:
    coordinated = person(
        1, personnummer=None, samordningsnummer=coordination_number(7),
        previous_numbers=[number(8)],
    )  # fmt: skip
    staff = approved(record(people=[coordinated, person(2), person(3)]))
    memory = remembered({number(8): f"{PREFIX}000001", number(2): f"{PREFIX}000002"})
    known = recall(staff, TODAY, LAYOUT, memory, "no answer")
    assert known.unread == "no answer"
    assert [(i.hsa_id, i.ids, i.entered, i.ours) for i in known.people] == [
        (f"{PREFIX}000001", (f"{PREFIX}000001",), True, None),
        (f"{PREFIX}000002", (f"{PREFIX}000002",), True, None),
        (None, (), False, None),
    ]


def test_an_id_that_two_people_would_have_is_recalled_for_neither() -> None:
    staff = approved(record(people=[person(1), person(2)]))
    memory = remembered({number(1): f"{PREFIX}000001", number(2): f"{PREFIX}000001"})
    known = recall(staff, TODAY, LAYOUT, memory, "no answer")
    assert [i.ids for i in known.people] == [(), ()]


# --- what is worth remembering -------------------------------------------------------------------


def test_what_is_seen_of_people_is_their_id_by_number(hsa: Hsa) -> None:
    hsa.bring(record(people=[person(1), person(2), person(3)]))
    put(hsa, 9, "SE2321000214-R9")
    seen = seen_ids(hsa.entries(), LAYOUT, frozenset({number(1), number(2), number(7)}))
    assert seen == {number(n): hsa_id(hsa.person(number(n))) for n in (1, 2)}


def test_a_number_that_several_entries_have_tells_nothing(hsa: Hsa) -> None:
    put(hsa, 1, "SE2321000214-R1")
    put(hsa, 1, "SE2321000214-R2")
    put(hsa, 2, "SE2321000214-R3")
    numbers = frozenset({number(1), number(2)})
    assert seen_ids(hsa.entries(), LAYOUT, numbers) == {number(2): "SE2321000214-R3"}


@pytest.mark.parametrize("spelled", ["{} {}", "{}{}"])
def test_a_number_is_seen_however_hsa_spells_it(hsa: Hsa, spelled: str) -> None:
    put(hsa, 1, "SE2321000214-R1",
        personalIdentityNumber=spelled.format(number(1)[:8], number(1)[8:]))  # fmt: skip
    assert seen_ids(hsa.entries(), LAYOUT, frozenset({number(1)})) == {number(1): "SE2321000214-R1"}
