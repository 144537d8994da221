# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may sign approvals: the files allowed_signers and revoked_signers of ssh-keygen(1).

A line that ssh-keygen would pass over, or take otherwise than its writer meant, is an error here.
To ssh-keygen valid-before="20261231" ends at the start of that day in local time, 30 February is a
day in March, and a list of revoked keys with a line that it does not know revokes nobody, or all.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    NAMESPACE,
    parse_principal,
)

from .record_files import SourceError
from .trust import distrust, kind

_MOST_BYTES = 1024 * 1024
_KINDS = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
_KEY = rf"(?P<kind>{'|'.join(map(re.escape, _KINDS))}) +(?P<key>[A-Za-z0-9+/]+={{0,2}})(?: .*)?"
_SIGNER = re.compile(
    rf'(?P<names>[^\s"]+) +(?P<options>[a-z-]+="[^"]*"(?:,[a-z-]+="[^"]*")*) +{_KEY}'
)
_REVOKED = re.compile(_KEY)
_OPTION = re.compile(r'([a-z-]+)="([^"]*)"')
# The first and the last second of a day.
_DAYS = {"valid-after": "000000Z", "valid-before": "235959Z"}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Signer:
    """A line: who may sign with which key, `<kind> <base64>`, from the first to the last day.

    Days are those of UTC; without a first or last one there is no end on that side.
    """

    principals: tuple[str, ...]
    key: str
    first: dt.date = dt.date.min
    last: dt.date = dt.date.max

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key as ssh-keygen -l shows it."""
        digest = hashlib.sha256(base64.b64decode(self.key.partition(" ")[2])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def read_signers(path: Path) -> tuple[Signer, ...]:
    """Everybody in allowed_signers. Raises SourceError, with the first line that is wrong."""
    signers = tuple(_read(path, _signer))
    if not signers:
        raise SourceError(f"{path}: expected a line for each who may sign")
    return signers


def read_revoked(path: Path) -> frozenset[str]:
    """The keys in a revocation list, as `<kind> <base64>`. Raises SourceError."""
    return frozenset(_read(path, _revoked))


def _read(path: Path, parse: Callable[[str], _T]) -> Iterator[_T]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            try:
                yield parse(line)
            except ValueError as error:
                raise SourceError(f"{path}:{number}: {error}") from None


def _text(path: Path) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            what, doubt = kind(status), distrust(status)
            if what or doubt:
                raise SourceError(f"{path}: {doubt or f'expected a file; this is {what}'}")
            return file.read(_MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise SourceError(f"{path}: expected a readable file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path}: expected text: a line for each key, no binary list") from None


def _signer(line: str) -> Signer:
    found = _SIGNER.fullmatch(line)
    if not found:
        raise ValueError(
            f'expected <principals> namespaces="{NAMESPACE}" <kind of key> <key>, with'
            " valid-after and valid-before beside namespaces where they are wanted"
        )
    names = tuple(parse_principal(name) for name in found["names"].split(","))
    options = _OPTION.findall(found["options"])
    given = dict(options)
    if len(given) < len(options) or given.pop("namespaces", None) != NAMESPACE:
        raise ValueError(f'expected each option once, and namespaces="{NAMESPACE}"')
    days = {name: _day(name, value) for name, value in given.items()}
    first, last = (days.get(n, d) for n, d in zip(_DAYS, (dt.date.min, dt.date.max), strict=True))
    if last < first:
        raise ValueError("expected valid-before no earlier than valid-after")
    return Signer(names, _key(found), first, last)


def _revoked(line: str) -> str:
    found = _REVOKED.fullmatch(line)
    if not found:
        raise ValueError("expected <kind of key> <key>, the public key that is revoked")
    return _key(found)


def _day(name: str, value: str) -> dt.date:
    second = _DAYS.get(name)
    if second is None:
        raise ValueError(f"expected no option {name}: only namespaces, valid-after, valid-before")
    digits, rest = value[:8], value[8:]
    try:
        if not re.fullmatch("[0-9]{8}", digits) or rest != second:
            raise ValueError
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise ValueError(
            f'expected {name}="YYYYMMDD{second}", a day of the calendar in UTC'
        ) from None


def _key(found: re.Match[str]) -> str:
    try:
        blob = base64.b64decode(found["key"], validate=True)
    except binascii.Error:
        blob = b""
    name = found["kind"].encode()
    if not blob.startswith(len(name).to_bytes(4, "big") + name):
        raise ValueError(f"expected a public key of the kind {found['kind']}")
    return f"{found['kind']} {base64.b64encode(blob).decode()}"
