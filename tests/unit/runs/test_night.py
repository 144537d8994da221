# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is to be told of a night is told, or the night says that nobody was."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.night import ARGUMENTS, run

TONIGHT = "2026-03-02"


class Left(Exception):
    """The module ended, with this result."""

    def __init__(self, **result: Any) -> None:
        super().__init__(result)
        self.result = result


def night(tmp_path: Path, **options: Any) -> dict[str, Any]:
    """The module's result of a night in which HSA was away; `warnings` are what it warns of."""
    told = {"phases": {"alfa": "operation"}, "errors": {}}
    told["results"] = {"hsa": {"failed": True, "msg": "HSA is away"}}  # type: ignore[assignment]
    file = tmp_path / "told.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    warnings: list[str] = []

    def leave(**result: Any) -> None:
        raise Left(**result)

    plain = {name: spec.get("default") for name, spec in ARGUMENTS.items()}
    own = {"as_of": TONIGHT, "state_directory": str(tmp_path / "state"), "run": "run"}
    module: Any = SimpleNamespace(
        params={**plain, **own, "night": str(file), **options}, argument_spec=ARGUMENTS,
        no_log_values=set(), check_mode=False, exit_json=leave, fail_json=leave,
        log=lambda _text: None, warn=warnings.append,
    )  # fmt: skip
    with pytest.raises(Left) as ended:
        run(module)
    return {**ended.value.result, "warnings": warnings}


@pytest.mark.parametrize(
    "tell", [["/no/such/command"], [sys.executable, "-c", "raise SystemExit(3)"]]
)
def test_command_that_fails_is_told_and_the_night_goes_on(tmp_path: Path, tell: list[str]) -> None:
    result = night(tmp_path, tell=tell, dest=str(tmp_path))
    assert "not_checked" in result["msg"]
    assert "EJ KONTROLLERAT" in "".join(result["page"])
    (warning,) = result["warnings"]
    assert warning.startswith("nobody was told")
    assert (tmp_path / f"night-{TONIGHT}.json").exists()


def test_a_report_that_cannot_be_written_keeps_nobody_from_being_told(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = f"import sys; open({str(heard)!r}, 'a').write(sys.stdin.read() + '\\n')"
    options = {"tell": [sys.executable, "-c", code], "dest": str(tmp_path / "not" / "there")}
    for _time in range(2):
        assert "msg" in night(tmp_path, **options)
    (told,) = heard.read_text(encoding="utf-8").splitlines()
    assert json.loads(told)["wake"]
