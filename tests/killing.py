# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed at a random moment, which no process can see coming."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

SEED = 20260302

Work = Callable[[], object]


def start(work: Work, seconds: float = 0) -> int:
    """Work in a process of its own, which the kernel ends after seconds of processor time."""
    child = os.fork()
    if child == 0:
        status = 1
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        with suppress(BaseException):
            try:
                work()
                status = 0
            except BaseException:
                traceback.print_exc()
        os._exit(status)
    return child


def finished(child: int) -> int:
    """The exit status of a process, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Killer:
    """Kills runs, some after processor time and some, that may be waiting, after other time."""

    def __init__(self, longest: float = 1.0, shortest: float = 0.05) -> None:
        self._chance = random.Random(SEED)
        self._longest = {"processor": longest, "clock": longest}
        self._shortest = shortest

    def kill(self, work: Work) -> bool:
        """Start a run and kill it; returns whether it was still at it.

        One that was over before lowers the time that the next one is given.
        """
        kind = self._chance.choice(sorted(self._longest))
        seconds = self._chance.uniform(0.005, self._longest[kind])
        child = start(work, seconds if kind == "processor" else 0)
        if kind == "clock":
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        status = finished(child)
        assert status <= 0, "the run failed by itself"
        self._longest[kind] = max(self._shortest, self._longest[kind] * 1.02 if status else seconds)
        return status != 0
