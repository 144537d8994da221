# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of those who have left, in a real domain: quarantine, coming back, deletion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    DISABLED,
    change,
    domain,
    empty_region,
    flags,
    guid,
    in_domain,
    run_both,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Attributes,
    Site,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    XRAY,
    number,
    person,
    record,
    uses,
)

YESTERDAY, TODAY, LATER = "2026-03-01", "2026-03-02", "2026-03-20"
# The 90th and the 91st day after the account came into quarantine.
LAST_OF_GRACE, AFTER_GRACE = "2026-05-31", "2026-06-01"


@pytest.fixture
def site(region: Lab, tmp_path: Path) -> Site:
    """A site where one of two people works until yesterday."""
    empty_region(region)
    site = make_site(tmp_path / "site", region, examples=False)
    site.put(record("alfa", [leaver(), person(2, uses(XRAY))]))
    run_both(site, YESTERDAY)
    return site


def leaver(*more: dict[str, Any]) -> dict[str, Any]:
    return person(1, uses(XRAY, to=YESTERDAY), *more)


def hsa_id(site: Site, index: int = 1) -> str:
    entry = held(site.lab).person(number(index))
    assert entry is not None
    return entry["hsaIdentity"][0]


def account(site: Site, index: int = 1) -> Attributes:
    return in_domain(site.lab).accounts[hsa_id(site, index)]


def place(site: Site, index: int = 1) -> str:
    """The OU that an account lies in."""
    return account(site, index)["distinguishedName"][0].partition(",")[2]


def unchanged(site: Site, as_of: str) -> None:
    """A further run changes nothing."""
    before = in_domain(site.lab)
    own = run_both(site, as_of)
    assert not any(result["changed"] for result in own.values()), own
    assert in_domain(site.lab) == before


def test_who_has_left_goes_into_quarantine_and_after_the_grace_period(site: Site) -> None:
    ad, before = domain(site.lab), account(site)

    own = run_both(site, TODAY)

    assert own["alfa"]["errors"] == []
    assert own["alfa"]["counts"]["moved"] == 1
    after = account(site)
    assert guid(after) == guid(before)
    assert place(site) == ad.quarantine_ou
    assert flags(after) & DISABLED
    assert "memberOf" not in after
    assert in_domain(site.lab).members("Halsoval-alfa") == {hsa_id(site, 2)}
    assert f"halsoval:quarantined/{TODAY}" in after["extensionName"]
    (told,) = (f for f in own["alfa"]["findings"] if f["code"] == "in_quarantine")
    assert AFTER_GRACE in told["message"]
    unchanged(site, TODAY)
    unchanged(site, LAST_OF_GRACE)

    run_both(site, AFTER_GRACE)

    assert hsa_id(site) not in in_domain(site.lab).accounts
    assert place(site, 2) == ad.account_ou
    unchanged(site, AFTER_GRACE)


def test_who_comes_back_within_the_grace_period_has_the_same_account(site: Site) -> None:
    ad, before = domain(site.lab), account(site)
    run_both(site, TODAY)
    assert place(site) == ad.quarantine_ou
    site.put(record("alfa", [leaver(uses(XRAY, since=LATER)), person(2, uses(XRAY))]))

    own = run_both(site, LATER)

    assert own["alfa"]["errors"] == []
    back = account(site)
    assert place(site) == ad.account_ou
    same = ("objectGUID", "objectSid", "distinguishedName", "sAMAccountName", "memberOf")
    assert {n: back[n] for n in same} == {n: before[n] for n in same}
    assert back["extensionName"] == before["extensionName"]
    assert not flags(back) & DISABLED
    unchanged(site, LATER)
    unchanged(site, AFTER_GRACE)


def test_a_new_account_follows_one_that_was_deleted(site: Site) -> None:
    before = account(site)
    run_both(site, TODAY)
    run_both(site, AFTER_GRACE)
    site.put(record("alfa", [leaver(uses(XRAY, since=AFTER_GRACE)), person(2, uses(XRAY))]))
    run_both(site, AFTER_GRACE)
    assert guid(account(site)) != guid(before)
    assert not flags(account(site)) & DISABLED
    unchanged(site, AFTER_GRACE)


def test_an_account_that_a_person_disabled_stays_where_it_is(site: Site) -> None:
    by_hand = flags(account(site)) | DISABLED
    change(site.lab, *account(site)["distinguishedName"], userAccountControl=by_hand)
    for day in (TODAY, AFTER_GRACE, "2027-03-01"):
        run_both(site, day)
        assert place(site) == domain(site.lab).account_ou


def test_what_a_person_moved_into_quarantine_stays_there(site: Site) -> None:
    ad = domain(site.lab)
    with ad.admin() as admin:
        dn = account(site, 2)["distinguishedName"][0]
        admin.modify_dn(dn, dn.partition(",")[0], new_superior=ad.quarantine_ou)
    run_both(site, TODAY)
    assert place(site, 2) == ad.quarantine_ou
    run_both(site, AFTER_GRACE)
    assert place(site, 2) == ad.quarantine_ou


def test_without_the_right_to_move_a_run_tells_it_and_does_the_rest(site: Site) -> None:
    ad = domain(site.lab)
    other = f"OU=Annan,OU=Halsoval,{ad.base}"
    with ad.admin() as admin:
        admin.add(other, "organizationalUnit")
    try:
        own = run_both(site, TODAY, quarantine_ou=other)
        assert own["alfa"]["errors"] == []
        (told,) = (f for f in own["alfa"]["findings"] if f["code"] == "right_missing")
        assert told["message"].startswith(f"account {hsa_id(site)}: the account that the run")
        assert place(site) == ad.account_ou
        assert flags(account(site)) & DISABLED
        assert in_domain(site.lab).groups_of(hsa_id(site)) == set()
    finally:
        with ad.admin() as admin:
            admin.delete(other)
