# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of those who have left: into quarantine, and after the grace period deleted.

What nobody can call back takes more than what can: an account is deleted by a day that stands on
it, written when it came into quarantine, and by the last day in the records.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ...engine.plan import Entry, Wanted
from ...engine.provision import Finding
from ...records.people import NaturalPerson
from ...records.words import some_of
from .holdings import Holdings, is_enabled
from .layout import QUARANTINED, Layout
from .owners import Account


@dataclass(frozen=True, slots=True)
class Departure:
    """An account whose owner has left, and the mark of quarantine that it has, or gets today.

    `due` is the first day on which it is deleted, `is_due` whether it is today.
    """

    account: Account
    mark: str
    due: dt.date
    is_due: bool


def departures(
    kept: Iterable[Account], holdings: Holdings, as_of: dt.date, is_any_unread: bool
) -> dict[str, Departure]:
    """The accounts whose owners have left, by DN.

    Where a record cannot be read (`is_any_unread`), nothing is deleted: it may need somebody.
    """
    found = {}
    for account in kept:
        held, last = account.held, _last_day(account)
        if held is None or last is None or not _is_closed_by_us(held, holdings):
            continue
        mark = holdings.quarantine_mark(held) or f"{QUARANTINED}{as_of}"
        since = max(_day(mark) or as_of, last)
        due = since + dt.timedelta(days=holdings.layout.grace_days + 1)
        is_there = holdings.is_quarantined(held) and holdings.is_marked(held)
        is_due = is_there and due <= as_of and not is_any_unread and not is_enabled(held)
        found[account.dn] = Departure(account, mark, due, is_due)
    return found


def after_groups(accounts: Iterable[Wanted], groups: Sequence[Wanted]) -> Iterator[Wanted]:
    """The entries of accounts, of which those that go come after what takes them from groups."""
    leaving: dict[str, set[str]] = defaultdict(set)
    for group in groups:
        for member in group.held.attributes.get("member", ()) if group.held else ():
            leaving[member].add(group.key)
    for entry in accounts:
        if entry.after and entry.held and entry.held.dn in leaving:
            yield replace(entry, after=entry.after | leaving[entry.held.dn])
        else:
            yield entry


def waiting_for_deletion(ones: Iterable[Departure], layout: Layout) -> Iterator[Finding]:
    """What is to be deleted, and when, for each provider in one."""
    found: dict[str, list[Departure]] = defaultdict(list)
    for one in ones:
        for provider in () if one.is_due else one.account.providers:
            found[provider].append(one)
    for provider, theirs in sorted(found.items()):
        first, last = (pick(one.due for one in theirs) for pick in (min, max))
        when = f"on {first}" if first == last else f"from {first} to {last}"
        ids = some_of(sorted(one.account.id for one in theirs))
        yield Finding(
            provider, "in_quarantine", provider,
            f"{ids}: deleted {when}, after {layout.grace_days} days in quarantine, unless their "
            "owners come back",
        )  # fmt: skip


def _last_day(account: Account) -> dt.date | None:
    """The last day of all that the owner had; None where the account is needed, now or later."""
    holder = account.holder
    if holder is None or holder.others or not _has_left(holder.known.person):
        return None
    ended = [e for e in holder.known.person.employments if e.state == "ended"]
    days = (day for e in ended for day in (e.last_day, e.granted_to))
    return max((day for day in days if day is not None), default=None)


def _has_left(person: NaturalPerson) -> bool:
    """Whether a date has ended all that the person had, and no row gives anything now or later."""
    is_here = bool(person.current or person.coming_back)
    return not is_here and any(e.state == "ended" for e in person.employments)


def _is_closed_by_us(held: Entry, holdings: Holdings) -> bool:
    """Whether a run has disabled the account, or does now: what a person disabled stays theirs."""
    return is_enabled(held) or holdings.is_marked(held)


def _day(mark: str) -> dt.date | None:
    with suppress(ValueError):
        return dt.date.fromisoformat(mark.removeprefix(QUARANTINED))
    return None
