# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions of a provider's parts are to be approved, and whether they may be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import (
    Approval,
    Manifest,
    is_regions,
    who_may_sign,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import (
    Person,
    Record,
    from_json,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.regions_matters import (
    regions_matters,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.withdrawal import (
    only_withdraws,
)

from . import ssh_signatures
from .approvals import Authority, digest
from .approved_records import Proposal, Reading
from .record_files import MANIFEST, PART_FILES
from .ssh_signatures import SignatureError
from .yaml_text import show_path

# What the ledger knows of a part: number, digest, principal and signature of the version that was
# approved last, 0 and "" of none, and the number of the next one.
Versions = Mapping[str, Mapping[str, Any]]


class ApprovalError(Exception):
    """A version is not approved; each line says of a part why."""


@dataclass(frozen=True)
class Signing:
    """Where signatures come from: a key, or a directory that they are put in; or from nowhere."""

    key: Path | None = None
    directory: Path | None = None

    def manifest(self, manifest: Manifest) -> Path:
        """Where the manifest lies that is signed elsewhere, and beside it its signature.

        Raises SignatureError where nobody signs.
        """
        if self.directory is None:
            who = who_may_sign(manifest.provider, manifest.part)
            raise SignatureError(
                f"expected a signature by {who}: this version does more than withdraw access"
                " (approve_key, approve_directory)"
            )
        name = f"{manifest.provider}-{PART_FILES[manifest.part]}{MANIFEST}"
        return self.directory / name


@dataclass
class Outcome:
    """What comes of a proposal.

    Approvals with their signatures, "" of a withdrawal; the paths of manifests that wait for a
    signature; and what would be signed where nobody signs, which is check mode.
    """

    approvals: list[tuple[Approval, str]] = field(default_factory=list)
    waiting: list[Path] = field(default_factory=list)
    unsigned: list[Manifest] = field(default_factory=list)


def judge(reading: Reading, versions: Versions, signing: Signing, check: bool) -> Outcome:
    """Have what is proposed signed, and look whether who signed it may approve it.

    Raises ApprovalError with what is wrong, part by part.
    """
    proposal = reading.proposal
    if proposal is None or proposal.record is None or proposal.authority is None:
        raise ApprovalError("expected a valid draft, and approval: signed in the inventory source")
    outcome, errors = Outcome(), []
    for part, stored in proposal.parts.items():
        case = _Case(proposal, proposal.authority, part, digest(stored), versions)
        try:
            if not case.is_in_effect:
                _settle(case, reading, signing, check, outcome)
        except (SignatureError, OSError) as error:
            errors.append(f"{proposal.provider}/{PART_FILES[part]}: {error}")
    if errors:
        raise ApprovalError("\n".join(errors))
    return outcome


@dataclass(frozen=True)
class _Case:
    """A part for which a version, by its digest, is proposed."""

    proposal: Proposal
    authority: Authority
    part: str
    digest: str
    versions: Versions

    @property
    def is_noted(self) -> bool:
        """Whether the ledger knows it as approved last; a kill may have kept it from its place."""
        return bool(self.versions[self.part]["digest"] == self.digest)

    @property
    def is_in_effect(self) -> bool:
        """Whether it lies there, too, signed with a key that is not revoked."""
        lies = self.proposal.approvals.get(self.part)
        is_revoked = lies is not None and lies.is_revoked
        return self.is_noted and self._lies_as_noted(self.part) and not is_revoked

    @property
    def manifest(self) -> Manifest:
        """What is to be signed."""
        number = self.versions[self.part]["next"]
        return Manifest(self.proposal.provider, self.part, number, self.digest)

    @property
    def needs_no_signature(self) -> bool:
        """Whether it only withdraws access from the approved version, or was noted so."""
        if self.is_noted:
            return not self.versions[self.part]["principal"]
        before, after = self.proposal.before, self.proposal.record
        is_known = before is not None and self._lies_as_noted(self.part)
        return is_known and only_withdraws(getattr(before, self.part), getattr(after, self.part))

    def _lies_as_noted(self, part: str) -> bool:
        last, lies = self.versions[part], self.proposal.approvals.get(part)
        if lies is None:
            return False
        noted = (last["number"], last["digest"], last["signature"])
        return (lies.manifest.number, lies.manifest.digest, lies.signature) == noted


def _settle(case: _Case, reading: Reading, signing: Signing, check: bool, outcome: Outcome) -> None:
    """Put a part where it belongs in the outcome. Raises SignatureError."""
    manifest = case.manifest
    if case.needs_no_signature:
        manifest = replace(manifest, is_signed=False)
        outcome.approvals.append((Approval(manifest), ""))
    elif check:
        outcome.unsigned.append(manifest)
    elif signature := _signature(manifest, signing):
        approval = case.authority.verified(manifest, signature)
        _check(approval, case.proposal, reading)
        outcome.approvals.append((approval, signature))
    else:
        outcome.waiting.append(signing.manifest(manifest))


def _signature(manifest: Manifest, signing: Signing) -> str:
    """A signature of a manifest; "" where it is written out and waits for one."""
    if signing.key:
        return ssh_signatures.sign(manifest.text(), signing.key)
    path = signing.manifest(manifest)
    signed = path.with_name(f"{path.name}.sig")
    is_same = path.exists() and path.read_text("ascii", "replace") == manifest.text()
    if is_same and signed.exists():
        return signed.read_text("ascii", "replace")
    signed.unlink(missing_ok=True)
    path.write_text(manifest.text(), "ascii")
    return ""


def _check(approval: Approval, proposal: Proposal, reading: Reading) -> None:
    """Raise SignatureError where who signed may not approve this version today."""
    if approval.doubt:
        raise SignatureError(approval.doubt)
    if approval.manifest.part != "staff" or is_regions(approval.principal):
        return
    if proposal.record is None:
        raise SignatureError("expected a valid draft")
    before = proposal.before.staff if proposal.before else None
    matters = regions_matters(before, proposal.record.staff, _elsewhere(reading, proposal))
    if matters:
        told = "; ".join(f"{show_path(matter.path)}: {matter.message}" for matter in matters)
        raise SignatureError(f"expected a signature by region:<name>: {told}")


def _elsewhere(reading: Reading, proposal: Proposal) -> Iterator[Person]:
    """All people of the other records."""
    for provider, other in reading.providers.items():
        if provider != proposal.provider:
            yield from from_json(Record, json.loads(other.data)).staff.people
