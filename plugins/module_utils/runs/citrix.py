# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Citrix site that a module's options name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..systems.citrix_rest import Settings

# The options of the doc fragment `citrix`.
CITRIX_ARGUMENTS: dict[str, dict[str, Any]] = {
    "server_uri": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "delivery_group": {"type": "str", "required": True},
}


def settings(params: Mapping[str, Any]) -> Settings:
    """How to reach the site that the options of the doc fragment `citrix` describe."""
    names = ("server_uri", "user", "password", "ca_path", "timeout")
    return Settings(*(params[name] for name in names))
