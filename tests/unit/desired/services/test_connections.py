# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider is connected to, and under which agreements; no row of the annex is missed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.orders import (
    recorded,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.services.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.orders import Order
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import make_plan
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import SERVICES
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    EquipmentPart,
    Record,
    Termination,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.people import natural_people
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    JOURNAL,
    TODAY,
    person,
    record,
    unit,
    uses,
)
from ansible_collections.regionjh.halsoval.tests.unit.services_in_memory import (
    Services,
    of_kind,
    one,
    told,
)

YESTERDAY, TOMORROW = TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=1)
OBLIGATORY = ["vardutbud_bas", "stodapplikationer"]
MATERNITY, AIDS, ACE = (
    "graviditets_och_forlossningsjournal", "hjalpmedelssystem", "ace_telefoniplattform",
)  # fmt: skip
INERA = {"pascal", "elektroniska_sjukintyg", "mina_vardkontakter", "nationell_patientoversikt"}


def everything() -> Record:
    """A record that orders every service of the catalogue, with a person who uses all of them."""
    own = record(
        people=[person(1, uses(*sorted(SERVICES)), mail="a@x.example")],
        services=sorted(SERVICES),
        units=[unit("vc", address={"lines": ["Vägen 1"], "postal_code": "830 01", "city": "Åre"})],
        agreement={"supplementary": [{"service": AIDS, "signed": "2025-12-01"}]},
        contacts={"telephony_local": [{"name": "Växeln", "phone": "0980-319 200"}]},
        telephony={
            "measurement_system": "Mätaren",
            "extensions": [
                {"id": f"e-{n}", "kind": kind, "unit": "vc"}
                for n, kind in enumerate(("fixed_ip", "mobile_1gb", "mobile_5gb"))
            ],
            "attendant": ["telefonist", "teleadministration", "teknik_och_kundtjanst"],
            "equipment": [{"id": "t-1", "model": "J179", "unit": "vc"}],
            "ace": {"ordered": "2025-12-01", "agents": 4},
        },
    )
    return with_equipment(own, {"kind": "printer", "model": "HP 1", "unit": "vc"})


def with_equipment(own: Record, *peripherals: dict[str, Any]) -> Record:
    """The record with these printers and other equipment."""
    return replace(own, equipment=from_json(EquipmentPart, {"peripherals": list(peripherals)}))


# --- the catalogue --------------------------------------------------------------------------------

# What a person carries out, by how the row is provisioned; the others are done by a run of HSA, AD
# or Citrix, or by nobody. SITHS cards themselves are orders of their own.
BY_PEOPLE = {
    "region_order",
    "provider_administrators",
    "national_connection",
    "supplier_order",
    "cards",
}


@pytest.mark.parametrize(
    "key", [k for k, row in SERVICES.items() if row.provisioning in BY_PEOPLE and k != "siths"]
)
def test_every_row_that_needs_a_human_act_yields_its_order(services: Services, key: str) -> None:
    row = SERVICES[key]
    found = [order for order in services.run(everything()) if order.subject == key]
    assert found
    expected = "provider:alfa" if row.recipient == "provider" else row.recipient
    assert {order.recipient for order in found} == {expected}
    assert all(order.particulars["service_name"] == row.name for order in found)


@pytest.mark.parametrize(
    ("agreement", "keys"),
    [
        (kind, sorted(k for k, row in SERVICES.items() if kind in row.preconditions))
        for kind in ("inera_agreement", "telia_agreement", "supplier_agreement")
    ],
)
def test_every_row_that_presupposes_an_agreement_yields_one_and_waits(
    services: Services, agreement: str, keys: list[str]
) -> None:
    assert keys
    found = services.run(everything())
    (order,) = (o for o in found if o.kind == "agreement" and o.subject == agreement)
    waiting = [o for o in found if o.subject in keys and o.kind != "availability"]
    assert {o.state for o in waiting} == {"wanted"}
    assert all(order.key in o.needs for o in waiting)


def test_no_row_that_a_run_carries_out_yields_an_order(services: Services) -> None:
    subjects = {order.subject for order in services.run(everything())}
    done_by_runs = {k for k, row in SERVICES.items() if row.provisioning not in BY_PEOPLE}
    assert subjects.isdisjoint({*done_by_runs, "siths"})


# --- connections ----------------------------------------------------------------------------------


def test_the_obligatory_services_are_connected_once_for_the_provider(services: Services) -> None:
    found = of_kind(services.run(record()), "connection")
    assert {(o.object, o.recipient) for o in found if o.state == "ordered"} == {
        ("nationellt_diabetesregister", "systemforvaltning"),
        ("primarvardskvalitet", "systemforvaltning"),
        ("bhvq", "systemforvaltning"),
        ("kundwebb_medicinteknisk_utrustning", "systemforvaltning"),
        ("stratsys", "systemforvaltning"),
        ("smittskyddsrapportering", "systemforvaltning"),
        ("anslutning_ra_organisation", "ra_organisation"),
    }
    assert {o.object for o in found if o.state == "wanted"} == INERA
    assert {o.due for o in found} == {TODAY + dt.timedelta(days=14)}


def test_how_long_things_may_take_is_configuration(services: Services) -> None:
    services.rules = Rules(due_days=3)
    due = {o.due for o in services.run(record())}
    assert due == {TODAY + dt.timedelta(days=3)}
    assert services.run(record(), day=TOMORROW) == []


def test_national_services_are_connected_once_the_agreement_is_there(services: Services) -> None:
    agreement = one(services.run(record()), "agreement")
    assert (agreement.recipient, agreement.state) == ("provider:alfa", "ordered")
    assert services.run(record()) == []
    services.answer("done", subject="inera_agreement")
    assert told(services.run(record())) == [
        ("connection", service, "ordered") for service in sorted(INERA)
    ]


def test_what_was_refused_at_inera_keeps_the_connections_waiting(services: Services) -> None:
    services.run(record())
    services.answer("refused", subject="inera_agreement")
    assert services.run(record()) == []
    assert ("order_refused", "inera_agreement") in services.findings(record())


def test_every_provider_has_its_own_agreement(services: Services) -> None:
    found = of_kind(services.run(record("alfa"), record("beta")), "agreement")
    assert {o.recipient for o in found} == {"provider:alfa", "provider:beta"}
    services.answer("done", provider="alfa")
    assert {o.provider for o in services.run(record("alfa"), record("beta"))} == {"alfa"}


def test_what_is_billed_by_unit_is_connected_by_unit(services: Services) -> None:
    own = record(
        services=[*OBLIGATORY, MATERNITY],
        units=[unit("vc"), unit("bmm"), unit("annat", halsoval=False)],
    )
    found = [o for o in services.run(own) if o.subject == MATERNITY]
    assert told(found) == [("connection", "bmm", "ordered"), ("connection", "vc", "ordered")]
    assert {o.particulars["unit"] for o in found} == {"Vårdcentralen vc", "Vårdcentralen bmm"}


def test_a_unit_that_closes_ends_its_connection_that_day(services: Services) -> None:
    parts: dict[str, Any] = {"services": [*OBLIGATORY, MATERNITY]}
    services.run(record(units=[unit("vc"), unit("bmm")], **parts))
    closing = record(units=[unit("vc"), unit("bmm", closes="2026-05-31")], **parts)
    end = one(services.run(closing), "terminate")
    assert (end.object, end.subject, end.due) == ("bmm", MATERNITY, dt.date(2026, 5, 31))


@pytest.mark.parametrize(
    "signed", [[], [{"service": AIDS, "signed": str(TOMORROW)}]], ids=["missing", "later"]
)
def test_aids_wait_for_their_supplementary_agreement(services: Services, signed: Any) -> None:
    def own(supplementary: Any) -> Record:
        return record(services=[*OBLIGATORY, AIDS], agreement={"supplementary": supplementary})

    assert ("connection", AIDS, "wanted") in told(services.run(own(signed)))
    assert ("agreement_missing", AIDS) in services.findings(own(signed))
    over = replace(
        own(signed),
        agreement=replace(
            own(signed).agreement, terminated=(Termination(service=AIDS, last_day=YESTERDAY),)
        ),
    )
    assert ("agreement_missing", AIDS) not in services.findings(over)
    now = own([{"service": AIDS, "signed": str(TODAY)}])
    assert ("agreement_missing", AIDS) not in services.findings(now)
    assert told(services.run(now)) == [("connection", AIDS, "ordered")]


def test_names_of_recipients_are_configuration(services: Services) -> None:
    services.rules = Rules(recipients={"ra_organisation": "ansvarig-utgivare"})
    found = services.run(record())
    assert {o.recipient for o in found if o.subject == "anslutning_ra_organisation"} == {
        "ansvarig-utgivare"
    }


def test_in_establishment_all_is_ordered_for_the_first_day(services: Services) -> None:
    early = record(phase="establishment", agreement={"operation_start": "2026-09-01"})
    assert {o.due for o in of_kind(services.run(early), "connection")} == {dt.date(2026, 9, 1)}


def test_a_first_day_that_moves_replaces_only_what_still_waits(services: Services) -> None:
    def starting(day: str) -> Record:
        return record(phase="establishment", agreement={"operation_start": day})

    services.run(starting("2026-09-01"))
    moved = services.run(starting("2026-10-01"))
    assert {(o.object, o.state) for o in moved} == {
        (service, state) for service in INERA for state in ("wanted", "cancelled")
    }
    assert services.run(starting("2026-10-01")) == []
    services.answer("done", subject="inera_agreement")
    ordered = services.run(starting("2026-10-01"))
    assert {(o.state, o.due) for o in ordered} == {("ordered", dt.date(2026, 10, 1))}


# --- ends -----------------------------------------------------------------------------------------


def ending(day: str) -> Record:
    """A record whose agreement ends."""
    return record(agreement={"ends": day})


def test_the_end_is_ordered_as_soon_as_it_is_known(services: Services) -> None:
    services.run(record())
    services.answer("done")
    services.run(record())
    found = services.run(ending("2026-06-30"))
    assert {(o.kind, o.state, o.due) for o in found} == {
        ("terminate", "ordered", dt.date(2026, 6, 30))
    }
    assert {o.object for o in found} >= {*INERA, "inera_agreement", "stratsys"}
    assert services.run(ending("2026-06-30")) == []
    assert services.run(ending("2026-06-30"), day=dt.date(2026, 7, 1)) == []


def test_an_end_that_moves_is_a_change(services: Services) -> None:
    services.run(record())
    services.run(ending("2026-06-30"))
    found = [o for o in services.run(ending("2026-09-30")) if o.subject == "stratsys"]
    assert [(o.kind, o.cause, o.due) for o in found] == [
        ("change", "end_moved", dt.date(2026, 9, 30))
    ]
    assert services.run(ending("2026-09-30")) == []
    earlier = services.run(ending("2026-03-01"))
    assert ("change", "stratsys", "ordered") in told(earlier)
    assert services.run(ending("2026-03-01")) == []


@pytest.mark.parametrize("answer", [None, "done"])
def test_an_end_that_is_withdrawn_is_one_change_of_each(
    services: Services, answer: str | None
) -> None:
    services.run(record())
    services.answer("done")
    services.run(record())
    services.answer("done")
    ended = services.run(ending("2026-06-30"))
    if answer:
        services.answer(answer)
    found = services.run(record())
    assert {o.object for o in found} == {o.object for o in ended} >= {*INERA, "inera_agreement"}
    assert {(o.kind, o.cause, o.state, o.needs) for o in found} == {
        ("change", "end_withdrawn", "ordered", ())
    }
    assert {(str(o.due), o.particulars["reason"]) for o in found} == {
        ("2026-06-30", "end_withdrawn")
    }
    assert services.run(record()) == []
    assert services.judge(ending("2026-06-30")).refusals == {}
    again = services.run(ending("2026-06-30"))
    assert {(o.kind, o.state) for o in again} == {("terminate", "ordered")}
    assert {o.key for o in again}.isdisjoint({o.key for o in ended})


def test_an_end_can_be_withdrawn_to_its_last_day_and_no_longer(services: Services) -> None:
    day = dt.date(2026, 6, 30)
    services.run(record())
    services.run(ending(str(day)))
    last = services.copy()
    assert {o.kind for o in last.run(record(), day=day) if o.subject == "stratsys"} == {"change"}
    after = services.run(record(), day=day + dt.timedelta(days=1))
    assert {o.kind for o in after if o.subject == "stratsys"} == {"connection"}


def test_an_end_that_was_moved_is_withdrawn_too(services: Services) -> None:
    services.run(record())
    services.run(ending("2026-06-30"))
    services.run(ending("2026-09-30"))
    found = [o for o in services.run(record()) if o.subject == "stratsys"]
    assert [(o.cause, str(o.due)) for o in found] == [("end_withdrawn", "2026-09-30")]
    assert services.run(record()) == []


def test_a_refused_withdrawal_lets_the_end_stand_until_it_has_passed(services: Services) -> None:
    services.run(record())
    services.run(ending("2026-06-30"))
    services.run(record())
    services.answer("refused", subject="stratsys", kind="change")
    assert services.run(record()) == []
    assert ("order_refused", "stratsys") in services.findings(record())
    after = services.run(record(), day=dt.date(2026, 7, 1))
    assert ("connection", "stratsys", "ordered") in told(after)


def test_a_refused_termination_says_what_goes_on_and_how_to_ask_again(services: Services) -> None:
    services.run(record())
    services.run(ending("2026-06-30"))
    services.answer("refused", subject="stratsys", kind="terminate")
    assert services.run(ending("2026-06-30")) == []
    found = services.desired(ending("2026-06-30")).findings
    (message,) = (f.message for f in found if (f.code, f.object) == ("end_refused", "stratsys"))
    assert "it goes on" in message
    assert "another last day" in message
    again = [o for o in services.run(ending("2026-07-31")) if o.subject == "stratsys"]
    assert [(o.kind, str(o.due)) for o in again] == [("terminate", "2026-07-31")]
    assert ("end_refused", "stratsys") not in services.findings(ending("2026-07-31"))


def test_what_still_waits_is_cancelled_by_the_end_and_not_terminated(services: Services) -> None:
    services.run(record())
    found = services.run(record(phase="ended"))
    assert {o.object for o in found if o.state == "cancelled"} == INERA
    assert INERA.isdisjoint({o.object for o in found if o.kind == "terminate"})
    assert services.run(record(phase="ended")) == []


def test_a_provider_that_has_ended_orders_nothing_new(services: Services) -> None:
    assert services.run(record(phase="ended")) == []


def test_a_service_that_the_provider_leaves_is_terminated(services: Services) -> None:
    services.run(record())
    left = record(terminated=[{"service": "stratsys", "last_day": "2026-04-30"}])
    end = one(services.run(left), "terminate")
    assert (end.object, end.due, end.recipient) == (
        "stratsys", dt.date(2026, 4, 30), "systemforvaltning",
    )  # fmt: skip
    assert services.run(left, day=dt.date(2026, 5, 1)) == []


def test_what_requires_a_service_ends_with_it(services: Services) -> None:
    parts: dict[str, Any] = {"services": [*OBLIGATORY, "vardadministrativt_system"]}
    services.run(record(**parts))
    terminated = [{"service": "vardadministrativt_system", "last_day": "2026-04-30"}]
    found = services.run(record(**parts, terminated=terminated))
    assert {o.object for o in found if o.kind == "terminate"} == {
        "ekg_data", "remiss_och_svar_baktlab", "mediaarkiv", "e_recept",
    }  # fmt: skip


def test_an_agreement_lasts_as_long_as_any_service_under_it(services: Services) -> None:
    def own(*terminated: dict[str, str], **ends: str) -> Record:
        return record(
            services=[*OBLIGATORY, "telefonitjanst"], terminated=list(terminated),
            telephony={"measurement_system": "Mätaren"}, agreement=ends,
        )  # fmt: skip

    services.run(own())
    left = {"service": "anslutning_telefonvaxel", "last_day": "2026-04-30"}
    assert services.run(own(left)) == []
    found = services.run(own(left, ends="2026-06-30"))
    assert [o.due for o in found if o.object == "telia_agreement"] == [dt.date(2026, 6, 30)]


def test_a_service_that_vanishes_from_the_record_is_a_finding(services: Services) -> None:
    signed = {"supplementary": [{"service": AIDS, "signed": "2025-12-01"}]}
    services.run(record(services=[*OBLIGATORY, AIDS], agreement=signed))
    assert services.run(record()) == []
    assert ("orphan_order", AIDS) in services.findings(record())
    ended = services.run(record(phase="ended"))
    assert ("terminate", AIDS, "ordered") in told(ended)


def test_a_refusal_of_others_delays_no_end(services: Services) -> None:
    crowd = range(1, 11)
    services.run(record(people=[person(n, uses("ekg_data")) for n in crowd]))
    dropped = record(
        people=[person(n, uses("listningsapplikation")) for n in crowd],
        terminated=[{"service": "stratsys", "last_day": "2026-04-30"}],
    )
    verdict = services.judge(dropped)
    assert "alfa" in verdict.refusals
    kinds = [operation.kind for operation in verdict.operations]
    assert kinds.count("terminate") == 1
    assert "leave" not in kinds
    services.apply(verdict.operations)
    moved = replace(
        dropped,
        agreement=replace(
            dropped.agreement,
            terminated=tuple(
                replace(row, last_day=TOMORROW) for row in dropped.agreement.terminated
            ),
        ),
    )
    verdict = services.judge(moved)
    assert [operation.kind for operation in verdict.operations] == ["change"]


def test_an_end_that_was_ordered_before_its_beginning_finds_its_place(services: Services) -> None:
    # Of a refused plan its dated ends alone are carried out.
    crowd = range(1, 11)
    services.run(record(people=[person(n, uses("ekg_data")) for n in crowd]))
    signed = {"supplementary": [{"service": AIDS, "signed": "2025-12-01"}]}
    own = record(
        people=[person(n, uses("listningsapplikation")) for n in crowd],
        services=[*OBLIGATORY, AIDS], agreement=signed,
        terminated=[{"service": AIDS, "last_day": "2026-04-30"}],
    )  # fmt: skip
    refused = services.judge(own)
    assert [operation.kind for operation in refused.operations] == ["terminate"]
    services.apply(refused.operations)
    assert told(o for o in services.run(own) if o.object == AIDS) == [
        ("connection", AIDS, "ordered")
    ]
    assert services.run(own) == []


# --- what was there before the ledger -------------------------------------------------------------


def take_over(services: Services, own: Record) -> list[Order]:
    """Record what is there already; returns the orders of the run."""
    desired = recorded(services.desired(own))
    return services.apply(make_plan(desired.wanted, desired.attributes).operations)


def test_what_is_there_is_recorded_and_asked_of_nobody(services: Services) -> None:
    found = take_over(services, everything())
    assert {o.state for o in found if o.kind != "availability"} == {"done"}
    assert {o.kind for o in found} > {"connection", "agreement", "extension", "join", "guest"}
    assert told(found, "availability") == [("availability", "vc", "ordered")]
    assert services.run(everything()) == []
    assert take_over(services, everything()) == []


def test_what_ends_is_ordered_of_what_is_recorded_too(services: Services) -> None:
    own = everything()
    ends = replace(own.agreement.agreement, ends=dt.date(2026, 6, 30))
    own = replace(own, agreement=replace(own.agreement, agreement=ends))
    found = take_over(services, own)
    assert ("terminate", "inera_agreement", "ordered") in told(found)
    # What would have waited for an agreement was not to be ended yet.
    found += services.run(own)
    kinds = {"connection", "extension", "attendant", "agreement"}
    given = {o.object for o in found if o.kind in kinds and o.state == "done"}
    assert {o.object for o in found if o.kind == "terminate" and o.state == "ordered"} == given
    assert services.run(own) == []


def test_what_changes_after_it_was_recorded_is_ordered(services: Services) -> None:
    take_over(services, record(people=[person(1, uses("ekg_data"))]))
    found = services.run(record(people=[person(1, uses("ekg_data"), surname="Öst")]))
    assert [(o.kind, o.state) for o in found] == [("change", "ordered")]


# --- ACE ------------------------------------------------------------------------------------------


def with_ace(agents: int = 4, **fields: Any) -> Record:
    """A record that orders ACE."""
    return record(
        services=[*OBLIGATORY, ACE],
        telephony={
            "measurement_system": "Mätaren",
            "ace": {"ordered": "2026-02-01", "agents": agents, **fields},
        },
    )


@pytest.mark.parametrize(
    ("contract", "recipient"), [("supplier", "provider:alfa"), ("region", "halsovalskansliet")]
)
def test_who_contracts_about_ace_is_configuration(
    services: Services, contract: Any, recipient: str
) -> None:
    services.rules = Rules(ace_contract=contract)
    found = services.run(with_ace(cooperation=["HC Norr", "HC Söder"]))
    (agreement,) = (o for o in found if o.subject == "supplier_agreement")
    assert agreement.recipient == recipient
    assert agreement.particulars["cooperation"] == "HC Norr, HC Söder"
    services.answer("done", subject="supplier_agreement")
    ace = one(services.run(with_ace(cooperation=["HC Norr", "HC Söder"])), "connection")
    assert (ace.recipient, ace.state) == ("telia", "ordered")
    assert (ace.particulars["agents"], ace.particulars["cooperation"]) == (4, "HC Norr, HC Söder")


@pytest.mark.parametrize("thinned", [False, True])
def test_more_agents_are_a_change(services: Services, thinned: bool) -> None:
    services.run(with_ace())
    services.answer("done")
    services.run(with_ace())
    services.answer("done")
    if thinned:
        services.thin()
    assert services.run(with_ace()) == []
    change = one(services.run(with_ace(agents=6)), "change")
    assert (change.object, change.particulars["agents"], change.state) == (ACE, 6, "ordered")


def test_other_cooperation_is_a_change_of_the_agreement_first(services: Services) -> None:
    services.run(with_ace())
    services.answer("done", subject="supplier_agreement")
    services.run(with_ace())
    services.answer("done", object=ACE)
    found = services.run(with_ace(cooperation=["HC Norr"]))
    assert told(found) == [("change", ACE, "wanted"), ("change", "supplier_agreement", "ordered")]
    services.answer("done", subject="supplier_agreement")
    assert told(services.run(with_ace(cooperation=["HC Norr"]))) == [("change", ACE, "ordered")]


def test_ace_without_its_terms_is_a_finding(services: Services) -> None:
    vague = record(services=[*OBLIGATORY, ACE], telephony={"measurement_system": "Mätaren"})
    assert ("ace_missing", ACE) in services.findings(vague)
    assert ACE not in {order.subject for order in services.run(vague)}


# --- consultations --------------------------------------------------------------------------------


def test_equipment_without_consultation_is_asked_about_once(services: Services) -> None:
    printer = {"kind": "printer", "model": "HP 1", "unit": "vc"}
    own = with_equipment(record(), printer, printer, {**printer, "kind": "scanner"})
    found = of_kind(services.run(own), "consultation")
    assert {(o.object, o.subject, o.recipient) for o in found} == {
        ("vc", "printer HP 1", "systemforvaltning"),
        ("vc", "scanner HP 1", "systemforvaltning"),
    }
    assert len(found) == 2
    assert services.run(own) == []
    consulted = with_equipment(record(), {**printer, "consulted": "2026-02-01"})
    assert services.run(consulted) == []


def test_equipment_that_has_been_consulted_on_is_not_asked_about(services: Services) -> None:
    ended = record(phase="ended")
    printer = {"kind": "printer", "model": "HP 1", "unit": "vc"}
    assert services.run(with_equipment(ended, printer)) == []
    done = {"kind": "printer", "model": "HP 1", "unit": "vc", "consulted": "2026-02-01"}
    assert of_kind(services.run(with_equipment(record(), done)), "consultation") == []


# --- services that came after the annex -----------------------------------------------------------


@pytest.fixture
def future(monkeypatch: pytest.MonkeyPatch) -> str:
    """A service of annex 2.6: the catalogue has none today."""
    row = replace(
        SERVICES[AIDS], key="kommande", preconditions=("supplementary_agreement", "request")
    )
    monkeypatch.setitem(SERVICES, row.key, row)
    return row.key


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        ({"signed": str(TODAY), "requested": str(TODAY)}, set()),
        ({"signed": str(TODAY)}, {"request_missing"}),
        ({"signed": str(TODAY), "requested": str(TOMORROW)}, {"request_missing"}),
        ({"signed": str(TOMORROW), "requested": str(TODAY)}, {"agreement_missing"}),
        (
            {"signed": str(TOMORROW), "requested": str(TOMORROW)},
            {"agreement_missing", "request_missing"},
        ),
        (None, {"agreement_missing", "request_missing"}),
    ],
)
def test_a_future_service_reaches_a_provider_once_it_is_requested_and_agreed(
    services: Services, future: str, row: dict[str, str] | None, missing: set[str]
) -> None:
    own = record(
        people=[person(1, uses(future))],
        services=[*OBLIGATORY, future],
        agreement={"supplementary": [{"service": future, **row}] if row else []},
    )
    found = {code for code, of in services.findings(own) if of == future}
    orders = {order.kind: order.state for order in services.run(own) if order.subject == future}

    state = "wanted" if missing else "ordered"
    assert found == missing
    assert orders == {"connection": state, "join": state}


def test_what_has_not_reached_the_provider_is_opened_for_nobody(future: str) -> None:
    def opened(**days: str) -> frozenset[str]:
        row = {"service": future, "signed": str(TODAY), **days}
        own = record(people=[person(1, uses(future, JOURNAL))], agreement={"supplementary": [row]})
        (employment,) = natural_people([own], TODAY, 56)[0].employments
        return employment.services

    assert opened() == {JOURNAL}
    assert opened(requested=str(TODAY)) == {JOURNAL, future}
