# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership that the owner of the region's own accounts gives, and takes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    number,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.desired.services.user_builders import (
    P1,
    YESTERDAY,
    staff,
    task,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import (
    IDS,
    Services,
    one,
    told,
)


def test_a_refused_end_of_membership_is_a_finding_too(services: Services) -> None:
    ended = staff(uses(JOURNAL, to=str(YESTERDAY)))
    services.run(ended, tasks=task("leave"))
    services.answer("refused", kind="membership_end")
    assert ("leave_refused", P1) in services.findings(ended, tasks=task("leave"))


def test_membership_is_ordered_of_the_owner_and_ended_too(services: Services) -> None:
    own = staff(uses(JOURNAL))
    order = one(services.run(own, tasks=task("join")), "membership")
    assert (order.recipient, order.subject) == ("kontoforvaltning", JOURNAL)
    assert order.particulars["group"] == "CN=App"
    assert services.run(own, tasks=task("join")) == []
    services.answer("done", kind="membership")
    assert services.run(own, tasks={"alfa": []}) == []
    ended = staff(uses(JOURNAL, to=str(YESTERDAY)))
    assert services.judge(ended, tasks=task("leave")).refusals == {}
    end = one(services.run(ended, tasks=task("leave")), "membership_end")
    assert (end.follows, end.due) == (order.key, YESTERDAY)
    assert services.run(ended, tasks=task("leave")) == []


def test_membership_that_was_taken_by_hand_is_ordered_anew(services: Services) -> None:
    own = staff(uses(JOURNAL))
    services.run(own, tasks=task("join"))
    services.answer("done", kind="membership")
    assert told(services.run(own, tasks=task("join"))) == [("membership", P1, "ordered")]


def test_membership_that_nobody_ordered_is_ended_all_the_same(services: Services) -> None:
    ended = staff(uses(JOURNAL, to=str(YESTERDAY)))
    found = services.run(ended, tasks=task("leave"))
    assert told(found, "membership_end") == [("membership_end", P1, "ordered")]


def test_membership_on_order_is_called_off_when_the_assignment_ends(services: Services) -> None:
    services.run(staff(uses(JOURNAL)), tasks=task("join"))
    ended = staff(uses(JOURNAL, to=str(YESTERDAY)))
    found = services.run(ended, tasks={"alfa": []})
    assert told(found, "membership_end") == [("membership_end", P1, "ordered")]


@pytest.mark.parametrize("tasks", [None, {}], ids=["AD was not looked at", "AD failed"])
def test_without_a_look_at_ad_membership_stays(services: Services, tasks: Any) -> None:
    services.run(staff(uses(JOURNAL)), tasks=task("join"))
    ended = staff(uses(JOURNAL, to=str(YESTERDAY)))
    assert services.run(ended, tasks=tasks) == []
    assert ("orphan_order", P1) not in services.findings(ended, tasks=tasks)


def test_membership_that_no_date_ends_is_guarded(services: Services) -> None:
    own = record(people=[person(n, uses(JOURNAL)) for n in range(1, 12)])
    tasks = {
        "alfa": [
            {"person": IDS[number(n)], "service": JOURNAL, "group": "App", "act": "leave"}
            for n in range(1, 12)
        ]
    }
    assert "11 of 11 would lose something" in services.judge(own, tasks=tasks).refusals["alfa"]


def test_without_a_look_at_ad_nobody_is_an_orphan_of_its_groups(services: Services) -> None:
    services.run(staff(uses(JOURNAL)), tasks=task("join"))
    assert ("orphan_order", P1) not in services.findings(record())
    assert ("orphan_order", P1) in services.findings(record(), tasks={"alfa": []})


def test_what_owners_give_counts_as_held(services: Services) -> None:
    services.run(staff(uses(JOURNAL)), tasks=task("join"))
    assert services.desired(staff(uses(JOURNAL))).holdings == {"alfa": {("person", P1)}}
