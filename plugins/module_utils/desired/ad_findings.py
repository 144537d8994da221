# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in AD, what makes a plan impossible, and what waits.

People are named by HSA-id alone, so that a report never tells a protected name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..engine import matching
from ..engine.provision import Finding
from ..records.payload import Approved
from .ad_accounts import Account, Gate, Holder
from .ad_holdings import Holdings, folded, is_enabled
from .ad_layout import LENGTHS


@dataclass(frozen=True)
class Errors:
    """Why plans may not be carried out, by provider, and the numbers of the people concerned."""

    by_provider: Mapping[str, tuple[str, ...]]
    people: frozenset[str]


def errors(everybody: Iterable[Holder], holdings: Holdings) -> Errors:
    """What is wrong with an account or group that a provider needs."""
    found: dict[str, list[str]] = defaultdict(list)
    people = set()
    for holder in everybody:
        if not holder.access.called_for:
            continue
        for message in _of_account(holder, holdings):
            people.add(holder.number)
            for provider in holder.providers:
                found[provider].append(message)
        for provider, message in _of_groups(holder, holdings):
            if message not in found[provider]:
                found[provider].append(message)
    return Errors(
        {p: tuple(messages) for p, messages in found.items() if messages}, frozenset(people)
    )


def waiting(called: Iterable[Holder], gate: Gate) -> dict[str, tuple[str, ...]]:
    """How many new accounts wait, and why, by provider."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for holder in called:
        reason = gate.reason(holder)
        for provider in holder.providers if reason else ():
            reasons[provider][reason or ""] += 1
    return {
        provider: tuple(
            f"{count} new account{'s' * (count > 1)} wait{'s' * (count == 1)}: {reason}"
            for reason, count in counted.items()
        )
        for provider, counted in reasons.items()
    }


def findings(
    everybody: Sequence[Holder], kept: Iterable[Account], holdings: Holdings, approved: Approved
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns."""
    return (
        *(finding for holder in everybody for finding in _of_person(holder)),
        *_without_group(everybody, holdings),
        *_closed_by_hand(kept, holdings),
        *_orphans(everybody, holdings, approved),
    )


# --- errors --------------------------------------------------------------------------------------


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
    for name, most in LENGTHS.items():
        if any(len(value) > most for value in holder.said.get(name, ())):
            yield f"{name} of {known.hsa_id} is longer than the {most} characters that AD takes"
    own = holder.accounts[0].dn if holder.accounts else None
    principal = folded(holder.said["userPrincipalName"][0])
    if holdings.principals.get(principal, own) != own:
        yield f"another account has the userPrincipalName of {known.hsa_id}"


def _of_groups(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, str]]:
    for use in holder.access.uses:
        for service in sorted(use.services) if use.is_open or use.is_coming else ():
            dn = holdings.layout.groups.get(service)
            if dn and matching.distinguished_name(dn) not in holdings.service_groups:
                yield use.provider, f"AD does not hold the group {dn} of the service {service}"
        name = holdings.layout.group_name(use.provider)
        if use.provider not in holdings.provider_groups and folded(name) in holdings.names:
            yield use.provider, f"the name {name} of the provider's group is taken in AD"


# --- findings ------------------------------------------------------------------------------------


def _of_person(holder: Holder) -> Iterator[Finding]:
    if not holder.is_regions or not holder.access.called_for:
        return
    code, message = (
        ("account_not_ours", "keeps the region's own account: see owner_tasks")
        if holder.foreign
        else ("owner_account_missing", "is the region's own, and AD holds no account: owner_tasks")
    )
    for provider in sorted(holder.providers):
        yield Finding(provider, code, holder.known.hsa_id or "", message)


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
    """Accounts and groups of ours that no record explains."""
    records = {record.id for record in approved.records}
    explained = {folded(known) for holder in everybody for known in holder.known.ids}
    for folded_id, entries in holdings.ours.items():
        for entry in entries if folded_id not in explained else ():
            providers = holdings.providers(entry)
            for provider in providers if approved.invalid.isdisjoint(providers) else ():
                yield Finding(
                    provider, "orphan", entry.first("employeeNumber") or "",
                    "no record names the account's owner",
                )  # fmt: skip
    for provider in sorted(holdings.provider_groups.keys() - records - approved.invalid):
        yield Finding(
            provider,
            "orphan",
            holdings.layout.group_name(provider),
            "no record explains this group",
        )
