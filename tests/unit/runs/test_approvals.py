# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which records count in a run: those that the ledger knows as approved last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.approvals import note
from ansible_collections.regionjh.halsoval.plugins.module_utils.ledger.memory import make_key
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    Manifest,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.runs.contested import (
    Undisputed,
    undisputed,
)
from ansible_collections.regionjh.halsoval.tests.conftest import Ledgers
from ansible_collections.regionjh.halsoval.tests.unit.builders import approved, record

HSA_ID = "SE2321000214-0001"


def approval(
    provider: str, number: int = 1, digest: str = "a", signature: str = "s", doubt: str = ""
) -> Approval:
    manifest = Manifest(provider, "staff", number, digest)
    return Approval(manifest, "region:anna", "SHA256:x", signature, doubt)


def run(ledgers: Ledgers, *approvals: Approval) -> Undisputed:
    """Two providers that claim the same; `approvals` are what lies beside the first one's staff."""
    records = approved(record("alfa", hsa_id=HSA_ID), record("beta", hsa_id=HSA_ID))
    of = {"alfa": approvals, "beta": (approval("beta"),)}
    with ledgers.open() as ledger:
        make_key(ledger)
        return undisputed(replace(records, approvals=of), ledger)


@pytest.mark.parametrize(
    ("lying", "error"),
    [
        (approval("alfa", 1), "version 1 is older than the approved one, which is 2"),
        (approval("alfa", 2, "b"), "expected version 2 as it was approved, not another one"),
        (approval("alfa", 3), "expected version 2 as it was approved, not another one"),
        (approval("alfa", 3, doubt="the key is revoked"), "not another one (the key is revoked)"),
        (
            approval("alfa", 2, signature="t"),
            "expected the signature by which version 2 was approved, not another one",
        ),
    ],
)
def test_another_version_than_the_approved_one_is_refused_and_claims_nothing(
    ledgers: Ledgers, lying: Approval, error: str
) -> None:
    with ledgers.open() as ledger:
        note(ledger, [approval("alfa", 1), approval("beta")])
        note(ledger, [approval("alfa", 2)])

    found = run(ledgers, lying)

    assert [record.id for record in found.approved.records] == ["beta"]
    assert found.approved.invalid == {"alfa"}
    (told,) = found.refused["alfa"]
    assert told.startswith("alfa/staff.yml: ")
    assert told.endswith(error)


def test_what_a_revoked_key_approved_before_still_counts(ledgers: Ledgers) -> None:
    with ledgers.open() as ledger:
        note(ledger, [approval("alfa"), approval("beta")])

    found = run(ledgers, approval("alfa", doubt="the key is revoked"))

    assert all("version" not in error for errors in found.refused.values() for error in errors)


def test_what_a_revoked_key_approved_is_told_until_it_is_approved_anew(ledgers: Ledgers) -> None:
    with ledgers.open() as ledger:
        note(ledger, [approval("alfa"), approval("beta")])

    findings = run(ledgers, replace(approval("alfa"), is_revoked=True)).findings

    (told,) = (each for each in findings if each.code == "approved_by_revoked_key")
    assert (told.provider, told.object, told.severity) == ("alfa", "staff", "high")


def test_a_ledger_that_knows_nothing_approves_nothing(ledgers: Ledgers) -> None:
    found = run(ledgers, approval("alfa"))

    assert found.refused == {
        provider: [
            f"{provider}/staff.yml: expected a version that approve noted in the ledger, which"
            " knows none"
        ]
        for provider in ("alfa", "beta")
    }
