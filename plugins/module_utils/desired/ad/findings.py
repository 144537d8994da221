# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in AD, what makes a plan impossible, and what waits.

People are named by HSA-id alone, so that a report never tells a protected name.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...engine.plan import Entry
from ...engine.provision import Finding
from ...records.lifecycle import trials
from ...records.payload import Approved
from ..people.gate import Gate, waiting_in_words
from .holdings import Holdings, cn, is_enabled, our_id
from .layout import name_form
from .owners import Account, Holder, unnamed


@dataclass(frozen=True)
class Errors:
    """Why plans may not be carried out, by provider, and the numbers of the people concerned."""

    by_provider: Mapping[str, tuple[str, ...]]
    people: frozenset[str]


def errors(everybody: Iterable[Holder], holdings: Holdings) -> Errors:
    """What is wrong with an account or group that a provider needs."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    people = set()
    for holder in everybody:
        for message in _of_account(holder, holdings) if holder.access.called_for else ():
            people.add(holder.number)
            for provider in holder.providers:
                found[provider][message] = None
        for provider, message in _of_groups(holder, holdings):
            found[provider][message] = None
    for provider in sorted(holdings.doubled):
        found[provider]["several groups in AD carry the provider's key"] = None
    return Errors({provider: tuple(texts) for provider, texts in found.items()}, frozenset(people))


def waiting(
    everybody: Sequence[Holder], holdings: Holdings, gate: Gate
) -> dict[str, tuple[str, ...]]:
    """How many new accounts wait, and why, by provider; and who cannot be told without HSA."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for holder in everybody:
        reason = holder.waits_for(gate) if holder.needs_account else None
        for provider in holder.providers if reason else ():
            reasons[provider][reason or ""] += 1
    messages = waiting_in_words(reasons, "account")
    for provider, count in _untold(everybody, holdings) if gate.unread else ():
        told = f"{count} may be to close, and stay as they are: {gate.unread}"
        messages[provider] = (*messages.get(provider, ()), told)
    return messages


def findings(
    everybody: Sequence[Holder],
    kept: Iterable[Account],
    holdings: Holdings,
    approved: Approved,
    gate: Gate,
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns."""
    return (
        *(finding for holder in everybody for finding in _of_person(holder, holdings)),
        *_without_group(everybody, holdings),
        *_trials_too_early(everybody),
        *_closed_by_hand(kept, holdings),
        *(() if gate.unread else _orphans(everybody, holdings, approved)),
        *_groups_without_record(holdings, approved),
    )


# --- errors and what waits -----------------------------------------------------------------------


def _of_account(holder: Holder, holdings: Holdings) -> Iterator[str]:
    known = holder.known
    if len(holder.accounts) > 1:
        yield f"AD has several accounts for one person ({', '.join(known.ids)}): merge them by hand"
    if holder.is_regions or known.hsa_id is None:
        return
    if holder.foreign:
        yield f"an account outside our OUs has the employeeNumber {known.hsa_id}"
    if holder.strangers and not holder.accounts:
        yield (
            f"an account in our OUs that we did not make has the employeeNumber {known.hsa_id}: "
            "name the person's hsa_id in the record to take it over, or remove it"
        )
    own = holder.accounts[0].dn if holder.accounts else None
    principal = name_form(holder.said["userPrincipalName"][0])
    if holdings.principals.get(principal, own) != own:
        yield f"another account has the userPrincipalName of {known.hsa_id}"


def _of_groups(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, str]]:
    for use in holder.access.uses:
        for service in sorted(use.services) if use.is_open or use.is_coming else ():
            dn = holdings.layout.groups.get(service)
            if dn and service not in holdings.service_groups:
                yield use.provider, f"AD does not hold the group {dn} of the service {service}"
        name = holdings.layout.group_name(use.provider)
        if use.provider not in holdings.provider_groups and name_form(name) in holdings.names:
            yield use.provider, f"the name {name} of the provider's group is taken in AD"


def _untold(everybody: Sequence[Holder], holdings: Holdings) -> Iterator[tuple[str, int]]:
    """The providers with people whose access has ended and accounts that may be theirs."""
    ended = Counter(
        use.provider
        for holder in everybody
        if not holder.known.ids
        for use in holder.access.uses
        if use.has_ended
    )
    accounts = Counter(
        provider
        for account in unnamed(everybody, holdings)
        for provider in holdings.providers(account)
    )
    for provider in ended.keys() & accounts.keys():
        yield provider, accounts[provider]


# --- findings ------------------------------------------------------------------------------------


def _of_person(holder: Holder, holdings: Holdings) -> Iterator[Finding]:
    """What is odd about a person's accounts, at each of their providers."""
    found = []
    if holder.is_regions and holder.access.called_for:
        found.append(
            ("account_not_ours", "keeps the region's own account: see owner_tasks")
            if holder.foreign
            else ("owner_account_missing", "the region's own employee has no account in AD")
        )
    if any(map(holdings.providers, holder.foreign)):
        found.append(
            ("account_moved", "lies outside our OUs: a run changes nothing, also when access ends")
        )
    if holder.protected and any(map(_tells, holder.accounts)):
        found.append(
            ("name_tells", "sAMAccountName or CN may tell a protected name: rename it by hand")
        )
    number = holder.known.hsa_id or next(iter(holder.known.ids), "")
    for provider in sorted(holder.providers):
        for code, message in found:
            yield Finding(provider, code, number, message)


def _tells(account: Entry) -> bool:
    """Whether an account has another name than its owner's HSA-id and the serial in it."""
    number = our_id(account).casefold()
    name = (account.first("sAMAccountName") or "").casefold()
    serial = re.escape(number.rpartition("-")[2])
    return cn(account.dn).casefold() != number or not re.fullmatch(f"{serial}[0-9]*", name)


def _without_group(everybody: Iterable[Holder], holdings: Holdings) -> Iterator[Finding]:
    missing = {
        (use.provider, service)
        for holder in everybody
        for use in holder.access.uses
        if use.is_open or use.is_coming
        for service in use.services
        if service not in holdings.layout.groups
    }
    for provider, service in sorted(missing):
        yield Finding(
            provider, "group_not_configured", service,
            "no group is configured for the service: nobody gets it",
        )  # fmt: skip


def _trials_too_early(everybody: Iterable[Holder]) -> Iterator[Finding]:
    for holder in everybody:
        for e in holder.known.person.employments:
            tries = e.state == "later" and e.phase == "establishment"
            if tries and any(trial.to >= e.as_of for trial in trials(e.record, e.row)):
                yield Finding(
                    e.provider, "trial_too_early", e.row.ref or "",
                    "the assignment begins after the lead time: the trial opens nothing yet",
                )  # fmt: skip


def _closed_by_hand(kept: Iterable[Account], holdings: Holdings) -> Iterator[Finding]:
    for account in kept:
        held, holder = account.held, account.holder
        if held is None or holder is None or is_enabled(held) or holdings.is_marked(held):
            continue
        for provider in sorted(account.providers) if holder.access.open else ():
            yield Finding(
                provider, "manually_disabled", account.id,
                "somebody disabled the account by hand: it stays disabled",
            )  # fmt: skip


def _orphans(
    everybody: Iterable[Holder], holdings: Holdings, approved: Approved
) -> Iterator[Finding]:
    """Accounts of ours whose owner no record names."""
    for account in unnamed(everybody, holdings):
        providers = holdings.providers(account)
        for provider in providers if approved.invalid.isdisjoint(providers) else ():
            yield Finding(
                provider, "orphan", our_id(account), "no record names the account's owner"
            )


def _groups_without_record(holdings: Holdings, approved: Approved) -> Iterator[Finding]:
    records = {record.id for record in approved.records}
    for provider in sorted(holdings.provider_groups.keys() - records - approved.invalid):
        group = holdings.layout.group_name(provider)
        yield Finding(provider, "orphan", group, "no record explains this group")
