# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.regionjh.halsoval.plugins.plugin_utils.forked_module import (
    Main,
    run_forked,
)

LARGE = "Å" * 3_000_000


def run(main: Main, **options: Any) -> dict[str, Any]:
    return run_forked("probe", main, options, {"HALSOVAL_PROBE": "set"})


def module() -> AnsibleModule:
    return AnsibleModule({"number": {"type": "int"}}, supports_check_mode=True)


def test_a_module_gets_its_options_and_the_tasks_environment_in_a_process_of_its_own() -> None:
    def main() -> None:
        number = module().params["number"]
        module().exit_json(
            number=number, environment=os.environ["HALSOVAL_PROBE"], pid=os.getpid(),
            name=Path("/proc/self/comm").read_text().strip(),
        )  # fmt: skip

    result = run(main, number="17")
    assert (result["number"], result["environment"]) == (17, "set")
    assert result["name"] == "halsoval probe"
    assert result["pid"] != os.getpid()
    assert "HALSOVAL_PROBE" not in os.environ


def test_a_result_may_be_large() -> None:
    assert run(lambda: module().exit_json(text=LARGE))["text"] == LARGE


def test_warnings_and_failures_are_as_any_modules() -> None:
    def main() -> None:
        module().warn("beware")
        module().fail_json(msg="no")

    result = run(main)
    assert (result["failed"], result["msg"]) == (True, "no")
    assert [warning.event.msg for warning in result["warnings"]] == ["beware"]


def test_wrong_options_are_the_modules_failure() -> None:
    result = run(lambda: module().exit_json(), number="many")
    assert result["failed"]
    assert "number" in result["msg"]


def test_an_error_that_nobody_foresaw_tells_where_and_no_more() -> None:
    def main() -> None:
        raise KeyError("19121212-1212")

    result = run(main)
    assert result["failed"]
    assert result["msg"].startswith(f"KeyError in {__file__}:")
    assert "1212" not in str(result)


def test_a_module_that_is_killed_fails() -> None:
    result = run(lambda: os.kill(os.getpid(), signal.SIGKILL))
    assert result == {"failed": True, "msg": "probe was killed by signal 9, without a result"}


def test_a_module_that_ends_without_a_result_fails() -> None:
    assert run(lambda: sys.exit(3))["msg"] == "probe ended with 3, without a result"
