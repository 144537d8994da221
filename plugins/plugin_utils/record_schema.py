# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published JSON Schemas and reference pages, made from the model and the catalogue.

``python -m ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_schema docs`` writes
them; a test fails when what is published differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import (
    EXTENSIONS,
    SERVICES,
    Price,
    Service,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    OPENING_HOURS,
    RIGHT,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import PARTS

from .record_files import PART_FILES
from .validation import PATTERNS

Schema = dict[str, Any]

_MADE = (
    "<!-- Made by plugins/plugin_utils/record_schema.py from the record's model: do not edit. -->"
)
_SERVICE_COUNT_FOR_LINK = 30  # a longer list of values is that of the services
_ITEMS = {"minItems": "at least", "maxItems": "at most"}
# The patterns that only editors go by: the validator parses these texts.
_FORMS = {
    r"^(SE|TST[A-Z0-9]*)[0-9]{10}-[A-Za-z0-9]{1,18}$": "HSA-id",
    r"^[0-9]{6}-?[0-9]{4}$": "organisationsnummer, `NNNNNN-NNNN`",
    r"^[0-9]{8}[-+]?[0-9]{4}$": "`YYYYMMDD-NNNN`",
    OPENING_HOURS: "days#from#to, `1-5#08:00#17:00`",
    RIGHT: "activity;information type;scope, `Läsa;alla;SJF`",
}
_PER = {
    "group_month": "kr/month/group",
    "unit_year": "kr/year/unit",
    "listed_patient_year": "kr/year/listed patient",
    "extension_month": "kr/month/extension",
}


def pages() -> dict[str, str]:
    """Every generated page: its text by its path below docs/."""
    schemas = {f"schema/{part}.schema.json": _json(schema(part)) for part in PARTS}
    return {
        **schemas,
        "reference/record-fields.md": fields_page(),
        "reference/services.md": services_page(),
    }


def schema(part: str) -> Schema:
    """The JSON Schema (2020-12) of a part's file, as an editor reads it by the file's modeline."""
    from pydantic import TypeAdapter

    made = TypeAdapter(PARTS[part]).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_titles(made),
        "title": PART_FILES[part],
    }


def fields_page() -> str:
    """The field reference: a table for each group of fields, in the order of the files."""
    lines = [_MADE, "", "# Fields of a record", ""]
    lines += ["Every field of the three files. Days are `YYYY-MM-DD`.", ""]
    for part in PARTS:
        made = schema(part)
        lines += [f"## {PART_FILES[part]}", ""]
        lines += _table(made)
        for name in _in_order(made, made["$defs"]):
            lines += [f"### {name}", "", *_table(made["$defs"][name])]
    return "\n".join(lines)


def services_page() -> str:
    """The services of the annex by section, with what the region asks and takes for them."""
    lines = [_MADE, "", "# Services", ""]
    lines += [
        "Every row of the annex's tables. The key is what a record names. Prices exclude VAT; a",
        "price holds on its days only. *With* names the services that it comes with.",
        "",
    ]
    for section in sorted({service.section for service in SERVICES.values()}):
        lines += [
            f"## Annex {section}",
            "",
            "| Key | Service | Part of | Comes | Debited | Price | With | Needs | Provisioning |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_service_row(s) for s in SERVICES.values() if s.section == section),
            "",
        ]
    kinds = ", ".join(f"`{kind}`: {SERVICES[key].name}" for kind, key in EXTENSIONS.items())
    return "\n".join([*lines, f"Kinds of extension in a record: {kinds}.", ""])


def _json(made: Schema) -> str:
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def _without_titles(node: Any) -> Any:
    """Titles repeat the field's name, and editors would show both."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {k: v for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    return {key: _without_titles(value) for key, value in kept.items()}


def _in_order(node: Any, groups: Schema, seen: dict[str, None] | None = None) -> list[str]:
    """The groups of fields that a schema refers to, each after the one that mentions it first."""
    seen = {} if seen is None else seen
    if isinstance(node, dict):
        name = str(node.get("$ref", "")).removeprefix("#/$defs/")
        if name and name not in seen:
            seen[name] = None
            _in_order(groups[name], groups, seen)
        children = [value for key, value in node.items() if key != "$defs"]
    else:
        children = node if isinstance(node, list) else []
    for child in children:
        _in_order(child, groups, seen)
    return list(seen)


def _table(group: Schema) -> Iterator[str]:
    yield from (str(group["description"]), "")
    yield "| Field | Value | Needed | Meaning |"
    yield "|---|---|---|---|"
    for name, value in group["properties"].items():
        needed = "yes" if name in group.get("required", ()) else _default(value)
        meaning = _cell(value.get("description", ""))
        yield f"| `{name}` | {_value_words(value)} | {needed} | {meaning} |"
    yield ""


def _default(value: Schema) -> str:
    default = value.get("default")
    return "no" if default in (None, [], "") else f"no, `{json.dumps(default)}`"


def _value_words(value: Schema) -> str:
    """What a field holds, in words."""
    if "anyOf" in value:
        return _value_words(next(kind for kind in value["anyOf"] if kind.get("type") != "null"))
    if "$ref" in value:
        name = value["$ref"].removeprefix("#/$defs/")
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        if len(value["enum"]) > _SERVICE_COUNT_FOR_LINK:
            return "[service](services.md)"
        return ", ".join(f"`{item}`" for item in value["enum"])
    if value.get("type") == "array":
        limits = [f"{word} {value[key]}" for key, word in _ITEMS.items() if key in value]
        return ", ".join([f"list of {_value_words(value['items'])}", *limits])
    if value.get("format") == "date":
        return "day"
    if value.get("type") == "string":
        return _text_words(value)
    if value.get("type") == "integer":
        return f"whole number, {value['minimum']} or more"
    return "`true`, `false`"


def _text_words(value: Schema) -> str:
    if "pattern" in value:
        return {**PATTERNS, **_FORMS}[value["pattern"]]
    return f"text, at most {value['maxLength']} characters"


def _service_row(service: Service) -> str:
    name = service.name + "".join(f"<br>{alias}" for alias in service.aliases)
    cells = (
        f"`{service.key}`",
        name + (" (read only)" if service.read_only else ""),
        f"`{service.package}`" if service.package else "",
        _plain(f"{service.obligation}, {service.comes}"),
        _plain(service.debit),
        "<br>".join(map(_price_words, service.prices)),
        ", ".join(f"`{key}`" for key in service.requires),
        _plain(", ".join(service.preconditions)),
        _plain(service.provisioning + (f" ({service.recipient})" if service.recipient else "")),
    )
    return f"| {' | '.join(map(_cell, cells))} |"


def _price_words(price: Price) -> str:
    about = "about " if price.approximate else ""
    until = f" to {price.valid_to}" if price.valid_to else ""
    by = ", billed by the supplier" if price.billed_by == "supplier" else ""
    return f"{about}{price.amount} {_PER[price.per]} from {price.valid_from}{until}{by}"


def _plain(code: str) -> str:
    return code.replace("_", " ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(directory: Path) -> None:
    """Writes every page below the directory."""
    for name, text in pages().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
