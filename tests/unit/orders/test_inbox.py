# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files: every line gives a receipt or one clear error, and no error repeats a value."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.inbox import (
    InboxError,
    Line,
    Receipt,
    parse,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import number
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import ANNA, BO, key

HEADINGS = (
    "Beställningsnummer;Status;Datum;Kortnummer;Giltigt till;Utfärdare;Serienummer;SKI;Kod;"
    "Id-administratörer"
)
K = key("card")
DAY = dt.date(2026, 3, 9)
ACTIVE = Receipt(
    order=K,
    state="active",
    day=DAY,
    card_number="9752269876543210123",
    valid_to=dt.date(2031, 3, 8),
    issuer="CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE",
    serial="0A1B2C",
    ski="00FF10",
    code="ok",
    administrators=(ANNA, BO),
)
ACTIVE_CSV = (
    f"{K};Aktiv;2026-03-09;9752 2698 7654 3210 123;2031-03-08;"
    f'"CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE";0a:1b:2c;00ff10;ok;"{ANNA}, {BO}"'
)
ACTIVE_JSON = {
    "order": K,
    "state": "active",
    "day": "2026-03-09",
    "card_number": "9752269876543210123",
    "valid_to": "2031-03-08",
    "issuer": "CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE",
    "serial": "0A1B2C",
    "ski": "00FF10",
    "code": "ok",
    "administrators": [ANNA, BO],
}
SENT = Receipt(order=K, state="sent", day=DAY)
SENT_JSON = {"order": K, "state": "sent", "day": "2026-03-09"}


def read(text: str, name: str = "svar.csv") -> list[Receipt | str]:
    """What every line says: its receipt or its error."""
    return [line.said or line.error for line in parse(name, text.encode()).lines]


def short(*rows: str) -> str:
    return "\n".join(("Beställningsnummer;Status;Datum", *rows)) + "\n"


def one(state: str = "aktiv", **fields: str) -> str:
    """A line of ACTIVE_CSV's file with other fields, by heading."""
    values = {
        "Beställningsnummer": K,
        "Status": state,
        "Datum": "2026-03-09",
        "Kortnummer": "1234",
        "Giltigt till": "2031-03-08",
    } | {name.replace("_", " ").replace("Id ", "Id-"): value for name, value in fields.items()}
    return f"{';'.join(values)}\n{';'.join(values.values())}\n"


# --- CSV -----------------------------------------------------------------------------------------


def test_a_line_of_csv_gives_its_receipt() -> None:
    assert read(f"{HEADINGS}\n{ACTIVE_CSV}\n") == [ACTIVE]


@pytest.mark.parametrize(
    ("word", "state"),
    [("skickad", "sent"), ("AKTIV", "active"), ("Utförd", "done"), ("avslagen", "refused")],
)
def test_states_are_swedish_words(word: str, state: str) -> None:
    (receipt,) = read(short(f"{K};{word};2026-03-09"))
    assert isinstance(receipt, Receipt)
    assert receipt.state == state


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + short(f"{K};skickad;2026-03-09"),
        short(f"{K};skickad;2026-03-09").replace("\n", "\r\n"),
        short(f"{K};skickad;2026-03-09").replace(";", ","),
        short(f"{K.lower()}; skickad ;2026-03-09"),
        short("", f"{K};skickad;2026-03-09", " "),
        f"Datum;Handläggare;STATUS;beställningsnummer\n2026-03-09;Eva;skickad;{K}\n",
        f'"Beställningsnummer";"Status";"Datum"\n"{K}";"skickad";"2026-03-09"',
    ],
    ids=["bom", "crlf", "commas", "case and blanks", "empty lines", "own columns", "quotes"],
)
def test_the_senders_own_form_does_not_matter(text: str) -> None:
    assert read(text) == [SENT]


# As LibreOffice and Excel write rows that nobody filled in.
EMPTY_ROWS = st.sampled_from([";;;;;;;;;", ";;", ",,,", '"";"";""', " ; ;\t;", ";", ""])


@given(
    st.lists(EMPTY_ROWS, max_size=3), st.lists(EMPTY_ROWS, max_size=3),
    st.lists(EMPTY_ROWS, min_size=1, max_size=3), st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_empty_rows_of_a_sheet_say_nothing(
    above: list[str], between: list[str], below: list[str], end: str
) -> None:
    text = end.join((*above, HEADINGS, *between, ACTIVE_CSV, *below, ACTIVE_CSV, *below))
    answers = parse("svar.csv", text.encode())
    assert [line.said for line in answers.lines] == [ACTIVE, ACTIVE]
    assert answers.lines[0].number == len(above) + len(between) + 2


def test_a_row_that_holds_anything_is_no_empty_one() -> None:
    (bad,) = read(short(";;x"))
    assert isinstance(bad, str)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "headings"),
        (";;;\n;;;\n", "headings"),
        ("Status;Datum\n", "expected Beställningsnummer among them"),
        ("Beställningsnummer;Status\n", "expected Datum among them"),
        ("Beställningsnummer;Status;Datum;status\n", "expected Status once"),
        ('Beställningsnummer;Status;"Datum\n', "every quote closed"),
    ],
)
def test_without_its_headings_nothing_of_a_file_can_be_told(text: str, reason: str) -> None:
    with pytest.raises(InboxError, match=reason):
        read(text)


def test_a_file_that_is_no_text_is_refused_as_a_whole() -> None:
    with pytest.raises(InboxError, match="UTF-8"):
        parse("svar.csv", short(f"{K};utförd;2026-03-09").encode("latin-1"))


def test_a_file_that_is_called_neither_csv_nor_json_is_refused_as_a_whole() -> None:
    with pytest.raises(InboxError, match=r"\.csv"):
        parse("svar.xlsx", b"PK")


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("{K};skickad", "columns: expected 3"),
        ("{K};skickad;2026-03-09;x", "columns: expected 3"),
        ('{K};skickad;"2026-03-09', "columns: expected CSV, every quote closed on its line"),
        (";skickad;2026-03-09", "order: expected an order's number: four groups of four letters "
                                "A-Z and digits 2-7, hyphens between them"),
        ("ABCD-EFG1-AAAA-BBBB;skickad;2026-03-09", "order: expected an order's number"),
        ("{K};klar;2026-03-09", "state: expected one of skickad, aktiv, utförd, avslagen"),
        ("{K};;2026-03-09", "state: expected one of"),
        ("{K};skickad;", "day: expected a day, YYYY-MM-DD"),
        ("{K};skickad;9/3 2026", "day: expected a day, YYYY-MM-DD"),
        ("{K};skickad;2026-02-30", "day: expected a day that the calendar has"),
    ],
)  # fmt: skip
def test_a_bad_line_has_one_error_and_costs_no_other_line(row: str, error: str) -> None:
    good = f"{K};skickad;2026-03-09"
    first, bad, last = read(short(good, row.replace("{K}", K), good))
    assert (first, last) == (SENT, SENT)
    assert isinstance(bad, str)
    assert bad.startswith(error)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (
            {"Kortnummer": "9,75E+18"},
            "card_number: expected 4 to 32 letters A-Z, digits and hyphens",
        ),
        ({"Giltigt_till": "2031"}, "valid_to: expected a day, YYYY-MM-DD"),
        ({"Utfärdare": "CN=CA"}, "serial: expected issuer and serial number together"),
        ({"Serienummer": "0A"}, "serial: expected issuer and serial number together"),
        ({"Utfärdare": "CA", "Serienummer": "0A"}, "issuer: expected a distinguished name"),
        ({"Utfärdare": "CN=CA", "Serienummer": "XY"}, "serial: expected 1 to 32 pairs of hexadec"),
        ({"Utfärdare": "CN=CA", "Serienummer": "ABC"}, "serial: expected 1 to 32 pairs"),
        ({"Utfärdare": "CN=CA,", "Serienummer": "AB"}, "issuer: expected a distinguished name"),
        ({"SKI": "0xAB"}, "ski: expected 1 to 32 pairs of hexadecimal digits"),
        ({"Kod": "Sjukskriven på grund av"}, "code: expected a code"),
        ({"Id_administratörer": "Eva Ask"}, "administrators: expected an HSA-id"),
    ],
)
def test_a_bad_value_is_named_by_its_field(fields: dict[str, str], error: str) -> None:
    (bad,) = read(one(**fields))
    assert isinstance(bad, str)
    assert bad.startswith(error)


def test_lines_are_numbered_as_an_editor_numbers_them() -> None:
    lines = parse("svar.csv", short("", "x;y;z", "a;b;c").encode()).lines
    assert [line.number for line in lines] == [3, 4]


def test_only_the_chosen_lines_make_a_file_that_reads_again() -> None:
    answers = parse("svar.csv", short(f"{K};skickad;2026-03-09", "x;y;z", "a;b").encode())
    some = answers.only(answers.lines[1:])
    assert some.decode("utf-8-sig") == "Beställningsnummer;Status;Datum\nx;y;z\na;b\n"
    assert [line.raw for line in parse("svar.csv", some).lines] == ["x;y;z", "a;b"]


def test_the_chosen_lines_are_what_a_swedish_spreadsheet_opens() -> None:
    text = short("x;y;z")
    for sent in (text, "\ufeff" + text):
        answers = parse("svar.csv", sent.encode())
        assert answers.only(answers.lines) == text.encode("utf-8-sig")


def test_an_issuer_whose_escapes_make_no_text_is_refused() -> None:
    (line,) = read(one(**{"Utfärdare": r"CN=\ff", "Serienummer": "0a"}))
    assert isinstance(line, str)
    assert line.startswith("issuer: expected a distinguished name, as of RFC 4514")


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_objects_gives_their_receipts(indent: int | None) -> None:
    text = json.dumps([ACTIVE_JSON, SENT_JSON], indent=indent, ensure_ascii=False)
    assert read(text, "svar.json") == [ACTIVE, SENT]


def test_an_object_a_line_gives_their_receipts() -> None:
    text = f"{json.dumps(ACTIVE_JSON)}\n\n{json.dumps(SENT_JSON)}\n"
    assert read(text, "svar.jsonl") == read(text, "svar.json") == [ACTIVE, SENT]


def test_what_is_null_empty_or_the_senders_own_says_nothing() -> None:
    more = {"ski": None, "code": "", "administrators": [], "handled_by": {"id": 7}}
    assert read(json.dumps([SENT_JSON | more]), "svar.json") == [SENT]


@pytest.mark.parametrize("text", ["[]", " [ \n ] "])
def test_an_empty_list_says_nothing(text: str) -> None:
    assert read(text, "svar.json") == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"card_number": 1234}, "card_number: expected a text"),
        ({"administrators": [1]}, "administrators: expected a text"),
        ({"state": "skickad"}, "state: expected one of sent, active, done, refused"),
        ({"day": "2026-3-9"}, "day: expected a day, YYYY-MM-DD"),
        ({"order": None}, "order: expected an order's number"),
    ],
)
def test_a_bad_object_has_one_error_and_costs_no_other(change: dict[str, Any], error: str) -> None:
    elements = [SENT_JSON, SENT_JSON | change, SENT_JSON]
    for text in (json.dumps(elements), "\n".join(map(json.dumps, elements))):
        first, bad, last = read(text, "svar.json")
        assert (first, last) == (SENT, SENT)
        assert isinstance(bad, str)
        assert bad.startswith(error)


@pytest.mark.parametrize("bad", ['{"order": ', '{"a": 1, "a": 2}', "[1]", "7", "[" * 5000])
def test_a_broken_line_costs_no_other_line(bad: str) -> None:
    text = f"{json.dumps(SENT_JSON)}\n{bad}\n{json.dumps(SENT_JSON)}\n"
    first, error, last = read(text, "svar.json")
    assert (first, last) == (SENT, SENT)
    assert isinstance(error, str)
    assert error.startswith("the line: expected")


@pytest.mark.parametrize(
    "rest",
    ['{"order": }, {}]', "", "{}", "{} {}]", "{}] x", "{},", "{}, ]", '{"a": "]', "[" * 5000],
)
def test_a_list_that_breaks_is_read_so_far_and_the_rest_is_one_line(rest: str) -> None:
    text = f"[\n{json.dumps(SENT_JSON)},\n{rest}"
    answers = parse("svar.json", text.encode())
    assert answers.lines[0].said == SENT
    assert answers.lines[-1].error == "the list: expected JSON; nothing from here on was read"
    assert answers.lines[-1].is_rest
    assert text.endswith(answers.lines[-1].raw)


def test_chosen_elements_make_a_list_that_reads_again() -> None:
    answers = parse("svar.json", json.dumps([SENT_JSON, {}, ACTIVE_JSON], indent=1).encode())
    some = parse("svar.json", answers.only(answers.lines[1:]))
    assert [line.raw for line in some.lines] == [line.raw for line in answers.lines[1:]]


def test_the_rest_of_a_broken_list_is_kept_to_be_mended() -> None:
    answers = parse("svar.json", b'[{}, {"order": }, {}]')
    assert answers.only(answers.lines) == b'[\n{},\n{"order": }, {}]\n'


# --- whatever comes ------------------------------------------------------------------------------

SECRET = number(5)
TEXTS = st.text(max_size=30) | st.just(SECRET) | st.just(K)


@given(st.lists(st.lists(TEXTS, min_size=10, max_size=10), max_size=4), st.sampled_from(";,"))
def test_whatever_a_csv_file_holds_no_error_repeats_it(
    rows: list[list[str]], delimiter: str
) -> None:
    text = HEADINGS.replace(";", delimiter) + "\n"
    text += "\n".join(delimiter.join(row) for row in rows)
    for line in parse("svar.csv", text.encode("utf-8", "replace")).lines:
        _says_one_thing(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(ACTIVE_JSON, JSON))


@given(st.lists(FIELDS | JSON, max_size=4), st.text(max_size=3))
def test_whatever_a_json_file_holds_no_error_repeats_it(elements: list[Any], after: str) -> None:
    text = json.dumps(elements) + after
    for line in parse("svar.json", text.encode("utf-8", "replace")).lines:
        _says_one_thing(line)


@given(st.binary(max_size=60), st.sampled_from(["svar.csv", "svar.json"]))
def test_whatever_bytes_come_are_lines_or_refused(content: bytes, name: str) -> None:
    try:
        lines = parse(name, content).lines
    except InboxError:
        return
    for line in lines:
        _says_one_thing(line)


def _says_one_thing(line: Line) -> None:
    assert bool(line.said) is not bool(line.error)
    assert line.number >= 1
    assert SECRET not in line.error
