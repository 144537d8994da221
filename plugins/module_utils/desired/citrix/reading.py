# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in by which rule of a delivery group, which Citrix Studio cannot show.

By Citrix's about_Broker_AccessPolicy: rules are united; a rule without an enabled include filter is
not considered; all enabled include filters must match, and an exclude vetoes that rule only; a
filter that is not enabled is ignored, whatever its list. That an enabled filter with an empty list
lets nobody in, and that a name with a wildcard is one, is inferred.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from ...engine.plan import Entry, Values
from .holdings import Holdings, rule_name

_INCLUDES = ("User", "ClientName", "ClientIP", "SmartAccess")
_PROTOCOLS = {"AllowHdxAccess": "HDX", "AllowRdpAccess": "RDP"}
_EVERYBODY = {
    "any": "everybody who has logged on",
    "anyauthenticated": "everybody who has logged on",
    "anonymousonly": "whoever does not log on",
    "filteredoranonymous": "whoever does not log on",
}
_CONNECTIONS = {
    "notviaag": "not by a gateway",
    "viaag": "by a gateway",
    "anyviaag": "by a gateway",
}


def table(holdings: Holdings) -> list[dict[str, Any]]:
    """A row for each rule, sorted by name: who gets in by it, from where, and to what.

    `provider` is whose rule of ours it is, "" of others; `open` says that it lets people in from
    any computer; `nobody` why it lets nobody in.
    """
    owners = {rule.address: place[0] for place, rule in holdings.ours.items()}
    rows = (
        {
            "rule": rule_name(rule),
            "provider": owners.get(rule.address, ""),
            "users": _users(rule),
            "clients": _clients(rule),
            "protocols": ", ".join(_protocols(rule)),
            "open": is_open(rule),
            "nobody": nobody(rule),
        }
        for rule in holdings.every
    )
    return sorted(rows, key=lambda row: str(row["rule"]).casefold())


def is_open(rule: Entry) -> bool:
    """Whether somebody gets in by a rule from any computer."""
    return not nobody(rule) and not _filters_clients(rule)


def nobody(rule: Entry) -> str:
    """Why nobody gets in by a rule, "" where somebody does."""
    if not _has(rule, "Enabled"):
        return "disabled"
    if not _protocols(rule):
        return "allows no protocol"
    if not any(_included(rule, what) for what in _INCLUDES):
        return "no include filter is enabled"
    empty = (what for what in ("ClientName", "ClientIP") if _included(rule, what))
    if any(not rule.attributes.get(f"Included{what}s") for what in empty):
        return "an enabled filter of clients is empty"
    if _included(rule, "User") and not _everybody(rule) and not _names(rule, "IncludedUsers"):
        return "the enabled filter of users is empty"
    return ""


def _filters_clients(rule: Entry) -> bool:
    names, addresses = (_names(rule, f"IncludedClient{what}") for what in ("Names", "IPs"))
    by_name = _included(rule, "ClientName") and not any(map(_is_anything, names))
    by_address = _included(rule, "ClientIP") and not any(map(_is_everywhere, addresses))
    return by_name or by_address


def _is_anything(name: str) -> bool:
    return "*" in name and not name.strip("*?")


def _is_everywhere(address: str) -> bool:
    try:
        return ip_network(address, strict=False).prefixlen == 0
    except ValueError:
        return False


def _users(rule: Entry) -> str:
    """Who gets in by a rule, as far as users go."""
    excluded = _names(rule, "ExcludedUsers") if _has(rule, "ExcludedUserFilterEnabled") else ()
    but = f", but not {', '.join(excluded)}" if excluded else ""
    if not _included(rule, "User"):
        return f"everybody{but}"
    named = ", ".join(_names(rule, "IncludedUsers"))
    return f"{' or '.join(filter(None, (_everybody(rule), named))) or 'nobody'}{but}"


def _everybody(rule: Entry) -> str:
    return _EVERYBODY.get((rule.first("AllowedUsers") or "").casefold(), "")


def _clients(rule: Entry) -> str:
    """From where somebody gets in by a rule."""
    parts = [_CONNECTIONS.get((rule.first("AllowedConnection") or "").casefold(), "")]
    for what, word in (("ClientName", "names"), ("ClientIP", "addresses")):
        if _included(rule, what):
            parts.append(f"{word} {', '.join(_names(rule, f'Included{what}s')) or '(none)'}")
        if _has(rule, f"Excluded{what}FilterEnabled"):
            parts.append(f"not {word} {', '.join(_names(rule, f'Excluded{what}s'))}")
    if _included(rule, "SmartAccess"):
        tags = ", ".join(_names(rule, "IncludedSmartAccessTags"))
        parts.append(f"tags of a gateway {tags or '(any)'}")
    return "; ".join(filter(None, parts)) or "any computer"


def _protocols(rule: Entry) -> Iterable[str]:
    return [word for flag, word in _PROTOCOLS.items() if _has(rule, flag)]


def _included(rule: Entry, what: str) -> bool:
    return _has(rule, f"Included{what}FilterEnabled")


def _has(rule: Entry, flag: str) -> bool:
    return bool(rule.attributes.get(flag))


def _names(rule: Entry, field: str) -> Values:
    return rule.attributes.get(field, ())
