# Copyright: Contributors to the regionjh.halsoval collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is noted of writes, and how the next run finds out what came of those of a killed one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.regionjh.halsoval.plugins.module_utils.engine import matching
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.journal import (
    Intent,
    found,
    intended,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.plan import (
    Attribute,
    Change,
    Entry,
    Operation,
    Wanted,
)
from ansible_collections.regionjh.halsoval.plugins.module_utils.engine.provision import (
    Desired,
    Request,
    provision,
)
from ansible_collections.regionjh.halsoval.tests.unit.builders import number
from ansible_collections.regionjh.halsoval.tests.unit.memory_directory import MemoryDirectory
from ansible_collections.regionjh.halsoval.tests.unit.memory_journal import MemoryJournal

BASE = "ou=Branch,c=SE"
SECRET = b"secret"
SCHEMA = (
    Attribute("objectClass"),
    Attribute("cn"),
    Attribute("sn"),
    Attribute("fullName"),
    Attribute("mail", matching.case_ignore),
    Attribute("hsaIdentity"),
    Attribute("personalIdentityNumber", matching.numeric, secret=True),
    Attribute("ou", shown=True),
    Attribute("title", shown=True),
)
ATTRIBUTES = {attribute.name: attribute for attribute in SCHEMA}
HASHES = {"alfa": "1f", "beta": "2f"}


class Killed(Exception):
    """The process is gone: nothing after it runs."""


class Fragile(MemoryDirectory):
    """A directory that dies after some writes of a batch."""

    survives: int | None = None

    def apply(self, operations: Sequence[Operation]) -> Mapping[Operation, str]:
        if self.survives is None:
            return super().apply(operations)
        super().apply(operations[: self.survives])
        raise Killed


def desire(mail: str, count: int = 4) -> Desired:
    wanted = [
        Wanted(
            key=f"p{n}", kind="person", id=f"SE1-P{n}", level=1, parent=BASE,
            rdns=(f"cn=SE1-P{n}",), providers=frozenset({"alfa"}),
            attributes={
                "objectClass": ("person",), "cn": (f"SE1-P{n}",), "sn": ("Å",), "fullName": ("Å",),
                "hsaIdentity": (f"SE1-P{n}",), "mail": (mail,),
                "personalIdentityNumber": (number(n),),
            },
        )
        for n in range(count)
    ]  # fmt: skip
    return Desired(tuple(wanted), SCHEMA, {})


def run(directory: MemoryDirectory, journal: MemoryJournal, mail: str = "a@x.se") -> None:
    def desired(held: Sequence[Entry]) -> Desired:
        by_id = {entry.first("hsaIdentity"): entry for entry in held}
        wish = desire(mail)
        return replace(wish, wanted=tuple(replace(w, held=by_id.get(w.id)) for w in wish.wanted))

    request = Request(
        providers=("alfa",), known=frozenset({"alfa"}), invalid=frozenset(), expected=frozenset(),
        secret=SECRET, check=False, diff=False, title="HSA",
    )  # fmt: skip
    provision(directory, desired, request, journal)


@pytest.fixture
def directory() -> Fragile:
    return Fragile(("c=SE", BASE), SCHEMA)


def test_every_write_has_an_intent_before_it_and_an_outcome_after(directory: Fragile) -> None:
    journal = MemoryJournal()
    seen: list[int] = []
    real = directory.apply
    directory.apply = lambda ops: seen.append(len(journal.intents)) or real(ops)  # type: ignore
    run(directory, journal)
    assert seen == [4]
    assert journal.outcomes == dict.fromkeys(range(1, 5), "done")
    assert {one.operation for _system, one in journal.intents.values()} == {"add"}


def test_a_write_that_is_refused_is_noted_as_failed_without_the_servers_words(
    directory: Fragile,
) -> None:
    directory.refuses = lambda op: "Anna is not welcome" if op.id == "SE1-P2" else None
    journal = MemoryJournal()
    run(directory, journal)
    assert sorted(journal.outcomes.values()) == ["done", "done", "done", "failed"]


@pytest.mark.parametrize("survives", range(5))
def test_the_next_run_tells_which_additions_of_a_killed_one_were_made(
    directory: Fragile, survives: int
) -> None:
    journal = MemoryJournal()
    directory.survives = survives
    with pytest.raises(Killed):
        run(directory, journal)
    assert journal.outcomes == {}
    directory.survives = None
    run(directory, journal)
    first = [journal.outcomes[n] for n in range(1, 5)]
    assert first == ["found done"] * survives + ["found undone"] * (4 - survives)
    assert journal.unfinished("HSA") == []


@pytest.mark.parametrize("survives", range(5))
def test_the_next_run_tells_which_changes_of_a_killed_one_were_made(
    directory: Fragile, survives: int
) -> None:
    journal = MemoryJournal()
    run(directory, journal)
    directory.survives = survives
    with pytest.raises(Killed):
        run(directory, journal, "b@x.se")
    directory.survives = None
    run(directory, journal, "c@x.se")  # what is wished meanwhile does not matter
    changes = [journal.outcomes[n] for n in range(5, 9)]
    assert changes == ["found done"] * survives + ["found undone"] * (4 - survives)


def test_an_intent_of_another_system_is_left_to_it(directory: Fragile) -> None:
    journal = MemoryJournal()
    operation = Operation(action="add", key="k", kind="person", id="X", level=0, dn="cn=x",
                          providers=frozenset({"alfa"}))  # fmt: skip
    with journal.exclusive("AD"):
        journal.intend("AD", [intended(operation, HASHES, ATTRIBUTES, SECRET)])
    run(directory, journal)
    assert [intent.number for intent in journal.unfinished("AD")] == [1]


def test_an_intent_holds_no_value_and_no_personal_number() -> None:
    change = Change("personalIdentityNumber", (number(1),), (number(1),), (number(2),))
    mail = Change("mail", (), (), ("anna.fjallstrom@alfa.se",))
    operation = Operation(
        action="modify", key=number(1), kind="person", id="SE1-P1", level=0,
        dn="cn=Anna Fjällström,ou=x", providers=frozenset({"beta", "alfa"}), changes=(change, mail),
    )  # fmt: skip
    one = intended(operation, HASHES, ATTRIBUTES, SECRET)
    assert (one.provider, one.object, one.plan) == ("alfa,beta", "person SE1-P1", "1f,2f")
    assert one.attributes == "personalIdentityNumber,mail"
    for secret in (number(1), number(2), "anna", "Anna", "Fjällström"):
        assert secret not in str(one)


def test_a_rename_is_told_by_both_names() -> None:
    operation = Operation(
        action="rename", key="u", kind="unit", id="SE1-U", level=0, dn="ou=Old,c=SE",
        providers=frozenset({"alfa"}), new_rdn="ou=New",
    )  # fmt: skip
    old, new = Entry("ou=old,c=SE", {}), Entry("OU=New,c=SE", {})
    assert verdict(operation, [new]) == "found done"
    assert verdict(operation, [old]) == "found undone"
    assert verdict(operation, [old, new]) == "found undone"
    assert verdict(operation, []) == "unclear"


def test_a_rename_to_another_spelling_is_told_by_the_spelling() -> None:
    operation = Operation(
        action="rename", key="u", kind="unit", id="SE1-U", level=0, dn="ou=norra VÅRD,c=SE",
        providers=frozenset({"alfa"}), new_rdn="ou=Norra Vård",
    )  # fmt: skip
    before, after = (
        Entry(f"ou={name},c=SE", {"ou": (name,)}) for name in ("norra VÅRD", "Norra Vård")
    )
    assert verdict(operation, [after]) == "found done"
    assert verdict(operation, [before]) == "found undone"
    assert verdict(operation, [Entry("ou=NORRA VÅRD,c=SE", {"ou": ("NORRA VÅRD",)})]) == "unclear"
    assert verdict(operation, []) == "unclear"


def test_a_corrected_spelling_is_told_by_the_spelling() -> None:
    operation = Operation(
        action="modify", key="a", kind="person", id="X", level=0, dn="cn=a",
        providers=frozenset({"alfa"}),
        changes=(Change("title", ("läkare",), ("läkare",), ("Läkare",)),),
    )  # fmt: skip
    assert verdict(operation, [Entry("cn=a", {"title": ("Läkare",)})]) == "found done"
    assert verdict(operation, [Entry("cn=a", {"title": ("läkare",)})]) == "found undone"


def test_an_intent_of_a_version_that_compared_otherwise_is_unclear() -> None:
    operation = Operation(
        action="modify", key="a", kind="person", id="X", level=0, dn="cn=a",
        providers=frozenset({"alfa"}), changes=(Change("title", (), (), ("Läkare",)),),
    )  # fmt: skip
    proof = json.loads(intended(operation, HASHES, ATTRIBUTES, SECRET).proof)
    proof["key"] = [hmac.digest(SECRET, b"", hashlib.sha256)[:12].hex()]
    held = [Entry("cn=a", {"title": ("Läkare",)})]
    assert found([Intent(1, json.dumps(proof))], held, ATTRIBUTES, SECRET) == {1: "unclear"}


def test_a_moved_entry_is_found_by_its_address() -> None:
    operation = Operation(
        action="modify", key="a", kind="account", id="SE1-P1", level=0, dn="CN=A,OU=Konton",
        address="<GUID=1>", providers=frozenset({"alfa"}),
        changes=(Change("mail", (), (), ("a@x.se",)),),
    )  # fmt: skip
    moved = Entry("CN=A,OU=Annan", {"mail": ("A@x.se",)}, "<GUID=1>")
    assert verdict(operation, [moved]) == "found done"
    assert verdict(operation, [Entry("CN=A,OU=Konton", {}, "<GUID=2>")]) == "unclear"


def test_what_somebody_changed_again_is_unclear() -> None:
    operation = Operation(
        action="modify", key="a", kind="person", id="X", level=0, dn="cn=a",
        providers=frozenset({"alfa"}), changes=(Change("mail", ("a",), ("a",), ("b",)),),
    )  # fmt: skip
    assert verdict(operation, [Entry("cn=a", {"mail": ("b",)})]) == "found done"
    assert verdict(operation, [Entry("cn=a", {"mail": ("a",)})]) == "found undone"
    assert verdict(operation, [Entry("cn=a", {"mail": ("c",)})]) == "unclear"
    assert verdict(operation, [Entry("cn=a", {"mail": ("a", "b")})]) == "unclear"


@pytest.mark.parametrize("action", ["add", "modify", "rename"])
def test_another_key_than_the_runs_leaves_it_unclear_instead_of_wrong(action: Any) -> None:
    """The key is the password's: it may have been changed between the two runs."""
    changes = {"modify": (Change("mail", (), (), ("b",)),)}.get(action, ())
    operation = Operation(
        action=action, key="a", kind="person", id="X", level=0, dn="cn=a", changes=changes,
        providers=frozenset({"alfa"}), new_rdn="cn=b" if action == "rename" else "",
    )  # fmt: skip
    intent = Intent(1, intended(operation, HASHES, ATTRIBUTES, b"before").proof)
    held = [Entry("cn=a", {"mail": ("b",)})]
    assert found([intent], held, ATTRIBUTES, SECRET) == {1: "unclear"}


_names = st.text(st.sampled_from('aÅ +,"\\=<'), min_size=1, max_size=6)


@settings(max_examples=200)
@given(_names, _names)
def test_a_name_is_recognised_however_a_server_spells_it(unit: str, other: str) -> None:
    dn = f"{matching.rdn(('ou', unit))},c=SE"
    operation = Operation(action="add", key="u", kind="unit", id="X", level=0, dn=dn,
                          providers=frozenset({"alfa"}))  # fmt: skip
    spelled = f"OU={_in_hex(unit)},C=se"
    assert verdict(operation, [Entry(spelled, {})]) == "found done"
    same = matching.case_ignore(unit) == matching.case_ignore(other)
    expected = "found done" if same else "found undone"
    assert verdict(operation, [Entry(f"{matching.rdn(('ou', other))},c=SE", {})]) == expected


def verdict(operation: Operation, held: list[Entry]) -> str:
    intent = Intent(1, intended(operation, HASHES, ATTRIBUTES, SECRET).proof)
    return found([intent], held, ATTRIBUTES, SECRET)[1]


def _in_hex(text: str) -> str:
    return "".join(f"\\{octet:02x}" for octet in text.encode())
