# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the delivery group's access policy must hold for the approved records (annex 2.4, 3.1.1).

A rule for each provider: its AD group, from the clients by name that it is admitted from; and a
second one by address where there are any, since the filters of one rule must all match and those of
several rules are united. A rule of a provider that has ended is disabled and empty. Nobody is newly
admitted from what the registry of workstations failed for before in the play.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...engine import matching
from ...engine.plan import Entry, Values, Wanted
from ...engine.provision import Desired
from ...records.lifecycle import phase
from ...records.model import Record
from ...records.payload import Approved
from ...records.words import some_of
from ...records.workstations import (
    Admission,
    admission,
    client_name,
    is_end_explained,
    over_capacity,
    registered,
)
from .findings import errors, findings
from .holdings import Holdings, clients, folded, index, is_disabled_by_us, is_enabled
from .layout import (
    EXCLUDED,
    EXCLUDES,
    INCLUDED,
    INCLUDES,
    KINDS,
    Kind,
    Layout,
    description,
    never,
    schema,
)
from .vanished import facts_of, vanished

# Nobody lies above a rule, so this is the only level.
_LEVEL = 0


def desire(
    approved: Approved,
    as_of: dt.date,
    layout: Layout,
    held: Sequence[Entry],
    failures: Iterable[str] = (),
) -> Desired:
    """What the rules must be on a day, given all rules of the group.

    `failures` are the providers for which the registry of workstations failed before in the play:
    from what is new of theirs nobody is admitted yet.
    """
    holdings = index(held, layout)
    draft = _Draft(approved, as_of, holdings, _unregistered(approved, as_of, failures))
    rules = [
        rule
        for record in approved.records
        for kind in KINDS
        for rule in [draft.rule(record, kind)]
        if rule
    ]
    rules += draft.held_back()
    gone = vanished(rules, holdings, approved.memory, as_of)
    return Desired(
        wanted=tuple(rules),
        attributes=schema(),
        holdings=holdings.held(),
        findings=findings(approved, as_of, holdings, gone),
        errors=errors(rules, holdings, _over_capacity(approved, as_of)),
        waiting={r.id: draft.waiting(r) for r in approved.records},
        taken=tuple(rule.dn for rule in held),
        witnesses=frozenset(f"rule {layout.rule_name(*place)}" for place in holdings.ours),
        facts=facts_of(rules, gone, approved.memory, as_of),
        people={rule.id: frozenset({approved.memory.digest(rule.id)}) for rule in rules},
    )


def _over_capacity(approved: Approved, as_of: dt.date) -> Mapping[str, str]:
    """The providers whose workstations the registry refuses, so that none comes to a rule."""
    return {r.id: reason for r in approved.records if (reason := over_capacity(r, as_of))}


def _unregistered(approved: Approved, as_of: dt.date, failures: Iterable[str]) -> dict[str, str]:
    """Whose the clients are, by name or address in small letters, that may not be registered."""
    failed = frozenset(failures)
    return {
        client.casefold(): record.id
        for record in approved.records
        if record.id in failed
        for one in registered(record, as_of)
        for client in (client_name(one), one.ip)
        if client
    }


@dataclass(frozen=True)
class _Clients:
    """Who is to be let in by a rule, and whether today; `is_over` where nobody will be again."""

    admitted: Values
    is_open: bool
    is_held: bool
    is_over: bool


@dataclass(frozen=True)
class _Draft:
    """Makes the wanted rules."""

    approved: Approved
    as_of: dt.date
    holdings: Holdings
    unregistered: Mapping[str, str]

    def rule(self, record: Record, kind: Kind) -> Wanted | None:
        """A provider's rule, None where it needs none."""
        held = self.holdings.ours.get((record.id, kind))
        wish = self._clients(record, kind, held)
        if held is None and not wish.admitted:
            return None
        name = self.holdings.layout.rule_name(record.id, kind)
        is_open = wish.is_open and bool(wish.admitted) and not _disabled_by_hand(held)
        values = self._values(record.id, kind, wish, is_open, held)
        return Wanted(
            key=f"rule/{record.id}/{kind}", kind="rule", id=name, level=_LEVEL,
            parent=matching.rdn(("CN", self.holdings.layout.delivery_group)),
            rdns=() if held else (matching.rdn(("CN", name)),),
            attributes=values, providers=frozenset({record.id}), held=held,
            dated=self._dated(record, kind, wish, held, values) if held else {},
            at_once=wish.is_held and held is not None,
        )  # fmt: skip

    def held_back(self) -> Iterator[Wanted]:
        """What holds take of providers whose records cannot be read now."""
        for (provider, kind), held in self.holdings.ours.items():
            is_held = self.approved.decisions.is_held((), provider, self.as_of)
            if provider in self.approved.invalid and is_held and is_enabled(held):
                said = (description(provider, kind, is_disabled=True),)
                both = (*held.attributes.get("Description", ()), *said)
                yield Wanted(
                    key=f"rule/{provider}/{kind}", kind="rule", level=_LEVEL, parent="", rdns=(),
                    id=self.holdings.layout.rule_name(provider, kind), held=held, at_once=True,
                    attributes={"Enabled": (), "Description": said},
                    dated={"Enabled": ("true",), "Description": both},
                    providers=frozenset({provider}),
                )  # fmt: skip

    def _clients(self, record: Record, kind: Kind, held: Entry | None) -> _Clients:
        told = admission(record, self.approved.records, self.as_of)
        admitted = set(_of_kind(told, kind)) - self._late(_of_kind(told, kind), kind, held)
        kept = self._of_unreadable(record, kind, held)
        is_held = self.approved.decisions.is_held((), record.id, self.as_of)
        return _Clients(
            admitted=tuple(sorted({*admitted, *kept})),
            is_open=told.is_open and not is_held,
            is_held=is_held,
            is_over=phase(record, self.as_of) in ("application", "ended"),
        )

    def waiting(self, record: Record) -> tuple[str, ...]:
        """From where the provider's staff is not admitted yet, in words."""
        if not self.unregistered:
            return ()
        told, ours = admission(record, self.approved.records, self.as_of), self.holdings.ours
        late = sorted(
            {
                client
                for kind in KINDS
                for client in self._late(_of_kind(told, kind), kind, ours.get((record.id, kind)))
            }
        )
        if not late:
            return ()
        owners = sorted({self.unregistered[client.casefold()] for client in late})
        why = f"the registry of workstations failed for {', '.join(owners)}"
        return (f"not admitted yet, as {why}: {some_of(late)}",)

    def _late(self, admitted: Values, kind: Kind, held: Entry | None) -> set[str]:
        """Those of the clients that are new in a rule, and may not be registered."""
        now = folded(clients(held, kind)) if held else frozenset()
        late = self.unregistered.keys() - now
        return {client for client in admitted if client.casefold() in late}

    def _of_unreadable(self, record: Record, kind: Kind, held: Entry | None) -> Values:
        """Clients that others share, who cannot be asked while their records are invalid."""
        if held is None or phase(record, self.as_of) not in ("operation", "wind_down"):
            return ()
        rules = (self.holdings.ours.get((other, kind)) for other in self.approved.invalid)
        theirs = folded(client for rule in rules if rule for client in clients(rule, kind))
        return tuple(client for client in clients(held, kind) if client.casefold() in theirs)

    def _values(
        self, provider: str, kind: Kind, wish: _Clients, is_open: bool, held: Entry | None
    ) -> Mapping[str, Values]:
        group = () if wish.is_over else (self.holdings.layout.group(provider),)
        said = description(provider, kind, is_disabled=not is_open)
        if held is not None and _disabled_by_hand(held):
            said = description(provider, kind, is_disabled=False)
        # Whom a person excluded by hand stays so; others there are sessions that are not gone yet.
        excluded = by_hand(held, kind, wish.admitted) if held else ()
        return {
            "Description": (said,),
            "Enabled": _flag(is_open),
            "AllowHdxAccess": _flag(True),
            "AllowedConnection": ("Filtered",),
            "AllowedUsers": ("Filtered",),
            "IncludedUserFilterEnabled": _flag(True),
            "IncludedUsers": group,
            **never(),
            **{INCLUDES[one]: _flag(one == kind) for one in KINDS},
            **{EXCLUDES[one]: _flag(bool(excluded) and one == kind) for one in KINDS},
            INCLUDED[kind]: wish.admitted,
            EXCLUDED[kind]: excluded,
        }

    def _dated(
        self, record: Record, kind: Kind, wish: _Clients, held: Entry, values: Mapping[str, Values]
    ) -> dict[str, Collection[str]]:
        """What of the rule goes by a date, or comes with that."""
        now = clients(held, kind)
        gone = folded(now) - folded(wish.admitted)
        # Who stays has no end to look for, unless the rule as a whole ends.
        ending = [c for c in now if c.casefold() in gone or not values["Enabled"]]
        over = {client for client in ending if self._is_explained(client, record)}
        lets_in = is_enabled(held)
        dated: dict[str, Collection[str]] = {
            INCLUDED[kind]: [c for c in now if c.casefold() in gone and (c in over or not lets_in)],
            # Their sessions are ended whatever becomes of the rest.
            EXCLUDED[kind]: held.attributes.get(EXCLUDED[kind], ()),
            "IncludedUsers": () if lets_in and _is_swapped(held, values) else _users(held),
        }
        if not values[EXCLUDES[kind]]:
            dated[EXCLUDES[kind]] = ("true",)
        if not values["Enabled"] and (wish.is_held or over.issuperset(now)):
            both = (*held.attributes.get("Description", ()), *values["Description"])
            dated |= {"Enabled": ("true",), "Description": both}
        return dated

    def _is_explained(self, client: str, record: Record) -> bool:
        last_run = self.approved.memory.days.get(record.id)
        return is_end_explained(client, record, self.approved.records, self.as_of, last_run)


def _of_kind(told: Admission, kind: Kind) -> Values:
    return told.client_names if kind == "names" else told.addresses


def _is_swapped(held: Entry, values: Mapping[str, Values]) -> bool:
    """Whether nobody whom a rule lets in is let in by what it is to be: a wrong domain, perhaps."""
    wanted = folded(values["IncludedUsers"])
    return bool(wanted) and wanted.isdisjoint(folded(_users(held)))


def _users(rule: Entry) -> Values:
    return rule.attributes.get("IncludedUsers", ())


def by_hand(rule: Entry, kind: Kind, admitted: Collection[str]) -> Values:
    """The clients that somebody excluded from a rule that names them.

    Not those that a run put there as they left: they may be registered again by now.
    """
    named = folded(admitted) & folded(clients(rule, kind))
    return tuple(c for c in rule.attributes.get(EXCLUDED[kind], ()) if c.casefold() in named)


def _disabled_by_hand(held: Entry | None) -> bool:
    """Whether somebody disabled a rule that a run had enabled."""
    return held is not None and not is_enabled(held) and not is_disabled_by_us(held)


def _flag(value: bool) -> Values:
    return ("true",) * value
