# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders, receipts, holds and the audit log as people run them, where both directories are."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.regionjh.halsoval.tests.integration.domain import (
    DISABLED,
    empty_region,
    flags,
    in_domain,
)
from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    AS_OF,
    INVENTORY,
    Run,
    Site,
    empty,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.postgresql import Server

PROVIDERS = {path.name for path in (INVENTORY / "providers").iterdir()}
CHANGING = {"bracke-lakarhus", "fjallhalsan", "storsjokliniken"}
SYSTEMS = {"halsoval_systems": ["hsa", "ad", "siths", "services"]}
SCHEMA = Path(__file__).parents[2] / "docs/schema/order-batch.schema.json"
# What domain page 4 says that an order of a card carries.
OF_CARD = {
    "personal_number", "number_kind", "hsa_id", "unit", "provider_name", "photo", "office",
    "ordered_by", "id_administrators", "kur", "delivery",
}  # fmt: skip
ISSUER = "CN=SITHS e-id Person HSA-id 3 CA v1,O=Inera AB,C=SE"


@dataclass(frozen=True)
class Region:
    """The examples, onboarded once in check mode and twice for real, and what was held then."""

    site: Site
    check: Run
    untouched: bool
    run: Run
    batches: dict[Path, dict[str, Any]]
    files: dict[Path, bytes]
    again: Run

    def orders(self, kind: str) -> list[dict[str, Any]]:
        """The orders of a kind in all batches."""
        listed = (order for batch in self.batches.values() for order in batch["orders"])
        return [order for order in listed if order["kind"] == kind]


@pytest.fixture(scope="module")
def onboarded(region: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """The runs, on a region that holds nothing of ours."""
    empty_region(region)
    site = make_site(tmp_path_factory.mktemp("orders") / "site", region)
    check = site.onboard("--check", "-v", **SYSTEMS)
    untouched = not site.outbox.exists() and not (site.state / "ledger.sqlite3").exists()
    run = site.onboard("-v", **SYSTEMS)
    files = outbox(site)
    batches = {path: json.loads(files[path]) for path in files if path.suffix == ".json"}
    again = site.onboard("-v", **SYSTEMS)
    yield Region(site, check, untouched, run, batches, files, again)
    empty_region(region)


def outbox(site: Site) -> dict[Path, bytes]:
    """Every file in the outbox."""
    return {path: path.read_bytes() for path in site.outbox.rglob("*") if path.is_file()}


def cards_wished() -> dict[tuple[str, str], set[str]]:
    """The cards that the records of the examples ask for, as a reader counts them.

    By personal number and kind, with the providers who ask; somebody who works at two has one card.
    """
    wished = defaultdict(set)
    for provider in CHANGING:
        staff = yaml.safe_load((INVENTORY / "providers" / provider / "staff.yml").read_text())
        for row in staff["people"]:
            number = str(row.get("personnummer") or row.get("samordningsnummer"))
            days = [(str(a["from"]), str(a.get("to", "9999-12-31"))) for a in row["assignments"]]
            if any(first <= "2026-04-27" and last >= AS_OF for first, last in days):
                for card in row.get("cards", ()):
                    kind = str(card.get("kind", "ordinary"))
                    wished[re.sub(r"\D", "", number), kind].add(provider)
    return wished


# --- onboard -------------------------------------------------------------------------------------


def test_every_run_is_a_success(onboarded: Region) -> None:
    for run in (onboarded.check, onboarded.run, onboarded.again):
        assert (run.rc, run.hosts("failed")) == (0, set())


def test_check_mode_orders_nothing_and_plans_what_the_run_orders(onboarded: Region) -> None:
    """But for the numbers: a ledger that is not there has no secret yet that they follow from."""
    assert onboarded.untouched
    planned, made = onboarded.check.results, onboarded.run.results
    for provider in PROVIDERS:
        for system in ("siths", "services"):
            assert unnumbered(planned[provider][system]) == unnumbered(made[provider][system])


def unnumbered(result: dict[str, Any]) -> dict[str, Any]:
    """A result without the numbers of orders, and what follows from them."""
    rest = {name: value for name, value in result.items() if name != "plan"}
    changes = (re.sub("(-?[A-Z2-7]{4}){4}$", "", change) for change in rest["changes"])
    return {**rest, "changes": sorted(changes)}


def test_second_run_orders_nothing(onboarded: Region) -> None:
    assert onboarded.again.hosts("changed") == set()
    assert outbox(onboarded.site) == onboarded.files


def test_every_card_that_a_record_asks_for_is_ordered_once(onboarded: Region) -> None:
    ordered = {
        (card["details"]["personal_number"], card["subject"]): card["provider"]
        for card in onboarded.orders("card")
    }
    wished = cards_wished()
    assert len(onboarded.orders("card")) == len(ordered)
    assert ordered.keys() == wished.keys()
    assert all(provider in wished[card] for card, provider in ordered.items())


def test_card_orders_are_shown_by_provider(onboarded: Region) -> None:
    ordered = Counter(card["provider"] for card in onboarded.orders("card"))
    lines = _one_line(onboarded.run).partition("TASK [Sum up]")[2].split("; services: ")
    shown = dict(re.findall(r"([a-z-]+) \([\w, :]+\): .*; siths: card (\d+)", "\n".join(lines)))
    assert {provider: int(count) for provider, count in shown.items()} == ordered


def test_batches_are_complete_and_as_their_schema_says(onboarded: Region) -> None:
    schema = json.loads(SCHEMA.read_text())
    for path, batch in onboarded.batches.items():
        jsonschema.validate(batch, schema)
        assert path.parent.name == batch["recipient"].replace(":", "-")
    cards = onboarded.orders("card")
    for card in cards:
        assert card["details"].keys() >= OF_CARD, card["order"]
        assert card["details"]["hsa_id"] == card["object"]


def test_lists_for_people_hold_the_same_orders_under_swedish_headings(onboarded: Region) -> None:
    for path, batch in onboarded.batches.items():
        text = onboarded.files[path.with_suffix(".csv")].decode("utf-8-sig")
        rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
        assert [r["Beställningsnummer"] for r in rows] == [o["order"] for o in batch["orders"]]
        for row, order in zip(rows, batch["orders"], strict=True):
            if order["kind"] == "card":
                assert row["Personnummer"] == order["details"]["personal_number"]
                assert row["HSA-id"] == order["object"]


def test_protected_people_are_ordered_for_apart_and_without_their_names(onboarded: Region) -> None:
    staff = yaml.safe_load((INVENTORY / "providers/fjallhalsan/staff.yml").read_text())
    (hidden,) = (row for row in staff["people"] if row.get("protected"))
    apart = {path for path in onboarded.files if "skyddade" in path.parts}
    assert apart
    for path, content in onboarded.files.items():
        assert hidden["surname"] not in content.decode()
        number = str(hidden.get("personnummer") or hidden["samordningsnummer"]).replace("-", "")
        assert (number in content.decode()) <= (path in apart)
    (card,) = (c for c in onboarded.orders("card") if c["details"]["kur"])
    assert card["details"]["delivery"] == "tax_agency_forwarding"


def test_files_and_folders_are_for_their_user_alone(onboarded: Region) -> None:
    site = onboarded.site
    for path in (site.outbox, *site.outbox.rglob("*"), *site.state.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_output_names_orders_by_hsa_id_and_key_and_tells_no_number(onboarded: Region) -> None:
    said = onboarded.run.output
    for card in onboarded.orders("card"):
        assert f"add card {card['object']} {card['order']}" in said
        assert card["details"]["personal_number"] not in said


def test_every_write_to_hsa_and_ad_is_in_the_audit_log(onboarded: Region) -> None:
    rows = onboarded.site.audit_log()
    done = {(row["system"], row["object"]) for row in rows if row["result"] == "done"}
    hsa = {e["hsaIdentity"][0] for e in held(onboarded.site.lab).ours().values()}
    assert {one.split()[1] for system, one in done if system == "HSA"} == hsa
    accounts = in_domain(onboarded.site.lab).accounts
    assert {f"account {i}" for i in accounts} <= {one for system, one in done if system == "AD"}
    assert len({row["run"] for row in rows}) == 1
    everything = json.dumps(rows)
    for card in onboarded.orders("card"):
        details = card["details"]
        assert details["personal_number"] not in everything
        assert details.get("surname", "?") not in everything


# --- receipts, holds, audit: one story, in the order of the tests ---------------------------------


@dataclass(frozen=True)
class Locum:
    """A locum of an example who has a card under way."""

    hsa_id: str
    order: str


@pytest.fixture(scope="module")
def locum(onboarded: Region) -> Locum:
    """Somebody at a provider in operation, with a card of their own and an open account."""
    accounts = in_domain(onboarded.site.lab)
    card = next(
        card
        for card in sorted(onboarded.orders("card"), key=lambda card: str(card["order"]))
        if card["provider"] == "fjallhalsan" and card["object"] in accounts.enabled
        if not card["details"]["kur"]
    )
    return Locum(card["object"], card["order"])


HEADINGS = "Beställningsnummer;Status;Datum;Kortnummer;Giltigt till;Utfärdare;Serienummer"


def answer(site: Site, name: str, *lines: str) -> Run:
    """Leave an answer file in the card office's folder and take it in."""
    folder = site.inbox / "ra_organisation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([HEADINGS, *lines, ""]), encoding="utf-8")
    return site.play("receipts", "-v")


def test_a_card_that_is_activated_is_mapped_to_the_account_in_the_same_run(
    onboarded: Region, locum: Locum
) -> None:
    line = f"{locum.order};aktiv;{AS_OF};9752278900000001;2031-03-01;{ISSUER};0a0b0c"
    run = answer(onboarded.site, "kort-1.csv", line)
    assert run.rc == 0
    assert run.hosts("changed") == {"localhost", "fjallhalsan"}
    (mapping,) = in_domain(onboarded.site.lab).accounts[locum.hsa_id]["altSecurityIdentities"]
    assert mapping == "X509:<I>C=SE,O=Inera AB,CN=SITHS e-id Person HSA-id 3 CA v1<SR>0C0B0A"
    handled = onboarded.site.inbox / "handled/ra_organisation"
    assert [path.name for path in handled.iterdir()] == ["kort-1.csv"]


def test_answers_that_cannot_be_taken_in_fail_the_playbook_and_are_kept(
    onboarded: Region, locum: Locum
) -> None:
    site = onboarded.site
    unknown = f"AAAA-AAAA-AAAA-AAAA;aktiv;{AS_OF};1;2031-03-01;;"
    run = answer(site, "kort-2.csv", unknown)
    assert run.rc == 2
    assert "1 lines were rejected" in run.output
    assert unknown in (site.inbox / "rejected/ra_organisation/kort-2.csv").read_text("utf-8-sig")
    assert "line 2" in (site.inbox / "rejected/ra_organisation/kort-2.csv.reasons.txt").read_text()
    assert site.play("receipts").rc == 0


def test_thousands_of_bad_answers_are_counted_and_some_are_named(onboarded: Region) -> None:
    site = onboarded.site
    run = answer(site, "kort-3.csv", *(f"{row};aktiv;{AS_OF};;;;" for row in range(3000)))
    assert run.rc == 2
    assert "3000 lines were rejected, or wait" in _one_line(run)
    assert "the summary above names 20 of them" in _one_line(run)
    assert "kort-3.csv.reasons.txt" in run.output
    assert len(run.output) < 20_000
    reasons = (site.inbox / "rejected/ra_organisation/kort-3.csv.reasons.txt").read_text("utf-8")
    assert len(reasons.splitlines()) == 3000


def test_another_certificate_reaches_the_account_once_a_person_has_confirmed_it(
    onboarded: Region, locum: Locum
) -> None:
    site = onboarded.site

    def mapped() -> list[str]:
        found = in_domain(site.lab).accounts[locum.hsa_id]["altSecurityIdentities"]
        return [str(each) for each in found]

    before = mapped()
    line = f"{locum.order};aktiv;{AS_OF};9752278900000001;2031-03-01;{ISSUER};0a0b0d"
    run = answer(site, "kort-4.csv", line)
    (name,) = set(re.findall("-e receipts_expected=([0-9a-f]{16})", _one_line(run)))
    assert (run.rc, mapped()) == (2, before)
    assert site.play("receipts").rc == 2
    assert site.play("receipts", receipts_expected=name).rc == 0
    assert mapped() == [before[0].replace("<SR>0C", "<SR>0D")]


def test_another_recipients_answer_is_not_believed(onboarded: Region, locum: Locum) -> None:
    site = onboarded.site
    folder = site.inbox / "telia"
    folder.mkdir()
    line = f"{locum.order};utförd;{AS_OF};;;;"
    (folder / "svar.csv").write_text("\n".join([HEADINGS, line, ""]), encoding="utf-8")
    run = site.play("receipts", "-v")
    assert run.rc == 2
    assert "expected one that left to the recipient of this folder" in _one_line(run)


def test_a_hold_closes_account_and_membership_and_survives_the_run_after(
    onboarded: Region, locum: Locum
) -> None:
    site = onboarded.site
    assert is_let_in(site, locum)
    who = {"hold_object": locum.hsa_id, "hold_state": "placed", "hold_reason": "H2"}
    assert site.play("hold", **who).rc == 0
    for _run in range(2):
        assert site.onboard(**SYSTEMS).rc == 0
        assert not is_let_in(site, locum)
    lifted = {"hold_object": locum.hsa_id, "hold_state": "lifted"}
    assert site.play("hold", **lifted).rc == 0
    assert site.onboard(**SYSTEMS).rc == 0
    assert is_let_in(site, locum)


def test_a_grant_ends_by_itself(onboarded: Region, locum: Locum) -> None:
    """The assignment was ended by mistake; the grant bridges it until the record is right."""
    site = onboarded.site
    with site.people("fjallhalsan") as people:
        row = next(r for r in people if r.get("hsa_id") == locum.hsa_id or _is(site, r, locum))
        for assignment in row["assignments"]:
            assignment["to"] = "2026-03-01"
    grant = {
        "hold_object": locum.hsa_id, "hold_state": "placed", "hold_kind": "grant",
        "hold_reason": "B1", "hold_until": AS_OF,
    }  # fmt: skip
    assert site.play("hold", **grant).rc == 0
    assert site.onboard(**SYSTEMS).rc == 0
    assert is_let_in(site, locum)
    assert site.onboard(**SYSTEMS, halsoval_as_of="2026-03-03").rc == 0
    assert not is_let_in(site, locum)


def test_who_has_left_has_the_card_revoked(onboarded: Region, locum: Locum) -> None:
    revoked = [
        order
        for path, content in outbox(onboarded.site).items()
        if path.suffix == ".json"
        for order in json.loads(content)["orders"]
        if order["kind"] == "revocation"
    ]
    assert [(order["object"], order["follows"]) for order in revoked] == [
        (locum.hsa_id, locum.order)
    ]
    assert revoked[0]["details"]["card_number"] == "9752278900000001"


@pytest.mark.parametrize("wrong", ["19121212-1212", "SE2321000214-HV999999", "fjallhalsn"])
def test_a_hold_on_nobody_is_an_error_that_does_not_repeat_the_text(
    onboarded: Region, wrong: str
) -> None:
    what = {"hold_object": wrong, "hold_state": "placed", "hold_reason": "H2"}
    run = onboarded.site.play("hold", **what)
    assert run.rc == 2
    assert "expected as object an HSA-id that a run has seen" in run.output
    assert wrong not in run.output


def test_audit_verifies_exports_and_names_a_row_that_was_changed(
    onboarded: Region, tmp_path: Path
) -> None:
    site, dest = onboarded.site, tmp_path / "audit.csv"
    period = {"audit_first_day": "2026-01-01", "audit_last_day": "2099-12-31"}
    run = site.play("audit", "-v", **period, audit_dest=str(dest))
    assert run.rc == 0
    with dest.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(site.audit_log())
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600

    with sqlite3.connect(site.state / "ledger.sqlite3") as ledger:
        ledger.execute("UPDATE audit SET provider = 'beta' WHERE seq = 17")
    changed = site.play("audit")
    assert changed.rc == 2
    assert re.search(r"not as its runs left it: row 17: ", _one_line(changed))


def is_let_in(site: Site, locum: Locum) -> bool:
    """Whether the locum has an open account, groups and a membership; never some of it."""
    hsa, ad = held(site.lab), in_domain(site.lab)
    signs = {
        locum.hsa_id in hsa.members("fjallhalsan"),
        not flags(ad.accounts[locum.hsa_id]) & DISABLED,
        bool(ad.groups_of(locum.hsa_id)),
    }
    assert len(signs) == 1, signs
    return signs.pop()


def _is(site: Site, row: dict[str, Any], locum: Locum) -> bool:
    number = str(row.get("personnummer") or row.get("samordningsnummer")).replace("-", "")
    entry = held(site.lab).person(number)
    return entry is not None and entry["hsaIdentity"][0] == locum.hsa_id


def _one_line(run: Run) -> str:
    return " ".join(run.output.split())


# --- a ledger that controllers share -------------------------------------------------------------


def test_a_second_controller_that_shares_the_ledger_orders_nothing(
    lab: Lab, postgresql: Server, tmp_path: Path
) -> None:
    empty(lab)
    one, other = (make_site(tmp_path / name, lab) for name in ("one", "other"))
    shared = {
        "halsoval_systems": ["hsa", "siths"],
        "halsoval_ledger_url": postgresql.new_database(),
        "halsoval_outbox": str(tmp_path / "outbox"),
    }
    first = one.onboard("-vvv", **shared)
    stranger = other.onboard(**shared)
    shutil.copy2(one.state / "ledger.key", other.state)
    again = other.onboard("-vvv", **shared)
    empty(lab)
    assert (stranger.rc, stranger.hosts("changed")) == (2, set()), stranger.output
    assert "copy it from a controller that has it" in _one_line(stranger)
    assert (first.rc, first.hosts("changed")) == (0, CHANGING), first.output
    assert (again.rc, again.hosts("changed")) == (0, set()), again.output
    assert postgresql.password not in first.output + again.output
    assert not (one.state / "ledger.sqlite3").exists()
    (path,) = (tmp_path / "outbox/ra_organisation").glob("*.json")
    assert len(json.loads(path.read_text())["orders"]) > 140


def test_without_its_ledger_a_run_writes_nothing(
    lab: Lab, postgresql: Server, tmp_path: Path
) -> None:
    """What nobody could look up afterwards is not done, and a hold may stand there."""
    empty(lab)
    site = make_site(tmp_path / "site", lab)
    url = postgresql.url("ledger", password="wrong")
    run = site.onboard(halsoval_ledger_url=url)
    assert (run.rc, run.hosts("failed")) == (2, PROVIDERS), run.output
    assert "the ledger postgresql" in run.output
    assert "wrong" not in run.output
    assert held(lab).ours() == {}
