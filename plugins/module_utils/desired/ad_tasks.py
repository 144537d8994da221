# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people must do beside what a run does in AD, by provider.

The region's own employee keeps their account, so its owner gives it membership. Some systems have
users of their own, which the region's system owners or the provider's administrators keep. Guests
are invited to Teams. The tasks are what the day asks for, not what has changed since yesterday.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from ..engine import matching
from ..engine.plan import Entry
from ..records.catalogue import SERVICES
from ..records.people import Employment
from .ad_access import Use
from .ad_accounts import Holder
from .ad_holdings import Holdings, folded, members

KINDS = ("owner_tasks", "provider_tasks", "region_tasks", "guest_invitations")

Act = Literal["join", "change", "leave"]
Task = dict[str, str]

_TEAMS = "microsoft_office_365"
_LISTS = {"provider_administrators": "provider_tasks", "region_order": "region_tasks"}
# What the keepers of other systems must know of when it changes.
_IDENTIFYING = ("givenName", "sn", "displayName", "title", "company", "department")


def tasks(
    everybody: Sequence[Holder], holdings: Holdings, providers: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Every list of KINDS for each provider."""
    found: dict[str, dict[str, Any]] = {
        provider: {kind: [] for kind in KINDS} for provider in providers
    }
    for holder in everybody:
        for provider, kind, task in (
            *_of_owner(holder, holdings),
            *_of_keepers(holder),
        ):
            found[provider][kind].append(task)
    return found


def _of_owner(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, str, Task]]:
    """Membership that the owner of the region's own account gives or takes."""
    if not holder.is_regions:
        return
    account = holder.foreign[0] if len(holder.foreign) == 1 else None
    for provider, service, group, acts in _groups(holder.access.uses, holdings):
        is_member = account is not None and group is not None and account.dn in members(group)
        act = "join" if "join" in acts else "leave"
        if is_member == (act == "leave"):
            yield provider, "owner_tasks", {
                "person": holder.known.hsa_id or "",
                "account": account.first("sAMAccountName") or "" if account else "",
                "service": service,
                "group": group.dn if group else holdings.layout.group_name(provider),
                "act": act,
            }  # fmt: skip


def _groups(
    uses: Iterable[Use], holdings: Holdings
) -> Iterator[tuple[str, str, Entry | None, set[Act]]]:
    """Each group that the uses name, with what they ask for: a service's, then a provider's."""
    asked: dict[tuple[str, str], set[Act]] = defaultdict(set)
    for use in uses:
        comes = use.is_open or (use.is_coming and not use.has_ended)
        for service in (*sorted(use.services), "citrixanslutning"):
            if comes or use.has_ended:
                asked[use.provider, service].add("join" if comes else "leave")
    for (provider, service), acts in asked.items():
        if service == "citrixanslutning":
            yield provider, service, holdings.provider_groups.get(provider), acts
        elif dn := holdings.layout.groups.get(service):
            form = matching.distinguished_name(dn)
            if form in holdings.service_groups:
                yield provider, service, holdings.service_groups[form], acts


def _of_keepers(holder: Holder) -> Iterator[tuple[str, str, Task]]:
    """Users of systems that keep their own."""
    hsa_id = holder.known.hsa_id or next(iter(holder.known.ids), None)
    if hsa_id is None:
        return
    changed = _is_changed(holder)
    asked: dict[tuple[str, str], tuple[bool, Employment]] = {}
    for employment in holder.known.person.employments:
        if employment.state in ("outside", "later"):
            continue
        comes = employment.state in ("upcoming", "active")
        for service in employment.assignment.systems:
            key = employment.provider, service
            if comes or key not in asked:
                asked[key] = comes, employment
    for (provider, service), (comes, employment) in sorted(asked.items(), key=lambda i: i[0]):
        kind = (
            "guest_invitations" if service == _TEAMS else _LISTS.get(SERVICES[service].provisioning)
        )
        if kind:
            act: Act = ("change" if changed else "join") if comes else "leave"
            yield provider, kind, _task(service, hsa_id, act, employment)


def _task(service: str, hsa_id: str, act: Act, employment: Employment) -> Task:
    day = employment.last_day if act == "leave" else employment.assignment.from_
    task = {"service": service, "person": hsa_id, "act": act}
    return task | ({"day": day.isoformat()} if day else {})


def _is_changed(holder: Holder) -> bool:
    """Whether the account still says otherwise who the person is."""
    if len(holder.accounts) != 1:
        return False
    held = holder.accounts[0].attributes
    return any(
        list(map(folded, holder.said[name])) != list(map(folded, held.get(name, ())))
        for name in _IDENTIFYING
        if name in holder.said
    )
