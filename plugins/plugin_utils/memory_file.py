# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is given that must be in no argument and on no disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(name: str, parts: Iterable[bytes]) -> Iterator[str]:
    """The path of a file in memory, for a module that runs meanwhile.

    The file has no name on any disk and is gone when the last process that has it open ends,
    however it ends. The path leads through /proc, which the kernel opens to this process's user
    only; the descriptor itself is closed in programs that are executed.
    """
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
