# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The annex's tables of services and prices, row by row.

Source: Region Jämtland Härjedalen, Hälsoval, Bilaga 2 IT- och telefonitjänster: every row of 2.7,
2.8, 3.1.1 (both tables), 3.1.2, 3.3, 4.2, 4.3.1 and 4.4. Section 3.2 has no row: there are no
optional IT services today. `catalogue` holds the look-ups.

The annex does not say how each system gives its users their rights, only that the region does it
for some and the provider's own administrators for others (3.1.1). `provisioning` and `recipient`
are therefore starting values, to be settled with the region's system owners.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Precondition = Literal[
    "inera_agreement",  # the provider's own customer agreement and subscription at Inera
    "telia_agreement",  # the provider's own agreement with Telia, under the region's (annex 4.3)
    "supplier_agreement",  # an agreement with the supplier, direct or via the region (4.2, 4.4)
    "supplementary_agreement",  # an agreement of its own with the region (annex 2.6, 3.1.2)
    # Of a service that came after the annex: the region's request, beside that agreement (2.6).
    "request",
    "commission",  # a commission "Vård och behandling" of the person
    "card",  # a SITHS card of the person
    "card_loa3",  # a SITHS card on level 3
    "own_mail",  # an e-mail address of the person's own, outside the region
    "local_contact",  # a contact at the provider for the attendant service (annex 4.3.2)
]
Recipient = Literal[
    "systemforvaltning",  # the region's system owner of the service
    "ra_organisation",  # the region's RA organisation
    "provider",  # the provider's own administrators
    "inera",
    "telia",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What a service costs: SEK without VAT, per `per`, from `valid_from` to `valid_to` included.

    Where the annex names no dates, `valid_from` is the first day of the year that it applies to
    and `valid_to` is None. Outside them there is no price, never an extrapolated one.
    """

    amount: Decimal
    per: Literal["group_month", "unit_year", "listed_patient_year", "extension_month"]
    valid_from: date
    valid_to: date | None = None
    approximate: bool = False
    billed_by: Literal["region", "supplier"] = "region"


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A row of the annex.

    `package` is the row that it is part of; `comes` says whether it comes with that package, with
    every connection, or only where the record orders it by name. `comment` is the annex's own.
    """

    key: str
    name: str
    section: str
    comment: str
    obligation: Literal["obligatory", "offered", "optional"]
    provisioning: Literal[
        "ad_group",
        "hsa_system_role",
        "region_order",
        "provider_administrators",
        "national_connection",
        "directory",
        "cards",
        "citrix",
        "supplier_order",
        "none",
    ]
    package: str | None = None
    comes: Literal["with_package", "with_connection", "by_name"] = "with_package"
    aliases: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    preconditions: tuple[Precondition, ...] = ()
    recipient: Recipient | None = None
    read_only: bool = False
    debit: Literal[
        "none",
        "included",
        "workstation_group",
        "unit",
        "listed_patient",
        "extension",
        "agreement",
    ] = "included"
    prices: tuple[Price, ...] = ()
    extra_costs: tuple[str, ...] = ()


_2022 = date(2022, 1, 1)
_END_OF_2022 = date(2022, 12, 31)


def _extension_price(amount: int) -> tuple[Price, ...]:
    # "ca-priser", recalculated each quarter and billed by the supplier (annex 4.3.1).
    return (
        Price(amount=Decimal(amount), per="extension_month", valid_from=_2022,
              approximate=True, billed_by="supplier"),
    )  # fmt: skip


# fmt: off
_PACKAGES = (
    Service(key="vardutbud_bas", name="Vårdutbud bas", section="2.7",
            comment="Per grupp av registrerade arbetsplatser", debit="workstation_group",
            obligation="obligatory", comes="by_name", provisioning="none"),
    Service(key="stodapplikationer", name="Stödapplikationer", section="2.7",
            comment="Per grupp av registrerade arbetsplatser", debit="workstation_group",
            obligation="obligatory", comes="by_name", provisioning="none"),
    Service(key="valfria_tjanster_it", name="Valfria tjänster IT", section="2.7",
            comment="Enligt särskilt avtal; f.n. saknas valfria IT-tjänster i utbudet",
            debit="agreement", obligation="optional", comes="by_name", provisioning="none"),
    Service(key="valfria_tjanster_telefoni", name="Valfria tjänster telefoni", section="2.7",
            comment="Enligt särskilt avtal/ per telefonanknytning", debit="agreement",
            obligation="optional", comes="by_name", provisioning="none"),
    # The record orders groups by their number, `workstation_groups`; this row is the billing unit.
    Service(key="grupp_av_registrerade_arbetsplatser",
            name="Grupp av registrerade klientarbetsplatser", section="2.8",
            aliases=("grupp av klientarbetsplatser", "grupp av registrerade arbetsplatser"),
            comment="Upp till 10 st klientarbetsplatser per registrerad grupp",
            debit="workstation_group", obligation="obligatory", comes="with_connection",
            provisioning="none"),
)

_VARDUTBUD_BAS = (
    Service(key="vardadministrativt_system", name="Vårdadministrativt system",
            section="3.1.1", package="vardutbud_bas", comment="Erbjuds",
            obligation="offered", comes="by_name", provisioning="ad_group"),
    Service(key="rontgensvar_och_rontgenbilder",
            name="System för åtkomst av röntgensvar och röntgenbilder",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", provisioning="ad_group"),
    Service(key="rontgenadministrativt_system", name="Röntgenadministrativt system",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", provisioning="ad_group"),
    # The four that the annex reaches "via det vårdadministrativa systemet".
    Service(key="ekg_data", name="Åtkomst till EKG-data",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", requires=("vardadministrativt_system",),
            provisioning="region_order", recipient="systemforvaltning"),
    Service(key="remiss_och_svar_baktlab", name="Åtkomst till remiss och svar - baktlab",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", requires=("vardadministrativt_system",),
            provisioning="region_order", recipient="systemforvaltning"),
    Service(key="mediaarkiv", name="Mediaarkiv - inscannade patientjournaler",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", requires=("vardadministrativt_system",),
            provisioning="region_order", recipient="systemforvaltning"),
    Service(key="e_recept", name="E-recept",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", requires=("vardadministrativt_system",),
            provisioning="region_order", recipient="systemforvaltning"),
    Service(key="citrixanslutning", name="Citrixanslutning",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", provisioning="citrix"),
    Service(key="samordnad_planering", name="It-stöd för samordnad planering",
            section="3.1.1", package="vardutbud_bas", comment="Ingår",
            obligation="obligatory", provisioning="hsa_system_role"),
    # Priced by unit, and only units with maternity care use it: ordered by name.
    Service(key="graviditets_och_forlossningsjournal", name="Graviditets- och förlossningsjournal",
            section="3.1.1", package="vardutbud_bas", comment="Ca 15 400 kr/år/vårdenhet",
            obligation="obligatory", comes="by_name",
            provisioning="region_order", recipient="systemforvaltning", debit="unit",
            prices=(Price(amount=Decimal(15400), per="unit_year", valid_from=_2022,
                          approximate=True),)),
    # One row of the annex ("Primärvårdskvalitet/ BHVQ") with two prices, given for 2022 alone.
    Service(key="primarvardskvalitet", name="Primärvårdskvalitet",
            section="3.1.1", package="vardutbud_bas",
            comment="För 2022 kostar tjänsten 2,12 kr/listad/år",
            obligation="obligatory", provisioning="region_order", recipient="systemforvaltning",
            debit="listed_patient",
            prices=(Price(amount=Decimal("2.12"), per="listed_patient_year", valid_from=_2022,
                          valid_to=_END_OF_2022),)),
    Service(key="bhvq", name="BHVQ",
            section="3.1.1", package="vardutbud_bas",
            comment="plus 2022 1,06 kr/listad/år BHVQ",
            obligation="obligatory", provisioning="region_order", recipient="systemforvaltning",
            debit="listed_patient",
            prices=(Price(amount=Decimal("1.06"), per="listed_patient_year", valid_from=_2022,
                          valid_to=_END_OF_2022),)),
    Service(key="helpdesk", name="Helpdesk",
            section="3.1.1", package="vardutbud_bas",
            comment="1 200 kr/mån/ registrerad grupp av klientarbetsplatser",
            obligation="obligatory", provisioning="none", debit="workstation_group",
            prices=(Price(amount=Decimal(1200), per="group_month", valid_from=_2022),)),
)

_NATIONELLA_VARDAPPLIKATIONER = (
    # Pascal and parts of NPÖ demand a card on level 3 (since December 2025).
    Service(key="pascal", name="System för läkemedelsförskrivningar (Pascal)",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            aliases=("Pascal",), obligation="obligatory",
            provisioning="national_connection", recipient="inera",
            preconditions=("inera_agreement", "commission", "card_loa3")),
    Service(key="elektroniska_sjukintyg", name="Elektroniska sjukintyg",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            aliases=("Intyg",), obligation="obligatory",
            provisioning="national_connection", recipient="inera",
            preconditions=("inera_agreement", "commission", "card")),
    Service(key="mina_vardkontakter", name="Mina vårdkontakter",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            aliases=("1177 e-tjänster",), obligation="obligatory",
            provisioning="national_connection", recipient="inera",
            preconditions=("inera_agreement",)),
    # Shown to the public by the unit's entry in HSA (hsaDestinationIndicator 03).
    Service(key="1177_vardguiden", name="1177 Vårdguiden",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            obligation="obligatory", provisioning="directory",
            preconditions=("inera_agreement",)),
    Service(key="nationell_patientoversikt", name="Nationell Patientöversikt (NPÖ)",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            aliases=("NPÖ",), obligation="obligatory",
            provisioning="national_connection", recipient="inera",
            preconditions=("inera_agreement", "commission", "card")),
    # A quality register: not one of Inera's services, so what it presupposes is not claimed here.
    Service(key="nationellt_diabetesregister", name="Nationellt diabetesregister (NDR)",
            section="3.1.1", package="vardutbud_bas", comment="Krav på anslutning",
            aliases=("NDR",), obligation="obligatory",
            provisioning="national_connection", recipient="systemforvaltning"),
)

_STODAPPLIKATIONER = (
    Service(key="kundwebb_medicinteknisk_utrustning",
            name="Kundwebb för medicinteknisk utrustning",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="region_order", recipient="systemforvaltning"),
    Service(key="datalager_uppfoljning", name="System för datalager/uppföljning",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="ad_group"),
    Service(key="dokumenthantering", name="System för dokumenthantering",
            section="3.1.2", package="stodapplikationer", comment="Ingår i läsläge",
            obligation="obligatory", provisioning="ad_group", read_only=True),
    Service(key="stratsys",
            name="Stratsys – system för uppföljning, lagefterlevnad och internkontroll",
            section="3.1.2", package="stodapplikationer", comment="ingår", aliases=("Stratsys",),
            obligation="obligatory", provisioning="region_order", recipient="systemforvaltning"),
    Service(key="listningsapplikation", name="Listningsapplikation - kapiteringsunderlag",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="provider_administrators", recipient="provider"),
    Service(key="eko", name="EKO - verksamhetskatalog",
            section="3.1.2", package="stodapplikationer", comment="Ingår", aliases=("EKO",),
            obligation="obligatory", provisioning="directory"),
    Service(key="siths", name="SITHS e-tjänstekort",
            section="3.1.2", package="stodapplikationer", comment="Ingår", aliases=("SITHS",),
            obligation="obligatory", provisioning="cards", recipient="ra_organisation"),
    Service(key="hsa", name="HSA – nationell katalogtjänst",
            section="3.1.2", package="stodapplikationer", comment="Ingår", aliases=("HSA",),
            obligation="obligatory", provisioning="directory"),
    Service(key="smittskyddsrapportering", name="System för smittskyddsrapportering/uppföljning",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="region_order", recipient="systemforvaltning"),
    Service(key="befolkningsregister", name="Befolkningsregister",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="ad_group"),
    Service(key="radgivningsstod_1177", name="Rådgivningsstöd 1177",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="hsa_system_role"),
    Service(key="jourplanering", name="System för jourplanering",
            section="3.1.2", package="stodapplikationer", comment="Ingår",
            obligation="obligatory", provisioning="provider_administrators", recipient="provider"),
    # In the table of obligatory services, yet connected by an agreement of its own.
    Service(key="hjalpmedelssystem", name="Hjälpmedelssystem",
            section="3.1.2", package="stodapplikationer", comment="Särskilt avtal krävs",
            obligation="obligatory", comes="by_name", debit="agreement",
            provisioning="region_order", recipient="systemforvaltning",
            preconditions=("supplementary_agreement",)),
    Service(key="microsoft_office", name="Microsoft Office",
            section="3.1.2", package="stodapplikationer", comment="Ingår endast i läsläge",
            obligation="obligatory", requires=("citrixanslutning",),
            provisioning="ad_group", read_only=True),
    Service(key="microsoft_office_365",
            name="Microsoft Office 365 – samarbetsplattform (Teams)",
            section="3.1.2", package="stodapplikationer", aliases=("Teams", "Microsoft Teams"),
            comment="Kan bjudas in som gäst med egen e-postadress",
            obligation="offered", comes="by_name",
            provisioning="region_order", recipient="systemforvaltning",
            preconditions=("own_mail",)),
)

_OVRIGA_TJANSTER_IT = (
    Service(key="publicering_i_hsa",
            name="Publicering av person- och organisationsuppgifter i regionens del av HSA",
            section="3.3", comment="Obligatorisk för anslutning", debit="none",
            obligation="obligatory", comes="with_connection", provisioning="directory"),
    Service(key="anslutning_ra_organisation",
            name="Anslutning till regionens RA-organisation för utgivning av SITHS e-tjänstekort",
            section="3.3", comment="Obligatorisk för anslutning", debit="none",
            obligation="obligatory", comes="with_connection",
            provisioning="cards", recipient="ra_organisation"),
)

_TELEFONI = (
    Service(key="telefonitjanst", name="Telefonitjänst",
            section="4.2", package="valfria_tjanster_telefoni",
            aliases=("Fast telefoni", "Telefonitjänst (Fast telefoni)"),
            comment="Anslutning telefonväxel, telefonisttjänst och telefoniutrustning",
            obligation="optional", comes="by_name", debit="agreement", provisioning="none",
            preconditions=("telia_agreement",)),
    Service(key="anslutning_telefonvaxel",
            name="Anslutning telefonväxel Avaya (anknytning i växeln)",
            section="4.2", package="telefonitjanst",
            comment="Vårdgivare kan beställa frivillig anslutning mot en kostnad",
            obligation="optional", debit="extension",
            provisioning="supplier_order", recipient="telia", preconditions=("telia_agreement",),
            extra_costs=("samtalstrafik", "telefonenheter och kringutrustning",
                         "anslutning: förbindelse, teknikerkostnad, resor o dylikt")),
    Service(key="telefonisttjanst",
            name="Telefonisttjänst (telefonist, teleadministration, teknik- och kundtjänst)",
            section="4.2", package="telefonitjanst",
            comment="Vårdgivare kan beställa frivillig anslutning mot en kostnad",
            obligation="optional", debit="agreement",
            provisioning="supplier_order", recipient="telia",
            preconditions=("telia_agreement", "local_contact")),
    Service(key="telefoniutrustning", name="Telefoniutrustning (telefoner, kringutrustning)",
            section="4.2", package="telefonitjanst",
            comment="Vårdgivare kan beställa frivillig utrustning mot en kostnad",
            obligation="optional", debit="agreement",
            provisioning="supplier_order", recipient="telia", preconditions=("telia_agreement",)),
    # The record orders extensions one by one, in `telephony`; these rows are their kinds.
    Service(key="fast_ip_anknytning", name="Fast IP-anknytning",
            section="4.3.1", package="anslutning_telefonvaxel", comment="Telefonapparat tillkommer",
            obligation="optional", comes="by_name", requires=("anslutning_telefonvaxel",),
            provisioning="supplier_order", recipient="telia", preconditions=("telia_agreement",),
            debit="extension", prices=_extension_price(50),
            extra_costs=("telefonapparat", "samtalstrafik")),
    Service(key="mobil_anknytning_1gb", name="Mobil anknytning, 1 GB",
            section="4.3.1", package="anslutning_telefonvaxel",
            comment="Fria MMS/SMS, 1GB surf",
            obligation="optional", comes="by_name", requires=("anslutning_telefonvaxel",),
            provisioning="supplier_order", recipient="telia", preconditions=("telia_agreement",),
            debit="extension", prices=_extension_price(118), extra_costs=("samtalstrafik",)),
    Service(key="mobil_anknytning_5gb", name="Mobil anknytning, 5 GB",
            section="4.3.1", package="anslutning_telefonvaxel",
            comment="Fria MMS/SMS 5GB Surf",
            obligation="optional", comes="by_name", requires=("anslutning_telefonvaxel",),
            provisioning="supplier_order", recipient="telia", preconditions=("telia_agreement",),
            debit="extension", prices=_extension_price(148), extra_costs=("samtalstrafik",)),
    # 4.2 has the agreement with the supplier, 4.4 via the region: which one is configuration.
    Service(key="ace_telefoniplattform", name="Anslutning ACE telefonplattform cl Trio",
            section="4.2, 4.4", package="valfria_tjanster_telefoni",
            aliases=("ACE", "ACE/Trio", "TrioAgent", "CallGuide", "ACE Telefoniplattform",
                     "ACE Telefoniplattform/TrioAgent"),
            comment="Vårdgivare kan beställa frivillig anslutning mot en kostnad. "
                    "Anslutning enligt särskilt avtal med leverantör",
            obligation="optional", comes="by_name", debit="agreement",
            provisioning="supplier_order", recipient="telia",
            preconditions=("supplier_agreement",)),
)
# fmt: on

ROWS: tuple[Service, ...] = (
    *_PACKAGES,
    *_VARDUTBUD_BAS,
    *_NATIONELLA_VARDAPPLIKATIONER,
    *_STODAPPLIKATIONER,
    *_OVRIGA_TJANSTER_IT,
    *_TELEFONI,
)
