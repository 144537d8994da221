# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records that stand in a run, and what the ledger keeps of their claims."""

from __future__ import annotations

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import (
    make_key,
    recall,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.contested import (
    Undisputed,
    undisputed,
)
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import approved, number, record

HSA_ID = "SE2321000214-0001"
ALFA, GAMMA = record("alfa", hsa_id=HSA_ID), record("gamma", hsa_id=HSA_ID)


def run(ledgers: Ledgers, *records: Record, check: bool = False) -> Undisputed:
    with ledgers.open(check=check) as ledger:
        make_key(ledger)
        return undisputed(approved(*records), ledger)


def ids(found: Undisputed) -> list[str]:
    return [record.id for record in found.approved.records]


def test_who_held_a_claim_in_an_earlier_run_goes_on_and_is_told(ledgers: Ledgers) -> None:
    run(ledgers, ALFA)

    found = run(ledgers, ALFA, GAMMA)

    assert ids(found) == ["alfa"]
    assert found.approved.invalid == {"gamma"}
    assert found.refused.keys() == {"gamma"}
    (finding,) = found.findings
    assert (finding.provider, finding.code, finding.severity) == (
        "alfa", "claimed_by_another", "high"
    )  # fmt: skip
    assert "compare the record of gamma" in finding.message


def test_without_an_earlier_run_both_are_invalid(ledgers: Ledgers) -> None:
    found = run(ledgers, ALFA, GAMMA)

    assert ids(found) == []
    assert found.refused.keys() == {"alfa", "gamma"}
    assert found.findings == ()


def test_a_check_makes_nobody_a_holder(ledgers: Ledgers) -> None:
    run(ledgers, record("beta"))
    run(ledgers, GAMMA, check=True)
    run(ledgers, ALFA)

    assert run(ledgers, ALFA, GAMMA, check=True).refused.keys() == {"gamma"}


def test_records_that_claim_nothing_of_each_other_are_left_as_they_are(ledgers: Ledgers) -> None:
    everything = approved(ALFA, record("beta"))
    for _again in range(2):
        found = run(ledgers, *everything.records)
        assert found == Undisputed(everything, {}, ())


def test_what_a_provider_gives_up_is_forgotten(ledgers: Ledgers) -> None:
    run(ledgers, ALFA)
    run(ledgers, record("alfa"))
    run(ledgers, GAMMA)

    assert run(ledgers, ALFA, GAMMA).refused.keys() == {"alfa"}


def test_claims_lie_apart_from_what_systems_remember(ledgers: Ledgers) -> None:
    run(ledgers, ALFA)
    with ledgers.open() as ledger:
        assert recall(ledger, "HSA").facts == {}
        assert recall(ledger, "records").effects([number(1)]) == ()
