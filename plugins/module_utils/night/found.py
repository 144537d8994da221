# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a night found: the results of the systems, as findings with fixed names and severities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["info", "normal", "high"]
State = Literal["checked", "partly", "not_checked"]

# What a system calls otherwise.
_NAMES = {"orphan": "orphaned", "orphan_order": "orphaned"}
# The severity of what a system does not grade itself.
SEVERITIES: Mapping[str, Severity] = {
    "confirmed": "info",
    "healed": "info",
    "unused": "info",
    "refused": "high",
    "not_checked": "high",
    "invalid_record": "high",
    "open_rule": "high",
    "monitor_blind": "high",
    "active_card_of_leaver": "high",
}
# What a person is woken for where it is of high severity: a stranger or a leaver may get in, or
# nobody knows. A rule of a provider that is no more is orphaned, and high while it lets people in.
WAKING = frozenset(
    {
        "account_moved", "active_card_of_leaver", "monitor_blind", "not_checked", "open_rule",
        "orphaned", "session_left",
    }
)  # fmt: skip
# What keeps somebody from working today.
KEEPS_FROM_WORK = frozenset(
    {
        "account_moved", "card_missing", "card_not_collected", "card_not_replaced", "card_refused",
        "held", "invalid_record", "manually_disabled", "no_hsa_id", "not_checked",
        "owner_account_missing", "person_archived", "refused", "rules_vanished",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A finding: its name, of what system, at which provider ("" at none), about what object.

    `object` is an HSA-id or the id of an object, never a name. `since` is the first of the nights
    in a row that found it, `nights` is their number.
    """

    name: str
    severity: Severity
    system: str
    provider: str
    object: str
    message: str
    since: dt.date | None = None
    nights: int = 1

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it goes by from night to night."""
        return (self.name, self.system, self.provider, self.object)

    @property
    def wakes(self) -> bool:
        """Whether a person is woken for it."""
        return self.severity == "high" and self.name in WAKING


@dataclass(frozen=True, slots=True)
class Checked:
    """A system's night: whether it was checked, for all providers, and how much was changed.

    `silent` are the providers that its result says nothing of.
    """

    system: str
    state: State
    message: str
    changes: int
    silent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Night:
    """A night: of which day, the run's id, what was checked, and what was found.

    `phases` is each provider's phase, `invalid` are the providers whose record is not valid.
    """

    as_of: dt.date
    run: str
    phases: Mapping[str, str]
    invalid: frozenset[str]
    systems: tuple[Checked, ...]
    found: tuple[Found, ...]

    def of_severity(self, severity: Severity) -> list[Found]:
        """The findings of a severity."""
        return [found for found in self.found if found.severity == severity]

    def has_looked(self, system: str, provider: str) -> bool:
        """Whether the night would have found what there is of a system, at a provider or at none.

        Where a plan was refused, or a write failed, all was found before.
        """
        if system in ("", "records"):
            return True
        own = next((one for one in self.systems if one.system == system), None)
        if own is None or own.state == "not_checked":
            return False
        return provider not in self.invalid and provider not in own.silent


def read_night(
    as_of: dt.date,
    run: str,
    phases: Mapping[str, str],
    errors: Mapping[str, Sequence[str]],
    results: Mapping[str, Mapping[str, Any]],
    more: Iterable[Found] = (),
) -> Night:
    """The night that the systems' registered results tell of.

    `results` has {providers, findings, failed, skipped, msg} by system; `phases` is of the valid
    records, `errors` are those of the others. `more` is what is found elsewhere.
    """
    asked = {
        system: _of_everybody(system, own, {*phases, *errors})
        for system, own in results.items()
        if not own.get("skipped")
    }
    systems = tuple(_checked(system, own) for system, own in asked.items())
    found = [
        *(_invalid(provider, theirs) for provider, theirs in errors.items()),
        *(one for system, own in asked.items() for one in _of_system(system, own, errors)),
        *more,
    ]
    troubled = {one.provider for one in found}
    is_whole = bool(systems) and all(system.state != "not_checked" for system in systems)
    is_whole = is_whole and not any(one.name == "monitor_blind" for one in found)
    quiet = [p for p in phases if is_whole and p not in troubled]
    found += [Found("confirmed", "info", "", p, "", "all is as the record says") for p in quiet]
    return Night(as_of, run, phases, frozenset(errors), systems, tuple(_once(found)))


def _of_everybody(
    system: str, own: Mapping[str, Any], providers: Iterable[str]
) -> Mapping[str, Any]:
    """A system's result, in which a provider that it says nothing of has failed.

    Connections are of nobody's: their result names the providers with findings alone.
    """
    if own.get("failed") or system == "sightings":
        return own
    silent = {"failed": True, "msg": "the task's result says nothing of this provider"}
    told = own.get("providers", {})
    return {**own, "providers": {**dict.fromkeys(sorted(providers), silent), **told}}


def _checked(system: str, own: Mapping[str, Any]) -> Checked:
    providers = own.get("providers", {}).values()
    changes = sum(len(one.get("changes", ())) for one in providers)
    if own.get("failed"):
        return Checked(system, "not_checked", str(own.get("msg", "")), changes)
    is_whole = not any(one.get("failed") for one in providers)
    silent = (p for p, one in own.get("providers", {}).items() if "findings" not in one)
    return Checked(system, "checked" if is_whole else "partly", "", changes, frozenset(silent))


def _of_system(system: str, own: Mapping[str, Any], invalid: Collection[str]) -> Iterator[Found]:
    if own.get("failed"):
        message = str(own.get("msg", "")) or "its task failed"
        yield Found("not_checked", "high", system, "", "", message)
    for finding in own.get("findings", ()):
        yield _found(system, finding.get("provider", ""), finding)
    for provider, result in own.get("providers", {}).items():
        # What is wrong with a record is told once, and not by each system.
        told = {**result, "failed": False} if provider in invalid else result
        yield from _of_provider(system, provider, told)


def _of_provider(system: str, provider: str, result: Mapping[str, Any]) -> Iterator[Found]:
    if changes := len(result.get("changes", ())):
        yield Found("healed", "info", system, provider, "", f"{changes} changes were made")
    for name in _failures(result):
        yield Found(name, "high", system, provider, "", str(result.get("msg", "")))
    for finding in result.get("findings", ()):
        yield _found(system, provider, finding)


def _failures(result: Mapping[str, Any]) -> Iterator[str]:
    """What kinds of failure a result tells of: a plan that was refused, and a write that failed.

    Where both are, what failed was a removal.
    """
    is_refused = bool(result.get("refused") or result.get("withheld"))
    if is_refused and result.get("failed"):
        yield "refused"
    if result.get("undone") or (result.get("failed") and not is_refused):
        yield "not_checked"


def _found(system: str, provider: str, finding: Mapping[str, str]) -> Found:
    name = _NAMES.get(finding["code"], finding["code"])
    own: Severity = "high" if finding.get("severity") == "high" else "normal"
    severity = SEVERITIES.get(name, own)
    return Found(name, severity, system, provider, finding["object"], finding["message"])


def _invalid(provider: str, errors: Sequence[str]) -> Found:
    message = f"{len(errors)} errors, the first: {errors[0]}" if errors else ""
    return Found("invalid_record", "high", "records", provider, "", message)


def _once(found: Iterable[Found]) -> Iterable[Found]:
    """One finding for each key, as grave as any: messages about one object stand together."""
    together: dict[tuple[str, str, str, str], Found] = {}
    for one in found:
        earlier = together.get(one.key)
        if earlier is None:
            together[one.key] = one
        elif one.message not in earlier.message:
            message = f"{earlier.message}; {one.message}"
            graver = max(earlier, one, key=lambda found: found.severity == "high")
            together[one.key] = replace(graver, message=message)
    return together.values()
