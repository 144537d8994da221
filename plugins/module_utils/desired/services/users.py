# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People's use of systems that keep users of their own, and of guests and groups (annex 3.1.1).

The region's system owners keep the users of some systems, the provider's administrators those of
others (annex 2.2). Guests are invited to Teams. Of the region's own employees, who keep their
account, its owner gives and takes membership.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...engine.guard import Holding
from ...records.catalogue import SERVICES
from ...records.lifecycle import is_in, is_over, last_day_of_service, trials
from ...records.people import Employment, explained, is_recent
from ..ad.access import last_day_of_trial
from ..hsa.identities import Identified, Identities
from .chains import Draft, Matter, Wish, joined, matter
from .connections import about, has_supplementary_agreement
from .rules import ACCOUNT_OWNER, Rules

OwnerTasks = Mapping[str, Sequence[Mapping[str, str]]]

_TEAMS, _CITRIX = "microsoft_office_365", "citrixanslutning"
_KEPT_BY_HAND = ("provider_administrators", "region_order")


def users(identities: Identities, draft: Draft, rules: Rules, hidden: Collection[str]) -> None:
    """Order for everybody what their assignments ask for; `hidden` as `protected` gives it."""
    for known in identities.people:
        _User(known, identities.unread, draft, rules, hidden).settle()


def protected(identities: Identities, draft: Draft, invalid: Collection[str]) -> frozenset[str]:
    """The HSA-ids, case folded, of people whom orders may not tell more of.

    While a record that may say so cannot be read, whoever was protected is it still. `invalid` are
    the providers of such records.
    """
    is_unread = identities.unread is not None
    return frozenset(
        hsa_id
        for known in identities.people
        if known.is_protected
        or (known.may_be_hidden(invalid, is_unread) and draft.was_protected(known.folded_ids))
        for hsa_id in known.folded_ids
    )


def _ids(known: Identified) -> tuple[str, ...]:
    """The person's HSA-ids, the one that holds first."""
    return tuple(dict.fromkeys(i for i in (known.hsa_id, *known.ids) if i))


@dataclass(frozen=True, slots=True)
class _Use:
    """That an assignment makes a person a user, or no longer, from or after a day."""

    act: Literal["join", "leave"]
    day: dt.date | None
    employment: Employment
    explains: bool = False


@dataclass(frozen=True)
class _User:
    """A person as a user of systems."""

    known: Identified
    unread: str | None
    draft: Draft
    rules: Rules
    hidden: Collection[str]

    def settle(self) -> None:
        """Order what the assignments ask for, and end what none of them names any more."""
        asked: dict[tuple[str, str], list[_Use]] = defaultdict(list)
        named: set[tuple[str, str]] = set()
        for employment in self.known.person.employments:
            for service, use in _uses(employment):
                asked[employment.provider, service].append(use)
            named.update((employment.provider, service) for service in _named(employment))
        for (provider, service), uses in sorted(asked.items(), key=lambda item: item[0]):
            if _is_kept_by_hand(service):
                self._use(provider, service, uses)
        for place in self._held():
            provider, _object, service = place
            if (provider, service) in asked or _is_membership(service):
                continue
            if (provider, service) in named:
                self._not_yet(place)
            else:
                self._dropped(place)

    def _use(self, provider: str, service: str, uses: Sequence[_Use]) -> None:
        """What all assignments at a provider come to: who joins by one of them joins."""
        joins = [use for use in uses if use.act == "join"]
        place = self._place(provider, service)
        explains = any(use.explains for use in uses)
        is_explained = explains and not self._lasts(provider, service)
        if place is None:
            if joins:
                self._cannot_be_named(joins[0].employment)
        elif joins:
            self._join(place, joins, is_explained)
        else:
            days = [use.day for use in uses if use.day]
            employments = [use.employment for use in uses]
            self._leave(place, max(days, default=None), employments, is_explained)

    def _join(self, place: Matter, joins: Sequence[_Use], is_explained: bool) -> None:
        provider, _object, service = place
        as_of = self.draft.as_of
        first = min(joins, key=lambda use: (use.employment.assignment.from_, _unit(use)))
        row, record = first.employment.row, first.employment.record
        if service == _TEAMS and not row.mail:
            self.draft.find(
                provider, "own_mail_missing", self._hsa_id(place),
                "a guest in Teams is invited by an e-mail address of their own (annex 3.1.2)",
            )  # fmt: skip
            self.draft.keep(place)
            return
        day = min(use.day for use in joins if use.day)
        starts = day if day > as_of else None
        # Who was told a day that is to come has no access yet, and so loses none.
        has_begun = not self.draft.chain(place).starts_after(as_of)
        self.draft.settle(
            self._wish(
                place, [use.employment for use in joins],
                due=day if day >= as_of else None,
                starts=starts, first_day=str(starts or ""),
                waits=not has_supplementary_agreement(record, service, as_of),
                losers=self._losers(place) if has_begun else frozenset(), explained=is_explained,
            )
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
            _of_service(_Use("join", _first_day(e), e), service)
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
            self._leave(place, max(days, default=None), here, over and explained(here))

    def _wish(
        self, place: Matter, employments: Sequence[Employment], first_day: str = "", **said: Any
    ) -> Wish:
        provider, _object, service = place
        is_guest, hsa_id = service == _TEAMS, self._hsa_id(place)
        is_protected = place[1] in self.hidden
        return Wish(
            provider=provider, object=hsa_id, subject=service,
            gives="guest" if is_guest else "join", takes="guest_end" if is_guest else "leave",
            recipient=self.rules.recipient_of(service, provider),
            protected=is_protected,
            particulars=_particulars(
                is_protected, hsa_id, service, employments, first_day=first_day
            ),
            **said,
        )  # fmt: skip

    def _losers(self, place: Matter) -> frozenset[Holding]:
        return frozenset({("person", self._hsa_id(place))})

    def _hsa_id(self, place: Matter) -> str:
        """The HSA-id of a matter of the person, as HSA spells it."""
        return _spelled(self.known, place)

    def _place(self, provider: str, service: str) -> Matter | None:
        """The matter under the HSA-id that has orders in it, else the one that holds."""
        places = [matter(provider, hsa_id, service) for hsa_id in _ids(self.known)]
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
        return any(
            e.in_effect
            and service in e.assignment.systems
            and _has_started(e)
            and not is_over(last_day_of_service(e.record, service), e.as_of)
            for e in self.known.person.employments
            if e.provider == provider
        )

    def _cannot_be_named(self, employment: Employment) -> None:
        reason = self.unread or "HSA does not tell who the person is"
        self.draft.find(
            employment.provider, "no_hsa_id", employment.label, f"nothing is ordered: {reason}"
        )


# --- what an assignment asks for ------------------------------------------------------------------


def _uses(employment: Employment) -> Iterator[tuple[str, _Use]]:
    """What an assignment and the trials before it ask for, by service."""
    if not employment.has_begun:
        return
    use = _of_assignment(employment)
    if use is not None:
        for service in employment.assignment.systems:
            yield service, _of_service(use, service)
    for trial in trials(employment.record, employment.row):
        as_of, last = employment.as_of, last_day_of_trial(trial, employment)
        is_over_by_now = employment.is_suspended or employment.state == "ended"
        tries = _prepares(employment) and is_in(trial, as_of) and not is_over_by_now
        if tries or trial.from_ <= as_of:
            ends = is_recent(last, as_of)
            act = (
                _Use("join", trial.from_, employment)
                if tries
                else _Use("leave", min(last, as_of), employment, ends)
            )
            for service in trial.systems:
                yield service, act


def _of_assignment(employment: Employment) -> _Use | None:
    """What an assignment asks for of all its systems; None while it is too early to say."""
    first, last = employment.assignment.from_, employment.last_day
    begins = employment.record.agreement.agreement.operation_start
    if employment.state == "ended":
        days = [day for day in (last, employment.granted_to) if day]
        return _Use("leave", max(days, default=None), employment, employment.explains)
    if employment.is_suspended:
        period = employment.assignment.suspended
        day = period.from_ if period and not employment.held else None
        return _Use("leave", day, employment, explains=True)
    if employment.state == "upcoming" and last is not None and first > last:
        return None  # the provider or the unit ends before the assignment would begin
    if _prepares(employment) and (begins is None or begins <= employment.as_of):
        return None  # nobody opens a system before operation, whose first day is not known yet
    return _Use("join", _first_day(employment), employment, employment.explains)


def _first_day(employment: Employment) -> dt.date:
    """The first day of an assignment, or of operation if that is later; a grant goes before."""
    first = employment.assignment.from_
    if employment.state == "active":
        return min(first, employment.as_of)
    return max(first, employment.record.agreement.agreement.operation_start or first)


def _of_service(use: _Use, service: str) -> _Use:
    """The use of a service that the provider may leave before the person does."""
    record, as_of = use.employment.record, use.employment.as_of
    last = last_day_of_service(record, service)
    if use.act == "join" and last is not None and is_over(last, as_of):
        return _Use("leave", last, use.employment, is_recent(last, as_of))
    return use


def _prepares(employment: Employment) -> bool:
    return employment.phase == "establishment"


def _has_started(employment: Employment) -> bool:
    """Whether operation has begun by its day, whatever is missing for it."""
    start = employment.record.agreement.agreement.operation_start
    return start is not None and start <= employment.as_of


def _named(employment: Employment) -> set[str]:
    """The services that an assignment names, whether it gives them today or not."""
    tried = (t.systems for t in trials(employment.record, employment.row))
    if employment.state == "outside":
        return set()
    return {*employment.assignment.systems, *(service for one in tried for service in one)}


def _is_kept_by_hand(service: str) -> bool:
    return SERVICES[service].provisioning in _KEPT_BY_HAND


def _is_membership(service: str) -> bool:
    """Whether the order of a person is about a group in AD."""
    return service in SERVICES and not _is_kept_by_hand(service)


def _unit(use: _Use) -> str:
    return use.employment.assignment.unit


def _spelled(known: Identified, place: Matter) -> str:
    return next(hsa_id for hsa_id in _ids(known) if hsa_id.casefold() == place[1])


def _particulars(
    is_protected: bool, hsa_id: str, service: str, employments: Sequence[Employment], **more: str
) -> dict[str, Any]:
    """What the order says of the person: of a protected one the HSA-id alone."""
    first = min(employments, key=lambda e: (e.assignment.from_, e.assignment.unit))
    said = {**about(first.record, service, hsa_id=hsa_id, **more), "act": ""}
    if is_protected:
        return said
    row = first.row
    units = {unit.id: unit.name for unit in first.record.agreement.units}
    told = {
        "given_name": row.given_name,
        "middle_name": row.middle_name,
        "surname": row.surname,
        "title": row.position,
        "mail": row.mail,
        "unit": joined(units[e.assignment.unit] for e in employments),
    }
    return said | {name: value for name, value in told.items() if value}


# --- membership that the owner of a region's own account gives ------------------------------------


def memberships(
    identities: Identities, draft: Draft, rules: Rules, hidden: Collection[str],
    tasks: OwnerTasks | None,
) -> None:  # fmt: skip
    """Order the membership that AD asks its owner for; None: AD was not looked at."""
    people = {i: known for known in identities.people for i in known.folded_ids}
    asked = {
        matter(provider, task["person"], task["service"]): task
        for provider, given in (tasks or {}).items()
        for task in given
    }
    for place, task in sorted(asked.items(), key=lambda item: item[0]):
        known = people.get(place[1])
        if known and _employs(known, place[0]):
            draft.settle(_membership(known, place, rules, hidden, task))
    for place in draft.left():
        provider, object_id, service = place
        known = people.get(object_id)
        if tasks is None and draft.chain(place).gives == "membership":
            draft.keep(place)
        elif known and _is_membership(service) and _employs(known, provider):
            if tasks and provider in tasks and _is_undone(known, place, draft):
                draft.settle(_membership(known, place, rules, hidden, {"act": "leave"}))
            else:
                draft.keep(place)


def _employs(known: Identified, provider: str) -> bool:
    return any(e.provider == provider for e in known.person.employments)


def _is_undone(known: Identified, place: Matter, draft: Draft) -> bool:
    """Whether membership is still ordered that no assignment gives any more."""
    provider, _object, service = place
    latest = draft.chain(place).last
    if latest is None or not latest.is_under_way or not draft.chain(place).is_in_force:
        return False
    return not any(
        e.state == "active" and (service == _CITRIX or service in e.services)
        for e in known.person.employments
        if e.provider == provider
    )


def _membership(
    known: Identified, place: Matter, rules: Rules, hidden: Collection[str],
    task: Mapping[str, str],
) -> Wish:  # fmt: skip
    provider, _object, service = place
    hsa_id, is_protected = _spelled(known, place), place[1] in hidden
    employments = [e for e in known.person.employments if e.provider == provider]
    days = [e.last_day for e in employments if e.state == "ended" and e.last_day]
    return Wish(
        provider=provider, object=hsa_id, subject=service,
        gives="membership", takes="membership_end",
        recipient=rules.recipient(ACCOUNT_OWNER, provider),
        is_wanted=task["act"] == "join", last=max(days, default=None), asked=True,
        protected=is_protected,
        particulars=_particulars(
            is_protected, hsa_id, service, employments, group=task.get("group", "")
        ),
        losers=frozenset({("person", hsa_id)}), explained=explained(employments),
    )  # fmt: skip
