# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approved provider record: the one definition of its fields.

The dataclasses here give the validator, the published JSON Schema and the field reference (the
controller's validation library reads the types and the ``metadata`` of each field) and the objects
that the pipe works on. Descriptions name the annex section ("annex 3.1.1") a field comes from.

What the data protection page forbids to store has no field: no home address, private mobile,
document number, photo, PIN, reason for leave or protection, or free text about people.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, lru_cache, partial
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from . import catalogue, identifiers


@dataclass(frozen=True)
class Checked:
    """Marks a type whose values go through a parse function of ``identifiers`` or ``catalogue``.

    The function sees the text after the type itself was checked, or the raw value where ``before``
    is set. The two hooks are what the controller's validation library looks for; both give plain
    dictionaries, so nothing of that library is imported here.
    """

    parse: Callable[[Any], Any]
    schema: tuple[tuple[str, Any], ...] = ()
    before: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        return {
            "type": "function-before" if self.before else "function-after",
            "function": {"type": "no-info", "function": self.parse},
            "schema": handler(source),
        }

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        # What the field itself asks for, a shorter text, wins.
        return {**dict(self.schema), **handler(core_schema)}


def _limited(most: int, why: str) -> Checked:
    """Text of at most so many characters, and why."""
    parse = partial(identifiers.parse_text, most=most, why=why)
    return Checked(parse, (("minLength", 1), ("maxLength", most)))


_PERSONAL_NUMBER = r"^[0-9]{8}[-+]?[0-9]{4}$"
_HSA_ID = r"^(SE|TST[A-Z0-9]*)[0-9]{10}-[A-Za-z0-9]{1,18}$"
_TEXT = (("minLength", 1), ("maxLength", identifiers.LONGEST_TEXT))
_TITLES = tuple(sorted(catalogue.LICENSED_PROFESSIONS))

Day = Annotated[dt.date, Checked(identifiers.parse_day, before=True)]
Text = Annotated[str, Checked(identifiers.parse_text, _TEXT)]
# The shortest that the systems take of what a record says, so that a line of a record is refused
# here and not an entry there. HSA's lengths are those of its attribute sheet (2014), AD's are
# rangeUpper in its schema, and tests hold all of them. What we compose of texts fits by that:
# displayName (256) of three names, a name as RDN in OpenLDAP (245 octets, å two, a comma three).
# ou of HSA, company and department of AD.
EntryName = Annotated[str, _limited(64, "HSA and AD take no more")]
# givenName and sn of both.
NamePart = Annotated[str, _limited(64, "HSA and AD take no more")]
# HSA's middleName; AD takes 64.
MiddleName = Annotated[str, _limited(40, "HSA takes no more")]
# HSA's title; AD takes 128.
Position = Annotated[str, _limited(64, "HSA takes no more")]
# A line of HSA's postalAddress (X.520: ub-postal-string); before the town stands "831 31 ".
AddressLine = Annotated[str, _limited(30, "HSA takes no more on a line")]
Town = Annotated[str, _limited(23, "HSA takes no more on a line after a postal code")]
HsaId = Annotated[str, Checked(identifiers.parse_hsa_id, (("pattern", _HSA_ID),))]
OrganisationNumber = Annotated[
    str,
    Checked(identifiers.parse_organisation_number, (("pattern", r"^[0-9]{6}-?[0-9]{4}$"),)),
]
Personnummer = Annotated[
    str, Checked(identifiers.parse_personnummer, (("pattern", _PERSONAL_NUMBER),))
]
Samordningsnummer = Annotated[
    str, Checked(identifiers.parse_samordningsnummer, (("pattern", _PERSONAL_NUMBER),))
]
PersonalNumber = Annotated[
    str, Checked(identifiers.parse_personal_number, (("pattern", _PERSONAL_NUMBER),))
]
OpeningHours = Annotated[
    str, Checked(identifiers.parse_opening_hours, (("pattern", identifiers.OPENING_HOURS),))
]
ProviderId = Annotated[
    str, Checked(identifiers.parse_provider_id, (("not", {"enum": identifiers.RESERVED_IDS}),))
]
Right = Annotated[str, Checked(identifiers.parse_right, (("pattern", identifiers.RIGHT),))]
ServiceKey = Annotated[
    str, Checked(catalogue.parse_service, (("enum", tuple(sorted(catalogue.SERVICES))),))
]
Title = Annotated[str, Checked(catalogue.parse_licence, (("enum", _TITLES),))]
Purpose = Annotated[
    str, Checked(catalogue.parse_purpose, (("enum", catalogue.COMMISSION_PURPOSES),))
]
Attendant = Literal["telefonist", "teleadministration", "teknik_och_kundtjanst"]

ID = r"^[a-z][a-z0-9-]{0,38}[a-z0-9]$"
COMPUTER = r"^[A-Za-z0-9][A-Za-z0-9-]{0,14}$"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
# RFC 5321 without quoted names, addresses for domains, and letters beyond ASCII (RFC 6531).
MAIL = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$"
PHONE = r"^\+?[0-9][0-9 ()-]{1,29}[0-9]$"
# What a Citrix client tells as its name (readme of the Workspace app): at most 20 characters, the
# rest is cut; none of `"/[]:;|=\\,+*?<>.` or space. Beyond ASCII nobody says how names compare.
CLIENT_NAME = r"^[A-Za-z0-9_!#$%&'()@^`{}~-]{1,20}$"
# PrintableString (RFC 4517 section 3.3.29), the syntax of serialNumber in a directory.
PRINTABLE = r"^[A-Za-z0-9'()+,./:=?-]([A-Za-z0-9'()+,./:=? -]*[A-Za-z0-9'()+,./:=?-])?$"
MAC = r"^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"^({_BYTE}\.){{3}}{_BYTE}$"
PEPPOL = r"^[0-9]{4}:[A-Za-z0-9]{1,50}$"
POSTAL_CODE = r"^[0-9]{3} ?[0-9]{2}$"


def _field(
    description: str,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    personal: bool = False,
    key: str | None = None,
    **constraints: Any,
) -> Any:
    """A field of a record, optional where it has a default.

    `personal` keeps the value out of the object's repr, and so out of tracebacks; `key` is its
    name in the file where Python reserves that word.
    """
    alias = {} if key is None else {"alias": key}
    # It is called from the bodies of dataclasses only, which pylint cannot see.
    return field(  # pylint: disable=invalid-field-call
        default=default,
        default_factory=default_factory,
        repr=not personal,
        metadata={"description": description, **alias, **constraints},
    )


_T = TypeVar("_T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(_field,))
def _model(cls: type[_T]) -> type[_T]:
    """A frozen dataclass that takes its own fields only."""
    made = dataclass(frozen=True, kw_only=True, slots=True)(cls)
    made.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return made


# --- agreement.yml: the region's part -----------------------------------------------------------


@_model
class SupplementaryAgreement:
    """A supplementary agreement about one service (annex 2.6, 3.1.2)."""

    service: ServiceKey = _field("Service the agreement is about.")
    signed: Day = _field("Day both parties had signed.")
    requested: Day | None = _field(
        "Day the region requested the service, where that came after the annex (annex 2.6).",
        default=None,
    )


@_model
class Agreement:
    """The signings that decide what phase the provider is in (annex 2.5, 3.8, 3.9)."""

    number: Text = _field("The region's number of the agreement.", max_length=64)
    contract_signed: Day | None = _field(
        "Contract signed at the approval; opens establishment (annex 3.8).", default=None
    )
    connection_agreement_signed: Day | None = _field(
        "Connection agreement for IT services signed (annex 2.5).", default=None
    )
    final_agreement_signed: Day | None = _field(
        "Final agreement signed at the approved final verification (annex 3.9).", default=None
    )
    operation_start: Day | None = _field("First day of operation.", default=None)
    ends: Day | None = _field("Last day of operation, to 24:00 Europe/Stockholm.", default=None)
    supplementary: tuple[SupplementaryAgreement, ...] = _field(
        "Supplementary agreements (annex 2.6).", default=()
    )


@_model
class Sjunet:
    """Connection to Sjunet, at the provider's own cost by agreement with Inera (annex 2.4)."""

    agreement: Day | None = _field("Day the agreement with Inera was signed.", default=None)
    connected: Day | None = _field("Day the connection was in use.", default=None)


@_model
class SelfDeclaration:
    """The provider's account of its own IT infrastructure (annex 3.7)."""

    submitted: Day | None = _field("Day the provider handed it in.", default=None)
    reviewed: Day | None = _field("Day the region had reviewed it.", default=None)


@_model
class Must:
    """A measure that the final verification said must be taken (annex 3.9)."""

    code: Text = _field("The region's code of the measure.", max_length=32)
    resolved: Day | None = _field("Day it was resolved; open until then.", default=None)


@_model
class FinalVerification:
    """The region's inspection before operation (annex 3.9)."""

    date: Day = _field("Day of the verification.")
    outcome: Literal["approved", "not_approved"] = _field("Outcome.")
    musts: tuple[Must, ...] = _field("Measures that must be taken.", default=())
    recommendations: tuple[Text, ...] = _field(
        "Codes of the measures that ought to be taken.", default=()
    )


@_model
class Inspection:
    """An inspection on site by protocol (annex 3.4, 3.5)."""

    date: Day = _field("Day of the inspection.")
    protocol: Text = _field("Number of the protocol.", max_length=64)
    deviations: tuple[Text, ...] = _field("Codes of the deviations found.", default=())
    due: Day | None = _field("Day by which the deviations must be mended.", default=None)


@_model
class Contact:
    """A contact in the provider's organisation or at its suppliers (annex 2.2); work details."""

    name: Text = _field("Name of the person or function.")
    phone: str | None = _field("Telephone at work.", default=None, pattern=PHONE)
    mail: str | None = _field("E-mail address at work.", default=None, pattern=MAIL, max_length=254)
    hsa_id: HsaId | None = _field("HSA-id, where the contact has one.", default=None)


@_model
class Contacts:
    """Who to turn to (annex 2.2, 3.10, 4.3.2)."""

    signatories: tuple[Contact, ...] = _field("Who signs for the provider.", default=())
    it: tuple[Contact, ...] = _field("IT matters.", default=())
    it_supplier: tuple[Contact, ...] = _field(
        "The provider's own IT supplier (annex 1.4).", default=()
    )
    incident_24h: tuple[Contact, ...] = _field("Security incidents, day and night.", default=())
    hsa: tuple[Contact, ...] = _field("HSA matters.", default=())
    telephony_local: tuple[Contact, ...] = _field(
        "Local contact for the switchboard attendant service (annex 4.3.2).", default=()
    )
    authorised_orderers: tuple[Contact, ...] = _field(
        "Who may order for the provider's staff.", default=()
    )


@_model
class Invoice:
    """Where invoices go."""

    reference: Text = _field("Invoice reference.", max_length=64)
    peppol: str | None = _field("Peppol id, 0007:<10 digits>.", default=None, pattern=PEPPOL)


@_model
class Address:
    """A postal or visiting address of the provider or a unit; never of a person."""

    lines: tuple[AddressLine, ...] = _field(
        "Street address or box, one to four lines.", min_length=1, max_length=4
    )
    postal_code: str = _field("Postal code.", pattern=POSTAL_CODE)
    city: Town = _field("Town.")


@_model
class Unit:
    """A care unit (vårdenhet): the level that access to patient data works on."""

    id: str = _field(
        "Stable id of the unit inside the record; names may change, this may not.", pattern=ID
    )
    name: EntryName = _field("Name as published.")
    hsa_id: HsaId | None = _field("Existing HSA-id that the unit takes over.", default=None)
    halsoval: bool = _field(
        "Whether the unit does Hälsoval work; others may not use the services (annex 2.3).",
        default=True,
    )
    closes: Day | None = _field("Last day of the unit, to 24:00 Europe/Stockholm.", default=None)
    head_of_operations: Contact | None = _field(
        "Head of operations (verksamhetschef).", default=None
    )
    address: Address | None = _field("Postal address.", default=None)
    visiting_address: Address | None = _field("Visiting address.", default=None)
    phone: str | None = _field("Public telephone number.", default=None, pattern=PHONE)
    internal_phone: str | None = _field(
        "Telephone number that is not public.", default=None, pattern=PHONE
    )
    mail: str | None = _field(
        "E-mail address of the unit.", default=None, pattern=MAIL, max_length=254
    )
    opening_hours: tuple[OpeningHours, ...] = _field(
        "Opening hours as in HSA: days#from#to, 1-5#08:00#17:00.", default=()
    )
    classification: tuple[Text, ...] = _field(
        "Business classification codes (1.2.752.129.2.2.1.3), 1502 = allmänmedicin.", default=()
    )
    care_type: tuple[Text, ...] = _field("Care type codes (1.2.752.129.2.2.1.13).", default=())
    management: tuple[Text, ...] = _field("Management codes (1.2.752.129.2.2.1.14).", default=())
    workplace_code: Text | None = _field(
        "Workplace code (arbetsplatskod) for prescriptions.", default=None, max_length=32
    )
    listed_patients: int | None = _field(
        "Listed patients; the basis of some prices (annex 3.1.1).", default=None, ge=0
    )
    public_from: Day | None = _field(
        "First day the unit is shown on 1177; never before it opens.", default=None
    )


@_model
class Extension:
    """A telephone extension (annex 4.3.1)."""

    id: str = _field("Stable id of the extension inside the record; orders go by it.", pattern=ID)
    kind: Literal["fixed_ip", "mobile_1gb", "mobile_5gb"] = _field(
        "Kind, as in the annex's price table."
    )
    unit: str = _field("Id of the unit.", pattern=ID)
    number: str | None = _field("Number, once it is given.", default=None, pattern=PHONE)
    ends: Day | None = _field("Last day of the extension, to 24:00.", default=None)


@_model
class TelephonyEquipment:
    """Telephones and accessories (annex 4.3.3)."""

    id: str = _field("Stable id of the line inside the record; orders go by it.", pattern=ID)
    model: Text = _field("Model in the region's assortment.", max_length=64)
    unit: str = _field("Id of the unit.", pattern=ID)
    count: int = _field("How many.", default=1, ge=1)


@_model
class Ace:
    """The ACE telephone platform, also called ACE/Trio, TrioAgent and CallGuide (annex 4.4)."""

    ordered: Day = _field("Day of the order.")
    agents: int = _field("Number of agents.", ge=1)
    cooperation: tuple[Text, ...] = _field("Units or centres that share resources.", default=())


@_model
class Telephony:
    """Telephony (annex 4)."""

    measurement_system: Text = _field(
        "System for the mandatory call measurement (annex 4.1).", max_length=64
    )
    extensions: tuple[Extension, ...] = _field(
        "Extensions in the switchboard (annex 4.3.1).", default=()
    )
    attendant: tuple[Attendant, ...] = _field(
        "Parts of the switchboard attendant service (annex 4.3.2).", default=()
    )
    equipment: tuple[TelephonyEquipment, ...] = _field("Equipment (annex 4.3.3).", default=())
    ace: Ace | None = _field("ACE platform (annex 4.4).", default=None)


@_model
class Termination:
    """A service that the provider, not yet at its end, leaves."""

    service: ServiceKey = _field("Service of the catalogue.")
    last_day: Day = _field("Last day of the service, to 24:00.")


@_model
class Training:
    """An introduction course (annex 3.6); how many take part, not who."""

    system: ServiceKey = _field("Service the course is about.")
    environment: Literal["training", "test", "production"] = _field(
        "Environment.", default="training"
    )
    date: Day = _field("Day of the course.")
    count: int = _field("Number of participants.", ge=1)


@_model
class Trial:
    """Training and tests before operation; never patient data (annex 3.6, 3.8)."""

    people: tuple[Text, ...] = _field("People, by their ref in staff.yml.", default=())
    workstations: tuple[Text, ...] = _field("Workstations, by name.", default=())
    systems: tuple[ServiceKey, ...] = _field("Services that may be tried.", min_length=1)
    from_: Day = _field("First day.", key="from")
    to: Day = _field("Last day, to 24:00.")
    approved_by: HsaId = _field("Who at the region approved it (HSA-id).")


@_model
class SharedAccess:
    """Workstations that the staff of others may use, as in joint on-call (annex 3.1.2)."""

    providers: tuple[Text, ...] = _field("Providers whose staff may use them, by id.", min_length=1)
    workstations: tuple[Text, ...] = _field("Workstations, by name.", min_length=1)
    from_: Day = _field("First day.", key="from")
    to: Day = _field("Last day, to 24:00.")
    agreement: Text = _field("Number of the agreement about it.", max_length=64)


@_model
class AgreementPart:
    """agreement.yml: what the region and the provider have agreed. Owned by the region."""

    id: ProviderId = _field(
        "Stable id: the folder's name and the host's name in the inventory.", pattern=ID
    )
    name: EntryName = _field("Name of the provider.")
    organisation_number: OrganisationNumber = _field(
        "Organisationsnummer; a sole trader's is a personnummer and is masked.", personal=True
    )
    hsa_id: HsaId | None = _field("Existing HSA-id that the provider takes over.", default=None)
    agreement: Agreement = _field("Signings and dates.")
    sjunet: Sjunet = _field("Connection to Sjunet (annex 2.4).", default_factory=Sjunet)
    self_declaration: SelfDeclaration = _field(
        "Self-declaration (annex 3.7).", default_factory=SelfDeclaration
    )
    attestations_reviewed: Day | None = _field(
        "Day the region had reviewed that the workstations' antivirus and security updates are "
        "attested (annex 3.4).",
        default=None,
    )
    final_verification: FinalVerification | None = _field(
        "Final verification (annex 3.9).", default=None
    )
    inspections: tuple[Inspection, ...] = _field("Inspections (annex 3.4, 3.5).", default=())
    contacts: Contacts = _field("Contacts (annex 2.2).", default_factory=Contacts)
    invoice: Invoice | None = _field("Invoicing.", default=None)
    services: tuple[ServiceKey, ...] = _field(
        "Services of the catalogue, mandatory and optional ones.", min_length=1
    )
    terminated: tuple[Termination, ...] = _field(
        "Services that the provider leaves before its own end.", default=()
    )
    workstation_groups: int = _field(
        "Groups of up to ten registered workstations (annex 2.8).", default=0, ge=0
    )
    units: tuple[Unit, ...] = _field("Care units.", min_length=1)
    telephony: Telephony | None = _field("Telephony (annex 4).", default=None)
    training: tuple[Training, ...] = _field("Introduction courses (annex 3.6).", default=())
    trial: tuple[Trial, ...] = _field("Approved trials in establishment.", default=())
    shared_access: tuple[SharedAccess, ...] = _field(
        "Workstations that the staff of other providers may use.", default=()
    )


# --- staff.yml: personal data, encrypted ---------------------------------------------------------


@_model
class Licence:
    """A licensed profession."""

    title: Title = _field("Profession in clear text, as in HSA's hsaTitle.")
    confirmed: Day | None = _field(
        "Day the licence was confirmed in HOSP; published from then.", default=None
    )


@_model
class Period:
    """Days from and to, both included; open where `to` is left out."""

    from_: Day = _field("First day.", key="from")
    to: Day | None = _field("Last day, to 24:00.", default=None)


@_model
class Assignment:
    """What a person does at a unit, and what the head of operations decided that it gives."""

    unit: str = _field("Id of the unit.", pattern=ID)
    kind: Literal["employed", "temporary", "consultant"] = _field("Kind of assignment.")
    halsoval: bool = _field("Whether it is Hälsoval work (annex 2.3).", default=True)
    purpose: Purpose | None = _field(
        "Purpose of the commission; without one there is no patient data.", default=None
    )
    rights: tuple[Right, ...] = _field(
        "Rights of the commission: activity;information type;scope.", default=()
    )
    systems: tuple[ServiceKey, ...] = _field(
        "Services the person uses in this assignment.", default=()
    )
    decided_by: Text | None = _field(
        "Who decided on the commission: the head of operations (HSA-id or name).", default=None
    )
    decided: Day | None = _field("Day of the decision.", default=None)
    from_: Day = _field("First day.", key="from")
    to: Day | None = _field("Last day, to 24:00 Europe/Stockholm.", default=None)
    suspended: Period | None = _field("Period without access; no reason is stored.", default=None)


@_model
class CardWish:
    """A SITHS card that the person is to have (annex 3.1.2, 3.3)."""

    kind: Literal["ordinary", "reserve", "mobile"] = _field("Kind of card.", default="ordinary")
    loa: Literal[2, 3] = _field("Level of assurance.", default=3)
    office: Text | None = _field("Card office where it is activated.", default=None, max_length=64)
    photo: bool = _field("Whether the card carries a photo.", default=True)
    takes_over: Text | None = _field(
        "Number of a card from another employer that the person keeps.",
        default=None,
        max_length=32,
    )
    lost: Day | None = _field(
        "Day the card was lost: it is revoked at once and replaced.", default=None
    )
    returned: Day | None = _field(
        "Day the card was handed back or cut: it is revoked and not replaced.", default=None
    )
    anew: Day | None = _field(
        "Day another card was asked for: after a refusal, one that was never collected, a changed "
        "name or damage.",
        default=None,
    )


@_model
class Person:
    """A person who works for the provider. Exactly one of the two numbers is given."""

    ref: str | None = _field(
        "Short name of the row, for references and messages; not personal.",
        default=None,
        pattern=ID,
    )
    personnummer: Personnummer | None = _field(
        "Personnummer, 12 digits.", default=None, personal=True
    )
    samordningsnummer: Samordningsnummer | None = _field(
        "Samordningsnummer, 12 digits; month 00 and day 60 where they are not known.",
        default=None,
        personal=True,
    )
    previous_numbers: tuple[PersonalNumber, ...] = _field(
        "Earlier numbers of the same person.", default=(), personal=True
    )
    hsa_id: HsaId | None = _field("HSA-id the person already has.", default=None)
    given_name: NamePart = _field("Given name.", personal=True)
    middle_name: MiddleName | None = _field("Middle name.", default=None, personal=True)
    surname: NamePart = _field("Surname.", personal=True)
    position: Position | None = _field(
        "Position at the provider, as shown in the directory.", default=None
    )
    licences: tuple[Licence, ...] = _field("Licensed professions.", default=())
    prescriber_code: Text | None = _field("Prescriber code.", default=None, max_length=16)
    protected: bool = _field(
        "Protected identity: published with the least possible.", default=False
    )
    mail: str | None = _field(
        "E-mail address at work.", default=None, personal=True, pattern=MAIL, max_length=254
    )
    phone: str | None = _field("Telephone at work.", default=None, personal=True, pattern=PHONE)
    assignments: tuple[Assignment, ...] = _field("Assignments.", min_length=1)
    cards: tuple[CardWish, ...] = _field("SITHS cards.", default=())
    administers: tuple[ServiceKey, ...] = _field(
        "Services the person administers for the provider (annex 2.2).", default=()
    )

    @property
    def number(self) -> str:
        """The person's number today, 12 digits."""
        number = self.personnummer or self.samordningsnummer
        if number is None:
            raise ValueError("expected either personnummer or samordningsnummer")
        return number

    def label(self, index: int) -> str:
        """What findings call the row at this place of the staff: its own ids, or the place."""
        return self.ref or self.hsa_id or f"people[{index}]"

    @property
    def numbers(self) -> tuple[str, ...]:
        """The number today and the previous ones."""
        return (self.number, *self.previous_numbers)


@_model
class StaffPart:
    """staff.yml: the people. Personal data: keep it vault-encrypted."""

    people: tuple[Person, ...] = _field("People who work for the provider.")


# --- equipment.yml -------------------------------------------------------------------------------


@_model
class Workstation:
    """A registered workstation (annex 2.4, 3.1.1)."""

    name: str = _field("Computer name (NetBIOS).", pattern=COMPUTER)
    client_name: str | None = _field(
        "Name that its Citrix client gives, where that is not the computer name.",
        default=None,
        pattern=CLIENT_NAME,
    )
    unit: str = _field("Id of the unit.", pattern=ID)
    place: Literal["site", "mobile"] = _field(
        "Fixed at the unit's site, or mobile.", default="site"
    )
    admitted_by: Literal["client_name", "address", "none"] = _field(
        "What Citrix admits it by: the name that the installed Workspace app gives, its address "
        "(a browser or a mobile client has no stable name), or not at all.",
        default="client_name",
    )
    halsoval: bool = _field("Whether it is used for Hälsoval work (annex 2.3).", default=True)
    serial: str | None = _field("Serial number.", default=None, pattern=PRINTABLE, max_length=64)
    mac: str | None = _field("MAC address.", default=None, pattern=MAC)
    ip: str | None = _field("Address on Sjunet (IPv4).", default=None, pattern=IPV4)
    os: Text | None = _field("Operating system.", default=None, max_length=64)
    antivirus: Text | None = _field("Antivirus program (annex 3.4).", default=None, max_length=64)
    attested: Day | None = _field(
        "Day its antivirus and its security updates were attested (annex 3.4).", default=None
    )
    replaces: str | None = _field(
        "Name of the workstation it replaces, which leaves as this one comes.",
        default=None,
        pattern=COMPUTER,
    )
    from_: Day | None = _field("First day.", default=None, key="from")
    to: Day | None = _field("Last day, to 24:00.", default=None)
    licences_free: Literal["failed", "absent"] | None = _field(
        "Why its licences may go to another at once: it failed for good, or is absent for a time. "
        "Else 90 days after its last day.",
        default=None,
    )


@_model
class Peripheral:
    """A printer or other equipment, chosen in consultation with the region (annex 3.5)."""

    kind: Literal["printer", "scanner", "card_reader", "other"] = _field("Kind.")
    model: Text = _field("Model.", max_length=64)
    unit: str = _field("Id of the unit.", pattern=ID)
    consulted: Day | None = _field("Day the region was consulted.", default=None)


@_model
class EquipmentPart:
    """equipment.yml: workstations and peripherals."""

    workstations: tuple[Workstation, ...] = _field("Registered workstations.", default=())
    peripherals: tuple[Peripheral, ...] = _field("Printers and other equipment.", default=())


# --- the record ----------------------------------------------------------------------------------


@_model
class Record:
    """An approved provider record: its three parts, each a file of that name."""

    agreement: AgreementPart
    staff: StaffPart
    equipment: EquipmentPart

    @property
    def id(self) -> str:
        """The provider's id."""
        return self.agreement.id


PARTS: dict[str, type] = {
    "agreement": AgreementPart,
    "staff": StaffPart,
    "equipment": EquipmentPart,
}


def from_json(kind: Callable[..., _T], data: dict[str, Any]) -> _T:
    """A validated record from its JSON form: dates as ISO text, lists for tuples, aliases as keys.

    Only shapes are rebuilt; the controller has validated the values.
    """
    return kind(**{name: build(data[key]) for name, key, build in _builders(kind) if key in data})


@cache
def _builders(kind: Any) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (f.name, f.metadata.get("alias", f.name), _builder(hints[f.name])) for f in fields(kind)
    )


def _builder(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) is tuple:
        one = _builder(get_args(hint)[0])
        return lambda values: tuple(map(one, values))
    if get_origin(hint) in (Union, UnionType):
        one = _builder(next(kind for kind in get_args(hint) if kind is not NoneType))
        return lambda value: None if value is None else one(value)
    if hint is dt.date:
        return _day
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(from_json, hint)
    # Most texts are those of others too: one of each is enough.
    return lambda value: sys.intern(value) if isinstance(value, str) else value


@lru_cache(maxsize=4096)
def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)
