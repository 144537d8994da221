# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: who tries to open a desktop, what becomes of it, and how both APIs show it."""

from __future__ import annotations

import datetime as dt
import random
import string
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from .answers import Refusal, missing
from .policies import Attempt, forms, judge
from .site import Site
from .store import Row

# What a client's name cannot hold, and what the client makes of it: `_`, after Citrix's own sample
# test_s_MacBook_Pr. At most 20 characters, the rest is cut (readme of overrideIcaClientName).
FORBIDDEN = str.maketrans(dict.fromkeys("\"/[]:;|=\\,+*?<>. '", "_"))
LONGEST = 20
LAUNCHES = ("native", "browser", "html5")
# ConnectionState of Monitor.
DISCONNECTED, TERMINATED, ACTIVE = 2, 3, 5


# --- what people do ------------------------------------------------------------------------------


def connect(site: Site, told: Mapping[str, Any]) -> Row:
    """Somebody tries to open a desktop: a session and its rows where the rules let them in.

    Nothing at all where they do not: a PC that is not let in is not offered the desktop.
    """
    group = site.group(told.get("delivery_group") or site.default_group())
    user = site.identity(_wanted(told, "user"), is_group=False)
    client = _client(told)
    answer = _judged(site, group, user, client, told)
    if not answer["admitted"]:
        return answer
    return {**answer, **_opened(site, group, user, client, told)}


def reconnect(site: Site, told: Mapping[str, Any]) -> Row:
    """Somebody takes up a session, from the same PC or another; the rules are asked anew."""
    session = live(site, _wanted(told, "session"))
    told = {**session["Told"], **told}
    client = _client(told)
    answer = _judged(site, site.group(session["Group"]), session["User"], client, told)
    if not answer["admitted"]:
        return answer
    disconnect(site, session["Id"])
    session = {**session, "Client": client, "Told": told}
    return {**answer, **_connected(site, session, is_reconnect=True)}


def disconnect(site: Site, session_id: str) -> None:
    """The user's PC parts from the session, which stays."""
    session = live(site, session_id)
    if session["State"] == "Disconnected":
        return
    _close_connection(site, session)
    site.live.change(session["Id"], State="Disconnected", Changed=site.stamp())
    _change_row(site, session, ConnectionState=DISCONNECTED, CurrentConnectionId=None)


def end(site: Site, session_id: str) -> None:
    """The session ends: no longer among the live ones, and Monitor says when."""
    session = live(site, session_id)
    if session["State"] != "Disconnected":
        _close_connection(site, session)
    site.live.remove(session["Id"])
    _change_row(
        site, session, ConnectionState=TERMINATED, CurrentConnectionId=None, EndDate=site.stamp()
    )
    _count(site, session["Machine"], -1)


def log_off(site: Site, session_id: str) -> None:
    """Begin to end a session, as $logoff does: success is that it has begun."""
    session = live(site, session_id)
    if session["LogoffInProgress"]:
        return
    site.live.change(session["Id"], LogoffInProgress=True)
    if not site.faults.strike("endless_logoff"):
        site.later(site.setting("logoff_seconds"), lambda: _end_if_there(site, session["Id"]))


def live(site: Site, session_id: str) -> Row:
    """A session that is there, or a refusal (404)."""
    session = site.live.get(str(session_id).lower())
    if session is None:
        raise missing(f"Session '{session_id}'")
    return session


def _end_if_there(site: Site, session_id: str) -> None:
    if site.live.get(session_id):
        end(site, session_id)


def _judged(
    site: Site, group: Row, user: Row, client: Row, told: Mapping[str, Any]
) -> dict[str, Any]:
    verdict = judge(site.rules_of(group), _attempt(site, user, client, told))
    return {
        "admitted": verdict.admitted, "rights": verdict.rights, "rules": verdict.by,
        "reasons": dict(verdict.reasons), "seen_as": client["ReceiverName"],
    }  # fmt: skip


def _attempt(site: Site, user: Row, client: Row, told: Mapping[str, Any]) -> Attempt:
    groups = [site.identity(name) for name in (*user["MemberOf"], *told.get("groups", []))]
    gateway = told.get("gateway")
    tags = None if gateway is None else gateway.get("tags", [])
    return Attempt(
        who=frozenset().union(*(forms(identity) for identity in (user, *groups))),
        name=client["ReceiverName"],
        address=client["ReceiverIPAddress"],
        protocol=_protocol(told),
        tags=None if tags is None else frozenset((tag["Farm"], tag["Filter"]) for tag in tags),
    )


def _client(told: Mapping[str, Any]) -> Row:
    """What a session shows of the PC. ReceiverName is what StoreFront was told: rules see that."""
    launch = told.get("launch", "native")
    if launch not in LAUNCHES:
        raise Refusal(400, "InvalidParameter", f"launch is one of: {', '.join(LAUNCHES)}")
    name = str(told.get("client_name", "")).translate(FORBIDDEN)[:LONGEST]
    if launch == "html5":  # new with every browser cache (CTX237002)
        name = f"HTML-{_characters(4)}-{_characters(4)}"
    address = str(ip_address(told.get("client_address", "10.0.0.1")))
    return {
        "Name": name,
        "ReceiverName": name if launch == "native" else f"WR_{_characters(17)}",
        "IPAddress": address,
        "ReceiverIPAddress": address,
        "DeviceId": told.get("device_id"),
        "HardwareId": told.get("hardware_id"),
        "Platform": told.get("platform", "Html5" if launch == "html5" else "Windows"),
        "ProductId": 257 if launch == "html5" else 1,
        "Version": "24.2.0.172",
    }


def _characters(number: int) -> str:
    return "".join(random.choices(string.ascii_letters + string.digits, k=number))


def _protocol(told: Mapping[str, Any]) -> str:
    protocol = str(told.get("protocol", "HDX")).upper()
    if protocol not in ("HDX", "RDP"):
        raise Refusal(400, "InvalidParameter", "protocol is HDX or RDP")
    return protocol


def _wanted(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, "InvalidParameter", f"'{name}' is missing")
    return value


# --- what becomes of it: rows --------------------------------------------------------------------


def _opened(site: Site, group: Row, user: Row, client: Row, told: Mapping[str, Any]) -> Row:
    """Make a session on the machine that has fewest."""
    machines = [row for row in site.monitor["Machines"] if row["DesktopGroupId"] == group["Id"]]
    machine = min(machines, key=lambda row: row["CurrentSessionCount"])
    now = site.stamp()
    session = {
        "Id": str(uuid.uuid4()), "Uid": site.next("session"), "State": "Active",
        "Started": now, "Changed": now, "LogoffInProgress": False, "Group": group["Id"],
        "Machine": machine["Id"], "User": user, "Client": client, "Told": dict(told),
    }  # fmt: skip
    _count(site, machine["Id"], 1)
    site.monitor["Sessions"].put(
        {
            "SessionKey": session["Id"], "StartDate": now, "EndDate": None,
            "UserId": _user(site, user), "MachineId": machine["Id"], "SessionType": 0,
            "IsAnonymous": False, "LogOnDuration": 9100, "LifecycleState": 0,
            "CreatedDate": now, "ModifiedDate": now,
        }
    )  # fmt: skip
    return _connected(site, session, is_reconnect=False)


def _connected(site: Site, session: Row, *, is_reconnect: bool) -> Row:
    """Make the row of a connection, one for each connect and reconnect."""
    now, client = site.stamp(), session["Client"]
    via = session["Told"].get("connected_via", "10.69.78.36")
    row = {
        "Id": site.next("connection"), "SessionKey": session["Id"], "IsReconnect": is_reconnect,
        "ClientName": client["Name"], "ClientAddress": client["IPAddress"],
        "ClientVersion": client["Version"], "ClientPlatform": client["Platform"],
        "ConnectedViaHostName": None, "ConnectedViaIPAddress": via,
        "LaunchedViaHostName": "STOREFRONT1", "LaunchedViaIPAddress": "10.69.78.30",
        "Protocol": _protocol(session["Told"]), "IsSecureIca": True,
        "BrokeringDuration": 120, "AuthenticationDuration": 200,
        "BrokeringDate": now, "LogOnStartDate": now, "LogOnEndDate": now,
        "EstablishmentDate": now, "CreatedDate": now, "ModifiedDate": now,
    }  # fmt: skip
    site.monitor["Connections"].put(row)
    site.live.put({**session, "State": "Active", "Changed": now, "Connection": row["Id"]})
    _change_row(site, session, ConnectionState=ACTIVE, CurrentConnectionId=row["Id"])
    return {"session": session["Id"], "connection": row["Id"]}


def _close_connection(site: Site, session: Row) -> None:
    now = site.stamp()
    site.monitor["Connections"].change(
        session["Connection"], DisconnectDate=now, DisconnectCode=0, ModifiedDate=now
    )


def _change_row(site: Site, session: Row, **values: Any) -> None:
    now = site.stamp()
    site.monitor["Sessions"].change(
        session["Id"], **values, ConnectionStateChangeDate=now, ModifiedDate=now
    )


def _count(site: Site, machine: str, difference: int) -> None:
    row = site.monitor["Machines"].by_key[machine]
    number = row["CurrentSessionCount"] + difference
    site.monitor["Machines"].change(machine, CurrentSessionCount=number, ModifiedDate=site.stamp())


def _user(site: Site, user: Row) -> int:
    """The number of a user's row in Monitor, made where there is none."""
    for row in site.monitor["Users"]:
        if row["Sid"] == user["Sid"]:
            return int(row["Id"])
    now = site.stamp()
    domain, _backslash, name = (user["SamName"] or "").rpartition("\\")
    row = {
        "Id": site.next("user"), "Sid": user["Sid"], "Upn": user["PrincipalName"],
        "UserName": name or None, "FullName": user["DisplayName"], "Domain": domain or None,
        "CreatedDate": now, "ModifiedDate": now,
    }  # fmt: skip
    site.monitor["Users"].put(row)
    return int(row["Id"])


# --- as the REST API shows it --------------------------------------------------------------------


def shown(site: Site, session: Row) -> Row:
    """A session as GET /Sessions has it."""
    group = site.group(session["Group"])
    machine = site.monitor["Machines"].by_key[session["Machine"]]
    return {
        "Id": session["Id"], "Uid": session["Uid"], "State": session["State"],
        **_times("StateChangeTime", session["Changed"]),
        **_times("StartTime", session["Started"]),
        **_times("EstablishmentTime", session["Started"]),
        "AppState": "Active", "SessionType": "Desktop", "IsAnonymousUser": False,
        "IsHidden": False, "LogoffInProgress": session["LogoffInProgress"],
        "LogonInProgress": False, "UntrustedUserName": session["User"]["SamName"],
        "Brokering": {
            "AutonomouslyBrokered": False, **_times("Time", session["Started"]),
            "UserName": session["User"]["SamName"], "UserSid": session["User"]["Sid"],
        },
        "Machine": {
            "Id": machine["Id"], "Name": machine["Name"], "DnsName": machine["DnsName"],
            "DeliveryGroup": {"Id": group["Id"], "Name": group["Name"]},
        },
        "User": shown_user(session["User"]),
        "Client": _shown_client(session),
        "Connection": _shown_connection(site, session),
    }  # fmt: skip


def _shown_client(session: Row) -> Row:
    """Nothing of the PC while no PC is connected: inferred."""
    if session["State"] == "Disconnected":
        return dict.fromkeys(session["Client"])
    return dict(session["Client"])


def _shown_connection(site: Site, session: Row) -> Row:
    row = site.monitor["Connections"].by_key[session["Connection"]]
    gateway = session["Told"].get("gateway") or {}
    tags = [f"{tag['Farm']}:{tag['Filter']}" for tag in gateway.get("tags", [])]
    return {
        "ConnectedVia": {"HostName": None, "IP": row["ConnectedViaIPAddress"]},
        "LaunchedVia": {
            "HostName": row["LaunchedViaHostName"], "IP": row["LaunchedViaIPAddress"],
            "PublishedName": None,
        },
        "ConnectionMode": "Brokered", "Protocol": row["Protocol"].capitalize(),
        "SecureIcaActive": True, "SmartAccessTags": tags,
    }  # fmt: skip


def shown_user(identity: Mapping[str, Any]) -> Row:
    """An account or group as responses have it: an object, where requests have a string."""
    sam = identity["SamName"]
    return {
        "Sid": identity["Sid"], "SamName": sam,
        "SamAccountName": sam.rpartition("\\")[2] if sam else None,
        "PrincipalName": identity["PrincipalName"], "DisplayName": identity["DisplayName"],
        "IsGroup": identity["IsGroup"], "Guid": None, "Enabled": True, "PropertiesFetched": 7,
    }  # fmt: skip


def _times(name: str, moment: str) -> dict[str, str]:
    """A time twice: as US text, and, under another name, as RFC 3339."""
    when = dt.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    text = f"{when.month}/{when.day}/{when.year} {when.hour % 12 or 12}:{when:%M:%S %p}"
    return {name: text, f"Formatted{name}": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
