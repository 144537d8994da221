# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: providers
short_description: Approved provider records as hosts
version_added: 0.1.0
description:
  - Each folder of the record directory is a host, named by the provider's id, in the group
    V(providers), in a group for its phase (V(phase_application), V(phase_establishment),
    V(phase_operation), V(phase_wind_down), V(phase_ended)) and in a group for each service that
    its agreement names (V(service_<key>)).
  - The record directory, the folders in it and the files in those must belong to root or the user
    of the run, and nobody else may have the right to write them. A group may that has the owner's
    name and no other member. Symbolic links in it are errors.
  - A record that cannot be read or is invalid is a host in the group V(invalid_records), with all
    its errors in the variable C(halsoval_record_errors). Other records go on.
  - What a record claims that another one claims too is in C(halsoval_record_conflicts) of both
    hosts. Only a run knows who held it before, and so which of the two is invalid.
  - All records are read and checked once per run, vault-encrypted ones too, and stay in memory for
    the actions of this collection. They are data. Nothing in them is a template, and no personal
    data become variables.
  - Each part of a record has its approval beside it, which M(regionjh.halsoval.approve) writes. A
    part without one, or with another one's, makes its record invalid.
  - With the extra variable C(approve_provider) the drafts of that provider stand in for its
    approved parts, in check mode alone; see the playbook C(regionjh.halsoval.approve).
  - Ansible goes on when an inventory source fails, and exits with 0. Begin every playbook with
    M(regionjh.halsoval.records), which fails then.
author:
  - Contributors to the regionjh.halsoval collection (@regionjh)
notes:
  - The source's name must end with C(halsoval.yml) or C(halsoval.yaml).
  - Give the file itself with C(-i). When given its directory, Ansible tries to read every file in
    it as an inventory.
requirements:
  - pydantic >= 2
  - tzdata, where the system has no time zones
  - ssh-keygen of OpenSSH 8.2 or later, where O(approval=signed)
options:
  plugin:
    description: Marks a file as a source of this plugin.
    type: str
    required: true
    choices:
      - regionjh.halsoval.providers
  records:
    description: The record directory, relative to the source file.
    type: str
    default: providers
  as_of:
    description:
      - The day that everything is computed for, V(YYYY-MM-DD).
      - The extra variable C(halsoval_as_of) goes before it. Without either it is today in
        Europe/Stockholm.
    type: raw
  hsa_id_prefixes:
    description:
      - What the HSA-ids in the records may begin with.
      - Add a test prefix such as V(TSTNMT2321000156-) to allow it.
    type: list
    elements: str
    default:
      - SE2321000214-
  require_vault:
    description:
      - A record whose C(staff.yml) is not encrypted is invalid.
      - Without it that is a finding of M(regionjh.halsoval.records).
      - V(true) or V(false); another word stops the run.
    type: raw
    default: false
  approval:
    description:
      - Whether parts of records count only once they are approved.
      - V(unsigned) is for labs and tests, and while there are no keys yet. Whoever may write the
        record directory then decides who gets in.
    type: str
    choices: [signed, unsigned]
    default: signed
  allowed_signers:
    description:
      - Who may approve, a file as in ssh-keygen(1), relative to the source file.
      - Principals are V(region:<name>), and V(<provider id>/<name>) for the authorised orderers of
        a provider. Each line has C(namespaces="halsoval-approval").
      - Required where O(approval=signed).
    type: str
  revoked_signers:
    description:
      - Keys that approve nothing any more, a public key on each line, relative to the source file.
    type: str
  drafts:
    description:
      - The directory of drafts, laid out as O(records), relative to the source file. What lies
        there counts for nothing.
    type: str
"""

EXAMPLES = r"""
# inventories/production/halsoval.yml, beside the directory inventories/production/providers
plugin: regionjh.halsoval.providers
allowed_signers: allowed_signers

---
# Records elsewhere, everything computed for one day
plugin: regionjh.halsoval.providers
records: /srv/halsoval/approved
drafts: /srv/halsoval/drafts
allowed_signers: /etc/halsoval/allowed_signers
revoked_signers: /etc/halsoval/revoked_signers
as_of: 2026-03-02
"""

import datetime as dt
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import parse_day
from ansible_collections.regionjh.halsoval.plugins.module_utils.records.lifecycle import (
    STOCKHOLM,
    Phase,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils import record_store
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.allowed_signers import (
    read_revoked,
    read_signers,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approvals import Authority
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.approved_records import (
    Proposed,
    Reading,
    read,
)
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.proposals import proposed
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_files import SourceError


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]  # ansible-core has no types
    """Reads the records of one source, keeps them for the run and shows them as hosts."""

    NAME = "regionjh.halsoval.providers"

    def verify_file(self, path: str) -> bool:
        name_fits = path.endswith(("halsoval.yml", "halsoval.yaml"))
        return name_fits and bool(super().verify_file(path))

    def parse(
        self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True
    ) -> None:
        super().parse(inventory, loader, path, cache)
        try:
            reading = self._read(Path(path), loader)
        except Exception as error:
            # Ansible turns the error into a warning; the start check says it again and fails.
            record_store.keep(path, _reason(error))
            raise AnsibleParserError(_reason(error)) from None
        record_store.keep(path, reading)
        self._show(reading)

    def _read(self, source: Path, loader: DataLoader) -> Reading:
        config = self._read_config_data(str(source))
        if unknown := ", ".join(sorted(config.keys() - self.get_options().keys())):
            raise SourceError(f"expected only documented options in {source}, not {unknown}")
        require_vault = self.get_option("require_vault")
        # Ansible's own type bool takes what it does not know for false.
        if not isinstance(require_vault, bool):
            raise SourceError("require_vault: expected true or false")
        given = self._vars.get("halsoval_as_of") or self.get_option("as_of")
        as_of = _day(given)
        reading = read(
            source.parent / self.get_option("records"),
            loader._vault,
            as_of,
            tuple(self.get_option("hsa_id_prefixes")),
            self.inventory.groups,
            require_vault,
            self._authority(source.parent, as_of),
            self._proposed(source.parent),
        )
        return replace(reading, by_clock=given is None)

    def _authority(self, directory: Path, as_of: dt.date) -> Authority | None:
        """Who may approve; None where nobody needs to."""
        if self.get_option("approval") == "unsigned":
            return None
        signers, revoked = self.get_option("allowed_signers"), self.get_option("revoked_signers")
        if not signers:
            raise SourceError(
                "expected allowed_signers in the inventory source, who may approve records; or"
                " approval: unsigned, where nobody does"
            )
        return Authority(
            read_signers(directory / signers),
            read_revoked(directory / revoked) if revoked else frozenset(),
            as_of,
        )

    def _proposed(self, directory: Path) -> Proposed | None:
        """What the playbook approve asks for by extra variables."""
        if (provider := self._vars.get("approve_provider")) is None:
            return None
        records, drafts = directory / self.get_option("records"), self.get_option("drafts")
        return proposed(
            str(provider),
            records,
            directory / drafts if drafts else None,
            self._vars.get("approve_parts"),
            self._vars.get("approve_version"),
        )

    def _show(self, reading: Reading) -> None:
        for group in ("providers", "invalid_records", *(f"phase_{p}" for p in get_args(Phase))):
            self.inventory.add_group(group)
        self.inventory.add_child("providers", "invalid_records")
        self.inventory.set_variable("providers", "halsoval_as_of", reading.as_of.isoformat())
        for host, provider in reading.providers.items():
            services = [f"service_{key}" for key in provider.services]
            self._add_host(host, "providers", f"phase_{provider.phase}", *services)
        for host, errors in reading.errors.items():
            self._add_host(host, "invalid_records")
            self.inventory.set_variable(host, "halsoval_record_errors", list(errors))
        for host, conflicts in reading.conflicts.items():
            self.inventory.set_variable(host, "halsoval_record_conflicts", list(conflicts))

    def _add_host(self, host: str, *groups: str) -> None:
        for group in groups:
            self.inventory.add_group(group)
            self.inventory.add_host(host, group=group)
        # Modules run where the records are, with the Python that has what they need.
        self.inventory.set_variable(host, "ansible_connection", "local")
        self.inventory.set_variable(host, "ansible_python_interpreter", sys.executable)


def _day(given: Any) -> dt.date:
    if given is None:
        return dt.datetime.now(STOCKHOLM).date()
    try:
        return parse_day(given)
    except ValueError as error:
        raise SourceError(f"halsoval_as_of or as_of: {error}") from None


def _reason(error: Exception) -> str:
    """Why the source could not be read; of a fault in the software only where it is.

    What such an exception says may quote a record.
    """
    if isinstance(error, SourceError | AnsibleError):
        return str(error)
    if isinstance(error, ImportError):
        return f"the Python library {error.name} is missing: pip install {error.name}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.filename}:{place.lineno} while reading the records"
