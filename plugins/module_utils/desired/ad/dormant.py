# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enabled accounts of ours that nobody has logged on with for long.

A domain controller notes a logon in lastLogonTimestamp, which is replicated, only where what stands
there is 9 to 14 days old (msDS-LogonTimeSyncInterval): the day is that much early.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from ...engine.provision import Finding
from ...records.people import Employment
from .codecs import day_of_ticks, day_of_time
from .holdings import Holdings, is_enabled, our_id
from .owners import Holder


def dormant(everybody: Iterable[Holder], holdings: Holdings, as_of: dt.date) -> Iterator[Finding]:
    """Accounts without a logon for longer than the layout's days, and open for as long."""
    opened = {
        account.dn: min(days)
        for holder in everybody
        for days in [[_opened(e) for e in holder.known.person.employments if e.state == "active"]]
        for account in holder.accounts
        if days
    }
    limit = as_of - dt.timedelta(days=holdings.layout.dormant_days)
    for account in filter(is_enabled, holdings.watched):
        logon = day_of_ticks(account.first("lastLogonTimestamp"))
        last = logon or day_of_time(account.first("whenCreated"))
        if last is None or max(last, opened.get(account.dn, last)) >= limit:
            continue
        told = f"since {logon}" if logon else f"ever, and it was made on {last}"
        for provider in sorted(set(holdings.providers(account))):
            yield Finding(
                provider, "dormant_account", our_id(account) or account.address,
                f"it is enabled, and nobody has logged on with it {told}",
            )  # fmt: skip


def _opened(employment: Employment) -> dt.date:
    """The day since which an assignment gives access: what lay before tells nothing."""
    assignment, start = employment.assignment, employment.record.agreement.agreement.operation_start
    suspended = assignment.suspended
    days = [assignment.from_, start]
    if suspended and suspended.to and suspended.to < employment.as_of:
        days.append(suspended.to)
    return max((day for day in days if day is not None), default=dt.date.min)
