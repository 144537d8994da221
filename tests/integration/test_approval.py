# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval, whole: a draft is shown, signed, noted and put in its place, and what is not stays out.

The directory is real, and so are ssh-keygen and ssh-agent.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.approval import Manifest
from ansible_collections.regionjh.halsoval.tests.keys import Keys
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import number

from .onboarding import Run, Site, empty, held, make_site, restore

FJALL, BRACKE, STORSJO = "fjallhalsan", "bracke-lakarhus", "storsjokliniken"
RAGUNDA, HALLEDAL = "ragunda-halsocentral", "halledalens-vard"
SOURCE = """\
plugin: regionjh.halsoval.providers
records: approved
drafts: providers
allowed_signers: allowed_signers
revoked_signers: revoked_signers
as_of: 2026-03-02
"""
POSITION = "Verksamhetschef, specialist i allmänmedicin"


@dataclass(frozen=True)
class Office:
    """A site whose records count once they are approved, and the keys of those who may."""

    site: Site
    keys: Keys

    @property
    def inventory(self) -> Path:
        return self.site.path / "inventory"

    @property
    def approved(self) -> Path:
        """The record directory."""
        return self.inventory / "approved"

    @property
    def kept(self) -> tuple[Path, ...]:
        """All that a test may change but for the directory of people."""
        return (self.inventory, self.site.state)

    def approve(self, key: str, *options: str, provider: str = FJALL, **more: object) -> Run:
        """Run the playbook; without `halsoval_systems` it shows no plan, which saves time."""
        signing = {"approve_key": str(self.keys.path / key)} if key else {}
        variables = {"halsoval_systems": [], **signing, **more}
        return self.site.play("approve", *options, approve_provider=provider, **variables)

    def forge(self, provider: str, part: str, version: int, key: str, about: str = "") -> None:
        """Put an approval there by hand; `about` is another part than it lies beside."""
        folder = self.approved / provider
        file = folder / f"{part}.yml"
        manifest = Manifest(provider, part, version, sha256(file.read_bytes()).hexdigest())
        text = replace(manifest, part=about or part).text()
        file.with_name(f"{part}.yml.approval").write_text(text)
        file.with_name(f"{part}.yml.approval.sig").write_text(self.keys.sign(key, text))


def reason(run: Run) -> str:
    """Why a run of approve failed, in one line."""
    assert run.rc == 2, run.output
    (told,) = re.findall(r'^fatal: \[localhost\].*"msg": "(.*?)"[,}]', run.output, re.MULTILINE)
    return str(told)


@pytest.fixture(scope="module")
def made(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Five providers that are approved and onboarded."""
    empty(lab)
    path = tmp_path_factory.mktemp("approval")
    keys = Keys(path / "keys")
    keys.path.mkdir()
    office = Office(make_site(path / "site", lab), keys)
    (office.inventory / "halsoval.yml").write_text(SOURCE)
    (office.inventory / "revoked_signers").touch()
    office.approved.mkdir()
    (office.inventory / "allowed_signers").write_text(
        keys.line("anna", "region:anna")
        + keys.line("bo", f"{FJALL}/bo")
        + keys.line("eva", f"{BRACKE}/eva")
        + keys.line("former", "region:former", 'valid-before="20260301235959Z"')
    )
    for provider in (FJALL, BRACKE, STORSJO, RAGUNDA, HALLEDAL):
        run = office.approve("anna", provider=provider)
        assert run.rc == 0, run.output
    run = office.site.onboard()
    assert run.rc == 0, run.output
    yield office
    empty(lab)


@pytest.fixture
def office(made: Office) -> Iterator[Office]:
    """The same, for a test to change."""
    content = held(made.site.lab)
    aside = made.site.path / "aside"
    for path in made.kept:
        shutil.copytree(path, aside / path.name, symlinks=True)
    yield made
    for path in made.kept:
        shutil.rmtree(path)
        shutil.move(aside / path.name, path)
    restore(made.site.lab, content)


# --- what is approved counts ----------------------------------------------------------------------


def test_a_draft_changes_nothing_until_it_is_approved_and_its_plan_is_shown(office: Office) -> None:
    site, before = office.site, held(office.site.lab)
    site.edit(FJALL, "staff", POSITION, "Verksamhetschef")

    assert site.onboard().hosts("changed") == set()
    shown = office.approve("", "--check", halsoval_systems=["hsa"])
    assert shown.rc == 0, shown.output
    assert POSITION in shown.output
    assert f"region:<name> or {FJALL}/<name>" in shown.output
    assert not site.onboard().hosts("changed")
    assert held(site.lab) == before

    approved = office.approve("bo", halsoval_systems=["hsa"])
    assert approved.rc == 0, approved.output
    assert held(site.lab) == before
    assert office.approve("bo").recap["localhost"]["changed"] == 0
    assert site.onboard().hosts("changed") == {FJALL}
    assert held(site.lab) != before
    row = [row for row in site.audit_log() if row["event"] == "approved"][-1]
    assert row["object"] == f"staff {FJALL} 2"
    assert f"{FJALL}/bo SHA256:" in row["result"]


def test_a_run_that_would_carry_a_draft_out_is_refused(office: Office) -> None:
    run = office.site.onboard(approve_provider=FJALL)

    assert run.rc != 0
    assert "expected check mode: with approve_provider drafts stand among the records" in run.output


# --- what is not approved does not ----------------------------------------------------------------


def test_whatever_was_not_approved_is_an_error_and_the_provider_stays_as_it_is(
    office: Office,
) -> None:
    site, before = office.site, held(office.site.lab)
    # A tampered record.
    staff = office.approved / FJALL / "staff.yml"
    staff.write_text(staff.read_text().replace(POSITION, "Verksamhetschef"))
    # A stranger's signature, and one for another part of the same provider.
    office.forge(BRACKE, "staff", 1, "stranger")
    office.forge(STORSJO, "staff", 1, "anna", about="equipment")
    (office.approved / RAGUNDA / "staff.yml.approval.sig").unlink()
    # Well signed, by somebody who may, and yet never approved.
    equipment = office.approved / HALLEDAL / "equipment.yml"
    equipment.write_text(equipment.read_text() + "# more\n")
    office.forge(HALLEDAL, "equipment", 2, "anna")

    run = site.onboard()

    assert run.hosts("failed") == {FJALL, BRACKE, STORSJO, RAGUNDA, HALLEDAL}
    for told in (
        f"{FJALL}/staff.yml: expected the part as it was approved; it was changed since",
        f"{BRACKE}/staff.yml: expected a signature by a key of region:<name> or {BRACKE}/<name>,"
        " not one that allowed_signers does not name",
        f"{STORSJO}/staff.yml: expected an approval of this part, not one of equipment of",
        f"{RAGUNDA}/staff.yml: staff.yml.approval.sig: expected this file; it is missing",
        f"{HALLEDAL}/equipment.yml: expected version 1 as it was approved, not another one",
    ):
        assert told in run.output
    assert held(site.lab) == before
    # Nor is there a sheet of it.
    assert site.play("verify", "--limit", HALLEDAL).hosts("failed") == {HALLEDAL}


def test_an_older_version_is_refused_and_the_approved_one_is_put_back_by_approving_it_again(
    office: Office,
) -> None:
    """So is a run of approve that was killed once the approval was noted."""
    site, folder = office.site, office.approved / FJALL
    older = office.site.path / "older"
    shutil.copytree(folder, older)
    site.edit(FJALL, "staff", POSITION, "Verksamhetschef")
    assert office.approve("bo").rc == 0
    shutil.rmtree(folder)
    shutil.copytree(older, folder)
    before = held(site.lab)

    run = site.onboard()

    assert run.hosts("failed") == {FJALL}
    told = f"{FJALL}/staff.yml: version 1 is older than the approved one, which is 2"
    assert told in run.output
    assert held(site.lab) == before
    assert office.approve("bo").rc == 0
    assert site.onboard().hosts("changed") == {FJALL}


def test_an_allowed_signers_that_cannot_be_read_stops_everything(office: Office) -> None:
    before = held(office.site.lab)
    with (office.inventory / "allowed_signers").open("a") as file:
        file.write(office.keys.line("anna", "region:anna", 'valid-before="20260230235959Z"'))

    run = office.site.onboard()

    assert run.rc != 0
    assert "allowed_signers:5: expected valid-before=" in run.output
    assert held(office.site.lab) == before


def test_who_may_not_approve_does_not(office: Office) -> None:
    site, keys = office.site, office.keys
    site.edit(FJALL, "staff", POSITION, "Verksamhetschef")

    refused = reason(office.approve("former"))
    assert "region:former might sign until 2026-03-01, and today is 2026-03-02" in refused
    assert "not that of bracke-lakarhus/eva" in reason(office.approve("eva"))
    (office.inventory / "revoked_signers").write_text(f"{keys.public('bo')}\n")
    refused = reason(office.approve("bo"))
    assert f"the key of {FJALL}/bo, SHA256:" in refused
    assert "is revoked" in refused


def test_what_a_key_approved_counts_after_it_is_revoked_and_is_approved_anew_by_another(
    office: Office,
) -> None:
    site = office.site
    site.edit(FJALL, "staff", POSITION, "Verksamhetschef")
    assert office.approve("bo").rc == 0
    (office.inventory / "revoked_signers").write_text(f"{office.keys.public('bo')}\n")

    run = site.onboard("-v")

    assert run.hosts("changed") == {FJALL}
    assert run.rc == 0
    assert f"staff.yml was approved by {FJALL}/bo with a key that is revoked by now" in run.output
    assert office.approve("anna").recap["localhost"]["changed"] == 1
    assert "approved_by_revoked_key" not in site.onboard("-v").output


def test_an_orderer_links_no_numbers(office: Office) -> None:
    with office.site.people(FJALL) as people:
        people[0]["previous_numbers"] = [number(77)]

    refused = reason(office.approve("bo"))

    assert f"{FJALL}/staff.yml: expected a signature by region:<name>" in refused
    assert "people[0].previous_numbers: numbers are linked that were not before" in refused
    assert number(77) not in refused
    assert office.approve("anna").rc == 0


# --- ways to sign ---------------------------------------------------------------------------------


@pytest.fixture
def agent(office: Office) -> Iterator[dict[str, str]]:
    """The environment of an ssh-agent that has a key which is on no disk any more."""
    socket = office.keys.path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        environment = {"SSH_AUTH_SOCK": str(socket)}
        key = office.keys.private("bo")
        aside = key.with_suffix(".aside")
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, **environment}, check=True)
        key.rename(aside)
        yield environment
        aside.rename(key)
    finally:
        agent.terminate()
        agent.wait()


def test_approval_by_ssh_agent(office: Office, agent: dict[str, str]) -> None:
    office.site.edit(FJALL, "staff", POSITION, "Verksamhetschef")

    def approve(environment: dict[str, str]) -> int:
        process = office.site.start(
            playbook="approve", environment=environment, approve_provider=FJALL,
            approve_key=str(office.keys.path / "bo.pub"), halsoval_systems=[],
        )  # fmt: skip
        process.communicate(timeout=120)
        return process.returncode

    assert approve({"SSH_AUTH_SOCK": ""}) == 2
    assert approve(agent) == 0
    signature = office.approved / FJALL / "staff.yml.approval"
    verified = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", office.inventory / "allowed_signers",
         "-I", f"{FJALL}/bo", "-n", "halsoval-approval", "-s", f"{signature}.sig"],
        input=signature.read_bytes(), capture_output=True, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr


def test_a_signature_made_elsewhere_is_taken_once_it_is_there(office: Office) -> None:
    office.site.edit(FJALL, "staff", POSITION, "Verksamhetschef")
    directory = office.site.path / "signing"
    directory.mkdir()

    waits = office.approve("", approve_directory=str(directory))
    (manifest,) = directory.iterdir()
    assert waits.rc == 0
    assert waits.recap["localhost"]["changed"] == 0
    assert str(manifest) in waits.output
    signature = manifest.with_name(f"{manifest.name}.sig")
    signature.write_text(office.keys.sign("bo", manifest.read_text()))
    # What was signed is what is approved, and not what the draft has become meanwhile.
    office.site.edit(FJALL, "staff", "Verksamhetschef", "Chef")
    assert office.approve("", approve_directory=str(directory)).recap["localhost"]["changed"] == 0
    assert not signature.exists()
    signature.write_text(office.keys.sign("bo", manifest.read_text()))
    assert office.approve("", approve_directory=str(directory)).recap["localhost"]["changed"] == 1


def test_what_withdraws_access_needs_no_signature(office: Office) -> None:
    site = office.site
    with site.people(FJALL) as people:
        for assignment in people[1]["assignments"]:
            assignment["to"] = "2026-03-01"

    assert "expected a signature by" in reason(_with_more(office))
    assert office.approve("").rc == 0
    run = site.onboard()
    assert run.hosts("changed") == {FJALL}
    assert not run.hosts("failed")


def _with_more(office: Office) -> Run:
    """The draft with something more, approved by nobody; and then without it again."""
    file = office.site.providers / FJALL / "equipment.yml"
    text = file.read_text()
    file.write_text(text.replace("Kortläsare X", "Kortläsare Y"))
    try:
        return office.approve("")
    finally:
        file.write_text(text)


# --- going back -----------------------------------------------------------------------------------


def test_an_approved_version_is_brought_back(office: Office) -> None:
    site, before = office.site, held(office.site.lab)
    digest = sha256((office.approved / FJALL / "staff.yml").read_bytes()).hexdigest()
    site.edit(FJALL, "staff", POSITION, "Verksamhetschef")
    assert office.approve("bo").rc == 0
    assert site.onboard().hosts("changed") == {FJALL}

    back = office.approve("bo", approve_version=digest[:12], halsoval_systems=["hsa"])

    assert back.rc == 0, back.output
    assert POSITION in back.output
    assert site.onboard().hosts("changed") == {FJALL}
    assert held(site.lab).differing(before) == set()
    manifest = (office.approved / FJALL / "staff.yml.approval").read_text()
    assert "number 3\n" in manifest
    assert digest in manifest
