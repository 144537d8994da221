# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for tests, of any names, addresses and days, by CAs of the tests' own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
# Days from now: when a certificate begins and ends.
VALID, ENDED, LATER = (-1, 30), (-30, -1), (1, 30)


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate as a file, and what it signs with."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    pem: Path

    def issue(
        self,
        folder: Path,
        names: Collection[str] = (),
        days: tuple[int, int] = VALID,
        common_name: str = "directory",
    ) -> Path:
        """A server's certificate and key, in one file; `names` are host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _built(_named(common_name), self.certificate.subject, key, days)
        if names:
            builder = builder.add_extension(_alternatives(names), critical=False)
        ours = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ours.value)
        signed = builder.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())
        return _written(folder / f"{signed.serial_number:x}.pem", signed, key)


def authority(folder: Path, name: str = "A CA", days: tuple[int, int] = VALID) -> Authority:
    """A CA as RFC 5280 section 4.2.1 wants it, which Python 3.13 looks at."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = {
        name: name in ("key_cert_sign", "crl_sign")
        for name in (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )
    }  # fmt: skip
    certificate = (
        _built(_named(name), _named(name), key, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"ca-{certificate.serial_number:x}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(certificate, key, path)


def self_signed(folder: Path, names: Collection[str]) -> Path:
    """A server's certificate and key, in one file, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _built(_named("alone"), _named("alone"), key, VALID)
    signed = builder.add_extension(_alternatives(names), critical=False).sign(key, hashes.SHA256())
    return _written(folder / f"{signed.serial_number:x}.pem", signed, key)


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    first, last = (NOW + dt.timedelta(days=day) for day in days)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternatives(names: Collection[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(name) for name in names])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _written(path: Path, signed: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Path:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path
