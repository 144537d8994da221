# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an approval says, and who may give it.

Not the part itself is signed but its manifest, a text of five lines. So a signature holds for one
provider, one part and one version of it, and tells nothing of what stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .identifiers import mask
from .model import ID, PARTS

NAMESPACE = "halsoval-approval"

_REGION = "region:"
_NAME = r"[a-z0-9][a-z0-9._-]{0,31}"
_PRINCIPAL = re.compile(rf"{_REGION}{_NAME}|{ID[1:-1]}/{_NAME}")
_MANIFEST = re.compile(
    rf"halsoval (?P<kind>approval|withdrawal) 1\nprovider (?P<provider>{ID[1:-1]})\n"
    rf"part (?P<part>{'|'.join(PARTS)})\nnumber (?P<number>[1-9][0-9]{{0,8}})\n"
    r"sha256 (?P<digest>[0-9a-f]{64})\n"
)


@dataclass(frozen=True, order=True)
class Manifest:
    """What is approved: a version of a provider's part.

    Versions of a part have numbers from 1 on. `digest` is the SHA-256 of the file's bytes as they
    lie, encrypted or not, in hexadecimal digits. `is_signed` is false of a version that only
    withdraws access, which needs no signature.
    """

    provider: str
    part: str
    number: int
    digest: str
    is_signed: bool = True

    def text(self) -> str:
        """The text that is signed."""
        return (
            f"halsoval {'approval' if self.is_signed else 'withdrawal'} 1\n"
            f"provider {self.provider}\npart {self.part}\n"
            f"number {self.number}\nsha256 {self.digest}\n"
        )


@dataclass(frozen=True)
class Approval:
    """A manifest with who signed it: the principal, and the key's fingerprint; "" of none.

    `is_revoked` is whether that key is revoked by now.
    `signature` is the SHA-256 of the signature's text, "" of none. `doubt` is why that signer may
    not approve today: a validity that is over, a key that is revoked. It counts against what the
    ledger does not know as approved already.
    """

    manifest: Manifest
    principal: str = ""
    fingerprint: str = ""
    signature: str = ""
    doubt: str = ""
    is_revoked: bool = False


def parse_manifest(text: str) -> Manifest:
    """The manifest that a text is, to the letter. Raises ValueError with what was expected."""
    found = _MANIFEST.fullmatch(text)
    if not found:
        raise ValueError("expected the five lines of a manifest that approve wrote")
    return Manifest(
        found["provider"],
        found["part"],
        int(found["number"]),
        found["digest"],
        found["kind"] == "approval",
    )


def parse_principal(text: str) -> str:
    """Who signs: `region:<name>`, or `<provider id>/<name>`. Raises ValueError."""
    if not _PRINCIPAL.fullmatch(text) or mask(text) != text:
        raise ValueError(
            "expected region:<name> or <provider id>/<name>, the name of at most 32 of a-z, 0-9,"
            " ., _ and -, without a personal number"
        )
    return text


def is_regions(principal: str) -> bool:
    """Whether somebody signs for the region."""
    return principal.startswith(_REGION)


def may_sign(principal: str, provider: str, part: str) -> bool:
    """Whether somebody may approve a provider's part.

    The region any; an authorised orderer of the provider its staff and equipment (annex 2.2).
    """
    return is_regions(principal) or (part != "agreement" and principal.startswith(f"{provider}/"))


def who_may_sign(provider: str, part: str) -> str:
    """The same in words."""
    orderer = "" if part == "agreement" else f" or {provider}/<name>"
    return f"region:<name>{orderer}"
