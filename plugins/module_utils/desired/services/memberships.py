# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership that the owner of the region's own accounts gives and takes (annex 3.1.1).

The region's own employees keep their account, which is not ours to write. AD says what is to be
asked of its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...records.people import explained
from ..people.identified import Identified, Identities
from .chains import Matter, Wish, matter
from .draft import Draft
from .newcomers import Newcomers
from .particulars import of_person
from .rules import ACCOUNT_OWNER, Rules
from .users import is_membership

OwnerTasks = Mapping[str, Sequence[Mapping[str, str]]]

_CITRIX = "citrixanslutning"


def memberships(
    identities: Identities, newcomers: Newcomers, rules: Rules, hidden: Collection[str],
    tasks: OwnerTasks | None,
) -> None:  # fmt: skip
    """Order the membership that AD asks its owner for; None: AD was not looked at."""
    draft = newcomers.draft
    people = {i: known for known in identities.people for i in known.folded_ids}
    asked = {
        matter(provider, task["person"], task["service"]): task
        for provider, given in (tasks or {}).items()
        for task in given
    }
    for place, task in sorted(asked.items(), key=lambda item: item[0]):
        known = people.get(place[1])
        if known and _employs(known, place[0]):
            newcomers.settle(_membership(known, place, rules, hidden, task), known)
    for place in draft.left():
        provider, object_id, service = place
        known = people.get(object_id)
        if tasks is None and draft.chain(place).gives == "membership":
            draft.keep(place)
        elif known and is_membership(service) and _employs(known, provider):
            if tasks and provider in tasks and _is_undone(known, place, draft):
                draft.settle(_membership(known, place, rules, hidden, {"act": "leave"}))
            else:
                draft.keep(place)


def _employs(known: Identified, provider: str) -> bool:
    return any(e.provider == provider for e in known.person.employments)


def _is_undone(known: Identified, place: Matter, draft: Draft) -> bool:
    """Whether membership is still ordered that no assignment gives any more."""
    provider, _object, service = place
    latest = draft.chain(place).last
    if latest is None or not latest.is_under_way or not draft.chain(place).is_in_force:
        return False
    return not any(
        e.state == "active" and (service == _CITRIX or service in e.services)
        for e in known.person.employments
        if e.provider == provider
    )


def _membership(
    known: Identified, place: Matter, rules: Rules, hidden: Collection[str],
    task: Mapping[str, str],
) -> Wish:  # fmt: skip
    provider, _object, service = place
    hsa_id, is_protected = known.spelled(place[1]), place[1] in hidden
    employments = [e for e in known.person.employments if e.provider == provider]
    days = [e.last_day for e in employments if e.state == "ended" and e.last_day]
    return Wish(
        provider=provider, object=hsa_id, subject=service,
        gives="membership", takes="membership_end",
        recipient=rules.recipient(ACCOUNT_OWNER, provider),
        is_wanted=task["act"] == "join", last=max(days, default=None), asked=True,
        protected=is_protected,
        particulars=of_person(
            is_protected, hsa_id, service, employments, group=task.get("group", "")
        ),
        losers=frozenset({("person", hsa_id)}),
        explained=explained(employments, known.person.surprises_at(provider)),
    )  # fmt: skip
