# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of bad record: what its author is told, to the word."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.regionjh.halsoval.plugins.module_utils.records.identifiers import spellings
from ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_files import SourceError

from .conftest import VAULT, Records

CANARY = "189901019803"


def test_valid_record_has_no_errors(records: Records) -> None:
    assert records.read().errors == {}


# (part, text that is replaced, text instead, the errors without "tallbacken/<part>.yml:")
TEXT = [
    # YAML itself
    ("staff", "people:", "people: [", [
        "2: column 3: expected a value; check the brackets and hyphens"
    ]),
    ("staff", "surname: Tolvansson", "surname: Tolvansson: x", [
        "5: column 24: expected a line `field: value`; quote values that hold a colon, "
        "and check the indentation"
    ]),
    ("staff", "surname: Tolvansson", "surname: @x", [
        "5: column 14: expected spaces for indentation, and quotes around values that begin with "
        "%, @, ` or a tab"
    ]),
    ("staff", "surname: Tolvansson", "surname: 'x", [
        "13: column 16: expected a field at this indentation, and no quote inside a text"
    ]),
    ("staff", "surname: Tolvansson", "surname: a\x00b", [
        "5: column 15: expected text without control characters"
    ]),
    ("equipment", "ip: 198.51.100.7", "ip: '198.51.100.7", [
        "5: column 1: expected the quote that ends the text begun on line 4"
    ]),
    ("agreement", "outcome: approved}", "outcome: approved", [
        "13: column 9: expected a comma or } in the group that begins on line 12"
    ]),
    ("agreement", "id: tallbacken", "---\nid: a\n---\nb: c", [
        "3: column 1: expected one document; remove the second `---`"
    ]),
    ("staff", "surname: Tolvansson", "surname: &a Tolvansson", [
        "5: expected no anchor or alias (&, *); quote the text"
    ]),
    ("staff", "surname: Tolvansson", "surname: *a", [
        "5: column 14: expected no anchor or alias (&, *); quote the text"
    ]),
    ("staff", "surname: Tolvansson", "surname: " + "[" * 100_000, [
        "5: expected at most 30 levels of nesting"
    ]),
    ("staff", "surname: Tolvansson", "surname: !!python/name:os.system x", [
        "5: people[0].surname: expected no tag (!); quote text that begins with an exclamation mark"
    ]),
    ("staff", "surname: Tolvansson", "surname: !vault |\n      $ANSIBLE_VAULT;1.1;AES256", [
        "5: people[0].surname: expected no !vault value; encrypt the whole file "
        "(ansible-vault encrypt)",
        "5: people[0].surname: expected one line without control or invisible characters",
    ]),
    ("staff", "surname: Tolvansson", "surname: Tolvansson\n    surname: Ek", [
        "6: people[0].surname: expected each field once; the first is on line 5"
    ]),
    ("equipment", "workstations:", "[a]: b\nworkstations:", ["1: expected a plain field name"]),
    # wrong types
    ("agreement", '"559999-0008"', "5599990008", [
        "3: organisation_number: expected text in quotes"
    ]),
    ("agreement", "name: Tallbackens sagovård AB", "name:", ["2: name: expected text in quotes"]),
    ("agreement", "listed_patients: 1200", 'listed_patients: "1200"', [
        "19: units[0].listed_patients: expected a whole number"
    ]),
    ("agreement", "listed_patients: 1200", "listed_patients: true", [
        "19: units[0].listed_patients: expected a whole number"
    ]),
    ("agreement", "listed_patients: 1200", "listed_patients: -1", [
        "19: units[0].listed_patients: expected a whole number of 0 or more"
    ]),
    ("agreement", "listed_patients: 1200", "halsoval: yes", [
        "19: units[0].halsoval: expected true or false"
    ]),
    ("agreement", "services: [vardutbud_bas, stodapplikationer]", "services: vardutbud_bas", [
        "13: services: expected a list"
    ]),
    ("agreement", "sjunet: {agreement: 2025-09-08, connected: 2025-10-01}", "sjunet: yes", [
        "10: sjunet: expected a group of fields (field: value)"
    ]),
    ("agreement", "contract_signed: 2025-09-01", "contract_signed: 20250901", [
        "6: agreement.contract_signed: expected a day, YYYY-MM-DD"
    ]),
    ("agreement", "contract_signed: 2025-09-01", "contract_signed: 2025-02-29", [
        "6: agreement.contract_signed: expected a day that the calendar has"
    ]),
    ("agreement", "contract_signed: 2025-09-01", "contract_signed: 2025-09-01 12:00:00", [
        "6: agreement.contract_signed: expected a day, YYYY-MM-DD"
    ]),
    ("agreement", "outcome: approved", "outcome: yes", [
        "12: final_verification.outcome: expected approved or not_approved"
    ]),
    # forms
    ("agreement", "services: [vardutbud_bas, stodapplikationer]", "services: []", [
        "13: services: expected at least 1 item"
    ]),
    ("agreement", "    name: Tallbackens mottagning", (
        "    name: Tallbackens mottagning\n"
        '    address: {lines: [a, b, c, d, e], postal_code: "8313", city: Ås}'
    ), [
        "18: units[0].address.lines: expected at most 4 items",
        "18: units[0].address.postal_code: expected a postal code of five digits, 831 31",
    ]),
    ("agreement", "1-5#08:00#17:00", "8-17", [
        "18: units[0].opening_hours[0]: expected opening hours as days#from#to, "
        "for example 1-5#08:00#17:00"
    ]),
    ("equipment", "TB-PC-1", "Tallbackens första dator", [
        "2: workstations[0].name: expected a computer name of 1 to 15 of A-Z, a-z, 0-9 and "
        "hyphens, no hyphen first"
    ]),
    ("equipment", "198.51.100.7", "198.51.100.700", [
        "4: workstations[0].ip: expected an IPv4 address, 192.0.2.1"
    ]),
    ("staff", "ref: nurse-1", "mail: tolvan@localhost", [
        "2: people[0].mail: expected an e-mail address of ASCII letters, digits and signs, "
        "name@example.se"
    ]),
    ("staff", "ref: nurse-1", "phone: ring mig", [
        "2: people[0].phone: expected a telephone number of 3 to 31 digits, spaces, hyphens and "
        "brackets, a digit first and last, or + before it"
    ]),
    ("staff", "ref: nurse-1", "ref: Nurse 1", [
        "2: people[0].ref: expected 2 to 40 of a-z, 0-9 and hyphens, a letter first "
        "and no hyphen last"
    ]),
    # missing and unknown fields
    ("agreement", 'organisation_number: "559999-0008"\n', "", [
        "1: organisation_number: expected this field; it is missing"
    ]),
    ("staff", "    surname: Tolvansson\n", "", [
        "2: people[0].surname: expected this field; it is missing"
    ]),
    ("staff", "ref: nurse-1", "home_address: Storgatan 1", [
        "2: people[0].home_address: expected a field that docs/reference/record-fields.md lists; "
        "this one is unknown"
    ]),
    ("staff", "ref: nurse-1", "from_: 2026-01-01", [
        "2: people[0].from_: expected a field that docs/reference/record-fields.md lists; "
        "this one is unknown"
    ]),
    ("agreement", "listed_patients: 1200", "<<: {listed_patients: 1200}", [
        "19: units[0].<<: expected a field that docs/reference/record-fields.md lists; "
        "this one is unknown"
    ]),
    ("agreement", "[vardutbud_bas,", "[vardutbud_bas, teleportation,", [
        "13: services[1]: expected a service of the catalogue "
        "(docs/reference/services.md lists them)"
    ]),
    # numbers and ids
    ("staff", "19121212-1212", "19121212-1213", [
        "3: people[0].personnummer: the check digit of the personnummer is wrong"
    ]),
    ("staff", "19121212-1212", "19121312-1212", [
        "3: people[0].personnummer: the personnummer holds no valid date"
    ]),
    ("staff", "19121212-1212", "121212-1212", [
        "3: people[0].personnummer: expected a personnummer of 12 digits, YYYYMMDD-NNNN"
    ]),
    ("staff", "19050375-2388", "19050375-2389", [
        "11: people[1].samordningsnummer: the check digit of the samordningsnummer is wrong"
    ]),
    ("agreement", "559999-0008", "559999-0009", [
        "3: organisation_number: the check digit of the organisationsnummer is wrong"
    ]),
    ("staff", "ref: nurse-1", "hsa_id: SE2321000214_1", [
        "2: people[0].hsa_id: expected an HSA-id: SE, 10 digits, a hyphen and 1 to 18 letters "
        "A-Z a-z or digits; in tests TST and letters A-Z or digits for SE, 31 characters in all"
    ]),
    ("staff", "ref: nurse-1", "hsa_id: SE5599990008-0001", [
        "2: people[0].hsa_id: expected an HSA-id that begins with SE2321000214-"
    ]),
    ("agreement", "[vardutbud_bas, stodapplikationer]", "[vardutbud_bas", [
        "14: column 19: expected a comma or ] in the list that begins on line 13"
    ]),
    ("agreement", "id: tallbacken", "id: granbacken", [
        "1: id: expected the folder's name, tallbacken"
    ]),
    # names
    ("staff", "Tolvansson", "T" * 5000, [
        "5: people[0].surname: expected at most 64 characters: HSA and AD take no more"
    ]),
    ("agreement", "Tallbackens mottagning", 65 * "å", [
        "17: units[0].name: expected at most 64 characters: HSA and AD take no more"
    ]),
    ("staff", "Tolvansson", "🙂" * 33, [
        "5: people[0].surname: expected at most 64 characters, rare ones such as emoji count twice"
    ]),
    ("staff", "Tolvansson", '"a\\0b"', [
        "5: people[0].surname: expected one line without control or invisible characters"
    ]),
    ("staff", "Tolvansson", '"a\\nb"', [
        "5: people[0].surname: expected one line without control or invisible characters"
    ]),
    ("staff", "Tolvansson", "Tolv\u200fansson", [
        "5: people[0].surname: expected one line without control or invisible characters"
    ]),
    ("staff", "Tolvansson", '" Tolvansson"', [
        "5: people[0].surname: expected text without space at its beginning or end"
    ]),
    ("staff", "Tolvansson", '""', [
        "5: people[0].surname: expected text, not an empty one"
    ]),
    # days
    ("agreement", "operation_start: 2026-01-07", "operation_start: 2025-01-07", [
        "9: agreement.operation_start: expected a day on or after contract_signed"
    ]),
    ("staff", "to: 2026-06-30", "to: 2025-06-30", [
        "25: people[1].assignments[0].to: expected a day on or after from"
    ]),
    # between the parts
    ("equipment", "unit: mottagning", "unit: okand", [
        "3: workstations[0].unit: expected the id of a unit in agreement.yml"
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("part", "old", "new", "expected"), TEXT)
def test_bad_text(records: Records, part: str, old: str, new: str, expected: list[str]) -> None:
    records.change(part, old, new)

    assert records.errors() == tuple(f"tallbacken/{part}.yml:{error}" for error in expected)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "just text", "- a\n- b"])
def test_file_without_fields(records: Records, text: str) -> None:
    (records.path / "tallbacken/staff.yml").write_text(text)

    line = 2 if text.startswith("#") else 1
    assert records.errors() in (
        (f"tallbacken/staff.yml:{line}: expected a group of fields (field: value)",),
        ("tallbacken/staff.yml:1: expected a group of fields (field: value)",),
    )


def test_all_faults_of_all_parts_at_once(records: Records) -> None:
    records.change("agreement", "listed_patients: 1200", "listed_patients: many")
    records.change("staff", "19121212-1212", "19121212-1213")
    records.change("staff", "kind: temporary", "kind: borrowed")
    records.change("equipment", "198.51.100.7", "here")

    assert records.errors() == (
        "tallbacken/agreement.yml:19: units[0].listed_patients: expected a whole number",
        "tallbacken/staff.yml:3: people[0].personnummer: "
        "the check digit of the personnummer is wrong",
        "tallbacken/staff.yml:19: people[1].assignments[0].kind: "
        "expected employed, temporary or consultant",
        "tallbacken/equipment.yml:4: workstations[0].ip: expected an IPv4 address, 192.0.2.1",
    )


def test_other_parts_are_checked_beside_one_that_cannot_be_read(records: Records) -> None:
    records.change("staff", "people:", "people: [")
    records.change("equipment", "    unit: mottagning\n", "")

    assert records.errors() == (
        "tallbacken/staff.yml:2: column 3: expected a value; check the brackets and hyphens",
        "tallbacken/equipment.yml:2: workstations[0].unit: expected this field; it is missing",
    )


def test_missing_part(records: Records) -> None:
    (records.path / "tallbacken/equipment.yml").unlink()

    assert records.errors() == ("tallbacken/equipment.yml: expected this file; it is missing",)


def test_part_that_is_a_directory(records: Records) -> None:
    (records.path / "tallbacken/equipment.yml").unlink()
    (records.path / "tallbacken/equipment.yml").mkdir()

    assert records.errors() == (
        "tallbacken/equipment.yml: expected a regular file; this is a directory",
    )


def test_text_that_is_not_utf_8(records: Records) -> None:
    staff = records.path / "tallbacken/staff.yml"
    staff.write_bytes(staff.read_text(encoding="utf-8").encode("latin-1"))

    assert records.errors() == ("tallbacken/staff.yml:12: expected text in UTF-8",)


def test_stray_file_in_a_record(records: Records) -> None:
    (records.path / "tallbacken/stuff.yml").write_text("people: []")

    assert records.errors() == (
        "tallbacken: expected only agreement.yml, staff.yml, equipment.yml, not stuff.yml",
    )


@pytest.mark.parametrize("name", [".staff.yml.swp", "staff.yml~", "#staff.yml#", "README.md"])
def test_what_editors_and_people_leave_is_no_part(records: Records, name: str) -> None:
    (records.path / "tallbacken" / name).write_text("anything: [")
    (records.path / name).write_text("anything: [")

    assert records.read().errors == {}


def test_file_beside_the_folders(records: Records) -> None:
    (records.path / "granbacken.yml").write_text("id: granbacken")

    assert records.read().errors == {
        "invalid-granbacken-yml": (
            "granbacken.yml: expected a folder for each provider; this is a file",
        )
    }


@pytest.mark.parametrize(
    ("folder", "host", "shown"),
    [
        ("Tallbacken", "invalid-tallbacken", "Tallbacken"),
        ("tall\nbacken", "invalid-tall-backen", "tall\\x0abacken"),
        ("{{ x }}", "invalid-x", "{{ x }}"),
        (CANARY, "invalid", "********-****"),
        ("vard-19121212-1212", "invalid-vard", "vard-********-****"),
    ],
)
def test_folder_whose_name_is_no_id(records: Records, folder: str, host: str, shown: str) -> None:
    shutil.move(records.path / "tallbacken", records.path / folder)

    assert records.read().errors == {
        host: (
            f"{shown}: expected a provider id as the folder's name: 2 to 40 of a-z, 0-9 and "
            "hyphens, a letter first, no hyphen last, no personal number",
            f"{shown}/agreement.yml:1: id: expected the folder's name, {shown}",
        )
    }


def test_folders_that_would_share_a_host_name(records: Records) -> None:
    for name in ("A", "a!", "invalid-a"):
        (records.path / name).mkdir()

    assert list(records.read().errors) == ["invalid-a", "invalid-a-2", "invalid-a-3"]


# --- encrypted parts


def test_encrypted_part(records: Records) -> None:
    staff = records.path / "tallbacken/staff.yml"
    plain = records.read()
    staff.write_bytes(VAULT.encrypt(staff.read_bytes()))

    assert records.read() == replace(plain, findings=())


def test_fault_in_an_encrypted_part_has_its_line(records: Records) -> None:
    records.change("staff", "19121212-1212", "19121212-1213")
    staff = records.path / "tallbacken/staff.yml"
    staff.write_bytes(VAULT.encrypt(staff.read_bytes()))

    assert records.errors() == (
        "tallbacken/staff.yml:3: people[0].personnummer: "
        "the check digit of the personnummer is wrong",
    )


def test_no_vault_password_stops_everything(records: Records) -> None:
    staff = records.path / "tallbacken/staff.yml"
    staff.write_bytes(VAULT.encrypt(staff.read_bytes()))

    with pytest.raises(SourceError) as stopped:
        records.read(VaultLib())

    assert str(stopped.value) == (
        "tallbacken/staff.yml is encrypted and no vault password was given "
        "(--vault-password-file, --ask-vault-pass)"
    )


def test_wrong_vault_password_is_the_records_error(records: Records) -> None:
    staff = records.path / "tallbacken/staff.yml"
    staff.write_bytes(VAULT.encrypt(staff.read_bytes()))

    reading = records.read(VaultLib([("default", VaultSecret(b"wrong"))]))

    assert reading.errors == {
        "tallbacken": (
            "tallbacken/staff.yml: expected a file that a given vault password decrypts",
        )
    }


@pytest.mark.parametrize(
    "content",
    [
        b"$ANSIBLE_VAULT",
        b"$ANSIBLE_VAULT;1.1;AES256\n",
        b"$ANSIBLE_VAULT;1.1;ROT13\n6162\n",
        b"$ANSIBLE_VAULT;1.1;AES256\nzz\n",
        VAULT.encrypt(b"people: []")[:-20],
    ],
)
def test_damaged_vault_is_the_records_error(records: Records, content: bytes) -> None:
    (records.path / "tallbacken/staff.yml").write_bytes(content)

    assert records.errors() == (
        "tallbacken/staff.yml: expected a file that a given vault password decrypts",
    )


# --- the directory


def test_missing_directory(records: Records) -> None:
    shutil.rmtree(records.path)

    with pytest.raises(SourceError, match=f"the record directory {records.path} does not exist"):
        records.read()


@pytest.mark.parametrize("left", [[], [".git"], ["README.md", "notes.txt"]])
def test_empty_directory(records: Records, left: list[str]) -> None:
    shutil.rmtree(records.path)
    records.path.mkdir()
    for name in left:
        (records.path / name).touch()

    with pytest.raises(SourceError, match="is empty: no provider has a folder there"):
        records.read()


# --- several records


def test_invalid_record_leaves_the_others_alone(records: Records) -> None:
    records.copy("granbacken")
    records.change("staff", "people:", "people: [", "granbacken")

    reading = records.read()

    assert list(reading.providers) == ["tallbacken"]
    assert list(reading.errors) == ["granbacken"]
    assert reading.invalid_ids == ("granbacken",)


def test_what_two_records_claim_is_a_conflict_of_both(records: Records) -> None:
    records.copy("granbacken", computer="tb-pc-1")

    reading = records.read()

    assert list(reading.providers) == ["granbacken", "tallbacken"]
    assert reading.conflicts == {
        "granbacken": (
            "granbacken/equipment.yml:2: workstations[0].name: expected a workstation name that "
            "no other has; compare the record of tallbacken",
        ),
        "tallbacken": (
            "tallbacken/equipment.yml:2: workstations[0].name: expected a workstation name that "
            "no other has; compare the record of granbacken",
        ),
    }


def test_invalid_record_is_in_conflict_with_nobody(records: Records) -> None:
    records.copy("granbacken", computer="tb-pc-1")
    records.change("staff", "19121212-1212", "19121212-1213", "granbacken")
    (records.path / "granbacken/equipment.yml").write_text(
        (records.path / "tallbacken/equipment.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )

    reading = records.read()

    assert list(reading.providers) == ["tallbacken"]
    assert reading.conflicts == {}


def test_record_under_another_folder_stands_for_its_own_id(records: Records) -> None:
    """What the provider holds in the systems must not pass for unexplained."""
    records.copy("granbacken")
    shutil.move(records.path / "granbacken", records.path / "granbacken-ny")

    reading = records.read()

    assert reading.errors == {
        "granbacken-ny": (
            "granbacken-ny/agreement.yml:1: id: expected the folder's name, granbacken-ny",
        )
    }
    assert reading.invalid_ids == ("granbacken", "granbacken-ny")


def test_copied_folder_does_not_make_the_original_invalid(records: Records) -> None:
    shutil.copytree(records.path / "tallbacken", records.path / "kopia")

    reading = records.read()

    assert list(reading.providers) == ["tallbacken"]
    assert reading.invalid_ids == ("kopia",)


# --- what is personal


HIDING_PLACES = [
    ("surname: Tolvansson", "surname: {number}: x"),
    ("surname: Tolvansson", "surname: Tolvansson\n    '{number}': x"),
    ("surname: Tolvansson", "surname: Tolvansson\n    '{number}': x\n    '{number}': x"),
    ("surname: Tolvansson", "surname: {{'{number}': x}}"),
    ("surname: Tolvansson", "surname: !{number} x"),
    ("surname: Tolvansson", "surname: &{number} x"),
    ("surname: Tolvansson", "surname: *{number}"),
    ("unit: mottagning\n        kind: employed", "unit: '{number}'\n        kind: employed"),
    ("kind: employed", "kind: '{number}'"),
    ("ref: nurse-1", "ref: '{number}'"),
    ("ref: nurse-1", "hsa_id: '{number}'"),
    ("ref: nurse-1", "mail: '{number}'"),
    ("19121212-1212", "{number}x"),
]


@pytest.mark.parametrize("number", sorted(spellings(CANARY)))
@pytest.mark.parametrize(("old", "new"), HIDING_PLACES)
def test_no_error_shows_a_personal_number(
    records: Records, old: str, new: str, number: str
) -> None:
    records.change("staff", old, new.format(number=number))

    reading = records.read()

    assert reading.errors
    told = json.dumps([reading.errors, reading.invalid_ids])
    assert not [spelling for spelling in spellings(CANARY) if spelling in told]


def test_reading_does_not_show_its_records(records: Records) -> None:
    assert "Tolvansson" not in repr(records.read())


# --- the documentation


def test_example_in_the_documentation_is_valid(records: Records) -> None:
    page = (Path(__file__).parents[3] / "docs/records.md").read_text(encoding="utf-8")
    folder = records.path / "fjallhalsan"
    folder.mkdir()
    for part, text in re.findall(r"```yaml\n# (\w+\.yml)\n(.*?)```", page, re.DOTALL):
        if part != "halsoval.yml":
            (folder / part).write_text(text, encoding="utf-8")
    shutil.rmtree(records.path / "tallbacken")

    reading = records.read()

    assert reading.errors == {}
    assert reading.providers["fjallhalsan"].phase == "establishment"
