# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a record checked one by one, and every fault said in words.

The validation library reads the dataclasses of records.model. Its own messages quote values, so
none is used: each of its error types has words here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import model
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record

from .yaml_text import Path

# What a pattern of the model asks for. A test holds this table and the model together.
PATTERNS = {
    model.ID: "2 to 40 of a-z, 0-9 and hyphens, a letter first and no hyphen last",
    model.COMPUTER: "a computer name of 1 to 15 of A-Z, a-z, 0-9 and hyphens, no hyphen first",
    model.PRINTABLE: "printable text (RFC 4517): A-Z, a-z, 0-9, spaces and '()+,-./:=?",
    model.CLIENT_NAME: "the name of a Citrix client: 1 to 20 of A-Z, a-z, 0-9 and _!#$%&'()@^`{}~-",
    model.MAIL: "an e-mail address of ASCII letters, digits and signs, name@example.se",
    model.PHONE: (
        "a telephone number of 3 to 31 digits, spaces, hyphens and brackets, a digit first and "
        "last, or + before it"
    ),
    model.MAC: "a MAC address, 00:11:22:33:44:55",
    model.IPV4: "an IPv4 address, 192.0.2.1",
    model.PEPPOL: "a Peppol id: four digits, a colon, 1 to 50 of A-Z, a-z and 0-9",
    model.POSTAL_CODE: "a postal code of five digits, 831 31",
}

_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "bool_type": lambda _: "expected true or false",
    "dataclass_type": lambda _: "expected a group of fields (field: value)",
    "greater_than_equal": lambda ctx: f"expected a whole number of {ctx['ge']} or more",
    "int_type": lambda _: "expected a whole number",
    "literal_error": lambda ctx: f"expected {ctx['expected'].replace(chr(39), '')}",
    "missing": lambda _: "expected this field; it is missing",
    "string_pattern_mismatch": lambda ctx: (
        f"expected {PATTERNS.get(ctx['pattern'], 'another form')}"
    ),
    "string_too_long": lambda ctx: f"expected at most {ctx['max_length']} characters",
    "string_type": lambda _: "expected text in quotes",
    # Of a text that was parsed the library says "Value".
    "too_long": lambda ctx: (
        f"expected at most {ctx['max_length']} "
        f"{'characters' if ctx['field_type'] == 'Value' else 'items'}"
    ),
    "too_short": lambda ctx: f"expected at least {ctx['min_length']} item",
    "tuple_type": lambda _: "expected a list",
    "unexpected_keyword_argument": lambda _: (
        "expected a field that docs/reference/record-fields.md lists; this one is unknown"
    ),
    "value_error": lambda ctx: str(ctx["error"]),
}

Fault = tuple[str, Path, str]


def check_fields(parts: Mapping[str, Any]) -> tuple[Record | None, list[Fault]]:
    """The record of the given parts, and every fault as (part, path, message).

    A part that is not given makes no record, and no fault either: its absence was reported where
    it was read.
    """
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(json.dumps(parts), strict=True), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    # An invalid item counts as no item: "at least 1" would be said of a list that has one.
    places = {place[:end] for e in found for place in (e["loc"],) for end in range(len(place))}
    return None, [
        (str(e["loc"][0]), e["loc"][1:], expectation(e["type"], e.get("ctx", {})))
        for e in found
        if e["loc"] and not (e["type"] == "too_short" and e["loc"] in places)
        if e["loc"][0] in parts
    ]


def expectation(kind: str, context: Mapping[str, Any]) -> str:
    """What was expected, for an error type of the validation library and its context."""
    words = _WORDS.get(kind)
    return words(context) if words else "expected a valid value"


def dump(record: Record) -> bytes:
    """The record as JSON in the form that records.payload reads; defaults are left out."""
    return bytes(_adapter().dump_json(record, by_alias=True, exclude_defaults=True))


@cache
def _adapter() -> Any:
    # Imported here: 0.2 s that only the process which reads the records has to pay.
    from pydantic import TypeAdapter

    return TypeAdapter(Record)
