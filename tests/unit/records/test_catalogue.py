# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue against the annex, whose rows are written down here a second time."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import get_args, get_type_hints

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import catalogue
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.catalogue import (
    EXTENSIONS,
    LICENSED_PROFESSIONS,
    OBLIGATORY_PACKAGES,
    SERVICES,
    NoValidPrice,
    contents,
    parse_service,
    prices_on,
    provided,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Extension

# The rows as the annex prints them, table by table, and the key of each.
ANNEX: dict[str, dict[str, str]] = {
    "2.7": {
        "Vårdutbud bas": "vardutbud_bas",
        "Stödapplikationer": "stodapplikationer",
        "Valfria tjänster IT": "valfria_tjanster_it",
        "Valfria tjänster telefoni": "valfria_tjanster_telefoni",
    },
    "2.8": {"Grupp av registrerade klientarbetsplatser": "grupp_av_registrerade_arbetsplatser"},
    "3.1.1": {
        "Vårdadministrativt system": "vardadministrativt_system",
        "System för åtkomst av röntgensvar och röntgenbilder": "rontgensvar_och_rontgenbilder",
        "Röntgenadministrativt system": "rontgenadministrativt_system",
        "Åtkomst till EKG-data": "ekg_data",
        "Åtkomst till remiss och svar - baktlab": "remiss_och_svar_baktlab",
        "Mediaarkiv - inscannade patientjournaler": "mediaarkiv",
        "E-recept": "e_recept",
        "Citrixanslutning": "citrixanslutning",
        "It-stöd för samordnad planering": "samordnad_planering",
        "Graviditets- och förlossningsjournal": "graviditets_och_forlossningsjournal",
        "Primärvårdskvalitet": "primarvardskvalitet",
        "BHVQ": "bhvq",
        "Helpdesk": "helpdesk",
        "System för läkemedelsförskrivningar (Pascal)": "pascal",
        "Elektroniska sjukintyg": "elektroniska_sjukintyg",
        "Mina vårdkontakter": "mina_vardkontakter",
        "1177 Vårdguiden": "1177_vardguiden",
        "Nationell Patientöversikt (NPÖ)": "nationell_patientoversikt",
        "Nationellt diabetesregister (NDR)": "nationellt_diabetesregister",
    },
    "3.1.2": {
        "Kundwebb för medicinteknisk utrustning": "kundwebb_medicinteknisk_utrustning",
        "System för datalager/uppföljning": "datalager_uppfoljning",
        "System för dokumenthantering": "dokumenthantering",
        "Stratsys – system för uppföljning, lagefterlevnad och internkontroll": "stratsys",
        "Listningsapplikation - kapiteringsunderlag": "listningsapplikation",
        "EKO - verksamhetskatalog": "eko",
        "SITHS e-tjänstekort": "siths",
        "HSA – nationell katalogtjänst": "hsa",
        "System för smittskyddsrapportering/uppföljning": "smittskyddsrapportering",
        "Befolkningsregister": "befolkningsregister",
        "Rådgivningsstöd 1177": "radgivningsstod_1177",
        "System för jourplanering": "jourplanering",
        "Hjälpmedelssystem": "hjalpmedelssystem",
        "Microsoft Office": "microsoft_office",
        "Microsoft Office 365 – samarbetsplattform (Teams)": "microsoft_office_365",
    },
    "3.3": {
        "Publicering av person- och organisationsuppgifter i regionens del av HSA": (
            "publicering_i_hsa"
        ),
        "Anslutning till regionens RA-organisation för utgivning av SITHS e-tjänstekort": (
            "anslutning_ra_organisation"
        ),
    },
    "4.2": {
        "Telefonitjänst": "telefonitjanst",
        "Anslutning telefonväxel Avaya (anknytning i växeln)": "anslutning_telefonvaxel",
        "Telefonisttjänst (telefonist, teleadministration, teknik- och kundtjänst)": (
            "telefonisttjanst"
        ),
        "Telefoniutrustning (telefoner, kringutrustning)": "telefoniutrustning",
    },
    "4.3.1": {
        "Fast IP-anknytning": "fast_ip_anknytning",
        "Mobil anknytning, 1 GB": "mobil_anknytning_1gb",
        "Mobil anknytning, 5 GB": "mobil_anknytning_5gb",
    },
    "4.2, 4.4": {"Anslutning ACE telefonplattform cl Trio": "ace_telefoniplattform"},
}

VIA_THE_CARE_SYSTEM = {"ekg_data", "remiss_och_svar_baktlab", "mediaarkiv", "e_recept"}
REGION = "region"
SUPPLIER = "supplier"


def test_catalogue_holds_exactly_the_annex_rows() -> None:
    rows: dict[str, dict[str, str]] = {}
    for service in SERVICES.values():
        rows.setdefault(service.section, {})[service.name] = service.key
    assert rows == ANNEX


def test_keys_are_slugs_that_a_group_name_can_end_with() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", key) for key in SERVICES)


def test_every_reference_within_the_catalogue_exists() -> None:
    for service in SERVICES.values():
        assert service.package is None or service.package in SERVICES
        assert set(service.requires) <= SERVICES.keys()


def test_no_two_services_share_a_name_or_alias() -> None:
    names = [
        name.casefold()
        for service in SERVICES.values()
        for name in {service.name, *service.aliases}
    ]
    assert len(names) == len(set(names))


def test_offered_and_optional_services_are_those_of_the_annex() -> None:
    by_obligation: dict[str, set[str]] = {}
    for service in SERVICES.values():
        by_obligation.setdefault(service.obligation, set()).add(service.key)
    assert by_obligation["offered"] == {"vardadministrativt_system", "microsoft_office_365"}
    assert by_obligation["optional"] == {
        "valfria_tjanster_it",
        "valfria_tjanster_telefoni",
        *ANNEX["4.2"].values(),
        *ANNEX["4.3.1"].values(),
        "ace_telefoniplattform",
    }


def test_services_via_the_care_system_require_it_and_office_requires_citrix() -> None:
    requires = {s.key: s.requires for s in SERVICES.values() if s.section.startswith("3")}
    care = dict.fromkeys(VIA_THE_CARE_SYSTEM, ("vardadministrativt_system",))
    assert {key: r for key, r in requires.items() if r} == {
        **care,
        "microsoft_office": ("citrixanslutning",),
    }


def test_read_only_services_are_those_of_the_annex() -> None:
    read_only = {service.key for service in SERVICES.values() if service.read_only}
    assert read_only == {"dokumenthantering", "microsoft_office"}


def test_services_that_open_patient_data_nationally_ask_for_commission_and_card() -> None:
    asking = {s.key: set(s.preconditions) for s in SERVICES.values()}
    assert asking["nationell_patientoversikt"] == {"inera_agreement", "commission", "card"}
    assert asking["elektroniska_sjukintyg"] == {"inera_agreement", "commission", "card"}
    assert asking["pascal"] == {"inera_agreement", "commission", "card_loa3"}
    assert sum("commission" in preconditions for preconditions in asking.values()) == 3


def test_aids_need_an_agreement_and_guests_their_own_mail() -> None:
    assert SERVICES["hjalpmedelssystem"].preconditions == ("supplementary_agreement",)
    assert SERVICES["microsoft_office_365"].preconditions == ("own_mail",)


def test_a_service_that_the_region_requests_takes_an_agreement_and_comes_by_name_alone() -> None:
    future = [row for row in SERVICES.values() if "request" in row.preconditions]
    assert all(row.comes == "by_name" for row in future)
    assert all("supplementary_agreement" in row.preconditions for row in future)


def test_every_order_has_a_recipient() -> None:
    ordered = {"region_order", "supplier_order", "cards", "provider_administrators"}
    for service in SERVICES.values():
        assert (service.recipient is not None) or service.provisioning not in ordered


@pytest.mark.parametrize(
    ("key", "amount", "per", "approximate", "billed_by"),
    [
        ("helpdesk", "1200", "group_month", False, REGION),
        ("graviditets_och_forlossningsjournal", "15400", "unit_year", True, REGION),
        ("primarvardskvalitet", "2.12", "listed_patient_year", False, REGION),
        ("bhvq", "1.06", "listed_patient_year", False, REGION),
        ("fast_ip_anknytning", "50", "extension_month", True, SUPPLIER),
        ("mobil_anknytning_1gb", "118", "extension_month", True, SUPPLIER),
        ("mobil_anknytning_5gb", "148", "extension_month", True, SUPPLIER),
    ],
)
def test_price_of_2022_is_the_annex_price(
    key: str, amount: str, per: str, approximate: bool, billed_by: str
) -> None:
    (price,) = prices_on(SERVICES[key], dt.date(2022, 7, 1))
    found = (price.amount, price.per, price.approximate, price.billed_by)
    assert found == (Decimal(amount), per, approximate, billed_by)


def test_only_the_rows_with_a_price_in_the_annex_have_one() -> None:
    assert sum(bool(service.prices) for service in SERVICES.values()) == 7


@pytest.mark.parametrize("key", ["primarvardskvalitet", "bhvq"])
def test_price_given_for_one_year_is_not_extrapolated(key: str) -> None:
    assert prices_on(SERVICES[key], dt.date(2022, 1, 1))
    assert prices_on(SERVICES[key], dt.date(2022, 12, 31))
    for day in (dt.date(2021, 12, 31), dt.date(2023, 1, 1)):
        with pytest.raises(NoValidPrice, match=key):
            prices_on(SERVICES[key], day)


def test_price_without_an_end_is_valid_today_and_free_services_have_none() -> None:
    assert prices_on(SERVICES["helpdesk"], dt.date(2026, 3, 2))
    assert prices_on(SERVICES["pascal"], dt.date(2026, 3, 2)) == ()


def test_obligatory_packages_bring_all_their_rows_but_those_ordered_by_name() -> None:
    given = provided(OBLIGATORY_PACKAGES)
    left_out = {row.key for package in OBLIGATORY_PACKAGES for row in contents(package)} - given
    assert left_out == VIA_THE_CARE_SYSTEM | {
        "vardadministrativt_system",
        "graviditets_och_forlossningsjournal",
        "hjalpmedelssystem",
        "microsoft_office_365",
    }


def test_care_system_brings_what_is_reached_through_it() -> None:
    given = provided([*OBLIGATORY_PACKAGES, "vardadministrativt_system"])
    assert given >= VIA_THE_CARE_SYSTEM


def test_publication_and_card_issuing_come_with_every_connection() -> None:
    assert provided([]) == {
        "grupp_av_registrerade_arbetsplatser",
        "publicering_i_hsa",
        "anslutning_ra_organisation",
    }


def test_telephony_service_brings_its_three_parts_which_can_be_ordered_alone() -> None:
    parts = {"anslutning_telefonvaxel", "telefonisttjanst", "telefoniutrustning"}
    assert provided(["telefonitjanst"]) - provided([]) == {"telefonitjanst", *parts}
    assert provided(["telefonisttjanst"]) - provided([]) == {"telefonisttjanst"}


def test_every_kind_of_extension_in_a_record_has_its_price_row() -> None:
    kinds = get_args(get_type_hints(Extension)["kind"])
    assert EXTENSIONS.keys() == set(kinds)
    assert list(EXTENSIONS.values()) == list(ANNEX["4.3.1"].values())


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("ACE", "ace_telefoniplattform"),
        ("TrioAgent", "ace_telefoniplattform"),
        ("CallGuide", "ace_telefoniplattform"),
        ("ACE/Trio", "ace_telefoniplattform"),
        ("1177 e-tjänster", "mina_vardkontakter"),
        ("npö", "nationell_patientoversikt"),
        ("Vårdutbud bas", "vardutbud_bas"),
    ],
)
def test_annex_name_instead_of_a_key_is_refused_with_the_key(written: str, key: str) -> None:
    with pytest.raises(ValueError, match=rf"^expected the key {key}$"):
        parse_service(written)


def test_key_is_accepted_and_unknown_text_is_not_repeated() -> None:
    assert parse_service("e_recept") == "e_recept"
    with pytest.raises(ValueError, match="expected a service of the catalogue") as error:
        parse_service("19121212-1212")
    assert "1212" not in str(error.value)


def test_professions_are_the_23_licensed_ones_with_codes_of_their_own() -> None:
    assert len(LICENSED_PROFESSIONS) == len(set(LICENSED_PROFESSIONS.values())) == 23
    assert catalogue.parse_licence("Sjuksköterska") == "Sjuksköterska"
    with pytest.raises(ValueError, match="expected a licensed profession"):
        catalogue.parse_licence("Undersköterska")


def test_purpose_is_one_that_the_patient_data_act_names() -> None:
    assert catalogue.parse_purpose("Vård och behandling") == catalogue.PATIENT_CARE
    with pytest.raises(ValueError, match="expected a purpose"):
        catalogue.parse_purpose("Nyfikenhet")
