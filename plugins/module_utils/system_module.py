# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every system's module does: options in, the pipe, results out."""

from __future__ import annotations

import datetime as dt
import hashlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .engine.plan import Attribute, Entry
from .engine.provision import Desired, Finding, Locked, Request, System, provision
from .records import payload
from .records.identifiers import mask
from .systems.directory import Directory, DirectoryError, Search, Settings

# The options of the doc fragment `system`.
SYSTEM_ARGUMENTS: dict[str, dict[str, Any]] = {
    "providers": {"type": "list", "elements": "str", "required": True},
    "as_of": {"type": "str", "required": True},
    "expected_plan": {"type": "list", "elements": "str", "default": []},
    "state_directory": {"type": "path", "default": "~/.ansible/halsoval"},
    "records": {"type": "path", "required": True},
}

# The options of the doc fragment `ldap`.
LDAP_ARGUMENTS: dict[str, dict[str, Any]] = {
    "server_uri": {"type": "str", "required": True},
    "bind_dn": {"type": "str", "required": True},
    "bind_password": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
}

Desire = Callable[[payload.Approved, dt.date, Sequence[Entry]], Desired]


def directory(
    params: dict[str, Any],
    searches: Iterable[tuple[Any, ...]],
    attributes: Iterable[Attribute],
    active_directory: bool = False,
) -> Directory:
    """The directory that the options of the doc fragment `ldap` describe.

    `searches` are (base, filter, attribute names), and "BASE" where the base alone is meant.
    """
    names = ("server_uri", "bind_dn", "bind_password", "ca_path", "timeout")
    return Directory(
        Settings(*(params[name] for name in names)),
        [Search(*search) for search in searches],
        {attribute.name: attribute for attribute in attributes},
        active_directory,
    )


def run(
    module: AnsibleModule,
    title: str,
    connect: Callable[[dict[str, Any]], System],
    desire: Desire,
) -> None:
    """Carry out the pipe for a system and leave the module.

    The module fails as a whole only when nothing could be done for anybody.
    """
    try:
        result = _run(module, title, connect, desire)
    except (DirectoryError, Locked, payload.PayloadError, ValueError) as error:
        module.fail_json(msg=mask(str(error)))
    # An unforeseen error's own text and traceback may quote a personal number.
    except Exception as error:
        module.fail_json(
            msg=mask(f"unexpected {type(error).__name__}: {error}"),
            exception=mask(traceback.format_exc()),
        )
    module.exit_json(**result)


def _run(
    module: AnsibleModule,
    title: str,
    connect: Callable[[dict[str, Any]], System],
    desire: Desire,
) -> dict[str, Any]:
    params = module.params
    approved = payload.read(params["records"])
    as_of = _date(params["as_of"])
    known = frozenset(record.id for record in approved.records)
    strays: list[Finding] = []

    def wish(held: Sequence[Entry]) -> Desired:
        desired = desire(approved, as_of, held)
        strays.extend(f for f in desired.findings if f.provider not in known | approved.invalid)
        return desired

    request = Request(
        providers=tuple(params["providers"]),
        known=known,
        invalid=approved.invalid,
        expected=frozenset(params["expected_plan"]),
        secret=hashlib.sha256(params["bind_password"].encode()).digest(),
        check=module.check_mode,
        diff=module._diff,
        lock_directory=Path(params["state_directory"]),
        title=title,
    )
    results = provision(connect(params), wish, request)
    return {
        "changed": False,
        "providers": results,
        "findings": [{"provider": finding.provider, **finding.shown()} for finding in strays],
    }


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected as_of (halsoval_as_of) as a day, YYYY-MM-DD") from None
