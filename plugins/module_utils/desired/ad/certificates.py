# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which account a certificate on a card opens: strong mappings in altSecurityIdentities."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ...engine import matching
from ...engine.plan import Values


def certificate_mappings(
    certificates: Iterable[Mapping[str, str]] | None,
) -> dict[str, Values] | None:
    """The strong mappings of people's certificates to their accounts, by folded HSA-id (KB5014754).

    A certificate is given by `hsa_id` and either `issuer` and `serial`, the issuer's DN as RFC 4514
    has it and the serial number in hexadecimal digits, or `ski`, its subject key identifier in
    hexadecimal digits. Raises ValueError.
    """
    if certificates is None:
        return None
    owners: dict[str, str] = {}
    for certificate in certificates:
        owner, mapping = certificate["hsa_id"].casefold(), _mapping(certificate)
        if owners.setdefault(mapping, owner) != owner:
            raise ValueError("expected of each certificate one owner, not several")
    mappings: dict[str, Values] = {}
    for mapping, owner in owners.items():
        mappings[owner] = (*mappings.get(owner, ()), mapping)
    return mappings


def mappings_by_person(
    certificates: Mapping[str, Iterable[Mapping[str, str]]],
) -> dict[str, Values]:
    """The same of certificates by HSA-id, as receipts told them; () for who has none any more.

    A certificate of several people, or one that cannot be mapped, lets nobody in, and keeps nobody
    else out.
    """
    mappings = _by_form(certificates)
    owners = Counter(form for theirs in mappings.values() for form in theirs)
    return {
        owner: tuple(mapping for form, mapping in theirs.items() if owners[form] == 1)
        for owner, theirs in mappings.items()
    }


def known_mappings(
    certificates: Mapping[str, Iterable[Mapping[str, str]]],
) -> dict[str, Values]:
    """The same with those of several people: whether or not one lets in, it is no stranger's."""
    return {owner: tuple(theirs.values()) for owner, theirs in _by_form(certificates).items()}


def _by_form(
    certificates: Mapping[str, Iterable[Mapping[str, str]]],
) -> dict[str, dict[str, str]]:
    """The mappings of each person, each by the form that equal ones share."""
    mappings: dict[str, dict[str, str]] = {hsa_id.casefold(): {} for hsa_id in certificates}
    for hsa_id, theirs in certificates.items():
        for certificate in theirs:
            with suppress(ValueError):
                mapping = _mapping(certificate)
                mappings[hsa_id.casefold()][matching.case_ignore(mapping)] = mapping
    return mappings


def _mapping(certificate: Mapping[str, str]) -> str:
    issuer, serial, ski = (certificate.get(name) or "" for name in ("issuer", "serial", "ski"))
    if ski and not issuer and not serial:
        return f"X509:<SKI>{_octets(ski).hex()}"
    if not ski and issuer and serial:
        names = reversed(matching.split_dn(issuer))
        # AD has the issuer from the root on, and the serial number's octets in reverse.
        dn = ",".join(f"{kind}={matching.escape(value)}" for rdn in names for kind, value in rdn)
        return f"X509:<I>{dn}<SR>{_octets(serial)[::-1].hex().upper()}"
    raise ValueError("expected of each certificate issuer and serial, or ski")


def _octets(digits: str) -> bytes:
    plain = re.sub("[: ]", "", digits)
    if not re.fullmatch("([0-9A-Fa-f]{2})+", plain):
        raise ValueError("expected hexadecimal digits in a certificate's serial or ski")
    return bytes.fromhex(plain)
