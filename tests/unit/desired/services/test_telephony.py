# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions, the attendant service and equipment (annex 4.3), and call measurement (4.1)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, record, unit
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import (
    Services,
    of_kind,
    one,
    told,
)

OBLIGATORY = ["vardutbud_bas", "stodapplikationer"]
KINDS = ("availability", "extension", "attendant", "equipment", "change", "terminate")
TELIA = "telia_agreement"
ALL = "fixed_ip mobile_1gb mobile_5gb"
ARE = {"lines": ["Vägen 1", "Box 2"], "postal_code": "830 13", "city": "Åre"}
DUVED = {"lines": ["Stigen 3"], "postal_code": "837 71", "city": "Duved"}


@pytest.fixture
def ready(services: Services) -> Services:
    """One that holds the agreement with Telia and nothing else of telephony."""
    services.run(telephony())
    services.answer("done", subject=TELIA)
    return services


def extension(id: str = "e-1", kind: str = "fixed_ip", **fields: Any) -> dict[str, Any]:
    """An extension in JSON form."""
    return {"id": id, "kind": kind, "unit": "vc", **fields}


def telephony(
    *extensions: dict[str, Any],
    units: list[dict[str, Any]] | None = None,
    phase: str = "operation",
    agreement: dict[str, str] | None = None,
    local: list[dict[str, str]] | None = None,
    terminated: list[dict[str, str]] | None = None,
    **part: Any,
) -> Record:
    """A record that orders the telephone service."""
    return record(
        services=[*OBLIGATORY, "telefonitjanst"],
        units=units or [unit("vc", visiting_address=ARE)],
        phase=phase,
        agreement=agreement,
        contacts={"telephony_local": local if local is not None else [{"name": "Växeln"}]},
        terminated=terminated or [],
        telephony={"measurement_system": "Mätaren", "extensions": list(extensions), **part},
    )


def run(services: Services, own: Record, **options: Any) -> list[tuple[str, str, str]]:
    """(kind, object, state) of the orders in telephony that a run touches."""
    return told(services.run(own, **options), *KINDS)


def in_use(services: Services, *extensions: dict[str, Any]) -> None:
    """Order extensions, with every answer that they need."""
    services.run(telephony(*extensions))
    services.answer("done", kind="availability", code=ALL)
    services.run(telephony(*extensions))
    services.answer("done", kind="extension")


# --- measurement ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "found"),
    [("application", False), ("establishment", True), ("operation", True),
     ("wind_down", True), ("ended", False)],
)  # fmt: skip
def test_a_provider_that_names_no_measurement_is_a_finding(
    services: Services, phase: str, found: bool
) -> None:
    codes = [code for code, _object in services.findings(record(phase=phase))]
    assert ("measurement_missing" in codes) is found
    named = record(phase=phase, telephony={"measurement_system": "Mätaren"})
    assert "measurement_missing" not in [code for code, _object in services.findings(named)]


# --- extensions: first the address ----------------------------------------------------------------


def test_the_address_is_asked_about_before_the_extension_leaves(ready: Services) -> None:
    own = telephony(extension(), extension("e-2", "mobile_1gb"))
    found = ready.run(own)
    assert told(found) == [
        ("availability", "vc", "ordered"),
        ("extension", "e-1", "wanted"),
        ("extension", "e-2", "wanted"),
    ]
    question = one(found, "availability")
    assert question.recipient == "telia"
    assert question.particulars["address"] == "Vägen 1, Box 2, 830 13 Åre"
    assert ready.run(own) == []
    assert ready.findings(own) == []
    ready.answer("done", kind="availability", code=ALL)
    left = ready.run(own)
    assert told(left) == [("extension", "e-1", "ordered"), ("extension", "e-2", "ordered")]
    assert {o.subject for o in left} == {"fast_ip_anknytning", "mobil_anknytning_1gb"}
    assert ready.run(own) == []


def test_the_postal_address_serves_where_there_is_no_other(ready: Services) -> None:
    own = telephony(extension(), units=[unit("vc", address=DUVED)])
    question = one(ready.run(own), "availability")
    assert question.particulars["address"] == "Stigen 3, 837 71 Duved"
    both = telephony(extension(), units=[unit("vc", address=DUVED, visiting_address=ARE)])
    question = one(ready.run(both), "availability")
    assert question.particulars["address"] == "Vägen 1, Box 2, 830 13 Åre"


def test_without_an_address_nobody_is_asked(ready: Services) -> None:
    own = telephony(extension(), units=[unit("vc")])
    assert run(ready, own) == [("extension", "e-1", "wanted")]
    assert ("address_missing", "vc") in ready.findings(own)
    assert run(ready, telephony(extension())) == [
        ("availability", "vc", "ordered"),
        ("extension", "e-1", "cancelled"),
        ("extension", "e-1", "wanted"),
    ]


def test_a_kind_that_the_address_does_not_offer_stays_and_is_a_finding(ready: Services) -> None:
    own = telephony(extension(), extension("e-2", "mobile_1gb"))
    ready.run(own)
    ready.answer("done", kind="availability", code="mobile_1gb mobile_5gb")
    assert run(ready, own) == [("extension", "e-2", "ordered")]
    assert ("extension_not_available", "e-1") in ready.findings(own)
    assert ("extension_not_available", "e-2") not in ready.findings(own)
    other = telephony(extension(kind="mobile_5gb"), extension("e-2", "mobile_1gb"))
    assert run(ready, other) == [
        ("extension", "e-1", "cancelled"),
        ("extension", "e-1", "ordered"),
    ]


def test_an_answer_that_names_no_kind_hinders_none(ready: Services) -> None:
    own = telephony(extension(), extension("e-2", "mobile_1gb"))
    ready.run(own)
    ready.answer("done", kind="availability")
    assert run(ready, own) == [("extension", "e-1", "ordered"), ("extension", "e-2", "ordered")]
    assert ready.findings(own) == []


def test_what_exists_needs_no_offer(ready: Services) -> None:
    own = telephony(extension(number="0980-319 210"), extension("e-2", "mobile_1gb"))
    ready.run(own)
    ready.answer("done", kind="availability", code="mobile_5gb")
    assert ready.findings(own) == [("extension_not_available", "e-2")]


def test_another_address_is_asked_about_anew(ready: Services) -> None:
    ready.run(telephony(extension()))
    ready.answer("done", kind="availability", code="mobile_1gb")
    moved = telephony(extension(), units=[unit("vc", visiting_address=DUVED)])
    assert run(ready, moved) == [
        ("availability", "vc", "ordered"),
        ("extension", "e-1", "cancelled"),
        ("extension", "e-1", "wanted"),
    ]


def test_extensions_wait_for_the_agreement_too(services: Services) -> None:
    own = telephony(extension())
    services.run(own)
    services.answer("done", kind="availability", code=ALL)
    assert run(services, own) == []
    services.answer("done", subject=TELIA)
    assert run(services, own) == [("extension", "e-1", "ordered")]


def test_units_outside_halsoval_get_no_telephone(ready: Services) -> None:
    own = telephony(extension(), units=[unit("vc", halsoval=False, visiting_address=ARE)])
    assert run(ready, own) == []


# --- extensions: what exists, changes and ends ----------------------------------------------------


def test_an_extension_that_has_its_number_is_recorded_and_asked_of_nobody(ready: Services) -> None:
    own = telephony(extension(number="0980-319 210"))
    assert run(ready, own) == [("extension", "e-1", "done")]
    assert ready.run(own) == []


def test_a_number_that_is_given_later_changes_nothing(ready: Services) -> None:
    in_use(ready, extension())
    assert ready.run(telephony(extension(number="0980-319 210"))) == []


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("thinned", [False, True])
def test_another_kind_is_a_change_once_it_is_offered(
    ready: Services, existed: bool, thinned: bool
) -> None:
    number = {"number": "0980-319 210"} if existed else {}
    in_use(ready, extension(**number))
    if thinned:
        ready.thin()
    other = telephony(extension(kind="mobile_5gb", **number))
    found = ready.run(other)
    if existed:
        assert told(found) == [("availability", "vc", "ordered"), ("change", "e-1", "wanted")]
        ready.answer("done", kind="availability", code=ALL)
        found = ready.run(other)
    change = one(found, "change")
    assert (change.state, change.subject) == ("ordered", "mobil_anknytning_5gb")
    assert ready.run(other) == []


def test_another_unit_is_a_change_that_waits_for_its_address(ready: Services) -> None:
    in_use(ready, extension())
    units = [unit("vc", visiting_address=ARE), unit("bvc", visiting_address=DUVED)]
    found = run(ready, telephony(extension(unit="bvc"), units=units))
    assert found == [("availability", "bvc", "ordered"), ("change", "e-1", "wanted")]


@pytest.mark.parametrize("thinned", [False, True])
def test_a_unit_that_moves_takes_its_extensions_along(ready: Services, thinned: bool) -> None:
    in_use(ready, extension())
    if thinned:
        ready.thin()
    moved = telephony(extension(), units=[unit("vc", visiting_address=DUVED)])
    assert run(ready, moved) == [("availability", "vc", "ordered"), ("change", "e-1", "wanted")]


@pytest.mark.parametrize("number", [{}, {"number": "0980-319 210"}], ids=["ordered", "existed"])
def test_the_last_day_of_an_extension_is_its_termination(
    ready: Services, number: dict[str, str]
) -> None:
    in_use(ready, extension(**number))
    ending = telephony(extension(ends="2026-05-31", **number))
    end = one(ready.run(ending), "terminate")
    assert (end.object, end.due, end.state) == ("e-1", dt.date(2026, 5, 31), "ordered")
    assert end.subject == "fast_ip_anknytning"
    assert ready.run(ending) == []
    assert ready.run(ending, day=dt.date(2026, 6, 1)) == []


def test_an_existing_extension_with_a_last_day_is_terminated_at_once(ready: Services) -> None:
    own = telephony(extension(number="0980-319 210", ends="2026-05-31"))
    assert run(ready, own) == [("extension", "e-1", "done"), ("terminate", "e-1", "ordered")]
    assert ready.run(own) == []


def test_an_end_that_is_withdrawn_leaves_the_extension_as_it_is(ready: Services) -> None:
    in_use(ready, extension())
    ready.run(telephony(extension(ends="2026-05-31")))
    ready.answer("done", kind="terminate")
    change = one(ready.run(telephony(extension())), "change")
    assert (change.object, change.cause, change.state) == ("e-1", "end_withdrawn", "ordered")
    assert ready.run(telephony(extension())) == []
    assert ready.findings(telephony(extension())) == []


@pytest.mark.parametrize(
    "how",
    [
        {"agreement": {"ends": "2026-06-30"}},
        {"terminated": [{"service": "telefonitjanst", "last_day": "2026-06-30"}]},
        {"terminated": [{"service": "anslutning_telefonvaxel", "last_day": "2026-06-30"}]},
        {"units": [unit("vc", visiting_address=ARE, closes="2026-06-30")]},
    ],
    ids=["agreement", "service", "part", "unit"],
)
def test_whatever_ends_it_ends_the_extension(ready: Services, how: dict[str, Any]) -> None:
    in_use(ready, extension())
    found = [o for o in ready.run(telephony(extension(), **how)) if o.object == "e-1"]
    assert [(o.kind, o.due) for o in found] == [("terminate", dt.date(2026, 6, 30))]


def test_an_extension_that_is_still_waiting_when_it_ends_is_cancelled(ready: Services) -> None:
    own = telephony(extension(ends=str(TODAY)))
    ready.run(own)
    found = run(ready, own, day=TODAY + dt.timedelta(days=1))
    assert found == [("extension", "e-1", "cancelled")]


@pytest.mark.parametrize("number", [{}, {"number": "0980-319 210"}])
def test_an_extension_that_is_terminated_in_the_same_run_is_not_counted(
    ready: Services, number: dict[str, str]
) -> None:
    own = telephony(extension(ends="2026-05-31", **number))
    if not number:
        ready.run(telephony(extension()))
        ready.answer("done", kind="availability", code=ALL)
    counted = []
    for _run in range(3):
        wanted = ready.desired(own).wanted
        kinds = [one.kind for one in wanted if one.is_counted]
        counted.append([kind for kind in kinds if kind in ("extension", "terminate")])
        ready.run(own)
        ready.answer("done", kind="terminate")
    assert counted == [["terminate"], [], []]


def test_an_extension_is_terminated_once_it_has_been_ordered(ready: Services) -> None:
    own = telephony(extension(ends="2026-05-31"))
    ready.run(own)
    ready.answer("done", kind="availability", code=ALL)
    assert run(ready, own) == [("extension", "e-1", "ordered"), ("terminate", "e-1", "ordered")]


def test_a_row_that_vanishes_takes_no_extension(ready: Services) -> None:
    in_use(ready, extension())
    assert ready.run(telephony()) == []
    assert ("orphan_order", "e-1") in ready.findings(telephony())


# --- the attendant service and equipment ----------------------------------------------------------


def test_each_part_of_the_attendant_service_is_ordered_with_the_local_contact(
    ready: Services,
) -> None:
    local = [{"name": "Olga Tallbit", "phone": "0980-319 205", "mail": "tele@x.example"}]
    found = ready.run(telephony(attendant=["telefonist", "teleadministration"], local=local))
    assert told(found, *KINDS) == [
        ("attendant", "teleadministration", "ordered"),
        ("attendant", "telefonist", "ordered"),
    ]
    contact = "Olga Tallbit, 0980-319 205, tele@x.example"
    assert {o.particulars["local_contact"] for o in found} == {contact}


def test_another_local_contact_is_a_change(ready: Services) -> None:
    ready.run(telephony(attendant=["telefonist"]))
    other = telephony(attendant=["telefonist"], local=[{"name": "Nya växeln"}])
    assert run(ready, other) == [("change", "telefonist", "ordered")]


def test_the_attendant_service_is_terminated_by_part(ready: Services) -> None:
    own = {"attendant": ["telefonist"]}
    ready.run(telephony(**own))
    terminated = [{"service": "telefonisttjanst", "last_day": "2026-06-30"}]
    assert run(ready, telephony(**own, terminated=terminated)) == [
        ("terminate", "telefonist", "ordered")
    ]


def test_what_has_been_thinned_is_not_taken_for_a_change(ready: Services) -> None:
    own: dict[str, Any] = {"attendant": ["telefonist"]}
    ready.run(telephony(**own))
    ready.answer("done")
    own["terminated"] = [{"service": "telefonisttjanst", "last_day": "2026-06-30"}]
    ready.run(telephony(**own))
    ready.answer("done")
    ready.thin()
    assert run(ready, telephony(**own, local=[{"name": "Nya växeln"}])) == []


def test_equipment_is_ordered_by_row_and_never_terminated(ready: Services) -> None:
    own = [
        {"id": "t-1", "model": "J179", "unit": "vc", "count": 2},
        {"id": "t-2", "model": "J179", "unit": "vc"},
    ]
    found = of_kind(ready.run(telephony(equipment=own)), "equipment")
    assert {(o.object, o.particulars["model"], o.particulars["count"]) for o in found} == {
        ("t-1", "J179", 2),
        ("t-2", "J179", 1),
    }
    ready.answer("done", kind="equipment")
    assert run(ready, telephony(equipment=own[:1])) == []
    assert ready.findings(telephony(equipment=own[:1])) == []
    ended = of_kind(ready.run(telephony(equipment=own, phase="ended")), "terminate")
    assert ended
    assert {"t-1", "t-2"}.isdisjoint({order.object for order in ended})


@pytest.mark.parametrize("thinned", [False, True])
def test_another_count_is_a_change(ready: Services, thinned: bool) -> None:
    row = {"id": "t-1", "model": "J179", "unit": "vc"}
    ready.run(telephony(equipment=[row]))
    if thinned:
        ready.answer("done")
        ready.thin()
    assert run(ready, telephony(equipment=[{**row, "count": 3}])) == [("change", "t-1", "ordered")]


def test_equipment_that_vanishes_on_its_way_is_a_finding(ready: Services) -> None:
    ready.run(telephony(equipment=[{"id": "t-1", "model": "J179", "unit": "vc"}]))
    assert ("orphan_order", "t-1") in ready.findings(telephony())
