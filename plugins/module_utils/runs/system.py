# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does: options in, its work with the ledger, results out."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import socket
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ..engine.plan import Attribute, Entry
from ..engine.provision import Desired, Finding, Request, System, provision
from ..ledger.ledger import Ledger, LedgerError, Run
from ..ledger.locks import Locked
from ..orders.files import FileError
from ..records import payload
from ..records.identifiers import mask
from ..systems.directory import Directory, DirectoryError, Search, Settings

# The options of the doc fragment `ledger`.
LEDGER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "as_of": {"type": "str", "required": True},
    "ledger_url": {"type": "str", "no_log": True},
    "state_directory": {"type": "path", "default": "~/.ansible/halsoval"},
    "started_by": {"type": "str"},
    "run": {"type": "str", "required": True},
}

# The options of the doc fragment `system`.
SYSTEM_ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    "providers": {"type": "list", "elements": "str", "required": True},
    "expected_plan": {"type": "list", "elements": "str", "default": []},
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

S = TypeVar("S", bound=System)
Desire = Callable[[payload.Approved, dt.date, Sequence[Entry], Ledger], Desired]


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
    secret: str,
    connect: Callable[[Ledger], S],
    desire: Desire,
    late: Callable[[S], Mapping[str, str]] | None = None,
) -> None:
    """Carry out the pipe for a system and leave the module.

    `secret` is a password that keys the plan hashes; `late` are errors by provider that the system
    knows of once it has written. The module fails as a whole only when nothing could be done for
    anybody.
    """

    def work(ledger: Ledger, as_of: dt.date) -> dict[str, Any]:
        approved = payload.read(module.params["records"])
        strays: list[Finding] = []

        def wish(held: Sequence[Entry]) -> Desired:
            # Read here, under the lock: somebody may be held while the run waits for it.
            decided = replace(approved, decisions=ledger.decisions())
            desired = desire(decided, as_of, held, ledger)
            known = approved.invalid.union(record.id for record in approved.records)
            strays.extend(f for f in desired.findings if f.provider not in known)
            return desired

        system = connect(ledger)
        results = provision(system, wish, _request(module, title, secret, approved), ledger)
        errors = late(system) if late else {}
        return {
            "changed": False,
            "providers": {p: _with(own, errors.get(p)) for p, own in results.items()},
            "findings": [{"provider": finding.provider, **finding.shown()} for finding in strays],
        }

    with_ledger(module, work)


def with_ledger(module: AnsibleModule, work: Callable[[Ledger, dt.date], dict[str, Any]]) -> None:
    """Open the ledger that the options of the doc fragment `ledger` describe, work, and leave.

    A result that says `failed` has a `msg`.
    """
    try:
        as_of = day(module.params["as_of"], "as_of (halsoval_as_of)")
        with _ledger(module, as_of) as ledger:
            result = work(ledger, as_of)
    except (
        DirectoryError, FileError, LedgerError, Locked, payload.PayloadError, ValueError
    ) as error:  # fmt: skip
        module.fail_json(msg=mask(str(error)))
    # An unforeseen error's own text and traceback may quote a personal number.
    except Exception as error:
        module.fail_json(
            msg=mask(f"unexpected {type(error).__name__}: {error}"),
            exception=mask(traceback.format_exc()),
        )
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def day(text: str, name: str) -> dt.date:
    """A day that an option gives. Raises ValueError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected {name} as a day, YYYY-MM-DD") from None


def _ledger(module: AnsibleModule, as_of: dt.date) -> Ledger:
    params = module.params
    by = params["started_by"] or f"{getpass.getuser()}@{socket.gethostname()}"
    return Ledger(
        params["ledger_url"],
        Path(params["state_directory"]),
        Run(params["run"], by, as_of),
        check=module.check_mode,
    )


def _request(module: AnsibleModule, title: str, secret: str, approved: payload.Approved) -> Request:
    params = module.params
    return Request(
        providers=tuple(params["providers"]),
        known=frozenset(record.id for record in approved.records),
        invalid=approved.invalid,
        expected=frozenset(params["expected_plan"]),
        secret=hashlib.sha256(secret.encode()).digest(),
        check=module.check_mode,
        diff=module._diff,
        title=title,
    )


def _with(result: dict[str, Any], error: str | None) -> dict[str, Any]:
    """A provider's result with an error that came after the writes."""
    if error is None:
        return result
    errors = [*result["errors"], mask(error)]
    return {**result, "failed": True, "errors": errors, "msg": "\n".join(errors)}
