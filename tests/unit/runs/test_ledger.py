# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module does that opens the ledger: whose it is, who runs, and what it tells."""

from __future__ import annotations

import json
import os
import pwd
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.ledger import Ledger, Run
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.ledger import (
    LEDGER_ARGUMENTS,
    with_ledger,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import TODAY, number

NUMBER = number(1)
ME = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"


class Left(Exception):
    """The module ended, with this result."""

    def __init__(self, **result: Any) -> None:
        super().__init__(result)
        self.result = result


def left(path: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    """What a module says that tells by whom the ledger is opened; `logged` is what syslog gets."""
    logged: list[str] = []

    def leave(**result: Any) -> None:
        raise Left(**result)

    plain = {name: spec.get("default") for name, spec in LEDGER_ARGUMENTS.items()}
    own = {"as_of": "2026-03-02", "state_directory": str(path / "state"), "run": "run"}
    module: Any = SimpleNamespace(
        params={**plain, **own, **options}, argument_spec=LEDGER_ARGUMENTS, no_log_values=set(),
        check_mode=check, exit_json=leave, fail_json=leave, log=logged.append,
    )  # fmt: skip
    with pytest.raises(Left) as ended:
        with_ledger(module, lambda ledger, _as_of: {"by": ledger.run.by})
    return ended.value.result | {"hidden": module.no_log_values, "logged": logged}


# --- who runs ------------------------------------------------------------------------------------


def test_who_runs_is_the_user_of_the_process_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    assert left(tmp_path)["by"] == ME


def test_what_is_claimed_stands_beside_the_user(tmp_path: Path) -> None:
    assert left(tmp_path, started_by="anna.berg@region.example")["by"] == (
        f"{ME} (anna.berg@region.example)"
    )


@pytest.mark.parametrize(
    "claim", [NUMBER, f"{NUMBER[2:8]}-{NUMBER[8:]}", "Anna Berg", "a" * 65, "=1", "x\ny", "å"]
)
def test_a_claim_is_a_code_without_a_personal_number(tmp_path: Path, claim: str) -> None:
    result = left(tmp_path, started_by=claim)
    assert result["msg"].startswith("expected started_by (halsoval_started_by) as a code")
    assert claim not in json.dumps(result["msg"])
    assert not (tmp_path / "state").exists()


# --- where the ledger lies -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o702])
def test_a_state_directory_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(mode)
    assert left(tmp_path)["msg"] == (
        f"{state}: expected a folder that its group and others may not write to"
    )
    assert list(state.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to another user")
def test_a_state_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(0o700)
    os.chown(state, 65534, 65534)
    assert left(tmp_path)["msg"] == f"{state}: expected a folder of the user of the runs"
    assert list(state.iterdir()) == []


def test_a_state_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    assert left(tmp_path)["msg"] == f"{tmp_path}/state: is a symbolic link"


def test_where_the_audit_log_ends_goes_to_syslog_and_not_of_a_check(tmp_path: Path) -> None:
    with Ledger(None, tmp_path / "state", Run("run-0", ME, TODAY)) as ledger:
        ledger.confirm("HSA", {"alfa": ("58467d0634f40723",)})
        head = ledger.head()
    (line,) = left(tmp_path)["logged"]
    assert line.endswith(f"the audit log ends with row 1, hash {head['hash']}")
    assert left(tmp_path, check=True)["logged"] == []


# --- what came in memory -------------------------------------------------------------------------


def test_what_came_in_memory_is_used_and_not_shown(tmp_path: Path) -> None:
    kept = {"ledger_url": "mysql://x:canary@y/z", "started_by": "awx-anna"}
    (tmp_path / "options").write_text(json.dumps(kept))
    result = left(tmp_path, confidential=str(tmp_path / "options"), ledger_url="", started_by="")
    assert result["msg"].startswith("expected the ledger's URL as postgresql://")
    assert result["hidden"] == {kept["ledger_url"]}
    shown = result["invocation"]["module_args"]
    assert (shown["ledger_url"], shown["started_by"]) == ("not shown", "not shown")
    assert shown["run"] == "run"


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_options_that_are_not_there_are_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "options").write_text(content)
    result = left(tmp_path, confidential=str(tmp_path / "options"), ledger_url="")
    assert result["msg"].startswith("the options in memory could not be read (")
    assert not (tmp_path / "state").exists()
