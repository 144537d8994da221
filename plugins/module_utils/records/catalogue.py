# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be ordered and what an order gives: services, prices, professions and purposes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from .catalogue_rows import ROWS, Precondition, Price, Recipient, Service

__all__ = [
    "COMMISSION_PURPOSES",
    "EXTENSIONS",
    "LICENSED_PROFESSIONS",
    "OBLIGATORY_PACKAGES",
    "PATIENT_CARE",
    "SERVICES",
    "WORKSTATIONS_PER_GROUP",
    "NoValidPrice",
    "Precondition",
    "Price",
    "Recipient",
    "Service",
    "contents",
    "parse_licence",
    "parse_purpose",
    "parse_service",
    "prices_on",
    "provided",
]

SERVICES: dict[str, Service] = {service.key: service for service in ROWS}

# The packages that every provider orders (annex 2.7).
OBLIGATORY_PACKAGES: tuple[str, ...] = ("vardutbud_bas", "stodapplikationer")

# Annex 2.8.
WORKSTATIONS_PER_GROUP = 10

# The record's kinds of extension and their rows in the price table (annex 4.3.1).
EXTENSIONS: dict[str, str] = {
    "fixed_ip": "fast_ip_anknytning",
    "mobile_1gb": "mobil_anknytning_1gb",
    "mobile_5gb": "mobil_anknytning_5gb",
}

# hsaTitle (code system 1.2.752.29.23.1.6) in clear text and its code.
LICENSED_PROFESSIONS: dict[str, str] = {
    "Apotekare": "AP",
    "Arbetsterapeut": "AT",
    "Audionom": "AU",
    "Barnmorska": "BM",
    "Biomedicinsk analytiker": "BA",
    "Dietist": "DT",
    "Fysioterapeut": "FT",
    "Hälso- och sjukvårdskurator": "HK",
    "Kiropraktor": "KP",
    "Logoped": "LG",
    "Läkare": "LK",
    "Naprapat": "NA",
    "Optiker": "OP",
    "Ortopedingenjör": "OT",
    "Psykolog": "PS",
    "Psykoterapeut": "PT",
    "Receptarie": "RC",
    "Röntgensjuksköterska": "RS",
    "Sjukgymnast": "SG",
    "Sjukhusfysiker": "SF",
    "Sjuksköterska": "SJ",
    "Tandhygienist": "TH",
    "Tandläkare": "TL",
}

# The purpose that NPÖ, Pascal and Intyg ask for.
PATIENT_CARE = "Vård och behandling"

# hsaCommissionPurpose: the purposes that patient data may be processed for (PDL 2 kap. 4 §).
COMMISSION_PURPOSES: tuple[str, ...] = (
    PATIENT_CARE,
    "Kvalitetssäkring",
    "Annan dokumentation enligt lag",
    "Statistik",
    "Administration",
    "Kvalitetsregister",
)


class NoValidPrice(LookupError):
    """The annex names a price of the service, but none for the day."""


def contents(package: str) -> tuple[Service, ...]:
    """The rows of a package, also those that must be ordered by name."""
    return tuple(service for service in ROWS if service.package == package)


def provided(ordered: Collection[str]) -> frozenset[str]:
    """The keys of all services that an order gives, the ordered ones and the packages among them.

    A package brings its rows, unless the annex offers them, prices them by unit or asks for an
    agreement of their own: those come by name. A row that requires another comes only with it, so
    without the vårdadministrativa systemet its four companions stay away (annex 3.1.1).
    """
    given = {*ordered, *(row.key for row in ROWS if row.comes == "with_connection")}
    while new := {row.key for row in ROWS if row.key not in given and _comes_with(row, given)}:
        given |= new
    return frozenset(given)


def prices_on(service: Service, day: date) -> tuple[Price, ...]:
    """The prices of the service on the day; none where the annex names none at all.

    Raises NoValidPrice where it names some for other days: a price is never extrapolated.
    """
    valid = tuple(
        price
        for price in service.prices
        if price.valid_from <= day and (price.valid_to is None or day <= price.valid_to)
    )
    if service.prices and not valid:
        raise NoValidPrice(f"the annex names no price of {service.key} on {day}")
    return valid


def parse_service(text: str) -> str:
    """A service's key. Raises ValueError, with the key where the text is a name of the annex."""
    if text in SERVICES:
        return text
    key = _KEYS.get(text.casefold())
    if key is not None:
        raise ValueError(f"expected the key {key}")
    raise ValueError("expected a service of the catalogue (docs/reference/services.md lists them)")


def parse_licence(text: str) -> str:
    """A licensed profession in clear text. Raises ValueError."""
    if text not in LICENSED_PROFESSIONS:
        raise ValueError("expected a licensed profession: " + ", ".join(LICENSED_PROFESSIONS))
    return text


def parse_purpose(text: str) -> str:
    """A purpose of a commission. Raises ValueError."""
    if text not in COMMISSION_PURPOSES:
        raise ValueError("expected a purpose: " + ", ".join(COMMISSION_PURPOSES))
    return text


_KEYS: dict[str, str] = {
    name.casefold(): service.key for service in ROWS for name in (service.name, *service.aliases)
}


def _comes_with(row: Service, given: Collection[str]) -> bool:
    return (
        row.comes == "with_package"
        and row.package in given
        and all(required in given for required in row.requires)
    )
