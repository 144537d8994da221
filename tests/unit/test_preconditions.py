# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs of a machine is told before anything is installed, the same everywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.roles.lab.files import preconditions

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = CHECKOUT / "roles/lab"
SYSTEMS = tuple(preconditions.PACKAGES)
NOBODY = 65534
DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}

# --- which machines ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["12", "13"])
def test_debian_12_and_13_are_supported(version: str) -> None:
    assert preconditions.unsupported({**DEBIAN_12, "VERSION_ID": version}) == ""


@pytest.mark.parametrize(
    ("system", "version", "name"),
    [
        ("debian", "11", "Debian GNU/Linux 11 (bullseye)"),
        ("debian", "14", "Debian GNU/Linux 14 (forky)"),
        ("debian", None, "Debian GNU/Linux forky/sid"),
        ("ubuntu", "24.04", "Ubuntu 24.04.1 LTS"),
        ("ubuntu", "12", "Ubuntu 12"),
        ("linuxmint", "13", "Linux Mint 13"),
        ("fedora", "43", "Fedora Linux 43"),
    ],
)
def test_other_systems_are_refused_with_those_that_are_supported(
    system: str, version: str | None, name: str
) -> None:
    release = {"ID": system, "PRETTY_NAME": name} | ({"VERSION_ID": version} if version else {})
    said = preconditions.unsupported(release)
    assert f"This machine runs {name}. " in said
    assert "Debian 12 (bookworm) and Debian 13 (trixie) only" in said


def test_a_machine_that_does_not_say_what_it_is_is_refused(tmp_path: Path) -> None:
    assert preconditions.os_release(str(tmp_path / "os-release")) == {}
    assert "an unknown system" in preconditions.unsupported({})


def test_os_release_is_read_as_a_shell_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    path.write_text('# Debian\nID=debian\nVERSION_ID="12"\nNAME=\'A "b" = c\'\n\n', "utf-8")
    assert preconditions.os_release(str(path)) == {
        "ID": "debian", "VERSION_ID": "12", "NAME": 'A "b" = c'
    }  # fmt: skip


# --- what is missing -----------------------------------------------------------------------------


@given(st.lists(st.sampled_from(SYSTEMS), min_size=1, unique=True), st.data())
def test_missing_is_a_package_of_a_wanted_system_whose_file_is_not_there(
    systems: list[str], data: st.DataObject
) -> None:
    wanted = {pair for system in systems for pair in preconditions.PACKAGES[system].items()}
    files = {path for _package, path in wanted}
    there = data.draw(st.sets(st.sampled_from(sorted(files))))
    found = preconditions.missing(systems, there.__contains__)
    assert found == sorted({package for package, path in wanted if path not in there})


# --- what takes root -----------------------------------------------------------------------------


def test_active_directory_takes_root_also_where_nothing_is_missing() -> None:
    said = preconditions.takes_root(["hsa", "ad"], [])
    assert "neither root nor allowed to run sudo without a password" in said
    assert "make demo SYSTEMS=hsa" in said
    assert "apt-get" not in said  # it would be of no use


def test_the_hsa_directory_takes_root_for_packages_alone() -> None:
    assert preconditions.takes_root(["hsa"], []) == ""
    said = preconditions.takes_root(["hsa"], ["python3-venv", "slapd"])
    assert said.endswith("apt-get install --no-install-recommends python3-venv slapd")
    assert "slapd/no_configuration" in said
    assert "no_configuration" not in preconditions.takes_root(["hsa"], ["openssl"])


def test_only_services_that_the_packages_bring_are_kept_from_running() -> None:
    mask = "sudo systemctl mask"
    assert f"{mask} slapd" in preconditions.by_hand(["slapd"], ["slapd"])
    assert not any(mask in line for line in preconditions.by_hand(["slapd"], []))


# --- the program, for a user without root --------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may write to; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory(prefix="halsoval-preconditions-", dir="/tmp") as name:
        path = Path(name)
        shutil.copy(LAB / "files/preconditions.py", path)
        sudo = path / "bin/sudo"
        sudo.parent.mkdir()
        sudo.write_text('#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n')
        yield open_to_all(path)


def open_to_all(path: Path) -> Path:
    """The folder, with what is below it, which everybody may read and run, and write into."""
    for folder, _folders, files in os.walk(path):
        os.chmod(folder, 0o777)
        for name in files:
            os.chmod(Path(folder, name), 0o755)
    return path


def as_user(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who is not root, and has this folder's sudo."""
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run(
        [*(user if os.geteuid() == 0 else []), *command],
        cwd=folder, env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def looked(folder: Path, *systems: str) -> subprocess.CompletedProcess[str]:
    """Run the program for these systems."""
    return as_user(folder, "/usr/bin/python3", "-I", "preconditions.py", *systems)


@pytest.mark.parametrize("target", ["demo", "lab-up", "test"])
def test_make_tells_a_user_without_root_before_it_installs_anything(
    folder: Path, target: str
) -> None:
    shutil.copytree(LAB / "files", folder / "roles/lab/files")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(CHECKOUT / name, folder)
    made = as_user(open_to_all(folder), "make", target, "PYTHON=/usr/bin/python3")
    assert made.returncode == 2
    assert "make demo SYSTEMS=hsa" in made.stderr
    assert made.stdout == ""
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("systems", [["hsa"], ["ad"], ["hsa", "ad"]])
def test_the_program_tells_a_user_what_takes_root(folder: Path, systems: list[str]) -> None:
    told = looked(folder, *systems)
    refused = "ad" in systems or bool(preconditions.missing(systems, os.path.exists))
    assert told.returncode == refused
    assert ("neither root nor allowed to run sudo" in told.stderr) is refused
    assert told.stdout == ""


def test_root_that_sudo_gives_without_a_password_is_enough(folder: Path) -> None:
    """A password that sudo remembers is not (-k): nobody could be asked for it later."""
    (folder / "bin/sudo").write_text('#!/bin/sh\n[ "$*" = "-k -n true" ]\n')
    told = looked(folder, "hsa", "ad")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.split() == preconditions.missing(["hsa", "ad"], os.path.exists)


def test_without_sudo_there_is_no_root(folder: Path) -> None:
    (folder / "bin/sudo").unlink()
    if shutil.which("sudo", path="/usr/bin:/bin") is None:
        assert "make demo SYSTEMS=hsa" in looked(folder, "ad").stderr


# --- said alike everywhere -----------------------------------------------------------------------


def read(name: str) -> str:
    return (CHECKOUT / name).read_text("utf-8")


def loaded(name: str) -> Any:
    return yaml.safe_load((LAB / name).read_text("utf-8"))


def test_the_role_switches_off_every_service_of_its_packages() -> None:
    services = {name for system in SYSTEMS for name in preconditions.SERVICES[system]}
    assert set(loaded("vars/main.yml")["__halsoval_lab_services"]) == services


def test_every_system_of_the_role_has_its_preconditions() -> None:
    options = loaded("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert options["halsoval_lab_systems"]["choices"] == list(SYSTEMS)


def test_the_pages_name_the_systems_that_are_supported() -> None:
    supported = preconditions.SUPPORTED["debian"]
    (platform,) = loaded("meta/main.yml")["galaxy_info"]["platforms"]
    assert platform == {"name": "Debian", "versions": list(supported.values())}
    phrase = f"Debian {' or '.join(supported)}"
    for page in ("README.md", "CONTRIBUTING.md", "docs/lab.md"):
        named = re.findall(r"Debian \d+(?: or \d+)*", read(page))
        assert phrase in named, page
    assert "Ubuntu" not in read("README.md") + read("CONTRIBUTING.md")


def test_the_pages_name_the_packages_and_services() -> None:
    packages = {package for system in SYSTEMS for package in preconditions.PACKAGES[system]}
    services = {name for system in SYSTEMS for name in preconditions.SERVICES[system]}
    assert [p for p in packages if f"`{p}`" not in read("README.md")] == []
    page = read("docs/lab.md")
    assert [name for name in packages | services if f"`{name}`" not in page] == []
    (installed,) = re.findall(r"apt-get install --no-install-recommends \\\n +(.+)\n", page)
    assert set(installed.split()) == packages
    (masked,) = re.findall(r"systemctl mask (.+)\n", page)
    assert set(masked.split()) == services
