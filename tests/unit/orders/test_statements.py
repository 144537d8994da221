# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files of registers: a bad line is one clear error without values, and blocks no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.lines import InboxError
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.statements import parse
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number

GOOD: dict[str, dict[str, Any]] = {
    "folkbokforing": {
        "personal_number": number(1), "register": "folkbokforing", "day": str(TODAY),
        "status": "living", "protected": "no", "given_name": "Anna", "surname": "Ek",
    },
    "hosp": {
        "personal_number": number(1), "register": "hosp", "day": str(TODAY),
        "licences": ["Läkare"], "withdrawn": "Sjuksköterska",
    },
}  # fmt: skip
CANARY = "Kanariefågel"
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("folkbokforing", {"personal_number": "191212121213"}, "personal_number: "),
    ("folkbokforing", {"personal_number": None}, "personal_number: expected"),
    ("folkbokforing", {"register": CANARY}, "register: expected one of"),
    ("folkbokforing", {"day": "2026-03-03"}, "day: expected a day that is not after today"),
    ("folkbokforing", {"day": CANARY}, "day: expected a day, YYYY-MM-DD"),
    ("folkbokforing", {"status": CANARY}, "status: expected one of living, deceased, emigrated"),
    ("folkbokforing", {"status": None}, "status: expected one of"),
    ("folkbokforing", {"protected": ""}, "protected: expected one of yes, no"),
    ("folkbokforing", {"protected": True}, "protected: expected a text"),
    ("folkbokforing", {"surname": ""}, "surname: expected given name and surname together"),
    ("folkbokforing", {"given_name": CANARY + "\x00"}, "given_name: expected one line"),
    ("hosp", {"licences": [CANARY]}, "licences: expected a licensed profession: "),
    ("hosp", {"licences": None}, "licences: expected those that HOSP has, empty where it has none"),
    ("hosp", {"withdrawn": ["Läkare"]}, "withdrawn: expected none of those that HOSP has"),
    ("hosp", {"withdrawn": [1]}, "withdrawn: expected a text"),
]


@pytest.mark.parametrize(("register", "changes", "error"), BAD)
def test_a_bad_line_is_one_error_that_says_what_was_expected(
    register: str, changes: dict[str, Any], error: str
) -> None:
    values = [GOOD["hosp"], GOOD[register] | changes, GOOD["folkbokforing"]]
    lines = parse("svar.json", json.dumps(values).encode(), TODAY).lines
    assert [bool(line.said) for line in lines] == [True, False, True]
    assert lines[1].error.startswith(error)
    assert CANARY not in lines[1].error


def test_headings_that_are_missing_refuse_the_file() -> None:
    with pytest.raises(InboxError, match="expected Personnummer among them"):
        parse("svar.csv", b"Register;Datum\n", TODAY)


def test_a_file_of_hosp_without_the_column_of_licences_says_nothing_of_anybody() -> None:
    text = f"Personnummer;Register;Datum\n{number(1)};HOSP;{TODAY}\n"
    (line,) = parse("svar.csv", text.encode(), TODAY).lines
    assert line.error.startswith("licences: ")


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), max_size=6), st.booleans())
def test_bad_lines_never_block_good_ones(bad: list[str | None], is_csv: bool) -> None:
    heads = "Personnummer;Register;Datum;Status;Skyddade personuppgifter;Legitimation"
    good = f"{number(1)};folkbokföring;{TODAY};levande;nej;"
    if not is_csv:
        good = json.dumps(GOOD["folkbokforing"])
    texts = [
        good if text is None else "x" + text.replace("\n", "").replace("\r", "") for text in bad
    ]
    content = "\n".join([*([heads] if is_csv else []), good, *texts]).encode(errors="replace")
    lines = parse("svar.csv" if is_csv else "svar.jsonl", content, TODAY).lines
    said = [line.said for line in lines if line.said]
    assert len(said) == 1 + bad.count(None)
    assert all(bool(line.said) is not bool(line.error) for line in lines)
    assert all(number(1) not in line.error for line in lines)
