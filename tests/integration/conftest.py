# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labs that the integration tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.regionjh.halsoval.tests.lab import Lab, copied_lab, start_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab that tests share. Its path holds what paths of real people hold: a blank and an å."""
    yield from copied_lab(tmp_path_factory.mktemp("labb på prov"), with_ad=False)


@pytest.fixture(scope="session")
def other_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A second lab with a CA of its own, which truncates what the service account reads."""
    yield from start_lab(tmp_path_factory.mktemp("lab2"), ["hsa"], halsoval_lab_hsa_size_limit=3)


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with both directories."""
    yield from copied_lab(tmp_path_factory.mktemp("region på prov"), with_ad=True)
