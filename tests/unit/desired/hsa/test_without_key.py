# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries in our branches whose key somebody took away, or never set: no run closes them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    LAYOUT,
    NPO,
    assignment,
    number,
    person,
    record,
    unit,
)
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import Hsa, hsa_id, values

YESTERDAY = "2026-03-01"
STAFF = range(9)
# What a record may say of somebody whose entry lost its key.
ROWS: dict[str, dict[str, Any]] = {
    "works": {}, "left": {"to": YESTERDAY}, "suspended": {"suspended": {"from": "2026-02-01"}},
}  # fmt: skip


def alfa(leavers: int = 0, **fields: Any) -> Record:
    """Nine people, of whom the first have left."""
    return record(
        people=[person(n, assignment(**({"to": YESTERDAY} if n < leavers else {}))) for n in STAFF],
        **fields,
    )


def found(hsa: Hsa, *records: Record, code: str, **options: Any) -> list[Finding]:
    """The findings with a code."""
    return [f for f in hsa.desired(*records, **options).findings if f.code == code]


def put_commission(hsa: Hsa, below: str, *members: str, **said: Any) -> None:
    """A commission that somebody made by hand."""
    hsa.directory.put(
        f"cn=Hand,{below}", objectClass="hsaCommission", cn="Hand", hsaCommissionPurpose="Annat",
        hsaIdentity="SE2321000214-HAND", hsaCommissionMember=members, **said,
    )  # fmt: skip


def test_a_commission_that_lost_its_key_is_told_with_all_whom_it_keeps(hsa: Hsa) -> None:
    hsa.bring(alfa())
    (commission,) = hsa.commissions()
    hsa.directory.put(commission.dn, halsovalKey=())
    hsa.run(alfa(leavers=6))
    assert hsa.members() == {number(n) for n in STAFF if n >= 6}
    (finding,) = found(hsa, alfa(leavers=6), code="commission_without_key")
    assert (finding.provider, finding.object) == ("alfa", hsa_id(commission))
    assert finding.severity == "high"
    kept = sorted(hsa_id(hsa.person(number(n))) for n in STAFF)
    assert finding.message.endswith(": " + ", ".join(kept))


@pytest.mark.parametrize("key", [(), ("odd",), ("unit/alfa/vc",)])
@pytest.mark.parametrize(
    ("place", "provider"), [("unit", "alfa"), ("provider", "alfa"), ("branch", ""), ("people", "")]
)
def test_a_commission_without_our_key_is_told_wherever_it_lies_in_our_branches(
    hsa: Hsa, place: str, provider: str, key: tuple[str, ...]
) -> None:
    hsa.bring(alfa())
    below = {
        "unit": hsa.unit().dn, "provider": hsa.provider().dn, "branch": LAYOUT.provider_branch,
        "people": LAYOUT.people_branch,
    }  # fmt: skip
    member = hsa_id(hsa.person(number(1)))
    put_commission(hsa, below[place], member.lower(), "SE2321000214-ANNAN", halsovalKey=key)
    (finding,) = found(hsa, alfa(leavers=9), code="commission_without_key")
    assert (finding.provider, finding.severity) == (provider, "high")
    assert finding.message.endswith(": " + member.lower())


def test_a_commission_that_is_ours_or_elsewhere_or_keeps_none_of_ours_is_not_told(hsa: Hsa) -> None:
    hsa.bring(alfa())
    member = hsa_id(hsa.person(number(1)))
    put_commission(hsa, LAYOUT.base_dn, member)
    put_commission(hsa, hsa.unit().dn, "SE2321000214-ANNAN")
    assert found(hsa, alfa(), code="commission_without_key") == []


@pytest.mark.parametrize("key", [(), ("odd",), ("commission/alfa/vc/0",)])
@pytest.mark.parametrize("kind", ["unit", "provider"])
def test_what_lost_its_key_is_told_before_and_after_a_run_has_made_another(
    hsa: Hsa, kind: str, key: tuple[str, ...]
) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    entry = hsa.unit() if kind == "unit" else hsa.provider()
    hsa.directory.put(entry.dn, halsovalKey=key)
    for _night in range(2):
        (finding,) = found(hsa, staff, code=f"{kind}_without_key")
        assert (finding.provider, finding.object) == ("alfa", hsa_id(entry))
        hsa.run(staff)


def test_a_unit_that_lost_its_key_is_taken_over_by_its_id(hsa: Hsa) -> None:
    staff = record(people=[person(1)])
    hsa.bring(staff)
    entry = hsa.unit()
    hsa.directory.put(entry.dn, halsovalKey=())
    units = [unit(hsa_id=hsa_id(entry))]
    named = record(people=[person(1)], units=units)
    assert found(hsa, named, code="unit_without_key") == []
    hsa.bring(named)
    assert hsa_id(hsa.unit()) == hsa_id(entry)
    assert found(hsa, staff, code="unit_without_key") == []


@pytest.mark.parametrize("below", [LAYOUT.base_dn, LAYOUT.provider_branch])
def test_a_unit_elsewhere_or_below_no_provider_of_ours_is_not_told(hsa: Hsa, below: str) -> None:
    hsa.bring(alfa())
    hsa.directory.put(
        f"ou=Annan,{below}", objectClass=("organizationalUnit", "hsaHealthCareUnit"), ou="Annan",
        hsaIdentity="SE2321000214-ANNAN", hsaResponsibleHealthCareProvider="SE2321000214-ANDRA",
    )  # fmt: skip
    assert found(hsa, alfa(), code="unit_without_key") == []


@pytest.mark.parametrize("row", ROWS)
def test_a_person_whose_entry_lost_its_key_is_told_whether_or_not_they_work(
    hsa: Hsa, row: str
) -> None:
    title = {"licences": [{"title": "Läkare", "confirmed": "2020-01-01"}]}
    hsa.bring(record(people=[person(1, assignment(systems=[NPO]), **title), person(2)]))
    entry = hsa.person(number(1))
    hsa.directory.put(entry.dn, halsovalKey=())
    given = assignment(systems=[NPO], **ROWS[row])
    later = record(people=[person(1, given, **title), person(2)])
    hsa.run(later)
    (finding,) = found(hsa, later, code="person_without_key")
    assert (finding.provider, finding.object) == ("alfa", hsa_id(entry))
    assert finding.severity == "high"
    named = record(people=[person(1, given, hsa_id=hsa_id(entry), **title), person(2)])
    assert found(hsa, named, code="person_without_key") == []
    hsa.bring(named)
    assert found(hsa, later, code="person_without_key") == []
    assert bool(values(hsa.person(number(1)), "hsaSystemRole")) is (row == "works")


@pytest.mark.parametrize("given", [{"halsoval": False}, {"since": "2026-12-01"}])
def test_whom_no_run_would_have_entered_has_an_entry_of_others(
    hsa: Hsa, given: dict[str, Any]
) -> None:
    hsa.directory.put(
        f"cn=x,{LAYOUT.people_branch}", objectClass="person", cn="x", sn="Ö", fullName="Ö",
        hsaIdentity="SE2321000214-X", personalIdentityNumber=number(1),
    )  # fmt: skip
    staff = record(people=[person(1, assignment(**given))])
    assert found(hsa, staff, code="person_without_key") == []
