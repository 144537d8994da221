# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import model
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    PARTS,
    Assignment,
    Person,
    Record,
    from_json,
)

Make = Callable[..., Record]

CLASSES = [
    kind
    for kind in vars(model).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind not in (model.Checked, Record)
]
# ADAPTER validates and writes as the controller does.
ADAPTER = TypeAdapter(Record)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type, whatever they say."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if get_origin(hint) in (Union, UnionType):
        return st.none() | values(next(kind for kind in arguments if kind is not NoneType))
    if get_origin(hint) is Literal:
        return st.sampled_from(arguments)
    if is_dataclass(hint):
        return objects(hint)
    return {
        dt.date: st.dates(),
        bool: st.booleans(),
        int: st.integers(0, 10**6),
        str: st.text(st.characters(codec="utf-8"), max_size=3),
    }[hint]


def objects(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: values(hints[f.name]) for f in fields(kind)})


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(objects(Record))
def test_record_survives_the_way_to_a_module_as_json(record: Record) -> None:
    sent = ADAPTER.dump_json(record, by_alias=True, exclude_defaults=True)
    assert from_json(Record, json.loads(sent)) == record


def test_valid_record_passes_the_validation_library_unchanged(make: Make) -> None:
    record = make()
    sent = ADAPTER.dump_json(record, by_alias=True)
    assert ADAPTER.validate_json(sent) == record


def test_python_words_keep_their_yaml_names(make: Make) -> None:
    data = ADAPTER.dump_python(make(), by_alias=True)
    assert data["staff"]["people"][0]["assignments"][0]["from"] == dt.date(2023, 9, 4)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_field_is_described_and_every_class_closed(kind: type) -> None:
    schema = TypeAdapter(kind).json_schema()
    assert schema["additionalProperties"] is False
    assert schema["description"] == kind.__doc__
    for name, field in schema["properties"].items():
        assert field.get("description", "").endswith("."), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_required_in_the_schema_is_required_in_python(kind: Any) -> None:
    required = {
        f.metadata.get("alias", f.name)
        for f in fields(kind)
        if f.default is MISSING and f.default_factory is MISSING
    }
    assert set(TypeAdapter(kind).json_schema().get("required", [])) == required


def test_objects_cannot_be_changed(make: Make) -> None:
    with pytest.raises(AttributeError):
        make().agreement.name = "x"  # type: ignore[misc]


def test_repr_of_a_record_shows_nobody(make: Make) -> None:
    record = make({("agreement", "organisation_number"): "9903312420"})
    shown = repr(record)
    assert "exempel" in shown
    for secret in ("1015", "9903312420", "Birger'", "Lavskrika', pos", "Hjortronmyr"):
        assert secret not in shown


def person(**changes: Any) -> dict[str, Any]:
    given = {
        "personnummer": "18870312-1015",
        "given_name": "Birger",
        "surname": "Lavskrika",
        "assignments": [{"unit": "norr", "kind": "employed", "from": "2023-09-04"}],
    }
    return given | changes


def test_person_is_read_as_written_in_yaml() -> None:
    read = TypeAdapter(Person).validate_python(person(previous_numbers=["18870372-1012"]))
    assert read.number == "188703121015"
    assert read.numbers == ("188703121015", "188703721012")
    assert read.assignments[0] == Assignment(
        unit="norr", kind="employed", from_=dt.date(2023, 9, 4)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"personnummer": "18870312-1016"},
        {"personnummer": 188703121015},
        {"home_address": "Påhittsvägen 7"},
        {"given_name": "a\nb"},
        {"surname": 129 * "a"},
        {"licences": [{"title": "Trollkarl"}]},
        {"hsa_id": "SE1-1"},
        {"mail": "x"},
        {"phone": "ring mig"},
        {"cards": [{"loa": 4}]},
        {"ref": "Å"},
        {"protected": "kanske"},
        {"assignments": []},
        {"assignments": [{"unit": "norr", "kind": "employed", "from": 20230904}]},
        {"assignments": [{"unit": "norr", "kind": "employed", "from_": "2023-09-04"}]},
        {"assignments": [{"unit": "norr", "kind": "owner", "from": "2023-09-04"}]},
        {"administers": ["kaffemaskinen"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_field_that_is_wrong_is_refused_at_its_place(changes: dict[str, Any]) -> None:
    adapter = TypeAdapter(Person)
    adapter.validate_python(person())
    with pytest.raises(ValidationError) as error:
        adapter.validate_python(person(**changes))
    assert {e["loc"][0] for e in error.value.errors()} == changes.keys()


def test_person_without_a_number_has_none() -> None:
    read = TypeAdapter(Person).validate_python(person(personnummer=None))
    with pytest.raises(ValueError, match="expected either personnummer or samordningsnummer"):
        _number = read.number


def test_parts_are_the_three_files() -> None:
    assert {name: PARTS[name] for name in get_type_hints(Record)} == get_type_hints(Record)
