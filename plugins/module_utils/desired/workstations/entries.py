# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry of workstations must hold for the approved records (annex 2.4, 2.8, 3.1.1).

Entries stay when something ends: a workstation that is over is deregistered, with its last day.
Holds do not touch workstations: they are about people.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...engine import matching
from ...engine.guard import Holding
from ...engine.plan import Entry, Wanted
from ...engine.provision import Desired
from ...records.catalogue import WORKSTATIONS_PER_GROUP
from ...records.losses import end_explains, provider_explains
from ...records.memory import Memory
from ...records.model import Record, Workstation
from ...records.payload import Approved
from ...records.workstations import end_of, registered
from . import attributes
from .findings import errors, findings, name_error
from .groups import numbers
from .holdings import Holdings, index, is_registered, key_of, name_of, provider_of, workstation_key
from .layout import GROUP, LAST_DAY, REGISTERED, SCHEMA, STATE, Layout

# Those that leave go first, so that a group never holds more than it has room for.
_LEAVING, _COMING = range(2)


def desire(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    licences: Mapping[str, str],
) -> Desired:
    """What the registry must hold on a day, given what it holds.

    `licences` says of the providers that lack licences for their workstations what is missing.
    """
    holdings = index(held)
    records = {record.id: record for record in approved.records}
    draft = _Draft(layout, as_of, records, holdings, approved.memory)
    wanted = tuple(entry for record in approved.records for entry in draft.of_provider(record))
    return Desired(
        wanted=wanted,
        attributes=SCHEMA,
        holdings=_registered_today(holdings),
        findings=findings(approved, as_of, layout, holdings),
        errors=errors(approved, as_of, holdings, licences),
        taken=tuple(entry.dn for entry in held),
        returns={record.id: _in_words(record, as_of) for record in approved.records},
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """Makes the wanted entries of one day; `records` are the valid ones, by provider."""

    layout: Layout
    as_of: dt.date
    records: Mapping[str, Record]
    holdings: Holdings
    memory: Memory

    def of_provider(self, record: Record) -> Iterator[Wanted]:
        """The entries of a provider: registered ones, and those that are so no more."""
        today = {workstation_key(record.id, w.name): w for w in registered(record, self.as_of)}
        ours = self.holdings.ours
        held = {key: attributes.group_of(ours.get(key)) for key in today}
        groups = numbers(held, record.agreement.workstation_groups)
        for key, workstation in today.items():
            if not name_error(key, self.holdings, self.records):
                yield self._registered(record, workstation, key, groups.get(key))
        for key, entry in self.holdings.of_provider(record.id).items():
            if key not in today:
                yield self._deregistered(record, key, entry)

    def _registered(
        self, record: Record, workstation: Workstation, key: str, group: int | None
    ) -> Wanted:
        own = self.holdings.ours.get(key)
        said = attributes.of_registered(record, workstation, key, group, own, self.as_of)
        return Wanted(
            key=key, kind="workstation", id=workstation.name, level=_COMING,
            parent=self.layout.branch, rdns=(matching.rdn(("cn", workstation.name)),),
            attributes=said, providers=frozenset({record.id}), held=own or self._left(key),
        )  # fmt: skip

    def _left(self, key: str) -> Entry | None:
        """The entry of the same name that another provider leaves, as it is once it has."""
        entry = self.holdings.in_the_way(key)
        if entry is None or not is_registered(entry):
            return entry
        record = self.records[provider_of(key_of(entry))]
        gone = attributes.of_deregistered(record, name_of(entry), entry, self.as_of)
        return replace(entry, attributes={**entry.attributes, **gone})

    def _deregistered(self, record: Record, key: str, entry: Entry) -> Wanted:
        name = name_of(entry)
        said = attributes.of_deregistered(record, name, entry, self.as_of)
        explained = self._is_explained(record, name)
        comes = {LAST_DAY: (*said[LAST_DAY], *entry.attributes.get(LAST_DAY, ()))}
        goes = {GROUP: entry.attributes.get(GROUP, ()), STATE: (REGISTERED,)}
        return Wanted(
            key=key, kind="workstation", id=name, level=_LEAVING,
            parent=self.layout.branch, rdns=(), attributes=said,
            providers=frozenset({record.id}), held=entry,
            dated={**goes, **comes} if explained else {}, is_counted=False,
        )  # fmt: skip

    def _is_explained(self, record: Record, name: str) -> bool:
        """Whether a date in the record says that the workstation is over."""
        last_run = self.memory.days.get(record.id)
        end = end_of(record, name)
        if end is None:
            return provider_explains(record, self.as_of, last_run)
        return end_explains(end, self.as_of, last_run)


def _registered_today(holdings: Holdings) -> dict[str, frozenset[Holding]]:
    found: dict[str, set[Holding]] = defaultdict(set)
    for key, entry in holdings.ours.items():
        if is_registered(entry):
            found[provider_of(key)].add(("workstation", name_of(entry)))
    return {provider: frozenset(theirs) for provider, theirs in found.items()}


def _in_words(record: Record, as_of: dt.date) -> dict[str, dict[str, int]]:
    groups = record.agreement.workstation_groups
    counted = {
        "registered": len(registered(record, as_of)),
        "capacity": groups * WORKSTATIONS_PER_GROUP,
        "groups": groups,
    }
    return {"workstations": counted}
