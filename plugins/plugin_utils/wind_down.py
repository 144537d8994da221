# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wind-down sheet of a provider: what people must settle, and what each step waits for.

It is for the office and the provider, so it is in Swedish; it names people by HSA-id alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import shown

# What no system tells, and nobody can settle without access (patient data act, ch. 3).
SETTLE = (
    "Osignerade anteckningar är signerade eller vidimerade",
    "Osedda svar (laboratorium, röntgen, konsultsvar) är bedömda och signerade",
    "Öppna remisser är avslutade, eller övertagna av en annan vårdenhet",
    "Inkorgen i 1177 är tömd, tidbokning och ärendetyper är stängda",
    "Bokade besök är genomförda, avbokade eller överlämnade",
    "Journalen är överlämnad: till vem, hur, och var patienten får veta det",
    "Patienterna är informerade, och omlistningen är beslutad",
)
# The steps of leaving in their order, by the system that takes them.
STEPS = {
    "hsa": "HSA: medarbetaruppdrag bort, sedan arkivering",
    "workstations": "Arbetsplatser: avregistreras",
    "licences": "Licenser: återlämnas",
    "siths": "SITHS-kort: spärras",
    "ad": "AD: konton stängs, karantän, borttagning",
    "citrix": "Citrix: regeln stängs, sessioner avslutas",
    "services": "Tjänster, telefoni och anslutningar: avslutas",
}
_SAID_ELSEWHERE = frozenset({"ended", "not_in_operation"})


class NoEnd(Exception):
    """A provider has no last day, so nothing of it is wound down."""


def sheet(
    provider: str, name: str, ends: dt.date | None, results: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The sheet's lines. Raises NoEnd.

    Without `results`, those of the provider by system, it says what people must settle; with them
    what each step waits for.
    """
    if ends is None:
        raise NoEnd(
            f"{provider}: expected an end date in the record (agreement.ends): offboard winds down "
            "who has one, and takes nothing from anybody else"
        )
    title = f"Avveckling av {shown(name)} ({provider}), sista dag {ends}"
    if not results:
        settle = (f"  [ ] {line}" for line in SETTLE)
        return [title, "Att reda ut av människor, helst före sista dagen:", *settle]
    waits = (line for system in STEPS if system in results for line in _step(system, results))
    return [title, "Vad stegen väntar på:", *(f"  {line}" for line in waits)]


def _step(system: str, results: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    own = results[system]
    waits = [
        f"{finding['code']} {finding['object']}: {finding['message']}"
        for finding in own.get("findings", ())
        if finding["code"] not in _SAID_ELSEWHERE
    ]
    errors = list(own.get("errors", ())) or ([own["msg"]] if own.get("failed") else [])
    yield f"{STEPS[system]}: {'inget' if not (waits or errors) else ''}".rstrip()
    yield from (f"  - {line}" for line in (*errors, *waits))
