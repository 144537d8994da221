# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two entries in HSA with one HSA-id or one personal number, and roles that no service gives.

A directory that keeps them unique may let two writers pass that write at the same moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
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

ALFA, BETA = record(people=[person(1), person(2)]), record("beta", [person(3)])
REGION = f"ou=Personal,{LAYOUT.base_dn}"
PLACES = {"ours": LAYOUT.people_branch, "somebody else's": REGION}
YESTERDAY = "2026-03-01"


def put_person(hsa: Hsa, place: str, **said: Any) -> None:
    """Another person's entry, with a key of beta's where it is one of ours."""
    keys = ("person/beta",) if place == "ours" else ()
    hsa.directory.put(
        f"cn=dubbel,{PLACES[place]}", objectClass="person", cn="dubbel", sn="Ö", fullName="Ö",
        halsovalKey=keys, **{"hsaIdentity": "SE2321000214-DUBBEL", **said},
    )  # fmt: skip


def findings(hsa: Hsa, *records: Record, code: str) -> list[Finding]:
    """The findings with a code."""
    return [f for f in hsa.desired(*records).findings if f.code == code]


def stopped(hsa: Hsa, *words: str) -> None:
    """Alfa's plan is not carried out, for a reason with these words; beta's is."""
    later = record(people=[person(1), person(2), person(4)]), record("beta", [person(3), person(5)])
    results = hsa.run(*later)
    assert (results["alfa"]["failed"], results["beta"]["failed"]) == (True, False)
    for word in words:
        assert word in results["alfa"]["msg"]
    assert hsa.people(number(4)) == []
    assert len(hsa.people(number(5))) == 1


@pytest.mark.parametrize("spelled", [str.lower, str.upper, str])
@pytest.mark.parametrize("place", PLACES)
def test_an_hsa_id_of_two_people_stops_whom_it_concerns(hsa: Hsa, place: str, spelled: Any) -> None:
    hsa.bring(ALFA, BETA)
    id = hsa_id(hsa.person(number(1)))
    put_person(hsa, place, hsaIdentity=spelled(id), personalIdentityNumber=number(9))
    stopped(hsa, "several entries in HSA have the HSA-id", id)


@pytest.mark.parametrize("place", PLACES)
def test_a_number_of_two_entries_stops_whom_it_concerns(hsa: Hsa, place: str) -> None:
    hsa.bring(ALFA, BETA)
    put_person(hsa, place, personalIdentityNumber=number(1))
    stopped(hsa, "HSA has several entries for one person", "SE2321000214-DUBBEL")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["provider", "unit", "commission"])
def test_an_hsa_id_of_an_entry_of_ours_and_a_person_stops_its_provider(
    hsa: Hsa, kind: str, place: str
) -> None:
    hsa.bring(ALFA, BETA)
    entry = {"provider": hsa.provider(), "unit": hsa.unit(), "commission": hsa.commissions()[0]}
    put_person(hsa, place, hsaIdentity=hsa_id(entry[kind]).lower())
    stopped(hsa, "several entries in HSA have the HSA-id")


def test_an_entry_whose_hsa_id_another_one_has_is_not_taken_over(hsa: Hsa) -> None:
    id = "SE2321000214-U1"
    for dn in (f"ou=En,{LAYOUT.provider_branch}", f"ou=Två,{LAYOUT.base_dn}"):
        hsa.directory.put(dn, objectClass="organizationalUnit", ou=dn[3:5], hsaIdentity=id)
    result = hsa.run(record(units=[unit(hsa_id=id)]))["alfa"]
    assert "several entries in HSA have the HSA-id" in result["msg"]


def test_doubles_of_the_regions_own_stop_nobody(hsa: Hsa) -> None:
    hsa.bring(ALFA)
    for name in "ab":
        hsa.directory.put(
            f"cn={name},{REGION}", objectClass="person", cn=name, sn="Ö", fullName="Ö",
            hsaIdentity="SE2321000214-R1", personalIdentityNumber=number(9),
        )  # fmt: skip
    desired = hsa.desired(ALFA)
    assert (desired.errors, [f.code for f in desired.findings]) == ({}, [])


@pytest.mark.parametrize("shared", ["hsaIdentity", "personalIdentityNumber"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("left", ["ended", "forgotten"])
def test_a_double_of_somebody_who_has_left_is_a_finding(
    hsa: Hsa, left: str, place: str, shared: str
) -> None:
    hsa.bring(ALFA)
    anna = hsa.person(number(1))
    other = {"hsaIdentity": "SE2321000214-DUBBEL", "personalIdentityNumber": number(9)}
    put_person(hsa, place, **{**other, shared: values(anna, shared)[0]})
    ended = [person(1, assignment(to=YESTERDAY))] if left == "ended" else []
    alfa = record(people=[*ended, person(2)])
    (finding,) = findings(hsa, alfa, code="doubled")
    assert (finding.provider, finding.object) == ("alfa", hsa_id(anna))
    assert finding.severity == "high"
    assert hsa.desired(alfa).errors == {}


# --- system roles --------------------------------------------------------------------------------


def test_a_role_that_no_service_gives_any_more_is_told_with_the_people_who_keep_it(
    hsa: Hsa,
) -> None:
    staff = [person(n, assignment(systems=[NPO, PASCAL][: n % 3])) for n in range(5)]
    alfa = record(people=staff)
    hsa.bring(alfa)
    hsa.layout = replace(hsa.layout, system_roles={NPO: "npo;lasare"})
    (finding,) = findings(hsa, alfa, code="other_role")
    assert (finding.provider, finding.object) == ("alfa", "pascal;forskrivare")
    assert finding.message.endswith(": " + hsa_id(hsa.person(number(2))))
    assert hsa.bring(alfa).operations == ()


def test_a_role_in_another_spelling_is_the_services_own(hsa: Hsa) -> None:
    alfa = record(people=[person(1, assignment(systems=[NPO]))])
    hsa.bring(alfa)
    hsa.directory.put(hsa.person(number(1)).dn, hsaSystemRole="NPO;Lasare")
    assert findings(hsa, alfa, code="other_role") == []


def test_roles_of_people_who_are_not_ours_are_theirs(hsa: Hsa) -> None:
    put_person(hsa, "somebody else's", hsaSystemRole="annat;roll", personalIdentityNumber=number(1))
    hsa.bring(ALFA)
    assert findings(hsa, ALFA, code="other_role") == []
