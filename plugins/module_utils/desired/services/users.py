# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders that make people users of systems which keep users of their own, or end it.

The systems are those of annex 3.1.1. The region's system owners keep the users of some, the
provider's administrators those of others (annex 2.2). Guests are invited to Teams.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.guard import Holding
from ...records.catalogue import SERVICES
from ...records.lifecycle import lacks
from ...records.people import Employment, explained
from ..people.identified import Identified, Identities
from .chains import Matter, Wish, matter
from .draft import Draft
from .newcomers import Newcomers
from .particulars import earliest, of_person
from .rules import Rules
from .uses import Use, lasts, later_use, services_named, uses_of

_TEAMS = "microsoft_office_365"
_KEPT_BY_HAND = ("provider_administrators", "region_order")


def users(
    identities: Identities, newcomers: Newcomers, rules: Rules, hidden: Collection[str]
) -> None:
    """Order for everybody what their assignments ask for; `hidden` as `protected` gives it."""
    for known in identities.people:
        _User(known, newcomers, rules, hidden).settle()


def protected(identities: Identities, draft: Draft, invalid: Collection[str]) -> frozenset[str]:
    """The HSA-ids, case folded, of people whom orders may not tell more of.

    While a record that may say so cannot be read, whoever was protected is it still. `invalid` are
    the providers of such records.
    """
    is_unread = identities.unread is not None
    return identities.may_be_protected.union(
        hsa_id
        for known in identities.people
        if known.is_protected
        or (
            (known.may_be_hidden(invalid, is_unread) or is_unread)
            and draft.was_protected(known.folded_ids)
        )
        for hsa_id in known.folded_ids
    )


def is_membership(service: str) -> bool:
    """Whether the order of a person is about a group in AD."""
    return service in SERVICES and not _is_kept_by_hand(service)


@dataclass(frozen=True)
class _User:
    """A person as a user of systems."""

    known: Identified
    newcomers: Newcomers
    rules: Rules
    hidden: Collection[str]

    @property
    def draft(self) -> Draft:
        """The draft that the orders go to."""
        return self.newcomers.draft

    def settle(self) -> None:
        """Order what the assignments ask for, and end what none of them names any more."""
        asked: dict[tuple[str, str], list[Use]] = defaultdict(list)
        named: set[tuple[str, str]] = set()
        for employment in self.known.person.employments:
            for service, use in uses_of(employment):
                asked[employment.provider, service].append(use)
            named.update((employment.provider, service) for service in services_named(employment))
        for (provider, service), uses in sorted(asked.items(), key=lambda item: item[0]):
            if _is_kept_by_hand(service):
                self._use(provider, service, uses)
        for place in self._held():
            provider, _object, service = place
            if (provider, service) in asked or is_membership(service):
                continue
            if (provider, service) in named:
                self._not_yet(place)
            else:
                self._dropped(place)

    def _use(self, provider: str, service: str, uses: Sequence[Use]) -> None:
        """What all assignments at a provider come to: who joins by one of them joins."""
        joins = [use for use in uses if use.act == "join"]
        place = self._place(provider, service)
        explains = any(use.explains for use in uses)
        is_explained = explains and not self._lasts(provider, service)
        if place is None:
            if joins:
                self.newcomers.cannot_be_named(provider, joins[0].employment.label)
        elif joins:
            self._join(place, joins, is_explained)
        else:
            days = [use.day for use in uses if use.day]
            employments = [use.employment for use in uses]
            self._leave(place, max(days, default=None), employments, is_explained)

    def _join(self, place: Matter, joins: Sequence[Use], is_explained: bool) -> None:
        provider, _object, service = place
        as_of = self.draft.as_of
        employments = [use.employment for use in joins]
        first = earliest(employments)
        if service == _TEAMS and not first.row.mail:
            self.draft.find(
                provider, "own_mail_missing", self.known.spelled(place[1]),
                "a guest in Teams is invited by an e-mail address of their own (annex 3.1.2)",
            )  # fmt: skip
            self.draft.keep(place)
            return
        day = min(use.day for use in joins if use.day)
        starts = day if day > as_of else None
        # Who was told a day that is to come has no access yet, and so loses none.
        has_begun = not self.draft.chain(place).starts_after(as_of)
        self.newcomers.settle(
            self._wish(
                place, employments,
                due=day if day >= as_of else None,
                starts=starts, first_day=str(starts or ""),
                waits=bool(lacks(first.record, service, as_of)),
                losers=self._losers(place) if has_begun else frozenset(), explained=is_explained,
            ),
            self.known,
        )  # fmt: skip

    def _leave(
        self, place: Matter, day: dt.date | None, employments: Sequence[Employment],
        is_explained: bool,
    ) -> None:  # fmt: skip
        self.draft.settle(
            self._wish(
                place, employments, is_wanted=False, last=day,
                losers=self._losers(place), explained=is_explained,
            )
        )  # fmt: skip

    def _not_yet(self, place: Matter) -> None:
        """Tell who was to begin already of a first day that lies too far ahead to order for."""
        provider, _object, service = place
        later = [
            later_use(e, service)
            for e in self.known.person.employments
            if e.provider == provider and e.state == "later" and service in e.assignment.systems
        ]
        if later and self.draft.chain(place).is_in_force:
            self._use(provider, service, later)
        else:
            self.draft.keep(place)  # it is too early, or not possible, to say

    def _dropped(self, place: Matter) -> None:
        """End a use that no assignment names any more, as long as the person is there."""
        here = [e for e in self.known.person.employments if e.provider == place[0]]
        if any(e.phase == "application" for e in here):
            self.draft.keep(place)
        elif here:
            over = all(e.state == "ended" for e in here)
            days = [e.last_day for e in here if e.last_day] if over else []
            surprises = self.known.person.surprises_at(place[0])
            self._leave(place, max(days, default=None), here, over and explained(here, surprises))

    def _wish(
        self, place: Matter, employments: Sequence[Employment], first_day: str = "", **said: Any
    ) -> Wish:
        provider, _object, service = place
        is_guest, hsa_id = service == _TEAMS, self.known.spelled(place[1])
        is_protected = place[1] in self.hidden
        return Wish(
            provider=provider, object=hsa_id, subject=service,
            gives="guest" if is_guest else "join", takes="guest_end" if is_guest else "leave",
            recipient=self.rules.recipient_of(service, provider),
            protected=is_protected,
            particulars=of_person(
                is_protected, hsa_id, service, employments, first_day=first_day
            ),
            **said,
        )  # fmt: skip

    def _losers(self, place: Matter) -> frozenset[Holding]:
        return frozenset({("person", self.known.spelled(place[1]))})

    def _place(self, provider: str, service: str) -> Matter | None:
        """The matter under the HSA-id that has orders in it, else the one that holds."""
        places = [matter(provider, hsa_id, service) for hsa_id in self.known.all_ids]
        held = [place for place in places if self.draft.chain(place).orders]
        if held:
            return held[0]
        return places[0] if self.known.hsa_id else None

    def _held(self) -> list[Matter]:
        """The matters of the person that nothing has been said of."""
        ids = sorted(self.known.folded_ids)
        return [place for hsa_id in ids for place in self.draft.left_of(hsa_id)]

    def _lasts(self, provider: str, service: str) -> bool:
        """Whether by its own days an assignment gives the use: it is lost for another reason."""
        employments = self.known.person.employments
        surprises = self.known.person.surprises_at(provider)
        return any(service in effect.systems for effect in surprises) or any(
            lasts(e, service) for e in employments if e.provider == provider
        )


def _is_kept_by_hand(service: str) -> bool:
    """Whether people keep the users of a system, on order (annex 2.2)."""
    return SERVICES[service].provisioning in _KEPT_BY_HAND
