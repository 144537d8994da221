# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that let somebody new in, or take from many: a person confirms them first."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.guard import Past
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger import memory
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, verify
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.certificates import (
    certificates,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.receipts import Terms
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    BO,
    HEADINGS,
    Open,
    asked,
    card,
    files,
    held,
    key,
    leave,
    line,
    ordered,
    revocation,
    run,
)

KNOWN = {"issuer": "CN=CA", "serial": "0A", "ski": "AB"}
LATER = dt.date(2026, 2, 25)
SITHS = "CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE"


def one_active(opened: Open, inbox: Path, **answer: str) -> Order:
    """Have a card that is active, with a certificate; returns its order."""
    ordered(opened, inbox, card())
    leave(inbox, line(**{**KNOWN, **answer}), name="aktiv.csv")
    assert receipts.apply(opened(), inbox).rejected == ()
    return the_card(opened, inbox)


def the_card(opened: Open, inbox: Path) -> Order:
    return held(opened(), inbox.parent / "outbox")[key("card")]


# --- another certificate, a longer validity ------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "waits"),
    [
        ({"serial": "0B"}, True),
        ({"issuer": "CN=Another CA"}, True),
        ({"issuer": "", "serial": ""}, True),
        ({"issuer": "", "serial": "", "ski": "CD"}, True),
        ({"valid_to": "2031-03-02"}, True),
        ({"valid_to": "2099-12-31", "serial": "0B"}, True),
        # The same in other words, what AD does not ask for, what lets in for fewer days.
        ({"issuer": "cn=ca", "serial": "00:0a"}, False),
        ({"ski": "CD"}, False),
        ({"code": "x"}, False),
        ({"valid_to": "2031-02-28"}, False),
    ],
)
def test_whom_an_active_card_lets_in_and_for_how_long_changes_only_by_a_persons_word(
    opened: Open, inbox: Path, answer: dict[str, str], waits: bool
) -> None:
    before = one_active(opened, inbox)
    leave(inbox, line(day=str(LATER), **{**KNOWN, **answer}))
    report = receipts.apply(opened(), inbox)
    assert (bool(asked(report)), len(report.rejected), not report.applied) == (waits,) * 3
    after = the_card(opened, inbox)
    assert (after == before) is waits
    if waits:
        report = receipts.apply(opened(), inbox, Terms(expected=asked(report)))
        assert (report.rejected, len(report.applied)) == ((), 1)
        assert the_card(opened, inbox) != before


def test_the_first_certificate_of_an_active_card_waits_for_nobody(
    opened: Open, inbox: Path
) -> None:
    one_active(opened, inbox, issuer="", serial="", ski="")
    leave(inbox, line(day=str(LATER), **KNOWN))
    assert receipts.apply(opened(), inbox).rejected == ()
    assert the_card(opened, inbox).answer["serial"] == "0A"


def test_what_waits_lies_apart_with_its_reason_until_it_is_confirmed(
    opened: Open, inbox: Path
) -> None:
    one_active(opened, inbox)
    ordered(opened, inbox, card("other", object=BO))
    wait = line(day=str(LATER), **{**KNOWN, "serial": "0B"})
    path = leave(inbox, "a;b", wait, line("other", number="5678"))
    content = path.read_bytes()
    told = receipts.apply(opened(check=True), inbox)
    assert path.exists()
    first = receipts.apply(opened(), inbox)
    assert (first.applied, first.rejected) == (told.applied, told.rejected)
    assert [each.key for each in first.applied] == [key("other")]
    assert [each.line for each in first.rejected] == [2, 3]
    (name,) = asked(first)
    folders = {"handled": 1, "rejected": 1, "waiting": 1}
    kept = files(inbox)
    for folder in folders:
        assert f"{folder}/ra_organisation/svar.csv" in kept
    assert kept["handled/ra_organisation/svar.csv"] == content
    assert kept["waiting/ra_organisation/svar.csv"].decode("utf-8-sig") == f"{HEADINGS}\n{wait}\n"
    # Each run tells it again, and nothing moves.
    for _again in range(2):
        again = receipts.apply(opened(), inbox)
        assert (again.applied, again.duplicates, asked(again)) == ((), 0, {name})
        assert [r.file for r in again.rejected] == ["waiting/ra_organisation/svar.csv"]
        assert again.reasons == (str(inbox / "waiting/ra_organisation/svar.csv.reasons.txt"),)
        note = f"line 2: {again.rejected[0].reason}\n".encode()
        assert files(inbox) == kept | {"waiting/ra_organisation/svar.csv.reasons.txt": note}
    assert receipts.apply(opened(), inbox, Terms(expected=frozenset({"0" * 16}))).applied == ()
    assert receipts.apply(opened(), inbox, Terms(expected=frozenset({name}))).rejected == ()
    assert the_card(opened, inbox).answer["serial"] == "0B"
    assert not [path for path in files(inbox) if path.startswith("waiting/")]


def test_a_confirmation_is_of_just_this_answer_to_what_is_known(opened: Open, inbox: Path) -> None:
    one_active(opened, inbox)
    leave(inbox, line(day=str(LATER), **{**KNOWN, "serial": "0B"}), name="b.csv")
    leave(inbox, line(day=str(LATER), **{**KNOWN, "serial": "0C"}), name="c.csv")
    names = asked(receipts.apply(opened(), inbox))
    assert len(names) == 2
    report = receipts.apply(opened(), inbox, Terms(expected=names))
    assert [each.key for each in report.applied] == [key("card")]
    # The other was confirmed of a card with the first certificate.
    assert len(asked(report) - names) == 1
    assert the_card(opened, inbox).answer["serial"] == "0B"


# --- who may issue -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"issuer": SITHS, "serial": "0A"}, ""),
        ({"issuer": "c=se, o=inera ab, cn=x", "serial": "0A"}, "issuer"),
        ({"issuer": SITHS.lower().replace(",", ", "), "serial": "0A", "ski": "AB"}, ""),
        ({"issuer": "CN=SITHS e-id Person HSA-id 3 CA v1", "serial": "0A"}, "issuer"),
        ({"ski": "AB"}, "ski"),
        ({}, ""),
    ],
)
def test_a_card_has_a_certificate_of_those_who_may_issue_them(
    opened: Open, inbox: Path, answer: dict[str, str], reason: str
) -> None:
    ordered(opened, inbox, card())
    leave(inbox, line(**answer))
    report = receipts.apply(opened(), inbox, Terms(issuers=("CN=Other", SITHS)))
    assert [each.reason.partition(":")[0] for each in report.rejected] == [reason] * bool(reason)
    assert the_card(opened, inbox).state == ("ordered" if reason else "active")


# --- how many cards may end ----------------------------------------------------------------------


def people(provider: str, count: int) -> list[Order]:
    """Cards of as many people at a provider."""
    return [
        card(f"{provider} {n}", provider=provider, object=f"SE2321000214-{provider}{n}")
        for n in range(count)
    ]


def about(order: Order, **told: str) -> str:
    """A line about an order."""
    return line(**told).replace(key("card"), order.key)


def activate(opened: Open, inbox: Path, orders: list[Order]) -> None:
    """Have cards that are active, each with a certificate of its own."""
    ordered(opened, inbox, *orders)
    lines = [
        about(o, number=o.key, issuer="CN=CA", serial=f"{n:04X}{len(o.provider):02X}")
        for n, o in enumerate(orders)
    ]
    leave(inbox, *lines, name=f"aktiv-{orders[0].provider}.csv")
    assert receipts.apply(opened(), inbox).rejected == ()


def ending(order: Order, how: str, day: dt.date = LATER) -> str:
    """A line that cuts a card short."""
    if how == "done":
        return about(order, state="utförd", day=str(day))
    valid_to = {"expired": str(day), "shorter": "2026-12-31"}[how]
    return about(order, day=str(day), number=order.key, valid_to=valid_to)


def open_cards(opened: Open, day: dt.date = TODAY) -> int:
    """How many certificates open an account."""
    return sum(map(len, certificates(opened(run(day), check=True)).values()))


@pytest.mark.parametrize("how", ["done", "expired", "shorter"])
@pytest.mark.parametrize(("count", "ends", "limit"), [(10, 2, 2), (10, 3, 2), (3, 2, 1), (1, 1, 1)])
def test_a_file_that_cuts_many_cards_short_is_refused_as_a_whole_until_it_is_confirmed(
    opened: Open, inbox: Path, how: str, count: int, ends: int, limit: int
) -> None:
    alfas = people("alfa", count)
    activate(opened, inbox, alfas)
    ordered(opened, inbox, card())
    leave(inbox, *(ending(each, how) for each in alfas[:ends]), line())
    before = held(opened(), inbox.parent / "outbox")
    told = receipts.apply(opened(check=True), inbox)
    report = receipts.apply(opened(), inbox)
    assert (report.applied, report.rejected) == (told.applied, told.rejected)
    if ends <= limit:
        assert (report.rejected, len(report.applied)) == ((), ends + 1)
        return
    (refused,) = report.rejected
    assert (refused.line, report.applied) == (0, ())
    assert f"{ends} of {count} would lose something" in refused.reason
    assert held(opened(), inbox.parent / "outbox") == before
    again = receipts.apply(opened(), inbox)
    assert (asked(again), again.applied) == (asked(report), ())
    report = receipts.apply(opened(), inbox, Terms(expected=asked(report)))
    assert (report.rejected, len(report.applied)) == ((), ends + 1)
    assert verify(opened()) == []


def test_files_of_seven_days_count_together_and_those_of_onboard_with_them(
    opened: Open, inbox: Path
) -> None:
    alfas = people("alfa", 10)
    activate(opened, inbox, alfas)
    memory.judged(opened(), "siths", Past(lost={"alfa": [("person", alfas[9].object)]}))
    verdicts = []
    for n, day in enumerate((0, 0, 3, 6, 7)):
        today = TODAY + dt.timedelta(days=day)
        leave(inbox, ending(alfas[n], "done", today), name=f"{n}.csv")
        report = receipts.apply(opened(run(today, f"day {day}")), inbox)
        verdicts.append([(len(report.applied), bool(asked(report)))])
        for path in (inbox / "waiting").rglob("*.csv*"):
            path.unlink()
    taken, refused = [(1, False)], [(0, True)]
    assert verdicts == [taken, refused, refused, refused, taken]


def test_what_a_person_confirmed_does_not_count_against_the_days_after(
    opened: Open, inbox: Path
) -> None:
    alfas = people("alfa", 10)
    activate(opened, inbox, alfas)
    leave(inbox, *(ending(each, "done") for each in alfas[:5]))
    receipts.apply(opened(), inbox, Terms(expected=asked(receipts.apply(opened(), inbox))))
    leave(inbox, ending(alfas[5], "done"))
    assert len(receipts.apply(opened(), inbox).applied) == 1


def test_a_few_at_each_of_many_providers_are_many(opened: Open, inbox: Path) -> None:
    providers = [people(f"p{'x' * n}", 5) for n in range(11)]
    for theirs in providers:
        activate(opened, inbox, theirs)
    leave(inbox, *(ending(theirs[0], "done") for theirs in providers))
    report = receipts.apply(opened(), inbox)
    assert (report.applied, len(asked(report))) == ((), 1)
    assert "in this run 11 of 55 would lose something" in report.rejected[0].reason
    assert open_cards(opened) == 55


def test_a_card_that_is_being_revoked_or_never_opened_anything_counts_for_nothing(
    opened: Open, inbox: Path
) -> None:
    alfas = people("alfa", 6)
    activate(opened, inbox, alfas)
    revocations = [
        revocation(f"alfa {n}", provider="alfa", object=alfas[n].object) for n in range(3)
    ]
    ordered(opened, inbox, *revocations)
    lines = [about(each, state="utförd", day=str(LATER)) for each in revocations]
    leave(inbox, *lines)
    report = receipts.apply(opened(), inbox)
    assert (report.rejected, len(report.applied)) == ((), 6)
    assert open_cards(opened) == 3


# --- answers in the ledger, to who writes to its database -----------------------------------------


def sides(ledger: Ledger) -> list[dict[str, str]]:
    with ledger.reading() as connection:
        found = connection.execute(ledger.particulars.select()).mappings()
        return [dict(row) for row in found if row["kind"] == "answer"]


def put_back(ledger: Ledger, rows: list[dict[str, str]]) -> None:
    """What somebody does who writes to the database."""
    with ledger.transaction() as connection:
        table = ledger.particulars
        connection.execute(table.delete().where(table.c.kind == "answer"))
        if rows:
            connection.execute(table.insert(), rows)


def test_an_earlier_answer_of_an_order_is_not_put_back_unseen(opened: Open, inbox: Path) -> None:
    one_active(opened, inbox)
    before = sides(opened())
    leave(inbox, line(day=str(LATER), **{**KNOWN, "valid_to": "2026-03-20"}))
    assert receipts.apply(opened(), inbox).rejected == ()
    ledger = opened()
    assert (ledger.all_doubts(), sides(ledger) == before) == ([], False)
    put_back(ledger, before)
    (doubt,) = ledger.all_doubts()
    assert str(doubt).startswith(f"the answer of card {the_card(opened, inbox).object}")
    assert str(doubt).endswith("of the audit log tells of another")


def test_an_answer_of_a_card_that_lives_is_not_removed_unseen(opened: Open, inbox: Path) -> None:
    one_active(opened, inbox)
    ledger = opened()
    put_back(ledger, [])
    (doubt,) = ledger.all_doubts()
    assert str(doubt).endswith("of the audit log tells of it, and it is gone")


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_person_may_vouch_for_an_answer_and_later_ones_are_watched_again(
    opened: Open, inbox: Path, is_kept: bool
) -> None:
    one_active(opened, inbox)
    before = sides(opened())
    leave(inbox, line(day=str(LATER), **{**KNOWN, "valid_to": "2026-03-20"}))
    receipts.apply(opened(), inbox)
    ledger = opened()
    put_back(ledger, before if is_kept else [])
    assert ledger.accept(ledger.name_of(ledger.all_doubts()))
    assert ledger.all_doubts() == []
    leave(inbox, line(day=str(TODAY), **{**KNOWN, "valid_to": "2026-03-10"}), name="b.csv")
    report = receipts.apply(opened(), inbox)
    receipts.apply(opened(), inbox, Terms(expected=asked(report)))
    assert ledger.all_doubts() == []
    put_back(ledger, before)
    assert ledger.all_doubts() != []
