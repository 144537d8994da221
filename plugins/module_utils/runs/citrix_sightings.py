# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module citrix_sightings: who has connected since the last night, and from where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..ledger.ledger import Ledger
from ..ledger.sightings import everybody_seen, last_seen, note_seen
from ..night.found import Found
from ..night.sightings import SYSTEM, Connection, Seen, read_connections
from ..records import payload
from ..records.identifiers import shown
from ..records.lifecycle import STOCKHOLM
from ..systems.citrix_monitor import CitrixMonitor
from ..systems.citrix_site import CitrixSite
from .citrix import CITRIX_ARGUMENTS, settings
from .contested import undisputed
from .ledger import LEDGER_ARGUMENTS, with_ledger

ARGUMENTS: dict[str, dict[str, Any]] = {
    **LEDGER_ARGUMENTS,
    **CITRIX_ARGUMENTS,
    "records": {"type": "path", "required": True},
}

# What Citrix keeps without a Premium licence. A run that comes later has missed connections.
_KEPT = dt.timedelta(days=7)
# A row may be committed after later ones were read, so each night reads some of the last anew.
_OVERLAP = dt.timedelta(hours=1)


def run(module: AnsibleModule) -> None:
    """Read connections and live sessions, hold them against the records, and leave the module."""
    with_ledger(module, lambda ledger, as_of: look(module.params, ledger, as_of))


def look(params: Mapping[str, Any], ledger: Ledger, as_of: dt.date) -> dict[str, Any]:
    """The module's result. Raises the errors of the ledger, the payload and the site."""
    approved, before = (
        undisputed(payload.read(params["records"]), ledger).approved,
        last_seen(ledger),
    )
    site = CitrixSite(settings(params), params["delivery_group"])
    monitor, group = CitrixMonitor(settings(params)), site.group_id().casefold()
    machines = {
        _folded(row["Id"]): _folded(row.get("DesktopGroupId")) for row in monitor.machines()
    }
    history = _History(group, machines, before.mark)
    told = history.told(monitor.connections(_since(before.mark, as_of)))
    connections = history.counted(chain(told, _sessions(site.sessions(), as_of)))
    people = everybody_seen(ledger)
    seen = read_connections(
        approved.records, as_of, connections, people, before.last, before.since, approved.invalid
    )
    if not ledger.check:
        note_seen(ledger, replace(before, last=seen.last, mark=history.mark))
    # Live sessions come from elsewhere: they say nothing of what Monitor shows.
    sees = history.has_rows or group in machines.values()
    return _result(seen, [] if sees else [_blind(len(machines))], history.number)


@dataclass
class _History:
    """What is seen of connections as they are read one by one: a nation's are too many to keep.

    `mark` is where the next read begins, `number` how many were looked at, and `has_rows` whether
    Monitor has any of the delivery group.
    """

    group: str
    machines: Mapping[str, str]
    mark: str
    number: int = 0
    has_rows: bool = False

    def told(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Connection]:
        """The connections of the delivery group that rows of Monitor tell of."""
        for row in rows:
            self._note(str(row["ModifiedDate"]))
            if _group(row, self.machines) in (self.group, ""):
                self.has_rows = True
                yield _connection(row)

    def counted(self, connections: Iterable[Connection]) -> Iterator[Connection]:
        """The same, counted."""
        for connection in connections:
            self.number += 1
            yield connection

    def _note(self, modified: str) -> None:
        """Let the next read begin here, but for a row of tomorrow, by a clock that is wrong."""
        moment = _moment(modified)
        is_later = not self.mark or moment > _moment(self.mark)
        if is_later and moment <= dt.datetime.now(dt.UTC):
            self.mark = modified


def _since(mark: str, as_of: dt.date) -> dt.datetime:
    first = dt.datetime.combine(as_of, dt.time(), STOCKHOLM) - _KEPT
    return _moment(mark) - _OVERLAP if mark else first


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _group(row: Mapping[str, Any], machines: Mapping[str, str]) -> str:
    """The delivery group of a connection, "" where its machine is gone or not to be seen."""
    return machines.get(_folded((row.get("Session") or {}).get("MachineId")), "")


def _folded(identity: Any) -> str:
    return str(identity or "").casefold()


def _connection(row: Mapping[str, Any]) -> Connection:
    begun = row.get("BrokeringDate") or row.get("CreatedDate") or row["ModifiedDate"]
    principal = ((row.get("Session") or {}).get("User") or {}).get("Upn")
    return Connection(
        names=_texts(row.get("ClientName")),
        addresses=_texts(row.get("ClientAddress")),
        day=_moment(str(begun)).astimezone(STOCKHOLM).date(),
        user=str(principal or "").partition("@")[0],
    )


def _sessions(sessions: Iterable[Mapping[str, Any]], as_of: dt.date) -> Iterator[Connection]:
    """Sessions tell the name that StoreFront passed on, which Monitor does not have."""
    for session in sessions:
        client, user = session.get("Client") or {}, session.get("User") or {}
        yield Connection(
            names=_texts(client.get("Name"), client.get("ReceiverName")),
            addresses=_texts(client.get("IPAddress"), client.get("ReceiverIPAddress")),
            day=as_of,
            user=str(user.get("PrincipalName") or "").partition("@")[0],
        )


def _texts(*values: Any) -> frozenset[str]:
    return frozenset(str(value) for value in values if value)


def _blind(machines: int) -> Found:
    message = (
        f"the account sees {machines} machines, and none of the delivery group: that nobody has "
        "connected is not believed; look at the account's scope"
    )
    return Found("monitor_blind", "high", SYSTEM, "", SYSTEM, message)


def _result(seen: Seen, blind: list[Found], connections: int) -> dict[str, Any]:
    providers: dict[str, dict[str, Any]] = {}
    strays = []
    for found in (*blind, *seen.found):
        told = {
            "code": found.name,
            "severity": "high" if found.severity == "high" else "normal",
            "object": shown(found.object),
            "message": shown(found.message),
        }
        if found.provider:
            own = {"changed": False, "failed": False, "msg": "", "findings": [], "changes": []}
            providers.setdefault(found.provider, own)["findings"].append(told)
        else:
            strays.append({"provider": "", **told})
    return {
        "changed": False,
        "connections": connections,
        "confirmed": seen.confirmed,
        "providers": providers,
        "findings": strays,
    }
