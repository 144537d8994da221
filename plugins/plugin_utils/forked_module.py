# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module of this collection, run by a fork of the task's own process.

Modules work where the records are, with the Python of the controller. Left to itself, Ansible packs
a module with all that it imports, starts another Python and compiles all of that again: two seconds
of processor time for each of a night's nine modules (ansible-core 2.19). A fork has it all, and
neither a program nor an argument of it is ever on disk.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ansible.module_utils import _internal
from ansible.module_utils.common.json import Direction, get_module_decoder

# Ansible's own way to hand a module its arguments without a file.
from ansible.module_utils.testing import patch_module_args

Main = Callable[[], None]

# In what form patch_module_args and the module talk.
_DECODER = get_module_decoder("legacy", Direction.MODULE_TO_CONTROLLER)


def run_forked(
    name: str, main: Main, arguments: dict[str, Any], environment: Mapping[str, str]
) -> dict[str, Any]:
    """The result of a module, {failed: True, msg} where it ended without one.

    `arguments` are those of the task and Ansible's own, `environment` the task's.
    """
    output = os.memfd_create(f"halsoval-{name}", os.MFD_CLOEXEC)
    try:
        child = os.fork()
        if child == 0:
            _become(name, main, arguments, environment, output)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with open(output, "rb", closefd=False) as file:
            file.seek(0)
            return _result(name, file.read(), status)
    finally:
        os.close(output)


def _become(
    name: str,
    main: Main,
    arguments: dict[str, Any],
    environment: Mapping[str, str],
    output: int,
) -> NoReturn:
    """Be the module, and end with it: nothing of the task's process must go on in its fork."""
    status = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Ansible's handlers end whole groups of processes.
            signal.signal(number, signal.SIG_DFL)
        with open("/proc/self/comm", "w", encoding="ascii") as file:
            file.write(f"halsoval {name}"[:15])  # what ps and pgrep know it by
        os.environ.update(environment)
        # A module's warnings are part of its result; a controller's are shown at once.
        _internal.is_controller = False
        with open(output, "w", encoding="utf-8", closefd=False) as sys.stdout:
            status = _exit_status(main, arguments)
    finally:
        os._exit(status)


def _exit_status(main: Main, arguments: dict[str, Any]) -> int:
    try:
        with patch_module_args(arguments):
            main()
    except SystemExit as end:
        return int(end.code or 0)
    except Exception as error:
        # Where it was and no more: what such an exception says may quote a record.
        place = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__} in {place.filename}:{place.lineno}"
        print(json.dumps({"failed": True, "msg": reason}))
    return 1


def _result(name: str, output: bytes, status: int) -> dict[str, Any]:
    try:
        result: dict[str, Any] = json.loads(output, cls=_DECODER)
    except ValueError:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with {status}"
        return {"failed": True, "msg": f"{name} {how}, without a result"}
    return result
