# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory plugin has read, for the actions of the same run.

The inventory plugin runs in the process of ansible-playbook; each task runs in a fork of it and so
inherits this module with its contents. A module of Python is the one thing both share: Ansible
offers plugins nothing else that is neither a variable (which is templated, cached and shown) nor a
file (which outlives a kill).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head

from .approved_records import Reading
from .memory_file import memory_file

NOTHING_READ = (
    "no approved records were read: pass their inventory source, -i <path>/halsoval.yml "
    "(plugin regionjh.halsoval.providers)"
)


# The id of this run of ansible-playbook: tasks are forks of it, so all of them have the same.
RUN = uuid.uuid4().hex


class StoreError(Exception):
    """There are no records to work with; the message says why."""


class _Store:
    """The outcome of each inventory source that names records: what was read, or why not."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Reading | str] = {}


_store = _Store()


def keep(source: str, outcome: Reading | str) -> None:
    """Keeps what a source gave, or the reason why it gave nothing. A refresh replaces it."""
    _store.outcomes[source] = outcome


def reading() -> Reading:
    """The records of this run. Raises StoreError unless exactly one source was read."""
    if not _store.outcomes:
        raise StoreError(NOTHING_READ)
    if len(_store.outcomes) > 1:
        sources = ", ".join(_store.outcomes)
        raise StoreError(f"expected one inventory source with records, not several: {sources}")
    outcome = next(iter(_store.outcomes.values()))
    if isinstance(outcome, str):
        raise StoreError(outcome)
    return outcome


@contextmanager
def payload() -> Iterator[str]:
    """The path of a memory file with all valid records, for a module that runs meanwhile.

    Raises StoreError.
    """
    with memory_file("halsoval-records", _json(reading())) as path:
        yield path


def _json(read: Reading) -> Iterator[bytes]:
    """The form that records.payload reads: what is not in the records, and a line for each."""
    yield head(read.invalid_ids, read.approvals)
    for provider in read.providers.values():
        yield provider.data + b"\n"
