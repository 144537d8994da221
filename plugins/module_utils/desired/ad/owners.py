# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose account is whose: the accounts that the domain holds for people, and new ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...engine import matching
from ...engine.plan import Entry, Values
from ...records.lifecycle import start_of_day
from ..people.gate import Gate
from ..people.identified import Identified
from ..people.pending import has_another_name
from .access import Access, Use
from .attributes import of_account, of_certificates, of_protected_person, without_contacts
from .codecs import moment
from .holdings import ById, Holdings, folded, our_id
from .layout import ACCOUNT_NAME_LENGTH, Layout, name_form

# Whether a hold takes the access of a person with these HSA-ids at a provider.
IsHeld = Callable[[Collection[str], str], bool]


@dataclass(frozen=True)
class Holder:
    """A person with the accounts that are theirs.

    `accounts` are ours or taken over, `strangers` lie in our OUs without our key, and `foreign`
    elsewhere. `others` are the providers in their keys whose records cannot be read now, `kept_by`
    those of them that give access today. `said` is what an account says of its owner.
    `is_held` says that a hold takes what those providers give, and nothing else is left. `revealed`
    is what an account that hides its owner would say, where no record asks for that any more.
    """

    known: Identified
    access: Access
    accounts: tuple[Entry, ...]
    strangers: tuple[Entry, ...]
    foreign: tuple[Entry, ...]
    others: tuple[str, ...]
    kept_by: tuple[str, ...]
    protected: bool
    said: Mapping[str, Values]
    is_held: bool
    revealed: Mapping[str, Values]

    @property
    def number(self) -> str:
        """The person's number, which nobody else has."""
        return self.known.person.number

    @property
    def is_regions(self) -> bool:
        """Whether the person is the region's own employee, who keeps their own account."""
        if self.accounts or self.known.hsa_id is None:
            return False
        return self.known.ours is False or (self.known.ours is None and bool(self.foreign))

    @property
    def needs_account(self) -> bool:
        """Whether an account must be made."""
        return self.access.called_for and not self.accounts and not self.is_regions

    @property
    def has_another_name(self) -> bool:
        """Whether an account that is to give access has somebody else's given name and surname."""
        return self.access.called_for and any(
            has_another_name(a.first("givenName"), a.first("sn"), self.known.person.names)
            for a in self.accounts
        )

    @cached_property
    def providers(self) -> frozenset[str]:
        """The providers whose records the account follows: today's, or those that have ended."""
        person = self.known.person
        return frozenset(e.provider for e in person.current or person.employments)

    @property
    def answering(self) -> frozenset[str]:
        """The same with those whose row has vanished: what the account loses is their loss too."""
        lost = {use.provider for use in self.access.surprises}
        return self.providers | lost.difference(self.others)

    def waits_for(self, gate: Gate) -> str | None:
        """Why a new account for the person waits, or None."""
        return gate.fault(self.providers) or gate.absence(self.known)


@dataclass(frozen=True)
class Account:
    """An account that the run keeps up: of a person, or of nobody whom a record still names.

    `dn` is the one that it has, or is moved to since its owner is back.
    `is_over` says that nobody can log in with it any more, or that the ends of all providers in its
    keys explain that; `misses_row` that it is in the group of a provider whose record does not list
    the person: the row has vanished. `is_held` says that a hold takes what providers give whose
    records cannot be read now. `given_at` are the providers in whose own group it is: where the
    ledger was lost, nothing else tells who gave it what it opens.
    """

    id: str
    dn: str
    held: Entry | None
    holder: Holder | None
    providers: frozenset[str]
    name: str = ""
    is_over: bool = False
    misses_row: bool = False
    is_held: bool = False
    given_at: frozenset[str] = frozenset()

    @property
    def uses(self) -> tuple[Use, ...]:
        """What its owner uses."""
        return self.holder.access.uses if self.holder else ()

    @property
    def evidence(self) -> tuple[Use, ...]:
        """What tells whether a date explains that its owner loses something."""
        return self.holder.access.evidence if self.holder else ()

    @property
    def kept_by(self) -> tuple[str, ...]:
        """The providers that give it access whose records cannot be read now."""
        return self.holder.kept_by if self.holder else ()


def holders(
    people: Iterable[tuple[Identified, Access]],
    holdings: Holdings,
    providers: frozenset[str],
    is_held: IsHeld,
) -> tuple[Holder, ...]:
    """Everybody with their accounts; `providers` are those whose records can be read."""
    return tuple(_holder(known, access, holdings, providers, is_held) for known, access in people)


def held_accounts(
    everybody: Iterable[Holder],
    holdings: Holdings,
    ended: frozenset[str],
    as_of: dt.date,
    is_held: IsHeld,
) -> Iterator[Account]:
    """The accounts that the domain holds.

    `ended` are the providers whose end explains what they lose of whom no assignment tells.
    """
    for holder in everybody:
        for held in holder.accounts:
            number = holder.known.hsa_id or our_id(held)
            dn = home(held, holdings) if holder.access.called_for else held.dn
            listed = {employment.provider for employment in holder.known.person.employments}
            # An end that nobody knew of, long back, explains nothing by itself.
            over = frozenset() if holder.access.surprises else ended
            # A hold stops also what no row gives any more.
            named = holdings.providers(held)
            is_stopped = bool(named) and all(is_held(holder.known.ids, p) for p in named)
            given_at = _given_at(held, holdings)
            yield Account(
                number, dn, held, holder, holder.answering,
                is_over=holder.is_held or is_stopped or _is_over(held, holdings, over, as_of),
                is_held=holder.is_held,
                misses_row=not given_at <= listed, given_at=given_at,
            )  # fmt: skip


def home(held: Entry, holdings: Holdings) -> str:
    """The DN of an account once it is back from where a run has put it."""
    if not holdings.is_quarantined(held) or holdings.quarantine_mark(held) is None:
        return held.dn
    return f"{matching.first_rdn(held.dn)},{holdings.layout.account_ou}"


def new_accounts(new: Iterable[Holder], holdings: Holdings) -> Iterator[Account]:
    """The accounts to be made, with names that are free."""
    layout, taken = holdings.layout, set(holdings.names)
    for holder in new:
        name = _free_name(holder, taken, layout)
        taken.add(name_form(name))
        number = holder.known.hsa_id or ""
        dn = f"{matching.rdn(('CN', number))},{layout.account_ou}"
        yield Account(number, dn, None, holder, holder.providers, name)


def forgotten(
    everybody: Iterable[Holder],
    holdings: Holdings,
    providers: frozenset[str],
    ended: frozenset[str],
    as_of: dt.date,
    is_held: IsHeld,
) -> Iterator[Account]:
    """Our accounts of people whom no record names any more, while all their providers' are read.

    Also those under a hold, whatever can be read.
    """
    for held in unnamed(everybody, holdings):
        named = frozenset(holdings.providers(held))
        stopped = bool(named) and all(is_held([our_id(held)], provider) for provider in named)
        if stopped or named <= providers:
            yield Account(
                our_id(held), held.dn, held, None, named, misses_row=True, is_held=stopped,
                is_over=stopped or _is_over(held, holdings, ended, as_of),
                given_at=_given_at(held, holdings),
            )  # fmt: skip


def unnamed(everybody: Iterable[Holder], holdings: Holdings) -> Iterator[Entry]:
    """Our accounts of people whom no record names."""
    named = {folded(known) for holder in everybody for known in holder.known.ids}
    for folded_id, entries in holdings.ours.items():
        yield from entries if folded_id not in named else ()


def _holder(
    known: Identified,
    access: Access,
    holdings: Holdings,
    providers: frozenset[str],
    is_held: IsHeld,
) -> Holder:
    ours, unkeyed, foreign = (
        _of(known, entries) for entries in (holdings.ours, holdings.unkeyed, holdings.foreign)
    )
    if known.person.hsa_id and known.hsa_id:  # the record takes the account over
        ours, unkeyed = (*ours, *unkeyed), ()
    others = {p for entry in ours for p in holdings.providers(entry)} - providers
    given_by = {p for entry in ours for p in others if holdings.is_in_group_of(p, entry)}
    stopped = {p for p in given_by if is_held(known.ids, p)}
    kept_by = given_by - stopped
    # A hold at one provider says nothing of a row that vanished at another.
    lost = any(not is_held(known.ids, use.provider) for use in access.surprises)
    protected = known.is_protected or any(map(holdings.is_confidential, ours))
    said = _said(known, access, ours, bool(kept_by), holdings.layout)
    revealed = said if protected and not known.is_protected and not others else {}
    if protected:
        said = said | of_protected_person(holdings.layout)
    return Holder(
        known, access, ours, unkeyed, foreign, tuple(sorted(others)), tuple(sorted(kept_by)),
        protected, said, bool(stopped) and not (kept_by or access.open or lost), revealed,
    )  # fmt: skip


def _said(
    known: Identified, access: Access, ours: Sequence[Entry], is_kept: bool, layout: Layout
) -> dict[str, Values]:
    """What an account is to say of its owner, as long as nobody says that they are protected."""
    said: dict[str, Values] = {}
    number = known.hsa_id or next(map(our_id, ours), None)
    if number and (access.called_for or is_kept):
        said = of_certificates(number, layout)
    if number and access.called_for:
        said |= of_account(known.person, number, ours[0] if ours else None, layout)
        said = without_contacts(said) if is_kept else said
    return said


def _of(known: Identified, entries: ById) -> tuple[Entry, ...]:
    return tuple(entry for one in known.ids for entry in entries.get(folded(one), ()))


def _given_at(held: Entry, holdings: Holdings) -> frozenset[str]:
    named = holdings.providers(held)
    return frozenset(provider for provider in named if holdings.is_in_group_of(provider, held))


def _is_over(held: Entry, holdings: Holdings, ended: frozenset[str], as_of: dt.date) -> bool:
    providers = holdings.providers(held)
    if providers and ended.issuperset(providers):
        return True
    expires = held.first("accountExpires") or ""
    return "T" in expires and expires <= moment(start_of_day(as_of))  # moments compare as text


def _free_name(holder: Holder, taken: set[str], layout: Layout) -> str:
    """The scheme's name, with a number after it while somebody has it already."""
    person, serial = holder.known.person, (holder.known.hsa_id or "").rpartition("-")[2]
    name = person.names[0]
    first = (
        serial.casefold() if holder.protected else layout.name_of(serial, name.given, name.surname)
    )
    candidate, number = first, 1
    while name_form(candidate) in taken:
        number += 1
        candidate = first[: ACCOUNT_NAME_LENGTH - len(str(number))] + str(number)
    return candidate
