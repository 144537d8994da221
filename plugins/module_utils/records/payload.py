# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All approved records as a module receives them from the controller."""

from __future__ import annotations

import json
import resource
from dataclasses import dataclass

from .holds import NO_DECISIONS, Decisions
from .memory import NO_MEMORY, Memory
from .model import Record, from_json


class PayloadError(Exception):
    """The file that should hold the records is missing or is not what the controller writes."""


@dataclass(frozen=True)
class Approved:
    """Every record there is: `records` sorted by id, and the ids of those that are invalid.

    `decisions` are the holds and grants beside them, `memory` is what earlier runs put in effect in
    the system that this is for: the ledger keeps both.
    """

    records: tuple[Record, ...]
    invalid: frozenset[str]
    decisions: Decisions = NO_DECISIONS
    memory: Memory = NO_MEMORY


def read(path: str) -> Approved:
    """The records in the controller's memory file. Raises PayloadError.

    From then on the process leaves no core dump, which would hold them.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        records = tuple(from_json(Record, record) for record in data["records"])
        return Approved(records, frozenset(data["invalid"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PayloadError(
            f"the approved records could not be read ({type(error).__name__}); "
            "run this module as a task, with the inventory plugin regionjh.halsoval.providers"
        ) from error
