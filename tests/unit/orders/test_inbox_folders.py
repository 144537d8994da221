# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of an inbox: who answers for whom, and what is not read at all."""

from __future__ import annotations

import csv
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import (
    check_recipient,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts, trays
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.cells import (
    harmless_text,
    plain,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.files import FileError
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.inbox import parse
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import (
    Rejected,
    Report,
)
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    HEADINGS,
    Open,
    card,
    files,
    held,
    join,
    key,
    leave,
    line,
    ordered,
)


def state(opened: Open, inbox: Path) -> str:
    """The state of the one order of a card."""
    (order,) = held(opened(), inbox.parent / "outbox").values()
    return order.state


# --- whose folder --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipient", "folder"),
    [
        ("ra_organisation", "ra_organisation"),
        ("provider:alfa-1", "provider-alfa-1"),
        ("Å.b", "Å.b"),
    ],
)
def test_each_recipient_answers_in_a_folder_named_as_in_the_outbox(
    opened: Open, inbox: Path, recipient: str, folder: str
) -> None:
    ordered(opened, inbox, card(recipient=recipient))
    assert (inbox.parent / "outbox" / folder).is_dir()
    leave(inbox, line(), recipient=folder)
    assert receipts.apply(opened(), inbox).rejected == ()
    assert state(opened, inbox) == "active"


@pytest.mark.parametrize("other", ["telia", "provider-fjallhalsan", "skyddade", "RA_organisation"])
@pytest.mark.parametrize("about", ["aktiv", "skickad", "avslagen", "utförd"])
def test_nobody_answers_orders_that_left_to_another_recipient(
    opened: Open, inbox: Path, other: str, about: str
) -> None:
    ordered(opened, inbox, card())
    ordered(opened, inbox, join(recipient="telia"), system="services")
    leave(inbox, line(state=about), recipient=other)
    report = receipts.apply(opened(), inbox)
    reason = "order: expected one that left to the recipient of this folder"
    assert report.rejected == (Rejected(f"{other}/svar.csv", 2, reason),)
    assert (report.applied, state(opened, inbox)) == ((), "ordered")
    assert key("card") in files(inbox)[f"rejected/{other}/svar.csv"].decode()


def test_a_file_in_no_folder_is_not_read_and_told_once(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(), recipient=".")
    content = (inbox / "svar.csv").read_bytes()
    (told,) = receipts.apply(opened(check=True), inbox).rejected
    report = receipts.apply(opened(), inbox)
    assert report.rejected == (told,) == (Rejected("svar.csv", 0, told.reason),)
    assert told.reason.startswith("expected in the folder of its recipient, as in the outbox")
    kept = files(inbox)
    assert kept.pop("rejected/svar.csv") == content
    assert kept == {"rejected/svar.csv.reasons.txt": f"file: {told.reason}\n".encode()}
    assert report.reasons == (str(inbox / "rejected/svar.csv.reasons.txt"),)
    assert receipts.apply(opened(), inbox) == Report()
    assert state(opened, inbox) == "ordered"


@pytest.mark.parametrize("name", ["handled", "rejected", "waiting", "skyddade", "registers"])
def test_no_recipient_is_called_as_a_folder_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="none of handled, registers, rejected, skyddade, waiting"):
        check_recipient(name)


# --- who may write where -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o2770])
def test_nothing_is_read_of_an_inbox_in_which_others_may_make_folders(
    opened: Open, inbox: Path, mode: int
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line())
    inbox.chmod(mode)
    with pytest.raises(FileError, match="expected a folder that its group and others may not"):
        receipts.apply(opened(), inbox)
    assert state(opened, inbox) == "ordered"


@pytest.mark.parametrize("name", ["handled", "rejected", "waiting"])
@pytest.mark.parametrize("fault", ["link", "group", "others", "file", "somebody"])
def test_nothing_is_read_where_what_was_taken_could_be_somebody_elses(
    opened: Open, inbox: Path, name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line())
    folder = inbox / name
    if fault == "link":
        folder.symlink_to(inbox.parent)
    elif fault == "file":
        folder.touch(mode=0o600)
    else:
        folder.mkdir()
        folder.chmod({"group": 0o770, "others": 0o702, "somebody": 0o700}[fault])
    if fault == "somebody":
        owned(monkeypatch, folder)
    for check in (True, False):
        with pytest.raises(FileError, match=f"{name}: (is a symbolic link|expected a folder)"):
            receipts.apply(opened(check=check), inbox)
    assert state(opened, inbox) == "ordered"


@pytest.mark.parametrize("fault", ["link", "others", "sticky", "somebody"])
def test_a_recipients_folder_that_others_may_write_to_is_told_and_stops_no_other(
    opened: Open, inbox: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(opened, inbox, card())
    ordered(opened, inbox, join(recipient="telia"), system="services")
    path = leave(inbox, line())
    leave(inbox, line("join", "utförd"), recipient="telia")
    if fault == "link":
        path.parent.rename(inbox.parent / "elsewhere")
        path.parent.symlink_to(inbox.parent / "elsewhere")
    elif fault == "somebody":
        owned(monkeypatch, path.parent)
    else:
        path.parent.chmod(0o702 if fault == "others" else 0o1777)
    report = receipts.apply(opened(), inbox)
    assert [(r.file, r.line) for r in report.rejected] == [("ra_organisation", 0)]
    assert [each.key for each in report.applied] == [key("join")]
    assert (state(opened, inbox), path.exists()) == ("ordered", True)


def owned(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have a folder be another user's; a test need not be root."""
    lstat = os.lstat

    def told(path: Path) -> os.stat_result:
        values = list(lstat(path))
        if path == folder:
            values[4] = os.geteuid() + 1
        return os.stat_result(values)

    monkeypatch.setattr(os, "lstat", told)


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o770, 0o2770, 0o775])
def test_a_group_may_write_to_a_recipients_folder(opened: Open, inbox: Path, mode: int) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line()).parent.chmod(mode)
    assert receipts.apply(opened(), inbox).rejected == ()
    assert state(opened, inbox) == "active"


# --- what is not read ----------------------------------------------------------------------------


def linked(path: Path) -> None:
    elsewhere = path.parents[2] / "elsewhere.csv"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def listening(path: Path) -> None:
    path.unlink()
    place = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is at most 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(place)


def large(path: Path) -> None:
    path.write_bytes(path.read_bytes().ljust(trays.MOST + 1))


def open_to_all(path: Path) -> None:
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (linked, "expected a regular file: it is a symbolic link"),
        (dangling, "expected a regular file: it is a symbolic link"),
        (fifo, "expected a regular file"),
        (listening, "expected a regular file"),
        (large, "expected at most 5 MiB"),
        (open_to_all, "expected a file that not everybody may write to"),
    ],
)
def test_what_is_no_file_or_too_large_is_set_aside_unread_and_told_once(
    opened: Open, inbox: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    ordered(opened, inbox, card())
    path = leave(inbox, line())
    spoil(path)
    told = Rejected("ra_organisation/svar.csv", 0, reason)
    assert receipts.apply(opened(check=True), inbox).rejected == (told,)
    assert os.path.lexists(path)
    note = inbox / "rejected/ra_organisation/svar.csv.reasons.txt"
    assert receipts.apply(opened(), inbox) == Report(rejected=(told,), reasons=(str(note),))
    assert note.read_text() == f"file: {reason}\n"
    aside = inbox / "rejected/ra_organisation/svar.csv"
    assert (os.path.lexists(path), os.path.lexists(aside)) == (False, True)
    assert receipts.apply(opened(), inbox) == Report()
    assert state(opened, inbox) == "ordered"
    # Another one of the name is another file.
    leave(inbox, line(number=""))
    assert len(receipts.apply(opened(), inbox).rejected) == 1


def test_what_cannot_be_moved_stays_and_is_told_once(
    opened: Open, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: str, **_options: int) -> None:
        raise OSError(18, "Invalid cross-device link")

    fifo(leave(inbox, line()))
    monkeypatch.setattr(os, "rename", refuse)
    (rejected,) = receipts.apply(opened(), inbox).rejected
    assert rejected.reason.endswith("it could not be moved to rejected, and stays")
    assert receipts.apply(opened(), inbox) == receipts.apply(opened(check=True), inbox) == Report()
    assert (inbox / "ra_organisation/svar.csv").is_fifo()


def test_a_file_of_the_most_bytes_is_read(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    path = leave(inbox, line())
    path.write_bytes(path.read_bytes().ljust(trays.MOST, b"\n"))
    assert len(receipts.apply(opened(), inbox).applied) == 1


# --- cells of what is written back ---------------------------------------------------------------

EVIL = ['=cmd|"/c calc"!A0', "+1", "-1", "@SUM(A1)", "\t=1", " =1", "a,=1", "a\t=1", "a|=1"]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("row", ["{};{}", '"{}";x', 'x;"{}', '{};"never closed', "x\r{};y"])
def test_no_rejected_cell_is_carried_out_by_a_spreadsheet(
    opened: Open, inbox: Path, evil: str, row: str
) -> None:
    leave(inbox, row.replace("{}", evil))
    receipts.apply(opened(), inbox)
    assert_harmless(files(inbox)["rejected/ra_organisation/svar.csv"].decode("utf-8-sig"))


@pytest.mark.parametrize("codec", ["utf-8", "latin-1", "utf-16"])
def test_nor_is_one_of_a_file_that_cannot_be_read(opened: Open, inbox: Path, codec: str) -> None:
    text = f"Å;=1\n{';'.join(EVIL)}\n"
    (inbox / "ra_organisation/svar.csv").write_bytes(text.encode(codec))
    receipts.apply(opened(), inbox)
    told = files(inbox)["rejected/ra_organisation/svar.csv"]
    assert_harmless(told.decode(codec).removeprefix("\ufeff"))


def test_nor_is_a_heading_of_the_senders_own(opened: Open, inbox: Path) -> None:
    text = f"{HEADINGS};=1\na;b\n"
    (inbox / "ra_organisation/svar.csv").write_text(text)
    receipts.apply(opened(), inbox)
    assert_harmless(files(inbox)["rejected/ra_organisation/svar.csv"].decode("utf-8-sig"))


def assert_harmless(text: str) -> None:
    """No cell begins as a formula, whatever of these a program takes for the end of one."""
    for delimiter in ";,\t|":
        for row in csv.reader(text.replace("\r", "\n").split("\n"), delimiter=delimiter):
            assert not any(cell.strip(' "')[:1] in set("=+-@") for cell in row), row


def test_a_value_that_looks_like_a_formula_comes_back_as_it_was(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(day="20 februari", number="-1234", code="-"))
    receipts.apply(opened(), inbox)
    rejected = files(inbox)["rejected/ra_organisation/svar.csv"].decode("utf-8-sig")
    leave(inbox, *rejected.replace("20 februari", "2026-02-20").splitlines()[1:])
    assert receipts.apply(opened(), inbox).rejected == ()
    (order,) = held(opened(), inbox.parent / "outbox").values()
    assert (order.answer["card_number"], order.answer["code"]) == ("-1234", "-")


_texts = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=8)


_cells = st.lists(_texts | st.sampled_from(EVIL), min_size=2, max_size=4)


@given(_cells)
def test_cells_are_harmless_and_read_as_they_were(cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="").writerow(cells)
    kept = harmless_text(text.getvalue())
    assert_harmless(kept)
    read = next(csv.reader([kept], delimiter=";", strict=True))
    assert [plain(cell) for cell in read] == [plain(cell) for cell in cells]
    assert harmless_text(kept) == kept


@given(st.lists(_texts | st.sampled_from(EVIL), max_size=4))
def test_what_is_written_back_of_a_file_is_read_as_the_same(rows: list[str]) -> None:
    first = parse("a.csv", "\n".join([HEADINGS, *rows]).encode())
    again = parse("a.csv", first.only(first.lines))
    assert again.only(again.lines) == first.only(first.lines)
