# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups that give rights over the domain: no run puts anybody in one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.privileges import (
    privileged,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Entry
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    BASE,
    SYSTEM_GROUPS,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    XRAY,
    number,
    person,
    record,
    uses,
)

DOMAIN = "S-1-5-21-1821477968-4102749524-2490059956"
JOURNAL_GROUP = AD_LAYOUT.groups[JOURNAL]
ALFA = record(people=[person(1, uses()), person(2, uses())])
BETA = record("beta", [person(7, uses(XRAY))])


def group(name: str, sid: str | None = f"{DOMAIN}-1105", *above: str, count: str = "") -> Entry:
    """A group, with those that it is nested in."""
    said = {"memberOf": tuple(f"CN={one},{BASE}" for one in above)}
    said |= {"objectSid": (sid,)} if sid else {}
    return Entry(f"CN={name},{BASE}", said | ({"adminCount": (count,)} if count else {}))


def reasons(*groups: Entry) -> dict[str, str]:
    """Why groups give rights over the domain, by name."""
    found = privileged(groups)
    return {dn.partition(",")[0].removeprefix("cn="): reason for dn, reason in found.items()}


# --- which ones they are -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sid",
    [
        *(f"S-1-5-32-{number}" for number in (544, 545, 548, 550, 555, 580)),
        *(f"{DOMAIN}-{number}" for number in (*range(512, 521), 525, 526, 553, 571, 999)),
        "S-1-1-0", "S-1-5-11",
    ],
)  # fmt: skip
def test_what_is_built_in_gives_rights_over_the_domain(sid: str) -> None:
    assert reasons(group("a", sid)) == {"a": f"it is built in ({sid})"}


@pytest.mark.parametrize("number", [1000, 1105, 51200])
@pytest.mark.parametrize("count", ["", "0"])
def test_what_somebody_made_in_the_domain_gives_none(number: int, count: str) -> None:
    assert reasons(group("a", f"{DOMAIN}-{number}", count=count)) == {}


def test_what_is_protected_or_hidden_gives_rights() -> None:
    assert "adminCount" in reasons(group("a", count="1"))["a"]
    assert "cannot be read" in reasons(group("a", None))["a"]


def test_what_is_nested_gives_rights_at_any_depth_and_in_a_circle() -> None:
    chain = [group(f"a{n}", f"{DOMAIN}-{2000 + n}", f"a{n + 1}") for n in range(50)]
    ends = group("a50", f"{DOMAIN}-512", "a0")
    found = reasons(*chain, ends, group("other", f"{DOMAIN}-3000", "elsewhere"))
    assert found.keys() == {f"a{n}" for n in range(51)}
    assert found["a0"] == "it is nested in a50"


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7))), st.sets(st.integers(0, 7)))
def test_it_is_whatever_leads_to_one_by_membership(
    edges: set[tuple[int, int]], built_in: set[int]
) -> None:
    entries = [
        group(
            str(n),
            f"{DOMAIN}-{512 if n in built_in else 5000 + n}",
            *(str(above) for below, above in edges if below == n),
        )
        for n in range(8)
    ]
    reached = set(built_in)
    for _step in range(8):
        reached |= {below for below, above in edges if above in reached}
    assert reasons(*entries).keys() == set(map(str, reached))


# --- what a run does about them ------------------------------------------------------------------


def make_privileged(world: Ad, dn: str) -> None:
    """Nest a group in a built-in one, with another between."""
    world.put_group(f"CN=Between,{SYSTEM_GROUPS}", dn)
    world.put_group(
        f"CN=Print Operators,CN=Builtin,{BASE}", f"CN=Between,{SYSTEM_GROUPS}",
        objectSid="S-1-5-32-550",
    )  # fmt: skip


def found(world: Ad) -> list[Finding]:
    """The findings about groups."""
    findings = world.desired(ALFA, BETA).findings
    return [finding for finding in findings if finding.code == "privileged_group"]


@pytest.mark.parametrize("how", ["built in", "protected", "nested"])
def test_nobody_is_put_in_the_group_of_a_service_that_gives_rights_over_the_domain(
    world: Ad, how: str
) -> None:
    if how == "built in":
        world.put_group(JOURNAL_GROUP, objectSid=f"{DOMAIN}-512")
    elif how == "protected":
        world.put_group(JOURNAL_GROUP, adminCount="1")
    else:
        make_privileged(world, JOURNAL_GROUP)
    results = world.run(ALFA, BETA)
    assert (results["alfa"]["failed"], results["alfa"]["changed"]) == (True, False)
    said = f"the group {JOURNAL_GROUP} of the service {JOURNAL} may give rights over the domain"
    assert said in results["alfa"]["msg"]
    assert (results["beta"]["errors"], world.is_enabled(number(7))) == ([], True)
    (finding,) = found(world)
    assert (finding.provider, finding.object, finding.severity) == ("", "App-Journal", "high")


def test_who_left_by_date_leaves_such_a_group_all_the_same(world: Ad) -> None:
    world.bring(ALFA, BETA)
    make_privileged(world, JOURNAL_GROUP)
    left = record(people=[person(1, uses(to="2026-03-01")), person(2, uses())])
    assert world.run(left, BETA)["alfa"]["failed"]
    assert world.groups_of(number(1)) == set()
    assert not world.is_enabled(number(1))


def test_nobody_is_put_in_a_providers_group_that_gives_rights_over_the_domain(world: Ad) -> None:
    world.bring(ALFA, BETA)
    make_privileged(world, world.group("Halsoval-alfa").dn)
    more = record(people=[person(n, uses()) for n in (1, 2, 3)])
    results = world.run(more, BETA)
    said = "the provider's group Halsoval-alfa may give rights over the domain: it is nested in "
    assert said in results["alfa"]["msg"]
    assert world.accounts(number(3)) == []
    assert results["beta"]["errors"] == []
    assert [(f.provider, f.object) for f in found(world)] == [("alfa", "Halsoval-alfa")]


def test_a_group_that_nobody_uses_yet_is_a_finding(world: Ad) -> None:
    groups = {XRAY: AD_LAYOUT.groups[XRAY], "datalager_uppfoljning": f"CN=DHCP,{SYSTEM_GROUPS}"}
    world.layout = world.directory.layout = replace(AD_LAYOUT, groups=groups)
    world.put_group(f"CN=DHCP,{SYSTEM_GROUPS}", adminCount="1")
    assert [finding.object for finding in found(world)] == ["DHCP"]
    assert not world.run(BETA)["beta"]["failed"]
