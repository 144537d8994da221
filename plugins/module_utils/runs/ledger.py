# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does that uses the ledger: options in, its work, results or errors out."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import re
import socket
import stat
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger, LedgerError, Run
from ..ledger.locks import Locked
from ..ledger.memory import leap
from ..orders.files import FileError, check_folder
from ..records.garbage import no_garbage_collection
from ..records.identifiers import mask, shown
from ..records.payload import CONFIDENTIAL, PayloadError, confidential
from ..systems.directory import DirectoryError
from ..systems.https import HttpError

# The options of the doc fragment `ledger`.
LEDGER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "as_of": {"type": "str", "required": True},
    "ledger_url": {"type": "str", "no_log": True},
    "state_directory": {"type": "path", "default": "~/.ansible/halsoval"},
    "started_by": {"type": "str"},
    "run": {"type": "str", "required": True},
    "by_clock": {"type": "bool", "default": False},
    "confidential": {"type": "path"},
}

# Errors whose texts say what to do.
_TOLD = (DirectoryError, FileError, HttpError, LedgerError, Locked, PayloadError, ValueError)

_CLAIM = "[A-Za-z0-9_.@-]{1,64}"

Work = Callable[[Ledger, dt.date], dict[str, Any]]


@no_garbage_collection()
def with_ledger(module: AnsibleModule, work: Work) -> None:
    """Open the ledger that the options of the doc fragment `ledger` describe, work, and leave.

    A result that says `failed` has a `msg`.
    """
    with failing(module):
        as_of = day(module.params["as_of"], "as_of (halsoval_as_of)")
        with _ledger(module, as_of) as ledger:
            _look_at_the_day(ledger, module.params["by_clock"])
            for doubt in ledger.doubts_of_decisions():
                module.warn(shown(f"the ledger: {doubt}; it does not count"))
            result = work(ledger, as_of)
            if not ledger.check:
                _leave(module, ledger)
    result["invocation"] = _invocation(module)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _reveal(module: AnsibleModule) -> None:
    """Give the options their values that came in memory. Raises PayloadError."""
    path = module.params.get("confidential")
    if not path:
        return
    for name, value in confidential(path).items():
        module.params[name] = value
        if value and module.argument_spec[name].get("no_log"):
            module.no_log_values.add(value)


@contextmanager
def failing(module: AnsibleModule) -> Iterator[None]:
    """Leave the module as failed where the block raises an error.

    In it the options have their values, also those that came in memory.
    """
    try:
        _reveal(module)
        yield
    except _TOLD as error:
        module.fail_json(msg=shown(str(error)), invocation=_invocation(module))
    # An unforeseen error's own text and traceback may quote a personal number.
    except Exception as error:
        module.fail_json(
            msg=shown(f"unexpected {type(error).__name__}: {error}"),
            exception="\n".join(map(shown, traceback.format_exc().split("\n"))),
            invocation=_invocation(module),
        )


def is_code(text: str, pattern: str) -> bool:
    """Whether a text that people give is a code of this pattern, and no personal number."""
    return re.fullmatch(pattern, text) is not None and mask(text) == text


def _invocation(module: AnsibleModule) -> dict[str, Any]:
    """The options as -vvv shows them."""
    hidden = {name for name in CONFIDENTIAL if module.params.get(name)}
    return {"module_args": {**module.params, **dict.fromkeys(hidden, "not shown")}}


def day(text: str, name: str) -> dt.date:
    """A day that an option gives. Raises ValueError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected {name} as a day, YYYY-MM-DD") from None


def _leave(module: AnsibleModule, ledger: Ledger) -> None:
    """Note where the audit log ends. By now all is done, and must be told whatever happens.

    Also to syslog, from where it may go to another machine.
    """
    try:
        head = ledger.leave()
        module.log(f"{ledger.name}: the audit log ends with row {head['seq']}, hash {head['hash']}")
    except LedgerError as error:
        module.warn(shown(f"done, but an older copy of the ledger may not be known later: {error}"))


def _look_at_the_day(ledger: Ledger, by_clock: bool) -> None:
    """Raise LedgerError where the clock alone says a day that surprises."""
    surprise = leap(ledger)
    if by_clock and surprise:
        raise LedgerError(
            f"{surprise}; nothing was done. If the clock is right, run again with "
            f"-e halsoval_as_of={ledger.run.as_of}"
        )


def _ledger(module: AnsibleModule, as_of: dt.date) -> Ledger:
    params = module.params
    directory = Path(params["state_directory"])
    with suppress(FileNotFoundError):
        # Who can write there can have every run read another ledger.
        check_folder(directory, (os.geteuid(),), stat.S_IWGRP | stat.S_IWOTH)
    run = Run(params["run"], _by(params["started_by"]), as_of)
    return Ledger(params["ledger_url"], directory, run, check=module.check_mode)


def _by(claimed: str | None) -> str:
    """The process's user on this machine, and in brackets who that claims to be."""
    if claimed and not is_code(claimed, _CLAIM):
        raise ValueError(
            "expected started_by (halsoval_started_by) as a code of at most 64 letters, digits, _,"
            " ., @ and -, without a personal number"
        )
    try:
        # By its number: the names in the environment are whatever its user says.
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    by = mask(f"{name}@{socket.gethostname()}")
    return f"{by} ({claimed})" if claimed else by
