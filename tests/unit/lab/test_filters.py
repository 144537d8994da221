# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of OData's $filter the lab's Monitor understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.roles.lab.files.citrix_site.filters import (
    FilterError,
    parse,
)

KEY = "aaaaaaaa-0000-0000-0000-00000000000a"
ROWS: list[dict[str, Any]] = [
    {"Id": 1, "Name": "PC1", "At": "2026-03-01T08:00:00.000Z", "Key": KEY},
    {"Id": 2, "Name": "it's", "At": None, "Key": None},
    {"Id": 3, "Name": "pc1", "At": "2026-03-01T08:00:00.500Z", "Key": None},
]  # fmt: skip


def getter(path: str) -> Callable[[dict[str, Any]], Any]:
    return lambda row: row[path.rpartition("/")[2]]


def found(text: str) -> list[int]:
    predicate = parse(text, getter)
    return [row["Id"] for row in ROWS if predicate(row)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Id eq 2", [2]),
        ("Id ne 2", [1, 3]),
        ("Id gt 1 and Id le 2", [2]),
        ("Id eq 1 or Id eq 2 and Id eq 3", [1]),
        ("(Id eq 1 or Id eq 3) and Id eq 3", [3]),
        ("not (Id eq 1) and not Id eq 2", [3]),
        ("Id in (1,3)", [1, 3]),
        ("Name eq 'PC1'", [1]),
        ("Name eq 'it''s'", [2]),
        ("Navigation/Name eq 'PC1'", [1]),
        ("At ge 2026-03-01T08:00:00Z", [1, 3]),
        ("At gt 2026-03-01T08:00:00Z", [3]),
        ("At ge 2026-03-01T09:00:00.1234567+01:00", [3]),
        ("At lt 2026-03-02", [1, 3]),
        ("At eq null", [2]),
        ("At ne null", [1, 3]),
        (f"Key eq {KEY.upper()}", [1]),
    ],
)
def test_a_filter_finds(text: str, ids: list[int]) -> None:
    assert found(text) == ids


@pytest.mark.parametrize(
    "text",
    [
        "Id",
        "Id eq",
        "Id eq 1 Id eq 2",
        "(Id eq 1",
        "Id like 1",
        "Id eq 'a",
        "At ge datetime'2026-03-01T08:00:00'",
        "At ge '2026-03-01' and",
        "At ge 2026-13-01",
        "contains(Name,'PC')",
        "Id eq 1; drop",
    ],
)
def test_what_is_not_understood_is_an_error(text: str) -> None:
    with pytest.raises(FilterError):
        found(text)


def test_values_of_two_types_cannot_be_ordered() -> None:
    with pytest.raises(FilterError):
        found("Id gt 'a'")


@given(st.text(max_size=30))
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    try:
        parse(text, getter)
    except FilterError:
        return
