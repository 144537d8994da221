# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module verification_sheet: each provider's gates, and the sheet about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger
from ..orders.files import replace_file
from ..records import payload
from ..records.gates import Gate, gates, in_words, section
from ..records.identifiers import shown
from ..records.lifecycle import phase
from ..records.model import Record
from ..sheets.sheet import HAS_JINJA2, as_html, as_text
from ..sheets.verification import verification_sheet
from .approvals import unapproved
from .ledger import LEDGER_ARGUMENTS, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "providers": {"type": "list", "elements": "str", "required": True},
    "dest": {"type": "path"},
    "records": {"type": "path", "required": True},
}


def run(module: AnsibleModule) -> None:
    """Make the sheets and leave the module."""
    if module.params["dest"] and not HAS_JINJA2:
        module.fail_json(msg="the Python package jinja2 is missing: pip install jinja2")

    def work(ledger: Ledger, as_of: dt.date) -> dict[str, Any]:
        approved = payload.read(module.params["records"])
        refused = unapproved(approved, ledger)
        asked = frozenset(module.params["providers"])
        results = {
            record.id: _refused(refused[record.id])
            if record.id in refused
            else _result(record, as_of, module.params["dest"], module.check_mode)
            for record in approved.records
            if record.id in asked
        }
        return {"changed": False, "providers": results}

    with_ledger(module, work)


def _refused(errors: list[str]) -> dict[str, Any]:
    return {"changed": False, "failed": True, "msg": "\n".join(map(shown, errors))}


def _result(record: Record, as_of: dt.date, dest: str | None, check: bool) -> dict[str, Any]:
    sheet = verification_sheet(record, as_of)
    file = _file(record, as_of, dest) if dest else None
    if file and not check:
        replace_file(file, as_html(sheet).encode(), 0o600)
    return {
        "changed": False,
        "failed": False,
        "phase": phase(record, as_of),
        "gates": [_gate(gate) for gate in gates(record, as_of)],
        "text": as_text(sheet),
        "file": str(file) if file else "",
    }


def _file(record: Record, as_of: dt.date, dest: str) -> Path:
    """Where the page goes, wherever the playbook lies. Raises ValueError."""
    if not Path(dest).is_absolute():
        raise ValueError("expected dest as an absolute path")
    return Path(dest) / f"verification-{record.id}-{as_of}.html"


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "gate": gate.name,
        "section": section(gate.name),
        "open": gate.is_open,
        "evidence": [shown(in_words(gate.name, each)) for each in gate.held],
        "missing": [shown(in_words(gate.name, each)) for each in gate.missing],
    }
