# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registers answer, from a file in the inbox to a real directory."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.regionjh.halsoval.tests.integration.onboarding import (
    AS_OF,
    Run,
    Site,
    empty,
    held,
    make_site,
)
from ansible_collections.regionjh.halsoval.tests.lab import Lab
from ansible_collections.regionjh.halsoval.tests.unit.builders import number, person, record

HEADINGS = (
    "Personnummer;Register;Datum;Status;Skyddade personuppgifter;Förnamn;Efternamn;Legitimation"
)
ONLY_HSA = {"halsoval_systems": ["hsa"]}


def done(run: Run) -> Run:
    assert run.rc == 0, run.output
    return run


def answer(site: Site, index: int, status: str, hidden: str) -> str:
    name = "Kanarie;Fågel" if hidden == "ja" else f"Anna{index};Fjällström"
    return f"{number(index)};folkbokföring;{AS_OF};{status};{hidden};{name};"


def test_the_deceased_lose_access_and_the_protected_their_name_by_the_next_onboard(
    lab: Lab, tmp_path: Path
) -> None:
    site = make_site(tmp_path / "site", lab, examples=False)
    site.put(record("alfa", [person(index) for index in (1, 2, 3)]))
    empty(lab)
    # An HSA-id is remembered when a run reads it.
    for _time in range(2):
        done(site.onboard(**ONLY_HSA))
    before, ids = held(lab), {}
    for index in (1, 2, 3):
        entry = before.person(number(index))
        assert entry is not None
        (ids[index],) = entry["hsaIdentity"]
    folder = site.inbox / "registers"
    folder.mkdir(parents=True)
    site.inbox.chmod(0o700)
    lines = (HEADINGS, answer(site, 1, "avliden", "nej"), answer(site, 2, "levande", "ja"), "")
    (folder / "svar.csv").write_text("\n".join(lines), encoding="utf-8")

    told = [done(site.play("register_check", "--check", "-vvv", **ONLY_HSA))]
    assert (folder / "svar.csv").exists()
    told.append(done(site.play("register_check", "-vvv", **ONLY_HSA)))
    assert list(folder.iterdir()) == []
    told.append(done(site.onboard("--diff", "-vvv", **ONLY_HSA)))
    after = held(lab)
    assert after.members("alfa") == before.members("alfa") - {ids[1]}
    hidden = after.person(number(2))
    assert hidden is not None
    assert "hsaConfidentialPerson" in hidden["objectClass"]
    assert "Fjällström" not in hidden["sn"]

    run, report = site.reconcile("-vvv", **ONLY_HSA)
    told.append(run)
    found = {(one["name"], one["object"]) for one in report["findings"]}
    assert {("deceased", ids[1]), ("protection_changed", ids[2])} <= found
    assert run.rc == 2
    lift = {"hold_state": "lifted", "hold_object": ids[1]}
    done(site.play("hold", **ONLY_HSA, **lift))
    done(site.onboard(**ONLY_HSA))
    assert held(lab).members("alfa") == before.members("alfa")
    for run in told:
        assert not [w for w in (number(1), number(2), "Kanarie", "Fågel") if w in run.output]
    empty(lab)


def test_a_night_hears_nothing_of_registers_that_nobody_asked(lab: Lab, tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", lab, examples=False)
    site.put(record("alfa", [person(1)]))
    empty(lab)
    run, report = site.reconcile(**ONLY_HSA)
    done(run)
    assert [one["system"] for one in report["systems"]] == ["hsa"]
    empty(lab)
