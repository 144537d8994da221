# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a YAML text means to us, and where its fields stand."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import yaml_text
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.yaml_text import TextError, parse

_texts = st.text(max_size=20)
_data = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@given(_data)
def test_what_was_written_is_read(data: Any) -> None:
    text = yaml.dump(data, Dumper=_Quoting, allow_unicode=True)

    assert parse(text) == (data, [])


class _Quoting(yaml.SafeDumper):
    """Quotes every text and no other value, and never uses anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        _data, problems = parse(text)
    except TextError as error:
        problems = [error.problem]
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + 2
    assert all(p.line is None or 1 <= p.line <= lines + len(text) for p in problems)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("NO", "NO"),
        ("~", None),
        ("", None),
        ("null", None),
        ("1200", 1200),
        ("-3", -3),
        ("0631", 631),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1.5", 1.5),
        (".nan", ".nan"),
        ("2026-03-02", "2026-03-02"),
        ("9" * 5000, "9" * 5000),
        ("{{ x }}", None),
        ('"{{ x }}"', "{{ x }}"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_words_without_quotes(word: str, value: object) -> None:
    data, problems = parse(f"field: {word}")

    if word == "{{ x }}":  # a mapping whose field is a mapping
        assert problems
    else:
        assert (data, problems) == ({"field": value}, [])
        assert type(data["field"]) is type(value)


def test_ampersands_in_names_are_no_anchors() -> None:
    assert parse("name: Berg & Dal\nother: '&x *y'")[0] == {
        "name": "Berg & Dal",
        "other": "&x *y",
    }


def test_many_aliases_are_refused_before_they_grow() -> None:
    text = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)
    )

    with pytest.raises(TextError) as refused:
        parse(text)

    assert refused.value.problem.line == 1


def test_errors_do_not_carry_the_text_along() -> None:
    with pytest.raises(TextError) as refused:
        parse("surname: Tolvansson: x")

    assert refused.value.__suppress_context__
    assert "Tolvansson" not in str(refused.value)


def test_lines_of_fields_items_and_what_is_missing() -> None:
    text = "# people\npeople:\n  - name: a\n    unit: b\n  -\n    name: c\n"

    assert yaml_text.lines_of(
        text,
        [
            (),
            ("people",),
            ("people", 0),
            ("people", 0, "unit"),
            ("people", 1, "name"),
            ("people", 1, "unit"),
            ("people", 7),
            ("units", 0, "id"),
        ],
    ) == [2, 2, 3, 4, 6, 6, 2, 2]


def test_paths_as_people_write_them() -> None:
    assert yaml_text.show_path(("people", 3, "assignments", 0, "from")) == (
        "people[3].assignments[0].from"
    )
    assert yaml_text.show_path((0, "a")) == "[0].a"
    assert yaml_text.show_path(()) == ""


def test_names_that_others_chose_are_shown_on_one_line() -> None:
    assert yaml_text.short("a\nb\u200fc") == r"a\x0ab\u200fc"
    assert yaml_text.short("x" * 100) == "x" * 59 + "…"
    assert yaml_text.short("19121212-1212") == "********-****"
