# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence server's list as PowerShell really writes it."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.evidence import (
    Evidence,
    day,
    read,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY

TYPE = r"#TYPE System.Management.ManagementObject#root\CIMv2\Win32_TSIssuedLicense"
# As Get-WmiObject | Export-Csv has them, its own columns first.
WMI = """\
"PSComputerName","__GENUS","__CLASS","ExpirationDate","IssueDate","KeyPackId","LicenseId",\
"LicenseStatus","sHardwareId","sIssuedToComputer","sIssuedToUser"
"LIC1","2","Win32_TSIssuedLicense","20260420120000.000000+060","20260131120000.000000+060","3","1",\
"2","0a","PC-01.vard.example",""
"LIC1","2","Win32_TSIssuedLicense","20260520120000.000000+120","20260131120000.000000+060","3","2",\
"2","0b","pc-01",""
"LIC1","2","Win32_TSIssuedLicense","20260420120000.000000+060","20260131120000.000000+060","2","3",\
"1","0c","PC-02",""
"LIC1","2","Win32_TSIssuedLicense","20260301120000.000000+060","20251231120000.000000+060","3","4",\
"2","0d","PC-03",""
"LIC1","2","Win32_TSIssuedLicense","20260420120000.000000+060","20260131120000.000000+060","4","5",\
"2","","PC-04","REGION\\anna"
"""


def csv(*lines: str) -> bytes:
    return "\r\n".join((*lines, "")).encode()


HEAD = "sIssuedToComputer,LicenseStatus,IssueDate,ExpirationDate"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("first", ["", TYPE + "\r\n"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_file_of_any_encoding_and_separator_says_the_same(
    encoding: str, first: str, separator: str, newline: str
) -> None:
    text = first + WMI.replace('","', f'"{separator}"').replace("\n", newline)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    expected = Evidence(frozenset(("pc-01", "pc-02", "pc-03")), frozenset(("pc-01",)))
    assert read((mark + text).encode(encoding), TODAY) == expected


def test_several_licences_of_one_computer_are_one_computer() -> None:
    rows = (f"PC-01,{status},,2026-05-01" for status in (1, 2, 4))
    assert read(csv(HEAD, *rows), TODAY).active == {"pc-01"}


def test_columns_come_in_any_order_and_case() -> None:
    content = csv("licensestatus,ISSUEDTO,SISSUEDTOCOMPUTER", "2,x,PC-01")
    assert read(content, TODAY).active == {"pc-01"}


def test_windows_own_encoding_and_ascii_of_names_abroad_stop_nothing() -> None:
    content = csv(HEAD, "PC-?RE,2,,", "PC-01,2,,").replace(b"PC-01", "PC-Ö1".encode("cp1252"))
    assert read(content, TODAY).active == {"pc-?re", "pc-ö1"}


@pytest.mark.parametrize(("product", "counts"), [("0", True), ("1", False), ("3", False)])
def test_licences_of_devices_alone_count(product: str, counts: bool) -> None:
    content = csv(f"{HEAD},ProductType", f"PC-01,2,,,{product}")
    assert bool(read(content, TODAY).computers) is counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260131233000.000000+000", "2026-02-01"),
        ("20260131120000.000000+060", "2026-01-31"),
        ("20260131120000.******-300", "2026-01-31"),
        ("2026-01-31 12:00:00", "2026-01-31"),
        ("2026-01-31T12:00:00+01:00", "2026-01-31"),
        ("1/31/2026 12:00:00 PM", "2026-01-31"),
        ("31/01/2026 12:00:00", "2026-01-31"),
        ("31.1.2026", "2026-01-31"),
        ("3/3/2026", "2026-03-03"),
        ("", None),
    ],
)
def test_date_is_read_in_the_forms_of_powershell(text: str, expected: str | None) -> None:
    assert day(text) == (dt.date.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    "text", ["1/2/2026", "02.03.2026 12:00", "13/13/2026", "20260231120000.000000+060",
             "2026-02-30", "31/1/26", "31 jan 2026", "1/31-2026"],
)  # fmt: skip
def test_date_that_cannot_be_told_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        day(text)


def test_bad_lines_are_an_error_each_and_the_rest_is_used() -> None:
    content = csv(
        TYPE, HEAD, "PC-01,2,,2026-05-01", "PC-02,2,,3/4/2026", "PC-03,active,,", "PC-04,2",
        '"PC-05",2,1/2/2026,', "PC-06,2,,", ",2,,",
    )  # fmt: skip
    found = read(content, TODAY)
    ambiguous = (
        "expected a date as YYYY-MM-DD or DMTF text: the day and the month cannot be told apart"
    )
    assert found.faults == (
        f"line 4, column ExpirationDate: {ambiguous}",
        "line 5, column LicenseStatus: expected a number",
        "line 6: expected 4 columns, not 2",
        f"line 7, column IssueDate: {ambiguous}",
        "line 9, column sIssuedToComputer: expected the name of a computer",
    )
    assert found.active == {"pc-01", "pc-06"}
    assert found.unclear == {"pc-02", "pc-03", "pc-05"}
    assert not found.is_complete


def test_line_with_a_faulty_date_alone_leaves_the_file_complete() -> None:
    assert read(csv(HEAD, "PC-02,2,,3/4/2026"), TODAY).is_complete


def test_text_over_several_lines_keeps_the_numbers_of_lines() -> None:
    content = csv(f"{HEAD},Note", 'PC-01,2,,,"one', 'two"', "PC-02,x,,,")
    assert read(content, TODAY).faults == ("line 4, column LicenseStatus: expected a number",)


def test_quote_that_never_ends_is_told_and_the_lines_before_are_used() -> None:
    found = read(csv(HEAD, "PC-01,2,,", '"PC-02,2,,', "PC-03,2,,"), TODAY)
    assert found.faults == ("line 3: expected CSV: unexpected end of data",)
    assert found.active == {"pc-01"}
    assert not found.is_complete


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "sIssuedToComputer and LicenseStatus"),
        (csv("sIssuedToComputer,Status", "PC-01,2"), "LicenseStatus"),
        (b"\xff\xfeP", "UTF-16"),
        (b"\x81\x8d", "UTF-16"),
    ],
)
def test_file_that_is_no_list_of_licences_is_an_error(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(content, TODAY)


@pytest.mark.parametrize("moment", ["99991231235959.999999+000", "00010101000000.000000+060"])
def test_days_that_stand_for_never_are_days(moment: str) -> None:
    assert day(moment) in (dt.date.min, dt.date.max)


@pytest.mark.parametrize("content", [b'"sIssuedToComputer,LicenseStatus\nPC-1,2', b"x" * 200_000])
def test_first_line_that_is_no_csv_is_an_error_with_a_reason(content: bytes) -> None:
    with pytest.raises(ValueError, match="expected CSV"):
        read(content, dt.date(2026, 3, 2))
