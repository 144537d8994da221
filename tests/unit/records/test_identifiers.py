# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import re
import sys
import time
import unicodedata
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import identifiers
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    MASK,
    birth_days,
    has_prefix,
    is_sole_trader,
    luhn_valid,
    mask,
    parse_day,
    parse_hsa_id,
    parse_opening_hours,
    parse_organisation_number,
    parse_personal_number,
    parse_personnummer,
    parse_right,
    parse_samordningsnummer,
    parse_text,
    shown,
    spellings,
)

TAX_AGENCY_TEST_NUMBER = "191212121212"
PARSERS = (
    parse_personnummer,
    parse_samordningsnummer,
    parse_personal_number,
    parse_organisation_number,
    parse_hsa_id,
    parse_text,
    parse_day,
    parse_opening_hours,
    parse_right,
)


def with_check_digit(nine: str) -> str:
    """The check digit by the tax agency's own recipe (SKV 704): multiply 2, 1, 2, …, add digits."""
    products = [int(digit) * factor for digit, factor in zip(nine, (2, 1) * 5, strict=False)]
    total = sum(int(digit) for product in products for digit in str(product))
    return nine + str(-total % 10)


def numbered(year: int, month: int, day: int, serial: int) -> str:
    """Twelve digits with their check digit, whatever day they name."""
    digits = f"{year:04d}{month:02d}{day:02d}{serial:03d}"
    return digits[:2] + with_check_digit(digits[2:])


@st.composite
def dated_numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates(dt.date(1885, 1, 1), dt.date(2025, 12, 31)))
    return numbered(born.year, born.month, born.day, draw(st.integers(1, 999)))


def coordination_numbers() -> st.SearchStrategy[str]:
    """Of every day that the tax agency gives out: none, too, in no month, and one too many."""
    return st.builds(
        numbered,
        st.integers(1885, 2025),
        st.integers(0, 12),
        st.integers(60, 91),
        st.integers(1, 999),
    )


def personal_numbers() -> st.SearchStrategy[str]:
    return dated_numbers() | coordination_numbers()


# No digits, and no letters that an HSA-id could begin with.
prose = st.text(st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="SET"))


@pytest.mark.parametrize("number", ["1212121212", "5560360793", "2321000214"])
def test_published_numbers_have_a_valid_check_digit(number: str) -> None:
    assert luhn_valid(number)


@given(dated_numbers(), st.sampled_from(["", "-", "+"]))
def test_personnummer_is_read_in_every_form_with_century(number: str, separator: str) -> None:
    assert parse_personnummer(number[:8] + separator + number[8:]) == number
    assert parse_personal_number(number) == number
    first, last = birth_days(number)
    assert f"{first:%Y%m%d}" == f"{last:%Y%m%d}" == number[:8]
    with pytest.raises(ValueError, match="expected a samordningsnummer"):
        parse_samordningsnummer(number)


@given(coordination_numbers(), st.sampled_from(["", "-", "+"]))
def test_samordningsnummer_is_read_as_its_own_kind_only(number: str, separator: str) -> None:
    assert parse_samordningsnummer(number[:8] + separator + number[8:]) == number
    assert parse_personal_number(number) == number
    with pytest.raises(ValueError, match="expected a personnummer"):
        parse_personnummer(number)


# Of the tax agency's own test numbers, two of each kind (open data "Testpersonnummer" and
# "Testsamordningsnummer", CC0). The list of 2023 has 2,264 samordningsnummer: 129 of no month, 38
# of no day, 3 of neither and 24 of a day too many.
PUBLISHED = {
    "personnummer": ("189001019802", "202412312387"),
    "samordningsnummer": ("191401682396", "202312912393"),
    "no month": ("191500722390", "192001602396"),
    "no day": ("191711602399", "191806602395"),
    "neither": ("198000602394",),
    "a day too many": ("192004912388", "199611912388"),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_numbers_that_the_tax_agency_publishes_are_taken_and_masked(kind: str) -> None:
    for number in PUBLISHED[kind]:
        assert parse_personal_number(number) == number
        assert {mask(spelling) for spelling in spellings(number)} == {MASK}


def test_every_number_of_the_series_for_tests_is_taken_and_masked() -> None:
    """The agency's whole lists, by their rule, and more.

    Its samordningsnummer are all among these: 1914 on, with serials 238 and 239. Of its
    personnummer, from 1890 on, these are all days; of one day they are all serials.
    """
    days = [dt.date(1890, 1, 1) + dt.timedelta(days=day) for day in range(50_000)]
    people = (numbered(d.year, d.month, d.day, 238 + d.day % 2) for d in days)
    coordinated = (
        numbered(year, month, day, serial)
        for year in range(1914, 2027)
        for month in range(13)
        for day in range(60, 92)
        for serial in (238, 239)
    )
    serials = (numbered(1912, 0, day, n) for day in (60, 91) for n in range(1, 1000))
    people_of_a_day = (numbered(1904, 2, 29, n) for n in range(1, 1000))
    for number in chain(people, people_of_a_day):
        assert parse_personnummer(number) == number
        assert mask(number) == MASK
    for number in chain(coordinated, serials):
        assert parse_samordningsnummer(number) == number
        assert mask(number) == MASK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (numbered(1912, 12, 12, 0), "expected 001 to 999 as the three digits after the day"),
        (numbered(1912, 0, 60, 0), "expected 001 to 999 as the three digits after the day"),
        (numbered(101, 1, 1, 121), "expected a personnummer of a year from 1800 on"),
        (numbered(1799, 12, 31, 121), "expected a personnummer of a year from 1800 on"),
        (numbered(1799, 0, 60, 121), "expected a samordningsnummer of a year from 1800 on"),
        ("19121212-1213", "the check digit of the personnummer is wrong"),
        ("19150072-2391", "the check digit of the samordningsnummer is wrong"),
        ("19171160-2395", "the check digit of the samordningsnummer is wrong"),
        (numbered(1912, 13, 12, 121), "the personnummer holds no valid date"),
        (numbered(1912, 0, 12, 121), "the personnummer holds no valid date"),
        (numbered(1912, 2, 30, 121), "the personnummer holds no valid date"),
        (numbered(1912, 12, 0, 121), "the personnummer holds no valid date"),
        (numbered(1912, 12, 59, 121), "the personnummer holds no valid date"),
        (numbered(1912, 12, 92, 121), "the personnummer holds no valid date"),
        (numbered(1912, 13, 72, 121), "expected a samordningsnummer: a month of 00 to 12"),
        ("1912121-1212", "expected a personnummer or samordningsnummer of 12 digits"),
    ],
)
def test_a_message_says_what_is_wrong_with_a_number(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        parse_personal_number(text)


@given(personal_numbers(), st.integers(1, 9))
def test_a_wrong_check_digit_is_called_one(number: str, change: int) -> None:
    wrong = number[:-1] + str((int(number[-1]) + change) % 10)
    with pytest.raises(ValueError, match=r"^the check digit of the "):
        parse_personal_number(wrong)


@given(personal_numbers(), st.integers(2, 11), st.integers(1, 9))
def test_one_mistyped_digit_is_always_noticed(number: str, place: int, change: int) -> None:
    wrong = str((int(number[place]) + change) % 10)
    with pytest.raises(ValueError, match=r"no valid date|check digit|expected"):
        parse_personal_number(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize(
    ("digits", "first", "last"),
    [
        ((1912, 12, 72), dt.date(1912, 12, 12), dt.date(1912, 12, 12)),
        ((1912, 2, 60), dt.date(1912, 2, 1), dt.date(1912, 2, 29)),
        ((1920, 4, 91), dt.date(1920, 4, 1), dt.date(1920, 4, 30)),
        ((1915, 0, 72), dt.date(1915, 1, 1), dt.date(1915, 12, 31)),
        ((1980, 0, 60), dt.date(1980, 1, 1), dt.date(1980, 12, 31)),
    ],
)
def test_what_a_number_leaves_open_may_be_any_day(
    digits: tuple[int, int, int], first: dt.date, last: dt.date
) -> None:
    assert birth_days(numbered(*digits, 238)) == (first, last)


@given(coordination_numbers())
def test_a_day_of_birth_lies_in_the_year_and_month_of_the_number(number: str) -> None:
    first, last = birth_days(number)
    assert first <= last
    assert {f"{day:%Y}" for day in (first, last)} == {number[:4]}
    if number[4:6] != "00":
        assert {f"{day:%Y%m}" for day in (first, last)} == {number[:6]}


@pytest.mark.parametrize(
    "text",
    ["1212121212", "19121212 1212", "19121212-121", "19121212-12120", "١٩١٢١٢١٢١٢١٢", "", "\n"],
)
def test_other_forms_of_a_personnummer_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a personnummer of 12 digits"):
        parse_personnummer(text)


@pytest.mark.parametrize("text", ["552000-0018", "5520000018"])
def test_organisation_number_is_read_with_and_without_hyphen(text: str) -> None:
    assert parse_organisation_number(text) == "5520000018"


@pytest.mark.parametrize("text", ["552000-0019", "552000 0018", "16552000-0018"])
def test_wrong_organisation_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="organisationsnummer"):
        parse_organisation_number(text)


@given(personal_numbers())
def test_every_personal_number_can_be_a_sole_traders(number: str) -> None:
    assert is_sole_trader(parse_organisation_number(number[2:]))


def test_company_is_no_sole_trader() -> None:
    assert not is_sole_trader("5520000018")


@pytest.mark.parametrize(
    "text",
    [
        "SE2321000214-1",
        "SE2321000214-HV000001",
        "TSTNMT2321000156-1003",
        "SE2321000214-" + 18 * "a",
    ],
)
def test_hsa_id_is_kept_as_it_is(text: str) -> None:
    assert parse_hsa_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "SE2321000214-",
        "SE2321000214-" + 19 * "a",
        "SE2321000214-å",
        "SE232100021-1",
        "se2321000214-1",
        "SE2321000214_1",
        "SE2321000214-1\n",
        "SE２３２１０００２１４-1",
    ],
)
def test_other_forms_of_an_hsa_id_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an HSA-id"):
        parse_hsa_id(text)


def test_prefix_of_another_region_is_told_apart() -> None:
    assert has_prefix("SE2321000214-1", ["SE2321000214-"])
    assert not has_prefix("SE2321000131-1", ["SE2321000214-", "TST"])


@pytest.mark.parametrize(
    "text",
    ["Läkarhuset +7, Åre #2", "{{ lookup('pipe', 'touch owned') }}", "d'Östersjö", "李 小龙"],
)
def test_odd_names_are_text(text: str) -> None:
    assert parse_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " a",
        "a\u00a0",
        "a\0b",
        "a\nb",
        "a\u2028b",
        "a\u200fb",
        "a\u3164b",
        "a\ufe0fb",
        "a\u202eb",
        "\ufeffa",
        5000 * "a",
    ],
)
def test_text_that_looks_other_than_it_is_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_text(text)


def test_letters_of_two_characters_become_one() -> None:
    assert parse_text("A\u030are") == "Åre"


# The letters and marks among them that show nothing.
INVISIBLE = "".join(
    map(chr, [0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164])
) + "".join(map(chr, [*range(0xFE00, 0xFE10), 0xFFA0, *range(0xE0100, 0xE01F0)]))


@given(
    st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters=INVISIBLE),
        min_size=1,
        max_size=40,
    )
)
def test_visible_text_is_accepted_and_again_unchanged(text: str) -> None:
    accepted = parse_text(text)
    assert parse_text(accepted) == accepted


@given(st.dates(dt.date(1990, 1, 1), dt.date(2199, 12, 31)))
def test_day_is_read_from_date_and_from_text(day: dt.date) -> None:
    assert parse_day(day) == day
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "value",
    [
        20240101,
        1.5,
        True,
        None,
        dt.datetime(2024, 1, 1),
        "20240101",
        "2024-1-1",
        "2024-02-30",
        "2024-W01-1",
        "2024-01-01T00:00:00",
        "1989-12-31",
        "9999-12-31",
    ],
)
def test_what_is_no_day_near_our_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a day"):
        parse_day(value)


@pytest.mark.parametrize("text", ["1-5#08:00#17:00", "7#00:00#24:00"])
def test_opening_hours_are_kept_as_they_are(text: str) -> None:
    assert parse_opening_hours(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "1-8#08:00#17:00",
        "1#8:00#17:00",
        "1#08:00#25:00",
        "1#24:00#24:00",
        "1#08:00",
        "1#08:00#17:00\n",
    ],
)
def test_other_forms_of_opening_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected opening hours"):
        parse_opening_hours(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5-1#08:00#17:00", "days of opening hours in the order of the week"),
        ("7-6#08:00#17:00", "days of opening hours in the order of the week"),
        ("1-5#17:00#08:00", "that end after they begin"),
        ("1-5#08:00#08:00", "that end after they begin"),
        ("1-5#22:00#02:00", "that end after they begin"),
        ("7#00:00#00:00", "that end after they begin"),
    ],
)
def test_opening_hours_that_cannot_be_are_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse_opening_hours(text)


def test_right_has_three_parts() -> None:
    assert parse_right("Läsa;alla;SJF") == "Läsa;alla;SJF"
    for text in ("Läsa;alla", "Läsa;;SJF", "Läsa;alla;SJF;x", "Läsa alla SJF"):
        with pytest.raises(ValueError, match="expected a right"):
            parse_right(text)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.one_of(st.text(min_size=1).map("Ω".__add__), personal_numbers().map("{}x".format)))
def test_no_message_repeats_the_text(parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        said = str(error)
    else:
        said = ""
        assert parse is parse_text
    assert text not in said


@given(prose, personal_numbers(), prose, st.data())
def test_every_spelling_of_a_personal_number_is_masked(
    before: str, number: str, after: str, data: st.DataObject
) -> None:
    spelling = data.draw(st.sampled_from(sorted(spellings(number))))
    masked = mask(before + spelling + after)
    assert masked == before + MASK + after


@pytest.mark.parametrize("separator", [" - ", "\u2013", "\u2212", "\u00a0"])
def test_separators_that_word_processors_make_are_masked(separator: str) -> None:
    assert mask(f"({TAX_AGENCY_TEST_NUMBER[:8]}{separator}1212)") == f"({MASK})"


def test_number_with_a_wrong_check_digit_is_masked_too() -> None:
    assert mask("19121212-1213") == MASK


@pytest.mark.parametrize(
    "text",
    [
        "SE2321000214-1007",
        "SE2321000214-HV000001 is in cn=SE2321000214-HV000002",
        "20260302110000Z",
        "2026-03-02 14:00:00",
        "HV-2023-04",
        "plan 3f2504e04f89",
    ],
)
def test_ids_and_times_are_kept(text: str) -> None:
    assert mask(text) == text


def test_number_beside_an_hsa_id_is_masked() -> None:
    masked = mask("SE2321000214-1007 191212121212 SE2321000214-191212-1212")
    assert masked == f"SE2321000214-1007 {MASK} SE2321000214-{MASK}"


@given(st.lists(st.sampled_from(
    ["SE2321000214-1007", "SE2321000214-", "TST", "TSTNMT2321000156-A1", "191212", "-1212", "1212",
     " ", "-", "1", "19", *sorted(spellings(TAX_AGENCY_TEST_NUMBER))]
), max_size=12))  # fmt: skip
def test_an_hsa_id_hides_no_number_that_is_not_wholly_in_it(pieces: list[str]) -> None:
    """Against the plain way to decide it, which takes quadratic time."""
    text = "".join(pieces)
    ids = [match.span() for match in identifiers._HSA_ID.finditer(text)]

    def hide(match: re.Match[str]) -> str:
        inside = any(start <= match.start() and match.end() <= end for start, end in ids)
        is_personal = identifiers._may_be_personal(match.group())
        return MASK if is_personal and not inside else match.group()

    assert mask(text) == identifiers._SPELLING.sub(hide, text)


MEGABYTE = {
    "digits": "1",
    "separators": "-",
    "digits and separators": "1 ",
    "halves of numbers": "123456---",
    "numbers": "19121212-1212 ",
    "beginnings of HSA-ids": "SE2321000214-",
    "beginnings of HSA-ids of tests": "TST",
    "HSA-ids": "SE2321000214-1007 ",
    "HSA-ids and numbers": "SE2321000214-1007 121212-1212 ",
}


@pytest.mark.parametrize("piece", MEGABYTE.values(), ids=MEGABYTE)
def test_masking_takes_linear_time(piece: str) -> None:
    """Sixteen times as much takes no more than about that; quadratic time would be 256."""

    def spent(size: int) -> float:
        text, before = piece * (size // len(piece)), time.process_time()
        mask(text)
        return time.process_time() - before

    assert spent(1_000_000) < 64 * max(spent(62_500), 0.01)


# --- what others wrote is shown, not obeyed

OBEYED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Bidirectional marks, overrides and isolates; line separators; escape, in ASCII and C1.
DANGEROUS = (
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    "\u2028\u2029\x1b\x9b\x85\n\r\t\x00"
)


def test_every_character_of_unicode_is_shown_or_written_out() -> None:
    """All categories, all characters: what is obeyed never stands in output, all else does."""
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        told = shown(f"a{character}b")
        assert not {unicodedata.category(c) for c in told} & OBEYED
        if unicodedata.category(character) in OBEYED:
            assert told.isascii()
            assert int(told[3:-1], 16) == code
        elif not identifiers._INVISIBLE.match(character):
            assert told == f"a{character}b"


@pytest.mark.parametrize("character", DANGEROUS)
def test_what_turns_text_round_or_moves_the_cursor_is_written_out(character: str) -> None:
    code = ord(character)
    written = f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
    assert shown(f"Anna{character}Ek") == f"Anna{written}Ek"


@pytest.mark.parametrize(
    "text",
    [
        "Åsa Öberg-Ängström",
        "José Žižek",
        "Ольга",
        "علي",
        "李",
        "e\u0301",
        "a\u00a0b",
        "👩",
        "C:\\x\\u1",
    ],
)
def test_ordinary_letters_stay_as_they_are(text: str) -> None:
    assert shown(text) == text


@given(st.text())
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@given(prose, personal_numbers(), st.sampled_from(DANGEROUS), st.data())
def test_what_is_shown_is_masked_too(
    before: str, number: str, character: str, data: st.DataObject
) -> None:
    spelling = data.draw(st.sampled_from(sorted(spellings(number))))
    assert spelling not in shown(before + character + spelling + character)


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


def test_region_prefix_is_the_regions_own_number() -> None:
    number = identifiers.REGION_HSA_PREFIX.removeprefix("SE").removesuffix("-")
    assert parse_organisation_number(number) == "2321000214"
