# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module hold: place, lift and list holds and grants."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger
from ..records.holds import Hold
from .ledger import LEDGER_ARGUMENTS, day, is_code, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "state": {
        "type": "str",
        "choices": ["placed", "lifted", "confirmed", "listed"],
        "default": "listed",
    },
    "object": {"type": "str"},
    "kind": {"type": "str", "choices": ["hold", "grant"], "default": "hold"},
    "reason": {"type": "str"},
    "since": {"type": "str"},
    "until": {"type": "str"},
    "providers": {"type": "list", "elements": "str", "default": []},
    "grant_days": {"type": "int", "default": 14},
    "grants_by_two": {"type": "bool", "default": False},
}

_REASON = "[A-Za-z0-9_.-]{1,32}"

# The options that a state needs.
REQUIRED_IF: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("state", "placed", ("object", "reason")),
    ("state", "lifted", ("object",)),
    ("state", "confirmed", ("object", "until")),
)


def run(module: AnsibleModule) -> None:
    """Do what the options ask for and leave the module."""
    with_ledger(module, lambda ledger, as_of: decide(module.params, ledger, as_of))


def decide(params: dict[str, Any], ledger: Ledger, as_of: date) -> dict[str, Any]:
    """Do what the options ask for; returns changed, and the holds that are in force or coming.

    Raises ValueError with what was expected.
    """
    changed = False
    if params["state"] == "placed":
        changed = ledger.place(_hold(params, ledger, as_of))
    elif params["state"] == "lifted":
        changed = ledger.lift(_id(params))
    elif params["state"] == "confirmed":
        changed = ledger.confirm_grant(
            _id({**params, "kind": "grant"}), day(params["until"], "until")
        )
    holds = (hold for hold in ledger.decisions().holds if hold.lasts(as_of))
    return {"changed": changed, "holds": [_shown(hold) for hold in holds]}


def _id(params: dict[str, Any]) -> str:
    return f"{params['kind']} {params['object'].casefold()}"


def _hold(params: dict[str, Any], ledger: Ledger, as_of: date) -> Hold:
    since = day(params["since"], "since") if params["since"] else _since(params, ledger, as_of)
    until = day(params["until"], "until") if params["until"] else None
    is_provider = params["object"] in params["providers"]
    # The text is not repeated: somebody may have typed a personal number.
    if not is_provider and not ledger.has_seen(params["object"]):
        raise ValueError("expected as object an HSA-id that a run has seen, or a provider's id")
    if params["kind"] == "grant" and (is_provider or until is None):
        raise ValueError("expected of a grant the HSA-id of a person, and until")
    if until is not None and until < max(since, as_of):
        raise ValueError("expected until not to lie before the first day, nor before today")
    if since > as_of and _since(params, ledger, as_of) < as_of:
        raise ValueError("expected no later first day: one is in force, which must be lifted first")
    if not is_code(params["reason"], _REASON):
        raise ValueError(
            "expected as reason a code of at most 32 letters, digits, _, . and -, not a sentence or"
            " a personal number"
        )
    if params["kind"] == "grant" and until is not None:
        _check_days(params, since, until, _since(params, ledger, as_of))
    waits = params["kind"] == "grant" and params["grants_by_two"]
    return Hold(
        id=_id(params), object=params["object"], kind=params["kind"], reason=params["reason"],
        by=ledger.run.by, since=since, until=until, confirmed_by=None if waits else "",
    )  # fmt: skip


def _check_days(params: dict[str, Any], since: date, until: date, earliest: date) -> None:
    """Raise ValueError where a grant begins before `earliest`, or lasts too long."""
    if since < earliest:
        raise ValueError("expected of a grant a first day that is today or later")
    most = params["grant_days"]
    if until > since + timedelta(days=most - 1):
        raise ValueError(
            f"expected of a grant at most {most} days from its first (halsoval_grant_days):"
            " mend the record"
        )


def _since(params: dict[str, Any], ledger: Ledger, as_of: date) -> date:
    """The first day of one that is in force, so that placing it again changes nothing."""
    same = (hold for hold in ledger.decisions().holds if hold.id == _id(params))
    return next((hold.since for hold in same if hold.is_in_force(as_of)), as_of)


def _shown(hold: Hold) -> dict[str, Any]:
    days = {"since": hold.since.isoformat(), "until": hold.until.isoformat() if hold.until else ""}
    return {
        "object": hold.object, "kind": hold.kind, "reason": hold.reason, "by": hold.by, **days,
        "waits": hold.waits, "confirmed_by": hold.confirmed_by or "",
    }  # fmt: skip
