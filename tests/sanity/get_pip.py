# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for get-pip.py, which ansible-test would download: pip comes from Python itself.

ansible-test runs this file inside a new virtual environment with get-pip's arguments
(the wanted packages, --no-setuptools, --no-wheel).
"""

from __future__ import annotations

import subprocess
import sys


def main() -> None:
    """Leave the environment as get-pip would: the wanted pip, and neither setuptools nor wheel."""
    wanted = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
    _python("ensurepip")
    _python("pip", "install", "--quiet", *wanted)
    # ensurepip brings setuptools along on Python 3.11; elsewhere this only warns.
    _python("pip", "uninstall", "--quiet", "--yes", "setuptools")


def _python(module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
