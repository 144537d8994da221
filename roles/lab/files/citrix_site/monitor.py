# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor's OData: four entities, of which one reads pages of 100 rows.

Fields: developer-docs.citrix.com, how-to-get-{sessions,users,connections}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .answers import Answer, Call
from .filters import FilterError, parse
from .site import Site
from .store import Row

ROOT = "/Citrix/Monitor/OData/v4/Data"
PAGE = 100
TYPE = "application/json; odata.metadata=minimal"

_DATES = (
    "LogOnStart LogOnEnd Brokering Disconnect VMStartStart VMStartEnd ClientSessionValidate "
    "ServerSessionValidate Establishment HdxStart HdxEnd GpoStart GpoEnd LogOnScriptsStart "
    "LogOnScriptsEnd ProfileLoadStart ProfileLoadEnd InteractiveStart InteractiveEnd "
)
_FIELDS = {
    "Connections": "Id ClientName ClientAddress ClientVersion ClientPlatform ConnectedViaHostName "
    "ConnectedViaIPAddress LaunchedViaHostName LaunchedViaIPAddress Protocol IsReconnect "
    "IsSecureIca BrokeringDuration AuthenticationDuration DisconnectCode "
    + _DATES.replace(" ", "Date ")
    + "SessionKey CreatedDate ModifiedDate",
    "Sessions": "SessionKey StartDate LogOnDuration EndDate ExitCode FailureId FailureDate "
    "ConnectionState SessionIdleTime ConnectionStateChangeDate LifecycleState CurrentConnectionId "
    "UserId MachineId SessionType IsAnonymous CreatedDate ModifiedDate",
    "Users": "Id Sid Upn UserName FullName Domain CreatedDate ModifiedDate",
    "Machines": "Id Sid Name DnsName IPAddress LifecycleState DesktopGroupId CatalogId "
    "CurrentRegistrationState CurrentSessionCount FaultState OSType AgentVersion CreatedDate "
    "ModifiedDate",
}
FIELDS = {entity: tuple(names.split()) for entity, names in _FIELDS.items()}
# Navigation to one row: entity, and the field that has its key.
TO_ONE = {
    "Connections": {"Session": ("Sessions", "SessionKey")},
    "Sessions": {
        "User": ("Users", "UserId"),
        "Machine": ("Machines", "MachineId"),
        "CurrentConnection": ("Connections", "CurrentConnectionId"),
    },
    "Users": {},
    "Machines": {},
}
# Navigation to many: entity, and its field that has our key.
TO_MANY = {
    "Sessions": {"Connections": ("Connections", "SessionKey")},
    "Users": {"Sessions": ("Sessions", "UserId")},
    "Machines": {"Sessions": ("Sessions", "MachineId")},
    "Connections": {},
}
KEYS = {"Sessions": "SessionKey"}


class QueryError(ValueError):
    """A query that the service does not understand."""


@dataclass(frozen=True)
class Shape:
    """What of a row is shown: its fields, and what hangs on it."""

    entity: str
    fields: tuple[str, ...]
    expand: dict[str, Shape] = field(default_factory=dict)


@dataclass
class Monitor:
    """Answers queries. The rows that a query found are kept until a table is written to."""

    site: Site
    found: dict[tuple[Any, ...], list[Row]] = field(default_factory=dict)
    links: dict[tuple[str, str], tuple[int, dict[Any, list[Row]]]] = field(default_factory=dict)

    def answer(self, call: Call) -> Answer:
        """One page, or the error that OData has for a query it does not understand (400)."""
        entity = call.path[len(ROOT) :].strip("/")
        if entity == "":
            return Answer(200, {"value": [{"name": name, "url": name} for name in FIELDS]})
        if entity not in FIELDS:
            return _error(404, f"Resource not found for the segment '{entity}'.")
        try:
            return self._page(entity, call)
        except (FilterError, QueryError) as error:
            return _error(400, str(error))

    def _page(self, entity: str, call: Call) -> Answer:
        unknown = call.query.keys() - QUERY
        if unknown:
            raise QueryError(f"The query option '{min(unknown)}' is not supported.")
        shape = _shape(entity, call.query.get("$select", ""), call.query.get("$expand", ""))
        rows = self._rows(entity, call.query.get("$filter", ""), call.query.get("$orderby", ""))
        if self.site.faults.strike("blind", call.method, call.path):
            rows = []
        start, most = _number(call, "$skip", 0), _number(call, "$top", len(rows))
        page = rows[start : start + min(PAGE, most)]
        body: dict[str, Any] = {"@odata.context": f"{_url(call)}{ROOT}/$metadata#{entity}"}
        if call.query.get("$count") == "true":
            body["@odata.count"] = len(rows)
        if self.site.faults.strike("short_page", call.method, call.path):
            return Answer(
                200, {**body, "value": [self._shown(r, shape) for r in page[: len(page) // 2]]}
            )
        body["value"] = [self._shown(row, shape) for row in page]
        if most > PAGE and start + PAGE < len(rows):
            step = 0 if self.site.faults.strike("repeat", call.method, call.path) else PAGE
            body["@odata.nextLink"] = _next(call, start + step, most - step)
        return Answer(200, body)

    def _rows(self, entity: str, text: str, order: str) -> list[Row]:
        """What a filter finds, in order of the key, or as told."""
        version = sum(table.version for table in self.site.monitor.values())
        key = (entity, text, order, version)
        if key not in self.found:
            predicate = parse(text, lambda path: self._getter(entity, path)) if text else _any
            rows = [row for row in self.site.monitor[entity] if predicate(row)]
            for path, descending in reversed(_ordering(order) or [(KEYS.get(entity, "Id"), False)]):
                value = self._getter(entity, path)
                rows.sort(key=_nulls_first(value), reverse=descending)
            self.found = {k: v for k, v in self.found.items() if k[-1] == version} | {key: rows}
        return self.found[key]

    def _getter(self, entity: str, path: str) -> Callable[[Row], Any]:
        """The value at `Field` or `Navigation/Field` of a row; null where nothing hangs there."""
        name, _slash, rest = path.partition("/")
        if not rest:
            if name not in FIELDS[entity]:
                raise QueryError(f"Could not find a property named '{name}' on type '{entity}'.")
            return lambda row: row.get(name)
        if name not in TO_ONE[entity]:
            raise QueryError(f"Could not find a property named '{name}' on type '{entity}'.")
        other, key = TO_ONE[entity][name]
        inner, table = self._getter(other, rest), self.site.monitor[other]
        return lambda row: inner(table.get(row.get(key)) or {})

    def _shown(self, row: Row, shape: Shape) -> Row:
        shown = {name: row.get(name) for name in shape.fields}
        for name, inner in shape.expand.items():
            shown[name] = self._expanded(row, shape.entity, name, inner)
        return shown

    def _expanded(self, row: Row, entity: str, name: str, shape: Shape) -> Any:
        if name in TO_ONE[entity]:
            other, key = TO_ONE[entity][name]
            found = self.site.monitor[other].get(row.get(key))
            return None if found is None else self._shown(found, shape)
        other, key = TO_MANY[entity][name]
        rows = self._linked(other, key).get(row[KEYS.get(entity, "Id")], [])
        return [self._shown(found, shape) for found in rows]

    def _linked(self, entity: str, key: str) -> dict[Any, list[Row]]:
        """The rows of an entity by what they refer to."""
        table = self.site.monitor[entity]
        version, by_key = self.links.get((entity, key), (-1, {}))
        if version != table.version:
            by_key = {}
            for row in table:
                by_key.setdefault(row.get(key), []).append(row)
            self.links[entity, key] = (table.version, by_key)
        return by_key


QUERY = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count"}


def _any(_row: Row) -> bool:
    return True


def _nulls_first(value: Callable[[Row], Any]) -> Callable[[Row], Any]:
    def key(row: Row) -> tuple[bool, Any]:
        found = value(row)
        return (found is not None, found if found is not None else 0)

    return key


def _ordering(text: str) -> list[tuple[str, bool]]:
    paths = []
    for part in filter(None, text.split(",")):
        path, _blank, direction = part.strip().partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise QueryError(f"Syntax error in '$orderby={text}'.")
        paths.append((path, direction.strip() == "desc"))
    return paths


def _shape(entity: str, select: str, expand: str) -> Shape:
    """What $select and $expand ask for; the latter as `A,B($select=X;$expand=C)`."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    fields = tuple(names) if names and names != ["*"] else FIELDS[entity]
    for name in fields:
        if name not in FIELDS[entity]:
            raise QueryError(f"Could not find a property named '{name}' on type '{entity}'.")
    return Shape(entity, fields, dict(_expansions(entity, expand)))


def _expansions(entity: str, text: str) -> Iterable[tuple[str, Shape]]:
    for part in _split(text, ","):
        found = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", part)
        name = found[1] if found else part
        if not found or name not in TO_ONE[entity] | TO_MANY[entity]:
            raise QueryError(f"Could not find a property named '{name}' on type '{entity}'.")
        options = dict(option.strip().partition("=")[::2] for option in _split(found[2] or "", ";"))
        if options.keys() - {"$select", "$expand"}:
            raise QueryError(f"Only $select and $expand are supported within $expand={name}.")
        other = (TO_ONE[entity] | TO_MANY[entity])[name][0]
        yield name, _shape(other, options.get("$select", ""), options.get("$expand", ""))


def _split(text: str, mark: str) -> Sequence[str]:
    """The parts of a text between marks that stand outside parentheses."""
    parts, depth, begin = [], 0, 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == mark and depth == 0:
            parts.append(text[begin:position])
            begin = position + 1
    return [part for part in (*parts, text[begin:]) if part.strip()]


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isdecimal():
        raise QueryError(f"Invalid value '{text}' for {name}.")
    return int(text)


def _next(call: Call, start: int, most: int) -> str:
    """The address of the next page: by $skip, as ASP.NET's OData does (inferred)."""
    query = {**call.query, "$skip": str(start)}
    if "$top" in query:
        query["$top"] = str(most)
    text = "&".join(f"{quote(name, safe='$')}={quote(value)}" for name, value in query.items())
    return f"{_url(call)}{call.path}?{text}"


def _url(call: Call) -> str:
    return f"https://{call.headers.get('host', 'localhost')}"


def _error(code: int, message: str) -> Answer:
    return Answer(code, {"error": {"code": "", "message": message}})
