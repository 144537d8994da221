# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of a system does around the pipe, with a system that holds nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Desired
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.holds import Hold
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.payload import head
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.system import bring_in_line
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import validation
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, record
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import MemoryDirectory

HSA_ID = "SE2321000214-0001"
ALFA, GAMMA = record("alfa", hsa_id=HSA_ID), record("gamma", hsa_id=HSA_ID)
ERROR = "agreement.yml: hsa_id: expected an HSA-id that nothing else has; compare the record of"


class Left(Exception):
    """The module ended, with this result."""

    def __init__(self, **result: Any) -> None:
        super().__init__(result)
        self.result = result


@contextmanager
def _leaving() -> Iterator[dict[str, Any]]:
    result: dict[str, Any] = {}
    with pytest.raises(Left) as left:
        yield result
    result.update(left.value.result)


def run(path: Path, *records: Record) -> dict[str, Any]:
    """The results by provider of a run over records."""
    providers: dict[str, Any] = result(path, *records)["providers"]
    return providers


def result(path: Path, *records: Record) -> dict[str, Any]:
    """The whole result of a run over records."""
    data = head() + b"\n".join(map(validation.dump, records))
    (path / "records").write_bytes(data)

    def leave(**result: Any) -> None:
        raise Left(**result)

    module: Any = SimpleNamespace(
        params={
            "as_of": "2026-03-02", "ledger_url": None, "state_directory": str(path / "state"),
            "started_by": None, "run": "run", "by_clock": False, "expected_plan": [],
            "providers": [record.id for record in records], "records": str(path / "records"),
        },
        check_mode=False, _diff=False, exit_json=leave, fail_json=leave, log=print, warn=print,
    )  # fmt: skip
    with _leaving() as told:
        bring_in_line(
            module, "HSA", lambda _ledger: MemoryDirectory((), ()),
            lambda *_arguments: Desired((), (), {}),
        )  # fmt: skip
    return told


def test_who_claims_what_another_holds_fails_with_the_error_and_the_holder_is_told(
    tmp_path: Path,
) -> None:
    assert not run(tmp_path, ALFA)["alfa"]["failed"]

    results = run(tmp_path, ALFA, GAMMA)

    assert results["gamma"]["failed"]
    assert results["gamma"]["msg"] == (
        f"the record is invalid: nothing was changed\ngamma/{ERROR} alfa"
    )
    assert not results["alfa"]["failed"]
    (finding,) = results["alfa"]["findings"]
    assert finding == {
        "code": "claimed_by_another", "severity": "high", "object": "alfa",
        "message": f"alfa/{ERROR} gamma",
    }  # fmt: skip


def test_what_nobody_held_fails_both(tmp_path: Path) -> None:
    results = run(tmp_path, ALFA, GAMMA)

    assert all(result["failed"] for result in results.values())
    assert results["alfa"]["errors"][1].startswith(f"alfa/{ERROR} gamma")


def test_every_run_tells_the_grants_that_are_in_force_or_wait(tmp_path: Path) -> None:
    plain = {"kind": "grant", "reason": "B1", "by": "anna@controller", "since": TODAY}
    later = TODAY + dt.timedelta(days=2)
    grants = [
        Hold(id="1", object="SE-1", until=later, **plain),
        Hold(id="2", object="SE-2", until=later, confirmed_by="berit@controller", **plain),
        Hold(id="3", object="SE-3", until=later, confirmed_by=None, **plain),
        Hold(id="4", object="SE-4", until=later, **{**plain, "since": later}),
        Hold(id="5", object="SE-5", until=later, lifted=TODAY, **plain),
        Hold(id="6", object="SE-6", **{**plain, "kind": "hold"}),
    ]
    with Ledger(None, tmp_path / "state", Run("run-1", "anna@controller", TODAY)) as ledger:
        for grant in grants:
            ledger.place(grant)

    findings = result(tmp_path, ALFA)["findings"]

    said = f"until {later}: B1, by anna@controller"
    assert [(f["provider"], f["object"], f["code"], f["message"]) for f in findings] == [
        ("", "SE-1", "grant_in_force", f"a grant is in force {said}"),
        (
            "",
            "SE-2",
            "grant_in_force",
            f"a grant is in force {said}, confirmed by berit@controller",
        ),
        (
            "",
            "SE-3",
            "grant_unconfirmed",
            f"a grant waits until a second person confirms it, {said}",
        ),
    ]
