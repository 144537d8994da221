# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody may make of our accounts by hand: another way in, a weaker one, more rights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.desired.ad.codecs import WEAKENING
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Values
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import Finding
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import (
    AD_LAYOUT,
    BASE,
    SYSTEM_GROUPS,
    Ad,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record, uses
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

ALFA = record(people=[person(1, uses())])
CODES = ("foreign_mapping", "weak_logon", "privileged_account")
OWN, OVER, OTHER = "X509:<SKI>0a", "X509:<SKI>0b", "X509:<SKI>ff"
# What somebody may set by hand: what it is told as, and a word of the message.
SET_BY_HAND: list[tuple[str, dict[str, Any], str]] = [
    ("foreign_mapping", {"altSecurityIdentities": ("Kerberos:anna@ANNAT.EXAMPLE",)}, "1 of"),
    ("foreign_mapping", {"altSecurityIdentities": (OTHER, "x509:<SKI>0c")}, "2 of"),
    ("foreign_mapping", {"msDS-KeyCredentialLink": ("B:8:00000000:CN=x",)}, "KeyCredential"),
    ("weak_logon", {"servicePrincipalName": ("http/anna.example",)}, "servicePrincipalName"),
    ("weak_logon", {"msDS-AllowedToDelegateTo": ("cifs/dc1",)}, "AllowedToDelegateTo"),
    ("privileged_account", {"adminCount": ("1",)}, "adminCount"),
    ("privileged_account", {"sIDHistory": ("S-1-5-21-9-9-9-512",)}, "sIDHistory"),
    ("privileged_account", {"primaryGroupID": ("512",)}, "primaryGroupID"),
]


@pytest.fixture(name="world")
def _world(world: Ad) -> Ad:
    """A domain with one account of ours."""
    world.bring(ALFA)
    return world


def found(world: Ad) -> list[Finding]:
    """The findings about what accounts of ours have become."""
    return [f for f in world.desired(ALFA).findings if f.code in CODES]


def after(world: Ad, **said: Any) -> list[Finding]:
    """The findings after a change by hand."""
    world.change(world.account(number(1)), **said)
    return found(world)


def know(world: Ad, current: Values, ever: Values, are_all: bool = False) -> None:
    """Have the person's certificates known, those of today and all that ever were."""
    owner = world.id_of(number(1)).casefold()
    world.layout = replace(
        world.layout,
        certificates={owner: current},
        known_certificates={owner: ever},
        are_all=are_all,
    )


def test_of_an_account_as_a_run_makes_it_nothing_is_told(world: Ad) -> None:
    know(world, (OWN,), (OWN, OVER))
    world.bring(ALFA)
    assert found(world) == []


@pytest.mark.parametrize(("code", "said", "words"), SET_BY_HAND)
def test_what_somebody_set_by_hand_is_a_finding_of_high_severity_without_its_value(
    world: Ad, code: str, said: dict[str, Values], words: str
) -> None:
    (finding,) = after(world, **said)
    assert (finding.code, finding.severity) == (code, "high")
    assert (finding.provider, finding.object) == ("alfa", world.id_of(number(1)))
    assert words in finding.message
    for value in (one for given in said.values() for one in given if len(one) > 3):
        assert value not in finding.message


@pytest.mark.parametrize("flag", sorted(WEAKENING))
@pytest.mark.parametrize("enabled", [True, False])
def test_every_flag_that_weakens_the_logon_is_told(world: Ad, flag: str, enabled: bool) -> None:
    others = values(world.account(number(1)), "userAccountControl") if enabled else ()
    (finding,) = after(world, userAccountControl=(*others, flag))
    assert (finding.code, finding.severity) == ("weak_logon", "high")
    assert f"userAccountControl has {flag}" in finding.message


@pytest.mark.parametrize("flag", ["DONT_EXPIRE_PASSWD", "NOT_DELEGATED", "LOCKOUT", "134217728"])
def test_other_flags_are_the_regions_business(world: Ad, flag: str) -> None:
    others = values(world.account(number(1)), "userAccountControl")
    assert after(world, userAccountControl=(*others, flag)) == []


@pytest.mark.parametrize("said", [{"adminCount": "0"}, {"primaryGroupID": "513"}])
def test_what_ad_itself_writes_is_none(world: Ad, said: dict[str, str]) -> None:
    assert after(world, **said) == []


@pytest.mark.parametrize("nested", [False, True])
def test_an_account_in_a_group_with_rights_over_the_domain_is_told(world: Ad, nested: bool) -> None:
    member = account = world.account(number(1)).dn
    if nested:
        member = world.put_group(f"CN=VPN,{SYSTEM_GROUPS}", account).dn
    world.put_group(f"CN=Backup,CN=Builtin,{BASE}", member, objectSid="S-1-5-32-551")
    (finding,) = found(world)
    assert (finding.code, finding.severity) == ("privileged_account", "high")
    assert f"it is in {'VPN' if nested else 'Backup'}, which may give rights" in finding.message


def test_each_provider_of_the_person_is_told_also_one_without_a_record(world: Ad) -> None:
    world.bring(ALFA, record("beta", [person(1, uses())]))
    world.change(world.account(number(1)), adminCount="1")
    assert [finding.provider for finding in found(world)] == ["alfa", "beta"]


def test_accounts_of_others_are_not_watched(world: Ad) -> None:
    world.put_account(f"CN=x,{AD_LAYOUT.account_ou}", adminCount="1")
    assert found(world) == []


# --- certificates --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "count"),
    [
        ((OWN,), 0), ((OWN.upper(),), 0), ((OVER,), 0), ((OWN, OTHER), 1), (("Kerberos:a@B",), 1),
    ],
)  # fmt: skip
def test_of_the_ledgers_certificates_none_is_foreign_not_of_a_card_that_is_over_either(
    world: Ad, held: Values, count: int
) -> None:
    know(world, (OWN,), (OWN, OVER))
    codes = [finding.code for finding in after(world, altSecurityIdentities=held)]
    assert codes == ["foreign_mapping"] * count


def test_another_persons_certificate_is_foreign(world: Ad) -> None:
    world.layout = replace(world.layout, known_certificates={"se2321000214-hv000099": (OWN,)})
    (finding,) = after(world, altSecurityIdentities=(OWN,))
    assert finding.code == "foreign_mapping"


@pytest.mark.parametrize(("held", "count"), [((OTHER,), 0), ((OWN, "Kerberos:a@B"), 1)])
def test_a_list_of_the_regions_own_explains_every_certificate(
    world: Ad, held: Values, count: int
) -> None:
    """Nobody knows what stood in it before; what is not in it any more the run takes away."""
    know(world, (OWN,), (), are_all=True)
    assert len(after(world, altSecurityIdentities=held)) == count


def test_a_mapping_of_a_disabled_account_opens_nothing(world: Ad) -> None:
    """What the ledger knew of those who have left is thinned."""
    world.disable_by_hand(number(1))
    assert after(world, altSecurityIdentities=(OTHER,)) == []


# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["{serial}", "{given:.3}{surname:.3}"])
def test_a_name_that_a_computer_has_is_taken(scheme: str) -> None:
    """Who asks a domain controller for a name gets the one with $ where there is no other."""
    plain, world = (Ad(replace(AD_LAYOUT, account_name=scheme)) for _world in range(2))
    plain.bring(ALFA)
    (name,) = values(plain.account(number(1)), "sAMAccountName")
    world.put_account(f"CN=dator,OU=Datorer,{BASE}", f"{name.upper()}$")
    world.bring(ALFA)
    assert values(world.account(number(1)), "sAMAccountName") == (f"{name}2",)


def test_the_name_of_a_providers_group_is_taken_by_a_computer_too(world: Ad) -> None:
    world.put_account(f"CN=dator,OU=Datorer,{BASE}", "halsoval-beta$")
    message = world.run(ALFA, record("beta", [person(7, uses())]))["beta"]["msg"]
    assert "the name Halsoval-beta of the provider's group is taken in AD" in message
