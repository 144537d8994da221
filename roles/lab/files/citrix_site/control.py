# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/lab: what no Citrix site has. Tests let people try to get in, and make things go wrong.

With HTTP Basic as `lab` and the lab administrator's password; JSON in, JSON out.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from . import sessions
from .answers import Answer, Call, Refusal
from .site import SETTINGS, Site, identity
from .store import Row

ROOT = "/lab/"


class Control:
    """Answers calls below /lab/."""

    def __init__(self, site: Site, password: str) -> None:
        self.site = site
        self.password = password

    def answer(self, call: Call) -> Answer:
        """The answer to a call; refusals are errors as the REST API has them."""
        try:
            self._check(call.headers.get("authorization", ""))
            return Answer(200, self._done(call))
        except Refusal as refusal:
            return refusal.answer(sdk=False)
        except (KeyError, TypeError, ValueError) as error:
            words = f"'{call.path}' does not take this: {error!r}"
            return Refusal(400, "InvalidParameter", words).answer(sdk=False)

    def _check(self, authorization: str) -> None:
        wanted = base64.b64encode(f"lab:{self.password}".encode()).decode()
        given = authorization.partition(" ")[2]
        if not secrets.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, "Unauthorized", "Wrong password.", WWW_Authenticate="Basic")

    def _done(self, call: Call) -> Any:
        name = call.path[len(ROOT) :]
        if call.method == "DELETE" and name == "faults":
            self.site.faults.clear()
            return {}
        if call.method == "GET":
            return self._read(name)
        verbs: Mapping[str, Callable[[Row], Any]] = {
            "connect": lambda told: sessions.connect(self.site, told),
            "reconnect": lambda told: sessions.reconnect(self.site, told),
            "disconnect": lambda told: sessions.disconnect(self.site, str(told.get("session"))),
            "end": lambda told: sessions.end(self.site, str(told.get("session"))),
            "faults": self._faults, "clock": self._clock, "settings": self._settings,
            "directory": self._directory, "rows": self._rows,
        }  # fmt: skip
        if call.method != "POST" or name not in verbs:
            raise Refusal(404, "NotFound", f"There is no {call.method} {call.path}.")
        return verbs[name](call.document()) or {}

    def _read(self, name: str) -> Any:
        if name == "faults":
            return {"faults": self.site.faults.told}
        if name == "clock":
            return {"now": self.site.stamp()}
        if name == "settings":
            return {key: self.site.setting(key) for key in SETTINGS}
        raise Refusal(404, "NotFound", f"There is no GET {ROOT}{name}.")

    def _faults(self, told: Row) -> Any:
        for fault in told["faults"]:
            self.site.faults.add(fault)
        return {"faults": self.site.faults.told}

    def _clock(self, told: Row) -> Any:
        now = dt.datetime.fromisoformat(told["now"])
        if now.tzinfo is None:
            raise Refusal(400, "InvalidParameter", "'now' has no time zone.")
        self.site.clock.set(now)
        return {"now": self.site.stamp()}

    def _settings(self, told: Row) -> Any:
        unknown = told.keys() - SETTINGS.keys()
        if unknown:
            raise Refusal(400, "UnknownSetting", f"settings are: {', '.join(SETTINGS)}")
        self.site.settings.put({**(self.site.settings.get("site") or {}), "Id": "site", **told})
        return self._read("settings")

    def _directory(self, told: Row) -> Any:
        """Who is who in AD: SamName, PrincipalName, Sid, DisplayName, IsGroup, MemberOf."""
        self.site.identities.put(*(identity(known) for known in told["identities"]))
        return {"identities": len(self.site.identities)}

    def _rows(self, told: Row) -> Any:
        """Rows of Monitor, as they are: new ones, or others in place of those with the same key.

        Without ModifiedDate they were modified now. For what happened before the lab, and fleets.
        """
        now = self.site.stamp()
        for entity, rows in told.items():
            if entity not in self.site.monitor:
                raise Refusal(400, "UnknownEntity", f"There is no entity '{entity}'.")
            table = self.site.monitor[entity]
            table.put(*(_row(table.get(row[table.key]), row, now) for row in rows))
        return {entity: len(table) for entity, table in self.site.monitor.items()}


def _row(old: Row | None, told: Row, now: str) -> Row:
    dates = {"CreatedDate": now, **(old or {}), "ModifiedDate": now}
    return {name: value for name, value in {**dates, **told}.items() if value is not None}
