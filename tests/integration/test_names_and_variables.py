# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and variables that Ansible reads too, in real runs of it: nobody is hidden by a name.

And what counts once for a run is the same for all hosts, or nothing is done.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import (
    RESERVED_IDS,
    luhn_valid,
)
from ansible_collections.regionjh.halsoval.tests.in_full import only_in_full
from ansible_collections.regionjh.halsoval.tests.integration.test_controller import (
    PLAYBOOK,
    PROBE_ACTION,
    PROBE_MODULE,
    SOURCE,
    VALID,
    Run,
    Site,
)

# Ids of records that are valid, beside the one with the name in question.
OTHERS = ("granbacken", "tallbacken")
SECRET = "Öppna-sesam-17"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two providers, in two phases."""
    site = Site(tmp_path)
    (tmp_path / "home").mkdir()
    site.write("empty.cfg", "")
    site.write("halsoval.yml", f"{SOURCE}as_of: 2026-03-02\n")
    site.write("site.yml", PLAYBOOK)
    site.write("action_plugins/probe.py", PROBE_ACTION)
    site.write("library/probe.py", PROBE_MODULE)
    shutil.copytree(VALID, tmp_path / "providers/tallbacken")
    site.add("granbacken", "559999-0016", "GB-PC-1")
    site.change("granbacken", "agreement", ", connected: 2025-10-01", "")
    return site


def listed(site: Site, *sources: str) -> dict[str, Any]:
    """The inventory as Ansible has it: hosts by group."""
    options = [word for source in ("halsoval.yml", *sources) for word in ("-i", source)]
    run = site.run(*options, "--list", program="ansible-inventory")
    assert run.rc == 0, run.output
    inventory: dict[str, Any] = json.loads(run.output[run.output.index("{") :])
    return inventory


def organisation_number(serial: int) -> str:
    """A valid one."""
    numbers = (f"55200{serial:04}{check}" for check in range(10))
    valid = next(number for number in numbers if luhn_valid(number))
    return f"{valid[:6]}-{valid[6:]}"


def failed(run: Run) -> set[str]:
    """The hosts that failed, by the recap."""
    recap = run.output.partition("PLAY RECAP")[2]
    return {
        host for host, count in re.findall(r"^(\S+) +:.*failed=(\d+)", recap, re.M) if count != "0"
    }


# --- names ---------------------------------------------------------------------------------------


def test_providers_with_names_of_ansibles_fail_alone_and_hide_nobody(site: Site) -> None:
    for serial, name in enumerate(RESERVED_IDS):
        site.add(name, organisation_number(serial), f"X-PC-{serial}")

    run = site.play("-v")

    assert run.rc == 2
    invalid = {f"invalid-{name}" for name in RESERVED_IDS}
    assert failed(run) == invalid
    assert all(run.recap(host)["changed"] == 1 for host in OTHERS)
    for name in RESERVED_IDS:
        assert (
            f"{name}/agreement.yml:1: id: expected another word than all, localhost" in run.output
        )
    # What they hold in the systems counts as their wish, and so it does for who shares people with
    # them.
    assert f'"invalid": {json.dumps(sorted(RESERVED_IDS))}' in run.output
    assert set(re.findall(r"^(\S+) +: ", run.output.partition("PLAY RECAP")[2], re.M)) == {
        *OTHERS, *invalid, "localhost",
    }  # fmt: skip


def test_limit_by_a_name_of_ansibles_still_means_all(site: Site) -> None:
    for name in ("all", "providers"):
        site.add(name, "552000-0018", "X-PC-1")
        run = site.play("--limit", name)
        assert all(run.recap(host)["changed"] == 1 for host in OTHERS)
        shutil.rmtree(site.path / "providers" / name)


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_provider_with_the_name_of_another_sources_group_fails_alone(
    site: Site, first: bool
) -> None:
    """Before the records are read the group is known; after that the host's own result fails."""
    site.add("glesbygd", "552000-0018", "X-PC-1")
    site.write("regions.ini", "[glesbygd]\ntallbacken\n[tatort]\ngranbacken\n")
    sources = ["-i", "halsoval.yml", "-i", "regions.ini"]

    run = site.run(*(sources[2:] + sources[:2] if first else sources), "site.yml")

    assert run.rc == 2
    host = "invalid-glesbygd" if first else "glesbygd"
    assert failed(run) == {host}
    assert all(run.recap(other)["changed"] == 1 for other in OTHERS)
    words = "expected an id that is no group of the inventory" if first else "a group is named"
    assert words in run.output


def test_a_group_that_a_constructed_source_makes_fails_the_provider_of_its_name_alone(
    site: Site,
) -> None:
    site.write(
        "later-constructed.yml",
        """
        plugin: ansible.builtin.constructed
        groups: {granbacken: inventory_hostname == 'tallbacken'}
        """,
    )

    run = site.run("-i", "halsoval.yml", "-i", "later-constructed.yml", "site.yml")

    assert failed(run) == {"granbacken"}
    assert "a group is named granbacken too: rename it" in run.output
    limited = site.run(
        *("-i", "halsoval.yml", "-i", "later-constructed.yml", "site.yml"),
        *("--limit", "localhost,granbacken"),
    )
    assert limited.rc == 2  # Ansible takes the host alone


@pytest.mark.parametrize("limit", [[], ["--limit", "tallbacken"]], ids=["all", "limit"])
def test_a_host_of_another_source_with_the_name_of_our_group_stops_the_run(
    site: Site, limit: list[str]
) -> None:
    site.write("others.ini", "providers\n")

    run = site.run(*("-i", "halsoval.yml", "-i", "others.ini", "regionjh.halsoval.onboard", *limit))

    assert run.rc == 4
    assert "a host named providers hides the group providers" in run.output
    assert "halsoval.hsa" not in run.output


def test_every_group_that_we_make_is_reserved_or_no_id(site: Site) -> None:
    groups = listed(site).keys() - {"_meta"}

    assert {group for group in groups if "_" not in group} <= set(RESERVED_IDS)
    assert {"all", "providers", "phase_operation", "service_vardutbud_bas"} <= groups


# --- variables -----------------------------------------------------------------------------------


def vaulted(text: str) -> str:
    """A value of ansible-vault, as it stands in a YAML file; each time another ciphertext."""
    cipher = VaultLib([("default", VaultSecret(b"open sesame"))]).encrypt(text.encode())
    return "!vault |\n" + "".join(f"  {line}\n" for line in cipher.decode().splitlines())


def onboard(site: Site, *options: str, playbook: str = "onboard") -> Run:
    """Run a playbook of ours; no system is there to answer."""
    site.write("password", "open sesame")
    return site.run(
        *("-i", "halsoval.yml", f"regionjh.halsoval.{playbook}"),
        *("--vault-password-file", "password", *options),
    )


def refused(run: Run, words: str) -> None:
    """No system's task ran, every provider failed, and the reason was told once."""
    assert run.rc == 2, run.output
    assert failed(run) == set(OTHERS)
    (reason,) = re.findall(r'"msg": "(expected one value for all hosts .*)"', run.output)
    assert words in reason
    tasks = [part for part in run.output.split("\nTASK [") if part.startswith("regionjh.halsoval.")]
    # Each of the seven roles looks at its arguments, and does its work.
    assert len(tasks) == 2 * 7
    assert all("\nskipping: [" in task for task in tasks)


# (files that make it differ, the words about it)
DIFFERENT = {
    "phase": (
        {"group_vars/phase_establishment.yml": "halsoval_systems: [hsa]\n"},
        "halsoval_systems differs between granbacken and tallbacken",
    ),
    "the other phase": (
        {"group_vars/phase_operation.yml": "halsoval_systems: [hsa]\n"},
        "halsoval_systems differs between granbacken and tallbacken",
    ),
    "host": (
        {"host_vars/tallbacken.yml": "halsoval_expected_plan: [3f1c0a7be2d94c55]\n"},
        "halsoval_expected_plan differs between",
    ),
    "over the group of all": (
        {
            "group_vars/all.yml": "halsoval_hsa_server_uri: ldaps://a\n",
            "group_vars/phase_operation.yml": "halsoval_hsa_server_uri: ldaps://b\n",
        },
        "halsoval_hsa_server_uri differs between",
    ),
    "one that is read": (
        {
            "group_vars/all.yml": 'halsoval_outbox: "{{ place }}/out"\nplace: /srv/a\n',
            "host_vars/tallbacken.yml": "place: /srv/b\n",
        },
        "halsoval_outbox reads place, which differs between",
    ),
    "the host's groups": (
        {
            "group_vars/all.yml": """
            halsoval_hsa_lead_days: "{{ 56 if 'phase_operation' in group_names else 0 }}"
            """
        },
        "halsoval_hsa_lead_days reads group_names, which differs between",
    ),
    "the day": (
        {"host_vars/granbacken.yml": 'halsoval_as_of: "2026-04-01"\n'},
        "halsoval_as_of differs between",
    ),
    "how a module runs": (
        {"host_vars/granbacken.yml": "ansible_become: true\n"},
        "ansible_become differs between",
    ),
    "a secret": (
        {
            "group_vars/all.yml": f"halsoval_hsa_bind_password: {vaulted('another')}",
            "host_vars/tallbacken.yml": f"halsoval_hsa_bind_password: {vaulted(SECRET)}",
        },
        "halsoval_hsa_bind_password differs between",
    ),
}


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("--check", "--diff"), marks=only_in_full)],
    ids=["run", "check"],
)
@pytest.mark.parametrize(("files", "words"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_counts_once_and_differs_is_refused_before_anything_is_done(
    site: Site, files: dict[str, str], words: str, options: tuple[str, ...]
) -> None:
    for name, text in files.items():
        site.write(name, text)

    run = onboard(site, *options, "-vvv")

    refused(run, words)
    assert SECRET not in run.output


def test_with_limit_the_providers_that_are_left_out_count_too(site: Site) -> None:
    site.write("group_vars/phase_establishment.yml", "halsoval_systems: [hsa]\n")

    run = onboard(site, "--limit", "tallbacken")

    assert run.rc == 2
    assert failed(run) == {"tallbacken"}
    assert "halsoval_systems differs between tallbacken and granbacken" in run.output


def test_receipts_refuse_for_their_part_of_ad_too(site: Site) -> None:
    site.write("group_vars/phase_establishment.yml", "halsoval_systems: [hsa]\n")
    (site.path / "inbox").mkdir()

    run = onboard(site, "-e", f"halsoval_inbox={site.path}/inbox", playbook="receipts")

    assert failed(run) == set(OTHERS)
    assert "halsoval_systems differs between granbacken and tallbacken" in run.output
    assert "Bring Active Directory" not in run.output.partition("skipping")[0]


@pytest.mark.parametrize("playbook", ["audit", "hold", "receipts"])
@pytest.mark.parametrize("variable", ["halsoval_ledger_url", "halsoval_state_directory"])
def test_a_ledger_that_is_not_the_providers_is_refused(
    site: Site, playbook: str, variable: str
) -> None:
    """Of a hold in another ledger, no run would know."""
    site.write("group_vars/providers.yml", f"{variable}: {site.path}/elsewhere\n")

    run = onboard(site, "-e", f"halsoval_inbox={site.path}/inbox", playbook=playbook)

    assert run.rc == 2
    assert f"{variable} differs between localhost and granbacken" in run.output
    assert not (site.path / "home/.ansible/halsoval").exists()


# What differs and does not count once, or does not differ.
ALIKE = {
    "of one's own": {"host_vars/tallbacken.yml": "contact: anna\nhalsoval_note: kalle\n"},
    "for all providers": {"group_vars/providers.yml": "halsoval_systems: []\n"},
    "said twice": {
        "group_vars/phase_operation.yml": "halsoval_systems: []\n",
        "host_vars/granbacken.yml": "halsoval_systems: []\n",
    },
    "one password encrypted twice": {
        "group_vars/providers.yml": "halsoval_systems: []\n",
        "group_vars/all.yml": f"halsoval_hsa_bind_password: {vaulted(SECRET)}",
        "host_vars/tallbacken.yml": f"halsoval_hsa_bind_password: {vaulted(SECRET)}",
    },
    "a lookup": {
        "group_vars/all.yml": """
        halsoval_systems: []
        halsoval_hsa_bind_password: "{{ lookup('ansible.builtin.pipe', 'echo asked >> ' ~ log) }}"
        log: "{{ inventory_dir }}/asked"
        """
    },
}


@pytest.mark.parametrize("files", ALIKE.values(), ids=ALIKE.keys())
def test_what_is_alike_or_each_providers_own_is_no_matter(
    site: Site, files: dict[str, str]
) -> None:
    for name, text in files.items():
        site.write(name, text)

    run = onboard(site, *(() if any("systems" in t for t in files.values()) else NO_SYSTEM), "-v")

    assert run.rc == 0, run.output
    assert failed(run) == set()
    assert not (site.path / "asked").exists()  # comparing asks no secret store
    assert SECRET not in run.output


NO_SYSTEM = ("-e", '{"halsoval_systems": []}')


def test_an_extra_variable_is_the_same_for_all(site: Site) -> None:
    site.write("group_vars/phase_establishment.yml", "halsoval_systems: [hsa]\n")

    assert onboard(site, *NO_SYSTEM).rc == 0
