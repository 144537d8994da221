# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of clients that leave a rule."""

from __future__ import annotations

from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_rest import (
    Missing,
    Refused,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems.citrix_site import (
    FLAGS,
    LISTS,
    CitrixSite,
    Settings,
    _leaving,
)


class Sessions:
    """A site that refuses to log one session off, and has ended the others when asked again."""

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.told: list[str] = []

    def again(self, _method: str, path: str) -> str:
        session = path.split("/")[2]
        if session == self.refused:
            raise Refused("code 409: it is logging off")
        self.told.append(session)
        return ""

    def get(self, path: str) -> Any:
        session = path.split("/")[2]
        if session in self.told:
            raise Missing("gone")
        return {"Id": session}


def test_a_session_that_cannot_be_logged_off_keeps_no_other() -> None:
    site = CitrixSite(Settings("https://ddc.example", "user", "password"), "group", patience=0)
    site._rest = sessions = Sessions("a")  # type: ignore[assignment]
    client = frozenset({"pc-1"})
    assert site._ended({"a": client, "b": client, "c": client}) == {"a": client}
    assert sessions.told == ["b", "c"]


def test_a_client_that_the_rule_names_again_does_not_leave() -> None:
    nothing: dict[str, tuple[str, ...]] = dict.fromkeys((*FLAGS, *LISTS), ())
    enabled = {**nothing, "Enabled": ("true",), "IncludedClientNameFilterEnabled": ("true",)}
    held = {**enabled, "IncludedClientNames": ("PC-2",), "ExcludedClientNames": ("pc-1",)}
    again = {**enabled, "IncludedClientNames": ("PC-1", "PC-2")}
    assert _leaving(held, again) == frozenset()
    assert _leaving(held, {**held, "ExcludedClientNames": ()}) == {"pc-1"}
