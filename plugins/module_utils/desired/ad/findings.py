# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in AD, what makes a plan impossible, and what waits.

People are named by HSA-id alone, so that a report never tells a protected name.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...engine import matching
from ...engine.plan import Entry
from ...engine.provision import Finding
from ...records.lifecycle import trials
from ...records.payload import Approved
from ...records.words import some_of
from ..people.gate import Gate, waiting_in_words
from .dormant import dormant
from .holdings import Holdings, cn, folded, hsa_id, is_enabled, our_id
from .layout import name_form
from .owners import Account, Holder, unnamed
from .watched import watched


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
    reasons: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    for holder in everybody:
        reason = holder.waits_for(gate) if holder.needs_account else None
        is_told = holder.known.hsa_id is not None or gate.unread is None
        for provider in holder.providers if reason else ():
            reasons[provider, is_told][reason or ""] += 1
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
    as_of: dt.date,
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns."""
    return (
        *(finding for holder in everybody for finding in _of_person(holder, holdings)),
        *_without_group(everybody, holdings),
        *_trials_too_early(everybody),
        *_closed_by_hand(kept, holdings),
        *_moved(everybody, holdings, approved, gate),
        *(() if gate.unread else _orphans(everybody, holdings, approved)),
        *_groups_without_record(holdings, approved),
        *_strangers(everybody, holdings),
        *_other_groups(holdings, approved),
        *watched(holdings),
        *dormant(everybody, holdings, as_of),
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
            f"an account in our OUs without our key has the employeeNumber {known.hsa_id}: name "
            "the person's hsa_id in the record to take it over, or remove it"
        )
    lying = holdings.lies_at(known.hsa_id, holdings.layout.account_ou)
    if lying is not None and holder.needs_account and lying not in holder.strangers:
        yield _in_the_way(lying, known.hsa_id, holdings)
    own = holder.accounts[0].dn if holder.accounts else None
    principal = name_form(holder.said["userPrincipalName"][0])
    if holdings.principals.get(principal, own) != own:
        yield f"another account has the userPrincipalName of {known.hsa_id}"


def _in_the_way(lying: Entry, number: str, holdings: Holdings) -> str:
    """What lies where somebody's new account would, such as an account that was restored."""
    where = f"lies at CN={number} in our OU, where the account of {number} would"
    if "user" not in map(folded, lying.attributes.get("objectClass", ())):
        kind = lying.attributes.get("objectClass", ("unknown",))[-1]
        return f"an object of the class {kind} {where}: remove it"
    if holdings.providers(lying):
        return f"an account of ours with the employeeNumber {hsa_id(lying)} {where}: rename it"
    state = "an enabled account" if is_enabled(lying) else "a disabled account"
    whose = f"the employeeNumber {hsa_id(lying)}" if hsa_id(lying) else "no employeeNumber"
    return (
        f"{state} with {whose} and without our key {where}; somebody may have restored it: remove "
        f"it, or, if it is that person's, set its employeeNumber to {number} and name that in the "
        "record (hsa_id) to take it over"
    )


def _of_groups(holder: Holder, holdings: Holdings) -> Iterator[tuple[str, str]]:
    for use in holder.access.uses:
        for service in sorted(use.services) if use.is_open or use.is_coming else ():
            if message := _of_service_group(service, holdings):
                yield use.provider, message
        name = holdings.layout.group_name(use.provider)
        is_taken = name_form(name) in holdings.names or holdings.lies_at(
            name, holdings.layout.group_ou
        )
        if use.provider not in holdings.provider_groups and is_taken:
            yield use.provider, f"the name {name} of the provider's group is taken in AD"
        group = holdings.provider_groups.get(use.provider)
        if group and (privilege := holdings.privilege_of(group.dn)):
            yield (
                use.provider,
                f"the provider's group {name} may give rights over the domain: {privilege}",
            )


def _of_service_group(service: str, holdings: Holdings) -> str | None:
    """Why nobody can be put in the group that opens a service, or None."""
    dn = holdings.layout.groups.get(service)
    if dn and service not in holdings.service_groups:
        return f"AD does not hold the group {dn} of the service {service}"
    if dn and (privilege := holdings.privilege_of(holdings.service_groups[service].dn)):
        return (
            f"the group {dn} of the service {service} may give rights over the domain: {privilege}"
        )
    return None


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


def _moved(
    everybody: Iterable[Holder], holdings: Holdings, approved: Approved, gate: Gate
) -> Iterator[Finding]:
    """Accounts of ours that somebody moved out of our OUs; of high severity where one lets in.

    By the records, that is: somebody whose access has ended, or whom no record names.
    """
    owners = {folded(one): holder for holder in everybody for one in holder.known.ids}
    for entry in holdings.moved:
        providers = frozenset(holdings.providers(entry))
        owner = owners.get(folded(our_id(entry)))
        if owner is None and (gate.unread or not approved.invalid.isdisjoint(providers)):
            continue
        # What the account may not read counts as enabled.
        is_open = is_enabled(entry) or "userAccountControl" not in entry.attributes
        lets_in = is_open and not (owner and owner.access.open)
        message = "lies outside our OUs: a run changes nothing, also when access ends"
        if lets_in:
            where = _groups(entry, holdings)
            message += f". It is enabled{where}, and no record that was read opens it: disable it"
        for provider in sorted(owner.providers if owner else providers):
            yield Finding(
                provider, "account_moved", our_id(entry), message,
                severity="high" if lets_in else "normal",
            )  # fmt: skip


def _groups(entry: Entry, holdings: Holdings) -> str:
    """In which of our groups an account is, in words."""
    names = holdings.our_groups(entry)
    return f", in {some_of(names)}" if names else ", in no group of ours"


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


def _strangers(everybody: Iterable[Holder], holdings: Holdings) -> Iterator[Finding]:
    """Enabled accounts in our OUs that no key explains: no run closes them.

    Nobody knows whose names stand in them, so one without an HSA-id is told by its objectGUID.
    """
    taken_over = {account.dn for holder in everybody for account in holder.accounts}
    for entry in holdings.strangers:
        if is_enabled(entry) and entry.dn not in taken_over:
            yield Finding(
                "", "unexplained_account", our_id(entry) or entry.address,
                f"an enabled account in our OUs without our key{_groups(entry, holdings)}: no run "
                "closes it, and a restored one has no end. Disable it, or find out who needs it",
                severity="high",
            )  # fmt: skip


def _other_groups(holdings: Holdings, approved: Approved) -> Iterator[Finding]:
    """Our accounts in groups that no provider and no service stands for today.

    Somebody put them there, or a run did while `groups` named the group.
    """
    groups = (*holdings.provider_groups.values(), *holdings.service_groups.values())
    ours = {matching.distinguished_name(group.dn) for group in groups}
    records = {record.id for record in approved.records}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in (entry for entries in holdings.ours.values() for entry in entries):
        for group in entry.attributes.get("memberOf", ()):
            if matching.distinguished_name(group) not in ours:
                for provider in records.intersection(holdings.providers(entry)):
                    found[provider, group].add(our_id(entry))
    for (provider, group), accounts in sorted(found.items()):
        yield Finding(
            provider, "other_group", cn(group),
            "halsoval_ad_groups does not name the group, and no run takes accounts out of it: "
            + some_of(sorted(accounts)),
        )  # fmt: skip
