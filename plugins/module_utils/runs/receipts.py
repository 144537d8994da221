# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts as a module takes them in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from ..ledger.ledger import Ledger
from ..orders.receipts import Report, apply

RECEIPTS_ARGUMENTS: dict[str, dict[str, Any]] = {"inbox": {"type": "path", "required": True}}


def take_in(params: dict[str, Any], ledger: Ledger, _as_of: date) -> dict[str, Any]:
    """Apply the answer files of the inbox. Raises FileError, LedgerError and Locked."""
    return _shown(apply(ledger, Path(params["inbox"])))


def _shown(report: Report) -> dict[str, Any]:
    return {
        "changed": bool(report.applied or report.rejected or report.duplicates),
        "applied": [
            {"order": a.key, "kind": a.kind, "object": a.object, "provider": a.provider,
             "state": a.state}
            for a in report.applied
        ],
        "duplicates": report.duplicates,
        "rejected": [
            {"file": r.file, "line": r.line, "reason": r.reason} for r in report.rejected
        ],
    }  # fmt: skip
