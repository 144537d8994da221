# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The orders of services for the approved records: all that people carry out but SITHS cards.

Users of systems, connections and the agreements they take, telephony, consultation about equipment
(annex 3.1.1, 3.1.2, 3.3, 3.5, 4). What is ordered once is never ordered again, and never taken
back: the way back is another order.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ...engine.guard import Holding
from ...engine.orders import ATTRIBUTES
from ...engine.plan import Entry
from ...engine.provision import Desired
from ...records.lifecycle import phase
from ...records.model import Record
from ...records.payload import Approved
from ..people.gate import Gate
from ..people.identified import Identities, remembering
from .chains import Chain, Matter, Wish
from .connections import agreements, connections, consultations
from .draft import Draft
from .memberships import OwnerTasks, memberships
from .newcomers import Newcomers
from .rules import Rules
from .telephony import telephony
from .users import protected, users

_OF_PEOPLE = frozenset({"join", "guest", "membership"})
_ENDS = {"join": "leave", "guest": "guest_end", "membership": "membership_end"}
_ENDED_BY_NOTHING = frozenset({"availability", "equipment", "consultation"})


def desire(
    approved: Approved,
    as_of: dt.date,
    rules: Rules,
    held: Sequence[Entry],
    identities: Identities,
    owner_tasks: OwnerTasks | None,
    hsa_failures: Mapping[str, str] | None = None,
    check: bool = False,
) -> Desired:
    """The orders that there must be on a day, given those that the ledger holds.

    `owner_tasks` is what AD asks the owners of the region's own accounts for, by provider (see
    `desired/ad/tasks.py`); None where AD is not part of the run. `hsa_failures` say by provider
    what failed in HSA before in this play; None where HSA is not part of it. In check mode people
    count as entered whom HSA would enter.
    """
    draft = Draft(held, as_of, rules.due_days, approved.memory)
    records = {record.id: record for record in approved.records}
    holdings = _holdings(draft)
    hidden = protected(identities, draft, approved.invalid)
    for record in approved.records:
        _of_provider(record, draft, rules, identities.hidden | hidden)
    newcomers = Newcomers(draft, Gate(identities.unread, hsa_failures, check))
    users(identities, newcomers, rules, hidden)
    memberships(identities, newcomers, rules, hidden, owner_tasks)
    for place in draft.left():
        if place[0] not in approved.invalid:
            is_hidden = place[1] in hidden
            _leave_over(place, records.get(place[0]), draft, is_hidden, bool(identities.unread))
    seen = tuple(dict.fromkeys(draft.findings))
    desired = Desired(tuple(draft.wanted), ATTRIBUTES, holdings, seen, waiting=newcomers.waiting())
    return remembering(desired, identities.pending, identities, approved.memory)


def _of_provider(record: Record, draft: Draft, rules: Rules, hidden: Collection[str]) -> None:
    """Order what a provider asks for, whoever works there."""
    if phase(record, draft.as_of) == "application":
        return
    keys = agreements(record, draft, rules)
    connections(record, draft, rules, keys)
    telephony(record, draft, rules, keys, hidden)
    consultations(record, draft, rules)


def recorded(desired: Desired) -> Desired:
    """The same with new orders as carried out before there was a ledger: nobody is asked for them.

    Ends are ordered all the same, and so is the question what an address offers: its answer counts.
    """
    return replace(
        desired,
        wanted=tuple(
            one
            if one.held or one.takes or one.kind == "availability"
            else replace(one, attributes={**one.attributes, "state": ("done",)})
            for one in desired.wanted
        ),
    )


def _holdings(draft: Draft) -> dict[str, frozenset[Holding]]:
    """The people with an order in force that gives them something, by provider."""
    people: dict[str, set[Holding]] = defaultdict(set)
    for place in draft.left():
        chain = draft.chain(place)
        last = chain.last
        if last and last.state != "wanted" and chain.is_in_force and chain.gives in _OF_PEOPLE:
            people[place[0]].add(("person", last.object))
    return {provider: frozenset(held) for provider, held in people.items()}


# --- what no record explains ----------------------------------------------------------------------


def _leave_over(
    place: Matter, record: Record | None, draft: Draft, is_hidden: bool, is_unread: bool
) -> None:
    """Orders that no row of a record calls for: left alone, but for a provider that has ended."""
    chain = draft.chain(place)
    today = phase(record, draft.as_of) if record else None
    if record and today == "ended" and chain.gives not in _ENDED_BY_NOTHING:
        _end(record, chain, draft, is_hidden)
        return
    draft.keep(place)
    is_of_person = chain.gives in _OF_PEOPLE
    if today == "application" or (is_unread and is_of_person) or not _is_noteworthy(chain):
        return
    why = "no row of the record names it any more" if record else "there is no such record"
    message = f"{place[2]} is ordered, and {why}"
    draft.find(place[0], "orphan_order", chain.orders[-1].object, message)


def _end(record: Record, chain: Chain, draft: Draft, is_hidden: bool) -> None:
    """End what is in force at a provider whose agreement has ended."""
    last, kind = chain.last, chain.gives
    if last is None:
        return
    is_person, ends = kind in _OF_PEOPLE, record.agreement.agreement.ends
    least = {"provider_name": record.agreement.name}
    least |= {"hsa_id": last.object, "act": ""} if is_person else {}
    draft.settle(
        Wish(
            provider=record.id, object=last.object, subject=last.subject,
            gives=kind, takes=_ENDS.get(kind, "terminate"), recipient=last.recipient,
            is_wanted=False, last=ends, terms=last.cause,
            protected=last.protected or is_hidden,
            particulars=least if is_hidden else last.particulars or least,
            losers=frozenset({("person" if is_person else "service", last.object)}),
            explained=draft.is_explained_by(ends, record.id),
        )
    )  # fmt: skip


def _is_noteworthy(chain: Chain) -> bool:
    """Whether something is in force that can be ended, or on its way."""
    if chain.last is None or not chain.is_in_force:
        return False
    return chain.last.is_under_way or chain.gives not in _ENDED_BY_NOTHING
