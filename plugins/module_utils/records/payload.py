# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module receives from the controller in memory: all approved records, and passwords."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from .approval import Approval, Manifest
from .holds import NO_DECISIONS, Decisions
from .memory import NO_MEMORY, Memory
from .model import Record, from_json

# The options that travel in memory, of whichever module has them: passwords, and what somebody may
# have typed a personal number into.
CONFIDENTIAL = (
    "ledger_url", "password", "bind_password", "hsa_bind_password", "object", "person", "reason",
    "started_by",
)  # fmt: skip


class PayloadError(Exception):
    """A file that should hold it is missing or is not what the controller writes."""


@dataclass(frozen=True)
class Approved:
    """Every record there is: `records` sorted by id, and the ids of those that are invalid.

    `decisions` are the holds and grants beside them, `memory` is what earlier runs put in effect in
    the system that this is for: the ledger keeps both. `approvals` are those of the records' parts
    by provider; one that is missing needs none.
    """

    records: tuple[Record, ...]
    invalid: frozenset[str]
    decisions: Decisions = NO_DECISIONS
    memory: Memory = NO_MEMORY
    approvals: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)

    @property
    def providers(self) -> frozenset[str]:
        """The ids of all providers that there is a record of, valid or not."""
        return self.invalid.union(record.id for record in self.records)


def read(path: str) -> Approved:
    """The records in the controller's memory file. Raises PayloadError.

    Its first line has the invalid ids and the approvals, each other one a record: read one by one,
    a nation's take a third of the memory. From then on the process leaves no core dump, which would
    hold them.
    """
    try:
        with _opened(path) as file:
            others = json.loads(next(file, ""))
            records = tuple(from_json(Record, json.loads(line)) for line in file)
        approvals = {p: tuple(map(_approval, them)) for p, them in others["approvals"].items()}
        return Approved(records, frozenset(others["invalid"]), approvals=approvals)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unread("the approved records", error) from error


def head(
    invalid: Iterable[str] = (), approvals: Mapping[str, Iterable[Approval]] | None = None
) -> bytes:
    """The line that stands before the records in what read() takes."""
    told = {provider: [asdict(one) for one in them] for provider, them in (approvals or {}).items()}
    return json.dumps({"invalid": sorted(invalid), "approvals": told}).encode() + b"\n"


def _approval(data: dict[str, Any]) -> Approval:
    return Approval(**{**data, "manifest": Manifest(**data["manifest"])})


def confidential(path: str) -> dict[str, str]:
    """The options in the controller's memory file, by name. Raises PayloadError.

    From then on the process leaves no core dump, which would hold them.
    """
    try:
        with _opened(path) as file:
            return {name: str(value) for name, value in json.load(file).items()}
    except (OSError, ValueError, AttributeError) as error:
        raise _unread("the options in memory", error) from error


def _opened(path: str) -> TextIO:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return open(path, encoding="utf-8")


def _unread(what: str, error: Exception) -> PayloadError:
    return PayloadError(
        f"{what} could not be read ({type(error).__name__}); "
        "run this module as a task, with the inventory plugin regionjh.halsoval.providers"
    )
