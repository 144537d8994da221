# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small valid record to change, one fault at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Record,
    from_json,
)

Change = dict[tuple[str | int, ...], Any]
Make = Callable[..., Record]

VALID: dict[str, Any] = {
    "agreement": {
        "id": "exempel",
        "name": "Exempelvården AB",
        "organisation_number": "5520000018",
        "agreement": {
            "number": "HV-1",
            "contract_signed": "2023-02-10",
            "connection_agreement_signed": "2023-02-10",
            "final_agreement_signed": "2023-08-28",
            "operation_start": "2023-09-04",
        },
        "sjunet": {"agreement": "2023-03-01", "connected": "2023-06-12"},
        "self_declaration": {"submitted": "2023-05-15", "reviewed": "2023-06-30"},
        "attestations_reviewed": "2023-08-15",
        "training": [
            {"system": "vardutbud_bas", "date": "2023-08-14", "count": 9},
            {"system": "vardutbud_bas", "date": "2026-04-01", "count": 2},
        ],
        "final_verification": {
            "date": "2023-08-22",
            "outcome": "approved",
            "musts": [{"code": "M-1", "resolved": "2023-08-24"}],
        },
        "services": ["vardutbud_bas", "stodapplikationer", "vardadministrativt_system"],
        "workstation_groups": 1,
        "units": [{"id": "norr", "name": "Norr"}, {"id": "soder", "name": "Söder"}],
    },
    "staff": {
        "people": [
            {
                "ref": "doctor",
                "personnummer": "188703121015",
                "given_name": "Birger",
                "surname": "Lavskrika",
                "licences": [{"title": "Läkare", "confirmed": "2023-08-15"}],
                "assignments": [
                    {
                        "unit": "norr",
                        "kind": "employed",
                        "purpose": "Vård och behandling",
                        "rights": ["Läsa;alla;SJF"],
                        "systems": ["vardadministrativt_system", "pascal"],
                        "decided_by": "Birger Lavskrika",
                        "decided": "2023-08-29",
                        "from": "2023-09-04",
                    }
                ],
                "cards": [{"loa": 3}],
            },
            {
                "personnummer": "189111052024",
                "given_name": "Sigrid",
                "surname": "Hjortronmyr",
                "assignments": [{"unit": "soder", "kind": "employed", "from": "2023-09-04"}],
            },
        ]
    },
    "equipment": {
        "workstations": [{"name": "PC-1", "unit": "norr"}, {"name": "PC-2", "unit": "soder"}]
    },
}

# What a second provider has of its own.
OTHER: Change = {
    ("agreement", "id"): "annan",
    ("agreement", "organisation_number"): "5520000026",
    ("staff", "people", 0, "personnummer"): "189506233031",
    ("staff", "people", 1, "personnummer"): "189902142380",
    ("equipment", "workstations", 0, "name"): "PC-3",
    ("equipment", "workstations", 1, "name"): "PC-4",
}


@pytest.fixture
def make() -> Make:
    """Makes the valid record, with values put at paths (None takes the field away)."""
    return lambda changes=None: from_json(Record, changed(VALID, changes or {}))


@pytest.fixture
def make_other() -> Make:
    """Makes a second valid record, which shares nothing with the first."""
    return lambda changes=None: from_json(Record, changed(VALID, OTHER | (changes or {})))


def changed(data: dict[str, Any], changes: Change) -> dict[str, Any]:
    """A copy of the data with other values at the paths; one past a list's end appends."""
    result = copy.deepcopy(data)
    for (*way, last), value in changes.items():
        place: Any = result
        for step in way:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
        if value is None:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(copy.deepcopy(value))
        else:
            place[last] = copy.deepcopy(value)
    return result
