# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: answer files come to the ledger once, and nothing of them is lost."""

from __future__ import annotations

import datetime as dt
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import locks
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, verify
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.files import FileError
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import (
    Applied,
    Rejected,
    Report,
)
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.killing import Killer
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    CERTIFICATE,
    HEADINGS,
    VALID_TO,
    Open,
    card,
    files,
    held,
    join,
    key,
    leave,
    line,
    make,
    ordered,
    plan,
    revocation,
    run,
)


def states(opened: Open, inbox: Path, system: Any = "siths") -> dict[str, str]:
    """The orders' states by key."""
    orders = held(opened(), inbox.parent / "outbox", system)
    return {name: order.state for name, order in orders.items()}


def audited(opened: Open) -> list[tuple[str, ...]]:
    """What the audit log tells of receipts: system, provider, object, operation, attributes."""
    ledger = opened()
    assert verify(ledger) == []
    with ledger.reading() as connection:
        rows = connection.execute(ledger.audit.select().order_by(ledger.audit.c.seq)).all()
    return [
        (row.system, row.provider, row.object, row.operation, row.attributes)
        for row in rows
        if row.event == "receipt"
    ]


def test_an_answer_comes_to_its_order(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(issuer="CN=CA", serial="0a:1b", ski="ff00", code="ok", administrators=BO))
    assert receipts.apply(opened(), inbox) == Report(
        applied=(Applied("fjallhalsan", "card", ANNA, card().key, "active"),)
    )
    (order,) = held(opened(), inbox.parent / "outbox").values()
    assert (order.state, order.active_on) == ("active", dt.date(2026, 2, 20))
    assert order.answer == {
        "card_number": "1234",
        "valid_to": VALID_TO,
        "issuer": "CN=CA",
        "serial": "0A1B",
        "ski": "FF00",
        "code": "ok",
        "administrators": [BO],
    }
    assert order.particulars == card().particulars


def test_a_file_that_is_done_with_lies_in_handled(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line())
    content = (inbox / "ra_organisation/svar.csv").read_bytes()
    receipts.apply(opened(), inbox)
    assert files(inbox) == {"handled/ra_organisation/svar.csv": content}
    assert receipts.apply(opened(), inbox) == Report()


def test_good_unknown_contradictory_duplicate_and_broken_lines_each_get_their_due(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card("one"), card("two"), card("three", state="wanted"))
    lines = [
        line("one", "skickad", "2026-02-10"),
        line("one", day="2026-02-20"),
        line("one", day="2026-02-20"),
        line("nobody"),
        line("two", "utförd"),
        line("one", number="9999"),
        line("three", "skickad"),
        line("two", number=""),
        "ABCD;skickad",
        line("two", "skickad", "2026-02-30"),
        line("two", "skickad", "2026-01-01"),
    ]
    leave(inbox, *lines)
    report = receipts.apply(opened(), inbox)
    assert states(opened, inbox) == {
        key("one"): "active",
        key("two"): "ordered",
        key("three"): "wanted",
    }
    assert [(each.key, each.state) for each in report.applied] == [
        (key("one"), "sent"),
        (key("one"), "active"),
    ]
    assert report.duplicates == 1
    assert report.rejected == tuple(
        Rejected("ra_organisation/svar.csv", place, reason)
        for place, reason in (
            (5, "order: expected the number of an order that was made"),
            (6, "state: expected sent or active or refused: the order is ordered"),
            (7, "card_number: expected the number that is known of the card"),
            (8, "order: expected one that has left"),
            (9, "card_number: expected one of a card that is active"),
            (10, "columns: expected 10"),
            (11, "day: expected a day that the calendar has"),
            (12, "day: expected one from the day the order left to today"),
        )
    )
    kept = files(inbox)
    assert kept.pop("handled/ra_organisation/svar.csv")
    assert kept.pop("rejected/ra_organisation/svar.csv").decode("utf-8-sig") == "\n".join(
        [HEADINGS, *lines[3:], ""]
    )
    reasons = kept.pop("rejected/ra_organisation/svar.csv.reasons.txt").decode().splitlines()
    assert reasons == [f"line {each.line}: {each.reason}" for each in report.rejected]
    assert kept == {}


def test_a_list_of_json_is_taken_as_well(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card("one"), card("two"))
    sent = {"state": "sent", "day": "2026-02-20"}
    elements = [{"order": key(name), **sent} for name in ("one", "nobody", "two")]
    (inbox / "ra_organisation/svar.json").write_text(json.dumps(elements))
    report = receipts.apply(opened(), inbox)
    assert states(opened, inbox) == {key("one"): "sent", key("two"): "sent"}
    assert [each.line for each in report.rejected] == [1]
    assert json.loads(files(inbox)["rejected/ra_organisation/svar.json"]) == elements[1:2]


def test_a_file_may_tell_in_any_order_what_happened_in_one(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    lines = [line(state="utförd", day="2026-02-20"), line(), line(state="skickad")]
    leave(inbox, *lines)
    report = receipts.apply(opened(), inbox)
    assert [each.state for each in report.applied] == ["sent", "active", "done"]
    (order,) = held(opened(), inbox.parent / "outbox").values()
    day = dt.date(2026, 2, 20)
    assert (order.sent_on, order.active_on, order.closed_on) == (day, day, day)


def test_the_same_news_counts_once_in_whatever_file_it_comes(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(), name="a.csv")
    leave(inbox, line(), line(day="2026-02-21"), name="b.csv")
    report = receipts.apply(opened(), inbox)
    assert (len(report.applied), report.duplicates) == (1, 2)
    assert len(audited(opened)) == 1


def test_what_is_told_later_of_the_same_state_is_added(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(), name="a.csv")
    leave(inbox, line(day="2026-02-25", ski="AB"), name="b.csv")
    assert len(receipts.apply(opened(), inbox).applied) == 2
    (order,) = held(opened(), inbox.parent / "outbox").values()
    assert (order.active_on, order.answer["ski"]) == (dt.date(2026, 2, 20), "AB")


def test_an_answer_that_is_read_again_does_not_undo_a_later_one(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    older, newer = line(code="AB"), line(day="2026-02-25", code="CD")
    for each in (older, newer, older):
        leave(inbox, each)
        receipts.apply(opened(), inbox)
    (order,) = held(opened(), inbox.parent / "outbox").values()
    assert order.answer["code"] == "CD"


def test_a_revocation_that_is_done_ends_its_card(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card(), card("other"), revocation("card"))
    leave(inbox, line(), line("revocation of card", "utförd", "2026-02-25", number="1234"))
    report = receipts.apply(opened(), inbox)
    assert [(each.kind, each.state) for each in report.applied] == [
        ("card", "active"),
        ("revocation", "done"),
        ("card", "done"),
    ]
    orders = held(opened(), inbox.parent / "outbox")
    assert orders[key("card")].closed_on == dt.date(2026, 2, 25)
    assert orders[key("other")].state == "ordered"


def test_a_revocation_that_is_refused_leaves_its_card(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card(), revocation("card"))
    leave(inbox, line("revocation of card", "avslagen"))
    receipts.apply(opened(), inbox)
    assert states(opened, inbox)[key("card")] == "ordered"


def test_a_takeover_that_follows_another_is_about_the_same_card(opened: Open, inbox: Path) -> None:
    first = card("first", kind="takeover", follows=key("card"))
    second = card("second", kind="takeover", follows=first.key)
    ordered(opened, inbox, card(), first, second)
    leave(inbox, line(), line("second", "utförd", "2026-02-25", number="9999"))
    (rejected,) = receipts.apply(opened(), inbox).rejected
    assert rejected.reason == "card_number: expected the number that is known of the card"
    leave(inbox, line("second", "utförd", "2026-02-25", number="1234"))
    assert receipts.apply(opened(), inbox).rejected == ()


def test_a_second_revocation_ends_its_card_after_one_that_was_refused(
    opened: Open, inbox: Path
) -> None:
    again = revocation("again", follows=key("card"))
    ordered(opened, inbox, card(), revocation("card", state="refused"), again)
    leave(inbox, line(), line("revocation of again", "utförd", "2026-02-25"))
    receipts.apply(opened(), inbox)
    assert states(opened, inbox)[key("card")] == "done"


def test_an_answer_about_a_service_keeps_its_code(opened: Open, inbox: Path) -> None:
    question = join(kind="availability", recipient="telia", object="are")
    ordered(opened, inbox, question, system="services")
    answer = line("join", "utförd", code="fixed_ip mobile_1gb")
    leave(inbox, answer, recipient="telia")
    receipts.apply(opened(), inbox)
    (order,) = held(opened(), inbox.parent / "outbox", "services").values()
    assert (order.state, order.answer) == ("done", {"code": "fixed_ip mobile_1gb"})


@pytest.mark.parametrize(
    ("annas", "bos"),
    [
        ({"number": "1234a"}, {"number": "12 34A"}),
        ({"issuer": "CN=CA,O=X", "serial": "0A"}, {"issuer": "cn=CA, o=x", "serial": "00:0a"}),
        ({"ski": "AB"}, {"ski": "ab"}),
    ],
    ids=["card", "certificate", "key"],
)
def test_a_card_or_certificate_of_somebody_else_is_a_contradiction_however_it_is_written(
    opened: Open, inbox: Path, annas: dict[str, str], bos: dict[str, str]
) -> None:
    ordered(opened, inbox, card("annas"), card("bos", object=BO))
    leave(inbox, line("annas", **{"number": "1111", **annas}), name="a.csv")
    leave(inbox, line("bos", **{"number": "2222", **bos}), name="b.csv")
    report = receipts.apply(opened(), inbox)
    assert [each.reason for each in report.rejected] == [
        "card_number: expected a card and certificate of nobody else"
    ]
    assert states(opened, inbox)[key("bos")] == "ordered"


def test_a_persons_two_cards_are_theirs_whatever_the_case_of_the_hsa_id(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card("one"), card("two", object=ANNA.lower()))
    leave(inbox, line("one", ski="AB"), line("two", number="2222", ski="AB"))
    assert receipts.apply(opened(), inbox).rejected == ()


@pytest.mark.parametrize("other", ["aktiv", "utförd"])
def test_an_order_that_is_said_to_be_refused_and_carried_out_on_one_day_stays_as_it_was(
    opened: Open, inbox: Path, other: str
) -> None:
    name, system = ("card", "siths") if other == "aktiv" else ("join", "services")
    ordered(opened, inbox, card() if other == "aktiv" else join(), system=system)
    lines = [line(name, "avslagen"), line(name, other)]
    recipient = "ra_organisation" if other == "aktiv" else "systemforvaltning"
    for some in (lines, lines[::-1]):
        leave(inbox, *some, recipient=recipient)
        report = receipts.apply(opened(), inbox)
        reason = "state: expected of a day either refused or carried out"
        assert [(r.line, r.reason) for r in report.rejected] == [(2, reason), (3, reason)]
        assert report.applied == ()
    assert states(opened, inbox, system) == {key(name): "ordered"}


def test_a_card_that_was_sent_and_then_refused_on_one_day_is_refused(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(state="avslagen"), line(state="skickad"))
    assert [each.state for each in receipts.apply(opened(), inbox).applied] == ["sent", "refused"]


def test_what_contradicts_what_is_known_of_a_card_that_is_over_is_no_duplicate(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card())
    done = line(state="utförd", day="2026-02-25")
    leave(inbox, line(**CERTIFICATE), done)
    receipts.apply(opened(), inbox)
    leave(inbox, line(**{**CERTIFICATE, "serial": "0B"}), line(day="2026-02-21", **CERTIFICATE))
    report = receipts.apply(opened(), inbox)
    assert [each.reason for each in report.rejected] == [
        "serial: expected what is known of the card"
    ]
    assert (report.applied, report.duplicates) == ((), 1)


def test_the_audit_log_names_orders_and_fields_and_no_card_number(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card(), revocation("card"))
    leave(inbox, line(number="98765"), line("revocation of card", "utförd", "2026-02-25"))
    receipts.apply(opened(), inbox)
    about = f"card {ANNA} {key('card')}"
    other = f"revocation {ANNA} {key('revocation of card')}"
    assert sorted(audited(opened)) == [
        ("siths", "fjallhalsan", about, "active", "card_number,valid_to"),
        ("siths", "fjallhalsan", about, "done", ""),
        ("siths", "fjallhalsan", other, "done", ""),
    ]


def test_each_receipt_is_kept_without_what_it_told(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(number="98765"))
    receipts.apply(opened(run(name="run-7")), inbox)
    ledger = opened()
    with ledger.reading() as connection:
        (row,) = connection.execute(ledger.receipts.select()).all()
        (order,) = connection.execute(ledger.orders.select()).all()
    assert (row.order_key, row.run, row.as_of, row.state) == (
        key("card"),
        "run-7",
        "2026-03-02",
        "active",
    )
    assert row.pseudonym == order.pseudonym
    assert "98765" not in str(tuple(row) + tuple(order))


def test_a_receipts_id_tells_nobody_the_card_number_who_has_not_the_ledgers_key(
    ledgers: Ledgers, tmp_path: Path
) -> None:
    ids = []
    for place in ("one", "other"):
        with Ledger(None, tmp_path / place, run()) as ledger:
            make(ledger, tmp_path / place / "outbox", [card()])
            inbox = tmp_path / place / "inbox"
            inbox.mkdir()
            for _again in range(2):
                leave(inbox, line(day=TODAY.isoformat()))
                receipts.apply(ledger, inbox)
            with ledger.reading() as connection:
                ids += [row.id for row in connection.execute(ledger.receipts.select())]
    assert len(set(ids)) == len(ids) == 2


# --- files ---------------------------------------------------------------------------------------


def test_where_the_reasons_of_each_file_are_is_told(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, "a;b", "c;d", name="bad.csv")
    leave(inbox, line(), "a;b", name="mixed.csv")
    leave(inbox, line(), name="same.csv")
    assert receipts.apply(opened(check=True), inbox).reasons == ()
    names = ["bad.csv.reasons.txt", "mixed.csv.reasons.txt"]
    assert receipts.apply(opened(), inbox).reasons == tuple(
        str(inbox / "rejected/ra_organisation" / name) for name in names
    )
    leave(inbox, "e;f", name="bad.csv")
    (again,) = receipts.apply(opened(), inbox).reasons
    assert Path(again).read_text(encoding="utf-8").startswith("line 2: columns: expected 10")


def test_a_file_that_cannot_be_read_is_rejected_as_a_whole(opened: Open, inbox: Path) -> None:
    (inbox / "ra_organisation/svar.csv").write_bytes("Beställningsnummer\n".encode("latin-1"))
    report = receipts.apply(opened(), inbox)
    assert report == Report(
        rejected=(Rejected("ra_organisation/svar.csv", 0, "expected text in UTF-8"),),
        reasons=(str(inbox / "rejected/ra_organisation/svar.csv.reasons.txt"),),
    )
    assert set(files(inbox)) == {
        "handled/ra_organisation/svar.csv",
        "rejected/ra_organisation/svar.csv",
        "rejected/ra_organisation/svar.csv.reasons.txt",
    }


def test_what_is_hidden_unfinished_or_a_folder_is_let_be(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    (inbox / "ra_organisation/folder").mkdir()
    for name in (".svar.csv", "svar.csv.part", "svar.csv.TMP", "folder/svar.csv"):
        leave(inbox, line(), name=name)
    before = files(inbox)
    assert receipts.apply(opened(), inbox) == Report()
    assert files(inbox) == before


def test_an_inbox_that_is_not_there_is_an_error(opened: Open, inbox: Path) -> None:
    with pytest.raises(FileError, match="none: No such file or directory"):
        receipts.apply(opened(), inbox / "none")
    assert not (inbox / "none").exists()


def test_files_of_the_same_name_are_all_kept(opened: Open, inbox: Path) -> None:
    for wrong in ("a;b", "a;b", "c;d"):
        leave(inbox, wrong)
        receipts.apply(opened(), inbox)
    kept = {name: text.decode().splitlines()[1] for name, text in files(inbox).items()
            if name.endswith(".csv")}  # fmt: skip
    assert kept == {
        "handled/ra_organisation/svar.csv": "a;b",
        "handled/ra_organisation/svar-2.csv": "c;d",
        "rejected/ra_organisation/svar.csv": "a;b",
        "rejected/ra_organisation/svar-2.csv": "c;d",
    }


def test_rejected_lines_that_are_put_right_can_be_left_again(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(day="20 februari"))
    receipts.apply(opened(), inbox)
    rejected = (inbox / "rejected/ra_organisation/svar.csv").read_bytes()
    assert rejected.startswith("\ufeffBeställningsnummer".encode())
    mended = rejected.decode().replace("20 februari", "2026-02-20")
    (inbox / "ra_organisation/mended.csv").write_text(mended)
    assert len(receipts.apply(opened(), inbox).applied) == 1


def test_nobody_else_can_read_what_is_kept(opened: Open, inbox: Path) -> None:
    leave(inbox, "a;b")
    (inbox / "ra_organisation/svar.csv").chmod(0o644)
    receipts.apply(opened(), inbox)
    for name in ("handled", "rejected"):
        folder = inbox / name / "ra_organisation"
        assert {stat.S_IMODE(f.stat().st_mode) for f in (folder, folder.parent)} == {0o700}
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_personal_number_in_a_files_name_is_not_shown(opened: Open, inbox: Path) -> None:
    leave(inbox, "a;b", name=f"svar {number(1)}.csv")
    report = receipts.apply(opened(), inbox)
    assert [rejected.file for rejected in report.rejected] == [
        "ra_organisation/svar ********-****.csv"
    ]
    assert report.reasons == (
        str(inbox / "rejected/ra_organisation/svar ********-****.csv.reasons.txt"),
    )


def test_a_file_that_cannot_be_put_away_is_told_with_its_answers_and_stops_no_other(
    opened: Open, inbox: Path
) -> None:
    ordered(opened, inbox, card("one"), card("two"))
    leave(inbox, line("one"), name="a.csv")
    leave(inbox, line("two", number="5678"), name=f"b {number(1)}.csv")
    (inbox / "handled").mkdir(mode=0o700)
    (inbox / "handled/ra_organisation").write_text("in the way")
    report = receipts.apply(opened(), inbox)
    assert [each.key for each in report.applied] == [key("one"), key("two")]
    assert [(each.file, each.line) for each in report.rejected] == [
        ("ra_organisation/a.csv", 0), ("ra_organisation/b ********-****.csv", 0),
    ]  # fmt: skip
    assert all(each.reason.endswith("ra_organisation: Not a directory") for each in report.rejected)
    (inbox / "handled/ra_organisation").unlink()
    assert receipts.apply(opened(), inbox) == Report(duplicates=2)
    assert set(files(inbox)) == {
        "handled/ra_organisation/a.csv",
        f"handled/ra_organisation/b {number(1)}.csv",
    }


@pytest.mark.parametrize("system", ["services", "siths"])
def test_no_answer_comes_in_between_a_plan_and_its_writes(
    opened: Open, inbox: Path, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_PATIENCE", 0.1)
    ordered(opened, inbox, card())
    leave(inbox, line())
    with opened().exclusive(f"orders of {system}"):
        with pytest.raises(locks.Locked):
            receipts.apply(opened(run(name="other")), inbox)
        assert len(receipts.apply(opened(check=True), inbox).applied) == 1
    assert len(receipts.apply(opened(run(name="other")), inbox).applied) == 1


def test_check_mode_tells_the_same_and_changes_nothing(opened: Open, inbox: Path) -> None:
    ordered(opened, inbox, card("one"), card("two"), revocation("one"))
    leave(inbox, line("one"), line("revocation of one", "utförd", "2026-02-25"), "a;b")
    before = files(inbox), states(opened, inbox)
    told = receipts.apply(opened(check=True), inbox)
    assert (files(inbox), states(opened, inbox)) == before
    # It writes no file of reasons.
    done = receipts.apply(opened(), inbox)
    assert (told.reasons, replace(done, reasons=())) == ((), told)
    assert len(told.applied) == 3


# --- kills ---------------------------------------------------------------------------------------

KILLS = full(25, 8)
PER_FILE = 20


def test_runs_that_are_killed_apply_every_answer_once_and_lose_no_line(
    ledgers: Ledgers, opened: Open, inbox: Path
) -> None:
    def answer(round_: int) -> dict[str, str]:
        """Leave an answer file about new cards; returns the states that they come to."""
        places = [f"{round_} {place}" for place in range(PER_FILE)]
        ordered(opened, inbox, *map(card, places))
        some = [line(place, number=f"1000{place.replace(' ', '-')}") for place in places]
        leave(inbox, *some, f"bad;{round_}", name=f"{round_:03}.csv")
        return {key(place): "active" for place in places}

    def work() -> None:
        with Ledger(ledgers.url, inbox.parent / "state", run()) as ledger:
            receipts.apply(ledger, inbox)

    killer, kills, halfway = Killer(0.2, 0.01), 0, 0
    expected: dict[str, str] = {}
    names: list[str] = []
    # Some must be killed when the ledger has the answers, and the inbox has them still.
    while kills < KILLS or not halfway:
        names.append(f"{len(names):03}.csv")
        expected |= answer(len(names) - 1)
        kills += killer.kill(work)
        taken = states(opened, inbox)
        halfway += any(
            taken[key(f"{names.index(path.name)} 0")] == "active"
            for path in inbox.glob("ra_organisation/*.csv")
        )
    work()

    assert states(opened, inbox) == expected
    assert len(audited(opened)) == len(expected)
    kept = files(inbox)
    assert sorted(name for name in kept if name.startswith("handled/")) == [
        f"handled/ra_organisation/{name}" for name in names
    ]
    for round_, name in enumerate(names):
        assert (
            kept[f"rejected/ra_organisation/{name}"].decode("utf-8-sig")
            == f"{HEADINGS}\nbad;{round_}\n"
        )
        assert (
            kept[f"rejected/ra_organisation/{name}.reasons.txt"]
            == b"line 22: columns: expected 10\n"
        )
    assert len(kept) == 3 * len(names)


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE orders SET object = 'SE2321000214-X'",
        "UPDATE particulars SET content = '{}'",
        "INSERT INTO particulars (pseudonym, kind, content, seal)"
        """ SELECT pseudonym, 'answer', '{"ski": "FF00"}', 'x' FROM orders""",
    ],
)
def test_no_answer_seals_what_somebody_wrote_by_sql(opened: Open, inbox: Path, what: str) -> None:
    ordered(opened, inbox, card())
    ledger = opened()
    with ledger.transaction() as connection:
        connection.exec_driver_sql(what)
    leave(inbox, line())
    report = receipts.apply(ledger, inbox)
    assert [one.reason for one in report.rejected] == [
        "order: expected one that is as a run left it: see audit"
    ]
    assert ledger.doubts() != []
    assert states(opened, inbox) == {card().key: "ordered"}


def test_no_run_seals_what_somebody_wrote_by_sql(opened: Open, inbox: Path) -> None:
    outbox = inbox.parent / "outbox"
    book = make(opened(), outbox, [card(state="wanted")])
    with opened().transaction() as connection:
        connection.exec_driver_sql("UPDATE orders SET recipient = 'somebody'")
    reasons = book.apply(plan([card()], book.read()))
    assert list(reasons.values()) == ["the order is not as a run left it: see audit"]
    assert opened().doubts() != []
