# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model, the published JSON Schemas and the reference pages say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import model
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_schema, validation
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.yaml_text import parse

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "inventories/lab/providers").glob("*/*.yml"))


@pytest.mark.parametrize("name", record_schema.pages())
def test_published_pages_are_made_from_the_model(name: str) -> None:
    published = (ROOT / "docs" / name).read_text(encoding="utf-8")

    assert published == record_schema.pages()[name], "make the pages again: see record_schema.py"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: "/".join(path.parts[-2:]))
def test_examples_fit_the_schema_that_they_name(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    (named,) = (line for line in text.splitlines() if "$schema=" in line)
    schema_file = example.parent / named.partition("$schema=")[2]

    jsonschema.Draft202012Validator(json.loads(schema_file.read_text())).validate(parse(text)[0])
    assert schema_file.name == f"{example.stem}.schema.json"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 15


@pytest.mark.parametrize(
    ("part", "bad"),
    [
        ("staff", {"people": [], "extra": 1}),
        ("staff", {"people": "nobody"}),
        ("staff", {}),
        ("staff", {"people": [{"given_name": "A", "surname": "B", "assignments": []}]}),
        ("equipment", {"workstations": [{"name": "Ö", "unit": "ab"}]}),
        ("equipment", {"workstations": [{"name": "A", "unit": "ab", "attested": 20250101}]}),
    ],
)
def test_editor_and_validator_refuse_the_same(part: str, bad: dict[str, Any]) -> None:
    editor = jsonschema.Draft202012Validator(record_schema.schema(part))

    assert list(editor.iter_errors(bad))
    assert validation.check_fields({part: bad})[1]


def test_every_pattern_has_words_and_all_words_are_used() -> None:
    used = {
        f.metadata["pattern"]
        for kind in vars(model).values()
        if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")
        for f in fields(kind)
        if "pattern" in f.metadata
    }

    assert used == validation.PATTERNS.keys()


def test_editor_knows_the_same_longest_texts() -> None:
    """A limit of a field goes before the limit of all texts."""
    published = {
        (group, name): value
        for part in model.PARTS
        for group, made in _groups(record_schema.schema(part))
        for name, value in made["properties"].items()
    }
    for (group, name), value in published.items():
        (field,) = (
            f for f in fields(getattr(model, group)) if f.metadata.get("alias", f.name) == name
        )
        if "max_length" in field.metadata:
            assert json.dumps(field.metadata["max_length"]) in _limits(value), (group, name)


def _groups(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from made["$defs"].items()


def _limits(value: dict[str, Any]) -> set[str]:
    kinds = [value, *value.get("anyOf", [])]
    return {json.dumps(k[key]) for k in kinds for key in ("maxLength", "maxItems") if key in k}


def test_services_page_lists_every_service_once() -> None:
    from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import (
        SERVICES,
    )

    page = record_schema.services_page()

    assert [key for key in SERVICES if page.count(f"\n| `{key}` |") != 1] == []
