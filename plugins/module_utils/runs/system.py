# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of a system does: read the records, and carry the pipe out with the ledger."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ..engine.plan import Entry
from ..engine.provision import Desired, Finding, Request, Somebody, System, provision
from ..ledger.ledger import Ledger
from ..ledger.memory import make_key, note_day, plan_secret, recall
from ..records import payload
from ..records.holds import Decisions
from ..records.identifiers import parse_hsa_id, shown
from ..records.registers import shielded
from .contested import Undisputed, undisputed
from .ledger import LEDGER_ARGUMENTS, with_ledger

# The options of the doc fragment `system`.
SYSTEM_ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "providers": {"type": "list", "elements": "str", "required": True},
    "expected_plan": {"type": "list", "elements": "str", "default": []},
    "records": {"type": "path", "required": True},
}

# The same of a system that is about people.
PERSON_ARGUMENTS: dict[str, dict[str, Any]] = {"person": {"type": "str", "default": ""}}

S = TypeVar("S", bound=System)
Desire = Callable[[payload.Approved, dt.date, Sequence[Entry], Ledger], Desired]


def bring_in_line(
    module: AnsibleModule,
    title: str,
    connect: Callable[[Ledger], S],
    desire: Desire,
    late: Callable[[S], Mapping[str, str]] | None = None,
    also: Callable[[S], Mapping[str, Any]] | None = None,
) -> None:
    """Carry out the pipe for a system and leave the module.

    `late` are errors by provider that the system knows of once it has written, `also` is what else
    the result tells. The module fails as a whole only when nothing could be done for anybody.
    """

    def work(ledger: Ledger, as_of: dt.date) -> dict[str, Any]:
        make_key(ledger)
        if not ledger.check:
            note_day(ledger)
        records = undisputed(payload.read(module.params["records"]), ledger)
        approved = records.approved
        strays: list[Finding] = []

        def wish(held: Sequence[Entry]) -> Desired:
            # Read here, under the lock: somebody may be held while the run waits for it.
            memory = recall(ledger, title)
            decisions = ledger.decisions()
            decided = replace(
                approved,
                records=shielded(approved.records, memory),
                decisions=decisions,
                memory=memory,
            )
            desired = desire(decided, as_of, held, ledger)
            strays.extend([*_strays(desired, approved), *_grants(decisions, as_of)])
            return replace(desired, findings=(*desired.findings, *records.findings))

        system = connect(ledger)
        request = _request(module, title, plan_secret(ledger), records)
        request = replace(request, person=_person(module.params, approved, ledger, title))
        results = provision(system, wish, request, ledger)
        told = _result(results, late(system) if late else {}, strays)
        return {**told, **(also(system) if also else {})}

    with_ledger(module, work)


def _strays(desired: Desired, approved: payload.Approved) -> Iterable[Finding]:
    """The findings about providers without any record."""
    known = approved.providers
    return (finding for finding in desired.findings if finding.provider not in known)


def _grants(decisions: Decisions, as_of: dt.date) -> Iterable[Finding]:
    """The grants in force, and those that wait for a second person, whoever they are for."""
    for hold in decisions.holds:
        said = f"until {hold.until}: {hold.reason}, by {hold.by}"
        if hold.kind != "grant" or not hold.lasts(as_of):
            continue
        if hold.waits:
            message = f"a grant waits until a second person confirms it, {said}"
            yield Finding("", "grant_unconfirmed", hold.object, message)
        elif hold.is_in_force(as_of):
            second = f", confirmed by {hold.confirmed_by}" if hold.confirmed_by else ""
            message = f"a grant is in force {said}{second}"
            yield Finding("", "grant_in_force", hold.object, message)


def _result(
    results: Mapping[str, dict[str, Any]], late: Mapping[str, str], strays: Iterable[Finding]
) -> dict[str, Any]:
    return {
        "changed": False,
        "providers": {p: _with(own, late.get(p)) for p, own in results.items()},
        "findings": [
            {"provider": shown(finding.provider), **finding.shown()} for finding in strays
        ],
    }


def _request(module: AnsibleModule, title: str, secret: bytes, records: Undisputed) -> Request:
    params, approved = module.params, records.approved
    return Request(
        providers=tuple(params["providers"]),
        known=frozenset(record.id for record in approved.records),
        invalid=approved.invalid,
        faults=records.refused,
        expected=frozenset(filter(None, params["expected_plan"])),
        secret=secret,
        check=module.check_mode,
        diff=module._diff,
        title=title,
        sizes={"providers": len(approved.records) + len(approved.invalid)},
        refused=params.get("refused", {}),
    )


def _person(
    params: Mapping[str, Any], approved: payload.Approved, ledger: Ledger, title: str
) -> Somebody | None:
    """The one person that the option `person` names, by HSA-id or by row. Raises ValueError."""
    if not (text := params.get("person")):
        return None
    digest = recall(ledger, title).digest
    employers: dict[str, set[str]] = defaultdict(set)
    named: set[str] = set()
    provider, slash, ref = text.partition("/")
    for record in approved.records:
        for row in record.staff.people:
            hashes = set(map(digest, row.numbers))
            for one in hashes:
                employers[one].add(record.id)
            if slash and (record.id, row.ref) == (provider, ref):
                named |= hashes
    # The text is not repeated: somebody may have typed a personal number.
    if slash and not named:
        raise ValueError("expected as person an HSA-id, or <provider>/<ref> of a row in its record")
    hsa_id = "" if slash else parse_hsa_id(text)
    return Somebody(hsa_id, frozenset(named), {h: frozenset(p) for h, p in employers.items()})


def _with(result: dict[str, Any], error: str | None) -> dict[str, Any]:
    """A provider's result with an error that came after the writes."""
    if error is None:
        return result
    errors, msg = [*result["errors"], shown(error)], [result["msg"]] * bool(result["msg"])
    told = {"errors": errors, "msg": "\n".join([*msg, errors[-1]])}
    return {**result, "failed": True, "undone": True, **told}
