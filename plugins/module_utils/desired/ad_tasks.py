# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people must do beside what a run does in AD, by provider.

The region's own employee keeps their account, so its owner gives it membership. Some systems have
users of their own, which the region's system owners or the provider's administrators keep. Guests
are invited to Teams. The tasks are what the day asks for, not what has changed since yesterday.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..engine.plan import Entry
from ..records.catalogue import SERVICES
from ..records.lifecycle import is_in, trials
from ..records.people import Employment
from .ad_access import Use, last_day_of_trial
from .ad_accounts import Holder
from .ad_holdings import Holdings, folded, members

KINDS = ("owner_tasks", "provider_tasks", "region_tasks", "guest_invitations")

Task = dict[str, str]

_TEAMS, _CITRIX = "microsoft_office_365", "citrixanslutning"
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
        for provider, task in _of_owner(holder, holdings):
            found[provider]["owner_tasks"].append(task)
        for provider, kind, task in _of_keepers(holder, holdings):
            found[provider][kind].append(task)
    return found


# --- the region's own accounts -------------------------------------------------------------------


def _of_owner(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, Task]]:
    """Membership that the owner of the region's own account gives or takes today."""
    if not holder.is_regions or holder.known.ours is None:
        return
    for held, services in _groups(holder.access.uses, holdings):
        now = members(held) if held else frozenset()
        is_member = any(account.dn in now for account in holder.foreign)
        opened = {(use.provider, s) for use, s in services if use.is_open}
        over = {(use.provider, s) for use, s in services if use.has_ended}
        comes = any(use.is_coming and not use.has_ended for use, _service in services)
        asked = opened if opened and not is_member else set()
        if is_member and not opened and not comes:
            asked = over
        for provider, service in sorted(asked):
            yield provider, {
                "service": service,
                "person": holder.known.hsa_id or "",
                "group": held.dn if held else holdings.layout.group_name(provider),
                "act": "join" if opened else "leave",
            }  # fmt: skip


def _groups(
    uses: Iterable[Use], holdings: Holdings
) -> Iterator[tuple[Entry | None, list[tuple[Use, str]]]]:
    """Each group that uses ask for, and what does; a provider's need not be there yet."""
    services: dict[str, list[tuple[Use, str]]] = defaultdict(list)
    providers: dict[str, list[tuple[Use, str]]] = defaultdict(list)
    groups = {}
    for use in uses:
        providers[use.provider].append((use, _CITRIX))
        for service in sorted(use.services & holdings.service_groups.keys()):
            group = holdings.service_groups[service]
            groups[group.dn] = group
            services[group.dn].append((use, service))
    for dn, asking in services.items():
        yield groups[dn], asking
    for provider, asking in providers.items():
        yield holdings.provider_groups.get(provider), asking


# --- systems with users of their own -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """That a person is to be a user of a system, or no longer, from or after a day."""

    act: Literal["join", "leave"]
    day: dt.date | None


def _of_keepers(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, str, Task]]:
    """Users of systems that keep their own."""
    hsa_id = holder.known.hsa_id or next(iter(holder.known.ids), None)
    if hsa_id is None:
        return
    asked: dict[tuple[str, str], _Wish] = {}
    for employment in holder.known.person.employments:
        for service, wish in _wishes(employment):
            key = employment.provider, service
            asked[key] = _stronger(asked.get(key, wish), wish)
    changed = {p for p, _service in asked if _is_changed(holder, p, holdings)}
    for (provider, service), wish in sorted(asked.items(), key=lambda item: item[0]):
        kind = _kind(service)
        if kind:
            act = "change" if wish.act == "join" and provider in changed else wish.act
            task = {"service": service, "person": hsa_id, "act": act}
            yield provider, kind, task | ({"day": wish.day.isoformat()} if wish.day else {})


def _wishes(employment: Employment) -> Iterator[tuple[str, _Wish]]:
    """What an assignment and the trials before it ask for, by service."""
    if not employment.has_begun:
        return
    prepares, as_of = employment.phase == "establishment", employment.as_of
    for wish in _of_assignment(employment, prepares):
        for service in employment.assignment.systems:
            yield service, wish
    for trial in trials(employment.record, employment.row):
        is_over = employment.is_suspended or employment.state == "ended"
        tries = prepares and is_in(trial, as_of) and not is_over
        if tries or trial.from_ <= as_of:
            last = min(last_day_of_trial(trial, employment), as_of)
            wish = _Wish("join", trial.from_) if tries else _Wish("leave", last)
            for service in trial.systems:
                yield service, wish


def _of_assignment(employment: Employment, prepares: bool) -> Iterator[_Wish]:
    """What an assignment asks for of all its systems; nothing while it is too early to say."""
    first, suspended = employment.assignment.from_, employment.assignment.suspended
    start = employment.record.agreement.agreement.operation_start
    if employment.state == "ended":
        yield _Wish("leave", employment.last_day)
    elif employment.is_suspended and suspended is not None:
        yield _Wish("leave", suspended.from_)
    elif not prepares:
        yield _Wish("join", first)
    elif start is not None and start > employment.as_of:
        # Nobody opens a system before operation, whose first day may not be known yet.
        yield _Wish("join", max(start, first))


def _stronger(one: _Wish, other: _Wish) -> _Wish:
    """What two assignments come to: who joins by one of them joins, from the earliest day."""
    if one.act != other.act:
        return one if one.act == "join" else other
    days = [wish.day for wish in (one, other) if wish.day]
    choose = min if one.act == "join" else max
    return _Wish(one.act, choose(days) if days else None)


def _kind(service: str) -> str | None:
    if service == _TEAMS:
        return "guest_invitations"
    return _LISTS.get(SERVICES[service].provisioning)


def _is_changed(holder: Holder, provider: str, holdings: Holdings) -> bool:
    """Whether the account of somebody whom the provider has already still tells otherwise."""
    if len(holder.accounts) != 1 or provider not in holdings.providers(holder.accounts[0]):
        return False
    held = holder.accounts[0].attributes
    return any(
        list(map(folded, holder.said[name])) != list(map(folded, held.get(name, ())))
        for name in _IDENTIFYING
        if name in holder.said
    )
