# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who could have written a record: links, what is no file, owners, rights, and how large it is."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
from pathlib import Path

import pytest
import yaml

from ansible_collections.regionjh.halsoval.plugins.plugin_utils import trust
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_files import (
    MOST_BYTES,
    SourceError,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.trust import distrust, kind

from .conftest import VAULT, Records

NO_WRITING = "expected that nobody but its owner may write"


def status(mode: int, user: int = 0, group: int = 0) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, user, group, 0, 0, 0, 0))


# --- what is no file


def _link(path: Path) -> None:
    target = path.with_name(".elsewhere.yml")
    path.rename(target)
    path.symlink_to(target)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (_link, "a symbolic link"),
        (_dangling, "a symbolic link"),
        (_fifo, "a FIFO"),
        (_socket, "a socket"),
        (_folder, "a directory"),
    ],
)
@pytest.mark.parametrize("part", ["agreement", "staff", "equipment"])
def test_a_part_that_is_no_file_is_an_error_and_not_opened(
    records: Records, monkeypatch: pytest.MonkeyPatch, part: str, make: object, what: str
) -> None:
    monkeypatch.chdir(records.path / "tallbacken")  # a socket's path is short
    make(Path(f"{part}.yml"))  # type: ignore[operator]

    assert records.errors() == (f"tallbacken/{part}.yml: expected a regular file; this is {what}",)


@pytest.mark.parametrize("mode", [0o020600, 0o060600])
def test_a_device_is_called_one(mode: int) -> None:
    assert kind(status(mode)) == "a device"


def test_a_regular_file_is_nothing_else() -> None:
    assert kind(status(0o100600)) == ""


def test_a_folder_that_is_a_link_is_an_error_and_stands_for_its_provider(records: Records) -> None:
    records.copy("granbacken")
    shutil.move(records.path / "granbacken", records.path.parent / "elsewhere")
    (records.path / "granbacken").symlink_to(records.path.parent / "elsewhere")

    reading = records.read()

    assert reading.errors == {
        "granbacken": ("granbacken: expected a folder, not a symbolic link",),
    }
    assert reading.invalid_ids == ("granbacken",)
    assert list(reading.providers) == ["tallbacken"]


def test_the_record_directory_itself_may_be_reached_by_a_link(records: Records) -> None:
    link = records.path.with_name("approved")
    link.symlink_to(records.path)

    assert Records(link).read().errors == {}


# --- who may write


@pytest.mark.parametrize("mode", [0o666, 0o602, 0o646])
def test_a_part_that_others_can_write_is_an_error(records: Records, mode: int) -> None:
    (records.path / "tallbacken/staff.yml").chmod(mode)

    assert records.errors() == (f"tallbacken/staff.yml: {NO_WRITING} (chmod o-w)",)


def test_a_folder_that_others_can_write_is_an_error(records: Records) -> None:
    records.copy("granbacken")
    (records.path / "granbacken").chmod(0o757)

    assert records.read().errors == {"granbacken": (f"granbacken: {NO_WRITING} (chmod o-w)",)}


def test_a_record_directory_that_others_can_write_stops_everything(records: Records) -> None:
    records.path.chmod(0o1777)

    with pytest.raises(SourceError) as stopped:
        records.read()

    assert str(stopped.value) == f"the record directory {records.path}: {NO_WRITING} (chmod o-w)"


def test_what_others_can_read_is_no_error(records: Records) -> None:
    for path in (records.path, *records.path.rglob("*")):
        path.chmod(0o755)

    assert records.read().errors == {}


@pytest.mark.parametrize(
    ("mode", "group", "members", "expected"),
    [
        (0o100664, "anna", [], ""),
        (0o100664, "anna", ["anna"], ""),
        (0o100664, "anna", ["anna", "bertil"], f"{NO_WRITING} (chmod g-w)"),
        (0o100664, "staff", [], f"{NO_WRITING} (chmod g-w)"),
        (0o100644, "staff", ["bertil"], ""),
        (0o100666, "anna", [], f"{NO_WRITING} (chmod o-w)"),
        (0o040775, "anna", [], ""),
        (0o040775, "staff", ["anna"], f"{NO_WRITING} (chmod g-w)"),
    ],
)
def test_a_group_may_write_that_is_the_owners_alone(
    monkeypatch: pytest.MonkeyPatch, mode: int, group: str, members: list[str], expected: str
) -> None:
    trust._is_own_group.cache_clear()
    owner = pwd.struct_passwd(("anna", "x", 1000, 1000, "", "/", "/bin/sh"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: owner)
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: grp.struct_group((group, "x", 50, members)))

    assert distrust(status(mode, 1000, 50)) == expected
    trust._is_own_group.cache_clear()


def test_a_group_that_nobody_knows_may_not_write() -> None:
    told = distrust(status(0o100664, os.geteuid(), 2**31 - 7))

    assert told == f"{NO_WRITING} (chmod g-w)"


@pytest.mark.parametrize(("owner", "run", "is_trusted"), [
    (0, 0, True), (0, 1000, True), (1000, 1000, True), (1001, 1000, False), (1000, 0, False),
])  # fmt: skip
def test_the_owner_is_root_or_the_user_of_the_run(
    monkeypatch: pytest.MonkeyPatch, owner: int, run: int, is_trusted: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: run)

    told = distrust(status(0o100600, owner))

    assert told == (
        "" if is_trusted else "expected an owner who is root or the user of the run (chown)"
    )


# --- how large


def _filled(text: str, size: int) -> bytes:
    content = text.encode()
    return content + b"#" * (size - len(content))


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_part_may_be_as_large_as_the_limit_and_no_larger(
    records: Records, encrypted: bool
) -> None:
    staff = records.path / "tallbacken/staff.yml"
    text = staff.read_text(encoding="utf-8")
    for size, errors in (
        (MOST_BYTES, {}),
        (
            MOST_BYTES + 1,
            {"tallbacken": (f"tallbacken/staff.yml: expected at most {MOST_BYTES} bytes",)},
        ),
    ):
        content = _filled(text, size)
        staff.write_bytes(VAULT.encrypt(content) if encrypted else content)
        assert records.read().errors == errors


def test_a_part_that_is_far_too_large_is_not_even_read(records: Records) -> None:
    with (records.path / "tallbacken/staff.yml").open("wb") as file:
        file.truncate(2**40)  # sparse

    assert records.errors() == (f"tallbacken/staff.yml: expected at most {MOST_BYTES} bytes",)


# --- the example


def test_the_example_for_production_keeps_records_apart_from_code() -> None:
    source = Path(__file__).parents[3] / "inventories/production-example/halsoval.yml"
    options = yaml.safe_load(source.read_text(encoding="utf-8"))

    assert (source.parent / "group_vars").is_dir()
    assert not (source.parent / options["records"]).resolve().is_relative_to(source.parent)
    assert options["require_vault"] is True


# --- encrypted or not


def test_people_in_clear_text_are_one_finding_for_all(records: Records) -> None:
    records.copy("granbacken")

    (finding,) = records.read().findings

    assert (finding.code, finding.provider, finding.object) == ("not_encrypted", "", "staff.yml")
    assert finding.message == (
        "expected encrypted files (ansible-vault encrypt); providers whose people stand in clear "
        "text: 2 (granbacken, tallbacken)"
    )


def test_an_option_makes_people_in_clear_text_an_error(records: Records) -> None:
    records.copy("granbacken")
    staff = records.path / "granbacken/staff.yml"
    staff.write_bytes(VAULT.encrypt(staff.read_bytes()))

    reading = records.read(require_vault=True)

    assert reading.findings == ()
    assert reading.errors == {
        "tallbacken": ("tallbacken/staff.yml: expected an encrypted file (ansible-vault encrypt)",)
    }
