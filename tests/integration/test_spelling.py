# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read is corrected to the letter where the servers take it for the same value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    accounts_of,
    by_provider,
    domain,
    empty_region,
    in_domain,
    make_ad_task,
    run_both,
)
from ansible_collections.regionjh.halsoval.tests.integration.faulty_directory import (
    Fault,
    faulty_directory,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Attributes,
    Held,
    Site,
    Task,
    empty,
    held,
    make_site,
    make_task,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    XRAY,
    number,
    person,
    record,
    unit,
    uses,
)

ADDRESS = {"postal_code": "831 31", "city": "Östersund"}
# Every field that people read, in one spelling and in another.
BEFORE: dict[str, Any] = {
    "provider": {"name": "ALFA vård ab"},
    "person": {
        "given_name": "anna", "middle_name": "maria", "surname": "DE GEER", "position": "läkare",
        "mail": "anna@ALFA.se", "phone": "063-14 75 00",
    },
    "other": {"surname": "Strauß", "given_name": "Bo  Gösta"},
    "unit": {
        "name": "norra (a, b)  #1", "phone": "063-14 75 00", "internal_phone": "063 147 500",
        "mail": "VC@alfa.se", "address": {"lines": ["STORGATAN 1"], **ADDRESS},
        "visiting_address": {"lines": ["gatan  1"], **ADDRESS}, "classification": ["a1", "b2"],
        "care_type": ["öppen"], "management": ["privat"], "workplace_code": "23abc",
    },
}  # fmt: skip
AFTER: dict[str, Any] = {
    "provider": {"name": "Alfa Vård AB"},
    "person": {
        "given_name": "Anna", "middle_name": "Maria", "surname": "de Geer", "position": "Läkare",
        "mail": "Anna@alfa.se", "phone": "063147500",
    },
    "other": {"surname": "Strauss", "given_name": "Bo Gösta"},
    "unit": {
        "name": "Norra (A, B) #1", "phone": "063147500", "internal_phone": "063147500",
        "mail": "vc@alfa.se", "address": {"lines": ["Storgatan 1"], **ADDRESS},
        "visiting_address": {"lines": ["gatan 1"], **ADDRESS}, "classification": ["A1", "b2"],
        "care_type": ["Öppen"], "management": ["Privat"], "workplace_code": "23ABC",
    },
}  # fmt: skip
IDS = ("va", "vb", "vc")
UNITS = ("norra", "norra-2")  # of one name: the second has its HSA-id in its name
CHANGING = {"entryCSN", "modifiersName", "modifyTimestamp", "createTimestamp", "entryUUID"}


@pytest.fixture
def site(region: Lab, tmp_path: Path) -> Iterator[Site]:
    """A site without records, and both directories without anything of ours."""
    empty_region(region)
    yield make_site(tmp_path, region, examples=False)
    empty_region(region)


def put(site: Site, said: Mapping[str, Any]) -> None:
    """A provider with two units of one name and two people."""
    people = [
        person(1, uses(XRAY, unit="norra"), **said["person"]),
        person(2, uses(XRAY, unit="norra-2"), **said["other"]),
    ]
    units = [unit(id, **said["unit"]) for id in UNITS]
    site.put(record("alfa", people, units=units, **said["provider"]))


def content(lab: Lab) -> Held:
    """What HSA holds, without what the server itself notes of each write."""
    return Held(
        {
            dn: {name: values for name, values in entry.items() if name not in CHANGING}
            for dn, entry in held(lab).entries.items()
        }
    )


def shown(account: Attributes) -> dict[str, tuple[str, ...]]:
    """What people read of an account."""
    names = (
        "givenName", "middleName", "sn", "displayName", "title", "mail", "telephoneNumber",
        "company", "department",
    )  # fmt: skip
    return {name: account.get(name, ()) for name in names}


def accounts(site: Site) -> dict[str, dict[str, tuple[str, ...]]]:
    """What people read of each account in AD."""
    return {id: shown(account) for id, account in in_domain(site.lab).accounts.items()}


def hsa_task(site: Site) -> Task:
    """The module hsa over the site's records."""
    return make_task(site, site.path / "payload")


def expected(site: Site) -> tuple[Held, dict[str, dict[str, tuple[str, ...]]]]:
    """What both directories hold where everything was spelled right from the first."""
    put(site, AFTER)
    run_both(site)
    right = content(site.lab), accounts(site)
    empty_region(site.lab)
    hsa_task(site).forget()
    return right


def test_every_field_is_corrected_in_both_and_a_second_run_changes_nothing(site: Site) -> None:
    right_in_hsa, right_in_ad = expected(site)
    put(site, BEFORE)
    run_both(site)
    assert content(site.lab).entries != right_in_hsa.entries
    put(site, AFTER)
    own = run_both(site)
    assert (own["alfa"]["changed"], own["alfa"]["errors"]) == (True, [])
    assert content(site.lab).entries == right_in_hsa.entries
    assert accounts(site) == right_in_ad
    before = held(site.lab), in_domain(site.lab)
    for results in (by_provider(hsa_task(site)), accounts_of(site)):
        assert (results["alfa"]["changes"], results["alfa"]["errors"]) == ([], [])
    assert (held(site.lab), in_domain(site.lab)) == before
    assert {row["result"] for row in site.audit_log() if row["event"] == "outcome"} == {"done"}


def test_corrections_whose_replies_are_lost_are_made_once(site: Site, tmp_path: Path) -> None:
    right_in_hsa, right_in_ad = expected(site)
    put(site, BEFORE)
    run_both(site)
    put(site, AFTER)
    lost = (Fault("rename reply", {1, 2, 3}, "close"), Fault("modify reply", {1, 2}, "close"))
    (tmp_path / "hsa").mkdir()
    with faulty_directory(site.lab, tmp_path / "hsa", *lost) as directory:
        results = by_provider(hsa_task(site).but(server_uri=directory.uri))
    assert results["alfa"]["errors"] == []
    assert directory.seen["rename reply"] == 2  # of the provider, and of the first of both units
    assert content(site.lab).entries == right_in_hsa.entries
    (tmp_path / "ad").mkdir()
    with faulty_directory(
        site.lab, tmp_path / "ad", lost[1], before=domain(site.lab).uri
    ) as directory:
        task = make_ad_task(site, site.path / "payload", server_uri=directory.uri)
        results = by_provider(task)
    assert results["alfa"]["errors"] == []
    assert accounts(site) == right_in_ad


def test_a_value_that_somebody_corrects_meanwhile_is_not_corrected_over_theirs(
    site: Site, tmp_path: Path
) -> None:
    put(site, BEFORE)
    run_both(site)
    put(site, AFTER)
    anna = held(site.lab).person(number(1))
    assert anna
    dn = f"cn={anna['hsaIdentity'][0]},{site.lab.people_branch}"

    def by_hand() -> None:
        with site.lab.admin() as admin:
            admin.modify(dn, {"title": [("MODIFY_REPLACE", ["överläkare"])]})

    meanwhile = Fault("modify", {1}, by_hand, matching="Läkare".encode())
    with faulty_directory(site.lab, tmp_path, meanwhile) as directory:
        results = by_provider(hsa_task(site).but(server_uri=directory.uri))
    assert any("somebody else changed the entry" in e for e in results["alfa"]["errors"])
    after = held(site.lab).person(number(1))
    assert after
    assert after["title"] == ("överläkare",)


def test_units_that_swap_names_have_them_plain_and_a_second_run_changes_nothing(
    site: Site,
) -> None:
    def named(*names: str) -> None:
        units = [unit(id, name) for id, name in zip(IDS, names, strict=True)]
        site.put(record("alfa", [person(1, uses(XRAY, unit=IDS[0]))], units=units))

    for names in (("Norr", "Söder", "Söder"), ("Söder", "Norr", "Öster"), ("norr", "Norr", "Norr")):
        named(*names)
        assert by_provider(hsa_task(site))["alfa"]["errors"] == []
        units = [held(site.lab).keyed(f"unit/alfa/{id}") for id in IDS]
        assert [entry["ou"] for entry in units] == [(name,) for name in names]
        assert by_provider(hsa_task(site))["alfa"]["changes"] == []
    dns = [dn for dn in held(site.lab).entries if ",ou=Alfa vård AB," in dn and dn.startswith("ou")]
    assert len([dn for dn in dns if "hsaIdentity" not in dn.partition(",")[0]]) == 1
    empty(site.lab)
