# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module licences: bring client access licences in line with the records."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..desired.licences.assignments import desire
from ..desired.licences.evidence import Evidence, read
from ..desired.licences.pools import shortage
from ..desired.licences.rules import Rules
from ..engine.plan import Entry
from ..engine.provision import Desired
from ..ledger.ledger import Ledger
from ..ledger.licence_book import LicenceBook
from ..ledger.sightings import last_seen
from ..orders.trays import MOST
from ..records.payload import Approved
from ..records.words import NAMED
from .identities import IDENTITY_ARGUMENTS, identities
from .ledger import failing
from .system import SYSTEM_ARGUMENTS, bring_in_line

# The options of the doc fragment `licences`.
LICENCE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "licence_pools": {"type": "dict", "default": {}},
    "rds_per": {"type": "str", "choices": ["device", "user"], "default": "device"},
}

ARGUMENTS = {
    **SYSTEM_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **LICENCE_ARGUMENTS,
    "evidence_path": {"type": "path"},
}


def run(module: AnsibleModule) -> None:
    """Carry out the pipe for licences and leave the module."""
    params = module.params
    with failing(module):
        rules = rules_of(params)

    def wish(approved: Approved, as_of: dt.date, held: Sequence[Entry], ledger: Ledger) -> Desired:
        users = _users(module, approved, as_of, ledger) if rules.of_users else None
        seen = last_seen(ledger).last
        names = frozenset(name.casefold() for name in seen)
        return desire(approved, as_of, rules, held, users, _evidence(module, as_of), names)

    bring_in_line(module, "licences", LicenceBook, wish)


def rules_of(params: Mapping[str, Any]) -> Rules:
    """The rules that the options of the doc fragment `licences` give. Raises ValueError."""
    return Rules(params["licence_pools"], params["rds_per"])


def lacking(approved: Approved, as_of: dt.date, rules: Rules, ledger: Ledger) -> Mapping[str, str]:
    """The providers whose registered workstations lack licences, with what is missing."""
    return shortage(approved, as_of, rules, LicenceBook(ledger).read())


def _users(
    module: AnsibleModule, approved: Approved, as_of: dt.date, ledger: Ledger
) -> dict[str, str] | None:
    """By HSA-id those who may log in, with the first of their providers; None where HSA is away."""
    known = identities(module, approved, as_of, ledger)
    if known.unread:
        return None
    found = {}
    for one in known.people:
        theirs = [e.provider for e in one.person.current if e.state in ("active", "suspended")]
        if theirs and one.hsa_id:
            found[one.hsa_id] = min(theirs)
    return found


def _evidence(module: AnsibleModule, as_of: dt.date) -> Evidence | None:
    """What the licence server has issued; each line that cannot be used is a warning too."""
    path = module.params["evidence_path"]
    if not path:
        return None
    try:
        evidence = read(_content(path), as_of)
    except OSError as error:
        evidence = _unread(error.strerror or type(error).__name__)
    except ValueError as error:
        evidence = _unread(str(error))
    for fault in evidence.faults[:NAMED]:
        module.warn(f"{path}: {fault}")
    return evidence


def _content(path: str) -> bytes:
    """What a file holds. Raises OSError, and ValueError where it is none, or too large."""
    # Without O_NONBLOCK a named pipe would be waited for.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("expected a file, and no pipe or device")
        content = file.read(MOST + 1)
    if len(content) > MOST:
        raise ValueError(f"expected at most {MOST // 2**20} MiB")
    return content


def _unread(reason: str) -> Evidence:
    """A file that says nothing about anybody."""
    return Evidence(frozenset(), frozenset(), faults=(reason,), is_complete=False)
