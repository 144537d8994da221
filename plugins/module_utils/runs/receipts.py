# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module receipts: take in the answer files of the inbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..engine.matching import distinguished_name
from ..ledger.ledger import Ledger
from ..orders.issued import authorities
from ..orders.receipts import Rejected, Report, Terms, apply
from .ledger import LEDGER_ARGUMENTS, with_ledger

# How many lines of a file, and of how many files, a result names; it counts the others.
_NAMED_LINES = _NAMED_FILES = 20

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "inbox": {"type": "path", "required": True},
    "card_issuers": {"type": "list", "elements": "str", "default": []},
    "card_ca_path": {"type": "path"},
    "expected": {"type": "list", "elements": "str", "default": []},
}


def run(module: AnsibleModule) -> None:
    """Do what the options ask for and leave the module."""
    if not module.params["card_issuers"] and not module.params["card_ca_path"]:
        module.warn(
            "neither card_issuers (halsoval_card_issuers) nor card_ca_path (halsoval_card_ca_path) "
            "is set: a card may have a certificate of any issuer"
        )
    with_ledger(module, lambda ledger, as_of: take_in(module.params, ledger, as_of))


def take_in(params: dict[str, Any], ledger: Ledger, _as_of: date) -> dict[str, Any]:
    """Apply the answer files of the inbox. Raises FileError, LedgerError, Locked, ValueError."""
    path = params["card_ca_path"]
    terms = Terms(
        expected=frozenset(params["expected"]),
        issuers=tuple(map(_issuer, params["card_issuers"])),
        vouching=authorities(Path(path)) if path else None,
    )
    return _shown(apply(ledger, Path(params["inbox"]), terms))


def _issuer(text: str) -> str:
    try:
        distinguished_name(text)
    except ValueError:
        raise ValueError("expected card_issuers as distinguished names, as of RFC 4514") from None
    return text


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
            {"file": r.file, "line": r.line, "reason": r.reason} for r in _named(report.rejected)
        ],
        "rejected_count": len(report.rejected),
        "reasons": list(report.reasons[:_NAMED_FILES]),
    }  # fmt: skip


def _named(rejected: Sequence[Rejected]) -> Iterator[Rejected]:
    """The first lines of the first files: who reads a result of thousands finds none of them."""
    files = groupby(rejected, key=attrgetter("file"))
    for _file, lines in islice(files, _NAMED_FILES):
        yield from islice(lines, _NAMED_LINES)
