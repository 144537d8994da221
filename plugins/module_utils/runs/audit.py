# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module audit: verify, thin and export the audit log."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.age import lost_heads
from ..ledger.audit import Head
from ..ledger.ledger import Ledger, rows, verify
from ..ledger.thinning import parse_retention, thin
from ..orders.cells import harmless
from ..orders.files import write_once
from .ledger import LEDGER_ARGUMENTS, day, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "first_day": {"type": "str"},
    "last_day": {"type": "str"},
    "dest": {"type": "path"},
    "retention": {"type": "dict", "default": {}},
    "known_heads": {"type": "list", "elements": "str", "default": []},
    "expected": {"type": "str"},
}

# So many faults are named: one row that is missing makes a fault of each that follows.
_NAMED = 50


def run(module: AnsibleModule) -> None:
    """Do what the options ask for and leave the module."""
    with_ledger(module, lambda ledger, as_of: audit(module.params, ledger, as_of))


def audit(params: dict[str, Any], ledger: Ledger, as_of: date) -> dict[str, Any]:
    """Verify the ledger, thin what is older than the retention, and export a period.

    Neither thins nor exports where there are faults. Raises ValueError with what was expected,
    FileError and LedgerError.
    """
    retention = parse_retention(params["retention"])
    known = [_head(text) for text in params["known_heads"]]
    faults = [f"row {fault.seq}: {fault.message}" for fault in verify(ledger)]
    faults += lost_heads(ledger, known)
    if params["expected"] and not ledger.check:
        ledger.accept(params["expected"])
    doubts = ledger.all_doubts()
    faults += map(str, doubts)
    thinned = 0 if faults else thin(ledger, as_of, retention)
    result: dict[str, Any] = {
        "changed": bool(thinned),
        "thinned": thinned,
        "faults": faults[:_NAMED],
        "fault_count": len(faults),
        "head": ledger.head(),
    }
    if faults:
        named = "; ".join(result["faults"])
        msg = f"the ledger is not as its runs left it: {named}; nothing was thinned or exported"
        return result | {"failed": True, "msg": msg + _how_to_accept(ledger.name_of(doubts))}
    if params["dest"]:
        result |= _export(params, ledger, as_of)
    return result


def _head(text: str) -> Head:
    """A head that somebody kept elsewhere. Raises ValueError."""
    found = re.fullmatch("([0-9]{1,18}):([0-9a-f]{64})", text)
    if not found:
        raise ValueError("expected known_heads as <number of the row>:<its hash>")
    return Head(int(found[1]), found[2])


def _how_to_accept(name: str) -> str:
    if not name:
        return ""
    return (
        ". If you have looked at what is named beside rows, and vouch for it as it is, run again "
        f"with -e audit_expected={name}"
    )


def _export(params: dict[str, Any], ledger: Ledger, as_of: date) -> dict[str, Any]:
    """The rows of a period as CSV, written once: an export is evidence."""
    first = day(params["first_day"], "first_day") if params["first_day"] else as_of
    last = day(params["last_day"], "last_day") if params["last_day"] else as_of
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ledger.audit.c.keys())
    exported = list(rows(ledger, first, last))
    writer.writerows([harmless(c) if isinstance(c, str) else c for c in row] for row in exported)
    if not ledger.check:
        write_once(Path(params["dest"]), text.getvalue().encode())
    return {"rows": len(exported), "dest": params["dest"]}
