# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run refuses to take away, what confirms it, and what needs no confirmation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    Held,
    Run,
    Site,
    empty,
    held,
    make_site,
    restore,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    NPO,
    assignment,
    number,
    person,
    record,
)

SHARED = person(1, assignment(systems=[NPO]))
STAFF = [SHARED, *(person(index) for index in range(2, 7))]
YESTERDAY = "2026-03-01"


@pytest.fixture(scope="module")
def first(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Held]]:
    """A site with six people at alfa, one of whom works at beta too, and what a run made of it."""
    site = make_site(tmp_path_factory.mktemp("guard") / "site", lab, examples=False)
    site.put(record("alfa", STAFF))
    site.put(record("beta", [SHARED]))
    empty(lab)
    run = onboard(site)
    assert run.rc == 0, run.output
    yield site, held(lab)
    empty(lab)


@pytest.fixture
def site(first: tuple[Site, Held]) -> Site:
    """The site with its first records."""
    site, _content = first
    site.put(record("alfa", STAFF))
    site.put(record("beta", [SHARED]))
    return site


@pytest.fixture
def onboarded(lab: Lab, first: tuple[Site, Held]) -> Held:
    """What the directory held, and holds again, after the first run."""
    _site, content = first
    restore(lab, content)
    assert (len(content.members("alfa")), len(content.members("beta"))) == (6, 1)
    return content


def onboard(site: Site, *options: str, **variables: object) -> Run:
    """Run the playbook, with a system role that one of the services gives."""
    return site.onboard(*options, halsoval_hsa_system_roles={NPO: "npo;lasare"}, **variables)


def ending(row: dict[str, Any]) -> dict[str, Any]:
    """The row with assignments that ended yesterday."""
    return {**row, "assignments": [{**a, "to": YESTERDAY} for a in row["assignments"]]}


def plan(run: Run) -> str:
    """The hash that a refusal of alfa's plan names."""
    assert run.rc == 2, run.output
    assert (run.hosts("failed"), run.hosts("changed")) == ({"alfa"}, set())
    assert "would lose something without a date in the record" in run.output
    (name,) = set(re.findall(r"halsoval_expected_plan=(\w+)", run.output))
    return str(name)


def test_vanished_rows_are_refused_until_exactly_this_plan_is_confirmed(
    lab: Lab, site: Site, onboarded: Held
) -> None:
    site.put(record("alfa", STAFF[:1]))
    refused = plan(onboard(site))
    assert plan(onboard(site, "--check", "--diff")) == refused
    assert held(lab).entries == onboarded.entries

    site.put(record("alfa", STAFF[:2]))  # another plan than the one that was looked at
    stale = onboard(site, halsoval_expected_plan=[refused])
    assert (stale.rc, stale.hosts("failed")) == (2, {"alfa"})
    assert "is not among the expected plans; nothing of it was done" in stale.output
    assert held(lab).entries == onboarded.entries

    site.put(record("alfa", STAFF[:1]))
    confirmed = onboard(site, halsoval_expected_plan=[refused])
    assert (confirmed.rc, confirmed.hosts("changed")) == (0, {"alfa"})
    after = held(lab)
    assert after.members("alfa") == after.members("beta") == onboarded.members("beta")
    assert after.entries.keys() == onboarded.entries.keys()


def test_ends_with_a_date_need_no_confirmation(lab: Lab, site: Site, onboarded: Held) -> None:
    site.put(record("alfa", [*STAFF[:1], *map(ending, STAFF[1:])]))

    run = onboard(site)

    assert (run.rc, run.hosts("changed")) == (0, {"alfa"})
    assert held(lab).members("alfa") == onboarded.members("beta")


def test_refusal_delays_no_end_with_a_date(lab: Lab, site: Site, onboarded: Held) -> None:
    site.put(record("alfa", [ending(STAFF[1]), *STAFF[:1]]))

    run = onboard(site)

    assert (run.rc, run.hosts("failed")) == (2, {"alfa"})
    assert "refused: 4 of " in run.output
    entry = onboarded.person(number(2))
    assert entry is not None
    assert onboarded.members("alfa") - held(lab).members("alfa") == set(entry["hsaIdentity"])


def test_one_record_gets_nobody_elses_person_by_naming_their_number(
    lab: Lab, site: Site, onboarded: Held
) -> None:
    newcomer = person(40, previous_numbers=[number(2)])
    site.put(record("beta", [SHARED, newcomer]))

    run = onboard(site, "-v")

    assert (run.rc, run.hosts("failed")) == (2, {"alfa", "beta"})
    told = {p: {f["code"] for f in own["hsa"]["findings"]} for p, own in run.results.items()}
    assert "linked_numbers" in told["alfa"] & told["beta"]
    after = held(lab)
    assert after.person(number(2)) == onboarded.person(number(2))
    assert after.person(number(40)) is None
    assert after.members("beta") == onboarded.members("beta")


@pytest.mark.parametrize("beta", ["keeps", "ends"])
def test_broken_record_takes_nothing_from_a_person_it_shares(
    lab: Lab, site: Site, onboarded: Held, beta: str
) -> None:
    (site.providers / "alfa/staff.yml").write_text("people: [", encoding="utf-8")
    if beta == "ends":
        site.put(record("beta", [ending(SHARED)]))

    run = onboard(site)

    assert (run.rc, run.hosts("failed")) == (2, {"alfa"})
    after = held(lab)
    assert after.of("alfa").keys() == onboarded.of("alfa").keys()
    assert after.members("alfa") == onboarded.members("alfa")
    assert after.members("beta") == (onboarded.members("beta") if beta == "keeps" else set())
    shared = after.person(number(1))
    assert shared is not None
    assert shared == onboarded.person(number(1))
    assert shared["hsaSystemRole"] == ("npo;lasare",)
