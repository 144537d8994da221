# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups in Active Directory: one for each provider, and those that open services.

The latter are the region's. A plan sees of them what our accounts are concerned with, so whoever
else is a member never enters it. What leaves a group and what enters it are written apart: a member
that cannot be added keeps nobody in.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...engine import matching
from ...engine.plan import Entry, Wanted
from ...records.lifecycle import phase
from ...records.model import Record
from ...records.payload import Approved
from .access import Use, explained
from .attributes import of_group, of_new_group
from .holdings import Holdings, cn, members, our_id
from .owners import Account

GROUP_LEVEL = 1


@dataclass
class _Part:
    """The members that one set of providers answers for: to be, today, and over by a date."""

    wanted: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    dated: set[str] = field(default_factory=set)

    def note(
        self, account: Account, uses: Collection[Use], is_member: bool, is_explained: bool
    ) -> None:
        """Sort an account in by what it uses."""
        if any(use.is_open for use in uses):
            self.wanted.add(account.dn)
        elif is_explained or account.is_over:
            self.dated.add(account.dn)
        if is_member:
            self.held.add(account.dn)


def provider_groups(
    records: Iterable[Record],
    as_of: dt.date,
    kept: Iterable[Account],
    ended: frozenset[str],
    holdings: Holdings,
) -> Iterator[Wanted]:
    """Each provider's own group, which Citrix goes by, with those who have access today.

    `ended` are the providers whose end explains what they lose of whom no assignment tells.
    """
    concerned = _concerned(kept, holdings)
    for record in records:
        held, today = holdings.provider_groups.get(record.id), phase(record, as_of)
        if held is None and today in ("application", "ended"):
            continue
        now, part = members(held) if held else frozenset(), _Part()
        for account in concerned[record.id]:
            theirs = [use for use in account.evidence if use.provider == record.id]
            is_explained = explained(theirs) or (
                record.id in ended and not any(use.lasts for use in theirs)
            )
            part.note(account, theirs, account.dn in now, is_explained)
        wanted = _provider_group(record.id, held, part, holdings)
        yield from _apart(wanted, held, part) if held else [wanted]


def held_back(approved: Approved, as_of: dt.date, holdings: Holdings) -> Iterator[Wanted]:
    """What holds take of the groups of providers whose records cannot be read now."""
    readable = {record.id for record in approved.records}
    ours = [entry for entries in holdings.ours.values() for entry in entries]
    for provider, group in holdings.provider_groups.items():
        now, is_held = members(group), approved.decisions.is_held
        gone = {e.dn for e in ours if e.dn in now and is_held([our_id(e)], provider, as_of)}
        if gone and provider not in readable:
            part = _Part(held=gone, dated=gone)
            yield from _leaving(_provider_group(provider, group, part, holdings), group, part, True)


def service_groups(kept: Sequence[Account], holdings: Holdings) -> Iterator[Wanted]:
    """Membership of the groups that open services, by the providers that answer for it."""
    services: dict[str, set[str]] = defaultdict(set)
    for service, group in holdings.service_groups.items():
        services[group.dn].add(service)
    for group in {group.dn: group for group in holdings.service_groups.values()}.values():
        parts: dict[tuple[frozenset[str], bool], _Part] = defaultdict(_Part)
        now, opens = members(group), services[group.dn]
        for account in kept:
            theirs = [use for use in account.evidence if not opens.isdisjoint(use.services)]
            is_member = account.dn in now
            opened = frozenset(use.provider for use in theirs if use.is_open)
            # While a provider's record cannot be read, what its account has is its wish.
            if opened or (is_member and not account.kept_by):
                answering = opened or frozenset(use.provider for use in theirs)
                is_explained = explained(theirs) and not account.misses_row
                part = parts[answering or account.providers | account.given_at, account.is_held]
                part.note(account, theirs, is_member, is_explained)
        for (providers, is_held), part in parts.items():
            key = f"group/{group.dn}/{'/'.join(sorted(providers))}"
            wanted = Wanted(
                key=f"{key}/held" if is_held else key, kind="group", at_once=is_held,
                id=cn(group.dn), level=GROUP_LEVEL, parent="", rdns=(),
                attributes={"member": tuple(sorted(part.wanted))}, providers=providers,
            )  # fmt: skip
            yield from _apart(wanted, group, part)


def _concerned(kept: Iterable[Account], holdings: Holdings) -> dict[str, list[Account]]:
    """The accounts that use something at a provider, or are in its group."""
    groups: dict[str, set[str]] = defaultdict(set)
    for provider, group in holdings.provider_groups.items():
        for dn in members(group):
            groups[dn].add(provider)
    concerned: dict[str, list[Account]] = defaultdict(list)
    for account in kept:
        for provider in groups[account.dn].union(use.provider for use in account.uses):
            concerned[provider].append(account)
    return concerned


def _provider_group(provider: str, held: Entry | None, part: _Part, holdings: Holdings) -> Wanted:
    layout = holdings.layout
    name = layout.group_name(provider)
    new = of_new_group(provider, layout) if held is None else {}
    return Wanted(
        key=f"group/{provider}", kind="group", id=name, level=GROUP_LEVEL,
        parent=layout.group_ou, rdns=() if held else (matching.rdn(("CN", name)),),
        attributes={**new, **of_group(provider, part.wanted, layout)},
        providers=frozenset({provider}),
    )  # fmt: skip


def _apart(wanted: Wanted, held: Entry, part: _Part) -> Iterator[Wanted]:
    """A group that is held, as what leaves it and as what it is to be beside that."""
    yield from _leaving(wanted, held, part, wanted.at_once)
    yield replace(wanted, held=_seen(held, part.held & part.wanted))


def _leaving(wanted: Wanted, held: Entry, part: _Part, at_once: bool) -> Iterator[Wanted]:
    leaving = part.held - part.wanted
    if leaving:
        yield replace(
            wanted, key=f"{wanted.key}/leaving", attributes={"member": ()}, at_once=at_once,
            held=_seen(held, leaving), dated={"member": part.dated},
        )  # fmt: skip


def _seen(group: Entry, ours: Iterable[str]) -> Entry:
    """The group as far as the plan may touch it."""
    return replace(group, attributes={**group.attributes, "member": tuple(sorted(ours))})
