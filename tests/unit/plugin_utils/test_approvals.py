# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts with approvals beside them: which are read, and what is said of the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import Manifest
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import proposals
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.allowed_signers import read_signers
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approvals import Authority, digest
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approved_records import (
    Reading,
    read,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.ssh_signatures import (
    SignatureError,
)
from ansible_collections.regionjh.halsoval.tests.keys import Keys

from .conftest import VAULT, Records

DAY = dt.date(2026, 3, 2)
LAST = 'valid-before="20260301235959Z"'


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def authority(keys: Keys, tmp_path: Path) -> Authority:
    file = tmp_path / "allowed_signers"
    file.write_text(
        keys.line("anna", "region:anna")
        + keys.line("bo", "tallbacken/bo")
        + keys.line("eva", "granbacken/eva")
        + keys.line("former", "region:former", LAST),
        encoding="utf-8",
    )
    return Authority(read_signers(file), frozenset(), DAY)


SIGNERS = {"agreement": "anna", "staff": "bo", "equipment": "anna"}


@pytest.fixture
def approve(records: Records, keys: Keys) -> Callable[..., None]:
    """Puts approvals beside the parts as they lie there."""

    def put(number: int = 1, **signers: str) -> None:
        for part, name in {**SIGNERS, **signers}.items():
            folder = records.path / "tallbacken"
            stored = (folder / f"{part}.yml").read_bytes()
            manifest = Manifest("tallbacken", part, number, digest(stored))
            proposals.put(folder, manifest, stored, keys.sign(name, manifest.text()))

    put()
    return put


def reading(records: Records, authority: Authority) -> Reading:
    return read(records.path, VAULT, DAY, ["SE2321000214-"], authority=authority)


def errors(records: Records, authority: Authority) -> list[str]:
    found = reading(records, authority)
    return list(found.errors.get("tallbacken", ()))


@pytest.mark.usefixtures("approve")
def test_a_record_whose_parts_are_approved_is_read_with_its_approvals(
    records: Records, authority: Authority
) -> None:
    found = reading(records, authority)

    assert list(found.providers) == ["tallbacken"]
    told = {a.manifest.part: (a.principal, a.doubt) for a in found.approvals["tallbacken"]}
    assert told == {
        "agreement": ("region:anna", ""),
        "staff": ("tallbacken/bo", ""),
        "equipment": ("region:anna", ""),
    }


@pytest.mark.usefixtures("approve")
def test_a_tampered_part_is_an_error_and_is_not_looked_into(
    records: Records, authority: Authority
) -> None:
    records.change("staff", "people:", "people: nonsense")

    assert errors(records, authority) == [
        "tallbacken/staff.yml: expected the part as it was approved; it was changed since"
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("staff.yml.approval", "staff.yml.approval: expected this file; it is missing"),
        ("staff.yml.approval.sig", "staff.yml.approval.sig: expected this file; it is missing"),
        ("staff.yml", "expected this file; it is missing"),
    ],
)
@pytest.mark.usefixtures("approve")
def test_a_missing_file_is_named(
    records: Records, authority: Authority, name: str, error: str
) -> None:
    (records.path / "tallbacken" / name).unlink()

    assert errors(records, authority) == [f"tallbacken/staff.yml: {error}"]


@pytest.mark.parametrize(
    ("signers", "error"),
    [
        ({"staff": "stranger"}, "by a key of region:<name> or tallbacken/<name>, not one that"
         " allowed_signers does not name"),
        ({"staff": "eva"}, "by a key of region:<name> or tallbacken/<name>, not that of"
         " granbacken/eva"),
        ({"agreement": "bo"}, "by a key of region:<name>, not that of tallbacken/bo"),
    ],
)  # fmt: skip
def test_who_may_not_sign_the_part_is_named(
    records: Records,
    authority: Authority,
    approve: Callable[..., None],
    signers: dict[str, str],
    error: str,
) -> None:
    approve(**signers)

    (part,) = signers
    assert errors(records, authority) == [f"tallbacken/{part}.yml: expected a signature {error}"]


@pytest.mark.parametrize("changed", [{"part": "equipment"}, {"provider": "granbacken"}])
def test_an_approval_of_something_else_is_none(
    records: Records, keys: Keys, authority: Authority, approve: object, changed: dict[str, str]
) -> None:
    folder = records.path / "tallbacken"
    stored = (folder / "staff.yml").read_bytes()
    manifest = replace(Manifest("tallbacken", "staff", 2, digest(stored)), **changed)  # type: ignore[arg-type]
    (folder / "staff.yml.approval").write_text(manifest.text())
    (folder / "staff.yml.approval.sig").write_text(keys.sign("anna", manifest.text()))

    (error,) = errors(records, authority)
    assert error.startswith("tallbacken/staff.yml: expected an approval of this part, not one of")


def test_a_signature_of_another_manifest_or_for_another_purpose_approves_nothing(
    keys: Keys, authority: Authority
) -> None:
    manifest = Manifest("tallbacken", "staff", 1, "0" * 64)
    text = manifest.text()
    assert authority.verified(manifest, keys.sign("bo", text)).principal == "tallbacken/bo"

    for forged in (
        keys.sign("bo", text.replace("number 1", "number 2")),
        keys.sign("bo", text, namespace="file"),
    ):
        with pytest.raises(SignatureError, match="is of something else than this approval"):
            authority.verified(manifest, forged)


@pytest.mark.parametrize(
    "nonsense", ["", "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"]
)
@pytest.mark.usefixtures("approve")
def test_what_is_no_signature_is_an_error(
    records: Records, authority: Authority, nonsense: str
) -> None:
    (records.path / "tallbacken/staff.yml.approval.sig").write_text(nonsense)

    assert errors(records, authority) == [
        "tallbacken/staff.yml: expected an SSH signature, as ssh-keygen -Y sign makes it"
    ]


def test_another_signature_is_another_approval(
    records: Records, keys: Keys, authority: Authority, approve: Callable[..., None]
) -> None:
    """The ledger tells which was verified; runs ask no ssh-keygen."""
    (_agreement, staff, _equipment) = reading(records, authority).approvals["tallbacken"]
    file = records.path / "tallbacken/staff.yml.approval"
    file.with_name("staff.yml.approval.sig").write_text(keys.sign("bo", "something else"))

    (_agreement, other, _equipment) = reading(records, authority).approvals["tallbacken"]

    assert other == replace(staff, signature=other.signature)
    assert other.signature != staff.signature


def test_an_expired_or_revoked_signer_is_in_doubt_which_the_ledger_decides(
    records: Records, keys: Keys, authority: Authority, approve: Callable[..., None]
) -> None:
    approve(agreement="former")
    revoking = replace(authority, revoked=frozenset({keys.public("bo")}))

    found = reading(records, revoking)

    doubts = {a.manifest.part: a.doubt for a in found.approvals["tallbacken"]}
    assert (
        doubts["agreement"] == "region:former might sign until 2026-03-01, and today is 2026-03-02"
    )
    assert doubts["staff"].startswith("the key of tallbacken/bo, SHA256:")
    assert doubts["staff"].endswith(", is revoked")
    assert doubts["equipment"] == ""
    assert [a.manifest.part for a in found.approvals["tallbacken"] if a.is_revoked] == ["staff"]


@pytest.mark.usefixtures("approve")
def test_files_of_versions_and_approvals_are_their_owners_alone(records: Records) -> None:
    folder = records.path / "tallbacken"
    written = [*folder.glob("*.yml"), *folder.glob("*.approval*"), *folder.glob(".versions/*")]

    assert len(written) == 12
    assert {file.stat().st_mode & 0o777 for file in written} == {0o600}
    assert (folder / ".versions").stat().st_mode & 0o777 == 0o700
