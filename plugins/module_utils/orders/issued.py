# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of cards as an answer holds them whole: what they say, and who vouches for it."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509.oid import NameOID

    HAS_CRYPTOGRAPHY = True
except ImportError:  # ansible-test imports this file without it
    HAS_CRYPTOGRAPHY = False

_ARMOUR = re.compile(r"-----BEGIN CERTIFICATE-----(.*)-----END CERTIFICATE-----", re.DOTALL)
# Some have 2,000 bytes; a field of CSV ends at 131,072 characters.
_LONGEST = 64_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: issuer (RFC 4514), serial number and SKI in hexadecimal digits.

    `holders` are the serial numbers in its subject: SITHS names the holder's HSA-id there.
    """

    issuer: str
    serial: str
    ski: str
    holders: tuple[str, ...]
    der: bytes = field(repr=False)

    def is_of(self, hsa_id: str) -> bool:
        """Whether it names the holder, and nobody else."""
        return [holder.casefold() for holder in self.holders] == [hsa_id.casefold()]


@lru_cache(maxsize=1024)
def read(text: str) -> Certificate:
    """A certificate in PEM, or its base64 alone. Raises ValueError."""
    if not HAS_CRYPTOGRAPHY:
        raise ValueError("expected the Python library cryptography to be installed")
    try:
        armoured = _ARMOUR.fullmatch(text.strip())
        body = "".join((armoured[1] if armoured else text).split())
        der = base64.b64decode(body[:_LONGEST], validate=True)
        return _told(x509.load_der_x509_certificate(der), der)
    # Of what may be in it nothing is to be told.
    except (ValueError, TypeError, binascii.Error, x509.ExtensionNotFound, x509.DuplicateExtension):
        raise ValueError("expected one X.509 certificate, as PEM or base64") from None


def _told(certificate: x509.Certificate, der: bytes) -> Certificate:
    try:
        keys = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        ski = keys.value.digest.hex().upper()
    except x509.ExtensionNotFound:
        ski = ""
    digits = f"{certificate.serial_number:X}"
    return Certificate(
        issuer=certificate.issuer.rfc4514_string(),
        serial=digits.zfill(len(digits) + len(digits) % 2),
        ski=ski,
        holders=tuple(
            str(each.value)
            for each in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        ),
        der=der,
    )


@dataclass(frozen=True, slots=True)
class Authorities:
    """Those who may issue the certificates on cards."""

    certificates: tuple[x509.Certificate, ...]

    def vouch_for(self, certificate: Certificate, day: dt.date) -> bool:
        """Whether one of them has issued a certificate, and both are valid on a day."""
        issued = x509.load_der_x509_certificate(certificate.der)
        return _is_valid(issued, day) and any(
            _is_authority(each) and _is_valid(each, day) and _has_issued(each, issued)
            for each in self.certificates
        )


def authorities(path: Path) -> Authorities:
    """The certificates in a file of PEM. Raises ValueError, which names the file."""
    if not HAS_CRYPTOGRAPHY:
        raise ValueError("expected the Python library cryptography to be installed")
    try:
        found: Sequence[x509.Certificate] = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise ValueError(f"{path}: expected a file of certificates in PEM") from None
    return Authorities(tuple(found))


def _is_valid(certificate: x509.Certificate, day: dt.date) -> bool:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return first.date() <= day <= last.date()


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return basic.value.ca


def _has_issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
