# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""$search of sessions: which are wanted, in which order.

citrix/citrix-daas-rest-go, EntitySearchRequestModel. There is no property for DeviceId, HardwareId
or ReceiverName.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from .answers import Refusal
from .store import Row

PROPERTIES: Mapping[str, Callable[[Row], Any]] = {
    "ClientName": lambda row: row["Client"]["Name"],
    "ClientIP": lambda row: row["Client"]["IPAddress"],
    "ConnectedViaIP": lambda row: row["Connection"]["ConnectedVia"]["IP"],
    "CurrentUser": lambda row: row["User"]["SamName"],
    "UserName": lambda row: row["User"]["SamName"],
    "UserPrincipalName": lambda row: row["User"]["PrincipalName"],
    "DeliveryGroup": lambda row: row["Machine"]["DeliveryGroup"]["Name"],
    "MachineName": lambda row: row["Machine"]["Name"],
    "SessionState": lambda row: row["State"],
    "StartTime": lambda row: row["FormattedStartTime"],
}
# Of values in lower case: inferred, as the broker's Get- commands compare.
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "NotEquals": lambda found, wanted: found != wanted,
    "StartsWith": lambda found, wanted: found.startswith(wanted),
    "Contains": lambda found, wanted: wanted in found,
    "Like": fnmatchcase,
}


def matches(wanted: Mapping[str, Any], row: Row | None) -> bool:
    """Whether a search finds a session; without one the search is only checked (400).

    Keys in another case are accepted and never applied: citrix/terraform-provider-citrix #251.
    """
    filters = _listed(wanted, "SearchFilters")
    groups = _listed(wanted, "SearchFilterGroups")
    held = [_holds(item, row) for item in filters]
    grouped = [
        all(_holds(item, row) for item in _listed(group, "SearchFilters")) for group in groups
    ]
    together = any if wanted.get("SearchFilterGroupsType") == "Or" else all
    basic = str(wanted.get("BasicSearchString") or "").casefold()
    if row is None:
        return True
    return all(held) and (not grouped or together(grouped)) and _mentions(row, basic)


def ordered(wanted: Mapping[str, Any], rows: Sequence[Row]) -> list[Row]:
    """Sessions as SortCriteria or SortCriteriaItems ask."""
    criteria = [wanted.get("SortCriteria"), *_listed(wanted, "SortCriteriaItems")]
    found = list(rows)
    for item in reversed([item for item in criteria if isinstance(item, dict)]):
        value = _property(item)
        found.sort(
            key=lambda row: _text(value(row)), reverse=item.get("SortDirection") == "Descending"
        )
    return found


def _holds(item: Any, row: Row | None) -> bool:
    if not isinstance(item, dict):
        raise Refusal(400, "InvalidParameter", "A filter is not an object.")
    value, name = _property(item), str(item.get("Operator"))
    if name not in OPERATORS:
        raise Refusal(400, "InvalidParameter", f"Operator '{name}' is not supported.")
    return row is None or OPERATORS[name](_text(value(row)), _text(item.get("Value")))


def _property(item: Mapping[str, Any]) -> Callable[[Row], Any]:
    name = str(item.get("Property"))
    if name not in PROPERTIES:
        raise Refusal(400, "InvalidParameter", f"Sessions have no property '{name}' to search.")
    return PROPERTIES[name]


def _mentions(row: Row, text: str) -> bool:
    return not text or any(text in _text(value(row)) for value in PROPERTIES.values())


def _listed(wanted: Mapping[str, Any], name: str) -> list[Any]:
    items = wanted.get(name) or []
    if not isinstance(items, list):
        raise Refusal(400, "InvalidParameter", f"{name} is not a list.")
    return items


def _text(value: Any) -> str:
    return "" if value is None else str(value).casefold()
