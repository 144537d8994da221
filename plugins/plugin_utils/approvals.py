# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals beside the parts of an approved record: what is signed, by whom, and whether it fits.

Of staff.yml they are staff.yml.approval, the manifest, and staff.yml.approval.sig.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    Manifest,
    is_regions,
    may_sign,
    parse_manifest,
    who_may_sign,
)

from . import ssh_signatures
from .allowed_signers import Signer
from .record_files import MANIFEST, PART_FILES, SIGNATURE, read_bytes
from .ssh_signatures import SignatureError
from .yaml_text import Problem, TextError


@dataclass(frozen=True)
class Authority:
    """Who may sign on a day, and which keys are revoked, as `<kind> <base64>`."""

    signers: tuple[Signer, ...]
    revoked: frozenset[str]
    day: dt.date

    def approval(self, folder: Path, provider: str, part: str, stored: bytes) -> Approval:
        """The approval of a part as it lies there. Raises TextError.

        Its signature was verified before the ledger noted it, and every run compares with that.
        """
        name = PART_FILES[part]
        try:
            manifest = parse_manifest(_text(folder / f"{name}{MANIFEST}"))
            if (manifest.provider, manifest.part) != (provider, part):
                other = f"{manifest.part} of {manifest.provider}"
                raise ValueError(f"expected an approval of this part, not one of {other}")
            if manifest.digest != digest(stored):
                raise ValueError("expected the part as it was approved; it was changed since")
            if not manifest.is_signed:
                return Approval(manifest)
            return self.stated(manifest, _text(folder / f"{name}{SIGNATURE}"))
        except (ValueError, SignatureError) as error:
            raise TextError(Problem(None, (), str(error))) from None

    def verified(self, manifest: Manifest, signature: str) -> Approval:
        """The approval that a signature makes of a manifest. Raises SignatureError."""
        approval, key = self.stated(manifest, signature), ssh_signatures.key_of(signature)
        if not ssh_signatures.verify(signature, manifest.text(), key, approval.principal):
            raise SignatureError("the signature is of something else than this approval")
        return approval

    def stated(self, manifest: Manifest, signature: str) -> Approval:
        """The approval by the key that a signature says it is by. Raises SignatureError."""
        provider, part = manifest.provider, manifest.part
        key = ssh_signatures.key_of(signature)
        lines = [signer for signer in self.signers if signer.key == key]
        found = [
            (name, line)
            for line in lines
            for name in line.principals
            if may_sign(name, provider, part)
        ]
        if not found:
            others = ", ".join(sorted({name for line in lines for name in line.principals}))
            whose = f"that of {others}" if others else "one that allowed_signers does not name"
            expected = who_may_sign(provider, part)
            raise SignatureError(f"expected a signature by a key of {expected}, not {whose}")

        # The region's first: it may what an orderer may not.
        def rank(each: tuple[str, Signer]) -> tuple[bool, bool]:
            return not self._is_valid(each[1]), not is_regions(each[0])

        name, line = min(found, key=rank)
        doubt, is_revoked = self._doubt(name, line), line.key in self.revoked
        signed = digest(signature.encode())
        return Approval(manifest, name, line.fingerprint, signed, doubt, is_revoked)

    def _is_valid(self, line: Signer) -> bool:
        return line.first <= self.day <= line.last

    def _doubt(self, name: str, line: Signer) -> str:
        if line.key in self.revoked:
            return f"the key of {name}, {line.fingerprint}, is revoked"
        if self._is_valid(line):
            return ""
        if self.day > line.last:
            return f"{name} might sign until {line.last}, and today is {self.day}"
        return f"{name} may sign from {line.first}, and today is {self.day}"


def digest(stored: bytes) -> str:
    """What a manifest names a file by, and the ledger a signature."""
    return hashlib.sha256(stored).hexdigest()


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("ascii")
    except UnicodeDecodeError:
        raise ValueError(f"expected text in {path.name}") from None
    except TextError as error:
        raise ValueError(f"{path.name}: {error.problem.message}") from None
