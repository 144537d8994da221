# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The night as a page in Swedish, and as JSON (docs/schema/night.schema.json)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..records.words import NAMED
from .found import KEEPS_FROM_WORK, Found, Night
from .words import in_swedish

_SYSTEMS = {"siths": "SITHS-kort", "services": "tjänster", "workstations": "arbetsplatser",
            "licences": "licenser", "citrix": "Citrix", "sightings": "anslutningar",
            "registers": "folkbokföring och HOSP", "hsa": "HSA", "ad": "AD",
            "records": "uppgifter", "": ""}  # fmt: skip
_QUOTED = frozenset({"invalid_record", "not_checked", "refused"})
_STATES = {"checked": "kontrollerat", "partly": "delvis", "not_checked": "EJ KONTROLLERAT"}


def as_page(night: Night) -> str:
    """A page for people: first who cannot work today and why, then what else to look at."""
    keeps = [one for one in night.found if one.name in KEEPS_FROM_WORK]
    others = (one for one in night.found if one.name not in KEEPS_FROM_WORK)
    rest = [one for one in others if one.severity != "info"]
    counted = Counter(one.name for one in night.of_severity("info"))
    lines = [
        f"Hälsoval: natten till {night.as_of.isoformat()}",
        f"{len(night.phases)} vårdgivare, {len(night.invalid)} med fel i sina uppgifter",
        "",
        "Vem kan inte arbeta i dag, och varför",
        *(_listed(keeps) or ["  Ingen känd."]),
        "",
        "Att se över",
        *(_listed(rest) or ["  Inget."]),
        "",
        "Kontrollerat",
        *(
            f"  {_SYSTEMS.get(one.system, one.system)}: {_STATES[one.state]}, "
            f"{one.changes} ändringar" + (f" – {_line(one.message)}" if one.message else "")
            for one in night.systems
        ),
        *(f"  {in_swedish(name)}: {number}" for name, number in sorted(counted.items())),
        "",
    ]
    return "\n".join(lines)


def as_json(night: Night) -> dict[str, Any]:
    """The night as data."""
    return {
        "schema": 1,
        "as_of": night.as_of.isoformat(),
        "run": night.run,
        "providers": dict(night.phases),
        "invalid": sorted(night.invalid),
        "systems": [
            {
                "system": one.system,
                "state": one.state,
                "message": one.message,
                "changes": one.changes,
            }
            for one in night.systems
        ],
        "findings": [finding(one) for one in night.found],
    }


def finding(one: Found) -> dict[str, Any]:
    """A finding as data."""
    return {
        "name": one.name,
        "severity": one.severity,
        "system": one.system,
        "provider": one.provider,
        "object": one.object,
        "message": one.message,
        "since": one.since.isoformat() if one.since else None,
        "nights": one.nights,
    }


def _listed(found: Sequence[Found]) -> list[str]:
    """The gravest first, those of one name together; of many some."""
    graded = sorted(found, key=lambda one: (one.severity != "high", one.name, one.provider))
    return [line for name, ones in _by_name(graded).items() for line in _of_name(name, ones)]


def _by_name(found: Iterable[Found]) -> Mapping[str, list[Found]]:
    together: dict[str, list[Found]] = {}
    for one in found:
        together.setdefault(one.name, []).append(one)
    return together


def _of_name(name: str, found: Sequence[Found]) -> Iterator[str]:
    mark = "!" if any(one.severity == "high" for one in found) else " "
    yield f"{mark} {in_swedish(name)} ({name}): {len(found)}"
    for one in found[:NAMED]:
        where = ", ".join(filter(None, (one.provider, one.object)))
        nights = f" [{one.nights} nätter]" if one.nights > 1 else ""
        # The reason why something was not done is nobody's to translate.
        why = f": {_line(one.message)}" if one.name in _QUOTED else ""
        yield f"    {where or _SYSTEMS.get(one.system, one.system)}{nights}{why}"
    if len(found) > NAMED:
        yield f"    och {len(found) - NAMED} till (alla står i JSON-filen)"


def _line(message: str) -> str:
    return " ".join(message.split())
