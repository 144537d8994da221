# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people should look at in a delivery group's rules, and what keeps a rule from being made."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ...engine.plan import Wanted
from ...engine.provision import Finding
from ...records.lifecycle import is_over
from ...records.payload import Approved
from ...records.words import some_of
from .holdings import Holdings, Place, clients, folded, is_disabled_by_us, is_enabled, rule_name
from .layout import EXCLUDED
from .reading import is_open

_OPEN = (
    "lets people into the delivery group from any computer, registered or not: disable it in "
    "Citrix, or give it a filter of client names or addresses (a built-in rule can be disabled, "
    "not removed)"
)
_SHARED = "shared_access names this provider, and there is no record of it: correct the id"
_REMOVED = "somebody removed the rule; it is made again"
_REMOVED_TWICE = (
    "the rule was removed {times} times within a month, and is made again: probably a tool keeps "
    "the delivery group's rules as a whole list, as Citrix's Terraform provider does. Have it "
    "leave the rules of this delivery group alone"
)


def findings(
    approved: Approved, as_of: dt.date, holdings: Holdings, gone: Mapping[str, int]
) -> tuple[Finding, ...]:
    """All findings; `gone` says how often a rule of ours has been removed, by its name."""
    return (
        *_open_rules(holdings),
        *_shared_with_nobody(approved, as_of),
        *_orphans(approved, holdings),
        *_vanished(gone, holdings),
        *(f for place, _rule in sorted(holdings.ours.items()) for f in _of_rule(place, holdings)),
    )


def errors(
    wanted: Sequence[Wanted], holdings: Holdings, full: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Why providers' plans may not be carried out; `full` is why of those over their capacity."""
    found: dict[str, list[str]] = defaultdict(list)
    for provider, reason in full.items():
        found[provider].append(reason)
    for provider, kind in sorted(holdings.doubled):
        name = holdings.layout.rule_name(provider, kind)
        found[provider].append(
            f"several rules say in their description that they are {name}: remove the copies"
        )
    for rule in wanted:
        (provider,) = rule.providers
        if rule.held is None and rule.id.casefold() in holdings.names_of_others:
            found[provider].append(
                f"a rule {rule.id} is there that is not ours: its description has not our key. "
                "Rename it, or choose another rule_prefix"
            )
    return {provider: tuple(reasons) for provider, reasons in found.items()}


def _open_rules(holdings: Holdings) -> Iterator[Finding]:
    for rule in holdings.every:
        if is_open(rule):
            yield Finding("", "open_rule", rule_name(rule), _OPEN, "high")


def _shared_with_nobody(approved: Approved, as_of: dt.date) -> Iterator[Finding]:
    known = approved.providers
    for record in approved.records:
        for share in record.agreement.shared_access:
            for provider in () if is_over(share.to, as_of) else share.providers:
                if provider not in known:
                    yield Finding(record.id, "shared_with_nobody", provider, _SHARED)


def _orphans(approved: Approved, holdings: Holdings) -> Iterator[Finding]:
    known = approved.providers
    for provider, kind in sorted(holdings.ours):
        if provider not in known:
            rule = holdings.ours[provider, kind]
            message = "no record explains this rule"
            if is_enabled(rule):
                message += ", by which people get in"
            yield Finding(
                provider, "orphan", rule_name(rule), message,
                "high" if is_enabled(rule) else "normal",
            )  # fmt: skip


def _vanished(gone: Mapping[str, int], holdings: Holdings) -> Iterator[Finding]:
    for name, times in sorted(gone.items()):
        provider = name.removeprefix(holdings.layout.rule_prefix).partition("_")[0]
        told = _REMOVED_TWICE.format(times=times) if times > 1 else _REMOVED
        yield Finding(provider, "rules_vanished", name, told)


def _of_rule(place: Place, holdings: Holdings) -> Iterator[Finding]:
    provider, kind = place
    rule, named = holdings.ours[place], folded(clients(holdings.ours[place], kind))
    if not is_enabled(rule) and not is_disabled_by_us(rule):
        message = "somebody disabled the rule, so no run enables it: enable it in Citrix"
        yield Finding(provider, "manually_disabled", rule_name(rule), message)
    excluded = rule.attributes.get(EXCLUDED[kind], ())
    if by_hand := [client for client in excluded if client.casefold() in named]:
        message = f"somebody excluded {some_of(by_hand)}, which no run lets in again"
        yield Finding(provider, "manually_disabled", rule_name(rule), message)
    if left := [client for client in excluded if client.casefold() not in named]:
        message = f"sessions of {some_of(left)} were not gone when the last run ended"
        yield Finding(provider, "session_left", rule_name(rule), message, "high")
