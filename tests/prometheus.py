# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' own programs, from Debian's packages."""

from __future__ import annotations

import shutil

from ansible_collections.regionjh.halsoval.tests.postgresql import install


def promtool() -> str:
    """Prometheus' tool that checks files of metrics; it is installed where it is missing."""
    return _program("promtool", "prometheus")


def node_exporter() -> str:
    """The node exporter; it is installed where it is missing."""
    return _program("prometheus-node-exporter", "prometheus-node-exporter")


def _program(name: str, package: str) -> str:
    if shutil.which(name) is None:
        install(package)
    found = shutil.which(name)
    assert found is not None, f"{package} brings no {name}"
    return found
