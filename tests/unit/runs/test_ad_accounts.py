# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ad_accounts does before it reaches anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.runs import ad_accounts


class Left(Exception):
    """The module ended, or went on to its work."""


@pytest.mark.parametrize("scheme", ["{given:.3}{surname:.3}", "{surname}", "{serial}"])
def test_without_the_package_only_schemes_without_names_work(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    def leave(msg: str) -> None:
        raise Left(msg)

    def work(*_arguments: Any) -> None:
        raise Left("works")

    monkeypatch.setattr(ad_accounts, "HAS_ANYASCII", False)
    monkeypatch.setattr(ad_accounts, "bring_in_line", work)
    params = {name: spec.get("default", "DC=x") for name, spec in ad_accounts.ARGUMENTS.items()}
    module: Any = SimpleNamespace(
        params={**params, "account_name": scheme, "certificates": None, "confidential": None},
        fail_json=leave,
    )
    with pytest.raises(Left, match="works" if scheme == "{serial}" else "anyascii is missing"):
        ad_accounts.run(module)
