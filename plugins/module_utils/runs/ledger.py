# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does that uses the ledger: options in, its work, results or errors out."""

from __future__ import annotations

import datetime as dt
import getpass
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger, LedgerError, Run
from ..ledger.locks import Locked
from ..ledger.memory import leap
from ..orders.files import FileError
from ..records.identifiers import shown
from ..records.payload import PayloadError
from ..systems.directory import DirectoryError
from ..systems.http import HttpError

# The options of the doc fragment `ledger`.
LEDGER_ARGUMENTS: dict[str, dict[str, Any]] = {
    "as_of": {"type": "str", "required": True},
    "ledger_url": {"type": "str", "no_log": True},
    "state_directory": {"type": "path", "default": "~/.ansible/halsoval"},
    "started_by": {"type": "str"},
    "run": {"type": "str", "required": True},
    "by_clock": {"type": "bool", "default": False},
}

# Errors whose texts say what to do.
_TOLD = (DirectoryError, FileError, HttpError, LedgerError, Locked, PayloadError, ValueError)

Work = Callable[[Ledger, dt.date], dict[str, Any]]


def with_ledger(module: AnsibleModule, work: Work) -> None:
    """Open the ledger that the options of the doc fragment `ledger` describe, work, and leave.

    A result that says `failed` has a `msg`.
    """
    with failing(module):
        as_of = day(module.params["as_of"], "as_of (halsoval_as_of)")
        with _ledger(module, as_of) as ledger:
            _look_at_the_day(ledger, module.params["by_clock"])
            result = work(ledger, as_of)
            if not ledger.check:
                _leave(module, ledger)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


@contextmanager
def failing(module: AnsibleModule) -> Iterator[None]:
    """Leave the module as failed where the block raises an error."""
    try:
        yield
    except _TOLD as error:
        module.fail_json(msg=shown(str(error)))
    # An unforeseen error's own text and traceback may quote a personal number.
    except Exception as error:
        module.fail_json(
            msg=shown(f"unexpected {type(error).__name__}: {error}"),
            exception="\n".join(map(shown, traceback.format_exc().split("\n"))),
        )


def day(text: str, name: str) -> dt.date:
    """A day that an option gives. Raises ValueError."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected {name} as a day, YYYY-MM-DD") from None


def _leave(module: AnsibleModule, ledger: Ledger) -> None:
    """Note where the audit log ends. By now all is done, and must be told whatever happens."""
    try:
        ledger.leave()
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
    by = params["started_by"] or f"{getpass.getuser()}@{socket.gethostname()}"
    return Ledger(
        params["ledger_url"],
        Path(params["state_directory"]),
        Run(params["run"], by, as_of),
        check=module.check_mode,
    )
