# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person should look at in the registry, and what makes a provider's plan impossible."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from ...engine.provision import Finding
from ...records.lifecycle import phase
from ...records.model import Inspection, Record
from ...records.payload import Approved
from ...records.workstations import over_capacity, registered
from .holdings import Holdings, is_registered, key_of, name_of, provider_of, workstation_key
from .layout import Layout


def findings(
    approved: Approved, as_of: dt.date, layout: Layout, holdings: Holdings
) -> tuple[Finding, ...]:
    """All findings, each under the provider it concerns."""
    live = [r for r in approved.records if phase(r, as_of) not in ("application", "ended")]
    return (
        *(finding for record in live for finding in _over_capacity(record, as_of)),
        *(finding for record in live for finding in _attestations(record, as_of, layout)),
        *(finding for record in live for finding in _inspections(record, as_of)),
        *(finding for record in live for finding in _peripherals(record, as_of)),
        *_orphans(approved, holdings),
        *_without_key(holdings),
    )


def errors(
    approved: Approved, as_of: dt.date, holdings: Holdings, licences: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Why a provider's plan may not be carried out, by provider; of its licences as given."""
    known = {record.id for record in approved.records}
    found: dict[str, list[str]] = defaultdict(list)
    for record in approved.records:
        found[record.id] += filter(None, (over_capacity(record, as_of), licences.get(record.id)))
        for workstation in registered(record, as_of):
            key = workstation_key(record.id, workstation.name)
            message = name_error(key, holdings, known)
            found[record.id] += [f"the name {workstation.name} {message}"] if message else []
    for key in sorted(holdings.doubled):
        found[provider_of(key)].append(f"more than one entry in the registry carries the key {key}")
    return {provider: tuple(messages) for provider, messages in found.items() if messages}


def name_error(key: str, holdings: Holdings, known: Collection[str]) -> str:
    """Why a workstation cannot have its name, "" if it can.

    `known` are the providers with a record that can be read. Of another one nobody can say whether
    its workstation is in use still.
    """
    other = holdings.in_the_way(key)
    if other is None:
        return ""
    if not key_of(other):
        return "is that of an entry in the registry which is not ours: rename one of them"
    owner = provider_of(key_of(other))
    if is_registered(other) and owner not in known:
        return f"is registered for {owner}, whose record cannot be read or is not there"
    return ""


def _over_capacity(record: Record, as_of: dt.date) -> Iterator[Finding]:
    message = over_capacity(record, as_of)
    if message:
        yield Finding(record.id, "over_capacity", record.id, message)


def _attestations(record: Record, as_of: dt.date, layout: Layout) -> Iterator[Finding]:
    for workstation in registered(record, as_of):
        attested = workstation.attested
        if attested is None or attested > as_of:
            message = "antivirus and security updates are not attested (annex 3.4)"
        elif (as_of - attested).days > layout.attestation_days:
            message = (
                f"antivirus and security updates were attested on {attested}, more than "
                f"{layout.attestation_days} days ago (annex 3.4)"
            )
        else:
            continue
        yield Finding(record.id, "attestation_due", workstation.name, message)


def _inspections(record: Record, as_of: dt.date) -> Iterator[Finding]:
    made = [one for one in record.agreement.inspections if one.date <= as_of]
    for one in made:
        is_last = not any(other.date > one.date for other in made)
        if one.deviations and one.due is not None and one.due < as_of and is_last:
            yield _inspection(record, one, one.due)


def _inspection(record: Record, one: Inspection, due: dt.date) -> Finding:
    return Finding(
        record.id, "inspection_due", one.protocol,
        f"the deviations {', '.join(one.deviations)} were to be mended by {due}, and no later "
        "inspection has been made",
    )  # fmt: skip


def _peripherals(record: Record, as_of: dt.date) -> Iterator[Finding]:
    for one in record.equipment.peripherals:
        if one.consulted is None or one.consulted > as_of:
            yield Finding(
                record.id, "unapproved_equipment", f"{one.unit} - {one.kind} {one.model}",
                "the region was not consulted about it (annex 3.5)",
            )  # fmt: skip


def _orphans(approved: Approved, holdings: Holdings) -> Iterator[Finding]:
    """Registered entries of providers without a record: reported, never deregistered."""
    known = approved.providers
    for key, entry in holdings.ours.items():
        if provider_of(key) not in known and is_registered(entry):
            yield Finding(
                provider_of(key), "orphan", name_of(entry),
                "no record explains this workstation; it is left as it is",
            )  # fmt: skip


def _without_key(holdings: Holdings) -> Iterator[Finding]:
    for entry in holdings.others:
        yield Finding(
            "", "workstation_without_key", name_of(entry),
            "the entry lies in the registry and carries no key of ours: it is left as it is",
        )  # fmt: skip
