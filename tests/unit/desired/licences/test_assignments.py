# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.evidence import (
    Evidence,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.pools import (
    shortage,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.licences.rules import Rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.licence_book import (
    LicenceBook,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import (
    TODAY,
    approved,
    record,
    workstation,
)
from ansible_collections.regionjh.halsoval.tests.unit.licences_in_ledger import Licences

YESTERDAY, TOMORROW = (TODAY + dt.timedelta(days=days) for days in (-1, 1))
DAY = dt.timedelta(days=1)


def provider(name: str, *workstations: dict[str, Any], **fields: Any) -> Record:
    return record(name, workstations=workstations, workstation_groups=1, **fields)


def pcs(count: int, start: int = 1, prefix: str = "PC", **fields: Any) -> list[dict[str, Any]]:
    return [workstation(f"{prefix}-{n:02d}", **fields) for n in range(start, start + count)]


def failures(results: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {provider: own["msg"] for provider, own in results.items() if own["failed"]}


@pytest.fixture
def licences(sqlite_ledgers: Ledgers) -> Licences:
    return Licences(sqlite_ledgers)


def test_registering_assigns_one_of_each_kind(licences: Licences) -> None:
    results = licences.run(provider("alfa", *pcs(3)), provider("beta", *pcs(2, prefix="B")))
    assert not failures(results)
    for kind in ("windows", "rds"):
        assert licences.assigned(kind) == {
            "PC-01": 1, "PC-02": 2, "PC-03": 3, "B-01": 4, "B-02": 5
        }  # fmt: skip
    assert results["alfa"]["counts"] == {"cal": 6, "added": 6}
    assert results["alfa"]["licences"]["rds"] == {"assigned": 3, "free": 15, "pool": 20}


def test_second_run_changes_nothing(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(3)))
    assert not licences.run(provider("alfa", *pcs(3)), day=TOMORROW)["alfa"]["changed"]


@pytest.mark.parametrize(
    ("phase", "number"),
    [("application", 0), ("establishment", 1), ("operation", 1), ("ended", 0)],
)
def test_licences_follow_the_phase_as_the_registry_does(
    licences: Licences, phase: str, number: int
) -> None:
    licences.run(provider("alfa", workstation(), phase=phase))
    assert len(licences.assigned()) == number


def test_deregistering_releases_and_another_may_have_it_after_90_days(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(2, to=str(TODAY))))
    ended = provider("alfa", *pcs(2, to=str(TODAY)))
    assert not failures(licences.run(ended, day=TOMORROW))
    cal = licences.cals()["PC-01"]
    assert (cal.released, cal.reassignable_from) == (TODAY, TODAY + 90 * DAY)
    other = provider("beta", *pcs(2, prefix="B"))
    licences.run(ended, other, day=TODAY + 89 * DAY)
    assert licences.assigned() == {"B-01": 3, "B-02": 4}


def test_released_licence_goes_to_the_next_after_its_time(licences: Licences) -> None:
    ended = provider("alfa", *pcs(2, to=str(TODAY)))
    licences.run(ended)
    licences.run(ended, provider("beta", *pcs(2, prefix="B")), day=TODAY + 90 * DAY)
    assert licences.assigned() == {"B-01": 1, "B-02": 2}


def test_licence_of_a_failed_workstation_goes_at_once(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(1)))
    licences.rules = Rules({"windows": 1})
    row = workstation("PC-01", to=str(TODAY), licences_free="failed")
    new = workstation("PC-02", replaces="PC-01", **{"from": str(TOMORROW)})
    assert not failures(licences.run(provider("alfa", row, new), day=TOMORROW))
    assert licences.cals()["PC-01"].reason == "failed"
    assert licences.assigned() == {"PC-02": 1}


def test_licence_of_an_absent_workstation_goes_at_once_and_it_stays_registered(
    licences: Licences,
) -> None:
    licences.rules = Rules({"windows": 1})
    licences.run(provider("alfa", *pcs(1)), day=YESTERDAY)
    absent = workstation("PC-01", licences_free="absent")
    results = licences.run(provider("alfa", absent, workstation("PC-02")))
    assert not failures(results)
    assert licences.assigned() == {"PC-02": 1}
    back = licences.run(provider("alfa", *pcs(2)), day=TOMORROW)
    assert "1 Windows CAL is missing" in back["alfa"]["msg"]


def test_workstation_that_comes_back_has_its_own_licence_again(licences: Licences) -> None:
    licences.rules = Rules({"windows": 2})
    licences.run(provider("alfa", *pcs(2)), day=YESTERDAY)
    gone = provider("alfa", workstation("PC-01", to=str(YESTERDAY)), workstation("PC-02"))
    licences.run(gone)
    assert licences.assigned() == {"PC-02": 2}
    assert not failures(licences.run(provider("alfa", *pcs(2)), day=TOMORROW))
    assert licences.assigned() == {"PC-01": 1, "PC-02": 2}


def test_workstation_that_moves_to_another_provider_keeps_its_licence(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(1)), provider("beta"))
    assert not failures(licences.run(provider("alfa"), provider("beta", *pcs(1)), day=TOMORROW))
    assert licences.cals()["PC-01"].provider == "beta"
    assert licences.assigned() == {"PC-01": 1}


# --- a short pool ---------------------------------------------------------------------------------


def test_pool_that_is_one_short_refuses_the_provider_and_says_what_is_missing(
    licences: Licences,
) -> None:
    licences.rules = Rules({"windows": 5, "rds": 4})
    results = licences.run(provider("alfa", *pcs(3)), provider("beta", *pcs(2, prefix="B")))
    assert failures(results) == {
        "beta": "1 RDS CAL is missing: 2 are needed, and 1 of the pool of 4 are free"
    }
    assert set(licences.assigned()) == {"PC-01", "PC-02", "PC-03"}


def test_message_tells_when_the_next_one_is_free(licences: Licences) -> None:
    licences.rules = Rules({"windows": 1})
    licences.run(provider("alfa", workstation(to=str(TODAY))))
    ended = provider("alfa", workstation(to=str(TODAY)))
    results = licences.run(ended, provider("beta", workstation("B-1")), day=TOMORROW)
    assert results["beta"]["msg"] == (
        "1 Windows CAL is missing: 1 are needed, and 0 of the pool of 1 are free, "
        "the next one from 2026-05-31"
    )


def test_short_pool_does_not_delay_a_dated_end(licences: Licences) -> None:
    licences.rules = Rules({"windows": 2})
    licences.run(provider("alfa", *pcs(2)), day=YESTERDAY)
    more = [workstation("PC-01", to=str(YESTERDAY)), *pcs(2, 2)]
    assert "1 Windows CAL is missing" in licences.run(provider("alfa", *more))["alfa"]["msg"]
    assert licences.assigned() == {"PC-02": 2}


def test_registry_is_told_of_the_same_shortage(licences: Licences) -> None:
    licences.rules = Rules({"windows": 5, "rds": 4})
    records = approved(provider("alfa", *pcs(3)), provider("beta", *pcs(2, prefix="B")))
    told = shortage(records, TODAY, licences.rules, [])
    assert told == failures(licences.run(*records.records))
    held = LicenceBook(licences.ledgers.open("look", check=True)).read()
    assert shortage(records, TODAY, licences.rules, held) == told


def test_pool_that_was_made_smaller_takes_nothing_and_is_told(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(3)))
    licences.rules = Rules({"windows": 2})
    results = licences.run(provider("alfa", *pcs(3)), day=TOMORROW)
    assert not results["alfa"]["changed"]
    assert not results["alfa"]["failed"]
    assert licences.codes() == [("", "pool_overdrawn", "windows")]


def test_provider_over_its_capacity_gets_none_and_takes_none_from_others(
    licences: Licences,
) -> None:
    licences.rules = Rules({"windows": 11})
    rows = pcs(11, to="2026-12-31")
    results = licences.run(provider("alfa", *rows), provider("beta", *pcs(2, prefix="B")))
    assert "11 workstations are registered" in failures(results)["alfa"]
    assert licences.assigned() == {"B-01": 1, "B-02": 2}


# --- the guard, invalid records, check ------------------------------------------------------------


def test_rows_that_vanish_count_once_for_both_kinds(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(10)))
    results = licences.run(provider("alfa", *pcs(7)), day=TOMORROW)
    assert "refused: 3 of 10 would lose something" in results["alfa"]["msg"]
    assert len(licences.assigned()) == 10
    assert not failures(licences.run(provider("alfa", *pcs(8)), day=TOMORROW))
    assert len(licences.assigned("rds")) == 8


@pytest.mark.parametrize("invalid", [["alfa"], []])
def test_licences_of_a_record_that_is_not_there_stay(
    licences: Licences, invalid: list[str]
) -> None:
    licences.run(provider("alfa", *pcs(1)), provider("beta"))
    licences.run(provider("beta"), invalid=invalid, day=TOMORROW)
    assert licences.assigned() == {"PC-01": 1}
    orphans = [("alfa", "orphan", "PC-01")] * 2
    assert licences.codes() == ([] if invalid else orphans)


def test_check_mode_writes_nothing(licences: Licences) -> None:
    assert licences.run(provider("alfa", *pcs(1)), check=True)["alfa"]["changed"]
    assert licences.cals() == {}


def test_limit_leaves_the_numbers_of_the_others_to_them(licences: Licences) -> None:
    records = (provider("alfa", *pcs(2)), provider("beta", *pcs(1, prefix="B")))
    licences.run(*records, providers=("beta",))
    assert licences.assigned() == {"B-01": 3}
    assert not failures(licences.run(*records))
    assert licences.assigned() == {"PC-01": 1, "PC-02": 2, "B-01": 3}


# --- users ----------------------------------------------------------------------------------------


def test_rds_per_user_takes_one_for_each_user_and_none_for_workstations(
    licences: Licences,
) -> None:
    licences.rules = Rules({"windows": 20, "rds": 2}, "user")
    licences.users = {"SE2321000214-A": "alfa", "SE2321000214-B": "alfa"}
    assert not failures(licences.run(provider("alfa", *pcs(3))))
    assert licences.assigned("rds") == {"SE2321000214-A": 1, "SE2321000214-B": 2}
    assert len(licences.assigned()) == 3
    licences.users = {"SE2321000214-B": "alfa"}
    assert not failures(licences.run(provider("alfa", *pcs(3)), day=TOMORROW))
    assert licences.assigned("rds") == {"SE2321000214-B": 2}


def test_users_licences_stay_while_nobody_knows_who_they_are(licences: Licences) -> None:
    licences.rules = Rules({"rds": 2}, "user")
    licences.users = {"SE2321000214-A": "alfa"}
    licences.run(provider("alfa"))
    licences.users = None
    assert not licences.run(provider("alfa"), day=TOMORROW)["alfa"]["changed"]


def test_shortage_of_users_licences_is_no_matter_of_the_registry() -> None:
    records = approved(provider("alfa", *pcs(3)))
    assert shortage(records, TODAY, Rules({"windows": 3, "rds": 0}, "user"), []) == {}


@pytest.mark.parametrize("pools", [{"linux": 1}, {"rds": -1}, {"rds": "7"}, {"rds": True}])
def test_pool_that_is_none_is_an_error(pools: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected the"):
        Rules(pools)


# --- evidence -------------------------------------------------------------------------------------


def evidence(*active: str, other: tuple[str, ...] = (), **fields: Any) -> Evidence:
    return Evidence(frozenset((*active, *other)), frozenset(active), **fields)


def test_workstation_that_was_used_without_an_active_licence_is_told(licences: Licences) -> None:
    licences.evidence = evidence("pc-01", other=("pc-02",))
    licences.run(provider("alfa", *pcs(3)))
    assert licences.codes() == [("alfa", "cal_missing", "PC-02")]


def test_workstation_that_was_seen_to_connect_and_is_not_in_the_list_is_told(
    licences: Licences,
) -> None:
    licences.evidence, licences.seen = evidence("pc-01"), frozenset(("pc-01", "pc-03"))
    licences.run(provider("alfa", *pcs(3)))
    assert licences.codes() == [("alfa", "cal_missing", "PC-03")]


@pytest.mark.parametrize("half", [{"unclear": frozenset(("pc-02",))}, {"is_complete": False}])
def test_no_licence_is_missed_by_half_a_file(licences: Licences, half: dict[str, Any]) -> None:
    licences.evidence = evidence("pc-01", other=("pc-02",), faults=("line 4: x",), **half)
    licences.run(provider("alfa", *pcs(3)))
    assert licences.codes() == [("", "evidence_unclear", "licence evidence")]


def test_active_licence_of_a_computer_that_the_ledger_does_not_know_is_told(
    licences: Licences,
) -> None:
    licences.evidence = evidence("pc-01", "pc-99")
    licences.run(provider("alfa", *pcs(1)))
    assert licences.codes() == [("", "cal_unexplained", "pc-99")]


def test_the_licence_servers_list_gives_and_takes_nobody_a_licence(licences: Licences) -> None:
    licences.run(provider("alfa", *pcs(3)))
    before = licences.assigned(), licences.assigned("rds")
    licences.evidence = evidence("pc-99", other=("pc-01",))
    licences.run(provider("alfa", *pcs(3)), day=TOMORROW)
    assert (licences.assigned(), licences.assigned("rds")) == before


def test_licence_that_runs_on_after_deregistering_is_explained(licences: Licences) -> None:
    ended = provider("alfa", *pcs(1, to=str(TODAY)))
    licences.run(ended)
    licences.evidence = evidence("pc-01")
    licences.run(ended, day=TOMORROW)
    assert licences.codes() == []
