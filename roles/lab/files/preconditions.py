# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab needs of this machine, told before anything is installed.

    python3 preconditions.py [--venv] <system>...

Prints the Debian packages that are missing, one a line. Exit status 1, with the reason on stderr,
where the lab cannot be run: another distribution, or something takes root and nobody can become
root without being asked for a password. `--venv`: Python environments are wanted too.
The Makefile runs it first of all, by whatever Python there is: standard library only, and nothing
that is new in it.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec

SUPPORTED = {"debian": {"12": "bookworm", "13": "trixie"}}
# A file of each package that a system takes.
PACKAGES = {
    "hsa": {
        "ldap-utils": "/usr/bin/ldapwhoami",
        "openssh-client": "/usr/bin/ssh-keygen",
        "openssl": "/usr/bin/openssl",
        "slapd": "/usr/sbin/slapd",
    },
    "ad": {
        "ldap-utils": "/usr/bin/ldapwhoami",
        "openssh-client": "/usr/bin/ssh-keygen",
        "openssl": "/usr/bin/openssl",
        # Debian 12 has the program in the package samba, which this one brings.
        "samba-ad-dc": "/usr/sbin/samba",
        "samba-ad-provision": "/usr/share/samba/setup/provision.ldif",
        "samba-dsdb-modules": f"/usr/lib/{platform.machine()}-linux-gnu/samba/ldb/samba_dsdb.so",
    },
    # Its Python packages are looked for by the Python that runs it (tasks/citrix_started.yml).
    "citrix": {"openssh-client": "/usr/bin/ssh-keygen", "openssl": "/usr/bin/openssl"},
}
# What these packages would start at boot.
SERVICES = {"hsa": ("slapd",), "ad": ("nmbd", "samba-ad-dc", "smbd", "winbind"), "citrix": ()}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", action="store_true")
    parser.add_argument("systems", nargs="+", choices=PACKAGES, metavar="system")
    wanted = parser.parse_args(arguments)
    lacking = missing(wanted.systems, os.path.exists)
    if wanted.venv and not find_spec("ensurepip"):  # Debian has it in a package of its own
        lacking.append("python3-venv")
    reason = unsupported(os_release())
    if not reason and not becomes_root():
        reason = takes_root(wanted.systems, lacking)
    if reason:
        print(reason, file=sys.stderr)
        return 1
    sys.stdout.writelines(f"{package}\n" for package in lacking)
    return 0


def missing(systems: Sequence[str], exists: Callable[[str], bool]) -> list[str]:
    """The packages that these systems need and that are not here."""
    files = {package: path for system in systems for package, path in PACKAGES[system].items()}
    return sorted(package for package, path in files.items() if not exists(path))


def os_release(path: str = "/etc/os-release") -> dict[str, str]:
    """What the machine says it is (os-release(5)); nothing where it does not."""
    try:
        with open(path, encoding="utf-8") as file:
            words = shlex.split(file.read(), comments=True)
    except OSError:
        return {}
    return {name: value for name, _equals, value in (word.partition("=") for word in words)}


def unsupported(release: Mapping[str, str]) -> str:
    """Why the lab cannot be run on this distribution; or nothing."""
    if release.get("VERSION_ID") in SUPPORTED.get(release.get("ID", ""), {}):
        return ""
    names = " and ".join(
        f"{system.capitalize()} {version} ({name})"
        for system, versions in SUPPORTED.items()
        for version, name in versions.items()
    )
    return (
        f"This machine runs {release.get('PRETTY_NAME', 'an unknown system')}. The lab runs on "
        f"{names} only: on others slapd and Samba are packaged otherwise. The collection itself "
        "needs no lab (README.md, Install for production)."
    )


def becomes_root() -> bool:
    """Whether root's work can be done without asking for a password.

    A password that sudo remembers does not count (-k): Ansible's processes have no terminal, and
    sudo remembers it for one terminal only.
    """
    if os.geteuid() == 0:
        return True
    try:
        asked = subprocess.run(["sudo", "-k", "-n", "true"], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0


def takes_root(systems: Sequence[str], lacking: Sequence[str]) -> str:
    """What only root can do for these systems, and what to do instead; or nothing."""
    alone = "This user is neither root nor allowed to run sudo without a password.\n"
    if "ad" in systems:
        return (
            f"{alone}Active Directory takes root at each start: Samba's ports are below 1024. The "
            "HSA directory takes none:\n"
            "  make demo SYSTEMS=hsa"
        )
    if not lacking:
        return ""
    services = [name for system in systems for name in SERVICES[system]]
    new = [name for name in services if not os.path.exists(f"/etc/init.d/{name}")]
    commands = "\n  ".join(by_hand(lacking, new))
    return (
        f"{alone}Missing packages take root once. Install them by hand, then go on:\n  {commands}"
    )


def by_hand(packages: Sequence[str], services: Sequence[str]) -> list[str]:
    """The commands that install packages, and keep the services that they bring from running."""
    return [
        *["echo slapd slapd/no_configuration boolean true | sudo debconf-set-selections"]
        * ("slapd" in packages),
        *[f"sudo systemctl mask {' '.join(services)}"] * bool(services),
        f"sudo apt-get update && sudo apt-get install --no-install-recommends {' '.join(packages)}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
