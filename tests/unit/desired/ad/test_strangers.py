# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others left in our OUs, and where our accounts are that no record put there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    SYSTEM_GROUPS,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    DOCUMENTS,
    JOURNAL,
    XRAY,
    number,
    person,
    record,
    uses,
)

ALFA = record(people=[person(1, uses())])
BETA = record("beta", [person(7, uses())])
USER = ("top", "person", "organizationalPerson", "user")
RESTORED: dict[str, Any] = {
    "objectClass": USER, "sAMAccountName": "hv000003", "userAccountControl": ("ENABLED",),
}  # fmt: skip
# What lies where the new account of somebody would, and what is told of it.
IN_THE_WAY: dict[str, tuple[dict[str, Any], str]] = {
    "restored": (RESTORED, "an enabled account with no employeeNumber and without our key lies at"),
    "disabled": (
        {**RESTORED, "userAccountControl": ("NORMAL_ACCOUNT",)},
        "a disabled account with no employeeNumber",
    ),
    "numbered": (
        {**RESTORED, "employeeNumber": "SE2321000214-OTHER"},
        "an enabled account with the employeeNumber SE2321000214-OTHER",
    ),
    "named after others": (
        {**RESTORED, "sAMAccountName": "anna", "displayName": "Anna"}, "an enabled account",
    ),
    "contact": ({"objectClass": ("top", "person", "contact")}, "an object of the class contact"),
    "unit": ({"objectClass": ("top", "organizationalUnit")}, "class organizationalUnit lies at"),
    "group": (
        {"objectClass": ("top", "group"), "sAMAccountName": "anything"},
        "an object of the class group lies at",
    ),
}  # fmt: skip


def findings(world: Ad, *records: Record, code: str = "", **options: Any) -> list[Finding]:
    """The findings with a code, or all."""
    found = world.desired(*records, **options).findings
    return [finding for finding in found if code in ("", finding.code)]


@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_what_lies_where_an_account_is_to_be_is_told_until_it_is_gone(world: Ad, kind: str) -> None:
    said, words = IN_THE_WAY[kind]
    world.hsa.bring(ALFA, BETA)
    id = world.id_of(number(1))
    dn = f"CN={id},{AD_LAYOUT.account_ou}"
    world.directory.put(dn.upper(), **said)
    for _night in range(2):
        results = world.run(ALFA, BETA)
        assert (results["alfa"]["failed"], results["alfa"]["changed"]) == (True, False)
        assert words in results["alfa"]["msg"]
        assert f"lies at CN={id} in our OU" in results["alfa"]["msg"]
        assert "run again" not in results["alfa"]["msg"]
        assert (results["beta"]["errors"], world.is_enabled(number(7))) == ([], True)
    world.directory.remove(dn)
    world.run(ALFA, BETA)
    assert world.is_enabled(number(1))


def test_an_account_of_ours_in_the_way_is_told(world: Ad) -> None:
    world.bring(BETA)
    world.hsa.bring(ALFA, BETA)
    id, other = world.id_of(number(1)), world.account(number(7))
    world.directory.remove(other.dn)
    world.directory.put(f"CN={id},{AD_LAYOUT.account_ou}", **dict(other.attributes))
    message = world.run(ALFA, BETA)["alfa"]["msg"]
    assert f"an account of ours with the employeeNumber {world.id_of(number(7))} lies at" in message


def test_a_restored_account_is_taken_over_once_it_has_its_number_and_the_record_names_it(
    world: Ad,
) -> None:
    world.hsa.bring(ALFA)
    id = world.id_of(number(1))
    restored = world.put_account(f"CN={id},{AD_LAYOUT.account_ou}", "hv000003")
    world.change(restored, employeeNumber=id)
    named = record(people=[person(1, uses(), hsa_id=id)])
    assert findings(world, named, code="unexplained_account") == []
    world.bring(named)
    assert world.account(number(1)).address == restored.address
    assert world.groups_of(number(1)) == {"Halsoval-alfa", "App-Journal"}


def test_an_object_with_the_name_of_a_providers_group_is_told(world: Ad) -> None:
    world.directory.put(
        f"CN=Halsoval-alfa,{AD_LAYOUT.group_ou}", objectClass=("top", "person", "contact")
    )
    results = world.run(ALFA, BETA)
    assert "the name Halsoval-alfa of the provider's group is taken in AD" in results["alfa"]["msg"]
    assert results["beta"]["errors"] == []


# --- accounts that no key explains ---------------------------------------------------------------


@pytest.mark.parametrize("ou", [AD_LAYOUT.account_ou, AD_LAYOUT.quarantine_ou])
@pytest.mark.parametrize("records", [(), (ALFA,)])
def test_an_enabled_account_that_no_key_explains_is_a_finding_of_high_severity(
    world: Ad, ou: str, records: tuple[Record, ...]
) -> None:
    world.bring(*records)
    world.put_account(f"CN=SE2321000214-HV000099,OU=Vilande,{ou}")
    (finding,) = findings(world, *records)
    assert (finding.provider, finding.code) == ("", "unexplained_account")
    assert (finding.object, finding.severity) == ("SE2321000214-HV000099", "high")


def test_an_unexplained_account_is_told_by_no_name(world: Ad) -> None:
    entry = world.put_account(f"CN=Anna Hemlig,{AD_LAYOUT.account_ou}", "annhem", sn="Hemlig")
    (finding,) = findings(world)
    assert finding.object == entry.address
    assert "Hemlig" not in str(finding)


@pytest.mark.parametrize(
    "said",
    [
        {"userAccountControl": ("NORMAL_ACCOUNT",)},
        {"extensionName": ("halsoval:person/alfa",), "employeeNumber": "SE2321000214-HV000099"},
    ],
)
def test_an_account_that_lets_nobody_in_or_is_ours_is_none(world: Ad, said: dict[str, Any]) -> None:
    world.put_account(f"CN=x,{AD_LAYOUT.account_ou}", **said)
    assert findings(world, ALFA, code="unexplained_account") == []


def test_a_stranger_with_an_employee_number_of_ours_is_an_error_and_unexplained(world: Ad) -> None:
    world.hsa.bring(ALFA)
    id = world.id_of(number(1))
    world.put_account(f"CN=x,{AD_LAYOUT.account_ou}", employeeNumber=id)
    assert [finding.object for finding in findings(world, ALFA)] == [id]
    assert "an account in our OUs without our key" in world.run(ALFA)["alfa"]["msg"]


@pytest.mark.parametrize("row", [{}, {"to": "2026-03-01"}, None])
def test_an_account_that_lost_its_key_is_told_with_its_groups(
    world: Ad, row: dict[str, Any] | None
) -> None:
    world.bring(ALFA, BETA)
    account = world.change(world.account(number(1)), extensionName=())
    later = record(people=[] if row is None else [person(1, uses(**row))])
    (finding,) = findings(world, later, BETA, code="unexplained_account")
    assert (finding.object, finding.severity) == (world.id_of(number(1)), "high")
    assert "without our key, in App-Journal, Halsoval-alfa:" in finding.message
    assert "did not make" not in finding.message
    assert world.directory.content()[account.dn]["userAccountControl"] >= {"ENABLED"}


# --- groups that no service stands for any more --------------------------------------------------


@pytest.mark.parametrize("to", [None, f"CN=App-Dokument-Las,{SYSTEM_GROUPS}"])
def test_a_service_that_is_mapped_otherwise_is_told_with_the_accounts_that_keep_it(
    world: Ad, to: str | None
) -> None:
    alfa = record(people=[person(1, uses(XRAY)), person(2, uses(XRAY, JOURNAL)), person(3, uses())])
    world.bring(alfa, BETA)
    left = {service: dn for service, dn in AD_LAYOUT.groups.items() if service != XRAY}
    groups = left | ({XRAY: to} if to else {})
    world.layout = world.directory.layout = replace(AD_LAYOUT, groups=groups)
    (finding,) = findings(world, alfa, BETA, code="other_group")
    assert (finding.provider, finding.object) == ("alfa", "App-Rontgen")
    kept = sorted(world.id_of(number(n)) for n in (1, 2))
    assert finding.message.endswith(": " + ", ".join(kept))
    assert world.groups_of(number(1)) >= {"App-Rontgen"}
    world.put_group(f"CN=App-Rontgen,{SYSTEM_GROUPS}")
    assert findings(world, alfa, BETA, code="other_group") == []


def test_a_group_that_somebody_put_an_account_in_is_told_to_each_provider_of_the_person(
    world: Ad,
) -> None:
    alfa, beta = (record(id, [person(1, uses(DOCUMENTS))]) for id in ("alfa", "beta"))
    world.bring(alfa, beta)
    world.put_group(f"CN=VPN,{SYSTEM_GROUPS}", world.account(number(1)).dn)
    found = findings(world, alfa, beta, code="other_group")
    assert [(f.provider, f.object) for f in found] == [("alfa", "VPN"), ("beta", "VPN")]


def test_of_many_accounts_the_first_twenty_are_named(world: Ad) -> None:
    alfa = record(people=[person(n, uses(XRAY)) for n in range(25)])
    world.bring(alfa)
    groups = {s: dn for s, dn in AD_LAYOUT.groups.items() if s != XRAY}
    world.layout = world.directory.layout = replace(AD_LAYOUT, groups=groups)
    (finding,) = findings(world, alfa, code="other_group")
    assert finding.message.endswith("and 5 more")
