# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of cards that the ledger knows, on people's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import Values
from ansible_collections.regionjh.halsoval.tests.unit.ad_in_memory import Ad
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record, uses
from ansible_collections.regionjh.halsoval.tests.unit.hsa_in_memory import values

STAFF = record("alfa", [person(n, uses()) for n in range(4)])


def known(world: Ad, mappings: Mapping[int, Values], all_of_them: bool = False) -> Ad:
    """The domain with the certificates of some people known, by their index."""
    named = {world.id_of(number(n)).casefold(): theirs for n, theirs in mappings.items()}
    other = world.copy()
    other.layout = replace(world.layout, certificates=named, are_all=all_of_them)
    return other


def mapped(world: Ad) -> list[Values]:
    return [values(world.account(number(n)), "altSecurityIdentities") for n in range(4)]


def test_lost_cards_of_many_are_taken_away_without_confirmation(world: Ad) -> None:
    """A guard that held them back would keep stolen cards open."""
    world.bring(STAFF)
    active = known(world, {n: (f"X509:<SKI>0{n}",) for n in range(4)})
    active.bring(STAFF)
    lost = known(active, {0: (), 1: (), 2: ("X509:<SKI>02",), 3: ("X509:<SKI>03",)})
    assert not lost.run(STAFF)["alfa"]["failed"]
    assert mapped(lost) == [(), (), ("X509:<SKI>02",), ("X509:<SKI>03",)]


def test_a_list_that_somebody_keeps_by_hand_is_guarded_still(world: Ad) -> None:
    world.bring(STAFF)
    active = known(world, {n: (f"X509:<SKI>0{n}",) for n in range(4)}, all_of_them=True)
    active.bring(STAFF)
    assert known(active, {}, all_of_them=True).run(STAFF)["alfa"]["failed"]


def test_of_whom_the_ledger_knows_no_card_the_mappings_are_left_alone(world: Ad) -> None:
    world.bring(STAFF)
    world.change(world.account(number(1)), altSecurityIdentities=("X509:<SKI>ff",))
    partly = known(world, {0: ("X509:<SKI>00",)})
    partly.bring(STAFF)
    assert mapped(partly)[:2] == [("X509:<SKI>00",), ("X509:<SKI>ff",)]
