# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All records of a directory: found, decrypted, parsed, checked one by one and together.

Where approvals are asked for, a part is looked at once its approval is found to be one.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible.parsing.vault import VaultLib

from ansible_collections.regionjh.halsoval.plugins.module_utils.records import rules
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import Approval
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.garbage import (
    no_garbage_collection,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.gates import gates
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import phase
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.model import Record
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.words import some_of

from . import record_files, validation, yaml_text
from .approvals import Authority
from .record_errors import Errors
from .record_files import PART_FILES, Folder
from .yaml_text import Problem, TextError, short

_ENCRYPT = "expected an encrypted file (ansible-vault encrypt)"


@dataclass(frozen=True)
class Provider:
    """A valid record: what the inventory shows of it, and its data as JSON for the modules.

    `closed` are the gates that keep it from operation.
    """

    phase: str
    closed: tuple[str, ...]
    services: tuple[str, ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Reading:
    """What a record directory holds on a day.

    `providers` by id and `errors` by host name, both sorted; a host is in one of them.
    `invalid_ids` are the provider ids that an invalid record stands for, by its folder or its text.
    `conflicts` are what valid records claim that another valid one claims too, by host name: which
    of them stands is decided where the ledger is known.
    `by_clock` is whether nobody but the clock said the day.
    """

    as_of: dt.date
    providers: dict[str, Provider]
    errors: dict[str, tuple[str, ...]]
    invalid_ids: tuple[str, ...]
    conflicts: dict[str, tuple[str, ...]]
    findings: tuple[rules.Finding, ...]
    by_clock: bool = False
    approvals: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    proposal: Proposal | None = None


@dataclass(frozen=True)
class Proposed:
    """What somebody would have approved: a provider, and where new versions of its parts lie."""

    provider: str
    parts: Mapping[str, Path]


@dataclass(frozen=True)
class Proposal:
    """The same, read: the `parts` as they lie, and the record with them, None if it is invalid.

    `folder` is that of the approved record, `before` what lies there, None where that is no valid
    one, and `approvals` are those of its parts. `authority` is None where nothing needs approval.
    """

    provider: str
    folder: Path
    parts: Mapping[str, bytes] = field(repr=False)
    record: Record | None
    before: Record | None
    approvals: Mapping[str, Approval]
    authority: Authority | None


@dataclass
class _Draft:
    """A record while it is being read.

    `conflicts` are with other records. `is_clear` is whether its people stand in clear text.
    `stored` are the proposed parts.
    """

    folder: Folder
    errors: Errors
    conflicts: Errors
    texts: dict[str, str] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    stated_id: str | None = None
    record: Record | None = None
    is_clear: bool = False


def read(
    directory: Path,
    vault: VaultLib,
    as_of: dt.date,
    hsa_id_prefixes: Collection[str],
    groups: Collection[str] = (),
    require_vault: bool = False,
    authority: Authority | None = None,
    proposed: Proposed | None = None,
) -> Reading:
    """Every record in the directory. Raises SourceError where they cannot be used at all.

    A record with the name of one of the inventory's `groups` is invalid: each would hide the other.
    So is one whose people stand in clear text, where `require_vault` says so, and where there is an
    `authority` one with a part that has no approval. What is `proposed` stands in for what is
    approved, and needs none.
    """
    with no_garbage_collection():
        whose = proposed.provider if proposed else None
        folders = record_files.find(directory, groups, whose)
        drafts = [_draft(folder, vault, authority, proposed) for folder in folders]
        clear = [draft for draft in drafts if draft.is_clear]
        for draft in clear if require_vault else ():
            draft.errors.note("staff", [Problem(None, (), _ENCRYPT)])
        _apply_rules(drafts, hsa_id_prefixes, as_of)
        before = _before(folders, vault, authority, whose)
        valid = {d.folder.host: d.record for d in drafts if d.record is not None and not d.errors}
        invalid = sorted((d for d in drafts if d.errors), key=lambda d: d.folder.host)
        stands_for = {name for d in invalid for name in (d.folder.provider_id, d.stated_id) if name}
        return Reading(
            as_of=as_of,
            providers={host: _provider(valid[host], as_of) for host in sorted(valid)},
            errors={d.folder.host: d.errors.all() for d in invalid},
            conflicts={d.folder.host: d.conflicts.all() for d in drafts if d.conflicts},
            invalid_ids=tuple(sorted(stands_for - valid.keys())),
            findings=(
                *_in_clear_text(() if require_vault else clear),
                *rules.findings(list(valid.values())),
            ),
            approvals=_approvals(drafts, authority, whose),
            proposal=_proposal(drafts, before, authority),
        )


def _approvals(
    drafts: Iterable[_Draft], authority: Authority | None, proposed: str | None
) -> dict[str, tuple[Approval, ...]]:
    """The approvals that a run must know, by provider."""
    return {
        draft.folder.host: tuple(draft.approvals.values())
        for draft in drafts
        if authority and not draft.errors and draft.folder.path.name != proposed
    }


def _before(
    folders: Iterable[Folder], vault: VaultLib, authority: Authority | None, proposed: str | None
) -> _Draft | None:
    """The approved record of the provider for which something is proposed."""
    folder = next((each for each in folders if each.path.name == proposed), None)
    return _draft(folder, vault, authority, None) if folder else None


def _proposal(
    drafts: Iterable[_Draft], before: _Draft | None, authority: Authority | None
) -> Proposal | None:
    if before is None:
        return None
    draft = next(each for each in drafts if each.folder == before.folder)
    return Proposal(
        provider=draft.folder.path.name,
        folder=draft.folder.path,
        parts=draft.stored,
        record=None if draft.errors else draft.record,
        before=None if before.errors else before.record,
        approvals=before.approvals,
        authority=authority,
    )


def _in_clear_text(drafts: Sequence[_Draft]) -> Iterator[rules.Finding]:
    """One finding for all: where records are not encrypted, none is."""
    if drafts:
        whose = some_of([draft.folder.host for draft in drafts])
        message = (
            "expected encrypted files (ansible-vault encrypt); providers whose people stand in "
            f"clear text: {len(drafts)} ({whose})"
        )
        yield rules.Finding("not_encrypted", "", PART_FILES["staff"], message)


def _provider(record: Record, as_of: dt.date) -> Provider:
    closed = tuple(gate.name for gate in gates(record, as_of) if not gate.is_open)
    services, data = record.agreement.services, validation.dump(record)
    return Provider(phase(record, as_of), closed, services, data)


def _draft(
    folder: Folder, vault: VaultLib, authority: Authority | None, proposed: Proposed | None
) -> _Draft:
    """A record with the faults of its files and of its fields, all parts together."""
    draft = _Draft(folder, Errors(folder.path.name), Errors(folder.path.name))
    is_of = proposed is not None and proposed.provider == folder.path.name
    elsewhere = proposed.parts if proposed and is_of else {}
    if not is_of or folder.path.exists():
        draft.errors.note(None, record_files.stray_files(folder))
    parts = {}
    for part, name in PART_FILES.items() if is_of or folder.is_read else ():
        try:
            stored = _stored(draft, part, authority, elsewhere)
            draft.texts[part], encrypted = record_files.text_of(folder.path / name, stored, vault)
            draft.is_clear |= part == "staff" and not encrypted
            parts[part], problems = yaml_text.parse(draft.texts[part])
        except TextError as error:
            problems = [error.problem]
        draft.errors.note(part, problems)
    draft.record, faults = validation.check_fields(parts)
    draft.stated_id = _stated_id(parts.get("agreement"))
    if draft.record is not None and draft.record.id != folder.path.name:
        message = f"expected the folder's name, {short(folder.path.name)}"
        faults.append(("agreement", ("id",), message))
    draft.errors.note_faults(draft.texts, faults)
    return draft


def _stored(
    draft: _Draft, part: str, authority: Authority | None, elsewhere: Mapping[str, Path]
) -> bytes:
    """A part as it lies there: a proposed one, or one with its approval. Raises TextError."""
    folder = draft.folder.path
    if part in elsewhere:
        draft.stored[part] = record_files.read_bytes(elsewhere[part], anybodys=True)
        return draft.stored[part]
    stored = record_files.read_bytes(folder / PART_FILES[part])
    if authority:
        draft.approvals[part] = authority.approval(folder, folder.name, part, stored)
    return stored


def _apply_rules(
    drafts: Iterable[_Draft], hsa_id_prefixes: Collection[str], as_of: dt.date
) -> None:
    """The rules within each record whose fields are valid, and between those that are valid."""
    records = {}
    for draft in drafts:
        if draft.record is not None:
            problems = rules.check_record(draft.record, hsa_id_prefixes, as_of)
            draft.errors.note_faults(draft.texts, [(p.part, p.path, p.message) for p in problems])
            if not draft.errors:
                records[draft.record.id] = draft
    faults: dict[str, list[validation.Fault]] = defaultdict(list)
    for p in rules.check_all([d.record for d in records.values() if d.record is not None]):
        faults[p.provider].append((p.part, p.path, p.message))
    for provider, those in faults.items():
        records[provider].conflicts.note_faults(records[provider].texts, those)


def _stated_id(agreement: object) -> str | None:
    stated = agreement.get("id") if isinstance(agreement, dict) else None
    return stated if isinstance(stated, str) and record_files.is_provider_id(stated) else None
