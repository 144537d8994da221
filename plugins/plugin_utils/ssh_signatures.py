# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures as ssh-keygen(1) makes and verifies them."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from pathlib import Path

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import NAMESPACE

from .memory_file import memory_file

_ARMOUR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?"
)
_PROGRAM = "ssh-keygen"
# In seconds: a person types a PIN, or touches a key.
_PATIENCE = 120


class SignatureError(Exception):
    """A signature could not be made or read; the message says why."""


def key_of(signature: str) -> str:
    """The public key that a signature says it is by, `<kind> <base64>`. Raises SignatureError.

    Which it is only verify() can tell. The form is in PROTOCOL.sshsig of OpenSSH.
    """
    found = _ARMOUR.fullmatch(signature)
    try:
        blob = base64.b64decode(found[1].replace("\n", ""), validate=True) if found else b""
    except binascii.Error:
        blob = b""
    key, _rest = _string(blob[10:])
    kind, _rest = _string(key)
    if not blob.startswith(b"SSHSIG\0\0\0\1") or not kind:
        raise SignatureError("expected an SSH signature, as ssh-keygen -Y sign makes it")
    return f"{kind.decode('ascii', 'replace')} {base64.b64encode(key).decode()}"


def verify(signature: str, text: str, key: str, principal: str) -> bool:
    """Whether a signature is of a text and by a key. Raises SignatureError where nothing can tell.

    Of the options of allowed_signers only the namespace is given: days are judged elsewhere.
    """
    line = f'{principal} namespaces="{NAMESPACE}" {key}\n'.encode()
    with (
        memory_file("halsoval-signers", [line]) as signers,
        memory_file("halsoval-signature", [signature.encode()]) as path,
    ):
        arguments = ("verify", "-f", signers, "-I", principal, "-n", NAMESPACE, "-s", path)
        return _run(arguments, text).returncode == 0


def sign(text: str, key: Path) -> str:
    """A signature of a text. Raises SignatureError.

    Of a public key the private one is asked of ssh-agent.
    """
    done = _run(("sign", "-q", "-f", str(key), "-n", NAMESPACE), text)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
        raise SignatureError(f"{key}: no signature was made: {said}")
    return done.stdout.decode("ascii", "replace")


def _run(arguments: tuple[str, ...], text: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            (_PROGRAM, "-Y", *arguments),
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
            # No terminal, where it would ask for a passphrase: that is ssh-agent's.
            start_new_session=True,
            env={**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise SignatureError(f"expected {_PROGRAM}: install openssh-client") from None
    except subprocess.TimeoutExpired:
        raise SignatureError(f"{_PROGRAM} had not answered after {_PATIENCE} s") from None


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The string that data begins with, and the rest."""
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]
