# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is signed, and who may sign which part."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Manifest,
    may_sign,
    parse_manifest,
    parse_principal,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import PARTS

manifests = st.builds(
    Manifest,
    provider=st.from_regex(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True),
    part=st.sampled_from(list(PARTS)),
    number=st.integers(1, 999_999_999),
    digest=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    is_signed=st.booleans(),
)


@given(manifests)
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert parse_manifest(manifest.text()) == manifest


@given(manifests, manifests)
def test_what_differs_is_another_text_to_sign(one: Manifest, other: Manifest) -> None:
    assert (one.text() == other.text()) == (one == other)


@given(manifests, st.integers(0, 200), st.sampled_from([" ", "\n", "x", "\r", "\x00"]))
def test_a_manifest_with_anything_more_is_none(manifest: Manifest, place: int, more: str) -> None:
    text = manifest.text()
    changed = text[:place] + more + text[place:]
    with suppress(ValueError):  # a name or a number may have grown
        assert parse_manifest(changed).text() == changed


@pytest.mark.parametrize(
    ("principal", "parts"),
    [
        ("region:anna", {"agreement", "staff", "equipment"}),
        ("alfa/bo", {"staff", "equipment"}),
        ("alfa-2/bo", set()),
        ("region/anna", set()),
    ],
)
def test_the_region_signs_all_parts_and_an_orderer_those_of_the_own_provider(
    principal: str, parts: set[str]
) -> None:
    assert {part for part in PARTS if may_sign(principal, "alfa", part)} == parts


@pytest.mark.parametrize(
    "text",
    ["anna", "region:", "region:Anna", "alfa/", "/bo", "*", "region:*", "!alfa/bo", "alfa/b/c",
     "region:191212121212", "Alfa/bo", "region:anna@region.se"],
)  # fmt: skip
def test_a_principal_is_a_name_and_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="expected region:<name> or <provider id>/<name>"):
        parse_principal(text)
