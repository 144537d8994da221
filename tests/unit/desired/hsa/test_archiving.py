# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archiving in HSA: people once their cards are over, then units, then providers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.people.cards_out import (
    CardsOut,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import NoRight
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry, Operation
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    TODAY,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

ENDED = {"agreement": {"ends": "2026-03-01"}}
FOLLOWED = frozenset({"alfa", "beta"})
WORDS = "the revocation of the ordinary card, which is not ordered yet"


@pytest.fixture
def hsa() -> Hsa:
    """HSA, with a ledger that knows of no card that is out."""
    hsa = Hsa()
    hsa.cards = CardsOut(FOLLOWED)
    hsa.journal = MemoryJournal()
    return hsa


def is_archived(entry: Entry) -> bool:
    return "hsaArchivedObject" in values(entry, "objectClass")


def is_out(hsa: Hsa, *numbers: str) -> None:
    """Have people's cards be out."""
    hsa.cards = CardsOut(FOLLOWED, {hsa_id(hsa.person(n)).casefold(): (WORDS,) for n in numbers})


def waits(hsa: Hsa, *records: Record, **options: Any) -> dict[str, str]:
    """What waits to be archived, by object."""
    told = hsa.desired(*records, **options).findings
    return {f.object: f.message for f in told if f.code == "archive_waits"}


def runs(hsa: Hsa, *records: Record, **options: Any) -> dict[str, Any]:
    """Two runs, the second of which changes nothing; the results of the first."""
    results = hsa.run(*records, **options)
    assert not any(result["failed"] for result in results.values()), results
    before = hsa.directory.content()
    again = hsa.run(*records, **options)
    assert not any(result["changed"] for result in again.values()), again
    assert hsa.directory.content() == before
    return results


def staffed(**options: Any) -> Record:
    return record(people=[person(1), person(2)], **options)


# --- who is archived, and when --------------------------------------------------------------------


def test_nobody_is_archived_while_a_card_is_out(hsa: Hsa) -> None:
    hsa.bring(staffed())
    is_out(hsa, number(1))
    runs(hsa, staffed(**ENDED))
    assert not is_archived(hsa.person(number(1)))
    assert is_archived(hsa.person(number(2)))
    assert not is_archived(hsa.unit())
    assert not is_archived(hsa.provider())
    told = waits(hsa, staffed(**ENDED))
    one = hsa_id(hsa.person(number(1)))
    assert told == {
        one: f"archived once this is done: {WORDS}",
        hsa_id(hsa.unit()): f"archived once this is done: its people are archived: {one}",
        hsa_id(hsa.provider()): (
            f"archived once this is done: its units are archived: {hsa_id(hsa.unit())}"
        ),
    }


def test_all_is_archived_in_one_run_once_the_cards_are_over(hsa: Hsa) -> None:
    hsa.bring(staffed())
    identity = hsa_id(hsa.person(number(1)))
    runs(hsa, staffed(**ENDED))
    for entry in (hsa.person(number(1)), hsa.person(number(2)), hsa.unit(), hsa.provider()):
        assert is_archived(entry)
        assert values(entry, "endDate") == ("20260301230000Z",)
        assert not values(entry, "hsaDestinationIndicator")
    assert hsa_id(hsa.person(number(1))) == identity
    assert values(hsa.person(number(1)), "personalIdentityNumber") == (number(1),)
    assert not waits(hsa, staffed(**ENDED))


def test_people_come_before_their_unit_and_units_before_their_provider(hsa: Hsa) -> None:
    hsa.bring(staffed())
    plan = hsa.plan(staffed(**ENDED))
    archived = [o for o in plan.operations if o.key.endswith("/archived")]
    assert [o.kind for o in archived] == ["person", "person", "unit", "provider"]


def test_nobody_is_archived_before_a_run_has_looked_after_the_cards(hsa: Hsa) -> None:
    hsa.bring(staffed())
    hsa.cards = CardsOut()
    runs(hsa, staffed(**ENDED))
    assert not is_archived(hsa.person(number(1)))
    assert "nobody knows until then whether any is out" in waits(hsa, staffed(**ENDED))["alfa"]


@pytest.mark.parametrize("row", ["current", "later", "suspended", "at another"])
def test_who_is_needed_now_or_later_is_not_archived(hsa: Hsa, row: str) -> None:
    over, beta = assignment(to="2026-03-01"), record("beta")
    more = {
        "current": assignment("norr"),
        "later": assignment("norr", since="2027-01-01"),
        "suspended": assignment("norr", suspended={"from": "2026-02-01"}),
    }.get(row)
    if row == "at another":
        beta = record("beta", [person(1)])
    units = [unit(), unit("norr")]
    alfa = record(people=[person(1, over, *([more] if more else []))], units=units)
    hsa.bring(record(people=[person(1), person(2)], units=units), beta, day=dt.date(2026, 2, 20))
    runs(hsa, alfa, beta)
    assert not is_archived(hsa.person(number(1)))
    assert not waits(hsa, alfa, beta)


def test_who_begins_after_an_end_is_archived_in_no_run_between(hsa: Hsa) -> None:
    returns = assignment(since="2027-06-01")
    hsa.bring(record(people=[person(1)]))
    runs(hsa, record(people=[person(1, assignment(to="2026-03-01"), returns)]))
    assert not is_archived(hsa.person(number(1)))


def test_a_member_of_a_foreign_commission_is_not_archived(hsa: Hsa) -> None:
    hsa.bring(staffed())
    one = hsa_id(hsa.person(number(1)))
    put_commission(hsa, "o=Region,c=SE", one)
    runs(hsa, staffed(**ENDED))
    assert not is_archived(hsa.person(number(1)))
    assert is_archived(hsa.unit())  # needed elsewhere, the person keeps nothing there


def test_the_head_of_a_unit_that_goes_on_is_not_archived(hsa: Hsa) -> None:
    hsa.bring(staffed(), record("beta"))
    one = hsa_id(hsa.person(number(1)))
    beta = record(
        "beta", units=[unit(head_of_operations={"name": "Chefen Chefsson", "hsa_id": one})]
    )
    runs(hsa, staffed(**ENDED), beta)
    assert not is_archived(hsa.person(number(1)))


def test_a_unit_with_members_that_nobody_takes_is_not_archived(hsa: Hsa) -> None:
    hsa.bring(staffed())
    put_commission(hsa, hsa.unit().dn, "SE2321000214-1001")
    runs(hsa, staffed(**ENDED))
    assert not is_archived(hsa.unit())
    assert not is_archived(hsa.provider())
    assert "taken out by hand" in waits(hsa, staffed(**ENDED))[hsa_id(hsa.unit())]


def test_whom_an_invalid_record_holds_is_not_archived(hsa: Hsa) -> None:
    hsa.bring(staffed(), record("beta", [person(1)]))
    runs_with_invalid = hsa.run(staffed(**ENDED), invalid=["beta"])
    assert not runs_with_invalid["alfa"]["failed"]
    assert not is_archived(hsa.person(number(1)))
    assert is_archived(hsa.person(number(2)))


def test_a_row_that_vanished_archives_nobody(hsa: Hsa) -> None:
    hsa.bring(staffed())
    hsa.bring(record(people=[person(2)]))
    assert not is_archived(hsa.person(number(1)))


def test_a_unit_that_closes_is_archived_and_its_provider_is_not(hsa: Hsa) -> None:
    units = [unit(), unit("norr")]
    hsa.bring(record(people=[person(1), person(2, assignment("norr"))], units=units))
    closed = record(
        people=[person(1), person(2, assignment("norr"))],
        units=[unit(closes="2026-03-01"), unit("norr")],
    )
    runs(hsa, closed)
    assert is_archived(hsa.unit())
    assert is_archived(hsa.person(number(1)))
    assert not is_archived(hsa.unit(id="norr"))
    assert not is_archived(hsa.person(number(2)))
    assert not is_archived(hsa.provider())


# --- the guard, kills and rights ------------------------------------------------------------------


def test_a_refused_plan_archives_nobody(hsa: Hsa) -> None:
    everybody = [person(n, assignment(systems=[NPO])) for n in range(1, 20)]
    runs(hsa, record(people=everybody))
    one = {**everybody[0], "assignments": [assignment(systems=[NPO], to="2026-03-01")]}
    results = hsa.run(record(people=[one]))  # all other rows have vanished
    assert results["alfa"]["refused"]
    assert not is_archived(hsa.person(number(1)))
    assert not values(hsa.person(number(1)), "hsaSystemRole")


def test_whose_membership_could_not_be_taken_is_not_archived(hsa: Hsa) -> None:
    runs(hsa, staffed())
    hsa.directory.refuses = lambda o: "busy" if o.kind == "commission" else None
    results = hsa.run(staffed(**ENDED))
    assert results["alfa"]["failed"]
    for entry in (hsa.person(number(1)), hsa.unit(), hsa.provider()):
        assert not is_archived(entry)
    hsa.directory.refuses = lambda _operation: None
    runs(hsa, staffed(**ENDED))
    assert is_archived(hsa.provider())


def test_without_the_right_to_archive_a_run_tells_it_and_does_the_rest(hsa: Hsa) -> None:
    runs(hsa, staffed())
    hsa.directory.refuses = forbidden
    results = hsa.run(staffed(**ENDED))
    assert not results["alfa"]["failed"]
    (told,) = (f for f in results["alfa"]["findings"] if f["code"] == "right_missing")
    assert told["message"].endswith(": no right")
    assert hsa_id(hsa.person(number(1))) in told["message"]
    assert not hsa.members()
    assert not is_archived(hsa.unit())


def forbidden(operation: Operation) -> str | None:
    return NoRight("no right") if operation.key.endswith("/archived") else None


# --- coming back ----------------------------------------------------------------------------------


def test_who_comes_back_has_the_same_entry_and_membership_again(hsa: Hsa) -> None:
    hsa.bring(staffed())
    identity = hsa_id(hsa.person(number(1)))
    gone = record(people=[person(1, assignment(to="2026-03-01")), person(2)])
    runs(hsa, gone)
    assert is_archived(hsa.person(number(1)))
    back = [assignment(to="2026-03-01"), assignment(since="2026-05-04")]
    returned, day = record(people=[person(1, *back), person(2)]), dt.date(2026, 5, 4)
    runs(hsa, returned, day=day)
    entry = hsa.person(number(1))
    assert not is_archived(entry)
    assert hsa_id(entry) == identity
    assert values(entry, "halsovalKey") == ("person/alfa",)
    assert not values(entry, "endDate")
    assert number(1) in hsa.members()
    codes = {f.code for f in hsa.desired(returned, day=day).findings}
    assert "person_archived" not in codes


def test_a_unit_and_a_provider_come_back(hsa: Hsa) -> None:
    hsa.bring(staffed())
    runs(hsa, staffed(**ENDED))
    runs(hsa, staffed())
    for entry in (hsa.person(number(1)), hsa.unit(), hsa.provider()):
        assert not is_archived(entry)
    assert hsa.members() == {number(1), number(2)}


def test_what_somebody_archived_by_hand_stays_so_and_is_told(hsa: Hsa) -> None:
    hsa.bring(staffed())
    for entry in (hsa.person(number(1)), hsa.unit(), *hsa.commissions(), hsa.provider()):
        archived = (*values(entry, "objectClass"), "hsaArchivedObject")
        hsa.directory.put(entry.dn, objectClass=archived)
    runs(hsa, staffed())
    for entry in (hsa.person(number(1)), hsa.unit(), *hsa.commissions(), hsa.provider()):
        assert is_archived(entry)
    assert hsa.members() == {number(2)}
    codes = {f.code for f in hsa.desired(staffed()).findings}
    assert "person_archived" in codes


def test_a_protected_person_is_archived_and_hidden_still(hsa: Hsa) -> None:
    protected = record(people=[person(1, protected=True)])
    hsa.bring(protected)
    gone = record(people=[person(1, assignment(to="2026-03-01"), protected=True)])
    runs(hsa, gone)
    classes = values(hsa.person(number(1)), "objectClass")
    assert {"hsaArchivedObject", "hsaConfidentialPerson"} <= set(classes)
    assert values(hsa.person(number(1)), "fullName") == ("Skyddad person",)


# --- over many providers --------------------------------------------------------------------------

JOBS = st.tuples(st.sampled_from(("alfa", "beta")), st.integers(-30, 30) | st.none())


@given(
    jobs=st.lists(st.lists(JOBS, min_size=1, max_size=3), min_size=1, max_size=4),
    out=st.sets(st.integers(0, 3)),
    ends=st.integers(-10, 10) | st.none(),
    days=st.lists(st.integers(0, 25), max_size=4),
)
def test_nobody_is_archived_before_every_card_is_over_and_all_has_ended(
    jobs: list[list[tuple[str, int | None]]], out: set[int], ends: int | None, days: list[int]
) -> None:
    hsa = Hsa()
    hsa.journal = MemoryJournal()
    last = TODAY + dt.timedelta(days=ends) if ends is not None else None
    records = [
        record(
            name,
            [
                person(index, *(_job(job) for job in theirs if job[0] == name))
                for index, theirs in enumerate(jobs)
                if any(job[0] == name for job in theirs)
            ],
            agreement={"ends": str(last)} if name == "alfa" and last else {},
        )
        for name in ("alfa", "beta")
    ]
    hsa.run(*records, day=dt.date(2026, 1, 15))
    waiting = {hsa_id(e).casefold(): (WORDS,) for i in out for e in hsa.people(number(i))}
    hsa.cards = CardsOut(FOLLOWED, waiting)
    for more in sorted({0, *days}):
        day = TODAY + dt.timedelta(days=more)
        runs(hsa, *records, day=day)
        for index, own in enumerate(jobs):
            is_over = all(_is_over(job, last if job[0] == "alfa" else None, day) for job in own)
            for entry in hsa.people(number(index)):
                assert is_archived(entry) is (is_over and index not in out)


def _is_over(job: tuple[str, int | None], last: dt.date | None, day: dt.date) -> bool:
    end = None if job[1] is None else TODAY + dt.timedelta(days=job[1])
    return any(one is not None and one < day for one in (end, last))


def _job(job: tuple[str, int | None]) -> dict[str, Any]:
    _provider, end = job
    return assignment(**({} if end is None else {"to": str(TODAY + dt.timedelta(days=end))}))


def put_commission(hsa: Hsa, below: str, member: str) -> None:
    """A commission that somebody else made."""
    hsa.directory.put(
        f"cn=Annans,{below}", objectClass="hsaCommission", cn="Annans",
        hsaIdentity="SE2321000214-ANNANS", hsaCommissionPurpose="Vård och behandling",
        hsaCommissionMember=member,
    )  # fmt: skip
