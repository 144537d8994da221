# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registers answer: taken in once, held at once, hidden at once, and told where it differs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import Settled
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import recall
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.found import read_night
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.metrics import as_metrics
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.report import as_json, as_page
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders import receipts
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.memory import Fact
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import Approved
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.registers import shielded
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.register_check import check
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    assignment,
    coordination_number,
    number,
    person,
    record,
)
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    card,
    files,
    make,
)

HEADINGS = (
    "Personnummer;Register;Datum;Status;Skyddade personuppgifter;Förnamn;Mellannamn;Efternamn;"
    "Legitimation;Återkallad legitimation"
)
NURSE = {"title": "Sjuksköterska", "confirmed": "2026-01-01"}
YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)


def hsa_id(index: int) -> str:
    return f"SE2321000214-HV{index:06d}"


def of_population(
    index: int = 1, status: str = "levande", hidden: str = "nej", day: dt.date = TODAY,
    name: str | None = None, who: str | None = None,
) -> str:  # fmt: skip
    """A line of the population register."""
    name = f"Anna{index} Maria;;Fjällström" if name is None else name
    return f"{who or number(index)};Folkbokföring;{day};{status};{hidden};{name};;"


def of_hosp(index: int = 1, has: str = "", lost: str = "", day: dt.date = TODAY) -> str:
    """A line of HOSP."""
    return f"{number(index)};HOSP;{day};;;;;;{has};{lost}"


@dataclass
class Site:
    """A ledger in whose runs everybody got an HSA-id, an inbox, an outbox, and records."""

    ledgers: Ledgers
    path: Path
    records: tuple[Record, ...] = ()
    invalid: frozenset[str] = frozenset()

    @property
    def ledger(self) -> Ledger:
        return self.ledgers.open()

    @property
    def inbox(self) -> Path:
        return self.path / "inbox"

    def leave(self, *lines: str, name: str = "svar.csv") -> None:
        text = "\n".join((HEADINGS, *lines, ""))
        (self.inbox / "registers" / name).write_text(text, encoding="utf-8")

    def run(
        self,
        *lines: str,
        day: dt.date = TODAY,
        is_check: bool = False,
        takes: bool = True,
        expected: Iterable[str] = (),
    ) -> dict[str, Any]:
        """Take in a file of these lines, if there are any."""
        if lines:
            self.leave(*lines)
        options = {
            "inbox": str(self.inbox) if takes else None, "outbox": str(self.path / "outbox"),
            "protected_outbox": None, "expected": list(expected),
        }  # fmt: skip
        approved = Approved(self.records, self.invalid)
        with self.ledgers.open(f"run-{day}", is_check, day) as ledger:
            return check(options, approved, ledger, day)

    def found(self, *lines: str, day: dt.date = TODAY) -> set[tuple[str, str, str, str]]:
        """Provider, code, severity and object of what is found."""
        result = self.run(*lines, day=day)
        assert result["rejected"] == []
        return {
            (provider, one["code"], one["severity"], one["object"])
            for provider, own in result["providers"].items()
            for one in own["findings"]
        }

    def holds(self) -> dict[str, str]:
        """The reasons of the holds in force, by object."""
        holds = self.ledger.decisions().holds
        return {h.object: h.reason for h in holds if h.is_in_force(TODAY)}


@pytest.fixture
def site(sqlite_ledgers: Ledgers, tmp_path: Path) -> Site:
    """A site with a nurse, a doctor whose licence nobody confirmed, and one without any."""
    (tmp_path / "inbox/registers").mkdir(parents=True)
    made = Site(sqlite_ledgers, tmp_path)
    made.records = (record("alfa", STAFF),)
    made.ledger.keep("ldaps://hsa", {number(index): hsa_id(index) for index in (1, 2, 3)})
    return made


STAFF = [
    person(1, licences=[NURSE]), person(2, licences=[{"title": "Läkare"}]), person(3),
]  # fmt: skip
HIGH, NORMAL = "high", "normal"

# --- findings ------------------------------------------------------------------------------------

FOUND: dict[str, tuple[list[str], set[tuple[str, str]]]] = {
    "all is well": ([of_population(), of_hosp(has="Sjuksköterska")], set()),
    "deceased": ([of_population(status="avliden")], {("deceased", HIGH)}),
    "emigrated": ([of_population(status="utvandrad")], set()),
    "protected": ([of_population(hidden="ja")], {("protection_changed", HIGH)}),
    "another surname": ([of_population(name="Anna1;;Ek")], {("name_differs", NORMAL)}),
    "another given name": ([of_population(name="Bo;;Fjällström")], {("name_differs", NORMAL)}),
    "capitals": ([of_population(name="ANNA1-MARIA;;FJÄLLSTRÖM")], set()),
    "a middle name": ([of_population(name="Anna1;Ek;Fjällström")], set()),
    "no name": ([of_population(name=";;")], set()),
    "no licence": ([of_hosp()], {("licence_missing", HIGH)}),
    "another licence": ([of_hosp(has="Läkare")], {("licence_missing", HIGH)}),
    "withdrawn": ([of_hosp(lost="Sjuksköterska")], {("licence_withdrawn", HIGH)}),
    "what no record lists is withdrawn": ([of_hosp(has="Sjuksköterska", lost="Läkare")], set()),
    "older than the confirmation": ([of_hosp(day=dt.date(2025, 12, 31))], set()),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_differs_is_found_by_hsa_id_alone(site: Site, what: str) -> None:
    lines, expected = FOUND[what]
    codes = {one for one in site.found(*lines) if one[1] != "check_overdue"}
    assert codes == {("alfa", code, severity, hsa_id(1)) for code, severity in expected}


def test_an_unconfirmed_licence_is_not_missed_and_its_withdrawal_is_told(site: Site) -> None:
    assert {one[1] for one in site.found(of_hosp(2))} == {"check_overdue"}
    found = {one[1] for one in site.found(of_hosp(2, lost="Läkare", day=TOMORROW), day=TOMORROW)}
    assert "licence_withdrawn" in found


def test_a_record_that_protects_whom_the_register_does_not_is_told(site: Site) -> None:
    site.records = (record("alfa", [{**STAFF[0], "protected": True}]),)
    assert site.found(of_population()) == {("alfa", "protection_changed", NORMAL, hsa_id(1))}


def test_a_corrected_record_ends_what_was_found(site: Site) -> None:
    assert site.found(of_population(name="Anna1;;Ek"))
    site.records = (record("alfa", [{**STAFF[0], "surname": "Ek"}]),)
    assert site.found() == set()


def test_every_provider_is_told_of_its_own_row(site: Site) -> None:
    site.records = (record("alfa", [STAFF[0]]), record("beta", [person(1)]))
    found = site.found(of_hosp(lost="Sjuksköterska"), of_population(status="avliden"))
    assert {tuple(each[:2]) for each in found} == {
        ("alfa", "licence_withdrawn"), ("alfa", "deceased"), ("beta", "deceased"),
    }  # fmt: skip


def test_who_has_left_is_no_finding(site: Site) -> None:
    site.records = (record("alfa", [person(1, assignment(to="2026-03-01"))]),)
    assert site.found(of_population(status="avliden")) == set()


def test_who_has_no_hsa_id_is_told_by_ref_and_held_once_there_is_one(site: Site) -> None:
    site.records = (record("alfa", [person(5, ref="doctor")]),)
    assert site.found(of_population(5, "avliden")) == {("alfa", "deceased", HIGH, "doctor")}
    assert site.holds() == {}
    site.ledger.keep("ldaps://hsa", {number(5): hsa_id(5)})
    assert site.run(takes=False)["holds"] == [{"object": hsa_id(5), "reason": "deceased"}]
    assert site.holds() == {hsa_id(5): "deceased"}


# --- whether somebody was asked ------------------------------------------------------------------


def test_a_region_that_never_asked_a_register_hears_nothing(site: Site) -> None:
    result = site.run(takes=False)
    assert (result["skipped"], result["changed"]) == (True, False)
    assert result["providers"] == {"alfa": {"findings": []}}
    night = read_night(TODAY, "run", {"alfa": "operation"}, {}, {"registers": result})
    assert night.systems == ()


def overdue(result: dict[str, Any]) -> list[str]:
    found = result["providers"]["alfa"]["findings"]
    return [one["message"].partition(" not")[0] for one in found if one["code"] == "check_overdue"]


def test_one_finding_counts_those_who_were_not_checked_for_a_month(site: Site) -> None:
    everybody = [of_population(index) for index in (1, 2, 3)]
    day = TODAY + dt.timedelta(days=31)
    assert overdue(site.run(*everybody)) == []
    assert overdue(site.run(day=day)) == []
    assert overdue(site.run(day=day + dt.timedelta(days=1))) == ["3 people were"]
    again = [of_population(index, day=day) for index in (1, 2)]
    assert overdue(site.run(*again, day=day + dt.timedelta(days=1))) == ["1 person was"]


def test_hosp_is_asked_of_those_alone_who_have_licences(site: Site) -> None:
    site.run(*(of_population(index) for index in (1, 2, 3)))
    assert overdue(site.run(of_hosp(1, has="Sjuksköterska"))) == ["1 person was"]
    assert overdue(site.run(of_hosp(2, has="Läkare"))) == []


def test_who_is_new_was_looked_at_when_they_came(site: Site) -> None:
    site.records = (record("alfa", [person(1), person(2, assignment(since="2026-02-20"))]),)
    assert overdue(site.run(of_population(1))) == []


# --- taken in once -------------------------------------------------------------------------------


def test_answers_are_taken_in_once_and_older_ones_change_nothing(site: Site) -> None:
    first = site.run(of_population(), of_population(2))
    assert (first["taken"], first["unchanged"], first["changed"]) == (2, 0, True)
    again = site.run(of_population(), of_population(2, "avliden", day=YESTERDAY))
    assert (again["taken"], again["unchanged"], site.holds()) == (0, 2, {})


def test_nothing_is_noted_of_whom_no_record_names(site: Site) -> None:
    result = site.run(of_population(9, "avliden"))
    assert (result["taken"], result["unknown"]) == (0, 1)
    assert rows(site) == []


def test_of_who_is_named_no_more_all_is_forgotten_unless_a_record_cannot_be_read(
    site: Site,
) -> None:
    site.run(of_population(1), of_population(3))
    site.records, site.invalid = (record("alfa", STAFF[:1]),), frozenset({"beta"})
    site.run()
    assert len(rows(site)) == 2
    site.invalid = frozenset()
    site.run()
    assert len(rows(site)) == 1


def test_the_ledger_holds_neither_number_nor_name(site: Site) -> None:
    site.run(of_population(), of_hosp(has="Sjuksköterska"))
    text = json.dumps(rows(site), ensure_ascii=False)
    assert number(1) not in text
    assert "Fjällström" not in text
    assert "Sjuksköterska" in text


def rows(site: Site) -> list[dict[str, Any]]:
    with site.ledger.reading() as connection:
        found = connection.execute(sa.text("SELECT * FROM register_answers")).mappings()
        return [dict(row) for row in found]


def test_bad_lines_are_rejected_without_their_values_and_good_ones_count(site: Site) -> None:
    result = site.run(of_population(1), "12;HOSP;2026-03-02;;;;;;;", of_population(2, day=TOMORROW))
    assert result["taken"] == 1
    assert [(r["file"], r["line"]) for r in result["rejected"]] == [
        ("registers/svar.csv", 3), ("registers/svar.csv", 4),
    ]  # fmt: skip
    assert "not after today" in result["rejected"][1]["reason"]
    assert number(2) not in json.dumps(result)
    left = {str(p.relative_to(site.inbox)) for p in site.inbox.rglob("*") if p.is_file()}
    assert left == {"rejected/registers/svar.csv", "rejected/registers/svar.csv.reasons.txt"}
    kept = (site.inbox / "rejected/registers/svar.csv").read_text(encoding="utf-8-sig")
    assert kept.splitlines()[0] == HEADINGS
    assert len(kept.splitlines()) == 3


def test_a_file_that_is_none_is_rejected_whole(site: Site) -> None:
    (site.inbox / "registers/svar.csv").write_text("Namn\nAnna\n", encoding="utf-8")
    (site.inbox / "registers/link.csv").symlink_to(site.inbox / "registers/svar.csv")
    result = site.run()
    assert {(r["file"], r["line"]) for r in result["rejected"]} == {
        ("registers/svar.csv", 0), ("registers/link.csv", 0),
    }  # fmt: skip
    assert list((site.inbox / "registers").iterdir()) == []


def test_receipts_leave_the_folder_of_registers_alone(site: Site) -> None:
    site.leave(of_population())
    assert receipts.apply(site.ledger, site.inbox) == receipts.Report()
    assert (site.inbox / "registers/svar.csv").exists()


def test_json_says_the_same(site: Site) -> None:
    said = [
        {"personal_number": number(1), "register": "folkbokforing", "day": str(TODAY),
         "status": "deceased", "protected": "no"},
        {"personal_number": number(1), "register": "hosp", "day": str(TODAY),
         "licences": ["Läkare"], "withdrawn": ["Sjuksköterska"]},
    ]  # fmt: skip
    (site.inbox / "registers/svar.json").write_text(json.dumps(said), encoding="utf-8")
    assert {one[1] for one in site.found()} >= {"deceased", "licence_withdrawn"}


def test_check_takes_nothing_in_and_tells_what_it_would(site: Site) -> None:
    line = of_population(status="avliden")
    told = site.run(line, is_check=True)
    assert (rows(site), site.holds()) == ([], {})
    assert (site.inbox / "registers/svar.csv").exists()
    done = site.run(line)
    assert told["holds"] == done["holds"] == [{"object": hsa_id(1), "reason": "deceased"}]
    assert told["providers"] == done["providers"]


# --- held at once --------------------------------------------------------------------------------


def test_the_deceased_and_who_lost_a_licence_are_held(site: Site) -> None:
    result = site.run(of_hosp(lost="Sjuksköterska"), of_population(3, "avliden"), of_hosp(2))
    assert site.holds() == {hsa_id(1): "licence_withdrawn", hsa_id(3): "deceased"}
    assert result["holds"] == [
        {"object": hsa_id(1), "reason": "licence_withdrawn"},
        {"object": hsa_id(3), "reason": "deceased"},
    ]


@pytest.mark.parametrize("line", [of_population(3), of_hosp(3, lost="Läkare"), of_hosp(1)])
def test_nobody_else_is_held(site: Site, line: str) -> None:
    site.run(line)
    assert site.holds() == {}


def test_who_is_lifted_by_hand_stays_so_until_a_newer_answer_says_it_again(site: Site) -> None:
    site.run(of_population(status="avliden", day=YESTERDAY))
    site.ledger.lift(f"hold {hsa_id(1).casefold()}")
    for _time in range(2):
        site.run(of_population(status="avliden", day=YESTERDAY))
        assert site.holds() == {}
    site.run(of_population(status="avliden"))
    assert site.holds() == {hsa_id(1): "deceased"}


def test_a_hold_of_a_person_stays_as_it_is_and_one_that_would_end_does_not(site: Site) -> None:
    site.run(of_population())
    held: dict[str, Any] = {"kind": "hold", "by": "bo@controller", "since": YESTERDAY}
    for index, until in ((1, None), (2, TODAY)):
        id = f"hold {hsa_id(index).casefold()}"
        site.ledger.place(Hold(id=id, object=hsa_id(index), until=until, reason="H2", **held))
    site.run(of_population(1, "avliden"), of_population(2, "avliden"))
    assert site.holds() == {hsa_id(1): "H2", hsa_id(2): "deceased"}


def test_who_is_known_by_an_earlier_number_is_the_same_person(site: Site) -> None:
    old = coordination_number(1)
    site.records = (record("alfa", [person(1, previous_numbers=[old])]),)
    site.run(of_population(who=old, status="avliden"))
    assert site.holds() == {hsa_id(1): "deceased"}


def test_a_link_that_a_run_remembers_counts_too(site: Site) -> None:
    old = coordination_number(1)
    site.run(takes=False)
    memory = recall(site.ledger, "HSA")
    link = Fact(memory.digest(number(1)), f"was {memory.digest(old)}")
    site.ledger.remember("HSA", [Settled("beta", frozenset({link}))])
    site.records = (record("alfa", [person(1, personnummer=None, samordningsnummer=old)]),)
    assert ("alfa", "deceased", HIGH, hsa_id(1)) in site.found(of_population(status="avliden"))
    assert site.holds() == {hsa_id(1): "deceased"}


def test_who_is_deceased_is_held_though_the_record_cannot_be_read(site: Site) -> None:
    site.run(takes=False)
    memory = recall(site.ledger, "HSA")
    label = Fact(memory.digest(number(1)), "label 00")
    site.ledger.remember("HSA", [Settled("alfa", frozenset({label}))])
    site.records, site.invalid = (), frozenset({"alfa"})
    result = site.run(of_population(status="avliden"), of_population(9, "avliden"))
    assert (site.holds(), result["unknown"]) == ({hsa_id(1): "deceased"}, 1)
    assert result["providers"] == {"alfa": {}}


def test_more_holds_than_the_limit_wait_until_a_person_confirms_just_those(site: Site) -> None:
    site.records = (record("alfa", [person(index) for index in range(1, 12)]),)
    site.ledger.keep("ldaps://hsa", {number(index): hsa_id(index) for index in range(1, 12)})
    dead = [of_population(index, "avliden") for index in range(1, 12)]
    result = site.run(*dead)
    assert (site.holds(), result["taken"]) == ({}, 11)
    assert "11 people would lose access at once, more than 10" in result["waits"]
    night = site.run(takes=False)
    (refused,) = [one for one in night["findings"] if one["code"] == "refused"]
    assert refused["severity"] == "high"
    assert site.run(expected=["0" * 16])["holds"] == []
    assert len(site.run(expected=[night["expected"]])["holds"]) == 11
    assert site.run(takes=False)["waits"] == ""


# --- hidden at once ------------------------------------------------------------------------------


def is_protected(site: Site, index: int = 1) -> bool:
    """Whether the next run of a system takes the person for protected."""
    records = shielded(site.records, recall(site.ledger, "AD"))
    rows = (row for one in records for row in one.staff.people)
    return next(row.protected for row in rows if row.number == number(index))


def test_who_the_register_protects_is_protected_in_every_system_until_it_says_no(
    site: Site,
) -> None:
    site.run(of_population(hidden="ja", day=YESTERDAY))
    assert (is_protected(site), is_protected(site, 2)) == (True, False)
    assert recall(site.ledger, "HSA").protects([number(1)])
    site.run(of_population(day=YESTERDAY - dt.timedelta(days=1)))
    assert is_protected(site)
    site.run(of_population())
    assert not is_protected(site)


def test_open_batches_go_to_the_protected_peoples_folder_at_once(site: Site) -> None:
    both = [card("a", object=hsa_id(1)), card("b", object=hsa_id(2))]
    make(site.ledger, site.path / "outbox", both)
    make(site.ledgers.open("run-2"), site.path / "outbox", [card("c", object=hsa_id(3))])
    before = files(site.path / "outbox")
    assert site.run(of_population(hidden="ja"), is_check=True)["hidden_batches"]
    assert files(site.path / "outbox") == before
    (moved,) = site.run(of_population(hidden="ja"))["hidden_batches"]
    after = files(site.path / "outbox")
    names = {name for name in before if moved in name}
    assert len(names) == 2
    assert after == {f"skyddade/{n}" if n in names else n: content for n, content in before.items()}
    assert site.run()["hidden_batches"] == []


def test_reports_of_the_night_name_nobody(site: Site) -> None:
    result = site.run(of_population(hidden="ja", name="Kanarie;;Fågel"), of_hosp())
    night = read_night(TODAY, "run", {"alfa": "operation"}, {}, {"registers": result})
    told = (
        json.dumps(as_json(night)), as_page(night), as_metrics(night, dt.datetime.now(dt.UTC)),
        json.dumps(result),
    )  # fmt: skip
    for word in (number(1), "Kanarie", "Fågel", "Anna1", "Fjällström"):
        assert not any(word in text for text in told)
    assert "folkbokföring och HOSP" in told[1]
    assert "Skyddade personuppgifter skiljer sig" in told[1]


# --- sealed --------------------------------------------------------------------------------------


def test_who_writes_living_by_sql_is_seen_and_believed_by_nobody(site: Site) -> None:
    site.run(of_population(status="avliden"))
    ledger = site.ledger
    with ledger.transaction() as connection:
        connection.execute(sa.text("UPDATE register_answers SET status = 'living'"))
    assert "the answer of folkbokforing about" in ledger.past("AD", ()).alarm
    assert [doubt.table for doubt in ledger.all_doubts()] == ["register_answers"]
    name = ledger.name_of(ledger.all_doubts())
    assert is_protected(site)
    assert {one[1] for one in site.found()} == {"check_overdue"}
    assert ledger.accept(name)
    assert ledger.past("AD", ()).alarm == ""


def test_who_writes_deceased_by_sql_has_nobody_held(site: Site) -> None:
    site.run(of_population())
    with site.ledger.transaction() as connection:
        connection.execute(sa.text("UPDATE register_answers SET status = 'deceased'"))
    assert "deceased" not in {one[1] for one in site.found()}
    assert site.holds() == {}
