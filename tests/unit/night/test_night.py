# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.night.found import (
    Found,
    Night,
    read_night,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.metrics import as_metrics
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.report import (
    as_json,
    as_page,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.night.words import in_swedish
from ansible_collections.regionjh.halsoval.tests.postgresql import free_port
from ansible_collections.regionjh.halsoval.tests.prometheus import node_exporter, promtool

ROOT = Path(__file__).parents[3]
TONIGHT = dt.date(2026, 3, 2)
FINISHED = dt.datetime(2026, 3, 2, 3, 40, tzinfo=dt.UTC)
NURSE = "SE2321000214-HV000007"
PHASES = {"alfa": "operation", "beta": "establishment"}

Result = dict[str, Any]


def own(**values: Any) -> Result:
    return {"changed": False, "failed": False, "msg": "", "changes": [], "findings": [], **values}


def night(hsa: Result | None = None, errors: dict[str, list[str]] | None = None) -> Night:
    quiet = {"providers": {provider: own() for provider in PHASES}}
    return read_night(TONIGHT, "run-1", PHASES, errors or {}, {"hsa": hsa or quiet, "ad": quiet})


def names(night: Night) -> list[tuple[str, str, str]]:
    return [(one.name, one.severity, one.provider) for one in night.found]


def test_quiet_night_confirms_every_provider_and_finds_nothing_else() -> None:
    assert names(night()) == [("confirmed", "info", "alfa"), ("confirmed", "info", "beta")]


def test_what_was_mended_is_told_by_number() -> None:
    hsa = {"providers": {"alfa": own(changed=True, changes=["modify x", "add y"]), "beta": own()}}
    found = night(hsa).found[0]
    assert (found.name, found.provider, found.message) == ("healed", "alfa", "2 changes were made")


def test_system_that_failed_is_not_checked_and_confirms_nobody() -> None:
    found = night({"failed": True, "msg": "HSA does not answer"}).found
    assert [(one.name, one.severity, one.message) for one in found] == [
        ("not_checked", "high", "HSA does not answer")
    ]


def test_refusal_is_told_apart_from_what_was_not_checked() -> None:
    refused = own(failed=True, refused=True, msg="20 of 20 would lose everything")
    failed = own(failed=True, msg="modify person: busy")
    found = names(night({"providers": {"alfa": refused, "beta": failed}}))
    assert found == [("refused", "high", "alfa"), ("not_checked", "high", "beta")]


@pytest.mark.parametrize("reason", [{"refused": True}, {"withheld": ["p1 waits"]}])
def test_removal_that_failed_beside_a_refusal_is_told_by_itself_and_wakes(reason: Result) -> None:
    failed = own(failed=True, undone=True, msg="20 of 20; modify p1: busy", **reason)
    found = night({"providers": {"alfa": failed, "beta": own()}}).found
    assert [(one.name, one.provider, one.wakes) for one in found[:2]] == [
        ("refused", "alfa", False),
        ("not_checked", "alfa", True),
    ]


def test_hold_that_failed_at_a_provider_whose_record_is_not_valid_is_told() -> None:
    failed = own(failed=True, undone=True, msg="modify p1: busy")
    found = night({"providers": {"alfa": failed, "beta": own()}}, {"alfa": ["an error"]})
    assert ("not_checked", "high", "alfa") in names(found)


@pytest.mark.parametrize("code", ["session_left", "account_moved", "orphan"])
@pytest.mark.parametrize("severity", ["normal", "high"])
def test_leaver_who_may_get_in_wakes(code: str, severity: str) -> None:
    finding = {"code": code, "severity": severity, "object": "rule", "message": "left"}
    hsa = {"providers": {"alfa": own(findings=[finding]), "beta": own()}}
    (found,) = (one for one in night(hsa).found if one.system == "hsa")
    assert found.wakes is (severity == "high")


def test_record_with_errors_is_told_once_and_not_by_each_system() -> None:
    hsa = {"providers": {"alfa": own(), "beta": own(), "gamma": own(failed=True, msg="invalid")}}
    found = names(night(hsa, {"gamma": ["gamma/staff.yml:3: expected a day", "another"]}))
    assert [one for one in found if one[2] == "gamma"] == [("invalid_record", "high", "gamma")]


def test_finding_keeps_its_severity_unless_its_name_decides() -> None:
    findings = [
        {"code": "orphan", "severity": "normal", "object": NURSE, "message": "left"},
        {"code": "account_moved", "severity": "high", "object": NURSE, "message": "moved"},
        {"code": "open_rule", "severity": "normal", "object": "Std_Direct", "message": "open"},
    ]
    hsa = {"providers": {"alfa": own(findings=findings), "beta": own()}}
    assert names(night(hsa))[:3] == [
        ("orphaned", "normal", "alfa"),
        ("account_moved", "high", "alfa"),
        ("open_rule", "high", "alfa"),
    ]


def test_provider_that_a_system_says_nothing_of_was_not_checked() -> None:
    told = night({"providers": {"alfa": own()}})
    assert names(told) == [("not_checked", "high", "beta"), ("confirmed", "info", "alfa")]
    assert told.systems[0].state == "partly"


def test_without_any_system_nobody_is_confirmed() -> None:
    assert read_night(TONIGHT, "run-1", PHASES, {}, {"hsa": {"skipped": True}}).found == ()


def test_where_connections_are_not_seen_nobody_is_confirmed() -> None:
    blind = {"code": "monitor_blind", "severity": "high", "provider": "", "object": "sightings",
             "message": "no machine"}  # fmt: skip
    quiet = {"providers": {provider: own() for provider in PHASES}}
    results = {"hsa": quiet, "sightings": {"providers": {}, "findings": [blind]}}
    assert names(read_night(TONIGHT, "run-1", PHASES, {}, results)) == [
        ("monitor_blind", "high", "")
    ]


def test_what_was_found_at_others_is_known_though_something_failed_at_one() -> None:
    refused = own(failed=True, refused=True, msg="20 of 20")
    told = night(
        {"providers": {"alfa": refused, "beta": own(), "gamma": own(failed=True)}},
        {"gamma": ["an error"]},
    )
    assert told.systems[0].state == "partly"
    assert told.has_looked("hsa", "")
    assert told.has_looked("hsa", "alfa")
    assert not told.has_looked("hsa", "gamma")
    assert not told.has_looked("citrix", "")
    assert not night({"failed": True, "msg": "away"}).has_looked("hsa", "alfa")


def test_of_two_messages_about_one_object_the_graver_counts() -> None:
    findings = [
        {"code": "orphan", "severity": severity, "object": "rule", "message": severity}
        for severity in ("high", "normal")
    ]
    hsa = {"providers": {"alfa": own(findings=findings), "beta": own()}}
    assert names(night(hsa))[0] == ("orphaned", "high", "alfa")


def test_system_that_is_no_part_of_the_night_is_not_told() -> None:
    assert [one.system for one in night({"skipped": True}).systems] == ["ad"]


def test_two_messages_about_one_object_are_one_finding() -> None:
    findings = [
        {"code": "other_role", "severity": "normal", "object": NURSE, "message": text}
        for text in ("one", "two", "one")
    ]
    (found,) = [
        one
        for one in night({"providers": {"alfa": own(findings=findings), "beta": own()}}).found
        if one.name == "other_role"
    ]
    assert found.message == "one; two"


def test_page_tells_first_who_cannot_work_and_of_many_some() -> None:
    findings = [
        {"code": code, "severity": "normal", "object": f"SE2321000214-{n}", "message": "why"}
        for code in ("licence_unconfirmed", "card_refused")
        for n in range(30)
    ]
    page = as_page(night({"providers": {"alfa": own(findings=findings), "beta": own()}}))
    assert page.index("card_refused") < page.index("Att se över") < page.index("licence_unconf")
    assert page.count("och 10 till") == 2
    assert len(page.splitlines()) < 80


def test_every_finding_of_the_docs_has_a_swedish_name() -> None:
    documented = {
        code
        for page in (
            "systems.md",
            "orders.md",
            "night.md",
            "workstations.md",
            "licences.md",
            "citrix.md",
        )
        for table in _tables_of_findings((ROOT / "docs" / page).read_text(encoding="utf-8"))
        for code in re.findall(r"`([a-z_]+)`", table)
    }
    assert len(documented) > 30
    renamed = {"orphan", "orphan_order"}
    assert [code for code in sorted(documented - renamed) if in_swedish(code) == code] == []


def _tables_of_findings(page: str) -> list[str]:
    """The first cells of the tables whose first heading is code or finding."""
    tables = re.findall(r"(?m)^\| (?:code|finding) \|.*\n((?:\|.*\n)+)", page)
    return [row.split("|")[1] for table in tables for row in table.splitlines()]


def test_report_is_as_its_schema_says() -> None:
    schema = json.loads((ROOT / "docs/schema/night.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    hsa = {"failed": True, "msg": "away"}
    for told in (night(), night(hsa, {"gamma": ["bad"]})):
        assert list(validator.iter_errors(as_json(told))) == []
    assert list(validator.iter_errors(as_json(night()) | {"findings": [{}]})) != []


# --- metrics --------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
FOUND = st.builds(
    Found, TEXTS, st.sampled_from(["info", "normal", "high"]), TEXTS, TEXTS, TEXTS, TEXTS
)


@given(st.lists(FOUND, max_size=8))
def test_no_series_stands_twice_and_none_has_a_time_stamp(found: list[Found]) -> None:
    metrics = as_metrics(Night(TONIGHT, "r", PHASES, frozenset(), (), tuple(found)), FINISHED)
    series = [line for line in metrics.split("\n") if line and not line.startswith("#")]
    labelled = [re.fullmatch(r"([a-z_]+(?:\{.*\})?) (\d+)", line) for line in series]
    assert all(labelled)
    assert len({match[1] for match in labelled if match}) == len(series)


def test_promtool_has_nothing_to_remark(tmp_path: Path) -> None:
    metrics = as_metrics(night({"failed": True, "msg": 'a "quote"'}), FINISHED)
    checked = subprocess.run(
        [promtool(), "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_node_exporter_gives_every_series(tmp_path: Path) -> None:
    metrics = as_metrics(night({"failed": True, "msg": "away"}), FINISHED)
    (tmp_path / "halsoval.prom").write_text(metrics, encoding="utf-8")
    given_out = _scraped(tmp_path)
    ours = {line for line in metrics.split("\n") if line and not line.startswith("#")}
    # It writes large numbers in another form.
    finished = next(line for line in ours if "finished" in line)
    assert ours - {finished} <= given_out
    assert "halsoval_night_finished_timestamp_seconds 1.7724228e+09" in given_out
    assert "node_textfile_scrape_error 0" in given_out


def _scraped(directory: Path) -> set[str]:
    port = free_port()
    command = [
        node_exporter(),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={directory}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _try in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    return set(answer.read().decode().splitlines())
            except OSError:
                time.sleep(0.1)
        pytest.fail("the node exporter did not answer")
    finally:
        process.terminate()
        process.wait()
