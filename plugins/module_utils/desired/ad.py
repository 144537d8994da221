# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Active Directory must hold for the approved records (annex 3.1.1).

One account for each person, groups for each provider, and membership of the groups that open
services. What has ended is disabled and leaves its groups; nothing is deleted here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ..engine import matching
from ..engine.guard import Holding
from ..engine.plan import Entry, Values, Wanted
from ..engine.provision import Desired
from ..records.payload import Approved
from . import ad_attributes, ad_findings
from .ad_access import Access, access
from .ad_accounts import Account, Gate, accounts, forgotten, holders
from .ad_groups import provider_groups, service_groups
from .ad_holdings import Holdings, index, is_enabled, members
from .ad_layout import DISABLED_BY_US, ENABLED, Layout, attributes
from .ad_tasks import tasks
from .hsa_identities import Identities

_ACCOUNT_LEVEL = 0
_NOTHING = Access(())


def desire(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    identities: Identities,
    hsa_failures: Mapping[str, str] | None = None,
    check: bool = False,
) -> Desired:
    """What the domain must hold on a day, given what it holds and who everybody is in HSA.

    `hsa_failures` say by provider what failed in HSA before in this play; None where HSA is not
    part of it. In check mode people count as entered whom HSA would enter.
    """
    holdings = index(held, layout)
    gate = Gate(identities.unread, hsa_failures, check)
    readable = frozenset(record.id for record in approved.records)
    known = ((one, access(one.person, as_of)) for one in identities.people)
    everybody = holders(known, holdings, readable)
    errors = ad_findings.errors(everybody, holdings)
    called = [holder for holder in everybody if holder.needs_account]
    ready = [h for h in called if gate.reason(h) is None and h.number not in errors.people]
    kept = [
        *accounts(everybody, ready, holdings),
        # Who is not recognised may be in the records all the same while HSA is away.
        *(() if identities.unread else forgotten(everybody, holdings, readable)),
    ]
    ids = {account.dn: account.id for account in kept}
    return Desired(
        wanted=(
            *(_account(account, holdings) for account in kept),
            *provider_groups(approved.records, as_of, kept, holdings),
            *service_groups(kept, holdings),
        ),
        attributes=attributes(layout, lambda dn: ids.get(dn, dn)),
        holdings=_held_objects(kept, holdings),
        findings=ad_findings.findings(everybody, kept, holdings, approved),
        errors=errors.by_provider,
        waiting=ad_findings.waiting(called, gate),
        returns=tasks(everybody, holdings, readable),
    )


def _account(account: Account, holdings: Holdings) -> Wanted:
    """The account: new, changed or closed."""
    held, holder, layout = account.held, account.holder, holdings.layout
    use = holder.access if holder else _NOTHING
    said = _logon(account, use, holdings)
    if holder and use.called_for:
        new = ad_attributes.of_new_account(account.name) if held is None else {}
        said |= {**new, **holder.said}
    elif use.uses:
        said["accountExpires"] = ad_attributes.expiry(use)
    if account.others:
        said = ad_attributes.without_contacts(said)
    return Wanted(
        key=f"account/{account.id}/{account.dn if held else ''}", kind="account",
        id=account.id, level=_ACCOUNT_LEVEL, parent=layout.account_ou,
        rdns=() if held else (matching.rdn(("CN", account.id)),),
        attributes=said, providers=account.providers, held=held,
        dated=_dated(account, holdings),
        confidential=bool(holder and holder.known.person.protected),
    )  # fmt: skip


def _logon(account: Account, use: Access, holdings: Holdings) -> dict[str, Values]:
    """Whether the account can be used, with the mark that tells our disabling from a person's."""
    held = account.held
    marked = held is not None and holdings.is_marked(held)
    by_hand = held is not None and not is_enabled(held) and not marked
    # While a provider's record cannot be read, what its account gives counts as its wish.
    kept_open = bool(account.others) and held is not None and is_enabled(held)
    enabled = kept_open or (bool(use.open) and not by_hand)
    return {
        "userAccountControl": ad_attributes.flags(held, enabled),
        holdings.layout.key_attribute: ad_attributes.keys(
            _key_providers(account, holdings), not enabled and not by_hand
        ),
    }


def _key_providers(account: Account, holdings: Holdings) -> Iterable[str]:
    """The providers that name the account's owner."""
    held = holdings.providers(account.held) if account.held else ()
    employments = account.holder.known.person.employments if account.holder else ()
    named = {e.provider for e in employments if e.state not in ("outside", "later")}
    # Without any key the account would not be ours any more, when the person starts later on.
    return [*named, *account.others] or held


def _dated(account: Account, holdings: Holdings) -> dict[str, Values]:
    """Disabling that a date explains, with its mark."""
    if account.holder is None or not account.holder.access.has_ended:
        return {}
    listed = {e.provider for e in account.holder.known.person.employments}
    if account.held and not listed.issuperset(holdings.providers(account.held)):
        return {}
    return {"userAccountControl": (ENABLED,), holdings.layout.key_attribute: (DISABLED_BY_US,)}


def _held_objects(kept: Iterable[Account], holdings: Holdings) -> dict[str, frozenset[Holding]]:
    """The people whose account gives something today, by provider."""
    groups = (*holdings.provider_groups.values(), *holdings.service_groups.values())
    opened = frozenset().union(*map(members, groups))
    objects: dict[str, set[Holding]] = defaultdict(set)
    for account in kept:
        if account.held and (is_enabled(account.held) or account.dn in opened):
            for provider in account.providers:
                objects[provider].add(("person", account.id))
    return {provider: frozenset(people) for provider, people in objects.items()}
