# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox: batches as JSON and CSV, whole, deterministic, and never overwritten."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.orders.outbox import (
    Batch,
    Outbox,
    OutboxError,
    as_csv,
    as_json,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number
from ansible_collections.regionjh.halsoval.tests.unit.orders.order_builders import (
    ANNA,
    BO,
    card,
    files,
    join,
    key,
    revocation,
)

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs/schema/order-batch.schema.json").read_text(encoding="utf-8")
)
BATCH = Batch(
    id=f"2026-03-02-{key('batch')}",
    system="siths",
    recipient="ra_organisation",
    run="run-1",
    as_of=TODAY,
)
SERVICES = replace(BATCH, system="services", recipient="systemforvaltning")
JSON, CSV = f"ra_organisation/{BATCH.id}.json", f"ra_organisation/{BATCH.id}.csv"


def rows(batch: Batch, *orders: Order) -> list[dict[str, str]]:
    """The CSV as a spreadsheet reads it."""
    text = as_csv(batch, orders).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))


def test_a_batch_is_a_json_and_a_csv_file_in_the_recipients_folder(tmp_path: Path) -> None:
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert set(files(tmp_path)) == {JSON, CSV}


def test_the_json_holds_every_order_by_its_number_with_all_its_particulars(tmp_path: Path) -> None:
    one, other = card("one"), revocation("one", object=BO)
    Outbox(tmp_path).deliver(BATCH, [one, other])
    batch = json.loads(files(tmp_path)[JSON])
    by_key = {order["order"]: order for order in batch.pop("orders")}
    assert list(by_key) == sorted([one.key, other.key])
    assert by_key[one.key] == {
        "order": one.key,
        "kind": "card",
        "subject": "ordinary",
        "level": 3,
        "cause": "first",
        "provider": "fjallhalsan",
        "object": ANNA,
        "due": None,
        "follows": None,
        "details": one.particulars,
    }
    assert by_key[other.key]["follows"] == one.key
    assert batch == {
        "schema": "order-batch.schema.json",
        "batch": BATCH.id,
        "system": "siths",
        "recipient": "ra_organisation",
        "created": "2026-03-02",
        "run": "run-1",
    }


@pytest.mark.parametrize(
    ("batch", "order"), [(BATCH, card()), (BATCH, revocation()), (SERVICES, join())]
)
def test_the_json_is_as_the_published_schema_says(batch: Batch, order: Order) -> None:
    jsonschema.validate(json.loads(as_json(batch, [order])), SCHEMA)


def test_the_published_schema_allows_nothing_else() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    batch = json.loads(as_json(BATCH, [card()]))
    for wrong in (
        batch | {"other": 1},
        batch | {"orders": []},
        batch | {"orders": [batch["orders"][0] | {"state": "ordered"}]},
        batch | {"orders": [batch["orders"][0] | {"order": "ABC"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)


def test_the_csv_of_cards_says_in_swedish_all_that_the_ra_organisation_needs() -> None:
    assert rows(BATCH, card()) == [
        {
            "Beställningsnummer": key("card"),
            "Ärende": "Kort",
            "Korttyp": "Ordinarie kort",
            "Tillitsnivå": "3",
            "Personnummer": number(1),
            "Nummertyp": "Personnummer",
            "HSA-id": ANNA,
            "Förnamn": "Anna",
            "Mellannamn": "",
            "Efternamn": "Ek",
            "Vårdgivare": "Fjällhälsan AB",
            "Enhet": "Hälsocentralen Åre",
            "Kortkontor": "Östersund",
            "Foto": "Ja",
            "Antal id-administratörer": "1",
            "KUR": "Nej",
            "Leverans": "Folkbokföringsadressen",
            "Beställare": "Cecilia Ask",
            "Första dag": "2026-04-01",
            "Sista dag": "",
            "Senast": "",
            "Orsak": "Första kortet",
            "Ersätter": "",
            "Kortets beställning": "",
            "Kortnummer": "",
            "Övertar kortnummer": "",
            "Från vårdgivare": "",
            "Till vårdgivare": "",
            "Övrigt": "",
        }
    ]


def test_the_csv_of_services_says_which_service_and_by_when() -> None:
    (row,) = rows(SERVICES, join(particulars={"hsa_id": ANNA, "service_name": "EKG-data"}))
    assert (row["Ärende"], row["Tjänst"], row["Senast"]) == (
        "Ny användare",
        "EKG-data",
        "2026-04-01",
    )


@pytest.mark.parametrize(
    ("batch", "heading", "order", "word"),
    [
        (BATCH, "Orsak", card(kind="takeover", cause="moved"), "Byte av vårdgivare"),
        (SERVICES, "Orsak", join(particulars={"reason": "start_moved"}), "Ändrad första dag"),
        (SERVICES, "Orsak", join(particulars={"reason": "end_moved"}), "Ändrad sista dag"),
        (SERVICES, "Utrustning", join(particulars={"equipment": "card_reader"}), "Kortläsare"),
        (SERVICES, "Första dag", join(particulars={"first_day": "2026-04-01"}), "2026-04-01"),
    ],
)
def test_what_is_known_by_a_code_is_told_in_words(
    batch: Batch, heading: str, order: Order, word: str
) -> None:
    assert rows(batch, order)[0][heading] == word


def test_the_csv_of_services_shows_no_inner_cause() -> None:
    (row,) = rows(SERVICES, join(cause="ekg_data=3f2a"))
    assert row["Orsak"] == ""
    assert "3f2a" not in "".join(row.values())


def test_a_detail_without_a_column_of_its_own_stands_in_the_last_one() -> None:
    particulars = {"hsa_id": ANNA, "agents": 4, "units": ["a", "b"], "new": True}
    (row,) = rows(SERVICES, join(kind="connection", particulars=particulars))
    assert (row["Ärende"], row["Övrigt"]) == ("Anslutning", "agents=4, new=Ja, units=a, b")


def test_the_csv_is_what_a_swedish_spreadsheet_opens() -> None:
    content = as_csv(BATCH, [card()])
    assert content.startswith("\ufeffBeställningsnummer;".encode())
    assert content.count(b"\r\n") == content.count(b"\n") == 2


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_computes_nothing_that_a_record_says(beginning: str) -> None:
    order = card(particulars={"surname": f"{beginning}HYPERLINK(1)"})
    assert rows(BATCH, order)[0]["Efternamn"] == f"'{beginning}HYPERLINK(1)"


DETAILS = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True) | st.sampled_from(["surname", "unit"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.integers() | st.booleans(),
)


@given(DETAILS)
def test_whatever_a_detail_says_both_files_hold_it(details: dict[str, Any]) -> None:
    order = card(particulars=details)
    (line,) = json.loads(as_json(BATCH, [order]))["orders"]
    assert line["details"] == details
    (row,) = rows(BATCH, order)
    cells = " ".join(row.values())
    words = {True: "Ja", False: "Nej"}
    for value in details.values():
        said = words[value] if isinstance(value, bool) else str(value)
        assert said in cells


def test_the_files_do_not_depend_on_the_order_that_orders_come_in(tmp_path: Path) -> None:
    orders = [card("one"), card("two"), revocation("one")]
    Outbox(tmp_path / "a").deliver(BATCH, orders)
    Outbox(tmp_path / "b").deliver(BATCH, orders[::-1])
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_batch_that_is_there_already_is_success(tmp_path: Path) -> None:
    Outbox(tmp_path).deliver(BATCH, [card()])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_one_file_that_is_missing_is_written(tmp_path: Path) -> None:
    Outbox(tmp_path).deliver(BATCH, [card()])
    complete = files(tmp_path)
    (tmp_path / CSV).unlink()
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert files(tmp_path) == complete


def test_a_file_with_other_content_is_never_overwritten(tmp_path: Path) -> None:
    Outbox(tmp_path).deliver(BATCH, [card()])
    before = files(tmp_path)
    with pytest.raises(OutboxError, match="there is another file of this name"):
        Outbox(tmp_path).deliver(BATCH, [card(object=BO)])
    assert files(tmp_path) == before


def test_a_file_that_cannot_be_written_to_its_end_is_not_there(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        with pytest.raises(OutboxError, match="File too large"):
            Outbox(tmp_path).deliver(BATCH, [card()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert JSON not in files(tmp_path)
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert set(files(tmp_path)) == {JSON, CSV}


def test_what_a_killed_run_left_of_a_file_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "ra_organisation"
    folder.mkdir()
    (folder / f".{BATCH.id}.json.part").write_text("{")
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert set(files(tmp_path)) == {JSON, CSV}
    assert files(tmp_path)[JSON] == as_json(BATCH, [card()])


def test_a_leftover_that_is_the_finished_file_by_another_name_is_only_removed(
    tmp_path: Path,
) -> None:
    # Killed between giving the file its name and taking the temporary one away.
    Outbox(tmp_path).deliver(BATCH, [card()])
    folder = tmp_path / "ra_organisation"
    os.link(folder / f"{BATCH.id}.json", folder / f".{BATCH.id}.json.part")
    Outbox(tmp_path).deliver(BATCH, [card()])
    assert set(files(tmp_path)) == {JSON, CSV}
    assert files(tmp_path)[JSON] == as_json(BATCH, [card()])


def test_protected_peoples_orders_lie_by_themselves(tmp_path: Path) -> None:
    batch = replace(BATCH, protected=True)
    Outbox(tmp_path / "out").deliver(batch, [card(protected=True)])
    Outbox(tmp_path / "out", tmp_path / "safe").deliver(batch, [card(protected=True)])
    assert set(files(tmp_path)) == {
        f"{place}/{name}" for place in ("out/skyddade", "safe") for name in (JSON, CSV)
    }


def test_a_provider_has_a_folder_of_its_own(tmp_path: Path) -> None:
    Outbox(tmp_path).deliver(replace(SERVICES, recipient="provider:fjallhalsan"), [join()])
    assert {path.name for path in tmp_path.iterdir()} == {"provider-fjallhalsan"}


@pytest.mark.parametrize("recipient", ["", "..", "../x", "a/b", ".hidden", "provider:", "a\nb"])
def test_a_recipient_that_is_no_name_of_a_folder_is_refused(tmp_path: Path, recipient: str) -> None:
    with pytest.raises(OutboxError, match="recipient"):
        Outbox(tmp_path).deliver(replace(BATCH, recipient=recipient), [card()])
    assert files(tmp_path) == {}


def test_nobody_else_can_read_what_lies_there(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Outbox(tmp_path / "state" / "outbox").deliver(BATCH, [card()])
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@pytest.mark.parametrize("place", ["outbox", "outbox/ra_organisation", f"outbox/{JSON}"])
def test_a_symbolic_link_is_refused(tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(elsewhere if not place.endswith(".json") else elsewhere / "file")
    with pytest.raises(OutboxError, match="is a symbolic link"):
        Outbox(tmp_path / "outbox").deliver(BATCH, [card()])
    assert list(elsewhere.iterdir()) == []


def test_an_error_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "ra_organisation").write_text("a file where a folder is to be")
    with pytest.raises(OutboxError) as error:
        Outbox(tmp_path).deliver(BATCH, [card()])
    assert "Not a directory" in str(error.value)
    assert number(1) not in str(error.value)
