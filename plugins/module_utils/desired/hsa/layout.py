# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a region's HSA directory is laid out: branches, names, and how attributes compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...engine import matching
from ...engine.plan import Attribute, Values

# The longest cn of HSA's attribute sheet (2014; X.520: ub-common-name), which names of several
# parts may exceed. What stands in records alone is short enough (records/model.py).
COMMON_NAME_LENGTH = 64


@dataclass(frozen=True)
class Layout:
    """The layout; its defaults are the national names (HSA schema 5.3).

    `renamed` maps national names of attributes and object classes to local ones. `lead_days` is
    how long before their first day people are entered. `system_roles` gives the hsaSystemRole
    value ("systemid;role") of a service. `feigned` marks everything as test data.
    """

    base_dn: str
    provider_branch: str
    people_branch: str
    hsa_id_prefix: str = "SE2321000214-HV"
    key_attribute: str = "halsovalKey"
    key_class: str = "halsovalObject"
    feigned: bool = False
    lead_days: int = 56
    public_indicator: str = "03"
    protected_name: str = "Skyddad person"
    renamed: Mapping[str, str] = field(default_factory=dict)
    system_roles: Mapping[str, str] = field(default_factory=dict)

    def name(self, national: str) -> str:
        """The local name of an attribute or object class."""
        return self.renamed.get(national, national)

    def local(self, attributes: Mapping[str, Values]) -> dict[str, Values]:
        """Attributes under their local names."""
        return {self.name(name): values for name, values in attributes.items()}

    def classes(self, *national: str) -> Values:
        """The local object classes of an entry of ours."""
        feigned = ("hsaFeignedDataObject",) if self.feigned else ()
        return (*map(self.name, (*national, *feigned)), self.key_class)


Search = tuple[str, str, Values]


def searches(layout: Layout) -> tuple[Search, ...]:
    """What to read of the directory: base, filter and attributes.

    It is everything that has an HSA-id, the region's own entries too: their ids are taken, and a
    person among them is used, not doubled.
    """
    names = tuple(attribute.name for attribute in schema(layout))
    return ((layout.base_dn, f"({layout.name('hsaIdentity')}=*)", names),)


def identity_searches(layout: Layout) -> tuple[Search, ...]:
    """The same entries, with what tells who and whose they are and which ids are taken."""
    names = (layout.key_attribute, *map(layout.name, (*_IDENTIFYING, "givenName", "sn")))
    return ((layout.base_dn, f"({layout.name('hsaIdentity')}=*)", names),)


def schema(layout: Layout) -> tuple[Attribute, ...]:
    """Every attribute that is read and written, under its local name.

    Classes and system roles that we never set are left alone: somebody else put them there. Ids,
    numbers and moments compare as a server does, all that people read as it is spelled.
    """
    table = (
        # An entry that was taken over may be more than what it is to us: provider and unit in one.
        Attribute("objectClass", ours=frozenset(map(layout.name, _PASSING_CLASSES))),
        Attribute("hsaIdentity"),
        Attribute("personalIdentityNumber", matching.numeric, secret=True),
        # A sole trader's organisation number is a personnummer.
        Attribute("orgNo", matching.numeric, secret=True),
        Attribute("hsaCommissionMember", grants="value", refers=True),
        Attribute("hsaResponsibleHealthCareProvider"),
        Attribute("hsaHealthCareUnitManager"),
        Attribute(
            "hsaSystemRole", shown=True, grants="entry",
            ours=frozenset(layout.system_roles.values()),
        ),
        Attribute("hsaTitle", shown=True, grants="entry"),
        Attribute("hsaCommissionRight", shown=True, grants="members"),
        Attribute("hsaDestinationIndicator", shown=True, grants="entry"),
        *(Attribute(name, matching.generalized_time) for name in ("startDate", "endDate")),
        *(
            Attribute(name, matching.telephone, shown=True)
            for name in ("telephoneNumber", "hsaTelephoneNumber", "mobile")
        ),
        *(Attribute(name, shown=True) for name in _TEXTS),
    )  # fmt: skip
    return (
        Attribute(layout.key_attribute, matching.exact),
        *(replace(attribute, name=layout.name(attribute.name)) for attribute in table),
    )


# Attributes that name other objects by HSA-id.
REFERENCES = (
    "hsaCommissionMember", "hsaHealthCareUnitManager", "hsaResponsibleHealthCareProvider",
)  # fmt: skip

_IDENTIFYING = ("objectClass", "hsaIdentity", "personalIdentityNumber", *REFERENCES)

# The classes that an entry of ours loses when they are true of it no more.
_PASSING_CLASSES = ("hsaArchivedObject", "hsaConfidentialPerson", "hsaFeignedDataObject")

_TEXTS = (
    "cn", "sn", "givenName", "middleName", "fullName", "title", "mail", "ou", "postalAddress",
    "hsaPostalAddress", "hsaVisitingAddress", "hsaDirectoryContact", "description", "surgeryHours",
    "businessClassificationCode", "careType", "management", "unitPrescriptionCode",
    "hsaCommissionPurpose",
)  # fmt: skip
