# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owners of the region's own accounts must do beside what a run does in AD, by provider.

The region's own employee keeps their account, so its owner gives it membership. The tasks are what
the day asks for, not what has changed since yesterday; desired/services/memberships.py makes orders
of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...engine.plan import Entry
from ...records.identifiers import visible
from .access import Use
from .holdings import Holdings, members
from .owners import Holder

Task = dict[str, str]

_CITRIX = "citrixanslutning"


def tasks(
    everybody: Sequence[Holder], holdings: Holdings, providers: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """The list `owner_tasks` of each provider."""
    found: dict[str, dict[str, Any]] = {provider: {"owner_tasks": []} for provider in providers}
    for holder in everybody:
        for provider, task in _of_owner(holder, holdings):
            found[provider]["owner_tasks"].append(task)
    return found


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
                "group": visible(held.dn) if held else holdings.layout.group_name(provider),
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
