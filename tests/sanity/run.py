# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every ansible-test sanity test in a built tree and says which ones ran.

    python tests/sanity/run.py [test ...]

Exit status 1 if a test found something, or if none could run.
"""

from __future__ import annotations

import ast
import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

from ansible_test._internal.python_requirements import get_venv_packages

CHECKOUT = Path(__file__).resolve().parents[2]
# ansible-test keeps its virtual environments below HOME.
HOME = CHECKOUT / ".cache" / "sanity"
# What ansible-test would download and run in each of them, with the wanted version of pip
# as argument: the pip that runs us installs it, from the configured index.
GET_PIP = """\
import subprocess, sys

wanted = [arg for arg in sys.argv[1:] if arg not in ("--no-setuptools", "--no-wheel")]
pip = [{python!r}, "-m", "pip", "--python", sys.executable]
subprocess.run([*pip, "install", "--quiet", *wanted], check=True)
"""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    prepare_home()
    with tempfile.TemporaryDirectory(prefix="halsoval-sanity-") as directory:
        tree = Path(directory, "ansible_collections", "regionjh", "halsoval")
        build(tree)
        listed = ansible_test(tree, "--list-tests")
        if listed.returncode:
            sys.exit(listed.stderr)
        names = sys.argv[1:] or listed.stdout.split()
        results = {name: run(tree, name) for name in names}
    for outcome in ("passed", "not applicable", "could not run", "failed"):
        show(outcome, [name for name, result in results.items() if result == outcome])
    return int("failed" in results.values() or "passed" not in results.values())


def show(outcome: str, names: list[str]) -> None:
    print(f"sanity tests {outcome}: {', '.join(names) or 'none'}")


def build(tree: Path) -> None:
    """Copy what belongs to the collection (tracked, and new but not ignored) to tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if not (CHECKOUT / name).exists():  # deleted, not yet committed
            continue
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, tree / name, follow_symlinks=False)


def run(tree: Path, name: str) -> str:
    """One test by itself, so that one which cannot be set up does not stop the others."""
    finished = ansible_test(tree, "--junit", "--lint", "--test", name)
    reports = list((tree / "tests/output/junit").glob(f"ansible-test-sanity-{name}*.xml"))
    if not reports and ansible_test(tree, "--prime-venvs", "--test", name).returncode:
        outcome = "could not run"
    elif finished.returncode:
        outcome = "failed"
    elif all(ElementTree.parse(report).find(".//skipped") is not None for report in reports):
        outcome = "not applicable"
    else:
        outcome = "passed"
    print(f"{name}: {outcome}", flush=True)
    if finished.returncode:
        # Findings are on stdout; where there are none, stderr says what went wrong.
        print(finished.stdout or finished.stderr, flush=True)
    return outcome


def ansible_test(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-test sanity for the running Python only."""
    command = [Path(sys.executable).with_name("ansible-test"), "sanity", "--python", PYTHON]
    env = {**os.environ, "HOME": str(HOME)}
    return subprocess.run(
        [*command, *arguments], cwd=tree, env=env, capture_output=True, text=True, check=False
    )


def prepare_home() -> None:
    """A home of our own, where ansible-test finds get-pip.py "downloaded"."""
    version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    cached = HOME / ".ansible/test/cache" / f"get_pip_{version.replace('.', '_')}.py"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(GET_PIP.format(python=sys.executable), encoding="utf-8")
    write_pip_configuration(HOME / ".config/pip/pip.conf")


def write_pip_configuration(path: Path) -> None:
    """The user's pip settings: in another home pip loses the file, from ansible-test the PIP_*."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    settings = configparser.RawConfigParser()
    for line in listed.stdout.splitlines():  # section.key='value'
        name, value = line.split("=", maxsplit=1)
        section, key = name.split(".", maxsplit=1)
        section = section.replace(":env:", "global")
        settings.read_dict({section: {key: ast.literal_eval(value)}})
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", opener=_private) as file:
        settings.write(file)


def _private(path: str, flags: int) -> int:
    """An index URL may hold a password."""
    return os.open(path, flags, mode=0o600)


if __name__ == "__main__":
    sys.exit(main())
