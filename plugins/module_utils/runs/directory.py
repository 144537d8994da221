# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LDAP directory that a module's options name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.plan import Attribute
from ..systems.directory import Directory, Search, Settings

# The options of the doc fragment `ldap`.
LDAP_ARGUMENTS: dict[str, dict[str, Any]] = {
    "server_uri": {"type": "str", "required": True},
    "bind_dn": {"type": "str", "required": True},
    "bind_password": {"type": "str", "required": True, "no_log": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
}


def directory(
    params: Mapping[str, Any],
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
