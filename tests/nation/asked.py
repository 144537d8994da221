# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller of the national contracts asks, and what the judge is told beside the directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

CARE_AND_TREATMENT = "Vård och behandling"


@dataclass(frozen=True)
class Names:
    """Names of classes as the lab has them; compared without case."""

    organization: str = "organization"
    unit: str = "organizationalUnit"
    person: str = "person"
    commission: str = "hsaCommission"
    provider: str = "hsaHealthCareProvider"
    care_unit: str = "hsaHealthCareUnit"
    protected: str = "hsaConfidentialPerson"
    # O5 has hsaFeignedObject, A2 and E4 have this (part 3).
    feigned: str = "hsaFeignedDataObject"
    # An attribute: part 2 has SWEREF99's old one-value form and not its name.
    sweref: str = "sweref99"


@dataclass(frozen=True)
class Asked:
    """The day, tables and forms in force.

    Tables say the text of each code. Municipalities are by county and municipality (`2380`): the
    two digits that HSA holds are not unique. An empty value set is not known: nothing is left out
    for it.
    """

    day: dt.date
    counties: Mapping[str, str]
    municipalities: Mapping[str, str]
    classifications: Mapping[str, str]
    pa_titles: Mapping[str, str]
    purposes: frozenset[str]
    titles: frozenset[str] = frozenset()
    rights: frozenset[str] = frozenset()
    managements: frozenset[str] = frozenset()
    care_types: frozenset[str] = frozenset({"01", "02", "03"})
    business_types: frozenset[str] = frozenset({"01", "02", "03"})
    occupations: frozenset[str] = frozenset({"VT", "AL", "TE", "AE", "RE", "LF", "AD"})
    # `title` of a doctor, licensed or not: the page does not say how Pascal tells a doctor.
    doctors: frozenset[str] = frozenset()
    # Part 3, in two readings: orgNo by H or by G, members by H and V or by G.
    hyphen: bool = True
    dated_members: bool = True
    feigned: bool = False
    names: Names = field(default_factory=Names)
