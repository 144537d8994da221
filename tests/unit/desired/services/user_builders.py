# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People as users of systems, from as few words as a test needs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    ECG,
    JOURNAL,
    TODAY,
    person,
    record,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import Services, told

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
# When that is due which should be there already.
SOON = TODAY + dt.timedelta(days=14)
P1 = "SE2321000214-P1"
AIDS = "hjalpmedelssystem"
USERS = ("join", "change", "leave", "guest", "guest_end")


def staff(*assignments: dict[str, Any], **fields: Any) -> Record:
    """A record with one person."""
    return record(people=[person(1, *(assignments or [uses(ECG)]), **fields)])


def users(services: Services, *records: Record, **options: Any) -> list[tuple[str, str, str]]:
    """(kind, object, state) of the orders about people that a run touches."""
    return told(services.run(*records, **options), *USERS)


def from_day(day: str, *others: dict[str, Any], **fields: Any) -> Record:
    """A record with one person, who begins on a day."""
    return staff(uses(ECG, since=day, **fields), *others)


def task(act: str, service: str = JOURNAL) -> dict[str, Any]:
    """What AD asks the owner of the account for."""
    return {"alfa": [{"person": P1, "service": service, "group": "CN=App", "act": act}]}
