# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invented providers in any number, as record files. Everybody in them was born before 1900."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import yaml

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import (
    OBLIGATORY_PACKAGES,
    WORKSTATIONS_PER_GROUP,
    provided,
)

_FIRST_BIRTHDAY = dt.date(1850, 1, 1)
_SERIALS_PER_DAY = 900
_UNITS = ("norr", "soder")

_AGREEMENT = """\
---
id: {id}
name: Vårdgivare {number}
organisation_number: "{organisation_number}"
agreement:
  number: HV-{number}
  contract_signed: 2024-09-01
  connection_agreement_signed: 2024-09-01
  final_agreement_signed: 2025-02-01
  operation_start: 2025-03-01
sjunet: {{agreement: 2024-10-01, connected: 2024-12-01}}
self_declaration: {{submitted: 2024-10-01, reviewed: 2024-11-01}}
attestations_reviewed: 2025-01-10
training: [{{system: vardutbud_bas, date: 2025-01-15, count: 20}}]
final_verification: {{date: 2025-01-20, outcome: approved}}
services: [{services}]
workstation_groups: {groups}
units:
  - {{id: norr, name: Hälsocentralen Norr, public_from: 2025-03-01}}
  - {{id: soder, name: Hälsocentralen Söder, public_from: 2025-03-01}}
"""

_WORKSTATION = """\
  - name: {name}
    unit: {unit}
    serial: {name}-S
    mac: 02:00:00:{mac}
    ip: {ip}
    attested: 2026-01-15
    from: 2025-03-01
"""

_PERSON = """\
  - personnummer: "{number}"
    given_name: Förnamn{index}
    surname: Efternamn{provider}
    position: Sjuksköterska
    mail: person{index}@vardgivare{provider}.example.org
    licences:
      - {{title: Sjuksköterska, confirmed: 2024-12-01}}
    assignments:
      - unit: {unit}
        kind: employed
        purpose: Vård och behandling
        rights: [Läsa;alla;SJF]
        systems: [{systems}]
        decided_by: Verksamhetschefen
        decided: 2025-02-01
        from: 2025-03-01
    cards:
      - {{kind: ordinary, loa: 3, office: Östersund}}
"""


def write_source(
    directory: Path, providers: int, people: int, systems: Sequence[str] = (), workstations: int = 0
) -> Path:
    """Write an inventory source with its records; returns its path.

    Each provider has so many people and workstations. `systems` are the services that everybody
    uses.
    """
    by_name = sorted(set(systems) - provided(OBLIGATORY_PACKAGES))
    services = ", ".join([*OBLIGATORY_PACKAGES, *by_name])
    for number in range(providers):
        folder = directory / "providers" / f"vardgivare-{number:04d}"
        folder.mkdir(parents=True)
        (folder / "agreement.yml").write_text(
            _AGREEMENT.format(
                id=folder.name,
                number=number,
                organisation_number=_organisation_number(number),
                services=services,
                groups=-(-workstations // WORKSTATIONS_PER_GROUP),
            )
        )
        rows = (_person(number, index, number * people + index, systems) for index in range(people))
        (folder / "staff.yml").write_text("---\npeople:\n" + "".join(rows))
        (folder / "equipment.yml").write_text(equipment(number, workstations))
    source = directory / "halsoval.yml"
    source.write_text(
        "plugin: regionjh.halsoval.providers\napproval: unsigned\n"
        "records: providers\nas_of: 2026-03-02\n"
    )
    return source


def write_variables(directory: Path, variables: dict[str, object]) -> None:
    """Write the variables of the inventory's hosts."""
    path = directory / "group_vars" / "all.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(variables, allow_unicode=True))


def equipment(provider: int, workstations: int) -> str:
    """The equipment.yml of a provider with so many workstations, at most 100."""
    rows = (
        _WORKSTATION.format(
            name=workstation_name(provider, index),
            unit=_UNITS[index % 2],
            mac=f"{provider >> 8:02x}:{provider & 255:02x}:{index:02x}",
            ip=f"10.{provider >> 8}.{provider & 255}.{index + 1}",
        )
        for index in range(workstations)
    )
    return "---\nworkstations:\n" + "".join(rows) if workstations else "---\nworkstations: []\n"


def workstation_name(provider: int, index: int) -> str:
    """What a workstation is called, which is its client's name too."""
    return f"VG{provider:04d}-PC{index:03d}"


def _person(provider: int, index: int, serial: int, systems: Sequence[str]) -> str:
    return _PERSON.format(
        number=_personnummer(serial),
        index=index,
        provider=provider,
        unit=_UNITS[index % 2],
        systems=", ".join(systems),
    )


def _personnummer(serial: int) -> str:
    day, rest = divmod(serial, _SERIALS_PER_DAY)
    digits = (_FIRST_BIRTHDAY + dt.timedelta(days=day)).strftime("%Y%m%d") + f"{rest + 1:03d}"
    return digits + _check_digit(digits[2:])


def _organisation_number(number: int) -> str:
    digits = f"5590{number:05d}"
    return digits + _check_digit(digits)


def _check_digit(digits: str) -> str:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if position % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
