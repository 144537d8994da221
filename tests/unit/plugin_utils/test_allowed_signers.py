# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may sign: what ssh-keygen would pass over or take otherwise is told, line by line."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.plugin_utils.allowed_signers import (
    read_revoked,
    read_signers,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_files import SourceError
from ansible_collections.regionjh.halsoval.tests.keys import Keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def written(path: Path, text: str) -> Path:
    file = path / "allowed_signers"
    file.write_text(text, encoding="utf-8")
    return file


def test_signers_are_read_with_their_days(keys: Keys, tmp_path: Path) -> None:
    days = ('valid-after="20260101000000Z"', 'valid-before="20261231235959Z"')
    lines = (
        keys.line("anna", "region:anna") + "\n# bo\n" + keys.line("bo", "alfa/bo,beta/bo", *days)
    )

    anna, bo = read_signers(written(tmp_path, lines))

    assert (anna.principals, anna.first, anna.last) == (
        ("region:anna",), dt.date.min, dt.date.max,
    )  # fmt: skip
    assert (bo.principals, bo.first, bo.last) == (
        ("alfa/bo", "beta/bo"), dt.date(2026, 1, 1), dt.date(2026, 12, 31),
    )  # fmt: skip
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", keys.private("bo")], capture_output=True, text=True, check=True
    )
    assert bo.fingerprint == shown.stdout.split()[1]


@pytest.mark.parametrize(
    ("principals", "options", "expected"),
    [
        ("region:anna", ('valid-before="20261231"',), "YYYYMMDD235959Z"),
        ("region:anna", ('valid-before="20261231000000Z"',), "YYYYMMDD235959Z"),
        ("region:anna", ('valid-before="20260230235959Z"',), "a day of the calendar"),
        ("region:anna", ('valid-after="20260101"',), "YYYYMMDD000000Z"),
        ("region:anna", ('valid-after="20260102000000Z"', 'valid-before="20260101235959Z"'),
         "no earlier than valid-after"),
        ("region:anna", ('verify-time="20260101"',), "expected no option verify-time"),
        ("region:anna", ('namespaces="halsoval-approval"',), "expected each option once"),
        ("region:anna", ("cert-authority",), "expected <principals> namespaces="),
        ("region:*", (), "expected region:<name> or <provider id>/<name>"),
        ("anna@region.example", (), "expected region:<name> or <provider id>/<name>"),
    ],
)  # fmt: skip
def test_a_line_that_means_something_else_is_told(
    keys: Keys, tmp_path: Path, principals: str, options: tuple[str, ...], expected: str
) -> None:
    text = keys.line("bo", "alfa/bo") + keys.line("anna", principals, *options)

    with pytest.raises(SourceError, match=r"allowed_signers:2: ") as told:
        read_signers(written(tmp_path, text))
    assert expected in str(told.value)


@pytest.mark.parametrize("text", ["", "# nobody\n"])
def test_nobody_is_no_answer(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="expected a line for each who may sign"):
        read_signers(written(tmp_path, text))


def test_a_key_without_the_namespace_or_cut_short_is_told(keys: Keys, tmp_path: Path) -> None:
    public = keys.public("anna")
    for line in (
        f"region:anna {public}\n",
        f'region:anna namespaces="file" {public}\n',
        f'region:anna namespaces="halsoval-approval" ssh-rsa {public.split()[1]}\n',
        'region:anna namespaces="halsoval-approval" ssh-ed25519 AAA\n',
    ):
        with pytest.raises(SourceError, match=r"allowed_signers:1: expected"):
            read_signers(written(tmp_path, line))


def test_a_file_that_others_may_write_says_nothing(keys: Keys, tmp_path: Path) -> None:
    file = written(tmp_path, keys.line("anna", "region:anna"))
    file.chmod(0o666)

    with pytest.raises(SourceError, match="expected that nobody but its owner may write"):
        read_signers(file)


def test_revoked_are_public_keys_and_nothing_else(keys: Keys, tmp_path: Path) -> None:
    text = f"# lost\n{keys.public('anna')} anna\n"
    assert read_revoked(written(tmp_path, text)) == {keys.public("anna")}
    assert read_revoked(written(tmp_path, "")) == frozenset()
    with pytest.raises(SourceError, match=r"allowed_signers:1: expected <kind of key> <key>"):
        read_revoked(written(tmp_path, "SHA256:2guQcQ+Ei1UbiPHsNRU2xl3gtOGiC4Vgg7wO7oR38w8\n"))
    with pytest.raises(SourceError, match="nowhere: expected a readable file"):
        read_revoked(tmp_path / "nowhere")
    krl = tmp_path / "krl"
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, keys.path / "anna.pub"], check=True)
    with pytest.raises(SourceError, match="krl"):
        read_revoked(krl)
