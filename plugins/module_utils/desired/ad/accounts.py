# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Active Directory must hold for the approved records (annex 3.1.1).

One account for each person, groups for each provider, and membership of the groups that open
services. What has ended is disabled and leaves its groups at once. Whoever has left has the account
in quarantine then, until it is deleted (leaving.py) or its owner comes back.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...engine import matching
from ...engine.guard import Holding
from ...engine.plan import Entry, Values, Wanted
from ...engine.provision import Desired
from ...records.losses import provider_explains
from ...records.memory import Memory
from ...records.payload import Approved
from ..people.gate import Gate
from ..people.identified import Identities, remembering
from ..people.pending import (
    OTHER_NAME,
    REVEALED,
    Name,
    beside_protected,
    is_named,
    names_to_hide,
)
from . import attributes
from .access import Access, access, explained
from .codecs import ENABLED
from .findings import Errors, errors, findings, waiting
from .groups import held_back, provider_groups, service_groups
from .holdings import Holdings, index, is_enabled, members
from .layout import DISABLED_BY_US, Layout, schema
from .leaving import Departure, after_groups, departures, waiting_for_deletion
from .owners import Account, Holder, forgotten, held_accounts, holders, new_accounts
from .tasks import tasks

# An account comes back before anything is done with it, and goes once it is in no group any more.
_HOME_LEVEL, _ACCOUNT_LEVEL, _QUARANTINE_LEVEL, _DELETION_LEVEL = -1, 0, 2, 3
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
    known = ((one, access(one.person)) for one in identities.people)
    is_held = partial(approved.decisions.is_held, as_of=as_of)
    everybody = holders(known, holdings, readable, is_held)
    wrong = errors(everybody, holdings)
    called = (h for h in everybody if h.needs_account and h.number not in wrong.people)
    ready = [holder for holder in called if holder.waits_for(gate) is None]
    days = approved.memory.days
    ended = frozenset(r.id for r in approved.records if provider_explains(r, as_of, days.get(r.id)))
    # Without HSA, who is not recognised may be in the records all the same.
    told = frozenset() if identities.unread else readable
    kept = [
        *held_accounts(everybody, holdings, ended, as_of, is_held),
        *new_accounts(ready, holdings),
        *forgotten(everybody, holdings, told, ended, as_of, is_held),
    ]
    names = names_to_hide(h.known.person for h in everybody if h.protected)
    maybe = identities.pending.hidden | _misnamed_beside_protected(everybody)
    is_read = identities.unread is None
    leaving = departures(kept, holdings, as_of, bool(approved.invalid)) if is_read else {}
    draft = _Draft(holdings, frozenset(wrong.by_provider), leaving, maybe, names)
    desired = _desired(approved, as_of, everybody, kept, ended, draft, gate, wrong)
    return _with_others(desired, approved.memory, identities, everybody)


def _misnamed_beside_protected(everybody: Sequence[Holder]) -> frozenset[str]:
    """The HSA-ids of those whose account has somebody else's name, perhaps a protected person's."""
    ids = {h.known.person.number: h.known.hsa_id or "" for h in everybody}
    misnamed = (h.known.person for h in everybody if h.has_another_name)
    doubtful = beside_protected(misnamed, (h.known.person for h in everybody if h.protected))
    return frozenset(ids[person.number] for person in doubtful)


def _with_others(
    desired: Desired, memory: Memory, identities: Identities, everybody: Sequence[Holder]
) -> Desired:
    """The same with who is pending, and so are those whose accounts have another's name."""
    others = {h.known.hsa_id: OTHER_NAME for h in everybody if h.has_another_name}
    pending = identities.pending.also({i: reason for i, reason in others.items() if i})
    return remembering(desired, pending, identities, memory)


def _desired(
    approved: Approved,
    as_of: dt.date,
    everybody: Sequence[Holder],
    kept: Sequence[Account],
    ended: frozenset[str],
    draft: _Draft,
    gate: Gate,
    wrong: Errors,
) -> Desired:
    ids, holdings = {account.dn: account.id for account in kept}, draft.holdings
    groups = (
        *provider_groups(approved.records, as_of, kept, ended, holdings),
        *held_back(approved, as_of, holdings),
        *service_groups(kept, holdings),
    )
    accounts = [entry for account in kept for entry in draft.account(account)]
    return Desired(
        wanted=(*after_groups(accounts, groups), *groups),
        attributes=schema(holdings.layout, lambda dn: ids.get(dn, dn)),
        holdings=_held_objects(kept, holdings),
        findings=(
            *findings(everybody, kept, holdings, approved, gate, as_of),
            *waiting_for_deletion(draft.leaving.values(), holdings.layout),
        ),
        errors=wrong.by_provider,
        waiting=waiting(everybody, holdings, gate),
        returns=tasks(everybody, holdings, (record.id for record in approved.records)),
        marked=sum(map(len, holdings.ours.values())) + len(holdings.provider_groups),
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """Makes the wanted entries of accounts; `blocked` are the providers with errors.

    `leaving` says by DN whose owner has left. `maybe_hidden` are the HSA-ids of those who may be
    somebody who is protected, and `names` what such people are called.
    """

    holdings: Holdings
    blocked: Collection[str]
    leaving: Mapping[str, Departure]
    maybe_hidden: Collection[str]
    names: Collection[Name]

    def account(self, account: Account) -> Iterator[Wanted]:
        """The account: new, changed or closed.

        Of one that is held, who may log in is written apart from who it is: a name that AD refuses
        keeps nobody in.
        """
        said = dict(account.holder.said) if account.holder else {}
        if account.held is None:
            new = attributes.of_new_account(account.name)
            yield self._entry(account, "", {**new, **self._logon(account), **said})
            return
        if account.dn != account.held.dn:
            place = self.holdings.layout.account_ou
            yield replace(self._entry(account, "home", {}), level=_HOME_LEVEL, place=place)
        held = replace(account.held, dn=account.dn)
        account = replace(account, held=held)
        logon = self._logon(account)
        closes = is_enabled(held) and ENABLED not in logon["userAccountControl"]
        users = frozenset(use.provider for use in account.uses)
        listed = users | account.given_at if closes else frozenset()
        yield self._entry(account, "logon", logon, self._dated(account), listed)
        if said:
            yield self._entry(account, "person", said, self._over(held))
        if account.holder and account.holder.revealed:
            # What a person has changed by hand meanwhile is hidden first.
            then = replace(held, attributes={**held.attributes, **said})
            revealed = self._entry(account, "revealed", account.holder.revealed)
            yield replace(revealed, held=then, confirm=REVEALED)
        if account.dn in self.leaving:
            yield self._departure(account, held, logon)

    def _departure(self, account: Account, held: Entry, logon: Mapping[str, Values]) -> Wanted:
        """What becomes of the account of somebody who has left, once it is closed."""
        one, layout = self.leaving[account.dn], self.holdings.layout
        after = frozenset({self._key(account, "logon")})
        if one.is_due:
            gone = self._entry(account, "gone", {})
            return replace(
                gone, level=_DELETION_LEVEL, is_gone=True, is_final=True, is_tidying=True,
                after=after,
            )  # fmt: skip
        marked = {layout.key_attribute: (*logon[layout.key_attribute], one.mark)}
        then = replace(held, attributes={**held.attributes, **logon})
        if one.mark in logon[layout.key_attribute]:
            marked = {}
        return replace(
            self._entry(account, "quarantine", marked), held=then, level=_QUARANTINE_LEVEL,
            place=layout.quarantine_ou, is_tidying=True, after=after,
        )  # fmt: skip

    def _key(self, account: Account, part: str) -> str:
        return f"account/{account.id}/{account.dn if account.held else ''}/{part}"

    def _entry(
        self, account: Account, part: str, said: Mapping[str, Values],
        dated: Mapping[str, Collection[str]] | None = None,
        providers: frozenset[str] = frozenset(),
    ) -> Wanted:  # fmt: skip
        holder, layout, held = account.holder, self.holdings.layout, account.held
        hides = account.id in self.maybe_hidden or (held is not None and self._tells(held))
        return Wanted(
            key=self._key(account, part),
            kind="account", id=account.id, level=_ACCOUNT_LEVEL, parent=layout.account_ou,
            rdns=() if account.held else (matching.rdn(("CN", account.id)),),
            attributes=said, providers=account.providers | providers, held=held,
            dated=dated or {}, confidential=hides or bool(holder and holder.protected),
            at_once=account.is_held,
        )  # fmt: skip

    def _tells(self, held: Entry) -> bool:
        """Whether an account hides its owner, or has the name of somebody who is protected."""
        is_theirs = is_named(held.first("givenName"), held.first("sn"), self.names)
        return is_theirs or self.holdings.is_confidential(held)

    def _logon(self, account: Account) -> dict[str, Values]:
        """Whether and until when the account can be used, and the mark of our disabling."""
        held, layout = account.held, self.holdings.layout
        use = account.holder.access if account.holder else _NOTHING
        marked = held is not None and self.holdings.is_marked(held)
        by_hand = held is not None and not is_enabled(held) and not marked
        enabled = self._is_enabled(account, use) and not by_hand
        said = {
            "userAccountControl": attributes.flags(held, enabled),
            layout.key_attribute: attributes.keys(
                self._key_providers(account),
                not enabled and not by_hand,
                self._quarantine_mark(account),
            ),
        }
        if use.uses:
            said["accountExpires"] = attributes.expiry(use, held, bool(account.kept_by))
        return said

    def _quarantine_mark(self, account: Account) -> str | None:
        """The mark of an account in quarantine, as long as its owner does not need it."""
        is_back = bool(account.holder and account.holder.access.called_for)
        held = account.held
        return None if held is None or is_back else self.holdings.quarantine_mark(held)

    def _is_enabled(self, account: Account, use: Access) -> bool:
        """Whether the account is to be enabled, if no person has disabled it."""
        if account.held is not None and is_enabled(account.held):
            # While a provider's record cannot be read, what its account has is its wish.
            return bool(account.kept_by or use.open)
        return any(one.provider not in self.blocked for one in use.open)

    def _key_providers(self, account: Account) -> Iterable[str]:
        """The providers that name the account's owner."""
        held = self.holdings.providers(account.held) if account.held else ()
        if account.holder is None:
            return held
        named = account.holder.known.person.named_by
        # Without any key the account would not be ours any more, when the person starts later on.
        return [*named, *account.holder.others] or held

    def _over(self, held: Entry) -> dict[str, Values]:
        """The certificate mappings whose going the ledger explains: of cards that are over."""
        if self.holdings.layout.are_all:
            return {}
        return {"altSecurityIdentities": held.attributes.get("altSecurityIdentities", ())}

    def _dated(self, account: Account) -> dict[str, Values]:
        """Disabling that a date explains, with its mark."""
        dated: dict[str, Values] = {
            "userAccountControl": (ENABLED,),
            self.holdings.layout.key_attribute: (DISABLED_BY_US,),
        }
        is_explained = explained(account.evidence) and not account.misses_row
        return dated if is_explained or account.is_over else {}


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
