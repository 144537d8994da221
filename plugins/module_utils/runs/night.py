# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module night: what the night's results come to, for people and for monitoring."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger
from ..ledger.nights import Key, note_night, note_told
from ..night.found import Found, Night, read_night
from ..night.metrics import as_metrics
from ..night.report import as_json, as_page, finding
from ..orders.files import replace_file
from ..orders.overdue import overdue
from ..records.identifiers import shown
from .ledger import LEDGER_ARGUMENTS, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "results": {"type": "list", "elements": "str", "required": True},
    "dest": {"type": "path"},
    "metrics_path": {"type": "path"},
    "tell": {"type": "list", "elements": "str", "default": []},
    "night": {"type": "path", "required": True},
}

# How long the command that tells people may take, in seconds.
_PATIENCE = 60


_OF_ORDERS = ("active_card_of_leaver", "order_overdue")


def run(module: AnsibleModule) -> None:
    """Read the night, write it down, tell of what is new and grave, and leave the module."""

    def work(ledger: Ledger, as_of: dt.date) -> dict[str, Any]:
        with open(module.params["night"], encoding="utf-8") as file:
            told_of = json.load(file)
        night = read_night(
            as_of, ledger.run.id, told_of["phases"], told_of["errors"], told_of["results"],
            _of_orders(ledger),
        )  # fmt: skip
        streaks = note_night(
            ledger, [one.key for one in night.found], lambda key: _has_looked(night, key)
        )
        night = replace(
            night,
            found=tuple(
                replace(one, since=streaks[one.key].since, nights=streaks[one.key].nights)
                for one in night.found
            ),
        )
        untold = [o for o in night.found if o.severity == "high" and not streaks[o.key].told]
        if not module.check_mode:
            _report(module, ledger, night, untold)
        return _result(night)

    with_ledger(module, work)


def _has_looked(night: Night, key: Key) -> bool:
    """Whether the night would have found something again; the ledger tells of orders each time."""
    name, system, provider, _object = key
    return name in _OF_ORDERS or night.has_looked(system, provider)


def _of_orders(ledger: Ledger) -> Iterator[Found]:
    for one in overdue(ledger):
        name = "active_card_of_leaver" if one.lets_in else "order_overdue"
        message = f"order {one.number} ({one.kind}) has no answer since {one.days} days"
        severity: Any = "high" if one.lets_in else "normal"
        yield Found(name, severity, one.system, one.provider, one.object, message)


def _report(module: AnsibleModule, ledger: Ledger, night: Night, untold: Iterable[Found]) -> None:
    """Write it down and tell it: a full disk keeps nobody from being told."""
    try:
        _write(module.params, night)
    finally:
        note_told(ledger, _tell(module, night, untold))


def _write(params: dict[str, Any], night: Night) -> None:
    """The report for its user alone, and the metrics for whoever reads them: they name nobody."""
    if params["dest"]:
        base, day = _absolute(params, "dest"), night.as_of.isoformat()
        text = json.dumps(as_json(night), ensure_ascii=False, indent=2) + "\n"
        replace_file(base / f"night-{day}.json", text.encode(), 0o600)
        replace_file(base / f"night-{day}.txt", as_page(night).encode(), 0o600)
    if params["metrics_path"]:
        metrics = as_metrics(night, dt.datetime.now(dt.UTC))
        replace_file(_absolute(params, "metrics_path"), metrics.encode(), 0o644)


def _absolute(params: dict[str, Any], option: str) -> Path:
    """A path that does not depend on where the playbook lies, which Ansible makes the directory."""
    path = Path(params[option])
    if not path.is_absolute():
        raise ValueError(f"expected {option} as an absolute path")
    return path


def _tell(module: AnsibleModule, night: Night, untold: Iterable[Found]) -> Iterable[Key]:
    """Hand what nobody was told of to the command; returns what it took."""
    new = list(untold)
    if not new or not module.params["tell"]:
        return []
    text = json.dumps(
        {
            "as_of": night.as_of.isoformat(),
            "wake": any(one.wakes for one in new),
            # Messages may quote a server: whoever is told looks them up in the report.
            "findings": [{**finding(one), "message": None} for one in new],
        }
    )
    why = _handed(module.params["tell"], text)
    if why:
        module.warn(shown(f"nobody was told: {module.params['tell'][0]} {why}"))
        return []
    return [one.key for one in new]


def _handed(command: list[str], text: str) -> str:
    """Hand a text to a command; why it did not take it, "" if it did."""
    try:
        done = subprocess.run(
            command, input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"could not be run: {type(error).__name__}"
    said = done.stderr.decode(errors="replace").strip()
    return f"ended with {done.returncode}: {said}" if done.returncode else ""


def _result(night: Night) -> dict[str, Any]:
    high = night.of_severity("high")
    result = {
        "changed": False,
        "findings": [finding(one) for one in night.found],
        "page": as_page(night).split("\n"),
        "counts": {s: len(night.of_severity(s)) for s in ("high", "normal", "info")},
    }
    if not high:
        return result
    names = ", ".join(sorted({one.name for one in high}))
    return {**result, "failed": True, "msg": f"{len(high)} findings of high severity: {names}"}
