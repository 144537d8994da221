# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of people who approve, and signatures by them as ssh-keygen makes them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "halsoval-approval"


@dataclass(frozen=True)
class Keys:
    """A directory with keys, made as they are asked for."""

    path: Path

    def private(self, name: str, passphrase: str = "") -> Path:
        """The private key of a name; beside it lies the public one, .pub."""
        key = self.path / name
        if not key.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name]
            subprocess.run([*command, "-f", key], check=True)
        return key

    def public(self, name: str) -> str:
        """The public key, `<kind> <base64>`."""
        self.private(name)
        text = (self.path / f"{name}.pub").read_text(encoding="ascii")
        return " ".join(text.split()[:2])

    def line(self, name: str, principals: str, *options: str) -> str:
        """The line of allowed_signers for a key."""
        given = ",".join([f'namespaces="{NAMESPACE}"', *options])
        return f"{principals} {given} {self.public(name)} {name}\n"

    def sign(self, name: str, text: str, namespace: str = NAMESPACE) -> str:
        """A signature of a text."""
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", self.private(name)]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
        return done.stdout.decode("ascii")
