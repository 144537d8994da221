# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""constraints.txt names one version of each package for each Python, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
LINES = (CHECKOUT / "constraints.txt").read_text("utf-8").splitlines()
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(params=["3.11", "3.12", "3.13"])
def pinned(request: pytest.FixtureRequest) -> list[Requirement]:
    """What holds for a Python."""
    environment = {"python_version": request.param, "python_full_version": f"{request.param}.0"}
    every = map(Requirement, LINES)
    return [one for one in every if one.marker is None or one.marker.evaluate(environment)]


def test_each_package_has_exactly_one_version(pinned: list[Requirement]) -> None:
    names = [canonicalize_name(one.name) for one in pinned]
    assert sorted(names) == sorted(set(names))
    assert all(str(one.specifier).startswith("==") and one.url is None for one in pinned)


def test_each_dependency_is_pinned_to_a_version_that_it_allows(pinned: list[Requirement]) -> None:
    versions = {canonicalize_name(one.name): str(one.specifier)[2:] for one in pinned}
    extras = PROJECT["optional-dependencies"].values()
    wanted = map(
        Requirement, [*PROJECT["dependencies"], *(one for extra in extras for one in extra)]
    )
    for one in wanted:
        assert one.specifier.contains(versions[canonicalize_name(one.name)]), one


def test_a_later_python_has_a_later_ansible_core() -> None:
    """The newest for Python 3.11 is 2.19."""
    of = {line for line in LINES if line.startswith("ansible-core==")}
    assert len(of) == 2
    assert any(line.startswith("ansible-core==2.19.") and "<" in line for line in of)
