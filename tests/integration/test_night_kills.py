# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever night is killed, the next run of it remembers, writes and tells what it would have."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.sightings import last_seen
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs import night as nights
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.citrix_sightings import look
from ansible_collections.regionjh.halsoval.plugins.module_utils.systems import https
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import validation
from ansible_collections.regionjh.halsoval.tests.citrix import (
    HALSOVAL,
    PASSWORD,
    USER,
    CitrixSite,
    citrix_site,
)
from ansible_collections.regionjh.halsoval.tests.in_full import full
from ansible_collections.regionjh.halsoval.tests.killing import (
    Killer,
    finished,
    start,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, record, workstation

NIGHTS, KILLS = 5, full(10, 3)  # 50 killed runs of each module, in full
PCS = [f"PC-{n}" for n in range(NIGHTS)]


def tonight(number: int) -> dt.date:
    return TODAY + dt.timedelta(days=number)


# --- who has connected ----------------------------------------------------------------------------


def connected(site: CitrixSite, number: int) -> None:
    """Before each night somebody connects from a PC more, and from one that is not registered."""
    moment = f"{tonight(number - 1)}T18:00:{number:02d}Z"
    clients = [*PCS[: number + 1], f"HOME-{number}"]
    rows = [
        {"Id": 100 * number + n, "ClientName": client, "ClientAddress": "192.0.2.9",
         "BrokeringDate": moment, "CreatedDate": moment, "ModifiedDate": moment}
        for n, client in enumerate(clients)
    ]  # fmt: skip
    site.lab("rows", Connections=rows)


def sight(site: CitrixSite, records: Path, state: Path, number: int, name: str) -> None:
    """What the module does; its result lies beside its ledger."""
    params = {
        "records": str(records), "server_uri": site.uri, "user": USER, "password": PASSWORD,
        "ca_path": str(site.ca), "timeout": 5, "delivery_group": HALSOVAL,
    }  # fmt: skip
    day = tonight(number)
    with Ledger(None, state, Run(name, "test@controller", day)) as ledger:
        result = look(params, ledger, day)
    state.with_suffix(".json").write_text(json.dumps(result), "utf-8")


def remembered(state: Path, number: int) -> tuple[Any, Any]:
    """What a night has told, and what is remembered after it."""
    with Ledger(None, state, Run("look", "test", tonight(number + 1)), check=True) as ledger:
        return json.loads(state.with_suffix(".json").read_text("utf-8")), last_seen(ledger)


def test_killed_looks_at_connections_lose_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "BACK_OFF", (0.01, 0.02))
    everything = record(workstations=map(workstation, PCS), workstation_groups=1)
    records = tmp_path / "records"
    records.write_bytes(head() + validation.dump(everything) + b"\n")
    undisturbed, state, killer = tmp_path / "undisturbed", tmp_path / "state", Killer(0.5)
    (tmp_path / "site").mkdir()
    with citrix_site(tmp_path / "site") as site:
        for number in range(NIGHTS):
            connected(site, number)
            run = partial(sight, site, records)
            assert finished(start(partial(run, undisturbed, number, "whole"))) == 0
            killed = 0
            while killed < KILLS:
                killed += killer.kill(partial(run, state, number, f"{number}-{killed}"))
            assert finished(start(partial(run, state, number, f"{number}-whole"))) == 0
            told, seen = remembered(state, number)
            assert (told, seen) == remembered(undisturbed, number)
            assert seen.last.keys() == set(PCS[: number + 1])


# --- the night ------------------------------------------------------------------------------------


class Left(Exception):
    """The module ended."""


def told_of(number: int) -> dict[str, Any]:
    """What a night hands the module: other systems fail each night, and others find something."""
    findings = [
        {"code": code, "severity": "high", "object": f"SE2321000214-{number // 2}", "message": "x"}
        for code in ("account_moved", "person_without_key")[: 1 + number % 2]
    ]
    quiet = {"failed": False, "msg": "", "changes": [], "findings": []}
    away = {"failed": True, "msg": "it is away"}
    hsa = {"providers": {"alfa": {**quiet, "findings": findings}, "beta": quiet}}
    ad = away if number % 3 == 1 else {"providers": {"alfa": quiet, "beta": quiet}}
    phases = {"alfa": "operation", "beta": "establishment"}
    return {"phases": phases, "errors": {}, "results": {"hsa": hsa, "ad": ad}}


def sum_up(state: Path, number: int, name: str) -> None:
    """What the module does; what it writes, and what it tells of, lies in its directory."""
    handed, heard = state / f"handed-{name}", state / "heard"
    heard.mkdir(parents=True, exist_ok=True)
    handed.write_text(json.dumps(told_of(number)), "utf-8")
    keep = f"cat > {heard}/$$.part && mv {heard}/$$.part {heard}/{number}-$$"
    options = {
        "as_of": str(tonight(number)), "run": name, "state_directory": str(state),
        "night": str(handed), "dest": str(state), "metrics_path": str(state / "night.prom"),
        "tell": ["/bin/sh", "-c", keep],
    }  # fmt: skip
    plain = {name: spec.get("default") for name, spec in nights.ARGUMENTS.items()}
    module: Any = SimpleNamespace(
        params={**plain, **options}, argument_spec=nights.ARGUMENTS, no_log_values=set(),
        check_mode=False, exit_json=leave, fail_json=leave, log=ignore, warn=ignore,
    )  # fmt: skip
    with suppress(Left):
        nights.run(module)


def leave(**result: Any) -> None:
    assert "page" in result, result
    raise Left


def ignore(_text: str) -> None:
    pass


def written(state: Path, number: int) -> list[str]:
    """What a night has left in its files, but for who wrote them and when."""
    day = tonight(number)
    report = json.loads((state / f"night-{day}.json").read_text("utf-8"))
    metrics = (state / "night.prom").read_text("utf-8").splitlines()
    lasting = [line for line in metrics if "finished" not in line]
    return [
        json.dumps({**report, "run": ""}),
        (state / f"night-{day}.txt").read_text("utf-8"),
        *lasting,
    ]


def told(state: Path, number: int) -> Counter[str]:
    """How often a night has told of each finding, but for what a kill has cut off."""
    found: Counter[str] = Counter()
    for file in (state / "heard").glob(f"{number}-*"):
        with suppress(json.JSONDecodeError):
            findings = json.loads(file.read_text("utf-8"))["findings"]
            found.update(json.dumps(one) for one in findings)
    return found


def test_killed_nights_are_written_and_told_as_one_is(tmp_path: Path) -> None:
    undisturbed, state, killer = tmp_path / "undisturbed", tmp_path / "state", Killer(0.3)
    for number in range(NIGHTS):
        assert finished(start(partial(sum_up, undisturbed, number, "whole"))) == 0
        killed = 0
        while killed < KILLS:
            killed += killer.kill(partial(sum_up, state, number, f"{number}-{killed}"))
        assert finished(start(partial(sum_up, state, number, "whole"))) == 0
        # One that was killed between telling and noting that is told again, and a whole one never.
        heard = told(state, number)
        assert heard.keys() == told(undisturbed, number).keys()
        assert finished(start(partial(sum_up, state, number, "again"))) == 0
        assert told(state, number) == heard
        assert written(state, number) == written(undisturbed, number)
    assert told(undisturbed, 0)
