# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access policy: what a rule holds, and whom it lets in.

Fields and defaults: citrix/citrix-daas-rest-go, AdvancedAccessPolicyRequestModel. Semantics:
citrix/delivery-controller-sdk, docs/Broker/about_Broker_AccessPolicy.md. docs/citrix-lab.md says
what of it is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from .answers import Refusal

Rule = dict[str, Any]

CONNECTIONS = ("Filtered", "NotViaAG", "ViaAG", "AnyViaAG")
USERS = ("Filtered", "AnyAuthenticated", "Any", "AnonymousOnly", "FilteredOrAnonymous")
TAG_FILTERS = ("MatchAny", "MatchAll")

# What a rule holds where a POST does not say (openapi.yaml of 2023). RDP and restart are on.
DEFAULTS: Mapping[str, Any] = {
    "Name": None,
    "Description": None,
    "Enabled": True,
    "AllowHdxAccess": True,
    "AllowRdpAccess": True,
    "AllowMachineRestart": True,
    "AllowedConnection": "Filtered",
    "AllowedUsers": "Filtered",
    "IncludedUserFilterEnabled": False,
    "IncludedUsers": [],
    "ExcludedUserFilterEnabled": False,
    "ExcludedUsers": [],
    "IncludedClientNameFilterEnabled": False,
    "IncludedClientNames": [],
    "ExcludedClientNameFilterEnabled": False,
    "ExcludedClientNames": [],
    "IncludedClientIPFilterEnabled": False,
    "IncludedClientIPs": [],
    "ExcludedClientIPFilterEnabled": False,
    "ExcludedClientIPs": [],
    "IncludedSmartAccessFilterEnabled": False,
    "IncludedSmartAccessTags": [],
    "IncludedSmartAccessFilterType": "MatchAny",
    "ExcludedSmartAccessFilterEnabled": False,
    "ExcludedSmartAccessTags": [],
    # Those of newer sites.
    "AppProtectionKeyLoggingRequired": False,
    "AppProtectionScreenCaptureRequired": False,
    "IsContextualAppProtectionPolicy": False,
    "HdxSslEnabled": False,
}
ENUMS = {
    "AllowedConnection": CONNECTIONS,
    "AllowedUsers": USERS,
    "IncludedSmartAccessFilterType": TAG_FILTERS,
}
ADDRESSES = ("IncludedClientIPs", "ExcludedClientIPs")
NAMES = ("IncludedClientNames", "ExcludedClientNames")
TAGS = ("IncludedSmartAccessTags", "ExcludedSmartAccessTags")
IDENTITIES = ("IncludedUsers", "ExcludedUsers")
STRING_LISTS = (*ADDRESSES, *NAMES, *IDENTITIES)


@dataclass(frozen=True)
class Attempt:
    """Somebody tries to open a desktop: what the rules see of it.

    `who`: names and SIDs, in lower case, of the user and of all groups. `name`: what StoreFront
    passes on, which in a browser is not the PC's. `tags`: of the gateway, farm and filter; None:
    not by a gateway.
    """

    who: frozenset[str]
    name: str
    address: str
    protocol: str = "HDX"
    tags: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Verdict:
    """What came of an attempt, and why each rule did or did not match."""

    admitted: bool
    rights: tuple[str, ...]
    by: tuple[str, ...]
    reasons: Mapping[str, str]


def checked(sent: Mapping[str, Any]) -> Rule:
    """The fields of a request that the model has, or a refusal (400).

    Keys of other names, or in other case, are passed over without a word: inferred, as
    citrix/terraform-provider-citrix #251 saw it with filters.
    """
    fields = {name: value for name, value in sent.items() if name in DEFAULTS}
    for name, value in fields.items():
        _check(name, value)
    return {name: DEFAULTS[name] if value is None else value for name, value in fields.items()}


def judge(rules: Sequence[Rule], attempt: Attempt) -> Verdict:
    """Whom the rules of one delivery group let in: the rights of those that match, united."""
    reasons = {rule["Name"]: reason(rule, attempt) for rule in rules}
    matching = [rule for rule in rules if not reasons[rule["Name"]]]
    rights = {right for rule in matching for right in rights_of(rule)}
    return Verdict(
        admitted=attempt.protocol in rights,
        rights=tuple(sorted(rights)),
        by=tuple(rule["Name"] for rule in matching),
        reasons={name: why or "matches" for name, why in reasons.items()},
    )


def rights_of(rule: Rule) -> list[str]:
    """Protocols, and whether the machine may be restarted."""
    names = {"AllowHdxAccess": "HDX", "AllowRdpAccess": "RDP", "AllowMachineRestart": "Restart"}
    return [right for field, right in names.items() if rule[field]]


def reason(rule: Rule, attempt: Attempt) -> str:
    """Why a rule does not match; nothing where it does."""
    if not rule["Enabled"]:
        return "disabled"
    includes = {
        "user": _includes_user, "client name": _includes_name, "client address": _includes_address,
        "gateway": _includes_connection,
    }  # fmt: skip
    enabled = {kind: holds for kind, holds in includes.items() if rule[INCLUDES[kind]]}
    if not enabled:
        return "no include filter is enabled"
    for kind, excluded in _excluded(rule, attempt).items():
        if excluded:
            return f"excluded by {kind}"
    for kind, holds in enabled.items():
        if not holds(rule, attempt):
            return f"not included by {kind}"
    return ""


INCLUDES = {
    "user": "IncludedUserFilterEnabled",
    "client name": "IncludedClientNameFilterEnabled",
    "client address": "IncludedClientIPFilterEnabled",
    "gateway": "IncludedSmartAccessFilterEnabled",
}


def _excluded(rule: Rule, attempt: Attempt) -> dict[str, bool]:
    return {
        "user": rule["ExcludedUserFilterEnabled"]
        and _is_one_of(rule["ExcludedUsers"], attempt),
        "client name": rule["ExcludedClientNameFilterEnabled"]
        and _is_named(rule["ExcludedClientNames"], attempt),
        "client address": rule["ExcludedClientIPFilterEnabled"]
        and _is_at(rule["ExcludedClientIPs"], attempt),
        "gateway": rule["ExcludedSmartAccessFilterEnabled"]
        and bool(_tags(rule["ExcludedSmartAccessTags"]) & (attempt.tags or frozenset())),
    }  # fmt: skip


def _includes_user(rule: Rule, attempt: Attempt) -> bool:
    """Every attempt is somebody's: so nobody is anonymous, and any user is an authenticated one."""
    if rule["AllowedUsers"] in ("AnyAuthenticated", "Any"):
        return True
    return rule["AllowedUsers"] != "AnonymousOnly" and _is_one_of(rule["IncludedUsers"], attempt)


def _includes_name(rule: Rule, attempt: Attempt) -> bool:
    return _is_named(rule["IncludedClientNames"], attempt)


def _includes_address(rule: Rule, attempt: Attempt) -> bool:
    return _is_at(rule["IncludedClientIPs"], attempt)


def _includes_connection(rule: Rule, attempt: Attempt) -> bool:
    allowed, tags = rule["AllowedConnection"], _tags(rule["IncludedSmartAccessTags"])
    if attempt.tags is None:
        return allowed in ("Filtered", "NotViaAG")
    if allowed == "NotViaAG":
        return False
    if allowed == "AnyViaAG" or not tags:
        return True
    if rule["IncludedSmartAccessFilterType"] == "MatchAll":
        return tags <= attempt.tags
    return bool(tags & attempt.tags)


def _is_one_of(users: Sequence[Mapping[str, Any]], attempt: Attempt) -> bool:
    return any(forms(user) & attempt.who for user in users)


def forms(identity: Mapping[str, Any]) -> set[str]:
    """The SID and the names by which somebody is meant, in lower case."""
    names = (identity["Sid"], identity["SamName"], identity["PrincipalName"])
    return {name.casefold() for name in names if name}


def _is_named(names: Sequence[str], attempt: Attempt) -> bool:
    """Without case: inferred, as the broker's Get- commands compare."""
    return attempt.name.casefold() in {name.casefold() for name in names}


def _is_at(networks: Sequence[str], attempt: Attempt) -> bool:
    address = ip_address(attempt.address)
    return any(address in ip_network(network, strict=False) for network in networks)


def _tags(tags: Sequence[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((tag["Farm"], tag["Filter"]) for tag in tags)


def _check(name: str, value: Any) -> None:
    if value is None:
        return
    if name in ENUMS:
        _want(value in ENUMS[name], name, value)
    elif name in STRING_LISTS:
        _want(_is_list_of(value, str), name, value)
        _check_strings(name, value)
    elif name in TAGS:
        _want(_is_list_of(value, dict) and all(tag.keys() >= {"Farm", "Filter"} for tag in value),
              name, value)  # fmt: skip
    elif isinstance(DEFAULTS[name], bool):
        _want(isinstance(value, bool), name, value)
    else:
        _want(isinstance(value, str), name, value)


def _check_strings(name: str, values: Sequence[str]) -> None:
    for value in values:
        if name in NAMES and ("*" in value or "?" in value):
            raise Refusal(400, "UnsupportedWildcard", f"{name}: wildcards are not supported")
        if name in ADDRESSES and not _is_network(value):
            raise Refusal(400, "InvalidIPAddress", f"{name}: not an address or subnet: {value}")


def _is_network(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def _want(holds: bool, name: str, value: Any) -> None:
    if not holds:
        raise Refusal(400, "InvalidParameter", f"{name} does not take this value: {value!r}")
